//! The way of a proxy's question (`/authorize`) through the layers.
//!
//! It is asked for each request of somebody else's server, so that it costs what every request there costs.
//! The steps are those of [`super`], less what means nothing to a proxy: scripts' rights to read the answer, the
//! bounds of bodies, which are not read, and the limits by address. What a
//! browser is told is added where a proxy may hand the answer on to one, to refusals.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use tracing::Instrument as _;
use vitrine_service::Services;

use super::observe::Seen;
use super::{LayerConfig, bounds, headers, panicked};
use crate::authorize::{self, Asker};
use crate::extract::Peer;

/// Answers it.
pub(super) async fn answer(
    config: Arc<LayerConfig>,
    services: Services,
    request: Request,
) -> Response {
    // The body, if a proxy sends one at all, is not looked at.
    let (parts, _) = request.into_parts();
    let seen = Seen::new(&config, &parts.method, true);
    let (span, around) = (seen.span(), seen.around());
    async {
        let asker = Asker {
            peer: Peer::read(&parts.extensions, &parts.headers, &config.proxies),
            request: Some(seen.id),
        };
        // In a box: what waits for it would else copy all that deciding may need.
        let decided = Box::pin(authorize::answer(&services, asker, &parts));
        let mut response = match bounds::one_host(&parts.headers) {
            Ok(()) => {
                let answer = bounds::in_time(config.request_timeout, decided);
                let answer = AssertUnwindSafe(answer).catch_unwind().await;
                answer.unwrap_or_else(panicked)
            }
            Err(error) => error.into_response(),
        };
        if !response.status().is_success() {
            headers::harden(response.headers_mut(), false);
        }
        seen.finish(response, authorize::PATH)
    }
    .instrument(span)
    .instrument(around)
    .await
}
