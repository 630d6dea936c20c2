use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::header::{ACCEPT, AUTHORIZATION};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use vitrine_access::egress::EgressPolicy;

use super::*;

const P: EgressPurpose = EgressPurpose::Jwks;
const AUTHORITY: &[u8] = include_bytes!("../../tests/tls/authority.pem");
const SERVER: &[u8] = include_bytes!("../../tests/tls/server.pem");
const SERVER_KEY: &[u8] = include_bytes!("../../tests/tls/server-key.pem");

/// Knows one answer, whatever the name, and counts how often it was asked.
struct Fixed(Vec<IpAddr>, AtomicUsize);

#[async_trait]
impl Resolve for Fixed {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

fn fixed(addresses: &[&str]) -> Arc<Fixed> {
    let addresses = addresses.iter().map(|text| text.parse().unwrap());
    Arc::new(Fixed(addresses.collect(), AtomicUsize::new(0)))
}

/// A server on loopback that gives the same answer to everybody and remembers what it was asked.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: impl Fn(u16) -> String, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, heard) = (answer(port), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &tls {
                    None => serve(stream, &answer, &heard).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, &answer, &heard).await;
                        }
                    }
                }
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &str,
    seen: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    seen.lock()
        .unwrap()
        .push(String::from_utf8(head).unwrap().to_lowercase());
    // A client that has read enough may have gone.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

fn client(policy: EgressPolicy, resolver: &Arc<Fixed>) -> GuardedClient {
    GuardedClient::with(policy, Arc::clone(resolver) as _, RootCertStore::empty())
}

fn host(policy: EgressPolicy, rule: &str) -> EgressPolicy {
    policy.allow_host(P, rule).unwrap()
}

/// A policy that allows this name on this port, and loopback addresses.
fn named(name: &str, port: u16) -> EgressPolicy {
    host(EgressPolicy::default(), &format!("http://{name}:{port}"))
        .allow_network(P, "127.0.0.0/8")
        .unwrap()
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_checked_address_is_reached() {
    let server = Server::start(|_| ok("keys"), None).await;
    let resolver = fixed(&["127.0.0.1"]);
    let client = client(named("keys.example.com", server.port), &resolver);
    let url = format!("http://keys.example.com:{}/a?b#c", server.port);
    let answer = client.fetch(OutgoingRequest::get(P, &url)).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (200, &b"keys"[..])
    );
    assert_eq!(resolver.1.load(Ordering::SeqCst), 1);
    let seen = server.seen();
    assert!(seen[0].starts_with("get /a?b http/1.1\r\n"), "{seen:?}");
    assert!(seen[0].contains(&format!("host: keys.example.com:{}", server.port)));
}

#[tokio::test]
async fn a_name_with_any_address_inside_is_not_contacted() {
    let server = Server::start(|_| ok("secret"), None).await;
    let policy = host(
        EgressPolicy::default(),
        &format!("http://keys.example.com:{}", server.port),
    );
    for addresses in [
        &["127.0.0.1"][..],
        &["93.184.215.14", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
    ] {
        let client = client(policy.clone(), &fixed(addresses));
        let url = format!("http://keys.example.com:{}/", server.port);
        let refused = client.fetch(OutgoingRequest::get(P, &url)).await;
        assert!(
            matches!(
                refused,
                Err(OutgoingError::Forbidden(
                    EgressError::AddressNotAllowed { .. }
                ))
            ),
            "{addresses:?}"
        );
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn nothing_goes_out_that_no_rule_names() {
    let server = Server::start(|_| ok("secret"), None).await;
    let client = client(EgressPolicy::default(), &fixed(&["127.0.0.1"]));
    let url = format!("http://127.0.0.1:{}/", server.port);
    let refused = client.fetch(OutgoingRequest::get(P, &url)).await;
    assert!(matches!(refused, Err(OutgoingError::Forbidden(_))));
    let refused = NoWayOut.fetch(OutgoingRequest::get(P, &url)).await;
    assert!(matches!(refused, Err(OutgoingError::Forbidden(_))));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn each_redirect_is_checked_again_and_takes_no_credential_to_another_host() {
    let inside = Server::start(|_| ok("inside"), None).await;
    let port = inside.port;
    let outer = Server::start(
        |_| redirect(&format!("http://b.example.com:{port}/x")),
        None,
    )
    .await;
    let url = format!("http://a.example.com:{}/", outer.port);
    let request = || {
        OutgoingRequest::get(P, &url)
            .header(AUTHORIZATION, HeaderValue::from_static("Bearer s3cret"))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
    };
    let only_outer = client(named("a.example.com", outer.port), &fixed(&["127.0.0.1"]));
    let refused = only_outer.fetch(request()).await;
    assert!(matches!(refused, Err(OutgoingError::Forbidden(_))));
    assert!(inside.seen().is_empty());

    let both = host(
        named("a.example.com", outer.port),
        &format!("http://b.example.com:{port}"),
    );
    let both = client(both, &fixed(&["127.0.0.1"]));
    let answer = both.fetch(request()).await.unwrap();
    assert_eq!(&answer.body[..], b"inside");
    assert!(answer.url.ends_with("/x"), "{}", answer.url);
    let seen = inside.seen();
    assert!(!seen[0].contains("s3cret"), "{seen:?}");
    assert!(seen[0].contains("application/json"), "{seen:?}");
    let plain = both.fetch(request().redirects_max(0)).await.unwrap();
    assert_eq!(plain.status.as_u16(), 302);
}

#[tokio::test]
async fn redirects_in_a_circle_come_to_an_end() {
    let server = Server::start(
        |port| redirect(&format!("http://a.example.com:{port}/")),
        None,
    )
    .await;
    let client = client(named("a.example.com", server.port), &fixed(&["127.0.0.1"]));
    let url = format!("http://a.example.com:{}/", server.port);
    let refused = client.fetch(OutgoingRequest::get(P, &url)).await;
    assert!(matches!(refused, Err(OutgoingError::Redirect { .. })));
    assert_eq!(server.seen().len(), usize::from(OUTGOING_REDIRECTS_MAX) + 1);
}

#[tokio::test]
async fn an_answer_of_exactly_the_bound_is_read_and_one_byte_more_is_not() {
    let server = Server::start(|_| ok(&"x".repeat(100)), None).await;
    let client = client(named("a.example.com", server.port), &fixed(&["127.0.0.1"]));
    let url = format!("http://a.example.com:{}/", server.port);
    let fetch = |max| client.fetch(OutgoingRequest::get(P, &url).bytes_max(max));
    assert_eq!(fetch(100).await.unwrap().body.len(), 100);
    assert!(matches!(
        fetch(99).await,
        Err(OutgoingError::TooLarge { max: 99 })
    ));
}

#[tokio::test]
async fn a_server_that_never_answers_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = client(named("a.example.com", port), &fixed(&["127.0.0.1"]));
    let request = OutgoingRequest::get(P, format!("http://a.example.com:{port}/"));
    let refused = client
        .fetch(request.time_max(Duration::from_millis(50)))
        .await;
    assert!(matches!(
        refused,
        Err(OutgoingError::TooSlow { max_ms: 50 })
    ));
}

#[tokio::test]
async fn a_server_must_prove_its_name_to_an_authority_that_we_know() {
    let certificate = CertificateDer::from_pem_slice(SERVER).unwrap();
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let server = Server::start(|_| ok("keys"), Some(acceptor)).await;
    let port = server.port;
    let mut known = RootCertStore::empty();
    known.add_parsable_certificates(CertificateDer::from_pem_slice(AUTHORITY));
    let policy = host(
        host(EgressPolicy::default(), &format!("keys.example.com:{port}")),
        &format!("other.example.com:{port}"),
    );
    let policy = policy.allow_network(P, "127.0.0.1").unwrap();
    let fetch = |name: &str, roots: &RootCertStore| {
        let client = GuardedClient::with(policy.clone(), fixed(&["127.0.0.1"]), roots.clone());
        let request = OutgoingRequest::get(P, format!("https://{name}:{port}/"));
        async move { client.fetch(request).await }
    };
    assert_eq!(
        &fetch("keys.example.com", &known).await.unwrap().body[..],
        b"keys"
    );
    for (name, roots) in [
        ("other.example.com", &known),
        ("keys.example.com", &RootCertStore::empty()),
    ] {
        let refused = fetch(name, roots).await;
        assert!(matches!(refused, Err(OutgoingError::Tls { .. })), "{name}");
    }
    assert_eq!(server.seen().len(), 1);
}
