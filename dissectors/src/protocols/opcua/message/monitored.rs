//! Monitored items (Part 4, 5.13).

use bumpalo::collections::Vec as List;

use super::attributes::{Target, timestamps};
use super::build::Build;
use super::query;
use super::services::Halves;
use super::structures::{self, type_id};
use super::text::{self, field};
use super::types::{Extension, Read, Reader};
use crate::protocols::opcua::tables::anomaly;
use crate::protocols::opcua::tables::attributes::{OTHER, kind};
use crate::transaction::{Access, Field, Value};

/// How an item is monitored.
struct Parameters<'a> {
    handle: u32,
    interval: f64,
    filter: Extension<'a>,
    queue: u32,
    discard_oldest: bool,
}

impl<'a> Parameters<'a> {
    fn read(body: &mut Reader<'a>) -> Read<Self> {
        Ok(Parameters {
            handle: body.u32()?,
            interval: body.f64()?,
            filter: body.extension()?,
            queue: body.u32()?,
            discard_oldest: body.bool()?,
        })
    }

    fn describe(&self, body: &mut Reader<'a>, fields: &mut List<'a, Field<'a>>) -> Read<()> {
        fields.push(text::number("client_handle", self.handle));
        fields.push(field("sampling_interval", Value::Float(self.interval)));
        fields.push(text::number("queue_size", self.queue));
        fields.push(field("discard_oldest", Value::Bool(self.discard_oldest)));
        let mut inside = body.within(self.filter.body);
        let told = filter(&self.filter, &mut inside)?;
        (body.values, body.omitted) = (inside.values, body.omitted || inside.omitted);
        if told != Value::Null {
            fields.push(field("filter", told));
        }
        Ok(())
    }
}

/// Names of MonitoringMode.
fn mode(number: u32) -> &'static str {
    match number {
        0 => "disabled",
        1 => "sampling",
        2 => "reporting",
        _ => "invalid",
    }
}

/// CreateMonitoredItems.
pub fn create<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        build.number("subscription_id", body.u32()?);
        build.word("timestamps_to_return", timestamps(body.u32()?));
        let count = body.each(40, |body| {
            let (target, encoding) = Target::read_value_id(body)?;
            let kind = kind(target.attribute);
            build.anomalies.set(anomaly::INVALID_ATTRIBUTE, kind == OTHER);
            let mut fields = List::new_in(body.arena);
            target.describe(|field| fields.push(field));
            fields.extend(encoding.map(|encoding| field("data_encoding", encoding)));
            fields.push(text::word("monitoring_mode", mode(body.u32()?)));
            let parameters = Parameters::read(body)?;
            parameters.describe(body, &mut fields)?;
            build.point(kind, Access::Read, target.node, fields.into_bump_slice());
            Ok(())
        })?;
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.results(body, 23, asked, |build, place, body| {
            build.status(place, body.u32()?);
            let item = [text::number("monitored_item_id", body.u32()?)];
            build.extend(place, &item);
            revised(build, place, body)
        })?;
        build.diagnostics(body)
    });
}

/// What the server made of the parameters.
fn revised<'a>(build: &mut Build<'a>, place: usize, body: &mut Reader<'a>) -> Read<()> {
    let parts = [
        field("revised_sampling_interval", Value::Float(body.f64()?)),
        text::number("revised_queue_size", body.u32()?),
    ];
    build.extend(place, &parts);
    let result = body.extension()?;
    let mut inside = body.within(result.body);
    match filter_result(&result, &mut inside)? {
        Value::Null => {}
        told => build.extend(place, &[field("filter_result", told)]),
    }
    Ok(())
}

/// ModifyMonitoredItems.
pub fn modify<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        build.number("subscription_id", body.u32()?);
        build.word("timestamps_to_return", timestamps(body.u32()?));
        let mut items = List::new_in(body.arena);
        let count = body.each(24, |body| {
            let mut fields = List::new_in(body.arena);
            fields.push(text::number("monitored_item_id", body.u32()?));
            let parameters = Parameters::read(body)?;
            parameters.describe(body, &mut fields)?;
            if body.keeps() {
                items.push(Value::Object(fields.into_bump_slice()));
            }
            Ok(())
        })?;
        build.add("items", Value::List(items.into_bump_slice()));
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        let mut statuses = List::new_in(body.arena);
        build.results(body, 19, asked, |build, _, body| {
            statuses.push(status(build, body)?);
            body.f64()?;
            body.u32()?;
            body.extension().map(|_| ())
        })?;
        build.add("status_codes", Value::List(statuses.into_bump_slice()));
        build.diagnostics(body)
    });
}

/// A status of an operation that has no point.
fn status<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<Value<'a>> {
    let status = body.u32()?;
    build.judge(status);
    Ok(Value::Unsigned(u64::from(status)))
}

/// Ids and then a status for each: what many services consist of.
pub fn ids<'a>(build: &mut Build<'a>, body: &mut Reader<'a>, name: &'static str) -> Read<u32> {
    let mut count = 0_u32;
    let list = body.list(4, |body| {
        count = count.saturating_add(1);
        Ok(Value::Unsigned(u64::from(body.u32()?)))
    })?;
    build.add(name, list);
    Ok(count)
}

/// A status for each id.
pub fn id_statuses<'a>(
    build: &mut Build<'a>,
    body: &mut Reader<'a>,
    name: &'static str,
    asked: Option<u32>,
) -> Read<()> {
    let mut statuses = List::new_in(body.arena);
    build.results(body, 4, asked, |build, _, body| {
        statuses.push(status(build, body)?);
        Ok(())
    })?;
    build.add(name, Value::List(statuses.into_bump_slice()));
    build.diagnostics(body)
}

/// SetMonitoringMode.
pub fn set_mode<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        build.number("subscription_id", body.u32()?);
        build.word("monitoring_mode", mode(body.u32()?));
        asked = Some(ids(build, body, "monitored_item_ids")?);
        Ok(())
    });
    build.read(halves.response, |build, body| id_statuses(build, body, "status_codes", asked));
}

/// SetTriggering.
pub fn set_triggering<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = (None, None);
    build.read(halves.request, |build, body| {
        build.number("subscription_id", body.u32()?);
        build.number("triggering_item_id", body.u32()?);
        let added = ids(build, body, "links_to_add")?;
        asked = (Some(added), Some(ids(build, body, "links_to_remove")?));
        Ok(())
    });
    build.read(halves.response, |build, body| {
        id_statuses(build, body, "add_status_codes", asked.0)?;
        id_statuses(build, body, "remove_status_codes", asked.1)
    });
}

/// DeleteMonitoredItems.
pub fn delete<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        build.number("subscription_id", body.u32()?);
        asked = Some(ids(build, body, "monitored_item_ids")?);
        Ok(())
    });
    build.read(halves.response, |build, body| id_statuses(build, body, "status_codes", asked));
}

/// What of an item's changes is told (Part 4, 7.22).
fn filter<'a>(filter: &Extension<'a>, body: &mut Reader<'a>) -> Read<Value<'a>> {
    let mut fields = List::new_in(body.arena);
    match filter.type_id.standard() {
        Some(0) => return Ok(Value::Null),
        Some(type_id::DATA_CHANGE_FILTER) => {
            fields.push(text::word("filter", "data_change"));
            fields.push(text::word("trigger", trigger(body.u32()?)));
            fields.push(text::word("deadband_type", deadband(body.u32()?)));
            fields.push(field("deadband", Value::Float(body.f64()?)));
        }
        Some(type_id::EVENT_FILTER) => {
            fields.push(text::word("filter", "event"));
            fields.push(field("select", body.list(14, query::simple_operand)?));
            fields.push(field("where", query::content_filter(body)?));
        }
        Some(type_id::AGGREGATE_FILTER) => {
            fields.push(text::word("filter", "aggregate"));
            fields.push(field("start_time", body.time()?));
            fields.push(field("aggregate", text::node(body.node_id()?, body.arena)));
            fields.push(field("processing_interval", Value::Float(body.f64()?)));
            aggregate_configuration(body, &mut fields)?;
        }
        _ => return Ok(structures::value(filter, body)),
    }
    Ok(Value::Object(fields.into_bump_slice()))
}

fn aggregate_configuration<'a>(body: &mut Reader<'a>, fields: &mut List<'a, Field<'a>>) -> Read<()> {
    fields.push(field("use_server_defaults", Value::Bool(body.bool()?)));
    fields.push(field("treat_uncertain_as_bad", Value::Bool(body.bool()?)));
    fields.push(text::number("percent_data_bad", body.u8()?));
    fields.push(text::number("percent_data_good", body.u8()?));
    fields.push(field("use_sloped_extrapolation", Value::Bool(body.bool()?)));
    Ok(())
}

/// What the server says of a filter.
fn filter_result<'a>(result: &Extension<'a>, body: &mut Reader<'a>) -> Read<Value<'a>> {
    let mut fields = List::new_in(body.arena);
    match result.type_id.standard() {
        Some(0) => return Ok(Value::Null),
        Some(type_id::EVENT_FILTER_RESULT) => {
            fields.push(field("select", body.list(4, |body| Ok(Value::Unsigned(u64::from(body.u32()?))))?));
            body.diagnostics()?;
            fields.push(field("where", query::filter_result(body)?));
        }
        Some(type_id::AGGREGATE_FILTER_RESULT) => {
            fields.push(field("revised_start_time", body.time()?));
            fields.push(field("revised_processing_interval", Value::Float(body.f64()?)));
            aggregate_configuration(body, &mut fields)?;
        }
        _ => return Ok(structures::value(result, body)),
    }
    Ok(Value::Object(fields.into_bump_slice()))
}

fn trigger(number: u32) -> &'static str {
    match number {
        0 => "status",
        1 => "status_value",
        2 => "status_value_timestamp",
        _ => "invalid",
    }
}

fn deadband(number: u32) -> &'static str {
    match number {
        0 => "none",
        1 => "absolute",
        2 => "percent",
        _ => "invalid",
    }
}
