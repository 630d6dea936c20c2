//! The origin rule: one parser for `Origin` headers, one for the entries that owners write, and one
//! matcher. Session creation, `frame-ancestors` and every other place that asks "may this page?"
//! come here.

mod domains;
mod entry;
mod host;
#[cfg(test)]
mod specification;
#[cfg(test)]
mod tests;

use std::fmt;

use thiserror::Error;
use url::Url;

use crate::limits::{ORIGIN_BYTES_MAX, SEEN_CHARS_MAX};

pub use domains::AllowedDomains;
pub use entry::{DomainEntry, DomainError, DomainFault};
use host::{default_port, is_ascii_host, is_loopback, is_scheme, parse_port};

/// An `Origin` header in the ASCII form of RFC 6454 section 6.2: `scheme://host[:port]` or `null`.
///
/// `Display` shows it as it was seen. Equality, hashing and matching go by [`Origin::ascii`].
#[derive(Clone)]
pub struct Origin {
    seen: String,
    form: Form,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Null,
    /// Lower case; `port` is `None` for the scheme's default.
    Tuple {
        scheme: String,
        host: String,
        port: Option<u16>,
    },
}

/// Why an `Origin` header is refused without being interpreted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// There is none.
    #[error("there is no Origin header")]
    Missing,
    /// There is more than one.
    #[error("there are {count} Origin headers (`{seen}`); browsers send one")]
    Repeated {
        /// How many there are.
        count: usize,
        /// What was sent, escaped and cut.
        seen: String,
    },
    /// It is not of the form `scheme://host[:port]`.
    #[error("the Origin header `{seen}` is not of the form scheme://host[:port]: {fault}")]
    Malformed {
        /// What was sent, escaped and cut.
        seen: String,
        /// What is wrong with it.
        fault: OriginFault,
    },
}

/// What is wrong with an `Origin` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OriginFault {
    /// Longer than any origin can be.
    #[error("it is too long")]
    TooLong,
    /// Something else than visible ASCII characters.
    #[error("it holds characters other than visible ASCII")]
    NotAscii,
    /// No scheme, or none that exists.
    #[error("the scheme is missing or misspelt")]
    Scheme,
    /// Not a host name or address in its one canonical spelling.
    #[error("the host is not a plain host name or address")]
    Host,
    /// Not a port number in its one canonical spelling.
    #[error("the port is not a number from 1 to 65535")]
    Port,
}

impl Origin {
    /// Reads the values of all `Origin` headers of a request.
    ///
    /// # Errors
    /// When there is not exactly one, or it differs from its own serialisation by more than letter
    /// case and the default port.
    pub fn parse_header_values(values: &[&[u8]]) -> Result<Self, OriginError> {
        match values {
            [] => Err(OriginError::Missing),
            [value] => Self::parse_bytes(value).map_err(|fault| OriginError::Malformed {
                seen: shown(value),
                fault,
            }),
            several => Err(OriginError::Repeated {
                count: several.len(),
                // Two suffice to show what is wrong, however many there are.
                seen: shown(&several[..2].join(&b" | "[..])),
            }),
        }
    }

    /// Like [`Self::parse_header_values`], with `None` when there is no header at all: the form in
    /// which [`crate::OriginEvidence`] wants it.
    ///
    /// # Errors
    /// As [`Self::parse_header_values`], without [`OriginError::Missing`].
    pub fn from_header_values(values: &[&[u8]]) -> Result<Option<Self>, OriginError> {
        if values.is_empty() {
            return Ok(None);
        }
        Self::parse_header_values(values).map(Some)
    }

    fn parse_bytes(value: &[u8]) -> Result<Self, OriginFault> {
        if value.len() > ORIGIN_BYTES_MAX {
            return Err(OriginFault::TooLong);
        }
        let text = std::str::from_utf8(value).map_err(|_| OriginFault::NotAscii)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OriginFault::NotAscii);
        }
        let lower = text.to_ascii_lowercase();
        let form = if lower == "null" {
            Form::Null
        } else {
            Form::parse(&lower)?
        };
        Ok(Self {
            seen: text.to_owned(),
            form,
        })
    }

    /// The origin of a page's address: its scheme, host and port, without path and query. What is left
    /// must be an origin by itself: an address that only a lenient reader takes for one names none.
    #[must_use]
    pub fn of_page(address: &str) -> Option<Self> {
        let (scheme, rest) = address.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let origin = format!("{scheme}://{}", &rest[..end]);
        let parsed = Self::parse_bytes(origin.as_bytes()).ok()?;
        matches!(parsed.form, Form::Tuple { .. }).then_some(parsed)
    }

    /// The one canonical text: lower case, default port left out.
    #[must_use]
    pub fn ascii(&self) -> String {
        match &self.form {
            Form::Null => "null".to_owned(),
            Form::Tuple {
                scheme,
                host,
                port: None,
            } => format!("{scheme}://{host}"),
            Form::Tuple {
                scheme,
                host,
                port: Some(port),
            } => format!("{scheme}://{host}:{port}"),
        }
    }

    /// Whether an entry without scheme may speak for this origin: https, or http on a loopback host.
    #[must_use]
    pub fn is_ordinary_web(&self) -> bool {
        match &self.form {
            Form::Null => false,
            Form::Tuple { scheme, host, .. } => {
                scheme == "https" || (scheme == "http" && is_loopback(host))
            }
        }
    }

    /// The entry that an owner would write to allow exactly this origin.
    #[must_use]
    pub fn suggested_entry(&self) -> String {
        let ascii = self.ascii();
        if !self.is_ordinary_web() {
            return ascii;
        }
        match ascii.split_once("://") {
            Some((_, authority)) => authority.to_owned(),
            None => ascii,
        }
    }
}

impl Form {
    fn parse(lower: &str) -> Result<Self, OriginFault> {
        let (scheme, authority) = lower.split_once("://").ok_or(OriginFault::Scheme)?;
        if !is_scheme(scheme) {
            return Err(OriginFault::Scheme);
        }
        let (host, port) = match split_port(authority) {
            (host, None) => (host, None),
            (host, Some(digits)) => (host, Some(parse_port(digits).ok_or(OriginFault::Port)?)),
        };
        let canonical = is_ascii_host(host)
            && match scheme {
                // The names of the web are those that the URL standard leaves as they are.
                "http" | "https" => Url::parse(&format!("{scheme}://{host}/"))
                    .is_ok_and(|url| url.host_str() == Some(host)),
                _ => true,
            };
        if !canonical {
            return Err(OriginFault::Host);
        }
        let port = port.filter(|port| default_port(scheme) != Some(*port));
        Ok(Self::Tuple {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
        })
    }
}

/// Splits `host[:port]`; an IPv6 address keeps its brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_address = authority.rfind(']').map_or(0, |index| index + 1);
    match authority[after_address..].find(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(after_address + colon);
            (host, Some(&port[1..]))
        }
        None => (authority, None),
    }
}

/// What a stranger sent, fit to stand in a message: escaped and cut.
pub(crate) fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let cut: String = text.chars().take(SEEN_CHARS_MAX).collect();
    let mut escaped: String = cut
        .chars()
        .flat_map(|c| {
            if c.is_ascii_graphic() {
                vec![c]
            } else {
                c.escape_default().collect()
            }
        })
        .collect();
    if cut.len() < text.len() {
        escaped.push('…');
    }
    escaped
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

impl Eq for Origin {}

impl std::hash::Hash for Origin {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.form.hash(state);
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.seen)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.ascii())
    }
}
