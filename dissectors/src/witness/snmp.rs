//! SNMP (RFC 1157, RFC 3416, RFC 3412): what an agent answers about its system. The community is skipped, never kept.

use super::{Datagram, DatagramEar, Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[161, 162], read }),
    ..Witness::new("snmp", "SNMP", "RFC 1157, RFC 3412, RFC 3416, RFC 3418, RFC 6933", SAYS)
};

const AGENT: &str = "the agent";
const VERSION: &str = "snmp.version";
const ENGINE: &str = "snmp.engine_id";
const ENTERPRISE: &str = "snmp.trap.enterprise";

const SAYS: &[Says] = &[
    says("snmp_version", VERSION, AGENT, "2c"),
    says("snmp_engine_id", ENGINE, AGENT, "80001f8880e9630000d61ff449"),
    says("snmp_object_id", ENTERPRISE, "the trap's agent", "1.3.6.1.4.1.4329.6.1.2"),
    says("description", "snmp.sysDescr", AGENT, "Siemens, SIMATIC NET, CP 343-1"),
    says("snmp_object_id", "snmp.sysObjectID", AGENT, "1.3.6.1.4.1.4329.6.1.2"),
    says("hostname", "snmp.sysName", AGENT, "sw-cell-1"),
    says("location", "snmp.sysLocation", AGENT, "Hall 3"),
    says("hardware", "snmp.entPhysicalHardwareRev", AGENT, "3"),
    says("firmware", "snmp.entPhysicalFirmwareRev", AGENT, "V4.2"),
    says("software", "snmp.entPhysicalSoftwareRev", AGENT, "V4.2"),
    says("serial", "snmp.entPhysicalSerialNum", AGENT, "SVP123456"),
    says("vendor", "snmp.entPhysicalMfgName", AGENT, "Siemens"),
    says("model", "snmp.entPhysicalModelName", AGENT, "X204IRT"),
];

/// Objects that identify: SNMPv2-MIB's system group, ENTITY-MIB's first entity (the chassis, by custom).
const OBJECTS: [(&[u32], &str, &str); 10] = [
    (&[1, 3, 6, 1, 2, 1, 1, 1, 0], "description", "snmp.sysDescr"),
    (&[1, 3, 6, 1, 2, 1, 1, 2, 0], "snmp_object_id", "snmp.sysObjectID"),
    (&[1, 3, 6, 1, 2, 1, 1, 5, 0], "hostname", "snmp.sysName"),
    (&[1, 3, 6, 1, 2, 1, 1, 6, 0], "location", "snmp.sysLocation"),
    (&[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 8, 1], "hardware", "snmp.entPhysicalHardwareRev"),
    (&[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 9, 1], "firmware", "snmp.entPhysicalFirmwareRev"),
    (&[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 10, 1], "software", "snmp.entPhysicalSoftwareRev"),
    (&[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 11, 1], "serial", "snmp.entPhysicalSerialNum"),
    (&[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 12, 1], "vendor", "snmp.entPhysicalMfgName"),
    (&[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 13, 1], "model", "snmp.entPhysicalModelName"),
];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const RESPONSE: u8 = 0xA2;
const TRAP_V1: u8 = 0xA4;
const INFORM: u8 = 0xA6;
const TRAP_V2: u8 = 0xA7;
const REPORT: u8 = 0xA8;
const MAX_VARIABLES: usize = 128;
const MAX_ARCS: usize = 128;

fn read(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    let _ = message(datagram, testimony); // what is cut has told what there was
}

/// An element of BER (X.690): its tag and content. What is longer than the message is cut where that ends.
fn element<'a>(cursor: &mut Cursor<'a>) -> Result<(u8, &'a [u8]), Incomplete> {
    let tag = cursor.u8()?;
    let mut length = usize::from(cursor.u8()?);
    if length >= 0x80 {
        let bytes = cursor.take(length & 0x7F)?;
        length =
            bytes.iter().take(5).fold(0, |sum: usize, byte| sum.saturating_mul(256).saturating_add(usize::from(*byte)));
    }
    Ok((tag, cursor.take(length.min(cursor.remaining()))?))
}

/// The content of an element with this tag; another tag is as if there were none.
fn of_tag<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Result<&'a [u8], Incomplete> {
    let (found, content) = element(cursor)?;
    let none = Incomplete { layer: "snmp", offset: cursor.offset(), needed: 1, available: 0 };
    if found == tag { Ok(content) } else { Err(none) }
}

fn message(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let whole = of_tag(&mut Cursor::new("snmp", datagram.bytes), SEQUENCE)?;
    let mut cursor = Cursor::new("snmp", whole);
    let version = match of_tag(&mut cursor, INTEGER)? {
        [0] => "1",
        [1] => "2c",
        [3] => return version_3(datagram, cursor, testimony),
        _ => return Ok(()),
    };
    of_tag(&mut cursor, OCTETS)?; // the community
    pdu(datagram, version, &mut cursor, testimony)
}

/// Version 3 (RFC 3412, 6; RFC 3414, 2.4): the engine is named in the clear, the rest where nothing is encrypted.
fn version_3(datagram: &Datagram<'_>, mut cursor: Cursor<'_>, testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    of_tag(&mut cursor, SEQUENCE)?;
    let security = of_tag(&mut cursor, OCTETS)?;
    if let Ok(security) = of_tag(&mut Cursor::new("snmp.security", security), SEQUENCE)
        && datagram.ports.first() == Some(&161)
    {
        let engine = of_tag(&mut Cursor::new("snmp.security", security), OCTETS)?;
        testimony.text(datagram.source, "snmp_version", VERSION, b"3");
        testimony.hex(datagram.source, "snmp_engine_id", ENGINE, engine);
    }
    let scoped = of_tag(&mut cursor, SEQUENCE)?;
    let mut cursor = Cursor::new("snmp.scoped", scoped);
    of_tag(&mut cursor, OCTETS)?;
    of_tag(&mut cursor, OCTETS)?;
    pdu(datagram, "3", &mut cursor, testimony)
}

fn pdu(
    datagram: &Datagram<'_>,
    version: &str,
    cursor: &mut Cursor<'_>,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    let (kind, content) = element(cursor)?;
    let mut cursor = Cursor::new("snmp.pdu", content);
    let mut about = datagram.source;
    match kind {
        RESPONSE | REPORT if datagram.ports.first() == Some(&161) => {}
        INFORM | TRAP_V2 => {}
        TRAP_V1 => {
            let enterprise = of_tag(&mut cursor, OBJECT_ID)?;
            let (_, agent) = element(&mut cursor)?;
            let agent = agent.try_into().ok().map(Address::v4).filter(|agent| agent.bits != 0);
            about = agent.unwrap_or(about);
            testimony.text(about, "snmp_object_id", ENTERPRISE, dotted(&arcs(enterprise)).as_bytes());
        }
        _ => return Ok(()),
    }
    testimony.text(about, "snmp_version", VERSION, version.as_bytes());
    for _ in 0..3 {
        element(&mut cursor)?;
    }
    let list = of_tag(&mut cursor, SEQUENCE)?;
    variables(about, list, testimony)
}

fn variables(about: Address, list: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("snmp.variables", list);
    for _ in 0..MAX_VARIABLES {
        let variable = of_tag(&mut cursor, SEQUENCE)?;
        let mut variable = Cursor::new("snmp.variable", variable);
        let name = arcs(of_tag(&mut variable, OBJECT_ID)?);
        let (tag, value) = element(&mut variable)?;
        let known = OBJECTS.iter().find(|(object, _, _)| *object == name.as_slice());
        match (known, tag) {
            (Some((_, attribute, field)), OCTETS) => testimony.text(about, attribute, field, value),
            (Some((_, attribute, field)), OBJECT_ID) => {
                testimony.text(about, attribute, field, dotted(&arcs(value)).as_bytes());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The arcs of an object identifier (X.690, 8.19).
fn arcs(bytes: &[u8]) -> Vec<u32> {
    let mut arcs = Vec::new();
    let mut arc = 0_u32;
    for byte in bytes {
        arc = arc.wrapping_shl(7) | u32::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first);
                arc = arc.saturating_sub(first.saturating_mul(40));
            }
            arcs.push(arc);
            arc = 0;
        }
        if arcs.len() > MAX_ARCS {
            break;
        }
    }
    arcs
}

fn dotted(arcs: &[u32]) -> String {
    arcs.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}
