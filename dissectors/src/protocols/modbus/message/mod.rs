//! Modbus on the wire: the MBAP header over TCP and UDP (Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3), RTU frames
//! carried in a stream (Modbus over Serial Line V1.02, 2.5.1), and how to find a message among other bytes.

pub mod compose;
pub mod diagnostics;
pub mod files;
pub mod form;
pub mod registers;

use crate::cursor::{Cursor, Incomplete};
use crate::protocols::umas;
use form::{Demand, Likeness, Role};

/// Bytes of the MBAP header, unit included.
pub const MBAP_HEADER: usize = 7;

/// The least length field: unit and function.
pub const MIN_LENGTH: u16 = 2;

/// The greatest length field: unit and a PDU of 253 bytes.
pub const MAX_LENGTH: u16 = 254;

/// The greatest length field of UMAS, whose devices agree on frames of up to 1,021 bytes when a session begins.
pub const MAX_UMAS_LENGTH: u16 = 1026;

/// The longest RTU frame (address, PDU, CRC).
pub const MAX_RTU_FRAME: usize = 256;

/// How messages are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// MBAP in a stream.
    Tcp,
    /// MBAP in datagrams.
    Udp,
    /// Address, PDU and CRC in a stream or datagram.
    Rtu,
}

impl Framing {
    /// The word in the output.
    #[inline]
    pub fn name(self) -> &'static str {
        match self {
            Framing::Tcp => "tcp",
            Framing::Udp => "udp",
            Framing::Rtu => "rtu",
        }
    }
}

/// One application data unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adu<'a> {
    /// Chosen by the client, echoed by the server; 0 for RTU.
    pub transaction_id: u16,
    /// 0 for Modbus.
    pub protocol_id: u16,
    /// Unit identifier or serial line address.
    pub unit: u8,
    /// Function code and data, at least one byte.
    pub pdu: &'a [u8],
    /// Bytes of the whole unit.
    pub size: usize,
}

/// A header before its PDU is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// As in [`Adu`].
    pub transaction_id: u16,
    /// As in [`Adu`].
    pub protocol_id: u16,
    /// Bytes behind the length field, as stated.
    pub length: u16,
}

/// Why no message could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// More bytes are needed.
    Short(Incomplete),
    /// The length field can't be true.
    Length(Header, Incomplete),
    /// The CRC is wrong; the frame seems to have so many bytes.
    Crc(usize, Incomplete),
}

/// Reads a message with an MBAP header.
#[inline]
pub fn read_mbap(bytes: &[u8]) -> Result<Adu<'_>, Trouble> {
    let mut cursor = Cursor::new("modbus.mbap", bytes);
    let header = read_header(&mut cursor).map_err(Trouble::Short)?;
    if header.length < MIN_LENGTH || header.length > MAX_UMAS_LENGTH {
        return Err(Trouble::Length(header, bad_length(&cursor, header)));
    }
    if header.length > MAX_LENGTH {
        // Only UMAS sends longer ones; its function code stands two bytes on.
        match cursor.rest().get(1) {
            Some(&umas::FUNCTION) => {}
            Some(_) => return Err(Trouble::Length(header, bad_length(&cursor, header))),
            None => return Err(Trouble::Short(missing(&cursor, 2))),
        }
    }
    let body = cursor.take(usize::from(header.length)).map_err(Trouble::Short)?;
    let (&unit, pdu) = body.split_first().ok_or(Trouble::Short(missing(&cursor, 1)))?;
    let Header { transaction_id, protocol_id, .. } = header;
    Ok(Adu { transaction_id, protocol_id, unit, pdu, size: cursor.offset() })
}

#[inline]
fn read_header(cursor: &mut Cursor<'_>) -> Result<Header, Incomplete> {
    let [t1, t0, p1, p0, l1, l0] = cursor.array()?;
    Ok(Header {
        transaction_id: u16::from_be_bytes([t1, t0]),
        protocol_id: u16::from_be_bytes([p1, p0]),
        length: u16::from_be_bytes([l1, l0]),
    })
}

fn missing(cursor: &Cursor<'_>, needed: usize) -> Incomplete {
    Incomplete { layer: "modbus.mbap", offset: cursor.offset(), needed, available: cursor.remaining() }
}

fn bad_length(cursor: &Cursor<'_>, header: Header) -> Incomplete {
    Incomplete { layer: "modbus.mbap", offset: 4, needed: usize::from(header.length), available: cursor.remaining() }
}

/// Reads an RTU frame. Its length follows from its function, in the role that makes the CRC right; where the specification
/// leaves the length open, the frame is what there is.
pub fn read_rtu(bytes: &[u8]) -> Result<Adu<'_>, Trouble> {
    let mut short: Option<Incomplete> = None;
    let mut wrong: Option<usize> = None;
    for role in [Role::Request, Role::Response] {
        let pdu = bytes.get(1..).unwrap_or_default();
        let size = match form::demand(role, pdu) {
            Demand::Exactly(length) => length.saturating_add(3),
            Demand::AtLeast(least) => bytes.len().max(least.saturating_add(3)),
            Demand::Unknown(least) => least.saturating_add(3).max(bytes.len().saturating_add(1)),
        };
        match bytes.get(..size) {
            Some(frame) if size <= MAX_RTU_FRAME => match unwrap_rtu(frame) {
                Some(adu) => return Ok(adu),
                None => wrong = Some(wrong.map_or(size, |least| least.min(size))),
            },
            None if size <= MAX_RTU_FRAME => {
                let needed = Incomplete { layer: "modbus.rtu", offset: 0, needed: size, available: bytes.len() };
                short = Some(short.map_or(needed, |other| if other.needed < size { other } else { needed }));
            }
            _ => {}
        }
    }
    let size = wrong.unwrap_or(bytes.len().min(MAX_RTU_FRAME));
    let place = Incomplete { layer: "modbus.rtu", offset: size.saturating_sub(2), needed: 2, available: 2 };
    Err(short.map_or(Trouble::Crc(size, place), Trouble::Short))
}

/// A whole RTU frame with the right CRC.
fn unwrap_rtu(frame: &[u8]) -> Option<Adu<'_>> {
    let (body, sum) = frame.split_at_checked(frame.len().checked_sub(2)?)?;
    let (&unit, pdu) = body.split_first()?;
    let right = !pdu.is_empty() && crc16(body).to_le_bytes() == *sum;
    right.then_some(Adu { transaction_id: 0, protocol_id: 0, unit, pdu, size: frame.len() })
}

/// CRC-16 as on the serial line: polynomial 0xA001 reflected, from 0xFFFF.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xA001 } else { sum >> 1 })
    })
}

/// What a run of bytes looks like when read as messages from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Messages whose function, length and limits agree.
    pub strong: usize,
    /// Messages that nothing speaks against.
    pub weak: usize,
    /// How it ends.
    pub end: End,
}

/// How a walk ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Exactly with the bytes.
    Clean,
    /// Inside a message that may still become one.
    Partial,
    /// At something that is no message.
    Broken,
}

/// Messages that one walk looks at.
const MAX_WALK: usize = 8;

/// Walks over messages with an MBAP header.
pub fn walk_mbap(bytes: &[u8]) -> Walk {
    let mut walk = Walk { strong: 0, weak: 0, end: End::Clean };
    let mut rest = bytes;
    for _ in 0..MAX_WALK {
        if rest.is_empty() {
            break;
        }
        match read_mbap(rest) {
            Ok(adu) if adu.protocol_id == 0 => match form::likeness(adu.pdu) {
                Likeness::Strong => walk.strong = walk.strong.saturating_add(1),
                Likeness::Weak => walk.weak = walk.weak.saturating_add(1),
                Likeness::None => return Walk { end: End::Broken, ..walk },
            },
            Err(Trouble::Short(_)) if may_begin(rest) => return Walk { end: End::Partial, ..walk },
            _ => return Walk { end: End::Broken, ..walk },
        }
        rest = read_mbap(rest).ok().and_then(|adu| rest.get(adu.size..)).unwrap_or_default();
    }
    walk
}

/// Whether incomplete bytes may be the beginning of a message.
fn may_begin(bytes: &[u8]) -> bool {
    let protocol = bytes.iter().skip(2).take(2).all(|&byte| byte == 0);
    let mut cursor = Cursor::new("modbus.mbap", bytes);
    match read_header(&mut cursor) {
        Ok(header) => {
            let long = header.length > MAX_LENGTH && cursor.rest().get(1).is_some_and(|&code| code != umas::FUNCTION);
            let pdu = cursor.rest().get(1..).unwrap_or_default();
            let length = usize::from(header.length).saturating_sub(1);
            protocol
                && (MIN_LENGTH..=MAX_UMAS_LENGTH).contains(&header.length)
                && !long
                && form::may_become(pdu, length)
        }
        Err(_) => protocol && bytes.get(4).is_none_or(|&high| high <= 4),
    }
}

/// Where the next message begins among bytes of which some are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A whole message stands here, and another follows or the bytes end with it.
    At(usize),
    /// A message may begin here, but it isn't whole yet.
    Perhaps(usize),
    /// Nowhere.
    Nowhere,
}

/// Finds the next message with an MBAP header. A message counts when its PDU agrees with its function and it is followed by
/// the beginning of another one, or by nothing.
pub fn find_mbap(bytes: &[u8]) -> Start {
    let mut perhaps = Start::Nowhere;
    for offset in 0..bytes.len() {
        let here = bytes.get(offset..).unwrap_or_default();
        // The protocol identifier sorts out nearly all places.
        if here.get(2).is_some_and(|&byte| byte != 0) || here.get(3).is_some_and(|&byte| byte != 0) {
            continue;
        }
        let walk = walk_mbap(here);
        let whole = walk.strong > 0 || (walk.weak > 0 && (offset == 0 || walk.weak > 1));
        if whole && walk.end != End::Broken {
            return Start::At(offset);
        }
        let begins = walk.end == End::Partial && here.len() >= SURE_BEGIN;
        if perhaps == Start::Nowhere && (begins || (offset == 0 && walk.end == End::Partial)) {
            perhaps = Start::Perhaps(offset);
        }
    }
    if perhaps == Start::Nowhere { find_wrong_protocol(bytes) } else { perhaps }
}

/// Bytes that show a protocol identifier, without which anything may be the beginning of a message.
pub const SURE_BEGIN: usize = 4;

/// A message whose only fault is its protocol identifier: nearly at the beginning, and the bytes end with it.
fn find_wrong_protocol(bytes: &[u8]) -> Start {
    for offset in 0..bytes.len().min(SURE_BEGIN) {
        let here = bytes.get(offset..).unwrap_or_default();
        if read_mbap(here).is_ok_and(|adu| adu.size == here.len() && form::likeness(adu.pdu) == Likeness::Strong) {
            return Start::At(offset);
        }
    }
    Start::Nowhere
}

/// Finds the next RTU frame with the right CRC and a form that its function demands.
pub fn find_rtu(bytes: &[u8]) -> Start {
    for offset in 0..bytes.len() {
        let here = bytes.get(offset..).unwrap_or_default();
        if read_rtu(here).is_ok_and(|adu| form::likeness(adu.pdu) == Likeness::Strong) {
            return Start::At(offset);
        }
    }
    Start::Nowhere
}
