//! Sets.
use super::Permission;
use thiserror::Error;

/// A stored set that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a stored set of permissions cannot be read")]
pub struct PermissionError;

/// A set of permissions.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct PermissionSet {
    bits: u64,
    limited: Vec<(Permission, String)>,
}

impl PermissionSet {
    /// Nothing.
    pub const EMPTY: Self = Self {
        bits: 0,
        limited: Vec::new(),
    };
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        todo!()
    }
    /// Exactly these.
    #[must_use]
    pub fn of(_permissions: &[Permission]) -> Self {
        todo!()
    }
    /// Whether it holds without id.
    #[must_use]
    pub fn contains(&self, _permission: Permission) -> bool {
        todo!()
    }
    /// Whether it holds for this id.
    #[must_use]
    pub fn contains_for(&self, _permission: Permission, _id: &str) -> bool {
        todo!()
    }
    /// Both.
    #[must_use]
    pub fn union(&self, _other: &Self) -> Self {
        todo!()
    }
    /// From scopes.
    #[must_use]
    pub fn from_scopes<S: AsRef<str>>(_scopes: &[S]) -> (Self, Vec<String>) {
        todo!()
    }
    /// Without reserved ones.
    #[must_use]
    pub fn without_reserved(self) -> Self {
        todo!()
    }
    /// What a session may do by itself.
    #[must_use]
    pub fn session_grants(_author: bool) -> Self {
        todo!()
    }
    /// To storage.
    #[must_use]
    pub fn to_storage(&self) -> String {
        todo!()
    }
    /// From storage.
    ///
    /// # Errors
    /// See type.
    pub fn from_storage(_text: &str) -> Result<Self, PermissionError> {
        todo!()
    }
}
