//! A first pass over a JSON text that only looks: one value and nothing after it, no duplicate
//! members, bounded depth and size. What it accepts every JSON parser reads in the same way.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::limits::{JSON_DEPTH_MAX, JSON_NODES_MAX};

/// Checks a JSON text.
///
/// # Errors
/// Says what is wrong, with line and column.
pub(super) fn check(text: &[u8]) -> Result<(), serde_json::Error> {
    let nodes = Cell::new(0);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Node {
        depth: 0,
        nodes: &nodes,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()
}

/// One value at a depth; `nodes` counts all values of the text.
#[derive(Clone, Copy)]
struct Node<'a> {
    depth: usize,
    nodes: &'a Cell<usize>,
}

impl Node<'_> {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(E::custom(format_args!(
                "nested more than {JSON_DEPTH_MAX} levels deep"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        self.nodes.set(self.nodes.get() + 1);
        if self.nodes.get() > JSON_NODES_MAX {
            return Err(E::custom(format_args!(
                "more than {JSON_NODES_MAX} members and items"
            )));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while items.next_element_seed(inside)?.is_some() {
            self.count()?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen = HashSet::new();
        while let Some(Name(name)) = members.next_key()? {
            self.count()?;
            if seen.contains(&name) {
                return Err(A::Error::custom(format_args!(
                    "member {name:?} stands there twice"
                )));
            }
            seen.insert(name);
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// A member's name, with escapes resolved so that two spellings of one name are seen as equal.
#[derive(Deserialize)]
struct Name(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        "[".repeat(depth) + &"]".repeat(depth)
    }

    #[test]
    fn ordinary_texts_pass() {
        for text in [
            "{}",
            "[]",
            "null",
            "-1.5e3",
            r#"{"a":[{"b":1},{"b":2}],"c":"é"}"#,
            " {} \n",
        ] {
            assert!(check(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn duplicate_members_are_refused_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"x":{"b":1,"b":2}}]"#,
        ] {
            let error = check(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("twice"), "{error}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(check(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(check(nested(JSON_DEPTH_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let list = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert!(check(list(JSON_NODES_MAX).as_bytes()).is_ok());
        assert!(check(list(JSON_NODES_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "{} {}",
            "{'a':1}",
            "[1,]",
            "NaN",
            "1e999",
            "\u{feff}{}",
            "{\"a\":01}",
        ] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(check(b"\"\xff\"").is_err());
        assert!(check(br#""\ud800""#).is_err());
    }
}
