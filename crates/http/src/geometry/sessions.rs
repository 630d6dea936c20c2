//! `CreateSessionByTicket`, `CreateSessionByModel`, `GetSessionDefaults` and `CloseSession`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use vitrine_access::permissions::Permission;
use vitrine_service::Services;
use vitrine_service::sessions::OpenedSession;
use vitrine_service::who::SessionAccess;

use super::blocks;
use super::links::Links;
use super::prepared::Prepared;
use super::wire::convert::{self, initial};
use super::wire::{
    API_VERSION, Directory, Part, ReqCustomizationOrExport, ResCloseSession, ResCreateSession,
    ResFile, ResGetSessionDefaults, ResStatistic, ResViewer, SessionQuery, VIEWER_SETTINGS_VERSION,
    ViewerHeaders,
};
use crate::error::{ApiError, ErrorKind};
use crate::extract::{From, Page, Path, Query, Unread};
use crate::large_json::LargeJson;

type Opened = (StatusCode, LargeJson<ResCreateSession>);

/// Model states come with a later version: asking for one must not silently show something else.
fn without_state(query: &SessionQuery) -> Result<(), ApiError> {
    match &query.model_state_id {
        None => Ok(()),
        Some(_) => Err(ApiError::new(
            ErrorKind::EntityUnknown,
            "There is no such model state. Open the session without 'modelStateId'.",
        )),
    }
}

/// Opens a session with a ticket.
#[utoipa::path(
    post, path = "/api/v2/ticket/{ticketId}", operation_id = "CreateSessionByTicket",
    tag = "session",
    params(("ticketId" = String, Path, description = "The ticket"), SessionQuery),
    request_body = ReqCustomizationOrExport,
    responses((status = 201, description = "The session", body = ResCreateSession))
)]
pub(crate) async fn create_by_ticket(
    State(services): State<Services>,
    From(caller): From,
    page: Page,
    Path(ticket): Path<String>,
    Query(query): Query<SessionQuery>,
    headers: HeaderMap,
    body: Unread<ReqCustomizationOrExport>,
) -> Result<Opened, ApiError> {
    let admission = services
        .admit_by_ticket(&ticket, page.evidence(), &caller)
        .await?;
    without_state(&query)?;
    let initial = initial(body.read().await?)?;
    let opened = services
        .open_session(admission, &caller, initial, query.ignore_unknown_params)
        .await?;
    Ok((
        StatusCode::CREATED,
        LargeJson(session(&services, opened, &headers)?),
    ))
}

/// Opens a session with an access token.
#[utoipa::path(
    post, path = "/api/v2/model/{modelId}/session", operation_id = "CreateSessionByModel",
    tag = "session",
    params(("modelId" = String, Path, description = "Id of the model"), SessionQuery),
    request_body = ReqCustomizationOrExport,
    responses((status = 201, description = "The session", body = ResCreateSession)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn create_by_model(
    State(services): State<Services>,
    From(caller): From,
    Path(model): Path<String>,
    Query(query): Query<SessionQuery>,
    headers: HeaderMap,
    body: Unread<ReqCustomizationOrExport>,
) -> Result<Opened, ApiError> {
    let access = services
        .model_access("CreateSessionByModel", &model, &caller)
        .await?;
    let admission = services.admit_by_model(access, &caller)?;
    without_state(&query)?;
    let initial = initial(body.read().await?)?;
    let opened = services
        .open_session(admission, &caller, initial, query.ignore_unknown_params)
        .await?;
    Ok((
        StatusCode::CREATED,
        LargeJson(session(&services, opened, &headers)?),
    ))
}

/// Shows again what the session's creation showed.
#[utoipa::path(
    get, path = "/api/v2/session/{sessionId}/default", operation_id = "GetSessionDefaults",
    tag = "session",
    params(("sessionId" = String, Path, description = "Id of the session")),
    responses((status = 200, description = "The session", body = ResGetSessionDefaults))
)]
pub(crate) async fn defaults(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<LargeJson<ResGetSessionDefaults>, ApiError> {
    let access = services
        .session_access("GetSessionDefaults", &id, &caller)
        .await?;
    let opened = services.session_defaults(access).await?;
    Ok(LargeJson(session(&services, opened, &headers)?))
}

/// Ends a session.
#[utoipa::path(
    post, path = "/api/v2/session/{sessionId}/close", operation_id = "CloseSession",
    tag = "session",
    params(("sessionId" = String, Path, description = "Id of the session")),
    responses((status = 200, description = "The session has ended", body = ResCloseSession))
)]
pub(crate) async fn close(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
) -> Result<Json<ResCloseSession>, ApiError> {
    let access = services
        .session_access("CloseSession", &id, &caller)
        .await?;
    services.close_session(&access).await?;
    Ok(Json(ResCloseSession::default()))
}

fn session(
    services: &Services,
    opened: OpenedSession,
    headers: &HeaderMap,
) -> Result<ResCreateSession, ApiError> {
    let OpenedSession {
        access,
        outputs,
        exports,
        warnings,
    } = opened;
    let links = Links::of(services, &access);
    let SessionAccess {
        id,
        model,
        permissions,
        ..
    } = &access;
    let may = |permission| permissions.contains(permission);
    let definition = model.definition.as_deref();
    let prepared = model.definition.as_ref().map(Prepared::of).transpose()?;
    let written = |permission, part: fn(&Prepared) -> &Arc<RawValue>| {
        let prepared = prepared.as_deref().filter(|_| may(permission))?;
        Some(Arc::clone(part(prepared)))
    };
    let outputs = match (definition, outputs) {
        (Some(definition), Some(states)) => {
            let href = |content: &_, name| links.output(content, name);
            Some(Part::Made(convert::outputs(definition, &states, &href)))
        }
        _ => written(Permission::GetOutput, |all| &all.outputs).map(Part::Written),
    };
    let exports = match (definition, exports) {
        (Some(definition), Some(states)) => {
            let mut all = Directory::new();
            if may(Permission::GetExport) {
                all = convert::export_definitions(definition);
            }
            let href = |content: &_, name| links.export(content, name);
            all.extend(convert::exports(definition, &states, &href));
            Some(Part::Made(all))
        }
        _ => written(Permission::GetExport, |all| &all.exports).map(Part::Written),
    };
    let parameters = written(Permission::GetParameter, |all| &all.parameters).map(Part::Written);
    let templates = match &prepared {
        Some(prepared) => Part::Written(Arc::clone(&prepared.templates)),
        None => Part::Made(Vec::new()),
    };
    let public_url = &services.settings().public_url;
    Ok(ResCreateSession {
        actions: convert::actions(public_url, &id.reveal(), &model.id.to_string(), permissions),
        exports,
        file: ResFile::default(),
        message: None,
        model: blocks::model_for_sessions(model),
        model_state: None,
        outputs,
        parameters,
        session_id: id.reveal(),
        setting: convert::settings(model, permissions),
        statistic: ResStatistic::default(),
        templates,
        version: API_VERSION,
        viewer: ResViewer::for_viewer(&model.viewer_config, &ViewerHeaders::read(headers)),
        viewer_settings_version: VIEWER_SETTINGS_VERSION,
        warnings: (!warnings.is_empty()).then_some(warnings),
    })
}
