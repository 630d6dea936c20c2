//! Every parser that strangers reach, as a drill: bytes in, no panic, and what it accepts it says
//! back in its one canonical form. The generated tests and the fuzz targets run the same table.

use vitrine_access::link::{AssetLink, UploadLink};
use vitrine_access::origin::{AllowedDomains, DomainEntry, Origin};
use vitrine_access::permissions::PermissionSet;
use vitrine_access::seal::Sealer;
use vitrine_access::secret::{AccessKeyKind, ApiKey, MasterKey};
use vitrine_access::ticket::Ticket;
use vitrine_access::time::Timestamp;
use vitrine_access::{KeySet, ModelId, SessionAlias, SessionId, verify_jws};
use vitrine_http::range::{Selection, select};

/// A parser's name, something that it accepts, and the drill.
pub(crate) struct Drill {
    pub(crate) name: &'static str,
    /// Good input to begin from; generated input is mostly almost good.
    pub(crate) seeds: &'static [&'static str],
    pub(crate) run: fn(&[u8]),
}

const SOME_ID: &str = "0b54e6b6-6f4c-4a3f-9d0c-0f1c2d3e4f50";
const HEX_32: &str = "0123456789abcdef0123456789abcdef";
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// The file that ranges are cut from, in bytes.
const FILE_BYTES: u64 = 1_000;

pub(crate) const DRILLS: &[Drill] = &[
    Drill {
        name: "ticket",
        seeds: &[concat!(
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "-0123456789abcdef0123456789abcdef"
        )],
        run: ticket,
    },
    Drill {
        name: "asset link",
        seeds: &[HEX_32],
        run: links,
    },
    Drill {
        name: "origin",
        seeds: &[
            "https://shop.example.com",
            "http://localhost:8081",
            "https://[2001:db8::1]:8443",
            "capacitor://localhost",
            "null",
        ],
        run: origin,
    },
    Drill {
        name: "allowed domain",
        seeds: &[
            "shop.example.com",
            "shop.example.com:8443",
            "*.example.com",
            "localhost:*",
            "http://intranet.example",
            "capacitor://localhost",
            "null",
            "xn--bcher-kva.example",
            "[::1]:8080",
        ],
        run: domain,
    },
    Drill {
        name: "permission pattern",
        seeds: &[
            "group.view",
            "compute.output.*",
            "compute.output.0123456789abcdef",
            "file.download",
            "*",
            "analytics.model.get.*",
        ],
        run: permission,
    },
    Drill {
        name: "access token",
        seeds: &[
            "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEiLCJ0eXAiOiJhdCtqd3QifQ.eyJzdWIiOiJ4In0.AAAA",
            "eyJhbGciOiJub25lIn0.e30.",
        ],
        run: token,
    },
    Drill {
        name: "session id",
        seeds: &[HEX_32],
        run: session,
    },
    Drill {
        name: "id",
        seeds: &[SOME_ID],
        run: id,
    },
    Drill {
        name: "access key",
        seeds: &["vit_ak_0123456789abcdefghijklmnopqrstuv000000"],
        run: key,
    },
    Drill {
        name: "timestamp",
        seeds: &["20261122101500", "2026-11-22T10:15:00.000Z"],
        run: timestamp,
    },
    Drill {
        name: "range",
        seeds: &["bytes=0-99", "bytes=-5", "bytes=990-", "bytes=0-0,5-9"],
        run: range,
    },
    Drill {
        name: "JSON body",
        seeds: &[
            r#"{"width":"3.5","exports":["a"],"parameters":{"a":"1"}}"#,
            r#"{"type":"","pub":false,"until":"20300101000000","accessdomains":["a.example"]}"#,
            "[[[[[[[[]]]]]]]]",
            r#"{"a":1,"a":2}"#,
        ],
        run: json,
    },
];

fn sealer() -> Sealer {
    Sealer::new(&MasterKey::from_text(KEY).expect("the key of the drills is one"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ticket(bytes: &[u8]) {
    // Nobody sealed anything with this key: whatever opens was forged.
    assert!(Ticket::open(&sealer(), &text(bytes)).is_err());
}

fn links(bytes: &[u8]) {
    let (sealer, text) = (sealer(), text(bytes));
    assert!(AssetLink::open(&sealer, &text).is_err());
    assert!(UploadLink::open(&sealer, &text).is_err());
}

fn origin(bytes: &[u8]) {
    let Ok(origin) = Origin::parse_header_values(&[bytes]) else {
        return;
    };
    let said = origin.ascii();
    let again = Origin::parse_header_values(&[said.as_bytes()])
        .unwrap_or_else(|error| panic!("{said:?} was said, and is refused: {error}"));
    assert_eq!(again.ascii(), said, "one form only");
    assert!(said.is_ascii() && !said.contains(char::is_whitespace));
    assert!(!said.contains('@') && !said.contains('\\') && !said.contains(','));
    // What an origin suggests for the list does allow it, where it may be written there.
    if let Ok(list) = AllowedDomains::parse_all(&[origin.suggested_entry()]) {
        assert!(
            list.allows(&origin),
            "{said:?} is not allowed by its own entry"
        );
    }
    // No list allows what it does not name.
    assert!(!AllowedDomains::default().allows(&origin));
}

fn domain(bytes: &[u8]) {
    let Ok(entry) = DomainEntry::parse(&text(bytes)) else {
        return;
    };
    let said = entry.to_string();
    let again = DomainEntry::parse(&said)
        .unwrap_or_else(|error| panic!("{said:?} was saved, and is refused: {error}"));
    assert_eq!(again.to_string(), said, "saving twice changes nothing");
    let ancestors = AllowedDomains::parse_all(&[said.as_str()])
        .expect("what one entry allows, a list does")
        .to_frame_ancestors();
    assert!(
        ancestors.is_ascii() && !ancestors.contains([';', ',', '\r', '\n']),
        "{ancestors:?} would end the directive"
    );
}

fn permission(bytes: &[u8]) {
    let text = text(bytes);
    let (granted, unknown) = PermissionSet::from_scopes(&[text.as_str()]);
    assert!(
        granted.is_empty() || unknown.is_empty(),
        "{text:?} is unknown and grants something"
    );
    let stored = granted.to_storage();
    let read = PermissionSet::from_storage(&stored).expect("what was stored can be read");
    assert_eq!(read.to_storage(), stored);
    if let Ok(set) = PermissionSet::from_storage(&text) {
        let stored = set.to_storage();
        let again = PermissionSet::from_storage(&stored).expect("what was stored can be read");
        assert_eq!(again.to_storage(), stored);
    }
}

fn token(bytes: &[u8]) {
    assert!(verify_jws(&KeySet::default(), &text(bytes)).is_err());
}

fn session(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(id) = text.parse::<SessionId>() {
        assert_eq!(id.reveal(), text, "no second spelling of one session");
        assert_ne!(id.hash().alias().to_string(), text);
    }
    if let Ok(alias) = text.parse::<SessionAlias>() {
        assert_eq!(alias.to_string(), text);
    }
}

fn id(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(id) = text.parse::<ModelId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
}

fn key(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(key) = ApiKey::<AccessKeyKind>::parse(&text) {
        assert_eq!(key.reveal(), text);
    }
}

fn timestamp(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(at) = Timestamp::parse_digits14(&text) {
        assert_eq!(at.to_digits14(), text);
    }
    if let Ok(at) = Timestamp::parse_iso(&text) {
        assert_eq!(Timestamp::parse_iso(&at.to_iso_ms()), Ok(at));
    }
}

fn range(bytes: &[u8]) {
    for length in [0, 1, FILE_BYTES] {
        if let Selection::Part(part) = select(bytes, length) {
            assert!(
                part.start < part.end && part.end <= length,
                "{part:?} of {length}"
            );
        }
    }
}

fn json(bytes: &[u8]) {
    // Whatever comes: an answer and no panic; a second reading says the same.
    let first = vitrine_http::extract::parse_json::<serde_json::Value>(bytes).ok();
    let second = vitrine_http::extract::parse_json::<serde_json::Value>(bytes).ok();
    assert_eq!(first, second);
}
