//! What official clients break on: the rules of the protocol that no schema states.

use serde_json::{Value, json};

use crate::app::{CUBE, Call, SHOP, TestApp, href, open_call};

#[tokio::test]
async fn every_error_has_the_three_texts_that_clients_recognise_it_by() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    for (call, status, error) in [
        (Call::get("/api/v2/nothing"), 404, "SdNotFoundError"),
        (
            Call::new("DELETE", "/api/v2/model"),
            405,
            "SdMethodNotAllowedError",
        ),
        (
            Call::get("/api/v2/session/x/default"),
            400,
            "SdSessionValidationError",
        ),
        (
            session.compute(&json!({ "size": "huge" })),
            400,
            "SdParameterValidationError",
        ),
        (
            Call::post("/api/v2/ticket/x"),
            403,
            "SdTicketValidationError",
        ),
        (Call::get("/api/v2/model/x"), 401, "SdTokenMissingError"),
    ] {
        let answer = app
            .send(call.origin(SHOP))
            .await
            .expect_error(status, error);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.header("x-request-id").is_some());
    }
    app.finish().await;
}

#[tokio::test]
async fn every_call_of_a_closed_session_is_410_and_names_the_type_that_viewers_recover_from() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    app.send(session.close()).await.expect(200);
    for call in session.all_calls() {
        app.send(call).await.expect_error(410, "SdSessionGoneError");
    }
    app.finish().await;
}

#[tokio::test]
async fn empty_bodies_are_accepted_whatever_they_call_themselves() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    for content_type in ["application/json", "application/x-www-form-urlencoded"] {
        let call = open_call(&ticket).header("content-type", content_type);
        let answer = app.send(call).await.expect(201);
        let id = answer.json()["sessionId"].as_str().unwrap().to_owned();
        let close =
            Call::post(&format!("/api/v2/session/{id}/close")).header("content-type", content_type);
        app.send(close).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn success_is_never_an_empty_body_and_has_the_status_that_strict_clients_check() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let opened = app.send(open_call(&ticket)).await.expect(201);
    let session = crate::app::Opened::read(&opened);
    for call in session.all_calls() {
        let answer = app.send(call).await.expect(200);
        assert!(answer.json()["version"].is_string());
    }
    app.finish().await;
}

#[tokio::test]
async fn an_output_is_sent_with_206_and_an_export_with_200() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let whole = app
        .send(Call::get(&session.href("model")))
        .await
        .expect(206);
    let length = whole.body.len();
    assert_eq!(
        whole.header("content-range"),
        Some(format!("bytes 0-{}/{length}", length - 1).as_str())
    );
    assert!(whole.body.starts_with(b"glTF"));
    let made = app
        .send(session.make_export("stl", &json!({})))
        .await
        .expect(200)
        .json();
    let link = href(&made["exports"][session.export("stl")]);
    let stl = app.send(Call::get(&link)).await.expect(200);
    let disposition = stl.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    app.finish().await;
}

#[tokio::test]
async fn absent_members_are_left_out_and_never_null() {
    fn no_null(value: &Value, path: &str) {
        match value {
            Value::Null => panic!("{path} is null"),
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    no_null(item, &format!("{path}[{at}]"));
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    no_null(member, &format!("{path}.{name}"));
                }
            }
            _ => {}
        }
    }

    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    no_null(&session.body, "session");
    for call in session.all_calls() {
        no_null(&app.send(call).await.expect(200).json(), "answer");
    }
    let call = Call::get(&format!("/api/v2/model/{}", model.id)).bearer(&app.backend_token());
    no_null(&app.send(call).await.expect(200).json(), "model");
    app.finish().await;
}

#[tokio::test]
async fn the_version_of_an_output_changes_with_the_values_it_depends_on_and_with_nothing_else() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let versions = async |values: Value| {
        let body = app.send(session.compute(&values)).await.expect(200).json();
        ["model", "price"].map(|name| {
            let version = &body["outputs"][session.output(name)]["version"];
            version.as_str().unwrap().to_owned()
        })
    };
    let first = versions(json!({ "size": "40", "wood": "0" })).await;
    assert_eq!(versions(json!({})).await, first);
    assert_eq!(versions(json!({ "size": 40.0, "wood": 0 })).await, first);
    let [model_of_ash, price_of_ash] = versions(json!({ "wood": "1" })).await;
    assert_eq!(model_of_ash, first[0], "the geometry does not see the wood");
    assert_ne!(price_of_ash, first[1]);
    let larger = versions(json!({ "size": 41 })).await;
    assert_ne!(larger[0], first[0]);
    app.finish().await;
}

#[tokio::test]
async fn a_new_model_has_an_empty_viewer_config() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    assert_eq!(session.body["viewer"]["config"], json!({}));
    app.finish().await;
}

#[tokio::test]
async fn preflights_allow_what_viewers_send_and_answers_show_what_they_read() {
    let app = TestApp::start().await;
    let preflight = Call::new("OPTIONS", "/api/v2/session/x/output")
        .origin("https://anybody.example")
        .header("access-control-request-method", "PUT")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        );
    let answer = app.send(preflight).await.expect(204);
    let allowed = answer
        .header("access-control-allow-headers")
        .unwrap()
        .to_lowercase();
    for name in [
        "authorization",
        "content-type",
        "x-shapediver-origin",
        "x-shapediver-sessionengineid",
        "x-shapediver-buildversion",
        "x-shapediver-builddate",
        "x-shapediver-useragent",
    ] {
        assert!(allowed.contains(name), "{name}");
    }
    let refused = app
        .send(Call::get("/api/v2/session/x/default").origin("https://anybody.example"))
        .await
        .expect(400);
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert_eq!(refused.header("access-control-allow-credentials"), None);
    let shown = refused
        .header("access-control-expose-headers")
        .unwrap()
        .to_lowercase();
    for name in [
        "content-disposition",
        "accept-ranges",
        "content-range",
        "retry-after",
    ] {
        assert!(shown.contains(name), "{name}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_base_address_with_a_trailing_slash_works() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let call = Call::post(&format!("//api/v2/ticket/{ticket}")).origin(SHOP);
    app.send(call).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn an_export_may_be_asked_for_while_the_session_opens_in_both_forms() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let stl = app.open(&ticket).await.export("stl");
    for exports in [json!([stl]), json!({ "id": stl })] {
        let body = json!({ "exports": exports, "parameters": { "size": 20 } });
        let answer = app.send(open_call(&ticket).json(&body)).await.expect(201);
        href(&answer.json()["exports"][&stl]);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_error_in_plain_text_is_not_called_packed() {
    let app = TestApp::start().await;
    for path in [
        "/console/nothing",
        "/viewer/nothing",
        "/editor/assets/nothing",
    ] {
        let call = Call::get(path).header("accept-encoding", "gzip");
        let answer = app.send(call).await.expect(404);
        assert_eq!(answer.header("content-encoding"), None, "{path}");
        assert!(answer.json()["message"].is_string(), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn only_the_frames_data_itself_is_open_to_every_page() {
    let app = TestApp::start().await;
    for (path, open) in [
        ("/api/v1/models/iframe/x", true),
        ("/api/v1/models/iframe/tickets/query", false),
        ("/api/v1/models/x/tickets/query", false),
    ] {
        let call = Call::post(path)
            .origin("https://evil.example")
            .json(&json!({}));
        let answer = app.send(call).await;
        let readable = answer.header("access-control-allow-origin").is_some();
        assert_eq!(readable, open, "{path}");
    }
    app.finish().await;
}
