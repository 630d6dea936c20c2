//! Models on the platform from making to deleting, and what pages get of them.

use serde_json::{Value, json};
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::{ModelId, UserId};
use vitrine_service::models::ModelPatch;

use crate::app::{CUBE, Call, Opened, SHOP, TestApp, open_call};
use crate::platform::{access, key};
use crate::platform_roles::somebody;

pub(crate) async fn operator(app: &TestApp) -> String {
    access(app, &key(app, None, None).await).await
}

pub(crate) fn post(path: &str, body: &Value, token: &str) -> Call {
    Call::post(path).json(body).bearer(token)
}

pub(crate) fn patch(path: &str, body: &Value, token: &str) -> Call {
    Call::new("PATCH", path).json(body).bearer(token)
}

#[tokio::test]
async fn a_model_is_made_uploaded_published_deleted_and_restored() {
    let app = TestApp::start().await;
    let token = operator(&app).await;
    let body = json!({
        "title": "A cube", "filename": "cube.js", "tags": ["solid"], "visibility": "public",
        "accessdomains": ["shop.example.com"], "description": "Six faces.",
    });
    let made = app
        .send(post("/api/v1/models", &body, &token))
        .await
        .expect(200)
        .json();
    let model = &made["data"];
    assert_eq!(
        (&model["status"], &model["slug"]),
        (&json!("start"), &json!("a-cube"))
    );
    assert_eq!(model["tags"][0]["name"], "solid");
    let id: ModelId = model["id"].as_str().unwrap().parse().unwrap();
    let path = format!("/api/v1/models/{id}");
    // The file comes by the Geometry API, with a token that the platform gives.
    let body = json!({ "id": id.to_string(), "scope": ["group.owner", "group.view"] });
    let given = app
        .send(post("/api/v1/tokens", &body, &token))
        .await
        .expect(200)
        .json();
    let owner = given["data"]["access_token"].as_str().unwrap();
    let shown = Call::get(&format!("/api/v2/model/{id}")).bearer(owner);
    let shown = app.send(shown).await.expect(200).json();
    let upload = shown["file"]["upload"].as_str().unwrap();
    let refused = patch(&path, &json!({ "status": "done" }), &token);
    let refused = app.send(refused).await.expect(400).json();
    assert!(
        refused["error"]["fields"]["status"].is_string(),
        "{refused}"
    );
    app.send(Call::put(upload).body(CUBE)).await.expect(200);
    app.analysed(id).await;
    let status = |body: Value| {
        let call = patch(&path, &body, &token);
        async { app.send(call).await.expect(200).json()["data"]["status"].clone() }
    };
    assert_eq!(status(json!({})).await, "confirmed");
    assert_eq!(status(json!({ "status": "done" })).await, "done");
    app.send(Call::get(&path)).await.expect(200);
    let delete = || Call::new("DELETE", &path).bearer(&token);
    app.send(delete()).await.expect(200);
    app.send(delete()).await.expect(410);
    app.send(Call::get(&path).bearer(&token)).await.expect(404);
    let frame = Call::post("/api/v1/models/iframe/a-cube").origin(SHOP);
    app.send(frame.clone()).await.expect(410);
    assert_eq!(status(json!({ "deleted_at": null })).await, "done");
    let framed = app.send(frame).await.expect(200).json();
    assert_eq!(framed["data"]["model"]["title"], "A cube");
    assert!(framed["data"]["model"].get("comment").is_none());
    app.finish().await;
}

#[tokio::test]
async fn versions_name_each_other_and_belong_to_one_owner() {
    let app = TestApp::start().await;
    let token = operator(&app).await;
    let (_, stranger) = somebody(&app, "strangers").await;
    let first = app.push("first", CUBE).await;
    let body = json!({ "title": "Second", "prev_id": first.id.to_string() });
    app.send(post("/api/v1/models", &body, &stranger))
        .await
        .expect(404);
    let second = app
        .send(post("/api/v1/models", &body, &token))
        .await
        .expect(200)
        .json();
    assert_eq!(second["data"]["prev_id"], first.id.to_string());
    let call = Call::get("/api/v1/models/first?embed=successor_models,previous_model");
    let shown = app.send(call.bearer(&token)).await.expect(200).json();
    assert_eq!(
        shown["data"]["successor_models"][0]["id"],
        second["data"]["id"]
    );
    assert_eq!(shown["data"]["previous_model"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_the_owners_to_set_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let token = operator(&app).await;
    let model = app.push("mine", CUBE).await;
    let somebody = UserId::new(app.entropy()).to_string();
    for body in [
        json!({ "user_id": somebody }),
        json!({ "featured": true }),
        json!({ "backend_system_id": somebody }),
    ] {
        let call = patch("/api/v1/models/mine", &body, &token);
        let refused = app.send(call).await.expect(403).json();
        assert_eq!(refused["error"]["code"], "permission-missing");
    }
    // What nobody knows is passed over.
    let body = json!({ "owner_user": somebody, "revision": 99, "status_before_delete": "x" });
    app.send(patch("/api/v1/models/mine", &body, &token))
        .await
        .expect(200);
    let now = app
        .services
        .store()
        .model_unscoped(model.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((now.owner, now.status), (model.owner, model.status));
    let me = format!("/api/v1/users/{}", model.owner.user);
    for body in [
        json!({ "roles": ["admin"] }),
        json!({ "organization_id": somebody }),
        json!({ "organization_role": "owner" }),
        json!({ "active": true }),
    ] {
        app.send(patch(&me, &body, &token)).await.expect(403);
    }
    for body in [
        json!({ "title": "abc" }),
        json!({ "visibility": "shared" }),
        json!({ "accessdomains": ["a/b"] }),
        json!({ "tags": [""] }),
        json!({ "deleted_at": 1 }),
        json!({ "status": "denied" }),
    ] {
        let call = patch("/api/v1/models/mine", &body, &token);
        let refused = app.send(call).await.expect(400).json();
        let fields = refused["error"]["fields"].as_object();
        assert_eq!(
            fields.map(serde_json::Map::len),
            Some(1),
            "{body}: {refused}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_frame_is_given_to_allowed_pages_and_refused_to_others_by_name() {
    let app = TestApp::start().await;
    app.push("mine", CUBE).await;
    let frame = |slug: &str| Call::post(&format!("/api/v1/models/iframe/{slug}")).json(&json!({}));
    let framed = app.send(frame("mine").origin(SHOP)).await.expect(200);
    assert_eq!(framed.header("access-control-allow-origin"), Some(SHOP));
    let framed = framed.json();
    assert_eq!(
        framed["data"]["model"]["guid"],
        framed["data"]["model"]["id"]
    );
    let rival = app
        .send(frame("mine").origin("https://rival.example"))
        .await
        .expect(403)
        .json();
    assert_eq!(rival["error"]["code"], "origin-not-allowed");
    assert!(
        rival["error"]["description"]
            .as_str()
            .unwrap()
            .contains("rival.example")
    );
    let nowhere = app.send(frame("mine")).await.expect(403).json();
    assert_eq!(nowhere["error"]["code"], "origin-missing");
    // A page of ours speaks for the one around it; nobody else does.
    let ours = |around: &str| {
        frame("mine")
            .origin(crate::app::CONTENT_URL)
            .header("x-shapediver-origin", around)
    };
    app.send(ours(SHOP)).await.expect(200);
    app.send(ours("https://rival.example")).await.expect(403);
    let lied = frame("mine").origin("https://rival.example");
    app.send(lied.header("x-shapediver-origin", SHOP))
        .await
        .expect(403);
    app.send(frame("nothing").origin(SHOP)).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_is_read_by_whoever_manages_its_model() {
    let app = TestApp::start().await;
    let token = operator(&app).await;
    let (_, stranger) = somebody(&app, "strangers").await;
    let model = app.push("mine", CUBE).await;
    let body = json!({ "ticket": app.ticket(&model).await });
    let path = "/api/v1/models/decrypt_ticket";
    let read = app.send(post(path, &body, &token)).await.expect(200).json();
    assert_eq!(read["data"]["ticket"]["model_id"], model.id.to_string());
    assert_eq!(read["data"]["model"]["slug"], "mine");
    app.send(post(path, &body, &stranger)).await.expect(404);
    app.send(post(path, &json!({ "ticket": "x" }), &token))
        .await
        .expect(403);
    app.finish().await;
}

#[tokio::test]
async fn the_platform_describes_itself() {
    let app = TestApp::start().await;
    let described = app.send(Call::get("/api/v1/openapi.json")).await;
    let described = described.expect(200).json();
    let created = &described["paths"]["/api/v1/models"]["post"]["operationId"];
    assert_eq!(created, "PlatformCreateModel");
    let page = app.send(Call::get("/api/v1/docs/")).await.expect(200);
    assert!(page.text().contains("swagger-ui"), "{}", page.text());
    app.finish().await;
}

#[tokio::test]
async fn a_frames_token_acts_beside_its_ticket_only_and_ends_with_the_pages_domain() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let frame = || Call::post("/api/v1/models/iframe/mine").json(&json!({}));
    let framed = app.send(frame().origin(SHOP)).await.expect(200).json();
    let [token, ticket] = ["token", "ticket"].map(|part| framed["data"][part].as_str().unwrap());
    let by_model = Call::post(&format!("/api/v2/model/{}/session", model.id));
    app.send(by_model.bearer(token))
        .await
        .expect_error(403, "SdErrorForbidden");
    let opened = app.send(open_call(ticket).bearer(token)).await;
    let session = Opened::read(&opened.expect(201));
    let export = session.make_export("stl", &json!({})).bearer(token);
    app.send(export).await.expect(200);
    let elsewhere = ModelPatch {
        accessdomains: Some(vec!["other.example.com".to_owned()]),
        ..ModelPatch::default()
    };
    app.update(model.id, elsewhere).await;
    app.send(session.defaults().bearer(token))
        .await
        .expect_error(410, "SdSessionGoneError");
    app.send(open_call(ticket).bearer(token)).await.expect(403);
    app.send(frame().origin(SHOP)).await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn what_demands_a_token_is_not_given_one_by_the_name_of_a_page() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let demand = ModelPatch {
        require_token: Some(true),
        ..ModelPatch::default()
    };
    app.update(model.id, demand).await;
    let frame = |origin: &str| {
        let call = Call::post("/api/v1/models/iframe/mine").json(&json!({}));
        call.origin(origin)
    };
    let refused = app.send(frame(SHOP)).await.expect(401).json();
    assert_eq!(refused["error"]["code"], "token-missing");
    assert!(!refused.to_string().contains("eyJ"));
    // Strangers hear nothing of it.
    let refused = app.send(frame("https://rival.example")).await.expect(403);
    assert_eq!(refused.json()["error"]["code"], "origin-not-allowed");
    app.finish().await;
}

#[tokio::test]
async fn a_change_that_is_refused_does_not_restore_the_model() {
    let app = TestApp::start().await;
    let token = operator(&app).await;
    let model = app.push("mine", CUBE).await;
    let path = format!("/api/v1/models/{}", model.id);
    app.send(Call::new("DELETE", &path).bearer(&token))
        .await
        .expect(200);
    let body = json!({ "deleted_at": null, "accessdomains": ["not a domain"] });
    app.send(patch(&path, &body, &token)).await.expect(400);
    let stored = app.services.store().model_unscoped(model.id).await;
    assert_eq!(stored.unwrap().unwrap().status, ModelStatus::Deleted);
    app.finish().await;
}
