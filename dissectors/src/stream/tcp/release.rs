//! What leaves, what is held, and what is given up.

use super::half::known;
use super::{ACKED_WAIT, Event, ONE_WAY_WAIT, Out, Sink, Tcp, UNACKED_WAIT};
use crate::address::Side;
use crate::stream::waiting::{Held, Stretch, ahead};

impl Tcp {
    /// The next bytes leave.
    pub(super) fn deliver<S>(&mut self, side: Side, stretch: &Stretch<'_>, out: &mut Out<'_, S>)
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
    pub(super) fn skip_to<S>(&mut self, side: Side, to: u32, missing: u32, out: &mut Out<'_, S>)
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
    pub(super) fn hold<S>(&mut self, side: Side, stretch: &Stretch<'_>, out: &mut Out<'_, S>)
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
    pub(super) fn force<S>(&mut self, side: Side, out: &mut Out<'_, S>)
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
    pub(super) fn release<S>(&mut self, side: Side, held: Held, out: &mut Out<'_, S>)
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
    pub(in crate::stream) fn settle<S>(&mut self, clock: u64, out: &mut Out<'_, S>)
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
    pub(in crate::stream) fn flush<S>(&mut self, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        if let Some(cold) = &mut self.cold {
            (cold.far, cold.pending) = ([None; 2], None);
        }
        self.settle(u64::MAX, out);
    }

    /// The flow ends: everything held leaves, and what was acknowledged but never came is missing.
    pub(in crate::stream) fn finish<S>(&mut self, out: &mut Out<'_, S>)
    where
        S: Sink,
    {
        self.flush(out);
        for side in [Side::A, Side::B] {
            if let Some((to, missing)) = self.never_came(side) {
                self.skip_to(side, to, missing, out);
            }
        }
    }

    /// Up to where, and how many bytes the other side has acknowledged beyond what came. A single one is more likely an end (FIN) not seen.
    fn never_came(&self, side: Side) -> Option<(u32, u32)> {
        let half = self.half(side);
        let known = half.is(known::SEEN) && half.is(known::CLAIMED) && !half.is(known::FIN);
        let missing = u32::try_from(ahead(half.claimed, half.next)).unwrap_or(0);
        (known && missing > 1).then_some((half.claimed, missing))
    }

    /// Whatever is next in its direction, and caused, leaves; of two, what came first.
    pub(super) fn drain<S>(&mut self, out: &mut Out<'_, S>)
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
    pub(super) fn ready(&self) -> Option<Side> {
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
    pub(super) fn give_up<S>(&mut self, clock: u64, out: &mut Out<'_, S>) -> bool
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
                out.emit(self, Event::Missed { side: side.other() });
                return true;
            }
        }
        false
    }

    /// Where the first held stretch (or FIN) of a side begins, and since when something waits.
    pub(super) fn first_held(&self, side: Side) -> Option<(u32, u64)> {
        let waiting = &self.cold.as_ref()?.waiting[side.index()];
        let first = waiting.held.front().map(|held| held.seq).or(waiting.fin.map(|(seq, _)| seq))?;
        Some((first, waiting.since))
    }

    /// How long missing bytes before `first` are waited for.
    pub(super) fn patience(&self, side: Side, first: u32) -> u64 {
        let half = self.half(side);
        if half.is(known::CLAIMED) && ahead(half.claimed, first) >= 0 {
            let waived = half.is(known::WAIVED) && ahead(half.waived, first) >= 0;
            return if waived { 0 } else { ACKED_WAIT };
        }
        if self.half(side.other()).is(known::SEEN) { UNACKED_WAIT } else { ONE_WAY_WAIT }
    }
}
