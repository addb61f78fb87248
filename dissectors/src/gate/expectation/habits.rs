//! What clauses keep of their operations' habits.

use super::{Clauses, Slot};
use crate::gate::clause::{Conditions, Occurrence};
use crate::gate::habit::{self, Habit, HabitView, MAX_VALUED_IN_ALL};

impl Clauses {
    /// Points with values in all habits.
    #[cfg(test)]
    pub fn valued(&self) -> usize {
        self.valued
    }

    /// What was learned, by operation.
    pub fn habits(&self) -> Vec<HabitView> {
        let learns = |slot: &Slot| self.shared.get(slot.conditions).is_some_and(|conditions| conditions.clause.learn);
        let learned = self.slots.iter().filter(|slot| !slot.retired && learns(slot));
        let mut views: Vec<_> = learned.filter_map(|slot| Some(slot.habit.as_ref()?.view(slot.operation))).collect();
        views.sort_unstable_by_key(|view| view.operation);
        views
    }
}

/// Takes an occurrence; `valued` counts the points with values of all habits.
#[cold]
#[inline(never)]
pub(super) fn keep(
    kept: &mut Habit,
    conditions: &Conditions,
    occurrence: &Occurrence<'_>,
    last: Option<u64>,
    valued: &mut usize,
) {
    let interval = habit::interval(occurrence, last);
    if let Some(regular) = &conditions.clause.regular {
        kept.watch(regular, interval);
    }
    if conditions.clause.learn {
        let room = MAX_VALUED_IN_ALL.saturating_sub(*valued);
        *valued = valued.saturating_add(kept.learn(occurrence, interval, conditions.limits, room));
    }
}
