//! `/`: the console for owners of models and for operators, on the public origin.
//!
//! The page itself is the same for everybody and holds no secret; what it shows it asks the platform
//! for. Stored bytes never come from this origin where the operator gave them another one, and under
//! that other name the page is not served, so that nobody signs in there.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use vitrine_service::{Services, Settings};

use crate::error::ApiError;
use crate::pages::static_files::{page_text, static_file};

/// What the built page holds in place of its configuration.
const PLACEHOLDER: &str = r#"{"__VITRINE_CONFIG__":true}"#;
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// The page names its parts by their hashes: an old page would ask for parts that are gone.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
/// Nobody shares a browsing context with a page that holds somebody's tokens.
const OPENER_POLICY: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderValue::from_static("same-origin"),
);

/// The console's page.
pub(crate) async fn page(
    State(services): State<Services>,
    request: HeaderMap,
) -> Result<Response, ApiError> {
    let settings = services.settings();
    if came_by_the_content_origin(settings, &request) {
        let to = HeaderValue::try_from(format!("{}/", settings.public_url));
        let to = to.map_err(ApiError::internal)?;
        return Ok((StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to)]).into_response());
    }
    let template = page_text("console/index.html").ok_or_else(ApiError::route_unknown)?;
    let providers = settings.sign_in_providers.iter();
    let providers =
        providers.map(|one| serde_json::json!({ "name": one.name, "title": one.title }));
    let providers: Vec<_> = providers.collect();
    let config = serde_json::json!({
        "publicUrl": settings.public_url,
        "contentUrl": settings.content_url,
        "version": env!("CARGO_PKG_VERSION"),
        "providers": providers,
        "passkeys": settings.relying_party().is_some(),
    });
    // Inside a script element only "</" and "<!" could end it.
    let config = config.to_string().replace('<', "\\u003c");
    let policy = content_security_policy(&settings.content_url);
    let policy = HeaderValue::try_from(policy).map_err(ApiError::internal)?;
    let headers = [
        (CONTENT_TYPE, HTML),
        (CACHE_CONTROL, REVALIDATE),
        (CONTENT_SECURITY_POLICY, policy),
        OPENER_POLICY,
    ];
    Ok((headers, template.replace(PLACEHOLDER, &config)).into_response())
}

/// Scripts and styles of the console.
pub(crate) async fn file(Path(path): Path<String>, request: HeaderMap) -> Response {
    static_file(&format!("console/{path}"), &request)
}

fn content_security_policy(content_url: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; \
         img-src 'self' {content_url} blob: data:; connect-src 'self' {content_url} blob:; \
         worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn came_by_the_content_origin(settings: &Settings, request: &HeaderMap) -> bool {
    let authority = |url: &str| {
        let (_, rest) = url.split_once("://")?;
        Some(rest.trim_end_matches('/').to_ascii_lowercase())
    };
    let (public, content) = (
        authority(&settings.public_url),
        authority(&settings.content_url),
    );
    let host = request
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .map(str::to_ascii_lowercase);
    public != content && host.is_some() && host == content
}
