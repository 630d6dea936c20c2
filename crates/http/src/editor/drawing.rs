//! `GET` and `PUT /editor/drawing`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MATCH,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use vitrine_service::Services;
use vitrine_service::editor::{Etag, Saved};
use vitrine_service::limits::DRAWING_BYTES_MAX;
use vitrine_service::who::Caller;

use super::wire::{EditorError, SavedBody, StaleBody};
use super::{NO_STORE, access};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Tokenless, read_bounded};
use crate::range::matches_none;

const DXF: HeaderValue = HeaderValue::from_static("image/vnd.dxf");
const ATTACHMENT: HeaderValue = HeaderValue::from_static("attachment");
/// Stored bytes are nobody's page.
const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Editor)
}

/// The newest version of the drawing as DXF.
#[utoipa::path(
    get, path = "/editor/drawing", operation_id = "GetEditorDrawing", tag = "editor",
    responses(
        (status = 200, description = "The drawing", content_type = "image/vnd.dxf", body = Vec<u8>),
        (status = 304, description = "It is the one of If-None-Match"),
        (status = 400, description = "The file is no drawing", body = EditorError),
        (status = 404, description = "The drawing is not there any more", body = EditorError),
        (status = 410, description = "The session is over", body = EditorError)
    ),
    security(("EditorSession" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = async {
        let access = access(&services, "GetEditorDrawing", &caller, &headers).await?;
        Ok::<_, ApiError>(services.editor_drawing(&access).await?)
    };
    let file = file.await.map_err(in_form)?;
    let etag = file.etag.to_string();
    let tag = HeaderValue::try_from(etag.as_str()).map_err(ApiError::internal)?;
    if matches_none(&headers, &etag) {
        let headers = [
            (ETAG, tag),
            (CACHE_CONTROL, HeaderValue::from_static(NO_STORE)),
        ];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let headers = [
        (ETAG, tag),
        (CONTENT_TYPE, DXF),
        (CONTENT_DISPOSITION, ATTACHMENT),
        (CONTENT_SECURITY_POLICY, SANDBOX),
        (CACHE_CONTROL, HeaderValue::from_static(NO_STORE)),
    ];
    Ok((headers, file.dxf).into_response())
}

/// Saves a drawing that was made from the version of If-Match. The body is two DXF texts, one behind the other:
/// what the editor wrote of that version before anybody changed it, and what it writes now; or the second
/// alone.
#[utoipa::path(
    put, path = "/editor/drawing", operation_id = "SaveEditorDrawing", tag = "editor",
    params(("If-Match" = String, Header, description = "The ETag that the drawing was loaded with")),
    request_body(content = Vec<u8>, content_type = "image/vnd.dxf"),
    responses(
        (status = 200, description = "It is the newest version now", body = SavedBody),
        (status = 400, description = "The body is no drawing", body = EditorError),
        (status = 403, description = "The token permits looking only, or another editor may save", body = EditorError),
        (status = 409, description = "The drawing changed meanwhile; both are kept", body = StaleBody),
        (status = 410, description = "The session is over", body = EditorError)
    ),
    security(("EditorSession" = []))
)]
pub(crate) async fn put(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    save(&services, &caller, &headers, body)
        .await
        .map_err(in_form)
}

async fn save(
    services: &Services,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "SaveEditorDrawing";
    let access = access(services, OPERATION, caller, headers).await?;
    // Nobody's body is received who may not save.
    services.may_save(OPERATION, &access, caller).await?;
    let base = base(headers)?;
    // What the page had at first, and what it has now.
    let bytes_max = usize::try_from(2 * DRAWING_BYTES_MAX).map_err(ApiError::internal)?;
    let sent = read_bounded(body, bytes_max).await?;
    let no_store = [(CACHE_CONTROL, NO_STORE)];
    match services.save_drawing(&access, &base, sent).await? {
        Saved::Newest(etag) => {
            let body = SavedBody {
                version: etag.number(),
                etag: etag.to_string(),
            };
            Ok((no_store, Json(body)).into_response())
        }
        Saved::Stale { newest, kept } => {
            let code = ErrorKind::DrawingStale.row().code;
            let body = StaleBody {
                message:
                    "The drawing changed since it was loaded. What was sent is kept as a version \
                          beside the newest one; load the drawing again to go on."
                        .to_owned(),
                code,
                etag: newest.to_string(),
                kept,
                doc: format!("/docs/errors#{code}"),
            };
            Ok((StatusCode::CONFLICT, no_store, Json(body)).into_response())
        }
    }
}

fn base(headers: &HeaderMap) -> Result<Etag, ApiError> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let text = match (values.next(), values.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    };
    text.and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| {
            ApiError::new(
                ErrorKind::RequestInvalid,
                "Send one header If-Match with the ETag that the drawing was loaded with.",
            )
        })
}
