//! What accounts are told: rows that each receiver lists, reads and deletes.

use vitrine_access::{ModelId, NotificationId, OrganizationId, Timestamp, UserId};

use crate::db::{Column as _, Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::list::{Assembly, Field, FieldKind, ListQuery};
use crate::store::{finders, writers};

/// What somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRecord {
    /// Id.
    pub id: NotificationId,
    /// Who is told.
    pub receiver: UserId,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// `account`, `model`, `organization` or `sharing`.
    pub class: String,
    /// What happened, by the platform's words (`credit-limit-warning`).
    pub kind: String,
    /// The same for people.
    pub description: String,
    /// The model that it is about.
    pub model: Option<ModelId>,
    /// The organization that it is about.
    pub organization: Option<OrganizationId>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When the receiver said that they read it.
    pub read_at: Option<Timestamp>,
}

/// What conditions on notifications may name.
pub static NOTIFICATION_FIELDS: &[Field] = &[
    Field::new("id", FieldKind::Id, "id"),
    Field::new("level", FieldKind::Text, "level"),
    Field::new("class", FieldKind::Text, "class"),
    Field::new("type", FieldKind::Text, "kind"),
    Field::new("model_id", FieldKind::Id, "model"),
    Field::new("organization_id", FieldKind::Id, "organization"),
    Field::new("created_at", FieldKind::Instant, "created_at"),
    Field::new(
        "read",
        FieldKind::Switch,
        "CASE WHEN read_at IS NULL THEN 0 ELSE 1 END",
    ),
];

finders! {
    /// A page of what somebody was told, by when they were.
    notifications(receiver: UserId, query: &ListQuery) -> Vec<NotificationRecord>;
    /// One of them.
    notification(receiver: UserId, id: NotificationId) -> Option<NotificationRecord>;
    /// How many there are for somebody, and how many of them are unread.
    count_notifications(receiver: UserId) -> (u64, u64);
}

writers! {
    /// Tells somebody something; what is there already is left alone.
    insert_notification(notification: &NotificationRecord) -> ();
    /// Marks one as read, or as unread without an instant; `false` when the receiver has none of this id.
    read_notification(receiver: UserId, id: NotificationId, at: Option<Timestamp>) -> bool;
    /// Marks all as read that are not.
    read_notifications(receiver: UserId, at: Timestamp) -> ();
    /// Deletes one; `false` when the receiver has none of this id.
    delete_notification(receiver: UserId, id: NotificationId) -> bool;
    /// Forgets what is older, at most `limit` rows ([`LIST_ROWS_MAX`]); returns how many.
    forget_notifications(before: Timestamp, limit: u32) -> u64;
}

const SELECT: &str = "SELECT id, receiver, level, class, kind, description, model, organization, \
    created_at, read_at FROM notification WHERE receiver = ";

async fn notifications(
    handle: &mut Handle,
    receiver: UserId,
    query: &ListQuery,
) -> Result<Vec<NotificationRecord>, StoreError> {
    let mut sql = Assembly::new(SELECT);
    sql.value(receiver.encode());
    sql.clauses(&query.clauses).page(query, "created_at");
    handle.all(sql.finish()).await?.iter().map(read).collect()
}

async fn notification(
    handle: &mut Handle,
    receiver: UserId,
    id: NotificationId,
) -> Result<Option<NotificationRecord>, StoreError> {
    let mut sql = Assembly::new(SELECT);
    sql.value(receiver.encode());
    sql.text(" AND id = ").value(id.encode());
    let row = handle.optional(sql.finish()).await?;
    row.as_ref().map(read).transpose()
}

async fn count_notifications(
    handle: &mut Handle,
    receiver: UserId,
) -> Result<(u64, u64), StoreError> {
    // Two indexes, each of which holds all that is counted.
    let sql = "SELECT (SELECT COUNT(*) FROM notification WHERE receiver = $1) AS total, \
        (SELECT COUNT(*) FROM notification WHERE receiver = $1 AND read_at IS NULL) AS unread";
    let row = handle.one(Query::new(sql).bind(&receiver)).await?;
    Ok((row.get("total")?, row.get("unread")?))
}

pub(crate) async fn insert_notification(
    handle: &mut Handle,
    notification: &NotificationRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO notification (id, receiver, level, class, kind, description, model, \
        organization, created_at, read_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
        ON CONFLICT (id) DO NOTHING";
    let query = Query::new(sql)
        .bind(&notification.id)
        .bind(&notification.receiver)
        .bind(&notification.level)
        .bind(&notification.class)
        .bind(&notification.kind)
        .bind(&notification.description)
        .bind_option(notification.model.as_ref())
        .bind_option(notification.organization.as_ref())
        .bind(&notification.created_at)
        .bind_option(notification.read_at.as_ref());
    handle.execute(query).await.map(drop)
}

async fn read_notification(
    handle: &mut Handle,
    receiver: UserId,
    id: NotificationId,
    at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE notification SET read_at = $3 WHERE receiver = $1 AND id = $2";
    let query = Query::new(sql)
        .bind(&receiver)
        .bind(&id)
        .bind_option(at.as_ref());
    Ok(handle.execute(query).await? == 1)
}

async fn read_notifications(
    handle: &mut Handle,
    receiver: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE notification SET read_at = $2 WHERE receiver = $1 AND read_at IS NULL";
    let query = Query::new(sql).bind(&receiver).bind(&at);
    handle.execute(query).await.map(drop)
}

async fn delete_notification(
    handle: &mut Handle,
    receiver: UserId,
    id: NotificationId,
) -> Result<bool, StoreError> {
    let query = Query::new("DELETE FROM notification WHERE receiver = $1 AND id = $2")
        .bind(&receiver)
        .bind(&id);
    Ok(handle.execute(query).await? == 1)
}

async fn forget_notifications(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM notification WHERE id IN (\
        SELECT id FROM notification WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    let query = Query::new(sql)
        .bind(&before)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.execute(query).await
}

fn read(row: &Row) -> Result<NotificationRecord, StoreError> {
    Ok(NotificationRecord {
        id: row.get("id")?,
        receiver: row.get("receiver")?,
        level: row.get("level")?,
        class: row.get("class")?,
        kind: row.get("kind")?,
        description: row.get("description")?,
        model: row.get_option("model")?,
        organization: row.get_option("organization")?,
        created_at: row.get("created_at")?,
        read_at: row.get_option("read_at")?,
    })
}
