//! A set of permissions: one bit each, and a short list of those that hold for one id only.

use thiserror::Error;

use super::scopes::{self, Scope};
use super::{Permission, RESERVED};
use crate::limits::LIMITED_PERMISSIONS_MAX;

/// A stored set that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PermissionError {
    /// A word that is no permission; a newer version may have written it.
    #[error("a stored set of permissions holds an unknown word")]
    Unknown,
    /// Too many id-limited permissions.
    #[error("a set can hold at most {max} permissions that are limited to one id")]
    TooMany {
        /// The bound.
        max: usize,
    },
}

/// A set of permissions.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct PermissionSet {
    bits: u64,
    /// Sorted, without repetition, and without those whose bit is set.
    limited: Vec<(Permission, String)>,
}

/// Room for the text of a set that a ticket or a token gives.
const STORAGE_BYTES_USUAL: usize = 256;

const _: () = assert!(Permission::ALL.len() <= 64, "one bit each");

impl PermissionSet {
    /// Nothing.
    pub const EMPTY: Self = Self {
        bits: 0,
        limited: Vec::new(),
    };

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::of(Permission::ALL)
    }

    /// Exactly these.
    #[must_use]
    pub fn of(permissions: &[Permission]) -> Self {
        let bits = permissions
            .iter()
            .fold(0, |bits, permission| bits | permission.bit());
        Self {
            bits,
            limited: Vec::new(),
        }
    }

    /// Whether the permission holds for every id.
    #[must_use]
    pub fn contains(&self, permission: Permission) -> bool {
        self.bits & permission.bit() != 0
    }

    /// Whether the permission holds for the thing with this id.
    #[must_use]
    pub fn contains_for(&self, permission: Permission, id: &str) -> bool {
        self.contains(permission)
            || self
                .limited
                .iter()
                .any(|(own, own_id)| *own == permission && own_id == id)
    }

    /// Whether the permission holds for every id or for some.
    #[must_use]
    pub fn contains_for_some(&self, permission: Permission) -> bool {
        self.contains(permission) || self.limited.iter().any(|(own, _)| *own == permission)
    }

    /// Whether nothing is allowed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits == 0 && self.limited.is_empty()
    }

    /// What either set allows.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.bits |= other.bits;
        union.limited.extend(other.limited.iter().cloned());
        union.normalise();
        union
    }

    /// What both sets allow.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let either = self.limited.iter().chain(&other.limited);
        let mut both = Self {
            bits: self.bits & other.bits,
            limited: either
                .filter(|(permission, id)| {
                    self.contains_for(*permission, id) && other.contains_for(*permission, id)
                })
                .cloned()
                .collect(),
        };
        both.normalise();
        both
    }

    /// What scopes allow, and those that are unknown. Scopes are a group (`group.view`), a
    /// permission (`file.download`), a node with everything below it (`cache.*`), or a permission
    /// for one id (`compute.output.<id>`). Reserved permissions are not taken out here: that needs
    /// the subject.
    #[must_use]
    pub fn from_scopes<S: AsRef<str>>(scopes: &[S]) -> (Self, Vec<String>) {
        let mut set = Self::EMPTY;
        let mut unknown = Vec::new();
        for scope in scopes {
            let scope = scope.as_ref();
            match scopes::parse(scope) {
                Some(Scope::Permissions(permissions)) => set.bits |= Self::of(&permissions).bits,
                Some(Scope::Limited(permission, id))
                    if set.limited.len() < LIMITED_PERMISSIONS_MAX =>
                {
                    set.limited.push((permission, id));
                }
                Some(Scope::Limited(..)) | None => unknown.push(scope.to_owned()),
            }
        }
        set.normalise();
        (set, unknown)
    }

    /// Without what only a back end may hold.
    #[must_use]
    pub fn without_reserved(mut self) -> Self {
        self.bits &= !Self::of(RESERVED).bits;
        self.limited
            .retain(|(permission, _)| !RESERVED.contains(permission));
        self
    }

    /// What a session may do by itself: view and export, without reading back what others uploaded;
    /// with an author's ticket also what an owner may.
    #[must_use]
    pub fn session_grants(author: bool) -> Self {
        let mut set = Self::of(scopes::GROUP_VIEW);
        set.bits |= Self::of(scopes::GROUP_EXPORT).bits;
        set.bits &= !Self::of(&[Permission::AssetFileGet, Permission::AssetSdtfGet]).bits;
        if author {
            set.bits |= Self::of(scopes::GROUP_OWNER).bits;
        }
        set
    }

    /// The stored text: words separated by spaces, in the order of the table.
    #[must_use]
    pub fn to_storage(&self) -> String {
        let held = Permission::ALL
            .iter()
            .filter(|permission| self.contains(**permission));
        let mut text = String::with_capacity(STORAGE_BYTES_USUAL);
        let mut put = |word: &str| {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        };
        held.for_each(|permission| put(permission.as_str()));
        let limited = self.limited.iter();
        limited.for_each(|(permission, id)| put(&permission.limited_to(id)));
        text
    }

    /// Reads the stored text.
    ///
    /// # Errors
    /// When a word is unknown: a set that is only half understood must not be used.
    pub fn from_storage(text: &str) -> Result<Self, PermissionError> {
        let mut set = Self::EMPTY;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let exact = Permission::ALL
                .iter()
                .find(|permission| permission.as_str() == word);
            match exact {
                Some(permission) => set.bits |= permission.bit(),
                None => match scopes::parse_limited(word) {
                    Some(limited) => set.limited.push(limited),
                    None => return Err(PermissionError::Unknown),
                },
            }
            if set.limited.len() > LIMITED_PERMISSIONS_MAX {
                return Err(PermissionError::TooMany {
                    max: LIMITED_PERMISSIONS_MAX,
                });
            }
        }
        set.normalise();
        Ok(set)
    }

    fn normalise(&mut self) {
        let bits = self.bits;
        self.limited
            .retain(|(permission, _)| bits & permission.bit() == 0);
        self.limited.sort();
        self.limited.dedup();
        self.limited.truncate(LIMITED_PERMISSIONS_MAX);
    }
}

impl Permission {
    const fn bit(self) -> u64 {
        1 << self as u8
    }

    /// The scope that means this permission for one id only.
    #[must_use]
    pub fn limited_to(self, id: &str) -> String {
        format!("{}.{id}", self.as_str().trim_end_matches(".*"))
    }
}
