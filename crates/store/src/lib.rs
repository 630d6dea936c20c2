//! Rows and blobs: the only SQL and the only blob I/O of Vitrine.
//!
//! [`Store`] is the database, `SQLite` or `PostgreSQL` by its URL, behind one API; [`Blobs`] is
//! everything that is too large for a row. A blob is written before the row that names it.
//!
//! Every write that has returned is durable. Sessions, usage, audit and results are appended by group
//! commit; everything else is a transaction ([`Tx`]) that the caller owns.

mod accounts;
mod appender;
mod applications;
mod audit;
mod auth_groups;
mod blobs;
mod buckets;
mod budget;
mod caps;
mod changes;
mod columns;
mod db;
mod doomed;
mod drawings;
mod editor_sessions;
mod editor_tokens;
mod error;
mod identities;
mod invitations;
mod jobs;
mod keys;
pub mod limits;
mod list;
mod listen;
mod listing;
mod members;
mod metrics;
mod migrate;
mod models;
mod notices;
mod partners;
mod passkeys;
mod postgres;
mod results;
mod rollups;
mod script_jobs;
mod second_factors;
mod sessions;
mod settings;
mod shares;
mod sign_ins;
mod sqlite;
mod store;
mod tickets;
mod usage;
mod webhooks;

pub use accounts::{AccessKeyRecord, OrganizationRecord, UserRecord};
pub use applications::{ApplicationRecord, AuthorizationCodeRecord};
pub use audit::AuditCursor;
pub use auth_groups::AuthGroupRecord;
pub use blobs::{BlobError, BlobOptions, BlobStream, Blobs};
pub use buckets::{Bucket, BucketError};
pub use budget::{Dropped, Files};
pub use changes::LoggedChange;
pub use db::PoolSize;
pub use doomed::{DoomState, ResultPlace};
pub use drawings::{DrawingRecord, DrawingVersionRecord, LeaseRecord, VersionKind};
pub use editor_sessions::{EditorSessionRecord, month_of};
pub use editor_tokens::EditorTokenRecord;
pub use error::{MigrationError, StoreError, StoreErrorKind};
pub use identities::IdentityRecord;
pub use invitations::InvitationRecord;
pub use jobs::{JobKind, JobRecord, JobState};
pub use keys::SigningKeyRecord;
pub use list::{Clause, Condition, Field, FieldKind, ListCursor, ListQuery, Operand, SortBy, Test};
pub use listen::ChangeListener;
pub use listing::{About, Listing, MODEL_FIELDS, ModelScope};
pub use members::Membership;
pub use metrics::{MetricGroup, MetricList, MetricScope};
pub use models::{ModelCursor, ModelFilter, ModelRecord};
pub use notices::{NOTIFICATION_FIELDS, NotificationRecord};
pub use partners::{PartnerKeyRecord, PartnerRecord, PartnerSettings};
pub use passkeys::PasskeyRecord;
pub use results::{
    BoundingBox, ComputationCursor, ComputationRecord, ComputationStatus, OutputVersionRecord,
    ResultCursor, ResultKind, StoredContent,
};
pub use script_jobs::{ScriptJobRecord, ScriptJobState};
pub use second_factors::SecondFactorRecord;
pub use sessions::SessionTouch;
pub use settings::ModelSettings;
pub use shares::ShareRecord;
pub use sign_ins::{PasswordHash, SignInRecord};
pub use store::{Store, StoreOptions, Tx};
pub use tickets::TicketRecord;
pub use usage::{UsageCursor, UsageScope, UsageSum};
pub use webhooks::{DeliveryRecord, DeliveryState, WebhookRecord};
