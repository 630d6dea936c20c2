//! Caps on credits: what is charged, refused, counted and told.

use std::time::Duration;

use vitrine_access::caps::{Cap, CapScope, CapWindow};
use vitrine_access::{RequestId, Session, Subject, Timestamp, TokenId, UsageEvent, UsageKind};
use vitrine_store::{Store, StoreError, UsageScope};

use crate::Builder;

super::cases! {
    0x7000:
    a_cap_is_reached_exactly_and_refuses_whole_appends,
    a_cap_begins_with_what_is_spent_already_and_takes_a_new_bound,
    a_charge_counts_for_payer_model_ticket_token_and_subject,
    a_total_begins_anew_with_its_window,
    each_share_is_told_once_in_the_audit_trail,
    finished_work_is_counted_above_the_cap,
    a_failing_neighbour_changes_no_total,
    a_removed_cap_refuses_nothing,
    many_charges_at_once_stop_at_the_cap,
}

async fn session(store: &Store, make: &Builder) -> Session {
    let model = make.stored_model(store).await.unwrap();
    make.session(&model)
}

fn charge(make: &Builder, session: &Session, credits: u32) -> UsageEvent {
    UsageEvent {
        credits,
        ..make.usage(session, UsageKind::Export)
    }
}

async fn cap_of(store: &Store, scope: CapScope, window: CapWindow) -> Cap {
    let caps = store.caps_on(&[scope]).await.unwrap();
    caps.into_iter().find(|cap| cap.window == window).unwrap()
}

/// The total of the cap and the sum of the rows that it stands for.
async fn total_and_sum(store: &Store, scope: CapScope, rows: UsageScope) -> (u64, u64) {
    let cap = cap_of(store, scope, CapWindow::Day).await;
    let until = cap.resets_at();
    let sum = store.usage_sum(rows, None, cap.window_start, until).await;
    (cap.used, sum.unwrap().credits)
}

async fn a_cap_is_reached_exactly_and_refuses_whole_appends(store: &Store, make: &Builder) {
    let session = session(store, make).await;
    let scope = CapScope::Model(session.model);
    store
        .set_cap(scope, CapWindow::Day, 10, make.now)
        .await
        .unwrap();
    let first = vec![charge(make, &session, 4), charge(make, &session, 3)];
    store.append_usage(first).await.unwrap();
    let too_much = vec![charge(make, &session, 1), charge(make, &session, 3)];
    let first_id = too_much[0].id;
    let refused = store.append_usage(too_much).await.unwrap_err();
    let StoreError::CapReached(reached) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((reached.cap.used, reached.asked), (7, 4));
    assert_eq!(store.usage_unscoped(first_id).await.unwrap(), None);
    let opening = store
        .append_session(session.clone(), vec![charge(make, &session, 4)])
        .await;
    assert!(matches!(opening, Err(StoreError::CapReached(_))));
    assert_eq!(store.session(session.hash).await.unwrap(), None);
    store
        .append_usage(vec![charge(make, &session, 3), charge(make, &session, 0)])
        .await
        .unwrap();
    store
        .append_usage(vec![charge(make, &session, 0)])
        .await
        .unwrap();
    let refused = store.append_usage(vec![charge(make, &session, 1)]).await;
    assert!(matches!(refused, Err(StoreError::CapReached(_))));
    let rows = UsageScope::Model(session.model);
    assert_eq!(total_and_sum(store, scope, rows).await, (10, 10));
}

async fn a_cap_begins_with_what_is_spent_already_and_takes_a_new_bound(
    store: &Store,
    make: &Builder,
) {
    let session = session(store, make).await;
    let scope = CapScope::Model(session.model);
    let mut yesterday = charge(make, &session, 50);
    yesterday.at = Timestamp::from_unix_ms(make.now.unix_ms() - 2 * 86_400_000);
    let before = vec![charge(make, &session, 6), yesterday];
    store.append_usage(before).await.unwrap();
    let cap = store
        .set_cap(scope, CapWindow::Day, 5, make.now)
        .await
        .unwrap();
    assert_eq!((cap.used, cap.noticed_percent), (6, 100));
    assert!(
        store
            .append_usage(vec![charge(make, &session, 1)])
            .await
            .is_err()
    );
    let cap = store
        .set_cap(scope, CapWindow::Day, 7, make.now)
        .await
        .unwrap();
    assert_eq!((cap.used, cap.noticed_percent), (6, 75));
    store
        .append_usage(vec![charge(make, &session, 1)])
        .await
        .unwrap();
    assert_eq!(cap_of(store, scope, CapWindow::Day).await.used, 7);
}

async fn a_charge_counts_for_payer_model_ticket_token_and_subject(store: &Store, make: &Builder) {
    let mut session = session(store, make).await;
    let subject = Subject::Model(session.model);
    session.token = Some(TokenId::new(make.entropy()));
    session.subject = Some(subject);
    let event = charge(make, &session, 2);
    let scopes = CapScope::of(&event);
    assert_eq!(scopes.len(), 5);
    for scope in &scopes {
        store
            .set_cap(*scope, CapWindow::Day, 3, make.now)
            .await
            .unwrap();
    }
    store.append_usage(vec![event.clone()]).await.unwrap();
    let stored = store.usage_unscoped(event.id).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&event));
    for scope in &scopes {
        assert_eq!(
            cap_of(store, *scope, CapWindow::Day).await.used,
            2,
            "{scope}"
        );
        // Set again, it is summed up from the rows.
        let cap = store
            .set_cap(*scope, CapWindow::Day, 3, make.now)
            .await
            .unwrap();
        assert_eq!(cap.used, 2, "{scope}");
    }
    assert!(
        store
            .append_usage(vec![charge(make, &session, 2)])
            .await
            .is_err()
    );
    let all = store.caps(100).await.unwrap();
    for scope in scopes {
        assert!(all.iter().any(|cap| cap.scope == scope), "{scope}");
        store.remove_cap(scope, CapWindow::Day).await.unwrap();
    }
}

async fn a_total_begins_anew_with_its_window(store: &Store, make: &Builder) {
    let session = session(store, make).await;
    let scope = CapScope::Model(session.model);
    for (window, credits) in [(CapWindow::Hour, 2), (CapWindow::Day, 3)] {
        store
            .set_cap(scope, window, credits, make.now)
            .await
            .unwrap();
    }
    store
        .append_usage(vec![charge(make, &session, 2)])
        .await
        .unwrap();
    let at = |later: Duration| UsageEvent {
        at: make.now.plus(later),
        ..charge(make, &session, 1)
    };
    assert!(store.append_usage(vec![at(Duration::ZERO)]).await.is_err());
    // An hour later the day's cap has one credit left.
    store
        .append_usage(vec![at(Duration::from_hours(1))])
        .await
        .unwrap();
    let refused = store.append_usage(vec![at(Duration::from_hours(1))]).await;
    let Err(StoreError::CapReached(reached)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(reached.cap.window, CapWindow::Day);
    store
        .append_usage(vec![at(Duration::from_hours(24))])
        .await
        .unwrap();
    assert_eq!(cap_of(store, scope, CapWindow::Day).await.used, 1);
    assert_eq!(cap_of(store, scope, CapWindow::Hour).await.used, 1);
}

async fn each_share_is_told_once_in_the_audit_trail(store: &Store, make: &Builder) {
    let session = session(store, make).await;
    let scope = CapScope::Model(session.model);
    store
        .set_cap(scope, CapWindow::Day, 10, make.now)
        .await
        .unwrap();
    for _ in 0..10 {
        store
            .append_usage(vec![charge(make, &session, 1)])
            .await
            .unwrap();
    }
    let lines = store
        .audit_by_model(session.model, make.now, 100)
        .await
        .unwrap();
    let mut told: Vec<&str> = lines.iter().map(|line| line.reason.as_str()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "cap-100-percent",
            "cap-50-percent",
            "cap-75-percent",
            "cap-90-percent"
        ]
    );
    assert!(lines.iter().all(|line| line.operation == "CreditCap"));
    let found = store.audit_by_request(lines[0].request).await.unwrap();
    assert_eq!(found, [lines[0].clone()]);
    assert_ne!(lines[0].request, RequestId::from_bytes([0; 16]));
}

async fn finished_work_is_counted_above_the_cap(store: &Store, make: &Builder) {
    let session = session(store, make).await;
    let scope = CapScope::Model(session.model);
    store
        .set_cap(scope, CapWindow::Day, 1, make.now)
        .await
        .unwrap();
    store
        .put_results(Vec::new(), None, vec![charge(make, &session, 3)])
        .await
        .unwrap();
    let rows = UsageScope::Model(session.model);
    assert_eq!(total_and_sum(store, scope, rows).await, (3, 3));
}

async fn a_failing_neighbour_changes_no_total(store: &Store, make: &Builder) {
    let known = session(store, make).await;
    let scope = CapScope::Model(known.model);
    store
        .append_session(known.clone(), Vec::new())
        .await
        .unwrap();
    store
        .set_cap(scope, CapWindow::Day, 100, make.now)
        .await
        .unwrap();
    // The second session of the same id fails and takes its charge along; the others stand.
    let (good, twice, better) = tokio::join!(
        store.append_usage(vec![charge(make, &known, 1)]),
        store.append_session(known.clone(), vec![charge(make, &known, 10)]),
        store.append_usage(vec![charge(make, &known, 1)]),
    );
    assert!(good.is_ok() && twice.is_err() && better.is_ok());
    let again = charge(make, &known, 1);
    store.append_usage(vec![again.clone()]).await.unwrap();
    store.append_usage(vec![again]).await.unwrap();
    let rows = UsageScope::Model(known.model);
    assert_eq!(total_and_sum(store, scope, rows).await, (3, 3));
}

async fn a_removed_cap_refuses_nothing(store: &Store, make: &Builder) {
    let session = session(store, make).await;
    let scope = CapScope::Model(session.model);
    store
        .set_cap(scope, CapWindow::Month, 0, make.now)
        .await
        .unwrap();
    assert!(
        store
            .append_usage(vec![charge(make, &session, 1)])
            .await
            .is_err()
    );
    assert!(store.remove_cap(scope, CapWindow::Month).await.unwrap());
    assert!(!store.remove_cap(scope, CapWindow::Month).await.unwrap());
    store
        .append_usage(vec![charge(make, &session, 1)])
        .await
        .unwrap();
    assert_eq!(store.caps_on(&[scope]).await.unwrap(), []);
}

async fn many_charges_at_once_stop_at_the_cap(store: &Store, make: &Builder) {
    let session = session(store, make).await;
    let scope = CapScope::Model(session.model);
    store
        .set_cap(scope, CapWindow::Day, 100, make.now)
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (store, event) = (store.clone(), charge(make, &session, 1));
        tasks.spawn(async move { store.append_usage(vec![event]).await });
    }
    let outcomes = tasks.join_all().await;
    let passed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(passed, 100);
    let rows = UsageScope::Model(session.model);
    assert_eq!(total_and_sum(store, scope, rows).await, (100, 100));
}
