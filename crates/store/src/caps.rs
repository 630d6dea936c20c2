//! Caps on credits. Each row carries the total of its window, and the total changes in the very
//! transaction that adds usage rows: it equals their sum after any crash and on any number of nodes.
//!
//! Whoever charges locks the rows of the caps concerned, in one order, before anything is added. A
//! new cap is set under a lock of the whole table, so that no charge is on its way that its first
//! sum does not hold.

use std::collections::{BTreeSet, HashMap};

use vitrine_access::caps::{Cap, CapReached, CapScope, CapSetter, CapWindow};
use vitrine_access::{
    AuditEvent, AuditId, BlobKey, Decision, DeliveryId, ModelId, NotificationId, Owner, Payer,
    RequestId, Subject, Timestamp, UsageEvent, UserId,
};

use crate::db::{Handle, Query, Row, Texts};
use crate::error::StoreError;
use crate::limits::{LIST_ROWS_MAX, NOTICE_RECEIVERS_MAX};
use crate::notices::{self, NotificationRecord};
use crate::store::finders;
use crate::usage::{UsageScope, usage_sum};
use crate::webhooks::{self, DeliveryRecord, DeliveryState};
use crate::{Store, Tx, audit};

finders! {
    /// All caps in the order of their scopes, at most `limit` ([`LIST_ROWS_MAX`]). Totals are those
    /// of the window in which something was last charged.
    caps(limit: u32) -> Vec<Cap>;
    /// The caps on any of these scopes, of which the first five count.
    caps_on(scopes: &[CapScope]) -> Vec<Cap>;
}

impl Store {
    /// Sets an operator's cap and begins its total with the sum of the usage rows of the present window; a cap
    /// that is there already gets the new bound. Returns it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_cap(
        &self,
        scope: CapScope,
        window: CapWindow,
        credits_max: u64,
        now: Timestamp,
    ) -> Result<Cap, StoreError> {
        let mut tx = self.begin().await?;
        let cap = tx.set_cap(scope, window, credits_max, now).await?;
        tx.commit().await?;
        Ok(cap)
    }

    /// Removes an operator's cap; false when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_cap(&self, scope: CapScope, window: CapWindow) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = tx.remove_cap(scope, window, CapSetter::Operator).await?;
        tx.commit().await?;
        Ok(removed)
    }
}

impl Tx {
    /// Removes somebody's cap; false when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_cap(
        &mut self,
        scope: CapScope,
        window: CapWindow,
        set_by: CapSetter,
    ) -> Result<bool, StoreError> {
        let sql = "DELETE FROM credit_cap WHERE scope = $1 AND period = $2 AND set_by = $3";
        let query = Query::new(sql).bind(&scope).bind(&window).bind(&set_by);
        Ok(self.handle.execute(query).await? == 1)
    }

    /// Removes an operator's cap with this very bound; false when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_cap_of(
        &mut self,
        scope: CapScope,
        window: CapWindow,
        credits_max: u64,
    ) -> Result<bool, StoreError> {
        let sql = "DELETE FROM credit_cap WHERE scope = $1 AND period = $2 \
            AND set_by = $4 AND credits_max = $3";
        let query = Query::new(sql)
            .bind(&scope)
            .bind(&window)
            .bind(&credits_max)
            .bind(&CapSetter::Operator);
        Ok(self.handle.execute(query).await? == 1)
    }

    /// See [`Store::set_cap`]. Charges wait from here to the commit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_cap(
        &mut self,
        scope: CapScope,
        window: CapWindow,
        credits_max: u64,
        now: Timestamp,
    ) -> Result<Cap, StoreError> {
        let of = (scope, window, CapSetter::Operator);
        self.set_cap_of(of, credits_max, now).await
    }

    /// The same for the cap that somebody sets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_cap_of(
        &mut self,
        (scope, window, set_by): (CapScope, CapWindow, CapSetter),
        credits_max: u64,
        now: Timestamp,
    ) -> Result<Cap, StoreError> {
        let lock = Query::new(self.dialect.texts.lock_cap_table);
        self.handle.all(lock).await?;
        let window_start = window.start(now);
        let until = window.end(window_start);
        let sum = usage_sum(&mut self.handle, rows_of(scope), None, window_start, until).await?;
        let mut cap = Cap {
            scope,
            window,
            set_by,
            credits_max,
            used: sum.credits,
            window_start,
            noticed_percent: 0,
        };
        // What is spent already is no news to who sets a cap on it.
        let _ = cap.notices();
        let sql = "INSERT INTO credit_cap \
            (scope, period, credits_max, used, window_start, noticed_percent, set_by) \
            VALUES ($1, $2, $3, $4, $5, $6, $7) \
            ON CONFLICT (scope, period, set_by) DO UPDATE SET credits_max = $3, used = $4, \
            window_start = $5, noticed_percent = $6";
        let query = Query::new(sql)
            .bind(&scope)
            .bind(&window)
            .bind(&credits_max)
            .bind(&cap.used)
            .bind(&window_start)
            .bind(&cap.noticed_percent)
            .bind(&set_by);
        self.handle.execute(query).await?;
        Ok(cap)
    }
}

fn rows_of(scope: CapScope) -> UsageScope {
    match scope {
        CapScope::User(user) => UsageScope::Payer(Payer::User(user)),
        CapScope::Organization(organization) => {
            UsageScope::Payer(Payer::Organization(organization))
        }
        CapScope::Model(model) => UsageScope::Model(model),
        CapScope::Ticket(ticket) => UsageScope::Ticket(ticket),
        CapScope::Token(token) => UsageScope::Token(token),
        CapScope::Subject(subject) => UsageScope::Subject(subject),
    }
}

async fn caps(handle: &mut Handle, limit: u32) -> Result<Vec<Cap>, StoreError> {
    let sql = "SELECT scope, period, set_by, credits_max, used, window_start, noticed_percent \
        FROM credit_cap WHERE scope > '' ORDER BY scope, period, set_by LIMIT $1";
    let query = Query::new(sql).bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn caps_on(handle: &mut Handle, scopes: &[CapScope]) -> Result<Vec<Cap>, StoreError> {
    /// As many scopes as one charge can count for: payer, model, ticket, token and its subject.
    const SCOPES_MAX: usize = 5;
    let mut query = Query::new(
        "SELECT scope, period, set_by, credits_max, used, window_start, noticed_percent \
         FROM credit_cap WHERE scope IN ($1, $2, $3, $4, $5)",
    );
    for at in 0..SCOPES_MAX {
        query = match scopes.get(at) {
            Some(scope) => query.bind(scope),
            None => query.bind_text(""),
        };
    }
    handle.all(query).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Cap, StoreError> {
    Ok(Cap {
        scope: row.get("scope")?,
        window: row.get("period")?,
        set_by: row.get("set_by")?,
        credits_max: row.get("credits_max")?,
        used: row.get("used")?,
        window_start: row.get("window_start")?,
        noticed_percent: row.get("noticed_percent")?,
    })
}

/// A share of a cap that was reached.
#[derive(Clone, Debug)]
struct Notice {
    cap: Cap,
    percent: u32,
    model: ModelId,
    owner: Owner,
    at: Timestamp,
}

/// The caps that a transaction's charges count for, locked until it ends.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    caps: HashMap<CapScope, Vec<Cap>>,
    changed: BTreeSet<(CapScope, CapWindow, CapSetter)>,
    notices: Vec<Notice>,
}

impl Ledger {
    /// Locks the caps that these charges count for.
    pub(crate) async fn open<'a>(
        handle: &mut Handle,
        texts: &Texts,
        usage: impl Iterator<Item = &'a UsageEvent>,
    ) -> Result<Self, StoreError> {
        let scopes: BTreeSet<String> = usage
            .flat_map(CapScope::of)
            .map(|scope| format!("\"{scope}\""))
            .collect();
        let mut ledger = Self::default();
        if scopes.is_empty() {
            return Ok(ledger);
        }
        // Scopes are made of words, ids and colons: nothing in them needs an escape.
        let list: Vec<String> = scopes.into_iter().collect();
        let list = format!("[{}]", list.join(","));
        let query = Query::new(texts.lock_caps).bind_text(&list);
        for row in handle.all(query).await? {
            let cap = read(&row)?;
            ledger.caps.entry(cap.scope).or_default().push(cap);
        }
        Ok(ledger)
    }

    /// Whether all of these charges fit under all caps.
    pub(crate) fn admit(&self, usage: &[UsageEvent]) -> Result<(), CapReached> {
        if self.caps.is_empty() {
            return Ok(());
        }
        let mut asked: HashMap<CapScope, u64> = HashMap::new();
        for event in usage {
            for scope in CapScope::of(event) {
                *asked.entry(scope).or_default() += u64::from(event.credits);
            }
        }
        let Some(at) = usage.iter().map(|event| event.at).max() else {
            return Ok(());
        };
        for (scope, asked) in asked {
            for cap in self.caps.get(&scope).into_iter().flatten() {
                let mut cap = cap.clone();
                cap.roll(at);
                if !cap.allows(asked) {
                    return Err(CapReached { cap, asked });
                }
            }
        }
        Ok(())
    }

    /// Counts a charge that was added.
    pub(crate) fn count(&mut self, event: &UsageEvent) {
        if event.credits == 0 || self.caps.is_empty() {
            return;
        }
        for scope in CapScope::of(event) {
            for cap in self.caps.get_mut(&scope).into_iter().flatten() {
                let reached = cap.count(u64::from(event.credits), event.at);
                self.changed.insert((scope, cap.window, cap.set_by));
                self.notices
                    .extend(reached.into_iter().map(|percent| Notice {
                        cap: cap.clone(),
                        percent,
                        model: event.model,
                        owner: event.owner,
                        at: event.at,
                    }));
            }
        }
    }

    /// Writes the totals, and a line of the audit trail for each share that was reached.
    pub(crate) async fn write(&self, handle: &mut Handle) -> Result<(), StoreError> {
        for (scope, window, set_by) in &self.changed {
            let caps = self.caps.get(scope).into_iter().flatten();
            for cap in caps.filter(|cap| cap.window == *window && cap.set_by == *set_by) {
                let sql = "UPDATE credit_cap SET used = $3, window_start = $4, \
                    noticed_percent = $5 WHERE scope = $1 AND period = $2 AND set_by = $6";
                let query = Query::new(sql)
                    .bind(&cap.scope)
                    .bind(&cap.window)
                    .bind(&cap.used)
                    .bind(&cap.window_start)
                    .bind(&cap.noticed_percent)
                    .bind(set_by);
                handle.execute(query).await?;
            }
        }
        for notice in &self.notices {
            audit::insert(handle, &notice.line()).await?;
            notice.tell(handle).await?;
        }
        Ok(())
    }

    /// Tells the operator what was reached, after the commit.
    pub(crate) fn tell(&self) {
        for Notice { cap, percent, .. } in &self.notices {
            tracing::warn!(
                scope = %cap.scope,
                window = cap.window.as_str(),
                credits_max = cap.credits_max,
                used = cap.used,
                percent,
                "a cap on credits was reached to this share"
            );
            metrics::counter!(
                "vitrine_cap_notices_total",
                "window" => cap.window.as_str(),
                "percent" => percent.to_string()
            )
            .increment(1);
        }
    }
}

impl Notice {
    /// The ids follow from what is told, as nobody asked for it and it is told once.
    fn id(&self, whom: &str) -> [u8; 16] {
        let Self { cap, percent, .. } = self;
        // The operator's are named as they were before there were others.
        let by = match cap.set_by {
            CapSetter::Operator => "",
            CapSetter::Owner => " of the owner",
        };
        let named = format!(
            "vitrine cap notice v1 {} {} {} {percent} {}{by}{whom}",
            cap.scope,
            cap.window.as_str(),
            cap.window_start.unix_ms(),
            self.at.unix_ms()
        );
        let mut id = [0; 16];
        id.copy_from_slice(&BlobKey::of(named.as_bytes()).as_bytes()[..16]);
        id
    }

    /// Whether all that the cap counts is the owner's. What tokens of a group or of the back end cause may be
    /// several accounts', and its total is none of theirs to know: then the operator alone is told.
    fn is_of_owner(&self) -> bool {
        let Owner { user, organization } = self.owner;
        match self.cap.scope {
            CapScope::User(_)
            | CapScope::Organization(_)
            | CapScope::Model(_)
            | CapScope::Ticket(_)
            | CapScope::Subject(Subject::Model(_)) => true,
            CapScope::Subject(Subject::User(own)) => own == user,
            CapScope::Subject(Subject::Organization(own)) => Some(own) == organization,
            CapScope::Subject(_) | CapScope::Token(_) => false,
        }
    }

    /// What happened, by the platform's words.
    fn kind(&self) -> &'static str {
        match self.percent {
            100.. => "credit-limit-error",
            _ => "credit-limit-warning",
        }
    }

    fn words(&self) -> String {
        let Self { cap, .. } = self;
        format!(
            "{} of {} credits per {} are used on {}; the total begins anew at {}.",
            cap.used,
            cap.credits_max,
            cap.window.as_str(),
            cap.scope,
            cap.resets_at().to_iso_ms()
        )
    }

    /// Tells the model's owner, and whoever looks after the organization, in the same transaction.
    async fn tell(&self, handle: &mut Handle) -> Result<(), StoreError> {
        if !self.is_of_owner() {
            return Ok(());
        }
        let organization = self.owner.organization;
        let mut receivers = match self.cap.scope {
            // What an organization uses together is not every member's to know.
            CapScope::Organization(_) => Vec::new(),
            _ => vec![self.owner.user],
        };
        if let Some(organization) = organization {
            let sql = "SELECT id FROM user_account WHERE organization = $1 \
                AND organization_role IN ('admin', 'owner') ORDER BY id LIMIT $2";
            let query = Query::new(sql)
                .bind(&organization)
                .bind(&NOTICE_RECEIVERS_MAX);
            for row in handle.all(query).await? {
                let id: UserId = row.get("id")?;
                if !receivers.contains(&id) {
                    receivers.push(id);
                }
            }
        }
        for receiver in receivers {
            let notification = NotificationRecord {
                id: NotificationId::from_bytes(self.id(&format!(" to {receiver}"))),
                receiver,
                level: if self.percent >= 100 {
                    "error"
                } else {
                    "warning"
                }
                .to_owned(),
                class: "account".to_owned(),
                kind: self.kind().to_owned(),
                description: self.words(),
                model: Some(self.model),
                organization,
                created_at: self.at,
                read_at: None,
            };
            notices::insert_notification(handle, &notification).await?;
        }
        self.send(handle).await
    }

    /// Leaves a message for each address at which the account wants to be told.
    async fn send(&self, handle: &mut Handle) -> Result<(), StoreError> {
        let Self { cap, percent, .. } = self;
        let account = self.owner.payer();
        let body = serde_json::json!({
            "type": self.kind(),
            "timestamp": self.at.to_iso_ms(),
            "data": {
                "percent": percent,
                "scope": cap.scope.to_string(),
                "period": cap.window.as_str(),
                "period_start": cap.window_start.to_iso_ms(),
                "resets_at": cap.resets_at().to_iso_ms(),
                "credits_max": cap.credits_max,
                "credits_used": cap.used,
                "model_id": self.model.to_string(),
                "description": self.words(),
            },
        });
        for webhook in webhooks::webhooks(handle, account, LIST_ROWS_MAX).await? {
            if !webhook.active {
                continue;
            }
            let delivery = DeliveryRecord {
                id: DeliveryId::from_bytes(self.id(&format!(" by {}", webhook.id))),
                webhook: webhook.id,
                kind: self.kind().to_owned(),
                body: body.to_string(),
                state: DeliveryState::Waiting,
                attempts: 0,
                ready_at: self.at,
                answer: None,
                created_at: self.at,
            };
            webhooks::insert_delivery(handle, &delivery).await?;
        }
        Ok(())
    }

    fn line(&self) -> AuditEvent {
        let Self { cap, percent, .. } = self;
        let id = self.id("");
        AuditEvent {
            id: AuditId::from_bytes(id),
            at: self.at,
            request: RequestId::from_bytes(id),
            actor: "vitrine".to_owned(),
            credential: cap.scope.to_string(),
            address: None,
            origin: None,
            operation: "CreditCap".to_owned(),
            // The model's owner reads the lines about it.
            model: self.is_of_owner().then_some(self.model),
            decision: Decision::Allowed,
            reason: format!("cap-{percent}-percent"),
            message: self.words(),
            count: 1,
        }
    }
}
