//! Requests wait here for their responses: the other side's, with the same reference; the oldest of equals.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use bumpalo::Bump;
use foldhash::fast::RandomState;

use super::anomaly;
use super::said::{Detail, Report, Request, Response, Said, view};
use crate::address::{Moment, Side};
use crate::protocols::{self, Ending, Seen, Sink};
use crate::transaction::{Access, Anomalies, Code, Field, Outcome, Transaction, Value};

/// Open requests of one flow.
pub const MAX_OPEN_REQUESTS: usize = 64;

/// Bytes of the fields of one flow's open requests, roughly.
pub const MAX_OPEN_BYTES: usize = 32 * 1024;

/// A request without response is closed after so long, ns (DESIGN.md, 2.2).
pub const TIMEOUT: u64 = 10_000_000_000;

/// Closed requests that are remembered for responses that still come.
const MAX_RECENT: usize = 16;

/// What stands under this name in a transaction's own fields is the response's.
const RESPONSE: &str = "response";

/// A message as pairing needs it.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'a> {
    /// The protocol's number.
    pub protocol: u8,
    /// Who sent it.
    pub side: Side,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The same request again is a retransmission: below there is nothing that removes it.
    pub datagram: bool,
    /// The flow is known from its beginning, so no request can have been missed.
    pub whole: bool,
    /// The packet that completed it.
    pub at: Moment,
    /// What the engine knows.
    pub seen: &'a Seen,
}

#[derive(Debug)]
struct Open {
    request: Request,
    client: Side,
    at: Moment,
    deadline: u64,
    digest: u64,
    retransmissions: u16,
    /// What the engine said of losses on the way of its response when it came.
    lost_before: bool,
}

/// What may still come for a reference.
#[derive(Debug, Clone, Copy)]
struct Recent {
    reference: i64,
    server: Side,
    /// Responses that are no news: to retransmissions, to a report that is confirmed. None is left: the next one is late.
    expected: u16,
}

/// The open requests of a flow.
#[derive(Debug, Default)]
pub struct Pairing {
    open: VecDeque<Open>,
    recent: VecDeque<Recent>,
    weight: usize,
    /// The clock at the first message.
    began: Option<u64>,
    asked: bool,
    digests: RandomState,
}

impl Pairing {
    /// Takes what a message says, in order.
    pub fn take(&mut self, says: Vec<Said>, spoken: &Spoken<'_>, sink: &mut dyn Sink) {
        self.began.get_or_insert(spoken.seen.clock.max(spoken.at.time));
        for (place, said) in says.into_iter().enumerate() {
            match said {
                Said::Request(request) => self.request(request, place, spoken, sink),
                Said::Response(response) => self.response(&response, spoken, sink),
                Said::Report(report) => self.report(&report, spoken, sink),
            }
        }
    }

    fn request(&mut self, request: Request, place: usize, spoken: &Spoken<'_>, sink: &mut dyn Sink) {
        self.asked = true;
        let digest = self.digests.hash_one((place, spoken.bytes));
        let (client, reference) = (spoken.side, request.reference);
        let same =
            |open: &&mut Open| open.client == client && open.request.reference == reference && open.digest == digest;
        if spoken.datagram
            && let Some(open) = self.open.iter_mut().find(same)
        {
            open.retransmissions = open.retransmissions.saturating_add(1);
            return;
        }
        while self.open.len() >= MAX_OPEN_REQUESTS
            || (!self.open.is_empty() && self.weight.saturating_add(request.detail.weight) > MAX_OPEN_BYTES)
        {
            self.let_go(spoken.protocol, spoken.seen, sink);
        }
        self.weight = self.weight.saturating_add(request.detail.weight);
        self.open.push_back(Open {
            request,
            client,
            at: spoken.at,
            deadline: spoken.seen.clock.max(spoken.at.time).saturating_add(TIMEOUT),
            digest,
            retransmissions: 0,
            lost_before: lost(spoken.seen, client.other()),
        });
    }

    /// Makes room: the oldest leaves with what is known of it.
    fn let_go(&mut self, protocol: u8, seen: &Seen, sink: &mut dyn Sink) {
        let Some(open) = self.remove(0) else { return };
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::TOO_MANY_OPEN_REQUESTS, may_be_judged(&open, seen));
        self.remember(open.request.reference, open.client.other(), 0);
        let whole = Ended { outcome: Outcome::Unknown, anomalies, completed: seen.clock, response: None };
        emit(protocol, &open, &whole, sink);
    }

    fn response(&mut self, response: &Response, spoken: &Spoken<'_>, sink: &mut dyn Sink) {
        self.expire(spoken.protocol, spoken.seen, sink);
        let (server, reference) = (spoken.side, response.reference);
        let asked = |open: &Open| open.client != server && open.request.reference == reference;
        if let Some(open) = self.open.iter().position(asked).and_then(|place| self.remove(place)) {
            if open.retransmissions > 0 {
                self.remember(reference, server, open.retransmissions);
            }
            let completed = spoken.at.time.max(spoken.seen.clock);
            let outcome = outcome(spoken.protocol, response);
            let anomalies = Anomalies::default();
            let whole = Ended { outcome, anomalies, completed, response: Some((spoken.at, &response.detail)) };
            emit(spoken.protocol, &open, &whole, sink);
            return;
        }
        match self.forget(reference, server) {
            Some(0) => sink.anomaly(spoken.protocol, anomaly::LATE_RESPONSE, server, spoken.at),
            Some(_) => {}
            None => self.lone(response, spoken, sink),
        }
    }

    /// A response whose request was not seen.
    fn lone(&self, response: &Response, spoken: &Spoken<'_>, sink: &mut dyn Sink) {
        let settled = spoken.whole || self.began.is_some_and(|began| spoken.seen.clock.saturating_sub(began) > TIMEOUT);
        let certain = self.asked && settled && !lost(spoken.seen, spoken.side.other());
        let Some(function) = response.function else {
            if certain {
                sink.anomaly(spoken.protocol, anomaly::UNSOLICITED_RESPONSE, spoken.side, spoken.at);
            }
            return;
        };
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::UNSOLICITED_RESPONSE, certain);
        let arena = Bump::new();
        let detail = [Field { name: RESPONSE, value: Value::Object(view(&response.detail.fields, &arena)) }];
        let (function, access) = known(spoken.protocol, function);
        sink.transaction(&Transaction {
            client: spoken.side.other(),
            function,
            access,
            outcome: outcome(spoken.protocol, response),
            anomalies,
            response: Some(spoken.at),
            completed: spoken.at.time.max(spoken.seen.clock),
            detail: filled(&response.detail, &detail),
            ..blank(spoken.protocol)
        });
    }

    /// The receiver is the client.
    fn report(&mut self, report: &Report, spoken: &Spoken<'_>, sink: &mut dyn Sink) {
        if let Some(reference) = report.reference {
            self.remember(reference, spoken.side.other(), 1);
        }
        let arena = Bump::new();
        sink.transaction(&Transaction {
            client: spoken.side.other(),
            unit: report.unit,
            function: known(spoken.protocol, report.function).0,
            access: Access::Report,
            outcome: Outcome::Accepted,
            response: Some(spoken.at),
            completed: spoken.at.time.max(spoken.seen.clock),
            detail: view(&report.detail.fields, &arena),
            ..blank(spoken.protocol)
        });
    }

    /// Closes what waits for too long; the next deadline, if any.
    pub fn expire(&mut self, protocol: u8, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        loop {
            let deadline = self.open.front()?.deadline;
            if deadline > seen.clock {
                return Some(deadline);
            }
            let open = self.remove(0)?;
            self.remember(open.request.reference, open.client.other(), 0);
            self.unanswered(protocol, &open, seen, deadline, sink);
        }
    }

    /// Everything that is open leaves. Only a connection that was closed can't answer any more; else one doesn't know.
    pub fn finish(&mut self, protocol: u8, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        self.expire(protocol, seen, sink);
        while let Some(open) = self.remove(0) {
            if ending == Ending::Closed {
                self.unanswered(protocol, &open, seen, seen.clock, sink);
                continue;
            }
            let (outcome, anomalies) = (Outcome::Unknown, Anomalies::default());
            emit(protocol, &open, &Ended { outcome, anomalies, completed: seen.clock, response: None }, sink);
        }
    }

    fn unanswered(&self, protocol: u8, open: &Open, seen: &Seen, completed: u64, sink: &mut dyn Sink) {
        let outcome = if may_be_judged(open, seen) { Outcome::Unanswered } else { Outcome::Unknown };
        emit(protocol, open, &Ended { outcome, anomalies: Anomalies::default(), completed, response: None }, sink);
    }

    fn remove(&mut self, place: usize) -> Option<Open> {
        let open = self.open.remove(place)?;
        self.weight = self.weight.saturating_sub(open.request.detail.weight);
        Some(open)
    }

    fn remember(&mut self, reference: i64, server: Side, expected: u16) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Recent { reference, server, expected });
    }

    /// How many responses were still expected for this reference, 0 where it would be late; each is taken off.
    fn forget(&mut self, reference: i64, server: Side) -> Option<u16> {
        let place = self.recent.iter().position(|recent| recent.reference == reference && recent.server == server)?;
        let recent = self.recent.get_mut(place)?;
        let expected = recent.expected;
        recent.expected = expected.saturating_sub(1);
        if recent.expected == 0 {
            self.recent.remove(place);
        }
        Some(expected)
    }
}

/// How a request ended.
struct Ended<'a> {
    outcome: Outcome,
    anomalies: Anomalies,
    completed: u64,
    response: Option<(Moment, &'a Detail)>,
}

fn emit(protocol: u8, open: &Open, ended: &Ended<'_>, sink: &mut dyn Sink) {
    let arena = Bump::new();
    let request = &open.request;
    let own = view(&request.detail.fields, &arena);
    let mut both = Vec::with_capacity(own.len().saturating_add(1));
    both.extend_from_slice(own);
    if let Some((_, detail)) = ended.response.filter(|(_, detail)| !detail.fields.is_empty()) {
        both.push(Field { name: RESPONSE, value: Value::Object(view(&detail.fields, &arena)) });
    }
    let (function, access) = known(protocol, request.function);
    sink.transaction(&Transaction {
        client: open.client,
        unit: request.unit,
        function,
        access: request.access.unwrap_or(access),
        outcome: ended.outcome,
        anomalies: ended.anomalies,
        request: Some(open.at),
        response: ended.response.map(|(at, _)| at),
        completed: ended.completed,
        detail: &both,
        ..blank(protocol)
    });
}

fn filled<'a>(detail: &Detail, fields: &'a [Field<'a>]) -> &'a [Field<'a>] {
    if detail.fields.is_empty() { &[] } else { fields }
}

fn blank<'a>(protocol: u8) -> Transaction<'a> {
    Transaction {
        protocol,
        client: Side::A,
        unit: None,
        function: Code::default(),
        sub_function: None,
        access: Access::Session,
        points: &[],
        outcome: Outcome::Unknown,
        anomalies: Anomalies::default(),
        tag: 0,
        request: None,
        response: None,
        completed: 0,
        detail: &[],
    }
}

/// A function by its code; what the table doesn't know is taken for a change of configuration, as everywhere.
fn known(protocol: u8, code: u32) -> (Code, Access) {
    let table = protocols::protocol(protocol).map_or::<&[_], _>(&[], |protocol| protocol.functions);
    let row = table.iter().find(|row| row.code == code);
    (Code { code, name: row.map(|row| row.name) }, row.map_or(Access::Configure, |row| row.access))
}

fn outcome(protocol: u8, response: &Response) -> Outcome {
    let Some(code) = response.rejected else { return Outcome::Accepted };
    let table = protocols::protocol(protocol).map_or::<&[_], _>(&[], |protocol| protocol.rejections);
    Outcome::Rejected(Code { code, name: table.iter().find(|(known, _)| *known == code).map(|(_, name)| *name) })
}

fn lost(seen: &Seen, side: Side) -> bool {
    seen.lost.get(side.index()).copied().unwrap_or_default()
}

/// The absence of a response says something: both sides are seen, and nothing of the responses was lost since the request.
fn may_be_judged(open: &Open, seen: &Seen) -> bool {
    seen.both_directions && lost(seen, open.client.other()) == open.lost_before
}
