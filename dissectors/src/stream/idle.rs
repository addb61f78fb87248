//! When which flow is to be looked at: a coarse wheel with one entry per flow, moved only when its time comes.

use super::flow::FlowId;
use super::slots::{SLOTS, Slots};

/// Width of a slot: 2^30 ns, 1.07 s; a turn is 73 minutes. What is further ahead is looked at once more in between.
const SLOT_BITS: u32 = 30;
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Link {
    previous: u32,
    next: u32,
    /// Slot (ever-growing number, cut to 32 bits: 146 years); [`NONE`] when the flow is in no list.
    slot: u32,
}

const LOOSE: Link = Link { previous: NONE, next: NONE, slot: NONE };

/// The wheel. Lists are first in, first out, so that the order depends on the packets alone.
#[derive(Debug)]
pub(super) struct Idle {
    links: Vec<Link>,
    /// First and last of each slot.
    lists: Vec<[u32; 2]>,
    occupied: Slots,
    current: u64,
    linked: usize,
}

impl Idle {
    pub(super) fn new() -> Self {
        Idle { links: Vec::new(), lists: vec![[NONE; 2]; SLOTS], occupied: Slots::new(), current: 0, linked: 0 }
    }

    /// Nothing to look at yet.
    #[inline]
    pub(super) fn is_quiet(&self, clock: u64) -> bool {
        clock >> SLOT_BITS <= self.current && self.lists[Slots::place(self.current)][0] == NONE
    }

    /// The time until which there is nothing to look at, ns; 0 when there is something now.
    pub(super) fn wake(&self) -> u64 {
        let here = self.lists[Slots::place(self.current)][0];
        if here == NONE { (self.current + 1) << SLOT_BITS } else { 0 }
    }

    /// Has a flow looked at when `due` has passed, wherever it stood before.
    pub(super) fn put(&mut self, id: FlowId, due: u64, clock: u64) {
        self.remove(id);
        if self.linked == 0 {
            self.current = self.current.max(clock >> SLOT_BITS);
        }
        if self.links.len() <= id as usize {
            self.links.resize(id as usize + 1, LOOSE);
        }
        let last = self.current + (SLOTS as u64 - 1);
        let slot = ((due >> SLOT_BITS) + 1).clamp(self.current + 1, last);
        let place = Slots::place(slot);
        let tail = self.lists[place][1];
        self.links[id as usize] = Link { previous: tail, next: NONE, slot: slot as u32 };
        match self.links.get_mut(tail as usize) {
            Some(link) => link.next = id,
            None => self.lists[place][0] = id,
        }
        self.lists[place][1] = id;
        self.occupied.set(place, true);
        self.linked += 1;
    }

    /// Takes a flow out.
    pub(super) fn remove(&mut self, id: FlowId) {
        let Some(link) = self.links.get_mut(id as usize) else { return };
        let Link { previous, next, slot } = std::mem::replace(link, LOOSE);
        if slot == NONE {
            return;
        }
        let place = Slots::place(u64::from(slot));
        match self.links.get_mut(previous as usize) {
            Some(link) => link.next = next,
            None => self.lists[place][0] = next,
        }
        match self.links.get_mut(next as usize) {
            Some(link) => link.previous = previous,
            None => self.lists[place][1] = previous,
        }
        if self.lists[place][0] == NONE {
            self.occupied.set(place, false);
        }
        self.linked -= 1;
    }

    /// Takes out the next flow whose slot has passed.
    pub(super) fn next_due(&mut self, clock: u64) -> Option<FlowId> {
        let target = clock >> SLOT_BITS;
        loop {
            let head = self.lists[Slots::place(self.current)][0];
            if head != NONE {
                self.remove(head);
                return Some(head);
            }
            if self.current >= target {
                return None;
            }
            let ahead = self.occupied.next_after(Slots::place(self.current)).unwrap_or(u64::MAX);
            self.current = self.current.saturating_add(ahead).min(target);
        }
    }

    /// The flow at the very front, and the time up to which it was last known to be wanted (ns, a slot more at most).
    pub(super) fn earliest(&self) -> Option<(FlowId, u64)> {
        let here = self.lists[Slots::place(self.current)][0];
        if here != NONE {
            return Some((here, self.current << SLOT_BITS));
        }
        let slot = self.current + self.occupied.next_after(Slots::place(self.current))?;
        Some((self.lists[Slots::place(slot)][0], slot << SLOT_BITS))
    }
}
