//! Passkeys: the public keys that users sign in with.

use vitrine_access::{PasskeyId, Timestamp, UserId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// A passkey of a user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRecord {
    /// Id.
    pub id: PasskeyId,
    /// Whose.
    pub user: UserId,
    /// The authenticator's id of it.
    pub credential: Vec<u8>,
    /// The public key, in COSE's form.
    pub key: Vec<u8>,
    /// How often it has signed, as far as its authenticator counts.
    pub counter: u32,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it signed in last.
    pub used_at: Option<Timestamp>,
}

finders! {
    /// The passkey of this credential, whose ever it is: its signature is the proof.
    passkey_unscoped(credential: &[u8]) -> Option<PasskeyRecord>;
    /// A user's passkeys, oldest first, at most [`LIST_ROWS_MAX`].
    passkeys(user: UserId) -> Vec<PasskeyRecord>;
}

writers! {
    /// Adds a passkey; `false` when its credential is there already.
    insert_passkey(passkey: &PasskeyRecord) -> bool;
    /// Notes that a passkey has signed, unless its counter has moved meanwhile; then `false`.
    note_passkey_used(id: PasskeyId, known: u32, counter: u32, at: Timestamp) -> bool;
    /// Takes a passkey of exactly this user's away; `false` when there is none.
    delete_passkey(user: UserId, id: PasskeyId) -> bool;
}

const PASSKEY: &str = "SELECT id, user_id, credential, public_key, counter, name, created_at, used_at \
    FROM passkey WHERE credential = $1";
const PASSKEYS: &str = "SELECT id, user_id, credential, public_key, counter, name, created_at, used_at \
    FROM passkey WHERE user_id = $1 ORDER BY created_at, id LIMIT $2";

async fn passkey_unscoped(
    handle: &mut Handle,
    credential: &[u8],
) -> Result<Option<PasskeyRecord>, StoreError> {
    let query = Query::new(PASSKEY).bind(&credential.to_vec());
    let row = handle.optional(query).await?;
    row.as_ref().map(read).transpose()
}

async fn passkeys(handle: &mut Handle, user: UserId) -> Result<Vec<PasskeyRecord>, StoreError> {
    let query = Query::new(PASSKEYS).bind(&user).bind(&LIST_ROWS_MAX);
    handle.all(query).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<PasskeyRecord, StoreError> {
    Ok(PasskeyRecord {
        id: row.get("id")?,
        user: row.get("user_id")?,
        credential: row.get("credential")?,
        key: row.get("public_key")?,
        counter: row.get("counter")?,
        name: row.get("name")?,
        created_at: row.get("created_at")?,
        used_at: row.get_option("used_at")?,
    })
}

async fn insert_passkey(handle: &mut Handle, passkey: &PasskeyRecord) -> Result<bool, StoreError> {
    let sql = "INSERT INTO passkey (id, user_id, credential, public_key, counter, name, created_at, \
        used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (credential) DO NOTHING";
    let query = Query::new(sql)
        .bind(&passkey.id)
        .bind(&passkey.user)
        .bind(&passkey.credential)
        .bind(&passkey.key)
        .bind(&passkey.counter)
        .bind(&passkey.name)
        .bind(&passkey.created_at)
        .bind_option(passkey.used_at.as_ref());
    Ok(handle.execute(query).await? == 1)
}

async fn note_passkey_used(
    handle: &mut Handle,
    id: PasskeyId,
    known: u32,
    counter: u32,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE passkey SET counter = $3, used_at = $4 WHERE id = $1 AND counter = $2";
    let query = Query::new(sql)
        .bind(&id)
        .bind(&known)
        .bind(&counter)
        .bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn delete_passkey(
    handle: &mut Handle,
    user: UserId,
    id: PasskeyId,
) -> Result<bool, StoreError> {
    let query = Query::new("DELETE FROM passkey WHERE id = $2 AND user_id = $1")
        .bind(&user)
        .bind(&id);
    Ok(handle.execute(query).await? == 1)
}
