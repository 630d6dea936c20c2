//! What a token counts for on one model: whose the model is, and which groups it belongs to.
//!
//! Tokens for a model or of the back end say it themselves. Those for a group, and those of external
//! issuers, depend on the model's owner; they are cut to what they give on this very model.

use std::sync::Arc;

use vitrine_access::change::Change;
use vitrine_access::grant::{Grant, Subject};
use vitrine_access::ids::{AuthGroupId, ModelId, OrganizationId, UserId};
use vitrine_access::owner::{Owner, Payer};
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_access::session::Session;
use vitrine_access::time::Timestamp;
use vitrine_store::{AuthGroupRecord, ModelRecord, StoreError};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::tokens::{REVOCATION_KEPT, VerifiedToken, revoked};

/// Members of one group, of all kinds together. A platform makes one group per request for a token,
/// so that this bounds what one request can store.
pub const AUTH_GROUP_MEMBERS_MAX: usize = 1_000;

/// Who shall form a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMembers {
    /// Models; tokens of the group are good for them.
    pub models: Vec<ModelId>,
    /// Users; tokens of the group may read analytics of their models.
    pub users: Vec<UserId>,
    /// Organizations, likewise.
    pub organizations: Vec<OrganizationId>,
}

/// How much of a token's permissions count on a model.
enum Reach {
    All,
    Analytics,
}

impl VerifiedToken {
    /// Whether the token itself says that it covers this model: then nothing has to be looked up.
    pub(crate) fn names(&self, model: ModelId) -> bool {
        self.account.is_none() && self.grant.covers(model)
    }

    /// Whether the token may cover this model after a look at the model.
    pub(crate) fn may_cover(&self, model: ModelId) -> bool {
        match self.token.subject {
            Subject::Model(own) => own == model,
            _ => true,
        }
    }
}

impl Services {
    /// `CreateAuthorizationGroup`. Members need not exist: models may be made later, and accounts are
    /// the platform's.
    ///
    /// # Errors
    /// `RequestInvalid` for more than [`AUTH_GROUP_MEMBERS_MAX`] members; database failures.
    pub async fn create_auth_group(&self, members: GroupMembers) -> Result<AuthGroupId> {
        let GroupMembers {
            models,
            users,
            organizations,
        } = members;
        if models.len() + users.len() + organizations.len() > AUTH_GROUP_MEMBERS_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "A group has at most {AUTH_GROUP_MEMBERS_MAX} members. Ask for several groups."
                ),
            ));
        }
        let group = AuthGroupRecord {
            id: AuthGroupId::new(&*self.inner.entropy),
            models,
            users,
            organizations,
            created_at: self.now(),
            kept_until: None,
        };
        self.inner.store.insert_auth_group(&group).await?;
        Ok(group.id)
    }

    /// The group of these models, made once however often it is asked for, and kept for as long as a
    /// token of it may live.
    ///
    /// # Errors
    /// Database failures.
    pub(crate) async fn group_of_models(&self, models: Vec<ModelId>) -> Result<AuthGroupId> {
        let id = AuthGroupId::of_models(&models);
        let kept_until = self.now().plus(REVOCATION_KEPT);
        if self.inner.store.keep_auth_group(id, kept_until).await? {
            return Ok(id);
        }
        let group = AuthGroupRecord {
            id,
            models,
            users: Vec::new(),
            organizations: Vec::new(),
            created_at: self.now(),
            kept_until: Some(kept_until),
        };
        match self.inner.store.insert_auth_group(&group).await {
            // Somebody else made the same one meanwhile.
            Ok(()) | Err(StoreError::Conflict { .. }) => Ok(id),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets an account demand tokens for all its models, or not; `false` when there is no such account.
    /// It holds everywhere within a second, open sessions included.
    ///
    /// # Errors
    /// Database failures.
    pub async fn force_require_token(&self, account: Payer, on: bool) -> Result<bool> {
        let mut tx = self.inner.store.begin().await?;
        let (found, change) = match account {
            Payer::User(user) => (
                tx.force_token_of_user(user, on).await?,
                Change::Account(Owner {
                    user,
                    organization: None,
                }),
            ),
            Payer::Organization(organization) => (
                tx.force_token_of_organization(organization, on).await?,
                Change::Organization(organization),
            ),
        };
        if found {
            tx.note_change(&change).await?;
            tx.commit().await?;
            self.apply_change(&change).await?;
        }
        Ok(found)
    }

    /// A group's members never change, so that what is in memory stays true.
    async fn auth_group(&self, id: AuthGroupId) -> Result<Option<Arc<AuthGroupRecord>>> {
        let load = || async { Ok(self.inner.store.auth_group(id).await?) };
        self.inner.auth_groups.get_or_load(id, load).await
    }

    /// The token as it counts on this model; `None` when it does not.
    pub(crate) async fn token_on(
        &self,
        token: Arc<VerifiedToken>,
        model: &ModelRecord,
    ) -> Result<Option<Arc<VerifiedToken>>> {
        let Some(token) = self.reaching(token, model).await? else {
            return Ok(None);
        };
        // Last: whoever asks for what the token does not cover learns nothing about its owner.
        let issued_at = token.token.issued_at;
        if !token.grant.is_backend()
            && (self.owner_withdrew(model, issued_at)
                || self.withdrawn(model, token.holder(), issued_at))
        {
            return Err(revoked().into());
        }
        Ok(Some(token))
    }

    async fn reaching(
        &self,
        token: Arc<VerifiedToken>,
        model: &ModelRecord,
    ) -> Result<Option<Arc<VerifiedToken>>> {
        if token.names(model.id) {
            return Ok(Some(token));
        }
        let account = model.owner.payer();
        if token.account.is_some_and(|mapped| mapped != account) {
            return Ok(None);
        }
        let reach = match token.token.subject {
            Subject::Backend => None,
            Subject::Model(own) => (own == model.id).then_some(Reach::All),
            Subject::User(user) => (account == Payer::User(user)).then_some(Reach::Analytics),
            Subject::Organization(organization) => {
                (account == Payer::Organization(organization)).then_some(Reach::Analytics)
            }
            Subject::AuthGroup(id) => self.reach_of_group(id, model).await?,
        };
        Ok(reach.map(|reach| Arc::new(cut(&token, model.id, &reach))))
    }

    /// Whether all that a model's owner had given out until some later instant was revoked: tokens name
    /// models and groups, and not who asked for them.
    pub(crate) fn owner_withdrew(&self, model: &ModelRecord, given_at: Timestamp) -> bool {
        let tokens = &self.inner.tokens;
        let organization = model.owner.organization.map(Subject::Organization);
        [Some(Subject::User(model.owner.user)), organization]
            .iter()
            .flatten()
            .any(|owner| tokens.is_subject_revoked(owner, given_at))
    }

    /// Whether the group whose token alone opened a session still covers the model: its owner may
    /// have taken it off the list.
    pub(crate) async fn group_still_covers(
        &self,
        session: &Session,
        model: &ModelRecord,
    ) -> Result<bool> {
        match session.subject {
            Some(Subject::AuthGroup(id)) if session.ticket.is_none() => Ok(matches!(
                self.reach_of_group(id, model).await?,
                Some(Reach::All)
            )),
            _ => Ok(true),
        }
    }

    /// Whether an account is a member of a group.
    pub(crate) async fn group_has(&self, id: AuthGroupId, account: Payer) -> Result<bool> {
        let group = self.auth_group(id).await?;
        Ok(group.is_some_and(|group| match account {
            Payer::User(user) => group.users.contains(&user),
            Payer::Organization(organization) => group.organizations.contains(&organization),
        }))
    }

    async fn reach_of_group(&self, id: AuthGroupId, model: &ModelRecord) -> Result<Option<Reach>> {
        let listed = id.to_string();
        if model.settings.auth_groups.contains(&listed) {
            return Ok(Some(Reach::All));
        }
        let Some(group) = self.auth_group(id).await? else {
            return Ok(None);
        };
        if group.models.contains(&model.id) {
            return Ok(Some(Reach::All));
        }
        let member = match model.owner.payer() {
            Payer::User(user) => group.users.contains(&user),
            Payer::Organization(organization) => group.organizations.contains(&organization),
        };
        Ok(member.then_some(Reach::Analytics))
    }
}

fn cut(token: &VerifiedToken, model: ModelId, reach: &Reach) -> VerifiedToken {
    let permissions = match reach {
        Reach::All => token.grant.permissions.clone(),
        Reach::Analytics => token
            .grant
            .permissions
            .intersection(&PermissionSet::of(&[Permission::AnalyticsModelGet])),
    };
    VerifiedToken {
        grant: Grant {
            model: Some(model),
            permissions,
            ..token.grant.clone()
        },
        ..token.clone()
    }
}
