//! Query strings.

use serde::Deserialize;
use utoipa::IntoParams;

use super::base::{ComputationStatus, ModelStatusWord};

/// Query of `CreateSessionByTicket` and `CreateSessionByModel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// Saved values to start from.
    pub model_state_id: Option<String>,
    /// Whether unknown parameters are ignored instead of refused.
    pub ignore_unknown_params: bool,
    /// Whether saved values that no longer fit are refused instead of dropped.
    pub strict_model_state_validation: bool,
}

/// Query of `ComputeOutputs`, `ComputeExports` and their cache variants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ComputeQuery {
    /// Whether unknown parameters are ignored instead of refused.
    pub ignore_unknown_params: bool,
}

/// Query of `ListModels`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ListModelsQuery {
    /// Only models in this state.
    #[param(inline)]
    pub model_status: Option<ModelStatusWord>,
    /// Where the last page ended (`pagination.next_offset`).
    pub offset: Option<String>,
}

/// Query of `ListOutputVersions` and `ListExportVersions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ListOutputVersionsQuery {
    /// Only versions whose computation ended like this.
    #[param(inline)]
    pub status_computation: Option<ComputationStatus>,
    /// Only versions whose collecting ended like this.
    #[param(inline)]
    pub status_collect: Option<ComputationStatus>,
    /// Where the last page ended (`pagination.next_offset`).
    pub offset: Option<String>,
}

impl ListOutputVersionsQuery {
    /// Whether successes are asked for. Only results are kept, and a result is a success: another
    /// status matches nothing.
    #[must_use]
    pub fn wants_success(&self) -> bool {
        [self.status_computation, self.status_collect]
            .into_iter()
            .flatten()
            .all(|status| status == ComputationStatus::Success)
    }
}
