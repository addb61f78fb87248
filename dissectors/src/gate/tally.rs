//! What is counted of an operation or of a clause: small where every occurrence writes, the rest out of line.

use std::hint::black_box;

use super::clause::Occurrence;
use super::ranges::{Range, Ranges, TallyPoint, TallyPoints};
use super::reading::{self, Reading};
use crate::address::Moment;
use crate::transaction::{Outcome, Point};

/// Rejection codes counted one by one in a tally; further ones are counted together.
pub const MAX_REJECTION_CODES: usize = 64;
/// First occurrences whose packets are kept, beside the last.
pub(super) const FIRST_PACKETS: usize = 5;
/// So many of them are kept behind the very first.
const MORE_PACKETS: usize = FIRST_PACKETS - 1;
/// As long as fewer than [`FIRST_PACKETS`] are counted, no counter reaches this.
const MANY: u32 = 8;
/// Packet numbers above this are kept as this (2⁴⁸ − 1, more than a year of packets at line rate).
const GREATEST_PACKET: u64 = (1 << 48) - 1;
/// What is moved out of a hot counter when it is full; half, so that it never looks as if nothing had been counted.
const SPILL: u32 = 1 << 31;

/// A [`Moment`] in 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stamp {
    pub time: u64,
    place: u64,
}

impl Stamp {
    #[inline]
    pub fn of(moment: Moment) -> Stamp {
        Stamp { time: moment.time, place: u64::from(moment.capture) << 48 | moment.packet.min(GREATEST_PACKET) }
    }

    pub fn moment(self) -> Moment {
        let capture = u16::try_from(self.place >> 48).unwrap_or(u16::MAX);
        Moment { time: self.time, packet: self.place & GREATEST_PACKET, capture }
    }
}

/// Counts of one operation or clause. 80 bytes, in the order in which they are written: what is only touched needs the first
/// 32. `cold` comes with the second occurrence.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Tally {
    /// By [`Outcome::index`]; what overflows is in [`Rare`].
    outcomes: [u32; 4],
    pub last: Stamp,
    least_interval: u64,
    greatest_interval: u64,
    cold: Option<Box<Cold>>,
    /// The range that held the last point: what repeats needs no search.
    range: Range,
}

#[derive(Debug)]
struct Cold {
    first: Stamp,
    /// The second occurrence and the next ones, as many as were counted.
    packets: [Stamp; MORE_PACKETS],
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default)]
struct Rare {
    spilled: [u64; 4],
    rejections: Vec<(u32, u64)>,
    other_rejections: u64,
    ranges: Ranges,
    values: Option<(f64, f64)>,
}

/// A tally as it is given out. Times are in ns.
#[derive(Debug, Clone, PartialEq)]
pub struct TallyView {
    /// The clause's id, 0 for an operation's own tally.
    pub clause: u32,
    /// The operation's number.
    pub operation: u32,
    /// Occurrences.
    pub count: u64,
    /// First occurrence (its request, or what was seen first of it).
    pub first: Option<Moment>,
    /// Last occurrence in the order of completion.
    pub last: Option<Moment>,
    /// By [`Outcome::index`].
    pub outcomes: [u64; 4],
    /// Count by rejection code, in order of the codes.
    pub rejections: Vec<(u32, u64)>,
    /// Rejections with codes beyond [`MAX_REJECTION_CODES`].
    pub other_rejections: u64,
    /// Merged ranges.
    pub points: TallyPoints,
    /// Least and greatest value, where asked and seen.
    pub values: Option<(f64, f64)>,
    /// Shortest and longest time between one occurrence and the next.
    pub interval: Option<(u64, u64)>,
    /// The first N occurrences and the last.
    pub packets: Vec<Moment>,
    /// The clause was replaced: this is its last report.
    pub retired: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            outcomes: [0; 4],
            last: Stamp::default(),
            least_interval: u64::MAX,
            greatest_interval: 0,
            range: Range::EMPTY,
            cold: None,
        }
    }
}

impl Tally {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.outcomes == [0; 4]
    }

    /// Reads what is out of line, where the next occurrence needs it.
    #[inline]
    pub fn warm(&self) {
        let [accepted, ..] = self.outcomes;
        if accepted < MANY
            && let Some(cold) = &self.cold
        {
            black_box(cold.first.time);
        }
    }

    /// The range that held the last point.
    #[inline]
    pub fn range(&self) -> &Range {
        &self.range
    }

    /// The time of the last occurrence, if there was one.
    #[inline]
    pub fn last_time(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.last.time)
    }

    /// Counts an occurrence and keeps what there is to keep of it: the first packets, values when `limits`; `held` says that
    /// the points are known to be held already.
    #[inline]
    pub fn note(&mut self, occurrence: &Occurrence<'_>, limits: bool, held: bool) {
        let first = if self.is_empty() { occurrence.at } else { self.note_repeat(occurrence.at) };
        if !held {
            for point in occurrence.transaction.points {
                if !self.range.holds(point) {
                    self.note_point(point, first);
                }
            }
        }
        if let Outcome::Rejected(code) = occurrence.transaction.outcome {
            self.note_rejection(code.code, first);
        }
        if limits {
            self.note_values(occurrence.transaction.points, first);
        }
        self.touch(occurrence);
    }

    /// Counts an occurrence and keeps its time alone.
    #[inline]
    pub fn touch(&mut self, occurrence: &Occurrence<'_>) {
        self.last = occurrence.at;
        if let Some(count) = self.outcomes.get_mut(occurrence.transaction.outcome.index()) {
            *count = count.saturating_add(1);
            if *count == u32::MAX {
                self.spill(occurrence.transaction.outcome.index());
            }
        }
    }

    /// Interval and packet of an occurrence that is not the first; gives the first one's stamp as far as it is needed.
    #[inline]
    fn note_repeat(&mut self, at: Stamp) -> Stamp {
        let interval = at.time.saturating_sub(self.last.time);
        self.least_interval = self.least_interval.min(interval);
        self.greatest_interval = self.greatest_interval.max(interval);
        let previous = self.last;
        let [a, b, c, d] = self.outcomes;
        if a | b | c | d < MANY {
            self.remember(at, previous);
        }
        previous
    }

    #[cold]
    fn remember(&mut self, at: Stamp, first: Stamp) {
        let counted = self.outcomes.iter().fold(0_u32, |sum, n| sum.saturating_add(*n));
        let place = usize::try_from(counted.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(packet) = self.cold(first).packets.get_mut(place) {
            *packet = at;
        }
    }

    #[cold]
    fn spill(&mut self, outcome: usize) {
        let last = self.last;
        if let Some(count) = self.outcomes.get_mut(outcome) {
            *count = count.saturating_sub(SPILL);
        }
        if let Some(spilled) = self.rare(last).spilled.get_mut(outcome) {
            *spilled = spilled.saturating_add(u64::from(SPILL));
        }
    }

    /// `first` counts only where there is nothing cold yet, which is before the second occurrence was noted.
    fn cold(&mut self, first: Stamp) -> &mut Cold {
        self.cold.get_or_insert_with(|| Box::new(Cold { first, packets: [Stamp::default(); MORE_PACKETS], rare: None }))
    }

    fn rare(&mut self, first: Stamp) -> &mut Rare {
        self.cold(first).rare.get_or_insert_default()
    }

    #[cold]
    fn note_point(&mut self, point: &Point<'_>, first: Stamp) {
        if let Some(name) = point.name {
            return self.rare(first).ranges.add_name(point, name);
        }
        let range = Range::of(point);
        let many = self.ranges().is_some_and(|ranges| !ranges.is_empty());
        if !many && self.range.extend(&range) {
            return;
        }
        let only = self.range;
        let ranges = &mut self.rare(first).ranges;
        if !many {
            ranges.add(only);
        }
        if let Some(holder) = ranges.add(range) {
            self.range = holder;
        }
    }

    #[cold]
    fn note_rejection(&mut self, code: u32, first: Stamp) {
        let rare = self.rare(first);
        match rare.rejections.binary_search_by_key(&code, |entry| entry.0) {
            Ok(at) => {
                if let Some(entry) = rare.rejections.get_mut(at) {
                    entry.1 = entry.1.saturating_add(1);
                }
            }
            Err(at) if rare.rejections.len() < MAX_REJECTION_CODES => rare.rejections.insert(at, (code, 1)),
            Err(_) => rare.other_rejections = rare.other_rejections.saturating_add(1),
        }
    }

    fn note_values(&mut self, points: &[Point<'_>], first: Stamp) {
        let numbers = points.iter().flat_map(|point| reading::all(&point.values));
        let limits = numbers.fold(None, |limits: Option<(f64, f64)>, reading| match reading {
            Reading::Number(n) if !n.is_nan() => Some(limits.map_or((n, n), |(low, high)| (low.min(n), high.max(n)))),
            _ => limits,
        });
        if let Some((low, high)) = limits {
            let values = &mut self.rare(first).values;
            *values = Some(values.map_or((low, high), |(least, greatest)| (least.min(low), greatest.max(high))));
        }
    }

    fn known_rare(&self) -> Option<&Rare> {
        self.cold.as_ref().and_then(|cold| cold.rare.as_deref())
    }

    fn ranges(&self) -> Option<&Ranges> {
        self.known_rare().map(|rare| &rare.ranges)
    }

    fn first(&self) -> Stamp {
        self.cold.as_ref().map_or(self.last, |cold| cold.first)
    }

    /// Occurrences in all.
    pub fn count(&self) -> u64 {
        self.outcomes_in_all().iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Occurrences by [`Outcome::index`].
    pub fn outcomes_in_all(&self) -> [u64; 4] {
        let mut outcomes = self.outcomes.map(u64::from);
        if let Some(rare) = self.known_rare() {
            for (count, spilled) in outcomes.iter_mut().zip(rare.spilled) {
                *count = count.saturating_add(spilled);
            }
        }
        outcomes
    }

    fn points(&self) -> TallyPoints {
        let mut points = self.ranges().map(Ranges::view).unwrap_or_default();
        if !self.range.is_empty() && self.ranges().is_none_or(Ranges::is_empty) {
            points.points.insert(0, TallyPoint { ..self.range.view() });
        }
        points
    }

    fn packets(&self, count: u64) -> Vec<Moment> {
        let mut packets = vec![self.first()];
        let more = usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        packets.extend(self.cold.iter().flat_map(|cold| cold.packets.iter().take(more)));
        if u64::try_from(packets.len()).is_ok_and(|kept| kept < count) {
            packets.push(self.last);
        }
        packets.into_iter().map(Stamp::moment).collect()
    }

    /// The tally for giving out.
    pub fn view(&self, clause: u32, operation: u32, retired: bool) -> TallyView {
        let (count, seen) = (self.count(), !self.is_empty());
        let rare = self.known_rare();
        TallyView {
            clause,
            operation,
            count,
            first: seen.then(|| self.first().moment()),
            last: seen.then(|| self.last.moment()),
            outcomes: self.outcomes_in_all(),
            rejections: rare.map(|r| r.rejections.clone()).unwrap_or_default(),
            other_rejections: rare.map_or(0, |r| r.other_rejections),
            points: self.points(),
            values: rare.and_then(|r| r.values),
            interval: (self.least_interval <= self.greatest_interval)
                .then_some((self.least_interval, self.greatest_interval)),
            packets: if seen { self.packets(count) } else { Vec::new() },
            retired,
        }
    }
}
