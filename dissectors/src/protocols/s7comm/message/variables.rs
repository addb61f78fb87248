//! Read var and write var: a point for each item, with its values and return code. Cyclic jobs address in the same way.

use bumpalo::Bump;

use super::Pdu;
use super::compose::{Exchange, Parts};
use super::items::{self, Item, Place};
use super::usual;
use super::values::{self, Data, SUCCESS, UNCHANGED};
use crate::cursor::Cursor;
use crate::protocols::Sink;
use crate::protocols::s7comm::tables::{self, Kind, anomaly};
use crate::transaction::{Access, Anomalies, Field, Outcome, Point, Value, Values};

/// Points of which most jobs have no more; what is more is held on the heap.
const FEW: usize = 4;
/// As many as fit a message of 240 bytes, the usual size.
const USUAL: usize = 20;

/// A point that stands in a place until it is made.
pub const NOTHING: Point<'static> = Point {
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
    let spec = Spec::of(exchange);
    let count = items::count(spec.items, spec.count);
    if count <= FEW {
        hand(exchange, &spec, &arena, &mut [NOTHING; FEW], sink);
    } else if count <= USUAL {
        hand(exchange, &spec, &arena, &mut [NOTHING; USUAL], sink);
    } else {
        hand(exchange, &spec, &arena, &mut vec![NOTHING; count], sink);
    }
}

#[inline]
fn hand<'a>(exchange: &Exchange<'a>, spec: &Spec<'a>, arena: &'a Bump, points: &mut [Point<'a>], sink: &mut dyn Sink) {
    let mut reader = Reader::new(spec.access, arena);
    let filled = reader.fill(spec, points);
    if let (Some(_), Some(pdu)) = (exchange.request, exchange.answer()) {
        let same = pdu.parameters.get(1).is_some_and(|count| usize::from(*count) == spec.count);
        reader.anomalies.set(anomaly::RESPONSE_MISMATCH, !same);
    }
    let mut detail = [exchange.reference(), Field { name: "return_codes", value: Value::Null }];
    let mut fields = 1_usize;
    if exchange.request.is_none()
        && let Some(codes) = codes(exchange, spec.access, arena)
        && let Some(field) = detail.get_mut(1)
    {
        field.value = codes;
        fields = 2;
    }
    let parts = Parts {
        sub_function: None,
        access: spec.access,
        points: points.get(..filled).unwrap_or_default(),
        detail: detail.get(..fields).unwrap_or_default(),
        outcome: reader.outcome(exchange.outcome()),
        anomalies: reader.anomalies,
    };
    exchange.hand(&parts, sink);
}

/// What is addressed, and where the data lie.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    /// The items.
    pub items: &'a [u8],
    /// How many there are.
    pub count: usize,
    /// What is done with them.
    pub access: Access,
    /// The data that are written, or were read, where seen.
    pub data: Option<&'a [u8]>,
    /// The return codes of a write, where seen.
    pub codes: Option<&'a [u8]>,
}

impl<'a> Spec<'a> {
    #[inline]
    fn of(exchange: &Exchange<'a>) -> Spec<'a> {
        let parameters = exchange.request.map_or(&[][..], |pdu| pdu.parameters);
        let answer = exchange.answer().map(|pdu| pdu.data);
        let write = exchange.function() == Some(5);
        Spec {
            items: parameters.get(2..).unwrap_or_default(),
            count: usize::from(parameters.get(1).copied().unwrap_or_default()),
            access: if write { Access::Write } else { Access::Read },
            data: if write { exchange.request.map(|pdu| pdu.data) } else { answer },
            codes: if write { answer } else { None },
        }
    }
}

/// Items on their way to points.
pub struct Reader<'a> {
    arena: &'a Bump,
    access: Access,
    /// What is wrong with them.
    pub anomalies: Anomalies,
    /// The first return code that is not success.
    refused: Option<u8>,
    accepted: usize,
}

impl<'a> Reader<'a> {
    /// Reads items that are accessed so.
    #[inline]
    pub fn new(access: Access, arena: &'a Bump) -> Self {
        Reader { arena, access, anomalies: Anomalies::default(), refused: None, accepted: 0 }
    }

    /// How it ended, seen by the items: rejected where none was accepted.
    #[inline]
    pub fn outcome(&self, outcome: Outcome) -> Outcome {
        match (outcome, self.refused) {
            (Outcome::Accepted, Some(code)) if self.accepted == 0 => {
                Outcome::Rejected(tables::rejection(u32::from(code)))
            }
            (outcome, _) => outcome,
        }
    }

    /// Makes points of all items that can be read; says how many.
    #[inline]
    pub fn fill(&mut self, spec: &Spec<'a>, points: &mut [Point<'a>]) -> usize {
        if let Some(count) = usual::fill(spec, points) {
            self.accepted = count;
            return count;
        }
        self.fill_any(spec, points)
    }

    pub(in super::super) fn fill_any(&mut self, spec: &Spec<'a>, points: &mut [Point<'a>]) -> usize {
        let mut parameters = Cursor::new("s7comm.items", spec.items);
        let mut data = Cursor::new("s7comm.data", spec.data.unwrap_or_default());
        let mut codes = Cursor::new("s7comm.data", spec.codes.unwrap_or_default());
        let mut filled = 0_usize;
        for number in 1..=spec.count {
            let is_last = number == spec.count;
            let Ok(item) = items::read(&mut parameters, is_last, self.arena) else {
                self.anomalies.set(anomaly::INVALID_ITEM, true);
                return filled;
            };
            let write = self.access == Access::Write;
            let data = if spec.data.is_some() { self.data(&mut data, is_last) } else { None };
            let code = match spec.codes {
                Some(_) => self.code(&mut codes),
                None if write => None,
                None => data.map(|data| data.code),
            };
            if let Place::Blocks(ranges) = item.place {
                filled = self.blocks(ranges, data, code, points, filled);
            } else if let Some(point) = points.get_mut(filled) {
                *point = self.point(&item, data.filter(|_| write || code == Some(SUCCESS)), code);
                filled = filled.saturating_add(1);
            }
        }
        self.anomalies.set(anomaly::INVALID_ITEM, parameters.remaining() > 0);
        filled
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
    fn note(&mut self, code: Option<u8>) {
        match code {
            Some(SUCCESS) => self.accepted = self.accepted.saturating_add(1),
            Some(code) => self.refused = self.refused.or(Some(code)),
            None => {}
        }
    }

    #[inline]
    fn point(&mut self, item: &Item<'a>, data: Option<Data<'a>>, code: Option<u8>) -> Point<'a> {
        self.note(code);
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
            Place::Blocks(bytes) | Place::Unknown(bytes) => {
                self.anomalies.set(anomaly::INVALID_ITEM, true);
                let name = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                let name = self.arena.alloc_str(&format!("{:02x}/{name}", item.syntax)).as_bytes();
                Point { kind: Kind::Symbol.index(), name: Some(name), ..point }
            }
        }
    }

    /// Ranges of data blocks in one item: for each a return code and the bytes, one after the other.
    fn blocks(
        &mut self,
        ranges: &'a [u8],
        data: Option<Data<'a>>,
        code: Option<u8>,
        points: &mut [Point<'a>],
        mut filled: usize,
    ) -> usize {
        let mut inner = Cursor::new("s7comm.data", data.map_or(&[], |data| data.bytes));
        let seen = data.is_some() && code.is_none_or(|code| code == SUCCESS);
        for range in ranges.chunks_exact(items::BLOCK_RANGE) {
            let (Some((item, bytes)), Some(point)) = (items::block_range(range), points.get_mut(filled)) else { break };
            let own = if seen && self.access != Access::Write { self.code(&mut inner) } else { code };
            if own == Some(UNCHANGED) && seen {
                self.accepted = self.accepted.saturating_add(1);
                continue;
            }
            let read = seen && own.is_none_or(|code| code == SUCCESS);
            let bytes = if read { inner.take(bytes).ok() } else { None };
            self.anomalies.set(anomaly::INVALID_LENGTH, read && bytes.is_none());
            let data = bytes.map(|bytes| Data { code: SUCCESS, transport: 4, bytes });
            *point = self.point(&item, data, own);
            filled = filled.saturating_add(1);
        }
        self.anomalies.set(anomaly::INVALID_LENGTH, inner.remaining() > 0);
        filled
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
}

/// Whether an answer is of the items that were asked for: as many, and of each that was read so many bytes.
#[inline]
pub fn is_answer(request: &Pdu<'_>, answer: &Pdu<'_>) -> bool {
    let [_, asked, items @ ..] = request.parameters else { return true };
    let [_, answered, ..] = answer.parameters else { return true };
    let count = usize::from(*asked);
    if asked != answered || (request.function() == Some(5) && answer.data.len() != count) {
        return false;
    }
    request.function() == Some(5) || usual::is_of(items, answer.data, count)
}

/// Return codes of a response whose request was not seen.
fn codes<'a>(exchange: &Exchange<'a>, access: Access, arena: &'a Bump) -> Option<Value<'a>> {
    let answer = exchange.answer()?;
    let count = usize::from(*answer.parameters.get(1)?);
    let mut data = Cursor::new("s7comm.data", answer.data);
    let mut codes = Vec::new();
    for place in 1..=count {
        let code = match access {
            Access::Write => data.u8().ok(),
            _ => values::read(&mut data, place == count).ok().map(|data| data.code),
        };
        codes.push(Value::Unsigned(u64::from(code?)));
    }
    Some(Value::List(arena.alloc_slice_copy(&codes)))
}
