//! Requests wait here for their responses.
//!
//! A transaction identifier need not be unique: some clients always send 0, others use it again while an older request is open.
//! So a response belongs to the oldest request that it fits in identifier, unit, function and content; requests that their
//! client has evidently given up come after those that it hasn't.

use super::message::Framing;
use super::message::compose::{Exchange, Half};
use super::message::form::{self, Role};
use super::tables::{self, anomaly};
use crate::address::{Moment, Side};
use crate::protocols::{Ending, Seen, Sink};
use crate::transaction::{Anomalies, Outcome};
use std::collections::VecDeque;
use std::hint::black_box;

/// Open requests of one flow.
pub const MAX_OPEN_REQUESTS: usize = 128;

/// Bytes of open requests of one flow, those of up to [`SHORT`] bytes not counted.
pub const MAX_OPEN_BYTES: usize = 16 * 1024;

/// A request without response is closed after so long, ns (DESIGN.md, 2.2).
pub const TIMEOUT: u64 = 10_000_000_000;

/// When a client uses key and content place of an open request again after so long (ns), it has given the older one up; sooner,
/// it is sending ahead. Clients wait for an answer for half a second or more, and send ahead within milliseconds.
const GIVEN_UP: u64 = 400_000_000;

/// Closed requests that are remembered for their late responses.
const MAX_RECENT: usize = 16;

/// Requests of up to so many bytes are kept in place.
const SHORT: usize = 12;

/// What pairing needs to know of the flow.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who asks.
    pub client: Side,
    /// How messages are framed.
    pub framing: Framing,
    /// The same bytes again are a retransmission: below there is nothing that removes it.
    pub datagram: bool,
    /// No request can have been missed: what answers none is unsolicited.
    pub certain: bool,
    /// What the engine knows.
    pub seen: &'a Seen,
}

/// A request that waits.
#[derive(Debug, Default)]
struct Open {
    transaction_id: u16,
    protocol_id: u16,
    unit: u8,
    /// Bytes were lost since, so that the response may be among them.
    lost: bool,
    /// What the engine said of losses when it came.
    lost_before: bool,
    given_up: bool,
    retransmissions: u16,
    at: Moment,
    deadline: u64,
    len: u8,
    short: [u8; SHORT],
    long: Vec<u8>,
}

impl Open {
    #[inline]
    fn pdu(&self) -> &[u8] {
        if self.long.is_empty() { self.short.get(..usize::from(self.len)).unwrap_or_default() } else { &self.long }
    }

    #[inline]
    fn half(&self) -> Half<'_> {
        let Open { transaction_id, protocol_id, unit, at, .. } = *self;
        Half { transaction_id, protocol_id, unit, pdu: self.pdu(), at }
    }

    #[inline]
    fn function(&self) -> u8 {
        self.pdu().first().copied().unwrap_or_default()
    }

    /// Broadcasts (unit 0, writing functions; V1.02 of the serial line guide, 2.1) and Force Listen Only (6.8.1) have none. Over
    /// TCP unit 0 may also be the device itself, which answers; so it is waited for and its absence says nothing.
    fn expects_response(&self) -> bool {
        let broadcast = self.unit == 0 && matches!(self.function(), 5 | 6 | 15 | 16 | 21 | 22);
        !broadcast && !matches!(self.pdu(), [8, 0, 4, ..])
    }
}

/// What is remembered of a closed request.
#[derive(Debug, Clone, Copy)]
struct Recent {
    transaction_id: u16,
    unit: u8,
    function: u8,
}

/// Open requests, the oldest first. Most clients wait for each answer, so that one place is in the flow's own memory.
#[derive(Debug, Default)]
#[repr(C)]
struct Queue {
    /// The oldest; while there is none, there is no other.
    first: Option<Open>,
    rest: VecDeque<Open>,
}

impl Queue {
    #[inline]
    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    fn len(&self) -> usize {
        usize::from(self.first.is_some()).saturating_add(self.rest.len())
    }

    #[inline]
    fn front(&self) -> Option<&Open> {
        self.first.as_ref()
    }

    #[inline]
    fn push_back(&mut self, open: Open) {
        if self.first.is_none() {
            self.first = Some(open);
        } else {
            self.rest.push_back(open);
        }
    }

    #[inline]
    fn pop_front(&mut self) -> Option<Open> {
        let next = if self.rest.is_empty() { None } else { self.rest.pop_front() };
        std::mem::replace(&mut self.first, next)
    }

    fn remove(&mut self, place: usize) -> Option<Open> {
        match place.checked_sub(1) {
            Some(place) => self.rest.remove(place),
            None => self.pop_front(),
        }
    }

    #[inline]
    fn iter(&self) -> impl Iterator<Item = &Open> {
        self.first.iter().chain(&self.rest)
    }

    #[inline]
    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Open> {
        self.first.iter_mut().chain(&mut self.rest)
    }
}

/// The open requests of a flow.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Pairing {
    open: Queue,
    recent: VecDeque<Recent>,
    /// Bytes in `long` of all open requests.
    bytes: usize,
    /// A buffer that is free, so that long requests do not cost an allocation each.
    spare: Vec<u8>,
}

/// How well a response fits an open request, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Fits,
    FitsGivenUp,
    WrongContent,
    WrongFunctionOrUnit,
}

impl Pairing {
    /// Reads what the next message needs.
    #[inline]
    pub fn warm(&self) {
        if let Some(open) = self.open.front() {
            black_box((open.deadline, open.transaction_id));
        }
        black_box(self.bytes);
    }

    /// A request waits.
    #[inline]
    pub fn request(&mut self, half: Half<'_>, context: &Context<'_>, sink: &mut dyn Sink) {
        if !self.open.is_empty() && self.is_again(half, context) {
            return;
        }
        if self.open.len() >= MAX_OPEN_REQUESTS || self.bytes.saturating_add(half.pdu.len()) > MAX_OPEN_BYTES {
            self.let_go(context, sink);
        }
        let Half { transaction_id, protocol_id, unit, at, .. } = half;
        let mut open = Open {
            transaction_id,
            protocol_id,
            unit,
            at,
            lost_before: lost(context),
            deadline: context.seen.clock.max(at.time).saturating_add(TIMEOUT),
            ..Open::default()
        };
        match (open.short.get_mut(..half.pdu.len()), u8::try_from(half.pdu.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(half.pdu);
                open.len = len;
            }
            _ => {
                open.long = std::mem::take(&mut self.spare);
                open.long.extend_from_slice(half.pdu);
                self.bytes = self.bytes.saturating_add(half.pdu.len());
            }
        }
        self.open.push_back(open);
    }

    /// The oldest request, when it is not overdue and this is of its identifier, unit and function and it is not known to be
    /// given up; whether the content fits is the caller's to see.
    #[inline]
    pub fn waits_for(&self, half: &Half<'_>, clock: u64) -> Option<Half<'_>> {
        let open = self.open.front()?;
        let same = open.transaction_id == half.transaction_id
            && open.unit == half.unit
            && open.protocol_id == half.protocol_id
            && Some(&open.function()) == half.pdu.first();
        (same && !open.given_up && open.retransmissions == 0 && open.deadline > clock).then(|| open.half())
    }

    /// The oldest request has left with its response.
    #[inline]
    pub fn close(&mut self) {
        if self.open.rest.is_empty() && self.open.front().is_some_and(|open| open.long.is_empty()) {
            self.open.first = None;
        } else if let Some(mut open) = self.take(0) {
            self.keep(&mut open);
        }
    }

    /// Whether a request is an open one, sent again. Marks the requests that this one shows to be given up.
    fn is_again(&mut self, half: Half<'_>, context: &Context<'_>) -> bool {
        let function = half.pdu.first().copied().unwrap_or_default();
        for open in self.open.iter_mut() {
            if !is_same(open, half, function, context.framing) {
                continue;
            }
            if context.datagram && open.pdu() == half.pdu {
                open.retransmissions = open.retransmissions.saturating_add(1);
                return true;
            }
            open.given_up |= open.lost || half.at.time.saturating_sub(open.at.time) >= GIVEN_UP;
        }
        false
    }

    /// Makes room: the oldest leaves with what is known of it.
    fn let_go(&mut self, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(open) = self.take(0) else { return };
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::TOO_MANY_OPEN_REQUESTS, may_be_judged(&open, context));
        self.remember(&open);
        let completed = context.seen.clock;
        self.leave(open, None, Outcome::Unknown, anomalies, completed, context, sink);
    }

    /// A response meets its request; true when it fits one.
    #[inline]
    pub fn response(&mut self, half: Half<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> bool {
        self.expire(context, sink);
        let found = self.find(half, context);
        let late = !matches!(found, Some((_, Rank::Fits | Rank::FitsGivenUp))) && self.forget(half, context.framing);
        if late {
            sink.anomaly(tables::NUMBER, anomaly::LATE_RESPONSE, context.client.other(), half.at);
            return false;
        }
        let sure = found.filter(|&(_, rank)| rank <= Rank::FitsGivenUp || context.certain);
        let mut anomalies = Anomalies::default();
        let completed = half.at.time.max(context.seen.clock);
        match sure.and_then(|(place, rank)| Some((self.take(place)?, rank))) {
            Some((open, rank)) => {
                anomalies.set(anomaly::RESPONSE_MISMATCH, rank > Rank::FitsGivenUp);
                self.leave(open, Some(half), Outcome::Unknown, anomalies, completed, context, sink);
                rank <= Rank::FitsGivenUp
            }
            None => {
                anomalies.set(anomaly::UNSOLICITED_RESPONSE, context.certain);
                exchange(context, None, Some(half), completed, anomalies).emit(sink);
                false
            }
        }
    }

    /// The best request for a response, the oldest of equals.
    #[inline]
    fn find(&self, half: Half<'_>, context: &Context<'_>) -> Option<(usize, Rank)> {
        let mut best: Option<(usize, Rank)> = None;
        let function = half.pdu.first().copied().unwrap_or_default() & 0x7F;
        for (place, open) in self.open.iter().enumerate() {
            let rank = if is_same(open, half, function, context.framing) {
                match (is_answer(open.pdu(), half.pdu), open.given_up) {
                    (true, false) => return Some((place, Rank::Fits)),
                    (true, true) => Rank::FitsGivenUp,
                    (false, _) => Rank::WrongContent,
                }
            } else if context.framing != Framing::Rtu && open.transaction_id == half.transaction_id {
                Rank::WrongFunctionOrUnit
            } else {
                continue;
            };
            if best.is_none_or(|(_, other)| rank < other) {
                best = Some((place, rank));
            }
        }
        best
    }

    /// Bytes were lost: the responses to what is open may be among them.
    pub fn lose(&mut self) {
        for open in self.open.iter_mut() {
            open.lost = true;
        }
    }

    /// Closes what waits for too long; the next deadline, if any.
    #[inline]
    pub fn expire(&mut self, context: &Context<'_>, sink: &mut dyn Sink) -> Option<u64> {
        loop {
            let deadline = self.open.front()?.deadline;
            if deadline > context.seen.clock {
                return Some(deadline);
            }
            let open = self.take(0)?;
            let judged = may_be_judged(&open, context) && open.expects_response();
            let outcome = if judged { Outcome::Unanswered } else { Outcome::Unknown };
            self.remember(&open);
            self.leave(open, None, outcome, Anomalies::default(), deadline, context, sink);
        }
    }

    /// Everything that is open leaves. Only a connection that was closed can't answer any more; else one doesn't know.
    pub fn finish(&mut self, ending: Ending, context: &Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        while let Some(open) = self.take(0) {
            let judged = ending == Ending::Closed && may_be_judged(&open, context) && open.expects_response();
            let outcome = if judged { Outcome::Unanswered } else { Outcome::Unknown };
            let completed = context.seen.clock;
            self.leave(open, None, outcome, Anomalies::default(), completed, context, sink);
        }
    }

    /// The sides were mistaken: what waits are responses, whose requests nobody has seen as such.
    pub fn turn(&mut self, context: &Context<'_>, sink: &mut dyn Sink) {
        while let Some(mut open) = self.take(0) {
            exchange(context, None, Some(open.half()), open.at.time, Anomalies::default()).emit(sink);
            self.keep(&mut open);
        }
    }

    #[inline]
    fn take(&mut self, place: usize) -> Option<Open> {
        let open = self.open.remove(place)?;
        self.bytes = self.bytes.saturating_sub(open.long.len());
        Some(open)
    }

    #[allow(clippy::too_many_arguments)]
    #[inline]
    fn leave(
        &mut self,
        mut open: Open,
        response: Option<Half<'_>>,
        ending: Outcome,
        anomalies: Anomalies,
        completed: u64,
        context: &Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let retransmissions = open.retransmissions;
        let whole = exchange(context, Some(open.half()), response, completed, anomalies);
        Exchange { ending, retransmissions, ..whole }.emit(sink);
        self.keep(&mut open);
    }

    /// Keeps the buffer of a request that has left.
    #[inline]
    fn keep(&mut self, open: &mut Open) {
        if open.long.capacity() > self.spare.capacity() {
            self.spare = std::mem::take(&mut open.long);
            self.spare.clear();
        }
    }

    fn remember(&mut self, open: &Open) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        let Open { transaction_id, unit, .. } = *open;
        self.recent.push_back(Recent { transaction_id, unit, function: open.function() });
    }

    /// Whether this answers a request that was closed not long ago; it does so once.
    fn forget(&mut self, half: Half<'_>, framing: Framing) -> bool {
        let function = half.pdu.first().copied().unwrap_or_default() & 0x7F;
        let place = self.recent.iter().position(|recent| {
            let same = framing == Framing::Rtu || recent.transaction_id == half.transaction_id;
            same && recent.unit == half.unit && recent.function == function
        });
        place.and_then(|place| self.recent.remove(place)).is_some()
    }
}

#[inline]
fn is_same(open: &Open, half: Half<'_>, function: u8, framing: Framing) -> bool {
    let identifier = framing == Framing::Rtu || open.transaction_id == half.transaction_id;
    identifier && open.unit == half.unit && open.function() == function
}

/// Losses on the way of the responses, as the engine says.
#[inline]
fn lost(context: &Context<'_>) -> bool {
    context.seen.lost.get(context.client.other().index()).copied().unwrap_or_default()
}

/// The absence of a response says something: responses are seen and none was lost since the request.
fn may_be_judged(open: &Open, context: &Context<'_>) -> bool {
    context.seen.both_directions && !open.lost && lost(context) == open.lost_before
}

#[inline]
fn exchange<'a>(
    context: &Context<'_>,
    request: Option<Half<'a>>,
    response: Option<Half<'a>>,
    completed: u64,
    anomalies: Anomalies,
) -> Exchange<'a> {
    let Context { client, framing, .. } = *context;
    let ending = Outcome::Unknown;
    Exchange { client, framing, request, response, ending, anomalies, completed, retransmissions: 0 }
}

/// Whether a response of the same function can be the answer to this request by its content.
#[inline]
fn is_answer(question: &[u8], answer: &[u8]) -> bool {
    match (question, answer) {
        (_, [code, ..]) if *code >= 128 => true,
        ([1 | 2, _, _, high, low], [_, count, ..]) => {
            form::fits(Role::Response, answer) && u16::from_be_bytes([*high, *low]).div_ceil(8) == u16::from(*count)
        }
        ([3 | 4, _, _, high, low], [_, count, ..]) | ([23, _, _, high, low, ..], [_, count, ..]) => {
            let asked = u16::from_be_bytes([*high, *low]).saturating_mul(2);
            form::fits(Role::Response, answer) && asked == u16::from(*count)
        }
        ([5 | 6 | 22, asked @ ..], [_, echoed @ ..]) => asked == echoed,
        ([15 | 16, asked @ ..], [_, echoed @ ..]) => asked.get(..4) == echoed.get(..4),
        ([8, asked @ ..], [_, echoed @ ..]) => asked.get(..2) == echoed.get(..2),
        ([43, asked, ..], [_, echoed, ..]) => asked == echoed,
        _ => true,
    }
}
