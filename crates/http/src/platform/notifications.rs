//! `/api/v1/notifications`: what the account was told.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_service::{NOTIFICATION_FIELDS, NotificationRecord, Services, SortBy};

use super::Asking;
use super::query::QueryRequest;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, Form};
use crate::extract::{Path, Unread};

fn shown(record: &NotificationRecord) -> Value {
    json!({
        "id": record.id.to_string(),
        "description": record.description,
        "created_at": epoch(record.created_at),
        "updated_at": epoch(record.read_at.unwrap_or(record.created_at)),
        "receiver": null,
        "user": null,
        "model": null,
        "model_id": record.model.map(|id| id.to_string()),
        "saved_state": null,
        "organization": null,
        "organization_id": record.organization.map(|id| id.to_string()),
        "document": null,
        "valid_until": null,
        "read": record.read_at.is_some(),
        "creator": "platform",
        "level": record.level,
        "class": record.class,
        "type": record.kind,
        "href": null,
    })
}

/// What the account was told, newest first.
#[utoipa::path(
    post, path = "/api/v1/notifications/query", operation_id = "PlatformQueryNotifications",
    tag = "notifications",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "A page of notifications"),
        (status = 400, description = "A filter or sorter is not served"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryNotifications", &caller))
            .await?;
        let query = request.read(NOTIFICATION_FIELDS, &[SortBy::Created])?;
        let limit = query.limit;
        let offset = request.offset.as_deref();
        let (rows, next) = services.notifications(&access, query, offset).await?;
        Ok(answer(&json!({
            "result": rows.iter().map(shown).collect::<Vec<_>>(),
            "pagination": { "limit": limit, "next_offset": next },
        })))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// How many notifications there are.
#[utoipa::path(
    get, path = "/api/v1/notifications/summary", operation_id = "PlatformSumNotifications",
    tag = "notifications",
    responses(
        (status = 200, description = "How many there are, and how many are unread"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn summary(
    State(services): State<Services>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformSumNotifications", &caller)
            .await?;
        let (total, unread) = services.count_notifications(&access).await?;
        Ok(answer(&json!({ "total": total, "unread": unread })))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// One notification.
#[utoipa::path(
    get, path = "/api/v1/notifications/{notificationId}",
    operation_id = "PlatformGetNotification", tag = "notifications",
    params(("notificationId" = String, Path, description = "Id of the notification")),
    responses(
        (status = 200, description = "The notification"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such notification")
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
            .platform_access("PlatformGetNotification", &caller)
            .await?;
        Ok(answer(&shown(&services.notification(&access, &id).await?)))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// What changes of a notification.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct NotificationPatchRequest {
    /// Whether the account has read it.
    read: Option<bool>,
}

/// Marks a notification as read or unread.
#[utoipa::path(
    patch, path = "/api/v1/notifications/{notificationId}",
    operation_id = "PlatformUpdateNotification", tag = "notifications",
    params(("notificationId" = String, Path, description = "Id of the notification")),
    request_body(content = NotificationPatchRequest),
    responses(
        (status = 200, description = "The notification as it is now"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such notification")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<NotificationPatchRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformUpdateNotification", &caller))
            .await?;
        let record = match request.read {
            Some(read) => services.mark_notification(&access, &id, read).await?,
            None => services.notification(&access, &id).await?,
        };
        Ok(answer(&shown(&record)))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Deletes a notification.
#[utoipa::path(
    delete, path = "/api/v1/notifications/{notificationId}",
    operation_id = "PlatformDeleteNotification", tag = "notifications",
    params(("notificationId" = String, Path, description = "Id of the notification")),
    responses(
        (status = 200, description = "It is gone"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such notification")
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
            .platform_access("PlatformDeleteNotification", &caller)
            .await?;
        services.delete_notification(&access, &id).await?;
        Ok(done())
    };
    gone.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// Marks all notifications as read.
#[utoipa::path(
    post, path = "/api/v1/notifications/read_all", operation_id = "PlatformReadNotifications",
    tag = "notifications",
    responses(
        (status = 200, description = "None is unread"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn read_all(
    State(services): State<Services>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let read = async {
        let access = services
            .platform_access("PlatformReadNotifications", &caller)
            .await?;
        services.mark_notifications(&access).await?;
        Ok(done())
    };
    read.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}
