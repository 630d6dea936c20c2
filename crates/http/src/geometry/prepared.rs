//! What sessions of one model show alike, written once: a session's answer is mostly that.

use std::sync::{Arc, LazyLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use vitrine_model::Definition;

use super::wire::{Part, convert};
use crate::error::ApiError;

/// Bytes of all that is kept.
const BYTES_MAX: u64 = 32 << 20;
/// Definitions of which that is enough, usually.
const DEFINITIONS_USUAL: usize = 2_000;

/// By the definition's place in memory, which nothing else takes as long as it is held here.
static PREPARED: LazyLock<Cache<usize, Arc<Prepared>, Bytes>> =
    LazyLock::new(|| Cache::with_weighter(DEFINITIONS_USUAL, BYTES_MAX, Bytes));

/// The parts of a session's answer that follow from its model's definition alone.
pub(crate) struct Prepared {
    of: Arc<Definition>,
    pub(crate) parameters: Arc<RawValue>,
    pub(crate) outputs: Arc<RawValue>,
    pub(crate) exports: Arc<RawValue>,
    pub(crate) templates: Arc<RawValue>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<usize, Arc<Prepared>> for Bytes {
    fn weight(&self, _key: &usize, value: &Arc<Prepared>) -> u64 {
        let parts = [
            &value.parameters,
            &value.outputs,
            &value.exports,
            &value.templates,
        ];
        let written: usize = parts.iter().map(|part| part.get().len()).sum();
        // The definition that is held has about as much.
        2 * written as u64
    }
}

impl Prepared {
    /// The parts for a definition.
    ///
    /// # Errors
    /// An internal one, when a definition has no form in JSON.
    pub(crate) fn of(definition: &Arc<Definition>) -> Result<Arc<Self>, ApiError> {
        let key = Arc::as_ptr(definition).addr();
        if let Some(known) = PREPARED.get(&key)
            && Arc::ptr_eq(&known.of, definition)
        {
            return Ok(known);
        }
        let made = Arc::new(Self::make(definition).map_err(ApiError::internal)?);
        PREPARED.insert(key, Arc::clone(&made));
        Ok(made)
    }

    fn make(definition: &Arc<Definition>) -> serde_json::Result<Self> {
        Ok(Self {
            of: Arc::clone(definition),
            parameters: Part::write(&convert::parameters(definition, None))?,
            outputs: Part::write(&convert::output_definitions(definition))?,
            exports: Part::write(&convert::export_definitions(definition))?,
            templates: Part::write(&convert::templates(definition, None))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_written_once_and_another_for_itself() {
        let one = Arc::new(Definition::default());
        let other = Arc::new(Definition::default());
        let first = Prepared::of(&one).unwrap();
        assert!(Arc::ptr_eq(&first, &Prepared::of(&one).unwrap()));
        assert!(!Arc::ptr_eq(&first, &Prepared::of(&other).unwrap()));
        assert_eq!(first.parameters.get(), "{}");
    }
}
