//! NTLM (MS-NLMP): the names that both sides give on the way. Responses and keys are skipped, never kept.

use super::Testimony;
use super::testimony::from_utf16;
use crate::address::Address;
use crate::cursor::{Cursor, Incomplete};

pub const COMPUTER: &str = "ntlmssp.target.netbios_computer";
pub const DOMAIN: &str = "ntlmssp.target.netbios_domain";
pub const DNS_COMPUTER: &str = "ntlmssp.target.dns_computer";
pub const DNS_DOMAIN: &str = "ntlmssp.target.dns_domain";
pub const VERSION: &str = "ntlmssp.version";
pub const WORKSTATION: &str = "ntlmssp.workstation";
pub const CLIENT_DOMAIN: &str = "ntlmssp.domain";

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Flags (2.2.2.5): names are UTF-16; a version is told.
const UNICODE: u32 = 1;
const HAS_VERSION: u32 = 0x0200_0000;
/// Pairs of target information.
const MAX_PAIRS: usize = 16;

/// Looks for a message within these bytes (it may be wrapped in SPNEGO) and reads it: each speaks of its sender.
pub fn read(sender: Address, bytes: &[u8], testimony: &mut Testimony<'_>) {
    let place = bytes.windows(SIGNATURE.len()).position(|window| window == SIGNATURE);
    if let Some(message) = place.and_then(|place| bytes.get(place..)) {
        let _ = message_of(sender, message, testimony); // what is cut has told what there was
    }
}

fn message_of(about: Address, bytes: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let at = |place: usize| {
        let mut cursor = Cursor::new("ntlmssp", bytes);
        cursor.skip(place).map(|()| cursor)
    };
    match at(8)?.u32_le()? {
        1 => {
            let flags = at(12)?.u32_le()?;
            version(about, flags, at(32), testimony)
        }
        2 => {
            let flags = at(20)?.u32_le()?;
            let pairs = field(bytes, at(40)?)?;
            let _ = target(about, pairs, testimony);
            version(about, flags, at(48), testimony)
        }
        3 => {
            let flags = at(60).and_then(|mut cursor| cursor.u32_le()).unwrap_or(UNICODE);
            name(about, "domain", CLIENT_DOMAIN, flags, field(bytes, at(28)?)?, testimony);
            name(about, "hostname", WORKSTATION, flags, field(bytes, at(44)?)?, testimony);
            version(about, flags, at(64), testimony)
        }
        _ => Ok(()),
    }
}

/// What a length and an offset point to; nothing where that is outside.
fn field<'a>(bytes: &'a [u8], mut cursor: Cursor<'_>) -> Result<&'a [u8], Incomplete> {
    let length = usize::from(cursor.u16_le()?);
    cursor.skip(2)?;
    let start = usize::try_from(cursor.u32_le()?).unwrap_or(usize::MAX);
    Ok(bytes.get(start..start.saturating_add(length)).unwrap_or_default())
}

fn name(
    about: Address,
    attribute: &'static str,
    field: &'static str,
    flags: u32,
    text: &[u8],
    testimony: &mut Testimony<'_>,
) {
    if flags & UNICODE == 0 {
        testimony.text(about, attribute, field, text);
    } else {
        testimony.text(about, attribute, field, from_utf16(text).as_bytes());
    }
}

/// Pairs of a number and a name (2.2.2.1).
fn target(about: Address, pairs: &[u8], testimony: &mut Testimony<'_>) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("ntlmssp.target", pairs);
    for _ in 0..MAX_PAIRS {
        let (kind, length) = (cursor.u16_le()?, usize::from(cursor.u16_le()?));
        let value = cursor.take(length)?;
        match kind {
            0 => break,
            1 => testimony.utf16(about, "hostname", COMPUTER, value),
            2 => testimony.utf16(about, "domain", DOMAIN, value),
            3 => testimony.utf16(about, "dns_name", DNS_COMPUTER, value),
            4 => testimony.utf16(about, "dns_domain", DNS_DOMAIN, value),
            _ => {}
        }
    }
    Ok(())
}

fn version(
    about: Address,
    flags: u32,
    cursor: Result<Cursor<'_>, Incomplete>,
    testimony: &mut Testimony<'_>,
) -> Result<(), Incomplete> {
    if flags & HAS_VERSION == 0 {
        return Ok(());
    }
    let mut cursor = cursor?;
    let (major, minor, build) = (cursor.u8()?, cursor.u8()?, cursor.u16_le()?);
    if major != 0 {
        testimony.text(about, "os_build", VERSION, format!("{major}.{minor}.{build}").as_bytes());
    }
    Ok(())
}
