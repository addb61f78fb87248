//! S7comm-plus on the wire: frames (a header, a digest in version 3, data, a trailer behind the last part of a message), and the head
//! of a message.

pub mod address;
pub mod compose;
pub mod notification;
pub mod object;
pub mod request;
pub mod response;
pub mod value;

use super::tables::{self, version};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::cotp::Likeness;

/// A read that may fail.
pub type Reading<T> = Result<T, Incomplete>;

/// The first byte of every frame.
pub const PROTOCOL_ID: u8 = 0x72;

/// Bytes of a frame's header, and of the trailer.
pub const HEADER: usize = 4;

/// Bytes of the digest in version 3, and behind a message of version 2 where it has one.
pub const DIGEST: usize = 32;

/// One frame: a part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// See [`version`].
    pub version: u8,
    /// A digest protects it.
    pub digest: bool,
    /// What it carries, without digest.
    pub data: &'a [u8],
    /// The message ends with it.
    pub last: bool,
    /// Bytes behind it that belong to nothing.
    pub behind: usize,
}

/// Reads a frame, which a COTP message holds whole.
pub fn read_frame(bytes: &[u8]) -> Reading<Frame<'_>> {
    let mut cursor = Cursor::new("s7commplus.frame", bytes);
    let [id, version, high, low] = cursor.array()?;
    if id != PROTOCOL_ID || !tables::is_version(version) {
        return Err(Incomplete { layer: "s7commplus.frame", offset: 0, needed: 1, available: 0 });
    }
    if version == version::KEEP_ALIVE {
        let behind = cursor.remaining();
        return Ok(Frame { version, digest: false, data: &[], last: true, behind });
    }
    let mut data = cursor.take(usize::from(u16::from_be_bytes([high, low])))?;
    let mut digest = false;
    if version == version::V3 {
        // A length, which is that of the digest or nothing, and the digest.
        let mut inside = Cursor::new("s7commplus.digest", data);
        let length = usize::from(inside.u8()?);
        inside.skip(length)?;
        digest = length != 0;
        data = inside.rest();
    }
    let trailer = cursor.rest() == [PROTOCOL_ID, version, 0, 0];
    let last = trailer || version == version::SYSTEM_EVENT;
    let behind = if trailer { 0 } else { cursor.remaining() };
    Ok(Frame { version, digest, data, last, behind })
}

/// How much the beginning of a COTP message looks like S7comm-plus, or like the TLS in which newer controllers wrap it.
pub fn likeness(payload: &[u8], whole: bool) -> Likeness {
    match payload {
        [PROTOCOL_ID, version, ..] if !tables::is_version(*version) => Likeness::Weak,
        [PROTOCOL_ID, version::KEEP_ALIVE, _, _] => Likeness::Strong,
        [PROTOCOL_ID, _, high, low, behind @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let fits = match behind.len().checked_sub(length) {
                Some(0 | HEADER) => true,
                Some(_) => false,
                None => !whole,
            };
            if fits { Likeness::Strong } else { Likeness::Weak }
        }
        [PROTOCOL_ID, ..] => Likeness::Weak,
        _ if is_tls(payload) => Likeness::Strong,
        _ => Likeness::None,
    }
}

/// A TLS record: its type, version 3.1 to 3.4, a length that TLS allows and that the message can hold.
pub fn is_tls(payload: &[u8]) -> bool {
    const LONGEST: u16 = 16_384 + 256;
    match payload {
        [0x14..=0x17, 3, 1..=4, high, low, ..] => (1..=LONGEST).contains(&u16::from_be_bytes([*high, *low])),
        _ => false,
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Asks for something, within a session.
    Request {
        /// Identifier of the session.
        session: u32,
    },
    /// Answers.
    Response,
}

/// The head of a request or response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which of the two.
    pub kind: Kind,
    /// Function code.
    pub function: u16,
    /// Chosen by the client, echoed by the server.
    pub sequence: u16,
    /// Transport flags; [`NO_RESPONSE`] is the only one whose meaning is known.
    pub flags: u8,
    /// Bytes before the body.
    pub size: usize,
}

/// The client wants no response.
pub const NO_RESPONSE: u8 = 0x40;

/// Operation codes.
#[allow(missing_docs)]
pub mod opcode {
    pub const REQUEST: u8 = 0x31;
    pub const RESPONSE: u8 = 0x32;
    pub const NOTIFICATION: u8 = 0x33;
    /// A response to a request that wants none (seen of S7-1200 with old firmware).
    pub const RESPONSE_2: u8 = 0x02;
}

/// Reads the head of a message; `None` for a notification, which has none.
pub fn read_head(bytes: &[u8]) -> Reading<Option<Head>> {
    let mut cursor = Cursor::new("s7commplus.head", bytes);
    let opcode = cursor.u8()?;
    if opcode == opcode::NOTIFICATION {
        return Ok(None);
    }
    cursor.skip(2)?;
    let function = cursor.u16_be()?;
    cursor.skip(2)?;
    let sequence = cursor.u16_be()?;
    let kind = match opcode {
        opcode::REQUEST => Kind::Request { session: cursor.u32_be()? },
        opcode::RESPONSE | opcode::RESPONSE_2 => Kind::Response,
        _ => return Err(Incomplete { layer: "s7commplus.head", offset: 0, needed: 1, available: 0 }),
    };
    let flags = cursor.u8()?;
    Ok(Some(Head { kind, function, sequence, flags, size: cursor.offset() }))
}

/// Whether data looks like the beginning of a message, where one can't know that its frame is the first.
pub fn may_begin(data: &[u8]) -> bool {
    match data {
        [opcode::REQUEST | opcode::RESPONSE | opcode::RESPONSE_2, 0, 0, high, low, 0, 0, ..] => {
            tables::is_function(u16::from_be_bytes([*high, *low]))
        }
        [opcode::NOTIFICATION, _, _, _, _, 4, 0, 0, 0, 0, 0, ..] => true,
        _ => false,
    }
}
