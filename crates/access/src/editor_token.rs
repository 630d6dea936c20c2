//! Editor tokens: what a partner's back end gets for its key and the editor's parameters, and hands
//! to a browser instead of both.
//!
//! The parameters are one flat JSON object. They come back equal in value and type, so a number is
//! kept as the text that it was written in: no reader's idea of numbers stands in between.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::ids::{EditorTokenHash, EditorUserHash, IdError, PartnerId, TokenId, sha256};
use crate::limits::{
    APP_ID_CHARS_MAX, EDITOR_BODY_BYTES_MAX, EDITOR_MEMBERS_MAX, EDITOR_NAME_BYTES_MAX,
};
use crate::random::Entropy;

/// The member that we set ourselves: the partner's application id.
pub const AUTH: &str = "auth";
/// The member that names the partner's user.
pub const USER_ID: &str = "userId";

/// The bearer secret of an editor: 122 random bits in the form of a version 4 UUID.
#[derive(Clone)]
pub struct EditorToken(TokenId);

impl EditorToken {
    /// A fresh token.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(TokenId::new(entropy))
    }

    /// The UUID in lower case, to be shown to the one who asked for it.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }

    /// What may be stored and looked up.
    #[must_use]
    pub fn hash(&self) -> EditorTokenHash {
        EditorTokenHash::from_bytes(sha256(&[self.0.as_bytes()]))
    }
}

impl FromStr for EditorToken {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self)
    }
}

impl fmt::Debug for EditorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EditorToken(hidden)")
    }
}

/// A text that is no application id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "an application id has 1 to {APP_ID_CHARS_MAX} letters, digits, dots, dashes and underscores"
)]
pub struct AppIdError;

/// The public name of a partner. Its characters need no escaping anywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AppId(String);

impl FromStr for AppId {
    type Err = AppIdError;

    fn from_str(text: &str) -> Result<Self, AppIdError> {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if plain && (1..=APP_ID_CHARS_MAX).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(AppIdError)
        }
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AppId {
    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no set of editor parameters. Names members, never values, which may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParametersError {
    /// Too many bytes.
    #[error("the body is larger than {EDITOR_BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// Not JSON, or JSON that is no object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A value is a list or an object.
    #[error(
        "the body is not a flat JSON object: the value of {0:?} is a list or an object; use \
         strings, numbers, booleans and null"
    )]
    NotFlat(String),
    /// Two members have one name.
    #[error("the member {0:?} stands there twice")]
    Duplicate(String),
    /// Too many members.
    #[error("the body has more than {EDITOR_MEMBERS_MAX} members")]
    TooManyMembers,
    /// A member's name is too long.
    #[error("the name of a member is longer than {EDITOR_NAME_BYTES_MAX} bytes")]
    NameTooLong,
}

/// The value of one parameter.
#[derive(Clone, PartialEq, Eq)]
pub enum EditorValue {
    /// A string.
    Text(String),
    /// A number as it was written, for instance `1.0`, `-0`, `1e400` or more digits than any machine
    /// number has.
    Number(String),
    /// A boolean.
    Bool(bool),
    /// Null.
    Null,
}

impl EditorValue {
    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_string(text, out),
            Self::Number(text) => out.push_str(text),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Null => out.push_str("null"),
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// The parameters behind an editor token, in the order in which they came.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EditorParameters(Vec<(String, EditorValue)>);

impl fmt::Debug for EditorParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EditorParameters({} members)", self.0.len())
    }
}

impl EditorParameters {
    /// Reads a flat JSON object. A member [`AUTH`] is dropped: that one is ours to set.
    ///
    /// # Errors
    /// When the text is anything else, holds a name twice, or is beyond one of the bounds.
    pub fn parse(text: &[u8]) -> Result<Self, ParametersError> {
        if text.len() > EDITOR_BODY_BYTES_MAX {
            return Err(ParametersError::TooLarge);
        }
        let fault = Cell::new(None);
        let mut input = serde_json::Deserializer::from_slice(text);
        let read = Flat { fault: &fault }
            .deserialize(&mut input)
            .and_then(|members| input.end().map(|()| members));
        read.map(Self)
            .map_err(|_| fault.take().unwrap_or(ParametersError::NotAnObject))
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&EditorValue> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The partner's user, where the parameters name one: `123` and `"123"` are the same user.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self.get(USER_ID)? {
            EditorValue::Text(text) | EditorValue::Number(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The JSON text: what is sealed and stored.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.written(None)
    }

    /// The JSON text with the partner's application id: what the token verifies to.
    #[must_use]
    pub fn to_answer(&self, app: &AppId) -> String {
        self.written(Some(app))
    }

    fn written(&self, app: Option<&AppId>) -> String {
        let mut out = String::from("{");
        for (name, value) in &self.0 {
            if out.len() > 1 {
                out.push(',');
            }
            write_string(name, &mut out);
            out.push(':');
            value.write(&mut out);
        }
        if let Some(app) = app {
            if out.len() > 1 {
                out.push(',');
            }
            write_string(AUTH, &mut out);
            out.push(':');
            write_string(app.as_str(), &mut out);
        }
        out.push('}');
        out
    }
}

/// The one-way name of a partner's user. The same user of another partner has another one.
#[must_use]
pub fn user_hash(partner: PartnerId, user: &str) -> EditorUserHash {
    let digest = sha256(&[
        b"vitrine editor user v1",
        partner.as_bytes(),
        user.as_bytes(),
    ]);
    EditorUserHash::from_bytes(digest)
}

/// Reads the members; leaves behind what exactly was wrong.
struct Flat<'a> {
    fault: &'a Cell<Option<ParametersError>>,
}

impl Flat<'_> {
    fn fail<E: serde::de::Error>(&self, error: ParametersError) -> E {
        let text = E::custom(&error);
        self.fault.set(Some(error));
        text
    }
}

impl<'de> DeserializeSeed<'de> for Flat<'_> {
    type Value = Vec<(String, EditorValue)>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Flat<'_> {
    type Value = Vec<(String, EditorValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(String, EditorValue)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(name) = input.next_key::<String>()? {
            if name.len() > EDITOR_NAME_BYTES_MAX {
                return Err(self.fail(ParametersError::NameTooLong));
            }
            if seen.len() == EDITOR_MEMBERS_MAX {
                return Err(self.fail(ParametersError::TooManyMembers));
            }
            if !seen.insert(name.clone()) {
                return Err(self.fail(ParametersError::Duplicate(name)));
            }
            let raw: &RawValue = input.next_value()?;
            let value = match raw.get().as_bytes().first() {
                Some(b'"') => {
                    EditorValue::Text(serde_json::from_str(raw.get()).map_err(A::Error::custom)?)
                }
                Some(b'-' | b'0'..=b'9') => EditorValue::Number(raw.get().to_owned()),
                Some(b't') => EditorValue::Bool(true),
                Some(b'f') => EditorValue::Bool(false),
                Some(b'n') => EditorValue::Null,
                _ => return Err(self.fail(ParametersError::NotFlat(name))),
            };
            if name != AUTH {
                members.push((name, value));
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;
    use proptest::prelude::*;

    fn app() -> AppId {
        "acme".parse().unwrap()
    }

    fn answer(text: &str) -> String {
        EditorParameters::parse(text.as_bytes())
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .to_answer(&app())
    }

    fn refused(text: &str) -> ParametersError {
        EditorParameters::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_token_is_a_version_4_uuid_and_hides_in_debug() {
        let token = EditorToken::new(&Seeded::new(1));
        let text = token.reveal();
        assert_eq!((text.len(), &text[14..15]), (36, "4"));
        assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"));
        assert_eq!(format!("{token:?}"), "EditorToken(hidden)");
        let upper: EditorToken = text.to_uppercase().parse().unwrap();
        assert_eq!(upper.hash(), token.hash());
        assert!("wrong".parse::<EditorToken>().is_err());
    }

    #[test]
    fn parameters_come_back_as_they_were_written() {
        for (given, wanted) in [
            ("{}", r#"{"auth":"acme"}"#),
            (
                r#" { "file" : "t.dwg" , "n":null,"b":true,"c":false } "#,
                r#"{"file":"t.dwg","n":null,"b":true,"c":false,"auth":"acme"}"#,
            ),
            (
                r#"{"a":1,"b":1.0,"c":-0,"d":1e400,"e":1E-7,"f":123456789012345678901234567890}"#,
                r#"{"a":1,"b":1.0,"c":-0,"d":1e400,"e":1E-7,"f":123456789012345678901234567890,"auth":"acme"}"#,
            ),
            (
                r#"{"s":"1","u":"\u00e9\n\"\\","":"empty name"}"#,
                r#"{"s":"1","u":"é\n\"\\","":"empty name","auth":"acme"}"#,
            ),
        ] {
            assert_eq!(answer(given), wanted);
        }
    }

    #[test]
    fn auth_is_ours_to_set_whatever_the_body_says() {
        assert_eq!(answer(r#"{"auth":"me","a":1}"#), r#"{"a":1,"auth":"acme"}"#);
        assert_eq!(answer(r#"{"\u0061uth":null}"#), r#"{"auth":"acme"}"#);
        let stored = EditorParameters::parse(br#"{"auth":"me","a":1}"#).unwrap();
        assert_eq!(stored.to_json(), r#"{"a":1}"#);
    }

    #[test]
    fn only_one_flat_object_is_taken() {
        use ParametersError as E;
        for text in [
            "",
            "[]",
            "1",
            "\"a\"",
            "null",
            "{",
            "{} {}",
            "{}x",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":NaN}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":tru}",
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            "{\"a\":1,}",
        ] {
            assert_eq!(refused(text), E::NotAnObject, "{text}");
        }
        assert_eq!(
            EditorParameters::parse(b"{\"a\":\"\xff\"}"),
            Err(E::NotAnObject)
        );
        for text in [r#"{"a":[]}"#, r#"{"a":{}}"#, r#"{"a":[[[[[]]]]]}"#] {
            assert_eq!(refused(text), E::NotFlat("a".to_owned()), "{text}");
        }
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(refused(text), E::Duplicate("a".to_owned()), "{text}");
        }
    }

    #[test]
    fn every_bound_holds_at_n_and_not_at_n_plus_one() {
        let members = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| format!("\"m{n}\":{n}")).collect();
            format!("{{{}}}", all.join(","))
        };
        assert!(EditorParameters::parse(members(EDITOR_MEMBERS_MAX).as_bytes()).is_ok());
        assert_eq!(
            refused(&members(EDITOR_MEMBERS_MAX + 1)),
            ParametersError::TooManyMembers
        );
        let named = |bytes: usize| format!("{{\"{}\":1}}", "n".repeat(bytes));
        assert!(EditorParameters::parse(named(EDITOR_NAME_BYTES_MAX).as_bytes()).is_ok());
        assert_eq!(
            refused(&named(EDITOR_NAME_BYTES_MAX + 1)),
            ParametersError::NameTooLong
        );
        let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert!(EditorParameters::parse(sized(EDITOR_BODY_BYTES_MAX).as_bytes()).is_ok());
        assert_eq!(
            refused(&sized(EDITOR_BODY_BYTES_MAX + 1)),
            ParametersError::TooLarge
        );
    }

    #[test]
    fn a_user_is_the_same_as_text_and_as_number_and_differs_between_partners() {
        let user = |text: &str| {
            let parameters = EditorParameters::parse(text.as_bytes()).unwrap();
            parameters.user().map(str::to_owned)
        };
        assert_eq!(user(r#"{"userId":"123"}"#), Some("123".to_owned()));
        assert_eq!(user(r#"{"userId":123}"#), Some("123".to_owned()));
        for none in [
            r"{}",
            r#"{"userId":""}"#,
            r#"{"userId":null}"#,
            r#"{"userId":true}"#,
        ] {
            assert_eq!(user(none), None, "{none}");
        }
        let (one, two) = (
            PartnerId::from_bytes([1; 16]),
            PartnerId::from_bytes([2; 16]),
        );
        assert_eq!(user_hash(one, "a"), user_hash(one, "a"));
        assert_ne!(user_hash(one, "a"), user_hash(two, "a"));
        assert_ne!(user_hash(one, "a"), user_hash(one, "b"));
    }

    #[test]
    fn an_application_id_needs_no_escaping_anywhere() {
        for good in ["a", "acme-cad_2.0", &"x".repeat(APP_ID_CHARS_MAX)] {
            assert_eq!(good.parse::<AppId>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a b",
            "a:b",
            "ä",
            "a/b",
            "a\"",
            &"x".repeat(APP_ID_CHARS_MAX + 1),
        ] {
            assert_eq!(bad.parse::<AppId>(), Err(AppIdError), "{bad}");
        }
    }

    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(any::<char>(), 0..20)
            .prop_map(|characters| characters.into_iter().collect())
    }

    fn scalar() -> impl Strategy<Value = serde_json::Value> {
        prop_oneof![
            text().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<bool>().prop_map(Into::into),
            Just(serde_json::Value::Null),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_flat_survives_the_round_trip(
            members in proptest::collection::btree_map(text(), scalar(), 0..20),
        ) {
            let mut wanted: serde_json::Map<_, _> = members.into_iter().collect();
            let text = serde_json::Value::from(wanted.clone()).to_string();
            let stored = EditorParameters::parse(text.as_bytes()).unwrap().to_json();
            let again = EditorParameters::parse(stored.as_bytes()).unwrap();
            prop_assert_eq!(again.to_json(), stored);
            wanted.insert(AUTH.to_owned(), "acme".into());
            let answered: serde_json::Value = serde_json::from_str(&again.to_answer(&app())).unwrap();
            prop_assert_eq!(answered, serde_json::Value::from(wanted));
        }

        #[test]
        fn no_bytes_make_the_reader_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = EditorParameters::parse(&bytes);
        }
    }
}
