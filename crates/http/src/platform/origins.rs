//! Which pages are let in, explained before one is refused: `POST /api/v1/accessdomains/check` and
//! `POST /api/v1/models/{key}/try_origin` (ours). The answers come from the same parser and matcher that
//! decide.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::limits::DOMAINS_MAX;
use vitrine_access::origin::{AllowedDomains, DomainEntry, DomainError};
use vitrine_service::Services;

use super::Asking;
use super::wire::answer;
use crate::catalogue;
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// Entries as somebody writes them.
#[derive(Deserialize, ToSchema)]
pub(crate) struct DomainsCheck {
    /// The entries.
    accessdomains: Vec<String>,
}

/// A page to be tried.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TryOrigin {
    /// The page's address or origin.
    origin: String,
    /// A list to be used in place of the model's own.
    accessdomains: Option<Vec<String>>,
    /// The id of a ticket to be used in place of the one that is handed out.
    ticket_id: Option<String>,
}

/// Reads entries of a list of allowed domains: what each would be saved as, or what is wrong with it.
#[utoipa::path(
    post, path = "/api/v1/accessdomains/check", operation_id = "PlatformCheckDomains",
    tag = "models",
    request_body(content = DomainsCheck),
    responses(
        (status = 200, description = "One answer per entry"),
        (status = 400, description = "There are too many"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn check(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<DomainsCheck>,
) -> Result<Response, ApiError> {
    let done = async {
        let (_, request) = body
            .after(|| services.platform_access("PlatformCheckDomains", &caller))
            .await?;
        if request.accessdomains.len() > DOMAINS_MAX {
            return Err(invalid(format!(
                "'accessdomains' has at most {DOMAINS_MAX} entries."
            )));
        }
        let read: Vec<Value> = request
            .accessdomains
            .iter()
            .map(|text| entry(text))
            .collect();
        Ok(answer(&json!({ "result": read })))
    };
    done.await.map_err(in_form)
}

/// What a page would be told if it opened a session of the model. Nothing is opened or charged.
#[utoipa::path(
    post, path = "/api/v1/models/{modelKey}/try_origin", operation_id = "PlatformTryOrigin",
    tag = "models",
    params(("modelKey" = String, Path, description = "Id or slug")),
    request_body(content = TryOrigin),
    responses(
        (status = 200, description = "Whether the page is let in, and otherwise why not"),
        (status = 400, description = "No page can stand at this address"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn try_origin(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
    body: Unread<TryOrigin>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformTryOrigin", &caller)
                .await?;
            let model = services.platform_upkept(&access, &key).await?;
            Ok::<_, ApiError>((access, model))
        };
        let ((_, model), request) = body.after(allowed).await?;
        let domains = request
            .accessdomains
            .map(|entries| AllowedDomains::parse_all(&entries))
            .transpose()
            .map_err(|error| invalid(format!("'accessdomains': {error}.")))?;
        let ticket = request.ticket_id.as_deref();
        let tried = services
            .platform_try_origin(&model, &request.origin, domains.as_ref(), ticket)
            .await?;
        let refusal = tried.refusal.as_ref().map(|refusal| {
            let code = refusal.kind.code();
            let entry = catalogue::entries().find(|entry| entry.code == code);
            json!({
                "code": code,
                "message": refusal.message,
                "remedy": entry.as_ref().map(|entry| entry.remedy),
                "documentation": entry.as_ref().map(|entry| catalogue::anchor(entry.code)),
            })
        });
        Ok(answer(&json!({
            "origin": tried.origin,
            "suggested_entry": tried.suggested_entry,
            "allowed": refusal.is_none(),
            "needs_token": tried.needs_token,
            "refusal": refusal,
        })))
    };
    done.await.map_err(in_form)
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message)
}

fn entry(text: &str) -> Value {
    match DomainEntry::parse(text) {
        Ok(entry) => json!({ "entry": text, "normalised": entry.to_string(), "error": null }),
        Err(DomainError::Entry { fault, .. }) => {
            json!({ "entry": text, "normalised": null, "error": fault.to_string() })
        }
        Err(other) => json!({ "entry": text, "normalised": null, "error": other.to_string() }),
    }
}
