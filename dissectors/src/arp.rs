//! ARP (RFC 826): who says that an IPv4 address is at which MAC. Probes (RFC 5227) and answers for groups say nothing.

use crate::address::{Address, Mac};
use crate::cursor::{Cursor, Incomplete};

/// The ethertype of ARP.
pub const ETHERTYPE: u16 = 0x0806;

/// What an ARP message says of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The sender's IPv4 address.
    pub address: Address,
    /// The sender's MAC.
    pub mac: Mac,
    /// 1 request, 2 reply.
    pub operation: u16,
}

/// Reads a message; `None` where it is not IPv4 over Ethernet or claims no address.
///
/// # Errors
/// When it is too short.
pub fn claim(bytes: &[u8]) -> Result<Option<Claim>, Incomplete> {
    let mut cursor = Cursor::new("arp", bytes);
    let (hardware, protocol) = (cursor.u16_be()?, cursor.u16_be()?);
    let (hardware_length, protocol_length) = (cursor.u8()?, cursor.u8()?);
    let operation = cursor.u16_be()?;
    if (hardware, protocol, hardware_length, protocol_length) != (1, 0x0800, 6, 4) || !(1..=2).contains(&operation) {
        return Ok(None);
    }
    let mac: Mac = cursor.array()?;
    let address = Address::v4(cursor.array()?);
    let nobody = address.bits == 0 || address.is_group() || mac == [0; 6] || Address::mac(mac).is_group();
    Ok((!nobody).then_some(Claim { address, mac, operation }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: [u8; 28] =
        [0, 1, 8, 0, 6, 4, 0, 2, 0x00, 0x80, 0xF4, 1, 2, 3, 10, 20, 1, 7, 0, 0x1B, 0x1B, 4, 5, 6, 10, 20, 1, 20];

    #[test]
    fn a_reply_binds_address_and_mac() {
        let claim = claim(&REPLY).expect("long enough").expect("claims");
        assert_eq!(claim.address, Address::v4([10, 20, 1, 7]));
        assert_eq!(claim.mac, [0x00, 0x80, 0xF4, 1, 2, 3]);
    }

    #[test]
    fn a_probe_claims_nothing_and_a_cut_one_is_incomplete() {
        let mut probe = REPLY;
        probe[7] = 1;
        probe[14..18].fill(0);
        assert_eq!(claim(&probe), Ok(None));
        for length in 0..18 {
            assert!(claim(&REPLY[..length]).is_err(), "cut at {length}");
        }
    }
}
