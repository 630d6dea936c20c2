//! The demo's shop: static pages on an origin of their own, as a customer's web server has it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist/shop"]
#[allow_missing = true]
struct Pages;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../demo/thumbnails"]
#[allow_missing = true]
struct Thumbnails;

/// The shop's pages; `config` is what `/config.json` answers.
pub(crate) fn router(config: serde_json::Value) -> Router {
    Router::new()
        .route(
            "/config.json",
            get(|State(config): State<Arc<serde_json::Value>>| async move {
                (
                    [(header::CACHE_CONTROL, "no-store")],
                    axum::Json((*config).clone()),
                )
            }),
        )
        .route(
            "/thumbnails/{name}",
            get(|Path(name): Path<String>| async move { file(Thumbnails::get(&name), &name) }),
        )
        .route(
            "/",
            get(|| async { file(Pages::get("index.html"), "index.html") }),
        )
        .route(
            "/{*path}",
            get(|Path(path): Path<String>| async move { file(Pages::get(&path), &path) }),
        )
        .with_state(Arc::new(config))
}

fn file(found: Option<rust_embed::EmbeddedFile>, name: &str) -> Response {
    let Some(found) = found else {
        return (
            StatusCode::NOT_FOUND,
            "There is no such page in this shop.\n",
        )
            .into_response();
    };
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = HeaderValue::from_str(kind.as_ref())
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
        ],
        found.data.into_owned(),
    )
        .into_response()
}

/// A demo model's picture.
pub(crate) fn thumbnail(slug: &str) -> Option<Vec<u8>> {
    Thumbnails::get(&format!("{slug}.png")).map(|file| file.data.into_owned())
}
