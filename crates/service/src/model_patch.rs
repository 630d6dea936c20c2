//! What may be set of a model, and what holds until somebody sets it.

use vitrine_access::decide::BlockingReasons;
use vitrine_access::ids::{ModelId, OrganizationId, UserId};
use vitrine_access::origin::AllowedDomains;
use vitrine_access::time::Timestamp;
use vitrine_store::{ModelRecord, ModelSettings};

use crate::error::{Error, ErrorKind, Result};
use crate::models::MODEL_FILE_BYTES_MAX;

/// Longest display name of a model, in characters.
const NAME_CHARS_MAX: usize = 200;
/// Longest secondary id, as far as a ticket can hold one; file systems bound file names alike.
const ID_CHARS_MAX: usize = 255;
/// Longest address; browsers and proxies go little further.
const URL_CHARS_MAX: usize = 2_000;
/// Most entries of a list of groups or libraries.
const LIST_ENTRIES_MAX: usize = 100;

/// What `CreateModel` and `UpdateModel` may set; `None` leaves a member as it is.
#[derive(Clone, Default)]
#[expect(
    missing_docs,
    reason = "the members are those of the contract's ReqModel"
)]
pub struct ModelPatch {
    pub name: Option<String>,
    pub filename: Option<String>,
    pub id2: Option<String>,
    pub user: Option<UserId>,
    pub organization: Option<OrganizationId>,
    pub accessdomains: Option<Vec<String>>,
    pub allowed_libraries: Option<Vec<String>>,
    pub auth_groups: Option<Vec<String>>,
    pub backend_access: Option<bool>,
    pub public: Option<bool>,
    pub require_iframe: Option<bool>,
    pub require_token: Option<bool>,
    pub deny_scripts: Option<bool>,
    pub initial_warmup: Option<bool>,
    pub use_cdn: Option<bool>,
    pub blocking: BlockingPatch,
    pub session_rate_limit: Option<u32>,
    pub max_comp_time_ms: Option<u64>,
    pub max_wait_time_ms: Option<u64>,
    pub max_export_size: Option<u64>,
    pub max_output_size: Option<u64>,
    pub max_model_size: Option<u64>,
    pub max_texture_size: Option<u64>,
    pub max_idle_minutes: Option<u32>,
    pub num_loaded_max: Option<u32>,
    pub num_loaded_min: Option<u32>,
    pub num_preloaded_min: Option<u32>,
    pub trust: Option<String>,
    pub webhook_url: Option<String>,
    pub webhook_token: Option<String>,
    pub prev_id: Option<ModelId>,
    pub title: Option<String>,
    pub slug: Option<String>,
}

/// Blocking reasons that a request sets; the others stay.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    missing_docs,
    reason = "the members are those of the contract's blockingReasons"
)]
pub struct BlockingPatch {
    pub credit_limit: Option<bool>,
    pub owner: Option<bool>,
    pub backend_permission: Option<bool>,
}

impl BlockingPatch {
    fn apply(self, to: &mut BlockingReasons) {
        to.credit_limit = self.credit_limit.unwrap_or(to.credit_limit);
        to.owner = self.owner.unwrap_or(to.owner);
        to.backend_permission = self.backend_permission.unwrap_or(to.backend_permission);
    }
}

/// What a model may do until somebody says otherwise: no page, no back end, generous work.
pub(crate) fn default_settings() -> ModelSettings {
    const MIB: u64 = 1024 * 1024;
    ModelSettings {
        domains: AllowedDomains::default(),
        public: false,
        backend_access: false,
        require_iframe: false,
        require_token: false,
        auth_groups: Vec::new(),
        blocking: BlockingReasons::default(),
        session_rate_limit: None,
        max_comp_time_ms: 30_000,
        max_wait_time_ms: 5_000,
        max_export_size: 256 * MIB,
        max_output_size: 256 * MIB,
        max_model_size: MODEL_FILE_BYTES_MAX,
        max_texture_size: 16 * MIB,
        max_idle_minutes: 30,
        num_loaded_max: 1,
        num_loaded_min: 0,
        num_preloaded_min: 0,
        initial_warmup: true,
        deny_scripts: false,
        trust: String::new(),
        ftype: "js".to_owned(),
        use_cdn: false,
        webhook_url: None,
        webhook_token: None,
        allowed_libraries: Vec::new(),
        tickets_not_before: Timestamp::from_unix_ms(0),
        given_not_before: Timestamp::from_unix_ms(0),
        frames_only_since: None,
    }
}

pub(crate) fn domains(entries: &[String]) -> Result<AllowedDomains> {
    AllowedDomains::parse_all(entries)
        .map_err(|error| Error::new(ErrorKind::RequestInvalid, format!("accessdomains: {error}")))
}

pub(crate) fn emptied(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

macro_rules! set {
    ($to:expr, $patch:expr, $($member:ident),+ $(,)?) => {
        $(if let Some(value) = $patch.$member { $to.$member = value; })+
    };
}

pub(crate) fn apply(model: &mut ModelRecord, patch: ModelPatch) -> Result<()> {
    check_bounds(&patch)?;
    if let Some(name) = patch.name {
        model.name = name;
    }
    if let Some(title) = patch.title {
        model.title = title;
    }
    if let Some(filename) = patch.filename {
        model.filename = emptied(filename);
    }
    if let Some(id2) = patch.id2 {
        model.id2 = emptied(id2);
    }
    let settings = &mut model.settings;
    if let Some(entries) = patch.accessdomains {
        settings.domains = domains(&entries)?;
    }
    if let Some(trust) = patch.trust {
        if !matches!(trust.as_str(), "" | "none" | "full") {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "'trust' is one of \"\", \"none\" and \"full\".",
            ));
        }
        settings.trust = trust;
    }
    if let Some(limit) = patch.session_rate_limit {
        // 0 takes the limit away, as the contract has it.
        settings.session_rate_limit = Some(limit).filter(|&limit| limit > 0);
    }
    if let Some(url) = patch.webhook_url {
        settings.webhook_url = emptied(url);
    }
    patch.blocking.apply(&mut settings.blocking);
    set!(
        settings,
        patch,
        allowed_libraries,
        auth_groups,
        backend_access,
        public,
        require_iframe,
        require_token,
        deny_scripts,
        initial_warmup,
        use_cdn,
        max_comp_time_ms,
        max_wait_time_ms,
        max_export_size,
        max_output_size,
        max_model_size,
        max_texture_size,
        max_idle_minutes,
        num_loaded_max,
        num_loaded_min,
        num_preloaded_min,
    );
    Ok(())
}

fn check_bounds(patch: &ModelPatch) -> Result<()> {
    let too_long = |member: &str, chars_max: usize| {
        let message = format!("'{member}' has at most {chars_max} characters.");
        Err(Error::new(ErrorKind::RequestInvalid, message))
    };
    for (member, text, chars_max) in [
        ("name", &patch.name, NAME_CHARS_MAX),
        ("title", &patch.title, NAME_CHARS_MAX),
        ("filename", &patch.filename, ID_CHARS_MAX),
        ("id2", &patch.id2, ID_CHARS_MAX),
        ("webhook_url", &patch.webhook_url, URL_CHARS_MAX),
        ("webhook_token", &patch.webhook_token, URL_CHARS_MAX),
    ] {
        if text
            .as_ref()
            .is_some_and(|text| text.chars().count() > chars_max)
        {
            return too_long(member, chars_max);
        }
        if text.as_deref().is_some_and(has_control) {
            return unprintable(member);
        }
    }
    for (member, value) in [
        ("max_comp_time", patch.max_comp_time_ms),
        ("max_model_size", patch.max_model_size),
        ("max_output_size", patch.max_output_size),
        ("max_export_size", patch.max_export_size),
    ] {
        if value == Some(0) {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!("'{member}' is at least 1; block the model to stop its use."),
            ));
        }
    }
    for (member, list) in [
        ("auth_groups", &patch.auth_groups),
        ("allowed_libraries", &patch.allowed_libraries),
    ] {
        let Some(list) = list else { continue };
        if list.len() > LIST_ENTRIES_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!("'{member}' has at most {LIST_ENTRIES_MAX} entries."),
            ));
        }
        if list.iter().any(|text| text.chars().count() > ID_CHARS_MAX) {
            return too_long(member, ID_CHARS_MAX);
        }
        if list.iter().any(|text| has_control(text)) {
            return unprintable(member);
        }
    }
    Ok(())
}

fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

fn unprintable(member: &str) -> Result<()> {
    Err(Error::new(
        ErrorKind::RequestInvalid,
        format!("'{member}' holds a control character. Write it on one line."),
    ))
}
