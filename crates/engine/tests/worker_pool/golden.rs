//! The files of the demo models, byte by byte: the same from every worker, on every thread, in every build.
//!
//! `UPDATE_GOLDEN=1 cargo test -p vitrine-engine --test worker_pool golden` writes the golden file anew. When bytes change on
//! purpose, `ENGINE_VERSION` changes with them.
//! `VITRINE_BIN=target/release/vitrine node --test tests/e2e/golden.test.mjs` holds a release build against the same file,
//! through a whole server.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use vitrine_engine::{JscadEngine, WorkerPool, WorkerPoolConfig};
use vitrine_model::{Customization, Engine, ExportFormat, RunContext, RunLimits, Wanted};

use crate::harness::{Case, cases, config};
use crate::jscad::{owner, source};

cases![
    golden_files_come_from_a_warm_worker_as_from_a_fresh_one,
    golden_files_come_from_every_worker_of_a_busy_pool,
    golden_files_come_from_any_thread,
];

const MODELS: [&str; 3] = ["shelf", "enclosure", "lamp"];
/// Workers and threads at once, more than a small machine has cores.
const AT_ONCE: usize = 3;
/// As much as the engine's thread of a worker has.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Gives a model of the demo an export of every format; the flat ones get its plan.
const EVERY_FORMAT: &str = "
const __plan = (p, ctx) => [ctx.geometry('model')].flat(9).map((part) => require('@jscad/modeling').extrusions.project({}, part))
module.exports.vitrine.exports = {
  stl: 'stl', threeMf: '3mf', glb: 'glb', obj: 'obj', step: 'step',
  svg: { format: 'svg', geometry: __plan }, dxf: { format: 'dxf', geometry: __plan }
}
";

fn golden_file() -> String {
    format!("{}/tests/golden/exports.txt", env!("CARGO_MANIFEST_DIR"))
}

fn model(name: &str) -> String {
    let path = format!("{}/../../demo/models/{name}.js", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap() + EVERY_FORMAT
}

/// A line for each file of a model: its name, its size, its hash.
fn lines(name: &str, formats: &[ExportFormat], files: &[Vec<u8>]) -> String {
    assert_eq!(formats, ExportFormat::ALL, "{name}");
    assert_eq!(formats.len(), files.len(), "{name}");
    let line = |(format, bytes): (&ExportFormat, &Vec<u8>)| {
        let hash = hex::encode(digest(&SHA256, bytes));
        format!("{name}.{} {} {hash}\n", format.extension(), bytes.len())
    };
    formats.iter().zip(files).map(line).collect()
}

/// What the golden file says about some models.
fn golden(names: &[&str]) -> String {
    let text = std::fs::read_to_string(golden_file()).unwrap_or_default();
    let of_them = text.lines().filter(|line| {
        let name = line.split('.').next().unwrap();
        names.contains(&name)
    });
    of_them.flat_map(|line| [line, "\n"]).collect()
}

async fn from_pool(pool: &WorkerPool, name: &str) -> String {
    let source = source(&model(name));
    let (definition, _) = pool.describe(source.clone(), owner()).await.unwrap();
    let exports = &definition.exports;
    let formats: Vec<ExportFormat> = exports.iter().map(|e| e.format).collect();
    let wanted = exports
        .iter()
        .map(|e| Wanted::Export(e.id.clone()))
        .collect();
    let values = Arc::new(Customization::defaults(&definition));
    let computed = pool.compute(source, owner(), Arc::new(definition), values, wanted);
    lines(name, &formats, &computed.await.unwrap().take_bodies())
}

fn from_engine(name: &str) -> String {
    let (source, ctx) = (model(name), RunContext::default());
    let mut engine = JscadEngine::new();
    let described = engine.describe(source.as_bytes(), "box.js", "lineage", &ctx);
    let definition = described.unwrap();
    let exports = &definition.exports;
    let formats: Vec<ExportFormat> = exports.iter().map(|e| e.format).collect();
    let wanted: Vec<Wanted> = exports
        .iter()
        .map(|e| Wanted::Export(e.id.clone()))
        .collect();
    let values = Customization::defaults(&definition);
    let computed = engine.compute(source.as_bytes(), &definition, &values, &wanted, &ctx);
    lines(name, &formats, &computed.unwrap().take_bodies())
}

fn jscad_pool(workers: usize) -> WorkerPool {
    WorkerPool::start(WorkerPoolConfig {
        args: vec!["--engine".into()],
        limits: RunLimits::default(),
        workers,
        queue_max: AT_ONCE,
        ..config()
    })
    .unwrap()
}

async fn golden_files_come_from_a_warm_worker_as_from_a_fresh_one() {
    let pool = jscad_pool(1);
    let mut found = String::new();
    for name in MODELS {
        let fresh = from_pool(&pool, name).await;
        assert_eq!(from_pool(&pool, name).await, fresh);
        found += &fresh;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden_file(), &found).unwrap();
    }
    assert_eq!(found, golden(&MODELS));
}

async fn golden_files_come_from_every_worker_of_a_busy_pool() {
    let pool = Arc::new(jscad_pool(AT_ONCE));
    let mut tasks = tokio::task::JoinSet::new();
    for name in ["lamp", "lamp", "enclosure"] {
        let pool = Arc::clone(&pool);
        tasks.spawn(async move { (name, from_pool(&pool, name).await) });
    }
    while let Some(ended) = tasks.join_next().await {
        let (name, found) = ended.unwrap();
        assert_eq!(found, golden(&[name]));
    }
}

async fn golden_files_come_from_any_thread() {
    // Threads of one process share the counters of the kernel.
    let start = || {
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(|| from_engine("lamp"))
    };
    let threads: Vec<_> = std::iter::repeat_with(start).take(AT_ONCE).collect();
    for thread in threads {
        assert_eq!(thread.unwrap().join().unwrap(), golden(&["lamp"]));
    }
}
