//! Read and Write (Part 4, 5.11.2, 5.11.4).

use bumpalo::Bump;
use bumpalo::collections::Vec as List;

use super::build::Build;
use super::services::Halves;
use super::text::{self, field};
use super::types::{Identifier, NodeId, Read, Reader};
use super::variant::DataValue;
use super::view;
use crate::protocols::opcua::tables::anomaly;
use crate::protocols::opcua::tables::attributes::{OTHER, VALUE, kind};
use crate::transaction::{Access, Field, Value, Values};

/// Bytes of one ReadValueId at least.
const READ_VALUE_ID: usize = 2 + 4 + 4 + 6;

/// What a client wants of a node.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The node.
    pub node: NodeId<'a>,
    /// Its attribute.
    pub attribute: u32,
    /// A part of an array.
    pub index_range: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    #[inline]
    fn read(body: &mut Reader<'a>) -> Read<Target<'a>> {
        Ok(Target { node: body.node_id()?, attribute: body.u32()?, index_range: body.bytes()? })
    }

    /// A target with a data encoding (ReadValueId), where that is not null.
    #[inline]
    pub fn read_value_id(body: &mut Reader<'a>) -> Read<(Target<'a>, Option<Value<'a>>)> {
        let target = Target::read(body)?;
        let encoding = body.qualified_name()?;
        let encoding = Some(encoding).filter(|encoding| !encoding.name.is_empty());
        Ok((target, encoding.map(|encoding| text::qualified_name(encoding, body.arena))))
    }

    /// The usual ReadValueId: the value of a node with a short number. Nothing is read where it is another.
    #[inline]
    fn usual(body: &mut Reader<'a>) -> Option<NodeId<'a>> {
        let (head, rest) = body.rest().split_first_chunk::<18>()?;
        let [1, namespace, low, high, 13, 0, 0, 0, 255, 255, 255, 255, 0, 0, end @ ..] = head else { return None };
        if !matches!(end, [255, 255, 255, 255] | [0, 0, 0, 0]) {
            return None;
        }
        body.step_to(rest);
        let id = Identifier::Numeric(u32::from(u16::from_le_bytes([*low, *high])));
        Some(NodeId { namespace: u16::from(*namespace), id })
    }

    /// What is told of it beside node and attribute.
    #[inline]
    pub fn describe(&self, mut add: impl FnMut(Field<'a>)) {
        if let Some(range) = self.index_range {
            add(field("index_range", Value::Text(range)));
        }
        if kind(self.attribute) == OTHER {
            add(text::number("attribute", self.attribute));
        }
    }
}

/// Names of TimestampsToReturn.
pub fn timestamps(number: u32) -> &'static str {
    match number {
        0 => "source",
        1 => "server",
        2 => "both",
        3 => "neither",
        _ => "invalid",
    }
}

/// Read.
#[inline]
pub fn read<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let age = body.f64()?;
        if age != 0.0 {
            build.add("max_age", Value::Float(age));
        }
        build.word("timestamps_to_return", timestamps(body.u32()?));
        let count = body.count(READ_VALUE_ID)?;
        build.points.reserve(usize::try_from(count).unwrap_or_default().min(super::build::MAX_POINTS));
        for _ in 0..count {
            if let Some(node) = Target::usual(body) {
                build.point(VALUE, Access::Read, node, &[]);
                continue;
            }
            let (target, encoding) = Target::read_value_id(body)?;
            let kind = kind(target.attribute);
            build.anomalies.set(anomaly::INVALID_ATTRIBUTE, kind == OTHER);
            let fields = described(build.arena, &target, encoding);
            build.point(kind, Access::Read, target.node, fields);
        }
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        let count = body.count(1)?;
        build.counted(asked, count);
        for place in 0..usize::try_from(count).unwrap_or_default() {
            if let Some(point) = build.points.get_mut(place)
                && point.fields.is_empty()
                && !is_secret(point.name)
                && let Some(usual) = body.usual_value()
            {
                (point.values, point.fields) = (usual.values(), usual.fields());
                continue;
            }
            let value = body.data_value()?;
            answered(build, place, &value);
        }
        build.diagnostics(body)
    });
}

/// The value of a point that was asked for.
#[inline]
fn answered<'a>(build: &mut Build<'a>, place: usize, value: &DataValue<'a>) {
    build.refused = build.refused.saturating_add(value.status >> 31);
    let described = build.described(value);
    let Some(point) = build.points.get_mut(place) else { return view::orphan(build, value) };
    if !is_secret(point.name) {
        point.values = value.values();
    }
    if point.fields.is_empty() {
        point.fields = described;
    } else {
        build.extend(place, described);
    }
}

/// What is told of a target that is more than a value.
fn described<'a>(arena: &'a Bump, target: &Target<'a>, encoding: Option<Value<'a>>) -> &'a [Field<'a>] {
    let mut fields = List::new_in(arena);
    target.describe(|field| fields.push(field));
    fields.extend(encoding.map(|encoding| field("data_encoding", encoding)));
    fields.into_bump_slice()
}

/// A node whose name says that its value is a secret.
fn is_secret(name: Option<&[u8]>) -> bool {
    let Some(name) = name else { return false };
    let holds = |word: &[u8]| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    holds(b"password") || holds(b"passwd") || holds(b"privatekey")
}

/// Write.
pub fn write<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let count = body.each(11, |body| {
            let target = Target::read(body)?;
            let value = body.data_value()?;
            let kind = kind(target.attribute);
            build.anomalies.set(anomaly::INVALID_ATTRIBUTE, kind == OTHER);
            let mut fields = List::new_in(build.arena);
            target.describe(|field| fields.push(field));
            written(&value, &mut fields);
            let access = if kind == VALUE { Access::Write } else { Access::Configure };
            let place = build.points.len();
            build.point(kind, access, target.node, fields.into_bump_slice());
            if let Some(point) = build.points.get_mut(place) {
                point.values = if is_secret(point.name) { Values::Unseen } else { value.values() };
            }
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| build.statuses(body, asked));
}

/// What a client says of the value that it writes; its status would hide the one of the answer.
fn written<'a>(value: &DataValue<'a>, fields: &mut List<'a, Field<'a>>) {
    value.describe(|told| match told.name {
        "status" | "status_class" => {}
        "status_code" if value.status == 0 => {}
        "status_code" => fields.push(field("written_status_code", told.value)),
        _ => fields.push(told),
    });
}
