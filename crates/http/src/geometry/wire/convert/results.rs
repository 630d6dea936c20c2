//! Results of computations.

use std::num::NonZeroU32;

use vitrine_model::{Definition, Export, Output};
use vitrine_service::computations::ItemState;
use vitrine_service::{ComputationStatus as Ended, OutputVersionRecord, StoredContent};

use super::definition::{export_definition, output_definition};
use crate::geometry::wire::{
    ComputationStatus, Directory, ResExport, ResExportContent, ResExportOrDefinition, ResOutput,
    ResOutputContent, ResOutputOrDefinition,
};

/// Makes the link to a stored item for whoever asked, with the name to save it under; `None` for an
/// item without bytes.
pub type AssetHref<'a> = &'a dyn Fn(&StoredContent, Option<String>) -> Option<String>;

/// Outputs with what is known of them, under their ids. States of ids that the model does not have
/// are left out.
#[must_use]
pub fn outputs(
    definition: &Definition,
    states: &[(String, ItemState)],
    href: AssetHref<'_>,
) -> Directory<ResOutputOrDefinition> {
    states
        .iter()
        .filter_map(|(id, state)| {
            let output = definition
                .outputs
                .iter()
                .find(|output| output.id.as_str() == id)?;
            Some((id.clone(), output_in_state(output, state, href)))
        })
        .collect()
}

/// Exports with what is known of them, under their ids.
#[must_use]
pub fn exports(
    definition: &Definition,
    states: &[(String, ItemState)],
    href: AssetHref<'_>,
) -> Directory<ResExportOrDefinition> {
    states
        .iter()
        .filter_map(|(id, state)| {
            let export = definition
                .exports
                .iter()
                .find(|export| export.id.as_str() == id)?;
            Some((id.clone(), export_in_state(export, state, href)))
        })
        .collect()
}

/// Stored versions of one output.
#[must_use]
pub fn output_versions(
    output: &Output,
    records: &[OutputVersionRecord],
    href: AssetHref<'_>,
) -> Vec<ResOutput> {
    records
        .iter()
        .map(|record| recorded_output(output, record, href))
        .collect()
}

/// Stored versions of one export.
#[must_use]
pub fn export_versions(
    export: &Export,
    records: &[OutputVersionRecord],
    href: AssetHref<'_>,
) -> Vec<ResExport> {
    records
        .iter()
        .map(|record| recorded_export(export, record, href))
        .collect()
}

fn output_in_state(
    output: &Output,
    state: &ItemState,
    href: AssetHref<'_>,
) -> ResOutputOrDefinition {
    let definition = output_definition(output);
    match state {
        ItemState::Pending { version, delay_ms } => {
            ResOutput::pending(definition, version.to_string(), delay(*delay_ms)).into()
        }
        ItemState::Done(record) => recorded_output(output, record, href).into(),
        ItemState::Failed { version, failure } => ResOutput::failed(
            definition,
            version.to_string(),
            ComputationStatus::from_word(failure.status),
            Some(failure.message.clone()),
        )
        .into(),
    }
}

fn export_in_state(
    export: &Export,
    state: &ItemState,
    href: AssetHref<'_>,
) -> ResExportOrDefinition {
    let definition = export_definition(export);
    match state {
        ItemState::Pending { version, delay_ms } => {
            ResExport::pending(definition, version.to_string(), delay(*delay_ms)).into()
        }
        ItemState::Done(record) => recorded_export(export, record, href).into(),
        ItemState::Failed { version, failure } => ResExport::failed(
            definition,
            version.to_string(),
            ComputationStatus::from_word(failure.status),
            Some(failure.message.clone()),
        )
        .into(),
    }
}

fn recorded_output(
    output: &Output,
    record: &OutputVersionRecord,
    href: AssetHref<'_>,
) -> ResOutput {
    let (definition, version) = (output_definition(output), record.version.clone());
    match &record.status {
        Ended::Success => {
            let content = record
                .content
                .iter()
                .map(|item| output_content(item, &output.name, href))
                .collect();
            ResOutput::done(definition, version, content, record.bbox)
        }
        Ended::Failed { api_word, message } => {
            let status = ComputationStatus::from_word(api_word);
            ResOutput::failed(definition, version, status, Some(message.clone()))
        }
    }
}

fn recorded_export(
    export: &Export,
    record: &OutputVersionRecord,
    href: AssetHref<'_>,
) -> ResExport {
    let (definition, version) = (export_definition(export), record.version.clone());
    match &record.status {
        Ended::Success => {
            let content = record
                .content
                .iter()
                .filter_map(|item| export_content(item, &export.name, href))
                .collect();
            ResExport::done(definition, version, content, Some(export.name.clone()))
        }
        Ended::Failed { api_word, message } => {
            let status = ComputationStatus::from_word(api_word);
            ResExport::failed(definition, version, status, Some(message.clone()))
        }
    }
}

fn output_content(item: &StoredContent, name: &str, href: AssetHref<'_>) -> ResOutputContent {
    let href = href(item, Some(file_name(item, name)));
    ResOutputContent {
        format: item.format.clone(),
        size: href.as_ref().map(|_| item.size),
        content_type: href.as_ref().and(item.content_type.clone()),
        href,
        name: item.name.clone(),
        transformations: None,
        msg: None,
        data: item.data.clone(),
    }
}

/// An export item without bytes has nothing to download.
fn export_content(
    item: &StoredContent,
    name: &str,
    href: AssetHref<'_>,
) -> Option<ResExportContent> {
    Some(ResExportContent {
        format: item.format.clone(),
        href: href(item, Some(file_name(item, name)))?,
        size: Some(item.size),
        content_type: item.content_type.clone(),
    })
}

fn file_name(item: &StoredContent, name: &str) -> String {
    let extension = item.filename_ext.as_deref().unwrap_or(&item.format);
    let ends_so = name
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case(extension));
    if ends_so {
        name.to_owned()
    } else {
        format!("{name}.{extension}")
    }
}

/// A delay that clients take for one: never 0.
fn delay(delay_ms: u64) -> NonZeroU32 {
    u32::try_from(delay_ms)
        .ok()
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vitrine_access::ids::{BlobKey, ModelId};
    use vitrine_access::time::Timestamp;
    use vitrine_model::{ExportFormat, ExportSource, OutputKind};
    use vitrine_service::ResultKind;

    use super::*;

    const LINEAGE: &str = "6f0c0b5e-1f6b-4b52-9c55-0a7c3c1c2a11";

    fn record(kind: ResultKind, content: Vec<StoredContent>) -> OutputVersionRecord {
        OutputVersionRecord {
            model: ModelId::from_bytes([1; 16]),
            kind,
            output: "o".into(),
            version: "00112233445566778899aabbccddeeff".into(),
            status: Ended::Success,
            content,
            bbox: Some(([0.0; 3], [1.0, 2.0, 3.0])),
            created_at: Timestamp::from_unix_ms(0),
        }
    }

    fn bytes(format: &str) -> StoredContent {
        StoredContent {
            format: format.into(),
            content_type: Some("model/x".into()),
            name: None,
            blob: Some(BlobKey::of(b"x")),
            size: 7,
            data: None,
            filename_ext: Some(format.into()),
        }
    }

    fn data() -> StoredContent {
        StoredContent {
            format: "data".into(),
            content_type: None,
            name: Some("price".into()),
            blob: None,
            size: 0,
            data: Some(json!(9.5)),
            filename_ext: None,
        }
    }

    fn href(item: &StoredContent, filename: Option<String>) -> Option<String> {
        item.blob
            .map(|_| format!("https://v.example/{}", filename.unwrap()))
    }

    #[test]
    fn bytes_get_a_link_and_data_stands_in_the_answer() {
        let output = Output::new(LINEAGE, "Shelf", OutputKind::Geometry, Vec::new());
        let record = record(ResultKind::Output, vec![bytes("glb"), data()]);
        let json = serde_json::to_value(recorded_output(&output, &record, &href)).unwrap();
        assert_eq!(
            json["content"],
            json!([
                {
                    "format": "glb", "href": "https://v.example/Shelf.glb", "size": 7,
                    "contentType": "model/x",
                },
                {"format": "data", "name": "price", "data": 9.5},
            ])
        );
        assert_eq!(json["bbmax"], json!([1.0, 2.0, 3.0]));
        assert_eq!(json["status_collect"], "success");
    }

    #[test]
    fn an_export_is_named_after_itself_once() {
        let source = ExportSource::Own;
        let export = Export::new(LINEAGE, "shelf.STL", ExportFormat::Stl, source, Vec::new());
        let record = record(ResultKind::Export, vec![bytes("stl"), data()]);
        let json = serde_json::to_value(recorded_export(&export, &record, &href)).unwrap();
        assert_eq!(json["content"][0]["href"], "https://v.example/shelf.STL");
        assert_eq!(json["content"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_stored_failure_is_told_as_such() {
        let output = Output::new(LINEAGE, "Shelf", OutputKind::Geometry, Vec::new());
        let failed = OutputVersionRecord {
            status: Ended::Failed {
                api_word: "timeout".into(),
                message: "Too slow.".into(),
            },
            ..record(ResultKind::Output, Vec::new())
        };
        let json = serde_json::to_value(recorded_output(&output, &failed, &href)).unwrap();
        assert_eq!(json["status_computation"], "timeout");
        assert_eq!(json["msg"], "Too slow.");
        assert_eq!(json["content"], json!([]));
    }

    #[test]
    fn a_delay_is_never_zero() {
        assert_eq!(delay(0).get(), 1);
        assert_eq!(delay(250).get(), 250);
    }
}
