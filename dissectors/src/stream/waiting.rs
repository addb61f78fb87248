//! Segments that cannot be delivered yet: bounded, first copy wins, buffers from a pool.

use std::collections::VecDeque;

use crate::address::{Moment, Side};

/// What a held segment costs beside its bytes, so that many tiny ones are bounded too.
const OVERHEAD: usize = 128;

/// Buffers kept for the next segment, and the largest that is.
const SPARE_BUFFERS: usize = 1024;
const SPARE_CAPACITY: usize = 4096;
const SPARE_COLD: usize = 256;

/// Most segments held per direction (ceiling `held_segments`).
pub(super) const MAX_SEGMENTS: usize = 512;

/// How far `a` lies ahead of `b` in sequence space (RFC 9293, section 3.4): negative when behind.
#[inline]
pub(super) fn ahead(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

/// All bytes held back, over all flows.
#[derive(Debug)]
pub struct Pool {
    used: usize,
    limit: usize,
    per_direction: usize,
    spare: Vec<Vec<u8>>,
    /// Boxed, because they move between here and the flows.
    #[allow(clippy::vec_box)]
    spare_cold: Vec<Box<Cold>>,
    /// Times that a limit was reached: over all flows, in a direction, in number of segments.
    pub(super) reached: [u64; 3],
}

impl Pool {
    /// At most `limit` bytes in all, `per_direction` in one direction of a flow.
    pub fn new(limit: usize, per_direction: usize) -> Self {
        Pool { used: 0, limit, per_direction, spare: Vec::new(), spare_cold: Vec::new(), reached: [0; 3] }
    }

    /// Bytes held back now, with what they cost beside.
    pub fn used(&self) -> usize {
        self.used
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.extend_from_slice(bytes);
        self.used = self.used.saturating_add(bytes.len()).saturating_add(OVERHEAD);
        buffer
    }

    /// Takes a delivered buffer back.
    pub(super) fn give(&mut self, mut buffer: Vec<u8>) {
        self.used = self.used.saturating_sub(buffer.len().saturating_add(OVERHEAD));
        if self.spare.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_CAPACITY {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

impl Pool {
    /// The rarely needed part of a stream's state.
    pub(super) fn cold(&mut self) -> Box<Cold> {
        self.spare_cold.pop().unwrap_or_default()
    }

    /// Takes it back, empty.
    pub(super) fn give_cold(&mut self, cold: Box<Cold>) {
        if self.spare_cold.len() < SPARE_COLD {
            self.spare_cold.push(cold);
        }
    }
}

/// What a TCP flow needs only while something is out of the ordinary.
#[derive(Debug, Default)]
pub(super) struct Cold {
    /// Held back, per side.
    pub(super) waiting: [Waiting; 2],
    /// A stream that seems to go on far from where it was: next sequence number and segments so far, per side.
    pub(super) far: [Option<(u32, u32)>; 2],
    /// A SYN on a flow that lives: who sent it, its sequence number.
    pub(super) pending: Option<(Side, u32)>,
}

impl Cold {
    /// Nothing is out of the ordinary.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.iter().all(Waiting::is_empty) && self.far == [None; 2] && self.pending.is_none()
    }
}

/// A stretch of a stream, from the packet or held: `bytes`, then `missing` more that the capture cut off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) seq: u32,
    pub(super) bytes: &'a [u8],
    pub(super) missing: u32,
    /// What its packet acknowledges.
    pub(super) ack: Option<u32>,
    pub(super) at: Moment,
    /// The clock when it came.
    pub(super) clock: u64,
}

impl Stretch<'_> {
    /// Length on the wire.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX).saturating_add(self.missing)
    }

    /// The sequence number behind it.
    #[inline]
    pub(super) fn end(&self) -> u32 {
        self.seq.wrapping_add(self.len())
    }

    /// The part from `skip` on, at most `len` long.
    pub(super) fn part(&self, skip: u32, len: u32) -> Self {
        let have = self.bytes.get(skip as usize..).unwrap_or_default();
        let bytes = have.get(..len as usize).unwrap_or(have);
        let missing = len.min(self.len().saturating_sub(skip)).saturating_sub(bytes.len() as u32);
        Stretch { seq: self.seq.wrapping_add(skip), bytes, missing, ..*self }
    }
}

/// A held stretch with its own bytes.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) seq: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) missing: u32,
    pub(super) ack: Option<u32>,
    pub(super) at: Moment,
    pub(super) clock: u64,
}

impl Held {
    /// Borrowed.
    pub(super) fn stretch(&self) -> Stretch<'_> {
        let Held { seq, ref bytes, missing, ack, at, clock } = *self;
        Stretch { seq, bytes, missing, ack, at, clock }
    }
}

/// What an insertion found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Inserted {
    /// Bytes that were held already.
    pub(super) seen: u32,
    /// Bytes that were not.
    pub(super) new: u32,
    /// Held bytes are not the same.
    pub(super) conflict: bool,
}

/// What one direction holds back, in order of the stream, without overlaps.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) held: VecDeque<Held>,
    cost: usize,
    /// The end of the stream, when a FIN came early.
    pub(super) fin: Option<(u32, Moment)>,
    /// The clock when the oldest of them came.
    pub(super) since: u64,
}

impl Waiting {
    /// Nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.fin.is_none()
    }

    /// Whether a stretch may be held; a limit that says no is counted.
    pub(super) fn has_room(&self, stretch: &Stretch<'_>, pool: &mut Pool) -> bool {
        let cost = stretch.bytes.len().saturating_add(OVERHEAD);
        let full = [
            pool.used.saturating_add(cost) > pool.limit,
            self.cost.saturating_add(cost) > pool.per_direction,
            self.held.len() >= MAX_SEGMENTS,
        ];
        let reached = full.iter().position(|full| *full);
        if let Some(count) = reached.and_then(|which| pool.reached.get_mut(which)) {
            *count = count.saturating_add(1);
        }
        reached.is_none()
    }

    /// Compares with what is held, without holding.
    pub(super) fn compare(&self, new: &Stretch<'_>) -> Inserted {
        let mut found = Inserted { seen: 0, new: new.len(), conflict: false };
        let first = self.held.partition_point(|old| ahead(old.stretch().end(), new.seq) <= 0);
        for old in self.held.range(first..) {
            let (from, to) = overlap(new, &old.stretch());
            if from >= to {
                break;
            }
            found.seen = found.seen.saturating_add(to - from);
            found.conflict |= differ(new, &old.stretch(), from, to);
        }
        found.new = found.new.saturating_sub(found.seen);
        found
    }

    /// Holds those parts of a stretch that are not held already: the first copy stands.
    pub(super) fn insert(&mut self, new: &Stretch<'_>, pool: &mut Pool) {
        if self.held.is_empty() {
            self.since = new.clock;
        }
        let mut skip = 0;
        let mut at = self.held.partition_point(|old| ahead(old.stretch().end(), new.seq) <= 0);
        while skip < new.len() {
            let rest = new.part(skip, u32::MAX);
            let Some(old) = self.held.get(at) else {
                self.keep(at, &rest, pool);
                return;
            };
            let until = u32::try_from(ahead(old.seq, rest.seq)).unwrap_or(0).min(rest.len());
            let behind = u32::try_from(ahead(old.stretch().end(), rest.seq)).unwrap_or(0);
            if until > 0 {
                self.keep(at, &rest.part(0, until), pool);
                at += 1;
            }
            skip = skip.saturating_add(behind.max(until));
            at += 1;
        }
    }

    fn keep(&mut self, at: usize, stretch: &Stretch<'_>, pool: &mut Pool) {
        let Stretch { seq, missing, ack, at: moment, clock, .. } = *stretch;
        let bytes = pool.take(stretch.bytes);
        self.cost = self.cost.saturating_add(bytes.len()).saturating_add(OVERHEAD);
        self.held.insert(at, Held { seq, bytes, missing, ack, at: moment, clock });
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<Held> {
        let held = self.held.pop_front()?;
        self.cost = self.cost.saturating_sub(held.bytes.len().saturating_add(OVERHEAD));
        Some(held)
    }

    /// Finds anew since when something waits.
    pub(super) fn age(&mut self) {
        let oldest = self.held.iter().map(|held| held.clock).min();
        self.since = oldest.unwrap_or(self.since);
    }
}

/// Where `old` covers `new`, as offsets into `new`.
fn overlap(new: &Stretch<'_>, old: &Stretch<'_>) -> (u32, u32) {
    let from = u32::try_from(ahead(old.seq, new.seq)).unwrap_or(0);
    let to = u32::try_from(ahead(old.end(), new.seq)).unwrap_or(0);
    (from.min(new.len()), to.min(new.len()))
}

/// Whether the captured bytes of both differ between two offsets into `new`.
fn differ(new: &Stretch<'_>, old: &Stretch<'_>, from: u32, to: u32) -> bool {
    let start = new.seq.wrapping_add(from);
    let ours = new.part(from, to.saturating_sub(from)).bytes;
    let theirs = old.part(start.wrapping_sub(old.seq), to.saturating_sub(from)).bytes;
    ours.iter().zip(theirs).any(|(a, b)| a != b)
}
