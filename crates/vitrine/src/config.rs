//! Configuration: one type, read here and nowhere else.
//!
//! Defaults, then the file, then `VITRINE_…` environment variables, then flags. Unknown keys are
//! errors, and all faults are reported together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use url::Url;
use vitrine_access::egress::EgressPolicy;
use vitrine_access::forwarded::{ForwardedHeader, ProxyError, TrustedProxies};
use vitrine_access::origin::AllowedDomains;
use vitrine_access::session::SessionLimits;
use vitrine_engine::Confinement;
use vitrine_service::budget::AccountBounds;
use vitrine_service::settings::{RateLimits, SESSION_WAIT, Settings, UPLOAD_LINK_TTL};

use crate::reach::{self, EgressRules, IssuerRules};
use crate::sign_in::{self, ProviderRules};
use crate::traces::TelemetryRules;

/// Environment variables that set a key begin so; `VITRINE_PUBLIC_URL` is `public_url`.
const ENVIRONMENT_PREFIX: &str = "VITRINE_";
/// Seconds of a day.
const DAY_S: u64 = 24 * 60 * 60;
/// How often there is a look at what is to be sent to webhooks.
const WEBHOOK_ROUND: Duration = Duration::from_secs(2);
/// Variables with our prefix that are not settings.
const ENVIRONMENT_IGNORED: &[&str] = &[
    "vectors",
    "test_postgres",
    "test_postgres_dir",
    "test_postgres_pid_file",
];

/// Everything that an operator may set. `docs/vitrine.toml` documents each key; a test compares.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) listen: String,
    pub(crate) database: String,
    pub(crate) objects: String,
    pub(crate) public_url: String,
    pub(crate) content_url: String,
    pub(crate) master_key_file: String,
    pub(crate) retired_master_key_files: Vec<String>,
    pub(crate) operator_token_file: String,
    pub(crate) trusted_iframe_hosts: Vec<String>,
    pub(crate) platform_origins: Vec<String>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) forwarded_header: ForwardingHeader,
    pub(crate) rate_address_per_min: u32,
    pub(crate) rate_failures_per_min: u32,
    pub(crate) rate_ticket_per_min: u32,
    pub(crate) rate_key_per_min: u32,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) workers: usize,
    pub(crate) worker_queue_max: usize,
    pub(crate) worker_runs_max: u32,
    pub(crate) worker_confinement: WorkerConfinement,
    pub(crate) openscad: String,
    pub(crate) computation_time_max_ms: u64,
    pub(crate) session_age_max_s: u64,
    pub(crate) session_idle_max_s: u64,
    pub(crate) asset_grace_s: u64,
    pub(crate) audit_retention_days: u64,
    pub(crate) ticket_retention_days: u64,
    pub(crate) account_results_mib_max: u64,
    pub(crate) account_files_mib_max: u64,
    pub(crate) account_models_max: u64,
    pub(crate) shutdown_grace_s: u64,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    #[serde(default)]
    pub(crate) egress: BTreeMap<String, EgressRules>,
    #[serde(default)]
    pub(crate) external_issuer: Vec<IssuerRules>,
    #[serde(default)]
    pub(crate) sign_in_provider: Vec<ProviderRules>,
    #[serde(default)]
    pub(crate) telemetry: TelemetryRules,
}

/// In which header proxies tell the client's address.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ForwardingHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardingHeader {
    const fn domain(self) -> ForwardedHeader {
        match self {
            Self::XForwardedFor => ForwardedHeader::XForwardedFor,
            Self::Forwarded => ForwardedHeader::Forwarded,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What happens when the kernel lacks a layer of the workers' cage.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WorkerConfinement {
    /// No worker starts.
    Required,
    /// Workers go on without it.
    BestEffort,
}

impl From<WorkerConfinement> for Confinement {
    fn from(setting: WorkerConfinement) -> Self {
        match setting {
            WorkerConfinement::Required => Self::Required,
            WorkerConfinement::BestEffort => Self::BestEffort,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let rates = RateLimits::default();
        let bounds = AccountBounds::default();
        Self {
            data: PathBuf::from("data"),
            listen: "127.0.0.1:8080".into(),
            database: String::new(),
            objects: String::new(),
            public_url: String::new(),
            content_url: String::new(),
            master_key_file: String::new(),
            retired_master_key_files: Vec::new(),
            operator_token_file: String::new(),
            trusted_iframe_hosts: Vec::new(),
            platform_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardingHeader::XForwardedFor,
            rate_address_per_min: rates.address,
            rate_failures_per_min: rates.failures,
            rate_ticket_per_min: rates.ticket,
            rate_key_per_min: rates.key,
            issuer: "vitrine".into(),
            audience: "vitrine-geometry".into(),
            workers: 0,
            worker_queue_max: 64,
            worker_runs_max: 200,
            worker_confinement: WorkerConfinement::Required,
            openscad: "/usr/bin/openscad".into(),
            computation_time_max_ms: 30_000,
            session_age_max_s: 3600,
            session_idle_max_s: 3600,
            asset_grace_s: 300,
            audit_retention_days: 90,
            ticket_retention_days: 90,
            account_results_mib_max: bounds.results_mib,
            account_files_mib_max: bounds.files_mib,
            account_models_max: bounds.models,
            shutdown_grace_s: 20,
            log: "info".into(),
            log_format: LogFormat::Text,
            egress: BTreeMap::new(),
            external_issuer: Vec::new(),
            sign_in_provider: Vec::new(),
            telemetry: TelemetryRules::default(),
        }
    }
}

/// What flags say; `None` leaves the key to file and environment.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Flags {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) objects: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) worker_confinement: Option<WorkerConfinement>,
}

impl Config {
    /// Reads and checks the configuration.
    pub(crate) fn load(file: Option<&Path>, flags: &Flags) -> Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                bail!("the configuration file {} does not exist", file.display());
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment
            .merge(Env::prefixed(ENVIRONMENT_PREFIX).ignore(ENVIRONMENT_IGNORED))
            .merge(Serialized::defaults(flags));
        let config: Self = figment.extract().map_err(|errors| {
            let all: Vec<String> = errors.into_iter().map(|error| error.to_string()).collect();
            anyhow::anyhow!("the configuration is wrong:\n  {}", all.join("\n  "))
        })?;
        let faults = config.faults();
        if !faults.is_empty() {
            bail!("the configuration is wrong:\n  {}", faults.join("\n  "));
        }
        Ok(config)
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.listen.parse::<SocketAddr>().is_err() {
            faults.push(format!(
                "listen = \"{}\": give address and port, as 127.0.0.1:8080",
                self.listen
            ));
        }
        for (key, url) in [
            ("public_url", &self.public_url),
            ("content_url", &self.content_url),
        ] {
            if !url.is_empty()
                && let Err(fault) = base_url(url)
            {
                faults.push(format!("{key} = \"{url}\": {fault}"));
            }
        }
        if !self.database.is_empty()
            && !["sqlite:", "postgres:", "postgresql:"]
                .iter()
                .any(|s| self.database.starts_with(s))
        {
            faults.push("database: begin with sqlite: or postgres:".into());
        }
        if !self.objects.is_empty()
            && !["file:", "s3:"]
                .iter()
                .any(|scheme| self.objects.starts_with(scheme))
        {
            faults.push("objects: begin with file: or s3:".into());
        }
        if let Err(error) = AllowedDomains::parse_all(&self.trusted_iframe_hosts) {
            faults.push(format!("trusted_iframe_hosts: {error}"));
        }
        if let Err(error) = AllowedDomains::parse_all(&self.platform_origins) {
            faults.push(format!("platform_origins: {error}"));
        }
        if let Err(error) = self.proxies() {
            faults.push(format!("trusted_proxies: {error}"));
        }
        for (key, value) in [
            ("session_age_max_s", self.session_age_max_s),
            ("session_idle_max_s", self.session_idle_max_s),
            ("computation_time_max_ms", self.computation_time_max_ms),
            ("audit_retention_days", self.audit_retention_days),
            ("ticket_retention_days", self.ticket_retention_days),
        ] {
            if value == 0 {
                faults.push(format!("{key}: give a number above 0"));
            }
        }
        faults.extend(self.telemetry.faults());
        faults.extend(self.reach().1);
        faults.extend(sign_in::providers(&self.sign_in_provider).1);
        faults.extend(reach::issuers(&self.external_issuer, &self.issuer, &self.audience).1);
        faults
    }

    fn proxies(&self) -> std::result::Result<TrustedProxies, ProxyError> {
        TrustedProxies::parse_all(&self.trusted_proxies, self.forwarded_header.domain())
    }

    fn reach(&self) -> (EgressPolicy, Vec<String>) {
        let (policy, mut faults) =
            reach::egress(&self.egress, &self.external_issuer, &self.telemetry);
        let (policy, more) = sign_in::egress(policy, &self.sign_in_provider);
        faults.extend(more);
        (policy, faults)
    }

    /// What may be reached from here.
    pub(crate) fn egress_policy(&self) -> Result<EgressPolicy> {
        match self.reach() {
            (policy, faults) if faults.is_empty() => Ok(policy),
            (_, faults) => bail!("{}", faults.join("; ")),
        }
    }

    /// The database's URL; an embedded one in the data directory by default.
    pub(crate) fn database_url(&self) -> String {
        if self.database.is_empty() {
            format!("sqlite://{}", self.data.join("vitrine.db").display())
        } else {
            self.database.clone()
        }
    }

    /// The object storage's URL; a folder of the data directory by default.
    pub(crate) fn objects_url(&self) -> String {
        if self.objects.is_empty() {
            // The storage takes absolute folders only; the data folder may be a relative one.
            let folder = self.data.join("objects");
            let folder = std::path::absolute(&folder).unwrap_or(folder);
            format!("file://{}", folder.display())
        } else {
            self.objects.clone()
        }
    }

    /// Where the master key lies.
    pub(crate) fn master_key_path(&self) -> PathBuf {
        if self.master_key_file.is_empty() {
            self.data.join("master.key")
        } else {
            PathBuf::from(&self.master_key_file)
        }
    }

    /// The settings of the use cases, for a server that listens on `bound`.
    pub(crate) fn settings(&self, bound: SocketAddr) -> Result<Settings> {
        let public_url = if self.public_url.is_empty() {
            format!("http://{bound}")
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        };
        let content_url = if self.content_url.is_empty() {
            public_url.clone()
        } else {
            self.content_url.trim_end_matches('/').to_owned()
        };
        let mut trusted = self.trusted_iframe_hosts.clone();
        trusted.push(origin_entry(&content_url)?);
        Ok(Settings {
            public_url,
            content_url,
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            trusted_iframe_hosts: AllowedDomains::parse_all(&trusted)
                .map_err(|error| anyhow::anyhow!("trusted_iframe_hosts: {error}"))?,
            platform_origins: AllowedDomains::parse_all(&self.platform_origins)
                .map_err(|error| anyhow::anyhow!("platform_origins: {error}"))?,
            trusted_proxies: self
                .proxies()
                .map_err(|error| anyhow::anyhow!("trusted_proxies: {error}"))?,
            session_limits: SessionLimits {
                age_max: Duration::from_secs(self.session_age_max_s),
                idle_max: Duration::from_secs(self.session_idle_max_s),
                asset_grace: Duration::from_secs(self.asset_grace_s),
            },
            session_wait: SESSION_WAIT,
            upload_link_ttl: UPLOAD_LINK_TTL,
            audit_kept: Duration::from_secs(self.audit_retention_days.saturating_mul(DAY_S)),
            tickets_kept: Duration::from_secs(self.ticket_retention_days.saturating_mul(DAY_S)),
            account_bounds: AccountBounds {
                results_mib: self.account_results_mib_max,
                files_mib: self.account_files_mib_max,
                models: self.account_models_max,
            },
            external_issuers: reach::issuers(&self.external_issuer, &self.issuer, &self.audience).0,
            sign_in_providers: sign_in::with_secrets(&self.sign_in_provider)?,
            rates: RateLimits {
                address: self.rate_address_per_min,
                failures: self.rate_failures_per_min,
                ticket: self.rate_ticket_per_min,
                key: self.rate_key_per_min,
            },
            limit_loopback: true,
            compare_clocks: true,
            webhook_round: WEBHOOK_ROUND,
        })
    }
}

fn base_url(text: &str) -> std::result::Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("give an http or https URL with a host".into());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("give scheme, host and port only".into());
    }
    if url.path() != "/" {
        return Err("a path is not supported; give scheme, host and port only".into());
    }
    Ok(url)
}

/// The domain entry that matches exactly the pages of a base URL.
fn origin_entry(base: &str) -> Result<String> {
    let url = base_url(base).map_err(|fault| anyhow::anyhow!("{base}: {fault}"))?;
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let scheme = if url.scheme() == "http" {
        "http://"
    } else {
        ""
    };
    Ok(format!("{scheme}{host}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config> {
        let file = std::env::temp_dir().join(format!("vitrine-config-{}.toml", std::process::id()));
        let file = file.with_extension(format!("{}.toml", text.len()));
        std::fs::write(&file, text).unwrap();
        let loaded = Config::load(Some(&file), &Flags::default());
        std::fs::remove_file(&file).unwrap();
        loaded
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = load("lissten = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(error.contains("lissten"), "{error}");
    }

    #[test]
    fn all_faults_are_reported_together() {
        let error = load("listen = \"here\"\npublic_url = \"ftp://x\"\ndatabase = \"mysql://x\"")
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("listen") && text.contains("public_url") && text.contains("database")
        );
    }

    #[test]
    fn proxies_are_named_by_address_and_nobody_trusts_everybody() {
        let config = load("trusted_proxies = [\"10.0.0.0/8\"]\nforwarded_header = \"forwarded\"");
        assert!(config.unwrap().proxies().is_ok());
        let error = load("trusted_proxies = [\"0.0.0.0/0\"]").unwrap_err();
        assert!(error.to_string().contains("trusted_proxies"), "{error}");
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let documented = include_str!("../../../docs/vitrine.toml");
        let config: Config = toml::from_str(documented).unwrap();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn rules_for_outgoing_requests_are_read_and_their_faults_named() {
        let config =
            load("[egress.jwks]\nhosts = [\"login.example.com\"]\nnetworks = [\"10.1.0.0/16\"]")
                .unwrap();
        let policy = config.egress_policy().unwrap();
        let jwks = vitrine_access::egress::EgressPurpose::Jwks;
        assert!(
            policy
                .check_url(jwks, "https://login.example.com/keys")
                .is_ok()
        );
        assert!(
            policy
                .check_address(jwks, "10.1.2.3".parse().unwrap())
                .is_ok()
        );
        assert!(
            policy
                .check_address(jwks, "10.2.2.3".parse().unwrap())
                .is_err()
        );
        let wrong = "[egress.jkws]\n[egress.webhook]\nhosts = [\"a/b\"]\nnetworks = [\"x\"]";
        let text = load(wrong).unwrap_err().to_string();
        for part in ["egress.jkws", "a/b", "`x`"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn objects_lie_in_an_absolute_folder_wherever_the_data_folder_is_named_from() {
        let url = Config::default().objects_url();
        assert!(url.starts_with("file:///"), "{url}");
        assert!(url.ends_with("/data/objects"), "{url}");
    }

    #[test]
    fn the_content_origin_is_always_trusted_to_speak_of_the_page_around_it() {
        let config = Config {
            content_url: "https://content.example:8443".into(),
            ..Config::default()
        };
        let settings = config.settings("127.0.0.1:8080".parse().unwrap()).unwrap();
        assert_eq!(settings.trusted_iframe_hosts.iter().count(), 1);
    }
}
