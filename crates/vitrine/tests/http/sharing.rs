//! Models that are shared with users, and by a link.

use serde_json::{Value, json};
use vitrine_access::ids::UserId;

use crate::app::{Call, TestApp};
use crate::platform_roles::somebody;

pub(crate) fn share(model: &str, user: UserId, policy: &str, token: &str) -> Call {
    let body = json!({ "user_id": user.to_string(), "model_id": model, "policy_alias": policy });
    Call::post("/api/v1/model_sharing")
        .json(&body)
        .bearer(token)
}

fn get(key: &str, token: &str) -> Call {
    Call::get(&format!(
        "/api/v1/models/{key}?embed=token_export_fallback,ticket,backend_ticket"
    ))
    .bearer(token)
}

async fn listed(app: &TestApp, token: &str) -> Vec<String> {
    let call = Call::post("/api/v1/models/query").json(&json!({ "limit": 100 }));
    let page = app.send(call.bearer(token)).await.expect(200).json();
    let rows = page["data"]["result"].as_array().unwrap();
    let mut slugs: Vec<String> = rows
        .iter()
        .map(|row| row["slug"].as_str().unwrap().to_owned())
        .collect();
    // Time stands still, so that the order of the page is that of their ids.
    slugs.sort_unstable();
    slugs
}

#[tokio::test]
async fn a_model_is_seen_by_whom_it_is_shared_with_as_long_as_it_is() {
    let app = TestApp::start().await;
    let (_, hers) = somebody(&app, "hers").await;
    let (bob, bobs) = somebody(&app, "bobs").await;
    let (_, carols) = somebody(&app, "carols").await;
    app.send(get("hers", &bobs)).await.expect(404);
    let made = app
        .send(share("hers", bob, "SharedModelPolicyView", &hers))
        .await;
    let made = made.expect(200).json()["data"].clone();
    // Again is the same.
    let again = app
        .send(share("hers", bob, "SharedModelPolicyView", &hers))
        .await;
    assert_eq!(again.expect(200).json()["data"]["id"], made["id"]);
    let seen = app.send(get("hers", &bobs)).await.expect(200).json()["data"].clone();
    assert_eq!(seen["policies_granted"], json!(["SharedModelPolicyView"]));
    assert!(seen["access_token"].is_string() && seen["ticket"]["ticket"].is_string());
    assert_eq!(seen["backend_ticket"], Value::Null);
    assert_eq!(listed(&app, &bobs).await, ["bobs", "hers"]);
    assert_eq!(listed(&app, &carols).await, ["carols"]);
    app.send(get("hers", &carols)).await.expect(404);
    let patch = |token: &str| {
        let call = Call::new("PATCH", "/api/v1/models/hers");
        call.json(&json!({ "title": "Another title" }))
            .bearer(token)
    };
    app.send(patch(&bobs)).await.expect(403);
    app.send(share("hers", bob, "SharedModelPolicyExport", &bobs))
        .await
        .expect(403);
    let grouped = Call::get("/api/v1/model_sharing/model/hers/grouped_by_user");
    let grouped = app.send(grouped.bearer(&hers)).await.expect(200).json();
    assert_eq!(grouped["data"][0]["user_id"], bob.to_string());
    assert_eq!(grouped["data"][0]["policies"].as_array().unwrap().len(), 1);
    let shared = format!("/api/v1/model_sharing/{}", made["id"].as_str().unwrap());
    let end = |token: &str| Call::new("DELETE", &shared).bearer(token);
    app.send(end(&carols)).await.expect(404);
    app.send(end(&hers)).await.expect(200);
    app.send(get("hers", &bobs)).await.expect(404);
    assert_eq!(listed(&app, &bobs).await, ["bobs"]);
    app.finish().await;
}

#[tokio::test]
async fn each_right_gives_what_it_says_and_whoever_has_it_can_give_it_back() {
    let app = TestApp::start().await;
    let (_, hers) = somebody(&app, "hers").await;
    let (bob, bobs) = somebody(&app, "bobs").await;
    let call = Call::new("PATCH", "/api/v1/models/hers").json(&json!({ "backendaccess": true }));
    app.send(call.bearer(&hers)).await.expect(200);
    let token = |scope: &str| {
        let body = json!({ "id": "hers", "scope": [scope] });
        Call::post("/api/v1/tokens").json(&body).bearer(&bobs)
    };
    app.send(share("hers", bob, "SharedModelPolicyView", &hers))
        .await
        .expect(200);
    for (scope, status) in [
        ("group.view", 200),
        ("group.export", 403),
        ("group.owner", 403),
        ("group.analytics", 403),
        ("file.download", 403),
    ] {
        app.send(token(scope)).await.expect(status);
    }
    let body = json!({
        "user_id": bob.to_string(), "model_id": "hers",
        "policy_aliases": ["SharedModelPolicyExport", "SharedModelPolicyBackendApi", "SharedModelPolicyDownload"],
    });
    let many = Call::post("/api/v1/model_sharing/model_sharing_multiple").json(&body);
    let made = app.send(many.bearer(&hers)).await.expect(200).json();
    assert_eq!(made["data"].as_array().unwrap().len(), 3);
    for (scope, status) in [
        ("group.view", 200),
        ("group.export", 200),
        ("group.owner", 403),
        ("group.analytics", 403),
        ("file.download", 200),
    ] {
        app.send(token(scope)).await.expect(status);
    }
    let seen = app.send(get("hers", &bobs)).await.expect(200).json();
    assert!(seen["data"]["backend_ticket"]["ticket"].is_string());
    let query = Call::post("/api/v1/model_sharing/model/hers/query").json(&json!({}));
    let all = app.send(query.bearer(&hers)).await.expect(200).json();
    let all = all["data"]["result"].as_array().unwrap().clone();
    assert_eq!(all.len(), 4);
    for one in &all {
        let path = format!("/api/v1/model_sharing/{}", one["id"].as_str().unwrap());
        app.send(Call::new("DELETE", &path).bearer(&bobs))
            .await
            .expect(200);
    }
    app.send(get("hers", &bobs)).await.expect(404);
    for (policy, status) in [("SharedModelPolicyEverything", 400), ("", 400)] {
        app.send(share("hers", bob, policy, &hers))
            .await
            .expect(status);
    }
    let nobody = UserId::new(app.entropy());
    app.send(share("hers", nobody, "SharedModelPolicyView", &hers))
        .await
        .expect(404);
    app.finish().await;
}

#[tokio::test]
async fn a_link_shows_a_private_model_to_everybody_until_it_is_switched_off() {
    let app = TestApp::start().await;
    let (_, hers) = somebody(&app, "hers").await;
    let switch = async |on: bool| {
        let call = Call::new("PATCH", "/api/v1/models/hers");
        let call = call.json(&json!({ "link_sharing": on })).bearer(&hers);
        app.send(call).await.expect(200).json()["data"]["link_sharing_slug"].clone()
    };
    let first = switch(true).await.as_str().unwrap().to_owned();
    assert_eq!(switch(true).await, first, "it stays the same");
    let by = |key: &str| Call::get(&format!("/api/v1/models/{key}?embed=ticket"));
    let seen = app.send(by(&first)).await.expect(200).json()["data"].clone();
    assert_eq!(
        seen["policies_granted"][0],
        "PrivateLinkSharedModelPolicyView"
    );
    assert!(seen.get("link_sharing_slug").is_none(), "{seen}");
    // The link is the right: the name alone is none, and another link neither.
    app.send(by("hers")).await.expect(401);
    let mut altered = first.clone().into_bytes();
    altered[40] = if altered[40] == b'0' { b'1' } else { b'0' };
    let altered = String::from_utf8(altered).unwrap();
    app.send(by(&altered)).await.expect(401);
    assert_eq!(switch(false).await, Value::Null);
    app.send(by(&first)).await.expect(401);
    let second = switch(true).await.as_str().unwrap().to_owned();
    assert_ne!(first, second);
    app.send(by(&first)).await.expect(401);
    app.send(by(&second)).await.expect(200);
    app.finish().await;
}

/// `(model, user, right)` of each row of a list of rights.
fn rights(page: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = page["data"]["result"].as_array();
    let rows = rows.or(page["data"].as_array()).unwrap();
    let mut rights: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                text(&row["model_id"]),
                text(&row["user_id"]),
                text(&row["policy_alias"]),
            )
        })
        .collect();
    rights.sort_unstable();
    rights
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one story: each list is about the same rights"
)]
async fn rights_are_listed_by_who_gave_and_who_has_them_and_copied_from_model_to_model() {
    let app = TestApp::start().await;
    let (alice, hers) = somebody(&app, "hers").await;
    let (bob, bobs) = somebody(&app, "bobs").await;
    let (carol, carols) = somebody(&app, "carols").await;
    app.push_for(alice, "second", crate::app::CUBE).await;
    for (whom, policy) in [(bob, "View"), (bob, "Export"), (carol, "View")] {
        let policy = format!("SharedModelPolicy{policy}");
        app.send(share("hers", whom, &policy, &hers))
            .await
            .expect(200);
    }
    app.send(share("bobs", alice, "SharedModelPolicyView", &bobs))
        .await
        .expect(200);
    let post = async |path: &str, body: Value, token: &str| {
        let call = Call::post(&format!("/api/v1/model_sharing/{path}")).json(&body);
        app.send(call.bearer(token)).await
    };
    let query = async |token: &str| {
        rights(
            &post("query", json!({ "limit": 100 }), token)
                .await
                .expect(200)
                .json(),
        )
    };
    assert_eq!(
        query(&hers).await.len(),
        4,
        "three that she gave, one that she has"
    );
    assert_eq!(query(&bobs).await.len(), 3);
    assert_eq!(query(&carols).await.len(), 1);
    // Page by page the same, without one of them twice.
    let mut seen = Vec::new();
    let mut body = json!({ "limit": 1, "embed": ["user", "model", "provider"] });
    loop {
        let page = post("query", body.clone(), &hers).await.expect(200).json();
        for row in page["data"]["result"].as_array().unwrap() {
            assert!(row["user"]["id"].is_string() && row["provider"]["id"].is_string());
            assert_eq!(row["model"]["id"], row["model_id"]);
            seen.push(row["id"].as_str().unwrap().to_owned());
        }
        body["offset"] = page["data"]["pagination"]["next_offset"].clone();
        if body["offset"].is_null() {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4);
    post("query", json!({ "offset": "x" }), &hers)
        .await
        .expect(400);
    post("query", json!({ "embed": ["secrets"] }), &hers)
        .await
        .expect(400);
    post("query", json!({ "filters": { "user_id": "x" } }), &hers)
        .await
        .expect(400);
    let of = |user: UserId| format!("user/{user}/query");
    let page = post(&of(bob), json!({}), &hers).await.expect(200).json();
    assert_eq!(rights(&page).len(), 2);
    // Her own: what she has, and nothing that she gave.
    let page = post(&of(alice), json!({}), &hers).await.expect(200).json();
    assert_eq!(rights(&page).len(), 1);
    post(&of(bob), json!({}), &carols).await.expect(404);
    let get = |model: &str, user: UserId, token: &str| {
        Call::get(&format!("/api/v1/model_sharing/model/{model}/user/{user}")).bearer(token)
    };
    for (model, user, token, status, count) in [
        ("hers", bob, &hers, 200, 2),
        ("hers", carol, &hers, 200, 1),
        ("hers", bob, &bobs, 200, 2),
        ("hers", carol, &bobs, 403, 0),
        ("second", bob, &bobs, 404, 0),
    ] {
        let answer = app.send(get(model, user, token)).await;
        let answer = answer.expect(status);
        if status == 200 {
            assert_eq!(rights(&answer.json()).len(), count);
        }
    }
    app.send(self::get("second", &bobs)).await.expect(404);
    post("model/second/copy", json!({ "model_id": "hers" }), &bobs)
        .await
        .expect(404);
    post("model/second/copy", json!({ "model_id": "bobs" }), &hers)
        .await
        .expect(403);
    for _ in 0..2 {
        let made = post("model/second/copy", json!({ "model_id": "hers" }), &hers).await;
        assert_eq!(rights(&made.expect(200).json()).len(), 3);
    }
    app.send(self::get("second", &bobs)).await.expect(200);
    // What was given on a model that somebody does not manage any more is theirs to know no longer.
    let gone = Call::new("DELETE", "/api/v1/models/hers").bearer(&hers);
    app.send(gone).await.expect(200);
    assert_eq!(
        query(&bobs).await.len(),
        3,
        "two on the copy, one that he gave"
    );
    app.finish().await;
}
