//! How nodes, names and status codes stand in a record.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bumpalo::Bump;
use bumpalo::collections::Vec as List;

use super::types::{ExpandedNodeId, Identifier, NodeId, QualifiedName};
use crate::protocols::opcua::tables;
use crate::transaction::{Field, Value};

/// A field.
#[inline]
pub fn field<'a>(name: &'static str, value: Value<'a>) -> Field<'a> {
    Field { name, value }
}

/// A number as a field.
#[inline]
pub fn number(name: &'static str, value: impl Into<u64>) -> Field<'static> {
    Field { name, value: Value::Unsigned(value.into()) }
}

/// A word of ours as a field.
#[inline]
pub fn word(name: &'static str, value: &'static str) -> Field<'static> {
    Field { name, value: Value::Text(value.as_bytes()) }
}

/// A status code: number, name, class.
#[inline]
pub fn status<'a>(status: u32, mut add: impl FnMut(Field<'a>)) {
    add(number("status_code", status));
    add(field("status", tables::status_name(status).map_or(Value::Null, |name| Value::Text(name.as_bytes()))));
    if status != 0 {
        add(word("status_class", tables::status_class(status)));
        flags(status, add);
    }
}

/// What a status says of the value (Part 4, 7.39.1).
#[cold]
fn flags<'a>(status: u32, mut add: impl FnMut(Field<'a>)) {
    for (bit, name) in [(15, "structure_changed"), (14, "semantics_changed")] {
        if status >> bit & 1 == 1 {
            add(field(name, Value::Bool(true)));
        }
    }
    if status >> 10 & 3 != 1 {
        return;
    }
    match status >> 8 & 3 {
        1 => add(word("limit", "low")),
        2 => add(word("limit", "high")),
        3 => add(word("limit", "constant")),
        _ => {}
    }
    if status >> 7 & 1 == 1 {
        add(field("overflow", Value::Bool(true)));
    }
    match status & 3 {
        1 => add(word("historian", "calculated")),
        2 => add(word("historian", "interpolated")),
        _ => {}
    }
    for (bit, name) in [(2, "historian_partial"), (3, "historian_extra_data"), (4, "historian_multi_value")] {
        if status >> bit & 1 == 1 {
            add(field(name, Value::Bool(true)));
        }
    }
}

/// An identifier that is no number, as it stands behind the namespace: `s=Pump/Speed`.
pub fn identifier<'a>(id: Identifier<'_>, arena: &'a Bump) -> Option<&'a [u8]> {
    let mut out = List::new_in(arena);
    match id {
        Identifier::Numeric(_) => return None,
        Identifier::String(name) => {
            out.reserve_exact(name.len().saturating_add(2));
            out.extend_from_slice(b"s=");
            out.extend_from_slice_copy(name);
        }
        Identifier::Guid(bytes) => {
            out.extend_from_slice(b"g=");
            write_guid(&mut out, &bytes);
        }
        Identifier::Opaque(bytes) => {
            out.extend_from_slice(b"b=");
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
        }
    }
    Some(out.into_bump_slice())
}

fn write_guid(out: &mut List<'_, u8>, bytes: &[u8; 16]) {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    for (place, byte) in [d, c, b, a, f, e, h, g].into_iter().chain(rest).enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        let _ = write!(Bytes(out), "{byte:02x}");
    }
}

/// A list of bytes as something to write to.
struct Bytes<'l, 'a>(&'l mut List<'a, u8>);

impl std::io::Write for Bytes<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A Guid as text.
pub fn guid<'a>(bytes: &[u8; 16], arena: &'a Bump) -> Value<'a> {
    let mut out = List::new_in(arena);
    write_guid(&mut out, bytes);
    Value::Text(out.into_bump_slice())
}

/// A node as text: `ns=2;s=Pump/Speed`.
pub fn node<'a>(node: NodeId<'_>, arena: &'a Bump) -> Value<'a> {
    let mut out = List::new_in(arena);
    write_node(&mut out, node, arena);
    Value::Text(out.into_bump_slice())
}

fn write_node(out: &mut List<'_, u8>, node: NodeId<'_>, arena: &Bump) {
    if node.namespace != 0 {
        let _ = write!(Bytes(out), "ns={};", node.namespace);
    }
    match (node.id, identifier(node.id, arena)) {
        (Identifier::Numeric(number), _) => _ = write!(Bytes(out), "i={number}"),
        (_, name) => out.extend_from_slice(name.unwrap_or_default()),
    }
}

/// A node of perhaps another server: `svr=1;nsu=http://…;s=Pump`.
pub fn expanded<'a>(id: ExpandedNodeId<'_>, arena: &'a Bump) -> Value<'a> {
    let mut out = List::new_in(arena);
    if id.server != 0 {
        let _ = write!(Bytes(&mut out), "svr={};", id.server);
    }
    if let Some(uri) = id.uri {
        out.extend_from_slice(b"nsu=");
        out.extend_from_slice(uri);
        out.push(b';');
    }
    let namespace = if id.uri.is_some() { 0 } else { id.node.namespace };
    write_node(&mut out, NodeId { namespace, ..id.node }, arena);
    Value::Text(out.into_bump_slice())
}

/// A name with its namespace: `2:Speed`; names of the standard stand alone.
pub fn qualified_name<'a>(name: QualifiedName<'a>, arena: &'a Bump) -> Value<'a> {
    if name.namespace == 0 {
        return Value::Text(name.name);
    }
    let mut out = List::new_in(arena);
    let _ = write!(Bytes(&mut out), "{}:", name.namespace);
    out.extend_from_slice(name.name);
    Value::Text(out.into_bump_slice())
}
