//! `/authorize`: what a proxy in front of somebody else's back end asks, and what it is told.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use vitrine_access::audit::Decision;
use vitrine_access::forwarded::{ForwardedHeader, TrustedProxies};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, RequestId};
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::ticket::Ticket;
use vitrine_access::time::Timestamp;
use vitrine_service::ModelRecord;
use vitrine_service::models::ModelPatch;

use crate::app::{Answer, CUBE, Call, MASTER_KEY, Opened, Plan, SHOP, TestApp, until};

/// Where the trusted proxy of these tests stands.
pub(crate) const PROXY: &str = "10.0.0.1";
/// What most routes of these tests need; sessions of pages hold it.
const PERMISSION: &str = "cache.output.get.*";

/// A server behind a trusted proxy.
pub(crate) fn plan() -> Plan {
    Plan::new().settings(|settings| {
        settings.trusted_proxies =
            TrustedProxies::parse_all(&[PROXY], ForwardedHeader::default()).unwrap();
    })
}

/// A question as nginx asks it, without a credential.
pub(crate) fn question(model: ModelId) -> Call {
    asking(model, PERMISSION, "")
}

fn asking(model: ModelId, permission: &str, more: &str) -> Call {
    let path = format!("/authorize?model={model}&permission={permission}{more}");
    Call::get(&path)
        .from(PROXY)
        .header("x-original-method", "GET")
        .header("x-original-uri", "/files/a.bin")
}

/// Demands a status and a reason, and what all answers have in common.
#[track_caller]
fn expect(answer: Answer, status: u16, reason: &str) -> Answer {
    let seen = answer.header("x-vitrine-reason").unwrap_or_default();
    assert_eq!((answer.status.as_u16(), seen), (status, reason));
    assert!(answer.body.is_empty(), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
    let told = answer.header("x-vitrine-model").is_some();
    assert_eq!(told, status == 204, "identities are told of who may pass");
    answer
}

struct Shop {
    app: TestApp,
    model: ModelRecord,
    ticket: String,
    session: Opened,
}

impl Shop {
    async fn open() -> Self {
        let app = plan().start().await;
        let model = app.push("cube", CUBE).await;
        let ticket = app.ticket(&model).await;
        let session = app.open(&ticket).await;
        Self {
            app,
            model,
            ticket,
            session,
        }
    }

    async fn ask(&self, call: Call) -> Answer {
        self.app.send(call).await
    }

    /// A question with the session in its header.
    fn by_session(&self) -> Call {
        question(self.model.id).header("x-vitrine-session", &self.session.id)
    }

    fn ticket_id(&self) -> vitrine_access::ids::TicketId {
        let sealer = Sealer::new(&MasterKey::from_text(MASTER_KEY).unwrap());
        Ticket::open(&sealer, &self.ticket).unwrap().id
    }
}

#[tokio::test]
async fn a_session_of_the_routes_model_passes_and_the_back_end_learns_who_it_is() {
    let shop = Shop::open().await;
    let answer = expect(shop.ask(shop.by_session()).await, 204, "");
    let model = shop.model.id.to_string();
    let ticket = format!("ticket:{}", shop.ticket_id());
    let alias = shop.session.hash().alias().to_string();
    assert_eq!(answer.header("x-vitrine-model"), Some(model.as_str()));
    assert_eq!(answer.header("x-vitrine-subject"), Some(ticket.as_str()));
    let seen = answer.header("x-vitrine-session-alias");
    assert_eq!(seen, Some(alias.as_str()));
    let held = answer.header("x-vitrine-permissions").unwrap();
    assert!(held.split(' ').any(|word| word == PERMISSION), "{held}");
    let all = format!("{:?}", answer.headers);
    assert!(!all.contains(&shop.session.id), "the secret stays a secret");
    shop.app.finish().await;
}

#[tokio::test]
async fn nobody_but_a_trusted_proxy_is_answered() {
    let shop = Shop::open().await;
    for peer in ["192.0.2.7", "127.0.0.1", "10.0.0.2", "::1"] {
        for call in [
            shop.by_session().header("x-forwarded-for", PROXY),
            question(shop.model.id),
            Call::get("/authorize"),
            Call::post("/authorize/any/path"),
        ] {
            let answer = shop.ask(call.from(peer)).await;
            expect(answer, 403, "proxy-untrusted");
        }
    }
    shop.app.finish().await;
}

#[tokio::test]
async fn whoever_brings_nothing_or_nothing_good_is_asked_who_he_is() {
    let shop = Shop::open().await;
    let id = shop.model.id;
    let closed = shop.app.open(&shop.ticket).await;
    shop.ask(closed.close()).await.expect(200);
    let with = |name: &str, value: &str| question(id).header(name, value);
    for (call, reason) in [
        (question(id), "credential-missing"),
        (with("x-vitrine-session", ""), "credential-missing"),
        (with("cookie", "sid=1"), "credential-missing"),
        (with("x-vitrine-session", "x"), "session-malformed"),
        (with("x-vitrine-session", &"0".repeat(32)), "session-gone"),
        (with("x-vitrine-session", &closed.id), "session-gone"),
        (with("x-vitrine-ticket", "x"), "ticket-invalid"),
        (with("authorization", "Bearer x.y.z"), "token-invalid"),
        (with("authorization", "Basic eDp5"), "token-invalid"),
        (shop.by_session().bearer("x.y.z"), "token-invalid"),
    ] {
        let answer = expect(shop.ask(call).await, 401, reason);
        let challenge = answer.header("www-authenticate").unwrap();
        let names_error = challenge.contains("invalid_token");
        assert_eq!(names_error, reason != "credential-missing", "{challenge}");
    }
    shop.app.pass(Duration::from_hours(2));
    expect(shop.ask(shop.by_session()).await, 401, "session-gone");
    shop.app.finish().await;
}

#[tokio::test]
async fn a_good_credential_for_something_else_is_forbidden() {
    let shop = Shop::open().await;
    let other = shop.app.push("other", CUBE).await;
    let theirs = shop.app.open(&shop.app.ticket(&other).await).await;
    let token = shop.app.model_token(other.id);
    let powerless = shop
        .app
        .token(Subject::Model(shop.model.id), &["group.analytics"]);
    let id = shop.model.id;
    let absent = ModelId::new(shop.app.entropy());
    for (call, reason) in [
        (
            question(id).header("x-vitrine-session", &theirs.id),
            "wrong-model",
        ),
        (question(id).bearer(&token), "wrong-model"),
        (question(absent).bearer(&token), "wrong-model"),
        (shop.by_session().bearer(&token), "wrong-model"),
        (question(id).bearer(&powerless), "permission-missing"),
        (
            asking(id, "file.download", "").header("x-vitrine-session", &shop.session.id),
            "permission-missing",
        ),
        (
            question(absent).bearer(&shop.app.backend_token()),
            "model-unknown",
        ),
    ] {
        expect(shop.ask(call).await, 403, reason);
    }
    shop.app.finish().await;
}

#[tokio::test]
async fn a_token_passes_alone_or_beside_a_session_with_what_it_permits() {
    let shop = Shop::open().await;
    let id = shop.model.id;
    let token = shop.app.token(Subject::Model(id), &["file.download"]);
    let download = |call: Call| call.bearer(&token);
    let alone = download(asking(id, "file.download", ""));
    let answer = expect(shop.ask(alone).await, 204, "");
    let subject = format!("model:{id}");
    assert_eq!(answer.header("x-vitrine-subject"), Some(subject.as_str()));
    assert_eq!(answer.header("x-vitrine-session-alias"), None);
    assert_eq!(
        answer.header("x-vitrine-permissions"),
        Some("file.download")
    );
    let both = asking(id, "file.download", "").header("x-vitrine-session", &shop.session.id);
    expect(shop.ask(download(both)).await, 204, "");
    let backend = shop.app.backend_token();
    expect(shop.ask(question(id).bearer(&backend)).await, 204, "");

    // One output is not all of them.
    let narrow = shop.app.token(Subject::Model(id), &["compute.output.abc"]);
    for (permission, status, reason) in [
        ("compute.output.abc", 204, ""),
        ("compute.output.abd", 403, "permission-missing"),
        ("compute.output.*", 403, "permission-missing"),
    ] {
        let call = asking(id, permission, "").bearer(&narrow);
        expect(shop.ask(call).await, status, reason);
    }
    shop.app.finish().await;
}

#[tokio::test]
async fn a_model_that_demands_a_token_demands_it_here_too() {
    let shop = Shop::open().await;
    let demand = ModelPatch {
        require_token: Some(true),
        ..ModelPatch::default()
    };
    shop.app.update(shop.model.id, demand).await;
    expect(shop.ask(shop.by_session()).await, 401, "token-missing");
    let ticket = question(shop.model.id)
        .origin(SHOP)
        .header("x-vitrine-ticket", &shop.ticket);
    expect(shop.ask(ticket.clone()).await, 401, "token-missing");
    let view = shop
        .app
        .token(Subject::Model(shop.model.id), &["group.view"]);
    expect(shop.ask(shop.by_session().bearer(&view)).await, 204, "");
    expect(shop.ask(ticket.bearer(&view)).await, 204, "");
    shop.app.finish().await;
}

#[tokio::test]
async fn what_is_withdrawn_is_refused_by_the_next_answer() {
    let shop = Shop::open().await;
    let id = shop.model.id;
    let token = shop.app.model_token(id);
    let by_token = question(id).bearer(&token);
    let by_ticket = question(id)
        .origin(SHOP)
        .header("x-vitrine-ticket", &shop.ticket);
    for call in [shop.by_session(), by_token.clone(), by_ticket.clone()] {
        expect(shop.ask(call).await, 204, "");
    }
    let domains = |hosts: &[&str]| ModelPatch {
        accessdomains: Some(hosts.iter().map(|&host| host.to_owned()).collect()),
        ..ModelPatch::default()
    };
    shop.app.update(id, domains(&["elsewhere.example"])).await;
    expect(shop.ask(shop.by_session()).await, 401, "session-gone");
    expect(shop.ask(by_ticket.clone()).await, 403, "origin-not-allowed");
    shop.app.update(id, domains(&["shop.example.com"])).await;
    expect(shop.ask(shop.by_session()).await, 204, "");

    shop.app
        .services
        .revoke_ticket(shop.ticket_id())
        .await
        .unwrap();
    expect(shop.ask(shop.by_session()).await, 401, "session-gone");
    expect(shop.ask(by_ticket).await, 401, "ticket-revoked");

    let jti = shop.app.services.verify_token(&token).unwrap().token.id;
    shop.app.services.revoke_token(jti).await.unwrap();
    expect(shop.ask(by_token).await, 401, "token-revoked");
    shop.app.finish().await;
}

#[tokio::test]
async fn a_ticket_is_held_against_the_page_and_opens_nothing() {
    let shop = Shop::open().await;
    let id = shop.model.id;
    let asked = || question(id).header("x-vitrine-ticket", &shop.ticket);
    let store = shop.app.services.store();
    let ever = Timestamp::from_unix_ms(0);
    let before = store.live_sessions(id, ever).await.unwrap();
    let answer = expect(shop.ask(asked().origin(SHOP)).await, 204, "");
    assert_eq!(answer.header("x-vitrine-session-alias"), None);
    expect(shop.ask(asked()).await, 403, "origin-missing");
    let foreign = asked().origin("https://stranger.example.com");
    expect(shop.ask(foreign).await, 403, "origin-not-allowed");
    let twice = asked().origin(SHOP).origin(SHOP);
    expect(shop.ask(twice).await, 403, "origin-malformed");
    let other = shop.app.push("other", CUBE).await;
    let theirs = shop.app.ticket(&other).await;
    let wrong = question(id)
        .origin(SHOP)
        .header("x-vitrine-ticket", &theirs);
    expect(shop.ask(wrong).await, 403, "wrong-model");
    let backend = shop.app.backend_ticket(&shop.model).await;
    let server = question(id).header("x-vitrine-ticket", &backend);
    expect(shop.ask(server).await, 204, "");
    let after = store.live_sessions(id, ever).await.unwrap();
    assert_eq!(before.len(), after.len());
    shop.app.finish().await;
}

#[tokio::test]
async fn a_cookie_changes_something_for_the_models_own_pages_only() {
    let shop = Shop::open().await;
    let id = shop.model.id;
    let cookie = format!("theme=dark; sid={}", shop.session.id);
    let sent = |method: &str| {
        Call::get(&format!(
            "/authorize?model={id}&permission={PERMISSION}&cookie=sid"
        ))
        .from(PROXY)
        .header("x-original-method", method)
        .header("cookie", &cookie)
    };
    for method in ["GET", "HEAD"] {
        expect(shop.ask(sent(method)).await, 204, "");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
        expect(shop.ask(sent(method).origin(SHOP)).await, 204, "");
        expect(shop.ask(sent(method)).await, 403, "origin-missing");
        for (origin, reason) in [
            ("https://stranger.example.com", "origin-not-allowed"),
            ("http://shop.example.com", "origin-not-allowed"),
            ("null", "origin-not-allowed"),
            ("https://shop.example.com/", "origin-malformed"),
        ] {
            let answer = shop.ask(sent(method).origin(origin)).await;
            expect(answer, 403, reason);
        }
    }
    // Pages of others may open web sockets without asking first.
    let socket = sent("GET").header("sec-websocket-version", "13");
    let foreign = socket.clone().origin("https://stranger.example.com");
    expect(shop.ask(foreign).await, 403, "origin-not-allowed");
    expect(shop.ask(socket.origin(SHOP)).await, 204, "");
    // What a script has put into a header no foreign page can send.
    let header = shop.by_session().header("x-forwarded-method", "GET");
    expect(shop.ask(header).await, 204, "");
    shop.app.finish().await;
}

#[tokio::test]
async fn what_the_proxy_leaves_open_is_forbidden() {
    let shop = Shop::open().await;
    let id = shop.model.id;
    let bare = |path: &str| {
        Call::get(path)
            .from(PROXY)
            .header("x-vitrine-session", &shop.session.id)
    };
    for call in [
        bare("/authorize"),
        bare(&format!("/authorize?model={id}")),
        bare(&format!("/authorize?permission={PERMISSION}")),
        bare(&format!("/authorize?model={id}&permission=everything")),
        bare(&format!("/authorize?model={id}&permission=group.view")),
        bare(&format!("/authorize?model=cube&permission={PERMISSION}")),
        bare(&format!("/authorize/?model={id}&permission={PERMISSION}")),
        bare(&format!("/authorize/x?model={id}&permission={PERMISSION}")),
        shop.by_session().header("x-vitrine-model", id.to_string()),
        shop.by_session().header("x-original-method", "GET"),
        shop.by_session().header("x-original-uri", "/other"),
    ] {
        expect(shop.ask(call).await, 403, "route-invalid");
    }
    for call in [
        shop.by_session().header("x-vitrine-session", "0"),
        shop.by_session().header("x-vitrine-ticket", &shop.ticket),
    ] {
        expect(shop.ask(call).await, 403, "credential-unclear");
    }
    shop.app.finish().await;
}

/// What each proxy sends by the examples in `deploy/`, recorded header by header.
#[tokio::test]
async fn the_questions_of_nginx_traefik_and_envoy_are_understood() {
    let shop = Shop::open().await;
    let id = shop.model.id.to_string();
    let session = shop.session.id.as_str();
    let nginx = |method: &str| {
        Call::get(&format!(
            "/authorize?model={id}&permission={PERMISSION}&query=sid"
        ))
        .header("host", "vitrine")
        .header("x-original-method", method)
        .header("x-original-uri", format!("/files/a.bin?v=1&sid={session}"))
        .header("x-forwarded-for", "203.0.113.9")
        .header("user-agent", "Mozilla/5.0")
        .header("accept", "*/*")
    };
    let traefik = |method: &str| {
        Call::get(&format!(
            "/authorize?model={id}&permission={PERMISSION}&query=sid"
        ))
        .header("host", "vitrine:8080")
        .header("user-agent", "Mozilla/5.0")
        .header("accept-encoding", "gzip")
        .header("x-forwarded-method", method)
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "files.example.com")
        .header("x-forwarded-uri", format!("/a.bin?sid={session}"))
        .header("x-forwarded-for", "203.0.113.9")
    };
    let envoy = |method: &str| {
        Call::new(
            method,
            &format!("/authorize/files/a.bin?sid={session}&model=x"),
        )
        .header("host", "files.example.com")
        .header("content-length", "0")
        .header("x-vitrine-model", &id)
        .header("x-vitrine-permission", PERMISSION)
        .header("x-vitrine-query", "sid")
        .header("x-forwarded-for", "203.0.113.9")
        .header("x-envoy-internal", "true")
        .header("x-envoy-expected-rq-timeout-ms", "250")
    };
    for method in ["GET", "POST", "DELETE"] {
        for call in [nginx(method), traefik(method), envoy(method)] {
            let answer = shop.ask(call.from(PROXY)).await;
            expect(answer, 204, "");
        }
    }
    let root = Call::get("/authorize/")
        .from(PROXY)
        .header("x-vitrine-model", &id)
        .header("x-vitrine-permission", PERMISSION)
        .header("x-vitrine-session", session);
    expect(shop.ask(root).await, 204, "");
    shop.app.finish().await;
}

#[tokio::test]
async fn every_refusal_stands_in_the_audit_trail_under_its_request() {
    let shop = Shop::open().await;
    let unasked = Call::get("/authorize").from(PROXY);
    let stranger = question(shop.model.id);
    for (call, reason, address) in [
        (question(shop.model.id), "credential-missing", PROXY),
        (unasked, "route-invalid", PROXY),
        (stranger.from("192.0.2.7"), "proxy-untrusted", "192.0.2.7"),
        (
            question(shop.model.id).header("x-forwarded-for", "203.0.113.9"),
            "credential-missing",
            "203.0.113.9",
        ),
    ] {
        let answer = shop.ask(call).await;
        let request: RequestId = answer.header("x-request-id").unwrap().parse().unwrap();
        let events = until("the trail is written", || async {
            let store = shop.app.services.store();
            let events = store.audit_by_request(request).await.unwrap();
            Some(events).filter(|events| !events.is_empty())
        })
        .await;
        let [event] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(event.operation, "Authorize");
        assert_eq!(event.decision, Decision::Refused);
        assert_eq!(event.reason, reason);
        assert_eq!(event.address.as_deref(), Some(address));
    }
    shop.app.finish().await;
}

/// Invariant 6: an answer that is there at the first look has waited for no database.
#[tokio::test]
async fn a_warm_question_waits_for_nothing() {
    let shop = Shop::open().await;
    let token = shop.app.model_token(shop.model.id);
    let by_ticket = question(shop.model.id)
        .origin(SHOP)
        .header("x-vitrine-ticket", &shop.ticket);
    for call in [
        shop.by_session(),
        question(shop.model.id).bearer(&token),
        by_ticket,
    ] {
        expect(shop.ask(call.clone()).await, 204, "");
        let mut looked = Context::from_waker(Waker::noop());
        let asked = pin!(shop.ask(call));
        match asked.poll(&mut looked) {
            Poll::Ready(answer) => expect(answer, 204, ""),
            Poll::Pending => panic!("a warm question waited"),
        };
    }
    shop.app.finish().await;
}
