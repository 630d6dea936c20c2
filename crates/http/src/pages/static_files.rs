//! The built web pages, which the release binary carries inside. A debug build reads them from
//! `web/dist` as it runs.

use std::fmt::Write as _;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

use crate::error::ApiError;
use crate::range::matches_none;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct WebFiles;

/// Files without which the server is not of use.
const REQUIRED: [&str; 1] = ["viewer/vitrine-viewer.js"];

/// The folder of files whose names hold a hash of their content.
const HASHED_FOLDER: &str = "/chunks/";

/// A file whose name changes with its content need never be asked for again.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Any other file is asked for each time, and sent again only when it changed.
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");

/// Required files that the build lacks; the readiness check reports them. `make build` makes them.
#[must_use]
pub fn missing() -> Vec<&'static str> {
    REQUIRED
        .into_iter()
        .filter(|path| WebFiles::get(path).is_none())
        .collect()
}

/// Answers with a file of `web/dist`; `path` has no slash in front.
#[must_use]
pub fn static_file(path: &str, request: &HeaderMap) -> Response {
    match WebFiles::get(path) {
        Some(file) => answer(path, file, request),
        None => ApiError::route_unknown().into_response(),
    }
}

/// The text of a page of `web/dist`, for pages that are filled in before they are sent.
#[must_use]
pub fn page_text(path: &str) -> Option<String> {
    WebFiles::get(path).and_then(|file| String::from_utf8(file.data.into_owned()).ok())
}

/// Routes under `/viewer/`: the viewer module and its parts.
pub fn viewer_routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/viewer/{*path}", get(viewer_file))
        .layer(CompressionLayer::new())
}

async fn viewer_file(Path(path): Path<String>, request: HeaderMap) -> Response {
    static_file(&format!("viewer/{path}"), &request)
}

fn answer(path: &str, file: EmbeddedFile, request: &HeaderMap) -> Response {
    let cache = if is_hashed(path) {
        IMMUTABLE
    } else {
        REVALIDATE
    };
    let etag = etag(&file);
    let status = if matches_none(request, &etag) {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    };
    let body = if status == StatusCode::OK {
        Body::from(file.data.into_owned())
    } else {
        Body::empty()
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(path));
    headers.insert(CACHE_CONTROL, cache);
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    response
}

fn is_hashed(path: &str) -> bool {
    path.contains(HASHED_FOLDER)
}

/// Weak, because compression changes the bytes.
fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let mut digits = String::new();
    for byte in hash.iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    format!("W/\"{digits}\"")
}

fn content_type(path: &str) -> HeaderValue {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    let is_text = guess.type_() == "text" || guess.subtype() == "javascript";
    let text = if is_text {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_string()
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use axum::http::header::IF_NONE_MATCH;
    use rust_embed::Metadata;

    use super::*;

    fn file() -> EmbeddedFile {
        EmbeddedFile {
            data: b"export {}".as_slice().into(),
            metadata: Metadata::__rust_embed_new([7; 32], None, None),
        }
    }

    #[test]
    fn media_types_suit_browsers() {
        assert_eq!(
            content_type("viewer/vitrine-viewer.js"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(content_type("x.html"), "text/html; charset=utf-8");
        assert_eq!(content_type("x.wasm"), "application/wasm");
        assert_eq!(content_type("x.unheard-of"), "application/octet-stream");
    }

    #[test]
    fn hashed_names_are_kept_and_others_asked_for() {
        let header =
            |path| answer(path, file(), &HeaderMap::new()).headers()[CACHE_CONTROL].clone();
        assert_eq!(header("viewer/chunks/viewport-pSOrhJfw.js"), IMMUTABLE);
        assert_eq!(header("viewer/vitrine-viewer.js"), REVALIDATE);
    }

    #[test]
    fn a_known_file_is_not_sent_again() {
        let mut request = HeaderMap::new();
        request.insert(IF_NONE_MATCH, etag(&file()).parse().unwrap());
        assert_eq!(
            answer("x.js", file(), &request).status(),
            StatusCode::NOT_MODIFIED
        );
    }

    #[test]
    fn what_is_not_there_is_404_and_nothing_outside_is_reachable() {
        for path in [
            "viewer/nothing.js",
            "../Cargo.toml",
            "viewer/../../package.json",
            "",
        ] {
            let response = static_file(path, &HeaderMap::new());
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
