//! Authorization groups, and tokens for users and organizations.

use serde_json::{Value, json};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{AuthGroupId, ModelId, UserId};
use vitrine_service::models::ModelPatch;

use crate::app::{ALL_SCOPES, Answer, CUBE, Call, Opened, TestApp, open_call};

async fn group(app: &TestApp, members: &Value) -> AuthGroupId {
    let call = Call::post("/api/v2/auth_group")
        .bearer(&app.backend_token())
        .json(members);
    let answer = app.send(call).await.expect(200).json();
    assert_eq!(answer["version"], "2.5.0");
    answer["auth_group"].as_str().unwrap().parse().unwrap()
}

async fn get(app: &TestApp, model: ModelId, token: &str) -> Answer {
    app.send(Call::get(&format!("/api/v2/model/{model}")).bearer(token))
        .await
}

#[tokio::test]
async fn a_groups_token_covers_exactly_its_models() {
    let app = TestApp::start().await;
    let [first, second, third] = [
        app.push("first", CUBE).await,
        app.push_for(UserId::new(app.entropy()), "second", CUBE)
            .await,
        app.push("third", CUBE).await,
    ];
    // Models and accounts that do not exist are taken, as the contract's test has it.
    let members = json!({
        "models": [first.id.to_string(), second.id.to_string(), ModelId::new(app.entropy()).to_string()],
        "users": [UserId::new(app.entropy()).to_string()],
    });
    let id = group(&app, &members).await;
    let token = app.token(Subject::AuthGroup(id), ALL_SCOPES);
    for model in [&first, &second] {
        get(&app, model.id, &token).await.expect(200);
        let ticket = app.ticket(model).await;
        let opened = app.send(open_call(&ticket).bearer(&token)).await;
        let session = Opened::read(&opened.expect(201));
        app.send(session.defaults().bearer(&token))
            .await
            .expect(200);
        let by_model = Call::post(&format!("/api/v2/model/{}/session", model.id));
        app.send(by_model.bearer(&token)).await.expect(201);
    }
    let nobodys = ModelId::new(app.entropy());
    for id in [third.id, nobodys] {
        let refused = get(&app, id, &token).await;
        refused.expect_error(403, "SdErrorForbidden");
    }
    let ticket = app.ticket(&third).await;
    app.send(open_call(&ticket).bearer(&token))
        .await
        .expect_error(403, "SdErrorForbidden");
    // A model may also name the groups that it accepts.
    let patch = ModelPatch {
        auth_groups: Some(vec![id.to_string()]),
        ..ModelPatch::default()
    };
    app.update(third.id, patch).await;
    get(&app, third.id, &token).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_groups_token_holds_no_more_than_its_scopes_and_is_no_back_end() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let id = group(&app, &json!({ "models": [model.id.to_string()] })).await;
    let all = app.token(Subject::AuthGroup(id), &["*"]);
    app.send(Call::get("/api/v2/model/list").bearer(&all))
        .await
        .expect_error(403, "SdErrorForbidden");
    let more = Call::post("/api/v2/auth_group").bearer(&all);
    app.send(more.json(&json!({})))
        .await
        .expect_error(403, "SdErrorForbidden");
    let none = app.token(Subject::AuthGroup(id), &["group.analytics"]);
    let file = format!("/api/v2/model/{}/file/download", model.id);
    app.send(Call::get(&file).bearer(&none))
        .await
        .expect_error(403, "SdErrorForbidden");
    app.send(Call::get(&file).bearer(&all)).await.expect(200);
    let stranger = Subject::AuthGroup(AuthGroupId::new(app.entropy()));
    let unknown = app.token(stranger, ALL_SCOPES);
    get(&app, model.id, &unknown)
        .await
        .expect_error(403, "SdErrorForbidden");
    app.finish().await;
}

#[tokio::test]
async fn accounts_in_a_group_and_tokens_for_accounts_give_analytics_and_nothing_else() {
    let app = TestApp::start().await;
    let user = UserId::new(app.entropy());
    let model = app.push_for(user, "hers", CUBE).await;
    let id = group(&app, &json!({ "users": [user.to_string()] })).await;
    let file = format!("/api/v2/model/{}/file/download", model.id);
    for subject in [Subject::AuthGroup(id), Subject::User(user)] {
        let token = app.token(subject, &["*"]);
        let block = get(&app, model.id, &token).await.expect(200).json();
        assert!(
            block.get("setting").is_none_or(|it| it == &json!({})),
            "{block}"
        );
        app.send(Call::get(&file).bearer(&token))
            .await
            .expect_error(403, "SdErrorForbidden");
        let open = Call::post(&format!("/api/v2/model/{}/session", model.id));
        app.send(open.bearer(&token))
            .await
            .expect_error(403, "SdErrorForbidden");
    }
    app.finish().await;
}

#[tokio::test]
async fn malformed_and_endless_groups_are_refused() {
    let app = TestApp::start().await;
    let backend = app.backend_token();
    let ids = |count: usize| -> Vec<String> {
        (0..count)
            .map(|_| ModelId::new(app.entropy()).to_string())
            .collect()
    };
    let ask = |body: Value| {
        let call = Call::post("/api/v2/auth_group").bearer(&backend);
        app.send(call.json(&body))
    };
    ask(json!({ "models": ids(1_000) })).await.expect(200);
    for body in [
        json!({ "models": ids(1_001) }),
        json!({ "models": ids(999), "users": ids(2) }),
        json!({ "models": ["x"] }),
        json!({ "models": "x" }),
    ] {
        ask(body).await.expect(400);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_session_of_a_groups_token_ends_when_the_model_leaves_the_group() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let id = group(&app, &json!({})).await;
    let list = |groups: Vec<String>| ModelPatch {
        auth_groups: Some(groups),
        ..ModelPatch::default()
    };
    app.update(model.id, list(vec![id.to_string()])).await;
    let token = app.token(Subject::AuthGroup(id), ALL_SCOPES);
    let open = Call::post(&format!("/api/v2/model/{}/session", model.id));
    let session = Opened::read(&app.send(open.bearer(&token)).await.expect(201));
    app.send(session.defaults()).await.expect(200);
    let link = session.href("model");
    app.send(Call::get(&link)).await.expect(206);
    app.update(model.id, list(Vec::new())).await;
    app.send(session.defaults())
        .await
        .expect_error(410, "SdSessionGoneError");
    app.send(Call::get(&link)).await.expect(410);
    app.finish().await;
}
