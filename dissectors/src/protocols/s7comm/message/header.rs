//! The header and the end of a block of a user program: who made it, what it is, when it was made.

use bumpalo::Bump;

use super::compose::Fields;
use super::values::{DAYS_TO_1984, calendar};
use crate::cursor::{Cursor, Incomplete};
use crate::transaction::Value;

/// Bytes of the header, at the beginning of a block.
pub const HEADER: usize = 36;
/// Bytes at the end that say who made it.
pub const END: usize = 36;

/// Languages that blocks are written in.
fn language(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "stl",
        2 => "lad",
        3 => "fbd",
        4 => "scl",
        5 => "db",
        6 => "graph",
        7 => "sdb",
        8 => "cpu_db",
        17 => "sdb_after_reset",
        18 => "sdb_routing",
        41 => "encrypted",
        _ => return None,
    })
}

/// Types of blocks, as headers and file names number them.
pub fn type_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x08 => "OB",
        0x0A => "DB",
        0x0B => "SDB",
        0x0C => "FC",
        0x0D => "SFC",
        0x0E => "FB",
        0x0F => "SFB",
        _ => return None,
    })
}

/// Adds what a block's header says.
pub fn describe<'a>(header: &[u8], fields: &mut Fields<'a>, arena: &'a Bump) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("s7comm.block", header);
    cursor.skip(3)?;
    let flags = cursor.u8()?;
    fields.add("linked", Value::Bool(flags & 1 != 0));
    fields.add("standard", Value::Bool(flags & 2 != 0));
    fields.add("retain", Value::Bool(flags & 8 == 0));
    let code = cursor.u8()?;
    match language(code) {
        Some(name) => fields.text("language", name.as_bytes()),
        None => fields.number("language_code", code),
    }
    cursor.skip(3)?; // type and number, which the name of the transfer says as well
    fields.number("load_memory_length", cursor.u32_be()?);
    let security = cursor.u32_be()?;
    fields.add("know_how_protected", Value::Bool(security == 3));
    for name in ["code_time", "interface_time"] {
        let (milliseconds, days) = (cursor.u32_be()?, cursor.u16_be()?);
        fields.add(name, time(milliseconds, days, arena));
    }
    for name in ["instance_data_length", "segment_length", "local_data_length", "code_length"] {
        fields.number(name, cursor.u16_be()?);
    }
    Ok(())
}

/// Adds what a block's end says.
pub fn describe_end<'a>(end: &[u8], fields: &mut Fields<'a>, arena: &'a Bump) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("s7comm.block", end);
    for name in ["author", "family", "name"] {
        let text = cursor.take(8)?;
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii_end();
        fields.text(name, arena.alloc_slice_copy(text));
    }
    let version = cursor.u8()?;
    let version = arena.alloc_str(&format!("{}.{}", version >> 4, version & 0xF));
    fields.text("version", version.as_bytes());
    cursor.skip(1)?;
    fields.number("checksum", cursor.u16_be()?);
    Ok(())
}

/// Milliseconds of a day, and days since 1984-01-01.
fn time(milliseconds: u32, days: u16, arena: &Bump) -> Value<'_> {
    if milliseconds >= 86_400_000 {
        return Value::Null;
    }
    let (year, month, day) = calendar(u64::from(days).saturating_add(DAYS_TO_1984));
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}");
    Value::Text(arena.alloc_str(&text).as_bytes())
}
