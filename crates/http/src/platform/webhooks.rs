//! `/api/v1/webhooks` (ours): where an account wants to be told what its notifications tell.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::OrganizationId;
use vitrine_access::owner::Payer;
use vitrine_access::webhook::WebhookSecret;
use vitrine_service::webhooks::{WebhookPatch, message_id};
use vitrine_service::{DeliveryRecord, Services, WebhookRecord};

use super::Asking;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

fn shown(record: &WebhookRecord, secret: Option<&WebhookSecret>) -> Value {
    let (user, organization) = match record.account {
        Payer::User(user) => (Some(user.to_string()), None),
        Payer::Organization(organization) => (None, Some(organization.to_string())),
    };
    json!({
        "id": record.id.to_string(),
        "url": record.url,
        "active": record.active,
        "user_id": user,
        "organization_id": organization,
        // Only in the answer that made it.
        "secret": secret.map(WebhookSecret::reveal),
        "created_at": epoch(record.created_at),
        "updated_at": epoch(record.updated_at),
    })
}

fn delivery(record: &DeliveryRecord) -> Value {
    json!({
        "id": message_id(record.id),
        "type": record.kind,
        "state": record.state.as_str(),
        "attempts": record.attempts,
        "answer": record.answer,
        "next_attempt_at": (record.state.as_str() == "waiting").then(|| epoch(record.ready_at)),
        "created_at": epoch(record.created_at),
    })
}

fn listed(rows: &[Value]) -> Response {
    answer(&json!({
        "pagination": { "limit": rows.len(), "next_offset": null },
        "result": rows,
    }))
}

/// Whose webhooks are meant.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct WebhooksRequest {
    /// The organization's instead of the account's own.
    organization_id: Option<String>,
}

fn organization(text: Option<&str>) -> Result<Option<OrganizationId>, ApiError> {
    let parsed = text.map(str::parse::<OrganizationId>).transpose();
    parsed.map_err(|_| {
        ApiError::new(
            ErrorKind::EntityUnknown,
            "There is no such organization, as far as this account may know.",
        )
    })
}

/// The webhooks of the account, or of its organization for administrators.
#[utoipa::path(
    post, path = "/api/v1/webhooks/query", operation_id = "PlatformQueryWebhooks",
    tag = "webhooks",
    request_body(content = WebhooksRequest),
    responses(
        (status = 200, description = "The webhooks, oldest first"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the organization"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<WebhooksRequest>,
) -> Result<Response, ApiError> {
    let found = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryWebhooks", &caller))
            .await?;
        let organization = organization(request.organization_id.as_deref())?;
        let account = services.webhook_account(&access, organization).await?;
        let rows = services.webhooks(account).await?;
        let shown: Vec<Value> = rows.iter().map(|row| shown(row, None)).collect();
        Ok(listed(&shown))
    };
    found
        .await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// A new webhook.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct NewWebhookRequest {
    /// Where to; the operator's egress rules say which hosts are reached.
    url: String,
    /// The organization's instead of the account's own.
    organization_id: Option<String>,
}

/// Adds a webhook. The answer shows its secret, this once.
#[utoipa::path(
    post, path = "/api/v1/webhooks", operation_id = "PlatformCreateWebhook", tag = "webhooks",
    request_body(content = NewWebhookRequest),
    responses(
        (status = 200, description = "The webhook with its secret"),
        (status = 400, description = "The address is none, or there are too many webhooks"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the organization"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<NewWebhookRequest>,
) -> Result<Response, ApiError> {
    let made = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreateWebhook", &caller))
            .await?;
        let organization = organization(request.organization_id.as_deref())?;
        let account = services.webhook_account(&access, organization).await?;
        let (record, secret) = services
            .create_webhook(&access, account, request.url)
            .await?;
        Ok(answer(&shown(&record, Some(&secret))))
    };
    made.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// What changes of a webhook.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct WebhookPatchRequest {
    /// Where to.
    url: Option<String>,
    /// Whether anything is sent.
    active: Option<bool>,
    /// Whether there shall be a new secret, which the answer shows. The old one signs nothing more.
    #[serde(default)]
    new_secret: bool,
}

/// Changes a webhook.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{webhookId}", operation_id = "PlatformUpdateWebhook",
    tag = "webhooks",
    params(("webhookId" = String, Path, description = "Id of the webhook")),
    request_body(content = WebhookPatchRequest),
    responses(
        (status = 200, description = "The webhook as it is now"),
        (status = 400, description = "The address is none"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the organization"),
        (status = 404, description = "The account has no such webhook")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<WebhookPatchRequest>,
) -> Result<Response, ApiError> {
    let changed = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformUpdateWebhook", &caller))
            .await?;
        let patch = WebhookPatch {
            url: request.url,
            active: request.active,
            new_secret: request.new_secret,
        };
        let (record, secret) = services.update_webhook(&access, &id, patch).await?;
        Ok(answer(&shown(&record, secret.as_ref())))
    };
    changed
        .await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Deletes a webhook, and what was to be sent to it.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{webhookId}", operation_id = "PlatformDeleteWebhook",
    tag = "webhooks",
    params(("webhookId" = String, Path, description = "Id of the webhook")),
    responses(
        (status = 200, description = "It is gone"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the organization"),
        (status = 404, description = "The account has no such webhook")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let gone = async {
        let access = services
            .platform_access("PlatformDeleteWebhook", &caller)
            .await?;
        services.delete_webhook(&access, &id).await?;
        Ok(done())
    };
    gone.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Sends a webhook a message that says nothing.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{webhookId}/test", operation_id = "PlatformTestWebhook",
    tag = "webhooks",
    params(("webhookId" = String, Path, description = "Id of the webhook")),
    responses(
        (status = 200, description = "The message that will be sent"),
        (status = 400, description = "The webhook is switched off"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the organization"),
        (status = 404, description = "The account has no such webhook")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn test(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let queued = async {
        let access = services
            .platform_access("PlatformTestWebhook", &caller)
            .await?;
        Ok(answer(&delivery(
            &services.test_webhook(&access, &id).await?,
        )))
    };
    queued
        .await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// What was and will be sent to a webhook.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{webhookId}/deliveries/query",
    operation_id = "PlatformQueryDeliveries", tag = "webhooks",
    params(("webhookId" = String, Path, description = "Id of the webhook")),
    responses(
        (status = 200, description = "The last hundred messages, newest first"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator of the organization"),
        (status = 404, description = "The account has no such webhook")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn deliveries(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = async {
        let access = services
            .platform_access("PlatformQueryDeliveries", &caller)
            .await?;
        let rows = services.webhook_deliveries(&access, &id).await?;
        let shown: Vec<Value> = rows.iter().map(delivery).collect();
        Ok(listed(&shown))
    };
    found
        .await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
