//! JSON Web Signature in compact form (RFC 7515 section 7.1).

use serde_json::{Value, json};

use super::strict::{decode_base64url, encode_base64url, parse_object};
use super::{Algorithm, JwtError, KeySet, SigningKey};
use crate::limits::{JWS_CHARS_MAX, KID_BYTES_MAX};

/// Header members that choose keys or change what is signed. We choose keys by `kid` alone, so
/// whoever sends one of these wants something else than we do.
const REFUSED_MEMBERS: [&str; 6] = ["crit", "jku", "jwk", "x5u", "x5c", "b64"];

/// The header members that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwsHeader {
    /// The algorithm, which is that of the key.
    pub algorithm: Algorithm,
    /// The id of the key that verified it.
    pub kid: String,
    /// The media type of the whole, as sent.
    pub typ: Option<String>,
}

/// A JWS whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedJws {
    /// Its header.
    pub header: JwsHeader,
    /// The bytes that were signed.
    pub payload: Vec<u8>,
}

/// Verifies a compact JWS with the key that its `kid` names.
///
/// # Errors
/// When the text is too long or not strict base64url and JSON, the header wants something that we
/// do not do, the key is not in the set, the algorithm is not the key's, or the signature is wrong.
pub fn verify_jws(keys: &KeySet, compact: &str) -> Result<VerifiedJws, JwtError> {
    if compact.len() > JWS_CHARS_MAX {
        return Err(JwtError::TooLong);
    }
    let mut parts = compact.split('.');
    let (Some(header_text), Some(payload_text), Some(signature_text), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwtError::Form);
    };
    let header = parse_header(&decode_base64url(header_text)?)?;
    let payload = decode_base64url(payload_text)?;
    let signature = decode_base64url(signature_text)?;
    let key = keys.find(&header.kid).ok_or(JwtError::KeyUnknown)?;
    if key.algorithm() != header.algorithm {
        return Err(JwtError::Algorithm);
    }
    let signed = &compact[..header_text.len() + 1 + payload_text.len()];
    key.verify(signed.as_bytes(), &signature)?;
    Ok(VerifiedJws { header, payload })
}

/// Signs a payload of this media type.
pub(super) fn sign(key: &SigningKey, typ: &str, payload: &[u8]) -> Result<String, JwtError> {
    let header = json!({ "alg": key.algorithm().as_str(), "kid": key.kid(), "typ": typ });
    let header = encode_base64url(header.to_string().as_bytes());
    let mut compact = format!("{header}.{}", encode_base64url(payload));
    let signature = encode_base64url(&key.sign(compact.as_bytes())?);
    compact.push('.');
    compact.push_str(&signature);
    if compact.len() > JWS_CHARS_MAX {
        return Err(JwtError::TooLong);
    }
    Ok(compact)
}

fn parse_header(bytes: &[u8]) -> Result<JwsHeader, JwtError> {
    let header = parse_object(bytes)?;
    if let Some(member) = REFUSED_MEMBERS
        .iter()
        .find(|member| header.contains_key(**member))
    {
        return Err(JwtError::HeaderMember { member });
    }
    let algorithm = header
        .get("alg")
        .and_then(Value::as_str)
        .ok_or(JwtError::Algorithm)?
        .parse()?;
    let kid = header
        .get("kid")
        .and_then(Value::as_str)
        .ok_or(JwtError::KeyUnknown)?;
    if kid.len() > KID_BYTES_MAX {
        return Err(JwtError::KeyUnknown);
    }
    let typ = match header.get("typ") {
        None => None,
        Some(Value::String(typ)) => Some(typ.clone()),
        Some(_) => return Err(JwtError::Type),
    };
    Ok(JwsHeader {
        algorithm,
        kid: kid.to_owned(),
        typ,
    })
}
