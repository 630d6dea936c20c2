//! Caps on credits, as clients meet them.

use std::time::Duration;

use serde_json::json;
use vitrine_access::caps::{CapScope, CapWindow};
use vitrine_access::grant::Subject;
use vitrine_access::{Timestamp, UsageKind};
use vitrine_store::UsageScope;

use crate::app::{CUBE, Call, Opened, TestApp, open_call, plans_for_both_databases};
use crate::platform_roles::somebody;

/// Credits of all rows of a scope, whenever they were charged.
async fn spent(app: &TestApp, scope: UsageScope) -> u64 {
    let (from, until) = (Timestamp::from_unix_ms(0), Timestamp::MAX_14);
    let sum = app
        .services
        .store()
        .usage_sum(scope, None, from, until)
        .await;
    sum.unwrap().credits
}

async fn backend(app: &TestApp) -> (vitrine_store::ModelRecord, Opened) {
    let model = app.push("cube", CUBE).await;
    let session = app.open_backend(&app.backend_ticket(&model).await).await;
    (model, session)
}

#[tokio::test]
async fn two_hundred_requests_at_once_stop_exactly_at_a_cap_of_a_hundred_credits() {
    for plan in plans_for_both_databases("caps").await {
        let app = plan.start().await;
        let (model, session) = backend(&app).await;
        // Warm, so that no computing time is charged beside the requests.
        app.send(session.compute(&json!({}))).await.expect(200);
        let scope = CapScope::Model(model.id);
        app.services
            .set_cap(scope, CapWindow::Day, 100)
            .await
            .unwrap();
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (router, call) = (app.router.clone(), session.compute(&json!({})));
            calls.spawn(async move { call.send(&router).await });
        }
        let answers = calls.join_all().await;
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 99, "one credit was spent before");
        for refused in answers.into_iter().filter(|answer| answer.status != 200) {
            let message = refused.expect_error(403, "SdErrorForbidden").message();
            assert!(
                message.contains("100 credits per day") && message.contains("this model"),
                "{message}"
            );
        }
        let caps = app.services.caps().await.unwrap();
        let sum = spent(&app, UsageScope::Model(model.id)).await;
        assert_eq!((caps[0].used, sum), (100, 100));
        app.finish().await;
    }
}

#[tokio::test]
async fn no_session_opens_above_the_cap_and_the_next_window_lets_it() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let scope = CapScope::Model(model.id);
    app.services
        .set_cap(scope, CapWindow::Hour, 1)
        .await
        .unwrap();
    app.open(&ticket).await;
    let refused = app.send(open_call(&ticket)).await;
    assert_eq!(refused.header("retry-after"), None);
    let body = refused.expect_error(403, "SdErrorForbidden").json();
    assert_eq!(body["code"], "cap-reached");
    app.pass(Duration::from_hours(1));
    app.open(&ticket).await;
    app.finish().await;
}

#[tokio::test]
async fn a_used_up_cap_stops_new_work_but_not_what_is_paid_and_computed() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    app.send(session.compute(&json!({ "size": 20 })))
        .await
        .expect(200);
    let runs = app.runs(model.id).await;
    let scope = CapScope::Model(model.id);
    app.services
        .set_cap(scope, CapWindow::Day, 1)
        .await
        .unwrap();
    app.send(session.compute(&json!({ "size": 20 })))
        .await
        .expect(200);
    app.send(session.compute(&json!({ "size": 21 })))
        .await
        .expect_error(403, "SdErrorForbidden");
    assert_eq!(app.runs(model.id).await, runs);
    app.services
        .set_cap(scope, CapWindow::Day, 2)
        .await
        .unwrap();
    app.send(session.compute(&json!({ "size": 21 })))
        .await
        .expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_cap_on_a_tokens_subject_counts_what_its_sessions_cost() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let subject = Subject::Model(model.id);
    let token = app.model_token(model.id);
    let scope = CapScope::Subject(subject);
    app.services
        .set_cap(scope, CapWindow::Month, 1)
        .await
        .unwrap();
    let call = Call::post(&format!("/api/v2/model/{}/session", model.id)).bearer(&token);
    let session = Opened::read(&app.send(call).await.expect(201));
    app.send(session.compute(&json!({}))).await.expect(200);
    let rows = app.usage(&session).await;
    assert!(rows.iter().all(|row| row.subject == Some(subject)));
    assert!(
        rows.iter()
            .any(|row| row.kind == UsageKind::Output && row.credits == 1)
    );
    let refused = app.send(session.compute(&json!({}))).await;
    let message = refused.expect_error(403, "SdErrorForbidden").message();
    assert!(message.contains("per month"), "{message}");
    // Another credential of the same model is not concerned.
    app.open(&app.ticket(&model).await).await;
    app.finish().await;
}

#[tokio::test]
async fn a_cap_that_was_set_elsewhere_counts_at_once_on_every_node() {
    let app = TestApp::start().await;
    let (model, session) = backend(&app).await;
    let (other, router) = app.second_node().await;
    session.compute(&json!({})).send(&router).await.expect(200);
    let scope = CapScope::Model(model.id);
    app.services
        .set_cap(scope, CapWindow::Day, 2)
        .await
        .unwrap();
    app.send(session.compute(&json!({}))).await.expect(200);
    session
        .compute(&json!({}))
        .send(&router)
        .await
        .expect_error(403, "SdErrorForbidden");
    other.shutdown().await;
    app.finish().await;
}

/// Sets a cap of whom the token signs in, and returns the answer's caps.
async fn set_own(app: &TestApp, token: &str, body: &serde_json::Value) -> Vec<serde_json::Value> {
    let call = Call::post("/api/v1/credit_caps").json(body).bearer(token);
    let answer = app.send(call).await.expect(200).json();
    answer["data"]["result"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_owners_cap_holds_beside_the_operators_and_neither_moves_the_other() {
    for plan in plans_for_both_databases("own_caps").await {
        let app = plan.start().await;
        let (user, token) = somebody(&app, "hers").await;
        let model = app.services.model_by_slug("hers").await.unwrap().unwrap();
        let scope = CapScope::Model(model.id);
        let operator = app.services.set_cap(scope, CapWindow::Month, 3);
        operator.await.unwrap();
        let ticket = app.ticket(&model).await;
        app.open(&ticket).await;
        let own = |credits: serde_json::Value| json!({ "model_id": "hers", "credits": credits });
        let caps = set_own(&app, &token, &own(json!(2))).await;
        let told: Vec<_> = caps
            .iter()
            .map(|cap| {
                (
                    cap["set_by"].as_str().unwrap(),
                    cap["credits"].as_u64(),
                    cap["used"].as_u64(),
                )
            })
            .collect();
        assert_eq!(told.len(), 2);
        assert!(told.contains(&("operator", Some(3), Some(1))), "{told:?}");
        assert!(told.contains(&("owner", Some(2), Some(1))), "{told:?}");
        app.open(&ticket).await;
        let refused = app.send(open_call(&ticket)).await;
        let said = refused.expect_error(403, "SdErrorForbidden").json();
        assert_eq!(said["code"], "cap-reached");
        let said = said["message"].as_str().unwrap().to_owned();
        assert!(
            said.contains("cap of 2 credits") && said.contains("whoever looks after the model"),
            "{said}"
        );
        // A higher one of the owner's does not lift the operator's.
        set_own(&app, &token, &own(json!(1_000))).await;
        app.open(&ticket).await;
        let refused = app.send(open_call(&ticket)).await;
        let said = refused.expect_error(403, "SdErrorForbidden").message();
        assert!(
            said.contains("cap of 3 credits") && said.contains("the operator of this server"),
            "{said}"
        );
        let left = set_own(&app, &token, &own(json!(null))).await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["set_by"], "operator");
        assert_eq!(spent(&app, UsageScope::Model(model.id)).await, 3);
        // The account's own, by the hour.
        let caps = set_own(&app, &token, &json!({ "per": "hour", "credits": 9 })).await;
        assert_eq!(caps[0]["scope"], format!("user:{user}"));
        assert_eq!(
            (&caps[0]["per"], &caps[0]["used"]),
            (&json!("hour"), &json!(3))
        );
        app.finish().await;
    }
}

#[tokio::test]
async fn both_caps_tell_their_shares_of_the_same_charge() {
    let app = TestApp::start().await;
    let (_, token) = somebody(&app, "hers").await;
    let model = app.services.model_by_slug("hers").await.unwrap().unwrap();
    let operator = app
        .services
        .set_cap(CapScope::Model(model.id), CapWindow::Month, 1);
    operator.await.unwrap();
    set_own(&app, &token, &json!({ "model_id": "hers", "credits": 1 })).await;
    app.open(&app.ticket(&model).await).await;
    let query = Call::post("/api/v1/notifications/query").json(&json!({ "limit": 100 }));
    let told = app.send(query.bearer(&token)).await.expect(200).json();
    let told = told["data"]["result"].as_array().unwrap();
    let errors = told
        .iter()
        .filter(|one| one["type"] == "credit-limit-error");
    assert_eq!((told.len(), errors.count()), (8, 2));
    app.finish().await;
}

#[tokio::test]
async fn caps_that_cannot_be_are_refused_by_name() {
    let app = TestApp::start().await;
    let (_, token) = somebody(&app, "hers").await;
    let max = vitrine_service::metering::CAP_CREDITS_MAX;
    for (body, status) in [
        (json!({ "credits": max }), 200),
        (json!({ "credits": max + 1 }), 400),
        (json!({ "credits": -1 }), 400),
        (json!({ "credits": 1, "per": "year" }), 400),
        (
            json!({ "credits": 1, "model_id": "hers", "organization_id": "x" }),
            400,
        ),
        (json!({ "credits": 1, "organization_id": "x" }), 404),
        (json!({ "credits": 1, "model_id": "nobodys" }), 404),
        (json!({}), 200),
    ] {
        let call = Call::post("/api/v1/credit_caps").json(&body);
        app.send(call.bearer(&token)).await.expect(status);
    }
    assert!(app.services.caps().await.unwrap().is_empty());
    app.finish().await;
}
