//! Signing in by password, renewing, and what browsers keep of it.

use std::time::Duration;

use serde_json::{Value, json};
use vitrine_access::limits::REFRESH_GRACE;
use vitrine_access::origin::AllowedDomains;
use vitrine_service::UserRecord;
use vitrine_service::platform::{CONSOLE_CLIENT, NewUser};

use crate::app::{Answer, Call, Plan, TestApp};
use crate::platform::{key, renew, signed_in};

const PASSWORD: &str = "a long walk home";
const ADA: &str = "ada@example.com";

async fn ada(app: &TestApp) -> UserRecord {
    let new = NewUser {
        email: " Ada@Example.com".to_owned(),
        name: "Ada".to_owned(),
        password: PASSWORD.to_owned(),
        administrator: false,
    };
    app.services.create_user(new).await.unwrap()
}

fn by_password(name: &str, password: &str) -> Call {
    Call::post("/oauth/token").json(&json!({
        "grant_type": "password", "client_id": CONSOLE_CLIENT, "username": name, "password": password,
    }))
}

fn me(user: &UserRecord, token: &Value) -> Call {
    Call::get(&format!("/api/v1/users/{}", user.id)).bearer(token.as_str().unwrap())
}

/// What a client sees of a refusal.
fn seen(answer: &Answer) -> Value {
    let mut body = answer.json();
    body["requestId"].take();
    body
}

#[tokio::test]
async fn a_password_signs_its_user_in_and_wrong_ones_look_like_unknown_names() {
    let app = TestApp::start().await;
    let user = ada(&app).await;
    let signed = app.send(by_password("ADA@example.com", PASSWORD)).await;
    let signed = signed.expect(200).json();
    let shown = app.send(me(&user, &signed["access_token"])).await;
    assert_eq!(shown.expect(200).json()["data"]["email"], ADA);
    let mut refusals = Vec::new();
    for (name, password) in [
        (ADA, "a long walk home."),
        (ADA, ""),
        ("nobody@example.com", PASSWORD),
        ("", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ] {
        let answer = app.send(by_password(name, password)).await;
        refusals.push(seen(&answer.expect(400)));
    }
    assert_eq!(refusals[0]["error"], "invalid_grant");
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_new_password_ends_every_sign_in() {
    let app = TestApp::start().await;
    let user = ada(&app).await;
    let signed = app
        .send(by_password(ADA, PASSWORD))
        .await
        .expect(200)
        .json();
    let set = app.services.set_password(user.id, "another long walk");
    set.await.unwrap();
    app.send(me(&user, &signed["access_token"]))
        .await
        .expect(401);
    let refresh = signed["refresh_token"].as_str().unwrap();
    app.send(renew(refresh)).await.expect(400);
    app.send(by_password(ADA, PASSWORD)).await.expect(400);
    app.send(by_password(ADA, "another long walk"))
        .await
        .expect(200);
    app.finish().await;
}

#[tokio::test]
async fn guessing_is_slowed_for_names_that_exist_and_for_those_that_do_not() {
    let app = TestApp::start().await;
    ada(&app).await;
    for name in [ADA, "nobody@example.com"] {
        let tried = || by_password(name, "wrong").from("198.51.100.1");
        for _ in 0..30 {
            let answer = app.send(tried()).await;
            assert_eq!(answer.expect(400).json()["code"], "password-invalid");
        }
        let limited = app.send(tried()).await.expect(429);
        assert_eq!(limited.json()["error"], "temporarily_unavailable");
        assert_eq!(limited.header("retry-after"), Some("30"));
    }
    let right = |from: &str| by_password(ADA, PASSWORD).from(from);
    app.send(right("198.51.100.1")).await.expect(429);
    app.pass(Duration::from_mins(1));
    app.send(right("198.51.100.1")).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn whoever_guesses_at_a_name_does_not_keep_its_owner_out() {
    let app = TestApp::start().await;
    ada(&app).await;
    let from = |password: &str, address: &str| by_password(ADA, password).from(address);
    for _ in 0..30 {
        app.send(from("wrong", "198.51.100.1")).await.expect(400);
    }
    app.send(from("wrong", "198.51.100.1")).await.expect(429);
    app.send(from(PASSWORD, "192.0.2.7")).await.expect(200);
    app.send(from(PASSWORD, "198.51.100.1")).await.expect(429);
    app.finish().await;
}

#[tokio::test]
async fn three_renewals_at_once_all_succeed_and_the_last_answer_goes_on() {
    let app = TestApp::start().await;
    let signed = signed_in(&app, &key(&app, None, None).await).await;
    let mut refresh = signed["refresh_token"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        let call = || app.send(renew(&refresh));
        let answers = tokio::join!(call(), call(), call());
        let texts = [answers.0, answers.1, answers.2].map(|answer| {
            let text = answer.expect(200).json()["refresh_token"].clone();
            text.as_str().unwrap().to_owned()
        });
        refresh.clone_from(&texts[2]);
        app.pass(REFRESH_GRACE * 2);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_copied_refresh_token_ends_the_sign_in_for_both_who_hold_it() {
    let app = TestApp::start().await;
    let user = ada(&app).await;
    let signed = app
        .send(by_password(ADA, PASSWORD))
        .await
        .expect(200)
        .json();
    let text = |answer: &Value| answer["refresh_token"].as_str().unwrap().to_owned();
    let stolen = text(&signed);
    let thiefs = app.send(renew(&stolen)).await.expect(200).json();
    let owners = app.send(renew(&stolen)).await.expect(200).json();
    let owners = app.send(renew(&text(&owners))).await.expect(200).json();
    app.pass(REFRESH_GRACE + Duration::from_millis(1));
    app.send(me(&user, &owners["access_token"]))
        .await
        .expect(200);
    let refused = app.send(renew(&text(&thiefs))).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    app.send(renew(&text(&owners))).await.expect(400);
    for signed in [&thiefs, &owners] {
        app.send(me(&user, &signed["access_token"]))
            .await
            .expect(401);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_account_sees_where_it_is_signed_in_and_ends_what_it_likes() {
    let app = TestApp::start().await;
    let user = ada(&app).await;
    let first = app
        .send(by_password(ADA, PASSWORD))
        .await
        .expect(200)
        .json();
    let second = app
        .send(by_password(ADA, PASSWORD))
        .await
        .expect(200)
        .json();
    let path = format!("/api/v1/users/users/{}/apiclients", user.id);
    let token = second["access_token"].as_str().unwrap();
    let listed = app
        .send(Call::get(&path).bearer(token))
        .await
        .expect(200)
        .json();
    let listed = listed["data"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["client_name"], "Console");
    let id = crate::platform::sign_in_id(first["access_token"].as_str().unwrap());
    let call = Call::new("DELETE", &format!("{path}/{id}")).bearer(token);
    app.send(call.clone()).await.expect(200);
    app.send(call).await.expect(404);
    app.send(me(&user, &first["access_token"]))
        .await
        .expect(401);
    app.send(me(&user, &second["access_token"]))
        .await
        .expect(200);
    app.finish().await;
}

/// A server with its console elsewhere.
async fn with_console() -> TestApp {
    let console = AllowedDomains::parse_all(&["console.example.com"]).unwrap();
    let plan = Plan::new().settings(|settings| settings.platform_origins = console);
    plan.start().await
}

fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap();
    assert!(
        set.ends_with("; Path=/oauth; HttpOnly; Secure; SameSite=None"),
        "{set}"
    );
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_browser_renews_by_its_cookie_on_pages_that_were_named_and_on_no_others() {
    let app = with_console().await;
    ada(&app).await;
    let signed = app.send(by_password(ADA, PASSWORD)).await;
    let kept = cookie(&signed.expect(200));
    let by_cookie = |origin: &str| {
        let body = json!({ "grant_type": "refresh_token", "client_id": CONSOLE_CLIENT });
        let call = Call::post("/oauth/token").json(&body);
        call.origin(origin).header("cookie", &kept)
    };
    let answer = app
        .send(by_cookie("https://rival.example"))
        .await
        .expect(400);
    assert_eq!(answer.json()["error"], "invalid_request");
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let answer = app
        .send(by_cookie("https://console.example.com"))
        .await
        .expect(200);
    let allowed = answer.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://console.example.com"));
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        Some("true")
    );
    let out = Call::post("/oauth/logout").json(&json!({}));
    let out = out
        .origin("https://console.example.com")
        .header("cookie", cookie(&answer));
    assert_eq!(cookie(&app.send(out).await.expect(200)), "refresh_token=");
    app.send(by_cookie("https://console.example.com"))
        .await
        .expect(400);
    app.finish().await;
}

#[tokio::test]
async fn preflights_of_the_platform_are_answered_for_named_origins_only() {
    let app = with_console().await;
    let ask = |origin: &str| {
        let call = Call::new("OPTIONS", "/api/v1/models/query").origin(origin);
        call.header("access-control-request-method", "POST")
    };
    let answer = app
        .send(ask("https://console.example.com"))
        .await
        .expect(204);
    let headers = answer.header("access-control-allow-headers").unwrap();
    for name in [
        "Authorization",
        "Content-Type",
        "X-ShapeDiver-Client",
        "X-ShapeDiver-Origin",
    ] {
        assert!(headers.contains(name), "{headers}");
    }
    assert_eq!(answer.header("vary"), Some("Origin"));
    let answer = app.send(ask("https://rival.example")).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    app.finish().await;
}
