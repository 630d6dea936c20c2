//! The store and its transactions.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use vitrine_access::Timestamp;

use crate::appender::Appender;
use crate::db::{Dialect, Handle, PoolSize, Pools, Query};
use crate::error::StoreError;
use crate::{limits, migrate, postgres, sqlite};

/// How to open a [`Store`].
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Read connections. Default [`limits::READ_CONNECTIONS`].
    pub read_connections: u32,
    /// Write connections on `PostgreSQL`; `SQLite` has one. Default [`limits::WRITE_CONNECTIONS`].
    pub write_connections: u32,
    /// How long to wait for a connection or a lock. Default [`limits::BUSY_TIMEOUT`].
    pub busy_timeout: Duration,
    /// Appends that may wait. Default [`limits::APPEND_QUEUE_MAX`].
    pub append_queue_max: usize,
    /// Appends in one flush. Default [`limits::APPEND_BATCH_MAX`].
    pub append_batch_max: usize,
    /// For tests: ask the database for the plan of each query and refuse those that read a whole table.
    pub check_plans: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            read_connections: limits::READ_CONNECTIONS,
            write_connections: limits::WRITE_CONNECTIONS,
            busy_timeout: limits::BUSY_TIMEOUT,
            append_queue_max: limits::APPEND_QUEUE_MAX,
            append_batch_max: limits::APPEND_BATCH_MAX,
            check_plans: false,
        }
    }
}

/// The database. Cheap to clone; all clones share the connections and the writer.
///
/// Every query exists on `Store`, where it has a connection of its own, and on [`Tx`], where it is
/// part of the transaction. Writes on `Store` are durable when they return.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    pools: Pools,
    dialect: &'static Dialect,
    appender: Appender,
    /// Told after each commit of this process that has a change in it.
    feed: Arc<Notify>,
}

impl Store {
    /// Opens the database and brings its schema to this version, under a lock.
    ///
    /// `url` is `sqlite://` and the path of a file as it is (`sqlite:///var/lib/vitrine/vitrine.db`),
    /// which is created when missing, or `postgres://user@host/database`.
    ///
    /// # Errors
    /// [`StoreError::Config`] for a URL that is not understood or a folder that cannot be written,
    /// [`StoreError::Migration`] for a schema of another program, and what the driver says.
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        if options.append_queue_max == 0 || options.append_batch_max == 0 {
            return Err(StoreError::Config(
                "the append queue and the append batch must hold at least one append".to_owned(),
            ));
        }
        let (pools, dialect, lock) = if let Some(path) = url.strip_prefix("sqlite://") {
            let (pools, lock) = sqlite::open(path, &options).await?;
            (pools, &sqlite::DIALECT, Some(lock))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            (
                postgres::open(url, &options).await?,
                &postgres::DIALECT,
                None,
            )
        } else {
            return Err(StoreError::Config(
                "the database URL must begin with sqlite:// or postgres://".to_owned(),
            ));
        };
        migrate::run(&pools, dialect).await?;
        drop(lock);
        let feed = Arc::new(Notify::new());
        let appender = Appender::start(
            pools.clone(),
            dialect,
            Arc::clone(&feed),
            options.append_queue_max,
            options.append_batch_max,
        );
        Ok(Self {
            inner: Arc::new(Inner {
                pools,
                dialect,
                appender,
                feed,
            }),
        })
    }

    /// Begins a transaction. On `SQLite` it holds the only write lock until it ends, so nothing slow
    /// (network, blobs, engine) and none of the appends of `Store` may be awaited meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another writer kept the lock for too long.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx {
            handle: self.inner.pools.write().await?,
            dialect: self.inner.dialect,
            feed: Arc::clone(&self.inner.feed),
            noted: false,
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.reader()
            .await?
            .one(Query::new("SELECT 1 AS one"))
            .await
            .map(drop)
    }

    /// The time by the database's clock, to be compared with ours.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn database_clock(&self) -> Result<Timestamp, StoreError> {
        migrate::database_clock(&mut self.reader().await?, self.inner.dialect).await
    }

    /// Writes what was handed over, then closes all connections. Later calls answer
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        self.inner.appender.close().await;
        self.inner.pools.close().await;
    }

    /// Appends that wait for the writer.
    #[must_use]
    pub fn appends_waiting(&self) -> usize {
        self.inner.appender.waiting()
    }

    /// The connections that are open now.
    #[must_use]
    pub fn connections(&self) -> [PoolSize; 2] {
        self.inner.pools.sizes()
    }

    pub(crate) async fn reader(&self) -> Result<Handle, StoreError> {
        self.inner.pools.read().await
    }

    pub(crate) fn appender(&self) -> &Appender {
        &self.inner.appender
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.inner.pools
    }

    pub(crate) fn feed(&self) -> &Notify {
        &self.inner.feed
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// A transaction. Dropping it rolls it back.
///
/// A statement that fails spoils the whole transaction on `PostgreSQL`; drop it then.
#[must_use = "a transaction that is not committed is rolled back"]
pub struct Tx {
    pub(crate) handle: Handle,
    pub(crate) dialect: &'static Dialect,
    feed: Arc<Notify>,
    /// Whether this transaction adds to the change feed.
    pub(crate) noted: bool,
}

impl Tx {
    /// Makes everything durable and visible.
    ///
    /// # Errors
    /// When the database does not confirm; the outcome is then unknown to the caller.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.handle.commit().await?;
        if self.noted {
            self.feed.notify_one();
        }
        Ok(())
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

/// Offers a module's read functions (first argument: the handle) on [`Store`] and on [`Tx`].
macro_rules! finders {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        impl $crate::Store {
            $(
                $(#[$doc])*
                #[doc = "\n\n# Errors\nWhen the database fails or a stored value cannot be read."]
                pub async fn $name(&self, $($arg: $type),*) -> Result<$out, $crate::StoreError> {
                    $name(&mut self.reader().await?, $($arg),*).await
                }
            )*
        }
        impl $crate::Tx {
            $(
                $(#[$doc])*
                #[doc = "\n\n# Errors\nWhen the database fails or a stored value cannot be read."]
                pub async fn $name(&mut self, $($arg: $type),*) -> Result<$out, $crate::StoreError> {
                    $name(&mut self.handle, $($arg),*).await
                }
            )*
        }
    };
}

/// Offers a module's write functions on [`Store`], each in a transaction of its own and durable when
/// it returns, and on [`Tx`].
macro_rules! writers {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        impl $crate::Store {
            $(
                $(#[$doc])*
                #[doc = "\n\n# Errors\nWhen the row contradicts another one or the database fails."]
                pub async fn $name(&self, $($arg: $type),*) -> Result<$out, $crate::StoreError> {
                    let mut tx = self.begin().await?;
                    let out = $name(&mut tx.handle, $($arg),*).await?;
                    tx.commit().await?;
                    Ok(out)
                }
            )*
        }
        impl $crate::Tx {
            $(
                $(#[$doc])*
                #[doc = "\n\n# Errors\nWhen the row contradicts another one or the database fails."]
                pub async fn $name(&mut self, $($arg: $type),*) -> Result<$out, $crate::StoreError> {
                    $name(&mut self.handle, $($arg),*).await
                }
            )*
        }
    };
}

pub(crate) use {finders, writers};
