//! The short way of the usual message: one MBAP message that is all there is, of a flow whose client is proved, with a function
//! that reads or writes coils, inputs or registers, of exactly the length that this demands; a response that fits the oldest open
//! request and accepts it. Nine of ten messages are that. It says what the general way says; whatever is unusual takes that one.

use super::Modbus;
use super::message::Framing;
use super::message::compose::Half;
use super::message::registers::{self, Range};
use super::tables::{self, Kind};
use crate::address::{Moment, Side};
use crate::protocols::{Seen, Sink};
use crate::transaction::{Access, Anomalies, Field, Outcome, Point, Transaction, Value, Values};

impl Modbus {
    /// Takes a usual message; gives the bytes that it has. Nothing has changed when it is not one.
    #[inline]
    pub(super) fn usual(
        &mut self,
        side: Side,
        bytes: &[u8],
        at: Moment,
        seen: &Seen,
        sink: &mut dyn Sink,
    ) -> Option<usize> {
        let [t1, t0, 0, 0, 0, length @ ..=254, unit, pdu @ ..] = bytes else { return None };
        let settled = self.framing == Some(Framing::Tcp) && self.proved && self.against == 0;
        if !settled || usize::from(*length) != pdu.len().saturating_add(1) || self.is_astray(side) {
            return None;
        }
        let half = Half { transaction_id: u16::from_be_bytes([*t1, *t0]), protocol_id: 0, unit: *unit, pdu, at };
        if self.client == Some(side) {
            if !is_request(pdu) {
                return None;
            }
            let context = self.context(side, Framing::Tcp, seen);
            self.asked = true;
            self.pairing.request(half, &context, sink);
        } else {
            let request = self.pairing.waits_for(&half, seen.clock)?;
            let (kind, range, values) = agreed(request.pdu, pdu)?;
            tell(side.other(), &request, &half, seen.clock, (kind, range, values), sink);
            self.pairing.close();
            self.paired = true;
        }
        self.count_frame();
        Some(bytes.len())
    }
}

/// A request of the length that its function demands.
#[inline]
fn is_request(pdu: &[u8]) -> bool {
    match pdu {
        [1..=6, data @ ..] => data.len() == 4,
        [15 | 16, _, _, _, _, count, values @ ..] => values.len() == usize::from(*count),
        _ => false,
    }
}

/// What a request and the response that accepts it agree upon: kind, addresses and the bytes of the values.
#[inline]
fn agreed<'a>(request: &'a [u8], response: &'a [u8]) -> Option<(Kind, Range, &'a [u8])> {
    let [function, a1, a0, q1, q0, written @ ..] = request else { return None };
    let range = Range { first: u16::from_be_bytes([*a1, *a0]), quantity: u16::from_be_bytes([*q1, *q0]) };
    let (kind, bytes) = match (function, response) {
        (1..=4, [_, count, bytes @ ..]) if written.is_empty() && range.is_told() => {
            let kind = read_kind(*function);
            let fits = bytes.len() == usize::from(*count) && bytes.len() == range.bytes(kind);
            (kind, fits.then_some(bytes)?)
        }
        (5 | 6, _) if written.is_empty() && request == response => {
            let kind = if *function == 5 { Kind::Coil } else { Kind::HoldingRegister };
            (kind, request.get(3..)?)
        }
        (15 | 16, [_, echo @ ..]) if request.get(1..5) == Some(echo) && range.is_told() => {
            let (count, bytes) = written.split_first()?;
            let kind = if *function == 15 { Kind::Coil } else { Kind::HoldingRegister };
            (kind, (bytes.len() == usize::from(*count)).then_some(bytes)?)
        }
        _ => return None,
    };
    Some((kind, range, bytes))
}

#[inline]
fn read_kind(function: u8) -> Kind {
    match function {
        1 => Kind::Coil,
        2 => Kind::DiscreteInput,
        3 => Kind::HoldingRegister,
        _ => Kind::InputRegister,
    }
}

/// Point and anomalies of what was agreed upon.
#[inline]
fn point<'a>(function: u8, kind: Kind, range: Range, bytes: &'a [u8]) -> (Point<'a>, Anomalies) {
    let mut anomalies = Anomalies::default();
    let point = match function {
        1..=4 => {
            range.check(kind.max_quantity(Access::Read), &mut anomalies);
            registers::check_answer(Some(range), Some(bytes), kind, &mut anomalies);
            range.point(kind, Access::Read, range.values(kind, bytes))
        }
        5 | 6 => {
            let values = if kind.is_bits() { registers::coil_bit(bytes) } else { Values::Words(bytes) };
            anomalies.set(tables::anomaly::INVALID_VALUE, values == Values::Unseen);
            Range { quantity: 1, ..range }.point(kind, Access::Write, values)
        }
        _ => {
            range.check(kind.max_quantity(Access::Write), &mut anomalies);
            anomalies.set(tables::anomaly::INVALID_BYTE_COUNT, bytes.len() != range.bytes(kind));
            range.point(kind, Access::Write, range.values(kind, bytes))
        }
    };
    (point, anomalies)
}

/// Hands the record over.
#[inline]
fn tell(
    client: Side,
    request: &Half<'_>,
    response: &Half<'_>,
    clock: u64,
    agreed: (Kind, Range, &[u8]),
    sink: &mut dyn Sink,
) {
    let (kind, range, bytes) = agreed;
    let function = request.pdu.first().copied().unwrap_or_default();
    let (point, anomalies) = point(function, kind, range, bytes);
    sink.transaction(&Transaction {
        protocol: tables::NUMBER,
        client,
        unit: Some(u32::from(request.unit)),
        function: tables::function(function),
        sub_function: None,
        access: point.access,
        points: &[point],
        outcome: Outcome::Accepted,
        anomalies,
        tag: 0,
        request: Some(request.at),
        response: Some(response.at),
        completed: response.at.time.max(clock),
        detail: &[
            Field { name: "transaction_id", value: Value::Unsigned(u64::from(request.transaction_id)) },
            Field { name: "framing", value: Value::Text(Framing::Tcp.name().as_bytes()) },
        ],
    });
}
