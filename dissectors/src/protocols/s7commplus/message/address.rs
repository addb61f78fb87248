//! Addresses of variables: an attribute of an object, or a path with the checksum of its symbol.

use super::Reading;
use super::request::Item;
use super::value::Reader;
use crate::protocols::s7commplus::tables::{attribute, object as rid, point};
use crate::transaction::{Access, Field, Value};

/// Identifiers of one path that are kept.
pub const MAX_PATH: usize = 8;

/// Where a variable lies.
pub enum Address {
    /// An attribute of the object that the request names.
    Attribute(u32),
    /// A variable anywhere.
    Variable(Path),
}

/// A path to a variable: checksum of its symbol (0 without), object, identifiers from there on.
pub struct Path {
    checksum: u32,
    object: u32,
    ids: [u32; MAX_PATH],
    count: u32,
}

impl Path {
    fn ids(&self) -> &[u32] {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX).min(MAX_PATH);
        self.ids.get(..count).unwrap_or_default()
    }

    /// The point that it leads to, with what is done to its object.
    pub fn item<'a>(&self, access: impl Fn(u32, u32) -> Access) -> Item<'a> {
        let ids = self.ids();
        let first = ids.first().copied().unwrap_or_default();
        let last = if ids.len() > 1 { ids.last().copied().unwrap_or_default() } else { 0 };
        let kind = match (first, self.object) {
            (attribute::AREA_ACTUAL, rid::INPUTS) => point::INPUT,
            (attribute::AREA_ACTUAL, rid::OUTPUTS) => point::OUTPUT,
            (attribute::AREA_ACTUAL, rid::MEMORY) => point::MEMORY,
            (attribute::AREA_ACTUAL, rid::COUNTERS) => point::COUNTER,
            (attribute::AREA_ACTUAL, rid::TIMERS) => point::TIMER,
            (attribute::DB_ACTUAL, object) if object >> 16 == rid::DATA_BLOCKS => point::DB,
            _ => point::OBJECT,
        };
        let access = access(self.object, first);
        let mut item = Item::object(self.object, if ids.len() > 1 { last } else { first }, access);
        if kind != point::OBJECT {
            item = Item { kind, block: 0, address: last, fields: Vec::new(), ..item };
        }
        if kind == point::DB {
            item.block = self.object & 0xFFFF;
        }
        item.describe(self);
        item
    }
}

impl Item<'_> {
    fn describe(&mut self, path: &Path) {
        if path.checksum != 0 {
            self.fields.push(Field { name: "symbol_checksum", value: Value::Unsigned(u64::from(path.checksum)) });
        }
        if path.count > 2 {
            self.fields.push(Field { name: "path_length", value: Value::Unsigned(u64::from(path.count)) });
        }
    }
}

/// The addresses of a read or write: attributes where an object is named, else whole paths.
pub fn read(reader: &mut Reader<'_>, object: u32, count: u32, out: &mut Vec<Address>) -> Reading<()> {
    let fields = reader.vlq32()?;
    let listed = if object == 0 { count } else { fields };
    // Every address has a byte at least.
    if usize::try_from(listed).unwrap_or(usize::MAX) > reader.cursor.remaining() {
        return Err(reader.wrong());
    }
    for _ in 0..listed {
        out.push(if object == 0 { Address::Variable(read_path(reader)?) } else { Address::Attribute(reader.vlq32()?) });
    }
    Ok(())
}

fn read_path(reader: &mut Reader<'_>) -> Reading<Path> {
    let checksum = reader.vlq32()?;
    let object = reader.vlq32()?;
    let count = reader.vlq32()?;
    let mut path = Path { checksum, object, ids: [0; MAX_PATH], count };
    if usize::try_from(count).unwrap_or(usize::MAX) > reader.cursor.remaining() {
        return Err(reader.wrong());
    }
    for place in 0..count {
        let id = reader.vlq32()?;
        // Of a longer path the last identifier stands in the last place.
        let place = usize::try_from(place).unwrap_or(usize::MAX).min(MAX_PATH - 1);
        if let Some(kept) = path.ids.get_mut(place) {
            *kept = id;
        }
    }
    Ok(path)
}
