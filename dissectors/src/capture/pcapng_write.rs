//! The blocks of a record (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3 and 4.6), always little-endian, times in ns.

use std::io::{self, Write};

use super::pcapng_block::{ENHANCED_PACKET, INTERFACE, SECTION, STATISTICS};
use super::sink::{add, wide};
use crate::output::time_text;
use crate::packet::Frame;

/// Bytes gathered before they are passed on.
const GATHERED: usize = 64 * 1024;
/// Who wrote a section: its statistics say until when nothing came.
pub(super) const WRITER: &str = "fieldtap watch ";
const PREFIX: &str = "fieldtap-";
const SUFFIX: &str = ".pcapng.zst";

/// A file's name, which sorts by the time of its first frame.
pub(super) fn file_name(time: u64, turn: u32) -> String {
    let time: String = time_text(time).chars().filter(|letter| !matches!(letter, '-' | ':')).collect();
    let again = if turn == 0 { String::new() } else { format!("-{turn:02}") };
    format!("{PREFIX}{time}{again}{SUFFIX}")
}

/// Whether a file of this name is part of a record.
pub(super) fn is_ours(name: &str) -> bool {
    let time = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    time.is_some_and(|time| {
        time.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, 'T' | 'Z' | '.' | '-'))
    })
}

/// Blocks that wait to be passed on.
pub(super) struct Pcapng {
    bytes: Vec<u8>,
}

impl Pcapng {
    /// Begins a section with these interfaces, by name and link type.
    pub(super) fn new(interfaces: &[(String, u16)]) -> Self {
        let mut pcapng = Pcapng { bytes: Vec::new() };
        pcapng.block(SECTION, |bytes| {
            bytes.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
            bytes.extend_from_slice(&[1, 0, 0, 0]); // version 1.0
            bytes.extend_from_slice(&u64::MAX.to_le_bytes()); // length unknown
            option(bytes, 4, format!("{WRITER}{}", env!("CARGO_PKG_VERSION")).as_bytes());
            option(bytes, 0, &[]);
        });
        for (name, link) in interfaces {
            pcapng.block(INTERFACE, |bytes| {
                bytes.extend_from_slice(&link.to_le_bytes());
                bytes.extend_from_slice(&[0; 6]); // reserved; no snap length: what was cut says so
                option(bytes, 2, name.as_bytes());
                option(bytes, 9, &[9]); // ns
                option(bytes, 0, &[]);
            });
        }
        pcapng
    }

    /// A frame as it was captured.
    pub(super) fn frame(&mut self, frame: &Frame, captured: &[u8]) {
        self.block(ENHANCED_PACKET, |bytes| {
            bytes.extend_from_slice(&u32::from(frame.interface).to_le_bytes());
            time(bytes, frame.at.time);
            bytes.extend_from_slice(&length(captured).to_le_bytes());
            bytes.extend_from_slice(&frame.wire_len.to_le_bytes());
            padded(bytes, captured);
        });
    }

    /// Nothing came until then.
    pub(super) fn silence(&mut self, until: u64) {
        self.block(STATISTICS, |bytes| {
            bytes.extend_from_slice(&0_u32.to_le_bytes());
            time(bytes, until);
        });
    }

    /// What the kernel had no room for.
    pub(super) fn statistics(&mut self, interface: usize, until: u64, dropped: u64) {
        self.block(STATISTICS, |bytes| {
            bytes.extend_from_slice(&u32::try_from(interface).unwrap_or(u32::MAX).to_le_bytes());
            time(bytes, until);
            option(bytes, 7, &dropped.to_le_bytes()); // isb_osdrop
            option(bytes, 0, &[]);
        });
    }

    /// Passes on what was gathered, where that is enough.
    pub(super) fn pass_on(&mut self, to: &mut impl Write) -> io::Result<()> {
        if self.bytes.len() < GATHERED { Ok(()) } else { self.flush(to) }
    }

    /// Passes on what was gathered.
    pub(super) fn flush(&mut self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    /// A block: its type, its length, what `body` appends, its length again.
    fn block(&mut self, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&kind.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        body(&mut self.bytes);
        let whole = add(self.bytes.len().saturating_sub(start), 4);
        let stated = u32::try_from(whole).unwrap_or(u32::MAX).to_le_bytes();
        self.bytes.extend_from_slice(&stated);
        if let Some(place) = self.bytes.get_mut(add(start, 4)..add(start, 8)) {
            place.copy_from_slice(&stated);
        }
    }
}

/// The upper half comes first.
fn time(bytes: &mut Vec<u8>, time: u64) {
    let [a, b, c, d, e, f, g, h] = time.to_be_bytes();
    bytes.extend_from_slice(&[d, c, b, a, h, g, f, e]);
}

fn option(bytes: &mut Vec<u8>, code: u16, value: &[u8]) {
    bytes.extend_from_slice(&code.to_le_bytes());
    bytes.extend_from_slice(&u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
    padded(bytes, value);
}

fn padded(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(value);
    bytes.resize(add(bytes.len(), wide(length(value)).wrapping_neg() & 3), 0);
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
