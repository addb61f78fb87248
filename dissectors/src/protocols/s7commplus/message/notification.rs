//! Notifications: values of a subscription by the references that it gave them, and alarms as objects.

use super::Reading;
use super::request::{Content, Item, describe_objects};
use super::value::Reader;
use crate::protocols::s7commplus::tables::{object, point};
use crate::transaction::{Access, Field, Value};

/// What stands before a value in the list.
mod item {
    pub const END: u8 = 0x00;
    pub const NOT_ADDRESSABLE: [u8; 2] = [0x03, 0x13];
    pub const VALUE: u8 = 0x92;
    pub const VALUE_SHORT: u8 = 0x9B;
    pub const STATE: u8 = 0x9C;
    pub const OBJECT: u8 = 0x81;
}

/// The values that follow are those of variables.
const WITH_VALUES: u16 = 0x0400;

/// Reads a notification, its operation code excepted. What was read before something went wrong counts.
pub fn read<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    let subscription = reader.cursor.u32_be()?;
    let form = reader.cursor.u16_be()?;
    content.number("subscription", subscription);
    content.access = Some(Access::Report);
    if form != WITH_VALUES {
        content.number("form", form);
        return Ok(());
    }
    reader.cursor.skip(4)?;
    content.number("credit_tick", reader.cursor.u8()?);
    // Old firmware, whose subscriptions have other identifiers, counts no notifications.
    if subscription >= object::CREATED {
        content.number("notification_sequence", reader.vlq32()?);
    }
    if reader.peek() == Some(0) {
        // Newer firmware: a time in microseconds, whose first byte is 0, stands before the counter of changes.
        let time = reader.cursor.u64_be()?;
        content.number("notification_time_us", time);
    }
    reader.cursor.skip(1)?;
    while one_value(reader, subscription, content)? {}
    alarms(reader, content)
}

/// One value; false at the end of the list.
fn one_value<'a>(reader: &mut Reader<'a>, subscription: u32, content: &mut Content<'a>) -> Reading<bool> {
    let kind = reader.cursor.u8()?;
    let reference = match kind {
        item::END => return Ok(false),
        item::VALUE_SHORT => reader.vlq32()?,
        item::VALUE | item::STATE => reader.cursor.u32_be()?,
        kind if item::NOT_ADDRESSABLE.contains(&kind) => reader.cursor.u32_be()?,
        _ => return Err(reader.wrong()),
    };
    let mut one = Item {
        kind: point::OBJECT,
        block: subscription,
        address: reference,
        access: Access::Report,
        value: None,
        error: None,
        fields: Vec::new(),
    };
    match kind {
        item::VALUE | item::VALUE_SHORT => one.value = Some(reader.value()?),
        item::STATE => {}
        code => one.fields.push(Field { name: "return_code", value: Value::Unsigned(u64::from(code)) }),
    }
    content.add(one);
    Ok(true)
}

/// What may follow the values: another subscription with its alarms.
fn alarms<'a>(reader: &mut Reader<'a>, content: &mut Content<'a>) -> Reading<()> {
    if reader.peek().is_none_or(|byte| byte == 0) {
        return Ok(());
    }
    content.number("alarm_subscription", reader.cursor.u32_be()?);
    reader.cursor.skip(2)?;
    if reader.cursor.u8()? != item::OBJECT {
        return Err(reader.wrong());
    }
    let (objects, result) = super::object::read(reader);
    describe_objects(reader, &objects, content);
    result
}
