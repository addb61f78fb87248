//! Secure authentication (IEEE 1815-2012, A.45): who authenticates how, and what came of it. Challenges, MACs and keys stay where
//! they are.

use super::objects::{Block, next_object};
use crate::cursor::{Cursor, Incomplete};

/// What the authentication objects of a message say.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuthenticationNote<'a> {
    /// Variation of the first object.
    pub message: Option<u8>,
    /// User number.
    pub user: Option<u16>,
    /// Challenge or key change sequence number.
    pub sequence: Option<u32>,
    /// MAC algorithm.
    pub algorithm: Option<u8>,
    /// State of the session keys.
    pub key_status: Option<u8>,
    /// Error code.
    pub error: Option<u8>,
    /// Name of a user.
    pub user_name: Option<&'a [u8]>,
    /// A request that carries its own authentication.
    pub aggressive: bool,
}

impl<'a> AuthenticationNote<'a> {
    /// Adds what a block of group 120 says.
    pub fn add(&mut self, block: &Block<'a>) {
        let variation = block.code.1;
        self.message = self.message.or(Some(variation));
        self.aggressive |= variation == 3;
        let object = match block.stride {
            0 => next_object(&mut Cursor::new("dnp3.objects", block.data), block).map(|(_, object)| object),
            _ => Ok(block.data),
        };
        if let Ok(object) = object {
            // What is there of a short one has been taken.
            let _ = self.object(variation, &mut Cursor::new("dnp3.authentication", object));
        }
    }

    fn object(&mut self, variation: u8, cursor: &mut Cursor<'a>) -> Result<(), Incomplete> {
        match variation {
            1 => {
                self.sequence_and_user(cursor)?;
                self.algorithm = Some(cursor.u8()?);
            }
            2 | 3 | 6 | 12 | 13 => self.sequence_and_user(cursor)?,
            4 => self.user = Some(cursor.u16_le()?),
            5 => {
                self.sequence_and_user(cursor)?;
                cursor.skip(1)?;
                self.key_status = Some(cursor.u8()?);
                self.algorithm = Some(cursor.u8()?);
            }
            7 => {
                self.sequence_and_user(cursor)?;
                cursor.skip(2)?;
                self.error = Some(cursor.u8()?);
            }
            10 => {
                cursor.skip(10)?;
                let name = cursor.u16_le()?;
                cursor.skip(4)?;
                self.user_name = Some(cursor.take(usize::from(name))?);
            }
            11 => {
                cursor.skip(1)?;
                let name = cursor.u16_le()?;
                cursor.skip(2)?;
                self.user_name = Some(cursor.take(usize::from(name))?);
            }
            _ => {}
        }
        Ok(())
    }

    fn sequence_and_user(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Incomplete> {
        self.sequence = Some(cursor.u32_le()?);
        self.user = Some(cursor.u16_le()?);
        Ok(())
    }
}

/// The word for a message.
pub fn message(variation: u8) -> Option<&'static str> {
    Some(match variation {
        1 => "challenge",
        2 => "reply",
        3 => "aggressive_mode_request",
        4 => "session_key_status_request",
        5 => "session_key_status",
        6 => "session_key_change",
        7 => "error",
        8 => "user_certificate",
        9 => "message_authentication_code",
        10 => "user_status_change",
        11 => "update_key_change_request",
        12 => "update_key_change_reply",
        13 => "update_key_change",
        14 => "update_key_change_signature",
        15 => "update_key_change_confirmation",
        _ => return None,
    })
}

/// The word for the state of session keys.
pub fn key_status(status: u8) -> Option<&'static str> {
    Some(match status {
        1 => "ok",
        2 => "not_initialized",
        3 => "communication_failed",
        4 => "authentication_failed",
        _ => return None,
    })
}
