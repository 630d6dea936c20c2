//! What is charged: every chargeable event is one row, durable before its answer.

use std::time::Duration;

use serde_json::json;
use vitrine_access::UsageKind::{Combined, Computation, Export, Output, Session, SessionSlot};
use vitrine_access::session::SessionClass;
use vitrine_access::{Timestamp, UsageEvent, UsageKind};
use vitrine_store::UsageScope;

use crate::app::{CUBE, Call, Opened, TestApp};

const SLOT: Duration = Duration::from_mins(10);

/// Kind and credits of the rows that are not about computing time, which depends on the machine.
fn charged(rows: &[UsageEvent]) -> Vec<(UsageKind, u32)> {
    rows.iter()
        .filter(|row| row.kind != Computation)
        .map(|row| (row.kind, row.credits))
        .collect()
}

async fn visitor() -> (TestApp, Opened) {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    (app, session)
}

#[tokio::test]
async fn a_visitors_session_costs_one_credit_and_its_outputs_nothing() {
    let (app, session) = visitor().await;
    for size in [20, 30, 20] {
        app.send(session.compute(&json!({ "size": size })))
            .await
            .expect(200);
    }
    let rows = app.usage(&session).await;
    assert!(rows.iter().all(|row| row.class == SessionClass::Limited));
    let expected = [(Session, 1), (Output, 0), (Output, 0), (Output, 0)];
    assert_eq!(charged(&rows), expected);
    app.finish().await;
}

#[tokio::test]
async fn the_next_ten_minutes_are_charged_only_when_a_customization_falls_into_them() {
    let (app, session) = visitor().await;
    app.pass(Duration::from_secs(599));
    app.send(session.compute(&json!({}))).await.expect(200);
    assert_eq!(
        charged(&app.usage(&session).await),
        [(Session, 1), (Output, 0)]
    );
    app.pass(SLOT);
    app.send(session.defaults()).await.expect(200);
    assert_eq!(app.usage(&session).await.len(), 2, "looking costs nothing");
    for _ in 0..2 {
        app.send(session.compute(&json!({}))).await.expect(200);
    }
    let rows = charged(&app.usage(&session).await);
    let slots = rows.iter().filter(|row| **row == (SessionSlot, 1)).count();
    assert_eq!((slots, rows.len()), (1, 5), "{rows:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_slot_is_charged_once_among_requests_at_the_same_moment() {
    let (app, session) = visitor().await;
    app.pass(SLOT);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (router, call) = (app.router.clone(), session.compute(&json!({})));
        calls.spawn(async move { call.send(&router).await.expect(200) });
    }
    calls.join_all().await;
    let rows = app.usage(&session).await;
    let slots = rows.iter().filter(|row| row.kind == SessionSlot).count();
    assert_eq!(slots, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_slot_is_not_charged_again_after_a_restart() {
    let (mut app, session) = visitor().await;
    app.pass(SLOT);
    app.send(session.compute(&json!({}))).await.expect(200);
    app.restart().await;
    app.send(session.compute(&json!({}))).await.expect(200);
    let rows = app.usage(&session).await;
    let slots = rows.iter().filter(|row| row.kind == SessionSlot).count();
    assert_eq!(slots, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_servers_session_is_free_and_its_outputs_cost_one_credit_each() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open_backend(&app.backend_ticket(&model).await).await;
    app.send(session.compute(&json!({}))).await.expect(200);
    app.pass(SLOT * 2);
    app.send(session.compute(&json!({}))).await.expect(200);
    let rows = app.usage(&session).await;
    assert!(rows.iter().all(|row| row.class == SessionClass::Default));
    assert_eq!(charged(&rows), [(Session, 0), (Output, 1), (Output, 1)]);
    app.finish().await;
}

#[tokio::test]
async fn an_export_costs_one_credit_and_outputs_in_the_same_request_make_it_a_combined_one() {
    let (app, session) = visitor().await;
    app.send(session.make_export("stl", &json!({})))
        .await
        .expect(200);
    let body = json!({
        "exports": [session.export("stl")],
        "outputs": [session.output("price")],
        "parameters": { "size": 25 }
    });
    let answer = app
        .send(Call::put(&session.path("export")).json(&body))
        .await
        .expect(200)
        .json();
    let outputs = answer["outputs"].as_object().unwrap();
    assert_eq!(
        outputs.keys().collect::<Vec<_>>(),
        [&session.output("price")]
    );
    let content = &outputs[&session.output("price")]["content"][0];
    assert_eq!(content["data"]["amount"], 50);
    assert_eq!(
        charged(&app.usage(&session).await),
        [(Session, 1), (Export, 1), (Combined, 1)]
    );
    app.finish().await;
}

#[tokio::test]
async fn cached_answers_and_refused_requests_cost_nothing() {
    let (app, session) = visitor().await;
    let before = app.usage(&session).await.len();
    let cached = Call::put(&session.path("output/cache")).json(&json!({}));
    app.send(cached).await.expect(200);
    let cached = json!({ "exports": [session.export("stl")], "parameters": {} });
    app.send(Call::put(&session.path("export/cache")).json(&cached))
        .await
        .expect(200);
    app.send(session.compute(&json!({ "size": 1000 })))
        .await
        .expect(400);
    app.send(session.compute(&json!({ "nothing": 1 })))
        .await
        .expect(400);
    assert_eq!(app.usage(&session).await.len(), before);
    app.finish().await;
}

#[tokio::test]
async fn computing_time_is_noted_once_per_run_of_a_worker() {
    let (app, session) = visitor().await;
    for _ in 0..3 {
        app.send(session.compute(&json!({ "size": 33 })))
            .await
            .expect(200);
    }
    let rows = app.usage(&session).await;
    let runs = rows.iter().filter(|row| row.kind == Computation).count();
    assert_eq!(runs, 1);
    app.finish().await;
}

#[tokio::test]
async fn every_row_names_owner_payer_model_ticket_and_session_and_totals_are_their_sums() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let mut credits = 0;
    for _ in 0..3 {
        let session = app.open(&ticket).await;
        app.send(session.make_export("stl", &json!({})))
            .await
            .expect(200);
        for row in app.usage(&session).await {
            assert_eq!(row.owner, model.owner);
            assert_eq!(row.payer, model.owner.payer());
            assert_eq!(row.model, model.id);
            assert_eq!(row.session, Some(session.hash()));
            assert!(row.ticket.is_some());
            credits += u64::from(row.credits);
        }
    }
    let (from, until) = (Timestamp::from_unix_ms(0), Timestamp::MAX_14);
    for scope in [
        UsageScope::Model(model.id),
        UsageScope::Payer(model.owner.payer()),
    ] {
        let store = app.services.store();
        let sum = store.usage_sum(scope, None, from, until).await.unwrap();
        assert_eq!(sum.credits, credits);
    }
    assert_eq!(credits, 6);
    app.finish().await;
}
