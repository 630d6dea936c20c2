//! Script jobs: their line, their leases and their end.

use std::time::Duration;

use vitrine_access::script_job::ScriptJobId;
use vitrine_access::{EditorTokenHash, PartnerId, PartnerKeyId, Timestamp};
use vitrine_store::{PartnerRecord, PartnerSettings, ScriptJobRecord, ScriptJobState, Store};

use crate::Builder;

super::cases! {
    0x1c00:
    a_script_job_is_found_again_taken_once_and_ended_by_its_holder,
    a_lost_script_job_is_taken_again_and_its_old_holder_has_nothing_to_say,
    script_jobs_of_partners_take_turns,
    ended_script_jobs_are_forgotten_and_open_ones_are_not,
}

const LEASE: Duration = Duration::from_secs(15);

async fn partner(store: &Store, make: &Builder) -> PartnerId {
    let id = PartnerId::new(make.entropy());
    let record = PartnerRecord {
        id,
        app_id: id.to_string().parse().unwrap(),
        name: "Acme CAD".to_owned(),
        settings: PartnerSettings::default(),
        created_at: make.now,
        updated_at: make.now,
    };
    store.insert_partner(&record).await.unwrap();
    id
}

async fn job(store: &Store, make: &Builder, partner: PartnerId) -> ScriptJobRecord {
    let job = ScriptJobRecord {
        hash: ScriptJobId::new(make.entropy()).hash(),
        partner,
        key: PartnerKeyId::new(make.entropy()),
        token: EditorTokenHash::from_bytes([7; 32]),
        user: None,
        sealed: vec![0, 255],
        state: ScriptJobState::Waiting,
        attempts: 0,
        ready_at: make.now,
        created_at: make.now,
        ended_at: None,
        message: None,
        outputs: None,
    };
    store.insert_script_job(&job).await.unwrap();
    job
}

/// The job whose turn it is; each case ends those that it takes, for all share a database.
async fn take(store: &Store, now: Timestamp) -> ScriptJobRecord {
    store.take_script_job(now, LEASE).await.unwrap().unwrap()
}

async fn a_script_job_is_found_again_taken_once_and_ended_by_its_holder(
    store: &Store,
    make: &Builder,
) {
    let partner = partner(store, make).await;
    let job = job(store, make, partner).await;
    let find = async || store.script_job_unscoped(job.hash).await.unwrap();
    assert_eq!(find().await.as_ref(), Some(&job));
    assert_eq!(store.open_script_jobs(partner, 10).await.unwrap(), 1);
    let taken = take(store, make.now).await;
    assert_eq!((taken.hash, taken.attempts), (job.hash, 1));
    assert_eq!(taken.state, ScriptJobState::Running);
    assert_eq!(taken.ready_at, make.now.plus(LEASE));
    assert!(
        store
            .take_script_job(make.now, LEASE)
            .await
            .unwrap()
            .is_none()
    );
    let later = make.now.plus(LEASE * 2);
    assert!(store.extend_script_job(&taken, later).await.unwrap());
    for is_first in [true, false] {
        let ended = store.finish_script_job(&taken, make.now, "[]").await;
        assert_eq!(ended.unwrap(), is_first);
    }
    let done = find().await.unwrap();
    assert_eq!(done.state, ScriptJobState::Done);
    assert_eq!(
        (done.ended_at, done.outputs.as_deref()),
        (Some(make.now), Some("[]"))
    );
    assert_eq!(store.open_script_jobs(partner, 10).await.unwrap(), 0);
}

async fn a_lost_script_job_is_taken_again_and_its_old_holder_has_nothing_to_say(
    store: &Store,
    make: &Builder,
) {
    let partner = partner(store, make).await;
    job(store, make, partner).await;
    let first = take(store, make.now).await;
    let now = make.now.plus(LEASE);
    let second = take(store, now).await;
    assert_eq!((second.hash, second.attempts), (first.hash, 2));
    assert!(!store.extend_script_job(&first, now).await.unwrap());
    assert!(!store.finish_script_job(&first, now, "[]").await.unwrap());
    assert!(
        !store
            .fail_script_job(&first, now, "late", None)
            .await
            .unwrap()
    );
    let again = now.plus(LEASE);
    assert!(
        store
            .fail_script_job(&second, now, "busy", Some(again))
            .await
            .unwrap()
    );
    assert!(store.take_script_job(now, LEASE).await.unwrap().is_none());
    let third = take(store, again).await;
    assert_eq!(third.message.as_deref(), Some("busy"));
    assert!(
        store
            .fail_script_job(&third, again, "broken", None)
            .await
            .unwrap()
    );
    let failed = store
        .script_job_unscoped(first.hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (failed.state, failed.ended_at),
        (ScriptJobState::Failed, Some(again))
    );
    assert_eq!(failed.message.as_deref(), Some("broken"));
}

async fn script_jobs_of_partners_take_turns(store: &Store, make: &Builder) {
    let (many, few) = (partner(store, make).await, partner(store, make).await);
    for _ in 0..4 {
        job(store, make, many).await;
    }
    let first = take(store, make.now).await;
    for _ in 0..2 {
        job(store, make, few).await;
    }
    let mut order = Vec::new();
    while let Some(job) = store.take_script_job(make.now, LEASE).await.unwrap() {
        order.push(job.partner == few);
        store.finish_script_job(&job, make.now, "[]").await.unwrap();
    }
    store
        .finish_script_job(&first, make.now, "[]")
        .await
        .unwrap();
    assert_eq!(order.len(), 5);
    let last_of_few = order.iter().rposition(|is_few| *is_few).unwrap();
    assert!(last_of_few <= 3, "one of each in turn: {order:?}");
}

async fn ended_script_jobs_are_forgotten_and_open_ones_are_not(store: &Store, make: &Builder) {
    let partner = partner(store, make).await;
    let ended = job(store, make, partner).await;
    let taken = take(store, make.now).await;
    store
        .finish_script_job(&taken, make.now, "[]")
        .await
        .unwrap();
    let open = job(store, make, partner).await;
    store.forget_script_jobs(make.now, 500).await.unwrap();
    assert!(
        store
            .script_job_unscoped(ended.hash)
            .await
            .unwrap()
            .is_some()
    );
    let after = make.now.plus(Duration::from_millis(1));
    assert!(store.forget_script_jobs(after, 500).await.unwrap() >= 1);
    assert!(
        store
            .script_job_unscoped(ended.hash)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .script_job_unscoped(open.hash)
            .await
            .unwrap()
            .is_some()
    );
    let open = take(store, make.now).await;
    store
        .finish_script_job(&open, make.now, "[]")
        .await
        .unwrap();
}
