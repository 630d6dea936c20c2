//! Listening, serving and stopping without cutting anybody off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Body as AnyBody;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::connections::{Crowd, Guest, PATIENCE, Steady};

/// A client that has not sent its headers by then is slow on purpose.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that request line and headers may take together.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Connections served at once; further ones wait in the system's line. Each costs a few kilobytes
/// and a file handle.
pub(crate) const CONNECTIONS_MAX: usize = 8_192;
/// How long to wait after `accept` failed, for instance because no file handle was left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// What answers requests: the whole server, or a small router of its own.
pub(crate) trait Answers:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Answers for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Binds the address that `listen` names.
pub(crate) async fn bind(listen: &str) -> Result<TcpListener> {
    let address: SocketAddr = listen
        .parse()
        .with_context(|| format!("'{listen}' is not an address with a port, as 127.0.0.1:8080"))?;
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

/// Serves until `stop` is cancelled, then lets running requests end within `grace`.
pub(crate) async fn serve<S>(
    listener: TcpListener,
    router: S,
    crowd: Crowd,
    stop: CancellationToken,
    grace: Duration,
) where
    S: Answers,
{
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            },
        };
        let Some(guest) = crowd.admit(peer.ip()) else {
            metrics::counter!("vitrine_connections_refused_total").increment(1);
            continue;
        };
        connection(stream, peer, &router, &graceful, (place, guest));
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(grace) => {
            tracing::warn!(grace_s = grace.as_secs(), "some requests did not end in time");
        }
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: &impl Answers,
    graceful: &GracefulShutdown,
    place: (OwnedSemaphorePermit, Guest),
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let router = router.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (request, body) = watched(request);
        // Always ready: nothing here makes requests wait in line.
        let answer = router.clone().call(request);
        async move { Ok::<_, Infallible>(parting(answer.await?, &body)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(Steady::new(stream, PATIENCE)), service);
    let watched = graceful.watch(connection);
    let open = Open::new();
    tokio::spawn(async move {
        let _place = (place, open);
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

/// A connection among those that are counted in the metrics.
struct Open;

impl Open {
    fn new() -> Self {
        metrics::gauge!("vitrine_connections_open").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("vitrine_connections_open").decrement(1.0);
    }
}

/// Whether a request's body was read to its end.
struct Ended(Option<Arc<AtomicBool>>);

impl Ended {
    fn is_left(&self) -> bool {
        let ended = self.0.as_ref();
        ended.is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

/// A body that notes its end.
struct Watched {
    body: Incoming,
    ended: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Watches the body of a request that has one.
fn watched(request: Request<Incoming>) -> (Request, Ended) {
    if request.body().is_end_stream() {
        return (request.map(|_| AnyBody::empty()), Ended(None));
    }
    let ended = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&ended);
    let request = request.map(|body| AnyBody::new(Watched { body, ended: note }));
    (request, Ended(Some(ended)))
}

/// Tells a client that its connection ends here, when it was refused with a body on the way: what was
/// not read cannot be skipped, and a client that is not told sends its next request into a closed
/// connection.
fn parting(mut answer: Response, body: &Ended) -> Response {
    if body.is_left() && answer.status().is_client_error() {
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Completes when the operator asks the process to stop.
pub(crate) async fn stop_asked() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be listened for; end the process by kill");
        std::future::pending::<()>().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_refusal_in_front_of_a_body_that_was_not_read_says_that_the_connection_ends() {
        let ended = |ended| Ended(Some(Arc::new(AtomicBool::new(ended))));
        for (status, read, closes) in [
            (StatusCode::PAYLOAD_TOO_LARGE, ended(false), true),
            (StatusCode::FORBIDDEN, ended(false), true),
            (StatusCode::FORBIDDEN, ended(true), false),
            (StatusCode::FORBIDDEN, Ended(None), false),
            (StatusCode::OK, ended(false), false),
        ] {
            let mut answer = Response::default();
            *answer.status_mut() = status;
            let told = parting(answer, &read);
            assert_eq!(told.headers().contains_key(CONNECTION), closes, "{status}");
        }
    }
}
