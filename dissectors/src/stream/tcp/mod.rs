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

mod ending;
mod half;
mod opening;
mod release;

use half::{Half, fingerprint, known};

use super::ledger::{Ledger, Rare};
use super::waiting::{Cold, Pool, Stretch, ahead};
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
    /// Bytes of a direction that the other side has acknowledged did not come in time. They may still come, or turn out to be a gap;
    /// but what answers them leaves now.
    Missed {
        /// Whose.
        side: Side,
    },
    /// A reset that is believed.
    Reset {
        /// Who sent it.
        side: Side,
    },
    /// Both sides have ended their stream.
    Closed,
}

/// Who takes a stream's events.
pub(in crate::stream) trait Sink {
    /// The next event; `tcp` as it stands now.
    fn event(&mut self, event: Event<'_>, ledger: &mut Ledger, tcp: &Tcp);
}

/// Where a stream's output and counts go.
pub(in crate::stream) struct Out<'a, S> {
    pub(in crate::stream) ledger: &'a mut Ledger,
    pub(in crate::stream) pool: &'a mut Pool,
    pub(in crate::stream) sink: S,
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
    pub(in crate::stream) fn stage(&self) -> u8 {
        if self.closed { 2 } else { u8::from(self.half_closed()) }
    }

    /// A SYN was set aside that may belong to another connection.
    #[inline]
    pub(in crate::stream) fn suspects(&self) -> bool {
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

    /// Takes a segment of `side`: what can be delivered leaves at once. True when there was nothing out of the ordinary.
    #[inline]
    pub(in crate::stream) fn push<S, V>(
        &mut self,
        side: Side,
        flags: u8,
        segment: &Stretch<'_>,
        out: &mut Out<'_, S>,
        verify: &mut V,
    ) -> bool
    where
        S: Sink,
        V: FnMut() -> Option<bool>,
    {
        if !self.is_plain(side, flags, segment) {
            self.push_slow(side, flags, segment, out, verify);
            return false;
        }
        if !segment.bytes.is_empty() {
            let half = self.half_mut(side);
            half.next = segment.end();
            half.flags |= known::ANCHORED;
            half.remember(segment.seq, segment.bytes);
            out.emit(self, Event::Data { side, bytes: segment.bytes, at: segment.at });
        }
        true
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
