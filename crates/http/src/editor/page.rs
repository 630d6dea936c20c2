//! `/editor`: the editor's page, on the content origin. It is sent before anybody has traded the token;
//! who may frame it is found by the token all the same, which is not used up by that.

use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use vitrine_service::Services;
use vitrine_service::who::Caller;

use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Tokenless;
use crate::limits::QUERY_BYTES_MAX;
use crate::pages::static_files::{page_text, static_file};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// The address holds a token.
const NEVER_KEPT: HeaderValue = HeaderValue::from_static("no-store");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
/// Pages that frame the editor stand outside of it.
const OPENER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderValue::from_static("same-origin"),
);
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

/// The page.
pub(crate) async fn page(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = uri.query().unwrap_or_default();
    if is_plain(query) {
        let by_token = by_token(&services, &caller, query).await;
        return by_token.map_err(|error| error.in_form(Form::Editor));
    }
    let html = page_text("editor/index.html")
        .ok_or_else(|| ApiError::internal("the build lacks editor/index.html"))?;
    let ancestors = if query.len() > QUERY_BYTES_MAX {
        None
    } else {
        let token = member(query, "apitoken");
        let frame = member(query, "f");
        services
            .editor_frame(token.as_deref(), frame.as_deref())
            .await?
    };
    let policy = HeaderValue::try_from(content_security_policy(ancestors.as_deref()))
        .map_err(ApiError::internal)?;
    let mut response = (
        [
            (CONTENT_TYPE, HTML),
            (CACHE_CONTROL, NEVER_KEPT),
            (CONTENT_SECURITY_POLICY, policy),
            (REFERRER_POLICY, NO_REFERRER),
        ],
        [OPENER],
        ISOLATION,
        html,
    )
        .into_response();
    if ancestors.is_none() {
        // For browsers that do not know frame-ancestors.
        response
            .headers_mut()
            .insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    }
    Ok(response)
}

/// Whether the address names a drawing itself.
fn is_plain(query: &str) -> bool {
    let has = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == wanted)
    };
    !has("apitoken") && !has("f") && (has("file") || has("fileUrl"))
}

/// Sends the browser on with a token in place of the parameters.
async fn by_token(services: &Services, caller: &Caller, query: &str) -> Result<Response, ApiError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(ApiError::new(
            ErrorKind::TooLarge,
            format!("The address has more than {QUERY_BYTES_MAX} bytes of parameters."),
        ));
    }
    let members: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let token = services.plain_editor_token(&members, caller).await?;
    let address = format!("/editor?apitoken={}", token.reveal());
    let address = HeaderValue::try_from(address).map_err(ApiError::internal)?;
    let headers = [
        (LOCATION, address),
        (CACHE_CONTROL, NEVER_KEPT),
        (REFERRER_POLICY, NO_REFERRER),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Files of the page; they are the same for everybody.
pub(crate) async fn file(Path(path): Path<String>, request: HeaderMap) -> Response {
    let mut response = static_file(&format!("editor/assets/{path}"), &request);
    response.headers_mut().extend(ISOLATION);
    response
}

/// The one value of a member of the query.
fn member(query: &str, name: &str) -> Option<String> {
    let mut found =
        url::form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        _ => None,
    }
}

/// Everything comes from this origin, the worker that shapes text included. Nothing needs inline
/// styles: the page's build takes them out of the CAD library.
fn content_security_policy(ancestors: Option<&str>) -> String {
    let ancestors = ancestors.unwrap_or("'self'");
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
         connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_counts_when_it_stands_there_once() {
        assert_eq!(
            member("a=1&apitoken=x%20y", "apitoken").as_deref(),
            Some("x y")
        );
        assert_eq!(member("apitoken=x&apitoken=x", "apitoken"), None);
        assert_eq!(member("", "apitoken"), None);
    }

    #[test]
    fn an_address_that_names_a_drawing_and_no_token_is_plain() {
        assert!(is_plain("file=a.dxf&auth=acme") && is_plain("fileUrl=x"));
        for other in ["", "auth=acme", "file=a.dxf&apitoken=x", "file=a.dxf&f=x"] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn nobody_else_frames_a_page_whose_partner_is_not_known() {
        assert!(content_security_policy(None).ends_with("frame-ancestors 'self'"));
        let known = content_security_policy(Some("https://cad.example.com"));
        assert!(known.ends_with("frame-ancestors https://cad.example.com"));
    }
}
