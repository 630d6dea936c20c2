//! Results of computations.

use std::time::Duration;

use vitrine_access::{JobId, ModelId, OrganizationId, Payer, UsageKind, UserId};
use vitrine_store::{
    ComputationRecord, ComputationStatus, DoomState, Files, OutputVersionRecord, ResultKind,
    ResultPlace, Store, StoreError,
};

use crate::Builder;

super::cases! {
    0x7e00:
    the_first_result_of_a_version_wins,
    a_success_replaces_a_failure_and_nothing_replaces_a_success,
    outputs_and_exports_do_not_meet,
    versions_are_paged_from_the_newest_to_the_oldest,
    a_computation_is_recorded_as_a_whole_or_not_at_all,
    a_failure_cannot_pass_for_a_success,
    results_make_room_in_the_order_of_their_last_use,
    files_and_models_are_counted_by_account,
}

async fn find(store: &Store, like: &OutputVersionRecord) -> Option<OutputVersionRecord> {
    store
        .result(like.kind, &like.output, like.model, &like.version)
        .await
        .unwrap()
}

fn failed(record: OutputVersionRecord) -> OutputVersionRecord {
    OutputVersionRecord {
        status: ComputationStatus::Failed {
            api_word: "timeout".to_owned(),
            message: "The computation took longer than 30 s.".to_owned(),
        },
        content: Vec::new(),
        bbox: None,
        ..record
    }
}

async fn the_first_result_of_a_version_wins(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let mut first = make.result(model.id, "v1");
    first.content[0].data = Some(serde_json::json!({"price": 12.5, "parts": [1, "zwei", null]}));
    first.content[0].blob = None;
    let mut second = make.result(model.id, "v1");
    second.content[0].size = 99;
    assert!(store.put_result(first.clone()).await.unwrap());
    assert!(!store.put_result(second.clone()).await.unwrap());
    assert_eq!(find(store, &second).await, Some(first));
    assert_eq!(find(store, &make.result(model.id, "v2")).await, None);
}

async fn a_success_replaces_a_failure_and_nothing_replaces_a_success(
    store: &Store,
    make: &Builder,
) {
    let model = make.stored_model(store).await.unwrap();
    let success = make.result(model.id, "v1");
    let failure = failed(success.clone());
    assert!(store.put_result(failure.clone()).await.unwrap());
    assert!(!store.put_result(failure.clone()).await.unwrap());
    assert_eq!(find(store, &success).await, Some(failure.clone()));
    assert!(store.put_result(success.clone()).await.unwrap());
    assert!(!store.put_result(failure).await.unwrap());
    assert_eq!(find(store, &success).await, Some(success));
}

async fn outputs_and_exports_do_not_meet(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let output = make.result(model.id, "v1");
    let mut export = output.clone();
    export.kind = ResultKind::Export;
    export.bbox = None;
    let mut tx = store.begin().await.unwrap();
    assert!(tx.put_result(&output).await.unwrap());
    assert!(tx.put_result(&export).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(find(store, &output).await, Some(output));
    assert_eq!(find(store, &export).await, Some(export));
}

async fn versions_are_paged_from_the_newest_to_the_oldest(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let other = make.stored_model(store).await.unwrap();
    let mut expected = Vec::new();
    for (version, seconds) in [("v1", 1), ("v2", 2), ("v3", 2), ("v4", 2), ("v5", 3)] {
        let mut result = make.result(model.id, version);
        result.created_at = make.now.plus(Duration::from_secs(seconds));
        expected.insert(0, version.to_owned());
        store.put_result(result).await.unwrap();
        store
            .put_result(make.result(other.id, version))
            .await
            .unwrap();
    }
    let output = make.result(model.id, "").output;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .list_results(model.id, ResultKind::Output, &output, 2, after)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        seen.extend(page.iter().map(|result| result.version.clone()));
    }
    assert_eq!(seen, expected);
}

async fn a_computation_is_recorded_as_a_whole_or_not_at_all(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    let computation = ComputationRecord {
        id: JobId::new(make.entropy()),
        model: model.id,
        session: Some(session.hash),
        kind: ResultKind::Output,
        status: ComputationStatus::Success,
        wall_ms: 812,
        cpu_ms: 790,
        at: make.now,
    };
    let charge = make.usage(&session, UsageKind::Computation);
    let known = make.result(model.id, "v1");
    store.put_result(known.clone()).await.unwrap();
    let fresh = make.result(model.id, "v2");
    let orphan = make.result(ModelId::new(make.entropy()), "v2");
    let refused = store
        .put_results(
            vec![fresh.clone(), orphan],
            Some(computation.clone()),
            vec![charge.clone()],
        )
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::MissingReference),
        "{refused:?}"
    );
    assert_eq!(find(store, &fresh).await, None);
    assert_eq!(
        store.computations(model.id, make.now, 10).await.unwrap(),
        []
    );
    let written = store
        .put_results(
            vec![known, fresh.clone()],
            Some(computation.clone()),
            vec![charge.clone()],
        )
        .await
        .unwrap();
    assert_eq!(written, 1);
    assert_eq!(find(store, &fresh).await, Some(fresh));
    assert_eq!(
        store.computations(model.id, make.now, 10).await.unwrap(),
        [computation]
    );
    assert_eq!(store.usage_unscoped(charge.id).await.unwrap(), Some(charge));
}

async fn a_failure_cannot_pass_for_a_success(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let mut result = make.result(model.id, "v1");
    result.status = ComputationStatus::Failed {
        api_word: "success".to_owned(),
        message: String::new(),
    };
    let refused = store.put_result(result).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Unstorable { .. }),
        "{refused:?}"
    );
}

async fn results_make_room_in_the_order_of_their_last_use(store: &Store, make: &Builder) {
    const BLOB: u64 = 10_000;
    let model = make.stored_model(store).await.unwrap();
    let neighbour = make.stored_model(store).await.unwrap();
    let account = model.owner.payer();
    let at = |seconds| make.now.plus(Duration::from_secs(seconds));
    let mut blobs = Vec::new();
    for (age, version) in ["v1", "v2", "v3"].into_iter().enumerate() {
        let mut result = make.result(model.id, version);
        result.created_at = at(age as u64);
        result.content[0].size = BLOB;
        blobs.push(result.content[0].blob.unwrap());
        store.put_result(result).await.unwrap();
    }
    let other = make.result(neighbour.id, "v1");
    store.put_result(other.clone()).await.unwrap();
    let taken = store.result_bytes(&account).await.unwrap();
    assert!((3 * BLOB..4 * BLOB).contains(&taken), "{taken}");
    let stranger = Payer::User(UserId::new(make.entropy()));
    assert_eq!(store.result_bytes(&stranger).await.unwrap(), 0);
    let used = |version: &str| ResultPlace {
        model: model.id,
        kind: ResultKind::Output,
        element: other.output.clone(),
        version: version.to_owned(),
    };
    // Times only move forward, and what is gone is passed over.
    for (place, when) in [(used("v1"), 9), (used("v1"), 5), (used("gone"), 9)] {
        let noted = store.note_results_used(&[place], at(when)).await;
        noted.unwrap();
    }
    let drop = async |bytes, limit| {
        let dropped = store.drop_unused_results(&account, bytes, at(10), limit);
        dropped.await.unwrap()
    };
    assert_eq!(drop(0, 10).await.results, 0, "nothing is needed");
    let first = drop(1, 10).await;
    assert_eq!(first.results, 1, "one is enough");
    assert!(first.bytes > BLOB);
    let left = async || {
        let rows = store.list_results(model.id, ResultKind::Output, &other.output, 10, None);
        let mut left: Vec<String> = rows.await.unwrap().into_iter().map(|r| r.version).collect();
        left.sort_unstable();
        left
    };
    assert_eq!(left().await, ["v1", "v3"]);
    let doom = store.blob_doom(blobs[1]).await.unwrap();
    assert_eq!(doom, Some(DoomState::Doomed));
    store.forget_blob(blobs[1]).await.unwrap();
    assert_eq!(drop(u64::MAX, 1).await.results, 1, "no more than the limit");
    assert_eq!(left().await, ["v1"]);
    assert_eq!(drop(u64::MAX, 10).await.results, 1);
    assert_eq!(store.result_bytes(&account).await.unwrap(), 0);
    assert_eq!(find(store, &other).await, Some(other));
    for blob in blobs {
        store.forget_blob(blob).await.unwrap();
    }
}

async fn files_and_models_are_counted_by_account(store: &Store, make: &Builder) {
    let member = make.stored_member(store).await.unwrap();
    let alone = vitrine_access::Owner {
        organization: None,
        ..member
    };
    for (owner, bytes) in [(member, 5), (member, 7), (alone, 11)] {
        let mut model = make.model(owner);
        model.source_size = bytes;
        store.insert_model(&model).await.unwrap();
    }
    for (account, models, bytes) in [
        (member.payer(), 2, 12),
        (alone.payer(), 1, 11),
        (
            Payer::Organization(OrganizationId::new(make.entropy())),
            0,
            0,
        ),
    ] {
        let files = store.files_of(&account).await.unwrap();
        assert_eq!(files, Files { models, bytes });
    }
}
