//! What a witness says, made fit to leave: trimmed, cut, about one device.

use crate::address::{Address, Mac, Moment};
use crate::transaction::Value;

/// Bytes of a text that leave.
pub const MAX_TEXT: usize = 512;
/// Statements of one message.
const MAX_NOTES: usize = 256;

/// One statement.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// The witness's number.
    pub protocol: u8,
    /// Whose attribute it is.
    pub about: Address,
    /// The device behind the address.
    pub unit: Option<u32>,
    /// The attribute.
    pub attribute: &'static str,
    /// The field that says so.
    pub field: &'static str,
    /// Its value.
    pub value: Value<'a>,
    /// The packet that says so.
    pub at: Moment,
}

/// Where statements go.
pub trait Notebook {
    /// Takes a statement.
    fn note(&mut self, note: &Note<'_>);
}

/// What a witness says of one message.
pub struct Testimony<'a> {
    book: &'a mut dyn Notebook,
    protocol: u8,
    at: Moment,
    unit: Option<u32>,
    left: usize,
}

impl<'a> Testimony<'a> {
    /// Of the witness of this number, at this packet.
    pub fn new(book: &'a mut dyn Notebook, protocol: u8, at: Moment) -> Self {
        Testimony { book, protocol, at, unit: None, left: MAX_NOTES }
    }

    /// What follows is said by another witness, about a device behind the address.
    pub fn for_unit(&mut self, name: &str, unit: Option<u32>) -> Testimony<'_> {
        let protocol = super::number_of(name).unwrap_or(self.protocol);
        Testimony { book: self.book, protocol, at: self.at, unit, left: self.left }
    }

    /// A value as it is. Groups and nobody are never spoken of.
    pub fn value(&mut self, about: Address, attribute: &'static str, field: &'static str, value: Value<'_>) {
        if about.is_group() || about.bits == 0 || self.left == 0 {
            return;
        }
        self.left = self.left.saturating_sub(1);
        let Testimony { protocol, at, unit, .. } = *self;
        self.book.note(&Note { protocol, about, unit, attribute, field, value, at });
    }

    /// A text: without the blanks and zeros around it, and nothing where that is all.
    pub fn text(&mut self, about: Address, attribute: &'static str, field: &'static str, text: &[u8]) {
        let text = clean(text);
        if !text.is_empty() {
            self.value(about, attribute, field, Value::Text(text));
        }
    }

    /// UTF-16, little-endian.
    pub fn utf16(&mut self, about: Address, attribute: &'static str, field: &'static str, text: &[u8]) {
        self.text(about, attribute, field, from_utf16(text).as_bytes());
    }

    /// A number.
    pub fn number(&mut self, about: Address, attribute: &'static str, field: &'static str, number: impl Into<u64>) {
        self.value(about, attribute, field, Value::Unsigned(number.into()));
    }

    /// That something is so.
    pub fn so(&mut self, about: Address, attribute: &'static str, field: &'static str) {
        self.value(about, attribute, field, Value::Bool(true));
    }

    /// Bytes, as hexadecimal digits.
    pub fn hex(&mut self, about: Address, attribute: &'static str, field: &'static str, bytes: &[u8]) {
        if let Some(bytes @ [_, ..]) = bytes.get(..bytes.len().min(MAX_TEXT)) {
            self.value(about, attribute, field, Value::Hex(bytes));
        }
    }

    /// The MAC of an address: of one device, not of a group.
    pub fn mac(&mut self, about: Address, field: &'static str, mac: Mac) {
        let address = Address::mac(mac);
        if address.bits != 0 && !address.is_group() {
            self.value(about, "mac", field, Value::Text(address.to_string().as_bytes()));
        }
    }

    /// An address as text.
    pub fn address(&mut self, about: Address, attribute: &'static str, field: &'static str, address: Address) {
        if address.bits != 0 {
            self.value(about, attribute, field, Value::Text(address.to_string().as_bytes()));
        }
    }
}

/// The text up to its first zero and at most [`MAX_TEXT`] bytes long, without blanks around it.
pub fn clean(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len()).min(MAX_TEXT);
    text.get(..end).unwrap_or_default().trim_ascii()
}

/// UTF-16, little-endian, at most [`MAX_TEXT`] characters of it.
pub fn from_utf16(text: &[u8]) -> String {
    let words = text.as_chunks::<2>().0.iter().take(MAX_TEXT).map(|word| u16::from_le_bytes(*word));
    char::decode_utf16(words).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
