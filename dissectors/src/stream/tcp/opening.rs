//! How a connection begins: SYN, or the middle.

use super::half::known;
use super::{Event, FAR, Out, Sink, Tcp};
use crate::address::Side;
use crate::packet::tcp_flags::{FIN, RST, SYN};
use crate::stream::ledger::Ledger;
use crate::stream::waiting::{Stretch, ahead};

/// A SYN up to so far before what was seen is a late one, not a new connection's.
const LATE_SYN: u32 = 1 << 16;

impl Tcp {
    /// A SYN. False when it belongs to another connection than this one.
    pub(super) fn open<S>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>) -> bool
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
    pub(super) fn is_late_syn(&self, side: Side, seq: u32) -> bool {
        let half = self.half(side);
        half.is(known::NEXT) && half.next.wrapping_sub(seq.wrapping_add(1)) <= LATE_SYN
    }

    /// Whether a packet begins another connection between the same ports: a SYN with a new sequence number when the old one is over, dying,
    /// one-sided or long `quiet`; or the answer to (or first data after) a SYN that was set aside when it still lived.
    pub(in crate::stream) fn is_another(&self, side: Side, flags: u8, seq: u32, ack: Option<u32>, quiet: bool) -> bool {
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
    pub(super) fn acknowledge(&mut self, side: Side, ack: u32) {
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
    pub(super) fn begin(&mut self, side: Side, segment: &Stretch<'_>, flags: u8, ledger: &mut Ledger) {
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
}
