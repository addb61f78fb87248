//! PROFINET DCP (IEC 61158-6-10, 4.3): who a device says it is, and what it is told to be.

use super::{Frame, FrameEar, Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    frames: Some(FrameEar { kind: 0x8892, read }),
    ..Witness::new("profinet_dcp", "PROFINET DCP", "IEC 61158-6-10, 4.3", SAYS)
};

const ABOUT: &str = "the sender's MAC and its IP";
const MAC: &str = "the sender's MAC";
const TOLD: &str = "the device that is told so";
const IP: &str = "profinet_dcp.identify.ip_parameter";
const SET_IP: &str = "profinet_dcp.set.ip_parameter";
const SET_NAME: &str = "profinet_dcp.set.station_name";

const SAYS: &[Says] = &[
    says("station_name", "profinet_dcp.identify.station_name", ABOUT, "plcxb1d0ed"),
    says("product", "profinet_dcp.identify.type_of_station", ABOUT, "S7-1200"),
    says("vendor_id", "profinet_dcp.identify.vendor_id", ABOUT, "42"),
    says("device_id", "profinet_dcp.identify.device_id", ABOUT, "269"),
    says("role", "profinet_dcp.identify.role", ABOUT, "io_device,io_controller"),
    says("alias_name", "profinet_dcp.identify.alias_name", ABOUT, "port-001.switch"),
    says("instance", "profinet_dcp.identify.instance", ABOUT, "100"),
    says("oem_vendor_id", "profinet_dcp.identify.oem_vendor_id", ABOUT, "42"),
    says("oem_device_id", "profinet_dcp.identify.oem_device_id", ABOUT, "269"),
    says("ip", IP, MAC, "192.168.0.1"),
    says("netmask", IP, MAC, "255.255.255.0"),
    says("gateway", IP, MAC, "192.168.0.254"),
    says("mac", IP, "its IP", "00:1b:1b:0a:11:22"),
    says("station_name", SET_NAME, TOLD, "plc-1"),
    says("ip", SET_IP, TOLD, "192.168.0.1"),
    says("netmask", SET_IP, TOLD, "255.255.255.0"),
    says("gateway", SET_IP, TOLD, "192.168.0.254"),
];

/// Names of the role bits, from the lowest.
const ROLES: [&str; 4] = ["io_device", "io_controller", "io_multidevice", "io_supervisor"];
const MAX_BLOCKS: usize = 64;
const HEADER: usize = 12;

/// What a frame does with its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The sender tells of itself.
    Tells,
    /// The receiver is told.
    Sets,
}

fn read(frame: &Frame<'_>, testimony: &mut Testimony<'_>) {
    let Some((kind, blocks)) = header(frame.bytes) else { return };
    match kind {
        Kind::Tells => {
            let ip = units(blocks).find_map(|block| ip_of(&block)).map(|[ip, ..]| ip);
            let about: Vec<Address> = [Some(frame.sender()), ip].into_iter().flatten().collect();
            if let Some(ip) = ip {
                testimony.mac(ip, IP, frame.source);
            }
            units(blocks).for_each(|block| tells(&about, &block, testimony));
        }
        Kind::Sets => {
            let about = Address::mac(frame.destination);
            for block in units(blocks) {
                if let Some(parameter) = ip_of(&block) {
                    ip_parameter(about, parameter, SET_IP, testimony);
                } else if (block.option, block.sub_option) == (2, 2) {
                    testimony.text(about, "station_name", SET_NAME, block.content);
                }
            }
        }
    }
}

/// Identify and Get responses and Hello tell; a Set request sets. Cyclic frames go the same way and are told by their frame id.
fn header(bytes: &[u8]) -> Option<(Kind, &[u8])> {
    let (header, blocks) = bytes.split_first_chunk::<HEADER>()?;
    let [a, b, service, kind, _, _, _, _, _, _, c, d] = *header;
    let does = match (u16::from_be_bytes([a, b]), service, kind) {
        (0xFEFF, 5, 1) | (0xFEFD, 3, 1) | (0xFEFC, 6, 0) => Kind::Tells,
        (0xFEFD, 4, 0) => Kind::Sets,
        _ => return None,
    };
    let length = usize::from(u16::from_be_bytes([c, d]));
    Some((does, blocks.get(..length.min(blocks.len()))?))
}

struct Block<'a> {
    option: u8,
    sub_option: u8,
    content: &'a [u8],
}

/// The blocks: each has two bytes of information or qualifier before its content, and is padded to an even length.
fn units(bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut cursor = Cursor::new("profinet_dcp", bytes);
    std::iter::from_fn(move || block(&mut cursor).ok()).take(MAX_BLOCKS)
}

fn block<'a>(cursor: &mut Cursor<'a>) -> Result<Block<'a>, Incomplete> {
    let (option, sub_option, length) = (cursor.u8()?, cursor.u8()?, usize::from(cursor.u16_be()?));
    let whole = cursor.take(length)?;
    if length & 1 == 1 {
        let _ = cursor.skip(1); // the last one's may be left out
    }
    Ok(Block { option, sub_option, content: whole.get(2..).unwrap_or_default() })
}

/// Address, mask and gateway of an IP parameter; `None` where there is no address.
fn ip_of(block: &Block<'_>) -> Option<[Address; 3]> {
    let parameter = matches!((block.option, block.sub_option), (1, 2 | 3));
    let (words, _) = block.content.as_chunks::<4>();
    let [ip, mask, gateway, ..] = *words else { return None };
    let [ip, mask, gateway] = [ip, mask, gateway].map(Address::v4);
    (parameter && ip.bits != 0).then_some([ip, mask, gateway])
}

fn ip_parameter(about: Address, [ip, mask, gateway]: [Address; 3], field: &'static str, testimony: &mut Testimony<'_>) {
    testimony.address(about, "ip", field, ip);
    testimony.address(about, "netmask", field, mask);
    if gateway != ip {
        testimony.address(about, "gateway", field, gateway);
    }
}

fn tells(about: &[Address], block: &Block<'_>, testimony: &mut Testimony<'_>) {
    if let (Some(parameter), Some(mac)) = (ip_of(block), about.first()) {
        return ip_parameter(*mac, parameter, IP, testimony);
    }
    for address in about.iter().copied() {
        match (block.option, block.sub_option, block.content) {
            (2, 1, text) => testimony.text(address, "product", "profinet_dcp.identify.type_of_station", text),
            (2, 2, text) => testimony.text(address, "station_name", "profinet_dcp.identify.station_name", text),
            (2, 3, [a, b, c, d]) => {
                let (vendor, device) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
                testimony.number(address, "vendor_id", "profinet_dcp.identify.vendor_id", vendor);
                testimony.number(address, "device_id", "profinet_dcp.identify.device_id", device);
            }
            (2, 4, [role, ..]) => {
                let set = ROLES.iter().enumerate().filter(|(bit, _)| role >> bit & 1 == 1);
                let names: Vec<_> = set.map(|(_, name)| *name).collect();
                testimony.text(address, "role", "profinet_dcp.identify.role", names.join(",").as_bytes());
            }
            (2, 6, text) => testimony.text(address, "alias_name", "profinet_dcp.identify.alias_name", text),
            (2, 7, [a, b]) => {
                testimony.number(address, "instance", "profinet_dcp.identify.instance", u16::from_be_bytes([*a, *b]));
            }
            (2, 8, [a, b, c, d]) => {
                let (vendor, device) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
                testimony.number(address, "oem_vendor_id", "profinet_dcp.identify.oem_vendor_id", vendor);
                testimony.number(address, "oem_device_id", "profinet_dcp.identify.oem_device_id", device);
            }
            _ => {}
        }
    }
}
