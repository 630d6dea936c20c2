//! The framing of messages between the server and its workers.
//!
//! A frame is a length (4 bytes, big-endian) and that many bytes. A message is one header frame
//! and as many attachment frames as the header announces:
//!
//! ```text
//! u32 length | {"protocol":1,"attachments":[5],"body":{…}} | u32 5 | 5 bytes
//! ```
//!
//! The header is JSON; whatever is large (a model's source, a computed file) travels as an
//! attachment, byte for byte. Neither side trusts a length: each is held against a bound before
//! anything is read, and memory grows with what has arrived, never with what was promised.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The version of framing and messages together. Server and worker are the same binary, so a
/// difference means a mistake in the set-up and is refused.
pub const PROTOCOL: u32 = 1;

/// The memory that is set aside before the first byte of a frame has arrived; beyond it the buffer
/// grows with the data.
const RESERVED_BYTES_MAX: usize = 64 * 1024;

/// How much one message may hold.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MessageBounds {
    /// The largest header, in bytes.
    pub header_bytes_max: usize,
    /// The largest number of attachments.
    pub attachments_max: usize,
    /// The largest sum of all attachments, in bytes.
    pub attachment_bytes_max: usize,
}

/// A message as it was received.
#[derive(Debug, PartialEq)]
pub struct Message<T> {
    /// What is said.
    pub body: T,
    /// What the body refers to by position.
    pub attachments: Vec<Vec<u8>>,
}

/// Why a message could not be sent or was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side closed the stream inside a message, or the stream failed.
    #[error("the stream failed")]
    Io(#[from] io::Error),
    /// A length is above its bound.
    #[error("{what} has {found} where at most {max} are accepted")]
    TooLarge {
        /// Which length.
        what: &'static str,
        /// What it says.
        found: usize,
        /// What is accepted.
        max: usize,
    },
    /// The header is no message of this protocol.
    #[error("the header is not a message of this protocol")]
    Malformed(#[source] serde_json::Error),
    /// The other side speaks another version.
    #[error("the other side speaks protocol {found}, this one speaks {PROTOCOL}")]
    Protocol {
        /// The version of the other side.
        found: u32,
    },
    /// The header announced another length than the attachment's frame.
    #[error("an attachment of {found} bytes came where the header announced {announced}")]
    Mismatch {
        /// What the header said.
        announced: usize,
        /// What the frame says.
        found: usize,
    },
}

#[derive(Serialize)]
struct OutgoingHeader<'a, T> {
    protocol: u32,
    attachments: Vec<usize>,
    body: &'a T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IncomingHeader<T> {
    protocol: u32,
    attachments: Vec<usize>,
    body: T,
}

/// The part of a header that is readable whatever the version.
#[derive(Deserialize)]
struct VersionOnly {
    protocol: u32,
}

/// Writes one message and flushes it.
///
/// # Errors
/// [`FrameError::TooLarge`] before anything is written, [`FrameError::Io`] when the stream fails.
pub fn write_message<T: Serialize>(
    out: &mut impl Write,
    body: &T,
    attachments: &[&[u8]],
    bounds: &MessageBounds,
) -> Result<(), FrameError> {
    let header = encode_header(body, attachments, bounds)?;
    out.write_all(&header)?;
    for attachment in attachments {
        out.write_all(&frame_length(attachment.len())?)?;
        out.write_all(attachment)?;
    }
    out.flush()?;
    Ok(())
}

/// Writes one message and flushes it; see [`write_message`].
///
/// # Errors
/// As [`write_message`].
pub async fn send_message<T: Serialize>(
    out: &mut (impl AsyncWrite + Unpin),
    body: &T,
    attachments: &[&[u8]],
    bounds: &MessageBounds,
) -> Result<(), FrameError> {
    let header = encode_header(body, attachments, bounds)?;
    out.write_all(&header).await?;
    for attachment in attachments {
        out.write_all(&frame_length(attachment.len())?).await?;
        out.write_all(attachment).await?;
    }
    out.flush().await?;
    Ok(())
}

/// Reads one message; `None` when the stream ended between two messages.
///
/// # Errors
/// [`FrameError`], after which the stream is of no further use.
pub fn read_message<T: DeserializeOwned>(
    input: &mut impl Read,
    bounds: &MessageBounds,
) -> Result<Option<Message<T>>, FrameError> {
    let mut length = [0; 4];
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    let header_bytes = header_length(length, bounds)?;
    let header = decode_header(&read_exactly(input, header_bytes)?, bounds)?;
    let mut attachments = Vec::with_capacity(header.attachments.len());
    for announced in header.attachments {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        check_announced(announced, length)?;
        attachments.push(read_exactly(input, announced)?);
    }
    Ok(Some(Message {
        body: header.body,
        attachments,
    }))
}

/// Reads one message; `None` when the stream ended between two messages.
///
/// # Errors
/// [`FrameError`], after which the stream is of no further use.
pub async fn receive_message<T: DeserializeOwned>(
    input: &mut (impl AsyncRead + Unpin),
    bounds: &MessageBounds,
) -> Result<Option<Message<T>>, FrameError> {
    let mut length = [0; 4];
    if input.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..]).await?;
    let header_bytes = header_length(length, bounds)?;
    let header = decode_header(&receive_exactly(input, header_bytes).await?, bounds)?;
    let mut attachments = Vec::with_capacity(header.attachments.len());
    for announced in header.attachments {
        let mut length = [0; 4];
        input.read_exact(&mut length).await?;
        check_announced(announced, length)?;
        attachments.push(receive_exactly(input, announced).await?);
    }
    Ok(Some(Message {
        body: header.body,
        attachments,
    }))
}

fn encode_header<T: Serialize>(
    body: &T,
    attachments: &[&[u8]],
    bounds: &MessageBounds,
) -> Result<Vec<u8>, FrameError> {
    let lengths: Vec<usize> = attachments.iter().map(|bytes| bytes.len()).collect();
    check_attachments(&lengths, bounds)?;
    let header = OutgoingHeader {
        protocol: PROTOCOL,
        attachments: lengths,
        body,
    };
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, &header).map_err(FrameError::Malformed)?;
    let header_bytes = frame.len() - 4;
    check_max("a header", header_bytes, bounds.header_bytes_max)?;
    frame[..4].copy_from_slice(&frame_length(header_bytes)?);
    Ok(frame)
}

fn decode_header<T: DeserializeOwned>(
    bytes: &[u8],
    bounds: &MessageBounds,
) -> Result<IncomingHeader<T>, FrameError> {
    match serde_json::from_slice::<IncomingHeader<T>>(bytes) {
        Ok(header) if header.protocol == PROTOCOL => {
            check_attachments(&header.attachments, bounds)?;
            Ok(header)
        }
        Ok(header) => Err(FrameError::Protocol {
            found: header.protocol,
        }),
        // A body of another version may not parse: the version explains more than the parser.
        Err(error) => match serde_json::from_slice::<VersionOnly>(bytes) {
            Ok(VersionOnly { protocol }) if protocol != PROTOCOL => {
                Err(FrameError::Protocol { found: protocol })
            }
            _ => Err(FrameError::Malformed(error)),
        },
    }
}

fn header_length(length: [u8; 4], bounds: &MessageBounds) -> Result<usize, FrameError> {
    let found = frame_bytes(length);
    check_max("a header", found, bounds.header_bytes_max)?;
    Ok(found)
}

fn check_attachments(lengths: &[usize], bounds: &MessageBounds) -> Result<(), FrameError> {
    check_max(
        "the list of attachments",
        lengths.len(),
        bounds.attachments_max,
    )?;
    let sum = lengths
        .iter()
        .fold(0_usize, |sum, length| sum.saturating_add(*length));
    check_max(
        "the sum of the attachments",
        sum,
        bounds.attachment_bytes_max,
    )
}

fn check_max(what: &'static str, found: usize, max: usize) -> Result<(), FrameError> {
    if found > max {
        return Err(FrameError::TooLarge { what, found, max });
    }
    Ok(())
}

fn check_announced(announced: usize, length: [u8; 4]) -> Result<(), FrameError> {
    let found = frame_bytes(length);
    if found != announced {
        return Err(FrameError::Mismatch { announced, found });
    }
    Ok(())
}

fn frame_bytes(length: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)
}

fn frame_length(bytes: usize) -> Result<[u8; 4], FrameError> {
    u32::try_from(bytes)
        .map(u32::to_be_bytes)
        .map_err(|_| FrameError::TooLarge {
            what: "a frame",
            found: bytes,
            max: usize::try_from(u32::MAX).unwrap_or(usize::MAX),
        })
}

fn read_exactly(input: &mut impl Read, bytes: usize) -> Result<Vec<u8>, FrameError> {
    let mut buffer = Vec::with_capacity(bytes.min(RESERVED_BYTES_MAX));
    let limit = u64::try_from(bytes).unwrap_or(u64::MAX);
    input.by_ref().take(limit).read_to_end(&mut buffer)?;
    check_complete(&buffer, bytes)?;
    Ok(buffer)
}

async fn receive_exactly(
    input: &mut (impl AsyncRead + Unpin),
    bytes: usize,
) -> Result<Vec<u8>, FrameError> {
    let mut buffer = Vec::with_capacity(bytes.min(RESERVED_BYTES_MAX));
    let limit = u64::try_from(bytes).unwrap_or(u64::MAX);
    input.take(limit).read_to_end(&mut buffer).await?;
    check_complete(&buffer, bytes)?;
    Ok(buffer)
}

fn check_complete(buffer: &[u8], bytes: usize) -> Result<(), FrameError> {
    if buffer.len() < bytes {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: MessageBounds = MessageBounds {
        header_bytes_max: 64,
        attachments_max: 2,
        attachment_bytes_max: 8,
    };

    fn written(body: &str, attachments: &[&[u8]]) -> Result<Vec<u8>, FrameError> {
        let mut out = Vec::new();
        write_message(&mut out, &body, attachments, &BOUNDS)?;
        Ok(out)
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let bytes = written("hi", &[b"abc", b""]).unwrap();
        let header = br#"{"protocol":1,"attachments":[3,0],"body":"hi"}"#;
        let mut expected = vec![0, 0, 0, 46];
        expected.extend_from_slice(header);
        expected.extend_from_slice(b"\0\0\0\x03abc\0\0\0\0");
        assert_eq!(header.len(), 46);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let bytes = written("hi", &[b"abc", b""]).unwrap();
        let mut input = bytes.as_slice();
        let message = read_message::<String>(&mut input, &BOUNDS)
            .unwrap()
            .unwrap();
        assert_eq!(message.body, "hi");
        assert_eq!(message.attachments, [b"abc".to_vec(), Vec::new()]);
        assert!(
            read_message::<String>(&mut input, &BOUNDS)
                .unwrap()
                .is_none()
        );
    }

    #[tokio::test]
    async fn both_sides_read_and_write_the_same_bytes() {
        let mut sent = Vec::new();
        send_message(&mut sent, &"hi", &[b"abc"], &BOUNDS)
            .await
            .unwrap();
        assert_eq!(sent, written("hi", &[b"abc"]).unwrap());
        let mut input = sent.as_slice();
        let received = receive_message::<String>(&mut input, &BOUNDS)
            .await
            .unwrap();
        assert_eq!(received.unwrap().attachments, [b"abc".to_vec()]);
        assert!(
            receive_message::<String>(&mut input, &BOUNDS)
                .await
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn every_bound_holds_for_the_writer_at_n_and_n_plus_one() {
        let body = "x".repeat(64 - r#"{"protocol":1,"attachments":[],"body":""}"#.len());
        assert!(written(&body, &[]).is_ok());
        assert!(matches!(
            written(&format!("{body}x"), &[]),
            Err(FrameError::TooLarge {
                what: "a header",
                found: 65,
                max: 64
            })
        ));
        assert!(written("", &[b"1234", b"5678"]).is_ok());
        assert!(matches!(
            written("", &[b"1234", b"56789"]),
            Err(FrameError::TooLarge {
                found: 9,
                max: 8,
                ..
            })
        ));
        assert!(matches!(
            written("", &[b"1", b"2", b"3"]),
            Err(FrameError::TooLarge {
                found: 3,
                max: 2,
                ..
            })
        ));
    }

    #[test]
    fn every_bound_holds_for_the_reader() {
        let read = |bounds: MessageBounds| {
            let bytes = written("hi", &[b"abc", b"d"]).unwrap();
            read_message::<String>(&mut bytes.as_slice(), &bounds).map(|_| ())
        };
        assert!(read(BOUNDS).is_ok());
        let tight = [
            MessageBounds {
                header_bytes_max: 40,
                ..BOUNDS
            },
            MessageBounds {
                attachments_max: 1,
                ..BOUNDS
            },
            MessageBounds {
                attachment_bytes_max: 3,
                ..BOUNDS
            },
        ];
        for bounds in tight {
            assert!(
                matches!(read(bounds), Err(FrameError::TooLarge { .. })),
                "{bounds:?}"
            );
        }
    }

    #[test]
    fn an_enormous_length_is_refused_before_anything_is_read() {
        let mut input = &b"\xff\xff\xff\xff{"[..];
        assert!(matches!(
            read_message::<String>(&mut input, &BOUNDS),
            Err(FrameError::TooLarge {
                found: 4_294_967_295,
                ..
            })
        ));
        assert_eq!(input, b"{");
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error() {
        let bytes = written("hi", &[b"abc"]).unwrap();
        for end in 1..bytes.len() {
            assert!(
                read_message::<String>(&mut &bytes[..end], &BOUNDS).is_err(),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn another_protocol_version_is_named_as_such() {
        let header = br#"{"protocol":2,"something":"new"}"#;
        let mut bytes = vec![0, 0, 0, u8::try_from(header.len()).unwrap()];
        bytes.extend_from_slice(header);
        assert!(matches!(
            read_message::<String>(&mut bytes.as_slice(), &BOUNDS),
            Err(FrameError::Protocol { found: 2 })
        ));
    }

    #[test]
    fn an_attachment_of_another_length_than_announced_is_refused() {
        let mut bytes = written("hi", &[b"abc"]).unwrap();
        let length_at = bytes.len() - 4;
        bytes[length_at] = 2;
        assert!(matches!(
            read_message::<String>(&mut bytes.as_slice(), &BOUNDS),
            Err(FrameError::Mismatch {
                announced: 3,
                found: 2
            })
        ));
    }
}
