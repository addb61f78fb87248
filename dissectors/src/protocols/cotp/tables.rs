//! Names of COTP: its data units, why connections are refused, and the anomalies that it shares with what rides on it.

use crate::protocols::FunctionRow;
use crate::transaction::{Access, Code};

/// Codes of TPDUs and of the parameters of a set-up (X.224, 13).
#[allow(missing_docs)]
pub mod tpdu {
    pub const REQUEST: u8 = 0xE0;
    pub const CONFIRM: u8 = 0xD0;
    pub const DISCONNECT: u8 = 0x80;
    pub const DISCONNECT_CONFIRM: u8 = 0xC0;
    pub const DATA: u8 = 0xF0;
    pub const EXPEDITED: u8 = 0x10;
    pub const EXPEDITED_ACK: u8 = 0x20;
    pub const REJECT: u8 = 0x50;
    pub const ACKNOWLEDGE: u8 = 0x60;
    pub const ERROR: u8 = 0x70;
    pub const TPDU_SIZE: u8 = 0xC0;
    pub const CALLING: u8 = 0xC1;
    pub const CALLED: u8 = 0xC2;
}

const fn row(code: u32, name: &'static str, about: &'static str) -> FunctionRow {
    FunctionRow { code, name, access: Access::Session, about }
}

/// What a connection's set-up and end are told as. Every protocol that rides on COTP lists these among its functions: no code of
/// theirs is the same.
pub const CONNECT: FunctionRow = row(0xE0, "cotp_connect", "Transport connection: requested, confirmed or refused");
/// See [`CONNECT`].
pub const DISCONNECT: FunctionRow =
    row(0x80, "cotp_disconnect", "Transport connection ended by one side (X.224, 13.5)");
/// See [`CONNECT`].
pub const ERROR: FunctionRow = row(0x70, "cotp_error", "One side could not read what the other sent (X.224, 13.12)");

/// A function's code with its name.
pub fn function(row: &FunctionRow) -> Code {
    Code { code: row.code, name: Some(row.name) }
}

/// Reasons of a refusal or end (X.224, 13.5.3), counted from [`REASON`] on, and causes of an error TPDU (13.12.3), from [`ERROR_CAUSE`]
/// on. They stand among the rejections of what rides on it.
pub const REASONS: [(u32, &str); 16] = [
    (REASON, "reason_not_specified"),
    (REASON + 1, "congestion_at_tsap"),
    (REASON + 2, "session_not_attached_to_tsap"),
    (REASON + 3, "address_unknown"),
    (REASON + 128, "normal_disconnect"),
    (REASON + 129, "remote_congestion"),
    (REASON + 130, "negotiation_failed"),
    (REASON + 131, "duplicate_source_reference"),
    (REASON + 132, "mismatched_references"),
    (REASON + 133, "transport_protocol_error"),
    (REASON + 135, "reference_overflow"),
    (REASON + 136, "connection_refused"),
    (REASON + 138, "invalid_header_length"),
    (ERROR_CAUSE, "tpdu_rejected"),
    (ERROR_CAUSE + 1, "invalid_parameter_code"),
    (ERROR_CAUSE + 2, "invalid_tpdu_type"),
];

/// Added to the reason of a disconnection, so that no code of what rides on COTP is the same.
pub const REASON: u32 = 0x6000;

/// Added to the cause of an error TPDU, so that it is told from a reason.
pub const ERROR_CAUSE: u32 = 0x7000;

/// A reason with its name.
pub fn reason(code: u32) -> Code {
    Code { code, name: REASONS.iter().find(|row| row.0 == code).map(|row| row.1) }
}

/// Bits of the anomaly set: the first ones of every protocol that rides on COTP.
#[allow(missing_docs)]
pub mod anomaly {
    pub const UNREADABLE: u8 = 0;
    pub const INVALID_TPKT: u8 = 1;
    pub const INVALID_TPDU: u8 = 2;
    pub const FOREIGN_PAYLOAD: u8 = 3;
    pub const MESSAGE_TOO_LONG: u8 = 4;
    /// The first bit of the protocol's own.
    pub const OWN: u8 = 5;
}

/// Names of the anomalies, in the order of their bits.
pub const ANOMALIES: [(&str, &str); 5] = [
    ("unreadable", "No message could be found in these bytes"),
    ("invalid_tpkt", "Where a TPKT should begin stands something else"),
    ("invalid_tpdu", "A TPKT holds no transport data unit that can be read"),
    ("foreign_payload", "A connection carries something that is none of the known protocols"),
    ("message_too_long", "More segments of one message than are kept"),
];

/// The shared anomalies followed by a protocol's own; `N` is the number of both.
#[must_use]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // evaluated by the compiler, which stops at a wrong index
pub const fn with_anomalies<const N: usize>(own: &[(&'static str, &'static str)]) -> [(&'static str, &'static str); N] {
    let mut all = [("", ""); N];
    let mut place = 0;
    while place < N {
        all[place] = if place < ANOMALIES.len() { ANOMALIES[place] } else { own[place - ANOMALIES.len()] };
        place += 1;
    }
    assert!(ANOMALIES.len() + own.len() == N, "count the anomalies");
    all
}
