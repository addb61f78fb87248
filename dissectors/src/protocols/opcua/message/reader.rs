//! A reader over the bytes of one body.

use bumpalo::Bump;

use super::text;
use super::types::{ExpandedNodeId, Extension, Identifier, Localized, NodeId, QualifiedName, Read, Wrong, time};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::opcua::tables::anomaly;
use crate::transaction::Value;

/// Values, diagnostics and structures within each other at most. The specification demands that decoders take 100 levels of
/// diagnostics at least; no real value is deeper than a few.
pub const MAX_DEPTH: u8 = 16;

/// Values that are kept of one call; what comes after them is read, but not kept.
pub const MAX_VALUES: u32 = 32_768;

/// A reading position in a body.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Where lists are put.
    pub arena: &'a Bump,
    /// Levels that are left.
    depth: u8,
    /// Values that may still be kept.
    pub values: u32,
    /// A value was not kept.
    pub omitted: bool,
}

impl<'a> Reader<'a> {
    /// At the first byte.
    #[inline]
    pub fn new(bytes: &'a [u8], arena: &'a Bump) -> Self {
        Reader { cursor: Cursor::new("opcua.body", bytes), arena, depth: MAX_DEPTH, values: MAX_VALUES, omitted: false }
    }

    /// Bytes that are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.cursor.remaining()
    }

    /// The bytes that are left.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.cursor.rest()
    }

    /// Goes on where `rest` begins, the end of what [`Reader::rest`] gave.
    #[inline]
    pub fn step_to(&mut self, rest: &[u8]) {
        let _ = self.cursor.skip(self.cursor.remaining().saturating_sub(rest.len()));
    }

    /// What is wrong here.
    #[cold]
    pub fn wrong(&self, bit: u8) -> Wrong {
        let place = Incomplete {
            layer: "opcua.body",
            offset: self.cursor.offset(),
            needed: 1,
            available: self.cursor.remaining(),
        };
        Wrong { place, bit }
    }

    /// Reads something one level deeper.
    pub fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| self.wrong(anomaly::TOO_DEEP))?;
        let read = read(self);
        self.depth = self.depth.saturating_add(1);
        read
    }

    /// Whether one more value may be kept.
    #[inline]
    pub fn keeps(&mut self) -> bool {
        match self.values.checked_sub(1) {
            Some(left) => {
                self.values = left;
                true
            }
            None => {
                self.omitted = true;
                false
            }
        }
    }

    /// A byte.
    #[inline]
    pub fn u8(&mut self) -> Read<u8> {
        Ok(self.cursor.u8()?)
    }

    /// A Boolean: any number but 0 is true.
    #[inline]
    pub fn bool(&mut self) -> Read<bool> {
        Ok(self.cursor.u8()? != 0)
    }

    /// A number of 16 bits.
    #[inline]
    pub fn u16(&mut self) -> Read<u16> {
        Ok(self.cursor.u16_le()?)
    }

    /// A number of 32 bits.
    #[inline]
    pub fn u32(&mut self) -> Read<u32> {
        Ok(self.cursor.u32_le()?)
    }

    /// A number of 32 bits with a sign.
    #[inline]
    pub fn i32(&mut self) -> Read<i32> {
        Ok(self.cursor.array().map(i32::from_le_bytes)?)
    }

    /// A number of 64 bits.
    #[inline]
    pub fn u64(&mut self) -> Read<u64> {
        Ok(self.cursor.u64_le()?)
    }

    /// A Double.
    #[inline]
    pub fn f64(&mut self) -> Read<f64> {
        Ok(self.cursor.array().map(f64::from_le_bytes)?)
    }

    /// Bytes of a fixed number.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        Ok(self.cursor.array()?)
    }

    /// A time, ns since 1970; null where there is none (0, or the greatest).
    #[inline]
    pub fn time(&mut self) -> Read<Value<'static>> {
        Ok(time(self.array().map(i64::from_le_bytes)?))
    }

    /// A String or ByteString; `None` for null.
    #[inline]
    pub fn bytes(&mut self) -> Read<Option<&'a [u8]>> {
        match usize::try_from(self.i32()?) {
            Ok(length) => Ok(Some(self.cursor.take(length)?)),
            Err(_) => Ok(None),
        }
    }

    /// A String that may be null, as a value.
    #[inline]
    pub fn text(&mut self) -> Read<Value<'a>> {
        Ok(self.bytes()?.map_or(Value::Null, Value::Text))
    }

    /// How many elements follow, of at least `least` bytes each; a null array has none.
    #[inline]
    pub fn count(&mut self, least: usize) -> Read<u32> {
        let Ok(count) = u32::try_from(self.i32()?) else { return Ok(0) };
        let needed = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(least);
        if needed > self.remaining() {
            let place = Incomplete {
                layer: "opcua.body",
                offset: self.cursor.offset(),
                needed,
                available: self.cursor.remaining(),
            };
            return Err(place.into());
        }
        Ok(count)
    }

    /// An array, read element by element.
    #[inline]
    pub fn each(&mut self, least: usize, mut read: impl FnMut(&mut Self) -> Read<()>) -> Read<u32> {
        let count = self.count(least)?;
        for _ in 0..count {
            read(self)?;
        }
        Ok(count)
    }

    /// An array as a list of values.
    pub fn list(&mut self, least: usize, mut read: impl FnMut(&mut Self) -> Read<Value<'a>>) -> Read<Value<'a>> {
        let mut list = bumpalo::collections::Vec::new_in(self.arena);
        self.each(least, |reader| {
            let value = read(reader)?;
            if reader.keeps() {
                list.push(value);
            }
            Ok(())
        })?;
        Ok(Value::List(list.into_bump_slice()))
    }

    /// An array of Strings.
    pub fn texts(&mut self) -> Read<Value<'a>> {
        self.list(4, Reader::text)
    }

    /// An array of Strings; null where it has none.
    #[inline]
    pub fn strings(&mut self) -> Read<Value<'a>> {
        match self.rest().first_chunk() {
            Some([0, 0, 0, 0] | [0xFF, 0xFF, 0xFF, 0xFF]) => {
                self.cursor.skip(4)?;
                Ok(Value::Null)
            }
            _ => self.texts(),
        }
    }

    /// A NodeId.
    #[inline]
    pub fn node_id(&mut self) -> Read<NodeId<'a>> {
        let encoding = self.u8()?;
        self.node_of(encoding)
    }

    #[inline]
    fn node_of(&mut self, encoding: u8) -> Read<NodeId<'a>> {
        Ok(match encoding {
            0 => NodeId { namespace: 0, id: Identifier::Numeric(u32::from(self.u8()?)) },
            1 => {
                let namespace = u16::from(self.u8()?);
                NodeId { namespace, id: Identifier::Numeric(u32::from(self.u16()?)) }
            }
            2 => NodeId { namespace: self.u16()?, id: Identifier::Numeric(self.u32()?) },
            3 => NodeId { namespace: self.u16()?, id: Identifier::String(self.bytes()?.unwrap_or_default()) },
            4 => NodeId { namespace: self.u16()?, id: Identifier::Guid(self.array()?) },
            5 => NodeId { namespace: self.u16()?, id: Identifier::Opaque(self.bytes()?.unwrap_or_default()) },
            _ => return Err(self.wrong(anomaly::TYPE_ERROR)),
        })
    }

    /// An ExpandedNodeId.
    pub fn expanded(&mut self) -> Read<ExpandedNodeId<'a>> {
        let encoding = self.u8()?;
        let node = self.node_of(encoding & 0x3F)?;
        let uri = if encoding & 0x80 == 0 { None } else { self.bytes()? };
        let server = if encoding & 0x40 == 0 { 0 } else { self.u32()? };
        Ok(ExpandedNodeId { node, uri, server })
    }

    /// A QualifiedName.
    #[inline]
    pub fn qualified_name(&mut self) -> Read<QualifiedName<'a>> {
        Ok(QualifiedName { namespace: self.u16()?, name: self.bytes()?.unwrap_or_default() })
    }

    /// A LocalizedText: locale and text.
    pub fn localized(&mut self) -> Read<Localized<'a>> {
        let mask = self.u8()?;
        if mask & !3 != 0 {
            return Err(self.wrong(anomaly::TYPE_ERROR));
        }
        let locale = if mask & 1 == 0 { None } else { self.bytes()? };
        let text = if mask & 2 == 0 { None } else { self.bytes()? };
        Ok((locale, text))
    }

    /// A LocalizedText, of which only the text is told.
    pub fn localized_text(&mut self) -> Read<Value<'a>> {
        Ok(self.localized()?.1.map_or(Value::Null, Value::Text))
    }

    /// An ExtensionObject.
    #[inline]
    pub fn extension(&mut self) -> Read<Extension<'a>> {
        let type_id = self.node_id()?;
        let encoding = self.u8()?;
        let body = match encoding {
            0 => &[],
            1 | 2 => self.bytes()?.unwrap_or_default(),
            _ => return Err(self.wrong(anomaly::TYPE_ERROR)),
        };
        Ok(Extension { type_id, encoding, body })
    }

    /// The body of a structure, with the levels and values that are left here.
    pub fn within(&self, body: &'a [u8]) -> Reader<'a> {
        Reader { cursor: Cursor::new("opcua.body", body), depth: self.depth.saturating_sub(1), ..*self }
    }

    /// A DiagnosticInfo. Its texts are indexes into the response's string table.
    pub fn diagnostic(&mut self) -> Read<Value<'a>> {
        let mask = self.u8()?;
        if mask & 0x80 != 0 {
            return Err(self.wrong(anomaly::TYPE_ERROR));
        }
        let mut fields = bumpalo::collections::Vec::new_in(self.arena);
        for (bit, name) in [(1, "symbolic_id"), (2, "namespace"), (8, "locale"), (4, "localized_text")] {
            if mask & bit != 0 {
                fields.push(text::field(name, Value::Signed(i64::from(self.i32()?))));
            }
        }
        if mask & 0x10 != 0 {
            fields.push(text::field("additional_info", self.text()?));
        }
        if mask & 0x20 != 0 {
            let status = self.u32()?;
            text::status(status, |field| fields.push(field));
        }
        if mask & 0x40 != 0 {
            let inner = self.deeper(Reader::diagnostic)?;
            fields.push(text::field("inner", inner));
        }
        Ok(if mask == 0 { Value::Null } else { Value::Object(fields.into_bump_slice()) })
    }

    /// An array of DiagnosticInfo; null where it has none.
    #[inline]
    pub fn diagnostics(&mut self) -> Read<Value<'a>> {
        match self.rest().first_chunk() {
            Some([0, 0, 0, 0] | [0xFF, 0xFF, 0xFF, 0xFF]) => {
                self.cursor.skip(4)?;
                Ok(Value::Null)
            }
            _ => self.list(1, Reader::diagnostic),
        }
    }
}
