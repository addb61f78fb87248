//! Files and queues: functions 20, 21 and 24 (Application Protocol Specification V1.1b3, 6.14, 6.15, 6.18).

use super::compose::{Exchange, List, Parts};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Sink;
use crate::protocols::modbus::tables::{Kind, anomaly};
use crate::transaction::{Access, Anomalies, Field, Point, Value, Values};

/// File groups of one message: 245 bytes of at least seven.
const MAX_GROUPS: usize = 36;

/// The only reference type there is.
const REFERENCE_TYPE: u8 = 6;

/// The greatest record number (6.14).
const MAX_RECORD: u16 = 0x270F;

/// The part of a file that a group names.
#[derive(Debug, Clone, Copy)]
struct Group {
    reference_type: u8,
    file: u16,
    record: u16,
    length: u16,
}

impl Group {
    fn read(cursor: &mut Cursor<'_>) -> Result<Group, Incomplete> {
        Ok(Group {
            reference_type: cursor.u8()?,
            file: cursor.u16_be()?,
            record: cursor.u16_be()?,
            length: cursor.u16_be()?,
        })
    }

    fn check(self, anomalies: &mut Anomalies) {
        anomalies.set(anomaly::INVALID_VALUE, self.reference_type != REFERENCE_TYPE || self.file == 0);
        anomalies.set(anomaly::INVALID_QUANTITY, self.length == 0);
        let end = u32::from(self.record).saturating_add(u32::from(self.length));
        anomalies.set(anomaly::ADDRESS_OVERFLOW, end > u32::from(MAX_RECORD).saturating_add(1));
    }

    fn point<'a>(self, access: Access, values: Values<'a>) -> Point<'a> {
        let first = u64::from(self.record);
        let last = first.saturating_add(u64::from(self.length.max(1)).saturating_sub(1)).min(0xFFFF);
        let (kind, block) = (Kind::File.index(), u32::from(self.file));
        Point { kind, access, block, first, last, name: None, values, fields: &[] }
    }
}

/// What stands where a list has no item.
const NO_POINT: Point<'static> = Point {
    kind: 0,
    access: Access::Session,
    block: 0,
    first: 0,
    last: 0,
    name: None,
    values: Values::Unseen,
    fields: &[],
};

/// The bytes that a PDU's byte count speaks of.
fn body(pdu: &[u8]) -> Option<Cursor<'_>> {
    let mut cursor = Cursor::new("modbus.pdu", pdu.get(1..).unwrap_or_default());
    let count = cursor.u8().ok()?;
    Some(Cursor::new("modbus.pdu", cursor.take(usize::from(count)).ok()?))
}

/// The next group of an answer to function 20: its length, the reference type, the records.
fn answered<'a>(cursor: &mut Cursor<'a>) -> Result<(u8, &'a [u8]), Incomplete> {
    let length = usize::from(cursor.u8()?);
    let reference_type = cursor.u8()?;
    Ok((reference_type, cursor.take(length.saturating_sub(1))?))
}

impl<'a> Exchange<'a> {
    /// Function 20.
    pub(super) fn read_files(&self, sink: &mut dyn Sink) {
        let mut anomalies = Anomalies::default();
        let mut points = List::<Point<'_>, MAX_GROUPS>::new(NO_POINT);
        let mut answers = self.answer().and_then(body);
        let mut questions = self.question().and_then(body);
        while let Some(cursor) = questions.as_mut().filter(|cursor| cursor.remaining() > 0) {
            let Ok(group) = Group::read(cursor) else {
                anomalies.set(anomaly::INVALID_BYTE_COUNT, true);
                break;
            };
            group.check(&mut anomalies);
            let values = match answers.as_mut().map(answered) {
                Some(Ok((reference_type, words))) => {
                    anomalies.set(anomaly::INVALID_VALUE, reference_type != REFERENCE_TYPE);
                    let right = words.len() == usize::from(group.length).saturating_mul(2);
                    anomalies.set(anomaly::RESPONSE_MISMATCH, !right);
                    if right { Values::Words(words) } else { Values::Unseen }
                }
                Some(Err(_)) => {
                    anomalies.set(anomaly::RESPONSE_MISMATCH, true);
                    Values::Unseen
                }
                None => Values::Unseen,
            };
            points.push(group.point(Access::Read, values));
        }
        let left = self.request.is_some() && answers.is_some_and(|cursor| cursor.remaining() > 0);
        anomalies.set(anomaly::RESPONSE_MISMATCH, left);
        let mut detail = self.fields::<8>();
        if let (None, Some([_, _, data @ ..])) = (self.question(), self.answer()) {
            detail.add("response_data", Value::Hex(data));
        }
        self.hand_files(Access::Read, points.as_slice(), detail.as_slice(), anomalies, sink);
    }

    /// Function 21: the answer echoes the request.
    pub(super) fn write_files(&self, sink: &mut dyn Sink) {
        let mut anomalies = Anomalies::default();
        self.check_echo(&mut anomalies);
        let mut points = List::<Point<'_>, MAX_GROUPS>::new(NO_POINT);
        let mut groups = self.question().or(self.answer()).and_then(body);
        while let Some(cursor) = groups.as_mut().filter(|cursor| cursor.remaining() > 0) {
            let Ok(group) = Group::read(cursor) else {
                anomalies.set(anomaly::INVALID_BYTE_COUNT, true);
                break;
            };
            group.check(&mut anomalies);
            let Ok(words) = cursor.take(usize::from(group.length).saturating_mul(2)) else {
                anomalies.set(anomaly::INVALID_BYTE_COUNT, true);
                points.push(group.point(Access::Write, Values::Unseen));
                break;
            };
            points.push(group.point(Access::Write, Values::Words(words)));
        }
        let detail = self.fields::<8>();
        self.hand_files(Access::Write, points.as_slice(), detail.as_slice(), anomalies, sink);
    }

    fn hand_files(
        &self,
        access: Access,
        points: &[Point<'_>],
        detail: &[Field<'_>],
        anomalies: Anomalies,
        sink: &mut dyn Sink,
    ) {
        self.hand(&Parts { sub_function: None, access, points, detail, anomalies }, sink);
    }

    /// Function 24.
    pub(super) fn fifo(&self, sink: &mut dyn Sink) {
        let mut anomalies = Anomalies::default();
        let mut detail = self.fields::<8>();
        let answer = self.answer().and_then(fifo_answer);
        if let Some((bytes, count, words)) = answer {
            detail.number("fifo_count", count);
            anomalies.set(anomaly::INVALID_QUANTITY, count > Kind::Fifo.max_quantity(Access::Read));
            let expected = count.saturating_mul(2);
            anomalies.set(anomaly::INVALID_BYTE_COUNT, bytes != expected.saturating_add(2));
            anomalies.set(anomaly::INVALID_BYTE_COUNT, words.len() != usize::from(expected));
        }
        let pointer = self.question().and_then(|pdu| Cursor::new("modbus.pdu", pdu.get(1..)?).u16_be().ok());
        let point = pointer.map(|pointer| {
            let first = u64::from(pointer);
            let whole = answer.filter(|&(_, count, words)| words.len() == usize::from(count).saturating_mul(2));
            let values = whole.map_or(Values::Unseen, |(_, _, words)| Values::Words(words));
            [Point { kind: Kind::Fifo.index(), access: Access::Read, first, last: first, values, ..NO_POINT }]
        });
        let points = point.as_ref().map_or(&[][..], |point| point);
        self.hand_files(Access::Read, points, detail.as_slice(), anomalies, sink);
    }
}

/// Byte count, number of registers, registers.
fn fifo_answer(pdu: &[u8]) -> Option<(u16, u16, &[u8])> {
    let mut cursor = Cursor::new("modbus.pdu", pdu.get(1..)?);
    let bytes = cursor.u16_be().ok()?;
    let count = cursor.u16_be().ok()?;
    Some((bytes, count, cursor.rest()))
}
