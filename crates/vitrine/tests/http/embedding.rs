//! On a page that is allowed, and on no other: the origin rule over HTTP.

use axum::http::StatusCode;
use serde_json::Value;
use vitrine_access::origin::AllowedDomains;
use vitrine_service::models::ModelPatch;

use crate::app::{Answer, CUBE, Call, SHOP, TestApp};

async fn shown() -> (TestApp, String) {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    (app, ticket)
}

fn open(ticket: &str) -> Call {
    Call::post(&format!("/api/v2/ticket/{ticket}"))
}

/// A refusal that says what it saw and what would help.
fn polite(answer: Answer, seen: &str) {
    let answer = answer.expect_error(403, "SdTicketValidationError");
    let message = answer.message();
    assert!(message.contains(seen), "{seen}: {message}");
    assert!(
        message.contains("accessdomains") || message.contains("backend ticket"),
        "{message}"
    );
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn only_the_allowed_origin_opens_a_session_and_every_refusal_names_origin_and_remedy() {
    let (app, ticket) = shown().await;
    let refused: &[(&str, &str)] = &[
        ("https://evil.example", "https://evil.example"),
        (
            "https://www.shop.example.com",
            "https://www.shop.example.com",
        ),
        ("https://example.com", "https://example.com"),
        ("https://shop.example.com:8443", ":8443"),
        (
            "https://shop.example.com.evil.com",
            "shop.example.com.evil.com",
        ),
        ("https://evil.com#shop.example.com", "evil.com"),
        ("https://evil.com/shop.example.com", "evil.com"),
        ("https://evil.com?shop.example.com", "evil.com"),
        ("https://shop.example.com@evil.com", "evil.com"),
        ("https://evil.com\\.shop.example.com", "evil.com"),
        ("https://shop\u{ff0e}example.com", "shop"),
        ("https://shop.example.com.", "shop.example.com."),
        ("https://shop.example.com/", "shop.example.com/"),
        ("https://evil.com,https://shop.example.com", "evil.com"),
        ("https://shop.example.com, https://evil.com", "evil.com"),
        ("https://shop.example.com https://evil.com", "evil.com"),
        ("shop.example.com", "shop.example.com"),
        ("//shop.example.com", "shop.example.com"),
        ("http://shop.example.com", "http://shop.example.com"),
        ("null", "null"),
        ("", "Origin"),
    ];
    for (origin, seen) in refused {
        polite(app.send(open(&ticket).origin(origin)).await, seen);
        // Any page's script can set this header: it changes nothing.
        let spoofed = open(&ticket)
            .origin(origin)
            .header("x-shapediver-origin", SHOP);
        polite(app.send(spoofed).await, seen);
    }
    app.finish().await;
}

#[tokio::test]
async fn two_origin_headers_are_refused_even_when_both_are_allowed() {
    let (app, ticket) = shown().await;
    for second in [SHOP, "https://evil.example"] {
        for call in [
            open(&ticket).origin(SHOP).origin(second),
            open(&ticket).origin(second).origin(SHOP),
        ] {
            polite(app.send(call).await, "Origin");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn no_origin_is_no_browser() {
    let (app, ticket) = shown().await;
    polite(app.send(open(&ticket)).await, "Origin");
    let spoofed = open(&ticket).header("x-shapediver-origin", SHOP);
    polite(app.send(spoofed).await, "Origin");
    let direct = open(&ticket).header("x-shapediver-origin", "direct");
    polite(app.send(direct).await, "Origin");
    app.finish().await;
}

#[tokio::test]
async fn another_case_and_the_default_port_are_the_same_origin() {
    let (app, ticket) = shown().await;
    for origin in [
        SHOP,
        "https://SHOP.Example.COM",
        "HTTPS://shop.example.com",
        "https://shop.example.com:443",
    ] {
        app.send(open(&ticket).origin(origin)).await.expect(201);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_spoofed_embedder_does_not_harm_an_allowed_page() {
    let (app, ticket) = shown().await;
    let call = open(&ticket)
        .origin(SHOP)
        .header("x-shapediver-origin", "https://evil.example");
    app.send(call).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_tickets_own_domains_restrict_and_pub_opens_the_models_list_only() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let own = AllowedDomains::parse_all(&["other.example.com"]).unwrap();
    let narrow = app
        .ticket_with(&model, |request| request.domains = own.clone())
        .await;
    let public = app
        .ticket_with(&model, |request| request.public = true)
        .await;
    let both = app
        .ticket_with(&model, |request| {
            request.public = true;
            request.domains = own;
        })
        .await;
    let other = "https://other.example.com";
    let cases = [
        (&narrow, SHOP, 403),
        (&narrow, other, 403),
        (&public, SHOP, 201),
        (&public, "https://anybody.example", 201),
        (&public, "null", 403),
        (&public, "http://anybody.example", 403),
        (&both, other, 201),
        (&both, SHOP, 403),
    ];
    for (ticket, origin, status) in cases {
        let answer = app.send(open(ticket).origin(origin)).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{origin}: {}",
            answer.text()
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn strangers_cannot_tell_a_blocked_model_from_an_open_one() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    let stranger = || open(&ticket).origin("https://evil.example");
    let without_request = |answer: Answer| -> (StatusCode, Value) {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("requestId");
        (answer.status, body)
    };
    let open_model = without_request(app.send(stranger()).await);
    let block = ModelPatch {
        blocking: vitrine_service::models::BlockingPatch {
            owner: Some(true),
            ..Default::default()
        },
        ..ModelPatch::default()
    };
    app.update(model.id, block).await;
    assert_eq!(without_request(app.send(stranger()).await), open_model);
    app.finish().await;
}

#[tokio::test]
async fn a_backend_ticket_asks_for_no_page_and_for_the_models_consent() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.backend_ticket(&model).await;
    app.send(open(&ticket)).await.expect(201);
    app.send(open(&ticket).origin("https://evil.example"))
        .await
        .expect(201);
    let off = ModelPatch {
        backend_access: Some(false),
        ..ModelPatch::default()
    };
    app.update(model.id, off).await;
    let refused = app.send(open(&ticket)).await;
    let refused = refused.expect_error(403, "SdTicketValidationError");
    assert!(
        refused.message().contains("backendaccess"),
        "{}",
        refused.message()
    );
    app.finish().await;
}

/// Entries of a model's list, with pages that each lets in and pages that it does not.
const ENTRIES: &[(&str, &[&str], &[&str])] = &[
    (
        "localhost:*",
        &[
            "http://localhost",
            "http://localhost:3000",
            "https://localhost:8443",
        ],
        &[
            "http://127.0.0.1:3000",
            "https://localhost.evil.example",
            "http://a.localhost:1",
        ],
    ),
    (
        "*.shops.example",
        &["https://a.shops.example", "https://b.shops.example"],
        &[
            "https://shops.example",
            "https://a.b.shops.example",
            "http://a.shops.example",
            "https://a.shops.example:8443",
            "https://evilshops.example",
        ],
    ),
    ("null", &["null"], &["https://null", "file://", ""]),
    (
        "capacitor://localhost",
        &["capacitor://localhost"],
        &[
            "ionic://localhost",
            "http://localhost",
            "capacitor://evil.example",
        ],
    ),
    (
        "http://intranet.example:8080",
        &["http://intranet.example:8080"],
        &["http://intranet.example", "http://intranet.example:8081"],
    ),
];

#[tokio::test]
async fn each_kind_of_entry_opens_what_it_says_and_nothing_beside_it() {
    let app = TestApp::start().await;
    let model = app.push("cube", CUBE).await;
    let ticket = app.ticket(&model).await;
    for (entry, allowed, refused) in ENTRIES {
        let only = ModelPatch {
            accessdomains: Some(vec![(*entry).to_owned()]),
            ..ModelPatch::default()
        };
        app.update(model.id, only).await;
        for origin in *allowed {
            let opened = app.send(open(&ticket).origin(origin)).await;
            assert_eq!(opened.status, 201, "{entry} {origin}: {}", opened.text());
        }
        for origin in *refused {
            let answer = app.send(open(&ticket).origin(origin)).await;
            assert_eq!(answer.status, 403, "{entry} {origin}: {}", answer.text());
        }
    }
    for entry in [
        "*",
        "*.com",
        "*.co.uk",
        "a.*.example",
        "https://*",
        "*://shop.example",
    ] {
        let patch = ModelPatch {
            accessdomains: Some(vec![entry.to_owned()]),
            ..ModelPatch::default()
        };
        assert!(
            app.services.update_model(model.id, patch).await.is_err(),
            "{entry}"
        );
    }
    app.finish().await;
}
