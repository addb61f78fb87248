//! One datagram as its fragments bring it: which bytes are there, what overlaps, and the whole when it is complete.

use super::checksum;
use crate::address::Net;

/// The longest datagram.
const MAX_LENGTH: u32 = 65_535;

/// One fragment as the network header gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// From the network header to the fragment's data.
    pub header: &'a [u8],
    /// The data.
    pub data: &'a [u8],
    /// Where the data belongs in the datagram.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
    /// Identification.
    pub id: u32,
    /// Protocol number of what is fragmented.
    pub next: u8,
}

/// What fragments of one datagram have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub source: u128,
    pub destination: u128,
    pub id: u32,
    pub tunnel: u32,
    /// IPv4 only: RFC 8200 leaves it out.
    pub protocol: u8,
    pub net: Net,
}

/// A part of a datagram, disjoint from the others: where it belongs and where it lies.
#[derive(Debug, Clone, Copy)]
struct Part {
    offset: u32,
    place: usize,
    len: u32,
}

impl Part {
    fn end(&self) -> u32 {
        self.offset.saturating_add(self.len)
    }
}

/// A datagram that waits for fragments.
#[derive(Debug)]
pub(super) struct Datagram {
    pub key: Key,
    pub born: u64,
    pub frames: u32,
    pub conflict: bool,
    pub completed: Option<u64>,
    /// Where it ends, once the last fragment is there.
    pub end: Option<u32>,
    pub header: Vec<u8>,
    /// The bytes in the order of arrival.
    pub bytes: Vec<u8>,
    /// Sorted by offset.
    parts: Vec<Part>,
}

/// What a piece is to the parts that are there.
pub(super) struct Comparison {
    /// Ranges of the piece that are new, as offsets in the datagram.
    pub new: Vec<(u32, u32)>,
    pub overlaps: bool,
    pub conflicts: bool,
}

impl Datagram {
    pub fn new(key: Key, born: u64) -> Self {
        Datagram {
            key,
            born,
            frames: 0,
            conflict: false,
            completed: None,
            end: None,
            header: Vec::new(),
            bytes: Vec::new(),
            parts: Vec::new(),
        }
    }

    pub fn held(&self) -> usize {
        self.bytes.len().saturating_add(self.header.len())
    }

    pub fn compare(&self, piece: &Piece<'_>) -> Comparison {
        let length = u32::try_from(piece.data.len()).unwrap_or(u32::MAX);
        let (mut at, end) = (piece.offset, piece.offset.saturating_add(length));
        let mut result = Comparison { new: Vec::new(), overlaps: false, conflicts: false };
        let first = self.parts.partition_point(|part| part.end() <= at);
        for part in self.parts.iter().skip(first).take_while(|part| part.offset < end) {
            if part.offset > at {
                result.new.push((at, part.offset));
            }
            let (from, to) = (part.offset.max(at), part.end().min(end));
            let old = slice(
                &self.bytes,
                part.place.saturating_add((from.saturating_sub(part.offset)) as usize),
                to.saturating_sub(from),
            );
            let new = slice(piece.data, from.saturating_sub(piece.offset) as usize, to.saturating_sub(from));
            result.overlaps = true;
            result.conflicts |= old != new;
            at = to;
        }
        if at < end {
            result.new.push((at, end));
        }
        result
    }

    /// Takes over the new ranges of a piece.
    pub fn keep(&mut self, piece: &Piece<'_>, new: &[(u32, u32)]) {
        for (from, to) in new {
            let len = to.saturating_sub(*from);
            let part = Part { offset: *from, place: self.bytes.len(), len };
            self.bytes.extend_from_slice(slice(piece.data, from.saturating_sub(piece.offset) as usize, len));
            let index = self.parts.partition_point(|other| other.offset < *from);
            self.parts.insert(index, part);
        }
        if piece.offset == 0 && self.header.is_empty() {
            self.header.extend_from_slice(piece.header);
        }
    }

    pub fn reach(&self) -> u32 {
        self.parts.last().map_or(0, Part::end)
    }

    pub fn is_complete(&self) -> bool {
        self.end.is_some_and(|end| end as usize == self.bytes.len())
    }
}

fn slice(bytes: &[u8], start: usize, len: u32) -> &[u8] {
    bytes.get(start..start.saturating_add(len as usize)).unwrap_or_default()
}

/// Where a piece ends, `None` where it can't be one.
pub(super) fn end_of(piece: &Piece<'_>) -> Option<u32> {
    let len = u32::try_from(piece.data.len()).ok()?;
    let end = piece.offset.checked_add(len)?;
    let whole = !piece.more || len & 7 == 0;
    (len > 0 && whole && end <= MAX_LENGTH).then_some(end)
}

/// Writes a complete datagram: the header of its first fragment with the length of the whole, then the data in order. In IPv6
/// the fragment header stays, as that of an atomic fragment.
pub(super) fn write(rebuilt: &mut Vec<u8>, datagram: &Datagram) -> bool {
    rebuilt.clear();
    rebuilt.extend_from_slice(&datagram.header);
    let header_len = datagram.header.len();
    let fixed = if datagram.key.net == Net::V4 { 0 } else { 40 };
    let total = header_len.saturating_add(datagram.bytes.len()).saturating_sub(fixed);
    let Ok(total) = u16::try_from(total) else { return false };
    let done = if datagram.key.net == Net::V4 { patch_v4(rebuilt, total) } else { patch_v6(rebuilt, total) };
    for part in &datagram.parts {
        rebuilt.extend_from_slice(slice(&datagram.bytes, part.place, part.len));
    }
    done.is_some()
}

fn patch_v4(header: &mut [u8], total: u16) -> Option<()> {
    header.get_mut(2..4)?.copy_from_slice(&total.to_be_bytes());
    header.get_mut(6..8)?.fill(0);
    header.get_mut(10..12)?.fill(0);
    let sum = checksum::of(header);
    header.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

fn patch_v6(header: &mut [u8], payload: u16) -> Option<()> {
    header.get_mut(4..6)?.copy_from_slice(&payload.to_be_bytes());
    let at = header.len().checked_sub(6)?;
    header.get_mut(at..at.checked_add(2)?)?.fill(0);
    Some(())
}
