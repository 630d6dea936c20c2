//! Request and response bodies of the Geometry API v2, member for member as its `OpenAPI` file has them.
//!
//! Rules that hold for every type here: an absent member is left out, never `null`; a required member
//! is always there; requests ignore members that they do not know and refuse members of a wrong type.
//! The types carry the schema names of the `OpenAPI` file. Domain types become these in [`convert`].

pub mod action;
pub mod analytics;
pub mod auth_group;
pub mod base;
pub mod content;
pub mod convert;
pub mod customization;
pub mod definition;
pub mod error;
pub mod export;
pub mod model;
pub mod output;
pub mod parameter;
pub mod part;
pub mod query;
pub mod response;
pub mod setting;
pub mod ticket;
pub mod viewer;

pub use action::{ResAction, ResTemplate};
pub use auth_group::{ReqAuthorizationGroup, ResCreateAuthorizationGroup};
pub use base::{
    API_VERSION, CommonsGroup, ComputationStatus, Directory, ModelStatusWord, PAGE_ITEMS_MAX,
    ResPagination, VIEWER_SETTINGS_VERSION,
};
pub use content::{ResExportContent, ResOutputContent};
pub use customization::{
    CacheRequest, ReqCache, ReqCustomization, ReqCustomizationOrCache, ReqCustomizationOrExport,
    ReqExport, ReqExportOrCache, ReqParameterValue,
};
pub use definition::{
    ReqConfigure, ReqExportDefinition, ReqExportDefinitions, ReqGroup, ReqOutputDefinition,
    ReqOutputDefinitionChunk, ReqOutputDefinitions, ReqParameterDefinition,
    ReqParameterDefinitions,
};
pub use error::{ResError, ResErrorType};
pub use export::{ResExport, ResExportDefinition, ResExportDefinitionType, ResExportOrDefinition};
pub use model::{ReqBlockingReasons, ReqModel, ResFile, ResModel, ResPlugins, ResStatistic};
pub use output::{ResOutput, ResOutputChunk, ResOutputDefinition, ResOutputOrDefinition};
pub use parameter::{ResParameter, ResParameterType, ResVisualizationType};
pub use part::Part;
pub use query::{ComputeQuery, ListModelsQuery, ListOutputVersionsQuery, SessionQuery};
pub use response::{
    JsonWebKeySet, ResCloseSession, ResComputeExports, ResComputeOutputs, ResCreateModel,
    ResCreateModelConfig, ResCreateSession, ResCreateTicket, ResDecryptTicket, ResDeleteModel,
    ResExportList, ResGetCachedExports, ResGetCachedOutputs, ResGetModel, ResGetModelConfig,
    ResGetSessionDefaults, ResListExportVersions, ResListModels, ResListOutputVersions,
    ResModelList, ResModelStateData, ResOutputList, ResUpdateExportDefinitions, ResUpdateModel,
    ResUpdateModelConfig, ResUpdateOutputDefinitions, ResUpdateParameterDefaultValues,
    ResUpdateParameterDefinitions, ResUploadModelFile,
};
pub use setting::{
    ResAuthorizationSettings, ResBlockingReasons, ResComputeSettings, ResModelSettings,
    ResSettings, ResTicketAuthorization, ResTokenAuthorization,
};
pub use ticket::{ReqTicket, ResTicket, TicketTypeWord};
pub use viewer::{ResViewer, SettingsVersion, ViewerHeaders};
