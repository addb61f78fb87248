//! Coils, inputs and registers: functions 1 to 6, 15, 16, 22 and 23 (Application Protocol Specification V1.1b3, 6.1 to 6.6, 6.11,
//! 6.12, 6.16, 6.17).

use super::compose::{Exchange, Fields, Parts};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Sink;
use crate::protocols::modbus::tables::{Kind, anomaly};
use crate::transaction::{Access, Anomalies, Point, Values};

/// First address and number of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Range {
    /// First address.
    pub first: u16,
    /// Number of addresses as stated.
    pub quantity: u16,
}

impl Range {
    #[inline]
    fn read(cursor: &mut Cursor<'_>) -> Result<Range, Incomplete> {
        Ok(Range { first: cursor.u16_be()?, quantity: cursor.u16_be()? })
    }

    /// Quantity and addresses within what the kind allows.
    #[inline]
    pub fn check(self, most: u16, anomalies: &mut Anomalies) {
        anomalies.set(anomaly::INVALID_QUANTITY, self.quantity == 0 || self.quantity > most);
        let end = u32::from(self.first).saturating_add(u32::from(self.quantity));
        anomalies.set(anomaly::ADDRESS_OVERFLOW, end > 0x1_0000);
    }

    /// A point of these addresses. Nothing can be said of addresses beyond the last one that there is.
    #[inline]
    pub fn point<'a>(self, kind: Kind, access: Access, values: Values<'a>) -> Point<'a> {
        let first = u64::from(self.first);
        let beyond = u64::from(self.quantity.max(1)).saturating_sub(1);
        let last = first.saturating_add(beyond).min(0xFFFF);
        Point { kind: kind.index(), access, block: 0, first, last, name: None, values, fields: &[] }
    }

    /// Whether the point tells the quantity: not where none is asked for, or more than there are addresses.
    #[inline]
    pub fn is_told(self) -> bool {
        self.quantity > 0 && u32::from(self.first).saturating_add(u32::from(self.quantity)) <= 0x1_0000
    }

    /// The quantity where the point cannot tell it.
    #[inline]
    fn tell<const N: usize>(self, detail: &mut Fields<'_, N>) {
        if !self.is_told() {
            detail.number("quantity", self.quantity);
        }
    }

    /// Bytes that so many values of this kind take.
    #[inline]
    pub fn bytes(self, kind: Kind) -> usize {
        let quantity = usize::from(self.quantity);
        if kind.is_bits() { quantity.div_ceil(8) } else { quantity.saturating_mul(2) }
    }

    /// Values for these addresses, where the bytes hold so many.
    #[inline]
    pub fn values<'a>(self, kind: Kind, bytes: &'a [u8]) -> Values<'a> {
        match bytes.get(..self.bytes(kind)) {
            Some(bytes) if self.quantity > 0 && kind.is_bits() => {
                Values::Bits { bytes, count: u32::from(self.quantity) }
            }
            Some(bytes) if self.quantity > 0 => Values::Words(bytes),
            _ => Values::Unseen,
        }
    }
}

/// The bytes behind a byte count; fewer than counted are no values.
#[inline]
fn counted<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Incomplete> {
    let count = cursor.u8()?;
    cursor.take(usize::from(count))
}

/// The PDU behind the function code.
#[inline]
fn data(pdu: &[u8]) -> Cursor<'_> {
    Cursor::new("modbus.pdu", pdu.get(1..).unwrap_or_default())
}

#[inline]
fn range_of(pdu: &[u8]) -> Option<Range> {
    Range::read(&mut data(pdu)).ok()
}

/// A coil's value in a message of function 5, as one bit.
#[inline]
pub(in super::super) fn coil_bit(word: &[u8]) -> Values<'_> {
    match word {
        [0xFF, 0] => Values::Bits { bytes: &[1], count: 1 },
        [0, 0] => Values::Bits { bytes: &[0], count: 1 },
        _ => Values::Unseen,
    }
}

impl<'a> Exchange<'a> {
    /// Functions 1 to 4.
    #[inline]
    pub(super) fn read(&self, sink: &mut dyn Sink) {
        let kind = match self.function() {
            1 => Kind::Coil,
            2 => Kind::DiscreteInput,
            3 => Kind::HoldingRegister,
            _ => Kind::InputRegister,
        };
        let mut anomalies = Anomalies::default();
        let range = self.question().and_then(range_of);
        let bytes = self.answer().and_then(|pdu| counted(&mut data(pdu)).ok());
        if let Some(range) = range {
            range.check(kind.max_quantity(Access::Read), &mut anomalies);
        }
        check_answer(range, bytes, kind, &mut anomalies);
        let values = match (range, bytes) {
            (Some(range), Some(bytes)) => range.values(kind, bytes),
            _ => Values::Unseen,
        };
        let mut detail = self.fields::<5>();
        let point = range.map(|range| {
            range.tell(&mut detail);
            [range.point(kind, Access::Read, values)]
        });
        let points = point.as_ref().map_or(&[][..], |point| point);
        self.hand(
            &Parts { sub_function: None, access: Access::Read, points, detail: detail.as_slice(), anomalies },
            sink,
        );
    }

    /// Functions 5 and 6: the answer echoes the request.
    #[inline]
    pub(super) fn write_single(&self, sink: &mut dyn Sink) {
        let kind = if self.function() == 5 { Kind::Coil } else { Kind::HoldingRegister };
        let mut anomalies = Anomalies::default();
        let (question, answer) = (self.question(), self.answer());
        self.check_echo(&mut anomalies);
        let detail = self.fields::<4>();
        let read = question.or(answer).and_then(|pdu| {
            let mut cursor = data(pdu);
            Some((cursor.u16_be().ok()?, cursor.take(2).ok()?))
        });
        let point = read.map(|(first, word)| {
            let values = if kind.is_bits() { coil_bit(word) } else { Values::Words(word) };
            anomalies.set(anomaly::INVALID_VALUE, values == Values::Unseen);
            [Range { first, quantity: 1 }.point(kind, Access::Write, values)]
        });
        let points = point.as_ref().map_or(&[][..], |point| point);
        self.hand(
            &Parts { sub_function: None, access: Access::Write, points, detail: detail.as_slice(), anomalies },
            sink,
        );
    }

    /// Functions 15 and 16.
    #[inline]
    pub(super) fn write_multiple(&self, sink: &mut dyn Sink) {
        let kind = if self.function() == 15 { Kind::Coil } else { Kind::HoldingRegister };
        let mut anomalies = Anomalies::default();
        let asked = self.question().and_then(range_of);
        let echoed = self.answer().and_then(range_of);
        if let (Some(asked), Some(echoed)) = (asked, echoed) {
            anomalies.set(anomaly::RESPONSE_MISMATCH, asked != echoed);
        }
        let range = asked.or(echoed);
        if let Some(range) = range {
            range.check(kind.max_quantity(Access::Write), &mut anomalies);
        }
        let bytes = self.question().and_then(|pdu| written(pdu, 4, asked, kind, &mut anomalies));
        let mut detail = self.fields::<5>();
        let point = range.map(|range| {
            range.tell(&mut detail);
            let values = bytes.map_or(Values::Unseen, |bytes| range.values(kind, bytes));
            [range.point(kind, Access::Write, values)]
        });
        let points = point.as_ref().map_or(&[][..], |point| point);
        self.hand(
            &Parts { sub_function: None, access: Access::Write, points, detail: detail.as_slice(), anomalies },
            sink,
        );
    }

    /// Function 22: `(value & and_mask) | (or_mask & !and_mask)`; what the register then holds is not in the message.
    pub(super) fn mask_write(&self, sink: &mut dyn Sink) {
        let kind = Kind::HoldingRegister;
        let mut anomalies = Anomalies::default();
        self.check_echo(&mut anomalies);
        let mut detail = self.fields::<8>();
        let read = self.question().or(self.answer()).and_then(|pdu| {
            let mut cursor = data(pdu);
            Some((cursor.u16_be().ok()?, cursor.u16_be().ok()?, cursor.u16_be().ok()?))
        });
        let point = read.map(|(first, and_mask, or_mask)| {
            detail.number("and_mask", and_mask);
            detail.number("or_mask", or_mask);
            [Range { first, quantity: 1 }.point(kind, Access::Write, Values::Unseen)]
        });
        let points = point.as_ref().map_or(&[][..], |point| point);
        self.hand(
            &Parts { sub_function: None, access: Access::Write, points, detail: detail.as_slice(), anomalies },
            sink,
        );
    }

    /// Function 23: one point that is read, one that is written.
    pub(super) fn read_write(&self, sink: &mut dyn Sink) {
        let kind = Kind::HoldingRegister;
        let mut anomalies = Anomalies::default();
        let ranges = self.question().and_then(|pdu| {
            let mut cursor = data(pdu);
            Some((Range::read(&mut cursor).ok()?, Range::read(&mut cursor).ok()?))
        });
        let answered = self.answer().and_then(|pdu| counted(&mut data(pdu)).ok());
        check_answer(ranges.map(|(read, _)| read), answered, kind, &mut anomalies);
        let points = ranges.map(|(read, write)| {
            read.check(kind.max_quantity(Access::Read), &mut anomalies);
            write.check(Kind::max_written_beside_read(), &mut anomalies);
            let bytes = self.question().and_then(|pdu| written(pdu, 8, Some(write), kind, &mut anomalies));
            let read_values = answered.map_or(Values::Unseen, |bytes| read.values(kind, bytes));
            let written_values = bytes.map_or(Values::Unseen, |bytes| write.values(kind, bytes));
            [read.point(kind, Access::Read, read_values), write.point(kind, Access::Write, written_values)]
        });
        let points = points.as_ref().map_or(&[][..], |points| points);
        let detail = self.fields::<4>();
        self.hand(
            &Parts { sub_function: None, access: Access::Write, points, detail: detail.as_slice(), anomalies },
            sink,
        );
    }

    /// Both halves of an echo are the same.
    #[inline]
    pub(super) fn check_echo(&self, anomalies: &mut Anomalies) {
        if let (Some(question), Some(answer)) = (self.question(), self.answer()) {
            anomalies.set(anomaly::RESPONSE_MISMATCH, question != answer);
        }
    }
}

/// The values of a write: the byte count at `place` of the data, which has to fit the quantity.
#[inline]
fn written<'a>(
    pdu: &'a [u8],
    place: usize,
    range: Option<Range>,
    kind: Kind,
    anomalies: &mut Anomalies,
) -> Option<&'a [u8]> {
    let mut cursor = data(pdu);
    cursor.skip(place).ok()?;
    let count = usize::from(cursor.u8().ok()?);
    if let Some(range) = range {
        anomalies.set(anomaly::INVALID_BYTE_COUNT, count != range.bytes(kind));
    }
    cursor.take(count).ok()
}

/// The byte count of a read's answer: whole registers, and as many as were asked for.
#[inline]
pub(in super::super) fn check_answer(
    range: Option<Range>,
    bytes: Option<&[u8]>,
    kind: Kind,
    anomalies: &mut Anomalies,
) {
    let Some(bytes) = bytes else { return };
    anomalies.set(anomaly::INVALID_BYTE_COUNT, bytes.is_empty() || (!kind.is_bits() && bytes.len() % 2 == 1));
    if let Some(range) = range {
        anomalies.set(anomaly::RESPONSE_MISMATCH, bytes.len() != range.bytes(kind));
    }
}
