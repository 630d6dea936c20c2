//! Makes solids from random trees of booleans in real workers, for a comparison with another kernel.
//!
//! ```text
//! random_trees FOLDER COUNT SEED
//! ```
//!
//! For each tree FOLDER gets `NNNN.json` (the tree, its seed, and the volume that the script measured), `NNNN.stl` and
//! `NNNN.3mf`; trees that leave nothing have no files of geometry. Equal seeds give equal files. `tools/random-trees`
//! compares them.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails here is a failed test"
)]

#[path = "../../tests/support/chance.rs"]
mod chance;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use vitrine_access::{BlobKey, Owner, UserId};
use vitrine_engine::worker::MeteredAllocator;
use vitrine_engine::{Confinement, ModelSource, WorkerPool, WorkerPoolConfig};
use vitrine_model::{Body, Definition, RawValue, Results, RunLimits, Wanted, resolve};

use tree::{Style, tree};

/// Builds whatever its one parameter says.
const MODEL: &str = include_str!("model.js");
/// Trees at once: one for each core of a small machine.
const WORKERS: usize = 2;
/// One tree in so many is made of boxes on a grid, whose faces meet: the hard case of every kernel.
const GRID_EVERY: u64 = 4;

#[global_allocator]
static ALLOCATOR: MeteredAllocator = MeteredAllocator;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag] if flag == "--worker" => vitrine_engine::worker_main(Confinement::Required, []),
        [folder, count, seed] => {
            let (count, seed) = (count.parse().unwrap(), seed.parse().unwrap());
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build();
            runtime
                .unwrap()
                .block_on(make(Path::new(folder), count, seed));
        }
        _ => {
            eprintln!("say where, how many and from which seed: random_trees FOLDER COUNT SEED");
            std::process::exit(2);
        }
    }
}

async fn make(folder: &Path, count: u64, seed: u64) {
    std::fs::create_dir_all(folder).unwrap();
    let pool = WorkerPool::start(WorkerPoolConfig {
        program: std::env::current_exe().unwrap(),
        args: vec!["--worker".into()],
        workers: WORKERS,
        queue_max: WORKERS,
        limits: RunLimits::default(),
        recycle_after_runs: 100,
        openscad: None,
    });
    let maker = Arc::new(Maker::start(pool.unwrap(), folder.to_owned()).await);
    let mut tasks = tokio::task::JoinSet::new();
    for first in 0..WORKERS as u64 {
        let maker = Arc::clone(&maker);
        tasks.spawn(async move {
            for number in (first..count).step_by(WORKERS) {
                maker.one(number, seed.wrapping_add(number)).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    maker.pool.shutdown().await;
}

struct Maker {
    pool: WorkerPool,
    source: ModelSource,
    definition: Arc<Definition>,
    folder: PathBuf,
}

impl Maker {
    async fn start(pool: WorkerPool, folder: PathBuf) -> Self {
        let source = ModelSource {
            key: BlobKey::of(MODEL.as_bytes()),
            lineage: "random trees".into(),
            filename: "model.js".into(),
            bytes: MODEL.as_bytes().into(),
            wall_ms_max: None,
            output_bytes_max: None,
            export_bytes_max: None,
        };
        let (definition, _) = pool.describe(source.clone(), owner()).await.unwrap();
        Self {
            pool,
            source,
            definition: Arc::new(definition),
            folder,
        }
    }

    async fn one(&self, number: u64, seed: u64) {
        let style = if number.is_multiple_of(GRID_EVERY) {
            Style::Grid
        } else {
            Style::Free
        };
        let tree = tree(seed, style);
        let volume = self.volume(&tree).await;
        let write = |extension: &str, bytes: &[u8]| {
            let path = self.folder.join(format!("{number:04}.{extension}"));
            std::fs::write(path, bytes).unwrap();
        };
        if volume > 0.0 {
            for (export, bytes) in self.files(&tree, seed).await {
                write(&export, &bytes);
            }
        }
        let style = format!("{style:?}").to_lowercase();
        let facts = json!({ "seed": seed, "style": style, "tree": tree, "volume": volume });
        write("json", facts.to_string().as_bytes());
    }

    async fn volume(&self, tree: &Json) -> f64 {
        let output = self.definition.outputs.iter().find(|o| o.name == "volume");
        let wanted = Wanted::Output(output.unwrap().id.clone());
        let results = self.compute(tree, vec![wanted]).await.unwrap();
        match &results.items[0].content[0].body {
            Body::Data(value) => value.as_f64().unwrap(),
            Body::Bytes(_) => unreachable!("a data output is no file"),
        }
    }

    /// Every export with its extension.
    async fn files(&self, tree: &Json, seed: u64) -> Vec<(String, Vec<u8>)> {
        let exports = &self.definition.exports;
        let wanted = exports.iter().map(|e| Wanted::Export(e.id.clone()));
        let mut results = self
            .compute(tree, wanted.collect())
            .await
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{tree}"));
        let names = exports.iter().map(|e| e.format.extension().to_owned());
        names.zip(results.take_bodies()).collect()
    }

    async fn compute(
        &self,
        tree: &Json,
        wanted: Vec<Wanted>,
    ) -> Result<Results, vitrine_model::EngineError> {
        let raw = [("tree".to_owned(), RawValue::Text(tree.to_string()))];
        let (values, _) = resolve(&self.definition, &raw, false).unwrap();
        let (definition, values) = (Arc::clone(&self.definition), Arc::new(values));
        self.pool
            .compute(self.source.clone(), owner(), definition, values, wanted)
            .await
    }
}

fn owner() -> Owner {
    Owner {
        user: UserId::from_bytes([1; 16]),
        organization: None,
    }
}
