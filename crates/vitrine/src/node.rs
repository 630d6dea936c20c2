//! The composition root: the only place that builds adapters.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use vitrine_access::random::Entropy;
use vitrine_access::seal::Sealer;
use vitrine_access::time::Clock;
use vitrine_engine::pool::{WorkerPool, WorkerPoolConfig};
use vitrine_engine::{Confinement, DRAWING_ARGUMENT, OpenScad};
use vitrine_model::RunLimits;
use vitrine_service::outgoing::GuardedClient;
use vitrine_service::{Adapters, Services};
use vitrine_store::{Blobs, Store, StoreOptions};

use crate::adapters::{SystemClock, SystemEntropy};
use crate::cli::WORKER_COMMAND;
use crate::config::Config;
use crate::master_key;

/// Builds the use cases for a configuration. `bound` is the address that clients reach.
pub(crate) async fn build(config: &Config, bound: SocketAddr, tweak: Tweak) -> Result<Services> {
    prepare_folder(&config.data)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(&config.database_url(), StoreOptions::default())
        .await
        .with_context(|| {
            format!(
                "cannot open the database {}",
                without_password(&config.database_url())
            )
        })?;
    // Where tickets exist their key must exist too: a new one would open none of them.
    let fresh = store.signing_keys().await?.is_empty();
    let key = master_key::load(&config.master_key_path(), fresh, &*entropy)?;
    let retired = config
        .retired_master_key_files
        .iter()
        .map(|file| master_key::load(Path::new(file), false, &*entropy))
        .collect::<Result<Vec<_>>>()?;
    let blobs = Blobs::open(&config.objects_url())
        .await
        .with_context(|| format!("cannot open the object storage {}", config.objects_url()))?;
    let pool = WorkerPool::start(pool_config(config)?).context("cannot start the workers")?;
    let adapters = Adapters {
        store,
        blobs,
        pool,
        drawing_pool: drawing_pool_config(config)?,
        sealer: Sealer::with_retired(&key, &retired),
        clock,
        entropy,
        outgoing: Arc::new(GuardedClient::new(config.egress_policy()?)),
    };
    let mut settings = config.settings(bound)?;
    settings.limit_loopback = tweak.limit_loopback;
    Ok(Services::start(adapters, settings).await?)
}

/// What a command changes of the configured settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tweak {
    /// Whether limits per address also hold for loopback addresses.
    pub(crate) limit_loopback: bool,
}

pub(crate) fn pool_config(config: &Config) -> Result<WorkerPoolConfig> {
    let workers = if config.workers == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        config.workers
    };
    let limits = RunLimits {
        wall_ms: config.computation_time_max_ms,
        ..RunLimits::default()
    };
    let confinement = Confinement::from(config.worker_confinement);
    Ok(WorkerPoolConfig {
        program: std::env::current_exe().context("cannot find the program's own file")?,
        args: vec![WORKER_COMMAND.to_owned(), confinement.as_str().to_owned()],
        workers,
        queue_max: config.worker_queue_max,
        limits,
        recycle_after_runs: config.worker_runs_max,
        openscad: find_openscad(config),
    })
}

/// The OpenSCAD of the settings. A server without it does all its other work.
fn find_openscad(config: &Config) -> Option<OpenScad> {
    if config.openscad.is_empty() {
        return None;
    }
    let path = &config.openscad;
    match OpenScad::find(Path::new(path)) {
        Ok(program) => Some(program),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::debug!(path, "there is no OpenSCAD here; .scad models are refused");
            None
        }
        Err(error) => {
            tracing::warn!(path, %error, "OpenSCAD cannot be used; .scad models are refused");
            None
        }
    }
}

/// Drawings have a few workers of their own, which start when the first drawing is opened.
fn drawing_pool_config(config: &Config) -> Result<WorkerPoolConfig> {
    let base = pool_config(config)?;
    let mut args = base.args.clone();
    args.push(DRAWING_ARGUMENT.to_owned());
    Ok(WorkerPoolConfig { args, ..base }.for_drawings())
}

/// Makes the data folder.
pub(crate) fn prepare_folder(data: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    /// The data folder holds the master key: its owner only.
    const MODE: u32 = 0o700;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(MODE)
        .create(data)
        .with_context(|| format!("cannot create the data folder {}", data.display()))
}

/// A database URL fit for logs.
pub(crate) fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // A URL that had a password takes another one.
            let _ = parsed.set_password(Some("…"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}
