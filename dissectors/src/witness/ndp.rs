//! IPv6 neighbour discovery (RFC 4861): who says that an IPv6 address is at which MAC, and who routes.

use super::{Says, Testimony, Witness, says};
use crate::address::{Address, Mac, Net};
use crate::cursor::{Cursor, Incomplete};
use crate::packet::Packet;

const TARGET: &str = "ndp.neighbor_advertisement.target";
const SOURCE: &str = "ndp.source_link_layer";
const ROUTER: &str = "ndp.router_advertisement";

/// What it is called in every output.
pub static WITNESS: Witness = Witness::new("ndp", "IPv6 neighbour discovery", "RFC 4861", SAYS);

const SAYS: &[Says] = &[
    says("mac", TARGET, "the target of an advertisement", "00:1b:1b:0a:11:22"),
    says("mac", SOURCE, "the sender of a solicitation or of a router's advertisement", "00:1b:1b:0a:11:22"),
    says("router", ROUTER, "the sender, while it says that it routes", "true"),
];

const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// Options: of whoever sends, of whom it is about.
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;

/// Reads an ICMPv6 message. What did not come from this link (hop limit 255) must not be believed (RFC 4861, 7.1).
pub fn read(packet: &Packet, bytes: &[u8], testimony: &mut Testimony<'_>) {
    if packet.net == Net::V6 && packet.ttl == 255 {
        // A message that is cut has told what there was.
        let _ = message(packet, bytes, testimony);
    }
}

fn message(packet: &Packet, bytes: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("ndp", bytes);
    let [kind, code] = packet.source_port.to_be_bytes();
    if code != 0 {
        return Ok(());
    }
    let sender = packet.source_address();
    let (about, option, field) = match kind {
        ROUTER_SOLICITATION => {
            cursor.skip(4)?;
            (sender, SOURCE_LINK_LAYER, SOURCE)
        }
        ROUTER_ADVERTISEMENT => {
            cursor.skip(2)?;
            if cursor.u16_be()? > 0 {
                testimony.so(sender, "router", ROUTER);
            }
            cursor.skip(8)?;
            (sender, SOURCE_LINK_LAYER, SOURCE)
        }
        NEIGHBOR_SOLICITATION => {
            cursor.skip(20)?;
            (sender, SOURCE_LINK_LAYER, SOURCE)
        }
        NEIGHBOR_ADVERTISEMENT => {
            cursor.skip(4)?;
            (Address::v6(cursor.array()?), TARGET_LINK_LAYER, TARGET)
        }
        _ => return Ok(()),
    };
    while cursor.remaining() > 0 {
        let (kind, length) = (cursor.u8()?, usize::from(cursor.u8()?));
        let content = cursor.take(length.saturating_mul(8).saturating_sub(2))?;
        match <Mac>::try_from(content) {
            Ok(mac) if kind == option => testimony.mac(about, field, mac),
            _ if length == 0 => break, // RFC 4861, 4.6: such a message is discarded
            _ => {}
        }
    }
    Ok(())
}
