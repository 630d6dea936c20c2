//! A model's definition.

use serde_json::Number;
use vitrine_model::{
    Customization, Definition, Export, Group, Output, Parameter, ParameterKind, Value,
};

use crate::geometry::wire::{
    CommonsGroup, Directory, ResExportDefinition, ResExportDefinitionType, ResExportOrDefinition,
    ResOutputDefinition, ResOutputOrDefinition, ResParameter, ResParameterType,
    ResVisualizationType,
};

/// The parameters in the author's order. `values` stands for the defaults where a session started
/// from saved values: user interfaces show what `defval` says.
#[must_use]
pub fn parameters(
    definition: &Definition,
    values: Option<&Customization>,
) -> Directory<ResParameter> {
    definition
        .parameters
        .iter()
        .map(|parameter| {
            let value = values.and_then(|values| values.get(&parameter.id));
            (parameter.id.to_string(), one_parameter(parameter, value))
        })
        .collect()
}

/// What the type adds to a parameter.
struct Typed {
    kind: ResParameterType,
    min: Option<Number>,
    max: Option<Number>,
    interval: Option<Number>,
    decimalplaces: Option<u8>,
    choices: Option<Vec<String>>,
    format: Option<Vec<String>>,
}

impl Typed {
    const fn new(kind: ResParameterType) -> Self {
        Self {
            kind,
            min: None,
            max: None,
            interval: None,
            decimalplaces: None,
            choices: None,
            format: None,
        }
    }

    fn integer(kind: ResParameterType, min: Option<i64>, max: Option<i64>) -> Self {
        Self {
            min: min.map(Number::from),
            max: max.map(Number::from),
            decimalplaces: Some(0),
            ..Self::new(kind)
        }
    }
}

fn typed(kind: &ParameterKind) -> Typed {
    use ResParameterType as T;

    match kind {
        ParameterKind::Int { min, max, step } => Typed {
            interval: step.map(Number::from),
            ..Typed::integer(T::Int, *min, *max)
        },
        ParameterKind::Even { min, max } => Typed::integer(T::Even, *min, *max),
        ParameterKind::Odd { min, max } => Typed::integer(T::Odd, *min, *max),
        ParameterKind::Float { min, max, decimals } => Typed {
            min: min.and_then(Number::from_f64),
            max: max.and_then(Number::from_f64),
            decimalplaces: Some(*decimals),
            ..Typed::new(T::Float)
        },
        ParameterKind::Bool => Typed::new(T::Bool),
        ParameterKind::String { max_length } => Typed {
            max: Some(Number::from(*max_length)),
            ..Typed::new(T::String)
        },
        ParameterKind::StringList { choices, .. } => Typed {
            choices: Some(choices.clone()),
            ..Typed::new(T::StringList)
        },
        ParameterKind::Color => Typed::new(T::Color),
        ParameterKind::File { formats, size_max } => Typed {
            format: Some(formats.clone()),
            max: Some(Number::from(*size_max)),
            ..Typed::new(T::File)
        },
    }
}

fn one_parameter(parameter: &Parameter, value: Option<&Value>) -> ResParameter {
    let typed = typed(&parameter.kind);
    ResParameter {
        id: parameter.id.to_string(),
        choices: typed.choices,
        decimalplaces: typed.decimalplaces,
        defval: parameter.to_wire(value.unwrap_or(&parameter.default)),
        expression: None,
        format: typed.format,
        min: typed.min,
        max: typed.max,
        interval: typed.interval,
        name: parameter.name.clone(),
        kind: typed.kind,
        visualization: parameter
            .visualization()
            .and_then(ResVisualizationType::from_word),
        structure: None,
        group: parameter.group.as_ref().map(group),
        hint: None,
        order: parameter.order,
        tooltip: parameter.tooltip.clone(),
        displayname: parameter.displayname.clone(),
        hidden: parameter.hidden,
        settings: parameter.settings.clone(),
    }
}

fn group(group: &Group) -> CommonsGroup {
    CommonsGroup {
        id: group.id.clone(),
        name: group.name.clone(),
    }
}

/// An output without a result.
#[must_use]
pub fn output_definition(output: &Output) -> ResOutputDefinition {
    ResOutputDefinition {
        id: output.id.to_string(),
        uid: Some(output.uid.clone()),
        name: output.name.clone(),
        material: output.material.as_ref().map(ToString::to_string),
        chunks: None,
        dependency: output.dependency.iter().map(ToString::to_string).collect(),
        group: output.group.as_ref().map(group),
        order: output.order,
        tooltip: output.tooltip.clone(),
        displayname: output.displayname.clone(),
        hidden: output.hidden,
    }
}

/// All outputs without results, in the author's order.
#[must_use]
pub fn output_definitions(definition: &Definition) -> Directory<ResOutputOrDefinition> {
    definition
        .outputs
        .iter()
        .map(|output| (output.id.to_string(), output_definition(output).into()))
        .collect()
}

/// An export without a result.
#[must_use]
pub fn export_definition(export: &Export) -> ResExportDefinition {
    ResExportDefinition {
        id: export.id.to_string(),
        uid: Some(export.uid.clone()),
        name: export.name.clone(),
        kind: ResExportDefinitionType::Download,
        dependency: export.dependency.iter().map(ToString::to_string).collect(),
        group: export.group.as_ref().map(group),
        order: export.order,
        tooltip: export.tooltip.clone(),
        displayname: export.displayname.clone(),
        hidden: export.hidden,
    }
}

/// All exports without results, in the author's order.
#[must_use]
pub fn export_definitions(definition: &Definition) -> Directory<ResExportOrDefinition> {
    definition
        .exports
        .iter()
        .map(|export| (export.id.to_string(), export_definition(export).into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vitrine_model::{ExportFormat, ExportSource, OutputKind};

    use super::*;

    const LINEAGE: &str = "6f0c0b5e-1f6b-4b52-9c55-0a7c3c1c2a11";

    fn json_of(kind: ParameterKind, default: Value) -> serde_json::Value {
        let parameter = Parameter::new(LINEAGE, "P", kind, default);
        let mut json = serde_json::to_value(one_parameter(&parameter, None)).unwrap();
        let members = json.as_object_mut().unwrap();
        for common in ["id", "name", "hidden"] {
            assert!(members.remove(common).is_some(), "{common}");
        }
        assert!(members.values().all(|value| !value.is_null()));
        json
    }

    #[test]
    fn numbers_have_numeric_bounds_and_a_text_default() {
        assert_eq!(
            json_of(
                ParameterKind::Float {
                    min: Some(0.5),
                    max: Some(9.0),
                    decimals: 2
                },
                Value::Float(1.5)
            ),
            json!({"type": "Float", "defval": "1.50", "min": 0.5, "max": 9.0, "decimalplaces": 2})
        );
        assert_eq!(
            json_of(
                ParameterKind::Int {
                    min: Some(1),
                    max: None,
                    step: Some(5)
                },
                Value::Int(6)
            ),
            json!({"type": "Int", "defval": "6", "min": 1, "interval": 5, "decimalplaces": 0})
        );
        assert_eq!(
            json_of(
                ParameterKind::Even {
                    min: None,
                    max: Some(8)
                },
                Value::Int(4)
            ),
            json!({"type": "Even", "defval": "4", "max": 8, "decimalplaces": 0})
        );
    }

    #[test]
    fn other_types_have_their_own_members() {
        assert_eq!(
            json_of(ParameterKind::Bool, Value::Bool(true)),
            json!({"type": "Bool", "defval": "true"})
        );
        assert_eq!(
            json_of(
                ParameterKind::String { max_length: 40 },
                Value::Text("hi".into())
            ),
            json!({"type": "String", "defval": "hi", "max": 40})
        );
        assert_eq!(
            json_of(ParameterKind::Color, Value::Color([255, 136, 0, 255])),
            json!({"type": "Color", "defval": "0xff8800ff"})
        );
        assert_eq!(
            json_of(
                ParameterKind::File {
                    formats: vec!["image/png".into()],
                    size_max: 1024
                },
                Value::File(None)
            ),
            json!({"type": "File", "defval": "", "format": ["image/png"], "max": 1024})
        );
    }

    #[test]
    fn lists_are_checklists_when_several_may_be_chosen() {
        let list = |multiple| ParameterKind::StringList {
            choices: vec!["oak".into(), "ash".into()],
            multiple,
            values: Vec::new(),
        };
        assert_eq!(
            json_of(list(false), Value::Choice(vec![1])),
            json!({
                "type": "StringList", "defval": "1", "choices": ["oak", "ash"],
                "visualization": "dropdown",
            })
        );
        assert_eq!(
            json_of(list(true), Value::Choice(vec![0, 1])),
            json!({
                "type": "StringList", "defval": "0,1", "choices": ["oak", "ash"],
                "visualization": "checklist",
            })
        );
    }

    #[test]
    fn exports_are_downloads_and_map_keys_are_ids() {
        let output = Output::new(LINEAGE, "model", OutputKind::Geometry, Vec::new());
        let source = ExportSource::Output(output.id.clone());
        let export = Export::new(LINEAGE, "STL", ExportFormat::Stl, source, Vec::new());
        let definition = Definition {
            parameters: Vec::new(),
            outputs: vec![output.clone()],
            exports: vec![export.clone()],
        };
        let json = serde_json::to_value(export_definitions(&definition)).unwrap();
        let id = export.id.to_string();
        assert_eq!(json[&id]["type"], "download");
        assert_eq!(json[&id]["id"], id);
        let json = serde_json::to_value(output_definitions(&definition)).unwrap();
        assert_eq!(json[output.id.to_string()]["name"], "model");
    }
}
