//! Dissectors in Python: what is native of them. Python reads one message; here requests meet their responses, with the same
//! time-outs, outcomes and ceilings as everywhere. The binding stands in `python/plugin.rs`.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

pub mod pairing;
pub mod said;
#[cfg(test)]
mod tests;

/// Bits of [`ANOMALIES`].
#[allow(missing_docs)]
pub mod anomaly {
    pub const UNREADABLE: u8 = 0;
    pub const TOO_MANY_OPEN_REQUESTS: u8 = 1;
    pub const UNSOLICITED_RESPONSE: u8 = 2;
    pub const LATE_RESPONSE: u8 = 3;
}

/// Anomalies of every protocol that is read in Python.
pub static ANOMALIES: &[(&str, &str)] = &[
    ("unreadable", "The dissector could not read the message."),
    ("too_many_open_requests", "More requests were open than are remembered; the oldest was let go."),
    ("unsolicited_response", "A response that no request asked for."),
    ("late_response", "A response to a request that was closed already."),
];
