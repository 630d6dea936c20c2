//! Limits on how often something may happen, by the generic cell rate algorithm.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use std::sync::Arc;
use vitrine_access::ids::ModelId;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::time::Timestamp;

use crate::error::{Error, Result};

/// Addresses that are remembered; the least recently seen ones are forgotten first.
const ADDRESSES_MAX: u64 = 200_000;
const HOUR: Duration = Duration::from_hours(1);

/// Counts sessions per model and address.
pub(crate) struct Limiter {
    cells: Cache<(ModelId, IpAddr), Arc<Mutex<Timestamp>>>,
    limit_loopback: bool,
}

impl Limiter {
    pub(crate) fn new(limit_loopback: bool) -> Self {
        Self {
            cells: Cache::builder()
                .max_capacity(ADDRESSES_MAX)
                .time_to_idle(HOUR * 2)
                .build(),
            limit_loopback,
        }
    }

    /// One session of `address` on `model`, of which `per_hour` are allowed.
    ///
    /// # Errors
    /// A refusal of kind `RateLimited` with the whole seconds to wait.
    pub(crate) fn session(
        &self,
        model: ModelId,
        address: IpAddr,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<()> {
        if address.is_loopback() && !self.limit_loopback {
            return Ok(());
        }
        let cell = self
            .cells
            .get_with((model, address), || Arc::new(Mutex::new(now)));
        let mut arrival = cell.lock().unwrap_or_else(PoisonError::into_inner);
        match conform(*arrival, now, per_hour) {
            Ok(next) => {
                *arrival = next;
                Ok(())
            }
            Err(wait) => {
                let seconds = wait.as_secs().max(1);
                Err(Error::from(Refusal {
                    kind: RefusalKind::RateLimited,
                    message: format!(
                        "This address opened more sessions of the model than its setting \
                         session_rate_limit allows ({per_hour} per hour). Try again in {seconds} \
                         seconds."
                    ),
                })
                .retry_after_s(seconds))
            }
        }
    }
}

/// The generic cell rate algorithm with a burst of one hour's quota: the next theoretical arrival
/// time, or how long to wait.
pub(crate) fn conform(
    arrival: Timestamp,
    now: Timestamp,
    per_hour: u32,
) -> std::result::Result<Timestamp, Duration> {
    let Some(interval) = HOUR.checked_div(per_hour) else {
        return Err(HOUR);
    };
    let earliest = if arrival > now { arrival } else { now };
    let next = earliest.plus(interval);
    let ahead = next.since(now);
    if ahead <= HOUR {
        Ok(next)
    } else {
        Err(Duration::from_secs(
            (ahead.saturating_sub(HOUR)).as_secs() + 1,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_of_an_hour_passes_at_once_and_one_more_does_not() {
        let now = Timestamp::from_unix_ms(1_000_000);
        let mut arrival = now;
        for _ in 0..10 {
            arrival = conform(arrival, now, 10).unwrap();
        }
        let wait = conform(arrival, now, 10).unwrap_err();
        assert!(wait >= Duration::from_mins(6) && wait <= Duration::from_secs(361));
        assert!(conform(arrival, now.plus(wait), 10).is_ok());
    }

    #[test]
    fn a_quota_of_zero_lets_nothing_pass() {
        let now = Timestamp::from_unix_ms(0);
        assert_eq!(conform(now, now, 0), Err(HOUR));
    }
}
