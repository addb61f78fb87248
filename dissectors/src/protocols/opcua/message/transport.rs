//! Headers of messages and chunks, and the messages of the connection (Part 6, 6.7.2, 7.1).

use crate::cursor::{Cursor, Incomplete};
use crate::protocols::opcua::tables::services::service;

/// Bytes of the header of every message.
pub const HEADER: usize = 8;

/// Bytes of a chunk at most; what announces more is no OPC UA.
pub const MAX_CHUNK: usize = 64 * 1024 * 1024;

/// Buffers that both sides must have at least.
pub const LEAST_BUFFER: u32 = 8_192;

/// Kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Hello,
    Acknowledge,
    Error,
    ReverseHello,
    Open,
    Close,
    Message,
}

impl Kind {
    fn of(letters: [u8; 3]) -> Option<Kind> {
        Some(match &letters {
            b"MSG" => Kind::Message,
            b"HEL" => Kind::Hello,
            b"ACK" => Kind::Acknowledge,
            b"ERR" => Kind::Error,
            b"RHE" => Kind::ReverseHello,
            b"OPN" => Kind::Open,
            b"CLO" => Kind::Close,
            _ => return None,
        })
    }

    /// Bytes that a message of this kind has at least, and at most.
    fn sizes(self) -> (usize, usize) {
        match self {
            Kind::Hello => (32, 32 + 4_096),
            Kind::Acknowledge => (28, 28),
            Kind::Error => (16, 16 + 4_096),
            Kind::ReverseHello => (16, 16 + 2 * 4_096),
            Kind::Open => (32, MAX_CHUNK),
            Kind::Close | Kind::Message => (24, MAX_CHUNK),
        }
    }

    /// The number of its letters, as the function of a record.
    pub fn function(self) -> u32 {
        match self {
            Kind::Hello | Kind::Acknowledge => service::HELLO,
            Kind::Error => service::ERROR,
            Kind::ReverseHello => service::REVERSE_HELLO,
            Kind::Open => service::OPEN_SECURE_CHANNEL,
            Kind::Close => service::CLOSE_SECURE_CHANNEL,
            Kind::Message => service::ENCRYPTED,
        }
    }
}

/// Where in its message a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    Intermediate,
    Final,
    Abort,
}

/// The header of a message or chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its kind.
    pub kind: Kind,
    /// Its place in a message.
    pub part: Part,
    /// Its bytes, the header's among them.
    pub size: usize,
    /// The size cannot be.
    pub wrong_size: bool,
}

/// Why no header was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Not enough bytes.
    Short(Incomplete),
    /// These bytes are no header.
    Nothing(Incomplete),
}

/// Reads a header. A size that cannot be is told only where it could be stepped over.
#[inline]
pub fn read(bytes: &[u8]) -> Result<Header, Trouble> {
    let nothing = |offset| {
        let place = Incomplete { layer: "opcua.header", offset, needed: HEADER, available: bytes.len() };
        Trouble::Nothing(place)
    };
    let mut cursor = Cursor::new("opcua.header", bytes);
    let Ok(letters) = cursor.array::<3>() else {
        let begins =
            ["MSG", "HEL", "ACK", "ERR", "RHE", "OPN", "CLO"].iter().any(|kind| kind.as_bytes().starts_with(bytes));
        let place = Incomplete { layer: "opcua.header", offset: 0, needed: HEADER, available: bytes.len() };
        return Err(if begins { Trouble::Short(place) } else { nothing(0) });
    };
    let kind = Kind::of(letters).ok_or_else(|| nothing(0))?;
    let part = match cursor.u8().map_err(Trouble::Short)? {
        b'F' => Part::Final,
        b'C' if matches!(kind, Kind::Message | Kind::Open | Kind::Close) => Part::Intermediate,
        b'A' if matches!(kind, Kind::Message | Kind::Open | Kind::Close) => Part::Abort,
        _ => return Err(nothing(3)),
    };
    let size = cursor.u32_le().map_err(Trouble::Short)?;
    let size = usize::try_from(size).ok().filter(|size| *size >= HEADER).ok_or_else(|| nothing(4))?;
    let (least, most) = kind.sizes();
    if size > MAX_CHUNK {
        return Err(nothing(4));
    }
    Ok(Header { kind, part, size, wrong_size: size < least || size > most })
}

/// Where the next message begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Here, sure enough: its size is one of its kind, and what follows it, if it is there, is a header too.
    At(usize),
    /// Here a header may begin, whose rest is not there yet.
    Perhaps(usize),
    /// Nowhere.
    Nowhere,
}

/// Looks for a message.
pub fn find(bytes: &[u8]) -> Start {
    for start in 0..bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        if !rest.first().is_some_and(|first| b"MHAERROC".contains(first)) {
            continue;
        }
        match read(rest) {
            Ok(header) if !header.wrong_size && is_followed(rest, &header) => return Start::At(start),
            Err(Trouble::Short(_)) => return Start::Perhaps(start),
            _ => {}
        }
    }
    Start::Nowhere
}

/// What comes behind a message is a header, as far as it is there.
fn is_followed(bytes: &[u8], header: &Header) -> bool {
    match bytes.get(header.size..) {
        None | Some([]) => true,
        Some(rest) => match read(rest) {
            Ok(next) => !next.wrong_size,
            Err(Trouble::Short(_)) => true,
            Err(Trouble::Nothing(_)) => false,
        },
    }
}

/// What HEL and ACK agree upon (Part 6, 7.1.2.3, 7.1.2.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Version of the protocol.
    pub version: u32,
    /// Bytes of a chunk that the sender of this takes.
    pub receive: u32,
    /// Bytes of a chunk that it sends.
    pub send: u32,
    /// Bytes of a message that it takes, 0 for any.
    pub message: u32,
    /// Chunks of a message that it takes, 0 for any.
    pub chunks: u32,
}

impl Limits {
    /// Reads them from the body of HEL or ACK.
    pub fn read(cursor: &mut Cursor<'_>) -> Result<Limits, Incomplete> {
        Ok(Limits {
            version: cursor.u32_le()?,
            receive: cursor.u32_le()?,
            send: cursor.u32_le()?,
            message: cursor.u32_le()?,
            chunks: cursor.u32_le()?,
        })
    }
}

/// A text with its length before it.
pub fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Incomplete> {
    let length = cursor.array().map(i32::from_le_bytes)?;
    usize::try_from(length).map_or(Ok(&[][..]), |length| cursor.take(length))
}

/// What stands before the sequence header of OPN (Part 6, 6.7.2.3).
#[derive(Debug, Clone, Copy)]
pub struct Asymmetric<'a> {
    /// The secure channel, 0 in its first request.
    pub channel: u32,
    /// The policy's URI.
    pub policy: &'a [u8],
    /// The sender's certificate, DER.
    pub certificate: &'a [u8],
    /// Which of the receiver's certificates is meant.
    pub thumbprint: &'a [u8],
    /// What follows: readable only without a policy.
    pub rest: &'a [u8],
}

impl<'a> Asymmetric<'a> {
    /// Reads it from an OPN.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Incomplete> {
        let mut cursor = Cursor::new("opcua.open", bytes);
        cursor.skip(HEADER)?;
        let channel = cursor.u32_le()?;
        let (policy, certificate, thumbprint) = (text(&mut cursor)?, text(&mut cursor)?, text(&mut cursor)?);
        Ok(Asymmetric { channel, policy, certificate, thumbprint, rest: cursor.rest() })
    }
}

/// What stands before the content of MSG and CLO.
#[derive(Debug, Clone, Copy)]
pub struct Symmetric<'a> {
    /// The secure channel.
    pub channel: u32,
    /// The token that its keys were made with.
    pub token: u32,
    /// What follows.
    pub rest: &'a [u8],
}

impl<'a> Symmetric<'a> {
    /// Reads it from a MSG or CLO.
    #[inline]
    pub fn read(bytes: &'a [u8]) -> Result<Self, Incomplete> {
        let mut cursor = Cursor::new("opcua.chunk", bytes);
        cursor.skip(HEADER)?;
        Ok(Symmetric { channel: cursor.u32_le()?, token: cursor.u32_le()?, rest: cursor.rest() })
    }
}

/// A chunk's numbers, and what it carries.
#[derive(Debug, Clone, Copy)]
pub struct Sequence<'a> {
    /// Its number.
    pub number: u32,
    /// The request that it belongs to.
    pub request: u32,
    /// Its part of the message.
    pub body: &'a [u8],
}

impl<'a> Sequence<'a> {
    /// Reads it.
    #[inline]
    pub fn read(bytes: &'a [u8]) -> Result<Self, Incomplete> {
        let mut cursor = Cursor::new("opcua.sequence", bytes);
        Ok(Sequence { number: cursor.u32_le()?, request: cursor.u32_le()?, body: cursor.rest() })
    }
}
