//! From where a request comes when proxies stand in between.
//!
//! Each proxy appends to the right of a header the address that it saw. Only what a trusted proxy
//! wrote counts: the reading goes from right to left and ends at the first address that is not a
//! trusted proxy's. What stands left of it was written by strangers and is never looked at.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use crate::limits::{FORWARDED_HOPS_MAX, FORWARDED_NODE_BYTES_MAX};
use crate::network::Network;

/// The header in which proxies say for whom they ask. Only one is read: a proxy that writes one of
/// them passes the other on as a stranger sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses, separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239): its `for` parameters.
    Forwarded,
}

/// Why a list of trusted proxies is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProxyError {
    /// An entry is neither an address nor a network.
    #[error("'{0}' is neither an address nor a network, as 10.0.0.0/8 or fd00::1")]
    Form(String),
    /// An entry would let everybody choose the address that he comes from.
    #[error("'{0}' would trust everybody; name the addresses of your proxies")]
    Everybody(String),
}

/// Proxies whose word about the client counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: ForwardedHeader,
}

/// From where a request comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    /// The client's address, as the last trusted proxy saw it; the peer's own otherwise.
    pub address: IpAddr,
    /// Whether the direct peer is a trusted proxy.
    pub via_trusted_proxy: bool,
}

impl TrustedProxies {
    /// Reads addresses and networks in CIDR form.
    ///
    /// # Errors
    /// [`ProxyError`] naming the entry.
    pub fn parse_all<S: AsRef<str>>(
        entries: &[S],
        header: ForwardedHeader,
    ) -> Result<Self, ProxyError> {
        let networks = entries
            .iter()
            .map(|entry| {
                let text = entry.as_ref();
                let network =
                    Network::parse(text).ok_or_else(|| ProxyError::Form(text.to_owned()))?;
                if network.is_everything() {
                    return Err(ProxyError::Everybody(text.to_owned()));
                }
                Ok(network)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { networks, header })
    }

    /// The header that is read.
    #[must_use]
    pub const fn header(&self) -> ForwardedHeader {
        self.header
    }

    /// Whether this address is one of the proxies.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }

    /// Who asks, given the direct peer and the header's lines in the order in which they came.
    #[must_use]
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> ClientAddress {
        let mut address = peer.to_canonical();
        let via_trusted_proxy = self.trusts(address);
        if via_trusted_proxy {
            let nodes = lines
                .rev()
                // A line that is no text is one node, and none that can be read.
                .map(|line| std::str::from_utf8(line).unwrap_or_default())
                .flat_map(|line| Parts::new(line, ',', self.header == ForwardedHeader::Forwarded))
                .take(FORWARDED_HOPS_MAX);
            for node in nodes {
                let Some(hop) = self.address(node) else {
                    break;
                };
                address = hop;
                if !self.trusts(hop) {
                    break;
                }
            }
        }
        ClientAddress {
            address,
            via_trusted_proxy,
        }
    }

    fn address(&self, element: &str) -> Option<IpAddr> {
        let element = element.trim_matches(BLANK);
        match self.header {
            ForwardedHeader::XForwardedFor => node(element),
            ForwardedHeader::Forwarded => node(forwarded_for(element)?),
        }
    }
}

/// Optional white space of HTTP lists (RFC 9110, section 5.6.3).
const BLANK: [char; 2] = [' ', '\t'];

/// The parts of a text from right to left; a separator in quotes separates nothing.
struct Parts<'a> {
    rest: Option<&'a str>,
    separator: char,
    quotes: bool,
}

impl<'a> Parts<'a> {
    const fn new(text: &'a str, separator: char, quotes: bool) -> Self {
        Self {
            rest: Some(text),
            separator,
            quotes,
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        let mut quoted = false;
        for (at, character) in rest.char_indices().rev() {
            if character == '"' && self.quotes {
                quoted = !quoted;
            } else if character == self.separator && !quoted {
                self.rest = rest.get(..at);
                return rest.get(at + character.len_utf8()..);
            }
        }
        Some(rest)
    }
}

/// The one `for` parameter of a `Forwarded` element (RFC 7239, section 4). Escapes in quotes are
/// refused: no address needs them.
fn forwarded_for(element: &str) -> Option<&str> {
    if element.contains('\\') {
        return None;
    }
    let mut found = None;
    for pair in Parts::new(element, ';', true) {
        let (name, value) = pair.trim_matches(BLANK).split_once('=')?;
        if !name.eq_ignore_ascii_case("for") {
            continue;
        }
        let value = match value.strip_prefix('"') {
            Some(open) => open.strip_suffix('"')?,
            None => value,
        };
        if value.contains('"') || found.replace(value).is_some() {
            return None;
        }
    }
    found
}

/// An address with or without port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80`. `unknown` and made-up names (RFC 7239, section 6) are none.
fn node(text: &str) -> Option<IpAddr> {
    if text.len() > FORWARDED_NODE_BYTES_MAX {
        return None;
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|open| open.strip_suffix(']'));
    let address = match bare {
        Some(inner) => IpAddr::V6(inner.parse().ok()?),
        None => text
            .parse::<IpAddr>()
            .ok()
            .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(header: ForwardedHeader, peer: &str, lines: &[&str]) -> (String, bool) {
        let entries = ["10.0.0.0/8", "fd00::/8", "127.0.0.1"];
        let proxies = TrustedProxies::parse_all(&entries, header).unwrap();
        let client = proxies.client(
            peer.parse().unwrap(),
            lines.iter().map(|line| line.as_bytes()),
        );
        (client.address.to_string(), client.via_trusted_proxy)
    }

    #[test]
    fn the_client_is_the_first_stranger_from_the_right() {
        let long_chain = vec!["10.0.0.9"; FORWARDED_HOPS_MAX + 1].join(",");
        let long_chain = format!("198.51.100.1,{long_chain}");
        let long_entry = format!("{}198.51.100.1", " ".repeat(3_000));
        let cases: &[(&str, &[&str], &str, bool)] = &[
            // Headers of strangers say nothing.
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9", false),
            ("203.0.113.9", &[], "203.0.113.9", false),
            ("::1", &["198.51.100.1"], "::1", false),
            // Those of a trusted proxy do.
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1", true),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1", true),
            ("fd00::7", &["2001:db8::5"], "2001:db8::5", true),
            ("127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1", true),
            ("10.0.0.1", &["[2001:db8::5]"], "2001:db8::5", true),
            ("10.0.0.1", &["[2001:db8::5]:443"], "2001:db8::5", true),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1", true),
            ("10.0.0.1", &[&long_entry], "198.51.100.1", true),
            // What the client claimed stands on the left and is never reached.
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1", true),
            (
                "10.0.0.1",
                &["1.1.1.1", "198.51.100.1"],
                "198.51.100.1",
                true,
            ),
            (
                "10.0.0.1",
                &["10.0.0.5,198.51.100.1\t"],
                "198.51.100.1",
                true,
            ),
            ("10.0.0.1", &["garbage,198.51.100.1"], "198.51.100.1", true),
            // Several trusted hops.
            (
                "10.0.0.1",
                &["1.1.1.1,198.51.100.1,10.0.0.2"],
                "198.51.100.1",
                true,
            ),
            (
                "10.0.0.1",
                &["1.1.1.1,198.51.100.1", "10.0.0.3, 10.0.0.2"],
                "198.51.100.1",
                true,
            ),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3", true),
            ("10.0.0.1", &[&long_chain], "10.0.0.9", true),
            // Where a proxy says nothing that can be read, the last known hop counts.
            ("10.0.0.1", &[], "10.0.0.1", true),
            ("10.0.0.1", &[""], "10.0.0.1", true),
            ("10.0.0.1", &["198.51.100.1,"], "10.0.0.1", true),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1", true),
            (
                "10.0.0.1",
                &["198.51.100.1, unknown, 10.0.0.2"],
                "10.0.0.2",
                true,
            ),
            ("10.0.0.1", &["198.51.100.1:99999"], "10.0.0.1", true),
            ("10.0.0.1", &["198.51.100.01"], "10.0.0.1", true),
            ("10.0.0.1", &["fe80::1%eth0"], "10.0.0.1", true),
            ("10.0.0.1", &["[198.51.100.1]"], "10.0.0.1", true),
            ("10.0.0.1", &["\"198.51.100.1\""], "10.0.0.1", true),
            ("10.0.0.1", &["for=198.51.100.1"], "10.0.0.1", true),
        ];
        for (peer, lines, address, via) in cases {
            assert_eq!(
                asked(ForwardedHeader::XForwardedFor, peer, lines),
                ((*address).to_owned(), *via),
                "{peer} {lines:?}"
            );
        }
    }

    #[test]
    fn forwarded_elements_are_read_from_the_right_and_quotes_hide_commas() {
        let cases: &[(&[&str], &str)] = &[
            (&["for=198.51.100.1"], "198.51.100.1"),
            (
                &["For=198.51.100.1;proto=https;by=10.0.0.1"],
                "198.51.100.1",
            ),
            (&["proto=https; for=\"198.51.100.1:4711\""], "198.51.100.1"),
            (&["for=\"[2001:db8::5]:4711\""], "2001:db8::5"),
            (&["for=1.1.1.1, for=198.51.100.1"], "198.51.100.1"),
            (&["for=198.51.100.1, for=10.0.0.2;host=a"], "198.51.100.1"),
            (&["for=198.51.100.1;host=\"a,for=1.1.1.1\""], "198.51.100.1"),
            (
                &["for=198.51.100.1;host=\"a;for=1.1.1.1;b=c\""],
                "198.51.100.1",
            ),
            (
                &["for=198.51.100.1;host=\"a\\\",for=1.1.1.1;b=\\\"c\""],
                "10.0.0.1",
            ),
            (&["for=198.51.100.1;x=\"a,b\""], "198.51.100.1"),
            // A quote that the client left open cannot swallow what the proxy appends.
            (&["for=\"1.1.1.1, for=198.51.100.1"], "198.51.100.1"),
            (&["for=\"", "for=198.51.100.1"], "198.51.100.1"),
            (&["for=_hidden"], "10.0.0.1"),
            (&["for=unknown"], "10.0.0.1"),
            (&["for=198.51.100.1;for=1.1.1.1"], "10.0.0.1"),
            (&["for=\"198.51.100.1\\\"\""], "10.0.0.1"),
            (&["proto=https"], "10.0.0.1"),
            (&["198.51.100.1"], "10.0.0.1"),
        ];
        for (lines, address) in cases {
            let found = asked(ForwardedHeader::Forwarded, "10.0.0.1", lines);
            assert_eq!(found, ((*address).to_owned(), true), "{lines:?}");
        }
    }

    #[test]
    fn an_entry_that_is_no_network_or_everybody_is_refused() {
        let read = |entry: &str| TrustedProxies::parse_all(&[entry], ForwardedHeader::default());
        for entry in ["", "proxy", "10.0.0.0/33", "10.0.0.0/", "unix:/run/x"] {
            assert_eq!(read(entry), Err(ProxyError::Form(entry.to_owned())));
        }
        for entry in ["0.0.0.0/0", "::/0"] {
            assert_eq!(read(entry), Err(ProxyError::Everybody(entry.to_owned())));
        }
        assert!(!TrustedProxies::default().trusts("127.0.0.1".parse().unwrap()));
    }
}
