//! CIP's Identity object (ODVA, The CIP Networks Library, volume 1, 5A-2): which request asks for it, and what an answer says.

use super::{Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output. It is heard where EtherNet/IP carries it.
pub static WITNESS: Witness =
    Witness::new("cip", "CIP Identity object", "ODVA, The CIP Networks Library, volume 1, 5A-2", SAYS);

const DEVICE: &str = "the device; one behind a route has its link number (slot) as unit";

const SAYS: &[Says] = &[
    says("vendor_id", FIELDS.vendor, DEVICE, "1"),
    says("device_type", FIELDS.device_type, DEVICE, "14"),
    says("product_code", FIELDS.product_code, DEVICE, "55"),
    says("firmware", FIELDS.revision, DEVICE, "20.11"),
    says("serial", FIELDS.serial, DEVICE, "00c0ffee"),
    says("product", FIELDS.name, DEVICE, "1756-L61/B LOGIX5561"),
];

/// Where each part of an identity stands.
pub struct Fields {
    pub vendor: &'static str,
    pub device_type: &'static str,
    pub product_code: &'static str,
    pub revision: &'static str,
    pub serial: &'static str,
    pub name: &'static str,
}

const FIELDS: Fields = Fields {
    vendor: "cip.identity.vendor_id",
    device_type: "cip.identity.device_type",
    product_code: "cip.identity.product_code",
    revision: "cip.identity.revision",
    serial: "cip.identity.serial_number",
    name: "cip.identity.product_name",
};

const GET_ATTRIBUTES_ALL: u8 = 0x01;
const GET_ATTRIBUTE_SINGLE: u8 = 0x0E;
const UNCONNECTED_SEND: u8 = 0x52;
const RESPONSE: u8 = 0x80;
const IDENTITY: u32 = 1;
const CONNECTION_MANAGER: u32 = 6;
/// Requests within requests.
const MAX_NESTING: u8 = 3;
const MAX_SEGMENTS: usize = 16;

/// What a request asks the Identity object for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// An attribute, or all.
    attribute: Option<u32>,
    /// The last link number of its route.
    unit: Option<u32>,
}

/// A logical path (volume 1, appendix C): class, instance, attribute.
#[derive(Default)]
struct Path {
    class: Option<u32>,
    instance: Option<u32>,
    attribute: Option<u32>,
}

fn path(bytes: &[u8]) -> Result<Path, Incomplete> {
    let mut path = Path::default();
    let mut cursor = Cursor::new("cip.path", bytes);
    for _ in 0..MAX_SEGMENTS {
        if cursor.remaining() == 0 {
            break;
        }
        let segment = cursor.u8()?;
        let value = match segment & 3 {
            0 => u32::from(cursor.u8()?),
            1 => {
                cursor.skip(1)?;
                u32::from(cursor.u16_le()?)
            }
            _ => {
                cursor.skip(1)?;
                cursor.u32_le()?
            }
        };
        match segment & 0xFC {
            0x20 => path.class = Some(value),
            0x24 => path.instance = Some(value),
            0x30 => path.attribute = Some(value),
            _ => break,
        }
    }
    Ok(path)
}

/// The last link of a route: port segments (appendix C-1.4.1), each with a port and a link number (or an address of some length).
fn last_link(bytes: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new("cip.route", bytes);
    let mut last = None;
    for _ in 0..MAX_SEGMENTS {
        let Ok(segment) = cursor.u8() else { break };
        if segment & 0xE0 != 0 {
            break;
        }
        let long = segment & 0x10 != 0;
        let length = if long { usize::from(cursor.u8().ok()?) } else { 1 };
        if segment & 0x0F == 0x0F {
            cursor.skip(2).ok()?;
        }
        let link = cursor.take(length).ok()?;
        if long && length & 1 == 1 {
            let _ = cursor.skip(1);
        }
        last = <[u8; 1]>::try_from(link).ok().map(|[link]| u32::from(link)).or(last);
    }
    last
}

/// Whether a request asks who somebody is.
pub fn asked(bytes: &[u8]) -> Option<Asked> {
    request(bytes, MAX_NESTING).ok().flatten()
}

fn request(bytes: &[u8], depth: u8) -> Result<Option<Asked>, Incomplete> {
    let mut cursor = Cursor::new("cip", bytes);
    let service = cursor.u8()?;
    let length = usize::from(cursor.u8()?).saturating_mul(2);
    let path = path(cursor.take(length)?)?;
    match (service, path.class, path.instance) {
        (GET_ATTRIBUTES_ALL, Some(IDENTITY), Some(1)) => Ok(Some(Asked { attribute: None, unit: None })),
        (GET_ATTRIBUTE_SINGLE, Some(IDENTITY), Some(1)) => {
            Ok(path.attribute.map(|attribute| Asked { attribute: Some(attribute), unit: None }))
        }
        (UNCONNECTED_SEND, Some(CONNECTION_MANAGER), _) if depth > 0 => {
            cursor.skip(2)?;
            let length = usize::from(cursor.u16_le()?);
            let inner = request(cursor.take(length)?, depth.saturating_sub(1))?;
            if length & 1 == 1 {
                cursor.skip(1)?;
            }
            let length = usize::from(cursor.u8()?).saturating_mul(2);
            cursor.skip(1)?;
            let unit = last_link(cursor.take(length)?);
            Ok(inner.map(|inner| Asked { unit: inner.unit.or(unit), ..inner }))
        }
        _ => Ok(None),
    }
}

/// The answer to such a request.
pub fn answered(about: Address, asked: Asked, bytes: &[u8], testimony: &mut Testimony<'_>) {
    let mut testimony = testimony.for_unit(WITNESS.name, asked.unit);
    let _ = answer(about, asked, bytes, &mut testimony); // what is cut has told what there was
}

fn answer(about: Address, asked: Asked, bytes: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("cip", bytes);
    let service = cursor.u8()?;
    cursor.skip(1)?;
    let status = cursor.u8()?;
    let further = usize::from(cursor.u8()?).saturating_mul(2);
    cursor.skip(further)?;
    if status != 0 {
        return Ok(());
    }
    match (service & !RESPONSE, asked.attribute) {
        (GET_ATTRIBUTES_ALL, None) => identity(about, &mut cursor, &FIELDS, testimony),
        (GET_ATTRIBUTE_SINGLE, Some(attribute)) => single(about, attribute, &mut cursor, testimony),
        _ => Ok(()),
    }
}

/// Attributes 1 to 7 in their order, as answers and EtherNet/IP's ListIdentity have them.
pub fn identity(
    about: Address,
    cursor: &mut Cursor<'_>,
    fields: &Fields,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    testimony.number(about, "vendor_id", fields.vendor, cursor.u16_le()?);
    testimony.number(about, "device_type", fields.device_type, cursor.u16_le()?);
    testimony.number(about, "product_code", fields.product_code, cursor.u16_le()?);
    revision(about, cursor, fields.revision, testimony)?;
    cursor.skip(2)?; // status
    serial(about, cursor, fields.serial, testimony)?;
    name(about, cursor, fields.name, testimony)
}

fn single(
    about: Address,
    attribute: u32,
    cursor: &mut Cursor<'_>,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    match attribute {
        1 => testimony.number(about, "vendor_id", FIELDS.vendor, cursor.u16_le()?),
        2 => testimony.number(about, "device_type", FIELDS.device_type, cursor.u16_le()?),
        3 => testimony.number(about, "product_code", FIELDS.product_code, cursor.u16_le()?),
        4 => revision(about, cursor, FIELDS.revision, testimony)?,
        6 => serial(about, cursor, FIELDS.serial, testimony)?,
        7 => name(about, cursor, FIELDS.name, testimony)?,
        _ => {}
    }
    Ok(())
}

fn revision(
    about: Address,
    cursor: &mut Cursor<'_>,
    field: &'static str,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    let (major, minor) = (cursor.u8()?, cursor.u8()?);
    testimony.text(about, "firmware", field, format!("{major}.{minor}").as_bytes());
    Ok(())
}

fn serial(
    about: Address,
    cursor: &mut Cursor<'_>,
    field: &'static str,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    let serial = cursor.u32_le()?;
    if serial != 0 {
        testimony.text(about, "serial", field, format!("{serial:08x}").as_bytes());
    }
    Ok(())
}

fn name(
    about: Address,
    cursor: &mut Cursor<'_>,
    field: &'static str,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    let length = usize::from(cursor.u8()?);
    testimony.text(about, "product", field, cursor.take(length.min(cursor.remaining()))?);
    Ok(())
}
