//! Renewing a sign-in: which refresh tokens are good, and when one must have been stolen.
//!
//! Each answer to a refresh token holds a new one, its child, that names the token it came from. Clients
//! renew several times at once and lose answers, so a token and its children are all good until one of
//! the children is shown; from then on that child is the token, and what stood beside it is good for
//! [`REFRESH_GRACE`] only. Whoever shows something older holds a copy, or somebody else does.

use crate::ids::TokenId;
use crate::limits::REFRESH_GRACE;
use crate::time::Timestamp;

/// Where a sign-in stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct RefreshChain {
    /// The newest token that was shown, or the first one.
    pub current: TokenId,
    /// The one before it.
    pub previous: Option<TokenId>,
    /// When [`Self::current`] was shown for the first time.
    pub turned_at: Timestamp,
}

/// A token was shown that its owner has long replaced.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Stolen;

impl RefreshChain {
    /// The chain of a new sign-in.
    #[must_use]
    pub const fn new(first: TokenId, now: Timestamp) -> Self {
        Self {
            current: first,
            previous: None,
            turned_at: now,
        }
    }

    /// The chain after `token` was shown, which came from `parent` unless it was the first.
    ///
    /// # Errors
    /// [`Stolen`] when the token stands elsewhere than at the end of the chain.
    pub fn show(
        self,
        token: TokenId,
        parent: Option<TokenId>,
        now: Timestamp,
    ) -> Result<Self, Stolen> {
        if token == self.current {
            return Ok(self);
        }
        if parent == Some(self.current) {
            return Ok(Self {
                current: token,
                previous: Some(self.current),
                turned_at: now,
            });
        }
        let beside =
            self.previous.is_some() && (self.previous == Some(token) || self.previous == parent);
        if beside && now.since(self.turned_at) <= REFRESH_GRACE {
            return Ok(self);
        }
        Err(Stolen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> TokenId {
        TokenId::from_bytes([byte; 16])
    }

    const START: Timestamp = Timestamp::from_unix_ms(1_000_000);

    fn turned() -> RefreshChain {
        RefreshChain::new(id(1), START)
            .show(id(2), Some(id(1)), START)
            .unwrap()
    }

    #[test]
    fn a_token_is_good_until_one_of_its_children_is_shown() {
        let chain = RefreshChain::new(id(1), START);
        let years = START.plus(REFRESH_GRACE * 100_000);
        assert_eq!(chain.show(id(1), None, years), Ok(chain));
        let next = chain.show(id(2), Some(id(1)), years).unwrap();
        assert_eq!((next.current, next.previous), (id(2), Some(id(1))));
        assert_eq!(next.show(id(2), Some(id(1)), years), Ok(next));
    }

    #[test]
    fn parents_and_siblings_are_good_until_the_last_moment_of_the_grace() {
        let chain = turned();
        let last = START.plus(REFRESH_GRACE);
        let over = last.plus(std::time::Duration::from_millis(1));
        for (token, parent) in [(id(1), None), (id(3), Some(id(1)))] {
            assert_eq!(chain.show(token, parent, last), Ok(chain));
            assert_eq!(chain.show(token, parent, over), Err(Stolen));
        }
    }

    #[test]
    fn what_is_older_or_foreign_was_stolen() {
        let chain = turned().show(id(4), Some(id(2)), START).unwrap();
        for (token, parent) in [(id(1), None), (id(3), Some(id(1))), (id(9), Some(id(8)))] {
            assert_eq!(chain.show(token, parent, START), Err(Stolen));
        }
        let first = RefreshChain::new(id(1), START);
        assert_eq!(first.show(id(9), None, START), Err(Stolen));
    }

    #[test]
    fn two_who_renew_with_copies_of_one_token_are_found_out() {
        let chain = RefreshChain::new(id(1), START);
        let thief = chain.show(id(2), Some(id(1)), START).unwrap();
        let day = START.plus(REFRESH_GRACE * 1_000);
        assert_eq!(thief.show(id(3), Some(id(1)), day), Err(Stolen));
    }
}
