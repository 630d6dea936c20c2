//! What tickets say beyond opening a page: authors, second ids, renewals.

use std::time::Duration;

use serde_json::json;
use vitrine_service::models::ModelPatch;

use crate::app::{BROKEN, CONTENT_URL, CUBE, Call, Opened, SHOP, SLOW, TestApp, open_call, until};

#[tokio::test]
async fn an_authors_ticket_gives_what_owners_may_see_without_a_token() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let author = app
        .ticket_with(&model, |request| request.author = true)
        .await;
    let visitor = app.open(&app.ticket(&model).await).await;
    let author = app.open(&author).await;
    let list = |session: &Opened| {
        Call::get(&session.path(&format!("output/{}/list", session.output("model"))))
    };
    app.send(list(&visitor))
        .await
        .expect_error(403, "SdErrorForbidden");
    app.send(list(&author)).await.expect(200);
    assert_eq!(visitor.body["setting"], json!({}));
    assert_ne!(author.body["setting"], json!({}));
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_by_second_id_follows_it_to_another_model_of_the_same_owner() {
    let app = TestApp::start().await;
    let first = app.push("first", CUBE).await;
    let second = app.push("second", CUBE).await;
    let named = |id2: &str| ModelPatch {
        id2: Some(id2.to_owned()),
        ..ModelPatch::default()
    };
    let first = app.update(first.id, named("chair")).await;
    let ticket = app
        .ticket_with(&first, |request| request.use_id2 = true)
        .await;
    let model_of = async || {
        let opened = app.open(&ticket).await;
        opened.body["model"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(model_of().await, first.id.to_string());
    app.update(first.id, named("")).await;
    app.send(open_call(&ticket))
        .await
        .expect_error(404, "SdErrorEntityNotFound");
    app.update(second.id, named("chair")).await;
    assert_eq!(model_of().await, second.id.to_string());
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_by_second_id_never_follows_it_to_somebody_elses_model() {
    let app = TestApp::start().await;
    let mine = app.push("mine", CUBE).await;
    let named = |id2: &str| ModelPatch {
        id2: Some(id2.to_owned()),
        ..ModelPatch::default()
    };
    let mine = app.update(mine.id, named("chair")).await;
    // It ignores the model's own list of pages, so nothing else would stop it.
    let ticket = app
        .ticket_with(&mine, |request| {
            request.use_id2 = true;
            request.public = true;
        })
        .await;
    app.update(mine.id, named("")).await;
    let theirs = app
        .push_for(
            vitrine_access::ids::UserId::new(app.entropy()),
            "theirs",
            CUBE,
        )
        .await;
    app.update(theirs.id, named("chair")).await;
    app.send(open_call(&ticket))
        .await
        .expect_error(404, "SdErrorEntityNotFound");
    app.finish().await;
}

#[tokio::test]
async fn two_embedder_headers_say_nothing() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let call = Call::post(&format!("/api/v2/ticket/{ticket}"))
        .origin(CONTENT_URL)
        .header("x-shapediver-origin", SHOP)
        .header("x-shapediver-origin", SHOP);
    app.send(call)
        .await
        .expect_error(403, "SdTicketValidationError");
    app.finish().await;
}

#[tokio::test]
async fn paths_that_are_no_text_are_refused_like_other_malformed_ids() {
    let app = TestApp::start().await;
    for path in [
        "/api/v2/session/%ff%fe/default",
        "/api/v2/session/%00/default",
        "/api/v2/session/%2e%2e%2f/default",
        "/api/v2/session/..%5c/default",
    ] {
        let answer = app.send(Call::get(path)).await;
        let body = answer.clone().expect(400).json();
        assert!(body["error"].is_string(), "{path}: {body}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_denied_models_ticket_tells_its_own_page_why() {
    let app = TestApp::start().await;
    let model = app.push_any("broken", BROKEN).await;
    let ticket = app.ticket(&model).await;
    let refused = app.send(open_call(&ticket)).await;
    let refused = refused.expect_error(403, "SdUnconfirmedModelError");
    // The author's words stay with the author: the page learns that, not what.
    assert!(
        !refused.message().contains("drill"),
        "{}",
        refused.message()
    );
    app.finish().await;
}

#[tokio::test]
async fn who_waits_for_a_computation_hears_of_what_was_revoked_meanwhile() {
    let app = TestApp::start().await;
    let model = app.push("slow", SLOW).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let (router, call) = (
        app.router.clone(),
        session.compute(&json!({ "rounds": 6_000 })),
    );
    let waiting = tokio::spawn(async move { call.send(&router).await });
    until("a worker computes", || async {
        (app.services.pool().health().busy > 0).then_some(())
    })
    .await;
    let id = app.services.decrypt_ticket(&ticket).unwrap().id;
    app.services.revoke_ticket(id).await.unwrap();
    let answer = waiting.await.unwrap();
    answer.expect_error(410, "SdSessionGoneError");
    app.finish().await;
}

#[tokio::test]
async fn a_session_ends_with_the_ticket_that_opened_it() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let until = app.services.now().plus(Duration::from_mins(10));
    let ticket = app
        .ticket_with(&model, |request| request.until = until)
        .await;
    let session = app.open(&ticket).await;
    let link = Call::get(&session.href("model"));
    app.pass(Duration::from_secs(599));
    app.send(session.defaults()).await.expect(200);
    app.send(link.clone()).await.expect(206);
    app.pass(Duration::from_secs(2));
    app.send(session.defaults())
        .await
        .expect_error(410, "SdSessionGoneError");
    let gone = app.send(link).await;
    assert!(gone.status.is_client_error(), "{}", gone.text());
    app.send(open_call(&ticket))
        .await
        .expect_error(403, "SdTicketValidationError");
    app.finish().await;
}
