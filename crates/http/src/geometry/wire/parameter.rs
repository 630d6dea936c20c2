//! Parameters of a model.

use serde::Serialize;
use utoipa::ToSchema;

use super::base::CommonsGroup;

/// A parameter. `defval` is always text, whatever the type; `min` and `max` are JSON numbers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResParameter {
    /// Id that stays when the model is uploaded anew.
    pub id: String,
    /// Choices of a `StringList`; values are indices into them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// Decimal places of a numeric type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimalplaces: Option<u8>,
    /// Default value as text.
    pub defval: String,
    /// Formula for showing the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Media types that a `File` accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Vec<String>>,
    /// Smallest number, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub min: Option<serde_json::Number>,
    /// Largest number, inclusive; longest `String` in characters; largest `File` in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub max: Option<serde_json::Number>,
    /// Step of a slider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub interval: Option<serde_json::Number>,
    /// Name that the model's author gave.
    pub name: String,
    /// Type of the value.
    #[serde(rename = "type")]
    pub kind: ResParameterType,
    /// Control that suits the parameter best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visualization: Option<ResVisualizationType>,
    /// Whether the value is an item, a list or a tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure: Option<ResStructureType>,
    /// Heading under which the parameter stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<CommonsGroup>,
    /// Technical hint for user interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Place among the others, ascending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// Longer explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<String>,
    /// Name to show instead of `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub displayname: Option<String>,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// Settings of the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub settings: Option<serde_json::Value>,
}

/// Types of parameters that Vitrine serves; the API names more, which no engine here makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the API gives these words and no more")]
pub enum ResParameterType {
    Bool,
    Color,
    Even,
    File,
    Float,
    Int,
    Odd,
    String,
    StringList,
}

/// Controls for a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the API gives these words and no more")]
pub enum ResVisualizationType {
    Unknown,
    Button,
    Calendar,
    Checklist,
    Clock,
    Cycle,
    Dial,
    Dropdown,
    Geometry,
    Image,
    Sequence,
    Slider,
    Swatch,
    Text,
    Toggle,
}

impl ResVisualizationType {
    /// The control of an API word, if the API has the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "button" => Self::Button,
            "calendar" => Self::Calendar,
            "checklist" => Self::Checklist,
            "clock" => Self::Clock,
            "cycle" => Self::Cycle,
            "dial" => Self::Dial,
            "dropdown" => Self::Dropdown,
            "geometry" => Self::Geometry,
            "image" => Self::Image,
            "sequence" => Self::Sequence,
            "slider" => Self::Slider,
            "swatch" => Self::Swatch,
            "text" => Self::Text,
            "toggle" => Self::Toggle,
            _ => return None,
        })
    }
}

/// Structure of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the API gives these words and no more")]
pub enum ResStructureType {
    Item,
    List,
    Tree,
}
