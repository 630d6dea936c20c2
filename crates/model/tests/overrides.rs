//! What authors change of a definition, and what of it outlives a new version of the file.

use vitrine_model::overrides::{Change, Overrides, ParameterOverride, Presentation};
use vitrine_model::{
    Customization, Definition, Export, ExportFormat, ExportSource, Group, Output, OutputKind,
    Parameter, ParameterKind, RawValue, Value,
};

const LINEAGE: &str = "6f0c0b5e-1f6b-4b52-9c55-0a7c3c1c2a11";

fn width(max: i64) -> Parameter {
    let kind = ParameterKind::Int {
        min: Some(10),
        max: Some(max),
        step: None,
    };
    Parameter::new(LINEAGE, "width", kind, Value::Int(40))
}

fn wood(choices: &[&str]) -> Parameter {
    let kind = ParameterKind::StringList {
        choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
        multiple: false,
        values: Vec::new(),
    };
    Parameter::new(LINEAGE, "wood", kind, Value::Choice(vec![0]))
}

fn definition(parameters: Vec<Parameter>) -> Definition {
    let dependency = parameters.iter().map(|p| p.id.clone()).collect();
    let output = Output::new(LINEAGE, "model", OutputKind::Geometry, dependency);
    let export = Export::new(
        LINEAGE,
        "stl",
        ExportFormat::Stl,
        ExportSource::Output(output.id.clone()),
        Vec::new(),
    );
    Definition {
        parameters,
        outputs: vec![output],
        exports: vec![export],
    }
}

fn text(value: &str) -> RawValue {
    RawValue::Text(value.to_owned())
}

fn pairs(values: &[(&str, &str)]) -> Vec<(String, RawValue)> {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), text(value));
    values.iter().map(pair).collect()
}

fn named(displayname: &str) -> Presentation {
    Presentation {
        displayname: Some(Change::To(displayname.to_owned())),
        ..Presentation::default()
    }
}

#[test]
fn a_changed_default_is_the_default_and_names_another_version() {
    let described = definition(vec![width(100), wood(&["oak", "ash"])]);
    let mut overrides = Overrides::default();
    overrides
        .set_defaults(&described, &pairs(&[("width", "55"), ("wood", "1")]), false)
        .unwrap();
    let shown = overrides.apply(&described);
    assert_eq!(shown.parameters[0].default_wire(), "55");
    assert_eq!(shown.parameters[1].default_wire(), "1");
    let source = vitrine_access::BlobKey::of(b"file");
    let version = |definition: &Definition| {
        let values = Customization::defaults(definition);
        definition.version_of_output(&source, "e", &definition.outputs[0], &values)
    };
    assert_ne!(version(&shown), version(&described));
    let back = pairs(&[("width", "40"), ("wood", "0")]);
    overrides.set_defaults(&described, &back, false).unwrap();
    assert_eq!(version(&overrides.apply(&described)), version(&described));
}

#[test]
fn a_default_outside_of_its_range_is_refused_and_nothing_changes() {
    let described = definition(vec![width(100), wood(&["oak"])]);
    let mut overrides = Overrides::default();
    for (key, value) in [
        ("width", "101"),
        ("width", "9"),
        ("width", "x"),
        ("wood", "1"),
    ] {
        let values = pairs(&[(key, value)]);
        let error = overrides.set_defaults(&described, &values, false);
        assert!(
            error.unwrap_err().to_string().contains(key),
            "{key} {value}"
        );
    }
    let half = pairs(&[("width", "20"), ("wood", "7")]);
    assert!(overrides.set_defaults(&described, &half, false).is_err());
    let unknown = pairs(&[("depth", "20")]);
    assert!(overrides.set_defaults(&described, &unknown, false).is_err());
    assert!(overrides.set_defaults(&described, &unknown, true).is_ok());
    let id = described.parameters[0].id.to_string();
    let twice = pairs(&[("width", "20"), (&id, "30")]);
    assert!(overrides.set_defaults(&described, &twice, false).is_err());
    assert!(overrides.is_empty());
}

#[test]
fn a_new_version_keeps_what_still_fits() {
    let first = definition(vec![width(100), wood(&["oak", "ash"])]);
    let mut overrides = Overrides::default();
    let defaults = pairs(&[("width", "90"), ("wood", "1")]);
    overrides.set_defaults(&first, &defaults, false).unwrap();
    let id = first.parameters[0].id.to_string();
    let change = ParameterOverride {
        presentation: named("Total width"),
        ..ParameterOverride::default()
    };
    overrides
        .present_parameters(&first, vec![(id, change)])
        .unwrap();
    // The choices have changed places: the label counts, not the index.
    let second = definition(vec![width(80), wood(&["ash", "elm", "oak"])]);
    let shown = overrides.apply(&second);
    assert_eq!(shown.parameters[0].default_wire(), "40");
    assert_eq!(
        shown.parameters[0].displayname.as_deref(),
        Some("Total width")
    );
    assert_eq!(shown.parameters[1].default_wire(), "0");
    shown.validate().unwrap();
    let third = definition(vec![wood(&["elm"])]);
    assert_eq!(overrides.apply(&third), third);
    assert_eq!(overrides.that_fit(&third).parameters.len(), 1);
}

#[test]
fn presentation_is_changed_member_by_member_and_taken_away_again() {
    let mut described = definition(vec![width(100)]);
    described.outputs[0].tooltip = Some("as the file says".to_owned());
    let mut overrides = Overrides::default();
    let id = described.outputs[0].id.to_string();
    let group = Group {
        id: "g".to_owned(),
        name: "Group".to_owned(),
    };
    let first = Presentation {
        group: Some(Change::To(group.clone())),
        hidden: Some(true),
        order: Some(7),
        ..named("Shelf")
    };
    overrides
        .present_outputs(&described, vec![(id.clone(), first)])
        .unwrap();
    let second = Presentation {
        displayname: Some(Change::Removed),
        tooltip: Some(Change::Removed),
        ..Presentation::default()
    };
    overrides
        .present_outputs(&described, vec![(id, second)])
        .unwrap();
    let output = overrides.apply(&described).outputs.remove(0);
    assert_eq!((output.displayname, output.tooltip), (None, None));
    assert_eq!(
        (output.group, output.hidden, output.order),
        (Some(group), true, Some(7))
    );
    let id = described.exports[0].id.to_string();
    overrides
        .present_exports(&described, vec![(id, named("For the printer"))])
        .unwrap();
    let export = overrides.apply(&described).exports.remove(0);
    assert_eq!(export.displayname.as_deref(), Some("For the printer"));
}

#[test]
fn unknown_ids_and_texts_beyond_their_bounds_change_nothing() {
    let described = definition(vec![width(100)]);
    let mut overrides = Overrides::default();
    let id = described.outputs[0].id.to_string();
    for (id, change) in [
        ("model".to_owned(), named("by name")),
        (id.clone(), named(&"x".repeat(201))),
        (id.clone(), named("two\nlines")),
    ] {
        assert!(
            overrides
                .present_outputs(&described, vec![(id, change)])
                .is_err()
        );
    }
    assert!(overrides.is_empty());
    let longest = vec![(id, named(&"x".repeat(200)))];
    overrides.present_outputs(&described, longest).unwrap();
}

#[test]
fn the_stored_form_survives_and_takes_new_members() {
    let described = definition(vec![width(100), wood(&["oak", "ash"])]);
    let mut overrides = Overrides::default();
    let defaults = pairs(&[("width", "90"), ("wood", "1")]);
    overrides
        .set_defaults(&described, &defaults, false)
        .unwrap();
    let id = described.outputs[0].id.to_string();
    let change = Presentation {
        group: Some(Change::Removed),
        ..named("Shelf")
    };
    overrides
        .present_outputs(&described, vec![(id, change)])
        .unwrap();
    let stored = serde_json::to_string(&overrides).unwrap();
    assert_eq!(
        serde_json::from_str::<Overrides>(&stored).unwrap(),
        overrides
    );
    assert_eq!(
        serde_json::from_str::<Overrides>("{}").unwrap(),
        Overrides::default()
    );
}
