//! How a partner's keys and tokens end before their time, and what a partner may ask about its own.

use std::time::Duration;

use serde_json::json;

use crate::app::{Call, TestApp, plans_for_both_databases, until};
use crate::editor::{by, open, with_bucket};
use crate::partner::{acme, ask, generate, made, partner, refused, token_of, verify};

#[tokio::test]
async fn keys_rotate_with_overlap_and_what_the_old_one_made_stays_good() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let token = made(&app, &acme.key).await;
    let overlap = Duration::from_mins(10);
    let (_, fresh) = app
        .services
        .rotate_partner_key(acme.id, overlap)
        .await
        .unwrap();
    for key in [&acme.key, fresh.reveal()] {
        app.send(generate(key, "{}")).await.expect(200);
    }
    app.pass(overlap);
    let answer = app.send(generate(&acme.key, "{}")).await;
    refused(&answer, "partner-key-expired", "time is over");
    app.send(generate(fresh.reveal(), "{}")).await.expect(200);
    app.send(verify(&token)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn revoking_a_key_ends_the_tokens_that_it_made_and_no_others() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let (record, leaked) = app.services.create_partner_key(acme.id).await.unwrap();
    let (kept, lost) = (
        made(&app, &acme.key).await,
        made(&app, leaked.reveal()).await,
    );
    app.send(verify(&lost)).await.expect(200);
    let revoked = app.services.revoke_partner_key(acme.id, record.id).await;
    revoked.unwrap();
    let answer = app.send(verify(&lost)).await;
    refused(&answer, "editor-token-revoked", "Wrong token");
    app.send(verify(&kept)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn revoking_a_users_tokens_leaves_those_of_others() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let first = made(&app, &acme.key).await;
    let same = token_of(&app.send(generate(&acme.key, r#"{"userId":7}"#)).await);
    let other = token_of(&app.send(generate(&acme.key, r#"{"userId":"8"}"#)).await);
    app.send(verify(&first)).await.expect(200);
    let count = app
        .services
        .revoke_editor_tokens_of_user(acme.id, "7")
        .await;
    assert_eq!(count.unwrap(), 2);
    for token in [&first, &same] {
        let answer = app.send(verify(token)).await;
        refused(&answer, "editor-token-revoked", "Wrong token");
    }
    app.send(verify(&other)).await.expect(200);
    let fresh = made(&app, &acme.key).await;
    app.send(verify(&fresh)).await.expect(200);
    app.finish().await;
}

fn revoke_user(key: &str, form: &str) -> Call {
    Call::post("/oauth/revoke-user")
        .header("x-api-key", key)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
}

#[tokio::test]
async fn a_back_end_ends_all_tokens_of_one_of_its_users_and_of_nobody_else() {
    let app = TestApp::start().await;
    let (acme, other) = (
        with_bucket(&app, "acme").await,
        partner(&app, "other", |_| {}).await,
    );
    let first = made(&app, &acme.key).await;
    let opened = app.send(open(&first)).await.expect(201).json();
    let session = opened["session"].as_str().unwrap().to_owned();
    let same = token_of(&app.send(generate(&acme.key, r#"{"userId":7}"#)).await);
    let spaced = r#"{"userId":"a b&ü"}"#;
    let strange = token_of(&app.send(generate(&acme.key, spaced)).await);
    let nobody = token_of(&app.send(generate(&acme.key, "{}")).await);
    let theirs = made(&app, &other.key).await;
    // Somebody else's user of this name is somebody else.
    let answer = app.send(revoke_user(&other.key, "user=a+b%26%C3%BC")).await;
    assert_eq!(answer.expect(200).json(), json!({ "revoked": 0 }));
    let answer = app.send(revoke_user(&acme.key, "user=7")).await.expect(200);
    assert_eq!(answer.json(), json!({ "revoked": 2 }));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for token in [&first, &same] {
        let answer = app.send(verify(token)).await;
        refused(&answer, "editor-token-revoked", "Wrong token");
    }
    let state = app.send(by("GET", "/editor/session", &session)).await;
    assert_eq!(
        state.expect(410).json()["code"],
        "editor-session-gone",
        "what the token opened ends with it"
    );
    for token in [&strange, &nobody, &theirs] {
        app.send(verify(token)).await.expect(200);
    }
    let answer = app.send(revoke_user(&acme.key, "user=a+b%26%C3%BC")).await;
    assert_eq!(answer.expect(200).json(), json!({ "revoked": 1 }));
    let again = app.send(revoke_user(&acme.key, "user=7")).await;
    assert_eq!(again.expect(200).json(), json!({ "revoked": 0 }));
    for form in ["", "user=7&user=8", "token=7"] {
        let answer = app.send(revoke_user(&acme.key, form)).await.expect(400);
        assert_eq!(answer.json()["error"], "invalid_request", "{form:?}");
    }
    let answer = app.send(revoke_user("vit_pk_wrong", "user=7")).await;
    assert_eq!(answer.expect(401).json()["error"], "invalid_client");
    app.finish().await;
}

#[tokio::test]
async fn a_blocked_partner_gets_nothing_until_the_block_is_taken_away() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let token = made(&app, &acme.key).await;
    for blocked in [true, false] {
        let mut record = app.services.find_partner("acme").await.unwrap();
        record.settings.blocked = blocked;
        app.services.update_partner(record).await.unwrap();
        for call in [generate(&acme.key, "{}"), verify(&token)] {
            let answer = app.send(call).await;
            if blocked {
                refused(&answer, "partner-blocked", "blocked");
            } else {
                answer.expect(200);
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn another_partners_token_is_neither_seen_nor_touched() {
    let app = TestApp::start().await;
    let (acme, other) = (acme(&app).await, partner(&app, "other", |_| {}).await);
    let token = made(&app, &acme.key).await;
    let foreign = app.send(ask("introspect", &other.key, &token)).await;
    assert_eq!(foreign.expect(200).json(), json!({ "active": false }));
    app.send(ask("revoke", &other.key, &token))
        .await
        .expect(200);
    app.send(verify(&token)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn introspection_and_revocation_follow_their_rfcs() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let token = made(&app, &acme.key).await;
    let now = app.services.now().unix_s();
    let answer = app.send(ask("introspect", &acme.key, &token)).await;
    assert_eq!(
        answer.expect(200).json(),
        json!({
            "active": true, "client_id": "acme", "token_type": "editor_token",
            "exp": now + 3_600, "iat": now, "sub": "7", "one_time": false,
        })
    );
    let nothing = app.send(ask("introspect", &acme.key, "x")).await;
    assert_eq!(nothing.expect(200).json(), json!({ "active": false }));
    for _ in 0..2 {
        let answer = app.send(ask("revoke", &acme.key, &token)).await.expect(200);
        assert_eq!(answer.text(), "");
    }
    let answer = app.send(ask("introspect", &acme.key, &token)).await;
    assert_eq!(answer.expect(200).json(), json!({ "active": false }));
    let answer = app.send(verify(&token)).await;
    refused(&answer, "editor-token-revoked", "Wrong token");
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_does_not_authenticate_is_told_as_the_rfcs_say() {
    let app = TestApp::start().await;
    let acme = acme(&app).await;
    let form = |call: Call| call.header("content-type", "application/x-www-form-urlencoded");
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        let anonymous = app.send(form(Call::post(path)).body("token=x")).await;
        let anonymous = anonymous.expect(401);
        assert_eq!(anonymous.json()["error"], "invalid_client");
        let challenge = anonymous.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic "), "{challenge}");
        for body in ["", "token=a&token=b", "token_type_hint=x"] {
            let call = form(Call::post(path).header("x-api-key", &acme.key)).body(body);
            let answer = app.send(call).await.expect(400);
            assert_eq!(answer.json()["error"], "invalid_request");
        }
        let call = Call::post(path).header("x-api-key", &acme.key);
        let json = call.json(&json!({ "token": "x" }));
        let answer = app.send(json).await.expect(400);
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_revocation_is_heard_on_every_node() {
    for plan in plans_for_both_databases("partner_two_nodes").await {
        let app = plan.start().await;
        let (services, router) = app.second_node().await;
        let acme = acme(&app).await;
        let token = made(&app, &acme.key).await;
        verify(&token).send(&router).await.expect(200);
        app.send(ask("revoke", &acme.key, &token)).await.expect(200);
        until("the other node refuses", || async {
            let answer = verify(&token).send(&router).await;
            (answer.status.as_u16() == 403).then_some(())
        })
        .await;
        services.shutdown().await;
        app.finish().await;
    }
}
