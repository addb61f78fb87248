//! NTP (RFC 5905): who gives the time, and where from.

use super::{Datagram, DatagramEar, Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness =
    Witness { datagrams: Some(DatagramEar { ports: &[123], read }), ..Witness::new("ntp", "NTP", "RFC 5905", SAYS) };

const SERVER: &str = "the server";

const SAYS: &[Says] = &[
    says("ntp_server", "ntp.mode", SERVER, "true"),
    says("ntp_stratum", "ntp.stratum", SERVER, "2"),
    says("ntp_reference", "ntp.reference_id", SERVER, "GPS"),
];

/// A packet without extensions.
const LENGTH: usize = 48;

fn read(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    if datagram.ports.first() == Some(&123) && datagram.bytes.len() >= LENGTH {
        let _ = packet(datagram, testimony); // long enough
    }
}

fn packet(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("ntp", datagram.bytes);
    let (first, stratum) = (cursor.u8()?, cursor.u8()?);
    let (version, mode) = (first >> 3 & 7, first & 7);
    if !(1..=4).contains(&version) || !matches!(mode, 4 | 5) || !(1..=15).contains(&stratum) {
        return Ok(()); // stratum 0 refuses, 16 has no time
    }
    cursor.skip(10)?;
    let reference: [u8; 4] = cursor.array()?;
    testimony.so(datagram.source, "ntp_server", "ntp.mode");
    testimony.number(datagram.source, "ntp_stratum", "ntp.stratum", stratum);
    if stratum == 1 {
        testimony.text(datagram.source, "ntp_reference", "ntp.reference_id", &reference);
    } else {
        testimony.address(datagram.source, "ntp_reference", "ntp.reference_id", Address::v4(reference));
    }
    Ok(())
}
