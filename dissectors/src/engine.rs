//! The whole way of a packet on one page: front (capture → packet) → flow → stream → dissector → transaction → gate.
//! Python takes facts from the gate whenever [`Engine::advance`] pauses.

use crate::back::{Back, Talk};
use crate::front::{Feeder, FrontError};
use crate::gate::Gate;
use crate::output::Lines;
use crate::packet::{Block, Packet};
use crate::protocols::Plugins;
use crate::stream::{Came, Clock, Flows, Limits, Slot, Tick};
use crate::summary::Summary;

/// A minute of capture time: where batches end at the latest and tallies are read.
const MINUTE: u64 = 60_000_000_000;
/// Packets whose places in the flow table are fetched together.
const TOGETHER: usize = 16;
/// So few flows stay in the cache: nothing has to be fetched ahead.
const FEW: usize = 64;
/// With more flows than this not even their records do, so that what these point to is fetched ahead as well.
const MANY: usize = 4096;
/// Facts that wait for Python at most: then a batch is due.
const MAX_QUEUE: usize = 4_096;
/// Packets that facts wait for the end of their batch, where so many wait ([`WORTH_IT`]): what shares an operation or a window with them
/// waits, too.
const PATIENCE: usize = 4_096;
/// Waiting facts for which a batch may end early. Python finds none of what it needs in the cache after so many packets, which costs about as
/// much as it does to keep so many facts.
const WORTH_IT: usize = 128;
/// Occurrences that wait for nothing but those before them: so many copies cost more than a turn of Python's.
const MAX_STALLED: usize = 16;

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
    /// Where the current minute ends, ns; 0 before the first packet.
    minute_end: u64,
    flows: Flows<Talk>,
    back: Back,
    batch_packets: usize,
    packets: u64,
    /// How often no packet came and that was said; counted among `packets`.
    silences: u64,
    began: u64,
    ended: bool,
    /// Nothing waits for more: every block is a batch.
    live: bool,
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
            minute_end: 0,
            flows: Flows::new(limits),
            back: Back::new(gate, lines),
            batch_packets: batch_packets.max(1),
            packets: 0,
            silences: 0,
            began: 0,
            ended: false,
            live: false,
        }
    }

    /// What comes is wanted as it comes: a batch ends with each block, also with one that is empty because nothing came for a while.
    pub fn set_live(&mut self) {
        self.live = true;
    }

    /// Works until a batch is due.
    ///
    /// # Errors
    /// When a capture can't be read any further or lines can't be written. The run may be continued: the rest, or [`Pause::End`],
    /// follows.
    pub fn advance(&mut self) -> Result<Pause, EngineError> {
        let mut left = self.batch_packets;
        while !self.ended {
            if self.next >= self.block.packets.len() {
                self.next = 0;
                match self.feeder.next(&mut self.block) {
                    Ok(true) if self.live && self.block.packets.is_empty() => return Ok(Pause::Batch),
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
            let done = self.next.saturating_sub(before);
            left = left.saturating_sub(done);
            self.packets = self.packets.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            self.check_lines()?;
            if let Some(pause) = pause {
                return Ok(pause);
            }
            let waiting = self.back.gate.queue_len();
            let worked = self.batch_packets.saturating_sub(left);
            let done = self.live && self.next >= self.block.packets.len();
            if done || left == 0 || is_due(&self.back.gate) || (waiting >= WORTH_IT && worked >= PATIENCE) {
                return Ok(Pause::Batch);
            }
        }
        Ok(Pause::End)
    }

    /// Packets of the block from the next on, at most `left`; a pause where a minute is full.
    fn run(&mut self, left: usize) -> Option<Pause> {
        let Engine { block, next, clock, pending, minute_end, began, flows, back, silences, .. } = self;
        let Block { bytes, packets, .. } = block;
        let end = packets.len().min(next.saturating_add(left));
        while *next < end {
            let batch = packets.get(*next..end.min(next.saturating_add(TOGETHER))).unwrap_or_default();
            if flows.len() > FEW {
                fetch_ahead(flows, &back.gate, batch);
            }
            for packet in batch {
                let tick = match pending.take() {
                    Some(tick) => tick,
                    None => clock.advance(&packet.at),
                };
                if tick.now >= *minute_end && tick.now > 0 {
                    let first = *minute_end == 0;
                    let minute = tick.now - tick.now % MINUTE;
                    *minute_end = minute.saturating_add(MINUTE);
                    if first {
                        *began = tick.now;
                    } else {
                        // Everything up to the full minute is done before its tallies are read; this packet comes after.
                        back.pass_time(minute, flows);
                        *pending = Some(tick);
                        return Some(Pause::Minute);
                    }
                }
                if tick.came != Came::Packet {
                    if tick.came == Came::Nothing {
                        back.pass_time(tick.now, flows);
                        *next += 1;
                        *silences += 1;
                        continue;
                    }
                    back.end_open_requests(tick.now, flows);
                }
                back.pass_time(tick.now, flows);
                back.packet(packet, bytes, tick.now, flows);
                *next += 1;
            }
            if is_due(&back.gate) {
                break;
            }
        }
        None
    }

    fn end(&mut self) -> Result<Pause, EngineError> {
        self.ended = true;
        self.back.end(self.clock.now(), &mut self.flows);
        self.check_lines()?;
        if let Some(lines) = &mut self.back.lines {
            lines.flush().map_err(EngineError::Lines)?;
        }
        Ok(Pause::End)
    }

    /// After an error the analysis goes on without lines.
    fn check_lines(&mut self) -> Result<(), EngineError> {
        self.back.lines_error.take().map_or(Ok(()), |error| Err(EngineError::Lines(error)))
    }

    /// Added protocols that take part in this run; without a call none does.
    pub fn set_plugins(&mut self, plugins: Plugins) {
        self.back.plugins = plugins;
    }

    /// Packets that were analysed; those that were left out or are undecodable are not among them.
    pub fn packets(&self) -> u64 {
        self.packets.saturating_sub(self.silences)
    }

    /// Capture time of the first packet, ns; 0 before it.
    pub fn began(&self) -> u64 {
        self.began
    }

    /// Capture time, ns.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The capture clock, for its counters.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The first half, for its counters.
    pub fn feeder(&mut self) -> &mut Feeder {
        &mut self.feeder
    }

    /// Flows, for their counters.
    pub fn flows(&self) -> &Flows<Talk> {
        &self.flows
    }

    /// What is expected is counted, what is not is delivered.
    pub fn gate(&mut self) -> &mut Gate {
        &mut self.back.gate
    }

    /// What was counted of protocols.
    pub fn summary(&self) -> &Summary {
        &self.back.summary
    }

    /// Conversations and their ledgers.
    pub fn back(&self) -> &Back {
        &self.back
    }
}

/// Whether more waits for Python than is worth it.
fn is_due(gate: &Gate) -> bool {
    gate.queue_len() >= MAX_QUEUE || gate.stalled() >= MAX_STALLED
}

/// With many flows cache misses set the pace: the index, then the records of a batch are fetched before they are needed.
#[inline]
fn fetch_ahead(flows: &Flows<Talk>, gate: &Gate, batch: &[Packet]) {
    let mut slots = [Slot::default(); TOGETHER];
    for (slot, packet) in slots.iter_mut().zip(batch) {
        *slot = flows.locate(packet.hash);
    }
    let mut talks = [None; TOGETHER];
    for ((slot, talk), _) in slots.iter().zip(&mut talks).zip(batch) {
        *talk = flows.warm(*slot);
        if let Some(talk) = talk {
            talk.warm();
        }
    }
    if flows.len() > MANY {
        for talk in talks.iter().flatten() {
            talk.warm_more(gate);
        }
        for talk in talks.iter().flatten() {
            talk.warm_most(gate);
        }
    }
}
