//! Result parts of outputs and exports.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One part of an output's result.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResOutputContent {
    /// `glb`, `data`, `material`, …
    pub format: String,
    /// Absolute link to the bytes, for parts that are files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// Size of those bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Name of a `data` part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Column-major 4×4 matrices, one per instance. Never empty: viewers show nothing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transformations: Option<Vec<Vec<f64>>>,
    /// What went wrong with this part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg: Option<String>,
    /// The value of a `data` or `material` part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Media type of the bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// One file of an export's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResExportContent {
    /// File extension without the dot: `stl`, `3mf`, …
    pub format: String,
    /// Absolute link to the bytes.
    pub href: String,
    /// Size of those bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Media type of the bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}
