//! Numbers of variable length and typed values (PValue). Every length is checked against the bytes that are there, so that a message
//! costs no more steps than it has bytes.

use super::Reading;
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::s7commplus::tables;
use crate::transaction::{Field, Value};
use bumpalo::Bump;

/// Values of one list that are kept; the others are counted.
pub const MAX_LISTED: usize = 64;

/// Numbered values of one list that are kept.
pub const MAX_NUMBERED: usize = 256;

/// Structures within structures.
pub const MAX_DEPTH: u8 = 16;

/// Bytes of one blob that are shown.
pub const MAX_BLOB: usize = 64;

/// Flags of a value's type.
const ARRAY: u8 = 0x10;
const ADDRESS_ARRAY: u8 = 0x20;
const SPARSE_ARRAY: u8 = 0x40;

/// Types of values.
#[allow(missing_docs)]
pub mod kind {
    pub const NULL: u8 = 0x00;
    pub const BOOL: u8 = 0x01;
    pub const USINT: u8 = 0x02;
    pub const UINT: u8 = 0x03;
    pub const UDINT: u8 = 0x04;
    pub const ULINT: u8 = 0x05;
    pub const SINT: u8 = 0x06;
    pub const INT: u8 = 0x07;
    pub const DINT: u8 = 0x08;
    pub const LINT: u8 = 0x09;
    pub const BYTE: u8 = 0x0A;
    pub const WORD: u8 = 0x0B;
    pub const DWORD: u8 = 0x0C;
    pub const LWORD: u8 = 0x0D;
    pub const REAL: u8 = 0x0E;
    pub const LREAL: u8 = 0x0F;
    pub const TIMESTAMP: u8 = 0x10;
    pub const TIMESPAN: u8 = 0x11;
    pub const RID: u8 = 0x12;
    pub const AID: u8 = 0x13;
    pub const BLOB: u8 = 0x14;
    pub const WSTRING: u8 = 0x15;
    pub const VARIANT: u8 = 0x16;
    pub const STRUCT: u8 = 0x17;
}

/// A value with its type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Typed<'a> {
    /// See [`kind`].
    pub kind: u8,
    /// What it is.
    pub value: Value<'a>,
}

/// Reads the contents of a message; lists go to an arena.
pub struct Reader<'a> {
    /// Where it reads.
    pub cursor: Cursor<'a>,
    /// Where lists live.
    pub arena: &'a Bump,
    depth: u8,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(layer: &'static str, bytes: &'a [u8], arena: &'a Bump) -> Self {
        Reader { cursor: Cursor::new(layer, bytes), arena, depth: 0 }
    }

    /// The byte that follows, without reading it.
    pub fn peek(&self) -> Option<u8> {
        self.cursor.rest().first().copied()
    }

    /// What stands here can't be.
    pub fn wrong(&self) -> Incomplete {
        Incomplete { layer: "s7commplus.value", offset: self.cursor.offset(), needed: 1, available: 0 }
    }

    /// An unsigned number of up to five bytes of seven bits, the highest first.
    pub fn vlq32(&mut self) -> Reading<u32> {
        let mut value = 0_u32;
        for _ in 0..5 {
            let byte = self.cursor.u8()?;
            value = value.wrapping_shl(7) | u32::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok(value)
    }

    /// An unsigned number of up to eight bytes of seven bits and one of eight.
    pub fn vlq64(&mut self) -> Reading<u64> {
        let mut value = 0_u64;
        for _ in 0..8 {
            let byte = self.cursor.u8()?;
            value = value.wrapping_shl(7) | u64::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Ok(value.wrapping_shl(8) | u64::from(self.cursor.u8()?))
    }

    /// A signed number: the second bit of the first byte is the sign.
    fn signed(&mut self, bytes: u8) -> Reading<i64> {
        let mut value = 0_i64;
        for place in 0..bytes {
            let byte = self.cursor.u8()?;
            if place == 0 && byte & 0x40 != 0 {
                value = -1;
            }
            value = value.wrapping_shl(7) | i64::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        if bytes < 8 {
            return Ok(value);
        }
        Ok(value.wrapping_shl(8) | i64::from(self.cursor.u8()?))
    }

    /// A value with its flags and type.
    pub fn value(&mut self) -> Reading<Typed<'a>> {
        let [flags, kind] = self.cursor.array()?;
        let value = match flags & (ARRAY | ADDRESS_ARRAY | SPARSE_ARRAY) {
            0 => self.scalar(kind)?,
            ARRAY | ADDRESS_ARRAY => self.array(kind)?,
            SPARSE_ARRAY => self.sparse(kind)?,
            _ => return Err(self.wrong()),
        };
        Ok(Typed { kind, value })
    }

    fn scalar(&mut self, kind: u8) -> Reading<Value<'a>> {
        Ok(match kind {
            kind::NULL => Value::Null,
            kind::BOOL => Value::Bool(self.cursor.u8()? != 0),
            kind::USINT | kind::BYTE => Value::Unsigned(u64::from(self.cursor.u8()?)),
            kind::UINT | kind::WORD => Value::Unsigned(u64::from(self.cursor.u16_be()?)),
            kind::UDINT | kind::AID | kind::VARIANT => Value::Unsigned(u64::from(self.vlq32()?)),
            kind::DWORD | kind::RID => Value::Unsigned(u64::from(self.cursor.u32_be()?)),
            kind::ULINT => Value::Unsigned(self.vlq64()?),
            kind::LWORD | kind::TIMESTAMP => Value::Unsigned(self.cursor.u64_be()?),
            kind::SINT => Value::Signed(i64::from(self.cursor.array::<1>().map(i8::from_be_bytes)?)),
            kind::INT => Value::Signed(i64::from(self.cursor.array::<2>().map(i16::from_be_bytes)?)),
            kind::DINT => Value::Signed(self.signed(5)?),
            kind::LINT | kind::TIMESPAN => Value::Signed(self.signed(8)?),
            kind::REAL => Value::Float(f64::from(self.cursor.array::<4>().map(f32::from_be_bytes)?)),
            kind::LREAL => Value::Float(self.cursor.array::<8>().map(f64::from_be_bytes)?),
            kind::BLOB => self.blob()?,
            kind::WSTRING => Value::Text(self.counted()?),
            kind::STRUCT => self.structure()?,
            _ => return Err(self.wrong()),
        })
    }

    /// A length and so many bytes.
    fn counted(&mut self) -> Reading<&'a [u8]> {
        let length = self.vlq32()?;
        self.cursor.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Bytes behind the number of their root; one above 1 adds eight bytes and a type, and type 0 holds a list instead of bytes.
    fn blob(&mut self) -> Reading<Value<'a>> {
        if self.vlq32()? > 1 {
            self.cursor.skip(8)?;
            match self.cursor.u8()? {
                2 | 3 => {}
                0 => return self.nested(Self::elements),
                _ => return Err(self.wrong()),
            }
        }
        let bytes = self.counted()?;
        Ok(self.show(bytes))
    }

    /// Short bytes as they are, of long ones the length and the beginning.
    fn show(&self, bytes: &'a [u8]) -> Value<'a> {
        if bytes.len() <= MAX_BLOB {
            return Value::Hex(bytes);
        }
        let length = Value::Unsigned(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let begins = Value::Hex(bytes.get(..MAX_BLOB).unwrap_or_default());
        let fields = [Field { name: "length", value: length }, Field { name: "begins", value: begins }];
        Value::Object(self.arena.alloc_slice_copy(&fields))
    }

    fn nested<T>(&mut self, read: fn(&mut Self) -> Reading<T>) -> Reading<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.wrong());
        }
        self.depth = self.depth.saturating_add(1);
        let result = read(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// A structure: its identifier and its elements, or, for the system's data types, their bytes in one piece.
    fn structure(&mut self) -> Reading<Value<'a>> {
        let id = self.cursor.u32_be()?;
        let packed = matches!(id, 0x9000_0001..=0x9FFF_FFFE | 0x0200_0001..=0x02FF_FFFE);
        let content = if packed { self.packed()? } else { self.nested(Self::elements)? };
        let fields = [
            Field { name: "struct", value: Value::Unsigned(u64::from(id)) },
            Field { name: "elements", value: content },
        ];
        Ok(Value::Object(self.arena.alloc_slice_copy(&fields)))
    }

    /// Time stamp of the interface, flags, one or two counts, bytes.
    fn packed(&mut self) -> Reading<Value<'a>> {
        const SECOND_COUNT: u32 = 1 << 10;
        self.cursor.skip(8)?;
        let flags = self.vlq32()?;
        let mut count = self.vlq32()?;
        if flags & SECOND_COUNT != 0 {
            count = self.vlq32()?;
        }
        let bytes = self.cursor.take(usize::try_from(count).unwrap_or(usize::MAX))?;
        Ok(self.show(bytes))
    }

    /// Identifiers with values, up to identifier 0.
    fn elements(&mut self) -> Reading<Value<'a>> {
        let mut kept = Vec::new();
        loop {
            let id = self.vlq32()?;
            if id == 0 {
                return Ok(Value::List(self.arena.alloc_slice_copy(&kept)));
            }
            let typed = self.value()?;
            if kept.len() < MAX_LISTED {
                kept.push(self.element(id, typed));
            }
        }
    }

    /// An attribute or element as it is written: identifier, name where it is known, value unless it is a secret.
    pub fn element(&self, id: u32, typed: Typed<'a>) -> Value<'a> {
        let mut fields = [Field { name: "id", value: Value::Unsigned(u64::from(id)) }; 3];
        let mut count = 1_usize;
        let name = tables::attribute_name(id).map(|name| Field { name: "name", value: Value::Text(name.as_bytes()) });
        let value = if tables::is_secret(id) {
            Field { name: "secret", value: Value::Bool(true) }
        } else {
            Field { name: "value", value: typed.value }
        };
        for field in name.into_iter().chain([value]) {
            if let Some(place) = fields.get_mut(count) {
                *place = field;
                count = count.saturating_add(1);
            }
        }
        Value::Object(self.arena.alloc_slice_copy(fields.get(..count).unwrap_or_default()))
    }

    fn array(&mut self, kind: u8) -> Reading<Value<'a>> {
        let size = usize::try_from(self.vlq32()?).unwrap_or(usize::MAX);
        // Every element has a byte at least, except one without value, of which an array makes no sense.
        if size > self.cursor.remaining() {
            let (offset, available) = (self.cursor.offset(), self.cursor.remaining());
            return Err(Incomplete { layer: "s7commplus.value", offset, needed: size, available });
        }
        if matches!(kind, kind::USINT | kind::BYTE) {
            let bytes = self.cursor.take(size)?;
            return Ok(self.show(bytes));
        }
        let mut kept = Vec::with_capacity(size.min(MAX_LISTED));
        for _ in 0..size {
            let value = self.scalar(kind)?;
            if kept.len() < MAX_LISTED {
                kept.push(value);
            }
        }
        Ok(Value::List(self.arena.alloc_slice_copy(&kept)))
    }

    /// Keys with values, up to key 0.
    fn sparse(&mut self, kind: u8) -> Reading<Value<'a>> {
        let mut kept = Vec::new();
        loop {
            let key = self.vlq32()?;
            if key == 0 {
                return Ok(Value::List(self.arena.alloc_slice_copy(&kept)));
            }
            let value = if kind == kind::BLOB {
                let _root = self.vlq32()?;
                let bytes = self.counted()?;
                self.show(bytes)
            } else {
                self.scalar(kind)?
            };
            if kept.len() < MAX_LISTED {
                let fields =
                    [Field { name: "key", value: Value::Unsigned(u64::from(key)) }, Field { name: "value", value }];
                kept.push(Value::Object(self.arena.alloc_slice_copy(&fields)));
            }
        }
    }
}

/// Values by their numbers, up to number 0.
pub fn numbered<'a>(reader: &mut Reader<'a>) -> Reading<Vec<(u32, Typed<'a>)>> {
    let mut values = Vec::new();
    loop {
        let number = reader.vlq32()?;
        if number == 0 {
            return Ok(values);
        }
        let typed = reader.value()?;
        if values.len() < MAX_NUMBERED {
            values.push((number, typed));
        }
    }
}
