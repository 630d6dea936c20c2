//! What the platform gave out ends together with the right on which it was given: when a share is taken back, a
//! member goes or becomes less, a user is blocked, fewer may see a model, or a model begins to demand tokens.
//!
//! Tokens and authors' tickets say in their ids to whom they were given ([`vitrine_access::holder`]). What a user
//! was given is refused from an instant on, in the transaction that takes the right; whoever still has another
//! one asks anew. Where the right hung on the model, and not on the user, the instant stands in its settings.

use vitrine_access::change::Change;
use vitrine_access::holder::{HolderMark, Revoked};
use vitrine_access::ids::{TokenId, UserId};
use vitrine_access::platform::Relation;
use vitrine_access::time::Timestamp;
use vitrine_store::{ModelRecord, TicketRecord, Tx};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{PlatformAccess, PlatformGuest};
use crate::tokens::{REVOCATION_KEPT, VerifiedToken};

/// To whom something is given, on what was known of them at which instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) to: HolderMark,
    pub(crate) at: Timestamp,
}

/// The full second after an instant: tokens tell no less, and everything of this second shall be meant. Nor does what
/// another node gave escape whose clock is set right to some milliseconds only.
pub(crate) fn next_second(now: Timestamp) -> Timestamp {
    const SECOND_MS: i64 = 1_000;
    const CLOCKS_APART_MS: i64 = 100;
    let now_ms = now.unix_ms().saturating_add(CLOCKS_APART_MS);
    Timestamp::from_unix_ms((now_ms.div_euclid(SECOND_MS) + 1) * SECOND_MS)
}

impl PlatformAccess {
    /// What the account is given now.
    pub(crate) fn given(&self) -> Given {
        Given {
            to: HolderMark::of(self.user.id),
            at: self.asked_at,
        }
    }
}

impl PlatformGuest {
    /// What whoever asks is given now for a model that they see on this ground.
    pub(crate) fn given(&self, relation: Relation) -> Given {
        let to = match &self.account {
            // Everybody has it, so that it hangs on no user.
            _ if relation == Relation::Public => HolderMark::PUBLIC,
            Some(access) => HolderMark::of(access.user.id),
            None => HolderMark::LINK,
        };
        Given {
            to,
            at: self.asked_at,
        }
    }
}

impl VerifiedToken {
    /// To whom the platform gave the token. Other issuers name their tokens as they like.
    pub(crate) fn holder(&self) -> Option<HolderMark> {
        match self.account {
            Some(_) => None,
            None => self.token.id.holder(),
        }
    }
}

impl Services {
    /// Refuses all that the platform gave to a user until now. The caller takes the right in the same
    /// transaction, and applies the change after its commit.
    pub(crate) async fn withdraw_from(&self, tx: &mut Tx, user: UserId) -> Result<Change> {
        let now = self.now();
        let until = now.plus(REVOCATION_KEPT);
        tx.revoke_subject(&Revoked::Holder(user), next_second(now), until)
            .await?;
        let change = Change::Holder(user);
        tx.note_change(&change).await?;
        Ok(change)
    }

    /// Whether what the platform gave out counts no more on a model, because of the one or of the other.
    pub(crate) fn withdrawn(
        &self,
        model: &ModelRecord,
        holder: Option<HolderMark>,
        given_at: Timestamp,
    ) -> bool {
        let Some(holder) = holder else { return false };
        // A demand for tokens would be none for those who have asked for one before it.
        (holder.is_everybody() && model.demands_token())
            || self.inner.tokens.is_holder_revoked(holder, given_at)
            // A frame's right hangs on the page's domain, and the owner's on nothing that is set here.
            || (given_at < model.settings.given_not_before
                && holder != HolderMark::FRAME
                && holder != HolderMark::of(model.owner.user))
    }

    /// Whether a ticket ends with whoever gave it or was given it: authors' tickets are a person's.
    pub(crate) fn ticket_withdrawn(&self, model: &ModelRecord, ticket: &TicketRecord) -> bool {
        let tokens = &self.inner.tokens;
        let holder = ticket.id.holder();
        ticket.author
            && (self.owner_withdrew(model, ticket.created_at)
                || holder.is_some_and(|one| tokens.is_holder_revoked(one, ticket.created_at)))
    }

    /// Ends a sign-in that somebody else may have, and all that the platform gave to its user until now, which may
    /// be in the same hands; `false` when it has ended before.
    ///
    /// # Errors
    /// Database failures.
    pub(crate) async fn end_sign_in_of_others(
        &self,
        user: UserId,
        sign_in: TokenId,
    ) -> Result<bool> {
        let mut tx = self.inner.store.begin().await?;
        if !tx.end_sign_in(user, sign_in, self.now()).await? {
            return Ok(false);
        }
        let change = self.withdraw_from(&mut tx, user).await?;
        tx.commit().await?;
        self.apply_change(&change).await?;
        Ok(true)
    }

    /// Blocks a user, or no longer: nobody signs in as them, every sign-in has ended, and so has all that they
    /// were given. Their models stay as they are.
    ///
    /// # Errors
    /// `EntityUnknown`; database failures.
    pub async fn block_user(&self, user: UserId, blocked: bool) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        if !tx.block_user(user, blocked.then_some(now)).await? {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "There is no such user.",
            ));
        }
        tx.end_sign_ins_but(user, None, now).await?;
        let change = self.withdraw_from(&mut tx, user).await?;
        tx.commit().await?;
        self.apply_change(&change).await
    }
}
