//! The bounded table of flows.
//!
//! Nothing here depends on the process's hash key or on real time: the key decides where a flow lies in the index, and nothing is
//! ever listed in the order of the index.

use std::collections::VecDeque;
use std::hint::black_box;

use super::flow::{Flow, FlowId, Scene};
use super::idle::Idle;
use super::index::{Index, tag};
use super::key::FlowKey;
use super::ledger::{Ledger, Totals};
use super::limits::Limits;
use super::tcp::{ACKED_WAIT, Event, Out, Sink, Tcp};
use super::waiting::{Pool, Stretch};
use crate::address::{Moment, Side};
use crate::packet::tcp_flags::{ACK, SYN};
use crate::packet::{L2, Packet, Transport, marks};
use crate::protocols::Ending;

/// Records per chunk: the table grows without moving what it holds.
const CHUNK: usize = 1024;
/// Most flows looked at in one call of [`Flows::expire`] or [`Flows::overdue`].
const STEPS: usize = 64;
/// Most flows looked at to find the one quiet longest.
const PUSH_OUT_STEPS: usize = 16;

/// Who takes what comes out of the table.
pub trait Receiver<T> {
    /// The next thing in a TCP flow.
    fn event(&mut self, event: Event<'_>, scene: &mut Scene<'_, T>);
    /// A flow ends; its last events have been given. The record is used again afterwards.
    fn ended(&mut self, id: FlowId, flow: &mut Flow<T>, ending: Ending);
}

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
}

impl<T: Default> Flows<T> {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Flows {
            limits: Limits { max_flows: limits.max_flows.clamp(1, u32::MAX - 1), ..limits },
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

    /// Second pass: fetches the record.
    #[inline]
    pub fn warm(&self, slot: Slot) {
        let word = self.index.first(slot.0);
        if (word >> 32) as u32 == slot.0 && word != 0 {
            let flow = self.get((word as u32).wrapping_sub(1));
            black_box(flow.key.a as u8);
            black_box(flow.number);
            black_box(flow.first.packet);
            black_box(flow.generation);
            black_box(flow.queued);
        }
    }

    /// Third pass: the flow of a packet, a new one where there is none, with the packet in its ledger. `clock` is what the packet runs at.
    /// `receiver` hears of flows that end because of it (another connection between the same ports, the table's ceiling).
    #[inline]
    pub fn find<R: Receiver<T>>(&mut self, packet: &Packet, clock: u64, receiver: &mut R) -> Found {
        let (key, side) = FlowKey::of(packet);
        let tag = tag(packet.hash);
        let chunks = &self.chunks;
        let found = self.index.find(tag, |id| chunks[id as usize / CHUNK][id as usize % CHUNK].key == key);
        let (id, new) = match found {
            Some(id) => (id, self.replace(id, side, packet, clock, receiver)),
            None => (self.begin(key, tag, packet, clock, receiver), true),
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
        on_stage(id, flow, &mut self.pool, clock, receiver, |tcp, out| {
            tcp.push(side, packet.flags, &segment, out, &mut verify);
        });
        let unusual = flow.tcp.stage() != before || flow.tcp.waiting();
        if unusual {
            self.look_after(id, before, clock, receiver);
        }
    }

    /// Lets go of data held back too long. To be called once per packet, before it: costs a comparison where nothing is due.
    #[inline]
    pub fn overdue<R: Receiver<T>>(&mut self, clock: u64, receiver: &mut R) {
        for _ in 0..STEPS {
            let Some(&(at, id, generation)) = self.waits.front() else { return };
            if at > clock {
                return;
            }
            self.waits.pop_front();
            if let Some(flow) = self.alive_mut(id, generation) {
                flow.queued = false;
                self.settle(id, clock, clock, receiver);
            }
        }
    }

    /// Ends flows that were silent too long. To be called once per packet, before it: costs a comparison where nothing is due, and a bounded
    /// number of steps where much is; what is left is done at the next call.
    #[inline]
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

    /// When a flow ends unless a packet comes.
    fn due(&self, id: FlowId) -> u64 {
        let (flow, limits) = (self.get(id), &self.limits);
        let idle = match () {
            () if !flow.is_tcp() => limits.udp_idle,
            () if flow.tcp.closed() => limits.lingering,
            () if flow.tcp.half_closed() => limits.half_closed,
            () if flow.half_open() => limits.half_open,
            () => limits.tcp_idle,
        };
        flow.last.time.saturating_add(idle)
    }

    /// Whether the packet begins another flow in the place of this one; if so, that one ends.
    #[inline]
    fn replace(
        &mut self,
        id: FlowId,
        side: Side,
        packet: &Packet,
        clock: u64,
        receiver: &mut impl Receiver<T>,
    ) -> bool {
        let flow = self.get(id);
        let quiet = clock.saturating_sub(flow.last.time);
        let unsure = flow.is_tcp() && (packet.flags & SYN != 0 || flow.tcp.suspects());
        if quiet < self.limits.lingering && !unsure {
            return false;
        }
        self.replace_slow(id, side, packet, clock, receiver)
    }

    #[inline(never)]
    fn replace_slow(
        &mut self,
        id: FlowId,
        side: Side,
        packet: &Packet,
        clock: u64,
        receiver: &mut impl Receiver<T>,
    ) -> bool {
        let flow = self.get(id);
        let ack = (packet.flags & ACK != 0).then_some(packet.ack);
        let quiet = clock.saturating_sub(flow.last.time) > self.limits.reuse;
        let another = flow.is_tcp() && flow.tcp.is_another(side, packet.flags, packet.seq, ack, quiet);
        let lapsed = self.due(id) <= clock;
        if !another && !lapsed {
            return false;
        }
        let ending = if another || flow.tcp.closed() { Ending::Closed } else { Ending::Timeout };
        self.end(id, clock, ending, receiver);
        let Flow { key, tag, .. } = *self.get(id);
        self.start(id, key, tag, packet, clock);
        true
    }

    /// A new flow; at the ceiling another one goes.
    #[inline(never)]
    fn begin(
        &mut self,
        key: FlowKey,
        tag: u32,
        packet: &Packet,
        clock: u64,
        receiver: &mut impl Receiver<T>,
    ) -> FlowId {
        if self.alive >= self.limits.max_flows {
            self.push_out(clock, receiver);
        }
        let id = self.free.pop().unwrap_or_else(|| self.grow(key));
        self.alive += 1;
        self.index.insert(tag, id);
        self.start(id, key, tag, packet, clock);
        id
    }

    /// One record more.
    fn grow(&mut self, key: FlowKey) -> FlowId {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let full = (self.chunks.len() - 1) * CHUNK;
        let Some(chunk) = self.chunks.last_mut() else { return 0 };
        chunk.push(Flow {
            key,
            last: Default::default(),
            number: 0,
            ledger: Ledger::default(),
            tcp: Tcp::default(),
            first: Default::default(),
            generation: 0,
            tag: 0,
            l2: Default::default(),
            queued: false,
            alive: false,
            data: T::default(),
        });
        (full + chunk.len() - 1) as FlowId
    }

    /// Fills a record for the flow that a packet begins.
    fn start(&mut self, id: FlowId, key: FlowKey, tag: u32, packet: &Packet, clock: u64) {
        self.begun += 1;
        let number = self.begun;
        let flow = self.get_mut(id);
        (flow.key, flow.tag, flow.number) = (key, tag, number);
        (flow.first, flow.last) = (packet.at, packet.at);
        flow.last.time = clock;
        flow.l2 = Default::default();
        (flow.alive, flow.queued) = (true, false);
        let opening = packet.transport == Transport::Tcp && packet.flags & SYN != 0;
        let due = if opening { clock.saturating_add(self.limits.half_open) } else { self.due(id) };
        self.idle.put(id, due, clock);
    }

    /// The flow quiet longest, as far as the wheel tells, leaves.
    fn push_out(&mut self, clock: u64, receiver: &mut impl Receiver<T>) {
        let mut quietest: Option<(u64, FlowId)> = None;
        for _ in 0..PUSH_OUT_STEPS {
            let Some((id, known)) = self.idle.earliest() else { break };
            let due = self.due(id);
            if quietest.is_none_or(|(least, _)| due < least) {
                quietest = Some((due, id));
            }
            if due <= known {
                break;
            }
            self.idle.put(id, due, clock);
        }
        if let Some((_, id)) = quietest {
            self.pushed_out += 1;
            self.remove(id, clock, receiver);
        }
    }

    /// Ends a flow and takes it out of the table.
    fn remove(&mut self, id: FlowId, clock: u64, receiver: &mut impl Receiver<T>) {
        let ending = if self.get(id).tcp.closed() { Ending::Closed } else { Ending::Timeout };
        self.end(id, clock, ending, receiver);
        self.release(id);
    }

    /// Gives what a flow still holds, says that it ends, and empties the record.
    fn end(&mut self, id: FlowId, clock: u64, ending: Ending, receiver: &mut impl Receiver<T>) {
        let flow = &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK];
        on_stage(id, flow, &mut self.pool, clock, receiver, |tcp, out| tcp.flush(out));
        receiver.ended(id, flow, ending);
        self.totals.add(&flow.ledger);
        flow.ledger = Ledger::default();
        flow.tcp = Tcp::default();
        flow.data = T::default();
        flow.generation = flow.generation.wrapping_add(1);
        (flow.alive, flow.queued) = (false, false);
    }

    /// Gives an ended flow's place back.
    fn release(&mut self, id: FlowId) {
        let tag = self.get(id).tag;
        self.index.remove(tag, id);
        self.idle.remove(id);
        self.free.push(id);
        self.alive -= 1;
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
        self.waits.push_back((clock.saturating_add(ACKED_WAIT), id, generation));
    }
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

/// Hands a stream's events to the receiver, with the rest of the flow's record.
struct Stage<'a, T, R> {
    id: FlowId,
    generation: u32,
    key: &'a FlowKey,
    l2: &'a [L2; 2],
    first: Moment,
    data: &'a mut T,
    clock: u64,
    receiver: &'a mut R,
}

impl<T, R: Receiver<T>> Sink for Stage<'_, T, R> {
    #[inline]
    fn event(&mut self, event: Event<'_>, ledger: &mut Ledger, tcp: &Tcp) {
        let Stage { id, generation, key, l2, first, clock, .. } = *self;
        let mut scene = Scene { id, generation, key, tcp, l2, first, ledger, data: self.data, clock };
        self.receiver.event(event, &mut scene);
    }
}

/// Runs something on a flow's stream.
#[inline]
fn on_stage<T, R: Receiver<T>>(
    id: FlowId,
    flow: &mut Flow<T>,
    pool: &mut Pool,
    clock: u64,
    receiver: &mut R,
    run: impl FnOnce(&mut Tcp, &mut Out<'_, Stage<'_, T, R>>),
) {
    let Flow { key, l2, first, generation, tcp, ledger, data, .. } = flow;
    let (generation, first) = (*generation, *first);
    let sink = Stage { id, generation, key, l2, first, data, clock, receiver };
    run(tcp, &mut Out { ledger, pool, sink });
}
