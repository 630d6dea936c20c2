//! Project Wycheproof's vectors for JWS and JWK, and the example of RFC 8037.

use std::io::Write as _;

use serde_json::Value;

use super::*;

const FILES: [&str; 3] = [
    "json_web_signature_test.json",
    "json_web_key_test.json",
    "json_web_crypto_test.json",
];
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// The public halves of a group's keys; those that we refuse are left out.
fn keys_of(group: &Value) -> KeySet {
    let given = group.get("public").unwrap_or(&group["private"]);
    let list = given
        .get("keys")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_else(|| vec![given.clone()]);
    let public = list.into_iter().filter_map(|mut jwk| {
        let members = jwk.as_object_mut()?;
        for member in PRIVATE {
            members.remove(member);
        }
        VerifyingKey::from_jwk(&jwk).ok()
    });
    KeySet::new(public.collect())
}

/// Says how many there were to whoever runs the tests: the runner swallows what `println!` writes.
fn say(line: &str) {
    writeln!(std::io::stderr(), "  {line}").unwrap();
}

/// Whether the vector stays within ES256, `EdDSA` and RS256, and its key says so.
fn supported(compact: &str) -> bool {
    let header = compact
        .split('.')
        .next()
        .and_then(|text| strict::decode_base64url(text).ok());
    let header = header.and_then(|bytes| strict::parse_object(&bytes).ok());
    header.is_some_and(|header| {
        header
            .get("alg")
            .and_then(Value::as_str)
            .is_some_and(|alg| alg.parse::<Algorithm>().is_ok())
    })
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the vectors are not part of the project"
)]
fn wycheproof_vectors_are_decided_as_they_should() {
    let Ok(folder) = std::env::var("VITRINE_VECTORS") else {
        say("Wycheproof: skipped, VITRINE_VECTORS names no folder with its vectors");
        return;
    };
    let (mut refused, mut accepted, mut foreign) = (0, 0, 0);
    for file in FILES {
        let text = std::fs::read_to_string(std::path::Path::new(&folder).join(file)).unwrap();
        let vectors: Value = serde_json::from_str(&text).unwrap();
        for group in vectors["testGroups"].as_array().unwrap() {
            let keys = keys_of(group);
            for test in group["tests"].as_array().unwrap() {
                let name = format!("{file} {} {}", group["comment"], test["tcId"]);
                let Some(compact) = test["jws"].as_str() else {
                    foreign += 1;
                    continue;
                };
                let verified = verify_jws(&keys, compact);
                match test["result"].as_str() {
                    Some("invalid") => {
                        assert!(verified.is_err(), "{name} was accepted");
                        refused += 1;
                    }
                    Some("valid") if supported(compact) => {
                        assert!(verified.is_ok(), "{name}: {verified:?}");
                        accepted += 1;
                    }
                    _ => foreign += 1,
                }
            }
        }
    }
    say(&format!(
        "Wycheproof: {refused} refused, {accepted} accepted, {foreign} of other algorithms or kinds"
    ));
    assert!(refused > 300 && accepted >= 10);
}

#[test]
fn the_example_of_rfc_8037_verifies() {
    // Appendix A.2 to A.4. The example's header has no `kid`, so its parts are checked one by one.
    let jwk = serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let key = VerifyingKey::from_jwk(&jwk).unwrap();
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = strict::decode_base64url(
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    let signature = signature.unwrap();
    assert_eq!(key.verify(signed, &signature), Ok(()));
    let mut refused = 0;
    for at in 0..signature.len() {
        let mut wrong = signature.clone();
        wrong[at] ^= 1;
        assert_eq!(key.verify(signed, &wrong), Err(JwtError::Signature));
        refused += 1;
    }
    say(&format!(
        "RFC 8037: 1 accepted, {refused} altered ones refused"
    ));
}

#[test]
fn the_thumbprint_of_rfc_7638_is_reproduced() {
    let jwk = serde_json::json!({
        "kty": "RSA", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    });
    let key = VerifyingKey::from_jwk(&jwk).unwrap();
    assert_eq!(key.kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}
