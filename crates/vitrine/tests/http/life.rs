//! Deleted, restored, erased: what each operation answers for each state of a model, and what is left.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vitrine_access::decide::ModelStatus;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{BlobKey, ModelId};
use vitrine_access::link::AssetLink;
use vitrine_access::permissions::{Credential, DELETED_MODELS, OPERATIONS, Operation};
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::time::Timestamp;
use vitrine_service::ModelRecord;
use vitrine_service::models::{BlockingPatch, ModelPatch};

use crate::app::{
    ALL_SCOPES, CUBE, Call, MASTER_KEY, Opened, Plan, TestApp, href, open_call,
    plans_for_both_databases, until,
};

/// Longer than doomed blobs are kept.
const GRACE: Duration = Duration::from_mins(2);

fn on_model(method: &str, model: &ModelRecord, path: &str) -> Call {
    Call::new(method, &format!("/api/v2/model/{}{path}", model.id))
}

fn delete(app: &TestApp, model: &ModelRecord) -> Call {
    on_model("DELETE", model, "").bearer(&app.backend_token())
}

fn restore(app: &TestApp, model: &ModelRecord) -> Call {
    on_model("PUT", model, "/restore").bearer(&app.backend_token())
}

fn erase(app: &TestApp, model: &ModelRecord) -> Call {
    Call::new("DELETE", &format!("/api/v2/system/model/{}", model.id)).bearer(&app.backend_token())
}

async fn status(app: &TestApp, model: &ModelRecord) -> ModelStatus {
    let found = app.services.store().model_unscoped(model.id).await.unwrap();
    found.unwrap().status
}

/// Waits until the job has erased the model's row.
async fn erased(app: &TestApp, model: &ModelRecord) {
    until("the model is erased", || async {
        let found = app.services.store().model_unscoped(model.id).await.unwrap();
        found.is_none().then_some(())
    })
    .await;
}

async fn with_status(app: &TestApp, name: &str, status: ModelStatus) -> ModelRecord {
    let store = app.services.store();
    let model = match status {
        ModelStatus::NotUploaded => {
            let patch = ModelPatch {
                name: Some(name.to_owned()),
                accessdomains: Some(vec!["shop.example.com".to_owned()]),
                ..ModelPatch::default()
            };
            return app.services.create_model(patch).await.unwrap();
        }
        _ => app.push(name, CUBE).await,
    };
    if status == ModelStatus::Deleted {
        return app.services.delete_model(model.id).await.unwrap();
    }
    let mut changed = store.model_unscoped(model.id).await.unwrap().unwrap();
    changed.status = status;
    if status == ModelStatus::Uploaded {
        changed.described = None;
    }
    let mut tx = store.begin().await.unwrap();
    tx.update_model(&changed, changed.revision).await.unwrap();
    let change = vitrine_access::Change::Model(model.id);
    tx.note_change(&change).await.unwrap();
    tx.commit().await.unwrap();
    heard(app, model.id, status).await;
    changed
}

/// Waits until the server shows a status that was written behind its back.
async fn heard(app: &TestApp, model: ModelId, status: ModelStatus) {
    until("the change is heard", || async {
        let call = Call::get(&format!("/api/v2/model/{model}")).bearer(&app.backend_token());
        let shown = app.send(call).await.expect(200).json();
        (shown["model"]["stat"] == status.as_str()).then_some(())
    })
    .await;
}

fn call(row: &Operation, model: &ModelRecord, token: &str) -> Call {
    let path = row.path.replace("{modelId}", &model.id.to_string());
    let call = Call::new(row.method, &path).bearer(token);
    match row.id {
        "CreateTicket" => {
            call.json(&json!({ "type": "", "pub": false, "until": "20300101000000" }))
        }
        _ => call,
    }
}

/// What an operation on a model answers for a state: to the platform, and to a token of the model.
fn deserved(row: &Operation, status: ModelStatus, platform: bool) -> (u16, &'static str) {
    use ModelStatus::{Confirmed, Deleted, Denied, NotUploaded, Pending, Uploaded};
    const GONE: (u16, &str) = (410, "SdResourceGoneError");
    const UNCONFIRMED: (u16, &str) = (403, "SdUnconfirmedModelError");
    if row.credential == Credential::BackendToken && !platform {
        return (403, "SdErrorForbidden");
    }
    let served_when_deleted = platform && DELETED_MODELS.contains(&row.id);
    if status == Deleted && !served_when_deleted {
        return GONE;
    }
    match (row.id, status) {
        ("CreateSessionByModel", Confirmed) => (201, ""),
        ("CreateSessionByModel", _)
        | (
            "UpdateParameterDefaultValues"
            | "UpdateParameterDefinitions"
            | "UpdateOutputDefinitions"
            | "UpdateExportDefinitions",
            NotUploaded | Uploaded,
        ) => UNCONFIRMED,
        ("RestoreModel", NotUploaded | Uploaded | Pending | Confirmed | Denied) => {
            (400, "SdModelValidationError")
        }
        ("EraseModel", _) => (202, ""),
        ("ExplainRequest", _) | ("DownloadModelFile", NotUploaded) => {
            (404, "SdErrorEntityNotFound")
        }
        (_, NotUploaded | Uploaded | Pending | Confirmed | Denied | Deleted) => (200, ""),
    }
}

#[tokio::test]
async fn every_operation_on_a_model_answers_every_state_as_it_deserves() {
    let app = TestApp::start().await;
    let mut wrong = Vec::new();
    // Those that change the state come last.
    let ending = |row: &&Operation| {
        ["RestoreModel", "DeleteModel", "EraseModel"]
            .iter()
            .position(|id| *id == row.id)
    };
    let mut rows: Vec<&Operation> = OPERATIONS
        .iter()
        .filter(|row| row.path.contains("{modelId}"))
        .collect();
    rows.sort_by_key(|row| ending(row).map_or(0, |place| place + 1));
    for status in ModelStatus::ALL {
        let model = with_status(&app, status.as_str(), status).await;
        let token = app.token(Subject::Model(model.id), ALL_SCOPES);
        for (credential, platform) in [(token, false), (app.backend_token(), true)] {
            for row in &rows {
                let mut state = status;
                if status == ModelStatus::Deleted && platform && ending(row).is_some() {
                    // Restored by the call before.
                    state = match row.id {
                        "RestoreModel" => ModelStatus::Deleted,
                        _ => ModelStatus::Confirmed,
                    };
                }
                let answer = app.send(call(row, &model, &credential)).await;
                let (code, error) = deserved(row, state, platform);
                let said = match code {
                    ..400 => String::new(),
                    _ => answer.json()["error"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                };
                if (answer.status.as_u16(), said.as_str()) != (code, error) {
                    wrong.push(format!(
                        "{} {status:?} {platform}: {} {} instead of {code} {error}",
                        row.id,
                        answer.status,
                        answer.text()
                    ));
                }
            }
        }
        erased(&app, &model).await;
    }
    app.pass(GRACE);
    app.finish().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_deleted_model_ends_its_sessions_and_comes_back_as_it_was() {
    for plan in plans_for_both_databases("restored").await {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let ticket = app.ticket(&model).await;
        let session = app.open(&ticket).await;
        let token = app.model_token(model.id);
        let get = on_model("GET", &model, "").bearer(&token);
        let before = app.send(get.clone()).await.expect(200).json();
        let answer = app.send(delete(&app, &model)).await.expect(200);
        assert_eq!(answer.json(), json!({ "version": "2.5.0" }));
        for call in session.all_calls() {
            app.send(call).await.expect_error(410, "SdSessionGoneError");
        }
        let link = Call::get(&session.href("model"));
        app.send(link).await.expect_error(410, "SdSessionGoneError");
        app.send(open_call(&ticket))
            .await
            .expect_error(410, "SdResourceGoneError");
        app.send(get.clone())
            .await
            .expect_error(410, "SdResourceGoneError");
        let seen = on_model("GET", &model, "").bearer(&app.backend_token());
        let seen = app.send(seen).await.expect(200).json();
        assert_eq!(seen["model"]["stat"], "deleted");
        app.send(delete(&app, &model))
            .await
            .expect_error(410, "SdResourceGoneError");
        app.send(restore(&app, &model)).await.expect(200);
        let after = app.send(get).await.expect(200).json();
        assert_eq!(after["model"], before["model"]);
        assert_eq!(after["parameters"], before["parameters"]);
        app.open(&ticket).await;
        app.finish().await;
    }
}

#[tokio::test]
async fn restoring_brings_back_every_status_and_finishes_an_analysis() {
    let app = TestApp::start().await;
    for status in [
        ModelStatus::NotUploaded,
        ModelStatus::Denied,
        ModelStatus::Pending,
    ] {
        let model = with_status(&app, status.as_str(), status).await;
        app.send(delete(&app, &model)).await.expect(200);
        assert_eq!(self::status(&app, &model).await, ModelStatus::Deleted);
        app.send(restore(&app, &model)).await.expect(200);
        assert_eq!(self::status(&app, &model).await, status);
    }
    let model = with_status(&app, "uploaded", ModelStatus::Uploaded).await;
    app.send(delete(&app, &model)).await.expect(200);
    app.send(restore(&app, &model)).await.expect(200);
    assert_eq!(app.analysed(model.id).await.status, ModelStatus::Confirmed);
    app.finish().await;
}

#[tokio::test]
async fn a_blocked_model_refuses_sessions_for_each_reason_and_opens_when_none_is_left() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let by_model = on_model("POST", &model, "/session").bearer(&app.model_token(model.id));
    let block = async |reasons: Value| {
        let body = json!({ "blockingReasons": reasons });
        let call = on_model("PUT", &model, "").json(&body);
        let call = call.bearer(&app.backend_token());
        app.send(call).await.expect(200).json()["setting"]["model"]["blockingReasons"].clone()
    };
    for reason in ["creditLimit", "owner", "backendPermission"] {
        let set = block(json!({ reason: true })).await;
        assert_eq!(set[reason], true);
        assert_eq!(set.as_object().unwrap().len(), 4);
        app.send(open_call(&ticket))
            .await
            .expect_error(403, "SdErrorForbidden");
        app.send(by_model.clone())
            .await
            .expect_error(403, "SdErrorForbidden");
        app.send(session.defaults())
            .await
            .expect_error(410, "SdSessionGoneError");
        let link = Call::get(&session.href("model"));
        app.send(link).await.expect_error(410, "SdSessionGoneError");
        let set = block(json!({ reason: false })).await;
        assert_eq!(set[reason], false);
        app.open(&ticket).await;
    }
    app.finish().await;
}

/// The bytes that a link stands for.
fn blob(link: &str) -> BlobKey {
    let text = link.rsplit('/').next().unwrap();
    let sealer = Sealer::new(&MasterKey::from_text(MASTER_KEY).unwrap());
    AssetLink::open(&sealer, text).unwrap().blob
}

fn has_blob(app: &TestApp, key: BlobKey) -> bool {
    let name = key.to_string();
    let path = app.folder().join("objects").join(&name[..2]).join(&name);
    path.exists()
}

/// What a model left behind, and what must not go with it.
struct Traces {
    session: Opened,
    ticket: String,
    own: BlobKey,
    shared: BlobKey,
    source: BlobKey,
}

/// A model with results; its twin shares the file and the default results, but not those of 77.
async fn used(app: &TestApp) -> (ModelRecord, ModelRecord, Traces) {
    let model = app.push("cube", CUBE).await;
    let twin = app.push("twin", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let computed = app.send(session.compute(&json!({ "size": 77 }))).await;
    let computed = computed.expect(200).json();
    let own = blob(&href(&computed["outputs"][session.output("model")]));
    let shared = blob(&session.href("model"));
    assert_ne!(own, shared);
    let source = model.source.unwrap();
    let traces = Traces {
        session,
        ticket,
        own,
        shared,
        source,
    };
    (model, twin, traces)
}

#[tokio::test]
async fn an_erased_model_is_gone_with_all_but_its_charges_and_what_others_share() {
    for plan in plans_for_both_databases("erased").await {
        let app = plan.start().await;
        let (model, twin, traces) = used(&app).await;
        let charged = app.usage(&traces.session).await;
        assert!(!charged.is_empty());
        let answer = app.send(erase(&app, &model)).await.expect(202);
        assert_eq!(answer.json(), json!({ "version": "2.5.0" }));
        app.send(traces.session.defaults())
            .await
            .expect_error(410, "SdSessionGoneError");
        erased(&app, &model).await;
        let store = app.services.store();
        assert!(
            store
                .session(traces.session.hash())
                .await
                .unwrap()
                .is_none()
        );
        let runs = store
            .computations(model.id, Timestamp::from_unix_ms(0), 10)
            .await;
        assert!(runs.unwrap().is_empty());
        assert_eq!(app.usage(&traces.session).await, charged);
        let get = on_model("GET", &model, "").bearer(&app.backend_token());
        app.send(get)
            .await
            .expect_error(404, "SdErrorEntityNotFound");
        app.send(open_call(&traces.ticket))
            .await
            .expect_error(403, "SdTicketValidationError");
        // The bytes go a little later, and only those that nobody else names.
        assert!(has_blob(&app, traces.own));
        app.pass(GRACE);
        until("the bytes are gone", || async {
            (!has_blob(&app, traces.own)).then_some(())
        })
        .await;
        until("the others are spared", || async {
            let doom = store.blob_doom(traces.shared).await.unwrap();
            let source = store.blob_doom(traces.source).await.unwrap();
            (doom.is_none() && source.is_none()).then_some(())
        })
        .await;
        assert!(has_blob(&app, traces.shared) && has_blob(&app, traces.source));
        let session = app.open(&app.ticket(&twin).await).await;
        app.send(Call::get(&session.href("model")))
            .await
            .expect(206);
        app.finish().await;
    }
}

#[tokio::test]
async fn bytes_that_are_stored_anew_before_they_are_swept_stay() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let source = model.source.unwrap();
    app.send(erase(&app, &model)).await.expect(202);
    erased(&app, &model).await;
    let again = app.push("again", CUBE).await;
    assert_eq!(again.source, Some(source));
    app.pass(GRACE);
    until("the sweep is done", || async {
        let store = app.services.store();
        let waiting = store
            .jobs(vitrine_store::JobState::Waiting, 1)
            .await
            .unwrap();
        let running = store
            .jobs(vitrine_store::JobState::Running, 1)
            .await
            .unwrap();
        (waiting.is_empty() && running.is_empty()).then_some(())
    })
    .await;
    assert!(has_blob(&app, source));
    let session = app.open(&app.ticket(&again).await).await;
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    app.finish().await;
}

#[tokio::test]
async fn erasing_goes_on_after_a_restart_and_cannot_be_taken_back() {
    let mut app = Plan::new().start().await;
    let (model, _, traces) = used(&app).await;
    // The row of the job is there when the answer comes; a server that dies now has lost nothing.
    let mut tx = app.services.store().begin().await.unwrap();
    let mut doomed = tx.model_unscoped(model.id).await.unwrap().unwrap();
    doomed.status = ModelStatus::Deleted;
    doomed.status_before_delete = None;
    tx.update_model(&doomed, doomed.revision).await.unwrap();
    // Cut off after some of the rows.
    tx.erase_rows_of_model(model.id, app.services.now(), 1)
        .await
        .unwrap();
    let change = vitrine_access::Change::Model(model.id);
    tx.note_change(&change).await.unwrap();
    tx.commit().await.unwrap();
    heard(&app, model.id, ModelStatus::Deleted).await;
    app.send(restore(&app, &model))
        .await
        .expect_error(410, "SdResourceGoneError");
    app.send(erase(&app, &model)).await.expect(202);
    app.restart().await;
    erased(&app, &model).await;
    app.pass(GRACE);
    until("the bytes are gone", || async {
        (!has_blob(&app, traces.own)).then_some(())
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn an_upload_for_a_deleted_model_is_refused() {
    let app = TestApp::start().await;
    let model = with_status(&app, "waiting", ModelStatus::NotUploaded).await;
    let link = app.services.upload_href(&model);
    app.send(delete(&app, &model)).await.expect(200);
    let upload = Call::put(&link).body(Bytes::from_static(CUBE.as_bytes()));
    app.send(upload.clone())
        .await
        .expect_error(410, "SdResourceGoneError");
    app.send(restore(&app, &model)).await.expect(200);
    app.send(upload).await.expect(200);
    assert_eq!(app.analysed(model.id).await.status, ModelStatus::Confirmed);
    let blocked = BlockingPatch {
        owner: Some(true),
        ..BlockingPatch::default()
    };
    // A blocked model can still be deleted and restored, and stays blocked.
    let patch = ModelPatch {
        blocking: blocked,
        ..ModelPatch::default()
    };
    app.update(model.id, patch).await;
    app.send(delete(&app, &model)).await.expect(200);
    app.send(restore(&app, &model)).await.expect(200);
    let store = app.services.store();
    let model = store.model_unscoped(model.id).await.unwrap().unwrap();
    assert!(model.settings.blocking.owner);
    app.finish().await;
}
