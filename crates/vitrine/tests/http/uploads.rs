//! A model's life: created, uploaded by a presigned link, analysed, shown.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::ModelId;

use crate::app::{ALL_SCOPES, BROKEN, CUBE, Call, TestApp, open_call, plans_for_both_databases};

async fn created(app: &TestApp, body: &Value) -> Value {
    let call = Call::post("/api/v2/model")
        .bearer(&app.backend_token())
        .json(body);
    app.send(call).await.expect(200).json()
}

fn id_of(model: &Value) -> ModelId {
    model["model"]["id"].as_str().unwrap().parse().unwrap()
}

fn upload(model: &Value, bytes: impl Into<bytes::Bytes>) -> Call {
    Call::put(model["file"]["upload"].as_str().unwrap())
        .header("content-type", "application/octet-stream")
        .body(bytes)
}

#[tokio::test]
async fn a_model_is_created_uploaded_analysed_and_shown_over_http_alone() {
    let app = TestApp::start().await;
    let model = created(
        &app,
        &json!({ "name": "cube", "filename": "cube.js", "accessdomains": ["shop.example.com"] }),
    )
    .await;
    let id = id_of(&model);
    assert_eq!(model["model"]["stat"], "not_uploaded");
    app.send(upload(&model, CUBE)).await.expect(200);
    app.analysed(id).await;
    let token = app.model_token(id);
    let get = Call::get(&format!("/api/v2/model/{id}")).bearer(&token);
    let shown = app.send(get).await.expect(200).json();
    assert_eq!(shown["model"]["stat"], "confirmed");
    assert!(shown["file"].get("upload").is_none(), "the file is there");
    let file = Call::get(shown["file"]["download"].as_str().unwrap()).bearer(&token);
    let file = app.send(file).await.expect(200);
    assert_eq!(file.body, CUBE.as_bytes());
    let ticket = Call::post(&format!("/api/v2/model/{id}/ticket"))
        .bearer(&app.backend_token())
        .json(&json!({ "type": "", "pub": false, "until": "20300101000000" }));
    let ticket = app.send(ticket).await.expect(200).json();
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    app.open(&ticket).await;
    app.finish().await;
}

#[tokio::test]
async fn a_presigned_upload_works_once() {
    let app = TestApp::start().await;
    let model = created(&app, &json!({ "filename": "cube.js" })).await;
    app.send(upload(&model, CUBE)).await.expect(200);
    app.send(upload(&model, CUBE))
        .await
        .expect_error(400, "SdModelValidationError");
    app.analysed(id_of(&model)).await;
    app.send(upload(&model, BROKEN))
        .await
        .expect_error(400, "SdModelValidationError");
    app.finish().await;
}

#[tokio::test]
async fn of_uploads_at_the_same_moment_one_is_taken() {
    for plan in plans_for_both_databases("uploads").await {
        let app = plan.start().await;
        let model = created(&app, &json!({ "filename": "cube.js" })).await;
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (router, call) = (app.router.clone(), upload(&model, CUBE));
            calls.spawn(async move { call.send(&router).await.status.as_u16() });
        }
        let mut statuses = calls.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400]);
        app.analysed(id_of(&model)).await;
        app.finish().await;
    }
}

#[tokio::test]
async fn an_upload_link_expires() {
    let app = TestApp::start().await;
    let model = created(&app, &json!({ "filename": "cube.js" })).await;
    app.pass(Duration::from_mins(15));
    let refused = app.send(upload(&model, CUBE)).await;
    refused.expect_error(410, "SdResourceGoneError");
    app.finish().await;
}

#[tokio::test]
async fn an_upload_of_exactly_the_bound_is_taken_and_one_byte_more_is_not() {
    let bytes_max = CUBE.len();
    let app = TestApp::start().await;
    let body = json!({ "filename": "cube.js", "max_model_size": bytes_max });
    let model = created(&app, &body).await;
    let mut larger = CUBE.as_bytes().to_vec();
    larger.push(b'\n');
    let refused = app.send(upload(&model, larger)).await;
    refused.expect_error(400, "SdRequestValidationError");
    app.send(upload(&model, CUBE)).await.expect(200);
    app.analysed(id_of(&model)).await;
    app.finish().await;
}

#[tokio::test]
async fn an_empty_upload_is_refused_and_the_link_stays_good() {
    let app = TestApp::start().await;
    let model = created(&app, &json!({ "filename": "cube.js" })).await;
    app.send(upload(&model, ""))
        .await
        .expect_error(400, "SdModelValidationError");
    app.send(upload(&model, CUBE)).await.expect(200);
    app.analysed(id_of(&model)).await;
    app.finish().await;
}

#[tokio::test]
async fn a_broken_script_is_denied_with_its_own_words_and_cannot_be_shown() {
    let app = TestApp::start().await;
    let model = app.push_any("broken", BROKEN).await;
    assert_eq!(model.status, ModelStatus::Denied);
    let token = app.token(vitrine_access::grant::Subject::Model(model.id), ALL_SCOPES);
    let get = Call::get(&format!("/api/v2/model/{}", model.id)).bearer(&token);
    let shown = app.send(get).await.expect(200).json();
    assert_eq!(shown["model"]["stat"], "denied");
    let said = shown["model"]["msg"].as_str().unwrap();
    assert!(said.contains("the drill is blunt"), "{said}");
    let ticket = app.ticket(&model).await;
    app.send(open_call(&ticket))
        .await
        .expect_error(403, "SdUnconfirmedModelError");
    app.finish().await;
}

#[tokio::test]
async fn an_update_changes_the_members_that_are_sent_and_no_others() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let path = format!("/api/v2/model/{}", model.id);
    let update = |body: Value| Call::put(&path).bearer(&app.backend_token()).json(&body);
    let before = app.send(update(json!({}))).await.expect(200).json();
    let after = app
        .send(update(
            json!({ "pub": true, "blockingReasons": { "owner": true } }),
        ))
        .await
        .expect(200)
        .json();
    let mut expected = before.clone();
    expected["setting"]["auth"]["ticket"]["pub"] = json!(true);
    expected["setting"]["model"]["blockingReasons"]["owner"] = json!(true);
    assert_eq!(after["setting"], expected["setting"]);
    assert_eq!(after["model"], before["model"]);
    app.finish().await;
}

#[tokio::test]
async fn two_models_never_share_a_second_id_and_slugs_give_way() {
    let app = TestApp::start().await;
    let body = json!({ "name": "chair", "id2": "chair" });
    let first = created(&app, &body).await;
    let call = Call::post("/api/v2/model")
        .bearer(&app.backend_token())
        .json(&body);
    let refused = app.send(call).await;
    let refused = refused.expect_error(400, "SdRequestValidationError");
    assert!(refused.message().contains("id2"), "{}", refused.message());
    let second = created(&app, &json!({ "name": "chair" })).await;
    assert_eq!(first["model"]["slug"], "chair");
    assert_ne!(second["model"]["slug"], "chair");
    app.finish().await;
}

#[tokio::test]
async fn a_list_shows_the_models_of_the_wanted_status_and_of_no_other() {
    let app = TestApp::start().await;
    app.push("cube", CUBE).await;
    created(&app, &json!({ "name": "waiting" })).await;
    for (status, count) in [
        ("confirmed", 1),
        ("not_uploaded", 1),
        ("denied", 0),
        // A word of the contract that no model here ever has.
        ("unknown", 0),
    ] {
        let call = Call::get(&format!("/api/v2/model/list?modelStatus={status}"))
            .bearer(&app.backend_token());
        let listed = app.send(call).await.expect(200).json();
        let models = listed["list"]["model"].as_array().unwrap();
        assert_eq!(models.len(), count, "{status}");
    }
    app.finish().await;
}

#[tokio::test]
async fn models_of_one_name_that_are_made_at_the_same_moment_get_addresses_of_their_own() {
    for plan in plans_for_both_databases("same_name").await {
        let app = plan.start().await;
        let backend = app.backend_token();
        let mut calls = JoinSet::new();
        for _ in 0..8 {
            let call = Call::post("/api/v2/model")
                .bearer(&backend)
                .json(&json!({ "name": "shelf", "filename": "shelf.js" }));
            let router = app.router.clone();
            calls.spawn(async move { call.send(&router).await });
        }
        for answer in calls.join_all().await {
            answer.expect(200);
        }
        app.finish().await;
    }
}
