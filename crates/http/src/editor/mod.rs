//! The drawing editor: the page, and what it asks for. Only scripts of the page's own origin can read
//! the answers: nothing of it is shared by CORS.

pub(crate) mod drawing;
pub(crate) mod page;
pub(crate) mod session;
mod wire;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use vitrine_service::Services;
use vitrine_service::editor::EditorSessionAccess;
use vitrine_service::who::Caller;

use crate::error::ApiError;

pub(crate) use wire::refusal;

/// Nothing of this belongs into a cache.
const NO_STORE: &str = "no-store";
const BEARER: &str = "bearer ";

/// The session of a request that may make this operation.
async fn access(
    services: &Services,
    operation: &str,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<EditorSessionAccess, ApiError> {
    let session = bearer(headers);
    Ok(services.editor_session(operation, session, caller).await?)
}

/// The text behind the scheme; what has another form opens nothing.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => None,
        (Some(one), None) => {
            let text = one.to_str().unwrap_or_default();
            match text.get(..BEARER.len()) {
                Some(scheme) if scheme.eq_ignore_ascii_case(BEARER) => {
                    Some(text.split_at(BEARER.len()).1.trim())
                }
                _ => Some(""),
            }
        }
        (Some(_), Some(_)) => Some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_is_a_session() {
        let read = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AUTHORIZATION, line.parse().unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["bearer  abc "]).as_deref(), Some("abc"));
        for wrong in [&["Basic abc"][..], &["Bearer a", "Bearer a"], &[""]] {
            assert_eq!(read(wrong).as_deref(), Some(""), "{wrong:?}");
        }
    }
}
