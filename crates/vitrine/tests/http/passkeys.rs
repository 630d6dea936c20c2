//! Passkeys: what signs somebody in, and all that must not. The authenticator is a program of the test's own.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vitrine_access::ids::UserId;
use vitrine_access::limits::{
    PASSKEY_CLIENT_DATA_BYTES_MAX, PASSKEY_CREDENTIAL_BYTES_MAX, PASSKEY_TTL,
};
use vitrine_service::passkeys::PASSKEYS_MAX;
use vitrine_service::platform::CONSOLE_CLIENT;

use crate::app::{Answer, Call, PUBLIC_URL, Plan, TestApp, plans_for_both_databases};
use crate::second_factors::{self, PASSWORD};

const HOST: &str = "vitrine.example";
/// Somebody is there and has unlocked it.
const UNLOCKED: u8 = 0x05;

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An authenticator with one key, and what it says of a ceremony.
struct Authenticator {
    key: EcdsaKeyPair,
    credential: Vec<u8>,
    user: Vec<u8>,
    counter: u32,
    host: &'static str,
    origin: &'static str,
    flags: u8,
}

impl Authenticator {
    fn new(user: UserId, credential: &str) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: credential.as_bytes().to_vec(),
            user: user.as_bytes().to_vec(),
            counter: 0,
            host: HOST,
            origin: PUBLIC_URL,
            flags: UNLOCKED,
        }
    }

    fn client(&self, ceremony: &str, challenge: &str) -> String {
        json!({
            "type": ceremony, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        })
        .to_string()
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.host.as_bytes()).as_ref().to_vec();
        data.push(self.flags | flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    /// The public key, as COSE writes it.
    fn cose(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..]);
        [
            &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32],
            x,
            &[0x22, 0x58, 32],
            y,
        ]
        .concat()
    }

    fn made(&self, challenge: &str, cose: &[u8]) -> Value {
        let mut data = self.head(0x40);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend_from_slice(&self.credential);
        data.extend_from_slice(cose);
        json!({
            "name": "Phone", "client_data": text(self.client("webauthn.create", challenge)),
            "authenticator_data": text(data),
        })
    }

    fn signed(&self, client: &str) -> Value {
        let data = self.head(0);
        let hash = digest(&SHA256, client.as_bytes());
        let message = [&data, hash.as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).unwrap();
        json!({
            "id": text(&self.credential), "client_data": text(client), "authenticator_data": text(data),
            "signature": text(signature.as_ref()), "user_handle": text(&self.user),
        })
    }

    fn proof(&self, challenge: &str) -> Value {
        self.signed(&self.client("webauthn.get", challenge))
    }
}

fn path(user: UserId, rest: &str) -> String {
    format!("/api/v1/users/{user}/passkeys{rest}")
}

async fn begin(app: &TestApp, user: UserId, token: &str) -> Value {
    let call = Call::post(&path(user, "/begin")).json(&json!({ "password": PASSWORD }));
    app.send(call.bearer(token)).await.expect(200).json()["data"].clone()
}

async fn challenge_for(app: &TestApp, user: UserId, token: &str) -> String {
    begin(app, user, token).await["challenge"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn add(app: &TestApp, user: UserId, token: &str, body: &Value) -> Answer {
    app.send(Call::post(&path(user, "")).json(body).bearer(token))
        .await
}

/// A user with a passkey.
async fn with_passkey(app: &TestApp, name: &str) -> (UserId, String, Authenticator) {
    let (user, token) = second_factors::user(app, name).await;
    let authenticator = Authenticator::new(user, name);
    let challenge = challenge_for(app, user, &token).await;
    let body = authenticator.made(&challenge, &authenticator.cose());
    add(app, user, &token, &body).await.expect(200);
    (user, token, authenticator)
}

async fn asked(app: &TestApp) -> String {
    let answer = app
        .send(Call::post("/oauth/passkey"))
        .await
        .expect(200)
        .json();
    assert_eq!(answer["data"]["rp_id"], HOST);
    answer["data"]["challenge"].as_str().unwrap().to_owned()
}

fn sign_in(proof: &Value) -> Call {
    Call::post("/oauth/token").json(&json!({
        "grant_type": "urn:vitrine:passkey", "client_id": CONSOLE_CLIENT, "passkey": proof,
    }))
}

async fn refused(app: &TestApp, proof: &Value, why: &str) {
    let answer = app.send(sign_in(proof)).await;
    assert_eq!(answer.status.as_u16(), 400, "{why}: {}", answer.text());
    assert_eq!(answer.json()["code"], "passkey-invalid", "{why}");
}

#[tokio::test]
async fn a_passkey_signs_its_owner_in_without_a_password_or_a_second_factor() {
    for plan in plans_for_both_databases("a_passkey_signs_its_owner_in").await {
        let app = plan.start().await;
        let (ada, token, mut phone) = with_passkey(&app, "ada").await;
        let secret = second_factors::begun(&app, ada, &token).await;
        second_factors::confirmed(&app, ada, &token, &secret).await;
        for counter in [0, 1, 7] {
            phone.counter = counter;
            let proof = phone.proof(&asked(&app).await);
            let signed = app.send(sign_in(&proof)).await.expect(200).json();
            let token = signed["access_token"].as_str().unwrap();
            let me = Call::get(&format!("/api/v1/users/{ada}")).bearer(token);
            app.send(me).await.expect(200);
        }
        let listed = app.send(Call::get(&path(ada, "")).bearer(&token)).await;
        let listed = listed.expect(200).json()["data"].clone();
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert_eq!(listed[0]["name"], "Phone");
        assert!(listed[0]["used_at"].is_number());
        // What was asked for has everything that a browser needs, and names the key that is there.
        let wanted = begin(&app, ada, &token).await;
        assert_eq!(wanted["rp"]["id"], HOST);
        assert_eq!(wanted["user"]["id"], text(ada.as_bytes()));
        assert_eq!(wanted["exclude"], json!([text("ada")]));
        app.finish().await;
    }
}

#[tokio::test]
async fn what_is_signed_elsewhere_or_by_nobody_signs_nobody_in() {
    let app = TestApp::start().await;
    let (_, _, mut phone) = with_passkey(&app, "ada").await;
    let (bob, _, bobs) = with_passkey(&app, "bob").await;
    for origin in [
        "https://evil.example",
        "http://vitrine.example",
        "https://vitrine.example:8443",
        "https://sub.vitrine.example",
    ] {
        phone.origin = origin;
        refused(&app, &phone.proof(&asked(&app).await), origin).await;
    }
    phone.origin = PUBLIC_URL;
    phone.host = "evil.example";
    refused(&app, &phone.proof(&asked(&app).await), "another server").await;
    phone.host = HOST;
    for flags in [0x01, 0x04, 0x00] {
        phone.flags = flags;
        refused(&app, &phone.proof(&asked(&app).await), "not unlocked").await;
    }
    phone.flags = UNLOCKED;
    let challenge = asked(&app).await;
    let framed = json!({
        "type": "webauthn.get", "challenge": challenge, "origin": PUBLIC_URL, "crossOrigin": true,
    });
    refused(&app, &phone.signed(&framed.to_string()), "in a frame").await;
    let other = phone.client("webauthn.create", &challenge);
    refused(&app, &phone.signed(&other), "another ceremony").await;
    let twice = format!(
        "{}{}",
        r#"{"type":"webauthn.get","#,
        &phone.client("webauthn.get", &challenge)[1..]
    );
    refused(&app, &phone.signed(&twice), "a member twice").await;
    // Another user's key under the name of this one, and the other way round.
    let mut mixed = bobs.proof(&challenge);
    mixed["id"] = json!(text("ada"));
    refused(&app, &mixed, "another key").await;
    let mut mixed = phone.proof(&challenge);
    mixed["user_handle"] = json!(text(bob.as_bytes()));
    refused(&app, &mixed, "another user").await;
    let stranger = Authenticator::new(bob, "nobody's");
    refused(&app, &stranger.proof(&challenge), "not known").await;
    let proof = phone.proof(&challenge);
    for member in ["client_data", "authenticator_data", "signature"] {
        let mut altered = proof.clone();
        let mut bytes = URL_SAFE_NO_PAD
            .decode(proof[member].as_str().unwrap())
            .unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        altered[member] = json!(text(bytes));
        refused(&app, &altered, member).await;
    }
    app.send(sign_in(&json!({ "id": "*" }))).await.expect(400);
    app.send(sign_in(&Value::Null)).await.expect(400);
    app.send(sign_in(&proof)).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_challenge_is_ours_good_once_for_five_minutes_and_for_what_it_was_asked_for() {
    for plan in plans_for_both_databases("a_challenge_is_ours_good_once").await {
        let app = plan.start().await;
        let (ada, token, phone) = with_passkey(&app, "ada").await;
        let challenge = asked(&app).await;
        let proof = phone.proof(&challenge);
        let answers = tokio::join!(app.send(sign_in(&proof)), app.send(sign_in(&proof)));
        let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        refused(&app, &proof, "used").await;
        refused(&app, &phone.proof(&text([7; 80])), "not ours").await;
        let adding = challenge_for(&app, ada, &token).await;
        refused(&app, &phone.proof(&adding), "to add one").await;
        let late = asked(&app).await;
        app.pass(PASSKEY_TTL.saturating_sub(Duration::from_millis(1)));
        app.send(sign_in(&phone.proof(&late))).await.expect(200);
        let late = asked(&app).await;
        app.pass(PASSKEY_TTL);
        refused(&app, &phone.proof(&late), "late").await;
        app.finish().await;
    }
}

#[tokio::test]
async fn a_counter_that_does_not_go_on_is_that_of_a_copy() {
    let app = TestApp::start().await;
    let (_, _, mut phone) = with_passkey(&app, "ada").await;
    phone.counter = 5;
    app.send(sign_in(&phone.proof(&asked(&app).await)))
        .await
        .expect(200);
    for counter in [5, 4, 0] {
        phone.counter = counter;
        refused(&app, &phone.proof(&asked(&app).await), "it went back").await;
    }
    phone.counter = 6;
    app.send(sign_in(&phone.proof(&asked(&app).await)))
        .await
        .expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_passkey_is_added_by_whoever_knows_the_password_on_a_page_of_ours() {
    let app = TestApp::start().await;
    let (ada, token, phone) = with_passkey(&app, "ada").await;
    let (bob, bobs) = second_factors::user(&app, "bob").await;
    for password in [Value::Null, json!("wrong")] {
        let call = Call::post(&path(ada, "/begin")).json(&json!({ "password": password }));
        app.send(call.bearer(&token)).await.expect(401);
    }
    let made = Authenticator::new(ada, "new");
    let cose = made.cose();
    let challenge = challenge_for(&app, ada, &token).await;
    let body = made.made(&challenge, &cose);
    // Whose challenge it is, it says itself.
    add(&app, bob, &bobs, &body).await.expect(401);
    let ours = asked(&app).await;
    add(&app, ada, &token, &made.made(&ours, &cose))
        .await
        .expect(401);
    for change in 0..5 {
        let mut wrong = Authenticator::new(ada, "new");
        let mut key = wrong.cose();
        match change {
            0 => wrong.origin = "https://evil.example",
            1 => wrong.host = "evil.example",
            2 => wrong.flags = 0x01,
            // ES384, which was not asked for; and something after the key.
            3 => key[4] = 0x38,
            _ => key.push(0),
        }
        let refused = add(&app, ada, &token, &wrong.made(&challenge, &key)).await;
        assert_eq!(
            refused.expect(401).json()["error"]["code"],
            "passkey-invalid"
        );
    }
    let mut nameless = body.clone();
    nameless["name"] = json!(" ");
    add(&app, ada, &token, &nameless).await.expect(400);
    add(&app, ada, &token, &body).await.expect(200);
    add(&app, ada, &token, &body).await.expect(401);
    // A credential belongs to one account.
    let challenge = challenge_for(&app, bob, &bobs).await;
    let copied = phone.made(&challenge, &phone.cose());
    add(&app, bob, &bobs, &copied).await.expect(401);
    // Bounded at its value and one above.
    for n in 2..PASSKEYS_MAX {
        let next = Authenticator::new(ada, &format!("key {n}"));
        let challenge = challenge_for(&app, ada, &token).await;
        add(&app, ada, &token, &next.made(&challenge, &next.cose()))
            .await
            .expect(200);
    }
    let call = Call::post(&path(ada, "/begin")).json(&json!({ "password": PASSWORD }));
    app.send(call.bearer(&token)).await.expect(400);
    app.finish().await;
}

#[tokio::test]
async fn a_passkey_that_is_removed_signs_nobody_in_and_every_other_sign_in_ends() {
    let app = TestApp::start().await;
    let (ada, token, phone) = with_passkey(&app, "ada").await;
    let (bob, bobs) = second_factors::user(&app, "bob").await;
    let signed = app
        .send(sign_in(&phone.proof(&asked(&app).await)))
        .await
        .expect(200)
        .json();
    let other = signed["access_token"].as_str().unwrap().to_owned();
    let listed = app
        .send(Call::get(&path(ada, "")).bearer(&token))
        .await
        .json();
    let id = listed["data"][0]["id"].as_str().unwrap().to_owned();
    let remove = |user: UserId, token: &str, password: &str| {
        let call = Call::post(&path(user, &format!("/{id}/remove")));
        app.send(call.json(&json!({ "password": password })).bearer(token))
    };
    remove(bob, &bobs, PASSWORD).await.expect(404);
    remove(ada, &token, "wrong").await.expect(401);
    remove(ada, &token, PASSWORD).await.expect(200);
    remove(ada, &token, PASSWORD).await.expect(404);
    refused(&app, &phone.proof(&asked(&app).await), "removed").await;
    let me = |token: &str| Call::get(&format!("/api/v1/users/{ada}")).bearer(token);
    app.send(me(&other)).await.expect(401);
    app.send(me(&token)).await.expect(200);
    // Blocked, nobody comes in by any.
    let (carl, _, key) = with_passkey(&app, "carl").await;
    app.services.block_user(carl, true).await.unwrap();
    refused(&app, &key.proof(&asked(&app).await), "blocked").await;
    app.finish().await;
}

#[tokio::test]
async fn under_a_bare_address_no_passkey_is_asked_for() {
    let plan =
        Plan::new().settings(|settings| settings.public_url = "https://192.0.2.1".to_owned());
    let app = plan.start().await;
    app.send(Call::post("/oauth/passkey")).await.expect(400);
    let page = app.send(Call::get("/")).await.expect(200).text();
    assert!(page.contains(r#""passkeys":false"#), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn what_browsers_and_authenticators_write_is_bounded_at_n_and_not_at_n_plus_one() {
    let app = TestApp::start().await;
    let (ada, token, phone) = with_passkey(&app, "ada").await;
    for (length, status) in [
        (PASSKEY_CREDENTIAL_BYTES_MAX, 200),
        (PASSKEY_CREDENTIAL_BYTES_MAX + 1, 401),
    ] {
        let long = Authenticator::new(ada, &"k".repeat(length));
        let challenge = challenge_for(&app, ada, &token).await;
        let body = long.made(&challenge, &long.cose());
        add(&app, ada, &token, &body).await.expect(status);
    }
    for (length, good) in [
        (PASSKEY_CLIENT_DATA_BYTES_MAX, true),
        (PASSKEY_CLIENT_DATA_BYTES_MAX + 1, false),
    ] {
        // Browsers may add members, so that nobody compares texts.
        let plain = phone.client("webauthn.get", &asked(&app).await);
        let more = length - plain.len() - r#","x":"""#.len();
        let end = format!(r#","x":"{}"}}"#, "x".repeat(more));
        let client = format!("{}{end}", &plain[..plain.len() - 1]);
        assert_eq!(client.len(), length);
        let proof = phone.signed(&client);
        if good {
            app.send(sign_in(&proof)).await.expect(200);
        } else {
            refused(&app, &proof, "too long").await;
        }
    }
    app.finish().await;
}
