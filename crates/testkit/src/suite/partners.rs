//! Partners, their keys and their editor tokens.

use std::time::Duration;

use vitrine_access::api_server::ApiServer;
use vitrine_access::editor_token::user_hash;
use vitrine_access::secret::{ApiKey, PartnerKeyKind};
use vitrine_access::{Change, EditorToken, PartnerId, PartnerKeyId};
use vitrine_store::{
    EditorTokenRecord, PartnerKeyRecord, PartnerRecord, PartnerSettings, Store, StoreError,
};

use crate::Builder;
use crate::builders::domains;

super::cases! {
    0x1a00:
    partners_are_found_again_and_changed,
    an_application_id_belongs_to_one_partner,
    keys_end_together_and_are_revoked_by_their_own_partner_only,
    editor_tokens_are_found_again,
    a_one_time_token_is_used_once_and_everybody_is_told,
    tokens_are_revoked_by_their_own_partner_only,
    the_tokens_of_one_user_are_revoked_together,
    tokens_are_forgotten_after_their_end,
}

fn partner(make: &Builder) -> PartnerRecord {
    let id = PartnerId::new(make.entropy());
    PartnerRecord {
        id,
        app_id: id.to_string().parse().unwrap(),
        name: "Acme CAD".to_owned(),
        settings: PartnerSettings::default(),
        created_at: make.now,
        updated_at: make.now,
    }
}

fn key(make: &Builder, partner: PartnerId) -> PartnerKeyRecord {
    let key = ApiKey::<PartnerKeyKind>::new(make.entropy());
    PartnerKeyRecord {
        id: PartnerKeyId::new(make.entropy()),
        partner,
        hash: key.hash(),
        last_four: key.last_four(),
        created_at: make.now,
        expires_at: None,
        revoked_at: None,
    }
}

fn token(make: &Builder, partner: PartnerId, user: Option<&str>) -> EditorTokenRecord {
    EditorTokenRecord {
        hash: EditorToken::new(make.entropy()).hash(),
        partner,
        key: PartnerKeyId::new(make.entropy()),
        user: user.map(|user| user_hash(partner, user)),
        sealed: vec![0, 1, 254, 255],
        one_time: false,
        created_at: make.now,
        expires_at: make.now.plus(Duration::from_hours(1)),
        used_at: None,
        revoked_at: None,
    }
}

async fn stored(store: &Store, make: &Builder) -> PartnerId {
    let partner = partner(make);
    store.insert_partner(&partner).await.unwrap();
    partner.id
}

async fn partners_are_found_again_and_changed(store: &Store, make: &Builder) {
    let mut partner = partner(make);
    assert!(!store.update_partner(&partner).await.unwrap());
    store.insert_partner(&partner).await.unwrap();
    "Acme".clone_into(&mut partner.name);
    let mut api_server = ApiServer::default();
    api_server.set("read", "/content?name={file}").unwrap();
    api_server.set("token-header", "x-acme").unwrap();
    partner.settings = PartnerSettings {
        blocked: true,
        origins: domains(&["shop.example.com", "localhost:*"]),
        content: Some("s3://drawings/acme".to_owned()),
        customization: Some("file:///srv/acme".to_owned()),
        servers: vec!["api.example.com".to_owned()],
        api_server,
        token_lifetime_s: 7,
        token_lifetime_max_s: 8,
        require_key_on_verify: true,
        plain_parameters: true,
        tokens_per_hour: Some(9),
    };
    partner.updated_at = make.now.plus(Duration::from_secs(1));
    assert!(store.update_partner(&partner).await.unwrap());
    assert_eq!(
        store.partner(partner.id).await.unwrap().as_ref(),
        Some(&partner)
    );
    let found = store.partner_by_app_id(&partner.app_id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&partner));
    let all = store.partners_after("", 1_000).await.unwrap();
    assert!(all.contains(&partner));
    assert!(all.is_sorted_by_key(|partner| partner.app_id.clone()));
    let later = store.partners_after(partner.app_id.as_str(), 1_000).await;
    assert!(!later.unwrap().contains(&partner));
}

async fn an_application_id_belongs_to_one_partner(store: &Store, make: &Builder) {
    let (first, mut second) = (partner(make), partner(make));
    second.app_id = first.app_id.clone();
    store.insert_partner(&first).await.unwrap();
    let refused = store.insert_partner(&second).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Conflict { column } if column == "partner.app_id"),
        "{refused:?}"
    );
}

async fn keys_end_together_and_are_revoked_by_their_own_partner_only(
    store: &Store,
    make: &Builder,
) {
    let (mine, other) = (stored(store, make).await, stored(store, make).await);
    let (first, mut second) = (key(make, mine), key(make, mine));
    let soon = make.now.plus(Duration::from_secs(5));
    second.expires_at = Some(soon);
    second.created_at = make.now.plus(Duration::from_secs(1));
    for key in [&first, &second] {
        store.insert_partner_key(key).await.unwrap();
    }
    let later = make.now.plus(Duration::from_hours(1));
    assert_eq!(store.expire_partner_keys(mine, later).await.unwrap(), 1);
    let listed = store.partner_keys(mine, 10).await.unwrap();
    let ends: Vec<_> = listed.iter().map(|key| key.expires_at).collect();
    assert_eq!(ends, [Some(soon), Some(later)], "an earlier end stays");
    assert!(
        !store
            .revoke_partner_key(other, first.id, make.now)
            .await
            .unwrap()
    );
    for is_first in [true, false] {
        let revoked = store.revoke_partner_key(mine, first.id, make.now).await;
        assert_eq!(revoked.unwrap(), is_first);
    }
    let found = store.partner_key_by_hash_unscoped(&first.hash).await;
    let found = found.unwrap().unwrap();
    assert_eq!((found.id, found.revoked_at), (first.id, Some(make.now)));
    assert_eq!(store.partner_key(first.id).await.unwrap(), Some(found));
    assert!(store.partner_keys(other, 10).await.unwrap().is_empty());
}

async fn editor_tokens_are_found_again(store: &Store, make: &Builder) {
    let mine = stored(store, make).await;
    let mut token = token(make, mine, Some("7"));
    token.one_time = true;
    store.append_editor_token(token.clone()).await.unwrap();
    let found = store.editor_token_unscoped(token.hash).await.unwrap();
    assert_eq!(found.as_ref(), Some(&token));
    let again = store.append_editor_token(token.clone()).await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict { .. }), "{again:?}");
    let mut nobodys = token;
    nobodys.partner = PartnerId::new(make.entropy());
    nobodys.hash = EditorToken::new(make.entropy()).hash();
    let refused = store.append_editor_token(nobodys).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::MissingReference),
        "{refused:?}"
    );
}

async fn a_one_time_token_is_used_once_and_everybody_is_told(store: &Store, make: &Builder) {
    let mine = stored(store, make).await;
    let (plain, mut once, mut over) = (
        token(make, mine, None),
        token(make, mine, None),
        token(make, mine, None),
    );
    once.one_time = true;
    over.one_time = true;
    over.expires_at = make.now;
    for token in [&plain, &once, &over] {
        store.append_editor_token(token.clone()).await.unwrap();
    }
    let before = store.last_change_id().await.unwrap();
    let (first, second) = tokio::join!(
        store.use_editor_token(once.hash, make.now),
        store.use_editor_token(once.hash, make.now)
    );
    assert_ne!(
        first.unwrap(),
        second.unwrap(),
        "exactly one of them has used it"
    );
    assert!(!store.use_editor_token(plain.hash, make.now).await.unwrap());
    assert!(!store.use_editor_token(over.hash, make.now).await.unwrap());
    let told = store.changes_after(before, 10).await.unwrap();
    assert_eq!(told, [(before + 1, Some(Change::EditorToken(once.hash)))]);
}

async fn tokens_are_revoked_by_their_own_partner_only(store: &Store, make: &Builder) {
    let (mine, other) = (stored(store, make).await, stored(store, make).await);
    let token = token(make, mine, None);
    store.append_editor_token(token.clone()).await.unwrap();
    for (partner, revoked) in [(other, false), (mine, true), (mine, false)] {
        let done = store.revoke_editor_token(partner, token.hash, make.now);
        assert_eq!(done.await.unwrap(), revoked);
    }
    let found = store.editor_token_unscoped(token.hash).await.unwrap();
    assert_eq!(found.unwrap().revoked_at, Some(make.now));
}

async fn the_tokens_of_one_user_are_revoked_together(store: &Store, make: &Builder) {
    let (mine, other) = (stored(store, make).await, stored(store, make).await);
    let users = [
        (mine, Some("7"), true),
        (mine, Some("7"), true),
        (mine, Some("8"), false),
        (mine, None, false),
        (other, Some("7"), false),
    ];
    let mut tokens = Vec::new();
    for (partner, user, revoked) in users {
        let token = token(make, partner, user);
        store.append_editor_token(token.clone()).await.unwrap();
        tokens.push((token.hash, revoked));
    }
    let user = user_hash(mine, "7");
    let count = store.revoke_editor_tokens_of_user(mine, user, make.now);
    assert_eq!(count.await.unwrap(), 2);
    for (hash, revoked) in tokens {
        let found = store.editor_token_unscoped(hash).await.unwrap().unwrap();
        assert_eq!(found.revoked_at.is_some(), revoked);
    }
}

async fn tokens_are_forgotten_after_their_end(store: &Store, make: &Builder) {
    let mine = stored(store, make).await;
    let token = token(make, mine, None);
    store.append_editor_token(token.clone()).await.unwrap();
    store
        .forget_editor_tokens(token.expires_at, 1_000)
        .await
        .unwrap();
    let kept = store.editor_token_unscoped(token.hash).await.unwrap();
    assert!(kept.is_some());
    let after = token.expires_at.plus(Duration::from_millis(1));
    assert!(store.forget_editor_tokens(after, 1_000).await.unwrap() > 0);
    assert_eq!(store.editor_token_unscoped(token.hash).await.unwrap(), None);
}
