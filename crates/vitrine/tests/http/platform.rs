//! The platform, sentence by sentence.

use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use vitrine_access::grant::Subject;
use vitrine_access::ids::UserId;
use vitrine_access::time::Timestamp;
use vitrine_service::platform::ACCESS_KEY_CLIENT;

use crate::app::{CUBE, Call, TestApp, open_call};

/// Id and secret of a new key of a user's, or of the operator's.
pub(crate) async fn key(
    app: &TestApp,
    user: Option<&str>,
    expires_at: Option<Timestamp>,
) -> (String, String) {
    let user = app.services.find_user(user).await.unwrap();
    let made = app
        .services
        .create_access_key(&user, "test".to_owned(), expires_at);
    let (record, key) = made.await.unwrap();
    (record.id.to_string(), key.reveal().to_owned())
}

pub(crate) async fn revoked_key(app: &TestApp) -> (String, String) {
    let (id, secret) = key(app, None, None).await;
    let user = app.services.find_user(None).await.unwrap();
    let revoked = app.services.revoke_access_key(user.id, id.parse().unwrap());
    revoked.await.unwrap();
    (id, secret)
}

pub(crate) fn sign_in(id: &str, secret: &str) -> Call {
    Call::post("/oauth/token").json(&json!({
        "grant_type": "password", "client_id": ACCESS_KEY_CLIENT, "username": id, "password": secret,
    }))
}

/// The sign-in that an access token names.
pub(crate) fn sign_in_id(token: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    claims["sid"].as_str().unwrap().to_owned()
}

pub(crate) fn renew(refresh_token: &str) -> Call {
    Call::post("/oauth/token").json(&json!({
        "grant_type": "refresh_token", "client_id": ACCESS_KEY_CLIENT,
        "refresh_token": refresh_token,
    }))
}

pub(crate) async fn signed_in(app: &TestApp, (id, secret): &(String, String)) -> Value {
    app.send(sign_in(id, secret)).await.expect(200).json()
}

pub(crate) async fn access(app: &TestApp, key: &(String, String)) -> String {
    let answer = signed_in(app, key).await;
    answer["access_token"].as_str().unwrap().to_owned()
}

fn models(embed: &str) -> Call {
    Call::get(&format!("/api/v1/models/mine?embed={embed}"))
}

#[tokio::test]
async fn tokens_of_platform_and_geometry_are_never_taken_for_each_other() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let signed = signed_in(&app, &key(&app, None, None).await).await;
    let geometry = Call::get(&format!("/api/v2/model/{}", model.id));
    for token in ["access_token", "refresh_token"] {
        let token = signed[token].as_str().unwrap();
        app.send(geometry.clone().bearer(token))
            .await
            .expect_error(401, "SdJwtValidationError");
    }
    let user = app.token(Subject::User(model.owner.user), &["*"]);
    let refresh = signed["refresh_token"].as_str().unwrap().to_owned();
    for token in [
        user,
        app.backend_token(),
        app.model_token(model.id),
        refresh,
    ] {
        app.send(models("ticket").bearer(&token)).await.expect(401);
    }
    let access = signed["access_token"].as_str().unwrap();
    let refused = app.send(renew(access)).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    app.finish().await;
}

#[tokio::test]
async fn a_refresh_token_survives_several_uses_until_the_sign_in_ends() {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let signed = signed_in(&app, &key(&app, None, None).await).await;
    let refresh = signed["refresh_token"].as_str().unwrap();
    let mut tokens = vec![signed["access_token"].as_str().unwrap().to_owned()];
    for _ in 0..3 {
        let renewed = app.send(renew(refresh)).await.expect(200).json();
        assert!(renewed["expires_in"].as_u64().unwrap() > 0);
        tokens.push(renewed["access_token"].as_str().unwrap().to_owned());
    }
    for token in &tokens {
        app.send(models("").bearer(token)).await.expect(200);
    }
    let out = Call::post("/oauth/logout").json(&json!({ "refresh_token": refresh }));
    app.send(out).await.expect(200);
    for token in &tokens {
        app.send(models("").bearer(token)).await.expect(401);
    }
    let refused = app.send(renew(refresh)).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_key_ends_what_it_signed_in() {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let key = key(&app, None, None).await;
    let token = access(&app, &key).await;
    app.send(models("").bearer(&token)).await.expect(200);
    let user = app.services.find_user(None).await.unwrap();
    let revoked = app
        .services
        .revoke_access_key(user.id, key.0.parse().unwrap());
    revoked.await.unwrap();
    app.send(models("").bearer(&token)).await.expect(401);
    app.finish().await;
}

#[tokio::test]
async fn sign_ins_are_refused_in_the_words_of_the_rfc() {
    let app = TestApp::start().await;
    let (id, secret) = key(&app, None, None).await;
    let full = |member: &str, value: Value| {
        let mut body = json!({
            "grant_type": "password", "client_id": ACCESS_KEY_CLIENT.to_uppercase(),
            "username": id, "password": secret,
        });
        body[member] = value;
        Call::post("/oauth/token").json(&body)
    };
    app.send(full("more", json!("x"))).await.expect(200);
    for (call, status, word) in [
        (full("password", json!("x")), 400, "invalid_grant"),
        (full("username", Value::Null), 400, "invalid_request"),
        (full("client_id", json!("x")), 401, "invalid_client"),
        (
            full("grant_type", json!("client_credentials")),
            400,
            "unsupported_grant_type",
        ),
        (
            full("grant_type", json!("refresh_token")),
            400,
            "invalid_request",
        ),
    ] {
        let refused = app.send(call).await.expect(status).json();
        assert_eq!(refused["error"], word);
        assert!(refused["error_description"].is_string());
    }
    let form = format!(
        "grant_type=password&client_id={ACCESS_KEY_CLIENT}&username={id}&password={secret}"
    );
    let call = Call::post("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    app.send(call).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn others_models_look_as_if_there_were_none() {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let theirs = app
        .push_for(UserId::new(app.entropy()), "theirs", CUBE)
        .await;
    let token = access(&app, &key(&app, None, None).await).await;
    let mut seen = Vec::new();
    for key in [
        theirs.id.to_string(),
        "theirs".to_owned(),
        "nothing".to_owned(),
    ] {
        let path = format!("/api/v1/models/{key}");
        let answer = app.send(Call::get(&path).bearer(&token)).await;
        let mut body = answer.expect(404).json();
        body["error"]["requestId"].take();
        seen.push(body);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let both = json!({ "ids": ["mine", "theirs"], "scope": ["group.view"] });
    let call = Call::post("/api/v1/tokens").json(&both).bearer(&token);
    app.send(call).await.expect(404);
    let call = Call::post("/api/v1/models/query")
        .json(&json!({}))
        .bearer(&token);
    let listed = app.send(call).await.expect(200).json();
    let listed = listed["data"]["result"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["slug"], "mine");
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_is_handed_out_again_and_domains_change_what_it_opens() {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let token = access(&app, &key(&app, None, None).await).await;
    let mut tickets = Vec::new();
    for _ in 0..2 {
        let shown = app.send(models("ticket").bearer(&token)).await;
        let shown = shown.expect(200).json();
        let ticket = shown["data"]["ticket"]["ticket"].as_str().unwrap();
        tickets.push(ticket.to_owned());
        app.pass(Duration::from_secs(1));
    }
    assert_eq!(tickets[0], tickets[1]);
    app.send(open_call(&tickets[0])).await.expect(201);
    let patch = json!({ "accessdomains": ["other.example.com"] });
    let call = Call::new("PATCH", "/api/v1/models/mine").json(&patch);
    let changed = app.send(call.bearer(&token)).await.expect(200).json();
    assert_eq!(
        changed["data"]["accessdomains"][0]["name"],
        "other.example.com"
    );
    app.send(open_call(&tickets[0]))
        .await
        .expect_error(403, "SdTicketValidationError");
    app.finish().await;
}

#[tokio::test]
async fn asking_again_and_again_makes_no_more_tickets_and_groups() {
    let app = TestApp::start().await;
    let one = app.push("one", CUBE).await;
    let two = app.push("two", CUBE).await;
    let token = access(&app, &key(&app, None, None).await).await;
    let subject = async |ids: Value| {
        let wish = json!({ "ids": ids, "scope": ["group.view"] });
        let call = Call::post("/api/v1/tokens").json(&wish).bearer(&token);
        let answer = app.send(call).await.expect(200).json();
        let made = answer["data"]["access_token"].as_str().unwrap().to_owned();
        app.services.verify_token(&made).unwrap().token.subject
    };
    assert_eq!(subject(json!(["one", "one"])).await, Subject::Model(one.id));
    assert_eq!(
        subject(json!(["two", two.id.to_string()])).await,
        Subject::Model(two.id)
    );
    let group = subject(json!(["one", "two"])).await;
    assert!(matches!(group, Subject::AuthGroup(_)), "{group:?}");
    assert_eq!(subject(json!(["two", "one", "two"])).await, group);

    let author = async || {
        let shown = app.send(Call::get("/api/v1/models/one?embed=author_ticket").bearer(&token));
        let shown = shown.await.expect(200).json();
        shown["data"]["author_ticket"]["ticket"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = author().await;
    assert_eq!(author().await, first);
    app.send(Call::new("HEAD", "/api/v1/models/one?embed=author_ticket").bearer(&token))
        .await
        .expect(200);
    let store = app.services.store();
    assert_eq!(store.tickets(one.id, 10).await.unwrap().len(), 1);
    app.pass(Duration::from_hours(7));
    let token = access(&app, &key(&app, None, None).await).await;
    let call = Call::get("/api/v1/models/one?embed=author_ticket").bearer(&token);
    app.send(call).await.expect(200);
    assert_eq!(
        store.tickets(one.id, 10).await.unwrap().len(),
        2,
        "the first one ends soon"
    );
    app.finish().await;
}

#[tokio::test]
async fn revoking_an_account_ends_what_it_had_given_out_for_its_models() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let path = format!("/api/v2/model/{}", model.id);
    let (author, minted, session) = {
        let token = access(&app, &key(&app, None, None).await).await;
        let shown = app.send(models("author_ticket").bearer(&token)).await;
        let shown = shown.expect(200).json();
        let author = shown["data"]["author_ticket"]["ticket"]
            .as_str()
            .unwrap()
            .to_owned();
        let wish = json!({ "ids": ["mine"], "scope": ["group.owner", "file.download"] });
        let call = Call::post("/api/v1/tokens").json(&wish).bearer(&token);
        let made = app.send(call).await.expect(200).json();
        let minted = made["data"]["access_token"].as_str().unwrap().to_owned();
        (author.clone(), minted, app.open(&author).await)
    };
    let download = |token: &str| Call::get(&format!("{path}/file/download")).bearer(token);
    app.send(download(&minted)).await.expect(200);
    let visitor = app.open(&app.ticket(&model).await).await;
    app.pass(Duration::from_secs(2));
    let owner = app.services.find_user(None).await.unwrap();
    app.services
        .revoke_subject(Subject::User(owner.id))
        .await
        .unwrap();
    app.send(download(&minted)).await.expect(401);
    app.send(open_call(&author)).await.expect(403);
    app.send(session.defaults()).await.expect(410);
    app.send(visitor.defaults()).await.expect(200);
    // The platform's own token is not the account's, and what is given out from now on is good.
    app.send(download(&app.backend_token())).await.expect(200);
    app.pass(Duration::from_secs(1));
    app.send(download(&app.model_token(model.id)))
        .await
        .expect(200);
    app.finish().await;
}

#[tokio::test]
async fn what_is_asked_for_again_and_again_in_one_query_is_given_once() {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let token = access(&app, &key(&app, None, None).await).await;
    let many = vec!["ticket"; 500].join(",");
    app.send(models(&many).bearer(&token)).await.expect(200);
    let more = vec!["ticket"; 600].join(",");
    app.send(models(&more).bearer(&token)).await.expect(400);
    let wish = json!({ "sorters": { "x".repeat(10_000): "desc" } });
    let call = Call::post("/api/v1/models/query")
        .json(&wish)
        .bearer(&token);
    assert!(app.send(call).await.expect(400).body.len() < 1_000);
    app.finish().await;
}
