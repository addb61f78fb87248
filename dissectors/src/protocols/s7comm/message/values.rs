//! The data of a read or write: items with return code, size and bytes, and what the bytes mean.

use bumpalo::Bump;

use super::items::Type;
use super::usual::number_of;
use crate::cursor::{Cursor, Incomplete};
use crate::transaction::{Number, Value, Values};

/// Done.
pub const SUCCESS: u8 = 0xFF;

/// What a job that reports changes says of a range that has not changed: no bytes follow.
pub const UNCHANGED: u8 = 0xFE;

/// One item of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// [`SUCCESS`], or why not; 0 in requests.
    pub code: u8,
    /// What its length counts, and its type in the rough.
    pub transport: u8,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Reads one item. Sizes of 3 to 5 are counted in bits; one of odd length is followed by a byte that fills up, unless it is the last.
#[inline]
pub fn read<'a>(cursor: &mut Cursor<'a>, is_last: bool) -> Result<Data<'a>, Incomplete> {
    let [code, transport, l1, l0] = cursor.array()?;
    let length = usize::from(u16::from_be_bytes([l1, l0]));
    let length = match transport {
        3..=5 => length.div_ceil(8),
        // Nothing was read: some servers say a length beside it all the same.
        0 if code != SUCCESS => 0,
        _ => length,
    };
    let bytes = cursor.take(length)?;
    if length % 2 == 1 && !is_last {
        cursor.skip(1)?;
    }
    Ok(Data { code, transport, bytes })
}

/// What the bytes mean, by the type that was asked for.
#[inline]
pub fn values<'a>(of: Option<Type>, data: &Data<'a>, arena: &'a Bump) -> Values<'a> {
    match of.map(|of| (of, number_of(of))) {
        Some((_, Some(number))) => numbers(data.bytes, number),
        Some((of, None)) => written(of, data.bytes, arena),
        None => numbers(data.bytes, by_transport(data)),
    }
}

#[inline]
fn numbers(bytes: &[u8], of: Number) -> Values<'_> {
    let whole = bytes.len().checked_rem(of.size()) == Some(0);
    match bytes.len() {
        0 => Values::Unseen,
        _ if whole => Values::Numbers { bytes, of },
        _ => Values::Numbers { bytes, of: Number::U8 },
    }
}

/// Where no type was asked for, size and length tell as much as there is to know.
fn by_transport(data: &Data<'_>) -> Number {
    match (data.transport, data.bytes.len()) {
        (3, _) => Number::Bool,
        (4, 2) => Number::U16,
        (4, 4) => Number::U32,
        (5, 2) => Number::I16,
        (5 | 6, 4) => Number::I32,
        (7, 4) => Number::F32,
        (7, 8) => Number::F64,
        _ => Number::U8,
    }
}

/// Texts, dates and times, and numbers in decimal digits; where they are none, the bytes.
fn written<'a>(of: Type, bytes: &'a [u8], arena: &'a Bump) -> Values<'a> {
    let list = |size: usize, read: fn(&[u8], &'a Bump) -> Value<'a>| {
        let chunks = bytes.chunks_exact(size);
        let whole = chunks.remainder().is_empty() && !bytes.is_empty();
        let values = whole.then(|| &*arena.alloc_slice_fill_iter(chunks.map(|chunk| read(chunk, arena))));
        values.filter(|values| !values.contains(&Value::Null)).map(Values::Typed)
    };
    match of {
        Type(3) => Some(Values::Typed(arena.alloc([Value::Text(bytes)]))),
        Type(9) => list(2, |bytes, arena| date(bytes, arena).unwrap_or(Value::Null)),
        Type(12 | 29) => list(2, |bytes, _| s5_time(bytes).map_or(Value::Null, Value::Unsigned)),
        Type(15) => list(8, |bytes, arena| date_and_time(bytes, arena).unwrap_or(Value::Null)),
        Type(28) => list(2, |bytes, _| decimal(bytes, 0x0FFF).map_or(Value::Null, Value::Unsigned)),
        _ => None,
    }
    .unwrap_or_else(|| numbers(bytes, Number::U8))
}

/// Decimal digits, four bits each.
pub fn decimal(bytes: &[u8], mask: u16) -> Option<u64> {
    let word = u16::from_be_bytes(bytes.try_into().ok()?) & mask;
    [12, 8, 4, 0].into_iter().try_fold(0_u64, |sum, shift| {
        let digit = u64::from(word >> shift & 0xF);
        (digit < 10).then(|| sum.saturating_mul(10).saturating_add(digit))
    })
}

/// Two decimal digits.
pub fn two_digits(byte: u8) -> Option<u8> {
    let (tens, ones) = (byte >> 4, byte & 0xF);
    (tens < 10 && ones < 10).then(|| tens.saturating_mul(10).saturating_add(ones))
}

/// S5TIME, and the rest of a timer: three digits in units of 10 ms to 10 s. In milliseconds.
fn s5_time(bytes: &[u8]) -> Option<u64> {
    let unit = 10_u64.checked_pow(u32::from(bytes.first()? >> 4 & 3).saturating_add(1))?;
    decimal(bytes, 0x0FFF).map(|count| count.saturating_mul(unit))
}

/// Days since 1990-01-01.
fn date<'a>(bytes: &[u8], arena: &'a Bump) -> Option<Value<'a>> {
    let days = u16::from_be_bytes(bytes.try_into().ok()?);
    let (year, month, day) = calendar(u64::from(days).saturating_add(DAYS_TO_1990));
    Some(Value::Text(arena.alloc_str(&format!("{year:04}-{month:02}-{day:02}")).as_bytes()))
}

/// Days from 1970-01-01 to 1990-01-01.
const DAYS_TO_1990: u64 = 7_305;
/// Days from 1970-01-01 to 1984-01-01, from which blocks count.
pub const DAYS_TO_1984: u64 = 5_113;

/// Year, month and day of a number of days since 1970-01-01 (the Gregorian calendar, by eras of 400 years).
#[allow(clippy::arithmetic_side_effects)] // 64 bits, and never more days than 16 bits and a few thousand
pub fn calendar(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// DATE_AND_TIME: eight bytes of decimal digits, the last four bits the weekday.
pub fn date_and_time<'a>(bytes: &[u8], arena: &'a Bump) -> Option<Value<'a>> {
    let [year, month, day, hour, minute, second, high, low] = *bytes else { return None };
    let year = two_digits(year)?;
    let year = u16::from(year).saturating_add(if year < 90 { 2000 } else { 1900 });
    let (month, day, hour) = (two_digits(month)?, two_digits(day)?, two_digits(hour)?);
    let (minute, second) = (two_digits(minute)?, two_digits(second)?);
    let milliseconds = decimal(&[high, low & 0xF0], 0xFFF0)? / 10;
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}");
    Some(Value::Text(arena.alloc_str(&text).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: Option<Value<'_>>) -> String {
        match value {
            Some(Value::Text(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn dates_and_times_of_the_manual() {
        let arena = Bump::new();
        assert_eq!(text(date(&[0, 0], &arena)), "1990-01-01");
        assert_eq!(text(date(&[0xFF, 0x62], &arena)), "2168-12-31", "the last that S7 knows");
        assert_eq!(
            text(date_and_time(&[0x16, 0x12, 0x15, 0x18, 0x06, 0x42, 0x98, 0x75], &arena)),
            "2016-12-15T18:06:42.987"
        );
        assert_eq!(date_and_time(&[0x1A; 8], &arena), None, "no decimal digits");
        assert_eq!(s5_time(&[0x21, 0x27]), Some(127_000), "127 × 1 s");
        assert_eq!(s5_time(&[0x09, 0x99]), Some(9_990), "999 × 10 ms");
        assert_eq!(decimal(&[0x0F, 0xFF], 0xFFF), None);
        assert_eq!(calendar(DAYS_TO_1984), (1984, 1, 1));
    }
}
