//! From a variable and the comment behind it to parameters.

use serde_json::Value as Json;
use vitrine_model::limits::{
    CHOICE_LENGTH_MAX, CHOICES_MAX, DECIMALS_MAX, FLOAT_ABS_MAX, INTEGER_ABS_MAX, NAME_LENGTH_MAX,
    PARAMETERS_MAX, STRING_LENGTH_DEFAULT, STRING_LENGTH_MAX, TOOLTIP_LENGTH_MAX,
};
use vitrine_model::{Group, Parameter, ParameterKind, Value, decimals_needed, round_to_decimals};

use super::customizer::{Literal, Variable};

/// The group of variables that stand before any section, as the Customizer calls it.
const FIRST_GROUP: &str = "Parameters";

/// How the numbers of a vector are called: the first three as OpenSCAD itself calls them.
const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// What the comment behind an assignment asks for.
#[derive(Clone, PartialEq, Debug)]
enum Widget {
    None,
    Range {
        min: f64,
        step: Option<f64>,
        max: f64,
    },
    /// Values with their labels.
    Choices(Vec<(String, String)>),
    /// A number alone: the step of a number, the longest text of a text.
    Number(f64),
}

/// The parameters of all variables. What a contract cannot hold (names beyond its bounds) is left as the file has it.
pub(super) fn parameters(lineage: &str, variables: &[Variable]) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for variable in variables {
        for (name, kind, default) in kinds(variable) {
            if name.chars().count() > NAME_LENGTH_MAX || parameters.len() == PARAMETERS_MAX {
                continue;
            }
            let mut parameter = Parameter::new(lineage, &name, kind, default);
            let group = variable.section.as_deref().unwrap_or(FIRST_GROUP);
            parameter.group = label(group, NAME_LENGTH_MAX).map(|name| Group {
                id: name.clone(),
                name,
            });
            parameter.displayname = label(&name.replace(['_', '.'], " "), NAME_LENGTH_MAX);
            parameter.tooltip = variable
                .description
                .as_deref()
                .and_then(|text| label(text, TOOLTIP_LENGTH_MAX));
            parameters.push(parameter);
        }
    }
    parameters
}

/// The name of one number of a vector.
pub(super) fn component(name: &str, index: usize) -> String {
    let suffix = COMPONENTS.get(index).copied().unwrap_or("v");
    format!("{name}.{suffix}")
}

fn kinds(variable: &Variable) -> Vec<(String, ParameterKind, Value)> {
    let name = variable.name.clone();
    let widget = variable.widget.as_deref().unwrap_or_default();
    match &variable.value {
        Literal::Bool(yes) => vec![(name, ParameterKind::Bool, Value::Bool(*yes))],
        Literal::Number(number) => match read(widget, true) {
            Widget::Choices(choices) => numbers(choices, *number).into_iter().collect::<Vec<_>>(),
            widget => ranged(*number, &widget).into_iter().collect(),
        }
        .into_iter()
        .map(|(kind, default)| (name.clone(), kind, default))
        .collect(),
        Literal::Text(text) => vec![match read(widget, false) {
            Widget::Choices(choices) => {
                let (kind, default) = listed(texts(choices), &Json::from(text.as_str()), text);
                (name, kind, default)
            }
            widget => (name, written(text, &widget), Value::Text(text.clone())),
        }],
        Literal::Vector(numbers) => {
            let widget = match read(widget, true) {
                Widget::Choices(_) => Widget::None,
                widget => widget,
            };
            let ranged = numbers.iter().map(|number| ranged(*number, &widget));
            ranged
                .enumerate()
                .filter_map(|(index, kind)| {
                    kind.map(|(kind, default)| (component(&name, index), kind, default))
                })
                .collect()
        }
    }
}

/// A text that may be typed. The default always fits.
fn written(text: &str, widget: &Widget) -> ParameterKind {
    let own = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let asked = match widget {
        Widget::Number(length) if *length >= 1.0 && length.fract() == 0.0 => whole(*length)
            .and_then(|length| u32::try_from(length).ok())
            .unwrap_or(STRING_LENGTH_MAX),
        _ => STRING_LENGTH_DEFAULT,
    };
    ParameterKind::String {
        max_length: asked.max(own).min(STRING_LENGTH_MAX),
    }
}

/// A number with its range, which always takes the default in. Nothing for numbers beyond every bound.
fn ranged(number: f64, widget: &Widget) -> Option<(ParameterKind, Value)> {
    let (min, max, step) = match widget {
        Widget::Range { min, step, max } => (
            Some(min.min(*max).min(number)),
            Some(max.max(*min).max(number)),
            *step,
        ),
        Widget::Number(step) => (None, None, Some(*step)),
        Widget::None | Widget::Choices(_) => (None, None, None),
    };
    let step = step.filter(|step| *step > 0.0);
    let all = [Some(number), min, max, step];
    if all.iter().flatten().any(|n| n.abs() > FLOAT_ABS_MAX) {
        return None;
    }
    if let Some(default) = whole(number)
        && all.iter().flatten().all(|n| whole(*n).is_some())
    {
        let kind = ParameterKind::Int {
            min: min.and_then(whole),
            max: max.and_then(whole),
            step: step.and_then(whole),
        };
        return Some((kind, Value::Int(default)));
    }
    let decimals = all.iter().flatten().map(|n| decimals_needed(*n)).max();
    let decimals = decimals.unwrap_or(DECIMALS_MAX);
    let rounded = |n: f64| round_to_decimals(n, decimals);
    let kind = ParameterKind::Float {
        min: min.map(rounded),
        max: max.map(rounded),
        decimals,
    };
    Some((kind, Value::Float(rounded(number))))
}

/// A number as a whole one, if it is one.
fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the bound is a power of two, and the number lies within it"
    )]
    let whole =
        (number.fract() == 0.0 && number.abs() <= INTEGER_ABS_MAX as f64).then_some(number as i64);
    whole
}

/// A choice of numbers. Nothing when one of them is none.
fn numbers(choices: Vec<(String, String)>, number: f64) -> Option<(ParameterKind, Value)> {
    let values: Option<Vec<(Json, String)>> = choices
        .into_iter()
        .map(|(value, label)| Some((json(value.parse().ok()?)?, label)))
        .collect();
    match values {
        Some(values) => {
            let own = json(number)?;
            let text = own.to_string();
            Some(listed(values, &own, &text))
        }
        None => ranged(number, &Widget::None),
    }
}

fn json(number: f64) -> Option<Json> {
    match whole(number) {
        Some(whole) => Some(Json::from(whole)),
        None => serde_json::Number::from_f64(number).map(Json::Number),
    }
}

fn texts(choices: Vec<(String, String)>) -> Vec<(Json, String)> {
    let value = |(value, label)| (Json::String(value), label);
    choices.into_iter().map(value).collect()
}

/// A choice among values. A default that is not among them comes first.
fn listed(mut items: Vec<(Json, String)>, own: &Json, text: &str) -> (ParameterKind, Value) {
    items.truncate(CHOICES_MAX);
    let known = items.iter().position(|(value, _)| value == own);
    let chosen = known.unwrap_or_else(|| {
        items.truncate(CHOICES_MAX - 1);
        items.insert(0, (own.clone(), text.to_owned()));
        0
    });
    let (values, choices) = items
        .into_iter()
        .map(|(value, label)| (value, label.chars().take(CHOICE_LENGTH_MAX).collect()))
        .unzip();
    let kind = ParameterKind::StringList {
        choices,
        multiple: false,
        values,
    };
    let chosen = u32::try_from(chosen).unwrap_or(0);
    (kind, Value::Choice(vec![chosen]))
}

/// What a comment asks for; prose asks for nothing.
fn read(comment: &str, is_number: bool) -> Widget {
    let comment = comment.trim();
    let Some(inner) = comment.strip_prefix('[') else {
        return comment.parse().map_or(Widget::None, Widget::Number);
    };
    let Some(inner) = up_to_bracket(inner) else {
        return Widget::None;
    };
    let items = split(inner, ',');
    if is_number && items.len() == 1 {
        let numbers: Result<Vec<f64>, _> =
            split(inner, ':').iter().map(|n| n.trim().parse()).collect();
        match numbers.as_deref() {
            Ok([max]) => return range(0.0, None, *max),
            Ok([min, max]) => return range(*min, None, *max),
            Ok([min, step, max]) => return range(*min, Some(*step), *max),
            _ => {}
        }
    }
    let choices: Vec<(String, String)> = items
        .iter()
        .map(|item| {
            let mut parts = split(item, ':').into_iter();
            let value = unquoted(parts.next().unwrap_or_default());
            let label = parts.collect::<Vec<_>>().join(":");
            let label = if label.trim().is_empty() {
                value.clone()
            } else {
                unquoted(&label)
            };
            (value, label)
        })
        .filter(|(value, _)| !value.is_empty())
        .collect();
    if choices.is_empty() {
        return Widget::None;
    }
    Widget::Choices(choices)
}

fn range(min: f64, step: Option<f64>, max: f64) -> Widget {
    Widget::Range { min, step, max }
}

/// What stands before the closing bracket; brackets in quotes do not close.
fn up_to_bracket(text: &str) -> Option<&str> {
    let mut quoted = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ']' if !quoted => return text.get(..index),
            _ => {}
        }
    }
    None
}

/// The parts between separators that stand outside of quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        if c == '"' {
            quoted = !quoted;
        }
        c == separator && !quoted
    })
    .collect()
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

/// A text that may be shown: one line, not empty, not too long.
fn label(text: &str, chars_max: usize) -> Option<String> {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let short: String = line.trim().chars().take(chars_max).collect();
    (!short.trim().is_empty()).then_some(short)
}
