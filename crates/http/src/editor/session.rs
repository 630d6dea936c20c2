//! `POST`, `GET` and `DELETE /editor/session`; `POST` and `DELETE /editor/lease`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use vitrine_service::Services;
use vitrine_service::who::Caller;

use super::wire::{EditorError, EditorSession, LeaseAnswer, OpenEditor};
use super::{NO_STORE, access};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Tokenless, parse_json, read_bounded};
use crate::limits::EDITOR_OPEN_BYTES_MAX;

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Editor)
}

/// Trades an editor token for a session. A one-time token is used up.
#[utoipa::path(
    post, path = "/editor/session", operation_id = "OpenEditorSession", tag = "editor",
    request_body = OpenEditor,
    responses(
        (status = 201, description = "The session", body = EditorSession),
        (status = 403, description = "The token is wrong", body = EditorError),
        (status = 404, description = "There is no such drawing", body = EditorError)
    ),
    security(("EditorToken" = []))
)]
pub(crate) async fn open(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    opened(&services, &caller, &headers, body)
        .await
        .map_err(in_form)
}

async fn opened(
    services: &Services,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "OpenEditorSession";
    // Pages of other origins can send other types without being asked first.
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        return Err(ApiError::new(
            ErrorKind::RequestInvalid,
            "Send the token as JSON: Content-Type: application/json, {\"apitoken\": \"…\"}.",
        ));
    }
    let text = read_bounded(body, EDITOR_OPEN_BYTES_MAX).await?;
    let asked: OpenEditor = parse_json(&text)?;
    let opened = services.open_editor(OPERATION, asked.apitoken.as_deref(), caller);
    let (session, state) = opened.await?;
    let body = EditorSession::new(Some(session.reveal()), state);
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

/// The session's state, for a page that was loaded again.
#[utoipa::path(
    get, path = "/editor/session", operation_id = "GetEditorSession", tag = "editor",
    responses(
        (status = 200, description = "The state", body = EditorSession),
        (status = 401, description = "There is no session", body = EditorError),
        (status = 410, description = "The session is over", body = EditorError)
    ),
    security(("EditorSession" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let state = async {
        let access = access(&services, "GetEditorSession", &caller, &headers).await?;
        Ok::<_, ApiError>(services.editor_state(&access).await?)
    };
    let body = EditorSession::new(None, state.await.map_err(in_form)?);
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

/// Closes the session; its right to save is free at once.
#[utoipa::path(
    delete, path = "/editor/session", operation_id = "CloseEditorSession", tag = "editor",
    responses(
        (status = 204, description = "It is closed"),
        (status = 401, description = "There is no session", body = EditorError),
        (status = 410, description = "The session is over", body = EditorError)
    ),
    security(("EditorSession" = []))
)]
pub(crate) async fn close(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let closed = async {
        let access = access(&services, "CloseEditorSession", &caller, &headers).await?;
        Ok::<_, ApiError>(services.close_editor(&access).await?)
    };
    closed.await.map_err(in_form)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes or keeps the right to save; the answer says who has it.
#[utoipa::path(
    post, path = "/editor/lease", operation_id = "TakeEditorLease", tag = "editor",
    responses(
        (status = 200, description = "Who may save now", body = LeaseAnswer),
        (status = 403, description = "The token permits looking only", body = EditorError),
        (status = 410, description = "The session is over", body = EditorError)
    ),
    security(("EditorSession" = []))
)]
pub(crate) async fn take_lease(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "TakeEditorLease";
    let lease = async {
        let access = access(&services, OPERATION, &caller, &headers).await?;
        let taken = services.take_editor_lease(OPERATION, &access, &caller);
        Ok::<_, ApiError>(taken.await?)
    };
    let lease = lease.await.map_err(in_form)?.into();
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(LeaseAnswer { lease })).into_response())
}

/// Gives the right to save back.
#[utoipa::path(
    delete, path = "/editor/lease", operation_id = "ReleaseEditorLease", tag = "editor",
    responses(
        (status = 204, description = "This session does not have it any more"),
        (status = 410, description = "The session is over", body = EditorError)
    ),
    security(("EditorSession" = []))
)]
pub(crate) async fn release_lease(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let released = async {
        let access = access(&services, "ReleaseEditorLease", &caller, &headers).await?;
        Ok::<_, ApiError>(services.release_editor_lease(&access).await?)
    };
    released.await.map_err(in_form)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
