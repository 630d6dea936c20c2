//! Second factors of sign-ins by password: secrets of authenticator programs, and recovery codes.

use vitrine_access::{SecretHash, Timestamp, UserId};

use crate::db::{Handle, Query};
use crate::error::StoreError;
use crate::store::{finders, writers};

/// What an authenticator program of a user's shares with us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactorRecord {
    /// Whose.
    pub user: UserId,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on sign-ins ask for it.
    pub confirmed_at: Option<Timestamp>,
    /// The newest step of time whose code was used.
    pub last_step: u64,
}

finders! {
    /// A user's second factor, confirmed or not.
    second_factor(user: UserId) -> Option<SecondFactorRecord>;
    /// How many recovery codes a user has left.
    recovery_codes_left(user: UserId) -> u64;
}

writers! {
    /// Puts a new secret in the place of one that was not confirmed; `false` when one is.
    begin_second_factor(factor: &SecondFactorRecord) -> bool;
    /// Confirms the secret by its first code; `true` for the one caller that did it.
    confirm_second_factor(user: UserId, step: u64, at: Timestamp) -> bool;
    /// Uses up the code of a step; `false` when it or a later one was used before.
    take_second_factor_step(user: UserId, step: u64) -> bool;
    /// Takes a user's second factor and its recovery codes away; `false` when there is none.
    delete_second_factor(user: UserId) -> bool;
    /// Puts new recovery codes in the place of all that a user had.
    set_recovery_codes(user: UserId, codes: &[SecretHash]) -> ();
    /// Uses a recovery code of exactly this user's up; `true` for the one caller that did it.
    use_recovery_code(user: UserId, code: &SecretHash, at: Timestamp) -> bool;
}

async fn second_factor(
    handle: &mut Handle,
    user: UserId,
) -> Result<Option<SecondFactorRecord>, StoreError> {
    let sql = "SELECT user_id, sealed, created_at, confirmed_at, last_step FROM second_factor \
        WHERE user_id = $1";
    let Some(row) = handle.optional(Query::new(sql).bind(&user)).await? else {
        return Ok(None);
    };
    Ok(Some(SecondFactorRecord {
        user: row.get("user_id")?,
        sealed: row.get("sealed")?,
        created_at: row.get("created_at")?,
        confirmed_at: row.get_option("confirmed_at")?,
        last_step: row.get("last_step")?,
    }))
}

async fn recovery_codes_left(handle: &mut Handle, user: UserId) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS codes FROM recovery_code WHERE user_id = $1 AND used_at IS NULL";
    handle.one(Query::new(sql).bind(&user)).await?.get("codes")
}

async fn begin_second_factor(
    handle: &mut Handle,
    factor: &SecondFactorRecord,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO second_factor (user_id, sealed, created_at, confirmed_at, last_step) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, \
        created_at = excluded.created_at, last_step = excluded.last_step \
        WHERE second_factor.confirmed_at IS NULL";
    let query = Query::new(sql)
        .bind(&factor.user)
        .bind(&factor.sealed)
        .bind(&factor.created_at)
        .bind_option(factor.confirmed_at.as_ref())
        .bind(&factor.last_step);
    Ok(handle.execute(query).await? == 1)
}

async fn confirm_second_factor(
    handle: &mut Handle,
    user: UserId,
    step: u64,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE second_factor SET confirmed_at = $3, last_step = $2 \
        WHERE user_id = $1 AND confirmed_at IS NULL";
    let query = Query::new(sql).bind(&user).bind(&step).bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn take_second_factor_step(
    handle: &mut Handle,
    user: UserId,
    step: u64,
) -> Result<bool, StoreError> {
    let sql = "UPDATE second_factor SET last_step = $2 \
        WHERE user_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2";
    let query = Query::new(sql).bind(&user).bind(&step);
    Ok(handle.execute(query).await? == 1)
}

async fn delete_second_factor(handle: &mut Handle, user: UserId) -> Result<bool, StoreError> {
    let codes = Query::new("DELETE FROM recovery_code WHERE user_id = $1").bind(&user);
    handle.execute(codes).await?;
    let factor = Query::new("DELETE FROM second_factor WHERE user_id = $1").bind(&user);
    Ok(handle.execute(factor).await? == 1)
}

async fn set_recovery_codes(
    handle: &mut Handle,
    user: UserId,
    codes: &[SecretHash],
) -> Result<(), StoreError> {
    let old = Query::new("DELETE FROM recovery_code WHERE user_id = $1").bind(&user);
    handle.execute(old).await?;
    for code in codes {
        let query = Query::new("INSERT INTO recovery_code (hash, user_id) VALUES ($1, $2)")
            .bind(code)
            .bind(&user);
        handle.execute(query).await?;
    }
    Ok(())
}

async fn use_recovery_code(
    handle: &mut Handle,
    user: UserId,
    code: &SecretHash,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE recovery_code SET used_at = $3 \
        WHERE hash = $2 AND user_id = $1 AND used_at IS NULL";
    let query = Query::new(sql).bind(&user).bind(code).bind(&at);
    Ok(handle.execute(query).await? == 1)
}
