//! A table of attacks on access tokens: what somebody sends who has seen tokens and public keys, but
//! no private key. Each row says with what it is refused.

#![expect(
    clippy::too_many_lines,
    reason = "these functions are tables, one row a statement"
)]

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::strict::{decode_base64url, encode_base64url};
use super::*;
use crate::ids::{ModelId, TokenId};
use crate::limits::{JSON_DEPTH_MAX, JWS_CHARS_MAX, KID_BYTES_MAX};
use crate::time::Timestamp;

const NOW_S: i64 = 1_795_255_200;
const NOW: Timestamp = Timestamp::from_unix_ms(NOW_S * 1_000);
const SKEW_S: i64 = 60;

struct Attack {
    name: String,
    token: String,
    refusal: JwtError,
}

/// One key of each algorithm, all of them known to the server.
struct Ring {
    ec: SigningKey,
    ed: SigningKey,
    rsa: SigningKey,
}

impl Ring {
    fn new() -> Self {
        let key = |algorithm| SigningKey::generate(algorithm).unwrap();
        Self {
            ec: key(Algorithm::Es256),
            ed: key(Algorithm::EdDsa),
            rsa: key(Algorithm::Rs256),
        }
    }

    fn all(&self) -> [&SigningKey; 3] {
        [&self.ec, &self.ed, &self.rsa]
    }

    fn public(&self) -> KeySet {
        KeySet::new(self.all().map(SigningKey::public).to_vec())
    }
}

fn expected() -> Expected {
    Expected {
        issuer: "https://vitrine.example".to_owned(),
        audience: "geometry".to_owned(),
    }
}

fn claims() -> Value {
    json!({
        "iss": expected().issuer, "aud": expected().audience, "sub_type": "model",
        "sub": ModelId::from_bytes([2; 16]).to_string(), "scope": ["group.view"],
        "iat": NOW_S, "nbf": NOW_S, "exp": NOW_S + 600,
        "jti": TokenId::from_bytes([1; 16]).to_string(),
    })
}

fn header(key: &SigningKey) -> Value {
    json!({ "alg": key.algorithm().as_str(), "kid": key.kid(), "typ": "at+jwt" })
}

/// Header and claims as these very bytes, signed by the key.
fn raw(key: &SigningKey, header: &[u8], claims: &[u8]) -> String {
    let signed = format!("{}.{}", encode_base64url(header), encode_base64url(claims));
    let signature = encode_base64url(&key.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

fn with_header(key: &SigningKey, header: &Value) -> String {
    let (header, claims) = (header.to_string(), claims().to_string());
    raw(key, header.as_bytes(), claims.as_bytes())
}

fn with_claims(key: &SigningKey, claims: &Value) -> String {
    let (header, claims) = (header(key).to_string(), claims.to_string());
    raw(key, header.as_bytes(), claims.as_bytes())
}

fn changed(mut value: Value, member: &str, to: impl Into<Value>) -> Value {
    value[member] = to.into();
    value
}

fn attack(name: impl Into<String>, token: String, refusal: JwtError) -> Attack {
    Attack {
        name: name.into(),
        token,
        refusal,
    }
}

/// The text with one part replaced.
fn part(token: &str, index: usize, text: &str) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[index] = text;
    parts.join(".")
}

fn confusion(ring: &Ring) -> Vec<Attack> {
    let mut rows = Vec::new();
    for key in ring.all() {
        let of = key.algorithm().as_str();
        // Symmetric: everything public that a careless verifier could take as the secret.
        let jwk = key.public().to_jwk();
        let mut secrets = vec![
            jwk.to_string().into_bytes(),
            key.kid().as_bytes().to_vec(),
            Vec::new(),
        ];
        for member in ["x", "n"] {
            if let Some(text) = jwk[member].as_str() {
                secrets.push(text.as_bytes().to_vec());
                secrets.push(decode_base64url(text).unwrap());
            }
        }
        for secret in secrets {
            for name in ["HS256", "hs256"] {
                let header = changed(header(key), "alg", name).to_string();
                let signed = format!(
                    "{}.{}",
                    encode_base64url(header.as_bytes()),
                    encode_base64url(claims().to_string().as_bytes())
                );
                let mac = hmac::sign(
                    &hmac::Key::new(hmac::HMAC_SHA256, &secret),
                    signed.as_bytes(),
                );
                let token = format!("{signed}.{}", encode_base64url(mac.as_ref()));
                let name = format!("{name} with {} public bytes of the {of} key", secret.len());
                rows.push(attack(name, token, JwtError::Algorithm));
            }
        }
        for none in ["none", "None", "NONE", "nOnE", "", " none", "none\0"] {
            let header = changed(header(key), "alg", none);
            let token = with_header(key, &header);
            rows.push(attack(
                format!("alg {none:?} over a {of} signature"),
                token.clone(),
                JwtError::Algorithm,
            ));
            let stripped = part(&token, 2, "");
            rows.push(attack(
                format!("alg {none:?} without signature"),
                stripped,
                JwtError::Algorithm,
            ));
        }
        let stripped = part(&with_header(key, &header(key)), 2, "");
        rows.push(attack(
            format!("{of} with an empty signature"),
            stripped,
            JwtError::Signature,
        ));
        for other in ring
            .all()
            .into_iter()
            .filter(|other| other.kid() != key.kid())
        {
            let named = other.algorithm().as_str();
            let both = changed(header(key), "alg", named);
            rows.push(attack(
                format!("{of} key, alg {named}"),
                with_header(key, &both),
                JwtError::Algorithm,
            ));
            let kid = changed(header(key), "kid", other.kid());
            rows.push(attack(
                format!("{of} with the kid of {named}"),
                with_header(key, &kid),
                JwtError::Algorithm,
            ));
            let all = header(other);
            rows.push(attack(
                format!("{of} signature as {named}"),
                with_header(key, &all),
                JwtError::Signature,
            ));
        }
        for alg in [
            "ES384", "ES512", "PS256", "RS1", "RS512", "es256", "Ed25519", "EdDSA\n",
        ] {
            let header = changed(header(key), "alg", alg);
            rows.push(attack(
                format!("alg {alg:?}"),
                with_header(key, &header),
                JwtError::Algorithm,
            ));
        }
        for alg in [
            json!(null),
            json!(["ES256"]),
            json!({ "alg": "ES256" }),
            json!(0),
            json!(true),
        ] {
            let header = changed(header(key), "alg", alg.clone());
            rows.push(attack(
                format!("alg {alg}"),
                with_header(key, &header),
                JwtError::Algorithm,
            ));
        }
    }
    rows
}

fn key_ids(ring: &Ring) -> Vec<Attack> {
    let key = &ring.ec;
    let mut rows = Vec::new();
    for kid in [
        json!("../../../../dev/null"),
        json!("/proc/self/environ"),
        json!("' OR '1'='1"),
        json!("x' UNION SELECT 'key"),
        json!("|/usr/bin/id"),
        json!("http://attacker.example/jwks.json"),
        json!(""),
        json!("*"),
        json!(format!("{} ", key.kid())),
        json!(format!("{}\0", key.kid())),
        json!(key.kid().to_lowercase()),
        json!(&key.kid()[..42]),
        json!("k".repeat(KID_BYTES_MAX)),
        json!("k".repeat(KID_BYTES_MAX + 1)),
        json!(null),
        json!(0),
        json!([key.kid()]),
        json!({ "kid": key.kid() }),
    ] {
        let header = changed(header(key), "kid", kid.clone());
        rows.push(attack(
            format!("kid {kid}"),
            with_header(key, &header),
            JwtError::KeyUnknown,
        ));
    }
    let mut absent = header(key);
    absent.as_object_mut().unwrap().remove("kid");
    rows.push(attack(
        "no kid",
        with_header(key, &absent),
        JwtError::KeyUnknown,
    ));
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    let own = with_header(&stranger, &header(&stranger));
    rows.push(attack("a stranger's key", own, JwtError::KeyUnknown));
    let posing = with_header(&stranger, &header(key));
    rows.push(attack(
        "a stranger's key under our kid",
        posing,
        JwtError::Signature,
    ));
    let jwk = stranger.public().to_jwk();
    for (member, value) in [
        ("jwk", jwk.clone()),
        ("jwk", json!({})),
        ("jku", json!("https://attacker.example/jwks.json")),
        (
            "jku",
            json!("https://vitrine.example/.well-known/jwks.json"),
        ),
        ("x5u", json!("https://attacker.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
    ] {
        for (signer, named) in [(&stranger, key), (key, key)] {
            let header = changed(header(named), member, value.clone());
            let name = format!("{member} {value}");
            rows.push(attack(
                name,
                with_header(signer, &header),
                JwtError::HeaderMember { member },
            ));
        }
    }
    rows
}

fn forms(ring: &Ring) -> Vec<Attack> {
    let key = &ring.ec;
    let good = with_header(key, &header(key));
    let [head, payload, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut rows = Vec::new();
    let mut form = |name: &str, token: String| rows.push(attack(name, token, JwtError::Form));
    for (index, text) in [head, payload, signature].into_iter().enumerate() {
        form("padding", part(&good, index, &format!("{text}=")));
        form("double padding", part(&good, index, &format!("{text}==")));
        form("a space before", part(&good, index, &format!(" {text}")));
        form(
            "a line break after",
            part(&good, index, &format!("{text}\n")),
        );
        form("a zero byte", part(&good, index, &format!("{text}\0")));
        form("a plus sign", part(&good, index, &format!("{text}+")));
        form(
            "percent encoding",
            part(&good, index, &format!("{text}%3D")),
        );
        form(
            "a letter beyond ASCII",
            part(&good, index, &format!("{text}é")),
        );
    }
    // 64 bytes leave four bits in the last character: one other spelling of the same signature.
    let last = signature.chars().last().unwrap();
    let stray = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = stray.find(last).unwrap();
    let other = stray.chars().nth(place + 1).unwrap();
    let respelt = format!("{}{other}", &signature[..signature.len() - 1]);
    form("stray bits in the last character", part(&good, 2, &respelt));
    form("two parts", format!("{head}.{payload}"));
    form("four parts", format!("{good}.{signature}"));
    form(
        "five parts, as if encrypted",
        format!("{good}.{head}.{payload}"),
    );
    form("nothing", String::new());
    form(
        "JSON serialisation",
        json!({ "payload": payload, "signatures": [] }).to_string(),
    );
    form("two tokens", format!("{good},{good}"));
    rows.push(attack(
        "too long",
        "a".repeat(JWS_CHARS_MAX + 1),
        JwtError::TooLong,
    ));
    rows.push(attack(
        "a nested token",
        raw(key, header(key).to_string().as_bytes(), good.as_bytes()),
        JwtError::Json,
    ));
    let nested = changed(header(key), "cty", "JWT");
    rows.push(attack(
        "a nested token that says so",
        raw(key, nested.to_string().as_bytes(), good.as_bytes()),
        JwtError::Json,
    ));
    rows
}

fn json_tricks(ring: &Ring) -> Vec<Attack> {
    let key = &ring.ec;
    let (head, body) = (header(key).to_string(), claims().to_string());
    let kid = key.kid();
    let mut rows = Vec::new();
    let mut refused = |name: &str, head: &str, body: &str| {
        rows.push(attack(
            name,
            raw(key, head.as_bytes(), body.as_bytes()),
            JwtError::Json,
        ));
    };
    for (name, twice) in [
        ("alg twice", r#""alg":"none""#.to_owned()),
        ("kid twice", r#""kid":"other""#.to_owned()),
        ("kid twice, the same", format!(r#""kid":"{kid}""#)),
        ("typ twice", r#""typ":"at+jwt""#.to_owned()),
        ("alg twice by escape", r#""\u0061lg":"none""#.to_owned()),
    ] {
        refused(name, &format!("{{{twice},{}", &head[1..]), &body);
        refused(
            name,
            &format!("{},{twice}}}", &head[..head.len() - 1]),
            &body,
        );
    }
    for claim in [
        "iss", "aud", "sub", "sub_type", "scope", "exp", "nbf", "iat", "jti",
    ] {
        let twice = format!(r#"{{"{claim}":{},{}"#, claims()[claim], &body[1..]);
        refused(&format!("{claim} twice"), &head, &twice);
    }
    let deep = "[".repeat(JSON_DEPTH_MAX) + &"]".repeat(JSON_DEPTH_MAX);
    refused(
        "deep claims",
        &head,
        &format!(r#"{{"x":{deep},{}"#, &body[1..]),
    );
    refused(
        "a deep header",
        &format!(r#"{{"x":{deep},{}"#, &head[1..]),
        &body,
    );
    let bottomless = "[".repeat(2_000);
    refused(
        "bottomless claims",
        &head,
        &format!(r#"{{"x":{bottomless}"#),
    );
    for (name, text) in [
        ("claims as a list", "[]"),
        ("claims as a text", "\"x\""),
        ("no claims", ""),
        ("half of the claims", &body[..body.len() / 2]),
    ] {
        refused(name, &head, text);
    }
    refused(
        "something after the claims",
        &head,
        &format!("{body}{body}"),
    );
    refused("a byte order mark", &head, &format!("\u{feff}{body}"));
    refused("a header as a list", "[]", &body);
    refused(
        "a number without end",
        &head,
        &format!(r#"{{"x":1e999,{}"#, &body[1..]),
    );
    rows.push(attack(
        "claims that are no UTF-8",
        raw(key, head.as_bytes(), b"{\"iss\":\"\xff\"}"),
        JwtError::Json,
    ));
    rows
}

fn claims_tricks(ring: &Ring) -> Vec<Attack> {
    let key = &ring.ec;
    let signed = |claim: &str, value: Value| with_claims(key, &changed(claims(), claim, value));
    let mut rows = Vec::new();
    let month_s = 31 * 24 * 3_600;
    for (name, claim, value, refusal) in [
        (
            "exp a skew ago",
            "exp",
            json!(NOW_S - SKEW_S),
            JwtError::Expired,
        ),
        ("exp long ago", "exp", json!(1), JwtError::Expired),
        (
            "nbf after the skew",
            "nbf",
            json!(NOW_S + SKEW_S + 1),
            JwtError::NotYetValid,
        ),
        (
            "iat after the skew",
            "iat",
            json!(NOW_S + SKEW_S + 1),
            JwtError::NotYetValid,
        ),
        (
            "exp before nbf",
            "exp",
            json!(NOW_S),
            JwtError::claim("exp"),
        ),
        (
            "a life beyond what revocation covers",
            "exp",
            json!(NOW_S + month_s + 1),
            JwtError::claim("exp"),
        ),
        (
            "exp as text",
            "exp",
            json!((NOW_S + 600).to_string()),
            JwtError::claim("exp"),
        ),
        (
            "exp as a fraction",
            "exp",
            json!(1e10),
            JwtError::claim("exp"),
        ),
        (
            "exp beyond the year 9999",
            "exp",
            json!(i64::MAX),
            JwtError::claim("exp"),
        ),
        ("exp below zero", "exp", json!(-1), JwtError::claim("exp")),
        (
            "another issuer",
            "iss",
            json!("https://attacker.example"),
            JwtError::Issuer,
        ),
        (
            "our issuer and more",
            "iss",
            json!("https://vitrine.example.attacker.example"),
            JwtError::Issuer,
        ),
        (
            "issuers as a list",
            "iss",
            json!(["https://vitrine.example"]),
            JwtError::claim("iss"),
        ),
        (
            "another audience",
            "aud",
            json!("platform"),
            JwtError::Audience,
        ),
        (
            "audience in capitals",
            "aud",
            json!("GEOMETRY"),
            JwtError::Audience,
        ),
        (
            "audience as an object",
            "aud",
            json!({ "geometry": true }),
            JwtError::claim("aud"),
        ),
        (
            "an unknown kind of subject",
            "sub_type",
            json!("operator"),
            JwtError::claim("sub"),
        ),
        (
            "a back end with a model's id",
            "sub_type",
            json!("backend"),
            JwtError::claim("sub"),
        ),
        (
            "two subjects",
            "sub",
            json!([ModelId::from_bytes([2; 16]).to_string()]),
            JwtError::claim("sub"),
        ),
        (
            "a subject with a wildcard",
            "sub",
            json!("*"),
            JwtError::claim("sub"),
        ),
        ("no token id", "jti", json!(""), JwtError::claim("jti")),
        (
            "scopes as an object",
            "scope",
            json!({ "*": true }),
            JwtError::claim("scope"),
        ),
        (
            "a scope that is no text",
            "scope",
            json!(["group.view", 1]),
            JwtError::claim("scope"),
        ),
    ] {
        rows.push(attack(name, signed(claim, value), refusal));
    }
    for typ in [
        json!("JWT"),
        json!("jwt"),
        json!(""),
        json!("id+jwt"),
        json!("at+jwt;x"),
        json!("logout+jwt"),
    ] {
        let header = changed(header(key), "typ", typ.clone());
        rows.push(attack(
            format!("typ {typ}"),
            with_header(key, &header),
            JwtError::Type,
        ));
    }
    let mut untyped = header(key);
    untyped.as_object_mut().unwrap().remove("typ");
    rows.push(attack("no typ", with_header(key, &untyped), JwtError::Type));
    rows
}

#[test]
fn every_attack_in_the_table_is_refused_for_its_reason() {
    let ring = Ring::new();
    let keys = ring.public();
    let mut rows = confusion(&ring);
    rows.extend(key_ids(&ring));
    rows.extend(forms(&ring));
    rows.extend(json_tricks(&ring));
    rows.extend(claims_tricks(&ring));
    let mut wrong = Vec::new();
    for row in &rows {
        let verified = AccessToken::verify(&keys, &row.token, &expected(), NOW);
        if verified.as_ref().err() != Some(&row.refusal) {
            wrong.push(format!(
                "{}: {verified:?} instead of {:?}",
                row.name, row.refusal
            ));
        }
    }
    println!("{} attacks on tokens refused", rows.len() - wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows.len() > 200);
}

#[test]
fn what_the_attacks_are_made_from_is_accepted() {
    let ring = Ring::new();
    for key in ring.all() {
        let token = with_header(key, &header(key));
        assert!(AccessToken::verify(&ring.public(), &token, &expected(), NOW).is_ok());
    }
    for (claim, edge_s) in [
        ("exp", NOW_S - SKEW_S + 1),
        ("nbf", NOW_S + SKEW_S),
        ("iat", NOW_S + SKEW_S),
    ] {
        let mut claims = changed(claims(), "nbf", NOW_S - 600);
        claims["iat"] = json!(NOW_S - 600);
        let token = with_claims(&ring.ec, &changed(claims, claim, edge_s));
        let verified = AccessToken::verify(&ring.public(), &token, &expected(), NOW);
        assert!(verified.is_ok(), "{claim}: {verified:?}");
    }
}

#[test]
fn the_issuer_that_a_token_claims_is_read_as_strictly_as_the_token() {
    let ring = Ring::new();
    let good = with_header(&ring.ec, &header(&ring.ec));
    assert_eq!(claimed_issuer(&good), Ok(expected().issuer));
    assert_eq!(claimed_issuer(&part(&good, 2, "AA")), Ok(expected().issuer));
    for text in [
        String::new(),
        good.replace('.', " "),
        part(&good, 1, ""),
        part(&good, 1, "e30"),
        format!("{good}.x"),
        "a".repeat(JWS_CHARS_MAX + 1),
    ] {
        assert!(claimed_issuer(&text).is_err(), "{text}");
    }
}

#[test]
fn a_published_key_set_is_bounded_and_its_unusable_keys_are_left_out() {
    let ring = Ring::new();
    let published = ring.public().to_jwks().to_string();
    let read = KeySet::from_jwks(published.as_bytes()).unwrap();
    assert_eq!(read.iter().count(), 3);
    let good = ring.ec.public().to_jwk();
    let secret = json!({ "kty": "oct", "k": "AA", "kid": ring.ec.kid() });
    let mixed = json!({ "keys": [good, secret, 1, { "kty": "EC", "crv": "P-521" }] });
    let read = KeySet::from_jwks(mixed.to_string().as_bytes()).unwrap();
    assert_eq!(read.iter().count(), 1);
    let full = |count: usize| json!({ "keys": vec![good.clone(); count] }).to_string();
    assert!(KeySet::from_jwks(full(64).as_bytes()).is_ok());
    for text in [
        &full(65)[..],
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
    ] {
        assert!(KeySet::from_jwks(text.as_bytes()).is_err(), "{text}");
    }
}
