//! What a model's author lets others change.

use serde::{Deserialize, Serialize};

use crate::ids::ParameterId;
use crate::limits::DECIMALS_MAX;
use crate::value::Value;

/// One parameter of a model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Stable over uploads of the same model.
    pub id: ParameterId,
    /// The author's name, unique among the parameters of a model.
    pub name: String,
    /// Type and range.
    pub kind: ParameterKind,
    /// The value when a request does not mention the parameter. Allowed by `kind`.
    pub default: Value,
    /// The group under which clients show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Position in clients, ascending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// One sentence of help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<String>,
    /// Shown instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displayname: Option<String>,
    /// Usable, but not shown.
    #[serde(default)]
    pub hidden: bool,
    /// Free object for clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
}

/// A named group; parameters, outputs and exports share groups by id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Equal ids are one group.
    pub id: String,
    /// Label.
    pub name: String,
}

/// Type of a parameter with the range of its values. Ranges are inclusive.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ParameterKind {
    /// Whole number.
    Int {
        /// Smallest allowed value.
        min: Option<i64>,
        /// Largest allowed value.
        max: Option<i64>,
        /// Distance between the values that a slider offers; values between are accepted.
        step: Option<i64>,
    },
    /// Decimal number, rounded to `decimals` places.
    Float {
        /// Smallest allowed value, itself with at most `decimals` places.
        min: Option<f64>,
        /// Largest allowed value, itself with at most `decimals` places.
        max: Option<f64>,
        /// Places behind the point, at most [`DECIMALS_MAX`].
        decimals: u8,
    },
    /// Even whole number.
    Even {
        /// Smallest allowed value.
        min: Option<i64>,
        /// Largest allowed value.
        max: Option<i64>,
    },
    /// Odd whole number.
    Odd {
        /// Smallest allowed value.
        min: Option<i64>,
        /// Largest allowed value.
        max: Option<i64>,
    },
    /// Yes or no.
    Bool,
    /// Text.
    String {
        /// Longest allowed text, in characters.
        max_length: u32,
    },
    /// One choice of a list, or several of them.
    StringList {
        /// Labels, in order; the wire value is an index into them.
        choices: Vec<String>,
        /// Any number of choices (a check list) instead of exactly one.
        multiple: bool,
        /// What the model sees for each choice; as many as `choices`, or none when the model sees the labels.
        #[serde(default)]
        values: Vec<serde_json::Value>,
    },
    /// Colour with alpha.
    Color,
    /// An uploaded file.
    File {
        /// Accepted content types.
        formats: Vec<String>,
        /// Largest accepted file, in bytes.
        size_max: u64,
    },
}

impl ParameterKind {
    /// The word for the type in the API.
    #[must_use]
    pub const fn api_type(&self) -> &'static str {
        match self {
            Self::Int { .. } => "Int",
            Self::Float { .. } => "Float",
            Self::Even { .. } => "Even",
            Self::Odd { .. } => "Odd",
            Self::Bool => "Bool",
            Self::String { .. } => "String",
            Self::StringList { .. } => "StringList",
            Self::Color => "Color",
            Self::File { .. } => "File",
        }
    }
}

impl Parameter {
    /// A visible parameter without group, order or texts.
    #[must_use]
    pub fn new(lineage: &str, name: &str, kind: ParameterKind, default: Value) -> Self {
        Self {
            id: ParameterId::derive(lineage, name),
            name: name.to_owned(),
            kind,
            default,
            group: None,
            order: None,
            tooltip: None,
            displayname: None,
            hidden: false,
            settings: None,
        }
    }

    /// The control that clients should prefer, where the type leaves a choice.
    #[must_use]
    pub const fn visualization(&self) -> Option<&'static str> {
        match &self.kind {
            ParameterKind::StringList { multiple: true, .. } => Some("checklist"),
            ParameterKind::StringList {
                multiple: false, ..
            } => Some("dropdown"),
            _ => None,
        }
    }

    /// The default value in its wire form (`defval`).
    #[must_use]
    pub fn default_wire(&self) -> String {
        self.to_wire(&self.default)
    }
}

/// Rounds to `decimals` places in the way in which values are rounded before they are compared, hashed and computed.
/// Never returns negative zero. Infinities and NaN come back unchanged.
#[must_use]
pub fn round_to_decimals(value: f64, decimals: u8) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let text = format!("{value:.*}", usize::from(decimals.min(DECIMALS_MAX)));
    // The text of a finite number is always a number.
    let rounded: f64 = text.parse().unwrap_or(value);
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// The smallest number of decimal places that shows `value` unchanged, at most [`DECIMALS_MAX`].
#[must_use]
pub fn decimals_needed(value: f64) -> u8 {
    (0..DECIMALS_MAX)
        .find(|decimals| (round_to_decimals(value, *decimals) - value).abs() == 0.0)
        .unwrap_or(DECIMALS_MAX)
}
