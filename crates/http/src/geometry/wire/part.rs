//! Parts of answers that are the same for every session of a model.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A part of an answer: made for it, or written once for all answers that have it.
#[derive(Debug, Clone)]
pub enum Part<T> {
    /// Made for this answer.
    Made(T),
    /// As JSON already.
    Written(Arc<RawValue>),
}

impl<T: Serialize> Part<T> {
    /// Writes a part for all answers that will have it.
    ///
    /// # Errors
    /// When the value has no form in JSON.
    pub fn write(value: &T) -> serde_json::Result<Arc<RawValue>> {
        serde_json::value::to_raw_value(value).map(Arc::from)
    }
}

impl<T: Serialize> Serialize for Part<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Made(value) => value.serialize(serializer),
            Self::Written(json) => json.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_the_same_on_the_wire() {
        let value = vec!["a \"b\"".to_owned(), "\u{e4}".to_owned()];
        let written = Part::<Vec<String>>::Written(Part::write(&value).unwrap());
        assert_eq!(
            serde_json::to_string(&written).unwrap(),
            serde_json::to_string(&Part::Made(value)).unwrap()
        );
    }
}
