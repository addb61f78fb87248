//! DNS (RFC 1035) and what is made of it on a link: mDNS (RFC 6762, RFC 6763) and LLMNR (RFC 4795).

use super::{Datagram, DatagramEar, Says, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[53], read: dns }),
    ..Witness::new("dns", "DNS", "RFC 1035, RFC 3596", SAYS)
};
/// Names that hosts give themselves on a link.
pub static MDNS: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[5353], read: mdns }),
    ..Witness::new("mdns", "Multicast DNS", "RFC 6762, RFC 6763", MDNS_SAYS)
};
/// The same, as Windows does it.
pub static LLMNR: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[5355], read: llmnr }),
    ..Witness::new("llmnr", "Link-local multicast name resolution", "RFC 4795", LLMNR_SAYS)
};

const ANSWERED: &str = "the address that is answered: a third host's";
const RECORD: &str = "the address of the record";
const SENDER: &str = "the sender";

const SAYS: &[Says] = &[
    says("dns_name", "dns.answer.a", ANSWERED, "scada.plant.local"),
    says("dns_name", "dns.answer.aaaa", ANSWERED, "scada.plant.local"),
    says("dns_name", "dns.answer.ptr", "the address that was asked for", "scada.plant.local"),
    says("dns_server", "dns.response", SENDER, "true"),
];
const MDNS_SAYS: &[Says] = &[
    says("hostname", "mdns.answer.a", RECORD, "printer-7"),
    says("hostname", "mdns.answer.aaaa", RECORD, "printer-7"),
    says("mdns_service", "mdns.answer.ptr", SENDER, "_ipp._tcp"),
    says("mdns_service", "mdns.answer.srv", SENDER, "_ipp._tcp"),
    says("mdns_instance", "mdns.answer.srv", SENDER, "HP LaserJet 400"),
    says("hardware", "mdns.answer.hinfo.cpu", SENDER, "X86_64"),
    says("os_hint", "mdns.answer.hinfo.os", SENDER, "LINUX"),
    says("vendor", "mdns.txt.vendor", SENDER, "HP"),
    says("product", "mdns.txt.product", SENDER, "HP LaserJet 400"),
    says("model", "mdns.txt.model", SENDER, "RackMac1,2"),
    says("serial", "mdns.txt.serial", SENDER, "CNB1234567"),
    says("firmware", "mdns.txt.firmware", SENDER, "2.3.0"),
];
const LLMNR_SAYS: &[Says] =
    &[says("hostname", "llmnr.answer.a", RECORD, "ENG-PC"), says("hostname", "llmnr.answer.aaaa", RECORD, "ENG-PC")];

/// Records of one message that are read.
const MAX_RECORDS: usize = 64;
/// Questions that are skipped.
const MAX_QUESTIONS: u16 = 32;
/// Labels and pointers of one name: a name is 255 bytes long at most (RFC 1035, 2.3.4), and a pointer may lead to itself.
const MAX_STEPS: usize = 128;
const MAX_NAME: usize = 255;

const A: u16 = 1;
const PTR: u16 = 12;
const HINFO: u16 = 13;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Record<'a> {
    pub name: String,
    pub kind: u16,
    pub content: &'a [u8],
    /// Where the content stands in the message: names within it may point back.
    at: usize,
}

/// A message's header and records.
pub(super) struct Message<'a> {
    pub flags: u16,
    pub records: Vec<Record<'a>>,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message: its records up to the first that is not whole. NetBIOS has the same form.
    pub fn read(bytes: &'a [u8]) -> Result<Message<'a>, Incomplete> {
        let mut cursor = Cursor::new("dns", bytes);
        cursor.skip(2)?;
        let flags = cursor.u16_be()?;
        let questions = cursor.u16_be()?;
        let counts = [cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?].map(usize::from);
        let count = counts.into_iter().fold(0, usize::saturating_add).min(MAX_RECORDS);
        let mut message = Message { flags, records: Vec::new(), bytes };
        for _ in 0..questions.min(MAX_QUESTIONS) {
            skip_name(&mut cursor)?;
            cursor.skip(4)?;
        }
        for _ in 0..count {
            let Ok(record) = message.record(&mut cursor) else { break };
            message.records.push(record);
        }
        Ok(message)
    }

    fn record(&self, cursor: &mut Cursor<'a>) -> Result<Record<'a>, Incomplete> {
        let name = self.name(cursor.offset());
        skip_name(cursor)?;
        let kind = cursor.u16_be()?;
        cursor.skip(6)?;
        let length = usize::from(cursor.u16_be()?);
        let at = cursor.offset();
        Ok(Record { name: name.unwrap_or_default(), kind, content: cursor.take(length)?, at })
    }

    /// The name that stands at this place, labels joined by dots; `None` where it can't be read.
    fn name(&self, place: usize) -> Option<String> {
        let (mut name, mut place) = (Vec::new(), place);
        for _ in 0..MAX_STEPS {
            let length = *self.bytes.get(place)?;
            let after = place.checked_add(1)?;
            match length {
                0 => return Some(String::from_utf8_lossy(&name).into_owned()),
                0xC0.. => {
                    let [high, low] = *self.bytes.get(place..)?.first_chunk::<2>()?;
                    place = usize::from(u16::from_be_bytes([high, low]) & 0x3FFF);
                }
                length => {
                    let end = after.checked_add(usize::from(length))?;
                    let label = self.bytes.get(after..end)?;
                    if !name.is_empty() {
                        name.push(b'.');
                    }
                    name.extend_from_slice(label);
                    place = end;
                }
            }
            if name.len() > MAX_NAME {
                return None;
            }
        }
        None
    }

    /// Whether it answers something, without an error.
    fn is_answer(&self) -> bool {
        self.flags & 0x8000 != 0 && self.flags & 0x780F == 0
    }
}

fn skip_name(cursor: &mut Cursor<'_>) -> Result<(), Incomplete> {
    loop {
        match cursor.u8()? {
            0 => return Ok(()),
            0xC0.. => return cursor.skip(1),
            length => cursor.skip(usize::from(length))?,
        }
    }
}

/// A name that stands alone, without pointers.
pub(super) fn plain_name(bytes: &[u8]) -> Option<String> {
    let ended = [bytes, &[0]].concat(); // the root may be left out
    Message { flags: 0, records: Vec::new(), bytes: &ended }.name(0)
}

fn address(record: &Record<'_>) -> Option<Address> {
    match record.kind {
        A => record.content.try_into().ok().map(Address::v4),
        AAAA => record.content.try_into().ok().map(Address::v6),
        _ => None,
    }
}

fn dns(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    let [53, _] = datagram.ports else { return };
    let Ok(message) = Message::read(datagram.bytes) else { return };
    if !message.is_answer() {
        return;
    }
    testimony.so(datagram.source, "dns_server", "dns.response");
    for record in &message.records {
        if let Some(address) = address(record) {
            let field = if record.kind == A { "dns.answer.a" } else { "dns.answer.aaaa" };
            testimony.text(address, "dns_name", field, record.name.as_bytes());
        } else if record.kind == PTR
            && let Some(address) = reversed(&record.name)
        {
            let name = message.name(record.at).unwrap_or_default();
            testimony.text(address, "dns_name", "dns.answer.ptr", name.as_bytes());
        }
    }
}

/// The address of a name of `in-addr.arpa` (RFC 1035, 3.5) or `ip6.arpa` (RFC 3596, 2.5).
fn reversed(name: &str) -> Option<Address> {
    let name = name.to_ascii_lowercase();
    if let Some(digits) = name.strip_suffix(".in-addr.arpa") {
        let bytes: Vec<u8> = digits.rsplit('.').map(|digit| digit.parse().ok()).collect::<Option<_>>()?;
        return Some(Address::v4(bytes.try_into().ok()?));
    }
    let digits: String = name.strip_suffix(".ip6.arpa")?.rsplit('.').collect();
    let bits = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(Address::v6(bits.to_be_bytes()))
}

fn llmnr(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    let Ok(message) = Message::read(datagram.bytes) else { return };
    if !message.is_answer() {
        return;
    }
    for record in &message.records {
        if let Some(address) = address(record) {
            let field = if record.kind == A { "llmnr.answer.a" } else { "llmnr.answer.aaaa" };
            testimony.text(address, "hostname", field, record.name.as_bytes());
        }
    }
}

fn mdns(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    let Ok(message) = Message::read(datagram.bytes) else { return };
    if !message.is_answer() {
        return;
    }
    let sender = datagram.source;
    for record in &message.records {
        if let Some(address) = address(record) {
            let field = if record.kind == A { "mdns.answer.a" } else { "mdns.answer.aaaa" };
            let name = record.name.strip_suffix(".local").unwrap_or(&record.name);
            testimony.text(address, "hostname", field, name.as_bytes());
            continue;
        }
        match record.kind {
            PTR => {
                if let Some(service) = service(&record.name) {
                    testimony.text(sender, "mdns_service", "mdns.answer.ptr", service.as_bytes());
                }
            }
            SRV => instance(sender, &record.name, testimony),
            HINFO => {
                let mut strings = strings(record.content);
                let [cpu, os] = [strings.next(), strings.next()].map(Option::unwrap_or_default);
                testimony.text(sender, "hardware", "mdns.answer.hinfo.cpu", cpu);
                testimony.text(sender, "os_hint", "mdns.answer.hinfo.os", os);
            }
            TXT => strings(record.content).for_each(|pair| trait_of(sender, pair, testimony)),
            _ => {}
        }
    }
}

/// The service of a name (`_ipp._tcp` of `_ipp._tcp.local`); not that by which services are listed (RFC 6763, 9).
fn service(name: &str) -> Option<&str> {
    let service = name.strip_suffix(".local")?;
    let known = service.ends_with("._tcp") || service.ends_with("._udp");
    (known && service.starts_with('_') && !service.contains("_dns-sd.") && !service.contains("_sub."))
        .then_some(service)
}

/// `Instance._service._tcp.local`.
fn instance(sender: Address, name: &str, testimony: &mut Testimony<'_>) {
    let Some((instance, service_name)) = name.split_once("._") else { return };
    let whole = format!("_{service_name}");
    if let Some(service) = service(&whole) {
        testimony.text(sender, "mdns_service", "mdns.answer.srv", service.as_bytes());
        testimony.text(sender, "mdns_instance", "mdns.answer.srv", instance.as_bytes());
    }
}

/// The strings of a TXT or HINFO record (RFC 1035, 3.3.14).
fn strings(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut cursor = Cursor::new("dns.txt", content);
    std::iter::from_fn(move || {
        let length = cursor.u8().ok()?;
        cursor.take(usize::from(length)).ok()
    })
    .take(MAX_RECORDS)
}

/// What keys of services say of a device; the keys are those in use by printers (Bonjour Printing 1.2.1), Apple's and other makers' devices.
fn trait_of(sender: Address, pair: &[u8], testimony: &mut Testimony<'_>) {
    let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { return };
    let (Some(key), Some(value)) = (pair.get(..equals), pair.get(equals.saturating_add(1)..)) else { return };
    let (attribute, field) = match key.to_ascii_lowercase().as_slice() {
        b"usb_mfg" | b"mfg" | b"manufacturer" | b"vendor" => ("vendor", "mdns.txt.vendor"),
        b"product" => ("product", "mdns.txt.product"),
        b"ty" | b"md" | b"model" | b"usb_mdl" | b"modelname" => ("model", "mdns.txt.model"),
        b"sn" | b"serial" | b"serialnumber" => ("serial", "mdns.txt.serial"),
        b"fw" | b"fv" | b"fwver" | b"firmware" | b"fw_version" => ("firmware", "mdns.txt.firmware"),
        _ => return,
    };
    let bare = value.strip_prefix(b"(").and_then(|value| value.strip_suffix(b")")).unwrap_or(value);
    testimony.text(sender, attribute, field, bare);
}
