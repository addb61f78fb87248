//! Requests wait here for their responses, which carry the same sequence number and function.

use super::message::NO_RESPONSE;
use super::message::compose::{Exchange, Half};
use super::tables::{self, anomaly};
use crate::address::Side;
use crate::protocols::{Ending, Seen, Sink};
use crate::transaction::{Anomalies, Outcome};
use std::collections::VecDeque;

/// Open requests of one flow.
pub const MAX_OPEN_REQUESTS: usize = 128;

/// Bytes of open requests of one flow; of a request that comes on top only [`SHORT`] are kept.
pub const MAX_OPEN_BYTES: usize = 128 * 1024;

/// Bytes of a request that are always kept.
pub const SHORT: usize = 256;

/// A request without response is closed after so long, ns (DESIGN.md, 2.2).
pub const TIMEOUT: u64 = 10_000_000_000;

/// Closed requests that are remembered for their late responses.
const MAX_RECENT: usize = 16;

/// What pairing needs to know of the flow.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who asks.
    pub client: Side,
    /// Rack and slot.
    pub unit: Option<u32>,
    /// No request can have been missed: what answers none is unsolicited.
    pub certain: bool,
    /// What the engine knows.
    pub seen: &'a Seen,
}

/// A request or response with what pairs it.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Function code.
    pub function: u16,
    /// Sequence number.
    pub sequence: u16,
    /// The message.
    pub half: Half<'a>,
}

/// A request that waits.
#[derive(Debug)]
struct Open {
    function: u16,
    sequence: u16,
    /// Its body is [`Open::body`].
    half: Half<'static>,
    body: Vec<u8>,
    deadline: u64,
    /// Bytes were lost since, so that the response may be among them.
    lost: bool,
    /// What the engine said of losses when it came.
    lost_before: bool,
}

/// The open requests of a flow, the oldest first.
#[derive(Debug, Default)]
pub struct Pairing {
    open: VecDeque<Open>,
    recent: VecDeque<(u16, u16)>,
    bytes: usize,
}

impl Pairing {
    /// A request waits.
    pub fn request(&mut self, part: &Part<'_>, context: &Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        if self.open.len() >= MAX_OPEN_REQUESTS {
            self.let_go(context, sink);
        }
        let Part { function, sequence, half } = *part;
        let room = MAX_OPEN_BYTES.saturating_sub(self.bytes).max(SHORT);
        let body = half.body.get(..room).unwrap_or(half.body).to_vec();
        let cut = u32::try_from(half.body.len().saturating_sub(body.len())).unwrap_or(u32::MAX);
        self.bytes = self.bytes.saturating_add(body.len());
        self.open.push_back(Open {
            function,
            sequence,
            half: Half { body: &[], dropped: half.dropped.saturating_add(cut), ..half },
            body,
            deadline: context.seen.clock.max(half.at.time).saturating_add(TIMEOUT),
            lost: false,
            lost_before: lost(context),
        });
    }

    /// Makes room: the oldest leaves with what is known of it.
    fn let_go(&mut self, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(open) = self.take(0) else { return };
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::TOO_MANY_OPEN_REQUESTS, may_be_judged(&open, context));
        self.remember(&open);
        leave(&open, None, Outcome::Unknown, anomalies, context.seen.clock, context, sink);
    }

    /// A response meets its request.
    pub fn response(&mut self, part: &Part<'_>, context: &Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        let same = |open: &Open| open.sequence == part.sequence && open.function == part.function;
        let found = self.open.iter().position(same);
        if found.is_none() && self.forget(part) {
            sink.anomaly(tables::NUMBER, anomaly::LATE_RESPONSE, context.client.other(), part.half.at);
            return;
        }
        let like = || self.open.iter().position(|open| open.sequence == part.sequence).filter(|_| context.certain);
        let completed = part.half.at.time.max(context.seen.clock);
        let mut anomalies = Anomalies::default();
        match found.or_else(like).and_then(|place| self.take(place)) {
            Some(open) => {
                anomalies.set(anomaly::RESPONSE_MISMATCH, open.function != part.function);
                leave(&open, Some(part.half), Outcome::Unknown, anomalies, completed, context, sink);
            }
            None => {
                anomalies.set(anomaly::UNSOLICITED_RESPONSE, context.certain);
                let Part { function, sequence, half } = *part;
                let Context { client, unit, .. } = *context;
                let (request, response, ending) = (None, Some(half), Outcome::Unknown);
                Exchange { client, unit, function, sequence, request, response, ending, anomalies, completed }
                    .emit(sink);
            }
        }
    }

    /// Bytes were lost: the responses to what is open may be among them.
    pub fn lose(&mut self) {
        for open in &mut self.open {
            open.lost = true;
        }
    }

    /// Closes what waits for too long; the next deadline, if any.
    pub fn expire(&mut self, context: &Context<'_>, sink: &mut dyn Sink) -> Option<u64> {
        loop {
            let deadline = self.open.front()?.deadline;
            if deadline > context.seen.clock {
                return Some(deadline);
            }
            let open = self.take(0)?;
            let outcome = if may_be_judged(&open, context) { Outcome::Unanswered } else { Outcome::Unknown };
            self.remember(&open);
            leave(&open, None, outcome, Anomalies::default(), deadline, context, sink);
        }
    }

    /// Everything that is open leaves. Only a connection that was closed can't answer any more; else one doesn't know.
    pub fn finish(&mut self, ending: Ending, context: &Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        while let Some(open) = self.take(0) {
            let judged = ending == Ending::Closed && may_be_judged(&open, context);
            let outcome = if judged { Outcome::Unanswered } else { Outcome::Unknown };
            leave(&open, None, outcome, Anomalies::default(), context.seen.clock, context, sink);
        }
    }

    fn take(&mut self, place: usize) -> Option<Open> {
        let open = self.open.remove(place)?;
        self.bytes = self.bytes.saturating_sub(open.body.len());
        Some(open)
    }

    fn remember(&mut self, open: &Open) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((open.sequence, open.function));
    }

    /// Whether this answers a request that was closed not long ago; it does so once.
    fn forget(&mut self, part: &Part<'_>) -> bool {
        let place = self.recent.iter().position(|recent| *recent == (part.sequence, part.function));
        place.and_then(|place| self.recent.remove(place)).is_some()
    }
}

/// Losses on the way of the responses, as the engine says.
fn lost(context: &Context<'_>) -> bool {
    context.seen.lost.get(context.client.other().index()).copied().unwrap_or_default()
}

/// The absence of a response says something: one was wanted, responses are seen, and none was lost since the request.
fn may_be_judged(open: &Open, context: &Context<'_>) -> bool {
    let wanted = open.half.flags & NO_RESPONSE == 0;
    wanted && context.seen.both_directions && !open.lost && lost(context) == open.lost_before
}

fn leave(
    open: &Open,
    response: Option<Half<'_>>,
    ending: Outcome,
    anomalies: Anomalies,
    completed: u64,
    context: &Context<'_>,
    sink: &mut dyn Sink,
) {
    let Context { client, unit, .. } = *context;
    let request = Some(Half { body: &open.body, ..open.half });
    let Open { function, sequence, .. } = *open;
    Exchange { client, unit, function, sequence, request, response, ending, anomalies, completed }.emit(sink);
}
