//! Requests wait here for their responses, reports for their confirmations: one association for each pair of link addresses.
//!
//! A master has one request under way, known by its sequence number; so a response belongs to the oldest open request of its
//! association that has its number. The same octets again, while the request is open, are a retry of it; after it was answered
//! they are repeated: an outstation then only repeats its answer.

pub mod link;
pub mod open;
pub mod reassembly;
pub mod reports;
mod responses;
pub mod select;
pub mod transfers;

use std::collections::VecDeque;
use std::hash::BuildHasher;

use super::message::application::{self, Fragment};
use super::message::compose::{Exchange, Request, Response};
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

/// Open requests of one association; a master has one at a time.
pub const MAX_OPEN_REQUESTS: usize = 16;

/// Octets of one response that are put together from its fragments.
pub const MAX_RESPONSE: usize = 1 << 17;

/// A request without response is closed after so long, ns (DESIGN.md, 2.2).
pub const TIMEOUT: u64 = 30_000_000_000;

/// When a master uses the number of an open request again after so long (ns), it has given the older one up; sooner, it is sending
/// ahead.
const GIVEN_UP: u64 = 400_000_000;

/// Closed requests that are remembered for their late responses.
const MAX_LATE: usize = 16;

/// What pairing needs to know of the flow.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// No request can have been missed: what answers none is unsolicited.
    pub certain: bool,
    /// Nothing of either side can have been missed.
    pub whole: bool,
    /// Messages may overtake each other.
    pub datagram: bool,
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
        // A retry is the last request once more; after others its number has come round again.
        if self.rest.back_mut().or(self.first.as_mut()).is_some_and(|open| open.is_again(fragment)) {
            return;
        }
        self.supersede(fragment, at, context, sink);
        let repeated = self.is_repeated(fragment, at);
        let (mut anomalies, select) = self.control(fragment, at, repeated, context);
        anomalies.set(anomaly::SECOND_MASTER, second_master);
        let bits = fragment.control;
        anomalies.set(anomaly::FRAGMENT_BITS, !bits.first() || !bits.last() || bits.unsolicited() || bits.confirm());
        let broadcast = tables::broadcast(self.outstation()).is_some();
        anomalies.set(anomaly::BROADCAST_CONTROL, broadcast && application::is_control(fragment.function));
        let completed = at.time.max(context.seen.clock);
        if broadcast || application::is_silent(fragment.function) {
            // Nobody answers: all that can be known is known.
            let request = Some(Request { fragment: *fragment, at });
            let exchange = Exchange { request, anomalies, repeated, select, ..self.exchange(completed) };
            exchange.emit(&mut self.transfers, sink);
            return;
        }
        if self.open_count() >= MAX_OPEN_REQUESTS {
            self.let_go(context, sink);
        }
        let mut open = Open::new(fragment, at, completed.saturating_add(TIMEOUT));
        (open.anomalies, open.repeated, open.select) = (anomalies, repeated, select);
        open.lost_before = self.lost(context);
        if self.first.is_none() {
            self.first = Some(open);
        } else {
            self.rest.push_back(open);
        }
    }

    /// An open request whose number is used for another one can no longer be answered. The reply to a challenge has the number of
    /// the request that it is about.
    #[inline]
    fn supersede(&mut self, fragment: &Fragment<'_>, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let sequence = fragment.control.sequence();
        let same = |open: &Open| {
            let given_up = open.lost || at.time.saturating_sub(open.at.time) >= GIVEN_UP;
            open.sequence() == sequence && open.challenged().is_none() && given_up
        };
        while let Some(place) = self.first.iter().chain(&self.rest).position(same) {
            self.give_up(place, context, sink);
        }
    }

    /// A request leaves whose answer is not waited for any longer.
    #[cold]
    fn give_up(&mut self, place: usize, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(open) = self.take(place) else { return };
        let verdict = self.verdict(&open, context);
        self.leave(&open, verdict, context.seen.clock, sink);
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
    ) -> (Anomalies, Option<Moment>) {
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
