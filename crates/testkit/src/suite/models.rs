//! Models.

use std::time::Duration;

use vitrine_access::{ModelId, ModelStatus, Owner};
use vitrine_store::{ModelFilter, ModelRecord, Store, StoreError};

use crate::Builder;

super::cases! {
    0x0d00:
    a_model_is_found_by_each_of_its_names,
    a_model_is_found_by_exactly_its_owner,
    slugs_and_second_ids_are_unique,
    a_model_of_an_unknown_owner_is_refused,
    an_update_needs_the_revision_that_was_read,
    lists_are_paged_from_the_newest_to_the_oldest,
    lists_hide_deleted_models_unless_asked,
    a_search_takes_special_characters_literally,
    a_text_with_a_nul_is_neither_kept_nor_looked_for,
    a_transaction_that_is_dropped_leaves_nothing,
}

async fn a_model_is_found_by_each_of_its_names(store: &Store, make: &Builder) {
    let mut model = make.model(make.stored_member(store).await.unwrap());
    model.id2 = Some(format!("second {}", model.id));
    model.message = Some("\u{1f4d0} ä 'quoted' \"too\"".to_owned());
    model.viewer_config = serde_json::json!({"settings_version": "7.1", "ar": {"x": [1.5, null]}});
    model.settings.webhook_token = Some(vec![0, 255, 7]);
    model.settings.session_rate_limit = Some(u32::MAX);
    model.settings.blocking.owner = true;
    store.insert_model(&model).await.unwrap();
    assert_eq!(
        store.model_unscoped(model.id).await.unwrap().as_ref(),
        Some(&model)
    );
    let id2 = model.id2.as_deref().unwrap();
    assert_eq!(
        store.model_by_id2_unscoped(id2).await.unwrap().as_ref(),
        Some(&model)
    );
    assert_eq!(
        store
            .model_by_slug_unscoped(&model.slug)
            .await
            .unwrap()
            .as_ref(),
        Some(&model)
    );
    assert_eq!(
        store
            .model_unscoped(ModelId::new(make.entropy()))
            .await
            .unwrap(),
        None
    );
}

async fn a_model_is_found_by_exactly_its_owner(store: &Store, make: &Builder) {
    let member = make.stored_member(store).await.unwrap();
    let alone = Owner {
        organization: None,
        ..member
    };
    let stranger = make.stored_owner(store).await.unwrap();
    let model = make.model(member);
    store.insert_model(&model).await.unwrap();
    assert_eq!(
        store.model(&member, model.id).await.unwrap(),
        Some(model.clone())
    );
    assert_eq!(
        store.model_by_slug(&member, &model.slug).await.unwrap(),
        Some(model.clone())
    );
    for other in [alone, stranger] {
        assert_eq!(store.model(&other, model.id).await.unwrap(), None);
        let by_slug = store.model_by_slug(&other, &model.slug).await.unwrap();
        assert_eq!(by_slug, None);
        assert_eq!(
            store.list_models(&other, &all(), 10, None).await.unwrap(),
            []
        );
    }
}

async fn slugs_and_second_ids_are_unique(store: &Store, make: &Builder) {
    let mut first = make.model(make.stored_owner(store).await.unwrap());
    first.id2 = Some(format!("second {}", first.id));
    store.insert_model(&first).await.unwrap();
    let mut second = make.model(first.owner);
    second.slug.clone_from(&first.slug);
    assert_eq!(conflict(store, &second).await, "model.slug");
    let mut third = make.model(first.owner);
    third.id2.clone_from(&first.id2);
    assert_eq!(conflict(store, &third).await, "model.id2");
    let mut fourth = make.model(first.owner);
    fourth.id = first.id;
    assert_eq!(conflict(store, &fourth).await, "model.id");
}

async fn conflict(store: &Store, model: &ModelRecord) -> String {
    match store.insert_model(model).await.unwrap_err() {
        StoreError::Conflict { column } => column,
        other => panic!("{other:?}"),
    }
}

async fn a_model_of_an_unknown_owner_is_refused(store: &Store, make: &Builder) {
    let model = make.model(Owner {
        user: make.user().id,
        organization: None,
    });
    let refused = store.insert_model(&model).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::MissingReference),
        "{refused:?}"
    );
}

async fn an_update_needs_the_revision_that_was_read(store: &Store, make: &Builder) {
    let mut model = make.stored_model(store).await.unwrap();
    model.status = ModelStatus::Deleted;
    model.status_before_delete = Some(ModelStatus::Confirmed);
    "Another title".clone_into(&mut model.title);
    model.described = None;
    model.definition = None;
    model.settings.public = true;
    model.updated_at = make.now.plus(Duration::from_secs(1));
    assert_eq!(store.update_model(&model, 1).await.unwrap(), 2);
    let refused = store.update_model(&model, 1).await.unwrap_err();
    assert!(matches!(refused, StoreError::Stale), "{refused:?}");
    model.revision = 2;
    assert_eq!(store.model_unscoped(model.id).await.unwrap(), Some(model));
}

async fn lists_are_paged_from_the_newest_to_the_oldest(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let mut expected = Vec::new();
    for seconds in [3, 1, 2, 2, 2] {
        let mut model = make.model(owner);
        model.created_at = make.now.plus(Duration::from_secs(seconds));
        store.insert_model(&model).await.unwrap();
        expected.push(model.cursor());
    }
    expected.sort_by_key(|cursor| std::cmp::Reverse((cursor.created_at, cursor.id)));
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_models(&owner, &all(), 2, after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        seen.extend(page.iter().map(ModelRecord::cursor));
    }
    assert_eq!(seen, expected);
    let everybody = store
        .list_models_unscoped(&all(), 1000, None)
        .await
        .unwrap();
    let ours = everybody
        .iter()
        .filter(|model| model.owner == owner)
        .map(ModelRecord::cursor);
    assert_eq!(ours.collect::<Vec<_>>(), expected);
}

async fn lists_hide_deleted_models_unless_asked(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    for status in [
        ModelStatus::Confirmed,
        ModelStatus::Deleted,
        ModelStatus::Pending,
    ] {
        let mut model = make.model(owner);
        model.status = status;
        store.insert_model(&model).await.unwrap();
    }
    for (status, count) in [
        (None, 2),
        (Some(ModelStatus::Deleted), 1),
        (Some(ModelStatus::Denied), 0),
    ] {
        let filter = ModelFilter {
            status,
            search: None,
        };
        let found = store.list_models(&owner, &filter, 10, None).await.unwrap();
        assert_eq!(found.len(), count, "{status:?}");
    }
}

async fn a_search_takes_special_characters_literally(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    for title in ["Große LAMPE", "100% Regal", "100 Regale"] {
        let mut model = make.model(owner);
        title.clone_into(&mut model.title);
        store.insert_model(&model).await.unwrap();
    }
    for (search, count) in [
        ("GROSSE", 0),
        ("große l", 1),
        ("ÄÖ", 0),
        ("100%", 1),
        ("100", 2),
        ("_", 0),
    ] {
        let filter = ModelFilter {
            status: None,
            search: Some(search.to_owned()),
        };
        let found = store.list_models(&owner, &filter, 10, None).await.unwrap();
        assert_eq!(found.len(), count, "{search}");
    }
    let filter = ModelFilter {
        status: None,
        search: Some("x".repeat(201)),
    };
    let refused = store
        .list_models(&owner, &filter, 10, None)
        .await
        .unwrap_err();
    assert!(matches!(refused, StoreError::TooMuch { .. }), "{refused:?}");
}

async fn a_transaction_that_is_dropped_leaves_nothing(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let (kept, lost) = (make.model(owner), make.model(owner));
    let mut tx = store.begin().await.unwrap();
    tx.insert_model(&lost).await.unwrap();
    assert!(
        tx.model_unscoped(lost.id).await.unwrap().is_some(),
        "seen from inside"
    );
    assert!(
        store.model_unscoped(lost.id).await.unwrap().is_none(),
        "not seen from outside"
    );
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    tx.insert_model(&kept).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.model_unscoped(lost.id).await.unwrap().is_none());
    assert!(store.model_unscoped(kept.id).await.unwrap().is_some());
}

fn all() -> ModelFilter {
    ModelFilter::default()
}

async fn a_text_with_a_nul_is_neither_kept_nor_looked_for(store: &Store, make: &Builder) {
    let mut model = make.model(make.stored_owner(store).await.unwrap());
    "nothing\0ness".clone_into(&mut model.title);
    let refused = store.insert_model(&model).await;
    assert!(matches!(refused, Err(StoreError::Nul)), "{refused:?}");
    assert_eq!(store.model_unscoped(model.id).await.unwrap(), None);
    let refused = store.model_by_slug_unscoped("a\0b").await;
    assert!(matches!(refused, Err(StoreError::Nul)), "{refused:?}");
}
