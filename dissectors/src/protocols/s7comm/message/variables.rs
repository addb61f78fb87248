//! Read var and write var: a point for each item, with its values and return code.

use bumpalo::Bump;

use super::compose::{Exchange, Parts};
use super::items::{self, Item, Place};
use super::values::{self, Data, SUCCESS};
use crate::cursor::Cursor;
use crate::protocols::Sink;
use crate::protocols::s7comm::tables::{self, Kind, anomaly};
use crate::transaction::{Access, Anomalies, Field, Outcome, Point, Value, Values};

/// Items of which most jobs have no more; what is more is held on the heap.
const FEW: usize = 4;
/// As many as fit a message of 240 bytes, the usual size.
const USUAL: usize = 20;

const NOTHING: Point<'static> = Point {
    kind: 0,
    access: Access::Read,
    block: 0,
    first: 0,
    last: 0,
    name: None,
    values: Values::Unseen,
    fields: &[],
};

/// Hands over a read or write.
pub fn emit(exchange: &Exchange<'_>, sink: &mut dyn Sink) {
    let arena = Bump::new();
    let items = Items::of(exchange, &arena);
    match items.count {
        0..=FEW => items.hand(&mut [NOTHING; FEW], sink),
        0..=USUAL => items.hand(&mut [NOTHING; USUAL], sink),
        count => items.hand(&mut vec![NOTHING; count], sink),
    }
}

/// A job's items on their way to points.
struct Items<'e, 'a> {
    exchange: &'e Exchange<'a>,
    arena: &'a Bump,
    access: Access,
    /// Items as the request says.
    count: usize,
    anomalies: Anomalies,
    /// The first return code that is not success.
    refused: Option<u8>,
    accepted: usize,
}

impl<'e, 'a> Items<'e, 'a> {
    #[inline]
    fn of(exchange: &'e Exchange<'a>, arena: &'a Bump) -> Self {
        let access = if exchange.function() == Some(5) { Access::Write } else { Access::Read };
        let count = exchange.request.and_then(|pdu| pdu.parameters.get(1).copied()).unwrap_or_default();
        let mut anomalies = Anomalies::default();
        if let (Some(_), Some(pdu)) = (exchange.request, exchange.answer()) {
            anomalies.set(anomaly::RESPONSE_MISMATCH, pdu.parameters.get(1) != Some(&count));
        }
        Items { exchange, arena, access, count: usize::from(count), anomalies, refused: None, accepted: 0 }
    }

    #[inline]
    fn hand(mut self, points: &mut [Point<'a>], sink: &mut dyn Sink) {
        let filled = self.fill(points);
        let points = points.get(..filled).unwrap_or_default();
        let outcome = match (self.exchange.outcome(), self.refused) {
            (Outcome::Accepted, Some(code)) if self.accepted == 0 => {
                Outcome::Rejected(tables::rejection(u32::from(code)))
            }
            (outcome, _) => outcome,
        };
        let mut detail = [self.exchange.reference(), Field { name: "return_codes", value: Value::Null }];
        let mut count = 1_usize;
        if self.exchange.request.is_none()
            && let Some(codes) = self.codes()
            && let Some(field) = detail.get_mut(1)
        {
            field.value = codes;
            count = 2;
        }
        let detail = detail.get(..count).unwrap_or_default();
        let (access, anomalies) = (self.access, self.anomalies);
        self.exchange.hand(&Parts { sub_function: None, access, points, detail, outcome, anomalies }, sink);
    }

    /// Points of all items that can be read; how many.
    #[inline]
    fn fill(&mut self, points: &mut [Point<'a>]) -> usize {
        let Some(request) = self.exchange.request else { return 0 };
        let mut parameters = Cursor::new("s7comm.items", request.parameters.get(2..).unwrap_or_default());
        let answer = self.exchange.answer().map(|pdu| pdu.data);
        let write = self.access == Access::Write;
        let mut data = Cursor::new("s7comm.data", if write { request.data } else { answer.unwrap_or_default() });
        let mut codes = Cursor::new("s7comm.data", if write { answer.unwrap_or_default() } else { &[] });
        for (place, point) in points.iter_mut().take(self.count).enumerate() {
            let is_last = place.saturating_add(1) == self.count;
            let Ok(item) = items::read(&mut parameters, is_last, self.arena) else {
                self.anomalies.set(anomaly::INVALID_ITEM, true);
                return place;
            };
            let data = if write || answer.is_some() { self.data(&mut data, is_last) } else { None };
            let code = match (write, answer) {
                (_, None) => None,
                (true, Some(_)) => self.code(&mut codes),
                (false, Some(_)) => data.map(|data| data.code),
            };
            *point = self.point(&item, data.filter(|_| write || code == Some(SUCCESS)), code);
        }
        self.anomalies.set(anomaly::INVALID_ITEM, parameters.remaining() > 0);
        self.count.min(points.len())
    }

    #[inline]
    fn data(&mut self, cursor: &mut Cursor<'a>, is_last: bool) -> Option<Data<'a>> {
        let read = values::read(cursor, is_last).ok();
        self.anomalies.set(anomaly::INVALID_LENGTH, read.is_none());
        read
    }

    fn code(&mut self, cursor: &mut Cursor<'a>) -> Option<u8> {
        let read = cursor.u8().ok();
        self.anomalies.set(anomaly::INVALID_LENGTH, read.is_none());
        read
    }

    #[inline]
    fn point(&mut self, item: &Item<'a>, data: Option<Data<'a>>, code: Option<u8>) -> Point<'a> {
        match code {
            Some(SUCCESS) => self.accepted = self.accepted.saturating_add(1),
            Some(code) => self.refused = self.refused.or(Some(code)),
            None => {}
        }
        let values = data.map_or(Values::Unseen, |data| values::values(item.of, &data, self.arena));
        let fields = match (item.of, code) {
            (Some(of), Some(SUCCESS) | None) => of.field(),
            _ => self.fields(item, code),
        };
        let point = Point { access: self.access, values, fields, ..NOTHING };
        match item.place {
            Place::Range { area, first, last, overflow } => {
                self.anomalies.set(anomaly::ADDRESS_OVERFLOW, overflow);
                Point { kind: area.kind.index(), block: area.block, first: first.min(last), last, ..point }
            }
            Place::Name { kind, name, .. } => Point { kind: kind.index(), name: Some(name), ..point },
            Place::Unknown(bytes) => {
                self.anomalies.set(anomaly::INVALID_ITEM, true);
                let name = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                let name = self.arena.alloc_str(&format!("{:02x}/{name}", item.syntax)).as_bytes();
                Point { kind: Kind::Symbol.index(), name: Some(name), ..point }
            }
        }
    }

    /// What there is to say of an item that is not usual.
    #[cold]
    fn fields(&self, item: &Item<'a>, code: Option<u8>) -> &'a [Field<'a>] {
        let number = |name, value: u64| Field { name, value: Value::Unsigned(value) };
        let mut fields: Vec<Field<'a>> = item.of.map_or(&[][..], |of| of.field()).to_vec();
        if item.of.is_none() {
            fields.push(number("syntax", u64::from(item.syntax)));
        }
        if let Place::Name { crc: Some(crc), .. } = item.place {
            fields.push(number("symbol_crc", u64::from(crc)));
        }
        if let Some(code) = code.filter(|code| *code != SUCCESS) {
            fields.push(number("return_code", u64::from(code)));
            let name = tables::rejection(u32::from(code)).name;
            fields.push(Field { name: "return_name", value: name.map_or(Value::Null, |n| Value::Text(n.as_bytes())) });
        }
        self.arena.alloc_slice_copy(&fields)
    }

    /// Return codes of a response whose request was not seen.
    fn codes(&mut self) -> Option<Value<'a>> {
        let answer = self.exchange.answer()?;
        let count = usize::from(*answer.parameters.get(1)?);
        let mut data = Cursor::new("s7comm.data", answer.data);
        let mut codes = Vec::new();
        for place in 1..=count {
            let code = match self.access {
                Access::Write => data.u8().ok(),
                _ => values::read(&mut data, place == count).ok().map(|data| data.code),
            };
            codes.push(Value::Unsigned(u64::from(code?)));
        }
        Some(Value::List(self.arena.alloc_slice_copy(&codes)))
    }
}
