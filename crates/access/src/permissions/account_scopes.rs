//! What an access key must be good for, by operation. Sign-ins by password are good for everything.

/// Every scope that a key may have, beside `*`.
pub const ACCOUNT_SCOPES: &[&str] = &[
    "models-read",
    "models-write",
    "models-full",
    "tokens",
    "tags-read",
    "tags-write",
    "users-read",
    "users-write",
    "users-full",
    "domains-read",
    "domains-full",
    "organizations-read",
    "organizations-write",
    "organizations-full",
    "backendsystems-full",
    "apiclients-full",
    "model-sharing-read",
    "model-sharing-write",
    "model-sharing-full",
];

/// Good for everything.
pub const EVERY_SCOPE: &str = "*";

/// The scope that an operation of the platform takes; `None` for operations of no account, and for those of
/// administrators of the server, which take no key.
#[must_use]
pub fn account_scope(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "PlatformQueryModels"
        | "PlatformGetModel"
        | "PlatformQueryBackendSystems"
        | "PlatformQueryTickets"
        | "PlatformQuerySessions"
        | "PlatformQueryAudit"
        | "PlatformCheckDomains"
        | "PlatformTryOrigin" => "models-read",
        "PlatformCreateTicket"
        | "PlatformRevokeTicket"
        | "PlatformRevokeSession"
        | "PlatformCreateModel"
        | "PlatformUpdateModel"
        | "PlatformDecryptTicket" => "models-write",
        "PlatformDeleteModel" => "models-full",
        "PlatformCreateTokens" | "PlatformCreateUserToken" | "PlatformCreateOrganizationToken" => {
            "tokens"
        }
        "PlatformGetUser"
        | "PlatformListSignIns"
        | "PlatformListIdentities"
        | "PlatformListPasskeys"
        | "PlatformQueryUserMetrics"
        | "PlatformGetClient"
        | "PlatformQueryNotifications"
        | "PlatformSumNotifications"
        | "PlatformGetNotification"
        | "PlatformQueryWebhooks"
        | "PlatformQueryDeliveries"
        | "PlatformExportUsage"
        | "PlatformQueryCaps" => "users-read",
        "PlatformUpdateUser"
        | "PlatformReadNotifications"
        | "PlatformUpdateNotification"
        | "PlatformDeleteNotification"
        | "PlatformSetCap"
        | "PlatformCreateWebhook"
        | "PlatformUpdateWebhook"
        | "PlatformDeleteWebhook"
        | "PlatformTestWebhook" => "users-write",
        "PlatformEndSignIn" => "users-full",
        "PlatformGetOrganization" | "PlatformQueryOrganizationMetrics" | "PlatformQueryMembers" | "PlatformListInvitations" => {
            "organizations-read"
        }
        "PlatformUpdateOrganization" | "PlatformUpdateMember" | "PlatformInviteUser" | "PlatformWithdrawInvitation" | "PlatformInviteByEmail" => "organizations-write",
        // A key that made keys would outlive its own end.
        "PlatformCreateOrganization"
        | "PlatformQueryAccessKeys"
        | "PlatformGetAccessKey"
        | "PlatformCreateAccessKey"
        | "PlatformUpdateAccessKey"
        | "PlatformDeleteAccessKey"
        | "PlatformRotateAccessKey"
        // One that agreed for an application would outlive itself too.
        | "PlatformAuthorize" | "PlatformBeginSecondFactor" | "PlatformConfirmSecondFactor" | "PlatformRemoveSecondFactor" | "PlatformAcceptInvitation" | "PlatformBeginPasskey" | "PlatformAddPasskey" | "PlatformRemovePasskey" | "PlatformLinkIdentity" | "PlatformUnlinkIdentity" | "PlatformDenyInvitation" => EVERY_SCOPE,
        "PlatformRemoveMember" | "PlatformDeleteOrganization" => "organizations-full",
        "PlatformShareModel" | "PlatformShareModelMultiple" | "PlatformCopyShares" => "model-sharing-write",
        "PlatformQueryShares" | "PlatformListShares" | "PlatformQueryOwnShares" | "PlatformQueryUserShares" | "PlatformGetUserShares" => "model-sharing-read",
        "PlatformUnshareModel" => "model-sharing-full",
        _ => return None,
    })
}

/// Whether the granted scopes (words with blanks between them) cover the wanted one. What is good for
/// writing is good for reading, and `full` for both.
#[must_use]
pub fn scopes_cover(granted: &str, wanted: &str) -> bool {
    granted.split(' ').any(|one| {
        one == EVERY_SCOPE
            || one == wanted
            || wider(wanted).iter().any(|suffix| {
                let area = wanted.rsplit_once('-').map_or(wanted, |(area, _)| area);
                one.strip_prefix(area)
                    .and_then(|rest| rest.strip_prefix('-'))
                    == Some(suffix)
            })
    })
}

fn wider(wanted: &str) -> &'static [&'static str] {
    match wanted.rsplit_once('-') {
        Some((_, "read")) => &["write", "full"],
        Some((_, "write")) => &["full"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Credential, OPERATIONS};
    use super::*;

    #[test]
    fn every_operation_of_an_account_has_a_scope_and_no_other_has() {
        for row in OPERATIONS {
            let of_account = row.credential == Credential::Account;
            assert_eq!(account_scope(row.id).is_some(), of_account, "{}", row.id);
            if let Some(scope) = account_scope(row.id) {
                assert!(
                    scope == EVERY_SCOPE || ACCOUNT_SCOPES.contains(&scope),
                    "{scope}"
                );
            }
        }
    }

    #[test]
    fn full_covers_write_and_write_covers_read_of_the_same_area() {
        for (granted, wanted, covers) in [
            ("*", "models-full", true),
            ("*", EVERY_SCOPE, true),
            ("models-full", EVERY_SCOPE, false),
            ("models-read", "models-read", true),
            ("models-write", "models-read", true),
            ("models-full", "models-write", true),
            ("models-read", "models-write", false),
            ("tokens models-full", "models-read", true),
            ("users-full", "models-read", false),
            ("modelsx-full", "models-read", false),
            ("", "tokens", false),
            ("tokens", "tokens", true),
        ] {
            assert_eq!(scopes_cover(granted, wanted), covers, "{granted} {wanted}");
        }
    }
}
