//! Exports: files that a model makes on demand.

use std::num::NonZeroU32;

use serde::Serialize;
use utoipa::ToSchema;

use super::base::{CommonsGroup, ComputationStatus};
use super::content::ResExportContent;

/// Types of exports. Vitrine makes `download` exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the API gives these words and no more")]
pub enum ResExportDefinitionType {
    Unknown,
    Download,
    Email,
    Shapeways,
}

/// An export without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResExportDefinition {
    /// Id of the export within this model, 32 hexadecimal digits.
    pub id: String,
    /// Id that stays when the model is uploaded anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Name that the model's author gave.
    pub name: String,
    /// How the result is delivered.
    #[serde(rename = "type")]
    pub kind: ResExportDefinitionType,
    /// Ids of every parameter that can change this export.
    pub dependency: Vec<String>,
    /// Heading under which the export stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<CommonsGroup>,
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
}

/// An export with its version, and with its result once there is one. Made by [`ResExport::pending`],
/// [`ResExport::done`] and [`ResExport::failed`], so that the three states never mix.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResExport {
    #[serde(flatten)]
    definition: ResExportDefinition,
    /// Hash of everything that the result depends on.
    version: String,
    /// Milliseconds after which to ask the cache; only while the result is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    delay: Option<NonZeroU32>,
    /// Files of the result; absent while the result is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Vec<ResExportContent>>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    /// Suggested base name for saving.
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    /// How running the model ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_computation: Option<ComputationStatus>,
    /// How collecting this result ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_collect: Option<ComputationStatus>,
}

impl ResExport {
    fn bare(definition: ResExportDefinition, version: String) -> Self {
        Self {
            definition,
            version,
            delay: None,
            content: None,
            msg: None,
            filename: None,
            status_computation: None,
            status_collect: None,
        }
    }

    /// The result is not there yet; ask again after `delay_ms`.
    #[must_use]
    pub fn pending(definition: ResExportDefinition, version: String, delay_ms: NonZeroU32) -> Self {
        Self {
            delay: Some(delay_ms),
            ..Self::bare(definition, version)
        }
    }

    /// The result is there.
    #[must_use]
    pub fn done(
        definition: ResExportDefinition,
        version: String,
        content: Vec<ResExportContent>,
        filename: Option<String>,
    ) -> Self {
        Self {
            content: Some(content),
            filename,
            status_computation: Some(ComputationStatus::Success),
            status_collect: Some(ComputationStatus::Success),
            ..Self::bare(definition, version)
        }
    }

    /// There will be no result.
    #[must_use]
    pub fn failed(
        definition: ResExportDefinition,
        version: String,
        status: ComputationStatus,
        message: Option<String>,
    ) -> Self {
        Self {
            content: Some(Vec::new()),
            msg: message,
            status_computation: Some(status),
            status_collect: Some(status),
            ..Self::bare(definition, version)
        }
    }
}

/// Either a full export or its definition; the two differ by `version`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ResExportOrDefinition {
    /// Without a result.
    Definition(Box<ResExportDefinition>),
    /// With a version.
    Export(Box<ResExport>),
}

impl From<ResExportDefinition> for ResExportOrDefinition {
    fn from(definition: ResExportDefinition) -> Self {
        Self::Definition(Box::new(definition))
    }
}

impl From<ResExport> for ResExportOrDefinition {
    fn from(export: ResExport) -> Self {
        Self::Export(Box::new(export))
    }
}
