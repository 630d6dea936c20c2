//! What is acknowledged is there; what is refused is not, and takes nobody with it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use vitrine_access::{EndReason, ModelId, UsageKind};
use vitrine_store::{Store, StoreError, StoreOptions, UsageScope};
use vitrine_testkit::{Builder, SeededEntropy};

mod common;

async fn open(url: &str) -> Store {
    Store::open(url, StoreOptions::default()).await.unwrap()
}

/// The second store reads the same database with connections of its own, so it sees only what was
/// committed, and it looks at the very moment of the acknowledgement.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_append_is_already_committed() {
    common::on_both(
        "an_acknowledged_append_is_already_committed",
        |url| async move {
            let (writer, reader) = (open(&url).await, open(&url).await);
            let make = Arc::new(Builder::new(10));
            let model = make.stored_model(&writer).await.unwrap();
            let mut tasks = tokio::task::JoinSet::new();
            for round in 0..200 {
                let (writer, reader) = (writer.clone(), reader.clone());
                let session = make.session(&model);
                let charge = make.usage(&session, UsageKind::Session);
                let now = make.now;
                tasks.spawn(async move {
                    writer
                        .append_session(session.clone(), vec![charge.clone()])
                        .await
                        .unwrap();
                    assert_eq!(
                        reader.session(session.hash).await.unwrap().as_ref(),
                        Some(&session)
                    );
                    assert_eq!(
                        reader.usage_unscoped(charge.id).await.unwrap(),
                        Some(charge)
                    );
                    if round % 4 == 0 {
                        assert!(
                            writer
                                .end_session(session.hash, EndReason::Closed, now)
                                .await
                                .unwrap()
                        );
                        let ended = reader.session(session.hash).await.unwrap().unwrap().ended;
                        assert_eq!(ended, Some((EndReason::Closed, now)));
                    }
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
            writer.close().await;
            reader.close().await;
        },
    )
    .await;
}

/// On one thread, so that every task has handed its append over before the lock is released: they come
/// in batches of good and bad ones.
#[tokio::test]
async fn a_refused_append_takes_no_neighbour_with_it() {
    common::on_both(
        "a_refused_append_takes_no_neighbour_with_it",
        |url| async move {
            let store = open(&url).await;
            let make = Arc::new(Builder::new(11));
            let model = make.stored_model(&store).await.unwrap();
            let known = make.session(&model);
            store
                .append_session(known.clone(), Vec::new())
                .await
                .unwrap();
            let tx = store.begin().await.unwrap();
            let mut tasks = tokio::task::JoinSet::new();
            for round in 0..60 {
                let mut session = make.session(&model);
                match round % 3 {
                    0 => {}
                    1 => session.model = ModelId::new(make.entropy()),
                    _ => session.hash = known.hash,
                }
                let charge = make.usage(&session, UsageKind::Session);
                let store = store.clone();
                tasks.spawn(async move {
                    let done = store.append_session(session, vec![charge.clone()]).await;
                    (round, charge.id, done)
                });
            }
            tokio::task::yield_now().await;
            drop(tx);
            while let Some(done) = tasks.join_next().await {
                let (round, charge, done) = done.unwrap();
                let charged = store.usage_unscoped(charge).await.unwrap().is_some();
                match round % 3 {
                    0 => assert!(done.is_ok() && charged, "{done:?}"),
                    1 => assert!(matches!(done, Err(StoreError::MissingReference)) && !charged),
                    _ => assert!(matches!(done, Err(StoreError::Conflict { .. })) && !charged),
                }
            }
            store.close().await;
        },
    )
    .await;
}

/// Two stores on one database are like two processes: the server and the command line.
#[tokio::test(flavor = "multi_thread")]
async fn two_programs_on_one_database_wait_for_each_other() {
    common::on_both(
        "two_programs_on_one_database_wait_for_each_other",
        |url| async move {
            let stores = [open(&url).await, open(&url).await];
            let make = Arc::new(Builder::new(12));
            let model = make.stored_model(&stores[0]).await.unwrap();
            let mut tasks = tokio::task::JoinSet::new();
            for round in 0..60 {
                let store = stores[round % 2].clone();
                let make = Arc::clone(&make);
                let model = model.clone();
                tasks.spawn(async move {
                    let session = make.session(&model);
                    let charge = make.usage(&session, UsageKind::Session);
                    store.append_session(session, vec![charge]).await.unwrap();
                    let ticket = make.ticket(model.id);
                    let mut tx = store.begin().await.unwrap();
                    tx.insert_ticket(&ticket).await.unwrap();
                    tx.note_change(&vitrine_access::Change::Ticket(ticket.id))
                        .await
                        .unwrap();
                    tx.commit().await.unwrap();
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
            for store in &stores {
                assert_eq!(store.tickets(model.id, 100).await.unwrap().len(), 60);
                assert_eq!(
                    store.live_sessions(model.id, make.now).await.unwrap().len(),
                    60
                );
                assert_eq!(store.changes_after(0, 100).await.unwrap().len(), 60);
                store.close().await;
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_writes_what_was_handed_over_and_reopening_finds_it() {
    common::on_both("closing_writes_what_was_handed_over", |url| async move {
        let store = open(&url).await;
        let make = Builder::new(13);
        let entropy = SeededEntropy::new(13);
        let model = make.stored_model(&store).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let session = make.session(&model);
            let charge = make.usage(&session, UsageKind::Output);
            let store = store.clone();
            tasks.spawn(async move { store.append_usage(vec![charge]).await });
        }
        for _ in 0..entropy.next_u64() % 8 {
            tokio::task::yield_now().await;
        }
        store.close().await;
        let mut acknowledged = 0;
        while let Some(done) = tasks.join_next().await {
            match done.unwrap() {
                Ok(()) => acknowledged += 1,
                Err(error) => assert!(matches!(error, StoreError::Closed), "{error:?}"),
            }
        }
        let again = open(&url).await;
        let until = make.now.plus(std::time::Duration::from_secs(1));
        let sum = again
            .usage_sum(UsageScope::Model(model.id), None, make.now, until)
            .await
            .unwrap();
        assert_eq!(sum.events, acknowledged);
        again.close().await;
    })
    .await;
}

/// A queue and a batch of one still work: they are the bounds at their smallest.
#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_queue_and_batch_serve_many_callers() {
    common::on_both(
        "the_smallest_queue_and_batch_serve_many_callers",
        |url| async move {
            let options = StoreOptions {
                append_queue_max: 1,
                append_batch_max: 1,
                read_connections: 1,
                write_connections: 2,
                ..StoreOptions::default()
            };
            let store = Store::open(&url, options).await.unwrap();
            let make = Builder::new(14);
            let model = make.stored_model(&store).await.unwrap();
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..30 {
                let session = make.session(&model);
                let store = store.clone();
                tasks
                    .spawn(async move { store.append_session(session, Vec::new()).await.unwrap() });
            }
            tasks.join_all().await;
            assert_eq!(
                store.live_sessions(model.id, make.now).await.unwrap().len(),
                30
            );
            store.close().await;
        },
    )
    .await;
}

/// A blocked writer makes others busy after the time-out, not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_kept_makes_others_busy() {
    let folder = vitrine_testkit::TestFolder::new();
    let options = StoreOptions {
        busy_timeout: std::time::Duration::from_millis(50),
        ..StoreOptions::default()
    };
    let url = vitrine_testkit::sqlite_url(&folder);
    let keeper = Store::open(&url, options.clone()).await.unwrap();
    let other = Store::open(&url, options).await.unwrap();
    let make = Builder::new(15);
    let tx = keeper.begin().await.unwrap();
    let user = make.user();
    for store in [&keeper, &other] {
        let refused = store.insert_user(&user).await.unwrap_err();
        assert!(matches!(refused, StoreError::Busy), "{refused:?}");
        let refused = store
            .append_audit(vec![
                make.audit(vitrine_access::RequestId::new(make.entropy())),
            ])
            .await
            .unwrap_err();
        assert!(matches!(refused, StoreError::Busy), "{refused:?}");
    }
    drop(tx);
    keeper.close().await;
    // Rolling back takes as long as it takes: whoever is patient gets the lock.
    let patient = Store::open(&url, StoreOptions::default()).await.unwrap();
    patient.insert_user(&user).await.unwrap();
    patient.close().await;
    other.close().await;
}
