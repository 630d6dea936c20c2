//! Codes of an authenticator program beside the password, and recovery codes.

use std::time::Duration;

use serde_json::{Value, json};
use totp_rs::{Builder, Secret};
use vitrine_access::ids::UserId;
use vitrine_service::platform::{CONSOLE_CLIENT, NewUser};

use crate::app::{Call, TestApp};

pub(crate) const PASSWORD: &str = "a long walk home";
const STEP: Duration = Duration::from_secs(30);

/// A user with a password, and a token for them.
pub(crate) async fn user(app: &TestApp, name: &str) -> (UserId, String) {
    let new = NewUser {
        email: format!("{name}@example.com"),
        name: name.to_owned(),
        password: PASSWORD.to_owned(),
        administrator: false,
    };
    let user = app.services.create_user(new).await.unwrap();
    let signed = sign_in(app, name, None).await;
    (user.id, text(&signed["access_token"]))
}

fn by_password(name: &str, otp: Option<&str>) -> Call {
    Call::post("/oauth/token").json(&json!({
        "grant_type": "password", "client_id": CONSOLE_CLIENT,
        "username": format!("{name}@example.com"), "password": PASSWORD, "otp": otp,
    }))
}

async fn sign_in(app: &TestApp, name: &str, otp: Option<&str>) -> Value {
    app.send(by_password(name, otp)).await.expect(200).json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn path(user: UserId, rest: &str) -> String {
    format!("/api/v1/users/{user}/second_factor{rest}")
}

/// What the authenticator program shows now.
pub(crate) fn code(app: &TestApp, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let now = u64::try_from(app.services.now().unix_s()).unwrap();
    totp.generate(now).to_string()
}

/// Begins a second factor; its secret.
pub(crate) async fn begun(app: &TestApp, user: UserId, token: &str) -> String {
    let call = Call::post(&path(user, "")).json(&json!({ "password": PASSWORD }));
    let made = app.send(call.bearer(token)).await.expect(200).json();
    text(&made["data"]["secret"])
}

/// Confirms it; its recovery codes.
pub(crate) async fn confirmed(
    app: &TestApp,
    user: UserId,
    token: &str,
    secret: &str,
) -> Vec<String> {
    let call = Call::post(&path(user, "/confirm")).json(&json!({ "otp": code(app, secret) }));
    let made = app.send(call.bearer(token)).await.expect(200).json();
    let codes = made["data"]["recovery_codes"].as_array().unwrap();
    codes.iter().map(text).collect()
}

#[tokio::test]
async fn once_confirmed_a_sign_in_by_password_takes_a_code_and_each_code_opens_once() {
    let app = TestApp::start().await;
    let (ada, token) = user(&app, "ada").await;
    let other = text(&sign_in(&app, "ada", None).await["access_token"]);
    let secret = begun(&app, ada, &token).await;
    // Until it is confirmed nothing changes.
    sign_in(&app, "ada", None).await;
    confirmed(&app, ada, &token, &secret).await;
    let me = |token: &str| Call::get(&format!("/api/v1/users/{ada}")).bearer(token);
    let shown = app.send(me(&token)).await.expect(200).json();
    assert_eq!(shown["data"]["second_factor"]["recovery_codes_left"], 10);
    // The sign-ins that began without it have ended.
    app.send(me(&other)).await.expect(401);
    let refused = app.send(by_password("ada", None)).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    assert_eq!(refused["code"], "second-factor-missing");
    // The code that confirmed it is used up.
    let used = code(&app, &secret);
    let refused = app.send(by_password("ada", Some(&used))).await.expect(400);
    assert_eq!(refused.json()["code"], "second-factor-invalid");
    app.pass(STEP);
    let next = code(&app, &secret);
    sign_in(&app, "ada", Some(&next)).await;
    app.send(by_password("ada", Some(&next))).await.expect(400);
    // What came before a code that was used is used up with it.
    app.send(by_password("ada", Some(&used))).await.expect(400);
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_show_one_code_at_the_same_moment_one_comes_in() {
    let app = TestApp::start().await;
    let (ada, token) = user(&app, "ada").await;
    let secret = begun(&app, ada, &token).await;
    confirmed(&app, ada, &token, &secret).await;
    app.pass(STEP);
    let next = code(&app, &secret);
    let answers = tokio::join!(
        app.send(by_password("ada", Some(&next))),
        app.send(by_password("ada", Some(&next)))
    );
    let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    app.finish().await;
}

#[tokio::test]
async fn a_code_is_good_one_step_early_and_late_and_no_more() {
    let app = TestApp::start().await;
    let (ada, token) = user(&app, "ada").await;
    let secret = begun(&app, ada, &token).await;
    confirmed(&app, ada, &token, &secret).await;
    app.pass(STEP * 4);
    let late = code(&app, &secret);
    app.pass(STEP * 2);
    app.send(by_password("ada", Some(&late))).await.expect(400);
    let late = code(&app, &secret);
    app.pass(STEP);
    sign_in(&app, "ada", Some(&late)).await;
    app.finish().await;
}

#[tokio::test]
async fn recovery_codes_open_once_each_and_only_their_own_account() {
    let app = TestApp::start().await;
    let (ada, token) = user(&app, "ada").await;
    let (bob, bobs_token) = user(&app, "bob").await;
    let secret = begun(&app, ada, &token).await;
    let codes = confirmed(&app, ada, &token, &secret).await;
    let bobs = begun(&app, bob, &bobs_token).await;
    confirmed(&app, bob, &bobs_token, &bobs).await;
    app.send(by_password("bob", Some(&codes[0])))
        .await
        .expect(400);
    sign_in(&app, "ada", Some(&codes[0].to_uppercase())).await;
    app.send(by_password("ada", Some(&codes[0])))
        .await
        .expect(400);
    let shown = app
        .send(Call::get(&format!("/api/v1/users/{ada}")).bearer(&token))
        .await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["data"]["second_factor"]["recovery_codes_left"], 9);
    app.finish().await;
}

#[tokio::test]
async fn codes_cannot_be_guessed_one_after_the_other() {
    let app = TestApp::start().await;
    let (ada, token) = user(&app, "ada").await;
    let secret = begun(&app, ada, &token).await;
    confirmed(&app, ada, &token, &secret).await;
    // The confirmation was the first of ten.
    for n in 0..9 {
        let wrong = format!("{n:06}");
        let refused = app.send(by_password("ada", Some(&wrong))).await.expect(400);
        assert_eq!(refused.json()["code"], "second-factor-invalid");
    }
    let right = code(&app, &secret);
    app.send(by_password("ada", Some(&right))).await.expect(429);
    app.finish().await;
}

#[tokio::test]
async fn a_second_factor_is_made_and_removed_by_whoever_knows_what_opens_the_account() {
    let app = TestApp::start().await;
    let (ada, token) = user(&app, "ada").await;
    let call = |rest: &str, body: Value| {
        let call = Call::post(&path(ada, rest)).json(&body);
        call.bearer(&token)
    };
    let begin = |password: &str| call("", json!({ "password": password }));
    app.send(begin("wrong")).await.expect(401);
    let confirm = call("/confirm", json!({ "otp": "000000" }));
    app.send(confirm).await.expect(400);
    let secret = begun(&app, ada, &token).await;
    let codes = confirmed(&app, ada, &token, &secret).await;
    // Another secret does not push out the one that counts.
    app.send(begin(PASSWORD)).await.expect(400);
    for body in [
        json!({ "password": PASSWORD }),
        json!({ "password": PASSWORD, "otp": "000000" }),
        json!({ "password": "wrong", "otp": codes[0] }),
    ] {
        app.send(call("/remove", body)).await.expect(401);
    }
    let body = json!({ "password": PASSWORD, "otp": codes[0] });
    app.send(call("/remove", body)).await.expect(200);
    sign_in(&app, "ada", None).await;
    assert!(!app.services.forget_second_factor(ada).await.unwrap());
    app.finish().await;
}
