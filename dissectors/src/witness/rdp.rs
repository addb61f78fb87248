//! RDP (MS-RDPBCGR): the name in a client's cookie, what security a server chooses, the client's own name where nothing is encrypted. What
//! goes on as TLS is heard as such: the certificate of a Windows host bears its name.

use super::testimony::clean;
use super::{Listener, Look, Piece, Recognised, Says, StreamEar, Testimony, Witness, says, tls};
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    streams: Some(StreamEar { recognise, start: || Box::new(Rdp::default()), budget: 48 << 10 }),
    ..Witness::new("rdp", "Remote desktop", "MS-RDPBCGR, 2.2.1", SAYS)
};

const CLIENT: &str = "the client";
const SAYS: &[Says] = &[
    says("rdp_user", "rdp.cookie.mstshash", CLIENT, "operator"),
    says("rdp_security", "rdp.negotiation.selected", "the server", "credssp"),
    says("hostname", "rdp.client_core.name", CLIENT, "ENG-PC"),
    says("rdp_client_build", "rdp.client_core.build", CLIENT, "7601"),
];

const CONNECTION_REQUEST: u8 = 0xE0;
const CONNECTION_CONFIRM: u8 = 0xD0;
const COOKIE: &[u8] = b"Cookie: mstshash=";
/// The key of a client's data (T.124, as MS-RDPBCGR 2.2.1.3 has it).
const CLIENT_KEY: &[u8] = b"Duca";
/// Header of the client's core data (2.2.1.3.2).
const CLIENT_CORE: [u8; 2] = [0x01, 0xC0];

/// A TPKT with a connection request that has a cookie or a negotiation, which those of other protocols have not.
fn recognise(bytes: &[u8]) -> Recognised {
    match bytes {
        [3, 0, _, _, _, CONNECTION_REQUEST, _, _, _, _, 0, rest @ ..] => match rest {
            [1, _, 8, 0, ..] | [b'C', b'o', b'o', b'k', ..] => Recognised::Mine,
            _ if rest.len() < 4 => Recognised::More,
            _ => Recognised::NotMine,
        },
        [3, 0, _, _, _, CONNECTION_CONFIRM, _, _, _, _, 0, 2 | 3, _, 8, 0, ..] => Recognised::Mine,
        [3, 0, _, _, _, CONNECTION_REQUEST | CONNECTION_CONFIRM, ..] if bytes.len() < 15 => Recognised::More,
        [3] | [3, 0] | [3, 0, _] | [3, 0, _, _] | [3, 0, _, _, _] => Recognised::More,
        _ => Recognised::NotMine,
    }
}

#[derive(Default)]
struct Rdp {
    asked: bool,
    tls: tls::Tls,
}

impl Listener for Rdp {
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        match piece.bytes {
            [3, 0, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                match piece.bytes.get(4..length) {
                    Some(content) if self.read(piece, content, testimony).unwrap_or(true) => Look::Used(length),
                    None if length > 4 => Look::More,
                    _ => Look::Done,
                }
            }
            [3] | [3, 0] | [3, 0, _] => Look::More,
            [22, ..] => {
                let mut testimony = testimony.for_unit(tls::WITNESS.name, None);
                self.tls.hear(piece, &mut testimony)
            }
            _ => Look::Done,
        }
    }
}

impl Rdp {
    /// The content of a TPKT; false where nothing more is to be expected of this direction.
    fn read(&mut self, piece: &Piece<'_>, content: &[u8], testimony: &mut Testimony<'_>) -> Result<bool, Incomplete> {
        let mut cursor = Cursor::new("rdp.x224", content);
        cursor.skip(1)?;
        let kind = cursor.u8()?;
        match kind {
            CONNECTION_REQUEST => {
                self.asked = true;
                cursor.skip(5)?;
                if let Some(name) = cursor.rest().strip_prefix(COOKIE) {
                    let end = name.iter().position(|byte| *byte == b'\r').unwrap_or(name.len());
                    testimony.text(
                        piece.source,
                        "rdp_user",
                        "rdp.cookie.mstshash",
                        name.get(..end).unwrap_or_default(),
                    );
                }
                Ok(true)
            }
            CONNECTION_CONFIRM => {
                cursor.skip(5)?;
                let security = match cursor.rest() {
                    [2, _, 8, 0, a, b, c, d, ..] => security(u32::from_le_bytes([*a, *b, *c, *d])),
                    [] if self.asked => "rdp",
                    _ => "",
                };
                testimony.text(piece.source, "rdp_security", "rdp.negotiation.selected", security.as_bytes());
                // In the clear the server says nothing more of itself.
                Ok(!matches!(security, "rdp" | ""))
            }
            _ => {
                client_core(piece, content, testimony)?;
                Ok(false)
            }
        }
    }
}

/// The protocol that a server selected (2.2.1.2.1).
fn security(selected: u32) -> &'static str {
    match selected {
        0 => "rdp",
        1 => "tls",
        2 => "credssp",
        4 => "rdstls",
        8 => "credssp_early_user",
        16 => "rdsaad",
        _ => "unknown",
    }
}

/// The client's core data (2.2.1.3.2) within its first message.
fn client_core(piece: &Piece<'_>, content: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
    let key = find(content, CLIENT_KEY).and_then(|place| content.get(place.saturating_add(CLIENT_KEY.len())..));
    let Some(data) = key else { return Ok(()) };
    let core = find(data.get(..8.min(data.len())).unwrap_or_default(), &CLIENT_CORE);
    let mut cursor = Cursor::new("rdp.client_core", core.and_then(|place| data.get(place..)).unwrap_or_default());
    cursor.skip(20)?; // header, version, size, depth, sequence
    cursor.skip(4)?; // keyboard
    let build = cursor.u32_le()?;
    testimony.number(piece.source, "rdp_client_build", "rdp.client_core.build", build);
    let name = super::testimony::from_utf16(cursor.take(32)?);
    testimony.text(piece.source, "hostname", "rdp.client_core.name", clean(name.as_bytes()));
    Ok(())
}
