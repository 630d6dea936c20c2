//! Invitations into organizations, members who go, and the end of an organization.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::UserId;
use vitrine_access::platform::Role;
use vitrine_service::memberships::Invited;
use vitrine_service::platform::NewUser;
use vitrine_service::{InvitationRecord, Services};

use super::Asking;
use super::organizations::id_of;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Tokenless, Unread};

/// What whoever is invited becomes.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InviteRequest {
    /// `consumer`, `user` (which stands where nothing is said), `manager`, `admin` or `owner`.
    organization_role: Option<String>,
}

/// Who is invited.
#[derive(Deserialize, ToSchema)]
pub(crate) struct EmailInviteRequest {
    /// The address that the link is meant for.
    email: String,
    /// As for users.
    organization_role: Option<String>,
}

/// An answer to an invitation.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InvitationAnswer {
    /// The secret of the link; left out by the user that the invitation names.
    token: Option<String>,
}

/// A new account for whoever holds an invitation's link.
#[derive(Deserialize, ToSchema)]
pub(crate) struct JoinRequest {
    /// The secret of the link.
    token: String,
    /// Address, with which they sign in: the one that was invited.
    email: String,
    /// What they sign in with.
    password: String,
    /// Display name.
    #[serde(default)]
    name: String,
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn role(word: Option<&str>) -> Result<Role, ApiError> {
    word.unwrap_or(Role::User.as_str()).parse().map_err(|_| {
        ApiError::new(
            ErrorKind::RequestInvalid,
            "'organization_role' is one of consumer, user, manager, admin and owner.",
        )
    })
}

/// As a notification, which is what the contract knows invitations as.
pub(super) fn described(invitation: &InvitationRecord) -> Value {
    json!({
        "id": invitation.id.to_string(),
        "type": "organization-invite",
        "level": "info",
        "organization_id": invitation.organization.to_string(),
        "organization_role": invitation.role.as_str(),
        "receiver_id": invitation.receiver.map(|id| id.to_string()),
        "email": invitation.email,
        "created_at": epoch(invitation.created_at),
        "valid_until": epoch(invitation.expires_at),
    })
}

/// Invites a user who belongs to no organization.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organizationId}/invitation/{receiverId}",
    operation_id = "PlatformInviteUser", tag = "organizations",
    params(
        ("organizationId" = String, Path, description = "The organization's id"),
        ("receiverId" = String, Path, description = "The user's id")
    ),
    request_body(content = InviteRequest),
    responses(
        (status = 200, description = "The invitation, which the user can accept for a week"),
        (status = 400, description = "The user belongs to an organization already"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of it, or no seat is free"),
        (status = 404, description = "There is no such organization or user for this account")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn invite(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, receiver)): Path<(String, String)>,
    body: Unread<InviteRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformInviteUser", &caller)
                .await?;
            let id = id_of(&id)?;
            services
                .platform_organization(&access, id, Role::Admin)
                .await?;
            Ok::<_, ApiError>((access, id))
        };
        let ((access, id), request) = body.after(allowed).await?;
        let receiver: UserId = receiver
            .parse()
            .map_err(|_| ApiError::new(ErrorKind::EntityUnknown, "There is no such user."))?;
        let role = role(request.organization_role.as_deref())?;
        let (made, _) = services
            .platform_invite(&access, id, Invited::User(receiver), role)
            .await?;
        Ok(answer(&described(&made)))
    };
    done.await.map_err(in_form)
}

/// Invites whoever holds the link that is answered, this once. It is meant for one address; sending it there
/// is the caller's to do.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organizationId}/invitation_by_email",
    operation_id = "PlatformInviteByEmail", tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    request_body(content = EmailInviteRequest),
    responses(
        (status = 200, description = "The invitation with its link, good for a week and one use"),
        (status = 400, description = "The address cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of it, or no seat is free"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn invite_by_email(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<EmailInviteRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformInviteByEmail", &caller)
                .await?;
            let id = id_of(&id)?;
            services
                .platform_organization(&access, id, Role::Admin)
                .await?;
            Ok::<_, ApiError>((access, id))
        };
        let ((access, id), request) = body.after(allowed).await?;
        let role = role(request.organization_role.as_deref())?;
        let (made, secret) = services
            .platform_invite(&access, id, Invited::Email(request.email), role)
            .await?;
        let mut shown = described(&made);
        if let Some(secret) = secret {
            let url = &services.settings().public_url;
            // Behind the hash: browsers send it to nobody.
            let link = format!("{url}/#/invitation/{id}/{}", secret.reveal());
            shown["link"] = json!(link);
            shown["token"] = json!(secret.reveal());
        }
        Ok(answer(&shown))
    };
    done.await.map_err(in_form)
}

/// The open invitations of an organization, for its administrators.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organizationId}/invitation",
    operation_id = "PlatformListInvitations", tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    responses(
        (status = 200, description = "The invitations, newest first"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of it"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn list(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformListInvitations", &caller)
            .await?;
        let id = id_of(&id)?;
        services
            .platform_organization(&access, id, Role::Admin)
            .await?;
        let open = services.platform_invitations(id).await?;
        let shown: Vec<Value> = open.iter().map(described).collect();
        Ok(answer(&Value::from(shown)))
    };
    done.await.map_err(in_form)
}

/// Withdraws an invitation.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organizationId}/invitation/{receiverId}",
    operation_id = "PlatformWithdrawInvitation", tag = "organizations",
    params(
        ("organizationId" = String, Path, description = "The organization's id"),
        ("receiverId" = String, Path, description = "The invitation's id, or that of the user it is for")
    ),
    responses(
        (status = 200, description = "It is withdrawn"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of it"),
        (status = 404, description = "There is no such organization or invitation for this account")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn withdraw(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, receiver)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let withdrawn = async {
        let access = services
            .platform_access("PlatformWithdrawInvitation", &caller)
            .await?;
        let id = id_of(&id)?;
        services
            .platform_organization(&access, id, Role::Admin)
            .await?;
        services
            .platform_withdraw_invitation(&access, id, &receiver)
            .await?;
        Ok(done())
    };
    withdrawn.await.map_err(in_form)
}

/// Accepts an invitation, as the user that it names, or by the secret of its link.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organizationId}/invitation_accept",
    operation_id = "PlatformAcceptInvitation", tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    request_body(content = InvitationAnswer),
    responses(
        (status = 200, description = "The account belongs to the organization"),
        (status = 400, description = "The account belongs to another organization"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The link was used, or no seat is free"),
        (status = 404, description = "The account is not invited"),
        (status = 410, description = "The invitation is over")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn accept(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<InvitationAnswer>,
) -> Result<Response, ApiError> {
    let accepted = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformAcceptInvitation", &caller))
            .await?;
        services
            .platform_accept_invitation(&access, id_of(&id)?, request.token.as_deref())
            .await?;
        Ok(done())
    };
    accepted.await.map_err(in_form)
}

/// Denies an invitation.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organizationId}/invitation_deny",
    operation_id = "PlatformDenyInvitation", tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    request_body(content = InvitationAnswer),
    responses(
        (status = 200, description = "The invitation has ended"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The link was used"),
        (status = 404, description = "The account is not invited")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn deny(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<InvitationAnswer>,
) -> Result<Response, ApiError> {
    let denied = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformDenyInvitation", &caller))
            .await?;
        services
            .platform_deny_invitation(&access, id_of(&id)?, request.token.as_deref())
            .await?;
        Ok(done())
    };
    denied.await.map_err(in_form)
}

/// A new account for whoever holds an invitation's link, in the organization that invites.
#[utoipa::path(
    post, path = "/api/v1/invitations/register", operation_id = "PlatformJoin",
    tag = "organizations",
    request_body(content = JoinRequest),
    responses(
        (status = 200, description = "The account, which can sign in"),
        (status = 400, description = "The address or the password cannot be taken; the link stays good"),
        (status = 403, description = "The link was used, or no seat is free"),
        (status = 410, description = "The invitation is over")
    ),
    security(())
)]
pub(crate) async fn join(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    body: Unread<JoinRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let request = body.read().await?;
        let new = NewUser {
            email: request.email,
            name: request.name,
            password: request.password,
            administrator: false,
        };
        let made = services
            .join_by_invitation("PlatformJoin", &request.token, new, &caller)
            .await?;
        Ok(answer(
            &json!({ "id": made.id.to_string(), "email": made.email }),
        ))
    };
    done.await.map_err(in_form)
}

/// Takes a member out, for administrators; members take themselves out. Their models in the organization stay
/// in it.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organizationId}/user/{userId}",
    operation_id = "PlatformRemoveMember", tag = "organizations",
    params(
        ("organizationId" = String, Path, description = "The organization's id"),
        ("userId" = String, Path, description = "The member's id")
    ),
    responses(
        (status = 200, description = "They are no member any more"),
        (status = 400, description = "The last owner cannot leave"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may not do this"),
        (status = 404, description = "There is no such organization or member for this account")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn remove(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, user)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let removed = async {
        let access = services
            .platform_access("PlatformRemoveMember", &caller)
            .await?;
        let id = id_of(&id)?;
        let user: UserId = user
            .parse()
            .map_err(|_| ApiError::new(ErrorKind::EntityUnknown, "There is no such member."))?;
        services.platform_remove_member(&access, id, user).await?;
        Ok(done())
    };
    removed.await.map_err(in_form)
}

/// Ends an organization, for an owner who is its last member. Its models become that owner's own.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organizationId}",
    operation_id = "PlatformDeleteOrganization", tag = "organizations",
    params(("organizationId" = String, Path, description = "The organization's id")),
    responses(
        (status = 200, description = "It is gone"),
        (status = 400, description = "Others belong to it"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no owner of it"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn delete_organization(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let deleted = async {
        let access = services
            .platform_access("PlatformDeleteOrganization", &caller)
            .await?;
        services
            .platform_delete_organization(&access, id_of(&id)?)
            .await?;
        Ok(done())
    };
    deleted.await.map_err(in_form)
}
