//! Values of parameters: from what clients send to one normal form and back.

use serde::{Deserialize, Serialize};

use crate::error::ParameterError;
use crate::parameter::Parameter;

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

impl Parameter {
    /// Reads a value for this parameter.
    ///
    /// # Errors
    /// Names the parameter, the value and what is allowed.
    pub fn parse_value(&self, raw: &RawValue) -> Result<Value, ParameterError> {
        let _ = raw;
        todo!()
    }

    /// The one normal form of a value, as a string of the API. It is what `defval` shows and what versions are hashed
    /// from.
    #[must_use]
    pub fn to_wire(&self, value: &Value) -> String {
        let _ = value;
        todo!()
    }
}
