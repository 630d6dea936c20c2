//! `/api/v1/organizations`, and `POST /api/v1/backendsystems/query`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::{OrganizationId, UserId};
use vitrine_access::platform::Role;
use vitrine_service::platform_accounts::OrganizationPatch;
use vitrine_service::{OrganizationRecord, Services};

use super::Asking;
use super::model_view::{backend_system, domains};
use super::query::QueryRequest;
use super::users::{features, minimal};
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// A new organization.
#[derive(Deserialize, ToSchema)]
pub(crate) struct OrganizationRequest {
    /// Its name.
    name: String,
}

/// What shall change of an organization.
#[derive(Deserialize, ToSchema)]
pub(crate) struct OrganizationPatchRequest {
    /// Hosts whose pages may show those of its models that say so.
    accessdomains: Option<Vec<String>>,
    /// Whether all its models demand tokens.
    force_require_token: Option<bool>,
}

/// What a member shall be.
#[derive(Deserialize, ToSchema)]
pub(crate) struct MemberPatchRequest {
    /// `suspended`, `consumer`, `user`, `manager`, `admin` or `owner`.
    organization_role: Option<String>,
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

pub(super) fn id_of(text: &str) -> Result<OrganizationId, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(
            ErrorKind::EntityUnknown,
            "There is no such organization, as far as this account may know.",
        )
    })
}

fn described(record: &OrganizationRecord, role: Role) -> Value {
    json!({
        "id": record.id.to_string(),
        "name": record.name,
        "slug": record.id.to_string(),
        "visibility": "private",
        "policies_granted": [],
        "policies_denied": [],
        "permissions": permissions(role),
        "accessdomains": domains(&record.domains),
        "features": features(record.plan),
        "force_require_token": record.force_require_token,
        "created_at": epoch(record.created_at),
        "updated_at": epoch(record.created_at),
    })
}

fn permissions(role: Role) -> Vec<&'static str> {
    let table = [
        (Role::Consumer, "get_rest_model_public"),
        (Role::Consumer, "get_rest_model_organization_member"),
        (Role::Consumer, "embed_access_domains"),
        (Role::Manager, "get_token_scope_group_analytics"),
        (Role::Manager, "embed_members"),
        (Role::Admin, "get_rest_model_organization_admin"),
        (Role::Admin, "update_organization_admin"),
        (Role::Owner, "get_rest_model_organization_owner"),
        (Role::Owner, "update_organization_owner"),
    ];
    let granted = table.iter().filter(|(least, _)| role >= *least);
    granted.map(|(_, permission)| *permission).collect()
}

/// The organization that the account belongs to.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organizationId}", operation_id = "PlatformGetOrganization",
    tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    responses(
        (status = 200, description = "The organization"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformGetOrganization", &caller)
            .await?;
        let (record, role) = services
            .platform_organization(&access, id_of(&id)?, Role::Consumer)
            .await?;
        Ok(answer(&described(&record, role)))
    };
    done.await.map_err(in_form)
}

/// A new organization, whose owner is the account that asks.
#[utoipa::path(
    post, path = "/api/v1/organizations", operation_id = "PlatformCreateOrganization",
    tag = "organizations",
    request_body(content = OrganizationRequest),
    responses(
        (status = 200, description = "The organization"),
        (status = 400, description = "The name is too short, or the account belongs to one already"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<OrganizationRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreateOrganization", &caller))
            .await?;
        let record = services
            .platform_create_organization(&access, request.name)
            .await?;
        Ok(answer(&described(&record, Role::Owner)))
    };
    done.await.map_err(in_form)
}

/// Changes the organization, for its administrators.
#[utoipa::path(
    patch, path = "/api/v1/organizations/{organizationId}",
    operation_id = "PlatformUpdateOrganization", tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    request_body(content = OrganizationPatchRequest),
    responses(
        (status = 200, description = "The organization as it is now"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of it"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<OrganizationPatchRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformUpdateOrganization", &caller)
                .await?;
            let id = id_of(&id)?;
            services
                .platform_organization(&access, id, Role::Admin)
                .await?;
            Ok::<_, ApiError>((access, id))
        };
        let ((access, id), request) = body.after(allowed).await?;
        let patch = OrganizationPatch {
            domains: request.accessdomains,
            force_require_token: request.force_require_token,
        };
        services
            .platform_update_organization(&access, id, patch)
            .await?;
        let (record, role) = services
            .platform_organization(&access, id, Role::Admin)
            .await?;
        Ok(answer(&described(&record, role)))
    };
    done.await.map_err(in_form)
}

/// The members of the organization, for its managers.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organizationId}/user/query",
    operation_id = "PlatformQueryMembers", tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "The members, all on one page"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no manager of it"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn members(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformQueryMembers", &caller)
            .await?;
        let id = id_of(&id)?;
        services
            .platform_organization(&access, id, Role::Manager)
            .await?;
        let members = services.platform_members(id).await?;
        let shown: Vec<Value> = members
            .iter()
            .map(|user| {
                let mut shown = minimal(user);
                shown["email"] = json!(user.email);
                shown["organization_role"] = json!(user.member.map(|(_, role)| role.as_str()));
                shown
            })
            .collect();
        let limit = shown.len();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": null },
        })))
    };
    done.await.map_err(in_form)
}

/// Changes what a member is, for administrators; owners are made and changed by owners only.
#[utoipa::path(
    patch, path = "/api/v1/organizations/{organizationId}/user/{userId}",
    operation_id = "PlatformUpdateMember", tag = "organizations",
    params(
        ("organizationId" = String, Path, description = "The organization's id"),
        ("userId" = String, Path, description = "The member's id")
    ),
    request_body(content = MemberPatchRequest),
    responses(
        (status = 200, description = "It is changed"),
        (status = 400, description = "There is no such role"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may not do this"),
        (status = 404, description = "There is no such organization or member for this account")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update_member(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, user)): Path<(String, String)>,
    body: Unread<MemberPatchRequest>,
) -> Result<Response, ApiError> {
    let changed = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformUpdateMember", &caller)
                .await?;
            let id = id_of(&id)?;
            services
                .platform_organization(&access, id, Role::Admin)
                .await?;
            let user: UserId = user
                .parse()
                .map_err(|_| ApiError::new(ErrorKind::EntityUnknown, "There is no such member."))?;
            Ok::<_, ApiError>((access, id, user))
        };
        let ((access, id, user), request) = body.after(allowed).await?;
        let word = request.organization_role;
        let role = word.as_deref().map(str::parse::<Role>);
        let Some(Ok(role)) = role else {
            return Err(ApiError::new(
                ErrorKind::RequestInvalid,
                "'organization_role' is one of suspended, consumer, user, manager, admin and owner.",
            ));
        };
        services
            .platform_update_member(&access, id, user, role)
            .await?;
        Ok(done())
    };
    changed.await.map_err(in_form)
}

/// The servers that models are on: this one.
#[utoipa::path(
    post, path = "/api/v1/backendsystems/query", operation_id = "PlatformQueryBackendSystems",
    tag = "models",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "The one server"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn backend_systems(
    State(services): State<Services>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let done = async {
        services
            .platform_access("PlatformQueryBackendSystems", &caller)
            .await?;
        Ok(answer(&json!({
            "result": [backend_system(&services)],
            "pagination": { "limit": 1, "next_offset": null },
        })))
    };
    done.await.map_err(in_form)
}
