//! Sessions.

use std::time::Duration;

use vitrine_access::{
    Change, EndReason, ModelId, Owner, Payer, SessionClass, Subject, TokenId, UsageKind,
};
use vitrine_store::{Store, StoreError, UsageScope};

use crate::Builder;

super::cases! {
    0x5e00:
    a_session_is_found_by_its_hash_and_its_alias,
    a_session_and_its_charge_come_together,
    a_session_opens_once,
    a_session_of_an_unknown_model_is_refused,
    a_session_ends_once_and_the_change_is_told,
    a_revocation_ends_what_age_had_ended,
    touches_move_only_forward,
    live_sessions_are_those_of_the_model_that_nobody_ended,
    old_sessions_are_forgotten_and_their_usage_stays,
}

async fn a_session_is_found_by_its_hash_and_its_alias(store: &Store, make: &Builder) {
    let owner = make.stored_member(store).await.unwrap();
    let model = make.model(owner);
    store.insert_model(&model).await.unwrap();
    let mut full = make.session(&model);
    full.token = Some(TokenId::new(make.entropy()));
    full.subject = Some(Subject::User(owner.user));
    full.payer = Payer::Organization(owner.organization.unwrap());
    full.class = SessionClass::Default;
    full.author = true;
    full.ended = Some((EndReason::Idle, make.now));
    let mut bare = make.session(&model);
    bare.origin = None;
    bare.ticket = None;
    bare.owner = Owner {
        organization: None,
        ..owner
    };
    bare.payer = Payer::User(owner.user);
    for session in [full, bare] {
        store
            .append_session(session.clone(), Vec::new())
            .await
            .unwrap();
        assert_eq!(
            store.session(session.hash).await.unwrap().as_ref(),
            Some(&session)
        );
        let alias = session.hash.alias();
        assert_eq!(store.session_by_alias(alias).await.unwrap(), Some(session));
    }
}

async fn a_session_and_its_charge_come_together(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    let usage = vec![
        make.usage(&session, UsageKind::Session),
        make.usage(&session, UsageKind::SessionSlot),
    ];
    store
        .append_session(session.clone(), usage.clone())
        .await
        .unwrap();
    let mut stored = store.usage_of_session(session.hash, 10).await.unwrap();
    stored.sort_by_key(|event| event.kind);
    assert_eq!(stored, usage);
}

async fn a_session_opens_once(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    store
        .append_session(session.clone(), Vec::new())
        .await
        .unwrap();
    let charge = make.usage(&session, UsageKind::Session);
    let refused = store
        .append_session(session, vec![charge.clone()])
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, StoreError::Conflict { column } if column.starts_with("session.")),
        "{refused:?}"
    );
    assert_eq!(
        store.usage_unscoped(charge.id).await.unwrap(),
        None,
        "refused as a whole"
    );
}

async fn a_session_of_an_unknown_model_is_refused(store: &Store, make: &Builder) {
    let mut model = make.stored_model(store).await.unwrap();
    model.id = ModelId::new(make.entropy());
    let session = make.session(&model);
    let refused = store.append_session(session, Vec::new()).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::MissingReference),
        "{refused:?}"
    );
}

async fn a_session_ends_once_and_the_change_is_told(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    store
        .append_session(session.clone(), Vec::new())
        .await
        .unwrap();
    let before = store.last_change_id().await.unwrap();
    let (first, second, third) = tokio::join!(
        store.end_session(session.hash, EndReason::Closed, make.now),
        store.end_session(session.hash, EndReason::Closed, make.now),
        store.end_session(session.hash, EndReason::Revoked, make.now),
    );
    let winners = [first, second, third].map(Result::unwrap);
    assert_eq!(winners.iter().filter(|won| **won).count(), 1, "{winners:?}");
    let told = store.changes_after(before, 10).await.unwrap();
    assert_eq!(told, [(before + 1, Some(Change::Session(session.hash)))]);
    let ended = store.session(session.hash).await.unwrap().unwrap().ended;
    assert!(
        matches!(ended, Some((EndReason::Closed | EndReason::Revoked, _))),
        "{ended:?}"
    );
    let unknown = make.session(&model).hash;
    assert!(
        !store
            .end_session(unknown, EndReason::Closed, make.now)
            .await
            .unwrap()
    );
}

async fn a_revocation_ends_what_age_had_ended(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    store
        .append_session(session.clone(), Vec::new())
        .await
        .unwrap();
    let later = make.now.plus(Duration::from_hours(1));
    let mut tx = store.begin().await.unwrap();
    assert!(
        tx.end_session(session.hash, EndReason::Aged, later)
            .await
            .unwrap()
    );
    assert!(
        !tx.end_session(session.hash, EndReason::Closed, later)
            .await
            .unwrap()
    );
    assert!(
        tx.end_session(session.hash, EndReason::Revoked, later)
            .await
            .unwrap()
    );
    assert!(
        !tx.end_session(session.hash, EndReason::Idle, later)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let ended = store.session(session.hash).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((EndReason::Revoked, later)));
}

async fn touches_move_only_forward(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let (open, ended) = (make.session(&model), make.session(&model));
    for session in [&open, &ended] {
        store
            .append_session(session.clone(), Vec::new())
            .await
            .unwrap();
    }
    store
        .end_session(ended.hash, EndReason::Closed, make.now)
        .await
        .unwrap();
    let at = |seconds| make.now.plus(Duration::from_secs(seconds));
    let first = vec![(open.hash, at(50), at(900)), (ended.hash, at(50), at(900))];
    store.touch_sessions(first).await.unwrap();
    store
        .touch_sessions(vec![(open.hash, at(20), at(1200))])
        .await
        .unwrap();
    let touched = store.session(open.hash).await.unwrap().unwrap();
    assert_eq!(
        (touched.last_seen_at, touched.paid_until),
        (at(50), at(1200))
    );
    assert_eq!(
        store
            .session(ended.hash)
            .await
            .unwrap()
            .unwrap()
            .last_seen_at,
        make.now
    );
    let too_many = vec![(open.hash, at(1), at(1)); vitrine_store::limits::APPEND_ROWS_MAX + 1];
    let refused = store.touch_sessions(too_many).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooMuch { .. }), "{refused:?}");
}

async fn live_sessions_are_those_of_the_model_that_nobody_ended(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let other = make.stored_model(store).await.unwrap();
    let (live, closed, elsewhere) = (
        make.session(&model),
        make.session(&model),
        make.session(&other),
    );
    for session in [&live, &closed, &elsewhere] {
        store
            .append_session(session.clone(), Vec::new())
            .await
            .unwrap();
    }
    store
        .end_session(closed.hash, EndReason::Closed, make.now)
        .await
        .unwrap();
    let later = make.now.plus(Duration::from_millis(1));
    assert_eq!(
        store.live_sessions(model.id, make.now).await.unwrap(),
        [live]
    );
    assert_eq!(store.live_sessions(model.id, later).await.unwrap(), []);
}

async fn old_sessions_are_forgotten_and_their_usage_stays(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let mut session = make.session(&model);
    session.opened_at = vitrine_access::Timestamp::from_unix_ms(1000);
    let charge = make.usage(&session, UsageKind::Session);
    store
        .append_session(session.clone(), vec![charge])
        .await
        .unwrap();
    assert_eq!(
        store.forget_sessions(session.opened_at, 10).await.unwrap(),
        0
    );
    let after = session.opened_at.plus(Duration::from_millis(1));
    assert_eq!(store.forget_sessions(after, 10).await.unwrap(), 1);
    assert_eq!(store.session(session.hash).await.unwrap(), None);
    let sum = store
        .usage_sum(
            UsageScope::Session(session.hash),
            None,
            make.now,
            make.now.plus(Duration::from_secs(1)),
        )
        .await
        .unwrap();
    assert_eq!((sum.events, sum.credits), (1, 1));
}
