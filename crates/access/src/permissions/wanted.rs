//! One permission, as somebody's configuration names it.

use std::fmt;

use super::{Permission, PermissionSet, scopes};
use crate::limits::SCOPE_BYTES_MAX;

/// A permission that is asked for: for every id, or for one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WantedPermission {
    permission: Permission,
    id: Option<String>,
}

impl WantedPermission {
    /// Reads one permission as the table writes it (`get.parameter.*`, `file.download`), or one that
    /// is limited to an id (`compute.output.<id>`). Groups and nodes name several and are none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > SCOPE_BYTES_MAX {
            return None;
        }
        let exact = Permission::ALL
            .iter()
            .find(|permission| permission.as_str() == text);
        match exact {
            Some(permission) => Some(Self {
                permission: *permission,
                id: None,
            }),
            None => scopes::parse_limited(text).map(|(permission, id)| Self {
                permission,
                id: Some(id),
            }),
        }
    }

    /// Whether a set allows it.
    #[must_use]
    pub fn is_in(&self, set: &PermissionSet) -> bool {
        match &self.id {
            Some(id) => set.contains_for(self.permission, id),
            None => set.contains(self.permission),
        }
    }
}

impl fmt::Display for WantedPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => f.write_str(&self.permission.limited_to(id)),
            None => f.write_str(self.permission.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_read_as_the_table_writes_it() {
        for permission in Permission::ALL {
            let wanted = WantedPermission::parse(permission.as_str()).unwrap();
            assert_eq!(wanted.to_string(), permission.as_str());
            assert!(wanted.is_in(&PermissionSet::of(&[*permission])));
            assert!(!wanted.is_in(&PermissionSet::EMPTY));
        }
    }

    #[test]
    fn a_permission_for_one_id_is_held_by_that_id_and_by_all_and_no_other() {
        let wanted = WantedPermission::parse("compute.output.abc").unwrap();
        assert_eq!(wanted.to_string(), "compute.output.abc");
        for (scopes, held) in [
            (["compute.output.abc"], true),
            (["compute.output.*"], true),
            (["compute.output.abd"], false),
            (["compute.export.abc"], false),
        ] {
            let (set, _) = PermissionSet::from_scopes(&scopes);
            assert_eq!(wanted.is_in(&set), held, "{scopes:?}");
        }
        let (narrow, _) = PermissionSet::from_scopes(&["compute.output.abc"]);
        let all = WantedPermission::parse("compute.output.*").unwrap();
        assert!(!all.is_in(&narrow));
    }

    #[test]
    fn what_names_several_permissions_or_none_is_no_permission() {
        let long = format!("compute.output.{}", "a".repeat(SCOPE_BYTES_MAX));
        for text in [
            "",
            "*",
            "group.view",
            "get.*",
            "compute.output",
            "compute.output.",
            "Compute.Output.*",
            " file.download",
            "file.download file.upload",
            &long,
        ] {
            assert_eq!(WantedPermission::parse(text), None, "{text}");
        }
    }
}
