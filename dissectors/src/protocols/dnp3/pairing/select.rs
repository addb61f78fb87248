//! Select before operate (IEEE 1815-2012, 4.4.4, 4.4.5): an operate follows its select at once, with the next sequence number, the
//! same objects, and before the outstation's time-out.

use crate::address::Moment;
use crate::protocols::dnp3::message::application::Fragment;
use crate::protocols::dnp3::tables::anomaly;
use crate::transaction::Anomalies;

/// How long an outstation keeps a select, ns. Each device has a setting of its own; 10 s is what stacks ship with, and a longer
/// one invites the accidents that select is there to prevent.
pub const SELECT_TIMEOUT: u64 = 10_000_000_000;

/// What was selected.
#[derive(Debug, Clone, Default)]
pub struct Select {
    objects: Vec<u8>,
    sequence: u8,
    at: Option<Moment>,
}

impl Select {
    /// A select stands.
    pub fn set(&mut self, fragment: &Fragment<'_>, at: Moment) {
        self.objects.clear();
        self.objects.extend_from_slice(fragment.objects);
        self.sequence = fragment.control.sequence();
        self.at = Some(at);
    }

    /// It was refused, used, or another request came between.
    pub fn clear(&mut self) {
        self.at = None;
    }

    /// A select stands and has not timed out.
    pub fn stands(&self, now: u64) -> bool {
        self.at.is_some_and(|at| now.saturating_sub(at.time) <= SELECT_TIMEOUT)
    }

    /// An operate uses it up: what is wrong with it, and the select. `certain` when no select can have been missed.
    pub fn operate(&mut self, fragment: &Fragment<'_>, at: Moment, certain: bool) -> (Anomalies, Option<Moment>) {
        let mut anomalies = Anomalies::default();
        let Some(selected) = self.at.take() else {
            anomalies.set(anomaly::OPERATE_WITHOUT_SELECT, certain);
            return (anomalies, None);
        };
        let next = self.sequence.wrapping_add(1) & 0x0F;
        let same = next == fragment.control.sequence() && self.objects == fragment.objects;
        anomalies.set(anomaly::SELECT_MISMATCH, !same);
        anomalies.set(anomaly::SELECT_EXPIRED, at.time.saturating_sub(selected.time) > SELECT_TIMEOUT);
        (anomalies, Some(selected))
    }
}
