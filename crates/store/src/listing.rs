//! Models as they stand on the platform, and lists of them.

use serde::{Deserialize, Serialize};
use vitrine_access::{ModelId, OrganizationId, UserId, Visibility};

use crate::db::{Handle, Row, Value};
use crate::error::StoreError;
use crate::list::{Assembly, Field, FieldKind, ListQuery, SortBy};
use crate::models::{MODELS_WHERE, ModelRecord, read_model};
use crate::store::finders;

/// What the platform knows of a model beyond what the Geometry API knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Whether the owner has published it. Models that were not made on the platform are.
    pub published: bool,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether the account's domains may embed it too.
    pub use_account_domains: bool,
    /// The version before this one.
    pub previous: Option<ModelId>,
    /// What is told about it.
    pub about: About,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            published: true,
            visibility: Visibility::Private,
            use_account_domains: false,
            previous: None,
            about: About::default(),
        }
    }
}

/// What is told about a model. The stored form: members are only ever added, with a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// For everybody who sees it.
    pub description: String,
    /// For those who manage it.
    pub comment: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What viewers show, as it was sent.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

impl About {
    pub(crate) fn to_storage(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| StoreError::Unstorable {
            what: "description of a model",
            why: error.to_string(),
        })
    }
}

impl Listing {
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let about: String = row.get("listing")?;
        Ok(Self {
            published: row.get("published")?,
            visibility: row.get("visibility")?,
            use_account_domains: row.get("use_account_domains")?,
            previous: row.get_option("previous")?,
            about: serde_json::from_str(&about)
                .map_err(|error| StoreError::corrupt("listing", error))?,
        })
    }
}

/// What conditions on models may name.
pub static MODEL_FIELDS: &[Field] = &[
    Field::new("id", FieldKind::Id, "id"),
    Field::new("guid", FieldKind::Id, "id"),
    Field::new("title", FieldKind::Text, "title"),
    Field::new("slug", FieldKind::Text, "slug"),
    Field::new("user_id", FieldKind::Id, "owner_user"),
    Field::new("organization_id", FieldKind::Id, "owner_organization"),
    Field::new("visibility", FieldKind::Text, "visibility"),
    Field::new("prev_id", FieldKind::Id, "previous"),
    Field::new("created_at", FieldKind::Instant, "created_at"),
    Field::new("updated_at", FieldKind::Instant, "updated_at"),
    Field::new(
        "deleted_at",
        FieldKind::Instant,
        "CASE WHEN status = 'deleted' THEN updated_at END",
    ),
    Field::new(
        "status",
        FieldKind::Text,
        "CASE WHEN status = 'not_uploaded' THEN 'start' WHEN status = 'uploaded' THEN 'waiting' \
         WHEN status = 'confirmed' AND published = 1 THEN 'done' ELSE status END",
    ),
];

/// Which models somebody may see in lists. What is left out by `but…` costs: rows that are skipped are read. Whoever merges pages of
/// several scopes had better leave nothing out and drop what comes twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ModelScope {
    /// Those of this user.
    OfUser(UserId),
    /// Those of this organization; deleted ones for those only who see the private ones too.
    OfOrganization {
        /// Whose.
        organization: OrganizationId,
        /// Not of this user.
        but: Option<UserId>,
        /// Also those that only managers see.
        private: bool,
    },
    /// Those of others that are shared with this user and that no other scope of theirs has.
    SharedWith {
        /// With whom.
        user: UserId,
        /// Where they belong, and whether they see its private models.
        member: Option<(OrganizationId, bool)>,
    },
    /// Those that everybody sees and that belong to other accounts than these; no deleted ones.
    Public {
        /// Not of this user.
        but_user: Option<UserId>,
        /// Not of this organization.
        but_organization: Option<OrganizationId>,
    },
}

finders! {
    /// A page of the models of one scope. Models that only managers see are listed for them alone.
    query_models(scope: &ModelScope, query: &ListQuery) -> Vec<ModelRecord>;
    /// The models that name this one as the version before, whoever owns them, newest first.
    successors_unscoped(model: ModelId, limit: u32) -> Vec<ModelRecord>;
}

async fn query_models(
    handle: &mut Handle,
    scope: &ModelScope,
    query: &ListQuery,
) -> Result<Vec<ModelRecord>, StoreError> {
    let mut sql = Assembly::new(MODELS_WHERE);
    restrict(&mut sql, scope);
    let sort = match query.sort {
        SortBy::Created => "created_at",
        SortBy::Updated => "updated_at",
    };
    sql.clauses(&query.clauses).page(query, sort);
    handle
        .all(sql.finish())
        .await?
        .iter()
        .map(read_model)
        .collect()
}

/// Whoever does not manage a model sees nothing of it once it is deleted, whatever they ask for.
const NOT_DELETED: &str = " AND status <> 'deleted'";

fn restrict(sql: &mut Assembly, scope: &ModelScope) {
    let bytes = |id: &[u8; 16]| Value::Bytes(Some(id.to_vec()));
    match scope {
        ModelScope::OfUser(user) => {
            sql.text("owner_user = ").value(bytes(user.as_bytes()));
        }
        ModelScope::OfOrganization {
            organization,
            but,
            private,
        } => {
            sql.text("owner_organization = ")
                .value(bytes(organization.as_bytes()));
            if let Some(user) = but {
                sql.text(" AND owner_user <> ")
                    .value(bytes(user.as_bytes()));
            }
            if !private {
                sql.text(" AND visibility <> 'private'");
                sql.text(NOT_DELETED);
            }
        }
        ModelScope::SharedWith { user, member } => {
            sql.text("id IN (SELECT model FROM model_share WHERE user_id = ")
                .value(bytes(user.as_bytes()));
            sql.text(") AND visibility <> 'public' AND owner_user <> ")
                .value(bytes(user.as_bytes()));
            sql.text(NOT_DELETED);
            if let Some((organization, private)) = member {
                sql.text(" AND (owner_organization IS DISTINCT FROM ");
                sql.value(bytes(organization.as_bytes()));
                // What the organization does not show them is theirs by the share.
                sql.text(if *private {
                    ")"
                } else {
                    " OR visibility = 'private')"
                });
            }
        }
        ModelScope::Public {
            but_user,
            but_organization,
        } => {
            sql.text("visibility = 'public'");
            sql.text(NOT_DELETED);
            if let Some(user) = but_user {
                sql.text(" AND owner_user <> ")
                    .value(bytes(user.as_bytes()));
            }
            if let Some(organization) = but_organization {
                sql.text(" AND owner_organization IS DISTINCT FROM ");
                sql.value(bytes(organization.as_bytes()));
            }
        }
    }
}

async fn successors_unscoped(
    handle: &mut Handle,
    model: ModelId,
    limit: u32,
) -> Result<Vec<ModelRecord>, StoreError> {
    let mut sql = Assembly::new(MODELS_WHERE);
    sql.text("previous = ")
        .value(Value::Bytes(Some(model.as_bytes().to_vec())));
    let query = ListQuery {
        limit,
        ..ListQuery::default()
    };
    sql.page(&query, "created_at");
    handle
        .all(sql.finish())
        .await?
        .iter()
        .map(read_model)
        .collect()
}
