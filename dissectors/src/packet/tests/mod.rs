//! Frames crafted byte by byte, layer by layer; cut, damaged, and at random.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod craft;
mod duplicates;
mod fragments;
mod hostile;
mod layers;
