//! How the program is told other values: as assignments behind the file, of which OpenSCAD takes the last. This is what its
//! own `-D` does, without the bounds of a command line.

use std::fmt::Write;

use serde_json::Value as Json;
use vitrine_model::{Customization, Definition, Parameter, ParameterKind, Value};

use super::customizer::{Literal, Variable};
use super::widget::component;

/// The assignments of all variables whose value differs from the file's own.
pub(super) fn text(
    variables: &[Variable],
    definition: &Definition,
    values: &Customization,
) -> String {
    let changed = |name: &str| {
        let parameter = definition.parameters.iter().find(|p| p.name == name)?;
        let value = values.get(&parameter.id)?;
        if *value == parameter.default {
            return None;
        }
        expression(parameter, value)
    };
    let mut text = String::new();
    for variable in variables {
        let name = &variable.name;
        let value = match &variable.value {
            Literal::Vector(numbers) => {
                let names = (0..numbers.len()).map(|index| component(name, index));
                let new: Vec<Option<String>> = names.map(|name| changed(&name)).collect();
                new.iter().any(Option::is_some).then(|| {
                    let all = new.into_iter().zip(numbers);
                    let all = all.map(|(new, own)| new.unwrap_or_else(|| own.to_string()));
                    format!("[{}]", all.collect::<Vec<_>>().join(", "))
                })
            }
            _ => changed(name),
        };
        if let Some(value) = value {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{name} = {value};");
        }
    }
    text
}

/// A value in the language of the file.
fn expression(parameter: &Parameter, value: &Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Text(text) => Some(quoted(text)),
        Value::Choice(chosen) => {
            let ParameterKind::StringList { values, .. } = &parameter.kind else {
                return None;
            };
            let index = usize::try_from(*chosen.first()?).ok()?;
            match values.get(index)? {
                Json::String(text) => Some(quoted(text)),
                Json::Number(number) => Some(number.to_string()),
                _ => None,
            }
        }
        // The Customizer knows neither.
        Value::Color(_) | Value::File(_) => None,
    }
}

/// A text literal. Nothing in it can end it: quotes and backslashes are escaped, and characters that are none of a line's are
/// written by their number.
pub(super) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            '\r' => literal.push_str("\\r"),
            // A zero would end the text for the program, which is written in C++.
            '\0' => literal.push(' '),
            c if c.is_control() => {
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}
