//! Plans: what an account may use, and how much. Data, so that an operator's agreement with an account is
//! one word in its row.

use crate::limits::{DOMAINS_MAX, MEMBERS_MAX};
use crate::origin::AllowedDomains;
use crate::refusal::{Refusal, RefusalKind};

/// What a plan may leave out.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Feature {
    /// Sessions of servers, by backend tickets.
    BackendApi,
    /// Pages that open sessions themselves.
    DirectEmbedding,
    /// Access keys.
    PlatformApi,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 3] = [Self::BackendApi, Self::DirectEmbedding, Self::PlatformApi];

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackendApi => "backend_api",
            Self::DirectEmbedding => "direct_embedding",
            Self::PlatformApi => "platform_api",
        }
    }
}

/// A plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name, in rows and in refusals.
    pub name: &'static str,
    /// Entries of a list of domains that are not local ones.
    pub domains_max: usize,
    /// Members of an organization, and open invitations into it.
    pub users_max: usize,
    without: &'static [Feature],
}

/// What whoever has no other plan has.
pub static UNLIMITED: Plan = Plan {
    name: "unlimited",
    domains_max: DOMAINS_MAX,
    users_max: MEMBERS_MAX,
    without: &[],
};

static BUSINESS: Plan = Plan {
    name: "business",
    domains_max: 20,
    users_max: 50,
    without: &[],
};

static FREE: Plan = Plan {
    name: "free",
    domains_max: 1,
    users_max: 2,
    without: &Feature::ALL,
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
        !self.without.contains(&feature)
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
        let asked = domains.iter().filter(|entry| !entry.is_local()).count();
        if asked <= self.domains_max {
            return Ok(());
        }
        Err(self.exceeded(&format!(
            "allows {} of max_accessdomains, and {asked} are asked for; local hosts are free",
            self.domains_max
        )))
    }

    /// Refuses more seats than the plan has.
    ///
    /// # Errors
    /// [`RefusalKind::PlanExceeded`] naming plan and limit.
    pub fn check_seats(&self, taken: usize) -> Result<(), Refusal> {
        if taken <= self.users_max {
            return Ok(());
        }
        Err(self.exceeded(&format!(
            "allows {} of max_users, members and open invitations together",
            self.users_max
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
            assert!(plan.check_domains(&domains(plan.domains_max)).is_ok());
            if plan.domains_max < DOMAINS_MAX {
                let refused = plan
                    .check_domains(&domains(plan.domains_max + 1))
                    .unwrap_err();
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
        for feature in Feature::ALL {
            assert!(UNLIMITED.check(feature).is_ok());
            let refused = FREE.check(feature).unwrap_err();
            assert!(refused.message.contains(feature.as_str()), "{refused}");
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
            assert!(plan.check_seats(plan.users_max).is_ok());
            let refused = plan.check_seats(plan.users_max + 1).unwrap_err();
            assert_eq!(refused.kind, RefusalKind::PlanExceeded);
            assert!(refused.message.contains(plan.name), "{}", refused.message);
        }
    }
}
