//! Credit metrics against sums of their own.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vitrine_access::credits::{UsageEvent, UsageKind, credits_for};
use vitrine_access::ids::{ModelId, OrganizationId, UsageId};
use vitrine_access::owner::Owner;
use vitrine_access::platform::Role;
use vitrine_access::session::SessionClass;
use vitrine_access::time::Timestamp;
use vitrine_store::{MetricScope, UsageCursor};

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

/// How many events the test makes; a million of them take minutes, and are run by hand.
const EVENTS_VARIABLE: &str = "VITRINE_METRIC_EVENTS";
const EVENTS_DEFAULT: u64 = 2_000;
/// Real time that the events are spread over: less than what one question may ask by the hour.
const SPAN_MS: u64 = 40 * 86_400_000;

fn event_count() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration to read it in"
    )]
    let wanted = std::env::var(EVENTS_VARIABLE).ok();
    wanted.map_or(EVENTS_DEFAULT, |text| text.parse().unwrap())
}

/// Credits, computations and their milliseconds.
type Sum3 = (u64, u64, u64);
/// Sums by the first digits of instants: ten for hours, eight for days, six for months.
type Stretches = BTreeMap<String, Sum3>;

fn add(stretches: &mut Stretches, event: &UsageEvent) {
    let instant = event.at.to_digits14();
    for digits in [10, 8, 6] {
        let sums = stretches.entry(instant[..digits].to_owned()).or_default();
        sums.0 += u64::from(event.credits);
        if event.kind == UsageKind::Computation {
            sums.1 += 1;
            sums.2 += event.duration_ms;
        }
    }
}

/// Makes random events of two owners, by a clock that jumps.
struct Source {
    dice: Dice,
    owners: [Owner; 2],
    models: [ModelId; 2],
    at_ms: i64,
    step_ms: u64,
}

impl Source {
    fn next(&mut self, app: &TestApp) -> UsageEvent {
        let dice = &mut self.dice;
        self.at_ms += i64::try_from(dice.roll(2 * self.step_ms + 1)).unwrap();
        let jump = match dice.roll(200) {
            0 => -2 * 86_400_000,
            1 => 86_400_000,
            2..=20 => -600_000,
            _ => 0,
        };
        let whose = usize::try_from(dice.roll(2)).unwrap();
        let kind = UsageKind::ALL[usize::try_from(dice.roll(7)).unwrap()];
        let class =
            [SessionClass::Limited, SessionClass::Default][usize::try_from(dice.roll(2)).unwrap()];
        let duration_ms = dice.roll(45_000);
        // One model that has a name, and many that have gone.
        let model = if dice.roll(4) == 0 {
            self.models[whose]
        } else {
            let mut bytes = *self.models[whose].as_bytes();
            bytes[15] = u8::try_from(dice.roll(50)).unwrap();
            ModelId::from_bytes(bytes)
        };
        UsageEvent {
            id: UsageId::new(app.entropy()),
            kind,
            credits: credits_for(kind, class, duration_ms),
            count: 1,
            duration_ms,
            owner: self.owners[whose],
            payer: self.owners[whose].payer(),
            model,
            ticket: None,
            token: None,
            subject: None,
            session: None,
            class,
            at: Timestamp::from_unix_ms(self.at_ms + jump),
        }
    }
}

/// What the rows say, read one by one.
async fn from_rows(app: &TestApp, scope: MetricScope) -> (u64, Stretches) {
    let (mut count, mut stretches, mut after) = (0, Stretches::new(), None);
    let always = (Timestamp::from_unix_ms(0), Timestamp::MAX_14);
    loop {
        let store = app.services.store();
        let page = store.usage_page(scope, always, after, 1_000).await.unwrap();
        let Some(last) = page.last() else {
            return (count, stretches);
        };
        after = Some(UsageCursor {
            at: last.at,
            id: last.id,
        });
        for event in &page {
            count += 1;
            add(&mut stretches, event);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one life of a server, told in order")]
async fn metrics_equal_an_independent_sum_of_the_rows() {
    for plan in plans_for_both_databases("metrics_equal_an_independent_sum_of_the_rows").await {
        let mut app = plan.start().await;
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
        let (wanted, now) = (event_count(), app.services.now());
        let mut source = Source {
            dice: Dice(7),
            owners,
            models,
            at_ms: now.unix_ms() - i64::try_from(SPAN_MS).unwrap(),
            step_ms: SPAN_MS / wanted,
        };
        let (mut of_me, mut of_model) = (Stretches::new(), Stretches::new());
        let (mut made, mut repeated, mut restarts, mut mine) = (0, 0, 0, 0);
        let chunk = (wanted / 20).clamp(100, 4_000);
        let mut before: Vec<UsageEvent> = Vec::new();
        while made < wanted {
            let events: Vec<_> = (0..chunk).map(|_| source.next(&app)).collect();
            made += chunk;
            for event in events.iter().filter(|event| event.owner.user == me) {
                mine += 1;
                add(&mut of_me, event);
                if event.model == models[0] {
                    add(&mut of_model, event);
                }
            }
            app.services
                .store()
                .append_usage(events.clone())
                .await
                .unwrap();
            match source.dice.roll(8) {
                // Whoever never heard an answer says it again, from before or after the roll-up.
                0 | 1 => {
                    repeated += before.len();
                    let again = std::mem::replace(&mut before, events);
                    app.services.store().append_usage(again).await.unwrap();
                }
                2 | 3 => drop(app.services.roll_usage_up().await.unwrap()),
                4 | 5 => drop(app.services.store().roll_usage(97).await.unwrap()),
                6 if restarts < 5 => {
                    restarts += 1;
                    app.restart().await;
                }
                _ => before = events,
            }
        }
        println!("{made} events, {repeated} said again, {restarts} restarts");
        let (count, rows) = from_rows(&app, MetricScope::User(me)).await;
        assert_eq!(count, mine);
        assert_eq!(rows, of_me, "the rows are the events, each once");
        let interval = (now.unix_s() - 60 * 86_400, now.unix_s() + 2 * 86_400);
        for round in [
            "as it stands",
            "all rolled up",
            "made anew",
            "anew and rolled up",
        ] {
            for (route, account, id, expected) in [
                ("user", "user_id[=]", me.to_string(), &of_me),
                (
                    "organization",
                    "organization_id[=]",
                    acme.to_string(),
                    &of_me,
                ),
                ("user", "model_id[=]", models[0].to_string(), &of_model),
            ] {
                let path = format!("/api/v1/{route}_credit_metrics/query");
                let mut found = Stretches::new();
                for word in ["hour", "day", "month"] {
                    let filters = json!({
                        account: id, "timestamp_type[=]": word,
                        "timestamp_date[>=]": interval.0, "timestamp_date[<]": interval.1,
                    });
                    found.extend(metric_rows(&app, &path, &filters, &token).await);
                }
                assert_eq!(&found, expected, "{round} {route} {account}");
            }
            match round {
                "as it stands" | "made anew" => drop(app.services.roll_usage_up().await.unwrap()),
                _ => app.services.store().rebuild_rollups().await.unwrap(),
            }
        }
        app.finish().await;
    }
}

/// Credits, computations and their milliseconds, by stretch.
async fn metric_rows(app: &TestApp, path: &str, filters: &Value, token: &str) -> Stretches {
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
