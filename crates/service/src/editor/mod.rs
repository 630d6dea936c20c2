//! The drawing editor: a token is traded for a session, and the session opens one drawing.
//!
//! A session ends with the revocation of its token or key and with its partner's block, at once: each
//! use looks at all of them.

mod drawings;
mod lease;
mod place;
mod plain;
mod remote;
mod saving;
pub(crate) mod scripts;
mod workspace;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use tokio::sync::OnceCell;
use vitrine_access::editor_session::{
    EditorAccess, EditorFrame, EditorOpening, EditorSessionId, PageParameters,
};
use vitrine_access::editor_token::{EditorParameters, EditorToken};
use vitrine_access::ids::{BlobKey, PartnerId, UserId};
use vitrine_access::limits::{EDITOR_FRAME_TTL, EDITOR_SESSION_TTL};
use vitrine_access::owner::Owner;
use vitrine_access::permissions::Credential;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::seal::Purpose;
use vitrine_access::time::Timestamp;
use vitrine_engine::pool::WorkerPoolConfig;
use vitrine_engine::{DrawingJob, DrawingOrder, DrawingOutcome, DrawingPool};
use vitrine_model::EngineError;
use vitrine_store::{Bucket, EditorSessionRecord, PartnerRecord};

use crate::Services;
use crate::audit::Actor;
use crate::editor_tokens::wrong_token;
use crate::error::{Error, ErrorKind, Result};
use crate::who::{Caller, refuse, row};

pub use drawings::{DrawingFile, Etag};
pub use lease::Lease;
pub use saving::Saved;
pub use scripts::{ScriptJobStatus, ScriptOutput};
pub use workspace::WorkspaceLayout;

/// Buckets that are kept open.
const BUCKETS_OPEN_MAX: u64 = 1_000;
/// Bytes of drawings that are kept as pages read them: a page loads what it has just opened.
const READ_BYTES_MAX: u64 = 64 << 20;
/// A bucket that nobody used for so long is opened anew.
const BUCKET_IDLE_MAX: Duration = Duration::from_mins(10);

/// What the editor keeps open.
pub(crate) struct Drawings {
    buckets: Cache<String, Bucket>,
    /// Drawings as pages read them, by the digest of what is stored.
    read: Cache<BlobKey, Bytes>,
    config: WorkerPoolConfig,
    pool: OnceCell<DrawingPool>,
}

impl Drawings {
    pub(crate) fn new(config: WorkerPoolConfig) -> Self {
        Self {
            buckets: Cache::builder()
                .max_capacity(BUCKETS_OPEN_MAX)
                .time_to_idle(BUCKET_IDLE_MAX)
                .build(),
            read: Cache::builder()
                .max_capacity(READ_BYTES_MAX)
                .weigher(|_, dxf: &Bytes| u32::try_from(dxf.len()).unwrap_or(u32::MAX))
                .time_to_idle(BUCKET_IDLE_MAX)
                .build(),
            config,
            pool: OnceCell::new(),
        }
    }

    /// The workers for drawings, which the first drawing starts.
    async fn pool(&self) -> Result<&DrawingPool> {
        let start = async { DrawingPool::start(self.config.clone()) };
        let pool = self.pool.get_or_try_init(|| start).await;
        pool.map_err(Error::internal)
    }

    pub(crate) async fn shutdown(&self) {
        if let Some(pool) = self.pool.get() {
            pool.shutdown().await;
        }
    }
}

/// The right to act in one editor session.
#[derive(Clone, Debug)]
pub struct EditorSessionAccess {
    pub(crate) record: EditorSessionRecord,
    pub(crate) partner: Arc<PartnerRecord>,
    pub(crate) opening: EditorOpening,
}

/// What an editor's page may know.
#[derive(Clone, Debug)]
pub struct EditorState {
    /// From when on the session is over.
    pub expires_at: Timestamp,
    /// What the token permits.
    pub access: EditorAccess,
    /// The drawing's name for people.
    pub title: String,
    /// The harmless parameters.
    pub page: PageParameters,
    /// Which parts of the page the partner's workspace file shows.
    pub layout: WorkspaceLayout,
    /// The commands that the page around may run, where the partner has a list of them.
    pub commands: Option<Vec<String>>,
    /// Pages that may frame the editor and talk to it.
    pub origins: Vec<String>,
    /// Who may save at the moment.
    pub lease: Lease,
    /// The newest version.
    pub etag: Etag,
    /// Where the page may be loaded again without its token.
    pub address: String,
}

impl EditorSessionAccess {
    /// What the token permits.
    #[must_use]
    pub fn access(&self) -> EditorAccess {
        self.opening.access
    }

    fn actor(&self) -> Actor {
        session_actor(&self.partner)
    }
}

fn session_actor(partner: &PartnerRecord) -> Actor {
    let known = (
        "anonymous".to_owned(),
        format!("editor-session of partner:{}", partner.app_id),
    );
    Actor { known: Some(known) }
}

impl Services {
    /// Trades a token for a session. Durable when it returns; a one-time token is used up, unless its
    /// drawing cannot be opened. Refusals are noted.
    ///
    /// # Errors
    /// Those of the token; `RequestInvalid` for parameters that name no drawing, `EntityUnknown` for a
    /// drawing that is not there.
    pub async fn open_editor(
        &self,
        operation: &str,
        token: Option<&str>,
        caller: &Caller,
    ) -> Result<(EditorSessionId, EditorState)> {
        self.trusted()?;
        let mut who = Actor::default();
        let outcome = self.trade_token(token, &mut who).await;
        self.audited_as(operation, caller, &who, outcome)
    }

    async fn trade_token(
        &self,
        token: Option<&str>,
        who: &mut Actor,
    ) -> Result<(EditorSessionId, EditorState)> {
        let text = token.ok_or_else(|| {
            refuse(
                RefusalKind::EditorTokenMissing,
                "Wrong token: there is none. Send it as the member apitoken.",
            )
        })?;
        let token: EditorToken = text.parse().map_err(|_| wrong_token())?;
        let live = self.live_token(token.hash(), who).await?;
        let parameters = self.open_parameters(&live.entry.row)?;
        let opening = read_opening(&parameters)?;
        let now = self.now();
        let session = EditorSessionId::new(&*self.inner.entropy);
        let record = EditorSessionRecord {
            hash: session.hash(),
            partner: live.partner.id,
            key: live.entry.row.key,
            token: live.entry.row.hash,
            drawing: opening.source.id(live.partner.id),
            user: live.entry.row.user,
            sealed: self.seal_parameters(
                Purpose::EditorSession,
                session.hash().as_bytes(),
                &parameters,
            ),
            created_at: now,
            expires_at: now.plus(EDITOR_SESSION_TTL),
            closed_at: None,
        };
        let access = EditorSessionAccess {
            record,
            partner: Arc::clone(&live.partner),
            opening,
        };
        let newest = self.newest_version(&access).await?;
        self.use_up(&live).await?;
        let mut tx = self.inner.store.begin().await?;
        tx.insert_editor_session(&access.record).await?;
        if let Some(user) = access.record.user {
            tx.note_partner_user(access.record.partner, user, now)
                .await?;
        }
        tx.commit().await?;
        let lease = match access.opening.access {
            EditorAccess::Edit => self.take_lease(&access).await?,
            EditorAccess::View => self.lease_of(&access).await?,
        };
        let state = self.state(&access, lease, newest.etag()).await;
        Ok((session, state))
    }

    /// Checks a request that comes with an editor session, and notes a refusal.
    ///
    /// # Errors
    /// `EditorSessionMissing` and `EditorSessionGone`.
    pub async fn editor_session(
        &self,
        operation: &str,
        session: Option<&str>,
        caller: &Caller,
    ) -> Result<EditorSessionAccess> {
        self.trusted()?;
        if row(operation)?.credential != Credential::EditorSession {
            return Err(Error::internal(format!(
                "{operation} takes no editor session"
            )));
        }
        let mut who = Actor::default();
        let outcome = self.find_session(session, &mut who).await;
        self.audited_as(operation, caller, &who, outcome)
    }

    async fn find_session(
        &self,
        session: Option<&str>,
        who: &mut Actor,
    ) -> Result<EditorSessionAccess> {
        let text = session.ok_or_else(|| {
            refuse(
                RefusalKind::EditorSessionMissing,
                "There is no editor session. Send it as 'Authorization: Bearer …'.",
            )
        })?;
        let session: EditorSessionId = text.parse().map_err(|_| gone())?;
        let hash = session.hash();
        let found = self.inner.store.editor_session_unscoped(hash).await?;
        let record = found
            .filter(|record| record.hash == hash)
            .ok_or_else(gone)?;
        let partner = self.partner_record(record.partner).await?;
        let partner = partner.ok_or_else(gone)?;
        *who = session_actor(&partner);
        let over = record.closed_at.is_some() || self.now() >= record.expires_at;
        if over || partner.settings.blocked || self.token_was_revoked(&record).await? {
            return Err(gone());
        }
        let opening = read_opening(&self.open_session_parameters(&record)?)?;
        Ok(EditorSessionAccess {
            record,
            partner,
            opening,
        })
    }

    /// Whether the token behind a session, or its key, was revoked. Its own end is none of it.
    async fn token_was_revoked(&self, record: &EditorSessionRecord) -> Result<bool> {
        let load = || self.load_token(record.token);
        let tokens = &self.inner.partners.tokens;
        let token = tokens.get_or_load(record.token, load).await?;
        let key = self.partner_key_record(record.key).await?;
        let good = token.is_some_and(|token| token.row.revoked_at.is_none())
            && key.is_some_and(|key| key.revoked_at.is_none());
        Ok(!good)
    }

    /// The state of a session, for a page that was loaded again.
    ///
    /// # Errors
    /// When the drawing is gone, or storage fails.
    pub async fn editor_state(&self, access: &EditorSessionAccess) -> Result<EditorState> {
        let newest = self.newest_version(access).await?;
        let lease = self.lease_of(access).await?;
        Ok(self.state(access, lease, newest.etag()).await)
    }

    async fn state(&self, access: &EditorSessionAccess, lease: Lease, etag: Etag) -> EditorState {
        let opening = &access.opening;
        let frame = EditorFrame {
            partner: access.partner.id,
            until: self.now().plus(EDITOR_FRAME_TTL),
        };
        EditorState {
            expires_at: access.record.expires_at,
            access: opening.access,
            title: opening.title.clone(),
            page: opening.page.clone(),
            layout: self
                .workspace_layout(&access.partner, opening.access, &opening.page)
                .await,
            commands: self.page_commands(&access.partner).await,
            origins: access.partner.settings.origins.to_sources(),
            lease,
            etag,
            address: format!(
                "/editor?f={}",
                frame.seal(&self.inner.sealer, self.entropy())
            ),
        }
    }

    /// Closes a session and frees its lease, durably.
    ///
    /// # Errors
    /// Database failures; nothing is changed then.
    pub async fn close_editor(&self, access: &EditorSessionAccess) -> Result<()> {
        let record = &access.record;
        let mut tx = self.inner.store.begin().await?;
        tx.close_editor_session(record.hash, self.now()).await?;
        tx.release_drawing_lease(record.drawing, record.hash)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Who may frame the editor's page: the origins of the partner whose token, or whose page's
    /// address, this is. `None` for whatever names no partner; nothing is used up.
    ///
    /// # Errors
    /// Database failures.
    pub async fn editor_frame(
        &self,
        token: Option<&str>,
        frame: Option<&str>,
    ) -> Result<Option<String>> {
        let partner = match (token.map(str::parse::<EditorToken>), frame) {
            (Some(Ok(token)), _) => {
                let hash = token.hash();
                let load = || self.load_token(hash);
                let found = self.inner.partners.tokens.get_or_load(hash, load).await?;
                found
                    .filter(|token| token.row.revoked_at.is_none())
                    .map(|token| token.row.partner)
            }
            (None, Some(frame)) => self.open_frame(frame),
            _ => None,
        };
        let Some(partner) = partner else {
            return Ok(None);
        };
        let partner = self.partner_record(partner).await?;
        Ok(partner
            .filter(|partner| !partner.settings.blocked)
            .map(|partner| partner.settings.origins.to_frame_ancestors()))
    }

    fn open_frame(&self, text: &str) -> Option<PartnerId> {
        let frame = EditorFrame::open(&self.inner.sealer, text, self.now());
        frame.map(|frame| frame.partner)
    }

    fn open_session_parameters(&self, record: &EditorSessionRecord) -> Result<EditorParameters> {
        let whose = record.hash.as_bytes();
        self.open_sealed(Purpose::EditorSession, whose, &record.sealed)
    }
}

impl Services {
    /// Does a job on drawings in a caged worker. The line is fair between partners.
    async fn in_worker(&self, access: &EditorSessionAccess, job: DrawingJob) -> Result<Bytes> {
        let pool = self.inner.drawings.pool().await?;
        let done = pool.run(&job, line_owner(access)).await;
        done.map(Bytes::from).map_err(unusable)
    }

    /// Does what is ordered with a drawing, as [`Self::in_worker`].
    async fn ordered(
        &self,
        access: &EditorSessionAccess,
        drawing: Bytes,
        order: DrawingOrder,
    ) -> Result<DrawingOutcome> {
        let pool = self.inner.drawings.pool().await?;
        let done = pool.run_order(drawing, order, line_owner(access)).await;
        done.map_err(unusable)
    }
}

fn line_owner(access: &EditorSessionAccess) -> Owner {
    Owner {
        user: UserId::from_bytes(*access.record.partner.as_bytes()),
        organization: None,
    }
}

fn unusable(error: EngineError) -> Error {
    match error {
        EngineError::Busy | EngineError::Cancelled | EngineError::WorkerLost { .. } => error.into(),
        EngineError::BadModel { message } => Error::new(
            ErrorKind::DrawingInvalid,
            format!("The drawing cannot be used: {message}."),
        ),
        EngineError::Limit(_) | EngineError::Script { .. } => Error::new(
            ErrorKind::DrawingInvalid,
            "The drawing cannot be read within the bounds of time and memory: it is too large, or \
             damaged.",
        )
        .caused_by(error),
    }
}

fn read_opening(parameters: &EditorParameters) -> Result<EditorOpening> {
    EditorOpening::read(parameters).map_err(|fault| {
        let message = format!("The drawing cannot be opened: {fault}.");
        Error::new(ErrorKind::RequestInvalid, message)
    })
}

fn gone() -> Error {
    refuse(
        RefusalKind::EditorSessionGone,
        "The editor session is over. Open the editor again with a new token.",
    )
}
