//! What a request says about who is asking. Nothing in it is believed here.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_service::Services;
use vitrine_service::partners::PresentedKey;
use vitrine_service::who::Caller;
use zeroize::Zeroizing;

use crate::error::{ApiError, ErrorKind};

/// The header with a partner's key.
pub(super) const X_API_KEY: &str = "x-api-key";
/// The header with an editor token.
pub(super) const X_API_TOKEN: &str = "x-api-token";
/// A header that all present browsers add to what scripts and pages ask, and that no script can leave
/// out or change.
const SEC_FETCH_SITE: &str = "sec-fetch-site";
const BASIC: &str = "basic ";

/// A header that may stand there once, as text. The outer error is for two of them or for characters
/// that neither keys nor tokens have; either way there is nothing that could be looked up.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a str>, NotOneText> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| NotOneText),
        _ => Err(NotOneText),
    }
}

/// Two headers of one name, or no text in it.
#[derive(Debug)]
pub(super) struct NotOneText;

/// Whether a browser asks.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE)
}

/// The key of `x-api-key`.
pub(super) fn api_key(headers: &HeaderMap) -> Result<PresentedKey<'_>, ApiError> {
    let key = single(headers, X_API_KEY).map_err(|NotOneText| {
        wrong("Wrong api key: send one header x-api-key with the key's text.")
    })?;
    Ok(PresentedKey { key, app_id: None })
}

/// Puts the refusal of what could not even be read into the audit trail; whatever can be read is noted
/// by the use cases.
pub(super) fn noted(
    services: &Services,
    operation: &str,
    caller: &Caller,
    error: ApiError,
) -> ApiError {
    if let ErrorKind::Refused(kind) = error.kind() {
        services.note_unread(operation, caller, &Refusal::new(kind, error.message()));
    }
    error
}

fn wrong(message: &str) -> ApiError {
    ApiError::new(
        ErrorKind::Refused(RefusalKind::PartnerKeyInvalid),
        message.to_owned(),
    )
}

/// A client's authentication by HTTP Basic (RFC 6749, section 2.3.1), decoded: application id and key.
pub(super) struct Basic(Zeroizing<String>);

impl Basic {
    /// Reads the header, when there is one.
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let malformed = || {
            wrong(
                "Wrong api key: HTTP Basic takes the application id as name and the key as password.",
            )
        };
        let Some(text) =
            single(headers, AUTHORIZATION.as_str()).map_err(|NotOneText| malformed())?
        else {
            return Ok(None);
        };
        let encoded = match text.get(..BASIC.len()) {
            Some(scheme) if scheme.eq_ignore_ascii_case(BASIC) => &text[BASIC.len()..],
            _ => return Err(malformed()),
        };
        let decoded = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
        let decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
        if !decoded.contains(':') {
            return Err(malformed());
        }
        Ok(Some(Self(Zeroizing::new(decoded))))
    }

    /// Application ids and keys have no character that form encoding would change.
    fn presented(&self) -> PresentedKey<'_> {
        let (app_id, key) = self.0.split_once(':').unwrap_or_default();
        PresentedKey {
            key: Some(key),
            app_id: Some(app_id),
        }
    }
}

/// The key of a client under `/oauth`: by HTTP Basic or by `x-api-key`, not by both.
pub(super) fn client<'a>(
    headers: &'a HeaderMap,
    basic: Option<&'a Basic>,
) -> Result<PresentedKey<'a>, ApiError> {
    let header = api_key(headers)?;
    match basic {
        None => Ok(header),
        Some(basic) if header.key.is_none() => Ok(basic.presented()),
        Some(_) => Err(ApiError::new(
            ErrorKind::RequestInvalid,
            "The request authenticates twice. Use HTTP Basic or x-api-key.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn basic_holds_application_id_and_key() {
        let encoded = STANDARD.encode("acme:vit_pk_x");
        for scheme in ["Basic", "basic", "BASIC"] {
            let headers = headers(&[("authorization", &format!("{scheme} {encoded}"))]);
            let basic = Basic::read(&headers).unwrap().unwrap();
            let presented = client(&headers, Some(&basic)).unwrap();
            assert_eq!(
                (presented.app_id, presented.key),
                (Some("acme"), Some("vit_pk_x"))
            );
        }
        for wrong in [
            "Bearer x",
            "Basic",
            "Basic !",
            "Basic YWNtZQ==",
            "Basic /w==",
        ] {
            assert!(
                Basic::read(&headers(&[("authorization", wrong)])).is_err(),
                "{wrong}"
            );
        }
        assert!(Basic::read(&headers(&[])).unwrap().is_none());
    }

    #[test]
    fn two_keys_are_none() {
        assert!(api_key(&headers(&[("x-api-key", "a"), ("x-api-key", "a")])).is_err());
        let both = headers(&[("x-api-key", "a"), ("authorization", "Basic YTpi")]);
        let basic = Basic::read(&both).unwrap();
        let error = client(&both, basic.as_ref()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::RequestInvalid);
    }
}
