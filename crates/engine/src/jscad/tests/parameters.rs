//! Parameter definitions of every type.

use serde_json::json;
use vitrine_model::{Definition, EngineError, ParameterKind, RawValue, Value};

use super::{HEAD, compute_with, describe};

const ALL: &str = "
function getParameterDefinitions () {
  return [
    { name: 'size', type: 'group', caption: 'Size' },
    { name: 'width', caption: 'Width', type: 'int', initial: 120, min: 10, max: 500, step: 10 },
    { name: 'wall', caption: 'Wall', type: 'float', initial: 2.5, min: 0.8, max: 6, step: 0.1 },
    { name: 'depth', type: 'number', default: 3 },
    { name: 'steps', type: 'slider', initial: 4, min: 1, max: 9, step: 1 },
    { name: 'fine', type: 'slider', initial: 0.5, min: 0, max: 1, step: 0.25 },
    { name: 'look', type: 'group', caption: 'Look' },
    { name: 'lid', type: 'checkbox', checked: true },
    { name: 'wood', type: 'choice', values: ['o', 'b'], captions: ['Oak', 'Beech'], initial: 'b' },
    { name: 'count', type: 'radio', values: [1, 2, 4], initial: 2 },
    { name: 'label', type: 'text', initial: 'Hello', maxLength: 20 },
    { name: 'tint', type: 'color', initial: '#ff8000' },
    { name: 'day', type: 'date', initial: '2026-11-21' },
    { name: 'mail', type: 'email' },
    { name: 'site', type: 'url' },
    { name: 'secret', type: 'password' },
    { name: 'legs', type: 'int', initial: 4, min: 2, max: 8 },
    { name: 'teeth', type: 'int', initial: 5, odd: true }
  ]
}
";

fn script() -> String {
    format!(
        "{HEAD}{ALL}const main = (params) => primitives.cuboid({{ size: [params.width, 1, 1] }})\n\
         module.exports = {{ main, getParameterDefinitions, vitrine: {{ \
         parameters: {{ legs: {{ even: true, group: 'Frame', order: 3, tooltip: 'How many.', hidden: true, displayname: 'Legs' }}, \
         depth: {{ decimals: 3 }} }}, data: {{ report: (params) => params }} }} }}"
    )
}

fn kind_of(definition: &Definition, name: &str) -> ParameterKind {
    let found = definition.parameters.iter().find(|p| p.name == name);
    found.unwrap().kind.clone()
}

#[test]
fn numbers_become_their_kinds() {
    let definition = describe(&script()).unwrap();
    let kind = |name: &str| kind_of(&definition, name);
    assert_eq!(definition.parameters.len(), 16);
    assert_eq!(
        kind("width"),
        ParameterKind::Int {
            min: Some(10),
            max: Some(500),
            step: Some(10)
        }
    );
    assert_eq!(
        kind("wall"),
        ParameterKind::Float {
            min: Some(0.8),
            max: Some(6.0),
            decimals: 1
        }
    );
    assert_eq!(
        kind("depth"),
        ParameterKind::Float {
            min: None,
            max: None,
            decimals: 3
        }
    );
    assert_eq!(
        kind("steps"),
        ParameterKind::Int {
            min: Some(1),
            max: Some(9),
            step: Some(1)
        }
    );
    assert_eq!(
        kind("fine"),
        ParameterKind::Float {
            min: Some(0.0),
            max: Some(1.0),
            decimals: 2
        }
    );
    assert_eq!(
        kind("legs"),
        ParameterKind::Even {
            min: Some(2),
            max: Some(8)
        }
    );
    assert_eq!(
        kind("teeth"),
        ParameterKind::Odd {
            min: None,
            max: None
        }
    );
}

#[test]
fn everything_else_becomes_its_kind() {
    let definition = describe(&script()).unwrap();
    let kind = |name: &str| kind_of(&definition, name);
    assert_eq!(kind("lid"), ParameterKind::Bool);
    assert_eq!(
        kind("wood"),
        ParameterKind::StringList {
            choices: vec!["Oak".into(), "Beech".into()],
            multiple: false,
            values: vec![json!("o"), json!("b")]
        }
    );
    assert_eq!(kind("label"), ParameterKind::String { max_length: 20 });
    assert_eq!(kind("tint"), ParameterKind::Color);
    for text in ["day", "mail", "site", "secret"] {
        assert!(matches!(kind(text), ParameterKind::String { .. }));
    }
}

#[test]
fn groups_defaults_and_extras_arrive() {
    let definition = describe(&script()).unwrap();
    let find = |name: &str| {
        definition
            .parameters
            .iter()
            .find(|p| p.name == name)
            .unwrap()
    };
    assert_eq!(find("width").group.as_ref().unwrap().name, "Size");
    assert_eq!(find("width").displayname.as_deref(), Some("Width"));
    assert_eq!(find("lid").group.as_ref().unwrap().name, "Look");
    assert_eq!(find("lid").default, Value::Bool(true));
    assert_eq!(find("wood").default, Value::Choice(vec![1]));
    assert_eq!(find("tint").default, Value::Color([255, 128, 0, 255]));
    let legs = find("legs");
    assert_eq!(legs.group.as_ref().unwrap().name, "Frame");
    assert_eq!((legs.order, legs.hidden), (Some(3), true));
    assert_eq!(legs.tooltip.as_deref(), Some("How many."));
    assert_eq!(legs.displayname.as_deref(), Some("Legs"));
}

#[test]
fn the_script_reads_values_as_in_jscad() {
    let results = compute_with(
        &script(),
        &[
            ("wood", RawValue::Text("0".into())),
            ("count", RawValue::Text("2".into())),
            ("tint", RawValue::Text("0x11223380".into())),
            ("lid", RawValue::Text("false".into())),
            ("wall", RawValue::Text("3.14".into())),
        ],
    );
    let vitrine_model::Body::Data(seen) = &results.items[1].content[0].body else {
        panic!("no data");
    };
    assert_eq!(seen["wood"], json!("o"));
    assert_eq!(seen["count"], json!(4));
    assert_eq!(seen["tint"], json!("#11223380"));
    assert_eq!(seen["lid"], json!(false));
    assert_eq!(seen["wall"], json!(3.1));
    assert_eq!(seen["width"], json!(120));
    assert_eq!(seen["day"], json!("2026-11-21"));
}

#[test]
fn wrong_definitions_are_explained() {
    let cases = [
        ("'x'", "must return an array"),
        ("[{ type: 'int' }]", "has no name"),
        (
            "[{ name: 'a', type: 'rainbow' }]",
            "the type 'rainbow' is unknown",
        ),
        (
            "[{ name: 'a', type: 'int', initial: 1.5 }]",
            "initial must be a whole number",
        ),
        ("[{ name: 'a', type: 'int', initial: 5, max: 4 }]", "\"a\""),
        ("[{ name: 'a', type: 'choice' }]", "a choice needs values"),
        (
            "[{ name: 'a', type: 'choice', values: [1, 2], captions: ['one'] }]",
            "2 values but 1 captions",
        ),
        (
            "[{ name: 'a', type: 'choice', values: [1, 2], initial: 3 }]",
            "not one of the values",
        ),
        (
            "[{ name: 'a', type: 'color', initial: 'reddish' }]",
            "must be a colour",
        ),
        (
            "[{ name: 'a', type: 'int' }, { name: 'a', type: 'int' }]",
            "twice",
        ),
        ("[7]", "entry 1"),
    ];
    for (definitions, expected) in cases {
        let error = describe(&format!(
            "{HEAD}const main = () => primitives.cuboid()\n\
             module.exports = {{ main, getParameterDefinitions: () => {definitions} }}"
        ))
        .unwrap_err();
        assert!(
            matches!(error, EngineError::BadModel { .. }),
            "{definitions}: {error}"
        );
        assert!(
            error.to_string().contains(expected),
            "{definitions}: {error}"
        );
    }
}
