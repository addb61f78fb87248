//! From the two halves of a transaction to the record that leaves.

use super::notification;
use super::object::Object;
use super::request::{self, About, Content, Item};
use super::response::{self, Answer};
use super::value::Reader;
use super::{Reading, opcode};
use crate::address::{Moment, Side};
use crate::protocols::Sink;
use crate::protocols::s7commplus::identity;
use crate::protocols::s7commplus::tables::{self, anomaly, attribute, function};
use crate::transaction::{Anomalies, Field, Outcome, Point, SubFunction, Transaction, Value, Values};
use bumpalo::Bump;

/// A message as far as it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Half<'a> {
    /// Operation code.
    pub opcode: u8,
    /// Version of its frames.
    pub version: u8,
    /// Session, of a request.
    pub session: u32,
    /// Transport flags.
    pub flags: u8,
    /// Digests protect it.
    pub digest: bool,
    /// Body as far as it is kept.
    pub body: &'a [u8],
    /// Bytes of the message that were not kept.
    pub dropped: u32,
    /// Frames that it came in.
    pub frames: u16,
    /// Anomalies of its frames and head.
    pub anomalies: Anomalies,
    /// The packet that completed it.
    pub at: Moment,
}

/// A transaction before it is composed. At least one half is there.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// Who asks.
    pub client: Side,
    /// Rack and slot, where the connection says them.
    pub unit: Option<u32>,
    /// Function code.
    pub function: u16,
    /// Sequence number.
    pub sequence: u16,
    /// The request, where seen.
    pub request: Option<Half<'a>>,
    /// The response, where seen.
    pub response: Option<Half<'a>>,
    /// How it ended when there is no response.
    pub ending: Outcome,
    /// Anomalies found while pairing.
    pub anomalies: Anomalies,
    /// When it was complete, ns.
    pub completed: u64,
}

/// What both bodies say.
struct Whole<'a> {
    content: Content<'a>,
    answer: Answer<'a>,
    asked_integrity: Option<u32>,
    anomalies: Anomalies,
}

impl<'a> Exchange<'a> {
    /// Hands the record over.
    pub fn emit(&self, sink: &mut dyn Sink) {
        let arena = Bump::new();
        let whole = self.read(&arena);
        self.observe(&whole, sink);
        self.hand(&whole, &arena, sink);
    }

    fn read<'r>(&self, arena: &'r Bump) -> Whole<'r>
    where
        'a: 'r,
    {
        let mut content = Content::default();
        let mut answer = Answer::default();
        let mut anomalies = Anomalies::default();
        if let Some(half) = &self.request {
            let mut reader = Reader::new("s7commplus.request", half.body, arena);
            let result = request::read(&mut reader, &self.about(half), &mut content);
            judge(half, result, &mut anomalies);
        }
        let asked_integrity = content.integrity.take();
        if let Some(half) = &self.response {
            let mut reader = Reader::new("s7commplus.response", half.body, arena);
            let result = response::read(&mut reader, &self.about(half), &mut content, &mut answer);
            judge(half, result, &mut anomalies);
        }
        settle(&mut content, &answer, self.function);
        Whole { content, answer, asked_integrity, anomalies }
    }

    fn about(&self, half: &Half<'_>) -> About {
        let session = self.request.as_ref().map_or(0, |request| request.session);
        About { function: self.function, version: half.version, session }
    }

    fn observe(&self, whole: &Whole<'_>, sink: &mut dyn Sink) {
        match self.function {
            function::CREATE_OBJECT => {
                let arena = Bump::new();
                identity::of_client(self, &self.asked_objects(&arena), sink);
                identity::of_session(self, &whole.answer.objects, sink);
            }
            function::GET_VAR_SUB_STREAMED => {
                let record = whole.content.items.iter().any(|item| item.address == attribute::IDENTIFICATION);
                if let Some((_, typed)) = whole.answer.values.first().filter(|_| record) {
                    identity::of_record(self, typed, sink);
                }
            }
            _ => {}
        }
    }

    /// The objects of a request for a session.
    fn asked_objects<'r>(&self, arena: &'r Bump) -> Vec<Object<'r>>
    where
        'a: 'r,
    {
        let Some(half) = self.request.filter(|half| half.version == tables::version::V1) else { return Vec::new() };
        let mut reader = Reader::new("s7commplus.request", half.body, arena);
        let mut skip = || -> Reading<()> {
            reader.cursor.skip(4)?;
            reader.value()?;
            reader.cursor.skip(4)
        };
        if skip().is_err() {
            return Vec::new();
        }
        super::object::read(&mut reader).0.list
    }

    fn hand<'r>(&self, whole: &'r Whole<'r>, arena: &'r Bump, sink: &mut dyn Sink) {
        let Whole { content, asked_integrity, .. } = whole;
        let mut anomalies = Anomalies(whole.anomalies.0 | self.anomalies.0);
        for half in [&self.request, &self.response].into_iter().flatten() {
            anomalies.0 |= half.anomalies.0;
        }
        if let (Some(asked), Some(answered)) = (*asked_integrity, content.integrity) {
            let expected = asked.wrapping_add(u32::from(self.sequence));
            anomalies.set(anomaly::INTEGRITY_MISMATCH, answered != expected);
        }
        anomalies.set(anomaly::UNKNOWN_FUNCTION, !tables::is_function(self.function));
        let mut detail = self.head_fields(asked_integrity.or(content.integrity));
        detail.extend_from_slice(&content.fields);
        if content.legitimation {
            detail.push(Field { name: "legitimation", value: Value::Bool(true) });
        }
        self.tail_fields(content, &mut detail);
        let points = points(&content.items, arena);
        sink.transaction(&Transaction {
            protocol: tables::NUMBER,
            client: self.client,
            unit: self.unit,
            function: tables::function(self.function),
            sub_function: content.sub_function,
            access: content.access.unwrap_or_else(|| tables::access(self.function)),
            points: &points,
            outcome: self.outcome(content),
            anomalies,
            tag: 0,
            request: self.request.map(|half| half.at),
            response: self.response.map(|half| half.at),
            completed: self.completed,
            detail: &detail,
        });
    }

    fn outcome(&self, content: &Content<'_>) -> Outcome {
        match (self.response, content.return_value.and_then(tables::rejection)) {
            (None, _) => self.ending,
            (Some(_), Some(code)) => Outcome::Rejected(code),
            (Some(_), None) => Outcome::Accepted,
        }
    }

    /// Version, sequence, session and integrity number.
    fn head_fields<'f>(&self, integrity: Option<u32>) -> Vec<Field<'f>> {
        let mut fields = Vec::with_capacity(16);
        let mut number = |name, value: u64| fields.push(Field { name, value: Value::Unsigned(value) });
        if let Some(half) = self.request.or(self.response) {
            number("version", u64::from(half.version));
        }
        number("sequence", u64::from(self.sequence));
        if let Some(half) = self.request {
            number("session_id", u64::from(half.session));
        }
        if let Some(integrity) = integrity {
            number("integrity_id", u64::from(integrity));
        }
        fields
    }

    fn tail_fields<'f>(&self, content: &Content<'_>, fields: &mut Vec<Field<'f>>) {
        let mut number = |name, value: u64| fields.push(Field { name, value: Value::Unsigned(value) });
        if content.item_count > 1 {
            number("item_count", u64::from(content.item_count));
        }
        if let Some(value) = content.return_value.filter(|value| *value != 0) {
            number("return_value", value);
        }
        let halves = [
            (&self.request, "request_frames", "request_bytes_not_kept"),
            (&self.response, "response_frames", "response_bytes_not_kept"),
        ];
        for (half, frames, dropped) in halves {
            let Some(half) = half else { continue };
            if half.frames > 1 {
                number(frames, u64::from(half.frames));
            }
            if half.dropped > 0 {
                number(dropped, u64::from(half.dropped));
            }
        }
        let protected = [&self.request, &self.response].into_iter().flatten().any(|half| half.digest);
        fields.push(Field { name: "protected", value: Value::Bool(protected) });
    }
}

/// A body that can't be read to its end is an anomaly, unless its end is what was not kept.
fn judge(half: &Half<'_>, result: Reading<()>, anomalies: &mut Anomalies) {
    anomalies.set(anomaly::INVALID_BODY, result.is_err() && half.dropped == 0);
}

/// Gives the points their values and errors.
fn settle<'a>(content: &mut Content<'a>, answer: &Answer<'a>, function: u16) {
    let values = matches!(function, function::GET_MULTI_VARIABLES | function::GET_VAR_SUB_STREAMED);
    for (number, item) in (1_u32..).zip(&mut content.items) {
        item.error = answer.errors.iter().find(|(place, _)| *place == number).map(|(_, error)| *error);
        if values && !tables::is_secret(item.address) {
            let value = answer.values.iter().find(|(place, _)| *place == number);
            item.value = value.map(|(_, typed)| *typed).or(item.value);
        }
    }
}

fn points<'p>(items: &'p [Item<'p>], arena: &'p Bump) -> Vec<Point<'p>> {
    let point = |item: &'p Item<'p>| {
        let mut fields = item.fields.clone();
        if let Some(typed) = item.value {
            fields.push(Field { name: "type", value: Value::Unsigned(u64::from(typed.kind)) });
        }
        if let Some(error) = item.error {
            fields.push(Field { name: "return_code", value: Value::Unsigned(error & 0xFFFF) });
        }
        let values = match item.value.map(|typed| typed.value) {
            None => Values::Unseen,
            Some(Value::List(list)) => Values::Typed(list),
            Some(value) => Values::Typed(arena.alloc_slice_copy(&[value])),
        };
        let first = u64::from(item.address);
        let fields = arena.alloc_slice_copy(&fields);
        Point {
            kind: item.kind,
            access: item.access,
            block: item.block,
            first,
            last: first,
            name: None,
            values,
            fields,
        }
    };
    items.iter().map(point).collect()
}

/// A notification: nobody asked for it, whoever subscribed receives it.
pub fn notify(client: Side, unit: Option<u32>, half: &Half<'_>, sink: &mut dyn Sink) {
    let arena = Bump::new();
    let mut reader = Reader::new("s7commplus.notification", half.body, &arena);
    let mut content = Content::default();
    let result = notification::read(&mut reader, &mut content);
    let mut anomalies = half.anomalies;
    judge(half, result, &mut anomalies);
    let mut detail = vec![Field { name: "version", value: Value::Unsigned(u64::from(half.version)) }];
    detail.extend_from_slice(&content.fields);
    detail.push(Field { name: "protected", value: Value::Bool(half.digest) });
    let points = points(&content.items, &arena);
    report(function::NOTIFICATION, client, unit, (&points, &detail), anomalies, half.at, sink);
}

/// What one side sends unasked and nobody answers.
pub fn report(
    code: u16,
    client: Side,
    unit: Option<u32>,
    (points, detail): (&[Point<'_>], &[Field<'_>]),
    anomalies: Anomalies,
    at: Moment,
    sink: &mut dyn Sink,
) {
    let sub_function: Option<SubFunction> = None;
    sink.transaction(&Transaction {
        protocol: tables::NUMBER,
        client,
        unit,
        function: tables::function(code),
        sub_function,
        access: tables::access(code),
        points,
        outcome: Outcome::Accepted,
        anomalies,
        tag: 0,
        request: None,
        response: Some(at),
        completed: at.time,
        detail,
    });
}

/// Whether a message of this operation code is a response.
pub fn is_response(code: u8) -> bool {
    matches!(code, opcode::RESPONSE | opcode::RESPONSE_2)
}
