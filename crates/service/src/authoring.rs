//! What authors change of a model: defaults, how parameters, outputs and exports are shown, and the
//! viewer's settings.

use std::sync::Arc;

use serde_json::{Map, Value};
use vitrine_access::ids::ModelId;
use vitrine_access::permissions::PermissionSet;
use vitrine_access::refusal::RefusalKind;
use vitrine_model::overrides::{ParameterOverride, Presentation};
use vitrine_model::{Definition, DefinitionError, Overrides, RawValue};
use vitrine_store::ModelRecord;

use crate::Services;
use crate::asked::undescribed;
use crate::error::{Error, ErrorKind, Result};
use crate::who::{Caller, refuse};

/// Largest settings object of the viewer, as JSON: it is part of every session's answer. Full ones of
/// official viewers have some ten kilobytes.
pub const VIEWER_CONFIG_BYTES_MAX: usize = 256 * 1024;

/// The right to change one model as its author.
#[derive(Clone, Debug)]
pub struct AuthorAccess {
    /// The model.
    pub model: Arc<ModelRecord>,
    /// Everything that the credential permits on it.
    pub permissions: PermissionSet,
}

impl Services {
    /// Checks an author's request on a model: by a token, or by a session that an author's ticket
    /// opened and that the caller names beside the request.
    ///
    /// # Errors
    /// Token refusals; 403 before any look-up when the credential does not cover the id.
    pub async fn author_access(
        &self,
        operation: &str,
        model_id: &str,
        caller: &Caller,
    ) -> Result<AuthorAccess> {
        let Some(session) = caller.session.as_deref() else {
            let access = self.model_access(operation, model_id, caller).await?;
            return Ok(AuthorAccess {
                model: access.model,
                permissions: access.permissions,
            });
        };
        let access = self.session_access(operation, session, caller).await?;
        if model_id.parse::<ModelId>() != Ok(access.model.id) {
            return Err(refuse(
                RefusalKind::WrongModel,
                "The session is not for this model. Name the model of the session's answer.",
            ));
        }
        Ok(AuthorAccess {
            model: access.model,
            permissions: access.permissions,
        })
    }

    /// `UpdateParameterDefaultValues`. From here on sessions open with these values.
    ///
    /// # Errors
    /// Names the parameter, the value and what is accepted.
    pub async fn set_default_values(
        &self,
        model: ModelId,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<()> {
        self.change_overrides(model, |overrides, described| {
            Ok(overrides.set_defaults(described, raw, ignore_unknown)?)
        })
        .await
    }

    /// `UpdateParameterDefinitions`.
    ///
    /// # Errors
    /// Names the parameter and what is wrong.
    pub async fn present_parameters(
        &self,
        model: ModelId,
        changes: Vec<(String, ParameterOverride)>,
    ) -> Result<()> {
        self.change_overrides(model, |overrides, described| {
            overrides
                .present_parameters(described, changes.clone())
                .map_err(unfit)
        })
        .await
    }

    /// `UpdateOutputDefinitions`.
    ///
    /// # Errors
    /// Names the output and what is wrong.
    pub async fn present_outputs(
        &self,
        model: ModelId,
        changes: Vec<(String, Presentation)>,
    ) -> Result<()> {
        self.change_overrides(model, |overrides, described| {
            overrides
                .present_outputs(described, changes.clone())
                .map_err(unfit)
        })
        .await
    }

    /// `UpdateExportDefinitions`.
    ///
    /// # Errors
    /// Names the export and what is wrong.
    pub async fn present_exports(
        &self,
        model: ModelId,
        changes: Vec<(String, Presentation)>,
    ) -> Result<()> {
        self.change_overrides(model, |overrides, described| {
            overrides
                .present_exports(described, changes.clone())
                .map_err(unfit)
        })
        .await
    }

    async fn change_overrides(
        &self,
        model: ModelId,
        change: impl Fn(&mut Overrides, &Definition) -> Result<()>,
    ) -> Result<()> {
        self.change_model(model, |model| {
            let described = model.described.clone().ok_or_else(undescribed)?;
            let mut overrides = model.overrides.clone();
            change(&mut overrides, &described)?;
            model.present(overrides);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// `CreateModelConfig`: these settings and no others.
    ///
    /// # Errors
    /// `RequestInvalid` beyond [`VIEWER_CONFIG_BYTES_MAX`].
    pub async fn replace_viewer_config(
        &self,
        model: ModelId,
        config: Map<String, Value>,
    ) -> Result<()> {
        let config = Value::Object(config);
        check_size(&config)?;
        self.set_viewer_config(model, &config).await
    }

    /// `UpdateModelConfig`: the members that are sent replace those of the same name.
    ///
    /// # Errors
    /// `RequestInvalid` when the settings then exceed [`VIEWER_CONFIG_BYTES_MAX`].
    pub async fn merge_viewer_config(
        &self,
        model: ModelId,
        changes: Map<String, Value>,
    ) -> Result<()> {
        self.change_model(model, |model| {
            let mut config = match &model.viewer_config {
                Value::Object(config) => config.clone(),
                _ => Map::new(),
            };
            config.extend(changes.clone());
            let config = Value::Object(config);
            check_size(&config)?;
            model.viewer_config = config;
            Ok(())
        })
        .await
        .map(drop)
    }
}

fn check_size(config: &Value) -> Result<()> {
    let bytes = config.to_string().len();
    if bytes <= VIEWER_CONFIG_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RequestInvalid,
        format!(
            "The viewer's settings would have {bytes} bytes as JSON; at most \
             {VIEWER_CONFIG_BYTES_MAX} are kept. Leave out what the viewer does not need."
        ),
    ))
}

fn unfit(error: DefinitionError) -> Error {
    let DefinitionError { place, problem } = error;
    Error::new(ErrorKind::RequestInvalid, format!("{place}: {problem}"))
}
