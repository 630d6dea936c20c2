//! The iframe page: who gets it, what it proves, and how long.

use std::time::Duration;

use serde_json::Value;
use vitrine_access::limits::{EMBED_NONCE_TTL, EMBED_PAGE_AGE_MAX};
use vitrine_access::origin::AllowedDomains;
use vitrine_service::ModelRecord;
use vitrine_service::models::ModelPatch;

use crate::app::{Answer, CONTENT_URL, CUBE, Call, Opened, Plan, SHOP, TestApp};

async fn framed() -> (TestApp, ModelRecord, String) {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    (app, model, ticket)
}

fn page_of(model: &ModelRecord) -> Call {
    Call::get(&format!("/embed/{}", model.slug))
}

/// What the server wrote into the page.
fn config(page: &Answer) -> Value {
    let text = page.text();
    let (_, rest) = text
        .split_once("id=\"vitrine-config\">")
        .expect("a page with configuration");
    let (config, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(config).unwrap()
}

async fn nonce(app: &TestApp, model: &ModelRecord) -> String {
    let page = app.send(page_of(model)).await.expect(200);
    config(&page)["nonce"].as_str().unwrap().to_owned()
}

/// A session as the iframe page opens it; `around` is the page around the frame, as far as it is known.
fn open(ticket: &str, nonce: &str, around: &str) -> Call {
    Call::post(&format!("/api/v2/ticket/{ticket}"))
        .origin(CONTENT_URL)
        .header("x-shapediver-origin", around)
        .header("x-vitrine-embed", nonce)
}

fn renew(model: &ModelRecord, last: &str) -> Call {
    Call::post(&format!("/embed/{}", model.slug)).body(last.to_owned())
}

fn code(answer: &Answer) -> String {
    answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn the_page_around_our_frame_counts_and_only_with_a_load_of_the_frame() {
    let (app, model, ticket) = framed().await;
    for page in [SHOP, "https://shop.example.com/cubes?x=1", ""] {
        let fresh = nonce(&app, &model).await;
        app.send(open(&ticket, &fresh, page)).await.expect(201);
    }
    for page in ["https://evil.example/", "direct", "null", CONTENT_URL] {
        let fresh = nonce(&app, &model).await;
        app.send(open(&ticket, &fresh, page))
            .await
            .expect_error(403, "SdTicketValidationError");
    }
    let fresh = nonce(&app, &model).await;
    for (nonce, page) in [("", SHOP), ("", ""), ("00", SHOP), (&fresh[2..], SHOP)] {
        let refused = app.send(open(&ticket, nonce, page)).await.expect(403);
        assert_eq!(code(&refused), "embed-unproven");
    }
    let twice = open(&ticket, &fresh, SHOP).header("x-vitrine-embed", &fresh);
    assert_eq!(code(&app.send(twice).await.expect(403)), "embed-unproven");
    let without = Call::post(&format!("/api/v2/ticket/{ticket}"))
        .origin(CONTENT_URL)
        .header("x-shapediver-origin", SHOP);
    assert_eq!(code(&app.send(without).await.expect(403)), "embed-unproven");
    app.finish().await;
}

#[tokio::test]
async fn a_load_of_the_frame_is_worth_nothing_on_any_other_page() {
    let (app, model, ticket) = framed().await;
    let fresh = nonce(&app, &model).await;
    for origin in [
        "https://evil.example",
        "null",
        "https://content.vitrine.example:8443",
    ] {
        let call = Call::post(&format!("/api/v2/ticket/{ticket}"))
            .origin(origin)
            .header("x-shapediver-origin", SHOP)
            .header("x-vitrine-embed", &fresh);
        let refused = app.send(call).await.expect(403);
        assert_eq!(code(&refused), "origin-not-allowed", "{origin}");
    }
    // It was not used up by those who could not use it.
    app.send(open(&ticket, &fresh, SHOP)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn one_load_opens_one_session_on_all_nodes_together() {
    let (app, model, ticket) = framed().await;
    let fresh = nonce(&app, &model).await;
    let call = || app.send(open(&ticket, &fresh, SHOP));
    let (first, second, third) = tokio::join!(call(), call(), call());
    let answers = [first, second, third];
    let opened = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(opened, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(code(answer), "embed-unproven");
    }
    let (node, other) = app.second_node().await;
    let refused = open(&ticket, &fresh, SHOP).send(&other).await.expect(403);
    node.shutdown().await;
    assert_eq!(code(&refused), "embed-unproven");
    app.finish().await;
}

#[tokio::test]
async fn a_refusal_for_other_reasons_does_not_use_the_load_up() {
    let (app, model, ticket) = framed().await;
    let fresh = nonce(&app, &model).await;
    let demand = |require_token| ModelPatch {
        require_token: Some(require_token),
        ..ModelPatch::default()
    };
    app.update(model.id, demand(true)).await;
    app.send(open(&ticket, &fresh, SHOP)).await.expect(401);
    app.update(model.id, demand(false)).await;
    app.send(open(&ticket, &fresh, SHOP)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_load_is_good_for_a_minute_and_the_standing_page_gets_the_next_for_a_day() {
    let (app, model, ticket) = framed().await;
    let first = nonce(&app, &model).await;
    app.pass(EMBED_NONCE_TTL);
    let refused = app.send(open(&ticket, &first, SHOP)).await.expect(403);
    assert_eq!(code(&refused), "embed-unproven");
    let next = app
        .send(renew(&model, &first).origin(CONTENT_URL))
        .await
        .expect(200);
    assert_eq!(next.header("cache-control"), Some("private, no-store"));
    assert_eq!(next.header("access-control-allow-origin"), None);
    app.send(open(&ticket, &next.text(), SHOP))
        .await
        .expect(201);
    let next = app
        .send(renew(&model, &next.text()).origin(CONTENT_URL))
        .await
        .expect(200);
    app.send(open(&ticket, &next.text(), "")).await.expect(201);
    app.pass(EMBED_PAGE_AGE_MAX.saturating_sub(EMBED_NONCE_TTL));
    let outlived = app
        .send(renew(&model, &next.text()).origin(CONTENT_URL))
        .await
        .expect(403);
    assert_eq!(code(&outlived), "embed-unproven");
    app.finish().await;
}

#[tokio::test]
async fn only_our_own_page_gets_the_next_load() {
    let (app, model, _) = framed().await;
    let fresh = nonce(&app, &model).await;
    for origin in [SHOP, "https://evil.example", "null", ""] {
        let refused = app
            .send(renew(&model, &fresh).origin(origin))
            .await
            .expect(403);
        assert_eq!(code(&refused), "embed-unproven");
    }
    app.send(renew(&model, &fresh)).await.expect(403);
    for last in ["", "00", &fresh[2..]] {
        app.send(renew(&model, last).origin(CONTENT_URL))
            .await
            .expect(403);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_load_for_one_model_opens_no_other() {
    let (app, model, ticket) = framed().await;
    let other = app.push("other", CUBE).await;
    app.ticket(&other).await;
    let foreign = nonce(&app, &other).await;
    let refused = app.send(open(&ticket, &foreign, SHOP)).await.expect(403);
    assert_eq!(code(&refused), "embed-unproven");
    let own = nonce(&app, &model).await;
    app.send(open(&ticket, &own, SHOP)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_hidden_page_loses_its_session_when_the_list_changes_and_has_to_be_loaded_again() {
    let (app, model, ticket) = framed().await;
    let early = nonce(&app, &model).await;
    let opened = app
        .send(open(&ticket, &nonce(&app, &model).await, ""))
        .await;
    let session = Opened::read(&opened.expect(201));
    app.send(session.defaults()).await.expect(200);
    let others = ModelPatch {
        accessdomains: Some(vec!["other.example.com".to_owned()]),
        ..ModelPatch::default()
    };
    app.update(model.id, others).await;
    app.send(session.defaults()).await.expect(410);
    let refused = app.send(open(&ticket, &early, "")).await.expect(403);
    assert!(
        refused.message().contains("Reload"),
        "{}",
        refused.message()
    );
    app.finish().await;
}

#[tokio::test]
async fn a_hidden_page_needs_a_list_that_browsers_can_hold_exactly() {
    let (app, model, ticket) = framed().await;
    let star = ModelPatch {
        accessdomains: Some(vec!["*.example.com".to_owned()]),
        ..ModelPatch::default()
    };
    app.update(model.id, star).await;
    let refused = app
        .send(open(&ticket, &nonce(&app, &model).await, ""))
        .await;
    assert_eq!(code(&refused.expect(403)), "origin-missing");
    app.send(open(&ticket, &nonce(&app, &model).await, SHOP))
        .await
        .expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_model_that_demands_an_iframe_is_shown_in_one_and_not_directly() {
    let (app, model, ticket) = framed().await;
    let before = app.open(&ticket).await;
    let demand = ModelPatch {
        require_iframe: Some(true),
        ..ModelPatch::default()
    };
    app.update(model.id, demand).await;
    // Sessions from before may stand on a page itself: all open anew.
    app.send(before.defaults())
        .await
        .expect_error(410, "SdSessionGoneError");
    app.pass(Duration::from_secs(1));
    let direct = Call::post(&format!("/api/v2/ticket/{ticket}")).origin(SHOP);
    let refused = app
        .send(direct)
        .await
        .expect_error(403, "SdTicketValidationError");
    assert!(
        refused.message().contains("require_iframe"),
        "{}",
        refused.message()
    );
    for page in [SHOP, ""] {
        let fresh = nonce(&app, &model).await;
        let framed = app.send(open(&ticket, &fresh, page)).await.expect(201);
        let framed = Opened::read(&framed);
        app.send(framed.defaults()).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_host_that_the_operator_trusts_speaks_for_the_page_around_it() {
    const VIEWER: &str = "https://viewer.partner.example";
    let hosts = AllowedDomains::parse_all(&[CONTENT_URL, VIEWER]).unwrap();
    let plan = Plan::new().settings(|settings| settings.trusted_iframe_hosts = hosts);
    let app = plan.start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let demand = ModelPatch {
        require_iframe: Some(true),
        ..ModelPatch::default()
    };
    app.update(model.id, demand).await;
    let said = |page: &str| {
        Call::post(&format!("/api/v2/ticket/{ticket}"))
            .origin(VIEWER)
            .header("x-shapediver-origin", page)
    };
    app.send(said("https://shop.example.com/a?b"))
        .await
        .expect(201);
    for page in ["", "https://evil.example/", "null", VIEWER] {
        app.send(said(page)).await.expect(403);
    }
    app.finish().await;
}

#[tokio::test]
async fn apps_sandboxed_pages_and_patterns_are_allowed_where_the_list_says_so() {
    let (app, model, ticket) = framed().await;
    let direct = |origin: &str| Call::post(&format!("/api/v2/ticket/{ticket}")).origin(origin);
    let origins = [
        ("null", "null"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("*.customer.example", "https://a.customer.example"),
        ("localhost:*", "http://localhost:5173"),
    ];
    for (_, origin) in origins {
        let refused = app.send(direct(origin)).await.expect(403);
        assert!(refused.message().contains(origin), "{}", refused.message());
    }
    for (entry, origin) in origins {
        let list = ModelPatch {
            accessdomains: Some(vec![entry.to_owned()]),
            ..ModelPatch::default()
        };
        app.update(model.id, list).await;
        app.send(direct(origin)).await.expect(201);
        for (_, other) in origins.iter().filter(|(_, other)| *other != origin) {
            app.send(direct(other)).await.expect(403);
        }
    }
    for origin in ["https://customer.example", "https://b.a.customer.example"] {
        app.send(direct(origin)).await.expect(403);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_page_is_fenced_isolated_unreadable_elsewhere_and_never_kept() {
    let (app, model, _) = framed().await;
    let page = app
        .send(page_of(&model).origin("https://evil.example"))
        .await
        .expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.ends_with("frame-ancestors https://shop.example.com"),
        "{policy}"
    );
    for (name, value) in [
        ("cache-control", Some("private, no-store")),
        ("cross-origin-embedder-policy", Some("require-corp")),
        ("cross-origin-resource-policy", Some("cross-origin")),
        ("access-control-allow-origin", None),
        ("set-cookie", None),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    let public = ModelPatch {
        public: Some(true),
        ..ModelPatch::default()
    };
    app.update(model.id, public).await;
    let page = app.send(page_of(&model)).await.expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("frame-ancestors https: http://localhost:*"),
        "{policy}"
    );
    app.finish().await;
}

#[tokio::test]
async fn the_page_stands_alone_only_where_the_owner_allows_our_own_host() {
    let (app, model, ticket) = framed().await;
    let alone = || page_of(&model).header("sec-fetch-dest", "document");
    let refused = app.send(alone()).await.expect(404);
    assert!(refused.text().contains("iframe") && !refused.text().contains(&ticket));
    let unknown = Call::get("/embed/nosuch").header("sec-fetch-dest", "document");
    assert_eq!(refused.text(), app.send(unknown).await.text());
    let list = ModelPatch {
        accessdomains: Some(vec!["content.vitrine.example".to_owned()]),
        ..ModelPatch::default()
    };
    app.update(model.id, list).await;
    let page = app.send(alone()).await.expect(200);
    let fresh = config(&page)["nonce"].as_str().unwrap().to_owned();
    app.send(open(&ticket, &fresh, CONTENT_URL))
        .await
        .expect(201);
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_shown_is_one_sentence_and_looks_the_same_for_every_reason() {
    let (app, model, _) = framed().await;
    let unknown = app.send(Call::get("/embed/nosuch")).await.expect(404);
    assert_eq!(
        unknown.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        unknown
            .text()
            .contains("There is no model to show at this address.")
    );
    app.push("without-ticket", CUBE).await;
    let nowhere = app.push("nowhere", CUBE).await;
    app.ticket(&nowhere).await;
    let no_domain = ModelPatch {
        accessdomains: Some(Vec::new()),
        ..ModelPatch::default()
    };
    app.update(nowhere.id, no_domain).await;
    let block = ModelPatch {
        blocking: vitrine_service::models::BlockingPatch {
            owner: Some(true),
            ..Default::default()
        },
        ..ModelPatch::default()
    };
    app.update(model.id, block).await;
    for path in [
        format!("/embed/{}", model.slug),
        "/embed/without-ticket".to_owned(),
        format!("/embed/{}", nowhere.slug),
    ] {
        let answer = app.send(Call::get(&path)).await.expect(404);
        assert_eq!(answer.text(), unknown.text(), "{path}");
    }
    app.finish().await;
}
