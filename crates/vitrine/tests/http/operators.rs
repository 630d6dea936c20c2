//! What administrators of the server do by the platform: keys, plans, partners; and what accounts see of their caps.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vitrine_access::caps::{CapScope, CapWindow};
use vitrine_access::ids::UserId;
use vitrine_access::owner::Payer;
use vitrine_access::permissions::{Credential, OPERATIONS};
use vitrine_access::platform::Role;
use vitrine_service::models::OPERATOR;

use crate::app::{CUBE, Call, TestApp, plans_for_both_databases, until};
use crate::applications::{administrator, on_behalf_of};
use crate::audit::lines;
use crate::platform::{access, key};
use crate::platform_roles::{join, organization};
use crate::second_factors::user;

/// A server with a model, and the token of an administrator who signed in by password.
async fn administered() -> (TestApp, String) {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let token = administrator(&app).await;
    (app, token)
}

async fn done(app: &TestApp, token: &str, call: Call) -> Value {
    let answer = app.send(call.bearer(token)).await.expect(200).json();
    answer["data"].clone()
}

async fn refused(app: &TestApp, token: &str, call: Call, status: u16) -> Value {
    let answer = app.send(call.bearer(token)).await.expect(status).json();
    answer["error"].clone()
}

fn patch(path: &str, body: &Value) -> Call {
    Call::new("PATCH", path).json(body)
}

/// What the trail tells of what was done by an operation.
async fn told(app: &TestApp, operation: &str, count: usize) -> Vec<String> {
    until("the trail is written", || async {
        let mut lines = lines(app).await;
        lines.retain(|line| line.operation == operation && line.reason == "allowed");
        let told = lines
            .into_iter()
            .map(|line| line.message)
            .collect::<Vec<_>>();
        (told.len() >= count).then_some(told)
    })
    .await
}

#[tokio::test]
async fn nobody_operates_the_server_but_an_administrator_who_signed_in_themselves() {
    for plan in plans_for_both_databases("operators").await {
        let app = plan.start().await;
        app.push("mine", CUBE).await;
        let root = administrator(&app).await;
        let application = on_behalf_of(&app, &root).await;
        let by_key = access(&app, &key(&app, Some("root@example.com"), None).await).await;
        let (boss, owner_of_organization) = user(&app, "boss").await;
        let acme = organization(&app, "Acme").await;
        join(&app, boss, acme, Role::Owner).await;
        let rows = OPERATIONS.iter();
        let rows = rows.filter(|row| row.credential == Credential::Operator);
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), 17);
        let kid = done(&app, &root, Call::get("/api/v1/operator/keys")).await["signing"][0]["kid"]
            .as_str()
            .unwrap()
            .to_owned();
        for row in &rows {
            let path = row
                .path
                .replace("{accountName}", &boss.to_string())
                .replace("{signingKeyId}", &kid)
                .replace("{clientId}", "shop");
            let call = Call::new(row.method, &path);
            for token in [&application, &by_key, &owner_of_organization] {
                let error = refused(&app, token, call.clone(), 403).await;
                assert_eq!(error["code"], "permission-missing", "{}: {error}", row.id);
            }
            app.send(call.clone()).await.expect(401);
            app.send(call.bearer("a.b.c")).await.expect(401);
        }
        until("the trail is written", || async {
            let lines = lines(&app).await;
            let known: BTreeSet<_> = lines
                .iter()
                .filter(|line| line.reason == "permission-missing")
                .map(|line| line.operation.as_str())
                .collect();
            rows.iter().all(|row| known.contains(row.id)).then_some(())
        })
        .await;
        // Nothing has happened.
        let keys = done(&app, &root, Call::get("/api/v1/operator/keys")).await;
        assert_eq!(keys["signing"].as_array().unwrap().len(), 1);
        let partners = done(&app, &root, Call::post("/api/v1/partners/query")).await;
        assert_eq!(partners["result"], json!([]));
        app.finish().await;
    }
}

#[tokio::test]
async fn signing_keys_are_rotated_and_retired_and_a_retired_one_ends_its_sign_ins() {
    let (app, token) = administered().await;
    let keys = done(&app, &token, Call::get("/api/v1/operator/keys")).await;
    let old = keys["signing"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(keys["signing"].as_array().unwrap().len(), 1);
    assert!(keys["sealing"][0]["live_tickets"].is_u64());
    let rotate = Call::post("/api/v1/operator/keys");
    let retire = Call::new("DELETE", &format!("/api/v1/operator/keys/{old}"));
    let only = refused(&app, &token, retire.clone(), 400).await;
    assert_eq!(only["code"], "request-invalid");
    for wrong in [
        json!({ "alg": "HS256" }),
        json!({ "algorithm": "EdDSA" }),
        json!({ "overlap_s": u64::MAX }),
    ] {
        let error = refused(&app, &token, rotate.clone().json(&wrong), 400).await;
        assert_eq!(error["code"], "request-invalid", "{wrong}");
    }
    let made = done(&app, &token, rotate.json(&json!({ "alg": "EdDSA" }))).await;
    assert_eq!(
        (&made["alg"], &made["state"]),
        (&json!("EdDSA"), &json!("published"))
    );
    let kid = made["kid"].as_str().unwrap();
    let rotated = told(&app, "PlatformRotateKeys", 1).await;
    assert_eq!(rotated, [format!("signing key {kid}")]);
    for unknown in ["nobody", "a%00b"] {
        let unknown = Call::new("DELETE", &format!("/api/v1/operator/keys/{unknown}"));
        let answer = app.send(unknown.bearer(&token)).await;
        assert!(
            [400, 404].contains(&answer.status.as_u16()),
            "{}",
            answer.text()
        );
    }
    done(&app, &token, retire.clone()).await;
    let retired = told(&app, "PlatformRetireKey", 1).await;
    assert_eq!(retired, [format!("signing key {old}")]);
    // The administrator's own sign-in was by that key.
    let ended = refused(&app, &token, retire, 401).await;
    assert_eq!(ended["code"], "token-invalid");
    app.finish().await;
}

#[tokio::test]
async fn whoever_is_no_longer_an_administrator_is_refused_from_the_next_request_on() {
    let app = TestApp::start().await;
    let (ada, token) = user(&app, "ada").await;
    let store = app.services.store();
    store.set_administrator(ada, true).await.unwrap();
    let health = Call::get("/api/v1/operator/health");
    let shown = done(&app, &token, health.clone()).await;
    assert!(shown["workers"]["at_most"].as_u64().unwrap() >= 1);
    assert!(!shown["checks"].as_array().unwrap().is_empty());
    store.set_administrator(ada, false).await.unwrap();
    let error = refused(&app, &token, health, 403).await;
    assert_eq!(error["code"], "permission-missing");
    app.finish().await;
}

#[tokio::test]
async fn an_account_gets_another_plan_and_a_wrong_name_changes_nothing() {
    for plan in plans_for_both_databases("operator_plans").await {
        let app = plan.start().await;
        let token = administrator(&app).await;
        let plans = done(&app, &token, Call::get("/api/v1/operator/plans")).await;
        assert_eq!(plans.as_array().unwrap().len(), 3);
        let other = UserId::new(app.entropy());
        app.push_for(other, "theirs", CUBE).await;
        let acme = organization(&app, "Acme").await;
        for (before, account) in [Payer::User(other), Payer::Organization(acme)]
            .into_iter()
            .enumerate()
        {
            let (name, trail) = match account {
                Payer::User(id) => (id.to_string(), format!("user:{id}")),
                Payer::Organization(id) => {
                    (format!("organization:{id}"), format!("organization:{id}"))
                }
            };
            let place = format!("/api/v1/operator/accounts/{name}");
            for wrong in [
                json!({ "plan": "gold" }),
                json!({}),
                json!({ "plan": "free", "administrator": true }),
            ] {
                refused(&app, &token, patch(&place, &wrong), 400).await;
            }
            let shown = done(&app, &token, Call::get(&place)).await;
            assert_eq!(shown["plan"], "unlimited");
            let set = done(&app, &token, patch(&place, &json!({ "plan": "free" }))).await;
            assert_eq!(set["plan"], "free");
            let again = done(&app, &token, Call::get(&place)).await;
            assert_eq!(again, set);
            let set = told(&app, "PlatformUpdateAccount", before + 1).await;
            assert!(set.contains(&format!("{trail}: plan free")), "{set:?}");
            let looked = told(&app, "PlatformGetAccount", 2 * (before + 1)).await;
            assert!(looked.contains(&trail), "{looked:?}");
        }
        for unknown in [
            "nobody@example.com",
            "organization:x",
            "organization:00000000-0000-0000-0000-000000000000",
        ] {
            let call = Call::get(&format!("/api/v1/operator/accounts/{unknown}"));
            refused(&app, &token, call, 404).await;
        }
        let nul = Call::get("/api/v1/operator/accounts/a%00b").bearer(&token);
        let answer = app.send(nul).await;
        assert!(answer.status.is_client_error(), "{}", answer.text());
        app.finish().await;
    }
}

fn generate(key: &str) -> Call {
    Call::post("/generate")
        .header("x-api-key", key)
        .json(&json!({ "file": "a.dxf", "userId": "7" }))
}

/// The trail says what was done to whom, and never a secret.
async fn partners_are_told_of(app: &TestApp) {
    for (operation, about) in [
        ("PlatformCreatePartner", "partner acme"),
        ("PlatformUpdatePartner", "partner acme: blocked"),
        ("PlatformCreatePartnerKey", "partner-key"),
        ("PlatformRevokePartnerKey", "partner-key"),
        ("PlatformRevokeEditorTokens", "editor tokens"),
    ] {
        let told = told(app, operation, 1).await;
        let found = told.iter().any(|line| line.contains(about));
        assert!(found, "{operation}: {told:?}");
        let secret = told.iter().any(|line| line.contains("vit_"));
        assert!(!secret, "{operation}: {told:?}");
    }
}

#[tokio::test]
async fn a_partner_is_made_gets_another_key_and_is_blocked() {
    for plan in plans_for_both_databases("operator_partners").await {
        let app = plan.start().await;
        let token = administrator(&app).await;
        let wanted = json!({ "name": "Acme", "app_id": "acme", "origins": ["cad.example.com"] });
        let create = |body: &Value| Call::post("/api/v1/partners").json(body);
        for wrong in [
            json!({}),
            json!({ "name": "" }),
            json!({ "name": "a\u{0}b" }),
            json!({ "name": "Acme", "origins": ["not a domain"] }),
            // Where drawings lie is set on the machine.
            json!({ "name": "Acme", "content": "file:///etc" }),
        ] {
            refused(&app, &token, create(&wrong), 400).await;
        }
        let made = done(&app, &token, create(&wanted)).await;
        refused(&app, &token, create(&wanted), 400).await;
        let id = made["id"].as_str().unwrap();
        let first = made["key"]["secret"].as_str().unwrap();
        app.send(generate(first)).await.expect(200);
        let keys = format!("/api/v1/partners/{id}/keys");
        let another = Call::post(&keys).json(&json!({ "overlap_s": 60 }));
        let second = done(&app, &token, another).await;
        let second = second["secret"].as_str().unwrap().to_owned();
        app.send(generate(first)).await.expect(200);
        let listed = done(&app, &token, Call::post("/api/v1/partners/query")).await;
        let partner = &listed["result"][0];
        assert_eq!(partner["keys"].as_array().unwrap().len(), 2);
        // A key is shown in the answer that made it, and never again.
        assert!(!listed.to_string().contains("vit_pk_"), "{listed}");
        let mut old = partner["keys"].as_array().unwrap().iter();
        let old = old.find(|key| !key["valid_until"].is_null()).unwrap();
        let revoke = format!("{keys}/{}", old["id"].as_str().unwrap());
        let revoke = Call::new("DELETE", &revoke);
        done(&app, &token, revoke.clone()).await;
        refused(&app, &token, revoke, 404).await;
        app.send(generate(first)).await.expect(403);
        app.send(generate(&second)).await.expect(200);
        let end = format!("/api/v1/partners/{id}/tokens/revoke");
        let end = Call::post(&end).json(&json!({ "user": "7" }));
        let ended = done(&app, &token, end).await;
        assert!(ended["revoked"].as_u64().unwrap() >= 1, "{ended}");
        let place = format!("/api/v1/partners/{id}");
        refused(
            &app,
            &token,
            patch(&place, &json!({ "servers": ["x"] })),
            400,
        )
        .await;
        done(&app, &token, patch(&place, &json!({ "blocked": true }))).await;
        let answer = app.send(generate(&second)).await.expect(403).json();
        assert_eq!(answer["code"], "partner-blocked");
        // The block stays when something else is changed.
        let named = done(&app, &token, patch(&place, &json!({ "name": "Acme Ltd" }))).await;
        assert_eq!(
            (&named["name"], &named["blocked"]),
            (&json!("Acme Ltd"), &json!(true))
        );
        partners_are_told_of(&app).await;
        app.finish().await;
    }
}

#[tokio::test]
async fn partners_are_listed_page_by_page_and_unknown_wishes_are_named() {
    for plan in plans_for_both_databases("operator_lists").await {
        let app = plan.start().await;
        let token = administrator(&app).await;
        for app_id in ["a", "b", "c"] {
            let body = json!({ "name": app_id, "app_id": app_id });
            done(&app, &token, Call::post("/api/v1/partners").json(&body)).await;
        }
        let ask = |body: &Value| Call::post("/api/v1/partners/query").json(body);
        let (mut seen, mut offset) = (Vec::new(), Value::Null);
        loop {
            let page = done(&app, &token, ask(&json!({ "limit": 2, "offset": offset }))).await;
            for partner in page["result"].as_array().unwrap() {
                seen.push(partner["app_id"].as_str().unwrap().to_owned());
            }
            offset = page["pagination"]["next_offset"].clone();
            if offset.is_null() {
                break;
            }
        }
        assert_eq!(seen, ["a", "b", "c"]);
        for (wrong, member) in [
            (json!({ "filters": { "name[=]": "a" } }), "filters.name[=]"),
            (json!({ "sorters": { "name": "asc" } }), "sorters.name"),
            (json!({ "embed": ["keys"] }), "embed"),
        ] {
            let error = refused(&app, &token, ask(&wrong), 400).await;
            assert!(error["fields"][member].is_string(), "{error}");
        }
        let nul = app
            .send(ask(&json!({ "offset": "a\u{0}" })).bearer(&token))
            .await;
        assert!(nul.status.is_client_error(), "{}", nul.text());
        app.finish().await;
    }
}

#[tokio::test]
async fn accounts_see_their_own_caps_and_those_of_their_models_and_no_others() {
    for plan in plans_for_both_databases("operator_caps").await {
        let app = plan.start().await;
        app.push("mine", CUBE).await;
        let token = access(&app, &key(&app, None, None).await).await;
        let other = UserId::new(app.entropy());
        let theirs = app.push_for(other, "theirs", CUBE).await;
        let mine = app.push("mine too", CUBE).await;
        let acme = organization(&app, "Acme").await;
        let foreign = organization(&app, "Foreign").await;
        for (scope, credits) in [
            (CapScope::User(OPERATOR), 500),
            (CapScope::Model(mine.id), 7),
            (CapScope::User(other), 1),
            (CapScope::Model(theirs.id), 2),
            (CapScope::Organization(acme), 900),
            (CapScope::Organization(foreign), 3),
        ] {
            let set = app.services.set_cap(scope, CapWindow::Day, credits).await;
            set.unwrap();
        }
        let ask = |body: &Value| Call::post("/api/v1/credit_caps/query").json(body);
        let credits = async |body: &Value| {
            let answer = done(&app, &token, ask(body)).await;
            let caps = answer["result"].as_array().unwrap().iter();
            let mut credits: Vec<u64> = caps.map(|cap| cap["credits"].as_u64().unwrap()).collect();
            credits.sort_unstable();
            credits
        };
        assert_eq!(credits(&json!({})).await, [500]);
        let of_model = json!({ "filters": { "model_id[=]": mine.id.to_string() } });
        assert_eq!(credits(&of_model).await, [7, 500]);
        let foreign = json!({ "filters": { "model_id[=]": theirs.id.to_string() } });
        refused(&app, &token, ask(&foreign), 404).await;
        for (wrong, member) in [
            (json!({ "filters": { "scope": "user" } }), "filters.scope"),
            (json!({ "filters": { "model_id": 1 } }), "filters.model_id"),
            (
                json!({ "sorters": { "credits": "asc" } }),
                "sorters.credits",
            ),
        ] {
            let error = refused(&app, &token, ask(&wrong), 400).await;
            assert!(error["fields"][member].is_string(), "{error}");
        }
        // An organization's caps are seen by those who manage it.
        for (role, seen) in [(Role::User, vec![500]), (Role::Manager, vec![500, 900])] {
            join(&app, OPERATOR, acme, role).await;
            assert_eq!(credits(&json!({})).await, seen, "{role:?}");
        }
        app.finish().await;
    }
}
