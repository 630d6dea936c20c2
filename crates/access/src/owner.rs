//! Who owns a thing, and who pays for what it causes.

use crate::ids::{OrganizationId, UserId};

/// The account that owns a model: a user, on behalf of an organization if there is one.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Owner {
    /// The user who owns it.
    pub user: UserId,
    /// The organization for which the user acts.
    pub organization: Option<OrganizationId>,
}

/// The account that credits are charged to.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Payer {
    /// A user pays.
    User(UserId),
    /// An organization pays.
    Organization(OrganizationId),
}

impl Owner {
    /// The organization pays when there is one, else the user.
    #[must_use]
    pub fn payer(self) -> Payer {
        match self.organization {
            Some(organization) => Payer::Organization(organization),
            None => Payer::User(self.user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_organization_pays_when_there_is_one() {
        let user = UserId::from_bytes([1; 16]);
        let organization = OrganizationId::from_bytes([2; 16]);
        let alone = Owner {
            user,
            organization: None,
        };
        let member = Owner {
            user,
            organization: Some(organization),
        };
        assert_eq!(alone.payer(), Payer::User(user));
        assert_eq!(member.payer(), Payer::Organization(organization));
    }
}
