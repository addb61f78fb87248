//! EtherNet/IP (ODVA, The CIP Networks Library, volume 2): ListIdentity, and the Identity object that its messages carry.

use super::cip::{self, Asked, Fields};
use super::{Datagram, DatagramEar, Listener, Look, Piece, Recognised, Says, StreamEar, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[44_818], read: datagram }),
    streams: Some(StreamEar { recognise, start: || Box::new(Enip::default()), budget: 256 << 10 }),
    ..Witness::new("enip", "EtherNet/IP", "ODVA, The CIP Networks Library, volume 2, 2-4", SAYS)
};

const DEVICE: &str = "the device";

const SAYS: &[Says] = &[
    says("vendor_id", FIELDS.vendor, DEVICE, "1"),
    says("device_type", FIELDS.device_type, DEVICE, "14"),
    says("product_code", FIELDS.product_code, DEVICE, "55"),
    says("firmware", FIELDS.revision, DEVICE, "20.11"),
    says("serial", FIELDS.serial, DEVICE, "00c0ffee"),
    says("product", FIELDS.name, DEVICE, "1756-L61/B LOGIX5561"),
];

const FIELDS: Fields = Fields {
    vendor: "enip.list_identity.vendor_id",
    device_type: "enip.list_identity.device_type",
    product_code: "enip.list_identity.product_code",
    revision: "enip.list_identity.revision",
    serial: "enip.list_identity.serial_number",
    name: "enip.list_identity.product_name",
};

const HEADER: usize = 24;
const LIST_IDENTITY: u16 = 0x63;
const SEND_RR_DATA: u16 = 0x6F;
const SEND_UNIT_DATA: u16 = 0x70;
/// Commands (2-3.2): NOP, the lists, sessions, data, status; 1 to 3 and 5 are legacy, and Rockwell's tools begin with them.
const COMMANDS: [u16; 14] =
    [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, LIST_IDENTITY, 0x64, 0x65, 0x66, SEND_RR_DATA, SEND_UNIT_DATA, 0x72, 0x73];
const IDENTITY_ITEM: u16 = 0x0C;
const UNCONNECTED_ITEM: u16 = 0xB2;
const CONNECTED_ITEM: u16 = 0xB1;
const MAX_ITEMS: u16 = 16;
/// Requests for an identity that wait for their answer.
const MAX_ASKED: usize = 16;

/// A header of the encapsulation.
#[derive(Clone, Copy)]
struct Header {
    command: u16,
    length: usize,
    status: u32,
    context: u64,
}

fn header(bytes: &[u8]) -> Result<Option<Header>, Incomplete> {
    let mut cursor = Cursor::new("enip", bytes);
    let (command, length) = (cursor.u16_le()?, usize::from(cursor.u16_le()?));
    cursor.skip(4)?;
    let (status, context, options) = (cursor.u32_le()?, cursor.u64_le()?, cursor.u32_le()?);
    let known = COMMANDS.contains(&command) && options == 0 && status <= 0x6A;
    Ok(known.then_some(Header { command, length, status, context }))
}

fn recognise(bytes: &[u8]) -> Recognised {
    match (bytes, header(bytes)) {
        // A stream of zeros is anything.
        (_, Ok(Some(header))) if header.command != 0 => Recognised::Mine,
        ([first], Err(_)) | ([first, 0, ..], Err(_)) if *first != 0 && COMMANDS.contains(&u16::from(*first)) => {
            Recognised::More
        }
        _ => Recognised::NotMine,
    }
}

fn datagram(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    if let Ok(Some(header)) = header(datagram.bytes) {
        let content = datagram.bytes.get(HEADER..).unwrap_or_default();
        let content = content.get(..header.length.min(content.len())).unwrap_or_default();
        if header.command == LIST_IDENTITY {
            let _ = list_identity(datagram.source, content, testimony);
        }
    }
}

/// Items of ListIdentity's answer (2-4.2.3); a request has none.
fn list_identity(about: Address, content: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    items(content, |kind, item| {
        if kind == IDENTITY_ITEM {
            let mut cursor = Cursor::new("enip.identity", item);
            cursor.skip(18)?; // version and socket address
            cip::identity(about, &mut cursor, &FIELDS, testimony)?;
        }
        Ok(())
    })
}

/// The items of a common packet format (2-6), the last one as far as it is there.
fn items<'a>(
    content: &'a [u8],
    mut each: impl FnMut(u16, &'a [u8]) -> Result<(), Incomplete>,
) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("enip.items", content);
    for _ in 0..cursor.u16_le()?.min(MAX_ITEMS) {
        let (kind, length) = (cursor.u16_le()?, usize::from(cursor.u16_le()?));
        each(kind, cursor.take(length.min(cursor.remaining()))?)?;
    }
    Ok(())
}

/// What tells a request from others: the sender's context, or the sequence of a connection.
type Key = u64;

#[derive(Default)]
struct Enip {
    asked: Vec<(Key, Asked)>,
}

impl Listener for Enip {
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        match header(piece.bytes) {
            Err(_) => Look::More,
            Ok(None) => Look::Done,
            Ok(Some(header)) => {
                let end = HEADER.saturating_add(header.length);
                let Some(content) = piece.bytes.get(HEADER..end) else { return Look::More };
                let _ = self.message(piece, header, content, testimony); // wrong is another's to tell
                Look::Used(end)
            }
        }
    }
}

impl Enip {
    fn message(
        &mut self,
        piece: &Piece<'_>,
        header: Header,
        content: &[u8],
        testimony: &mut Testimony<'_>,
    ) -> Result<(), Incomplete> {
        match header.command {
            LIST_IDENTITY => list_identity(piece.source, content, testimony),
            SEND_RR_DATA | SEND_UNIT_DATA if header.status == 0 => {
                let mut cursor = Cursor::new("enip.data", content);
                cursor.skip(6)?; // interface and time-out
                items(cursor.rest(), |kind, item| {
                    match (kind, item) {
                        (UNCONNECTED_ITEM, message) => self.cip(piece, header.context, message, testimony),
                        (CONNECTED_ITEM, [a, b, message @ ..]) => {
                            // A sequence is no context: the highest bit tells them apart.
                            let key = 1 << 63 | u64::from(u16::from_le_bytes([*a, *b]));
                            self.cip(piece, key, message, testimony);
                        }
                        _ => {}
                    }
                    Ok(())
                })
            }
            _ => Ok(()),
        }
    }

    fn cip(&mut self, piece: &Piece<'_>, key: Key, message: &[u8], testimony: &mut Testimony<'_>) {
        if message.first().is_some_and(|service| service & 0x80 == 0) {
            if let Some(asked) = cip::asked(message) {
                if self.asked.len() >= MAX_ASKED {
                    self.asked.remove(0);
                }
                self.asked.push((key, asked));
            }
        } else if let Some(place) = self.asked.iter().position(|(known, _)| *known == key) {
            let (_, asked) = self.asked.remove(place);
            cip::answered(piece.source, asked, message, testimony);
        }
    }
}
