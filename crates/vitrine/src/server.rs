//! Listening, serving and stopping without cutting anybody off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::response::Response;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// A client that has not sent its headers by then is slow on purpose.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// More headers than this no honest client sends.
const HEADERS_MAX: usize = 64;
/// Bytes that request line and headers may take together.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Connections served at once; further ones wait in the system's line. Each costs a few kilobytes
/// and a file handle.
const CONNECTIONS_MAX: usize = 8_192;
/// How long to wait after `accept` failed, for instance because no file handle was left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Bytes of a body that nobody asked for which are read and thrown away, so that the connection can go
/// on: what arrives with the first read, carefully counted.
const DRAINED_BYTES: u64 = 4 * 1024;

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
        connection(stream, peer, &router, &graceful, place);
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
    place: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let router = router.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let left = request.body().size_hint().lower() > DRAINED_BYTES;
        // Always ready: nothing here makes requests wait in line.
        let answer = router.clone().call(request.map(axum::body::Body::new));
        async move { Ok::<_, Infallible>(parting(answer.await?, left)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

/// Tells a client that its connection ends here, when it was refused with a long body on the way: what
/// was not read cannot be skipped, and a client that is not told sends its next request into a closed
/// connection.
fn parting(mut answer: Response, long_body: bool) -> Response {
    if long_body && answer.status().is_client_error() {
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
    fn a_refusal_in_front_of_a_long_body_says_that_the_connection_ends() {
        for (status, long_body, closes) in [
            (StatusCode::PAYLOAD_TOO_LARGE, true, true),
            (StatusCode::FORBIDDEN, true, true),
            (StatusCode::FORBIDDEN, false, false),
            (StatusCode::OK, true, false),
        ] {
            let mut answer = Response::default();
            *answer.status_mut() = status;
            let told = parting(answer, long_body);
            assert_eq!(told.headers().contains_key(CONNECTION), closes, "{status}");
        }
    }
}
