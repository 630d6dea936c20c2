//! Answers in JSON that are known to be large.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ApiError;

/// Room for what a session shows of most models. A buffer that starts small is copied again each time that it
/// doubles.
const BYTES_USUAL: usize = 12 << 10;

/// As [`axum::Json`], for bodies of some kilobytes.
pub(crate) struct LargeJson<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for LargeJson<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(BYTES_USUAL);
        if let Err(error) = serde_json::to_writer(&mut body, &self.0) {
            return ApiError::internal(error).into_response();
        }
        let mut response = Response::new(Body::from(body));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}
