//! HistoryRead and HistoryUpdate (Part 4, 5.11.3, 5.11.5; Part 11).

use bumpalo::collections::Vec as List;

use super::attributes::timestamps;
use super::build::Build;
use super::services::Halves;
use super::structures::{self, type_id};
use super::text::{self, field};
use super::types::{Extension, NodeId, Read, Reader};
use crate::protocols::opcua::tables::attributes::{EVENT_NOTIFIER, VALUE};
use crate::protocols::opcua::tables::is_bad;
use crate::transaction::{Access, Field, Value, Values};

/// HistoryRead.
pub fn read<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let details = body.extension()?;
        let kind = if details.type_id.standard() == Some(type_id::READ_EVENT_DETAILS) { EVENT_NOTIFIER } else { VALUE };
        read_details(build, body, &details)?;
        build.word("timestamps_to_return", timestamps(body.u32()?));
        if body.bool()? {
            build.add("release_continuation_points", Value::Bool(true));
        }
        let count = body.each(16, |body| {
            let node = body.node_id()?;
            let mut fields = List::new_in(build.arena);
            if let Some(range) = body.bytes()? {
                fields.push(field("index_range", Value::Text(range)));
            }
            body.qualified_name()?;
            if body.bytes()?.is_some_and(|point| !point.is_empty()) {
                fields.push(field("continued", Value::Bool(true)));
            }
            build.point(kind, Access::Read, node, fields.into_bump_slice());
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 11, asked, history)?;
        build.diagnostics(body)
    });
}

/// What of the past is wanted.
fn read_details<'a>(build: &mut Build<'a>, outer: &Reader<'a>, details: &Extension<'a>) -> Read<()> {
    let mut body = outer.within(details.body);
    match details.type_id.standard() {
        Some(type_id::READ_EVENT_DETAILS) => {
            build.word("history", "events");
            build.number("values_per_node", body.u32()?);
            times(build, &mut body)?;
        }
        Some(type_id::READ_RAW_DETAILS) => {
            let modified = body.bool()?;
            build.word("history", if modified { "modified" } else { "raw" });
            times(build, &mut body)?;
            build.number("values_per_node", body.u32()?);
            build.add("bounds", Value::Bool(body.bool()?));
        }
        Some(type_id::READ_PROCESSED_DETAILS) => {
            build.word("history", "processed");
            times(build, &mut body)?;
            build.add("processing_interval", Value::Float(body.f64()?));
            let aggregates = body.list(2, |body| Ok(text::node(body.node_id()?, body.arena)))?;
            build.add("aggregates", aggregates);
        }
        Some(type_id::READ_AT_TIME_DETAILS) => {
            build.word("history", "at_times");
            let times = body.list(8, |body| body.time())?;
            build.add("times", times);
        }
        Some(type_id::READ_ANNOTATION_DETAILS) => {
            build.word("history", "annotations");
            let times = body.list(8, |body| body.time())?;
            build.add("times", times);
        }
        _ => build.node("history_type", details.type_id),
    }
    Ok(())
}

fn times<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    build.add("start_time", body.time()?);
    build.add("end_time", body.time()?);
    Ok(())
}

/// What of the past a server tells of one node.
fn history<'a>(build: &mut Build<'a>, place: usize, body: &mut Reader<'a>) -> Read<()> {
    build.status(place, body.u32()?);
    let more = body.bytes()?.is_some_and(|point| !point.is_empty());
    let told = body.extension()?;
    if more {
        build.extend(place, &[field("more", Value::Bool(true))]);
    }
    let mut inside = body.within(told.body);
    let values = match told.type_id.standard() {
        Some(type_id::HISTORY_DATA | type_id::HISTORY_MODIFIED_DATA) => data_values(build, place, &mut inside)?,
        Some(type_id::HISTORY_EVENT) => inside.list(4, Reader::variants)?,
        Some(0) => return Ok(()),
        _ => structures::value(&told, &mut inside),
    };
    (body.values, body.omitted) = (inside.values, body.omitted || inside.omitted);
    if let (Some(point), Value::List(values)) = (build.points.get_mut(place), values) {
        point.values = Values::Typed(values);
    }
    Ok(())
}

/// DataValues: their values as a list, their times beside it.
fn data_values<'a>(build: &mut Build<'a>, place: usize, body: &mut Reader<'a>) -> Read<Value<'a>> {
    let mut times = List::new_in(build.arena);
    let mut statuses = List::new_in(build.arena);
    let mut bad = false;
    let values = body.list(1, |body| {
        let value = body.data_value()?;
        times.push(value.source_time.unwrap_or(Value::Null));
        statuses.push(Value::Unsigned(u64::from(value.status)));
        bad |= is_bad(value.status);
        Ok(value.data.map_or(Value::Null, |data| data.value()))
    })?;
    build.extend(place, &[field("source_times", Value::List(times.into_bump_slice()))]);
    if bad {
        build.extend(place, &[field("status_codes", Value::List(statuses.into_bump_slice()))]);
    }
    Ok(values)
}

/// HistoryUpdate.
pub fn update<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let count = body.each(3, |body| {
            let details = body.extension()?;
            let mut inside = body.within(details.body);
            update_details(build, &details, &mut inside)?;
            (body.values, body.omitted) = (inside.values, body.omitted || inside.omitted);
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 12, asked, |build, place, body| {
            build.status(place, body.u32()?);
            let statuses = body.list(4, |body| Ok(Value::Unsigned(u64::from(body.u32()?))))?;
            build.extend(place, &[field("operation_status_codes", statuses)]);
            body.diagnostics()?;
            Ok(())
        })?;
        build.diagnostics(body)
    });
}

fn update_details<'a>(build: &mut Build<'a>, details: &Extension<'a>, body: &mut Reader<'a>) -> Read<()> {
    let kind = match details.type_id.standard() {
        Some(type_id::UPDATE_EVENT | type_id::DELETE_EVENT) => EVENT_NOTIFIER,
        _ => VALUE,
    };
    // All details begin with the node.
    let node = if details.body.is_empty() { NodeId::NULL } else { body.node_id()? };
    let place = build.points.len();
    build.point(kind, Access::Write, node, &[]);
    let (what, parts): (&str, Value<'a>) = match details.type_id.standard() {
        Some(type_id::UPDATE_DATA | type_id::UPDATE_STRUCTURE) => {
            let what = perform(body.u32()?);
            let values = data_values(build, place, body)?;
            if let (Some(point), Value::List(values)) = (build.points.get_mut(place), values) {
                point.values = Values::Typed(values);
            }
            (what, Value::Null)
        }
        Some(type_id::UPDATE_EVENT) => (perform(body.u32()?), Value::Null),
        Some(type_id::DELETE_RAW) => {
            let modified = body.bool()?;
            let span = [body.time()?, body.time()?];
            (if modified { "delete_modified" } else { "delete_raw" }, Value::List(build.arena.alloc_slice_copy(&span)))
        }
        Some(type_id::DELETE_AT_TIME) => ("delete_at_times", body.list(8, |body| body.time())?),
        Some(type_id::DELETE_EVENT) => {
            ("delete_events", body.list(4, |body| Ok(Value::Hex(body.bytes()?.unwrap_or_default())))?)
        }
        _ => ("unknown", text::node(details.type_id, build.arena)),
    };
    let more: [Field<'a>; 2] = [text::word("history_update", what), field("of", parts)];
    build.extend(place, more.get(..if parts == Value::Null { 1 } else { 2 }).unwrap_or_default());
    Ok(())
}

/// Names of PerformUpdateType.
fn perform(number: u32) -> &'static str {
    match number {
        1 => "insert",
        2 => "replace",
        3 => "update",
        4 => "remove",
        _ => "invalid",
    }
}
