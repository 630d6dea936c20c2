//! The metric of answered requests. Looking a histogram up by its labels copies and hashes them all, so each
//! thread keeps those that it has used.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use metrics::Histogram;

/// What one route has answered with; a handful of each.
type OfRoute = Vec<(&'static str, u16, Histogram)>;

thread_local! {
    static USED: RefCell<HashMap<Box<str>, OfRoute>> = RefCell::default();
}

/// Notes one answer. `route` is a template and `method` one of few words, so that what is kept is bounded.
pub(super) fn record(route: &str, method: &'static str, status: u16, duration: Duration) {
    USED.with_borrow_mut(|used| {
        if !used.contains_key(route) {
            used.insert(route.into(), OfRoute::new());
        }
        let Some(of_route) = used.get_mut(route) else {
            return;
        };
        let known = of_route
            .iter()
            .position(|(known, code, _)| *code == status && *known == method);
        let at = known.unwrap_or_else(|| {
            of_route.push((method, status, register(route, method, status)));
            of_route.len() - 1
        });
        of_route[at].2.record(duration.as_secs_f64());
    });
}

fn register(route: &str, method: &'static str, status: u16) -> Histogram {
    metrics::histogram!(
        "vitrine_http_request_duration_seconds",
        "method" => method,
        "route" => route.to_owned(),
        "status" => status.to_string()
    )
}
