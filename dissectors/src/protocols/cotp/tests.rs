//! Tests of what all riders share.
