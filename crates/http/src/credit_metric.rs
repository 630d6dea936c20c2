//! The object in which both APIs show usage of one stretch of time.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use vitrine_access::credits::UsageKind;
use vitrine_access::session::SessionClass;
use vitrine_service::MetricGroup;

/// Credits.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResCredits {
    /// Credits that were charged.
    pub credits: u64,
}

/// How often.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResCount {
    /// How often.
    pub count: u64,
}

/// Model loading.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResLoadingCreditMetric {
    /// Started chunks of ten seconds.
    pub credits: u64,
    /// How often.
    pub count: u64,
}

/// Sessions.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResSessionMetric {
    /// Sessions.
    pub count: u64,
    /// Started ten minutes; always 0 for default sessions.
    pub credits: u64,
    /// Always 0: how long sessions were open is not in usage rows.
    pub duration: u64,
}

/// Computations.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResComputationMetric {
    /// Computations.
    pub count: u64,
    /// Finished chunks of ten seconds.
    pub credits: u64,
    /// Milliseconds.
    pub duration: u64,
    /// Computations by the started chunks of ten seconds that each took.
    pub count_per_chunks: BTreeMap<u64, u64>,
}

/// Usage in sessions that pay for time: pages' sessions.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResLimitedCreditMetric {
    /// Requests for outputs alone, which cost nothing.
    pub outputs: ResCount,
    /// Requests for exports alone.
    pub exports: ResCredits,
    /// Requests for both.
    pub combined: ResCredits,
    /// Sessions.
    pub sessions: ResSessionMetric,
    /// Computations.
    pub computations: ResComputationMetric,
    /// Scenes for augmented reality: none are served.
    pub ar: ResCredits,
}

/// Usage in sessions that pay for requests: servers' sessions.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResDefaultCreditMetric {
    /// Requests for outputs alone.
    pub outputs: ResCredits,
    /// Requests for exports alone.
    pub exports: ResCredits,
    /// Requests for both.
    pub combined: ResCredits,
    /// Sessions.
    pub sessions: ResSessionMetric,
    /// Computations.
    pub computations: ResComputationMetric,
    /// Scenes for augmented reality: none are served.
    pub ar: ResCredits,
}

/// Usage of one stretch of time, or of several added up. Zeros are told, so that clients need not guess.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResBaseCreditMetric {
    /// The stretch, as `YYYY`, `YYYYMM`, `YYYYMMDD` or `YYYYMMDDhh`; `merged` for several.
    pub timestamp: String,
    /// Whether the stretch is over.
    pub is_compilation_done: bool,
    /// Scenes for augmented reality: none are served.
    pub ar: ResCredits,
    /// Model loading.
    pub loading: ResLoadingCreditMetric,
    /// In sessions that pay for time.
    pub limited: ResLimitedCreditMetric,
    /// In sessions that pay for requests.
    pub default: ResDefaultCreditMetric,
}

impl ResBaseCreditMetric {
    /// Adds groups up, whatever stretch they are of.
    pub(crate) fn of(timestamp: String, done: bool, groups: &[MetricGroup]) -> Self {
        let mut metric = Self {
            timestamp,
            is_compilation_done: done,
            ..Self::default()
        };
        for group in groups {
            metric.add(group);
        }
        metric
    }

    fn add(&mut self, group: &MetricGroup) {
        if group.kind == UsageKind::Loading {
            self.loading.credits += group.credits;
            self.loading.count += group.count;
            return;
        }
        let (limited, default) = (&mut self.limited, &mut self.default);
        let (exports, combined, sessions, computations) = match group.class {
            SessionClass::Limited => (
                &mut limited.exports,
                &mut limited.combined,
                &mut limited.sessions,
                &mut limited.computations,
            ),
            SessionClass::Default => (
                &mut default.exports,
                &mut default.combined,
                &mut default.sessions,
                &mut default.computations,
            ),
        };
        match group.kind {
            UsageKind::Output => {
                limited.outputs.count += match group.class {
                    SessionClass::Limited => group.count,
                    SessionClass::Default => 0,
                };
                default.outputs.credits += match group.class {
                    SessionClass::Limited => 0,
                    SessionClass::Default => group.credits,
                };
            }
            UsageKind::Export => exports.credits += group.credits,
            UsageKind::Combined => combined.credits += group.credits,
            UsageKind::Session => {
                sessions.count += group.count;
                sessions.credits += group.credits;
                sessions.duration += group.duration_ms;
            }
            UsageKind::SessionSlot => {
                sessions.credits += group.credits;
                sessions.duration += group.duration_ms;
            }
            UsageKind::Computation => {
                computations.count += group.count;
                computations.credits += group.credits;
                computations.duration += group.duration_ms;
                *computations
                    .count_per_chunks
                    .entry(group.chunks)
                    .or_default() += group.count;
            }
            UsageKind::Loading => {}
        }
    }
}
