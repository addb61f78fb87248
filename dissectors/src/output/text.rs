//! Numbers, times and text as JSON wants them, appended to a buffer.

use super::digits::number;

const PAIRS: &[u8; 200] = b"00010203040506070809101112131415161718192021222324252627282930313233343536373839\
4041424344454647484950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798\
99";

const NANOSECONDS: u64 = 1_000_000_000;

#[inline]
fn pair(value: u64) -> [u8; 2] {
    let at = usize::try_from(value % 100).unwrap_or(0) * 2;
    match PAIRS.get(at..at + 2) {
        Some(&[tens, ones]) => [tens, ones],
        _ => *b"00",
    }
}

#[inline]
fn digit(value: u64) -> u8 {
    b'0' | (value % 10).to_le_bytes()[0]
}

/// Appends a signed number.
pub fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    number(out, value.unsigned_abs());
}

/// The text of the last second, since neighbouring lines share it.
#[derive(Debug, Default)]
pub struct TimeCache {
    second: u64,
    second_text: [u8; 20],
    filled: bool,
}

impl TimeCache {
    /// Appends a time (ns since 1970 UTC) as `"2026-03-04T08:15:21.118000123Z"`, quotes included.
    #[inline]
    pub fn append(&mut self, out: &mut Vec<u8>, time: u64) {
        out.extend_from_slice(&self.text(time));
    }

    /// The same as bytes.
    #[inline]
    pub fn text(&mut self, time: u64) -> [u8; 32] {
        let second = time / NANOSECONDS;
        if !self.filled || self.second != second {
            self.second_text = second_text(second);
            self.second = second;
            self.filled = true;
        }
        let nanoseconds = time % NANOSECONDS;
        let mut line = [0_u8; 32];
        line[0] = b'"';
        line[1..21].copy_from_slice(&self.second_text);
        line[21..23].copy_from_slice(&pair(nanoseconds / 10_000_000));
        line[23..25].copy_from_slice(&pair(nanoseconds / 100_000));
        line[25..27].copy_from_slice(&pair(nanoseconds / 1_000));
        line[27..29].copy_from_slice(&pair(nanoseconds / 10));
        line[29] = digit(nanoseconds);
        line[30] = b'Z';
        line[31] = b'"';
        line
    }
}

/// `2026-03-04T08:15:21.` of a second since 1970 (proleptic Gregorian calendar; years past 9999 are shown as 9999).
fn second_text(second: u64) -> [u8; 20] {
    let (days, of_day) = (second / 86_400, second % 86_400);
    // Civil date from days, over 400-year eras that start on 1 March.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = (year_of_era + era * 400 + u64::from(month <= 2)).min(9_999);
    let mut text = *b"0000-00-00T00:00:00.";
    for (at, value) in [
        (0, year / 100),
        (2, year),
        (5, month),
        (8, day),
        (11, of_day / 3_600),
        (14, of_day / 60 % 60),
        (17, of_day % 60),
    ] {
        text[at..at + 2].copy_from_slice(&pair(value));
    }
    text
}

/// A time (ns since 1970 UTC) as text, without quotes.
pub fn time_text(time: u64) -> String {
    let mut out = Vec::with_capacity(32);
    TimeCache::default().append(&mut out, time);
    String::from_utf8_lossy(&out).trim_matches('"').to_owned()
}

/// Appends bytes as a JSON string. Bytes that are not UTF-8 become U+FFFD, control characters are escaped.
#[inline]
pub fn json_text(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().all(|byte| matches!(byte, b' '..0x7F) && !matches!(byte, b'"' | b'\\')) {
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
    } else {
        escaped(out, bytes);
    }
}

fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for piece in bytes.utf8_chunks() {
        for char in piece.valid().chars() {
            match char {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                // C0, DEL and C1: a terminal obeys all of them.
                '\0'..='\x1F' | '\x7F'..='\u{9F}' => {
                    out.extend_from_slice(b"\\u00");
                    hex(out, &[u32::from(char).to_be_bytes()[3]]);
                }
                _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if !piece.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    out.push(b'"');
}

/// Appends bytes as lower-case hex, without quotes.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn text_of(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn signed_numbers_have_their_sign() {
        assert_eq!(text_of(|out| signed(out, i64::MIN)), i64::MIN.to_string());
    }

    #[test]
    fn times_are_utc_with_nanoseconds() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(time_text(951_782_400_000_000_001), "2000-02-29T00:00:00.000000001Z");
        assert_eq!(time_text(1_772_612_121_118_000_123), "2026-03-04T08:15:21.118000123Z");
        assert_eq!(time_text(4_107_542_399_999_999_999), "2100-02-28T23:59:59.999999999Z");
    }

    #[test]
    fn text_is_escaped_and_never_invalid() {
        assert_eq!(text_of(|out| json_text(out, b"a\"b\\c\n\x01")), r#""a\"b\\c\n\u0001""#);
        assert_eq!(text_of(|out| json_text(out, b"\x7F\xC2\x81\xC2\x9B")), r#""\u007f\u0081\u009b""#);
        assert_eq!(text_of(|out| json_text(out, b"\xFFx\xC3\xA4")), "\"\u{FFFD}x\u{e4}\"");
    }
}
