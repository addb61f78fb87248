//! Fragments of the application layer (IEEE 1815-2012, 4.2): control, function, internal indications, objects.

use crate::cursor::{Cursor, Incomplete};

/// Confirms a fragment.
pub const CONFIRM: u8 = 0;
/// Reads objects.
pub const READ: u8 = 1;
/// Writes objects.
pub const WRITE: u8 = 2;
/// Selects outputs.
pub const SELECT: u8 = 3;
/// Operates what was selected.
pub const OPERATE: u8 = 4;
/// Operates without select and without answer.
pub const DIRECT_OPERATE_NO_ACK: u8 = 6;
/// The greatest function code of a request.
pub const LAST_REQUEST: u8 = 33;
/// Answers a request.
pub const RESPONSE: u8 = 129;
/// Reports unasked.
pub const UNSOLICITED: u8 = 130;
/// Secure authentication by the outstation.
pub const AUTHENTICATION_RESPONSE: u8 = 131;

/// The application control octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Control(pub u8);

impl Control {
    /// First fragment of a message.
    #[inline]
    pub fn first(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Final fragment of a message.
    #[inline]
    pub fn last(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// A confirmation is asked for.
    #[inline]
    pub fn confirm(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// Belongs to an unsolicited response.
    #[inline]
    pub fn unsolicited(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// Sequence number.
    #[inline]
    pub fn sequence(self) -> u8 {
        self.0 & 0x0F
    }
}

/// A fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// All its octets.
    pub bytes: &'a [u8],
    /// Application control.
    pub control: Control,
    /// Function code.
    pub function: u8,
    /// Internal indications of a response, the first octet high.
    pub iin: u16,
    /// Objects.
    pub objects: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads a fragment.
    #[inline]
    pub fn read(bytes: &'a [u8]) -> Result<Fragment<'a>, Incomplete> {
        let mut cursor = Cursor::new("dnp3.application", bytes);
        let [control, function] = cursor.array()?;
        let iin = if function >= RESPONSE { cursor.u16_be()? } else { 0 };
        Ok(Fragment { bytes, control: Control(control), function, iin, objects: cursor.rest() })
    }
}

/// Functions that an outstation does not answer.
#[inline]
pub fn is_silent(function: u8) -> bool {
    matches!(function, 0 | 6 | 8 | 10 | 12 | 33)
}

/// Functions that change outputs, counters or the state of the outstation at once.
#[inline]
pub fn is_control(function: u8) -> bool {
    matches!(function, 3..=6 | 13..=18)
}

/// Functions whose objects say what is meant and carry nothing else.
#[inline]
pub fn is_bare(function: u8) -> bool {
    matches!(function, 1 | 7..=24)
}
