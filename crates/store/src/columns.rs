//! How domain values lie in columns. Reading is as strict as the domain's own parsers: a row that was
//! written by hand and makes no sense is an error, never a guess.

use vitrine_access::oauth::Challenge;
use vitrine_access::{
    AccessKeyId, AppId, AuditId, AuthGroupId, BlobKey, CapScope, CapSetter, CapWindow, Change,
    Decision, DeliveryId, DrawingFormat, DrawingId, EditorSessionHash, EditorTokenHash,
    EditorUserHash, EndReason, IdentityId, InvitationId, IssuerKey, JobId, ModelId, ModelStatus,
    NotificationId, OrganizationId, Owner, PartnerId, PartnerKeyId, PasskeyId, Payer,
    PermissionSet, RequestId, Revoked, Role, ScriptJobHash, SecretHash, SessionAlias, SessionClass,
    SessionHash, ShareId, SharePolicy, Subject, TicketId, Timestamp, TokenId, UsageId, UsageKind,
    UserId, Visibility, WebhookId,
};

use crate::db::{Column, Kind, Query, Row, Value};
use crate::drawings::VersionKind;
use crate::error::StoreError;

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::Int;
            fn encode(&self) -> Value {
                // Every unsigned value that we store is bounded far below 2^63; saturating keeps an
                // absurd one absurd instead of negative.
                Value::Int(Some(i64::try_from(*self).unwrap_or(i64::MAX)))
            }
            fn decode(value: Value) -> Option<Self> {
                let Value::Int(Some(value)) = value else { return None };
                value.try_into().ok()
            }
        }
    )*};
}
integers!(i64, u32, u64);

impl Column for bool {
    const KIND: Kind = Kind::Int;
    fn encode(&self) -> Value {
        Value::Int(Some(i64::from(*self)))
    }
    fn decode(value: Value) -> Option<Self> {
        match value {
            Value::Int(Some(0)) => Some(false),
            Value::Int(Some(1)) => Some(true),
            _ => None,
        }
    }
}

impl Column for Timestamp {
    const KIND: Kind = Kind::Int;
    fn encode(&self) -> Value {
        Value::Int(Some(self.unix_ms()))
    }
    fn decode(value: Value) -> Option<Self> {
        let Value::Int(Some(value)) = value else {
            return None;
        };
        Some(Self::from_unix_ms(value))
    }
}

impl Column for String {
    const KIND: Kind = Kind::Text;
    fn encode(&self) -> Value {
        Value::Text(Some(self.clone()))
    }
    fn decode(value: Value) -> Option<Self> {
        let Value::Text(value) = value else {
            return None;
        };
        value
    }
}

impl Column for Vec<u8> {
    const KIND: Kind = Kind::Bytes;
    fn encode(&self) -> Value {
        Value::Bytes(Some(self.clone()))
    }
    fn decode(value: Value) -> Option<Self> {
        let Value::Bytes(value) = value else {
            return None;
        };
        value
    }
}

macro_rules! raw_bytes {
    ($($type:ty),*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::Bytes;
            fn encode(&self) -> Value {
                Value::Bytes(Some(self.as_bytes().to_vec()))
            }
            fn decode(value: Value) -> Option<Self> {
                let Value::Bytes(Some(value)) = value else { return None };
                Some(Self::from_bytes(value.try_into().ok()?))
            }
        }
    )*};
}
raw_bytes!(
    AccessKeyId,
    AuditId,
    AuthGroupId,
    BlobKey,
    DeliveryId,
    Challenge,
    DrawingId,
    EditorSessionHash,
    EditorTokenHash,
    EditorUserHash,
    IdentityId,
    InvitationId,
    IssuerKey,
    JobId,
    ModelId,
    NotificationId,
    OrganizationId,
    PartnerId,
    PartnerKeyId,
    PasskeyId,
    RequestId,
    ScriptJobHash,
    SecretHash,
    SessionAlias,
    SessionHash,
    ShareId,
    TicketId,
    TokenId,
    UsageId,
    UserId,
    WebhookId
);

/// Text columns: how the value is written and read.
macro_rules! words {
    ($($type:ty: $write:expr, $read:expr;)*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::Text;
            fn encode(&self) -> Value {
                let write: fn(&$type) -> String = $write;
                Value::Text(Some(write(self)))
            }
            fn decode(value: Value) -> Option<Self> {
                let Value::Text(Some(text)) = value else { return None };
                let read: fn(&str) -> Option<$type> = $read;
                read(&text)
            }
        }
    )*};
}
words! {
    CapScope: ToString::to_string, |text| text.parse().ok();
    CapWindow: |window| window.as_str().to_owned(), |text| text.parse().ok();
    CapSetter: |setter| setter.as_str().to_owned(), |text| text.parse().ok();
    AppId: ToString::to_string, |text| text.parse().ok();
    Change: Change::to_storage, |text| Change::from_storage(text).ok();
    DrawingFormat: |format| format.as_str().to_owned(), read_format;
    VersionKind: |kind| kind.as_str().to_owned(), VersionKind::from_storage;
    Decision: |decision| decision.as_str().to_owned(), Decision::from_storage;
    EndReason: |reason| reason.as_str().to_owned(), |text| text.parse().ok();
    ModelStatus: |status| status.as_str().to_owned(), |text| text.parse().ok();
    PermissionSet: PermissionSet::to_storage, |text| PermissionSet::from_storage(text).ok();
    SessionClass: |class| class.as_str().to_owned(), |text| text.parse().ok();
    Revoked: ToString::to_string, |text| text.parse().ok();
    Subject: ToString::to_string, |text| text.parse().ok();
    UsageKind: |kind| kind.as_str().to_owned(), |text| text.parse().ok();
    Role: |role| role.as_str().to_owned(), |text| text.parse().ok();
    SharePolicy: |role| role.as_str().to_owned(), |text| text.parse().ok();
    Visibility: |visibility| visibility.as_str().to_owned(), |text| text.parse().ok();
}

fn read_format(text: &str) -> Option<DrawingFormat> {
    [DrawingFormat::Dxf, DrawingFormat::Dwg]
        .into_iter()
        .find(|format| format.as_str() == text)
}

/// Word of a payer who is a user.
const PAYER_USER: &str = "user";
/// Word of a payer that is an organization.
const PAYER_ORGANIZATION: &str = "organization";

impl Query {
    /// Binds two columns: user, organization.
    pub(crate) fn bind_owner(self, owner: &Owner) -> Self {
        self.bind(&owner.user)
            .bind_option(owner.organization.as_ref())
    }

    /// Binds two columns: kind, id.
    pub(crate) fn bind_payer(self, payer: &Payer) -> Self {
        match payer {
            Payer::User(user) => self.bind_text(PAYER_USER).bind(user),
            Payer::Organization(organization) => {
                self.bind_text(PAYER_ORGANIZATION).bind(organization)
            }
        }
    }
}

impl Row {
    /// The columns `owner_user` and `owner_organization`.
    pub(crate) fn owner(&self) -> Result<Owner, StoreError> {
        Ok(Owner {
            user: self.get("owner_user")?,
            organization: self.get_option("owner_organization")?,
        })
    }

    /// The columns `payer_kind` and `payer`.
    pub(crate) fn payer(&self) -> Result<Payer, StoreError> {
        let kind: String = self.get("payer_kind")?;
        match kind.as_str() {
            PAYER_USER => Ok(Payer::User(self.get("payer")?)),
            PAYER_ORGANIZATION => Ok(Payer::Organization(self.get("payer")?)),
            _ => Err(StoreError::corrupt("payer_kind", "unknown word")),
        }
    }
}
