//! What a model offers and how it says so.

use serde_json::json;
use vitrine_model::{
    Body, Customization, Engine, EngineError, ExportFormat, ExportSource, OutputKind, RawValue,
    Wanted,
};

use super::{HEAD, LINEAGE, assert_same, bytes, compute_with, context, describe, evaluate, run};
use crate::JscadEngine;

const CUBE: &str = "
const { cuboid } = require('@jscad/modeling').primitives
const getParameterDefinitions = () => [{ name: 'size', type: 'float', initial: 10, min: 1, max: 100 }]
const main = (params) => cuboid({ size: [params.size, params.size, params.size] })
module.exports = { main, getParameterDefinitions }
";

fn glb(results: &vitrine_model::Results) -> &[u8] {
    match &results.items[0].content[0].body {
        Body::Bytes(bytes) => bytes,
        Body::Data(_) => panic!("no file"),
    }
}

#[test]
fn a_plain_script_offers_one_output_and_three_downloads() {
    let definition = describe(CUBE).unwrap();
    assert_eq!(definition.outputs.len(), 1);
    assert_eq!(definition.outputs[0].name, "model");
    assert_eq!(definition.outputs[0].kind, OutputKind::Geometry);
    let formats: Vec<_> = definition.exports.iter().map(|e| e.format).collect();
    assert_eq!(
        formats,
        [ExportFormat::Stl, ExportFormat::ThreeMf, ExportFormat::Glb]
    );
    assert_eq!(
        definition.exports[0].source,
        ExportSource::Output(definition.outputs[0].id.clone())
    );
    assert_eq!(
        definition.outputs[0].dependency,
        definition.all_parameter_ids()
    );
    let results = compute_with(CUBE, &[("size", RawValue::Number(20.0))]);
    assert!(glb(&results).starts_with(b"glTF"));
    assert_eq!(results.items[0].bbox, Some(([-10.0; 3], [10.0; 3])));
    assert_eq!(results.stats.triangles, 12);
}

#[test]
fn every_way_of_exporting_works() {
    let cube = "primitives.cuboid()";
    let sources = [
        format!("{HEAD}function main () {{ return {cube} }}"),
        format!("{HEAD}module.exports = () => {cube}"),
        format!("{HEAD}exports.main = () => {cube}"),
        format!("{HEAD}module.exports = {{ main: async () => {{ await null; return [[null, {cube}], undefined] }} }}"),
        format!("import jscad from '@jscad/modeling'\nconst {{ primitives }} = jscad\nexport const main = () => {cube}\n"),
        format!("import {{ primitives as p,\n  booleans }} from '@jscad/modeling'\nconst primitives = p\nexport default function main () {{ return booleans.union({cube}, {cube}) }}\n"),
        format!("import * as jscad from \"@jscad/modeling\"\nconst main = () => jscad.{cube}\nexport {{ main }}\n"),
        "const { cuboid } = require('@jscad/modeling/src/primitives')\n// main\nconst main = () => cuboid()\nmodule.exports = { main } // end".to_owned(),
        "'use strict'\nconst jscad = require('@jscad/modeling')\nconst main = () => jscad.primitives.cuboid()\nmodule.exports = { main }".to_owned(),
    ];
    for source in sources {
        let definition = describe(&source).unwrap_or_else(|e| panic!("{source}: {e}"));
        assert_eq!(definition.outputs.len(), 1, "{source}");
    }
}

#[test]
fn flat_results_offer_drawings() {
    let definition = describe(&format!(
        "{HEAD}const main = () => [primitives.circle(), primitives.line([[0, 0], [1, 1]])]\nmodule.exports = {{ main }}"
    ))
    .unwrap();
    let formats: Vec<_> = definition.exports.iter().map(|e| e.format).collect();
    assert_eq!(formats, [ExportFormat::Svg, ExportFormat::Dxf]);
}

const TABLE: &str = "
const { primitives, transforms } = require('@jscad/modeling')
const { material } = require('vitrine')
const getParameterDefinitions = () => [
  { name: 'width', type: 'int', initial: 100 }, { name: 'height', type: 'int', initial: 50 }, { name: 'note', type: 'text' }
]
let runs = 0
const main = (p) => { runs++; return material('oak', primitives.cuboid({ size: [p.width, 10, p.height] })) }
module.exports = {
  main,
  getParameterDefinitions,
  vitrine: {
    title: 'Table',
    materials: { oak: { color: 'burlywood' } },
    outputs: {
      model: { title: 'The table', geometry: 'main', parameters: ['width', 'height'] },
      board: (p) => primitives.cuboid({ size: [p.width, 10, 1] }),
      price: { title: 'Price', tooltip: 'With tax.', group: 'Facts', order: 2, hidden: true,
        data: (p, ctx) => ({ volume: ctx.volume(ctx.geometry('model')), again: ctx.area(ctx.geometry('model')), runs, note: p.note }) }
    },
    data: { seen: { data: (p) => Object.keys(p), parameters: ['note'] } },
    exports: {
      print: { format: 'STL', title: 'For printing' },
      all: { format: '3mf', geometry: ['model', 'board'] },
      plan: { format: 'dxf', geometry: (p) => primitives.rectangle({ size: [p.width, p.height] }), parameters: ['width', 'height'] },
      quick: 'glb'
    }
  }
}
";

#[test]
fn the_extension_names_outputs_and_exports() {
    let definition = describe(TABLE).unwrap();
    let names: Vec<_> = definition.outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["model", "board", "price", "seen"]);
    let id = |name: &str| {
        definition
            .parameters
            .iter()
            .find(|p| p.name == name)
            .unwrap()
            .id
            .clone()
    };
    assert_eq!(
        definition.outputs[0].dependency,
        [id("width"), id("height")]
    );
    assert_eq!(
        definition.outputs[0].displayname.as_deref(),
        Some("The table")
    );
    assert_eq!(definition.outputs[1].dependency.len(), 3);
    let price = &definition.outputs[2];
    assert_eq!(
        (price.kind, price.hidden, price.order),
        (OutputKind::Data, true, Some(2))
    );
    assert_eq!(price.tooltip.as_deref(), Some("With tax."));
    let exports: Vec<_> = definition
        .exports
        .iter()
        .map(|e| (e.name.as_str(), e.format))
        .collect();
    assert_eq!(
        exports,
        [
            ("print", ExportFormat::Stl),
            ("all", ExportFormat::ThreeMf),
            ("plan", ExportFormat::Dxf),
            ("quick", ExportFormat::Glb)
        ]
    );
    assert_eq!(
        definition.exports[0].dependency,
        [id("width"), id("height")]
    );
    assert_eq!(definition.exports[1].dependency.len(), 3);
    assert_eq!(definition.exports[1].source, ExportSource::Own);
}

#[test]
fn data_outputs_share_one_run_of_the_geometry_and_see_their_parameters() {
    let results = compute_with(
        TABLE,
        &[
            ("width", RawValue::Number(200.0)),
            ("note", RawValue::Text("x".into())),
        ],
    );
    let Body::Data(price) = &results.items[2].content[0].body else {
        panic!("no data");
    };
    assert_same(&price["volume"], &json!(100_000));
    assert_eq!(price["runs"], json!(1));
    assert_eq!(price["note"], json!("x"));
    let Body::Data(seen) = &results.items[3].content[0].body else {
        panic!("no data");
    };
    assert_eq!(*seen, json!(["note"]));
}

#[test]
fn all_exports_are_written() {
    let definition = describe(TABLE).unwrap();
    let values = Customization::defaults(&definition);
    let wanted: Vec<_> = definition
        .exports
        .iter()
        .map(|e| Wanted::Export(e.id.clone()))
        .collect();
    let results = JscadEngine::new()
        .compute(TABLE.as_bytes(), &definition, &values, &wanted, &context())
        .unwrap();
    let files = bytes(&results);
    assert_eq!(files.len(), 4);
    assert_eq!(files[0].len(), 84 + 50 * 12);
    assert!(files[1].starts_with(b"PK"));
    assert!(String::from_utf8_lossy(&files[2]).contains("SECTION"));
    assert!(files[3].starts_with(b"glTF"));
}

#[test]
fn equal_values_give_equal_bytes() {
    let script = format!(
        "{HEAD}const main = () => {{\n\
         const holes = []\n\
         for (let i = 0; i < 20; i++) holes.push(colors.colorize([Math.random(), 0, 0], transforms.translate([Math.random() * 20, Date.now() % 7, i / 10], primitives.cylinder({{ radius: 0.4, height: 9, segments: 16 }}))))\n\
         return [booleans.subtract(primitives.roundedCuboid({{ size: [20, 20, 5], roundRadius: 1 }}), holes), hulls.hull(holes)] }}\n\
         module.exports = {{ main }}"
    );
    let first = bytes(&compute_with(&script, &[]));
    compute_with(CUBE, &[]);
    assert_eq!(first, bytes(&compute_with(&script, &[])));
    let mut engine = JscadEngine::new();
    let definition = engine
        .describe(script.as_bytes(), "model.js", LINEAGE, &context())
        .unwrap();
    let wanted = [Wanted::Output(definition.outputs[0].id.clone())];
    let values = Customization::defaults(&definition);
    for _ in 0..2 {
        let again = engine
            .compute(script.as_bytes(), &definition, &values, &wanted, &context())
            .unwrap();
        assert_eq!(first, bytes(&again));
    }
}

#[test]
fn one_run_leaves_nothing_for_the_next() {
    let leaving = format!(
        "{HEAD}globalThis.left = 1\nconst main = () => primitives.cuboid()\nmodule.exports = {{ main }}"
    );
    describe(&leaving).unwrap();
    assert_eq!(
        evaluate("return typeof globalThis.left"),
        json!("undefined")
    );
}

#[test]
fn time_and_chance_stand_still() {
    let seen = "return [Date.now(), new Date().toISOString(), new Date(2020, 1, 3).toISOString(), new Date('2020-05-06').getHours(), \
                Math.random(), new Date() instanceof Date, typeof console.log, console.log('x') === undefined]";
    let first = evaluate(seen);
    assert_eq!(first, evaluate(seen));
    assert_eq!(first[0], json!(946_684_800_000_i64));
    assert_eq!(first[1], json!("2000-01-01T00:00:00.000Z"));
    assert_eq!(first[2], json!("2020-02-03T00:00:00.000Z"));
    assert_eq!(first[5], json!(true));
}

#[test]
fn errors_name_the_line_of_the_script() {
    let script = format!(
        "{HEAD}const main = () => {{\n  const size = undefined\n  return size.length\n}}\nmodule.exports = {{ main }}"
    );
    let error = describe(&script).unwrap_err();
    assert!(
        matches!(error, EngineError::Script { line: Some(4), .. }),
        "{error:?}"
    );
    let error = describe("const a = 1\nconst b = ;\n").unwrap_err();
    assert!(
        matches!(error, EngineError::Script { line: Some(2), .. }),
        "{error:?}"
    );
    let script = format!(
        "{HEAD}\nconst main = () =>\n  primitives.cuboid({{ size: 3 }})\nmodule.exports = {{ main }}"
    );
    let error = describe(&script).unwrap_err();
    assert!(
        matches!(error, EngineError::Script { line: Some(4), .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("size must be an array"),
        "{error}"
    );
}

#[test]
fn files_that_are_no_models_are_told_what_is_missing() {
    let cases = [
        ("module.exports = {}".to_owned(), "no function main"),
        ("const x = 1".to_owned(), "no function main"),
        (
            format!("{HEAD}const main = () => []\nmodule.exports = {{ main }}"),
            "shows nothing",
        ),
        (
            format!(
                "{HEAD}const main = () => primitives.cuboid()\nmodule.exports = {{ main, vitrine: {{ outpts: {{}} }} }}"
            ),
            "'outpts'",
        ),
        (
            format!(
                "{HEAD}const main = () => primitives.cuboid()\nmodule.exports = {{ main, vitrine: {{ exports: {{ a: 'dwg' }} }} }}"
            ),
            "must be one of",
        ),
        (
            format!(
                "{HEAD}const main = () => primitives.cuboid()\nmodule.exports = {{ main, vitrine: {{ exports: {{ a: {{ format: 'stl', geometry: 'x' }} }} }} }}"
            ),
            "'x'",
        ),
        (
            format!(
                "{HEAD}const main = () => primitives.cuboid()\nmodule.exports = {{ main, vitrine: {{ outputs: {{ a: {{ geometry: main, parameters: ['q'] }} }} }} }}"
            ),
            "'q'",
        ),
        (
            format!(
                "{HEAD}const main = () => primitives.cuboid()\nmodule.exports = {{ main, vitrine: {{ parameters: {{ q: {{}} }} }} }}"
            ),
            "'q'",
        ),
    ];
    for (script, expected) in cases {
        let error = describe(&script).unwrap_err();
        assert!(
            matches!(error, EngineError::BadModel { .. }),
            "{script}: {error}"
        );
        assert!(error.to_string().contains(expected), "{script}: {error}");
    }
    let error = JscadEngine::new().describe(&[0xff, 0xfe, 0x00], "model.js", LINEAGE, &context());
    assert!(matches!(error, Err(EngineError::BadModel { .. })));
}

#[test]
fn outputs_that_see_less_cannot_ask_for_more() {
    let script = format!(
        "{HEAD}const main = () => primitives.cuboid()\n\
         module.exports = {{ main, getParameterDefinitions: () => [{{ name: 'a', type: 'int' }}], vitrine: {{ outputs: {{ \
         model: main, weight: {{ data: (p, ctx) => ctx.volume(ctx.geometry('model')), parameters: [] }} }} }} }}"
    );
    let definition = describe(&script).unwrap();
    let values = Customization::defaults(&definition);
    let error = run(&script, &definition, &values, &context()).unwrap_err();
    assert!(error.to_string().contains("does not; add them"), "{error}");
}

#[test]
fn data_must_be_json_and_bounded() {
    let failing = |value: &str| {
        let script = format!(
            "{HEAD}const main = () => primitives.cuboid()\n\
             module.exports = {{ main, vitrine: {{ data: {{ report: () => {value} }} }} }}"
        );
        let definition = describe(&script).unwrap();
        let values = Customization::defaults(&definition);
        run(&script, &definition, &values, &context())
            .unwrap_err()
            .to_string()
    };
    assert!(failing("undefined").contains("returned nothing"));
    assert!(failing("({ price: NaN })").contains("'price' is NaN"));
    assert!(failing("'x'.repeat(300000)").contains("bytes of JSON"));
    assert!(failing("(() => { const a = {}; a.a = a; return a })()").contains("circular"));
}
