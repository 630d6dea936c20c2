//! What accounts are told, and what is sent to their webhooks.

use std::time::Duration;

use vitrine_access::{
    CapScope, CapWindow, DeliveryId, NotificationId, Payer, Timestamp, TokenId, UsageKind,
    WebhookId,
};
use vitrine_store::{
    DeliveryRecord, DeliveryState, ListQuery, NotificationRecord, Store, WebhookRecord,
};

use crate::Builder;

super::cases! {
    0x9100:
    notifications_are_their_receivers_alone,
    a_delivery_is_taken_by_one_sender_and_noted_by_who_holds_it,
    a_cap_tells_the_account_in_the_transaction_that_reaches_it,
    what_several_accounts_cause_is_told_to_none_of_them,
}

async fn webhook(store: &Store, make: &Builder, account: Payer) -> WebhookRecord {
    let record = WebhookRecord {
        id: WebhookId::new(make.entropy()),
        account,
        url: "https://hooks.example.com/x".to_owned(),
        sealed_secret: vec![1, 2, 3],
        active: true,
        created_at: make.now,
        updated_at: make.now,
    };
    store.insert_webhook(&record).await.unwrap();
    record
}

async fn notifications_are_their_receivers_alone(store: &Store, make: &Builder) {
    let [me, other] = [
        make.stored_owner(store).await.unwrap().user,
        make.stored_owner(store).await.unwrap().user,
    ];
    let record = NotificationRecord {
        id: NotificationId::new(make.entropy()),
        receiver: me,
        level: "warning".to_owned(),
        class: "account".to_owned(),
        kind: "credit-limit-warning".to_owned(),
        description: "50 of 100 credits are used.".to_owned(),
        model: None,
        organization: None,
        created_at: make.now,
        read_at: None,
    };
    store.insert_notification(&record).await.unwrap();
    store.insert_notification(&record).await.unwrap();
    let all = ListQuery::default();
    let mine = store.notifications(me, &all).await.unwrap();
    assert_eq!(mine, std::slice::from_ref(&record));
    assert!(store.notifications(other, &all).await.unwrap().is_empty());
    assert_eq!(store.notification(other, record.id).await.unwrap(), None);
    assert_eq!(store.count_notifications(other).await.unwrap(), (0, 0));
    let now = Some(make.now);
    assert!(
        !store
            .read_notification(other, record.id, now)
            .await
            .unwrap()
    );
    store.read_notifications(other, make.now).await.unwrap();
    assert_eq!(store.count_notifications(me).await.unwrap(), (1, 1));
    store.read_notifications(me, make.now).await.unwrap();
    assert_eq!(store.count_notifications(me).await.unwrap(), (1, 0));
    assert!(!store.delete_notification(other, record.id).await.unwrap());
    assert!(store.delete_notification(me, record.id).await.unwrap());
    assert_eq!(store.count_notifications(me).await.unwrap(), (0, 0));
    store.insert_notification(&record).await.unwrap();
    assert_eq!(store.forget_notifications(make.now, 10).await.unwrap(), 0);
    let later = make.now.plus(Duration::from_secs(1));
    // What other cases told is as old, and goes as well.
    while store.forget_notifications(later, 10).await.unwrap() > 0 {}
    assert_eq!(store.notification(me, record.id).await.unwrap(), None);
}

async fn a_delivery_is_taken_by_one_sender_and_noted_by_who_holds_it(
    store: &Store,
    make: &Builder,
) {
    let user = make.stored_owner(store).await.unwrap().user;
    let hook = webhook(store, make, Payer::User(user)).await;
    // Later than whatever other cases left to be sent, which this one takes as well.
    let now = make.now.plus(Duration::from_hours(1));
    let delivery = DeliveryRecord {
        id: DeliveryId::new(make.entropy()),
        webhook: hook.id,
        kind: "test".to_owned(),
        body: "{}".to_owned(),
        state: DeliveryState::Waiting,
        attempts: 0,
        ready_at: now,
        answer: None,
        created_at: make.now,
    };
    store.insert_delivery(&delivery).await.unwrap();
    store.insert_delivery(&delivery).await.unwrap();
    let lease = Duration::from_mins(1);
    let take = async |at| {
        let taken = store.take_deliveries(at, lease, 100).await.unwrap();
        taken.into_iter().find(|one| one.webhook == hook.id)
    };
    assert_eq!(take(make.now).await, None, "not yet");
    let first = take(now).await.unwrap();
    assert_eq!((first.attempts, first.ready_at), (1, now.plus(lease)));
    assert_eq!(take(now).await, None, "somebody holds it");
    let second = take(now.plus(lease)).await.unwrap();
    let (done, failed) = (DeliveryState::Done, DeliveryState::Failed);
    assert!(!store.note_delivery(&first, done, now, "200").await.unwrap());
    assert!(
        store
            .note_delivery(&second, done, now, "200")
            .await
            .unwrap()
    );
    assert!(
        !store
            .note_delivery(&second, failed, now, "500")
            .await
            .unwrap()
    );
    let listed = store.deliveries(hook.id, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].state), (1, done));
    assert_eq!(listed[0].answer.as_deref(), Some("200"));
    let later = make.now.plus(Duration::from_secs(1));
    assert_eq!(store.forget_deliveries(later, 10).await.unwrap(), 1);
    assert!(store.delete_webhook(hook.id).await.unwrap());
    assert!(!store.delete_webhook(hook.id).await.unwrap());
}

async fn a_cap_tells_the_account_in_the_transaction_that_reaches_it(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let user = model.owner.user;
    let on = webhook(store, make, Payer::User(user)).await;
    let off = webhook(store, make, Payer::User(user)).await;
    let switched = WebhookRecord {
        active: false,
        ..off.clone()
    };
    assert!(store.update_webhook(&switched).await.unwrap());
    let hooks = store.webhooks(Payer::User(user), 10).await.unwrap();
    assert_eq!(hooks.len(), 2);
    let scope = CapScope::Model(model.id);
    store
        .set_cap(scope, CapWindow::Day, 2, make.now)
        .await
        .unwrap();
    let session = make.session(&model);
    let event = make.usage(&session, UsageKind::Export);
    for _ in 0..2 {
        // Said twice, told once.
        store.append_usage(vec![event.clone()]).await.unwrap();
    }
    assert_eq!(store.count_notifications(user).await.unwrap(), (1, 1));
    let sent = store.deliveries(on.id, 10).await.unwrap();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].body.contains("\"percent\":50"), "{}", sent[0].body);
    assert!(store.deliveries(off.id, 10).await.unwrap().is_empty());
    let next = make.usage(&session, UsageKind::Export);
    store.append_usage(vec![next]).await.unwrap();
    let told = store
        .notifications(user, &ListQuery::default())
        .await
        .unwrap();
    let errors = told.iter().filter(|one| one.level == "error").count();
    assert_eq!((told.len(), errors), (4, 1));
    assert!(store.remove_cap(scope, CapWindow::Day).await.unwrap());
}

async fn what_several_accounts_cause_is_told_to_none_of_them(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let token = TokenId::new(make.entropy());
    let scope = CapScope::Token(token);
    store
        .set_cap(scope, CapWindow::Day, 1, make.now)
        .await
        .unwrap();
    let mut event = make.usage(&make.session(&model), UsageKind::Export);
    event.token = Some(token);
    store.append_usage(vec![event]).await.unwrap();
    let told = store.count_notifications(model.owner.user).await.unwrap();
    assert_eq!(told, (0, 0));
    let lines = store.audit_by_model(model.id, Timestamp::from_unix_ms(0), 10);
    assert!(lines.await.unwrap().is_empty());
    assert!(store.remove_cap(scope, CapWindow::Day).await.unwrap());
}
