//! Any bodies in right frames, as a flow of S7comm-plus: what the framing of the target `s7comm` would hardly let through.

use crate::flow;
use crate::s7comm::OPEN;

/// Functions whose bodies are read.
const FUNCTIONS: [u16; 16] = [
    0x04BB, 0x04CA, 0x04D4, 0x04F2, 0x04FC, 0x0506, 0x0524, 0x0542, 0x054C, 0x0556, 0x0560, 0x056B, 0x057C, 0x0586, 0x05B3,
    0x0999,
];

/// Bytes of a body, so that its piece is no longer than a script can say.
const LONGEST: usize = 150;

/// Pieces of the flow: for each a byte that says which message, one that says which function, a length, a body.
pub fn run(data: &[u8]) {
    let mut script = vec![0_u8];
    script.extend_from_slice(OPEN);
    let mut rest = data;
    while let [what, function, length, body @ ..] = rest {
        let length = usize::from(*length).min(LONGEST).min(body.len());
        let (body, behind) = body.split_at(length);
        let packet = packet(*what, *function, body);
        script.extend([what & 1, 5, u8::try_from(packet.len()).unwrap_or(u8::MAX)]);
        script.extend(packet);
        rest = behind;
    }
    flow::run(&script, 102, |_, bytes| bytes.to_vec());
}

fn packet(what: u8, function: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = FUNCTIONS[usize::from(function) % FUNCTIONS.len()].to_be_bytes();
    let sequence = function >> 4;
    let mut message = match what >> 1 & 3 {
        0 => vec![0x31, 0, 0, high, low, 0, 0, 0, sequence, 0, 0, 3, 0x84, 0x34],
        1 => vec![0x32, 0, 0, high, low, 0, 0, 0, sequence, 0x34],
        2 => vec![0x33, 0x70, 0, 0, 1, 4, 0, 0, 0, 0, 0, 1],
        _ => Vec::new(),
    };
    message.extend_from_slice(body);
    let version = what >> 3 & 3;
    let digest = if version == 3 { [0x20; 33].as_slice() } else { &[] };
    let data = [digest, message.as_slice()].concat();
    let mut frame = vec![0x72, version];
    frame.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    frame.extend(data);
    if what & 0x20 == 0 {
        frame.extend([0x72, version, 0, 0]);
    }
    let size = u16::try_from(frame.len() + 7).unwrap_or(u16::MAX);
    let mut packet = vec![3, 0];
    packet.extend(size.to_be_bytes());
    packet.extend([2, 0xF0, if what & 0x40 == 0 { 0x80 } else { 0 }]);
    packet.extend(frame);
    packet
}
