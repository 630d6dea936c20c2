//! The work queue and the change feed.

use std::time::Duration;

use vitrine_access::{
    Change, EditorToken, EndReason, JobId, ModelId, OrganizationId, Owner, PartnerId, Payer,
    Subject, TicketId, Timestamp, TokenId, UserId,
};
use vitrine_store::{JobKind, JobRecord, JobState, Store};

use crate::Builder;

const LEASE: Duration = Duration::from_secs(30);

super::cases! {
    0xfe00:
    a_job_is_taken_by_one_worker_and_then_gone,
    a_job_waits_for_its_time_and_the_oldest_goes_first,
    a_job_of_an_owner_who_has_enough_is_passed_over,
    a_job_whose_worker_is_gone_is_taken_again,
    a_job_with_signs_of_life_is_left_to_its_worker,
    a_failed_job_is_tried_again_or_kept_for_people,
    a_job_and_a_change_come_with_their_transaction,
    changes_are_numbered_without_gaps_in_the_order_of_commits,
    every_kind_of_change_survives,
    a_process_hears_its_own_changes_at_once,
    the_database_answers_and_its_clock_runs,
}

async fn enqueue(store: &Store, make: &Builder, run_after: Timestamp) -> (JobId, JobKind) {
    let id = JobId::new(make.entropy());
    let kind = JobKind::CheckModel {
        model: ModelId::new(make.entropy()),
    };
    store.enqueue(id, kind, None, run_after).await.unwrap();
    (id, kind)
}

async fn take(store: &Store, now: Timestamp) -> Option<JobRecord> {
    store.take_job(now, LEASE, &[]).await.unwrap()
}

async fn a_job_is_taken_by_one_worker_and_then_gone(store: &Store, make: &Builder) {
    let (id, kind) = enqueue(store, make, make.now).await;
    let taken = take(store, make.now).await.unwrap();
    let expected = JobRecord {
        id,
        kind,
        owner: None,
        state: JobState::Running,
        attempts: 1,
        run_after: None,
        locked_until: Some(make.now.plus(LEASE)),
        error: None,
    };
    assert_eq!(taken, expected);
    assert_eq!(take(store, make.now).await, None);
    assert_eq!(store.jobs(JobState::Running, 10).await.unwrap(), [expected]);
    assert!(store.finish_job(&taken).await.unwrap());
    assert!(!store.finish_job(&taken).await.unwrap());
    assert_eq!(store.job(id).await.unwrap(), None);
}

async fn a_job_waits_for_its_time_and_the_oldest_goes_first(store: &Store, make: &Builder) {
    let at = |seconds| make.now.plus(Duration::from_secs(seconds));
    let (later, _) = enqueue(store, make, at(2)).await;
    let (sooner, _) = enqueue(store, make, at(1)).await;
    assert_eq!(take(store, make.now).await, None);
    for expected in [sooner, later] {
        let job = take(store, at(2)).await.unwrap();
        assert_eq!(job.id, expected);
        store.finish_job(&job).await.unwrap();
    }
}

async fn a_job_of_an_owner_who_has_enough_is_passed_over(store: &Store, make: &Builder) {
    let user = Some(Payer::User(UserId::new(make.entropy())));
    let organization = Some(Payer::Organization(OrganizationId::new(make.entropy())));
    let mut ids = Vec::new();
    for (at, owner) in [user, organization, None].into_iter().enumerate() {
        let id = JobId::new(make.entropy());
        let when = make.now.plus(Duration::from_millis(at as u64));
        store
            .enqueue(id, JobKind::SweepBlobs, owner, when)
            .await
            .unwrap();
        ids.push((id, owner));
    }
    let now = make.now.plus(Duration::from_secs(1));
    let take = |without: Vec<Option<Payer>>| async move {
        let job = store.take_job(now, LEASE, &without).await.unwrap();
        job.map(|job| (job.id, job.owner))
    };
    assert_eq!(take(vec![user, organization, None]).await, None);
    assert_eq!(take(vec![user, None]).await, Some(ids[1]));
    assert_eq!(take(vec![user]).await, Some(ids[2]));
    assert_eq!(take(vec![user]).await, None);
    assert_eq!(take(Vec::new()).await, Some(ids[0]));
    for state in store.jobs(JobState::Running, 10).await.unwrap() {
        store.finish_job(&state).await.unwrap();
    }
}

async fn a_job_whose_worker_is_gone_is_taken_again(store: &Store, make: &Builder) {
    enqueue(store, make, make.now).await;
    let first = take(store, make.now).await.unwrap();
    let second = take(store, make.now.plus(LEASE)).await.unwrap();
    assert_eq!((second.id, second.attempts), (first.id, 2));
    assert!(
        !store.finish_job(&first).await.unwrap(),
        "the first worker has lost it"
    );
    assert!(!store.fail_job(&first, "too late", None).await.unwrap());
    assert!(store.finish_job(&second).await.unwrap());
}

async fn a_job_with_signs_of_life_is_left_to_its_worker(store: &Store, make: &Builder) {
    enqueue(store, make, make.now).await;
    let held = take(store, make.now).await.unwrap();
    let later = make.now.plus(LEASE);
    assert!(store.extend_job(&held, later.plus(LEASE)).await.unwrap());
    assert_eq!(take(store, later).await, None, "the lease was renewed");

    let other = take(store, later.plus(LEASE)).await.unwrap();
    assert_eq!(other.id, held.id);
    assert!(
        !store
            .extend_job(&held, later.plus(LEASE * 2))
            .await
            .unwrap()
    );
    assert!(store.finish_job(&other).await.unwrap());
    assert!(
        !store
            .extend_job(&other, later.plus(LEASE * 2))
            .await
            .unwrap()
    );
}

async fn a_failed_job_is_tried_again_or_kept_for_people(store: &Store, make: &Builder) {
    let (id, _) = enqueue(store, make, make.now).await;
    let retry_at = make.now.plus(Duration::from_secs(5));
    let job = take(store, make.now).await.unwrap();
    assert!(
        store
            .fail_job(&job, "the worker was busy", Some(retry_at))
            .await
            .unwrap()
    );
    let waiting = store.job(id).await.unwrap().unwrap();
    assert_eq!(
        (waiting.state, waiting.run_after),
        (JobState::Waiting, Some(retry_at))
    );
    assert_eq!(take(store, make.now).await, None);
    let job = take(store, retry_at).await.unwrap();
    assert!(
        store
            .fail_job(&job, "the file is no model", None)
            .await
            .unwrap()
    );
    assert_eq!(
        take(store, make.now.plus(Duration::from_hours(24))).await,
        None
    );
    let given_up = store.jobs(JobState::Failed, 10).await.unwrap();
    let ours: Vec<_> = given_up.iter().filter(|job| job.id == id).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].error.as_deref(), Some("the file is no model"));
}

async fn a_job_and_a_change_come_with_their_transaction(store: &Store, make: &Builder) {
    let id = JobId::new(make.entropy());
    let kind = JobKind::CheckModel {
        model: ModelId::new(make.entropy()),
    };
    let before = store.last_change_id().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.enqueue(id, kind, None, make.now).await.unwrap();
    tx.note_change(&Change::Keys).await.unwrap();
    drop(tx);
    assert_eq!(store.job(id).await.unwrap(), None);
    assert_eq!(store.last_change_id().await.unwrap(), before);
    let mut tx = store.begin().await.unwrap();
    tx.enqueue(id, kind, None, make.now).await.unwrap();
    let change = tx.note_change(&Change::Keys).await.unwrap();
    let job = tx.take_job(make.now, LEASE, &[]).await.unwrap().unwrap();
    tx.finish_job(&job).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(change, before + 1, "what was rolled back leaves no gap");
    assert_eq!(
        store.changes_after(before, 10).await.unwrap(),
        [(change, Some(Change::Keys))]
    );
}

async fn changes_are_numbered_without_gaps_in_the_order_of_commits(store: &Store, make: &Builder) {
    let before = store.last_change_id().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let change = Change::Token(TokenId::new(make.entropy()));
        let store = store.clone();
        tasks.spawn(async move { store.note_change(&change).await.unwrap() });
    }
    // Whoever polls meanwhile never sees a later change before an earlier one.
    let mut seen = before;
    while seen < before + 20 {
        for (id, _) in store.changes_after(seen, 3).await.unwrap() {
            assert_eq!(id, seen + 1);
            seen = id;
        }
        tokio::task::yield_now().await;
    }
    let mut ids: Vec<i64> = tasks.join_all().await;
    ids.sort_unstable();
    assert_eq!(ids, (before + 1..=before + 20).collect::<Vec<i64>>());
}

async fn every_kind_of_change_survives(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let owner = make.stored_member(store).await.unwrap();
    let changes = [
        Change::Model(model.id),
        Change::Ticket(TicketId::new(make.entropy())),
        Change::Session(make.session(&model).hash),
        Change::Token(TokenId::new(make.entropy())),
        Change::Subject(Subject::Backend),
        Change::Subject(Subject::User(owner.user)),
        Change::Holder(owner.user),
        Change::Keys,
        Change::Results,
        Change::Organization(OrganizationId::new(make.entropy())),
        Change::Partner(PartnerId::new(make.entropy())),
        Change::EditorToken(EditorToken::new(make.entropy()).hash()),
        Change::Account(owner),
        Change::Account(Owner {
            organization: None,
            ..owner
        }),
    ];
    let before = store.last_change_id().await.unwrap();
    for change in &changes {
        store.note_change(change).await.unwrap();
    }
    let stored = store.changes_after(before, 100).await.unwrap();
    assert_eq!(
        stored
            .into_iter()
            .filter_map(|(_, change)| change)
            .collect::<Vec<_>>(),
        changes
    );
}

async fn a_process_hears_its_own_changes_at_once(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    store
        .append_session(session.clone(), Vec::new())
        .await
        .unwrap();
    // Whatever an earlier case left told.
    store.note_change(&Change::Keys).await.unwrap();
    store.own_change().await;
    let none = tokio::time::timeout(Duration::ZERO, store.own_change()).await;
    assert!(none.is_err(), "nothing was committed since");
    store
        .end_session(session.hash, EndReason::Closed, make.now)
        .await
        .unwrap();
    store.own_change().await;
    store.note_change(&Change::Keys).await.unwrap();
    store.own_change().await;
}

async fn the_database_answers_and_its_clock_runs(store: &Store, _make: &Builder) {
    store.ping().await.unwrap();
    let first = store.database_clock().await.unwrap();
    let second = store.database_clock().await.unwrap();
    assert!(first <= second);
    assert!(
        first > Timestamp::from_unix_ms(1_700_000_000_000),
        "{first:?}"
    );
}
