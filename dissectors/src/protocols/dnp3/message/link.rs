//! Link frames (IEEE 1815-2012, 9.2): start, length, control, addresses, and user data in blocks, each with a CRC.

use super::crc::{BLOCK, crc, crc_block};
use crate::cursor::Incomplete;

/// Octets of a header with its CRC.
pub const HEADER: usize = 10;

/// User data of one frame.
pub const MAX_USER_DATA: usize = 250;

/// The longest frame.
pub const MAX_FRAME: usize = 292;

/// The least length field: control and addresses.
const MIN_LENGTH: u8 = 5;

/// What every frame begins with.
const START: [u8; 2] = [0x05, 0x64];

/// Link functions of a primary station that carry user data.
pub const CONFIRMED_DATA: u8 = 3;
/// The usual one.
pub const UNCONFIRMED_DATA: u8 = 4;

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// DIR, PRM, FCB, FCV or DFC, function.
    pub control: u8,
    /// Link address it goes to.
    pub destination: u16,
    /// Link address it comes from.
    pub source: u16,
    /// Octets of user data.
    pub user_data: usize,
    /// Octets of the whole frame.
    pub size: usize,
}

impl Frame {
    /// Sent by the master (DIR).
    #[inline]
    pub fn from_master(&self) -> bool {
        self.control & 0x80 != 0
    }

    /// Sent by a primary station: a request of the link layer, or user data (PRM).
    #[inline]
    pub fn is_primary(&self) -> bool {
        self.control & 0x40 != 0
    }

    /// The link function.
    #[inline]
    pub fn function(&self) -> u8 {
        self.control & 0x0F
    }

    /// It carries user data.
    #[inline]
    pub fn is_data(&self) -> bool {
        self.is_primary() && matches!(self.function(), CONFIRMED_DATA | UNCONFIRMED_DATA)
    }

    /// A link function that is defined, with user data where it has any and without where not.
    #[inline]
    pub fn is_sound(&self) -> bool {
        if self.is_data() { self.user_data > 0 } else { self.is_known() && self.user_data == 0 }
    }

    /// A link function that is defined.
    #[inline]
    pub fn is_known(&self) -> bool {
        match (self.is_primary(), self.function()) {
            (true, function) => matches!(function, 0 | 1 | 2 | 3 | 4 | 9),
            (false, function) => matches!(function, 0 | 1 | 11 | 14 | 15),
        }
    }

    /// Master and outstation in one number (the unit of every transaction).
    #[inline]
    pub fn unit(&self) -> u32 {
        let (master, outstation) =
            if self.from_master() { (self.source, self.destination) } else { (self.destination, self.source) };
        u32::from(master) << 16 | u32::from(outstation)
    }
}

/// Why no frame could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// More octets are needed.
    Short(Incomplete),
    /// No frame begins here.
    Start(Incomplete),
    /// The CRC of the header is wrong.
    Crc(Incomplete),
    /// The length can't be true.
    Length(Incomplete),
}

/// Reads a header; the whole frame is there.
#[inline]
pub fn read(bytes: &[u8]) -> Result<Frame, Trouble> {
    let Some(header) = bytes.first_chunk::<HEADER>() else { return Err(unfinished(bytes)) };
    let [s1, s0, length, control, d0, d1, a0, a1, c0, c1] = *header;
    if [s1, s0] != START {
        return Err(Trouble::Start(place(0, 2, bytes)));
    }
    if crc(header.get(..8).unwrap_or_default()) != u16::from_le_bytes([c0, c1]) {
        return Err(Trouble::Crc(place(8, 2, bytes)));
    }
    if length < MIN_LENGTH {
        return Err(Trouble::Length(place(2, 1, bytes)));
    }
    let user_data = usize::from(length.saturating_sub(MIN_LENGTH));
    let size = HEADER.saturating_add(user_data).saturating_add(user_data.div_ceil(BLOCK).saturating_mul(2));
    if bytes.len() < size {
        return Err(Trouble::Short(place(0, size, bytes)));
    }
    let (destination, source) = (u16::from_le_bytes([d0, d1]), u16::from_le_bytes([a0, a1]));
    Ok(Frame { control, destination, source, user_data, size })
}

/// Less than a header: the beginning of a frame, or something else.
fn unfinished(bytes: &[u8]) -> Trouble {
    let begins = START.iter().zip(bytes).all(|(start, byte)| start == byte);
    if begins { Trouble::Short(place(0, HEADER, bytes)) } else { Trouble::Start(place(0, 2, bytes)) }
}

fn place(offset: usize, needed: usize, bytes: &[u8]) -> Incomplete {
    Incomplete { layer: "dnp3.link", offset, needed, available: bytes.len().saturating_sub(offset) }
}

/// Takes the CRCs out of a whole frame's user data, which then stands in `room`.
///
/// # Errors
/// When one is wrong: where.
#[inline]
pub fn user_data<'r>(frame: &[u8], room: &'r mut [u8; 256]) -> Result<&'r [u8], Incomplete> {
    let blocks = frame.get(HEADER..).unwrap_or_default();
    let (whole, last) = blocks.as_chunks::<{ BLOCK + 2 }>();
    let (places, _) = room.as_chunks_mut::<BLOCK>();
    for (number, (block, place)) in whole.iter().zip(places).enumerate() {
        let Some((octets, [c0, c1])) = block.split_first_chunk::<BLOCK>() else { break };
        if crc_block(octets) != u16::from_le_bytes([*c0, *c1]) {
            return Err(bad_block(number));
        }
        *place = *octets;
    }
    let mut len = whole.len().saturating_mul(BLOCK);
    if let Some((octets, sum)) = last.split_last_chunk::<2>() {
        let end = len.saturating_add(octets.len());
        match room.get_mut(len..end) {
            Some(place) if crc(octets) == u16::from_le_bytes(*sum) => place.copy_from_slice(octets),
            _ => return Err(bad_block(whole.len())),
        }
        len = end;
    }
    Ok(room.get(..len).unwrap_or_default())
}

#[cold]
fn bad_block(number: usize) -> Incomplete {
    let offset = HEADER.saturating_add(number.saturating_mul(BLOCK.saturating_add(2)));
    Incomplete { layer: "dnp3.link", offset, needed: 2, available: 2 }
}

/// Where the next frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A header with the right CRC stands here.
    At(usize),
    /// One may begin here, but it isn't whole yet.
    Perhaps(usize),
    /// Nowhere.
    Nowhere,
}

/// Finds the next header with the right CRC.
pub fn find(bytes: &[u8]) -> Start {
    let mut from = 0_usize;
    while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
        let Some(skip) = rest.iter().position(|&byte| byte == START[0]) else { return Start::Nowhere };
        let here = from.saturating_add(skip);
        match read(bytes.get(here..).unwrap_or_default()) {
            Ok(_) => return Start::At(here),
            Err(Trouble::Short(place)) if place.available >= HEADER => return Start::At(here),
            Err(Trouble::Short(_)) => return Start::Perhaps(here),
            Err(_) => from = here.saturating_add(1),
        }
    }
    Start::Nowhere
}
