//! Strong authorization (a token beside the ticket), tokens over time, and the limit of sessions.

use std::time::Duration;

use serde_json::json;
use vitrine_access::grant::Subject;
use vitrine_service::ModelRecord;
use vitrine_service::models::ModelPatch;

use crate::app::{CUBE, Call, Opened, SHOP, TestApp, href, open_call};

async fn guarded() -> (TestApp, ModelRecord, String) {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let demand = ModelPatch {
        require_token: Some(true),
        ..ModelPatch::default()
    };
    let model = app.update(model.id, demand).await;
    (app, model, ticket)
}

#[tokio::test]
async fn a_model_that_demands_a_token_opens_with_a_good_one_of_its_own_only() {
    let (app, model, ticket) = guarded().await;
    let other = app.push("other", CUBE).await;
    let view = app.token(Subject::Model(model.id), &["group.view"]);
    let foreign = app.token(Subject::Model(other.id), &["group.view"]);
    let old = app.token_for(
        Subject::Model(model.id),
        &["group.view"],
        Duration::from_secs(1),
    );
    app.pass(Duration::from_secs(62));
    app.send(open_call(&ticket))
        .await
        .expect_error(401, "SdTokenMissingError");
    for (token, status, error) in [
        ("x.y.z", 401, "SdJwtValidationError"),
        (&old, 401, "SdJwtValidationError"),
        (&foreign, 403, "SdErrorForbidden"),
    ] {
        app.send(open_call(&ticket).bearer(token))
            .await
            .expect_error(status, error);
    }
    app.send(open_call(&ticket).bearer(&view)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn every_call_of_a_guarded_session_needs_the_token_again() {
    let (app, model, ticket) = guarded().await;
    let other = app.push("other", CUBE).await;
    let token = app.token(Subject::Model(model.id), &["group.view", "group.export"]);
    let foreign = app.token(Subject::Model(other.id), &["group.view", "group.export"]);
    let opened = app.send(open_call(&ticket).bearer(&token)).await;
    let session = Opened::read(&opened.expect(201));
    for call in session.all_calls() {
        app.send(call.clone())
            .await
            .expect_error(401, "SdTokenMissingError");
        app.send(call.clone().bearer("x.y.z"))
            .await
            .expect_error(401, "SdJwtValidationError");
        app.send(call.clone().bearer(&foreign))
            .await
            .expect_error(403, "SdErrorForbidden");
        app.send(call.bearer(&token)).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn with_strong_authorization_only_the_token_gives_permissions() {
    let (app, model, ticket) = guarded().await;
    let view = app.token(Subject::Model(model.id), &["group.view"]);
    let opened = app.send(open_call(&ticket).bearer(&view)).await;
    let session = Opened::read(&opened.expect(201));
    app.send(session.compute(&json!({})).bearer(&view))
        .await
        .expect(200);
    let refused = app
        .send(session.make_export("stl", &json!({})).bearer(&view))
        .await
        .expect_error(403, "SdErrorForbidden");
    assert!(refused.message().contains("compute.export"));
    let actions = session.body["actions"].to_string();
    assert!(!actions.contains("\"export\""), "{actions}");
    app.finish().await;
}

#[tokio::test]
async fn scopes_for_single_ids_give_these_and_no_others() {
    let (app, model, ticket) = guarded().await;
    let all = app.token(Subject::Model(model.id), &["group.view", "group.export"]);
    let opened = app.send(open_call(&ticket).bearer(&all)).await;
    let session = Opened::read(&opened.expect(201));
    let (stl, output) = (session.export("stl"), session.output("model"));
    let scope = |scope: String| app.token(Subject::Model(model.id), &[scope.as_str()]);
    let exporter = scope(format!("compute.export.{stl}"));
    let stranger = scope("compute.export.00000000000000000000000000000000".to_owned());
    let call = session.make_export("stl", &json!({}));
    app.send(call.clone().bearer(&exporter)).await.expect(200);
    app.send(call.clone().bearer(&stranger))
        .await
        .expect_error(403, "SdErrorForbidden");
    let compute = session.compute(&json!({}));
    app.send(compute.clone().bearer(&exporter))
        .await
        .expect_error(403, "SdErrorForbidden");
    let viewer = scope(format!("compute.output.{output}"));
    let shown = app.send(compute.clone().bearer(&viewer)).await.expect(200);
    assert!(shown.json()["outputs"][&output].is_object());
    let other = scope("compute.output.00000000000000000000000000000000".to_owned());
    let none = app.send(compute.bearer(&other)).await.expect(200).json();
    assert_eq!(none["outputs"], json!({}));
    app.finish().await;
}

#[tokio::test]
async fn a_back_ends_token_does_what_its_scopes_say() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let narrow = app.token(Subject::Backend, &["group.view"]);
    let path = format!("/api/v2/model/{}", model.id);
    app.send(Call::get(&path).bearer(&narrow)).await.expect(200);
    let refused = [
        Call::post("/api/v2/model").json(&json!({})),
        Call::put(&path).json(&json!({ "title": "mine" })),
        Call::get("/api/v2/model/list"),
        Call::new("DELETE", &path),
        Call::new("DELETE", &format!("/api/v2/system/model/{}", model.id)),
        Call::post(&format!("{path}/ticket"))
            .json(&json!({ "type": "", "pub": true, "until": "20300101000000" })),
    ];
    for call in refused {
        app.send(call.bearer(&narrow))
            .await
            .expect_error(403, "SdErrorForbidden");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_limit_of_no_sessions_is_no_limit() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    for limit in [3, 0] {
        let patch = ModelPatch {
            session_rate_limit: Some(limit),
            ..ModelPatch::default()
        };
        app.update(model.id, patch).await;
    }
    for _ in 0..4 {
        app.send(open_call(&ticket)).await.expect(201);
    }
    app.finish().await;
}

#[tokio::test]
async fn links_of_a_guarded_session_end_with_the_token_they_were_made_with() {
    let (app, model, ticket) = guarded().await;
    let minutes = Duration::from_mins(10);
    let short = app.token_for(Subject::Model(model.id), &["group.view"], minutes);
    let long = app.token(Subject::Model(model.id), &["group.view"]);
    let opened = app.send(open_call(&ticket).bearer(&short)).await;
    let session = Opened::read(&opened.expect(201));
    let link = session.href("model");
    app.send(Call::get(&link)).await.expect(206);
    // The tolerance for clocks holds for the link as it holds for the token.
    app.pass(minutes + Duration::from_secs(59));
    app.send(Call::get(&link)).await.expect(206);
    app.pass(Duration::from_secs(1));
    app.send(Call::get(&link))
        .await
        .expect_error(410, "SdResourceGoneError");
    let again = app.send(session.defaults().bearer(&long)).await.expect(200);
    let link = href(&again.json()["outputs"][session.output("model")]);
    app.send(Call::get(&link)).await.expect(206);
    let id = app.services.verify_token(&long).unwrap().token.id;
    app.services.revoke_token(id).await.unwrap();
    app.send(Call::get(&link)).await.expect(410);
    app.finish().await;
}

#[tokio::test]
async fn a_link_ends_when_all_tokens_of_its_tokens_subject_are_revoked() {
    let (app, model, ticket) = guarded().await;
    let own = app.model_token(model.id);
    let opened = app.send(open_call(&ticket).bearer(&own)).await;
    let session = Opened::read(&opened.expect(201));
    let other = app.token(Subject::Backend, &["group.view"]);
    let answer = app
        .send(session.defaults().bearer(&other))
        .await
        .expect(200);
    let link = href(&answer.json()["outputs"][session.output("model")]);
    app.send(Call::get(&link)).await.expect(206);
    app.services.revoke_subject(Subject::Backend).await.unwrap();
    app.send(Call::get(&link))
        .await
        .expect_error(410, "SdResourceGoneError");
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    app.finish().await;
}

#[tokio::test]
async fn links_made_before_a_token_was_demanded_end_with_the_demand() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let link = session.href("model");
    app.send(Call::get(&link)).await.expect(206);
    let demand = ModelPatch {
        require_token: Some(true),
        ..ModelPatch::default()
    };
    app.update(model.id, demand).await;
    app.send(Call::get(&link))
        .await
        .expect_error(410, "SdResourceGoneError");
    app.send(session.defaults())
        .await
        .expect_error(401, "SdTokenMissingError");
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_refused_for_good_once_its_time_is_over() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let token = app.token_for(
        Subject::Model(model.id),
        &["group.view"],
        Duration::from_secs(100),
    );
    let call = || Call::get(&format!("/api/v2/model/{}", model.id)).bearer(&token);
    app.send(call()).await.expect(200);
    // Within the tolerance for clocks it is accepted, whether it is still in memory or not.
    app.pass(Duration::from_secs(159));
    for _ in 0..3 {
        app.send(call()).await.expect(200);
    }
    app.pass(Duration::from_secs(1));
    for _ in 0..3 {
        app.send(call())
            .await
            .expect_error(401, "SdJwtValidationError");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_token_beside_a_ticket_is_checked_even_where_none_is_demanded() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    app.send(open_call(&ticket).bearer("x.y.z"))
        .await
        .expect_error(401, "SdJwtValidationError");
    for header in ["Basic dXNlcjpwYXNz", "Bearer", "x"] {
        let call = open_call(&ticket).header("authorization", header);
        app.send(call)
            .await
            .expect_error(401, "SdJwtValidationError");
    }
    let token = app.model_token(model.id);
    let twice = open_call(&ticket).bearer(&token).bearer(&token);
    app.send(twice)
        .await
        .expect_error(401, "SdJwtValidationError");
    app.finish().await;
}

#[tokio::test]
async fn a_token_adds_to_what_an_open_session_may_do() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let list = Call::get(&session.path(&format!("output/{}/list", session.output("model"))));
    app.send(list.clone())
        .await
        .expect_error(403, "SdErrorForbidden");
    let owner = app.token(Subject::Model(model.id), &["group.owner"]);
    let page = app.send(list.bearer(&owner)).await.expect(200).json();
    assert_eq!(page["list"]["output"].as_array().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn sessions_beyond_the_rate_limit_are_told_when_to_come_back_and_it_holds() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let limit = ModelPatch {
        session_rate_limit: Some(3),
        ..ModelPatch::default()
    };
    app.update(model.id, limit).await;
    for _ in 0..3 {
        app.send(open_call(&ticket)).await.expect(201);
    }
    let refused = app.send(open_call(&ticket)).await;
    let refused = refused.expect_error(429, "SdRateLimitErrorGeneric");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 0);
    assert!(refused.message().contains("session_rate_limit"));
    // Another address has its own quota.
    app.send(open_call(&ticket).from("198.51.100.9"))
        .await
        .expect(201);
    app.pass(Duration::from_secs(seconds));
    app.send(open_call(&ticket)).await.expect(201);
    app.send(open_call(&ticket)).await.expect(429);
    app.finish().await;
}

#[tokio::test]
async fn a_refused_page_does_not_use_up_the_quota_of_an_allowed_one() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let limit = ModelPatch {
        session_rate_limit: Some(1),
        ..ModelPatch::default()
    };
    app.update(model.id, limit).await;
    for _ in 0..5 {
        let call = Call::post(&format!("/api/v2/ticket/{ticket}")).origin("https://evil.example");
        app.send(call).await.expect(403);
    }
    let call = Call::post(&format!("/api/v2/ticket/{ticket}")).origin(SHOP);
    app.send(call).await.expect(201);
    app.finish().await;
}
