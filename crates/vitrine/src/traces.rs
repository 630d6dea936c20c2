//! Traces for the operator's collector, by OpenTelemetry (OTLP over HTTP). Off unless an endpoint is named.
//!
//! Spans begin where the code says so with the target [`TARGET`]; nothing of the log goes out, and spans hold no
//! path, address or credential. What goes out passes the one way out, under its own purpose.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;
use url::Url;
use vitrine_access::egress::EgressPurpose;
use vitrine_service::outgoing::{GuardedClient, Outgoing, OutgoingRequest};

use crate::config::Config;

/// The target of spans that are traced.
const TARGET: &str = "vitrine::trace";
/// Where a collector takes traces, below its own address.
const TRACES_PATH: &str = "/v1/traces";
/// Longest time for one batch on its way; the next ones wait meanwhile.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(5);

/// Where traces go.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetryRules {
    pub(crate) endpoint: String,
    pub(crate) sampled_share: f64,
    pub(crate) header_file: String,
    pub(crate) service_name: String,
}

impl Default for TelemetryRules {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            sampled_share: 1.0,
            header_file: String::new(),
            service_name: "vitrine".into(),
        }
    }
}

impl TelemetryRules {
    /// What is wrong with them.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(Err(fault)) = self.origin() {
            faults.push(fault);
        }
        if !(0.0..=1.0).contains(&self.sampled_share) {
            faults.push("telemetry.sampled_share: give a number from 0 to 1".into());
        }
        faults
    }

    /// Scheme, host and port of the collector, which need no rule of their own; none when traces are off.
    pub(crate) fn origin(&self) -> Option<Result<String, String>> {
        if self.endpoint.is_empty() {
            return None;
        }
        let wrong =
            || "telemetry.endpoint: give an address such as http://127.0.0.1:4318".to_owned();
        let parsed = Url::parse(&self.endpoint).map_err(|_| wrong());
        Some(parsed.and_then(|url| {
            let plain = ["http", "https"].contains(&url.scheme())
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none();
            let host = url.host_str().filter(|_| plain).ok_or_else(wrong)?;
            let port = url.port().map(|port| format!(":{port}"));
            let port = port.unwrap_or_default();
            Ok(format!("{}://{host}{port}", url.scheme()))
        }))
    }
}

/// The way of a batch of spans through the guard.
struct GuardedExport {
    outgoing: GuardedClient,
    /// Batches are made by a thread of their own, outside of the runtime that sends them.
    runtime: Handle,
}

impl fmt::Debug for GuardedExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedExport")
    }
}

/// Shared with the task that sends.
#[derive(Clone, Debug)]
struct Export(Arc<GuardedExport>);

#[async_trait]
impl HttpClient for Export {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let mut outgoing = OutgoingRequest::new(EgressPurpose::Telemetry, parts.method, url)
            .body(body)
            .time_max(EXPORT_TIME_MAX)
            .redirects_max(0);
        outgoing.headers = parts.headers;
        let shared = Arc::clone(&self.0);
        let sending = async move { shared.outgoing.fetch(outgoing).await };
        let answer = self.0.runtime.spawn(sending).await?.inspect_err(|error| {
            tracing::warn!(%error, "traces were not sent");
        })?;
        if !answer.status.is_success() {
            tracing::warn!(
                status = answer.status.as_u16(),
                "the collector refused traces"
            );
        }
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        Ok(response)
    }
}

/// What sends the last spans at the end of a server.
pub(crate) struct Flush(SdkTracerProvider);

impl Flush {
    /// Sends what waits. It must not be called by a thread of the runtime, which does the sending.
    fn now(&self) {
        if let Err(error) = self.0.shutdown() {
            eprintln!("vitrine: the last traces were not sent: {error}");
        }
    }

    /// The same from a task.
    pub(crate) async fn send(self) {
        // The task can only be cancelled together with the runtime.
        let _ = tokio::task::spawn_blocking(move || self.now()).await;
    }
}

/// The layer that traces, and what sends the last spans; none when no endpoint is named.
pub(crate) fn layer<S>(config: &Config) -> Result<Option<(impl Layer<S> + use<S>, Flush)>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let rules = &config.telemetry;
    if rules.endpoint.is_empty() {
        return Ok(None);
    }
    let export = GuardedExport {
        outgoing: GuardedClient::new(config.egress_policy()?),
        runtime: Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Export(Arc::new(export)))
        .with_endpoint(address_of(rules))
        .with_timeout(EXPORT_TIME_MAX)
        .with_headers(header(Path::new(&rules.header_file))?)
        .build()
        .context("telemetry")?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder()
        .with_service_name(rules.service_name.clone())
        .with_attribute(version)
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(rules.sampled_share)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    let only = Targets::new().with_target(TARGET, LevelFilter::TRACE);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("vitrine"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(only);
    Ok(Some((layer, Flush(provider))))
}

/// Sends a batch of no spans, so that whoever asks knows whether the collector takes them; none when traces are off.
pub(crate) async fn probe(config: &Config) -> Result<Option<String>> {
    let rules = &config.telemetry;
    if rules.endpoint.is_empty() {
        return Ok(None);
    }
    let endpoint = address_of(rules);
    let mut request = OutgoingRequest::new(EgressPurpose::Telemetry, Method::POST, &endpoint)
        .time_max(EXPORT_TIME_MAX)
        .redirects_max(0)
        .header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
    for (name, value) in header(Path::new(&rules.header_file))? {
        request = request.header(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    let answer = GuardedClient::new(config.egress_policy()?)
        .fetch(request)
        .await
        .with_context(|| format!("{endpoint} takes no traces; see telemetry.endpoint"))?;
    if !answer.status.is_success() {
        bail!(
            "{endpoint} answers {} to traces; see telemetry.endpoint and telemetry.header_file",
            answer.status
        );
    }
    Ok(Some(endpoint))
}

fn address_of(rules: &TelemetryRules) -> String {
    format!("{}{TRACES_PATH}", rules.endpoint.trim_end_matches('/'))
}

/// A header that the collector wants, `Name: value` in a file of its own since it is a secret mostly.
fn header(file: &Path) -> Result<HashMap<String, String>> {
    if file.as_os_str().is_empty() {
        return Ok(HashMap::new());
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("telemetry.header_file: cannot read {}", file.display()))?;
    let Some((name, value)) = text.trim().split_once(':') else {
        bail!("telemetry.header_file: write one line such as `Authorization: Bearer TOKEN`");
    };
    let pair = (name.trim().to_lowercase(), value.trim().to_owned());
    Ok(HashMap::from([pair]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(endpoint: &str) -> TelemetryRules {
        TelemetryRules {
            endpoint: endpoint.into(),
            ..TelemetryRules::default()
        }
    }

    #[test]
    fn an_endpoint_is_an_address_and_nothing_else() {
        for good in ["http://127.0.0.1:4318", "https://otel.example.com/base/"] {
            assert_eq!(rules(good).faults(), [""; 0], "{good}");
        }
        assert_eq!(
            rules("http://[::1]:4318/x").origin(),
            Some(Ok("http://[::1]:4318".into()))
        );
        for bad in ["otel", "ftp://a", "http://u:p@a", "http://a?x=1"] {
            assert_eq!(rules(bad).faults().len(), 1, "{bad}");
        }
        assert_eq!(rules("").origin(), None);
    }

    #[test]
    fn a_share_lies_between_nothing_and_all() {
        for (share, faults) in [(0.0, 0), (1.0, 0), (1.1, 1), (-0.1, 1), (f64::NAN, 1)] {
            let rules = TelemetryRules {
                sampled_share: share,
                ..TelemetryRules::default()
            };
            assert_eq!(rules.faults().len(), faults, "{share}");
        }
    }
}
