//! Vitrine's HTTP surface: what arrives becomes domain types here, and what leaves becomes bytes.
//! Decisions are made below, in the use cases.
//!
//! | module | what it offers |
//! |---|---|
//! | [`error`] | [`error::ApiError`] is what handlers return; [`error::ErrorKind::row`] is the one table from kind to status, API word and code; conversions from refusals and service errors |
//! | [`catalogue`] | what each error code means and what to do; `/docs/errors` is made from it |
//! | [`extract`] | [`extract::Json`], [`extract::Query`], [`extract::Path`] refuse in the API's form; [`extract::read_bounded`] reads an upload; [`extract::Peer`] tells from where a request comes |
//! | [`geometry::wire`] | bodies of the Geometry API; [`geometry::wire::convert`] makes them from the domain |
//! | [`editor`] | the drawing editor: its page, and what the page asks for |
//! | [`partner`] | the token service for partners of the drawing editor, and its forms of errors |
//! | [`platform`] | what accounts do over HTTP: sign in, list, look at and change models, ask for tokens |
//! | [`layers`] | [`layers::with_api_fallbacks`] after all routes, then [`layers::wrap`] around the whole: request ids, access log, CORS, panics, bounds, double slashes |
//! | [`range`] | [`range::Download::plan`] decides status, headers and bytes of a download |
//! | [`disposition`] | `Content-Disposition` for names that people chose |
//! | [`pages::static_files`] | [`pages::static_files::viewer_routes`], [`pages::static_files::static_file`], [`pages::static_files::missing`] |
//! | [`ops`] | [`ops::healthz`], [`ops::readyz`] over the trait [`ops::Readiness`]; [`ops::LocalOrToken`] guards `/metrics` |
//! | [`limits`] | every bound with its reason |
//!
//! A handler takes the request's id as `Extension<RequestId>`. The server must be run with
//! `into_make_service_with_connect_info::<SocketAddr>()`, or loopback is not recognised.

mod authorize;
pub mod catalogue;
mod credit_metric;
pub mod disposition;
pub mod editor;
pub mod error;
pub mod extract;
pub mod geometry;
mod large_json;
pub mod layers;
pub mod limits;
pub mod ops;
pub mod pages;
pub mod partner;
pub mod platform;
pub mod range;

mod app;

pub use app::{Extras, openapi_geometry, openapi_partner, openapi_platform, router, router_with};
pub use layers::Front;
