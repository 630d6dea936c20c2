//! Authorization groups: named sets that a token may stand for. Their members never change.

use std::fmt::Display;
use std::str::FromStr;

use vitrine_access::{AuthGroupId, ModelId, OrganizationId, Timestamp, UserId};

use crate::db::{Handle, Query};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// An authorization group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthGroupRecord {
    /// Id.
    pub id: AuthGroupId,
    /// Models.
    pub models: Vec<ModelId>,
    /// Users.
    pub users: Vec<UserId>,
    /// Organizations.
    pub organizations: Vec<OrganizationId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is needed at least; `None` for ever.
    pub kept_until: Option<Timestamp>,
}

finders! {
    /// The group of this id.
    auth_group(id: AuthGroupId) -> Option<AuthGroupRecord>;
}

writers! {
    /// Adds a group.
    insert_auth_group(group: &AuthGroupRecord) -> ();
    /// Keeps a group that has an end until this instant, where it would have ended before. `false` when
    /// there is no such group.
    keep_auth_group(id: AuthGroupId, until: Timestamp) -> bool;
    /// Deletes groups that ended before this, at most `limit` ([`LIST_ROWS_MAX`]); returns how many.
    forget_auth_groups(ended_before: Timestamp, limit: u32) -> u64;
}

async fn auth_group(
    handle: &mut Handle,
    id: AuthGroupId,
) -> Result<Option<AuthGroupRecord>, StoreError> {
    let sql = "SELECT id, models, users, organizations, created_at, kept_until FROM auth_group \
        WHERE id = $1";
    let Some(row) = handle.optional(Query::new(sql).bind(&id)).await? else {
        return Ok(None);
    };
    Ok(Some(AuthGroupRecord {
        id: row.get("id")?,
        models: read_ids("auth_group.models", &row.get::<String>("models")?)?,
        users: read_ids("auth_group.users", &row.get::<String>("users")?)?,
        organizations: read_ids(
            "auth_group.organizations",
            &row.get::<String>("organizations")?,
        )?,
        created_at: row.get("created_at")?,
        kept_until: row.get_option("kept_until")?,
    }))
}

async fn insert_auth_group(handle: &mut Handle, group: &AuthGroupRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO auth_group (id, models, users, organizations, created_at, kept_until) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let query = Query::new(sql)
        .bind(&group.id)
        .bind(&write_ids(&group.models))
        .bind(&write_ids(&group.users))
        .bind(&write_ids(&group.organizations))
        .bind(&group.created_at)
        .bind_option(group.kept_until.as_ref());
    handle.execute(query).await.map(drop)
}

async fn keep_auth_group(
    handle: &mut Handle,
    id: AuthGroupId,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE auth_group SET kept_until = \
        CASE WHEN kept_until < $2 THEN $2 ELSE kept_until END WHERE id = $1";
    Ok(handle
        .execute(Query::new(sql).bind(&id).bind(&until))
        .await?
        == 1)
}

async fn forget_auth_groups(
    handle: &mut Handle,
    ended_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM auth_group WHERE id IN (SELECT id FROM auth_group \
        WHERE kept_until < $1 ORDER BY kept_until LIMIT $2)";
    let query = Query::new(sql)
        .bind(&ended_before)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.execute(query).await
}

/// Ids as one text column: separated by spaces, which no id contains.
fn write_ids<T: Display>(ids: &[T]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(" ")
}

fn read_ids<T: FromStr>(column: &'static str, text: &str) -> Result<Vec<T>, StoreError> {
    text.split(' ')
        .filter(|id| !id.is_empty())
        .map(|id| {
            id.parse()
                .map_err(|_| StoreError::corrupt(column, "it holds no id"))
        })
        .collect()
}
