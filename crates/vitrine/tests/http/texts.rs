//! Texts that no database keeps and no terminal should get, wherever they come in.

use serde_json::json;
use vitrine_access::decide::ModelStatus;

use crate::app::{CUBE, Call, MUTTERING, plans_for_both_databases};
use crate::platform::{access, key};

#[tokio::test]
async fn control_characters_are_refused_where_texts_come_in() {
    for plan in plans_for_both_databases("texts").await {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let account = access(&app, &key(&app, None, None).await).await;
        let session = app.open_backend(&app.backend_ticket(&model).await).await;
        let listed = session.path(&format!(
            "output/{}/list?offset=1.%00",
            session.output("model")
        ));
        let model_path = format!("/api/v2/model/{}", model.id);
        let named = |member: &str, text: &str| {
            Call::put(&model_path)
                .bearer(&app.backend_token())
                .json(&json!({ member: text }))
        };
        let calls = [
            (404, Call::get("/embed/a%00b")),
            (404, Call::get("/api/v1/models/a%00b").bearer(&account)),
            (
                404,
                Call::post("/api/v1/tokens")
                    .bearer(&account)
                    .json(&json!({ "id": "a\0b", "scope": ["group.view"] })),
            ),
            (
                400,
                Call::new("PATCH", &format!("/api/v1/models/{}", model.slug))
                    .bearer(&account)
                    .json(&json!({ "title": "a\0b" })),
            ),
            (400, Call::get(&listed).bearer(&app.model_token(model.id))),
            (400, named("name", "a\0b")),
            (400, named("filename", "a\u{1b}]0;b")),
            (400, named("id2", "a\nb")),
        ];
        for (status, call) in calls {
            let answer = app.send(call).await;
            assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn what_a_script_says_is_kept_without_control_characters_and_tried_once() {
    for plan in plans_for_both_databases("muttering").await {
        let app = plan.start().await;
        let model = app.push("muttering", MUTTERING).await;
        let session = app.open(&app.ticket(&model).await).await;
        let answer = app
            .send(session.compute(&json!({ "loud": 1 })))
            .await
            .expect(200)
            .json();
        let item = &answer["outputs"][session.output("model")];
        let said = item["msg"].as_str().unwrap();
        assert!(said.contains("a b [31mred"), "{said}");
        assert_eq!(app.runs(model.id).await, 1, "the failed run is recorded");
        let denied = app
            .push_any("bad", "const main = () => { throw new Error('a\\0b') }")
            .await;
        assert_eq!(denied.status, ModelStatus::Denied);
        assert!(denied.message.unwrap().contains("a b"));
        app.finish().await;
    }
}
