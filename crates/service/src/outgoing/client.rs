//! The client that keeps to the egress policy: resolve once, check every address, connect to a
//! checked one, and start again at the URL for each redirect. No pool, no proxy, no environment.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONNECTION, CONTENT_LENGTH, HOST, HeaderValue,
    LOCATION, TRANSFER_ENCODING, USER_AGENT,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;
use vitrine_access::egress::{EgressPolicy, EgressTarget};

use super::{
    OUTGOING_ADDRESSES_MAX, OUTGOING_HEAD_BYTES_MAX, Outgoing, OutgoingAnswer, OutgoingError,
    OutgoingRequest, Resolve,
};

/// How we name ourselves to others.
const AGENT: &str = concat!("vitrine/", env!("CARGO_PKG_VERSION"));

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = tokio::net::lookup_host((host, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}

/// Reaches what the policy allows, and nothing else.
pub struct GuardedClient {
    policy: EgressPolicy,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
}

impl std::fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedClient")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl GuardedClient {
    /// A client that trusts the certificate authorities of the operating system. Where there are
    /// none, every https request fails and says so.
    #[must_use]
    pub fn new(policy: EgressPolicy) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with(policy, Arc::new(SystemResolver), roots)
    }

    /// A client with a resolver and certificate authorities of the caller's choice.
    ///
    /// # Panics
    /// Never: the provider knows the default protocol versions.
    #[must_use]
    pub fn with(policy: EgressPolicy, resolver: Arc<dyn Resolve>, roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            policy,
            resolver,
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    /// Sends the request; the URL changes with each redirect.
    async fn follow(&self, mut request: OutgoingRequest) -> Result<OutgoingAnswer, OutgoingError> {
        let mut left = request.redirects_max;
        loop {
            let target = self.policy.check_url(request.purpose, &request.url)?;
            let (answer, location) = self.ask(&request, &target).await?;
            let follows = matches!(request.method, Method::GET | Method::HEAD);
            let (true, true, Some(location)) = (follows, request.redirects_max > 0, location)
            else {
                return Ok(answer);
            };
            let refused = |why| OutgoingError::Redirect { why };
            left = left.checked_sub(1).ok_or(refused("there are too many"))?;
            let next = Url::parse(&target.url)
                .and_then(|here| here.join(&location))
                .map_err(|_| refused("it leads to no address"))?;
            let here = (target.tls, target.host.as_str(), target.port);
            let there = self.policy.check_url(request.purpose, next.as_str())?;
            if target.tls && !there.tls {
                return Err(refused("it leads from https to http"));
            }
            if here != (there.tls, there.host.as_str(), there.port) {
                request.headers = harmless(&request.headers);
            }
            request.url = there.url;
        }
    }

    /// One request to one host, and where it redirects to.
    async fn ask(
        &self,
        request: &OutgoingRequest,
        target: &EgressTarget,
    ) -> Result<(OutgoingAnswer, Option<String>), OutgoingError> {
        let message = message(request, target)?;
        let stream = self.connect(request, target).await?;
        let broken = |source| OutgoingError::Protocol {
            host: target.host.clone(),
            source,
        };
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(OUTGOING_HEAD_BYTES_MAX)
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // The connection is driven beside the exchange and dropped with it, not left to itself.
        let exchange = async {
            let response = sender.send_request(message).await.map_err(broken)?;
            read(response, request, target).await
        };
        tokio::pin!(connection);
        tokio::pin!(exchange);
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                answer = &mut exchange => return answer,
                _ = &mut connection, if open => open = false,
            }
        }
    }

    async fn connect(
        &self,
        request: &OutgoingRequest,
        target: &EgressTarget,
    ) -> Result<Box<dyn Stream>, OutgoingError> {
        let (host, port) = (&target.host, target.port);
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.resolve(host).await.unwrap_or_default(),
        };
        // All of them, before the first connection: a name with one address inside is not trusted.
        for address in &addresses {
            self.policy.check_address(request.purpose, *address)?;
        }
        let mut last = None;
        for address in addresses.into_iter().take(OUTGOING_ADDRESSES_MAX) {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => return self.secure(stream, target).await,
                Err(error) => last = Some(error),
            }
        }
        let host = host.clone();
        Err(match last {
            None => OutgoingError::Unresolved { host },
            Some(source) => OutgoingError::Unreachable { host, port, source },
        })
    }

    async fn secure(
        &self,
        stream: TcpStream,
        target: &EgressTarget,
    ) -> Result<Box<dyn Stream>, OutgoingError> {
        if !target.tls {
            return Ok(Box::new(stream));
        }
        let unproven = |source| OutgoingError::Tls {
            host: target.host.clone(),
            port: target.port,
            source,
        };
        let name = ServerName::try_from(target.host.clone())
            .map_err(|error| unproven(io::Error::other(error)))?;
        let stream = self.tls.connect(name, stream).await.map_err(unproven)?;
        Ok(Box::new(stream))
    }
}

#[async_trait]
impl Outgoing for GuardedClient {
    async fn fetch(&self, request: OutgoingRequest) -> Result<OutgoingAnswer, OutgoingError> {
        let max = request.time_max;
        tokio::time::timeout(max, self.follow(request))
            .await
            .map_err(|_| OutgoingError::TooSlow {
                max_ms: max.as_millis(),
            })?
    }
}

fn message(
    request: &OutgoingRequest,
    target: &EgressTarget,
) -> Result<Request<Full<Bytes>>, OutgoingError> {
    let wrong = |why| OutgoingError::Request { why };
    let url: Uri = target
        .url
        .parse()
        .map_err(|_| wrong("its URL has no valid form"))?;
    let authority = url.authority().ok_or(wrong("its URL names no host"))?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| wrong("its host"))?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut message = Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = path.parse().map_err(|_| wrong("its path"))?;
    let headers = message.headers_mut();
    headers.clone_from(&request.headers);
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING, HOST] {
        headers.remove(name);
    }
    headers.insert(HOST, host);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(AGENT));
    Ok(message)
}

async fn read(
    response: Response<hyper::body::Incoming>,
    request: &OutgoingRequest,
    target: &EgressTarget,
) -> Result<(OutgoingAnswer, Option<String>), OutgoingError> {
    let (parts, body) = response.into_parts();
    let redirects = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    let location = parts
        .headers
        .get(LOCATION)
        .filter(|_| redirects.contains(&parts.status))
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned);
    let max = request.bytes_max;
    let body = Limited::new(body, max)
        .collect()
        .await
        .map_err(|error| unread(error, max, target))?;
    let answer = OutgoingAnswer {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
        url: target.url.clone(),
    };
    Ok((answer, location))
}

fn unread(
    error: Box<dyn std::error::Error + Send + Sync>,
    max: usize,
    target: &EgressTarget,
) -> OutgoingError {
    if error.is::<LengthLimitError>() {
        return OutgoingError::TooLarge { max };
    }
    match error.downcast::<hyper::Error>() {
        Ok(source) => OutgoingError::Protocol {
            host: target.host.clone(),
            source: *source,
        },
        Err(_) => OutgoingError::TooLarge { max },
    }
}

/// Headers that another host may see: nothing that could be a credential.
fn harmless(headers: &HeaderMap) -> HeaderMap {
    [ACCEPT, ACCEPT_LANGUAGE, USER_AGENT]
        .into_iter()
        .filter_map(|name| Some((headers.get(&name)?.clone(), name)))
        .map(|(value, name)| (name, value))
        .collect()
}
