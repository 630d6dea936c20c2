//! The table: every permission, every scope, every operation.

mod account_scopes;
mod operations;
mod scopes;
mod set;
#[cfg(test)]
mod tests;
mod wanted;

pub use account_scopes::{ACCOUNT_SCOPES, EVERY_SCOPE, account_scope, scopes_cover};
pub use operations::{ANY_METHOD, Credential, DELETED_MODELS, OPERATIONS, Operation, operation};
pub use set::{PermissionError, PermissionSet};
pub use wanted::WantedPermission;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The fine permissions, in the order of their bits. New ones go to the end.
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text that scopes use, for instance `get.parameter.*`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// Open a session without ticket.
    AuthSession = "auth.session",
    /// See parameter definitions.
    GetParameter = "get.parameter.*",
    /// See output definitions.
    GetOutput = "get.output.*",
    /// See export definitions.
    GetExport = "get.export.*",
    /// See a model's statistics.
    GetStatistic = "get.statistic.*",
    /// Compute outputs.
    ComputeOutput = "compute.output.*",
    /// Compute exports.
    ComputeExport = "compute.export.*",
    /// Read computed outputs.
    CacheOutputGet = "cache.output.get.*",
    /// List versions of outputs.
    CacheOutputList = "cache.output.list.*",
    /// Delete computed outputs.
    CacheOutputDelete = "cache.output.delete.*",
    /// Read computed exports.
    CacheExportGet = "cache.export.get.*",
    /// List versions of exports.
    CacheExportList = "cache.export.list.*",
    /// Delete computed exports.
    CacheExportDelete = "cache.export.delete.*",
    /// List textures.
    CacheTextureList = "cache.texture.list.*",
    /// Delete textures.
    CacheTextureDelete = "cache.texture.delete.*",
    /// Upload files for parameters.
    AssetFileCreate = "asset.file.create.*",
    /// Read uploaded files.
    AssetFileGet = "asset.file.get.*",
    /// List uploaded files.
    AssetFileList = "asset.file.list.*",
    /// Delete uploaded files.
    AssetFileDelete = "asset.file.delete.*",
    /// Upload sdTF data.
    AssetSdtfCreate = "asset.sdtf.create.*",
    /// Read sdTF data.
    AssetSdtfGet = "asset.sdtf.get.*",
    /// List sdTF data.
    AssetSdtfList = "asset.sdtf.list.*",
    /// Delete sdTF data.
    AssetSdtfDelete = "asset.sdtf.delete.*",
    /// Change default values of parameters.
    SetParameterDefval = "set.parameter.defval",
    /// Change how parameters are presented.
    SetParameterUi = "set.parameter.ui",
    /// Change how outputs are presented.
    SetOutputUi = "set.output.ui",
    /// Change how exports are presented.
    SetExportUi = "set.export.ui",
    /// See the viewer's settings.
    SettingViewerGet = "setting.viewer.get.*",
    /// Change the viewer's settings.
    SettingViewerSet = "setting.viewer.set.*",
    /// See limits of computation.
    SettingComputeGet = "setting.compute.get.*",
    /// See what guards tickets.
    SettingAuthTicketGet = "setting.auth.ticket.get.*",
    /// Make tickets.
    SettingAuthTicketCreate = "setting.auth.ticket.create.*",
    /// Look into tickets.
    SettingAuthTicketDecrypt = "setting.auth.ticket.decrypt.*",
    /// See what guards tokens.
    SettingAuthTokenGet = "setting.auth.token.get.*",
    /// Upload the model file.
    FileUpload = "file.upload",
    /// Download the model file.
    FileDownload = "file.download",
    /// Create models.
    Create = "create",
    /// Delete models so that they can be restored.
    DeleteSoft = "delete.soft",
    /// Erase models.
    DeleteHard = "delete.hard",
    /// See what a model is used for and costs.
    AnalyticsModelGet = "analytics.model.get.*",
    /// Create authorization groups.
    AuthGroupCreate = "auth_group.create",
    /// Confirm scripts.
    ScriptConfirm = "script.confirm.*",
    /// Deny scripts.
    ScriptDeny = "script.deny.*",
}

/// Permissions that only a back end may hold, whatever scopes another subject's token names.
pub const RESERVED: &[Permission] = &[
    Permission::SettingAuthTicketCreate,
    Permission::SettingAuthTicketDecrypt,
    Permission::Create,
    Permission::DeleteSoft,
    Permission::DeleteHard,
    Permission::AuthGroupCreate,
    Permission::ScriptConfirm,
    Permission::ScriptDeny,
];
