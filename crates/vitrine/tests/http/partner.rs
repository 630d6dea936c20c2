//! The token service for partners of the drawing editor, sentence by sentence.

use std::time::Duration;

use vitrine_access::ids::RequestId;
use vitrine_access::limits::{EDITOR_BODY_BYTES_MAX, EDITOR_MEMBERS_MAX};
use vitrine_access::{Decision, PartnerId};
use vitrine_service::PartnerSettings;
use vitrine_service::partners::NewPartner;

use crate::app::{Answer, Call, Everything, Plan, TestApp, plans_for_both_databases, until};

/// A partner with its first key.
pub(crate) struct Partner {
    pub(crate) id: PartnerId,
    pub(crate) key: String,
}

pub(crate) async fn partner(
    app: &TestApp,
    app_id: &str,
    tweak: impl FnOnce(&mut PartnerSettings),
) -> Partner {
    let mut settings = PartnerSettings::default();
    tweak(&mut settings);
    let new = NewPartner {
        name: app_id.to_owned(),
        app_id: Some(app_id.to_owned()),
        settings,
    };
    let (record, _, key) = app.services.create_partner(new).await.unwrap();
    Partner {
        id: record.id,
        key: key.reveal().to_owned(),
    }
}

pub(crate) async fn acme(app: &TestApp) -> Partner {
    partner(app, "acme", |_| {}).await
}

pub(crate) fn generate(key: &str, body: &str) -> Call {
    Call::post("/generate")
        .header("x-api-key", key)
        .header("content-type", "application/json")
        .body(body.to_owned())
}

pub(crate) fn verify(token: &str) -> Call {
    Call::get("/verify").header("x-api-token", token)
}

pub(crate) fn ask(operation: &str, key: &str, token: &str) -> Call {
    Call::post(&format!("/oauth/{operation}"))
        .header("x-api-key", key)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={token}"))
}

pub(crate) fn token_of(answer: &Answer) -> String {
    answer.json()["token"].as_str().unwrap().to_owned()
}

pub(crate) async fn made(app: &TestApp, key: &str) -> String {
    let body = r#"{"file":"a.dxf","userId":"7"}"#;
    token_of(&app.send(generate(key, body)).await.expect(200))
}

/// Demands a refusal of the token service: 403, and a sentence with these words.
#[track_caller]
pub(crate) fn refused(answer: &Answer, code: &str, words: &str) {
    let answer = answer.clone().expect(403);
    let body = answer.json();
    assert_eq!(body["code"], code, "{body}");
    assert!(answer.message().contains(words), "{body}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn a_token_gives_back_what_was_put_in_and_who_put_it_in() {
    for plan in plans_for_both_databases("partner_round_trip").await {
        let mut app = plan.start().await;
        let acme = acme(&app).await;
        let body = r#"{"file":"test.dwg","userId":"123","n":1.0,"i":1,"big":123456789012345678901234567890,
            "far":1e400,"yes":true,"no":null,"param":"välue","auth":"somebody else"}"#;
        let answer = app.send(generate(&acme.key, body)).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let token = token_of(&answer);
        let expires = answer.json()["expiration_time"].as_i64().unwrap();
        assert_eq!(expires, app.services.now().unix_s() + 3_600);
        let wanted = r#"{"file":"test.dwg","userId":"123","n":1.0,"i":1,"big":123456789012345678901234567890,"far":1e400,"yes":true,"no":null,"param":"välue","auth":"acme"}"#;
        for _ in 0..2 {
            let answer = app.send(verify(&token)).await.expect(200);
            assert_eq!(answer.text(), wanted);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("content-type"), Some("application/json"));
            app.restart().await;
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn an_empty_object_is_an_object_and_nothing_is_none() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let token = token_of(&app.send(generate(&acme.key, "{}")).await.expect(200));
    let answer = app.send(verify(&token)).await.expect(200);
    assert_eq!(answer.text(), r#"{"auth":"acme"}"#);
    let nothing = app.send(generate(&acme.key, "")).await;
    refused(&nothing, "request-invalid", "not a JSON object");
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_key_is_told_in_a_plain_sentence() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let unknown = "vit_pk_000000000000000000000000000000000000000";
    let without = app.send(Call::post("/generate").body("{}")).await;
    refused(&without, "partner-key-missing", "Missing api key");
    for wrong in ["", "wrong", unknown, &acme.key[..44], "vit_ak_x"] {
        let answer = app.send(generate(wrong, "{}")).await;
        refused(&answer, "partner-key-invalid", "Wrong api key");
    }
    let twice = generate(&acme.key, "{}").header("x-api-key", &acme.key);
    let twice = app.send(twice).await;
    refused(&twice, "partner-key-invalid", "Wrong api key");
    let keys = app
        .services
        .store()
        .partner_keys(acme.id, 10)
        .await
        .unwrap();
    let revoked = app.services.revoke_partner_key(acme.id, keys[0].id).await;
    revoked.unwrap();
    let answer = app.send(generate(&acme.key, "{}")).await;
    refused(&answer, "partner-key-revoked", "revoked");
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_learns_nothing_about_the_form_of_the_body() {
    let app = TestApp::start().await;
    let answer = app.send(generate("wrong", "not json")).await;
    refused(&answer, "partner-key-invalid", "Wrong api key");
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_not_a_flat_object_within_bounds_is_refused() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    for (body, words) in [
        ("[]", "not a JSON object"),
        (r#"{"a":[1]}"#, "not a flat JSON object"),
        (r#"{"a":{}}"#, "not a flat JSON object"),
        (r#"{"a":1,"a":2}"#, "twice"),
        (r#"{"a":1} x"#, "not a JSON object"),
    ] {
        let answer = app.send(generate(&acme.key, body)).await;
        refused(&answer, "request-invalid", words);
    }
    let members = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("\"m{n}\":{n}")).collect();
        format!("{{{}}}", all.join(","))
    };
    let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    for body in [members(EDITOR_MEMBERS_MAX), sized(EDITOR_BODY_BYTES_MAX)] {
        app.send(generate(&acme.key, &body)).await.expect(200);
    }
    let many = members(EDITOR_MEMBERS_MAX + 1);
    let answer = app.send(generate(&acme.key, &many)).await;
    refused(&answer, "request-invalid", "100 members");
    let large = sized(EDITOR_BODY_BYTES_MAX + 1);
    let answer = app.send(generate(&acme.key, &large)).await;
    refused(&answer, "too-large", "32768 bytes");
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_refused_from_its_end_on() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let short = generate(&acme.key, "{}").header("x-token-lifetime", "60");
    let answer = app.send(short).await.expect(200);
    let token = token_of(&answer);
    let end = answer.json()["expiration_time"].as_i64().unwrap();
    assert_eq!(end, app.services.now().unix_s() + 60);
    app.pass(Duration::from_millis(59_999));
    app.send(verify(&token)).await.expect(200);
    app.pass(Duration::from_millis(1));
    let answer = app.send(verify(&token)).await;
    refused(&answer, "editor-token-expired", "Wrong token");
    app.finish().await;
}

#[tokio::test]
async fn a_lifetime_is_the_partners_or_shorter_than_its_longest() {
    let app = TestApp::start().await;
    let short = partner(&app, "short", |settings| {
        settings.token_lifetime_s = 10;
        settings.token_lifetime_max_s = 20;
    })
    .await;
    let end = async |call: Call| {
        let answer = app.send(call).await.expect(200);
        answer.json()["expiration_time"].as_i64().unwrap() - app.services.now().unix_s()
    };
    let call = || generate(&short.key, "{}");
    assert_eq!(end(call()).await, 10);
    assert_eq!(end(call().header("x-token-lifetime", "20")).await, 20);
    for wrong in ["0", "21", "-1", "1.5", "", "99999999999999999999", "+5"] {
        let answer = app.send(call().header("x-token-lifetime", wrong)).await;
        refused(&answer, "request-invalid", "seconds");
    }
    let answer = app.send(call().header("x-token-one-time", "yes")).await;
    refused(&answer, "request-invalid", "true or false");
    app.finish().await;
}

#[tokio::test]
async fn a_one_time_token_is_good_once_even_when_two_ask_at_the_same_moment() {
    for plan in plans_for_both_databases("partner_one_time").await {
        let app = plan.start().await;
        let acme = acme(&app).await;
        let call = generate(&acme.key, "{}").header("x-token-one-time", "true");
        let token = token_of(&app.send(call.clone()).await.expect(200));
        let asked = app.send(ask("introspect", &acme.key, &token)).await;
        assert_eq!(
            asked.expect(200).json()["one_time"],
            true,
            "asking uses nothing"
        );
        let (one, two) = tokio::join!(app.send(verify(&token)), app.send(verify(&token)));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403]);
        let answer = app.send(verify(&token)).await;
        refused(&answer, "editor-token-used", "Wrong token");
        app.finish().await;
    }
}

#[tokio::test]
async fn asking_for_the_head_of_an_answer_uses_up_no_one_time_token() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let call = generate(&acme.key, "{}").header("x-token-one-time", "true");
    let token = token_of(&app.send(call).await.expect(200));
    let head = Call::new("HEAD", "/verify").header("x-api-token", &token);
    let refused = app.send(head).await.expect(405);
    assert_eq!(refused.header("allow"), Some("GET"));
    app.send(verify(&token)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn browsers_may_not_verify() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let token = made(&app, &acme.key).await;
    for (name, value) in [
        ("origin", "https://shop.example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
    ] {
        let answer = app.send(verify(&token).header(name, value)).await;
        refused(&answer, "browser-refused", "back end");
    }
    for (method, path) in [("POST", "/generate"), ("GET", "/verify")] {
        let preflight = Call::new("OPTIONS", path)
            .origin("https://shop.example.com")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "x-api-key");
        let answer = app.send(preflight).await.expect(405);
        assert!(answer.header("access-control-allow-origin").is_none());
    }
    app.finish().await;
}

#[tokio::test]
async fn a_partner_may_demand_its_key_at_verify_too() {
    let app = TestApp::start().await;
    let strict = partner(&app, "strict", |settings| {
        settings.require_key_on_verify = true;
    })
    .await;
    let other = acme(&app).await;
    let token = made(&app, &strict.key).await;
    let answer = app.send(verify(&token)).await;
    refused(&answer, "partner-key-missing", "Missing api key");
    let foreign = app
        .send(verify(&token).header("x-api-key", &other.key))
        .await;
    refused(&foreign, "editor-token-invalid", "Wrong token");
    let own = verify(&token).header("x-api-key", &strict.key);
    app.send(own).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_quota_counts_the_tokens_of_an_hour() {
    let app = TestApp::start().await;
    let few = partner(&app, "few", |settings| settings.tokens_per_hour = Some(2)).await;
    for _ in 0..2 {
        app.send(generate(&few.key, "{}")).await.expect(200);
    }
    let answer = app.send(generate(&few.key, "{}")).await.expect(429);
    assert_eq!(answer.json()["code"], "rate-limited");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    app.pass(Duration::from_secs(wait));
    app.send(generate(&few.key, "{}")).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_warm_verification_needs_neither_database_nor_files() {
    let mut app = TestApp::start().await;
    let acme = acme(&app).await;
    let strict = partner(&app, "strict", |settings| {
        settings.require_key_on_verify = true;
    })
    .await;
    let (token, guarded) = (made(&app, &acme.key).await, made(&app, &strict.key).await);
    // What was changed until now has been heard when the server comes back: nothing that is warm
    // then is dropped by the change log.
    app.restart().await;
    let calls = [
        verify(&token),
        verify(&guarded).header("x-api-key", &strict.key),
        ask("introspect", &acme.key, &token),
    ];
    let mut warm = Vec::new();
    for call in &calls {
        warm.push(app.send(call.clone()).await.expect(200).body);
    }
    app.services.store().close().await;
    let objects = app.folder().join("objects");
    let away = app.folder().join("objects-away");
    std::fs::rename(&objects, &away).unwrap();
    for (call, body) in calls.into_iter().zip(warm) {
        assert_eq!(app.send(call).await.expect(200).body, body);
    }
    std::fs::rename(&away, &objects).unwrap();
    app.restart().await;
    // What looks into the database by itself could not meanwhile, which is worth a line; nothing else failed.
    for error in app.take_errors() {
        let by_itself = ["change log", "script jobs cannot be taken"];
        assert!(by_itself.iter().any(|one| error.contains(one)), "{error}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_refused_before_a_key_is_looked_up_is_in_the_audit_trail_once() {
    let app = TestApp::start().await;
    let few = partner(&app, "few", |settings| settings.tokens_per_hour = Some(1)).await;
    app.send(generate(&few.key, "{}")).await.expect(200);
    let malformed = Call::post("/oauth/introspect").header("authorization", "Basic !");
    for (call, operation, reason, credential) in [
        (
            generate(&few.key, "{}").header("x-api-key", "b"),
            "GenerateEditorToken",
            "partner-key-invalid",
            "none",
        ),
        (
            verify("a").header("x-api-token", "b"),
            "VerifyEditorToken",
            "editor-token-invalid",
            "none",
        ),
        (
            malformed,
            "IntrospectEditorToken",
            "partner-key-invalid",
            "none",
        ),
        (
            generate(&few.key, "{}"),
            "GenerateEditorToken",
            "rate-limited",
            "partner-key",
        ),
    ] {
        let answer = app.send(call).await;
        let request: RequestId = answer.header("x-request-id").unwrap().parse().unwrap();
        let store = app.services.store();
        let events = until("the refusal is written", || async {
            let events = store.audit_by_request(request).await.unwrap();
            (!events.is_empty()).then_some(events)
        })
        .await;
        assert_eq!(events.len(), 1, "{events:?}");
        let event = &events[0];
        assert_eq!(
            (event.operation.as_str(), event.reason.as_str()),
            (operation, reason)
        );
        assert!(event.credential.starts_with(credential), "{event:?}");
        assert_eq!(event.decision, Decision::Refused);
    }
    app.finish().await;
}

#[tokio::test]
async fn refusals_are_in_the_audit_trail_and_secrets_are_nowhere() {
    // The log is everybody's: a seed of its own, so that no other test names the same token.
    let app = Plan::new().seed(0x0ed1_7042).start().await;
    let log = Everything::keep();
    let acme = acme(&app).await;
    let token = made(&app, &acme.key).await;
    app.send(verify(&token)).await.expect(200);
    app.send(ask("revoke", &acme.key, &token)).await.expect(200);
    let answer = app.send(verify(&token)).await.expect(403);
    let request: RequestId = answer.header("x-request-id").unwrap().parse().unwrap();
    let events = until("the refusal is written", || async {
        let events = app
            .services
            .store()
            .audit_by_request(request)
            .await
            .unwrap();
        (!events.is_empty()).then_some(events)
    })
    .await;
    assert_eq!(events[0].decision, Decision::Refused);
    assert_eq!(events[0].reason, "editor-token-revoked");
    assert_eq!(events[0].operation, "VerifyEditorToken");
    assert_eq!(events[0].credential, "editor-token of partner:acme");
    let seen = format!("{} {events:?} {}", log.text(), answer.text());
    assert!(!seen.contains(&acme.key), "the key was written down");
    assert!(!seen.contains(&token), "the token was written down");
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_description_of_the_api_would_show_here() {
    let document = serde_json::to_value(vitrine_http::openapi_partner()).unwrap();
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    let names: Vec<&String> = schemes.keys().collect();
    let wanted = [
        "EditorSession",
        "EditorToken",
        "PartnerBasic",
        "PartnerKey",
        "ScriptJob",
    ];
    assert_eq!(names, wanted);
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(operation["security"].is_array(), "{path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|code| code.starts_with('2')), "{path}");
        }
    }
}
