//! Bodies of responses: a return value, what the function gives, and the end that [`request::finish`] reads.

use super::Reading;
use super::object::{self, Object};
use super::request::{self, About, Content, MAX_POINTS};
use super::value::{self, Reader, Typed};
use crate::protocols::s7commplus::tables::{self, function};
use crate::transaction::Value;

/// The bit of a return value that says that an object describes the error.
const EXTENDED: u64 = 1 << 62;

/// What a response adds to what its request asked.
#[derive(Debug, Default)]
pub struct Answer<'a> {
    /// Values by the number of their item; of a stream number 1.
    pub values: Vec<(u32, Typed<'a>)>,
    /// Return values by the number of their item.
    pub errors: Vec<(u32, u64)>,
    /// Objects.
    pub objects: Vec<Object<'a>>,
}

/// Reads the body of a response. What was read before something went wrong counts.
pub fn read<'a>(
    reader: &mut Reader<'a>,
    about: &About,
    content: &mut Content<'a>,
    answer: &mut Answer<'a>,
) -> Reading<()> {
    let return_value = reader.vlq64()?;
    content.return_value = Some(return_value);
    if return_value & EXTENDED != 0 && reader.peek() == Some(0xA1) {
        object::read(reader).1?;
    }
    let refused = tables::rejection(return_value).is_some();
    match about.function {
        function::CREATE_OBJECT => create_object(reader, content, answer)?,
        function::DELETE_OBJECT => {
            reader.cursor.u32_be()?;
        }
        function::GET_MULTI_VARIABLES => {
            answer.values = value::numbered(reader)?;
            answer.errors = errors(reader)?;
        }
        function::SET_MULTI_VARIABLES => answer.errors = errors(reader)?,
        function::GET_VAR_SUB_STREAMED => {
            reader.cursor.skip(1)?;
            answer.values = vec![(1, reader.value()?)];
        }
        function::EXPLORE => return explore(reader, content, answer),
        function::GET_LINK => get_link(reader, content)?,
        function::INVOKE if !refused => invoke(reader, content)?,
        function::BEGIN_SEQUENCE if !refused => {
            reader.cursor.skip(2)?;
            content.number("sequence_object", reader.cursor.u32_be()?);
        }
        function::SET_VARIABLE | function::SET_VAR_SUB_STREAMED | function::END_SEQUENCE | function::INIT_SSL => {}
        _ => return Ok(()),
    }
    content.integrity = request::finish(reader, about.version)?;
    Ok(())
}

/// Identifiers of what was created; of a session the object with what the device says of itself.
fn create_object<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>, answer: &mut Answer<'a>) -> Reading<()> {
    let count = reader.cursor.u8()?;
    let mut created = Vec::new();
    for _ in 0..count {
        created.push(Value::Unsigned(u64::from(reader.vlq32()?)));
    }
    if !created.is_empty() {
        content.field("created", Value::List(reader.arena.alloc_slice_copy(&created)));
    }
    if reader.peek() != Some(0xA1) {
        return Ok(());
    }
    let (objects, result) = object::read(reader);
    request::describe_objects(reader, &objects, content);
    answer.objects = objects.list;
    result
}

/// Item numbers with return values, up to number 0.
fn errors(reader: &mut Reader<'_>) -> Reading<Vec<(u32, u64)>> {
    let mut errors = Vec::new();
    loop {
        let number = reader.vlq32()?;
        if number == 0 {
            return Ok(errors);
        }
        let error = reader.vlq64()?;
        if errors.len() < MAX_POINTS {
            errors.push((number, error));
        }
    }
}

/// The object that was asked for, the integrity number, and the objects. Of the many that it may be only names are told.
fn explore<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>, answer: &mut Answer<'a>) -> Reading<()> {
    reader.cursor.u32_be()?;
    if reader.peek().is_some_and(|byte| byte != 0xA1) {
        content.integrity = Some(reader.vlq32()?);
    }
    let (objects, result) = object::read(reader);
    if objects.count > 0 {
        content.number("object_count", objects.count);
        let list: Vec<Value<'a>> = objects.list.iter().map(|object| object.describe(reader, false)).collect();
        content.field("objects", Value::List(reader.arena.alloc_slice_copy(&list)));
    }
    answer.objects = objects.list;
    result
}

fn get_link<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    let count = reader.cursor.u8()?;
    let mut linked = Vec::new();
    for _ in 0..count {
        linked.push(Value::Unsigned(u64::from(reader.cursor.u32_be()?)));
    }
    if !linked.is_empty() {
        content.field("linked", Value::List(reader.arena.alloc_slice_copy(&linked)));
    }
    Ok(())
}

/// A byte, the method's own return value, and its results.
fn invoke<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    let own = reader.value()?;
    content.field("method_return_value", own.value);
    let results = value::numbered(reader)?;
    request::list(reader, "results", &results, content);
    reader.cursor.skip(1)
}
