//! Path and query, with refusals in the API's form.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::{ApiError, ErrorKind};
use crate::limits::QUERY_BYTES_MAX;

/// A query string read into `T`. Unknown members are ignored; a member that stands there twice or
/// does not fit is refused.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let length = parts.uri.query().map_or(0, str::len);
        if length > QUERY_BYTES_MAX {
            return Err(ApiError::new(
                ErrorKind::RequestInvalid,
                format!("The query string is longer than {QUERY_BYTES_MAX} bytes."),
            ));
        }
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| {
                ApiError::new(
                    ErrorKind::RequestInvalid,
                    format!("The query string does not fit: {}.", error.body_text()),
                )
            })
    }
}

/// The variable segments of the path read into `T`.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(path)| Self(path))
            .map_err(|error| {
                // The text of the rejection may repeat a credential that stands in the path.
                ApiError::new(
                    ErrorKind::RequestInvalid,
                    "A segment of the path does not have the documented form.",
                )
                .caused_by(error.status())
            })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::geometry::wire::{ComputationStatus, ListOutputVersionsQuery, SessionQuery};

    async fn query<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
        let request = Request::builder()
            .uri(format!("/x?{text}"))
            .body(())
            .unwrap();
        let (mut parts, ()) = request.into_parts();
        Query::from_request_parts(&mut parts, &())
            .await
            .map(|Query(query)| query)
    }

    #[tokio::test]
    async fn absent_members_take_their_defaults_and_unknown_ones_are_ignored() {
        assert_eq!(
            query::<SessionQuery>("").await.unwrap(),
            SessionQuery::default()
        );
        let read: SessionQuery = query("ignoreUnknownParams=true&x=1").await.unwrap();
        assert!(read.ignore_unknown_params && !read.strict_model_state_validation);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused() {
        for text in ["ignoreUnknownParams=yes", "modelStateId=a&modelStateId=b"] {
            let error = query::<SessionQuery>(text).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RequestInvalid, "{text}");
        }
        let long = format!("modelStateId={}", "a".repeat(QUERY_BYTES_MAX));
        assert!(query::<SessionQuery>(&long).await.is_err());
    }

    #[tokio::test]
    async fn status_filters_are_words() {
        let read: ListOutputVersionsQuery =
            query("statusCollect=success&offset=abc").await.unwrap();
        assert_eq!(read.status_collect, Some(ComputationStatus::Success));
        assert!(
            query::<ListOutputVersionsQuery>("statusCollect=fine")
                .await
                .is_err()
        );
    }
}
