//! Rows that older versions of the schema have written are still read. A new migration brings a new
//! file of rows; old files stay as they are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sqlx::{AssertSqlSafe, Connection as _};
use vitrine_access::{
    AccessKeyId, AuditId, AuthGroupId, BlobKey, Cap, CapScope, CapSetter, CapWindow, Change,
    DrawingFormat, DrawingId, EditorSessionHash, EditorTokenHash, EndReason, IdentityId, IssuerKey,
    ModelId, ModelStatus, NotificationId, OrganizationId, Origin, Owner, PartnerId, PartnerKeyId,
    Payer, PermissionSet, RefreshChain, RequestId, Revoked, Role, ScriptJobHash, SecretHash,
    SessionAlias, SessionHash, SharePolicy, Subject, TicketId, TicketType, Timestamp, TokenId,
    UsageId, UsageKind, UserId, Visibility,
};
use vitrine_store::{
    ComputationStatus, DeliveryState, DoomState, JobKind, JobState, ListQuery, MetricScope,
    ModelFilter, ResultKind, ScriptJobState, SignInRecord, Store, StoreOptions, VersionKind,
};

mod common;

const ROWS: &str = include_str!("rows/0001.sql");
const ROWS_2: &str = include_str!("rows/0002.sql");
const ROWS_3_TO_13: [&str; 10] = [
    include_str!("rows/0003.sql"),
    include_str!("rows/0004.sql"),
    include_str!("rows/0005.sql"),
    include_str!("rows/0006.sql"),
    include_str!("rows/0007.sql"),
    include_str!("rows/0008.sql"),
    include_str!("rows/0009.sql"),
    include_str!("rows/0010.sql"),
    include_str!("rows/0011.sql"),
    include_str!("rows/0013.sql"),
];

const ROWS_19: &str = include_str!("rows/0019.sql");
const ROWS_20: &str = include_str!("rows/0020.sql");
const ROWS_23: &str = include_str!("rows/0023.sql");

const USER: UserId = UserId::from_bytes(uuid(0x11));
const MODEL: ModelId = ModelId::from_bytes(uuid(0x44));
const OWNER: Owner = Owner {
    user: USER,
    organization: Some(OrganizationId::from_bytes(uuid(0x22))),
};

/// The UUID of this byte, with version and variant as they have to be.
const fn uuid(byte: u8) -> [u8; 16] {
    let mut bytes = [byte; 16];
    bytes[6] = 0x40 | byte & 0x0f;
    bytes[8] = 0x80 | byte & 0x0f;
    bytes
}

const fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_795_255_200_000 + ms)
}

async fn write_rows(url: &str, rows: &'static str) {
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let rows = AssertSqlSafe(rows.replace(" x'", " '\\x").replace("(x'", "('\\x"));
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_schema_version_1_are_read() {
    common::on_both("rows_of_schema_version_1_are_read", |url| async move {
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        write_rows(&url, ROWS).await;
        read_accounts(&store).await;
        read_model(&store).await;
        read_session(&store).await;
        read_events(&store).await;
        read_results(&store).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_schema_version_2_are_read() {
    common::on_both("rows_of_schema_version_2_are_read", |url| async move {
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        write_rows(&url, ROWS).await;
        write_rows(&url, ROWS_2).await;
        let model = store.model(&OWNER, MODEL).await.unwrap().unwrap();
        assert!(model.token_forced && model.demands_token());
        let keys = store.signing_keys().await.unwrap();
        let (new, old) = (&keys[0], &keys[1]);
        assert_eq!((new.kid.as_str(), new.signs_from), ("k2", at(21)));
        assert_eq!(
            (new.verifies_until, new.retired_at),
            (Some(at(22)), Some(at(23)))
        );
        assert_eq!(
            old.signs_from,
            Timestamp::from_unix_ms(0),
            "as it always did"
        );
        assert_eq!(old.verifies_until, None);
        let id = AuthGroupId::from_bytes(uuid(0x14));
        let group = store.auth_group(id).await.unwrap().unwrap();
        assert_eq!((group.models, group.users), (vec![MODEL], Vec::new()));
        assert_eq!(group.organizations, Vec::from_iter(OWNER.organization));
        assert_eq!(group.created_at, at(24));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_schema_versions_19_and_20_are_read() {
    common::on_both(
        "rows_of_schema_versions_19_and_20_are_read",
        |url| async move {
            let store = Store::open(&url, StoreOptions::default()).await.unwrap();
            for rows in [ROWS_19, ROWS_20] {
                write_rows(&url, rows).await;
            }
            read_sums(&store).await;
            read_notices(&store).await;
            store.close().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_schema_version_23_are_read() {
    common::on_both("rows_of_schema_version_23_are_read", |url| async move {
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        write_rows(&url, ROWS_23).await;
        let expected = Cap {
            scope: CapScope::Model(MODEL),
            window: CapWindow::Month,
            set_by: CapSetter::Owner,
            credits_max: 100,
            used: 51,
            window_start: Timestamp::from_unix_ms(1_793_491_200_000),
            noticed_percent: 50,
        };
        assert_eq!(store.caps(10).await.unwrap(), [expected]);
        store.close().await;
    })
    .await;
}

async fn read_sums(store: &Store) {
    let model = ModelId::from_bytes(uuid(0x77));
    let start = Timestamp::from_unix_ms(1_793_491_200_000);
    for (scope, period, credits) in [
        (MetricScope::Model(model), CapWindow::Month, 4),
        (MetricScope::ModelOfUser(model, USER), CapWindow::Month, 4),
        (MetricScope::User(USER), CapWindow::Day, 3),
    ] {
        let groups = store.usage_groups(scope, period, start, period.end(start));
        let groups = groups.await.unwrap();
        let sum: u64 = groups.iter().map(|group| group.credits).sum();
        assert_eq!(sum, credits, "{scope:?} {groups:?}");
    }
}

async fn read_notices(store: &Store) {
    let told = store
        .notifications(USER, &ListQuery::default())
        .await
        .unwrap();
    assert_eq!(told[0].id, NotificationId::from_bytes(uuid(0x91)));
    assert_eq!((told[0].model, told[0].read_at), (Some(MODEL), None));
    let hook = store
        .webhooks(Payer::User(USER), 10)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((hook.active, hook.sealed_secret), (true, vec![1, 2, 3]));
    let sent = store.deliveries(hook.id, 10).await.unwrap().remove(0);
    assert_eq!((sent.attempts, sent.state), (2, DeliveryState::Waiting));
    assert_eq!(
        (sent.ready_at, sent.answer.as_deref()),
        (at(52), Some("500"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_schema_versions_3_to_13_are_read() {
    common::on_both(
        "rows_of_schema_versions_3_to_13_are_read",
        |url| async move {
            let store = Store::open(&url, StoreOptions::default()).await.unwrap();
            for rows in [ROWS, ROWS_2].into_iter().chain(ROWS_3_TO_13) {
                write_rows(&url, rows).await;
            }
            read_doomed(&store).await;
            read_caps(&store).await;
            read_refusals(&store).await;
            read_partners(&store).await;
            read_sign_ins(&store).await;
            read_drawings(&store).await;
            read_script_jobs(&store).await;
            read_platform(&store).await;
            read_bounds(&store).await;
            store.close().await;
        },
    )
    .await;
}

async fn read_doomed(store: &Store) {
    let model = store.model(&OWNER, MODEL).await.unwrap().unwrap();
    assert!(model.overrides.is_empty());
    for (byte, state) in [(0xe1, DoomState::Doomed), (0xe2, DoomState::Deleting)] {
        let blob = BlobKey::from_bytes([byte; 32]);
        assert_eq!(store.blob_doom(blob).await.unwrap(), Some(state));
    }
}

async fn read_caps(store: &Store) {
    let id = UsageId::from_bytes(uuid(0x15));
    let usage = store.usage_unscoped(id).await.unwrap().unwrap();
    let token = TokenId::from_bytes(uuid(0x66));
    assert_eq!(
        (usage.token, usage.subject),
        (Some(token), Some(Subject::Backend))
    );
    let expected = Cap {
        scope: CapScope::Subject(Subject::Backend),
        window: CapWindow::Day,
        set_by: CapSetter::Operator,
        credits_max: 100,
        used: 51,
        window_start: CapWindow::Day.start(at(0)),
        noticed_percent: 50,
    };
    assert_eq!(store.caps(10).await.unwrap(), [expected]);
}

async fn read_platform(store: &Store) {
    let user = store.user(USER).await.unwrap().unwrap();
    let acme = OWNER.organization.unwrap();
    assert_eq!(user.member, Some((acme, Role::Manager)));
    assert_eq!(user.domains.len(), 1);
    assert_eq!(user.plan.name, "free");
    let organization = store.organization(acme).await.unwrap().unwrap();
    assert_eq!(organization.plan.name, "business");
    assert_eq!(store.members(acme, 10).await.unwrap(), [user]);
    let model = store.model(&OWNER, MODEL).await.unwrap().unwrap();
    assert_eq!(model.listing.visibility, Visibility::Public);
    assert_eq!(model.listing.about.tags, ["a"]);
    assert!(!model.listing.published);
    let page = Origin::from_header_values(&[b"https://shop.example"])
        .unwrap()
        .unwrap();
    assert!(model.allowed.allows(&page), "the organization allows it");
    assert!(!model.settings.domains.allows(&page));
    let key = store.access_keys(&OWNER, 1).await.unwrap().remove(0);
    assert_eq!((key.scopes.as_str(), key.active), ("tokens", false));
    assert_eq!(key.used_at, Some(at(80)));
}

async fn read_bounds(store: &Store) {
    let group = AuthGroupId::from_bytes(uuid(0x14));
    let group = store.auth_group(group).await.unwrap().unwrap();
    assert_eq!(group.kept_until, Some(at(90)));
    let hash = SessionHash::from_bytes([0xcc; 32]);
    let session = store.session(hash).await.unwrap().unwrap();
    assert_eq!(session.issuer_key, Some(IssuerKey::from_bytes([0xc1; 16])));
    let jobs = store.jobs(JobState::Waiting, 10).await.unwrap();
    assert!(jobs.iter().all(|job| job.owner == Some(OWNER.payer())));
    let bytes = store.result_bytes(&OWNER.payer()).await.unwrap();
    assert_eq!(bytes, 4_096);
}

async fn read_sign_ins(store: &Store) {
    let user = store.user(USER).await.unwrap().unwrap();
    assert_eq!((user.administrator, user.blocked_at), (true, Some(at(70))));
    let password = store.password_of(USER).await.unwrap().unwrap();
    assert!(password.as_str().starts_with("$argon2id$"));
    let id = TokenId::from_bytes(uuid(0x20));
    let found = store.sign_in_unscoped(id).await.unwrap().unwrap();
    let expected = SignInRecord {
        id,
        user: USER,
        key: None,
        client: "console".to_owned(),
        chain: RefreshChain {
            current: TokenId::from_bytes(uuid(0x21)),
            previous: Some(TokenId::from_bytes(uuid(0x22))),
            turned_at: at(71),
        },
        renewals: 3,
        created_at: at(72),
        used_at: at(73),
        expires_at: at(74),
        ended_at: Some(at(75)),
    };
    assert_eq!(found, expected);
}

async fn read_refusals(store: &Store) {
    let request = RequestId::from_bytes(uuid(0x17));
    let events = store.audit_by_request(request).await.unwrap();
    assert_eq!(events[0].origin.as_deref(), Some("https://rival.example"));
    assert_eq!(events[0].count, 21);
    let revoked = store.revoked_subjects(at(0)).await.unwrap();
    assert_eq!(revoked, [(Revoked::Subject(Subject::User(USER)), at(51))]);
}

async fn read_partners(store: &Store) {
    let id = PartnerId::from_bytes(uuid(0x18));
    let partner = store.partner(id).await.unwrap().unwrap();
    assert_eq!(
        (partner.app_id.as_str(), partner.name.as_str()),
        ("acme", "Acme")
    );
    let settings = partner.settings;
    assert!(settings.blocked && settings.require_key_on_verify);
    assert_eq!(settings.tokens_per_hour, Some(9));
    assert_eq!(
        (settings.token_lifetime_s, settings.token_lifetime_max_s),
        (60, 120)
    );
    assert_eq!(settings.content.as_deref(), Some("file:///drawings"));
    let keys = store.partner_keys(id, 10).await.unwrap();
    assert_eq!(keys[0].id, PartnerKeyId::from_bytes(uuid(0x19)));
    assert_eq!(
        (keys[0].expires_at, keys[0].revoked_at),
        (Some(at(63)), Some(at(64)))
    );
    let hash = EditorTokenHash::from_bytes([0xa2; 32]);
    let token = store.editor_token_unscoped(hash).await.unwrap().unwrap();
    assert!(token.one_time && token.user.is_some());
    assert_eq!((token.partner, token.key), (id, keys[0].id));
    assert_eq!((token.used_at, token.revoked_at), (Some(at(67)), None));
}

async fn read_script_jobs(store: &Store) {
    let hash = ScriptJobHash::from_bytes([0xc1; 32]);
    let job = store.script_job_unscoped(hash).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempts), (ScriptJobState::Done, 2));
    assert_eq!((job.ready_at, job.created_at), (at(90), at(91)));
    assert_eq!((job.ended_at, job.message), (Some(at(92)), None));
    assert!(job.outputs.unwrap().contains("a.pdf"));
}

async fn read_drawings(store: &Store) {
    let partner = PartnerId::from_bytes(uuid(0x18));
    let hash = EditorSessionHash::from_bytes([0xb1; 32]);
    let session = store.editor_session_unscoped(hash).await.unwrap().unwrap();
    let id = DrawingId::from_bytes([0xb2; 32]);
    assert_eq!((session.drawing, session.user), (id, None));
    assert_eq!(
        (session.expires_at, session.closed_at),
        (at(71), Some(at(72)))
    );
    let drawing = store.drawing(partner, id).await.unwrap().unwrap();
    assert_eq!((drawing.head, drawing.last), (2, 3));
    let versions = store.drawing_versions_unscoped(id, u32::MAX, 10).await;
    let versions = versions.unwrap();
    let kinds: Vec<_> = versions
        .iter()
        .map(|version| (version.number, version.kind, version.format, version.base))
        .collect();
    let wanted = [
        (2, VersionKind::Saved, DrawingFormat::Dxf, Some(1)),
        (1, VersionKind::Original, DrawingFormat::Dwg, None),
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(drawing.placed, versions[1].content);
    let lease = store.drawing_lease(id).await.unwrap().unwrap();
    assert_eq!((lease.session, lease.until), (hash, at(78)));
}

async fn read_accounts(store: &Store) {
    let user = store
        .user_by_email("ada@example.com")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (user.id, user.name.as_str(), user.created_at),
        (USER, "Ada", at(0))
    );
    let organization = store
        .organization(OWNER.organization.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(organization.name, "Example Ltd");
    let hash = SecretHash::from_bytes([0xaa; 32]);
    let key = store
        .access_key_by_hash_unscoped(&hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(key.id, AccessKeyId::from_bytes(uuid(0x33)));
    assert_eq!(
        (key.owner, key.expires_at, key.revoked_at),
        (OWNER, Some(at(86_400_002)), None)
    );
    let keys = store.signing_keys().await.unwrap();
    assert_eq!(keys[0].sealed_private, [0, 255]);
    let token = TokenId::from_bytes(uuid(0x66));
    assert!(store.is_token_revoked(token, at(86_400_000)).await.unwrap());
}

async fn read_model(store: &Store) {
    let model = store.model(&OWNER, MODEL).await.unwrap().unwrap();
    assert_eq!(
        store
            .model_by_slug_unscoped("shelf")
            .await
            .unwrap()
            .as_ref(),
        Some(&model)
    );
    assert_eq!(
        store
            .model_by_id2_unscoped("second")
            .await
            .unwrap()
            .as_ref(),
        Some(&model)
    );
    assert_eq!(model.status, ModelStatus::Deleted);
    assert_eq!(model.status_before_delete, Some(ModelStatus::Confirmed));
    assert_eq!(model.source, Some(BlobKey::from_bytes([0xbb; 32])));
    assert_eq!((model.source_size, model.revision), (36, 9));
    assert!(model.definition.unwrap().parameters.is_empty());
    assert_eq!(model.viewer_config["settings_version"], "7.1");
    let settings = model.settings;
    let domains: Vec<String> = settings.domains.iter().map(ToString::to_string).collect();
    assert_eq!(domains, ["shop.example.com", "*.example.org"]);
    assert!(settings.blocking.owner && settings.require_token && settings.backend_access);
    assert!(!settings.public && !settings.blocking.credit_limit);
    assert_eq!(settings.session_rate_limit, Some(7));
    assert_eq!(settings.webhook_token, Some(vec![0, 255]));
    assert_eq!(settings.tickets_not_before, Timestamp::from_unix_ms(5));
    let deleted = ModelFilter {
        status: Some(ModelStatus::Deleted),
        search: Some("SHELF".to_owned()),
    };
    assert_eq!(
        store
            .list_models(&OWNER, &deleted, 10, None)
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn read_session(store: &Store) {
    let ticket_id = TicketId::from_bytes(uuid(0x55));
    let ticket = store.ticket_unscoped(ticket_id).await.unwrap().unwrap();
    assert_eq!((ticket.model, ticket.kind), (MODEL, TicketType::Backend));
    assert!(ticket.author && ticket.use_id2 && !ticket.public);
    let domains: Vec<String> = ticket.domains.iter().map(ToString::to_string).collect();
    assert_eq!(domains, ["shop.example.com", "localhost:*"]);
    assert_eq!(ticket.revoked_at, Some(at(6)));
    let alias = SessionAlias::from_bytes([0xdd; 16]);
    let session = store.session_by_alias(alias).await.unwrap().unwrap();
    assert_eq!(session.hash, SessionHash::from_bytes([0xcc; 32]));
    assert_eq!(
        (session.ticket, session.subject),
        (Some(ticket_id), Some(Subject::User(USER)))
    );
    assert_eq!((session.owner, session.payer), (OWNER, OWNER.payer()));
    let words = "auth.session get.parameter.*";
    assert_eq!(
        session.permissions,
        PermissionSet::from_storage(words).unwrap()
    );
    assert_ne!(session.permissions, PermissionSet::EMPTY);
    assert_eq!(session.ended, Some((EndReason::Idle, at(10))));
    assert_eq!((session.last_seen_at, session.paid_until), (at(8), at(9)));
}

async fn read_events(store: &Store) {
    let usage = store
        .usage_unscoped(UsageId::from_bytes(uuid(0x77)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((usage.kind, usage.credits), (UsageKind::SessionSlot, 1));
    assert_eq!((usage.count, usage.duration_ms, usage.at), (2, 3, at(11)));
    assert_eq!((usage.payer, usage.session), (Payer::User(USER), None));
    let request = RequestId::from_bytes(uuid(0x99));
    let audit = store.audit_by_request(request).await.unwrap();
    assert_eq!(audit[0].id, AuditId::from_bytes(uuid(0x88)));
    let job = store.jobs(JobState::Waiting, 10).await.unwrap().remove(0);
    assert_eq!(job.id.to_string(), "13131313-1313-4313-8313-131313131313");
    assert_eq!(
        (job.kind, job.attempts),
        (JobKind::CheckModel { model: MODEL }, 3)
    );
    assert_eq!(
        (job.run_after, job.error.as_deref()),
        (Some(at(16)), Some("once"))
    );
    assert_eq!(
        store.changes_after(0, 10).await.unwrap(),
        [(1, Some(Change::Model(MODEL)))]
    );
    assert_eq!(store.last_change_id().await.unwrap(), 1);
}

async fn read_results(store: &Store) {
    let output = store
        .result(ResultKind::Output, "o", MODEL, "v")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(output.status, ComputationStatus::Success);
    assert_eq!(
        output.content[0].blob,
        Some(BlobKey::from_bytes([0xbb; 32]))
    );
    assert_eq!(
        output.content[1].data,
        Some(serde_json::json!({"eur": 12.5}))
    );
    assert_eq!(
        output.bbox,
        Some(([-0.1, 0.0, 0.0], [1.0 / 3.0, 2.5, 1e-7]))
    );
    let export = store
        .result(ResultKind::Export, "e", MODEL, "v")
        .await
        .unwrap()
        .unwrap();
    let failed = ComputationStatus::Failed {
        api_word: "timeout".to_owned(),
        message: "too long".to_owned(),
    };
    assert_eq!(export.status, failed);
    let computations = store.computations(MODEL, at(0), 10).await.unwrap();
    assert_eq!(
        (computations[0].wall_ms, computations[0].cpu_ms),
        (812, 790)
    );
}

/// Applications, second factors, sharing, identities and passkeys came with these.
const ROWS_OF_ACCOUNTS: [&str; 5] = [
    include_str!("rows/0016.sql"),
    include_str!("rows/0017.sql"),
    include_str!("rows/0018.sql"),
    include_str!("rows/0021.sql"),
    include_str!("rows/0022.sql"),
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_accounts_since_schema_version_16_are_read() {
    common::on_both(
        "rows_of_accounts_since_schema_version_16_are_read",
        |url| async move {
            let store = Store::open(&url, StoreOptions::default()).await.unwrap();
            for rows in [ROWS, ROWS_2]
                .into_iter()
                .chain(ROWS_3_TO_13)
                .chain(ROWS_OF_ACCOUNTS)
            {
                write_rows(&url, rows).await;
            }
            read_applications(&store).await;
            read_sharing(&store).await;
            read_identities(&store).await;
            store.close().await;
        },
    )
    .await;
}

async fn read_applications(store: &Store) {
    let link = store.setup_link().await.unwrap().unwrap();
    assert_eq!(link, (SecretHash::from_bytes([0xc1; 32]), at(100)));
    let shop = store.application("shop").await.unwrap().unwrap();
    assert_eq!(
        (shop.name.as_str(), shop.created_at),
        ("Shop designer", at(101))
    );
    assert_eq!(
        shop.redirects,
        ["https://a.example/back", "http://localhost:3000/"]
    );
    let hash = SecretHash::from_bytes([0xc2; 32]);
    let code = store.authorization_code_unscoped(&hash).await.unwrap();
    let code = code.unwrap();
    assert_eq!((code.application.as_str(), code.user), ("shop", USER));
    assert_eq!(code.challenge.as_bytes(), &[0xc3; 32]);
    assert_eq!(
        (code.expires_at, code.key, code.sign_in),
        (at(102), None, None)
    );
    let key = store.access_keys(&OWNER, 1).await.unwrap().remove(0);
    assert_eq!(key.networks, "192.0.2.0/24 2001:db8::/32");
}

async fn read_sharing(store: &Store) {
    let factor = store.second_factor(USER).await.unwrap().unwrap();
    assert_eq!((factor.sealed, factor.last_step), (vec![1, 2], 59_841_840));
    assert_eq!(
        (factor.created_at, factor.confirmed_at),
        (at(110), Some(at(111)))
    );
    assert_eq!(store.recovery_codes_left(USER).await.unwrap(), 1);
    let acme = OWNER.organization.unwrap();
    let open = store
        .invitations(acme, at(120), 10)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((open.role, open.receiver), (Role::Manager, None));
    assert_eq!(open.email.as_deref(), Some("ada@example.com"));
    assert_eq!(open.hash, Some(SecretHash::from_bytes([0xc7; 32])));
    assert_eq!((open.created_by, open.expires_at), (USER, at(121)));
    let share = store.shares_of(MODEL, USER).await.unwrap().remove(0);
    assert_eq!((share.policy, share.provider), (SharePolicy::Export, USER));
    assert_eq!(share.created_at, at(122));
    assert_eq!(store.model_link(MODEL).await.unwrap(), Some(-3));
}

async fn read_identities(store: &Store) {
    let identity = store.identities(USER).await.unwrap().remove(0);
    assert_eq!(identity.id, IdentityId::from_bytes(uuid(0x94)));
    assert_eq!(identity.issuer, "https://login.example.com");
    assert_eq!(identity.subject, "248289761001");
    assert_eq!(identity.email.as_deref(), Some("ada@example.com"));
    assert_eq!(
        (identity.created_at, identity.used_at),
        (at(130), Some(at(131)))
    );
    let passkey = store.passkeys(USER).await.unwrap().remove(0);
    assert_eq!(passkey.id.as_bytes(), &uuid(0x96));
    assert_eq!(
        (passkey.credential, passkey.key),
        (vec![10, 11, 12], vec![0xa0])
    );
    assert_eq!((passkey.counter, passkey.name.as_str()), (7, "Phone"));
    assert_eq!((passkey.created_at, passkey.used_at), (at(140), None));
    let step = TokenId::from_bytes(uuid(0x95));
    assert!(!store.take_sign_in_step(step, at(140)).await.unwrap());
}
