//! Changes of how things are shown.

use vitrine_model::Group;
use vitrine_model::overrides::{Change, ParameterOverride, Presentation};

use crate::error::{ApiError, ErrorKind};
use crate::geometry::wire::{
    ReqExportDefinitions, ReqGroup, ReqOutputDefinitions, ReqParameterDefinitions,
};

/// An empty text stands for none.
fn text(sent: Option<String>) -> Option<Change<String>> {
    sent.map(|text| {
        if text.is_empty() {
            Change::Removed
        } else {
            Change::To(text)
        }
    })
}

fn group(sent: Option<ReqGroup>) -> Option<Change<Group>> {
    sent.map(|group| match group {
        ReqGroup::Removed => Change::Removed,
        ReqGroup::To(group) => Change::To(Group {
            id: group.id,
            name: group.name,
        }),
    })
}

macro_rules! presentation {
    ($of:expr) => {
        Presentation {
            displayname: text($of.displayname),
            group: group($of.group),
            hidden: $of.hidden,
            order: $of.order,
            tooltip: text($of.tooltip),
        }
    };
}

/// Changes of parameters, by id.
#[must_use]
pub fn parameter_changes(request: ReqParameterDefinitions) -> Vec<(String, ParameterOverride)> {
    request
        .0
        .into_iter()
        .map(|(id, sent)| {
            let change = ParameterOverride {
                settings: sent.settings.map(serde_json::Value::Object),
                presentation: presentation!(sent),
                default: None,
            };
            (id, change)
        })
        .collect()
}

/// Changes of outputs, by id.
///
/// # Errors
/// [`ErrorKind::RequestInvalid`] for chunks: no output here has any.
pub fn output_changes(
    request: ReqOutputDefinitions,
) -> Result<Vec<(String, Presentation)>, ApiError> {
    let mut changes = Vec::with_capacity(request.0.len());
    for (id, sent) in request.0 {
        if let Some(chunk) = sent.chunks.iter().flatten().next() {
            return Err(ApiError::new(
                ErrorKind::RequestInvalid,
                format!(
                    "Output {id:?} has no chunk {:?}. Leave 'chunks' out: no output of this server \
                     is an sdTF asset.",
                    chunk.id
                ),
            ));
        }
        changes.push((id, presentation!(sent)));
    }
    Ok(changes)
}

/// Changes of exports, by id.
#[must_use]
pub fn export_changes(request: ReqExportDefinitions) -> Vec<(String, Presentation)> {
    request
        .0
        .into_iter()
        .map(|(id, sent)| (id, presentation!(sent)))
        .collect()
}
