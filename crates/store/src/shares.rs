//! Models that are shared: with users, right by right, or by a link.

use vitrine_access::{ModelId, ShareId, SharePolicy, Timestamp, UserId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// One right of one user on a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareRecord {
    /// Id.
    pub id: ShareId,
    /// On what.
    pub model: ModelId,
    /// Whose.
    pub user: UserId,
    /// What they may.
    pub policy: SharePolicy,
    /// Who gave it.
    pub provider: UserId,
    /// When.
    pub created_at: Timestamp,
}

finders! {
    /// The rights of one user on a model.
    shares_of(model: ModelId, user: UserId) -> Vec<ShareRecord>;
    /// Everybody's rights on a model, by user, at most `limit` ([`LIST_ROWS_MAX`]).
    shares_unscoped(model: ModelId, limit: u32) -> Vec<ShareRecord>;
    /// The rights that a user has, and those that they gave, in the order of their ids after `after`; at most
    /// `limit` ([`LIST_ROWS_MAX`]).
    shares_about(user: UserId, after: ShareId, limit: u32) -> Vec<ShareRecord>;
    /// The share of this id, whose ever it is: its model says who may know.
    share_unscoped(id: ShareId) -> Option<ShareRecord>;
    /// The number of the link by which a model is seen; not positive: there is none.
    model_link(model: ModelId) -> Option<i64>;
}

writers! {
    /// Gives a right; `false` when the user has it already.
    insert_share(share: &ShareRecord) -> bool;
    /// Takes a right away; `true` for the one caller that did it.
    delete_share(id: ShareId) -> bool;
    /// Sets the number of a model's link, unless somebody else changed it since it was read.
    set_model_link(model: ModelId, before: i64, after: i64) -> bool;
}

const SHARES_OF: &str = "SELECT id, model, user_id, policy, provider, created_at FROM model_share \
    WHERE model = $1 AND user_id = $2 ORDER BY policy";
const SHARES: &str = "SELECT id, model, user_id, policy, provider, created_at FROM model_share \
    WHERE model = $1 ORDER BY user_id, policy LIMIT $2";
/// One range of an index each, so that nothing is read beyond the page.
const SHARES_ABOUT: &str = "SELECT id, model, user_id, policy, provider, created_at FROM (\
        SELECT * FROM (SELECT id, model, user_id, policy, provider, created_at FROM model_share \
            WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS received \
        UNION \
        SELECT * FROM (SELECT id, model, user_id, policy, provider, created_at FROM model_share \
            WHERE provider = $1 AND id > $2 ORDER BY id LIMIT $3) AS given) AS about \
    ORDER BY id LIMIT $3";
const SHARE: &str =
    "SELECT id, model, user_id, policy, provider, created_at FROM model_share WHERE id = $1";

async fn shares_of(
    handle: &mut Handle,
    model: ModelId,
    user: UserId,
) -> Result<Vec<ShareRecord>, StoreError> {
    let query = Query::new(SHARES_OF).bind(&model).bind(&user);
    handle.all(query).await?.iter().map(read).collect()
}

async fn shares_unscoped(
    handle: &mut Handle,
    model: ModelId,
    limit: u32,
) -> Result<Vec<ShareRecord>, StoreError> {
    let query = Query::new(SHARES)
        .bind(&model)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn shares_about(
    handle: &mut Handle,
    user: UserId,
    after: ShareId,
    limit: u32,
) -> Result<Vec<ShareRecord>, StoreError> {
    let query = Query::new(SHARES_ABOUT)
        .bind(&user)
        .bind(&after)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn share_unscoped(
    handle: &mut Handle,
    id: ShareId,
) -> Result<Option<ShareRecord>, StoreError> {
    let row = handle.optional(Query::new(SHARE).bind(&id)).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<ShareRecord, StoreError> {
    Ok(ShareRecord {
        id: row.get("id")?,
        model: row.get("model")?,
        user: row.get("user_id")?,
        policy: row.get("policy")?,
        provider: row.get("provider")?,
        created_at: row.get("created_at")?,
    })
}

async fn model_link(handle: &mut Handle, model: ModelId) -> Result<Option<i64>, StoreError> {
    let query = Query::new("SELECT link_generation FROM model WHERE id = $1").bind(&model);
    let row = handle.optional(query).await?;
    row.map(|row| row.get("link_generation")).transpose()
}

async fn insert_share(handle: &mut Handle, share: &ShareRecord) -> Result<bool, StoreError> {
    let sql = "INSERT INTO model_share (id, model, user_id, policy, provider, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (model, user_id, policy) DO NOTHING";
    let query = Query::new(sql)
        .bind(&share.id)
        .bind(&share.model)
        .bind(&share.user)
        .bind(&share.policy)
        .bind(&share.provider)
        .bind(&share.created_at);
    Ok(handle.execute(query).await? == 1)
}

async fn delete_share(handle: &mut Handle, id: ShareId) -> Result<bool, StoreError> {
    let query = Query::new("DELETE FROM model_share WHERE id = $1").bind(&id);
    Ok(handle.execute(query).await? == 1)
}

async fn set_model_link(
    handle: &mut Handle,
    model: ModelId,
    before: i64,
    after: i64,
) -> Result<bool, StoreError> {
    let sql = "UPDATE model SET link_generation = $3 WHERE id = $1 AND link_generation = $2";
    let query = Query::new(sql).bind(&model).bind(&before).bind(&after);
    Ok(handle.execute(query).await? == 1)
}
