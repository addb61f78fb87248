//! Values as numbers, for limits.

use crate::transaction::{Number, Value, Values};

/// One value, as limits see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    /// Not seen.
    Unseen,
    /// A number; a bit is 0 or 1.
    Number(f64),
    /// Seen, but not a number: no limits hold it.
    Other,
}

/// The value at this place among a point's values.
pub(super) fn at(values: &Values<'_>, place: u64) -> Reading {
    let Ok(place) = usize::try_from(place) else { return Reading::Unseen };
    match *values {
        Values::Unseen => Reading::Unseen,
        Values::Bits { bytes, count } => bit(bytes, count, place),
        Values::Words(bytes) => word(bytes, place),
        Values::Numbers { bytes, of: number } => number_at(bytes, number, place),
        Values::Typed(list) => list.get(place).map_or(Reading::Unseen, of),
    }
}

/// How many values there are.
pub(super) fn count(values: &Values<'_>) -> usize {
    values.count()
}

/// All values in order.
pub(super) fn all<'a>(values: &'a Values<'a>) -> impl Iterator<Item = Reading> + 'a {
    (0..count(values)).map(move |place| at(values, u64::try_from(place).unwrap_or(u64::MAX)))
}

fn bit(bytes: &[u8], count: u32, place: usize) -> Reading {
    if u32::try_from(place).is_ok_and(|place| place < count)
        && let Some(byte) = bytes.get(place / 8)
    {
        return Reading::Number(f64::from(byte >> (place % 8) & 1));
    }
    Reading::Unseen
}

fn word(bytes: &[u8], place: usize) -> Reading {
    let start = place.saturating_mul(2);
    match bytes.get(start..start.saturating_add(2)) {
        Some(&[high, low]) => Reading::Number(f64::from(u16::from_be_bytes([high, low]))),
        _ => Reading::Unseen,
    }
}

fn number_at(bytes: &[u8], number: Number, place: usize) -> Reading {
    let start = place.saturating_mul(number.size());
    let value = bytes.get(start..start.saturating_add(number.size()));
    value.map_or(Reading::Unseen, |bytes| of(&number.read(bytes)))
}

/// 64-bit numbers lose what a double can't hold, as in Python's `float`.
#[allow(clippy::as_conversions, clippy::cast_precision_loss)]
fn of(value: &Value<'_>) -> Reading {
    match *value {
        Value::Null => Reading::Unseen,
        Value::Bool(b) => Reading::Number(f64::from(u8::from(b))),
        Value::Unsigned(n) => Reading::Number(n as f64),
        Value::Signed(n) => Reading::Number(n as f64),
        Value::Float(n) => Reading::Number(n),
        Value::Text(_) | Value::Hex(_) | Value::List(_) | Value::Object(_) => Reading::Other,
    }
}
