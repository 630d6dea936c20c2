//! Which addresses are public, and networks that an operator names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are not globally reachable, or not one host (IANA special-purpose registry).
const SPECIAL_V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// The only IPv6 space that is handed out for global unicast.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Parts of it that are special: IETF assignments with Teredo, documentation, and 6to4, which
/// carries IPv4 addresses inside.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// One address.
    #[must_use]
    pub fn single(address: IpAddr) -> Self {
        let base = address.to_canonical();
        let prefix_bits = if base.is_ipv4() { 32 } else { 128 };
        Self { base, prefix_bits }
    }

    /// `10.1.0.0/16`, `fd00::/8`, or one address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((base, bits)) = text.split_once('/') else {
            return text.parse().ok().map(Self::single);
        };
        let base: IpAddr = base.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        let bits_max = if base.is_ipv4() { 32 } else { 128 };
        (bits <= bits_max).then_some(Self {
            base,
            prefix_bits: bits,
        })
    }

    /// Whether everybody lies in the range.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.prefix_bits == 0
    }

    /// Whether the address lies in the range. Give its canonical form.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => same_v4(base, address, self.prefix_bits),
            (IpAddr::V6(base), IpAddr::V6(address)) => same_v6(base, address, self.prefix_bits),
            _ => false,
        }
    }
}

/// Whether this is the address of one host that everybody can reach.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4
            .iter()
            .any(|(base, bits)| same_v4((*base).into(), address, *bits)),
        IpAddr::V6(address) => {
            same_v6(GLOBAL_V6.0, address, GLOBAL_V6.1)
                && !SPECIAL_V6
                    .iter()
                    .any(|(base, bits)| same_v6(*base, address, *bits))
        }
    }
}

fn same_v4(a: Ipv4Addr, b: Ipv4Addr, bits: u8) -> bool {
    let different = a.to_bits() ^ b.to_bits();
    different.leading_zeros() >= u32::from(bits)
}

fn same_v6(a: Ipv6Addr, b: Ipv6Addr, bits: u8) -> bool {
    let different = a.to_bits() ^ b.to_bits();
    different.leading_zeros() >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_everybody_reaches_are_public() {
        for text in [
            "1.1.1.1",
            "93.184.215.14",
            "100.63.255.255",
            "172.32.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.255.255.255",
            "100.64.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "64:ff9b::1.1.1.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn networks_hold_exactly_their_addresses() {
        let network = Network::parse("10.1.0.0/16").unwrap();
        assert!(network.contains("10.1.255.255".parse().unwrap()));
        assert!(!network.contains("10.2.0.0".parse().unwrap()));
        assert!(!network.contains("::1".parse().unwrap()));
        let single = Network::parse("fd00::1").unwrap();
        assert!(single.contains("fd00::1".parse().unwrap()));
        assert!(!single.contains("fd00::2".parse().unwrap()));
        assert!(
            Network::parse("0.0.0.0/0")
                .unwrap()
                .contains("9.9.9.9".parse().unwrap())
        );
        for text in [
            "",
            "10.1.0.0/33",
            "fd00::/129",
            "10.1.0.0/",
            "10.1/16",
            "host",
            "/8",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
