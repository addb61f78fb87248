//! DNP3 on the wire, layer by layer, and the record that is made of it.

pub mod application;
pub mod attributes;
pub mod authentication;
pub mod compose;
pub mod controls;
pub mod crc;
pub mod detail;
pub mod files;
pub mod link;
pub mod objects;
pub mod points;
pub mod record;
mod strings;
pub(super) mod usual;
