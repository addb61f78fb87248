//! Tests of S7comm.
