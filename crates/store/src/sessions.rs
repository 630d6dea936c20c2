//! Session rows.

use vitrine_access::{
    Change, EndReason, ModelId, Session, SessionAlias, SessionHash, Timestamp, UsageEvent,
};

use crate::appender::HotWrite;
use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::{LIST_ROWS_MAX, LIVE_SESSIONS_MAX};
use crate::store::{finders, writers};
use crate::{Store, Tx, changes};

/// What a session has been doing: its hash, when it was last seen, until when its slot is paid.
pub type SessionTouch = (SessionHash, Timestamp, Timestamp);

finders! {
    /// The session of this hash, ended or not.
    session(hash: SessionHash) -> Option<Session>;
    /// The session behind the alias of an asset link, ended or not.
    session_by_alias(alias: SessionAlias) -> Option<Session>;
    /// Sessions of the model that were opened at or after an instant (`now` minus the greatest age)
    /// and not ended by anybody, newest first, at most [`LIVE_SESSIONS_MAX`]. Some may be over by
    /// idleness.
    live_sessions(model: ModelId, opened_since: Timestamp) -> Vec<Session>;
}

writers! {
    /// Deletes sessions opened before this, at most `limit` ([`LIST_ROWS_MAX`]); returns how many.
    /// Their usage stays.
    forget_sessions(opened_before: Timestamp, limit: u32) -> u64;
}

impl Store {
    /// Adds a session and what it is charged, together with others in one flush. Durable when it
    /// returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the session exists, [`StoreError::MissingReference`] when its
    /// model does not.
    pub async fn append_session(
        &self,
        session: Session,
        usage: Vec<UsageEvent>,
    ) -> Result<(), StoreError> {
        let write = HotWrite::Session(Box::new(session), usage);
        self.appender().append(write).await.map(drop)
    }

    /// Ends a session and notes the change, together with others in one flush. Durable when it
    /// returns: `true` for the one caller that ended it. A revocation also ends sessions that age or
    /// idleness had ended before, because those may still read assets for a while.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(
        &self,
        hash: SessionHash,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let outcome = self
            .appender()
            .append(HotWrite::EndSession(hash, reason, at))
            .await?;
        Ok(outcome.changed())
    }

    /// Records when sessions were last seen and until when they are paid. Times only move forward;
    /// ended and unknown sessions are passed over.
    ///
    /// # Errors
    /// When the database fails or the list is longer than [`crate::limits::APPEND_ROWS_MAX`].
    pub async fn touch_sessions(&self, touches: Vec<SessionTouch>) -> Result<(), StoreError> {
        if touches.is_empty() {
            return Ok(());
        }
        self.appender()
            .append(HotWrite::Touch(touches))
            .await
            .map(drop)
    }
}

impl Tx {
    /// See [`Store::end_session`]; durable with the transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(
        &mut self,
        hash: SessionHash,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.noted = true;
        end(&mut self.handle, hash, reason, at).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT hash, model, origin, ticket, token, subject, issuer_key, owner_user, owner_organization, \
             payer_kind, payer, class, permissions, author, opened_at, last_seen_at, paid_until, \
             ended_reason, ended_at FROM session ",
            $rest
        )
    };
}

async fn session(handle: &mut Handle, hash: SessionHash) -> Result<Option<Session>, StoreError> {
    let query = Query::new(select!("WHERE hash = $1")).bind(&hash);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn session_by_alias(
    handle: &mut Handle,
    alias: SessionAlias,
) -> Result<Option<Session>, StoreError> {
    let query = Query::new(select!("WHERE alias = $1")).bind(&alias);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn live_sessions(
    handle: &mut Handle,
    model: ModelId,
    opened_since: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let sql = select!(
        "WHERE model = $1 AND opened_at >= $2 AND ended_at IS NULL \
         ORDER BY opened_at DESC LIMIT $3"
    );
    let query = Query::new(sql)
        .bind(&model)
        .bind(&opened_since)
        .bind(&LIVE_SESSIONS_MAX);
    handle.all(query).await?.iter().map(read).collect()
}

async fn forget_sessions(
    handle: &mut Handle,
    opened_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM session WHERE hash IN (\
        SELECT hash FROM session WHERE opened_at < $1 ORDER BY opened_at LIMIT $2)";
    handle
        .execute(
            Query::new(sql)
                .bind(&opened_before)
                .bind(&limit.min(LIST_ROWS_MAX)),
        )
        .await
}

pub(crate) async fn insert(handle: &mut Handle, session: &Session) -> Result<(), StoreError> {
    let sql = "INSERT INTO session (hash, alias, model, origin, ticket, token, subject, \
        issuer_key, owner_user, owner_organization, payer_kind, payer, class, permissions, author, opened_at, \
        last_seen_at, paid_until, ended_reason, ended_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
        $19, $20)";
    let (ended_reason, ended_at) = match session.ended {
        Some((reason, at)) => (Some(reason), Some(at)),
        None => (None, None),
    };
    let query = Query::new(sql)
        .bind(&session.hash)
        .bind(&session.hash.alias())
        .bind(&session.model)
        .bind_option(session.origin.as_ref())
        .bind_option(session.ticket.as_ref())
        .bind_option(session.token.as_ref())
        .bind_option(session.subject.as_ref())
        .bind_option(session.issuer_key.as_ref())
        .bind_owner(&session.owner)
        .bind_payer(&session.payer)
        .bind(&session.class)
        .bind(&session.permissions)
        .bind(&session.author)
        .bind(&session.opened_at)
        .bind(&session.last_seen_at)
        .bind(&session.paid_until)
        .bind_option(ended_reason.as_ref())
        .bind_option(ended_at.as_ref());
    handle.execute(query).await.map(drop)
}

pub(crate) async fn end(
    handle: &mut Handle,
    hash: SessionHash,
    reason: EndReason,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE session SET ended_reason = $2, ended_at = $3 WHERE hash = $1 \
        AND (ended_at IS NULL OR ($2 = 'revoked' AND ended_reason IN ('aged', 'idle')))";
    let query = Query::new(sql).bind(&hash).bind(&reason).bind(&at);
    let ended = handle.execute(query).await? == 1;
    if ended {
        changes::note(handle, &Change::Session(hash)).await?;
    }
    Ok(ended)
}

pub(crate) async fn touch(handle: &mut Handle, touch: &SessionTouch) -> Result<(), StoreError> {
    let sql = "UPDATE session SET \
        last_seen_at = CASE WHEN last_seen_at < $2 THEN $2 ELSE last_seen_at END, \
        paid_until = CASE WHEN paid_until < $3 THEN $3 ELSE paid_until END \
        WHERE hash = $1 AND ended_at IS NULL";
    let (hash, last_seen_at, paid_until) = touch;
    let query = Query::new(sql)
        .bind(hash)
        .bind(last_seen_at)
        .bind(paid_until);
    handle.execute(query).await.map(drop)
}

fn read(row: &Row) -> Result<Session, StoreError> {
    let reason: Option<EndReason> = row.get_option("ended_reason")?;
    let at: Option<Timestamp> = row.get_option("ended_at")?;
    Ok(Session {
        hash: row.get("hash")?,
        model: row.get("model")?,
        origin: row.get_option("origin")?,
        ticket: row.get_option("ticket")?,
        token: row.get_option("token")?,
        subject: row.get_option("subject")?,
        issuer_key: row.get_option("issuer_key")?,
        owner: row.owner()?,
        payer: row.payer()?,
        class: row.get("class")?,
        permissions: row.get("permissions")?,
        author: row.get("author")?,
        opened_at: row.get("opened_at")?,
        last_seen_at: row.get("last_seen_at")?,
        paid_until: row.get("paid_until")?,
        ended: reason.zip(at),
    })
}
