//! The matcher against a specification that knows nothing of its parser.

use proptest::prelude::*;

use super::{DomainEntry, Origin};

/// The rule once more, written down without looking at the parser: a list of all origins that an
/// entry stands for, or the label count for stars.
fn naive(entry: &str, seen: &str) -> bool {
    let seen = seen.to_lowercase();
    let seen = match seen.split_once("://") {
        Some(("https", rest)) => format!("https://{}", rest.strip_suffix(":443").unwrap_or(rest)),
        Some(("http", rest)) => format!("http://{}", rest.strip_suffix(":80").unwrap_or(rest)),
        _ => seen.clone(),
    };
    let local = |host: &str| host == "localhost" || host.ends_with(".localhost");
    let candidates = |entry: &str| -> Vec<String> {
        if let Some(rest) = entry.strip_prefix("http://") {
            return vec![format!(
                "http://{}",
                rest.strip_suffix(":80").unwrap_or(rest)
            )];
        }
        let (host, port) = entry.split_once(':').unwrap_or((entry, ""));
        let mut all = Vec::new();
        for (scheme, default) in [("https", "443"), ("http", "80")] {
            if scheme == "http" && !local(host) {
                continue;
            }
            if port.is_empty() || port == default {
                all.push(format!("{scheme}://{host}"));
            } else {
                all.push(format!("{scheme}://{host}:{port}"));
            }
        }
        all
    };
    match entry.split_once("*.") {
        None => candidates(entry).contains(&seen),
        Some((scheme, parent)) => {
            let parent_host = parent.split(':').next().unwrap_or_default();
            let Some((_, authority)) = seen.split_once("://") else {
                return false;
            };
            let label = authority.split('.').next().unwrap_or_default();
            let one_more = authority.split('.').count() == parent_host.split('.').count() + 1;
            one_more
                && !label.is_empty()
                && candidates(&format!("{scheme}{label}.{parent}")).contains(&seen)
        }
    }
}

fn hosts() -> impl Strategy<Value = String> {
    let label = "[ab]|a-b|xn|shop";
    let parent = "(a|b|shop)\\.(example|com)|localhost|(a|b)\\.localhost";
    prop_oneof![
        parent.prop_map(|parent: String| parent),
        (label, parent).prop_map(|(label, parent)| format!("{label}.{parent}")),
        (label, label, parent).prop_map(|(a, b, parent)| format!("{a}.{b}.{parent}")),
    ]
}

/// Every combination of these parts, as `prefix`, `host` and `:port`.
fn combinations(prefixes: &[&str], hosts: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for prefix in prefixes {
        for host in hosts {
            all.extend(["", ":80", ":443", ":8081"].map(|port| format!("{prefix}{host}{port}")));
        }
    }
    all
}

#[test]
fn the_matcher_agrees_with_the_specification_on_all_small_cases() {
    let hosts = [
        "shop.com",
        "a.shop.com",
        "b.a.shop.com",
        "evilshop.com",
        "localhost",
        "a.localhost",
    ];
    let written = combinations(&["", "*.", "http://", "http://*."], &hosts);
    let seen = combinations(&["https://", "http://", "HTTPS://", "capacitor://"], &hosts);
    let origins: Vec<Origin> = seen
        .iter()
        .map(|seen| Origin::parse_header_values(&[seen.as_bytes()]).unwrap())
        .collect();
    let mut matches = 0;
    for entry in &written {
        let parsed = DomainEntry::parse(entry).unwrap();
        for (seen, origin) in seen.iter().zip(&origins) {
            assert_eq!(
                parsed.matches(origin),
                naive(entry, seen),
                "{entry} on {seen}"
            );
            matches += usize::from(parsed.matches(origin));
        }
    }
    assert!(
        matches > 100,
        "only {matches} matches: the cases prove nothing"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_matcher_agrees_with_a_naive_specification(
        entry_scheme in "(http://)?",
        star in "(\\*\\.)?",
        entry_host in hosts(),
        entry_port in "(:80|:443|:8081)?",
        scheme in "(https|http|HTTPS|capacitor)://",
        host in hosts(),
        same in any::<bool>(),
        port in "(:80|:443|:8081)?",
    ) {
        // Half of the pages stand on the entry's own host, so that matches are common.
        let host = match (same, star.as_str()) {
            (true, "") => entry_host.clone(),
            (true, _) => format!("a.{entry_host}"),
            (false, _) => host,
        };
        let entry = format!("{entry_scheme}{star}{entry_host}{entry_port}");
        let Ok(parsed) = DomainEntry::parse(&entry) else { return Ok(()) };
        let seen = format!("{scheme}{host}{port}");
        let matched = parsed.matches(&Origin::parse_header_values(&[seen.as_bytes()]).unwrap());
        prop_assert_eq!(matched, naive(&entry, &seen), "{} on {}", entry, seen);
    }
}
