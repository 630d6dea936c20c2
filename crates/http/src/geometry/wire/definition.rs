//! Requests that change how parameters, outputs and exports are shown.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::base::CommonsGroup;

/// Changes of parameters, by id.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ReqParameterDefinitions(pub BTreeMap<String, ReqParameterDefinition>);

/// Changes of outputs, by id.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ReqOutputDefinitions(pub BTreeMap<String, ReqOutputDefinition>);

/// Changes of exports, by id.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ReqExportDefinitions(pub BTreeMap<String, ReqExportDefinition>);

/// Members of one parameter; those that are not sent stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct ReqParameterDefinition {
    /// Name to show instead of `name`; an empty text takes it away.
    pub displayname: Option<String>,
    /// Heading; `null` or an object with `nullObj` takes it away.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<CommonsGroup>)]
    pub group: Option<ReqGroup>,
    /// Whether user interfaces leave it out.
    pub hidden: Option<bool>,
    /// Place among the others, ascending.
    pub order: Option<i32>,
    /// Longer explanation; an empty text takes it away.
    pub tooltip: Option<String>,
    /// Settings of the type.
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Map<String, Value>>,
}

/// Members of one output; those that are not sent stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct ReqOutputDefinition {
    /// Name to show instead of `name`; an empty text takes it away.
    pub displayname: Option<String>,
    /// Heading; `null` or an object with `nullObj` takes it away.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<CommonsGroup>)]
    pub group: Option<ReqGroup>,
    /// Whether user interfaces leave it out.
    pub hidden: Option<bool>,
    /// Place among the others, ascending.
    pub order: Option<i32>,
    /// Longer explanation; an empty text takes it away.
    pub tooltip: Option<String>,
    /// Parts of the output's sdTF asset.
    pub chunks: Option<Vec<ReqOutputDefinitionChunk>>,
}

/// A part of an output's sdTF asset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct ReqOutputDefinitionChunk {
    /// Id of the chunk.
    pub id: String,
}

/// Members of one export; those that are not sent stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct ReqExportDefinition {
    /// Name to show instead of `name`; an empty text takes it away.
    pub displayname: Option<String>,
    /// Heading; `null` or an object with `nullObj` takes it away.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<CommonsGroup>)]
    pub group: Option<ReqGroup>,
    /// Whether user interfaces leave it out.
    pub hidden: Option<bool>,
    /// Place among the others, ascending.
    pub order: Option<i32>,
    /// Longer explanation; an empty text takes it away.
    pub tooltip: Option<String>,
}

/// What becomes of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReqGroup {
    /// Out of every group.
    Removed,
    /// Into this one.
    To(CommonsGroup),
}

/// `null` says something here, so that absence must be told apart from it.
fn sent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ReqGroup>, D::Error> {
    let text = |value: Option<&Value>, member: &str| {
        value
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "a group has the texts \"id\" and \"name\"; {member:?} is none"
                ))
            })
    };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Some(ReqGroup::Removed)),
        Value::Object(object) if object.contains_key("nullObj") => Ok(Some(ReqGroup::Removed)),
        Value::Object(object) => Ok(Some(ReqGroup::To(CommonsGroup {
            id: text(object.get("id"), "id")?,
            name: text(object.get("name"), "name")?,
        }))),
        _ => Err(D::Error::custom(
            "a group is an object with \"id\" and \"name\", or null",
        )),
    }
}

/// The viewer's settings: an object of any form.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct ReqConfigure(pub Map<String, Value>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::parse_json;

    fn group(json: &str) -> Option<ReqGroup> {
        let text = format!("{{\"x\":{json}}}");
        let read: ReqExportDefinitions = parse_json(text.as_bytes()).unwrap();
        read.0["x"].group.clone()
    }

    #[test]
    fn a_group_is_absent_or_taken_away_or_set() {
        assert_eq!(group("{}"), None);
        assert_eq!(group(r#"{"group":null}"#), Some(ReqGroup::Removed));
        assert_eq!(
            group(r#"{"group":{"nullObj":true}}"#),
            Some(ReqGroup::Removed)
        );
        let set = ReqGroup::To(CommonsGroup {
            id: "a".into(),
            name: "A".into(),
        });
        assert_eq!(group(r#"{"group":{"id":"a","name":"A"}}"#), Some(set));
    }

    #[test]
    fn other_forms_are_refused_with_their_place() {
        for (body, place) in [
            (r#"{"x":{"group":"a"}}"#, "x.group"),
            (r#"{"x":{"group":{"id":"a"}}}"#, "x.group"),
            (r#"{"x":{"order":1.5}}"#, "x.order"),
            (r#"{"x":{"hidden":"no"}}"#, "x.hidden"),
            (r#"{"x":3}"#, "x"),
        ] {
            let error = parse_json::<ReqParameterDefinitions>(body.as_bytes()).unwrap_err();
            assert!(error.message().contains(place), "{body}: {error}");
        }
    }
}
