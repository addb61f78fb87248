//! Requests wait here for their responses. A response carries the request id of its request (Part 6, 6.7.2.4).

pub mod compose;
pub mod identity;
pub mod learn;
pub mod state;

use std::collections::VecDeque;

use compose::Exchange;
use state::State;

use super::message::services::RequestHeader;
use super::message::types::Reader;
use super::tables::services::{self, Half, service};
use super::tables::{self, anomaly};
use crate::address::{Moment, Side};
use crate::protocols::{Ending, Seen, Sink};
use crate::transaction::{Anomalies, Outcome};

/// Open requests of one flow.
pub const MAX_OPEN_REQUESTS: usize = 256;

/// Bytes of open requests of one flow.
pub const MAX_OPEN_BYTES: usize = 512 * 1024;

/// A request that tells no patience is closed after so long, ns.
pub const TIMEOUT: u64 = 60_000_000_000;

/// What a timeout hint is taken for at least and at most, ns.
const TIMEOUT_RANGE: (u64, u64) = (1_000_000_000, 3_600_000_000_000);

/// A Publish waits for so long where no subscription is known, ns.
const PUBLISH_TIMEOUT: u64 = 3_600_000_000_000;

/// Closed requests that are remembered for their late responses.
const MAX_RECENT: usize = 16;

/// Buffers that are kept for the next requests, and their bytes at most.
const MAX_SPARE: (usize, usize) = (8, 16 * 1024);

/// A message put together from its chunks, behind its sequence header.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Who sent it.
    pub side: Side,
    /// The number that request and response share.
    pub request: u32,
    /// Its bytes from the type id on.
    pub body: &'a [u8],
    /// The packet that completed it.
    pub at: Moment,
    /// Its chunks.
    pub chunks: u32,
    /// Its bytes altogether.
    pub size: u64,
    /// Its end was not kept.
    pub cut: bool,
    /// What is wrong with its chunks.
    pub anomalies: Anomalies,
}

/// What pairing needs to know of the flow.
pub struct Context<'c> {
    /// What is kept from message to message.
    pub state: &'c mut State,
    /// What the engine knows.
    pub seen: &'c Seen,
    /// Everything since the first message was seen.
    pub certain: bool,
}

impl Context<'_> {
    #[inline]
    fn lost(&self, side: Side) -> bool {
        self.seen.lost.get(side.index()).copied().unwrap_or_default()
    }
}

/// A request that waits.
#[derive(Debug)]
struct Open {
    side: Side,
    request: u32,
    service: u32,
    at: Moment,
    deadline: u64,
    chunks: u32,
    size: u64,
    cut: bool,
    lost: bool,
    lost_before: bool,
    anomalies: Anomalies,
    body: Vec<u8>,
}

impl Open {
    fn message(&self) -> Message<'_> {
        let Open { side, request, ref body, at, chunks, size, cut, anomalies, .. } = *self;
        Message { side, request, body, at, chunks, size, cut, anomalies }
    }

    fn may_be_judged(&self, context: &Context<'_>) -> bool {
        let lost = context.lost(self.side.other());
        context.seen.both_directions && !self.lost && lost == self.lost_before
    }
}

/// The open requests of a flow, the oldest first.
#[derive(Debug, Default)]
pub struct Pairing {
    open: VecDeque<Open>,
    /// No deadline is before this.
    next: u64,
    held: usize,
    recent: VecDeque<(Side, u32)>,
    spare: Vec<Vec<u8>>,
}

impl Pairing {
    /// A request waits; one that has no response leaves at once.
    #[inline]
    pub fn request(&mut self, message: &Message<'_>, service: u32, context: &mut Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        if service == service::CLOSE_SECURE_CHANNEL {
            let completed = message.at.time.max(context.seen.clock);
            let exchange = Exchange { request: Some(*message), ..Exchange::new(service, message.side, completed) };
            return exchange.emit(context.state, sink);
        }
        let mut anomalies = message.anomalies;
        if self.open.iter().any(|open| open.request == message.request && open.side == message.side) {
            anomalies.set(anomaly::REQUEST_REUSED, true);
        }
        if self.open.len() >= MAX_OPEN_REQUESTS || self.held.saturating_add(message.body.len()) > MAX_OPEN_BYTES {
            self.let_go(context, sink);
        }
        let deadline =
            context.seen.clock.max(message.at.time).saturating_add(patience(message, service, context.state));
        self.next = if self.open.is_empty() { deadline } else { self.next.min(deadline) };
        let mut body = self.spare.pop().unwrap_or_default();
        body.extend_from_slice(message.body);
        self.held = self.held.saturating_add(body.len());
        let Message { side, request, at, chunks, size, cut, .. } = *message;
        let lost_before = context.lost(side.other());
        let open =
            Open { side, request, service, at, deadline, chunks, size, cut, lost: false, lost_before, anomalies, body };
        self.open.push_back(open);
    }

    /// Makes room: the oldest leave with what is known of them.
    #[cold]
    fn let_go(&mut self, context: &mut Context<'_>, sink: &mut dyn Sink) {
        let Some(mut open) = self.take(0) else { return };
        let judged = open.may_be_judged(context);
        open.anomalies.set(anomaly::TOO_MANY_OPEN_REQUESTS, judged);
        self.remember(&open);
        let completed = context.seen.clock;
        self.leave(open, None, (Outcome::Unknown, completed), context, sink);
        if self.held > MAX_OPEN_BYTES / 2 && !self.open.is_empty() {
            self.let_go(context, sink);
        }
    }

    /// A response meets its request.
    #[inline]
    pub fn response(
        &mut self,
        message: &Message<'_>,
        half: Option<Half>,
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
    ) {
        self.expire(context, sink);
        let completed = message.at.time.max(context.seen.clock);
        let same = |open: &Open| open.request == message.request && open.side != message.side;
        let Some(open) = self.open.iter().position(same).and_then(|place| self.take(place)) else {
            return self.without_request(message, half, completed, context, sink);
        };
        let mut response = *message;
        let fits = match half {
            Some(Half::Response(service)) => service == open.service,
            Some(Half::Fault) => true,
            None => services::half(open.service).is_none(),
            Some(Half::Request(_)) => false,
        };
        response.anomalies.set(anomaly::RESPONSE_MISMATCH, !fits);
        self.leave(open, Some(response), (Outcome::Unknown, completed), context, sink);
    }

    #[cold]
    fn without_request(
        &mut self,
        message: &Message<'_>,
        half: Option<Half>,
        completed: u64,
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let asker = message.side.other();
        if let Some(place) = self.recent.iter().position(|recent| *recent == (asker, message.request)) {
            self.recent.remove(place);
            return sink.anomaly(tables::NUMBER, anomaly::LATE_RESPONSE, message.side, message.at);
        }
        let mut response = *message;
        let certain = context.certain && !context.lost(asker);
        response.anomalies.set(anomaly::UNSOLICITED_RESPONSE, certain);
        let service = match half {
            Some(Half::Response(service)) => service,
            // What was asked is not known: the fault's own number stands for it.
            _ => services::SERVICE_FAULT,
        };
        let exchange = Exchange { response: Some(response), ..Exchange::new(service, asker, completed) };
        exchange.emit(context.state, sink);
    }

    /// Bytes of this side were lost: the responses to what is open may be among them.
    pub fn lose(&mut self, side: Side) {
        for open in self.open.iter_mut().filter(|open| open.side != side) {
            open.lost = true;
        }
    }

    /// Closes what waits for too long; the next deadline, if any.
    #[inline]
    pub fn expire(&mut self, context: &mut Context<'_>, sink: &mut dyn Sink) -> Option<u64> {
        if self.open.is_empty() {
            return None;
        }
        if self.next > context.seen.clock {
            return Some(self.next);
        }
        self.expire_now(context, sink)
    }

    fn expire_now(&mut self, context: &mut Context<'_>, sink: &mut dyn Sink) -> Option<u64> {
        // A Publish waits as long as the subscriptions that have come since.
        let now = context.seen.clock;
        let lifetime = context.state.subscriptions.lifetime();
        for open in self.open.iter_mut().filter(|open| open.service == service::PUBLISH && open.deadline <= now) {
            open.deadline = open.deadline.max(open.at.time.saturating_add(lifetime.unwrap_or_default()));
        }
        while let Some(place) = self.open.iter().position(|open| open.deadline <= now) {
            let Some(open) = self.take(place) else { break };
            let outcome = if open.may_be_judged(context) { Outcome::Unanswered } else { Outcome::Unknown };
            self.remember(&open);
            let deadline = open.deadline;
            self.leave(open, None, (outcome, deadline), context, sink);
        }
        self.next = self.open.iter().map(|open| open.deadline).min()?;
        Some(self.next)
    }

    /// Everything that is open leaves. Only a connection that was closed can't answer any more; else one doesn't know.
    pub fn finish(&mut self, ending: Ending, context: &mut Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        while let Some(open) = self.take(0) {
            let judged = ending == Ending::Closed && open.may_be_judged(context);
            let outcome = if judged { Outcome::Unanswered } else { Outcome::Unknown };
            let completed = context.seen.clock;
            self.leave(open, None, (outcome, completed), context, sink);
        }
    }

    #[inline]
    fn take(&mut self, place: usize) -> Option<Open> {
        let open = if place == 0 { self.open.pop_front() } else { self.open.remove(place) }?;
        self.held = self.held.saturating_sub(open.body.len());
        Some(open)
    }

    #[inline]
    fn leave(
        &mut self,
        open: Open,
        response: Option<Message<'_>>,
        (ending, completed): (Outcome, u64),
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let request = Some(open.message());
        let exchange = Exchange { request, response, ending, ..Exchange::new(open.service, open.side, completed) };
        exchange.emit(context.state, sink);
        let mut body = open.body;
        if self.spare.len() < MAX_SPARE.0 && body.capacity() <= MAX_SPARE.1 {
            body.clear();
            self.spare.push(body);
        }
    }

    fn remember(&mut self, open: &Open) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((open.side, open.request));
    }
}

/// How long a request waits: what its client says, a Publish as long as its subscription lives.
#[inline]
fn patience(message: &Message<'_>, service: u32, state: &State) -> u64 {
    if service == service::PUBLISH {
        return state.subscriptions.lifetime().unwrap_or(PUBLISH_TIMEOUT).max(TIMEOUT);
    }
    let hint = compose::with_arena(|arena| {
        let mut body = Reader::new(message.body, arena);
        body.node_id().and_then(|_| RequestHeader::read(&mut body)).map_or(0, |header| header.timeout)
    });
    let (least, most) = TIMEOUT_RANGE;
    match hint {
        0 => TIMEOUT,
        milliseconds => u64::from(milliseconds).saturating_mul(1_000_000).clamp(least, most),
    }
}
