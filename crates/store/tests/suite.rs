//! The one suite, over both databases.

use vitrine_store::{Store, StoreOptions};
use vitrine_testkit::{TestFolder, create_postgres, sqlite_url, suite};

fn checked() -> StoreOptions {
    StoreOptions {
        check_plans: true,
        ..StoreOptions::default()
    }
}

/// Also refuses every query that reads a whole table.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_passes_the_suite() {
    let folder = TestFolder::new();
    let store = Store::open(&sqlite_url(&folder), checked()).await.unwrap();
    suite::run_all(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_passes_the_suite() {
    let Some(database) = create_postgres("postgres_passes_the_suite").await else {
        return;
    };
    let store = Store::open(&database.url, checked()).await.unwrap();
    suite::run_all(&store).await;
    store.close().await;
}
