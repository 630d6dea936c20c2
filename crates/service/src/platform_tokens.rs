//! Tickets and tokens for models, as the platform hands them out.

use std::time::Duration;

use vitrine_access::grant::Subject;
use vitrine_access::holder::HolderMark;
use vitrine_access::ids::ModelId;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::platform::Relation;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::ticket::TicketType;
use vitrine_access::time::Timestamp;
use vitrine_store::{ModelRecord, TicketRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{PlatformAccess, PlatformGuest};
use crate::platform_models::PlatformModel;
use crate::tickets::TicketRequest;
use crate::who::refuse;

/// How long a token for models holds: clients ask again when it ends.
pub(crate) const MODEL_TOKEN_TTL: Duration = Duration::from_hours(1);
/// How long an author's ticket opens sessions: for one sitting.
const AUTHOR_TICKET_TTL: Duration = Duration::from_hours(12);

impl Services {
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

    /// A ticket with which those who manage the model change how it is presented: the last one of the same
    /// person again while at least half of its time is left.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_author_ticket(
        &self,
        guest: &PlatformGuest,
        model: &PlatformModel,
    ) -> Result<String> {
        let (given, model) = (guest.given(model.relation), &model.record);
        let until = given.at.plus(AUTHOR_TICKET_TTL);
        let half = given.at.plus(AUTHOR_TICKET_TTL / 2);
        let known = self.inner.store.live_author_tickets(model.id, half, until);
        let good = |record: &TicketRecord| {
            record.id.holder() == Some(given.to)
                && record.created_at >= model.settings.tickets_not_before
                && !self.ticket_withdrawn(model, record)
        };
        if let Some(record) = known.await?.into_iter().find(good) {
            return Ok(self.ticket_text(model, &record));
        }
        let wanted = ticket(TicketType::Embedding, true, until);
        self.create_ticket_for(given, model, wanted).await
    }

    /// A token of the Geometry API for one model.
    ///
    /// # Errors
    /// `PermissionMissing` for scopes that the account's tokens for it may not have.
    pub fn platform_model_token(
        &self,
        guest: &PlatformGuest,
        model: &PlatformModel,
        scopes: &[&str],
    ) -> Result<String> {
        check_scopes(model, scopes)?;
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let (given, subject) = (guest.given(model.relation), Subject::Model(model.record.id));
        self.mint_for(given, subject, scopes, MODEL_TOKEN_TTL)
    }

    /// A token of the Geometry API for models, all of which it covers.
    ///
    /// # Errors
    /// `PermissionMissing` for scopes that the account's tokens for one of them may not have;
    /// `RequestInvalid` for no model, for scopes that are none or unknown, and for a lifetime of 0.
    pub async fn platform_tokens(
        &self,
        access: &PlatformAccess,
        models: &[PlatformModel],
        scopes: Vec<String>,
        lifetime_s: Option<u64>,
    ) -> Result<String> {
        let invalid = |message: String| Error::new(ErrorKind::RequestInvalid, message);
        let known = Relation::Owner.scopes();
        let unknown = scopes.iter().find(|one| !known.contains(&one.as_str()));
        if scopes.is_empty() || unknown.is_some() || scopes.len() > known.len() {
            return Err(invalid(format!(
                "'scope' is a list of some of {}.",
                known.join(", ")
            )));
        }
        let wanted: Vec<&str> = scopes.iter().map(String::as_str).collect();
        for model in models {
            let checked = check_scopes(model, &wanted);
            self.audited_as(access.operation, &access.caller, &access.actor(), checked)?;
        }
        if lifetime_s == Some(0) {
            return Err(invalid("'lifetime' is at least 1 second.".to_owned()));
        }
        let ttl = lifetime_s.map_or(MODEL_TOKEN_TTL, Duration::from_secs);
        let mut ids: Vec<ModelId> = models.iter().map(|model| model.record.id).collect();
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
        let public = |model: &PlatformModel| model.relation == Relation::Public;
        let mut given = access.given();
        if models.iter().all(public) {
            given.to = HolderMark::PUBLIC;
        }
        let token = self.mint_for(given, subject, scopes, ttl.min(MODEL_TOKEN_TTL))?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(token)
    }
}

impl Services {
    /// A token of the Geometry API for what an account's models are used for.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn platform_usage_token(
        &self,
        access: &PlatformAccess,
        account: Subject,
    ) -> Result<String> {
        let scopes = vec!["group.analytics".to_owned()];
        let token = self.mint_for(access.given(), account, scopes, MODEL_TOKEN_TTL)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(token)
    }
}

fn check_scopes(model: &PlatformModel, wanted: &[&str]) -> Result<()> {
    // A demand for tokens would be none if everybody could have one for the asking.
    let of_strangers = model.relation == Relation::Public && model.record.demands_token();
    let allowed: &[&str] = if of_strangers {
        &[]
    } else {
        model.relation.scopes()
    };
    match wanted.iter().find(|scope| !allowed.contains(scope)) {
        None => Ok(()),
        Some(scope) => Err(refuse(
            RefusalKind::PermissionMissing,
            format!("The account may have no token for this model with the scope {scope}."),
        )),
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
