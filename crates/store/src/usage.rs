//! Usage rows: what is charged to whom. Totals are sums of rows.

use vitrine_access::{
    ModelId, Payer, SessionHash, Subject, TicketId, Timestamp, TokenId, UsageEvent, UsageId,
    UsageKind,
};

use crate::appender::HotWrite;
use crate::caps::Ledger;
use crate::db::{Column as _, Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::list::Assembly;
use crate::metrics::{MetricScope, restrict};
use crate::store::finders;
use crate::{Store, Tx};

/// Whose usage is added up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum UsageScope {
    /// All that this account pays.
    Payer(Payer),
    /// All of this model, whoever pays.
    Model(ModelId),
    /// All that this ticket caused.
    Ticket(TicketId),
    /// All that this access token caused.
    Token(TokenId),
    /// All that access tokens of this subject caused.
    Subject(Subject),
    /// All of this session.
    Session(SessionHash),
}

/// A place in a list of usage rows.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct UsageCursor {
    /// When the last one seen happened.
    pub at: Timestamp,
    /// Its id.
    pub id: UsageId,
}

/// A sum of usage rows.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageSum {
    /// Rows.
    pub events: u64,
    /// Credits.
    pub credits: u64,
    /// Counted things.
    pub count: u64,
    /// Milliseconds of work.
    pub duration_ms: u64,
}

finders! {
    /// Adds up the rows of the scope with `from <= at < until`, of one kind or all.
    usage_sum(scope: UsageScope, kind: Option<UsageKind>, from: Timestamp, until: Timestamp)
        -> UsageSum;
    /// The rows of one session, oldest first, at most `limit` ([`LIST_ROWS_MAX`]).
    usage_of_session(session: SessionHash, limit: u32) -> Vec<UsageEvent>;
    /// The rows of a scope that happened within an interval (`from <= at < until`), oldest first, at most
    /// `limit` ([`LIST_ROWS_MAX`]).
    usage_page(scope: MetricScope, interval: (Timestamp, Timestamp), after: Option<UsageCursor>,
        limit: u32) -> Vec<UsageEvent>;
    /// When a session of the model was last charged for.
    last_session_charged(model: ModelId) -> Option<Timestamp>;
    /// The row of this id, whoever pays.
    usage_unscoped(id: UsageId) -> Option<UsageEvent>;
}

impl Store {
    /// Adds charges, together with others in one flush. Durable when it returns; a row whose id is
    /// there already is passed over, so that nobody is charged twice.
    ///
    /// # Errors
    /// [`StoreError::CapReached`] when the charges do not fit under a cap; then nothing was written.
    ///
    /// When the database fails or the list is longer than [`crate::limits::APPEND_ROWS_MAX`].
    pub async fn append_usage(&self, usage: Vec<UsageEvent>) -> Result<(), StoreError> {
        if usage.is_empty() {
            return Ok(());
        }
        self.appender()
            .append(HotWrite::Usage(usage))
            .await
            .map(drop)
    }
}

impl Tx {
    /// See [`Store::append_usage`]; durable with the transaction, and counted whatever caps say.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append_usage(&mut self, usage: &[UsageEvent]) -> Result<(), StoreError> {
        let texts = &self.dialect.texts;
        let mut ledger = Ledger::open(&mut self.handle, texts, usage.iter()).await?;
        charge(&mut self.handle, &mut ledger, usage).await?;
        ledger.write(&mut self.handle).await
    }
}

/// A sum over the rows that `$rest` selects; `$1` is the kind or null, `$2` and `$3` the interval.
macro_rules! sum {
    ($rest:literal) => {
        concat!(
            "SELECT COUNT(*) AS events, CAST(COALESCE(SUM(credits), 0) AS BIGINT) AS credits, \
             CAST(COALESCE(SUM(count), 0) AS BIGINT) AS count, \
             CAST(COALESCE(SUM(duration_ms), 0) AS BIGINT) AS duration_ms FROM usage_event \
             WHERE kind = COALESCE($1, kind) AND at >= $2 AND at < $3 AND ",
            $rest
        )
    };
}

pub(crate) async fn usage_sum(
    handle: &mut Handle,
    scope: UsageScope,
    kind: Option<UsageKind>,
    from: Timestamp,
    until: Timestamp,
) -> Result<UsageSum, StoreError> {
    let sql = match scope {
        UsageScope::Payer(_) => sum!("payer_kind = $4 AND payer = $5"),
        UsageScope::Model(_) => sum!("model = $4"),
        UsageScope::Ticket(_) => sum!("ticket = $4"),
        UsageScope::Token(_) => sum!("token = $4"),
        UsageScope::Subject(_) => sum!("subject = $4"),
        UsageScope::Session(_) => sum!("session = $4"),
    };
    let query = Query::new(sql)
        .bind_option(kind.as_ref())
        .bind(&from)
        .bind(&until);
    let query = match scope {
        UsageScope::Payer(payer) => query.bind_payer(&payer),
        UsageScope::Model(model) => query.bind(&model),
        UsageScope::Ticket(ticket) => query.bind(&ticket),
        UsageScope::Token(token) => query.bind(&token),
        UsageScope::Subject(subject) => query.bind(&subject),
        UsageScope::Session(session) => query.bind(&session),
    };
    let row = handle.one(query).await?;
    Ok(UsageSum {
        events: row.get("events")?,
        credits: row.get("credits")?,
        count: row.get("count")?,
        duration_ms: row.get("duration_ms")?,
    })
}

async fn usage_of_session(
    handle: &mut Handle,
    session: SessionHash,
    limit: u32,
) -> Result<Vec<UsageEvent>, StoreError> {
    let sql = "SELECT id, kind, credits, count, duration_ms, owner_user, owner_organization, \
        payer_kind, payer, model, ticket, token, subject, session, class, at FROM usage_event \
        WHERE session = $1 ORDER BY at LIMIT $2";
    let query = Query::new(sql)
        .bind(&session)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn usage_page(
    handle: &mut Handle,
    scope: MetricScope,
    (from, until): (Timestamp, Timestamp),
    after: Option<UsageCursor>,
    limit: u32,
) -> Result<Vec<UsageEvent>, StoreError> {
    let mut sql = Assembly::new(
        "SELECT id, kind, credits, count, duration_ms, owner_user, owner_organization, \
         payer_kind, payer, model, ticket, token, subject, session, class, at FROM usage_event \
         WHERE at < ",
    );
    sql.value(until.encode());
    let from = after.map_or(from, |after| after.at.max(from));
    sql.text(" AND at >= ").value(from.encode());
    if let Some(after) = after {
        sql.text(" AND (at, id) > (").value(after.at.encode());
        sql.text(", ").value(after.id.encode()).text(")");
    }
    restrict(&mut sql, scope);
    sql.text(" ORDER BY at, id LIMIT ");
    sql.value(limit.min(LIST_ROWS_MAX).encode());
    handle.all(sql.finish()).await?.iter().map(read).collect()
}

async fn last_session_charged(
    handle: &mut Handle,
    model: ModelId,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT at FROM usage_event WHERE model = $1 AND kind = 'session' \
        ORDER BY at DESC LIMIT 1";
    let row = handle.optional(Query::new(sql).bind(&model)).await?;
    row.map(|row| row.get("at")).transpose()
}

async fn usage_unscoped(
    handle: &mut Handle,
    id: UsageId,
) -> Result<Option<UsageEvent>, StoreError> {
    let sql = "SELECT id, kind, credits, count, duration_ms, owner_user, owner_organization, \
        payer_kind, payer, model, ticket, token, subject, session, class, at FROM usage_event \
        WHERE id = $1";
    handle
        .optional(Query::new(sql).bind(&id))
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Adds charges and counts those that were not there yet.
pub(crate) async fn charge(
    handle: &mut Handle,
    ledger: &mut Ledger,
    usage: &[UsageEvent],
) -> Result<(), StoreError> {
    for event in usage {
        if insert(handle, event).await? {
            ledger.count(event);
        }
    }
    Ok(())
}

/// False when the row was there already.
async fn insert(handle: &mut Handle, event: &UsageEvent) -> Result<bool, StoreError> {
    let sql = "INSERT INTO usage_event (id, kind, credits, count, duration_ms, owner_user, \
        owner_organization, payer_kind, payer, model, ticket, token, subject, session, class, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
        ON CONFLICT (id) DO NOTHING";
    let query = Query::new(sql)
        .bind(&event.id)
        .bind(&event.kind)
        .bind(&event.credits)
        .bind(&event.count)
        .bind(&event.duration_ms)
        .bind_owner(&event.owner)
        .bind_payer(&event.payer)
        .bind(&event.model)
        .bind_option(event.ticket.as_ref())
        .bind_option(event.token.as_ref())
        .bind_option(event.subject.as_ref())
        .bind_option(event.session.as_ref())
        .bind(&event.class)
        .bind(&event.at);
    Ok(handle.execute(query).await? == 1)
}

fn read(row: &Row) -> Result<UsageEvent, StoreError> {
    Ok(UsageEvent {
        id: row.get("id")?,
        kind: row.get("kind")?,
        credits: row.get("credits")?,
        count: row.get("count")?,
        duration_ms: row.get("duration_ms")?,
        owner: row.owner()?,
        payer: row.payer()?,
        model: row.get("model")?,
        ticket: row.get_option("ticket")?,
        token: row.get_option("token")?,
        subject: row.get_option("subject")?,
        session: row.get_option("session")?,
        class: row.get("class")?,
        at: row.get("at")?,
    })
}
