//! Metering: every chargeable event is one row, durable before the answer that it charges for.

use vitrine_access::credits::{UsageEvent, UsageKind, credits_for};
use vitrine_access::ids::{BlobKey, UsageId};
use vitrine_access::session::{Session, SessionClass};

use crate::Services;
use crate::error::Result;
use crate::presence::Slot;
use crate::who::SessionAccess;

impl Services {
    /// An event of a session, not yet written.
    pub(crate) fn usage_of(
        &self,
        session: &Session,
        kind: UsageKind,
        duration_ms: u64,
    ) -> UsageEvent {
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
            session: Some(session.hash),
            class: session.class,
            at: self.now(),
        }
    }

    /// Charges a pure output request.
    pub(crate) async fn charge_output(&self, access: &SessionAccess) -> Result<()> {
        self.charge(access, UsageKind::Output).await
    }

    /// Charges an export request, with outputs or without.
    pub(crate) async fn charge_export(
        &self,
        access: &SessionAccess,
        with_outputs: bool,
    ) -> Result<()> {
        let kind = if with_outputs {
            UsageKind::Combined
        } else {
            UsageKind::Export
        };
        self.charge(access, kind).await
    }

    async fn charge(&self, access: &SessionAccess, kind: UsageKind) -> Result<()> {
        let entry = &access.session;
        let session = &entry.session;
        let now = self.now();
        let mut events = vec![self.usage_of(session, kind, 0)];
        let slot = match session.class {
            SessionClass::Limited => entry.take_slot(now),
            SessionClass::Default => None,
        };
        if let Some(slot) = slot {
            // The row's id follows from session and slot: whoever charges the slot again, after a
            // crash or from another copy of the session, writes the row that is there already.
            events.push(UsageEvent {
                id: slot_id(session, slot),
                ..self.usage_of(session, UsageKind::SessionSlot, 0)
            });
        }
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
        Ok(())
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
