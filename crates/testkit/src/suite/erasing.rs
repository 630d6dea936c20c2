//! Erasing models, and the blobs that nobody names any more.

use vitrine_access::{BlobKey, Timestamp};
use vitrine_store::{DoomState, ModelFilter, Store, StoreError};

use crate::Builder;

super::cases! {
    0x8100:
    an_erased_model_leaves_its_charges_and_doomed_blobs,
    a_model_with_something_left_is_not_erased,
    a_doomed_blob_is_spared_or_deleted_and_never_both,
}

async fn blobs_named(store: &Store) -> Vec<BlobKey> {
    let mut named = Vec::new();
    let mut place = None;
    loop {
        let (blobs, last) = store.blobs_of_results(place.as_ref(), 1).await.unwrap();
        named.extend(blobs);
        if last.is_none() {
            return named;
        }
        place = last;
    }
}

async fn an_erased_model_leaves_its_charges_and_doomed_blobs(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    store.insert_ticket(&make.ticket(model.id)).await.unwrap();
    let session = make.session(&model);
    let usage = make.usage(&session, vitrine_access::UsageKind::Session);
    store
        .append_session(session.clone(), vec![usage.clone()])
        .await
        .unwrap();
    let mut expected = vec![model.source.unwrap()];
    for version in ["v1", "v2"] {
        let result = make.result(model.id, version);
        expected.extend(result.content.iter().filter_map(|item| item.blob));
        store.put_result(result).await.unwrap();
    }
    let now = make.now;
    assert!(blobs_named(store).await.contains(&expected[1]));
    // One row of each kind at a time: two results, a session, a ticket.
    let mut rows = Vec::new();
    loop {
        let erased = store.erase_rows_of_model(model.id, now, 1).await.unwrap();
        if erased == 0 {
            break;
        }
        rows.push(erased);
    }
    assert_eq!(rows, [3, 1]);
    assert!(store.erase_model(model.id, now).await.unwrap());
    assert!(!store.erase_model(model.id, now).await.unwrap());
    assert_eq!(store.model_unscoped(model.id).await.unwrap(), None);
    assert!(store.session(session.hash).await.unwrap().is_none());
    assert_eq!(store.usage_unscoped(usage.id).await.unwrap(), Some(usage));
    for blob in expected {
        assert_eq!(
            store.blob_doom(blob).await.unwrap(),
            Some(DoomState::Doomed)
        );
        store.forget_blob(blob).await.unwrap();
    }
    let filter = ModelFilter::default();
    let left = store.list_models(&model.owner, &filter, 1, None).await;
    assert!(left.unwrap().is_empty());
}

async fn a_model_with_something_left_is_not_erased(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    store.insert_ticket(&make.ticket(model.id)).await.unwrap();
    let refused = store.erase_model(model.id, make.now).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::MissingReference),
        "{refused:?}"
    );
    let blob = model.source.unwrap();
    assert_eq!(store.blob_doom(blob).await.unwrap(), None);
    assert!(store.blob_is_of_a_model(blob).await.unwrap());
}

async fn a_doomed_blob_is_spared_or_deleted_and_never_both(store: &Store, make: &Builder) {
    let [spared, deleted] = ["spared", "deleted"].map(|text| BlobKey::of(text.as_bytes()));
    let at = Timestamp::from_unix_ms(1_000);
    store.doom_blobs(&[spared, deleted], at).await.unwrap();
    let doomed = store.doomed_blobs(at, 10).await.unwrap();
    assert!(doomed.contains(&spared) && doomed.contains(&deleted));
    let before = Timestamp::from_unix_ms(999);
    assert!(store.doomed_blobs(before, 10).await.unwrap().is_empty());
    assert!(store.spare_blob(spared).await.unwrap());
    assert!(!store.spare_blob(spared).await.unwrap());
    assert!(!store.begin_deleting_blob(spared).await.unwrap());
    assert!(store.begin_deleting_blob(deleted).await.unwrap());
    assert!(!store.spare_blob(deleted).await.unwrap());
    assert_eq!(
        store.blob_doom(deleted).await.unwrap(),
        Some(DoomState::Deleting)
    );
    // A row that goes now does not make it spareable again.
    store.doom_blobs(&[deleted], make.now).await.unwrap();
    assert!(!store.spare_blob(deleted).await.unwrap());
    store.forget_blob(deleted).await.unwrap();
    assert_eq!(store.blob_doom(deleted).await.unwrap(), None);
}
