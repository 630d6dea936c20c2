//! Metering: every chargeable event is one row, durable before the answer that it charges for.

use vitrine_access::caps::{Cap, CapReached, CapScope, CapSetter, CapWindow};
use vitrine_access::credits::{UsageEvent, UsageKind, credits_for};
use vitrine_access::ids::{BlobKey, ModelId, UsageId};
use vitrine_access::platform::Role;
use vitrine_access::session::{Session, SessionClass};
use vitrine_store::limits::LIST_ROWS_MAX;

use crate::Services;
use crate::error::{Error, ErrorKind, Result, capped};
use crate::platform::PlatformAccess;
use crate::presence::Slot;
use crate::tokens::VerifiedToken;
use crate::who::SessionAccess;

/// Credits of a cap that an account sets: more than anybody spends, and a number that every client can hold.
pub const CAP_CREDITS_MAX: u64 = 1_000_000_000;

impl Services {
    /// An event of a session, not yet written. The token is the one that came with the request; the
    /// one that opened the session counts otherwise.
    pub(crate) fn usage_of(
        &self,
        session: &Session,
        token: Option<&VerifiedToken>,
        kind: UsageKind,
        duration_ms: u64,
    ) -> UsageEvent {
        // Other issuers name tokens and their subjects as they like: nobody's cap shall hang on that.
        let token = token
            .filter(|verified| verified.account.is_none())
            .map(|verified| &verified.token);
        let opened_by_ours = session.issuer_key.is_none();
        UsageEvent {
            id: UsageId::new(&*self.inner.entropy),
            kind,
            credits: credits_for(kind, session.class, duration_ms),
            count: 1,
            duration_ms,
            owner: session.owner,
            payer: session.payer,
            model: session.model,
            ticket: session.ticket,
            token: token
                .map(|token| token.id)
                .or(session.token.filter(|_| opened_by_ours)),
            subject: token
                .map(|token| token.subject)
                .or(session.subject.filter(|_| opened_by_ours)),
            session: Some(session.hash),
            class: session.class,
            at: self.now(),
        }
    }

    /// Charges a pure output request.
    pub(crate) async fn charge_output(&self, access: &SessionAccess) -> Result<Paid> {
        self.charge(access, UsageKind::Output).await
    }

    /// Charges an export request, with outputs or without.
    pub(crate) async fn charge_export(
        &self,
        access: &SessionAccess,
        with_outputs: bool,
    ) -> Result<Paid> {
        let kind = if with_outputs {
            UsageKind::Combined
        } else {
            UsageKind::Export
        };
        self.charge(access, kind).await
    }

    async fn charge(&self, access: &SessionAccess, kind: UsageKind) -> Result<Paid> {
        let entry = &access.session;
        let session = &entry.session;
        let now = self.now();
        let token = access.token.as_deref();
        let mut events = vec![self.usage_of(session, token, kind, 0)];
        let slot = match session.class {
            SessionClass::Limited => entry.take_slot(now),
            SessionClass::Default => None,
        };
        if let Some(slot) = slot {
            // The row's id follows from session and slot: whoever charges the slot again, after a
            // crash or from another copy of the session, writes the row that is there already.
            events.push(UsageEvent {
                id: slot_id(session, slot),
                ..self.usage_of(session, token, UsageKind::SessionSlot, 0)
            });
        }
        let paid = Paid::by(&events);
        let store = &self.inner.store;
        if let Err(error) = store.append_usage(events).await {
            if let Some(slot) = slot {
                entry.return_slot(slot);
            }
            return Err(error.into());
        }
        if let Some(slot) = slot {
            store
                .touch_sessions(vec![(session.hash, now, slot.paid_until)])
                .await?;
        }
        Ok(paid)
    }

    /// Work for which nothing was charged yet begins only while no cap is used up: its time will
    /// be charged.
    ///
    /// # Errors
    /// A refusal of kind `CapReached`.
    pub(crate) async fn check_caps(&self, access: &SessionAccess) -> Result<()> {
        let session = &access.session.session;
        let token = access.token.as_deref();
        let event = self.usage_of(session, token, UsageKind::Computation, 0);
        let caps = self.inner.store.caps_on(&CapScope::of(&event)).await?;
        for mut cap in caps {
            cap.roll(event.at);
            if !cap.allows(1) {
                return Err(capped(&CapReached { cap, asked: 1 }));
            }
        }
        Ok(())
    }

    /// Sets how many credits may be spent on somebody's or something's behalf, from now on and on
    /// every node. What the present window holds already counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_cap(
        &self,
        scope: CapScope,
        window: CapWindow,
        credits_max: u64,
    ) -> Result<Cap> {
        let now = self.now();
        Ok(self
            .inner
            .store
            .set_cap(scope, window, credits_max, now)
            .await?)
    }

    /// The caps of an account and of its organization, where it manages that, and of a model that it
    /// manages, with totals that are true now. The caller has looked at the model.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn caps_of_account(
        &self,
        access: &PlatformAccess,
        model: Option<ModelId>,
    ) -> Result<Vec<Cap>> {
        let organization = access
            .user
            .member
            .filter(|(_, role)| *role >= Role::Manager)
            .map(|(id, _)| CapScope::Organization(id));
        let scopes: Vec<CapScope> = [CapScope::User(access.user.id)]
            .into_iter()
            .chain(organization)
            .chain(model.map(CapScope::Model))
            .collect();
        let now = self.now();
        let mut caps = self.inner.store.caps_on(&scopes).await?;
        for cap in &mut caps {
            cap.roll(now);
        }
        Ok(caps)
    }

    /// Sets the cap that those who look after an account or a model put on it, beside whatever the operator
    /// has put there; without credits it is removed. The caller has looked at the model, and has asked
    /// [`Services::webhook_account`] for the account.
    ///
    /// # Errors
    /// `RequestInvalid` for a scope that is neither, and for more credits than a cap can have.
    pub async fn set_own_cap(
        &self,
        access: &PlatformAccess,
        (scope, window): (CapScope, CapWindow),
        credits: Option<u64>,
    ) -> Result<()> {
        let set = async {
            if !matches!(
                scope,
                CapScope::User(_) | CapScope::Organization(_) | CapScope::Model(_)
            ) || credits.is_some_and(|credits| credits > CAP_CREDITS_MAX)
            {
                return Err(Error::new(
                    ErrorKind::RequestInvalid,
                    format!(
                        "A cap is for an account, an organization or a model, and 'credits' is null \
                         or a whole number from 0 to {CAP_CREDITS_MAX}."
                    ),
                ));
            }
            self.limit_caps(access.user.id)?;
            let mut tx = self.inner.store.begin().await?;
            match credits {
                Some(credits) => {
                    let of = (scope, window, CapSetter::Owner);
                    tx.set_cap_of(of, credits, self.now()).await?;
                }
                None => {
                    tx.remove_cap(scope, window, CapSetter::Owner).await?;
                }
            }
            Ok(tx.commit().await?)
        };
        let set = set.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), set)?;
        let set_to = credits.map_or("removed".to_owned(), |credits| credits.to_string());
        let about = format!("{scope} per {}: {set_to}", window.as_str());
        self.note_allowed_about(access.operation, &access.caller, &access.actor(), &about);
        Ok(())
    }

    /// All caps, with totals that are true now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn caps(&self) -> Result<Vec<Cap>> {
        let now = self.now();
        let mut caps = self.inner.store.caps(LIST_ROWS_MAX).await?;
        for cap in &mut caps {
            cap.roll(now);
        }
        Ok(caps)
    }
}

/// Whether a request has paid for the work that it may cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    /// It was charged, and no cap refused that.
    Credits,
    /// It cost nothing so far.
    Nothing,
}

impl Paid {
    pub(crate) fn by(events: &[UsageEvent]) -> Self {
        if events.iter().any(|event| event.credits > 0) {
            Self::Credits
        } else {
            Self::Nothing
        }
    }
}

/// The id of a slot's charge: a hash of what names the slot.
fn slot_id(session: &Session, slot: Slot) -> UsageId {
    let mut named = b"vitrine session slot v1".to_vec();
    named.extend_from_slice(session.hash.as_bytes());
    named.extend_from_slice(&slot.after.unix_ms().to_be_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&BlobKey::of(&named).as_bytes()[..16]);
    UsageId::from_bytes(id)
}
