//! How flows begin, are replaced, pushed out, and end.

use super::stage::on_stage;
use super::{CHUNK, Flows, Receiver};
use crate::address::Side;
use crate::packet::tcp_flags::{ACK, SYN};
use crate::packet::{Packet, Transport};
use crate::protocols::Ending;
use crate::stream::flow::{Flow, FlowId};
use crate::stream::key::FlowKey;
use crate::stream::ledger::Ledger;
use crate::stream::tcp::Tcp;

/// Most flows looked at to find the one quiet longest.
const PUSH_OUT_STEPS: usize = 16;

impl<T: Default> Flows<T> {
    /// When a flow ends unless a packet comes.
    pub(super) fn due(&self, id: FlowId) -> u64 {
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
    #[inline(never)]
    pub(super) fn replace(
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
    pub(super) fn begin(
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
    pub(super) fn grow(&mut self, key: FlowKey) -> FlowId {
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
            heard: [0; 2],
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
    pub(super) fn start(&mut self, id: FlowId, key: FlowKey, tag: u32, packet: &Packet, clock: u64) {
        self.begun += 1;
        let number = self.begun;
        let flow = self.get_mut(id);
        (flow.key, flow.tag, flow.number) = (key, tag, number);
        (flow.first, flow.last) = (packet.at, packet.at);
        flow.last.time = clock;
        flow.l2 = Default::default();
        flow.heard = [0; 2];
        (flow.alive, flow.queued) = (true, false);
        let opening = packet.transport == Transport::Tcp && packet.flags & SYN != 0;
        let due = if opening { clock.saturating_add(self.limits.half_open) } else { self.due(id) };
        self.idle.put(id, due, clock);
    }

    /// The flow quiet longest, as far as the wheel tells, leaves.
    pub(super) fn push_out(&mut self, clock: u64, receiver: &mut impl Receiver<T>) {
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
    pub(super) fn remove(&mut self, id: FlowId, clock: u64, receiver: &mut impl Receiver<T>) {
        let ending = if self.get(id).tcp.closed() { Ending::Closed } else { Ending::Timeout };
        self.end(id, clock, ending, receiver);
        self.release(id);
    }

    /// Gives what a flow still holds, says that it ends, and empties the record.
    pub(super) fn end(&mut self, id: FlowId, clock: u64, ending: Ending, receiver: &mut impl Receiver<T>) {
        let flow = &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK];
        on_stage(id, flow, &mut self.pool, clock, receiver, |tcp, out| tcp.finish(out));
        receiver.ended(id, flow, ending);
        self.totals.add(&flow.ledger);
        flow.ledger = Ledger::default();
        flow.tcp = Tcp::default();
        flow.data = T::default();
        flow.generation = flow.generation.wrapping_add(1);
        (flow.alive, flow.queued) = (false, false);
    }

    /// Gives an ended flow's place back.
    pub(super) fn release(&mut self, id: FlowId) {
        let tag = self.get(id).tag;
        self.index.remove(tag, id);
        self.idle.remove(id);
        self.free.push(id);
        self.alive -= 1;
    }
}
