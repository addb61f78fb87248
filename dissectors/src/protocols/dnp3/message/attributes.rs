//! Device attributes: group 0, one variation each (IEEE 1815-2012, A.1).

use bumpalo::collections::Vec as List;

use super::objects::{Block, next_object};
use super::points::{self, Points};
use crate::cursor::Cursor;
use crate::protocols::dnp3::tables::Kind;
use crate::protocols::dnp3::tables::objects;
use crate::transaction::{Access, Field, Point, Value, Values};

/// The attribute of an asset that a device attribute is, with the field that says so.
pub fn known(number: u8) -> Option<(&'static str, &'static str)> {
    Some(match number {
        242 => ("firmware", "dnp3.device_attribute.software_version"),
        243 => ("hardware", "dnp3.device_attribute.hardware_version"),
        244 => ("owner", "dnp3.device_attribute.owner_name"),
        245 => ("location", "dnp3.device_attribute.location"),
        246 => ("id_code", "dnp3.device_attribute.id_code"),
        247 => ("name", "dnp3.device_attribute.device_name"),
        248 => ("serial", "dnp3.device_attribute.serial_number"),
        250 => ("model", "dnp3.device_attribute.product_name_and_model"),
        252 => ("vendor", "dnp3.device_attribute.manufacturer_name"),
        _ => return None,
    })
}

impl<'b> Points<'b> {
    /// Adds the attributes of a block: a point with the set as its block.
    pub fn attributes(&mut self, block: &Block<'b>, access: Access) {
        let mut fields = List::with_capacity_in(2, self.arena());
        fields.push(Field { name: "object", value: Value::Text(self.name_of(block.code)) });
        if let Some(name) = objects::attribute(block.code.1) {
            fields.push(Field { name: "attribute", value: Value::Text(name.as_bytes()) });
        }
        let fields = fields.into_bump_slice();
        let mut cursor = Cursor::new("dnp3.objects", block.data);
        let mut set = block.first();
        let address = u64::from(block.code.1);
        loop {
            let object = next_object(&mut cursor, block).ok().filter(|(_, object)| !object.is_empty());
            let value = object.and_then(|(_, object)| self.attribute(object));
            let values = value.map_or(Values::Unseen, |value| Values::Typed(self.arena().alloc([value])));
            let kind = Kind::DeviceAttribute.index();
            self.list.push(Point {
                kind,
                access,
                block: set,
                first: address,
                last: address,
                name: None,
                values,
                fields,
            });
            if cursor.remaining() == 0 || object.is_none() || self.list.len() >= points::MAX_POINTS {
                return;
            }
            set = set.wrapping_add(1);
        }
    }

    /// Type, length, data.
    fn attribute(&self, object: &'b [u8]) -> Option<Value<'b>> {
        let mut cursor = Cursor::new("dnp3.attribute", object);
        let [kind, length] = cursor.array().ok()?;
        let data = cursor.take(usize::from(length)).ok()?;
        let negative = data.last().is_some_and(|&octet| octet >= 0x80);
        Some(match (kind, data.len()) {
            (1, _) => Value::Text(data),
            (2, 1..=8) => Value::Unsigned(u64::from_le_bytes(widen(data, 0))),
            (3, 1..=8) => Value::Signed(i64::from_le_bytes(widen(data, if negative { 0xFF } else { 0 }))),
            (4, 4) => Value::Float(f64::from(f32::from_le_bytes(*data.first_chunk()?))),
            (4, 8) => Value::Float(f64::from_le_bytes(*data.first_chunk()?)),
            (7, 6) => Value::Unsigned(u64::from_le_bytes(widen(data, 0))),
            (254 | 255, _) => self.numbers(data),
            _ => Value::Hex(data),
        })
    }

    /// Attribute 255: which attributes there are, each with its properties.
    fn numbers(&self, data: &'b [u8]) -> Value<'b> {
        let (pairs, _) = data.as_chunks::<2>();
        let numbers = pairs.iter().map(|[number, _]| Value::Unsigned(u64::from(*number)));
        Value::List(self.arena().alloc_slice_fill_iter(numbers))
    }
}

fn widen(data: &[u8], fill: u8) -> [u8; 8] {
    let mut wide = [fill; 8];
    for (place, octet) in wide.iter_mut().zip(data) {
        *place = *octet;
    }
    wide
}
