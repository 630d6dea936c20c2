//! The routes of all operations, built from the permission table: an operation without a row
//! cannot be routed, and a row without a handler stops the start.

use std::collections::BTreeSet;

use axum::Router;
use axum::handler::Handler;
use axum::http::header::ALLOW;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, any, on};
use vitrine_access::permissions::{ANY_METHOD, OPERATIONS, operation};
use vitrine_service::Services;

use crate::authorize;
use crate::editor::{drawing, session};
use crate::error::{ApiError, ErrorKind};
use crate::partner::{oauth, scripts, tokens};
use crate::platform;

use super::audited::{Audited, note_refusal};
use super::{
    analytics, assets, audit, auth_groups, authoring, config, exports, keys, life, models, outputs,
    sessions, tickets,
};

/// Reading these changes something: whoever asks for the head of the answer alone would lose it.
const CHANGES_BY_GET: [&str; 3] = [
    "VerifyEditorToken",
    "StartScriptJob",
    "PlatformEndProviderSignIn",
];

async fn without_answer() -> impl IntoResponse {
    let refused = ApiError::new(
        ErrorKind::MethodNotAllowed,
        "This address answers GET only: the answer is given once.",
    );
    ([(ALLOW, "GET")], refused)
}

struct Routes {
    services: Services,
    router: Router<Services>,
    served: BTreeSet<&'static str>,
}

impl Routes {
    fn serve<H, T>(mut self, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Services>,
        T: 'static,
    {
        let row = operation(id)
            .unwrap_or_else(|| panic!("operation {id} has no row in the permission table"));
        let served = match row.method {
            "GET" => on(MethodFilter::GET, handler),
            "PUT" => on(MethodFilter::PUT, handler),
            "POST" => on(MethodFilter::POST, handler),
            "PATCH" => on(MethodFilter::PATCH, handler),
            "DELETE" => on(MethodFilter::DELETE, handler),
            ANY_METHOD => any(handler),
            other => panic!("operation {id} has the method {other}, which no route serves"),
        };
        let served = if CHANGES_BY_GET.contains(&id) {
            served.on(MethodFilter::HEAD, without_answer)
        } else {
            served
        };
        let audited = Audited {
            services: self.services.clone(),
            row,
        };
        let audit = from_fn_with_state(audited, note_refusal);
        self.router = self.router.route(&template(row.path), served.layer(audit));
        assert!(self.served.insert(id), "operation {id} is served twice");
        self
    }

    /// Serves an operation also for whatever path follows its own.
    fn serve_below<H, T>(mut self, id: &'static str, handler: &H) -> Self
    where
        H: Handler<T, Services>,
        T: 'static,
    {
        let row = operation(id)
            .unwrap_or_else(|| panic!("operation {id} has no row in the permission table"));
        assert!(self.served.contains(id) && row.method == ANY_METHOD, "{id}");
        for template in ["/", "/{*rest}"].map(|rest| format!("{}{rest}", row.path)) {
            self.router = self.router.route(&template, any(handler.clone()));
        }
        self
    }
}

/// The route's template: the contract names one path segment in two ways, which a router must not.
fn template(path: &str) -> String {
    path.replace("/output/{assetDataEncrypted}", "/output/{outputId}")
        .replace("/export/{assetDataEncrypted}", "/export/{exportId}")
}

/// The operations of the platform.
fn platform_routes(routes: Routes) -> Routes {
    routes
        .serve("PlatformSignIn", platform::oauth::token)
        .serve("PlatformSignOut", platform::oauth::logout)
        .serve("PlatformGetUser", platform::users::get)
        .serve("PlatformListSignIns", platform::sign_ins::list)
        .serve("PlatformEndSignIn", platform::sign_ins::end)
        .serve("PlatformQueryModels", platform::models::query)
        .serve("PlatformGetModel", platform::models::get)
        .serve("PlatformUpdateModel", platform::models::update)
        .serve("PlatformCreateTokens", platform::tokens::create)
        .serve("PlatformQueryTickets", platform::tickets::query)
        .serve("PlatformCreateTicket", platform::tickets::create)
        .serve("PlatformRevokeTicket", platform::tickets::revoke)
        .serve("PlatformQuerySessions", platform::sessions::query)
        .serve("PlatformRevokeSession", platform::sessions::revoke)
        .serve("PlatformQueryAudit", platform::trail::query)
        .serve("PlatformCheckDomains", platform::origins::check)
        .serve("PlatformTryOrigin", platform::origins::try_origin)
        .serve("PlatformCreateModel", platform::models::create)
        .serve("PlatformDeleteModel", platform::models::delete)
        .serve("PlatformFrameModel", platform::frames::frame)
        .serve("PlatformDecryptTicket", platform::frames::decrypt_ticket)
        .serve("PlatformUpdateUser", platform::users::update)
        .serve("PlatformQueryAccessKeys", platform::access_keys::query)
        .serve("PlatformCreateAccessKey", platform::access_keys::create)
        .serve("PlatformGetAccessKey", platform::access_keys::get)
        .serve("PlatformUpdateAccessKey", platform::access_keys::update)
        .serve("PlatformDeleteAccessKey", platform::access_keys::delete)
        .serve(
            "PlatformCreateOrganization",
            platform::organizations::create,
        )
        .serve("PlatformGetOrganization", platform::organizations::get)
        .serve(
            "PlatformUpdateOrganization",
            platform::organizations::update,
        )
        .serve("PlatformQueryMembers", platform::organizations::members)
        .serve(
            "PlatformUpdateMember",
            platform::organizations::update_member,
        )
        .serve(
            "PlatformQueryBackendSystems",
            platform::organizations::backend_systems,
        )
        .serve("PlatformCreateUserToken", platform::tokens::of_user)
        .serve(
            "PlatformCreateOrganizationToken",
            platform::tokens::of_organization,
        )
        .serve("PlatformQueryUserMetrics", platform::metrics::of_user)
        .serve(
            "PlatformQueryOrganizationMetrics",
            platform::metrics::of_organization,
        )
        .serve("PlatformQueryCaps", platform::caps::query)
        .serve("PlatformSetCap", platform::caps::set)
}

/// The operations of those who run the server.
fn operator_routes(routes: Routes) -> Routes {
    use platform::{operator, partners};

    routes
        .serve("PlatformGetHealth", operator::health)
        .serve("PlatformListKeys", operator::keys)
        .serve("PlatformRotateKeys", operator::rotate)
        .serve("PlatformRetireKey", operator::retire)
        .serve("PlatformListPlans", operator::plans)
        .serve("PlatformGetAccount", operator::account)
        .serve("PlatformUpdateAccount", operator::update_account)
        .serve("PlatformQueryPartners", partners::query)
        .serve("PlatformCreatePartner", partners::create)
        .serve("PlatformUpdatePartner", partners::update)
        .serve("PlatformCreatePartnerKey", partners::create_key)
        .serve("PlatformRevokePartnerKey", partners::revoke_key)
        .serve("PlatformRevokeEditorTokens", partners::revoke_tokens)
}

/// What models are used for.
fn analytics_routes(routes: Routes) -> Routes {
    routes
        .serve("GetCreditMetrics", analytics::credit_metrics)
        .serve("GetUserCreditMetrics", analytics::users)
        .serve("GetOrganizationCreditMetrics", analytics::organizations)
        .serve("GetModelUserCreditMetrics", analytics::models_of_user)
        .serve(
            "GetModelOrganizationCreditMetrics",
            analytics::models_of_organization,
        )
        .serve("GetModelComputations", analytics::computations)
}

/// What accounts are told, and what they are told about.
fn notice_routes(routes: Routes) -> Routes {
    routes
        .serve("PlatformQueryNotifications", platform::notifications::query)
        .serve("PlatformSumNotifications", platform::notifications::summary)
        .serve(
            "PlatformReadNotifications",
            platform::notifications::read_all,
        )
        .serve("PlatformGetNotification", platform::notifications::get)
        .serve(
            "PlatformUpdateNotification",
            platform::notifications::update,
        )
        .serve(
            "PlatformDeleteNotification",
            platform::notifications::delete,
        )
        .serve("PlatformQueryWebhooks", platform::webhooks::query)
        .serve("PlatformCreateWebhook", platform::webhooks::create)
        .serve("PlatformUpdateWebhook", platform::webhooks::update)
        .serve("PlatformDeleteWebhook", platform::webhooks::delete)
        .serve("PlatformTestWebhook", platform::webhooks::test)
        .serve("PlatformQueryDeliveries", platform::webhooks::deliveries)
        .serve("PlatformExportUsage", platform::usage_export::export)
}

/// The operations of the platform on accounts: how they begin, sign in, come together and share.
fn account_routes(routes: Routes) -> Routes {
    routes
        .serve("PlatformAskForPasskey", platform::passkeys::ask)
        .serve("PlatformListPasskeys", platform::passkeys::list)
        .serve("PlatformBeginPasskey", platform::passkeys::begin)
        .serve("PlatformAddPasskey", platform::passkeys::add)
        .serve("PlatformRemovePasskey", platform::passkeys::remove)
        .serve("PlatformBeginProviderSignIn", platform::providers::begin)
        .serve("PlatformEndProviderSignIn", platform::providers::end)
        .serve("PlatformListIdentities", platform::providers::list)
        .serve("PlatformLinkIdentity", platform::providers::link)
        .serve("PlatformUnlinkIdentity", platform::providers::unlink)
        .serve("PlatformBeginSecondFactor", platform::second_factors::begin)
        .serve(
            "PlatformConfirmSecondFactor",
            platform::second_factors::confirm,
        )
        .serve(
            "PlatformRemoveSecondFactor",
            platform::second_factors::remove,
        )
        .serve("PlatformInviteUser", platform::memberships::invite)
        .serve("PlatformListInvitations", platform::memberships::list)
        .serve(
            "PlatformWithdrawInvitation",
            platform::memberships::withdraw,
        )
        .serve(
            "PlatformInviteByEmail",
            platform::memberships::invite_by_email,
        )
        .serve("PlatformAcceptInvitation", platform::memberships::accept)
        .serve("PlatformDenyInvitation", platform::memberships::deny)
        .serve("PlatformJoin", platform::memberships::join)
        .serve("PlatformRemoveMember", platform::memberships::remove)
        .serve(
            "PlatformDeleteOrganization",
            platform::memberships::delete_organization,
        )
        .serve("PlatformShareModel", platform::sharing::create)
        .serve(
            "PlatformShareModelMultiple",
            platform::sharing::create_multiple,
        )
        .serve("PlatformQueryShares", platform::sharing::query)
        .serve("PlatformListShares", platform::sharing::grouped)
        .serve("PlatformQueryOwnShares", platform::sharing::query_own)
        .serve("PlatformQueryUserShares", platform::sharing::query_of_user)
        .serve("PlatformGetUserShares", platform::sharing::of_user)
        .serve("PlatformCopyShares", platform::sharing::copy)
        .serve("PlatformUnshareModel", platform::sharing::delete)
        .serve("PlatformSetUp", platform::set_up::set_up)
        .serve("PlatformAuthorizePage", platform::authorize::page)
        .serve("PlatformAuthorize", platform::authorize::agree)
        .serve("PlatformGetClient", platform::applications::get)
        .serve("PlatformQueryClients", platform::applications::query)
        .serve("PlatformCreateClient", platform::applications::create)
        .serve("PlatformUpdateClient", platform::applications::update)
        .serve("PlatformDeleteClient", platform::applications::delete)
        .serve("PlatformRotateAccessKey", platform::access_keys::rotate)
}

/// All operations that the permission table lists.
///
/// # Panics
/// When a row has no handler or a handler no row: such a server must not start.
pub(crate) fn router(services: &Services) -> Router<Services> {
    let routes = Routes {
        services: services.clone(),
        router: Router::new(),
        served: BTreeSet::new(),
    }
    .serve("CreateModel", models::create)
    .serve("GetModel", models::get)
    .serve("UpdateModel", models::update)
    .serve("ListModels", models::list)
    .serve("DownloadModelFile", models::download_file)
    .serve("UploadModelFile", models::upload_file)
    .serve("DeleteModel", life::delete)
    .serve("RestoreModel", life::restore)
    .serve("EraseModel", life::erase)
    .serve("GetModelConfig", config::get)
    .serve("ExplainRequest", audit::explain)
    .serve("CreateModelConfig", config::create)
    .serve("UpdateModelConfig", config::update)
    .serve("UpdateParameterDefaultValues", authoring::default_values)
    .serve("UpdateParameterDefinitions", authoring::parameters)
    .serve("UpdateOutputDefinitions", authoring::outputs)
    .serve("UpdateExportDefinitions", authoring::exports)
    .serve("CreateTicket", tickets::create)
    .serve("DecryptTicket", tickets::decrypt)
    .serve("CreateSessionByTicket", sessions::create_by_ticket)
    .serve("CreateSessionByModel", sessions::create_by_model)
    .serve("GetSessionDefaults", sessions::defaults)
    .serve("CloseSession", sessions::close)
    .serve("ComputeOutputs", outputs::compute)
    .serve("GetCachedOutputs", outputs::cached)
    .serve("ListOutputVersions", outputs::list_versions)
    .serve("ComputeExports", exports::compute)
    .serve("GetCachedExports", exports::cached)
    .serve("ListExportVersions", exports::list_versions)
    .serve("DownloadOutput", assets::download_output)
    .serve("DownloadExport", assets::download_export)
    .serve("DownloadAsset", assets::download_asset)
    .serve("CreateAuthorizationGroup", auth_groups::create)
    .serve("GetJsonWebKeySets", keys::json_web_key_set)
    .serve("Authorize", authorize::check)
    .serve_below("Authorize", &authorize::check)
    .serve("GenerateEditorToken", tokens::generate)
    .serve("VerifyEditorToken", tokens::verify)
    .serve("IntrospectEditorToken", oauth::introspect)
    .serve("RevokeEditorToken", oauth::revoke)
    .serve("RevokeEditorTokensOfUser", oauth::revoke_user)
    .serve("OpenEditorSession", session::open)
    .serve("GetEditorSession", session::get)
    .serve("CloseEditorSession", session::close)
    .serve("GetEditorDrawing", drawing::get)
    .serve("SaveEditorDrawing", drawing::put)
    .serve("TakeEditorLease", session::take_lease)
    .serve("ReleaseEditorLease", session::release_lease)
    .serve("StartScriptJob", scripts::start)
    .serve("PostScriptJob", scripts::post)
    .serve("GetScriptJobStatus", scripts::status);
    let routes = operator_routes(notice_routes(routes));
    let routes = account_routes(platform_routes(analytics_routes(routes)));
    let rows: BTreeSet<&'static str> = OPERATIONS.iter().map(|row| row.id).collect();
    assert!(
        routes.served == rows,
        "permission table and handlers differ: {:?}",
        routes
            .served
            .symmetric_difference(&rows)
            .collect::<Vec<_>>()
    );
    routes.router
}
