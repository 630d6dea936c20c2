//! `CreateModel`, `GetModel`, `UpdateModel`, `ListModels`, `DownloadModelFile` and the presigned upload.

use std::future::ready;

use axum::Json;
use axum::body::Body as AxumBody;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use vitrine_access::ids::BlobKey;
use vitrine_access::permissions::Permission;
use vitrine_service::{ModelFilter, Services};

use super::blocks::{self, Blocks};
use super::wire::convert::{
    export_definitions, model as full_model, model_patch, output_definitions, parameters, status_of,
};
use super::wire::{
    API_VERSION, ListModelsQuery, PAGE_ITEMS_MAX, ReqModel, ResCreateModel, ResGetModel,
    ResListModels, ResModelList, ResPagination, ResPlugins, ResUpdateModel, ResUploadModelFile,
    ResViewer, ViewerHeaders,
};
use crate::error::{ApiError, ErrorKind};
use crate::extract::{From, Path, Query, Unread, read_bounded};
use crate::range::{Download, WholeStatus};

/// Makes a model that waits for its file.
#[utoipa::path(
    post, path = "/api/v2/model", operation_id = "CreateModel", tag = "model",
    request_body = ReqModel,
    responses((status = 200, description = "The model", body = ResCreateModel)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    From(caller): From,
    request: Unread<ReqModel>,
) -> Result<Json<ResCreateModel>, ApiError> {
    let (access, request) = request
        .after(|| ready(services.backend_only("CreateModel", &caller)))
        .await?;
    let model = services.create_model(model_patch(request)?).await?;
    services.note_allowed("CreateModel", &caller, Some(model.id));
    let Blocks {
        file,
        model,
        setting,
        statistic,
    } = blocks::of_record(&services, &model, &access.token.grant.permissions);
    Ok(Json(ResCreateModel {
        file,
        message: None,
        model,
        setting,
        statistic,
        version: API_VERSION,
    }))
}

/// Shows a model; each block needs a permission of its own.
#[utoipa::path(
    get, path = "/api/v2/model/{modelId}", operation_id = "GetModel", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    responses((status = 200, description = "The model", body = ResGetModel)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ResGetModel>, ApiError> {
    let access = services.model_access("GetModel", &id, &caller).await?;
    let may = |permission| access.permissions.contains(permission);
    let record = &access.model;
    let definition = record.definition.as_deref();
    let viewer = may(Permission::SettingViewerGet)
        .then(|| ResViewer::for_viewer(&record.viewer_config, &ViewerHeaders::read(&headers)));
    let Blocks {
        file,
        model,
        setting,
        statistic,
    } = blocks::with_usage(&services, &access).await?;
    Ok(Json(ResGetModel {
        exports: definition
            .filter(|_| may(Permission::GetExport))
            .map(export_definitions),
        file,
        message: None,
        model,
        outputs: definition
            .filter(|_| may(Permission::GetOutput))
            .map(output_definitions),
        parameters: definition
            .filter(|_| may(Permission::GetParameter))
            .map(|definition| parameters(definition, None)),
        plugins: Some(ResPlugins::default()),
        setting,
        statistic,
        version: API_VERSION,
        viewer,
    }))
}

/// Changes the members that are sent and leaves the others.
#[utoipa::path(
    put, path = "/api/v2/model/{modelId}", operation_id = "UpdateModel", tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    request_body = ReqModel,
    responses((status = 200, description = "The model", body = ResUpdateModel)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    request: Unread<ReqModel>,
) -> Result<Json<ResUpdateModel>, ApiError> {
    let (access, request) = request
        .after(|| services.model_access("UpdateModel", &id, &caller))
        .await?;
    let model = services
        .update_model(access.model.id, model_patch(request)?)
        .await?;
    services.note_allowed("UpdateModel", &caller, Some(model.id));
    let Blocks {
        file,
        model,
        setting,
        statistic,
    } = blocks::of_record(&services, &model, &access.permissions);
    Ok(Json(ResCreateModel {
        file,
        message: None,
        model,
        setting,
        statistic,
        version: API_VERSION,
    }))
}

/// Lists models, newest first.
#[utoipa::path(
    get, path = "/api/v2/model/list", operation_id = "ListModels", tag = "model",
    params(ListModelsQuery),
    responses((status = 200, description = "A page of models", body = ResListModels)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn list(
    State(services): State<Services>,
    From(caller): From,
    Query(query): Query<ListModelsQuery>,
) -> Result<Json<ResListModels>, ApiError> {
    services.backend_only("ListModels", &caller)?;
    let limit = PAGE_ITEMS_MAX;
    let status = query.model_status.map(status_of);
    let (models, next_offset) = if status == Some(None) {
        // A status that no model here has.
        (Vec::new(), None)
    } else {
        let filter = ModelFilter {
            status: status.flatten(),
            search: None,
        };
        services
            .list_models(&filter, limit, query.offset.as_deref())
            .await?
    };
    Ok(Json(ResListModels {
        list: ResModelList {
            model: models.iter().map(full_model).collect(),
        },
        pagination: ResPagination { limit, next_offset },
        version: API_VERSION,
    }))
}

/// Sends the model's file as it was uploaded.
#[utoipa::path(
    get, path = "/api/v2/model/{modelId}/file/download", operation_id = "DownloadModelFile",
    tag = "model",
    params(("modelId" = String, Path, description = "Id of the model")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream")),
    security(("JwtAuth" = []))
)]
pub(crate) async fn download_file(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let access = services
        .model_access("DownloadModelFile", &id, &caller)
        .await?;
    let bytes = services.model_file(&access.model).await?;
    services.note_allowed("DownloadModelFile", &caller, Some(access.model.id));
    let tag = BlobKey::of(&bytes).to_string();
    let download = Download {
        length: bytes.len() as u64,
        tag: &tag,
        content_type: "application/octet-stream",
        filename: access.model.filename.as_deref(),
        whole: WholeStatus::Ok,
    };
    let planned = match download.plan(&method, &headers) {
        Ok(planned) => planned,
        Err(refusal) => return Ok(asked_each_time(refusal)),
    };
    let part = planned.range().and_then(|range| {
        let (start, end) = (
            usize::try_from(range.start).ok()?,
            usize::try_from(range.end).ok()?,
        );
        (end <= bytes.len()).then(|| bytes.slice(start..end))
    });
    let body = part.map_or_else(AxumBody::empty, AxumBody::from);
    Ok(asked_each_time(planned.into_response(body)))
}

/// The address is the same for every credential: what one of them got, the next has to ask for.
fn asked_each_time(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let again = HeaderValue::from_static("private, no-cache");
    headers.insert(CACHE_CONTROL, again);
    headers.insert(VARY, HeaderValue::from_static("Authorization"));
    answer
}

/// Takes a model's file by its presigned link; no other credential is asked for.
#[utoipa::path(
    put, path = "/api/v2/upload/{uploadLink}", operation_id = "UploadModelFile", tag = "model",
    params(("uploadLink" = String, Path, description = "The sealed link")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The file is stored", body = ResUploadModelFile))
)]
pub(crate) async fn upload_file(
    State(services): State<Services>,
    Path(link): Path<String>,
    request: Request,
) -> Result<Json<ResUploadModelFile>, ApiError> {
    let link = services.open_upload(&link)?;
    if request.headers().get_all(CONTENT_TYPE).iter().count() > 1 {
        return Err(ApiError::new(
            ErrorKind::RequestInvalid,
            "The upload has more than one Content-Type. Send one.",
        ));
    }
    let bytes_max = usize::try_from(link.size_max).unwrap_or(usize::MAX);
    let bytes = read_bounded(request.into_body(), bytes_max).await?;
    services.accept_upload(&link, bytes).await?;
    Ok(Json(ResUploadModelFile::default()))
}
