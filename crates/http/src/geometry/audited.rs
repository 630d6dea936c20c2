//! Puts every refusal of an operation into the audit trail: one layer around each handler, so that
//! no handler can forget it.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;
use vitrine_access::ids::RequestId;
use vitrine_access::permissions::{Credential, Operation};
use vitrine_service::Services;
use vitrine_service::audit::Attempt;

use crate::error::{ApiError, ErrorKind};
use crate::extract::{Peer, X_VITRINE_SESSION};

/// The use cases and the operation's row.
#[derive(Clone)]
pub(super) struct Audited {
    pub(super) services: Services,
    pub(super) row: &'static Operation,
}

/// Passes the request on and notes a refusal.
pub(super) async fn note_refusal(
    State(Audited { services, row }): State<Audited>,
    segments: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let (peer, id) = (Peer::of(extensions), extensions.get::<RequestId>().copied());
    // Header values are shared, not copied; the rest is worth reading only when it is needed.
    let bearer = request.headers().get(AUTHORIZATION).cloned();
    let origin = request.headers().get(ORIGIN).cloned();
    let author = match row.credential {
        Credential::TokenOrAuthor => request.headers().get(&X_VITRINE_SESSION).cloned(),
        _ => None,
    };
    let response = next.run(request).await;
    // Partners and accounts are known by their keys, which the use cases note themselves.
    if matches!(
        row.credential,
        Credential::PartnerKey
            | Credential::EditorToken
            | Credential::EditorSession
            | Credential::ScriptJob
            | Credential::AccessKey
            | Credential::Account
            | Credential::OneTimeLink
            | Credential::Operator
    ) {
        return response;
    }
    let refused = response.extensions().get::<ApiError>().and_then(|error| {
        let ErrorKind::Refused(kind) = error.kind() else {
            return None;
        };
        Some((kind.code(), error.message().to_owned()))
    });
    if let Some((reason, message)) = refused {
        let segment = |wanted: &str| {
            let mut named = segments.as_ref().ok()?.iter();
            let (_, value) = named.find(|(name, _)| *name == wanted)?;
            Some(value)
        };
        let link = match row.credential {
            // The routes name this segment by the first operation that has it.
            Credential::SealedLink => ["assetDataEncrypted", "outputId", "exportId", "uploadLink"]
                .into_iter()
                .find_map(segment),
            _ => None,
        };
        let attempt = Attempt {
            operation: row.id,
            bearer: text(bearer.as_ref()).and_then(without_scheme),
            session: segment("sessionId")
                .filter(|_| link.is_none())
                .or_else(|| text(author.as_ref())),
            ticket: segment("ticketId"),
            link,
            model: segment("modelId"),
            address: peer.map(|peer| peer.address),
            origin: text(origin.as_ref()),
            request: id,
        };
        services.note_refused(&attempt, reason, &message);
    }
    response
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok()
}

/// What stands behind the scheme of an `Authorization` header.
fn without_scheme(value: &str) -> Option<&str> {
    value.split_once(' ').map(|(_, token)| token.trim())
}
