//! What a flow remembers for the gate: a client that polls does the same few things to the same points again and again, so that
//! their operations, and that their tallies hold these points already, need not be looked up.

use super::habit::Loss;
use super::ranges::Range;
use crate::transaction::{Access, Point, Transaction};

/// Things that a flow remembers once it does more than one; a power of two.
const PLACES: usize = 16;
/// How often what a flow does must have been another thing before it gets as many places.
const PATIENCE: u8 = 4;

/// What a flow remembers for the gate: who is who, and what was done last. One for each flow, at first `default()`.
#[derive(Debug, Clone, Default)]
pub struct FlowCache {
    /// Peer number plus one by the client's side, for the protocol beside it.
    pub(super) peers: [u32; 2],
    pub(super) protocols: [u8; 2],
    /// How often the only place was given to another operation or point.
    turns: u8,
    pub(super) loss: Loss,
    only: Recent,
    many: Option<Box<[Recent; PLACES]>>,
}

/// Something that was done, in few bytes: four share a line of memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recent {
    /// The operation's number, 0 for none.
    pub number: u32,
    /// The id of a clause whose tally holds the addresses too, 0 for none.
    pub clause: u32,
    /// First address of those that the operation's tally holds; it forgets nothing.
    first: u32,
    /// Addresses behind the first.
    more: u16,
    kind: u8,
    /// `None` while no addresses are known to be held.
    access: Option<Access>,
}

const _: () = assert!(size_of::<Recent>() == 16, "four share a line of memory");

impl Default for Recent {
    fn default() -> Self {
        Recent::of(0)
    }
}

const _: () = assert!(size_of::<FlowCache>() == 40, "every packet's flow carries it");

impl FlowCache {
    /// Bytes of the flow were lost at this time, ns: what was seen of it before and after has no interval.
    #[cold]
    pub fn lose(&mut self, time: u64) {
        self.loss = Loss::at(time);
    }

    /// Where something like this transaction is remembered.
    #[inline]
    pub(super) fn recent(&mut self, t: &Transaction<'_>) -> &mut Recent {
        match &mut self.many {
            Some(many) => {
                let [place, ..] = place_of(t).to_be_bytes();
                let place = usize::from(place) % PLACES;
                // The remainder is less than the length: this never falls back.
                many.get_mut(place).unwrap_or(&mut self.only)
            }
            None => &mut self.only,
        }
    }

    /// The operation met last, as far as a flow that does one thing alone tells; 0 for none.
    #[inline]
    pub(super) fn last_operation(&self) -> u32 {
        self.only.number
    }

    /// The only place was given to another thing: a flow to which this happens again and again gets more of them.
    #[inline]
    pub(super) fn turn(&mut self) {
        if self.turns < PATIENCE {
            self.turns = self.turns.saturating_add(1);
        } else if self.many.is_none() {
            self.many = Some(Box::new([Recent::default(); PLACES]));
        }
    }
}

/// Spreads what a scan list varies: function, unit and first address.
#[inline]
fn place_of(t: &Transaction<'_>) -> u32 {
    const GOLDEN: u32 = 0x9E37_79B1;
    let first = t.points.first().map_or(0, |point| point.first);
    let [a, b, c, d, ..] = first.to_le_bytes();
    let unit = t.unit.unwrap_or(0).rotate_left(16);
    (u32::from_le_bytes([a, b, c, d]) ^ unit).wrapping_add(t.function.code.rotate_left(24)).wrapping_mul(GOLDEN)
}

impl Recent {
    /// An operation of which no point is known to be held.
    #[inline]
    pub fn of(number: u32) -> Recent {
        Recent { number, clause: 0, first: 0, more: 0, kind: 0, access: None }
    }

    /// The addresses that are held.
    #[inline]
    fn range(&self) -> Range {
        let Some(access) = self.access else { return Range::EMPTY };
        let (first, more) = (u64::from(self.first), u64::from(self.more));
        Range::new(self.kind, access, 0, first, first.saturating_add(more))
    }

    /// Whether the tally of the operation `number` holds the points of an occurrence already.
    #[inline]
    pub fn is_held(&self, number: u32, points: &[Point<'_>]) -> bool {
        self.number == number
            && match points {
                [] => true,
                [point] => self.range().holds(point),
                _ => false,
            }
    }

    /// Remembers that the operation's tally, whose range is given, holds these points: a single one that fits in here.
    #[inline]
    pub fn remember(&mut self, number: u32, points: &[Point<'_>], range: &Range) {
        let [point] = points else { return };
        let more = point.last.checked_sub(point.first).map(u16::try_from);
        if let (Ok(first), Some(Ok(more)), 0) = (u32::try_from(point.first), more, point.block)
            && range.holds(point)
        {
            *self = Recent { first, more, kind: point.kind, access: Some(point.access), ..Recent::of(number) };
        }
    }

    /// Remembers that a clause's tally holds what the operation's does, if its range says so.
    #[inline]
    pub fn remember_clause(&mut self, clause: u32, range: &Range) {
        if range.covers(&self.range()) {
            self.clause = clause;
        }
    }
}
