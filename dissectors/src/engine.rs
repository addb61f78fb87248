//! The whole way of a packet on one page: front (capture → packet) → flow → stream → dissector → transaction → gate.
//! Python takes facts from the gate whenever [`Engine::advance`] pauses.

use crate::address::{Address, Moment, Side};
use crate::arp;
use crate::dissection::{Arrival, Dissection, Outcome as Dissected};
use crate::front::{Feeder, FrontError};
use crate::gate::{Context, FlowCache, Gate};
use crate::output::{Lines, Prefix};
use crate::packet::{Block, L2, Packet, Transport, marks};
use crate::protocols::{Ending, Hints, Seen};
use crate::speaker::Speaker;
use crate::stream::{Clock, Event, Flow, FlowId, FlowKey, Flows, Found, Limits, Tick, Timers};
use crate::summary::Summary;
use crate::unclaimed;

/// A minute of capture time: where batches end at the latest and tallies are read.
const MINUTE: u64 = 60_000_000_000;
/// How long after new data a flow's open requests are looked at: shorter than every protocol's own time-out.
const LOOK_AGAIN: u64 = 5_000_000_000;
/// Packets whose places in the flow table are fetched ahead.
const AHEAD: usize = 16;

/// What the engine keeps with every flow.
#[derive(Default)]
pub struct Talk {
    dissection: Dissection,
    cache: FlowCache,
    prefix: Prefix,
    /// The first packet of each side.
    firsts: [Option<Moment>; 2],
    /// Bytes of each side were lost since the flow began.
    lost: [bool; 2],
    /// A timer is set.
    armed: bool,
    /// The flow was told as an operation of its own.
    told: bool,
}

/// Why [`Engine::advance`] paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Enough packets for one batch.
    Batch,
    /// A full minute of capture time was reached: tallies may be read.
    Minute,
    /// All captures are over.
    End,
}

/// What ends a run early.
#[derive(Debug)]
pub enum EngineError {
    /// Reading failed; what was read is analysed.
    Front(FrontError),
    /// Transaction lines can't be written.
    Lines(std::io::Error),
}

/// One run over captures.
pub struct Engine {
    feeder: Feeder,
    block: Block,
    next: usize,
    clock: Clock,
    /// The tick of the next packet, when the clock was advanced but a minute was full first.
    pending: Option<Tick>,
    minute: Option<u64>,
    flows: Flows<Talk>,
    timers: Timers,
    /// What is expected is counted, what is not is delivered.
    pub gate: Gate,
    lines: Option<Lines>,
    /// What was counted of protocols and flows.
    pub summary: Summary,
    batch_packets: usize,
    ended: bool,
}

/// What everything in the second half writes to.
struct Outputs<'a> {
    gate: &'a mut Gate,
    lines: &'a mut Option<Lines>,
    summary: &'a mut Summary,
}

impl Engine {
    /// An engine over what `feeder` reads.
    pub fn new(feeder: Feeder, gate: Gate, lines: Option<Lines>, batch_packets: usize, limits: Limits) -> Self {
        Engine {
            feeder,
            block: Block::default(),
            next: 0,
            clock: Clock::new(),
            pending: None,
            minute: None,
            timers: Timers::new(limits.max_flows.saturating_mul(2)),
            flows: Flows::new(limits),
            gate,
            lines,
            summary: Summary::default(),
            batch_packets: batch_packets.max(1),
            ended: false,
        }
    }

    /// Works until a batch is due.
    ///
    /// # Errors
    /// When a capture can't be read any further or lines can't be written. The run may be continued: [`Pause::End`] follows.
    pub fn advance(&mut self) -> Result<Pause, EngineError> {
        let mut left = self.batch_packets;
        loop {
            if self.ended {
                return Ok(Pause::End);
            }
            if self.next >= self.block.packets.len() {
                self.next = 0;
                self.block.packets.clear();
                match self.feeder.next(&mut self.block) {
                    Ok(true) => continue,
                    Ok(false) => return self.end(),
                    Err(error) => {
                        self.end()?;
                        return Err(EngineError::Front(error));
                    }
                }
            }
            let before = self.next;
            let pause = self.run(left);
            left = left.saturating_sub(self.next.saturating_sub(before));
            self.check_lines()?;
            if let Some(pause) = pause {
                return Ok(pause);
            }
            if left == 0 {
                return Ok(Pause::Batch);
            }
        }
    }

    /// Capture time, ns.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The first half with its counters, once it is at rest.
    pub fn feeder(&mut self) -> &mut Feeder {
        &mut self.feeder
    }

    /// Flows, for their counters.
    pub fn flows(&self) -> &Flows<Talk> {
        &self.flows
    }

    /// The capture clock, for its counters.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Packets of the block from the next on, at most `left`; a pause where a minute is full.
    fn run(&mut self, left: usize) -> Option<Pause> {
        let Engine { block, next, clock, pending, minute, flows, timers, gate, lines, summary, .. } = self;
        let Block { bytes, packets, .. } = block;
        let mut outputs = Outputs { gate, lines, summary };
        let end = packets.len().min(next.saturating_add(left));
        for ahead in packets.get(*next..end.min(*next + AHEAD)).unwrap_or_default() {
            flows.prefetch(ahead.hash);
        }
        while *next < end {
            let Some(packet) = packets.get(*next) else { break };
            let tick = pending.take().unwrap_or_else(|| clock.advance(packet.at.time));
            let this = tick.now / MINUTE;
            if minute.replace(this).is_some_and(|minute| minute != this) {
                // Everything up to the full minute is done before its tallies are read; this packet comes after.
                pass_time(this.saturating_mul(MINUTE), flows, timers, &mut outputs);
                *pending = Some(tick);
                return Some(Pause::Minute);
            }
            if tick.jumped {
                end_open_requests(tick.now, flows, &mut outputs);
            }
            pass_time(tick.now, flows, timers, &mut outputs);
            if let Some(ahead) = packets.get(*next + AHEAD) {
                flows.prefetch(ahead.hash);
            }
            *next += 1;
            one_packet(packet, bytes, tick.now, flows, timers, &mut outputs);
        }
        None
    }

    fn end(&mut self) -> Result<Pause, EngineError> {
        let now = self.clock.now();
        let Engine { flows, gate, lines, summary, .. } = self;
        let mut outputs = Outputs { gate, lines, summary };
        flows.finish_all(&mut |_, flow, ending| finish(flow, now, ending, &mut outputs));
        self.ended = true;
        self.check_lines()?;
        if let Some(lines) = &mut self.lines {
            lines.flush().map_err(EngineError::Lines)?;
        }
        Ok(Pause::End)
    }

    fn check_lines(&mut self) -> Result<(), EngineError> {
        match self.summary.lines_error.take() {
            Some(error) => {
                self.lines = None; // the analysis goes on without them
                Err(EngineError::Lines(error))
            }
            None => Ok(()),
        }
    }
}

/// Closes what is overdue and ends flows that were quiet for too long.
#[inline]
fn pass_time(now: u64, flows: &mut Flows<Talk>, timers: &mut Timers, outputs: &mut Outputs<'_>) {
    while let Some((_, id, generation)) = timers.pop_due(now) {
        let Some(flow) = flows.get_mut(id).filter(|flow| flow.generation == generation) else { continue };
        let deadline = with_speaker(flow, outputs, |dissection, seen, speaker| dissection.expire(seen, speaker), now);
        match deadline {
            Some(at) => {
                timers.schedule(at.max(now.saturating_add(1)), id, generation);
            }
            None => flow.data.armed = false,
        }
    }
    flows.expire(now, &mut |_, flow, ending| finish(flow, now, ending, outputs));
}

#[cold]
fn end_open_requests(now: u64, flows: &mut Flows<Talk>, outputs: &mut Outputs<'_>) {
    flows.for_each(&mut |flow| {
        with_speaker(flow, outputs, |dissection, seen, speaker| {
            dissection.finish(Ending::ClockJump, seen, speaker);
        }, now);
    });
}

#[inline]
fn one_packet(
    packet: &Packet,
    bytes: &[u8],
    now: u64,
    flows: &mut Flows<Talk>,
    timers: &mut Timers,
    outputs: &mut Outputs<'_>,
) {
    let found = flows.find(packet, now, &mut |_, flow, ending| finish(flow, now, ending, outputs));
    let Some(Found { id, side, .. }) = found else { return };
    let Some((flow, pool)) = flows.flow_and_pool(id) else { return };
    let first = &mut flow.data.firsts[side.index()];
    if first.is_none() {
        *first = Some(packet.at);
    }
    if flow.l2[side.index()] != packet.l2 {
        other_l2(flow, side, packet, outputs);
    }
    match packet.transport {
        Transport::Tcp => segment(packet, bytes, side, now, (flow, pool), outputs),
        Transport::Udp if packet.marks & (marks::FRAGMENT | marks::NO_PORTS) == 0 => {
            datagram(packet, bytes, side, now, flow, outputs);
        }
        _ => undissected(packet, bytes, flow, side, outputs),
    }
    if !flow.data.armed && flow.data.dissection.protocol().is_some() {
        flow.data.armed = timers.schedule(now.saturating_add(LOOK_AGAIN), id, flow.generation);
    }
}
