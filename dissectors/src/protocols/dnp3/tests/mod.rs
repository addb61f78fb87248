//! Tests of DNP3.
