//! Credit metrics and records of computations.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::base::ResPagination;
use crate::credit_metric::ResBaseCreditMetric;

/// A list, which older clients send as a single text.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a text or a list of texts")]
        enum Either {
            One(String),
            Many(Vec<String>),
        }
        Ok(Self(match Either::deserialize(deserializer)? {
            Either::One(text) => vec![text],
            Either::Many(texts) => texts,
        }))
    }
}

/// Whose usage: ids of one kind, of models together with users or organizations, or the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReqAnyCreditMetricId {
    /// Models.
    pub model_ids: Option<OneOrMany>,
    /// Users.
    pub user_ids: Option<OneOrMany>,
    /// Organizations.
    pub org_ids: Option<OneOrMany>,
    /// Everybody's, for the back end.
    pub systems: Option<bool>,
}

/// One item of a question; several ids and dates are added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct ReqCreditMetric {
    /// Whose usage.
    pub id: ReqAnyCreditMetricId,
    /// Dates as `YYYY`, `YYYYMM`, `YYYYMMDD` or `YYYYMMDDhh` (UTC).
    pub timestamp: Option<OneOrMany>,
    /// The first date of a range.
    pub timestamp_from: Option<String>,
    /// The last date of a range, all of it included.
    pub timestamp_to: Option<String>,
}

/// Body of `GetCreditMetrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct ReqCreditMetrics {
    /// Each gets one sum.
    pub parameters: Vec<ReqCreditMetric>,
}

/// One sum, with the ids that it was asked for by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResAnyCreditMetric {
    /// The sum.
    #[serde(flatten)]
    pub base: ResBaseCreditMetric,
    /// The model; several with commas between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The user; several with commas between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The organization; several with commas between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Whether it is everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<bool>,
}

/// Sums of usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResAnalytics {
    /// The sums.
    pub credit_metrics: Vec<ResAnyCreditMetric>,
}

/// Answer of `GetCreditMetrics` and its siblings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResGetCreditMetrics {
    /// Sums of usage.
    pub analytics: ResAnalytics,
    /// Version of the API.
    pub version: &'static str,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueryOrder {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// How computations ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComputationStatisticsStatus {
    /// With results.
    Success,
    /// They took too long.
    Timeout,
    /// In any other way.
    Other,
    /// All of them.
    #[serde(rename = "*")]
    All,
}

/// What was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComputationType {
    /// Outputs.
    Computation,
    /// Exports.
    Export,
    /// Loading alone, of which there is none here.
    Load,
    /// All of them.
    #[serde(rename = "*")]
    All,
}

/// Query of `GetModelComputations`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ModelComputationsQuery {
    /// Newest first without it.
    #[param(inline)]
    pub order: Option<QueryOrder>,
    /// Only from this instant on, as `YYYYMMDDhhmmsszzz` (UTC).
    pub timestamp_from: Option<String>,
    /// Only until this instant, as `YYYYMMDDhhmmsszzz` (UTC).
    pub timestamp_to: Option<String>,
    /// Only those that ended like this.
    #[param(inline)]
    pub status: Option<ComputationStatisticsStatus>,
    /// Only those of this kind.
    #[serde(rename = "type")]
    #[param(inline, rename = "type")]
    pub kind: Option<ComputationType>,
    /// Most items, 1 to 100; 100 without it.
    pub limit: Option<u32>,
    /// Whether a page is as long as the limit says while there are items.
    pub strict_limit: Option<bool>,
    /// Where the last page ended (`pagination.next_offset`).
    pub offset: Option<String>,
}

/// What a computation cost in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResModelComputationStats {
    /// Milliseconds until the answer.
    pub time_completion: u64,
    /// Milliseconds of work.
    pub time_processing: u64,
    /// Milliseconds of a processor.
    pub cpu_time_processing: u64,
}

/// The record of one computation. Which values were computed is not kept: they may be private.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResModelComputation {
    /// Id of the model.
    pub id: String,
    /// When it began, as a number of 17 digits.
    pub timestamp: u64,
    /// When it began, `YYYYMMDDhhmmsszzz`.
    pub timestamp_str: String,
    /// Id of the computation.
    pub compute_request_id: String,
    /// `computation` or `export` (ours).
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Always empty.
    pub exports: Map<String, Value>,
    /// Always empty.
    pub outputs: Map<String, Value>,
    /// Always empty.
    pub params: Map<String, Value>,
    /// What it cost in time.
    pub stats: ResModelComputationStats,
    /// How it ended.
    pub status: String,
    /// Whether there are results (ours).
    pub succeeded: bool,
    /// When it ended, `YYYYMMDDhhmmsszzz`.
    pub timestamp_fin: String,
    /// When it was asked for, milliseconds since 1970 as a text.
    pub timestamp_req: String,
    /// When it was asked for, `YYYYMMDDhhmmsszzz`.
    pub timestamp_req_iso: String,
    /// When work on it began, `YYYYMMDDhhmmsszzz`.
    pub timestamp_resp: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg: Option<String>,
    /// Credits that its time cost.
    pub credits: u32,
}

/// Answer of `GetModelComputations`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResGetModelComputations {
    /// A page of records.
    pub computations: Vec<ResModelComputation>,
    /// Where the next page begins.
    pub pagination: ResPagination,
    /// Version of the API.
    pub version: &'static str,
}
