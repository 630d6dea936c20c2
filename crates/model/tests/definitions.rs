//! Stored form, bounds and look-ups of definitions.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails here is a failed test"
)]

use serde_json::json;
use vitrine_model::limits::{
    CHOICE_LENGTH_MAX, CHOICES_MAX, DEFINITION_BYTES_MAX, EXPORTS_MAX, FILE_FORMATS_MAX,
    FILE_SIZE_MAX, NAME_LENGTH_MAX, OUTPUTS_MAX, PARAMETERS_MAX, SETTINGS_BYTES_MAX,
    STRING_LENGTH_MAX, TOOLTIP_LENGTH_MAX,
};
use vitrine_model::{
    Definition, Export, ExportFormat, ExportSource, Group, Output, OutputId, OutputKind, Parameter,
    ParameterId, ParameterKind, ParameterProblem, RawValue, Value, resolve,
};

const LINEAGE: &str = "2f0c3a52-6c1f-4d53-9df4-0a4f2f6a8f11";
const GOLDEN: &str = include_str!("golden/definition-v1.json");

fn parameter(name: &str, kind: ParameterKind, default: Value) -> Parameter {
    Parameter::new(LINEAGE, name, kind, default)
}

fn count() -> ParameterKind {
    ParameterKind::Int {
        min: Some(1),
        max: Some(9),
        step: Some(2),
    }
}

fn empty() -> Definition {
    Definition::default()
}

fn with(parameter: Parameter) -> Definition {
    Definition {
        parameters: vec![parameter],
        ..empty()
    }
}

/// One of everything.
#[expect(clippy::too_many_lines, reason = "a list")]
fn full() -> Definition {
    let mut shelves = parameter("shelves", count(), Value::Int(3));
    shelves.group = Some(Group {
        id: "size".to_owned(),
        name: "Size".to_owned(),
    });
    shelves.order = Some(2);
    shelves.tooltip = Some("Between the sides".to_owned());
    shelves.displayname = Some("Number of shelves".to_owned());
    shelves.settings = Some(json!({"unit": "pieces"}));
    let mut secret = parameter(
        "width",
        ParameterKind::Float {
            min: Some(10.0),
            max: None,
            decimals: 1,
        },
        Value::Float(80.5),
    );
    secret.hidden = true;
    let woods = vec!["Oak".to_owned(), "Pine".to_owned()];
    let parameters = vec![
        shelves,
        secret,
        parameter(
            "legs",
            ParameterKind::Even {
                min: Some(2),
                max: Some(8),
            },
            Value::Int(4),
        ),
        parameter(
            "rungs",
            ParameterKind::Odd {
                min: None,
                max: None,
            },
            Value::Int(-1),
        ),
        parameter("lid", ParameterKind::Bool, Value::Bool(true)),
        parameter(
            "label",
            ParameterKind::String { max_length: 20 },
            Value::Text("Böks".to_owned()),
        ),
        parameter(
            "wood",
            ParameterKind::StringList {
                choices: woods.clone(),
                multiple: false,
                values: vec![json!("oak"), json!(2)],
            },
            Value::Choice(vec![1]),
        ),
        parameter(
            "extras",
            ParameterKind::StringList {
                choices: woods,
                multiple: true,
                values: vec![],
            },
            Value::Choice(vec![]),
        ),
        parameter(
            "paint",
            ParameterKind::Color,
            Value::Color([255, 136, 0, 255]),
        ),
        parameter(
            "picture",
            ParameterKind::File {
                formats: vec!["image/png".to_owned()],
                size_max: 1_000_000,
            },
            Value::File(None),
        ),
    ];
    let all: Vec<ParameterId> = parameters.iter().map(|p| p.id.clone()).collect();
    let mut model = Output::new(LINEAGE, "model", OutputKind::Geometry, all.clone());
    model.order = Some(1);
    let mut price = Output::new(LINEAGE, "price", OutputKind::Data, all[..2].to_vec());
    price.hidden = true;
    price.material = Some(model.id.clone());
    let from_model = ExportSource::Output(model.id.clone());
    let exports = vec![
        Export::new(
            LINEAGE,
            "print",
            ExportFormat::ThreeMf,
            from_model,
            all.clone(),
        ),
        Export::new(
            LINEAGE,
            "cut list",
            ExportFormat::Dxf,
            ExportSource::Own,
            all,
        ),
    ];
    Definition {
        parameters,
        outputs: vec![model, price],
        exports,
    }
}

#[test]
fn the_stored_form_is_the_one_of_the_golden_file() {
    let text = serde_json::to_string_pretty(&full()).unwrap();
    assert_eq!(
        text.trim(),
        GOLDEN.trim(),
        "definitions that are stored already must stay readable"
    );
}

#[test]
fn the_golden_file_is_read_back_whole() {
    let read: Definition = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(read, full());
    read.validate().unwrap();
}

#[test]
fn ids_stay_the_same_over_uploads_and_differ_between_models_and_kinds() {
    let id = ParameterId::derive(LINEAGE, "width");
    assert_eq!(id, ParameterId::derive(LINEAGE, "width"));
    assert_ne!(id, ParameterId::derive("other", "width"));
    assert_ne!(id, ParameterId::derive(LINEAGE, "height"));
    let output = Output::new(LINEAGE, "model", OutputKind::Geometry, vec![]);
    let export = Export::new(
        LINEAGE,
        "model",
        ExportFormat::Stl,
        ExportSource::Own,
        vec![],
    );
    assert_ne!(output.id.as_str(), export.id.as_str());
    assert_ne!(output.uid, export.uid);
    assert_eq!(output.id.as_str().len(), 32);
    assert_eq!(id.as_str().len(), 36);
}

#[test]
fn ids_are_read_strictly() {
    let id = ParameterId::derive(LINEAGE, "width");
    assert_eq!(id.as_str().parse::<ParameterId>(), Ok(id.clone()));
    assert_eq!(
        id.as_str().to_uppercase().parse::<ParameterId>(),
        Ok(id.clone())
    );
    let plain = id.as_str().replace('-', "");
    assert!(plain.parse::<ParameterId>().is_err());
    assert!(id.as_str().parse::<OutputId>().is_err());
    for text in ["", "width", "-", "é"] {
        assert!(text.parse::<ParameterId>().is_err());
        assert!(text.parse::<OutputId>().is_err());
    }
}

#[test]
fn keys_are_found_by_id_then_name_then_display_name() {
    let mut one = parameter("a", count(), Value::Int(1));
    one.displayname = Some("b".to_owned());
    let two = parameter("b", count(), Value::Int(1));
    let (first, second) = (one.id.clone(), two.id.clone());
    let definition = Definition {
        parameters: vec![one, two],
        ..empty()
    };
    let found = |key: &str| definition.parameter_by_key(key).map(|p| p.id.clone());
    assert_eq!(found(first.as_str()), Some(first.clone()));
    assert_eq!(found("a"), Some(first));
    assert_eq!(found("b"), Some(second));
    assert_eq!(found("c"), None);
}

#[test]
fn unknown_parameters_are_refused_or_ignored_as_asked() {
    let raw = [("colour".to_owned(), RawValue::Bool(true))];
    let error = resolve(&full(), &raw, false).unwrap_err();
    assert_eq!(error.problem, ParameterProblem::Unknown);
    assert!(
        error
            .to_string()
            .starts_with("Parameter \"colour\": the model has no parameter")
    );
    let (_, warnings) = resolve(&full(), &raw, true).unwrap();
    assert_eq!(
        warnings,
        ["Parameter \"colour\" is unknown and was ignored."]
    );
    let many: Vec<_> = (0..1000)
        .map(|i| (format!("p{i}"), RawValue::Bool(true)))
        .collect();
    let (_, warnings) = resolve(&full(), &many, true).unwrap();
    assert_eq!(warnings.len(), 21);
}

#[test]
fn a_parameter_that_is_set_twice_is_refused() {
    let id = full().parameters[0].id.to_string();
    let raw = [
        (id, RawValue::Number(1.0)),
        ("shelves".to_owned(), RawValue::Number(1.0)),
    ];
    let error = resolve(&full(), &raw, false).unwrap_err();
    assert_eq!(
        (error.parameter.as_str(), error.problem),
        ("shelves", ParameterProblem::Repeated)
    );
}

#[test]
fn every_default_is_accepted_when_a_client_sends_it_back() {
    let definition = full();
    let raw: Vec<(String, RawValue)> = definition
        .parameters
        .iter()
        .map(|p| (p.id.to_string(), RawValue::Text(p.default_wire())))
        .collect();
    let (values, _) = resolve(&definition, &raw, false).unwrap();
    assert_eq!(values, vitrine_model::Customization::defaults(&definition));
}

fn many_parameters(count: usize) -> Definition {
    let make = |i| parameter(&format!("p{i}"), ParameterKind::Bool, Value::Bool(true));
    Definition {
        parameters: (0..count).map(make).collect(),
        ..empty()
    }
}

fn many_outputs(count: usize) -> Definition {
    let make = |i| Output::new(LINEAGE, &format!("o{i}"), OutputKind::Data, vec![]);
    Definition {
        outputs: (0..count).map(make).collect(),
        ..empty()
    }
}

fn many_exports(count: usize) -> Definition {
    let make = |i| {
        Export::new(
            LINEAGE,
            &format!("e{i}"),
            ExportFormat::Stl,
            ExportSource::Own,
            vec![],
        )
    };
    Definition {
        exports: (0..count).map(make).collect(),
        ..empty()
    }
}

fn long_name(length: usize) -> Definition {
    with(parameter(
        &"ä".repeat(length),
        ParameterKind::Bool,
        Value::Bool(true),
    ))
}

fn long_tooltip(length: usize) -> Definition {
    let mut one = parameter("a", ParameterKind::Bool, Value::Bool(true));
    one.tooltip = Some("x".repeat(length));
    with(one)
}

fn many_choices(count: usize) -> Definition {
    let choices = vec!["x".to_owned(); count];
    let kind = ParameterKind::StringList {
        choices,
        multiple: false,
        values: vec![],
    };
    with(parameter("a", kind, Value::Choice(vec![0])))
}

fn long_text(max_length: usize) -> Definition {
    let max_length = u32::try_from(max_length).unwrap();
    with(parameter(
        "a",
        ParameterKind::String { max_length },
        Value::Text(String::new()),
    ))
}

fn long_choice(length: usize) -> Definition {
    let choices = vec!["x".repeat(length)];
    let kind = ParameterKind::StringList {
        choices,
        multiple: true,
        values: vec![],
    };
    with(parameter("a", kind, Value::Choice(vec![])))
}

fn many_formats(count: usize) -> Definition {
    let kind = ParameterKind::File {
        formats: vec!["image/png".to_owned(); count],
        size_max: 1,
    };
    with(parameter("a", kind, Value::File(None)))
}

fn large_file(size_max: usize) -> Definition {
    let kind = ParameterKind::File {
        formats: vec![],
        size_max: size_max as u64,
    };
    with(parameter("a", kind, Value::File(None)))
}

fn large_settings(bytes: usize) -> Definition {
    let mut one = parameter("a", ParameterKind::Bool, Value::Bool(true));
    one.settings = Some(json!({ "x": "y".repeat(bytes - "{\"x\":\"\"}".len()) }));
    with(one)
}

/// Parameters whose settings are filled up until the whole has the wanted size.
fn large_definition(bytes: usize) -> Definition {
    const FILL_MAX: usize = 60_000;
    let filled = |length: usize| Some(json!({ "x": "y".repeat(length) }));
    let mut definition = many_parameters(bytes / FILL_MAX + 1);
    for parameter in &mut definition.parameters {
        parameter.settings = filled(0);
    }
    let mut missing = bytes - serde_json::to_vec(&definition).unwrap().len();
    for parameter in &mut definition.parameters {
        let length = missing.min(FILL_MAX);
        parameter.settings = filled(length);
        missing -= length;
    }
    definition
}

#[test]
fn every_bound_holds_at_its_limit_and_not_beyond() {
    type Make = fn(usize) -> Definition;
    let bounds: [(&str, usize, Make); 12] = [
        ("characters of a choice", CHOICE_LENGTH_MAX, long_choice),
        ("accepted formats", FILE_FORMATS_MAX, many_formats),
        (
            "largest file",
            usize::try_from(FILE_SIZE_MAX).unwrap(),
            large_file,
        ),
        ("settings", SETTINGS_BYTES_MAX, large_settings),
        ("bytes as JSON", DEFINITION_BYTES_MAX, large_definition),
        ("parameters", PARAMETERS_MAX, many_parameters),
        ("outputs", OUTPUTS_MAX, many_outputs),
        ("exports", EXPORTS_MAX, many_exports),
        ("name", NAME_LENGTH_MAX, long_name),
        ("tooltip", TOOLTIP_LENGTH_MAX, long_tooltip),
        ("choices", CHOICES_MAX, many_choices),
        ("characters", STRING_LENGTH_MAX as usize, long_text),
    ];
    for (what, bound, make) in bounds {
        assert_eq!(make(bound).validate(), Ok(()), "{what}");
        let error = make(bound + 1).validate().unwrap_err();
        assert!(error.problem.contains(what), "{error}");
    }
}

#[test]
fn definitions_that_contradict_themselves_are_refused() {
    let mut twice = many_parameters(1);
    twice.parameters.push(twice.parameters[0].clone());
    let mut orphan = many_outputs(1);
    orphan.outputs[0].dependency = vec![ParameterId::derive(LINEAGE, "gone")];
    let mut data = many_outputs(1);
    let source = ExportSource::Output(data.outputs[0].id.clone());
    data.exports = vec![Export::new(LINEAGE, "e", ExportFormat::Stl, source, vec![])];
    let float = |min, max, decimals, default| {
        let kind = ParameterKind::Float {
            min: Some(min),
            max: Some(max),
            decimals,
        };
        with(parameter("a", kind, Value::Float(default)))
    };
    let list = |choices: &[&str], values: usize, default| {
        let choices = choices.iter().map(|c| (*c).to_owned()).collect();
        let kind = ParameterKind::StringList {
            choices,
            multiple: false,
            values: vec![json!(1); values],
        };
        with(parameter("a", kind, Value::Choice(default)))
    };
    let cases = [
        (twice, "stands twice"),
        (orphan, "does not exist"),
        (data, "only geometry"),
        (float(2.0, 1.0, 0, 1.0), "above its largest"),
        (float(0.05, 1.0, 1, 1.0), "decimal places"),
        (float(0.0, 1.0, 11, 1.0), "decimal places"),
        (float(0.0, 1.0, 2, 1.5), "default"),
        (float(0.0, 1.0, 2, 0.005), "default"),
        (float(0.0, 1.0, 2, f64::NAN), "default"),
        (float(0.0, f64::INFINITY, 2, 0.0), "range"),
        (list(&[], 0, vec![0]), "no choices"),
        (list(&["x"], 2, vec![0]), "values"),
        (list(&["x"], 1, vec![1]), "default"),
        (list(&["x"], 1, vec![]), "default"),
        (with(parameter("a", count(), Value::Bool(true))), "default"),
        (with(parameter("a", count(), Value::Int(10))), "default"),
        (
            with(parameter(" ", ParameterKind::Bool, Value::Bool(true))),
            "empty",
        ),
        (
            with(parameter("a\n", ParameterKind::Bool, Value::Bool(true))),
            "control",
        ),
    ];
    for (definition, what) in cases {
        let error = definition.validate().unwrap_err();
        assert!(
            error.to_string().contains(what),
            "{error} should say: {what}"
        );
    }
}
