//! Tests of S7comm-plus.

#![allow(clippy::unwrap_used, clippy::expect_used)]
