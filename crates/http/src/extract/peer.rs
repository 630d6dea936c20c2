//! From where a request comes: the direct peer, or the client for whom a trusted proxy asks.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::FORWARDED;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use vitrine_access::forwarded::{ForwardedHeader, TrustedProxies};

use crate::error::ApiError;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// From where a request comes. [`crate::layers`] puts it into the extensions of every request, so that
/// nothing else has to read forwarding headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client's address; the direct peer's own unless that is a trusted proxy.
    pub address: IpAddr,
    /// Whether the direct peer is a trusted proxy: only then do headers count that proxies write.
    pub via_trusted_proxy: bool,
}

impl Peer {
    /// What the layer found out.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }

    /// Reads the direct peer and, where it is trusted, the forwarding header.
    pub(crate) fn read(
        extensions: &Extensions,
        headers: &HeaderMap,
        proxies: &TrustedProxies,
    ) -> Option<Self> {
        let name = match proxies.header() {
            ForwardedHeader::XForwardedFor => &X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => &FORWARDED,
        };
        let lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let client = proxies.client(direct(extensions)?, lines);
        Some(Self {
            address: client.address,
            via_trusted_proxy: client.via_trusted_proxy,
        })
    }
}

/// The address at the other end of the connection, whoever that asks for.
pub(crate) fn direct(extensions: &Extensions) -> Option<IpAddr> {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&parts.extensions)
            .ok_or_else(|| ApiError::internal("the server does not tell who its peers are"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_chosen_header_of_a_trusted_proxy_counts() {
        let proxies = |header| TrustedProxies::parse_all(&["10.0.0.1"], header).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "192.0.2.1".parse().unwrap());
        headers.append("x-forwarded-for", "192.0.2.2".parse().unwrap());
        headers.append("forwarded", "for=192.0.2.3".parse().unwrap());
        headers.append("x-real-ip", "192.0.2.4".parse().unwrap());
        let read = |peer: &str, header| {
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
            let peer = Peer::read(&extensions, &headers, &proxies(header)).unwrap();
            (peer.address.to_string(), peer.via_trusted_proxy)
        };
        let (plain, rfc) = (ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded);
        assert_eq!(read("10.0.0.1", plain), ("192.0.2.2".to_owned(), true));
        assert_eq!(read("10.0.0.1", rfc), ("192.0.2.3".to_owned(), true));
        assert_eq!(read("10.0.0.2", plain), ("10.0.0.2".to_owned(), false));
        let nobody = Peer::read(&Extensions::new(), &headers, &proxies(plain));
        assert_eq!(nobody, None);
    }
}
