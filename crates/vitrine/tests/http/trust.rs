//! Change takes effect at once on every node, and a node that cannot know serves nothing that needs
//! trust.

use std::time::Duration;

use serde_json::json;
use vitrine_access::grant::Subject;
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::ticket::Ticket;
use vitrine_access::time::Timestamp;
use vitrine_service::listening::FeedState;
use vitrine_service::models::{BlockingPatch, ModelPatch};
use vitrine_testkit::tamper;

use crate::app::{
    CUBE, Call, MASTER_KEY, Plan, TestApp, open_call, plans_for_both_databases, until,
};

fn block(owner: bool) -> ModelPatch {
    ModelPatch {
        blocking: BlockingPatch {
            owner: Some(owner),
            ..BlockingPatch::default()
        },
        ..ModelPatch::default()
    }
}

#[tokio::test]
async fn what_one_node_ends_has_ended_on_the_other() {
    for plan in plans_for_both_databases("nodes").await {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let ticket = app.ticket(&model).await;
        let (services, other) = app.second_node().await;
        let status = async |call: Call| call.send(&other).await.status.as_u16();
        let comes = async |call: Call, wanted: u16| {
            until("the other node hears of it", || {
                let call = call.clone();
                async { (status(call).await == wanted).then_some(()) }
            })
            .await;
        };

        let session = app.open(&ticket).await;
        assert_eq!(status(session.defaults()).await, 200);
        assert_eq!(status(session.compute(&json!({ "size": 90 }))).await, 200);
        assert_eq!(app.runs(model.id).await, 1);
        app.send(session.compute(&json!({ "size": 90 })))
            .await
            .expect(200);
        assert_eq!(app.runs(model.id).await, 1, "results are shared");
        app.send(session.close()).await.expect(200);
        comes(session.defaults(), 410).await;
        comes(Call::get(&session.href("model")), 410).await;

        let session = app.open(&ticket).await;
        assert_eq!(status(session.defaults()).await, 200);
        app.update(model.id, block(true)).await;
        comes(session.defaults(), 410).await;
        app.update(model.id, block(false)).await;
        comes(session.defaults(), 200).await;
        let sealer = Sealer::new(&MasterKey::from_text(MASTER_KEY).unwrap());
        let id = Ticket::open(&sealer, &ticket).unwrap().id;
        app.services.revoke_ticket(id).await.unwrap();
        comes(session.defaults(), 410).await;
        comes(open_call(&ticket), 403).await;

        let token = app.model_token(model.id);
        let get = Call::get(&format!("/api/v2/model/{}", model.id)).bearer(&token);
        assert_eq!(status(get.clone()).await, 200);
        let id = app.services.verify_token(&token).unwrap().token.id;
        app.services.revoke_token(id).await.unwrap();
        comes(get, 401).await;

        let token = app.model_token(model.id);
        let get = Call::get(&format!("/api/v2/model/{}", model.id)).bearer(&token);
        assert_eq!(status(get.clone()).await, 200);
        let subject = Subject::Model(model.id);
        app.services.revoke_subject(subject).await.unwrap();
        comes(get, 401).await;
        services.shutdown().await;
        app.finish().await;
    }
}

/// Everything that needs trust is refused in a way that clients understand.
async fn refuses_for_now(app: &TestApp, call: &Call) {
    let refused = until("trust ends", || async {
        let answer = app.send(call.clone()).await;
        (answer.status.as_u16() == 503).then_some(answer)
    })
    .await;
    let refused = refused.expect_error(503, "SdErrorGenericInternal");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 0);
}

#[tokio::test]
async fn a_node_whose_clock_is_off_trusts_nothing_until_the_clocks_agree() {
    let app = Plan::new()
        .settings(|settings| settings.compare_clocks = true)
        .start()
        .await;
    let database = app.services.store().database_clock().await.unwrap();
    app.clock.set(database);
    until("the clocks agree", || async {
        app.services.ready().await.ok()
    })
    .await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    app.pass(Duration::from_mins(5));
    refuses_for_now(&app, &session.defaults()).await;
    refuses_for_now(&app, &open_call("x")).await;
    refuses_for_now(&app, &Call::get(&session.href("model"))).await;
    let database = app.services.store().database_clock().await.unwrap();
    app.clock.set(database);
    until("the clocks agree again", || async {
        let answer = app.send(session.defaults()).await;
        (answer.status.as_u16() == 200).then_some(())
    })
    .await;
    for error in app.take_errors() {
        assert!(
            error.contains("clock") || error.contains("not-ready"),
            "{error}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn nodes_whose_clocks_differ_a_little_give_and_revoke_by_the_databases() {
    for plan in plans_for_both_databases("clocks").await {
        let app = plan
            .settings(|settings| settings.compare_clocks = true)
            .start()
            .await;
        let subject = Subject::Model(app.push("cube", CUBE).await.id);
        for off_ms in [-20_000, 20_000] {
            let database = app.services.store().database_clock().await.unwrap();
            let wrong = Timestamp::from_unix_ms(database.unix_ms() + off_ms);
            app.clock.set(wrong);
            until("the clock is set right", || async {
                let off = app.services.now().unix_ms() - database.unix_ms();
                (0..10_000).contains(&off).then_some(())
            })
            .await;
            app.services.ready().await.unwrap();
            // What a node with the right clock gave out until now is meant, and not much more.
            let not_before = app.services.revoke_subject(subject).await.unwrap();
            let ahead_ms = not_before.unix_ms() - database.unix_ms();
            assert!((0..11_000).contains(&ahead_ms), "{off_ms}: {ahead_ms}");
        }
        // Of the start, with the clock of tests.
        for error in app.take_errors() {
            assert!(error.contains("clock"), "{error}");
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn a_node_that_cannot_hear_changes_soon_trusts_nothing() {
    let mut app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    app.services.store().close().await;
    // Real seconds: the bound is one of the machine's time, whatever the clocks say.
    refuses_for_now(&app, &session.defaults()).await;
    refuses_for_now(&app, &open_call(&ticket)).await;
    refuses_for_now(&app, &Call::get(&session.href("model"))).await;
    app.restart().await;
    app.send(session.defaults()).await.expect(200);
    for error in app.take_errors() {
        let known = ["change log", "jobs", "not-ready", "database-failed"];
        assert!(known.iter().any(|part| error.contains(part)), "{error}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_change_of_a_newer_version_empties_the_caches_and_stops_nothing() {
    for plan in plans_for_both_databases("newer").await {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let session = app.open(&app.ticket(&model).await).await;
        app.send(session.defaults()).await.expect(200);
        // A newer node closes the session and tells of it in words that this one does not know.
        let close = "UPDATE session SET ended_reason = 'closed', ended_at = 1";
        tamper(app.database(), close).await;
        tamper(app.database(), "UPDATE change_counter SET last = last + 1").await;
        let tell =
            "INSERT INTO change_log (id, change) SELECT last, 'planet:6' FROM change_counter";
        tamper(app.database(), tell).await;
        until("the caches are empty", || async {
            let answer = app.send(session.defaults()).await;
            (answer.status.as_u16() == 410).then_some(())
        })
        .await;
        app.services.ready().await.unwrap();
        app.open(&app.ticket(&model).await).await;
        app.finish().await;
    }
}

#[tokio::test]
async fn a_cut_listening_connection_is_seen_mended_and_costs_no_change() {
    let plans = plans_for_both_databases("cut").await;
    for (plan, listens) in plans.into_iter().zip([false, true]) {
        let app = plan.start().await;
        let (model, told) = (app.push("cube", CUBE).await, FeedState::Told);
        let ticket = app.ticket(&model).await;
        let (services, other) = app.second_node().await;
        let state = |wanted: FeedState| {
            let services = services.clone();
            until("the feed is in this state", move || {
                let is = services.feed_state() == wanted;
                async move { is.then_some(()) }
            })
        };
        if !listens {
            state(FeedState::Polling).await;
            services.shutdown().await;
            app.finish().await;
            continue;
        }
        state(told).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE application_name = 'vitrine change feed' AND datname = current_database()";
        for _ in 0..3 {
            let session = app.open(&ticket).await;
            let answer = session.defaults().send(&other).await;
            assert_eq!(answer.status.as_u16(), 200);
            tamper(app.database(), cut).await;
            app.send(session.close()).await.expect(200);
            until("the other node hears of it", || async {
                let answer = session.defaults().send(&other).await;
                (answer.status.as_u16() == 410).then_some(())
            })
            .await;
            state(told).await;
        }
        services.shutdown().await;
        app.finish().await;
    }
}
