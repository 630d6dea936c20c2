//! What an attacker tries on the platform, as a table: all of it harmless.

use serde_json::{Value, json};
use vitrine_access::platform::Role;
use vitrine_service::platform::CONSOLE_CLIENT;

use crate::app::{Call, TestApp};
use crate::platform_roles::{join, organization, somebody};
use crate::second_factors::{PASSWORD, user};

/// Texts that end statements, strings and patterns of SQL, or read other tables.
const INJECTIONS: [&str; 12] = [
    "'",
    "\"",
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE model; --",
    "\\'; DROP TABLE model; --",
    "') UNION SELECT password FROM user_account --",
    "1; UPDATE user_account SET administrator = 1",
    "%' ESCAPE '!' OR '1' = '1",
    "$1",
    "x') OR EXISTS (SELECT 1 FROM access_key) --",
    "\u{2019} OR 1=1",
];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn statements_in_texts_change_and_show_nothing() {
    let app = TestApp::start().await;
    let (her, token) = somebody(&app, "hers").await;
    somebody(&app, "others").await;
    let post = |path: &str, body: &Value| Call::post(path).json(body).bearer(&token);
    let encoded = |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    for tried in INJECTIONS {
        let inside = encoded(tried);
        for key in ["title[%]", "title[=]", "slug[%]", "status[=]", "visibility"] {
            let page = post(
                "/api/v1/models/query",
                &json!({ "filters": { key: tried } }),
            );
            let page = app.send(page).await.expect(200).json();
            assert_eq!(page["data"]["result"], json!([]), "{key} {tried}");
        }
        // As a name of a field, an operator, a sorter or a cursor.
        for body in [
            json!({ "filters": { tried: 1 } }),
            json!({ "filters": { (format!("title[{tried}]")): "x" } }),
            json!({ "sorters": { tried: "asc" } }),
            json!({ "sorters": { "created_at": tried } }),
            json!({ "offset": tried }),
            json!({ "filters": { "user_id[=]": { "x": tried } } }),
        ] {
            let answer = app.send(post("/api/v1/models/query", &body)).await;
            assert_eq!(answer.status.as_u16(), 400, "{body} {}", answer.text());
        }
        for path in [
            format!("/api/v1/models/{inside}"),
            format!("/api/v1/users/{inside}"),
            format!("/api/v1/apitokens/{inside}"),
            format!("/api/v1/organizations/{inside}"),
            format!("/api/v1/apiclients/{inside}"),
        ] {
            let answer = app.send(Call::get(&path).bearer(&token)).await;
            assert_eq!(answer.status.as_u16(), 404, "{path} {}", answer.text());
        }
        let signed = Call::post("/oauth/token").json(&json!({
            "grant_type": "password", "client_id": CONSOLE_CLIENT, "username": tried,
            "password": tried,
        }));
        app.send(signed).await.expect(400);
        // What may be any text is kept as it is.
        let named = json!({ "title": format!("title {tried}"), "tags": [tried] });
        let call = Call::new("PATCH", "/api/v1/models/hers").json(&named);
        let shown = app.send(call.bearer(&token)).await.expect(200).json();
        assert_eq!(shown["data"]["title"], format!("title {tried}"));
        assert_eq!(shown["data"]["tags"][0]["name"], tried);
    }
    let me = Call::get(&format!("/api/v1/users/{her}")).bearer(&token);
    let me = app.send(me).await.expect(200).json();
    assert_eq!(me["data"]["roles"], json!([]));
    let all = app.send(post("/api/v1/models/query", &json!({}))).await;
    let all = all.expect(200).json();
    assert_eq!(all["data"]["result"].as_array().unwrap().len(), 1);
    app.finish().await;
}

/// Members that the wire form has, or that rows have, and that nobody may set.
#[tokio::test]
async fn members_that_nobody_offered_are_refused_or_change_nothing() {
    let app = TestApp::start().await;
    let (her, token) = somebody(&app, "hers").await;
    let (his, _) = somebody(&app, "his").await;
    let acme = organization(&app, "Acme Ltd").await;
    let me = format!("/api/v1/users/{her}");
    let patch = |path: &str, body: &Value| Call::new("PATCH", path).json(body).bearer(&token);
    let before = app
        .send(Call::get(&me).bearer(&token))
        .await
        .expect(200)
        .json();
    for body in [
        json!({ "roles": ["admin"] }),
        json!({ "active": true }),
        json!({ "organization_id": acme.to_string() }),
        json!({ "organization_role": "owner" }),
    ] {
        app.send(patch(&me, &body)).await.expect(403);
    }
    for body in [
        json!({ "administrator": true }),
        json!({ "id": his.to_string() }),
        json!({ "email": "root@example.com" }),
        json!({ "plan": "unlimited", "features": { "limit": { "max_users": 1_000_000 } } }),
        json!({ "password": "a long walk home" }),
        json!({ "member": [acme.to_string(), "owner"] }),
        json!({ "second_factor": null, "blocked_at": 0, "__proto__": { "administrator": true } }),
    ] {
        app.send(patch(&me, &body)).await.expect(200);
    }
    let after = app
        .send(Call::get(&me).bearer(&token))
        .await
        .expect(200)
        .json();
    assert_eq!(before["data"], after["data"]);
    app.finish().await;
}

#[tokio::test]
async fn a_model_a_key_and_an_organization_take_the_members_that_are_offered_and_no_others() {
    let app = TestApp::start().await;
    let (her, token) = somebody(&app, "hers").await;
    let (his, _) = somebody(&app, "his").await;
    let acme = organization(&app, "Acme Ltd").await;
    let patch = |path: &str, body: &Value| Call::new("PATCH", path).json(body).bearer(&token);
    let model = |body: &Value| patch("/api/v1/models/hers", body);
    for body in [
        json!({ "user_id": his.to_string() }),
        json!({ "featured": true }),
        json!({ "backend_system_id": "x" }),
    ] {
        app.send(model(&body)).await.expect(403);
    }
    let body = json!({
        "organization_id": acme.to_string(), "owner": his.to_string(), "id": her.to_string(),
        "guid": her.to_string(), "blocking_reasons": { "owner": false }, "revision": 7,
        "link_generation": 9, "link_sharing_slug": "mine", "created_at": 0, "token_forced": false,
    });
    let shown = app.send(model(&body)).await.expect(200).json();
    assert_eq!(shown["data"]["user_id"], her.to_string());
    assert_eq!(shown["data"]["organization_id"], Value::Null);
    assert_eq!(shown["data"]["link_sharing_slug"], Value::Null);
    let made = Call::post("/api/v1/models").json(&json!({
        "title": "A new model", "user_id": his.to_string(), "organization_id": acme.to_string(),
        "status": "done",
    }));
    let made = app.send(made.bearer(&token)).await.expect(200).json();
    assert_eq!(made["data"]["user_id"], her.to_string());
    assert_eq!(made["data"]["status"], "start");
    let key = Call::post("/api/v1/apitokens").json(&json!({
        "scope": ["models-read"], "key_id": her.to_string(), "key_secret": "known",
        "user_id": his.to_string(), "scopes": "*",
    }));
    let key = app.send(key.bearer(&token)).await.expect(200).json();
    assert_eq!(key["data"]["scope"], json!(["models-read"]));
    assert_ne!(key["data"]["key_secret"], "known");
    join(&app, her, acme, Role::Admin).await;
    let body = json!({
        "plan": "unlimited", "owner": her.to_string(), "deleted_at": null, "id": her.to_string(),
        "name": "Rival Ltd",
    });
    let own = format!("/api/v1/organizations/{acme}");
    let shown = app.send(patch(&own, &body)).await.expect(200).json();
    assert_eq!(shown["data"]["id"], acme.to_string());
    assert_eq!(shown["data"]["name"], "Acme Ltd");
    app.finish().await;
}

#[tokio::test]
async fn pages_of_others_make_a_browser_do_nothing_with_its_cookie() {
    let app = TestApp::start().await;
    let (her, _) = user(&app, "ada").await;
    let signed = Call::post("/oauth/token").json(&json!({
        "grant_type": "password", "client_id": CONSOLE_CLIENT, "username": "ada@example.com",
        "password": PASSWORD,
    }));
    let signed = app.send(signed).await.expect(200);
    let set = signed.header("set-cookie").unwrap();
    assert!(set.contains("; HttpOnly; Secure; SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap().to_owned();
    let form = "application/x-www-form-urlencoded";
    for origin in [
        "https://rival.example",
        "null",
        "https://vitrine.example.rival.example",
    ] {
        let with = |call: Call| call.origin(origin).header("cookie", &cookie);
        // The cookie renews nothing there, by JSON or by a form, which needs no preflight.
        let body = format!("grant_type=refresh_token&client_id={CONSOLE_CLIENT}");
        let call = Call::post("/oauth/token")
            .header("content-type", form)
            .body(body);
        let refused = app.send(with(call)).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_request");
        assert_eq!(refused.header("access-control-allow-origin"), None);
        // A sign-out by the cookie alone ends nothing.
        app.send(with(Call::post("/oauth/logout")))
            .await
            .expect(200);
        // No operation of an account knows a cookie.
        for call in [
            Call::get(&format!("/api/v1/users/{her}")),
            Call::post("/api/v1/models/query").json(&json!({})),
            Call::post("/api/v1/apitokens").json(&json!({ "scope": ["*"] })),
            Call::post("/oauth/authorize").json(&json!({})),
            Call::new("DELETE", "/api/v1/models/hers"),
        ] {
            let refused = app.send(with(call)).await.expect(401);
            assert_eq!(refused.json()["error"]["code"], "token-missing");
        }
        // Bodies that a form can send without a preflight are not taken for JSON.
        for media_type in ["text/plain", form, "multipart/form-data; boundary=x"] {
            let token = text(&signed.json()["access_token"]);
            let call = Call::post("/api/v1/organizations").bearer(&token);
            let call = call.header("content-type", media_type);
            let call = call.body(r#"{"name":"Rival Ltd"}"#);
            app.send(with(call)).await.expect(400);
        }
    }
    // It is still good at home.
    let body = json!({ "grant_type": "refresh_token", "client_id": CONSOLE_CLIENT });
    let call = Call::post("/oauth/token").json(&body);
    let call = call
        .origin("https://vitrine.example")
        .header("cookie", &cookie);
    app.send(call).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_sign_in_never_goes_on_with_what_somebody_brought_along() {
    let app = TestApp::start().await;
    user(&app, "ada").await;
    user(&app, "mallory").await;
    let by_password = |name: &str| {
        Call::post("/oauth/token").json(&json!({
            "grant_type": "password", "client_id": CONSOLE_CLIENT,
            "username": format!("{name}@example.com"), "password": PASSWORD,
        }))
    };
    // Mallory plants a refresh token of their own in Ada's browser.
    let planted = app.send(by_password("mallory")).await.expect(200).json();
    let planted = text(&planted["refresh_token"]);
    let call = by_password("ada").header("cookie", format!("refresh_token={planted}"));
    let adas = app.send(call).await.expect(200);
    let (body, set) = (adas.json(), adas.header("set-cookie").unwrap().to_owned());
    assert!(!set.contains(&planted) && !body.to_string().contains(&planted));
    let sid = |token: &Value| crate::platform::sign_in_id(token.as_str().unwrap());
    let mallorys = Call::post("/oauth/token").json(&json!({
        "grant_type": "refresh_token", "client_id": CONSOLE_CLIENT, "refresh_token": planted,
    }));
    let mallorys = app.send(mallorys).await.expect(200).json();
    assert_ne!(sid(&body["access_token"]), sid(&mallorys["access_token"]));
    // Each sign-in is a new one, whatever was there before.
    let again = app.send(by_password("ada")).await.expect(200).json();
    assert_ne!(sid(&body["access_token"]), sid(&again["access_token"]));
    app.finish().await;
}

#[tokio::test]
async fn no_route_sends_a_browser_to_an_address_that_a_client_names() {
    let app = TestApp::start().await;
    let rival = "https://rival.example/";
    for path in [
        format!("/?redirect={rival}"),
        format!("/?redirect_uri={rival}#/authorize"),
        "//rival.example/".to_owned(),
        format!(
            "/oauth/authorize?redirect_uri={rival}&client_id={CONSOLE_CLIENT}&response_type=code"
        ),
        format!("/oauth/authorize?client_id={CONSOLE_CLIENT}&response_type=code&state=x"),
        format!("/embed/hers?redirect={rival}"),
        "/%2f%2frival.example/".to_owned(),
    ] {
        let answer = app.send(Call::get(&path)).await;
        let location = answer.header("location").unwrap_or_default();
        assert!(!location.contains("rival"), "{path} {location}");
        assert!(
            !(300..400).contains(&answer.status.as_u16()) || location.starts_with('/'),
            "{path} {location}"
        );
    }
    for header in ["x-forwarded-host", "host", "forwarded", "x-original-url"] {
        let call = Call::get("/").header(header, "rival.example");
        let answer = app.send(call).await;
        let location = answer.header("location").unwrap_or_default();
        assert!(!location.contains("rival"), "{header} {location}");
    }
    app.finish().await;
}
