//! Requests wait here for their responses, reports for their confirmations: one association for each pair of link addresses.
//!
//! A master has one request under way, known by its sequence number; so a response belongs to the oldest open request of its
//! association that has its number. The same octets again, while the request is open, are a retry of it; after it was answered
//! they are repeated: an outstation then only repeats its answer.

pub mod link;
pub mod open;
pub mod reassembly;
pub mod reports;
pub mod select;
pub mod transfers;

use std::collections::VecDeque;
use std::hash::BuildHasher;

use super::message::application::{self, Control, Fragment};
use super::message::compose::{Challenge, Exchange, Request, Response};
use super::message::objects::Walk;
use super::tables::{self, anomaly};
use crate::address::{Moment, Side};
use crate::protocols::{Ending, Seen, Sink};
use crate::stream;
use crate::transaction::{Anomalies, Outcome};
use link::LinkRequest;
use open::Open;
use reassembly::Reassembly;
use reports::Report;
use select::Select;
use transfers::Transfers;

/// Open requests of one association.
pub const MAX_OPEN_REQUESTS: usize = 16;

/// Octets of one response that are put together from its fragments.
pub const MAX_RESPONSE: usize = 1 << 17;

/// A request without response is closed after so long, ns (DESIGN.md, 2.2).
pub const TIMEOUT: u64 = 30_000_000_000;

/// Closed requests that are remembered for their late responses.
const MAX_LATE: usize = 16;

/// What pairing needs to know of the flow.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// No request can have been missed: what answers none is unsolicited.
    pub certain: bool,
    /// What the engine knows.
    pub seen: &'a Seen,
}

/// The request that was answered last.
#[derive(Debug, Clone, Copy)]
struct Answered {
    request: u64,
    response: u64,
    sequence: u8,
    at: u64,
}

/// Whether an outstation may report unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Unsolicited {
    #[default]
    Unknown,
    Off,
    On,
}

/// What a master and an outstation say to each other.
#[derive(Debug)]
pub struct Association {
    /// Master and outstation.
    pub unit: u32,
    /// The master's side.
    pub client: Side,
    /// Each has been heard: master, outstation.
    pub heard: [bool; 2],
    /// Each has been seen to ask the link layer to confirm its user data.
    pub confirms: [bool; 2],
    /// When it was last used.
    pub used: u64,
    /// Nothing that waits is overdue before this.
    wake: u64,
    /// Open requests, the oldest first: one has its place here.
    first: Option<Open>,
    rest: VecDeque<Open>,
    /// A response whose confirmation has not come.
    confirm: Option<u8>,
    answered: Option<Answered>,
    unsolicited: Unsolicited,
    /// Segments from master and outstation.
    pub reassembly: [Reassembly; 2],
    /// What is selected.
    pub select: Select,
    link: Option<LinkRequest>,
    report: Option<Report>,
    late: VecDeque<u8>,
    transfers: Transfers,
}

fn hash(octets: &[u8]) -> u64 {
    stream::state().hash_one(octets)
}

impl Association {
    /// Between these two, nothing known yet.
    pub fn new(unit: u32, client: Side) -> Self {
        Association {
            unit,
            client,
            heard: [false; 2],
            confirms: [false; 2],
            used: 0,
            wake: 0,
            first: None,
            rest: VecDeque::new(),
            confirm: None,
            answered: None,
            unsolicited: Unsolicited::Unknown,
            reassembly: Default::default(),
            select: Select::default(),
            link: None,
            report: None,
            late: VecDeque::new(),
            transfers: Transfers::default(),
        }
    }

    fn exchange<'a>(&self, completed: u64) -> Exchange<'a> {
        Exchange::new(self.client, self.unit, completed)
    }

    /// The outstation's address.
    pub fn outstation(&self) -> u16 {
        u16::try_from(self.unit & 0xFFFF).unwrap_or(0)
    }

    fn open_count(&self) -> usize {
        usize::from(self.first.is_some()).saturating_add(self.rest.len())
    }

    fn open_mut(&mut self) -> impl Iterator<Item = &mut Open> {
        self.first.iter_mut().chain(&mut self.rest)
    }

    fn take(&mut self, place: usize) -> Option<Open> {
        match place.checked_sub(1) {
            Some(place) => self.rest.remove(place),
            None => std::mem::replace(&mut self.first, self.rest.pop_front()),
        }
    }

    /// Losses on the way of the responses, as the engine says.
    fn lost(&self, context: &Context<'_>) -> bool {
        context.seen.lost.get(self.client.other().index()).copied().unwrap_or_default()
    }

    /// The absence of an answer says something: both directions are seen and nothing was lost since.
    fn may_be_judged(&self, lost: bool, lost_before: bool, context: &Context<'_>) -> bool {
        context.seen.both_directions && !lost && self.lost(context) == lost_before
    }

    /// A request of the master. `second_master`: another one has selected something of the same outstation.
    pub fn request(
        &mut self,
        fragment: &Fragment<'_>,
        at: Moment,
        second_master: bool,
        context: &Context<'_>,
        sink: &mut dyn Sink,
    ) {
        if self.open_mut().any(|open| open.is_again(fragment)) {
            return;
        }
        let repeated = self.is_repeated(fragment, at);
        let (mut anomalies, select) = self.control(fragment, at, repeated, context);
        anomalies.set(anomaly::SECOND_MASTER, second_master);
        let bits = fragment.control;
        anomalies.set(anomaly::FRAGMENT_BITS, !bits.first() || !bits.last() || bits.unsolicited() || bits.confirm());
        let broadcast = tables::broadcast(self.outstation()).is_some();
        anomalies.set(anomaly::BROADCAST_CONTROL, broadcast && application::is_control(fragment.function));
        if broadcast || application::is_silent(fragment.function) {
            // Nobody answers: all that can be known is known.
            let request = Some(Request { fragment: *fragment, at });
            let completed = at.time.max(context.seen.clock);
            Exchange { request, anomalies, repeated, select, ..self.exchange(completed) }
                .emit(&mut self.transfers, sink);
            return;
        }
        if self.open_count() >= MAX_OPEN_REQUESTS {
            self.let_go(context, sink);
        }
        let lost_before = self.lost(context);
        let deadline = context.seen.clock.max(at.time).saturating_add(TIMEOUT);
        let mut open = Open::new(fragment, at, deadline);
        (open.anomalies, open.repeated, open.select, open.lost_before) = (anomalies, repeated, select, lost_before);
        if self.first.is_none() {
            self.first = Some(open);
        } else {
            self.rest.push_back(open);
        }
    }

    /// The request that has just been answered, once more.
    #[inline]
    fn is_repeated(&self, fragment: &Fragment<'_>, at: Moment) -> bool {
        self.answered.is_some_and(|answered| {
            answered.sequence == fragment.control.sequence()
                && at.time.saturating_sub(answered.at) < TIMEOUT
                && answered.request == hash(fragment.bytes)
        })
    }

    /// Select and operate.
    #[inline]
    fn control(
        &mut self,
        fragment: &Fragment<'_>,
        at: Moment,
        repeated: bool,
        context: &Context<'_>,
    ) -> (Anomalies, Option<u64>) {
        match fragment.function {
            application::SELECT => self.select.set(fragment, at),
            application::OPERATE if !repeated => return self.select.operate(fragment, at, context.certain),
            _ => {}
        }
        (Anomalies::default(), None)
    }

    /// Makes room: the oldest leaves with what is known of it.
    fn let_go(&mut self, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(mut open) = self.take(0) else { return };
        let judged = self.may_be_judged(open.lost, open.lost_before, context);
        open.anomalies.set(anomaly::TOO_MANY_OPEN_REQUESTS, judged);
        self.leave(&open, (Outcome::Unknown, judged), context.seen.clock, sink);
    }

    /// Whether an open request waits for this.
    #[inline]
    pub fn awaits(&self, control: Control) -> bool {
        self.first.iter().chain(&self.rest).any(|open| open.awaits(control))
    }

    /// A response of the outstation.
    pub fn response(&mut self, fragment: &Fragment<'_>, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        if context.seen.clock >= self.wake {
            self.expire(context, sink);
        }
        let control = fragment.control;
        let Some(place) = self.first.iter().chain(&self.rest).position(|open| open.awaits(control)) else {
            return self.response_to_nobody(fragment, at, context, sink);
        };
        if control.confirm() {
            self.ask_confirmation(control.sequence(), at, context, sink);
        }
        let Some(open) = self.open_mut().nth(place) else { return };
        if fragment.function == application::AUTHENTICATION_RESPONSE
            && let Some(challenge) = challenge(fragment)
            && !matches!(open.function(), 32 | 33)
        {
            open.challenge(challenge);
            open.deadline = context.seen.clock.max(at.time).saturating_add(TIMEOUT);
            return;
        }
        if !control.last() || open.fragments > 0 {
            open.collect(fragment, at);
            if !control.last() {
                open.deadline = context.seen.clock.max(at.time).saturating_add(TIMEOUT);
                return;
            }
        }
        if let Some(open) = self.take(place) {
            self.complete(&open, fragment, at, context, sink);
        }
    }

    /// The final fragment is there.
    fn complete(
        &mut self,
        open: &Open,
        fragment: &Fragment<'_>,
        at: Moment,
        context: &Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let request = open.fragment();
        let response =
            open.response().unwrap_or(Response { fragment: *fragment, iin: fragment.iin, more: (&[], &[]), at });
        let exchange = Exchange {
            request: request.map(|fragment| Request { fragment, at: open.at }),
            response: Some(response),
            ..open.exchange(self.exchange(at.time.max(context.seen.clock)))
        };
        let outcome = exchange.emit(&mut self.transfers, sink);
        let sequence = open.sequence();
        self.answered =
            Some(Answered { request: hash(open.octets()), response: hash(fragment.bytes), sequence, at: at.time });
        self.aftermath(open.function(), outcome);
        if open.challenged().is_some() {
            self.end_authentication(sequence, outcome, at, context, sink);
        }
    }

    /// What an accepted or refused request changes.
    #[inline]
    fn aftermath(&mut self, function: u8, outcome: Outcome) {
        match (function, outcome) {
            (application::SELECT, Outcome::Rejected(_)) => self.select.clear(),
            (13 | 14, Outcome::Accepted) => self.unsolicited = Unsolicited::Off,
            (20, Outcome::Accepted) => self.unsolicited = Unsolicited::On,
            (21, Outcome::Accepted) => self.unsolicited = Unsolicited::Off,
            _ => {}
        }
    }

    /// The reply to a challenge has no answer of its own: that of the request tells how it ended.
    fn end_authentication(
        &mut self,
        sequence: u8,
        outcome: Outcome,
        at: Moment,
        context: &Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let is_reply = |open: &Open| open.function() == 32 && open.sequence() == sequence;
        let Some(place) = self.first.iter().chain(&self.rest).position(is_reply) else { return };
        let Some(open) = self.take(place) else { return };
        let refused = matches!(outcome, Outcome::Rejected(code) if code.code >= tables::REJECTED_AUTHENTICATION);
        let ending = if refused { outcome } else { Outcome::Accepted };
        self.leave(&open, (ending, true), at.time.max(context.seen.clock), sink);
    }

    /// A response that no open request awaits.
    #[cold]
    fn response_to_nobody(&mut self, fragment: &Fragment<'_>, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let sequence = fragment.control.sequence();
        let again = |answered: &Answered| answered.sequence == sequence && answered.response == hash(fragment.bytes);
        if self.answered.is_some_and(|answered| again(&answered))
            || self.open_mut().any(|open| open.ends_with(fragment))
        {
            return; // the outstation sent it again, as when a confirmation does not come
        }
        if let Some(place) = self.late.iter().position(|&late| late == sequence) {
            self.late.remove(place);
            return sink.anomaly(tables::NUMBER, anomaly::LATE_RESPONSE, self.client.other(), at);
        }
        if let Some(open) = self.open_mut().find(|open| open.fragments > 0) {
            open.anomalies.set(anomaly::FRAGMENT_SEQUENCE, true);
            if !fragment.control.first() {
                return;
            }
        }
        if fragment.control.confirm() {
            self.ask_confirmation(sequence, at, context, sink);
        }
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::RESPONSE_WITHOUT_REQUEST, context.certain);
        let response = Some(Response { fragment: *fragment, iin: fragment.iin, more: (&[], &[]), at });
        let completed = at.time.max(context.seen.clock);
        Exchange { response, anomalies, ..self.exchange(completed) }.emit(&mut self.transfers, sink);
    }

    /// A response asks for its confirmation.
    fn ask_confirmation(&mut self, sequence: u8, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let before = self.confirm.replace(sequence);
        if before.is_some_and(|before| before != sequence) && context.certain && context.seen.both_directions {
            sink.anomaly(tables::NUMBER, anomaly::UNCONFIRMED_RESPONSE, self.client.other(), at);
        }
    }

    /// A confirmation of the master.
    pub fn confirmation(&mut self, control: Control, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        if control.unsolicited() {
            return self.confirm_report(control, at, context, sink);
        }
        match self.confirm {
            Some(sequence) if sequence == control.sequence() => self.confirm = None,
            _ if context.certain => {
                sink.anomaly(tables::NUMBER, anomaly::UNEXPECTED_CONFIRM, self.client, at);
            }
            _ => {}
        }
    }

    /// A request from an outstation, or a response from a master: told as it is.
    #[cold]
    pub fn wrong_way(&mut self, fragment: &Fragment<'_>, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::INVALID_DIRECTION, true);
        let exchange = Exchange { anomalies, ..self.exchange(at.time.max(context.seen.clock)) };
        let fragment = *fragment;
        if fragment.function >= application::RESPONSE {
            let response = Some(Response { fragment, iin: fragment.iin, more: (&[], &[]), at });
            Exchange { response, ..exchange }.emit(&mut self.transfers, sink);
        } else {
            Exchange { request: Some(Request { fragment, at }), ..exchange }.emit(&mut self.transfers, sink);
        }
    }

    /// Bytes were lost: answers to what is open may be among them.
    pub fn lose(&mut self, side: Side) {
        let answers = side != self.client;
        for open in self.open_mut() {
            open.lost |= answers;
        }
        for part in &mut self.reassembly {
            part.clear();
        }
        if let Some(report) = &mut self.report {
            report.lost |= !answers;
        }
        if let Some(link) = &mut self.link {
            link.lost = true;
        }
        self.confirm = None;
        self.transfers.lose();
    }

    /// Closes what waits for too long; the next deadline, if any.
    pub fn expire(&mut self, context: &Context<'_>, sink: &mut dyn Sink) -> Option<u64> {
        let clock = context.seen.clock;
        while let Some(place) = self.first.iter().chain(&self.rest).position(|open| open.deadline <= clock) {
            let Some(open) = self.take(place) else { break };
            let verdict = self.verdict(&open, context);
            self.remember(&open);
            self.leave(&open, verdict, open.deadline, sink);
        }
        self.expire_report(context, sink);
        self.expire_link(context, sink);
        let open = self.first.iter().chain(&self.rest).map(|open| open.deadline).min();
        let others =
            [open, self.report.as_ref().map(|report| report.deadline), self.link.as_ref().map(|link| link.deadline)];
        let next = others.into_iter().flatten().min();
        // What begins to wait from now on is due later than that.
        self.wake = next.unwrap_or(clock.saturating_add(TIMEOUT));
        next
    }

    /// How a request ends whose answer has not come, or not to its end; and whether that says something.
    fn verdict(&self, open: &Open, context: &Context<'_>) -> (Outcome, bool) {
        let judged = self.may_be_judged(open.lost, open.lost_before, context);
        let silent = open.fragments == 0 && self.outstation() != tables::SELF_ADDRESS;
        (if judged && silent { Outcome::Unanswered } else { Outcome::Unknown }, judged)
    }

    fn remember(&mut self, open: &Open) {
        if self.late.len() >= MAX_LATE {
            self.late.pop_front();
        }
        self.late.push_back(open.sequence());
    }

    /// A request leaves without the end of its response.
    fn leave(&mut self, open: &Open, verdict: (Outcome, bool), completed: u64, sink: &mut dyn Sink) {
        let (ending, judged) = verdict;
        let request = open.fragment().map(|fragment| Request { fragment, at: open.at });
        let mut exchange = Exchange { request, ending, ..open.exchange(self.exchange(completed)) };
        if let Some(response) = open.response() {
            (exchange.response, exchange.incomplete) = (Some(response), true);
            exchange.anomalies.set(anomaly::INCOMPLETE_RESPONSE, judged);
        }
        exchange.emit(&mut self.transfers, sink);
    }

    /// Everything that is open leaves. Only a connection that was closed can't answer any more; else one doesn't know.
    pub fn finish(&mut self, ending: Ending, context: &Context<'_>, sink: &mut dyn Sink) {
        self.expire(context, sink);
        let closed = ending == Ending::Closed;
        while let Some(open) = self.take(0) {
            let verdict = if closed { self.verdict(&open, context) } else { (Outcome::Unknown, false) };
            self.leave(&open, verdict, context.seen.clock, sink);
        }
        self.finish_report(closed, context, sink);
        self.finish_link(closed, context, sink);
    }
}

/// What a challenge asks for, when this is one.
fn challenge(fragment: &Fragment<'_>) -> Option<Challenge> {
    let block = Walk::new(fragment.objects, false).find(|block| block.code == (120, 1))?;
    let mut note = super::message::authentication::AuthenticationNote::default();
    note.add(&block);
    Some(Challenge { user: note.user?, sequence: note.sequence? })
}
