//! Keeps a flood of refusals from filling the disk: equal ones are written one by one up to a
//! number per minute, and counted from there on.

use std::collections::HashMap;
use std::time::Duration;

use vitrine_access::audit::AuditEvent;
use vitrine_access::time::Timestamp;

/// How long equal refusals are counted together.
pub(crate) const WINDOW: Duration = Duration::from_mins(1);
/// Equal refusals of one window that get a line of their own: enough to find each request of a
/// page that somebody is mending, by its id.
const OWN_LINES_MAX: u32 = 20;
/// Lines of one window altogether. With the counting ones this bounds the trail to 1,230 lines a
/// minute and node, some hundred kilobytes, whatever is refused from wherever.
const LINES_MAX: u32 = 600;
/// Different refusals that are told apart in one window; further ones are counted by reason alone.
const KEYS_MAX: usize = 600;
/// Stands for everybody in lines that count refusals of many.
const MANY: &str = "many";

/// What makes refusals equal.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    reason: String,
    credential: String,
    address: Option<String>,
}

struct Counted {
    own_lines: u32,
    /// How many had no line of their own.
    uncounted: u64,
    last: AuditEvent,
}

/// The refusals of the present window.
#[derive(Default)]
pub(crate) struct Coalescer {
    begun: Option<Timestamp>,
    lines: u32,
    counted: HashMap<Key, Counted>,
}

impl Coalescer {
    /// Gives the refusal back when it gets a line of its own. `same` is what it has in common with
    /// others of one credential: the credential itself where it is one of ours, only its kind where
    /// anybody can make up another.
    pub(crate) fn add(&mut self, event: AuditEvent, same: &str) -> Option<AuditEvent> {
        self.begun.get_or_insert(event.at);
        let key = Key {
            reason: event.reason.clone(),
            credential: same.to_owned(),
            address: event.address.clone(),
        };
        let known = self.counted.contains_key(&key);
        let told_apart = known || (self.counted.len() < KEYS_MAX && self.lines < LINES_MAX);
        if !told_apart {
            self.count(
                Key {
                    credential: MANY.to_owned(),
                    address: None,
                    ..key
                },
                AuditEvent {
                    actor: MANY.to_owned(),
                    credential: MANY.to_owned(),
                    address: None,
                    origin: None,
                    model: None,
                    ..event
                },
            );
            return None;
        }
        let own_lines = self
            .counted
            .get(&key)
            .map_or(0, |counted| counted.own_lines);
        if own_lines >= OWN_LINES_MAX || self.lines >= LINES_MAX {
            self.count(key, event);
            return None;
        }
        self.lines += 1;
        let counted = self.counted.entry(key).or_insert_with(|| Counted {
            own_lines: 0,
            uncounted: 0,
            last: event.clone(),
        });
        counted.own_lines += 1;
        Some(event)
    }

    fn count(&mut self, key: Key, event: AuditEvent) {
        let counted = self.counted.entry(key).or_insert_with(|| Counted {
            own_lines: 0,
            uncounted: 0,
            last: event.clone(),
        });
        counted.uncounted += 1;
        counted.last = event;
    }

    /// Ends the window when its time is over; gives the lines that count.
    pub(crate) fn close(&mut self, now: Timestamp) -> Vec<AuditEvent> {
        if self.begun.is_some_and(|begun| now.since(begun) >= WINDOW) {
            return self.close_now();
        }
        Vec::new()
    }

    /// Ends the window.
    pub(crate) fn close_now(&mut self) -> Vec<AuditEvent> {
        self.begun = None;
        self.lines = 0;
        self.counted
            .drain()
            .filter(|(_, counted)| counted.uncounted > 0)
            .map(|(_, counted)| AuditEvent {
                count: counted.uncounted,
                ..counted.last
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_access::audit::Decision;
    use vitrine_access::ids::{AuditId, RequestId};

    fn refusal(address: u32, at_ms: i64) -> AuditEvent {
        AuditEvent {
            id: AuditId::from_bytes([1; 16]),
            at: Timestamp::from_unix_ms(at_ms),
            request: RequestId::from_bytes([2; 16]),
            actor: "anonymous".to_owned(),
            credential: "ticket of nobody".to_owned(),
            address: Some(format!("192.0.2.{address}")),
            origin: None,
            operation: "CreateSessionByTicket".to_owned(),
            model: None,
            decision: Decision::Refused,
            reason: "ticket-invalid".to_owned(),
            message: String::new(),
            count: 1,
        }
    }

    #[test]
    fn twenty_equal_refusals_have_lines_of_their_own_and_the_twenty_first_is_counted() {
        let mut coalescer = Coalescer::default();
        for _ in 0..OWN_LINES_MAX {
            assert!(coalescer.add(refusal(1, 0), "ticket").is_some());
        }
        assert!(coalescer.add(refusal(1, 1), "ticket").is_none());
        assert!(coalescer.add(refusal(1, 2), "ticket").is_none());
        assert!(
            coalescer.add(refusal(2, 2), "ticket").is_some(),
            "another address"
        );
        assert!(
            coalescer.add(refusal(1, 2), "token").is_some(),
            "another credential"
        );
        let window = Timestamp::from_unix_ms(0).plus(WINDOW);
        assert!(coalescer.close(Timestamp::from_unix_ms(59_999)).is_empty());
        let lines = coalescer.close(window);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].count, lines[0].at.unix_ms()), (2, 2));
        assert!(
            coalescer.add(refusal(1, 60_000), "ticket").is_some(),
            "a new window"
        );
    }

    #[test]
    fn a_flood_from_everywhere_has_a_bounded_number_of_lines_and_every_refusal_is_counted() {
        let mut coalescer = Coalescer::default();
        let flood = 5_000;
        let mut written = 0;
        for address in 0..flood {
            written += u64::from(coalescer.add(refusal(address, 0), "ticket").is_some());
        }
        assert_eq!(written, u64::from(LINES_MAX));
        let lines = coalescer.close_now();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].actor, MANY);
        let counted: u64 = lines.iter().map(|line| line.count).sum();
        assert_eq!(written + counted, u64::from(flood));
    }
}
