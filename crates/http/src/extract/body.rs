//! Reading a body whole, within a bound.

use axum::BoxError;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;

use crate::error::{ApiError, ErrorKind};

/// Reads a body of at most `bytes_max` bytes.
///
/// # Errors
/// [`ErrorKind::TooLarge`] when it is longer, at once when its announced length says so;
/// [`ErrorKind::RequestInvalid`] when the client stops in the middle.
pub async fn read_bounded(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max as u64));
    }
    let mut body = Limited::new(body, bytes_max);
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    // Asked before each piece: a body that says its length is over with its last byte, and not only when
    // its sender has been told that the byte was taken.
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        let frame = frame.map_err(|error| broken(error, bytes_max))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if first.is_empty() && all.is_empty() {
            first = piece;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn broken(error: BoxError, bytes_max: usize) -> ApiError {
    if error.is::<LengthLimitError>() {
        return too_large(bytes_max as u64);
    }
    ApiError::new(
        ErrorKind::RequestInvalid,
        "The request body ended before it was complete. Send it again.",
    )
    .caused_by(error)
}

/// The refusal of a body that is longer than `bytes_max`.
pub(crate) fn too_large(bytes_max: u64) -> ApiError {
    ApiError::new(
        ErrorKind::TooLarge,
        format!("The request body is larger than the {bytes_max} bytes that are allowed here."),
    )
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn chunks(count: usize) -> Body {
        Body::from_stream(stream::iter(
            (0..count).map(|_| Ok::<_, std::convert::Infallible>(Bytes::from_static(b"abcd"))),
        ))
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_bound_is_read_and_one_byte_more_is_refused() {
        assert_eq!(read_bounded(Body::from("abcd"), 4).await.unwrap(), "abcd");
        let error = read_bounded(Body::from("abcde"), 4).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[tokio::test]
    async fn a_body_without_length_is_bounded_too() {
        assert_eq!(read_bounded(chunks(2), 8).await.unwrap().len(), 8);
        let error = read_bounded(chunks(3), 8).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused_as_a_bad_request() {
        let broken = Body::from_stream(stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::other("reset")),
        ]));
        let error = read_bounded(broken, 8).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestInvalid);
    }
}
