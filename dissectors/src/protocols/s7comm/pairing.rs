//! Requests wait here for their responses.
//!
//! A response carries the PDU reference of its request. Clients send several requests ahead (up to the parallel jobs agreed upon), each
//! with a reference of its own: who uses one again has been answered, or has given up. Some always send the same. So a response belongs
//! to the latest request of its reference, function and content; where bytes are lost, it is taken for nobody else's.

use std::collections::VecDeque;

use super::message::compose::Exchange;
use super::message::{self, Pdu, userdata, variables};
use super::tables::{self, anomaly};
use super::transfer::State;
use crate::address::{Moment, Side};
use crate::protocols::cotp::Link;
use crate::protocols::{Ending, Seen, Sink};
use crate::transaction::{Anomalies, Outcome};

/// Open requests of one flow.
pub const MAX_OPEN_REQUESTS: usize = 64;

/// Bytes of open requests of one flow, those of up to [`SHORT`] bytes not counted.
pub const MAX_OPEN_BYTES: usize = 64 * 1024;

/// A request without response is closed after so long, ns (DESIGN.md, 2.2).
pub const TIMEOUT: u64 = 10_000_000_000;

/// Closed requests that are remembered for their late responses.
const MAX_RECENT: usize = 16;

/// Requests of up to so many bytes are kept in place: a job that reads four areas has 62.
const SHORT: usize = 64;

/// What pairing needs to know of the flow.
pub struct Context<'c> {
    /// The connection.
    pub link: &'c Link,
    /// What the engine knows.
    pub seen: &'c Seen,
    /// What is kept from message to message.
    pub state: &'c mut State,
}

impl Context<'_> {
    /// Bytes of this side were lost, as the engine says.
    #[inline]
    fn lost(&self, side: Side) -> bool {
        self.seen.lost.get(side.index()).copied().unwrap_or_default()
    }
}

/// A request that waits.
#[derive(Debug)]
struct Open {
    side: Side,
    reference: u16,
    function: u8,
    /// Group and sub-function of userdata, 0 of others.
    detail: u16,
    /// Bytes were lost since, so that the response may be among them.
    lost: bool,
    /// Its reference has been used again.
    given_up: bool,
    /// What the engine said of losses when it came.
    lost_before: bool,
    at: Moment,
    deadline: u64,
    len: u8,
    short: [u8; SHORT],
    long: Vec<u8>,
}

impl Open {
    #[inline]
    fn bytes(&self) -> &[u8] {
        if self.long.is_empty() { self.short.get(..usize::from(self.len)).unwrap_or_default() } else { &self.long }
    }

    fn is_fit(&self, side: Side, pdu: &Pdu<'_>) -> bool {
        self.reference == pdu.reference && self.side == side.other() && self.answers(pdu)
    }

    /// An acknowledgement without parameters answers any function.
    #[inline]
    fn answers(&self, pdu: &Pdu<'_>) -> bool {
        let same = pdu.function().is_none_or(|function| function == self.function);
        same && self.detail == userdata::detail(pdu) && self.holds(pdu)
    }

    /// The content of a read's or write's answer is of the items that were asked for.
    #[inline]
    fn holds(&self, pdu: &Pdu<'_>) -> bool {
        if !matches!(self.function, 4 | 5) || pdu.error != 0 || pdu.parameters.len() < 2 {
            return true;
        }
        message::read(self.bytes(), self.at).is_ok_and(|request| variables::is_answer(&request, pdu))
    }

    fn may_be_judged(&self, context: &Context<'_>) -> bool {
        let lost = context.lost(self.side.other());
        context.seen.both_directions && !self.lost && lost == self.lost_before
    }
}

/// What is remembered of a closed request.
#[derive(Debug, Clone, Copy)]
struct Recent {
    side: Side,
    reference: u16,
    function: u8,
}

/// The open requests of a flow, the oldest first.
#[derive(Debug, Default)]
pub struct Pairing {
    /// Most clients wait for each answer: the oldest is in the flow's own memory. While there is none, there is no other.
    first: Option<Open>,
    rest: VecDeque<Open>,
    recent: VecDeque<Recent>,
    /// Bytes in `long` of all open requests.
    held: usize,
    /// A buffer that is free, so that long requests do not cost an allocation each.
    spare: Vec<u8>,
}

impl Pairing {
    /// A request waits. `bytes` is the whole message.
    #[inline]
    pub fn request(&mut self, side: Side, pdu: &Pdu<'_>, bytes: &[u8], context: &mut Context<'_>, sink: &mut dyn Sink) {
        for open in self.first.iter_mut().chain(&mut self.rest) {
            open.given_up |= open.reference == pdu.reference && open.side == side;
        }
        let count = usize::from(self.first.is_some()).saturating_add(self.rest.len());
        if count >= MAX_OPEN_REQUESTS || self.held.saturating_add(bytes.len()) > MAX_OPEN_BYTES {
            self.let_go(context, sink);
        }
        let mut open = Open {
            side,
            reference: pdu.reference,
            function: pdu.function().unwrap_or_default(),
            detail: userdata::detail(pdu),
            lost: false,
            given_up: false,
            lost_before: context.lost(side.other()),
            at: pdu.at,
            deadline: context.seen.clock.max(pdu.at.time).saturating_add(TIMEOUT),
            len: 0,
            short: [0; SHORT],
            long: Vec::new(),
        };
        match (open.short.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(bytes);
                open.len = len;
            }
            _ => {
                open.long = std::mem::take(&mut self.spare);
                open.long.extend_from_slice(bytes);
                self.held = self.held.saturating_add(bytes.len());
            }
        }
        if self.first.is_none() {
            self.first = Some(open);
        } else {
            self.rest.push_back(open);
        }
    }

    /// Makes room: the oldest leaves with what is known of it.
    #[cold]
    fn let_go(&mut self, context: &mut Context<'_>, sink: &mut dyn Sink) {
        let Some(open) = self.take(0) else { return };
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::TOO_MANY_OPEN_REQUESTS, open.may_be_judged(context));
        self.remember(&open);
        let completed = context.seen.clock;
        self.leave(open, None, (Outcome::Unknown, anomalies, completed), context, sink);
    }

    /// A response meets its request.
    #[inline]
    pub fn response(&mut self, side: Side, pdu: &Pdu<'_>, context: &mut Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        let completed = pdu.at.time.max(context.seen.clock);
        if let Some(open) = self.first.as_mut().filter(|open| !open.given_up && open.is_fit(side, pdu)) {
            // It leaves from where it is: moving it costs more than pairing.
            if let Ok(request) = message::read(open.bytes(), open.at) {
                exchange(open.side, Some(request), Some(*pdu), completed, context).emit(context.state, sink);
            }
            self.held = self.held.saturating_sub(open.long.len());
            keep(&mut self.spare, &mut open.long);
            self.first = if self.rest.is_empty() { None } else { self.rest.pop_front() };
            return;
        }
        self.unusual_response(side, pdu, completed, context, sink);
    }

    /// One that does not answer the oldest request.
    fn unusual_response(
        &mut self,
        side: Side,
        pdu: &Pdu<'_>,
        completed: u64,
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let mut anomalies = Anomalies::default();
        let all = || self.first.iter().chain(&self.rest);
        let same = |open: &Open| open.reference == pdu.reference && open.side == side.other();
        let certain = context.link.from_start && !context.link.has_lost(side.other()) && !context.lost(side.other());
        let mismatch = all().position(same).filter(|_| certain);
        // One that was given up is meant only where no other fits: the mirror may have swapped it with the next request.
        let fits = |open: &Open| open.is_fit(side, pdu);
        let fit = all().position(|open| !open.given_up && fits(open)).or_else(|| last(all().map(fits)));
        if fit.is_none() && self.forget(side, pdu) {
            return sink.anomaly(tables::NUMBER, anomaly::LATE_RESPONSE, side, pdu.at);
        }
        match fit.or(mismatch).and_then(|place| self.take(place)) {
            Some(open) => {
                anomalies.set(anomaly::RESPONSE_MISMATCH, fit.is_none());
                self.leave(open, Some(*pdu), (Outcome::Unknown, anomalies, completed), context, sink);
            }
            None => {
                anomalies.set(anomaly::UNSOLICITED_RESPONSE, certain);
                let exchange = Exchange { anomalies, ..exchange(side.other(), None, Some(*pdu), completed, context) };
                exchange.emit(context.state, sink);
            }
        }
    }

    /// Bytes of this side were lost: the responses to what is open may be among them.
    pub fn lose(&mut self, side: Side) {
        for open in self.first.iter_mut().chain(&mut self.rest).filter(|open| open.side != side) {
            open.lost = true;
        }
    }

    /// Closes what waits for too long; the next deadline, if any.
    #[inline]
    pub fn expire(&mut self, context: &mut Context<'_>, sink: &mut dyn Sink) -> Option<u64> {
        loop {
            let deadline = self.first.as_ref()?.deadline;
            if deadline > context.seen.clock {
                return Some(deadline);
            }
            let open = self.take(0)?;
            let outcome = if open.may_be_judged(context) { Outcome::Unanswered } else { Outcome::Unknown };
            self.remember(&open);
            self.leave(open, None, (outcome, Anomalies::default(), deadline), context, sink);
        }
    }

    /// Everything that is open leaves. Only a connection that was closed can't answer any more; else one doesn't know.
    pub fn finish(&mut self, ending: Ending, context: &mut Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        while let Some(open) = self.take(0) {
            let judged = ending == Ending::Closed && open.may_be_judged(context);
            let outcome = if judged { Outcome::Unanswered } else { Outcome::Unknown };
            let completed = context.seen.clock;
            self.leave(open, None, (outcome, Anomalies::default(), completed), context, sink);
        }
    }

    fn take(&mut self, place: usize) -> Option<Open> {
        let open = match place.checked_sub(1) {
            Some(place) => self.rest.remove(place)?,
            None => {
                let next = if self.rest.is_empty() { None } else { self.rest.pop_front() };
                std::mem::replace(&mut self.first, next)?
            }
        };
        self.held = self.held.saturating_sub(open.long.len());
        Some(open)
    }

    #[inline]
    fn leave(
        &mut self,
        mut open: Open,
        response: Option<Pdu<'_>>,
        (ending, anomalies, completed): (Outcome, Anomalies, u64),
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
    ) {
        // It was read when it came.
        if let Ok(request) = message::read(open.bytes(), open.at) {
            let whole = exchange(open.side, Some(request), response, completed, context);
            Exchange { ending, anomalies, ..whole }.emit(context.state, sink);
        }
        keep(&mut self.spare, &mut open.long);
    }

    fn remember(&mut self, open: &Open) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        let Open { side, reference, function, .. } = *open;
        self.recent.push_back(Recent { side, reference, function });
    }

    /// Whether this answers a request that was closed not long ago; it does so once.
    fn forget(&mut self, side: Side, pdu: &Pdu<'_>) -> bool {
        let place = self.recent.iter().position(|recent| {
            recent.reference == pdu.reference
                && recent.side == side.other()
                && pdu.function().is_none_or(|function| function == recent.function)
        });
        place.and_then(|place| self.recent.remove(place)).is_some()
    }
}

/// The place of the last that is true.
fn last(all: impl Iterator<Item = bool>) -> Option<usize> {
    all.enumerate().filter(|(_, fits)| *fits).last().map(|(place, _)| place)
}

/// Keeps the buffer of a request that leaves.
#[inline]
fn keep(spare: &mut Vec<u8>, long: &mut Vec<u8>) {
    if long.capacity() > spare.capacity() {
        *spare = std::mem::take(long);
        spare.clear();
    }
}

/// `asker` sent the request, or received the response.
#[inline]
pub fn exchange<'a>(
    asker: Side,
    request: Option<Pdu<'a>>,
    response: Option<Pdu<'a>>,
    completed: u64,
    context: &Context<'_>,
) -> Exchange<'a> {
    Exchange {
        asker,
        unit: context.link.unit,
        request,
        response,
        ending: Outcome::Unknown,
        anomalies: Anomalies::default(),
        completed,
    }
}
