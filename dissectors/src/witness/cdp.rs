//! Cisco Discovery Protocol, versions 1 and 2 (published by Cisco with its switches' documentation).

use super::{Frame, FrameEar, Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    frames: Some(FrameEar { kind: 0x2000, read }),
    ..Witness::new("cdp", "Cisco Discovery Protocol", "Cisco Discovery Protocol, versions 1 and 2", SAYS)
};

const ABOUT: &str = "the sender's MAC and its addresses";
const MAC: &str = "the sender's MAC";
const ADDRESS: &str = "cdp.address";

const SAYS: &[Says] = &[
    says("hostname", "cdp.device_id", ABOUT, "sw1.plant.local"),
    says("description", "cdp.version", ABOUT, "Cisco IOS Software, C2960 Software, Version 12.2(55)SE"),
    says("product", "cdp.platform", ABOUT, "cisco WS-C2950-12"),
    says("capabilities", "cdp.capabilities", ABOUT, "switch,igmp"),
    says("port_id", "cdp.port_id", MAC, "FastEthernet0/1"),
    says("native_vlan", "cdp.native_vlan", MAC, "1"),
    says("management_address", ADDRESS, MAC, "10.0.0.1"),
    says("mac", ADDRESS, "the address", "00:1b:1b:0a:11:22"),
];

/// Names of the capability bits, from the lowest.
const CAPABILITIES: [&str; 9] =
    ["router", "bridge", "source_route_bridge", "switch", "host", "igmp", "repeater", "telephone", "remotely_managed"];
/// Addresses that are spoken of.
const MAX_ADDRESSES: usize = 8;
const MAX_UNITS: usize = 64;

fn read(frame: &Frame<'_>, testimony: &mut Testimony<'_>) {
    let mut about = vec![frame.sender()];
    for content in units(frame.bytes).filter_map(|(kind, content)| matches!(kind, 2 | 0x16).then_some(content)) {
        let _ = addresses(content, &mut about); // those that are whole
    }
    for address in about.iter().skip(1) {
        testimony.address(frame.sender(), "management_address", ADDRESS, *address);
        testimony.mac(*address, ADDRESS, frame.source);
    }
    for (kind, content) in units(frame.bytes) {
        let mut all = |attribute, field, text: &[u8]| {
            about.iter().for_each(|address| testimony.text(*address, attribute, field, text));
        };
        match (kind, content) {
            (1, text) => all("hostname", "cdp.device_id", text),
            (5, text) => all("description", "cdp.version", text),
            (6, text) => all("product", "cdp.platform", text),
            (4, [a, b, c, d]) => {
                let bits = u32::from_be_bytes([*a, *b, *c, *d]);
                let set = CAPABILITIES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
                let names: Vec<_> = set.map(|(_, name)| *name).collect();
                all("capabilities", "cdp.capabilities", names.join(",").as_bytes());
            }
            (3, text) => testimony.text(frame.sender(), "port_id", "cdp.port_id", text),
            (10, [a, b]) => {
                testimony.number(frame.sender(), "native_vlan", "cdp.native_vlan", u16::from_be_bytes([*a, *b]));
            }
            _ => {}
        }
    }
}

/// The units behind version, time to live and checksum.
fn units(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut cursor = Cursor::new("cdp", bytes);
    let known = cursor.u8().is_ok_and(|version| matches!(version, 1 | 2)) && cursor.skip(3).is_ok();
    let next = move || {
        let (kind, length) = (cursor.u16_be().ok()?, usize::from(cursor.u16_be().ok()?));
        Some((kind, cursor.take(length.checked_sub(4)?).ok()?))
    };
    std::iter::from_fn(next).take(if known { MAX_UNITS } else { 0 })
}

/// A list of addresses: IPv4 by its NLPID, IPv6 by its ethertype in SNAP.
fn addresses(content: &[u8], about: &mut Vec<Address>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("cdp.addresses", content);
    let count = cursor.u32_be()?;
    for _ in 0..count {
        cursor.skip(1)?;
        let length = usize::from(cursor.u8()?);
        let protocol = cursor.take(length)?;
        let length = usize::from(cursor.u16_be()?);
        let address = cursor.take(length)?;
        let address = match protocol {
            [0xCC] => address.try_into().ok().map(Address::v4),
            [.., 0x86, 0xDD] => address.try_into().ok().map(Address::v6),
            _ => None,
        };
        let new = address.filter(|address| address.bits != 0 && !address.is_group() && !about.contains(address));
        if about.len() <= MAX_ADDRESSES {
            about.extend(new);
        }
    }
    Ok(())
}
