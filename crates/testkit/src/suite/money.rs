//! Usage and the audit trail.

use std::time::Duration;

use vitrine_access::{Owner, Payer, RequestId, UsageEvent, UsageKind};
use vitrine_store::{AuditCursor, Store, UsageScope, UsageSum};

use crate::Builder;

super::cases! {
    0x3000:
    nobody_is_charged_twice_for_one_event,
    sums_are_those_of_the_rows,
    a_user_does_not_pay_for_the_organization,
    the_audit_trail_is_read_by_request_and_by_model,
    old_audit_rows_are_forgotten,
    the_audit_trail_is_read_page_by_page,
    usage_in_a_transaction_counts_with_its_commit,
}

async fn nobody_is_charged_twice_for_one_event(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    let event = make.usage(&session, UsageKind::Export);
    let mut again = event.clone();
    again.credits = 99;
    store
        .append_usage(vec![event.clone(), again.clone()])
        .await
        .unwrap();
    store.append_usage(vec![again]).await.unwrap();
    assert_eq!(
        store.usage_unscoped(event.id).await.unwrap().as_ref(),
        Some(&event)
    );
    let sum = total(store, make, UsageScope::Model(model.id), None).await;
    assert_eq!((sum.events, sum.credits), (1, 1));
    store.append_usage(Vec::new()).await.unwrap();
}

async fn sums_are_those_of_the_rows(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    let event = |kind, credits, seconds| UsageEvent {
        credits,
        count: 2,
        duration_ms: 1500,
        at: make.now.plus(Duration::from_secs(seconds)),
        ..make.usage(&session, kind)
    };
    let events = vec![
        event(UsageKind::Export, 1, 0),
        event(UsageKind::Export, u32::MAX, 1),
        event(UsageKind::Computation, 3, 1),
        event(UsageKind::Export, 1, 10),
    ];
    store.append_usage(events).await.unwrap();
    let credits = 1 + u64::from(u32::MAX) + 3;
    let all = UsageSum {
        events: 3,
        credits,
        count: 6,
        duration_ms: 4500,
    };
    let exports = UsageSum {
        events: 2,
        credits: credits - 3,
        count: 4,
        duration_ms: 3000,
    };
    let scopes = [
        UsageScope::Model(model.id),
        UsageScope::Payer(session.payer),
        UsageScope::Ticket(session.ticket.unwrap()),
        UsageScope::Session(session.hash),
    ];
    for scope in scopes {
        assert_eq!(total(store, make, scope, None).await, all, "{scope:?}");
        assert_eq!(
            total(store, make, scope, Some(UsageKind::Export)).await,
            exports
        );
        assert_eq!(
            total(store, make, scope, Some(UsageKind::Loading)).await,
            UsageSum::default()
        );
    }
}

async fn a_user_does_not_pay_for_the_organization(store: &Store, make: &Builder) {
    let member = make.stored_member(store).await.unwrap();
    let model = make.model(member);
    store.insert_model(&model).await.unwrap();
    let session = make.session(&model);
    store
        .append_usage(vec![make.usage(&session, UsageKind::Export)])
        .await
        .unwrap();
    let alone = Owner {
        organization: None,
        ..member
    };
    for (payer, events) in [(member.payer(), 1), (alone.payer(), 0)] {
        assert_eq!(
            total(store, make, UsageScope::Payer(payer), None)
                .await
                .events,
            events
        );
    }
    assert!(matches!(session.payer, Payer::Organization(_)));
}

/// The sum of the ten seconds from the builder's instant on.
async fn total(
    store: &Store,
    make: &Builder,
    scope: UsageScope,
    kind: Option<UsageKind>,
) -> UsageSum {
    let until = make.now.plus(Duration::from_secs(10));
    store.usage_sum(scope, kind, make.now, until).await.unwrap()
}

async fn the_audit_trail_is_read_by_request_and_by_model(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let (request, other) = (
        RequestId::new(make.entropy()),
        RequestId::new(make.entropy()),
    );
    let refused = make.audit(request);
    let mut allowed = make.audit(request);
    allowed.at = make.now.plus(Duration::from_millis(1));
    allowed.decision = vitrine_access::Decision::Allowed;
    allowed.model = Some(model.id);
    allowed.address = None;
    let events = vec![allowed.clone(), make.audit(other), refused.clone()];
    store.append_audit(events).await.unwrap();
    store.append_audit(vec![refused.clone()]).await.unwrap();
    let by_request = store.audit_by_request(request).await.unwrap();
    assert_eq!(by_request, [refused, allowed.clone()]);
    let by_model = store.audit_by_model(model.id, make.now, 10).await.unwrap();
    assert_eq!(by_model, [allowed]);
}

async fn old_audit_rows_are_forgotten(store: &Store, make: &Builder) {
    let request = RequestId::new(make.entropy());
    let mut old = make.audit(request);
    old.at = vitrine_access::Timestamp::from_unix_ms(1000);
    let new = make.audit(request);
    store
        .append_audit(vec![old.clone(), new.clone()])
        .await
        .unwrap();
    let after = old.at.plus(Duration::from_millis(1));
    assert_eq!(store.forget_audit(old.at, 10).await.unwrap(), 0);
    assert_eq!(store.forget_audit(after, 10).await.unwrap(), 1);
    assert_eq!(store.audit_by_request(request).await.unwrap(), [new]);
}

async fn usage_in_a_transaction_counts_with_its_commit(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let session = make.session(&model);
    let (lost, kept) = (
        make.usage(&session, UsageKind::Export),
        make.usage(&session, UsageKind::Export),
    );
    let mut tx = store.begin().await.unwrap();
    tx.append_usage(std::slice::from_ref(&lost)).await.unwrap();
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    tx.append_usage(std::slice::from_ref(&kept)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.usage_unscoped(lost.id).await.unwrap(), None);
    assert_eq!(store.usage_unscoped(kept.id).await.unwrap(), Some(kept));
}

async fn the_audit_trail_is_read_page_by_page(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    // Other cases write at `now`.
    let at = |ms| {
        make.now
            .plus(Duration::from_hours(1000) + Duration::from_millis(ms))
    };
    let mut events = Vec::new();
    for ms in [0, 1, 1, 1, 2] {
        let mut event = make.audit(RequestId::new(make.entropy()));
        event.at = at(ms);
        event.count = ms + 1;
        event.model = (ms == 1).then_some(model.id);
        events.push(event);
    }
    store.append_audit(events.clone()).await.unwrap();
    events.sort_by_key(|event| (event.at, *event.id.as_bytes()));
    let start = AuditCursor::from_instant(at(0));
    let mut read = Vec::new();
    let mut after = start;
    loop {
        let page = store.audit_page(after, at(2), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = AuditCursor {
            at: last.at,
            id: last.id,
        };
        read.extend(page);
    }
    assert_eq!(read, events[..4], "the end is not part of it");
    let of_model = store.audit_page_of_model(model.id, start, at(9), 9).await;
    assert_eq!(of_model.unwrap(), events[1..4]);
    let end = AuditCursor::from_instant(at(9));
    let newest = store.audit_before_of_model(model.id, end, 2).await.unwrap();
    assert_eq!(newest, [events[3].clone(), events[2].clone()]);
    let before = AuditCursor {
        at: newest[1].at,
        id: newest[1].id,
    };
    let rest = store.audit_before_of_model(model.id, before, 2).await;
    assert_eq!(rest.unwrap(), events[1..2]);
}
