//! One server on one embedded database.
//!
//! Commands work beside a running server: what they change stands in the change log, which the
//! server reads. Two servers on one file would work as well, but slow each other down at its only
//! write lock, and most often the second is a mistake. Several nodes share a `PostgreSQL`.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::config::Config;
use crate::node;

/// Held while a server runs on an embedded database. The kernel lets go of it however the process
/// ends.
#[derive(Debug)]
pub(crate) struct SingleServer {
    _file: Option<File>,
}

impl SingleServer {
    /// Takes the place of the only server.
    pub(crate) fn take(config: &Config) -> Result<Self> {
        let url = config.database_url();
        let Some(database) = url.strip_prefix("sqlite://") else {
            return Ok(Self { _file: None });
        };
        node::prepare_folder(&config.data)?;
        let path = PathBuf::from(format!("{database}.server"));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => bail!(
                "another server runs on the database {database}. Stop it first, or give this one \
                 a data folder of its own by --data. Several nodes need one PostgreSQL \
                 (--database postgres://…) instead of an embedded database."
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_server_on_one_embedded_database_is_refused_until_the_first_ends() {
        let folder = std::env::temp_dir().join(format!("vitrine-single-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = Config {
            data: folder.clone(),
            ..Config::default()
        };
        let first = SingleServer::take(&config).unwrap();
        let error = SingleServer::take(&config).unwrap_err().to_string();
        assert!(error.contains("another server runs"), "{error}");
        drop(first);
        SingleServer::take(&config).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn nodes_on_one_postgres_are_welcome() {
        let config = Config {
            database: "postgres://db.example/vitrine".into(),
            ..Config::default()
        };
        let _first = SingleServer::take(&config).unwrap();
        SingleServer::take(&config).unwrap();
    }
}
