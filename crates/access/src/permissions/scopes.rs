//! From the scopes of a token to permissions.

use super::Permission;
use super::Permission as P;
use crate::limits::{LIMITED_ID_BYTES_MAX, SCOPE_BYTES_MAX};

/// `group.view`: see and use a model.
pub(super) const GROUP_VIEW: &[Permission] = &[
    P::AuthSession,
    P::GetParameter,
    P::GetOutput,
    P::GetExport,
    P::ComputeOutput,
    P::CacheOutputGet,
    P::AssetFileCreate,
    P::AssetFileGet,
    P::AssetSdtfCreate,
    P::AssetSdtfGet,
    P::SettingViewerGet,
];

/// `group.export`: get files out of it.
pub(super) const GROUP_EXPORT: &[Permission] = &[P::ComputeExport, P::CacheExportGet];

/// `group.owner`: change how it is presented, see its settings, tidy up.
pub(super) const GROUP_OWNER: &[Permission] = &[
    P::SetParameterDefval,
    P::SetParameterUi,
    P::SetOutputUi,
    P::SetExportUi,
    P::SettingViewerGet,
    P::SettingViewerSet,
    P::SettingComputeGet,
    P::SettingAuthTicketGet,
    P::SettingAuthTokenGet,
    P::FileUpload,
    P::GetStatistic,
    P::CacheOutputList,
    P::CacheOutputDelete,
    P::CacheExportList,
    P::CacheExportDelete,
    P::CacheTextureList,
    P::CacheTextureDelete,
    P::AssetFileList,
    P::AssetFileDelete,
    P::AssetSdtfList,
    P::AssetSdtfDelete,
];

/// `group.analytics`: see what it is used for and costs.
const GROUP_ANALYTICS: &[Permission] = &[P::AnalyticsModelGet];

/// The group scopes and what they expand to.
const GROUPS: &[(&str, &[Permission])] = &[
    ("group.view", GROUP_VIEW),
    ("group.export", GROUP_EXPORT),
    ("group.owner", GROUP_OWNER),
    ("group.analytics", GROUP_ANALYTICS),
];

/// What one scope means.
pub(super) enum Scope {
    /// These permissions for all ids.
    Permissions(Vec<Permission>),
    /// One permission for one id.
    Limited(Permission, String),
}

/// `None` for what means nothing.
pub(super) fn parse(scope: &str) -> Option<Scope> {
    if scope.len() > SCOPE_BYTES_MAX {
        return None;
    }
    if let Some((_, permissions)) = GROUPS.iter().find(|(name, _)| *name == scope) {
        return Some(Scope::Permissions(permissions.to_vec()));
    }
    if let Some(node) = scope.strip_suffix('*') {
        let below = below(node.strip_suffix('.').unwrap_or(node));
        return if below.is_empty() {
            None
        } else {
            Some(Scope::Permissions(below))
        };
    }
    if let Some(exact) = Permission::ALL
        .iter()
        .find(|permission| permission.as_str() == scope)
    {
        return Some(Scope::Permissions(vec![*exact]));
    }
    parse_limited(scope).map(|(permission, id)| Scope::Limited(permission, id))
}

/// `compute.output.<id>`: a permission with `.*` in which an id stands for the star.
pub(super) fn parse_limited(scope: &str) -> Option<(Permission, String)> {
    Permission::ALL.iter().find_map(|permission| {
        let node = permission.as_str().strip_suffix(".*")?;
        let id = scope.strip_prefix(node)?.strip_prefix('.')?;
        let plain = id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let fits = (1..=LIMITED_ID_BYTES_MAX).contains(&id.len()) && plain;
        fits.then(|| (*permission, id.to_owned()))
    })
}

/// All permissions at or below a node; the empty node is the root.
fn below(node: &str) -> Vec<Permission> {
    let inside = |permission: &&Permission| {
        let text = permission.as_str().trim_end_matches(".*");
        node.is_empty()
            || text
                .strip_prefix(node)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    Permission::ALL.iter().filter(inside).copied().collect()
}
