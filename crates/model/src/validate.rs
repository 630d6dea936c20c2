//! The rules that a definition has to keep before it is stored or shown.

use crate::definition::Definition;
use crate::error::DefinitionError;

impl Definition {
    /// Checks every bound of [`crate::limits`] and that the definition agrees with itself.
    ///
    /// # Errors
    /// The first rule that is broken, with its place.
    pub fn validate(&self) -> Result<(), DefinitionError> {
        todo!()
    }
}
