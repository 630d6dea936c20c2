//! Settings of a model. Each block is sent to those who may read it and is otherwise left out.

use serde::Serialize;
use utoipa::ToSchema;

/// Settings; `{}` when nothing may be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResSettings {
    /// Who may open sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ResAuthorizationSettings>,
    /// Limits of computations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<ResComputeSettings>,
    /// Everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ResModelSettings>,
}

/// Settings about who may open sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResAuthorizationSettings {
    /// Rules for tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<ResTicketAuthorization>,
    /// Rules for access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<ResTokenAuthorization>,
}

/// Rules for tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResTicketAuthorization {
    /// Domains on which the model may be embedded.
    pub accessdomains: Vec<String>,
    /// Whether backend tickets open sessions.
    pub backendaccess: bool,
    /// Whether the domains are ignored.
    #[serde(rename = "pub")]
    pub public: bool,
}

/// Rules for access tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResTokenAuthorization {
    /// Groups whose tokens are accepted.
    pub auth_groups: Vec<String>,
    /// Whether direct embedding is refused.
    pub require_iframe: bool,
    /// Whether a token must come with the ticket and with every session call.
    pub require_token: bool,
}

/// Limits of computations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResComputeSettings {
    /// Whether scripts inside the model are refused.
    pub deny_scripts: bool,
    /// File type of the model.
    pub ftype: String,
    /// Whether a loaded model is computed once at once.
    pub initial_warmup: bool,
    /// Longest computation, milliseconds.
    pub max_comp_time: u64,
    /// Largest export, bytes.
    pub max_export_size: u64,
    /// Minutes after which an unused model is unloaded.
    pub max_idle_minutes: u64,
    /// Largest model file, bytes.
    pub max_model_size: u64,
    /// Largest output, bytes.
    pub max_output_size: u64,
    /// Largest texture, bytes.
    pub max_texture_size: u64,
    /// Longest wait for a worker that has the model loaded, milliseconds.
    pub max_wait_time: u64,
    /// Most workers with the model loaded.
    pub num_loaded_max: u64,
    /// Fewest workers with the model loaded while it has sessions.
    pub num_loaded_min: u64,
    /// Fewest workers with the model loaded at all times.
    pub num_preloaded_min: u64,
    /// Sessions per client address and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_rate_limit: Option<u32>,
    /// `""`, `none` or `full`.
    pub trust: String,
}

/// Settings about delivery and blocking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResModelSettings {
    /// Whether links may point to a CDN.
    #[serde(rename = "use_cdn")]
    pub use_cdn: bool,
    /// Whether this server can make such links.
    #[serde(rename = "cdn_supported")]
    pub cdn_supported: bool,
    /// Why the model is blocked.
    pub blocking_reasons: ResBlockingReasons,
}

/// Reasons why a model is blocked; all four are always sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResModelBlockingReasons)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the API has four independent flags"
)]
pub struct ResBlockingReasons {
    /// The owner has no credits left.
    pub credit_limit: bool,
    /// The owner blocked it.
    pub owner: bool,
    /// The owner may not use this server.
    pub backend_permission: bool,
    /// The model needs something that its owner may not use.
    pub plugin_permission: bool,
}
