//! JSON bodies, with the tolerances that official clients need: an empty body is `{}` whatever its
//! content type, and unknown members are ignored. All else is strict.

use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures::future::{BoxFuture, poll_immediate};
use serde::de::DeserializeOwned;

use super::body::read_bounded;
use super::strict_json;
use crate::error::{ApiError, ErrorKind};
use crate::limits::JSON_BODY_BYTES_MAX;

/// A JSON body that was not yet looked into: a handler reads it after it has checked who is asking, so
/// that strangers learn nothing about its form, and take no memory by sending it slowly.
pub struct Unread<T> {
    headers: HeaderMap,
    body: Arriving,
    form: PhantomData<fn() -> T>,
}

enum Arriving {
    /// It came together with the head.
    There(Result<Bytes, ApiError>),
    /// It is on the way; nothing more of it is taken until somebody waits for it.
    Late(BoxFuture<'static, Result<Bytes, ApiError>>),
}

impl<T: DeserializeOwned> Unread<T> {
    /// Reads the body.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] naming the member and the place.
    pub async fn read(self) -> Result<T, ApiError> {
        let text = match self.body {
            Arriving::There(text) => text?,
            Arriving::Late(reading) => reading.await?,
        };
        if !text.is_empty() {
            check_content_type(&self.headers)?;
        }
        parse_json(&text)
    }

    /// Reads the body after `check` has said who is asking; once more after it, where the body came
    /// late: meanwhile the right may have been withdrawn.
    ///
    /// # Errors
    /// What `check` refuses, and as [`Unread::read`].
    pub async fn after<A, E, F, C>(self, check: F) -> Result<(A, T), ApiError>
    where
        F: Fn() -> C,
        C: Future<Output = Result<A, E>>,
        ApiError: std::convert::From<E>,
    {
        let allowed = check().await?;
        let late = matches!(self.body, Arriving::Late(_));
        let value = self.read().await?;
        let allowed = if late { check().await? } else { allowed };
        Ok((allowed, value))
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Unread<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let mut reading = Box::pin(read_bounded(body, JSON_BODY_BYTES_MAX));
        let body = match poll_immediate(&mut reading).await {
            Some(text) => Arriving::There(text),
            None => Arriving::Late(reading),
        };
        Ok(Self {
            body,
            headers: parts.headers,
            form: PhantomData,
        })
    }
}

/// A JSON body read into `T`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let unread = Unread::from_request(request, state).await?;
        unread.read().await.map(Self)
    }
}

/// Reads a JSON text into `T`; an empty text counts as `{}`.
///
/// # Errors
/// [`ErrorKind::RequestInvalid`] naming the member and the place.
pub fn parse_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    let text = if text.is_empty() { b"{}" } else { text };
    strict_json::check(text).map_err(|error| refused("is not acceptable JSON", &error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        match error.path().to_string() {
            path if path == "." => refused("does not fit", error.inner()),
            path => refused(&format!("does not fit at {path:?}"), error.inner()),
        }
    })
}

fn refused(what: &str, error: &serde_json::Error) -> ApiError {
    ApiError::new(
        ErrorKind::RequestInvalid,
        format!(
            "The request body {what}: {}. The form is described at /api/v2/docs.",
            shortened(&error.to_string())
        ),
    )
}

/// Parsers repeat what they did not expect, however long it is.
fn shortened(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 240;
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A body says that it is JSON, or says nothing.
fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let media_type = value.to_str().unwrap_or_default();
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::RequestInvalid,
        "The request body is not marked as JSON. Send it with \"Content-Type: application/json\".",
    ))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        #[serde(default)]
        size: u8,
    }

    async fn extract(content_type: Option<&str>, body: &'static str) -> Result<u8, ApiError> {
        let mut request = Request::new(Body::from(body));
        if let Some(value) = content_type {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, value.parse().unwrap());
        }
        Json::<Sample>::from_request(request, &())
            .await
            .map(|Json(sample)| sample.size)
    }

    #[tokio::test]
    async fn an_empty_body_is_an_empty_object_whatever_its_type() {
        for content_type in [
            None,
            Some("application/json"),
            Some("application/x-www-form-urlencoded"),
        ] {
            assert_eq!(extract(content_type, "").await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_body_says_that_it_is_json_or_says_nothing() {
        for content_type in [
            None,
            Some("application/json"),
            Some("Application/JSON; charset=utf-8"),
            Some("application/vnd.shop+json"),
        ] {
            assert_eq!(extract(content_type, r#"{"size":3}"#).await.unwrap(), 3);
        }
        for content_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/json",
        ] {
            let error = extract(Some(content_type), r#"{"size":3}"#)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RequestInvalid);
        }
    }

    #[tokio::test]
    async fn unknown_members_are_ignored_and_wrong_types_are_named() {
        assert_eq!(extract(None, r#"{"size":3,"more":[1]}"#).await.unwrap(), 3);
        let error = extract(None, r#"{"size":"3"}"#).await.unwrap_err();
        assert!(error.message().contains("\"size\""), "{error}");
        let error = extract(None, r#"{"size":3,"size":3}"#).await.unwrap_err();
        assert!(error.message().contains("twice"), "{error}");
    }

    #[tokio::test]
    async fn a_late_body_is_not_waited_for_by_a_refusal_and_asks_again_by_a_right() {
        let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<Bytes, ApiError>>();
        let request = Request::new(Body::from_stream(receiver));
        let unread = Unread::<Sample>::from_request(request, &()).await.unwrap();
        let refused = ApiError::new(ErrorKind::TooLarge, "no");
        let answer = unread.after(|| ready(Err::<(), _>(ApiError::new(ErrorKind::TooLarge, "no"))));
        assert_eq!(answer.await.unwrap_err().kind(), refused.kind());
        drop(sender);

        let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<Bytes, ApiError>>();
        let request = Request::new(Body::from_stream(receiver));
        let unread = Unread::<Sample>::from_request(request, &()).await.unwrap();
        sender
            .unbounded_send(Ok(Bytes::from_static(b"{\"size\":3}")))
            .unwrap();
        drop(sender);
        let asked = std::cell::Cell::new(0);
        let check = || {
            asked.set(asked.get() + 1);
            ready(Ok::<_, ApiError>(()))
        };
        let ((), sample) = unread.after(check).await.unwrap();
        assert_eq!((sample.size, asked.get()), (3, 2));
        let whole = Unread::<Sample>::from_request(Request::new(Body::from("{}")), &()).await;
        asked.set(0);
        whole.unwrap().after(check).await.unwrap();
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test]
    async fn the_size_is_bounded() {
        let body = |bytes: usize| Request::new(Body::from(" ".repeat(bytes - 2) + "{}"));
        let sample = Json::<Sample>::from_request(body(JSON_BODY_BYTES_MAX), &()).await;
        assert!(sample.is_ok());
        let error = Json::<Sample>::from_request(body(JSON_BODY_BYTES_MAX + 1), &())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}
