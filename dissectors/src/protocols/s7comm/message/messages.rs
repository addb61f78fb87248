//! Messages of the controller: alarms, notifications, diagnostics, and the subscription to them.

use bumpalo::Bump;

use super::compose::Fields;
use super::szl;
use super::values::date_and_time;
use crate::cursor::Cursor;
use crate::transaction::Value;

/// Messages that a subscription asks for, by the bits of its first byte.
const EVENTS: [(u8, &str); 4] =
    [(0x01, "mode_transition"), (0x02, "diagnostics"), (0x04, "user_diagnostics"), (0x80, "alarms")];

/// A subscription: which messages, and who asks.
pub fn subscription<'a>(data: &'a [u8], detail: &mut Fields<'a>, arena: &'a Bump) {
    let [events, _, who @ ..] = data else { return };
    let names = EVENTS.iter().filter(|row| events & row.0 != 0).map(|row| Value::Text(row.1.as_bytes()));
    let names: Vec<Value<'a>> = names.collect();
    detail.number("events", *events);
    detail.add("event_names", Value::List(arena.alloc_slice_copy(&names)));
    if let Some(name) = who.get(..8) {
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        detail.text("subscriber", name.get(..end).unwrap_or_default().trim_ascii_end());
    }
}

/// Sub-functions that speak of alarms, and whether a time stands before them.
pub fn is_alarm(code: u8) -> Option<bool> {
    match code {
        0x05 | 0x06 | 0x09 | 0x0C | 0x11 | 0x12 | 0x16 => Some(true),
        0x07 | 0x08 | 0x0B | 0x0D | 0x0E | 0x13 => Some(false),
        _ => None,
    }
}

/// Adds the alarms that a message names: a time where it is an indication, a byte, their number, then each with its identifier.
pub fn alarms<'a>(data: &'a [u8], timed: bool, detail: &mut Fields<'a>, arena: &'a Bump) {
    let mut cursor = Cursor::new("s7comm.alarm", data);
    if let (true, Some(time)) = (timed, data.get(..8).filter(|time| szl::is_time(time))) {
        detail.add("time", date_and_time(time, arena).unwrap_or(Value::Null));
        let _ = cursor.skip(8); // they are there
    }
    let count = cursor.skip(1).and_then(|()| cursor.u8()).unwrap_or_default();
    let mut ids = Vec::new();
    for _ in 0..count {
        let Ok([0x12, length, syntax]) = cursor.array() else { break };
        let Ok(body) = cursor.take(usize::from(length).saturating_sub(1)) else { break };
        // An alarm that is asked about by its type rather than its identifier has none.
        let place = if syntax == 0x1A { 3..7 } else { 1..5 };
        let id = body.get(place).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
        ids.extend(id.map(|id| Value::Unsigned(u64::from(id))));
        if timed {
            break; // values stand between one and the next, whose lengths depend on them
        }
    }
    detail.number("alarm_count", count);
    let name = if data.get(4) == Some(&0x1A) { "asked" } else { "event_ids" };
    detail.add(name, Value::List(arena.alloc_slice_copy(&ids)));
}
