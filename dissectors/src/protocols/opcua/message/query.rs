//! QueryFirst and QueryNext (Part 4, 5.10), and the filters that they share with events (7.7).

use bumpalo::collections::Vec as List;

use super::build::Build;
use super::services::Halves;
use super::structures::{self, type_id};
use super::text::{self, field};
use super::types::{Read, Reader};
use super::view::{self, read_view};
use crate::protocols::opcua::tables::attributes::NODE;
use crate::transaction::{Access, Value, Values};

/// Names of FilterOperator, by number.
const OPERATORS: [&str; 18] = [
    "equals",
    "is_null",
    "greater_than",
    "less_than",
    "greater_than_or_equal",
    "less_than_or_equal",
    "like",
    "not",
    "between",
    "in_list",
    "and",
    "or",
    "cast",
    "in_view",
    "of_type",
    "related_to",
    "bitwise_and",
    "bitwise_or",
];

/// QueryFirst.
pub fn first<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        read_view(build, body)?;
        let types = body.list(7, |body| {
            let arena = body.arena;
            let node = text::expanded(body.expanded()?, arena);
            let subtypes = body.bool()?;
            let data = body.list(12, |body| {
                let path = view::relative_path(body)?;
                let attribute = text::number("attribute", body.u32()?);
                let parts = [field("path", path), attribute, field("index_range", body.text()?)];
                Ok(Value::Object(body.arena.alloc_slice_copy(&parts)))
            })?;
            let parts = [field("type", node), field("include_subtypes", Value::Bool(subtypes)), field("data", data)];
            Ok(Value::Object(arena.alloc_slice_copy(&parts)))
        })?;
        build.add("node_types", types);
        let filter = content_filter(body)?;
        build.add("filter", filter);
        build.number("max_data_sets", body.u32()?);
        build.number("max_references", body.u32()?);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        data_sets(build, body)?;
        let more = body.bytes()?.is_some_and(|point| !point.is_empty());
        build.add("more", Value::Bool(more));
        body.each(12, |body| {
            let status = body.u32()?;
            build.refused = build.refused.saturating_add(status >> 31);
            body.each(4, |body| body.u32().map(|_| ()))?;
            body.diagnostics().map(|_| ())
        })?;
        build.diagnostics(body)?;
        filter_result(body).map(|_| ())
    });
}

/// QueryNext.
pub fn next<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        let release = body.bool()?;
        build.add("release_continuation_points", Value::Bool(release));
        body.bytes().map(|_| ())
    });
    build.read(halves.response, |build, body| {
        data_sets(build, body)?;
        let more = body.bytes()?.is_some_and(|point| !point.is_empty());
        build.add("more", Value::Bool(more));
        Ok(())
    });
}

fn data_sets<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    body.each(8, |body| {
        let node = body.expanded()?.node;
        let definition = [field("type_definition", text::expanded(body.expanded()?, body.arena))];
        let values = body.variants()?;
        let place = build.points.len();
        build.point(NODE, Access::Read, node, body.arena.alloc_slice_copy(&definition));
        if let (Some(point), Value::List(list)) = (build.points.get_mut(place), values) {
            point.values = Values::Typed(list);
        }
        Ok(())
    })
    .map(|_| ())
}

/// A ContentFilter: its elements, each with operator and operands.
pub fn content_filter<'a>(body: &mut Reader<'a>) -> Read<Value<'a>> {
    body.list(8, |body| {
        let operator = body.u32()?;
        let name = usize::try_from(operator).ok().and_then(|place| OPERATORS.get(place)).copied().unwrap_or("invalid");
        let operands = body.list(3, |body| {
            let extension = body.extension()?;
            let mut inside = body.within(extension.body);
            let read = operand(extension.type_id.standard(), &mut inside);
            (body.values, body.omitted) = (inside.values, body.omitted || inside.omitted);
            match read? {
                Some(value) => Ok(value),
                None => Ok(structures::value(&extension, body)),
            }
        })?;
        let parts = [text::word("operator", name), field("operands", operands)];
        Ok(Value::Object(body.arena.alloc_slice_copy(&parts)))
    })
}

fn operand<'a>(type_id: Option<u32>, body: &mut Reader<'a>) -> Read<Option<Value<'a>>> {
    let arena = body.arena;
    let mut fields = List::new_in(arena);
    match type_id {
        Some(type_id::ELEMENT_OPERAND) => fields.push(text::number("element", body.u32()?)),
        Some(type_id::LITERAL_OPERAND) => fields.push(field("literal", body.variant()?.value())),
        Some(type_id::ATTRIBUTE_OPERAND) => {
            fields.push(field("node", text::node(body.node_id()?, arena)));
            fields.push(field("alias", body.text()?));
            fields.push(field("path", view::relative_path(body)?));
            fields.push(text::number("attribute", body.u32()?));
            fields.push(field("index_range", body.text()?));
        }
        Some(type_id::SIMPLE_ATTRIBUTE_OPERAND) => return simple_operand(body).map(Some),
        _ => return Ok(None),
    }
    Ok(Some(Value::Object(fields.into_bump_slice())))
}

/// A SimpleAttributeOperand: a field of events.
pub fn simple_operand<'a>(body: &mut Reader<'a>) -> Read<Value<'a>> {
    let arena = body.arena;
    let definition = text::node(body.node_id()?, arena);
    let mut path = List::new_in(arena);
    body.each(6, |body| {
        path.push(b'/');
        if let Value::Text(name) = text::qualified_name(body.qualified_name()?, arena) {
            path.extend_from_slice_copy(name);
        }
        Ok(())
    })?;
    let attribute = text::number("attribute", body.u32()?);
    let range = field("index_range", body.text()?);
    let parts = [field("type", definition), field("path", Value::Text(path.into_bump_slice())), attribute, range];
    Ok(Value::Object(arena.alloc_slice_copy(&parts)))
}

/// A ContentFilterResult: the status of each element.
pub fn filter_result<'a>(body: &mut Reader<'a>) -> Read<Value<'a>> {
    let elements = body.list(12, |body| {
        let status = Value::Unsigned(u64::from(body.u32()?));
        body.each(4, |body| body.u32().map(|_| ()))?;
        body.diagnostics()?;
        Ok(status)
    })?;
    body.diagnostics()?;
    Ok(elements)
}
