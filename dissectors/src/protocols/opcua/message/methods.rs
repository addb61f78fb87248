//! Call (Part 4, 5.12.2): object, method, arguments.

use bumpalo::collections::Vec as List;

use super::build::Build;
use super::services::Halves;
use super::text::{self, field};
use super::types::{Read, Reader};
use crate::protocols::opcua::tables::attributes::METHOD;
use crate::protocols::opcua::tables::methods::{self, Secrets};
use crate::transaction::{Access, Value, Values};

/// Call.
pub fn call<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let count = body.each(8, |body| called(build, body))?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 16, asked, answered)?;
        build.diagnostics(body)
    });
}

/// A CallMethodRequest: the point is the method, its values are the arguments.
fn called<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    let arena = body.arena;
    let object = body.node_id()?;
    let method = body.node_id()?;
    let known = method.standard().and_then(methods::find);
    let mut fields = List::new_in(arena);
    fields.push(field("object", text::node(object, arena)));
    if let Some(known) = known {
        fields.push(text::word("method_name", known.name));
    }
    let mut types = List::new_in(arena);
    let arguments = body.list(1, |body| {
        let argument = body.variant()?;
        types.push(Value::Text(argument.type_name.as_bytes()));
        Ok(argument.value())
    })?;
    fields.push(field("argument_types", Value::List(types.into_bump_slice())));
    let secret = known.is_some_and(|known| known.secrets == Secrets::Arguments);
    if secret {
        fields.push(field("arguments_hidden", Value::Bool(true)));
    }
    let place = build.points.len();
    build.point(METHOD, known.map_or(Access::Write, |known| known.access), method, fields.into_bump_slice());
    if let (Some(point), Value::List(list), false) = (build.points.get_mut(place), arguments, secret) {
        point.values = Values::Typed(list);
    }
    Ok(())
}

/// A CallMethodResult.
fn answered<'a>(build: &mut Build<'a>, place: usize, body: &mut Reader<'a>) -> Read<()> {
    build.status(place, body.u32()?);
    let statuses = body.list(4, |body| Ok(Value::Unsigned(u64::from(body.u32()?))))?;
    if let Value::List([_, ..]) = statuses {
        build.extend(place, &[field("argument_status_codes", statuses)]);
    }
    body.diagnostics()?;
    let results = body.variants()?;
    build.extend(place, &[field("results", results)]);
    Ok(())
}
