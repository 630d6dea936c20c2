//! Lists of models, and access keys.

use serde_json::{Value, json};
use vitrine_access::platform::Role;

use crate::app::{CUBE, Call, TestApp, plans_for_both_databases};
use crate::platform::sign_in;
use crate::platform_models::{operator, patch, post};
use crate::platform_roles::{join, organization, somebody};

/// Every page of a list, and how many pages there were.
async fn pages(app: &TestApp, body: &Value, token: &str) -> (Vec<String>, usize) {
    let (mut seen, mut count, mut body) = (Vec::new(), 0, body.clone());
    loop {
        let call = post("/api/v1/models/query", &body, token);
        let page = app.send(call).await.expect(200).json();
        for row in page["data"]["result"].as_array().unwrap() {
            seen.push(row["slug"].as_str().unwrap().to_owned());
        }
        count += 1;
        match &page["data"]["pagination"]["next_offset"] {
            Value::Null => return (seen, count),
            next => body["offset"] = next.clone(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one journey, step by step")]
async fn lists_are_filtered_ordered_and_cut_alike_on_both_databases() {
    let name = "lists_are_filtered_ordered_and_cut_alike_on_both_databases";
    for plan in plans_for_both_databases(name).await {
        let app = plan.start().await;
        let acme = organization(&app, "Acme Ltd").await;
        let (me, token) = somebody(&app, "me").await;
        let (manager, managers) = somebody(&app, "colleague").await;
        join(&app, me, acme, Role::User).await;
        join(&app, manager, acme, Role::Manager).await;
        let (_, stranger) = somebody(&app, "stranger").await;
        for (n, visibility) in ["private", "organization", "public", "private"]
            .iter()
            .enumerate()
        {
            app.pass(std::time::Duration::from_secs(1));
            let body = json!({ "title": format!("Shelf {n} of 50%"), "visibility": visibility });
            app.send(post("/api/v1/models", &body, &token))
                .await
                .expect(200);
        }
        let all = json!({ "limit": 2, "filters": { "title[%]": "SHELF" } });
        let newest_first = [
            "shelf-3-of-50",
            "shelf-2-of-50",
            "shelf-1-of-50",
            "shelf-0-of-50",
        ];
        assert_eq!(
            pages(&app, &all, &token).await,
            (newest_first.map(str::to_owned).to_vec(), 2)
        );
        assert_eq!(pages(&app, &all, &managers).await.0.len(), 4);
        assert_eq!(pages(&app, &all, &stranger).await.0, ["shelf-2-of-50"]);
        let mut oldest = newest_first;
        oldest.reverse();
        let id = me.to_string();
        for (filters, sorters, expected) in [
            (
                json!({ "user_id[=]": id, "status[=]": "start" }),
                json!({ "created_at": "asc" }),
                oldest.to_vec(),
            ),
            (
                json!({ "user_id[=]": id, "title[%]": "50%" }),
                json!({ "updated_at": "desc" }),
                newest_first.to_vec(),
            ),
            (json!({ "title[%]": "5_%" }), json!({}), vec![]),
            (
                json!({ "visibility[,]": ["public"], "user_id": id }),
                json!({}),
                vec!["shelf-2-of-50"],
            ),
            (json!({ "visibility[=]": "shared" }), json!({}), vec![]),
            (
                json!({ "slug[=]|slug[=]": ["shelf-0-of-50", "shelf-3-of-50"] }),
                json!({}),
                vec!["shelf-3-of-50", "shelf-0-of-50"],
            ),
            (
                json!({ "organization_id[=]": acme.to_string(), "slug[!=]": "shelf-1-of-50" }),
                json!({}),
                vec!["shelf-3-of-50", "shelf-2-of-50", "shelf-0-of-50"],
            ),
            (
                json!({ "organization_id[?]": null, "user_id": id }),
                json!({}),
                vec!["me"],
            ),
            (json!({ "user_id[=]": "%" }), json!({}), vec![]),
            (
                json!({ "created_at[>]": 32_503_680_000_i64 }),
                json!({}),
                vec![],
            ),
            (json!({ "deleted_at[!?]": null }), json!({}), vec![]),
        ] {
            let body = json!({ "filters": filters, "sorters": sorters, "limit": 3 });
            assert_eq!(pages(&app, &body, &token).await.0, expected, "{body}");
        }
        let foreign =
            json!({ "sorters": { "created_at": "asc" }, "offset": "created_at-desc:1.x" });
        let refused = app
            .send(post("/api/v1/models/query", &foreign, &token))
            .await;
        refused.expect(400);
        app.finish().await;
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one journey, step by step")]
async fn a_key_does_what_its_scopes_say_and_nothing_after_its_end() {
    let app = TestApp::start().await;
    let token = operator(&app).await;
    app.push("mine", CUBE).await;
    let body = json!({ "description": "reader", "scope": ["models-read"] });
    let made = app
        .send(post("/api/v1/apitokens", &body, &token))
        .await
        .expect(200)
        .json();
    let made = &made["data"];
    let (id, secret) = (
        made["key_id"].as_str().unwrap(),
        made["key_secret"].as_str().unwrap(),
    );
    let signed = app.send(sign_in(id, secret)).await.expect(200).json();
    let reader = signed["access_token"].as_str().unwrap();
    app.send(Call::get("/api/v1/models/mine").bearer(reader))
        .await
        .expect(200);
    let refused = [
        patch("/api/v1/models/mine", &json!({}), reader),
        post(
            "/api/v1/tokens",
            &json!({ "id": "mine", "scope": ["group.view"] }),
            reader,
        ),
        post("/api/v1/apitokens", &json!({ "scope": ["*"] }), reader),
        post("/api/v1/apitokens/query", &json!({}), reader),
    ];
    for call in refused {
        let body = app.send(call).await.expect(403).json();
        assert_eq!(body["error"]["code"], "permission-missing");
    }
    let path = format!("/api/v1/apitokens/{id}");
    let listed = app
        .send(post("/api/v1/apitokens/query", &json!({}), &token))
        .await;
    let listed = listed.expect(200).json();
    let found = listed["data"]["result"].as_array().unwrap();
    let found = found.iter().find(|key| key["key_id"] == id).unwrap();
    assert!(
        found["used_at"].is_i64() && found.get("key_secret").is_none(),
        "{found}"
    );
    app.send(patch(&path, &json!({ "active": false }), &token))
        .await
        .expect(200);
    app.send(Call::get("/api/v1/models/mine").bearer(reader))
        .await
        .expect(401);
    app.send(patch(&path, &json!({ "active": true }), &token))
        .await
        .expect(200);
    app.send(Call::get("/api/v1/models/mine").bearer(reader))
        .await
        .expect(200);
    let end = app.services.now().unix_s();
    app.send(patch(&path, &json!({ "valid_until": end }), &token))
        .await
        .expect(200);
    app.send(sign_in(id, secret)).await.expect(400);
    let (_, stranger) = somebody(&app, "strangers").await;
    app.send(Call::new("DELETE", &path).bearer(&stranger))
        .await
        .expect(404);
    app.send(Call::new("DELETE", &path).bearer(&token))
        .await
        .expect(200);
    app.send(Call::get(&path).bearer(&token)).await.expect(404);
    for body in [json!({ "scope": [] }), json!({ "scope": ["models.write"] })] {
        app.send(post("/api/v1/apitokens", &body, &token))
            .await
            .expect(400);
    }
    app.finish().await;
}

#[tokio::test]
async fn deleted_models_are_listed_for_those_only_who_manage_them() {
    for plan in plans_for_both_databases("deleted_lists").await {
        let app = plan.start().await;
        let (me, token) = somebody(&app, "hers").await;
        let (_, stranger) = somebody(&app, "strangers").await;
        let (colleague, colleagues) = somebody(&app, "colleagues").await;
        let acme = organization(&app, "Acme Ltd").await;
        join(&app, me, acme, Role::User).await;
        join(&app, colleague, acme, Role::User).await;
        let body = json!({ "title": "A shelf", "visibility": "public" });
        let call = post("/api/v1/models", &body, &token);
        app.send(call).await.expect(200);
        let list = async |token: &str| {
            let body = json!({ "filters": { "slug[=]": "a-shelf", "deleted_at[!?]": null } });
            pages(&app, &body, token).await.0
        };
        assert!(list(&stranger).await.is_empty() && list(&token).await.is_empty());
        let delete = Call::new("DELETE", "/api/v1/models/a-shelf").bearer(&token);
        app.send(delete).await.expect(200);
        for other in [&stranger, &colleagues] {
            assert!(list(other).await.is_empty());
            let body = json!({ "filters": { "deleted_at[?]|deleted_at[!?]": [null, null] } });
            let (all, _) = pages(&app, &body, other).await;
            assert!(!all.contains(&"a-shelf".to_owned()), "{all:?}");
        }
        assert_eq!(list(&token).await, ["a-shelf"]);
        join(&app, colleague, acme, Role::Manager).await;
        assert_eq!(list(&colleagues).await, ["a-shelf"]);
        app.finish().await;
    }
}
