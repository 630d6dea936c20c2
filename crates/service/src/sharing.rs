//! Models that are shared: with single users, right by right, and by a link.

use vitrine_access::change::Change;
use vitrine_access::ids::{ModelId, ShareId, UserId};
use vitrine_access::platform::{SharePolicy, Shares};
use vitrine_access::seal::Purpose;
use vitrine_store::{ModelRecord, ShareRecord, UserRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{PlatformAccess, PlatformGuest};
use crate::platform_models::PlatformModel;
use crate::withdrawal::next_second;

/// Rights on one model, all users together.
const SHARES_MAX: u32 = 400;
/// Bytes of a sealed link: key id, nonce, model, number, tag.
const LINK_BYTES: usize = 1 + 12 + 16 + 8 + 16;

/// A right, with whom and what it is about.
#[derive(Clone, Debug)]
pub struct ShownShare {
    /// The right.
    pub share: ShareRecord,
    /// Who has it.
    pub user: UserRecord,
    /// Who gave it, where they are still there.
    pub provider: Option<UserRecord>,
    /// On what, as whoever asks sees it.
    pub model: PlatformModel,
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
    /// Gives a user rights on a model that the account manages. Those that they have already stay as they are.
    ///
    /// # Errors
    /// `EntityUnknown` for no such user; `RequestInvalid` for the owner, or when there are too many.
    pub async fn platform_share(
        &self,
        access: &PlatformAccess,
        model: &PlatformModel,
        user: UserId,
        policies: &[SharePolicy],
    ) -> Result<Vec<ShareRecord>> {
        let (id, store) = (model.record.id, &self.inner.store);
        if store.user(user).await?.is_none() {
            return Err(unknown("user"));
        }
        if user == model.record.owner.user {
            return Err(invalid(
                "'user_id' is the owner, who may everything already.",
            ));
        }
        let mut tx = store.begin().await?;
        for policy in policies {
            let share = ShareRecord {
                id: ShareId::new(&*self.inner.entropy),
                model: id,
                user,
                policy: *policy,
                provider: access.user.id,
                created_at: self.now(),
            };
            tx.insert_share(&share).await?;
        }
        if tx.shares_unscoped(id, SHARES_MAX + 1).await?.len() > SHARES_MAX as usize {
            return Err(invalid(format!(
                "A model has at most {SHARES_MAX} rights that are shared. Take some back."
            )));
        }
        tx.commit().await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        let all = store.shares_of(id, user).await?;
        Ok(all
            .into_iter()
            .filter(|share| policies.contains(&share.policy))
            .collect())
    }

    /// With whom a model is shared. The caller manages it.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_shares(
        &self,
        model: &PlatformModel,
    ) -> Result<Vec<(ShareRecord, UserRecord)>> {
        let store = &self.inner.store;
        let mut found: Vec<(ShareRecord, UserRecord)> = Vec::new();
        for share in store.shares_unscoped(model.record.id, SHARES_MAX).await? {
            // They are in the order of their users.
            let known = found.last().filter(|(last, _)| last.user == share.user);
            let user = match known {
                Some((_, user)) => Some(user.clone()),
                None => store.user(share.user).await?,
            };
            found.extend(user.map(|user| (share, user)));
        }
        Ok(found)
    }

    /// The rights that the account has, and those that it gave on models that it manages still; with the offset
    /// of the next page. `with`: only those of another user.
    ///
    /// # Errors
    /// `RequestInvalid` for a foreign offset.
    pub async fn platform_shares_about(
        &self,
        access: &PlatformAccess,
        with: Option<UserId>,
        (offset, limit): (Option<&str>, u32),
    ) -> Result<(Vec<ShownShare>, Option<String>)> {
        let after = match offset {
            Some(text) => text.parse().map_err(|_| {
                invalid(
                    "'offset' is not one of this server's. Send the 'next_offset' of the page before.",
                )
            })?,
            None => ShareId::from_bytes([0; 16]),
        };
        let own = access.user.id;
        let mut rows = self.inner.store.shares_about(own, after, limit + 1).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
        let mut shown = Vec::new();
        for row in rows {
            if with.is_some_and(|user| user != row.user) {
                continue;
            }
            let model = self.related_model(access, row.model).await?;
            let Some(model) = model.filter(|model| row.user == own || model.relation.manages())
            else {
                continue;
            };
            shown.extend(self.shown_share(row, model).await?);
        }
        Ok((shown, next))
    }

    /// One user's rights on a model: for those who manage it, and for the user.
    ///
    /// # Errors
    /// `PermissionMissing` for everybody else who sees the model.
    pub async fn platform_shares_of(
        &self,
        access: &PlatformAccess,
        key: &str,
        user: UserId,
    ) -> Result<Vec<ShownShare>> {
        let model = if user == access.user.id {
            let guest = PlatformGuest::of(access.clone());
            self.platform_model(&guest, key).await?
        } else {
            self.platform_managed(access, key).await?
        };
        let mut shown = Vec::new();
        for row in self.inner.store.shares_of(model.record.id, user).await? {
            shown.extend(self.shown_share(row, model.clone()).await?);
        }
        Ok(shown)
    }

    /// Gives the users of one model the same rights on another. The account manages both.
    ///
    /// # Errors
    /// `RequestInvalid` when there would be too many.
    pub async fn platform_copy_shares(
        &self,
        access: &PlatformAccess,
        from: &PlatformModel,
        to: &PlatformModel,
    ) -> Result<Vec<(ShareRecord, UserRecord)>> {
        let id = to.record.id;
        let mut tx = self.inner.store.begin().await?;
        for share in tx.shares_unscoped(from.record.id, SHARES_MAX).await? {
            // Who owns the other model may everything on it already.
            if share.user == to.record.owner.user {
                continue;
            }
            let copy = ShareRecord {
                id: ShareId::new(&*self.inner.entropy),
                model: id,
                provider: access.user.id,
                created_at: self.now(),
                ..share
            };
            tx.insert_share(&copy).await?;
        }
        if tx.shares_unscoped(id, SHARES_MAX + 1).await?.len() > SHARES_MAX as usize {
            return Err(invalid(format!(
                "A model has at most {SHARES_MAX} rights that are shared. Take some back."
            )));
        }
        tx.commit().await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        self.platform_shares(to).await
    }

    /// A right beside whom and what it is about; none of a user who is gone.
    async fn shown_share(
        &self,
        share: ShareRecord,
        model: PlatformModel,
    ) -> Result<Option<ShownShare>> {
        let store = &self.inner.store;
        let Some(user) = store.user(share.user).await? else {
            return Ok(None);
        };
        let provider = store.user(share.provider).await?;
        Ok(Some(ShownShare {
            share,
            user,
            provider,
            model,
        }))
    }

    /// Takes a right back: by those who manage the model, and by the user who has it.
    ///
    /// # Errors
    /// `EntityUnknown` for everybody else.
    pub async fn platform_unshare(&self, access: &PlatformAccess, id: &str) -> Result<()> {
        let taken = async {
            let id: ShareId = id.parse().map_err(|_| unknown("share"))?;
            let store = &self.inner.store;
            let share = store.share_unscoped(id).await?;
            let share = share.ok_or_else(|| unknown("share"))?;
            let own = share.user == access.user.id;
            if !own && !self.manages(access, share.model).await? {
                return Err(unknown("share"));
            }
            let mut tx = store.begin().await?;
            tx.delete_share(id).await?;
            let change = self.withdraw_from(&mut tx, share.user).await?;
            tx.commit().await?;
            self.apply_change(&change).await
        };
        let taken = taken.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), taken)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// The rights that a user was given on a model.
    pub(crate) async fn shares(&self, model: ModelId, user: UserId) -> Result<Shares> {
        let found = self.inner.store.shares_of(model, user).await?;
        Ok(found.into_iter().map(|share| share.policy).collect())
    }

    /// Switches a model's link on or off. Switched on again it is another one; switched off, what was given out
    /// for it ends too.
    pub(crate) async fn set_link(&self, id: ModelId, on: bool) -> Result<()> {
        let store = &self.inner.store;
        let before = store.model_link(id).await?.unwrap_or_default();
        if (before > 0) == on {
            return Ok(());
        }
        if on {
            store.set_model_link(id, before, before.abs() + 1).await?;
            return Ok(());
        }
        let mut tx = store.begin().await?;
        // First, so that the row is ours: nobody changes the model between reading and writing it.
        if !tx.set_model_link(id, before, -before).await? {
            return Ok(());
        }
        if let Some(mut model) = tx.model_unscoped(id).await? {
            model.settings.given_not_before = next_second(self.now());
            tx.update_model(&model, model.revision).await?;
        }
        tx.note_change(&Change::Model(id)).await?;
        tx.commit().await?;
        self.inner.models.forget(&id);
        Ok(())
    }

    /// The link by which a model is seen, where there is one.
    ///
    /// # Errors
    /// Database failures.
    pub async fn link_of(&self, model: &ModelRecord) -> Result<Option<String>> {
        let number = self.inner.store.model_link(model.id).await?;
        Ok(number
            .filter(|number| *number > 0)
            .map(|number| self.sealed_link(model.id, number)))
    }

    fn sealed_link(&self, model: ModelId, number: i64) -> String {
        let mut body = model.as_bytes().to_vec();
        body.extend(number.to_be_bytes());
        // Sealed once per number: the same link each time that it is asked for.
        let digest = vitrine_access::BlobKey::of(&body);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&digest.as_bytes()[..12]);
        hex::encode(self.inner.sealer.seal(Purpose::ModelLink, &body, nonce))
    }

    /// The model behind a link that is switched on.
    pub(crate) async fn model_by_link(&self, text: &str) -> Result<Option<ModelRecord>> {
        if text.len() != 2 * LINK_BYTES {
            return Ok(None);
        }
        let Ok(sealed) = hex::decode(text) else {
            return Ok(None);
        };
        let Ok(body) = self.inner.sealer.open(Purpose::ModelLink, &sealed) else {
            return Ok(None);
        };
        let (Some(id), Some(number)) = (body.first_chunk::<16>(), body.last_chunk::<8>()) else {
            return Ok(None);
        };
        let (id, number) = (ModelId::from_bytes(*id), i64::from_be_bytes(*number));
        let store = &self.inner.store;
        if number <= 0 || store.model_link(id).await? != Some(number) {
            return Ok(None);
        }
        Ok(store.model_unscoped(id).await?)
    }
}
