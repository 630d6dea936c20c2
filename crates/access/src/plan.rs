//! Plans: what an account may use, and how much. Data, so that an operator's agreement with an account is
//! one word in its row.

use crate::limits::{DOMAINS_MAX, MEMBERS_MAX};
use crate::origin::AllowedDomains;
use crate::refusal::{Refusal, RefusalKind};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident[$count:literal]: $($(#[$each:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, Debug)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: [Self; $count] = [$(Self::$variant,)*];

            /// Its name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// What a plan may leave out. Clients of the platform expect every one of them in an account's features,
    /// whether it is served here or not.
    Feature[31]:
    /// Sessions of servers, by backend tickets.
    BackendApi = "backend_api",
    /// Programs on desks that open models.
    DesktopClients = "desktop_clients",
    /// Pages that open sessions themselves.
    DirectEmbedding = "direct_embedding",
    /// Files as values of parameters.
    Imports = "imports",
    /// Exports.
    Exports = "exports",
    /// Iframes.
    IframeEmbedding = "iframe_embedding",
    /// Models that only their managers see.
    PrivateModels = "private_models",
    /// Support in private.
    PrivateSupport = "private_support",
    /// Sharing models with others.
    Sharing = "sharing",
    /// Pages without the platform's name.
    Unbranded = "unbranded",
    /// The viewer as a library.
    ViewerApi = "viewer_api",
    /// What sessions were used for.
    AnalyticsSessions = "analytics_sessions",
    /// What was computed.
    AnalyticsComputations = "analytics_computations",
    /// A former product of the platform.
    Gemstone = "gemstone",
    /// Models that are in no list.
    UnlistedModels = "unlisted_models",
    /// Saved values.
    SavedStates = "saved_states",
    /// Downloads of model files.
    DownloadModel = "download_model",
    /// A profile that nobody sees.
    PrivateProfile = "private_profile",
    /// Scripts in models.
    ModelScripts = "model_scripts",
    /// Versions of models.
    Versioning = "versioning",
    /// Scenes for augmented reality.
    Quicklook = "quicklook",
    /// Models that others share.
    SeeShared = "see_shared",
    /// The platform's staff.
    Admin = "admin",
    /// The platform's staff.
    Backoffice = "backoffice",
    /// Access keys.
    PlatformApi = "platform_api",
    /// Results through a network of copies.
    UseCdn = "use_cdn",
    /// A connection to programs on desks.
    Stargate = "stargate",
    /// Pages that are put together without code.
    AppBuilder = "app_builder",
    /// Whether credits are shown by the newer count, which is the only one here.
    SeePricingV2 = "see_pricing_v2",
    /// Whether credits are counted by the newer count, which is the only one here.
    UsePricingV2 = "use_pricing_v2",
    /// The platform's staff.
    BackendSystemAdmin = "backend_system_admin",
}

words! {
    /// What a plan may bound.
    Limit[13]:
    /// Which computations come first; there is one class.
    ComputationPriority = "computation_priority",
    /// Milliseconds of one computation.
    MaxCompTime = "max_comp_time",
    /// Credits beyond those of the month.
    MaxExcessCredits = "max_excess_credits",
    /// Bytes of an export.
    MaxExportSize = "max_export_size",
    /// Bytes of an output.
    MaxOutputSize = "max_output_size",
    /// Entries of a list of domains that are not local ones.
    MaxAccessdomains = "max_accessdomains",
    /// Entries that are local ones.
    MaxAccessdomainsTesting = "max_accessdomains_testing",
    /// Credits of a month (UTC).
    MaxCreditsPerMonth = "max_credits_per_month",
    /// Credits of a month before anybody pays; there is no such time.
    MaxCreditsPerMonthTrial = "max_credits_per_month_trial",
    /// Bytes of a model's file.
    MaxModelSize = "max_model_size",
    /// Bytes of a picture.
    MaxAssetSize = "max_asset_size",
    /// Members of an organization, and open invitations into it.
    MaxUsers = "max_users",
    /// Pixels of a texture's side.
    MaxTextureSize = "max_texture_size",
}

/// More than anybody uses, and a number that every client can hold.
const GENEROUS: u64 = 1_000_000_000;

impl Limit {
    /// What holds where a plan says nothing.
    #[must_use]
    pub const fn generous(self) -> u64 {
        match self {
            Self::ComputationPriority => 1,
            Self::MaxCompTime => 600_000,
            Self::MaxExcessCredits => 0,
            Self::MaxTextureSize => 8_192,
            Self::MaxAccessdomains | Self::MaxAccessdomainsTesting => DOMAINS_MAX as u64,
            Self::MaxUsers => MEMBERS_MAX as u64,
            Self::MaxExportSize
            | Self::MaxOutputSize
            | Self::MaxCreditsPerMonth
            | Self::MaxCreditsPerMonthTrial
            | Self::MaxModelSize
            | Self::MaxAssetSize => GENEROUS,
        }
    }
}

/// Features that no plan has: they are the platform's own, or of products that are not served here.
const NEVER: &[Feature] = &[
    Feature::Admin,
    Feature::Backoffice,
    Feature::BackendSystemAdmin,
    Feature::Gemstone,
    Feature::Stargate,
];

/// A plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name, in rows and in refusals.
    pub name: &'static str,
    limits: &'static [(Limit, u64)],
    without: &'static [Feature],
}

/// What whoever has no other plan has.
pub static UNLIMITED: Plan = Plan {
    name: "unlimited",
    limits: &[],
    without: &[],
};

static BUSINESS: Plan = Plan {
    name: "business",
    limits: &[(Limit::MaxAccessdomains, 20), (Limit::MaxUsers, 50)],
    without: &[],
};

static FREE: Plan = Plan {
    name: "free",
    limits: &[
        (Limit::MaxAccessdomains, 1),
        (Limit::MaxUsers, 2),
        (Limit::MaxCreditsPerMonth, 1_000),
    ],
    without: &[
        Feature::BackendApi,
        Feature::DirectEmbedding,
        Feature::PlatformApi,
    ],
};

/// Every plan.
pub static PLANS: [&Plan; 3] = [&UNLIMITED, &BUSINESS, &FREE];

impl Plan {
    /// The plan of this name; an empty one is [`UNLIMITED`].
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        if name.is_empty() {
            return Some(&UNLIMITED);
        }
        PLANS.into_iter().find(|plan| plan.name == name)
    }

    /// Whether the plan has a feature.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        !self.without.contains(&feature) && !NEVER.contains(&feature)
    }

    /// The bound of the plan.
    #[must_use]
    pub fn limit(&self, limit: Limit) -> u64 {
        self.own_limit(limit).unwrap_or(limit.generous())
    }

    /// The bound, where the plan says one of its own.
    #[must_use]
    pub fn own_limit(&self, limit: Limit) -> Option<u64> {
        let own = self.limits.iter().find(|(known, _)| *known == limit);
        own.map(|(_, bound)| *bound)
    }

    /// Refuses so many of something.
    ///
    /// # Errors
    /// [`RefusalKind::PlanExceeded`] naming plan and limit.
    pub fn check_limit(&self, limit: Limit, asked: u64) -> Result<(), Refusal> {
        let bound = self.limit(limit);
        if asked <= bound {
            return Ok(());
        }
        Err(self.exceeded(&format!(
            "allows {bound} of {}, and {asked} are asked for",
            limit.as_str()
        )))
    }

    /// Refuses what the plan leaves out.
    ///
    /// # Errors
    /// [`RefusalKind::PlanExceeded`] naming plan and feature.
    pub fn check(&self, feature: Feature) -> Result<(), Refusal> {
        if self.has(feature) {
            return Ok(());
        }
        Err(self.exceeded(&format!("leaves out {}", feature.as_str())))
    }

    /// Refuses a list with more domains than the plan allows. Local hosts are free.
    ///
    /// # Errors
    /// [`RefusalKind::PlanExceeded`] naming plan and limit.
    pub fn check_domains(&self, domains: &AllowedDomains) -> Result<(), Refusal> {
        let asked = domains.iter().filter(|entry| !entry.is_local()).count() as u64;
        let bound = self.limit(Limit::MaxAccessdomains);
        if asked <= bound {
            return Ok(());
        }
        Err(self.exceeded(&format!(
            "allows {bound} of {}, and {asked} are asked for; local hosts are free",
            Limit::MaxAccessdomains.as_str()
        )))
    }

    /// Refuses more seats than the plan has.
    ///
    /// # Errors
    /// [`RefusalKind::PlanExceeded`] naming plan and limit.
    pub fn check_seats(&self, taken: usize) -> Result<(), Refusal> {
        let bound = self.limit(Limit::MaxUsers);
        if taken as u64 <= bound {
            return Ok(());
        }
        Err(self.exceeded(&format!(
            "allows {bound} of {}, members and open invitations together",
            Limit::MaxUsers.as_str()
        )))
    }

    fn exceeded(&self, what: &str) -> Refusal {
        let message = format!(
            "The plan {} {what}. The operator can change the plan.",
            self.name
        );
        Refusal::new(RefusalKind::PlanExceeded, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(count: usize) -> AllowedDomains {
        let entries: Vec<String> = (0..count).map(|n| format!("shop{n}.example")).collect();
        AllowedDomains::parse_all(&entries).unwrap()
    }

    #[test]
    fn every_plan_takes_as_many_domains_as_it_says_and_not_one_more() {
        for plan in PLANS {
            let bound = usize::try_from(plan.limit(Limit::MaxAccessdomains)).unwrap();
            assert!(plan.check_domains(&domains(bound)).is_ok());
            if bound < DOMAINS_MAX {
                let refused = plan.check_domains(&domains(bound + 1)).unwrap_err();
                assert_eq!(refused.kind, RefusalKind::PlanExceeded);
                for part in [plan.name, "max_accessdomains"] {
                    assert!(refused.message.contains(part), "{refused}");
                }
            }
        }
    }

    #[test]
    fn local_hosts_count_for_nothing() {
        let local = [
            "localhost:8081",
            "127.0.0.1",
            "cad.local",
            "a.localhost",
            "localhost:*",
        ];
        let mut list: Vec<String> = local.iter().map(ToString::to_string).collect();
        list.push("shop.example".to_owned());
        let list = AllowedDomains::parse_all(&list).unwrap();
        assert!(FREE.check_domains(&list).is_ok());
    }

    #[test]
    fn what_a_plan_leaves_out_is_refused_by_name() {
        for plan in PLANS {
            for feature in Feature::ALL {
                let checked = plan.check(feature);
                assert_eq!(checked.is_ok(), plan.has(feature));
                let Err(refused) = checked else { continue };
                for part in [feature.as_str(), plan.name] {
                    assert!(refused.message.contains(part), "{refused}");
                }
            }
        }
        assert!(!FREE.has(Feature::BackendApi) && UNLIMITED.has(Feature::BackendApi));
        assert!(PLANS.iter().all(|plan| !plan.has(Feature::Admin)));
    }

    #[test]
    fn exactly_the_bound_is_allowed_and_one_more_is_refused_by_name() {
        for (plan, limit) in PLANS
            .iter()
            .flat_map(|plan| Limit::ALL.map(|limit| (plan, limit)))
        {
            let bound = plan.limit(limit);
            assert!(plan.check_limit(limit, bound).is_ok());
            let refused = plan.check_limit(limit, bound + 1).unwrap_err();
            for part in [limit.as_str(), plan.name] {
                assert!(refused.message.contains(part), "{refused}");
            }
        }
    }

    #[test]
    fn no_name_is_the_generous_plan_and_a_wrong_one_is_none() {
        assert_eq!(Plan::named(""), Some(&UNLIMITED));
        for plan in PLANS {
            assert_eq!(Plan::named(plan.name), Some(plan));
        }
        assert_eq!(Plan::named("gold"), None);
    }

    #[test]
    fn every_plan_has_as_many_seats_as_it_says_and_not_one_more() {
        for plan in PLANS {
            let bound = usize::try_from(plan.limit(Limit::MaxUsers)).unwrap();
            assert!(plan.check_seats(bound).is_ok());
            let refused = plan.check_seats(bound + 1).unwrap_err();
            assert_eq!(refused.kind, RefusalKind::PlanExceeded);
            assert!(refused.message.contains(plan.name), "{}", refused.message);
        }
    }
}
