//! A guard for what only the operator may see: the request comes from this very machine, or brings
//! the operator's token.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap};
use vitrine_access::ids::BlobKey;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::SecretHash;

use crate::error::{ApiError, ErrorKind};
use crate::extract::direct;

/// Headers that proxies add. A request that carries one comes from elsewhere, whatever its peer.
const FORWARDING_HEADERS: [&str; 14] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
];

/// The operator's token, as a hash. Put it into the request extensions (`axum::Extension` as a layer)
/// to let the token in; without it only loopback counts.
#[derive(Debug, Clone)]
pub struct OperatorToken(Arc<SecretHash>);

impl OperatorToken {
    /// Expects this token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(Arc::new(hash(token)))
    }
}

/// SHA-256, so that comparing takes the same time whatever the two have in common.
fn hash(token: &str) -> SecretHash {
    SecretHash::from_bytes(*BlobKey::of(token.as_bytes()).as_bytes())
}

/// Proof that the request comes from this machine or brings the operator's token. Needs
/// [`axum::extract::ConnectInfo`] for the former.
#[derive(Debug, Clone, Copy)]
pub struct LocalOrToken(());

impl<S: Sync> FromRequestParts<S> for LocalOrToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        prove(parts).ok_or_else(|| {
            ApiError::new(
                ErrorKind::Refused(RefusalKind::PermissionMissing),
                "This address answers requests from the server's own machine, and requests with \
                 the operator's token as \"Authorization: Bearer\".",
            )
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for LocalOrToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(prove(parts))
    }
}

fn prove(parts: &Parts) -> Option<LocalOrToken> {
    let proven = is_local(&parts.extensions, &parts.headers)
        || brings_token(&parts.extensions, &parts.headers);
    proven.then_some(LocalOrToken(()))
}

/// Whether a request comes from this machine and from no proxy on it.
#[must_use]
pub fn is_local(extensions: &Extensions, headers: &HeaderMap) -> bool {
    // The other end of the connection, and not for whom it asks: proxies may be on this machine.
    let loopback = direct(extensions).is_some_and(|peer| peer.is_loopback());
    loopback
        && names_this_machine(headers)
        && FORWARDING_HEADERS
            .iter()
            .all(|name| !headers.contains_key(*name))
}

/// Whether the request was addressed to this machine by a name that only it has: a proxy that adds no
/// header, and a page whose name was made to point here, ask for another host.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn brings_token(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let (Some(OperatorToken(expected)), Some(value)) = (
        extensions.get::<OperatorToken>(),
        headers.get(AUTHORIZATION),
    ) else {
        return false;
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .is_some_and(|token| hash(token) == **expected)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;

    use super::*;

    fn local(peer: &str, header: Option<&'static str>) -> bool {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "127.0.0.1:8080".parse().unwrap());
        if let Some(name) = header {
            headers.insert(name, "203.0.113.9".parse().unwrap());
        }
        is_local(&extensions, &headers)
    }

    #[test]
    fn only_direct_loopback_is_local() {
        for peer in [
            "127.0.0.1:1",
            "127.8.9.1:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(local(peer, None), "{peer}");
        }
        for peer in [
            "203.0.113.9:1",
            "10.0.0.1:1",
            "[2001:db8::1]:1",
            "0.0.0.0:1",
        ] {
            assert!(!local(peer, None), "{peer}");
        }
        assert!(!local("127.0.0.1:1", Some("x-forwarded-for")));
        assert!(!local("127.0.0.1:1", Some("forwarded")));
        assert!(!local("127.0.0.1:1", Some("via")));
        assert!(!is_local(&Extensions::new(), &HeaderMap::new()));
    }

    #[test]
    fn a_request_for_another_host_is_not_local_whoever_passes_it_on() {
        let mut extensions = Extensions::new();
        let peer: SocketAddr = "127.0.0.1:1".parse().unwrap();
        extensions.insert(ConnectInfo(peer));
        for (host, is) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("vitrine.example", false),
            ("localhost.evil.example", false),
            ("10.0.0.1", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            assert_eq!(is_local(&extensions, &headers), is, "{host}");
        }
    }

    #[test]
    fn the_operators_token_opens_from_anywhere_and_no_other_does() {
        let mut extensions = Extensions::new();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer right".parse().unwrap());
        assert!(!brings_token(&extensions, &headers));
        extensions.insert(OperatorToken::new("right"));
        assert!(brings_token(&extensions, &headers));
        for wrong in ["Bearer wrong", "right", "Bearer ", "bearer right"] {
            headers.insert(AUTHORIZATION, wrong.parse().unwrap());
            assert!(!brings_token(&extensions, &headers), "{wrong}");
        }
    }
}
