//! Flows: who talks with whom, what was seen of it and what was not, and TCP bytes in order.

mod key;

pub use key::{FlowKey, state};
