//! A database of its own for each test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// Names the URL of the private `PostgreSQL` server that `tools/postgres-for-tests` starts.
const POSTGRES_VARIABLE: &str = "VITRINE_TEST_POSTGRES";

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A word that no other test of this machine has at the moment.
fn unique() -> String {
    format!(
        "{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::SeqCst)
    )
}

/// A folder that is removed with its owner.
#[derive(Debug)]
pub struct TestFolder(PathBuf);

impl TestFolder {
    /// A new empty folder.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("vitrine-test-{}", unique()));
        // A killed run with the same process id may have left it.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("the folder for temporary files is writable");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TestFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The URL of an `SQLite` file in this folder.
#[must_use]
pub fn sqlite_url(folder: &TestFolder) -> String {
    format!("sqlite://{}", folder.path().join("vitrine.db").display())
}

/// A database on the private server. It stays until the server is stopped.
#[derive(Clone, Debug)]
pub struct PostgresDatabase {
    /// Its URL.
    pub url: String,
}

/// Makes a database on the private server, or says that the test is skipped without one.
///
/// # Panics
/// When the server is named but does not answer.
pub async fn create_postgres(test: &str) -> Option<PostgresDatabase> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration to read it in"
    )]
    let Ok(server) = std::env::var(POSTGRES_VARIABLE) else {
        println!("{test}: skipped, {POSTGRES_VARIABLE} is not set (tools/postgres-for-tests)");
        return None;
    };
    let mut connection = sqlx::PgConnection::connect(&server)
        .await
        .expect("the private PostgreSQL answers");
    let mut name = format!("vitrine_test_{}", unique());
    // The server may have outlived an earlier process with our id.
    while connection
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .is_err()
    {
        name = format!("vitrine_test_{}", unique());
        connection
            .ping()
            .await
            .expect("the private PostgreSQL answers");
    }
    connection
        .close()
        .await
        .expect("the private PostgreSQL answers");
    Some(PostgresDatabase {
        url: with_database(&server, &name),
    })
}

/// Runs a statement behind the store's back.
///
/// # Panics
/// When the database refuses it.
pub async fn tamper(url: &str, sql: &'static str) {
    const ANSWERS: &str = "the database does what the test says";
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.expect(ANSWERS);
        connection.execute(sql).await.expect(ANSWERS);
        connection.close().await.expect(ANSWERS);
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect(ANSWERS);
        connection.execute(sql).await.expect(ANSWERS);
        connection.close().await.expect(ANSWERS);
    }
}

/// The URL with its path, the name of the database, replaced.
fn with_database(server: &str, name: &str) -> String {
    let (base, query) = server
        .split_once('?')
        .map_or((server, ""), |(base, query)| (base, query));
    let authority_start = base.find("://").map_or(0, |at| at + 3);
    let authority_end = base[authority_start..]
        .find('/')
        .map_or(base.len(), |at| authority_start + at);
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}/{name}{separator}{query}", &base[..authority_end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_name_of_the_database_is_replaced() {
        assert_eq!(
            with_database("postgres://u@h:5/postgres?host=/x", "a"),
            "postgres://u@h:5/a?host=/x"
        );
        assert_eq!(with_database("postgres://h", "a"), "postgres://h/a");
    }
}
