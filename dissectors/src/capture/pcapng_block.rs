//! pcapng blocks: their framing, their numbers in a section's byte order, their options (draft-ietf-opsawg-pcapng, section 3).

use super::reader::MAX_FRAME;
use super::sink::wide;
use crate::cursor::{Cursor, Incomplete};

/// Longest block that is read whole: a frame, and as much again for options.
pub(super) const MAX_BLOCK: usize = 2 * MAX_FRAME;

/// Longest block that is skipped unread (name resolution, secrets, and the like); what claims more is garbage.
const MAX_SKIPPED: usize = 16 * 1024 * 1024;

pub(super) const SECTION: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE: u32 = 1;
pub(super) const OBSOLETE_PACKET: u32 = 2;
pub(super) const SIMPLE_PACKET: u32 = 3;
pub(super) const STATISTICS: u32 = 5;
pub(super) const ENHANCED_PACKET: u32 = 6;

/// Blocks without packets that exist in numbers: names, journal, secrets, custom ones.
const OTHERS: [u32; 5] = [4, 9, 10, 0x0bad, 0x4000_0bad];

const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Type, length and length again: what each block has.
pub(super) const FRAMING: usize = 12;

/// What stands at a position.
pub(super) enum Framed {
    /// A complete block: its type, byte order and length.
    Whole(u32, bool, usize),
    /// A block not worth reading, of this length.
    Skip(usize),
    /// More bytes are needed to say.
    Short,
    /// No block.
    Bad,
}

/// Whether these are the first bytes of a pcapng file; at least 12 are needed.
pub(super) fn recognise(head: &[u8]) -> bool {
    let mut cursor = Cursor::new("pcapng.section", head);
    let known = cursor.u32_le().is_ok_and(|kind| kind == SECTION) && cursor.skip(4).is_ok();
    known && cursor.array().is_ok_and(|magic| byte_order(magic).is_some())
}

fn byte_order(magic: [u8; 4]) -> Option<bool> {
    match () {
        () if u32::from_le_bytes(magic) == BYTE_ORDER => Some(false),
        () if u32::from_be_bytes(magic) == BYTE_ORDER => Some(true),
        () => None,
    }
}

/// Numbers in a section's byte order.
pub(super) struct Fields<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) big: bool,
}

impl Fields<'_> {
    #[inline]
    /// The next 16-bit number.
    pub(super) fn u16(&mut self) -> Result<u16, Incomplete> {
        if self.big { self.cursor.u16_be() } else { self.cursor.u16_le() }
    }

    #[inline]
    /// The next 32-bit number.
    pub(super) fn u32(&mut self) -> Result<u32, Incomplete> {
        if self.big { self.cursor.u32_be() } else { self.cursor.u32_le() }
    }

    /// A 64-bit time: the upper half comes first in both byte orders.
    #[inline]
    pub(super) fn time(&mut self) -> Result<u64, Incomplete> {
        let high = u64::from(self.u32()?);
        Ok(high << 32 | u64::from(self.u32()?))
    }
}

/// Goes through a block's options until the end, or as far as they are well formed.
pub(super) fn options(mut fields: Fields<'_>, mut each: impl FnMut(u16, &[u8], bool)) {
    let big = fields.big;
    let mut next = || {
        let code = fields.u16().ok().filter(|code| *code != 0)?;
        let length = usize::from(fields.u16().ok()?);
        let value = fields.cursor.take(length).ok()?;
        // Padding that is missing at the very end does not hurt.
        let _ = fields.cursor.skip(length.wrapping_neg() & 3);
        Some((code, value))
    };
    while let Some((code, value)) = next() {
        each(code, value, big);
    }
}

pub(super) fn u64_in(value: &[u8], big: bool) -> Option<u64> {
    let bytes = *value.first_chunk()?;
    Some(if big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
}

pub(super) fn is_known(kind: u32) -> bool {
    let read = matches!(kind, SECTION | INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | STATISTICS | ENHANCED_PACKET);
    read || OTHERS.contains(&kind)
}

/// Type, byte order and length that a block states; a section header has its own byte order.
pub(super) fn head(big: bool, rest: &[u8]) -> Option<(u32, bool, u32)> {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *rest.first_chunk::<FRAMING>()?;
    let section = u32::from_le_bytes([a, b, c, d]) == SECTION;
    let big = if section { byte_order([i, j, k, l])? } else { big };
    let number = |bytes| if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    Some((number([a, b, c, d]), big, number([e, f, g, h])))
}

/// Looks for a block at the beginning of `rest`.
pub(super) fn framed(big: bool, rest: &[u8]) -> Framed {
    if rest.len() < FRAMING {
        return Framed::Short;
    }
    let Some((kind, big, stated)) = head(big, rest) else { return Framed::Bad };
    let length = wide(stated);
    if length < FRAMING || length & 3 != 0 || length > MAX_SKIPPED {
        return Framed::Bad;
    }
    if length > MAX_BLOCK {
        return if OTHERS.contains(&kind) { Framed::Skip(length) } else { Framed::Bad };
    }
    let trailer = length.checked_sub(4).and_then(|start| rest.get(start..)).and_then(|rest| rest.first_chunk());
    match trailer {
        Some(trailer) if number(big, *trailer) == stated => Framed::Whole(kind, big, length),
        Some(_) => Framed::Bad,
        None => Framed::Short,
    }
}

fn number(big: bool, bytes: [u8; 4]) -> u32 {
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
