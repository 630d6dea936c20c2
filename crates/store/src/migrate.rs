//! Brings the schema to this version of the program: at start, in one transaction, under a lock.

use vitrine_access::{BlobKey, Timestamp};

use crate::db::{Dialect, Handle, Pools, Query};
use crate::error::{MigrationError, StoreError};

/// Both databases understand these types; `SQLite` reads `BIGINT` as an integer and `BYTEA` as bytes.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (\
    version BIGINT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// Applies what is missing.
pub(crate) async fn run(pools: &Pools, dialect: &Dialect) -> Result<(), StoreError> {
    let mut handle = pools.write().await?;
    handle.all(Query::new(dialect.texts.migration_lock)).await?;
    handle.script(CREATE_TABLE).await?;
    let applied = applied(&mut handle).await?;
    let known: Vec<(i64, String)> = dialect
        .migrations
        .iter()
        .map(|migration| (migration.version, checksum(migration.sql)))
        .collect();
    compare(&applied, &known)?;
    let now = database_clock(&mut handle, dialect).await?;
    for migration in &dialect.migrations[applied.len()..] {
        tracing::info!(version = migration.version, "applying migration");
        handle.script(migration.sql).await?;
        let insert = "INSERT INTO schema_migration (version, checksum, applied_at) \
            VALUES ($1, $2, $3)";
        handle
            .execute(
                Query::new(insert)
                    .bind(&migration.version)
                    .bind(&checksum(migration.sql))
                    .bind(&now),
            )
            .await?;
    }
    handle.commit().await
}

pub(crate) async fn database_clock(
    handle: &mut Handle,
    dialect: &Dialect,
) -> Result<Timestamp, StoreError> {
    handle
        .one(Query::new(dialect.texts.database_clock))
        .await?
        .get("now_ms")
}

async fn applied(handle: &mut Handle) -> Result<Vec<(i64, String)>, StoreError> {
    handle
        .all(Query::new(
            "SELECT version, checksum FROM schema_migration ORDER BY version",
        ))
        .await?
        .iter()
        .map(|row| Ok((row.get("version")?, row.get("checksum")?)))
        .collect()
}

/// The applied migrations must be the first of the known ones, with the same text.
fn compare(applied: &[(i64, String)], known: &[(i64, String)]) -> Result<(), MigrationError> {
    let newest_known = known.last().map_or(0, |(version, _)| *version);
    let newest_applied = applied.last().map_or(0, |(version, _)| *version);
    if newest_applied > newest_known {
        return Err(MigrationError::Newer {
            found: newest_applied,
            known: newest_known,
        });
    }
    for (applied, known) in applied.iter().zip(known) {
        if applied.0 != known.0 {
            return Err(MigrationError::Missing { version: known.0 });
        }
        if applied.1 != known.1 {
            return Err(MigrationError::Changed { version: known.0 });
        }
    }
    Ok(())
}

/// SHA-256 of the text, the same digest that names blobs.
fn checksum(sql: &str) -> String {
    BlobKey::of(sql.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(versions: &[(i64, &str)]) -> Vec<(i64, String)> {
        versions
            .iter()
            .map(|(version, sum)| (*version, (*sum).to_owned()))
            .collect()
    }

    #[test]
    fn only_a_prefix_of_the_known_migrations_is_accepted() {
        let known = rows(&[(1, "a"), (2, "b")]);
        let table = [
            (rows(&[]), Ok(())),
            (rows(&[(1, "a")]), Ok(())),
            (rows(&[(1, "a"), (2, "b")]), Ok(())),
            (
                rows(&[(1, "x")]),
                Err(MigrationError::Changed { version: 1 }),
            ),
            (
                rows(&[(2, "b")]),
                Err(MigrationError::Missing { version: 1 }),
            ),
            (
                rows(&[(1, "a"), (2, "b"), (3, "c")]),
                Err(MigrationError::Newer { found: 3, known: 2 }),
            ),
        ];
        for (applied, expected) in table {
            assert_eq!(compare(&applied, &known), expected, "{applied:?}");
        }
    }

    #[test]
    fn both_dialects_have_the_same_migrations() {
        let versions = |dialect: &Dialect| -> Vec<i64> {
            dialect
                .migrations
                .iter()
                .map(|migration| migration.version)
                .collect()
        };
        let sqlite = versions(&crate::sqlite::DIALECT);
        assert_eq!(sqlite, versions(&crate::postgres::DIALECT));
        // Lines of work that go on beside each other take numbers of their own: gaps are no fault.
        assert!(sqlite.is_sorted_by(|a, b| a < b), "{sqlite:?}");
    }
}
