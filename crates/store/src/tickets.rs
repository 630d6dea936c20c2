//! Ticket rows. The sealed ticket itself is not stored: it is made again from the row.

use vitrine_access::{AllowedDomains, ModelId, TicketId, TicketType, Timestamp};

use crate::db::{Column, Handle, Kind, Query, Row, Value};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::settings::{read_domain_lines, write_domains};
use crate::store::{finders, writers};

/// What is kept of a ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketRecord {
    /// Id, sealed into the ticket.
    pub id: TicketId,
    /// For which model.
    pub model: ModelId,
    /// Which type.
    pub kind: TicketType,
    /// Whether it is good on every origin.
    pub public: bool,
    /// Whether it is the author's.
    pub author: bool,
    /// Whether it names the model by its second id.
    pub use_id2: bool,
    /// Its own origins, beside the model's.
    pub domains: AllowedDomains,
    /// End of its life.
    pub until: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

finders! {
    /// The ticket of this id, whoever owns its model.
    ticket_unscoped(id: TicketId) -> Option<TicketRecord>;
    /// The newest plain embedding ticket of the model that is neither revoked nor over: the one that
    /// is handed out again instead of making another. Author and public tickets and tickets with
    /// origins of their own are special and never handed out.
    live_embedding_ticket(model: ModelId, now: Timestamp) -> Option<TicketRecord>;
    /// The same for back ends.
    live_backend_ticket(model: ModelId, now: Timestamp) -> Option<TicketRecord>;
    /// The author tickets of the model that open from every page of the model's list and end after
    /// `from`, but not after `until`; the longest-lived first, at most [`LIST_ROWS_MAX`].
    live_author_tickets(model: ModelId, from: Timestamp, until: Timestamp) -> Vec<TicketRecord>;
    /// Tickets of the model, revoked ones included, newest first, at most `limit`
    /// ([`LIST_ROWS_MAX`]).
    tickets(model: ModelId, limit: u32) -> Vec<TicketRecord>;
    /// How many tickets of the model are neither revoked nor over, counted no further than `limit`
    /// ([`LIST_ROWS_MAX`]).
    live_tickets_of_model(model: ModelId, now: Timestamp, limit: u32) -> u64;
    /// How many tickets are neither revoked nor over, for `keys list`.
    live_ticket_count_unscoped(now: Timestamp) -> u64;
    /// The same by the fingerprint of the master key that sealed them; `None` for tickets that do not
    /// say it.
    live_tickets_by_key(now: Timestamp) -> Vec<(Option<String>, u64)>;
}

writers! {
    /// Adds a ticket.
    insert_ticket(ticket: &TicketRecord) -> ();
    /// Notes which master key, by its fingerprint, a ticket's text was sealed with.
    note_sealing_key(id: TicketId, fingerprint: &str) -> ();
    /// Revokes a ticket; `true` for the caller that did it. Note the change in the same transaction.
    revoke_ticket(id: TicketId, at: Timestamp) -> bool;
    /// Deletes tickets that were over or revoked before an instant, at most `limit`
    /// ([`LIST_ROWS_MAX`]) of each; returns how many. Sessions, usage and the audit trail stay.
    forget_tickets(ended_before: Timestamp, limit: u32) -> u64;
}

impl Column for TicketType {
    const KIND: Kind = Kind::Text;
    fn encode(&self) -> Value {
        let word = match self {
            Self::Embedding => "embedding",
            Self::Backend => "backend",
        };
        Value::Text(Some(word.to_owned()))
    }
    fn decode(value: Value) -> Option<Self> {
        let Value::Text(Some(word)) = value else {
            return None;
        };
        match word.as_str() {
            "embedding" => Some(Self::Embedding),
            "backend" => Some(Self::Backend),
            _ => None,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, model, kind, public, author, use_id2, domains, until, created_at, \
             revoked_at FROM ticket ",
            $rest
        )
    };
}

async fn ticket_unscoped(
    handle: &mut Handle,
    id: TicketId,
) -> Result<Option<TicketRecord>, StoreError> {
    let query = Query::new(select!("WHERE id = $1")).bind(&id);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn live_embedding_ticket(
    handle: &mut Handle,
    model: ModelId,
    now: Timestamp,
) -> Result<Option<TicketRecord>, StoreError> {
    let sql = select!(
        "WHERE model = $1 AND kind = 'embedding' AND public = 0 AND author = 0 AND use_id2 = 0 \
         AND domains = '' AND revoked_at IS NULL AND until > $2 \
         ORDER BY until DESC, created_at DESC, id DESC LIMIT 1"
    );
    let query = Query::new(sql).bind(&model).bind(&now);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn live_backend_ticket(
    handle: &mut Handle,
    model: ModelId,
    now: Timestamp,
) -> Result<Option<TicketRecord>, StoreError> {
    let sql = select!(
        "WHERE model = $1 AND kind = 'backend' AND public = 0 AND author = 0 AND use_id2 = 0 \
         AND domains = '' AND revoked_at IS NULL AND until > $2 \
         ORDER BY until DESC, created_at DESC, id DESC LIMIT 1"
    );
    let query = Query::new(sql).bind(&model).bind(&now);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn live_author_tickets(
    handle: &mut Handle,
    model: ModelId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<TicketRecord>, StoreError> {
    let sql = select!(
        "WHERE model = $1 AND kind = 'embedding' AND public = 0 AND author = 1 AND use_id2 = 0 \
         AND domains = '' AND revoked_at IS NULL AND until > $2 AND until <= $3 \
         ORDER BY until DESC, created_at DESC, id DESC LIMIT $4"
    );
    let query = Query::new(sql)
        .bind(&model)
        .bind(&from)
        .bind(&until)
        .bind(&LIST_ROWS_MAX);
    handle.all(query).await?.iter().map(read).collect()
}

async fn tickets(
    handle: &mut Handle,
    model: ModelId,
    limit: u32,
) -> Result<Vec<TicketRecord>, StoreError> {
    let sql = select!("WHERE model = $1 ORDER BY created_at DESC, id DESC LIMIT $2");
    let query = Query::new(sql).bind(&model).bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn live_tickets_of_model(
    handle: &mut Handle,
    model: ModelId,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "SELECT 1 AS one FROM ticket \
        WHERE model = $1 AND until > $2 AND revoked_at IS NULL LIMIT $3";
    let query = Query::new(sql)
        .bind(&model)
        .bind(&now)
        .bind(&limit.min(LIST_ROWS_MAX));
    Ok(handle.all(query).await?.len() as u64)
}

async fn live_ticket_count_unscoped(
    handle: &mut Handle,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS live FROM ticket WHERE until > $1 AND revoked_at IS NULL";
    handle.one(Query::new(sql).bind(&now)).await?.get("live")
}

async fn live_tickets_by_key(
    handle: &mut Handle,
    now: Timestamp,
) -> Result<Vec<(Option<String>, u64)>, StoreError> {
    let sql = "SELECT sealing_key, COUNT(*) AS live FROM ticket \
        WHERE until > $1 AND revoked_at IS NULL GROUP BY sealing_key";
    handle
        .all(Query::new(sql).bind(&now))
        .await?
        .iter()
        .map(|row| Ok((row.get_option("sealing_key")?, row.get("live")?)))
        .collect()
}

async fn note_sealing_key(
    handle: &mut Handle,
    id: TicketId,
    fingerprint: &str,
) -> Result<(), StoreError> {
    let query = Query::new("UPDATE ticket SET sealing_key = $2 WHERE id = $1")
        .bind(&id)
        .bind_text(fingerprint);
    handle.execute(query).await.map(drop)
}

async fn insert_ticket(handle: &mut Handle, ticket: &TicketRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO ticket (id, model, kind, public, author, use_id2, domains, until, \
        created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let query = Query::new(sql)
        .bind(&ticket.id)
        .bind(&ticket.model)
        .bind(&ticket.kind)
        .bind(&ticket.public)
        .bind(&ticket.author)
        .bind(&ticket.use_id2)
        .bind(&write_domains(&ticket.domains))
        .bind(&ticket.until)
        .bind(&ticket.created_at)
        .bind_option(ticket.revoked_at.as_ref());
    handle.execute(query).await.map(drop)
}

async fn revoke_ticket(
    handle: &mut Handle,
    id: TicketId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE ticket SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    Ok(handle.execute(Query::new(sql).bind(&id).bind(&at)).await? == 1)
}

async fn forget_tickets(
    handle: &mut Handle,
    ended_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for sql in [
        "DELETE FROM ticket WHERE id IN (SELECT id FROM ticket \
            WHERE until < $1 AND revoked_at IS NULL ORDER BY until LIMIT $2)",
        "DELETE FROM ticket WHERE id IN (SELECT id FROM ticket \
            WHERE revoked_at < $1 ORDER BY revoked_at LIMIT $2)",
    ] {
        let query = Query::new(sql)
            .bind(&ended_before)
            .bind(&limit.min(LIST_ROWS_MAX));
        forgotten += handle.execute(query).await?;
    }
    Ok(forgotten)
}

fn read(row: &Row) -> Result<TicketRecord, StoreError> {
    let domains: String = row.get("domains")?;
    Ok(TicketRecord {
        id: row.get("id")?,
        model: row.get("model")?,
        kind: row.get("kind")?,
        public: row.get("public")?,
        author: row.get("author")?,
        use_id2: row.get("use_id2")?,
        domains: read_domain_lines(&domains)?,
        until: row.get("until")?,
        created_at: row.get("created_at")?,
        revoked_at: row.get_option("revoked_at")?,
    })
}
