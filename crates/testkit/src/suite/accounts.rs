//! Users, organizations, access keys, signing keys, revoked tokens, tickets.

use std::time::Duration;

use vitrine_access::jwt::Algorithm;
use vitrine_access::{
    AuthGroupId, ModelId, Owner, Revoked, Subject, TicketType, Timestamp, TokenId, UserId,
};
use vitrine_store::{AuthGroupRecord, SigningKeyRecord, Store, StoreError, TicketRecord};

use crate::Builder;
use crate::builders::domains;

super::cases! {
    0x0a00:
    accounts_are_found_again,
    an_address_belongs_to_one_user,
    the_operator_is_made_once,
    access_keys_are_seen_by_their_owner_only,
    a_hash_belongs_to_one_access_key,
    signing_keys_come_newest_first_and_retire_once,
    signing_keys_end_at_the_earliest_end_that_was_set,
    live_tickets_are_counted_by_their_sealing_key,
    groups_are_found_again,
    a_group_with_an_end_is_forgotten_after_it_and_one_without_never,
    a_ticket_is_forgotten_some_time_after_its_end_or_revocation,
    an_account_that_demands_tokens_demands_them_for_all_its_models,
    a_revoked_token_stays_revoked_until_its_end,
    the_revocation_of_a_subject_moves_forward_only_and_ends,
    tickets_are_found_again_and_revoked_once,
    only_a_live_plain_embedding_ticket_is_handed_out_again,
}

async fn accounts_are_found_again(store: &Store, make: &Builder) {
    let (user, organization) = (make.user(), make.organization());
    store.insert_user(&user).await.unwrap();
    store.insert_organization(&organization).await.unwrap();
    assert_eq!(store.user(user.id).await.unwrap().as_ref(), Some(&user));
    let email = user.email.as_deref().unwrap();
    assert_eq!(
        store.user_by_email(email).await.unwrap().as_ref(),
        Some(&user)
    );
    assert_eq!(
        store.user_by_email("nobody@example.com").await.unwrap(),
        None
    );
    assert_eq!(
        store.organization(organization.id).await.unwrap(),
        Some(organization)
    );
}

async fn an_address_belongs_to_one_user(store: &Store, make: &Builder) {
    let first = make.user();
    let mut second = make.user();
    second.email.clone_from(&first.email);
    store.insert_user(&first).await.unwrap();
    let refused = store.insert_user(&second).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Conflict { column } if column == "user_account.email"),
        "{refused:?}"
    );
    assert_eq!(store.user(second.id).await.unwrap(), None);
}

async fn the_operator_is_made_once(store: &Store, make: &Builder) {
    let id = UserId::new(make.entropy());
    store.ensure_operator(id, make.now).await.unwrap();
    store
        .ensure_operator(id, make.now.plus(Duration::from_secs(9)))
        .await
        .unwrap();
    let operator = store.user(id).await.unwrap().unwrap();
    assert_eq!((operator.email, operator.created_at), (None, make.now));
}

async fn access_keys_are_seen_by_their_owner_only(store: &Store, make: &Builder) {
    let member = make.stored_member(store).await.unwrap();
    let alone = Owner {
        organization: None,
        ..member
    };
    let (of_member, of_alone) = (make.access_key(member), make.access_key(alone));
    store.insert_access_key(&of_member).await.unwrap();
    store.insert_access_key(&of_alone).await.unwrap();
    assert_eq!(ids(store, &member).await, [of_member.id]);
    assert_eq!(ids(store, &alone).await, [of_alone.id]);
    assert!(
        !store
            .revoke_access_key(&alone, of_member.id, make.now)
            .await
            .unwrap()
    );
    assert!(
        store
            .revoke_access_key(&member, of_member.id, make.now)
            .await
            .unwrap()
    );
    assert!(
        !store
            .revoke_access_key(&member, of_member.id, make.now)
            .await
            .unwrap()
    );
    let found = store
        .access_key_by_hash_unscoped(&of_member.hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.revoked_at, Some(make.now));
    assert_eq!(
        store.access_key_unscoped(of_member.id).await.unwrap(),
        Some(found)
    );
}

async fn ids(store: &Store, owner: &Owner) -> Vec<vitrine_access::AccessKeyId> {
    store
        .access_keys(owner, 10)
        .await
        .unwrap()
        .iter()
        .map(|key| key.id)
        .collect()
}

async fn a_hash_belongs_to_one_access_key(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let first = make.access_key(owner);
    let mut second = make.access_key(owner);
    second.hash = first.hash;
    store.insert_access_key(&first).await.unwrap();
    let refused = store.insert_access_key(&second).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Conflict { column } if column == "access_key.hash"),
        "{refused:?}"
    );
}

async fn signing_keys_come_newest_first_and_retire_once(store: &Store, make: &Builder) {
    let key = |kid: &str, alg, seconds| SigningKeyRecord {
        kid: kid.to_owned(),
        alg,
        sealed_private: vec![0, 1, 254, 255],
        public_jwk: "{}".to_owned(),
        created_at: make.now.plus(Duration::from_secs(seconds)),
        signs_from: make.now.plus(Duration::from_secs(seconds)),
        verifies_until: None,
        retired_at: None,
    };
    let old = key("old", Algorithm::Rs256, 1);
    let new = key("new", Algorithm::EdDsa, 2);
    store.insert_signing_key(&old).await.unwrap();
    store.insert_signing_key(&new).await.unwrap();
    assert_eq!(
        store.signing_keys().await.unwrap(),
        [new.clone(), old.clone()]
    );
    assert!(store.retire_signing_key("old", make.now).await.unwrap());
    assert!(!store.retire_signing_key("old", make.now).await.unwrap());
    let retired = SigningKeyRecord {
        retired_at: Some(make.now),
        ..old
    };
    assert_eq!(store.signing_keys().await.unwrap(), [new, retired]);
}

async fn signing_keys_end_at_the_earliest_end_that_was_set(store: &Store, make: &Builder) {
    let key = SigningKeyRecord {
        kid: "ending".to_owned(),
        alg: Algorithm::Es256,
        sealed_private: vec![1],
        public_jwk: "{}".to_owned(),
        created_at: make.now,
        signs_from: make.now,
        verifies_until: None,
        retired_at: None,
    };
    store.insert_signing_key(&key).await.unwrap();
    let (late, early) = (
        make.now.plus(Duration::from_hours(2)),
        make.now.plus(Duration::from_hours(1)),
    );
    for (end, expected) in [(late, late), (early, early), (late, early)] {
        store.end_signing_keys(end).await.unwrap();
        let keys = store.signing_keys().await.unwrap();
        let found = keys.iter().find(|key| key.kid == "ending").unwrap();
        assert_eq!(found.verifies_until, Some(expected));
    }
    store.reseal_signing_key("ending", &[7, 8]).await.unwrap();
    let keys = store.signing_keys().await.unwrap();
    let found = keys.iter().find(|key| key.kid == "ending").unwrap();
    assert_eq!(found.sealed_private, [7, 8]);
}

async fn live_tickets_are_counted_by_their_sealing_key(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let ticket = make.ticket(model.id);
    store.insert_ticket(&ticket).await.unwrap();
    let of = |counts: Vec<(Option<String>, u64)>| {
        counts
            .into_iter()
            .find(|(key, _)| key.as_deref() == Some("f1"))
            .map(|(_, count)| count)
    };
    let count = || async { of(store.live_tickets_by_key(make.now).await.unwrap()) };
    assert_eq!(count().await, None);
    store.note_sealing_key(ticket.id, "f1").await.unwrap();
    assert_eq!(count().await, Some(1));
    store.revoke_ticket(ticket.id, make.now).await.unwrap();
    assert_eq!(count().await, None);
}

async fn groups_are_found_again(store: &Store, make: &Builder) {
    let group = AuthGroupRecord {
        id: AuthGroupId::new(make.entropy()),
        models: vec![ModelId::new(make.entropy()), ModelId::new(make.entropy())],
        users: vec![UserId::new(make.entropy())],
        organizations: Vec::new(),
        created_at: make.now,
        kept_until: None,
    };
    store.insert_auth_group(&group).await.unwrap();
    let found = store.auth_group(group.id).await.unwrap();
    assert_eq!(found, Some(group.clone()));
    let other = AuthGroupId::new(make.entropy());
    assert_eq!(store.auth_group(other).await.unwrap(), None);
}

async fn a_group_with_an_end_is_forgotten_after_it_and_one_without_never(
    store: &Store,
    make: &Builder,
) {
    let group = |kept_until| AuthGroupRecord {
        id: AuthGroupId::new(make.entropy()),
        models: Vec::new(),
        users: Vec::new(),
        organizations: Vec::new(),
        created_at: make.now,
        kept_until,
    };
    let at = |hours| make.now.plus(Duration::from_hours(hours));
    let (forever, ends, lives_on) = (group(None), group(Some(at(1))), group(Some(at(1))));
    for group in [&forever, &ends, &lives_on] {
        store.insert_auth_group(group).await.unwrap();
    }
    assert!(store.keep_auth_group(lives_on.id, at(5)).await.unwrap());
    assert!(store.keep_auth_group(lives_on.id, at(2)).await.unwrap());
    assert!(store.keep_auth_group(forever.id, at(2)).await.unwrap());
    let unknown = AuthGroupId::new(make.entropy());
    assert!(!store.keep_auth_group(unknown, at(2)).await.unwrap());
    assert_eq!(store.forget_auth_groups(at(1), 10).await.unwrap(), 0);
    assert_eq!(store.forget_auth_groups(at(4), 10).await.unwrap(), 1);
    for (group, left) in [(&forever, true), (&ends, false), (&lives_on, true)] {
        let found = store.auth_group(group.id).await.unwrap();
        assert_eq!(found.is_some(), left);
    }
    store.forget_auth_groups(at(9), 10).await.unwrap();
}

async fn a_ticket_is_forgotten_some_time_after_its_end_or_revocation(
    store: &Store,
    make: &Builder,
) {
    let model = make.stored_model(store).await.unwrap();
    let at = |hours| make.now.plus(Duration::from_hours(hours));
    let mut ids = Vec::new();
    for until in [at(1), at(9), at(9)] {
        let ticket = TicketRecord {
            until,
            ..make.ticket(model.id)
        };
        store.insert_ticket(&ticket).await.unwrap();
        ids.push(ticket.id);
    }
    let live = async || store.live_tickets_of_model(model.id, make.now, 9).await;
    assert_eq!(live().await.unwrap(), 3);
    let counted = store.live_tickets_of_model(model.id, make.now, 2).await;
    assert_eq!(counted.unwrap(), 2, "counted no further than asked");
    store.revoke_ticket(ids[1], at(2)).await.unwrap();
    assert_eq!(live().await.unwrap(), 2);
    let left = async || {
        let mut left = Vec::new();
        for id in &ids {
            left.push(store.ticket_unscoped(*id).await.unwrap().is_some());
        }
        left
    };
    store.forget_tickets(at(1), 1_000).await.unwrap();
    assert_eq!(left().await, [true, true, true]);
    store.forget_tickets(at(2), 1_000).await.unwrap();
    assert_eq!(left().await, [false, true, true]);
    store.forget_tickets(at(3), 1_000).await.unwrap();
    assert_eq!(left().await, [false, false, true]);
}

async fn an_account_that_demands_tokens_demands_them_for_all_its_models(
    store: &Store,
    make: &Builder,
) {
    let owner = make.stored_member(store).await.unwrap();
    let model = make.model(owner);
    store.insert_model(&model).await.unwrap();
    let forced = || async {
        let model = store.model_unscoped(model.id).await.unwrap().unwrap();
        (model.token_forced, model.demands_token())
    };
    assert_eq!(forced().await, (false, false));
    assert!(store.force_token_of_user(owner.user, true).await.unwrap());
    assert_eq!(forced().await, (true, true));
    assert!(store.force_token_of_user(owner.user, false).await.unwrap());
    let organization = owner.organization.unwrap();
    assert!(
        store
            .force_token_of_organization(organization, true)
            .await
            .unwrap()
    );
    assert_eq!(forced().await, (true, true));
    let nobody = UserId::new(make.entropy());
    assert!(!store.force_token_of_user(nobody, true).await.unwrap());
}

async fn a_revoked_token_stays_revoked_until_its_end(store: &Store, make: &Builder) {
    let (token, other) = (TokenId::new(make.entropy()), TokenId::new(make.entropy()));
    let end = make.now.plus(Duration::from_mins(1));
    let after = make.now.plus(Duration::from_secs(61));
    store.revoke_token(token, end).await.unwrap();
    store.revoke_token(token, make.now).await.unwrap();
    assert!(
        store.is_token_revoked(token, end).await.unwrap(),
        "an earlier end shortens nothing"
    );
    assert!(!store.is_token_revoked(token, after).await.unwrap());
    assert!(!store.is_token_revoked(other, make.now).await.unwrap());
    assert_eq!(
        store.revoked_tokens(make.now).await.unwrap(),
        [(token, end)]
    );
    assert_eq!(store.forget_revoked_tokens(end, 10).await.unwrap(), 0);
    assert_eq!(store.forget_revoked_tokens(after, 10).await.unwrap(), 1);
    assert_eq!(store.revoked_tokens(make.now).await.unwrap(), []);
}

async fn tickets_are_found_again_and_revoked_once(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let mut ticket = make.ticket(model.id);
    ticket.kind = TicketType::Backend;
    ticket.use_id2 = true;
    ticket.domains = domains(&["shop.example.com", "localhost:*"]);
    store.insert_ticket(&ticket).await.unwrap();
    assert_eq!(
        store.ticket_unscoped(ticket.id).await.unwrap().as_ref(),
        Some(&ticket)
    );
    let live = store.live_ticket_count_unscoped(make.now).await.unwrap();
    assert!(store.revoke_ticket(ticket.id, make.now).await.unwrap());
    assert!(!store.revoke_ticket(ticket.id, make.now).await.unwrap());
    assert_eq!(
        store.live_ticket_count_unscoped(make.now).await.unwrap(),
        live - 1
    );
    ticket.revoked_at = Some(make.now);
    assert_eq!(store.tickets(model.id, 10).await.unwrap(), [ticket]);
    let unknown = make.ticket(vitrine_access::ModelId::new(make.entropy()));
    let refused = store.insert_ticket(&unknown).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::MissingReference),
        "{refused:?}"
    );
}

async fn only_a_live_plain_embedding_ticket_is_handed_out_again(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let plain = make.ticket(model.id);
    store.insert_ticket(&plain).await.unwrap();
    let mut special = [(); 5].map(|()| make.ticket(model.id));
    special[0].kind = TicketType::Backend;
    special[1].author = true;
    special[2].public = true;
    special[3].domains = domains(&["shop.example.com"]);
    special[4].use_id2 = true;
    for ticket in &mut special {
        ticket.created_at = make.now.plus(Duration::from_secs(1));
        store.insert_ticket(ticket).await.unwrap();
    }
    let handed_out = store
        .live_embedding_ticket(model.id, make.now)
        .await
        .unwrap();
    assert_eq!(handed_out.as_ref(), Some(&plain));
    let author = &special[1];
    let before = Timestamp::from_unix_ms(author.until.unix_ms() - 1_000);
    for (from, until, expected) in [
        (make.now, author.until, vec![author.clone()]),
        (before, author.until, vec![author.clone()]),
        (author.until, author.until, Vec::new()),
        (make.now, before, Vec::new()),
    ] {
        let found = store.live_author_tickets(model.id, from, until).await;
        assert_eq!(found.unwrap(), expected);
    }
    assert_eq!(
        store
            .live_embedding_ticket(model.id, plain.until)
            .await
            .unwrap(),
        None
    );
    store.revoke_ticket(plain.id, make.now).await.unwrap();
    assert_eq!(
        store
            .live_embedding_ticket(model.id, make.now)
            .await
            .unwrap(),
        None
    );
}

async fn the_revocation_of_a_subject_moves_forward_only_and_ends(store: &Store, make: &Builder) {
    let user = make.stored_member(store).await.unwrap().user;
    let after = |seconds| make.now.plus(Duration::from_secs(seconds));
    let (subject, holder) = (Revoked::Subject(Subject::User(user)), Revoked::Holder(user));
    let known = async |whose: Revoked| {
        let all = store.revoked_subjects(make.now).await.unwrap();
        let listed = all.into_iter().find(|(one, _)| *one == whose);
        let alone = store.revoked_before(&whose).await.unwrap();
        assert_eq!(listed.map(|(_, at)| at), alone);
        alone
    };
    assert_eq!(known(subject).await, None);
    for (not_before, until) in [(5, 50), (9, 90), (7, 70)] {
        store
            .revoke_subject(&subject, after(not_before), after(until))
            .await
            .unwrap();
    }
    assert_eq!(known(subject).await, Some(after(9)));
    assert_eq!(known(holder).await, None, "the one is not the other");
    store
        .revoke_subject(&holder, after(3), after(60))
        .await
        .unwrap();
    assert_eq!(known(holder).await, Some(after(3)));
    for (before, forgotten) in [(60, 0), (61, 1), (90, 0), (91, 1)] {
        let gone = store.forget_revoked_subjects(after(before), 10).await;
        assert_eq!(gone.unwrap(), forgotten, "{before}");
    }
    assert_eq!(known(subject).await, None);
    assert_eq!(known(holder).await, None);
}
