//! A model's settings and their stored form.

use serde::{Deserialize, Serialize};
use vitrine_access::{AllowedDomains, BlockingReasons, Timestamp};

use crate::error::StoreError;

/// What the owner and the operator have set for a model. Sizes are bytes; zero is a real zero.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as in the API"
)]
pub struct ModelSettings {
    /// Origins that may embed the model.
    pub domains: AllowedDomains,
    /// Whether every origin may.
    pub public: bool,
    /// Whether back-end tickets may be made and used.
    pub backend_access: bool,
    /// Whether only the platform's iframe may embed it.
    pub require_iframe: bool,
    /// Whether a session needs a token beside its ticket.
    pub require_token: bool,
    /// Authorization groups whose tokens are accepted, by id.
    pub auth_groups: Vec<String>,
    /// Why no session may open, if so.
    pub blocking: BlockingReasons,
    /// Sessions that one address may open in an hour.
    pub session_rate_limit: Option<u32>,
    /// Longest computation.
    pub max_comp_time_ms: u64,
    /// Longest wait for a loaded worker.
    pub max_wait_time_ms: u64,
    /// Largest export.
    pub max_export_size: u64,
    /// Largest output.
    pub max_output_size: u64,
    /// Largest model file.
    pub max_model_size: u64,
    /// Largest texture.
    pub max_texture_size: u64,
    /// Minutes that an unused model stays loaded.
    pub max_idle_minutes: u32,
    /// Most workers with the model loaded.
    pub num_loaded_max: u32,
    /// Fewest workers while there are sessions.
    pub num_loaded_min: u32,
    /// Fewest workers at any time.
    pub num_preloaded_min: u32,
    /// Whether loading ends with a first computation.
    pub initial_warmup: bool,
    /// Whether the file may contain no scripts.
    pub deny_scripts: bool,
    /// "", "none" or "full": whether failed computations are retried.
    pub trust: String,
    /// Kind of the model file.
    pub ftype: String,
    /// Whether assets may be served through a CDN.
    pub use_cdn: bool,
    /// Where status changes are told.
    pub webhook_url: Option<String>,
    /// The token for that place, sealed by the caller: it has to be sent, so a hash would not do.
    pub webhook_token: Option<Vec<u8>>,
    /// Libraries that the file may use.
    pub allowed_libraries: Vec<String>,
    /// Tickets made before this instant are refused.
    pub tickets_not_before: Timestamp,
    /// What the platform gave out before this instant is refused, but for the owner's own: fewer may see
    /// the model since.
    pub given_not_before: Timestamp,
    /// Since when only frames may embed it; sessions that were opened before may stand outside one.
    pub frames_only_since: Option<Timestamp>,
}

/// The stored form. Members are only ever added, with a default.
#[derive(Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as in the API"
)]
struct SettingsForm {
    domains: Vec<String>,
    public: bool,
    backend_access: bool,
    require_iframe: bool,
    require_token: bool,
    auth_groups: Vec<String>,
    blocking: BlockingForm,
    session_rate_limit: Option<u32>,
    max_comp_time_ms: u64,
    max_wait_time_ms: u64,
    max_export_size: u64,
    max_output_size: u64,
    max_model_size: u64,
    max_texture_size: u64,
    max_idle_minutes: u32,
    num_loaded_max: u32,
    num_loaded_min: u32,
    num_preloaded_min: u32,
    initial_warmup: bool,
    deny_scripts: bool,
    trust: String,
    ftype: String,
    use_cdn: bool,
    webhook_url: Option<String>,
    webhook_token_sealed: Option<String>,
    allowed_libraries: Vec<String>,
    tickets_not_before_ms: i64,
    #[serde(default)]
    given_not_before_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frames_only_since_ms: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent reasons, as in the API"
)]
struct BlockingForm {
    credit_limit: bool,
    owner: bool,
    backend_permission: bool,
    plugin_permission: bool,
}

impl ModelSettings {
    pub(crate) fn to_storage(&self) -> Result<String, StoreError> {
        serde_json::to_string(&self.to_form()).map_err(|error| StoreError::Unstorable {
            what: "model settings",
            why: error.to_string(),
        })
    }

    pub(crate) fn from_storage(text: &str) -> Result<Self, StoreError> {
        let form: SettingsForm =
            serde_json::from_str(text).map_err(|error| StoreError::corrupt("settings", error))?;
        Self::from_form(form)
    }

    fn to_form(&self) -> SettingsForm {
        SettingsForm {
            domains: self.domains.iter().map(ToString::to_string).collect(),
            public: self.public,
            backend_access: self.backend_access,
            require_iframe: self.require_iframe,
            require_token: self.require_token,
            auth_groups: self.auth_groups.clone(),
            blocking: BlockingForm {
                credit_limit: self.blocking.credit_limit,
                owner: self.blocking.owner,
                backend_permission: self.blocking.backend_permission,
                plugin_permission: self.blocking.plugin_permission,
            },
            session_rate_limit: self.session_rate_limit,
            max_comp_time_ms: self.max_comp_time_ms,
            max_wait_time_ms: self.max_wait_time_ms,
            max_export_size: self.max_export_size,
            max_output_size: self.max_output_size,
            max_model_size: self.max_model_size,
            max_texture_size: self.max_texture_size,
            max_idle_minutes: self.max_idle_minutes,
            num_loaded_max: self.num_loaded_max,
            num_loaded_min: self.num_loaded_min,
            num_preloaded_min: self.num_preloaded_min,
            initial_warmup: self.initial_warmup,
            deny_scripts: self.deny_scripts,
            trust: self.trust.clone(),
            ftype: self.ftype.clone(),
            use_cdn: self.use_cdn,
            webhook_url: self.webhook_url.clone(),
            webhook_token_sealed: self.webhook_token.as_ref().map(hex::encode),
            allowed_libraries: self.allowed_libraries.clone(),
            tickets_not_before_ms: self.tickets_not_before.unix_ms(),
            given_not_before_ms: self.given_not_before.unix_ms(),
            frames_only_since_ms: self.frames_only_since.map(Timestamp::unix_ms),
        }
    }

    fn from_form(form: SettingsForm) -> Result<Self, StoreError> {
        let webhook_token = form
            .webhook_token_sealed
            .map(hex::decode)
            .transpose()
            .map_err(|error| StoreError::corrupt("settings.webhook_token", error))?;
        Ok(Self {
            domains: read_domains(&form.domains)?,
            public: form.public,
            backend_access: form.backend_access,
            require_iframe: form.require_iframe,
            require_token: form.require_token,
            auth_groups: form.auth_groups,
            blocking: BlockingReasons {
                credit_limit: form.blocking.credit_limit,
                owner: form.blocking.owner,
                backend_permission: form.blocking.backend_permission,
                plugin_permission: form.blocking.plugin_permission,
            },
            session_rate_limit: form.session_rate_limit,
            max_comp_time_ms: form.max_comp_time_ms,
            max_wait_time_ms: form.max_wait_time_ms,
            max_export_size: form.max_export_size,
            max_output_size: form.max_output_size,
            max_model_size: form.max_model_size,
            max_texture_size: form.max_texture_size,
            max_idle_minutes: form.max_idle_minutes,
            num_loaded_max: form.num_loaded_max,
            num_loaded_min: form.num_loaded_min,
            num_preloaded_min: form.num_preloaded_min,
            initial_warmup: form.initial_warmup,
            deny_scripts: form.deny_scripts,
            trust: form.trust,
            ftype: form.ftype,
            use_cdn: form.use_cdn,
            webhook_url: form.webhook_url,
            webhook_token,
            allowed_libraries: form.allowed_libraries,
            tickets_not_before: Timestamp::from_unix_ms(form.tickets_not_before_ms),
            given_not_before: Timestamp::from_unix_ms(form.given_not_before_ms),
            frames_only_since: form.frames_only_since_ms.map(Timestamp::from_unix_ms),
        })
    }
}

/// Domains as one text column: one entry a line, which no entry can contain.
pub(crate) fn write_domains(domains: &AllowedDomains) -> String {
    let entries: Vec<String> = domains.iter().map(ToString::to_string).collect();
    entries.join("\n")
}

pub(crate) fn read_domain_lines(text: &str) -> Result<AllowedDomains, StoreError> {
    let entries: Vec<String> = text.lines().map(str::to_owned).collect();
    read_domains(&entries)
}

fn read_domains(entries: &[String]) -> Result<AllowedDomains, StoreError> {
    AllowedDomains::parse_all(entries).map_err(|error| StoreError::corrupt("domains", error))
}
