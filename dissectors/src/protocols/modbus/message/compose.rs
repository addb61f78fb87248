//! From the two halves of a transaction to the record that leaves: what all functions have in common.

use super::Framing;
use super::form::{self, Demand, Role};
use crate::address::{Moment, Side};
use crate::protocols::modbus::tables::{self, anomaly};
use crate::protocols::{Sink, umas};
use crate::transaction::{Access, Anomalies, Field, Outcome, Point, SubFunction, Transaction, Value};

/// Request or response as received.
#[derive(Debug, Clone, Copy)]
pub struct Half<'a> {
    /// From the MBAP header; 0 for RTU.
    pub transaction_id: u16,
    /// From the MBAP header.
    pub protocol_id: u16,
    /// Unit identifier.
    pub unit: u8,
    /// Function code and data.
    pub pdu: &'a [u8],
    /// The packet that completed it.
    pub at: Moment,
}

/// A transaction before it is composed. At least one half is there.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// Who asks.
    pub client: Side,
    /// How it is framed.
    pub framing: Framing,
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
    /// How often the same request was sent again.
    pub retransmissions: u16,
}

/// A list with room for `N`, on the stack.
#[derive(Debug, Clone, Copy)]
pub struct List<T, const N: usize> {
    items: [T; N],
    len: usize,
}

impl<T: Copy, const N: usize> List<T, N> {
    /// An empty list; `filler` stands in unused places.
    #[inline]
    pub fn new(filler: T) -> Self {
        List { items: [filler; N], len: 0 }
    }

    /// Adds an item; false when there is no room left.
    #[inline]
    pub fn push(&mut self, item: T) -> bool {
        match self.items.get_mut(self.len) {
            Some(place) => {
                *place = item;
                self.len = self.len.saturating_add(1);
                true
            }
            None => false,
        }
    }

    /// What was added.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        self.items.get(..self.len).unwrap_or_default()
    }
}

/// A list of detail fields.
pub type Fields<'a, const N: usize> = List<Field<'a>, N>;

impl<'a, const N: usize> Fields<'a, N> {
    /// Adds a field.
    #[inline]
    pub fn add(&mut self, name: &'static str, value: Value<'a>) {
        let _ = self.push(Field { name, value });
    }

    /// Adds a number.
    #[inline]
    pub fn number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.add(name, Value::Unsigned(value.into()));
    }
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
    /// Anomalies of the content.
    pub anomalies: Anomalies,
}

impl<'a> Exchange<'a> {
    /// The half that says what is done: the request where it was seen.
    #[inline]
    pub fn leading(&self) -> Option<Half<'a>> {
        self.request.or(self.response)
    }

    /// The function code without the exception bit of a response.
    #[inline]
    pub fn function(&self) -> u8 {
        match (self.request, self.response) {
            (Some(request), _) => request.pdu.first().copied().unwrap_or_default(),
            (None, Some(response)) => response.pdu.first().copied().unwrap_or_default() & 0x7F,
            (None, None) => 0,
        }
    }

    /// The response's PDU where it is no exception.
    #[inline]
    pub fn answer(&self) -> Option<&'a [u8]> {
        self.response.map(|half| half.pdu).filter(|pdu| pdu.first().is_some_and(|&code| code < 128))
    }

    /// The request's PDU.
    #[inline]
    pub fn question(&self) -> Option<&'a [u8]> {
        self.request.map(|half| half.pdu)
    }

    /// The exception code that the response carries.
    #[inline]
    pub fn exception(&self) -> Option<u8> {
        let pdu = self.response?.pdu;
        pdu.first().is_some_and(|&code| code >= 128).then(|| pdu.get(1).copied().unwrap_or_default())
    }

    /// The detail fields that every transaction has.
    #[inline]
    pub fn fields<const N: usize>(&self) -> Fields<'a, N> {
        let mut fields = Fields::new(Field { name: "", value: Value::Null });
        if let Some(half) = self.leading() {
            if self.framing != Framing::Rtu {
                fields.number("transaction_id", half.transaction_id);
            }
            if half.protocol_id != 0 {
                fields.number("protocol_id", half.protocol_id);
            }
        }
        fields.add("framing", Value::Text(self.framing.name().as_bytes()));
        if self.retransmissions != 0 {
            fields.number("retransmissions", self.retransmissions);
        }
        fields
    }

    /// Hands the record over.
    pub fn emit(&self, sink: &mut dyn Sink) {
        match self.function() {
            1..=4 => self.read(sink),
            5 | 6 => self.write_single(sink),
            15 | 16 => self.write_multiple(sink),
            22 => self.mask_write(sink),
            23 => self.read_write(sink),
            20 => self.read_files(sink),
            21 => self.write_files(sink),
            24 => self.fifo(sink),
            7 | 11 | 12 => self.status(sink),
            8 => self.diagnostics(sink),
            17 => self.server_id(sink),
            43 => self.encapsulated(sink),
            umas::FUNCTION => umas::emit(self, sink),
            _ => self.raw(sink),
        }
    }

    /// Outcome of a Modbus transaction.
    #[inline]
    pub fn outcome(&self) -> Outcome {
        match (self.response, self.exception()) {
            (None, _) => self.ending,
            (Some(_), Some(code)) => Outcome::Rejected(tables::exception(code)),
            (Some(_), None) => Outcome::Accepted,
        }
    }

    /// Hands over a Modbus record.
    #[inline]
    pub fn hand(&self, parts: &Parts<'_>, sink: &mut dyn Sink) {
        let Some(leading) = self.leading() else { return };
        let mut anomalies = Anomalies(self.anomalies.0 | parts.anomalies.0 | self.frame_anomalies().0);
        if let Some(code) = self.exception() {
            anomalies.set(anomaly::INVALID_EXCEPTION_CODE, !matches!(code, 1..=8 | 10 | 11));
        }
        let function = self.function();
        sink.transaction(&Transaction {
            protocol: tables::NUMBER,
            client: self.client,
            unit: Some(u32::from(leading.unit)),
            function: tables::function(function),
            sub_function: parts.sub_function,
            access: parts.access,
            points: parts.points,
            outcome: self.outcome(),
            anomalies,
            tag: 0,
            request: self.request.map(|half| half.at),
            response: self.response.map(|half| half.at),
            completed: self.completed,
            detail: parts.detail,
        });
    }

    /// Protocol identifier and lengths of both halves.
    #[inline]
    pub fn frame_anomalies(&self) -> Anomalies {
        let mut anomalies = Anomalies::default();
        let request = self.request.map(|half| (Role::Request, half));
        let response = self.response.map(|half| (Role::Response, half));
        for (role, half) in [request, response].into_iter().flatten() {
            anomalies.set(anomaly::INVALID_PROTOCOL_ID, half.protocol_id != 0);
            match form::demand(role, half.pdu) {
                Demand::Exactly(length) => {
                    anomalies.set(anomaly::INVALID_LENGTH, half.pdu.len() < length);
                    anomalies.set(anomaly::TRAILING_BYTES, half.pdu.len() > length);
                }
                Demand::AtLeast(least) => anomalies.set(anomaly::INVALID_LENGTH, half.pdu.len() < least),
                Demand::Unknown(_) => anomalies.set(anomaly::INVALID_LENGTH, true),
            }
        }
        let code = self.question().and_then(|pdu| pdu.first().copied()).unwrap_or(1);
        anomalies.set(anomaly::INVALID_FUNCTION, code == 0 || code >= 128);
        anomalies
    }

    /// A function without a definition: the data of both halves as they are.
    fn raw(&self, sink: &mut dyn Sink) {
        let function = self.function();
        let mut detail = self.fields::<8>();
        let category = tables::category(function);
        detail.add("category", Value::Text(category.name().as_bytes()));
        if let Some([_, data @ ..]) = self.question() {
            detail.add("request_data", Value::Hex(data));
        }
        if let Some([_, data @ ..]) = self.answer() {
            detail.add("response_data", Value::Hex(data));
        }
        let parts = Parts {
            sub_function: None,
            access: tables::access(function),
            points: &[],
            detail: detail.as_slice(),
            anomalies: Anomalies::default(),
        };
        self.hand(&parts, sink);
    }
}
