//! The part of a line that says what is done, kept as text: a plant does few things, again and again.

use crate::transaction::{Access, Code, Transaction};

/// Phrases that are kept.
const PLACES: usize = 256;

/// What a phrase is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    protocol: u8,
    access: Access,
    unit: Option<u32>,
    function: Code,
}

/// Texts by what they are made of.
#[derive(Debug, Default)]
pub struct Phrases {
    places: Vec<(Option<Key>, Vec<u8>)>,
}

impl Phrases {
    /// The text for what this transaction does, empty where it has to be written first. `None` for one with a sub-function, which
    /// is not kept.
    #[inline]
    pub fn known(&mut self, transaction: &Transaction<'_>) -> Option<&mut Vec<u8>> {
        let Transaction { protocol, access, unit, function, .. } = *transaction;
        if transaction.sub_function.is_some() {
            return None;
        }
        if self.places.is_empty() {
            self.places.resize_with(PLACES, Default::default);
        }
        let mixed = function.code ^ unit.unwrap_or(0).rotate_left(5) ^ u32::from(protocol).rotate_left(7);
        let (key, text) = self.places.get_mut(mixed as usize % PLACES)?;
        let wanted = Key { protocol, access, unit, function };
        if *key != Some(wanted) {
            *key = Some(wanted);
            text.clear();
        }
        Some(text)
    }
}
