//! What scripts may do and what they get.

mod contract;
mod geometry;
mod limits;
mod parameters;

use vitrine_model::{
    Body, Customization, Definition, Engine, EngineError, RawValue, Results, RunContext, RunLimits,
    Wanted, resolve,
};

use super::JscadEngine;

pub(super) const LINEAGE: &str = "2f1c4a5e-0000-4000-8000-000000000001";

/// The head that most scripts need.
pub(super) const HEAD: &str = "const { primitives, booleans, transforms, hulls, extrusions, expansions, colors, measurements, \
    geometries, modifiers, text, maths, minkowski } = require('@jscad/modeling')\n";

/// A context with enough time for a slow machine.
pub(super) fn context() -> RunContext {
    RunContext::default()
}

/// A context with these limits.
pub(super) fn limited(limits: RunLimits) -> RunContext {
    RunContext {
        limits,
        ..RunContext::default()
    }
}

pub(super) fn describe(script: &str) -> Result<Definition, EngineError> {
    JscadEngine::new().describe(script.as_bytes(), "model.js", LINEAGE, &context())
}

/// Computes all outputs with some values.
pub(super) fn compute_with(script: &str, values: &[(&str, RawValue)]) -> Results {
    let definition = describe(script).unwrap();
    let raw: Vec<(String, RawValue)> = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let (values, _) = resolve(&definition, &raw, false).unwrap();
    run(script, &definition, &values, &context()).unwrap()
}

pub(super) fn run(
    script: &str,
    definition: &Definition,
    values: &Customization,
    ctx: &RunContext,
) -> Result<Results, EngineError> {
    let wanted: Vec<Wanted> = definition
        .outputs
        .iter()
        .map(|o| Wanted::Output(o.id.clone()))
        .collect();
    JscadEngine::new().compute(script.as_bytes(), definition, values, &wanted, ctx)
}

/// The value of the data output `report` of a script that has no parameters.
pub(super) fn report(script: &str) -> serde_json::Value {
    let results = compute_with(script, &[]);
    let bodies = results.items.iter().flat_map(|item| &item.content);
    let mut data = bodies.filter_map(|content| match &content.body {
        Body::Data(value) => Some(value.clone()),
        Body::Bytes(_) => None,
    });
    data.next().unwrap()
}

/// Evaluates an expression over shapes and returns it as JSON.
pub(super) fn evaluate(expression: &str) -> serde_json::Value {
    report(&format!(
        "{HEAD}const {{ volume, area, boundingBox, material }} = require('vitrine')\n\
         const main = () => primitives.cuboid()\n\
         module.exports = {{ main, vitrine: {{ data: {{ report: () => {{ {expression} }} }} }} }}"
    ))
}

/// The volume of one shape.
pub(super) fn volume(shape: &str) -> f64 {
    evaluate(&format!("return volume({shape})"))
        .as_f64()
        .unwrap()
}

/// The error of a script whose main is this body.
pub(super) fn error_of(main: &str, ctx: &RunContext) -> EngineError {
    let script = format!("{HEAD}function main () {{\n{main}\n}}\nmodule.exports = {{ main }}");
    JscadEngine::new()
        .describe(script.as_bytes(), "model.js", LINEAGE, ctx)
        .unwrap_err()
}

/// All bytes of all results, one after the other.
pub(super) fn bytes(results: &Results) -> Vec<Vec<u8>> {
    results.clone().take_bodies()
}

#[track_caller]
pub(super) fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not within {tolerance} of {expected}"
    );
}

/// Equal JSON, with numbers within 1e-9 of each other.
#[track_caller]
pub(super) fn assert_same(found: &serde_json::Value, expected: &serde_json::Value) {
    fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
        match (a, b) {
            (serde_json::Value::Array(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            _ => match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9,
                _ => a == b,
            },
        }
    }
    assert!(same(found, expected), "{found} is not {expected}");
}
