use super::*;
use crate::limits::{DOMAINS_MAX, HOST_BYTES_MAX};
use proptest::prelude::*;

fn origin(text: &str) -> Result<Origin, OriginError> {
    Origin::parse_header_values(&[text.as_bytes()])
}

fn domains(entries: &[&str]) -> AllowedDomains {
    AllowedDomains::parse_all(entries).unwrap()
}

fn allowed(entry: &str, seen: &str) -> bool {
    origin(seen).is_ok_and(|seen| domains(&[entry]).allows(&seen))
}

fn saved(entry: &str) -> String {
    DomainEntry::parse(entry).unwrap().to_string()
}

fn fault(entry: &str) -> DomainFault {
    match DomainEntry::parse(entry) {
        Err(DomainError::Entry { fault, .. }) => fault,
        other => panic!("{entry} gave {other:?}"),
    }
}

#[test]
fn other_case_and_the_default_port_are_the_same_origin() {
    for seen in [
        "https://shop.example",
        "HTTPS://Shop.EXAMPLE",
        "https://shop.example:443",
        "hTTps://SHOP.example:443",
    ] {
        assert!(allowed("shop.example", seen), "{seen}");
        assert_eq!(origin(seen).unwrap().to_string(), seen, "shown as seen");
        assert_eq!(origin(seen).unwrap().ascii(), "https://shop.example");
    }
}

#[test]
fn foreign_origins_are_well_formed_but_not_allowed() {
    for seen in [
        "https://rival.example",
        "https://www.shop.example",
        "https://shop.example:8443",
        "https://shop.example:80",
        "http://shop.example",
        "http://shop.example:443",
        "ftp://shop.example",
        "https://shop.example.evil.com",
        "https://evilshop.example",
        "https://shop.exampl",
        "https://example",
        "null",
    ] {
        assert!(origin(seen).is_ok(), "{seen}");
        assert!(!allowed("shop.example", seen), "{seen}");
    }
}

#[test]
fn everything_that_is_no_plain_origin_is_malformed() {
    for seen in [
        "",
        " ",
        "shop.example",
        "//shop.example",
        "://shop.example",
        "https:shop.example",
        "https:/shop.example",
        "https://",
        "https:///shop.example",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?query",
        "https://shop.example#fragment",
        "https://evil.com#shop.example",
        "https://evil.com/shop.example",
        "https://evil.com?shop.example",
        "https://evil.com\\shop.example",
        "https:\\\\shop.example",
        "https://shop.example\\.evil.com",
        "https://user@shop.example",
        "https://shop.example@evil.com",
        "https://user:pass@shop.example",
        "https://shop.example.",
        "https://shop.example.:443",
        "https://shop..example",
        "https://.shop.example",
        "https://shop\u{ff0e}example",
        "https://shop\u{3002}example",
        "https://sh\u{f6}p.example",
        "https://shop.example,https://evil.com",
        "https://shop.example, https://evil.com",
        "https://shop.example https://evil.com",
        "https://shop.example:",
        "https://shop.example:0",
        "https://shop.example:0443",
        "https://shop.example:+443",
        "https://shop.example:65536",
        "https://shop.example:443:443",
        "https://shop.example:*",
        "https://*.shop.example",
        "https://shop.example\t",
        " https://shop.example",
        "https://shop.example\0",
        "https://shop%2eexample",
        "https://0x7f.1",
        "https://127.1",
        "https://2130706433",
        "https://127.0.0.01",
        "https://[::0001]",
        "https://[::1",
        "https://[::1]x",
        "https://::1",
        "https://xn--a.example",
        "1https://shop.example",
        "ht tps://shop.example",
        "null null",
        "null,null",
    ] {
        assert!(
            matches!(origin(seen), Err(OriginError::Malformed { .. })),
            "{seen:?}"
        );
    }
    assert!(Origin::parse_header_values(&[b"https://shop.example\xff"]).is_err());
}

#[test]
fn two_headers_are_refused_even_when_they_agree() {
    let value: &[u8] = b"https://shop.example";
    let error = Origin::parse_header_values(&[value, value]);
    assert!(matches!(error, Err(OriginError::Repeated { count: 2, .. })));
    let other: &[u8] = b"https://rival.example";
    let message = Origin::parse_header_values(&[value, other])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("shop.example") && message.contains("rival.example"),
        "{message}"
    );
    assert_eq!(Origin::parse_header_values(&[]), Err(OriginError::Missing));
    assert_eq!(Origin::from_header_values(&[]), Ok(None));
}

#[test]
fn a_message_shows_what_was_sent_escaped_and_cut() {
    let message = origin("https://shop\u{ff0e}example")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(r"https://shop\u{ff0e}example"),
        "{message}"
    );
    let long = format!("https://{}", "a.".repeat(5_000));
    assert!(origin(&long).unwrap_err().to_string().len() < 300);
}

#[test]
fn host_bounds_hold_at_n_and_not_at_n_plus_one() {
    let label = "a".repeat(63);
    let host = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    assert_eq!(host.len(), HOST_BYTES_MAX);
    assert!(allowed(&host, &format!("https://{host}")));
    assert!(origin(&format!("https://{host}b")).is_err());
    assert!(DomainEntry::parse(&format!("{host}b")).is_err());
    assert!(origin(&format!("https://{label}.example")).is_ok());
    assert!(origin(&format!("https://{label}a.example")).is_err());
    assert!(DomainEntry::parse(&format!("{label}a.example")).is_err());
    let many: Vec<_> = (0..=DOMAINS_MAX).map(|n| format!("s{n}.example")).collect();
    assert!(AllowedDomains::parse_all(&many[..DOMAINS_MAX]).is_ok());
    assert_eq!(AllowedDomains::parse_all(&many), Err(DomainError::TOO_MANY));
}

#[test]
fn http_is_for_loopback_and_for_entries_that_say_so() {
    for host in [
        "localhost",
        "shop.localhost",
        "127.0.0.1",
        "127.8.9.10",
        "[::1]",
    ] {
        assert!(allowed(host, &format!("http://{host}")), "{host}");
        assert!(allowed(host, &format!("https://{host}")), "{host}");
        assert!(!allowed(host, &format!("http://{host}:8081")), "{host}");
        let entry = format!("{host}:8081");
        assert!(allowed(&entry, &format!("http://{host}:8081")), "{host}");
        assert!(!allowed(&entry, &format!("http://{host}:8082")), "{host}");
        assert!(!allowed(&entry, &format!("http://{host}")), "{host}");
    }
    assert!(!allowed("10.0.0.1", "http://10.0.0.1"));
    assert!(!allowed("notlocalhost", "http://notlocalhost"));
    assert!(allowed("http://shop.example", "http://shop.example:80"));
    assert!(!allowed("http://shop.example", "https://shop.example"));
    assert!(!allowed("https://localhost", "http://localhost"));
    assert!(allowed("localhost:80", "http://localhost"));
    assert!(!allowed("localhost:80", "https://localhost"));
    assert!(allowed("localhost:443", "https://localhost"));
    assert!(!allowed("localhost:443", "http://localhost"));
}

#[test]
fn any_port_is_for_loopback_only() {
    for seen in [
        "http://localhost",
        "http://localhost:1",
        "https://localhost:65535",
    ] {
        assert!(allowed("localhost:*", seen), "{seen}");
    }
    assert!(!allowed("localhost:*", "http://x.localhost:1"));
    for entry in ["shop.example:*", "*.localhost:*", "10.0.0.1:*"] {
        assert_eq!(fault(entry), DomainFault::AnyPort, "{entry}");
    }
}

#[test]
fn a_star_is_exactly_one_label() {
    assert!(allowed("*.shop.example", "https://www.shop.example"));
    assert!(allowed(
        "*.shop.example:8443",
        "https://www.shop.example:8443"
    ));
    assert!(allowed("*.localhost", "http://shop.localhost"));
    assert!(allowed("http://*.shop.example", "http://www.shop.example"));
    for seen in [
        "https://shop.example",
        "https://a.b.shop.example",
        "https://wwwshop.example",
        "https://.shop.example",
        "https://www.shop.example:8443",
        "http://www.shop.example",
        "https://www.shop.example.evil.com",
    ] {
        assert!(!allowed("*.shop.example", seen), "{seen}");
    }
}

#[test]
fn a_star_never_covers_a_public_suffix() {
    for entry in [
        "*.com",
        "*.co.uk",
        "*.github.io",
        "*.example",
        "*.xn--55qx5d.cn",
        "*.公司.cn",
        "*.anything.ck",
        "*.CO.UK",
    ] {
        assert_eq!(fault(entry), DomainFault::PublicSuffix, "{entry}");
    }
    for entry in [
        "*.example.co.uk",
        "*.me.github.io",
        "*.local",
        "*.localhost",
    ] {
        assert_eq!(saved(entry), entry);
    }
    for entry in [
        "*",
        "*.",
        "*.*.shop.example",
        "a.*.example",
        "sh*p.example",
        "*.127.0.0.1",
        "*.[::1]",
    ] {
        assert!(DomainEntry::parse(entry).is_err(), "{entry}");
    }
}

#[test]
fn entries_are_saved_in_one_spelling() {
    for (written, expected) in [
        ("  Shop.Example ", "shop.example"),
        ("https://shop.example/", "shop.example"),
        ("HTTPS://SHOP.EXAMPLE:443", "shop.example"),
        ("shop.example:443", "shop.example"),
        ("shop.example:80", "shop.example:80"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("https://localhost:443", "https://localhost"),
        ("localhost:443", "localhost:443"),
        ("m\u{fc}ller.example", "xn--mller-kva.example"),
        ("shop\u{ff0e}example", "shop.example"),
        ("\u{ff33}hop.example", "shop.example"),
        ("0x7f.1", "127.0.0.1"),
        ("[0:0::1]:8081", "[::1]:8081"),
        ("Capacitor://LocalHost", "capacitor://localhost"),
        ("NULL", "null"),
        ("LOCALHOST:*", "localhost:*"),
    ] {
        assert_eq!(saved(written), expected, "{written}");
        assert_eq!(saved(expected), expected, "{written}");
    }
}

#[test]
fn entries_that_are_more_or_less_than_a_host_are_refused() {
    for (entry, expected) in [
        ("", DomainFault::Length),
        ("   ", DomainFault::Length),
        ("shop.example/path", DomainFault::MoreThanHost),
        ("https://shop.example//", DomainFault::MoreThanHost),
        ("user@shop.example", DomainFault::MoreThanHost),
        ("shop.example?x", DomainFault::MoreThanHost),
        ("shop.example#x", DomainFault::MoreThanHost),
        ("shop.example\\x", DomainFault::MoreThanHost),
        ("shop.example,rival.example", DomainFault::MoreThanHost),
        ("shop.example rival.example", DomainFault::MoreThanHost),
        ("shop%2eexample", DomainFault::MoreThanHost),
        ("shop.example;", DomainFault::MoreThanHost),
        ("shop.example.", DomainFault::TrailingDot),
        ("shop..example", DomainFault::Host),
        ("::1", DomainFault::Host),
        ("shop.example:", DomainFault::Port),
        ("shop.example:http", DomainFault::Port),
        ("shop.example:65536", DomainFault::Port),
        ("file://shop.example", DomainFault::Scheme),
        ("data://x", DomainFault::Scheme),
        ("://shop.example", DomainFault::Scheme),
        ("*", DomainFault::Star),
    ] {
        assert_eq!(fault(entry), expected, "{entry}");
    }
}

#[test]
fn other_schemes_need_an_entry_that_names_them() {
    assert!(allowed("capacitor://localhost", "capacitor://localhost"));
    assert!(!allowed("localhost", "capacitor://localhost"));
    assert!(!allowed("capacitor://localhost", "http://localhost"));
    assert!(allowed("null", "null"));
    assert!(!allowed("localhost:*", "null"));
}

#[test]
fn the_suggested_entry_allows_the_origin() {
    for seen in [
        "https://rival.example",
        "https://rival.example:8443",
        "http://rival.example:8080",
        "http://localhost:3000",
        "http://localhost",
        "https://[::1]:1",
        "capacitor://localhost",
        "null",
    ] {
        let suggestion = origin(seen).unwrap().suggested_entry();
        assert!(allowed(&suggestion, seen), "{seen}: {suggestion}");
    }
}

#[test]
fn frame_ancestors_says_what_csp_can_say() {
    assert_eq!(AllowedDomains::default().to_frame_ancestors(), "'none'");
    assert_eq!(
        domains(&["null", "[::1]:80"]).to_frame_ancestors(),
        "'none'"
    );
    assert_eq!(
        domains(&[
            "shop.example",
            "*.shop.example:8443",
            "localhost:*",
            "http://a.example"
        ])
        .to_frame_ancestors(),
        "https://shop.example https://*.shop.example:8443 https://localhost:* http://localhost:* \
         http://a.example"
    );
}

#[test]
fn a_pages_address_is_reduced_to_its_origin() {
    let of_page = |address| Origin::of_page(address).map(|origin| origin.ascii());
    assert_eq!(
        of_page("http://localhost:8081/a?b#c").as_deref(),
        Some("http://localhost:8081")
    );
    assert_eq!(
        of_page("https://Shop.example").as_deref(),
        Some("https://shop.example")
    );
    for address in [
        "",
        "direct",
        "shop.example",
        "data:text/html,x",
        "about:blank",
        "null",
    ] {
        assert_eq!(of_page(address), None, "{address}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn saved_entries_read_back_the_same(entry in "\\PC{0,30}|(\\*\\.)?[a-zA-Zäß.-]{1,20}\\.[a-z]{2,7}(:[0-9]{1,5})?") {
        if let Ok(parsed) = DomainEntry::parse(&entry) {
            prop_assert_eq!(DomainEntry::parse(&parsed.to_string()), Ok(parsed));
        }
    }

    #[test]
    fn parsed_origins_are_their_own_serialisation(seen in "\\PC{0,30}|[a-zA-Z]{1,6}://[a-zA-Z0-9.\\[\\]:@/#-]{0,30}") {
        if let Ok(parsed) = origin(&seen) {
            prop_assert_eq!(origin(&parsed.ascii()).unwrap().ascii(), parsed.ascii());
            let dropped = seen.to_ascii_lowercase();
            let kept = parsed.ascii();
            let spellings = ["", ":80", ":443"].map(|port| format!("{kept}{port}"));
            prop_assert!(spellings.contains(&dropped), "{} became {}", seen, kept);
        }
    }
}
