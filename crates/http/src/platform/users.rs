//! `GET` and `PATCH /api/v1/users/{id}`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::UserId;
use vitrine_access::plan::{Feature, Limit, Plan};
use vitrine_access::refusal::RefusalKind;
use vitrine_service::platform::PlatformAccess;
use vitrine_service::platform_accounts::UserPatch;
use vitrine_service::{Services, UserRecord};

use super::Asking;
use super::memberships::described;
use super::model_view::domains;
use super::wire::{answer, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// The account itself. Nobody else is seen.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}", operation_id = "PlatformGetUser", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    responses(
        (status = 200, description = "The user"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services.platform_access("PlatformGetUser", &caller).await?;
        own(&access, &id)?;
        let mut shown = self_level(&access.user);
        let left = services.second_factor(access.user.id).await?;
        shown["second_factor"] = json!(left.map(|left| json!({ "recovery_codes_left": left })));
        let invitations = services.invitations_for(access.user.id).await?;
        let invitations = invitations.iter().map(|(invitation, organization)| {
            let mut shown = described(invitation);
            shown["organization_name"] = json!(organization.name);
            shown
        });
        shown["invitations"] = Value::from(invitations.collect::<Vec<_>>());
        Ok(answer(&shown))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// What shall change of an account.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct UserPatchRequest {
    /// Display name.
    username: Option<String>,
    /// Hosts whose pages may show those of the account's models that say so.
    global_accessdomains: Option<Vec<String>>,
    /// Whether all models of the account demand tokens.
    force_require_token: Option<bool>,
    /// The present password.
    old_password: Option<String>,
    /// The new one.
    new_password: Option<String>,
    /// The new one again.
    new_password_confirmation: Option<String>,
    /// Only the platform's own.
    roles: Option<Value>,
    /// Only the platform's own.
    active: Option<Value>,
    /// Only the platform's own.
    organization_id: Option<Value>,
    /// Only the platform's own.
    organization_role: Option<Value>,
}

impl UserPatchRequest {
    fn patch(self) -> Result<UserPatch, ApiError> {
        let invalid = |message: &str| ApiError::new(ErrorKind::RequestInvalid, message);
        for (member, value) in [
            ("roles", &self.roles),
            ("active", &self.active),
            ("organization_id", &self.organization_id),
            ("organization_role", &self.organization_role),
        ] {
            if value.is_some() {
                return Err(ApiError::new(
                    ErrorKind::Refused(RefusalKind::PermissionMissing),
                    format!("'{member}' is not the account's own to change. Leave it out."),
                ));
            }
        }
        let password = match (self.old_password, self.new_password) {
            (_, None) => None,
            (None, Some(_)) => return Err(invalid("'old_password' has to be given.")),
            (Some(old), Some(new)) => Some((old, new)),
        };
        if let Some((_, new)) = &password
            && self.new_password_confirmation.as_ref() != Some(new)
        {
            return Err(invalid(
                "'new_password_confirmation' is not the new password.",
            ));
        }
        Ok(UserPatch {
            name: self.username,
            domains: self.global_accessdomains,
            force_require_token: self.force_require_token,
            password,
        })
    }
}

/// Changes the account itself. A new password ends every other sign-in.
#[utoipa::path(
    patch, path = "/api/v1/users/{userId}", operation_id = "PlatformUpdateUser", tag = "users",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = UserPatchRequest),
    responses(
        (status = 200, description = "The user as they are now"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in, or the present password is wrong"),
        (status = 403, description = "A member is not the account's own to change"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<UserPatchRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformUpdateUser", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let patch = request.patch()?;
        let user = services.platform_update_user(&access, patch).await?;
        Ok(answer(&self_level(&user)))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Nobody but the account itself is known to be there.
pub(super) fn own(access: &PlatformAccess, id: &str) -> Result<(), ApiError> {
    if id.parse::<UserId>().ok() == Some(access.user.id) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::EntityUnknown,
        "There is no such user. Ask for the user that is signed in.",
    ))
}

fn self_level(user: &UserRecord) -> Value {
    let mut shown = minimal(user);
    let more = json!({
        "permissions": [
            "get_rest_model_public_minimal", "get_rest_model_public", "get_rest_model_self",
            "embed_global_access_domains", "update_self", "get_token_scope_group_analytics",
        ],
        "email": user.email,
        "organization_id": user.member.map(|(id, _)| id.to_string()),
        "organization_role": user.member.map(|(_, role)| role.as_str()),
        "global_accessdomains": domains(&user.domains),
        "force_require_token": user.force_require_token,
        "created_at": epoch(user.created_at),
        "updated_at": epoch(user.created_at),
        "roles": if user.administrator { vec!["admin"] } else { Vec::new() },
        "features": features(user.plan),
        "mailing": {},
        "identities": {},
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

/// What the account's own plan has.
pub(super) fn features(plan: &Plan) -> Value {
    let mut features = serde_json::Map::new();
    for feature in Feature::ALL {
        features.insert(feature.as_str().to_owned(), json!(plan.has(feature)));
    }
    let mut limits = serde_json::Map::new();
    for limit in Limit::ALL {
        limits.insert(limit.as_str().to_owned(), json!(plan.limit(limit)));
    }
    json!({
        "plan": plan.name,
        "feature": features,
        "limit": limits,
        "plugin": [],
        "client": [],
        "backend": ["vitrine"],
    })
}

/// What is shown of a user beside a model.
pub(super) fn minimal(user: &UserRecord) -> Value {
    json!({
        "id": user.id.to_string(),
        "first_name": user.name,
        "last_name": null,
        "username": user.name,
        "avatar_url": null,
        "slug": user.id.to_string(),
        "visibility": "private",
        "visibility_nominal": "private",
        "policies_granted": [],
        "policies_denied": [],
        "permissions": [],
    })
}
