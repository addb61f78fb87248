//! The short way of the usual read or write: every item of syntax ANY and of a type that is a number, every one accepted, everything of
//! the length that it says. It makes the points that the general way makes; whatever is unusual takes that one.

use super::items::{Type, syntax};
use super::values::SUCCESS;
use super::variables::{NOTHING, Spec};
use crate::protocols::s7comm::tables::{self, MAX_ADDRESS};
use crate::transaction::{Access, Number, Point, Values};

/// Makes points of all items; says how many. `None` where anything is not usual, whatever has been made until then.
#[inline]
pub fn fill<'a>(spec: &Spec<'a>, points: &mut [Point<'a>]) -> Option<usize> {
    let write = spec.access == Access::Write;
    let accepted = |codes: &[u8]| codes.len() == spec.count && codes.iter().all(|code| *code == SUCCESS);
    if write && !spec.codes.is_some_and(accepted) {
        return None;
    }
    let (mut items, mut data) = (spec.items, spec.data?);
    let places = points.get_mut(..spec.count)?;
    for (number, place) in (1..).zip(places) {
        let [0x12, 10, syntax::ANY, of, c1, c0, n1, n0, area, a2, a1, a0, more @ ..] = items else { return None };
        let [code, transport, l1, l0, rest @ ..] = data else { return None };
        if !write && *code != SUCCESS {
            return None;
        }
        items = more;
        let (of, length) = (Type(*of), usize::from(u16::from_be_bytes([*l1, *l0])));
        let length = if matches!(transport, 3..=5) { length.div_ceil(8) } else { length };
        let (bytes, rest) = rest.split_at_checked(length)?;
        data = if length % 2 == 1 && number < spec.count { rest.get(1..)? } else { rest };
        let count = usize::from(u16::from_be_bytes([*c1, *c0]));
        let number = number_of(of).filter(|number| bytes.len() == count.saturating_mul(number.size()))?;
        let area = tables::area(*area, u16::from_be_bytes([*n1, *n0]));
        let first = u64::from(u32::from_be_bytes([0, *a2, *a1, *a0]));
        let bits = if of.0 == 1 { bytes.len() } else { bytes.len().saturating_mul(8) };
        let last = first.saturating_add(u64::try_from(bits).ok()?).saturating_sub(1);
        if area.counted || bytes.is_empty() || last > MAX_ADDRESS {
            return None;
        }
        *place = Point {
            kind: area.kind.index(),
            access: spec.access,
            block: area.block,
            first,
            last,
            values: Values::Numbers { bytes, of: number },
            fields: of.field(),
            ..NOTHING
        };
    }
    items.is_empty().then_some(spec.count)
}

/// The number that a type's values are.
#[inline]
pub fn number_of(of: Type) -> Option<Number> {
    Some(match of.0 {
        1 => Number::Bool,
        2 => Number::U8,
        4 => Number::U16,
        5 => Number::I16,
        6 | 10 => Number::U32,
        7 | 11 => Number::I32,
        8 => Number::F32,
        _ => return None,
    })
}

/// Whether each item of an answer has as many bytes as its item of the request asks for, as far as both are usual.
#[inline]
pub fn is_of(items: &[u8], data: &[u8], count: usize) -> bool {
    let (mut items, mut data) = (items, data);
    for number in 1..=count {
        let ([0x12, 10, syntax::ANY, of, c1, c0, _, _, _, _, _, _, more @ ..], [code, transport, l1, l0, rest @ ..]) =
            (items, data)
        else {
            return true;
        };
        items = more;
        let length = usize::from(u16::from_be_bytes([*l1, *l0]));
        let length = match transport {
            3..=5 => length.div_ceil(8),
            0 => 0,
            _ => length,
        };
        let wanted = usize::from(u16::from_be_bytes([*c1, *c0])).saturating_mul(Type(*of).bytes());
        // Of other types not all controllers send the size that the type has.
        if *code == SUCCESS && length != wanted && (matches!(of, 2..=8) || wanted == 1) {
            return false;
        }
        let filled = length.saturating_add(usize::from(length % 2 == 1 && number < count));
        data = rest.get(filled..).unwrap_or_default();
    }
    data.is_empty()
}
