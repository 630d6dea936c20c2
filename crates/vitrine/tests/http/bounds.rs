//! What a credential can make grow, and where it ends: results, files, models, tickets, rows that outlived
//! their use, and the line of jobs.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::{AuthGroupId, BlobKey, ModelId, UserId};
use vitrine_access::owner::Payer;
use vitrine_service::models::ModelPatch;
use vitrine_store::{JobState, ResultKind};

use crate::app::{
    CUBE, Call, Plan, SLOW, TALKATIVE, TestApp, open_call, plans_for_both_databases, until,
};
use crate::platform::{access, key, sign_in_id};

const DAY: Duration = Duration::from_hours(24);
/// Longer than blobs without a row are kept.
const GRACE: Duration = Duration::from_mins(2);
const MIB: u64 = 1 << 20;

fn blob_file(app: &TestApp, key: BlobKey) -> std::path::PathBuf {
    let name = key.to_string();
    app.folder().join("objects").join(&name[..2]).join(&name)
}

/// Every blob that is stored.
fn blobs(app: &TestApp) -> Vec<String> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(app.folder().join("objects")).unwrap() {
        let Ok(files) = std::fs::read_dir(folder.unwrap().path()) else {
            continue;
        };
        found.extend(files.map(|file| file.unwrap().file_name().into_string().unwrap()));
    }
    found
}

async fn no_jobs_left(app: &TestApp) {
    until("no job is left", || async {
        let store = app.services.store();
        for state in [JobState::Waiting, JobState::Running] {
            if !store.jobs(state, 1).await.unwrap().is_empty() {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// Five texts of so many bytes.
fn texts(bytes: u32) -> Value {
    json!({ "a": bytes, "b": bytes, "c": bytes, "d": bytes, "e": bytes })
}

#[tokio::test]
async fn results_of_an_account_make_room_for_newer_ones_and_come_back_when_asked_for() {
    for plan in plans_for_both_databases("budget").await {
        let plan = plan.settings(|settings| settings.account_bounds.results_mib = 1);
        let app = plan.start().await;
        let user = UserId::from_bytes([7; 16]);
        let model = app.push_for(user, "talkative", TALKATIVE).await;
        let neighbour = app.push("neighbour", TALKATIVE).await;
        let session = app.open(&app.ticket(&model).await).await;
        let other = app.open(&app.ticket(&neighbour).await).await;
        app.send(other.compute(&texts(100))).await.expect(200);
        let store = app.services.store();
        let theirs = store.result_bytes(&neighbour.owner.payer()).await.unwrap();
        let mut first = Value::Null;
        for more in 0..4 {
            app.pass(Duration::from_mins(1));
            let answer = app.send(session.compute(&texts(100_000 + more))).await;
            let answer = answer.expect(200).json();
            if more == 0 {
                first = answer;
            }
        }
        let account = Payer::User(user);
        until("room is made", || async {
            (store.result_bytes(&account).await.unwrap() <= MIB).then_some(())
        })
        .await;
        assert_eq!(
            store.result_bytes(&neighbour.owner.payer()).await.unwrap(),
            theirs,
            "nobody else pays for it"
        );
        let again = app.send(session.compute(&texts(100_000))).await;
        let again = again.expect(200).json();
        let output = session.output("a");
        for part in ["version", "status_computation", "content"] {
            assert_eq!(
                again["outputs"][&output][part],
                first["outputs"][&output][part]
            );
        }
        no_room_is_being_made(&app).await;
        app.pass(GRACE);
        app.finish().await;
    }
}

/// Waits until what runs beside requests has no more to do.
async fn no_room_is_being_made(app: &TestApp) {
    let store = app.services.store();
    let account = Payer::User(UserId::from_bytes([7; 16]));
    until("the account is within its bound", || async {
        (store.result_bytes(&account).await.unwrap() <= MIB + MIB / 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_used_stays_longer_than_what_is_not() {
    let app = TestApp::start().await;
    let user = UserId::from_bytes([7; 16]);
    let model = app.push_for(user, "talkative", TALKATIVE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let version = |answer: &Value| {
        let version = answer["outputs"][session.output("a")]["version"].as_str();
        version.unwrap().to_owned()
    };
    let mut versions = Vec::new();
    for bytes in [1_000, 2_000] {
        app.pass(Duration::from_mins(1));
        let answer = app.send(session.compute(&texts(bytes))).await.expect(200);
        versions.push(version(&answer.json()));
    }
    // Uses are written behind; a restart writes them, and forgets that they were noted.
    let mut app = app;
    app.pass(Duration::from_mins(1));
    app.restart().await;
    app.pass(Duration::from_mins(1));
    app.send(session.compute(&texts(1_000))).await.expect(200);
    app.restart().await;
    let store = app.services.store();
    let account = Payer::User(user);
    // Its five defaults and the five of the second computation were used the longest ago.
    let now = app.services.now();
    let dropped = store.drop_unused_results(&account, u64::MAX, now, 10).await;
    assert_eq!(dropped.unwrap().results, 10);
    for (version, left) in versions.iter().zip([true, false]) {
        let found = store
            .result(ResultKind::Output, &session.output("a"), model.id, version)
            .await
            .unwrap();
        assert_eq!(found.is_some(), left);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_link_of_a_file_that_made_room_says_so() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let found = app.services.store();
    let answer = app.send(session.defaults()).await.expect(200).json();
    let version = answer["outputs"][session.output("model")]["version"].as_str();
    let record = found
        .result(
            ResultKind::Output,
            &session.output("model"),
            model.id,
            version.unwrap(),
        )
        .await
        .unwrap()
        .unwrap();
    std::fs::remove_file(blob_file(&app, record.content[0].blob.unwrap())).unwrap();
    let account = model.owner.payer();
    let now = app.services.now();
    let dropped = found
        .drop_unused_results(&account, u64::MAX, now, 100)
        .await;
    assert!(dropped.unwrap().results > 0);
    let gone = app.send(Call::get(&session.href("model"))).await;
    let gone = gone.expect_error(410, "SdResourceGoneError");
    assert_eq!(gone.json()["code"], "link-expired");
    assert!(gone.message().contains("compute"), "{}", gone.message());
    app.finish().await;
}

#[tokio::test]
async fn an_account_has_no_more_models_and_files_than_it_may() {
    let app = Plan::new()
        .settings(|settings| {
            settings.account_bounds.models = 3;
            settings.account_bounds.files_mib = 1;
        })
        .start()
        .await;
    let backend = app.backend_token();
    let create = |user: UserId| {
        let body = json!({ "filename": "m.js", "user_id": user.to_string() });
        app.send(Call::post("/api/v2/model").bearer(&backend).json(&body))
    };
    let user = UserId::from_bytes([7; 16]);
    let mut made = Vec::new();
    for _ in 0..3 {
        let answer = create(user).await.expect(200).json();
        made.push(answer["file"]["upload"].as_str().unwrap().to_owned());
    }
    let refused = create(user).await.expect_error(403, "SdErrorForbidden");
    assert_eq!(refused.json()["code"], "plan-exceeded");
    assert!(refused.message().contains("account_models_max"));
    create(UserId::from_bytes([8; 16])).await.expect(200);

    let padded = |bytes: usize, mark: char| {
        let mut text = format!("{CUBE}\n// {mark}");
        text.push_str(&" ".repeat(bytes - text.len()));
        Bytes::from(text)
    };
    let half = usize::try_from(MIB / 2).unwrap();
    let upload = |at: usize, bytes: Bytes| app.send(Call::put(&made[at]).body(bytes));
    upload(0, padded(half, 'a')).await.expect(200);
    upload(1, padded(half, 'b')).await.expect(200);
    let third = padded(CUBE.len() + 10, 'c');
    let refused = upload(2, third.clone()).await;
    let refused = refused.expect_error(403, "SdErrorForbidden");
    assert!(refused.message().contains("account_files_mib_max"));
    assert!(!blob_file(&app, BlobKey::of(&third)).exists());
    no_jobs_left(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_model_has_no_more_live_tickets_than_an_owner_could_look_through() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let token = access(&app, &key(&app, None, None).await).await;
    let make = || {
        let call = Call::post("/api/v1/models/mine/tickets").bearer(&token);
        app.send(call.json(&json!({ "type": "embedding" })))
    };
    let last = app.ticket(&model).await;
    let last = app.services.decrypt_ticket(&last).unwrap().id;
    let row = app.services.store().ticket_unscoped(last).await.unwrap();
    let mut tx = app.services.store().begin().await.unwrap();
    for _ in 0..998 {
        let mut ticket = row.clone().unwrap();
        ticket.id = vitrine_access::ids::TicketId::new(app.entropy());
        tx.insert_ticket(&ticket).await.unwrap();
    }
    tx.commit().await.unwrap();
    make().await.expect(200);
    let refused = make().await.expect(403).json();
    assert_eq!(refused["error"]["code"], "plan-exceeded");
    app.services.revoke_ticket(last).await.unwrap();
    make().await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn tickets_are_forgotten_some_time_after_their_end_and_open_nothing_before_and_after() {
    for plan in plans_for_both_databases("old tickets").await {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let until = app.services.now().plus(DAY);
        let expired = app
            .ticket_with(&model, |request| request.until = until)
            .await;
        let revoked = app.ticket(&model).await;
        let live = app.ticket(&model).await;
        let session = app.open(&expired).await;
        let charged = app.usage(&session).await;
        let id = |ticket: &str| app.services.decrypt_ticket(ticket).unwrap().id;
        app.services.revoke_ticket(id(&revoked)).await.unwrap();
        let codes = async || {
            let mut codes = Vec::new();
            for ticket in [&expired, &revoked] {
                let refused = app.send(open_call(ticket)).await.expect(403).json();
                codes.push(refused["code"].as_str().unwrap().to_owned());
            }
            codes
        };
        let there = async || {
            let mut there = Vec::new();
            for ticket in [&expired, &revoked, &live] {
                let row = app.services.store().ticket_unscoped(id(ticket)).await;
                there.push(row.unwrap().is_some());
            }
            there
        };
        app.pass(DAY * 90);
        app.services.forget_old_rows().await.unwrap();
        assert_eq!(there().await, [true, true, true]);
        assert_eq!(codes().await, ["ticket-expired", "ticket-revoked"]);
        app.pass(DAY * 2);
        app.services.forget_old_rows().await.unwrap();
        assert_eq!(there().await, [false, false, true]);
        assert_eq!(codes().await, ["ticket-expired", "ticket-revoked"]);
        app.open(&live).await;
        assert_eq!(app.usage(&session).await, charged, "what was charged stays");
        app.send(session.defaults())
            .await
            .expect_error(410, "SdSessionGoneError");
        app.finish().await;
    }
}

#[tokio::test]
async fn groups_that_were_made_for_a_token_are_forgotten_after_it_and_others_never() {
    let app = TestApp::start().await;
    let user = key(&app, None, None).await;
    let token = access(&app, &user).await;
    let models = [app.push("one", CUBE).await, app.push("two", CUBE).await];
    let ids: Vec<String> = models.iter().map(|model| model.id.to_string()).collect();
    let ask = || {
        let body = json!({ "ids": ids, "scope": ["group.view"] });
        app.send(Call::post("/api/v1/tokens").bearer(&token).json(&body))
    };
    ask().await.expect(200);
    let ids: Vec<ModelId> = models.iter().map(|model| model.id).collect();
    let made = AuthGroupId::of_models(&{
        let mut ids = ids.clone();
        ids.sort_unstable();
        ids
    });
    let members = vitrine_service::coverage::GroupMembers {
        models: ids,
        ..Default::default()
    };
    let kept = app.services.create_auth_group(members).await.unwrap();
    let store = app.services.store();
    let there = async |id| store.auth_group(id).await.unwrap().is_some();
    app.services.forget_old_rows().await.unwrap();
    assert!(there(made).await && there(kept).await);
    app.pass(DAY * 60);
    app.services.forget_old_rows().await.unwrap();
    assert!(!there(made).await && there(kept).await);
    app.finish().await;
}

#[tokio::test]
async fn a_computation_that_outlives_its_model_leaves_nothing() {
    for plan in plans_for_both_databases("outlived").await {
        let app = plan.start().await;
        let model = app.push("slow", SLOW).await;
        let session = app.open(&app.ticket(&model).await).await;
        let values = json!({ "rounds": 20_000 });
        let (router, call) = (app.router.clone(), session.compute(&values));
        let asked = tokio::spawn(async move { call.send(&router).await });
        until("the worker is at it", || async {
            (app.services.pool().health().busy > 0).then_some(())
        })
        .await;
        app.services.erase_model(model.id).await.unwrap();
        until("the model is erased", || async {
            app.pass(Duration::from_secs(1));
            let row = app.services.store().model_unscoped(model.id).await.unwrap();
            row.is_none().then_some(())
        })
        .await;
        let status = asked.await.unwrap().status.as_u16();
        assert!(status == 410 || status == 200, "{status}");
        no_more_than_grace(&app).await;
        app.finish().await;
    }
}

/// Lets the time of doomed blobs pass, again and again: nothing may be left in the end.
async fn no_more_than_grace(app: &TestApp) {
    until("nothing is left", || async {
        app.pass(GRACE);
        no_jobs_left(app).await;
        blobs(app).is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_that_came_second_leaves_no_bytes() {
    let app = TestApp::start().await;
    let patch = ModelPatch {
        filename: Some("m.js".to_owned()),
        ..ModelPatch::default()
    };
    let model = app.services.create_model(patch).await.unwrap();
    let files: Vec<Bytes> = (0..6)
        .map(|n| Bytes::from(format!("{CUBE}\n// {n}")))
        .collect();
    let mut takes = tokio::task::JoinSet::new();
    for file in files.clone() {
        let services = app.services.clone();
        takes.spawn(async move { services.take_file(model.id, file).await.is_ok() });
    }
    let accepted = takes.join_all().await.into_iter().filter(|ok| *ok).count();
    assert_eq!(accepted, 1);
    app.analysed(model.id).await;
    until("the others are gone", || async {
        app.pass(GRACE);
        no_jobs_left(&app).await;
        let left = files
            .iter()
            .filter(|file| blob_file(&app, BlobKey::of(file)).exists());
        (left.count() == 1).then_some(())
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn slow_files_of_one_owner_do_not_delay_anothers() {
    /// Its definition takes seconds.
    const SLUGGISH: &str = r"
const { primitives } = require('@jscad/modeling')
let sum = 0
for (let i = 0; i < 12000000; i++) sum = (sum + i) % 7
const main = () => primitives.cuboid({ size: [1, 1, 1 + sum] })
module.exports = { main }
";
    let app = Plan::new().workers(3, 64).start().await;
    let user = UserId::from_bytes([7; 16]);
    let mut slow = Vec::new();
    for n in 0..5 {
        let patch = ModelPatch {
            user: Some(user),
            filename: Some(format!("slow{n}.js")),
            ..ModelPatch::default()
        };
        let model = app.services.create_model(patch).await.unwrap();
        let file = Bytes::from(format!("{SLUGGISH}// {n}"));
        app.services.take_file(model.id, file).await.unwrap();
        slow.push(model.id);
    }
    let quick = app.push("quick", CUBE).await;
    assert_eq!(quick.status, ModelStatus::Confirmed);
    let mut waiting = 0;
    for id in &slow {
        let model = app.services.store().model_unscoped(*id).await.unwrap();
        waiting += usize::from(model.unwrap().status == ModelStatus::Uploaded);
    }
    assert!(waiting >= 1, "it waited for the others: {waiting} are left");
    for id in slow {
        app.analysed(id).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn records_of_computations_are_forgotten_and_their_charges_stay() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    app.send(session.compute(&json!({ "size": 50 })))
        .await
        .expect(200);
    let charged = app.usage(&session).await;
    assert_eq!(app.runs(model.id).await, 1);
    app.pass(DAY * 91);
    app.services.forget_old_rows().await.unwrap();
    assert_eq!(app.runs(model.id).await, 0);
    assert_eq!(app.usage(&session).await, charged);
    app.finish().await;
}

#[tokio::test]
async fn an_account_keeps_so_many_sign_ins_and_no_more() {
    let app = TestApp::start().await;
    let pair = key(&app, None, None).await;
    let first = access(&app, &pair).await;
    let id = sign_in_id(&first).parse().unwrap();
    let store = app.services.store();
    let row = store.sign_in_unscoped(id).await.unwrap().unwrap();
    let mut tx = store.begin().await.unwrap();
    for n in 1..=498 {
        let mut other = row.clone();
        other.id = vitrine_access::ids::TokenId::new(app.entropy());
        other.used_at = row.used_at.plus(Duration::from_secs(n));
        tx.insert_sign_in(&other).await.unwrap();
    }
    tx.commit().await.unwrap();
    app.pass(DAY / 2);
    let user = app.services.find_user(None).await.unwrap().id;
    let sign_ins = || Call::get(&format!("/api/v1/users/{user}"));
    let second = access(&app, &pair).await;
    for token in [&first, &second] {
        app.send(sign_ins().bearer(token)).await.expect(200);
    }
    let third = access(&app, &pair).await;
    app.send(sign_ins().bearer(&first)).await.expect(401);
    for token in [&second, &third] {
        app.send(sign_ins().bearer(token)).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_keys_label_is_as_short_after_a_change_as_before() {
    let app = TestApp::start().await;
    let pair = key(&app, None, None).await;
    let token = access(&app, &pair).await;
    let path = format!("/api/v1/apitokens/{}", pair.0);
    let change = |chars: usize| {
        let call = Call::new("PATCH", &path).bearer(&token);
        app.send(call.json(&json!({ "description": "x".repeat(chars) })))
    };
    change(200).await.expect(200);
    change(201).await.expect(400);
    app.finish().await;
}
