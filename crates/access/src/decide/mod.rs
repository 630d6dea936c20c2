//! The decisions on a ticket, in their order: it opens, its time, the page behind the request, and
//! only then what the model's state is, so that strangers learn nothing about the model.

mod status;
#[cfg(test)]
mod tests;
mod token;

use crate::embed::{Fence, FenceMark, PageLoad};
use crate::limits::EMBEDDER_URL_BYTES_MAX;
use crate::origin::{AllowedDomains, Origin, OriginError, shown};
use crate::refusal::{Refusal, RefusalKind};
use crate::ticket::{Ticket, TicketType};
use crate::time::Timestamp;

pub use status::{BlockingReasons, ModelStatus, ModelStatusError};
pub use token::{check_token, grant_for_session};

/// What a request says about the page behind it.
#[derive(Clone, Debug)]
pub struct OriginEvidence<'a> {
    /// The `Origin` header; `Ok(None)` when there was none.
    pub origin: Result<Option<Origin>, OriginError>,
    /// The `X-ShapeDiver-Origin` header, as sent. Any page's script can set it, so it counts only
    /// when the request comes from a trusted iframe page.
    pub shapediver_origin: Option<&'a str>,
    /// Hosts of iframe pages that are trusted to say who embeds them.
    pub trusted_iframe_hosts: &'a AllowedDomains,
    /// The origin of our own iframe page, `/embed`.
    pub embed_origin: Option<&'a Origin>,
    /// The load of that page that came along: opened, of this model, and neither old nor outlived.
    /// Without one our own origin proves nothing.
    pub page_load: Option<&'a PageLoad>,
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

/// The page that embeds the model, and how.
enum Embedding {
    /// The page itself asks.
    Direct(Origin),
    /// A page of ours, or one that is trusted, asks from inside a frame of this page.
    Framed(Origin),
    /// Our own page asks; the page around it hides, but stands inside this fence.
    Fenced(FenceMark),
}

/// Refuses a ticket whose time is over.
///
/// # Errors
/// [`RefusalKind::TicketExpired`].
pub fn check_ticket_time(ticket: &Ticket, now: Timestamp) -> Result<(), Refusal> {
    if now <= ticket.until {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::TicketExpired,
        format!(
            "This ticket expired at {}. Request a new ticket for the model.",
            ticket.until.to_iso_ms()
        ),
    ))
}

/// Whether this ticket may be used from where the request comes from. Gives the origin of the
/// embedding page, to be recorded with the session; `None` for backend tickets.
///
/// # Errors
/// A refusal that names the origin seen and the setting that would allow it.
pub fn check_ticket_origin(
    ticket: &Ticket,
    facts: &ModelFacts<'_>,
    evidence: &OriginEvidence<'_>,
) -> Result<Option<String>, Refusal> {
    match ticket.kind {
        TicketType::Backend if facts.backend_access => Ok(None),
        TicketType::Backend => Err(Refusal::new(
            RefusalKind::BackendAccessOff,
            "This model does not accept backend tickets. The owner can allow them by turning on the \
             model's backend access (backendaccess).",
        )),
        TicketType::Embedding => {
            let recorded = match embedding(evidence)? {
                Embedding::Direct(page) => {
                    check_lists(ticket, facts, &page)?;
                    if facts.require_iframe {
                        return Err(iframe_required(&page));
                    }
                    page.ascii()
                }
                Embedding::Framed(page) => {
                    check_lists(ticket, facts, &page)?;
                    page.ascii()
                }
                Embedding::Fenced(mark) => {
                    check_fence(ticket, facts, mark)?;
                    mark.to_string()
                }
            };
            Ok(Some(recorded))
        }
    }
}

/// Whether a page that was recorded with a session might still open one.
#[must_use]
pub fn recorded_is_allowed(ticket: &Ticket, facts: &ModelFacts<'_>, recorded: &str) -> bool {
    if let Some(mark) = FenceMark::of_recorded(recorded) {
        return check_fence(ticket, facts, mark).is_ok();
    }
    Origin::parse_header_values(&[recorded.as_bytes()])
        .is_ok_and(|page| check_lists(ticket, facts, &page).is_ok())
}

/// Whether whoever stands inside the fence may show the model: then it need not say who it is.
fn check_fence(ticket: &Ticket, facts: &ModelFacts<'_>, mark: FenceMark) -> Result<(), Refusal> {
    let fence = Fence::of(facts.public, facts.domains);
    if fence.mark() != mark {
        return Err(Refusal::new(
            RefusalKind::EmbedUnproven,
            "The model's allowed domains (accessdomains) have changed since this frame was loaded. \
             Reload the page.",
        ));
    }
    if fence.is_exact() && ticket.domains.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::OriginMissing,
        "The page around this frame does not say where it stands, and the allowed domains \
         (accessdomains) of the model or its ticket can only be compared with its exact address. \
         Remove the page's no-referrer policy, or ask the owner to allow its host without a star.",
    ))
}

/// Whether the model may be opened at all. Only for those who passed
/// [`check_ticket_origin`], or whose token covers the model.
///
/// # Errors
/// [`RefusalKind::ModelDeleted`], [`RefusalKind::ModelUnconfirmed`] or
/// [`RefusalKind::ModelBlocked`].
pub fn check_model_open(facts: &ModelFacts<'_>) -> Result<(), Refusal> {
    match facts.state {
        ModelStatus::Confirmed => check_not_blocked(facts.blocked),
        ModelStatus::Deleted => Err(Refusal::new(
            RefusalKind::ModelDeleted,
            "This model was deleted. Ask its owner to restore it.",
        )),
        other => Err(unconfirmed(other)),
    }
}

fn embedding(evidence: &OriginEvidence<'_>) -> Result<Embedding, Refusal> {
    let origin = match &evidence.origin {
        Ok(Some(origin)) => origin,
        Ok(None) | Err(OriginError::Missing) => return Err(origin_missing()),
        Err(error) => return Err(origin_malformed(error)),
    };
    let address = evidence.shapediver_origin.unwrap_or_default().trim();
    if evidence.embed_origin == Some(origin) {
        // Our page's own script said this: it asked the browser who stands around it.
        let load = evidence.page_load.ok_or_else(embed_unproven)?;
        return if address.is_empty() {
            Ok(Embedding::Fenced(load.fence))
        } else {
            claimed(address).map(Embedding::Framed)
        };
    }
    if !evidence.trusted_iframe_hosts.allows(origin) {
        return Ok(Embedding::Direct(origin.clone()));
    }
    // An empty header is no evidence: anybody can frame the trusted page without a referrer.
    if address.is_empty() {
        return Err(embedder_hidden(origin));
    }
    claimed(address).map(Embedding::Framed)
}

fn claimed(address: &str) -> Result<Origin, Refusal> {
    let page = (address.len() <= EMBEDDER_URL_BYTES_MAX).then(|| Origin::of_page(address));
    page.flatten().ok_or_else(|| embedder_malformed(address))
}

/// The refusal of requests from our own origin that come without a fresh load of the iframe page.
#[must_use]
pub fn embed_unproven() -> Refusal {
    Refusal::new(
        RefusalKind::EmbedUnproven,
        "This request does not come from a fresh load of the frame that shows the model. Reload the \
         page.",
    )
}

/// Whether a page may show the model: `pub` on model or ticket stands for the model's list, as far as
/// an entry without scheme could; the ticket's own list restricts further.
///
/// # Errors
/// [`RefusalKind::OriginNotAllowed`], naming the page and the list that would have to name it.
pub fn check_lists(ticket: &Ticket, facts: &ModelFacts<'_>, page: &Origin) -> Result<(), Refusal> {
    let public = (ticket.public || facts.public) && page.is_ordinary_web();
    if !public && !facts.domains.allows(page) {
        return Err(Refusal::new(
            RefusalKind::OriginNotAllowed,
            format!(
                "This model may not be shown on {page}. The owner can allow it by adding {} to the \
                 model's allowed domains (accessdomains).",
                page.suggested_entry()
            ),
        ));
    }
    if !ticket.domains.is_empty() && !ticket.domains.allows(page) {
        return Err(Refusal::new(
            RefusalKind::OriginNotAllowed,
            format!(
                "This ticket may not be used on {page}. Request a ticket whose own allowed domains \
                 (accessdomains) include {}, or one without such a list.",
                page.suggested_entry()
            ),
        ));
    }
    Ok(())
}

fn check_not_blocked(blocked: BlockingReasons) -> Result<(), Refusal> {
    let reason = if blocked.owner {
        "its owner blocked it. Ask the owner to unblock it"
    } else if blocked.credit_limit {
        "its owner's credit limit is exceeded. Ask the owner to raise it"
    } else if blocked.backend_permission {
        "its owner may not use this server. Ask the operator for access"
    } else if blocked.plugin_permission {
        "it uses a plug-in that its owner may not use. Ask the operator for access"
    } else {
        return Ok(());
    };
    let message = format!("This model is blocked: {reason}.");
    Err(Refusal::new(RefusalKind::ModelBlocked, message))
}

fn unconfirmed(status: ModelStatus) -> Refusal {
    let message = match status {
        ModelStatus::NotUploaded => "This model has no file yet. Its owner must upload one.",
        ModelStatus::Pending => "This model waits for approval. Ask the operator to confirm it.",
        ModelStatus::Denied => {
            "This model was checked and refused. Its owner can read the reason and upload a new \
             version."
        }
        ModelStatus::Uploaded | ModelStatus::Confirmed | ModelStatus::Deleted => {
            "This model is being checked. Try again in a moment."
        }
    };
    Refusal::new(RefusalKind::ModelUnconfirmed, message)
}

fn origin_missing() -> Refusal {
    Refusal::new(
        RefusalKind::OriginMissing,
        "No origin was sent (there is no Origin header), and this is an embedding ticket, which \
         opens sessions in browsers only. Use a backend ticket outside browsers.",
    )
}

fn origin_malformed(error: &OriginError) -> Refusal {
    Refusal::new(
        RefusalKind::OriginMalformed,
        format!(
            "This model cannot be shown on this page: {error}. Show it on a page with an ordinary \
             address that is among the model's allowed domains (accessdomains)."
        ),
    )
}

fn embedder_hidden(frame: &Origin) -> Refusal {
    Refusal::new(
        RefusalKind::OriginMissing,
        format!(
            "The page around the frame on {frame} does not say where it stands. Remove its \
             no-referrer policy, so that it can be compared with the model's allowed domains \
             (accessdomains)."
        ),
    )
}

fn embedder_malformed(address: &str) -> Refusal {
    Refusal::new(
        RefusalKind::OriginMalformed,
        format!(
            "The address of the page around the frame, `{}`, is not a web address. Show the model \
             on a page that is among its allowed domains (accessdomains).",
            shown(address.as_bytes())
        ),
    )
}

fn iframe_required(page: &Origin) -> Refusal {
    Refusal::new(
        RefusalKind::IframeRequired,
        format!(
            "This model may be shown on {page} inside an iframe only. Use the iframe code, or ask \
             the owner to turn off require_iframe."
        ),
    )
}
