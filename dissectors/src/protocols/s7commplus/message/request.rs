//! Bodies of requests. After what a function asks, most have an object qualifier, and those of protected sessions an integrity number.

use super::address::{self, Address};
use super::object;
use super::value::{Reader, Typed, numbered};
use super::{DIGEST, Reading};
use crate::protocols::s7commplus::tables::{self, attribute, function, object as rid, point, version};
use crate::transaction::{Access, Field, SubFunction, Value};

/// Points of one message that are kept; the others are counted.
pub const MAX_POINTS: usize = 256;

/// The identifier with which an object qualifier begins.
const QUALIFIER: [u8; 4] = [0, 0, 4, 0xE8];

/// What has to be known of a message to read its body.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Function code.
    pub function: u16,
    /// Version of its frames.
    pub version: u8,
    /// Identifier of the session; 0 where it is not known.
    pub session: u32,
}

/// A point before its values are known.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// Index into the kinds of points.
    pub kind: u8,
    /// Object, or number of a data block.
    pub block: u32,
    /// Attribute or local identifier.
    pub address: u32,
    /// What is done with it.
    pub access: Access,
    /// Its value, where one was seen.
    pub value: Option<Typed<'a>>,
    /// The return value of this item alone.
    pub error: Option<u64>,
    /// What else there is to say of it.
    pub fields: Vec<Field<'a>>,
}

impl<'a> Item<'a> {
    /// An attribute of an object; 0 for the object itself.
    pub fn object(rid: u32, attribute: u32, access: Access) -> Self {
        let mut fields = Vec::new();
        if let Some(name) = tables::object_name(rid) {
            fields.push(Field { name: "object_name", value: Value::Text(name.as_bytes()) });
        }
        if let Some((block, number)) = tables::block(rid) {
            fields.push(Field { name: "block_type", value: Value::Text(block.as_bytes()) });
            fields.push(Field { name: "block_number", value: Value::Unsigned(u64::from(number)) });
        }
        if let Some(name) = tables::attribute_name(attribute) {
            fields.push(Field { name: "attribute_name", value: Value::Text(name.as_bytes()) });
        }
        Item { kind: point::OBJECT, block: rid, address: attribute, access, value: None, error: None, fields }
    }
}

/// What a message says.
#[derive(Debug, Default)]
pub struct Content<'a> {
    /// Points, at most [`MAX_POINTS`].
    pub items: Vec<Item<'a>>,
    /// Points that the message has.
    pub item_count: u32,
    /// Detail fields.
    pub fields: Vec<Field<'a>>,
    /// The gravest access that the content shows; `None` where it shows none.
    pub access: Option<Access>,
    /// What makes it another thing to do.
    pub sub_function: Option<SubFunction>,
    /// The integrity number.
    pub integrity: Option<u32>,
    /// Return value of a response.
    pub return_value: Option<u64>,
    /// Part of proving who one is.
    pub legitimation: bool,
}

impl<'a> Content<'a> {
    /// Adds a point.
    pub fn add(&mut self, item: Item<'a>) {
        self.access = self.access.max(Some(item.access));
        self.item_count = self.item_count.saturating_add(1);
        self.legitimation |= item.kind == point::OBJECT && tables::is_legitimation(item.address);
        if self.items.len() < MAX_POINTS {
            self.items.push(item);
        }
    }

    /// Adds a detail field.
    pub fn field(&mut self, name: &'static str, value: Value<'a>) {
        self.fields.push(Field { name, value });
    }

    /// Adds a number.
    pub fn number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.field(name, Value::Unsigned(value.into()));
    }
}

/// Reads the body of a request. What was read before something went wrong counts.
pub fn read<'a>(reader: &mut Reader<'a>, about: &About, content: &mut Content<'a>) -> Reading<()> {
    match about.function {
        function::CREATE_OBJECT => return create_object(reader, about, content),
        function::DELETE_OBJECT => delete_object(reader, about, content)?,
        function::SET_VARIABLE => set_variable(reader, about, content)?,
        function::SET_MULTI_VARIABLES => set_multi_variables(reader, about, content)?,
        function::GET_MULTI_VARIABLES => get_multi_variables(reader, about, content)?,
        function::GET_VAR_SUB_STREAMED | function::SET_VAR_SUB_STREAMED => sub_streamed(reader, about, content)?,
        function::EXPLORE => explore(reader, content)?,
        function::GET_LINK => get_link(reader, content)?,
        function::BEGIN_SEQUENCE => begin_sequence(reader, content)?,
        function::END_SEQUENCE => reader.cursor.skip(2)?,
        function::INVOKE => invoke(reader, content)?,
        function::INIT_SSL => {}
        // Of the others no more is published than that they begin with an object.
        function::GET_VARIABLE | function::ADD_LINK | function::REMOVE_LINK => {
            let rid = reader.cursor.u32_be()?;
            content.add(Item::object(rid, 0, tables::access(about.function)));
            return Ok(());
        }
        _ => return Ok(()),
    }
    content.integrity = finish(reader, about.version)?;
    Ok(())
}

/// The end of a message: an integrity number where the session is protected, then a digest (version 2) or bytes of 0: four or five,
/// after old firmware eleven.
pub fn finish(reader: &mut Reader<'_>, version: u8) -> Reading<Option<u32>> {
    const FILL: usize = 11;
    let rest = reader.cursor.rest();
    let place = rest.len().checked_sub(DIGEST.saturating_add(1)).filter(|_| version == version::V2);
    let digest = place.filter(|&place| rest.get(place).is_some_and(|&length| usize::from(length) == DIGEST));
    let rest = rest.get(..digest.unwrap_or(rest.len())).unwrap_or_default();
    let is_fill = |bytes: &[u8]| bytes.len() <= FILL && bytes.iter().all(|byte| *byte == 0);
    if is_fill(rest) {
        return Ok(None);
    }
    let mut inner = Reader::new("s7commplus.integrity", rest, reader.arena);
    let number = inner.vlq32()?;
    if is_fill(inner.cursor.rest()) { Ok(Some(number)) } else { Err(reader.wrong()) }
}

/// Whose it is, where that is another than the session: three elements of which nothing else is known.
fn qualifier(reader: &mut Reader<'_>) -> Reading<()> {
    if !reader.cursor.rest().starts_with(&QUALIFIER) {
        return Ok(());
    }
    reader.cursor.skip(QUALIFIER.len())?;
    while reader.vlq32()? != 0 {
        reader.value()?;
    }
    Ok(())
}

/// Where objects are created, a value, the integrity number, the objects.
fn create_object<'a>(reader: &mut Reader<'a>, about: &About, content: &mut Content<'a>) -> Reading<()> {
    let parent = reader.cursor.u32_be()?;
    content.number("parent", parent);
    if let Some(name) = tables::object_name(parent) {
        content.field("parent_name", Value::Text(name.as_bytes()));
    }
    reader.value()?;
    reader.cursor.skip(4)?;
    if reader.peek().is_some_and(|byte| byte != 0xA1) {
        content.integrity = Some(reader.vlq32()?);
    }
    let (objects, result) = object::read(reader);
    for object in objects.list.iter().filter(|object| object.depth == 0) {
        let access = tables::object_access(object.rid, parent, about.session, object.class);
        let mut item = Item::object(object.rid, 0, access);
        item.fields.push(Field { name: "class", value: Value::Unsigned(u64::from(object.class)) });
        if let Some(name) = object.name() {
            item.fields.push(Field { name: "name", value: Value::Text(name) });
        }
        content.add(item);
    }
    describe_objects(reader, &objects, content);
    result
}

/// The objects as detail, all of their attributes included.
pub fn describe_objects<'a>(reader: &Reader<'a>, objects: &object::Objects<'a>, content: &mut Content<'a>) {
    if objects.count == 0 {
        return;
    }
    content.number("object_count", objects.count);
    let list: Vec<Value<'a>> = objects.list.iter().map(|object| object.describe(reader, true)).collect();
    content.field("objects", Value::List(reader.arena.alloc_slice_copy(&list)));
}

fn delete_object<'a>(reader: &mut Reader<'a>, about: &About, content: &mut Content<'a>) -> Reading<()> {
    let deleted = reader.cursor.u32_be()?;
    content.add(Item::object(deleted, 0, tables::object_access(deleted, 0, about.session, 0)));
    // A byte before the qualifier; without qualifier four.
    if reader.cursor.rest().get(1..).is_some_and(|rest| rest.starts_with(&QUALIFIER)) {
        reader.cursor.skip(1)?;
        qualifier(reader)
    } else {
        reader.cursor.skip(4)
    }
}

fn set_variable<'a>(reader: &mut Reader<'a>, about: &About, content: &mut Content<'a>) -> Reading<()> {
    let object = reader.cursor.u32_be()?;
    let count = reader.vlq32()?;
    for _ in 0..count {
        let id = reader.vlq32()?;
        // What is set is told even where its value can't be read.
        let typed = reader.value();
        set_one(object, id, typed.ok(), about, content);
        typed?;
    }
    qualifier(reader)?;
    reader.cursor.skip(1)
}

fn set_one<'a>(object: u32, id: u32, typed: Option<Typed<'a>>, about: &About, content: &mut Content<'a>) {
    let mut item = Item::object(object, id, tables::set_access(object, about.session, id));
    if tables::is_secret(id) {
        item.fields.push(Field { name: "secret", value: Value::Bool(true) });
    } else {
        item.value = typed;
    }
    if id == attribute::OPERATING_STATE_REQUEST {
        let state = match typed.map(|typed| typed.value) {
            Some(Value::Signed(1)) => Some("stop"),
            Some(Value::Signed(3)) => Some("run"),
            _ => None,
        };
        if let Some(state) = state {
            content.field("operating_state", Value::Text(state.as_bytes()));
        }
    }
    if about.function == function::SET_VARIABLE {
        content.sub_function = content.sub_function.or(tables::sub_function(id));
    }
    content.add(item);
}

/// Attributes of one object, or, where that is 0, variables by their addresses; then the values by their numbers.
fn set_multi_variables<'a>(reader: &mut Reader<'a>, about: &About, content: &mut Content<'a>) -> Reading<()> {
    let object = reader.cursor.u32_be()?;
    let count = reader.vlq32()?;
    let mut addresses = Vec::new();
    address::read(reader, object, count, &mut addresses)?;
    let values = numbered(reader);
    let known = values.as_deref().unwrap_or_default();
    for (number, address) in (1_u32..).zip(addresses) {
        let typed = known.iter().find(|(place, _)| *place == number).map(|(_, typed)| *typed);
        match address {
            Address::Attribute(id) => set_one(object, id, typed, about, content),
            Address::Variable(path) => {
                let mut item = path.item(|rid, id| tables::set_access(rid, about.session, id));
                item.value = typed;
                content.add(item);
            }
        }
    }
    values?;
    qualifier(reader)
}

fn get_multi_variables<'a>(reader: &mut Reader<'a>, about: &About, content: &mut Content<'a>) -> Reading<()> {
    let object = reader.cursor.u32_be()?;
    let count = reader.vlq32()?;
    let mut addresses = Vec::new();
    address::read(reader, object, count, &mut addresses)?;
    for address in addresses {
        content.add(match address {
            Address::Attribute(id) => Item::object(object, id, tables::get_access(object, about.session, id)),
            Address::Variable(path) => path.item(|_, _| Access::Read),
        });
    }
    qualifier(reader)
}

/// An object, the path of attributes, and, on the way into the device, the value.
fn sub_streamed<'a>(reader: &mut Reader<'a>, about: &About, content: &mut Content<'a>) -> Reading<()> {
    let object = reader.cursor.u32_be()?;
    let path = reader.value()?;
    let id = match path.value {
        Value::List([.., Value::Unsigned(id)]) => u32::try_from(*id).unwrap_or(u32::MAX),
        _ => 0,
    };
    let streams_in = about.function == function::SET_VAR_SUB_STREAMED;
    let access = match (streams_in, tables::is_program(object) && id != attribute::NAME) {
        (true, _) if object == about.session => Access::Session,
        (true, _) => tables::access(about.function),
        (false, true) if object >= rid::BLOCKS => Access::Program,
        (false, _) => tables::get_access(object, about.session, id),
    };
    let mut item = Item::object(object, id, access);
    qualifier(reader)?;
    reader.cursor.skip(2)?;
    if streams_in {
        let typed = reader.value();
        if let Ok(typed) = typed
            && !tables::is_secret(id)
        {
            item.value = Some(typed);
        }
        content.add(item);
        typed?;
        return reader.cursor.skip(1);
    }
    content.add(item);
    Ok(())
}

/// An object, how far to go from it, a filter, and the attributes that are wanted.
fn explore<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    let object = reader.cursor.u32_be()?;
    let _request = reader.vlq32()?;
    let [recursive, _, parents] = reader.cursor.array()?;
    let filters = reader.cursor.u8()?;
    for _ in 0..filters {
        let filter = reader.value()?;
        content.field("filter", filter.value);
    }
    if filters > 0 {
        reader.cursor.skip(1)?;
    }
    let count = reader.vlq32()?;
    let mut wanted = Vec::new();
    let mut takes_program = false;
    for _ in 0..count {
        let id = reader.vlq32()?;
        takes_program |= tables::is_block_content(id);
        if wanted.len() < super::value::MAX_LISTED {
            wanted.push(Value::Unsigned(u64::from(id)));
        }
    }
    content.field("recursive", Value::Bool(recursive != 0));
    content.field("parents", Value::Bool(parents != 0));
    if !wanted.is_empty() {
        content.field("attributes", Value::List(reader.arena.alloc_slice_copy(&wanted)));
    }
    let access = if takes_program { Access::Program } else { Access::Identify };
    content.add(Item::object(object, 0, access));
    Ok(())
}

fn get_link<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    let object = reader.cursor.u32_be()?;
    let id = reader.vlq32()?;
    content.add(Item::object(object, id, Access::Identify));
    reader.cursor.skip(2)
}

/// A kind, a number, and an object to begin with or the identifier of one.
fn begin_sequence<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    reader.cursor.skip(3)?;
    if reader.cursor.rest().get(2) != Some(&0xA1) {
        let object = reader.cursor.u32_be()?;
        content.add(Item::object(object, 0, Access::Session));
        return Ok(());
    }
    reader.cursor.skip(2)?;
    let (objects, result) = object::read(reader);
    describe_objects(reader, &objects, content);
    result
}

fn invoke<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    let object = reader.cursor.u32_be()?;
    content.number("method", reader.cursor.u32_be()?);
    content.add(Item::object(object, 0, tables::access(function::INVOKE)));
    let arguments = numbered(reader)?;
    list(reader, "arguments", &arguments, content);
    reader.cursor.skip(1)
}

/// Numbered values as a detail.
pub fn list<'a>(reader: &Reader<'a>, name: &'static str, values: &[(u32, Typed<'a>)], content: &mut Content<'a>) {
    let values: Vec<Value<'a>> = values.iter().map(|(_, typed)| typed.value).collect();
    if !values.is_empty() {
        content.field(name, Value::List(reader.arena.alloc_slice_copy(&values)));
    }
}
