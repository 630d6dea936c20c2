//! Who may do what with a model on the platform, by what they are to it.

use std::str::FromStr;

use thiserror::Error;

use crate::ids::{OrganizationId, UserId};
use crate::owner::Owner;

/// A word that names nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown word")]
pub struct WordError;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire and in rows.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = WordError;

            fn from_str(word: &str) -> Result<Self, WordError> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word).ok_or(WordError)
            }
        }
    };
}

words! {
    /// Who may see a model beside those who manage it.
    Visibility {
        /// Nobody.
        Private = "private",
        /// The owner's organization.
        Organization = "organization",
        /// Everybody.
        Public = "public",
    }
}

words! {
    /// What a member is in an organization; each may what those before it may.
    Role {
        /// May not sign in.
        Suspended = "suspended",
        /// Sees the organization's models.
        Consumer = "consumer",
        /// Has models.
        User = "user",
        /// Manages all models of the organization.
        Manager = "manager",
        /// Also its settings and members.
        Admin = "admin",
        /// Also its plan and its name.
        Owner = "owner",
    }
}

/// Who looks.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Viewer {
    /// Nobody is signed in without it.
    pub user: Option<UserId>,
    /// Where they belong, and what they are there.
    pub member: Option<(OrganizationId, Role)>,
}

/// What somebody is to a model; each may what those before it may.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Relation {
    /// May not know that it exists.
    Stranger,
    /// Sees it because everybody does.
    Public,
    /// Sees it because it is their organization's.
    Member,
    /// Manages it for the organization.
    Manager,
    /// Has it.
    Owner,
}

impl Relation {
    /// What the viewer is to a model of this owner and visibility. Whoever is suspended is a stranger like
    /// all others.
    #[must_use]
    pub fn of(viewer: &Viewer, owner: &Owner, visibility: Visibility) -> Self {
        let suspended = matches!(viewer.member, Some((_, Role::Suspended)));
        if viewer.user == Some(owner.user) && !suspended {
            return Self::Owner;
        }
        let role = match (viewer.member, owner.organization) {
            (Some((theirs, role)), Some(its)) if theirs == its => Some(role),
            _ => None,
        };
        match (role, visibility) {
            (Some(role), _) if role >= Role::Manager => Self::Manager,
            (Some(role), Visibility::Organization | Visibility::Public)
                if role >= Role::Consumer =>
            {
                Self::Member
            }
            (_, Visibility::Public) => Self::Public,
            _ => Self::Stranger,
        }
    }

    /// Whether they may change the model, delete it, and have its secrets for back ends and authors.
    #[must_use]
    pub fn manages(self) -> bool {
        self >= Self::Manager
    }

    /// Whether they may see that it exists, show it, and have tokens that view and export.
    #[must_use]
    pub fn sees(self) -> bool {
        self >= Self::Public
    }

    /// The scopes that their tokens for the model may have.
    #[must_use]
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Stranger => &[],
            Self::Public | Self::Member => &["group.view", "group.export"],
            Self::Manager | Self::Owner => &[
                "group.view",
                "group.export",
                "group.owner",
                "group.analytics",
                "file.download",
            ],
        }
    }

    /// What official clients read to know which buttons to show.
    #[must_use]
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Stranger => &[],
            Self::Public | Self::Member => VIEWER_PERMISSIONS,
            Self::Manager | Self::Owner => OWNER_PERMISSIONS,
        }
    }

    /// The policies behind [`Self::permissions`].
    #[must_use]
    pub const fn policies(self) -> &'static [&'static str] {
        match self {
            Self::Stranger => &[],
            Self::Public => &["PublicModelPolicyView", "PublicModelPolicyExport"],
            Self::Member => &["OrgMemberModelPolicyView", "OrgMemberModelPolicyExport"],
            Self::Manager => &["OrgManagerModelPolicyView", "OrgManagerModelPolicyExport"],
            Self::Owner => &["OwnedModelPolicyView", "OwnedModelPolicyExport"],
        }
    }
}

const VIEWER_PERMISSIONS: &[&str] = &[
    "get_rest_model_public",
    "get_ticket",
    "get_token_scope_group_view",
    "get_token_scope_group_export",
    "embed_backend_systems",
    "embed_tags",
    "embed_user",
];

const OWNER_PERMISSIONS: &[&str] = &[
    "get_rest_model_public",
    "get_rest_model_owner",
    "get_ticket",
    "get_ticket_backend",
    "get_ticket_author",
    "decrypt_ticket",
    "get_token_scope_group_view",
    "get_token_scope_group_export",
    "get_token_scope_group_owner",
    "get_token_scope_group_analytics",
    "get_token_scope_file_download",
    "embed_access_domains",
    "embed_backend_properties",
    "embed_backend_systems",
    "embed_tags",
    "embed_user",
    "ui_backend_api",
    "ui_direct_embedding",
    "ui_iframe_embedding",
    "update_owner",
    "delete",
];

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: UserId = UserId::from_bytes([1; 16]);
    const BOB: UserId = UserId::from_bytes([2; 16]);
    const ACME: OrganizationId = OrganizationId::from_bytes([3; 16]);
    const OTHER: OrganizationId = OrganizationId::from_bytes([4; 16]);

    fn relation(
        user: Option<UserId>,
        member: Option<(OrganizationId, Role)>,
        visibility: Visibility,
    ) -> Relation {
        let owner = Owner {
            user: ALICE,
            organization: Some(ACME),
        };
        Relation::of(&Viewer { user, member }, &owner, visibility)
    }

    #[test]
    fn what_everybody_is_to_a_model_stands_in_this_table() {
        use Relation as R;
        let by_role = |role, organization| Some((organization, role));
        let table = [
            (Some(ALICE), by_role(Role::User, ACME), [R::Owner; 3]),
            (Some(ALICE), None, [R::Owner; 3]),
            (Some(BOB), by_role(Role::Owner, ACME), [R::Manager; 3]),
            (Some(BOB), by_role(Role::Admin, ACME), [R::Manager; 3]),
            (Some(BOB), by_role(Role::Manager, ACME), [R::Manager; 3]),
            (
                Some(BOB),
                by_role(Role::User, ACME),
                [R::Stranger, R::Member, R::Member],
            ),
            (
                Some(BOB),
                by_role(Role::Consumer, ACME),
                [R::Stranger, R::Member, R::Member],
            ),
            (
                Some(BOB),
                by_role(Role::Suspended, ACME),
                [R::Stranger, R::Stranger, R::Public],
            ),
            (
                Some(BOB),
                by_role(Role::Owner, OTHER),
                [R::Stranger, R::Stranger, R::Public],
            ),
            (Some(BOB), None, [R::Stranger, R::Stranger, R::Public]),
            (None, None, [R::Stranger, R::Stranger, R::Public]),
        ];
        for (user, member, expected) in table {
            for (visibility, expected) in Visibility::ALL.iter().zip(expected) {
                let found = relation(user, member, *visibility);
                assert_eq!(found, expected, "{user:?} {member:?} {visibility:?}");
            }
        }
    }

    #[test]
    fn a_suspended_owner_has_nothing_any_more() {
        let member = Some((ACME, Role::Suspended));
        assert_eq!(
            relation(Some(ALICE), member, Visibility::Private),
            Relation::Stranger
        );
    }

    #[test]
    fn only_who_manages_gets_scopes_that_change_something() {
        for relation in [Relation::Stranger, Relation::Public, Relation::Member] {
            assert!(!relation.manages());
            for scope in ["group.owner", "group.analytics", "file.download"] {
                assert!(!relation.scopes().contains(&scope), "{relation:?}");
            }
        }
        assert!(Relation::Stranger.scopes().is_empty() && !Relation::Stranger.sees());
    }

    #[test]
    fn words_survive_storage() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        for visibility in Visibility::ALL {
            assert_eq!(visibility.as_str().parse(), Ok(*visibility));
        }
        assert_eq!("shared".parse::<Visibility>(), Err(WordError));
    }
}
