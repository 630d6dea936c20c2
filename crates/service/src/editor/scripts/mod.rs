//! Script jobs: a token starts one, its id tells how it goes.
//!
//! The job's row is written in the transaction that uses a one-time token up. Whoever takes the job holds it
//! with a lease; what it writes has names that follow from the job alone, so that a second attempt after a crash
//! writes the same objects again and nothing beside them.

mod running;
mod sources;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use vitrine_access::editor_token::{EditorParameters, EditorToken};
use vitrine_access::ids::EditorSessionHash;
use vitrine_access::permissions::Credential;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::script_job::{ScriptJobId, ScriptJobOrder};
use vitrine_access::seal::Purpose;
use vitrine_store::{EditorSessionRecord, PartnerRecord, ScriptJobRecord, ScriptJobState};

use super::EditorSessionAccess;
use crate::Services;
use crate::audit::Actor;
use crate::editor_tokens::wrong_token;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{SCRIPT_JOBS_IN_WORKERS_MAX, SCRIPT_JOBS_OPEN_MAX};
use crate::who::{Caller, refuse, row};

pub(crate) use running::run;

/// How script jobs are done on this node.
pub(crate) struct Scripts {
    pub(crate) added: Notify,
    in_workers: Semaphore,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            added: Notify::new(),
            in_workers: Semaphore::new(SCRIPT_JOBS_IN_WORKERS_MAX),
        }
    }
}

/// A file that a job wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptOutput {
    /// Name of the object in the content bucket, or of the file that the API server got.
    pub name: String,
    /// How many bytes.
    pub bytes: u64,
    /// The id that the API server gave it, for one that it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// How a job goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptJobStatus {
    /// Where it stands.
    pub state: ScriptJobState,
    /// Why it failed, or why the last attempt did.
    pub message: Option<String>,
    /// What it wrote.
    pub outputs: Vec<ScriptOutput>,
}

impl Services {
    /// Starts a job by a token that asks for one. Durable when it returns; a one-time token is used up.
    /// Refusals are noted.
    ///
    /// # Errors
    /// Those of the token; `RequestInvalid` for parameters that are no job; `Busy` when the partner has too
    /// many jobs waiting.
    pub async fn start_script_job(
        &self,
        operation: &str,
        token: Option<&str>,
        caller: &Caller,
    ) -> Result<ScriptJobId> {
        self.trusted()?;
        if row(operation)?.credential != Credential::EditorToken {
            return Err(Error::internal(format!(
                "{operation} takes no editor token"
            )));
        }
        let mut who = Actor::default();
        let outcome = self.add_script_job(token, &mut who).await;
        let job = self.audited_as(operation, caller, &who, outcome)?;
        self.note_allowed_as(operation, caller, &who);
        Ok(job)
    }

    async fn add_script_job(&self, token: Option<&str>, who: &mut Actor) -> Result<ScriptJobId> {
        let text = token.ok_or_else(|| {
            refuse(
                RefusalKind::EditorTokenMissing,
                "Wrong token: there is none. Send it in the header x-api-token or as the parameter apitoken.",
            )
        })?;
        let token: EditorToken = text.parse().map_err(|_| wrong_token())?;
        let live = self.live_token(token.hash(), who).await?;
        let parameters = self.open_parameters(&live.entry.row)?;
        read_order(&parameters)?;
        let partner = live.partner.id;
        let open = self
            .inner
            .store
            .open_script_jobs(partner, SCRIPT_JOBS_OPEN_MAX);
        if open.await? >= u64::from(SCRIPT_JOBS_OPEN_MAX) {
            return Err(Error::new(
                ErrorKind::Busy,
                format!("The partner has {SCRIPT_JOBS_OPEN_MAX} jobs waiting. Start more when some have ended."),
            )
            .retry_after_s(30));
        }
        let (now, id) = (self.now(), ScriptJobId::new(&*self.inner.entropy));
        let token = &live.entry.row;
        let job = ScriptJobRecord {
            hash: id.hash(),
            partner,
            key: token.key,
            token: token.hash,
            user: token.user,
            sealed: self.seal_parameters(Purpose::ScriptJob, id.hash().as_bytes(), &parameters),
            state: ScriptJobState::Waiting,
            attempts: 0,
            ready_at: now,
            created_at: now,
            ended_at: None,
            message: None,
            outputs: None,
        };
        let mut tx = self.inner.store.begin().await?;
        if token.one_time && !tx.use_editor_token(token.hash, now).await? {
            return Err(crate::editor_tokens::used_token());
        }
        tx.insert_script_job(&job).await?;
        if let Some(user) = job.user {
            tx.note_partner_user(partner, user, now).await?;
        }
        tx.commit().await?;
        if token.one_time {
            self.inner.partners.forget_token(&token.hash);
        }
        self.inner.scripts.added.notify_one();
        Ok(id)
    }

    /// How a job goes, for whoever holds its id. `app_id`, where it comes along, must be its partner's.
    /// Refusals are noted.
    ///
    /// # Errors
    /// `ScriptJobInvalid` for an id that is none, whatever the reason.
    pub async fn script_job_status(
        &self,
        operation: &str,
        id: Option<&str>,
        app_id: Option<&str>,
        caller: &Caller,
    ) -> Result<ScriptJobStatus> {
        self.trusted()?;
        if row(operation)?.credential != Credential::ScriptJob {
            return Err(Error::internal(format!("{operation} takes no script job")));
        }
        let mut who = Actor::default();
        let outcome = self.look_at_job(id, app_id, &mut who).await;
        self.audited_as(operation, caller, &who, outcome)
    }

    async fn look_at_job(
        &self,
        id: Option<&str>,
        app_id: Option<&str>,
        who: &mut Actor,
    ) -> Result<ScriptJobStatus> {
        let id = id.and_then(|id| id.parse::<ScriptJobId>().ok());
        let hash = id.ok_or_else(unknown_job)?.hash();
        let found = self.inner.store.script_job_unscoped(hash).await?;
        let job = found
            .filter(|job| job.hash == hash)
            .ok_or_else(unknown_job)?;
        let partner = self
            .partner_record(job.partner)
            .await?
            .ok_or_else(unknown_job)?;
        *who = job_actor(&partner);
        if app_id.is_some_and(|app_id| app_id != partner.app_id.as_str()) {
            return Err(unknown_job());
        }
        if partner.settings.blocked {
            return Err(crate::partners::blocked());
        }
        let outputs = job.outputs.as_deref().unwrap_or("[]");
        Ok(ScriptJobStatus {
            state: job.state,
            message: job.message,
            outputs: serde_json::from_str(outputs).map_err(Error::internal)?,
        })
    }

    fn open_job_parameters(&self, job: &ScriptJobRecord) -> Result<EditorParameters> {
        self.open_sealed(Purpose::ScriptJob, job.hash.as_bytes(), &job.sealed)
    }
}

fn read_order(parameters: &EditorParameters) -> Result<ScriptJobOrder> {
    ScriptJobOrder::read(parameters).map_err(|fault| {
        let message = format!("The job cannot be started: {fault}.");
        Error::new(ErrorKind::RequestInvalid, message)
    })
}

/// A job reads its drawing as a session does that nobody has opened and that saves nothing.
fn as_session(
    job: &ScriptJobRecord,
    partner: Arc<PartnerRecord>,
    order: &ScriptJobOrder,
) -> EditorSessionAccess {
    EditorSessionAccess {
        record: EditorSessionRecord {
            hash: EditorSessionHash::from_bytes(*job.hash.as_bytes()),
            partner: job.partner,
            key: job.key,
            token: job.token,
            drawing: order.opening.source.id(job.partner),
            user: job.user,
            sealed: Vec::new(),
            created_at: job.created_at,
            expires_at: job.created_at,
            closed_at: None,
        },
        partner,
        opening: order.opening.clone(),
    }
}

fn job_actor(partner: &PartnerRecord) -> Actor {
    let known = (
        "anonymous".to_owned(),
        format!("script-job of partner:{}", partner.app_id),
    );
    Actor { known: Some(known) }
}

fn unknown_job() -> Error {
    refuse(
        RefusalKind::ScriptJobInvalid,
        "There is no such job, or it ended long ago. Ask with the id that starting it returned.",
    )
}
