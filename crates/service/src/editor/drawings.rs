//! The newest version of a drawing, and how it reaches the page.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use vitrine_access::editor_session::{DrawingFormat, DrawingSource};
use vitrine_access::ids::BlobKey;
use vitrine_engine::DrawingJob;
use vitrine_store::{DrawingRecord, DrawingVersionRecord, VersionKind};

use super::EditorSessionAccess;
use crate::Services;
use crate::error::{Error, ErrorKind, Result};

/// Hexadecimal digits of a version's digest in its tag.
const DIGEST_CHARS: usize = 16;
/// How often a look at a drawing is repeated when somebody else adds a version at the same moment.
const ROUNDS_MAX: usize = 5;

/// The entity tag of a version: its number and the beginning of its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag {
    pub(crate) number: u32,
    digest: String,
}

impl Etag {
    fn of(number: u32, content: BlobKey) -> Self {
        let mut digest = content.to_string();
        digest.truncate(DIGEST_CHARS);
        Self { number, digest }
    }

    /// The version's number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}-{}\"", self.number, self.digest)
    }
}

/// A text that is no entity tag of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no entity tag of a drawing")]
pub struct EtagError;

impl FromStr for Etag {
    type Err = EtagError;

    fn from_str(text: &str) -> std::result::Result<Self, EtagError> {
        let inner = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .ok_or(EtagError)?;
        let (number, digest) = inner.split_once('-').ok_or(EtagError)?;
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digest.len() != DIGEST_CHARS || !digest.bytes().all(hexadecimal) {
            return Err(EtagError);
        }
        Ok(Self {
            number: number.parse().map_err(|_| EtagError)?,
            digest: digest.to_owned(),
        })
    }
}

/// A version with its bytes, as they are stored.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(super) record: DrawingVersionRecord,
    pub(super) content: Bytes,
}

impl Version {
    pub(crate) fn etag(&self) -> Etag {
        Etag::of(self.record.number, self.record.content)
    }
}

/// A drawing on its way to the page.
#[derive(Clone, Debug)]
pub struct DrawingFile {
    /// The version.
    pub etag: Etag,
    /// Its bytes as DXF.
    pub dxf: Bytes,
}

impl Services {
    /// The newest version of the session's drawing as DXF.
    ///
    /// # Errors
    /// `EntityUnknown` when the drawing is not there (any more), `DrawingInvalid` when it is none.
    pub async fn editor_drawing(&self, access: &EditorSessionAccess) -> Result<DrawingFile> {
        let version = self.newest_version(access).await?;
        Ok(DrawingFile {
            etag: version.etag(),
            dxf: self.as_dxf(access, &version).await?,
        })
    }

    /// The bytes of a version in the form that pages read.
    pub(super) async fn as_dxf(
        &self,
        access: &EditorSessionAccess,
        version: &Version,
    ) -> Result<Bytes> {
        let read = &self.inner.drawings.read;
        let digest = version.record.content;
        if let Some(dxf) = read.get(&digest) {
            return Ok(dxf);
        }
        let job = DrawingJob::ToDxf(version.content.clone());
        let dxf = self.in_worker(access, job).await?;
        read.insert(digest, dxf.clone());
        Ok(dxf)
    }

    /// The newest version. What the partner has put in the file's place meanwhile becomes one.
    pub(crate) async fn newest_version(&self, access: &EditorSessionAccess) -> Result<Version> {
        let content = self.placed_file(access).await?;
        let digest = BlobKey::of(&content);
        if matches!(access.opening.source, DrawingSource::Url(_)) {
            // Nothing of it is ours, and nothing is ever saved to it.
            let record = self.first_version(access, digest, &content);
            return Ok(Version { record, content });
        }
        for _ in 0..ROUNDS_MAX {
            let partner = access.record.partner;
            let known = self
                .inner
                .store
                .drawing(partner, access.record.drawing)
                .await?;
            let Some(drawing) = known else {
                self.add_original(access, digest, &content).await?;
                continue;
            };
            if drawing.placed != digest {
                self.note_placed(access, &drawing, digest, &content).await?;
                continue;
            }
            let version = self.version(access, drawing.head).await?;
            let version = version.ok_or_else(|| Error::internal("a drawing's head is missing"))?;
            if version.content == digest {
                return Ok(Version {
                    record: version,
                    content,
                });
            }
            let content = self.version_content(access, &version).await?;
            return Ok(Version {
                record: version,
                content,
            });
        }
        Err(Error::internal("a drawing does not come to rest"))
    }

    pub(super) async fn version(
        &self,
        access: &EditorSessionAccess,
        number: u32,
    ) -> Result<Option<DrawingVersionRecord>> {
        let store = &self.inner.store;
        Ok(store
            .drawing_version_unscoped(access.record.drawing, number)
            .await?)
    }

    /// The bytes of a version, checked against its digest.
    pub(super) async fn version_content(
        &self,
        access: &EditorSessionAccess,
        version: &DrawingVersionRecord,
    ) -> Result<Bytes> {
        let found = self.object(access, &version.object).await?;
        found
            .filter(|content| BlobKey::of(content) == version.content)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::StorageFailed,
                    "The bucket does not have this version of the drawing any more. Tell the \
                     operator the request id.",
                )
                .caused_by(format!("{} is missing or changed", version.object))
            })
    }

    /// The first look at a drawing: what is there is its first version and never changes.
    async fn add_original(
        &self,
        access: &EditorSessionAccess,
        digest: BlobKey,
        content: &Bytes,
    ) -> Result<()> {
        let now = self.now();
        let drawing = DrawingRecord {
            id: access.record.drawing,
            partner: access.record.partner,
            name: source_name(access),
            head: 1,
            last: 1,
            placed: digest,
            created_at: now,
        };
        let version = self.first_version(access, digest, content);
        let mut tx = self.inner.store.begin().await?;
        if tx.insert_drawing(&drawing).await? {
            tx.insert_drawing_version(&version).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn first_version(
        &self,
        access: &EditorSessionAccess,
        digest: BlobKey,
        content: &Bytes,
    ) -> DrawingVersionRecord {
        DrawingVersionRecord {
            drawing: access.record.drawing,
            number: 1,
            kind: VersionKind::Original,
            content: digest,
            object: source_name(access),
            format: DrawingFormat::of_content(content),
            size: content.len() as u64,
            base: None,
            user: None,
            created_at: self.now(),
        }
    }

    /// The partner has put another file there. Unless that is what we have as the newest version, it
    /// becomes the newest, and is copied before the partner changes it again.
    async fn note_placed(
        &self,
        access: &EditorSessionAccess,
        drawing: &DrawingRecord,
        digest: BlobKey,
        content: &Bytes,
    ) -> Result<()> {
        let store = &self.inner.store;
        let head = self.version(access, drawing.head).await?;
        if head.is_some_and(|head| head.content == digest) {
            store
                .place_drawing(drawing.id, drawing.placed, digest)
                .await?;
            return Ok(());
        }
        let number = self.next_number(access).await?;
        let format = DrawingFormat::of_content(content);
        let object = self
            .keep_object(access, number, format, content.clone())
            .await?;
        let version = DrawingVersionRecord {
            drawing: drawing.id,
            number,
            kind: VersionKind::Replaced,
            content: digest,
            object,
            format,
            size: content.len() as u64,
            base: None,
            user: None,
            created_at: self.now(),
        };
        let mut tx = store.begin().await?;
        let first = tx.place_drawing(drawing.id, drawing.placed, digest).await?
            && tx
                .move_drawing_head(drawing.id, drawing.head, number)
                .await?;
        // Otherwise somebody was quicker, and the next look sees what is there now.
        if first {
            tx.insert_drawing_version(&version).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// A number for a new version.
    pub(super) async fn next_number(&self, access: &EditorSessionAccess) -> Result<u32> {
        use crate::limits::DRAWING_VERSIONS_MAX;
        let store = &self.inner.store;
        let taken = store.take_drawing_number(access.record.drawing).await?;
        let number = taken.ok_or_else(|| Error::internal("a drawing has no row"))?;
        if number > DRAWING_VERSIONS_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("The drawing has {DRAWING_VERSIONS_MAX} versions, the most there can be."),
            ));
        }
        Ok(number)
    }
}

/// The drawing's name where it comes from.
fn source_name(access: &EditorSessionAccess) -> String {
    match &access.opening.source {
        DrawingSource::Bucket(name) => name.as_str().to_owned(),
        DrawingSource::Server { file, .. } => file.clone(),
        DrawingSource::Url(_) => access.opening.title.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_was_written_and_nothing_else_is_one() {
        let tag = Etag::of(7, BlobKey::of(b"x"));
        assert_eq!(tag.to_string().parse(), Ok(tag.clone()));
        let text = tag.to_string();
        for wrong in ["", "*", "\"7\"", "\"7-\"", &text[1..], &format!("W/{text}")] {
            assert_eq!(wrong.parse::<Etag>(), Err(EtagError), "{wrong}");
        }
    }
}
