//! LLDP (IEEE 802.1AB), with the inventory of LLDP-MED (ANSI/TIA-1057).

use super::{Frame, FrameEar, Says, Testimony, Witness, says};
use crate::address::{Address, Mac};
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    frames: Some(FrameEar { kind: 0x88CC, read }),
    ..Witness::new("lldp", "Link layer discovery", "IEEE 802.1AB-2016, ANSI/TIA-1057", SAYS)
};

const ABOUT: &str = "the sender's MAC and its management addresses";
const MAC: &str = "the sender's MAC";
const CAPABILITIES_FIELD: &str = "lldp.enabled_capabilities";
const MANAGEMENT: &str = "lldp.management_address";

const SAYS: &[Says] = &[
    says("hostname", "lldp.system_name", ABOUT, "sw-cell-1"),
    says("description", "lldp.system_description", ABOUT, "Siemens, SIMATIC NET, SCALANCE X204IRT"),
    says("capabilities", CAPABILITIES_FIELD, ABOUT, "bridge,router"),
    says("chassis_id", "lldp.chassis_id", MAC, "00:1b:1b:0a:11:22"),
    says("port_id", "lldp.port_id", MAC, "port-001"),
    says("port_description", "lldp.port_description", MAC, "Siemens, SIMATIC NET, Ethernet Port, X1 P1"),
    says("management_address", MANAGEMENT, MAC, "10.0.0.1"),
    says("mac", MANAGEMENT, "the management address", "00:1b:1b:0a:11:22"),
    says("hardware", "lldp.med.hardware_revision", ABOUT, "3"),
    says("firmware", "lldp.med.firmware_revision", ABOUT, "V4.2"),
    says("software", "lldp.med.software_revision", ABOUT, "V4.2"),
    says("serial", "lldp.med.serial_number", ABOUT, "SVP123456"),
    says("vendor", "lldp.med.manufacturer", ABOUT, "Siemens"),
    says("model", "lldp.med.model", ABOUT, "X204IRT"),
    says("asset_id", "lldp.med.asset_id", ABOUT, "4711"),
];

/// Names of the capability bits, from the lowest.
const CAPABILITIES: [&str; 11] = [
    "other",
    "repeater",
    "bridge",
    "wlan_access_point",
    "router",
    "telephone",
    "docsis",
    "station",
    "cvlan",
    "svlan",
    "two_port_mac_relay",
];
/// Management addresses that are spoken of.
const MAX_ADDRESSES: usize = 8;
/// Units of one frame that are read: each takes two bytes at least.
const MAX_UNITS: usize = 128;
const MED: [u8; 3] = [0x00, 0x12, 0xBB];

fn read(frame: &Frame<'_>, testimony: &mut Testimony<'_>) {
    let mut about = vec![frame.sender()];
    about.extend(units(frame.bytes).filter_map(management).filter(|address| !address.is_group()).take(MAX_ADDRESSES));
    for address in about.iter().skip(1) {
        testimony.address(frame.sender(), "management_address", MANAGEMENT, *address);
        testimony.mac(*address, MANAGEMENT, frame.source);
    }
    for (kind, content) in units(frame.bytes) {
        unit(frame.sender(), &about, (kind, content), testimony);
    }
}

/// The units of a frame: type and content, up to the first that is not whole.
fn units(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut cursor = Cursor::new("lldp", bytes);
    let next = move || {
        let header = cursor.u16_be().ok()?;
        let kind = u8::try_from(header >> 9).ok().filter(|kind| *kind != 0)?;
        Some((kind, cursor.take(usize::from(header & 0x1FF)).ok()?))
    };
    std::iter::from_fn(next).take(MAX_UNITS)
}

/// The address of a management unit: numbers of the IANA address families.
fn management((kind, content): (u8, &[u8])) -> Option<Address> {
    let (length, rest) = content.split_first().filter(|_| kind == 8)?;
    network_address(rest.get(..usize::from(*length))?)
}

fn network_address(bytes: &[u8]) -> Option<Address> {
    let (family, address) = bytes.split_first()?;
    let address = match family {
        1 => Address::v4(address.try_into().ok()?),
        2 => Address::v6(address.try_into().ok()?),
        _ => return None,
    };
    Some(address).filter(|address| address.bits != 0)
}

fn unit(sender: Address, about: &[Address], (kind, content): (u8, &[u8]), testimony: &mut Testimony<'_>) {
    let mut all = |attribute, field, text: &[u8]| {
        for address in about {
            testimony.text(*address, attribute, field, text);
        }
    };
    match (kind, content) {
        (1, [4, mac @ ..]) | (2, [3, mac @ ..]) if mac.len() == 6 => {
            let (attribute, field) = identifier(kind);
            let mac = Mac::try_from(mac).unwrap_or_default();
            testimony.address(sender, attribute, field, Address::mac(mac));
        }
        (1, [5, address @ ..]) | (2, [4, address @ ..]) => {
            let (attribute, field) = identifier(kind);
            if let Some(address) = network_address(address) {
                testimony.address(sender, attribute, field, address);
            }
        }
        (1 | 2, [_, text @ ..]) => {
            let (attribute, field) = identifier(kind);
            testimony.text(sender, attribute, field, text);
        }
        (4, text) => testimony.text(sender, "port_description", "lldp.port_description", text),
        (5, text) => all("hostname", "lldp.system_name", text),
        (6, text) => all("description", "lldp.system_description", text),
        (7, [_, _, a, b]) => {
            all("capabilities", CAPABILITIES_FIELD, names(u16::from_be_bytes([*a, *b])).as_bytes());
        }
        (127, organisation) => {
            if let Ok((attribute, field, text)) = med(organisation) {
                all(attribute, field, text);
            }
        }
        _ => {}
    }
}

fn identifier(kind: u8) -> (&'static str, &'static str) {
    if kind == 1 { ("chassis_id", "lldp.chassis_id") } else { ("port_id", "lldp.port_id") }
}

fn names(bits: u16) -> String {
    let set = CAPABILITIES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// The inventory units of LLDP-MED; nothing of other organisations.
fn med(bytes: &[u8]) -> Result<(&'static str, &'static str, &[u8]), Incomplete> {
    let mut cursor = Cursor::new("lldp.med", bytes);
    let (organisation, kind) = (cursor.array::<3>()?, cursor.u8()?);
    let text = if organisation == MED { cursor.rest() } else { &[] };
    Ok(match kind {
        5 => ("hardware", "lldp.med.hardware_revision", text),
        6 => ("firmware", "lldp.med.firmware_revision", text),
        7 => ("software", "lldp.med.software_revision", text),
        8 => ("serial", "lldp.med.serial_number", text),
        9 => ("vendor", "lldp.med.manufacturer", text),
        10 => ("model", "lldp.med.model", text),
        11 => ("asset_id", "lldp.med.asset_id", text),
        _ => ("asset_id", "lldp.med.asset_id", &[]),
    })
}
