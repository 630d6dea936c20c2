//! `vitrine model push | list | show | allow | block`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::ModelId;
use vitrine_service::Services;
use vitrine_service::models::{BlockingPatch, ModelPatch};
use vitrine_store::{ModelFilter, ModelRecord};

use crate::cli::{ModelCommand, Place};

/// Models shown at once by `list`; the list goes on until all were shown.
const PAGE: u32 = 100;
/// How long `push` waits for the analysis of a model.
const ANALYSIS_MAX: Duration = Duration::from_mins(2);
const ANALYSIS_POLL: Duration = Duration::from_millis(100);

pub(super) async fn run(place: &Place, command: ModelCommand) -> Result<()> {
    let creates = matches!(command, ModelCommand::Push { .. });
    let services = super::services_at(place, creates).await?;
    let outcome = act(&services, command).await;
    services.shutdown().await;
    outcome
}

async fn act(services: &Services, command: ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Push {
            file,
            title,
            slug,
            allow,
            backend_access,
        } => {
            let patch = ModelPatch {
                title: title.clone(),
                slug,
                accessdomains: (!allow.is_empty()).then_some(allow),
                backend_access: Some(backend_access),
                ..ModelPatch::default()
            };
            let model = push_file(services, &file, patch).await?;
            show(&model);
            if model.status != ModelStatus::Confirmed {
                bail!(
                    model
                        .message
                        .unwrap_or_else(|| "the model was not confirmed".into())
                );
            }
        }
        ModelCommand::List => list(services).await?,
        ModelCommand::Show { id } => show(&*find(services, &id).await?),
        ModelCommand::Allow { id, domain } => {
            let model = services.allow_domain(id.parse()?, &domain).await?;
            services.note_command("AllowDomain", Some(model.id)).await?;
            show(&model);
        }
        ModelCommand::Block { id, off } => {
            let patch = ModelPatch {
                blocking: BlockingPatch {
                    owner: Some(!off),
                    ..BlockingPatch::default()
                },
                ..ModelPatch::default()
            };
            let model = services.update_model(id.parse()?, patch).await?;
            let operation = if off { "UnblockModel" } else { "BlockModel" };
            services.note_command(operation, Some(model.id)).await?;
            show(&model);
        }
    }
    Ok(())
}

async fn push_file(services: &Services, file: &Path, mut patch: ModelPatch) -> Result<ModelRecord> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    // The title is what people read; the file's name stands in where there is none.
    patch.name = patch.title.clone().or_else(|| name.clone());
    patch.filename = name;
    push(services, Bytes::from(bytes), patch).await
}

/// Creates a model from a file's bytes and waits for the end of its analysis, which this process
/// does itself unless a running server takes the job first.
pub(crate) async fn push(
    services: &Services,
    bytes: Bytes,
    patch: ModelPatch,
) -> Result<ModelRecord> {
    let model = services.create_model(patch).await?;
    services.take_file(model.id, bytes).await?;
    let waited = tokio::time::timeout(ANALYSIS_MAX, async {
        loop {
            services.drain_jobs().await?;
            let model = services.store().model_unscoped(model.id).await?;
            let model = model.context("the model is gone")?;
            if model.status != ModelStatus::Uploaded {
                return anyhow::Ok(model);
            }
            tokio::time::sleep(ANALYSIS_POLL).await;
        }
    });
    waited
        .await
        .context("the analysis took too long; see `vitrine model show`")?
}

async fn find(services: &Services, id: &str) -> Result<std::sync::Arc<ModelRecord>> {
    let id: ModelId = id.parse()?;
    services
        .model_unscoped(id)
        .await?
        .with_context(|| format!("there is no model {id}"))
}

async fn list(services: &Services) -> Result<()> {
    let filter = ModelFilter::default();
    let mut after: Option<String> = None;
    loop {
        let (models, next) = services
            .list_models(&filter, PAGE, after.as_deref())
            .await?;
        for model in &models {
            println!(
                "{}  {:<12}  {}",
                model.id,
                model.status.as_str(),
                model.slug
            );
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

fn show(model: &ModelRecord) {
    let settings = &model.settings;
    let shown = serde_json::json!({
        "id": model.id.to_string(),
        "slug": model.slug,
        "name": model.name,
        "title": model.title,
        "status": model.status.as_str(),
        "message": model.message,
        "domains": settings.domains.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "backend_access": settings.backend_access,
        "require_token": settings.require_token,
        "require_iframe": settings.require_iframe,
        "blocked": settings.blocking.any(),
        "created_at": model.created_at.to_iso_ms(),
        "parameters": model.definition.as_ref().map(|d| d.parameters.len()),
        "outputs": model.definition.as_ref().map(|d| d.outputs.len()),
        "exports": model.definition.as_ref().map(|d| d.exports.len()),
    });
    println!("{shown:#}");
}
