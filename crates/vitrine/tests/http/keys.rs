//! Rotation of signing keys with an overlap, their retirement, and accounts that demand tokens.

use std::time::Duration;

use serde_json::json;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{OrganizationId, UserId};
use vitrine_access::jwt::Algorithm;
use vitrine_access::owner::Payer;
use vitrine_service::keys::{KEY_OVERLAP, KEY_PUBLISHED_BEFORE, KeyState, Rotation};
use vitrine_store::UserRecord;

use crate::app::{ALL_SCOPES, CUBE, Call, Opened, TestApp, open_call, until};

async fn states(app: &TestApp) -> Vec<(Algorithm, KeyState)> {
    let keys = app.services.signing_keys().await.unwrap();
    keys.iter().map(|key| (key.algorithm, key.state)).collect()
}

/// The `kid` of a token's header, found by trying the published keys.
fn kid_of(token: &str) -> String {
    use base64ish as b;
    let header = b::decode(token.split('.').next().unwrap());
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// As much base64url as a test needs.
mod base64ish {
    pub(super) fn decode(text: &str) -> Vec<u8> {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
        for character in text.chars() {
            let digit = ALPHABET.find(character).unwrap();
            bits = bits << 6 | u32::try_from(digit).unwrap();
            count += 6;
            if count >= 8 {
                count -= 8;
                out.push(u8::try_from(bits >> count & 0xff).unwrap());
            }
        }
        out
    }
}

async fn published(app: &TestApp) -> Vec<String> {
    let answer = app.send(Call::get("/.well-known/jwks.json")).await;
    let answer = answer.expect(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    let keys = answer.json();
    let keys = keys["keys"].as_array().unwrap().clone();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_old_one_verifies_until_its_end() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let call = |token: &str| Call::get(&format!("/api/v2/model/{}", model.id)).bearer(token);
    let old = app.token_for(
        Subject::Model(model.id),
        ALL_SCOPES,
        Duration::from_hours(9),
    );
    let overlap = Duration::from_hours(2);
    let rotation = Rotation {
        algorithm: Algorithm::EdDsa,
        overlap,
        ..Rotation::default()
    };
    let new = app.services.rotate_keys(rotation).await.unwrap();
    assert_eq!(
        states(&app).await,
        [
            (Algorithm::EdDsa, KeyState::Published),
            (Algorithm::Es256, KeyState::Signs)
        ]
    );
    let keys = published(&app).await;
    assert!(keys.len() == 2 && keys.contains(&new.kid));
    assert_ne!(kid_of(&app.model_token(model.id)), new.kid);

    app.pass(KEY_PUBLISHED_BEFORE);
    let token = app.token_for(
        Subject::Model(model.id),
        ALL_SCOPES,
        Duration::from_hours(9),
    );
    assert_eq!(kid_of(&token), new.kid);
    for token in [&old, &token] {
        app.send(call(token)).await.expect(200);
    }
    app.pass(overlap.saturating_sub(Duration::from_millis(1)));
    app.send(call(&old)).await.expect(200);
    app.pass(Duration::from_millis(1));
    until("the old key has ended", || async {
        let answer = app.send(call(&old)).await;
        (answer.status.as_u16() == 401).then_some(())
    })
    .await;
    app.send(call(&old))
        .await
        .expect_error(401, "SdJwtValidationError");
    app.send(call(&token)).await.expect(200);
    assert_eq!(published(&app).await, [new.kid]);
    assert_eq!(
        states(&app).await,
        [
            (Algorithm::EdDsa, KeyState::Signs),
            (Algorithm::Es256, KeyState::Ended)
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_retired_key_ends_its_tokens_their_sessions_and_their_links_on_every_node() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let (other, other_router) = app.second_node().await;
    let token = app.model_token(model.id);
    let path = format!("/api/v2/model/{}", model.id);
    let opened = app
        .send(Call::post(&format!("{path}/session")).bearer(&token))
        .await;
    let session = Opened::read(&opened.expect(201));
    let link = session.href("model");
    let ticket = app.ticket(&model).await;
    let beside = app.open(&ticket).await;
    for router in [&app.router, &other_router] {
        let get = Call::get(&path).bearer(&token);
        get.send(router).await.expect(200);
        session.defaults().send(router).await.expect(200);
        Call::get(&link).send(router).await.expect(206);
    }
    let old = kid_of(&token);
    let rotation = Rotation {
        published_before: Duration::ZERO,
        ..Rotation::default()
    };
    app.services.rotate_keys(rotation).await.unwrap();
    // A rotation alone refuses nobody.
    for router in [&app.router, &other_router] {
        let get = Call::get(&path).bearer(&token);
        get.send(router).await.expect(200);
    }
    app.services.retire_key(&old).await.unwrap();
    for router in [&app.router, &other_router] {
        until("the retired key is refused", || async {
            let answer = Call::get(&path).bearer(&token).send(router).await;
            (answer.status.as_u16() == 401).then_some(())
        })
        .await;
        Call::get(&path)
            .bearer(&token)
            .send(router)
            .await
            .expect_error(401, "SdJwtValidationError");
        session
            .defaults()
            .send(router)
            .await
            .expect_error(410, "SdSessionGoneError");
        Call::get(&link).send(router).await.expect(410);
        beside.defaults().send(router).await.expect(200);
        let fresh = Call::get(&path).bearer(&app.model_token(model.id));
        fresh.send(router).await.expect(200);
    }
    assert!(app.services.retire_key(&old).await.is_err(), "twice");
    other.shutdown().await;
    app.finish().await;
}

#[tokio::test]
async fn the_only_key_that_signs_cannot_be_retired() {
    let app = TestApp::start().await;
    let kid = app.services.signing_keys().await.unwrap()[0].kid.clone();
    let refused = app.services.retire_key(&kid).await.unwrap_err();
    assert!(refused.message().contains("rotate"), "{refused}");
    assert_eq!(states(&app).await, [(Algorithm::Es256, KeyState::Signs)]);
    app.backend_token();
    app.finish().await;
}

#[tokio::test]
async fn every_algorithm_signs_what_the_server_accepts_after_a_restart() {
    let mut app = TestApp::start().await;
    let mut tokens = vec![app.backend_token()];
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Es256] {
        let rotation = Rotation {
            algorithm,
            published_before: Duration::ZERO,
            overlap: KEY_OVERLAP,
        };
        app.services.rotate_keys(rotation).await.unwrap();
        tokens.push(app.backend_token());
        app.pass(Duration::from_secs(1));
    }
    app.restart().await;
    for token in &tokens {
        app.send(Call::get("/api/v2/model/list").bearer(token))
            .await
            .expect(200);
    }
    let too_long = Rotation {
        overlap: KEY_OVERLAP + Duration::from_secs(1),
        ..Rotation::default()
    };
    assert!(app.services.rotate_keys(too_long).await.is_err());
    app.finish().await;
}

#[tokio::test]
async fn live_tickets_are_counted_on_the_key_that_sealed_them() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    app.ticket(&model).await;
    let counts = || async {
        let keys = app.services.sealing_keys().await.unwrap();
        keys.iter()
            .map(|key| (key.seals, key.known, key.live_tickets))
            .collect::<Vec<_>>()
    };
    assert_eq!(counts().await, [(true, true, 2)]);
    let id = app.services.decrypt_ticket(&ticket).unwrap().id;
    app.services.revoke_ticket(id).await.unwrap();
    assert_eq!(counts().await, [(true, true, 1)]);
    app.finish().await;
}

#[tokio::test]
async fn an_account_that_demands_tokens_overrules_its_models_at_once() {
    let app = TestApp::start().await;
    let user = UserId::new(app.entropy());
    let record = UserRecord::new(user, None, "Ada".to_owned(), app.services.now());
    app.services.store().insert_user(&record).await.unwrap();
    let model = app.push_for(user, "hers", CUBE).await;
    let other = app.push("others", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let elsewhere = app.open(&app.ticket(&other).await).await;
    let link = session.href("model");
    let view = app.token(Subject::Model(model.id), &["group.view"]);
    let foreign = app.token(Subject::Model(other.id), &["group.view"]);

    let force = |on| app.services.force_require_token(Payer::User(user), on);
    assert!(force(true).await.unwrap());
    app.send(open_call(&ticket))
        .await
        .expect_error(401, "SdTokenMissingError");
    app.send(open_call(&ticket).bearer("x.y.z"))
        .await
        .expect_error(401, "SdJwtValidationError");
    app.send(open_call(&ticket).bearer(&foreign))
        .await
        .expect_error(403, "SdErrorForbidden");
    app.send(open_call(&ticket).bearer(&view)).await.expect(201);
    for call in session.all_calls() {
        app.send(call.clone())
            .await
            .expect_error(401, "SdTokenMissingError");
        app.send(call.bearer(&foreign))
            .await
            .expect_error(403, "SdErrorForbidden");
    }
    app.send(Call::get(&link)).await.expect(410);
    // The token's permissions alone count: it does not export.
    app.send(session.make_export("stl", &json!({})).bearer(&view))
        .await
        .expect_error(403, "SdErrorForbidden");
    app.send(session.compute(&json!({})).bearer(&view))
        .await
        .expect(200);
    app.send(elsewhere.defaults()).await.expect(200);

    assert!(force(false).await.unwrap());
    app.send(session.defaults()).await.expect(200);
    app.send(open_call(&ticket)).await.expect(201);
    let nobody = Payer::Organization(OrganizationId::new(app.entropy()));
    let found = app.services.force_require_token(nobody, true).await;
    assert!(!found.unwrap());
    app.finish().await;
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case_and_everything_else_in_one_way_only() {
    let app = TestApp::start().await;
    let token = app.backend_token();
    let list = |value: String| {
        let call = Call::get("/api/v2/model/list").header("authorization", value);
        app.send(call)
    };
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        list(format!("{scheme} {token}")).await.expect(200);
    }
    for value in [
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer Bearer {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer:{token}"),
        format!("Bearer \"{token}\""),
        format!("JWT {token}"),
        format!("Token {token}"),
        token.clone(),
        "Bearer ".to_owned(),
    ] {
        list(value.clone())
            .await
            .expect_error(401, "SdJwtValidationError");
    }
    for (first, second) in [(&token[..], "x.y.z"), ("x.y.z", &token), (&token, &token)] {
        let call = Call::get("/api/v2/model/list").bearer(first).bearer(second);
        app.send(call)
            .await
            .expect_error(401, "SdJwtValidationError");
    }
    app.finish().await;
}
