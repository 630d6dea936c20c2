//! The operations that are served.

use super::Permission;

/// Which credential an operation takes.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Credential {
    /// The session id; with strong authorization also a token.
    Session,
    /// The session id, with a token unless the session itself has the permission.
    SessionOrToken,
    /// A token.
    Token,
    /// A token, or a session that an author's ticket opened.
    TokenOrAuthor,
    /// A token of the back end.
    BackendToken,
    /// A ticket; with strong authorization also a token.
    Ticket,
    /// None.
    Public,
    /// The sealed link itself.
    SealedLink,
    /// A session, a ticket or a token that a trusted proxy passes on for somebody.
    Forwarded,
    /// A partner's key.
    PartnerKey,
    /// An editor token.
    EditorToken,
    /// An editor session, which an editor token opened.
    EditorSession,
    /// An account's access key: its id and its secret.
    AccessKey,
    /// A token of the platform, which stands for an account.
    Account,
    /// The same of an administrator, who operates this server.
    Operator,
}

/// Stands for every method, in the row of an operation that takes them all.
pub const ANY_METHOD: &str = "ANY";

/// One served operation: what it is called, where it stands, what it takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// The operation's id in the API description.
    pub id: &'static str,
    /// The HTTP method, or [`ANY_METHOD`].
    pub method: &'static str,
    /// The route template.
    pub path: &'static str,
    /// The credential.
    pub credential: Credential,
    /// What it must be allowed to do.
    pub permission: Option<Permission>,
    /// Permissions without which parts of the answer are left out, or parts of the request refused.
    pub optional: &'static [Permission],
}

const fn row(
    id: &'static str,
    method: &'static str,
    path: &'static str,
    credential: Credential,
    permission: Option<Permission>,
    optional: &'static [Permission],
) -> Operation {
    Operation {
        id,
        method,
        path,
        credential,
        permission,
        optional,
    }
}

const MODEL_BLOCKS: &[Permission] = &[
    Permission::SettingAuthTicketGet,
    Permission::SettingAuthTokenGet,
    Permission::SettingComputeGet,
    Permission::SettingViewerGet,
    Permission::GetStatistic,
    Permission::FileUpload,
    Permission::FileDownload,
    Permission::GetParameter,
    Permission::GetOutput,
    Permission::GetExport,
];

const SESSION_BLOCKS: &[Permission] = &[
    Permission::ComputeOutput,
    Permission::ComputeExport,
    Permission::GetParameter,
    Permission::GetOutput,
    Permission::GetExport,
    Permission::FileUpload,
    Permission::FileDownload,
    Permission::GetStatistic,
    Permission::SettingAuthTicketGet,
    Permission::SettingAuthTokenGet,
    Permission::SettingComputeGet,
];

/// Every served operation, exactly once. What has no row here has no route.
///
/// `DecryptTicket` shares its template with `CreateSessionByTicket` (the API description calls its
/// parameter `ticketEncrypted`): two names at one place would be two conflicting routes.
pub static OPERATIONS: &[Operation] = &[
    row(
        "CreateModel",
        "POST",
        "/api/v2/model",
        Credential::BackendToken,
        Some(Permission::Create),
        MODEL_BLOCKS,
    ),
    row(
        "GetModel",
        "GET",
        "/api/v2/model/{modelId}",
        Credential::Token,
        None,
        MODEL_BLOCKS,
    ),
    row(
        "UpdateModel",
        "PUT",
        "/api/v2/model/{modelId}",
        Credential::BackendToken,
        None,
        MODEL_BLOCKS,
    ),
    row(
        "DeleteModel",
        "DELETE",
        "/api/v2/model/{modelId}",
        Credential::BackendToken,
        Some(Permission::DeleteSoft),
        &[],
    ),
    row(
        "RestoreModel",
        "PUT",
        "/api/v2/model/{modelId}/restore",
        Credential::BackendToken,
        None,
        &[],
    ),
    row(
        "EraseModel",
        "DELETE",
        "/api/v2/system/model/{modelId}",
        Credential::BackendToken,
        Some(Permission::DeleteHard),
        &[],
    ),
    row(
        "DownloadModelFile",
        "GET",
        "/api/v2/model/{modelId}/file/download",
        Credential::Token,
        Some(Permission::FileDownload),
        &[],
    ),
    row(
        "ListModels",
        "GET",
        "/api/v2/model/list",
        Credential::BackendToken,
        None,
        &[],
    ),
    row(
        "CreateTicket",
        "POST",
        "/api/v2/model/{modelId}/ticket",
        Credential::BackendToken,
        Some(Permission::SettingAuthTicketCreate),
        MODEL_BLOCKS,
    ),
    row(
        "DecryptTicket",
        "GET",
        "/api/v2/ticket/{ticketId}",
        Credential::BackendToken,
        Some(Permission::SettingAuthTicketDecrypt),
        &[],
    ),
    row(
        "CreateSessionByTicket",
        "POST",
        "/api/v2/ticket/{ticketId}",
        Credential::Ticket,
        None,
        SESSION_BLOCKS,
    ),
    row(
        "CreateSessionByModel",
        "POST",
        "/api/v2/model/{modelId}/session",
        Credential::Token,
        Some(Permission::AuthSession),
        SESSION_BLOCKS,
    ),
    row(
        "GetSessionDefaults",
        "GET",
        "/api/v2/session/{sessionId}/default",
        Credential::Session,
        None,
        SESSION_BLOCKS,
    ),
    row(
        "CloseSession",
        "POST",
        "/api/v2/session/{sessionId}/close",
        Credential::Session,
        None,
        &[],
    ),
    row(
        "ComputeOutputs",
        "PUT",
        "/api/v2/session/{sessionId}/output",
        Credential::Session,
        Some(Permission::ComputeOutput),
        &[],
    ),
    row(
        "GetCachedOutputs",
        "PUT",
        "/api/v2/session/{sessionId}/output/cache",
        Credential::Session,
        Some(Permission::CacheOutputGet),
        &[],
    ),
    row(
        "ListOutputVersions",
        "GET",
        "/api/v2/session/{sessionId}/output/{outputId}/list",
        Credential::SessionOrToken,
        Some(Permission::CacheOutputList),
        &[],
    ),
    row(
        "ComputeExports",
        "PUT",
        "/api/v2/session/{sessionId}/export",
        Credential::Session,
        Some(Permission::ComputeExport),
        &[Permission::ComputeOutput],
    ),
    row(
        "GetCachedExports",
        "PUT",
        "/api/v2/session/{sessionId}/export/cache",
        Credential::Session,
        Some(Permission::CacheExportGet),
        &[Permission::CacheOutputGet],
    ),
    row(
        "ListExportVersions",
        "GET",
        "/api/v2/session/{sessionId}/export/{exportId}/list",
        Credential::SessionOrToken,
        Some(Permission::CacheExportList),
        &[],
    ),
    row(
        "DownloadOutput",
        "GET",
        "/api/v2/session/{sessionId}/output/{assetDataEncrypted}",
        Credential::SealedLink,
        None,
        &[],
    ),
    row(
        "DownloadExport",
        "GET",
        "/api/v2/session/{sessionId}/export/{assetDataEncrypted}",
        Credential::SealedLink,
        None,
        &[],
    ),
    row(
        "DownloadAsset",
        "GET",
        "/api/v2/download/{assetDataEncrypted}",
        Credential::SealedLink,
        None,
        &[],
    ),
    row(
        "GetModelConfig",
        "GET",
        "/api/v2/model/{modelId}/config",
        Credential::TokenOrAuthor,
        Some(Permission::SettingViewerGet),
        &[],
    ),
    row(
        "ExplainRequest",
        "GET",
        "/api/v2/model/{modelId}/audit/{requestId}",
        Credential::Token,
        Some(Permission::AnalyticsModelGet),
        &[],
    ),
    row(
        "CreateAuthorizationGroup",
        "POST",
        "/api/v2/auth_group",
        Credential::BackendToken,
        Some(Permission::AuthGroupCreate),
        &[],
    ),
    row(
        "CreateModelConfig",
        "POST",
        "/api/v2/model/{modelId}/config",
        Credential::TokenOrAuthor,
        Some(Permission::SettingViewerSet),
        &[],
    ),
    row(
        "UpdateModelConfig",
        "PATCH",
        "/api/v2/model/{modelId}/config",
        Credential::TokenOrAuthor,
        Some(Permission::SettingViewerSet),
        &[],
    ),
    row(
        "UpdateParameterDefaultValues",
        "PATCH",
        "/api/v2/model/{modelId}/parameter/defval",
        Credential::TokenOrAuthor,
        Some(Permission::SetParameterDefval),
        &[],
    ),
    row(
        "UpdateParameterDefinitions",
        "PATCH",
        "/api/v2/model/{modelId}/parameter",
        Credential::TokenOrAuthor,
        Some(Permission::SetParameterUi),
        &[],
    ),
    row(
        "UpdateOutputDefinitions",
        "PATCH",
        "/api/v2/model/{modelId}/output",
        Credential::TokenOrAuthor,
        Some(Permission::SetOutputUi),
        &[],
    ),
    row(
        "UpdateExportDefinitions",
        "PATCH",
        "/api/v2/model/{modelId}/export",
        Credential::TokenOrAuthor,
        Some(Permission::SetExportUi),
        &[],
    ),
    row(
        "GetJsonWebKeySets",
        "GET",
        "/.well-known/jwks.json",
        Credential::Public,
        None,
        &[],
    ),
    row(
        "UploadModelFile",
        "PUT",
        "/api/v2/upload/{uploadLink}",
        Credential::SealedLink,
        None,
        &[],
    ),
    // Which permission it asks for is the proxy's to say, route by route. Proxies that append the
    // original path to the template are served too.
    row(
        "Authorize",
        ANY_METHOD,
        "/authorize",
        Credential::Forwarded,
        None,
        &[],
    ),
    row(
        "GenerateEditorToken",
        "POST",
        "/generate",
        Credential::PartnerKey,
        None,
        &[],
    ),
    row(
        "VerifyEditorToken",
        "GET",
        "/verify",
        Credential::EditorToken,
        None,
        &[],
    ),
    row(
        "IntrospectEditorToken",
        "POST",
        "/oauth/introspect",
        Credential::PartnerKey,
        None,
        &[],
    ),
    row(
        "RevokeEditorToken",
        "POST",
        "/oauth/revoke",
        Credential::PartnerKey,
        None,
        &[],
    ),
    row(
        "OpenEditorSession",
        "POST",
        "/editor/session",
        Credential::EditorToken,
        None,
        &[],
    ),
    row(
        "GetEditorSession",
        "GET",
        "/editor/session",
        Credential::EditorSession,
        None,
        &[],
    ),
    row(
        "CloseEditorSession",
        "DELETE",
        "/editor/session",
        Credential::EditorSession,
        None,
        &[],
    ),
    row(
        "GetEditorDrawing",
        "GET",
        "/editor/drawing",
        Credential::EditorSession,
        None,
        &[],
    ),
    row(
        "SaveEditorDrawing",
        "PUT",
        "/editor/drawing",
        Credential::EditorSession,
        None,
        &[],
    ),
    row(
        "TakeEditorLease",
        "POST",
        "/editor/lease",
        Credential::EditorSession,
        None,
        &[],
    ),
    row(
        "ReleaseEditorLease",
        "DELETE",
        "/editor/lease",
        Credential::EditorSession,
        None,
        &[],
    ),
    row(
        "PlatformSignIn",
        "POST",
        "/oauth/token",
        Credential::AccessKey,
        None,
        &[],
    ),
    // What it ends is what it is shown; whoever shows nothing ends nothing.
    row(
        "PlatformSignOut",
        "POST",
        "/oauth/logout",
        Credential::Public,
        None,
        &[],
    ),
    row(
        "PlatformGetUser",
        "GET",
        "/api/v1/users/{userId}",
        Credential::Account,
        None,
        &[],
    ),
    // The doubled word is the contract's.
    row(
        "PlatformListSignIns",
        "GET",
        "/api/v1/users/users/{userId}/apiclients",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformEndSignIn",
        "DELETE",
        "/api/v1/users/users/{userId}/apiclients/{signInId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryModels",
        "POST",
        "/api/v1/models/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformGetModel",
        "GET",
        "/api/v1/models/{modelKey}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformUpdateModel",
        "PATCH",
        "/api/v1/models/{modelKey}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformCreateTokens",
        "POST",
        "/api/v1/tokens",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryTickets",
        "POST",
        "/api/v1/models/{modelKey}/tickets/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformCreateTicket",
        "POST",
        "/api/v1/models/{modelKey}/tickets",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformRevokeTicket",
        "DELETE",
        "/api/v1/models/{modelKey}/tickets/{platformTicketId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQuerySessions",
        "POST",
        "/api/v1/models/{modelKey}/sessions/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformRevokeSession",
        "DELETE",
        "/api/v1/models/{modelKey}/sessions/{sessionAlias}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryAudit",
        "POST",
        "/api/v1/models/{modelKey}/audit/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformCheckDomains",
        "POST",
        "/api/v1/accessdomains/check",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformTryOrigin",
        "POST",
        "/api/v1/models/{modelKey}/try_origin",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformCreateModel",
        "POST",
        "/api/v1/models",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformDeleteModel",
        "DELETE",
        "/api/v1/models/{modelKey}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformFrameModel",
        "POST",
        "/api/v1/models/iframe/{slug}",
        Credential::Public,
        None,
        &[],
    ),
    row(
        "PlatformDecryptTicket",
        "POST",
        "/api/v1/models/decrypt_ticket",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformUpdateUser",
        "PATCH",
        "/api/v1/users/{userId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryAccessKeys",
        "POST",
        "/api/v1/apitokens/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformCreateAccessKey",
        "POST",
        "/api/v1/apitokens",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformGetAccessKey",
        "GET",
        "/api/v1/apitokens/{keyId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformUpdateAccessKey",
        "PATCH",
        "/api/v1/apitokens/{keyId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformDeleteAccessKey",
        "DELETE",
        "/api/v1/apitokens/{keyId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformCreateOrganization",
        "POST",
        "/api/v1/organizations",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformGetOrganization",
        "GET",
        "/api/v1/organizations/{organizationId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformUpdateOrganization",
        "PATCH",
        "/api/v1/organizations/{organizationId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryMembers",
        "POST",
        "/api/v1/organizations/{organizationId}/user/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformUpdateMember",
        "PATCH",
        "/api/v1/organizations/{organizationId}/user/{userId}",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryBackendSystems",
        "POST",
        "/api/v1/backendsystems/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryUserMetrics",
        "POST",
        "/api/v1/user_credit_metrics/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryOrganizationMetrics",
        "POST",
        "/api/v1/organization_credit_metrics/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformQueryCaps",
        "POST",
        "/api/v1/credit_caps/query",
        Credential::Account,
        None,
        &[],
    ),
    row(
        "PlatformGetHealth",
        "GET",
        "/api/v1/operator/health",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformListKeys",
        "GET",
        "/api/v1/operator/keys",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformRotateKeys",
        "POST",
        "/api/v1/operator/keys",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformRetireKey",
        "DELETE",
        "/api/v1/operator/keys/{signingKeyId}",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformListPlans",
        "GET",
        "/api/v1/operator/plans",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformGetAccount",
        "GET",
        "/api/v1/operator/accounts/{accountName}",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformUpdateAccount",
        "PATCH",
        "/api/v1/operator/accounts/{accountName}",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformQueryPartners",
        "POST",
        "/api/v1/partners/query",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformCreatePartner",
        "POST",
        "/api/v1/partners",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformUpdatePartner",
        "PATCH",
        "/api/v1/partners/{partnerId}",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformCreatePartnerKey",
        "POST",
        "/api/v1/partners/{partnerId}/keys",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformRevokePartnerKey",
        "DELETE",
        "/api/v1/partners/{partnerId}/keys/{partnerKeyId}",
        Credential::Operator,
        None,
        &[],
    ),
    row(
        "PlatformRevokeEditorTokens",
        "POST",
        "/api/v1/partners/{partnerId}/tokens/revoke",
        Credential::Operator,
        None,
        &[],
    ),
];

/// The operations that the platform may make on a deleted model; every other one answers that it was
/// deleted, and so do these to everybody else.
pub const DELETED_MODELS: &[&str] = &[
    "GetModel",
    "RestoreModel",
    "EraseModel",
    "DownloadModelFile",
];

/// The row of an operation.
#[must_use]
pub fn operation(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_has_exactly_one_row_and_one_place() {
        let ids: BTreeSet<_> = OPERATIONS.iter().map(|row| row.id).collect();
        let places: BTreeSet<_> = OPERATIONS
            .iter()
            .map(|row| (row.method, row.path))
            .collect();
        assert_eq!(ids.len(), OPERATIONS.len());
        assert_eq!(places.len(), OPERATIONS.len());
        assert_eq!(OPERATIONS.len(), 95);
    }

    #[test]
    fn what_works_on_deleted_models_are_operations_on_models() {
        for id in DELETED_MODELS {
            let row = operation(id).unwrap();
            assert!(row.path.contains("{modelId}"), "{id}");
        }
    }

    #[test]
    fn reserved_permissions_are_asked_of_back_ends_only() {
        for row in OPERATIONS {
            let reserved = row
                .permission
                .is_some_and(|wanted| super::super::RESERVED.contains(&wanted));
            assert!(
                !reserved || row.credential == Credential::BackendToken,
                "{}",
                row.id
            );
        }
    }

    #[test]
    fn an_operation_is_found_by_its_id() {
        assert_eq!(
            operation("CloseSession").map(|row| row.method),
            Some("POST")
        );
        assert_eq!(operation("closesession"), None);
    }
}
