//! The part of a frame that is still to be decoded, and how much of it the capture left out.

use super::Span;

/// Captured bytes from the current header on, to the end that the headers so far state; every read is checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region<'a> {
    /// What was captured.
    pub bytes: &'a [u8],
    /// Offset of the first byte in the block.
    pub start: u32,
    /// Bytes that were on the wire behind `bytes`, but not captured.
    pub missing: u32,
}

/// A header states more bytes than there were on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

impl<'a> Region<'a> {
    /// Reads the next `N` bytes.
    #[inline(always)]
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, _) = self.bytes.split_first_chunk::<N>()?;
        let head = *head;
        self.skip(N)?;
        Some(head)
    }

    /// Skips `count` bytes.
    #[inline(always)]
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.bytes = self.bytes.get(count..)?;
        self.start = self.start.wrapping_add(u32::try_from(count).ok()?);
        Some(())
    }

    /// Reads the next `N` bytes without moving.
    #[inline(always)]
    pub fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        self.bytes.first_chunk::<N>().copied()
    }

    /// Captured bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes on the wire, captured or not.
    #[inline(always)]
    pub fn wire_len(&self) -> usize {
        self.bytes.len().saturating_add(self.missing as usize)
    }

    /// Whether the capture left something of it out.
    #[inline(always)]
    pub fn cut(&self) -> bool {
        self.missing > 0
    }

    /// Ends the region at the length that a header states: padding behind it is gone, and what the capture left out behind it
    /// does not matter.
    #[inline(always)]
    pub fn limit(&mut self, stated: usize) -> Result<(), TooLong> {
        if let Some(bytes) = self.bytes.get(..stated) {
            self.bytes = bytes;
            self.missing = 0;
            return Ok(());
        }
        let missing = u32::try_from(stated.saturating_sub(self.bytes.len())).map_err(|_| TooLong)?;
        if missing > self.missing {
            return Err(TooLong);
        }
        self.missing = missing;
        Ok(())
    }

    /// Where the captured bytes lie.
    #[inline(always)]
    pub fn span(&self) -> Span {
        Span { start: self.start, len: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX) }
    }
}
