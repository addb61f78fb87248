//! Deadlines of open requests: a wheel, because a heap costs on the hot path.
//!
//! A flow should keep at most one timer (its earliest deadline) and ask for the next when it fires; a timer of a flow that has
//! ended is recognised by its generation.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::flow::FlowId;
use super::slots::{SLOTS, Slots};

/// Width of a slot: 2^24 ns, 16.8 ms; a turn of the wheel is 69 s. What lies further ahead waits in a heap.
const SLOT_BITS: u32 = 24;

/// Most timers at once.
pub const MAX_TIMERS: usize = 1 << 21;

const NONE: u32 = u32::MAX;

/// Time, order of insertion, flow, generation: sorts as it must fire.
type Entry = (u64, u64, FlowId, u32);

#[derive(Debug, Clone, Copy)]
struct Node {
    entry: Entry,
    next: u32,
}

/// Timers in the order of (time, insertion).
#[derive(Debug)]
pub struct Timers {
    nodes: Vec<Node>,
    free: u32,
    heads: Vec<u32>,
    occupied: Slots,
    /// The slot whose timers are in `ready`.
    current: u64,
    /// Timers of the current and earlier slots, latest first.
    ready: Vec<Entry>,
    far: BinaryHeap<Reverse<Entry>>,
    order: u64,
    pending: usize,
    limit: usize,
    /// Before this time no timer is due and nothing has to be moved up, ns.
    wake: u64,
    /// Timers that were refused because there were too many (ceiling `timers`).
    pub refused: u64,
}

impl Default for Timers {
    fn default() -> Self {
        Timers::new(MAX_TIMERS)
    }
}

impl Timers {
    /// No timers yet; at most `limit` at once.
    pub fn new(limit: usize) -> Self {
        Timers {
            nodes: Vec::new(),
            free: NONE,
            heads: vec![NONE; SLOTS],
            occupied: Slots::new(),
            current: 0,
            ready: Vec::new(),
            far: BinaryHeap::new(),
            order: 0,
            pending: 0,
            limit: limit.min(NONE as usize),
            wake: 0,
            refused: 0,
        }
    }

    /// Timers that have not fired.
    pub fn len(&self) -> usize {
        self.pending
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.pending == 0
    }

    /// A timer for `flow` at `at_ns` on the capture clock (one in the past fires at the next call). False, and counted in
    /// `refused`, when there are too many.
    #[inline]
    pub fn schedule(&mut self, at_ns: u64, flow: FlowId, generation: u32) -> bool {
        if self.pending >= self.limit {
            self.refused = self.refused.saturating_add(1);
            return false;
        }
        self.pending += 1;
        self.wake = self.wake.min(at_ns);
        self.order = self.order.wrapping_add(1);
        self.place((at_ns, self.order, flow, generation));
        true
    }

    /// Before this time [`Timers::pop_due`] has nothing to do, ns.
    #[inline]
    pub fn wake(&self) -> u64 {
        self.wake
    }

    /// The next timer whose time has come: (time, flow, generation). Call until `None`.
    #[inline]
    pub fn pop_due(&mut self, clock: u64) -> Option<(u64, FlowId, u32)> {
        if clock < self.wake {
            return None;
        }
        let due = if self.pending == 0 {
            self.current = self.current.max(clock >> SLOT_BITS);
            None
        } else {
            self.pop_slow(clock)
        };
        if due.is_none() {
            self.wake = self.ready.last().map_or(u64::MAX, |(at, ..)| *at).min((self.current + 1) << SLOT_BITS);
        }
        due
    }

    fn pop_slow(&mut self, clock: u64) -> Option<(u64, FlowId, u32)> {
        loop {
            if let Some(&(at, _, flow, generation)) = self.ready.last() {
                if at > clock {
                    return None;
                }
                self.ready.pop();
                self.pending = self.pending.saturating_sub(1);
                return Some((at, flow, generation));
            }
            let target = clock >> SLOT_BITS;
            if self.current >= target {
                return None;
            }
            self.step(target);
        }
    }

    /// Goes to the next slot that holds something, at most to `target`, and makes its timers ready.
    fn step(&mut self, target: u64) {
        let near = self.occupied.next_after(Slots::place(self.current)).map(|d| self.current.saturating_add(d));
        let far = self.far.peek().map(|Reverse(entry)| entry.0 >> SLOT_BITS);
        let next = near.into_iter().chain(far).min().map_or(target, |slot| slot.min(target));
        self.current = next.max(self.current);
        let place = Slots::place(self.current);
        let mut at = std::mem::replace(&mut self.heads[place], NONE);
        self.occupied.set(place, false);
        while let Some(node) = self.nodes.get_mut(at as usize) {
            self.ready.push(node.entry);
            let next = std::mem::replace(&mut node.next, self.free);
            self.free = at;
            at = next;
        }
        self.ready.sort_unstable_by(|a, b| b.cmp(a));
        while let Some(Reverse(entry)) = self.far.peek().copied() {
            if (entry.0 >> SLOT_BITS).saturating_sub(self.current) >= SLOTS as u64 {
                break;
            }
            self.far.pop();
            self.place(entry);
        }
    }

    #[inline]
    fn place(&mut self, entry: Entry) {
        let slot = entry.0 >> SLOT_BITS;
        if slot <= self.current {
            let at = self.ready.partition_point(|other| *other > entry);
            self.ready.insert(at, entry);
        } else if slot - self.current < SLOTS as u64 {
            self.link(Slots::place(slot), entry);
        } else {
            self.far.push(Reverse(entry)); // also before the first look at the clock
        }
    }

    #[inline]
    fn link(&mut self, place: usize, entry: Entry) {
        let node = Node { entry, next: self.heads[place] };
        if let Some(old) = self.nodes.get_mut(self.free as usize) {
            self.heads[place] = self.free;
            self.free = old.next;
            *old = node;
        } else {
            self.heads[place] = self.nodes.len() as u32;
            self.nodes.push(node);
        }
        self.occupied.set(place, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_in_order_of_time_and_insertion_like_a_sorted_list() {
        let mut seed = 99_u64;
        let mut random = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let mut timers = Timers::default();
        let mut model: Vec<(u64, u32)> = Vec::new();
        let mut clock = 1_700_000_000_000_000_000_u64;
        for round in 0..20_000_u32 {
            clock += random() % 40_000_000;
            let ahead = match random() % 8 {
                0 => random() % 1_000_000,
                1 => random() % 400_000_000_000,
                2 => 0,
                _ => 10_000_000_000,
            };
            assert!(timers.schedule(clock + ahead, round, round));
            model.push((clock + ahead, round));
            if round % 1_000 == 999 {
                clock += 200_000_000_000;
            }
            model.sort();
            let due = model.partition_point(|(at, _)| *at <= clock);
            for (at, flow) in model.drain(..due) {
                assert_eq!(timers.pop_due(clock), Some((at, flow, flow)));
            }
            assert_eq!(timers.pop_due(clock), None);
            assert_eq!(timers.len(), model.len());
        }
    }

    #[test]
    fn too_many_are_refused_and_counted() {
        let mut timers = Timers::new(2);
        assert!(timers.schedule(5, 1, 0) && timers.schedule(1, 2, 0));
        assert!(!timers.schedule(3, 3, 0));
        assert_eq!(timers.refused, 1);
        assert_eq!(timers.pop_due(9), Some((1, 2, 0)));
        assert!(timers.schedule(3, 3, 0));
        assert_eq!(timers.pop_due(4), Some((3, 3, 0)));
        assert_eq!(timers.pop_due(4), None);
        assert_eq!(timers.pop_due(5), Some((5, 1, 0)));
    }

    #[test]
    fn a_timer_before_the_wheel_fires_first() {
        let mut timers = Timers::default();
        let base = 1_700_000_000_000_000_000;
        timers.schedule(base, 1, 1);
        timers.schedule(7, 2, 2);
        assert_eq!(timers.pop_due(base), Some((7, 2, 2)));
        assert_eq!(timers.pop_due(base), Some((base, 1, 1)));
    }
}
