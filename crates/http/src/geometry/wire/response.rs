//! One body per operation.

use serde::Serialize;
use utoipa::ToSchema;

use super::action::{ResAction, ResTemplate};
use super::base::{API_VERSION, Directory, ResPagination};
use super::export::{ResExport, ResExportOrDefinition};
use super::model::{ResFile, ResModel, ResPlugins, ResStatistic};
use super::output::{ResOutput, ResOutputOrDefinition};
use super::parameter::ResParameter;
use super::part::Part;
use super::setting::ResSettings;
use super::ticket::ResTicket;
use super::viewer::ResViewer;

/// The least that a JSON operation answers: an empty body breaks clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResCloseSession {
    /// Version of the API.
    pub version: &'static str,
}

impl Default for ResCloseSession {
    fn default() -> Self {
        Self {
            version: API_VERSION,
        }
    }
}

/// Answer to the PUT of a model's file.
pub type ResUploadModelFile = ResCloseSession;
/// Answer of `DeleteModel`, `RestoreModel` and `EraseModel`.
pub type ResDeleteModel = ResCloseSession;
/// Answer of `CreateModelConfig`.
pub type ResCreateModelConfig = ResCloseSession;
/// Answer of `UpdateModelConfig`.
pub type ResUpdateModelConfig = ResCloseSession;
/// Answer of `UpdateParameterDefaultValues`.
pub type ResUpdateParameterDefaultValues = ResCloseSession;
/// Answer of `UpdateParameterDefinitions`.
pub type ResUpdateParameterDefinitions = ResCloseSession;
/// Answer of `UpdateOutputDefinitions`.
pub type ResUpdateOutputDefinitions = ResCloseSession;
/// Answer of `UpdateExportDefinitions`.
pub type ResUpdateExportDefinitions = ResCloseSession;

/// Answer of `CreateModel`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResCreateModel {
    /// Links to the model's file.
    pub file: ResFile,
    /// Urgent information about the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The model.
    pub model: ResModel,
    /// Its settings.
    pub setting: ResSettings,
    /// What it was used for.
    pub statistic: ResStatistic,
    /// Version of the API.
    pub version: &'static str,
}

/// Answer of `UpdateModel`: the same blocks as `CreateModel`.
pub type ResUpdateModel = ResCreateModel;

/// Answer of `GetModel`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResGetModel {
    /// Definitions of the exports.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, ResExportOrDefinition>>)]
    pub exports: Option<Directory<ResExportOrDefinition>>,
    /// Links to the model's file.
    pub file: ResFile,
    /// Urgent information about the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The model.
    pub model: ResModel,
    /// Definitions of the outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, ResOutputOrDefinition>>)]
    pub outputs: Option<Directory<ResOutputOrDefinition>>,
    /// Parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, ResParameter>>)]
    pub parameters: Option<Directory<ResParameter>>,
    /// Libraries that the model uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<ResPlugins>,
    /// Its settings.
    pub setting: ResSettings,
    /// What it was used for.
    pub statistic: ResStatistic,
    /// Version of the API.
    pub version: &'static str,
    /// Settings of the viewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer: Option<ResViewer>,
}

/// The list of `ListModels`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResModelList {
    /// The models.
    pub model: Vec<ResModel>,
}

/// Answer of `ListModels`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResListModels {
    /// The page.
    pub list: ResModelList,
    /// Where it ends.
    pub pagination: ResPagination,
    /// Version of the API.
    pub version: &'static str,
}

/// Answer of `CreateTicket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResCreateTicket {
    /// Links to the model's file.
    pub file: ResFile,
    /// The model.
    pub model: ResModel,
    /// Its settings.
    pub setting: ResSettings,
    /// What it was used for.
    pub statistic: ResStatistic,
    /// The ticket.
    pub ticket: String,
    /// Version of the API.
    pub version: &'static str,
}

/// Answer of `DecryptTicket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResDecryptTicket {
    /// What the ticket says.
    #[serde(rename = "decryptedTicket")]
    pub decrypted_ticket: ResTicket,
    /// Version of the API.
    pub version: &'static str,
}

/// Saved values that a session started from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ResModelStateData {
    /// Parameter ids and values.
    #[schema(value_type = Object)]
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// Data that was saved with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<serde_json::Value>,
}

/// Answer of `CreateSessionByTicket` and `CreateSessionByModel` (status 201), and of `GetSessionDefaults`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResCreateSession {
    /// What the session may do.
    pub actions: Vec<ResAction>,
    /// Exports, or their definitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, ResExportOrDefinition>>)]
    pub exports: Option<Part<Directory<ResExportOrDefinition>>>,
    /// Links to the model's file.
    pub file: ResFile,
    /// Urgent information about the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The model.
    pub model: ResModel,
    /// Saved values that the session started from; absent when none were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_state: Option<ResModelStateData>,
    /// Outputs, or their definitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, ResOutputOrDefinition>>)]
    pub outputs: Option<Part<Directory<ResOutputOrDefinition>>>,
    /// Parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, ResParameter>>)]
    pub parameters: Option<Part<Directory<ResParameter>>>,
    /// Id of the session: whoever knows it may use the session.
    pub session_id: String,
    /// Settings of the model.
    pub setting: ResSettings,
    /// What the model was used for.
    pub statistic: ResStatistic,
    /// Patterns for request bodies.
    #[schema(value_type = Vec<ResTemplate>)]
    pub templates: Part<Vec<ResTemplate>>,
    /// Version of the API.
    pub version: &'static str,
    /// Settings of the viewer.
    pub viewer: ResViewer,
    /// Newest version of those settings.
    pub viewer_settings_version: &'static str,
    /// What was wrong but did not stand in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
}

/// Answer of `GetSessionDefaults`: the same members as on creation.
pub type ResGetSessionDefaults = ResCreateSession;

/// Answer of `ComputeOutputs` and `GetCachedOutputs`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResComputeOutputs {
    /// Urgent information about the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The outputs.
    #[schema(value_type = BTreeMap<String, ResOutputOrDefinition>)]
    pub outputs: Directory<ResOutputOrDefinition>,
    /// Version of the API.
    pub version: &'static str,
}

/// Answer of `GetCachedOutputs`.
pub type ResGetCachedOutputs = ResComputeOutputs;

/// The list of `ListOutputVersions`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResOutputList {
    /// The versions.
    pub output: Vec<ResOutput>,
}

/// Answer of `ListOutputVersions`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResListOutputVersions {
    /// The page.
    pub list: ResOutputList,
    /// Where it ends.
    pub pagination: ResPagination,
    /// Version of the API.
    pub version: &'static str,
}

/// The list of `ListExportVersions`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResExportList {
    /// The versions.
    pub export: Vec<ResExport>,
}

/// Answer of `ListExportVersions`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResListExportVersions {
    /// The page.
    pub list: ResExportList,
    /// Where it ends.
    pub pagination: ResPagination,
    /// Version of the API.
    pub version: &'static str,
}

/// Answer of `ComputeExports` and `GetCachedExports`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResComputeExports {
    /// The exports.
    #[schema(value_type = BTreeMap<String, ResExportOrDefinition>)]
    pub exports: Directory<ResExportOrDefinition>,
    /// Urgent information about the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The outputs that were asked for along with the exports.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, ResOutputOrDefinition>>)]
    pub outputs: Option<Directory<ResOutputOrDefinition>>,
    /// Version of the API.
    pub version: &'static str,
}

/// Answer of `GetCachedExports`.
pub type ResGetCachedExports = ResComputeExports;

/// Answer of `GetModelConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResGetModelConfig {
    /// Urgent information about the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Version of the API.
    pub version: &'static str,
    /// Settings of the viewer.
    pub viewer: ResViewer,
}

/// Answer of `GetJsonWebKeySets` (RFC 7517, section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JsonWebKeySet {
    /// Public keys.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::{OpenApi, PartialSchema};

    use super::*;
    use crate::geometry::wire::{
        ModelStatusWord, ReqCustomizationOrCache, ReqCustomizationOrExport, ReqExportOrCache,
        ReqModel, ReqTicket, ResError, VIEWER_SETTINGS_VERSION,
    };

    #[derive(OpenApi)]
    #[openapi(components(schemas(
        JsonWebKeySet,
        ReqCustomizationOrCache,
        ReqCustomizationOrExport,
        ReqExportOrCache,
        ReqModel,
        ReqTicket,
        ResCloseSession,
        ResComputeExports,
        ResComputeOutputs,
        ResCreateModel,
        ResCreateSession,
        ResCreateTicket,
        ResDecryptTicket,
        ResError,
        ResGetModel,
        ResGetModelConfig,
        ResListModels,
        ResListOutputVersions,
    )))]
    struct Schemas;

    fn required<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let mut required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap();
        required.sort();
        required
    }

    fn references(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(object) => {
                if let Some(target) = object.get("$ref").and_then(serde_json::Value::as_str) {
                    into.push(target.rsplit('/').next().unwrap_or_default().to_owned());
                }
                for member in object.values() {
                    references(member, into);
                }
            }
            serde_json::Value::Array(items) => {
                for item in items {
                    references(item, into);
                }
            }
            _ => {}
        }
    }

    fn smallest_session() -> ResCreateSession {
        ResCreateSession {
            actions: Vec::new(),
            exports: None,
            file: ResFile::default(),
            message: None,
            model: ResModel {
                allowed_libraries: None,
                createdate: None,
                filename: None,
                id: "m".into(),
                id2: None,
                msg: None,
                name: None,
                org_id: None,
                stat: ModelStatusWord::Confirmed,
                user_id: None,
                webhook_url: None,
                webhook_token: None,
                slug: None,
                title: None,
            },
            model_state: None,
            outputs: None,
            parameters: None,
            session_id: "s".into(),
            setting: ResSettings::default(),
            statistic: ResStatistic::default(),
            templates: Part::Made(Vec::new()),
            version: API_VERSION,
            viewer: ResViewer::default(),
            viewer_settings_version: VIEWER_SETTINGS_VERSION,
            warnings: None,
        }
    }

    #[test]
    fn the_smallest_session_has_the_required_members_and_no_null() {
        assert_eq!(
            serde_json::to_value(smallest_session()).unwrap(),
            json!({
                "actions": [], "file": {}, "model": {"id": "m", "stat": "confirmed"},
                "sessionId": "s", "setting": {}, "statistic": {}, "templates": [],
                "version": "2.5.0", "viewer": {"config": {}}, "viewerSettingsVersion": "7.1",
            })
        );
    }

    #[test]
    fn schemas_require_what_the_contract_requires() {
        assert_eq!(
            required::<ResCreateSession>(),
            [
                "actions",
                "file",
                "model",
                "sessionId",
                "setting",
                "statistic",
                "templates",
                "version",
                "viewer",
                "viewerSettingsVersion",
            ]
        );
        let blocks = ["file", "model", "setting", "statistic", "version"];
        assert_eq!(required::<ResGetModel>(), blocks);
        assert_eq!(required::<ResCreateModel>(), blocks);
        assert_eq!(
            required::<ResCreateTicket>(),
            ["file", "model", "setting", "statistic", "ticket", "version"]
        );
        assert_eq!(
            required::<ResListOutputVersions>(),
            ["list", "pagination", "version"]
        );
        assert_eq!(required::<ReqTicket>(), ["pub", "type", "until"]);
    }

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let document = serde_json::to_value(Schemas::openapi()).unwrap();
        let mut names = Vec::new();
        references(&document, &mut names);
        assert!(names.len() > 20);
        for name in names {
            assert!(
                document["components"]["schemas"].get(&name).is_some(),
                "{name}"
            );
        }
    }
}
