//! NetBIOS over UDP (RFC 1001, RFC 1002): names that hosts register and answer for, and the browser's announcements (MS-BRWS).

use super::dns::{Message, Record};
use super::testimony::clean;
use super::{Datagram, DatagramEar, Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[137, 138], read }),
    ..Witness::new("netbios", "NetBIOS names", "RFC 1001, RFC 1002, MS-BRWS", SAYS)
};

const REGISTERED: &str = "the address that registers the name";
const ANSWERED: &str = "the address that is answered";
const SENDER: &str = "the sender";

const SAYS: &[Says] = &[
    says("netbios_name", REGISTRATION.name, REGISTERED, "ENG-PC<20>"),
    says("hostname", REGISTRATION.name, REGISTERED, "ENG-PC"),
    says("domain", REGISTRATION.name, REGISTERED, "WORKGROUP"),
    says("netbios_name", QUERY.name, ANSWERED, "ENG-PC<20>"),
    says("hostname", QUERY.name, ANSWERED, "ENG-PC"),
    says("domain", QUERY.name, ANSWERED, "WORKGROUP"),
    says("netbios_name", STATUS.name, SENDER, "WORKGROUP<1e><group>"),
    says("hostname", STATUS.name, SENDER, "ENG-PC"),
    says("domain", STATUS.name, SENDER, "WORKGROUP"),
    says("mac", UNIT_ID, SENDER, "00:1b:1b:0a:11:22"),
    says("netbios_name", DATAGRAM.name, SENDER, "ENG-PC<00>"),
    says("hostname", DATAGRAM.name, SENDER, "ENG-PC"),
    says("hostname", BROWSER, SENDER, "ENG-PC"),
    says("os_hint", BROWSER_VERSION, SENDER, "Windows 6.1"),
    says("description", BROWSER_COMMENT, SENDER, "Control room"),
];

/// Where a name stands.
#[derive(Clone, Copy)]
struct Place {
    name: &'static str,
}

const REGISTRATION: Place = Place { name: "netbios.registration.name" };
const QUERY: Place = Place { name: "netbios.answer.name" };
const STATUS: Place = Place { name: "netbios.node_status.name" };
const DATAGRAM: Place = Place { name: "netbios.datagram.source" };
const UNIT_ID: &str = "netbios.node_status.unit_id";
const BROWSER: &str = "netbios.browser.name";
const BROWSER_VERSION: &str = "netbios.browser.os_version";
const BROWSER_COMMENT: &str = "netbios.browser.comment";

const NB: u16 = 0x20;
const NB_STATUS: u16 = 0x21;
const MAX_NAMES: u8 = 64;

/// A name of fifteen bytes with its suffix.
struct Name {
    text: Vec<u8>,
    suffix: u8,
    group: bool,
}

fn read(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    if datagram.ports.contains(&138) {
        let _ = session_less(datagram, testimony); // what is cut has told what there was
    } else if let Ok(message) = Message::read(datagram.bytes) {
        let (response, operation) = (message.flags & 0x8000 != 0, message.flags >> 11 & 15);
        let refused = message.flags & 15 != 0;
        for record in &message.records {
            match (response, operation, record.kind) {
                // Registration, refresh (8, in error 9) and multihomed registration.
                (false, 5 | 8 | 9 | 15, NB) => addresses(record, REGISTRATION, testimony),
                (true, 0, NB) if !refused => addresses(record, QUERY, testimony),
                (true, 0, NB_STATUS) => {
                    let _ = status(datagram.source, record.content, testimony);
                }
                _ => {}
            }
        }
    }
}

/// Undoes the first-level encoding (RFC 1001, 14.1): a letter for each half of a byte.
fn decode(label: &[u8]) -> Option<Name> {
    let (pairs, _) = label.get(..32)?.as_chunks::<2>();
    let half = |letter: u8| letter.checked_sub(b'A').filter(|half| *half < 16);
    let bytes = pairs.iter().map(|[high, low]| Some(half(*high)? << 4 | half(*low)?)).collect::<Option<Vec<u8>>>()?;
    let (suffix, text) = bytes.split_last()?;
    Some(Name { text: text.to_vec(), suffix: *suffix, group: false })
}

/// What a name says of an address. Suffixes: MS-NBTE, 1.8.
fn tell(about: Address, name: &Name, place: Place, testimony: &mut Testimony<'_>) {
    let text = clean(&name.text);
    let printable = text.iter().all(|byte| !byte.is_ascii_control());
    if text.is_empty() || text == b"*" || !printable {
        return;
    }
    let group = if name.group { "<group>" } else { "" };
    let whole = [text, format!("<{:02x}>{group}", name.suffix).as_bytes()].concat();
    testimony.text(about, "netbios_name", place.name, &whole);
    match (name.suffix, name.group) {
        (0x00 | 0x20, false) => testimony.text(about, "hostname", place.name, text),
        (0x00, true) => testimony.text(about, "domain", place.name, text),
        _ => {}
    }
}

/// Flags and address of each owner of a name.
fn addresses(record: &Record<'_>, place: Place, testimony: &mut Testimony<'_>) {
    let Some(name) = decode(record.name.as_bytes()) else { return };
    for owner in record.content.chunks_exact(6) {
        if let [flags, _, a, b, c, d] = *owner {
            let name = Name { text: name.text.clone(), group: flags & 0x80 != 0, ..name };
            tell(Address::v4([a, b, c, d]), &name, place, testimony);
        }
    }
}

/// All names of a node, and its MAC.
fn status(about: Address, content: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("netbios.node_status", content);
    for _ in 0..cursor.u8()?.min(MAX_NAMES) {
        let (text, suffix) = (cursor.take(15)?.to_vec(), cursor.u8()?);
        let group = cursor.u16_be()? & 0x8000 != 0;
        tell(about, &Name { text, suffix, group }, STATUS, testimony);
    }
    testimony.mac(about, UNIT_ID, cursor.array()?);
    Ok(())
}

/// A datagram (RFC 1002, 4.4): the sender's name, and a browser's announcement where it carries one.
fn session_less(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("netbios.datagram", datagram.bytes);
    let kind = cursor.u8()?;
    cursor.skip(13)?;
    if !(0x10..=0x12).contains(&kind) || cursor.u8()? != 32 {
        return Ok(());
    }
    if let Some(name) = decode(cursor.take(32)?) {
        // Which of the names with suffix 00 are groups is not said here; a host sends under its own.
        tell(datagram.source, &name, DATAGRAM, testimony);
    }
    const BROWSE: &[u8] = b"\\MAILSLOT\\BROWSE\0";
    let rest = cursor.rest();
    let place = rest.windows(BROWSE.len()).position(|window| window == BROWSE);
    let Some(announcement) = place.and_then(|place| rest.get(place.saturating_add(BROWSE.len())..)) else {
        return Ok(());
    };
    browser(datagram.source, announcement, testimony)
}

/// A host's announcement (MS-BRWS, 2.2.1) or that of the local master (2.2.10).
fn browser(about: Address, bytes: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("netbios.browser", bytes);
    if !matches!(cursor.u8()?, 1 | 15) {
        return Ok(());
    }
    cursor.skip(5)?;
    testimony.text(about, "hostname", BROWSER, cursor.take(16)?);
    let (major, minor) = (cursor.u8()?, cursor.u8()?);
    let text = format!("Windows {major}.{minor}");
    let kind = cursor.u32_le()?;
    // Samba calls itself NT of the version it likes and sets the Unix bit (SV_TYPE_XENIX_SERVER).
    let text = if kind & 0x800 == 0 { text } else { format!("Unix (Samba, as {text})") };
    testimony.text(about, "os_hint", BROWSER_VERSION, text.as_bytes());
    cursor.skip(4)?;
    testimony.text(about, "description", BROWSER_COMMENT, cursor.rest());
    Ok(())
}
