//! Authorization groups: named sets that a token may stand for. They never change.

use std::fmt::Display;
use std::str::FromStr;

use vitrine_access::{AuthGroupId, ModelId, OrganizationId, Timestamp, UserId};

use crate::db::{Handle, Query};
use crate::error::StoreError;
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
}

finders! {
    /// The group of this id.
    auth_group(id: AuthGroupId) -> Option<AuthGroupRecord>;
}

writers! {
    /// Adds a group.
    insert_auth_group(group: &AuthGroupRecord) -> ();
}

async fn auth_group(
    handle: &mut Handle,
    id: AuthGroupId,
) -> Result<Option<AuthGroupRecord>, StoreError> {
    let sql = "SELECT id, models, users, organizations, created_at FROM auth_group WHERE id = $1";
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
    }))
}

async fn insert_auth_group(handle: &mut Handle, group: &AuthGroupRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO auth_group (id, models, users, organizations, created_at) \
        VALUES ($1, $2, $3, $4, $5)";
    let query = Query::new(sql)
        .bind(&group.id)
        .bind(&write_ids(&group.models))
        .bind(&write_ids(&group.users))
        .bind(&write_ids(&group.organizations))
        .bind(&group.created_at);
    handle.execute(query).await.map(drop)
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
