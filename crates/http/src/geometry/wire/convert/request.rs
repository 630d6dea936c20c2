//! Requests in the form that the use cases take.

use std::str::FromStr;
use std::time::Duration;

use vitrine_service::computations::ExportRequest;
use vitrine_service::models::{BlockingPatch, ModelPatch};
use vitrine_service::sessions::Initial;

use crate::error::{ApiError, ErrorKind};
use crate::geometry::wire::{ReqCustomizationOrExport, ReqExport, ReqModel};

/// What to compute when a session opens.
///
/// # Errors
/// [`ErrorKind::ParameterInvalid`] for a value in a form that no parameter takes.
pub fn initial(request: ReqCustomizationOrExport) -> Result<Initial, ApiError> {
    Ok(match request {
        ReqCustomizationOrExport::Customization(values) => Initial::Outputs(values.into_raw()?),
        ReqCustomizationOrExport::Export(request) => Initial::Exports(export_request(request)?),
    })
}

/// An export request.
///
/// # Errors
/// [`ErrorKind::ParameterInvalid`] for a value in a form that no parameter takes.
pub fn export_request(request: ReqExport) -> Result<ExportRequest, ApiError> {
    Ok(ExportRequest {
        parameters: request.parameters.into_raw()?,
        exports: request.exports,
        outputs: request.outputs.unwrap_or_default(),
        max_wait: request.max_wait_time.map(Duration::from_millis),
    })
}

/// What `CreateModel` and `UpdateModel` shall set.
///
/// # Errors
/// [`ErrorKind::RequestInvalid`] naming the member that does not have its form or its range.
pub fn model_patch(request: ReqModel) -> Result<ModelPatch, ApiError> {
    if request.prev_id.is_some() && request.with_repo == Some(true) {
        return Err(ApiError::new(
            ErrorKind::RequestInvalid,
            "\"prev_id\" and \"with_repo\" exclude each other: a new version of a model, or a new \
             model.",
        ));
    }
    let blocking = request.blocking_reasons.unwrap_or_default();
    Ok(ModelPatch {
        name: request.name,
        filename: request.filename,
        id2: request.id2,
        user: id("user_id", request.user_id)?,
        organization: id("org_id", request.org_id)?,
        accessdomains: request.accessdomains,
        allowed_libraries: request.allowed_libraries,
        auth_groups: request.auth_groups,
        backend_access: request.backendaccess,
        public: request.public,
        require_iframe: request.require_iframe,
        require_token: request.require_token,
        deny_scripts: request.deny_scripts,
        initial_warmup: request.initial_warmup,
        use_cdn: request.use_cdn,
        blocking: BlockingPatch {
            credit_limit: blocking.credit_limit,
            owner: blocking.owner,
            backend_permission: blocking.backend_permission,
        },
        session_rate_limit: request.session_rate_limit,
        max_comp_time_ms: request.max_comp_time,
        max_wait_time_ms: request.max_wait_time,
        max_export_size: request.max_export_size,
        max_output_size: request.max_output_size,
        max_model_size: request.max_model_size,
        max_texture_size: request.max_texture_size,
        max_idle_minutes: count("max_idle_minutes", request.max_idle_minutes)?,
        num_loaded_max: count("num_loaded_max", request.num_loaded_max)?,
        num_loaded_min: count("num_loaded_min", request.num_loaded_min)?,
        num_preloaded_min: count("num_preloaded_min", request.num_preloaded_min)?,
        trust: request.trust.map(|level| level.as_str().to_owned()),
        webhook_url: request.webhook_url,
        webhook_token: request.webhook_token,
        prev_id: id("prev_id", request.prev_id)?,
        title: request.title,
        slug: request.slug,
    })
}

/// An id; an empty text counts as absent.
fn id<T: FromStr>(member: &str, text: Option<String>) -> Result<Option<T>, ApiError> {
    text.filter(|text| !text.is_empty())
        .map(|text| {
            text.parse().map_err(|_| {
                ApiError::new(
                    ErrorKind::RequestInvalid,
                    format!("{member:?} is a UUID such as 4c4b2b5e-0a8b-4d0e-9a55-2f6e8f0c1d7a."),
                )
            })
        })
        .transpose()
}

fn count(member: &str, number: Option<u64>) -> Result<Option<u32>, ApiError> {
    number
        .map(|number| {
            u32::try_from(number).map_err(|_| {
                ApiError::new(
                    ErrorKind::RequestInvalid,
                    format!("{member:?} is a whole number up to {}.", u32::MAX),
                )
            })
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_is_set() {
        let request = ReqModel {
            public: Some(true),
            ..ReqModel::default()
        };
        let patch = model_patch(request).unwrap();
        assert_eq!(patch.public, Some(true));
        assert!(patch.name.is_none() && patch.backend_access.is_none() && patch.user.is_none());
    }

    #[test]
    fn a_member_without_its_form_is_named() {
        let text = |value: &str| Some(value.to_owned());
        for (request, member) in [
            (
                ReqModel {
                    user_id: text("me"),
                    ..ReqModel::default()
                },
                "user_id",
            ),
            (
                ReqModel {
                    prev_id: text("x"),
                    ..ReqModel::default()
                },
                "prev_id",
            ),
            (
                ReqModel {
                    num_loaded_max: Some(1 << 40),
                    ..ReqModel::default()
                },
                "num_loaded_max",
            ),
        ] {
            let error = model_patch(request).err().unwrap();
            assert!(error.message().contains(member), "{error}");
        }
        let both = ReqModel {
            prev_id: text("4c4b2b5e-0a8b-4d0e-9a55-2f6e8f0c1d7a"),
            with_repo: Some(true),
            ..ReqModel::default()
        };
        assert!(model_patch(both).is_err());
    }
}
