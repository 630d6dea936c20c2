//! The pure heart of Vitrine: who may see, compute, download, change and pay for what.
//!
//! Nothing here reads a clock, draws random numbers by itself, opens a socket or knows a database.
//! Time comes in as [`Timestamp`], chance through [`Entropy`]; decisions come out as values. Domain
//! values carry no serde: stored and wire forms are private types of the module that needs them.

pub mod api_server;
pub mod audit;
mod bearer;
pub mod caps;
pub mod change;
pub mod credits;
pub mod decide;
pub mod editor_parameters;
pub mod editor_session;
pub mod editor_token;
pub mod egress;
pub mod embed;
pub mod forwarded;
pub mod grant;
pub mod holder;
pub mod ids;
pub mod jwt;
pub mod limits;
pub mod link;
pub mod network;
pub mod oauth;
pub mod origin;
pub mod owner;
pub mod passkey;
pub mod permissions;
pub mod plan;
pub mod platform;
pub mod provider;
pub mod random;
pub mod refusal;
pub mod script_job;
pub mod seal;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod ticket;
pub mod time;
pub mod webhook;
mod wire;

pub use audit::{AuditEvent, Decision};
pub use caps::{Cap, CapReached, CapScope, CapSetter, CapWindow};
pub use change::{Change, ChangeError};
pub use credits::{UsageEvent, UsageKind, credits_for};
pub use decide::{
    BlockingReasons, ModelFacts, ModelStatus, OriginEvidence, check_model_open,
    check_ticket_origin, check_ticket_time, check_token, embed_unproven, grant_for_session,
    recorded_is_allowed,
};
pub use editor_session::{
    DrawingFormat, DrawingName, DrawingSource, EditorAccess, EditorFrame, EditorOpening,
    EditorSessionId, OpeningError, PageParameters,
};
pub use editor_token::{
    AppId, AppIdError, EditorParameters, EditorToken, EditorValue, ParametersError,
};
pub use egress::{EgressError, EgressPolicy, EgressPurpose, EgressTarget};
pub use embed::{Fence, FenceMark, PageLoad};
pub use forwarded::{ClientAddress, ForwardedHeader, ProxyError, TrustedProxies};
pub use grant::{Grant, Subject};
pub use holder::{HolderMark, Revoked};
pub use ids::{
    AccessKeyId, AuditId, AuthGroupId, BlobKey, DeliveryId, DrawingId, EditorSessionHash,
    EditorTokenHash, EditorUserHash, IdError, IdentityId, InvitationId, IssuerKey, JobId, ModelId,
    NotificationId, OrganizationId, PartnerId, PartnerKeyId, PasskeyId, RequestId, ScriptJobHash,
    SessionAlias, SessionHash, SessionId, ShareId, TicketId, TokenId, UsageId, UserId, WebhookId,
};
pub use jwt::{
    AccessToken, Algorithm, Expected, JwsHeader, JwtError, KeySet, SigningKey, VerifiedJws,
    VerifyingKey, verify_jws,
};
pub use link::{AssetKind, AssetLink, LinkError, UploadLink};
pub use origin::{AllowedDomains, DomainEntry, DomainError, Origin, OriginError};
pub use owner::{Owner, Payer};
pub use permissions::{
    Credential, OPERATIONS, Operation, Permission, PermissionSet, RESERVED, operation,
};
pub use plan::Plan;
pub use platform::{Relation, Role, SharePolicy, Shares, Viewer, Visibility};
pub use random::Entropy;
pub use refusal::{Refusal, RefusalKind};
pub use seal::{Purpose, SealError, Sealer};
pub use secret::{
    AccessKeyKind, ApiKey, CodeKind, InvitationKind, MasterKey, PartnerKeyKind, RecoveryCode,
    SecretError, SecretHash, SetUpKind,
};
pub use session::{AlreadyEnded, EndReason, Session, SessionClass, SessionLimits, SessionState};
pub use sign_in::{RefreshChain, Stolen};
pub use ticket::{SealedTicket, Ticket, TicketError, TicketModel, TicketType};
pub use time::{Clock, Timestamp, TimestampError};
