//! Schemes, hosts and ports in their one canonical ASCII spelling.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::limits::{HOST_BYTES_MAX, LABEL_BYTES_MAX, SCHEME_BYTES_MAX};

pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// RFC 3986 section 3.1, lower case.
pub(super) fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= SCHEME_BYTES_MAX
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
}

/// 1 to 65535 without leading zeros.
pub(super) fn parse_port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || digits.starts_with('0') {
        return None;
    }
    digits.parse().ok()
}

/// A lower-case host name without the root's dot, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn is_ascii_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .and_then(|inner| {
                inner
                    .parse::<Ipv6Addr>()
                    .ok()
                    .filter(|a| a.to_string() == inner)
            })
            .is_some(),
        None => host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label),
    }
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// Names and addresses that never leave the machine: `localhost`, `*.localhost` (RFC 6761),
/// 127.0.0.0/8 and `[::1]`.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}
