//! Configuration of providers at which people sign in.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use vitrine_access::egress::{EgressPolicy, EgressPurpose};
use vitrine_access::provider::is_provider_name;
use vitrine_service::providers::{ClientKey, SignInProvider};

use crate::reach::trusted_origin;

/// Providers that one page shows as buttons.
const PROVIDERS_MAX: usize = 10;
/// Characters of a button.
const TITLE_CHARS_MAX: usize = 40;
/// Bytes of a client's secret; a long one has a hundred.
const SECRET_BYTES_MAX: usize = 1_024;

/// A provider at which people sign in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderRules {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    #[serde(default)]
    pub(crate) client_secret_file: String,
    #[serde(default)]
    pub(crate) link_by_email: bool,
    #[serde(default)]
    pub(crate) create_users: bool,
    #[serde(default)]
    pub(crate) email_domains: Vec<String>,
}

/// The providers, still without their secrets, with every fault in their rules.
pub(crate) fn providers(rules: &[ProviderRules]) -> (Vec<SignInProvider>, Vec<String>) {
    let mut providers = Vec::new();
    let mut faults = Vec::new();
    let (mut names, mut issuers) = (BTreeSet::new(), BTreeSet::new());
    if rules.len() > PROVIDERS_MAX {
        faults.push(format!("sign_in_provider: at most {PROVIDERS_MAX}"));
    }
    for rules in rules {
        let fault = |fault: &str| format!("sign_in_provider {}: {fault}", rules.name);
        if !names.insert(&rules.name) {
            faults.push(fault("this name is taken already"));
        }
        // Subjects are told apart by issuers.
        if !issuers.insert(&rules.issuer) {
            faults.push(fault("another provider has this issuer"));
        }
        match provider(rules) {
            Ok(provider) => providers.push(provider),
            Err(why) => faults.push(fault(&why)),
        }
    }
    (providers, faults)
}

fn provider(rules: &ProviderRules) -> Result<SignInProvider, String> {
    if !is_provider_name(&rules.name) {
        return Err("a name has lower-case letters, digits and dashes, at most 40".into());
    }
    if rules.title.trim().is_empty() || rules.title.chars().count() > TITLE_CHARS_MAX {
        return Err(format!("title: give 1 to {TITLE_CHARS_MAX} characters"));
    }
    if trusted_origin(&rules.issuer).is_none() || rules.issuer.contains(['?', '#']) {
        return Err("issuer: give an https address without query, as the provider names it".into());
    }
    if rules.client_id.is_empty() {
        return Err("client_id: give the name that the provider knows this server by".into());
    }
    let domains: Vec<String> = rules
        .email_domains
        .iter()
        .map(|domain| domain.trim().to_lowercase())
        .collect();
    if domains
        .iter()
        .any(|one| one.is_empty() || one.contains('@'))
    {
        return Err("email_domains: give domains such as example.com, or \"*\" for all".into());
    }
    if (rules.link_by_email || rules.create_users) && domains.is_empty() {
        return Err(
            "email_domains: say whose addresses count for link_by_email and create_users".into(),
        );
    }
    Ok(SignInProvider {
        name: rules.name.clone(),
        title: rules.title.clone(),
        issuer: rules.issuer.clone(),
        client: rules.client_id.clone(),
        secret: None,
        link_by_email: rules.link_by_email,
        create_users: rules.create_users,
        email_domains: domains,
    })
}

/// The providers with what this server proves itself by.
pub(crate) fn with_secrets(rules: &[ProviderRules]) -> Result<Vec<SignInProvider>> {
    let (mut providers, faults) = providers(rules);
    if !faults.is_empty() {
        bail!("{}", faults.join("; "));
    }
    for (provider, rules) in providers.iter_mut().zip(rules) {
        if !rules.client_secret_file.is_empty() {
            let secret = read_secret(Path::new(&rules.client_secret_file));
            let secret = secret.with_context(|| format!("sign_in_provider {}", rules.name))?;
            provider.secret = Some(secret);
        }
    }
    Ok(providers)
}

fn read_secret(file: &Path) -> Result<ClientKey> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("client_secret_file: cannot read {}", file.display()))?;
    let text = text.trim();
    if text.is_empty() || text.len() > SECRET_BYTES_MAX {
        bail!("client_secret_file: the file has no secret of 1 to {SECRET_BYTES_MAX} bytes");
    }
    Ok(ClientKey::new(text.to_owned()))
}

/// Lets providers' own hosts be asked without a rule of their own.
pub(crate) fn egress(policy: EgressPolicy, rules: &[ProviderRules]) -> (EgressPolicy, Vec<String>) {
    let mut policy = policy;
    let mut faults = Vec::new();
    // What is wrong with an issuer is told with the provider's other rules.
    for origin in rules.iter().filter_map(|one| trusted_origin(&one.issuer)) {
        match policy.clone().allow_host(EgressPurpose::OpenId, &origin) {
            Ok(more) => policy = more,
            Err(fault) => faults.push(format!("sign_in_provider: {fault}")),
        }
    }
    (policy, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> ProviderRules {
        ProviderRules {
            name: "acme".to_owned(),
            title: "Acme".to_owned(),
            issuer: "https://login.example.com".to_owned(),
            client_id: "vitrine".to_owned(),
            ..ProviderRules::default()
        }
    }

    fn fault(change: impl FnOnce(&mut ProviderRules)) -> String {
        let mut rules = rules();
        change(&mut rules);
        providers(&[rules]).1.join("; ")
    }

    #[test]
    fn faults_of_a_provider_are_named() {
        assert_eq!(fault(|_| ()), "");
        assert!(fault(|one| one.name = "Acme".into()).contains("a name"));
        assert!(fault(|one| one.title = " ".into()).contains("title"));
        assert!(fault(|one| one.client_id.clear()).contains("client_id"));
        for issuer in [
            "http://login.example.com",
            "login.example.com",
            "https://a/?b",
        ] {
            assert!(fault(|one| one.issuer = issuer.into()).contains("issuer"));
        }
        assert!(fault(|one| one.link_by_email = true).contains("email_domains"));
        assert!(fault(|one| one.email_domains = vec!["a@b".into()]).contains("email_domains"));
        let (_, faults) = providers(&[rules(), rules()]);
        assert_eq!(faults.len(), 2, "{faults:?}");
        let many: Vec<_> = (0..=PROVIDERS_MAX)
            .map(|n| ProviderRules {
                name: format!("p{n}"),
                issuer: format!("https://p{n}.example.com"),
                ..rules()
            })
            .collect();
        assert!(providers(&many[..PROVIDERS_MAX]).1.is_empty());
        assert_eq!(providers(&many).1.len(), 1);
    }

    #[test]
    fn the_host_of_an_issuer_needs_no_rule_and_is_good_for_nothing_else() {
        let (policy, faults) = egress(EgressPolicy::default(), &[rules()]);
        assert!(faults.is_empty(), "{faults:?}");
        let place = "https://login.example.com/.well-known/openid-configuration";
        assert!(policy.check_url(EgressPurpose::OpenId, place).is_ok());
        assert!(policy.check_url(EgressPurpose::Jwks, place).is_err());
        let other = "https://keys.example.com/";
        assert!(policy.check_url(EgressPurpose::OpenId, other).is_err());
    }

    #[test]
    fn a_secret_comes_from_its_file_and_an_empty_one_is_none() {
        let file = std::env::temp_dir().join(format!("vitrine-secret-{}", std::process::id()));
        let with = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let rules = ProviderRules {
                client_secret_file: file.display().to_string(),
                ..rules()
            };
            with_secrets(&[rules])
        };
        let good = with("hush\n").unwrap();
        assert!(good[0].secret.is_some());
        assert!(!format!("{good:?}").contains("hush"));
        assert!(with("\n").is_err());
        assert!(with(&"a".repeat(SECRET_BYTES_MAX)).is_ok());
        assert!(with(&"a".repeat(SECRET_BYTES_MAX + 1)).is_err());
        std::fs::remove_file(&file).unwrap();
        assert!(
            with_secrets(&[ProviderRules {
                client_secret_file: "/nowhere".into(),
                ..rules()
            }])
            .is_err()
        );
    }
}
