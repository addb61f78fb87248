//! The bounded table of flows.
//!
//! Nothing here depends on the process's hash key or on real time: the key decides where a flow lies in the index, and nothing is
//! ever listed in the order of the index.

mod lifecycle;
mod stage;

use std::collections::VecDeque;
use std::hint::black_box;

pub use stage::Receiver;
use stage::on_stage;

use crate::address::Side;
use crate::packet::tcp_flags::{ACK, SYN};
use crate::packet::{Packet, marks};
use crate::protocols::Ending;
use crate::stream::flow::{Flow, FlowId};
use crate::stream::idle::Idle;
use crate::stream::index::{Index, tag};
use crate::stream::key::FlowKey;
use crate::stream::ledger::Totals;
use crate::stream::limits::Limits;
use crate::stream::tcp::ACKED_WAIT;
use crate::stream::waiting::{Pool, Stretch};

/// Records per chunk: the table grows without moving what it holds.
const CHUNK: usize = 1024;
/// Most flows looked at in one call of [`Flows::expire`] or [`Flows::overdue`].
const STEPS: usize = 64;

/// Where the search for a packet's flow begins ([`Flows::locate`]).
#[derive(Debug, Clone, Copy, Default)]
pub struct Slot(u32);

/// The flow of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub id: FlowId,
    /// The sender's side.
    pub side: Side,
    /// The packet is its first.
    pub new: bool,
    /// The packet is its side's first, or came with another MAC or VLAN than its side's last.
    pub moved: bool,
}

/// The table.
#[derive(Debug)]
pub struct Flows<T> {
    limits: Limits,
    /// The shortest of the time-outs: a flow silent for less lives.
    shortest: u64,
    index: Index,
    idle: Idle,
    chunks: Vec<Vec<Flow<T>>>,
    free: Vec<FlowId>,
    pool: Pool,
    /// Flows that hold data back: when to look again, id, generation. All wait equally long, so the order is that of time.
    waits: VecDeque<(u64, FlowId, u32)>,
    totals: Totals,
    begun: u64,
    alive: u32,
    pushed_out: u64,
    waits_full: u64,
    /// Before this time there is nothing overdue and nothing to expire, ns.
    wake: u64,
}

impl<T: Default> Flows<T> {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Flows {
            limits: Limits { max_flows: limits.max_flows.clamp(1, u32::MAX - 1), ..limits },
            shortest: limits.shortest(),
            index: Index::new(),
            idle: Idle::new(),
            chunks: Vec::new(),
            free: Vec::new(),
            pool: Pool::new(limits.buffered_bytes_total, limits.buffered_bytes),
            waits: VecDeque::new(),
            totals: Totals::default(),
            begun: 0,
            alive: 0,
            pushed_out: 0,
            waits_full: 0,
            wake: 0,
        }
    }

    /// Flows in the table.
    pub fn len(&self) -> usize {
        self.alive as usize
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// Flows so far.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Sums over the flows that have ended (all of them after [`Flows::finish_all`]).
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Bytes held back now over all flows.
    pub fn held_bytes(&self) -> usize {
        self.pool.used()
    }

    /// How often which ceiling was reached.
    pub fn ceilings(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [total, direction, segments] = self.pool.reached;
        [
            ("flows", self.pushed_out),
            ("buffered_bytes", direction),
            ("buffered_bytes_total", total),
            ("held_segments", segments),
            ("waiting_flows", self.waits_full),
        ]
        .into_iter()
    }

    /// First pass over a batch of packets: fetches the index line of a packet's flow ([`Packet::hash`]).
    #[inline]
    pub fn locate(&self, hash: u64) -> Slot {
        let tag = tag(hash);
        black_box(self.index.first(tag));
        Slot(tag)
    }

    /// Second pass: fetches the record; what the engine keeps there it fetches itself.
    #[inline]
    pub fn warm(&self, slot: Slot) -> Option<&T> {
        let word = self.index.first(slot.0);
        if (word >> 32) as u32 != slot.0 || word == 0 {
            return None;
        }
        let flow = self.get((word as u32).wrapping_sub(1));
        black_box(flow.key.ports);
        black_box(flow.generation);
        black_box(flow.ledger.midstream);
        black_box(flow.tcp.closed());
        Some(&flow.data)
    }

    /// Third pass: the flow of a packet, a new one where there is none, with the packet in its ledger. `clock` is what the packet runs at.
    /// `receiver` hears of flows that end because of it (another connection between the same ports, the table's ceiling).
    #[inline]
    pub fn find<R: Receiver<T>>(&mut self, packet: &Packet, clock: u64, receiver: &mut R) -> Found {
        let side = packet.side;
        let tag = tag(packet.hash);
        let chunks = &self.chunks;
        let found = self.index.find(tag, |id| chunks[id as usize / CHUNK][id as usize % CHUNK].key.is_of(packet));
        if let Some(id) = found {
            let flow = &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK];
            if !may_be_another(flow, packet, clock, self.shortest) {
                let moved = count(flow, side, packet, clock);
                return Found { id, side, new: false, moved };
            }
        }
        let (id, new) = match found {
            Some(id) => (id, self.replace(id, side, packet, clock, receiver)),
            None => (self.begin(FlowKey::of(packet).0, tag, packet, clock, receiver), true),
        };
        let moved = count(self.get_mut(id), side, packet, clock);
        Found { id, side, new, moved }
    }

    /// The record of a flow in the table.
    #[inline]
    pub fn get(&self, id: FlowId) -> &Flow<T> {
        &self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    /// The same, to change. `id` comes from this table.
    #[inline]
    pub fn get_mut(&mut self, id: FlowId) -> &mut Flow<T> {
        &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    /// The flow that a timer was set for, unless it has ended.
    pub fn alive_mut(&mut self, id: FlowId, generation: u32) -> Option<&mut Flow<T>> {
        let flow = self.chunks.get_mut(id as usize / CHUNK)?.get_mut(id as usize % CHUNK)?;
        (flow.alive && flow.generation == generation).then_some(flow)
    }

    /// Puts a TCP segment in order. `bytes` is the packet's payload as captured; `verify` says whether the checksum is right (`None`: can't be
    /// said) and is asked only where that decides something.
    #[inline]
    pub fn segment<R: Receiver<T>>(
        &mut self,
        found: Found,
        packet: &Packet,
        bytes: &[u8],
        mut verify: impl FnMut() -> Option<bool>,
        receiver: &mut R,
    ) {
        let Found { id, side, .. } = found;
        let flow = &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK];
        let clock = flow.last.time;
        let segment = Stretch {
            seq: packet.seq,
            bytes,
            missing: packet.payload_missing,
            ack: (packet.flags & ACK != 0).then_some(packet.ack),
            at: packet.at,
            clock,
        };
        let before = flow.tcp.stage();
        let mut plain = false;
        on_stage(id, flow, &mut self.pool, clock, receiver, |tcp, out| {
            plain = tcp.push(side, packet.flags, &segment, out, &mut verify);
        });
        if !plain {
            self.look_after(id, before, clock, receiver);
        }
    }

    /// What passing time brings: [`Flows::overdue`] and [`Flows::expire`]. To be called once per packet, before it: costs a comparison where
    /// nothing is due.
    #[inline]
    pub fn pass_time<R: Receiver<T>>(&mut self, clock: u64, receiver: &mut R) {
        if clock < self.wake {
            return;
        }
        self.overdue(clock, receiver);
        self.expire(clock, receiver);
        self.wake = self.waits.front().map_or(u64::MAX, |(at, ..)| *at).min(self.idle.wake());
    }

    /// Before this time [`Flows::pass_time`] has nothing to do, ns.
    #[inline]
    pub fn wake(&self) -> u64 {
        self.wake
    }

    /// Lets go of data held back too long: a bounded number of steps, what is left is done at the next call.
    pub fn overdue<R: Receiver<T>>(&mut self, clock: u64, receiver: &mut R) {
        for _ in 0..STEPS {
            let Some(&(at, id, generation)) = self.waits.front() else { return };
            if at > clock {
                return;
            }
            self.waits.pop_front();
            if let Some(flow) = self.alive_mut(id, generation) {
                flow.queued = false;
                // All that is due by now goes, at the time of the entry: before the deadlines of requests that come after it.
                self.settle(id, clock, at, receiver);
            }
        }
    }

    /// Ends flows that were silent too long: a bounded number of steps, what is left is done at the next call.
    pub fn expire<R: Receiver<T>>(&mut self, clock: u64, receiver: &mut R) {
        if self.idle.is_quiet(clock) {
            return;
        }
        for _ in 0..STEPS {
            let Some(id) = self.idle.next_due(clock) else { return };
            let due = self.due(id);
            if due <= clock {
                self.remove(id, clock, receiver);
            } else {
                self.idle.put(id, due, clock);
            }
        }
    }

    /// Ends all flows, in the order in which they began.
    pub fn finish_all<R: Receiver<T>>(&mut self, clock: u64, ending: Ending, receiver: &mut R) {
        for id in self.in_order() {
            let ending = if self.get(id).tcp.closed() { Ending::Closed } else { ending };
            self.end(id, clock, ending, receiver);
            self.release(id);
        }
        self.waits.clear();
    }

    /// The flows in the table, in the order in which they began.
    pub fn in_order(&self) -> Vec<FlowId> {
        let flows = self.chunks.iter().flatten().zip(0..);
        let mut order: Vec<(u64, FlowId)> =
            flows.filter(|(flow, _)| flow.alive).map(|(flow, id)| (flow.number, id)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Lets go of what a flow has held back long enough at `until`.
    fn settle(&mut self, id: FlowId, until: u64, clock: u64, receiver: &mut impl Receiver<T>) {
        let flow = &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK];
        let before = flow.tcp.stage();
        on_stage(id, flow, &mut self.pool, clock, receiver, |tcp, out| tcp.settle(until, out));
        self.look_after(id, before, clock, receiver);
    }

    /// After something happened to a stream: another time-out when it has closed, another look when it holds data back.
    #[inline(never)]
    fn look_after(&mut self, id: FlowId, before: u8, clock: u64, receiver: &mut impl Receiver<T>) {
        if self.get(id).tcp.stage() != before {
            let due = self.due(id);
            self.idle.put(id, due, clock);
        }
        let full = self.waits.len() >= self.limits.waiting_flows;
        let flow = self.get_mut(id);
        if !flow.tcp.waiting() || flow.queued {
            return;
        }
        if full {
            self.waits_full += 1;
            return self.settle(id, u64::MAX, clock, receiver);
        }
        flow.queued = true;
        let generation = flow.generation;
        let at = clock.saturating_add(ACKED_WAIT);
        self.wake = self.wake.min(at);
        self.waits.push_back((at, id, generation));
    }
}

/// Whether a closer look is needed at whether the packet belongs to this flow or begins another in its place.
#[inline]
fn may_be_another<T>(flow: &Flow<T>, packet: &Packet, clock: u64, shortest: u64) -> bool {
    clock.saturating_sub(flow.last.time) >= shortest
        || (flow.is_tcp() && (packet.flags & SYN != 0 || flow.tcp.suspects()))
}

/// Adds a packet to its flow's record (a twin only to its duplicates). True for a side's first packet and for one that comes with another
/// MAC or VLAN than its last.
#[inline]
fn count<T>(flow: &mut Flow<T>, side: Side, packet: &Packet, clock: u64) -> bool {
    if packet.marks & marks::TWIN != 0 {
        flow.ledger.rare_mut(side).duplicates += 1;
        return false;
    }
    flow.last = packet.at;
    flow.last.time = clock;
    flow.heard[side.index()] = clock;
    let moved = flow.l2[side.index()] != packet.l2 || flow.ledger.counts(side).packets == 0;
    if moved {
        flow.l2[side.index()] = packet.l2;
    }
    let counts = flow.ledger.counts_mut(side);
    counts.packets = counts.packets.wrapping_add(1);
    counts.bytes = counts.bytes.wrapping_add(u64::from(packet.wire_len));
    counts.payload = counts.payload.wrapping_add(u64::from(packet.payload.len) + u64::from(packet.payload_missing));
    if packet.payload_missing > 0 {
        flow.ledger.rare_mut(side).cut_bytes += u64::from(packet.payload_missing);
    }
    if packet.marks & marks::SUSPECTED_DUPLICATE != 0 {
        flow.ledger.rare_mut(side).suspected_duplicates += 1;
    }
    moved
}
