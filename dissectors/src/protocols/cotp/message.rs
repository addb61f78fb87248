//! TPKT (RFC 1006, RFC 2126) and COTP (ISO 8073 / X.224) on the wire, and how to find a packet among other bytes.

use super::tables::tpdu;
use crate::cursor::{Cursor, Incomplete};

/// Bytes of the TPKT header.
pub const TPKT_HEADER: usize = 4;

/// The least TPKT: header and a TPDU of three bytes (a data TPDU without data).
pub const MIN_TPKT: usize = 7;

/// Bytes of a transport selector that are kept; longer ones are allowed nowhere that is known.
pub const MAX_TSAP: usize = 32;

/// A transport selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tsap {
    bytes: [u8; MAX_TSAP],
    len: u8,
}

impl Tsap {
    fn new(value: &[u8]) -> Option<Tsap> {
        let mut bytes = [0; MAX_TSAP];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        Some(Tsap { bytes, len: u8::try_from(value.len()).ok()? })
    }

    /// The selector as sent.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Printable, and long enough to be a name.
    pub fn is_text(&self) -> bool {
        self.len > 2 && self.bytes().iter().all(|byte| (0x20..0x7F).contains(byte))
    }
}

/// What a connection request or confirmation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Setup {
    /// The other's reference of the connection (0 in a request).
    pub destination: u16,
    /// The sender's own.
    pub source: u16,
    /// Transport class, 0 to 4.
    pub class: u8,
    /// TPDU size as its exponent of two (7 to 13), 0 where not stated.
    pub size: u8,
    /// Who calls.
    pub calling: Option<Tsap>,
    /// Who is called.
    pub called: Option<Tsap>,
}

/// A transport protocol data unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tpdu<'a> {
    /// DT: part of a message, or the end of one.
    Data {
        /// Nothing more of this message follows.
        end: bool,
        /// The bytes.
        payload: &'a [u8],
    },
    /// CR.
    Request(Setup),
    /// CC.
    Confirm(Setup),
    /// DR, with the reason.
    Disconnect(u8),
    /// DC.
    DisconnectConfirm,
    /// ER, with the cause.
    Error(u8),
    /// Acknowledgements and expedited data of the other classes, which nobody sends over TCP.
    Other(u8),
}

/// A TPKT with what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it carries.
    pub tpdu: Tpdu<'a>,
    /// Bytes of the whole.
    pub size: usize,
}

/// Why no packet could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// More bytes are needed.
    Short(Incomplete),
    /// Not a TPKT header.
    Header(Incomplete),
    /// The TPKT is whole, so many bytes, and holds no TPDU.
    Tpdu(usize, Incomplete),
}

/// Reads one TPKT.
#[inline]
pub fn read(bytes: &[u8]) -> Result<Packet<'_>, Trouble> {
    let mut cursor = Cursor::new("cotp.tpkt", bytes);
    let [version, reserved, high, low] = cursor.array().map_err(Trouble::Short)?;
    let size = usize::from(u16::from_be_bytes([high, low]));
    if version != 3 || reserved != 0 || size < MIN_TPKT {
        let place = Incomplete { layer: "cotp.tpkt", offset: 0, needed: size.max(MIN_TPKT), available: bytes.len() };
        return Err(Trouble::Header(place));
    }
    let body = cursor.take(size.saturating_sub(TPKT_HEADER)).map_err(Trouble::Short)?;
    match read_tpdu(body) {
        Ok(tpdu) => Ok(Packet { tpdu, size }),
        Err(place) => Err(Trouble::Tpdu(size, place)),
    }
}

/// Reads a TPDU, which a TPKT holds whole (X.224, 13).
#[inline]
fn read_tpdu(body: &[u8]) -> Result<Tpdu<'_>, Incomplete> {
    let mut cursor = Cursor::new("cotp.tpdu", body);
    let length = usize::from(cursor.u8()?);
    let header = cursor.take(length)?;
    let payload = cursor.rest();
    let mut fields = Cursor::new("cotp.header", header);
    let code = fields.u8()?;
    match code & 0xF0 {
        tpdu::DATA => Ok(Tpdu::Data { end: end_of_message(header)?, payload }),
        tpdu::REQUEST => read_setup(fields).map(Tpdu::Request),
        tpdu::CONFIRM => read_setup(fields).map(Tpdu::Confirm),
        tpdu::DISCONNECT => {
            fields.skip(4)?;
            Ok(Tpdu::Disconnect(fields.u8()?))
        }
        tpdu::DISCONNECT_CONFIRM => Ok(Tpdu::DisconnectConfirm),
        tpdu::ERROR => {
            fields.skip(2)?;
            Ok(Tpdu::Error(fields.u8()?))
        }
        tpdu::EXPEDITED | tpdu::EXPEDITED_ACK | tpdu::ACKNOWLEDGE | tpdu::REJECT => Ok(Tpdu::Other(code)),
        _ => Err(Incomplete { layer: "cotp.tpdu", offset: 1, needed: 1, available: 0 }),
    }
}

/// The end mark stands behind the code in classes 0 and 1, behind the reference in the others (X.224, 13.7).
#[inline]
fn end_of_message(header: &[u8]) -> Result<bool, Incomplete> {
    match header {
        [_, mark] | [_, _, _, mark, ..] => Ok(mark & 0x80 != 0),
        _ => Err(Incomplete { layer: "cotp.header", offset: 1, needed: 1, available: header.len().saturating_sub(1) }),
    }
}

fn read_setup(mut fields: Cursor<'_>) -> Result<Setup, Incomplete> {
    let (destination, source) = (fields.u16_be()?, fields.u16_be()?);
    let mut setup = Setup { destination, source, class: fields.u8()? >> 4, ..Setup::default() };
    // A parameter that is cut short ends the list: what stands before it counts.
    while let (Ok(code), Ok(length)) = (fields.u8(), fields.u8()) {
        let Ok(value) = fields.take(usize::from(length)) else { break };
        match (code, value) {
            (tpdu::TPDU_SIZE, [size]) => setup.size = *size,
            (tpdu::CALLING, value) => setup.calling = Tsap::new(value),
            (tpdu::CALLED, value) => setup.called = Tsap::new(value),
            _ => {}
        }
    }
    Ok(setup)
}

/// Whether these bytes can be the beginning of a TPKT with a TPDU of those that are used over TCP.
pub fn may_begin(bytes: &[u8]) -> bool {
    let at = |place: usize| bytes.get(place).copied();
    let size = u16::from_be_bytes([at(2).unwrap_or(0), at(3).unwrap_or(u8::MAX)]);
    let header = at(4).map(usize::from);
    let fits = header.is_none_or(|header| header >= 2 && header.saturating_add(5) <= usize::from(size));
    let code = at(5).is_none_or(|code| match code {
        0xF0 => header == Some(2) && at(6).is_none_or(|mark| mark & 0x7F == 0),
        0xE0 | 0xD0 => header.is_some_and(|header| header >= 6),
        0x80 | 0xC0 | 0x70 => true,
        _ => false,
    });
    let version = at(0).is_none_or(|version| version == 3) && at(1).is_none_or(|reserved| reserved == 0);
    version && (at(3).is_none() || usize::from(size) >= MIN_TPKT) && fits && code
}

/// Whether fewer bytes than a header's can be the beginning of one.
pub fn may_begin_header(bytes: &[u8]) -> bool {
    bytes.iter().zip([3, 0]).all(|(byte, expected)| *byte == expected)
}
