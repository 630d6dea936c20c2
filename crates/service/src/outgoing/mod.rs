//! The one way out: every outgoing request goes through [`Outgoing`], and the only implementation
//! that reaches the network, [`GuardedClient`], asks the operator's [`EgressPolicy`] at each step.
//!
//! A caller says why it asks ([`EgressPurpose`]), and how much time and how many bytes the answer may
//! cost. What comes back is the whole answer; nothing is cached, kept open or retried here.
//!
//! ```text
//! let request = OutgoingRequest::get(EgressPurpose::Jwks, url).bytes_max(64 << 10);
//! let answer = outgoing.fetch(request).await?;
//! ```
//!
//! [`EgressPolicy`]: vitrine_access::egress::EgressPolicy

mod client;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use thiserror::Error;
use vitrine_access::egress::{EgressError, EgressPurpose};

pub use client::{GuardedClient, SystemResolver};

/// Bytes of an answer unless the caller says otherwise: a document, not a file.
pub const OUTGOING_BYTES_MAX: usize = 1 << 20;
/// Time for a whole request, redirects included, unless the caller says otherwise.
pub const OUTGOING_TIME_MAX: Duration = Duration::from_secs(10);
/// Redirects that are followed: address changes and a missing slash need two.
pub const OUTGOING_REDIRECTS_MAX: u8 = 3;
/// Bytes of an answer's status line and headers; servers' own defaults are 8 to 16 KiB.
pub const OUTGOING_HEAD_BYTES_MAX: usize = 64 << 10;
/// Addresses of one host that are tried. Large services publish about this many.
pub const OUTGOING_ADDRESSES_MAX: usize = 8;

/// A request that shall go out.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// Why; the policy has rules for each purpose.
    pub purpose: EgressPurpose,
    /// The method. Redirects are followed for GET and HEAD only.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// Further headers. Those that are not plainly harmless are left out after a redirect to another
    /// host; `Host`, `Connection` and lengths are set by the client.
    pub headers: HeaderMap,
    /// The body, empty for none.
    pub body: Bytes,
    /// Largest accepted body of the answer, in bytes.
    pub bytes_max: usize,
    /// Longest time from here to the last byte of the answer.
    pub time_max: Duration,
    /// Redirects that are followed; 0 hands the redirect itself to the caller.
    pub redirects_max: u8,
}

impl OutgoingRequest {
    /// A request with the usual bounds.
    #[must_use]
    pub fn new(purpose: EgressPurpose, method: Method, url: impl Into<String>) -> Self {
        Self {
            purpose,
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            bytes_max: OUTGOING_BYTES_MAX,
            time_max: OUTGOING_TIME_MAX,
            redirects_max: OUTGOING_REDIRECTS_MAX,
        }
    }

    /// A GET request with the usual bounds.
    #[must_use]
    pub fn get(purpose: EgressPurpose, url: impl Into<String>) -> Self {
        Self::new(purpose, Method::GET, url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sends a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Bounds the answer's body, in bytes.
    #[must_use]
    pub fn bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Bounds the time of the whole request.
    #[must_use]
    pub fn time_max(mut self, time_max: Duration) -> Self {
        self.time_max = time_max;
        self
    }

    /// Bounds the number of redirects.
    #[must_use]
    pub fn redirects_max(mut self, redirects_max: u8) -> Self {
        self.redirects_max = redirects_max;
        self
    }
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct OutgoingAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, as sent (no content coding is asked for).
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub url: String,
}

/// Why there is no answer. The texts are fit for an operator; they hold host and port, never path,
/// query or headers.
#[derive(Debug, Error)]
pub enum OutgoingError {
    /// The policy forbids the URL or an address behind it.
    #[error(transparent)]
    Forbidden(#[from] EgressError),
    /// The name has no address.
    #[error("{host} has no address")]
    Unresolved {
        /// The name.
        host: String,
    },
    /// No connection.
    #[error("{host}:{port} cannot be reached")]
    Unreachable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The other side is not who it should be, or speaks no TLS that we accept.
    #[error("{host}:{port} did not prove who it is")]
    Tls {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What was wrong.
        source: std::io::Error,
    },
    /// The other side speaks no HTTP that we understand, or broke off.
    #[error("the answer of {host} cannot be read")]
    Protocol {
        /// The host.
        host: String,
        /// What was wrong.
        source: hyper::Error,
    },
    /// A request that cannot be sent as it is.
    #[error("the request cannot be sent: {why}")]
    Request {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A larger body than the caller wants.
    #[error("the answer is larger than {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// It took too long.
    #[error("there was no answer within {max_ms} ms")]
    TooSlow {
        /// The bound in milliseconds.
        max_ms: u128,
    },
    /// A redirect to nowhere, from https to http, or one too many.
    #[error("the redirect is not followed: {why}")]
    Redirect {
        /// Why.
        why: &'static str,
    },
}

/// Sends requests to other servers. Use cases hold it as `Arc<dyn Outgoing>`.
#[async_trait]
pub trait Outgoing: Send + Sync {
    /// Sends a request and reads the whole answer, redirects followed.
    ///
    /// # Errors
    /// When the policy forbids it, or there is no answer within the request's bounds. A status of 400
    /// and above is an answer, not an error.
    async fn fetch(&self, request: OutgoingRequest) -> Result<OutgoingAnswer, OutgoingError>;
}

/// Turns names into addresses; the system's resolver, but for tests.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of a name.
    ///
    /// # Errors
    /// What the system says.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// For nodes and tests that shall reach nobody.
#[derive(Debug)]
pub struct NoWayOut;

#[async_trait]
impl Outgoing for NoWayOut {
    async fn fetch(&self, request: OutgoingRequest) -> Result<OutgoingAnswer, OutgoingError> {
        Err(EgressError::HostNotAllowed {
            purpose: request.purpose,
            host: "any host".to_owned(),
            port: 0,
        }
        .into())
    }
}
