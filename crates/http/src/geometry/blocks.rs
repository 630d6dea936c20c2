//! The blocks that many answers share: model, settings, file links and statistics, each filled as
//! far as the asking credential may see it.

use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_service::who::ModelAccess;
use vitrine_service::{ModelRecord, Services};

use super::wire::convert;
use super::wire::{ResFile, ResModel, ResSettings, ResStatistic};
use crate::error::ApiError;

/// The blocks that are always there.
pub(crate) struct Blocks {
    pub(crate) file: ResFile,
    pub(crate) model: ResModel,
    pub(crate) setting: ResSettings,
    pub(crate) statistic: ResStatistic,
}

/// The blocks of a model for the holder of a token.
pub(crate) fn of(services: &Services, access: &ModelAccess) -> Blocks {
    of_record(services, &access.model, &access.permissions)
}

/// The same with what the model was used for so far.
pub(crate) async fn with_usage(
    services: &Services,
    access: &ModelAccess,
) -> Result<Blocks, ApiError> {
    let mut blocks = of(services, access);
    if access.permissions.contains(Permission::GetStatistic) {
        let used = services.model_statistic(access.model.id).await?;
        let statistic = &mut blocks.statistic;
        statistic.comptime = Some(used.computation_ms);
        statistic.requesttime = Some(used.request_ms);
        statistic.numcomp = Some(used.computations);
        statistic.numsessions = Some(used.sessions);
        statistic.lastsession = used
            .last_session
            .map(vitrine_access::time::Timestamp::to_iso_ms);
    }
    Ok(blocks)
}

/// The blocks of a model for a set of permissions.
pub(crate) fn of_record(
    services: &Services,
    model: &ModelRecord,
    permissions: &PermissionSet,
) -> Blocks {
    Blocks {
        file: convert::file(model, permissions, &services.settings().public_url, || {
            services.upload_href(model)
        }),
        model: convert::model(model),
        setting: convert::settings(model, permissions),
        statistic: statistic(model, permissions),
    }
}

fn statistic(model: &ModelRecord, permissions: &PermissionSet) -> ResStatistic {
    if !permissions.contains(Permission::GetStatistic) || model.source.is_none() {
        return ResStatistic::default();
    }
    ResStatistic {
        size: Some(model.source_size),
        ..ResStatistic::default()
    }
}

/// What every visitor sees of a model: nothing about its owner, its file or its place in URLs.
pub(crate) fn model_for_sessions(record: &ModelRecord) -> ResModel {
    ResModel {
        allowed_libraries: None,
        createdate: None,
        filename: None,
        id2: None,
        msg: None,
        org_id: None,
        user_id: None,
        webhook_url: None,
        slug: None,
        ..convert::model(record)
    }
}
