//! Downloads: ranges, conditions and headers (RFC 9110, sections 13 and 14).
//!
//! One range is honoured. Several ranges, and ranges that cannot be read, are answered with the whole
//! file, which RFC 9110 leaves open (section 14.2); a range that lies outside of the file is 416.

use std::ops::Range;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::disposition;
use crate::error::{ApiError, ErrorKind};

/// How long a browser may show a guarded file again without asking.
const MAX_AGE: HeaderValue = HeaderValue::from_static("private, max-age=3600");

/// Stored bytes never run: not as a page, not as a script, not in a frame.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// What a `Range` header asks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// No range, or one that is to be ignored.
    Whole,
    /// These bytes, which lie in the file and are at least one.
    Part(Range<u64>),
    /// Bytes that are not there.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `length` bytes.
#[must_use]
pub fn select(header: &[u8], length: u64) -> Selection {
    let Some(spec) = single_range(header) else {
        return Selection::Whole;
    };
    let range = match spec {
        Spec::From(first) => first..length,
        Spec::Between(first, last) => first..last.saturating_add(1).min(length),
        Spec::Last(count) => length.saturating_sub(count)..length,
    };
    if range.is_empty() {
        Selection::Unsatisfiable
    } else {
        Selection::Part(range)
    }
}

#[derive(Debug, Clone, Copy)]
enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn single_range(header: &[u8]) -> Option<Spec> {
    let (unit, ranges) = std::str::from_utf8(header).ok()?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    match (first, last) {
        ("", last) => Some(Spec::Last(number(last)?)),
        (first, "") => Some(Spec::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// Decimal digits only; a number beyond 64 bits stands for "beyond any file".
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Which status a complete answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholeStatus {
    /// 200, and 206 only for a range that was asked for: exports, model files and other assets.
    Ok,
    /// 206 even without a `Range` header: outputs, whose clients accept nothing else.
    PartialContent,
}

/// What is known of a stored file before its bytes are read.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// Size of the whole file, bytes.
    pub length: u64,
    /// Text that differs for different contents: the blob's key.
    pub tag: &'a str,
    /// Media type.
    pub content_type: &'a str,
    /// Name to save under.
    pub filename: Option<&'a str>,
    /// Status of a complete answer.
    pub whole: WholeStatus,
}

/// An answer that lacks nothing but its bytes.
#[derive(Debug)]
pub struct Planned {
    response: Response,
    range: Option<Range<u64>>,
}

impl Planned {
    /// The bytes of the file to send; `None` when the answer has no body.
    #[must_use]
    pub fn range(&self) -> Option<Range<u64>> {
        self.range.clone()
    }

    /// The answer with its bytes, which are exactly [`Planned::range`]; pass an empty body when there
    /// is none.
    #[must_use]
    pub fn into_response(self, body: Body) -> Response {
        let (parts, _) = self.response.into_parts();
        Response::from_parts(parts, body)
    }
}

impl Download<'_> {
    /// Decides status, headers and bytes for a GET or HEAD request.
    ///
    /// # Errors
    /// [`ErrorKind::RangeUnsatisfiable`] (416 with `Content-Range: bytes */length`) when the range
    /// lies outside of the file.
    #[expect(
        clippy::result_large_err,
        reason = "the answer goes out as it is, once per request"
    )]
    pub fn plan(&self, method: &Method, request: &HeaderMap) -> Result<Planned, Response> {
        let etag = format!("\"{}\"", self.tag);
        if matches_none(request, &etag) {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            Self::common_headers(response.headers_mut(), &etag);
            return Ok(Planned {
                response,
                range: None,
            });
        }
        // Ranges are defined for GET alone (RFC 9110, section 14.2).
        let selection = match request.get(RANGE) {
            Some(range) if method == Method::GET && range_applies(request, &etag) => {
                select(range.as_bytes(), self.length)
            }
            _ => Selection::Whole,
        };
        let (status, range) = match selection {
            Selection::Unsatisfiable => return Err(self.unsatisfiable()),
            Selection::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            // An empty file has no bytes that a Content-Range could name.
            Selection::Whole
                if self.whole == WholeStatus::PartialContent
                    && method == Method::GET
                    && self.length > 0 =>
            {
                (StatusCode::PARTIAL_CONTENT, 0..self.length)
            }
            Selection::Whole => (StatusCode::OK, 0..self.length),
        };
        let mut response = status.into_response();
        let headers = response.headers_mut();
        Self::common_headers(headers, &etag);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::try_from(self.content_type).unwrap_or(OCTET_STREAM),
        );
        headers.insert(
            CONTENT_DISPOSITION,
            self.filename.map_or(
                HeaderValue::from_static("attachment"),
                disposition::attachment,
            ),
        );
        if status == StatusCode::PARTIAL_CONTENT {
            let text = format!("bytes {}-{}/{}", range.start, range.end - 1, self.length);
            insert(headers, CONTENT_RANGE, text);
        }
        let range = (method == Method::GET && !range.is_empty()).then_some(range);
        Ok(Planned { response, range })
    }

    fn common_headers(headers: &mut HeaderMap, etag: &str) {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CACHE_CONTROL, MAX_AGE);
        headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
        headers.insert(
            CROSS_ORIGIN_RESOURCE_POLICY,
            HeaderValue::from_static("cross-origin"),
        );
        insert(headers, ETAG, etag.to_owned());
    }

    fn unsatisfiable(&self) -> Response {
        let mut response = ApiError::new(
            ErrorKind::RangeUnsatisfiable,
            format!(
                "The file has {} bytes; the range lies outside of it.",
                self.length
            ),
        )
        .into_response();
        insert(
            response.headers_mut(),
            CONTENT_RANGE,
            format!("bytes */{}", self.length),
        );
        response
    }
}

/// Inserts a value that consists of visible ASCII, which all values made here do.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// Whether `If-None-Match` names the tag (weak comparison) or everything.
pub(crate) fn matches_none(request: &HeaderMap, etag: &str) -> bool {
    let opaque = etag.trim_start_matches("W/");
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == opaque)
}

/// Whether `If-Range` lets the range count: it is absent or names this very content.
fn range_applies(request: &HeaderMap, etag: &str) -> bool {
    request
        .get(IF_RANGE)
        .is_none_or(|value| value.as_bytes() == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: Download<'static> = Download {
        length: 100,
        tag: "abc",
        content_type: "model/gltf-binary",
        filename: Some("lamp.glb"),
        whole: WholeStatus::Ok,
    };
    const OUTPUT: Download<'static> = Download {
        whole: WholeStatus::PartialContent,
        ..FILE
    };

    fn request(headers: &[(HeaderName, &str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    fn plan(
        file: &Download<'_>,
        headers: &[(HeaderName, &str)],
    ) -> (u16, HeaderMap, Option<Range<u64>>) {
        let planned = file.plan(&Method::GET, &request(headers)).unwrap();
        let range = planned.range();
        let (parts, _) = planned.into_response(Body::empty()).into_parts();
        (parts.status.as_u16(), parts.headers, range)
    }

    #[test]
    fn single_ranges_are_read() {
        let part = Selection::Part;
        for (header, expected) in [
            ("bytes=0-19", part(0..20)),
            ("bytes=20-", part(20..100)),
            ("bytes=-10", part(90..100)),
            ("bytes=-500", part(0..100)),
            ("bytes=99-99999999999999999999999", part(99..100)),
            ("Bytes=0-0", part(0..1)),
            ("bytes=100-", Selection::Unsatisfiable),
            ("bytes=-0", Selection::Unsatisfiable),
            ("bytes=99999999999999999999999-", Selection::Unsatisfiable),
            ("bytes=5-4", Selection::Whole),
            ("bytes=0-1,3-4", Selection::Whole),
            ("bytes=+1-2", Selection::Whole),
            ("bytes=", Selection::Whole),
            ("bytes=-", Selection::Whole),
            ("items=0-1", Selection::Whole),
            ("", Selection::Whole),
        ] {
            assert_eq!(select(header.as_bytes(), 100), expected, "{header}");
        }
        assert_eq!(select(b"bytes=0-", 0), Selection::Unsatisfiable);
    }

    #[test]
    fn outputs_are_206_without_a_range_and_other_files_200() {
        let (status, headers, range) = plan(&OUTPUT, &[]);
        assert_eq!((status, range), (206, Some(0..100)));
        assert_eq!(headers[CONTENT_RANGE], "bytes 0-99/100");
        let (status, headers, range) = plan(&FILE, &[]);
        assert_eq!((status, range), (200, Some(0..100)));
        assert!(!headers.contains_key(CONTENT_RANGE));
        assert_eq!(headers[CONTENT_LENGTH], "100");
        assert_eq!(headers[ACCEPT_RANGES], "bytes");
        assert_eq!(
            headers[CONTENT_DISPOSITION],
            "attachment; filename=\"lamp.glb\""
        );
        assert_eq!(
            headers[CONTENT_SECURITY_POLICY],
            "sandbox; default-src 'none'"
        );
    }

    #[test]
    fn an_empty_output_is_200_because_no_range_can_name_it() {
        let (status, headers, range) = plan(
            &Download {
                length: 0,
                ..OUTPUT
            },
            &[],
        );
        assert_eq!((status, range), (200, None));
        assert_eq!(headers[CONTENT_LENGTH], "0");
    }

    #[test]
    fn a_range_gives_206_with_its_bytes() {
        let (status, headers, range) = plan(&FILE, &[(RANGE, "bytes=20-29")]);
        assert_eq!((status, range), (206, Some(20..30)));
        assert_eq!(headers[CONTENT_RANGE], "bytes 20-29/100");
        assert_eq!(headers[CONTENT_LENGTH], "10");
    }

    #[test]
    fn a_range_outside_is_416_with_the_length() {
        let request = request(&[(RANGE, "bytes=100-")]);
        let response = FILE.plan(&Method::GET, &request).unwrap_err();
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(response.headers()[CONTENT_RANGE], "bytes */100");
    }

    #[test]
    fn head_has_the_length_and_no_bytes_and_ignores_ranges() {
        let request = request(&[(RANGE, "bytes=0-1")]);
        let planned = OUTPUT.plan(&Method::HEAD, &request).unwrap();
        assert_eq!(planned.range(), None);
        let response = planned.into_response(Body::empty());
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_LENGTH], "100");
        assert_eq!(response.headers()[ACCEPT_RANGES], "bytes");
    }

    #[test]
    fn known_content_is_not_sent_again() {
        for tags in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            let (status, headers, range) = plan(&OUTPUT, &[(IF_NONE_MATCH, tags)]);
            assert_eq!((status, range), (304, None), "{tags}");
            assert_eq!(headers[ETAG], "\"abc\"");
        }
        assert_eq!(plan(&FILE, &[(IF_NONE_MATCH, "\"x\"")]).0, 200);
    }

    #[test]
    fn a_range_counts_only_for_the_content_that_if_range_names() {
        let range = (RANGE, "bytes=0-1");
        assert_eq!(plan(&FILE, &[range.clone(), (IF_RANGE, "\"abc\"")]).0, 206);
        assert_eq!(plan(&FILE, &[range.clone(), (IF_RANGE, "\"old\"")]).0, 200);
        assert_eq!(
            plan(&FILE, &[range, (IF_RANGE, "Tue, 15 Nov 1994 08:12:31 GMT")]).0,
            200
        );
    }

    proptest! {
        #[test]
        fn no_header_selects_bytes_outside_of_the_file(header: Vec<u8>, length: u64) {
            if let Selection::Part(range) = select(&header, length) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }

        #[test]
        fn no_well_formed_header_selects_bytes_outside_of_the_file(
            first in "[0-9]{0,22}", last in "[0-9]{0,22}", length in 0..2000_u64,
        ) {
            let header = format!("bytes={first}-{last}");
            if let Selection::Part(range) = select(header.as_bytes(), length) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }

        #[test]
        fn ranges_inside_are_returned_as_asked(first in 0..1000_u64, more in 0..1000_u64) {
            let header = format!("bytes={first}-{}", first + more);
            let expected = Selection::Part(first..first + more + 1);
            prop_assert_eq!(select(header.as_bytes(), 5000), expected);
        }
    }
}
