//! Link frames without user data (IEEE 1815-2012, 9.2.4): what a primary station asks and a secondary station answers.

use super::{Association, Context, TIMEOUT};
use crate::address::Moment;
use crate::protocols::Sink;
use crate::protocols::dnp3::message::link::Frame;
use crate::protocols::dnp3::tables::{self, anomaly};
use crate::transaction::{Access, Anomalies, Field, Outcome, Transaction, Value};

/// A request of the link layer.
#[derive(Debug, Clone, Copy)]
pub struct LinkRequest {
    function: u8,
    from_master: bool,
    anomalies: Anomalies,
    at: Moment,
    retries: u16,
    /// When it is closed.
    pub deadline: u64,
    /// Bytes were lost since.
    pub lost: bool,
    lost_before: [bool; 2],
}

/// A record of the link layer before it is told.
struct LinkRecord {
    request: Option<LinkRequest>,
    answer: Option<(u8, Moment)>,
    outcome: Outcome,
    anomalies: Anomalies,
    completed: u64,
}

impl Association {
    /// A primary station asks.
    pub fn link_request(&mut self, frame: &Frame, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let (function, from_master) = (frame.function(), frame.from_master());
        if let Some(open) = self.link.as_mut().filter(|o| o.function == function && o.from_master == from_master) {
            open.retries = open.retries.saturating_add(1);
            return;
        }
        self.end_link(None, context, sink);
        let deadline = context.seen.clock.max(at.time).saturating_add(TIMEOUT);
        let (lost_before, anomalies) = (context.seen.lost, wrong(frame));
        let request =
            LinkRequest { function, from_master, anomalies, at, retries: 0, deadline, lost: false, lost_before };
        self.link = Some(request);
    }

    /// A secondary station answers. `data`: it may acknowledge user data, which is nothing of its own.
    pub fn link_answer(&mut self, frame: &Frame, at: Moment, data: bool, context: &Context<'_>, sink: &mut dyn Sink) {
        let answer = Some((frame.function(), at));
        let completed = at.time.max(context.seen.clock);
        if let Some(request) = self.link.take_if(|open| open.from_master != frame.from_master()) {
            let outcome = match frame.function() {
                0 | 11 => Outcome::Accepted,
                refusal => {
                    Outcome::Rejected(tables::rejection(tables::REJECTED_LINK.saturating_add(u32::from(refusal))))
                }
            };
            let anomalies = Anomalies(request.anomalies.0 | wrong(frame).0);
            return self.tell_link(&LinkRecord { request: Some(request), answer, outcome, anomalies, completed }, sink);
        }
        if data && frame.function() <= 1 {
            return;
        }
        let mut anomalies = wrong(frame);
        anomalies.set(anomaly::RESPONSE_WITHOUT_REQUEST, context.certain);
        self.tell_link(&LinkRecord { request: None, answer, outcome: Outcome::Accepted, anomalies, completed }, sink);
    }

    fn tell_link(&self, record: &LinkRecord, sink: &mut dyn Sink) {
        let LinkRecord { request, answer, outcome, anomalies, completed } = *record;
        let code = match (request, answer) {
            (Some(request), _) => tables::LINK_PRIMARY.saturating_add(u32::from(request.function)),
            (None, Some((function, _))) => tables::LINK_SECONDARY.saturating_add(u32::from(function)),
            (None, None) => return,
        };
        let (fields, count) = link_detail(request, answer);
        sink.transaction(&Transaction {
            protocol: tables::NUMBER,
            client: self.client,
            unit: Some(self.unit),
            function: tables::function(code),
            sub_function: None,
            access: Access::Session,
            points: &[],
            outcome,
            anomalies,
            tag: 0,
            request: request.map(|request| request.at),
            response: answer.map(|(_, at)| at),
            completed,
            detail: fields.get(..count).unwrap_or_default(),
        });
    }

    /// The open request leaves without an answer.
    fn end_link(&mut self, how: Option<(Outcome, u64)>, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(request) = self.link.take() else { return };
        let (outcome, completed) = how.unwrap_or((self.link_verdict(&request, context), context.seen.clock));
        let (request, answer, anomalies) = (Some(request), None, request.anomalies);
        self.tell_link(&LinkRecord { request, answer, outcome, anomalies, completed }, sink);
    }

    fn link_verdict(&self, request: &LinkRequest, context: &Context<'_>) -> Outcome {
        let lost = request.lost || request.lost_before != context.seen.lost;
        let silent = tables::broadcast(self.outstation()).is_some();
        if context.seen.both_directions && !lost && !silent { Outcome::Unanswered } else { Outcome::Unknown }
    }

    /// Closes what waits for too long.
    pub(super) fn expire_link(&mut self, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(request) = self.link.filter(|link| link.deadline <= context.seen.clock) else { return };
        let how = (self.link_verdict(&request, context), request.deadline);
        self.end_link(Some(how), context, sink);
    }

    /// The flow ends.
    pub(super) fn finish_link(&mut self, closed: bool, context: &Context<'_>, sink: &mut dyn Sink) {
        let how = (Outcome::Unknown, context.seen.clock);
        self.end_link(Some(how).filter(|_| !closed), context, sink);
    }
}

/// What is wrong with a frame of the link layer alone.
fn wrong(frame: &Frame) -> Anomalies {
    let mut anomalies = Anomalies::default();
    anomalies.set(anomaly::INVALID_LINK_FUNCTION, !frame.is_known());
    anomalies.set(anomaly::INVALID_LENGTH, frame.user_data > 0);
    anomalies
}

/// The fields of a record of the link layer, and how many there are.
fn link_detail(request: Option<LinkRequest>, answer: Option<(u8, Moment)>) -> ([Field<'static>; 3], usize) {
    let asked_by = request.filter(|request| !request.from_master).map(|_| Value::Text(b"outstation"));
    let retries = request.map_or(0, |request| request.retries);
    let retries = Some(Value::Unsigned(u64::from(retries))).filter(|_| retries > 0);
    let function = answer.map(|(function, _)| {
        let name = tables::secondary(function).map(|name| Value::Text(name.as_bytes()));
        name.unwrap_or(Value::Unsigned(u64::from(function)))
    });
    let mut fields = [Field { name: "", value: Value::Null }; 3];
    let told = [("asked_by", asked_by), ("retries", retries), ("link_function", function)];
    let told = told.into_iter().filter_map(|(name, value)| Some(Field { name, value: value? }));
    let count = fields.iter_mut().zip(told).map(|(place, field)| *place = field).count();
    (fields, count)
}
