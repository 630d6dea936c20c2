//! Second factors, invitations, members and organizations that go, and models that are shared.

use std::time::Duration;

use vitrine_access::secret::{ApiKey, InvitationKind, RecoveryCode};
use vitrine_access::{
    InvitationId, OrganizationId, Role, ShareId, SharePolicy, UserId, Visibility,
};
use vitrine_store::{
    InvitationRecord, ListQuery, ModelScope, SecondFactorRecord, ShareRecord, SortBy, Store,
};

use crate::Builder;

super::cases! {
    0x1700:
    a_secret_is_replaced_until_it_is_confirmed,
    each_step_and_each_recovery_code_is_used_once,
    an_invitation_ends_once_and_in_its_own_organization,
    models_stay_when_their_user_goes_and_go_on_when_the_organization_ends,
    shared_models_are_listed_once_in_the_scopes_of_a_viewer,
    a_link_is_switched_by_one_of_those_who_try,
}

fn factor(make: &Builder, user: UserId, byte: u8) -> SecondFactorRecord {
    SecondFactorRecord {
        user,
        sealed: vec![byte; 4],
        created_at: make.now,
        confirmed_at: None,
        last_step: 0,
    }
}

async fn a_secret_is_replaced_until_it_is_confirmed(store: &Store, make: &Builder) {
    let user = make.stored_owner(store).await.unwrap().user;
    assert!(!store.take_second_factor_step(user, 1).await.unwrap());
    for byte in [1, 2] {
        assert!(
            store
                .begin_second_factor(&factor(make, user, byte))
                .await
                .unwrap()
        );
    }
    assert!(!store.take_second_factor_step(user, 1).await.unwrap());
    assert!(
        store
            .confirm_second_factor(user, 7, make.now)
            .await
            .unwrap()
    );
    assert!(
        !store
            .confirm_second_factor(user, 8, make.now)
            .await
            .unwrap()
    );
    assert!(
        !store
            .begin_second_factor(&factor(make, user, 3))
            .await
            .unwrap()
    );
    let found = store.second_factor(user).await.unwrap().unwrap();
    assert_eq!((found.sealed, found.last_step), (vec![2; 4], 7));
    assert!(store.delete_second_factor(user).await.unwrap());
    assert!(!store.delete_second_factor(user).await.unwrap());
    assert_eq!(store.second_factor(user).await.unwrap(), None);
}

async fn each_step_and_each_recovery_code_is_used_once(store: &Store, make: &Builder) {
    let user = make.stored_owner(store).await.unwrap().user;
    let other = make.stored_owner(store).await.unwrap().user;
    store
        .begin_second_factor(&factor(make, user, 1))
        .await
        .unwrap();
    store
        .confirm_second_factor(user, 7, make.now)
        .await
        .unwrap();
    for (step, taken) in [
        (7, false),
        (6, false),
        (9, true),
        (9, false),
        (8, false),
        (10, true),
    ] {
        let found = store.take_second_factor_step(user, step).await.unwrap();
        assert_eq!(found, taken, "{step}");
    }
    let codes: Vec<_> = (0..3)
        .map(|_| RecoveryCode::new(make.entropy()).hash())
        .collect();
    store.set_recovery_codes(user, &codes).await.unwrap();
    assert!(
        !store
            .use_recovery_code(other, &codes[0], make.now)
            .await
            .unwrap()
    );
    assert!(
        store
            .use_recovery_code(user, &codes[0], make.now)
            .await
            .unwrap()
    );
    assert!(
        !store
            .use_recovery_code(user, &codes[0], make.now)
            .await
            .unwrap()
    );
    assert_eq!(store.recovery_codes_left(user).await.unwrap(), 2);
    store.set_recovery_codes(user, &codes[1..2]).await.unwrap();
    assert_eq!(store.recovery_codes_left(user).await.unwrap(), 1);
}

fn invitation(
    make: &Builder,
    organization: OrganizationId,
    by: UserId,
    receiver: Option<UserId>,
) -> InvitationRecord {
    let secret = ApiKey::<InvitationKind>::new(make.entropy());
    InvitationRecord {
        id: InvitationId::new(make.entropy()),
        organization,
        role: Role::User,
        receiver,
        email: None,
        hash: receiver.is_none().then(|| secret.hash()),
        created_by: by,
        created_at: make.now,
        expires_at: make.now.plus(Duration::from_hours(1)),
        ended_at: None,
    }
}

async fn an_invitation_ends_once_and_in_its_own_organization(store: &Store, make: &Builder) {
    let owner = make.stored_member(store).await.unwrap();
    let elsewhere = make.stored_member(store).await.unwrap();
    let receiver = make.stored_owner(store).await.unwrap().user;
    let (acme, other) = (owner.organization.unwrap(), elsewhere.organization.unwrap());
    let (first, second) = (
        invitation(make, acme, owner.user, Some(receiver)),
        invitation(make, acme, owner.user, None),
    );
    for one in [&first, &second] {
        store.insert_invitation(one).await.unwrap();
    }
    let (now, later) = (make.now, make.now.plus(Duration::from_hours(1)));
    assert_eq!(store.invitations(acme, now, 10).await.unwrap().len(), 2);
    assert_eq!(store.invitations(acme, later, 10).await.unwrap(), []);
    assert_eq!(store.invitations(other, now, 10).await.unwrap(), []);
    let theirs = store.invitations_for(receiver, now, 10).await.unwrap();
    assert_eq!(theirs, std::slice::from_ref(&first));
    let hash = second.hash.unwrap();
    let found = store.invitation_by_hash_unscoped(&hash).await.unwrap();
    assert_eq!(found.as_ref(), Some(&second));
    assert!(!store.end_invitation(other, first.id, now).await.unwrap());
    assert!(store.end_invitation(acme, first.id, now).await.unwrap());
    assert!(!store.end_invitation(acme, first.id, now).await.unwrap());
    assert_eq!(store.invitations_for(receiver, now, 10).await.unwrap(), []);
    assert_eq!(store.end_invitations(acme, now).await.unwrap(), 1);
}

async fn models_stay_when_their_user_goes_and_go_on_when_the_organization_ends(
    store: &Store,
    make: &Builder,
) {
    let owner = make.stored_member(store).await.unwrap();
    let heir = make.stored_owner(store).await.unwrap().user;
    let acme = owner.organization.unwrap();
    let model = make.model(owner);
    store.insert_model(&model).await.unwrap();
    assert!(store.hold_organization(acme).await.unwrap());
    let handed = store
        .hand_over_models(acme, owner.user, heir)
        .await
        .unwrap();
    assert_eq!(handed, 1);
    let found = store.model_unscoped(model.id).await.unwrap().unwrap();
    assert_eq!(
        (found.owner.user, found.owner.organization),
        (heir, Some(acme))
    );
    assert!(store.delete_organization(acme, make.now).await.unwrap());
    assert!(!store.delete_organization(acme, make.now).await.unwrap());
    assert!(!store.hold_organization(acme).await.unwrap());
    assert_eq!(store.organization(acme).await.unwrap(), None);
    let found = store.model_unscoped(model.id).await.unwrap().unwrap();
    assert_eq!((found.owner.user, found.owner.organization), (heir, None));
}

async fn shared_models_are_listed_once_in_the_scopes_of_a_viewer(store: &Store, make: &Builder) {
    let owner = make.stored_member(store).await.unwrap();
    let viewer = make.stored_owner(store).await.unwrap().user;
    let acme = owner.organization.unwrap();
    let mut shared = Vec::new();
    for visibility in Visibility::ALL {
        let mut model = make.model(owner);
        model.listing.visibility = *visibility;
        store.insert_model(&model).await.unwrap();
        let share = ShareRecord {
            id: ShareId::new(make.entropy()),
            model: model.id,
            user: viewer,
            policy: SharePolicy::View,
            provider: owner.user,
            created_at: make.now,
        };
        assert!(store.insert_share(&share).await.unwrap());
        let again = ShareRecord {
            id: ShareId::new(make.entropy()),
            ..share.clone()
        };
        assert!(!store.insert_share(&again).await.unwrap());
        assert_eq!(
            store.share_unscoped(share.id).await.unwrap().as_ref(),
            Some(&share)
        );
        shared.push(share);
    }
    for sort in [SortBy::Created, SortBy::Updated] {
        // Private, organization, public; each stands in one scope of a viewer only.
        for (member, expected) in [
            (None, vec![0, 1]),
            (Some((acme, false)), vec![0]),
            (Some((acme, true)), vec![]),
        ] {
            let scope = ModelScope::SharedWith {
                user: viewer,
                member,
            };
            let query = ListQuery {
                sort,
                limit: 10,
                ..ListQuery::default()
            };
            let found = store.query_models(&scope, &query).await.unwrap();
            let mut found: Vec<_> = found.iter().map(|model| model.id).collect();
            let mut wanted: Vec<_> = expected.iter().map(|n| shared[*n].model).collect();
            found.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{member:?}");
        }
    }
    let all = store.shares_unscoped(shared[0].model, 10).await.unwrap();
    assert_eq!(all, std::slice::from_ref(&shared[0]));
    assert!(store.delete_share(shared[0].id).await.unwrap());
    assert!(!store.delete_share(shared[0].id).await.unwrap());
    assert_eq!(store.shares_of(shared[0].model, viewer).await.unwrap(), []);
}

async fn a_link_is_switched_by_one_of_those_who_try(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let model = make.model(owner);
    store.insert_model(&model).await.unwrap();
    assert_eq!(store.model_link(model.id).await.unwrap(), Some(0));
    assert!(store.set_model_link(model.id, 0, 1).await.unwrap());
    assert!(!store.set_model_link(model.id, 0, 1).await.unwrap());
    assert_eq!(store.model_link(model.id).await.unwrap(), Some(1));
}
