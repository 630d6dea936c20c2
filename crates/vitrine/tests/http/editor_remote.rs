//! Drawings that lie elsewhere, and what they must never lead to.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rustls::RootCertStore;
use serde_json::json;
use vitrine_access::egress::{EgressPolicy, EgressPurpose};
use vitrine_service::outgoing::{
    GuardedClient, Outgoing, OutgoingAnswer, OutgoingError, OutgoingRequest, Resolve,
};

use crate::app::{Answer, Plan, TestApp};
use crate::editor::{DXF, by, open, unsown, with_bucket};
use crate::partner::{Partner, generate, partner, token_of};

type Boxed<'b, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'b>>;

/// Another server: one file, what was asked, and what it was given.
#[derive(Default)]
struct Elsewhere {
    file: Mutex<Bytes>,
    asked: Mutex<Vec<(String, String, Vec<String>)>>,
}

struct Wire(Arc<Elsewhere>);

impl Outgoing for Wire {
    fn fetch<'a, 'b>(
        &'a self,
        request: OutgoingRequest,
    ) -> Boxed<'b, Result<OutgoingAnswer, OutgoingError>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let mut headers: Vec<String> = request
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect();
            headers.sort();
            let asked = (request.method.to_string(), request.url.clone(), headers);
            self.0.asked.lock().unwrap().push(asked);
            if request.method == "PUT" {
                *self.0.file.lock().unwrap() = request.body.clone();
            }
            Ok(OutgoingAnswer {
                status: if request.url.contains("missing") {
                    hyper::StatusCode::NOT_FOUND
                } else {
                    hyper::StatusCode::OK
                },
                headers: hyper::HeaderMap::new(),
                body: self.0.file.lock().unwrap().clone(),
                url: request.url,
            })
        })
    }
}

/// A server that reaches nothing but one other, which has this file.
async fn elsewhere(file: &'static str) -> (TestApp, Arc<Elsewhere>) {
    let there = Arc::new(Elsewhere::default());
    *there.file.lock().unwrap() = file.into();
    let wire = Arc::new(Wire(Arc::clone(&there)));
    (Plan::new().outgoing(wire).start().await, there)
}

async fn opened(app: &TestApp, partner: &Partner, parameters: &serde_json::Value) -> Answer {
    let generated = app
        .send(generate(&partner.key, &parameters.to_string()))
        .await;
    app.send(open(&token_of(&generated.expect(200)))).await
}

fn session(answer: &Answer) -> String {
    answer.json()["session"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_drawing_at_an_address_is_looked_at_and_never_saved() {
    let (app, there) = elsewhere(DXF).await;
    let acme = partner(&app, "acme", |_| {}).await;
    let url = "https://files.example.com/plans/house.dxf?signature=secret";
    let answer = opened(&app, &acme, &json!({ "fileUrl": url, "access": "edit" })).await;
    let state = answer.clone().expect(201).json();
    assert_eq!(
        (&state["access"], &state["title"]),
        (&json!("view"), &json!("house"))
    );
    for secret in ["files.example.com", "secret", "plans"] {
        assert!(!answer.text().contains(secret), "{secret}");
    }
    let session = session(&answer);
    let drawing = app.send(by("GET", "/editor/drawing", &session)).await;
    assert_eq!(drawing.expect(200).text(), DXF);
    let save = by("PUT", "/editor/drawing", &session)
        .header("if-match", state["etag"].as_str().unwrap())
        .body(DXF);
    app.send(save).await.expect(403);
    assert!(
        there
            .asked
            .lock()
            .unwrap()
            .iter()
            .all(|(method, ..)| method == "GET")
    );
    app.finish().await;
}

#[tokio::test]
async fn an_api_server_is_asked_with_its_users_credentials_and_given_what_was_saved() {
    let (app, there) = elsewhere(DXF).await;
    let acme = with_bucket(&app, "acme").await;
    let mut record = app.services.find_partner("acme").await.unwrap();
    record.settings.servers = vec!["api.acme.example".to_owned()];
    app.services.update_partner(record).await.unwrap();
    let parameters = json!({
        "server": "https://api.acme.example/base/", "file": "a/../b c", "access": "edit",
        "sessionId": "their-session", "token": "their-token",
    });
    let answer = opened(&app, &acme, &parameters).await.expect(201);
    for secret in ["api.acme", "their-", "b c"] {
        assert!(
            !answer
                .text()
                .replace("\"title\":\"b c\"", "")
                .contains(secret),
            "{secret}"
        );
    }
    let changed = DXF.replace("\n5\n 21", "\n9\n 21");
    let save = by("PUT", "/editor/drawing", &session(&answer))
        .header("if-match", answer.json()["etag"].as_str().unwrap())
        .body(changed.clone());
    app.send(save).await.expect(200);
    let given = String::from_utf8(there.file.lock().unwrap().to_vec()).unwrap();
    assert_eq!(unsown(&given), unsown(&changed));
    let url = "https://api.acme.example/base/files/a%2F..%2Fb%20c/diffs";
    for (_, asked, headers) in there.asked.lock().unwrap().iter() {
        assert_eq!(asked, url);
        assert!(
            headers.contains(&"sessionid: their-session".to_owned()),
            "{headers:?}"
        );
        assert!(
            headers.contains(&"token: their-token".to_owned()),
            "{headers:?}"
        );
        assert!(
            headers.iter().all(|line| !line.contains(&acme.key)),
            "{headers:?}"
        );
    }
    let again = opened(&app, &acme, &parameters).await.expect(201);
    let drawing = app
        .send(by("GET", "/editor/drawing", &session(&again)))
        .await;
    let drawing = drawing.expect(200);
    assert_eq!(unsown(&drawing.text()), unsown(&changed));
    assert_eq!(drawing.header("etag").map(|tag| &tag[..3]), Some("\"2-"));
    app.finish().await;
}

#[tokio::test]
async fn an_api_server_with_routes_and_headers_of_its_own_is_asked_by_those() {
    let (app, there) = elsewhere(DXF).await;
    let acme = with_bucket(&app, "acme").await;
    let mut record = app.services.find_partner("acme").await.unwrap();
    record.settings.servers = vec!["api.acme.example".to_owned()];
    for (name, text) in [
        ("read", "/drawings/content?name={file}"),
        ("write", "PUT /v2/{file}/versions"),
        ("session-header", "X-Acme-Session"),
        ("token-header", "authorization"),
    ] {
        record.settings.api_server.set(name, text).unwrap();
    }
    app.services.update_partner(record).await.unwrap();
    let parameters = json!({
        "server": "https://api.acme.example/base/?x=1#y", "file": "a/../b&c", "access": "edit",
        "sessionId": "their-session", "token": "Bearer their-token",
    });
    let answer = opened(&app, &acme, &parameters).await.expect(201);
    let changed = DXF.replace("\n5\n 21", "\n9\n 21");
    let save = by("PUT", "/editor/drawing", &session(&answer))
        .header("if-match", answer.json()["etag"].as_str().unwrap())
        .body(changed);
    app.send(save).await.expect(200);
    let mut asked = there.asked.lock().unwrap().clone();
    asked.dedup();
    let headers = |more: &[&str]| {
        let mut all = vec![
            "authorization: Bearer their-token",
            "x-acme-session: their-session",
        ];
        all.extend(more);
        all.sort_unstable();
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let base = "https://api.acme.example/base";
    let read = format!("{base}/drawings/content?name=a%2F..%2Fb%26c");
    let write = format!("{base}/v2/a%2F..%2Fb%26c/versions");
    assert!(
        asked.contains(&("GET".to_owned(), read, headers(&[]))),
        "{asked:?}"
    );
    let put = (
        "PUT".to_owned(),
        write,
        headers(&["content-type: image/vnd.dxf"]),
    );
    assert!(asked.contains(&put), "{asked:?}");
    assert_eq!(asked.len(), 2, "{asked:?}");
    for up in [".", ".."] {
        let mut parameters = parameters.clone();
        parameters["file"] = up.into();
        parameters["access"] = "edit".into();
        let answer = opened(&app, &acme, &parameters).await;
        // In the query of the route it is a name like any other.
        assert_eq!(answer.status.as_u16(), 201, "{}", answer.text());
    }
    app.finish().await;
}

#[tokio::test]
async fn no_name_of_a_file_is_a_way_up_on_an_api_server() {
    let (app, there) = elsewhere("").await;
    let acme = partner(&app, "acme", |settings| {
        settings.servers = vec!["api.acme.example".to_owned()];
    })
    .await;
    for file in [".", ".."] {
        let parameters = json!({ "server": "https://api.acme.example/base", "file": file });
        let answer = opened(&app, &acme, &parameters).await.expect(400);
        assert_eq!(answer.json()["code"], "request-invalid", "{file}");
    }
    assert!(there.asked.lock().unwrap().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_server_that_is_not_the_partners_is_not_asked() {
    let (app, there) = elsewhere("").await;
    let acme = partner(&app, "acme", |settings| {
        settings.servers = vec!["api.acme.example".to_owned()];
    })
    .await;
    for server in [
        "https://evil.example",
        "https://api.acme.example.evil.example",
        "https://api.acme.example@evil.example",
        "https://api.acme.example:8443",
        "http://api.acme.example",
        "https://evil.example#api.acme.example",
        "file:///etc",
        "//api.acme.example",
        "api.acme.example",
        "",
    ] {
        let parameters = json!({ "server": server, "file": "x" });
        let answer = opened(&app, &acme, &parameters).await;
        assert_eq!(answer.status.as_u16(), 400, "{server} {}", answer.text());
    }
    assert!(there.asked.lock().unwrap().is_empty());
    app.finish().await;
}

/// Answers a name with one address the first time it is asked, and with another from then on.
struct Rebinding {
    addresses: [IpAddr; 2],
    asked: AtomicUsize,
}

impl Resolve for Rebinding {
    fn resolve<'a, 'b, 'c>(&'a self, _: &'b str) -> Boxed<'c, io::Result<Vec<IpAddr>>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            let at = self.asked.fetch_add(1, Ordering::SeqCst).min(1);
            Ok(vec![self.addresses[at]])
        })
    }
}

async fn guarded(first: &str, then: &str) -> (TestApp, Arc<Rebinding>) {
    let resolver = Arc::new(Rebinding {
        addresses: [first.parse().unwrap(), then.parse().unwrap()],
        asked: AtomicUsize::new(0),
    });
    let policy = EgressPolicy::default().allow_any_public_host(EgressPurpose::FileUrl);
    let client = GuardedClient::with(policy, Arc::clone(&resolver) as _, RootCertStore::empty());
    let app = Plan::new().outgoing(Arc::new(client)).start().await;
    (app, resolver)
}

#[tokio::test]
async fn no_address_leads_into_the_servers_own_network() {
    let (app, _) = guarded("127.0.0.1", "127.0.0.1").await;
    let acme = partner(&app, "acme", |_| {}).await;
    for url in [
        "https://127.0.0.1/a.dxf",
        "https://127.1/a.dxf",
        "https://2130706433/a.dxf",
        "https://0x7f000001/a.dxf",
        "https://0177.0.0.1/a.dxf",
        "https://0/a.dxf",
        "https://localhost/a.dxf",
        "https://10.0.0.1/a.dxf",
        "https://172.16.0.1/a.dxf",
        "https://192.168.1.1/a.dxf",
        "https://169.254.169.254/latest/meta-data/a.dxf",
        "https://100.64.0.1/a.dxf",
        "https://[::1]/a.dxf",
        "https://[::]/a.dxf",
        "https://[fe80::1]/a.dxf",
        "https://[fd00::1]/a.dxf",
        "https://[::ffff:127.0.0.1]/a.dxf",
        "https://[::ffff:7f00:1]/a.dxf",
        "https://[64:ff9b::7f00:1]/a.dxf",
        "https://[2002:7f00:1::]/a.dxf",
        "https://[::127.0.0.1]/a.dxf",
        "https://[::ffff:10.0.0.1]/a.dxf",
        "https://[::ffff:0:127.0.0.1]/a.dxf",
        "https://[64:ff9b:1::7f00:1]/a.dxf",
        "https://[2001::7f00:1]/a.dxf",
        "https://[fec0::1]/a.dxf",
        "https://[ff02::1]/a.dxf",
        "https://[fe80::1%25eth0]/a.dxf",
        "https://0177.1/a.dxf",
        "https://0x7f.0x0.0x0.0x1/a.dxf",
        "https://017700000001/a.dxf",
        "https://127.0.0.1./a.dxf",
        "https://%31%32%37.0.0.1/a.dxf",
        "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/a.dxf",
        "https://192.0.2.1/a.dxf",
        "https://198.18.0.1/a.dxf",
        "https://224.0.0.1/a.dxf",
        "https://255.255.255.255/a.dxf",
        "https://metadata.google.internal/a.dxf",
        "https://files.example.com@127.0.0.1/a.dxf",
        "https://127.0.0.1\\@files.example.com/a.dxf",
        "https://rebound.example.com/a.dxf",
        "https://user:password@files.example.com/a.dxf",
        "http://files.example.com/a.dxf",
        "https://files.example.com:8443/a.dxf",
        "file:///etc/passwd",
        "gopher://127.0.0.1/a.dxf",
        "a.dxf",
        "",
    ] {
        let answer = opened(&app, &acme, &json!({ "fileUrl": url })).await;
        assert_eq!(answer.status.as_u16(), 400, "{url} {}", answer.text());
        assert_eq!(answer.json()["code"], "request-invalid", "{url}");
        let told = answer.json()["message"].as_str().unwrap().to_owned();
        let reasons = ["may not fetch", "cannot be opened", "cannot be asked"];
        let is_told = reasons.iter().any(|reason| told.contains(reason));
        assert!(is_told, "{url}: {told}");
        assert!(!answer.text().contains("127.0.0.1"), "{url}");
    }
    app.finish().await;
}

#[tokio::test]
async fn no_name_of_a_partners_server_leads_into_the_servers_own_network() {
    for inside in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "::ffff:192.168.0.1",
    ] {
        let resolver = Arc::new(Rebinding {
            addresses: [inside.parse().unwrap(), "93.184.216.34".parse().unwrap()],
            asked: AtomicUsize::new(0),
        });
        let policy = EgressPolicy::default()
            .allow_host(EgressPurpose::ApiServer, "api.acme.example")
            .unwrap();
        let client =
            GuardedClient::with(policy, Arc::clone(&resolver) as _, RootCertStore::empty());
        let app = Plan::new().outgoing(Arc::new(client)).start().await;
        let acme = partner(&app, "acme", |settings| {
            settings.servers = vec!["api.acme.example".to_owned()];
        })
        .await;
        let parameters = json!({ "server": "https://api.acme.example", "file": "x.dxf" });
        let answer = opened(&app, &acme, &parameters).await;
        assert_eq!(answer.status.as_u16(), 400, "{inside} {}", answer.text());
        assert!(answer.text().contains("may not fetch"), "{}", answer.text());
        assert!(!answer.text().contains(inside), "{}", answer.text());
        assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
        app.finish().await;
    }
}

/// A server on loopback that sends everybody on to `to`.
async fn sends_on(to: &'static str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4_096];
            // The head of a GET arrives in one piece; who sends none gets the same answer.
            let _ = stream.read(&mut head).await;
            let answer =
                format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

#[tokio::test]
async fn a_redirect_leads_into_the_servers_own_network_no_more_than_an_address_does() {
    for to in [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://2852039166/",
        "https://[fd00::1]/",
        "https://inside.example.com/",
        "http://files.example.com/",
        "file:///etc/passwd",
    ] {
        let port = sends_on(to).await;
        let resolver = Arc::new(Rebinding {
            addresses: ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()],
            asked: AtomicUsize::new(0),
        });
        let rule = format!("http://files.example.com:{port}");
        let policy = EgressPolicy::default()
            .allow_any_public_host(EgressPurpose::FileUrl)
            .allow_host(EgressPurpose::FileUrl, &rule)
            .and_then(|policy| policy.allow_network(EgressPurpose::FileUrl, "127.0.0.1"))
            .unwrap();
        let client =
            GuardedClient::with(policy, Arc::clone(&resolver) as _, RootCertStore::empty());
        let app = Plan::new().outgoing(Arc::new(client)).start().await;
        let acme = partner(&app, "acme", |_| {}).await;
        let url = format!("{rule}/a.dxf");
        let answer = opened(&app, &acme, &json!({ "fileUrl": url })).await;
        assert_eq!(answer.status.as_u16(), 400, "{to} {}", answer.text());
        assert!(answer.text().contains("may not fetch"), "{to}");
        assert!(!answer.text().contains("169.254"), "{to}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_a_second_answer_does_not_count() {
    // The second address would be reached if the name were resolved again after the check.
    let (app, resolver) = guarded("10.0.0.1", "93.184.216.34").await;
    let acme = partner(&app, "acme", |_| {}).await;
    let parameters = json!({ "fileUrl": "https://files.example.com/a.dxf" });
    let answer = opened(&app, &acme, &parameters).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text());
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_as_such() {
    let (app, _) = elsewhere("").await;
    let acme = partner(&app, "acme", |_| {}).await;
    let parameters = json!({ "fileUrl": "https://files.example.com/missing.dxf" });
    let answer = opened(&app, &acme, &parameters).await.expect(404);
    assert_eq!(answer.json()["code"], "entity-unknown");
    app.finish().await;
}
