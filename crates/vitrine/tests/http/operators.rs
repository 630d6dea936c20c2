//! What administrators of the server do by the platform: keys, plans, partners; and what accounts see of their caps.

use serde_json::{Value, json};
use vitrine_access::caps::{CapScope, CapWindow};
use vitrine_access::ids::UserId;
use vitrine_service::models::OPERATOR;

use crate::app::{CUBE, Call, TestApp};
use crate::platform::{access, key};

/// A server with a model, and the token of an administrator.
async fn administered() -> (TestApp, String) {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let store = app.services.store();
    store.set_administrator(OPERATOR, true).await.unwrap();
    let token = access(&app, &key(&app, None, None).await).await;
    (app, token)
}

async fn done(app: &TestApp, token: &str, call: Call) -> Value {
    let answer = app.send(call.bearer(token)).await.expect(200).json();
    answer["data"].clone()
}

fn patch(path: &str, body: &Value) -> Call {
    Call::new("PATCH", path).json(body)
}

#[tokio::test]
async fn signing_keys_are_rotated_and_retired_and_a_retired_one_ends_its_sign_ins() {
    let (app, token) = administered().await;
    let keys = done(&app, &token, Call::get("/api/v1/operator/keys")).await;
    let old = keys["signing"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(keys["signing"].as_array().unwrap().len(), 1);
    assert!(keys["sealing"][0]["live_tickets"].is_u64());
    let rotate = Call::post("/api/v1/operator/keys");
    let wrong = rotate.clone().json(&json!({ "alg": "HS256" }));
    let refused = app.send(wrong.bearer(&token)).await.expect(400).json();
    assert_eq!(refused["error"]["code"], "request-invalid");
    let made = done(&app, &token, rotate.json(&json!({ "alg": "EdDSA" }))).await;
    assert_eq!(
        (&made["alg"], &made["state"]),
        (&json!("EdDSA"), &json!("published"))
    );
    let retire = Call::new("DELETE", &format!("/api/v1/operator/keys/{old}"));
    app.send(retire.clone().bearer(&token)).await.expect(200);
    // The administrator's own sign-in was by that key.
    let refused = app.send(retire.bearer(&token)).await.expect(401).json();
    assert_eq!(refused["error"]["code"], "token-revoked");
    app.finish().await;
}

#[tokio::test]
async fn whoever_is_no_longer_an_administrator_is_refused_from_the_next_request_on() {
    let (app, token) = administered().await;
    let health = Call::get("/api/v1/operator/health").bearer(&token);
    let shown = app.send(health.clone()).await.expect(200).json();
    assert!(shown["data"]["workers"]["at_most"].as_u64().unwrap() >= 1);
    assert!(!shown["data"]["checks"].as_array().unwrap().is_empty());
    let store = app.services.store();
    store.set_administrator(OPERATOR, false).await.unwrap();
    let refused = app.send(health).await.expect(403).json();
    assert_eq!(refused["error"]["code"], "permission-missing");
    app.finish().await;
}

#[tokio::test]
async fn a_narrow_key_of_an_administrator_operates_nothing() {
    let (app, token) = administered().await;
    let narrow =
        Call::post("/api/v1/apitokens").json(&json!({ "scope": ["models-full", "users-full"] }));
    let made = done(&app, &token, narrow).await;
    let text = |member: &str| made[member].as_str().unwrap().to_owned();
    let narrow = access(&app, &(text("key_id"), text("key_secret"))).await;
    for path in ["/api/v1/operator/health", "/api/v1/operator/keys"] {
        let refused = app
            .send(Call::get(path).bearer(&narrow))
            .await
            .expect(403)
            .json();
        assert_eq!(refused["error"]["code"], "permission-missing");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_account_gets_another_plan_and_a_wrong_name_changes_nothing() {
    let (app, token) = administered().await;
    let plans = done(&app, &token, Call::get("/api/v1/operator/plans")).await;
    assert_eq!(plans.as_array().unwrap().len(), 3);
    let other = UserId::new(app.entropy());
    app.push_for(other, "theirs", CUBE).await;
    let place = format!("/api/v1/operator/accounts/{other}");
    let wrong = patch(&place, &json!({ "plan": "gold" })).bearer(&token);
    app.send(wrong).await.expect(400);
    let set = done(&app, &token, patch(&place, &json!({ "plan": "free" }))).await;
    assert_eq!(
        (&set["plan"], &set["kind"]),
        (&json!("free"), &json!("user"))
    );
    let again = done(&app, &token, Call::get(&place)).await;
    assert_eq!(again["plan"], "free");
    for unknown in ["nobody@example.com", "organization:x"] {
        let unknown = Call::get(&format!("/api/v1/operator/accounts/{unknown}"));
        app.send(unknown.bearer(&token)).await.expect(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_partner_is_made_gets_another_key_and_is_blocked() {
    let (app, token) = administered().await;
    let wanted = json!({ "name": "Acme", "origins": ["cad.example.com"] });
    let made = done(&app, &token, Call::post("/api/v1/partners").json(&wanted)).await;
    let (id, first) = (
        made["id"].as_str().unwrap(),
        made["key"]["secret"].as_str().unwrap(),
    );
    let generate = |key: &str| {
        Call::post("/generate")
            .header("x-api-key", key)
            .json(&json!({ "file": "a.dxf" }))
    };
    app.send(generate(first)).await.expect(200);
    let keys = format!("/api/v1/partners/{id}/keys");
    let second = done(
        &app,
        &token,
        Call::post(&keys).json(&json!({ "overlap_s": 60 })),
    )
    .await;
    let second = second["secret"].as_str().unwrap().to_owned();
    app.send(generate(first)).await.expect(200);
    let listed = done(&app, &token, Call::post("/api/v1/partners/query")).await;
    let partner = &listed["result"][0];
    assert_eq!(partner["keys"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("vit_pk_"), "{listed}");
    let old = partner["keys"].as_array().unwrap().iter();
    let old = old
        .clone()
        .find(|key| !key["valid_until"].is_null())
        .unwrap();
    let revoke = format!("{keys}/{}", old["id"].as_str().unwrap());
    let revoke = Call::new("DELETE", &revoke).bearer(&token);
    app.send(revoke.clone()).await.expect(200);
    app.send(revoke).await.expect(404);
    app.send(generate(first)).await.expect(403);
    app.send(generate(&second)).await.expect(200);
    let block = patch(
        &format!("/api/v1/partners/{id}"),
        &json!({ "blocked": true }),
    );
    done(&app, &token, block).await;
    let refused = app.send(generate(&second)).await.expect(403).json();
    assert_eq!(refused["code"], "partner-blocked");
    app.finish().await;
}

#[tokio::test]
async fn accounts_see_their_own_caps_and_those_of_their_models_and_no_others() {
    let (app, token) = administered().await;
    let other = UserId::new(app.entropy());
    let theirs = app.push_for(other, "theirs", CUBE).await;
    let mine = app.push("mine too", CUBE).await;
    for (scope, credits) in [
        (CapScope::User(OPERATOR), 500),
        (CapScope::Model(mine.id), 7),
        (CapScope::User(other), 1),
        (CapScope::Model(theirs.id), 2),
    ] {
        let set = app.services.set_cap(scope, CapWindow::Day, credits).await;
        set.unwrap();
    }
    let ask = |filters: Value| {
        let asked = json!({ "filters": filters });
        Call::post("/api/v1/credit_caps/query")
            .json(&asked)
            .bearer(&token)
    };
    let credits = |answer: &Value| -> Vec<u64> {
        let caps = answer["data"]["result"].as_array().unwrap().iter();
        caps.map(|cap| cap["credits"].as_u64().unwrap()).collect()
    };
    let own = app.send(ask(json!({}))).await.expect(200).json();
    assert_eq!(credits(&own), [500]);
    let of_model = ask(json!({ "model_id[=]": mine.id.to_string() }));
    let mut both = credits(&app.send(of_model).await.expect(200).json());
    both.sort_unstable();
    assert_eq!(both, [7, 500]);
    let foreign = ask(json!({ "model_id[=]": theirs.id.to_string() }));
    app.send(foreign).await.expect(404);
    app.send(ask(json!({ "scope": "user" }))).await.expect(400);
    app.finish().await;
}
