//! Subscriptions and their notifications (Part 4, 5.14, 7.25).

use bumpalo::collections::Vec as List;

use super::build::{Build, MAX_POINTS};
use super::monitored::{id_statuses, ids};
use super::services::Halves;
use super::structures::{self, type_id};
use super::text::{self, field};
use super::types::{Extension, Read, Reader};
use super::view::MAX_NAMELESS;
use crate::protocols::opcua::tables::attributes::EVENT_NOTIFIER;
use crate::transaction::{Access, Field, Point, Value, Values};

/// CreateSubscription.
pub fn create<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        parameters(build, body)?;
        build.number("max_notifications", body.u32()?);
        let enabled = body.bool()?;
        build.add("publishing_enabled", Value::Bool(enabled));
        build.number("priority", body.u8()?);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.number("subscription_id", body.u32()?);
        revised(build, body)
    });
}

/// ModifySubscription.
pub fn modify<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        build.number("subscription_id", body.u32()?);
        parameters(build, body)?;
        build.number("max_notifications", body.u32()?);
        build.number("priority", body.u8()?);
        Ok(())
    });
    build.read(halves.response, revised);
}

fn parameters<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    build.add("publishing_interval", Value::Float(body.f64()?));
    build.number("lifetime_count", body.u32()?);
    build.number("max_keep_alive_count", body.u32()?);
    Ok(())
}

fn revised<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    build.add("revised_publishing_interval", Value::Float(body.f64()?));
    build.number("revised_lifetime_count", body.u32()?);
    build.number("revised_max_keep_alive_count", body.u32()?);
    Ok(())
}

/// SetPublishingMode.
pub fn set_publishing_mode<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        let enabled = body.bool()?;
        build.add("publishing_enabled", Value::Bool(enabled));
        asked = Some(ids(build, body, "subscription_ids")?);
        Ok(())
    });
    build.read(halves.response, |build, body| id_statuses(build, body, "status_codes", asked));
}

/// TransferSubscriptions.
pub fn transfer<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        asked = Some(ids(build, body, "subscription_ids")?);
        let initial = body.bool()?;
        build.add("send_initial_values", Value::Bool(initial));
        Ok(())
    });
    build.read(halves.response, |build, body| {
        let mut statuses = List::new_in(body.arena);
        build.results(body, 8, asked, |build, _, body| {
            let status = body.u32()?;
            build.judge(status);
            statuses.push(Value::Unsigned(u64::from(status)));
            body.each(4, |body| body.u32().map(|_| ())).map(|_| ())
        })?;
        build.add("status_codes", Value::List(statuses.into_bump_slice()));
        build.diagnostics(body)
    });
}

/// DeleteSubscriptions.
pub fn delete<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        asked = Some(ids(build, body, "subscription_ids")?);
        Ok(())
    });
    build.read(halves.response, |build, body| id_statuses(build, body, "status_codes", asked));
}

/// Publish: what is told is of the items that were created before.
#[inline]
pub fn publish<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        let acknowledged = body.each(8, |body| {
            body.u32()?;
            body.u32().map(|_| ())
        })?;
        build.number("acknowledged", acknowledged);
        Ok(())
    });
    // A refusal has the same parts, all of them empty.
    build.read(halves.response.filter(|_| build.answered), |build, body| {
        let subscription = body.u32()?;
        build.number("subscription_id", subscription);
        body.each(4, |body| body.u32().map(|_| ()))?;
        if body.bool()? {
            build.add("more_notifications", Value::Bool(true));
        }
        notification_message(build, body, subscription)?;
        let mut refused = 0_u32;
        body.each(4, |body| {
            refused = refused.saturating_add(body.u32()? >> 31);
            Ok(())
        })?;
        if refused > 0 {
            build.number("acknowledgements_refused", refused);
        }
        build.diagnostics(body)
    });
}

/// Republish.
pub fn republish<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut subscription = 0;
    build.read(halves.request, |build, body| {
        subscription = body.u32()?;
        build.number("subscription_id", subscription);
        build.number("retransmit_sequence_number", body.u32()?);
        Ok(())
    });
    build.read(halves.response, |build, body| notification_message(build, body, subscription));
}

/// A NotificationMessage.
#[inline]
fn notification_message<'a>(build: &mut Build<'a>, body: &mut Reader<'a>, subscription: u32) -> Read<()> {
    build.number("sequence_number", body.u32()?);
    build.add("publish_time", body.time()?);
    let count = body.each(3, |body| {
        let told = body.extension()?;
        let mut inside = body.within(told.body);
        notification(build, subscription, &told, &mut inside)?;
        (body.values, body.omitted) = (inside.values, body.omitted || inside.omitted);
        Ok(())
    })?;
    if count == 0 {
        build.add("keep_alive", Value::Bool(true));
    }
    Ok(())
}

#[inline]
fn notification<'a>(build: &mut Build<'a>, subscription: u32, told: &Extension<'a>, body: &mut Reader<'a>) -> Read<()> {
    match told.type_id.standard() {
        Some(type_id::DATA_CHANGE_NOTIFICATION) => {
            let count = body.count(5)?;
            build.points.reserve(usize::try_from(count).unwrap_or_default().min(MAX_POINTS));
            for _ in 0..count {
                let handle = body.u32()?;
                if let Some(usual) = body.usual_value() {
                    changed(build, (subscription, handle), usual.values(), usual.fields());
                    continue;
                }
                let value = body.data_value()?;
                let fields = build.described(&value);
                changed(build, (subscription, handle), value.values(), fields);
            }
            body.diagnostics().map(|_| ())
        }
        Some(type_id::EVENT_NOTIFICATION_LIST) => body
            .each(8, |body| {
                let handle = body.u32()?;
                let fields = body.variants()?;
                happened(build, subscription, handle, fields);
                Ok(())
            })
            .map(|_| ()),
        Some(type_id::STATUS_CHANGE_NOTIFICATION) => {
            let status = body.u32()?;
            text::status(status, |told| {
                let name = if told.name == "status_code" { "subscription_status_code" } else { "subscription_status" };
                if matches!(told.name, "status" | "status_code") {
                    build.fields.push(field(name, told.value));
                }
            });
            body.diagnostic().map(|_| ())
        }
        _ => {
            let value = structures::value(told, body);
            build.add("notification", value);
            Ok(())
        }
    }
}

/// A value of an item.
#[inline]
fn changed<'a>(build: &mut Build<'a>, (subscription, handle): (u32, u32), values: Values<'a>, fields: &'a [Field<'a>]) {
    let state = build.state;
    match state.subscriptions.item(subscription, handle) {
        Some(item) => build.push(Point { values, fields, ..item.node.point(item.kind, Access::Report) }),
        None => nameless(build, handle, values),
    }
}

/// An event of an item: its fields in the order of the filter that the client gave.
fn happened<'a>(build: &mut Build<'a>, subscription: u32, handle: u32, fields: Value<'a>) {
    let Value::List(list) = fields else { return };
    let values = Values::Typed(list);
    let state = build.state;
    match state.subscriptions.item(subscription, handle) {
        Some(item) => build.push(Point { values, ..item.node.point(EVENT_NOTIFIER, Access::Report) }),
        None => nameless(build, handle, values),
    }
}

/// What is told of an item whose creation was not seen: its handle and values stand among the fields.
fn nameless<'a>(build: &mut Build<'a>, handle: u32, values: Values<'a>) {
    if build.nameless.len() >= MAX_NAMELESS {
        return;
    }
    let values = match values {
        Values::Typed([only]) => *only,
        Values::Typed(list) => Value::List(list),
        _ => Value::Null,
    };
    let parts = [text::number("client_handle", handle), field("value", values)];
    let item = Value::Object(build.arena.alloc_slice_copy(&parts));
    build.nameless.push(item);
}
