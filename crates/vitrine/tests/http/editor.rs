//! The drawing editor's routes, sentence by sentence.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use vitrine_store::month_of;

use crate::app::{Answer, Call, TestApp, plans_for_both_databases};
use crate::partner::{Partner, generate, partner, token_of, verify};

/// A drawing of one line, up to where its end stands, and from there on.
macro_rules! drawing {
    ($end:literal) => {
        concat!(
            "  0\nSECTION\n  2\nHEADER\n  9\n$ACADVER\n  1\nAC1024\n  9\n$HANDSEED\n  5\n20\n",
            "  0\nENDSEC\n  0\nSECTION\n  2\nENTITIES\n  0\nLINE\n  5\n10\n  8\n0\n 10\n0\n 20\n0\n 11\n",
            $end,
            "\n 21\n1\n  0\nENDSEC\n  0\nEOF\n"
        )
    };
}

/// A drawing.
pub(crate) const DXF: &str = drawing!("5");
/// The same with its line changed, so that saving one over the other gives exactly this.
const OTHER_DXF: &str = drawing!("6");
const THIRD_DXF: &str = drawing!("7");

/// A partner whose bucket is a folder with `a.dxf` in it.
pub(crate) async fn with_bucket(app: &TestApp, app_id: &str) -> Partner {
    let folder = bucket(app, app_id);
    std::fs::create_dir_all(folder.join("plans")).unwrap();
    std::fs::write(folder.join("a.dxf"), DXF).unwrap();
    std::fs::write(folder.join("plans/b.dxf"), OTHER_DXF).unwrap();
    let url = format!("file://{}", folder.display());
    partner(app, app_id, |settings| {
        settings.content = Some(url);
        settings.origins =
            vitrine_service::partners::origins(&["cad.example.com".to_owned()]).unwrap();
    })
    .await
}

fn bucket(app: &TestApp, app_id: &str) -> PathBuf {
    app.folder().join("buckets").join(app_id)
}

pub(crate) fn open(token: &str) -> Call {
    Call::post("/editor/session").json(&json!({ "apitoken": token }))
}

pub(crate) fn by(method: &str, path: &str, session: &str) -> Call {
    Call::new(method, path).bearer(session)
}

fn save(session: &str, etag: &str, body: &str) -> Call {
    by("PUT", "/editor/drawing", session)
        .header("if-match", etag)
        .body(body.to_owned())
}

async fn token(app: &TestApp, partner: &Partner, parameters: &Value) -> String {
    token_of(
        &app.send(generate(&partner.key, &parameters.to_string()))
            .await
            .expect(200),
    )
}

/// An open editor.
struct Editor {
    session: String,
    state: Value,
}

async fn editor(app: &TestApp, partner: &Partner, user: &str) -> Editor {
    let parameters = json!({ "file": "a.dxf", "access": "edit", "userId": user });
    opened(
        &app.send(open(&token(app, partner, &parameters).await))
            .await,
    )
}

fn opened(answer: &Answer) -> Editor {
    let state = answer.clone().expect(201).json();
    Editor {
        session: state["session"].as_str().unwrap().to_owned(),
        state,
    }
}

fn etag(body: &Value) -> String {
    body["etag"].as_str().unwrap().to_owned()
}

#[track_caller]
fn code(answer: &Answer, status: u16, code: &str) {
    let body = answer.clone().expect(status).json();
    assert_eq!(body["code"], code, "{body}");
    assert!(body["message"].as_str().unwrap().len() > 20, "{body}");
}

/// A drawing without the number of its next handle, which a save may raise.
pub(crate) fn unsown(dxf: &str) -> String {
    let Some((before, after)) = dxf.split_once("$HANDSEED\n  5\n") else {
        return dxf.to_owned();
    };
    let (_, rest) = after.split_once('\n').unwrap();
    format!("{before}{rest}")
}

/// The whole body of an answer; `text` is for messages and cut.
fn whole(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_token_opens_its_drawing_and_the_page_learns_no_place_and_no_secret() {
    for plan in plans_for_both_databases("editor_opens").await {
        let mut app = plan.start().await;
        let acme = with_bucket(&app, "acme").await;
        let parameters = json!({
            "file": "plans/b.dxf", "userId": "u-secret", "access": "edit", "locale": "de",
            "mobile": "true", "modelBackgrndColorWhite": true, "password": "hidden",
        });
        let token = token(&app, &acme, &parameters).await;
        let answer = app.send(open(&token)).await.expect(201);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        for secret in [
            "plans/", "b.dxf", "u-secret", "hidden", "file:", &token, &acme.key,
        ] {
            assert!(!answer.text().contains(secret), "{secret}");
        }
        let Editor { session, state } = opened(&answer);
        assert_eq!(state["title"], "b");
        assert_eq!(state["access"], "edit");
        assert_eq!(state["origins"], json!(["https://cad.example.com"]));
        assert_eq!(
            state["lease"],
            json!({ "held": true, "by": null, "seconds": 60 })
        );
        assert_eq!(state["parameters"]["locale"], "de");
        assert_eq!(state["parameters"]["mobile"], true);
        assert_eq!(state["parameters"]["whitebackground"], true);
        let expires = state["expires"].as_i64().unwrap();
        assert_eq!(expires, app.services.now().unix_s() + 12 * 3600);
        app.restart().await;
        let again = app
            .send(by("GET", "/editor/session", &session))
            .await
            .expect(200)
            .json();
        assert!(again.get("session").is_none());
        assert_eq!(
            (&again["etag"], &again["lease"]["held"]),
            (&state["etag"], &json!(true))
        );
        let drawing = app
            .send(by("GET", "/editor/drawing", &session))
            .await
            .expect(200);
        assert_eq!(drawing.text(), OTHER_DXF);
        assert_eq!(drawing.header("etag"), state["etag"].as_str());
        assert_eq!(drawing.header("content-disposition"), Some("attachment"));
        let known = by("GET", "/editor/drawing", &session).header("if-none-match", etag(&state));
        app.send(known).await.expect(304);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_one_time_token_opens_one_editor_and_its_page_is_loaded_again_by_the_session() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let call = generate(&acme.key, r#"{"file":"a.dxf"}"#).header("x-token-one-time", "true");
    let once = token_of(&app.send(call).await.expect(200));
    let first = opened(&app.send(open(&once)).await);
    code(&app.send(open(&once)).await, 403, "editor-token-used");
    code(&app.send(verify(&once)).await, 403, "editor-token-used");
    app.send(by("GET", "/editor/session", &first.session))
        .await
        .expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_one_time_token_outlives_a_drawing_that_is_not_there() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let call = generate(&acme.key, r#"{"file":"late.dxf"}"#).header("x-token-one-time", "true");
    let once = token_of(&app.send(call).await.expect(200));
    code(&app.send(open(&once)).await, 404, "entity-unknown");
    std::fs::write(bucket(&app, "acme").join("late.dxf"), DXF).unwrap();
    app.send(open(&once)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn what_is_saved_is_there_when_the_drawing_is_opened_again() {
    for plan in plans_for_both_databases("editor_saves").await {
        let mut app = plan.start().await;
        let acme = with_bucket(&app, "acme").await;
        let first = editor(&app, &acme, "1").await;
        let saved = app
            .send(save(&first.session, &etag(&first.state), OTHER_DXF))
            .await;
        let saved = saved.expect(200).json();
        assert_eq!(saved["version"], 2);
        app.send(by("DELETE", "/editor/session", &first.session))
            .await
            .expect(204);
        code(
            &app.send(by("GET", "/editor/session", &first.session)).await,
            410,
            "editor-session-gone",
        );
        app.restart().await;
        let second = editor(&app, &acme, "2").await;
        assert_eq!(second.state["etag"], saved["etag"]);
        assert_eq!(
            second.state["lease"]["held"], true,
            "closing frees the lease"
        );
        let drawing = app
            .send(by("GET", "/editor/drawing", &second.session))
            .await;
        assert_eq!(unsown(&drawing.expect(200).text()), unsown(OTHER_DXF));
        let folder = bucket(&app, "acme");
        let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
        assert_eq!(read("a.dxf"), DXF, "the partner's own file stays as it is");
        assert_eq!(read(".vitrine/versions/a.dxf/000001.dxf"), DXF);
        let second = read(".vitrine/versions/a.dxf/000002.dxf");
        assert_eq!(unsown(&second), unsown(OTHER_DXF));
        app.finish().await;
    }
}

#[tokio::test]
async fn a_save_on_a_stale_version_keeps_both() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let editor = editor(&app, &acme, "1").await;
    let first = etag(&editor.state);
    let saved = app
        .send(save(&editor.session, &first, OTHER_DXF))
        .await
        .expect(200)
        .json();
    let third = THIRD_DXF;
    let stale = app.send(save(&editor.session, &first, third)).await;
    code(&stale, 409, "drawing-stale");
    let stale = stale.json();
    assert_eq!(
        (&stale["etag"], &stale["kept"]),
        (&saved["etag"], &json!(3))
    );
    let drawing = app
        .send(by("GET", "/editor/drawing", &editor.session))
        .await;
    assert_eq!(unsown(&drawing.expect(200).text()), unsown(OTHER_DXF));
    let kept = bucket(&app, "acme").join(".vitrine/versions/a.dxf/000003.dxf");
    let kept = std::fs::read_to_string(kept).unwrap();
    assert_eq!(unsown(&kept), unsown(third));
    let again = app
        .send(save(&editor.session, &etag(&saved), third))
        .await
        .expect(200);
    assert_eq!(again.json()["version"], 4);
    app.finish().await;
}

#[tokio::test]
async fn what_the_partner_puts_in_its_place_becomes_the_newest_version() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let editor = editor(&app, &acme, "1").await;
    let saved = app
        .send(save(&editor.session, &etag(&editor.state), OTHER_DXF))
        .await;
    let saved = saved.expect(200).json();
    let newer = THIRD_DXF;
    std::fs::write(bucket(&app, "acme").join("a.dxf"), newer).unwrap();
    let state = app
        .send(by("GET", "/editor/session", &editor.session))
        .await
        .expect(200)
        .json();
    assert_ne!(state["etag"], saved["etag"]);
    let drawing = app
        .send(by("GET", "/editor/drawing", &editor.session))
        .await;
    assert_eq!(drawing.expect(200).text(), newer);
    let late = app.send(save(&editor.session, &etag(&saved), DXF)).await;
    code(&late, 409, "drawing-stale");
    app.finish().await;
}

#[tokio::test]
async fn a_second_editor_looks_on_and_is_told_who_may_save() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let first = editor(&app, &acme, "Ada").await;
    let second = editor(&app, &acme, "Grace").await;
    assert_eq!(
        second.state["lease"],
        json!({ "held": false, "by": "Ada", "seconds": 60 })
    );
    let body = etag(&second.state);
    code(
        &app.send(save(&second.session, &body, OTHER_DXF)).await,
        403,
        "lease-missing",
    );
    app.pass(Duration::from_millis(59_999));
    let lease = |answer: Answer| answer.expect(200).json()["lease"].clone();
    let asked = lease(app.send(by("POST", "/editor/lease", &second.session)).await);
    assert_eq!(
        (&asked["held"], &asked["by"]),
        (&json!(false), &json!("Ada"))
    );
    app.pass(Duration::from_millis(1));
    let asked = lease(app.send(by("POST", "/editor/lease", &second.session)).await);
    assert_eq!(asked, json!({ "held": true, "by": null, "seconds": 60 }));
    code(
        &app.send(save(&first.session, &body, OTHER_DXF)).await,
        403,
        "lease-missing",
    );
    app.send(save(&second.session, &body, OTHER_DXF))
        .await
        .expect(200);
    app.send(by("DELETE", "/editor/lease", &second.session))
        .await
        .expect(204);
    let asked = lease(app.send(by("POST", "/editor/lease", &first.session)).await);
    assert_eq!(asked["held"], true);
    app.finish().await;
}

#[tokio::test]
async fn who_may_only_look_cannot_save_by_any_request() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let parameters = [
        json!({ "file": "a.dxf", "access": "view" }),
        json!({ "file": "a.dxf" }),
        json!({ "file": "a.dxf", "access": null }),
    ];
    for parameters in &parameters {
        let viewer = opened(&app.send(open(&token(&app, &acme, parameters).await)).await);
        assert_eq!(viewer.state["access"], "view");
        let tag = etag(&viewer.state);
        code(
            &app.send(by("POST", "/editor/lease", &viewer.session)).await,
            403,
            "view-only",
        );
        for call in [
            save(&viewer.session, &tag, OTHER_DXF),
            save(&viewer.session, &tag, OTHER_DXF).header("x-http-method-override", "GET"),
            by("PUT", "/editor/drawing?access=edit", &viewer.session).header("if-match", &tag),
            by("PUT", "/editor/drawing", &viewer.session),
        ] {
            code(&app.send(call).await, 403, "view-only");
        }
        for method in ["POST", "PATCH", "DELETE"] {
            app.send(by(method, "/editor/drawing", &viewer.session))
                .await
                .expect(405);
        }
    }
    let folder = bucket(&app, "acme");
    assert_eq!(std::fs::read_to_string(folder.join("a.dxf")).unwrap(), DXF);
    assert!(!folder.join(".vitrine").exists());
    app.finish().await;
}

#[tokio::test]
async fn a_session_ends_with_its_token_its_key_its_partner_and_its_time() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let state = |session: &str| by("GET", "/editor/session", session);
    let parameters = json!({ "file": "a.dxf", "userId": "7" });
    let text = token(&app, &acme, &parameters).await;
    let first = opened(&app.send(open(&text)).await).session;
    let second = opened(&app.send(open(&text)).await).session;
    app.pass(Duration::from_hours(2));
    app.send(state(&first)).await.expect(200);
    app.services
        .revoke_editor_token_unscoped(&text)
        .await
        .unwrap();
    for session in [&first, &second] {
        code(&app.send(state(session)).await, 410, "editor-session-gone");
    }
    let third = editor(&app, &acme, "7").await.session;
    app.pass(Duration::from_millis(12 * 3_600_000 - 1));
    app.send(state(&third)).await.expect(200);
    app.pass(Duration::from_millis(1));
    code(&app.send(state(&third)).await, 410, "editor-session-gone");
    let fourth = editor(&app, &acme, "7").await.session;
    let mut record = app.services.find_partner("acme").await.unwrap();
    record.settings.blocked = true;
    app.services.update_partner(record).await.unwrap();
    code(&app.send(state(&fourth)).await, 410, "editor-session-gone");
    app.finish().await;
}

#[tokio::test]
async fn another_partners_drawings_and_sessions_are_not_even_there() {
    let app = TestApp::start().await;
    let (acme, other) = (
        with_bucket(&app, "acme").await,
        with_bucket(&app, "other").await,
    );
    std::fs::write(bucket(&app, "other").join("secret.dxf"), DXF).unwrap();
    let mine = editor(&app, &acme, "1").await;
    let theirs = editor(&app, &other, "2").await;
    assert_eq!(
        theirs.state["lease"]["held"], true,
        "the same name is another drawing"
    );
    app.send(save(&theirs.session, &etag(&theirs.state), OTHER_DXF))
        .await
        .expect(200);
    let drawing = app.send(by("GET", "/editor/drawing", &mine.session)).await;
    assert_eq!(drawing.expect(200).text(), DXF);
    // What is there of another's, and what is nowhere, answers alike; so does every way out.
    let mut seen = Vec::new();
    for file in ["secret.dxf", "nowhere.dxf", "plans/nowhere.dxf"] {
        let text = token(&app, &acme, &json!({ "file": file })).await;
        let answer = app.send(open(&text)).await;
        code(&answer, 404, "entity-unknown");
        seen.push(answer.message());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    for file in [
        "../other/secret.dxf",
        "plans/../../other/secret.dxf",
        "/etc/x.dxf",
        "..\\other\\secret.dxf",
        ".vitrine/versions/a.dxf/000001.dxf",
        "./a.dxf",
        "plans//b.dxf",
        "a.dxf\u{0}.txt",
    ] {
        let text = token(&app, &acme, &json!({ "file": file })).await;
        code(&app.send(open(&text)).await, 400, "request-invalid");
    }
    for file in [
        "%2e%2e/other/secret.dxf",
        "..%2fother%2fsecret.dxf",
        "%2e%2e%2fother/secret.dxf",
    ] {
        let text = token(&app, &acme, &json!({ "file": file })).await;
        code(&app.send(open(&text)).await, 404, "entity-unknown");
    }
    app.finish().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_a_bucket_leads_nowhere_outside_of_it() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    with_bucket(&app, "other").await;
    let folder = bucket(&app, "acme");
    std::os::unix::fs::symlink(bucket(&app, "other"), folder.join("theirs")).unwrap();
    std::os::unix::fs::symlink(bucket(&app, "other").join("a.dxf"), folder.join("link.dxf"))
        .unwrap();
    std::os::unix::fs::symlink(folder.join("plans"), folder.join("inside")).unwrap();
    for (file, status) in [
        ("theirs/a.dxf", 404),
        ("link.dxf", 404),
        ("inside/b.dxf", 201),
    ] {
        let text = token(&app, &acme, &json!({ "file": file })).await;
        app.send(open(&text)).await.expect(status);
    }
    app.finish().await;
}

#[tokio::test]
async fn bodies_and_tags_that_are_none_are_refused() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let editor = editor(&app, &acme, "1").await;
    let tag = etag(&editor.state);
    for body in ["", "x", "<svg/>", "0\nEOF\n", "999\n"] {
        code(
            &app.send(save(&editor.session, &tag, body)).await,
            400,
            "drawing-invalid",
        );
    }
    for wrong in ["*", "\"9-0123456789abcdef\"", "\"1-0123456789abcdef\"", "x"] {
        code(
            &app.send(save(&editor.session, wrong, OTHER_DXF)).await,
            400,
            "request-invalid",
        );
    }
    let call = by("PUT", "/editor/drawing", &editor.session).body(OTHER_DXF);
    code(&app.send(call).await, 400, "request-invalid");
    let form = Call::post("/editor/session")
        .header("content-type", "text/plain")
        .body(r#"{"apitoken":"x"}"#);
    code(&app.send(form).await, 400, "request-invalid");
    app.finish().await;
}

#[tokio::test]
async fn distinct_users_are_counted_in_each_month_when_the_editor_opens() {
    for plan in plans_for_both_databases("editor_users").await {
        let app = plan.start().await;
        let acme = with_bucket(&app, "acme").await;
        for user in ["1", "2", "1"] {
            editor(&app, &acme, user).await;
        }
        let unused = json!({ "file": "a.dxf", "userId": "3" });
        token(&app, &acme, &unused).await;
        let now = app.services.now();
        let users = async |month| {
            app.services
                .store()
                .partner_users(acme.id, month)
                .await
                .unwrap()
        };
        assert_eq!(users(month_of(now)).await, 2);
        app.pass(Duration::from_hours(24 * 31));
        assert_eq!(users(month_of(app.services.now())).await, 0);
        editor(&app, &acme, "1").await;
        assert_eq!(users(month_of(app.services.now())).await, 1);
        assert_eq!(users(month_of(now)).await, 2);
        app.finish().await;
    }
}

#[tokio::test]
async fn the_page_is_framed_by_the_pages_of_the_tokens_partner_alone() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let call = generate(&acme.key, r#"{"file":"a.dxf"}"#).header("x-token-one-time", "true");
    let once = token_of(&app.send(call).await.expect(200));
    let state = opened(&app.send(open(&once)).await).state;
    let framed = async |query: &str| {
        let frame = app
            .services
            .editor_frame(query.strip_prefix("apitoken="), query.strip_prefix("f="));
        frame.await.unwrap()
    };
    let known = Some("https://cad.example.com".to_owned());
    assert_eq!(
        framed(&format!("apitoken={once}")).await,
        known,
        "used up as it is"
    );
    let address = state["address"].as_str().unwrap();
    let sealed = address.strip_prefix("/editor?").unwrap();
    assert_eq!(framed(sealed).await, known);
    for stranger in ["", "apitoken=", "apitoken=x", "f=", "f=00", "f=acme"] {
        assert_eq!(framed(stranger).await, None, "{stranger}");
    }
    app.pass(Duration::from_hours(24));
    assert_eq!(framed(sealed).await, None);
    app.finish().await;
}

#[tokio::test]
async fn no_answer_of_the_editor_is_shared_with_scripts_of_other_origins() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let editor = editor(&app, &acme, "1").await;
    for (method, path) in [
        ("GET", "/editor/session"),
        ("GET", "/editor/drawing"),
        ("POST", "/editor/lease"),
    ] {
        let call = by(method, path, &editor.session).origin("https://cad.example.com");
        let answer = app.send(call).await.expect(200);
        assert!(
            answer.header("access-control-allow-origin").is_none(),
            "{path}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_dwg_file_is_opened_as_dxf_and_a_save_keeps_what_the_page_does_not_know() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let dwg = include_bytes!("../../../../demo/drawings/flat.dwg");
    std::fs::write(bucket(&app, "acme").join("flat.dwg"), dwg).unwrap();
    let parameters = json!({ "file": "flat.dwg", "access": "edit" });
    let editor = opened(&app.send(open(&token(&app, &acme, &parameters).await)).await);
    assert_eq!(editor.state["title"], "flat");
    let drawing = app
        .send(by("GET", "/editor/drawing", &editor.session))
        .await
        .expect(200);
    let seen = whole(&drawing).replace("\r\n", "\n");
    let circle = seen.find("\nCIRCLE\n").unwrap();
    let radius = circle + seen[circle..].find("\n 40\n").unwrap() + 5;
    let end = radius + seen[radius..].find('\n').unwrap();
    let now = format!("{}123.5{}", &seen[..radius], &seen[end..]);
    // As a page sends it: without the objects that it does not know.
    let objects = |text: &str| {
        let at = text.find("\nOBJECTS\n").unwrap();
        let end = at + text[at..].find("\nENDSEC\n").unwrap();
        format!("{}{}", &text[..at + 9], &text[end - 3..])
    };
    let body = format!("{}{}", objects(&seen), objects(&now));
    let saved = app
        .send(save(&editor.session, &etag(&editor.state), &body))
        .await;
    assert_eq!(saved.expect(200).json()["version"], 2);
    let drawing = app
        .send(by("GET", "/editor/drawing", &editor.session))
        .await;
    let after = drawing.expect(200);
    let after = whole(&after);
    assert!(after.contains("123.5"));
    for kept in [
        "VITRINE_DEMO",
        "VITRINE_PARTS",
        "a record of the partner's own",
    ] {
        assert!(after.contains(kept), "{kept}");
    }
    let lines = |text: &str| text.lines().count();
    assert_eq!(lines(&after), lines(&seen));
    let kept = bucket(&app, "acme").join(".vitrine/versions/flat.dwg/000001.dwg");
    assert_eq!(std::fs::read(kept).unwrap(), dwg);
    app.finish().await;
}

#[tokio::test]
async fn damaged_drawings_get_a_clear_answer_and_the_server_goes_on() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let whole = include_bytes!("../../../../demo/drawings/flat.dwg");
    let path = bucket(&app, "acme").join("b.dwg");
    let mut state = 0x9E37_79B9_u64;
    let mut next = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for round in 0..20 {
        let mut bytes = whole.to_vec();
        if round % 4 == 0 {
            bytes.truncate(6 + next(bytes.len() - 6));
        } else {
            for _ in 0..=next(30) {
                let at = 6 + next(bytes.len() - 6);
                bytes[at] ^= 1 << next(8);
            }
        }
        std::fs::write(&path, bytes).unwrap();
        let parameters = json!({ "file": "b.dwg" });
        let editor = opened(&app.send(open(&token(&app, &acme, &parameters).await)).await);
        let answer = app
            .send(by("GET", "/editor/drawing", &editor.session))
            .await;
        match answer.status.as_u16() {
            200 => assert!(answer.text().contains("SECTION")),
            _ => code(&answer, 400, "drawing-invalid"),
        }
    }
    let good = editor(&app, &acme, "1").await;
    let drawing = app.send(by("GET", "/editor/drawing", &good.session)).await;
    assert_eq!(drawing.expect(200).text(), DXF);
    app.finish().await;
}

#[tokio::test]
async fn parameters_in_the_address_are_off_and_for_looking_and_never_hold_a_secret() {
    let app = TestApp::start().await;
    let acme = with_bucket(&app, "acme").await;
    let address = "/editor?file=a.dxf&access=edit&auth=acme&userId=7";
    let off = app.send(Call::get(address)).await;
    code(&off, 403, "plain-parameters-refused");
    let mut record = app.services.find_partner("acme").await.unwrap();
    record.settings.plain_parameters = true;
    app.services.update_partner(record).await.unwrap();
    let answer = app.send(Call::get(address)).await.expect(303);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let location = answer.header("location").unwrap().to_owned();
    let token = location.strip_prefix("/editor?apitoken=").unwrap();
    assert!(!location.contains("a.dxf"));
    let Editor { session, state } = opened(&app.send(open(token)).await);
    assert_eq!(state["access"], "view", "nobody vouched for edit");
    app.send(by("GET", "/editor/drawing", &session))
        .await
        .expect(200);
    code(&app.send(open(token)).await, 403, "editor-token-used");
    for wrong in [
        format!("/editor?file=a.dxf&auth=acme&x-api-key={}", acme.key),
        "/editor?file=a.dxf&auth=acme&token=x".to_owned(),
        "/editor?file=a.dxf&auth=nobody".to_owned(),
        "/editor?file=a.dxf".to_owned(),
    ] {
        code(
            &app.send(Call::get(&wrong)).await,
            403,
            "plain-parameters-refused",
        );
    }
    let outside = app.send(Call::get("/editor?file=../a.dxf&auth=acme")).await;
    code(&outside, 400, "request-invalid");
    app.finish().await;
}
