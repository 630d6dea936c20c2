//! Who comes into an organization and who goes: invitations, seats, leaving, and the end of an organization.

use std::time::Duration;

use vitrine_access::change::Change;
use vitrine_access::ids::{InvitationId, OrganizationId, UserId};
use vitrine_access::owner::Owner;
use vitrine_access::platform::Role;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::{ApiKey, InvitationKind};
use vitrine_store::{InvitationRecord, OrganizationRecord, Tx, UserRecord};

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{PlatformAccess, actor, alone};
use crate::users::{NewUser, checked_email};
use crate::who::{Caller, refuse};

/// How long an invitation can be accepted.
const INVITATION_TTL: Duration = Duration::from_hours(7 * 24);
/// Open invitations of an organization, and those that a user sees.
const INVITATIONS_MAX: u32 = 200;
/// Members that are counted: one more than any plan has seats for, so that too many are seen.
const MEMBERS_LISTED: u32 = 501;

/// Whom an invitation is for.
#[derive(Clone, Debug)]
pub enum Invited {
    /// Somebody who has an account.
    User(UserId),
    /// Whoever holds the link; it was meant for this address.
    Email(String),
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

fn dead_link() -> Error {
    refuse(
        RefusalKind::LinkInvalid,
        "This invitation cannot be accepted: there is none such, or it was accepted, denied or withdrawn. \
         Ask for another one.",
    )
}

fn owners_only(own: Role, touched: Role) -> Result<()> {
    if touched == Role::Owner && own != Role::Owner {
        return Err(refuse(
            RefusalKind::PermissionMissing,
            "Owners are made, changed and removed by other owners only.",
        ));
    }
    Ok(())
}

impl Services {
    /// Invites somebody. The secret of a link is given this once.
    ///
    /// # Errors
    /// `PermissionMissing` for who is no administrator, or wants to make an owner without being one;
    /// `EntityUnknown` for no such user; `RequestInvalid` for whoever belongs somewhere already;
    /// `PlanExceeded` without a free seat.
    pub async fn platform_invite(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
        invited: Invited,
        role: Role,
    ) -> Result<(InvitationRecord, Option<ApiKey<InvitationKind>>)> {
        let made = async {
            let (record, own) = self
                .platform_organization(access, organization, Role::Admin)
                .await?;
            owners_only(own, role)?;
            if role == Role::Suspended {
                return Err(invalid(
                    "'organization_role' of an invitation is not suspended.",
                ));
            }
            let (receiver, email, secret) = self.whom(invited).await?;
            let now = self.now();
            let invitation = InvitationRecord {
                id: InvitationId::new(&*self.inner.entropy),
                organization,
                role,
                receiver,
                email,
                hash: secret.as_ref().map(ApiKey::hash),
                created_by: access.user.id,
                created_at: now,
                expires_at: now.plus(INVITATION_TTL),
                ended_at: None,
            };
            self.add_invitation(&record, &invitation).await?;
            Ok((invitation, secret))
        };
        let made = made.await;
        let made = self.audited_as(access.operation, &access.caller, &access.actor(), made)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(made)
    }

    /// The user, or the address and the secret of the link, that an invitation is for.
    async fn whom(
        &self,
        invited: Invited,
    ) -> Result<(
        Option<UserId>,
        Option<String>,
        Option<ApiKey<InvitationKind>>,
    )> {
        match invited {
            Invited::User(id) => {
                let found = self.inner.store.user(id).await?;
                let found = found.ok_or_else(|| unknown("user"))?;
                if found.member.is_some() {
                    return Err(invalid("The user belongs to an organization already."));
                }
                Ok((Some(id), None, None))
            }
            Invited::Email(text) => {
                let email = checked_email(&text)?;
                let secret = ApiKey::<InvitationKind>::new(&*self.inner.entropy);
                Ok((None, Some(email), Some(secret)))
            }
        }
    }

    /// Whoever is invited again has one invitation, the newest.
    async fn add_invitation(
        &self,
        organization: &OrganizationRecord,
        invitation: &InvitationRecord,
    ) -> Result<()> {
        let (id, now) = (organization.id, self.now());
        let mut tx = self.inner.store.begin().await?;
        if !tx.hold_organization(id).await? {
            return Err(unknown("organization"));
        }
        let open = tx.invitations(id, now, INVITATIONS_MAX).await?;
        for old in &open {
            let same_user = old.receiver.is_some() && old.receiver == invitation.receiver;
            let same_address = old.email.is_some() && old.email == invitation.email;
            if same_user || same_address {
                tx.end_invitation(id, old.id, now).await?;
            }
        }
        if open.len() >= INVITATIONS_MAX as usize {
            return Err(invalid(format!(
                "An organization has at most {INVITATIONS_MAX} open invitations. Withdraw one."
            )));
        }
        tx.insert_invitation(invitation).await?;
        let open = tx.invitations(id, now, INVITATIONS_MAX).await?;
        let members = seats(&mut tx, id).await?;
        organization.plan.check_seats(members + open.len())?;
        tx.commit().await?;
        Ok(())
    }

    /// The open invitations of an organization. The caller has looked at the role.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_invitations(&self, id: OrganizationId) -> Result<Vec<InvitationRecord>> {
        let (store, now) = (&self.inner.store, self.now());
        Ok(store.invitations(id, now, INVITATIONS_MAX).await?)
    }

    /// The open invitations for the account, with the organizations' names.
    ///
    /// # Errors
    /// Database failures.
    pub async fn invitations_for(
        &self,
        user: UserId,
    ) -> Result<Vec<(InvitationRecord, OrganizationRecord)>> {
        let store = &self.inner.store;
        let mut found = Vec::new();
        for invitation in store
            .invitations_for(user, self.now(), INVITATIONS_MAX)
            .await?
        {
            if let Some(organization) = store.organization(invitation.organization).await? {
                found.push((invitation, organization));
            }
        }
        Ok(found)
    }

    /// Withdraws an invitation, by its id or by the user that it is for.
    ///
    /// # Errors
    /// `EntityUnknown`.
    pub async fn platform_withdraw_invitation(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
        key: &str,
    ) -> Result<()> {
        let open = self.platform_invitations(organization).await?;
        let found = open.iter().find(|one| {
            one.id.to_string() == key || one.receiver.is_some_and(|id| id.to_string() == key)
        });
        let id = found.ok_or_else(|| unknown("invitation"))?.id;
        let store = &self.inner.store;
        if !store.end_invitation(organization, id, self.now()).await? {
            return Err(unknown("invitation"));
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Accepts an invitation for the account that asks: the one that is for it, or the one whose secret it
    /// shows.
    ///
    /// # Errors
    /// `EntityUnknown` when there is none for it; `LinkInvalid`, `LinkExpired` for secrets;
    /// `RequestInvalid` when it belongs somewhere already; `PlanExceeded` without a free seat.
    pub async fn platform_accept_invitation(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
        secret: Option<&str>,
    ) -> Result<()> {
        let accepted = async {
            let invitation = self.invitation_for(access, organization, secret).await?;
            let mut tx = self.inner.store.begin().await?;
            self.seat(&mut tx, &invitation, access.user.id).await?;
            tx.commit().await?;
            Ok(())
        };
        let accepted = accepted.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), accepted)?;
        self.apply_change(&Change::Account(alone(access.user.id)))
            .await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Denies an invitation.
    ///
    /// # Errors
    /// As [`Services::platform_accept_invitation`].
    pub async fn platform_deny_invitation(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
        secret: Option<&str>,
    ) -> Result<()> {
        let invitation = self.invitation_for(access, organization, secret).await?;
        let (store, now) = (&self.inner.store, self.now());
        store
            .end_invitation(organization, invitation.id, now)
            .await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    async fn invitation_for(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
        secret: Option<&str>,
    ) -> Result<InvitationRecord> {
        if let Some(secret) = secret {
            let found = self.invitation_by_secret(secret).await?;
            return if found.organization == organization {
                Ok(found)
            } else {
                Err(dead_link())
            };
        }
        let open = self.invitations_for(access.user.id).await?;
        open.into_iter()
            .map(|(invitation, _)| invitation)
            .find(|invitation| invitation.organization == organization)
            .ok_or_else(|| unknown("organization"))
    }

    async fn invitation_by_secret(&self, secret: &str) -> Result<InvitationRecord> {
        let hash = ApiKey::<InvitationKind>::parse(secret)
            .map_err(|_| dead_link())?
            .hash();
        let found = self.inner.store.invitation_by_hash_unscoped(&hash).await?;
        let found = found
            .filter(|found| found.ended_at.is_none())
            .ok_or_else(dead_link)?;
        if self.now() >= found.expires_at {
            return Err(refuse(
                RefusalKind::LinkExpired,
                "The invitation is over. Ask for another one.",
            ));
        }
        Ok(found)
    }

    /// Uses an invitation up for a user, if there is a seat.
    async fn seat(&self, tx: &mut Tx, invitation: &InvitationRecord, user: UserId) -> Result<()> {
        let (id, now) = (invitation.organization, self.now());
        if !tx.hold_organization(id).await? {
            return Err(dead_link());
        }
        let organization = tx.organization(id).await?.ok_or_else(dead_link)?;
        if tx
            .user(user)
            .await?
            .is_some_and(|user| user.member.is_some())
        {
            return Err(invalid(
                "The account belongs to an organization already. Leave it first.",
            ));
        }
        if !tx.end_invitation(id, invitation.id, now).await? {
            return Err(dead_link());
        }
        tx.set_member(user, Some((id, invitation.role))).await?;
        let members = seats(tx, id).await?;
        organization.plan.check_seats(members)?;
        tx.note_change(&Change::Account(alone(user))).await?;
        Ok(())
    }

    /// Makes an account for whoever holds an invitation's link, and lets it in. Noted either way.
    ///
    /// # Errors
    /// As [`Services::platform_accept_invitation`] and [`Services::create_user`]; what cannot be taken leaves
    /// the link good.
    pub async fn join_by_invitation(
        &self,
        operation: &str,
        secret: &str,
        mut new: NewUser,
        caller: &Caller,
    ) -> Result<UserRecord> {
        self.trusted()?;
        let joined = async {
            let invitation = self.invitation_by_secret(secret).await?;
            new.administrator = false;
            let (user, password) = self.prepare_user(new).await?;
            // Whoever has the link shall not sign in under somebody else's address.
            if invitation.email.is_some() && invitation.email != user.email {
                return Err(invalid("'email' is not the address that was invited."));
            }
            let mut tx = self.inner.store.begin().await?;
            Self::add_user(&mut tx, &user, &password).await?;
            self.seat(&mut tx, &invitation, user.id).await?;
            tx.commit().await?;
            Ok(user)
        };
        let joined = joined.await;
        let joined = self.audited_as(operation, caller, &Actor::default(), joined)?;
        self.note_allowed_as(operation, caller, &actor(joined.id, None));
        Ok(joined)
    }

    /// Takes a member out; members take themselves out. What models they have in the organization stay in it,
    /// with whoever took them out, or with an owner.
    ///
    /// # Errors
    /// `EntityUnknown` for whoever is no member; `PermissionMissing`; `RequestInvalid` for the last owner.
    pub async fn platform_remove_member(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<()> {
        let leaves = user == access.user.id;
        let least = if leaves { Role::Consumer } else { Role::Admin };
        let removed = async {
            let (_, own) = self
                .platform_organization(access, organization, least)
                .await?;
            let mut tx = self.inner.store.begin().await?;
            if !tx.hold_organization(organization).await? {
                return Err(unknown("organization"));
            }
            let members = tx.members(organization, MEMBERS_LISTED).await?;
            let role = |id: UserId| {
                let found = members.iter().find(|member| member.id == id)?;
                found.member.map(|(_, role)| role)
            };
            let present = role(user).ok_or_else(|| unknown("member"))?;
            owners_only(own, present)?;
            // Members are in the order of their ids: who inherits does not depend on chance.
            let others = || members.iter().filter(move |member| member.id != user);
            let owner = others().find(|member| matches!(member.member, Some((_, Role::Owner))));
            let heir = match (leaves, owner) {
                (false, _) => access.user.id,
                (true, Some(owner)) => owner.id,
                (true, None) if present == Role::Owner => {
                    return Err(invalid(
                        "The last owner cannot leave. Make another owner, or delete the organization.",
                    ));
                }
                (true, None) => others().next().map_or(user, |member| member.id),
            };
            tx.hand_over_models(organization, user, heir).await?;
            tx.set_member(user, None).await?;
            let gone = Owner {
                user,
                organization: Some(organization),
            };
            tx.note_change(&Change::Account(gone)).await?;
            tx.note_change(&Change::Organization(organization)).await?;
            let withdrawn = self.withdraw_from(&mut tx, user).await?;
            tx.commit().await?;
            self.apply_change(&withdrawn).await
        };
        let removed = removed.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), removed)?;
        self.apply_change(&Change::Organization(organization))
            .await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Ends an organization whose only member asks for it. Its models become that owner's own; what was
    /// charged stays charged.
    ///
    /// # Errors
    /// `EntityUnknown`; `PermissionMissing` for who is no owner; `RequestInvalid` while others belong to it.
    pub async fn platform_delete_organization(
        &self,
        access: &PlatformAccess,
        organization: OrganizationId,
    ) -> Result<()> {
        let deleted = async {
            self.platform_organization(access, organization, Role::Owner)
                .await?;
            let now = self.now();
            let mut tx = self.inner.store.begin().await?;
            if !tx.hold_organization(organization).await? {
                return Err(unknown("organization"));
            }
            if seats(&mut tx, organization).await? > 1 {
                return Err(invalid(
                    "Others belong to the organization. Remove them first; their models come to you.",
                ));
            }
            tx.end_invitations(organization, now).await?;
            tx.delete_organization(organization, now).await?;
            tx.set_member(access.user.id, None).await?;
            tx.note_change(&Change::Organization(organization)).await?;
            let withdrawn = self.withdraw_from(&mut tx, access.user.id).await?;
            tx.commit().await?;
            self.apply_change(&withdrawn).await
        };
        let deleted = deleted.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), deleted)?;
        self.apply_change(&Change::Organization(organization))
            .await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }
}

async fn seats(tx: &mut Tx, organization: OrganizationId) -> Result<usize> {
    Ok(tx.members(organization, MEMBERS_LISTED).await?.len())
}
