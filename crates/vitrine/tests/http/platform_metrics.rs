//! Credit metrics against sums of their own.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vitrine_access::credits::{UsageEvent, UsageKind, credits_for};
use vitrine_access::ids::{ModelId, OrganizationId, UsageId};
use vitrine_access::owner::Owner;
use vitrine_access::platform::Role;
use vitrine_access::session::SessionClass;
use vitrine_access::time::Timestamp;

use crate::app::{TestApp, plans_for_both_databases};
use crate::platform_models::{operator, post};
use crate::platform_roles::{join, organization, somebody};

async fn model_of(app: &TestApp, slug: &str) -> ModelId {
    app.services.model_by_slug(slug).await.unwrap().unwrap().id
}

/// A generator that repeats itself.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// Random events of two owners, with clocks that jump and rows that are written twice.
fn events(
    app: &TestApp,
    dice: &mut Dice,
    owners: [Owner; 2],
    models: [ModelId; 2],
) -> Vec<UsageEvent> {
    let mut at = app.services.now().unix_ms() - 40 * 86_400_000;
    let mut events = Vec::new();
    for _ in 0..2_000 {
        at += i64::try_from(dice.roll(3_600_000)).unwrap() - 600_000;
        let whose = usize::try_from(dice.roll(2)).unwrap();
        let kind = UsageKind::ALL[usize::try_from(dice.roll(7)).unwrap()];
        let class =
            [SessionClass::Limited, SessionClass::Default][usize::try_from(dice.roll(2)).unwrap()];
        let duration_ms = dice.roll(45_000);
        let event = UsageEvent {
            id: UsageId::new(app.entropy()),
            kind,
            credits: credits_for(kind, class, duration_ms),
            count: 1,
            duration_ms,
            owner: owners[whose],
            payer: owners[whose].payer(),
            model: models[whose],
            ticket: None,
            token: None,
            subject: None,
            session: None,
            class,
            at: Timestamp::from_unix_ms(at),
        };
        if dice.roll(10) == 0 {
            events.push(event.clone());
        }
        events.push(event);
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_equal_an_independent_sum_of_the_rows() {
    for plan in plans_for_both_databases("metrics_equal_an_independent_sum_of_the_rows").await {
        let app = plan.start().await;
        let acme = organization(&app, "Acme Ltd").await;
        let (me, token) = somebody(&app, "me").await;
        let (other, _) = somebody(&app, "other").await;
        join(&app, me, acme, Role::Manager).await;
        let owners = [
            Owner {
                user: me,
                organization: Some(acme),
            },
            Owner {
                user: other,
                organization: Some(OrganizationId::new(app.entropy())),
            },
        ];
        let models = [model_of(&app, "me").await, model_of(&app, "other").await];
        let events = events(&app, &mut Dice(7), owners, models);
        let first = events.iter().map(|event| event.at).min().unwrap().unix_s();
        let last = events.iter().map(|event| event.at).max().unwrap().unix_s() + 1;
        for some in events.chunks(500) {
            app.services
                .store()
                .append_usage(some.to_vec())
                .await
                .unwrap();
        }
        let mut once: BTreeMap<[u8; 16], &UsageEvent> = BTreeMap::new();
        for event in events.iter().filter(|event| event.owner.user == me) {
            once.insert(*event.id.as_bytes(), event);
        }
        for (word, digits) in [("hour", 10), ("day", 8), ("month", 6)] {
            let mut expected: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
            for event in once.values() {
                let stamp = event.at.to_digits14()[..digits].to_owned();
                let sums = expected.entry(stamp).or_default();
                sums.0 += u64::from(event.credits);
                if event.kind == UsageKind::Computation {
                    sums.1 += 1;
                    sums.2 += event.duration_ms;
                }
            }
            for (route, account, id) in [
                ("user", "user_id[=]", me.to_string()),
                ("organization", "organization_id[=]", acme.to_string()),
                ("user", "model_id[=]", models[0].to_string()),
            ] {
                let path = format!("/api/v1/{route}_credit_metrics/query");
                let filters = json!({
                    account: id, "timestamp_type[=]": word,
                    "timestamp_date[>=]": first, "timestamp_date[<]": last,
                });
                let found = metric_rows(&app, &path, &filters, &token).await;
                assert_eq!(found, expected, "{word} {route} {account}");
            }
        }
        app.finish().await;
    }
}

/// Credits, computations and their milliseconds, by stretch.
async fn metric_rows(
    app: &TestApp,
    path: &str,
    filters: &Value,
    token: &str,
) -> BTreeMap<String, (u64, u64, u64)> {
    let mut found = BTreeMap::new();
    let mut body =
        json!({ "filters": filters, "sorters": { "timestamp_date": "asc" }, "limit": 100 });
    loop {
        let page = app.send(post(path, &body, token)).await.expect(200).json();
        for row in page["data"]["result"].as_array().unwrap() {
            let data = &row["data"];
            let of = |path: &str| data.pointer(path).and_then(Value::as_u64).unwrap();
            let mut sums = (of("/ar/credits") + of("/loading/credits"), 0, 0);
            for class in ["default", "limited"] {
                for member in ["exports", "combined", "sessions", "computations"] {
                    sums.0 += of(&format!("/{class}/{member}/credits"));
                }
                sums.1 += of(&format!("/{class}/computations/count"));
                sums.2 += of(&format!("/{class}/computations/duration"));
            }
            sums.0 += of("/default/outputs/credits");
            found.insert(row["timestamp"].as_str().unwrap().to_owned(), sums);
        }
        match &page["data"]["pagination"]["next_offset"] {
            Value::Null => return found,
            next => body["offset"] = next.clone(),
        }
    }
}

#[tokio::test]
async fn metrics_of_others_are_not_there_and_unknown_filters_are_named() {
    let app = TestApp::start().await;
    let token = operator(&app).await;
    let (user, _) = somebody(&app, "strangers").await;
    let model = app
        .services
        .model_by_slug("strangers")
        .await
        .unwrap()
        .unwrap()
        .id;
    for (filters, status) in [
        (json!({ "user_id[=]": user.to_string() }), 404),
        (json!({ "model_id[=]": model.to_string() }), 404),
        (json!({ "credits[>]": 1 }), 400),
        (json!({ "timestamp_type[=]": "year" }), 400),
        (
            json!({ "timestamp_type[=]": "hour", "timestamp_date[>=]": 0 }),
            400,
        ),
    ] {
        let body = json!({ "filters": filters });
        let call = post("/api/v1/user_credit_metrics/query", &body, &token);
        app.send(call).await.expect(status);
    }
    let call = post(
        "/api/v1/organization_credit_metrics/query",
        &json!({}),
        &token,
    );
    app.send(call).await.expect(404);
    app.finish().await;
}
