//! Opens the file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::db::{Plans, Pools};
use crate::error::StoreError;
use crate::store::StoreOptions;

/// Page cache of one connection: negative means KiB. The operating system caches the file anyway.
const CACHE_SIZE: &str = "-1024";
/// Bytes of the file that a connection maps into memory, so that reads copy nothing. Modest, because
/// mapped pages count as the program's own memory.
const MMAP_BYTES: &str = "16777216";
/// The write-ahead log is cut back to this after a burst.
const WAL_BYTES_KEPT: &str = "16777216";

/// Held while the file is created and migrated: switching a new file to write-ahead logging needs an
/// exclusive lock that `SQLite` does not wait for, so two programs that open it at once have to queue
/// outside of it.
pub(crate) struct OpenLock {
    _file: File,
}

/// Opens `path`, creating the file when it is missing.
pub(crate) async fn open(
    path: &str,
    options: &StoreOptions,
) -> Result<(Pools, OpenLock), StoreError> {
    if path.is_empty() || path.starts_with(':') || path.contains(['?', '\0']) {
        return Err(StoreError::Config(format!(
            "the database URL must be sqlite:// followed by the path of a file, not {path:?}"
        )));
    }
    let path = PathBuf::from(path);
    let lock = lock(&path).await?;
    let base = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .busy_timeout(options.busy_timeout)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("cache_size", CACHE_SIZE)
        .pragma("mmap_size", MMAP_BYTES)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .pragma("trusted_schema", "OFF");
    let writer = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .acquire_timeout(options.busy_timeout)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        // When the disk is full `SQLite` itself takes back a transaction; the driver then fails to, and counts
        // one that is not there for ever after. Such a connection is closed, and the next writer gets a new one.
        .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        .connect_with(base.clone())
        .await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.read_connections)
        .acquire_timeout(options.busy_timeout)
        .test_before_acquire(false)
        .max_lifetime(None)
        .connect_lazy_with(base.create_if_missing(false).pragma("query_only", "ON"));
    let plans = if options.check_plans {
        Plans::Checked
    } else {
        Plans::Trusted
    };
    Ok((
        Pools::Sqlite {
            readers,
            writer,
            plans,
        },
        lock,
    ))
}

async fn lock(path: &Path) -> Result<OpenLock, StoreError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let shown = lock_path.display().to_string();
    let locked = tokio::task::spawn_blocking(move || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(lock_path)?;
        file.lock()?;
        Ok::<File, std::io::Error>(file)
    })
    .await
    .map_err(|_| StoreError::Closed)?;
    match locked {
        Ok(file) => Ok(OpenLock { _file: file }),
        Err(error) => Err(StoreError::Config(format!(
            "cannot write {shown}: {error}; the folder of the database must exist and be writable"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use vitrine_testkit::TestFolder;

    use super::*;
    use crate::db::{Handle, Query};

    async fn insert(handle: &mut Handle, bytes: usize) -> Result<u64, StoreError> {
        let query = Query::new("INSERT INTO hoard (bytes) VALUES ($1)").bind(&vec![7_u8; bytes]);
        handle.execute(query).await
    }

    #[tokio::test]
    async fn a_writer_goes_on_after_the_disk_was_full() -> Result<(), StoreError> {
        let folder = TestFolder::new();
        let path = folder.path().join("full.db");
        let path = path.to_str().expect("a path of the tests is text");
        let (pools, _lock) = open(path, &StoreOptions::default()).await?;
        let mut handle = pools.write().await?;
        // The driver's connection believes from here on that the disk ends after a hundred pages.
        let table = "CREATE TABLE hoard (bytes BLOB NOT NULL); PRAGMA max_page_count = 100;";
        handle.script(table).await?;
        insert(&mut handle, 1).await?;
        handle.commit().await?;

        let mut handle = pools.write().await?;
        insert(&mut handle, 1).await?;
        let full = insert(&mut handle, 1 << 20).await;
        assert!(full.is_err(), "a hundred pages hold no megabyte");
        drop(handle);

        let mut handle = pools.write().await?;
        insert(&mut handle, 1).await?;
        handle.commit().await?;
        let mut handle = pools.read().await?;
        let row = handle
            .one(Query::new("SELECT count(*) AS n FROM hoard"))
            .await?;
        assert_eq!(
            row.get::<i64>("n")?,
            2,
            "what was not committed is not there"
        );
        Ok(())
    }
}
