//! `/embed/{slug}`: the iframe page, on the content origin.
//!
//! Browsers show it only inside pages that the model's owner allows (`frame-ancestors`); inside, its
//! script opens the session with the model's ticket and names the page around it.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use vitrine_access::refusal::RefusalKind;
use vitrine_service::{ModelRecord, Services};

use crate::error::{ApiError, ErrorKind};
use crate::pages::static_files::{page_text, static_file};

/// What the built page holds in place of its configuration.
const PLACEHOLDER: &str = r#"{"__VITRINE_CONFIG__":true}"#;

/// The iframe page of a model.
pub(crate) async fn page(
    State(services): State<Services>,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let unknown = || {
        ApiError::new(
            ErrorKind::Refused(RefusalKind::ModelUnknown),
            "There is no such model to embed. Copy the address from the model's page.",
        )
    };
    let model = services.model_by_slug(&slug).await?.ok_or_else(unknown)?;
    let ticket = services
        .embedding_ticket(&model)
        .await?
        .ok_or_else(unknown)?;
    let template = page_text("embed/index.html")
        .ok_or_else(|| ApiError::internal("the build lacks embed/index.html"))?;
    let settings = services.settings();
    let config = serde_json::json!({
        "ticket": ticket,
        "modelViewUrl": settings.public_url,
        "title": model.title,
    });
    // Inside a script element only "</" and "<!" could end it.
    let config = config.to_string().replace('<', "\\u003c");
    let mut response = template.replace(PLACEHOLDER, &config).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("cross-origin"),
    );
    let policy = content_security_policy(&model, &settings.public_url);
    let policy = HeaderValue::try_from(policy).map_err(ApiError::internal)?;
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// Files of the iframe page.
pub(crate) async fn file(Path(path): Path<String>, request: HeaderMap) -> Response {
    static_file(&format!("embed/assets/{path}"), &request)
}

fn content_security_policy(model: &ModelRecord, public_url: &str) -> String {
    let ancestors = if model.settings.public {
        "*".to_owned()
    } else {
        model.settings.domains.to_frame_ancestors()
    };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
         connect-src 'self' {public_url} blob:; worker-src 'self' blob:; base-uri 'none'; \
         form-action 'none'; frame-ancestors {ancestors}"
    )
}
