//! Any bytes in any pieces, as a Modbus flow (UMAS rides on it): TCP, UDP, RTU.

use crate::flow;

/// The pieces as they are.
pub fn run(data: &[u8]) {
    flow::run(data, 502, |_, bytes| bytes.to_vec());
}
