//! The part of a line that says what is done, kept as text: a plant does few things, again and again.

use crate::transaction::{Access, Code, SubFunction, Transaction};

/// Phrases that are kept.
const PLACES: usize = 256;

/// What a phrase is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    protocol: u8,
    access: Access,
    unit: Option<u32>,
    function: Code,
    sub_function: Option<SubFunction>,
}

/// Texts by what they are made of.
#[derive(Debug, Default)]
pub struct Phrases {
    places: Vec<(Option<Key>, Vec<u8>)>,
}

impl Phrases {
    /// The text for what this transaction does, empty where it has to be written first.
    #[inline]
    pub fn known(&mut self, transaction: &Transaction<'_>) -> Option<&mut Vec<u8>> {
        let Transaction { protocol, access, unit, function, sub_function, .. } = *transaction;
        if self.places.is_empty() {
            self.places.resize_with(PLACES, Default::default);
        }
        // A unit may have more bits than there are places: DNP3's holds two addresses.
        let unit_mix = unit.map_or(0, |unit| unit.rotate_left(5) ^ (unit >> 16).rotate_left(3));
        let sub_mix = sub_function.map_or(0, |sub| sub.code.rotate_left(4) ^ sub.group.unwrap_or(0).rotate_left(2));
        let mixed = function.code ^ unit_mix ^ sub_mix ^ u32::from(protocol).rotate_left(7);
        let (key, text) = self.places.get_mut(mixed as usize % PLACES)?;
        let wanted = Key { protocol, access, unit, function, sub_function };
        if *key != Some(wanted) {
            *key = Some(wanted);
            text.clear();
        }
        Some(text)
    }
}
