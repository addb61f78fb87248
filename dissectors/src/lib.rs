//! Fieldtap's engine: packets in, facts out. `engine.rs` shows the whole way on one page.

pub mod address;
pub mod arp;
pub mod back;
pub mod capture;
pub mod cursor;
pub mod dissection;
pub mod engine;
pub mod front;
pub mod gate;
pub mod output;
pub mod packet;
pub mod plugin;
pub mod protocols;
pub mod speaker;
pub mod stream;
pub mod summary;
pub mod transaction;
pub mod unclaimed;
pub mod witness;

#[cfg(feature = "python")]
mod python;
