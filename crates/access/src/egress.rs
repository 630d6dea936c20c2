//! Rules for outgoing requests.
use std::net::IpAddr;
use thiserror::Error;

/// Why a request goes out.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EgressPurpose {
    /// Key sets of external issuers.
    Jwks,
    /// API servers named by partners.
    ApiServer,
    /// Files named by URL.
    FileUrl,
    /// The object store.
    ObjectStore,
    /// Webhooks.
    Webhook,
    /// OpenID providers.
    OpenId,
    /// The image proxy.
    Image,
}

/// What may be reached.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {}

/// A checked URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressTarget {}

/// Why a request may not go out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("todo")]
pub struct EgressError;

impl EgressPolicy {
    /// Checks a URL.
    ///
    /// # Errors
    /// See type.
    pub fn check_url(
        &self,
        _purpose: EgressPurpose,
        _url: &str,
    ) -> Result<EgressTarget, EgressError> {
        todo!()
    }
    /// Checks an address.
    ///
    /// # Errors
    /// See type.
    pub fn check_address(
        &self,
        _purpose: EgressPurpose,
        _address: IpAddr,
    ) -> Result<(), EgressError> {
        todo!()
    }
}
