//! One entry of a list of allowed domains, as an owner writes it.

use std::fmt;

use thiserror::Error;
use url::Host;

use super::host::{default_port, is_ascii_host, is_loopback, is_scheme, parse_port};
use super::{Form, Origin, shown, split_port};
use crate::limits::{DOMAIN_ENTRY_BYTES_MAX, DOMAINS_MAX};

/// Pages with these schemes send `null` or nothing, or are no pages.
const SCHEMES_WITHOUT_ORIGIN: [&str; 8] = [
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "javascript",
    "ws",
    "wss",
];

/// Suffixes that are nobody's: below them every name is the writer's own.
const PRIVATE_SUFFIXES: [&str; 2] = ["local", "localhost"];

/// One allowed domain, normalised.
///
/// - `shop.example`, `shop.example:8443`: exactly this host and port, by https; on loopback hosts
///   by http too
/// - `*.shop.example`: exactly one label more, never the apex
/// - `http://shop.example`: by http
/// - `capacitor://localhost`: another scheme
/// - `localhost:*`: any port, on loopback hosts only
/// - `null`: pages without origin
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DomainEntry(Pattern);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Pattern {
    Null,
    Tuple {
        scheme: Option<String>,
        any_label: bool,
        host: String,
        port: Port,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Port {
    Default,
    Exact(u16),
    Any,
}

/// Why an entry, or a list of entries, is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DomainError {
    /// This entry is no domain.
    #[error("`{entry}` cannot be an allowed domain: {fault}")]
    Entry {
        /// What was written, escaped and cut.
        entry: String,
        /// What is wrong with it.
        fault: DomainFault,
    },
    /// Too many entries.
    #[error("a list of allowed domains can hold at most {max} entries")]
    TooMany {
        /// The bound.
        max: usize,
    },
}

impl DomainError {
    pub(super) const TOO_MANY: Self = Self::TooMany { max: DOMAINS_MAX };
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DomainFault {
    /// Nothing is written, or far too much.
    #[error("write a host name such as shop.example.com")]
    Length,
    /// More than a host stands there.
    #[error("write only the host, and the port if it is not the usual one; no path, user or query")]
    MoreThanHost,
    /// The scheme does not exist, or its pages have no origin.
    #[error("pages with this scheme have no origin of their own")]
    Scheme,
    /// No host name or address.
    #[error("this is not a host name or address")]
    Host,
    /// A dot at the end.
    #[error("leave out the dot at the end")]
    TrailingDot,
    /// No port.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// `*` as port elsewhere than on loopback hosts.
    #[error("any port can be allowed on localhost only")]
    AnyPort,
    /// `*` in another place than before the first dot.
    #[error("a star can only stand for the whole first label, as in *.example.com")]
    Star,
    /// `*.` before a suffix under which anybody can have a name.
    #[error(
        "anybody can have a name under this suffix; name the domain itself, as in *.example.com"
    )]
    PublicSuffix,
}

impl DomainEntry {
    /// Whether only pages of the reader's own machine or network can have it: loopback hosts and names
    /// under `.local`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match &self.0 {
            Pattern::Null => false,
            // Hosts of entries are lower case.
            Pattern::Tuple { host, .. } => {
                let root = host.rsplit_once('.').map(|(_, root)| root);
                is_loopback(host) || root == Some("local")
            }
        }
    }

    /// Reads and normalises one entry: lower case, punycode, no default port. White space around it
    /// and one slash after it are ignored, for people paste addresses.
    ///
    /// # Errors
    /// When it is no entry; the error names it and says what to write.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        Pattern::parse(text)
            .map(Self)
            .map_err(|fault| DomainError::Entry {
                entry: shown(text.trim().as_bytes()),
                fault,
            })
    }

    /// Whether a page of this origin is meant.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        match (&self.0, &origin.form) {
            (Pattern::Null, Form::Null) => true,
            (
                Pattern::Tuple {
                    scheme,
                    any_label,
                    host,
                    port,
                },
                Form::Tuple {
                    scheme: seen_scheme,
                    host: seen_host,
                    port: seen_port,
                },
            ) => {
                let scheme_fits = match scheme {
                    Some(scheme) => scheme == seen_scheme,
                    None => origin.is_ordinary_web(),
                };
                let host_fits = if *any_label {
                    seen_host
                        .split_once('.')
                        .is_some_and(|(_, parent)| parent == host)
                } else {
                    seen_host == host
                };
                let port_fits = match port {
                    Port::Default => seen_port.is_none(),
                    Port::Exact(port) => seen_port.or(default_port(seen_scheme)) == Some(*port),
                    Port::Any => true,
                };
                scheme_fits && host_fits && port_fits
            }
            _ => false,
        }
    }

    /// Whether a label is left open.
    pub(super) fn has_star(&self) -> bool {
        matches!(
            self.0,
            Pattern::Tuple {
                any_label: true,
                ..
            }
        )
    }

    /// The sources that stand for this entry in the CSP directive `frame-ancestors`. Empty for what
    /// CSP cannot express: `null` and IPv6 addresses.
    pub(super) fn frame_sources(&self) -> Vec<String> {
        let Pattern::Tuple {
            scheme,
            any_label,
            host,
            port,
        } = &self.0
        else {
            return Vec::new();
        };
        if host.starts_with('[') {
            return Vec::new();
        }
        let star = if *any_label { "*." } else { "" };
        let schemes = match scheme {
            Some(scheme) => vec![scheme.as_str()],
            None if is_loopback(host) => vec!["https", "http"],
            None => vec!["https"],
        };
        schemes
            .into_iter()
            .map(|scheme| format!("{scheme}://{star}{host}{port}"))
            .collect()
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, DomainFault> {
        let text = text.trim();
        if text.is_empty() || text.len() > DOMAIN_ENTRY_BYTES_MAX {
            return Err(DomainFault::Length);
        }
        if text.eq_ignore_ascii_case("null") {
            return Ok(Self::Null);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(parse_scheme(scheme)?), rest),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let forbidden =
            |c: char| "/\\@?#,;%\"'<>".contains(c) || c.is_whitespace() || c.is_control();
        if rest.contains(forbidden) {
            return Err(DomainFault::MoreThanHost);
        }
        let (any_label, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (written_host, written_port) = split_port(rest);
        let host = parse_host(written_host, scheme.as_deref())?;
        if any_label {
            check_parent(&host)?;
        }
        let port = match written_port {
            None => Port::Default,
            Some("*") if is_loopback(&host) && !any_label => Port::Any,
            Some("*") => return Err(DomainFault::AnyPort),
            Some(digits) => Port::Exact(parse_port(digits).ok_or(DomainFault::Port)?),
        };
        Ok(Self::normalised(scheme, any_label, host, port))
    }

    /// Drops what goes without saying: https where nothing else is possible, and its port.
    fn normalised(scheme: Option<String>, any_label: bool, host: String, port: Port) -> Self {
        let loopback = is_loopback(&host);
        let scheme = scheme.filter(|scheme| scheme != "https" || loopback);
        let only_scheme = match &scheme {
            Some(scheme) => Some(scheme.as_str()),
            None if loopback => None,
            None => Some("https"),
        };
        let port = match port {
            Port::Exact(port) if only_scheme.and_then(default_port) == Some(port) => Port::Default,
            other => other,
        };
        Self::Tuple {
            scheme,
            any_label,
            host,
            port,
        }
    }
}

fn parse_scheme(text: &str) -> Result<String, DomainFault> {
    let scheme = text.to_ascii_lowercase();
    if !is_scheme(&scheme) || SCHEMES_WITHOUT_ORIGIN.contains(&scheme.as_str()) {
        return Err(DomainFault::Scheme);
    }
    Ok(scheme)
}

fn parse_host(text: &str, scheme: Option<&str>) -> Result<String, DomainFault> {
    if text.contains('*') {
        return Err(DomainFault::Star);
    }
    let host = match scheme {
        None | Some("http" | "https") => Host::parse(text)
            .map_err(|_| DomainFault::Host)?
            .to_string(),
        Some(_) => text.to_ascii_lowercase(),
    };
    if host.ends_with('.') {
        return Err(DomainFault::TrailingDot);
    }
    if !is_ascii_host(&host) {
        return Err(DomainFault::Host);
    }
    Ok(host)
}

/// Under a star there must be a name that somebody registered.
fn check_parent(host: &str) -> Result<(), DomainFault> {
    let address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    if address {
        return Err(DomainFault::Star);
    }
    let public = psl::suffix_str(host).is_none_or(|suffix| suffix == host);
    if public && !PRIVATE_SUFFIXES.contains(&host) {
        return Err(DomainFault::PublicSuffix);
    }
    Ok(())
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => Ok(()),
            Self::Exact(port) => write!(f, ":{port}"),
            Self::Any => f.write_str(":*"),
        }
    }
}

/// As saved: normalised, and read back to the same entry.
impl fmt::Display for DomainEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Null => f.write_str("null"),
            Pattern::Tuple {
                scheme,
                any_label,
                host,
                port,
            } => {
                if let Some(scheme) = scheme {
                    write!(f, "{scheme}://")?;
                }
                let star = if *any_label { "*." } else { "" };
                write!(f, "{star}{host}{port}")
            }
        }
    }
}
