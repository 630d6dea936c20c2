//! What `vitrine doctor` finds out about the machine and its surroundings.

use anyhow::{Context, Result, ensure};
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::doctor::Finding;
use crate::config::Config;
use crate::server::CONNECTIONS_MAX;
use crate::traces;

/// Below this nothing can be relied on: the database alone needs room for its log.
const SPACE_BYTES_MIN: u64 = 64 << 20;
/// Below this it is time to look for more.
const SPACE_BYTES_ADVISED: u64 = 1 << 30;
/// Descriptors beside those of clients: database, objects, workers.
const FILES_SPARE: u64 = 512;

/// Room where the data lies.
pub(super) fn space(config: &Config) -> Result<Finding> {
    let data = &config.data;
    let status = statvfs(data).with_context(|| format!("{} cannot be read", data.display()))?;
    let free = status.f_bavail.saturating_mul(status.f_frsize);
    let text = format!("{} MiB free at {}", free >> 20, data.display());
    ensure!(
        free >= SPACE_BYTES_MIN,
        "{text}; sessions and results will soon be refused; free space"
    );
    Ok(if free < SPACE_BYTES_ADVISED {
        Finding::Advice(format!("{text}; computed files stay, so give it more"))
    } else {
        Finding::Fine(text)
    })
}

/// Whether so many clients as the server takes can have a descriptor each.
pub(super) fn files() -> Finding {
    let wanted = CONNECTIONS_MAX as u64 + FILES_SPARE;
    match getrlimit(Resource::Nofile).current {
        Some(allowed) if allowed < wanted => Finding::Advice(format!(
            "{allowed} open files are allowed here, and {wanted} are needed when all {CONNECTIONS_MAX} \
             connections are taken; raise the limit (LimitNOFILE= of systemd, ulimit -n)"
        )),
        Some(allowed) => Finding::Fine(format!("{allowed} open files are allowed")),
        None => Finding::Fine("any number of open files is allowed".into()),
    }
}

/// Whether the collector of traces takes what is sent.
pub(super) async fn traces(config: &Config) -> Result<Finding> {
    let text = match traces::probe(config).await? {
        None => "turned off".to_owned(),
        Some(endpoint) => format!("{endpoint} takes them"),
    };
    Ok(Finding::Fine(text))
}
