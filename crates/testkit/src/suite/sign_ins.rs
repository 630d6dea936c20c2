//! Sign-ins and passwords.

use std::time::Duration;

use vitrine_access::{RefreshChain, TokenId};
use vitrine_store::{PasswordHash, SignInRecord, Store};

use crate::Builder;

super::cases! {
    0x0f00:
    a_password_is_kept_as_it_was_set,
    a_sign_in_is_renewed_by_one_of_those_who_try,
    sign_ins_end_for_their_own_user_only,
    whoever_may_not_sign_in_is_no_administrator,
}

async fn a_password_is_kept_as_it_was_set(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    assert_eq!(store.password_of(owner.user).await.unwrap(), None);
    let hash = PasswordHash::new("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA".to_owned());
    assert!(store.set_password(owner.user, &hash).await.unwrap());
    assert_eq!(store.password_of(owner.user).await.unwrap(), Some(hash));
}

fn sign_in(make: &Builder, user: vitrine_access::UserId) -> SignInRecord {
    let id = TokenId::new(make.entropy());
    SignInRecord {
        id,
        user,
        key: None,
        client: "test".to_owned(),
        chain: RefreshChain::new(id, make.now),
        renewals: 0,
        created_at: make.now,
        used_at: make.now,
        expires_at: make.now.plus(Duration::from_hours(1)),
        ended_at: None,
    }
}

async fn a_sign_in_is_renewed_by_one_of_those_who_try(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let mut record = sign_in(make, owner.user);
    store.insert_sign_in(&record).await.unwrap();
    let later = make.now.plus(Duration::from_mins(1));
    let child = TokenId::new(make.entropy());
    let chain = record.chain.show(child, Some(record.id), later).unwrap();
    let renew = || store.renew_sign_in(record.id, record.id, &chain, later);
    assert!(renew().await.unwrap());
    assert!(!renew().await.unwrap(), "the token has turned meanwhile");
    record.chain = chain;
    record.renewals = 1;
    record.used_at = later;
    let found = store.sign_in_unscoped(record.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&record));
    assert_eq!(
        store.sign_ins(owner.user, later, 10).await.unwrap(),
        [record]
    );
}

async fn sign_ins_end_for_their_own_user_only(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let other = make.stored_owner(store).await.unwrap();
    let (first, second) = (sign_in(make, owner.user), sign_in(make, owner.user));
    let third = sign_in(make, owner.user);
    for record in [&first, &second, &third] {
        store.insert_sign_in(record).await.unwrap();
    }
    let now = make.now;
    assert!(!store.end_sign_in(other.user, first.id, now).await.unwrap());
    assert!(store.end_sign_in(owner.user, first.id, now).await.unwrap());
    assert!(!store.end_sign_in(owner.user, first.id, now).await.unwrap());
    let renewed = store
        .renew_sign_in(first.id, first.id, &first.chain, now)
        .await;
    assert!(!renewed.unwrap(), "what ended is not renewed");
    let ended = store
        .end_sign_ins_but(owner.user, Some(third.id), now)
        .await;
    assert_eq!(ended.unwrap(), 1);
    let left = store.sign_ins(owner.user, now, 10).await.unwrap();
    assert_eq!(left, std::slice::from_ref(&third));
    let over = third.expires_at;
    assert!(
        store
            .sign_ins(owner.user, over, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let beyond = over.plus(Duration::from_millis(1));
    assert_eq!(store.forget_sign_ins(beyond, 2).await.unwrap(), 2);
    while store.forget_sign_ins(beyond, 2).await.unwrap() > 0 {}
    assert_eq!(store.sign_in_unscoped(third.id).await.unwrap(), None);
}

async fn whoever_may_not_sign_in_is_no_administrator(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    assert!(store.set_administrator(owner.user, true).await.unwrap());
    assert!(
        !store.has_administrator().await.unwrap(),
        "there is no password"
    );
    let hash = PasswordHash::new("x".to_owned());
    store.set_password(owner.user, &hash).await.unwrap();
    assert!(store.has_administrator().await.unwrap());
    assert!(store.user(owner.user).await.unwrap().unwrap().administrator);
    store.set_administrator(owner.user, false).await.unwrap();
    let email = format!("new-{}@example.com", owner.user);
    assert!(store.set_email(owner.user, &email).await.unwrap());
    let found = store.user_by_email(&email).await.unwrap().unwrap();
    assert_eq!((found.id, found.administrator), (owner.user, false));
}
