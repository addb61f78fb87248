//! TCP bytes in order (RFC 9293), from captures that lose, repeat and reorder.
//!
//! - The first copy of a byte stands; a later one that differs is a counted conflict. Against what was delivered already this is
//!   known for the last segment of each side when it is sent again whole; against what is held back, for every byte.
//! - A segment is delivered when it is next in its direction and what it acknowledges was delivered in the other, so that a
//!   response never comes before its request, in whatever order a mirror shows them.
//! - Missing bytes become a gap when the other side has acknowledged them and [`ACKED_WAIT`] has passed; when the other side is
//!   not seen at all, after [`ONE_WAY_WAIT`]; when it is and has not acknowledged, after [`UNACKED_WAIT`] (a retransmission is due);
//!   at a ceiling and at the end of the flow at once. All of that on the capture clock.
//! - What lies more than [`FAR`] outside is set aside, unless [`FAR_SEGMENTS`] in a row continue there.

use std::hash::{BuildHasher, Hasher};

use super::key::state;
use super::ledger::{Ledger, Rare};
use super::waiting::{Cold, Held, Pool, Stretch, ahead};
use crate::address::{Moment, Side};
use crate::packet::tcp_flags::{FIN, RST, SYN};

/// Wait for missing bytes that the other side has acknowledged, ns.
pub const ACKED_WAIT: u64 = 250_000_000;
/// Wait for missing bytes where the other side is not seen, ns.
pub const ONE_WAY_WAIT: u64 = 1_000_000_000;
/// Wait for missing bytes that the other side has not acknowledged, ns.
pub const UNACKED_WAIT: u64 = 3_000_000_000;
/// A distance in sequence numbers that no window explains.
pub const FAR: u32 = 1 << 20;
/// So many consecutive segments far outside are believed.
pub const FAR_SEGMENTS: u32 = 3;
/// So many checksums are looked at before a side's are taken as wrong as a rule.
pub const CHECKSUMS: u8 = 8;
/// After so many waits in vain for a side, without a byte of it in between, what acknowledges it is not held back any more.
const ABSENT: u8 = 2;
/// A fingerprint covers a segment up to twice this length whole, of a longer one so much at each end.
const FINGERPRINT: usize = 128;
/// A SYN up to so far before what was seen is a late one, not a new connection's.
const LATE_SYN: u32 = 1 << 16;

/// What comes out of a TCP flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The opening was seen.
    Opened {
        /// Who opened.
        initiator: Side,
    },
    /// The next bytes of a direction.
    Data {
        /// Who sent them.
        side: Side,
        /// The bytes, straight from the packet where they came in order.
        bytes: &'a [u8],
        /// Their packet.
        at: Moment,
    },
    /// Bytes of a direction are missing here.
    Gap {
        /// Whose.
        side: Side,
        /// How many; 0 where the stream goes on elsewhere and nobody can say.
        missing: u64,
    },
    /// A reset that is believed.
    Reset {
        /// Who sent it.
        side: Side,
    },
    /// Both sides have ended their stream.
    Closed,
}

/// Bits of [`Half::flags`].
mod known {
    /// `next` is known (perhaps only from what the other side acknowledges).
    pub(super) const NEXT: u8 = 1;
    /// A segment of this side was seen.
    pub(super) const SEEN: u8 = 1 << 1;
    /// SYN, data or FIN of this side was seen: `next` is exact.
    pub(super) const ANCHORED: u8 = 1 << 2;
    /// The SYN was seen; `start` is its sequence number.
    pub(super) const SYN: u8 = 1 << 3;
    /// The stream has ended.
    pub(super) const FIN: u8 = 1 << 4;
    /// `claimed` holds.
    pub(super) const CLAIMED: u8 = 1 << 5;
    /// Acknowledged bytes of this side did not come in time: `waived` and `absent` hold.
    pub(super) const WAIVED: u8 = 1 << 6;
    /// A wrong checksum was seen: look at every segment's until it is clear whether that is the rule.
    pub(super) const JUDGING: u8 = 1 << 7;
}

/// One direction.
#[derive(Debug, Clone, Copy, Default)]
struct Half {
    /// Sequence number of the next byte.
    next: u32,
    /// Sequence number of the SYN, or of the first byte known.
    start: u32,
    /// The other side acknowledges up to here, beyond `next`.
    claimed: u32,
    /// Up to here bytes that did not come in time are not waited for.
    waived: u32,
    /// The last segment delivered, for telling retransmissions that differ: where, how long, what.
    last_seq: u32,
    last_print: u32,
    last_len: u16,
    checked: u8,
    wrong: u8,
    /// Times in a row that bytes of this side did not come in time.
    absent: u8,
    flags: u8,
}

impl Half {
    #[inline]
    fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Moves on to `next`.
    #[inline]
    fn move_to(&mut self, next: u32) {
        self.next = next;
        self.flags |= known::ANCHORED;
        if self.is(known::CLAIMED) && ahead(next, self.claimed) >= 0 {
            self.flags &= !(known::CLAIMED | known::WAIVED);
        }
    }

    #[inline]
    fn remember(&mut self, seq: u32, bytes: &[u8]) {
        self.last_seq = seq;
        self.last_len = u16::try_from(bytes.len()).unwrap_or(0);
        self.last_print = fingerprint(bytes);
    }
}

/// 32 bits of a segment's bytes, keyed.
#[inline]
fn fingerprint(bytes: &[u8]) -> u32 {
    let mut hasher = state().build_hasher();
    match (bytes.get(..FINGERPRINT), bytes.len().checked_sub(FINGERPRINT).and_then(|tail| bytes.get(tail..))) {
        (Some(head), Some(tail)) if bytes.len() > 2 * FINGERPRINT => {
            hasher.write(head);
            hasher.write(tail);
        }
        _ => hasher.write(bytes),
    }
    (hasher.finish() >> 32) as u32
}

/// Who takes a stream's events.
pub(super) trait Sink {
    /// The next event; `tcp` as it stands now.
    fn event(&mut self, event: Event<'_>, ledger: &mut Ledger, tcp: &Tcp);
}

/// Where a stream's output and counts go.
pub(super) struct Out<'a, S> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) pool: &'a mut Pool,
    pub(super) sink: S,
}

impl<S: Sink> Out<'_, S> {
    #[inline]
    fn emit(&mut self, tcp: &Tcp, event: Event<'_>) {
        self.sink.event(event, self.ledger, tcp);
    }

    /// One more in one of the rarer counts.
    fn count(&mut self, side: Side, add: impl FnOnce(&mut Rare)) {
        add(self.ledger.rare_mut(side));
    }
}

/// Both directions of a TCP flow.
#[derive(Debug, Default)]
pub struct Tcp {
    halves: [Half; 2],
    cold: Option<Box<Cold>>,
    initiator: Option<Side>,
    closed: bool,
}

impl Tcp {
    /// Who opened the connection, if that was seen.
    #[inline]
    pub fn initiator(&self) -> Option<Side> {
        self.initiator
    }

    /// Ended by FIN from both or by a reset.
    #[inline]
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// One side has ended its stream.
    #[inline]
    pub fn half_closed(&self) -> bool {
        (self.halves[0].flags | self.halves[1].flags) & known::FIN != 0
    }

    /// A segment of this side was seen.
    #[inline]
    pub fn seen(&self, side: Side) -> bool {
        self.half(side).is(known::SEEN)
    }

    /// The stream of this side is known from its first byte on.
    #[inline]
    pub fn from_start(&self, side: Side) -> bool {
        self.half(side).is(known::SYN)
    }

    /// Something is held back.
    #[inline]
    pub fn waiting(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.waiting.iter().any(|waiting| !waiting.is_empty()))
    }

    /// How far it has ended: 0 lives, 1 half, 2 whole.
    #[inline]
    pub(super) fn stage(&self) -> u8 {
        if self.closed { 2 } else { u8::from(self.half_closed()) }
    }

    /// A SYN was set aside that may belong to another connection.
    #[inline]
    pub(super) fn suspects(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.pending.is_some())
    }

    #[inline]
    fn half(&self, side: Side) -> &Half {
        &self.halves[side.index()]
    }

    #[inline]
    fn half_mut(&mut self, side: Side) -> &mut Half {
        &mut self.halves[side.index()]
    }

    /// Takes a segment of `side`: what can be delivered leaves at once.
    #[inline]
    pub(super) fn push<S, V>(
        &mut self,
        side: Side,
        flags: u8,
        segment: &Stretch<'_>,
        out: &mut Out<'_, S>,
        verify: &mut V,
    ) where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        if !self.is_plain(side, flags, segment) {
            return self.push_slow(side, flags, segment, out, verify);
        }
        if !segment.bytes.is_empty() {
            let half = self.half_mut(side);
            half.next = segment.end();
            half.flags |= known::ANCHORED;
            half.remember(segment.seq, segment.bytes);
            out.emit(self, Event::Data { side, bytes: segment.bytes, at: segment.at });
        }
    }

    /// In order, complete, and nothing out of the ordinary.
    #[inline]
    fn is_plain(&self, side: Side, flags: u8, segment: &Stretch<'_>) -> bool {
        const MASK: u8 = known::SEEN | known::FIN | known::CLAIMED | known::WAIVED | known::JUDGING;
        let (half, other) = (self.half(side), self.half(side.other()));
        flags & (SYN | FIN | RST) == 0
            && half.flags & MASK == known::SEEN
            && segment.seq == half.next
            && segment.missing == 0
            && self.cold.is_none()
            && !self.closed
            && segment.ack.is_none_or(|ack| other.is(known::SEEN) && ahead(ack, other.next) <= 0)
    }

    #[inline(never)]
    fn push_slow<S, V>(&mut self, side: Side, flags: u8, segment: &Stretch<'_>, out: &mut Out<'_, S>, verify: &mut V)
    where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        let mut segment = *segment;
        if flags & RST != 0 {
            return self.reset(side, &segment, out, verify);
        }
        if flags & SYN != 0 {
            if !self.open(side, &segment, out) {
                return;
            }
            segment.seq = segment.seq.wrapping_add(1);
        }
        if let Some(ack) = segment.ack {
            self.acknowledge(side.other(), ack);
        }
        self.begin(side, &segment, flags, out.ledger);
        if self.half(side).is(known::JUDGING) && segment.seq == self.half(side).next {
            self.check(side, out.ledger, verify);
        }
        if segment.len() > 0 {
            self.data(side, &segment, out, verify);
        }
        if flags & FIN != 0 {
            self.end(side, &segment, out);
        }
        self.settle(segment.clock, out);
    }

    /// A SYN. False when it belongs to another connection than this one.
    fn open<S>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>) -> bool
    where
        S: Sink,
    {
        let repeated = self.half(side).is(known::SYN);
        if repeated && self.half(side).start == segment.seq && self.half(side).is(known::SEEN) {
            out.count(side, |rare| rare.retransmitted_packets += 1);
            return true;
        }
        if !self.half(side).is(known::SEEN) {
            let half = self.half_mut(side);
            half.next = segment.seq.wrapping_add(1);
            half.flags |= known::NEXT | known::SEEN | known::ANCHORED;
        } else if repeated || !self.is_late_syn(side, segment.seq) {
            self.cold.get_or_insert_with(|| out.pool.cold()).pending = Some((side, segment.seq));
            out.count(side, |rare| rare.set_aside_packets += 1);
            return false;
        }
        let half = self.half_mut(side);
        half.start = segment.seq;
        half.flags |= known::SYN;
        if let Some(ack) = segment.ack
            && !self.half(side.other()).is(known::NEXT)
        {
            let other = self.half_mut(side.other()); // its SYN was not seen, but this answers it
            (other.next, other.start) = (ack, ack.wrapping_sub(1));
            other.flags |= known::NEXT | known::ANCHORED | known::SYN;
        }
        out.ledger.midstream = false;
        if self.initiator.is_none() {
            let initiator = if segment.ack.is_some() { side.other() } else { side };
            self.initiator = Some(initiator);
            out.emit(self, Event::Opened { initiator });
        }
        true
    }

    /// The SYN of this very connection, which a mirror shows after the first data.
    fn is_late_syn(&self, side: Side, seq: u32) -> bool {
        let half = self.half(side);
        half.is(known::NEXT) && half.next.wrapping_sub(seq.wrapping_add(1)) <= LATE_SYN
    }

    /// Whether a packet begins another connection between the same ports: a SYN with a new sequence number when the old one is over, dying,
    /// one-sided or long `quiet`; or the answer to (or first data after) a SYN that was set aside when it still lived.
    pub(super) fn is_another(&self, side: Side, flags: u8, seq: u32, ack: Option<u32>, quiet: bool) -> bool {
        let half = self.half(side);
        let pending = self.cold.as_ref().and_then(|cold| cold.pending);
        if flags & SYN == 0 {
            return pending == Some((side, seq.wrapping_sub(1))) && seq != half.next && flags & RST == 0;
        }
        let same = if half.is(known::SYN) { half.start == seq } else { self.is_late_syn(side, seq) };
        if same {
            return false;
        }
        if let Some(ack) = ack {
            return self.closed || pending == Some((side.other(), ack.wrapping_sub(1)));
        }
        let one_sided = half.is(known::SEEN) && !self.half(side.other()).is(known::SEEN);
        self.closed || self.half_closed() || one_sided || quiet
    }

    /// `side`'s bytes up to `ack` are acknowledged.
    fn acknowledge(&mut self, side: Side, ack: u32) {
        let half = self.half_mut(side);
        let distance = ahead(ack, half.next);
        if !half.is(known::NEXT) || (!half.is(known::SEEN) && distance > 0) {
            (half.next, half.start) = (ack, ack);
            half.flags |= known::NEXT;
        } else if distance > 0 && distance.unsigned_abs() <= FAR {
            if !half.is(known::CLAIMED) || ahead(ack, half.claimed) > 0 {
                half.claimed = ack;
            }
            half.flags |= known::CLAIMED;
        }
    }

    /// The first segment of a side that did not open: its place is where the stream begins for us.
    fn begin(&mut self, side: Side, segment: &Stretch<'_>, flags: u8, ledger: &mut Ledger) {
        let opened = self.initiator.is_some();
        let half = self.half_mut(side);
        if half.is(known::SEEN) {
            return;
        }
        let carries = segment.len() > 0 || flags & FIN != 0;
        if !half.is(known::NEXT) || (carries && ahead(segment.seq, half.next) > 0) {
            (half.next, half.start) = (segment.seq, segment.seq);
        }
        half.flags |= known::NEXT | known::SEEN;
        ledger.midstream |= !opened;
    }

    /// Bytes, somewhere in the stream.
    fn data<S, V>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>, verify: &mut V)
    where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        let half = *self.half(side);
        let distance = ahead(segment.seq, half.next);
        if distance == -1 && segment.len() == 1 {
            return out.count(side, |rare| rare.keep_alives += 1);
        }
        if distance.unsigned_abs() > FAR {
            return self.far(side, segment, out, verify);
        }
        if half.is(known::FIN) && ahead(segment.end(), half.next) > 0 {
            return set_aside(side, segment, out);
        }
        if distance < 0 && ahead(segment.end(), half.next) <= 0 {
            return self.repeated(side, segment, out, verify);
        }
        if distance == 1 && !half.is(known::ANCHORED) {
            self.half_mut(side).next = segment.seq; // what we began with was a keep-alive
        }
        let in_order = self.half(side).next == segment.seq;
        let nothing_held = self.cold.as_ref().is_none_or(|cold| cold.waiting[side.index()].is_empty());
        if in_order && nothing_held && self.is_caused(side, segment.ack) {
            return self.deliver(side, segment, out);
        }
        if !in_order && !self.is_sound(side, out, verify) {
            return;
        }
        let old = distance.min(0).unsigned_abs();
        if old > 0 {
            out.count(side, |rare| {
                rare.overlaps += 1;
                rare.retransmitted_bytes += u64::from(old);
            });
        }
        self.hold(side, &segment.part(old, u32::MAX), out);
    }

    /// Everything in the segment was delivered before.
    fn repeated<S, V>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>, verify: &mut V)
    where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        let half = *self.half(side);
        let since_start = half.next.wrapping_sub(half.start);
        if !half.is(known::SYN) && since_start <= FAR && ahead(segment.end(), half.start) <= 0 {
            return out.count(side, |rare| rare.early_bytes += u64::from(segment.len()));
        }
        let again = half.last_len > 0
            && segment.seq == half.last_seq
            && segment.bytes.len() == usize::from(half.last_len)
            && segment.missing == 0;
        if again && fingerprint(segment.bytes) != half.last_print {
            if !self.is_sound(side, out, verify) {
                return;
            }
            out.count(side, |rare| rare.conflicts += 1);
        }
        out.count(side, |rare| {
            rare.retransmitted_packets += 1;
            rare.retransmitted_bytes += u64::from(segment.len());
        });
    }

    /// Far outside: set aside, until a stream is seen to go on there.
    fn far<S, V>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>, verify: &mut V)
    where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        if !self.is_sound(side, out, verify) {
            return;
        }
        let cold = self.cold.get_or_insert_with(|| out.pool.cold());
        let row = match cold.far[side.index()] {
            Some((next, row)) if next == segment.seq => row.saturating_add(1),
            _ => 1,
        };
        cold.far[side.index()] = Some((segment.end(), row));
        if row < FAR_SEGMENTS || self.half(side).is(known::FIN) {
            return set_aside(side, segment, out);
        }
        self.force(side, out);
        let next = self.half(side).next;
        let forward = ahead(segment.seq, next) > 0;
        self.skip_to(side, segment.seq, if forward { segment.seq.wrapping_sub(next) } else { 0 }, out);
        self.half_mut(side).flags &= !(known::CLAIMED | known::WAIVED);
        self.deliver(side, segment, out);
    }

    /// A FIN behind the segment's bytes.
    fn end<S>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        let distance = ahead(segment.end(), self.half(side).next);
        if self.half(side).is(known::FIN) || distance < 0 || distance.unsigned_abs() > FAR {
            return;
        }
        if distance == 0 && self.cold.as_ref().is_none_or(|cold| cold.waiting[side.index()].is_empty()) {
            return self.finish_half(side, out);
        }
        let waiting = &mut self.cold.get_or_insert_with(|| out.pool.cold()).waiting[side.index()];
        if waiting.is_empty() {
            waiting.since = segment.clock;
        }
        waiting.fin.get_or_insert((segment.end(), segment.at));
    }

    /// The stream of a side ends here.
    fn finish_half<S>(&mut self, side: Side, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        let half = self.half_mut(side);
        half.move_to(half.next.wrapping_add(1));
        half.flags |= known::FIN;
        if !self.closed && self.halves.iter().all(|half| half.is(known::FIN)) {
            self.closed = true;
            out.emit(self, Event::Closed);
        }
    }

    /// A reset closes when its place makes sense (RFC 9293, section 3.5.3).
    fn reset<S, V>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>, verify: &mut V)
    where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        if !self.is_sound(side, out, verify) {
            return;
        }
        let (half, other) = (*self.half(side), *self.half(side.other()));
        let in_place = !half.is(known::NEXT) || ahead(segment.seq, half.next).unsigned_abs() <= FAR;
        // A refusal has no sequence number of its own; what it acknowledges tells.
        let refuses = segment.seq == 0
            && segment.ack.is_some_and(|ack| other.is(known::NEXT) && ahead(ack, other.next).unsigned_abs() <= FAR);
        if !in_place && !refuses {
            return out.count(side, |rare| rare.ignored_resets += 1);
        }
        self.half_mut(side).flags |= known::SEEN;
        self.flush(out);
        if !self.closed {
            self.closed = true;
            out.emit(self, Event::Reset { side });
        }
    }

    /// What the segment answers was delivered, or is not waited for.
    fn is_caused(&self, side: Side, ack: Option<u32>) -> bool {
        let other = self.half(side.other());
        ack.is_none_or(|ack| {
            let distance = ahead(ack, other.next);
            !other.is(known::SEEN)
                || distance <= 0
                || distance.unsigned_abs() > FAR
                || (other.is(known::WAIVED) && (other.absent >= ABSENT || ahead(ack, other.waived) <= 0))
        })
    }

    /// The next bytes leave.
    fn deliver<S>(&mut self, side: Side, stretch: &Stretch<'_>, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        let half = self.half_mut(side);
        half.move_to(stretch.end());
        half.remember(stretch.seq, stretch.bytes);
        half.absent = 0;
        // A stream that goes on was not reset, whoever said so.
        self.closed = self.closed && self.halves.iter().all(|half| half.is(known::FIN));
        if let Some(cold) = &mut self.cold {
            cold.far[side.index()] = None;
            cold.pending = cold.pending.filter(|(of, _)| *of != side);
        }
        if !stretch.bytes.is_empty() {
            out.emit(self, Event::Data { side, bytes: stretch.bytes, at: stretch.at });
        }
        if stretch.missing > 0 {
            out.emit(self, Event::Gap { side, missing: u64::from(stretch.missing) });
        }
    }

    /// Bytes up to `to` are missing.
    fn skip_to<S>(&mut self, side: Side, to: u32, missing: u32, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        self.half_mut(side).move_to(to);
        out.count(side, |rare| {
            rare.gaps += 1;
            rare.gap_bytes += u64::from(missing);
        });
        out.emit(self, Event::Gap { side, missing: u64::from(missing) });
    }

    /// Holds a stretch until its turn comes; at a ceiling, gives up what is missing before it.
    fn hold<S>(&mut self, side: Side, stretch: &Stretch<'_>, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        let next = self.half(side).next;
        let waiting = &mut self.cold.get_or_insert_with(|| out.pool.cold()).waiting[side.index()];
        let found = waiting.compare(stretch);
        if found.seen > 0 {
            let rare = out.ledger.rare_mut(side);
            rare.retransmitted_bytes += u64::from(found.seen);
            rare.retransmitted_packets += u64::from(found.new == 0);
            rare.overlaps += u64::from(found.new > 0);
            rare.conflicts += u64::from(found.conflict);
        }
        if found.new == 0 {
            return;
        }
        if stretch.seq != next {
            out.count(side, |rare| rare.out_of_order_packets += 1);
        }
        if waiting.has_room(stretch, out.pool) {
            return waiting.insert(stretch, out.pool);
        }
        self.force(side, out);
        let next = self.half(side).next;
        let old = u32::try_from(ahead(next, stretch.seq)).unwrap_or(0);
        let rest = stretch.part(old, u32::MAX);
        if rest.len() > 0 {
            if rest.seq != next {
                self.skip_to(side, rest.seq, rest.seq.wrapping_sub(next), out);
            }
            self.deliver(side, &rest, out);
        }
    }

    /// Everything held in a direction leaves, whatever is missing before it.
    fn force<S>(&mut self, side: Side, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        while let Some(held) = self.cold.as_mut().and_then(|cold| cold.waiting[side.index()].pop()) {
            let next = self.half(side).next;
            if ahead(held.seq, next) > 0 {
                self.skip_to(side, held.seq, held.seq.wrapping_sub(next), out);
            }
            self.release(side, held, out);
        }
    }

    /// A held stretch leaves, its buffer goes back.
    fn release<S>(&mut self, side: Side, held: Held, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        let old = u32::try_from(ahead(self.half(side).next, held.seq)).unwrap_or(0);
        let rest = held.stretch().part(old, u32::MAX);
        if rest.len() > 0 {
            self.deliver(side, &rest, out);
        }
        out.pool.give(held.bytes);
    }

    /// Lets go of what can leave at this clock, or has waited long enough.
    pub(super) fn settle<S>(&mut self, clock: u64, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        if self.cold.is_none() {
            return;
        }
        loop {
            self.drain(out);
            if !self.give_up(clock, out) {
                break;
            }
        }
        if self.cold.as_ref().is_some_and(|cold| cold.is_empty())
            && let Some(cold) = self.cold.take()
        {
            out.pool.give_cold(cold);
        }
    }

    /// Everything held leaves: the flow ends.
    pub(super) fn flush<S>(&mut self, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        if let Some(cold) = &mut self.cold {
            (cold.far, cold.pending) = ([None; 2], None);
        }
        self.settle(u64::MAX, out);
    }

    /// Whatever is next in its direction, and caused, leaves; of two, what came first.
    fn drain<S>(&mut self, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        let mut moved = [false; 2];
        while let Some(side) = self.ready() {
            moved[side.index()] = true;
            let Some(waiting) = self.cold.as_mut().map(|cold| &mut cold.waiting[side.index()]) else { break };
            match waiting.pop() {
                Some(held) => self.release(side, held, out),
                None => {
                    waiting.fin = None;
                    self.finish_half(side, out);
                }
            }
        }
        if let Some(cold) = &mut self.cold {
            let waits = cold.waiting.iter_mut().zip(moved);
            waits.filter(|(_, moved)| *moved).for_each(|(waiting, _)| waiting.age());
        }
    }

    /// The side whose first held stretch (or FIN) may leave.
    fn ready(&self) -> Option<Side> {
        let cold = self.cold.as_ref()?;
        let turn = |side: Side| {
            let waiting = &cold.waiting[side.index()];
            let next = self.half(side).next;
            match (waiting.held.front(), waiting.fin) {
                (Some(held), _) if ahead(held.seq, next) <= 0 && self.is_caused(side, held.ack) => {
                    Some(((held.clock, held.at.packet), side))
                }
                (None, Some((seq, at))) if ahead(seq, next) <= 0 => Some(((u64::MAX, at.packet), side)),
                _ => None,
            }
        };
        turn(Side::A).into_iter().chain(turn(Side::B)).min().map(|(_, side)| side)
    }

    /// Gives up waiting for one thing whose time has passed, missing bytes first. True when something changed.
    fn give_up<S>(&mut self, clock: u64, out: &mut Out<'_, S>) -> bool
    where
        S: Sink,
    {
        for side in [Side::A, Side::B] {
            let next = self.half(side).next;
            if let Some((first, since)) = self.first_held(side)
                && ahead(first, next) > 0
                && clock.saturating_sub(since) >= self.patience(side, first)
            {
                self.skip_to(side, first, first.wrapping_sub(next), out);
                return true;
            }
        }
        for side in [Side::A, Side::B] {
            let Some(waiting) = self.cold.as_ref().map(|cold| &cold.waiting[side.index()]) else { continue };
            let Some(held) = waiting.held.front() else { continue };
            let Some(ack) = held.ack else { continue };
            let in_order = ahead(held.seq, self.half(side).next) <= 0;
            if in_order && !self.is_caused(side, Some(ack)) && clock.saturating_sub(held.clock) >= ACKED_WAIT {
                self.acknowledge(side.other(), ack);
                let other = self.half_mut(side.other());
                other.waived = ack;
                other.absent = other.absent.saturating_add(1);
                other.flags |= known::WAIVED;
                return true;
            }
        }
        false
    }

    /// Where the first held stretch (or FIN) of a side begins, and since when something waits.
    fn first_held(&self, side: Side) -> Option<(u32, u64)> {
        let waiting = &self.cold.as_ref()?.waiting[side.index()];
        let first = waiting.held.front().map(|held| held.seq).or(waiting.fin.map(|(seq, _)| seq))?;
        Some((first, waiting.since))
    }

    /// How long missing bytes before `first` are waited for.
    fn patience(&self, side: Side, first: u32) -> u64 {
        let half = self.half(side);
        if half.is(known::CLAIMED) && ahead(half.claimed, first) >= 0 {
            let waived = half.is(known::WAIVED) && ahead(half.waived, first) >= 0;
            return if waived { 0 } else { ACKED_WAIT };
        }
        if self.half(side.other()).is(known::SEEN) { UNACKED_WAIT } else { ONE_WAY_WAIT }
    }

    /// The checksum is right, can't be said, or decides nothing; else the segment is counted and set aside.
    fn is_sound<S, V>(&mut self, side: Side, out: &mut Out<'_, S>, verify: &mut V) -> bool
    where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        if out.ledger.offload[side.index()] || self.check(side, out.ledger, verify) {
            return true;
        }
        out.count(side, |rare| rare.bad_checksums += 1);
        false
    }

    /// Looks at a segment's checksum and learns whether this side's are wrong as a rule.
    fn check<V: FnMut() -> Option<bool>>(&mut self, side: Side, ledger: &mut Ledger, verify: &mut V) -> bool {
        let Some(right) = verify() else { return true };
        let half = self.half_mut(side);
        if half.checked == u8::MAX {
            (half.checked, half.wrong) = (half.checked / 2, half.wrong / 2);
        }
        half.checked = half.checked.saturating_add(1);
        half.wrong = half.wrong.saturating_add(u8::from(!right));
        half.flags |= if right { 0 } else { known::JUDGING };
        if half.checked >= CHECKSUMS {
            half.flags &= !known::JUDGING;
            let rule = u16::from(half.wrong).saturating_mul(4) >= u16::from(half.checked).saturating_mul(3);
            ledger.offload[side.index()] = rule;
            return right || rule;
        }
        right
    }
}

/// A segment whose place makes no sense.
fn set_aside<S>(side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>)
where
    S: Sink,
{
    out.count(side, |rare| {
        rare.set_aside_packets += 1;
        rare.set_aside_bytes += u64::from(segment.len());
    });
}
