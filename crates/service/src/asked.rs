//! What a request asks for, validated: complete values and the versions that follow from them; and
//! what an answer knows of each output and export.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::ids::BlobKey;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_model::{Customization, Definition, RawValue, Version, Wanted, resolve};
use vitrine_store::{ModelRecord, OutputVersionRecord};

use crate::error::{Error, ErrorKind, Result};
use crate::who::printable;

/// Why there is no result.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The contract's word for `status_computation`.
    pub status: &'static str,
    /// A sentence for the author.
    pub message: String,
}

/// How far one output or export is.
#[derive(Clone, Debug)]
pub enum ItemState {
    /// Under way, or unknown: ask again in so many milliseconds.
    Pending {
        /// The version that was asked for.
        version: Version,
        /// Milliseconds until asking again makes sense, above 0.
        delay_ms: u64,
    },
    /// Computed.
    Done(Arc<OutputVersionRecord>),
    /// Ended without a result.
    Failed {
        /// The version that was asked for.
        version: Version,
        /// Why.
        failure: Arc<Failure>,
    },
}

/// The states of a model's outputs, or of its exports, by id.
pub type ItemStates = Vec<(String, ItemState)>;

/// The body of an export request.
#[derive(Clone, Debug, Default)]
pub struct ExportRequest {
    /// Values on top of the defaults.
    pub parameters: Vec<(String, RawValue)>,
    /// Ids of the exports that are wanted.
    pub exports: Vec<String>,
    /// Ids of outputs that shall come in the same answer.
    pub outputs: Vec<String>,
    /// How long to hold the request; `None` leaves it to the model's settings.
    pub max_wait: Option<Duration>,
}

/// States of both sides of an answer.
#[derive(Clone, Debug)]
pub struct States {
    /// Outputs, all of the model or those that were asked for.
    pub outputs: ItemStates,
    /// Exports that were asked for.
    pub exports: ItemStates,
}

/// A validated request: complete values and the versions that follow from them.
#[derive(Clone, Debug)]
pub struct Asked {
    pub(crate) definition: Arc<Definition>,
    pub(crate) values: Arc<Customization>,
    pub(crate) outputs: Vec<(String, Version, Wanted)>,
    pub(crate) exports: Vec<(String, Version, Wanted)>,
    /// What was ignored, in words.
    pub warnings: Vec<String>,
}

impl Asked {
    /// All outputs for the given values. `engine` stands for the model's engine in their versions.
    ///
    /// # Errors
    /// Names the parameter, the value and what is accepted.
    pub fn outputs(
        engine: &str,
        model: &ModelRecord,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<Self> {
        let mut asked = Self::values(model, raw, ignore_unknown)?;
        let (definition, source) = described(model)?;
        asked.outputs = definition
            .outputs
            .iter()
            .map(|output| {
                let version = definition.version_of_output(&source, engine, output, &asked.values);
                (
                    output.id.to_string(),
                    version,
                    Wanted::Output(output.id.clone()),
                )
            })
            .collect();
        Ok(asked)
    }

    /// The exports, and outputs, of an export request.
    ///
    /// # Errors
    /// As for outputs; also for ids that the model does not have.
    pub fn exports(
        engine: &str,
        model: &ModelRecord,
        request: &ExportRequest,
        ignore_unknown: bool,
    ) -> Result<Self> {
        let mut asked = Self::outputs(engine, model, &request.parameters, ignore_unknown)?;
        let (definition, source) = described(model)?;
        for id in &request.exports {
            if asked.exports.iter().any(|(known, ..)| known == id) {
                continue;
            }
            let export = definition
                .exports
                .iter()
                .find(|export| export.id.to_string() == *id)
                .ok_or_else(|| unknown_entity("export", id))?;
            let version = definition.version_of_export(&source, engine, export, &asked.values);
            asked
                .exports
                .push((id.clone(), version, Wanted::Export(export.id.clone())));
        }
        if asked.exports.is_empty() {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "An export request names at least one export id in 'exports'.",
            ));
        }
        for id in &request.outputs {
            if !asked.outputs.iter().any(|(known, ..)| known == id) {
                return Err(unknown_entity("output", id));
            }
        }
        asked
            .outputs
            .retain(|(id, ..)| request.outputs.contains(id));
        Ok(asked)
    }

    fn values(
        model: &ModelRecord,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<Self> {
        let (definition, _) = described(model)?;
        let (values, warnings) = resolve(&definition, raw, ignore_unknown)?;
        Ok(Self {
            definition,
            values: Arc::new(values),
            outputs: Vec::new(),
            exports: Vec::new(),
            warnings,
        })
    }

    pub(crate) fn wants_exports(&self) -> bool {
        !self.exports.is_empty()
    }

    pub(crate) fn wants_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }
}

/// The definition and the file of a model that was analysed.
pub(crate) fn described(model: &ModelRecord) -> Result<(Arc<Definition>, BlobKey)> {
    match (&model.definition, model.source) {
        (Some(definition), Some(source)) => Ok((Arc::clone(definition), source)),
        _ => Err(undescribed()),
    }
}

/// What is said of a model about whose file nothing is known.
pub(crate) fn undescribed() -> Error {
    Refusal::new(
        RefusalKind::ModelUnconfirmed,
        "The model's file was not analysed yet. Wait until its status is 'confirmed'.",
    )
    .into()
}

pub(crate) fn unknown_entity(what: &str, id: &str) -> Error {
    Error::new(
        ErrorKind::EntityUnknown,
        format!(
            "The model has no {what} {}. Use an id from the session's '{what}s'.",
            printable(id)
        ),
    )
}
