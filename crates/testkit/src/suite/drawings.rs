//! Editor sessions, drawings, their versions and leases.

use std::time::Duration;

use vitrine_access::editor_token::user_hash;
use vitrine_access::{
    BlobKey, DrawingFormat, DrawingId, EditorSessionHash, EditorSessionId, EditorTokenHash,
    PartnerId, PartnerKeyId,
};
use vitrine_store::{
    DrawingRecord, DrawingVersionRecord, EditorSessionRecord, LeaseRecord, PartnerRecord,
    PartnerSettings, Store, VersionKind, month_of,
};

use crate::Builder;

super::cases! {
    0x1b00:
    editor_sessions_are_found_again_closed_once_and_forgotten,
    a_user_counts_once_in_a_month,
    a_drawing_belongs_to_one_partner_and_is_added_once,
    numbers_are_given_out_once_even_to_two_at_the_same_moment,
    only_one_of_two_moves_the_head,
    a_lease_is_one_sessions_until_its_end,
}

async fn partner(store: &Store, make: &Builder) -> PartnerId {
    let id = PartnerId::new(make.entropy());
    let record = PartnerRecord {
        id,
        app_id: id.to_string().parse().unwrap(),
        name: "Acme CAD".to_owned(),
        settings: PartnerSettings::default(),
        created_at: make.now,
        updated_at: make.now,
    };
    store.insert_partner(&record).await.unwrap();
    id
}

fn session_hash(make: &Builder) -> EditorSessionHash {
    EditorSessionId::new(make.entropy()).hash()
}

fn drawing_id(make: &Builder) -> DrawingId {
    DrawingId::from_bytes(*session_hash(make).as_bytes())
}

async fn drawing(store: &Store, make: &Builder) -> DrawingRecord {
    let record = DrawingRecord {
        id: drawing_id(make),
        partner: partner(store, make).await,
        name: "plans/a.dwg".to_owned(),
        head: 1,
        last: 1,
        placed: BlobKey::of(b"first"),
        created_at: make.now,
    };
    assert!(store.insert_drawing(&record).await.unwrap());
    record
}

async fn editor_sessions_are_found_again_closed_once_and_forgotten(store: &Store, make: &Builder) {
    let partner = partner(store, make).await;
    let mut session = EditorSessionRecord {
        hash: session_hash(make),
        partner,
        key: PartnerKeyId::new(make.entropy()),
        token: EditorTokenHash::from_bytes([7; 32]),
        drawing: drawing_id(make),
        user: Some(user_hash(partner, "7")),
        sealed: vec![0, 255],
        created_at: make.now,
        expires_at: make.now.plus(Duration::from_hours(1)),
        closed_at: None,
    };
    store.insert_editor_session(&session).await.unwrap();
    let found = async || store.editor_session_unscoped(session.hash).await.unwrap();
    assert_eq!(found().await.as_ref(), Some(&session));
    for is_first in [true, false] {
        let closed = store.close_editor_session(session.hash, make.now).await;
        assert_eq!(closed.unwrap(), is_first);
    }
    let kept = found().await;
    session.closed_at = Some(make.now);
    assert_eq!(kept.as_ref(), Some(&session));
    let end = session.expires_at;
    store.forget_editor_sessions(end, 1_000).await.unwrap();
    let hash = session.hash;
    assert!(store.editor_session_unscoped(hash).await.unwrap().is_some());
    let after = end.plus(Duration::from_millis(1));
    assert!(store.forget_editor_sessions(after, 1_000).await.unwrap() > 0);
    assert_eq!(store.editor_session_unscoped(hash).await.unwrap(), None);
}

async fn a_user_counts_once_in_a_month(store: &Store, make: &Builder) {
    let (mine, other) = (partner(store, make).await, partner(store, make).await);
    let month = month_of(make.now);
    for (partner, user) in [(mine, "1"), (mine, "2"), (mine, "1"), (other, "1")] {
        let user = user_hash(partner, user);
        let noted = store.note_partner_user(partner, user, make.now).await;
        noted.unwrap();
    }
    assert_eq!(store.partner_users(mine, month).await.unwrap(), 2);
    assert_eq!(store.partner_users(other, month).await.unwrap(), 1);
    let later = make.now.plus(Duration::from_hours(31 * 24));
    assert_eq!(store.partner_users(mine, month_of(later)).await.unwrap(), 0);
}

async fn a_drawing_belongs_to_one_partner_and_is_added_once(store: &Store, make: &Builder) {
    let drawing = drawing(store, make).await;
    assert!(!store.insert_drawing(&drawing).await.unwrap());
    let found = store.drawing(drawing.partner, drawing.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&drawing));
    let other = partner(store, make).await;
    assert_eq!(store.drawing(other, drawing.id).await.unwrap(), None);
    let mut version = DrawingVersionRecord {
        drawing: drawing.id,
        number: 1,
        kind: VersionKind::Original,
        content: drawing.placed,
        object: drawing.name.clone(),
        format: DrawingFormat::Dwg,
        size: 5,
        base: None,
        user: None,
        created_at: make.now,
    };
    store.insert_drawing_version(&version).await.unwrap();
    assert!(store.insert_drawing_version(&version).await.is_err());
    let moved = store.move_drawing_version(drawing.id, 1, "kept").await;
    assert!(moved.unwrap());
    "kept".clone_into(&mut version.object);
    let read = store.drawing_version_unscoped(drawing.id, 1).await.unwrap();
    assert_eq!(read.as_ref(), Some(&version));
    version.number = 2;
    version.kind = VersionKind::Saved;
    version.base = Some(1);
    version.user = Some(user_hash(drawing.partner, "7"));
    store.insert_drawing_version(&version).await.unwrap();
    let all = store.drawing_versions_unscoped(drawing.id, 3, 10).await;
    let numbers: Vec<_> = all.unwrap().iter().map(|version| version.number).collect();
    assert_eq!(numbers, [2, 1]);
    let placed = BlobKey::of(b"second");
    for is_first in [true, false] {
        let noted = store
            .place_drawing(drawing.id, drawing.placed, placed)
            .await;
        assert_eq!(noted.unwrap(), is_first);
    }
}

async fn numbers_are_given_out_once_even_to_two_at_the_same_moment(store: &Store, make: &Builder) {
    let drawing = drawing(store, make).await;
    let (one, two) = tokio::join!(
        store.take_drawing_number(drawing.id),
        store.take_drawing_number(drawing.id)
    );
    let mut numbers = [one.unwrap(), two.unwrap()];
    numbers.sort_unstable();
    assert_eq!(numbers, [Some(2), Some(3)]);
    let unknown = store.take_drawing_number(drawing_id(make)).await;
    assert_eq!(unknown.unwrap(), None);
}

async fn only_one_of_two_moves_the_head(store: &Store, make: &Builder) {
    let drawing = drawing(store, make).await;
    let (one, two) = tokio::join!(
        store.move_drawing_head(drawing.id, 1, 2),
        store.move_drawing_head(drawing.id, 1, 3)
    );
    assert_ne!(one.unwrap(), two.unwrap());
}

async fn a_lease_is_one_sessions_until_its_end(store: &Store, make: &Builder) {
    let id = drawing_id(make);
    let (mine, theirs) = (session_hash(make), session_hash(make));
    let end = make.now.plus(Duration::from_mins(1));
    let later = end.plus(Duration::from_mins(1));
    let (one, two) = tokio::join!(
        store.take_drawing_lease(id, mine, make.now, end),
        store.take_drawing_lease(id, theirs, make.now, end)
    );
    let mine_is_first = one.unwrap();
    assert_ne!(mine_is_first, two.unwrap());
    let (holder, other) = if mine_is_first {
        (mine, theirs)
    } else {
        (theirs, mine)
    };
    let take = async |session, now, until| {
        let taken = store.take_drawing_lease(id, session, now, until).await;
        taken.unwrap()
    };
    let before = make.now.plus(Duration::from_millis(59_999));
    assert!(!take(other, before, later).await);
    assert!(take(other, end, later).await, "free from its end on");
    let lease = store.drawing_lease(id).await.unwrap();
    let wanted = LeaseRecord {
        session: other,
        until: later,
    };
    assert_eq!(lease, Some(wanted));
    assert!(!store.release_drawing_lease(id, holder).await.unwrap());
    assert!(store.release_drawing_lease(id, other).await.unwrap());
    assert_eq!(store.drawing_lease(id).await.unwrap(), None);
}
