//! Between a flow's bytes and its dissector: recognise the protocol, keep what a message still lacks, hold the dissector to its contract.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use crate::protocols::{self, Dissector, Ending, Fed, Hints, PROTOCOLS, Plugins, Probe, Recognition, Seen, Sink};

/// Bytes of one direction that recognition looks at before it gives them up.
const MAX_PROBE: usize = 2_048;
/// Pieces (segments, datagrams) that nobody recognised before the flow is called unclaimed.
const MAX_ATTEMPTS: u8 = 8;
/// Bytes of an unfinished message held per direction; a dissector that wants more breaks its contract.
pub const MAX_HELD: usize = 65_536;

/// Who speaks on a flow.
#[derive(Default)]
enum State {
    #[default]
    Undecided,
    Speaking {
        protocol: u8,
        dissector: Box<dyn Dissector>,
    },
    /// Nobody recognised it, or the dissector let go.
    Unclaimed,
    /// The dissector panicked or broke its contract: the rest of the flow is not decoded.
    ShutOff {
        protocol: u8,
    },
}

/// What became of bytes that were handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Bytes that nobody decoded.
    pub undecoded: u64,
    /// Recognition gave up just now: the flow is an operation of its own.
    pub gave_up: bool,
    /// The dissector was shut off just now.
    pub shut_off: Option<Fault>,
}

/// Why a dissector was shut off for a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It panicked.
    Panic,
    /// It used no byte, or more than there were, or wanted more than may be held.
    Contract,
    /// An exception in Python.
    Exception,
}

impl Fault {
    /// The name it is counted under.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Panic => "dissector_panic",
            Fault::Contract => "dissector_contract",
            Fault::Exception => "dissector_exception",
        }
    }
}

/// What is new of a flow's bytes.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// Who sent them.
    pub side: Side,
    /// Bytes in order.
    pub bytes: &'a [u8],
    /// The packet that brought them.
    pub at: Moment,
    /// What is known of the flow.
    pub hints: Hints,
    /// The stream is known from its first byte.
    pub from_start: bool,
    /// What the engine knows.
    pub seen: Seen,
    /// Added protocols that take part in this run.
    pub plugins: Plugins,
}

/// Where unreadable pieces are told: protocol, anomaly bit, who sent it, when, and where reading failed.
pub trait Malformed {
    /// An unreadable piece.
    fn malformed(&mut self, protocol: u8, bit: u8, side: Side, at: Moment, place: Incomplete);
}

/// The dissection of one flow.
#[derive(Default)]
pub struct Dissection {
    state: State,
    held: [Vec<u8>; 2],
    attempts: u8,
    /// Added protocols that failed to look at this flow.
    barred: Plugins,
}

impl Dissection {
    /// The protocol that speaks, if one was recognised.
    #[inline]
    pub fn protocol(&self) -> Option<u8> {
        match self.state {
            State::Speaking { protocol, .. } | State::ShutOff { protocol } => Some(protocol),
            State::Undecided | State::Unclaimed => None,
        }
    }

    /// Fetches what the dissector will need, before it is needed.
    #[inline]
    pub fn warm(&self) {
        if let State::Speaking { dissector, .. } = &self.state {
            dissector.warm();
        }
    }

    /// Still waiting to be recognised.
    pub fn is_undecided(&self) -> bool {
        matches!(self.state, State::Undecided)
    }

    /// Takes bytes that arrived in order (a datagram is taken whole).
    #[inline]
    pub fn take(&mut self, arrival: &Arrival<'_>, sink: &mut (impl Sink + Malformed)) -> Outcome {
        match self.state {
            State::Speaking { .. } => self.feed(arrival, sink),
            State::Undecided => self.recognise(arrival, sink),
            State::Unclaimed | State::ShutOff { .. } => {
                Outcome { undecoded: arrival.bytes.len() as u64, ..Outcome::default() }
            }
        }
    }

    /// Bytes were lost: what was held of a message is given up. Returns how many bytes that were.
    pub fn gap(&mut self, side: Side, missing: u64) -> u64 {
        let held = std::mem::take(&mut self.held[side.index()]);
        if let State::Speaking { dissector, .. } = &mut self.state {
            let told = catch_unwind(AssertUnwindSafe(|| dissector.gap(side, missing)));
            if told.is_err() {
                self.shut_off();
            }
        }
        held.len() as u64
    }

    /// Closes what is overdue; the next deadline, if a request is open.
    pub fn expire(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let State::Speaking { dissector, .. } = &mut self.state else { return None };
        match catch_unwind(AssertUnwindSafe(|| dissector.expire(seen, sink))) {
            Ok(deadline) => deadline,
            Err(_) => {
                self.shut_off();
                None
            }
        }
    }

    /// The flow ends. Returns the bytes that were held for a message that never came whole.
    pub fn finish(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) -> u64 {
        let held = self.held.iter().map(|held| held.len() as u64).sum();
        self.held = Default::default();
        if let State::Speaking { dissector, protocol } = &mut self.state {
            let finish = || {
                dissector.finish(ending, seen, sink);
                dissector.carries()
            };
            match catch_unwind(AssertUnwindSafe(finish)) {
                Ok(carried) => *protocol = carried.unwrap_or(*protocol),
                Err(_) => self.shut_off(),
            }
        }
        held
    }

    /// What it carries is encrypted.
    pub fn is_encrypted(&self) -> bool {
        matches!(&self.state, State::Speaking { dissector, .. } if dissector.is_encrypted())
    }

    fn shut_off(&mut self) {
        self.held = Default::default();
        if let Some(protocol) = self.protocol() {
            self.state = State::ShutOff { protocol };
        }
    }

    fn recognise(&mut self, arrival: &Arrival<'_>, sink: &mut (impl Sink + Malformed)) -> Outcome {
        if arrival.bytes.is_empty() {
            return Outcome::default();
        }
        let mut held = std::mem::take(&mut self.held[arrival.side.index()]);
        let joined: &[u8] = if held.is_empty() {
            arrival.bytes
        } else {
            held.extend_from_slice(arrival.bytes);
            &held
        };
        let probe = Probe { side: arrival.side, bytes: joined, from_start: arrival.from_start, hints: arrival.hints };
        let mut failed = Plugins::default();
        let verdict = surest(&probe, arrival.plugins.without(self.barred), &mut failed);
        if failed != Plugins::default() {
            return self.bar(failed, held, arrival, sink);
        }
        match verdict {
            Verdict::Mine { protocol, skip } => {
                self.start(protocol, &arrival.hints);
                let skip = skip.min(joined.len());
                let rest = joined.get(skip..).unwrap_or_default();
                let mut outcome = self.feed(&Arrival { bytes: rest, ..*arrival }, sink);
                outcome.undecoded = outcome.undecoded.saturating_add(skip as u64);
                self.replay_other(arrival, sink, &mut outcome);
                outcome
            }
            Verdict::More if joined.len() < MAX_PROBE && !arrival.hints.datagram => {
                if held.is_empty() {
                    held.extend_from_slice(arrival.bytes);
                }
                self.held[arrival.side.index()] = held;
                Outcome::default()
            }
            Verdict::More | Verdict::Nobody => self.attempt_failed(joined.len()),
        }
    }

    /// Asks again without those that failed.
    #[cold]
    fn bar(
        &mut self,
        failed: Plugins,
        mut held: Vec<u8>,
        arrival: &Arrival<'_>,
        sink: &mut (impl Sink + Malformed),
    ) -> Outcome {
        failed.numbers().for_each(|number| self.barred.insert(number));
        let before = held.len().saturating_sub(arrival.bytes.len());
        if !held.is_empty() {
            held.truncate(before);
            self.held[arrival.side.index()] = held;
        }
        let outcome = self.recognise(arrival, sink);
        Outcome { shut_off: outcome.shut_off.or(Some(Fault::Exception)), ..outcome }
    }

    /// What the other side said before the protocol was known is fed now.
    fn replay_other(&mut self, arrival: &Arrival<'_>, sink: &mut (impl Sink + Malformed), outcome: &mut Outcome) {
        let other = arrival.side.other();
        let held = std::mem::take(&mut self.held[other.index()]);
        if held.is_empty() || !matches!(self.state, State::Speaking { .. }) {
            return;
        }
        let more = self.feed(&Arrival { side: other, bytes: &held, ..*arrival }, sink);
        outcome.undecoded = outcome.undecoded.saturating_add(more.undecoded);
        outcome.shut_off = outcome.shut_off.or(more.shut_off);
        outcome.gave_up |= more.gave_up;
    }

    fn attempt_failed(&mut self, bytes: usize) -> Outcome {
        self.attempts = self.attempts.saturating_add(1);
        let gave_up = self.attempts >= MAX_ATTEMPTS;
        let mut undecoded = bytes as u64;
        if gave_up {
            undecoded = self.held.iter().fold(undecoded, |sum, held| sum.saturating_add(held.len() as u64));
            self.held = Default::default();
            self.state = State::Unclaimed;
        }
        Outcome { undecoded, gave_up, shut_off: None }
    }

    fn start(&mut self, number: u8, hints: &Hints) {
        if let Some(protocol) = protocols::protocol(number) {
            self.state = State::Speaking { protocol: number, dissector: (protocol.start)(hints) };
        }
    }

    #[inline]
    fn feed(&mut self, arrival: &Arrival<'_>, sink: &mut (impl Sink + Malformed)) -> Outcome {
        let State::Speaking { protocol, dissector } = &mut self.state else { return Outcome::default() };
        let held = &mut self.held[arrival.side.index()];
        let fed = if held.is_empty() {
            feed_all(*protocol, dissector.as_mut(), arrival, sink)
        } else {
            let mut joined = std::mem::take(held);
            joined.extend_from_slice(arrival.bytes);
            let fed = feed_all(*protocol, dissector.as_mut(), &Arrival { bytes: &joined, ..*arrival }, sink);
            return self.settle_joined(arrival, fed, joined);
        };
        self.settle(arrival, fed, arrival.bytes)
    }

    #[inline]
    fn settle(&mut self, arrival: &Arrival<'_>, fed: FedAll, bytes: &[u8]) -> Outcome {
        let mut outcome = Outcome { undecoded: fed.undecoded, ..Outcome::default() };
        let rest = bytes.get(fed.used..).unwrap_or_default();
        match fed.end {
            End::AllUsed => {}
            End::Waiting if arrival.hints.datagram => {
                // A datagram is whole: what is left of it will never be completed.
                outcome.undecoded = outcome.undecoded.saturating_add(rest.len() as u64);
            }
            End::Waiting if rest.len() <= MAX_HELD => self.held[arrival.side.index()].extend_from_slice(rest),
            End::NotMine => {
                outcome.undecoded = outcome.undecoded.saturating_add(rest.len() as u64);
                outcome.gave_up = true;
                self.held = Default::default();
                self.state = State::Unclaimed;
            }
            End::Fault(fault) => return self.settle_fault(fault, outcome, rest),
            End::Waiting => return self.settle_fault(Fault::Contract, outcome, rest),
        }
        outcome
    }

    fn settle_joined(&mut self, arrival: &Arrival<'_>, fed: FedAll, mut joined: Vec<u8>) -> Outcome {
        if fed.end == End::Waiting && !arrival.hints.datagram && joined.len().saturating_sub(fed.used) <= MAX_HELD {
            joined.drain(..fed.used.min(joined.len()));
            self.held[arrival.side.index()] = joined;
            return Outcome { undecoded: fed.undecoded, ..Outcome::default() };
        }
        self.settle(arrival, fed, &joined)
    }

    fn settle_fault(&mut self, fault: Fault, outcome: Outcome, rest: &[u8]) -> Outcome {
        self.shut_off();
        Outcome {
            undecoded: outcome.undecoded.saturating_add(rest.len() as u64),
            shut_off: Some(fault),
            gave_up: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    AllUsed,
    Waiting,
    NotMine,
    Fault(Fault),
}

struct FedAll {
    used: usize,
    undecoded: u64,
    end: End,
}

/// Feeds message by message until the bytes are used up or the dissector wants more.
#[inline]
fn feed_all(
    protocol: u8,
    dissector: &mut dyn Dissector,
    arrival: &Arrival<'_>,
    sink: &mut (impl Sink + Malformed),
) -> FedAll {
    let mut fed = FedAll { used: 0, undecoded: 0, end: End::AllUsed };
    // One frame of unwinding for all messages of the piece.
    let done = catch_unwind(AssertUnwindSafe(|| {
        while let Some(rest) = arrival.bytes.get(fed.used..).filter(|rest| !rest.is_empty()) {
            match dissector.feed(arrival.side, rest, arrival.at, &arrival.seen, sink) {
                Fed::Used(used) if (1..=rest.len()).contains(&used) => fed.used += used,
                Fed::Incomplete(_) => return End::Waiting,
                Fed::NotMine => return End::NotMine,
                Fed::Failed => return End::Fault(Fault::Exception),
                Fed::Malformed { used, anomaly, place } if (1..=rest.len()).contains(&used) => {
                    let protocol = dissector.carries().unwrap_or(protocol);
                    sink.malformed(protocol, anomaly, arrival.side, arrival.at, place);
                    fed.undecoded = fed.undecoded.saturating_add(used as u64);
                    fed.used += used;
                }
                Fed::Used(_) | Fed::Malformed { .. } => return End::Fault(Fault::Contract),
            }
        }
        End::AllUsed
    }));
    fed.end = done.unwrap_or(End::Fault(Fault::Panic));
    fed
}

enum Verdict {
    Mine { protocol: u8, skip: usize },
    More,
    Nobody,
}

/// Asks every protocol of the registry and those of `plugins`; the surest takes the flow, ties by the order of numbers.
fn surest(probe: &Probe<'_>, plugins: Plugins, failed: &mut Plugins) -> Verdict {
    let mut best: Option<(u8, usize, u8)> = None;
    let mut more = false;
    for number in (0_u8..).take(PROTOCOLS.len()).chain(plugins.numbers()) {
        let recognise = |recognise: &protocols::Recogniser| catch_unwind(AssertUnwindSafe(|| recognise(probe)));
        match protocols::protocol(number).and_then(|protocol| protocol.recognise).map(recognise) {
            Some(Ok(Recognition::Mine { skip, confidence })) if best.is_none_or(|(_, _, held)| confidence > held) => {
                best = Some((number, skip, confidence));
            }
            Some(Ok(Recognition::More)) => more = true,
            Some(Ok(Recognition::Failed)) => failed.insert(number),
            _ => {}
        }
    }
    match best {
        Some((protocol, skip, _)) => Verdict::Mine { protocol, skip },
        None if more => Verdict::More,
        None => Verdict::Nobody,
    }
}

#[cfg(test)]
mod tests;
