//! The set-up link, applications that sign people in, and access keys in networks.

use std::time::Duration;

use serde_json::{Value, json};
use vitrine_access::oauth::Challenge;
use vitrine_access::secret::{ApiKey, SetUpKind};
use vitrine_service::ApplicationRecord;
use vitrine_service::platform::{CONSOLE_CLIENT, NewUser};

use crate::app::{Answer, Call, PUBLIC_URL, TestApp};
use crate::platform::{access, key};

const BACK: &str = "https://app.example.com/back";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const PASSWORD: &str = "a long walk home";

/// A token of an administrator's.
pub(crate) async fn administrator(app: &TestApp) -> String {
    let new = NewUser {
        email: "root@example.com".to_owned(),
        name: "Root".to_owned(),
        password: PASSWORD.to_owned(),
        administrator: true,
    };
    app.services.create_user(new).await.unwrap();
    by_password(app, "root@example.com").await
}

async fn by_password(app: &TestApp, name: &str) -> String {
    let call = Call::post("/oauth/token").json(&json!({
        "grant_type": "password", "client_id": CONSOLE_CLIENT, "username": name, "password": PASSWORD,
    }));
    text(&app.send(call).await.expect(200).json()["access_token"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A registered application's client id.
async fn application(app: &TestApp, token: &str) -> String {
    let body = json!({ "client_name": "Shop designer", "redirect_uris": [BACK] });
    let made = app
        .send(Call::post("/api/v1/apiclients").json(&body).bearer(token))
        .await;
    text(&made.expect(200).json()["data"]["client_id"])
}

fn challenge() -> String {
    Challenge::of(VERIFIER).unwrap().to_text()
}

/// What `POST /oauth/authorize` takes.
pub(crate) fn asked(client: &str) -> Value {
    json!({
        "client_id": client, "redirect_uri": BACK, "response_type": "code", "state": "a&b",
        "code_challenge": challenge(), "code_challenge_method": "S256",
    })
}

async fn code(app: &TestApp, client: &str, token: &str) -> String {
    let call = Call::post("/oauth/authorize").json(&asked(client));
    text(&app.send(call.bearer(token)).await.expect(200).json()["code"])
}

fn trade(client: &str, code: &str) -> Value {
    json!({
        "grant_type": "authorization_code", "client_id": client, "code": code,
        "code_verifier": VERIFIER, "redirect_uri": BACK,
    })
}

async fn token(app: &TestApp, body: &Value) -> Answer {
    app.send(Call::post("/oauth/token").json(body)).await
}

/// A token of an application that an administrator has registered and agreed to.
pub(crate) async fn on_behalf_of(app: &TestApp, administrator: &str) -> String {
    let client = application(app, administrator).await;
    let code = code(app, &client, administrator).await;
    let traded = token(app, &trade(&client, &code)).await.expect(200);
    text(&traded.json()["access_token"])
}

fn set_up(secret: &ApiKey<SetUpKind>, password: &str) -> Call {
    Call::post("/api/v1/setup").json(&json!({
        "token": secret.reveal(), "email": "root@example.com", "password": password, "name": "Root",
    }))
}

#[tokio::test]
async fn the_newest_set_up_link_makes_one_administrator_and_then_nobody() {
    let app = TestApp::start().await;
    let old = app.services.new_set_up_link().await.unwrap().unwrap();
    let new = app.services.new_set_up_link().await.unwrap().unwrap();
    let refused = app.send(set_up(&old, PASSWORD)).await.expect(403).json();
    assert_eq!(refused["error"]["code"], "link-invalid");
    // What cannot be taken leaves the link good.
    app.send(set_up(&new, "short")).await.expect(400);
    app.send(set_up(&new, PASSWORD)).await.expect(200);
    app.send(set_up(&new, PASSWORD)).await.expect(403);
    assert!(app.services.new_set_up_link().await.unwrap().is_none());
    let token = by_password(&app, "root@example.com").await;
    let clients = Call::post("/api/v1/apiclients/query").json(&json!({}));
    app.send(clients.bearer(&token)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_hold_the_set_up_link_one_becomes_the_administrator() {
    let app = TestApp::start().await;
    let link = app.services.new_set_up_link().await.unwrap().unwrap();
    let calls = tokio::join!(
        app.send(set_up(&link, PASSWORD)),
        app.send(set_up(&link, PASSWORD))
    );
    let mut statuses = [calls.0.status.as_u16(), calls.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    app.finish().await;
}

#[tokio::test]
async fn a_set_up_link_is_over_after_a_day_and_useless_beside_an_administrator() {
    let app = TestApp::start().await;
    let link = app.services.new_set_up_link().await.unwrap().unwrap();
    app.pass(Duration::from_hours(24));
    app.send(set_up(&link, PASSWORD)).await.expect(410);
    let link = app.services.new_set_up_link().await.unwrap().unwrap();
    administrator(&app).await;
    app.send(set_up(&link, PASSWORD)).await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn an_application_signs_somebody_in_by_code_and_renews_as_itself_only() {
    let app = TestApp::start().await;
    let root = administrator(&app).await;
    let client = application(&app, &root).await;
    let agreed = Call::post("/oauth/authorize").json(&asked(&client));
    let agreed = app.send(agreed.bearer(&root)).await.expect(200).json();
    let location = text(&agreed["location"]);
    let code = text(&agreed["code"]);
    assert_eq!(
        location,
        format!("{BACK}?code={code}&state=a%26b&iss=https%3A%2F%2Fvitrine.example")
    );
    let signed = token(&app, &trade(&client, &code)).await.expect(200).json();
    let access = text(&signed["access_token"]);
    let models = |token: &str| {
        let call = Call::post("/api/v1/models/query").json(&json!({}));
        call.bearer(token)
    };
    app.send(models(&access)).await.expect(200);
    let renew = |client: &str| {
        json!({
            "grant_type": "refresh_token", "client_id": client,
            "refresh_token": signed["refresh_token"],
        })
    };
    let refused = token(&app, &renew(CONSOLE_CLIENT)).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    token(&app, &renew(&client)).await.expect(200);
    // An application agrees to nothing and makes no keys.
    for call in [
        Call::post("/oauth/authorize").json(&asked(&client)),
        Call::post("/api/v1/apitokens").json(&json!({ "scope": ["*"] })),
    ] {
        let refused = app.send(call.bearer(&access)).await.expect(403).json();
        assert_eq!(refused["error"]["code"], "permission-missing");
    }
    let password = json!({
        "grant_type": "password", "client_id": client, "username": "root@example.com",
        "password": PASSWORD,
    });
    let refused = token(&app, &password).await.expect(400).json();
    assert_eq!(refused["error"], "unauthorized_client");
    let path = format!("/api/v1/apiclients/{client}");
    app.send(Call::new("DELETE", &path).bearer(&root))
        .await
        .expect(200);
    app.send(models(&access)).await.expect(401);
    token(&app, &renew(&client)).await.expect(401);
    app.finish().await;
}

#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_for_what_it_was_asked_for_only() {
    let app = TestApp::start().await;
    let root = administrator(&app).await;
    let client = application(&app, &root).await;
    let other = application(&app, &root).await;
    let good = code(&app, &client, &root).await;
    let mut answers = Vec::new();
    let with = |member: &str, value: &str| {
        let mut body = trade(&client, &good);
        body[member] = json!(value);
        body
    };
    for body in [
        with("client_id", &other),
        with("redirect_uri", "https://app.example.com/back/"),
        with("code_verifier", &"a".repeat(43)),
        with("code_verifier", &challenge()),
        with("code", "vit_ac_0"),
        with("code", "' OR 1=1 --"),
    ] {
        let mut refused = token(&app, &body).await.expect(400).json();
        refused["requestId"].take();
        answers.push(refused);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0]["error"], "invalid_grant");
    app.pass(Duration::from_mins(1));
    token(&app, &trade(&client, &good)).await.expect(400);
    let good = code(&app, &client, &root).await;
    let signed = token(&app, &trade(&client, &good)).await.expect(200).json();
    // Somebody has a copy: what it was traded for ends.
    token(&app, &trade(&client, &good)).await.expect(400);
    let call = Call::post("/api/v1/models/query").json(&json!({}));
    app.send(call.bearer(signed["access_token"].as_str().unwrap()))
        .await
        .expect(401);
    app.finish().await;
}

#[tokio::test]
async fn one_of_two_who_trade_a_code_at_the_same_moment_gets_tokens() {
    let app = TestApp::start().await;
    let root = administrator(&app).await;
    let client = application(&app, &root).await;
    let good = code(&app, &client, &root).await;
    let body = trade(&client, &good);
    let answers = tokio::join!(token(&app, &body), token(&app, &body));
    let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    app.finish().await;
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_was_not_registered() {
    let app = TestApp::start().await;
    let root = administrator(&app).await;
    let client = application(&app, &root).await;
    let page = |client: &str, redirect: &str, more: &str| {
        let pairs = [("client_id", client), ("redirect_uri", redirect)];
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        Call::get(&format!("/oauth/authorize?{query}{more}"))
    };
    let fit = format!(
        "&response_type=code&code_challenge={}&code_challenge_method=S256&state=x",
        challenge()
    );
    for redirect in [
        "",
        "https://rival.example/",
        "https://app.example.com/back/",
        "https://app.example.com/back?x",
        "https://app.example.com/back#x",
        "https://app.example.com/BACK",
        "https://app.example.com/back/../../rival",
        "https://app.example.com@rival.example/back",
        "//app.example.com/back",
        "javascript:alert(1)",
    ] {
        let refused = app.send(page(&client, redirect, &fit)).await.expect(400);
        assert_eq!(refused.header("location"), None, "{redirect}");
        assert_eq!(refused.json()["code"], "redirect-invalid", "{redirect}");
        let mut body = asked(&client);
        body["redirect_uri"] = json!(redirect);
        let call = Call::post("/oauth/authorize").json(&body).bearer(&root);
        app.send(call).await.expect(400);
    }
    let unknown = app.send(page("nobody", BACK, &fit)).await.expect(401);
    assert_eq!(unknown.json()["error"], "invalid_client");
    let sent = app.send(page(&client, BACK, &fit)).await.expect(303);
    let to = sent.header("location").unwrap();
    assert!(to.starts_with(&format!("{PUBLIC_URL}/?client_id=")), "{to}");
    assert!(to.ends_with("#/authorize"), "{to}");
    for (more, word) in [
        ("&response_type=token", "unsupported_response_type"),
        ("&response_type=code", "invalid_request"),
        (
            "&response_type=code&code_challenge_method=plain&code_challenge=abc",
            "invalid_request",
        ),
    ] {
        let sent = app.send(page(&client, BACK, more)).await.expect(303);
        let to = sent.header("location").unwrap();
        assert!(to.starts_with(&format!("{BACK}?error={word}&")), "{to}");
    }
    app.finish().await;
}

#[tokio::test]
async fn applications_are_registered_by_administrators_with_addresses_that_can_be_theirs() {
    let app = TestApp::start().await;
    let root = administrator(&app).await;
    let make = |body: &Value, token: &str| {
        let call = Call::post("/api/v1/apiclients").json(body);
        call.bearer(token)
    };
    for redirect in [
        "http://app.example.com/",
        "javascript:alert(1)",
        "https://*.example.com/",
        "https://app.example.com/#x",
    ] {
        let body = json!({ "client_name": "x", "redirect_uris": [redirect] });
        let refused = app.send(make(&body, &root)).await.expect(400).json();
        assert!(refused["error"]["fields"]["redirect_uris"].is_string());
    }
    let body = json!({ "client_name": "x", "redirect_uris": [] });
    let somebody = access(&app, &key(&app, None, None).await).await;
    app.send(make(&body, &somebody)).await.expect(403);
    let twice = json!({ "client_id": "shop", "client_name": "x" });
    app.send(make(&twice, &root)).await.expect(200);
    app.send(make(&twice, &root)).await.expect(400);
    let patch = Call::new("PATCH", "/api/v1/apiclients/shop");
    let patch = patch.json(&json!({ "redirect_uris": [BACK] }));
    let shown = app.send(patch.bearer(&root)).await.expect(200).json();
    assert_eq!(shown["data"]["redirect_uris"], json!([BACK]));
    app.finish().await;
}

#[tokio::test]
async fn an_access_key_is_good_in_its_networks_and_a_replaced_one_for_the_overlap() {
    let app = TestApp::start().await;
    let root = administrator(&app).await;
    let body =
        json!({ "scope": ["models-read"], "networks": ["198.51.100.0/24", "2001:db8::/32"] });
    let made = app
        .send(Call::post("/api/v1/apitokens").json(&body).bearer(&root))
        .await;
    let made = made.expect(200).json()["data"].clone();
    let sign_in = |pair: &Value| {
        crate::platform::sign_in(
            pair["key_id"].as_str().unwrap(),
            pair["key_secret"].as_str().unwrap(),
        )
    };
    let refused = app
        .send(sign_in(&made).from("203.0.113.9"))
        .await
        .expect(400);
    assert_eq!(refused.json()["code"], "address-not-allowed");
    let inside = app.send(sign_in(&made).from("198.51.100.9")).await;
    let access = text(&inside.expect(200).json()["access_token"]);
    let models = || {
        let call = Call::post("/api/v1/models/query").json(&json!({}));
        call.bearer(&access)
    };
    app.send(models().from("2001:db8::7")).await.expect(200);
    // A token that was carried away is good nowhere else.
    app.send(models().from("203.0.113.9")).await.expect(403);
    let path = format!("/api/v1/apitokens/{}", made["key_id"].as_str().unwrap());
    let call = Call::new("PATCH", &path).json(&json!({ "networks": ["everywhere"] }));
    app.send(call.bearer(&root)).await.expect(400);
    let call = Call::post(&format!("{path}/rotate")).json(&json!({ "overlap": 3600 }));
    let new = app.send(call.bearer(&root)).await.expect(200).json()["data"].clone();
    assert_eq!(new["scope"], json!(["models-read"]));
    assert_eq!(new["networks"], made["networks"]);
    let both = [&made, &new];
    for pair in both {
        app.send(sign_in(pair).from("198.51.100.9"))
            .await
            .expect(200);
    }
    app.pass(Duration::from_hours(1));
    app.send(sign_in(&made).from("198.51.100.9"))
        .await
        .expect(400);
    app.send(models().from("198.51.100.9")).await.expect(401);
    app.send(sign_in(&new).from("198.51.100.9"))
        .await
        .expect(200);
    app.finish().await;
}

/// For the walk: a registered application, and the query that asks for it.
pub(crate) async fn registered(app: &TestApp, id: &str) -> String {
    let record = ApplicationRecord {
        id: id.to_owned(),
        name: "Shop designer".to_owned(),
        redirects: vec![BACK.to_owned()],
        created_at: app.services.now(),
    };
    app.services
        .store()
        .insert_application(&record)
        .await
        .unwrap();
    format!(
        "?client_id={id}&redirect_uri={}&response_type=code&code_challenge_method=S256&code_challenge={}",
        BACK.replace(':', "%3A").replace('/', "%2F"),
        challenge()
    )
}
