//! `POST /api/v1/tokens`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::grant::Subject;
use vitrine_access::ids::OrganizationId;
use vitrine_access::platform::Role;
use vitrine_service::Services;
use vitrine_service::coverage::AUTH_GROUP_MEMBERS_MAX;
use vitrine_service::platform::PlatformGuest;

use super::Asking;
use super::model_view::backend_system;
use super::users::own;
use super::wire::answer;
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// What token is wanted.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TokensRequest {
    /// One model, by id or slug.
    id: Option<String>,
    /// Several models.
    #[serde(default)]
    ids: Vec<String>,
    /// What it shall permit.
    scope: Vec<String>,
    /// Seconds that it shall hold, if shorter than usual.
    lifetime: Option<u64>,
}

/// A token of the Geometry API for models that the account may see.
#[utoipa::path(
    post, path = "/api/v1/tokens", operation_id = "PlatformCreateTokens", tag = "tokens",
    request_body(content = TokensRequest),
    responses(
        (status = 200, description = "The token and where it is good"),
        (status = 400, description = "The request is wrong"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may have no such token for a model"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<TokensRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreateTokens", &caller))
            .await?;
        let several = request.id.is_none();
        let mut keys: Vec<String> = request.id.into_iter().chain(request.ids).collect();
        if keys.len() > AUTH_GROUP_MEMBERS_MAX {
            return Err(ApiError::new(
                ErrorKind::RequestInvalid,
                format!("'ids' has at most {AUTH_GROUP_MEMBERS_MAX} entries."),
            ));
        }
        // What is named twice is looked for once.
        keys.sort_unstable();
        keys.dedup();
        let guest = PlatformGuest::of(access.clone());
        let mut models = Vec::with_capacity(keys.len());
        for key in &keys {
            models.push(services.platform_model(&guest, key).await?);
        }
        let token = services
            .platform_tokens(&access, &models, request.scope, request.lifetime)
            .await?;
        let url = &services.settings().public_url;
        let mut shown = json!({
            "access_token": token,
            "model_view_url": url,
            "model_mgmt_url": url,
        });
        let guids: Vec<String> = models
            .iter()
            .map(|model| model.record.id.to_string())
            .collect();
        if several {
            shown["guids"] = json!(guids);
        } else {
            shown["guid"] = json!(guids.first());
        }
        Ok(answer(&shown))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// What token for an account's usage is wanted.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct AccountTokenRequest {
    /// `group.analytics`, which is all that there is.
    scope: Option<String>,
    /// The time that is asked about, in seconds since 1970. There is one back end for all of it.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    timestamp_from: Value,
    /// Its end.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    timestamp_to: Value,
}

impl AccountTokenRequest {
    fn check(&self) -> Result<(), ApiError> {
        let invalid = |message: &str| ApiError::new(ErrorKind::RequestInvalid, message);
        match self.scope.as_deref() {
            None | Some("group.analytics") => {}
            Some(_) => return Err(invalid("'scope' is group.analytics.")),
        }
        for (member, value) in [
            ("timestamp_from", &self.timestamp_from),
            ("timestamp_to", &self.timestamp_to),
        ] {
            if !(value.is_null() || value.is_i64()) {
                let message = format!("'{member}' is in seconds since 1970.");
                return Err(invalid(&message));
            }
        }
        Ok(())
    }
}

fn for_back_end(services: &Services, token: &str) -> Value {
    json!([{ "access_token": token, "backend_system": backend_system(services) }])
}

/// A token of the Geometry API for the usage of all models of the account.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/token", operation_id = "PlatformCreateUserToken",
    tag = "tokens",
    params(("userId" = String, Path, description = "The signed-in user's id")),
    request_body(content = AccountTokenRequest),
    responses(
        (status = 200, description = "A list of one token with its back end"),
        (status = 400, description = "The request is wrong"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such user, as far as the caller may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn of_user(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<AccountTokenRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformCreateUserToken", &caller)
                .await?;
            own(&access, &id)?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        request.check()?;
        let token = services.platform_usage_token(&access, Subject::User(access.user.id))?;
        Ok(answer(&for_back_end(&services, &token)))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// A token of the Geometry API for the usage of all models of the organization, for its managers.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organizationId}/token",
    operation_id = "PlatformCreateOrganizationToken", tag = "tokens",
    params(("organizationId" = String, Path, description = "The organization's id")),
    request_body(content = AccountTokenRequest),
    responses(
        (status = 200, description = "A list of one token with its back end"),
        (status = 400, description = "The request is wrong"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no manager of the organization"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn of_organization(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<AccountTokenRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let organization = id.parse::<OrganizationId>().ok();
        let allowed = async || {
            let access = services
                .platform_access("PlatformCreateOrganizationToken", &caller)
                .await?;
            let organization = organization.ok_or_else(|| {
                ApiError::new(
                    ErrorKind::EntityUnknown,
                    "There is no such organization, as far as this account may know.",
                )
            })?;
            services
                .platform_organization(&access, organization, Role::Manager)
                .await?;
            Ok::<_, ApiError>((access, organization))
        };
        let ((access, organization), request) = body.after(allowed).await?;
        request.check()?;
        let subject = Subject::Organization(organization);
        let token = services.platform_usage_token(&access, subject)?;
        Ok(answer(&for_back_end(&services, &token)))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
