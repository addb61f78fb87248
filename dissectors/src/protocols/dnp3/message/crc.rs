//! The CRC of DNP3's link layer (IEEE 1815-2012, 9.2.4.3): polynomial 0x3D65, reflected, complemented.
//!
//! It begins with 0, so that zeros in front of a block change nothing: each octet adds a number that depends on its value and its
//! distance from the end alone. With a table for each distance the lookups of a block do not wait for each other.

/// Octets of user data in a block.
pub const BLOCK: usize = 16;

/// What an octet adds, by its place in a block of 16.
static TABLES: [[u16; 256]; BLOCK] = tables();

#[allow(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)] // at compile time
const fn tables() -> [[u16; 256]; BLOCK] {
    let mut tables = [[0; 256]; BLOCK];
    let mut value = 0;
    while value < 256 {
        let mut sum = value as u16;
        let mut place = BLOCK;
        while place > 0 {
            place -= 1;
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ 0xA6BC } else { sum >> 1 };
                bit += 1;
            }
            tables[place][value] = sum;
        }
        value += 1;
    }
    tables
}

/// The CRC of up to 16 octets.
#[inline]
pub fn crc(block: &[u8]) -> u16 {
    let skip = BLOCK.saturating_sub(block.len());
    let tables = TABLES.get(skip..).unwrap_or_default();
    !block.iter().zip(tables).fold(0, |sum, (&octet, table)| sum ^ at(table, octet))
}

/// The CRC of a whole block.
#[inline]
pub fn crc_block(block: &[u8; BLOCK]) -> u16 {
    !block.iter().zip(&TABLES).fold(0, |sum, (&octet, table)| sum ^ at(table, octet))
}

#[inline]
fn at(table: &[u16; 256], octet: u8) -> u16 {
    table.get(usize::from(octet)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bit_by_bit(bytes: &[u8]) -> u16 {
        !bytes.iter().fold(0_u16, |sum, &byte| {
            (0..8).fold(sum ^ u16::from(byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xA6BC } else { sum >> 1 })
        })
    }

    #[test]
    fn it_is_that_of_the_specification() {
        assert_eq!(bit_by_bit(b"123456789"), 0xEA82, "the check value of CRC-16/DNP");
        let bytes: Vec<u8> = (0..16).map(|i: u8| i.wrapping_mul(37).wrapping_add(11)).collect();
        for len in 0..=16 {
            assert_eq!(crc(&bytes[..len]), bit_by_bit(&bytes[..len]), "{len} octets");
        }
        assert_eq!(crc_block(bytes.as_slice().try_into().unwrap()), bit_by_bit(&bytes));
        assert_eq!(crc(b"123456789"), 0xEA82);
    }
}
