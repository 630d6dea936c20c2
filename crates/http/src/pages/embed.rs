//! `/embed/{slug}`: the iframe page, on the content origin.
//!
//! Browsers show it only inside pages that the model's owner allows (`frame-ancestors`). Inside, its
//! script opens the session with the model's ticket, names the page around it as far as the browser
//! tells, and proves with a sealed nonce that all this happened: only scripts of this origin can read
//! the page, because nothing of it is shared by CORS. A page that stands open asks for the next nonce
//! by `POST` to its own address.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use vitrine_service::Services;
use vitrine_service::embed::EmbedPage;

use crate::error::ApiError;
use crate::extract::{Page, Tokenless, read_bounded};
use crate::limits::PAGE_LOAD_BYTES_MAX;
use crate::pages::static_files::{page_text, static_file};

/// What the built page holds in place of its configuration.
const PLACEHOLDER: &str = r#"{"__VITRINE_CONFIG__":true}"#;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// Each page holds a nonce of its own.
const NEVER_KEPT: HeaderValue = HeaderValue::from_static("private, no-store");

/// Isolated pages (`Cross-Origin-Embedder-Policy: require-corp`) frame only what says both.
const ISOLATION: [(HeaderName, HeaderValue); 2] = [
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        HeaderValue::from_static("require-corp"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
];

/// What the browser is going to do with the answer (Fetch metadata). Not sent over plain http.
const SEC_FETCH_DEST: &str = "sec-fetch-dest";

/// A sentence in place of a model. It holds nothing of anybody's, so it may stand in any frame.
const NOTICE: &str = include_str!("embed_notice.html");
const NOTICE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
);
/// Where the notice has its sentence.
const SENTENCE: &str = "__SENTENCE__";

/// One sentence for all that cannot be shown: strangers learn nothing about the model.
const NOTHING_HERE: &str = "There is no model to show at this address. A model is shown inside an \
                            iframe on a page that its owner allows, and not by itself. Copy the \
                            address again from the model's page, or ask the model's owner.";

/// The iframe page of a model.
pub(crate) async fn page(
    State(services): State<Services>,
    Path(slug): Path<String>,
    request: HeaderMap,
) -> Result<Response, ApiError> {
    let found = services.embed_page(&slug).await?;
    let Some(page) = found.filter(|page| may_be_shown(&request, page.may_stand_alone)) else {
        return Ok(notice(NOTHING_HERE));
    };
    let template = page_text("embed/index.html")
        .ok_or_else(|| ApiError::internal("the build lacks embed/index.html"))?;
    let public_url = &services.settings().public_url;
    let config = serde_json::json!({
        "ticket": page.ticket,
        "modelViewUrl": public_url,
        "title": page.title,
        "nonce": page.nonce,
    });
    // Inside a script element only "</" and "<!" could end it.
    let config = config.to_string().replace('<', "\\u003c");
    let policy = HeaderValue::try_from(content_security_policy(&page, public_url))
        .map_err(ApiError::internal)?;
    let headers = [
        (CONTENT_TYPE, HTML),
        (CACHE_CONTROL, NEVER_KEPT),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    let html = template.replace(PLACEHOLDER, &config);
    Ok((headers, ISOLATION, html).into_response())
}

/// The next nonce, in exchange for the last one, for the page that stands open.
pub(crate) async fn renew(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    page: Page,
    last: Body,
) -> Result<Response, ApiError> {
    let last = read_bounded(last, PAGE_LOAD_BYTES_MAX).await?;
    // What is no text is no page load either.
    let last = std::str::from_utf8(&last).unwrap_or_default();
    let origin = page.evidence().origin;
    let nonce = services.renew_page_load(last.trim(), caller.address, &origin)?;
    let headers = [(CONTENT_TYPE, TEXT), (CACHE_CONTROL, NEVER_KEPT)];
    Ok((headers, nonce).into_response())
}

/// Files of the iframe page. They are the same for everybody, and a sandboxed frame, which has no
/// origin, may load scripts from another one only.
pub(crate) async fn file(Path(path): Path<String>, request: HeaderMap) -> Response {
    let mut response = static_file(&format!("embed/assets/{path}"), &request);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.extend(ISOLATION.into_iter().skip(1));
    response
}

/// Whether this kind of request gets the page. A page in a tab of its own, which any site can open,
/// has nobody around it, so only the model's list can allow it. Browsers that do not say what they
/// want get the page; its script then tells what it stands in.
fn may_be_shown(request: &HeaderMap, may_stand_alone: bool) -> bool {
    match request.get(SEC_FETCH_DEST).map(HeaderValue::as_bytes) {
        None | Some(b"iframe" | b"frame") => true,
        Some(b"document") => may_stand_alone,
        Some(_) => false,
    }
}

fn notice(sentence: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, HTML),
        (CACHE_CONTROL, NEVER_KEPT),
        (CONTENT_SECURITY_POLICY, NOTICE_POLICY),
    ];
    let html = NOTICE.replace(SENTENCE, sentence);
    (StatusCode::NOT_FOUND, headers, ISOLATION, html).into_response()
}

fn content_security_policy(page: &EmbedPage, public_url: &str) -> String {
    let ancestors = page.fence.sources();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; \
         img-src 'self' blob: data:; connect-src 'self' {public_url} blob:; \
         worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_for_frames_and_stands_alone_only_where_the_list_says_so() {
        let asked = |dest: Option<&'static str>, alone: bool| {
            let mut request = HeaderMap::new();
            if let Some(dest) = dest {
                request.insert(SEC_FETCH_DEST, HeaderValue::from_static(dest));
            }
            may_be_shown(&request, alone)
        };
        for dest in [None, Some("iframe"), Some("frame")] {
            assert!(asked(dest, false), "{dest:?}");
        }
        assert!(asked(Some("document"), true) && !asked(Some("document"), false));
        for dest in ["empty", "image", "script", "object", "embed", ""] {
            assert!(!asked(Some(dest), true), "{dest}");
        }
    }

    #[test]
    fn the_notice_has_a_place_for_its_sentence() {
        assert_eq!(NOTICE.matches(SENTENCE).count(), 1);
    }
}
