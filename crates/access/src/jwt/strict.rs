//! Strict decoding: each value has one text, and a text that two readers could understand
//! differently is refused.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::JwtError;
use crate::limits::JSON_DEPTH_MAX;

/// base64url without padding; stray bits in the last character are refused (RFC 4648 section 3.5).
pub(super) fn decode_base64url(text: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwtError::Form)
}

pub(super) fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// One JSON object: no member twice at any depth, no deep nesting, nothing after it.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JwtError> {
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let value = Strict {
        depth_left: JSON_DEPTH_MAX,
    }
    .deserialize(&mut input);
    let value = value
        .and_then(|value| input.end().map(|()| value))
        .map_err(|_| JwtError::Json)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(JwtError::Json),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    depth_left: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1);
        depth_left
            .map(|depth_left| Self { depth_left })
            .ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(decode_base64url("Zm8"), Ok(b"fo".to_vec()));
        for text in [
            "Zm8=", "Zm9", "Zm8\n", " Zm8", "Zm 8", "Zm+v", "Zm/v", "Z", "Zm8\0",
        ] {
            let once = decode_base64url(text).map(|bytes| encode_base64url(&bytes));
            assert!(once.is_err() || once.as_deref() == Ok(text), "{text:?}");
        }
        assert_eq!(decode_base64url("Zm8="), Err(JwtError::Form));
        assert_eq!(decode_base64url("Zm9="), Err(JwtError::Form));
        assert_eq!(decode_base64url("Zn8"), Ok(vec![0x66, 0x7f]));
        assert_eq!(decode_base64url("Zn9"), Err(JwtError::Form), "stray bits");
    }

    #[test]
    fn repeated_members_are_refused_at_any_depth() {
        assert!(parse_object(br#"{"a":1,"b":{"a":2}}"#).is_ok());
        for text in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"a":1,"\u0061":2}"#,
            br#"{"x":{"a":1,"a":2}}"#,
            br#"{"x":[{"a":1,"a":2}]}"#,
        ] {
            assert_eq!(parse_object(text), Err(JwtError::Json));
        }
    }

    #[test]
    fn only_one_whole_object_is_an_object() {
        for text in [
            &b""[..],
            b"[]",
            b"1",
            b"\"a\"",
            b"null",
            b"{} {}",
            b"{}x",
            b"{",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            br#"{"a":"\ud800"}"#,
            b"{'a':1}",
            b"{\"a\":01}",
            b"{\"a\":NaN}",
        ] {
            assert_eq!(parse_object(text), Err(JwtError::Json), "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_at_n_and_not_at_n_plus_one() {
        let nested = |depth: usize| {
            let lists = depth - 1;
            format!("{{\"a\":{}{}}}", "[".repeat(lists), "]".repeat(lists))
        };
        assert!(parse_object(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(parse_object(nested(JSON_DEPTH_MAX + 1).as_bytes()).is_err());
    }
}
