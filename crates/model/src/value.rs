//! Values of parameters: from what clients send to one normal form and back.

use serde::{Deserialize, Serialize};

use crate::error::{ParameterError, ParameterProblem, echo};
use crate::limits::{FLOAT_ABS_MAX, INTEGER_ABS_MAX};
use crate::parameter::{Parameter, ParameterKind, round_to_decimals};

/// A checked value. Which variant belongs to which parameter is fixed by [`crate::ParameterKind`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// `Int`, `Even` and `Odd`.
    Int(i64),
    /// `Float`: finite, rounded to the parameter's decimals.
    Float(f64),
    /// `Bool`.
    Bool(bool),
    /// `String`.
    Text(String),
    /// `StringList`: indices of the chosen entries, ascending, without repeats; exactly one unless it is a check list.
    Choice(Vec<u32>),
    /// `Color`: red, green, blue, alpha.
    Color([u8; 4]),
    /// `File`: id of the uploaded file, or none.
    File(Option<String>),
}

/// A value as it arrives, before anybody knows which parameter it is for.
#[derive(Clone, PartialEq, Debug)]
pub enum RawValue {
    /// A JSON string; official clients send everything as strings.
    Text(String),
    /// A JSON number.
    Number(f64),
    /// A JSON boolean.
    Bool(bool),
}

impl RawValue {
    /// Takes a JSON value that can stand for a parameter's value: a string, a number or a boolean.
    #[must_use]
    pub fn from_json(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::String(text) => Some(Self::Text(text.clone())),
            serde_json::Value::Number(number) => number.as_f64().map(Self::Number),
            serde_json::Value::Bool(value) => Some(Self::Bool(*value)),
            _ => None,
        }
    }

    /// The value as text; numbers in their shortest form.
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

impl Parameter {
    /// Reads a value for this parameter.
    ///
    /// # Errors
    /// Names the parameter, the value and what is allowed.
    pub fn parse_value(&self, raw: &RawValue) -> Result<Value, ParameterError> {
        self.parse(raw)
            .map_err(|problem| ParameterError::new(&self.name, problem))
    }

    fn parse(&self, raw: &RawValue) -> Result<Value, ParameterProblem> {
        match &self.kind {
            ParameterKind::Int { min, max, .. } => {
                whole_in_range(raw, *min, *max, "a whole number").map(Value::Int)
            }
            ParameterKind::Even { min, max } => even_or_odd(raw, *min, *max, 0),
            ParameterKind::Odd { min, max } => even_or_odd(raw, *min, *max, 1),
            ParameterKind::Float { min, max, decimals } => {
                decimal_in_range(raw, *min, *max, *decimals).map(Value::Float)
            }
            ParameterKind::Bool => parse_bool(raw).map(Value::Bool),
            ParameterKind::String { max_length } => parse_text(raw, *max_length).map(Value::Text),
            ParameterKind::StringList {
                choices,
                multiple: false,
                ..
            } => parse_index(&raw.text(), choices.len()).map(|index| Value::Choice(vec![index])),
            ParameterKind::StringList {
                choices,
                multiple: true,
                ..
            } => parse_checklist(&raw.text(), choices.len()).map(Value::Choice),
            ParameterKind::Color => parse_color(raw).map(Value::Color),
            ParameterKind::File { .. } => match raw {
                RawValue::Text(text) if text.is_empty() => Ok(Value::File(None)),
                _ => Err(ParameterProblem::FileNotServed),
            },
        }
    }

    /// The one normal form of a value, as a string of the API. It is what `defval` shows and what versions are hashed
    /// from.
    #[must_use]
    pub fn to_wire(&self, value: &Value) -> String {
        match value {
            Value::Int(number) => number.to_string(),
            Value::Float(number) => match self.kind {
                ParameterKind::Float { decimals, .. } => {
                    let decimals = decimals.min(crate::limits::DECIMALS_MAX);
                    let rounded = round_to_decimals(*number, decimals);
                    format!("{rounded:.*}", usize::from(decimals))
                }
                _ => number.to_string(),
            },
            Value::Bool(value) => value.to_string(),
            Value::Text(text) => text.clone(),
            Value::Choice(indices) => {
                let texts: Vec<String> = indices.iter().map(u32::to_string).collect();
                texts.join(",")
            }
            Value::Color(rgba) => format!("0x{}", hex::encode(rgba)),
            Value::File(id) => id.clone().unwrap_or_default(),
        }
    }
}

fn malformed(raw: &RawValue, expected: impl Into<String>) -> ParameterProblem {
    ParameterProblem::Malformed {
        value: echo(&raw.text()),
        expected: expected.into(),
    }
}

/// Reads decimal notation with an optional exponent; words such as `inf` and hexadecimal digits are no numbers.
fn number(raw: &RawValue) -> Option<f64> {
    let number = match raw {
        RawValue::Number(number) => *number,
        RawValue::Text(text) => {
            let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
            let text = text.trim();
            if !text.bytes().all(plain) {
                return None;
            }
            text.parse().ok()?
        }
        RawValue::Bool(_) => return None,
    };
    number.is_finite().then_some(number)
}

fn whole_in_range(
    raw: &RawValue,
    min: Option<i64>,
    max: Option<i64>,
    expected: &str,
) -> Result<i64, ParameterProblem> {
    let value = whole(raw).ok_or_else(|| malformed(raw, expected))?;
    let low = min.unwrap_or(-INTEGER_ABS_MAX);
    let high = max.unwrap_or(INTEGER_ABS_MAX);
    if value < low || value > high {
        let allowed = format!("allowed is {expected} from {low} to {high}");
        return Err(ParameterProblem::OutOfRange {
            value: echo(&raw.text()),
            allowed,
        });
    }
    Ok(value)
}

fn whole(raw: &RawValue) -> Option<i64> {
    if let RawValue::Text(text) = raw
        && let Ok(value) = text.trim().parse::<i64>()
    {
        return Some(value);
    }
    let value = number(raw)?;
    #[expect(clippy::cast_precision_loss, reason = "the bound is a power of two")]
    let exact = value.fract() == 0.0 && value.abs() <= INTEGER_ABS_MAX as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the bound"
    )]
    exact.then_some(value as i64)
}

fn even_or_odd(
    raw: &RawValue,
    min: Option<i64>,
    max: Option<i64>,
    remainder: i64,
) -> Result<Value, ParameterProblem> {
    let expected = if remainder == 0 {
        "an even whole number"
    } else {
        "an odd whole number"
    };
    let value = whole_in_range(raw, min, max, expected)?;
    if value.rem_euclid(2) == remainder {
        Ok(Value::Int(value))
    } else {
        Err(malformed(raw, expected))
    }
}

/// Rounds first and compares then, so that a client that prints fewer decimals than it computes still reaches the ends
/// of the range.
fn decimal_in_range(
    raw: &RawValue,
    min: Option<f64>,
    max: Option<f64>,
    decimals: u8,
) -> Result<f64, ParameterProblem> {
    let value = number(raw).ok_or_else(|| malformed(raw, "a number"))?;
    let low = min.unwrap_or(-FLOAT_ABS_MAX);
    let high = max.unwrap_or(FLOAT_ABS_MAX);
    let rounded = round_to_decimals(value, decimals);
    if rounded < low || rounded > high {
        let allowed = format!("allowed is a number from {low} to {high}");
        return Err(ParameterProblem::OutOfRange {
            value: echo(&raw.text()),
            allowed,
        });
    }
    Ok(rounded)
}

fn parse_bool(raw: &RawValue) -> Result<bool, ParameterProblem> {
    match raw {
        RawValue::Bool(value) => Ok(*value),
        RawValue::Text(text) if text == "true" => Ok(true),
        RawValue::Text(text) if text == "false" => Ok(false),
        _ => Err(malformed(raw, "true or false")),
    }
}

fn parse_text(raw: &RawValue, max_length: u32) -> Result<String, ParameterProblem> {
    let text = raw.text();
    let length = text.chars().count();
    if length > max_length as usize {
        let allowed = format!("it has {length} characters, allowed are at most {max_length}");
        return Err(ParameterProblem::OutOfRange {
            value: echo(&text),
            allowed,
        });
    }
    Ok(text)
}

fn parse_index(text: &str, choices: usize) -> Result<u32, ParameterProblem> {
    let raw = || RawValue::Text(text.to_owned());
    let index = whole(&raw()).ok_or_else(|| {
        malformed(
            &raw(),
            "the index of a choice (a whole number, counted from 0)",
        )
    })?;
    let in_list = u32::try_from(index)
        .ok()
        .filter(|index| (*index as usize) < choices);
    in_list.ok_or_else(|| ParameterProblem::OutOfRange {
        value: echo(text),
        allowed: format!("allowed are the indices 0 to {}", choices.saturating_sub(1)),
    })
}

/// A set of indices: the order in which a client sends them carries no meaning, so the normal form is ascending.
fn parse_checklist(text: &str, choices: usize) -> Result<Vec<u32>, ParameterProblem> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut indices = Vec::new();
    for piece in text.split(',') {
        // One more than there are choices proves a repeat; a longer list is not read at all.
        if indices.len() > choices {
            break;
        }
        indices.push(parse_index(piece, choices)?);
    }
    let sent = indices.len();
    indices.sort_unstable();
    indices.dedup();
    if indices.len() != sent {
        return Err(ParameterProblem::OutOfRange {
            value: echo(text),
            allowed: "each index may stand only once".to_owned(),
        });
    }
    Ok(indices)
}

fn parse_color(raw: &RawValue) -> Result<[u8; 4], ParameterProblem> {
    let refuse = || malformed(raw, "a colour (#rrggbb, #rrggbbaa, 0xRRGGBB or 0xRRGGBBAA)");
    let RawValue::Text(text) = raw else {
        return Err(refuse());
    };
    let text = text.trim();
    let prefixes = ["#", "0x", "0X"];
    let digits = prefixes
        .iter()
        .find_map(|p| text.strip_prefix(p))
        .ok_or_else(refuse)?;
    let mut rgba = [0xff; 4];
    let bytes = if digits.len() == 6 {
        &mut rgba[..3]
    } else {
        &mut rgba[..]
    };
    hex::decode_to_slice(digits, bytes).map_err(|_| refuse())?;
    Ok(rgba)
}
