//! Metering: every chargeable event is one row, durable before the answer that it charges for.

use vitrine_access::credits::{UsageEvent, UsageKind, credits_for};
use vitrine_access::ids::UsageId;
use vitrine_access::session::{Session, SessionClass};

use crate::Services;
use crate::error::Result;
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
        if let Some(paid_until) = slot {
            events.push(self.usage_of(session, UsageKind::SessionSlot, 0));
            // The slot is noted before it is charged: a crash in between gives a slot away and
            // never charges one twice.
            self.inner
                .store
                .touch_sessions(vec![(session.hash, now, paid_until)])
                .await?;
        }
        self.inner.store.append_usage(events).await?;
        Ok(())
    }
}
