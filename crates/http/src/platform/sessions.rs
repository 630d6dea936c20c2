//! Sessions of a model that are open now: `POST /api/v1/models/{key}/sessions/query` and `DELETE` (ours).

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use vitrine_access::session::{Session, SessionClass};
use vitrine_service::Services;

use super::Asking;
use super::wire::{answer, epoch};
use crate::error::{ApiError, Form};
use crate::extract::Path;

/// The sessions of a model that are open now, newest first.
#[utoipa::path(
    post, path = "/api/v1/models/{modelKey}/sessions/query",
    operation_id = "PlatformQuerySessions", tag = "sessions",
    params(("modelKey" = String, Path, description = "Id or slug")),
    responses(
        (status = 200, description = "The sessions"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformQuerySessions", &caller)
            .await?;
        let model = services.platform_upkept(&access, &key).await?;
        let sessions = services.platform_sessions(model.id).await?;
        let shown: Vec<Value> = sessions
            .iter()
            .map(|session| shown(&services, session))
            .collect();
        Ok(answer(&json!({ "result": shown })))
    };
    done.await.map_err(in_form)
}

/// Ends a session at once. The page that has it open is told so, and its links end too.
#[utoipa::path(
    delete, path = "/api/v1/models/{modelKey}/sessions/{sessionAlias}",
    operation_id = "PlatformRevokeSession", tag = "sessions",
    params(
        ("modelKey" = String, Path, description = "Id or slug"),
        ("sessionAlias" = String, Path, description = "The session's alias, as listed")
    ),
    responses(
        (status = 200, description = "It has ended"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model, or the model no such session")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn revoke(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((key, alias)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformRevokeSession", &caller)
            .await?;
        let model = services.platform_upkept(&access, &key).await?;
        services
            .platform_end_session(&access, model.id, &alias)
            .await?;
        Ok(answer(&Value::Null))
    };
    done.await.map_err(in_form)
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

/// The id itself is never stored; the alias names the session and opens nothing.
fn shown(services: &Services, session: &Session) -> Value {
    let limits = services.settings().session_limits;
    json!({
        "alias": session.hash.alias().to_string(),
        "origin": session.origin,
        "ticket_id": session.ticket.map(|id| id.to_string()),
        "subject": session.subject.as_ref().map(ToString::to_string),
        "kind": match session.class {
            SessionClass::Limited => "page",
            SessionClass::Default => "back_end",
        },
        "author": session.author,
        "opened_at": epoch(session.opened_at),
        "last_seen_at": epoch(session.last_seen_at),
        "ends_at": epoch(session.ends_at(&limits)),
    })
}
