//! Rules for outgoing requests: which purpose may reach which host, and which addresses never.
//!
//! A caller checks the URL, resolves the host once, checks every address, and connects to a checked
//! one; each redirect starts again at the URL. Everything is forbidden until the operator's
//! configuration allows it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use crate::limits::EGRESS_URL_BYTES_MAX;
use crate::network::{Network, is_public};

/// Why a request goes out.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EgressPurpose {
    /// Key sets of external issuers.
    Jwks,
    /// API servers named by partners.
    ApiServer,
    /// Files named by URL.
    FileUrl,
    /// The object store.
    ObjectStore,
    /// Webhooks.
    Webhook,
    /// `OpenID` providers.
    OpenId,
    /// The image proxy.
    Image,
    /// The operator's collector of traces.
    Telemetry,
}

impl EgressPurpose {
    /// Every purpose.
    pub const ALL: [Self; 8] = [
        Self::Jwks,
        Self::ApiServer,
        Self::FileUrl,
        Self::ObjectStore,
        Self::Webhook,
        Self::OpenId,
        Self::Image,
        Self::Telemetry,
    ];

    /// The word of configuration and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwks => "jwks",
            Self::ApiServer => "api-server",
            Self::FileUrl => "file-url",
            Self::ObjectStore => "object-store",
            Self::Webhook => "webhook",
            Self::OpenId => "openid",
            Self::Image => "image",
            Self::Telemetry => "telemetry",
        }
    }
}

/// Why a request may not go out, or a rule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EgressError {
    /// Not a URL that could be fetched.
    #[error("this is not an https address without user and password")]
    Url,
    /// Longer than we follow.
    #[error("the address is longer than {max} bytes")]
    TooLong {
        /// The bound.
        max: usize,
    },
    /// Nothing allows this host for this purpose.
    #[error(
        "the server may not contact {host}:{port} for this purpose; the operator can allow it \
         under egress.{}", .purpose.as_str()
    )]
    HostNotAllowed {
        /// The purpose.
        purpose: EgressPurpose,
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The address is private, loopback, link-local or otherwise special.
    #[error(
        "the address {address} is not a public one; the operator can allow its network under \
         egress.{}", .purpose.as_str()
    )]
    AddressNotAllowed {
        /// The purpose.
        purpose: EgressPurpose,
        /// The address.
        address: IpAddr,
    },
    /// A rule that names no host.
    #[error("`{rule}` must be a host such as files.example.com, with scheme and port if unusual")]
    HostRule {
        /// What was written.
        rule: String,
    },
    /// A rule that names no network.
    #[error("`{rule}` must be an address or a network such as 10.1.0.0/16")]
    NetworkRule {
        /// What was written.
        rule: String,
    },
}

/// A URL that may be fetched, once its host's addresses are checked too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressTarget {
    /// The URL in normal form, without fragment.
    pub url: String,
    /// Whether it goes over TLS.
    pub tls: bool,
    /// The host's name or address (IPv6 without brackets).
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What may be reached. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    rules: BTreeMap<EgressPurpose, Rules>,
}

#[derive(Clone, Debug, Default)]
struct Rules {
    any_public_host: bool,
    hosts: Vec<HostRule>,
    networks: Vec<Network>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct HostRule {
    tls: bool,
    below: bool,
    host: String,
    port: u16,
}

/// The port on which any public host may be reached; other ports need a rule that names the host.
const PUBLIC_PORT: u16 = 443;

impl EgressPolicy {
    /// Also allows every public host by https on port 443.
    #[must_use]
    pub fn allow_any_public_host(mut self, purpose: EgressPurpose) -> Self {
        self.rules.entry(purpose).or_default().any_public_host = true;
        self
    }

    /// Also allows one host: `files.example.com`, `files.example.com:8443`, `*.example.com` (every
    /// name below), `http://10.1.2.3:9000`. A rule that names an address allows that address, even
    /// if it is not public.
    ///
    /// # Errors
    /// [`EgressError::HostRule`].
    pub fn allow_host(mut self, purpose: EgressPurpose, rule: &str) -> Result<Self, EgressError> {
        let wrong = || EgressError::HostRule {
            rule: rule.to_owned(),
        };
        let (scheme, rest) = rule.split_once("://").unwrap_or(("https", rule));
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let target = target_of(&format!("{scheme}://{rest}")).map_err(|_| wrong())?;
        let address = target.host.parse::<IpAddr>().ok();
        let only_host = !rest.contains(['/', '?', '#', '\\']);
        if !only_host || (below && address.is_some()) {
            return Err(wrong());
        }
        let EgressTarget {
            tls, host, port, ..
        } = target;
        let rules = self.rules.entry(purpose).or_default();
        rules.networks.extend(address.map(Network::single));
        rules.hosts.push(HostRule {
            tls,
            below,
            host,
            port,
        });
        Ok(self)
    }

    /// Also allows addresses of a network that is not public: `10.1.0.0/16`, `fd00::/8`,
    /// `127.0.0.1`.
    ///
    /// # Errors
    /// [`EgressError::NetworkRule`].
    pub fn allow_network(
        mut self,
        purpose: EgressPurpose,
        rule: &str,
    ) -> Result<Self, EgressError> {
        let network = Network::parse(rule);
        let network = network.ok_or_else(|| EgressError::NetworkRule {
            rule: rule.to_owned(),
        })?;
        self.rules
            .entry(purpose)
            .or_default()
            .networks
            .push(network);
        Ok(self)
    }

    /// Checks a URL before its host is resolved. To be repeated for each redirect.
    ///
    /// # Errors
    /// When it is no URL that we fetch, or nothing allows its host for this purpose; for an address
    /// instead of a name also when the address is not allowed.
    pub fn check_url(
        &self,
        purpose: EgressPurpose,
        url: &str,
    ) -> Result<EgressTarget, EgressError> {
        let target = target_of(url)?;
        let rules = self.rules.get(&purpose);
        let public = target.tls && target.port == PUBLIC_PORT;
        let allowed = rules.is_some_and(|rules| {
            (rules.any_public_host && public) || rules.hosts.iter().any(|rule| rule.allows(&target))
        });
        if !allowed {
            let EgressTarget { host, port, .. } = target;
            return Err(EgressError::HostNotAllowed {
                purpose,
                host,
                port,
            });
        }
        if let Ok(address) = target.host.parse() {
            self.check_address(purpose, address)?;
        }
        Ok(target)
    }

    /// Checks an address to which a checked URL's host was resolved. The caller connects to this
    /// very address and does not resolve again.
    ///
    /// # Errors
    /// [`EgressError::AddressNotAllowed`] unless it is public or in a network that was named.
    pub fn check_address(
        &self,
        purpose: EgressPurpose,
        address: IpAddr,
    ) -> Result<(), EgressError> {
        let address = address.to_canonical();
        let named = self.rules.get(&purpose).is_some_and(|rules| {
            rules
                .networks
                .iter()
                .any(|network| network.contains(address))
        });
        if named || is_public(address) {
            return Ok(());
        }
        Err(EgressError::AddressNotAllowed { purpose, address })
    }
}

impl HostRule {
    fn allows(&self, target: &EgressTarget) -> bool {
        let host = if self.below {
            target
                .host
                .strip_suffix(&self.host)
                .is_some_and(|rest| rest.ends_with('.'))
        } else {
            target.host == self.host
        };
        host && self.tls == target.tls && self.port == target.port
    }
}

fn target_of(text: &str) -> Result<EgressTarget, EgressError> {
    if text.len() > EGRESS_URL_BYTES_MAX {
        return Err(EgressError::TooLong {
            max: EGRESS_URL_BYTES_MAX,
        });
    }
    let mut url = Url::parse(text).map_err(|_| EgressError::Url)?;
    let tls = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(EgressError::Url),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EgressError::Url);
    }
    let host = match url.host() {
        Some(Host::Domain(name)) if !name.ends_with('.') => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(Host::Domain(_)) | None => return Err(EgressError::Url),
    };
    let port = url.port_or_known_default().ok_or(EgressError::Url)?;
    url.set_fragment(None);
    Ok(EgressTarget {
        url: url.into(),
        tls,
        host,
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: EgressPurpose = EgressPurpose::FileUrl;

    fn public() -> EgressPolicy {
        EgressPolicy::default().allow_any_public_host(P)
    }

    #[test]
    fn nothing_is_reachable_until_something_is_allowed() {
        for purpose in EgressPurpose::ALL {
            let policy = EgressPolicy::default();
            let refused = policy.check_url(purpose, "https://files.example.com/a");
            assert!(matches!(refused, Err(EgressError::HostNotAllowed { .. })));
        }
        let refused = public().check_url(EgressPurpose::Webhook, "https://files.example.com/a");
        assert!(
            matches!(refused, Err(EgressError::HostNotAllowed { .. })),
            "another purpose"
        );
    }

    #[test]
    fn public_hosts_are_reached_by_https_on_the_usual_port_only() {
        let target = public()
            .check_url(P, "https://Files.Example.com/a?b#c")
            .unwrap();
        assert_eq!(target.url, "https://files.example.com/a?b");
        assert_eq!(
            (target.host.as_str(), target.port, target.tls),
            ("files.example.com", 443, true)
        );
        for url in [
            "http://files.example.com/",
            "https://files.example.com:8443/",
            "https://files.example.com:22/",
            "ftp://files.example.com/",
            "file:///etc/passwd",
            "https://user@files.example.com/",
            "https://:x@files.example.com/",
            "https://files.example.com./",
            "//files.example.com/",
            "files.example.com",
            "",
        ] {
            assert!(public().check_url(P, url).is_err(), "{url}");
        }
        let long = format!("https://a.example/{}", "a".repeat(EGRESS_URL_BYTES_MAX));
        assert_eq!(
            public().check_url(P, &long),
            Err(EgressError::TooLong {
                max: EGRESS_URL_BYTES_MAX
            })
        );
        assert!(public().check_url(P, &long[..EGRESS_URL_BYTES_MAX]).is_ok());
    }

    #[test]
    fn addresses_in_urls_are_checked_in_every_spelling() {
        for url in [
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/",
        ] {
            let refused = public().check_url(P, url);
            assert!(
                matches!(refused, Err(EgressError::AddressNotAllowed { .. })),
                "{url}"
            );
        }
        assert!(public().check_url(P, "https://93.184.215.14/").is_ok());
    }

    #[test]
    fn named_hosts_are_exact_in_scheme_name_and_port() {
        let policy = EgressPolicy::default()
            .allow_host(P, "files.example.com:8443")
            .and_then(|policy| policy.allow_host(P, "*.cdn.example"))
            .and_then(|policy| policy.allow_host(P, "http://10.1.2.3:9000"))
            .unwrap();
        for url in [
            "https://files.example.com:8443/a",
            "https://a.cdn.example/",
            "https://a.b.cdn.example/",
            "http://10.1.2.3:9000/bucket",
        ] {
            assert!(policy.check_url(P, url).is_ok(), "{url}");
        }
        for url in [
            "https://files.example.com/",
            "http://files.example.com:8443/",
            "https://cdn.example/",
            "https://evilcdn.example/",
            "https://a.cdn.example.evil.com/",
            "http://10.1.2.3/",
            "http://10.1.2.4:9000/",
        ] {
            assert!(policy.check_url(P, url).is_err(), "{url}");
        }
        for rule in [
            "",
            "*.",
            "*.10.0.0.1",
            "https://a.example/path",
            "ftp://a.example",
            "a b",
        ] {
            let wrong = EgressPolicy::default().allow_host(P, rule);
            assert!(matches!(wrong, Err(EgressError::HostRule { .. })), "{rule}");
        }
    }

    #[test]
    fn a_resolved_address_is_checked_for_its_purpose() {
        let address: IpAddr = "10.1.2.3".parse().unwrap();
        assert!(public().check_address(P, address).is_err());
        let named = public().allow_network(P, "10.1.0.0/16").unwrap();
        assert!(named.check_address(P, address).is_ok());
        assert!(
            named
                .check_address(P, "::ffff:10.1.2.3".parse().unwrap())
                .is_ok()
        );
        assert!(named.check_address(P, "10.2.0.1".parse().unwrap()).is_err());
        assert!(named.check_address(EgressPurpose::Image, address).is_err());
        assert!(public().allow_network(P, "10.1.0.0/33").is_err());
    }
}
