//! Browse and what goes with it (Part 4, 5.9).

use bumpalo::collections::Vec as List;

use super::build::Build;
use super::services::Halves;
use super::text::{self, field};
use super::types::{Read, Reader};
use super::variant::DataValue;
use crate::protocols::opcua::tables::attributes::{NODE, REFERENCES};
use crate::transaction::{Access, Value, Values};

/// Values without a node that are told of one record.
pub const MAX_NAMELESS: usize = 256;

/// A value whose node was not seen.
#[cold]
pub fn orphan<'a>(build: &mut Build<'a>, value: &DataValue<'a>) {
    if build.nameless.len() < MAX_NAMELESS {
        build.nameless.push(value.data.map_or(Value::Null, |data| data.value()));
    }
}

/// A view: null for the whole address space.
pub fn read_view<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    let view = body.node_id()?;
    body.time()?;
    let version = body.u32()?;
    if view.standard() != Some(0) {
        build.node("view", view);
        build.number("view_version", version);
    }
    Ok(())
}

/// Browse.
pub fn browse<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        read_view(build, body)?;
        build.number("max_references", body.u32()?);
        let count = body.each(17, |body| {
            let node = body.node_id()?;
            let direction = match body.u32()? {
                0 => "forward",
                1 => "inverse",
                2 => "both",
                _ => "invalid",
            };
            let arena = body.arena;
            let fields = [
                text::word("direction", direction),
                field("reference_type", text::node(body.node_id()?, arena)),
                field("include_subtypes", Value::Bool(body.bool()?)),
                text::number("node_class_mask", body.u32()?),
                text::number("result_mask", body.u32()?),
            ];
            build.point(REFERENCES, Access::Identify, node, arena.alloc_slice_copy(&fields));
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 12, asked, browsed)?;
        build.diagnostics(body)
    });
}

/// BrowseNext: the nodes are those of the calls that gave the continuation points.
pub fn browse_next<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        if body.bool()? {
            build.add("release_continuation_points", Value::Bool(true));
        }
        let count = body.each(4, |body| {
            let state = build.state;
            match state.continuations.find(body.bytes()?.unwrap_or_default()) {
                Some(node) => build.push(node.point(REFERENCES, Access::Identify)),
                None => build.point(REFERENCES, Access::Identify, super::types::NodeId::NULL, &[]),
            }
            Ok(())
        })?;
        build.number("continuation_points", count);
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 12, asked, browsed)?;
        build.diagnostics(body)
    });
}

/// The references of one node.
fn browsed<'a>(build: &mut Build<'a>, place: usize, body: &mut Reader<'a>) -> Read<()> {
    build.status(place, body.u32()?);
    let more = body.bytes()?.is_some_and(|point| !point.is_empty());
    let references = body.list(15, reference)?;
    if more {
        build.extend(place, &[field("more", Value::Bool(true))]);
    }
    if let (Some(point), Value::List(list)) = (build.points.get_mut(place), references) {
        point.values = Values::Typed(list);
    }
    Ok(())
}

/// A ReferenceDescription.
fn reference<'a>(body: &mut Reader<'a>) -> Read<Value<'a>> {
    let arena = body.arena;
    let reference_type = text::node(body.node_id()?, arena);
    let forward = body.bool()?;
    let node = text::expanded(body.expanded()?, arena);
    let browse_name = text::qualified_name(body.qualified_name()?, arena);
    let display_name = body.localized_text()?;
    let class = node_class(body.u32()?);
    let definition = body.expanded()?;
    let mut fields = List::with_capacity_in(7, arena);
    fields.extend_from_slice_copy(&[
        field("node", node),
        field("reference_type", reference_type),
        field("forward", Value::Bool(forward)),
        field("browse_name", browse_name),
        field("display_name", display_name),
        text::word("node_class", class),
    ]);
    if definition.node.standard() != Some(0) || definition.uri.is_some() {
        fields.push(field("type_definition", text::expanded(definition, arena)));
    }
    Ok(Value::Object(fields.into_bump_slice()))
}

/// Names of NodeClass.
pub fn node_class(number: u32) -> &'static str {
    match number {
        0 => "unspecified",
        1 => "object",
        2 => "variable",
        4 => "method",
        8 => "object_type",
        16 => "variable_type",
        32 => "reference_type",
        64 => "data_type",
        128 => "view",
        _ => "invalid",
    }
}

/// A RelativePath as `/2:Pump/2:Speed`.
pub fn relative_path<'a>(body: &mut Reader<'a>) -> Read<Value<'a>> {
    let arena = body.arena;
    let mut path = List::new_in(arena);
    body.each(10, |body| {
        body.node_id()?;
        let inverse = body.bool()?;
        body.bool()?;
        path.push(if inverse { b'!' } else { b'/' });
        if let Value::Text(name) = text::qualified_name(body.qualified_name()?, arena) {
            path.extend_from_slice_copy(name);
        }
        Ok(())
    })?;
    Ok(Value::Text(path.into_bump_slice()))
}

/// TranslateBrowsePathsToNodeIds.
pub fn translate<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let count = body.each(6, |body| {
            let node = body.node_id()?;
            let path = [field("path", relative_path(body)?)];
            build.point(REFERENCES, Access::Identify, node, body.arena.alloc_slice_copy(&path));
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 8, asked, |build, place, body| {
            build.status(place, body.u32()?);
            let targets = body.list(6, |body| {
                let node = text::expanded(body.expanded()?, body.arena);
                body.u32()?;
                Ok(node)
            })?;
            if let (Some(point), Value::List(list)) = (build.points.get_mut(place), targets) {
                point.values = Values::Typed(list);
            }
            Ok(())
        })?;
        build.diagnostics(body)
    });
}

/// RegisterNodes.
pub fn register<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        asked = Some(nodes(build, body)?);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 2, asked, |build, place, body| {
            let alias = [text::node(body.node_id()?, body.arena)];
            if let Some(point) = build.points.get_mut(place) {
                point.values = Values::Typed(body.arena.alloc_slice_copy(&alias));
            }
            Ok(())
        })
    });
}

/// UnregisterNodes.
pub fn unregister<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| nodes(build, body).map(|_| ()));
    build.read(halves.response, |_, _| Ok(()));
}

fn nodes<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<u32> {
    body.each(2, |body| {
        build.point(NODE, Access::Identify, body.node_id()?, &[]);
        Ok(())
    })
}
