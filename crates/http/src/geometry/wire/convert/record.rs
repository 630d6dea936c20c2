//! Stored models.

use vitrine_access::decide::{BlockingReasons, ModelStatus};
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_service::{ModelRecord, ModelSettings};

use crate::geometry::wire::{
    ModelStatusWord, ResAuthorizationSettings, ResBlockingReasons, ResComputeSettings, ResFile,
    ResModel, ResModelSettings, ResSettings, ResTicketAuthorization, ResTokenAuthorization,
};

/// A model. Everybody who may use it may read this.
#[must_use]
pub fn model(record: &ModelRecord) -> ResModel {
    ResModel {
        allowed_libraries: Some(record.settings.allowed_libraries.clone())
            .filter(|libraries| !libraries.is_empty()),
        createdate: Some(record.created_at.to_iso_ms()),
        filename: record.filename.clone(),
        id: record.id.to_string(),
        id2: record.id2.clone(),
        msg: record.message.clone(),
        name: Some(record.name.clone()),
        org_id: record.owner.organization.map(|id| id.to_string()),
        stat: model_status(record.status),
        user_id: Some(record.owner.user.to_string()),
        webhook_url: record.settings.webhook_url.clone(),
        // It is stored sealed and never leaves the server again.
        webhook_token: None,
        slug: Some(record.slug.clone()),
        title: Some(record.title.clone()),
    }
}

/// The API's word for a status.
#[must_use]
pub const fn model_status(status: ModelStatus) -> ModelStatusWord {
    match status {
        ModelStatus::NotUploaded => ModelStatusWord::NotUploaded,
        ModelStatus::Uploaded => ModelStatusWord::Uploaded,
        ModelStatus::Pending => ModelStatusWord::Pending,
        ModelStatus::Confirmed => ModelStatusWord::Confirmed,
        ModelStatus::Denied => ModelStatusWord::Denied,
        ModelStatus::Deleted => ModelStatusWord::Deleted,
    }
}

/// The status that a word stands for; none for `unknown`, which no model has.
#[must_use]
pub const fn status_of(word: ModelStatusWord) -> Option<ModelStatus> {
    Some(match word {
        ModelStatusWord::Unknown => return None,
        ModelStatusWord::NotUploaded => ModelStatus::NotUploaded,
        ModelStatusWord::Uploaded => ModelStatus::Uploaded,
        ModelStatusWord::Pending => ModelStatus::Pending,
        ModelStatusWord::Confirmed => ModelStatus::Confirmed,
        ModelStatusWord::Denied => ModelStatus::Denied,
        ModelStatusWord::Deleted => ModelStatus::Deleted,
    })
}

/// Why a model is blocked.
#[must_use]
pub const fn blocking_reasons(reasons: BlockingReasons) -> ResBlockingReasons {
    ResBlockingReasons {
        credit_limit: reasons.credit_limit,
        owner: reasons.owner,
        backend_permission: reasons.backend_permission,
        plugin_permission: reasons.plugin_permission,
    }
}

/// Links to the model's file for whoever has these permissions: uploading until a file is there,
/// downloading from then on.
#[must_use]
pub fn file(
    record: &ModelRecord,
    permissions: &PermissionSet,
    public_url: &str,
    upload_href: impl FnOnce() -> String,
) -> ResFile {
    let has_file = record.source.is_some();
    let may = |permission| permissions.contains(permission);
    ResFile {
        upload: (!has_file && may(Permission::FileUpload)).then(upload_href),
        download: (has_file && may(Permission::FileDownload))
            .then(|| format!("{public_url}/api/v2/model/{}/file/download", record.id)),
    }
}

/// The blocks of settings that whoever has these permissions may read.
#[must_use]
pub fn settings(record: &ModelRecord, permissions: &PermissionSet) -> ResSettings {
    let settings = &record.settings;
    let may = |permission| permissions.contains(permission);
    let ticket = may(Permission::SettingAuthTicketGet).then(|| ResTicketAuthorization {
        accessdomains: settings.domains.iter().map(ToString::to_string).collect(),
        backendaccess: settings.backend_access,
        public: settings.public,
    });
    let token = may(Permission::SettingAuthTokenGet).then(|| ResTokenAuthorization {
        auth_groups: settings.auth_groups.clone(),
        require_iframe: settings.require_iframe,
        require_token: settings.require_token,
    });
    let auth =
        (ticket.is_some() || token.is_some()).then_some(ResAuthorizationSettings { ticket, token });
    ResSettings {
        auth,
        compute: may(Permission::SettingComputeGet).then(|| compute(settings)),
        // Nothing in the contract guards this block; sessions of strangers need not have it.
        model: may(Permission::SettingComputeGet).then(|| ResModelSettings {
            use_cdn: settings.use_cdn,
            cdn_supported: false,
            blocking_reasons: blocking_reasons(settings.blocking),
        }),
    }
}

fn compute(settings: &ModelSettings) -> ResComputeSettings {
    ResComputeSettings {
        deny_scripts: settings.deny_scripts,
        ftype: settings.ftype.clone(),
        initial_warmup: settings.initial_warmup,
        max_comp_time: settings.max_comp_time_ms,
        max_export_size: settings.max_export_size,
        max_idle_minutes: settings.max_idle_minutes.into(),
        max_model_size: settings.max_model_size,
        max_output_size: settings.max_output_size,
        max_texture_size: settings.max_texture_size,
        max_wait_time: settings.max_wait_time_ms,
        num_loaded_max: settings.num_loaded_max.into(),
        num_loaded_min: settings.num_loaded_min.into(),
        num_preloaded_min: settings.num_preloaded_min.into(),
        session_rate_limit: settings.session_rate_limit,
        trust: settings.trust.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_status_has_the_apis_word() {
        let statuses = [
            ModelStatus::NotUploaded,
            ModelStatus::Uploaded,
            ModelStatus::Pending,
            ModelStatus::Confirmed,
            ModelStatus::Denied,
            ModelStatus::Deleted,
        ];
        let words: BTreeSet<_> = statuses
            .into_iter()
            .map(|status| {
                let word = serde_json::to_value(model_status(status)).unwrap();
                assert_eq!(word, status.as_str());
                assert_eq!(status_of(model_status(status)), Some(status));
                word.to_string()
            })
            .collect();
        assert_eq!(words.len(), statuses.len());
    }

    #[test]
    fn all_four_blocking_reasons_are_always_sent() {
        let json = serde_json::to_value(blocking_reasons(BlockingReasons::default())).unwrap();
        let expected = serde_json::json!({
            "creditLimit": false, "owner": false, "backendPermission": false,
            "pluginPermission": false,
        });
        assert_eq!(json, expected);
    }
}
