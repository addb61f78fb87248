//! Values of any type (Variant, Part 6, 5.2.2.16) and DataValues.

use bumpalo::collections::Vec as List;

use super::structures;
use super::text::{self, field};
use super::types::{Read, Reader, time};
use crate::protocols::opcua::tables::anomaly;
use crate::transaction::{Field, Value, Values};

/// Bytes of a ByteString or structure that are shown; its size is told beside them.
pub const MAX_SHOWN: usize = 1_024;

/// Names of the built-in types by their number, with the least bytes that one takes.
const TYPES: [(&str, usize); 26] = [
    ("null", 0),
    ("boolean", 1),
    ("sbyte", 1),
    ("byte", 1),
    ("int16", 2),
    ("uint16", 2),
    ("int32", 4),
    ("uint32", 4),
    ("int64", 8),
    ("uint64", 8),
    ("float", 4),
    ("double", 8),
    ("string", 4),
    ("date_time", 8),
    ("guid", 16),
    ("byte_string", 4),
    ("xml_element", 4),
    ("node_id", 2),
    ("expanded_node_id", 2),
    ("status_code", 4),
    ("qualified_name", 6),
    ("localized_text", 1),
    ("extension_object", 3),
    ("data_value", 1),
    ("variant", 1),
    ("diagnostic_info", 1),
];

/// A value of any type.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// Name of its type.
    pub type_name: &'static str,
    /// Its elements, one where it is no array.
    pub values: &'a [Value<'a>],
    /// It is an array.
    pub is_array: bool,
    /// Lengths of a matrix.
    pub dimensions: &'a [Value<'a>],
}

impl<'a> Data<'a> {
    /// As one value.
    pub fn value(&self) -> Value<'a> {
        match self.values {
            [only] if !self.is_array => *only,
            [] if !self.is_array => Value::Null,
            list => Value::List(list),
        }
    }
}

/// A value with its quality and times.
#[derive(Debug, Clone, Copy, Default)]
pub struct DataValue<'a> {
    /// The value.
    pub data: Option<Data<'a>>,
    /// Its status; good where none is sent.
    pub status: u32,
    /// When it was measured.
    pub source_time: Option<Value<'static>>,
    /// When the server knew it.
    pub server_time: Option<Value<'static>>,
    /// Ten picoseconds beside the two times.
    pub picoseconds: [Option<u16>; 2],
}

impl<'a> DataValue<'a> {
    /// Values of a point.
    #[inline]
    pub fn values(&self) -> Values<'a> {
        self.data.map_or(Values::Unseen, |data| Values::Typed(data.values))
    }

    /// What else is told of it.
    #[inline]
    pub fn describe(&self, mut add: impl FnMut(Field<'a>)) {
        if let Some(data) = &self.data {
            add(text::word("data_type", data.type_name));
            if data.is_array {
                add(field("array", Value::Bool(true)));
            }
            if !data.dimensions.is_empty() {
                add(field("dimensions", Value::List(data.dimensions)));
            }
        }
        // A good status stands for itself: nearly all are, and there are many.
        if self.status != 0 {
            text::status(self.status, &mut add);
        }
        if let Some(time) = self.source_time {
            add(field("source_time", time));
        }
        if let Some(time) = self.server_time {
            add(field("server_time", time));
        }
        let names = ["source_picoseconds", "server_picoseconds"];
        for (name, tens) in names.into_iter().zip(self.picoseconds) {
            if let Some(tens) = tens {
                add(text::number(name, u64::from(tens).saturating_mul(10)));
            }
        }
    }

    /// All of it as one value.
    fn object(&self, reader: &Reader<'a>) -> Value<'a> {
        let mut fields = List::new_in(reader.arena);
        fields.push(field("value", self.data.map_or(Value::Null, |data| data.value())));
        self.describe(|field| fields.push(field));
        Value::Object(fields.into_bump_slice())
    }
}

/// The usual value of a point: one number, good, perhaps with its times. It lies in one piece with what is told of it.
#[derive(Debug)]
pub struct Usual<'a> {
    value: [Value<'a>; 1],
    fields: [Field<'a>; 3],
    told: usize,
}

impl<'a> Usual<'a> {
    /// Values of a point.
    #[inline]
    pub fn values(&'a self) -> Values<'a> {
        Values::Typed(&self.value)
    }

    /// What else is told of it.
    #[inline]
    pub fn fields(&'a self) -> &'a [Field<'a>] {
        self.fields.get(..self.told).unwrap_or_default()
    }
}

/// A number that is not long, as type, value and rest of the bytes.
#[inline]
fn number(bytes: &[u8]) -> Option<(&'static str, Value<'static>, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    Some(match kind {
        11 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            ("double", Value::Float(f64::from_le_bytes(*bytes)), rest)
        }
        10 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            ("float", Value::Float(f64::from(f32::from_le_bytes(*bytes))), rest)
        }
        1 => {
            let (byte, rest) = rest.split_first()?;
            ("boolean", Value::Bool(*byte != 0), rest)
        }
        4 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            ("int16", Value::Signed(i64::from(i16::from_le_bytes(*bytes))), rest)
        }
        5 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            ("uint16", Value::Unsigned(u64::from(u16::from_le_bytes(*bytes))), rest)
        }
        6 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            ("int32", Value::Signed(i64::from(i32::from_le_bytes(*bytes))), rest)
        }
        7 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            ("uint32", Value::Unsigned(u64::from(u32::from_le_bytes(*bytes))), rest)
        }
        _ => return None,
    })
}

/// A ByteString as it is shown.
pub fn shown(bytes: &[u8]) -> Value<'_> {
    Value::Hex(bytes.get(..MAX_SHOWN).unwrap_or(bytes))
}

impl<'a> Reader<'a> {
    /// A Variant.
    #[inline]
    pub fn variant(&mut self) -> Read<Data<'a>> {
        let encoding = self.u8()?;
        let number = encoding & 0x3F;
        // Numbers up to 31 are taken as ByteStrings (Part 6, table 26).
        let (type_name, least) = match TYPES.get(usize::from(number)) {
            Some(row) => *row,
            None if number < 32 => ("byte_string", 4),
            None => return Err(self.wrong(anomaly::TYPE_ERROR)),
        };
        if encoding & 0xC0 == 0 {
            let value = self.scalar(number)?;
            let values = if number != 0 && self.keeps() { std::slice::from_ref(self.arena.alloc(value)) } else { &[] };
            return Ok(Data { type_name, values, is_array: false, dimensions: &[] });
        }
        if encoding & 0x80 == 0 || number == 0 {
            return Err(self.wrong(anomaly::TYPE_ERROR));
        }
        self.many(number, (type_name, least), encoding & 0x40 != 0)
    }

    fn many(&mut self, number: u8, (type_name, least): (&'static str, usize), matrix: bool) -> Read<Data<'a>> {
        let mut values = List::new_in(self.arena);
        self.each(least, |reader| {
            let value = reader.scalar(number)?;
            if reader.keeps() {
                values.push(value);
            }
            Ok(())
        })?;
        let mut dimensions = List::new_in(self.arena);
        if matrix {
            self.each(4, |reader| {
                let length = reader.i32()?;
                if reader.keeps() {
                    dimensions.push(Value::Signed(i64::from(length)));
                }
                Ok(())
            })?;
        }
        let (values, dimensions) = (values.into_bump_slice(), dimensions.into_bump_slice());
        Ok(Data { type_name, values, is_array: true, dimensions })
    }

    /// One value of a built-in type.
    #[inline]
    fn scalar(&mut self, number: u8) -> Read<Value<'a>> {
        Ok(match number {
            11 => Value::Float(self.f64()?),
            1 => Value::Bool(self.bool()?),
            2 => Value::Signed(i64::from(i8::from_le_bytes(self.array()?))),
            3 => Value::Unsigned(u64::from(self.u8()?)),
            4 => Value::Signed(i64::from(i16::from_le_bytes(self.array()?))),
            5 => Value::Unsigned(u64::from(self.u16()?)),
            6 => Value::Signed(i64::from(self.i32()?)),
            7 | 19 => Value::Unsigned(u64::from(self.u32()?)),
            8 => Value::Signed(i64::from_le_bytes(self.array()?)),
            9 => Value::Unsigned(self.u64()?),
            10 => Value::Float(f64::from(f32::from_le_bytes(self.array()?))),
            12 | 16 => self.text()?,
            13 => time(i64::from_le_bytes(self.array()?)),
            _ => return self.large(number),
        })
    }

    /// One value of a type that has parts.
    fn large(&mut self, number: u8) -> Read<Value<'a>> {
        Ok(match number {
            0 => Value::Null,
            14 => text::guid(&self.array()?, self.arena),
            17 => text::node(self.node_id()?, self.arena),
            18 => text::expanded(self.expanded()?, self.arena),
            20 => text::qualified_name(self.qualified_name()?, self.arena),
            21 => self.localized_text()?,
            22 => {
                let extension = self.extension()?;
                self.deeper(|reader| Ok(structures::value(&extension, reader)))?
            }
            23 => {
                let value = self.deeper(Reader::data_value)?;
                value.object(self)
            }
            24 => self.deeper(Reader::variant)?.value(),
            25 => self.diagnostic()?,
            _ => self.bytes()?.map_or(Value::Null, shown),
        })
    }

    /// A usual DataValue. Nothing is read where it is not one: it says what [`Reader::data_value`] says.
    #[inline]
    pub fn usual_value(&mut self) -> Option<&'a Usual<'a>> {
        let (mask, rest) = self.rest().split_first()?;
        if !matches!(mask, 1 | 5 | 9 | 13) {
            return None;
        }
        let (name, value, mut rest) = number(rest)?;
        let mut fields = [text::word("data_type", name); 3];
        let mut told = 1_usize;
        for (bit, name) in [(4, "source_time"), (8, "server_time")] {
            if mask & bit != 0 {
                let (ticks, behind) = rest.split_first_chunk()?;
                *fields.get_mut(told)? = field(name, time(i64::from_le_bytes(*ticks)));
                told = told.saturating_add(1);
                rest = behind;
            }
        }
        self.values = self.values.checked_sub(1)?;
        self.step_to(rest);
        Some(self.arena.alloc(Usual { value: [value], fields, told }))
    }

    /// A DataValue.
    #[inline]
    pub fn data_value(&mut self) -> Read<DataValue<'a>> {
        let mask = self.u8()?;
        if mask & 0xC0 != 0 {
            return Err(self.wrong(anomaly::TYPE_ERROR));
        }
        let mut value = DataValue::default();
        if mask & 1 != 0 {
            value.data = Some(self.variant()?);
        }
        if mask & 2 != 0 {
            value.status = self.u32()?;
        }
        if mask & 4 != 0 {
            value.source_time = Some(self.time()?);
        }
        if mask & 0x10 != 0 {
            value.picoseconds = [Some(self.u16()?), None];
        }
        if mask & 8 != 0 {
            value.server_time = Some(self.time()?);
        }
        if mask & 0x20 != 0 {
            let [source, _] = value.picoseconds;
            value.picoseconds = [source, Some(self.u16()?)];
        }
        Ok(value)
    }

    /// An array of Variants as a list.
    pub fn variants(&mut self) -> Read<Value<'a>> {
        self.list(1, |reader| Ok(reader.variant()?.value()))
    }
}
