//! Test functions of the programming device: tables of variables that are watched, modified or forced.

use bumpalo::Bump;

use super::items::Type;
use super::values::{self, Data, SUCCESS};
use super::variables::NOTHING;
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::s7comm::tables::{self, Kind, MAX_ADDRESS};
use crate::transaction::{Access, Point, Values};

/// Sub-functions whose jobs are tables of variables: watch, modify, force.
pub fn has_table(code: u8) -> bool {
    matches!(code, 2 | 8 | 9)
}

/// The points of a job: lengths of parameters and data, parameters, then number of variables, addresses and values.
pub fn points<'a>(job: &'a [u8], access: Access, arena: &'a Bump) -> Result<&'a [Point<'a>], Incomplete> {
    let mut cursor = Cursor::new("s7comm.test", job);
    let (parameters, data) = (usize::from(cursor.u16_be()?), usize::from(cursor.u16_be()?));
    cursor.skip(parameters)?;
    let mut cursor = Cursor::new("s7comm.test", cursor.take(data)?);
    let count = usize::from(cursor.u16_be()?);
    let mut addresses = Cursor::new("s7comm.test", cursor.take(count.saturating_mul(6))?);
    let mut points = Vec::with_capacity(count);
    for number in 1..=count {
        let mut point = point(addresses.take(6)?, access);
        // What is modified follows: no return code, the same sizes as elsewhere.
        if let (true, Ok(data)) = (access == Access::Write, values::read(&mut cursor, number == count)) {
            point.1 = values(point.1, &mut point.0, &data, arena);
        }
        points.push(point.0);
    }
    Ok(arena.alloc_slice_copy(&points))
}

fn values<'a>(of: Type, point: &mut Point<'a>, data: &Data<'a>, arena: &'a Bump) -> Type {
    point.values = values::values(Some(of), &Data { code: SUCCESS, ..*data }, arena);
    of
}

/// One address: area and size, how often, data block, first byte.
fn point<'a>(address: &[u8], access: Access) -> (Point<'a>, Type) {
    let &[place, repeat, n1, n0, a1, a0] = address else { return (NOTHING, Type(2)) };
    let number = u16::from_be_bytes([n1, n0]);
    let byte = u64::from(u16::from_be_bytes([a1, a0]));
    let (of, size) = match place & 0xF {
        0 => (Type(1), 1),
        2 => (Type(4), 16),
        3 => (Type(6), 32),
        _ => (Type(2), 8_u64),
    };
    let code = match place >> 4 {
        0 => 0x83,
        1 => 0x81,
        2 => 0x82,
        3 => 0x80,
        5 => 0x1D,
        6 => 0x1C,
        7 => 0x84,
        _ => 0,
    };
    let area = tables::area(code, number);
    let (first, each) =
        if matches!(area.kind, Kind::Timer | Kind::Counter) { (byte, 1) } else { (byte.saturating_mul(8), size) };
    let last = first.saturating_add(u64::from(repeat.max(1)).saturating_mul(each)).saturating_sub(1).min(MAX_ADDRESS);
    let point = Point {
        kind: area.kind.index(),
        access,
        block: area.block,
        first,
        last,
        values: Values::Unseen,
        fields: of.field(),
        ..NOTHING
    };
    (point, of)
}
