//! Answers as they stand on the wire. Time and ids follow from the seed; what is sealed, and what
//! follows from the engine's version, is replaced by words.

use serde_json::{Value, json};

use crate::app::{Answer, CONTENT_URL, CUBE, Call, Opened, PUBLIC_URL, SHOP, TestApp, open_call};

/// Status and body, fit to be compared.
fn shown(answer: &Answer) -> String {
    let mut body = answer.json();
    redact(&mut body, "");
    format!("{}\n{body:#}", answer.status)
}

fn redact(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                redact(member, name);
            }
        }
        Value::Array(items) => {
            for item in items {
                redact(item, name);
            }
        }
        Value::String(text) => *text = redacted(text, name),
        Value::Number(_) if name == "size" => *value = json!("[size]"),
        _ => {}
    }
}

fn redacted(text: &str, name: &str) -> String {
    // The version of the interface stays; the versions of results follow from the engine.
    if name == "version" && text.len() == 32 {
        return "[version]".to_owned();
    }
    match name {
        "sessionId" | "requestId" | "ticket" => return format!("[{name}]"),
        _ => {}
    }
    for (base, word) in [(CONTENT_URL, "[content]"), (PUBLIC_URL, "[public]")] {
        if let Some(path) = text.strip_prefix(base) {
            let parts: Vec<&str> = path.split('/').map(part).collect();
            return format!("{word}{}", parts.join("/"));
        }
    }
    text.to_owned()
}

/// Sealed links and session ids are hexadecimal; nothing else in a path is as long.
fn part(part: &str) -> &str {
    const SESSION_CHARS: usize = 32;
    let hexadecimal = part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match part.len() {
        SESSION_CHARS if hexadecimal => "[session]",
        length if length > SESSION_CHARS && hexadecimal => "[sealed]",
        _ => part,
    }
}

macro_rules! snapshot {
    ($name:literal, $answer:expr) => {
        insta::assert_snapshot!($name, shown(&$answer));
    };
}

async fn visited() -> (TestApp, Opened, Answer) {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let answer = app.send(open_call(&app.ticket(&model).await)).await;
    (app, Opened::read(&answer), answer)
}

#[tokio::test]
async fn what_a_visitor_gets() {
    let (app, session, created) = visited().await;
    snapshot!("session_created", created);
    snapshot!("session_defaults", app.send(session.defaults()).await);
    let values = json!({ "size": "50", "wood": "1" });
    snapshot!("outputs_computed", app.send(session.compute(&values)).await);
    let cached = |values: Value| Call::put(&session.path("output/cache")).json(&values);
    snapshot!(
        "outputs_cached_by_values",
        app.send(cached(json!({ "size": 50, "wood": 1 }))).await
    );
    let computed = app.send(session.compute(&values)).await.json();
    let price = session.output("price");
    let version = computed["outputs"][&price]["version"].clone();
    snapshot!(
        "outputs_cached_by_version",
        app.send(cached(json!({ price: version }))).await
    );
    snapshot!(
        "export_made",
        app.send(session.make_export("stl", &values)).await
    );
    let body = json!({
        "exports": [session.export("glb")],
        "outputs": [session.output("price")],
        "parameters": values
    });
    snapshot!(
        "export_made_with_outputs",
        app.send(Call::put(&session.path("export")).json(&body))
            .await
    );
    snapshot!(
        "export_cached",
        app.send(Call::put(&session.path("export/cache")).json(&body))
            .await
    );
    snapshot!("session_closed", app.send(session.close()).await);
    app.finish().await;
}

#[tokio::test]
async fn what_a_server_gets() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let call = Call::post(&format!("/api/v2/model/{}/session", model.id));
    let view = app.token(
        vitrine_access::grant::Subject::Model(model.id),
        &["group.view"],
    );
    snapshot!(
        "session_created_by_view_token",
        app.send(call.clone().bearer(&view)).await
    );
    let all = app.send(call.bearer(&app.model_token(model.id))).await;
    let session = Opened::read(&all);
    let list = session.path(&format!("output/{}/list", session.output("price")));
    snapshot!(
        "output_versions_listed",
        app.send(Call::get(&list).bearer(&app.model_token(model.id)))
            .await
    );
    let config = Call::get(&format!("/api/v2/model/{}/config", model.id));
    snapshot!(
        "model_config",
        app.send(config.bearer(&app.model_token(model.id))).await
    );
    app.finish().await;
}

#[tokio::test]
async fn what_the_platform_gets() {
    let app = TestApp::start().await;
    let backend = app.backend_token();
    let body =
        json!({ "name": "Cube", "filename": "cube.js", "accessdomains": ["SHOP.example.com:443"] });
    let created = app
        .send(Call::post("/api/v2/model").bearer(&backend).json(&body))
        .await;
    snapshot!("model_created", created);
    let created = created.json();
    let id = created["model"]["id"].as_str().unwrap().to_owned();
    let upload = Call::put(created["file"]["upload"].as_str().unwrap())
        .header("content-type", "application/octet-stream")
        .body(CUBE);
    snapshot!("model_uploaded", app.send(upload.clone()).await);
    app.analysed(id.parse().unwrap()).await;
    snapshot!("model_uploaded_again", app.send(upload).await);
    let path = format!("/api/v2/model/{id}");
    snapshot!("model", app.send(Call::get(&path).bearer(&backend)).await);
    let powerless = app.token(
        vitrine_access::grant::Subject::Model(id.parse().unwrap()),
        &["group.analytics"],
    );
    snapshot!(
        "model_for_a_powerless_token",
        app.send(Call::get(&path).bearer(&powerless)).await
    );
    let update =
        json!({ "pub": true, "backendaccess": true, "blockingReasons": { "owner": true } });
    snapshot!(
        "model_updated",
        app.send(Call::put(&path).bearer(&backend).json(&update))
            .await
    );
    snapshot!(
        "models_listed",
        app.send(Call::get("/api/v2/model/list").bearer(&backend))
            .await
    );
    let asked = json!({
        "type": "backend", "pub": true, "until": "20291231235959",
        "accessdomains": ["shop.example.com"], "author": true
    });
    let made = app
        .send(
            Call::post(&format!("{path}/ticket"))
                .bearer(&backend)
                .json(&asked),
        )
        .await;
    snapshot!("ticket_created", made);
    let ticket = made.json()["ticket"].as_str().unwrap().to_owned();
    let decrypted = app
        .send(Call::get(&format!("/api/v2/ticket/{ticket}")).bearer(&backend))
        .await;
    snapshot!("ticket_decrypted", decrypted);
    let says = &decrypted.json()["decryptedTicket"];
    for (member, sent) in asked.as_object().unwrap() {
        assert_eq!(&says[member], sent, "{member}");
    }
    assert_eq!(says["model_id"], id);
    app.finish().await;
}

#[tokio::test]
async fn how_requests_on_a_session_are_refused() {
    let (app, session, _) = visited().await;
    let raw = |body: &'static str| {
        Call::put(&session.path("output"))
            .header("content-type", "application/json")
            .body(body)
    };
    let exports = |ids: Value| {
        Call::put(&session.path("export")).json(&json!({ "exports": ids, "parameters": {} }))
    };
    snapshot!("bad_value", app.send(raw(r#"{"size":"huge"}"#)).await);
    snapshot!("value_out_of_range", app.send(raw(r#"{"size":101}"#)).await);
    snapshot!("unknown_choice", app.send(raw(r#"{"wood":"2"}"#)).await);
    snapshot!("null_value", app.send(raw(r#"{"size":null}"#)).await);
    snapshot!("unknown_parameter", app.send(raw(r#"{"colour":1}"#)).await);
    snapshot!("malformed_body", app.send(raw(r#"{"size":"#)).await);
    snapshot!("body_is_a_list", app.send(raw("[1]")).await);
    snapshot!(
        "duplicate_member",
        app.send(raw(r#"{"size":20,"size":30}"#)).await
    );
    let form = Call::put(&session.path("output"))
        .header("content-type", "text/plain")
        .body("{}");
    snapshot!("body_is_not_json", app.send(form).await);
    snapshot!("unknown_export", app.send(exports(json!(["00"]))).await);
    snapshot!("no_export", app.send(exports(json!([]))).await);
    let version = json!({ session.output("model"): "x" });
    snapshot!(
        "bad_version",
        app.send(Call::put(&session.path("output/cache")).json(&version))
            .await
    );
    let query = session.path("output?ignoreUnknownParams=perhaps");
    snapshot!("bad_query", app.send(Call::put(&query)).await);
    app.finish().await;
}

#[tokio::test]
async fn how_everything_else_is_refused() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let get = |path: &str| Call::get(path).origin(SHOP);
    let gone = "/api/v2/session/0123456789abcdef0123456789abcdef/default";
    snapshot!("unknown_session", app.send(get(gone)).await);
    snapshot!(
        "bad_session_id",
        app.send(get("/api/v2/session/0123/default")).await
    );
    snapshot!("unknown_route", app.send(get("/api/v2/nothing")).await);
    snapshot!(
        "unknown_method",
        app.send(Call::new("PATCH", "/api/v2/model")).await
    );
    snapshot!(
        "unknown_model_state",
        app.send(Call::post(&format!("/api/v2/ticket/{ticket}?modelStateId=abc")).origin(SHOP))
            .await
    );
    snapshot!(
        "foreign_origin",
        app.send(open_call_from(&ticket, "https://evil.example"))
            .await
    );
    snapshot!(
        "no_origin",
        app.send(Call::post(&format!("/api/v2/ticket/{ticket}")))
            .await
    );
    let model_path = format!("/api/v2/model/{}", model.id);
    snapshot!("no_token", app.send(get(&model_path)).await);
    snapshot!("bad_token", app.send(get(&model_path).bearer("x")).await);
    let large = Call::post("/api/v2/model")
        .bearer(&app.backend_token())
        .header("content-type", "application/json")
        .body(" ".repeat((1 << 20) + 1));
    snapshot!("body_too_large", app.send(large).await);
    let model_token = app.model_token(model.id);
    snapshot!(
        "platform_only",
        app.send(get("/api/v2/model/list").bearer(&model_token))
            .await
    );
    let unknown = "/api/v2/model/4c4b2b5e-0a8b-4d0e-9a55-2f6e8f0c1d7a";
    snapshot!(
        "unknown_model",
        app.send(get(unknown).bearer(&app.backend_token())).await
    );
    snapshot!(
        "model_that_the_token_is_not_for",
        app.send(get(unknown).bearer(&model_token)).await
    );
    snapshot!("bad_link", app.send(get("/api/v2/download/00")).await);
    let domains = json!({ "accessdomains": ["https://shop.example.com/path"] });
    let update = Call::put(&model_path)
        .bearer(&app.backend_token())
        .json(&domains);
    snapshot!("bad_domain", app.send(update).await);
    let past = json!({ "type": "", "pub": false, "until": "20200101000000" });
    let create = Call::post(&format!("{model_path}/ticket"))
        .bearer(&app.backend_token())
        .json(&past);
    snapshot!("ticket_of_the_past", app.send(create).await);
    app.finish().await;
}

fn open_call_from(ticket: &str, origin: &str) -> Call {
    Call::post(&format!("/api/v2/ticket/{ticket}")).origin(origin)
}
