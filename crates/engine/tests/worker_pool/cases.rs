//! What a pool promises.

use std::sync::Arc;

use serde_json::Value as Json;
use vitrine_access::{BlobKey, OrganizationId, Owner, UserId};
use vitrine_engine::worker::missing_layers;
use vitrine_engine::{ModelSource, PoolError, WorkerPool, WorkerPoolConfig};
use vitrine_model::{Body, Customization, Definition, EngineError, LimitKind, Results, RunLimits};

use crate::fake::wanted;
use crate::harness::{Case, cases, config, log, pool, until};

cases![
    a_model_is_described_and_computed,
    several_results_keep_their_order,
    the_next_job_of_a_model_finds_its_warm_worker,
    no_process_sees_two_owners,
    no_process_sees_two_models,
    no_process_sees_two_lineages,
    an_endless_loop_ends_at_its_deadline_and_the_next_job_works,
    a_killed_worker_is_reported_lost_and_the_next_job_works,
    an_exit_and_a_panic_are_reported_lost_and_the_next_job_works,
    a_memory_hog_hits_the_memory_limit,
    endless_recursion_hits_the_recursion_limit,
    results_may_have_n_bytes_and_no_more,
    one_result_may_have_as_many_bytes_as_its_model_allows,
    data_that_nests_too_deep_is_refused_with_a_reason,
    a_script_error_passes_and_keeps_the_worker,
    the_line_takes_n_jobs_and_refuses_the_next,
    an_owner_who_fills_the_line_loses_a_place_to_another,
    a_job_whose_caller_leaves_is_cancelled,
    a_waiting_job_whose_caller_leaves_frees_its_place,
    a_worker_has_no_environment_and_no_files,
    printing_does_not_disturb_the_frames,
    an_oversize_frame_is_refused_and_the_worker_killed,
    a_program_that_is_no_worker_is_reported,
    zero_is_refused_in_the_configuration,
    every_use_of_a_worker_is_logged_once,
    shutdown_lets_the_running_job_finish_and_refuses_the_rest,
];

fn owner(number: u8) -> Owner {
    Owner {
        user: UserId::from_bytes([number; 16]),
        organization: Some(OrganizationId::from_bytes([9; 16])),
    }
}

fn source(text: &str) -> ModelSource {
    ModelSource {
        key: BlobKey::of(text.as_bytes()),
        lineage: "lineage".into(),
        filename: "model.js".into(),
        bytes: text.as_bytes().to_vec().into(),
        wall_ms_max: None,
        output_bytes_max: None,
        export_bytes_max: None,
    }
}

/// Computes the results with these names for a model of the first owner.
async fn compute(
    pool: &WorkerPool,
    source: ModelSource,
    by: Owner,
    actions: &[&str],
) -> Result<Results, EngineError> {
    let definition = Definition::default();
    let values = Customization::defaults(&definition);
    let wanted = actions.iter().map(|action| wanted(action)).collect();
    pool.compute(source, by, Arc::new(definition), Arc::new(values), wanted)
        .await
}

pub(crate) async fn act(pool: &WorkerPool, action: &str) -> Result<Body, EngineError> {
    let mut results = compute(pool, source("a model"), owner(1), &[action]).await?;
    Ok(results.items.remove(0).content.remove(0).body)
}

fn data(body: Body) -> Json {
    match body {
        Body::Data(value) => value,
        Body::Bytes(bytes) => panic!("{} bytes instead of data", bytes.len()),
    }
}

async fn tell(pool: &WorkerPool, source: ModelSource, by: Owner) -> Json {
    let mut results = compute(pool, source, by, &["tell"]).await.unwrap();
    data(results.items.remove(0).content.remove(0).body)
}

/// The processor time that a process has used so far, in clock ticks (10 ms).
fn processor_ticks(pid: u64) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in parentheses may contain anything; user and system time are fields 14 and 15.
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    let fields = after_name.split(' ').skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

pub(crate) async fn pid(pool: &WorkerPool) -> u64 {
    tell(pool, source("a model"), owner(1)).await["pid"]
        .as_u64()
        .unwrap()
}

fn limit(answer: Result<Body, EngineError>) -> LimitKind {
    match answer {
        Err(EngineError::Limit(exceeded)) => exceeded.limit,
        other => panic!("{other:?} is no limit"),
    }
}

fn lost(answer: Result<Body, EngineError>) -> String {
    match answer {
        Err(EngineError::WorkerLost { message }) => message,
        other => panic!("{other:?} is no lost worker"),
    }
}

async fn a_model_is_described_and_computed() {
    let pool = pool();
    let (definition, _) = pool.describe(source("some text"), owner(1)).await.unwrap();
    assert_eq!(definition.outputs[0].name, "some text model.js lineage");
    let results = compute(&pool, source("some text"), owner(1), &["tell"])
        .await
        .unwrap();
    assert_eq!(results.stats.triangles, 12);
    let told = tell(&pool, source("some text"), owner(1)).await;
    assert_eq!(told["source"], "some text");
    assert_eq!(told["runs"], 3);
}

async fn several_results_keep_their_order() {
    let pool = pool();
    let actions = ["exactly", "tell"];
    let results = compute(&pool, source("m"), owner(1), &actions)
        .await
        .unwrap();
    let formats: Vec<&str> = results
        .items
        .iter()
        .map(|item| item.content[0].format.as_str())
        .collect();
    assert_eq!(formats, actions);
    assert!(matches!(&results.items[0].content[0].body, Body::Bytes(b) if b.len() == 1024 * 1024));
}

async fn the_next_job_of_a_model_finds_its_warm_worker() {
    let pool = pool();
    assert_eq!(pid(&pool).await, pid(&pool).await);
    assert_eq!(pool.health().restarts, 0);
}

async fn no_process_sees_two_owners() {
    let pool = pool();
    let mut seen = Vec::new();
    for number in [1, 2, 1] {
        let told = tell(&pool, source("m"), owner(number)).await;
        assert_eq!(told["runs"], 1);
        seen.push(told["pid"].as_u64().unwrap());
    }
    let alone = Owner {
        organization: None,
        ..owner(1)
    };
    seen.push(
        tell(&pool, source("m"), alone).await["pid"]
            .as_u64()
            .unwrap(),
    );
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

async fn no_process_sees_two_models() {
    let pool = pool();
    let first = tell(&pool, source("one"), owner(1)).await;
    let second = tell(&pool, source("two"), owner(1)).await;
    assert_ne!(first["pid"], second["pid"]);
    assert_eq!(second["source"], "two");
}

async fn no_process_sees_two_lineages() {
    let pool = pool();
    let copy = ModelSource {
        lineage: "copy".into(),
        ..source("m")
    };
    pool.describe(source("m"), owner(1)).await.unwrap();
    let (definition, _) = pool.describe(copy, owner(1)).await.unwrap();
    assert_eq!(definition.outputs[0].name, "m model.js copy");
}

async fn an_endless_loop_ends_at_its_deadline_and_the_next_job_works() {
    let pool = WorkerPool::start(WorkerPoolConfig {
        limits: RunLimits {
            wall_ms: 100,
            ..config().limits
        },
        ..config()
    })
    .unwrap();
    let before = pid(&pool).await;
    assert_eq!(limit(act(&pool, "loop").await), LimitKind::WallTime);
    assert_ne!(pid(&pool).await, before);
}

async fn a_killed_worker_is_reported_lost_and_the_next_job_works() {
    let pool = Arc::new(pool());
    let worker = pid(&pool).await;
    let before = processor_ticks(worker);
    let running = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { act(&pool, "wait").await }
    });
    // A worker that is found dead before it gets its job is replaced, and the job runs: the kill
    // has to meet a worker that is known to compute.
    until(|| processor_ticks(worker) > before + 2).await;
    let worker = rustix::process::Pid::from_raw(i32::try_from(worker).unwrap()).unwrap();
    rustix::process::kill_process(worker, rustix::process::Signal::KILL).unwrap();
    let message = lost(running.await.unwrap());
    assert!(
        message.contains("killed from outside during compute"),
        "{message}"
    );
    pid(&pool).await;
}

async fn an_exit_and_a_panic_are_reported_lost_and_the_next_job_works() {
    let pool = pool();
    let message = lost(act(&pool, "exit").await);
    assert!(message.contains("code 3"), "{message}");
    let message = lost(act(&pool, "panic").await);
    assert!(message.contains("failed inside"), "{message}");
    pid(&pool).await;
    assert_eq!(pool.health().restarts, 2);
}

async fn a_memory_hog_hits_the_memory_limit() {
    let pool = WorkerPool::start(WorkerPoolConfig {
        limits: RunLimits {
            js_memory_bytes: 16 * 1024 * 1024,
            native_memory_bytes: 32 * 1024 * 1024,
            ..config().limits
        },
        ..config()
    })
    .unwrap();
    assert_eq!(limit(act(&pool, "hog").await), LimitKind::Memory);
    pid(&pool).await;
}

async fn endless_recursion_hits_the_recursion_limit() {
    let pool = pool();
    assert_eq!(limit(act(&pool, "recurse").await), LimitKind::Recursion);
    pid(&pool).await;
}

async fn results_may_have_n_bytes_and_no_more() {
    let pool = pool();
    assert!(matches!(act(&pool, "exactly").await, Ok(Body::Bytes(_))));
    assert_eq!(limit(act(&pool, "toomuch").await), LimitKind::OutputBytes);
    pid(&pool).await;
}

async fn one_result_may_have_as_many_bytes_as_its_model_allows() {
    let pool = pool();
    for (max, fits) in [(1024 * 1024, true), (1024 * 1024 - 1, false)] {
        let bounded = ModelSource {
            output_bytes_max: Some(max),
            ..source("m")
        };
        let computed = compute(&pool, bounded, owner(1), &["exactly"]).await;
        match computed {
            Ok(_) => assert!(fits),
            Err(EngineError::Limit(exceeded)) => {
                assert!(!fits);
                assert_eq!(exceeded.limit, LimitKind::OutputBytes);
                assert!(exceeded.raise.contains("max_output_size"), "{exceeded}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

async fn data_that_nests_too_deep_is_refused_with_a_reason() {
    let pool = pool();
    match act(&pool, "deep").await {
        Err(EngineError::Script { message, .. }) => assert!(message.contains("nested deeper")),
        other => panic!("{other:?}"),
    }
}

async fn a_script_error_passes_and_keeps_the_worker() {
    let pool = pool();
    let before = pid(&pool).await;
    let answer = act(&pool, "script").await;
    assert!(
        matches!(&answer, Err(EngineError::Script { message, line: Some(3) }) if message == "x is not defined"),
        "{answer:?}"
    );
    assert_eq!(pid(&pool).await, before);
}

async fn the_line_takes_n_jobs_and_refuses_the_next() {
    let pool = Arc::new(pool());
    let job = |action: &'static str| {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { act(&pool, action).await })
    };
    let running = job("wait");
    until(|| pool.health().busy == 1).await;
    let waiting = [job("tell"), job("tell")];
    until(|| pool.health().queued == 2).await;
    assert!(matches!(act(&pool, "tell").await, Err(EngineError::Busy)));
    running.abort();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
}

async fn an_owner_who_fills_the_line_loses_a_place_to_another() {
    let pool = Arc::new(pool());
    let job = |action: &'static str| {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { act(&pool, action).await })
    };
    let running = job("wait");
    until(|| pool.health().busy == 1).await;
    let first = job("tell");
    until(|| pool.health().queued == 1).await;
    let second = job("tell");
    until(|| pool.health().queued == 2).await;
    let other = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { tell(&pool, source("another model"), owner(2)).await }
    });
    assert!(matches!(second.await.unwrap(), Err(EngineError::Busy)));
    running.abort();
    first.await.unwrap().unwrap();
    assert!(other.await.unwrap()["pid"].is_u64());
}

async fn a_job_whose_caller_leaves_is_cancelled() {
    let pool = Arc::new(pool());
    for action in ["wait", "loop"] {
        let running = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { act(&pool, action).await }
        });
        until(|| pool.health().busy == 1).await;
        running.abort();
        until(|| pool.health().busy == 0).await;
        pid(&pool).await;
    }
    assert!(log().contains("outcome=\"cancelled\""));
}

async fn a_waiting_job_whose_caller_leaves_frees_its_place() {
    let pool = Arc::new(pool());
    let job = |action: &'static str| {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { act(&pool, action).await })
    };
    let running = job("wait");
    until(|| pool.health().busy == 1).await;
    let waiting = job("tell");
    until(|| pool.health().queued == 1).await;
    waiting.abort();
    until(|| pool.health().queued == 0).await;
    running.abort();
    until(|| pool.health().busy == 0).await;
}

async fn a_worker_has_no_environment_and_no_files() {
    let pool = pool();
    let told = tell(&pool, source("m"), owner(1)).await;
    assert_eq!(
        told["environment"],
        serde_json::json!(["MALLOC_ARENA_MAX", "RUST_BACKTRACE"])
    );
    assert_eq!(told["directory"], "/");
    let message = lost(act(&pool, "open").await);
    assert!(
        message.contains("its cage forbids (system call"),
        "{message}"
    );
    let layers = pool.health().layers;
    assert!(missing_layers(&layers).is_empty(), "{layers:?}");
    pid(&pool).await;
}

async fn printing_does_not_disturb_the_frames() {
    let pool = pool();
    act(&pool, "print").await.unwrap();
    pid(&pool).await;
    assert!(log().contains("this must not get between the frames"));
}

async fn an_oversize_frame_is_refused_and_the_worker_killed() {
    let pool = WorkerPool::start(WorkerPoolConfig {
        args: vec!["--hostile".into()],
        ..config()
    })
    .unwrap();
    let message = lost(act(&pool, "tell").await);
    assert!(message.contains("4294967295"), "{message}");
    assert_eq!(pool.health().restarts, 1);
}

async fn a_program_that_is_no_worker_is_reported() {
    let start = |program: &str| {
        WorkerPool::start(WorkerPoolConfig {
            program: program.into(),
            ..config()
        })
        .unwrap()
    };
    let message = lost(act(&start("/nonexistent/program"), "tell").await);
    assert!(message.contains("could not be started"), "{message}");
    let message = lost(act(&start("/bin/echo"), "tell").await);
    assert!(
        message.contains("did not say that it is ready"),
        "{message}"
    );
    let message = lost(act(&start("/bin/false"), "tell").await);
    assert!(message.contains("code 1 during its start"), "{message}");
}

async fn zero_is_refused_in_the_configuration() {
    let tries = [
        WorkerPoolConfig {
            workers: 0,
            ..config()
        },
        WorkerPoolConfig {
            queue_max: 0,
            ..config()
        },
        WorkerPoolConfig {
            recycle_after_runs: 0,
            ..config()
        },
    ];
    for config in tries {
        assert!(matches!(
            WorkerPool::start(config),
            Err(PoolError::Zero { .. })
        ));
    }
}

async fn every_use_of_a_worker_is_logged_once() {
    let pool = pool();
    let logged = source("a model that only this test uses");
    for _ in 0..2 {
        tell(&pool, logged.clone(), owner(1)).await;
    }
    let key = logged.key.to_string();
    let log = log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(&key[..12]) && line.contains("INFO vitrine::worker"))
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for part in ["pid=", "kind=\"compute\"", "wall_ms=", "outcome=\"done\""] {
        assert!(lines[0].contains(part), "{}", lines[0]);
    }
    assert!(lines[0].contains("warm=false") && lines[1].contains("warm=true"));
}

async fn shutdown_lets_the_running_job_finish_and_refuses_the_rest() {
    let pool = Arc::new(pool());
    let job = |action: &'static str| {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { act(&pool, action).await })
    };
    let running = job("spin");
    until(|| pool.health().busy == 1).await;
    let waiting = job("tell");
    until(|| pool.health().queued == 1).await;
    pool.shutdown().await;
    assert!(running.await.unwrap().is_ok());
    assert!(matches!(
        waiting.await.unwrap(),
        Err(EngineError::Cancelled)
    ));
    assert!(matches!(
        act(&pool, "tell").await,
        Err(EngineError::Cancelled)
    ));
    let health = pool.health();
    assert_eq!((health.idle, health.busy, health.queued), (0, 0, 0));
}
