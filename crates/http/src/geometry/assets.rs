//! `DownloadOutput`, `DownloadExport` and `DownloadAsset`: sealed links, ranges and streams.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use vitrine_access::link::AssetKind;
use vitrine_service::Services;
use vitrine_service::assets::Asset;

use crate::error::ApiError;
use crate::extract::Path;
use crate::range::{Download, WholeStatus};

async fn send(
    services: &Services,
    asset: Asset,
    whole: WholeStatus,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let tag = asset.link.blob.to_string();
    let download = Download {
        length: asset.link.size,
        tag: &tag,
        content_type: &asset.link.content_type,
        filename: asset.link.filename.as_deref(),
        whole,
    };
    let planned = match download.plan(method, headers) {
        Ok(planned) => planned,
        Err(refusal) => return Ok(refusal),
    };
    let body = match planned.range() {
        Some(range) => Body::from_stream(services.read_asset(&asset, range).await?),
        None => Body::empty(),
    };
    Ok(planned.into_response(body))
}

/// Sends an asset of an output. A complete answer has status 206, as clients expect it here.
#[utoipa::path(
    get, path = "/api/v2/session/{sessionId}/output/{assetDataEncrypted}",
    operation_id = "DownloadOutput", tag = "assets",
    params(
        ("sessionId" = String, Path, description = "Alias of the session, as in the href"),
        ("assetDataEncrypted" = String, Path, description = "The sealed link")
    ),
    responses((status = 206, description = "The asset, or a part of it", content_type = "application/octet-stream"))
)]
pub(crate) async fn download_output(
    State(services): State<Services>,
    Path((session, sealed)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asset = services
        .open_asset(&session, &sealed, AssetKind::Output)
        .await?;
    send(
        &services,
        asset,
        WholeStatus::PartialContent,
        &method,
        &headers,
    )
    .await
}

/// Sends an asset of an export.
#[utoipa::path(
    get, path = "/api/v2/session/{sessionId}/export/{assetDataEncrypted}",
    operation_id = "DownloadExport", tag = "assets",
    params(
        ("sessionId" = String, Path, description = "Alias of the session, as in the href"),
        ("assetDataEncrypted" = String, Path, description = "The sealed link")
    ),
    responses((status = 200, description = "The asset", content_type = "application/octet-stream"))
)]
pub(crate) async fn download_export(
    State(services): State<Services>,
    Path((session, sealed)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asset = services
        .open_asset(&session, &sealed, AssetKind::Export)
        .await?;
    send(&services, asset, WholeStatus::Ok, &method, &headers).await
}

/// Sends an asset by a link that stands alone, as in an e-mail.
#[utoipa::path(
    get, path = "/api/v2/download/{assetDataEncrypted}", operation_id = "DownloadAsset",
    tag = "assets",
    params(("assetDataEncrypted" = String, Path, description = "The sealed link")),
    responses((status = 200, description = "The asset", content_type = "application/octet-stream"))
)]
pub(crate) async fn download_asset(
    State(services): State<Services>,
    Path(sealed): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asset = services.open_download(&sealed).await?;
    send(&services, asset, WholeStatus::Ok, &method, &headers).await
}
