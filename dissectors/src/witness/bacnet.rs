//! BACnet (ANSI/ASHRAE 135): I-Am, I-Have, and what is read of a Device object; over IP (annex J) and over Ethernet (clause 7).

use super::{Datagram, DatagramEar, Frame, FrameEar, Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    frames: Some(FrameEar { kind: 0x8282, read: frame }),
    datagrams: Some(DatagramEar { ports: PORTS, read: datagram }),
    ..Witness::new("bacnet", "BACnet", "ANSI/ASHRAE 135-2020", SAYS)
};

/// BAC0 to BACF: sixteen networks may share a wire by their ports.
const PORTS: &[u16] = &[
    47_808, 47_809, 47_810, 47_811, 47_812, 47_813, 47_814, 47_815, 47_816, 47_817, 47_818, 47_819, 47_820, 47_821,
    47_822, 47_823,
];

const DEVICE: &str = "the device; one behind a router has its instance number as unit";

const SAYS: &[Says] = &[
    says("device_instance", "bacnet.i_am.device", DEVICE, "4711"),
    says("vendor_id", "bacnet.i_am.vendor_id", DEVICE, "24"),
    says("name", "bacnet.i_have.object_name", DEVICE, "AHU-1"),
    says("vendor", "bacnet.property.vendor_name", DEVICE, "Trane"),
    says("vendor_id", "bacnet.property.vendor_identifier", DEVICE, "2"),
    says("model", "bacnet.property.model_name", DEVICE, "BMTX"),
    says("firmware", "bacnet.property.firmware_revision", DEVICE, "3.40"),
    says("software", "bacnet.property.application_software_version", DEVICE, "1.2"),
    says("serial", "bacnet.property.serial_number", DEVICE, "E17K1234"),
    says("name", "bacnet.property.object_name", DEVICE, "AHU-1"),
    says("description", "bacnet.property.description", DEVICE, "Air handling, roof"),
    says("location", "bacnet.property.location", DEVICE, "Roof"),
];

/// Properties (clause 21) that identify.
const PROPERTIES: [(u32, &str, &str); 9] = [
    (121, "vendor", "bacnet.property.vendor_name"),
    (120, "vendor_id", "bacnet.property.vendor_identifier"),
    (70, "model", "bacnet.property.model_name"),
    (44, "firmware", "bacnet.property.firmware_revision"),
    (12, "software", "bacnet.property.application_software_version"),
    (372, "serial", "bacnet.property.serial_number"),
    (77, "name", "bacnet.property.object_name"),
    (28, "description", "bacnet.property.description"),
    (58, "location", "bacnet.property.location"),
];

const DEVICE_OBJECT: u32 = 8;
/// The instance of a device that has none.
const NO_INSTANCE: u32 = 0x3F_FFFF;
const MAX_ELEMENTS: usize = 256;

fn frame(frame: &Frame<'_>, testimony: &mut Testimony<'_>) {
    if let [0x82, 0x82, 0x03, network @ ..] = frame.bytes {
        let _ = network_layer(frame.sender(), network, testimony); // what is cut has told what there was
    }
}

fn datagram(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    let _ = link(datagram, testimony);
}

/// The virtual link (J.2): forwarded messages name the one who sent them first.
fn link(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("bacnet.link", datagram.bytes);
    let (kind, function) = (cursor.u8()?, cursor.u8()?);
    cursor.skip(2)?;
    let about = match (kind, function) {
        (0x81, 0x04) => {
            let origin = Address::v4(cursor.array()?);
            cursor.skip(2)?;
            origin
        }
        (0x81, 0x09..=0x0B) => datagram.source,
        _ => return Ok(()),
    };
    network_layer(about, cursor.rest(), testimony)
}

/// The network layer (clause 6.2): who it comes from, where a router passes it on.
fn network_layer(about: Address, bytes: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("bacnet.network", bytes);
    let (version, control) = (cursor.u8()?, cursor.u8()?);
    if version != 1 || control & 0x80 != 0 {
        return Ok(());
    }
    let address = |cursor: &mut Cursor<'_>, bit: u8| {
        let present = control & bit != 0;
        if present {
            cursor.skip(2)?;
            let length = usize::from(cursor.u8()?);
            cursor.skip(length)?;
        }
        Ok::<bool, Incomplete>(present)
    };
    let routed_on = address(&mut cursor, 0x20)?;
    let routed = address(&mut cursor, 0x08)?;
    if routed_on {
        cursor.skip(1)?;
    }
    application(about, routed, cursor.rest(), testimony)
}

/// The application layer (clause 20.1).
fn application(about: Address, routed: bool, bytes: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("bacnet.application", bytes);
    let kind = cursor.u8()?;
    match kind >> 4 {
        1 => {
            let service = cursor.u8()?;
            let mut elements = Elements { cursor };
            match service {
                0 => i_am(about, routed, &mut elements, testimony),
                1 => i_have(about, routed, &mut elements, testimony),
                _ => None,
            };
        }
        3 if kind & 0x08 == 0 => {
            cursor.skip(1)?;
            let service = cursor.u8()?;
            let mut elements = Elements { cursor };
            match service {
                12 => read_property(about, routed, &mut elements, testimony),
                14 => read_properties(about, routed, &mut elements, testimony),
                _ => None,
            };
        }
        _ => {}
    }
    Ok(())
}

/// An element (20.2.1): its tag and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element<'a> {
    Application(u8, &'a [u8]),
    Context(u8, &'a [u8]),
    Open(u8),
    Close(u8),
}

struct Elements<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Elements<'a> {
    fn next(&mut self) -> Option<Element<'a>> {
        self.element().ok()
    }

    fn element(&mut self) -> Result<Element<'a>, Incomplete> {
        let cursor = &mut self.cursor;
        let first = cursor.u8()?;
        let tag = if first >> 4 == 15 { cursor.u8()? } else { first >> 4 };
        let context = first & 0x08 != 0;
        let length = match first & 7 {
            6 if context => return Ok(Element::Open(tag)),
            7 if context => return Ok(Element::Close(tag)),
            5 => match cursor.u8()? {
                254 => usize::from(cursor.u16_be()?),
                255 => usize::try_from(cursor.u32_be()?).unwrap_or(usize::MAX),
                length => usize::from(length),
            },
            // A boolean has its value there, and no content.
            length if context || tag != 1 => usize::from(length),
            _ => 0,
        };
        let content = cursor.take(length)?;
        Ok(if context { Element::Context(tag, content) } else { Element::Application(tag, content) })
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for byte in bytes.get(..bytes.len()).filter(|bytes| (1..=4).contains(&bytes.len()))? {
        number = number << 8 | u32::from(*byte);
    }
    Some(number)
}

/// The instance of a Device object's identifier.
fn device(bytes: &[u8]) -> Option<u32> {
    let identifier = u32::from_be_bytes(bytes.try_into().ok()?);
    let instance = identifier & NO_INSTANCE;
    (identifier >> 22 == DEVICE_OBJECT && instance != NO_INSTANCE).then_some(instance)
}

/// A character string (20.2.9): its set, then its bytes.
fn text(bytes: &[u8]) -> Option<String> {
    let (set, text) = bytes.split_first()?;
    match set {
        0 => Some(String::from_utf8_lossy(text).into_owned()),
        4 => {
            let words = text.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word));
            Some(char::decode_utf16(words).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        5 => Some(text.iter().copied().map(char::from).collect()),
        _ => None,
    }
}

fn unit(routed: bool, instance: u32) -> Option<u32> {
    routed.then_some(instance)
}

/// 16.10.2: device, greatest length, segmentation, vendor.
fn i_am(about: Address, routed: bool, elements: &mut Elements<'_>, testimony: &mut Testimony<'_>) -> Option<()> {
    let Element::Application(12, identifier) = elements.next()? else { return None };
    let instance = device(identifier)?;
    let mut testimony = testimony.for_unit(WITNESS.name, unit(routed, instance));
    testimony.number(about, "device_instance", "bacnet.i_am.device", instance);
    elements.next()?;
    elements.next()?;
    let Element::Application(2, vendor) = elements.next()? else { return None };
    testimony.number(about, "vendor_id", "bacnet.i_am.vendor_id", number(vendor)?);
    Some(())
}

/// 16.9: device, object, name; that of the device itself names it.
fn i_have(about: Address, routed: bool, elements: &mut Elements<'_>, testimony: &mut Testimony<'_>) -> Option<()> {
    let Element::Application(12, identifier) = elements.next()? else { return None };
    let Element::Application(12, object) = elements.next()? else { return None };
    let Element::Application(7, name) = elements.next()? else { return None };
    let instance = device(identifier).filter(|_| identifier == object)?;
    let mut testimony = testimony.for_unit(WITNESS.name, unit(routed, instance));
    testimony.text(about, "name", "bacnet.i_have.object_name", text(name)?.as_bytes());
    Some(())
}

fn property(about: Address, property: u32, value: Element<'_>, testimony: &mut Testimony<'_>) {
    let Some((_, attribute, field)) = PROPERTIES.iter().find(|(number, _, _)| *number == property) else { return };
    match value {
        Element::Application(7, bytes) => {
            testimony.text(about, attribute, field, text(bytes).unwrap_or_default().as_bytes());
        }
        Element::Application(2, bytes) => {
            if let Some(number) = number(bytes) {
                testimony.number(about, attribute, field, number);
            }
        }
        _ => {}
    }
}

/// 15.5: object, property, perhaps an index, value.
fn read_property(
    about: Address,
    routed: bool,
    elements: &mut Elements<'_>,
    testimony: &mut Testimony<'_>,
) -> Option<()> {
    let Element::Context(0, object) = elements.next()? else { return None };
    let instance = device(object)?;
    let Element::Context(1, identifier) = elements.next()? else { return None };
    let Element::Open(3) = elements.next()? else { return None };
    let value = elements.next()?;
    let mut testimony = testimony.for_unit(WITNESS.name, unit(routed, instance));
    property(about, number(identifier)?, value, &mut testimony);
    Some(())
}

/// 15.7: objects, each with a list of properties and values or errors.
fn read_properties(
    about: Address,
    routed: bool,
    elements: &mut Elements<'_>,
    testimony: &mut Testimony<'_>,
) -> Option<()> {
    let mut of_device = None;
    let mut asked = None;
    let mut depth = 0_u8;
    for _ in 0..MAX_ELEMENTS {
        match elements.next()? {
            Element::Context(0, object) if depth == 0 => of_device = device(object),
            Element::Context(2, identifier) if depth == 1 => asked = number(identifier),
            Element::Open(_) => depth = depth.saturating_add(1),
            Element::Close(_) => depth = depth.saturating_sub(1),
            value @ Element::Application(..) if depth == 2 => {
                if let (Some(instance), Some(asked)) = (of_device, asked.take()) {
                    let mut testimony = testimony.for_unit(WITNESS.name, unit(routed, instance));
                    property(about, asked, value, &mut testimony);
                }
            }
            _ => {}
        }
    }
    Some(())
}
