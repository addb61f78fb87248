//! UMAS, the programming protocol of Schneider Electric's controllers, carried by Modbus function 90 (0x5A).
//!
//! It has no public specification. What is read here is what published analyses and open implementations agree on (the Apache
//! PLC4X protocol description, the Nmap script `modicon-info`) and captures confirm: a request is session key, function code,
//! data; a response is session key, status (0xFE done, 0xFD not done), data; numbers are little-endian. A response does not say
//! its function, so it is known by its Modbus transaction alone. Everything else stays raw.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

pub mod message;
pub mod tables;

pub use message::emit;

use super::Protocol;
use super::modbus;
use super::modbus::message::form::{Form, Likeness};

/// The Modbus function code that carries UMAS.
pub const FUNCTION: u8 = 90;

/// What there is to know of UMAS. Its flows are Modbus flows, and so are its anomalies.
pub static PROTOCOL: Protocol = Protocol {
    name: "umas",
    title: "UMAS (Modbus function 90)",
    specification: "Unpublished; read as in the Apache PLC4X protocol description and published analyses",
    tcp_ports: &[],
    udp_ports: &[],
    functions: tables::FUNCTIONS,
    sub_functions: &[],
    rejections: tables::REJECTIONS,
    anomalies: modbus::tables::ANOMALIES,
    point_kinds: tables::POINT_KINDS,
    recognise: None,
    start: &modbus::start,
    write_unit: modbus::write_unit,
};

/// What a PDU of function 90 can be: a status byte where a request has its function makes it a response.
pub fn form(pdu: &[u8]) -> Form {
    match pdu {
        [FUNCTION, _, tables::ACCEPTED | tables::REJECTED, ..] => Form::Response,
        [FUNCTION, _, _, ..] => Form::Request,
        _ => Form::Neither,
    }
}

/// How much like UMAS a PDU of function 90 is.
pub fn likeness(pdu: &[u8]) -> Likeness {
    match pdu {
        [FUNCTION, _, tables::ACCEPTED | tables::REJECTED, ..] => Likeness::Strong,
        [FUNCTION, _, code, ..] if tables::function(*code).name.is_some() => Likeness::Strong,
        [FUNCTION, _, _, ..] => Likeness::Weak,
        _ => Likeness::None,
    }
}
