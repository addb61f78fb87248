//! What devices and clients say of themselves: at the set-up of a session, and in the identification record (I&M 0).

use super::message::compose::Exchange;
use super::message::object::Object;
use super::message::value::Typed;
use super::tables::{self, attribute, class};
use crate::address::{Moment, Side};
use crate::cursor::Cursor;
use crate::protocols::Sink;
use crate::transaction::{Observation, Value};

/// Says who is seen where.
struct Witness<'s> {
    sink: &'s mut dyn Sink,
    side: Side,
    at: Moment,
}

impl Witness<'_> {
    fn say(&mut self, attribute: &'static str, field: &'static str, value: &[u8]) {
        let value = value.trim_ascii();
        if value.is_empty() {
            return;
        }
        self.sink.observation(&Observation {
            protocol: tables::NUMBER,
            side: self.side,
            unit: None,
            attribute,
            value: Value::Text(value),
            field,
            at: self.at,
        });
    }
}

/// What a client says when it asks for a session: its application and its host.
pub fn of_client(exchange: &Exchange<'_>, objects: &[Object<'_>], sink: &mut dyn Sink) {
    let (Some(request), Some(session)) = (&exchange.request, objects.iter().find(|o| o.class == class::SESSION)) else {
        return;
    };
    let mut witness = Witness { sink, side: exchange.client, at: request.at };
    if let Some(Value::Text(host)) = session.get(attribute::SESSION_HOST) {
        witness.say("name", "s7commplus.server_session.host", host);
    }
    if let Some(Value::Text(application)) = session.get(attribute::SESSION_APPLICATION) {
        witness.say("application", "s7commplus.server_session.application", application);
    }
}

/// What a device says when it gives a session: `1;order number;firmware`.
pub fn of_session(exchange: &Exchange<'_>, objects: &[Object<'_>], sink: &mut dyn Sink) {
    let Some(response) = &exchange.response else { return };
    let version = objects.iter().find_map(|object| object.get(attribute::SESSION_VERSION));
    let Some(text) = version.and_then(|value| element(value, attribute::DEVICE_VERSION)) else { return };
    let mut parts = text.split(|byte| *byte == b';').skip(1);
    let mut witness = Witness { sink, side: exchange.client.other(), at: response.at };
    if let Some(order_number) = parts.next() {
        witness.say("product", "s7commplus.server_session.device_version", order_number);
    }
    if let Some(firmware) = parts.next() {
        witness.say("firmware", "s7commplus.server_session.device_version", firmware);
    }
}

/// An element of a structure that is text.
fn element(value: Value<'_>, wanted: u32) -> Option<&[u8]> {
    let Value::Object([_, elements]) = value else { return None };
    let Value::List(elements) = elements.value else { return None };
    elements.iter().find_map(|element| match element {
        Value::Object([id, .., value]) if id.value == Value::Unsigned(u64::from(wanted)) => match value.value {
            Value::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    })
}

/// Identification and maintenance data 0 (PROFINET I&M profile, 3.2): block header, vendor, order number, serial number, revisions.
pub fn of_record(exchange: &Exchange<'_>, typed: &Typed<'_>, sink: &mut dyn Sink) {
    let (Some(response), Value::Hex(bytes)) = (&exchange.response, typed.value) else { return };
    let witness = Witness { sink, side: exchange.client.other(), at: response.at };
    let _ = read_record(bytes, witness);
}

fn read_record(bytes: &[u8], mut witness: Witness<'_>) -> Result<(), crate::cursor::Incomplete> {
    const IM0: u16 = 0x0020;
    const SIEMENS: u16 = 42;
    let mut cursor = Cursor::new("s7commplus.identification", bytes);
    if cursor.u16_be()? != IM0 {
        return Ok(());
    }
    cursor.skip(4)?;
    if cursor.u16_be()? == SIEMENS {
        witness.say("vendor", "s7commplus.identification.vendor", b"Siemens AG");
    }
    let order_number = cursor.take(20)?;
    let serial = cursor.take(16)?;
    let hardware = cursor.u16_be()?;
    let [prefix, major, minor, patch] = cursor.array()?;
    witness.say("product", "s7commplus.identification.order_number", order_number);
    witness.say("serial", "s7commplus.identification.serial_number", serial);
    witness.say("hardware", "s7commplus.identification.hardware_revision", hardware.to_string().as_bytes());
    let firmware = format!("{}{major}.{minor}.{patch}", char::from(prefix));
    if prefix.is_ascii_alphabetic() {
        witness.say("firmware", "s7commplus.identification.software_revision", firmware.as_bytes());
    }
    Ok(())
}
