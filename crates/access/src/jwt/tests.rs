use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::strict::{decode_base64url, encode_base64url};
use super::*;
use crate::grant::Subject;
use crate::ids::{ModelId, TokenId, UserId};
use crate::limits::{JWS_CHARS_MAX, TOKEN_SKEW_MAX, TOKEN_TTL_MAX};
use crate::permissions::{Permission, PermissionSet};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_255_200_000);

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn keys(key: &SigningKey) -> KeySet {
    KeySet::new(vec![key.public()])
}

fn expected() -> Expected {
    Expected {
        issuer: "https://vitrine.example".to_owned(),
        audience: "geometry".to_owned(),
    }
}

fn token() -> AccessToken {
    AccessToken {
        id: TokenId::from_bytes([1; 16]),
        issuer: expected().issuer,
        audience: expected().audience,
        subject: Subject::Model(ModelId::from_bytes([2; 16])),
        scopes: vec!["group.view".to_owned(), "create".to_owned()],
        issued_at: NOW,
        not_before: NOW,
        expires_at: NOW.plus(Duration::from_mins(10)),
    }
}

/// The claims of [`token`], changed, and signed with `typ`.
fn signed(key: &SigningKey, typ: &str, change: impl FnOnce(&mut Value)) -> String {
    let compact = token().sign(key).unwrap();
    let payload = decode_base64url(compact.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    change(&mut claims);
    jws::sign(key, typ, claims.to_string().as_bytes()).unwrap()
}

fn verify(key: &SigningKey, compact: &str, now: Timestamp) -> Result<AccessToken, JwtError> {
    AccessToken::verify(&keys(key), compact, &expected(), now)
}

/// A compact JWS with this header over `{}`, signed by `key` whatever the header says.
fn with_header(key: &SigningKey, header: &str) -> String {
    let signed = format!("{}.e30", encode_base64url(header.as_bytes()));
    let signature = encode_base64url(&key.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[test]
fn tokens_of_every_algorithm_verify_and_their_keys_survive_storage() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let key = SigningKey::generate(algorithm).unwrap();
        let stored = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(stored.kid(), key.kid());
        let compact = token().sign(&stored).unwrap();
        let published = VerifyingKey::from_jwk(&key.public().to_jwk()).unwrap();
        assert_eq!(published.kid(), key.kid());
        let keys = KeySet::new(vec![published]);
        assert_eq!(
            AccessToken::verify(&keys, &compact, &expected(), NOW),
            Ok(token())
        );
        assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.kid()));
    }
}

#[test]
fn a_key_of_one_algorithm_is_no_key_of_another() {
    let pkcs8 = key().to_pkcs8().unwrap();
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256] {
        assert!(matches!(
            SigningKey::from_pkcs8(algorithm, &pkcs8),
            Err(JwtError::Key { .. })
        ));
    }
}

#[test]
fn time_is_checked_with_a_minute_of_tolerance() {
    let key = key();
    let compact = token().sign(&key).unwrap();
    let end = token().expires_at;
    assert!(verify(&key, &compact, end).is_ok());
    let last = Timestamp::from_unix_ms(end.plus(TOKEN_SKEW_MAX).unix_ms() - 1);
    assert!(verify(&key, &compact, last).is_ok());
    let expired = verify(&key, &compact, end.plus(TOKEN_SKEW_MAX));
    assert_eq!(expired, Err(JwtError::Expired));
    let early = |seconds: i64| Timestamp::from_unix_ms(NOW.unix_ms() - seconds * 1_000);
    assert!(verify(&key, &compact, early(60)).is_ok());
    assert_eq!(
        verify(&key, &compact, early(61)),
        Err(JwtError::NotYetValid)
    );
    let refusal = Refusal::from(JwtError::Expired);
    assert_eq!(refusal.kind, RefusalKind::TokenExpired);
    assert!(
        refusal.message.starts_with("The token has expired. "),
        "{refusal}"
    );
}

#[test]
fn the_life_of_a_token_that_we_sign_is_bounded() {
    let key = key();
    let living = |life| AccessToken {
        expires_at: NOW.plus(life),
        ..token()
    };
    assert!(living(TOKEN_TTL_MAX).sign(&key).is_ok());
    assert!(
        living(TOKEN_TTL_MAX + Duration::from_secs(1))
            .sign(&key)
            .is_err()
    );
    assert!(living(Duration::ZERO).sign(&key).is_err());
}

#[test]
fn every_claim_is_demanded_in_its_form() {
    let key = key();
    for claim in [
        "iss", "aud", "sub", "sub_type", "scope", "iat", "nbf", "exp", "jti",
    ] {
        let without = signed(&key, "at+jwt", |claims| {
            claims.as_object_mut().unwrap().remove(claim);
        });
        assert!(verify(&key, &without, NOW).is_err(), "without {claim}");
        for strange in [
            json!(null),
            json!(true),
            json!({}),
            json!(""),
            json!(-1),
            json!(1e300),
        ] {
            let with = signed(&key, "at+jwt", |claims| claims[claim] = strange.clone());
            let harmless = claim == "scope" && strange == "";
            assert_eq!(
                verify(&key, &with, NOW).is_ok(),
                harmless,
                "{claim} = {strange}"
            );
        }
    }
}

#[test]
fn issuer_audience_and_type_are_compared_exactly() {
    let key = key();
    let claim = |name: &'static str, value: Value| {
        verify(
            &key,
            &signed(&key, "at+jwt", |claims| claims[name] = value),
            NOW,
        )
    };
    assert_eq!(
        claim("iss", json!("https://vitrine.example/")),
        Err(JwtError::Issuer)
    );
    assert_eq!(claim("aud", json!("other")), Err(JwtError::Audience));
    assert_eq!(claim("aud", json!([])), Err(JwtError::Audience));
    assert!(claim("aud", json!(["other", "geometry"])).is_ok());
    assert!(claim("aud", json!(["geometry", 1])).is_err());
    assert!(claim("scope", json!("group.view create")).is_ok());
    assert!(claim("sub_type", json!("admin")).is_err());
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(
            verify(&key, &signed(&key, typ, |_| ()), NOW).is_ok(),
            "{typ}"
        );
    }
    for typ in ["", "JWT", "jwt", "at+jwt ", "application/jwt"] {
        assert_eq!(
            verify(&key, &signed(&key, typ, |_| ()), NOW),
            Err(JwtError::Type),
            "{typ}"
        );
    }
}

#[test]
fn a_header_that_wants_another_key_or_algorithm_is_refused() {
    let key = key();
    let kid = key.kid();
    let plain = format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
    assert!(verify_jws(&keys(&key), &with_header(&key, &plain)).is_ok());
    let extra = |member: &str| format!(r#"{{"alg":"ES256","kid":"{kid}",{member}}}"#);
    for (header, error) in [
        (
            format!(r#"{{"alg":"none","kid":"{kid}"}}"#),
            JwtError::Algorithm,
        ),
        (
            format!(r#"{{"alg":"None","kid":"{kid}"}}"#),
            JwtError::Algorithm,
        ),
        (
            format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#),
            JwtError::Algorithm,
        ),
        (
            format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
            JwtError::Algorithm,
        ),
        (
            format!(r#"{{"alg":["ES256"],"kid":"{kid}"}}"#),
            JwtError::Algorithm,
        ),
        (format!(r#"{{"kid":"{kid}"}}"#), JwtError::Algorithm),
        (r#"{"alg":"ES256"}"#.to_owned(), JwtError::KeyUnknown),
        (
            r#"{"alg":"ES256","kid":"other"}"#.to_owned(),
            JwtError::KeyUnknown,
        ),
        (
            r#"{"alg":"ES256","kid":1}"#.to_owned(),
            JwtError::KeyUnknown,
        ),
        (
            extra(r#""crit":[]"#),
            JwtError::HeaderMember { member: "crit" },
        ),
        (
            extra(r#""jku":"https://x""#),
            JwtError::HeaderMember { member: "jku" },
        ),
        (
            extra(r#""jwk":{}"#),
            JwtError::HeaderMember { member: "jwk" },
        ),
        (
            extra(r#""x5u":"https://x""#),
            JwtError::HeaderMember { member: "x5u" },
        ),
        (
            extra(r#""x5c":[]"#),
            JwtError::HeaderMember { member: "x5c" },
        ),
        (
            extra(r#""b64":true"#),
            JwtError::HeaderMember { member: "b64" },
        ),
        (extra(r#""kid":"again""#), JwtError::Json),
        (extra(r#""typ":1"#), JwtError::Type),
        ("[]".to_owned(), JwtError::Json),
    ] {
        assert_eq!(
            verify_jws(&keys(&key), &with_header(&key, &header)),
            Err(error),
            "{header}"
        );
    }
}

#[test]
fn other_forms_and_lengths_are_refused() {
    let key = key();
    let compact = token().sign(&key).unwrap();
    let [header, payload, signature]: [&str; 3] =
        compact.split('.').collect::<Vec<_>>().try_into().unwrap();
    for text in [
        String::new(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!("{compact}."),
        format!("{compact}="),
        format!("{compact}\n"),
        format!(" {compact}"),
        format!("{header}={}.{payload}.{signature}", ""),
        "a".repeat(JWS_CHARS_MAX + 1),
    ] {
        assert!(verify(&key, &text, NOW).is_err(), "{text}");
    }
}

#[test]
fn an_unknown_or_ambiguous_key_verifies_nothing() {
    let (ours, other) = (key(), key());
    let compact = token().sign(&ours).unwrap();
    assert_eq!(verify(&other, &compact, NOW), Err(JwtError::KeyUnknown));
    let mut impostor = other.public().to_jwk();
    impostor["kid"] = json!(ours.kid());
    let impostor = VerifyingKey::from_jwk(&impostor).unwrap();
    let swapped = KeySet::new(vec![impostor.clone()]);
    assert_eq!(verify_jws(&swapped, &compact), Err(JwtError::Signature));
    let ambiguous = KeySet::new(vec![ours.public(), impostor]);
    assert_eq!(verify_jws(&ambiguous, &compact), Err(JwtError::KeyUnknown));
    let twice = KeySet::new(vec![ours.public(), ours.public()]);
    assert!(verify_jws(&twice, &compact).is_ok());
}

#[test]
fn published_keys_hold_nothing_private_and_private_ones_are_refused() {
    let jwks = keys(&key()).to_jwks();
    let mut jwk = jwks["keys"][0].clone();
    for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert_eq!(jwk.get(member), None);
    }
    assert!(VerifyingKey::from_jwk(&jwk).is_ok());
    jwk["d"] = json!("AA");
    assert!(matches!(
        VerifyingKey::from_jwk(&jwk),
        Err(JwtError::Key { .. })
    ));
}

#[test]
fn grants_follow_the_subject() {
    let grant = token().grant();
    assert_eq!(grant.model, Some(ModelId::from_bytes([2; 16])));
    assert!(grant.permissions.contains(Permission::ComputeOutput));
    assert!(!grant.permissions.contains(Permission::Create), "reserved");
    assert_eq!(grant.expires_at, token().expires_at);
    let backend = AccessToken {
        subject: Subject::Backend,
        scopes: vec!["*".to_owned()],
        ..token()
    };
    let narrow = AccessToken {
        scopes: vec!["group.view".to_owned()],
        ..backend.clone()
    }
    .grant();
    assert!(narrow.is_backend());
    assert!(!narrow.permissions.contains(Permission::Create));
    let backend = backend.grant();
    assert!(backend.is_backend());
    assert_eq!(backend.permissions, PermissionSet::all());
    let user = Subject::User(UserId::from_bytes([3; 16]));
    let user = AccessToken {
        subject: user,
        ..token()
    }
    .grant();
    assert!(!user.covers(ModelId::from_bytes([2; 16])));
    assert!(!user.permissions.contains(Permission::Create));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn every_changed_character_of_a_token_is_refused(step in 1..64_u8) {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let key = key();
        let compact = token().sign(&key).unwrap();
        for index in 0..compact.len() {
            let mut bytes = compact.clone().into_bytes();
            let place = ALPHABET.iter().position(|c| *c == bytes[index]);
            bytes[index] = place.map_or(b'A', |p| ALPHABET[(p + usize::from(step)) % 64]);
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert!(verify(&key, &changed, NOW).is_err(), "character {}", index);
        }
    }

    #[test]
    fn arbitrary_text_is_no_token(text in "\\PC{0,200}|[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(verify(&key(), &text, NOW).is_err());
    }
}
