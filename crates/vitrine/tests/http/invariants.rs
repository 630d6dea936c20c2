//! The invariants of the design that HTTP can show, by their numbers. Number 3 stands in `walk`,
//! the logs of number 4 in `logs`; 7 and 10 are tested where they are kept.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{SessionId, TokenId, UserId};
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::ticket::Ticket;
use vitrine_access::time::Timestamp;
use vitrine_service::ModelRecord;
use vitrine_service::models::{BlockingPatch, ModelPatch};
use vitrine_store::{Store, StoreOptions};

use crate::app::{
    ALL_SCOPES, BROKEN, CUBE, Call, MASTER_KEY, Opened, Plan, TestApp, href, open_call,
    plans_for_both_databases,
};

const EPOCH: Timestamp = Timestamp::from_unix_ms(0);

fn blocked(blocking: BlockingPatch) -> ModelPatch {
    ModelPatch {
        blocking,
        ..ModelPatch::default()
    }
}

fn ticket_of(text: &str) -> Ticket {
    let sealer = Sealer::new(&MasterKey::from_text(MASTER_KEY).unwrap());
    Ticket::open(&sealer, text).unwrap()
}

/// Calls that open a session, each with the status it deserves on an open model.
async fn openings(app: &TestApp, model: &ModelRecord) -> Vec<(&'static str, Call, u16)> {
    let short = app.services.now().plus(Duration::from_secs(30));
    let old = app
        .ticket_with(model, |request| request.until = short)
        .await;
    let token = |ttl| app.token_for(Subject::Model(model.id), ALL_SCOPES, ttl);
    let hour = Duration::from_hours(1);
    let old_token = token(Duration::from_secs(1));
    app.pass(Duration::from_mins(2));
    let revoked = app.ticket(model).await;
    app.services
        .revoke_ticket(ticket_of(&revoked).id)
        .await
        .unwrap();
    let revoked_token = token(hour);
    let id: TokenId = app.services.verify_token(&revoked_token).unwrap().token.id;
    app.services.revoke_token(id).await.unwrap();
    let by_token =
        |token: &str| Call::post(&format!("/api/v2/model/{}/session", model.id)).bearer(token);
    vec![
        ("a live ticket", open_call(&app.ticket(model).await), 201),
        ("a live token", by_token(&token(hour)), 201),
        ("an expired ticket", open_call(&old), 403),
        ("a revoked ticket", open_call(&revoked), 403),
        ("an expired token", by_token(&old_token), 401),
        ("a revoked token", by_token(&revoked_token), 401),
        ("no token", by_token(""), 401),
    ]
}

#[tokio::test]
async fn invariant_1_no_session_without_a_live_ticket_or_token_for_a_confirmed_unblocked_model() {
    for plan in plans_for_both_databases("invariant_1").await {
        let app = plan.start().await;
        let good = app.push("good", CUBE).await;
        let denied = app.push_any("denied", BROKEN).await;
        let empty = app
            .services
            .create_model(ModelPatch {
                accessdomains: Some(vec!["shop.example.com".to_owned()]),
                ..ModelPatch::default()
            })
            .await
            .unwrap();
        let on = Some(true);
        let none = BlockingPatch::default();
        let cases = [
            ("open", &good, none, true),
            ("denied", &denied, none, false),
            ("without file", &empty, none, false),
            (
                "blocked by its owner",
                &good,
                BlockingPatch { owner: on, ..none },
                false,
            ),
            (
                "out of credits",
                &good,
                BlockingPatch {
                    credit_limit: on,
                    owner: Some(false),
                    ..none
                },
                false,
            ),
            (
                "not permitted here",
                &good,
                BlockingPatch {
                    backend_permission: on,
                    credit_limit: Some(false),
                    ..none
                },
                false,
            ),
        ];
        for (state, model, blocking, is_open) in cases {
            app.update(model.id, blocked(blocking)).await;
            for (credential, call, status) in openings(&app, model).await {
                let store = app.services.store();
                let before = store.live_sessions(model.id, EPOCH).await.unwrap().len();
                let answer = app.send(call).await;
                let expected = if is_open || status != 201 {
                    status
                } else {
                    403
                };
                let seen = answer.status.as_u16();
                assert_eq!(
                    seen,
                    expected,
                    "{credential} for a model {state}: {}",
                    answer.text()
                );
                let after = store.live_sessions(model.id, EPOCH).await.unwrap().len();
                assert_eq!(after - before, usize::from(expected == 201));
            }
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn invariant_2_nothing_of_one_account_is_readable_or_countable_through_another() {
    let app = TestApp::start().await;
    let mine = app.push("cube", CUBE).await;
    let theirs = app.push_for(UserId::new(app.entropy()), "cube", CUBE).await;
    let my_session = app.open(&app.ticket(&mine).await).await;
    let their_session = app.open(&app.ticket(&theirs).await).await;
    let values = json!({ "size": 55 });
    let computed = app
        .send(their_session.compute(&values))
        .await
        .expect(200)
        .json();
    let their_output = their_session.output("model");
    let version = computed["outputs"][&their_output]["version"].clone();
    // Their results are as unknown to me as results that never were.
    let cached = |id: &str, version: &Value| {
        Call::put(&my_session.path("output/cache")).json(&json!({ id: version }))
    };
    let nobodys = "00000000000000000000000000000000";
    let theirs_asked = app.send(cached(&their_output, &version)).await;
    let nobodys_asked = app.send(cached(nobodys, &version)).await;
    assert_eq!(theirs_asked.status, nobodys_asked.status);
    assert_eq!(
        theirs_asked.message().replace(&their_output, nobodys),
        nobodys_asked.message()
    );
    let mine_of_that_version = app
        .send(cached(&my_session.output("model"), &version))
        .await;
    let item = &mine_of_that_version.json()["outputs"][my_session.output("model")];
    assert!(item.get("content").is_none(), "{item}");
    // What they computed does not make mine any faster: it is computed for me anew.
    let runs = app.runs(mine.id).await;
    app.send(my_session.compute(&values)).await.expect(200);
    assert_eq!(app.runs(mine.id).await, runs + 1);
    app.finish().await;
}

/// Every file below a folder, read whole.
fn all_bytes(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_bytes(&path, into);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            into.push((path.display().to_string(), bytes));
        }
    }
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

#[tokio::test]
async fn invariant_4_no_secret_is_stored() {
    let app = TestApp::start().await;
    let webhook = "a-webhook-secret-of-32-characters";
    let model = app.push("cube", CUBE).await;
    let patch = ModelPatch {
        webhook_token: Some(webhook.to_owned()),
        ..ModelPatch::default()
    };
    let model = app.update(model.id, patch).await;
    let ticket = app.ticket(&model).await;
    let token = app.model_token(model.id);
    let opened = app.send(open_call(&ticket).bearer(&token)).await;
    let session = Opened::read(&opened.expect(201));
    for call in session.all_calls() {
        app.send(call.bearer(&token)).await.expect(200);
    }
    let link = session.href("model");
    let id: SessionId = session.id.parse().unwrap();
    let raw_id: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&id.reveal()[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let signature = token.rsplit('.').next().unwrap();
    let mut files = Vec::new();
    all_bytes(app.folder(), &mut files);
    let known = mine_is_there(&files, &model);
    assert!(known, "the search finds what is stored");
    for (name, bytes) in &files {
        for (what, secret) in [
            ("session id", session.id.as_bytes()),
            ("raw session id", raw_id.as_slice()),
            ("ticket", ticket.as_bytes()),
            ("token", signature.as_bytes()),
            ("master key", MASTER_KEY.as_bytes()),
            ("webhook's secret", webhook.as_bytes()),
            ("link", link.rsplit('/').next().unwrap().as_bytes()),
        ] {
            assert!(!holds(bytes, secret), "{name} holds the {what}");
        }
    }
    app.finish().await;
}

fn mine_is_there(files: &[(String, Vec<u8>)], model: &ModelRecord) -> bool {
    files
        .iter()
        .any(|(_, bytes)| holds(bytes, model.lineage.as_bytes()))
}

#[tokio::test]
async fn invariant_5_what_was_acknowledged_is_there_after_a_crash_at_that_very_moment() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let closed = app.open(&ticket).await;
    app.send(session.make_export("stl", &json!({ "size": 70 })))
        .await
        .expect(200);
    app.send(closed.close()).await.expect(200);
    app.services
        .revoke_ticket(ticket_of(&ticket).id)
        .await
        .unwrap();
    // A crash leaves the files as they are now: nothing was stopped, nothing flushed for us.
    let copy = vitrine_testkit::TestFolder::new();
    for name in ["vitrine.db", "vitrine.db-wal"] {
        std::fs::copy(app.folder().join(name), copy.path().join(name)).unwrap();
    }
    let url = vitrine_testkit::sqlite_url(&copy);
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let row = store.session(session.hash()).await.unwrap().unwrap();
    assert_eq!(row.ended, None);
    let row = store.session(closed.hash()).await.unwrap().unwrap();
    assert!(row.ended.is_some());
    let row = store.ticket_unscoped(ticket_of(&ticket).id).await.unwrap();
    assert!(row.unwrap().revoked_at.is_some());
    let kept = store.usage_of_session(session.hash(), 100).await.unwrap();
    assert_eq!(kept, app.usage(&session).await);
    let kept = store.model_unscoped(model.id).await.unwrap().unwrap();
    assert_eq!(kept.revision, model.revision);
    store.close().await;
    app.finish().await;
}

#[tokio::test]
async fn invariant_5_what_was_acknowledged_is_there_after_a_restart_on_both_databases() {
    for plan in plans_for_both_databases("invariant_5").await {
        let mut app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let ticket = app.ticket(&model).await;
        let session = app.open(&ticket).await;
        let closed = app.open(&ticket).await;
        let values = json!({ "size": 71 });
        app.send(session.make_export("stl", &values))
            .await
            .expect(200);
        app.send(closed.close()).await.expect(200);
        let usage = app.usage(&session).await;
        app.restart().await;
        assert_eq!(app.usage(&session).await, usage);
        app.send(closed.defaults()).await.expect(410);
        app.send(session.defaults()).await.expect(200);
        let runs = app.runs(model.id).await;
        let made = app.send(session.make_export("stl", &values)).await;
        let made = made.expect(200).json();
        assert_eq!(app.runs(model.id).await, runs, "the export was kept");
        let link = href(&made["exports"][session.export("stl")]);
        app.send(Call::get(&link)).await.expect(200);
        app.finish().await;
    }
}

#[tokio::test]
async fn invariant_5_a_charge_that_cannot_be_written_gets_no_answer_of_success() {
    let mut app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let before = app.usage(&session).await;
    app.services.store().close().await;
    for call in [
        session.compute(&json!({})),
        session.make_export("stl", &json!({})),
        open_call(&ticket),
        session.close(),
    ] {
        app.send(call)
            .await
            .expect_error(500, "SdDatabaseErrorGeneric");
    }
    app.restart().await;
    assert!(!app.take_errors().is_empty(), "the operator is told");
    assert_eq!(app.usage(&session).await, before);
    app.send(session.defaults()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn invariant_6_a_warm_request_that_charges_nothing_needs_neither_database_nor_blobs() {
    let mut app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let backend = app.backend_token();
    // What was changed until now has been heard when the server comes back: nothing that is warm
    // then is dropped by the change log.
    app.restart().await;
    let calls = [
        session.defaults(),
        Call::put(&session.path("output/cache")).json(&json!({})),
        // Not the model as such: its answer counts what the model has used until this moment.
        Call::get(&format!("/api/v2/model/{}/config", model.id)).bearer(&backend),
        Call::get(&format!("/api/v2/ticket/{ticket}")).bearer(&backend),
        Call::get("/.well-known/jwks.json"),
    ];
    let mut warm = Vec::new();
    for call in &calls {
        warm.push(app.send(call.clone()).await.expect(200).body.len());
    }
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    app.services.store().close().await;
    let objects = app.folder().join("objects");
    let away = app.folder().join("objects-away");
    std::fs::rename(&objects, &away).unwrap();
    for (call, length) in calls.into_iter().zip(warm) {
        assert_eq!(app.send(call).await.expect(200).body.len(), length);
    }
    std::fs::rename(&away, &objects).unwrap();
    // A download reads its own bytes and asks nobody else.
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    app.restart().await;
    // What looks into the database by itself could not meanwhile, which is worth a line; nothing else failed.
    for error in app.take_errors() {
        let by_itself = ["change log", "script jobs cannot be taken"];
        assert!(by_itself.iter().any(|one| error.contains(one)), "{error}");
    }
    app.finish().await;
}

/// The bytes of the cube and of its export for one size.
async fn bytes_of(app: &TestApp, session: &Opened, size: u32) -> [bytes::Bytes; 2] {
    let values = json!({ "size": size });
    let computed = app.send(session.compute(&values)).await.expect(200).json();
    let made = app
        .send(session.make_export("stl", &values))
        .await
        .expect(200)
        .json();
    let output = href(&computed["outputs"][session.output("model")]);
    let export = href(&made["exports"][session.export("stl")]);
    [
        app.send(Call::get(&output)).await.body,
        app.send(Call::get(&export)).await.body,
    ]
}

#[tokio::test]
async fn invariant_8_the_same_model_and_customization_give_the_same_bytes() {
    let mut seen = Vec::new();
    for seed in [1, 2] {
        let app = Plan::new().seed(seed).workers(2, 64).start().await;
        let model = app.push("cube", CUBE).await;
        let session = app.open(&app.ticket(&model).await).await;
        // Other values before, and another process, must not show.
        app.send(session.compute(&json!({ "size": 10 + seed })))
            .await
            .expect(200);
        if seed == 2 {
            app.kill_workers();
        }
        seen.push(bytes_of(&app, &session, 64).await);
        app.finish().await;
    }
    assert_eq!(seen[0], seen[1]);
}

/// Everything that a short journey answers, sealed links included.
async fn journey(seed: u64) -> Vec<Value> {
    let app = Plan::new().seed(seed).start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let mut answers = vec![json!(ticket), session.body.clone()];
    for call in [
        session.compute(&json!({ "size": 45 })),
        session.make_export("glb", &json!({ "size": 45 })),
        session.compute(&json!({ "size": 1 })),
        session.defaults(),
        session.close(),
        session.close(),
    ] {
        answers.push(app.send(call).await.json());
    }
    app.finish().await;
    answers
}

#[tokio::test]
async fn invariant_9_a_run_can_be_replayed_from_its_seed() {
    let first = journey(7).await;
    assert_eq!(journey(7).await, first);
    assert_ne!(journey(8).await, first);
}
