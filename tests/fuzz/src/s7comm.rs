//! Any bytes in any pieces, as a flow of ISO on TCP: S7comm and what else rides on it.

use crate::flow;

/// The connection's request and confirmation, so that not each input has to find them.
pub const OPEN: &[u8] = &[
    0, 5, 22, 3, 0, 0, 22, 17, 0xE0, 0, 0, 0, 1, 0, 0xC0, 1, 10, 0xC1, 2, 1, 0, 0xC2, 2, 1, 2, //
    1, 5, 22, 3, 0, 0, 22, 17, 0xD0, 0, 1, 0, 3, 0, 0xC0, 1, 10, 0xC1, 2, 1, 0, 0xC2, 2, 1, 2,
];

/// As for Modbus; with the flow's highest bit the connection is set up first.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((kind, rest)) if kind & 0x80 != 0 => flow::run(&[&[*kind], OPEN, rest].concat(), 102, |_, bytes| bytes.to_vec()),
        _ => flow::run(data, 102, |_, bytes| bytes.to_vec()),
    }
}
