//! Signing in at a provider: what opens an account, and all that must not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;
use vitrine_access::ids::UserId;
use vitrine_access::limits::PROVIDER_SIGN_IN_TTL;
use vitrine_access::oauth::Challenge;
use vitrine_service::outgoing::{Outgoing, OutgoingAnswer, OutgoingError, OutgoingRequest};
use vitrine_service::platform::{CONSOLE_CLIENT, NewUser};
use vitrine_service::providers::{ClientKey, IDENTITIES_MAX, PROVIDER_RETRY, SignInProvider};

use crate::app::{Answer, Call, PUBLIC_URL, Plan, TestApp, plans_for_both_databases};
use crate::second_factors::{self, PASSWORD};

const ISSUER: &str = "https://login.example.com";
const OTHER_ISSUER: &str = "https://other.example.com";
const COOKIE: &str = "__Host-vitrine-sign-in";

/// What the provider would be asked for by its code.
struct Asked {
    challenge: Challenge,
    redirect: String,
    claims: Value,
}

/// A provider's server, honest unless a test says otherwise.
struct TheirServer {
    key: EcdsaKeyPair,
    codes: Mutex<HashMap<String, Asked>>,
    header: Mutex<Value>,
    description: Mutex<Value>,
    down: Mutex<bool>,
    asked: AtomicUsize,
    count: AtomicUsize,
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl TheirServer {
    fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            codes: Mutex::default(),
            header: Mutex::new(json!({ "alg": "ES256", "kid": "k", "typ": "JWT" })),
            description: Mutex::new(json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"),
                "jwks_uri": format!("{ISSUER}/keys"),
            })),
            down: Mutex::new(false),
            asked: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
        }
    }

    fn describe(&self, member: &str, value: Value) {
        self.description.lock().unwrap()[member] = value;
    }

    fn signed(&self, claims: &Value) -> String {
        let header = self.header.lock().unwrap();
        let text = [&*header, claims]
            .map(|part| base64url(part.to_string()))
            .join(".");
        let signature = self
            .key
            .sign(&SystemRandom::new(), text.as_bytes())
            .unwrap();
        format!("{text}.{}", base64url(signature.as_ref()))
    }

    fn keys(&self) -> Value {
        let point = self.key.public_key().as_ref();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "kid": "k", "use": "sig",
            "x": base64url(&point[1..33]), "y": base64url(&point[33..]),
        }] })
    }

    /// Somebody signs in on the provider's page; the query with which they are sent back.
    fn sign_in(
        &self,
        location: &str,
        app: &TestApp,
        change: impl FnOnce(&mut Value),
    ) -> Vec<(String, String)> {
        let url = Url::parse(location).unwrap();
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["client_id"], "vitrine");
        let now = app.services.now().unix_s();
        let mut claims = json!({
            "iss": ISSUER, "aud": "vitrine", "sub": "ada-at-acme", "nonce": asked["nonce"],
            "iat": now, "exp": now + 300, "name": "Ada",
            "email": "ada@example.com", "email_verified": true,
        });
        change(&mut claims);
        let code = format!("code-{}", self.count.fetch_add(1, Ordering::SeqCst));
        let grant = Asked {
            challenge: Challenge::parse(&asked["code_challenge"]).unwrap(),
            redirect: asked["redirect_uri"].clone(),
            claims,
        };
        self.codes.lock().unwrap().insert(code.clone(), grant);
        vec![
            ("code".to_owned(), code),
            ("state".to_owned(), asked["state"].clone()),
        ]
    }

    fn token(&self, request: &OutgoingRequest) -> (u16, Value) {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body)
            .into_owned()
            .collect();
        let proof = STANDARD.encode("vitrine:hush");
        let authorized = request
            .headers
            .get("authorization")
            .is_some_and(|value| value.to_str().unwrap() == format!("Basic {proof}"));
        assert!(authorized, "the server proves who it is");
        let refused = (400, json!({ "error": "invalid_grant" }));
        let Some(grant) = self.codes.lock().unwrap().remove(&form["code"]) else {
            return refused;
        };
        if !grant.challenge.fits(&form["code_verifier"]) || grant.redirect != form["redirect_uri"] {
            return refused;
        }
        let tokens = json!({
            "access_token": "theirs", "token_type": "Bearer", "expires_in": 300,
            "id_token": self.signed(&grant.claims),
        });
        (200, tokens)
    }
}

struct Wire(Arc<TheirServer>);

impl Outgoing for Wire {
    fn fetch<'a, 'b>(
        &'a self,
        request: OutgoingRequest,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<OutgoingAnswer, OutgoingError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let server = &self.0;
            server.asked.fetch_add(1, Ordering::SeqCst);
            if *server.down.lock().unwrap() {
                return Err(OutgoingError::TooSlow { max_ms: 1 });
            }
            assert_eq!(request.redirects_max, 0);
            let described = server.description.lock().unwrap().clone();
            let (status, body) = match request.url.as_str() {
                "https://login.example.com/.well-known/openid-configuration" => (200, described),
                "https://login.example.com/keys" => (200, server.keys()),
                "https://login.example.com/token" => server.token(&request),
                other => panic!("nobody asks {other}"),
            };
            Ok(OutgoingAnswer {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: body.to_string().into(),
                url: request.url,
            })
        })
    }
}

fn provider() -> SignInProvider {
    SignInProvider {
        name: "acme".to_owned(),
        title: "Acme".to_owned(),
        issuer: ISSUER.to_owned(),
        client: "vitrine".to_owned(),
        secret: Some(ClientKey::new("hush".to_owned())),
        link_by_email: false,
        create_users: false,
        email_domains: Vec::new(),
    }
}

struct World {
    app: TestApp,
    server: Arc<TheirServer>,
}

/// A browser that was sent to the provider.
struct Sent {
    location: String,
    cookie: String,
}

fn cookie_of(answer: &Answer) -> Option<String> {
    let mut values = answer.headers.get_all("set-cookie").iter();
    let found = values.find_map(|value| {
        let text = value.to_str().unwrap();
        let rest = text.strip_prefix(COOKIE)?.strip_prefix('=')?;
        for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
            assert!(text.split("; ").any(|one| one == attribute), "{text}");
        }
        rest.split(';').next()
    });
    found
        .filter(|value| !value.is_empty())
        .map(ToOwned::to_owned)
}

fn query_of(pairs: &[(String, String)]) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(pairs);
    out.finish()
}

impl World {
    async fn new(change: impl FnOnce(&mut SignInProvider)) -> Self {
        Self::on(Plan::new(), change).await
    }

    async fn on(plan: Plan, change: impl FnOnce(&mut SignInProvider)) -> Self {
        let server = Arc::new(TheirServer::new());
        let mut acme = provider();
        change(&mut acme);
        let other = SignInProvider {
            name: "other".to_owned(),
            title: "Other".to_owned(),
            issuer: OTHER_ISSUER.to_owned(),
            ..provider()
        };
        let app = plan
            .settings(|settings| settings.sign_in_providers = vec![acme, other])
            .outgoing(Arc::new(Wire(Arc::clone(&server))))
            .start()
            .await;
        Self { app, server }
    }

    async fn begin(&self) -> Sent {
        let answer = self.app.send(Call::post("/oauth/providers/acme")).await;
        Self::sent(&answer.expect(200))
    }

    fn sent(answer: &Answer) -> Sent {
        Sent {
            location: answer.json()["data"]["location"]
                .as_str()
                .unwrap()
                .to_owned(),
            cookie: cookie_of(answer).unwrap(),
        }
    }

    /// The browser comes back; where it is sent on to, and its cookie.
    async fn back(&self, query: &[(String, String)], cookie: &str) -> (String, Option<String>) {
        self.back_to("acme", query, cookie).await
    }

    async fn back_to(
        &self,
        name: &str,
        query: &[(String, String)],
        cookie: &str,
    ) -> (String, Option<String>) {
        let call = Call::get(&format!(
            "/oauth/providers/{name}/callback?{}",
            query_of(query)
        ));
        let call = call.header("cookie", format!("{COOKIE}={cookie}"));
        let answer = self.app.send(call).await.expect(303);
        let place = answer.header("location").unwrap();
        let place = place.strip_prefix(&format!("{PUBLIC_URL}/#/")).unwrap();
        (place.to_owned(), cookie_of(&answer))
    }

    fn finish_call(cookie: &str, otp: Option<&str>) -> Call {
        let body = json!({
            "grant_type": "urn:vitrine:provider", "client_id": CONSOLE_CLIENT, "otp": otp,
        });
        Call::post("/oauth/token")
            .json(&body)
            .header("cookie", format!("{COOKIE}={cookie}"))
    }

    /// From the button to the tokens, or to the word for what went wrong.
    async fn whole(&self, change: impl FnOnce(&mut Value)) -> Result<String, String> {
        let sent = self.begin().await;
        let query = self.server.sign_in(&sent.location, &self.app, change);
        let (place, cookie) = self.back(&query, &sent.cookie).await;
        if let Some(word) = place.strip_prefix("not-signed-in/") {
            assert!(cookie.is_none());
            return Err(word.to_owned());
        }
        assert_eq!(place, "signed-in");
        let call = Self::finish_call(&cookie.unwrap(), None).origin(PUBLIC_URL);
        let answer = self.app.send(call).await.expect(200);
        Ok(text(&answer.json()["access_token"]))
    }

    async fn user(&self, name: &str, administrator: bool) -> UserId {
        let new = NewUser {
            email: format!("{name}@example.com"),
            name: name.to_owned(),
            password: PASSWORD.to_owned(),
            administrator,
        };
        self.app.services.create_user(new).await.unwrap().id
    }

    async fn link(&self, user: UserId, token: &str, password: Option<&str>) -> Answer {
        let path = format!("/api/v1/users/{user}/identities");
        let call = Call::post(&path).json(&json!({ "provider": "acme", "password": password }));
        self.app.send(call.bearer(token)).await
    }

    /// Ada, with her account linked.
    async fn linked(&self) -> (UserId, String) {
        let (ada, token) = second_factors::user(&self.app, "ada").await;
        let sent = Self::sent(&self.link(ada, &token, Some(PASSWORD)).await.expect(200));
        let query = self.server.sign_in(&sent.location, &self.app, |_| ());
        let (place, _) = self.back(&query, &sent.cookie).await;
        assert_eq!(place, "account/linked");
        (ada, token)
    }

    async fn ways(&self, user: UserId, token: &str) -> Value {
        let call = Call::get(&format!("/api/v1/users/{user}/identities")).bearer(token);
        self.app.send(call).await.expect(200).json()["data"].clone()
    }

    async fn unlink(&self, user: UserId, token: &str, id: &str, password: Option<&str>) -> Answer {
        let path = format!("/api/v1/users/{user}/identities/{id}/remove");
        let call = Call::post(&path).json(&json!({ "password": password }));
        self.app.send(call.bearer(token)).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn subject(token: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    text(&claims["sub"])
}

#[tokio::test]
async fn a_linked_identity_signs_in_and_the_same_subject_elsewhere_does_not() {
    for plan in plans_for_both_databases("a_linked_identity_signs_in").await {
        let world = World::on(plan, |_| ()).await;
        // Until it is linked nobody is known, whatever address the provider names.
        assert_eq!(
            world.whole(|_| ()).await,
            Err("identity-unknown".to_owned())
        );
        let (ada, token) = world.linked().await;
        let signed = world.whole(|_| ()).await.unwrap();
        assert_eq!(subject(&signed), ada.to_string());
        // The address is not what counts.
        let signed = world.whole(|claims| {
            claims["email"] = json!("somebody@example.com");
            claims["email_verified"] = json!(false);
        });
        assert_eq!(subject(&signed.await.unwrap()), ada.to_string());
        let other = world.whole(|claims| claims["sub"] = json!("bob-at-acme"));
        assert_eq!(other.await, Err("identity-unknown".to_owned()));
        let ways = world.ways(ada, &token).await;
        assert_eq!(ways["has_password"], true);
        assert_eq!(ways["identities"][0]["provider"], "acme");
        assert_eq!(ways["identities"][0]["email"], "ada@example.com");
        let page = world.app.send(Call::get("/")).await.expect(200).text();
        assert!(page.contains(r#"{"name":"acme","title":"Acme"}"#), "{page}");
        world.app.finish().await;
    }
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_at_the_provider_that_was_asked() {
    const INVALID: &str = "not-signed-in/provider-sign-in-invalid";
    let world = World::new(|_| ()).await;
    world.linked().await;
    let sent = world.begin().await;
    let query = world.server.sign_in(&sent.location, &world.app, |_| ());
    let asked = world.server.asked.load(Ordering::SeqCst);
    // Another browser, which has begun a sign-in of its own, or none.
    let other = world.begin().await;
    for cookie in [other.cookie.as_str(), "", "AAAA"] {
        assert_eq!(world.back(&query, cookie).await, (INVALID.to_owned(), None));
    }
    // The other provider's address: its answers are not this one's.
    let mixed = world.back_to("other", &query, &sent.cookie).await;
    assert_eq!(mixed.0, INVALID);
    let unknown = world.back_to("nobody", &query, &sent.cookie).await;
    assert_eq!(unknown.0, "not-signed-in/provider-unknown");
    let mut altered = query.clone();
    altered[1].1.push('A');
    assert_eq!(world.back(&altered, &sent.cookie).await.0, INVALID);
    assert_eq!(world.back(&query[..1], &sent.cookie).await.0, INVALID);
    // Nothing of that reached the provider.
    assert_eq!(world.server.asked.load(Ordering::SeqCst), asked);
    let (place, cookie) = world.back(&query, &sent.cookie).await;
    assert_eq!(place, "signed-in");
    // Once.
    assert_eq!(world.back(&query, &sent.cookie).await.0, INVALID);
    // The next step is for our own page, and once too.
    let cookie = cookie.unwrap();
    let foreign = World::finish_call(&cookie, None).origin("https://evil.example");
    let refused = world.app.send(foreign).await.expect(400).json();
    assert_eq!(refused["code"], "provider-sign-in-invalid");
    let first = world.begin().await;
    let asked = World::finish_call(&first.cookie, None).origin(PUBLIC_URL);
    world.app.send(asked).await.expect(400);
    let own = || World::finish_call(&cookie, None).origin(PUBLIC_URL);
    let answers = tokio::join!(world.app.send(own()), world.app.send(own()));
    let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    world.app.finish().await;
}

#[tokio::test]
async fn a_sign_in_that_takes_too_long_is_over_at_both_steps() {
    let world = World::new(|_| ()).await;
    world.linked().await;
    let sent = world.begin().await;
    world.app.pass(PROVIDER_SIGN_IN_TTL);
    let query = world.server.sign_in(&sent.location, &world.app, |_| ());
    let (place, _) = world.back(&query, &sent.cookie).await;
    assert_eq!(place, "not-signed-in/provider-sign-in-invalid");
    let sent = world.begin().await;
    let query = world.server.sign_in(&sent.location, &world.app, |_| ());
    let (_, cookie) = world.back(&query, &sent.cookie).await;
    world.app.pass(PROVIDER_SIGN_IN_TTL);
    let call = World::finish_call(&cookie.unwrap(), None).origin(PUBLIC_URL);
    world.app.send(call).await.expect(400);
    // What was used and is over is forgotten, and stays good for nothing.
    world.app.services.forget_old_rows().await.unwrap();
    assert_eq!(
        world.back(&query, &sent.cookie).await.0,
        "not-signed-in/provider-sign-in-invalid"
    );
    world.app.finish().await;
}

#[tokio::test]
async fn tokens_that_answer_something_else_sign_nobody_in() {
    let world = World::new(|_| ()).await;
    world.linked().await;
    let now = world.app.services.now().unix_s();
    for (member, value) in [
        ("nonce", json!("of-another-sign-in")),
        ("nonce", Value::Null),
        ("aud", json!("somebody-else")),
        ("aud", json!(["vitrine", "somebody-else"])),
        ("azp", json!("somebody-else")),
        ("iss", json!(OTHER_ISSUER)),
        ("iss", json!("https://login.example.com/")),
        ("exp", json!(now - 61)),
        ("iat", json!(now + 120)),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("sub", json!("")),
    ] {
        let refused = world.whole(|claims| claims[member] = value.clone()).await;
        assert_eq!(
            refused,
            Err("provider-answer-invalid".to_owned()),
            "{member} {value}"
        );
    }
    for header in [
        json!({ "alg": "none", "kid": "k" }),
        json!({ "alg": "HS256", "kid": "k" }),
        json!({ "alg": "RS256", "kid": "k" }),
        json!({ "alg": "ES256", "kid": "another" }),
        json!({ "alg": "ES256", "kid": "k", "typ": "at+jwt" }),
        json!({ "alg": "ES256", "kid": "k", "jwk": world.server.keys()["keys"][0] }),
    ] {
        *world.server.header.lock().unwrap() = header.clone();
        let refused = world.whole(|_| ()).await;
        assert_eq!(
            refused,
            Err("provider-answer-invalid".to_owned()),
            "{header}"
        );
    }
    *world.server.header.lock().unwrap() = json!({ "alg": "ES256", "kid": "k" });
    world.whole(|_| ()).await.unwrap();
    world.app.finish().await;
}

#[tokio::test]
async fn an_answer_names_the_provider_that_was_asked_where_it_names_any() {
    const INVALID: &str = "not-signed-in/provider-answer-invalid";
    let world = World::new(|_| ()).await;
    world.linked().await;
    let answer = async |issuer: Option<&str>| {
        let sent = world.begin().await;
        let mut query = world.server.sign_in(&sent.location, &world.app, |_| ());
        query.extend(issuer.map(|issuer| ("iss".to_owned(), issuer.to_owned())));
        world.back(&query, &sent.cookie).await.0
    };
    assert_eq!(answer(None).await, "signed-in");
    assert_eq!(answer(Some(ISSUER)).await, "signed-in");
    assert_eq!(answer(Some(OTHER_ISSUER)).await, INVALID);
    // A provider that says it names itself always does.
    world.server.describe(
        "authorization_response_iss_parameter_supported",
        json!(true),
    );
    world.app.pass(Duration::from_hours(1));
    assert_eq!(answer(Some(ISSUER)).await, "signed-in");
    assert_eq!(answer(None).await, INVALID);
    // What it refuses is not for us to tell.
    let sent = world.begin().await;
    let mut query = world.server.sign_in(&sent.location, &world.app, |_| ());
    query[0] = ("error".to_owned(), "access_denied".to_owned());
    query.push(("iss".to_owned(), ISSUER.to_owned()));
    query.push((
        "error_description".to_owned(),
        "<script>alert(1)</script>".to_owned(),
    ));
    let (place, _) = world.back(&query, &sent.cookie).await;
    assert_eq!(place, "not-signed-in/provider-denied");
    world.app.finish().await;
}

#[tokio::test]
async fn the_browser_is_sent_to_the_provider_with_one_address_to_come_back_to_and_nowhere_else() {
    let world = World::new(|_| ()).await;
    let call =
        Call::post("/oauth/providers/acme?redirect_uri=https%3A%2F%2Fevil.example&next=%2F%2Fevil")
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .json(&json!({ "redirect_uri": "https://evil.example" }));
    let sent = World::sent(&world.app.send(call).await.expect(200));
    let url = Url::parse(&sent.location).unwrap();
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(
        query["redirect_uri"],
        format!("{PUBLIC_URL}/oauth/providers/acme/callback")
    );
    assert_eq!(query["scope"], "openid email profile");
    assert!(sent.location.starts_with(&format!("{ISSUER}/authorize?")));
    // Neither verifier nor nonce nor state can be read from the cookie, and each is new.
    for word in ["state", "nonce"] {
        assert!(!sent.cookie.contains(&query[word]));
        assert_eq!(query[word].len(), 43);
    }
    let again = world.begin().await;
    assert_ne!(again.location, sent.location);
    for next in [
        "//evil.example",
        "https://evil.example/",
        "\\\\evil",
        "javascript:alert(1)",
    ] {
        let mut query = world.server.sign_in(&again.location, &world.app, |_| ());
        for name in ["next", "redirect_uri", "return_to"] {
            query.push((name.to_owned(), next.to_owned()));
        }
        let (place, _) = world.back(&query, &again.cookie).await;
        assert!(place.starts_with("not-signed-in/"), "{place}");
    }
    world
        .app
        .send(Call::post("/oauth/providers/nobody"))
        .await
        .expect(404);
    // Looking at the head of the answer would use the state up unseen.
    let head = Call::new("HEAD", "/oauth/providers/acme/callback?state=a");
    world.app.send(head).await.expect(405);
    world.app.finish().await;
}

#[tokio::test]
async fn a_first_sign_in_is_linked_by_a_verified_address_of_a_named_domain_only_where_wanted() {
    for plan in plans_for_both_databases("a_first_sign_in_is_linked").await {
        let world = World::on(plan, |one| {
            one.link_by_email = true;
            one.email_domains = vec!["example.com".to_owned()];
        })
        .await;
        let ada = world.user("ada", false).await;
        world.user("root", true).await;
        for (member, value) in [
            ("email_verified", json!(false)),
            ("email_verified", json!("true")),
            ("email", json!("ada@sub.example.com")),
            ("email", json!("ada@example.com.evil.example")),
            ("email", json!("nobody@example.com")),
            ("email", Value::Null),
            // What concerns everybody is not given by somebody else's word.
            ("email", json!("root@example.com")),
        ] {
            let refused = world.whole(|claims| claims[member] = value.clone()).await;
            assert_eq!(
                refused,
                Err("identity-unknown".to_owned()),
                "{member} {value}"
            );
        }
        let signed = world
            .whole(|claims| claims["email"] = json!("Ada@Example.com"))
            .await;
        assert_eq!(subject(&signed.unwrap()), ada.to_string());
        // From now on it is the subject that counts: another one with the address is linked beside it.
        let signed = world.whole(|claims| claims["email"] = json!("nobody@example.com"));
        assert_eq!(subject(&signed.await.unwrap()), ada.to_string());
        // Bounded at its value and one above.
        for n in 1..IDENTITIES_MAX {
            let signed = world.whole(|claims| claims["sub"] = json!(format!("ada-{n}")));
            signed.await.unwrap();
        }
        let refused = world
            .whole(|claims| claims["sub"] = json!("one more"))
            .await;
        assert_eq!(refused, Err("request-invalid".to_owned()));
        world.app.finish().await;
    }
}

#[tokio::test]
async fn an_account_is_made_for_a_verified_address_only_where_wanted() {
    let world = World::new(|one| {
        one.create_users = true;
        one.email_domains = vec!["example.com".to_owned()];
    })
    .await;
    let refused = world
        .whole(|claims| claims["email_verified"] = json!(false))
        .await;
    assert_eq!(refused, Err("identity-unknown".to_owned()));
    let signed = world.whole(|_| ()).await.unwrap();
    let user = world
        .app
        .services
        .find_user(Some("ada@example.com"))
        .await
        .unwrap();
    assert_eq!(subject(&signed), user.id.to_string());
    assert_eq!((user.name.as_str(), user.administrator), ("Ada", false));
    // An account that is there is not taken over, by another person of the same address.
    let refused = world.whole(|claims| claims["sub"] = json!("another")).await;
    assert_eq!(refused, Err("identity-unknown".to_owned()));
    world.app.finish().await;
}

#[tokio::test]
async fn the_last_way_into_an_account_cannot_be_removed() {
    for plan in plans_for_both_databases("the_last_way_into_an_account").await {
        let world = World::on(plan, |one| {
            one.create_users = true;
            one.link_by_email = true;
            one.email_domains = vec!["*".to_owned()];
        })
        .await;
        let token = world.whole(|_| ()).await.unwrap();
        let user: UserId = subject(&token).parse().unwrap();
        let first = text(&world.ways(user, &token).await["identities"][0]["id"]);
        let refused = world.unlink(user, &token, &first, None).await.expect(403);
        assert_eq!(refused.json()["error"]["code"], "last-way-in");
        // With another one either can go, and then the other one is the last.
        world
            .whole(|claims| claims["sub"] = json!("again"))
            .await
            .unwrap();
        let ways = world.ways(user, &token).await;
        let second = text(&ways["identities"][1]["id"]);
        let one = world.unlink(user, &token, &first, None);
        let other = world.unlink(user, &token, &second, None);
        let answers = tokio::join!(one, other);
        let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(
            statuses,
            [200, 403],
            "{} {}",
            answers.0.text(),
            answers.1.text()
        );
        // Without a password a sign-in stands in for it for ten minutes.
        world.app.pass(Duration::from_mins(10));
        let left = text(&world.ways(user, &token).await["identities"][0]["id"]);
        let refused = world.unlink(user, &token, &left, None).await.expect(403);
        assert_eq!(refused.json()["error"]["code"], "sign-in-stale");
        let refused = world.link(user, &token, None).await.expect(403);
        assert_eq!(refused.json()["error"]["code"], "sign-in-stale");
        world.app.finish().await;
    }
}

#[tokio::test]
async fn linking_and_removing_ask_for_the_password_and_removing_ends_every_other_sign_in() {
    let world = World::new(|_| ()).await;
    let (ada, token) = world.linked().await;
    let id = text(&world.ways(ada, &token).await["identities"][0]["id"]);
    let other = world.whole(|_| ()).await.unwrap();
    let sent = world.begin().await;
    let query = world.server.sign_in(&sent.location, &world.app, |_| ());
    let pending = world.back(&query, &sent.cookie).await.1.unwrap();
    for password in [None, Some("wrong")] {
        world.link(ada, &token, password).await.expect(401);
        world.unlink(ada, &token, &id, password).await.expect(401);
    }
    let (bob, bobs) = second_factors::user(&world.app, "bob").await;
    world
        .unlink(bob, &bobs, &id, Some(PASSWORD))
        .await
        .expect(404);
    world
        .unlink(ada, &bobs, &id, Some(PASSWORD))
        .await
        .expect(404);
    world
        .unlink(ada, &token, &id, Some(PASSWORD))
        .await
        .expect(200);
    world
        .unlink(ada, &token, &id, Some(PASSWORD))
        .await
        .expect(404);
    let me = |token: &str| Call::get(&format!("/api/v1/users/{ada}")).bearer(token);
    world.app.send(me(&other)).await.expect(401);
    world.app.send(me(&token)).await.expect(200);
    // One that was between its two steps goes no further.
    let call = World::finish_call(&pending, None).origin(PUBLIC_URL);
    world.app.send(call).await.expect(400);
    assert_eq!(
        world.whole(|_| ()).await,
        Err("identity-unknown".to_owned())
    );
    world.app.finish().await;
}

#[tokio::test]
async fn an_identity_belongs_to_one_account_and_is_linked_by_a_sign_in_that_lasts() {
    let world = World::new(|_| ()).await;
    let (ada, token) = world.linked().await;
    let (bob, bobs) = second_factors::user(&world.app, "bob").await;
    let sent = World::sent(&world.link(bob, &bobs, Some(PASSWORD)).await.expect(200));
    let query = world.server.sign_in(&sent.location, &world.app, |_| ());
    assert_eq!(
        world.back(&query, &sent.cookie).await.0,
        "not-signed-in/identity-taken"
    );
    // Linked once more by the account that has it, nothing changes.
    let sent = World::sent(&world.link(ada, &token, Some(PASSWORD)).await.expect(200));
    let query = world.server.sign_in(&sent.location, &world.app, |_| ());
    assert_eq!(world.back(&query, &sent.cookie).await.0, "account/linked");
    assert_eq!(
        world.ways(ada, &token).await["identities"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // Whoever signs out has not begun it.
    let sent = World::sent(&world.link(bob, &bobs, Some(PASSWORD)).await.expect(200));
    let out = Call::post("/oauth/logout").bearer(&bobs);
    world.app.send(out).await.expect(200);
    let query = world.server.sign_in(&sent.location, &world.app, |claims| {
        claims["sub"] = json!("bob-at-acme");
    });
    assert_eq!(
        world.back(&query, &sent.cookie).await.0,
        "not-signed-in/token-revoked"
    );
    world.app.services.block_user(ada, true).await.unwrap();
    assert_eq!(
        world.whole(|_| ()).await,
        Err("identity-unknown".to_owned())
    );
    world.app.finish().await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_provider_too() {
    let world = World::new(|_| ()).await;
    let (ada, token) = world.linked().await;
    let secret = second_factors::begun(&world.app, ada, &token).await;
    second_factors::confirmed(&world.app, ada, &token, &secret).await;
    world.app.pass(Duration::from_secs(30));
    let sent = world.begin().await;
    let query = world.server.sign_in(&sent.location, &world.app, |_| ());
    let cookie = world.back(&query, &sent.cookie).await.1.unwrap();
    let with = |otp: Option<&str>| World::finish_call(&cookie, otp).origin(PUBLIC_URL);
    let refused = world.app.send(with(None)).await.expect(400).json();
    assert_eq!(refused["code"], "second-factor-missing");
    let refused = world
        .app
        .send(with(Some("000000")))
        .await
        .expect(400)
        .json();
    assert_eq!(refused["code"], "second-factor-invalid");
    let code = second_factors::code(&world.app, &secret);
    let answer = world.app.send(with(Some(&code))).await.expect(200);
    assert_eq!(
        subject(&text(&answer.json()["access_token"])),
        ada.to_string()
    );
    world.app.finish().await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_asked_again_after_a_while_and_not_before() {
    let world = World::new(|_| ()).await;
    world.linked().await;
    *world.server.down.lock().unwrap() = true;
    world.app.pass(Duration::from_hours(1));
    // What was known of it still counts.
    world.begin().await;
    world.app.pass(Duration::from_hours(24));
    let begin = || world.app.send(Call::post("/oauth/providers/acme"));
    let refused = begin().await.expect(503);
    assert_eq!(refused.json()["error"]["code"], "connector-failed");
    let asked = world.server.asked.load(Ordering::SeqCst);
    begin().await.expect(503);
    assert_eq!(world.server.asked.load(Ordering::SeqCst), asked);
    *world.server.down.lock().unwrap() = false;
    begin().await.expect(503);
    world.app.pass(PROVIDER_RETRY);
    begin().await.expect(200);
    world.app.take_errors();
    // Another issuer's description is none of this one's.
    world.server.describe("issuer", json!(OTHER_ISSUER));
    world.app.pass(Duration::from_hours(25));
    begin().await.expect(503);
    world.app.take_errors();
    world.app.finish().await;
}

#[tokio::test]
async fn sign_ins_at_providers_are_counted_with_the_others_of_an_address() {
    let world = World::new(|_| ()).await;
    let begin = |from: &str| {
        world
            .app
            .send(Call::post("/oauth/providers/acme").from(from))
    };
    for _ in 0..150 {
        begin("198.51.100.7").await.expect(200);
    }
    begin("198.51.100.7").await.expect(429);
    begin("198.51.100.8").await.expect(200);
    world.app.finish().await;
}
