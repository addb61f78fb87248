//! The one way to read bytes of the wire: every read is checked, and a read that fails says who needed how much and where.

use std::fmt;

/// A read went past the end of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incomplete {
    /// The layer that was reading, for example `modbus.mbap`.
    pub layer: &'static str,
    /// Offset of the read from the start of that layer, in bytes.
    pub offset: usize,
    /// How many bytes the read needed.
    pub needed: usize,
    /// How many there were.
    pub available: usize,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incomplete { layer, offset, needed, available } = self;
        write!(f, "{layer}: {needed} bytes needed at offset {offset}, {available} available")
    }
}

impl std::error::Error for Incomplete {}

/// A checked reading position over the bytes of one layer.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    layer: &'static str,
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte; `layer` names the reader in errors.
    #[inline]
    pub fn new(layer: &'static str, bytes: &'a [u8]) -> Self {
        Cursor { layer, bytes, offset: 0 }
    }

    /// Bytes read so far.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.offset)
    }

    /// The bytes left, without reading them.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// Reads the next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Incomplete> {
        let end = self.offset.saturating_add(count);
        match self.bytes.get(self.offset..end) {
            Some(bytes) => {
                self.offset = end;
                Ok(bytes)
            }
            None => {
                Err(Incomplete { layer: self.layer, offset: self.offset, needed: count, available: self.remaining() })
            }
        }
    }

    /// Reads the next `N` bytes as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Incomplete> {
        // Not by way of `take`: a copy of unknown length costs a call for each number read.
        match self.bytes.get(self.offset..).and_then(|rest| rest.first_chunk()) {
            Some(array) => {
                self.offset = self.offset.saturating_add(N);
                Ok(*array)
            }
            None => Err(Incomplete { layer: self.layer, offset: self.offset, needed: N, available: self.remaining() }),
        }
    }

    /// Skips `count` bytes.
    #[inline]
    pub fn skip(&mut self, count: usize) -> Result<(), Incomplete> {
        self.take(count).map(|_| ())
    }

    /// Reads one byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Incomplete> {
        self.array().map(|[byte]| byte)
    }

    /// Reads a big-endian 16-bit number.
    #[inline]
    pub fn u16_be(&mut self) -> Result<u16, Incomplete> {
        self.array().map(u16::from_be_bytes)
    }

    /// Reads a little-endian 16-bit number.
    #[inline]
    pub fn u16_le(&mut self) -> Result<u16, Incomplete> {
        self.array().map(u16::from_le_bytes)
    }

    /// Reads a big-endian 32-bit number.
    #[inline]
    pub fn u32_be(&mut self) -> Result<u32, Incomplete> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads a little-endian 32-bit number.
    #[inline]
    pub fn u32_le(&mut self) -> Result<u32, Incomplete> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads a big-endian 64-bit number.
    #[inline]
    pub fn u64_be(&mut self) -> Result<u64, Incomplete> {
        self.array().map(u64::from_be_bytes)
    }

    /// Reads a little-endian 64-bit number.
    #[inline]
    pub fn u64_le(&mut self) -> Result<u64, Incomplete> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_read_says_where() {
        let mut cursor = Cursor::new("modbus.pdu", &[0, 1, 2, 3, 4, 5, 6, 7]);
        cursor.skip(7).expect("seven bytes are there");
        let error = cursor.u32_be().expect_err("one byte is not four");
        assert_eq!(error.to_string(), "modbus.pdu: 4 bytes needed at offset 7, 1 available");
        assert_eq!(cursor.u8(), Ok(7), "a failed read uses nothing");
    }
}
