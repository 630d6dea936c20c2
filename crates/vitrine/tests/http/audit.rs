//! The audit trail: whatever is refused can be looked up and understood, by its owner only, and a
//! flood of refusals fills no disk.

use std::time::Duration;

use vitrine_access::audit::{AuditEvent, Decision};
use vitrine_access::ids::{ModelId, UserId};
use vitrine_access::time::Timestamp;
use vitrine_service::AuditCursor;

use crate::app::{CUBE, Call, TestApp, open_call, plans_for_both_databases, until};

/// The lines of the trail.
pub(crate) async fn lines(app: &TestApp) -> Vec<AuditEvent> {
    let start = AuditCursor::from_instant(Timestamp::from_unix_ms(0));
    let store = app.services.store();
    store
        .audit_page(start, Timestamp::MAX_14, 1_000)
        .await
        .unwrap()
}

/// The lines, once there are so many.
async fn wait_for_lines(app: &TestApp, count: usize) -> Vec<AuditEvent> {
    until("the trail is written", || async {
        let lines = lines(app).await;
        (lines.len() >= count).then_some(lines)
    })
    .await
}

fn lookup(model: ModelId, request: &str) -> Call {
    Call::get(&format!("/api/v2/model/{model}/audit/{request}"))
}

fn open_from(ticket: &str, page: &str) -> Call {
    Call::post(&format!("/api/v2/ticket/{ticket}")).origin(page)
}

async fn refused(app: &TestApp, call: Call) -> String {
    let answer = app.send(call).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    answer.json()["requestId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_refusal_is_found_by_its_request_id_with_reason_page_and_remedy() {
    for plan in plans_for_both_databases("audit").await {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let ticket = app.ticket(&model).await;
        let session = app.open(&ticket).await;
        let stranger = "https://stranger.example.com";
        let link = session.href("model");
        let bad_token = "a.b.c";
        app.send(session.close()).await.expect(200);
        let model_call = Call::get(&format!("/api/v2/model/{}", model.id));
        let tried = [
            (open_from(&ticket, stranger), "origin-not-allowed"),
            (session.defaults(), "session-gone"),
            (Call::get(&link), "session-gone"),
            (model_call.bearer(bad_token), "token-invalid"),
        ];
        let owner = app.model_token(model.id);
        for (call, reason) in tried {
            let request = refused(&app, call).await;
            let answer = app.send(lookup(model.id, &request).bearer(&owner)).await;
            assert_eq!(answer.status, 200, "{reason}: {}", answer.text());
            let body = answer.json();
            let decision = &body["decisions"][0];
            assert_eq!(decision["reason"], reason, "{body}");
            assert_eq!(decision["decision"], "refused");
            assert_eq!(decision["documentation"], format!("/docs/errors#{reason}"));
            assert!(
                decision["remedy"].as_str().unwrap().ends_with('.'),
                "{body}"
            );
            if reason == "origin-not-allowed" {
                assert_eq!(decision["origin"], stranger);
                assert!(decision["message"].as_str().unwrap().contains(stranger));
            }
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn a_refusal_of_another_model_is_as_unknown_as_one_that_never_was() {
    let app = TestApp::start().await;
    let mine = app.push("mine", CUBE).await;
    let theirs = app
        .push_for(UserId::new(app.entropy()), "theirs", CUBE)
        .await;
    let owner = app.model_token(mine.id);
    let path = format!("/api/v2/model/{}", theirs.id);
    // My own request, refused on their model: the line belongs to them.
    let on_theirs = refused(&app, Call::get(&path).bearer(&owner)).await;
    let on_none = refused(&app, open_call("invented")).await;
    let never = "00000000-0000-4000-8000-000000000000".to_owned();
    let mut answers = Vec::new();
    for request in [on_theirs.clone(), on_none, never, "x".to_owned()] {
        let answer = app.send(lookup(mine.id, &request).bearer(&owner)).await;
        let answer = answer.expect_error(404, "SdErrorEntityNotFound");
        answers.push(answer.message());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let them = app.model_token(theirs.id);
    app.send(lookup(theirs.id, &on_theirs).bearer(&them))
        .await
        .expect(200);
    app.send(lookup(mine.id, &on_theirs).bearer(&them))
        .await
        .expect_error(403, "SdErrorForbidden");
    app.finish().await;
}

#[tokio::test]
async fn a_line_names_who_what_and_which_credential_and_holds_no_secret() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let token = app.model_token(model.id);
    let jti = app.services.verify_token(&token).unwrap().token.id;
    app.send(open_from(&ticket, "https://stranger.example.com"))
        .await
        .expect(403);
    app.send(session.close()).await.expect(200);
    app.send(session.defaults()).await.expect(410);
    let create = Call::post("/api/v2/model").bearer(&token);
    app.send(create.json(&serde_json::json!({})))
        .await
        .expect(403);
    app.services.revoke_token(jti).await.unwrap();
    let get = Call::get(&format!("/api/v2/model/{}", model.id)).bearer(&token);
    app.send(get).await.expect(401);
    let lines = wait_for_lines(&app, 4).await;
    let by = |operation: &str| {
        let found: Vec<_> = lines
            .iter()
            .filter(|line| line.operation == operation)
            .collect();
        assert_eq!(found.len(), 1, "{operation}: {lines:#?}");
        found[0]
    };
    let opened = by("CreateSessionByTicket");
    assert_eq!(opened.actor, "ticket");
    assert!(opened.credential.starts_with("ticket "), "{opened:?}");
    assert_eq!(
        (opened.model, opened.decision),
        (Some(model.id), Decision::Refused)
    );
    let gone = by("GetSessionDefaults");
    let alias = session
        .href("model")
        .split('/')
        .rev()
        .nth(2)
        .unwrap()
        .to_owned();
    assert_eq!(gone.credential, format!("session {alias}"));
    let created = by("CreateModel");
    assert_eq!(created.actor, format!("model:{}", model.id));
    assert_eq!(created.credential, format!("token {jti}"));
    assert_eq!(created.reason, "subject-restricted");
    let revoked = by("GetModel");
    assert_eq!(revoked.credential, format!("token {jti} (not valid)"));
    let all = format!("{lines:?}");
    for secret in [&ticket, &token, &session.id] {
        assert!(!all.contains(secret.as_str()));
    }
    app.finish().await;
}

#[tokio::test]
async fn many_equal_refusals_share_one_line_that_counts_them() {
    let app = TestApp::start().await;
    for number in 0..50 {
        // Each another invention: what anybody can make up is counted together.
        app.send(open_call(&format!("invented{number}")))
            .await
            .expect(403);
    }
    let own = wait_for_lines(&app, 20).await;
    assert_eq!(own.len(), 20);
    app.pass(Duration::from_mins(1));
    app.send(open_call("invented")).await.expect(403);
    let lines = wait_for_lines(&app, 22).await;
    let counted: u64 = lines.iter().map(|line| line.count).sum();
    assert_eq!((lines.len(), counted), (22, 51));
    app.finish().await;
}
