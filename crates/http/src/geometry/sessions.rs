//! CreateSessionByTicket, CreateSessionByModel, GetSessionDefaults and CloseSession.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use vitrine_access::permissions::Permission;
use vitrine_access::time::Timestamp;
use vitrine_service::Services;
use vitrine_service::sessions::{Initial, OpenedSession};

use super::exports::export_request;
use super::wire::convert::{export_definition, output_definition, parameter};
use super::wire::{
    API_VERSION, ReqCustomizationOrExport, ResCloseSession, ResCreateSession, ResFile,
    ResGetSessionDefaults, ResStatistic, ResViewer, SessionQuery, VIEWER_SETTINGS_VERSION,
    ViewerHeaders,
};
use super::states::Holder;
use super::{actions, blocks};
use crate::error::{ApiError, ErrorKind};
use crate::extract::{From, Json as Body, Page, Path, Query};

type Opened = (StatusCode, Json<ResCreateSession>);

fn initial(body: ReqCustomizationOrExport) -> Result<Initial, ApiError> {
    Ok(match body {
        ReqCustomizationOrExport::Customization(values) => Initial::Outputs(values.into_raw()?),
        ReqCustomizationOrExport::Export(request) => Initial::Exports(export_request(request)?),
    })
}

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
    Body(body): Body<ReqCustomizationOrExport>,
) -> Result<Opened, ApiError> {
    without_state(&query)?;
    let initial = initial(body)?;
    let opened = services
        .open_session_by_ticket(
            &ticket,
            page.evidence(),
            &caller,
            initial,
            query.ignore_unknown_params,
        )
        .await?;
    let token = link_token(&services, &opened, caller.bearer.as_deref());
    Ok((StatusCode::CREATED, Json(session(&services, opened, token, &headers))))
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
    Body(body): Body<ReqCustomizationOrExport>,
) -> Result<Opened, ApiError> {
    let access = services.model_access("CreateSessionByModel", &model, &caller).await?;
    without_state(&query)?;
    let initial = initial(body)?;
    let opened = services
        .open_session_by_model(access, &caller, initial, query.ignore_unknown_params)
        .await?;
    let token = link_token(&services, &opened, caller.bearer.as_deref());
    Ok((StatusCode::CREATED, Json(session(&services, opened, token, &headers))))
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
) -> Result<Json<ResGetSessionDefaults>, ApiError> {
    let access = services.session_access("GetSessionDefaults", &id, &caller).await?;
    let opened = services.session_defaults(access).await?;
    let token = link_token(&services, &opened, caller.bearer.as_deref());
    Ok(Json(session(&services, opened, token, &headers)))
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
    let access = services.session_access("CloseSession", &id, &caller).await?;
    services.close_session(&access).await?;
    Ok(Json(ResCloseSession::default()))
}

fn link_token(
    services: &Services,
    opened: &OpenedSession,
    bearer: Option<&str>,
) -> Option<(vitrine_access::ids::TokenId, Timestamp)> {
    if !opened.model.settings.require_token {
        return None;
    }
    // The token was verified a moment ago and comes from memory.
    let verified = services.verify_token(bearer?).ok()?;
    Some((verified.token.id, verified.token.expires_at))
}

fn session(
    services: &Services,
    opened: OpenedSession,
    token: Option<(vitrine_access::ids::TokenId, Timestamp)>,
    headers: &HeaderMap,
) -> ResCreateSession {
    let OpenedSession { id, session, model, permissions, outputs, exports, warnings } = opened;
    let holder = Holder { services, session: &session, model: &model, token };
    let may = |permission| permissions.contains(permission);
    let definition = model.definition.as_deref();
    let outputs = match outputs {
        Some(states) => Some(holder.outputs(states)),
        None if may(Permission::GetOutput) => definition.map(|definition| {
            definition
                .outputs
                .iter()
                .map(|output| (output.id.to_string(), output_definition(output).into()))
                .collect()
        }),
        None => None,
    };
    let defined_exports = definition.filter(|_| may(Permission::GetExport)).map(|definition| {
        definition
            .exports
            .iter()
            .map(|export| (export.id.to_string(), export_definition(export).into()))
            .collect()
    });
    let exports = match (exports, defined_exports) {
        (Some(states), Some(defined)) => {
            let mut all: super::wire::Directory<_> = defined;
            for (id, export) in holder.exports(states) {
                all.insert(id, export);
            }
            Some(all)
        }
        (Some(states), None) => Some(holder.exports(states)),
        (None, defined) => defined,
    };
    let parameters = definition.filter(|_| may(Permission::GetParameter)).map(|definition| {
        definition.parameters.iter().map(|p| (p.id.to_string(), parameter(p))).collect()
    });
    let public_url = &services.settings().public_url;
    ResCreateSession {
        actions: actions::actions(public_url, &id, model.id, &permissions),
        exports,
        file: ResFile::default(),
        message: None,
        model: blocks::model_for_sessions(&model),
        model_state: None,
        outputs,
        parameters,
        session_id: id.reveal(),
        setting: blocks::setting(&model, &permissions),
        statistic: ResStatistic::default(),
        templates: actions::templates(definition),
        version: API_VERSION,
        viewer: ResViewer::for_viewer(&model.viewer_config, &ViewerHeaders::read(headers)),
        viewer_settings_version: VIEWER_SETTINGS_VERSION,
        warnings: (!warnings.is_empty()).then_some(warnings),
    }
}
