//! The origin rule.
use std::fmt;
use thiserror::Error;

/// An `Origin` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Why an `Origin` header is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("todo")]
pub struct OriginError;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainEntry(String);

/// Why an entry is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("todo")]
pub struct DomainError;

/// A list of allowed domains.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AllowedDomains(Vec<DomainEntry>);

impl Origin {
    /// Parses.
    ///
    /// # Errors
    /// See type.
    pub fn parse_header_values(_values: &[&[u8]]) -> Result<Self, OriginError> {
        todo!()
    }
}
impl fmt::Display for Origin {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl DomainEntry {
    /// Parses.
    ///
    /// # Errors
    /// See type.
    pub fn parse(_text: &str) -> Result<Self, DomainError> {
        todo!()
    }
}
impl fmt::Display for DomainEntry {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl AllowedDomains {
    /// Parses.
    ///
    /// # Errors
    /// See type.
    pub fn parse_all<S: AsRef<str>>(_texts: &[S]) -> Result<Self, DomainError> {
        todo!()
    }
    /// Matches.
    #[must_use]
    pub fn allows(&self, _origin: &Origin) -> bool {
        todo!()
    }
    /// Empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// Entries.
    pub fn iter(&self) -> impl Iterator<Item = &DomainEntry> {
        self.0.iter()
    }
    /// Sources for the CSP directive `frame-ancestors`.
    #[must_use]
    pub fn to_frame_ancestors(&self) -> String {
        todo!()
    }
}
