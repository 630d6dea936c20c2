//! Where drawings lie: objects of the partner's own bucket.

use bytes::Bytes;
use vitrine_access::editor_session::{DrawingFormat, DrawingSource, OWN_FOLDER};
use vitrine_store::{Bucket, BucketError, PartnerRecord};

use super::EditorSessionAccess;
use super::remote::Remote;
use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::DRAWING_BYTES_MAX;

impl Services {
    /// The bucket with a partner's drawings.
    pub(super) fn content_bucket(&self, partner: &PartnerRecord) -> Result<Bucket> {
        let Some(url) = partner.settings.content.as_ref() else {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "The partner has no bucket with drawings. The operator sets one: `vitrine partner \
                 set PARTNER --content URL`.",
            ));
        };
        self.bucket(url)
    }

    /// The bucket with a partner's customization, where it has one.
    pub(super) fn customization_bucket(&self, partner: &PartnerRecord) -> Result<Option<Bucket>> {
        let url = partner.settings.customization.as_ref();
        url.map(|url| self.bucket(url)).transpose()
    }

    fn bucket(&self, url: &str) -> Result<Bucket> {
        let buckets = &self.inner.drawings.buckets;
        if let Some(open) = buckets.get(url) {
            return Ok(open);
        }
        let bucket = Bucket::open(url).map_err(failed)?;
        buckets.insert(url.to_owned(), bucket.clone());
        Ok(bucket)
    }

    /// The file as the partner has put it there at this moment.
    pub(super) async fn placed_file(&self, access: &EditorSessionAccess) -> Result<Bytes> {
        match &access.opening.source {
            DrawingSource::Bucket(name) => {
                let bucket = self.content_bucket(&access.partner)?;
                bucket
                    .get(name.as_str(), DRAWING_BYTES_MAX)
                    .await
                    .map_err(unreadable)
            }
            DrawingSource::Url(url) => self.fetch_url(url).await,
            DrawingSource::Server { .. } => match remote(access) {
                Some(remote) => self.fetch_remote(&access.partner, remote).await,
                None => Err(Error::internal("a file of a server has no server")),
            },
        }
    }

    /// The bytes of a version by the name of its object; `None` when they are not there.
    pub(super) async fn object(
        &self,
        access: &EditorSessionAccess,
        object: &str,
    ) -> Result<Option<Bytes>> {
        let bucket = self.content_bucket(&access.partner)?;
        match bucket.get(object, DRAWING_BYTES_MAX).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BucketError::Missing) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Stores the bytes of a version, durably; returns the name of their object.
    pub(super) async fn keep_object(
        &self,
        access: &EditorSessionAccess,
        number: u32,
        format: DrawingFormat,
        content: Bytes,
    ) -> Result<String> {
        let object = version_object(access, number, format);
        let bucket = self.content_bucket(&access.partner)?;
        match bucket.put_new(&object, content.clone()).await {
            // A number is given out once; the same bytes may be there from an attempt that broke off.
            Err(BucketError::Exists) => match self.object(access, &object).await? {
                Some(there) if there == content => Ok(object),
                _ => Err(failed(BucketError::Exists)),
            },
            outcome => outcome.map(|()| object).map_err(failed),
        }
    }
}

/// The file of the partner's API server, where the drawing is one.
pub(super) fn remote(access: &EditorSessionAccess) -> Option<Remote<'_>> {
    remote_of(&access.opening.source)
}

/// The same, of a drawing that nobody has opened yet.
pub(super) fn remote_of(source: &DrawingSource) -> Option<Remote<'_>> {
    match source {
        DrawingSource::Server {
            server,
            file,
            session_id,
            token,
        } => Some(Remote {
            server,
            file,
            session_id: session_id.as_deref(),
            token: token.as_deref(),
        }),
        DrawingSource::Bucket(_) | DrawingSource::Url(_) => None,
    }
}

/// What every object of our own begins with.
pub(super) const OWN: &str = ".vitrine/";

/// Versions stand beside the drawings, below a name that nobody opens.
fn version_object(access: &EditorSessionAccess, number: u32, format: DrawingFormat) -> String {
    let name = match &access.opening.source {
        DrawingSource::Bucket(name) => name.as_str().to_owned(),
        DrawingSource::Server { .. } | DrawingSource::Url(_) => access.record.drawing.to_string(),
    };
    format!(
        "{OWN_FOLDER}/versions/{name}/{number:06}.{}",
        format.as_str()
    )
}

fn unreadable(error: BucketError) -> Error {
    match error {
        BucketError::Missing => Error::new(
            ErrorKind::EntityUnknown,
            "There is no such drawing. Check the parameter file of the token.",
        ),
        BucketError::TooLarge { size, allowed } => Error::new(
            ErrorKind::DrawingInvalid,
            format!("The drawing has {size} bytes; at most {allowed} are opened."),
        ),
        error => failed(error),
    }
}

pub(super) fn failed(error: BucketError) -> Error {
    Error::new(
        ErrorKind::StorageFailed,
        "The bucket with the drawings did not answer as it should. Try again, and tell the operator \
         the request id if it stays.",
    )
    .caused_by(error)
}
