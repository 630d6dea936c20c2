//! Who is asking: the parts of a request that say so, not yet believed.

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use vitrine_access::ids::RequestId;
use vitrine_access::origin::{Origin, OriginError};
use vitrine_access::refusal::RefusalKind;
use vitrine_service::sessions::PageEvidence;
use vitrine_service::who::Caller;

use super::Peer;
use crate::error::{ApiError, ErrorKind};

/// The header in which an iframe page tells what page it stands in.
static X_SHAPEDIVER_ORIGIN: HeaderName = HeaderName::from_static("x-shapediver-origin");
/// The header in which our own iframe page proves its load.
static X_VITRINE_EMBED: HeaderName = HeaderName::from_static("x-vitrine-embed");
/// The header that names an author's session where the path names a model.
pub(crate) static X_VITRINE_SESSION: HeaderName = HeaderName::from_static("x-vitrine-session");
/// The only scheme of `Authorization` that operations here take.
const BEARER: &str = "bearer ";

/// Extracts a [`Caller`].
pub struct From(pub Caller);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(Caller {
            bearer: bearer(&parts.headers)?,
            session: session(parts),
            address: Peer::of(&parts.extensions).map(|peer| peer.address),
            request: parts.extensions.get::<RequestId>().copied(),
        }))
    }
}

/// Extracts a [`Caller`] whose credential is no access token: `Authorization` is left alone.
pub struct Tokenless(pub Caller);

impl<S: Sync> FromRequestParts<S> for Tokenless {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Caller {
            bearer: None,
            session: None,
            address: Peer::of(&parts.extensions).map(|peer| peer.address),
            request: parts.extensions.get::<RequestId>().copied(),
        }))
    }
}

/// The access token of a request, where it brings one.
///
/// # Errors
/// `TokenInvalid` for two of them, and for what is of another scheme.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let refused = |message: &str| {
        ApiError::new(
            ErrorKind::Refused(RefusalKind::TokenInvalid),
            message.to_owned(),
        )
    };
    if values.next().is_some() {
        return Err(refused(
            "The request has more than one Authorization header. Send one.",
        ));
    }
    let text = value
        .to_str()
        .map_err(|_| refused("The Authorization header holds characters that no token has."))?;
    match text.get(..BEARER.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(BEARER) => {
            Ok(Some(text.split_at(BEARER.len()).1.trim().to_owned()))
        }
        _ => Err(refused(
            "Send the access token as 'Authorization: Bearer …'.",
        )),
    }
}

/// Two of them name no session: what stands here then opens nothing.
fn session(parts: &Parts) -> Option<String> {
    let mut values = parts.headers.get_all(&X_VITRINE_SESSION).iter();
    match (values.next(), values.next()) {
        (None, _) => None,
        (Some(one), None) => Some(one.to_str().unwrap_or_default().to_owned()),
        (Some(_), Some(_)) => Some(String::new()),
    }
}

/// Extracts what the headers say of the page behind a request.
pub struct Page {
    origin: Result<Option<Origin>, OriginError>,
    shapediver_origin: Option<String>,
    load: Option<String>,
}

impl Page {
    /// The evidence that the access core decides on.
    #[must_use]
    pub fn evidence(&self) -> PageEvidence<'_> {
        PageEvidence {
            origin: self.origin.clone(),
            shapediver_origin: self.shapediver_origin.as_deref(),
            page_load: self.load.as_deref(),
        }
    }
}

impl Page {
    /// Reads the headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values: Vec<&[u8]> = headers
            .get_all(ORIGIN)
            .iter()
            .map(axum::http::HeaderValue::as_bytes)
            .collect();
        Self {
            origin: Origin::from_header_values(&values),
            shapediver_origin: only(headers, &X_SHAPEDIVER_ORIGIN),
            load: only(headers, &X_VITRINE_EMBED),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

/// The one value of a header. Two of them say nothing that could be believed; an empty one counts as
/// said.
fn only(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(one), None) => Some(one.to_str().unwrap_or_default().to_owned()),
        _ => None,
    }
}
