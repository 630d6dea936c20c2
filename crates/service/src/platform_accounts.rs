//! What accounts change of themselves: names, passwords, domains, access keys, organizations and their
//! members.

use std::time::Duration;
use vitrine_access::caps::{CapScope, CapWindow};

use vitrine_access::change::Change;
use vitrine_access::ids::{AccessKeyId, OrganizationId, UserId};
use vitrine_access::limits::PASSWORD_BYTES_MAX;
use vitrine_access::network::Network;
use vitrine_access::owner::{Owner, Payer};
use vitrine_access::permissions::{ACCOUNT_SCOPES, EVERY_SCOPE};
use vitrine_access::plan::{Feature, Limit, Plan, UNLIMITED};
use vitrine_access::platform::Role;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::{AccessKeyKind, ApiKey};
use vitrine_access::time::Timestamp;
use vitrine_store::{AccessKeyRecord, OrganizationRecord, UserRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::model_patch::domains;
use crate::platform::{NewKey, PlatformAccess, alone, check_label};
use crate::who::refuse;

/// Characters of a name, as for models.
const NAME_CHARS_MAX: usize = 200;
const NAME_CHARS_MIN: usize = 5;
/// Members of an organization that are listed.
const MEMBERS_LISTED_MAX: u32 = 1_000;

/// Networks of one access key.
const NETWORKS_MAX: usize = 20;
/// How long a replaced key may stay good.
const KEY_OVERLAP_MAX: Duration = Duration::from_hours(30 * 24);

/// What an account changes of itself; `None` leaves a member as it is.
#[derive(Default)]
pub struct UserPatch {
    /// Display name.
    pub name: Option<String>,
    /// Domains that may embed those of its models that say so.
    pub domains: Option<Vec<String>>,
    /// Whether all its models demand tokens.
    pub force_require_token: Option<bool>,
    /// The present password and the new one.
    pub password: Option<(String, String)>,
}

/// What changes of an organization; `None` leaves a member as it is.
#[derive(Default)]
pub struct OrganizationPatch {
    /// Domains that may embed those of its models that say so.
    pub domains: Option<Vec<String>>,
    /// Whether all its models demand tokens.
    pub force_require_token: Option<bool>,
}

/// The stored form of networks.
///
/// # Errors
/// `RequestInvalid` naming the one that is none.
pub fn checked_networks(networks: &[String]) -> Result<String> {
    if networks.len() > NETWORKS_MAX {
        return Err(invalid(format!(
            "'networks' has at most {NETWORKS_MAX} entries."
        )));
    }
    let wrong = networks.iter().find(|text| Network::parse(text).is_none());
    match wrong {
        Some(wrong) => Err(invalid(format!(
            "'networks': {:?} is no range of addresses, as 192.0.2.0/24 or 2001:db8::/32.",
            wrong.chars().take(60).collect::<String>()
        ))),
        None => Ok(networks.join(" ")),
    }
}

/// Whose plan counts for somebody.
fn alone_or_member(user: &UserRecord) -> Owner {
    Owner {
        user: user.id,
        organization: user.member.map(|(id, _)| id),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::RequestInvalid, message)
}

fn unknown(what: &str) -> Error {
    Error::new(
        ErrorKind::EntityUnknown,
        format!("There is no such {what}, as far as this account may know."),
    )
}

impl Services {
    /// Changes the account that asks, and notes it. A new password ends every other sign-in, and what was given
    /// out to any of them.
    ///
    /// # Errors
    /// `RequestInvalid` naming the member; `PasswordInvalid` when the present password is wrong.
    pub async fn platform_update_user(
        &self,
        access: &PlatformAccess,
        patch: UserPatch,
    ) -> Result<UserRecord> {
        let user = &access.user;
        if patch
            .name
            .as_ref()
            .is_some_and(|name| name.chars().count() > NAME_CHARS_MAX)
        {
            return Err(invalid(format!(
                "'username' has at most {NAME_CHARS_MAX} characters."
            )));
        }
        let allowed = patch.domains.as_deref().map(domains).transpose()?;
        if let Some(allowed) = &allowed {
            user.plan.check_domains(allowed)?;
        }
        let password = match &patch.password {
            None => None,
            Some((old, new)) => Some(self.new_password(access, old, new).await?),
        };
        let mut changes = vec![Change::Account(alone(user.id))];
        let mut tx = self.inner.store.begin().await?;
        if let Some(name) = &patch.name {
            tx.set_user_name(user.id, name).await?;
        }
        if let Some(hash) = &password {
            tx.set_password(user.id, hash).await?;
            tx.end_sign_ins_but(user.id, Some(access.sign_in), self.now())
                .await?;
            changes.push(self.withdraw_from(&mut tx, user.id).await?);
        }
        if let Some(allowed) = &allowed {
            tx.set_user_domains(user.id, allowed).await?;
        }
        if let Some(on) = patch.force_require_token {
            tx.force_token_of_user(user.id, on).await?;
        }
        tx.note_change(&changes[0]).await?;
        tx.commit().await?;
        for change in &changes {
            self.apply_change(change).await?;
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        self.inner
            .store
            .user(user.id)
            .await?
            .ok_or_else(|| unknown("user"))
    }

    async fn new_password(
        &self,
        access: &PlatformAccess,
        old: &str,
        new: &str,
    ) -> Result<vitrine_store::PasswordHash> {
        if new.len() > PASSWORD_BYTES_MAX {
            return Err(invalid("'new_password' is too long."));
        }
        self.limit_sign_in(&access.user.id.to_string(), &access.caller)?;
        let present = self.inner.store.password_of(access.user.id).await?;
        if !self.inner.passwords.verify(old, present).await? {
            let wrong = refuse(
                RefusalKind::PasswordInvalid,
                "The present password is wrong.",
            );
            return self.audited_as(
                access.operation,
                &access.caller,
                &access.actor(),
                Err(wrong),
            );
        }
        self.inner.passwords.hash(new, &*self.inner.entropy).await
    }

    /// The organization, for its members.
    ///
    /// # Errors
    /// `EntityUnknown` for everybody else.
    pub async fn platform_organization(
        &self,
        access: &PlatformAccess,
        id: OrganizationId,
        at_least: Role,
    ) -> Result<(OrganizationRecord, Role)> {
        let found = async {
            let role = match access.user.member {
                Some((own, role)) if own == id => role,
                _ => return Err(unknown("organization")),
            };
            if role < at_least {
                return Err(refuse(
                    RefusalKind::PermissionMissing,
                    format!(
                        "This takes the role {} in the organization.",
                        at_least.as_str()
                    ),
                ));
            }
            let found = self.inner.store.organization(id).await?;
            Ok((found.ok_or_else(|| unknown("organization"))?, role))
        };
        let found = found.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), found)
    }

    /// An organization, for operators.
    ///
    /// # Errors
    /// Database failures.
    pub async fn organization_unscoped(
        &self,
        id: OrganizationId,
    ) -> Result<Option<OrganizationRecord>> {
        Ok(self.inner.store.organization(id).await?)
    }

    /// Makes an organization whose owner is the account that asks.
    ///
    /// # Errors
    /// `RequestInvalid` for a name that is too short, or when the account belongs to one already.
    pub async fn platform_create_organization(
        &self,
        access: &PlatformAccess,
        name: String,
    ) -> Result<OrganizationRecord> {
        if !(NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&name.chars().count()) {
            return Err(invalid(format!(
                "'name' has {NAME_CHARS_MIN} to {NAME_CHARS_MAX} characters."
            )));
        }
        if access.user.member.is_some() {
            return Err(invalid("The account belongs to an organization already."));
        }
        let id = OrganizationId::new(&*self.inner.entropy);
        let mut record = OrganizationRecord::new(id, name, self.now());
        record.plan = access.user.plan;
        let mut tx = self.inner.store.begin().await?;
        tx.insert_organization(&record).await?;
        // Nobody leaves a plan behind by founding an organization.
        tx.set_organization_plan(id, record.plan).await?;
        tx.set_member(access.user.id, Some((id, Role::Owner)))
            .await?;
        tx.commit().await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(record)
    }

    /// Changes an organization, and notes it. The caller has looked at the role.
    ///
    /// # Errors
    /// `RequestInvalid` naming the member.
    pub async fn platform_update_organization(
        &self,
        access: &PlatformAccess,
        id: OrganizationId,
        patch: OrganizationPatch,
    ) -> Result<()> {
        let allowed = patch.domains.as_deref().map(domains).transpose()?;
        if let Some(allowed) = &allowed {
            let found = self.inner.store.organization(id).await?;
            let found = found.ok_or_else(|| unknown("organization"))?;
            found.plan.check_domains(allowed)?;
        }
        let change = Change::Organization(id);
        let mut tx = self.inner.store.begin().await?;
        if let Some(allowed) = &allowed {
            tx.set_organization_domains(id, allowed).await?;
        }
        if let Some(on) = patch.force_require_token {
            tx.force_token_of_organization(id, on).await?;
        }
        tx.note_change(&change).await?;
        tx.commit().await?;
        self.apply_change(&change).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// The members of an organization. The caller has looked at the role.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_members(&self, id: OrganizationId) -> Result<Vec<UserRecord>> {
        Ok(self.inner.store.members(id, MEMBERS_LISTED_MAX).await?)
    }

    /// Makes somebody a member, or gives a member another role; with a lesser one, what they were given ends.
    ///
    /// # Errors
    /// `EntityUnknown` when there is no such user; `RequestInvalid` for whoever belongs elsewhere: models have
    /// to be handed over when somebody leaves.
    pub async fn set_member(
        &self,
        user: UserId,
        organization: OrganizationId,
        role: Role,
    ) -> Result<()> {
        let mut tx = self.inner.store.begin().await?;
        let found = tx.user(user).await?.ok_or_else(|| unknown("user"))?;
        let before = match found.member {
            Some((its, _)) if its != organization => {
                return Err(invalid("The user belongs to an organization already."));
            }
            before => before.map(|(_, role)| role),
        };
        tx.set_member(user, Some((organization, role))).await?;
        let mut changes = vec![Change::Account(alone(user))];
        tx.note_change(&changes[0]).await?;
        if before.is_some_and(|before| role < before) {
            changes.push(self.withdraw_from(&mut tx, user).await?);
        }
        tx.commit().await?;
        for change in &changes {
            self.apply_change(change).await?;
        }
        Ok(())
    }

    /// Changes what a member is. Nobody changes themselves, makes an owner or touches one without being one.
    ///
    /// # Errors
    /// `EntityUnknown` for whoever is no member; `PermissionMissing`.
    pub async fn platform_update_member(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
        user: UserId,
        role: Role,
    ) -> Result<()> {
        let changed = async {
            let (_, own) = self
                .platform_organization(access, organization, Role::Admin)
                .await?;
            let member = self.inner.store.user(user).await?;
            let present = match member.and_then(|user| user.member) {
                Some((its, role)) if its == organization => role,
                _ => return Err(unknown("member")),
            };
            let touches_owner = role == Role::Owner || present == Role::Owner;
            if user == access.user.id || touches_owner && own != Role::Owner {
                return Err(refuse(
                    RefusalKind::PermissionMissing,
                    "Owners are made and changed by other owners, and nobody changes themselves.",
                ));
            }
            self.set_member(user, organization, role).await
        };
        let changed = changed.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), changed)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Makes a key of the account's that is good for some scopes, which is shown this once.
    ///
    /// # Errors
    /// `RequestInvalid` for scopes that are none, and as [`Services::create_access_key`].
    pub async fn platform_create_key(
        &self,
        access: &PlatformAccess,
        label: String,
        scopes: &[String],
        expires_at: Option<Timestamp>,
        networks: &[String],
    ) -> Result<(AccessKeyRecord, ApiKey<AccessKeyKind>)> {
        let known =
            |scope: &String| scope == EVERY_SCOPE || ACCOUNT_SCOPES.contains(&scope.as_str());
        if scopes.is_empty() || scopes.len() > ACCOUNT_SCOPES.len() || !scopes.iter().all(known) {
            return Err(invalid(format!(
                "'scope' is a list of some of {}, or \"{EVERY_SCOPE}\".",
                ACCOUNT_SCOPES.join(", ")
            )));
        }
        let plan = self.plan_of(&alone_or_member(&access.user)).await?;
        plan.check(Feature::PlatformApi)?;
        let wanted = NewKey {
            label,
            scopes: scopes.join(" "),
            expires_at,
            networks: checked_networks(networks)?,
        };
        let made = self.create_key(&access.user, wanted, None).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(made)
    }

    /// Makes a key that takes the place of another one, which stays good for `overlap`.
    ///
    /// # Errors
    /// `EntityUnknown` for whoever has no such key; `RequestInvalid` for an overlap that is too long.
    pub async fn platform_rotate_key(
        &self,
        access: &PlatformAccess,
        id: &str,
        overlap: Duration,
    ) -> Result<(AccessKeyRecord, ApiKey<AccessKeyKind>)> {
        if overlap > KEY_OVERLAP_MAX {
            return Err(invalid("'overlap' is at most 30 days, in seconds."));
        }
        let mut old = self.platform_key(access, id).await?;
        let new = NewKey {
            label: old.label.clone(),
            scopes: old.scopes.clone(),
            expires_at: old.expires_at,
            networks: old.networks.clone(),
        };
        let end = self.now().plus(overlap);
        old.expires_at = Some(old.expires_at.map_or(end, |known| known.min(end)));
        let made = self.create_key(&access.user, new, Some(&old)).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(made)
    }

    /// The plan of an account: the organization's, where there is one.
    pub(crate) async fn plan_of(&self, owner: &Owner) -> Result<&'static Plan> {
        let store = &self.inner.store;
        Ok(match owner.organization {
            Some(id) => store.organization(id).await?.map(|found| found.plan),
            None => store.user(owner.user).await?.map(|found| found.plan),
        }
        .unwrap_or(&UNLIMITED))
    }

    /// Gives an account a plan, for the command line; it holds everywhere within a second, open sessions
    /// included; `false` when there is no such account.
    ///
    /// # Errors
    /// Database failures.
    pub async fn set_plan(&self, account: Payer, plan: &Plan) -> Result<bool> {
        let (owner, scope, change) = match account {
            Payer::User(user) => (
                alone(user),
                CapScope::User(user),
                Change::Account(alone(user)),
            ),
            Payer::Organization(id) => (
                // Only the organization of it is looked at.
                Owner {
                    user: UserId::from_bytes([0; 16]),
                    organization: Some(id),
                },
                CapScope::Organization(id),
                Change::Organization(id),
            ),
        };
        let before = self.plan_of(&owner).await?;
        let mut tx = self.inner.store.begin().await?;
        let found = match account {
            Payer::User(user) => tx.set_user_plan(user, plan).await?,
            Payer::Organization(id) => tx.set_organization_plan(id, plan).await?,
        };
        if !found {
            return Ok(false);
        }
        let credits = |plan: &Plan| plan.own_limit(Limit::MaxCreditsPerMonth);
        // The plan's credits are a cap as any other; one that the operator has set meanwhile stays.
        if let Some(old) = credits(before) {
            tx.remove_cap_of(scope, CapWindow::Month, old).await?;
        }
        if let Some(new) = credits(plan) {
            tx.set_cap(scope, CapWindow::Month, new, self.now()).await?;
        }
        tx.note_change(&change).await?;
        tx.commit().await?;
        self.apply_change(&change).await?;
        Ok(true)
    }

    /// A key of the account's that was not revoked.
    ///
    /// # Errors
    /// `EntityUnknown`.
    pub async fn platform_key(&self, access: &PlatformAccess, id: &str) -> Result<AccessKeyRecord> {
        let id: AccessKeyId = id.parse().map_err(|_| unknown("access key"))?;
        let found = self.inner.store.access_key_unscoped(id).await?;
        found
            .filter(|key| key.owner.user == access.user.id && key.revoked_at.is_none())
            .ok_or_else(|| unknown("access key"))
    }

    /// Changes a key, and notes it. When it may something else than before, what was given to its user ends.
    ///
    /// # Errors
    /// `EntityUnknown` when it was revoked meanwhile; `RequestInvalid` for a label that is too long.
    pub async fn platform_update_key(
        &self,
        access: &PlatformAccess,
        key: &AccessKeyRecord,
    ) -> Result<()> {
        check_label(&key.label)?;
        let owner: &Owner = &key.owner;
        let mut tx = self.inner.store.begin().await?;
        let before = tx.access_key_unscoped(key.id).await?;
        if !tx.update_access_key(owner, key).await? {
            return Err(unknown("access key"));
        }
        let rights = |key: &AccessKeyRecord| {
            (
                key.active,
                key.scopes.clone(),
                key.networks.clone(),
                key.expires_at,
            )
        };
        let withdrawn = match before.as_ref().map(rights) {
            Some(before) if before == rights(key) => None,
            // What it has asked for says nothing of it.
            _ => Some(self.withdraw_from(&mut tx, owner.user).await?),
        };
        tx.commit().await?;
        if let Some(change) = withdrawn {
            self.apply_change(&change).await?;
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Revokes a key, and notes it.
    ///
    /// # Errors
    /// `EntityUnknown` when the account has no such key or it was revoked before.
    pub async fn platform_delete_key(&self, access: &PlatformAccess, id: &str) -> Result<()> {
        let key = self.platform_key(access, id).await?;
        self.revoke_access_key(access.user.id, key.id).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }
}
