//! TLS (RFC 5246, RFC 8446): the name that is asked for, how a client says hello, the certificate of a server.

use sha2::{Digest as _, Sha256};

use super::{Listener, Look, Piece, Recognised, Says, StreamEar, Testimony, Witness, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::opcua::certificate::Certificate;
use crate::transaction::Value;

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    streams: Some(StreamEar { recognise, start: || Box::new(Tls::default()), budget: 48 << 10 }),
    ..Witness::new("tls", "TLS", "RFC 5246, RFC 6066, RFC 8446", SAYS)
};

const SERVER: &str = "the server";
const CERTIFICATE: &str = "tls.certificate.sha256";

const SAYS: &[Says] = &[
    says("tls_sni", "tls.server_name", SERVER, "portal.example"),
    says("tls_ja4", "tls.client_hello", "the client", "t13d1516h2_8daaf6152771_e5627efa2ab1"),
    says("tls_version", "tls.server_hello", SERVER, "1.2"),
    says("certificate_sha256", CERTIFICATE, SERVER, "9f86d081884c7d65…"),
    says("certificate_subject", "tls.certificate.subject", SERVER, "CN=plc-1"),
    says("certificate_issuer", "tls.certificate.issuer", SERVER, "CN=Plant CA"),
    says("certificate_not_before", "tls.certificate.not_before", SERVER, "1609459200000000000"),
    says("certificate_not_after", "tls.certificate.not_after", SERVER, "1924992000000000000"),
    says("certificate_names", "tls.certificate.names", SERVER, "plc-1.plant.local,10.0.0.7"),
];

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE_MESSAGE: u8 = 11;
/// Bytes of a record at most (RFC 8446, 5.2).
const MAX_RECORD: usize = 16_384 + 256;

/// A record with a client's or server's hello.
pub fn recognise(bytes: &[u8]) -> Recognised {
    match bytes {
        [HANDSHAKE, 3, 0..=4, _, _, CLIENT_HELLO | SERVER_HELLO, ..] => Recognised::Mine,
        [HANDSHAKE]
        | [HANDSHAKE, 3]
        | [HANDSHAKE, 3, 0..=4]
        | [HANDSHAKE, 3, 0..=4, _]
        | [HANDSHAKE, 3, 0..=4, _, _] => Recognised::More,
        _ => Recognised::NotMine,
    }
}

/// Waits until each side's first messages are whole. It keeps no bytes of its own.
#[derive(Default)]
pub struct Tls {
    hello_told: [bool; 2],
}

impl Listener for Tls {
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        let (messages, ended) = handshake(piece.bytes);
        let told = self.hello_told.get_mut(piece.side.index());
        let done = read(&messages, piece, told.is_some_and(|told| std::mem::replace(told, true)), testimony);
        if let (false, Some(told)) = (done.hello, self.hello_told.get_mut(piece.side.index())) {
            *told = false;
        }
        if done.all || ended { Look::Done } else { Look::More }
    }
}

/// The bytes of handshake messages at the front, and whether something else follows.
fn handshake(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut cursor = Cursor::new("tls.record", bytes);
    let mut messages = Vec::new();
    while let Ok([kind, major, _, high, low]) = cursor.array() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if major != 3 || length > MAX_RECORD || !matches!(kind, HANDSHAKE | ALERT) {
            return (messages, true);
        }
        let content = cursor.take(length.min(cursor.remaining())).unwrap_or_default();
        if kind == HANDSHAKE {
            messages.extend_from_slice(content);
        }
    }
    (messages, false)
}

struct Done {
    /// The hello was whole.
    hello: bool,
    /// Nothing more is expected.
    all: bool,
}

fn read(messages: &[u8], piece: &Piece<'_>, told: bool, testimony: &mut Testimony<'_>) -> Done {
    let mut cursor = Cursor::new("tls.handshake", messages);
    let mut done = Done { hello: false, all: false };
    while let Ok((kind, length)) = message_header(&mut cursor) {
        let whole = cursor.take(length);
        match (kind, whole) {
            (CLIENT_HELLO, Ok(content)) => {
                if !told {
                    let _ = client_hello(piece, content, testimony);
                }
                return Done { hello: true, all: true };
            }
            (SERVER_HELLO, Ok(content)) => {
                done.hello = true;
                match server_hello(content) {
                    // What follows is encrypted in version 1.3.
                    Ok(version) => {
                        if !told {
                            testimony.text(
                                piece.source,
                                "tls_version",
                                "tls.server_hello",
                                version_name(version).as_bytes(),
                            );
                        }
                        done.all = version >= 0x0304;
                    }
                    Err(_) => done.all = true,
                }
            }
            (CERTIFICATE_MESSAGE, whole) => {
                // The first of a chain is enough, so the rest need not have come.
                let content = whole.unwrap_or_else(|_| cursor.rest());
                if let Ok(der) = first_certificate(content) {
                    certificate(piece.source, der, testimony);
                    done.all = true;
                }
                return Done { all: done.all || whole.is_ok(), ..done };
            }
            (14, Ok(_)) => done.all = true, // ServerHelloDone
            (_, Ok(_)) => {}
            (_, Err(_)) => return done,
        }
    }
    done
}

fn message_header(cursor: &mut Cursor<'_>) -> Result<(u8, usize), Incomplete> {
    let [kind, a, b, c] = cursor.array()?;
    Ok((kind, usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX)))
}

/// Bytes with a length of one or two bytes before them.
fn short<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Incomplete> {
    let length = usize::from(cursor.u8()?);
    cursor.take(length)
}

fn long<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Incomplete> {
    let length = usize::from(cursor.u16_be()?);
    cursor.take(length)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word))
}

fn extensions(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut cursor = Cursor::new("tls.extensions", bytes);
    std::iter::from_fn(move || {
        let kind = cursor.u16_be().ok()?;
        Some((kind, long(&mut cursor).ok()?))
    })
}

fn server_hello(content: &[u8]) -> Result<u16, Incomplete> {
    let mut cursor = Cursor::new("tls.server_hello", content);
    let version = cursor.u16_be()?;
    cursor.skip(32)?;
    short(&mut cursor)?;
    cursor.skip(3)?;
    let list = long(&mut cursor).unwrap_or_default();
    let selected = extensions(list).find(|(kind, _)| *kind == 43).and_then(|(_, content)| words(content).next());
    Ok(selected.unwrap_or(version))
}

fn version_name(version: u16) -> &'static str {
    match version {
        0x0300 => "ssl3",
        0x0301 => "1.0",
        0x0302 => "1.1",
        0x0303 => "1.2",
        0x0304 => "1.3",
        _ => "unknown",
    }
}

/// Values that mean nothing (RFC 8701).
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0F == 0x0A
}

fn client_hello(piece: &Piece<'_>, content: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("tls.client_hello", content);
    let version = cursor.u16_be()?;
    cursor.skip(32)?;
    short(&mut cursor)?;
    let ciphers = long(&mut cursor)?;
    short(&mut cursor)?;
    let list = long(&mut cursor).unwrap_or_default(); // there need be none
    if let Some(name) = extensions(list).find(|(kind, _)| *kind == 0).and_then(|(_, content)| server_name(content)) {
        testimony.text(piece.destination, "tls_sni", "tls.server_name", name);
    }
    testimony.text(piece.source, "tls_ja4", "tls.client_hello", ja4(version, ciphers, list).as_bytes());
    Ok(())
}

/// The host name of the extension (RFC 6066, 3).
fn server_name(content: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new("tls.server_name", content);
    cursor.skip(2).ok()?;
    (cursor.u8().ok()? == 0).then(|| long(&mut cursor).ok()).flatten()
}

/// The fingerprint of a hello as FoxIO defines JA4 (JA4 itself is under the BSD licence): transport, version, whether a name is asked for,
/// how many ciphers and extensions, the first application protocol; then digests of ciphers and of extensions with signature algorithms.
fn ja4(version: u16, ciphers: &[u8], list: &[u8]) -> String {
    let kinds: Vec<u16> = extensions(list).map(|(kind, _)| kind).filter(|kind| !is_grease(*kind)).collect();
    let content = |wanted| extensions(list).find(|(kind, _)| *kind == wanted).map(|(_, content)| content);
    let offered = content(43).and_then(|content| content.get(1..)).unwrap_or_default();
    let version = words(offered).filter(|version| !is_grease(*version)).max().unwrap_or(version);
    let version = match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        _ => "00",
    };
    let name = if kinds.contains(&0) { 'd' } else { 'i' };
    let mut suites: Vec<u16> = words(ciphers).filter(|cipher| !is_grease(*cipher)).collect();
    let counts = [suites.len(), kinds.len()].map(|count| count.min(99));
    suites.sort_unstable();
    let mut others: Vec<u16> = kinds.into_iter().filter(|kind| !matches!(kind, 0 | 16)).collect();
    others.sort_unstable();
    let algorithms = words(content(13).and_then(|content| content.get(2..)).unwrap_or_default());
    let algorithms = hex(algorithms.filter(|algorithm| !is_grease(*algorithm)));
    let joined = hex(others.iter().copied());
    let extensions = if algorithms.is_empty() { joined } else { format!("{joined}_{algorithms}") };
    let protocol =
        content(16).and_then(|content| content.get(2..)).and_then(application).unwrap_or_else(|| "00".to_owned());
    let [suite_count, kind_count] = counts;
    let suites = digest(&hex(suites.into_iter()));
    format!("t{version}{name}{suite_count:02}{kind_count:02}{protocol}_{suites}_{}", digest(&extensions))
}

/// First and last letter of the first protocol; its hexadecimal digits' where those are no letters.
fn application(list: &[u8]) -> Option<String> {
    let protocol = short(&mut Cursor::new("tls.alpn", list)).ok()?;
    let (first, last) = (*protocol.first()?, *protocol.last()?);
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return Some(format!("{}{}", char::from(first), char::from(last)));
    }
    Some(format!("{:x}{:x}", first >> 4, last & 15))
}

fn hex(numbers: impl Iterator<Item = u16>) -> String {
    numbers.map(|number| format!("{number:04x}")).collect::<Vec<_>>().join(",")
}

/// The first twelve digits of the SHA-256, zeros where there is nothing.
fn digest(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(12);
    }
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The first certificate of a chain, once it is whole.
fn first_certificate(content: &[u8]) -> Result<&[u8], Incomplete> {
    let mut cursor = Cursor::new("tls.certificate", content);
    cursor.skip(3)?;
    let [a, b, c] = cursor.array()?;
    cursor.take(usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX))
}

fn certificate(about: Address, der: &[u8], testimony: &mut Testimony<'_>) {
    if der.is_empty() {
        return;
    }
    let certificate = Certificate::read(der);
    testimony.hex(about, "certificate_sha256", CERTIFICATE, &certificate.sha256);
    let Some(content) = &certificate.content else { return };
    testimony.text(about, "certificate_subject", "tls.certificate.subject", content.subject.as_bytes());
    testimony.text(about, "certificate_issuer", "tls.certificate.issuer", content.issuer.as_bytes());
    let [begin, end] = content.validity.map(|seconds| Value::Signed(seconds.saturating_mul(1_000_000_000)));
    testimony.value(about, "certificate_not_before", "tls.certificate.not_before", begin);
    testimony.value(about, "certificate_not_after", "tls.certificate.not_after", end);
    testimony.text(about, "certificate_names", "tls.certificate.names", content.names.join(",").as_bytes());
}
