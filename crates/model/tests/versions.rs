//! Versions depend on everything that can change a result and on nothing else.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails here is a failed test"
)]

use proptest::prelude::*;
use vitrine_access::BlobKey;
use vitrine_model::{
    Customization, Definition, Export, ExportFormat, ExportSource, Output, OutputKind, Parameter,
    ParameterId, ParameterKind, RawValue, Value, Version, output_version, resolve,
};

const LINEAGE: &str = "2f0c3a52-6c1f-4d53-9df4-0a4f2f6a8f11";

#[expect(clippy::too_many_lines, reason = "a list")]
fn definition() -> Definition {
    let choices = vec!["oak".to_owned(), "pine".to_owned(), "ash".to_owned()];
    let p = |name: &str, kind, default| Parameter::new(LINEAGE, name, kind, default);
    let parameters = vec![
        p(
            "count",
            ParameterKind::Int {
                min: None,
                max: None,
                step: None,
            },
            Value::Int(1),
        ),
        p(
            "even",
            ParameterKind::Even {
                min: None,
                max: None,
            },
            Value::Int(2),
        ),
        p(
            "odd",
            ParameterKind::Odd {
                min: None,
                max: None,
            },
            Value::Int(1),
        ),
        p(
            "width",
            ParameterKind::Float {
                min: None,
                max: None,
                decimals: 3,
            },
            Value::Float(1.0),
        ),
        p("lid", ParameterKind::Bool, Value::Bool(true)),
        p(
            "label",
            ParameterKind::String { max_length: 50 },
            Value::Text(String::new()),
        ),
        p(
            "wood",
            ParameterKind::StringList {
                choices: choices.clone(),
                multiple: false,
                values: vec![],
            },
            Value::Choice(vec![0]),
        ),
        p(
            "extras",
            ParameterKind::StringList {
                choices,
                multiple: true,
                values: vec![],
            },
            Value::Choice(vec![]),
        ),
        p("paint", ParameterKind::Color, Value::Color([1, 2, 3, 4])),
    ];
    let all: Vec<ParameterId> = parameters.iter().map(|p| p.id.clone()).collect();
    let model = Output::new(LINEAGE, "model", OutputKind::Geometry, all.clone());
    let width = Output::new(LINEAGE, "price", OutputKind::Data, vec![all[3].clone()]);
    let source = ExportSource::Output(model.id.clone());
    let exports = vec![Export::new(
        LINEAGE,
        "model",
        ExportFormat::Stl,
        source,
        all,
    )];
    Definition {
        parameters,
        outputs: vec![model, width],
        exports,
    }
}

fn values(raw: &[(&str, &str)]) -> Customization {
    let raw: Vec<(String, RawValue)> = raw
        .iter()
        .map(|(k, v)| ((*k).to_owned(), RawValue::Text((*v).to_owned())))
        .collect();
    resolve(&definition(), &raw, false).unwrap().0
}

fn version(output: usize, values: &Customization) -> Version {
    let definition = definition();
    let source = BlobKey::of(b"model file");
    definition.version_of_output(&source, "engine 1", &definition.outputs[output], values)
}

#[test]
fn the_definition_of_these_tests_is_valid() {
    definition().validate().unwrap();
}

#[test]
fn different_spellings_of_equal_values_give_one_version() {
    let one = values(&[
        ("count", "2"),
        ("width", "1.5"),
        ("extras", "0,2"),
        ("paint", "#ff8800"),
    ]);
    let two = values(&[
        ("paint", "0xFF8800FF"),
        ("extras", "2, 0"),
        ("count", "2.0"),
        ("width", "1.5000"),
    ]);
    assert_eq!(one, two);
    assert_eq!(version(0, &one), version(0, &two));
}

#[test]
fn a_default_said_or_unsaid_is_the_same() {
    assert_eq!(
        version(0, &values(&[])),
        version(0, &values(&[("count", "1")]))
    );
}

#[test]
fn a_parameter_outside_the_dependency_leaves_the_version_alone() {
    let (one, two) = (values(&[("count", "1")]), values(&[("count", "2")]));
    assert_ne!(version(0, &one), version(0, &two));
    assert_eq!(version(1, &one), version(1, &two));
}

#[test]
fn source_engine_id_and_kind_change_the_version() {
    let definition = definition();
    let values = Customization::defaults(&definition);
    let (output, export) = (&definition.outputs[0], &definition.exports[0]);
    let (one, two) = (BlobKey::of(b"1"), BlobKey::of(b"2"));
    let versions = [
        definition.version_of_output(&one, "engine 1", output, &values),
        definition.version_of_output(&two, "engine 1", output, &values),
        definition.version_of_output(&one, "engine 2", output, &values),
        definition.version_of_output(&one, "engine 1", &definition.outputs[1], &values),
        definition.version_of_export(&one, "engine 1", export, &values),
    ];
    let distinct: std::collections::BTreeSet<_> = versions.iter().collect();
    assert_eq!(distinct.len(), versions.len());
}

#[test]
fn field_borders_are_part_of_the_hash() {
    let id = |name: &str| ParameterId::derive(LINEAGE, name);
    let output = Output::new(LINEAGE, "model", OutputKind::Geometry, vec![]).id;
    let source = BlobKey::of(b"1");
    let one = [(id("a"), "12".to_owned()), (id("b"), String::new())];
    let two = [(id("a"), "1".to_owned()), (id("b"), "2".to_owned())];
    assert_ne!(
        output_version(&source, "e", &output, &one),
        output_version(&source, "e", &output, &two)
    );
    let turned = [one[1].clone(), one[0].clone()];
    assert_eq!(
        output_version(&source, "e", &output, &one),
        output_version(&source, "e", &output, &turned)
    );
}

#[test]
fn a_version_reads_its_own_text_and_no_other() {
    let version = version(0, &values(&[]));
    let text = version.to_string();
    assert_eq!(text.len(), 32);
    assert_eq!(text.parse::<Version>(), Ok(version));
    assert!(format!("{text}0").parse::<Version>().is_err());
    assert!("A".repeat(32).parse::<Version>().is_err());
    assert!("é".repeat(16).parse::<Version>().is_err());
}

/// One value for each parameter of the definition, in its order.
fn any_values() -> impl Strategy<Value = Vec<Value>> {
    let whole = -(1_i64 << 52)..=(1_i64 << 52);
    (
        (
            whole.clone(),
            whole.clone(),
            whole,
            -1e12_f64..=1e12,
            any::<bool>(),
        ),
        (
            ".{0,50}",
            0_u32..3,
            proptest::collection::btree_set(0_u32..3, 0..=3),
            any::<[u8; 4]>(),
        ),
    )
        .prop_map(
            |((count, even, odd, width, lid), (label, wood, extras, paint))| {
                vec![
                    Value::Int(count),
                    Value::Int(even & !1),
                    Value::Int(odd | 1),
                    Value::Float(vitrine_model::round_to_decimals(width, 3)),
                    Value::Bool(lid),
                    Value::Text(label),
                    Value::Choice(vec![wood]),
                    Value::Choice(extras.into_iter().collect()),
                    Value::Color(paint),
                ]
            },
        )
}

fn customization(values: &[Value]) -> Customization {
    let definition = definition();
    let raw: Vec<(String, RawValue)> = definition
        .parameters
        .iter()
        .zip(values)
        .map(|(p, value)| (p.name.clone(), RawValue::Text(p.to_wire(value))))
        .collect();
    resolve(&definition, &raw, false).unwrap().0
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_value_back(values in any_values()) {
        for (parameter, value) in definition().parameters.iter().zip(&values) {
            let wire = parameter.to_wire(value);
            let read = parameter.parse_value(&RawValue::Text(wire)).unwrap();
            prop_assert_eq!(&read, value);
        }
    }

    #[test]
    fn stored_values_come_back_exactly(values in any_values()) {
        let text = serde_json::to_string(&customization(&values)).unwrap();
        let back: Customization = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back, customization(&values));
    }

    #[test]
    fn versions_are_equal_exactly_when_values_are(one in any_values(), two in any_values()) {
        let (a, b) = (customization(&one), customization(&two));
        prop_assert_eq!(a == b, version(0, &a) == version(0, &b));
        prop_assert_eq!(version(0, &a), version(0, &customization(&one)));
    }

    #[test]
    fn changing_one_value_changes_the_version(one in any_values(), two in any_values(), at in 0_usize..9) {
        let mut changed = one.clone();
        changed[at] = two[at].clone();
        let (a, b) = (customization(&one), customization(&changed));
        prop_assert_eq!(one == changed, version(0, &a) == version(0, &b));
    }

    #[test]
    fn json_numbers_and_their_texts_mean_the_same(number in -1e12_f64..=1e12) {
        let definition = definition();
        let width = &definition.parameters[3];
        let text = width.parse_value(&RawValue::Text(number.to_string())).unwrap();
        prop_assert_eq!(text, width.parse_value(&RawValue::Number(number)).unwrap());
    }

    #[test]
    fn no_text_at_all_upsets_the_parser(text in "\\PC{0,40}") {
        for parameter in &definition().parameters {
            if let Ok(value) = parameter.parse_value(&RawValue::Text(text.clone())) {
                let wire = RawValue::Text(parameter.to_wire(&value));
                prop_assert_eq!(parameter.parse_value(&wire).unwrap(), value);
            }
        }
    }
}
