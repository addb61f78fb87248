//! Numbers in decimal digits and lists of small ones, through tables: most of a line is numbers.

/// Numbers below 1000 with commas behind them: `7,,,`, `42,,`, `100,`.
static SHORT: [[u8; 4]; 1000] = short();
/// The same with leading zeros: `007,`.
static PADDED: [[u8; 4]; 1000] = padded();
/// Four bits, least significant first: `1,0,0,0,`.
static NIBBLES: [[u8; 8]; 16] = nibbles();

const fn padded() -> [[u8; 4]; 1000] {
    let mut table = [[b','; 4]; 1000];
    let (mut at, mut digits) = (0, [b'0'; 3]);
    while at < table.len() {
        table[at] = [digits[0], digits[1], digits[2], b','];
        digits[2] += 1;
        if digits[2] > b'9' {
            digits = [digits[0], digits[1] + 1, b'0'];
        }
        if digits[1] > b'9' {
            digits = [digits[0] + 1, b'0', b'0'];
        }
        at += 1;
    }
    table
}

const fn short() -> [[u8; 4]; 1000] {
    let mut table = padded();
    let mut at = 0;
    while at < 100 {
        let [_, tens, ones, _] = table[at];
        table[at] = if at < 10 { [ones, b',', b',', b','] } else { [tens, ones, b',', b','] };
        at += 1;
    }
    table
}

const fn nibbles() -> [[u8; 8]; 16] {
    let mut table = [[b','; 8]; 16];
    let (mut at, mut bit) = (0, 0);
    while at < table.len() {
        table[at][2 * bit] = if at >> bit & 1 == 1 { b'1' } else { b'0' };
        bit += 1;
        if bit == 4 {
            (at, bit) = (at + 1, 0);
        }
    }
    table
}

/// The digits of a number below 1000, and how many they are.
#[inline]
fn short_of(value: usize) -> ([u8; 4], usize) {
    let length = 1 + usize::from(value >= 10) + usize::from(value >= 100);
    (SHORT.get(value).copied().unwrap_or_default(), length)
}

#[inline]
fn padded_of(value: usize) -> [u8; 4] {
    PADDED.get(value).copied().unwrap_or_default()
}

#[inline]
fn below_1000(value: u64) -> usize {
    usize::from(u16::try_from(value % 1000).unwrap_or(0))
}

#[inline]
fn push_padded(out: &mut Vec<u8>, value: u64) {
    let [hundreds, tens, ones, _] = padded_of(below_1000(value));
    out.extend_from_slice(&[hundreds, tens, ones]);
}

/// Appends an unsigned number.
#[inline]
pub fn number(out: &mut Vec<u8>, value: u64) {
    match value {
        0..1_000 => {
            // Four bytes of which some are taken back: cheaper than a copy of unknown length.
            let (digits, length) = short_of(below_1000(value));
            let end = out.len() + length;
            out.extend_from_slice(&digits);
            out.truncate(end);
        }
        1_000..1_000_000 => {
            number(out, value / 1_000);
            push_padded(out, value);
        }
        _ => large(out, value),
    }
}

fn large(out: &mut Vec<u8>, value: u64) {
    number(out, value / 1_000_000);
    push_padded(out, value / 1_000);
    push_padded(out, value);
}

/// Room for a list: brackets and, for each entry, its digits with a comma. All commas at first.
#[inline]
fn list(out: &mut Vec<u8>, room: usize) -> &mut [u8] {
    out.push(b'[');
    let start = out.len();
    out.resize(start + room, b',');
    out.get_mut(start..).unwrap_or_default()
}

/// Ends a list of which `used` bytes of `room` were written, the last comma among them.
#[inline]
fn close(out: &mut Vec<u8>, room: usize, used: usize) {
    out.truncate(out.len() - room + used.saturating_sub(1));
    out.push(b']');
}

#[inline]
fn put<const N: usize>(room: &mut [u8], at: usize, digits: [u8; N]) {
    if let Some(place) = room.get_mut(at..at + N) {
        place.copy_from_slice(&digits);
    }
}

/// Appends big-endian 16-bit words as a list of numbers.
#[inline]
pub fn words(out: &mut Vec<u8>, bytes: &[u8]) {
    // Six for each, and two that the last digits may write over.
    let size = bytes.len() / 2 * 6 + 2;
    let room = list(out, size);
    let mut at = 0;
    for word in bytes.chunks_exact(2) {
        let value = word.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
        if value >= 1000 {
            let (digits, length) = short_of(value / 1000);
            put(room, at, digits);
            put(room, at + length, padded_of(value % 1000));
            at += length + 4;
        } else {
            let (digits, length) = short_of(value);
            put(room, at, digits);
            at += length + 1;
        }
    }
    close(out, size, at);
}

/// Appends `count` bits, least significant of the first byte first, as a list of 0 and 1.
#[inline]
pub fn bits(out: &mut Vec<u8>, bytes: &[u8], count: usize) {
    let count = count.min(bytes.len() * 8);
    let bytes = bytes.get(..count.div_ceil(8)).unwrap_or_default();
    let size = bytes.len() * 16;
    let room = list(out, size);
    for (place, byte) in room.chunks_exact_mut(8).zip(bytes.iter().flat_map(|byte| [byte & 15, byte >> 4])) {
        place.copy_from_slice(NIBBLES.get(usize::from(byte)).map_or(&[b'0'; 8], |digits| digits));
    }
    close(out, size, count * 2);
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"x".to_vec();
        write(&mut out);
        String::from_utf8(out).expect("digits")
    }

    #[test]
    fn numbers_are_written_like_the_standard_library_does() {
        let edges = (0..20).flat_map(|power| [10_u64.pow(power) - 1, 10_u64.pow(power), 10_u64.pow(power) + 1]);
        for value in (0..2_000).chain(64_000..66_000).chain(edges).chain([123_456_789, u64::MAX]) {
            assert_eq!(text(|out| number(out, value)), format!("x{value}"));
        }
    }

    #[test]
    fn every_word_is_written_alone_and_among_others() {
        for word in 0..=u16::MAX {
            let [high, low] = word.to_be_bytes();
            assert_eq!(text(|out| words(out, &[high, low])), format!("x[{word}]"));
            assert_eq!(text(|out| words(out, &[0, 9, high, low, 255, 255])), format!("x[9,{word},65535]"));
        }
        assert_eq!(text(|out| words(out, &[])), "x[]");
    }

    #[test]
    fn bits_are_written_up_to_their_count() {
        for byte in 0..=u8::MAX {
            for count in 0..=24_usize {
                let bytes = [byte, !byte];
                let each: Vec<String> = (0..count.min(16)).map(|n| (bytes[n / 8] >> (n % 8) & 1).to_string()).collect();
                assert_eq!(text(|out| bits(out, &bytes, count)), format!("x[{}]", each.join(",")));
            }
        }
    }
}
