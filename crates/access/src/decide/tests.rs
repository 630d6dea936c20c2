use super::*;
use crate::ids::{ModelId, TicketId};
use crate::ticket::TicketModel;

fn domains(entries: &[&str]) -> AllowedDomains {
    AllowedDomains::parse_all(entries).unwrap()
}

fn ticket(kind: TicketType) -> Ticket {
    Ticket {
        id: TicketId::from_bytes([1; 16]),
        model: TicketModel::Id(ModelId::from_bytes([2; 16])),
        kind,
        public: false,
        author: false,
        domains: AllowedDomains::default(),
        until: Timestamp::from_unix_ms(1_000),
    }
}

fn facts(domains: &AllowedDomains) -> ModelFacts<'_> {
    ModelFacts {
        state: ModelStatus::Confirmed,
        blocked: BlockingReasons::default(),
        public: false,
        domains,
        backend_access: false,
        require_iframe: false,
        require_token: false,
    }
}

struct Page<'a> {
    origins: &'a [&'a [u8]],
    shapediver: Option<&'a str>,
}

fn decide(
    ticket: &Ticket,
    facts: &ModelFacts<'_>,
    page: &Page<'_>,
) -> Result<Option<String>, Refusal> {
    let trusted = domains(&["viewer.vitrine.example"]);
    let evidence = OriginEvidence {
        origin: Origin::from_header_values(page.origins),
        shapediver_origin: page.shapediver,
        trusted_iframe_hosts: &trusted,
        embed_origin: None,
        page_load: None,
    };
    check_ticket_origin(ticket, facts, &evidence)
}

fn on(origin: &str) -> Result<Option<String>, Refusal> {
    let list = domains(&["shop.example"]);
    let page = Page {
        origins: &[origin.as_bytes()],
        shapediver: None,
    };
    decide(&ticket(TicketType::Embedding), &facts(&list), &page)
}

fn framed_by(shapediver: Option<&str>) -> Result<Option<String>, Refusal> {
    let list = domains(&["shop.example"]);
    let page = Page {
        origins: &[b"https://viewer.vitrine.example"],
        shapediver,
    };
    decide(&ticket(TicketType::Embedding), &facts(&list), &page)
}

fn kind<T: std::fmt::Debug>(decided: Result<T, Refusal>) -> RefusalKind {
    decided.unwrap_err().kind
}

#[test]
fn an_allowed_page_is_recorded_in_canonical_form() {
    let recorded = Ok(Some("https://shop.example".to_owned()));
    assert_eq!(on("https://shop.example"), recorded);
    assert_eq!(on("HTTPS://SHOP.example:443"), recorded);
}

#[test]
fn a_foreign_page_is_told_the_origin_seen_and_the_setting_that_would_allow_it() {
    let refusal = on("https://rival.example").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::OriginNotAllowed);
    assert_eq!(
        refusal.message,
        "This model may not be shown on https://rival.example. The owner can allow it by adding \
         rival.example to the model's allowed domains (accessdomains)."
    );
}

#[test]
fn every_attack_is_refused_with_origin_and_remedy_and_a_spoofed_header_changes_nothing() {
    let list = domains(&["shop.example"]);
    let attacks = [
        "https://rival.example",
        "https://www.shop.example",
        "https://shop.example:8443",
        "http://shop.example",
        "null",
        "https://shop.example.evil.com",
        "https://evil.com#shop.example",
        "https://user@shop.example",
        "https://shop.example@evil.com",
        "https://evil.com\\shop.example",
        "https://shop\u{ff0e}example",
        "https://shop.example.",
        "https://shop.example,https://evil.com",
        "shop.example",
        "//shop.example",
        "",
    ];
    for attack in attacks {
        for shapediver in [
            None,
            Some("https://shop.example/"),
            Some("shop.example"),
            Some(""),
        ] {
            let page = Page {
                origins: &[attack.as_bytes()],
                shapediver,
            };
            let refusal = decide(&ticket(TicketType::Embedding), &facts(&list), &page).unwrap_err();
            let seen = shown(attack.as_bytes());
            assert!(refusal.message.contains(&seen), "{attack}: {refusal}");
            assert!(
                refusal.message.contains("accessdomains"),
                "{attack}: {refusal}"
            );
        }
    }
    let twice: [&[u8]; 2] = [b"https://shop.example", b"https://shop.example"];
    for origins in [&twice[..], &[]] {
        let page = Page {
            origins,
            shapediver: Some("https://shop.example"),
        };
        let refusal = decide(&ticket(TicketType::Embedding), &facts(&list), &page).unwrap_err();
        assert!(refusal.message.contains("Origin header"), "{refusal}");
        assert!(origins.is_empty() || refusal.message.contains("https://shop.example"));
    }
}

#[test]
fn a_trusted_frame_speaks_for_the_page_around_it() {
    for address in ["https://shop.example/", "https://Shop.example:443/cart?x#y"] {
        assert_eq!(
            framed_by(Some(address)),
            Ok(Some("https://shop.example".to_owned()))
        );
    }
    assert_eq!(
        kind(framed_by(Some("https://rival.example/"))),
        RefusalKind::OriginNotAllowed
    );
    let own = framed_by(Some("https://viewer.vitrine.example/"));
    assert_eq!(kind(own), RefusalKind::OriginNotAllowed);
}

#[test]
fn a_trusted_frame_that_cannot_say_who_embeds_it_is_refused() {
    for hidden in [None, Some(""), Some("  ")] {
        assert_eq!(kind(framed_by(hidden)), RefusalKind::OriginMissing);
    }
    let long = format!(
        "https://shop.example/{}",
        "a".repeat(EMBEDDER_URL_BYTES_MAX)
    );
    for strange in ["direct", "shop.example", "data:text/html,x", "null", &long] {
        assert_eq!(
            kind(framed_by(Some(strange))),
            RefusalKind::OriginMalformed,
            "{strange}"
        );
    }
}

#[test]
fn a_public_model_or_ticket_is_shown_on_every_ordinary_page() {
    let none = AllowedDomains::default();
    let embedding = ticket(TicketType::Embedding);
    let public_ticket = Ticket {
        public: true,
        ..embedding.clone()
    };
    let public_model = ModelFacts {
        public: true,
        ..facts(&none)
    };
    let page = |origin: &'static [&'static [u8]]| Page {
        origins: origin,
        shapediver: None,
    };
    for (ticket, facts) in [(&public_ticket, &facts(&none)), (&embedding, &public_model)] {
        assert!(decide(ticket, facts, &page(&[b"https://any.example"])).is_ok());
        assert!(decide(ticket, facts, &page(&[b"http://localhost:3000"])).is_ok());
        assert!(decide(ticket, facts, &page(&[b"http://any.example"])).is_err());
        assert!(decide(ticket, facts, &page(&[b"null"])).is_err());
        assert_eq!(
            kind(decide(ticket, facts, &page(&[]))),
            RefusalKind::OriginMissing
        );
    }
}

#[test]
fn the_tickets_own_domains_restrict_further() {
    let list = domains(&["shop.example", "other.example"]);
    let narrow = Ticket {
        domains: domains(&["shop.example"]),
        ..ticket(TicketType::Embedding)
    };
    let page = |origin: &'static [&'static [u8]]| Page {
        origins: origin,
        shapediver: None,
    };
    assert!(decide(&narrow, &facts(&list), &page(&[b"https://shop.example"])).is_ok());
    let refusal = decide(&narrow, &facts(&list), &page(&[b"https://other.example"])).unwrap_err();
    assert!(refusal.message.contains("ticket"), "{refusal}");
    let beyond = Ticket {
        domains: domains(&["rival.example"]),
        ..ticket(TicketType::Embedding)
    };
    assert!(decide(&beyond, &facts(&list), &page(&[b"https://rival.example"])).is_err());
    let public = Ticket {
        public: true,
        ..narrow
    };
    assert!(decide(&public, &facts(&list), &page(&[b"https://rival.example"])).is_err());
}

#[test]
fn a_model_for_iframes_only_refuses_direct_embedding_to_those_who_are_allowed() {
    let list = domains(&["shop.example"]);
    let facts = ModelFacts {
        require_iframe: true,
        ..facts(&list)
    };
    let embedding = ticket(TicketType::Embedding);
    let direct = Page {
        origins: &[b"https://shop.example"],
        shapediver: None,
    };
    assert_eq!(
        kind(decide(&embedding, &facts, &direct)),
        RefusalKind::IframeRequired
    );
    let foreign = Page {
        origins: &[b"https://rival.example"],
        shapediver: None,
    };
    assert_eq!(
        kind(decide(&embedding, &facts, &foreign)),
        RefusalKind::OriginNotAllowed
    );
    let framed = Page {
        origins: &[b"https://viewer.vitrine.example"],
        shapediver: Some("https://shop.example/"),
    };
    assert!(decide(&embedding, &facts, &framed).is_ok());
}

#[test]
fn a_backend_ticket_needs_backend_access_and_no_origin() {
    let none = AllowedDomains::default();
    let backend = ticket(TicketType::Backend);
    let open = ModelFacts {
        backend_access: true,
        ..facts(&none)
    };
    for origins in [&[][..], &[&b"https://rival.example"[..]]] {
        let page = Page {
            origins,
            shapediver: None,
        };
        assert_eq!(decide(&backend, &open, &page), Ok(None));
        assert_eq!(
            kind(decide(&backend, &facts(&none), &page)),
            RefusalKind::BackendAccessOff
        );
    }
}

#[test]
fn ticket_is_refused_after_expiry() {
    let ticket = ticket(TicketType::Embedding);
    assert_eq!(
        check_ticket_time(&ticket, Timestamp::from_unix_ms(1_000)),
        Ok(())
    );
    let late = check_ticket_time(&ticket, Timestamp::from_unix_ms(1_001));
    assert_eq!(kind(late), RefusalKind::TicketExpired);
}

#[test]
fn only_confirmed_unblocked_models_open() {
    let none = AllowedDomains::default();
    assert_eq!(check_model_open(&facts(&none)), Ok(()));
    for state in ModelStatus::ALL {
        let expected = match state {
            ModelStatus::Confirmed => continue,
            ModelStatus::Deleted => RefusalKind::ModelDeleted,
            _ => RefusalKind::ModelUnconfirmed,
        };
        assert_eq!(
            kind(check_model_open(&ModelFacts {
                state,
                ..facts(&none)
            })),
            expected
        );
    }
    for index in 0..4 {
        let blocked = BlockingReasons {
            credit_limit: index == 0,
            owner: index == 1,
            backend_permission: index == 2,
            plugin_permission: index == 3,
        };
        let decided = check_model_open(&ModelFacts {
            blocked,
            ..facts(&none)
        });
        assert_eq!(kind(decided), RefusalKind::ModelBlocked);
    }
}

#[test]
fn an_embedder_that_only_a_lenient_reader_takes_for_a_page_is_refused() {
    for address in [
        "http://evil@127.0.0.1:8090/",
        "http://127.0.0.1:8090\\@evil.com/",
        "http:\\\\127.0.0.1:8090",
        "http:127.0.0.1:8090",
        "http://2130706433:8090/",
        "http://127.0.0.1.:8090/",
        "blob:http://127.0.0.1:8090",
        "ht\ttp://127.0.0.1:8090",
        "//127.0.0.1:8090",
    ] {
        assert!(
            crate::origin::Origin::of_page(address).is_none(),
            "{address:?}"
        );
    }
    for address in [
        "http://127.0.0.1:8090",
        "http://127.0.0.1:8090/shop?a=b#c",
        "https://SHOP.example:443/",
    ] {
        assert!(
            crate::origin::Origin::of_page(address).is_some(),
            "{address:?}"
        );
    }
}

/// What a request from our own iframe page is decided to be.
fn from_our_frame(
    ticket: &Ticket,
    facts: &ModelFacts<'_>,
    shapediver: Option<&str>,
    page_load: Option<&PageLoad>,
) -> Result<Option<String>, Refusal> {
    let ours = Origin::of_page("https://content.vitrine.example").unwrap();
    let trusted = domains(&["content.vitrine.example"]);
    let evidence = OriginEvidence {
        origin: Ok(Some(ours.clone())),
        shapediver_origin: shapediver,
        trusted_iframe_hosts: &trusted,
        embed_origin: Some(&ours),
        page_load,
    };
    check_ticket_origin(ticket, facts, &evidence)
}

fn page_load(facts: &ModelFacts<'_>) -> PageLoad {
    PageLoad::new(
        ModelId::from_bytes([2; 16]),
        Fence::of(facts.public, facts.domains).mark(),
        Timestamp::from_unix_ms(0),
        &crate::random::testing::Seeded::new(1),
    )
}

#[test]
fn our_own_origin_proves_nothing_without_a_page_load_whatever_it_says() {
    let list = domains(&["shop.example", "content.vitrine.example"]);
    let embedding = ticket(TicketType::Embedding);
    for said in [None, Some(""), Some("https://shop.example/")] {
        let decided = from_our_frame(&embedding, &facts(&list), said, None);
        assert_eq!(kind(decided), RefusalKind::EmbedUnproven);
    }
}

#[test]
fn our_own_page_says_who_stands_around_it_and_is_held_to_it() {
    let list = domains(&["shop.example", "*.customer.example"]);
    let facts = ModelFacts {
        require_iframe: true,
        ..facts(&list)
    };
    let load = page_load(&facts);
    let decide = |said| {
        from_our_frame(
            &ticket(TicketType::Embedding),
            &facts,
            Some(said),
            Some(&load),
        )
    };
    for page in ["https://shop.example", "https://a.customer.example"] {
        assert_eq!(decide(page), Ok(Some(page.to_owned())));
    }
    // CSP's star covers several labels, the list's does not.
    for page in [
        "https://b.a.customer.example",
        "https://rival.example",
        "https://content.vitrine.example",
    ] {
        assert_eq!(kind(decide(page)), RefusalKind::OriginNotAllowed, "{page}");
    }
    assert_eq!(kind(decide("null")), RefusalKind::OriginMalformed);
}

#[test]
fn a_hidden_page_is_allowed_when_the_fence_is_exact_and_still_stands() {
    let embedding = ticket(TicketType::Embedding);
    let list = domains(&["shop.example"]);
    let now = facts(&list);
    let load = page_load(&now);
    let recorded = from_our_frame(&embedding, &now, None, Some(&load)).unwrap();
    let recorded = recorded.unwrap();
    assert!(recorded_is_allowed(&embedding, &now, &recorded));
    let changed = domains(&["other.example"]);
    let decided = from_our_frame(&embedding, &facts(&changed), None, Some(&load));
    assert_eq!(kind(decided), RefusalKind::EmbedUnproven);
    assert!(!recorded_is_allowed(
        &embedding,
        &facts(&changed),
        &recorded
    ));
    let star = domains(&["*.shop.example"]);
    let load = page_load(&facts(&star));
    let decided = from_our_frame(&embedding, &facts(&star), None, Some(&load));
    assert_eq!(kind(decided), RefusalKind::OriginMissing);
    let narrow = Ticket {
        domains: domains(&["shop.example"]),
        ..ticket(TicketType::Embedding)
    };
    let load = page_load(&now);
    let decided = from_our_frame(&narrow, &now, None, Some(&load));
    assert_eq!(kind(decided), RefusalKind::OriginMissing);
}

#[test]
fn a_recorded_page_counts_as_long_as_the_lists_name_it() {
    let embedding = ticket(TicketType::Embedding);
    let list = domains(&["shop.example", "null"]);
    for (page, allowed) in [
        ("https://shop.example", true),
        ("null", true),
        ("https://rival.example", false),
        ("", false),
        ("embed:00", false),
    ] {
        let decided = recorded_is_allowed(&embedding, &facts(&list), page);
        assert_eq!(decided, allowed, "{page}");
    }
}
