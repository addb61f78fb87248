//! What an operation is used to, for baselines (DESIGN.md, 2.1): the times between its occurrences and the values that it brings, as
//! they are learned; and whether it keeps to the times that were learned.

use super::clause::Occurrence;
use super::ranges::TallyPoint;
use super::reading::{self, Reading};
use crate::transaction::{Access, Point, Values};

/// Intervals that are kept: the last ones.
pub const KEPT_INTERVALS: usize = 100;
/// Points of one operation whose values are kept; those of further ones are only counted.
pub const MAX_VALUED: usize = 256;
/// The same for all operations together.
pub const MAX_VALUED_IN_ALL: usize = 1 << 18;
/// Bytes of a name that are kept, as in tallies.
const MAX_NAME_BYTES: usize = 256;

/// An interval that was learned: it changed when `row` in a row lie outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Regular {
    /// Least time between two occurrences, ns.
    pub least: u64,
    /// Greatest time.
    pub greatest: u64,
    /// So many outside in a row do not fit, nor does what follows them until one lies inside.
    pub row: u32,
}

impl Regular {
    /// Whether an occurrence fits: what can't be measured does.
    pub(super) fn fits(&self, interval: Option<u64>, outside: u32) -> bool {
        interval.is_none_or(|interval| self.holds(interval) || outside.saturating_add(1) < self.row)
    }

    fn holds(&self, interval: u64) -> bool {
        (self.least..=self.greatest).contains(&interval)
    }
}

/// When bytes of a flow were lost last, in 32 bits: steps of 67 ms, 0 for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Loss(u32);

impl Loss {
    const STEP: u32 = 26;

    /// At this time, ns.
    #[inline]
    pub fn at(time: u64) -> Loss {
        Loss(Loss::step(time).max(1))
    }

    #[inline]
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation)] // the low half: nine years
    fn step(time: u64) -> u32 {
        (time >> Loss::STEP) as u32
    }

    /// It may have been after that time (in its step, or within the four and a half years behind it).
    pub(super) fn is_after(self, time: u64) -> bool {
        self.0 != 0 && self.0.wrapping_sub(Loss::step(time)) < 1 << 31
    }
}

/// The time since the operation's last occurrence (`last`); `None` where there was none, or where something between them was not seen.
pub(super) fn interval(occurrence: &Occurrence<'_>, last: Option<u64>) -> Option<u64> {
    let last = last.filter(|last| !occurrence.loss.is_after(*last))?;
    occurrence.transaction.request.map(|request| request.time.saturating_sub(last))
}

/// The values of a point, while its addresses are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Valued {
    /// Index into the protocol's `point_kinds`.
    pub kind: u8,
    /// What was done with it.
    pub access: Access,
    /// Block, 0 where the kind has none.
    pub block: u32,
    /// First address of a value.
    pub first: u64,
    /// Its last.
    pub last: u64,
    /// Name where it has one instead of an address.
    pub name: Option<Box<[u8]>>,
    /// Least and greatest number.
    pub limits: Option<(f64, f64)>,
    /// Something was seen that is no number: limits say nothing.
    pub other: bool,
}

impl Valued {
    /// Its addresses, as a tally gives them out.
    pub fn point(&self) -> TallyPoint {
        let Valued { kind, access, block, first, last, .. } = *self;
        TallyPoint { kind, access, block, first, last, name: self.name.clone() }
    }

    fn order(&self) -> (u8, u8, u32, u64, u64, Option<&[u8]>) {
        (self.kind, rank(self.access), self.block, self.first, self.last, self.name.as_deref())
    }

    fn add(&mut self, reading: Reading) {
        match reading {
            Reading::Number(n) if !n.is_nan() => {
                self.limits = Some(self.limits.map_or((n, n), |(low, high)| (low.min(n), high.max(n))));
            }
            Reading::Unseen => {}
            Reading::Number(_) | Reading::Other => self.other = true,
        }
    }
}

#[allow(clippy::as_conversions)] // an enum's own number
fn rank(access: Access) -> u8 {
    access as u8
}

/// What was learned of an operation, for giving out.
#[derive(Debug, Clone, PartialEq)]
pub struct HabitView {
    /// The operation's number.
    pub operation: u32,
    /// The last [`KEPT_INTERVALS`], the oldest first, ns.
    pub intervals: Vec<u64>,
    /// In order of kind, access, block and address.
    pub values: Vec<Valued>,
    /// Values that had no room.
    pub omitted: u64,
}

/// What is kept beside a clause's tally.
#[derive(Debug, Default)]
pub(super) struct Habit {
    intervals: Vec<u64>,
    /// The oldest of them, once there are enough.
    oldest: usize,
    values: Vec<Valued>,
    omitted: u64,
    /// Intervals outside what was learned, in a row.
    pub outside: u32,
}

impl Habit {
    /// Learns from an occurrence: its interval, and its values where `limits`. Gives how many points with values are new; `room` is how
    /// many may be.
    pub fn learn(&mut self, occurrence: &Occurrence<'_>, interval: Option<u64>, limits: bool, room: usize) -> usize {
        if let Some(interval) = interval {
            self.learn_interval(interval);
        }
        if !limits {
            return 0;
        }
        let before = self.values.len();
        let most = MAX_VALUED.min(before.saturating_add(room));
        for point in occurrence.transaction.points {
            self.learn_point(point, most);
        }
        self.values.len().saturating_sub(before)
    }

    fn learn_interval(&mut self, interval: u64) {
        if self.intervals.len() < KEPT_INTERVALS {
            self.intervals.push(interval);
        } else if let Some(oldest) = self.intervals.get_mut(self.oldest) {
            *oldest = interval;
            self.oldest = self.oldest.saturating_add(1).checked_rem(KEPT_INTERVALS).unwrap_or(0);
        }
    }

    fn learn_point(&mut self, point: &Point<'_>, most: usize) {
        if matches!(point.values, Values::Unseen) {
            return;
        }
        if point.name.is_some() {
            for reading in reading::all(&point.values) {
                self.learn_value(point, (0, 0), reading, most);
            }
            return;
        }
        let width = point.width();
        for (place, reading) in (0_u64..).zip(reading::all(&point.values)) {
            let first = point.first.saturating_add(place.saturating_mul(width));
            let last = first.saturating_add(width.saturating_sub(1));
            self.learn_value(point, (first, last), reading, most);
        }
    }

    fn learn_value(&mut self, point: &Point<'_>, (first, last): (u64, u64), reading: Reading, most: usize) {
        let name = point.name.map(|name| name.get(..MAX_NAME_BYTES).unwrap_or(name));
        let wanted = (point.kind, rank(point.access), point.block, first, last, name);
        match self.values.binary_search_by(|known| known.order().cmp(&wanted)) {
            Ok(place) => {
                if let Some(known) = self.values.get_mut(place) {
                    known.add(reading);
                }
            }
            Err(place) if self.values.len() < most => {
                let Point { kind, access, block, .. } = *point;
                let name = name.map(Box::from);
                let mut new = Valued { kind, access, block, first, last, name, limits: None, other: false };
                new.add(reading);
                self.values.insert(place, new);
            }
            Err(_) => self.omitted = self.omitted.saturating_add(1),
        }
    }

    /// Notes whether the interval of an occurrence lies inside; one that can't be measured says nothing.
    pub fn watch(&mut self, regular: &Regular, interval: Option<u64>) {
        let Some(interval) = interval else { return };
        self.outside = if regular.holds(interval) { 0 } else { self.outside.saturating_add(1) };
    }

    /// Points with values.
    pub fn valued(&self) -> usize {
        self.values.len()
    }

    pub fn view(&self, operation: u32) -> HabitView {
        let (newer, older) = self.intervals.split_at_checked(self.oldest).unwrap_or_default();
        let intervals = older.iter().chain(newer).copied().collect();
        HabitView { operation, intervals, values: self.values.clone(), omitted: self.omitted }
    }
}
