//! What is kept from message to message.

/// What is kept of one flow.
#[derive(Debug, Default)]
pub struct State {}
