//! Models as their owner sees them on the platform. Others' models are not seen at all.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::decide::ModelStatus;
use vitrine_access::grant::Subject;
use vitrine_access::ids::ModelId;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::ticket::TicketType;
use vitrine_access::time::Timestamp;
use vitrine_store::{ModelFilter, ModelRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::model_patch::ModelPatch;
use crate::models::is_slug;
use crate::offset;
use crate::platform::PlatformAccess;
use crate::tickets::TicketRequest;
use crate::who::refuse;

/// How long a token for models holds: clients ask again when it ends.
const MODEL_TOKEN_TTL: Duration = Duration::from_hours(1);
/// How long an author's ticket opens sessions: for one sitting.
const AUTHOR_TICKET_TTL: Duration = Duration::from_hours(12);
/// The scopes that an owner may ask for.
const SCOPES: [&str; 5] = [
    "group.view",
    "group.export",
    "group.owner",
    "group.analytics",
    "file.download",
];

impl Services {
    /// A model of the account's by its id or slug.
    ///
    /// # Errors
    /// `ModelUnknown`, in the same words whether there is none or it is another's.
    pub async fn platform_model(
        &self,
        access: &PlatformAccess,
        key: &str,
    ) -> Result<Arc<ModelRecord>> {
        let found = self.owned_model(access, key).await;
        self.audited_as(access.operation, &access.caller, &access.actor(), found)
    }

    async fn owned_model(&self, access: &PlatformAccess, key: &str) -> Result<Arc<ModelRecord>> {
        let store = &self.inner.store;
        let found = match key.parse::<ModelId>() {
            Ok(id) => store.model(&access.owner, id).await?,
            // Asked for together with the owner: a foreign model then takes no longer than none.
            Err(_) if is_slug(key) => store.model_by_slug(&access.owner, key).await?,
            Err(_) => None,
        };
        found
            .filter(|model| model.status != ModelStatus::Deleted)
            .map(Arc::new)
            .ok_or_else(|| {
                refuse(
                    RefusalKind::ModelUnknown,
                    "The account has no such model. Name one of its models by id or slug.",
                )
            })
    }

    /// The account's models, newest first, and the offset of the next page.
    ///
    /// # Errors
    /// `RequestInvalid` for an offset that is not one of ours.
    pub async fn platform_models(
        &self,
        access: &PlatformAccess,
        filter: &ModelFilter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<ModelRecord>, Option<String>)> {
        let after = after.map(offset::to_model_cursor).transpose()?;
        let store = &self.inner.store;
        let mut rows = store
            .list_models(&access.owner, filter, limit.saturating_add(1), after)
            .await?;
        let next =
            offset::cut_page(&mut rows, limit).map(|last| offset::of_model_cursor(&last.cursor()));
        Ok((rows, next))
    }

    /// Changes a model of the account's, and notes it.
    ///
    /// # Errors
    /// `ModelUnknown`; `RequestInvalid` naming what cannot be taken.
    pub async fn platform_update_model(
        &self,
        access: &PlatformAccess,
        key: &str,
        patch: ModelPatch,
    ) -> Result<Arc<ModelRecord>> {
        let model = self.platform_model(access, key).await?;
        let changed = self.update_model(model.id, patch).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(Arc::new(changed))
    }

    /// The ticket of this kind that is handed out for the model; made when there is none.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_ticket(&self, model: &ModelRecord, kind: TicketType) -> Result<String> {
        let (store, now) = (&self.inner.store, self.now());
        let known = match kind {
            TicketType::Backend => store.live_backend_ticket(model.id, now).await?,
            TicketType::Embedding => store.live_embedding_ticket(model.id, now).await?,
        };
        match known {
            Some(record) if record.created_at >= model.settings.tickets_not_before => {
                Ok(self.ticket_text(model, &record))
            }
            _ => {
                let wanted = ticket(kind, false, Timestamp::MAX_14);
                self.create_ticket(model, wanted).await
            }
        }
    }

    /// A ticket with which the owner changes how the model is presented: the last one again while at
    /// least half of its time is left.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_author_ticket(&self, model: &ModelRecord) -> Result<String> {
        let now = self.now();
        let until = now.plus(AUTHOR_TICKET_TTL);
        let known = self
            .inner
            .store
            .live_author_ticket(model.id, now.plus(AUTHOR_TICKET_TTL / 2), until)
            .await?;
        if let Some(record) = known
            && record.created_at >= model.settings.tickets_not_before
            && !self.owner_withdrew(model, record.created_at)
        {
            return Ok(self.ticket_text(model, &record));
        }
        self.create_ticket(model, ticket(TicketType::Embedding, true, until))
            .await
    }

    /// A token of the Geometry API for one model of the account's.
    ///
    /// # Errors
    /// As [`Services::platform_tokens`].
    pub fn platform_model_token(&self, model: &ModelRecord, scopes: &[&str]) -> Result<String> {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.mint_token(Subject::Model(model.id), scopes, MODEL_TOKEN_TTL)
    }

    /// A token of the Geometry API for models of the account's, all of which it covers.
    ///
    /// # Errors
    /// `ModelUnknown` when one is not the account's; `RequestInvalid` for no model, for scopes that are
    /// none or unknown, and for a lifetime of 0.
    pub async fn platform_tokens(
        &self,
        access: &PlatformAccess,
        models: &[Arc<ModelRecord>],
        scopes: Vec<String>,
        lifetime_s: Option<u64>,
    ) -> Result<String> {
        let invalid = |message: String| Error::new(ErrorKind::RequestInvalid, message);
        let unknown = scopes.iter().find(|one| !SCOPES.contains(&one.as_str()));
        if scopes.is_empty() || unknown.is_some() || scopes.len() > SCOPES.len() {
            return Err(invalid(format!(
                "'scope' is a list of some of {}.",
                SCOPES.join(", ")
            )));
        }
        if lifetime_s == Some(0) {
            return Err(invalid("'lifetime' is at least 1 second.".to_owned()));
        }
        let ttl = lifetime_s.map_or(MODEL_TOKEN_TTL, Duration::from_secs);
        let mut ids: Vec<ModelId> = models.iter().map(|model| model.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let subject = match ids.as_slice() {
            [] => {
                return Err(invalid(
                    "Name a model by 'id', or several by 'ids'.".to_owned(),
                ));
            }
            [only] => Subject::Model(*only),
            _ => Subject::AuthGroup(self.group_of_models(ids).await?),
        };
        let token = self.mint_token(subject, scopes, ttl.min(MODEL_TOKEN_TTL))?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(token)
    }
}

fn ticket(kind: TicketType, author: bool, until: Timestamp) -> TicketRequest {
    TicketRequest {
        kind,
        public: false,
        author,
        domains: AllowedDomains::default(),
        until,
        use_id2: false,
    }
}
