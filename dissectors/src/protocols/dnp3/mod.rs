//! DNP3 over TCP and UDP (IEEE 1815-2012).

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

pub mod tables;
