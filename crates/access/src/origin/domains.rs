//! A list of allowed domains.

use super::{DomainEntry, DomainError, Origin};
use crate::limits::DOMAINS_MAX;

/// Domains whose pages are allowed, in the order in which the owner wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AllowedDomains(Vec<DomainEntry>);

impl AllowedDomains {
    /// Reads all entries.
    ///
    /// # Errors
    /// The first entry that is wrong, or too many of them.
    pub fn parse_all<S: AsRef<str>>(texts: &[S]) -> Result<Self, DomainError> {
        if texts.len() > DOMAINS_MAX {
            return Err(DomainError::TOO_MANY);
        }
        texts
            .iter()
            .map(|text| DomainEntry::parse(text.as_ref()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// These and those of another list, each once.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        let mut all = self.0.clone();
        let new = others.0.iter().filter(|entry| !self.0.contains(entry));
        all.extend(new.cloned());
        Self(all)
    }

    /// Whether any entry means this origin.
    #[must_use]
    pub fn allows(&self, origin: &Origin) -> bool {
        self.0.iter().any(|entry| entry.matches(origin))
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The entries; `Display` of one is its stored text.
    pub fn iter(&self) -> impl Iterator<Item = &DomainEntry> {
        self.0.iter()
    }

    /// The sources for the CSP directive `frame-ancestors`: `'none'`, or all that CSP can say.
    ///
    /// CSP's own star covers any number of labels and its `http` covers https too, so this is the
    /// outer fence only; the origin of the framing page is still to be matched by [`Self::allows`].
    #[must_use]
    pub fn to_frame_ancestors(&self) -> String {
        let sources: Vec<String> = self.0.iter().flat_map(DomainEntry::frame_sources).collect();
        if sources.is_empty() {
            "'none'".to_owned()
        } else {
            sources.join(" ")
        }
    }

    /// The entries as sources with schemes, as CSP writes them; what CSP cannot say is left out.
    #[must_use]
    pub fn to_sources(&self) -> Vec<String> {
        self.0.iter().flat_map(DomainEntry::frame_sources).collect()
    }

    /// Whether `frame-ancestors` lets nobody through whom [`Self::allows`] would stop. That its `http`
    /// also covers https on the same host and port harms nobody: the host is the same.
    #[must_use]
    pub fn frame_ancestors_are_exact(&self) -> bool {
        !self.0.iter().any(DomainEntry::has_star)
    }
}
