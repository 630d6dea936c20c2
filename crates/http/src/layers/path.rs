//! Tolerance for base addresses that end in a slash: clients then ask for `//api/v2/…`.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Reduces several slashes at the beginning of the path to one.
pub fn collapse_leading_slashes<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    if let Some(uri) = collapsed(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn collapsed(uri: &Uri) -> Option<Uri> {
    let text = uri.path_and_query()?.as_str();
    if !text.starts_with("//") {
        return None;
    }
    let path = format!("/{}", text.trim_start_matches('/'));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_slashes_become_one_and_the_rest_stays() {
        let collapse =
            |text: &'static str| collapsed(&Uri::from_static(text)).map(|uri| uri.to_string());
        assert_eq!(
            collapse("//api/v2/x//y?a=//b").as_deref(),
            Some("/api/v2/x//y?a=//b")
        );
        assert_eq!(collapse("////").as_deref(), Some("/"));
        assert_eq!(collapse("/api/v2//x"), None);
    }
}
