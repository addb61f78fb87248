//! Any bytes as a DNP3 flow. Few of them would have the right CRCs, so that a piece's first byte says what it is put into.

use fieldtap_native::address::Side;
use fieldtap_native::protocols::dnp3::message::crc::crc;

use crate::flow;

/// Pieces that are bytes, frames, segments or fragments.
pub fn run(data: &[u8]) {
    flow::run(data, 20_000, |side, bytes| {
        let Some((kind, rest)) = bytes.split_first() else { return Vec::new() };
        let from_master = (side == Side::B) != (kind & 0x80 != 0);
        let control = if from_master { 0xC4 } else { 0x44 };
        let outstation = u16::from(kind >> 2 & 1);
        match kind & 3 {
            0 => rest.to_vec(),
            1 => frame(control, outstation, &[&[0xC0], rest].concat()),
            2 => frame(control, outstation, rest),
            _ => frame(rest.first().copied().unwrap_or(0), outstation, rest.get(1..).unwrap_or_default()),
        }
    });
}

/// A link frame with the right CRCs.
fn frame(control: u8, outstation: u16, data: &[u8]) -> Vec<u8> {
    let data = &data[..data.len().min(250)];
    let (destination, source) = if control & 0x80 == 0 { (3, outstation) } else { (outstation, 3) };
    let mut bytes = vec![0x05, 0x64, data.len() as u8 + 5, control];
    bytes.extend(u16::to_le_bytes(destination));
    bytes.extend(u16::to_le_bytes(source));
    bytes.extend(crc(&bytes).to_le_bytes());
    for block in data.chunks(16) {
        bytes.extend(block);
        bytes.extend(crc(block).to_le_bytes());
    }
    bytes
}
