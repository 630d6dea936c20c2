//! Applications, the codes of their sign-ins, and the link that sets an installation up.

use std::time::Duration;

use vitrine_access::oauth::Challenge;
use vitrine_access::secret::{ApiKey, CodeKind, SetUpKind};
use vitrine_access::{RefreshChain, TokenId, UserId};
use vitrine_store::{ApplicationRecord, AuthorizationCodeRecord, SignInRecord, Store, StoreError};

use crate::Builder;

super::cases! {
    0x1600:
    an_application_takes_its_sign_ins_with_it,
    a_code_is_used_by_one_of_those_who_try,
    old_codes_are_forgotten,
    the_newest_set_up_link_is_used_once,
}

fn application(make: &Builder, id: &str) -> ApplicationRecord {
    ApplicationRecord {
        id: id.to_owned(),
        name: "An application".to_owned(),
        redirects: vec![
            "https://a.example/".to_owned(),
            "https://b.example/".to_owned(),
        ],
        created_at: make.now,
    }
}

fn sign_in(make: &Builder, user: UserId, client: &str) -> SignInRecord {
    let id = TokenId::new(make.entropy());
    SignInRecord {
        id,
        user,
        key: None,
        client: client.to_owned(),
        chain: RefreshChain::new(id, make.now),
        renewals: 0,
        created_at: make.now,
        used_at: make.now,
        expires_at: make.now.plus(Duration::from_hours(1)),
        ended_at: None,
    }
}

async fn an_application_takes_its_sign_ins_with_it(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let mut record = application(make, "one");
    store.insert_application(&record).await.unwrap();
    let again = store.insert_application(&record).await.unwrap_err();
    assert!(
        matches!(&again, StoreError::Conflict { column } if column == "application.id"),
        "{again}"
    );
    record.redirects.truncate(1);
    assert!(store.update_application(&record).await.unwrap());
    assert_eq!(
        store.application("one").await.unwrap(),
        Some(record.clone())
    );
    assert!(store.applications(10).await.unwrap().contains(&record));
    let (theirs, others) = (
        sign_in(make, owner.user, "one"),
        sign_in(make, owner.user, "two"),
    );
    store.insert_sign_in(&theirs).await.unwrap();
    store.insert_sign_in(&others).await.unwrap();
    let users = store.delete_application("one", make.now).await.unwrap();
    assert!(!users.unwrap().is_empty(), "those who had signed in by it");
    let users = store.delete_application("one", make.now).await.unwrap();
    assert_eq!(users, None);
    assert_eq!(store.application("one").await.unwrap(), None);
    let left = store.sign_ins(owner.user, make.now, 10).await.unwrap();
    assert_eq!(left, [others]);
}

fn code(make: &Builder, user: UserId) -> AuthorizationCodeRecord {
    AuthorizationCodeRecord {
        hash: ApiKey::<CodeKind>::new(make.entropy()).hash(),
        application: "one".to_owned(),
        user,
        key: None,
        redirect: "https://a.example/".to_owned(),
        challenge: Challenge::from_bytes([7; 32]),
        expires_at: make.now.plus(Duration::from_mins(1)),
        sign_in: None,
    }
}

async fn a_code_is_used_by_one_of_those_who_try(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let record = code(make, owner.user);
    store.insert_authorization_code(&record).await.unwrap();
    let (first, second) = (TokenId::new(make.entropy()), TokenId::new(make.entropy()));
    assert!(
        store
            .use_authorization_code(&record.hash, first)
            .await
            .unwrap()
    );
    assert!(
        !store
            .use_authorization_code(&record.hash, second)
            .await
            .unwrap()
    );
    let found = store
        .authorization_code_unscoped(&record.hash)
        .await
        .unwrap();
    assert_eq!(found.unwrap().sign_in, Some(first));
}

async fn old_codes_are_forgotten(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let record = code(make, owner.user);
    store.insert_authorization_code(&record).await.unwrap();
    store
        .forget_authorization_codes(make.now, 1_000)
        .await
        .unwrap();
    let known = store.authorization_code_unscoped(&record.hash).await;
    assert!(known.unwrap().is_some());
    let later = make.now.plus(Duration::from_hours(1));
    assert!(
        store
            .forget_authorization_codes(later, 1_000)
            .await
            .unwrap()
            >= 1
    );
    let known = store.authorization_code_unscoped(&record.hash).await;
    assert!(known.unwrap().is_none());
}

async fn the_newest_set_up_link_is_used_once(store: &Store, make: &Builder) {
    let secret = || ApiKey::<SetUpKind>::new(make.entropy()).hash();
    let (old, new) = (secret(), secret());
    store.set_setup_link(&old, make.now).await.unwrap();
    store.set_setup_link(&new, make.now).await.unwrap();
    assert_eq!(store.setup_link().await.unwrap(), Some((new, make.now)));
    assert!(!store.use_setup_link(&old).await.unwrap());
    assert!(store.use_setup_link(&new).await.unwrap());
    assert!(!store.use_setup_link(&new).await.unwrap());
    assert_eq!(store.setup_link().await.unwrap(), None);
}
