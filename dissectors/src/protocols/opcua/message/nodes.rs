//! Node management (Part 4, 5.8).

use super::build::Build;
use super::services::Halves;
use super::text::{self, field};
use super::types::Reader;
use super::view::node_class;
use crate::protocols::opcua::tables::attributes::{NODE, REFERENCES};
use crate::transaction::{Access, Value, Values};

/// AddNodes: the point is the node that is wanted, or that the server made of it.
pub fn add<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let count = body.each(17, |body| {
            let arena = body.arena;
            let parent = field("parent", text::expanded(body.expanded()?, arena));
            let reference = field("reference_type", text::node(body.node_id()?, arena));
            let wanted = body.expanded()?.node;
            let name = field("browse_name", text::qualified_name(body.qualified_name()?, arena));
            let class = text::word("node_class", node_class(body.u32()?));
            let attributes = field("attributes_type", text::node(body.extension()?.type_id, arena));
            let definition = field("type_definition", text::expanded(body.expanded()?, arena));
            let fields = [parent, reference, name, class, attributes, definition];
            build.point(NODE, Access::Configure, wanted, arena.alloc_slice_copy(&fields));
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 6, asked, |build, place, body| {
            build.status(place, body.u32()?);
            let added = text::node(body.node_id()?, body.arena);
            if let Some(point) = build.points.get_mut(place) {
                point.values = Values::Typed(std::slice::from_ref(body.arena.alloc(added)));
            }
            Ok(())
        })?;
        build.diagnostics(body)
    });
}

/// AddReferences.
pub fn add_references<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let count = body.each(15, |body| {
            let arena = body.arena;
            let source = body.node_id()?;
            let fields = [
                field("reference_type", text::node(body.node_id()?, arena)),
                field("forward", Value::Bool(body.bool()?)),
                field("target_server", body.text()?),
                field("target", text::expanded(body.expanded()?, arena)),
                text::word("target_node_class", node_class(body.u32()?)),
            ];
            build.point(REFERENCES, Access::Configure, source, arena.alloc_slice_copy(&fields));
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| build.statuses(body, asked));
}

/// DeleteNodes.
pub fn delete<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let count = body.each(3, |body| {
            let node = body.node_id()?;
            let fields = [field("delete_target_references", Value::Bool(body.bool()?))];
            build.point(NODE, Access::Configure, node, body.arena.alloc_slice_copy(&fields));
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| build.statuses(body, asked));
}

/// DeleteReferences.
pub fn delete_references<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body: &mut Reader<'a>| {
        let count = body.each(8, |body| {
            let arena = body.arena;
            let source = body.node_id()?;
            let fields = [
                field("reference_type", text::node(body.node_id()?, arena)),
                field("forward", Value::Bool(body.bool()?)),
                field("target", text::expanded(body.expanded()?, arena)),
                field("delete_bidirectional", Value::Bool(body.bool()?)),
            ];
            build.point(REFERENCES, Access::Configure, source, arena.alloc_slice_copy(&fields));
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| build.statuses(body, asked));
}
