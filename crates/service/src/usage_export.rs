//! Usage rows, page by page, for those who take them elsewhere.

use std::sync::Arc;

use vitrine_access::credits::UsageEvent;
use vitrine_access::jwt::PlatformUse;
use vitrine_access::platform::Role;
use vitrine_access::time::Timestamp;
use vitrine_store::limits::LIST_ROWS_MAX;
use vitrine_store::{MetricScope, UsageCursor};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::PlatformAccess;

/// An export under way: whose rows, of when, and how far it has come.
#[derive(Clone, Debug)]
pub struct UsageExport {
    access: PlatformAccess,
    scope: MetricScope,
    from: Timestamp,
    until: Timestamp,
    after: Option<UsageCursor>,
}

/// A usage row with the present title of its model, if there still is one.
#[derive(Clone, Debug)]
pub struct ExportedUsage {
    /// The row.
    pub event: UsageEvent,
    /// The model's title.
    pub title: Option<Arc<str>>,
}

impl Services {
    /// Begins an export of the rows with `from <= at < until`. The caller has looked at who may see them.
    #[must_use]
    pub fn usage_export(
        &self,
        access: &PlatformAccess,
        scope: MetricScope,
        from: Timestamp,
        until: Timestamp,
    ) -> UsageExport {
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        UsageExport {
            access: access.clone(),
            scope,
            from,
            until,
            after: None,
        }
    }

    /// Whether an account may see the usage rows of a scope.
    ///
    /// # Errors
    /// `EntityUnknown` for what is not the account's; `PermissionMissing` for its role in the organization.
    pub async fn may_export(&self, access: &PlatformAccess, scope: MetricScope) -> Result<()> {
        match scope {
            MetricScope::Model(id) => {
                self.platform_managed(access, &id.to_string()).await?;
            }
            MetricScope::Organization(id) => {
                self.platform_organization(access, id, Role::Manager)
                    .await?;
            }
            MetricScope::User(id) if id == access.user.id => {}
            MetricScope::User(_)
            | MetricScope::System
            | MetricScope::ModelOfUser(..)
            | MetricScope::ModelOfOrganization(..) => {
                return Err(Error::new(
                    ErrorKind::EntityUnknown,
                    "There is no such usage, as far as this account may know.",
                ));
            }
        }
        Ok(())
    }

    /// The next rows, oldest first; empty at the end. Whoever was signed out meanwhile, or may not see them any
    /// more, gets no more.
    ///
    /// # Errors
    /// Token refusals; `EntityUnknown` and `PermissionMissing`; database failures.
    pub async fn exported(&self, export: &mut UsageExport) -> Result<Vec<ExportedUsage>> {
        if export.after.is_some() {
            self.trusted()?;
            let bearer = export.access.caller.bearer.as_deref().unwrap_or_default();
            let (_, signed) = self.signed_by(bearer, PlatformUse::Access).await?;
            export.access.user = signed.user;
            self.may_export(&export.access, export.scope).await?;
        }
        let store = &self.inner.store;
        let interval = (export.from, export.until);
        let events = store
            .usage_page(export.scope, interval, export.after, LIST_ROWS_MAX)
            .await?;
        if let Some(last) = events.last() {
            export.after = Some(UsageCursor {
                at: last.at,
                id: last.id,
            });
        }
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let model = self.model_record(event.model).await?;
            // A model that has gone to somebody else keeps its title for itself.
            let title = model
                .filter(|model| model.owner == event.owner)
                .map(|model| Arc::from(model.title.as_str()));
            rows.push(ExportedUsage { event, title });
        }
        Ok(rows)
    }
}
