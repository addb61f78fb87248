//! File objects (IEEE 1815-2012, A.25). Names, sizes and states are told; contents, passwords and keys never are.

use super::objects::{Block, next_object};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::dnp3::tables;

/// What the file objects of a request and its response say.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileNote<'a> {
    /// Its name.
    pub name: Option<&'a [u8]>,
    /// 0 null, 1 read, 2 write, 3 append.
    pub mode: Option<u16>,
    /// Given by the outstation when it opens the file.
    pub handle: Option<u32>,
    /// Octets, as stated.
    pub size: Option<u32>,
    /// 0 a directory, 1 a file.
    pub kind: Option<u16>,
    /// ms since 1970.
    pub created: Option<u64>,
    /// Bits for owner, group and world.
    pub permissions: Option<u16>,
    /// Block number.
    pub block: Option<u32>,
    /// The last block.
    pub last: Option<bool>,
    /// What the block holds.
    pub content: Option<&'a [u8]>,
    /// 0 success.
    pub status: Option<u8>,
    /// A user name that came with a password.
    pub user: Option<&'a [u8]>,
    /// A password or key was there.
    pub secret: bool,
}

impl<'a> FileNote<'a> {
    /// Adds what a block of group 70 says.
    pub fn add(&mut self, block: &Block<'a>) {
        let mut objects = Cursor::new("dnp3.objects", block.data);
        while objects.remaining() > 0 {
            let Ok((_, object)) = next_object(&mut objects, block) else { return };
            let mut cursor = Cursor::new("dnp3.file", object);
            let read = match block.code.1 {
                2 => self.authentication(&mut cursor, object),
                3 => self.command(&mut cursor, object),
                4 => self.command_status(&mut cursor),
                5 => self.transport(&mut cursor),
                6 => self.transport_status(&mut cursor),
                7 => self.descriptor(&mut cursor, object),
                8 => {
                    self.name = Some(object);
                    Ok(())
                }
                _ => Ok(()),
            };
            if read.is_err() {
                return;
            }
        }
    }

    fn authentication(&mut self, cursor: &mut Cursor<'a>, object: &'a [u8]) -> Result<(), Incomplete> {
        let user = (cursor.u16_le()?, cursor.u16_le()?);
        let password = (cursor.u16_le()?, cursor.u16_le()?);
        let key = cursor.u32_le()?;
        self.user = part(object, user).filter(|user| !user.is_empty()).or(self.user);
        self.secret |= password.1 > 0 || key != 0;
        Ok(())
    }

    fn command(&mut self, cursor: &mut Cursor<'a>, object: &'a [u8]) -> Result<(), Incomplete> {
        let name = (cursor.u16_le()?, cursor.u16_le()?);
        let created = time48(cursor)?;
        let permissions = cursor.u16_le()?;
        self.secret |= cursor.u32_le()? != 0;
        let size = cursor.u32_le()?;
        let mode = cursor.u16_le()?;
        self.name = part(object, name);
        self.mode = Some(mode);
        if mode >= 2 {
            (self.size, self.created, self.permissions) = (Some(size), Some(created), Some(permissions));
        }
        Ok(())
    }

    fn command_status(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Incomplete> {
        self.handle = Some(cursor.u32_le()?);
        let size = cursor.u32_le()?;
        cursor.skip(4)?;
        // A close has this object too, without a size that means anything.
        self.size = self.size.or(Some(size).filter(|&size| size != 0));
        self.status = cursor.u8().ok().or(self.status);
        Ok(())
    }

    fn transport(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Incomplete> {
        self.handle = Some(cursor.u32_le()?);
        self.number(cursor)?;
        if cursor.remaining() > 0 {
            self.content = Some(cursor.rest());
        }
        Ok(())
    }

    fn transport_status(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Incomplete> {
        self.handle = Some(cursor.u32_le()?);
        self.number(cursor)?;
        self.status = Some(cursor.u8()?);
        Ok(())
    }

    fn number(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Incomplete> {
        let block = cursor.u32_le()?;
        self.block = Some(block & 0x7FFF_FFFF);
        self.last = Some(self.last.unwrap_or(false) || block >> 31 == 1);
        Ok(())
    }

    fn descriptor(&mut self, cursor: &mut Cursor<'a>, object: &'a [u8]) -> Result<(), Incomplete> {
        let name = (cursor.u16_le()?, cursor.u16_le()?);
        self.kind = Some(cursor.u16_le()?);
        self.size = Some(cursor.u32_le()?);
        self.created = Some(time48(cursor)?);
        self.permissions = Some(cursor.u16_le()?);
        self.name = part(object, name).filter(|name| !name.is_empty()).or(self.name);
        Ok(())
    }

    /// A status that refuses, as a rejection code.
    pub fn refusal(&self) -> Option<u32> {
        self.status.filter(|&status| status != 0).map(|status| tables::REJECTED_FILE.saturating_add(u32::from(status)))
    }

    /// Nothing was said.
    pub fn is_empty(&self) -> bool {
        let FileNote { name, mode, handle, kind, user, secret, .. } = self;
        name.is_none() && mode.is_none() && handle.is_none() && kind.is_none() && user.is_none() && !secret
    }
}

fn time48(cursor: &mut Cursor<'_>) -> Result<u64, Incomplete> {
    let [a, b, c, d, e, f] = cursor.array()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
}

/// A string that is given by its offset and size.
fn part(object: &[u8], place: (u16, u16)) -> Option<&[u8]> {
    let start = usize::from(place.0);
    object.get(start..start.saturating_add(usize::from(place.1)))
}

/// The word for a mode.
pub fn mode(mode: u16) -> Option<&'static str> {
    match mode {
        0 => Some("null"),
        1 => Some("read"),
        2 => Some("write"),
        3 => Some("append"),
        _ => None,
    }
}
