//! For whom the platform gave something out: a short mark in the ids of its tokens and of authors' tickets,
//! so that whatever remembers such an id can be ended together with the right of whoever asked for it.
//!
//! A marked id is a UUID of version 8 (RFC 9562, section 5.8), where others are of version 4. Bytes 0 to 3 are
//! the first of the key's mark (tokens only), bytes 4, 5 and 7 the holder's, and 66 bits stay random.

use std::fmt;
use std::str::FromStr;

use crate::grant::{Subject, SubjectError};
use crate::ids::{KeyMark, TicketId, TokenId, UserId, sha256};
use crate::random::Entropy;

/// Where the mark's bytes stand in an id.
const MARK_AT: [usize; 3] = [4, 5, 7];
/// Where the UUID's version stands, in the upper half of the byte.
const VERSION_AT: usize = 6;
const VERSION_MARKED: u8 = 8;
/// Before the id of a user, where all that was given to them is revoked.
const HOLDER: &str = "holder:";

/// Who holds what was given out. Two users share a mark once in some sixteen million: then the one has to ask
/// anew when the other's right ends.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct HolderMark([u8; MARK_AT.len()]);

impl HolderMark {
    /// Whoever looks at a public model.
    pub const PUBLIC: Self = Self([0, 0, 0]);
    /// Whoever has a model's link and is not signed in.
    pub const LINK: Self = Self([0, 0, 1]);
    /// A page that shows a model in a frame.
    pub const FRAME: Self = Self([0, 0, 2]);

    /// The mark of a user.
    #[must_use]
    pub fn of(user: UserId) -> Self {
        let digest = sha256(&[b"vitrine holder mark v1", user.as_bytes()]);
        // Those that begin with 0 stand for nobody in particular.
        Self([digest[0].max(1), digest[1], digest[2]])
    }

    /// Whether everybody can have what carries this mark for the asking.
    #[must_use]
    pub fn is_everybody(self) -> bool {
        matches!(self, Self::PUBLIC | Self::FRAME)
    }

    fn stamp(self, id: &mut [u8; 16]) {
        for (at, byte) in MARK_AT.into_iter().zip(self.0) {
            id[at] = byte;
        }
        id[VERSION_AT] = id[VERSION_AT] & 0x0f | VERSION_MARKED << 4;
    }

    fn read(id: &[u8; 16]) -> Option<Self> {
        (id[VERSION_AT] >> 4 == VERSION_MARKED).then(|| Self(MARK_AT.map(|at| id[at])))
    }
}

impl TokenId {
    /// A fresh id for a token of the key with this mark that is given to this holder.
    #[must_use]
    pub fn held(key: KeyMark, holder: HolderMark, entropy: &dyn Entropy) -> Self {
        let mut id = *Self::marked(key, entropy).as_bytes();
        holder.stamp(&mut id);
        Self::from_bytes(id)
    }

    /// To whom the platform gave the token, where it did.
    #[must_use]
    pub fn holder(&self) -> Option<HolderMark> {
        HolderMark::read(self.as_bytes())
    }
}

impl TicketId {
    /// A fresh id for a ticket that is given to this holder.
    #[must_use]
    pub fn held(holder: HolderMark, entropy: &dyn Entropy) -> Self {
        let mut id = *Self::new(entropy).as_bytes();
        holder.stamp(&mut id);
        Self::from_bytes(id)
    }

    /// To whom the platform gave the ticket, where it is one user's.
    #[must_use]
    pub fn holder(&self) -> Option<HolderMark> {
        HolderMark::read(self.as_bytes())
    }
}

/// Whose tokens are revoked together, those that were issued before an instant.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Revoked {
    /// Those that name this subject, and what it gave out.
    Subject(Subject),
    /// Those that the platform gave to this user, for whatever model.
    Holder(UserId),
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(subject) => subject.fmt(f),
            Self::Holder(user) => write!(f, "{HOLDER}{user}"),
        }
    }
}

impl FromStr for Revoked {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        match text.strip_prefix(HOLDER) {
            Some(user) => Ok(Self::Holder(user.parse()?)),
            None => text.parse().map(Self::Subject),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;

    const ADA: UserId = UserId::from_bytes([1; 16]);
    const BOB: UserId = UserId::from_bytes([2; 16]);

    #[test]
    fn marked_ids_say_their_holder_and_their_key_and_ordinary_ones_nobody() {
        let entropy = Seeded::new(1);
        let (key, other) = (KeyMark::of("one"), KeyMark::of("other"));
        for holder in [
            HolderMark::of(ADA),
            HolderMark::of(BOB),
            HolderMark::PUBLIC,
            HolderMark::LINK,
            HolderMark::FRAME,
        ] {
            let id = TokenId::held(key, holder, &entropy);
            assert_eq!(id.holder(), Some(holder));
            assert!(id.is_marked(key) && !id.is_marked(other));
            assert_eq!(TicketId::held(holder, &entropy).holder(), Some(holder));
        }
        assert_ne!(HolderMark::of(ADA), HolderMark::of(BOB));
        assert_eq!(TokenId::marked(key, &entropy).holder(), None);
        assert_eq!(TicketId::new(&entropy).holder(), None);
    }

    #[test]
    fn two_ids_for_one_holder_share_the_marks_and_nothing_else() {
        let entropy = Seeded::new(2);
        let (key, holder) = (KeyMark::of("one"), HolderMark::of(ADA));
        let ids: Vec<_> = (0..64)
            .map(|_| TokenId::held(key, holder, &entropy))
            .collect();
        let all_ones = |pick: fn(u128) -> u128| {
            ids.iter()
                .map(|id| pick(u128::from_be_bytes(*id.as_bytes())))
                .fold(u128::MAX, |all, bits| all & bits)
        };
        let fixed = all_ones(|bits| bits) | all_ones(|bits| !bits);
        assert_eq!(fixed.count_zeros(), 66);
    }

    #[test]
    fn no_user_has_a_mark_that_stands_for_nobody_in_particular() {
        for byte in 0..=u8::MAX {
            assert_ne!(HolderMark::of(UserId::from_bytes([byte; 16])).0[0], 0);
        }
    }

    #[test]
    fn what_is_revoked_survives_its_text() {
        for revoked in [
            Revoked::Holder(ADA),
            Revoked::Subject(Subject::User(ADA)),
            Revoked::Subject(Subject::Backend),
        ] {
            assert_eq!(revoked.to_string().parse(), Ok(revoked));
        }
        for text in ["holder:", "holder:x", "holder", ""] {
            assert!(text.parse::<Revoked>().is_err(), "{text}");
        }
    }
}
