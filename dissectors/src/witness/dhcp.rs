//! DHCP for IPv4 (RFC 2131, RFC 2132): what a client says of itself, and what it is given.

use super::{Datagram, DatagramEar, Says, Testimony, Witness, dns, says};
use crate::address::{Address, Mac};
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[67, 68], read }),
    ..Witness::new("dhcp", "DHCP", "RFC 2131, RFC 2132, RFC 4702", SAYS)
};

const CLIENT: &str = "the client: its address if it has one, else its MAC";
const GIVEN: &str = "the client's new address";
const NAMED: &str = "the host that is named";
const YOURS: &str = "dhcp.your_address";
const DOMAIN: &str = "dhcp.option.domain_name";
const SERVER: &str = "dhcp.option.server_id";
const ROUTER: &str = "dhcp.option.router";
const DNS_SERVER: &str = "dhcp.option.dns_server";
const NTP_SERVER: &str = "dhcp.option.ntp_server";

const SAYS: &[Says] = &[
    says("mac", YOURS, GIVEN, "00:1b:1b:0a:11:22"),
    says("hostname", "dhcp.option.host_name", CLIENT, "hmi-01"),
    says("dns_name", "dhcp.option.client_fqdn", CLIENT, "hmi-01.plant.local"),
    says("dhcp_vendor_class", "dhcp.option.vendor_class", CLIENT, "MSFT 5.0"),
    says("dhcp_fingerprint", "dhcp.option.parameter_request_list", CLIENT, "1,3,6,15,31,33"),
    says("dhcp_client_id", "dhcp.option.client_id", CLIENT, "01001b1b0a1122"),
    says("dns_domain", DOMAIN, GIVEN, "plant.local"),
    says("dhcp_server", SERVER, NAMED, "true"),
    says("router", ROUTER, NAMED, "true"),
    says("dns_server", DNS_SERVER, NAMED, "true"),
    says("ntp_server", NTP_SERVER, NAMED, "true"),
];

const MAGIC: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const MAX_OPTIONS: usize = 128;
/// Servers of one option that are spoken of.
const MAX_SERVERS: usize = 4;
const ETHERNET: u8 = 1;
const ACK: u8 = 5;

/// The fixed part of a message.
struct Message<'a> {
    request: bool,
    /// The client's address as it uses it.
    own: Address,
    /// The address that it is given.
    yours: Address,
    mac: Option<Mac>,
    options: Vec<(u8, &'a [u8])>,
}

fn read(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    let Ok(Some(message)) = message(datagram.bytes) else { return };
    let kind = message.option(53).and_then(|content| content.first().copied());
    if message.request {
        asks(&message, testimony);
    } else if let Some(kind) = kind {
        answers(&message, kind, testimony);
    }
}

fn message(bytes: &[u8]) -> Result<Option<Message<'_>>, Incomplete> {
    let mut cursor = Cursor::new("dhcp", bytes);
    let (operation, hardware, length) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
    cursor.skip(9)?;
    let (own, yours) = (Address::v4(cursor.array()?), Address::v4(cursor.array()?));
    cursor.skip(8)?;
    let mac: Mac = cursor.array()?;
    cursor.skip(10 + 64 + 128)?;
    if !matches!(operation, 1 | 2) || cursor.array()? != MAGIC {
        return Ok(None);
    }
    let mac = Some(mac).filter(|_| (hardware, length) == (ETHERNET, 6));
    Ok(Some(Message { request: operation == 1, own, yours, mac, options: options(cursor) }))
}

/// The options up to the first that is not whole. One that is split (RFC 3396) is rare, and never one of these.
fn options(mut cursor: Cursor<'_>) -> Vec<(u8, &[u8])> {
    let mut options = Vec::new();
    while options.len() < MAX_OPTIONS {
        match cursor.u8() {
            Ok(0) => {}
            Ok(kind @ 1..=254) => {
                let content = cursor.u8().and_then(|length| cursor.take(usize::from(length)));
                let Ok(content) = content else { break };
                options.push((kind, content));
            }
            Ok(255) | Err(_) => break,
        }
    }
    options
}

impl<'a> Message<'a> {
    fn option(&self, kind: u8) -> Option<&'a [u8]> {
        self.options.iter().find(|(known, _)| *known == kind).map(|(_, content)| *content)
    }
}

fn asks(message: &Message<'_>, testimony: &mut Testimony<'_>) {
    let mac = message.mac.map(Address::mac);
    let Some(about) = Some(message.own).filter(|own| own.bits != 0).or(mac) else { return };
    client(about, message, testimony);
}

fn client(about: Address, message: &Message<'_>, testimony: &mut Testimony<'_>) {
    for (kind, content) in &message.options {
        match (kind, content) {
            (12, text) => testimony.text(about, "hostname", "dhcp.option.host_name", text),
            (55, list) if message.request => {
                let numbers: Vec<_> = list.iter().map(u8::to_string).collect();
                let field = "dhcp.option.parameter_request_list";
                testimony.text(about, "dhcp_fingerprint", field, numbers.join(",").as_bytes());
            }
            (60, text) if message.request => {
                testimony.text(about, "dhcp_vendor_class", "dhcp.option.vendor_class", text);
            }
            (61, bytes) => testimony.hex(about, "dhcp_client_id", "dhcp.option.client_id", bytes),
            (81, [flags, _, _, name @ ..]) => {
                // RFC 4702, 2.1: bit E says how the name is written.
                let wire = (flags & 4 != 0).then(|| dns::plain_name(name)).flatten();
                let name = wire.as_ref().map_or(name, |wire| wire.as_bytes());
                testimony.text(about, "dns_name", "dhcp.option.client_fqdn", name);
            }
            _ => {}
        }
    }
}

fn answers(message: &Message<'_>, kind: u8, testimony: &mut Testimony<'_>) {
    let mut servers = |option, attribute, field| {
        let addresses = message.option(option).unwrap_or_default().as_chunks::<4>().0.iter();
        addresses.take(MAX_SERVERS).for_each(|address| testimony.so(Address::v4(*address), attribute, field));
    };
    servers(54, "dhcp_server", SERVER);
    if kind != ACK {
        return;
    }
    servers(3, "router", ROUTER);
    servers(6, "dns_server", DNS_SERVER);
    servers(42, "ntp_server", NTP_SERVER);
    let about = if message.yours.bits == 0 { message.own } else { message.yours };
    if about.bits == 0 {
        return;
    }
    if let Some(mac) = message.mac {
        testimony.mac(about, YOURS, mac);
    }
    if let Some(domain) = message.option(15) {
        testimony.text(about, "dns_domain", DOMAIN, domain);
    }
    client(about, message, testimony);
}
