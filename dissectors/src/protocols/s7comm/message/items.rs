//! What a read or write addresses: the items of its parameters.

use std::fmt::Write as _;

use bumpalo::Bump;

use crate::cursor::{Cursor, Incomplete};
use crate::protocols::s7comm::tables::{self, Area, Kind, MAX_ADDRESS};
use crate::transaction::{Field, Value};

/// The type of a variable, as in an item of syntax ANY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type(pub u8);

/// Types with their names and bits; types that are unknown are taken for bytes.
const TYPES: [(u8, &str, u64); 18] = [
    (1, "bool", 1),
    (2, "byte", 8),
    (3, "char", 8),
    (4, "word", 16),
    (5, "int", 16),
    (6, "dword", 32),
    (7, "dint", 32),
    (8, "real", 32),
    (9, "date", 16),
    (10, "time_of_day", 32),
    (11, "time", 32),
    (12, "s5time", 16),
    (15, "date_and_time", 64),
    (28, "counter", 16),
    (29, "timer", 16),
    (30, "iec_timer", 16),
    (31, "iec_counter", 16),
    (32, "hs_counter", 16),
];

impl Type {
    /// The field that names it.
    #[inline]
    pub fn field(self) -> &'static [Field<'static>] {
        self.place().and_then(|place| TYPE_FIELDS.get(place)).map_or(&[], |field| field)
    }

    /// Bits that one takes.
    #[inline]
    pub fn bits(self) -> u64 {
        self.row().map_or(8, |row| row.2)
    }

    /// Bytes that one takes in an answer: a bit takes one.
    #[inline]
    pub fn bytes(self) -> usize {
        usize::try_from(self.bits().div_ceil(8)).unwrap_or_default()
    }

    #[inline]
    fn row(self) -> Option<&'static (u8, &'static str, u64)> {
        self.place().and_then(|place| TYPES.get(place))
    }

    #[inline]
    fn place(self) -> Option<usize> {
        let place = match self.0 {
            1..=12 => self.0.checked_sub(1)?,
            15 => 12,
            28..=32 => self.0.checked_sub(15)?,
            _ => return None,
        };
        Some(usize::from(place))
    }
}

/// Each type's name as a field of a point.
static TYPE_FIELDS: [[Field<'static>; 1]; TYPES.len()] = type_fields();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // evaluated by the compiler, which stops at a wrong index
const fn type_fields() -> [[Field<'static>; 1]; TYPES.len()] {
    let mut all = [const { [Field { name: "type", value: Value::Null }] }; TYPES.len()];
    let mut place = 0;
    while place < TYPES.len() {
        all[place] = [Field { name: "type", value: Value::Text(TYPES[place].1.as_bytes()) }];
        place += 1;
    }
    all
}

/// One item of a job's parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// Where it lies.
    pub place: Place<'a>,
    /// The type, where the item says it.
    pub of: Option<Type>,
    /// How many.
    pub count: u16,
    /// How it is written: its syntax.
    pub syntax: u8,
}

/// Where a variable lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place<'a> {
    /// In memory.
    Range {
        /// The area.
        area: Area,
        /// First address.
        first: u64,
        /// Last address.
        last: u64,
        /// It reaches beyond what there is.
        overflow: bool,
    },
    /// Under a name.
    Name {
        /// The kind of its points.
        kind: Kind,
        /// Its name.
        name: &'a [u8],
        /// Checksum of a symbol's declaration.
        crc: Option<u32>,
    },
    /// In several ranges of data blocks, [`BLOCK_RANGE`] bytes each.
    Blocks(&'a [u8]),
    /// In a way that is not known: the bytes of the item.
    Unknown(&'a [u8]),
}

/// Syntaxes of items.
#[allow(missing_docs)]
pub mod syntax {
    pub const ANY: u8 = 0x10;
    pub const DB_READ: u8 = 0xB0;
    pub const SYMBOL: u8 = 0xB2;
    pub const NCK: u8 = 0x82;
    pub const NCK_METRIC: u8 = 0x83;
    pub const NCK_INCH: u8 = 0x84;
    pub const DRIVE: u8 = 0xA2;
}

/// Reads one item. One of odd length is followed by a byte that fills up, unless it is the last.
#[inline]
pub fn read<'a>(cursor: &mut Cursor<'a>, is_last: bool, arena: &'a Bump) -> Result<Item<'a>, Incomplete> {
    let [_specification, length, syntax] = cursor.array()?;
    let body = cursor.take(usize::from(length).saturating_sub(1))?;
    if length % 2 == 1 && !is_last {
        cursor.skip(1)?;
    }
    Ok(match (syntax, body) {
        (syntax::ANY, [of, c1, c0, n1, n0, area, a2, a1, a0]) => any(
            Type(*of),
            u16::from_be_bytes([*c1, *c0]),
            tables::area(*area, u16::from_be_bytes([*n1, *n0])),
            u32::from_be_bytes([0, *a2, *a1, *a0]),
        ),
        (syntax, body) => unusual(syntax, body, arena),
    })
}

#[inline]
fn any<'a>(of: Type, count: u16, area: Area, address: u32) -> Item<'a> {
    let first = u64::from(address);
    let each = if area.counted { 1 } else { of.bits() };
    let addresses = u64::from(count.max(1)).saturating_mul(each);
    let last = first.saturating_add(addresses).saturating_sub(1);
    let place = Place::Range { area, first, last: last.min(MAX_ADDRESS), overflow: last > MAX_ADDRESS };
    Item { place, of: Some(of), count, syntax: syntax::ANY }
}

#[cold]
fn unusual<'a>(syntax: u8, body: &'a [u8], arena: &'a Bump) -> Item<'a> {
    let known = match syntax {
        syntax::SYMBOL => symbol(body, arena),
        syntax::NCK | syntax::NCK_METRIC | syntax::NCK_INCH => numerical_control(body, arena),
        syntax::DRIVE => drive(body, arena),
        syntax::DB_READ => data_blocks(body),
        _ => None,
    };
    let (place, count) = known.unwrap_or((Place::Unknown(body), 1));
    Item { place, of: None, count, syntax }
}

/// A variable of an S7-1200 by the identifiers of its declaration: `DB7.9`, `M.4[2]`.
fn symbol<'a>(body: &'a [u8], arena: &'a Bump) -> Option<(Place<'a>, u16)> {
    let mut cursor = Cursor::new("s7comm.symbol", body);
    cursor.skip(1).ok()?;
    let (root, area, crc) = (cursor.u16_be().ok()?, cursor.u16_be().ok()?, cursor.u32_be().ok()?);
    let mut name = String::new();
    let root_name = match (root, area) {
        (0x8A0E, _) => None,
        (0, 0x50) => Some("I"),
        (0, 0x51) => Some("Q"),
        (0, 0x52) => Some("M"),
        (0, 0x53) => Some("C"),
        (0, 0x54) => Some("T"),
        _ => Some("?"),
    };
    match root_name {
        None => write!(name, "DB{area}").ok()?,
        Some("?") => write!(name, "{root:04x}{area:04x}").ok()?,
        Some(known) => name.push_str(known),
    }
    while let Ok(part) = cursor.u32_be() {
        let value = part & 0x0FFF_FFFF;
        match part >> 28 {
            3 | 5 => write!(name, "[{value}]").ok()?,
            6 => write!(name, "+{value}").ok()?,
            7 => write!(name, "#{value}").ok()?,
            _ => write!(name, ".{value}").ok()?,
        }
    }
    Some((Place::Name { kind: Kind::Symbol, name: arena.alloc_str(&name).as_bytes(), crc: Some(crc) }, 1))
}

/// A variable of a numerical control: area and unit, module, column and line.
fn numerical_control<'a>(body: &'a [u8], arena: &'a Bump) -> Option<(Place<'a>, u16)> {
    let &[place, c1, c0, l1, l0, module, lines] = body else { return None };
    let (column, line) = (u16::from_be_bytes([c1, c0]), u16::from_be_bytes([l1, l0]));
    let area = ['N', 'B', 'C', 'A', 'T', 'V', 'H', 'M'].get(usize::from(place >> 5)).copied()?;
    let unit = place & 0x1F;
    let name = arena.alloc_str(&format!("{area}{unit}/{module}:{column}/{line}")).as_bytes();
    Some((Place::Name { kind: Kind::Nck, name, crc: None }, u16::from(lines)))
}

/// A parameter of a drive: unit, number and index.
fn drive<'a>(body: &'a [u8], arena: &'a Bump) -> Option<(Place<'a>, u16)> {
    let mut cursor = Cursor::new("s7comm.drive", body);
    let [_, unit] = cursor.array().ok()?;
    cursor.skip(2).ok()?;
    let (number, index) = (cursor.u16_be().ok()?, cursor.u16_be().ok()?);
    let name = arena.alloc_str(&format!("{unit}/{number}.{index}")).as_bytes();
    Some((Place::Name { kind: Kind::Drive, name, crc: None }, 1))
}

/// Bytes of one range of an item of syntax DB read: number of bytes, data block, first byte.
pub const BLOCK_RANGE: usize = 5;

/// Ranges of data blocks: how many there are, then the ranges.
fn data_blocks(body: &[u8]) -> Option<(Place<'_>, u16)> {
    let (count, ranges) = body.split_first()?;
    let whole = ranges.len() == usize::from(*count).saturating_mul(BLOCK_RANGE) && *count > 0;
    whole.then_some((Place::Blocks(ranges), u16::from(*count)))
}

/// One range of data blocks as an item of bytes, and how many bytes it has.
pub fn block_range<'a>(range: &[u8]) -> Option<(Item<'a>, usize)> {
    let &[bytes, n1, n0, s1, s0] = range else { return None };
    let address = u32::from(u16::from_be_bytes([s1, s0])).saturating_mul(8);
    let area = tables::area(0x84, u16::from_be_bytes([n1, n0]));
    let item = any(Type(2), u16::from(bytes), area, address);
    Some((Item { syntax: syntax::DB_READ, ..item }, usize::from(bytes)))
}

/// How many points so many items have.
#[inline]
pub fn count(items: &[u8], count: usize) -> usize {
    let mut rest = items;
    let mut points = count;
    for _ in 0..count {
        let [_, length, syntax, more @ ..] = rest else { break };
        if *syntax == syntax::DB_READ {
            points = points.saturating_add(usize::from(more.first().copied().unwrap_or_default()));
        }
        let filled = usize::from(*length).saturating_add(2).saturating_add(usize::from(*length % 2));
        rest = rest.get(filled..).unwrap_or_default();
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_code() {
        for code in 0..=255u8 {
            let row = TYPES.iter().find(|row| row.0 == code);
            assert_eq!(Type(code).row(), row, "type {code}: mend row");
        }
    }
}
