//! The second half of the way: flow → stream → dissector → transaction → gate, for one packet at a time.

use std::hint::black_box;

use crate::address::{Address, Mac, Moment, Net, Side};
use crate::arp;
use crate::dissection::{Arrival, Dissection, Outcome as Dissected};
use crate::gate::{Account, ConversationKey, Conversations, Direction, FlowCache, Gate, MAX_CONVERSATIONS};
use crate::output::{Lines, Prefix};
use crate::packet::{Packet, Transport, checksum, marks, tcp_flags};
use crate::protocols::services::service_of;
use crate::protocols::{Ending, Hints, Plugins, Seen, Sink};
use crate::speaker::{Scenery, Speaker};
use crate::stream::{Event, Flow, FlowId, Flows, Found, MAX_TIMERS, Receiver, Scene, Timers};
use crate::summary::Summary;
use crate::transaction::{Observation, Value};
use crate::unclaimed::{self, Connection};
use crate::witness::{Piece, Watch, Witnesses};

/// How long after new data a flow's open requests are looked at: not longer than any protocol's own time-out, ns.
const LOOK_AGAIN: u64 = 10_000_000_000;

/// What is kept with every flow; what every packet touches comes first.
#[derive(Default)]
#[repr(C)]
pub struct Talk {
    dissection: Dissection,
    cache: FlowCache,
    /// Bytes of each side were lost since the flow began.
    lost: [bool; 2],
    /// A timer is set.
    armed: bool,
    /// Who is client, once a transaction said so.
    client: Option<Side>,
    /// Refused: a reset was the first word of the other side.
    refused: bool,
    /// The flow was told as an operation of its own.
    told: bool,
    prefix: Prefix,
    /// The first packet of each side.
    firsts: [Option<Moment>; 2],
    /// Who listens to what no dissector claims.
    watch: Watch,
}

const _: () = assert!(size_of::<Flow<Talk>>() <= 576, "nine lines of memory for a flow");

impl Talk {
    /// Fetches what the next packet will need, before it is needed.
    #[inline]
    pub fn warm(&self) {
        black_box(self.dissection.protocol());
        black_box(self.armed);
    }

    /// The same one step further: the dissector, and the operation that was met last.
    #[inline]
    pub fn warm_more(&self, gate: &Gate) {
        self.dissection.warm();
        gate.warm(&self.cache);
    }

    /// The same another step further: what the operation points to.
    #[inline]
    pub fn warm_most(&self, gate: &Gate) {
        gate.warm_more(&self.cache);
    }
}

/// Everything behind the flow table.
pub struct Back {
    /// What is expected is counted, what is not is delivered.
    pub gate: Gate,
    /// Where every transaction is written, if anywhere.
    pub lines: Option<Lines>,
    /// Why lines could not be written.
    pub lines_error: Option<std::io::Error>,
    /// What was counted of protocols.
    pub summary: Summary,
    /// Who talks with whom, and what was seen of it.
    pub conversations: Conversations,
    /// Added protocols that take part in this run.
    pub plugins: Plugins,
    /// What says who somebody is, in flows that no dissector claims.
    pub witnesses: Witnesses,
    timers: Timers,
}

impl Back {
    /// The second half in front of a gate.
    pub fn new(gate: Gate, lines: Option<Lines>) -> Self {
        Back {
            gate,
            lines,
            lines_error: None,
            summary: Summary::default(),
            conversations: Conversations::new(MAX_CONVERSATIONS),
            plugins: Plugins::default(),
            witnesses: Witnesses::default(),
            timers: Timers::new(MAX_TIMERS),
        }
    }

    /// Closes what is overdue and ends flows that were quiet for too long.
    #[inline(always)]
    pub fn pass_time(&mut self, now: u64, flows: &mut Flows<Talk>) {
        if now >= self.timers.wake().min(flows.wake()) {
            self.time_has_come(now, flows);
        }
    }

    #[inline(never)]
    fn time_has_come(&mut self, now: u64, flows: &mut Flows<Talk>) {
        while let Some((at, id, generation)) = self.timers.pop_due(now) {
            // After a silence much is due at once: a response held back must still come before its request's deadline.
            flows.overdue(at, self);
            self.look_at_open_requests(id, generation, at, flows);
        }
        flows.pass_time(now, self);
    }

    #[inline(never)]
    fn look_at_open_requests(&mut self, id: FlowId, generation: u32, now: u64, flows: &mut Flows<Talk>) {
        let Some(flow) = flows.alive_mut(id, generation) else { return };
        let seen = seen(flow, now);
        let (mut speaker, dissection) = self.speaker(flow);
        let deadline = dissection.expire(&seen, &mut speaker);
        flow.data.armed =
            deadline.is_some_and(|at| self.timers.schedule(at.max(now.saturating_add(1)), id, generation));
    }

    /// The clock jumped: nobody knows what became of open requests.
    #[cold]
    pub fn end_open_requests(&mut self, now: u64, flows: &mut Flows<Talk>) {
        for id in flows.in_order() {
            let flow = flows.get_mut(id);
            let seen = seen(flow, now);
            let (mut speaker, dissection) = self.speaker(flow);
            dissection.finish(Ending::ClockJump, &seen, &mut speaker);
        }
    }

    /// One packet on its way.
    #[inline]
    pub fn packet(&mut self, packet: &Packet, bytes: &[u8], now: u64, flows: &mut Flows<Talk>) {
        let found = flows.find(packet, now, self);
        if packet.marks & marks::TWIN != 0 {
            return; // the ledger has it
        }
        if found.moved {
            self.new_place(packet, bytes, flows.get_mut(found.id), found.side);
        }
        if packet.transport == Transport::Tcp && packet.marks & marks::NO_PORTS == 0 {
            let verify = || checksum::transport_ok(packet, bytes);
            flows.segment(found, packet, packet.payload.of(bytes), verify, self);
        } else {
            self.no_stream(packet, bytes, now, found, flows);
        }
    }

    fn no_stream(&mut self, packet: &Packet, bytes: &[u8], now: u64, found: Found, flows: &mut Flows<Talk>) {
        match packet.transport {
            Transport::Udp if packet.marks & (marks::FRAGMENT | marks::NO_PORTS) == 0 => {
                let flow = flows.get_mut(found.id);
                self.datagram(packet, bytes, now, flow, found.side);
                if flow.data.dissection.protocol().is_none() {
                    self.summary.heard(self.witnesses.datagram(packet, bytes, &mut self.gate));
                }
                if !flow.data.armed && flow.data.dissection.protocol().is_some() {
                    flow.data.armed = self.timers.schedule(now.saturating_add(LOOK_AGAIN), found.id, flow.generation);
                }
            }
            Transport::Ether if packet.protocol == arp::ETHERTYPE => self.arp(packet, bytes),
            Transport::Ether => self.summary.heard(self.witnesses.frame(packet, bytes, &mut self.gate)),
            Transport::Icmp => self.summary.heard(self.witnesses.icmp(packet, bytes, &mut self.gate)),
            _ => {}
        }
    }

    /// The captures are over: all flows end in the order in which they began.
    pub fn end(&mut self, now: u64, flows: &mut Flows<Talk>) {
        flows.finish_all(now, Ending::CaptureEnd, self);
    }

    /// A side's first packet, or one that came with another MAC or VLAN than its last.
    #[cold]
    fn new_place(&mut self, packet: &Packet, bytes: &[u8], flow: &mut Flow<Talk>, side: Side) {
        flow.data.prefix.clear();
        flow.data.firsts[side.index()].get_or_insert(packet.at);
        let address = packet.source_address();
        if address.net != Net::Mac && packet.l2.source != [0; 6] {
            self.observe_mac(address, packet.l2.source, "ethernet.source", packet.at);
        }
        if packet.transport == Transport::Tcp && packet.flags & tcp_flags::SYN != 0 {
            self.summary.heard(self.witnesses.opening(packet, bytes, &mut self.gate));
        }
    }

    fn arp(&mut self, packet: &Packet, bytes: &[u8]) {
        match arp::claim(packet.payload.of(bytes)) {
            Ok(Some(claim)) => self.observe_mac(claim.address, claim.mac, "arp.sender", packet.at),
            Ok(None) => {}
            Err(place) => self.summary.cut_short(place),
        }
    }

    fn observe_mac(&mut self, address: Address, mac: Mac, field: &'static str, at: Moment) {
        if address.is_group() || address.bits == 0 {
            return;
        }
        let value = Value::Text(&mac_text(mac));
        let protocol = service_of(Transport::Ether, arp::ETHERTYPE);
        let observation = Observation { protocol, side: Side::A, unit: None, attribute: "mac", value, field, at };
        self.gate.observe(address, protocol, &observation);
    }

    fn datagram(&mut self, packet: &Packet, bytes: &[u8], now: u64, flow: &mut Flow<Talk>, side: Side) {
        let arrival = Arrival {
            side,
            bytes: packet.payload.of(bytes),
            at: packet.at,
            hints: Hints { ports: flow.key.ports, initiator: None, datagram: true },
            from_start: true,
            seen: seen(flow, now),
            plugins: self.plugins,
        };
        let (mut speaker, dissection) = self.speaker(flow);
        let outcome = dissection.take(&arrival, &mut speaker);
        self.settle(outcome, side, now, flow);
    }

    /// What dissection of a piece leaves to be done.
    #[inline]
    fn settle(&mut self, outcome: Dissected, side: Side, now: u64, flow: &mut Flow<Talk>) {
        if outcome == Dissected::default() {
            return;
        }
        let undecoded = &mut flow.ledger.rare_mut(side).undecoded_bytes;
        *undecoded = undecoded.saturating_add(outcome.undecoded);
        if let Some(fault) = outcome.shut_off {
            self.summary.fault(fault);
        }
        if outcome.gave_up {
            self.tell_unclaimed(now, flow);
        }
    }

    /// A flow that nobody claims is told as an operation of its own, once.
    fn tell_unclaimed(&mut self, now: u64, flow: &mut Flow<Talk>) {
        let is_arp = flow.key.transport == Transport::Ether && flow.key.protocol == arp::ETHERTYPE;
        if flow.data.told || is_arp {
            return;
        }
        flow.data.told = true;
        let connection = connection(flow, now);
        let transaction = unclaimed::connect(&connection);
        let (mut speaker, _) = self.speaker(flow);
        speaker.transaction(&transaction);
    }

    /// The flow's parts, apart: who writes down what is said, and the dissection that says it.
    #[inline]
    fn speaker<'a>(&'a mut self, flow: &'a mut Flow<Talk>) -> (Speaker<'a>, &'a mut Dissection) {
        let initiator = flow.initiator();
        split(self, Scenery { key: &flow.key, l2: &flow.l2, initiator }, &mut flow.data)
    }

    fn account(&mut self, flow: &Flow<Talk>, now: u64) {
        let connection = connection(flow, now);
        let client = flow.data.client.unwrap_or_else(|| unclaimed::client(&connection));
        let server = client.other();
        let port = if unclaimed::is_ported(&flow.key) { flow.key.port(server) } else { 0 };
        let protocol = flow.data.dissection.protocol().unwrap_or_else(|| unclaimed::service(&flow.key, client));
        let key =
            ConversationKey { client: flow.key.address(client), server: flow.key.address(server), port, protocol };
        let ledger = &flow.ledger;
        self.conversations.add(
            key,
            &Account {
                flows: 1,
                first: Some(flow.first),
                last: Some(flow.last),
                from_client: direction(flow, client),
                from_server: direction(flow, server),
                midstream: u64::from(ledger.midstream),
                one_way: u64::from(ledger.one_way()),
                half_seen: u64::from(half_seen(flow)),
                encrypted: u64::from(ledger.encrypted),
            },
        );
    }
}

impl Receiver<Talk> for Back {
    #[inline]
    fn event(&mut self, event: Event<'_>, scene: &mut Scene<'_, Talk>) {
        match event {
            Event::Data { side, bytes, at } => self.data(side, bytes, at, scene),
            Event::Gap { side, missing } => {
                scene.data.lost[side.index()] = true;
                scene.data.cache.lose(scene.clock);
                let given_up = scene.data.dissection.gap(side, missing);
                let undecoded = &mut scene.ledger.rare_mut(side).undecoded_bytes;
                *undecoded = undecoded.saturating_add(given_up);
            }
            Event::Missed { side } => {
                scene.data.lost[side.index()] = true;
                scene.data.cache.lose(scene.clock);
            }
            Event::Opened { .. } => scene.data.prefix.clear(),
            Event::Reset { side } => {
                let other = scene.ledger.counts(side).payload;
                scene.data.refused =
                    scene.tcp.initiator() == Some(side.other()) && other == 0 && !scene.tcp.from_start(side);
            }
            Event::Closed => {}
        }
    }

    fn ended(&mut self, _: FlowId, flow: &mut Flow<Talk>, ending: Ending) {
        let now = flow.last.time;
        let seen = seen(flow, now);
        let (mut speaker, dissection) = self.speaker(flow);
        let held = dissection.finish(ending, &seen, &mut speaker);
        flow.ledger.encrypted |= flow.data.dissection.is_encrypted();
        if held > 0 {
            let undecoded = &mut flow.ledger.rare_mut(Side::A).undecoded_bytes;
            *undecoded = undecoded.saturating_add(held);
        }
        if flow.data.dissection.protocol().is_none() {
            self.tell_unclaimed(now, flow);
        }
        self.witnesses.close(&mut flow.data.watch);
        self.account(flow, now);
    }
}

impl Back {
    #[inline]
    fn data(&mut self, side: Side, bytes: &[u8], at: Moment, scene: &mut Scene<'_, Talk>) {
        let both = |side: Side| scene.ledger.counts(side).packets > 0;
        let seen = Seen { clock: scene.clock, both_directions: both(Side::A) && both(Side::B), lost: scene.data.lost };
        let initiator = scene.tcp.initiator();
        let arrival = Arrival {
            side,
            bytes,
            at,
            hints: Hints { ports: scene.key.ports, initiator, datagram: false },
            from_start: scene.tcp.from_start(side) && !scene.data.lost[side.index()],
            seen,
            plugins: self.plugins,
        };
        let scenery = Scenery { key: scene.key, l2: scene.l2, initiator };
        let (mut speaker, dissection) = split(self, scenery, scene.data);
        let outcome = dissection.take(&arrival, &mut speaker);
        if outcome != Dissected::default() {
            self.settle_scene(outcome, side, scene);
        }
        if scene.data.dissection.protocol().is_none() && !scene.data.watch.is_done(side) {
            self.listen(side, bytes, at, scene);
        }
        if !scene.data.armed && scene.data.dissection.protocol().is_some() {
            let at = scene.clock.saturating_add(LOOK_AGAIN);
            scene.data.armed = self.timers.schedule(at, scene.id, scene.generation);
        }
    }

    /// What no dissector claims (yet) is shown to the witnesses; not what follows lost bytes.
    #[inline(never)]
    fn listen(&mut self, side: Side, bytes: &[u8], at: Moment, scene: &mut Scene<'_, Talk>) {
        if scene.data.lost[side.index()] {
            return self.witnesses.close(&mut scene.data.watch);
        }
        let (source, destination) = (scene.key.address(side), scene.key.address(side.other()));
        let piece = Piece { side, source, destination, bytes };
        let heard = self.witnesses.stream(&mut scene.data.watch, &piece, at, &mut self.gate);
        self.summary.heard(heard);
    }

    #[cold]
    fn settle_scene(&mut self, outcome: Dissected, side: Side, scene: &mut Scene<'_, Talk>) {
        let undecoded = &mut scene.ledger.rare_mut(side).undecoded_bytes;
        *undecoded = undecoded.saturating_add(outcome.undecoded);
        if let Some(fault) = outcome.shut_off {
            self.summary.fault(fault);
        }
        if outcome.gave_up && !scene.data.told {
            scene.data.told = true;
            let initiator = scene.tcp.initiator();
            let firsts = scene.data.firsts;
            let connection = Connection { key: scene.key, initiator, firsts, refused: false, completed: scene.clock };
            let transaction = unclaimed::connect(&connection);
            let scenery = Scenery { key: scene.key, l2: scene.l2, initiator };
            split(self, scenery, scene.data).0.transaction(&transaction);
        }
    }
}

#[inline]
fn split<'a>(back: &'a mut Back, scenery: Scenery<'a>, talk: &'a mut Talk) -> (Speaker<'a>, &'a mut Dissection) {
    let Talk { dissection, cache, prefix, client, .. } = talk;
    let Back { gate, lines, lines_error, summary, .. } = back;
    (Speaker { gate, lines, lines_error, summary, scenery, cache, prefix, client }, dissection)
}

#[inline]
fn seen(flow: &Flow<Talk>, clock: u64) -> Seen {
    Seen { clock, both_directions: flow.both_directions(), lost: flow.data.lost }
}

/// As [`Address`] shows it, without the machinery of formatting: it is asked for each side of each flow.
fn mac_text(mac: Mac) -> [u8; 17] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b':'; 17];
    for (place, byte) in text.chunks_mut(3).zip(mac) {
        if let [high, low, ..] = place {
            *high = DIGITS[usize::from(byte >> 4)];
            *low = DIGITS[usize::from(byte & 15)];
        }
    }
    text
}

fn connection(flow: &Flow<Talk>, now: u64) -> Connection<'_> {
    Connection {
        key: &flow.key,
        initiator: flow.initiator(),
        firsts: flow.data.firsts,
        refused: flow.data.refused,
        completed: now,
    }
}

/// TCP acknowledges what it gets: payload with silence on the other side is a mirror's doing (UDP may well go unanswered).
fn half_seen(flow: &Flow<Talk>) -> bool {
    let sides = [Side::A, Side::B].map(|side| flow.ledger.counts(side));
    flow.key.transport == Transport::Tcp && flow.ledger.one_way() && sides.into_iter().any(|counts| counts.payload > 0)
}

fn direction(flow: &Flow<Talk>, side: Side) -> Direction {
    let (counts, rare) = (flow.ledger.counts(side), flow.ledger.rare(side));
    Direction {
        packets: counts.packets,
        bytes: counts.bytes,
        payload_bytes: counts.payload,
        retransmitted: rare.retransmitted_packets,
        out_of_order: rare.out_of_order_packets,
        gaps: rare.gaps,
        gap_bytes: rare.gap_bytes,
        undecoded_bytes: rare.undecoded_bytes,
        duplicates: rare.duplicates,
        conflicts: rare.conflicts,
        last: flow.heard[side.index()],
    }
}
