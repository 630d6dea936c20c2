//! `/api/v1/apiclients`: applications of others that sign people in, for administrators of the server.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_service::applications::ApplicationPatch;
use vitrine_service::{ApplicationRecord, Services};

use super::Asking;
use super::query::QueryRequest;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, Form};
use crate::extract::{Path, Unread};

/// An application, or what shall change of it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ApplicationRequest {
    /// The client id of a new one, where it shall be a certain one.
    client_id: Option<String>,
    /// What people are shown.
    client_name: Option<String>,
    /// Where it may be called back, letter by letter.
    redirect_uris: Option<Vec<String>>,
}

impl From<ApplicationRequest> for ApplicationPatch {
    fn from(request: ApplicationRequest) -> Self {
        Self {
            id: request.client_id,
            name: request.client_name,
            redirects: request.redirect_uris,
        }
    }
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn described(application: &ApplicationRecord) -> Value {
    json!({
        "client_id": application.id,
        "client_name": application.name,
        "redirect_uris": application.redirects,
        "refresh_token": true,
        "created_at": epoch(application.created_at),
    })
}

/// The name of an application, for the page that asks whether it may act for somebody.
#[utoipa::path(
    get, path = "/api/v1/apiclients/{clientId}", operation_id = "PlatformGetClient",
    tag = "applications",
    params(("clientId" = String, Path, description = "The application's client id")),
    responses(
        (status = 200, description = "Its id and name"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such application")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        services
            .platform_access("PlatformGetClient", &caller)
            .await?;
        let found = services.platform_application(&id).await?;
        Ok(answer(
            &json!({ "client_id": found.id, "client_name": found.name }),
        ))
    };
    done.await.map_err(in_form)
}

/// Every registered application.
#[utoipa::path(
    post, path = "/api/v1/apiclients/query", operation_id = "PlatformQueryClients",
    tag = "applications",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "The applications, all on one page"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the server")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let done = async {
        services
            .platform_access("PlatformQueryClients", &caller)
            .await?;
        let found = services.platform_applications().await?;
        let shown: Vec<Value> = found.iter().map(described).collect();
        let limit = shown.len();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": null },
        })))
    };
    done.await.map_err(in_form)
}

/// Registers an application. It is public: it proves itself by PKCE and keeps no secret.
#[utoipa::path(
    post, path = "/api/v1/apiclients", operation_id = "PlatformCreateClient", tag = "applications",
    request_body(content = ApplicationRequest),
    responses(
        (status = 200, description = "The application with its client id"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the server")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<ApplicationRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformCreateClient", &caller)
                .await?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let made = services
            .platform_create_application(&access, request.into())
            .await?;
        Ok(answer(&described(&made)))
    };
    done.await.map_err(in_form)
}

/// Changes an application's name or addresses.
#[utoipa::path(
    patch, path = "/api/v1/apiclients/{clientId}", operation_id = "PlatformUpdateClient",
    tag = "applications",
    params(("clientId" = String, Path, description = "The application's client id")),
    request_body(content = ApplicationRequest),
    responses(
        (status = 200, description = "The application as it is now"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the server"),
        (status = 404, description = "There is no such application")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<ApplicationRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let allowed = async || {
            let access = services
                .platform_access("PlatformUpdateClient", &caller)
                .await?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let patch = ApplicationPatch {
            id: None,
            ..request.into()
        };
        let changed = services
            .platform_update_application(&access, &id, patch)
            .await?;
        Ok(answer(&described(&changed)))
    };
    done.await.map_err(in_form)
}

/// Forgets an application and ends every sign-in by it.
#[utoipa::path(
    delete, path = "/api/v1/apiclients/{clientId}", operation_id = "PlatformDeleteClient",
    tag = "applications",
    params(("clientId" = String, Path, description = "The application's client id")),
    responses(
        (status = 200, description = "It is forgotten"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the server"),
        (status = 404, description = "There is no such application")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let deleted = async {
        let access = services
            .platform_access("PlatformDeleteClient", &caller)
            .await?;
        services.platform_delete_application(&access, &id).await?;
        Ok(done())
    };
    deleted.await.map_err(in_form)
}
