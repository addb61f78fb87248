//! Messages for tests, written part by part.

use super::{CLIENT, SERVER};
use crate::address::Side;

/// Bytes that grow.
#[derive(Debug, Clone, Default)]
pub struct Wire(pub Vec<u8>);

impl Wire {
    pub fn u8(mut self, n: u8) -> Self {
        self.0.push(n);
        self
    }
    pub fn u16(mut self, n: u16) -> Self {
        self.0.extend(n.to_le_bytes());
        self
    }
    pub fn u32(mut self, n: u32) -> Self {
        self.0.extend(n.to_le_bytes());
        self
    }
    pub fn i32(mut self, n: i32) -> Self {
        self.0.extend(n.to_le_bytes());
        self
    }
    pub fn i64(mut self, n: i64) -> Self {
        self.0.extend(n.to_le_bytes());
        self
    }
    pub fn f64(mut self, n: f64) -> Self {
        self.0.extend(n.to_le_bytes());
        self
    }
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
    pub fn text(self, text: &str) -> Self {
        self.i32(text.len() as i32).raw(text.as_bytes())
    }
    pub fn null(self) -> Self {
        self.i32(-1)
    }
    /// A numeric node of the standard's namespace, or another's.
    pub fn node(self, namespace: u8, number: u16) -> Self {
        self.u8(1).u8(namespace).u16(number)
    }
    pub fn named(self, namespace: u16, name: &str) -> Self {
        self.u8(3).u16(namespace).text(name)
    }
    pub fn qualified(self, namespace: u16, name: &str) -> Self {
        self.u16(namespace).text(name)
    }
    pub fn localized(self, text: &str) -> Self {
        self.u8(2).text(text)
    }
    pub fn extension(self, type_id: u16, body: &Wire) -> Self {
        self.node(0, type_id).u8(1).i32(body.0.len() as i32).raw(&body.0)
    }
    pub fn nothing(self) -> Self {
        self.raw(&[0, 0, 0])
    }
    /// A good Double with both times.
    pub fn double(self, value: f64) -> Self {
        self.u8(0x0D).u8(11).f64(value).i64(TIME).i64(TIME)
    }
}

/// 2025-01-01 as ticks.
pub const TIME: i64 = 133_801_632_000_000_000;

pub fn wire() -> Wire {
    Wire::default()
}

const TOKEN: &[u8] = b"\x05\x00\x00\x08\x00\x00\x00SECRETID";

/// A request up to the service's own part.
pub fn request(type_id: u16) -> Wire {
    wire().node(0, type_id).raw(TOKEN).i64(TIME).u32(77).u32(0).null().u32(10_000).nothing()
}

/// A request without a session.
pub fn plain(type_id: u16) -> Wire {
    wire().node(0, type_id).raw(&[0, 0]).i64(TIME).u32(77).u32(0).null().u32(10_000).nothing()
}

/// A response up to the service's own part.
pub fn response(type_id: u16, result: u32) -> Wire {
    wire().node(0, type_id).i64(TIME).u32(77).u32(result).u8(0).i32(0).nothing()
}

/// A chunk of MSG: kind of chunk, sequence number, request, bytes.
pub fn chunk(part: u8, sequence: u32, number: u32, body: &[u8]) -> Vec<u8> {
    framed(b"MSG", part, &wire().u32(9).u32(1).u32(sequence).u32(number).raw(body).0)
}

/// A message of one chunk, whose sequence number fits its request id.
pub fn message(number: u32, body: &[u8]) -> Vec<u8> {
    chunk(b'F', number, number, body)
}

pub fn framed(kind: &[u8; 3], part: u8, rest: &[u8]) -> Vec<u8> {
    wire().raw(kind).u8(part).u32(rest.len() as u32 + 8).raw(rest).0
}

pub const NONE: &str = "http://opcfoundation.org/UA/SecurityPolicy#None";
pub const BASIC256SHA256: &str = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256";

/// HEL, ACK.
pub fn hello() -> Vec<(Side, Vec<u8>)> {
    let limits = |wire: Wire| wire.u32(0).u32(65_536).u32(65_536).u32(0).u32(0);
    let hel = framed(b"HEL", b'F', &limits(wire()).text("opc.tcp://plc:4840").0);
    vec![(CLIENT, hel), (SERVER, framed(b"ACK", b'F', &limits(wire()).0))]
}

/// An OPN: channel, policy, what follows.
pub fn open(channel: u32, policy: &str, rest: &[u8]) -> Vec<u8> {
    framed(b"OPN", b'F', &wire().u32(channel).text(policy).null().null().raw(rest).0)
}

/// HEL, ACK, and a channel without security.
pub fn setup() -> Vec<(Side, Vec<u8>)> {
    let asked = plain(446).u32(0).u32(0).u32(1).null().u32(3_600_000);
    let granted = response(449, 0).u32(0).u32(9).u32(1).i64(TIME).u32(3_600_000).null();
    let numbered = |body: Wire| wire().u32(1).u32(1).raw(&body.0).0;
    let mut all = hello();
    all.push((CLIENT, open(0, NONE, &numbered(asked))));
    all.push((SERVER, open(9, NONE, &numbered(granted))));
    all
}

pub fn application(uri: &str, kind: u32) -> Wire {
    wire().text(uri).text("urn:product").localized("Name").u32(kind).null().null().i32(0)
}

/// An endpoint: mode, policy.
pub fn endpoint(mode: u32, policy: &str) -> Wire {
    let token = wire().text("0").u32(1).null().null().null();
    wire()
        .text("opc.tcp://plc:4840")
        .raw(&application("urn:plc", 0).0)
        .null()
        .u32(mode)
        .text(policy)
        .i32(1)
        .raw(&token.0)
        .text("http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary")
        .u8(0)
}

/// CreateSession and ActivateSession, as requests 2 and 3; the server offers these endpoints.
pub fn session_with(endpoints: &[Wire], token: &Wire) -> Vec<(Side, Vec<u8>)> {
    let create = plain(461)
        .raw(&application("urn:hmi", 1).0)
        .null()
        .text("opc.tcp://plc:4840")
        .text("session of the HMI")
        .null()
        .null()
        .f64(60_000.0)
        .u32(0);
    let list = endpoints.iter().fold(wire().i32(endpoints.len() as i32), |list, one| list.raw(&one.0));
    let created =
        response(464, 0).node(1, 1234).raw(TOKEN).f64(60_000.0).null().null().raw(&list.0).i32(-1).null().null().u32(0);
    let activate = request(467).null().null().i32(0).i32(0).raw(&token.0).null().null();
    let activated = response(470, 0).null().i32(0).i32(0);
    vec![
        (CLIENT, message(2, &create.0)),
        (SERVER, message(2, &created.0)),
        (CLIENT, message(3, &activate.0)),
        (SERVER, message(3, &activated.0)),
    ]
}

/// The identity token of a user with a password.
pub fn user(name: &str) -> Wire {
    wire().extension(324, &wire().text("0").text(name).text("hunter2").null())
}

/// A session of the user `operator`.
pub fn session() -> Vec<(Side, Vec<u8>)> {
    session_with(&[endpoint(1, NONE)], &user("operator"))
}
