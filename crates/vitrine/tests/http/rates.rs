//! Limits on how often clients may ask, and whose address counts.

use std::time::Duration;

use serde_json::json;
use vitrine_access::forwarded::{ForwardedHeader, TrustedProxies};
use vitrine_service::RateLimits;
use vitrine_service::models::ModelPatch;

use crate::app::{Answer, CUBE, Call, Plan, open_call};

const MINUTE: Duration = Duration::from_mins(1);

fn limited(rates: RateLimits) -> Plan {
    Plan::new().settings(|settings| settings.rates = rates)
}

fn jwks(peer: &str) -> Call {
    Call::get("/.well-known/jwks.json").from(peer)
}

#[track_caller]
fn assert_limited(answer: Answer, policy: &str, rest: &str) {
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    assert_eq!(answer.header("ratelimit"), Some(rest));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("RateLimit, RateLimit-Policy"), "{exposed}");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(
        seconds >= 1 && rest.ends_with(&format!(";t={seconds}")),
        "{rest}"
    );
    answer.expect_error(429, "SdRateLimitErrorGeneric");
}

#[tokio::test]
async fn an_address_has_its_own_quota_and_health_is_always_told() {
    let rates = RateLimits {
        address: 3,
        ..RateLimits::NONE
    };
    let app = limited(rates).start().await;
    for _ in 0..3 {
        app.send(jwks("192.0.2.1")).await.expect(200);
    }
    let refused = app.send(jwks("192.0.2.1")).await;
    assert_limited(refused, "\"address\";q=3;w=60", "\"address\";r=0;t=20");
    app.send(Call::get("/healthz").from("192.0.2.1"))
        .await
        .expect(200);
    app.send(jwks("192.0.2.2")).await.expect(200);
    app.pass(Duration::from_secs(20));
    app.send(jwks("192.0.2.1")).await.expect(200);
    app.send(jwks("192.0.2.1")).await.expect(429);
    app.finish().await;
}

#[tokio::test]
async fn guesses_above_the_limit_tell_nothing_and_what_is_valid_passes_all_the_same() {
    let rates = RateLimits {
        failures: 5,
        ..RateLimits::NONE
    };
    let app = limited(rates).start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let guesses = [
        Call::post("/api/v2/ticket/00ff-00ff").origin("https://shop.example.com"),
        Call::get("/api/v2/session/0123456789abcdef0123456789abcdef/default"),
        Call::get("/api/v2/session/nonsense/default"),
        Call::get(&format!("/api/v2/model/{}", model.id)).bearer("a.b.c"),
        Call::get("/api/v2/session/fedcba9876543210fedcba9876543210/default"),
    ];
    for guess in &guesses {
        let answer = app.send(guess.clone()).await;
        assert!(
            answer.status.is_client_error() && answer.status != 429,
            "{}",
            answer.text()
        );
    }
    for guess in &guesses {
        let limited = app.send(guess.clone()).await;
        assert_limited(limited, "\"failures\";q=5;w=60", "\"failures\";r=0;t=12");
    }
    // Others behind the same address are not locked out by somebody who guesses.
    let session = app.open(&ticket).await;
    app.send(session.defaults()).await.expect(200);
    app.pass(MINUTE);
    app.send(guesses[0].clone()).await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn whatever_can_be_guessed_is_counted() {
    let rates = RateLimits {
        failures: 1,
        ..RateLimits::NONE
    };
    let app = limited(rates).start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let wrong_key = format!("vit_pk_{}", "A".repeat(40));
    let unknown_token = "00000000-0000-4000-8000-000000000000";
    let form = |call: Call, text: &str| {
        call.header("content-type", "application/x-www-form-urlencoded")
            .body(text.to_owned())
    };
    let guesses = [
        Call::get("/verify").header("x-api-token", unknown_token),
        Call::post("/generate")
            .header("x-api-key", &wrong_key)
            .json(&json!({})),
        form(
            Call::post("/oauth/introspect").header("x-api-key", &wrong_key),
            &format!("token={unknown_token}"),
        ),
        Call::post(&format!("/embed/{}", model.slug)).body("guessed"),
        open_call(&ticket).header("x-vitrine-embed", "guessed"),
        Call::post("/oauth/logout")
            .bearer("a.b.c")
            .json(&json!({ "refresh_token": "a.b.c" })),
    ];
    for (n, guess) in guesses.into_iter().enumerate() {
        let guess = guess.from(&format!("192.0.2.{n}"));
        app.send(guess.clone()).await;
        let again = app.send(guess.clone()).await;
        assert_eq!(again.status, 429, "{n}: {guess:?} {}", again.text());
    }
    app.finish().await;
}

#[tokio::test]
async fn tickets_and_token_subjects_have_quotas_wherever_they_are_used() {
    let rates = RateLimits {
        ticket: 2,
        key: 2,
        ..RateLimits::NONE
    };
    let app = limited(rates).start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    app.send(session.compute(&json!({})).from("192.0.2.50"))
        .await
        .expect(200);
    let refused = app.send(open_call(&ticket).from("192.0.2.51")).await;
    assert_limited(refused, "\"ticket\";q=2;w=60", "\"ticket\";r=0;t=30");
    let ask = |token: &str| Call::get(&format!("/api/v2/model/{}", model.id)).bearer(token);
    // Two tokens of one subject share its quota.
    let (one, other) = (app.model_token(model.id), app.model_token(model.id));
    app.send(ask(&one)).await.expect(200);
    app.send(ask(&other)).await.expect(200);
    assert_limited(
        app.send(ask(&one)).await,
        "\"key\";q=2;w=60",
        "\"key\";r=0;t=30",
    );
    app.send(ask(&app.backend_token())).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn loopback_is_not_limited_where_the_demo_says_so() {
    let rates = RateLimits {
        address: 1,
        failures: 1,
        ticket: 1,
        key: 1,
    };
    let plan = limited(rates).settings(|settings| settings.limit_loopback = false);
    let app = plan.start().await;
    for _ in 0..5 {
        app.send(jwks("127.0.0.1")).await.expect(200);
        app.send(jwks("::1")).await.expect(200);
    }
    app.send(jwks("192.0.2.1")).await.expect(200);
    app.send(jwks("192.0.2.1")).await.expect(429);
    app.finish().await;
}

#[tokio::test]
async fn sessions_per_hour_count_by_the_clients_address_behind_a_trusted_proxy_only() {
    let plan = Plan::new().settings(|settings| {
        let proxies = TrustedProxies::parse_all(&["10.0.0.1"], ForwardedHeader::XForwardedFor);
        settings.trusted_proxies = proxies.unwrap();
    });
    let app = plan.start().await;
    let model = app.push("cube", CUBE).await;
    let patch = ModelPatch {
        session_rate_limit: Some(1),
        ..ModelPatch::default()
    };
    app.update(model.id, patch).await;
    let ticket = app.ticket(&model).await;
    let open = |peer: &str, client: &str| {
        open_call(&ticket)
            .from(peer)
            .header("x-forwarded-for", client)
    };
    app.send(open("10.0.0.1", "203.0.113.1")).await.expect(201);
    let refused = app
        .send(open("10.0.0.1", "198.51.100.9, 203.0.113.1"))
        .await;
    assert_limited(
        refused,
        "\"sessions\";q=1;w=3600",
        "\"sessions\";r=0;t=3600",
    );
    app.send(open("10.0.0.1", "203.0.113.2")).await.expect(201);
    // A stranger cannot choose where he comes from.
    app.send(open("192.0.2.1", "203.0.113.3")).await.expect(201);
    app.send(open("192.0.2.1", "203.0.113.4")).await.expect(429);
    app.finish().await;
}

#[tokio::test]
async fn an_ended_session_is_gone_whatever_the_quota_and_counts_for_nothing() {
    let rates = RateLimits {
        ticket: 2,
        ..RateLimits::NONE
    };
    let app = limited(rates).start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    app.send(session.close()).await.expect(200);
    for _ in 0..4 {
        app.send(session.defaults()).await.expect(410);
    }
    app.pass(Duration::from_secs(30));
    app.send(open_call(&ticket)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_proxys_questions_count_by_credential_and_not_by_its_address() {
    let plan = Plan::new().settings(|settings| {
        settings.rates = RateLimits {
            address: 1,
            key: 3,
            ..RateLimits::NONE
        };
        settings.trusted_proxies =
            TrustedProxies::parse_all(&["10.0.0.1"], ForwardedHeader::default()).unwrap();
    });
    let app = plan.start().await;
    let model = app.push("cube", CUBE).await;
    let token = app.model_token(model.id);
    let ask = || {
        Call::get("/authorize/files/a.bin")
            .from("10.0.0.1")
            .header("x-vitrine-model", model.id.to_string())
            .header("x-vitrine-permission", "file.download")
            .bearer(&token)
    };
    let mut reasons = Vec::new();
    for _ in 0..4 {
        let answer = app.send(ask()).await;
        let reason = answer.header("x-vitrine-reason").unwrap_or_default();
        reasons.push((answer.status.as_u16(), reason.to_owned()));
    }
    let passed = (204, String::new());
    let expected = [
        passed.clone(),
        passed.clone(),
        passed,
        (403, "rate-limited".to_owned()),
    ];
    assert_eq!(reasons, expected);
    app.finish().await;
}
