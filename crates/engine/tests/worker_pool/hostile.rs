//! Models that mean harm, against real workers: each ends in a clear error inside its limit, and
//! the next honest request works.

use std::sync::Arc;

use vitrine_access::Owner;
use vitrine_engine::{WorkerPool, WorkerPoolConfig};
use vitrine_model::{Customization, EngineError, LimitKind, RunLimits};

use crate::harness::{Case, cases, config};
use crate::jscad::{BOX, glb, owner, source};

cases![
    endless_scripts_end_at_their_deadline,
    an_endless_union_in_the_kernel_ends_at_its_deadline,
    what_can_hardly_be_interrupted_ends_all_the_same,
    bombs_end_at_the_budget_of_memory,
    solids_that_pile_up_end_at_the_budget_of_memory,
    recursion_ends_at_the_stack,
    chains_of_a_thousand_booleans_do_not_overflow,
    absurd_sizes_are_refused_before_they_are_built,
    malformed_geometry_is_refused_by_a_sentence,
    floods_are_cut_off,
    polluted_prototypes_are_of_no_use,
    the_machine_is_out_of_reach_of_scripts,
    a_hostile_owner_leaves_nothing_behind,
];

const HEAD: &str = "const { primitives, booleans, transforms, hulls, extrusions, expansions, \
    geometries } = require('@jscad/modeling')\n";

/// Enough for the library to load on a slow machine.
const WALL_MS: u64 = 1_500;

fn limits() -> RunLimits {
    RunLimits {
        wall_ms: WALL_MS,
        js_memory_bytes: 48 * 1024 * 1024,
        native_memory_bytes: 96 * 1024 * 1024,
        triangles_max: u64::MAX,
        ..RunLimits::default()
    }
}

fn hostile_pool(limits: RunLimits) -> WorkerPool {
    WorkerPool::start(WorkerPoolConfig {
        args: vec!["--engine".into()],
        limits,
        ..config()
    })
    .unwrap()
}

/// Runs a script whose main has this body, and gives its error.
async fn attack(pool: &WorkerPool, main: &str) -> Result<(), EngineError> {
    let script = source(&format!(
        "{HEAD}function main () {{\n{main}\n}}\nmodule.exports = {{ main }}"
    ));
    pool.describe(script, owner()).await.map(drop)
}

/// The error is the limit, and says what a person needs to know.
#[track_caller]
fn assert_limit(outcome: Result<(), EngineError>, expected: &[LimitKind], main: &str) {
    match outcome {
        Err(EngineError::Limit(exceeded)) => {
            assert!(expected.contains(&exceeded.limit), "{main}: {exceeded}");
            for text in [&exceeded.at, &exceeded.spent, &exceeded.raise] {
                assert!(!text.is_empty(), "{main}: {exceeded}");
            }
        }
        other => panic!("{main}: {other:?} is no limit"),
    }
}

/// An honest model of another owner is computed.
async fn assert_honest_work_goes_on(pool: &WorkerPool) {
    let (definition, _) = pool.describe(source(BOX), somebody_else()).await.unwrap();
    assert!(glb(pool, &definition, 12.0).await.starts_with(b"glTF"));
}

fn somebody_else() -> Owner {
    Owner {
        user: vitrine_access::UserId::from_bytes([2; 16]),
        organization: None,
    }
}

async fn assert_all(limits: RunLimits, attacks: &[&str], expected: &[LimitKind]) {
    let pool = hostile_pool(limits);
    for main in attacks {
        assert_limit(attack(&pool, main).await, expected, main);
    }
    assert_honest_work_goes_on(&pool).await;
}

async fn endless_scripts_end_at_their_deadline() {
    let attacks = [
        "for (;;) {}",
        "let sum = 0; for (let i = 0; i < 1e12; i++) sum += i; return sum",
        "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
        "for (;;) { try { for (;;) {} } catch (e) {} }",
        "return { polygons: [], get transforms () { for (;;) {} } }",
        "for (;;) console.log('again')",
    ];
    assert_all(limits(), &attacks, &[LimitKind::WallTime]).await;
}

async fn an_endless_union_in_the_kernel_ends_at_its_deadline() {
    let main = "const parts = []\n\
        for (let i = 0; i < 4000; i++) parts.push(transforms.translate([i % 63 * 1.1, Math.floor(i / 63) * 1.1, 0], primitives.sphere({ segments: 100 })))\n\
        return booleans.union(parts)";
    let roomy = RunLimits {
        native_memory_bytes: RunLimits::default().native_memory_bytes,
        ..limits()
    };
    assert_all(roomy, &[main], &[LimitKind::WallTime, LimitKind::Memory]).await;
}

async fn what_can_hardly_be_interrupted_ends_all_the_same() {
    let attacks = [
        "let shared = ['x']; for (let i = 0; i < 40; i++) shared = [shared, shared]; return JSON.stringify(shared)",
        "return primitives.torus({ innerSegments: 1e9, outerSegments: 1e9 })",
        "const row = new Array(3000).fill('y'); const all = new Array(3e6).fill(row); return all.join('')",
    ];
    assert_all(
        limits(),
        &attacks,
        &[LimitKind::WallTime, LimitKind::Memory],
    )
    .await;
}

async fn bombs_end_at_the_budget_of_memory() {
    let attacks = [
        "const hog = []; for (;;) hog.push(new Array(1000).fill(1))",
        "const hog = []; for (;;) hog.push(new Uint8Array(1 << 20).fill(1))",
        "return new Float64Array(2e7)",
        "const all = []; for (;;) all.push('x'.repeat(1e6) + all.length)",
        "return { polygons: [], transforms: { length: 4e9 } }",
        "const map = new Map(); for (let i = 0; ; i++) map.set({}, i)",
    ];
    let long = RunLimits {
        wall_ms: 20_000,
        ..limits()
    };
    assert_all(long, &attacks, &[LimitKind::Memory]).await;
}

async fn solids_that_pile_up_end_at_the_budget_of_memory() {
    let attacks = [
        "const hog = []; for (let i = 1; ; i++) hog.push(primitives.sphere({ radius: i, segments: 400 }))",
    ];
    let long = RunLimits {
        wall_ms: 20_000,
        ..limits()
    };
    assert_all(long, &attacks, &[LimitKind::Memory]).await;
}

async fn recursion_ends_at_the_stack() {
    let attacks = [
        "const f = () => f() + 1; return f()",
        "const o = { toString () { return '' + o } }; return '' + o",
        "const p = new Proxy({}, { get (t, k, r) { return r[k] } }); return p.x",
    ];
    assert_all(limits(), &attacks, &[LimitKind::Recursion]).await;
}

async fn chains_of_a_thousand_booleans_do_not_overflow() {
    let pool = hostile_pool(RunLimits::default());
    let main = "let one = primitives.cuboid()\n\
        for (let i = 1; i < 1100; i++) one = booleans.union(one, transforms.translate([i * 2, 0, 0], primitives.cuboid()))\n\
        return one";
    match attack(&pool, main).await {
        Ok(()) | Err(EngineError::Limit(_)) => {}
        Err(other) => panic!("{other}"),
    }
    assert_honest_work_goes_on(&pool).await;
}

async fn absurd_sizes_are_refused_before_they_are_built() {
    let attacks = [
        "return primitives.sphere({ segments: 1e9 })",
        "return primitives.cylinder({ segments: 2 ** 31 })",
        "return extrusions.extrudeLinear({ height: 1, twistAngle: 1, twistSteps: 1e9 }, primitives.square())",
        "return extrusions.extrudeRotate({ segments: 1e9 }, primitives.square({ center: [9, 0] }))",
        "return expansions.expand({ delta: 1, segments: 1e9 }, primitives.cuboid())",
    ];
    assert_all(
        limits(),
        &attacks,
        &[LimitKind::Segments, LimitKind::Triangles],
    )
    .await;
}

async fn malformed_geometry_is_refused_by_a_sentence() {
    let pool = hostile_pool(limits());
    for main in [
        "const a = []; a.push(a); return a",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a",
        "return primitives.sphere({ radius: NaN })",
        "return primitives.cuboid({ size: [1e300, 1, 1] })",
        "return transforms.translate([Infinity, 0, 0], primitives.cuboid())",
        "const c = primitives.cuboid(); c.self = c; c.polygons = [c]; c.transforms = [c]; return booleans.union(c, c)",
        "return geometries.geom3.fromPoints([[[NaN, 0, 0], [1, 0, 0], [0, 1, 0]]])",
        "throw null",
        "throw new Proxy({}, { get () { throw 1 } })",
    ] {
        match attack(&pool, main).await {
            Err(EngineError::Script { message, .. } | EngineError::BadModel { message }) => {
                assert!(!message.is_empty(), "{main}");
            }
            other => panic!("{main}: {other:?}"),
        }
    }
    assert_honest_work_goes_on(&pool).await;
    assert!(
        pool.health().restarts > 0,
        "workers of other models were replaced"
    );
}

async fn floods_are_cut_off() {
    let pool = hostile_pool(limits());
    match attack(&pool, "throw new Error('x'.repeat(1e7))").await {
        Err(EngineError::Script { message, .. }) => assert!(message.len() < 5_000),
        other => panic!("{other:?}"),
    }
    let flood = source(
        "const { primitives } = require('@jscad/modeling')\n\
         const main = () => primitives.cuboid()\n\
         module.exports = { main, vitrine: { data: { flood: () => 'x'.repeat(1e6) } } }",
    );
    let (definition, _) = pool.describe(flood.clone(), owner()).await.unwrap();
    let wanted = definition
        .outputs
        .iter()
        .map(|output| vitrine_model::Wanted::Output(output.id.clone()))
        .collect();
    let values = Customization::defaults(&definition);
    let computed = pool
        .compute(
            flood,
            owner(),
            Arc::new(definition),
            Arc::new(values),
            wanted,
        )
        .await;
    assert_limit(computed.map(drop), &[LimitKind::OutputBytes], "flood");
    let many = "const all = []; for (let i = 0; i < 400; i++) all.push(transforms.translate([i * 3, 0, 0], primitives.sphere({ segments: 60 }))); return all";
    let few = RunLimits {
        triangles_max: 100_000,
        ..limits()
    };
    assert_all(few, &[many], &[LimitKind::Triangles]).await;
    assert_honest_work_goes_on(&pool).await;
}

async fn polluted_prototypes_are_of_no_use() {
    let pool = hostile_pool(limits());
    let main = "const liar = () => { throw new Error('polluted') }\n\
        for (const kind of [Array, WeakMap, Map, Object, Float64Array, Function, Promise, String, Number, JSON, Reflect, Symbol]) {\n\
          const target = kind.prototype || kind\n\
          for (const name of Object.getOwnPropertyNames(target)) {\n\
            try { Object.defineProperty(target, name, { value: liar, configurable: true, writable: true }) } catch (e) {}\n\
          }\n\
        }\n\
        return primitives.cuboid()";
    let outcome = attack(&pool, main).await;
    assert!(
        matches!(outcome, Err(EngineError::Script { .. })),
        "{outcome:?}"
    );
    assert_honest_work_goes_on(&pool).await;
}

async fn the_machine_is_out_of_reach_of_scripts() {
    let pool = hostile_pool(limits());
    for main in [
        "return require('fs').readFileSync('/etc/passwd')",
        "return require('child_process').execSync('id')",
        "return require('net').connect(80)",
        "return import('fs')",
        "return import('file:///etc/passwd')",
        "return process.kill(process.ppid)",
        "return fetch('http://127.0.0.1/')",
        "return new XMLHttpRequest()",
        "return new WebSocket('ws://127.0.0.1/')",
        "return new Worker('x.js')",
        "return std.open('/etc/passwd', 'r')",
        "return os.exec(['id'])",
        "return Deno.readTextFileSync('/etc/passwd')",
        "return new Function('return this')().process.env",
        "return (0, eval)('process').env",
    ] {
        let outcome = attack(&pool, main).await;
        assert!(
            matches!(outcome, Err(EngineError::Script { .. })),
            "{main}: {outcome:?}"
        );
    }
    assert_honest_work_goes_on(&pool).await;
}

async fn a_hostile_owner_leaves_nothing_behind() {
    let pool = hostile_pool(limits());
    attack(
        &pool,
        "globalThis.left = 1; Array.prototype.left = 1; throw new Error('done')",
    )
    .await
    .unwrap_err();
    // The same model again finds the same worker, and in it nothing of its first run.
    let main = "if (typeof left !== 'undefined' || [].left) throw new Error('it stayed'); globalThis.left = 1; Array.prototype.left = 1; return primitives.cuboid()";
    for _ in 0..2 {
        attack(&pool, main).await.unwrap();
    }
    assert_honest_work_goes_on(&pool).await;
}
