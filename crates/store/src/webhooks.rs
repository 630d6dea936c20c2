//! Where accounts want to be told things, and what is still to be sent there.

use std::time::Duration;

use vitrine_access::{DeliveryId, Payer, Timestamp, WebhookId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};
use crate::{Store, Tx};

/// A receiver of an account's.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRecord {
    /// Id.
    pub id: WebhookId,
    /// Whose.
    pub account: Payer,
    /// Where to.
    pub url: String,
    /// The secret that signs what is sent, sealed.
    pub sealed_secret: Vec<u8>,
    /// Whether anything is sent.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for WebhookRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookRecord")
            .field("id", &self.id)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Where a delivery stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for its turn, or somebody is sending it.
    Waiting,
    /// The receiver took it.
    Done,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Done, Self::Failed];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn from_storage(word: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| StoreError::corrupt("state", "unknown word"))
    }
}

/// One message to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Id; the same at every attempt.
    pub id: DeliveryId,
    /// To whom.
    pub webhook: WebhookId,
    /// What happened.
    pub kind: String,
    /// The body, byte by byte.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was taken. Also tells a sender whether it still holds the delivery.
    pub attempts: u32,
    /// When it may be sent: its turn, or the end of the lease.
    pub ready_at: Timestamp,
    /// What the receiver said last, or why it said nothing.
    pub answer: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

finders! {
    /// The receivers of an account, oldest first, at most `limit` ([`LIST_ROWS_MAX`]).
    webhooks(account: Payer, limit: u32) -> Vec<WebhookRecord>;
    /// The receiver of this id, whoever's it is.
    webhook_unscoped(id: WebhookId) -> Option<WebhookRecord>;
    /// What was and will be sent to a receiver, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    deliveries(webhook: WebhookId, limit: u32) -> Vec<DeliveryRecord>;
}

writers! {
    /// Adds a receiver.
    insert_webhook(webhook: &WebhookRecord) -> ();
    /// Changes address, secret, switch and instant of a receiver; `false` when there is none of this id.
    update_webhook(webhook: &WebhookRecord) -> bool;
    /// Switches a receiver off that is still as it was read; `false` when somebody changed it meanwhile.
    switch_off_webhook(webhook: &WebhookRecord, now: Timestamp) -> bool;
    /// Deletes a receiver and all that was to be sent to it.
    delete_webhook(id: WebhookId) -> bool;
    /// Adds a message to be sent; what is there already is left alone.
    insert_delivery(delivery: &DeliveryRecord) -> ();
    /// Records an attempt of a delivery that this caller took and still holds (else `false`).
    note_delivery(delivery: &DeliveryRecord, state: DeliveryState, ready_at: Timestamp, answer: &str)
        -> bool;
    /// Gives a delivery back that was taken and not tried, until its turn comes again.
    return_delivery(delivery: &DeliveryRecord, ready_at: Timestamp) -> bool;
    /// Forgets what was sent or given up before, at most `limit` rows ([`LIST_ROWS_MAX`]); returns how many.
    forget_deliveries(before: Timestamp, limit: u32) -> u64;
}

impl Store {
    /// Takes the oldest deliveries whose turn it is, for `lease` at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let mut tx = self.begin().await?;
        let taken = tx.take_deliveries(now, lease, limit).await?;
        tx.commit().await?;
        Ok(taken)
    }
}

impl Tx {
    /// See [`Store::take_deliveries`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_deliveries(
        &mut self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let query = Query::new(self.dialect.texts.take_deliveries)
            .bind(&now)
            .bind(&now.plus(lease))
            .bind(&limit.min(LIST_ROWS_MAX));
        let rows = self.handle.all(query).await?;
        rows.iter().map(read_delivery).collect()
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, payer_kind, payer, url, secret, active, created_at, updated_at FROM webhook ",
            $rest
        )
    };
}

pub(crate) async fn webhooks(
    handle: &mut Handle,
    account: Payer,
    limit: u32,
) -> Result<Vec<WebhookRecord>, StoreError> {
    let sql = select!("WHERE payer_kind = $1 AND payer = $2 ORDER BY created_at, id LIMIT $3");
    let query = Query::new(sql)
        .bind_payer(&account)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn webhook_unscoped(
    handle: &mut Handle,
    id: WebhookId,
) -> Result<Option<WebhookRecord>, StoreError> {
    let query = Query::new(select!("WHERE id = $1")).bind(&id);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

async fn deliveries(
    handle: &mut Handle,
    webhook: WebhookId,
    limit: u32,
) -> Result<Vec<DeliveryRecord>, StoreError> {
    let sql = "SELECT id, webhook, kind, body, state, attempts, ready_at, answer, created_at \
        FROM webhook_delivery WHERE webhook = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
    let query = Query::new(sql)
        .bind(&webhook)
        .bind(&limit.min(LIST_ROWS_MAX));
    let rows = handle.all(query).await?;
    rows.iter().map(read_delivery).collect()
}

async fn insert_webhook(handle: &mut Handle, webhook: &WebhookRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook (id, payer_kind, payer, url, secret, active, created_at, \
        updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let query = Query::new(sql)
        .bind(&webhook.id)
        .bind_payer(&webhook.account)
        .bind(&webhook.url)
        .bind(&webhook.sealed_secret)
        .bind(&webhook.active)
        .bind(&webhook.created_at)
        .bind(&webhook.updated_at);
    handle.execute(query).await.map(drop)
}

async fn update_webhook(handle: &mut Handle, webhook: &WebhookRecord) -> Result<bool, StoreError> {
    let sql =
        "UPDATE webhook SET url = $2, secret = $3, active = $4, updated_at = $5 WHERE id = $1";
    let query = Query::new(sql)
        .bind(&webhook.id)
        .bind(&webhook.url)
        .bind(&webhook.sealed_secret)
        .bind(&webhook.active)
        .bind(&webhook.updated_at);
    Ok(handle.execute(query).await? == 1)
}

async fn switch_off_webhook(
    handle: &mut Handle,
    webhook: &WebhookRecord,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook SET active = $5, updated_at = $6 \
        WHERE id = $1 AND url = $2 AND secret = $3 AND updated_at = $4";
    let query = Query::new(sql)
        .bind(&webhook.id)
        .bind(&webhook.url)
        .bind(&webhook.sealed_secret)
        .bind(&webhook.updated_at)
        .bind(&false)
        .bind(&now);
    Ok(handle.execute(query).await? == 1)
}

async fn delete_webhook(handle: &mut Handle, id: WebhookId) -> Result<bool, StoreError> {
    let unsent = Query::new("DELETE FROM webhook_delivery WHERE webhook = $1").bind(&id);
    handle.execute(unsent).await?;
    let query = Query::new("DELETE FROM webhook WHERE id = $1").bind(&id);
    Ok(handle.execute(query).await? == 1)
}

pub(crate) async fn insert_delivery(
    handle: &mut Handle,
    delivery: &DeliveryRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook_delivery (id, webhook, kind, body, state, attempts, ready_at, \
        answer, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    let query = Query::new(sql)
        .bind(&delivery.id)
        .bind(&delivery.webhook)
        .bind(&delivery.kind)
        .bind(&delivery.body)
        .bind_text(delivery.state.as_str())
        .bind(&delivery.attempts)
        .bind(&delivery.ready_at)
        .bind_option(delivery.answer.as_ref())
        .bind(&delivery.created_at);
    handle.execute(query).await.map(drop)
}

async fn note_delivery(
    handle: &mut Handle,
    delivery: &DeliveryRecord,
    state: DeliveryState,
    ready_at: Timestamp,
    answer: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook_delivery SET state = $3, ready_at = $4, answer = $5 \
        WHERE id = $1 AND attempts = $2 AND state = 'waiting'";
    let query = Query::new(sql)
        .bind(&delivery.id)
        .bind(&delivery.attempts)
        .bind_text(state.as_str())
        .bind(&ready_at)
        .bind_text(answer);
    Ok(handle.execute(query).await? == 1)
}

async fn return_delivery(
    handle: &mut Handle,
    delivery: &DeliveryRecord,
    ready_at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook_delivery SET attempts = attempts - 1, ready_at = $3 \
        WHERE id = $1 AND attempts = $2 AND state = 'waiting'";
    let query = Query::new(sql)
        .bind(&delivery.id)
        .bind(&delivery.attempts)
        .bind(&ready_at);
    Ok(handle.execute(query).await? == 1)
}

async fn forget_deliveries(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM webhook_delivery WHERE state <> 'waiting' AND id IN (\
        SELECT id FROM webhook_delivery WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    let query = Query::new(sql)
        .bind(&before)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.execute(query).await
}

fn read(row: &Row) -> Result<WebhookRecord, StoreError> {
    Ok(WebhookRecord {
        id: row.get("id")?,
        account: row.payer()?,
        url: row.get("url")?,
        sealed_secret: row.get("secret")?,
        active: row.get("active")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn read_delivery(row: &Row) -> Result<DeliveryRecord, StoreError> {
    let state: String = row.get("state")?;
    Ok(DeliveryRecord {
        id: row.get("id")?,
        webhook: row.get("webhook")?,
        kind: row.get("kind")?,
        body: row.get("body")?,
        state: DeliveryState::from_storage(&state)?,
        attempts: row.get("attempts")?,
        ready_at: row.get("ready_at")?,
        answer: row.get_option("answer")?,
        created_at: row.get("created_at")?,
    })
}
