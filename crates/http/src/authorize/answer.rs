//! What the proxy is told: a status, and headers that hold no secret.

use std::cell::RefCell;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use tracing::field::display;
use vitrine_access::ids::RequestId;
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_access::refusal::RefusalKind;
use vitrine_service::Error;
use vitrine_service::authorize::Authorized;

use crate::error::ErrorKind;
use crate::limits::PERMISSIONS_HEADER_BYTES_MAX;

const X_MODEL: HeaderName = HeaderName::from_static("x-vitrine-model");
const X_SUBJECT: HeaderName = HeaderName::from_static("x-vitrine-subject");
const X_SESSION_ALIAS: HeaderName = HeaderName::from_static("x-vitrine-session-alias");
const X_PERMISSIONS: HeaderName = HeaderName::from_static("x-vitrine-permissions");
const X_REASON: HeaderName = HeaderName::from_static("x-vitrine-reason");
/// Headers of an answer, those of the layers included: room for all at once.
const HEADERS_USUAL: usize = 12;
/// Sets of permissions whose text a thread keeps. An installation knows a handful: what a page's sessions
/// hold, and what each kind of token does.
const TEXTS_KEPT_MAX: usize = 16;

thread_local! {
    /// Sets that were told lately, as words: they are the same for nearly everybody.
    static TOLD: RefCell<Vec<(PermissionSet, HeaderValue)>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn let_through(authorized: Authorized) -> Response {
    let mut response = uncached(StatusCode::NO_CONTENT);
    let alias = authorized.session.map(|alias| alias.to_string());
    for (name, text) in [
        (X_MODEL, Some(authorized.model.to_string())),
        (X_SUBJECT, Some(authorized.subject)),
        (X_SESSION_ALIAS, alias),
    ] {
        // Ids and permissions are plain ASCII; what were not could not be sent.
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    if let Some(value) = told(&authorized.permissions) {
        response.headers_mut().insert(X_PERMISSIONS, value);
    }
    response
}

fn told(set: &PermissionSet) -> Option<HeaderValue> {
    TOLD.with_borrow_mut(|told| {
        if let Some((_, value)) = told.iter().find(|(known, _)| known == set) {
            return Some(value.clone());
        }
        let value = HeaderValue::try_from(permissions(set)).ok()?;
        if told.len() >= TEXTS_KEPT_MAX {
            told.remove(0);
        }
        told.push((set.clone(), value.clone()));
        Some(value)
    })
}

/// The set as words; permissions for single ids are left out where they would not fit.
fn permissions(set: &PermissionSet) -> String {
    let whole = set.to_storage();
    if whole.len() <= PERMISSIONS_HEADER_BYTES_MAX {
        return whole;
    }
    let held = Permission::ALL.iter().copied();
    let held: Vec<Permission> = held.filter(|&one| set.contains(one)).collect();
    PermissionSet::of(&held).to_storage()
}

pub(super) fn refused(error: &Error, request: Option<RequestId>) -> Response {
    let kind = ErrorKind::from(error.kind());
    let row = kind.row();
    if row.status.is_server_error() {
        let cause = error.cause_chain();
        let request = request.map(display);
        tracing::error!(
            request,
            code = row.code,
            cause,
            "a proxy was refused for want of an answer"
        );
    }
    let status = if asks_who(kind) {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::FORBIDDEN
    };
    let mut response = uncached(status);
    let headers = response.headers_mut();
    headers.insert(X_REASON, HeaderValue::from_static(row.code));
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750, section 3: no error is named where nothing was sent.
        let challenge = match kind {
            ErrorKind::Refused(RefusalKind::CredentialMissing | RefusalKind::TokenMissing) => {
                r#"Bearer realm="vitrine""#
            }
            _ => r#"Bearer realm="vitrine", error="invalid_token""#,
        };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// Whether another credential, of the same kind and for the same thing, would help.
const fn asks_who(kind: ErrorKind) -> bool {
    use RefusalKind as K;

    matches!(
        kind,
        ErrorKind::Refused(
            K::CredentialMissing
                | K::TokenMissing
                | K::TokenInvalid
                | K::TokenExpired
                | K::TokenRevoked
                | K::TicketInvalid
                | K::TicketExpired
                | K::TicketRevoked
                | K::SessionGone
                | K::SessionMalformed
        )
    )
}

fn uncached(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let mut headers = HeaderMap::with_capacity(HEADERS_USUAL);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use vitrine_access::limits::LIMITED_PERMISSIONS_MAX;

    use super::*;

    #[test]
    fn every_failure_is_401_or_403_and_names_its_code() {
        for kind in ErrorKind::all() {
            let ErrorKind::Refused(refusal) = kind else {
                continue;
            };
            let refusal = vitrine_access::Refusal::new(refusal, "…");
            let response = refused(&refusal.into(), None);
            let status = response.status().as_u16();
            assert!(status == 401 || status == 403, "{kind:?}: {status}");
            let header = |name| response.headers().get(name).map(|v| v.to_str().unwrap());
            assert_eq!(header(X_REASON), Some(kind.row().code));
            assert_eq!(header(CACHE_CONTROL), Some("no-store"));
            assert_eq!(header(WWW_AUTHENTICATE).is_some(), status == 401);
        }
        let busy = Error::new(vitrine_service::ErrorKind::NotReady, "…");
        assert_eq!(refused(&busy, None).status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn permissions_always_fit_into_the_header() {
        let all = permissions(&PermissionSet::all());
        assert_eq!(all, PermissionSet::all().to_storage());
        assert!(all.len() <= PERMISSIONS_HEADER_BYTES_MAX, "{}", all.len());
        let limited = |at: usize| format!("compute.output.{at:064}");
        let scopes: Vec<String> = (0..LIMITED_PERMISSIONS_MAX - 1).map(limited).collect();
        let scopes = [scopes, vec!["file.download".to_owned()]].concat();
        let (set, unknown) = PermissionSet::from_scopes(&scopes);
        assert!(unknown.is_empty());
        assert_eq!(permissions(&set), "file.download");
    }
}
