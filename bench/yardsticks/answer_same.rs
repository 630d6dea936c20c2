//! Bare hyper that answers everything with the same bytes: those of the answer on standard input (head and body as on the wire,
//! without transfer encoding). Reads a request's body to its end. Prints its address and serves until it is killed.

use std::convert::Infallible;
use std::io::Read as _;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn read(bytes: &[u8]) -> Result<Self> {
        let gap = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .context("no head")?;
        let head = std::str::from_utf8(&bytes[..gap])?;
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.split(' ').nth(1).context("no status")?.parse()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').context("no header")?;
            headers.append(
                HeaderName::try_from(name)?,
                HeaderValue::try_from(value.trim())?,
            );
        }
        Ok(Self {
            status,
            headers,
            body: Bytes::copy_from_slice(&bytes[gap + 4..]),
        })
    }

    async fn give(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        // A client that breaks off is seen by the connection.
        let _ = request.into_body().collect().await;
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let answer = Arc::new(Answer::read(&input)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = Arc::clone(&answer);
        let service = service_fn(move |request| {
            let answer = Arc::clone(&answer);
            async move { Ok::<_, Infallible>(answer.give(request).await) }
        });
        tokio::spawn(async move {
            // A client that goes away ends its connection and nothing else.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
