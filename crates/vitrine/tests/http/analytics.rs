//! Credit metrics and computations of the Geometry API: the same sums for everybody who may see them, and
//! nothing for anybody else.

use serde_json::{Value, json};
use vitrine_access::credits::{UsageEvent, UsageKind, credits_for};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, OrganizationId, UsageId, UserId};
use vitrine_access::owner::Owner;
use vitrine_access::platform::Role;
use vitrine_access::session::SessionClass;
use vitrine_access::time::Timestamp;

use crate::app::{Answer, CUBE, Call, TestApp, plans_for_both_databases};
use crate::platform_roles::{join, organization, somebody};

const ANALYTICS: &[&str] = &["group.analytics"];

fn event(app: &TestApp, owner: Owner, model: ModelId, kind: UsageKind, at: &str) -> UsageEvent {
    let class = SessionClass::Default;
    let duration_ms = if kind == UsageKind::Computation {
        25_000
    } else {
        0
    };
    UsageEvent {
        id: UsageId::new(app.entropy()),
        kind,
        credits: credits_for(kind, class, duration_ms),
        count: 1,
        duration_ms,
        owner,
        payer: owner.payer(),
        model,
        ticket: None,
        token: None,
        subject: None,
        session: None,
        class,
        at: Timestamp::parse_iso(at).unwrap(),
    }
}

async fn ask(app: &TestApp, token: &str, id: &Value, times: &Value) -> Answer {
    let mut item = json!({ "id": id });
    for (name, value) in times.as_object().unwrap() {
        item[name] = value.clone();
    }
    let body = json!({ "parameters": [item] });
    let call = Call::put("/api/v2/analytics/credit-metrics");
    app.send(call.bearer(token).json(&body)).await
}

fn exports(item: &Value) -> u64 {
    item["default"]["exports"]["credits"].as_u64().unwrap()
}

/// Two accounts with one model each; the first belongs to an organization.
struct Two {
    app: TestApp,
    mine: Owner,
    theirs: Owner,
    models: [ModelId; 2],
}

async fn two(app: TestApp) -> Two {
    let acme = organization(&app, "Acme Ltd").await;
    let (me, _) = somebody(&app, "me").await;
    let (other, _) = somebody(&app, "other").await;
    join(&app, me, acme, Role::Manager).await;
    let mine = Owner {
        user: me,
        organization: Some(acme),
    };
    let theirs = Owner {
        user: other,
        organization: None,
    };
    let mut models = Vec::new();
    for slug in ["me", "other"] {
        let model = app.services.model_by_slug(slug).await.unwrap().unwrap();
        models.push(model.id);
    }
    let models: [ModelId; 2] = models.try_into().unwrap();
    let events = vec![
        event(
            &app,
            mine,
            models[0],
            UsageKind::Export,
            "2024-02-29T23:59:59Z",
        ),
        event(
            &app,
            mine,
            models[0],
            UsageKind::Export,
            "2024-03-01T00:00:00Z",
        ),
        event(
            &app,
            mine,
            models[0],
            UsageKind::Computation,
            "2024-03-01T00:30:00Z",
        ),
        event(
            &app,
            theirs,
            models[1],
            UsageKind::Export,
            "2024-03-01T00:00:00Z",
        ),
    ];
    app.services.store().append_usage(events).await.unwrap();
    Two {
        app,
        mine,
        theirs,
        models,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_the_same_for_all_who_may_see_them() {
    for plan in plans_for_both_databases("metrics_are_the_same_for_all_who_may_see_them").await {
        let Two {
            app, mine, models, ..
        } = two(plan.start().await).await;
        let acme = mine.organization.unwrap();
        let model = models[0].to_string();
        let of_user = app.token(Subject::User(mine.user), ANALYTICS);
        let of_acme = app.token(Subject::Organization(acme), ANALYTICS);
        let backend = app.backend_token();
        let whose = [
            (app.model_token(models[0]), json!({ "modelIds": [model] })),
            (
                of_user.clone(),
                json!({ "userIds": [mine.user.to_string()] }),
            ),
            (of_acme.clone(), json!({ "orgIds": acme.to_string() })),
            (
                of_user.clone(),
                json!({ "modelIds": [model], "userIds": [mine.user.to_string()] }),
            ),
            (
                of_acme.clone(),
                json!({ "modelIds": [model], "orgIds": [acme.to_string()] }),
            ),
            (backend.clone(), json!({ "modelIds": [model] })),
        ];
        // Before and after the rows are rolled up.
        for _ in 0..2 {
            for (token, id) in &whose {
                for (times, credits, done) in [
                    (json!({ "timestamp": ["2024"] }), 2, true),
                    (json!({ "timestamp": "202402" }), 1, true),
                    (json!({ "timestamp": ["202402", "20240301"] }), 2, true),
                    (json!({ "timestamp": ["2024022923"] }), 1, true),
                    (json!({ "timestamp": ["2024030101"] }), 0, true),
                    (
                        json!({ "timestamp_from": "20240301", "timestamp_to": "202403" }),
                        1,
                        true,
                    ),
                    (json!({ "timestamp_from": "2024" }), 2, false),
                    (json!({}), 2, false),
                ] {
                    let answer = ask(&app, token, id, &times).await.expect(200).json();
                    let item = &answer["analytics"]["creditMetrics"][0];
                    assert_eq!(exports(item), credits, "{id} {times} {item}");
                    assert_eq!(item["isCompilationDone"], done, "{times}");
                }
            }
            let (everybody, year) = (json!({ "systems": true }), json!({ "timestamp": "2024" }));
            let answer = ask(&app, &backend, &everybody, &year).await;
            let answer = answer.expect(200).json();
            let item = &answer["analytics"]["creditMetrics"][0];
            assert_eq!((exports(item), item["system"].as_bool()), (3, Some(true)));
            // 25 seconds are two finished chunks, and three that have begun.
            let computations = &item["default"]["computations"];
            assert_eq!(computations["credits"], 2);
            assert_eq!(computations["countPerChunks"], json!({ "3": 1 }));
            assert_eq!(computations["duration"], 25_000);
            app.services.roll_usage_up().await.unwrap();
        }
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_back_end_sees_every_account_and_accounts_see_their_models() {
    for plan in plans_for_both_databases("the_back_end_sees_every_account").await {
        let Two {
            app,
            mine,
            theirs,
            models,
        } = two(plan.start().await).await;
        let acme = mine.organization.unwrap();
        let backend = app.backend_token();
        let prefix = "/api/v2/analytics/credit-metrics/timestamp/202403";
        let list = async |path: String, token: &str| {
            let answer = app.send(Call::get(&path).bearer(token)).await.expect(200);
            let metrics = answer.json()["analytics"]["creditMetrics"].clone();
            metrics.as_array().unwrap().clone()
        };
        for _ in 0..2 {
            let users = list(format!("{prefix}/user"), &backend).await;
            let mut ids: Vec<_> = users
                .iter()
                .map(|user| user["userId"].as_str().unwrap())
                .collect();
            ids.sort_unstable();
            let mut expected = [mine.user.to_string(), theirs.user.to_string()];
            expected.sort_unstable();
            assert_eq!(ids, expected);
            let organizations = list(format!("{prefix}/org"), &backend).await;
            assert_eq!(organizations.len(), 1);
            assert_eq!(organizations[0]["orgId"], acme.to_string());
            for (path, token, credits) in [
                (
                    format!("{prefix}/user/{}", mine.user),
                    app.token(Subject::User(mine.user), ANALYTICS),
                    1,
                ),
                (
                    format!("{prefix}/org/{acme}"),
                    app.token(Subject::Organization(acme), ANALYTICS),
                    1,
                ),
                (format!("{prefix}/user/{}", mine.user), backend.clone(), 1),
            ] {
                let found = list(path.clone(), &token).await;
                assert_eq!(found.len(), 1, "{path} {found:?}");
                assert_eq!(found[0]["modelId"], models[0].to_string());
                assert_eq!(exports(&found[0]), credits);
            }
            app.services.roll_usage_up().await.unwrap();
        }
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_or_counts_the_usage_of_others() {
    let Two {
        app,
        mine,
        theirs,
        models,
    } = two(TestApp::start().await).await;
    let acme = mine.organization.unwrap();
    let nobody = (ModelId::new(app.entropy()), UserId::new(app.entropy()));
    let no_org = OrganizationId::new(app.entropy());
    let strangers = [
        app.token(Subject::User(theirs.user), ANALYTICS),
        app.model_token(models[1]),
        app.token(Subject::Organization(no_org), ANALYTICS),
        // A member's own token says nothing of what the organization pays.
        app.token(Subject::User(mine.user), &["group.view"]),
    ];
    for token in &strangers {
        for (there, not_there) in [
            (
                json!({ "modelIds": [models[0].to_string()] }),
                json!({ "modelIds": [nobody.0.to_string()] }),
            ),
            (
                json!({ "userIds": [mine.user.to_string()] }),
                json!({ "userIds": [nobody.1.to_string()] }),
            ),
            (
                json!({ "orgIds": [acme.to_string()] }),
                json!({ "orgIds": [OrganizationId::new(app.entropy()).to_string()] }),
            ),
            (
                json!({ "modelIds": [models[0].to_string()], "userIds": [mine.user.to_string()] }),
                json!({ "modelIds": [nobody.0.to_string()], "userIds": [nobody.1.to_string()] }),
            ),
        ] {
            let mut answers = Vec::new();
            for id in [&there, &not_there] {
                let refused = ask(&app, token, id, &json!({ "timestamp": "2024" })).await;
                let mut body = refused.expect_error(403, "SdErrorForbidden").json();
                body.as_object_mut().unwrap().remove("requestId");
                answers.push(body);
            }
            assert_eq!(answers[0], answers[1], "{there}");
        }
        ask(&app, token, &json!({ "systems": true }), &json!({}))
            .await
            .expect_error(403, "SdErrorForbidden");
        let prefix = "/api/v2/analytics/credit-metrics/timestamp/2024";
        for path in [
            format!("{prefix}/user"),
            format!("{prefix}/org"),
            format!("{prefix}/user/{}", mine.user),
            format!("{prefix}/org/{acme}"),
        ] {
            app.send(Call::get(&path).bearer(token))
                .await
                .expect_error(403, "SdErrorForbidden");
        }
    }
    // One thing too many spoils the whole question.
    let own = app.token(Subject::User(mine.user), ANALYTICS);
    let both = json!({ "userIds": [mine.user.to_string(), theirs.user.to_string()] });
    ask(&app, &own, &both, &json!({}))
        .await
        .expect_error(403, "SdErrorForbidden");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_make_no_sense_are_named() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await.id.to_string();
    let token = app.backend_token();
    let id = json!({ "modelIds": [model] });
    for (id, times, part) in [
        (json!({}), json!({}), "modelIds"),
        (json!({ "modelIds": [] }), json!({}), "'modelIds' is empty"),
        (json!({ "modelIds": ["x"] }), json!({}), "no id"),
        (
            json!({ "modelIds": [model], "systems": true }),
            json!({}),
            "names",
        ),
        (id.clone(), json!({ "timestamp": ["24"] }), "'timestamp'"),
        (id.clone(), json!({ "timestamp": [] }), "empty"),
        (
            id.clone(),
            json!({ "timestamp": ["2024", "202403"] }),
            "twice",
        ),
        (
            id.clone(),
            json!({ "timestamp": ["2024"], "timestamp_to": "2025" }),
            "not both",
        ),
        (
            id.clone(),
            json!({ "timestamp_from": "2025", "timestamp_to": "2024" }),
            "before",
        ),
        (
            json!({ "modelIds": vec![model.clone(); 1_001] }),
            json!({ "timestamp": "2024" }),
            "",
        ),
    ] {
        let answer = ask(&app, &token, &id, &times).await;
        if part.is_empty() {
            // The same id a thousand times is one id.
            answer.expect(200);
            continue;
        }
        let message = answer.expect(400).message();
        assert!(message.contains(part), "{message}");
    }
    let items = vec![json!({ "id": id }); 101];
    let call = Call::put("/api/v2/analytics/credit-metrics").bearer(&token);
    app.send(call.json(&json!({ "parameters": items })))
        .await
        .expect(400);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn computations_and_statistics_tell_what_was_done_and_nothing_of_the_values() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    for size in [11, 12, 13] {
        app.send(session.compute(&json!({ "size": size })))
            .await
            .expect(200);
    }
    let token = app.model_token(model.id);
    let base = format!("/api/v2/model/{}/computations", model.id);
    let page = async |query: &str| {
        let call = Call::get(&format!("{base}{query}")).bearer(&token);
        app.send(call).await.expect(200).json()
    };
    let all = page("").await;
    let rows = all["computations"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(all["pagination"], json!({ "limit": 100 }));
    for row in rows {
        assert_eq!(
            (&row["status"], &row["params"]),
            (&json!("success"), &json!({}))
        );
        assert_eq!(row["timestamp_str"].as_str().unwrap().len(), 17);
    }
    let first = page("?limit=2&order=asc").await;
    assert_eq!(first["computations"].as_array().unwrap().len(), 2);
    let offset = first["pagination"]["next_offset"].as_str().unwrap();
    let second = page(&format!("?limit=2&order=asc&offset={offset}")).await;
    assert_eq!(second["computations"].as_array().unwrap().len(), 1);
    assert!(second["pagination"]["next_offset"].is_null());
    for (query, count) in [
        ("?type=export", 0),
        ("?type=computation&strict_limit=true", 3),
        ("?status=timeout&strict_limit=true", 0),
        ("?type=load", 0),
        ("?timestamp_to=20200101000000000", 0),
        ("?timestamp_from=0", 3),
    ] {
        let found = page(query).await;
        assert_eq!(
            found["computations"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    for query in [
        "?limit=0",
        "?limit=101",
        "?timestamp_from=2024",
        "?order=up",
        "?offset=x",
    ] {
        let call = Call::get(&format!("{base}{query}")).bearer(&token);
        app.send(call).await.expect(400);
    }
    let shown = app
        .send(Call::get(&format!("/api/v2/model/{}", model.id)).bearer(&token))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["statistic"]["numcomp"], 3);
    assert_eq!(shown["statistic"]["numsessions"], 1);
    assert!(shown["statistic"]["lastsession"].is_string());
    app.finish().await;
}

#[tokio::test]
async fn the_platform_gives_tokens_for_an_accounts_usage_and_for_no_other() {
    let app = TestApp::start().await;
    let acme = organization(&app, "Acme Ltd").await;
    let (me, token) = somebody(&app, "me").await;
    let (other, _) = somebody(&app, "other").await;
    join(&app, me, acme, Role::Manager).await;
    let body = json!({ "scope": "group.analytics", "timestamp_from": 1, "timestamp_to": 2 });
    let call = |path: String| Call::post(&path).bearer(&token).json(&body);
    let given = app.send(call(format!("/api/v1/users/{me}/token"))).await;
    let given = given.expect(200).json();
    let analytics = given["data"][0]["access_token"].as_str().unwrap();
    assert!(given["data"][0]["backend_system"]["model_view_url"].is_string());
    let path = format!("/api/v2/analytics/credit-metrics/timestamp/202611/user/{me}");
    app.send(Call::get(&path).bearer(analytics))
        .await
        .expect(200);
    let given = app
        .send(call(format!("/api/v1/organizations/{acme}/token")))
        .await;
    given.expect(200);
    app.send(call(format!("/api/v1/users/{other}/token")))
        .await
        .expect(404);
    let wrong = json!({ "scope": "group.owner" });
    let wrong = Call::post(&format!("/api/v1/users/{me}/token"))
        .bearer(&token)
        .json(&wrong);
    app.send(wrong).await.expect(400);
    join(&app, me, acme, Role::User).await;
    let refused = app
        .send(call(format!("/api/v1/organizations/{acme}/token")))
        .await;
    refused.expect(403);
    app.finish().await;
}
