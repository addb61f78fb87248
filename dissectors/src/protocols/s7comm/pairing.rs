//! Requests wait here for their responses.

/// The open requests of a flow.
#[derive(Debug, Default)]
pub struct Pairing {}

impl Pairing {
    /// Bytes were lost: the responses to what is open may be among them.
    pub fn lose(&mut self) {}
}
