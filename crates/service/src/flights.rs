//! Computations under way: identical requests share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use vitrine_access::ids::ModelId;
use vitrine_model::Version;

/// Names one result: a version belongs to one output or export of one model.
pub(crate) type ResultKey = (ModelId, Version);

/// One computation that somebody waits for.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    landed: watch::Receiver<bool>,
}

impl Flight {
    /// Waits until the computation has ended, well or not.
    pub(crate) async fn landed(mut self) {
        // An error means that the computing task is gone, which is an end as well.
        let _ = self.landed.wait_for(|landed| *landed).await;
    }
}

/// The computations under way, by what they produce.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    by_key: Mutex<HashMap<ResultKey, Flight>>,
}

/// Held by the computing task; on drop its results are no longer under way.
pub(crate) struct Landing {
    flights: Arc<Flights>,
    keys: Vec<ResultKey>,
    landed: watch::Sender<bool>,
}

impl Flights {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ResultKey, Flight>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins what is under way and registers the rest as one new flight.
    ///
    /// Returns the flights to wait for, and the landing of the new one with its keys where there
    /// is something that nobody computes yet.
    pub(crate) fn join(self: &Arc<Self>, wanted: &[ResultKey]) -> (Vec<Flight>, Option<Landing>) {
        let mut by_key = self.lock();
        let mut joined = Vec::new();
        let mut fresh = Vec::new();
        for key in wanted {
            match by_key.get(key) {
                Some(flight) => joined.push(flight.clone()),
                None => fresh.push(*key),
            }
        }
        if fresh.is_empty() {
            return (joined, None);
        }
        let (sender, receiver) = watch::channel(false);
        let flight = Flight { landed: receiver };
        for key in &fresh {
            by_key.insert(*key, flight.clone());
        }
        joined.push(flight);
        (
            joined,
            Some(Landing {
                flights: Arc::clone(self),
                keys: fresh,
                landed: sender,
            }),
        )
    }

    /// Results that are being computed.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether somebody computes this.
    pub(crate) fn contains(&self, key: &ResultKey) -> bool {
        self.lock().contains_key(key)
    }
}

impl Landing {
    /// What this flight computes.
    pub(crate) fn keys(&self) -> &[ResultKey] {
        &self.keys
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut by_key = self.flights.lock();
        for key in &self.keys {
            by_key.remove(key);
        }
        drop(by_key);
        self.landed.send_replace(true);
    }
}
