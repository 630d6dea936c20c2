//! `/docs/errors`: the error catalogue as a page. Error bodies point into it by their `doc` member.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::catalogue::{Entry, entries};

/// The page needs its own style and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
/// An hour: the page changes with the server's version only.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=3600");

const HEAD: &str = include_str!("docs_head.html");
const FOOT: &str = "</main>\n</body>\n</html>\n";

/// Made once: the table does not change while the server runs.
static PAGE: LazyLock<String> = LazyLock::new(page);

/// Routes under `/docs`.
pub fn docs_routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/docs/errors", get(errors))
}

async fn errors() -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CACHE_CONTROL, CACHE),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, PAGE.as_str()).into_response()
}

fn page() -> String {
    let mut html = String::from(HEAD);
    for entry in entries() {
        write_entry(&mut html, &entry);
    }
    html.push_str(FOOT);
    html
}

fn write_entry(html: &mut String, entry: &Entry) {
    let Entry {
        code,
        status,
        error,
        meaning,
        remedy,
    } = entry;
    let (meaning, remedy) = (marked_up(meaning), marked_up(remedy));
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<section id=\"{code}\" aria-labelledby=\"{code}-h\">\n\
         <h2 id=\"{code}-h\"><a href=\"#{code}\">{code}</a></h2>\n\
         <p class=\"kind\">{status} <code>{error:?}</code></p>\n\
         <p>{meaning}</p>\n\
         <p><strong>What to do:</strong> {remedy}</p>\n\
         </section>\n"
    );
}

/// Escapes a text of the catalogue, and shows what stands between back-ticks as code.
fn marked_up(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut out = String::with_capacity(escaped.len());
    for (index, part) in escaped.split('`').enumerate() {
        if index > 0 {
            out.push_str(if index % 2 == 1 { "<code>" } else { "</code>" });
        }
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, Response};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, POLICY, docs_routes, marked_up};
    use crate::error::{ApiError, ErrorKind};

    async fn served() -> (Response<()>, String) {
        let request = Request::get("/docs/errors").body(Body::empty()).unwrap();
        let response = docs_routes::<()>().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (Response::from_parts(parts, ()), text)
    }

    #[tokio::test]
    async fn the_doc_member_of_every_error_leads_to_its_section() {
        let (response, page) = served().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        for kind in ErrorKind::all() {
            let doc = ApiError::new(kind, "").body().doc;
            let (path, anchor) = doc.split_once('#').unwrap();
            assert_eq!(path, "/docs/errors");
            assert_eq!(page.matches(&format!(" id=\"{anchor}\"")).count(), 1);
        }
    }

    #[tokio::test]
    async fn the_page_runs_no_script_and_loads_nothing() {
        let (response, page) = served().await;
        assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY);
        for forbidden in ["<script", " src=", "url(", "@import", "<link"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn texts_are_escaped_and_code_is_marked() {
        assert_eq!(
            marked_up("a < b & `x>y`."),
            "a &lt; b &amp; <code>x&gt;y</code>."
        );
    }
}
