//! ID tokens of `OpenID` providers (`OpenID` Connect Core 1.0, section 3.1.3.7), verified as strictly as
//! our own tokens.

use aws_lc_rs::{constant_time, digest};
use serde_json::{Map, Value};

use super::strict::{encode_base64url, parse_object};
use super::token::{audiences, instant, text};
use super::{Algorithm, JwtError, KeySet, verify_jws};
use crate::limits::{ID_TOKEN_SUBJECT_BYTES_MAX, TOKEN_SKEW_MAX};
use crate::time::Timestamp;

/// What an ID token must say to be the answer to what was asked.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedId<'a> {
    /// `iss`, exactly.
    pub issuer: &'a str,
    /// The one `aud`: our name at the provider.
    pub client: &'a str,
    /// `nonce`, as it was sent.
    pub nonce: &'a str,
    /// The access token that came beside it; `at_hash` is of this one.
    pub access_token: &'a str,
}

/// Who somebody is, by the word of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// `sub`: never given to anybody else by this issuer.
    pub subject: String,
    /// `email`, where the provider vouches for it: `email_verified` is true.
    pub verified_email: Option<String>,
    /// `name`.
    pub name: Option<String>,
}

impl IdToken {
    /// Verifies signature, type and every claim that says for whom and for what the token is.
    ///
    /// # Errors
    /// As [`verify_jws`]; [`JwtError::Type`] for tokens of another kind, [`JwtError::Issuer`],
    /// [`JwtError::Audience`] when it is for anybody else too, [`JwtError::Nonce`],
    /// [`JwtError::Expired`] and [`JwtError::NotYetValid`] beyond [`TOKEN_SKEW_MAX`], and
    /// [`JwtError::Claim`].
    pub fn verify(
        keys: &KeySet,
        compact: &str,
        expected: &ExpectedId<'_>,
        now: Timestamp,
    ) -> Result<Self, JwtError> {
        let verified = verify_jws(keys, compact)?;
        // RFC 8725, section 3.11: tokens of the same issuer for other uses name their own types.
        let typ = verified.header.typ.as_deref();
        if !typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT")) {
            return Err(JwtError::Type);
        }
        let claims = parse_object(&verified.payload)?;
        if text(&claims, "iss")? != expected.issuer {
            return Err(JwtError::Issuer);
        }
        // Whoever else is named could have got the token, and show it here.
        if audiences(&claims)? != [expected.client] {
            return Err(JwtError::Audience);
        }
        if claims.contains_key("azp") && text(&claims, "azp")? != expected.client {
            return Err(JwtError::Audience);
        }
        check_nonce(&claims, expected.nonce)?;
        check_time(&claims, now)?;
        if claims.contains_key("at_hash") {
            let own = half_hash(verified.header.algorithm, expected.access_token);
            if text(&claims, "at_hash")? != own {
                return Err(JwtError::claim("at_hash"));
            }
        }
        let subject = text(&claims, "sub")?;
        if subject.len() > ID_TOKEN_SUBJECT_BYTES_MAX {
            return Err(JwtError::claim("sub"));
        }
        // Only a plain true vouches: some providers write texts, and "false" is one too.
        let vouched = claims.get("email_verified") == Some(&Value::Bool(true));
        let optional = |claim: &'static str| text(&claims, claim).ok().map(ToOwned::to_owned);
        Ok(Self {
            subject: subject.to_owned(),
            verified_email: optional("email").filter(|_| vouched),
            name: optional("name"),
        })
    }
}

fn check_nonce(claims: &Map<String, Value>, expected: &str) -> Result<(), JwtError> {
    let nonce = text(claims, "nonce").map_err(|_| JwtError::Nonce)?;
    constant_time::verify_slices_are_equal(nonce.as_bytes(), expected.as_bytes())
        .map_err(|_| JwtError::Nonce)
}

fn check_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), JwtError> {
    if now >= instant(claims, "exp")?.plus(TOKEN_SKEW_MAX) {
        return Err(JwtError::Expired);
    }
    let soon = now.plus(TOKEN_SKEW_MAX);
    if instant(claims, "iat")? > soon
        || (claims.contains_key("nbf") && instant(claims, "nbf")? > soon)
    {
        return Err(JwtError::NotYetValid);
    }
    Ok(())
}

/// Section 3.1.3.6: the left half of the hash that belongs to the signature's algorithm.
fn half_hash(algorithm: Algorithm, of: &str) -> String {
    let hash = match algorithm {
        Algorithm::Es256 | Algorithm::Rs256 => &digest::SHA256,
        Algorithm::EdDsa => &digest::SHA512,
    };
    let digest = digest::digest(hash, of.as_bytes());
    encode_base64url(&digest.as_ref()[..digest.as_ref().len() / 2])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{SigningKey, jws};
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_795_255_200_000);
    const EXPECTED: ExpectedId<'static> = ExpectedId {
        issuer: "https://login.example.com",
        client: "vitrine",
        nonce: "n-0S6_WzA2Mj",
        access_token: "an access token",
    };

    fn claims() -> Value {
        json!({
            "iss": EXPECTED.issuer, "aud": "vitrine", "sub": "248289761001",
            "nonce": EXPECTED.nonce, "iat": NOW.unix_s(), "exp": NOW.unix_s() + 300,
            "email": "ada@example.com", "email_verified": true, "name": "Ada",
        })
    }

    fn verified(claims: &Value, typ: &str) -> Result<IdToken, JwtError> {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let token = jws::sign(&key, typ, claims.to_string().as_bytes()).unwrap();
        IdToken::verify(&KeySet::new(vec![key.public()]), &token, &EXPECTED, NOW)
    }

    fn changed(change: impl FnOnce(&mut Value)) -> Result<IdToken, JwtError> {
        let mut claims = claims();
        change(&mut claims);
        verified(&claims, "JWT")
    }

    #[test]
    fn a_token_that_answers_what_was_asked_says_who_somebody_is() {
        let token = changed(|_| ()).unwrap();
        assert_eq!(token.subject, "248289761001");
        assert_eq!(token.verified_email.as_deref(), Some("ada@example.com"));
        assert_eq!(token.name.as_deref(), Some("Ada"));
        assert!(changed(|claims| claims["aud"] = json!(["vitrine"])).is_ok());
        assert!(changed(|claims| claims["azp"] = json!("vitrine")).is_ok());
    }

    #[test]
    fn tokens_for_others_of_others_and_for_other_sign_ins_are_refused() {
        for (member, value, error) in [
            ("iss", json!("https://login.example.com/"), JwtError::Issuer),
            ("iss", json!("https://evil.example"), JwtError::Issuer),
            ("aud", json!("another"), JwtError::Audience),
            ("aud", json!(["vitrine", "another"]), JwtError::Audience),
            ("aud", json!([]), JwtError::Audience),
            ("azp", json!("another"), JwtError::Audience),
            ("nonce", json!("n-0S6_WzA2Mk"), JwtError::Nonce),
            ("nonce", json!(null), JwtError::Nonce),
            ("sub", json!(""), JwtError::claim("sub")),
            ("sub", json!(7), JwtError::claim("sub")),
            ("at_hash", json!("AAAA"), JwtError::claim("at_hash")),
        ] {
            let refused = changed(|claims| claims[member] = value.clone());
            assert_eq!(refused, Err(error), "{member} {value}");
        }
        for typ in ["at+jwt", "logout+jwt", ""] {
            assert_eq!(verified(&claims(), typ), Err(JwtError::Type), "{typ}");
        }
    }

    #[test]
    fn a_subject_has_255_bytes_at_most() {
        let sub = |length: usize| changed(|claims| claims["sub"] = json!("a".repeat(length)));
        assert!(sub(ID_TOKEN_SUBJECT_BYTES_MAX).is_ok());
        assert_eq!(
            sub(ID_TOKEN_SUBJECT_BYTES_MAX + 1),
            Err(JwtError::claim("sub"))
        );
    }

    #[test]
    fn times_hold_to_the_second_of_the_tolerance() {
        let skew = i64::try_from(TOKEN_SKEW_MAX.as_secs()).unwrap();
        let at = |member: &str, delta: i64| {
            changed(|claims| claims[member] = json!(NOW.unix_s() + delta)).err()
        };
        assert_eq!(at("exp", -skew + 1), None);
        assert_eq!(at("exp", -skew), Some(JwtError::Expired));
        for member in ["iat", "nbf"] {
            assert_eq!(at(member, skew), None);
            assert_eq!(at(member, skew + 1), Some(JwtError::NotYetValid));
        }
    }

    #[test]
    fn only_a_plain_true_vouches_for_an_address() {
        for word in [json!(false), json!("true"), json!(1), json!(null)] {
            let token = changed(|claims| claims["email_verified"] = word).unwrap();
            assert_eq!(token.verified_email, None);
        }
    }

    #[test]
    fn the_hash_of_the_access_token_belongs_to_the_algorithm() {
        // OpenID Connect Core 1.0, appendix A.3: the values of its example.
        let access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(
            half_hash(Algorithm::Rs256, access),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            let key = SigningKey::generate(algorithm).unwrap();
            let mut claims = claims();
            claims["at_hash"] = json!(half_hash(algorithm, EXPECTED.access_token));
            let token = jws::sign(&key, "JWT", claims.to_string().as_bytes()).unwrap();
            let keys = KeySet::new(vec![key.public()]);
            IdToken::verify(&keys, &token, &EXPECTED, NOW).unwrap();
        }
    }

    #[test]
    fn a_signature_by_nobodys_key_or_of_another_algorithm_is_none() {
        let (own, other) = (
            SigningKey::generate(Algorithm::Es256).unwrap(),
            SigningKey::generate(Algorithm::Es256).unwrap(),
        );
        let token = jws::sign(&other, "JWT", claims().to_string().as_bytes()).unwrap();
        let keys = KeySet::new(vec![own.public()]);
        let refused = IdToken::verify(&keys, &token, &EXPECTED, NOW);
        assert_eq!(refused, Err(JwtError::KeyUnknown));
        for header in [
            json!({ "alg": "none", "kid": own.kid() }),
            json!({ "alg": "HS256", "kid": own.kid() }),
            json!({ "alg": "RS256", "kid": own.kid() }),
        ] {
            let token = [header, claims()]
                .map(|part| encode_base64url(part.to_string().as_bytes()))
                .join(".");
            for signature in ["", "AAAA"] {
                let token = format!("{token}.{signature}");
                let refused = IdToken::verify(&keys, &token, &EXPECTED, NOW);
                assert_eq!(refused, Err(JwtError::Algorithm));
            }
        }
    }
}
