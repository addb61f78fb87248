//! What a dissector in Python says of a message, copied out of Python's hands and bounded.

use bumpalo::Bump;

use crate::transaction::{Access, Field, Value};

/// A value that owns what it refers to.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Own {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Box<str>),
    Hex(Box<[u8]>),
    List(Vec<Own>),
    Object(Vec<OwnField>),
}

/// A named value that owns what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnField {
    /// Name as in the output.
    pub name: &'static str,
    /// Its value.
    pub value: Own,
}

impl Own {
    /// The borrowed form; its lists lie in `arena`.
    pub fn view<'a>(&'a self, arena: &'a Bump) -> Value<'a> {
        match self {
            Own::Null => Value::Null,
            Own::Bool(value) => Value::Bool(*value),
            Own::Unsigned(value) => Value::Unsigned(*value),
            Own::Signed(value) => Value::Signed(*value),
            Own::Float(value) => Value::Float(*value),
            Own::Text(text) => Value::Text(text.as_bytes()),
            Own::Hex(bytes) => Value::Hex(bytes),
            Own::List(list) => Value::List(arena.alloc_slice_fill_iter(list.iter().map(|value| value.view(arena)))),
            Own::Object(fields) => Value::Object(view(fields, arena)),
        }
    }
}

/// The borrowed form of fields; their lists lie in `arena`.
pub fn view<'a>(fields: &'a [OwnField], arena: &'a Bump) -> &'a [Field<'a>] {
    let fields = fields.iter().map(|field| Field { name: field.name, value: field.value.view(arena) });
    arena.alloc_slice_fill_iter(fields)
}

/// The protocol's own fields of one message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detail {
    /// In the order in which they were given.
    pub fields: Vec<OwnField>,
    /// Bytes of memory, roughly: what a ceiling counts.
    pub weight: usize,
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What its response repeats.
    pub reference: i64,
    /// The device behind the address.
    pub unit: Option<u32>,
    /// As on the wire.
    pub function: u32,
    /// What kind of thing is done; `None` takes the table's.
    pub access: Option<Access>,
    /// The protocol's own fields.
    pub detail: Detail,
}

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// What its request said.
    pub reference: i64,
    /// The function it names itself: what a response whose request was not seen is told as.
    pub function: Option<u32>,
    /// The error code where the answer is no.
    pub rejected: Option<u32>,
    /// The protocol's own fields.
    pub detail: Detail,
}

/// Something that nobody asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What its confirmation repeats, where it is confirmed.
    pub reference: Option<i64>,
    /// The device behind the address.
    pub unit: Option<u32>,
    /// As on the wire.
    pub function: u32,
    /// The protocol's own fields.
    pub detail: Detail,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Said {
    Request(Request),
    Response(Response),
    Report(Report),
}
