//! From the two halves of a transaction to the record that leaves: what all functions have in common.

use super::{Pdu, blocks, rosctr, services, userdata, variables};
use crate::address::Side;
use crate::protocols::Sink;
use crate::protocols::s7comm::tables::{self, anomaly};
use crate::protocols::s7comm::transfer::State;
use crate::transaction::{Access, Anomalies, Code, Field, Outcome, Point, SubFunction, Transaction, Value};

/// A transaction before it is composed. At least one half is there.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// Who asks.
    pub asker: Side,
    /// Rack and slot.
    pub unit: Option<u32>,
    /// The request, where seen.
    pub request: Option<Pdu<'a>>,
    /// The response, where seen.
    pub response: Option<Pdu<'a>>,
    /// How it ended when there is no response.
    pub ending: Outcome,
    /// Anomalies found while pairing.
    pub anomalies: Anomalies,
    /// When it was complete, ns.
    pub completed: u64,
}

/// What a function adds to a record.
pub struct Parts<'p> {
    /// Sub-function.
    pub sub_function: Option<SubFunction>,
    /// The gravest access.
    pub access: Access,
    /// Points.
    pub points: &'p [Point<'p>],
    /// The protocol's own fields.
    pub detail: &'p [Field<'p>],
    /// How it ended.
    pub outcome: Outcome,
    /// Anomalies of the content.
    pub anomalies: Anomalies,
}

impl<'a> Exchange<'a> {
    /// The half that says what is done: the request where it was seen.
    #[inline]
    pub fn leading(&self) -> Option<Pdu<'a>> {
        self.request.or(self.response)
    }

    /// The function code.
    #[inline]
    pub fn function(&self) -> Option<u8> {
        let of = |half: Option<Pdu<'a>>| half.and_then(|pdu| pdu.function());
        of(self.request).or_else(|| of(self.response))
    }

    /// The response where it carries no error.
    #[inline]
    pub fn answer(&self) -> Option<Pdu<'a>> {
        self.response.filter(|pdu| pdu.error == 0)
    }

    /// Outcome by the header's error code.
    #[inline]
    pub fn outcome(&self) -> Outcome {
        match self.response {
            None => self.ending,
            Some(pdu) if pdu.error == 0 => Outcome::Accepted,
            Some(pdu) => Outcome::Rejected(tables::rejection(u32::from(pdu.error))),
        }
    }

    /// Hands the record over.
    pub fn emit(&self, state: &mut State, sink: &mut dyn Sink) {
        if self.leading().is_some_and(|pdu| pdu.rosctr == rosctr::USERDATA) {
            return userdata::emit(self, state, sink);
        }
        match self.function() {
            Some(0x04 | 0x05) => variables::emit(self, sink),
            Some(0x1A..=0x1F) => blocks::emit(self, state, sink),
            Some(0x28 | 0x29) => services::emit(self, sink),
            Some(0xF0) => services::setup(self, sink),
            _ => self.raw(sink),
        }
    }

    /// Who is client: who asks, except where the controller fetches a block that the other side loads into it.
    #[inline]
    fn client(&self) -> Side {
        let fetches = matches!(self.function(), Some(0x1B | 0x1C));
        if fetches { self.asker.other() } else { self.asker }
    }

    /// Hands over a record.
    #[inline]
    pub fn hand(&self, parts: &Parts<'_>, sink: &mut dyn Sink) {
        let Some(leading) = self.leading() else { return };
        let of = |half: Option<Pdu<'_>>| half.map_or(0, |pdu| pdu.anomalies.0);
        let anomalies = self.anomalies.0 | parts.anomalies.0 | of(self.request) | of(self.response);
        // An acknowledgement alone, without parameters, does not say what was asked: its message type stands for it.
        let function = self.function().map_or(Code { code: u32::from(leading.rosctr), name: None }, tables::function);
        sink.transaction(&Transaction {
            protocol: tables::NUMBER,
            client: self.client(),
            unit: self.unit,
            function,
            sub_function: parts.sub_function,
            access: parts.access,
            points: parts.points,
            outcome: parts.outcome,
            anomalies: Anomalies(anomalies),
            tag: 0,
            request: self.request.map(|pdu| pdu.at),
            response: self.response.map(|pdu| pdu.at),
            completed: self.completed,
            detail: parts.detail,
        });
    }

    /// The field that every record has.
    #[inline]
    pub fn reference(&self) -> Field<'static> {
        let reference = self.leading().map_or(0, |pdu| pdu.reference);
        Field { name: "pdu_reference", value: Value::Unsigned(u64::from(reference)) }
    }

    /// A function without a definition: both halves as they are.
    fn raw(&self, sink: &mut dyn Sink) {
        let part = |half: Option<Pdu<'a>>, part: fn(&Pdu<'a>) -> &'a [u8]| {
            half.map_or(Value::Null, |pdu| Value::Hex(part(&pdu)))
        };
        let detail = [
            self.reference(),
            Field { name: "request_parameters", value: part(self.request, |pdu| pdu.parameters) },
            Field { name: "request_data", value: part(self.request, |pdu| pdu.data) },
            Field { name: "response_parameters", value: part(self.response, |pdu| pdu.parameters) },
            Field { name: "response_data", value: part(self.response, |pdu| pdu.data) },
        ];
        let mut anomalies = Anomalies::default();
        let known = self.function().is_none_or(|code| tables::function(code).name.is_some());
        anomalies.set(anomaly::UNKNOWN_FUNCTION, !known);
        let access = self.function().map_or(Access::Configure, tables::access);
        let parts =
            Parts { sub_function: None, access, points: &[], detail: &detail, outcome: self.outcome(), anomalies };
        self.hand(&parts, sink);
    }
}

/// A list of fields that grows.
#[derive(Debug, Default)]
pub struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// Begins with these.
    pub fn with(first: Field<'a>) -> Self {
        Fields(vec![first])
    }

    /// Adds a field.
    pub fn add(&mut self, name: &'static str, value: Value<'a>) {
        self.0.push(Field { name, value });
    }

    /// Adds a number.
    pub fn number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.add(name, Value::Unsigned(value.into()));
    }

    /// Adds a text.
    pub fn text(&mut self, name: &'static str, value: &'a [u8]) {
        self.add(name, Value::Text(value));
    }

    /// What was added.
    pub fn as_slice(&self) -> &[Field<'a>] {
        &self.0
    }
}
