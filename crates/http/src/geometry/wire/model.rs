//! Models, their files and statistics.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::base::ModelStatusWord;

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResModel {
    /// Libraries that the model may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_libraries: Option<Vec<String>>,
    /// When it was created, ISO 8601 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createdate: Option<String>,
    /// Original name of its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Id of the model.
    pub id: String,
    /// Second id that its owner chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id2: Option<String>,
    /// Why the model was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg: Option<String>,
    /// Name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Organization that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Where it is in its life.
    pub stat: ModelStatusWord,
    /// User who owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Address that hears of status changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// Secret for that address; only backend subjects see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_token: Option<String>,
    /// Name in addresses of pages (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Title for people (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Links to the model's file; `{}` when neither is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResFile {
    /// Where to PUT the file; only until one was uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Where to GET the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download: Option<String>,
}

/// What a model was used for; `{}` when it may not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResStatistic {
    /// Milliseconds of computation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comptime: Option<u64>,
    /// When the last session was opened, ISO 8601 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lastsession: Option<String>,
    /// When it was last viewed, ISO 8601 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lastview: Option<String>,
    /// Memory on workers, bytes.
    #[serde(rename = "memUsage", skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Number of computations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numcomp: Option<u64>,
    /// Number of sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numsessions: Option<u64>,
    /// Milliseconds of computation with overheads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requesttime: Option<u64>,
    /// Size of the model's file, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Libraries that a model uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResPlugins {
    /// The libraries; JSCAD models have none.
    pub libraries: Vec<ResPluginsLibrary>,
}

/// One library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResPluginsLibrary {
    /// Id of the library.
    pub id: String,
    /// Version of the library.
    pub version: String,
    /// Name of the library.
    pub name: String,
    /// Who made it.
    pub author: String,
}

/// Body of `CreateModel` and `UpdateModel`: every member may be left out, and only the members that are
/// sent change anything. An empty text unsets an optional text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[expect(
    missing_docs,
    reason = "the members of ResModel and the settings, under the same names"
)]
pub struct ReqModel {
    pub accessdomains: Option<Vec<String>>,
    pub allowed_libraries: Option<Vec<String>>,
    pub auth_groups: Option<Vec<String>>,
    pub backendaccess: Option<bool>,
    #[serde(rename = "blockingReasons")]
    pub blocking_reasons: Option<ReqBlockingReasons>,
    pub filename: Option<String>,
    pub ftype: Option<String>,
    pub initial_warmup: Option<bool>,
    pub id2: Option<String>,
    pub max_comp_time: Option<u64>,
    pub max_export_size: Option<u64>,
    pub max_idle_minutes: Option<u64>,
    pub max_model_size: Option<u64>,
    pub max_output_size: Option<u64>,
    pub max_texture_size: Option<u64>,
    pub max_wait_time: Option<u64>,
    pub name: Option<String>,
    pub num_loaded_max: Option<u64>,
    pub num_loaded_min: Option<u64>,
    pub num_preloaded_min: Option<u64>,
    pub org_id: Option<String>,
    /// The model that this one is a new version of; only when creating.
    pub prev_id: Option<String>,
    /// Starts a new repository; only when creating, and not with `prev_id`.
    pub with_repo: Option<bool>,
    #[serde(rename = "pub")]
    pub public: Option<bool>,
    pub require_iframe: Option<bool>,
    pub require_token: Option<bool>,
    /// Sessions per client address and hour; 0 takes the limit away.
    pub session_rate_limit: Option<u32>,
    pub trust: Option<ReqTrustLevel>,
    pub use_cdn: Option<bool>,
    pub user_id: Option<String>,
    pub webhook_url: Option<String>,
    pub webhook_token: Option<String>,
    pub deny_scripts: Option<bool>,
    /// Name in addresses of pages (ours).
    pub slug: Option<String>,
    /// Title for people (ours).
    pub title: Option<String>,
}

/// How far a model is trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum ReqTrustLevel {
    /// Nothing said.
    #[default]
    #[serde(rename = "")]
    Undefined,
    /// Not trusted.
    #[serde(rename = "none")]
    None,
    /// Trusted: failed computations are tried again.
    #[serde(rename = "full")]
    Full,
}

impl ReqTrustLevel {
    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undefined => "",
            Self::None => "none",
            Self::Full => "full",
        }
    }
}

/// Blocking reasons that may be set; only those that are sent change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReqModelBlockingReasons)]
pub struct ReqBlockingReasons {
    /// The owner has no credits left.
    pub credit_limit: Option<bool>,
    /// The owner blocked it.
    pub owner: Option<bool>,
    /// The owner may not use this server.
    pub backend_permission: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_update_leaves_everything_else_unsaid() {
        let request: ReqModel =
            serde_json::from_str(r#"{"pub":true,"backendaccess":true,"use_cdn":true,"extra":1}"#)
                .unwrap();
        let expected = ReqModel {
            public: Some(true),
            backendaccess: Some(true),
            use_cdn: Some(true),
            ..ReqModel::default()
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn blocking_reasons_may_come_one_by_one() {
        let request: ReqModel =
            serde_json::from_str(r#"{"blockingReasons":{"creditLimit":true}}"#).unwrap();
        let reasons = request.blocking_reasons.unwrap();
        assert_eq!(reasons.credit_limit, Some(true));
        assert_eq!(reasons.owner, None);
    }

    #[test]
    fn empty_blocks_are_empty_objects() {
        assert_eq!(serde_json::to_string(&ResFile::default()).unwrap(), "{}");
        assert_eq!(
            serde_json::to_string(&ResStatistic::default()).unwrap(),
            "{}"
        );
    }
}
