//! SMB 1 to 3 (MS-CIFS, MS-SMB, MS-SMB2) over TCP: dialect, systems by their own names, and what NTLM tells. Nothing of a password.

use super::{Listener, Look, Piece, Recognised, Says, StreamEar, Testimony, Witness, ntlmssp, says};
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    streams: Some(StreamEar { recognise, start: || Box::new(Smb::default()), budget: 64 << 10 }),
    ..Witness::new("smb", "SMB", "MS-CIFS, MS-SMB, MS-SMB2, MS-NLMP", SAYS)
};

const SERVER: &str = "the server";
const CLIENT: &str = "the client";
const SPEAKER: &str = "the side that says it";
const DIALECT: &str = "smb.negotiate.dialect";
const GUID: &str = "smb.negotiate.server_guid";
const NATIVE_OS: &str = "smb.session_setup.native_os";
const NATIVE_LM: &str = "smb.session_setup.native_lan_manager";
const SETUP_DOMAIN: &str = "smb.session_setup.domain";

const SAYS: &[Says] = &[
    says("smb_dialect", DIALECT, SERVER, "3.1.1"),
    says("smb_server_guid", GUID, SERVER, "6bcf0a9f…"),
    says("smb_native_os", NATIVE_OS, SPEAKER, "Windows 5.1"),
    says("smb_native_lan_manager", NATIVE_LM, SPEAKER, "Windows 2000 LAN Manager"),
    says("domain", SETUP_DOMAIN, SPEAKER, "PLANT"),
    says("hostname", ntlmssp::COMPUTER, SERVER, "HIST01"),
    says("domain", ntlmssp::DOMAIN, SERVER, "PLANT"),
    says("dns_name", ntlmssp::DNS_COMPUTER, SERVER, "hist01.plant.local"),
    says("dns_domain", ntlmssp::DNS_DOMAIN, SERVER, "plant.local"),
    says("os_build", ntlmssp::VERSION, SPEAKER, "10.0.17763"),
    says("hostname", ntlmssp::WORKSTATION, CLIENT, "ENG-PC"),
    says("domain", ntlmssp::CLIENT_DOMAIN, CLIENT, "PLANT"),
];

/// Messages of one direction that are looked at.
const MAX_MESSAGES: u8 = 12;
/// A longer message is no set-up of a session.
const MAX_MESSAGE: usize = 16 << 10;

/// A session message with SMB in it, or the request for a session (RFC 1002, 4.3) with its answer.
fn recognise(bytes: &[u8]) -> Recognised {
    match bytes {
        [0, _, _, _, 0xFE | 0xFF, b'S', b'M', b'B', ..] | [0x81, 0, 0, 68, 32, ..] | [0x82, 0, 0, 0] => {
            Recognised::Mine
        }
        [0] | [0, _] | [0, _, _] | [0, _, _, _] => Recognised::More,
        [0, _, _, _, 0xFE | 0xFF, rest @ ..] if b"SMB".starts_with(rest) => Recognised::More,
        [0x81] | [0x81, 0] | [0x81, 0, 0] | [0x81, 0, 0, 68] | [0x82] | [0x82, 0] | [0x82, 0, 0] => Recognised::More,
        _ => Recognised::NotMine,
    }
}

#[derive(Default)]
struct Smb {
    messages: [u8; 2],
    /// Which of the dialects that a client of SMB 1 offered is "NT LM 0.12".
    nt_dialect: Option<u16>,
}

impl Listener for Smb {
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        let Some([_, high, middle, low]) = piece.bytes.first_chunk() else { return Look::More };
        let length = usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).unwrap_or(usize::MAX);
        let Some(count) = self.messages.get_mut(piece.side.index()) else { return Look::Done };
        if *count >= MAX_MESSAGES || length > MAX_MESSAGE {
            return Look::Done;
        }
        let end = length.saturating_add(4);
        let Some(message) = piece.bytes.get(4..end) else { return Look::More };
        *count = count.saturating_add(1);
        let _ = match message {
            [0xFF, b'S', b'M', b'B', rest @ ..] => self.version_1(piece, rest, testimony),
            [0xFE, b'S', b'M', b'B', rest @ ..] => version_2(piece, rest, testimony),
            _ => Ok(()),
        };
        Look::Used(end)
    }
}

fn version_2(piece: &Piece<'_>, message: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("smb2", message);
    cursor.skip(8)?;
    let command = cursor.u16_le()?;
    cursor.skip(2)?;
    let response = cursor.u32_le()? & 1 == 1;
    cursor.skip(44)?;
    match (command, response) {
        (0, true) => {
            cursor.skip(4)?;
            let dialect = match cursor.u16_le()? {
                0x0202 => "2.0.2",
                0x0210 => "2.1",
                0x0300 => "3.0",
                0x0302 => "3.0.2",
                0x0311 => "3.1.1",
                _ => "", // 0x02FF: it is negotiated once more
            };
            testimony.text(piece.source, "smb_dialect", DIALECT, dialect.as_bytes());
            cursor.skip(2)?;
            testimony.hex(piece.source, "smb_server_guid", GUID, cursor.take(16)?);
        }
        (1, _) => ntlmssp::read(piece.source, cursor.rest(), testimony),
        _ => {}
    }
    Ok(())
}

/// Parts of an SMB 1 message.
struct Message<'a> {
    words: &'a [u8],
    bytes: &'a [u8],
    /// Texts are UTF-16, aligned to even places of the whole message; `bytes` begins at an odd one.
    unicode: bool,
    odd: bool,
}

impl Smb {
    fn version_1(
        &mut self,
        piece: &Piece<'_>,
        message: &[u8],
        testimony: &mut Testimony<'_>,
    ) -> Result<(), Incomplete> {
        let mut cursor = Cursor::new("smb", message);
        let command = cursor.u8()?;
        cursor.skip(4)?;
        let (response, unicode) = (cursor.u8()? & 0x80 != 0, cursor.u16_le()? & 0x8000 != 0);
        cursor.skip(20)?;
        let count = usize::from(cursor.u8()?);
        let words = cursor.take(count.saturating_mul(2))?;
        let length = usize::from(cursor.u16_le()?);
        let odd = cursor.offset() & 1 == 1; // the four bytes before this cursor change nothing
        let bytes = cursor.take(length.min(cursor.remaining()))?;
        let message = Message { words, bytes, unicode, odd };
        match (command, response, count) {
            (0x72, false, _) => {
                let mut dialects = message.bytes.split(|byte| *byte == 0);
                let place = dialects.position(|dialect| dialect == b"\x02NT LM 0.12");
                self.nt_dialect = place.and_then(|place| u16::try_from(place).ok());
            }
            (0x72, true, 17) => self.negotiated(piece.source, &message, testimony)?,
            (0x73, ..) => setup(piece, &message, response, testimony)?,
            _ => {}
        }
        Ok(())
    }

    fn negotiated(
        &self,
        about: Address,
        message: &Message<'_>,
        testimony: &mut Testimony<'_>,
    ) -> Result<(), Incomplete> {
        let mut cursor = Cursor::new("smb.negotiate", message.words);
        let chosen = cursor.u16_le()?;
        if self.nt_dialect.is_none_or(|place| place == chosen) {
            testimony.text(about, "smb_dialect", DIALECT, b"NT LM 0.12");
        }
        cursor.skip(17)?;
        let extended_security = cursor.u32_le()? & 0x8000_0000 != 0;
        if extended_security && let Some(guid) = message.bytes.get(..16) {
            testimony.hex(about, "smb_server_guid", GUID, guid);
        }
        Ok(())
    }
}

/// Set-up of a session (MS-CIFS 2.2.4.53, MS-SMB 2.2.4.6): both sides name their systems behind the keys.
fn setup(
    piece: &Piece<'_>,
    message: &Message<'_>,
    response: bool,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    let word = |place: usize| {
        let mut cursor = Cursor::new("smb.session_setup", message.words);
        cursor.skip(place).and_then(|()| cursor.u16_le()).map(usize::from)
    };
    // Where the texts begin, and how many of them (an account's name) come before the system's; where its domain stands.
    let (keys, skipped, domain_first) = match (response, message.words.len()) {
        (false, 24) => (word(14)?, 0, false),
        (false, 26) => (word(14)?.saturating_add(word(16)?), 1, true),
        (true, 8) => (word(6)?, 0, false),
        (true, 6) => (0, 0, false),
        _ => return Ok(()),
    };
    if message.words.len() != 26 {
        let keys = message.bytes.get(..keys.min(message.bytes.len())).unwrap_or_default();
        ntlmssp::read(piece.source, keys, testimony);
    }
    let mut cursor = Cursor::new("smb.session_setup", message.bytes);
    cursor.skip(keys)?;
    let odd = (cursor.offset() & 1 == 1) != message.odd;
    if message.unicode && odd {
        cursor.skip(1)?;
    }
    for _ in 0..skipped {
        text(&mut cursor, message.unicode);
    }
    if domain_first {
        testimony.text(piece.source, "domain", SETUP_DOMAIN, &text(&mut cursor, message.unicode));
    }
    testimony.text(piece.source, "smb_native_os", NATIVE_OS, &text(&mut cursor, message.unicode));
    testimony.text(piece.source, "smb_native_lan_manager", NATIVE_LM, &text(&mut cursor, message.unicode));
    if response {
        testimony.text(piece.source, "domain", SETUP_DOMAIN, &text(&mut cursor, message.unicode));
    }
    Ok(())
}

/// A text up to its zero, or to the end.
fn text(cursor: &mut Cursor<'_>, unicode: bool) -> Vec<u8> {
    let mut letters = Vec::new();
    while cursor.remaining() > 0 {
        let letter = if unicode { cursor.u16_le() } else { cursor.u8().map(u16::from) };
        match letter {
            Ok(0) | Err(_) => break,
            Ok(letter) => letters.push(letter),
        }
    }
    char::decode_utf16(letters).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into()
}
