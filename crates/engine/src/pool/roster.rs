//! Which worker takes the next job: the books of the pool, without any process in them.

use std::time::{Duration, Instant};

/// Unbound workers that stand ready. A newcomer's model then waits for no process to start; more
/// would cost memory while nobody asks.
const SPARES_MAX: usize = 2;

/// After this time without a job a bound worker ends, because it keeps the memory of its largest
/// run. A new one starts within milliseconds.
pub(super) const IDLE_BOUND_MAX: Duration = Duration::from_secs(30);

/// An idle worker.
#[derive(Debug)]
struct Idle<B, W> {
    worker: W,
    /// The model and owner that it is bound to; none for a spare.
    binding: Option<B>,
    since: Instant,
}

/// Who takes a job.
#[derive(Debug, PartialEq)]
pub(super) enum Choice<W> {
    /// An idle worker, either bound to the same model and owner or to none.
    Use(W),
    /// A process that is to be started, after `retire` has ended if there is one.
    Start {
        /// A worker that is bound to something else and gives up its place.
        retire: Option<W>,
    },
}

/// Whether a job may be done by a spare worker. All spares have the first engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spares {
    Fit,
    HaveAnotherEngine,
}

/// The workers of a pool. Their number, idle, busy and starting, never exceeds the capacity.
#[derive(Debug)]
pub(super) struct Roster<B, W> {
    capacity: usize,
    /// Least recently used first.
    idle: Vec<Idle<B, W>>,
    busy: usize,
    starting: usize,
}

impl<B: PartialEq, W> Roster<B, W> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            idle: Vec::new(),
            busy: 0,
            starting: 0,
        }
    }

    pub(super) fn busy(&self) -> usize {
        self.busy
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Who takes a job for this model and owner; `None` while every place is taken by a busy or a
    /// starting worker. The chosen worker counts as busy from now on.
    pub(super) fn choose(&mut self, binding: &B, spares: Spares) -> Option<Choice<W>> {
        let spare = |bound: Option<&B>| bound.is_none() && spares == Spares::Fit;
        let choice = if let Some(index) = self.position(|bound| bound == Some(binding)) {
            Choice::Use(self.idle.remove(index).worker)
        } else if let Some(index) = self.position(spare) {
            Choice::Use(self.idle.remove(index).worker)
        } else if self.total() < self.capacity {
            Choice::Start { retire: None }
        } else if self.idle.is_empty() {
            return None;
        } else {
            let oldest = self.idle.remove(0);
            Choice::Start {
                retire: Some(oldest.worker),
            }
        };
        self.busy += 1;
        Some(choice)
    }

    /// A busy worker has finished its job and stays.
    pub(super) fn release(&mut self, worker: W, binding: B, now: Instant) {
        self.busy = self.busy.saturating_sub(1);
        self.idle.push(Idle {
            worker,
            binding: Some(binding),
            since: now,
        });
    }

    /// A busy worker has ended.
    pub(super) fn lose(&mut self) {
        self.busy = self.busy.saturating_sub(1);
    }

    /// How many spares are to be started now; they count as starting.
    pub(super) fn begin_spares(&mut self) -> usize {
        let ready = self
            .idle
            .iter()
            .filter(|idle| idle.binding.is_none())
            .count();
        let wanted = SPARES_MAX.saturating_sub(ready + self.starting);
        let begun = wanted.min(self.capacity.saturating_sub(self.total()));
        self.starting += begun;
        begun
    }

    /// A spare has started, or has failed to.
    pub(super) fn end_spare(&mut self, worker: Option<W>, now: Instant) {
        self.starting = self.starting.saturating_sub(1);
        if let Some(worker) = worker {
            self.idle.push(Idle {
                worker,
                binding: None,
                since: now,
            });
        }
    }

    /// Takes out the bound workers that have been idle for too long, and every idle worker that is
    /// no longer alive.
    pub(super) fn take_stale(
        &mut self,
        now: Instant,
        mut alive: impl FnMut(&mut W) -> bool,
    ) -> Vec<W> {
        self.idle
            .extract_if(.., |idle| {
                let idle_for = now.saturating_duration_since(idle.since);
                (idle.binding.is_some() && idle_for >= IDLE_BOUND_MAX) || !alive(&mut idle.worker)
            })
            .map(|idle| idle.worker)
            .collect()
    }

    /// Takes out all idle workers.
    pub(super) fn take_idle(&mut self) -> Vec<W> {
        self.idle.drain(..).map(|idle| idle.worker).collect()
    }

    fn total(&self) -> usize {
        self.idle.len() + self.busy + self.starting
    }

    fn position(&self, fits: impl Fn(Option<&B>) -> bool) -> Option<usize> {
        self.idle
            .iter()
            .position(|idle| fits(idle.binding.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Names = Roster<&'static str, &'static str>;

    /// A roster with these idle workers, each named with its binding; an empty binding is a spare.
    fn roster(capacity: usize, idle: &[(&'static str, &'static str)]) -> Names {
        let mut roster = Roster::new(capacity);
        for (worker, binding) in idle {
            if binding.is_empty() {
                roster.starting += 1;
                roster.end_spare(Some(*worker), Instant::now());
            } else {
                roster.busy += 1;
                roster.release(*worker, *binding, Instant::now());
            }
        }
        roster
    }

    #[test]
    fn a_warm_worker_comes_before_a_spare() {
        let mut roster = roster(3, &[("w1", ""), ("w2", "m")]);
        assert_eq!(roster.choose(&"m", Spares::Fit), Some(Choice::Use("w2")));
        assert_eq!(roster.choose(&"m", Spares::Fit), Some(Choice::Use("w1")));
        assert_eq!(
            roster.choose(&"m", Spares::Fit),
            Some(Choice::Start { retire: None })
        );
        assert_eq!(roster.choose(&"m", Spares::Fit), None);
    }

    #[test]
    fn a_full_roster_gives_up_its_least_recently_used_worker() {
        let mut roster = roster(2, &[("w1", "a"), ("w2", "b")]);
        assert_eq!(roster.choose(&"a", Spares::Fit), Some(Choice::Use("w1")));
        roster.release("w1", "a", Instant::now());
        assert_eq!(
            roster.choose(&"c", Spares::Fit),
            Some(Choice::Start { retire: Some("w2") })
        );
    }

    #[test]
    fn a_worker_that_is_bound_elsewhere_is_never_used() {
        let mut roster = roster(1, &[("w1", "a")]);
        assert_eq!(
            roster.choose(&"b", Spares::Fit),
            Some(Choice::Start { retire: Some("w1") })
        );
        roster.lose();
        assert_eq!(
            roster.choose(&"b", Spares::Fit),
            Some(Choice::Start { retire: None })
        );
    }

    #[test]
    fn spares_fill_free_places_and_no_more() {
        assert_eq!(roster(1, &[]).begin_spares(), 1);
        assert_eq!(roster(8, &[]).begin_spares(), SPARES_MAX);
        assert_eq!(roster(8, &[("w1", "")]).begin_spares(), SPARES_MAX - 1);
        assert_eq!(roster(2, &[("w1", "a"), ("w2", "b")]).begin_spares(), 0);
        let mut starting = roster(8, &[]);
        starting.begin_spares();
        assert_eq!(starting.begin_spares(), 0);
    }

    #[test]
    fn a_spare_with_another_engine_gives_up_its_place() {
        let mut roster = roster(1, &[("w1", "")]);
        let retire = Some("w1");
        let chosen = roster.choose(&"a", Spares::HaveAnotherEngine);
        assert_eq!(chosen, Some(Choice::Start { retire }));
    }

    #[test]
    fn a_starting_spare_holds_its_place() {
        let mut roster = roster(1, &[]);
        roster.begin_spares();
        assert_eq!(roster.choose(&"a", Spares::Fit), None);
        roster.end_spare(None, Instant::now());
        assert_eq!(
            roster.choose(&"a", Spares::Fit),
            Some(Choice::Start { retire: None })
        );
    }

    #[test]
    fn idle_bound_workers_end_and_spares_stay() {
        let mut roster = roster(3, &[("w1", "a"), ("w2", "")]);
        let start = Instant::now();
        assert!(roster.take_stale(start, |_| true).is_empty());
        assert_eq!(roster.take_stale(start + IDLE_BOUND_MAX, |_| true), ["w1"]);
        assert_eq!(roster.idle(), 1);
        assert_eq!(roster.take_stale(start, |_| false), ["w2"]);
    }
}
