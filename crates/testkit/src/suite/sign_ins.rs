//! Sign-ins and passwords.

use std::time::Duration;

use vitrine_access::{IdentityId, PasskeyId, RefreshChain, TokenId};
use vitrine_store::{IdentityRecord, PasskeyRecord, PasswordHash, SignInRecord, Store};

use crate::Builder;

super::cases! {
    0x0f00:
    a_password_is_kept_as_it_was_set,
    a_sign_in_is_renewed_by_one_of_those_who_try,
    sign_ins_end_for_their_own_user_only,
    whoever_may_not_sign_in_is_no_administrator,
    an_identity_is_one_persons_and_goes_with_its_own_user_only,
    a_passkey_counts_on_and_goes_with_its_own_user_only,
    a_step_is_taken_once_until_it_is_over,
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

async fn an_identity_is_one_persons_and_goes_with_its_own_user_only(store: &Store, make: &Builder) {
    let (owner, other) = (
        make.stored_owner(store).await.unwrap(),
        make.stored_owner(store).await.unwrap(),
    );
    let identity = |user, issuer: &str| IdentityRecord {
        id: IdentityId::new(make.entropy()),
        user,
        issuer: issuer.to_owned(),
        subject: "ada".to_owned(),
        email: None,
        created_at: make.now,
        used_at: None,
    };
    let mut first = identity(owner.user, "https://one.example");
    assert!(store.insert_identity(&first).await.unwrap());
    let again = identity(other.user, "https://one.example");
    assert!(!store.insert_identity(&again).await.unwrap());
    // The same subject of another issuer is somebody else.
    let elsewhere = identity(other.user, "https://two.example");
    assert!(store.insert_identity(&elsewhere).await.unwrap());
    let later = make.now.plus(Duration::from_mins(1));
    let email = Some("ada@example.com");
    store
        .note_identity_used(first.id, email, later)
        .await
        .unwrap();
    // An address that is not named again stays.
    store
        .note_identity_used(first.id, None, later)
        .await
        .unwrap();
    first.email = email.map(str::to_owned);
    first.used_at = Some(later);
    let found = store.identity_unscoped("https://one.example", "ada").await;
    assert_eq!(found.unwrap().as_ref(), Some(&first));
    assert!(!store.delete_identity(other.user, first.id).await.unwrap());
    assert!(store.delete_identity(owner.user, first.id).await.unwrap());
    assert!(!store.delete_identity(owner.user, first.id).await.unwrap());
    assert_eq!(store.identities(other.user).await.unwrap(), [elsewhere]);
    assert!(store.hold_user(owner.user).await.unwrap());
}

async fn a_passkey_counts_on_and_goes_with_its_own_user_only(store: &Store, make: &Builder) {
    let (owner, other) = (
        make.stored_owner(store).await.unwrap(),
        make.stored_owner(store).await.unwrap(),
    );
    let mut passkey = PasskeyRecord {
        id: PasskeyId::new(make.entropy()),
        user: owner.user,
        credential: vec![1, 2, 3],
        key: vec![4],
        counter: u32::MAX - 1,
        name: "Phone".to_owned(),
        created_at: make.now,
        used_at: None,
    };
    assert!(store.insert_passkey(&passkey).await.unwrap());
    let copy = PasskeyRecord {
        id: PasskeyId::new(make.entropy()),
        user: other.user,
        ..passkey.clone()
    };
    assert!(!store.insert_passkey(&copy).await.unwrap());
    let later = make.now.plus(Duration::from_mins(1));
    let count = || store.note_passkey_used(passkey.id, u32::MAX - 1, u32::MAX, later);
    assert!(count().await.unwrap());
    assert!(!count().await.unwrap(), "it has moved meanwhile");
    passkey.counter = u32::MAX;
    passkey.used_at = Some(later);
    let found = store.passkey_unscoped(&[1, 2, 3]).await.unwrap();
    assert_eq!(found.as_ref(), Some(&passkey));
    assert_eq!(store.passkeys(other.user).await.unwrap(), []);
    assert!(!store.delete_passkey(other.user, passkey.id).await.unwrap());
    assert!(store.delete_passkey(owner.user, passkey.id).await.unwrap());
    assert_eq!(store.passkeys(owner.user).await.unwrap(), []);
}

async fn a_step_is_taken_once_until_it_is_over(store: &Store, make: &Builder) {
    let step = TokenId::new(make.entropy());
    let end = make.now.plus(Duration::from_mins(1));
    assert!(store.take_sign_in_step(step, end).await.unwrap());
    assert!(!store.take_sign_in_step(step, end).await.unwrap());
    store.forget_sign_in_steps(end, 10).await.unwrap();
    assert!(!store.take_sign_in_step(step, end).await.unwrap());
    let after = end.plus(Duration::from_millis(1));
    assert!(store.forget_sign_in_steps(after, 10).await.unwrap() >= 1);
    assert!(store.take_sign_in_step(step, end).await.unwrap());
}
