//! HTTP/1 (RFC 9110, RFC 9112): what clients and servers call themselves; SSDP (UPnP Device Architecture), which has the same form.
//! Cookies and credentials are skipped, never kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{
    Datagram, DatagramEar, Listener, Look, Piece, Recognised, Says, StreamEar, Testimony, Witness, ntlmssp, says,
};
use crate::address::Address;

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    streams: Some(StreamEar { recognise, start: || Box::new(Http::default()), budget: 64 << 10 }),
    ..Witness::new("http", "HTTP", "RFC 9110, RFC 9112", SAYS)
};
/// UPnP's discovery.
pub static SSDP: Witness = Witness {
    datagrams: Some(DatagramEar { ports: &[1900], read: ssdp }),
    ..Witness::new("ssdp", "Simple service discovery", "UPnP Device Architecture 2.0, 1", SSDP_SAYS)
};

const CLIENT: &str = "the client";
const SERVER: &str = "the server";

const SAYS: &[Says] = &[
    says("http_user_agent", "http.user_agent", CLIENT, "Mozilla/5.0 (Windows NT 6.1)"),
    says("http_host", "http.host", SERVER, "plc-web.local"),
    says("http_server", "http.server", SERVER, "SIMATIC S7-1200"),
    says("http_powered_by", "http.x_powered_by", SERVER, "PHP/5.4"),
    says("http_realm", "http.authenticate.realm", SERVER, "Schneider Web"),
    says("http_title", "http.title", SERVER, "Station login"),
    says("hostname", ntlmssp::COMPUTER, SERVER, "HIST01"),
    says("domain", ntlmssp::DOMAIN, SERVER, "PLANT"),
    says("dns_name", ntlmssp::DNS_COMPUTER, SERVER, "hist01.plant.local"),
    says("dns_domain", ntlmssp::DNS_DOMAIN, SERVER, "plant.local"),
    says("os_build", ntlmssp::VERSION, "the side that says it", "10.0.17763"),
    says("hostname", ntlmssp::WORKSTATION, CLIENT, "ENG-PC"),
    says("domain", ntlmssp::CLIENT_DOMAIN, CLIENT, "PLANT"),
];
const SSDP_SAYS: &[Says] = &[says("upnp_server", "ssdp.server", "the sender", "Linux/3.10 UPnP/1.0 MiniDLNA/1.1")];

/// How messages begin: methods, or the version.
const BEGINNINGS: [&[u8]; 9] =
    [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"DELETE ", b"PROPFIND ", b"M-POST ", b"HTTP/1."];
/// Messages of one direction that are read.
const MAX_MESSAGES: u8 = 6;
/// Lines of one message's head.
const MAX_LINES: u16 = 128;
/// A line that is longer is given up with its connection.
const MAX_LINE: usize = 8_192;
/// Lines of one datagram.
const MAX_SSDP_LINES: usize = 32;

fn recognise(bytes: &[u8]) -> Recognised {
    if BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning)) {
        Recognised::Mine
    } else if BEGINNINGS.iter().any(|beginning| beginning.starts_with(bytes)) {
        Recognised::More
    } else {
        Recognised::NotMine
    }
}

/// One direction.
#[derive(Default)]
struct Direction {
    messages: u8,
    lines: u16,
    /// Bytes of the body that follows, once the head has said how many.
    body: Option<usize>,
    in_body: bool,
    /// The body's end is not told.
    endless: bool,
    response: bool,
}

#[derive(Default)]
struct Http {
    directions: [Direction; 2],
}

impl Listener for Http {
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        let Some(direction) = self.directions.get_mut(piece.side.index()) else { return Look::Done };
        if direction.in_body {
            return direction.skip_body(piece, testimony);
        }
        let Some(end) = piece.bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
            return if piece.bytes.len() < MAX_LINE { Look::More } else { Look::Done };
        };
        let line = piece.bytes.get(..end).unwrap_or_default().trim_ascii();
        if !direction.line(line, piece, testimony) {
            return Look::Done;
        }
        Look::Used(end.saturating_add(1))
    }
}

impl Direction {
    /// A line of the head; false where nothing more is to be read.
    fn line(&mut self, line: &[u8], piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> bool {
        self.lines = self.lines.saturating_add(1);
        if self.lines == 1 {
            self.response = line.starts_with(b"HTTP/1.");
            return recognise(line) == Recognised::Mine;
        }
        if !line.is_empty() {
            if let Some((name, value)) = header(line) {
                self.header(&name, value, piece, testimony);
            }
            return self.lines < MAX_LINES;
        }
        self.messages = self.messages.saturating_add(1);
        self.lines = 0;
        self.in_body = self.body.is_some_and(|body| body > 0) || self.endless;
        self.messages < MAX_MESSAGES || self.in_body
    }

    fn header(&mut self, name: &[u8], value: &[u8], piece: &Piece<'_>, testimony: &mut Testimony<'_>) {
        let (sender, receiver) = (piece.source, piece.destination);
        match (self.response, name) {
            (_, b"content-length") => self.body = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()),
            (_, b"transfer-encoding") => self.endless = true,
            (false, b"user-agent") => testimony.text(sender, "http_user_agent", "http.user_agent", value),
            (false, b"host") => host(receiver, value, testimony),
            (true, b"server") => testimony.text(sender, "http_server", "http.server", value),
            (true, b"x-powered-by") => testimony.text(sender, "http_powered_by", "http.x_powered_by", value),
            (true, b"www-authenticate") => authenticate(sender, value, testimony),
            (false, b"authorization") => negotiated(sender, value, testimony),
            _ => {}
        }
    }

    /// Skips a body; a page's title is read where it stands in its first piece.
    fn skip_body(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        let first = self.body.take();
        if self.response
            && let Some(title) = title(piece.bytes)
        {
            testimony.text(piece.source, "http_title", "http.title", title);
        }
        let Some(left) = first.filter(|_| !self.endless && self.messages < MAX_MESSAGES) else { return Look::Done };
        let used = left.min(piece.bytes.len());
        let left = left.saturating_sub(used);
        self.in_body = left > 0;
        self.body = Some(left).filter(|left| *left > 0);
        Look::Used(used)
    }
}

/// Name in lower case, and value.
fn header(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    Some((name.trim_ascii().to_ascii_lowercase(), value.get(1..)?.trim_ascii()))
}

/// The name by which a server is asked for, without its port; not where that is an address.
fn host(about: Address, value: &[u8], testimony: &mut Testimony<'_>) {
    let Ok(text) = std::str::from_utf8(value) else { return };
    let name = text.split(':').next().unwrap_or_default();
    let is_address = text.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
    if !is_address {
        testimony.text(about, "http_host", "http.host", name.as_bytes());
    }
}

/// The realm that a server names, or the challenge of NTLM (MS-NTHT).
fn authenticate(about: Address, value: &[u8], testimony: &mut Testimony<'_>) {
    let lower = value.to_ascii_lowercase();
    let place = lower.windows(7).position(|window| window == b"realm=\"").and_then(|place| place.checked_add(7));
    if let Some(rest) = place.and_then(|place| value.get(place..)) {
        let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
        testimony.text(about, "http_realm", "http.authenticate.realm", rest.get(..end).unwrap_or_default());
    }
    negotiated(about, value, testimony);
}

fn negotiated(sender: Address, value: &[u8], testimony: &mut Testimony<'_>) {
    let mut words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (scheme, token) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if (scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate"))
        && let Ok(bytes) = STANDARD.decode(token)
    {
        ntlmssp::read(sender, &bytes, testimony);
    }
}

fn title(bytes: &[u8]) -> Option<&[u8]> {
    const LOOKED_AT: usize = 4_096;
    let bytes = bytes.get(..bytes.len().min(LOOKED_AT))?;
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|part| part.eq_ignore_ascii_case(what));
    let rest = bytes.get(find(bytes, b"<title>")?.checked_add(7)?..)?;
    rest.get(..find(rest, b"</title>")?)
}

fn ssdp(datagram: &Datagram<'_>, testimony: &mut Testimony<'_>) {
    let mut lines = datagram.bytes.split(|byte| *byte == b'\n').take(MAX_SSDP_LINES);
    let first = lines.next().unwrap_or_default();
    if !first.starts_with(b"NOTIFY * ") && !first.starts_with(b"HTTP/1.1 200") {
        return;
    }
    for (name, value) in lines.filter_map(header) {
        if name == b"server" {
            testimony.text(datagram.source, "upnp_server", "ssdp.server", value);
        }
    }
}
