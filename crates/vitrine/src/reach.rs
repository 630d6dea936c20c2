//! Configuration of what lies beyond this server: where requests may go, and whose tokens count.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;
use vitrine_access::egress::{EgressPolicy, EgressPurpose};
use vitrine_access::grant::Subject;
use vitrine_access::owner::Payer;
use vitrine_access::permissions::PermissionSet;
use vitrine_service::issuers::{ExternalIssuer, KeySource};

use crate::traces::TelemetryRules;

/// What may be reached from here for one purpose.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EgressRules {
    pub(crate) any_public_host: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) networks: Vec<String>,
}

/// An issuer whose tokens count for one account.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerRules {
    pub(crate) issuer: String,
    #[serde(default)]
    pub(crate) audience: String,
    #[serde(default)]
    pub(crate) jwks_url: String,
    #[serde(default)]
    pub(crate) jwks_file: String,
    pub(crate) account: String,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

/// What may be reached, with every fault in the rules. Hosts that issuers' key sets lie on and the collector of
/// traces need no rule of their own.
pub(crate) fn egress(
    rules: &BTreeMap<String, EgressRules>,
    issuers: &[IssuerRules],
    telemetry: &TelemetryRules,
) -> (EgressPolicy, Vec<String>) {
    let mut policy = EgressPolicy::default();
    let mut faults = Vec::new();
    for (word, rules) in rules {
        let Some(purpose) = EgressPurpose::ALL.into_iter().find(|p| p.as_str() == word) else {
            let known = EgressPurpose::ALL.map(EgressPurpose::as_str).join(", ");
            faults.push(format!("egress.{word}: the purposes are {known}"));
            continue;
        };
        if rules.any_public_host {
            policy = policy.allow_any_public_host(purpose);
        }
        let hosts = rules.hosts.iter().map(|rule| (true, rule));
        let networks = rules.networks.iter().map(|rule| (false, rule));
        for (is_host, rule) in hosts.chain(networks) {
            let tried = policy.clone();
            let tried = if is_host {
                tried.allow_host(purpose, rule)
            } else {
                tried.allow_network(purpose, rule)
            };
            match tried {
                Ok(more) => policy = more,
                Err(fault) => faults.push(format!("egress.{word}: {fault}")),
            }
        }
    }
    for rules in issuers.iter().filter(|rules| !rules.jwks_url.is_empty()) {
        let allowed = origin_of_keys(&rules.jwks_url).and_then(|origin| {
            policy
                .clone()
                .allow_host(EgressPurpose::Jwks, &origin)
                .map_err(|fault| fault.to_string())
        });
        match allowed {
            Ok(more) => policy = more,
            Err(fault) => faults.push(format!("external_issuer {}: {fault}", rules.issuer)),
        }
    }
    // What is wrong with the address is told with the other settings of traces.
    if let Some(Ok(origin)) = telemetry.origin() {
        match policy.clone().allow_host(EgressPurpose::Telemetry, &origin) {
            Ok(more) => policy = more,
            Err(fault) => faults.push(format!("telemetry.endpoint: {fault}")),
        }
    }
    (policy, faults)
}

/// Scheme, host and port of an address that others' keys come from. Over plain http anybody on the way could put in keys, so
/// that only this machine may be asked so.
pub(crate) fn trusted_origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return None;
    }
    let port = url.port().map(|port| format!(":{port}"));
    Some(format!(
        "{}://{host}{}",
        url.scheme(),
        port.unwrap_or_default()
    ))
}

fn origin_of_keys(url: &str) -> Result<String, String> {
    let wrong = "jwks_url: give an https address, or use jwks_file";
    trusted_origin(url).ok_or_else(|| wrong.to_owned())
}

/// The external issuers, with every fault in their rules. `own` is the issuer of our own tokens.
pub(crate) fn issuers(
    rules: &[IssuerRules],
    own: &str,
    audience: &str,
) -> (Vec<ExternalIssuer>, Vec<String>) {
    let mut issuers = Vec::new();
    let mut faults = Vec::new();
    let mut names = BTreeSet::from([own]);
    for rules in rules {
        if !names.insert(&rules.issuer) {
            faults.push(format!(
                "external_issuer {}: this name is taken already",
                rules.issuer
            ));
            continue;
        }
        match issuer(rules, audience) {
            Ok(issuer) => issuers.push(issuer),
            Err(fault) => faults.push(format!("external_issuer {}: {fault}", rules.issuer)),
        }
    }
    (issuers, faults)
}

fn issuer(rules: &IssuerRules, audience: &str) -> Result<ExternalIssuer, String> {
    let keys = match (rules.jwks_url.as_str(), rules.jwks_file.as_str()) {
        (url, "") if !url.is_empty() => KeySource::Url(url.to_owned()),
        ("", file) if !file.is_empty() => KeySource::File(PathBuf::from(file)),
        _ => return Err("give one of jwks_url and jwks_file".into()),
    };
    let account = match rules.account.parse() {
        Ok(Subject::User(user)) => Payer::User(user),
        Ok(Subject::Organization(organization)) => Payer::Organization(organization),
        _ => return Err("account is user:ID or organization:ID".into()),
    };
    let (allowed, unknown) = PermissionSet::from_scopes(&rules.scopes);
    if !unknown.is_empty() {
        return Err(format!("unknown scope: {}", unknown.join(", ")));
    }
    if allowed.clone().without_reserved() != allowed {
        return Err("a scope is reserved to the back end; no external issuer can have it".into());
    }
    let audience = match rules.audience.as_str() {
        "" => audience,
        own => own,
    };
    Ok(ExternalIssuer {
        issuer: rules.issuer.clone(),
        audience: audience.to_owned(),
        keys,
        account,
        allowed: (!rules.scopes.is_empty()).then_some(allowed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "user:6f1d2c3e-4b5a-4987-8d6c-0123456789ab";

    fn rules(url: &str) -> IssuerRules {
        IssuerRules {
            issuer: "https://login.example.com".to_owned(),
            jwks_url: url.to_owned(),
            account: USER.to_owned(),
            ..IssuerRules::default()
        }
    }

    fn fault(rules: &IssuerRules) -> String {
        let (_, mut faults) = issuers(std::slice::from_ref(rules), "vitrine", "geometry");
        faults.pop().unwrap_or_default()
    }

    #[test]
    fn the_host_of_a_key_set_needs_no_rule_of_its_own() {
        let keys = "https://login.example.com:8443/keys.json";
        let (policy, faults) = egress(&BTreeMap::new(), &[rules(keys)], &TelemetryRules::default());
        assert!(faults.is_empty(), "{faults:?}");
        let jwks = EgressPurpose::Jwks;
        assert!(policy.check_url(jwks, keys).is_ok());
        assert!(
            policy
                .check_url(jwks, "https://login.example.com/")
                .is_err()
        );
        assert!(policy.check_url(EgressPurpose::Webhook, keys).is_err());
        let inside = policy.check_address(jwks, IpAddr::from([10, 0, 0, 1]));
        assert!(
            inside.is_err(),
            "a name is no licence for private addresses"
        );
    }

    #[test]
    fn keys_come_over_plain_http_from_this_machine_only() {
        for (url, good) in [
            ("http://127.0.0.1:9000/keys", true),
            ("http://[::1]:9000/keys", true),
            ("http://login.example.com/keys", false),
            ("http://10.0.0.1/keys", false),
            ("ftp://login.example.com/keys", false),
            ("keys.json", false),
        ] {
            let (_, faults) = egress(&BTreeMap::new(), &[rules(url)], &TelemetryRules::default());
            assert_eq!(faults.is_empty(), good, "{url}: {faults:?}");
        }
    }

    #[test]
    fn faults_of_an_issuer_are_named() {
        let good = rules("https://login.example.com/keys");
        assert_eq!(fault(&good), "");
        let with = |change: &dyn Fn(&mut IssuerRules)| {
            let mut rules = good.clone();
            change(&mut rules);
            fault(&rules)
        };
        assert!(with(&|rules| rules.account = "backend".into()).contains("account"));
        assert!(with(&|rules| rules.jwks_file = "/k".into()).contains("jwks_file"));
        assert!(with(&|rules| rules.jwks_url.clear()).contains("jwks_url"));
        assert!(with(&|rules| rules.scopes = vec!["group.vew".into()]).contains("group.vew"));
        assert!(with(&|rules| rules.scopes = vec!["create".into()]).contains("reserved"));
        assert!(with(&|rules| rules.issuer = "vitrine".into()).contains("taken"));
    }
}
