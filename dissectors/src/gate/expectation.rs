//! What Python answered for an operation: lanes of clauses, and the clauses' tallies.

mod habits;
mod loud;
mod short;

use std::fmt;
use std::hint::black_box;
use std::mem;
use std::num::NonZeroU32;

use loud::Loud;
use short::Short;

use super::clause::{Clause, Conditions, NewClause, Occurrence, Past};
use super::habit::Habit;
use super::recent::Recent;
use super::shared::Shared;
use super::tally::{Tally, TallyView};
use super::window::{self, Brought};

/// Lanes of one operation at most: the bits of a lane mask.
pub const MAX_LANES: usize = 128;
/// Clauses of one operation at most, over all lanes.
pub const MAX_CLAUSES: usize = 4096;

/// An operation's expectation. The usual one, a single clause in a single lane, needs no list.
#[derive(Debug, Default)]
pub(super) enum Expectation {
    /// Python has not been asked, or has not answered.
    #[default]
    Unasked,
    /// One lane of one clause (its slot).
    One { quiet: u8, rest: Option<NonZeroU32>, slot: u32 },
    /// Any other.
    Many { quiet: u8, rest: Option<NonZeroU32>, lanes: Box<Lanes> },
}

const _: () = assert!(size_of::<Expectation>() == 16, "an operation is two cache lines");

#[derive(Debug)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    /// Which of them concern what was met so far.
    loud: Vec<Loud>,
}

#[derive(Debug)]
struct Lane {
    number: u32,
    /// Slots, in order.
    clauses: Vec<u32>,
}

/// A clause in its slot: two cache lines, of which one that is not tallied needs the first alone.
#[derive(Debug)]
#[repr(C, align(64))]
struct Slot {
    windows: Option<Box<[(u32, Brought)]>>,
    conditions: u32,
    id: u32,
    tally: Tally,
    habit: Option<Box<Habit>>,
    operation: u32,
    lane: u32,
    /// Stands in the list of changed ones.
    changed: bool,
    /// Was replaced; its slot is free after the next report.
    retired: bool,
}

const _: () = assert!(size_of::<Slot>() == 128, "a clause is two cache lines");

impl Slot {
    /// Counts an occurrence whose points are `held` or not; true when the slot belongs into the list of changed ones from now on.
    #[inline]
    fn note(&mut self, conditions: &Conditions, occurrence: &Occurrence<'_>, held: bool) -> bool {
        if !conditions.tally {
            self.tally.touch(occurrence);
            return false;
        }
        self.tally.note(occurrence, conditions.limits, held);
        !mem::replace(&mut self.changed, true)
    }
}

/// Why an answer can't be taken. Nothing is changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectError {
    /// There is no operation of this number.
    NoSuchOperation(u32),
    /// The operation's lane has no clause of this id (or it is named twice).
    NoSuchClause(u32),
    /// There is no window of this number.
    NoSuchWindow(u32),
    /// More than [`MAX_LANES`] lanes.
    TooManyLanes(usize),
    /// More than [`MAX_CLAUSES`] clauses.
    TooManyClauses(usize),
    /// A lane number stands twice.
    LaneTwice(u32),
    /// Four billion clauses were made in this run.
    NoMoreIds,
}

impl fmt::Display for ExpectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectError::NoSuchOperation(number) => write!(f, "there is no operation {number}"),
            ExpectError::NoSuchClause(id) => write!(f, "this lane has no clause {id}, or it was named twice"),
            ExpectError::NoSuchWindow(number) => write!(f, "there is no window {number}"),
            ExpectError::TooManyLanes(count) => write!(f, "{count} lanes: at most {MAX_LANES} are possible"),
            ExpectError::TooManyClauses(count) => write!(f, "{count} clauses: at most {MAX_CLAUSES} are possible"),
            ExpectError::LaneTwice(number) => write!(f, "lane {number} stands twice in the answer"),
            ExpectError::NoMoreIds => write!(f, "no more clause ids"),
        }
    }
}

impl std::error::Error for ExpectError {}

/// How an occurrence stands to an operation's lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Lanes, by position, that did not expect it or want it delivered.
    pub lanes: u128,
    /// A clause that it fits feeds a window.
    pub windows: bool,
}

/// All clauses of a run.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    slots: Vec<Slot>,
    free: Vec<u32>,
    changed: Vec<u32>,
    ids: u32,
    shared: Shared,
    /// Points with values in all habits.
    valued: usize,
}

fn at(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

fn bit(position: usize) -> u128 {
    1_u128.checked_shl(u32::try_from(position).unwrap_or(u32::MAX)).unwrap_or(0)
}

impl Clauses {
    /// Reads the clause that the short way looks at.
    #[inline]
    pub fn warm(&self, expectation: &Expectation) {
        let rest = expectation.short().rest.and_then(|rest| self.slots.get(at(rest.get().wrapping_sub(1))));
        if let Some(slot) = rest {
            black_box((slot.conditions, slot.tally.last.time));
        }
    }

    /// Looks which clauses an occurrence fits; their slots are put into `fitted`, but for those that nothing comes of. `None`
    /// without an expectation.
    #[inline]
    pub fn judge(
        &self,
        expectation: &mut Expectation,
        occurrence: &Occurrence<'_>,
        last: Option<u64>,
        fitted: &mut Vec<u32>,
    ) -> Option<Judgement> {
        fitted.clear();
        match expectation {
            Expectation::Unasked => None,
            Expectation::One { slot, .. } => Some(self.judge_lane(&[*slot], 1, occurrence, last, fitted)),
            Expectation::Many { lanes: many, .. } => Some(self.judge_lanes(many, occurrence, last, fitted)),
        }
    }

    fn judge_lanes(
        &self,
        many: &mut Lanes,
        occurrence: &Occurrence<'_>,
        last: Option<u64>,
        fitted: &mut Vec<u32>,
    ) -> Judgement {
        let mut all = Judgement { lanes: 0, windows: false };
        let mut look = |place: usize, lane: &Lane| {
            let one = self.judge_lane(&lane.clauses, bit(place), occurrence, last, fitted);
            all = Judgement { lanes: all.lanes | one.lanes, windows: all.windows | one.windows };
        };
        let (lanes, loud) = many.loud(self, occurrence.transaction);
        match loud {
            Some(places) => {
                for place in places.iter().map(|place| usize::from(*place)) {
                    lanes.get(place).into_iter().for_each(|lane| look(place, lane));
                }
            }
            None => lanes.iter().enumerate().for_each(|(place, lane)| look(place, lane)),
        }
        all
    }

    #[inline]
    fn judge_lane(
        &self,
        lane: &[u32],
        bit: u128,
        occurrence: &Occurrence<'_>,
        last: Option<u64>,
        fitted: &mut Vec<u32>,
    ) -> Judgement {
        for number in lane {
            let Some(slot) = self.slots.get(at(*number)) else { continue };
            let Some(conditions) = self.shared.get(slot.conditions) else { continue };
            let outside = slot.habit.as_ref().map_or(0, |habit| habit.outside);
            let past = Past { clause: slot.tally.last_time(), operation: last, outside };
            if conditions.fit(occurrence, past) {
                fitted.push(*number);
                let lanes = if conditions.deliver { bit } else { 0 };
                return Judgement { lanes, windows: slot.windows.is_some() };
            }
        }
        Judgement { lanes: bit, windows: false }
    }

    /// Counts an occurrence in a clause that it fits; gives the windows that it is counted in. `last` is when the operation's last
    /// one was.
    #[inline]
    pub fn tally(&mut self, number: u32, occurrence: &Occurrence<'_>, last: Option<u64>) -> Option<&[(u32, Brought)]> {
        let slot = self.slots.get_mut(at(number))?;
        let conditions = self.shared.get(slot.conditions)?;
        if let Some(habit) = &mut slot.habit {
            habits::keep(habit, conditions, occurrence, last, &mut self.valued);
        }
        if slot.note(conditions, occurrence, false) {
            self.changed.push(number);
        }
        slot.windows.as_deref()
    }

    /// The short way of the usual case: a clause, without windows, that expects this occurrence. False when it is not that.
    /// `recent` where the operation's tally holds its points already.
    #[inline]
    pub fn tally_one(
        &mut self,
        number: u32,
        occurrence: &Occurrence<'_>,
        last: Option<u64>,
        recent: Option<&mut Recent>,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(at(number)) else { return false };
        let Some(conditions) = self.shared.get(slot.conditions) else { return false };
        let past = Past { clause: slot.tally.last_time(), operation: last, outside: 0 };
        if slot.windows.is_some() || conditions.aside || !conditions.fit(occurrence, past) {
            return false;
        }
        let held = recent.as_ref().is_some_and(|recent| recent.clause == slot.id);
        if slot.note(conditions, occurrence, held) {
            self.changed.push(number);
        }
        if let Some(recent) = recent
            && !held
            && conditions.tally
        {
            recent.remember_clause(slot.id, slot.tally.range());
        }
        true
    }

    /// Replaces an expectation; gives the clause ids by lane. `is_window` says which windows exist.
    pub fn replace(
        &mut self,
        operation: u32,
        expectation: &mut Expectation,
        lanes: Vec<(u32, Vec<NewClause>)>,
        is_window: impl Fn(u32) -> bool,
    ) -> Result<Vec<Vec<u32>>, ExpectError> {
        let held = self.held(expectation);
        self.check(&held, &lanes, is_window)?;
        let mut kept = Vec::new();
        let mut replaced = Vec::with_capacity(lanes.len());
        let mut ids = Vec::with_capacity(lanes.len());
        for (number, clauses) in lanes {
            let clauses = clauses.into_iter().map(|clause| match clause {
                NewClause::Existing(id) => self.existing(&held, id, &mut kept),
                NewClause::New(clause) => self.add(operation, number, *clause),
            });
            let clauses: Vec<u32> = clauses.collect();
            ids.push(clauses.iter().filter_map(|slot| self.slots.get(at(*slot)).map(|slot| slot.id)).collect());
            replaced.push(Lane { number, clauses });
        }
        for (_, _, slot) in held.iter().filter(|(_, _, slot)| !kept.contains(slot)) {
            self.retire(*slot);
        }
        let Short { quiet, rest } = self.short(&replaced);
        *expectation = match replaced.as_slice() {
            [Lane { clauses, .. }] if clauses.len() == 1 => {
                Expectation::One { quiet, rest, slot: clauses.first().copied().unwrap_or(0) }
            }
            _ => Expectation::Many { quiet, rest, lanes: Box::new(Lanes::new(replaced)) },
        };
        Ok(ids)
    }

    /// Retires all clauses of an expectation: it will be asked again.
    pub fn forget(&mut self, expectation: &mut Expectation) {
        for (_, _, slot) in self.held(expectation) {
            self.retire(slot);
        }
        *expectation = Expectation::Unasked;
    }

    /// Lane number, clause id and slot of all clauses of an expectation.
    fn held(&self, expectation: &Expectation) -> Vec<(u32, u32, u32)> {
        let of = |lane: u32, slot: u32| self.slots.get(at(slot)).map(|known| (lane, known.id, slot));
        match expectation {
            Expectation::Unasked => Vec::new(),
            Expectation::One { slot, .. } => {
                self.slots.get(at(*slot)).map(|known| (known.lane, known.id, *slot)).into_iter().collect()
            }
            Expectation::Many { lanes: many, .. } => {
                let slots = many.lanes.iter().flat_map(|lane| lane.clauses.iter().map(|slot| (lane.number, *slot)));
                slots.filter_map(|(lane, slot)| of(lane, slot)).collect()
            }
        }
    }

    fn check(
        &self,
        held: &[(u32, u32, u32)],
        lanes: &[(u32, Vec<NewClause>)],
        is_window: impl Fn(u32) -> bool,
    ) -> Result<(), ExpectError> {
        let count = lanes.iter().fold(0_usize, |sum, (_, clauses)| sum.saturating_add(clauses.len()));
        if lanes.len() > MAX_LANES {
            return Err(ExpectError::TooManyLanes(lanes.len()));
        }
        if count > MAX_CLAUSES {
            return Err(ExpectError::TooManyClauses(count));
        }
        if self.ids.checked_add(u32::try_from(count).unwrap_or(u32::MAX)).is_none() {
            return Err(ExpectError::NoMoreIds);
        }
        let mut named = Vec::new();
        for (position, (number, clauses)) in lanes.iter().enumerate() {
            if lanes.iter().take(position).any(|(other, _)| other == number) {
                return Err(ExpectError::LaneTwice(*number));
            }
            for clause in clauses {
                check_clause(*number, clause, held, &mut named, &is_window)?;
            }
        }
        Ok(())
    }

    fn existing(&self, held: &[(u32, u32, u32)], id: u32, kept: &mut Vec<u32>) -> u32 {
        let slot = held.iter().find(|(_, known, _)| *known == id).map_or(u32::MAX, |(_, _, slot)| *slot);
        kept.push(slot);
        slot
    }

    fn add(&mut self, operation: u32, lane: u32, mut clause: Clause) -> u32 {
        let windows = mem::take(&mut clause.windows);
        let brought = |value: Option<String>| match value {
            Some(text) => Brought::Value(window::text_value(&text)),
            None => Brought::Points,
        };
        let windows: Box<[_]> = windows.into_iter().map(|(number, value)| (number, brought(value))).collect();
        self.ids = self.ids.saturating_add(1);
        let slot = Slot {
            tally: Tally::default(),
            habit: clause.has_habit().then(Box::default),
            windows: (!windows.is_empty()).then_some(windows),
            id: self.ids,
            operation,
            conditions: self.shared.share(clause),
            lane,
            changed: false,
            retired: false,
        };
        let number = self.free.pop().unwrap_or_else(|| u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        match self.slots.get_mut(at(number)) {
            Some(free) => *free = slot,
            None => self.slots.push(slot),
        }
        number
    }

    fn retire(&mut self, number: u32) {
        let Some(slot) = self.slots.get_mut(at(number)) else { return };
        slot.retired = true;
        if !slot.changed {
            slot.changed = true;
            self.changed.push(number);
        }
    }

    /// Tallies that changed since the last call and those of replaced clauses, by clause id.
    pub fn changed(&mut self) -> Vec<TallyView> {
        let changed = mem::take(&mut self.changed);
        let mut views = Vec::with_capacity(changed.len());
        for number in changed {
            let Some(slot) = self.slots.get_mut(at(number)) else { continue };
            slot.changed = false;
            let conditions = slot.conditions;
            if self.shared.get(conditions).is_some_and(|conditions| conditions.tally) {
                views.push(slot.tally.view(slot.id, slot.operation, slot.retired));
            }
            if slot.retired {
                slot.tally = Tally::default();
                slot.windows = None;
                let valued = slot.habit.take().map_or(0, |habit| habit.valued());
                self.valued = self.valued.saturating_sub(valued);
                self.free.push(number);
                self.shared.release(conditions);
            }
        }
        views.sort_unstable_by_key(|view| view.clause);
        views
    }

    /// Clauses that are in use.
    pub fn len(&self) -> usize {
        self.slots.len().saturating_sub(self.free.len())
    }
}

fn check_clause(
    lane: u32,
    clause: &NewClause,
    held: &[(u32, u32, u32)],
    named: &mut Vec<u32>,
    is_window: impl Fn(u32) -> bool,
) -> Result<(), ExpectError> {
    match clause {
        NewClause::Existing(id) => {
            let known = held.iter().any(|(number, known, _)| number == &lane && known == id);
            if !known || named.contains(id) {
                return Err(ExpectError::NoSuchClause(*id));
            }
            named.push(*id);
        }
        NewClause::New(clause) => {
            if let Some((window, _)) = clause.windows.iter().find(|(window, _)| !is_window(*window)) {
                return Err(ExpectError::NoSuchWindow(*window));
            }
        }
    }
    Ok(())
}
