//! Caps on credits. Each row carries the total of its window, and the total changes in the very
//! transaction that adds usage rows: it equals their sum after any crash and on any number of nodes.
//!
//! Whoever charges locks the rows of the caps concerned, in one order, before anything is added. A
//! new cap is set under a lock of the whole table, so that no charge is on its way that its first
//! sum does not hold.

use std::collections::{BTreeSet, HashMap};

use vitrine_access::caps::{Cap, CapReached, CapScope, CapWindow};
use vitrine_access::{
    AuditEvent, AuditId, BlobKey, Decision, ModelId, Payer, RequestId, Timestamp, UsageEvent,
};

use crate::db::{Handle, Query, Row, Texts};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::finders;
use crate::usage::{UsageScope, usage_sum};
use crate::{Store, Tx, audit};

finders! {
    /// All caps in the order of their scopes, at most `limit` ([`LIST_ROWS_MAX`]). Totals are those
    /// of the window in which something was last charged.
    caps(limit: u32) -> Vec<Cap>;
    /// The caps on any of these scopes, of which the first five count.
    caps_on(scopes: &[CapScope]) -> Vec<Cap>;
}

impl Store {
    /// Sets a cap and begins its total with the sum of the usage rows of the present window; a cap
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

    /// Removes a cap; false when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_cap(&self, scope: CapScope, window: CapWindow) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM credit_cap WHERE scope = $1 AND period = $2";
        let query = Query::new(sql).bind(&scope).bind(&window);
        let removed = tx.handle.execute(query).await? == 1;
        tx.commit().await?;
        Ok(removed)
    }
}

impl Tx {
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
        let lock = Query::new(self.dialect.texts.lock_cap_table);
        self.handle.all(lock).await?;
        let window_start = window.start(now);
        let until = window.end(window_start);
        let sum = usage_sum(&mut self.handle, rows_of(scope), None, window_start, until).await?;
        let mut cap = Cap {
            scope,
            window,
            credits_max,
            used: sum.credits,
            window_start,
            noticed_percent: 0,
        };
        // What is spent already is no news to who sets a cap on it.
        let _ = cap.notices();
        let sql = "INSERT INTO credit_cap \
            (scope, period, credits_max, used, window_start, noticed_percent) \
            VALUES ($1, $2, $3, $4, $5, $6) \
            ON CONFLICT (scope, period) DO UPDATE SET credits_max = $3, used = $4, \
            window_start = $5, noticed_percent = $6";
        let query = Query::new(sql)
            .bind(&scope)
            .bind(&window)
            .bind(&credits_max)
            .bind(&cap.used)
            .bind(&window_start)
            .bind(&cap.noticed_percent);
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
    let sql = "SELECT scope, period, credits_max, used, window_start, noticed_percent \
        FROM credit_cap WHERE scope > '' ORDER BY scope, period LIMIT $1";
    let query = Query::new(sql).bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn caps_on(handle: &mut Handle, scopes: &[CapScope]) -> Result<Vec<Cap>, StoreError> {
    /// As many scopes as one charge can count for: payer, model, ticket, token and its subject.
    const SCOPES_MAX: usize = 5;
    let mut query = Query::new(
        "SELECT scope, period, credits_max, used, window_start, noticed_percent \
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
    at: Timestamp,
}

/// The caps that a transaction's charges count for, locked until it ends.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    caps: HashMap<CapScope, Vec<Cap>>,
    changed: BTreeSet<(CapScope, CapWindow)>,
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
                self.changed.insert((scope, cap.window));
                self.notices
                    .extend(reached.into_iter().map(|percent| Notice {
                        cap: cap.clone(),
                        percent,
                        model: event.model,
                        at: event.at,
                    }));
            }
        }
    }

    /// Writes the totals, and a line of the audit trail for each share that was reached.
    pub(crate) async fn write(&self, handle: &mut Handle) -> Result<(), StoreError> {
        for (scope, window) in &self.changed {
            let caps = self.caps.get(scope).into_iter().flatten();
            for cap in caps.filter(|cap| cap.window == *window) {
                let sql = "UPDATE credit_cap SET used = $3, window_start = $4, \
                    noticed_percent = $5 WHERE scope = $1 AND period = $2";
                let query = Query::new(sql)
                    .bind(&cap.scope)
                    .bind(&cap.window)
                    .bind(&cap.used)
                    .bind(&cap.window_start)
                    .bind(&cap.noticed_percent);
                handle.execute(query).await?;
            }
        }
        for notice in &self.notices {
            audit::insert(handle, &notice.line()).await?;
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
    fn line(&self) -> AuditEvent {
        let Self { cap, percent, .. } = self;
        // The ids follow from what is told, as the operator's look-up needs one and nobody asked.
        let named = format!(
            "vitrine cap notice v1 {} {} {} {percent} {}",
            cap.scope,
            cap.window.as_str(),
            cap.window_start.unix_ms(),
            self.at.unix_ms()
        );
        let mut id = [0; 16];
        id.copy_from_slice(&BlobKey::of(named.as_bytes()).as_bytes()[..16]);
        AuditEvent {
            id: AuditId::from_bytes(id),
            at: self.at,
            request: RequestId::from_bytes(id),
            actor: "vitrine".to_owned(),
            credential: cap.scope.to_string(),
            address: None,
            origin: None,
            operation: "CreditCap".to_owned(),
            model: Some(self.model),
            decision: Decision::Allowed,
            reason: format!("cap-{percent}-percent"),
            message: format!(
                "{} of {} credits per {} are used on {}; the total begins anew at {}.",
                cap.used,
                cap.credits_max,
                cap.window.as_str(),
                cap.scope,
                cap.resets_at().to_iso_ms()
            ),
            count: 1,
        }
    }
}
