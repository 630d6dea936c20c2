//! Both databases, one after the other.

use std::future::Future;

use vitrine_testkit::{TestFolder, create_postgres, sqlite_url};

/// Runs a test with the URL of an empty `SQLite` file, then with that of an empty `PostgreSQL`
/// database if there is a server.
pub(crate) async fn on_both<F, Fut>(test: &str, run: F)
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = ()>,
{
    let folder = TestFolder::new();
    run(sqlite_url(&folder)).await;
    if let Some(database) = create_postgres(test).await {
        run(database.url).await;
    }
}
