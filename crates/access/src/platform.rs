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

words! {
    /// One right of a user on a model that is shared with them. Each includes seeing it.
    SharePolicy {
        /// Show it.
        View = "SharedModelPolicyView",
        /// Also make exports.
        Export = "SharedModelPolicyExport",
        /// Also sessions of servers.
        BackendApi = "SharedModelPolicyBackendApi",
        /// Also the model's file.
        Download = "SharedModelPolicyDownload",
    }
}

/// The rights of one user on a model that is shared with them.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Shares(u8);

impl Shares {
    /// Whether nothing is shared.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this right is among them.
    #[must_use]
    pub const fn has(self, policy: SharePolicy) -> bool {
        self.0 & 1 << policy as u8 != 0
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, policy: SharePolicy) -> Self {
        Self(self.0 | 1 << policy as u8)
    }
}

impl FromIterator<SharePolicy> for Shares {
    fn from_iter<T: IntoIterator<Item = SharePolicy>>(policies: T) -> Self {
        policies.into_iter().fold(Self::default(), Self::with)
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
    /// Sees it because they have the link.
    Linked,
    /// Sees it because everybody does.
    Public,
    /// Sees it because it is their organization's.
    Member,
    /// Has been given these rights.
    Shared(Shares),
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

    /// What they are when these rights were given to them besides.
    #[must_use]
    pub fn with(self, shares: Shares) -> Self {
        if shares.is_empty() || self.manages() {
            return self;
        }
        let shares = shares.with(SharePolicy::View);
        Self::Shared(match self {
            Self::Stranger => shares,
            _ => shares.with(SharePolicy::Export),
        })
    }

    /// Whether they may change the model, delete it, and have its secrets for back ends and authors.
    #[must_use]
    pub fn manages(self) -> bool {
        self >= Self::Manager
    }

    /// Whether they may see that it exists, show it, and have tokens that view it.
    #[must_use]
    pub fn sees(self) -> bool {
        self >= Self::Linked
    }

    /// Whether they may have tickets for back ends.
    #[must_use]
    pub fn has_back_end(self) -> bool {
        match self {
            Self::Shared(shares) => shares.has(SharePolicy::BackendApi),
            _ => self.manages(),
        }
    }

    /// The scopes that their tokens for the model may have.
    #[must_use]
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Stranger => &[],
            Self::Linked | Self::Public | Self::Member => &["group.view", "group.export"],
            Self::Shared(shares) => match (
                shares.has(SharePolicy::Export),
                shares.has(SharePolicy::Download),
            ) {
                (false, false) => &["group.view"],
                (true, false) => &["group.view", "group.export"],
                (false, true) => &["group.view", "file.download"],
                (true, true) => &["group.view", "group.export", "file.download"],
            },
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
    pub fn permissions(self) -> Vec<&'static str> {
        match self {
            Self::Stranger => Vec::new(),
            Self::Linked | Self::Public | Self::Member => VIEWER_PERMISSIONS.to_vec(),
            Self::Shared(shares) => {
                let more = [
                    (SharePolicy::Export, "get_token_scope_group_export"),
                    (SharePolicy::BackendApi, "get_ticket_backend"),
                    (SharePolicy::Download, "get_token_scope_file_download"),
                ];
                let more = more.iter().filter(|(policy, _)| shares.has(*policy));
                let base = VIEWER_PERMISSIONS.iter().copied();
                base.filter(|one| *one != "get_token_scope_group_export")
                    .chain(more.map(|(_, permission)| *permission))
                    .collect()
            }
            Self::Manager | Self::Owner => OWNER_PERMISSIONS.to_vec(),
        }
    }

    /// The policies behind [`Self::permissions`].
    #[must_use]
    pub fn policies(self) -> Vec<&'static str> {
        match self {
            Self::Stranger => Vec::new(),
            Self::Linked => vec![
                "PrivateLinkSharedModelPolicyView",
                "PrivateLinkSharedModelPolicyExport",
            ],
            Self::Public => vec!["PublicModelPolicyView", "PublicModelPolicyExport"],
            Self::Member => vec!["OrgMemberModelPolicyView", "OrgMemberModelPolicyExport"],
            Self::Shared(shares) => {
                let all = SharePolicy::ALL.iter();
                all.filter(|policy| shares.has(**policy))
                    .map(|policy| policy.as_str())
                    .collect()
            }
            Self::Manager => vec!["OrgManagerModelPolicyView", "OrgManagerModelPolicyExport"],
            Self::Owner => vec!["OwnedModelPolicyView", "OwnedModelPolicyExport"],
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
    "get_sharing_all",
    "put_sharing_all",
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
        let everything: Shares = SharePolicy::ALL.iter().copied().collect();
        for relation in [
            Relation::Stranger,
            Relation::Linked,
            Relation::Public,
            Relation::Member,
            Relation::Shared(everything),
        ] {
            assert!(!relation.manages());
            for scope in ["group.owner", "group.analytics"] {
                assert!(!relation.scopes().contains(&scope), "{relation:?}");
            }
        }
        assert!(Relation::Stranger.scopes().is_empty() && !Relation::Stranger.sees());
    }

    #[test]
    fn a_share_adds_what_it_says_and_takes_nothing_away() {
        let view = Shares::default().with(SharePolicy::View);
        let backend = Shares::default().with(SharePolicy::BackendApi);
        let download = Shares::default().with(SharePolicy::Download);
        let stranger = Relation::Stranger;
        assert_eq!(stranger.with(Shares::default()), stranger);
        assert_eq!(stranger.with(view).scopes(), ["group.view"]);
        assert!(stranger.with(backend).has_back_end());
        assert!(!stranger.with(view).has_back_end() && stranger.with(view).sees());
        assert_eq!(
            stranger.with(download).scopes(),
            ["group.view", "file.download"]
        );
        for relation in [Relation::Linked, Relation::Public, Relation::Member] {
            let more = relation.with(download);
            for scope in relation.scopes() {
                assert!(more.scopes().contains(scope), "{relation:?} {scope}");
            }
            assert!(!more.manages() && !more.has_back_end());
        }
        for relation in [Relation::Manager, Relation::Owner] {
            assert_eq!(relation.with(view), relation);
        }
    }

    #[test]
    fn words_survive_storage() {
        for policy in SharePolicy::ALL {
            assert_eq!(policy.as_str().parse(), Ok(*policy));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        for visibility in Visibility::ALL {
            assert_eq!(visibility.as_str().parse(), Ok(*visibility));
        }
        assert_eq!("shared".parse::<Visibility>(), Err(WordError));
    }
}
