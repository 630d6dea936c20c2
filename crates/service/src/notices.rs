//! What accounts were told: each account lists, reads and deletes its own.

use vitrine_access::ids::NotificationId;
use vitrine_store::{ListQuery, NotificationRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::offset;
use crate::platform::PlatformAccess;

fn unknown() -> Error {
    Error::new(
        ErrorKind::EntityUnknown,
        "There is no such notification, as far as this account may know.",
    )
}

impl Services {
    /// A page of what the account was told, and where the next one begins.
    ///
    /// # Errors
    /// `RequestInvalid` for an offset of somebody else's; database failures.
    pub async fn notifications(
        &self,
        access: &PlatformAccess,
        mut query: ListQuery,
        after: Option<&str>,
    ) -> Result<(Vec<NotificationRecord>, Option<String>)> {
        let order = (query.sort, query.descending);
        query.after = after
            .map(|offset| offset::to_list_cursor(offset, order))
            .transpose()?;
        let limit = query.limit;
        query.limit = limit.saturating_add(1);
        let store = &self.inner.store;
        let mut rows = store.notifications(access.user.id, &query).await?;
        let next = offset::cut_page(&mut rows, limit).map(|last| {
            let cursor = vitrine_store::ListCursor {
                at: last.created_at,
                id: *last.id.as_bytes(),
            };
            offset::of_list_cursor(&cursor, order)
        });
        Ok((rows, next))
    }

    /// One of them.
    ///
    /// # Errors
    /// `EntityUnknown`.
    pub async fn notification(
        &self,
        access: &PlatformAccess,
        id: &str,
    ) -> Result<NotificationRecord> {
        let id: NotificationId = id.parse().map_err(|_| unknown())?;
        let found = self.inner.store.notification(access.user.id, id).await?;
        found.ok_or_else(unknown)
    }

    /// How many there are, and how many of them are unread.
    ///
    /// # Errors
    /// Database failures.
    pub async fn count_notifications(&self, access: &PlatformAccess) -> Result<(u64, u64)> {
        let store = &self.inner.store;
        Ok(store.count_notifications(access.user.id).await?)
    }

    /// Marks one as read, or as unread.
    ///
    /// # Errors
    /// `EntityUnknown`.
    pub async fn mark_notification(
        &self,
        access: &PlatformAccess,
        id: &str,
        read: bool,
    ) -> Result<NotificationRecord> {
        let own = self.notification(access, id).await?;
        let at = read.then(|| own.read_at.unwrap_or_else(|| self.now()));
        let store = &self.inner.store;
        if !store.read_notification(access.user.id, own.id, at).await? {
            return Err(unknown());
        }
        Ok(NotificationRecord { read_at: at, ..own })
    }

    /// Marks all as read.
    ///
    /// # Errors
    /// Database failures.
    pub async fn mark_notifications(&self, access: &PlatformAccess) -> Result<()> {
        let store = &self.inner.store;
        Ok(store.read_notifications(access.user.id, self.now()).await?)
    }

    /// Deletes one.
    ///
    /// # Errors
    /// `EntityUnknown`.
    pub async fn delete_notification(&self, access: &PlatformAccess, id: &str) -> Result<()> {
        let id: NotificationId = id.parse().map_err(|_| unknown())?;
        let store = &self.inner.store;
        if !store.delete_notification(access.user.id, id).await? {
            return Err(unknown());
        }
        Ok(())
    }
}
