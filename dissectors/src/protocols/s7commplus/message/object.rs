//! Objects: identifier, class, attributes, relations, and objects inside of them.

use super::Reading;
use super::value::{Reader, Typed};
use crate::protocols::s7commplus::tables::{self, attribute};
use crate::transaction::{Field, Value};

/// Objects of one message that are kept; the others are counted.
pub const MAX_OBJECTS: usize = 64;

/// Attributes of one object that are kept.
pub const MAX_ATTRIBUTES: usize = 32;

/// Objects within objects.
pub const MAX_NESTED: usize = 32;

/// Tags of an object's parts.
mod tag {
    pub const BEGIN: u8 = 0xA1;
    pub const END: u8 = 0xA2;
    pub const ATTRIBUTE: u8 = 0xA3;
    pub const RELATION: u8 = 0xA4;
    pub const TAG_END: u8 = 0xA8;
    pub const TYPES: u8 = 0xAB;
    pub const NAMES: u8 = 0xAC;
}

/// An object.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    /// Identifier (RID).
    pub rid: u32,
    /// Class.
    pub class: u32,
    /// How deep it lies in others.
    pub depth: u8,
    /// Attributes in the order of the message.
    pub attributes: Vec<(u32, Typed<'a>)>,
    /// Further attributes.
    pub unlisted: u32,
}

impl<'a> Object<'a> {
    /// The value of an attribute.
    pub fn get(&self, id: u32) -> Option<Value<'a>> {
        self.attributes.iter().find(|(attribute, _)| *attribute == id).map(|(_, typed)| typed.value)
    }

    /// Its name, where it says it.
    pub fn name(&self) -> Option<&'a [u8]> {
        match self.get(attribute::NAME) {
            Some(Value::Text(name)) if !name.is_empty() => Some(name),
            _ => None,
        }
    }

    /// What there is to say of it, with its attributes where they are wanted.
    pub fn describe(&self, reader: &Reader<'a>, with_attributes: bool) -> Value<'a> {
        let mut fields = vec![
            Field { name: "rid", value: Value::Unsigned(u64::from(self.rid)) },
            Field { name: "class", value: Value::Unsigned(u64::from(self.class)) },
        ];
        let mut add = |name, value| fields.push(Field { name, value });
        if let Some(class) = tables::class_name(self.class) {
            add("class_name", Value::Text(class.as_bytes()));
        }
        if let Some(name) = self.name() {
            add("name", Value::Text(name));
        }
        if self.depth > 0 {
            add("depth", Value::Unsigned(u64::from(self.depth)));
        }
        if with_attributes && !self.attributes.is_empty() {
            let list: Vec<Value<'_>> = self.attributes.iter().map(|(id, typed)| reader.element(*id, *typed)).collect();
            add("attributes", Value::List(reader.arena.alloc_slice_copy(&list)));
        }
        if self.unlisted > 0 {
            add("unlisted_attributes", Value::Unsigned(u64::from(self.unlisted)));
        }
        Value::Object(reader.arena.alloc_slice_copy(&fields))
    }
}

/// The objects of a message.
#[derive(Debug, Default)]
pub struct Objects<'a> {
    /// Those that are kept, each before those inside of it.
    pub list: Vec<Object<'a>>,
    /// How many there are.
    pub count: u32,
}

/// Reads objects one after another, until something else follows. What was read before something went wrong counts.
pub fn read<'a>(reader: &mut Reader<'a>) -> (Objects<'a>, Reading<()>) {
    let mut objects = Objects::default();
    let result = read_into(reader, &mut objects);
    (objects, result)
}

fn read_into<'a>(reader: &mut Reader<'a>, objects: &mut Objects<'a>) -> Reading<()> {
    // Places in the list of the objects that are open; those that are not kept have none.
    let mut open: Vec<Option<usize>> = Vec::new();
    loop {
        if open.is_empty() && reader.peek() != Some(tag::BEGIN) {
            return Ok(());
        }
        match reader.cursor.u8()? {
            tag::BEGIN if open.len() < MAX_NESTED => open.push(begin(reader, objects, open.len())?),
            tag::END => {
                open.pop();
            }
            tag::ATTRIBUTE => {
                let id = reader.vlq32()?;
                let typed = reader.value()?;
                let object = open.last().copied().flatten().and_then(|place| objects.list.get_mut(place));
                if let Some(object) = object {
                    object.add(id, typed);
                }
            }
            tag::RELATION => {
                reader.vlq32()?;
                reader.cursor.skip(4)?;
            }
            tag::TYPES | tag::NAMES => skip_blocks(reader)?,
            tag::TAG_END => {}
            _ => return Err(reader.wrong()),
        }
    }
}

impl<'a> Object<'a> {
    fn add(&mut self, id: u32, typed: Typed<'a>) {
        if self.attributes.len() < MAX_ATTRIBUTES {
            self.attributes.push((id, typed));
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }
}

fn begin<'a>(reader: &mut Reader<'a>, objects: &mut Objects<'a>, depth: usize) -> Reading<Option<usize>> {
    let rid = reader.cursor.u32_be()?;
    let class = reader.vlq32()?;
    let _class_flags = reader.vlq32()?;
    // The attribute through which it belongs to its parent; one more number follows where there is one.
    if reader.vlq32()? != 0 {
        reader.vlq32()?;
    }
    objects.count = objects.count.saturating_add(1);
    if objects.list.len() >= MAX_OBJECTS {
        return Ok(None);
    }
    let depth = u8::try_from(depth).unwrap_or(u8::MAX);
    objects.list.push(Object { rid, class, depth, attributes: Vec::new(), unlisted: 0 });
    Ok(objects.list.len().checked_sub(1))
}

/// Types and names of variables stand in blocks with their length; an empty one ends them.
fn skip_blocks(reader: &mut Reader<'_>) -> Reading<()> {
    loop {
        match reader.cursor.u16_be()? {
            0 => return Ok(()),
            length => reader.cursor.skip(usize::from(length))?,
        }
    }
}
