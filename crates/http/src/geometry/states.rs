//! Outputs and exports on the wire, from what the use cases know of them.

use std::num::NonZeroU32;

use vitrine_access::ids::TokenId;
use vitrine_access::time::Timestamp;
use vitrine_model::Definition;
use vitrine_service::Services;
use vitrine_service::computations::{ItemState, ItemStates};
use vitrine_service::sessions::SessionEntry;
use vitrine_store::{ModelRecord, ResultKind, ResultRecord, StoredContent};

use super::wire::convert::{export_definition, output_definition};
use super::wire::{
    ComputationStatus, Directory, ResExport, ResExportContent, ResExportDefinition,
    ResExportOrDefinition, ResOutput, ResOutputContent, ResOutputDefinition,
    ResOutputOrDefinition,
};

/// What hrefs in an answer are made for.
pub(crate) struct Holder<'a> {
    /// The use cases.
    pub(crate) services: &'a Services,
    /// The session whose links they are.
    pub(crate) session: &'a SessionEntry,
    /// The session's model.
    pub(crate) model: &'a ModelRecord,
    /// The token that came along, where the model demands one: links end with it.
    pub(crate) token: Option<(TokenId, Timestamp)>,
}

/// Least delay that is sent: 0 would mean "finished".
const DELAY_MIN_MS: NonZeroU32 = NonZeroU32::MIN;

fn delay(ms: u64) -> NonZeroU32 {
    u32::try_from(ms).ok().and_then(NonZeroU32::new).unwrap_or(DELAY_MIN_MS)
}

fn status(word: &str) -> ComputationStatus {
    match word {
        "timeout" => ComputationStatus::Timeout,
        "recoverableerror" => ComputationStatus::Recoverableerror,
        "unrecoverableerror" => ComputationStatus::Unrecoverableerror,
        _ => ComputationStatus::Unknown,
    }
}

impl Holder<'_> {
    fn definition(&self) -> Option<&Definition> {
        self.model.definition.as_deref()
    }

    /// Outputs by id, in the order of the states.
    pub(crate) fn outputs(&self, states: ItemStates) -> Directory<ResOutputOrDefinition> {
        states
            .into_iter()
            .filter_map(|(id, state)| {
                let definition = self.definition()?.outputs.iter().find(|o| o.id.to_string() == id)?;
                Some((id, self.output(output_definition(definition), state)))
            })
            .collect()
    }

    /// Exports by id, in the order of the states.
    pub(crate) fn exports(&self, states: ItemStates) -> Directory<ResExportOrDefinition> {
        states
            .into_iter()
            .filter_map(|(id, state)| {
                let definition = self.definition()?.exports.iter().find(|e| e.id.to_string() == id)?;
                Some((id, self.export(export_definition(definition), state)))
            })
            .collect()
    }

    /// One stored version of an output, for lists.
    pub(crate) fn stored_output(&self, record: &ResultRecord) -> Option<ResOutput> {
        let definition = self.definition()?.outputs.iter().find(|o| o.id.to_string() == record.id)?;
        Some(self.done_output(output_definition(definition), record))
    }

    fn output(&self, definition: ResOutputDefinition, state: ItemState) -> ResOutputOrDefinition {
        match state {
            ItemState::Definition => definition.into(),
            ItemState::Pending { version, delay_ms } => {
                ResOutput::pending(definition, version.to_string(), delay(delay_ms)).into()
            }
            ItemState::Done(record) => self.done_output(definition, &record).into(),
            ItemState::Failed { version, failure } => ResOutput::failed(
                definition,
                version.to_string(),
                status(failure.status),
                Some(failure.message.clone()),
            )
            .into(),
        }
    }

    fn done_output(&self, definition: ResOutputDefinition, record: &ResultRecord) -> ResOutput {
        let content = record
            .content
            .iter()
            .map(|item| ResOutputContent {
                format: item.format.clone(),
                href: self.href(ResultKind::Output, item, None),
                size: item.blob.map(|_| item.size),
                name: item.name.clone(),
                transformations: None,
                msg: None,
                data: item.data.clone(),
                content_type: item.content_type.clone(),
            })
            .collect();
        ResOutput::done(definition, record.version.to_string(), content, record.bbox)
    }

    fn export(&self, definition: ResExportDefinition, state: ItemState) -> ResExportOrDefinition {
        match state {
            ItemState::Definition => definition.into(),
            ItemState::Pending { version, delay_ms } => {
                ResExport::pending(definition, version.to_string(), delay(delay_ms)).into()
            }
            ItemState::Done(record) => {
                let base = file_stem(self.model, &definition.name);
                let content = record
                    .content
                    .iter()
                    .filter_map(|item| {
                        let filename = format!("{base}.{}", item.filename_ext);
                        Some(ResExportContent {
                            format: item.format.clone(),
                            href: self.href(ResultKind::Export, item, Some(filename))?,
                            size: Some(item.size),
                            content_type: item.content_type.clone(),
                        })
                    })
                    .collect();
                ResExport::done(definition, record.version.to_string(), content, Some(base)).into()
            }
            ItemState::Failed { version, failure } => ResExport::failed(
                definition,
                version.to_string(),
                status(failure.status),
                Some(failure.message.clone()),
            )
            .into(),
        }
    }

    fn href(
        &self,
        kind: ResultKind,
        content: &StoredContent,
        filename: Option<String>,
    ) -> Option<String> {
        self.services.asset_href(self.session, kind, content, filename, self.token)
    }
}

/// Suggested base name of a downloaded file: the model's and the export's name.
fn file_stem(model: &ModelRecord, export: &str) -> String {
    let model = if model.slug.is_empty() { "model" } else { &model.slug };
    let export: String = export
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '-' { c } else { '-' })
        .collect();
    format!("{model}-{}", export.to_lowercase())
}
