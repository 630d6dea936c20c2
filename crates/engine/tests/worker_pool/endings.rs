//! How workers end.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use vitrine_engine::worker::frame::write_message;
use vitrine_engine::worker::protocol::{REQUEST_BOUNDS, Request};
use vitrine_engine::worker::{EXIT_DONE, EXIT_PROTOCOL};
use vitrine_model::RunLimits;

use crate::cases::{act, pid};
use crate::harness::{Case, cases, config, pool, until};

cases![
    workers_end_when_their_server_is_killed,
    workers_end_with_their_pool,
    a_worker_ends_at_a_message_that_breaks_the_protocol,
];

/// Whether a process with this id runs; one that has ended and waits to be noticed does not.
fn runs(pid: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(") ")
            .next()
            .unwrap_or("Z")
            .starts_with(['Z', 'X'])
    })
}

/// Prints the id of a worker that it then keeps busy for ever.
pub(crate) fn serve_until_killed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = pool();
        println!("{}", pid(&pool).await);
        act(&pool, "loop").await.unwrap();
    });
}

async fn workers_end_when_their_server_is_killed() {
    let mut server = Command::new(config().program)
        .arg("--server")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let output = BufReader::new(server.stdout.take().unwrap());
    let line = output.lines().next_line().await.unwrap().unwrap();
    let worker: u64 = line.parse().unwrap();
    assert!(runs(worker));
    server.kill().await.unwrap();
    until(|| !runs(worker)).await;
}

async fn workers_end_with_their_pool() {
    let pool = pool();
    let worker = pid(&pool).await;
    assert!(runs(worker));
    drop(pool);
    until(|| !runs(worker)).await;
}

/// The exit code of a worker that reads these bytes; without any, its input ends at once.
async fn exit_code(input: &[u8]) -> Option<i32> {
    let mut worker = Command::new(config().program)
        .arg("--worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    // A worker that has ended already does not read the rest.
    let _ = stdin.write_all(input).await;
    // Otherwise the input stays open: the worker has to end by its own decision.
    let open = (!input.is_empty()).then_some(stdin);
    let code = worker.wait().await.unwrap().code();
    drop(open);
    code
}

async fn a_worker_ends_at_a_message_that_breaks_the_protocol() {
    assert_eq!(exit_code(b"").await, Some(EXIT_DONE));
    assert_eq!(exit_code(b"\xff\xff\xff\xff").await, Some(EXIT_PROTOCOL));
    assert_eq!(exit_code(b"\0\0\0\x02[]").await, Some(EXIT_PROTOCOL));
    let bytes = |requests: &[(Request, &[&[u8]])]| {
        let mut bytes = Vec::new();
        for (request, attachments) in requests {
            write_message(&mut bytes, request, attachments, &REQUEST_BOUNDS).unwrap();
        }
        bytes
    };
    let load = Request::Load {
        key: String::new(),
        filename: "model.js".into(),
        lineage: "lineage".into(),
        limits: RunLimits::default(),
    };
    let describe = Request::Describe {
        run: 1,
        wall_ms: 1000,
    };
    let unloaded = bytes(&[(describe, &[])]);
    assert_eq!(exit_code(&unloaded).await, Some(EXIT_PROTOCOL));
    let twice = bytes(&[(load.clone(), &[b"one"]), (load.clone(), &[b"two"])]);
    assert_eq!(exit_code(&twice).await, Some(EXIT_PROTOCOL));
    let no_source = bytes(&[(load, &[])]);
    assert_eq!(exit_code(&no_source).await, Some(EXIT_PROTOCOL));
}
