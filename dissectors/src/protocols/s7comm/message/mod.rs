//! S7comm on the wire: the header that every message has.

pub mod blocks;
pub mod compose;
pub mod cyclic;
pub mod header;
pub mod items;
pub mod messages;
pub mod services;
pub mod szl;
pub mod test_functions;
pub mod userdata;
pub(super) mod usual;
pub mod values;
pub mod variables;

use super::tables::anomaly;
use crate::address::Moment;
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::cotp::Likeness;
use crate::transaction::Anomalies;

/// The first byte of every message.
pub const PROTOCOL_ID: u8 = 0x32;

/// What a message is (ROSCTR).
#[allow(missing_docs)]
pub mod rosctr {
    pub const JOB: u8 = 1;
    pub const ACK: u8 = 2;
    pub const ACK_DATA: u8 = 3;
    pub const USERDATA: u8 = 7;
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// What it is.
    pub rosctr: u8,
    /// Chosen by who asks, given back by who answers.
    pub reference: u16,
    /// Class and code of the error that an acknowledgement carries, 0 for none.
    pub error: u16,
    /// The parameter part.
    pub parameters: &'a [u8],
    /// The data part.
    pub data: &'a [u8],
    /// The packet that completed it.
    pub at: Moment,
    /// What is wrong with its lengths.
    pub anomalies: Anomalies,
}

impl Pdu<'_> {
    /// The function: the first byte of the parameters, or of userdata the number of its message type.
    #[inline]
    pub fn function(&self) -> Option<u8> {
        if self.rosctr == rosctr::USERDATA { Some(rosctr::USERDATA) } else { self.parameters.first().copied() }
    }
}

/// Reads a message. Fewer data than announced are what there is, with the anomaly.
#[inline]
pub fn read(bytes: &[u8], at: Moment) -> Result<Pdu<'_>, Incomplete> {
    let mut cursor = Cursor::new("s7comm.header", bytes);
    let [_, rosctr, _, _, r1, r0, p1, p0, d1, d0] = cursor.array()?;
    let error = if matches!(rosctr, rosctr::ACK | rosctr::ACK_DATA) { cursor.u16_be()? } else { 0 };
    let parameters = cursor.take(usize::from(u16::from_be_bytes([p1, p0])))?;
    let (rest, length) = (cursor.rest(), usize::from(u16::from_be_bytes([d1, d0])));
    let mut anomalies = Anomalies::default();
    anomalies.set(anomaly::INVALID_LENGTH, rest.len() < length);
    anomalies.set(anomaly::TRAILING_BYTES, rest.len() > length);
    let data = rest.get(..length).unwrap_or(rest);
    Ok(Pdu { rosctr, reference: u16::from_be_bytes([r1, r0]), error, parameters, data, at, anomalies })
}

/// How much the beginning of a message looks like S7comm.
#[inline]
pub fn likeness(payload: &[u8], whole: bool) -> Likeness {
    let (rosctr, rest) = match payload {
        [PROTOCOL_ID, rosctr, rest @ ..] => (rosctr, rest),
        [PROTOCOL_ID] => return Likeness::Weak,
        _ => return Likeness::None,
    };
    let header = match *rosctr {
        rosctr::JOB | rosctr::USERDATA => 10_usize,
        rosctr::ACK | rosctr::ACK_DATA => 12,
        _ => return Likeness::Weak,
    };
    let [_, _, _, _, p1, p0, d1, d0, ..] = rest else { return Likeness::Weak };
    let parameters = usize::from(u16::from_be_bytes([*p1, *p0]));
    let stated = header.saturating_add(parameters).saturating_add(usize::from(u16::from_be_bytes([*d1, *d0])));
    let fits = if whole { stated == payload.len() } else { stated >= payload.len() };
    if fits { Likeness::Strong } else { Likeness::Weak }
}
