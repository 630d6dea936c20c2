//! Opening: migrations, wrong schemas, wrong URLs.

use vitrine_access::Change;
use vitrine_store::{MigrationError, Store, StoreError, StoreErrorKind, StoreOptions};
use vitrine_testkit::{Builder, TestFolder, create_postgres, sqlite_url, tamper};

mod common;

async fn open(url: &str) -> Result<Store, StoreError> {
    Store::open(url, StoreOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_that_open_a_new_database_at_once_migrate_it_once() {
    common::on_both(
        "many_programs_that_open_a_new_database_at_once",
        |url| async move {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..8 {
                let url = url.clone();
                tasks.spawn(async move { open(&url).await.unwrap() });
            }
            let stores = tasks.join_all().await;
            let make = Builder::new(1);
            let model = make.stored_model(&stores[0]).await.unwrap();
            for store in &stores {
                assert_eq!(
                    store.model_unscoped(model.id).await.unwrap().as_ref(),
                    Some(&model)
                );
                store.close().await;
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_opens_again_and_again() {
    common::on_both("a_database_opens_again_and_again", |url| async move {
        let make = Builder::new(2);
        let first = open(&url).await.unwrap();
        let model = make.stored_model(&first).await.unwrap();
        first.close().await;
        let second = open(&url).await.unwrap();
        assert_eq!(second.model_unscoped(model.id).await.unwrap(), Some(model));
        second.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_with_a_remedy() {
    common::on_both(
        "a_newer_schema_is_refused_with_a_remedy",
        |url| async move {
            open(&url).await.unwrap().close().await;
            tamper(&url, "INSERT INTO schema_migration VALUES (7001, 'x', 0)").await;
            let refused = open(&url).await.unwrap_err();
            assert!(
                matches!(
                    &refused,
                    StoreError::Migration(MigrationError::Newer { found: 7001, .. })
                ),
                "{refused:?}"
            );
            assert!(
                refused.to_string().contains("restore a backup"),
                "{refused}"
            );
            assert_eq!(refused.kind(), StoreErrorKind::Broken);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_edited_after_its_release_is_refused() {
    common::on_both(
        "a_migration_that_was_edited_after_its_release",
        |url| async move {
            open(&url).await.unwrap().close().await;
            tamper(
                &url,
                "UPDATE schema_migration SET checksum = 'x' WHERE version = 1",
            )
            .await;
            let refused = open(&url).await.unwrap_err();
            assert!(
                matches!(
                    &refused,
                    StoreError::Migration(MigrationError::Changed { version: 1 })
                ),
                "{refused:?}"
            );
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_value_that_makes_no_sense_is_an_error() {
    common::on_both(
        "a_stored_value_that_makes_no_sense_is_an_error",
        |url| async move {
            let store = open(&url).await.unwrap();
            let model = Builder::new(3).stored_model(&store).await.unwrap();
            tamper(&url, "UPDATE model SET status = 'perhaps'").await;
            let refused = store.model_unscoped(model.id).await.unwrap_err();
            assert!(
                matches!(&refused, StoreError::Corrupt { column, .. } if column == "status"),
                "{refused:?}"
            );
            store.close().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_says_so() {
    common::on_both("a_closed_store_says_so", |url| async move {
        let store = open(&url).await.unwrap();
        store.close().await;
        store.close().await;
        let make = Builder::new(4);
        let refused = [
            store.ping().await.unwrap_err(),
            store.begin().await.unwrap_err(),
            store
                .append_audit(vec![
                    make.audit(vitrine_access::RequestId::new(make.entropy())),
                ])
                .await
                .unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, StoreError::Closed), "{error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn urls_that_are_not_understood_are_refused_with_the_form() {
    for url in [
        "",
        "vitrine.db",
        "mysql://h/d",
        "sqlite::memory:",
        "sqlite://",
        "sqlite://:memory:",
    ] {
        let refused = open(url).await.unwrap_err();
        assert!(
            matches!(&refused, StoreError::Config(_)),
            "{url}: {refused:?}"
        );
        assert!(
            refused.to_string().contains("sqlite://"),
            "{url}: {refused}"
        );
    }
    let folder = TestFolder::new();
    let missing = format!("sqlite://{}/missing/vitrine.db", folder.path().display());
    let refused = open(&missing).await.unwrap_err();
    assert!(refused.to_string().contains("folder"), "{refused}");
    let password = open("postgres://u:geheim@h:port/d").await.unwrap_err();
    assert!(
        !format!("{password} {password:?}").contains("geheim"),
        "{password}"
    );
}

#[tokio::test]
async fn options_that_hold_nothing_are_refused() {
    let folder = TestFolder::new();
    for options in [
        StoreOptions {
            append_queue_max: 0,
            ..StoreOptions::default()
        },
        StoreOptions {
            append_batch_max: 0,
            ..StoreOptions::default()
        },
    ] {
        let refused = Store::open(&sqlite_url(&folder), options)
            .await
            .unwrap_err();
        assert!(matches!(refused, StoreError::Config(_)), "{refused:?}");
    }
}

/// The check that the suite relies on: without its index, the query is refused.
#[tokio::test]
async fn a_query_without_an_index_is_refused_when_plans_are_checked() {
    let folder = TestFolder::new();
    let url = sqlite_url(&folder);
    open(&url).await.unwrap().close().await;
    tamper(&url, "DROP INDEX audit_by_request").await;
    let options = StoreOptions {
        check_plans: true,
        ..StoreOptions::default()
    };
    let store = Store::open(&url, options).await.unwrap();
    let request = vitrine_access::RequestId::new(Builder::new(5).entropy());
    let refused = store.audit_by_request(request).await.unwrap_err();
    assert!(refused.to_string().contains("audit_event"), "{refused}");
    assert_eq!(store.last_change_id().await.unwrap(), 0);
    store.close().await;
}

/// The log keeps exactly its bound, and a list is cut at its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_change_log_keeps_its_newest_rows() {
    common::on_both("the_change_log_keeps_its_newest_rows", |url| async move {
        let store = open(&url).await.unwrap();
        tamper(
            &url,
            "INSERT INTO change_log (id, change) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) \
             SELECT i, 'keys' FROM n",
        )
        .await;
        assert_eq!(store.changes_after(0, u32::MAX).await.unwrap().len(), 1000);
        assert_eq!(store.changes_after(0, 1000).await.unwrap().len(), 1000);
        assert_eq!(store.changes_after(0, 999).await.unwrap().len(), 999);
        let kept = vitrine_store::limits::CHANGE_LOG_ROWS_MAX;
        assert_eq!(kept, 100_000, "the next statement counts on it");
        tamper(&url, "UPDATE change_counter SET last = 101000").await;
        assert_eq!(store.note_change(&Change::Keys).await.unwrap(), 101_001);
        let left = store.changes_after(0, 10).await.unwrap();
        assert_eq!(
            left,
            [(101_001, Some(Change::Keys))],
            "1001 was just too old"
        );
        store.close().await;
    })
    .await;
}

#[test]
fn both_dialects_have_the_same_files() {
    let list = |folder: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut names: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(list("src/sqlite"), list("src/postgres"));
    assert_eq!(list("migrations/sqlite"), list("migrations/postgres"));
}

/// `LISTEN` exists on `PostgreSQL` only; there it hears of a commit of anybody, and of none that
/// was rolled back.
#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_of_committed_changes_and_notices_a_lost_connection() {
    let folder = TestFolder::new();
    let embedded = Store::open(&sqlite_url(&folder), StoreOptions::default())
        .await
        .unwrap();
    assert!(embedded.listen().await.unwrap().is_none());
    embedded.close().await;
    let Some(database) = create_postgres("listener").await else {
        return;
    };
    let open = || Store::open(&database.url, StoreOptions::default());
    let (here, there) = (open().await.unwrap(), open().await.unwrap());
    let mut listener = here.listen().await.unwrap().unwrap();
    let mut tx = there.begin().await.unwrap();
    tx.note_change(&Change::Keys).await.unwrap();
    drop(tx);
    let before = here.last_change_id().await.unwrap();
    there.note_change(&Change::Keys).await.unwrap();
    assert!(listener.heard().await.unwrap());
    assert_eq!(here.changes_after(before, 10).await.unwrap().len(), 1);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE application_name = 'vitrine change feed' AND datname = current_database()";
    tamper(&database.url, cut).await;
    assert!(!matches!(listener.heard().await, Ok(true)));
    here.close().await;
    there.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_newer_version_is_told_as_unknown() {
    common::on_both("unknown_change", |url| async move {
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let before = store.note_change(&Change::Keys).await.unwrap();
        tamper(&url, "UPDATE change_log SET change = 'planet:6'").await;
        assert_eq!(
            store.changes_after(before - 1, 10).await.unwrap(),
            [(before, None)]
        );
        store.close().await;
    })
    .await;
}
