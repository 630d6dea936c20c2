//! The console's page, and what only it asks of the platform.

use serde_json::{Value, json};
use vitrine_service::models::ModelPatch;

use crate::app::{CONTENT_URL, CUBE, Call, PUBLIC_URL, SHOP, TestApp, open_call};
use crate::platform::{access, key};

const STRANGER: &str = "https://stranger.example.com";

/// A server with one model, and a way to ask about it as its owner.
async fn owned(app: &TestApp) -> (vitrine_service::ModelRecord, String) {
    let model = app.push("mine", CUBE).await;
    let token = access(app, &key(app, None, None).await).await;
    (model, token)
}

async fn ask(app: &TestApp, token: &str, path: &str, body: &Value) -> Value {
    let call = Call::post(&format!("/api/v1/models/mine/{path}"));
    let answer = app.send(call.bearer(token).json(body)).await;
    answer.expect(200).json()["data"].clone()
}

#[tokio::test]
async fn the_console_is_served_on_the_public_origin_alone() {
    let app = TestApp::start().await;
    let by = |url: &str| {
        let (_, host) = url.split_once("://").unwrap();
        Call::get("/").header("host", host)
    };
    let moved = app.send(by(CONTENT_URL)).await.expect(307);
    assert_eq!(moved.header("location").unwrap(), format!("{PUBLIC_URL}/"));
    let page = app.send(by(PUBLIC_URL)).await;
    // A checkout whose pages were not built says so.
    if page.status == 200 {
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(page.text().contains(CONTENT_URL));
        assert!(!page.text().contains("__VITRINE_CONFIG__"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_is_made_listed_and_revoked_by_its_owner() {
    let app = TestApp::start().await;
    let (_, token) = owned(&app).await;
    let made = ask(&app, &token, "tickets", &json!({ "type": "embedding" })).await;
    let ticket = made["ticket"].as_str().unwrap().to_owned();
    let session = app.open(&ticket).await;
    let listed = ask(&app, &token, "tickets/query", &json!({})).await;
    let row = &listed["result"][0];
    assert_eq!((&row["id"], &row["state"]), (&made["id"], &json!("live")));
    assert_eq!(row["ticket"], made["ticket"]);

    let path = format!(
        "/api/v1/models/mine/tickets/{}",
        made["id"].as_str().unwrap()
    );
    let revoke = || Call::new("DELETE", &path).bearer(&token);
    app.send(revoke()).await.expect(200);
    app.send(open_call(&ticket)).await.expect(403);
    app.send(session.defaults()).await.expect(410);
    let live = ask(&app, &token, "sessions/query", &json!({})).await;
    assert_eq!(live["result"], json!([]), "it ended with its ticket");
    let listed = ask(&app, &token, "tickets/query", &json!({})).await;
    assert_eq!(listed["result"][0]["state"], "revoked");
    assert_eq!(listed["result"][0]["ticket"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn tickets_and_sessions_of_another_model_cannot_be_named() {
    let app = TestApp::start().await;
    let (_, token) = owned(&app).await;
    let other = app.push("other", CUBE).await;
    let ticket = app.ticket(&other).await;
    let opened = app.open(&ticket).await;
    let id = app.services.decrypt_ticket(&ticket).unwrap().id;
    let session: vitrine_access::ids::SessionId = opened.id.parse().unwrap();
    for path in [
        format!("tickets/{id}"),
        "tickets/x".to_owned(),
        format!("sessions/{}", session.hash().alias()),
        format!("sessions/{}", opened.id),
        "sessions/x".to_owned(),
    ] {
        let call = Call::new("DELETE", &format!("/api/v1/models/mine/{path}")).bearer(&token);
        let refused = app.send(call).await.expect(404).json();
        assert_eq!(refused["error"]["code"], "entity-unknown", "{path}");
    }
    let tried = Call::post("/api/v1/models/mine/try_origin")
        .bearer(&token)
        .json(&json!({ "origin": SHOP, "ticket_id": id.to_string() }));
    app.send(tried).await.expect(404);
    app.send(opened.defaults()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_session_that_its_owner_ends_is_gone_at_once() {
    let app = TestApp::start().await;
    let (model, token) = owned(&app).await;
    let opened = app.open(&app.ticket(&model).await).await;
    let listed = ask(&app, &token, "sessions/query", &json!({})).await;
    let row = &listed["result"][0];
    assert_eq!(
        (&row["origin"], &row["kind"]),
        (&json!(SHOP), &json!("page"))
    );
    assert!(
        !listed.to_string().contains(&opened.id),
        "a session id is told"
    );
    let path = format!(
        "/api/v1/models/mine/sessions/{}",
        row["alias"].as_str().unwrap()
    );
    let revoke = || Call::new("DELETE", &path).bearer(&token);
    app.send(revoke()).await.expect(200);
    app.send(opened.defaults()).await.expect(410);
    app.send(revoke()).await.expect(404);
    let listed = ask(&app, &token, "sessions/query", &json!({})).await;
    assert_eq!(listed["result"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn trying_an_origin_says_what_opening_a_session_would_say() {
    let app = TestApp::start().await;
    let (model, token) = owned(&app).await;
    let ticket = app.ticket(&model).await;
    for (origin, status) in [
        (SHOP, 201),
        (STRANGER, 403),
        ("http://shop.example.com", 403),
    ] {
        let tried = ask(&app, &token, "try_origin", &json!({ "origin": origin })).await;
        let call = Call::post(&format!("/api/v2/ticket/{ticket}")).origin(origin);
        let opened = app.send(call.json(&json!({}))).await.expect(status);
        assert_eq!(tried["allowed"], status == 201, "{origin}: {tried}");
        if status == 403 {
            assert_eq!(tried["refusal"]["code"], opened.json()["code"], "{origin}");
            assert_eq!(
                tried["refusal"]["message"],
                opened.json()["message"],
                "{origin}"
            );
        }
    }
    // A list that is still being written.
    let draft = json!({ "origin": STRANGER, "accessdomains": ["*.example.com"] });
    let tried = ask(&app, &token, "try_origin", &draft).await;
    assert_eq!(tried["allowed"], true, "{tried}");
    // Only who is let in learns what state the model is in.
    let mut blocked = ModelPatch::default();
    blocked.blocking.owner = Some(true);
    app.services.update_model(model.id, blocked).await.unwrap();
    for (origin, code) in [(SHOP, "model-blocked"), (STRANGER, "origin-not-allowed")] {
        let tried = ask(&app, &token, "try_origin", &json!({ "origin": origin })).await;
        assert_eq!(tried["refusal"]["code"], code);
    }
    app.finish().await;
}

#[tokio::test]
async fn entries_are_read_by_the_rule_that_saves_them() {
    let app = TestApp::start().await;
    let (_, token) = owned(&app).await;
    let call = |entries: &[&str]| {
        Call::post("/api/v1/accessdomains/check")
            .bearer(&token)
            .json(&json!({ "accessdomains": entries }))
    };
    let entries = ["HTTPS://Shop.Example.com/", "*.co.uk", "a/b"];
    let read = app.send(call(&entries)).await.expect(200).json();
    let read = &read["data"]["result"];
    assert_eq!(read[0]["normalised"], "shop.example.com");
    for (row, words) in [(1, "anybody can have a name"), (2, "write only the host")] {
        assert!(
            read[row]["error"].as_str().unwrap().contains(words),
            "{read}"
        );
    }
    let max = vitrine_access::limits::DOMAINS_MAX;
    let many = |count| std::iter::repeat_n("a.example", count).collect::<Vec<_>>();
    app.send(call(&many(max))).await.expect(200);
    app.send(call(&many(max + 1))).await.expect(400);
    app.finish().await;
}

#[tokio::test]
async fn the_trail_names_each_refusal_its_reason_and_what_to_do() {
    let app = TestApp::start().await;
    let (model, token) = owned(&app).await;
    let ticket = app.ticket(&model).await;
    let call = || Call::post(&format!("/api/v2/ticket/{ticket}")).origin(STRANGER);
    let refused = app.send(call().json(&json!({}))).await.expect(403).json();
    app.send(call().json(&json!({}))).await.expect(403);
    let page = ask(&app, &token, "audit/query", &json!({ "limit": 1 })).await;
    assert_eq!(page["result"].as_array().unwrap().len(), 1);
    let next = page["pagination"]["next_offset"].clone();
    let rest = json!({ "limit": 1, "offset": next });
    let rest = ask(&app, &token, "audit/query", &rest).await;
    assert_ne!(rest["result"][0]["id"], page["result"][0]["id"]);

    let one = json!({ "request_id": refused["requestId"] });
    let one = ask(&app, &token, "audit/query", &one).await;
    let row = &one["result"][0];
    assert_eq!(row["origin"], STRANGER);
    assert_eq!(row["reason"], "origin-not-allowed");
    assert!(
        row["remedy"]
            .as_str()
            .is_some_and(|remedy| !remedy.is_empty())
    );
    let none = ask(&app, &token, "audit/query", &json!({ "request_id": "x" })).await;
    assert_eq!(none["result"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn a_thumbnail_is_seen_by_whoever_lists_the_model() {
    let app = TestApp::start().await;
    let (model, token) = owned(&app).await;
    let get = || Call::get("/api/v1/models/mine").bearer(&token);
    let shown = app.send(get()).await.expect(200).json();
    assert_eq!(shown["data"]["thumbnail_url"], Value::Null);
    let png = bytes::Bytes::from_static(b"\x89PNG");
    app.services.set_thumbnail(model.id, png).await.unwrap();
    let shown = app.send(get()).await.expect(200).json();
    let url = shown["data"]["thumbnail_url"].as_str().unwrap();
    let path = url.strip_prefix(CONTENT_URL).unwrap();
    let picture = app.send(Call::get(path)).await.expect(200);
    assert_eq!(picture.header("content-type"), Some("image/png"));
    app.finish().await;
}
