//! Caps on credits, as clients meet them.

use std::time::Duration;

use serde_json::json;
use vitrine_access::caps::{CapScope, CapWindow};
use vitrine_access::grant::Subject;
use vitrine_access::{Timestamp, UsageKind};
use vitrine_store::UsageScope;

use crate::app::{CUBE, Call, Opened, TestApp, open_call, plans_for_both_databases};

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
