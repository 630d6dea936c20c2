//! The real engine behind the process boundary.

use std::sync::Arc;

use vitrine_access::{BlobKey, Owner, UserId};
use vitrine_engine::{ModelSource, WorkerPool, WorkerPoolConfig};
use vitrine_model::{
    Body, Customization, Definition, EngineError, LimitKind, RawValue, RunLimits, Wanted, resolve,
};

use crate::harness::{Case, cases, config};

cases![
    a_script_becomes_a_definition_and_a_file,
    fresh_workers_give_the_same_bytes,
    an_endless_script_hits_the_time_limit,
    a_greedy_script_hits_the_memory_limit,
];

pub(crate) const BOX: &str = r"
const { cuboid, cylinder } = require('@jscad/modeling').primitives
const { subtract } = require('@jscad/modeling').booleans
const getParameterDefinitions = () => [
  { name: 'width', type: 'number', initial: 20, min: 10, max: 40, caption: 'Width' }
]
const main = ({ width }) => subtract(
  cuboid({ size: [width, 20, 10] }),
  cylinder({ radius: 4, height: 20, segments: 32 })
)
module.exports = { main, getParameterDefinitions }
";

fn jscad_pool(limits: RunLimits) -> WorkerPool {
    WorkerPool::start(WorkerPoolConfig {
        args: vec!["--engine".into()],
        limits,
        ..config()
    })
    .unwrap()
}

pub(crate) fn owner() -> Owner {
    Owner {
        user: UserId::from_bytes([1; 16]),
        organization: None,
    }
}

pub(crate) fn source(script: &str) -> ModelSource {
    ModelSource {
        wall_ms_max: None,
        output_bytes_max: None,
        export_bytes_max: None,
        key: BlobKey::of(script.as_bytes()),
        lineage: "lineage".into(),
        filename: "box.js".into(),
        bytes: script.as_bytes().to_vec().into(),
    }
}

/// The GLB of the box with this width.
pub(crate) async fn glb(pool: &WorkerPool, definition: &Definition, width: f64) -> Vec<u8> {
    let raw = [("width".to_owned(), RawValue::Number(width))];
    let (values, _) = resolve(definition, &raw, false).unwrap();
    let wanted = vec![Wanted::Output(definition.outputs[0].id.clone())];
    let mut results = pool
        .compute(
            source(BOX),
            owner(),
            Arc::new(definition.clone()),
            Arc::new(values),
            wanted,
        )
        .await
        .unwrap();
    assert!(results.stats.triangles > 12);
    match results.items.remove(0).content.remove(0).body {
        Body::Bytes(bytes) => bytes,
        Body::Data(value) => panic!("{value} is no file"),
    }
}

async fn a_script_becomes_a_definition_and_a_file() {
    let pool = jscad_pool(RunLimits::default());
    let (definition, _) = pool.describe(source(BOX), owner()).await.unwrap();
    assert_eq!(definition.parameters[0].name, "width");
    let small = glb(&pool, &definition, 12.0).await;
    assert!(small.starts_with(b"glTF"));
    assert_ne!(small, glb(&pool, &definition, 13.0).await);
    assert_eq!(small, glb(&pool, &definition, 12.0).await);
    assert_eq!(pool.health().restarts, 0);
}

async fn fresh_workers_give_the_same_bytes() {
    let first = jscad_pool(RunLimits::default());
    let (definition, _) = first.describe(source(BOX), owner()).await.unwrap();
    let second = jscad_pool(RunLimits::default());
    assert_eq!(
        glb(&first, &definition, 15.0).await,
        glb(&second, &definition, 15.0).await
    );
}

async fn fault(main: &str, limits: RunLimits) -> LimitKind {
    let pool = jscad_pool(limits);
    let script = source(&format!("module.exports = {{ main: () => {{ {main} }} }}"));
    let definition = Definition::default();
    let values = Customization::defaults(&definition);
    let described = pool.describe(script.clone(), owner()).await.map(|_| ());
    let failed = match described {
        Err(error) => error,
        Ok(()) => pool
            .compute(
                script,
                owner(),
                Arc::new(definition),
                Arc::new(values),
                Vec::new(),
            )
            .await
            .unwrap_err(),
    };
    match failed {
        EngineError::Limit(exceeded) => exceeded.limit,
        other => panic!("{other} is no limit"),
    }
}

async fn an_endless_script_hits_the_time_limit() {
    let limits = RunLimits {
        wall_ms: 200,
        ..RunLimits::default()
    };
    assert_eq!(fault("for (;;) {}", limits).await, LimitKind::WallTime);
}

async fn a_greedy_script_hits_the_memory_limit() {
    let limits = RunLimits {
        js_memory_bytes: 32 * 1024 * 1024,
        ..RunLimits::default()
    };
    let main = "const held = []; for (;;) held.push(new Uint8Array(1024 * 1024).fill(1))";
    assert_eq!(fault(main, limits).await, LimitKind::Memory);
}
