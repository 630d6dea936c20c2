//! Outputs: what a model shows, with or without a result.

use std::num::NonZeroU32;

use serde::Serialize;
use utoipa::ToSchema;

use super::base::{CommonsGroup, ComputationStatus};
use super::content::ResOutputContent;

/// An output without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResOutputDefinition {
    /// Id of the output within this model, 32 hexadecimal digits.
    pub id: String,
    /// Id that stays when the model is uploaded anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Name that the model's author gave.
    pub name: String,
    /// Id of the output that holds the material of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub material: Option<String>,
    /// Parts of an sdTF asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Vec<ResOutputChunk>>,
    /// Ids of every parameter that can change this output.
    pub dependency: Vec<String>,
    /// Heading under which the output stands.
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

/// A named part of an sdTF asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResOutputChunk {
    /// Id of the chunk.
    pub id: String,
    /// Name of the chunk.
    pub name: String,
    /// Kind of data in it.
    pub type_hint: String,
    /// Longer explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<String>,
    /// Name to show instead of `name`, or empty.
    pub displayname: String,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
}

/// An output with its version, and with its result once there is one. Made by [`ResOutput::pending`],
/// [`ResOutput::done`] and [`ResOutput::failed`], so that the three states never mix.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResOutput {
    #[serde(flatten)]
    definition: ResOutputDefinition,
    /// Hash of everything that the result depends on: the client's cache key.
    version: String,
    /// Milliseconds after which to ask the cache; only while the result is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    delay: Option<NonZeroU32>,
    /// Result parts; absent while the result is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Vec<ResOutputContent>>,
    /// Smallest corner of the bounding box.
    #[serde(skip_serializing_if = "Option::is_none")]
    bbmin: Option<[f64; 3]>,
    /// Largest corner of the bounding box.
    #[serde(skip_serializing_if = "Option::is_none")]
    bbmax: Option<[f64; 3]>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    /// How running the model ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_computation: Option<ComputationStatus>,
    /// How collecting this result ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_collect: Option<ComputationStatus>,
}

impl ResOutput {
    fn bare(definition: ResOutputDefinition, version: String) -> Self {
        Self {
            definition,
            version,
            delay: None,
            content: None,
            bbmin: None,
            bbmax: None,
            msg: None,
            status_computation: None,
            status_collect: None,
        }
    }

    /// The result is not there yet; ask again after `delay_ms`. Clients take a delay of 0 for
    /// "finished", hence the type.
    #[must_use]
    pub fn pending(definition: ResOutputDefinition, version: String, delay_ms: NonZeroU32) -> Self {
        Self {
            delay: Some(delay_ms),
            ..Self::bare(definition, version)
        }
    }

    /// The result is there.
    #[must_use]
    pub fn done(
        definition: ResOutputDefinition,
        version: String,
        content: Vec<ResOutputContent>,
        bounding_box: Option<([f64; 3], [f64; 3])>,
    ) -> Self {
        Self {
            content: Some(content),
            bbmin: bounding_box.map(|(min, _)| min),
            bbmax: bounding_box.map(|(_, max)| max),
            status_computation: Some(ComputationStatus::Success),
            status_collect: Some(ComputationStatus::Success),
            ..Self::bare(definition, version)
        }
    }

    /// There will be no result. `content` is then empty, as finished outputs always have it.
    #[must_use]
    pub fn failed(
        definition: ResOutputDefinition,
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

/// Either a full output or its definition; the two differ by `version`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ResOutputOrDefinition {
    /// Without a result.
    Definition(Box<ResOutputDefinition>),
    /// With a version.
    Output(Box<ResOutput>),
}

impl From<ResOutputDefinition> for ResOutputOrDefinition {
    fn from(definition: ResOutputDefinition) -> Self {
        Self::Definition(Box::new(definition))
    }
}

impl From<ResOutput> for ResOutputOrDefinition {
    fn from(output: ResOutput) -> Self {
        Self::Output(Box::new(output))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn definition() -> ResOutputDefinition {
        ResOutputDefinition {
            id: "o1".into(),
            uid: None,
            name: "Display".into(),
            material: None,
            chunks: None,
            dependency: vec!["p1".into()],
            group: None,
            order: None,
            tooltip: None,
            displayname: None,
            hidden: false,
        }
    }

    fn json_of(output: impl Into<ResOutputOrDefinition>) -> Value {
        serde_json::to_value(output.into()).unwrap()
    }

    #[test]
    fn a_definition_has_no_dynamic_member() {
        let expected =
            json!({"id": "o1", "name": "Display", "dependency": ["p1"], "hidden": false});
        assert_eq!(json_of(definition()), expected);
    }

    #[test]
    fn a_pending_output_has_a_delay_and_no_content() {
        let json = json_of(ResOutput::pending(
            definition(),
            "v".into(),
            NonZeroU32::new(250).unwrap(),
        ));
        assert_eq!(json["delay"], 250);
        assert_eq!(json["version"], "v");
        assert!(json.get("content").is_none());
        assert!(json.get("status_computation").is_none());
    }

    #[test]
    fn a_failed_output_has_empty_content_and_no_delay() {
        let json = json_of(ResOutput::failed(
            definition(),
            "v".into(),
            ComputationStatus::Timeout,
            None,
        ));
        assert_eq!(json["content"], json!([]));
        assert_eq!(json["status_computation"], "timeout");
        assert!(json.get("delay").is_none());
        assert!(json.get("msg").is_none());
    }
}
