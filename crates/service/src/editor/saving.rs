//! Saving: what the page sends becomes a version of its own, and the newest one if nobody was quicker.

use bytes::Bytes;
use vitrine_access::editor_session::DrawingFormat;
use vitrine_access::ids::BlobKey;
use vitrine_access::refusal::RefusalKind;
use vitrine_engine::DrawingJob;
use vitrine_store::{DrawingVersionRecord, VersionKind};

use super::drawings::Version;
use super::lease::require_edit;
use super::{EditorSessionAccess, Etag};
use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::DRAWING_BYTES_MAX;
use crate::who::{Caller, refuse};

/// The end of a save.
#[derive(Clone, Debug)]
pub enum Saved {
    /// It is the newest version now.
    Newest(Etag),
    /// Another version had become the newest: both are kept.
    Stale {
        /// The newest one.
        newest: Etag,
        /// The number of what was sent.
        kept: u32,
    },
}

impl Services {
    /// Whether this session may save now: the token says edit and the lease is its own. A refusal is
    /// noted.
    ///
    /// # Errors
    /// `ViewOnly` and `LeaseMissing`.
    pub async fn may_save(
        &self,
        operation: &str,
        access: &EditorSessionAccess,
        caller: &Caller,
    ) -> Result<()> {
        let outcome = match require_edit(access) {
            Ok(()) => self.require_lease(access).await,
            refused => refused,
        };
        self.audited_as(operation, caller, &access.actor(), outcome)
    }

    /// Saves what the page sends, made from the version `base`. Durable when it returns. Ask
    /// [`Self::may_save`] first.
    ///
    /// # Errors
    /// `LeaseMissing` when the lease was lost meanwhile; `RequestInvalid` when there is no such base;
    /// `DrawingInvalid` when it is no drawing.
    pub async fn save_drawing(
        &self,
        access: &EditorSessionAccess,
        base: &Etag,
        sent: Bytes,
    ) -> Result<Saved> {
        let newest = self.newest_version(access).await?;
        let base = self.base(access, &newest, base).await?;
        let merged = self.merged(access, &base, sent).await?;
        if merged == base.content && base.record.number == newest.record.number {
            return Ok(Saved::Newest(newest.etag()));
        }
        self.keep_placed(access, &base).await?;
        let number = self.next_number(access).await?;
        let object = self
            .keep_object(access, number, DrawingFormat::Dxf, merged.clone())
            .await?;
        let mut version = DrawingVersionRecord {
            drawing: access.record.drawing,
            number,
            kind: VersionKind::Saved,
            content: BlobKey::of(&merged),
            object,
            format: DrawingFormat::Dxf,
            size: merged.len() as u64,
            base: Some(base.record.number),
            user: access.record.user,
            created_at: self.now(),
        };
        if base.record.number == newest.record.number
            && let Some(remote) = super::place::remote(access)
        {
            // Before our own record of it: what the server has and we do not know is found at the next
            // look, what it does not have would be lost to it.
            self.send_remote(&access.partner, remote, merged.clone())
                .await?;
        }
        let mut tx = self.inner.store.begin().await?;
        let lease = tx.drawing_lease(version.drawing).await?;
        let now = self.now();
        if !lease.is_some_and(|lease| lease.session == access.record.hash && now < lease.until) {
            return Err(no_lease());
        }
        let first = base.record.number == newest.record.number
            && tx
                .move_drawing_head(version.drawing, newest.record.number, number)
                .await?;
        if !first {
            version.kind = VersionKind::Conflict;
        }
        tx.insert_drawing_version(&version).await?;
        tx.commit().await?;
        if first {
            let saved = Version {
                record: version,
                content: merged,
            };
            return Ok(Saved::Newest(saved.etag()));
        }
        let newest = self.newest_version(access).await?;
        Ok(Saved::Stale {
            newest: newest.etag(),
            kept: number,
        })
    }

    async fn require_lease(&self, access: &EditorSessionAccess) -> Result<()> {
        if self.lease_of(access).await?.held {
            Ok(())
        } else {
            Err(no_lease())
        }
    }

    /// The version that the page's drawing was made from.
    async fn base(
        &self,
        access: &EditorSessionAccess,
        newest: &Version,
        tag: &Etag,
    ) -> Result<Version> {
        if newest.etag() == *tag {
            return Ok(newest.clone());
        }
        let unknown = || {
            Error::new(
                ErrorKind::RequestInvalid,
                "If-Match names no version of this drawing. Load the drawing again and send the \
                 ETag that came with it.",
            )
        };
        let record = self.version(access, tag.number()).await?;
        let record = record.ok_or_else(unknown)?;
        let content = self.version_content(access, &record).await?;
        let version = Version { record, content };
        if version.etag() == *tag {
            Ok(version)
        } else {
            Err(unknown())
        }
    }

    /// Copies a version that still lies where the partner has put it: it must not change with that.
    async fn keep_placed(&self, access: &EditorSessionAccess, version: &Version) -> Result<()> {
        let record = &version.record;
        if record.kind != VersionKind::Original || record.object.starts_with(super::place::OWN) {
            return Ok(());
        }
        let content = version.content.clone();
        let object = self
            .keep_object(access, record.number, record.format, content)
            .await?;
        let store = &self.inner.store;
        store
            .move_drawing_version(record.drawing, record.number, &object)
            .await?;
        Ok(())
    }

    /// What the page sends, joined with what it does not know of.
    async fn merged(
        &self,
        access: &EditorSessionAccess,
        base: &Version,
        sent: Bytes,
    ) -> Result<Bytes> {
        let base = base.content.clone();
        let job = DrawingJob::Merge { base, sent };
        let merged = self.in_worker(access, job).await?;
        if merged.len() as u64 > DRAWING_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("The drawing would have more than {DRAWING_BYTES_MAX} bytes."),
            ));
        }
        Ok(merged)
    }
}

fn no_lease() -> Error {
    refuse(
        RefusalKind::LeaseMissing,
        "This editor does not have the right to save: another one has it, or it was not kept up. Take \
         the lease and save again.",
    )
}
