//! Invitations into organizations, and members and organizations that go.

use vitrine_access::{InvitationId, OrganizationId, Role, SecretHash, Timestamp, UserId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// An invitation into an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Id.
    pub id: InvitationId,
    /// Where to.
    pub organization: OrganizationId,
    /// What whoever accepts becomes.
    pub role: Role,
    /// The one user that it is for, if it is for one.
    pub receiver: Option<UserId>,
    /// The address that it is for.
    pub email: Option<String>,
    /// SHA-256 of the secret in its link, if it has one.
    pub hash: Option<SecretHash>,
    /// Who invites.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was accepted, denied or withdrawn.
    pub ended_at: Option<Timestamp>,
}

finders! {
    /// The open invitations of an organization, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    invitations(organization: OrganizationId, now: Timestamp, limit: u32) -> Vec<InvitationRecord>;
    /// The open invitations for a user, newest first, at most `limit`.
    invitations_for(user: UserId, now: Timestamp, limit: u32) -> Vec<InvitationRecord>;
    /// The invitation whose link has this secret, ended or not: the secret itself is the right.
    invitation_by_hash_unscoped(hash: &SecretHash) -> Option<InvitationRecord>;
}

writers! {
    /// Adds an invitation.
    insert_invitation(invitation: &InvitationRecord) -> ();
    /// Ends an invitation of exactly this organization; `true` for the one caller that did it.
    end_invitation(organization: OrganizationId, id: InvitationId, at: Timestamp) -> bool;
    /// Ends every open invitation of an organization.
    end_invitations(organization: OrganizationId, at: Timestamp) -> u64;
    /// Holds an organization until the transaction ends, so that seats are counted by one at a time;
    /// `false` when it is gone.
    hold_organization(organization: OrganizationId) -> bool;
    /// Marks an organization as gone, and its models as their users' own; `false` when it was before.
    delete_organization(organization: OrganizationId, at: Timestamp) -> bool;
    /// Gives a user's models in an organization to another user; how many they were.
    hand_over_models(organization: OrganizationId, from: UserId, to: UserId) -> u64;
}

const INVITATIONS: &str = "SELECT id, organization, role, receiver, email, hash, created_by, \
    created_at, expires_at, ended_at FROM invitation \
    WHERE organization = $1 AND ended_at IS NULL AND expires_at > $2 \
    ORDER BY created_at DESC, id DESC LIMIT $3";
const INVITATIONS_FOR: &str = "SELECT id, organization, role, receiver, email, hash, created_by, \
    created_at, expires_at, ended_at FROM invitation \
    WHERE receiver = $1 AND ended_at IS NULL AND expires_at > $2 \
    ORDER BY created_at DESC, id DESC LIMIT $3";
const INVITATION_BY_HASH: &str = "SELECT id, organization, role, receiver, email, hash, created_by, \
    created_at, expires_at, ended_at FROM invitation WHERE hash = $1";

async fn invitations(
    handle: &mut Handle,
    organization: OrganizationId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<InvitationRecord>, StoreError> {
    let query = Query::new(INVITATIONS)
        .bind(&organization)
        .bind(&now)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn invitations_for(
    handle: &mut Handle,
    user: UserId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<InvitationRecord>, StoreError> {
    let query = Query::new(INVITATIONS_FOR)
        .bind(&user)
        .bind(&now)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn invitation_by_hash_unscoped(
    handle: &mut Handle,
    hash: &SecretHash,
) -> Result<Option<InvitationRecord>, StoreError> {
    let row = handle
        .optional(Query::new(INVITATION_BY_HASH).bind(hash))
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<InvitationRecord, StoreError> {
    Ok(InvitationRecord {
        id: row.get("id")?,
        organization: row.get("organization")?,
        role: row.get("role")?,
        receiver: row.get_option("receiver")?,
        email: row.get_option("email")?,
        hash: row.get_option("hash")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        ended_at: row.get_option("ended_at")?,
    })
}

async fn insert_invitation(
    handle: &mut Handle,
    invitation: &InvitationRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO invitation (id, organization, role, receiver, email, hash, created_by, \
        created_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let query = Query::new(sql)
        .bind(&invitation.id)
        .bind(&invitation.organization)
        .bind(&invitation.role)
        .bind_option(invitation.receiver.as_ref())
        .bind_option(invitation.email.as_ref())
        .bind_option(invitation.hash.as_ref())
        .bind(&invitation.created_by)
        .bind(&invitation.created_at)
        .bind(&invitation.expires_at)
        .bind_option(invitation.ended_at.as_ref());
    handle.execute(query).await.map(drop)
}

async fn end_invitation(
    handle: &mut Handle,
    organization: OrganizationId,
    id: InvitationId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE invitation SET ended_at = $3 \
        WHERE id = $2 AND organization = $1 AND ended_at IS NULL";
    let query = Query::new(sql).bind(&organization).bind(&id).bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn end_invitations(
    handle: &mut Handle,
    organization: OrganizationId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE invitation SET ended_at = $2 WHERE organization = $1 AND ended_at IS NULL";
    handle
        .execute(Query::new(sql).bind(&organization).bind(&at))
        .await
}

async fn hold_organization(
    handle: &mut Handle,
    organization: OrganizationId,
) -> Result<bool, StoreError> {
    // Both databases lock a row that is written.
    let sql = "UPDATE organization SET name = name WHERE id = $1 AND deleted_at IS NULL";
    Ok(handle.execute(Query::new(sql).bind(&organization)).await? == 1)
}

async fn delete_organization(
    handle: &mut Handle,
    organization: OrganizationId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE organization SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    let query = Query::new(sql).bind(&organization).bind(&at);
    if handle.execute(query).await? == 0 {
        return Ok(false);
    }
    let models = "UPDATE model SET owner_organization = NULL, revision = revision + 1 \
        WHERE owner_organization = $1";
    handle
        .execute(Query::new(models).bind(&organization))
        .await?;
    Ok(true)
}

async fn hand_over_models(
    handle: &mut Handle,
    organization: OrganizationId,
    from: UserId,
    to: UserId,
) -> Result<u64, StoreError> {
    let sql = "UPDATE model SET owner_user = $3, revision = revision + 1 \
        WHERE owner_organization = $1 AND owner_user = $2";
    let query = Query::new(sql).bind(&organization).bind(&from).bind(&to);
    handle.execute(query).await
}
