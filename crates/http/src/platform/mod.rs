//! The platform: where accounts sign in, list and change their models, and ask for tickets and tokens.
//!
//! Scripts of other origins read answers only where the operator named them; see `layers/cors`.

pub(crate) mod access_keys;
pub(crate) mod applications;
pub(crate) mod authorize;
pub(crate) mod caps;
mod cookies;
pub(crate) mod frames;
pub(crate) mod memberships;
pub(crate) mod metrics;
mod model_view;
pub(crate) mod models;
pub(crate) mod notifications;
pub(crate) mod oauth;
pub(crate) mod operator;
pub(crate) mod organizations;
pub(crate) mod origins;
pub(crate) mod partners;
pub(crate) mod passkeys;
pub(crate) mod providers;
mod query;
pub(crate) mod second_factors;
pub(crate) mod sessions;
pub(crate) mod set_up;
pub(crate) mod sharing;
pub(crate) mod sign_ins;
pub(crate) mod tickets;
pub(crate) mod tokens;
pub(crate) mod trail;
pub(crate) mod usage_export;
pub(crate) mod users;
pub(crate) mod webhooks;
pub(crate) mod wire;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use vitrine_service::who::Caller;

use crate::extract::Tokenless;

/// The `OpenAPI` document, generated from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vitrine platform",
        version = "1",
        description = "Accounts, their models, and the tickets and tokens for them. Wire compatible \
                       with a part of version 1 of the Platform Backend API.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        oauth::token,
        oauth::logout,
        users::get,
        users::update,
        sign_ins::list,
        sign_ins::end,
        models::query,
        models::create,
        models::get,
        models::update,
        models::delete,
        frames::frame,
        frames::decrypt_ticket,
        tokens::create,
        tokens::of_user,
        tokens::of_organization,
        access_keys::query,
        access_keys::get,
        access_keys::create,
        access_keys::update,
        access_keys::delete,
        organizations::get,
        organizations::create,
        organizations::update,
        organizations::members,
        organizations::update_member,
        organizations::backend_systems,
        notifications::query,
        notifications::summary,
        notifications::read_all,
        notifications::get,
        notifications::update,
        notifications::delete,
        webhooks::query,
        webhooks::create,
        webhooks::update,
        webhooks::delete,
        webhooks::test,
        webhooks::deliveries,
        usage_export::export,
        metrics::of_user,
        metrics::of_organization,
        caps::query,
        caps::set,
        operator::health,
        operator::keys,
        operator::rotate,
        operator::retire,
        operator::plans,
        operator::account,
        operator::update_account,
        partners::query,
        partners::create,
        partners::update,
        partners::create_key,
        partners::revoke_key,
        partners::revoke_tokens,
        tickets::query,
        tickets::create,
        tickets::revoke,
        sessions::query,
        sessions::revoke,
        trail::query,
        origins::check,
        origins::try_origin,
        set_up::set_up,
        authorize::page,
        authorize::agree,
        applications::get,
        applications::query,
        applications::create,
        applications::update,
        applications::delete,
        access_keys::rotate,
        passkeys::ask,
        passkeys::list,
        passkeys::begin,
        passkeys::add,
        passkeys::remove,
        providers::begin,
        providers::end,
        providers::list,
        providers::link,
        providers::unlink,
        second_factors::begin,
        second_factors::confirm,
        second_factors::remove,
        memberships::invite,
        memberships::list,
        memberships::withdraw,
        memberships::invite_by_email,
        memberships::accept,
        memberships::deny,
        memberships::join,
        memberships::remove,
        memberships::delete_organization,
        sharing::create,
        sharing::create_multiple,
        sharing::query,
        sharing::grouped,
        sharing::query_own,
        sharing::query_of_user,
        sharing::of_user,
        sharing::copy,
        sharing::delete
    )
)]
struct PlatformApi;

pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = PlatformApi::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    document
        .components
        .get_or_insert_with(Default::default)
        .add_security_scheme("PlatformToken", SecurityScheme::Http(bearer));
    document
}

/// Extracts a [`Caller`] with the bearer token, where there is exactly one in the usual form. All else
/// signs nobody in; older clients send an empty header when they are not signed in.
pub(crate) struct Asking(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        const BEARER: &str = "bearer ";
        let Tokenless(mut caller) = Tokenless::from_request_parts(parts, state).await?;
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        if let (Some(one), None) = (values.next(), values.next()) {
            caller.bearer = one
                .to_str()
                .ok()
                .filter(|text| {
                    text.get(..BEARER.len())
                        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(BEARER))
                })
                .map(|text| text[BEARER.len()..].trim().to_owned());
        }
        Ok(Self(caller))
    }
}
