//! The fields that DNP3 alone has.

use bumpalo::Bump;
use bumpalo::collections::Vec as List;

use super::authentication;
use super::compose::Exchange;
use super::files::{self, FileNote};
use super::objects::{Block, Range};
use super::points::Points;
use super::record::Record;
use crate::protocols::Sink;
use crate::protocols::dnp3::pairing::transfers::{Direction, Progress, Transfers};
use crate::protocols::dnp3::tables::{self, Kind, anomaly};
use crate::transaction::{Field, Observation, Outcome, Value, Values};

/// Fields, and the object headers of both halves.
pub struct Detail<'b> {
    arena: &'b Bump,
    fields: List<'b, Field<'b>>,
    request: List<'b, Value<'b>>,
    response: List<'b, Value<'b>>,
}

/// Headers of the usual polls: classes 0 to 3, all there is.
pub static CLASS_HEADERS: [[Field<'static>; 4]; 4] =
    [class_header("g60v1", 1), class_header("g60v2", 2), class_header("g60v3", 3), class_header("g60v4", 4)];

#[allow(clippy::as_conversions)] // at compile time
const fn class_header(name: &'static str, variation: u8) -> [Field<'static>; 4] {
    [
        Field { name: "object", value: Value::Text(name.as_bytes()) },
        Field { name: "group", value: Value::Unsigned(60) },
        Field { name: "variation", value: Value::Unsigned(variation as u64) },
        Field { name: "qualifier", value: Value::Unsigned(6) },
    ]
}

#[inline]
fn number(name: &'static str, value: impl Into<u64>) -> Field<'static> {
    Field { name, value: Value::Unsigned(value.into()) }
}

fn text<'a>(name: &'static str, value: &'a str) -> Field<'a> {
    Field { name, value: Value::Text(value.as_bytes()) }
}

fn octets(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl<'b> Detail<'b> {
    /// None yet.
    #[inline]
    pub fn new(arena: &'b Bump) -> Self {
        Detail {
            arena,
            fields: List::with_capacity_in(8, arena),
            request: List::new_in(arena),
            response: List::new_in(arena),
        }
    }

    /// The fields so far.
    #[inline]
    pub fn as_slice(&self) -> &[Field<'b>] {
        &self.fields
    }

    /// What every record has.
    #[inline]
    pub fn begin(&mut self, exchange: &Exchange<'_>) {
        let request = exchange.request.map(|request| request.fragment);
        if let Some(fragment) = request.or(exchange.response.map(|response| response.fragment)) {
            self.fields.push(number("sequence", fragment.control.sequence()));
        }
        let destination = u16::try_from(exchange.unit & 0xFFFF).unwrap_or(0);
        if destination >= tables::SELF_ADDRESS {
            self.unusual_destination(destination);
        }
        if let Some(response) = exchange.response {
            self.fields.push(Field { name: "iin", value: indications(self.arena, response.iin) });
            self.fields.push(number("iin_code", response.iin));
            let more = octets(response.more.1.len());
            if more > 0 {
                self.fields.push(number("fragments", more.saturating_add(1)));
            }
        }
        if exchange.retries > 0 {
            self.fields.push(number("retries", exchange.retries));
        }
        if exchange.repeated {
            self.fields.push(Field { name: "repeated", value: Value::Bool(true) });
        }
        if let Some(confirmed) = exchange.confirmed {
            self.fields.push(Field { name: "confirmed", value: Value::Bool(confirmed) });
        }
        if let Some(select) = exchange.select {
            let place = self.arena.alloc([number("capture", select.capture), number("packet", select.packet)]);
            self.fields.push(Field { name: "select", value: Value::Object(place) });
        }
    }

    #[cold]
    fn unusual_destination(&mut self, destination: u16) {
        match tables::broadcast(destination) {
            Some(name) => self.fields.push(text("broadcast", name)),
            None => self.fields.push(Field { name: "self_address", value: Value::Bool(true) }),
        }
    }

    /// An object header of the request.
    #[inline]
    pub fn request_object(&mut self, block: &Block<'b>, points: &Points<'b>) {
        let header = header(self.arena, block, points);
        self.request.push(header);
    }

    /// An object header of the response.
    #[inline]
    pub fn response_object(&mut self, block: &Block<'b>, points: &Points<'b>) {
        let header = header(self.arena, block, points);
        self.response.push(header);
    }

    fn object(&self, fields: List<'b, Field<'b>>) -> Value<'b> {
        Value::Object(fields.into_bump_slice())
    }
}

impl<'b> Record<'b> {
    /// What is known when both halves were read.
    #[inline]
    pub(super) fn end_detail(&mut self, outcome: Outcome, transfers: &mut Transfers) {
        let arena = self.points.arena();
        let request = std::mem::replace(&mut self.detail.request, List::new_in(arena)).into_bump_slice();
        let response = std::mem::replace(&mut self.detail.response, List::new_in(arena)).into_bump_slice();
        if !request.is_empty() {
            self.detail.fields.push(Field { name: "request_objects", value: Value::List(request) });
        }
        if !response.is_empty() {
            self.detail.fields.push(Field { name: "response_objects", value: Value::List(response) });
        }
        if self.classes != 0 {
            let classes = CLASSES.get(usize::from(self.classes)).copied().unwrap_or_default();
            self.detail.fields.push(Field { name: "classes", value: Value::List(classes) });
        }
        if let Some(time) = self.time {
            self.detail.fields.push(number("time_ms", time));
        }
        if let Some(delay) = self.delay {
            self.detail.fields.push(number("delay_ms", delay));
        }
        if self.unread > 0 {
            self.detail.fields.push(number("unread", octets(self.unread)));
        }
        if !self.file.is_empty() {
            self.tell_file(outcome, transfers);
        }
        if self.authentication.message.is_some() || self.exchange.challenged.is_some() {
            self.tell_authentication(outcome);
        }
    }

    fn tell_file(&mut self, outcome: Outcome, transfers: &mut Transfers) {
        let mut fields = List::with_capacity_in(16, self.detail.arena);
        let file = self.file;
        let progress = transfers.step(self.exchange.function(), &file, outcome, self.detail.arena);
        self.points.anomalies.set(anomaly::FILE_BLOCK_SEQUENCE, progress.out_of_order);
        if let Some(name) = file.name.or(progress.name) {
            fields.push(Field { name: "name", value: Value::Text(name) });
        }
        if let Some(mode) = file.mode.or(progress.mode) {
            self.points.anomalies.set(anomaly::INVALID_VALUE, files::mode(mode).is_none());
            fields.push(files::mode(mode).map_or(number("mode", mode), |name| text("mode", name)));
        }
        match progress.direction {
            Some(Direction::ToOutstation) => fields.push(text("direction", "to_outstation")),
            Some(Direction::FromOutstation) => fields.push(text("direction", "from_outstation")),
            None => {}
        }
        let numbers = [
            ("handle", file.handle.map(u64::from)),
            ("size", file.size.or(progress.size).map(u64::from)),
            ("block", file.block.map(u64::from)),
            ("created_ms", file.created),
            ("permissions", file.permissions.map(u64::from)),
            ("status", file.status.map(u64::from)),
            ("bytes", progress.octets),
        ];
        fields.extend(numbers.iter().filter_map(|(name, value)| value.map(|value| number(name, value))));
        end_of_file(&file, &progress, &mut fields);
        let value = self.detail.object(fields);
        self.detail.fields.push(Field { name: "file", value });
    }

    fn tell_authentication(&mut self, outcome: Outcome) {
        let mut fields = List::with_capacity_in(10, self.detail.arena);
        let note = self.authentication;
        let challenge = self.exchange.challenged;
        if let Some(message) = note.message {
            fields.push(
                authentication::message(message).map_or(number("message", message), |name| text("message", name)),
            );
        }
        if let Some(user) = note.user.or(challenge.map(|challenge| challenge.user)) {
            fields.push(number("user", user));
        }
        if let Some(sequence) = note.sequence.or(challenge.map(|challenge| challenge.sequence)) {
            fields.push(number("challenge_sequence", sequence));
        }
        if let Some(algorithm) = note.algorithm {
            fields.push(number("mac_algorithm", algorithm));
        }
        if let Some(status) = note.key_status {
            let name = authentication::key_status(status);
            fields.push(name.map_or(number("key_status", status), |name| text("key_status", name)));
        }
        if let Some(error) = note.error {
            fields.push(number("error", error));
        }
        if let Some(user) = note.user_name {
            fields.push(Field { name: "user_name", value: Value::Text(user) });
        }
        if note.aggressive {
            fields.push(Field { name: "aggressive", value: Value::Bool(true) });
        }
        if challenge.is_some() {
            fields.push(Field { name: "challenged", value: Value::Bool(true) });
        }
        if let Some(word) = authenticated(outcome, note.error) {
            fields.push(text("outcome", word));
        }
        let value = self.detail.object(fields);
        self.detail.fields.push(Field { name: "authentication", value });
    }

    /// Device attributes say what the outstation is.
    #[inline]
    pub(super) fn observe(&self, sink: &mut dyn Sink) {
        let Some(response) = self.exchange.response else { return };
        for point in self.points.list.iter().filter(|point| point.kind == Kind::DeviceAttribute.index()) {
            let number = u8::try_from(point.first).unwrap_or(0);
            if let (Some((attribute, field)), Values::Typed([value]), 0) =
                (super::attributes::known(number), point.values, point.block)
            {
                let (side, unit) = (self.exchange.client.other(), Some(self.exchange.unit));
                let value = *value;
                sink.observation(&Observation {
                    protocol: tables::NUMBER,
                    side,
                    unit,
                    attribute,
                    value,
                    field,
                    at: response.at,
                });
            }
        }
    }
}

/// What is told of a file behind its numbers.
fn end_of_file<'b>(file: &FileNote<'b>, progress: &Progress<'b>, fields: &mut List<'b, Field<'b>>) {
    if let Some(last) = file.last {
        fields.push(Field { name: "last", value: Value::Bool(last) });
    }
    if let Some(kind) = file.kind {
        fields.push(match kind {
            0 => text("type", "directory"),
            1 => text("type", "file"),
            _ => number("type", kind),
        });
    }
    if let Some(complete) = progress.complete {
        fields.push(Field { name: "complete", value: Value::Bool(complete) });
    }
    if let Some(digest) = progress.sha256 {
        fields.push(Field { name: "sha256", value: Value::Hex(digest) });
    }
    if let Some(user) = file.user {
        fields.push(Field { name: "user", value: Value::Text(user) });
    }
    if file.secret {
        fields.push(Field { name: "password_seen", value: Value::Bool(true) });
    }
}

/// What came of an authentication.
fn authenticated(outcome: Outcome, error: Option<u8>) -> Option<&'static str> {
    match (outcome, error) {
        (_, Some(_)) => Some("failed"),
        (Outcome::Accepted, None) => Some("accepted"),
        (Outcome::Rejected(code), None) if code.code >= tables::REJECTED_AUTHENTICATION => Some("failed"),
        _ => None,
    }
}

/// Names of the set indications.
#[inline]
pub fn indications(arena: &Bump, iin: u16) -> Value<'_> {
    if iin == 0 {
        return Value::List(&[]);
    }
    // As in the table: the first octet's bits, then the second's.
    let bits = iin.swap_bytes();
    let names = tables::INDICATIONS.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    let mut list = List::with_capacity_in(4, arena);
    list.extend(names.map(|(_, name)| Value::Text(name.as_bytes())));
    Value::List(list.into_bump_slice())
}

/// An object header.
#[inline]
pub fn header<'b>(arena: &'b Bump, block: &Block<'b>, points: &Points<'b>) -> Value<'b> {
    if let (60, variation @ 1..=4, 6) = (block.code.0, block.code.1, block.qualifier) {
        let place = usize::from(variation.saturating_sub(1));
        return CLASS_HEADERS.get(place).map_or(Value::Null, |fields| Value::Object(fields));
    }
    let (group, variation) = block.code;
    let name = Field { name: "object", value: Value::Text(points.name_of(block.code)) };
    let (group, variation) = (number("group", group), number("variation", variation));
    let qualifier = number("qualifier", block.qualifier);
    Value::Object(match block.range {
        Range::All => arena.alloc([name, group, variation, qualifier]),
        Range::Count(count) => arena.alloc([name, group, variation, qualifier, number("count", count)]),
        Range::Span(first, last) => {
            let (first, last) = (number("first", first), number("last", last));
            arena.alloc([name, group, variation, qualifier, first, last])
        }
    })
}

/// Lists of classes by the mask of their bits.
pub static CLASSES: [&[Value<'static>]; 16] = {
    const A: Value<'static> = Value::Unsigned(0);
    const B: Value<'static> = Value::Unsigned(1);
    const C: Value<'static> = Value::Unsigned(2);
    const D: Value<'static> = Value::Unsigned(3);
    [
        &[],
        &[A],
        &[B],
        &[A, B],
        &[C],
        &[A, C],
        &[B, C],
        &[A, B, C],
        &[D],
        &[A, D],
        &[B, D],
        &[A, B, D],
        &[C, D],
        &[A, C, D],
        &[B, C, D],
        &[A, B, C, D],
    ]
};
