//! Records that need no explanation. Each call gives new ids; everything else is the same.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::plan::UNLIMITED;
use vitrine_access::{
    AccessKeyId, AllowedDomains, AuditEvent, AuditId, BlobKey, BlockingReasons, Decision, Entropy,
    ModelId, ModelStatus, OrganizationId, Owner, PermissionSet, RequestId, SecretHash, Session,
    SessionClass, SessionId, TicketId, TicketType, Timestamp, UsageEvent, UsageId, UsageKind,
    UserId, credits_for,
};
use vitrine_model::{Definition, Overrides, Parameter, ParameterKind, Value};
use vitrine_store::{
    AccessKeyRecord, ComputationStatus, Listing, ModelRecord, ModelSettings, OrganizationRecord,
    OutputVersionRecord, ResultKind, Store, StoreError, StoredContent, TicketRecord, UserRecord,
};

use crate::entropy::SeededEntropy;

/// Makes records from a seed.
#[derive(Debug)]
pub struct Builder {
    entropy: SeededEntropy,
    /// What the records say about time.
    pub now: Timestamp,
}

impl Builder {
    /// 2026-11-21T10:00:00Z.
    pub const EPOCH: Timestamp = Timestamp::from_unix_ms(1_795_255_200_000);

    /// Records from this seed on.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            entropy: SeededEntropy::new(seed),
            now: Self::EPOCH,
        }
    }

    /// Where the ids come from.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &self.entropy
    }

    /// A user with an address.
    #[must_use]
    pub fn user(&self) -> UserRecord {
        let id = UserId::new(&self.entropy);
        let email = Some(format!("{id}@example.com"));
        UserRecord::new(id, email, "Ada Example".to_owned(), self.now)
    }

    /// An organization.
    #[must_use]
    pub fn organization(&self) -> OrganizationRecord {
        let id = OrganizationId::new(&self.entropy);
        OrganizationRecord::new(id, "Example Ltd".to_owned(), self.now)
    }

    /// Stores a user and lets them own things alone.
    ///
    /// # Errors
    /// What the store says.
    pub async fn stored_owner(&self, store: &Store) -> Result<Owner, StoreError> {
        let user = self.user();
        store.insert_user(&user).await?;
        Ok(Owner {
            user: user.id,
            organization: None,
        })
    }

    /// Stores a user and an organization.
    ///
    /// # Errors
    /// What the store says.
    pub async fn stored_member(&self, store: &Store) -> Result<Owner, StoreError> {
        let owner = self.stored_owner(store).await?;
        let organization = self.organization();
        store.insert_organization(&organization).await?;
        Ok(Owner {
            organization: Some(organization.id),
            ..owner
        })
    }

    /// Stores a new model of a new owner.
    ///
    /// # Errors
    /// What the store says.
    pub async fn stored_model(&self, store: &Store) -> Result<ModelRecord, StoreError> {
        let model = self.model(self.stored_owner(store).await?);
        store.insert_model(&model).await?;
        Ok(model)
    }

    /// An access key.
    #[must_use]
    pub fn access_key(&self, owner: Owner) -> AccessKeyRecord {
        let mut hash = [0; 32];
        self.entropy.fill(&mut hash);
        AccessKeyRecord {
            id: AccessKeyId::new(&self.entropy),
            owner,
            hash: SecretHash::from_bytes(hash),
            last_four: "x7Qz".to_owned(),
            label: "build server".to_owned(),
            created_at: self.now,
            expires_at: Some(self.now.plus(Duration::from_hours(24))),
            revoked_at: None,
            scopes: "*".to_owned(),
            active: true,
            used_at: None,
            networks: String::new(),
        }
    }

    /// A confirmed model with one parameter that shop.example.com may embed.
    ///
    /// # Panics
    /// Never: the domain is well-formed.
    #[must_use]
    pub fn model(&self, owner: Owner) -> ModelRecord {
        let id = ModelId::new(&self.entropy);
        let lineage = id.to_string();
        let kind = ParameterKind::Float {
            min: Some(10.0),
            max: Some(250.5),
            decimals: 1,
        };
        let width = Parameter::new(&lineage, "width", kind, Value::Float(80.5));
        let definition = Arc::new(Definition {
            parameters: vec![width],
            outputs: Vec::new(),
            exports: Vec::new(),
        });
        ModelRecord {
            id,
            id2: None,
            slug: format!("shelf-{id}"),
            name: "shelf.js".to_owned(),
            title: "Shelf cut to measure".to_owned(),
            owner,
            status: ModelStatus::Confirmed,
            status_before_delete: None,
            message: None,
            filename: Some("shelf.js".to_owned()),
            source: Some(BlobKey::of(lineage.as_bytes())),
            source_size: 36,
            lineage,
            described: Some(Arc::clone(&definition)),
            overrides: Overrides::default(),
            definition: Some(definition),
            settings: settings(),
            viewer_config: serde_json::json!({}),
            thumbnail: None,
            created_at: self.now,
            updated_at: self.now,
            revision: 1,
            token_forced: false,
            plan: &UNLIMITED,
            listing: Listing::default(),
            allowed: settings().domains,
        }
    }

    /// A plain embedding ticket for an hour.
    ///
    /// # Panics
    /// Never: no domains are well-formed.
    #[must_use]
    pub fn ticket(&self, model: ModelId) -> TicketRecord {
        TicketRecord {
            id: TicketId::new(&self.entropy),
            model,
            kind: TicketType::Embedding,
            public: false,
            author: false,
            use_id2: false,
            domains: domains(&[]),
            until: self.now.plus(Duration::from_hours(1)),
            created_at: self.now,
            revoked_at: None,
        }
    }

    /// An open session of the model that its owner pays.
    #[must_use]
    pub fn session(&self, model: &ModelRecord) -> Session {
        Session {
            hash: SessionId::new(&self.entropy).hash(),
            model: model.id,
            origin: Some("https://shop.example.com".to_owned()),
            ticket: Some(TicketId::new(&self.entropy)),
            token: None,
            subject: None,
            issuer_key: None,
            owner: model.owner,
            payer: model.owner.payer(),
            class: SessionClass::Limited,
            permissions: PermissionSet::session_grants(false),
            author: false,
            opened_at: self.now,
            last_seen_at: self.now,
            paid_until: self.now.plus(Duration::from_mins(10)),
            ended: None,
        }
    }

    /// One charge of a session.
    #[must_use]
    pub fn usage(&self, session: &Session, kind: UsageKind) -> UsageEvent {
        UsageEvent {
            id: UsageId::new(&self.entropy),
            kind,
            credits: credits_for(kind, session.class, 0),
            count: 1,
            duration_ms: 0,
            owner: session.owner,
            payer: session.payer,
            model: session.model,
            ticket: session.ticket,
            token: session.token,
            subject: session.subject,
            session: Some(session.hash),
            class: session.class,
            at: self.now,
        }
    }

    /// One refusal.
    #[must_use]
    pub fn audit(&self, request: RequestId) -> AuditEvent {
        AuditEvent {
            id: AuditId::new(&self.entropy),
            at: self.now,
            request,
            actor: "anonymous".to_owned(),
            credential: "none".to_owned(),
            address: Some("192.0.2.7".to_owned()),
            origin: Some("https://evil.example".to_owned()),
            operation: "CreateSessionByTicket".to_owned(),
            model: None,
            decision: Decision::Refused,
            reason: "origin-not-allowed".to_owned(),
            message: "The origin https://evil.example is not allowed.".to_owned(),
            count: 1,
        }
    }

    /// A successful result with one GLB.
    #[must_use]
    pub fn result(&self, model: ModelId, version: &str) -> OutputVersionRecord {
        OutputVersionRecord {
            model,
            kind: ResultKind::Output,
            output: "0123456789abcdef0123456789abcdef".to_owned(),
            version: version.to_owned(),
            status: ComputationStatus::Success,
            content: vec![StoredContent {
                format: "glb".to_owned(),
                content_type: Some("model/gltf-binary".to_owned()),
                name: None,
                blob: Some(BlobKey::of(version.as_bytes())),
                size: 1234,
                data: None,
                filename_ext: Some("glb".to_owned()),
            }],
            bbox: Some(([-0.1, 0.0, 0.0], [1.0 / 3.0, 2.5, 1e-7])),
            created_at: self.now,
        }
    }
}

/// Parsed domains.
///
/// # Panics
/// When one is malformed.
pub(crate) fn domains(entries: &[&str]) -> AllowedDomains {
    AllowedDomains::parse_all(entries).expect("the domains are well-formed")
}

fn settings() -> ModelSettings {
    ModelSettings {
        domains: domains(&["shop.example.com", "*.example.org"]),
        public: false,
        backend_access: true,
        require_iframe: false,
        require_token: false,
        auth_groups: Vec::new(),
        blocking: BlockingReasons::default(),
        session_rate_limit: None,
        max_comp_time_ms: 30_000,
        max_wait_time_ms: 5_000,
        max_export_size: 100 << 20,
        max_output_size: 100 << 20,
        max_model_size: 100 << 20,
        max_texture_size: 10 << 20,
        max_idle_minutes: 30,
        num_loaded_max: 2,
        num_loaded_min: 0,
        num_preloaded_min: 0,
        initial_warmup: false,
        deny_scripts: false,
        trust: "none".to_owned(),
        ftype: "js".to_owned(),
        use_cdn: false,
        webhook_url: None,
        webhook_token: None,
        allowed_libraries: Vec::new(),
        tickets_not_before: Timestamp::from_unix_ms(0),
        given_not_before: Timestamp::from_unix_ms(0),
        frames_only_since: None,
    }
}
