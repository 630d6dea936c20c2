//! Authorization groups.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `CreateAuthorizationGroup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct ReqAuthorizationGroup {
    /// Ids of models.
    #[serde(default)]
    pub models: Vec<String>,
    /// Ids of users.
    #[serde(default)]
    pub users: Vec<String>,
    /// Ids of organizations.
    #[serde(default)]
    pub organizations: Vec<String>,
}

/// Answer of `CreateAuthorizationGroup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResCreateAuthorizationGroup {
    /// The group's id, to be used as a token's subject and in a model's `auth_groups`.
    pub auth_group: String,
    /// Version of the API.
    pub version: &'static str,
}
