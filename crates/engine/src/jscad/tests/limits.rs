//! Scripts that go too far are stopped, and say why.

use vitrine_model::{CancelFlag, EngineError, LimitKind, RunContext, RunLimits};

use super::{context, error_of, evaluate, limited};

/// Short enough for a test, long enough for the library to load on a slow machine.
const SHORT_MS: u64 = 1_500;

fn short() -> RunContext {
    limited(RunLimits {
        wall_ms: SHORT_MS,
        ..RunLimits::default()
    })
}

#[track_caller]
fn limit_of(error: &EngineError) -> LimitKind {
    match error {
        EngineError::Limit(limit) => limit.limit,
        other => panic!("not a limit: {other}"),
    }
}

#[test]
fn endless_loops_stop_at_the_deadline() {
    for main in [
        "while (true) {}",
        "try { while (true) {} } catch (e) {} return primitives.cuboid()",
        "return (async () => { for (;;) await null })()",
        "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
        "return new Proxy({}, { has: () => { for (;;) {} } }) in [1] || new Proxy({}, { has () { for (;;) {} } }).x in (new Proxy({}, { has () { for (;;) {} } }))",
    ] {
        assert_eq!(
            limit_of(&error_of(main, &short())),
            LimitKind::WallTime,
            "{main}"
        );
    }
}

#[test]
fn a_cancelled_run_stops() {
    let cancel = CancelFlag::default();
    cancel.cancel();
    let ctx = RunContext {
        cancel,
        ..RunContext::default()
    };
    assert_eq!(error_of("while (true) {}", &ctx), EngineError::Cancelled);
}

#[test]
fn long_booleans_stop_at_the_deadline() {
    let error = error_of(
        "const parts = []\n\
         for (let i = 0; i < 4000; i++) parts.push(transforms.translate([i % 63 * 1.1, Math.floor(i / 63) * 1.1, 0], primitives.sphere({ segments: 100 })))\n\
         return booleans.union(parts)",
        &limited(RunLimits {
            wall_ms: SHORT_MS,
            triangles_max: u64::MAX,
            ..RunLimits::default()
        }),
    );
    assert_eq!(limit_of(&error), LimitKind::WallTime);
}

#[test]
fn memory_hogs_stop_at_the_memory_limit() {
    let small = limited(RunLimits {
        js_memory_bytes: 32 * 1024 * 1024,
        ..RunLimits::default()
    });
    for main in [
        "const hog = []; for (;;) hog.push(new Array(1000).fill(1))",
        // Never ends either, but each step keeps a promise alive: memory runs out before time does.
        "const again = () => Promise.resolve().then(again); return again()",
        "const hog = []; let text = 'x'.repeat(1e6); for (;;) hog.push(text = text + hog.length)",
        "return new Float64Array(2e7)",
    ] {
        assert_eq!(
            limit_of(&error_of(main, &small)),
            LimitKind::Memory,
            "{main}"
        );
    }
}

#[test]
fn endless_recursion_is_told_from_a_crash() {
    let error = error_of("const f = () => f() + 1; return f()", &context());
    assert_eq!(limit_of(&error), LimitKind::Recursion);
}

#[test]
fn huge_shapes_are_refused_before_they_are_made() {
    for (main, expected) in [
        (
            "return primitives.sphere({ segments: 1e9 })",
            LimitKind::Segments,
        ),
        (
            "return primitives.sphere({ segments: 2 ** 31 })",
            LimitKind::Segments,
        ),
        (
            "return primitives.cylinder({ segments: 5000 })",
            LimitKind::Segments,
        ),
        (
            "return primitives.roundedCuboid({ segments: 1e6 })",
            LimitKind::Segments,
        ),
        (
            "return extrusions.extrudeLinear({ height: 1, twistAngle: 1, twistSteps: 2 ** 31 }, primitives.square())",
            LimitKind::Segments,
        ),
        (
            "return extrusions.extrudeLinear({ height: 1, twistAngle: 1, twistSteps: 1000 }, primitives.circle({ segments: 1000 }))",
            LimitKind::Triangles,
        ),
    ] {
        assert_eq!(limit_of(&error_of(main, &context())), expected, "{main}");
    }
    let error = error_of(
        "return primitives.sphere({ segments: 64 })",
        &limited(RunLimits {
            triangles_max: 100,
            ..RunLimits::default()
        }),
    );
    assert_eq!(limit_of(&error), LimitKind::Triangles);
}

#[test]
fn numbers_that_are_none_are_refused_by_name() {
    for main in [
        "return primitives.sphere({ radius: NaN })",
        "return primitives.cuboid({ size: [1, Infinity, 1] })",
        "return extrusions.extrudeLinear({ height: NaN }, primitives.square())",
        "return extrusions.extrudeLinear({ height: 1, twistAngle: 1e300, twistSteps: 4 }, primitives.square())",
        "return transforms.translate([NaN, 0, 0], primitives.cuboid())",
        "return primitives.cuboid({ size: [1e300, 1, 1] })",
        "return transforms.scale([1e6, 1e6, 1e6], primitives.cuboid({ size: [100, 100, 100] }))",
        "return expansions.expand({ delta: Infinity }, primitives.cuboid())",
        "return expansions.offset({ delta: Infinity }, primitives.square())",
        "return geometries.geom3.fromPoints([[[NaN, 0, 0], [1, 0, 0], [0, 1, 0]]])",
    ] {
        let error = error_of(main, &context());
        assert!(
            matches!(error, EngineError::Script { .. }),
            "{main}: {error}"
        );
    }
}

#[test]
fn a_script_cannot_swallow_a_limit() {
    let error = error_of(
        "try { primitives.sphere({ segments: 1e9 }) } catch (e) {} return primitives.cuboid()",
        &context(),
    );
    assert_eq!(limit_of(&error), LimitKind::Segments);
}

#[test]
fn nothing_thrown_is_no_limit() {
    for main in ["throw null", "throw new Error('out of memory')"] {
        let error = error_of(main, &context());
        assert!(
            matches!(error, EngineError::Script { .. }),
            "{main}: {error}"
        );
    }
}

#[test]
fn polluted_prototypes_disturb_nobody_else() {
    let hostile = "
        const liar = () => { throw new Error('polluted') }
        for (const kind of [Array, WeakMap, Map, Object, Float64Array, Function, Promise]) {
          for (const name of Object.getOwnPropertyNames(kind.prototype)) {
            try { Object.defineProperty(kind.prototype, name, { value: liar, configurable: true, writable: true }) } catch (e) {}
          }
        }
        Object.defineProperty(Object.prototype, 'then', { get () { return undefined } })
        return primitives.cuboid()";
    let error = error_of(hostile, &context());
    assert!(matches!(error, EngineError::Script { .. }), "{error}");
    assert_eq!(
        evaluate("return [1, 2].map((n) => n * 2)"),
        serde_json::json!([2, 4])
    );
}

#[test]
fn the_host_is_out_of_reach() {
    let seen = evaluate(
        "const own = Object.getOwnPropertyNames(globalThis).filter((n) => /host|vitrine|jscad/i.test(n))\n\
         const cube = primitives.cuboid()\n\
         const symbols = Object.getOwnPropertySymbols(cube).map((s) => Object.keys(cube[s] || {}).length)\n\
         return [own, symbols, typeof globalThis.__host, typeof process, typeof performance, typeof std, typeof os]",
    );
    assert_eq!(
        seen,
        serde_json::json!([
            [],
            [0],
            "undefined",
            "undefined",
            "undefined",
            "undefined",
            "undefined"
        ])
    );
}

#[test]
fn hostile_values_are_refused_without_harm() {
    for main in [
        "const a = []; a.push(a); return a",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a",
        "throw null",
        "throw new Proxy({}, { get () { throw 1 } })",
        "return { polygons: [], transforms: { length: 4e9 } }",
        "return { sides: [[[0, 0], [1, 'x']]], transforms: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] }",
        "return 42",
        "return import('fs')",
        "return require('fs')",
        "const c = primitives.cuboid(); c.transforms = [1, 2]; return booleans.union(c, primitives.cuboid())",
        "const c = primitives.cuboid(); Object.getOwnPropertySymbols(c).forEach((s) => { c[s] = {} }); return booleans.union(c, primitives.cuboid())",
        "return new Promise(() => {})",
    ] {
        error_of(main, &context());
    }
}
