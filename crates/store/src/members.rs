//! Who belongs to which organization, and what accounts set for all their models.

use vitrine_access::{AllowedDomains, OrganizationId, Plan, Role, UserId};

use crate::db::{Handle, Query};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::settings::write_domains;
use crate::store::{finders, writers};
use crate::{UserRecord, accounts};

/// Where a user belongs, and what they are there.
pub type Membership = (OrganizationId, Role);

finders! {
    /// The members of an organization, oldest id first, at most `limit` ([`LIST_ROWS_MAX`]).
    members(organization: OrganizationId, limit: u32) -> Vec<UserRecord>;
}

writers! {
    /// Makes a user a member, changes what they are, or takes them out; `false` when there is no such user.
    set_member(user: UserId, member: Option<Membership>) -> bool;
    /// Sets the domains that may embed a user's models; `false` when there is no such user. Note the change
    /// in the same transaction.
    set_user_domains(user: UserId, domains: &AllowedDomains) -> bool;
    /// The same for an organization.
    set_organization_domains(organization: OrganizationId, domains: &AllowedDomains) -> bool;
    /// Sets a user's plan; `false` when there is no such user.
    set_user_plan(user: UserId, plan: &Plan) -> bool;
    /// The same for an organization.
    set_organization_plan(organization: OrganizationId, plan: &Plan) -> bool;
    /// Sets a user's display name.
    set_user_name(user: UserId, name: &str) -> bool;
}

async fn members(
    handle: &mut Handle,
    organization: OrganizationId,
    limit: u32,
) -> Result<Vec<UserRecord>, StoreError> {
    let query = Query::new(accounts::MEMBERS)
        .bind(&organization)
        .bind(&limit.min(LIST_ROWS_MAX));
    let rows = handle.all(query).await?;
    rows.iter().map(accounts::read_user).collect()
}

async fn set_member(
    handle: &mut Handle,
    user: UserId,
    member: Option<Membership>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE user_account SET organization = $2, organization_role = $3 WHERE id = $1";
    let (organization, role) = member.unzip();
    let query = Query::new(sql)
        .bind(&user)
        .bind_option(organization.as_ref())
        .bind_option(role.as_ref());
    Ok(handle.execute(query).await? == 1)
}

async fn set_user_domains(
    handle: &mut Handle,
    user: UserId,
    domains: &AllowedDomains,
) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET domains = $2 WHERE id = $1")
        .bind(&user)
        .bind(&write_domains(domains));
    Ok(handle.execute(query).await? == 1)
}

async fn set_organization_domains(
    handle: &mut Handle,
    organization: OrganizationId,
    domains: &AllowedDomains,
) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE organization SET domains = $2 WHERE id = $1")
        .bind(&organization)
        .bind(&write_domains(domains));
    Ok(handle.execute(query).await? == 1)
}

async fn set_user_name(handle: &mut Handle, user: UserId, name: &str) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET name = $2 WHERE id = $1")
        .bind(&user)
        .bind_text(name);
    Ok(handle.execute(query).await? == 1)
}

async fn set_user_plan(handle: &mut Handle, user: UserId, plan: &Plan) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET plan = $2 WHERE id = $1")
        .bind(&user)
        .bind_text(plan.name);
    Ok(handle.execute(query).await? == 1)
}

async fn set_organization_plan(
    handle: &mut Handle,
    organization: OrganizationId,
    plan: &Plan,
) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE organization SET plan = $2 WHERE id = $1")
        .bind(&organization)
        .bind_text(plan.name);
    Ok(handle.execute(query).await? == 1)
}
