//! Script jobs, from the token to the files.

use std::path::PathBuf;

use serde_json::{Value, json};
use vitrine_service::ScriptJobState;

use crate::app::{Answer, Call, Plan, TestApp, plans_for_both_databases, until};
use crate::editor::{DXF, open, with_bucket};
use crate::partner::{Partner, generate, refused, token_of};

/// A script that leaves a DXF with one line more, and a page.
const SCRIPT: &str = "; a note\n_LINE 0,0 3,3\n\n_DOSAVEAS\nmore\n_F DXF 2018\n\n0\n\
                      _DOSAVEAS\npage\n_F PDF\n\n0\n_EXIT\n";

fn folder(app: &TestApp, app_id: &str) -> PathBuf {
    app.folder().join("buckets").join(app_id)
}

async fn token(app: &TestApp, partner: &Partner, parameters: &Value) -> String {
    let answer = app
        .send(generate(&partner.key, &parameters.to_string()))
        .await;
    token_of(&answer.expect(200))
}

fn start(token: &str) -> Call {
    Call::get("/startScriptJob").header("x-api-token", token)
}

fn id(answer: &Answer) -> String {
    let text = answer.clone().expect(200).text();
    text.strip_prefix("JobID::").unwrap().to_owned()
}

async fn started(app: &TestApp, partner: &Partner, parameters: &Value) -> String {
    id(&app
        .send(start(&token(app, partner, parameters).await))
        .await)
}

fn ask(job: &str) -> Call {
    Call::get(&format!("/scriptJobStatus?jobId={job}&auth=acme"))
}

async fn word(app: &TestApp, job: &str) -> String {
    let text = app.send(ask(job)).await.expect(200).text();
    text.strip_prefix("Job Status::").unwrap().to_owned()
}

async fn status(app: &TestApp, job: &str) -> Value {
    let call = ask(job).header("accept", "application/json");
    app.send(call).await.expect(200).json()
}

/// The files that a job wrote, by the last part of their names.
fn file(app: &TestApp, status: &Value, name: &str) -> Vec<u8> {
    let outputs = status["outputs"].as_array().unwrap();
    let object = outputs.iter().find_map(|output| {
        let object = output["name"].as_str().unwrap();
        object.ends_with(&format!("/{name}")).then_some(object)
    });
    std::fs::read(folder(app, "acme").join(object.unwrap())).unwrap()
}

#[tokio::test]
async fn a_token_starts_a_job_and_its_files_are_in_the_bucket_on_both_databases() {
    for plan in plans_for_both_databases("script_jobs").await {
        let mut app = plan.idle().start().await;
        let acme = with_bucket(&app, "acme").await;
        let mut jobs = Vec::new();
        for (form, begin) in [
            ("PDF", &b"%PDF-"[..]),
            ("svg", b"<svg "),
            ("PNG", b"\x89PNG"),
            ("DWG", b"AC1032"),
            ("DXF", DXF.as_bytes()),
        ] {
            let parameters = json!({ "file": "a.dxf", "fileType": form, "userId": "7" });
            jobs.push((started(&app, &acme, &parameters).await, form, begin));
        }
        assert_eq!(word(&app, &jobs[0].0).await, "waiting");
        // What was accepted is still to be done after a restart.
        app.restart().await;
        app.services.drain_script_jobs().await.unwrap();
        for (job, form, begin) in &jobs {
            assert_eq!(word(&app, job).await, "done");
            let status = status(&app, job).await;
            let name = format!("a.{}", form.to_ascii_lowercase());
            assert!(file(&app, &status, &name).starts_with(begin), "{form}");
        }
        let placed = std::fs::read(folder(&app, "acme").join("a.dxf")).unwrap();
        assert_eq!(placed, DXF.as_bytes(), "the original stays as it is");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_script_of_the_customization_bucket_does_what_the_partner_permits() {
    let app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let own = folder(&app, "acme-customization");
    let list = own.join("Default Files/OEM Commands/commands.xml");
    std::fs::create_dir_all(list.parent().unwrap()).unwrap();
    std::fs::write(own.join("more.scr"), SCRIPT).unwrap();
    let mut record = app.services.find_partner("acme").await.unwrap();
    record.settings.customization = Some(format!("file://{}", own.display()));
    app.services.update_partner(record).await.unwrap();
    let parameters = json!({ "file": "a.dxf", "script": "more.scr", "outputPath": "made/here" });
    let job = started(&app, &acme, &parameters).await;
    app.services.drain_script_jobs().await.unwrap();
    let done = status(&app, &job).await;
    assert_eq!(done["status"], "done", "{done}");
    let dxf = String::from_utf8(file(&app, &done, "more.dxf")).unwrap();
    let lines = dxf.lines().filter(|line| line.trim() == "LINE").count();
    assert_eq!(lines, 2, "{dxf}");
    assert!(file(&app, &done, "page.pdf").starts_with(b"%PDF-"));
    let log = String::from_utf8(file(&app, &done, "a.dxf.txt")).unwrap();
    assert_eq!(log.lines().next(), Some("2: LINE: 1 entity"));
    let names: Vec<&str> = done["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(
        names[0].starts_with("made/here/") && names[2].starts_with("logs/"),
        "{names:?}"
    );
    std::fs::write(
        &list,
        "<commands><OEM name=\"x\"><command name=\"_DOSAVEAS\"/></OEM></commands>",
    )
    .unwrap();
    let commands = || async {
        let token = app.send(generate(&acme.key, r#"{"file":"a.dxf"}"#)).await;
        let state = app.send(open(&token_of(&token))).await.expect(201).json();
        state["commands"].clone()
    };
    assert_eq!(commands().await, json!(["DOSAVEAS"]));
    let job = started(&app, &acme, &parameters).await;
    app.services.drain_script_jobs().await.unwrap();
    let failed = status(&app, &job).await;
    assert_eq!(failed["status"], "failed");
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.contains("line 2: LINE is not in the partner's list of commands"),
        "{message}"
    );
    std::fs::write(&list, "no list").unwrap();
    assert_eq!(
        commands().await,
        json!([]),
        "what cannot be read permits nothing"
    );
    std::fs::remove_file(&list).unwrap();
    assert_eq!(commands().await, serde_json::Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn a_workspace_file_of_the_customization_bucket_says_which_parts_the_page_has() {
    let app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let own = folder(&app, "acme-customization");
    let workspaces = own.join("Default Files/Workspaces");
    std::fs::create_dir_all(&workspaces).unwrap();
    std::fs::write(
        own.join("Default Files/secret.xml"),
        "<workspace status_bar_visible=\"1\"/>",
    )
    .unwrap();
    let file = |name: &str, visible: u8| {
        let text = format!(
            "<workspace status_bar_visible=\"1\"><dockable_windows><window object_name=\"CommandWindow\" \
             visible=\"{visible}\"/></dockable_windows></workspace>"
        );
        std::fs::write(workspaces.join(name), text).unwrap();
    };
    file("Classic Default.xml", 1);
    file("Viewer.xml", 0);
    file("Ours.xml", 0);
    std::fs::write(workspaces.join("Broken.xml"), "nothing").unwrap();
    let mut record = app.services.find_partner("acme").await.unwrap();
    record.settings.customization = Some(format!("file://{}", own.display()));
    app.services.update_partner(record).await.unwrap();
    let layout = |shown: Value, bar: Value| json!({ "commandline": shown, "panel": null, "coordinates": bar });
    let nothing = || layout(Value::Null, Value::Null);
    for (parameters, expected) in [
        (
            json!({ "access": "edit" }),
            layout(true.into(), true.into()),
        ),
        (json!({}), layout(false.into(), true.into())),
        (
            json!({ "access": "edit", "workspace": "Ours" }),
            layout(false.into(), true.into()),
        ),
        (
            json!({ "access": "edit", "workspace": "Ours.xml" }),
            layout(false.into(), true.into()),
        ),
        (
            json!({ "access": "edit", "viewerWorkspace": "Ours" }),
            layout(true.into(), true.into()),
        ),
        (
            json!({ "access": "edit", "workspace": "Nowhere" }),
            nothing(),
        ),
        (
            json!({ "access": "edit", "workspace": "Broken" }),
            nothing(),
        ),
        (
            json!({ "access": "edit", "workspace": "../secret" }),
            nothing(),
        ),
        (json!({ "mobile": true }), nothing()),
    ] {
        let mut parameters = parameters;
        parameters["file"] = "a.dxf".into();
        let answer = app.send(open(&token(&app, &acme, &parameters).await)).await;
        let state = answer.expect(201).json();
        assert_eq!(state["layout"], expected, "{parameters}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_job_that_was_begun_twice_has_written_its_files_once() {
    let mut app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let parameters = json!({ "file": "a.dxf", "fileType": "SVG" });
    let job = started(&app, &acme, &parameters).await;
    // A node takes the job and dies with it.
    let hour = std::time::Duration::from_hours(1);
    let taken = app
        .services
        .store()
        .take_script_job(app.services.now(), hour)
        .await
        .unwrap();
    let dead = taken.unwrap();
    assert_eq!(word(&app, &job).await, "running");
    app.restart().await;
    app.services.drain_script_jobs().await.unwrap();
    assert_eq!(word(&app, &job).await, "running", "its lease holds");
    app.pass(hour);
    app.services.drain_script_jobs().await.unwrap();
    assert_eq!(word(&app, &job).await, "done");
    let late = app
        .services
        .store()
        .finish_script_job(&dead, app.services.now(), "[]")
        .await;
    assert!(
        !late.unwrap(),
        "the one that was lost has nothing to say any more"
    );
    let made = std::fs::read_dir(folder(&app, "acme").join("output")).unwrap();
    assert_eq!(made.count(), 1);
    app.finish().await;
}

#[tokio::test]
async fn partners_take_turns_however_many_jobs_one_of_them_has() {
    let app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let other = with_bucket(&app, "other").await;
    let parameters = json!({ "file": "a.dxf", "fileType": "SVG" });
    for _ in 0..4 {
        started(&app, &acme, &parameters).await;
    }
    started(&app, &other, &parameters).await;
    let mut order = Vec::new();
    let lease = std::time::Duration::from_hours(1);
    let store = app.services.store();
    while let Some(job) = store
        .take_script_job(app.services.now(), lease)
        .await
        .unwrap()
    {
        order.push(job.partner == other.id);
        store
            .finish_script_job(&job, app.services.now(), "[]")
            .await
            .unwrap();
    }
    let place = order.iter().position(|is_other| *is_other).unwrap();
    assert!(place <= 1, "{order:?}");
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_job_is_refused_at_once_and_what_fails_says_why() {
    let app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let plain = token(&app, &acme, &json!({ "file": "a.dxf" })).await;
    refused(
        &app.send(start(&plain)).await,
        "request-invalid",
        "names no job",
    );
    let bundle = json!({ "file": "a.dxf", "fileType": "PDF", "storageBucket": "x" });
    let bundle = token(&app, &acme, &bundle).await;
    refused(
        &app.send(start(&bundle)).await,
        "request-invalid",
        "storageBucket is not supported",
    );
    let good = token(&app, &acme, &json!({ "file": "a.dxf", "fileType": "PDF" })).await;
    let beside = Call::get(&format!("/startScriptJob?apitoken={good}&fileType=DWG"));
    refused(
        &app.send(beside).await,
        "request-invalid",
        "stands in the token",
    );
    let twice = Call::get(&format!("/startScriptJob?apitoken={good}")).header("x-api-token", &good);
    refused(
        &app.send(twice).await,
        "editor-token-invalid",
        "Wrong token",
    );
    let browser = start(&good).header("sec-fetch-site", "none");
    refused(&app.send(browser).await, "browser-refused", "Browsers");
    for (parameters, why) in [
        (
            json!({ "file": "late.dxf", "fileType": "PDF" }),
            "There is no such drawing",
        ),
        (
            json!({ "file": "a.dxf", "fileType": "BMP" }),
            "fileType is DXF",
        ),
        (
            json!({ "file": "a.dxf", "fileType": "DWG", "dwgVersion": "1999" }),
            "dwgVersion is",
        ),
        (
            json!({ "file": "a.dxf", "script": "s.scr" }),
            "no customization bucket",
        ),
        (
            json!({ "file": "a.dxf", "script": "http://127.0.0.1/s.scr" }),
            "may not fetch",
        ),
    ] {
        let job = started(&app, &acme, &parameters).await;
        app.services.drain_script_jobs().await.unwrap();
        let status = status(&app, &job).await;
        assert_eq!(status["status"], "failed", "{parameters}");
        assert!(
            status["message"].as_str().unwrap().contains(why),
            "{status}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_one_time_token_starts_one_job_and_the_url_form_is_the_same() {
    let app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let body = r#"{"file":"a.dxf","fileType":"PDF"}"#;
    let call = generate(&acme.key, body).header("x-token-one-time", "true");
    let once = token_of(&app.send(call).await.expect(200));
    let url = format!("/startScriptJob?apitoken={once}");
    let head = app.send(Call::new("HEAD", &url)).await;
    assert_eq!(head.status, 405, "asking for the head alone starts nothing");
    let job = id(&app.send(Call::post(&url)).await);
    refused(
        &app.send(Call::get(&url)).await,
        "editor-token-used",
        "Wrong token",
    );
    app.services.drain_script_jobs().await.unwrap();
    assert_eq!(word(&app, &job).await, "done");
    refused(
        &app.send(Call::get("/scriptJobStatus")).await,
        "script-job-invalid",
        "no such job",
    );
    app.finish().await;
}

#[tokio::test]
async fn a_withdrawn_key_ends_its_jobs_and_a_blocked_partner_learns_nothing() {
    let app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let job = started(&app, &acme, &json!({ "file": "a.dxf", "fileType": "PDF" })).await;
    let keys = app.services.store().partner_keys(acme.id, 1).await.unwrap();
    app.services
        .revoke_partner_key(acme.id, keys[0].id)
        .await
        .unwrap();
    app.services.drain_script_jobs().await.unwrap();
    let failed = status(&app, &job).await;
    assert!(
        failed["message"].as_str().unwrap().contains("withdrawn"),
        "{failed}"
    );
    assert_eq!(failed["status"], ScriptJobState::Failed.as_str());
    let mut record = app.services.find_partner("acme").await.unwrap();
    record.settings.blocked = true;
    app.services.update_partner(record).await.unwrap();
    refused(&app.send(ask(&job)).await, "partner-blocked", "blocked");
    app.finish().await;
}

#[tokio::test]
async fn a_partner_has_as_many_jobs_waiting_as_the_bound_and_no_more() {
    let app = Plan::new().idle().start().await;
    let acme = with_bucket(&app, "acme").await;
    let token = token(&app, &acme, &json!({ "file": "a.dxf", "fileType": "PDF" })).await;
    for _ in 0..100 {
        app.send(start(&token)).await.expect(200);
    }
    let answer = app.send(start(&token)).await.expect(429);
    assert_eq!(answer.json()["code"], "busy");
    assert!(answer.header("retry-after").is_some());
    app.finish().await;
}

#[tokio::test]
async fn jobs_are_done_beside_requests_without_anybody_asking() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let job = started(&app, &acme, &json!({ "file": "a.dxf", "fileType": "SVG" })).await;
    let done = until("the job is done", || async {
        let status = status(&app, &job).await;
        (status["status"] == "done").then_some(status)
    })
    .await;
    assert!(file(&app, &done, "a.svg").starts_with(b"<svg "));
    app.finish().await;
}
