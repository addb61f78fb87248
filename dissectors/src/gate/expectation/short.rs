//! What of an expectation is known ahead, so that the usual occurrence needs no walk over its lanes.

use std::num::NonZeroU32;

use super::{Clauses, Expectation, Lane, at};
use crate::transaction::{Anomalies, Outcome};

/// What of an expectation is known without a look at its lanes, for occurrences without anomalies: most lanes of most operations
/// only wait for an outcome that doesn't come.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::gate) struct Short {
    /// Outcomes ([`Outcome::index`]) that are expected by all lanes, or all but the one of `rest`, and counted by none of them.
    pub(super) quiet: u8,
    /// The only clause of the only lane that has to be looked at all the same: its slot plus one.
    pub(super) rest: Option<NonZeroU32>,
}

impl Short {
    /// Whether it says all of this outcome; then the slot of the clause that has to be looked at, if there is one.
    #[inline]
    pub fn of(self, outcome: Outcome) -> Option<Option<u32>> {
        (self.quiet >> outcome.index() & 1 == 1).then_some(self.rest.map(|rest| rest.get().wrapping_sub(1)))
    }
}

impl Expectation {
    /// What is known of it without a look at its lanes.
    #[inline]
    pub fn short(&self) -> Short {
        match *self {
            Expectation::Unasked => Short::default(),
            Expectation::One { quiet, rest, .. } | Expectation::Many { quiet, rest, .. } => Short { quiet, rest },
        }
    }
}

impl Clauses {
    /// What can be said of lanes ahead of their occurrences.
    pub(super) fn short(&self, lanes: &[Lane]) -> Short {
        let quiet: Vec<u8> = lanes.iter().map(|lane| self.quiet_outcomes(lane)).collect();
        let mut loud = lanes.iter().zip(&quiet).enumerate().filter(|(_, (_, quiet))| **quiet & 1 == 0);
        let rest = match (loud.next(), loud.next()) {
            (None, _) => None,
            (Some((place, (lane, _))), None) => match lane.clauses.as_slice() {
                [slot] => Some((place, slot.saturating_add(1))),
                _ => return Short::default(),
            },
            _ => return Short::default(),
        };
        let others = quiet.iter().enumerate().filter(|(place, _)| rest.is_none_or(|(rest, _)| rest != *place));
        let outcomes = others.fold(u8::MAX, |outcomes, (_, quiet)| outcomes & quiet);
        Short { quiet: outcomes, rest: rest.and_then(|(_, slot)| NonZeroU32::new(slot)) }
    }

    /// The outcomes that this lane expects and counts nowhere, whatever else an occurrence without anomalies is like.
    fn quiet_outcomes(&self, lane: &Lane) -> u8 {
        let outcomes = 0..Outcome::NAMES.len();
        outcomes
            .filter(|outcome| self.is_quiet(lane, *outcome, Anomalies(0)))
            .fold(0, |quiet, outcome| quiet | 1 << outcome)
    }

    /// Whether this lane expects every occurrence of this outcome and these anomalies, and counts it nowhere.
    pub(super) fn is_quiet(&self, lane: &Lane, outcome: usize, flaws: Anomalies) -> bool {
        for slot in &lane.clauses {
            let known = self.slots.get(at(*slot)).and_then(|slot| self.shared.get(slot.conditions));
            let Some(conditions) = known else { return false };
            match conditions.accepts(outcome, flaws) {
                Some(false) => {}
                Some(true) => return conditions.is_silent() && self.is_windowless(*slot),
                None => return false,
            }
        }
        false
    }

    fn is_windowless(&self, slot: u32) -> bool {
        self.slots.get(at(slot)).is_some_and(|slot| slot.windows.is_none())
    }
}
