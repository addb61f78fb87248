//! Windows: how many occurrences, or how many distinct values, lie within a span of capture time.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;

use super::clause::Occurrence;
use super::tally::{FIRST_PACKETS, Stamp};
use crate::address::Moment;
use crate::stream;
use crate::transaction::Point;

/// What a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Occurrences.
    EventCount,
    /// Distinct values.
    ValueCount,
}

/// What an occurrence brings to a `value_count` window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brought {
    /// This value.
    Value(u128),
    /// Each address of its points.
    Points,
}

/// Windows of one run at most; what is asked for beyond it gets number 0, which counts nothing.
pub const MAX_WINDOWS: usize = 1 << 20;

/// A window reached its threshold, coming from below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The window's number.
    pub window: u32,
    /// Occurrences (or distinct values) within the span; never more than the threshold, which is all that is held.
    pub count: u64,
    /// The oldest of them.
    pub first: Moment,
    /// The occurrence that crossed.
    pub last: Moment,
}

/// What a window counted while it was at its threshold, those that led to it included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowView {
    /// The window's number.
    pub window: u32,
    /// Occurrences.
    pub count: u64,
    /// First one.
    pub first: Option<Moment>,
    /// Last one.
    pub last: Option<Moment>,
    /// The first N and the last.
    pub packets: Vec<Moment>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    value: u128,
    /// Number of this entry within the window; an older one of the same value is stale.
    number: u64,
    /// Number of the occurrence that brought it.
    occurrence: u64,
    time: u64,
    at: Stamp,
}

#[derive(Debug, Default)]
struct Counted {
    count: u64,
    first: Stamp,
    last: Stamp,
    packets: Vec<Stamp>,
    /// Occurrences up to this number are in the count.
    occurrence: u64,
}

#[derive(Debug)]
struct Window {
    mode: Mode,
    span: u64,
    threshold: usize,
    above: bool,
    occurrences: u64,
    entries: u64,
    held: VecDeque<Entry>,
    /// The newest entry of each value (`value_count`).
    newest: HashMap<u128, u64, SeedableRandomState>,
    counted: Counted,
}

impl Window {
    fn new(mode: Mode, span: u64, threshold: usize) -> Self {
        Window {
            mode,
            span,
            threshold: threshold.max(1),
            above: false,
            occurrences: 0,
            entries: 0,
            held: VecDeque::new(),
            newest: HashMap::with_hasher(stream::state().clone()),
            counted: Counted::default(),
        }
    }

    fn feed(&mut self, brought: Brought, time: u64, occurrence: &Occurrence<'_>) -> Option<(u64, Stamp)> {
        self.occurrences = self.occurrences.saturating_add(1);
        if self.renew(brought, time, occurrence.at) {
            return None;
        }
        match (self.mode, brought) {
            (Mode::EventCount, _) => self.push(0, time, occurrence.at),
            (Mode::ValueCount, Brought::Value(value)) => self.push_value(value, time, occurrence.at),
            (Mode::ValueCount, Brought::Points) => {
                for value in occurrence.transaction.points.iter().flat_map(addresses).take(self.threshold) {
                    self.push_value(value, time, occurrence.at);
                }
            }
        }
        self.trim(time);
        let was_above = self.above;
        self.above = self.within() >= self.threshold;
        match (was_above, self.above) {
            (_, false) => None,
            (true, true) => {
                self.counted.note(self.occurrences, occurrence.at);
                None
            }
            (false, true) => Some(self.cross(occurrence.at)),
        }
    }

    /// The usual case: the value that came last comes again, and nothing is above the threshold. What is too old can go later.
    #[inline]
    fn renew(&mut self, brought: Brought, time: u64, at: Stamp) -> bool {
        let (Mode::ValueCount, Brought::Value(value), false) = (self.mode, brought, self.above) else { return false };
        match self.held.back_mut() {
            Some(newest) if newest.value == value && time.saturating_sub(newest.time) <= self.span => {
                *newest = Entry { occurrence: self.occurrences, time, at, ..*newest };
                true
            }
            _ => false,
        }
    }

    fn push(&mut self, value: u128, time: u64, at: Stamp) {
        self.entries = self.entries.saturating_add(1);
        self.held.push_back(Entry { value, number: self.entries, occurrence: self.occurrences, time, at });
    }

    fn push_value(&mut self, value: u128, time: u64, at: Stamp) {
        self.push(value, time, at);
        self.newest.insert(value, self.entries);
        if self.held.len() > self.threshold.saturating_mul(2).saturating_add(8) {
            let newest = &self.newest;
            self.held.retain(|entry| newest.get(&entry.value) == Some(&entry.number));
        }
    }

    /// Lets go of what is stale, too old, or more than the threshold needs.
    fn trim(&mut self, time: u64) {
        while let Some(oldest) = self.held.front() {
            let stale = self.mode == Mode::ValueCount && self.newest.get(&oldest.value) != Some(&oldest.number);
            let old = time.saturating_sub(oldest.time) > self.span;
            if !stale && !old && self.within() <= self.threshold {
                return;
            }
            if !stale {
                self.newest.remove(&oldest.value);
            }
            self.held.pop_front();
        }
    }

    fn within(&self) -> usize {
        match self.mode {
            Mode::EventCount => self.held.len(),
            Mode::ValueCount => self.newest.len(),
        }
    }

    fn cross(&mut self, at: Stamp) -> (u64, Stamp) {
        let Window { held, newest, counted, mode, .. } = self;
        let valid = |entry: &&Entry| *mode == Mode::EventCount || newest.get(&entry.value) == Some(&entry.number);
        let mut first = None;
        for entry in held.iter().filter(valid) {
            first.get_or_insert(entry.at);
            counted.note(entry.occurrence, entry.at);
        }
        (u64::try_from(self.within()).unwrap_or(u64::MAX), first.unwrap_or(at))
    }

    fn view(&self, window: u32) -> WindowView {
        let Counted { count, first, last, packets, .. } = &self.counted;
        let mut packets: Vec<Moment> = packets.iter().map(|stamp| stamp.moment()).collect();
        if u64::try_from(packets.len()).is_ok_and(|kept| kept < *count) {
            packets.push(last.moment());
        }
        let seen = *count > 0;
        let (first, last) = (seen.then(|| first.moment()), seen.then(|| last.moment()));
        WindowView { window, count: *count, first, last, packets }
    }
}

impl Counted {
    /// Counts an occurrence once, however many values it brought.
    fn note(&mut self, occurrence: u64, at: Stamp) {
        if occurrence <= self.occurrence {
            return;
        }
        self.occurrence = occurrence;
        if self.count == 0 {
            self.first = at;
        }
        self.count = self.count.saturating_add(1);
        self.last = at;
        if self.packets.len() < FIRST_PACKETS {
            self.packets.push(at);
        }
    }
}

/// A text value as a window compares it: 64 bits of a keyed hash, which nobody can make collide.
pub(super) fn text_value(text: &str) -> u128 {
    u128::from(stream::state().hash_one(text.as_bytes())) | 1 << 126
}

/// Each address of a point as a window compares it (the protocol is the operation's, and a window belongs to one rule).
fn addresses<'a>(point: &'a Point<'a>) -> impl Iterator<Item = u128> + 'a {
    let place = u128::from(point.kind) << 96 | u128::from(point.block) << 64;
    let named = point.name.map(|name| u128::from(stream::state().hash_one(name)) | place | 1 << 125);
    let range = named.is_none().then_some(point.first..=point.last);
    let addresses = range.into_iter().flatten().map(move |address| place | u128::from(address));
    named.into_iter().chain(addresses)
}

/// All windows of a run, by number.
#[derive(Debug, Default)]
pub(super) struct Windows {
    windows: Vec<Window>,
}

impl Windows {
    /// A new window's number, from 1; `None` at the ceiling.
    pub fn add(&mut self, mode: Mode, span: u64, threshold: usize) -> Option<u32> {
        if self.windows.len() >= MAX_WINDOWS {
            return None;
        }
        self.windows.push(Window::new(mode, span, threshold));
        u32::try_from(self.windows.len()).ok()
    }

    pub fn contains(&self, number: u32) -> bool {
        usize::try_from(number).is_ok_and(|number| number <= self.windows.len())
    }

    /// Counts an occurrence; gives the crossing, if it is one.
    pub fn feed(&mut self, number: u32, brought: Brought, occurrence: &Occurrence<'_>) -> Option<Crossing> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        let window = self.windows.get_mut(index)?;
        let (count, first) = window.feed(brought, occurrence.transaction.completed, occurrence)?;
        Some(Crossing { window: number, count, first: first.moment(), last: occurrence.at.moment() })
    }

    /// Those that counted something, by number.
    pub fn views(&self) -> Vec<WindowView> {
        let numbered = (1_u32..).zip(&self.windows);
        numbered.filter(|(_, window)| window.counted.count > 0).map(|(number, window)| window.view(number)).collect()
    }

    /// Empties all, for a new generation of expectations.
    pub fn reset(&mut self) {
        for window in &mut self.windows {
            *window = Window::new(window.mode, window.span, window.threshold);
        }
    }
}
