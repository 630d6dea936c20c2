//! The decisions.
use crate::origin::{AllowedDomains, Origin, OriginError};
use crate::refusal::Refusal;
use crate::ticket::Ticket;
use crate::time::Timestamp;
use std::str::FromStr;
use thiserror::Error;

/// Where a model stands in its life.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum ModelStatus {
    /// Created; no file yet.
    NotUploaded,
    /// The file is there and waits to be checked.
    Uploaded,
    /// Checked; waits for a human decision.
    Pending,
    /// Ready.
    Confirmed,
    /// Refused.
    Denied,
    /// Deleted, may be restored.
    Deleted,
}

/// A word that names no status.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown model status")]
pub struct ModelStatusError;

impl ModelStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::NotUploaded,
        Self::Uploaded,
        Self::Pending,
        Self::Confirmed,
        Self::Denied,
        Self::Deleted,
    ];

    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotUploaded => "not_uploaded",
            Self::Uploaded => "uploaded",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Denied => "denied",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for ModelStatus {
    type Err = ModelStatusError;

    fn from_str(word: &str) -> Result<Self, ModelStatusError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or(ModelStatusError)
    }
}

/// Why a model may not be shown although it is confirmed. Any one suffices.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches of the API"
)]
pub struct BlockingReasons {
    /// The owner's credit limit is exceeded.
    pub credit_limit: bool,
    /// The owner blocked it.
    pub owner: bool,
    /// The owner may not use this back end.
    pub backend_permission: bool,
    /// The model uses a plug-in that its owner may not use.
    pub plugin_permission: bool,
}

impl BlockingReasons {
    /// Whether any reason holds.
    #[must_use]
    pub const fn any(self) -> bool {
        self.credit_limit || self.owner || self.backend_permission || self.plugin_permission
    }
}

/// What a request says about the page behind it.
#[derive(Clone, Debug)]
pub struct OriginEvidence<'a> {
    /// The `Origin` header; `Ok(None)` when there was none.
    pub origin: Result<Option<Origin>, OriginError>,
    /// The `X-ShapeDiver-Origin` header, as sent.
    pub shapediver_origin: Option<&'a str>,
    /// Hosts of iframe pages that are trusted to say who embeds them.
    pub trusted_iframe_hosts: &'a AllowedDomains,
}

/// What the decision needs to know about a model.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the API"
)]
pub struct ModelFacts<'a> {
    /// Where it stands.
    pub state: ModelStatus,
    /// Why it may not be shown.
    pub blocked: BlockingReasons,
    /// `pub`: any page may show it.
    pub public: bool,
    /// Pages that may show it.
    pub domains: &'a AllowedDomains,
    /// Whether backend tickets are accepted.
    pub backend_access: bool,
    /// Whether direct embedding is refused.
    pub require_iframe: bool,
    /// Whether a token is needed beside the ticket.
    pub require_token: bool,
}

/// Refuses a ticket whose time is over.
///
/// # Errors
/// [`crate::RefusalKind::TicketExpired`].
pub fn check_ticket_time(_ticket: &Ticket, _now: Timestamp) -> Result<(), Refusal> {
    todo!()
}

/// Checks where the ticket is used.
///
/// # Errors
/// A refusal.
pub fn check_ticket_origin(
    _ticket: &Ticket,
    _facts: &ModelFacts<'_>,
    _evidence: &OriginEvidence<'_>,
) -> Result<Option<String>, Refusal> {
    todo!()
}

/// Checks whether the model may be opened.
///
/// # Errors
/// A refusal.
pub fn check_model_open(_facts: &ModelFacts<'_>) -> Result<(), Refusal> {
    todo!()
}
