//! `actions` and `templates` of a session: what it may do, as clients look it up by name.

use serde_json::{Map, Value};
use vitrine_access::ids::{ModelId, SessionId};
use vitrine_access::permissions::{Permission, PermissionSet, operation};
use vitrine_model::Definition;

use super::wire::{ResAction, ResTemplate};

/// Name of the one template that the contract knows.
const CUSTOMIZE_TEMPLATE: &str = "customize-request";

struct Row {
    name: &'static str,
    title: &'static str,
    operation: &'static str,
    needs: Option<Permission>,
    template: Option<&'static str>,
}

/// Actions whose operation is not served have no effect here: they come with their operation.
const ROWS: &[Row] = &[
    Row {
        name: "default",
        title: "Show the session again",
        operation: "GetSessionDefaults",
        needs: None,
        template: None,
    },
    Row {
        name: "customize",
        title: "Compute outputs",
        operation: "ComputeOutputs",
        needs: Some(Permission::ComputeOutput),
        template: Some(CUSTOMIZE_TEMPLATE),
    },
    Row {
        name: "export",
        title: "Compute exports",
        operation: "ComputeExports",
        needs: Some(Permission::ComputeExport),
        template: None,
    },
    Row {
        name: "close",
        title: "End the session",
        operation: "CloseSession",
        needs: None,
        template: None,
    },
    Row {
        name: "file-upload",
        title: "Upload files for parameters",
        operation: "UploadFile",
        needs: Some(Permission::AssetFileCreate),
        template: None,
    },
    Row {
        name: "configure",
        title: "Save the viewer's settings",
        operation: "UpdateModelConfig",
        needs: Some(Permission::SettingViewerSet),
        template: None,
    },
    Row {
        name: "defaultparam",
        title: "Save default values",
        operation: "UpdateParameterDefaultValues",
        needs: Some(Permission::SetParameterDefval),
        template: None,
    },
    Row {
        name: "parameter-definition",
        title: "Save how parameters are presented",
        operation: "UpdateParameterDefinitions",
        needs: Some(Permission::SetParameterUi),
        template: None,
    },
    Row {
        name: "output-definition",
        title: "Save how outputs are presented",
        operation: "UpdateOutputDefinitions",
        needs: Some(Permission::SetOutputUi),
        template: None,
    },
    Row {
        name: "export-definition",
        title: "Save how exports are presented",
        operation: "UpdateExportDefinitions",
        needs: Some(Permission::SetExportUi),
        template: None,
    },
];

/// What a session with these permissions may do.
pub(crate) fn actions(
    public_url: &str,
    session: &SessionId,
    model: ModelId,
    permissions: &PermissionSet,
) -> Vec<ResAction> {
    ROWS.iter()
        .filter(|row| row.needs.is_none_or(|needed| permissions.contains(needed)))
        .filter_map(|row| {
            let served = operation(row.operation)?;
            let path = served
                .path
                .replace("{sessionId}", &session.reveal())
                .replace("{modelId}", &model.to_string());
            Some(ResAction {
                name: row.name.to_owned(),
                title: row.title.to_owned(),
                href: format!("{public_url}{path}"),
                method: served.method.to_owned(),
                template: row.template.map(ToOwned::to_owned),
            })
        })
        .collect()
}

/// The pattern of a customization: every parameter with its default value.
pub(crate) fn templates(definition: Option<&Definition>) -> Vec<ResTemplate> {
    let Some(definition) = definition else { return Vec::new() };
    let data: Map<String, Value> = definition
        .parameters
        .iter()
        .map(|parameter| (parameter.id.to_string(), Value::String(parameter.default_wire())))
        .collect();
    vec![ResTemplate {
        name: CUSTOMIZE_TEMPLATE.to_owned(),
        title: "Values of all parameters".to_owned(),
        data,
    }]
}
