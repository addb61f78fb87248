//! How a connection ends: FIN from both, or a reset.

use super::half::known;
use super::{Event, FAR, Out, Sink, Tcp};
use crate::address::Side;
use crate::stream::waiting::{Stretch, ahead};

impl Tcp {
    /// A FIN behind the segment's bytes.
    pub(super) fn end<S>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>)
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
    pub(super) fn finish_half<S>(&mut self, side: Side, out: &mut Out<'_, S>)
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
    pub(super) fn reset<S, V>(&mut self, side: Side, segment: &Stretch<'_>, out: &mut Out<'_, S>, verify: &mut V)
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
        let half = self.half_mut(side);
        if !half.is(known::NEXT) {
            (half.next, half.start) = (segment.seq, segment.seq); // should the stream go on after all, it does so from here
        }
        half.flags |= known::NEXT | known::SEEN;
        self.flush(out);
        if !self.closed {
            self.closed = true;
            out.emit(self, Event::Reset { side });
        }
    }
}
