//! Computing: once per version, bounded, and with an answer whatever the model does.

use serde_json::{Value, json};

use crate::app::{CUBE, Call, Plan, SLOW, SUPERSTITIOUS, TALKATIVE, TestApp, until};

#[tokio::test]
async fn the_same_values_come_from_the_cache_without_a_worker() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    assert_eq!(
        app.runs(model.id).await,
        0,
        "defaults are kept by the analysis"
    );
    let first = app
        .send(session.compute(&json!({ "size": 50 })))
        .await
        .expect(200);
    assert_eq!(app.runs(model.id).await, 1);
    let other = app.open(&app.ticket(&model).await).await;
    let again = app
        .send(other.compute(&json!({ "size": "50" })))
        .await
        .expect(200);
    assert_eq!(
        app.runs(model.id).await,
        1,
        "another session, the same version"
    );
    let version = |answer: &Value| {
        answer["outputs"][session.output("model")]["version"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(version(&first.json()), version(&again.json()));
    app.finish().await;
}

#[tokio::test]
async fn results_outlive_a_restart() {
    let mut app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    app.send(session.compute(&json!({ "size": 51 })))
        .await
        .expect(200);
    app.restart().await;
    app.send(session.compute(&json!({ "size": 51 })))
        .await
        .expect(200);
    assert_eq!(app.runs(model.id).await, 1);
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    app.finish().await;
}

#[tokio::test]
async fn identical_requests_at_the_same_moment_share_one_run() {
    let app = Plan::new().workers(2, 64).start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (router, call) = (app.router.clone(), session.compute(&json!({ "size": 61 })));
        calls.spawn(async move { call.send(&router).await.expect(200).json() });
    }
    for answer in calls.join_all().await {
        let item = &answer["outputs"][session.output("model")];
        assert_eq!(item["status_computation"], "success", "{item}");
    }
    assert_eq!(app.runs(model.id).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn requests_that_come_while_a_run_ends_start_no_other() {
    const CALLS: u32 = 40;
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    for (run, size) in (50..65).enumerate() {
        let mut calls = tokio::task::JoinSet::new();
        for delay in 0..CALLS {
            let call = session.compute(&json!({ "size": size, "wood": 1 }));
            let (router, services) = (app.router.clone(), app.services.clone());
            calls.spawn(async move {
                // Spread over the run by what happens in the database, not by time.
                for _ in 0..delay {
                    services.store().ping().await.unwrap();
                }
                call.send(&router).await.expect(200)
            });
        }
        calls.join_all().await;
        assert_eq!(app.runs(model.id).await, run + 1);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_asking_again_works() {
    let app = Plan::new().workers(1, 1).start().await;
    let model = app.push("slow", SLOW).await;
    let session = app.open(&app.ticket(&model).await).await;
    let mut calls = tokio::task::JoinSet::new();
    for rounds in 0..6 {
        let values = json!({ "rounds": 2_000 + rounds });
        let (router, call) = (app.router.clone(), session.compute(&values));
        calls.spawn(async move { (values, call.send(&router).await.expect(200).json()) });
    }
    let mut refused = Vec::new();
    for (values, answer) in calls.join_all().await {
        let item = answer["outputs"][session.output("model")].clone();
        if item["status_computation"] != "success" {
            assert_eq!(item["status_computation"], "recoverableerror", "{item}");
            assert_eq!(item["content"], json!([]));
            assert!(item.get("delay").is_none());
            let said = item["msg"].as_str().unwrap();
            assert!(said.contains("queue is full"), "{said}");
            refused.push(values);
        }
    }
    assert!(!refused.is_empty() && refused.len() < 6, "{refused:?}");
    for values in refused {
        let answer = app.send(session.compute(&values)).await.expect(200).json();
        let item = &answer["outputs"][session.output("model")];
        assert_eq!(item["status_computation"], "success", "{item}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_slow_computation_is_pending_until_the_cache_has_it() {
    let app = TestApp::start().await;
    let model = app.push("slow", SLOW).await;
    let session = app.open(&app.ticket(&model).await).await;
    let body = json!({
        "exports": [session.export("STL")],
        "parameters": { "rounds": 4_000 },
        "max_wait_time": 0
    });
    let pending = app
        .send(Call::put(&session.path("export")).json(&body))
        .await
        .expect(200)
        .json();
    let item = &pending["exports"][session.export("STL")];
    assert!(item["delay"].as_u64().unwrap() > 0, "{item}");
    assert!(item["version"].is_string() && item.get("content").is_none());
    let versions = json!({ session.export("STL"): item["version"] });
    until("the export is there", || async {
        let cached = Call::put(&session.path("export/cache")).json(&versions);
        let body = app.send(cached).await.expect(200).json();
        let item = &body["exports"][session.export("STL")];
        item.get("delay").is_none().then(|| {
            assert_eq!(item["status_computation"], "success", "{item}");
        })
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn a_model_that_fails_says_so_in_its_own_words_and_the_next_values_work() {
    let app = TestApp::start().await;
    let model = app.push("superstitious", SUPERSTITIOUS).await;
    let session = app.open(&app.ticket(&model).await).await;
    let failed = app
        .send(session.compute(&json!({ "floor": 13 })))
        .await
        .expect(200)
        .json();
    let item = &failed["outputs"][session.output("model")];
    assert_eq!(item["status_computation"], "unrecoverableerror", "{item}");
    assert_eq!(item["content"], json!([]));
    assert!(item["msg"].as_str().unwrap().contains("no such floor"));
    let fine = app
        .send(session.compute(&json!({ "floor": 14 })))
        .await
        .expect(200)
        .json();
    let item = &fine["outputs"][session.output("model")];
    assert_eq!(item["status_computation"], "success", "{item}");
    app.finish().await;
}

#[tokio::test]
async fn data_is_bounded_for_one_computation_and_for_one_answer() {
    const LONG: u32 = 250_000;
    let app = TestApp::start().await;
    let model = app.push("talkative", TALKATIVE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let states = |answer: Value| {
        ["a", "b", "c", "d", "e"]
            .map(|name| answer["outputs"][session.output(name)]["status_computation"].clone())
    };
    // Five long texts at once are more than a computation may bring.
    let all = json!({ "a": LONG, "b": LONG, "c": LONG, "d": LONG, "e": LONG });
    let answer = app.send(session.compute(&all)).await.expect(200).json();
    assert_eq!(answer["outputs"][session.output("a")]["content"], json!([]));
    assert_eq!(states(answer), ["unrecoverableerror"; 5]);
    // One after the other they are computed, and the answer holds as many as it has room for.
    let mut values = json!({});
    for (name, expected) in [("a", 5), ("b", 5), ("c", 5), ("d", 5), ("e", 4)] {
        values[name] = json!(LONG + 1);
        let answer = app.send(session.compute(&values)).await.expect(200);
        assert!(answer.body.len() < 1_100_000, "{}", answer.body.len());
        let done = states(answer.json())
            .iter()
            .filter(|state| **state == "success")
            .count();
        assert_eq!(done, expected, "{name}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_killed_worker_costs_one_answer_and_no_more() {
    let app = TestApp::start().await;
    let model = app.push("slow", SLOW).await;
    let session = app.open(&app.ticket(&model).await).await;
    let values = json!({ "rounds": 30_000 });
    let (router, call) = (app.router.clone(), session.compute(&values));
    let waiting = tokio::spawn(async move { call.send(&router).await.expect(200).json() });
    until("the worker is at work", || async {
        (app.services.pool().health().busy == 1).then_some(())
    })
    .await;
    assert!(app.kill_workers() >= 1);
    let item = waiting.await.unwrap()["outputs"][session.output("model")].clone();
    assert_eq!(item["status_computation"], "recoverableerror", "{item}");
    let answer = app
        .send(session.compute(&json!({ "rounds": 1 })))
        .await
        .expect(200)
        .json();
    let item = &answer["outputs"][session.output("model")];
    assert_eq!(item["status_computation"], "success", "{item}");
    app.finish().await;
}

#[tokio::test]
async fn unknown_parameters_are_refused_unless_the_client_says_to_ignore_them() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let values = json!({ "size": 44, "colour": "red" });
    for path in ["output", "output/cache"] {
        let call = Call::put(&session.path(path)).json(&values);
        let refused = app.send(call).await;
        let refused = refused.expect_error(400, "SdParameterValidationError");
        assert!(
            refused.message().contains("colour"),
            "{}",
            refused.message()
        );
        let call = Call::put(&session.path(&format!("{path}?ignoreUnknownParams=true")));
        app.send(call.json(&values)).await.expect(200);
    }
    let open = Call::post(&format!("/api/v2/ticket/{ticket}?ignoreUnknownParams=true"))
        .origin(crate::app::SHOP)
        .json(&values);
    let opened = app.send(open).await.expect(201).json();
    let warnings = opened["warnings"].as_array().unwrap();
    assert!(warnings[0].as_str().unwrap().contains("colour"));
    app.finish().await;
}

#[tokio::test]
async fn parameters_are_found_by_id_name_and_display_name() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let definition = model.definition.as_ref().unwrap();
    let size = &definition.parameters[0];
    let mut versions = Vec::new();
    let mut keys = vec![size.id.to_string(), size.name.clone()];
    keys.extend(size.displayname.clone());
    for key in keys {
        let answer = app
            .send(session.compute(&json!({ key: "77" })))
            .await
            .expect(200)
            .json();
        versions.push(answer["outputs"][session.output("model")]["version"].clone());
    }
    versions.dedup();
    assert_eq!(versions.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn an_export_that_is_named_twice_is_made_once() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let stl = session.export("stl");
    let price = session.output("price");
    let body = json!({
        "exports": [stl, stl], "outputs": [price, price], "parameters": { "size": 81 }
    });
    let call = Call::put(&session.path("export")).json(&body);
    let answer = app.send(call).await.expect(200).json();
    let item = &answer["exports"][&stl];
    assert_eq!(item["status_computation"], "success", "{item}");
    assert_eq!(answer["exports"].as_object().unwrap().len(), 1);
    assert_eq!(answer["outputs"].as_object().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_parameter_that_is_named_in_two_ways_at_once_is_refused() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let id = model.definition.as_ref().unwrap().parameters[0]
        .id
        .to_string();
    let values = json!({ id: 20, "size": 30 });
    app.send(session.compute(&values))
        .await
        .expect_error(400, "SdParameterValidationError");
    app.finish().await;
}

/// Files below a folder.
fn files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            _ => 1,
        })
        .sum()
}

#[tokio::test]
async fn a_computation_whose_model_was_erased_meanwhile_leaves_nothing() {
    let app = TestApp::start().await;
    let model = app.push("slow", SLOW).await;
    let session = app.open(&app.ticket(&model).await).await;
    let (router, call) = (
        app.router.clone(),
        session.compute(&json!({ "rounds": 6_000 })),
    );
    let waiting = tokio::spawn(async move { call.send(&router).await });
    until("a worker computes", || async {
        (app.services.pool().health().busy > 0).then_some(())
    })
    .await;
    let erase = Call::new("DELETE", &format!("/api/v2/system/model/{}", model.id));
    app.send(erase.bearer(&app.backend_token()))
        .await
        .expect(202);
    waiting
        .await
        .unwrap()
        .expect_error(410, "SdSessionGoneError");
    let objects = app.folder().join("objects");
    until("no file is left", || async {
        app.pass(std::time::Duration::from_mins(2));
        (files(&objects) == 0).then_some(())
    })
    .await;
    app.finish().await;
}
