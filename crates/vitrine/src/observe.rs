//! Metrics: recorded everywhere, rendered for Prometheus here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use metrics_exporter_prometheus::PrometheusBuilder;
use vitrine_http::Extras;
use vitrine_http::ops::OperatorToken;
use vitrine_service::Services;

use crate::adapters::BatchedEntropy;
use crate::config::Config;

/// Upper bounds of the histograms, in seconds: from a cached answer to the longest computation.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
/// How often old samples are folded into the histograms, so that they do not pile up unread.
const UPKEEP: Duration = Duration::from_secs(10);
/// Shorter operator tokens could be guessed.
const OPERATOR_TOKEN_CHARS_MIN: usize = 24;

/// Starts recording; what comes back goes into the router.
pub(crate) fn start(config: &Config, services: Services) -> Result<Extras> {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|_| anyhow::anyhow!("metrics are recorded already"))?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(Extras {
        metrics: Some(Arc::new(move || {
            services.note_gauges();
            handle.render()
        })),
        operator_token: operator_token(Path::new(&config.operator_token_file))?,
        request_ids: Some(Arc::new(BatchedEntropy::new())),
    })
}

fn operator_token(file: &Path) -> Result<Option<OperatorToken>> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("operator_token_file: cannot read {}", file.display()))?;
    let token = text.trim();
    if token.len() < OPERATOR_TOKEN_CHARS_MIN {
        bail!("operator_token_file: use a token of at least {OPERATOR_TOKEN_CHARS_MIN} characters");
    }
    Ok(Some(OperatorToken::new(token)))
}
