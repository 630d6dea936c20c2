//! Drawings of partners: their versions, and who may save at the moment. What was saved never changes.

use vitrine_access::{
    BlobKey, DrawingFormat, DrawingId, EditorSessionHash, EditorUserHash, PartnerId, Timestamp,
};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// How a version came to be.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum VersionKind {
    /// The file as it was first opened.
    Original,
    /// The partner put another file in its place.
    Replaced,
    /// An editor saved it.
    Saved,
    /// An editor saved it while another version had become the newest; it stands beside.
    Conflict,
}

impl VersionKind {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Replaced => "replaced",
            Self::Saved => "saved",
            Self::Conflict => "conflict",
        }
    }

    pub(crate) fn from_storage(text: &str) -> Option<Self> {
        [Self::Original, Self::Replaced, Self::Saved, Self::Conflict]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A drawing of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawingRecord {
    /// Id.
    pub id: DrawingId,
    /// Whose it is.
    pub partner: PartnerId,
    /// Its name where it comes from, for operators.
    pub name: String,
    /// Number of the version that is opened.
    pub head: u32,
    /// Highest number that was given out; not every one became a version.
    pub last: u32,
    /// SHA-256 of the file as the partner last put it there.
    pub placed: BlobKey,
    /// When it was first opened.
    pub created_at: Timestamp,
}

/// One version of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawingVersionRecord {
    /// Of which drawing.
    pub drawing: DrawingId,
    /// Number, from 1 on.
    pub number: u32,
    /// How it came to be.
    pub kind: VersionKind,
    /// SHA-256 of its bytes.
    pub content: BlobKey,
    /// Name of the object with its bytes.
    pub object: String,
    /// Form of its bytes.
    pub format: DrawingFormat,
    /// How many bytes.
    pub size: u64,
    /// Number of the version that it was made from.
    pub base: Option<u32>,
    /// Who saved it.
    pub user: Option<EditorUserHash>,
    /// When.
    pub created_at: Timestamp,
}

/// Who may save a drawing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LeaseRecord {
    /// The editor session.
    pub session: EditorSessionHash,
    /// From when on anybody may take it.
    pub until: Timestamp,
}

finders! {
    /// A partner's drawing.
    drawing(partner: PartnerId, id: DrawingId) -> Option<DrawingRecord>;
    /// One version of a drawing, whose partner the caller has checked.
    drawing_version_unscoped(id: DrawingId, number: u32) -> Option<DrawingVersionRecord>;
    /// Versions of a drawing below a number, newest first, at most `limit` ([`LIST_ROWS_MAX`]); the
    /// caller has checked the partner.
    drawing_versions_unscoped(id: DrawingId, below: u32, limit: u32) -> Vec<DrawingVersionRecord>;
    /// Who has a drawing's lease, over or not.
    drawing_lease(id: DrawingId) -> Option<LeaseRecord>;
}

writers! {
    /// Adds a drawing; `false` when it is known.
    insert_drawing(drawing: &DrawingRecord) -> bool;
    /// Gives the next number of a drawing out; nobody else gets it.
    take_drawing_number(id: DrawingId) -> Option<u32>;
    /// Adds a version.
    insert_drawing_version(version: &DrawingVersionRecord) -> ();
    /// Says that the bytes of a version, unchanged, are now at another place.
    move_drawing_version(id: DrawingId, number: u32, object: &str) -> bool;
    /// Makes `to` the newest version if that is still `from`.
    move_drawing_head(id: DrawingId, from: u32, to: u32) -> bool;
    /// Notes the file that the partner has put there, if the one before it was `from`.
    place_drawing(id: DrawingId, from: BlobKey, to: BlobKey) -> bool;
    /// Takes or keeps the lease: `true` when it is this session's until the new end.
    take_drawing_lease(
        id: DrawingId, session: EditorSessionHash, now: Timestamp, until: Timestamp
    ) -> bool;
    /// Gives the lease back if it is this session's.
    release_drawing_lease(id: DrawingId, session: EditorSessionHash) -> bool;
}

macro_rules! select_version {
    ($rest:literal) => {
        concat!(
            "SELECT drawing, number, kind, content, object, format, size, base, user_hash, \
             created_at FROM drawing_version ",
            $rest
        )
    };
}

async fn drawing(
    handle: &mut Handle,
    partner: PartnerId,
    id: DrawingId,
) -> Result<Option<DrawingRecord>, StoreError> {
    let sql = "SELECT id, partner, name, head, last, placed, created_at FROM drawing \
        WHERE id = $1 AND partner = $2";
    let query = Query::new(sql).bind(&id).bind(&partner);
    let Some(row) = handle.optional(query).await? else {
        return Ok(None);
    };
    Ok(Some(DrawingRecord {
        id: row.get("id")?,
        partner: row.get("partner")?,
        name: row.get("name")?,
        head: row.get("head")?,
        last: row.get("last")?,
        placed: row.get("placed")?,
        created_at: row.get("created_at")?,
    }))
}

async fn drawing_version_unscoped(
    handle: &mut Handle,
    id: DrawingId,
    number: u32,
) -> Result<Option<DrawingVersionRecord>, StoreError> {
    let query = Query::new(select_version!("WHERE drawing = $1 AND number = $2"))
        .bind(&id)
        .bind(&number);
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_version)
        .transpose()
}

async fn drawing_versions_unscoped(
    handle: &mut Handle,
    id: DrawingId,
    below: u32,
    limit: u32,
) -> Result<Vec<DrawingVersionRecord>, StoreError> {
    let query = Query::new(select_version!(
        "WHERE drawing = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
    ))
    .bind(&id)
    .bind(&below)
    .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read_version).collect()
}

fn read_version(row: &Row) -> Result<DrawingVersionRecord, StoreError> {
    Ok(DrawingVersionRecord {
        drawing: row.get("drawing")?,
        number: row.get("number")?,
        kind: row.get("kind")?,
        content: row.get("content")?,
        object: row.get("object")?,
        format: row.get("format")?,
        size: row.get("size")?,
        base: row.get_option("base")?,
        user: row.get_option("user_hash")?,
        created_at: row.get("created_at")?,
    })
}

async fn drawing_lease(
    handle: &mut Handle,
    id: DrawingId,
) -> Result<Option<LeaseRecord>, StoreError> {
    let sql = "SELECT session, until FROM drawing_lease WHERE drawing = $1";
    let Some(row) = handle.optional(Query::new(sql).bind(&id)).await? else {
        return Ok(None);
    };
    Ok(Some(LeaseRecord {
        session: row.get("session")?,
        until: row.get("until")?,
    }))
}

async fn insert_drawing(handle: &mut Handle, drawing: &DrawingRecord) -> Result<bool, StoreError> {
    let sql = "INSERT INTO drawing (id, partner, name, head, last, placed, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    let query = Query::new(sql)
        .bind(&drawing.id)
        .bind(&drawing.partner)
        .bind(&drawing.name)
        .bind(&drawing.head)
        .bind(&drawing.last)
        .bind(&drawing.placed)
        .bind(&drawing.created_at);
    Ok(handle.execute(query).await? == 1)
}

async fn take_drawing_number(
    handle: &mut Handle,
    id: DrawingId,
) -> Result<Option<u32>, StoreError> {
    let sql = "UPDATE drawing SET last = last + 1 WHERE id = $1 RETURNING last";
    match handle.optional(Query::new(sql).bind(&id)).await? {
        Some(row) => row.get("last").map(Some),
        None => Ok(None),
    }
}

async fn insert_drawing_version(
    handle: &mut Handle,
    version: &DrawingVersionRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO drawing_version (drawing, number, kind, content, object, format, size, \
        base, user_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let query = Query::new(sql)
        .bind(&version.drawing)
        .bind(&version.number)
        .bind(&version.kind)
        .bind(&version.content)
        .bind(&version.object)
        .bind(&version.format)
        .bind(&version.size)
        .bind_option(version.base.as_ref())
        .bind_option(version.user.as_ref())
        .bind(&version.created_at);
    handle.execute(query).await.map(drop)
}

async fn move_drawing_version(
    handle: &mut Handle,
    id: DrawingId,
    number: u32,
    object: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE drawing_version SET object = $3 WHERE drawing = $1 AND number = $2";
    let query = Query::new(sql).bind(&id).bind(&number).bind_text(object);
    Ok(handle.execute(query).await? == 1)
}

async fn move_drawing_head(
    handle: &mut Handle,
    id: DrawingId,
    from: u32,
    to: u32,
) -> Result<bool, StoreError> {
    let sql = "UPDATE drawing SET head = $3 WHERE id = $1 AND head = $2";
    let query = Query::new(sql).bind(&id).bind(&from).bind(&to);
    Ok(handle.execute(query).await? == 1)
}

async fn place_drawing(
    handle: &mut Handle,
    id: DrawingId,
    from: BlobKey,
    to: BlobKey,
) -> Result<bool, StoreError> {
    let sql = "UPDATE drawing SET placed = $3 WHERE id = $1 AND placed = $2";
    let query = Query::new(sql).bind(&id).bind(&from).bind(&to);
    Ok(handle.execute(query).await? == 1)
}

async fn take_drawing_lease(
    handle: &mut Handle,
    id: DrawingId,
    session: EditorSessionHash,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO drawing_lease (drawing, session, until) VALUES ($1, $2, $4) \
        ON CONFLICT (drawing) DO UPDATE SET session = $2, until = $4 \
        WHERE drawing_lease.session = $2 OR drawing_lease.until <= $3";
    let query = Query::new(sql)
        .bind(&id)
        .bind(&session)
        .bind(&now)
        .bind(&until);
    Ok(handle.execute(query).await? == 1)
}

async fn release_drawing_lease(
    handle: &mut Handle,
    id: DrawingId,
    session: EditorSessionHash,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM drawing_lease WHERE drawing = $1 AND session = $2";
    let query = Query::new(sql).bind(&id).bind(&session);
    Ok(handle.execute(query).await? == 1)
}
