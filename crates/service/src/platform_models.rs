//! Models as accounts see them on the platform: their own, their organization's, and public ones.

use std::collections::HashSet;
use std::sync::Arc;

use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::ModelId;
use vitrine_access::owner::Owner;
use vitrine_access::plan::Feature;
use vitrine_access::platform::{Relation, Role, Shares, Viewer, Visibility};
use vitrine_access::refusal::RefusalKind;
use vitrine_access::ticket::Ticket;
use vitrine_store::{
    About, Clause, ListCursor, ListQuery, Listing, ModelRecord, ModelScope, Operand, SortBy, Test,
};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::model_patch::{ModelPatch, domains};
use crate::models::is_slug;
use crate::offset;
use crate::platform::{PlatformAccess, PlatformGuest};
use crate::who::refuse;

/// Characters of a description or comment.
const TEXT_CHARS_MAX: usize = 10_000;
/// Tags of a model, and characters of each.
const TAGS_MAX: usize = 50;
const TAG_CHARS_MAX: usize = 100;
/// Bytes of the settings of viewers.
const SETTINGS_BYTES_MAX: usize = 10_000;
/// Newer versions of a model that are shown.
const SUCCESSORS_MAX: u32 = 100;

/// A model, and what the asking account is to it.
#[derive(Clone, Debug)]
pub struct PlatformModel {
    /// The model.
    pub record: Arc<ModelRecord>,
    /// What may be done with it.
    pub relation: Relation,
}

/// What changes of a model's place on the platform; `None` leaves a member as it is.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the members are those of the contract")]
pub struct ListingPatch {
    pub published: Option<bool>,
    pub visibility: Option<Visibility>,
    pub use_account_domains: Option<bool>,
    pub description: Option<String>,
    pub comment: Option<String>,
    pub tags: Option<Vec<String>>,
    pub settings: Option<serde_json::Map<String, serde_json::Value>>,
    pub link: Option<bool>,
}

impl ListingPatch {
    fn check(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::new(ErrorKind::RequestInvalid, message));
        for (member, text) in [
            ("description", &self.description),
            ("comment", &self.comment),
        ] {
            if text
                .as_ref()
                .is_some_and(|text| text.chars().count() > TEXT_CHARS_MAX)
            {
                return invalid(format!(
                    "'{member}' has at most {TEXT_CHARS_MAX} characters."
                ));
            }
        }
        if let Some(tags) = &self.tags {
            let fits = |tag: &String| !tag.is_empty() && tag.chars().count() <= TAG_CHARS_MAX;
            if tags.len() > TAGS_MAX || !tags.iter().all(fits) {
                return invalid(format!(
                    "'tags' are at most {TAGS_MAX} words of 1 to {TAG_CHARS_MAX} characters."
                ));
            }
        }
        let size = |map: &serde_json::Map<_, _>| serde_json::Value::Object(map.clone()).to_string();
        if self
            .settings
            .as_ref()
            .is_some_and(|map| size(map).len() > SETTINGS_BYTES_MAX)
        {
            return invalid(format!(
                "'settings' has at most {SETTINGS_BYTES_MAX} bytes."
            ));
        }
        Ok(())
    }

    fn apply(self, listing: &mut Listing) {
        let About {
            description,
            comment,
            tags,
            settings,
        } = &mut listing.about;
        set(&mut listing.published, self.published);
        set(&mut listing.visibility, self.visibility);
        set(&mut listing.use_account_domains, self.use_account_domains);
        set(description, self.description);
        set(comment, self.comment);
        set(tags, self.tags);
        if let Some(new) = self.settings {
            settings.extend(new);
        }
    }
}

fn set<T>(member: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *member = value;
    }
}

fn unknown() -> Error {
    refuse(
        RefusalKind::ModelUnknown,
        "There is no such model that this account may see. Name one by id or slug.",
    )
}

impl Services {
    async fn model_by_key(&self, key: &str) -> Result<Option<ModelRecord>> {
        let store = &self.inner.store;
        Ok(match key.parse::<ModelId>() {
            Ok(id) => store.model_unscoped(id).await?,
            Err(_) if is_slug(key) => store.model_by_slug_unscoped(key).await?,
            Err(_) => None,
        })
    }

    /// A model that whoever asks may see, by its id or slug.
    ///
    /// # Errors
    /// `ModelUnknown`, in the same words whether there is none or it is hidden; `TokenMissing` for those who
    /// are not signed in.
    pub async fn platform_model(&self, guest: &PlatformGuest, key: &str) -> Result<PlatformModel> {
        let found = self.seen_model(guest, key).await;
        self.audited_as(guest.operation, &guest.caller, &guest.actor(), found)
    }

    /// What somebody is to a model, with what was shared with them.
    async fn related(&self, viewer: &Viewer, record: ModelRecord) -> Result<PlatformModel> {
        let relation = Relation::of(viewer, &record.owner, record.listing.visibility);
        let shares = match viewer.user {
            Some(user) if !relation.manages() => self.shares(record.id, user).await?,
            _ => Shares::default(),
        };
        Ok(PlatformModel {
            relation: relation.with(shares),
            record: Arc::new(record),
        })
    }

    /// A model that is not deleted, with what the account is to it.
    pub(crate) async fn related_model(
        &self,
        access: &PlatformAccess,
        id: ModelId,
    ) -> Result<Option<PlatformModel>> {
        let found = self.inner.store.model_unscoped(id).await?;
        let alive = found.filter(|model| model.status != ModelStatus::Deleted);
        match alive {
            Some(model) => Ok(Some(self.related(&access.viewer(), model).await?)),
            None => Ok(None),
        }
    }

    /// Whether the account manages a model.
    pub(crate) async fn manages(&self, access: &PlatformAccess, id: ModelId) -> Result<bool> {
        let found = self.inner.store.model_unscoped(id).await?;
        Ok(found.is_some_and(|model| {
            let visibility = model.listing.visibility;
            Relation::of(&access.viewer(), &model.owner, visibility).manages()
        }))
    }

    async fn seen_model(&self, guest: &PlatformGuest, key: &str) -> Result<PlatformModel> {
        let alive = |model: &ModelRecord| model.status != ModelStatus::Deleted;
        if let Some(found) = self.model_by_key(key).await?.filter(alive) {
            let seen = self.related(&guest.viewer(), found).await?;
            if seen.relation.sees() {
                return Ok(seen);
            }
        } else if let Some(found) = self.model_by_link(key).await?.filter(alive) {
            let mut seen = self.related(&guest.viewer(), found).await?;
            seen.relation = seen.relation.max(Relation::Linked);
            return Ok(seen);
        }
        Err(guest.unknown(unknown))
    }

    /// A model that the account manages, deleted or not.
    ///
    /// # Errors
    /// `ModelUnknown` for what it may not even see; `PermissionMissing` for what it may only see.
    pub async fn platform_managed(
        &self,
        access: &PlatformAccess,
        key: &str,
    ) -> Result<PlatformModel> {
        let found = self.managed_model(access, key).await;
        self.audited_as(access.operation, &access.caller, &access.actor(), found)
    }

    async fn managed_model(&self, access: &PlatformAccess, key: &str) -> Result<PlatformModel> {
        let found = self.model_by_key(key).await?.ok_or_else(unknown)?;
        let deleted = found.status == ModelStatus::Deleted;
        let model = self.related(&access.viewer(), found).await?;
        if model.relation.manages() {
            return Ok(model);
        }
        if deleted || !model.relation.sees() {
            return Err(unknown());
        }
        Err(refuse(
            RefusalKind::PermissionMissing,
            "The account may look at this model, not change it. Its owner may, and managers of the \
             owner's organization.",
        ))
    }

    /// A page of the models that whoever asks may see, and the offset of the next one.
    ///
    /// # Errors
    /// `RequestInvalid` for an offset that is not one of ours.
    pub async fn platform_models(
        &self,
        guest: &PlatformGuest,
        mut query: ListQuery,
        offset: Option<&str>,
    ) -> Result<(Vec<PlatformModel>, Option<String>)> {
        let limit = query.limit;
        let order = (query.sort, query.descending);
        query.after = offset
            .map(|text| offset::to_list_cursor(text, order))
            .transpose()?;
        query.limit = limit.saturating_add(1);
        let mut rows = Vec::new();
        for scope in guest.scopes(&query) {
            rows.extend(self.inner.store.query_models(&scope, &query).await?);
        }
        // Each scope is in order: the first of all are among these, some of them twice.
        let place = |model: &ModelRecord| cursor(model, query.sort);
        rows.sort_by_key(|model| (place(model).at, place(model).id));
        if query.descending {
            rows.reverse();
        }
        let mut known = HashSet::new();
        rows.retain(|model| known.insert(model.id));
        rows.truncate(query.limit as usize);
        let next = offset::cut_page(&mut rows, limit)
            .map(|last| offset::of_list_cursor(&place(last), order));
        let mut seen = Vec::with_capacity(rows.len());
        for row in rows {
            seen.push(self.related(&guest.viewer(), row).await?);
        }
        Ok((seen, next))
    }

    /// Makes a model of the account's, which waits for its file.
    ///
    /// # Errors
    /// `RequestInvalid` naming what cannot be taken; `PermissionMissing` for those who may only look.
    pub async fn platform_create_model(
        &self,
        access: &PlatformAccess,
        mut patch: ModelPatch,
        listing: ListingPatch,
    ) -> Result<PlatformModel> {
        let made = async {
            listing.check()?;
            let owner = access.owns_as().ok_or_else(|| {
                refuse(
                    RefusalKind::PermissionMissing,
                    "Consumers of an organization have no models. Ask for another role.",
                )
            })?;
            self.check_plan(&owner, &patch).await?;
            if let Some(previous) = patch.prev_id {
                // Whoever may not see it learns nothing; a new version belongs to whom the old one belongs to.
                self.managed_model(access, &previous.to_string()).await?;
            } else {
                patch.user = Some(owner.user);
                patch.organization = owner.organization;
            }
            let mut made = Listing {
                published: false,
                ..Listing::default()
            };
            listing.apply(&mut made);
            self.create_listed_model(patch, made).await
        };
        let made = made.await;
        let made = self.audited_as(access.operation, &access.caller, &access.actor(), made)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        self.platform_again(access, made.id).await
    }

    /// Changes a model that the account manages, and notes it. `restored`: it comes back first.
    ///
    /// # Errors
    /// `RequestInvalid` naming what cannot be taken.
    pub async fn platform_update_model(
        &self,
        access: &PlatformAccess,
        model: &PlatformModel,
        patch: ModelPatch,
        listing: ListingPatch,
        restored: bool,
    ) -> Result<PlatformModel> {
        let id = model.record.id;
        listing.check()?;
        let deleted = model.record.status == ModelStatus::Deleted;
        if deleted && !restored {
            return Err(refuse(
                RefusalKind::ModelDeleted,
                "The model is deleted. Send deleted_at: null to restore it.",
            ));
        }
        if listing.published == Some(true) && model.record.status != ModelStatus::Confirmed {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "'status' cannot be done before the model is confirmed. Upload its file and wait for \
                 the check.",
            ));
        }
        self.check_plan(&model.record.owner, &patch).await?;
        let link = listing.link;
        if deleted {
            self.restore_model(id).await?;
        }
        self.update_listed_model(id, patch, |own| listing.clone().apply(own))
            .await?;
        if let Some(on) = link {
            self.set_link(id, on).await?;
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        self.platform_again(access, id).await
    }

    /// Whether the plan of the model's account allows what shall be set.
    async fn check_plan(&self, owner: &Owner, patch: &ModelPatch) -> Result<()> {
        let plan = self.plan_of(owner).await?;
        if let Some(entries) = &patch.accessdomains {
            plan.check_domains(&domains(entries)?)?;
        }
        if patch.backend_access == Some(true) {
            plan.check(Feature::BackendApi)?;
        }
        if patch.require_iframe == Some(false) {
            plan.check(Feature::DirectEmbedding)?;
        }
        Ok(())
    }

    /// Deletes a model so that it can be restored, and notes it.
    ///
    /// # Errors
    /// `ModelDeleted` when it is deleted already.
    pub async fn platform_delete_model(
        &self,
        access: &PlatformAccess,
        model: &PlatformModel,
    ) -> Result<()> {
        self.delete_model(model.record.id).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// The model as it is now, with the domains of its account.
    async fn platform_again(&self, access: &PlatformAccess, id: ModelId) -> Result<PlatformModel> {
        let again = self
            .inner
            .store
            .model_unscoped(id)
            .await?
            .ok_or_else(unknown)?;
        Ok(PlatformGuest::of(access.clone()).related(again))
    }

    /// The versions before and after a model that whoever asks may see.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_versions(
        &self,
        guest: &PlatformGuest,
        model: &ModelRecord,
    ) -> Result<(Option<PlatformModel>, Vec<PlatformModel>)> {
        let store = &self.inner.store;
        let seen = |record: ModelRecord| {
            let found = guest.related(record);
            let deleted = found.record.status == ModelStatus::Deleted;
            (found.relation.sees() && !deleted).then_some(found)
        };
        let before = match model.listing.previous {
            None => None,
            Some(id) => store.model_unscoped(id).await?.and_then(seen),
        };
        let after = store.successors_unscoped(model.id, SUCCESSORS_MAX).await?;
        Ok((before, after.into_iter().filter_map(seen).collect()))
    }

    /// What a ticket of a model that the account manages says.
    ///
    /// # Errors
    /// `TicketInvalid` when it is none of ours; `ModelUnknown` as for a model.
    pub async fn platform_decrypt_ticket(
        &self,
        access: &PlatformAccess,
        sealed: &str,
    ) -> Result<(PlatformModel, Ticket)> {
        let found = async {
            let ticket = self.decrypt_ticket(sealed)?;
            let row = self.inner.store.ticket_unscoped(ticket.id).await?;
            let model = row.ok_or_else(unknown)?.model;
            let model = self.managed_model(access, &model.to_string()).await?;
            Ok((model, ticket))
        };
        let found = found.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), found)
    }
}

impl PlatformAccess {
    /// Whom a new model belongs to; `None` for those who may have none.
    fn owns_as(&self) -> Option<Owner> {
        let organization = match self.user.member {
            None => None,
            Some((organization, role)) if role >= Role::User => Some(organization),
            Some(_) => return None,
        };
        Some(Owner {
            user: self.user.id,
            organization,
        })
    }
}

impl PlatformGuest {
    fn related(&self, record: ModelRecord) -> PlatformModel {
        PlatformModel {
            relation: Relation::of(&self.viewer(), &record.owner, record.listing.visibility),
            record: Arc::new(record),
        }
    }

    /// The scopes whose models whoever asks may see. A condition on the owner makes others needless.
    fn scopes(&self, query: &ListQuery) -> Vec<ModelScope> {
        let viewer = self.viewer();
        let public = ModelScope::Public {
            but_user: None,
            but_organization: None,
        };
        let Some(user) = viewer.user else {
            return vec![public];
        };
        let own = ModelScope::OfUser(user);
        let of_organization =
            viewer
                .member
                .map(|(organization, role)| ModelScope::OfOrganization {
                    organization,
                    but: None,
                    private: role >= Role::Manager,
                });
        let shared = ModelScope::SharedWith {
            user,
            member: viewer
                .member
                .map(|(organization, role)| (organization, role >= Role::Manager)),
        };
        let of_others = of_organization.into_iter().chain([shared, public]);
        match wanted_user(query) {
            Some(id) if id == *user.as_bytes() => vec![own],
            Some(_) => of_others.collect(),
            None => [own].into_iter().chain(of_others).collect(),
        }
    }
}

/// The one user whose models are wanted, if there is one.
fn wanted_user(query: &ListQuery) -> Option<[u8; 16]> {
    query.clauses.iter().find_map(|clause| match clause {
        Clause::All(conditions) => {
            conditions
                .iter()
                .find_map(|condition| match (condition.field.name, &condition.test) {
                    ("user_id", Test::Is(Operand::Id(id))) => Some(*id),
                    _ => None,
                })
        }
        Clause::Any(_) => None,
    })
}

fn cursor(model: &ModelRecord, sort: SortBy) -> ListCursor {
    ListCursor {
        at: match sort {
            SortBy::Created => model.created_at,
            SortBy::Updated => model.updated_at,
        },
        id: *model.id.as_bytes(),
    }
}
