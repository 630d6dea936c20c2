//! How sessions end, and what ends with them: age, idleness, closing, and every right withdrawn.

use std::time::Duration;

use serde_json::json;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{TicketId, TokenId};
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::session::SessionState;
use vitrine_access::ticket::Ticket;
use vitrine_access::time::Timestamp;
use vitrine_service::ModelRecord;
use vitrine_service::models::{BlockingPatch, ModelPatch};

use crate::app::{
    ALL_SCOPES, CUBE, Call, Opened, Plan, TestApp, open_call, plans_for_both_databases,
};

const HOUR: Duration = Duration::from_hours(1);
const GRACE: Duration = Duration::from_mins(5);
const SECOND: Duration = Duration::from_secs(1);

fn just_before(end: Duration) -> Duration {
    end.saturating_sub(SECOND)
}

/// A server with one model and one session of the shop's page.
async fn shown() -> (TestApp, ModelRecord, String, Opened) {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    (app, model, ticket, session)
}

/// Everything that the session could do is refused: calls, cached answers and links.
async fn everything_is_gone(app: &TestApp, session: &Opened) {
    for call in session.all_calls() {
        app.send(call).await.expect_error(410, "SdSessionGoneError");
    }
    let link = Call::get(&session.href("model"));
    app.send(link).await.expect_error(410, "SdSessionGoneError");
}

fn ticket_id(ticket: &str) -> TicketId {
    let sealer = Sealer::new(&MasterKey::from_text(crate::app::MASTER_KEY).unwrap());
    Ticket::open(&sealer, ticket).unwrap().id
}

#[tokio::test]
async fn a_session_ends_by_age_however_busy_it_is() {
    let (app, _, _, session) = shown().await;
    for _ in 0..6 {
        app.send(session.defaults()).await.expect(200);
        app.pass(HOUR / 6);
    }
    app.send(session.defaults())
        .await
        .expect_error(410, "SdSessionGoneError");
    app.finish().await;
}

#[tokio::test]
async fn a_session_lives_until_the_last_moment_before_its_age() {
    let (app, _, _, session) = shown().await;
    app.pass(just_before(HOUR));
    app.send(session.defaults()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_use_keeps_it_open() {
    let idle = HOUR / 4;
    let app = Plan::new()
        .settings(|settings| settings.session_limits.idle_max = idle)
        .start()
        .await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    for _ in 0..3 {
        app.pass(just_before(idle));
        app.send(session.defaults()).await.expect(200);
    }
    app.pass(idle);
    app.send(session.defaults())
        .await
        .expect_error(410, "SdSessionGoneError");
    app.finish().await;
}

#[tokio::test]
async fn use_keeps_a_session_open_over_a_restart() {
    let idle = HOUR / 4;
    let mut app = Plan::new()
        .settings(|settings| settings.session_limits.idle_max = idle)
        .start()
        .await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    app.pass(just_before(idle));
    app.send(session.defaults()).await.expect(200);
    app.restart().await;
    app.pass(just_before(idle));
    app.send(session.defaults()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn asset_links_survive_expiry_for_the_grace_and_die_after_it() {
    let (app, _, _, session) = shown().await;
    let link = session.href("model");
    app.pass(HOUR);
    app.send(session.defaults()).await.expect(410);
    app.pass(just_before(GRACE));
    app.send(Call::get(&link)).await.expect(206);
    app.pass(SECOND);
    app.send(Call::get(&link)).await.expect(410);
    app.finish().await;
}

#[tokio::test]
async fn asset_links_die_with_the_close() {
    let (app, _, _, session) = shown().await;
    let link = session.href("model");
    app.send(Call::get(&link)).await.expect(206);
    app.send(session.close()).await.expect(200);
    app.send(Call::get(&link))
        .await
        .expect_error(410, "SdSessionGoneError");
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_ticket_ends_what_it_opened_at_once_and_opens_nothing_more() {
    let (app, model, ticket, session) = shown().await;
    let other = app.open(&app.ticket(&model).await).await;
    app.services
        .revoke_ticket(ticket_id(&ticket))
        .await
        .unwrap();
    everything_is_gone(&app, &session).await;
    let refused = app.send(open_call(&ticket)).await;
    let refused = refused.expect_error(403, "SdTicketValidationError");
    assert!(
        refused.message().contains("revoked"),
        "{}",
        refused.message()
    );
    app.send(other.defaults()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_blocked_model_ends_its_sessions_at_once() {
    let (app, model, ticket, session) = shown().await;
    let blocking = BlockingPatch {
        owner: Some(true),
        ..BlockingPatch::default()
    };
    app.update(
        model.id,
        ModelPatch {
            blocking,
            ..ModelPatch::default()
        },
    )
    .await;
    everything_is_gone(&app, &session).await;
    app.send(open_call(&ticket))
        .await
        .expect_error(403, "SdErrorForbidden");
    app.finish().await;
}

#[tokio::test]
async fn a_removed_domain_ends_the_sessions_of_its_pages_at_once() {
    let (app, model, ticket, session) = shown().await;
    let backend = app.open_backend(&app.backend_ticket(&model).await).await;
    let elsewhere = ModelPatch {
        accessdomains: Some(vec!["other.example.com".to_owned()]),
        ..ModelPatch::default()
    };
    app.update(model.id, elsewhere).await;
    everything_is_gone(&app, &session).await;
    app.send(open_call(&ticket))
        .await
        .expect_error(403, "SdTicketValidationError");
    app.send(backend.defaults()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn backend_access_turned_off_ends_the_sessions_of_servers_only() {
    let (app, model, _, session) = shown().await;
    let ticket = app.backend_ticket(&model).await;
    let backend = app.open_backend(&ticket).await;
    let off = ModelPatch {
        backend_access: Some(false),
        ..ModelPatch::default()
    };
    app.update(model.id, off).await;
    everything_is_gone(&app, &backend).await;
    app.send(Call::post(&format!("/api/v2/ticket/{ticket}")))
        .await
        .expect_error(403, "SdTicketValidationError");
    app.send(session.defaults()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_token_ends_the_session_that_it_opened() {
    let (app, model, _, _) = shown().await;
    let token = app.token(Subject::Model(model.id), ALL_SCOPES);
    let call = Call::post(&format!("/api/v2/model/{}/session", model.id)).bearer(&token);
    let session = Opened::read(&app.send(call.clone()).await.expect(201));
    app.send(session.defaults()).await.expect(200);
    let id: TokenId = app.services.verify_token(&token).unwrap().token.id;
    app.services.revoke_token(id).await.unwrap();
    everything_is_gone(&app, &session).await;
    app.send(call)
        .await
        .expect_error(401, "SdJwtValidationError");
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_subject_loses_its_tokens_and_sessions_and_may_be_given_new_ones() {
    let (app, model, _, by_ticket) = shown().await;
    let subject = Subject::Model(model.id);
    let token = app.token(subject, ALL_SCOPES);
    let backend = app.backend_token();
    let call = Call::post(&format!("/api/v2/model/{}/session", model.id));
    let session = Opened::read(&app.send(call.clone().bearer(&token)).await.expect(201));
    let good_from = app.services.revoke_subject(subject).await.unwrap();
    everything_is_gone(&app, &session).await;
    let refused = app.send(call.clone().bearer(&token)).await;
    refused.expect_error(401, "SdJwtValidationError");
    // Others are untouched.
    app.send(by_ticket.defaults()).await.expect(200);
    app.send(call.clone().bearer(&backend)).await.expect(201);
    let now = app.services.now();
    assert!(good_from > now && good_from.since(now) <= Duration::from_secs(1));
    app.clock.set(good_from);
    let renewed = app.token(subject, ALL_SCOPES);
    app.send(call.bearer(&renewed)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_subject_stays_revoked_after_a_restart() {
    let (mut app, model, ..) = shown().await;
    let subject = Subject::Model(model.id);
    let call = Call::get(&format!("/api/v2/model/{}", model.id));
    let call = call.bearer(&app.token(subject, ALL_SCOPES));
    app.send(call.clone()).await.expect(200);
    app.services.revoke_subject(subject).await.unwrap();
    app.restart().await;
    app.send(call)
        .await
        .expect_error(401, "SdJwtValidationError");
    app.finish().await;
}

#[tokio::test]
async fn what_another_process_revokes_ends_here_too() {
    let (app, _, ticket, session) = shown().await;
    app.send(session.defaults()).await.expect(200);
    // The command line is such a process: it writes rows and the change log, and nothing else.
    let store = app.services.store();
    let mut tx = store.begin().await.unwrap();
    let id = ticket_id(&ticket);
    tx.revoke_ticket(id, app.services.now()).await.unwrap();
    tx.note_change(&vitrine_access::Change::Ticket(id))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    crate::app::until("the change is heard", || async {
        let answer = app.send(session.defaults()).await;
        (answer.status.as_u16() == 410).then_some(())
    })
    .await;
    everything_is_gone(&app, &session).await;
    app.finish().await;
}

#[tokio::test]
async fn of_many_closes_at_once_exactly_one_succeeds() {
    for plan in plans_for_both_databases("closes").await {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let session = app.open(&app.ticket(&model).await).await;
        let mut closes = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (router, call) = (app.router.clone(), session.close());
            closes.spawn(async move { call.send(&router).await.status.as_u16() });
        }
        let mut statuses = closes.join_all().await;
        statuses.sort_unstable();
        let mut expected = vec![410; 16];
        expected[0] = 200;
        assert_eq!(statuses, expected);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_closed_session_is_closed_in_the_database_when_the_answer_comes() {
    let (mut app, _, _, session) = shown().await;
    app.send(session.close()).await.expect(200);
    let row = app.services.store().session(session.hash()).await.unwrap();
    let state = row
        .unwrap()
        .state(app.services.now(), &app.services.settings().session_limits);
    assert!(matches!(state, SessionState::Ended(..)));
    app.restart().await;
    everything_is_gone(&app, &session).await;
    app.finish().await;
}

#[tokio::test]
async fn an_expired_ticket_opens_nothing_and_what_it_opened_ends() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let until: Timestamp = app.services.now().plus(HOUR / 2);
    let ticket = app
        .ticket_with(&model, |request| request.until = until)
        .await;
    let session = app.open(&ticket).await;
    app.pass(HOUR / 2 + Duration::from_secs(1));
    let refused = app.send(open_call(&ticket)).await;
    let refused = refused.expect_error(403, "SdTicketValidationError");
    assert!(
        refused.message().contains("expired"),
        "{}",
        refused.message()
    );
    app.send(session.compute(&json!({})))
        .await
        .expect_error(410, "SdSessionGoneError");
    app.finish().await;
}
