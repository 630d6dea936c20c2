//! Two organizations with many rows each: nothing of one shows or counts in the lists of the other.
//!
//! `VITRINE_TENANT_ROWS=100000 cargo test --workspace --test http nothing_of_one_organization -- --nocapture` makes as many
//! rows as the project promises to bear, and prints how long each list took. Nothing is asserted about time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitrine_access::credits::{UsageEvent, UsageKind, credits_for};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, NotificationId, OrganizationId, UsageId, UserId};
use vitrine_access::owner::Owner;
use vitrine_access::permissions::{Credential, OPERATIONS};
use vitrine_access::platform::{Role, Visibility};
use vitrine_access::session::SessionClass;
use vitrine_service::{ModelRecord, NotificationRecord};

use crate::app::{Call, TestApp, plans_for_both_databases};
use crate::platform_models::post;
use crate::platform_roles::{join, organization, somebody};

const ROWS_VARIABLE: &str = "VITRINE_TENANT_ROWS";
const ROWS_DEFAULT: u32 = 60;
/// Models that have usage: the size that metrics are promised for.
const METERED_MAX: usize = 10_000;
/// A list that no organization sees anything of.
const FOR_ADMINISTRATORS: &str = "PlatformQueryClients";
/// Rows of one transaction.
const ROWS_AT_ONCE: usize = 1_000;

fn wanted_rows() -> Option<u32> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration to read it in"
    )]
    let wanted = std::env::var(ROWS_VARIABLE).ok();
    wanted.map(|text| text.parse().unwrap())
}

struct Tenant {
    organization: OrganizationId,
    user: UserId,
    token: String,
    /// Stands in every name and text of it.
    mark: &'static str,
    slug: &'static str,
}

async fn tenant(app: &TestApp, mark: &'static str, slug: &'static str) -> Tenant {
    let organization = organization(app, &format!("{mark} Ltd")).await;
    let (user, token) = somebody(app, slug).await;
    join(app, user, organization, Role::Owner).await;
    Tenant {
        organization,
        user,
        token,
        mark,
        slug,
    }
}

async fn fill(app: &TestApp, tenant: &Tenant, rows: u32) {
    let store = app.services.store();
    let template = app
        .services
        .model_by_slug(tenant.slug)
        .await
        .unwrap()
        .unwrap();
    let owner = Owner {
        user: tenant.user,
        organization: Some(tenant.organization),
    };
    let now = app.services.now();
    let mut models = Vec::new();
    let mut left = 0..rows;
    while !left.is_empty() {
        let mut tx = store.begin().await.unwrap();
        for n in left.by_ref().take(ROWS_AT_ONCE) {
            let mut model = ModelRecord::clone(&template);
            model.id = ModelId::new(app.entropy());
            model.slug = format!("{}-{n}", tenant.slug);
            model.title = format!("{} model {n}", tenant.mark);
            model.owner = owner;
            model.listing.visibility = if n % 2 == 0 {
                Visibility::Private
            } else {
                Visibility::Organization
            };
            tenant.mark.clone_into(&mut model.listing.about.description);
            model.created_at = now.plus(Duration::from_secs(u64::from(n)));
            tx.insert_model(&model).await.unwrap();
            models.push(model.id);
            let notification = NotificationRecord {
                id: NotificationId::new(app.entropy()),
                receiver: tenant.user,
                level: "info".to_owned(),
                class: "account".to_owned(),
                kind: "information".to_owned(),
                description: format!("{} notice {n}", tenant.mark),
                model: Some(model.id),
                organization: Some(tenant.organization),
                created_at: model.created_at,
                read_at: (n % 3 == 0).then_some(now),
            };
            tx.insert_notification(&notification).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let events = usage_rows(app, owner, &models);
    for some in events.chunks(ROWS_AT_ONCE) {
        store.append_usage(some.to_vec()).await.unwrap();
    }
    while store.roll_usage(4_096).await.unwrap() > 0 {}
}

/// One row for each model, and more of the first ten thousand, within a week.
fn usage_rows(app: &TestApp, owner: Owner, models: &[ModelId]) -> Vec<UsageEvent> {
    let class = SessionClass::Default;
    let metered = models.len().min(METERED_MAX);
    let now = app.services.now();
    (0..models.len())
        .map(|n| {
            let kind = UsageKind::ALL[n / metered % UsageKind::ALL.len()];
            UsageEvent {
                id: UsageId::new(app.entropy()),
                kind,
                credits: credits_for(kind, class, 12_345),
                count: 1,
                duration_ms: 12_345,
                owner,
                payer: owner.payer(),
                model: models[n % metered],
                ticket: None,
                token: None,
                subject: None,
                session: None,
                class,
                at: now.plus(Duration::from_secs(n as u64 % 600_000)),
            }
        })
        .collect()
}

/// Bodies for each list: every order, and filters of every kind.
fn bodies(id: &str, tenant: &Tenant) -> Vec<Value> {
    let (user, organization) = (tenant.user.to_string(), tenant.organization.to_string());
    let ordered = |sort: &str| {
        ["asc", "desc"].map(|direction| json!({ "limit": 100, "sorters": { sort: direction } }))
    };
    match id {
        "PlatformQueryModels" => {
            let mut bodies = [ordered("created_at"), ordered("updated_at")].concat();
            for filters in [
                json!({ "user_id": user }),
                json!({ "organization_id": organization }),
                json!({ "visibility": "private" }),
                json!({ "visibility[,]": ["organization", "public"] }),
                json!({ "status": "done" }),
                json!({ "deleted_at[?]": null }),
                json!({ "title[%]": "model 7" }),
                json!({ "slug[%]|title[%]": ["no such thing", "nor that"] }),
                json!({ "created_at[>]": 0, "updated_at[<]": 9_999_999_999_i64 }),
                json!({ "prev_id[!?]": null }),
            ] {
                bodies.push(json!({ "limit": 100, "filters": filters }));
            }
            bodies
        }
        "PlatformQueryNotifications" => {
            let mut bodies = ordered("created_at").to_vec();
            for filters in [
                json!({ "read": true }),
                json!({ "level[=]": "error" }),
                json!({ "type[%]": "inform" }),
                json!({ "organization_id": organization }),
            ] {
                bodies.push(json!({ "limit": 100, "filters": filters }));
            }
            bodies
        }
        "PlatformQueryUserMetrics" | "PlatformQueryOrganizationMetrics" => ["hour", "day", "month"]
            .map(|word| json!({ "limit": 100, "filters": { "timestamp_type": word } }))
            .to_vec(),
        "PlatformQueryWebhooks" => vec![json!({}), json!({ "organization_id": organization })],
        _ => vec![json!({}), json!({ "limit": 100 })],
    }
}

/// What one account sees of every list that it may ask for, two pages of each, and how long each took.
async fn everything(app: &TestApp, tenant: &Tenant) -> Vec<(String, Value, Duration)> {
    let mut seen = Vec::new();
    for row in OPERATIONS {
        let listing = row.path.ends_with("/query") && row.credential == Credential::Account;
        let path = row
            .path
            .replace("{organizationId}", &tenant.organization.to_string());
        if !listing || path.contains('{') {
            continue;
        }
        if row.id == FOR_ADMINISTRATORS {
            let answer = app.send(post(&path, &json!({}), &tenant.token)).await;
            answer.expect(403);
            continue;
        }
        for body in bodies(row.id, tenant) {
            let mut body = body;
            for page in 0..2 {
                let began = Instant::now();
                let answer = app.send(post(&path, &body, &tenant.token)).await;
                let took = began.elapsed();
                let answer = answer.expect(200).json();
                let next = answer["data"]["pagination"]["next_offset"].clone();
                seen.push((format!("{} {page} {body}", row.id), answer, took));
                if next.is_null() {
                    break;
                }
                body["offset"] = next;
            }
        }
    }
    for path in [
        "/api/v1/notifications/summary".to_owned(),
        format!("/api/v1/organizations/{}", tenant.organization),
        format!("/api/v1/users/{}", tenant.user),
    ] {
        let began = Instant::now();
        let answer = app.send(Call::get(&path).bearer(&tenant.token)).await;
        seen.push((path, answer.expect(200).json(), began.elapsed()));
    }
    let token = app.token(
        Subject::Organization(tenant.organization),
        &["group.analytics"],
    );
    let path = format!(
        "/api/v2/analytics/credit-metrics/timestamp/202611/org/{}",
        tenant.organization
    );
    let began = Instant::now();
    let answer = app.send(Call::get(&path).bearer(&token)).await;
    let took = began.elapsed();
    seen.push((path, answer.expect(200).json(), took));
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_organization_shows_or_counts_in_lists_of_another() {
    let name = "nothing_of_one_organization_shows_or_counts_in_lists_of_another";
    let rows = wanted_rows();
    for plan in plans_for_both_databases(name).await {
        let app = plan.start().await;
        let ours = tenant(&app, "Quaxolotl", "quaxolotl").await;
        let theirs = tenant(&app, "Zimtstern", "zimtstern").await;
        let count = rows.unwrap_or(ROWS_DEFAULT);
        fill(&app, &ours, count).await;
        let before = everything(&app, &ours).await;
        fill(&app, &theirs, count).await;
        let after = everything(&app, &ours).await;
        assert_eq!(before.len(), after.len());
        for ((what, one, _), (_, other, _)) in before.iter().zip(&after) {
            // Not one byte of any answer depends on what the other organization has.
            assert_eq!(one, other, "{what}");
        }
        let secrets = [
            theirs.mark.to_owned(),
            theirs.slug.to_owned(),
            theirs.user.to_string(),
            theirs.organization.to_string(),
        ];
        for (what, answer, _) in &after {
            let text = answer.to_string();
            for secret in &secrets {
                assert!(!text.contains(secret), "{what}");
            }
        }
        // The test sees what it looks for: the other organization's own lists hold all of it.
        let own: String = everything(&app, &theirs)
            .await
            .iter()
            .map(|(_, answer, _)| answer.to_string())
            .collect();
        for secret in &secrets {
            assert!(own.contains(secret.as_str()), "{secret}");
        }
        if rows.is_some() {
            print_times(&before, &after);
        }
        app.finish().await;
    }
}

#[expect(
    clippy::print_stdout,
    reason = "whoever asks for many rows wants to see it"
)]
fn print_times(before: &[(String, Value, Duration)], after: &[(String, Value, Duration)]) {
    println!("ms alone, ms beside the other organization, list");
    for ((what, _, alone), (_, _, beside)) in before.iter().zip(after) {
        let ms = |took: &Duration| took.as_secs_f64() * 1_000.0;
        println!("{:8.1} {:8.1} {what}", ms(alone), ms(beside));
    }
}
