//! What accounts are told when credits run out: by notification, and by webhook to receivers of every kind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};
use rustls::RootCertStore;
use serde_json::{Value, json};
use vitrine_access::caps::{CapScope, CapWindow};
use vitrine_access::egress::{EgressPolicy, EgressPurpose};
use vitrine_access::ids::UserId;
use vitrine_access::platform::Role;
use vitrine_service::outgoing::{
    GuardedClient, Outgoing, OutgoingAnswer, OutgoingError, OutgoingRequest, SystemResolver,
};

use crate::app::{CUBE, Call, Plan, TestApp, plans_for_both_databases};
use crate::platform::{access, key};
use crate::platform_models::post;
use crate::platform_roles::{join, organization};

type Boxed<'b, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'b>>;

/// A receiver that answers as it was told, and keeps what it was sent.
#[derive(Default)]
struct Receiver {
    /// What the next requests hear, the last one for ever.
    says: Mutex<Vec<Says>>,
    heard: Mutex<Vec<(HeaderMap, Bytes)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Status(u16),
    Nothing,
}

struct Wire(Arc<Receiver>);

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
            assert_eq!(request.purpose, EgressPurpose::Webhook);
            assert_eq!(request.redirects_max, 0, "a redirect is handed back");
            self.0
                .heard
                .lock()
                .unwrap()
                .push((request.headers.clone(), request.body.clone()));
            let says = {
                let mut says = self.0.says.lock().unwrap();
                if says.len() > 1 {
                    says.remove(0)
                } else {
                    says[0]
                }
            };
            match says {
                Says::Nothing => Err(OutgoingError::TooSlow { max_ms: 15_000 }),
                Says::Status(status) => Ok(OutgoingAnswer {
                    status: StatusCode::from_u16(status).unwrap(),
                    headers: HeaderMap::new(),
                    body: Bytes::new(),
                    url: request.url,
                }),
            }
        })
    }
}

fn receiver(says: &[Says]) -> Arc<Receiver> {
    Arc::new(Receiver {
        says: Mutex::new(says.to_vec()),
        heard: Mutex::default(),
    })
}

async fn webhook(app: &TestApp, token: &str, body: &Value) -> (String, String) {
    let made = app
        .send(post("/api/v1/webhooks", body, token))
        .await
        .expect(200)
        .json();
    let text = |name: &str| made["data"][name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

async fn states(app: &TestApp, token: &str, id: &str) -> Vec<(String, u64, String)> {
    let path = format!("/api/v1/webhooks/{id}/deliveries/query");
    let rows = app
        .send(post(&path, &json!({}), token))
        .await
        .expect(200)
        .json();
    let rows = rows["data"]["result"].as_array().unwrap().clone();
    let row = |row: &Value| {
        (
            row["state"].as_str().unwrap().to_owned(),
            row["attempts"].as_u64().unwrap(),
            row["answer"].as_str().unwrap_or_default().to_owned(),
        )
    };
    rows.iter().map(row).collect()
}

async fn notifications(app: &TestApp, token: &str, filters: &Value) -> Vec<Value> {
    let body = json!({ "filters": filters, "sorters": { "created_at": "asc" } });
    let call = post("/api/v1/notifications/query", &body, token);
    let page = app.send(call).await.expect(200).json();
    page["data"]["result"].as_array().unwrap().clone()
}

/// Charges an export request of a back end's session, one credit each.
async fn spend(app: &TestApp, model: &vitrine_store::ModelRecord, credits: usize) {
    let session = app.open_backend(&app.backend_ticket(model).await).await;
    for _ in 0..credits {
        app.send(session.compute(&json!({}))).await.expect(200);
    }
}

/// The signature as a receiver computes it, by the specification's own words.
fn signature(secret: &str, id: &str, at: &str, body: &[u8]) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let key = engine
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
    let tag = aws_lc_rs::hmac::sign(&key, &signed);
    format!("v1,{}", engine.encode(tag.as_ref()))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_share_of_a_cap_is_told_once_by_notification_and_signed_webhook() {
    for plan in plans_for_both_databases("each_share_of_a_cap_is_told_once").await {
        let heard = receiver(&[Says::Status(204)]);
        let plan: Plan = plan.outgoing(Arc::new(Wire(Arc::clone(&heard))));
        let mut app = plan.start().await;
        let user = UserId::new(app.entropy());
        let model = app.push_for(user, "mine", CUBE).await;
        let token = access(&app, &key(&app, Some(&user.to_string()), None).await).await;
        let other = UserId::new(app.entropy());
        app.push_for(other, "theirs", CUBE).await;
        let others = access(&app, &key(&app, Some(&other.to_string()), None).await).await;
        let hook = json!({ "url": "https://hooks.example.com/x" });
        let (id, secret) = webhook(&app, &token, &hook).await;
        let scope = CapScope::User(user);
        app.services
            .set_cap(scope, CapWindow::Day, 4)
            .await
            .unwrap();
        spend(&app, &model, 4).await;
        // What was said survives a restart before it was sent.
        app.restart().await;
        app.services.send_webhooks().await.unwrap();
        let told = notifications(&app, &token, &json!({})).await;
        let kinds: Vec<_> = told
            .iter()
            .map(|row| row["type"].as_str().unwrap())
            .collect();
        let mut sorted = kinds.clone();
        sorted.sort_unstable();
        let (warning, error) = ("credit-limit-warning", "credit-limit-error");
        assert_eq!(sorted, [error, warning, warning, warning]);
        assert!(
            told[0]["description"]
                .as_str()
                .unwrap()
                .contains("of 4 credits per day")
        );
        assert_eq!(
            notifications(&app, &others, &json!({})).await,
            Vec::<Value>::new()
        );
        let sent = std::mem::take(&mut *heard.heard.lock().unwrap());
        assert_eq!(sent.len(), 4);
        for (headers, body) in &sent {
            let header = |name: &str| headers[name].to_str().unwrap();
            let expected = signature(
                &secret,
                header("webhook-id"),
                header("webhook-timestamp"),
                body,
            );
            assert_eq!(header("webhook-signature"), expected);
            let body: Value = serde_json::from_slice(body).unwrap();
            assert_eq!(body["data"]["credits_max"], 4);
            assert!(body["type"].as_str().unwrap().starts_with("credit-limit-"));
        }
        app.services.send_webhooks().await.unwrap();
        assert!(heard.heard.lock().unwrap().is_empty(), "each is sent once");
        assert!(
            states(&app, &token, &id)
                .await
                .iter()
                .all(|(state, ..)| state == "done")
        );
        app.finish().await;
    }
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_with_longer_waits_and_given_up() {
    let says = [
        Says::Status(500),
        Says::Nothing,
        Says::Status(302),
        Says::Status(404),
    ];
    let heard = receiver(&says);
    let app = Plan::new()
        .outgoing(Arc::new(Wire(Arc::clone(&heard))))
        .start()
        .await;
    let user = UserId::new(app.entropy());
    app.push_for(user, "mine", CUBE).await;
    let account = key(&app, Some(&user.to_string()), None).await;
    let token = access(&app, &account).await;
    let (id, _) = webhook(
        &app,
        &token,
        &json!({ "url": "https://hooks.example.com/x" }),
    )
    .await;
    let path = format!("/api/v1/webhooks/{id}/test");
    app.send(post(&path, &json!({}), &token)).await.expect(200);
    let waits = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000];
    for (attempts, wait_s) in (1..).zip(waits) {
        if wait_s > 0 {
            app.pass(Duration::from_secs(wait_s - 1));
            assert_eq!(app.services.send_webhooks().await.unwrap(), 0, "too early");
            app.pass(Duration::from_secs(1));
        }
        assert_eq!(
            app.services.send_webhooks().await.unwrap(),
            1,
            "attempt {attempts}"
        );
        let token = access(&app, &account).await;
        let (state, made, answer) = states(&app, &token, &id).await.remove(0);
        assert_eq!(made, attempts);
        match attempts {
            2 => assert!(answer.contains("15000 ms"), "{answer}"),
            3 => assert!(answer.contains("redirects are not followed"), "{answer}"),
            _ => {}
        }
        assert_eq!(state, if attempts == 9 { "failed" } else { "waiting" });
    }
    app.pass(Duration::from_hours(1_000));
    assert_eq!(app.services.send_webhooks().await.unwrap(), 0, "given up");
    // The same id at every attempt, so that receivers know repetitions.
    let ids: Vec<String> = {
        let heard = heard.heard.lock().unwrap();
        let texts = heard.iter().map(|(headers, _)| &headers["webhook-id"]);
        texts.map(|id| id.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids.len(), 9);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_switched_off_hears_no_more() {
    let heard = receiver(&[Says::Status(410)]);
    let app = Plan::new()
        .outgoing(Arc::new(Wire(Arc::clone(&heard))))
        .start()
        .await;
    let user = UserId::new(app.entropy());
    app.push_for(user, "mine", CUBE).await;
    let token = access(&app, &key(&app, Some(&user.to_string()), None).await).await;
    let (id, secret) = webhook(
        &app,
        &token,
        &json!({ "url": "https://hooks.example.com/x" }),
    )
    .await;
    let test = format!("/api/v1/webhooks/{id}/test");
    app.send(post(&test, &json!({}), &token)).await.expect(200);
    app.services.send_webhooks().await.unwrap();
    assert_eq!(states(&app, &token, &id).await[0].0, "failed");
    app.send(post(&test, &json!({}), &token)).await.expect(400);
    let webhook = format!("/api/v1/webhooks/{id}");
    let patch = |body: &Value| Call::new("PATCH", &webhook).bearer(&token).json(body);
    let renewed = app
        .send(patch(&json!({ "active": true, "new_secret": true })))
        .await;
    let renewed = renewed.expect(200).json();
    assert_ne!(renewed["data"]["secret"], secret);
    // The secret is shown by what made it, and never again.
    let list = app
        .send(post("/api/v1/webhooks/query", &json!({}), &token))
        .await
        .expect(200);
    assert!(!list.text().contains("whsec_"), "{}", list.text());
    app.send(post(&test, &json!({}), &token)).await.expect(200);
    app.send(Call::new("DELETE", &webhook).bearer(&token))
        .await
        .expect(200);
    assert_eq!(app.services.send_webhooks().await.unwrap(), 0);
    app.finish().await;
}

#[tokio::test]
async fn no_webhook_leads_into_the_servers_own_network() {
    let policy = EgressPolicy::default().allow_any_public_host(EgressPurpose::Webhook);
    let client = GuardedClient::with(policy, Arc::new(SystemResolver), RootCertStore::empty());
    let app = Plan::new().outgoing(Arc::new(client)).start().await;
    let user = UserId::new(app.entropy());
    app.push_for(user, "mine", CUBE).await;
    let token = access(&app, &key(&app, Some(&user.to_string()), None).await).await;
    for url in [
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "http://10.0.0.1/x",
    ] {
        let (id, _) = webhook(&app, &token, &json!({ "url": url })).await;
        let test = format!("/api/v1/webhooks/{id}/test");
        app.send(post(&test, &json!({}), &token)).await.expect(200);
        app.services.send_webhooks().await.unwrap();
        let (state, attempts, answer) = states(&app, &token, &id).await.remove(0);
        assert_eq!(
            (state.as_str(), attempts),
            ("waiting", 1),
            "{url}: {answer}"
        );
        assert!(
            !answer.is_empty() && !answer.contains("meta-data"),
            "{answer}"
        );
        app.send(Call::new("DELETE", &format!("/api/v1/webhooks/{id}")).bearer(&token))
            .await
            .expect(200);
    }
    for url in ["", "x", "ftp://a.example/", "https://u:p@a.example/"] {
        let body = json!({ "url": url });
        app.send(post("/api/v1/webhooks", &body, &token))
            .await
            .expect(400);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_organizations_webhooks_are_its_administrators_and_are_bounded() {
    let app = TestApp::start().await;
    let acme = organization(&app, "Acme Ltd").await;
    let mut tokens = Vec::new();
    for (name, role) in [("admin", Role::Admin), ("manager", Role::Manager)] {
        let user = UserId::new(app.entropy());
        app.push_for(user, name, CUBE).await;
        join(&app, user, acme, role).await;
        tokens.push(access(&app, &key(&app, Some(&user.to_string()), None).await).await);
    }
    let stranger = UserId::new(app.entropy());
    app.push_for(stranger, "stranger", CUBE).await;
    tokens.push(access(&app, &key(&app, Some(&stranger.to_string()), None).await).await);
    let hook = json!({ "url": "https://hooks.example.com/x", "organization_id": acme.to_string() });
    let (id, _) = webhook(&app, &tokens[0], &hook).await;
    for (token, status) in [(&tokens[1], 403), (&tokens[2], 404)] {
        app.send(post("/api/v1/webhooks", &hook, token))
            .await
            .expect(status);
        app.send(post("/api/v1/webhooks/query", &hook, token))
            .await
            .expect(status);
        let path = format!("/api/v1/webhooks/{id}");
        app.send(Call::new("DELETE", &path).bearer(token))
            .await
            .expect(status);
        let path = format!("{path}/deliveries/query");
        app.send(post(&path, &json!({}), token))
            .await
            .expect(status);
    }
    for _ in 1..vitrine_service::webhooks::WEBHOOKS_MAX {
        webhook(&app, &tokens[0], &hook).await;
    }
    app.send(post("/api/v1/webhooks", &hook, &tokens[0]))
        .await
        .expect(400);
    app.finish().await;
}

#[tokio::test]
async fn notifications_are_read_counted_filtered_and_deleted_by_their_receiver_alone() {
    let app = TestApp::start().await;
    let user = UserId::new(app.entropy());
    let model = app.push_for(user, "mine", CUBE).await;
    let token = access(&app, &key(&app, Some(&user.to_string()), None).await).await;
    let scope = CapScope::Model(model.id);
    app.services
        .set_cap(scope, CapWindow::Hour, 2)
        .await
        .unwrap();
    spend(&app, &model, 2).await;
    let summary = async || {
        let call = Call::get("/api/v1/notifications/summary?embed=total,unread").bearer(&token);
        app.send(call).await.expect(200).json()["data"].clone()
    };
    let all = notifications(&app, &token, &json!({})).await;
    assert_eq!(summary().await, json!({ "total": 4, "unread": 4 }));
    let path = format!("/api/v1/notifications/{}", all[0]["id"].as_str().unwrap());
    let read = Call::new("PATCH", &path)
        .bearer(&token)
        .json(&json!({ "read": true }));
    assert_eq!(
        app.send(read).await.expect(200).json()["data"]["read"],
        true
    );
    assert_eq!(summary().await, json!({ "total": 4, "unread": 3 }));
    for (filters, count) in [
        (json!({ "read": false }), 3),
        (json!({ "level[=]": "error" }), 1),
        (
            json!({ "type[%]": "warning", "read[=]": true }),
            usize::from(all[0]["level"] == "warning"),
        ),
        (json!({ "model_id": model.id.to_string() }), 4),
    ] {
        assert_eq!(
            notifications(&app, &token, &filters).await.len(),
            count,
            "{filters}"
        );
    }
    let body = json!({ "sorters": { "updated_at": "asc" } });
    app.send(post("/api/v1/notifications/query", &body, &token))
        .await
        .expect(400);
    app.send(post("/api/v1/notifications/read_all", &json!({}), &token))
        .await
        .expect(200);
    assert_eq!(summary().await, json!({ "total": 4, "unread": 0 }));
    app.send(Call::new("DELETE", &path).bearer(&token))
        .await
        .expect(200);
    app.send(Call::get(&path).bearer(&token)).await.expect(404);
    assert_eq!(summary().await, json!({ "total": 3, "unread": 0 }));
    app.finish().await;
}

/// More rows than one page has, all at one instant.
async fn many_rows(app: &TestApp, model: &vitrine_store::ModelRecord) {
    let session = app.open(&app.ticket(model).await).await;
    let like = app.usage(&session).await.remove(0);
    let many: Vec<_> = (0..2_500)
        .map(|_| vitrine_access::UsageEvent {
            id: vitrine_access::UsageId::new(app.entropy()),
            ..like.clone()
        })
        .collect();
    app.services.store().append_usage(many).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_exported_whole_and_to_its_owner_alone() {
    for plan in plans_for_both_databases("usage_is_exported_whole").await {
        let app = plan.start().await;
        let user = UserId::new(app.entropy());
        let model = app.push_for(user, "mine", CUBE).await;
        let token = access(&app, &key(&app, Some(&user.to_string()), None).await).await;
        let patch = Call::new("PATCH", &format!("/api/v1/models/{}", model.id)).bearer(&token);
        let title = json!({ "title": "=HYPERLINK(\"http://x\",\"y\")" });
        app.send(patch.json(&title)).await.expect(200);
        spend(&app, &model, 3).await;
        many_rows(&app, &model).await;
        let get = async |query: &str, token: &str| {
            let address = format!("/api/v1/usage/export{query}");
            app.send(Call::get(&address).bearer(token)).await
        };
        let csv = get("", &token).await.expect(200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let text = String::from_utf8(csv.body.to_vec()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let ids: std::collections::BTreeSet<&str> = lines[1..]
            .iter()
            .map(|line| line.split(',').next().unwrap())
            .collect();
        assert!(
            lines[1..]
                .iter()
                .all(|line| line.contains("\"'=HYPERLINK(\"\"")),
            "{}",
            lines[1]
        );
        let batch = get("?format=cloudevents", &token).await.expect(200);
        let events: Vec<Value> = serde_json::from_slice(&batch.body).unwrap();
        let same: std::collections::BTreeSet<&str> = events
            .iter()
            .map(|event| event["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, same);
        assert_eq!((ids.len(), lines.len() - 1), (events.len(), events.len()));
        assert!(events.len() > 2_500);
        for event in &events {
            assert_eq!(event["specversion"], "1.0");
            assert!(
                event["type"]
                    .as_str()
                    .unwrap()
                    .starts_with("vitrine.usage.")
            );
        }
        let other = UserId::new(app.entropy());
        app.push_for(other, "theirs", CUBE).await;
        let others = access(&app, &key(&app, Some(&other.to_string()), None).await).await;
        let empty = get("", &others).await.expect(200).text();
        assert_eq!(empty.lines().count(), 1, "{empty}");
        let theirs: Vec<Value> =
            serde_json::from_str(&get("?format=cloudevents", &others).await.text()).unwrap();
        assert!(theirs.is_empty());
        get(&format!("?model_id={}", model.id), &others)
            .await
            .expect(404);
        get(&format!("?model_id={}", model.id), &token)
            .await
            .expect(200);
        get("?format=xml", &token).await.expect(400);
        app.finish().await;
    }
}
