//! What can go wrong with rows.

use std::sync::Arc;

use vitrine_access::CapReached;

/// What the caller can do about a [`StoreError`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The row contradicts another one: the request is at fault.
    Conflict,
    /// Somebody else changed the row meanwhile: read again, then decide again.
    Stale,
    /// Too busy for the moment: the same call may succeed later.
    Busy,
    /// The database does not answer or is closed.
    Unavailable,
    /// A setting, the schema or a stored value is wrong: an operator has to look.
    Broken,
    /// The caller asked for more than a bound allows.
    TooMuch,
    /// A cap on credits does not allow it.
    Capped,
    /// No row can hold or be found by what was given: the request is at fault.
    Unacceptable,
}

/// A failed read or write. Cheap to clone, because one failed flush answers many callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique column has this value already.
    #[error("another row has the same {column}")]
    Conflict {
        /// `table.column`, the same on both databases (several columns are joined by `, `).
        column: String,
    },
    /// The row names another one that does not exist.
    #[error("the row names something that does not exist")]
    MissingReference,
    /// An update expected another revision of the row.
    #[error("the row was changed by somebody else meanwhile; read it again")]
    Stale,
    /// The database stayed locked, or a deadlock was broken.
    #[error("the database is busy; try again")]
    Busy,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The database refused or could not be reached.
    #[error("the database failed")]
    Database(#[source] Arc<sqlx::Error>),
    /// A stored value does not have the form that it was written with.
    #[error("the stored value of {column} cannot be read: {why}")]
    Corrupt {
        /// Column name.
        column: String,
        /// What is wrong with it, without the value.
        why: String,
    },
    /// A value cannot be stored.
    #[error("{what} cannot be stored: {why}")]
    Unstorable {
        /// What was to be stored.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// A text holds U+0000, which `PostgreSQL` refuses and `SQLite` cuts some texts off at.
    #[error("a text with the character U+0000 can be neither kept nor looked for")]
    Nul,
    /// The URL or an option is wrong.
    #[error("{0}")]
    Config(String),
    /// The schema cannot be brought to this version of the program.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// A charge does not fit under a cap; nothing was written.
    #[error(transparent)]
    CapReached(#[from] Box<CapReached>),
    /// A list is longer than its bound.
    #[error("{what}: {given} given, at most {allowed} allowed; split the list")]
    TooMuch {
        /// Which list.
        what: &'static str,
        /// Its length.
        given: usize,
        /// The bound.
        allowed: usize,
    },
}

/// Why the schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// The database was migrated by a newer program.
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}; \
         start the newer program, or restore a backup made before the upgrade"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version of this program.
        known: i64,
    },
    /// An applied migration differs from this program's.
    #[error(
        "migration {version} was applied with another text than this program has; the database \
         belongs to another build"
    )]
    Changed {
        /// Which one.
        version: i64,
    },
    /// An older migration is missing although a newer one was applied.
    #[error("migration {version} is missing although newer ones were applied")]
    Missing {
        /// Which one.
        version: i64,
    },
}

impl StoreError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Conflict { .. } | Self::MissingReference => StoreErrorKind::Conflict,
            Self::Stale => StoreErrorKind::Stale,
            Self::Busy => StoreErrorKind::Busy,
            Self::Closed | Self::Database(_) => StoreErrorKind::Unavailable,
            Self::Corrupt { .. }
            | Self::Unstorable { .. }
            | Self::Config(_)
            | Self::Migration(_) => StoreErrorKind::Broken,
            Self::TooMuch { .. } => StoreErrorKind::TooMuch,
            Self::CapReached(_) => StoreErrorKind::Capped,
            Self::Nul => StoreErrorKind::Unacceptable,
        }
    }

    pub(crate) fn corrupt(column: &str, why: impl std::fmt::Display) -> Self {
        Self::Corrupt {
            column: column.to_owned(),
            why: why.to_string(),
        }
    }
}

/// `SQLite` result codes "busy" and "locked"; the low byte of the extended code.
const SQLITE_BUSY_CODES: [i64; 2] = [5, 6];
/// `PostgreSQL`: serialization failure, deadlock detected, lock not available, statement cancelled by
/// its time-out.
const POSTGRES_BUSY_CODES: [&str; 4] = ["40001", "40P01", "55P03", "57014"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Database(database) => match database.kind() {
                sqlx::error::ErrorKind::UniqueViolation => Self::Conflict {
                    column: conflicting_column(database.as_ref()),
                },
                sqlx::error::ErrorKind::ForeignKeyViolation => Self::MissingReference,
                _ if is_busy(database.as_ref()) => Self::Busy,
                _ => Self::Database(Arc::new(error)),
            },
            _ => Self::Database(Arc::new(error)),
        }
    }
}

/// `PostgreSQL` names the constraint, which the schema calls `table.column`; `SQLite` says it in words.
fn conflicting_column(error: &dyn sqlx::error::DatabaseError) -> String {
    match error.constraint() {
        Some(name) => name.to_owned(),
        None => error
            .message()
            .trim_start_matches("UNIQUE constraint failed: ")
            .to_owned(),
    }
}

fn is_busy(error: &dyn sqlx::error::DatabaseError) -> bool {
    let Some(code) = error.code() else {
        return false;
    };
    POSTGRES_BUSY_CODES.contains(&code.as_ref())
        || (code.len() < 5
            && code
                .parse::<i64>()
                .is_ok_and(|code| SQLITE_BUSY_CODES.contains(&(code & 0xff))))
}
