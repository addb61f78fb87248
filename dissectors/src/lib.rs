//! Fieldtap's engine: packets in, facts out. `engine.rs` shows the whole way on one page.

pub mod address;
pub mod capture;
pub mod cursor;
pub mod gate;
pub mod output;
pub mod packet;
pub mod protocols;
pub mod stream;
pub mod transaction;
