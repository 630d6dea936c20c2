//! Downloads: ranges, HEAD, conditions, and links that are good for what they name alone.

use serde_json::json;

use crate::app::{CONTENT_URL, CUBE, Call, Opened, TestApp, href};

async fn shown() -> (TestApp, Opened) {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    (app, session)
}

async fn exported(app: &TestApp, session: &Opened) -> String {
    let made = app.send(session.make_export("stl", &json!({}))).await;
    href(&made.expect(200).json()["exports"][session.export("stl")])
}

#[tokio::test]
async fn a_range_is_sent_as_asked_and_one_outside_is_416() {
    let (app, session) = shown().await;
    let exported = exported(&app, &session).await;
    for (link, whole) in [(session.href("model"), 206), (exported, 200)] {
        let all = app.send(Call::get(&link)).await.expect(whole);
        let length = all.body.len();
        let ranged = |range: String| Call::get(&link).header("range", range);
        let part = app.send(ranged("bytes=0-19".into())).await.expect(206);
        assert_eq!(part.body, all.body.slice(0..20));
        assert_eq!(
            part.header("content-range"),
            Some(format!("bytes 0-19/{length}").as_str())
        );
        let tail = app.send(ranged("bytes=20-".into())).await.expect(206);
        assert_eq!(tail.body, all.body.slice(20..));
        let last = app.send(ranged("bytes=-5".into())).await.expect(206);
        assert_eq!(last.body, all.body.slice(length - 5..));
        let outside = app.send(ranged(format!("bytes={length}-"))).await;
        let outside = outside.expect_error(416, "SdRequestValidationError");
        assert_eq!(
            outside.header("content-range"),
            Some(format!("bytes */{length}").as_str())
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let (app, session) = shown().await;
    let exported = exported(&app, &session).await;
    for link in [session.href("model"), exported] {
        let got = app.send(Call::get(&link)).await;
        let head = app.send(Call::new("HEAD", &link)).await;
        // The 206 of outputs is a promise to clients that read bytes; HEAD reads none.
        assert_eq!(head.status.as_u16(), 200);
        assert!(head.body.is_empty());
        assert_eq!(head.header("accept-ranges"), Some("bytes"));
        let length = got.body.len().to_string();
        assert_eq!(head.header("content-length"), Some(length.as_str()));
        for name in ["content-type", "etag", "content-disposition"] {
            assert_eq!(head.header(name), got.header(name), "{name}");
        }
    }
    let gone = Call::new("HEAD", &format!("{CONTENT_URL}/api/v2/download/00"));
    assert!(app.send(gone).await.expect(403).body.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let (app, session) = shown().await;
    let link = session.href("model");
    let tag = app
        .send(Call::get(&link))
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let again = app
        .send(Call::get(&link).header("if-none-match", &tag))
        .await
        .expect(304);
    assert!(again.body.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn stored_bytes_never_run_and_are_cached_by_the_browser_alone() {
    let (app, session) = shown().await;
    let exported = exported(&app, &session).await;
    for link in [session.href("model"), exported] {
        let answer = app.send(Call::get(&link)).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("sandbox"), "{policy}");
        let cached = answer.header("cache-control").unwrap();
        assert!(cached.contains("private"), "{cached}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_link_is_good_for_its_own_session_and_its_own_route_only() {
    let (app, session) = shown().await;
    let output = session.href("model");
    let export = exported(&app, &session).await;
    let model = app.push("other", CUBE).await;
    let other = app.open(&app.ticket(&model).await).await.href("model");
    let parts = |link: &str| -> Vec<String> { link.split('/').map(str::to_owned).collect() };
    let (mine, theirs) = (parts(&output), parts(&other));
    let alias = &mine[mine.len() - 3];
    let sealed = mine.last().unwrap();
    let wrong = [
        format!(
            "/api/v2/session/{}/output/{sealed}",
            theirs[theirs.len() - 3]
        ),
        format!("/api/v2/session/{alias}/export/{sealed}"),
        format!(
            "/api/v2/session/{alias}/output/{}",
            parts(&export).last().unwrap()
        ),
        format!("/api/v2/session/{alias}/output/{}", theirs.last().unwrap()),
        format!("/api/v2/session/{alias}/output/{sealed}00"),
        format!("/api/v2/session/{alias}/output/{}", sealed.to_uppercase()),
        format!("/api/v2/session/x/output/{sealed}"),
        format!("/api/v2/upload/{sealed}"),
    ];
    for path in &wrong {
        let call = if path.contains("upload") {
            Call::put(path).body("x")
        } else {
            Call::get(path)
        };
        app.send(call).await.expect_error(403, "SdErrorForbidden");
    }
    // Clients that build the path themselves use the session's id.
    let own = session.path(&format!("output/{sealed}"));
    app.send(Call::get(&own)).await.expect(206);
    app.finish().await;
}

#[tokio::test]
async fn links_hold_no_session_id_and_the_alias_in_them_is_good_for_nothing_else() {
    let (app, session) = shown().await;
    let link = session.href("model");
    assert!(link.starts_with(CONTENT_URL), "{link}");
    assert!(!link.contains(&session.id));
    let alias = link.split('/').rev().nth(2).unwrap();
    for rest in ["default", "close", "output"] {
        let path = format!("/api/v2/session/{alias}/{rest}");
        let call = match rest {
            "default" => Call::get(&path),
            "close" => Call::post(&path),
            _ => Call::put(&path),
        };
        app.send(call).await.expect_error(410, "SdSessionGoneError");
    }
    app.send(Call::get(&link)).await.expect(206);
    app.finish().await;
}

#[tokio::test]
async fn an_asset_that_the_storage_lost_is_an_error_and_no_half_answer() {
    let (app, session) = shown().await;
    let objects = app.folder().join("objects");
    let away = app.folder().join("objects-away");
    std::fs::rename(&objects, &away).unwrap();
    app.send(Call::get(&session.href("model")))
        .await
        .expect_error(500, "SdStorageErrorGeneric");
    std::fs::rename(&away, &objects).unwrap();
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    assert!(!app.take_errors().is_empty(), "the operator is told");
    app.finish().await;
}
