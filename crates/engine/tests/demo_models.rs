//! The models of the demo: what they promise to shops, over their whole range of values.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails here is a failed test"
)]

#[path = "support/chance.rs"]
mod chance;
#[path = "demo_models/measure.rs"]
mod measure;

use chance::Chance;
use measure::{Stl, glb_triangles};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value as Json;
use vitrine_engine::JscadEngine;
use vitrine_model::{
    Body, Customization, Definition, Engine, ExportFormat, OutputKind, Parameter, ParameterKind,
    RawValue, Results, RunContext, Value, Wanted, resolve,
};

const LINEAGE: &str = "2f1c4a5e-0000-4000-8000-000000000001";
/// What a shop window wants at least.
const TRIANGLES_MIN: usize = 5_000;
const PARAMETERS_MIN: usize = 6;
/// Customizations by chance for each model, beside the defaults and the ends of all ranges.
const RANDOM_SETS: usize = 6;
/// Labels with accents, other alphabets, nothing, spaces alone, and more than fits.
const LABELS: [&str; 5] = ["", "   ", "Nº 7 – Ölfilter", "一二三", "WWWWWWWWWWWWWWWWWW"];

type Values = Vec<(String, RawValue)>;

/// One model with what the engine says about it.
struct Model {
    name: &'static str,
    source: Vec<u8>,
    definition: Definition,
}

impl Model {
    fn load(name: &'static str) -> Self {
        let path = format!("{}/../../demo/models/{name}.js", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read(path).unwrap();
        let definition = JscadEngine::new()
            .describe(&source, name, LINEAGE, &RunContext::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            name,
            source,
            definition,
        }
    }

    /// Computes all outputs and the first export.
    fn compute(&self, values: &Values) -> Computed {
        let (customization, _) = resolve(&self.definition, values, false)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let before = processor_ms();
        let results = self.run(&customization, values);
        let processor_ms = processor_ms() - before;
        let what = format!("{} with {values:?}", self.name);
        Computed::read(results, processor_ms, &what)
    }

    fn run(&self, customization: &Customization, values: &Values) -> Results {
        self.run_in(&mut JscadEngine::new(), customization, values)
    }

    /// Computes in an engine that may have computed before.
    fn run_in(
        &self,
        engine: &mut JscadEngine,
        customization: &Customization,
        values: &Values,
    ) -> Results {
        let outputs = self
            .definition
            .outputs
            .iter()
            .map(|o| Wanted::Output(o.id.clone()));
        let stl = self
            .definition
            .exports
            .iter()
            .take(1)
            .map(|e| Wanted::Export(e.id.clone()));
        let wanted: Vec<Wanted> = outputs.chain(stl).collect();
        engine
            .compute(
                &self.source,
                &self.definition,
                customization,
                &wanted,
                &RunContext::default(),
            )
            .unwrap_or_else(|error| panic!("{} with {values:?}: {error}", self.name))
    }

    fn parameters(&self) -> &[Parameter] {
        &self.definition.parameters
    }

    /// The values that a rule gives to each parameter.
    fn values(&self, mut rule: impl FnMut(&Parameter) -> Option<RawValue>) -> Values {
        let pick = |p: &Parameter| Some((p.name.clone(), rule(p)?));
        self.parameters().iter().filter_map(pick).collect()
    }

    fn with(&self, name: &str, value: f64) -> Values {
        assert!(
            self.parameters().iter().any(|p| p.name == name),
            "{} has no {name}",
            self.name
        );
        vec![(name.to_owned(), RawValue::Number(value))]
    }
}

/// What one run gave, read with means of our own.
struct Computed {
    bytes: Vec<Vec<u8>>,
    data: Vec<(String, Json)>,
    glb_triangles: usize,
    stl: Stl,
    /// Of all outputs and the STL together; for people to look at.
    processor_ms: i64,
}

impl Computed {
    #[track_caller]
    fn read(mut results: Results, processor_ms: i64, what: &str) -> Self {
        let mut data = Vec::new();
        for content in results.items.iter().flat_map(|item| &item.content) {
            if let Body::Data(value) = &content.body {
                data.push((content.name.clone().unwrap(), value.clone()));
            }
        }
        for (low, high) in results.items.iter().filter_map(|item| item.bbox) {
            let sound = |axis: usize| low[axis].is_finite() && high[axis] - low[axis] > 1.0;
            assert!((0..3).all(sound), "{what}: {low:?} to {high:?}");
            assert!(
                low[2].abs() < 1e-3,
                "{what} stands at {} and not on the ground",
                low[2]
            );
        }
        let bytes = results.take_bodies();
        let stl = Stl::read(bytes.last().unwrap());
        if let Err(problem) = stl.check() {
            panic!("{what}: {problem}");
        }
        Self {
            glb_triangles: glb_triangles(&bytes[0]),
            bytes,
            data,
            stl,
            processor_ms,
        }
    }

    /// The number that a data output shows.
    #[track_caller]
    fn fact(&self, name: &str) -> f64 {
        let (_, value) = self.data.iter().find(|(n, _)| n == name).unwrap();
        assert!(
            value["label"].is_string() && value["unit"].is_string(),
            "{name}: {value}"
        );
        value["value"].as_f64().unwrap()
    }
}

impl Chance {
    fn value(&mut self, parameter: &Parameter) -> RawValue {
        match &parameter.kind {
            ParameterKind::Int { min, max, .. } => whole(self.between(*min, *max)),
            ParameterKind::Even { min, max } => whole(self.between(*min, *max) / 2 * 2),
            ParameterKind::Odd { min, max } => whole(self.between(*min, *max) / 2 * 2 + 1),
            ParameterKind::Float { min, max, .. } => {
                let (min, max) = (min.unwrap(), max.unwrap());
                let tenths = ((min + (max - min) * self.share()) * 10.0).floor() / 10.0;
                RawValue::Number(tenths.max(min))
            }
            ParameterKind::Bool => RawValue::Bool(self.below(2) == 1),
            ParameterKind::StringList { choices, .. } => {
                RawValue::Text(self.below(choices.len()).to_string())
            }
            ParameterKind::Color => RawValue::Text(format!("#{:06x}", self.bits() & 0x00ff_ffff)),
            _ => RawValue::Text(LABELS[self.below(LABELS.len())].to_owned()),
        }
    }

    fn between(&mut self, min: Option<i64>, max: Option<i64>) -> i64 {
        let (min, max) = (min.unwrap(), max.unwrap());
        min + i64::try_from(self.below(usize::try_from(max - min + 1).unwrap())).unwrap()
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes in millimetres")]
fn whole(value: i64) -> RawValue {
    RawValue::Number(value as f64)
}

/// The lowest or the highest value of everything that has ends; the last choice at the high end.
fn end(parameter: &Parameter, high: bool) -> Option<RawValue> {
    match &parameter.kind {
        ParameterKind::Int { min, max, .. }
        | ParameterKind::Even { min, max }
        | ParameterKind::Odd { min, max } => (if high { *max } else { *min }).map(whole),
        ParameterKind::Float { min, max, .. } => {
            (if high { *max } else { *min }).map(RawValue::Number)
        }
        ParameterKind::Bool => Some(RawValue::Bool(high)),
        ParameterKind::StringList { choices, .. } => Some(RawValue::Text(
            if high { choices.len() - 1 } else { 0 }.to_string(),
        )),
        _ => None,
    }
}

fn processor_ms() -> i64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

/// What every model of the demo must hold. `sizes` are parameters that make the product larger.
fn holds_what_a_shop_needs(name: &'static str, sizes: &[(&str, f64)]) {
    let model = Model::load(name);
    looks_complete(&model);
    let defaults = model.compute(&Vec::new());
    println!(
        "{name}: {} triangles, {} in its STL, {} ms of processor time for everything",
        defaults.glb_triangles,
        defaults.stl.triangles(),
        defaults.processor_ms
    );
    assert!(
        defaults.glb_triangles >= TRIANGLES_MIN,
        "{} triangles",
        defaults.glb_triangles
    );
    assert!(
        model.compute(&Vec::new()).bytes == defaults.bytes,
        "{name}: the same values gave other bytes"
    );
    for (size, value) in sizes {
        let larger = model.compute(&model.with(size, *value));
        assert!(
            larger.bytes[0] != defaults.bytes[0],
            "{name}: {size} changes nothing that is seen"
        );
        for fact in ["price", "weight"] {
            let (small, large) = (defaults.fact(fact), larger.fact(fact));
            assert!(
                small > 0.0 && large > small,
                "{name}: {fact} is {small}, and {large} with a larger {size}"
            );
        }
    }
}

/// Every value within the ranges gives closed solids; `Computed::read` looks at each.
fn is_sound_over_its_whole_range(name: &'static str, seed: u64) {
    let model = Model::load(name);
    for high in [false, true] {
        model.compute(&model.values(|parameter| end(parameter, high)));
    }
    let mut chance = Chance(seed);
    for _ in 0..RANDOM_SETS {
        let values = model.values(|parameter| Some(chance.value(parameter)));
        let found = model.compute(&values);
        println!(
            "{name}: {} triangles, {} ms of processor time",
            found.glb_triangles, found.processor_ms
        );
    }
}

/// Words and order that pages show.
fn looks_complete(model: &Model) {
    let Definition {
        parameters,
        outputs,
        exports,
    } = &model.definition;
    let shown: Vec<&Parameter> = parameters.iter().filter(|p| !p.hidden).collect();
    assert!(shown.len() >= PARAMETERS_MIN, "{} parameters", shown.len());
    for parameter in shown {
        assert!(
            parameter.displayname.is_some() && parameter.group.is_some(),
            "{}",
            parameter.name
        );
    }
    assert_eq!(outputs[0].kind, OutputKind::Geometry);
    for fact in ["price", "weight"] {
        assert!(
            outputs
                .iter()
                .any(|o| o.name == fact && o.kind == OutputKind::Data),
            "{fact}"
        );
    }
    let formats: Vec<ExportFormat> = exports.iter().map(|e| e.format).collect();
    assert_eq!(
        formats,
        [ExportFormat::Stl, ExportFormat::ThreeMf, ExportFormat::Glb]
    );
}

#[test]
fn the_shelf_holds_what_a_shop_needs() {
    holds_what_a_shop_needs(
        "shelf",
        &[("width", 1_500.0), ("height", 1_800.0), ("depth", 400.0)],
    );
}

#[test]
fn the_enclosure_holds_what_a_shop_needs() {
    holds_what_a_shop_needs(
        "enclosure",
        &[("length", 200.0), ("width", 140.0), ("height", 80.0)],
    );
}

#[test]
fn the_lamp_holds_what_a_shop_needs() {
    holds_what_a_shop_needs("lamp", &[("height", 320.0), ("bottom", 300.0)]);
}

#[test]
fn the_shelf_is_sound_over_its_whole_range() {
    is_sound_over_its_whole_range("shelf", 11);
}

#[test]
fn the_enclosure_is_sound_over_its_whole_range() {
    is_sound_over_its_whole_range("enclosure", 12);
}

#[test]
fn the_lamp_is_sound_over_its_whole_range() {
    is_sound_over_its_whole_range("lamp", 13);
}

#[test]
fn the_shelf_has_a_number_with_ends_that_changes_its_first_output() {
    let model = Model::load("shelf");
    let number = model.parameters().iter().find(|parameter| {
        matches!(
            (&parameter.kind, &parameter.default),
            (
                ParameterKind::Int {
                    min: Some(_),
                    max: Some(_),
                    ..
                },
                Value::Int(_)
            ) | (
                ParameterKind::Float {
                    min: Some(_),
                    max: Some(_),
                    ..
                },
                Value::Float(_)
            )
        )
    });
    let parameter = number.unwrap();
    let low = model.compute(&vec![(
        parameter.name.clone(),
        end(parameter, false).unwrap(),
    )]);
    let high = model.compute(&vec![(
        parameter.name.clone(),
        end(parameter, true).unwrap(),
    )]);
    assert!(low.bytes[0] != high.bytes[0]);
}

#[test]
fn lifting_the_lid_changes_the_picture_and_not_the_print() {
    let model = Model::load("enclosure");
    let closed = model.compute(&model.with("opening", 0.0));
    let open = model.compute(&model.with("opening", 60.0));
    assert!(closed.bytes[0] != open.bytes[0]);
    assert!((closed.stl.volume() - open.stl.volume()).abs() < 0.01 * closed.stl.volume());
}

#[test]
fn every_style_of_the_lamp_prints_in_one_piece() {
    let model = Model::load("lamp");
    for style in 0..4 {
        let found = model.compute(&vec![(
            "style".to_owned(),
            RawValue::Text(style.to_string()),
        )]);
        assert_eq!(found.stl.pieces(), 1, "style {style}");
    }
}

/// Bytes of all results of some values, one after the other in one engine.
fn holds_whatever_was_computed_before(name: &'static str, seed: u64) {
    let model = Model::load(name);
    let mut chance = Chance(seed);
    let mut warm = JscadEngine::new();
    let random = |chance: &mut Chance| model.values(|p| Some(chance.value(p)));
    // A slider that goes away and comes back; then everything at once.
    let mut sets = vec![Values::new()];
    sets.extend(model.definition.parameters.iter().filter_map(|parameter| {
        let value = end(parameter, true)?;
        Some(vec![(parameter.name.clone(), value)])
    }));
    sets.extend([Values::new(), random(&mut chance), Values::new()]);
    for values in sets {
        let (customization, _) = resolve(&model.definition, &values, false).unwrap();
        let before = processor_ms();
        let mut reused = model.run_in(&mut warm, &customization, &values);
        let between = processor_ms();
        let mut fresh = model.run(&customization, &values);
        println!(
            "{name}: {} ms of processor time where the engine is warm, {} ms where it is fresh, {values:?}",
            between - before,
            processor_ms() - between
        );
        assert!(
            reused.take_bodies() == fresh.take_bodies(),
            "{name} with {values:?}"
        );
    }
}

#[test]
fn the_shelf_is_the_same_whatever_was_computed_before() {
    holds_whatever_was_computed_before("shelf", 21);
}

#[test]
fn the_enclosure_is_the_same_whatever_was_computed_before() {
    holds_whatever_was_computed_before("enclosure", 22);
}

#[test]
fn the_lamp_is_the_same_whatever_was_computed_before() {
    holds_whatever_was_computed_before("lamp", 23);
}
