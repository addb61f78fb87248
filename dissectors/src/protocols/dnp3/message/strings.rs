//! Objects that are not numbers in a row: strings, decimal digits, statistics, events of commands.

use bumpalo::collections::Vec as List;

use super::controls;
use super::objects::{Block, Prefix, next_object, number, size};
use super::points::{Points, read, time48};
use crate::cursor::Cursor;
use crate::protocols::dnp3::tables::objects::{self, Layout, Time};
use crate::protocols::dnp3::tables::{Kind, anomaly};
use crate::transaction::{Access, Field, Value, Values};

impl<'b> Points<'b> {
    /// Strings, decimal digits, statistics, command events, raw octets: one point each.
    pub(super) fn others(&mut self, block: &Block<'b>, access: Access) {
        let Some(kind) = objects::kind(block.code.0) else { return };
        let mut cursor = Cursor::new("dnp3.objects", block.data);
        let octets = size(block.layout, block.code.1).unwrap_or(0);
        let mut index = block.first();
        while cursor.remaining() > 0 && self.allow(1) {
            let before = cursor.remaining();
            let read = match block.prefix {
                Prefix::None => cursor.take(octets).map(|object| (index, object)),
                Prefix::Index(prefix) => {
                    number(&mut cursor, prefix).and_then(|index| Ok((index, cursor.take(octets)?)))
                }
                Prefix::Size(_) => next_object(&mut cursor, block).map(|(_, object)| (index, object)),
            };
            let Ok((place, object)) = read else { break };
            if cursor.remaining() == before {
                break;
            }
            index = index.wrapping_add(1);
            self.other(block, (kind, access, place), object);
        }
    }

    fn other(&mut self, block: &Block<'b>, what: (Kind, Access, u32), object: &'b [u8]) {
        let (kind, access, index) = what;
        let mut fields = List::new_in(self.arena());
        fields.push(Field { name: "object", value: Value::Text(self.name_of(block.code)) });
        let value = self.value_of(block.layout, kind, object, &mut fields);
        let values = value.map_or(Values::Unseen, |value| Values::Typed(self.arena().alloc([value])));
        self.push(kind, access, (index, index), values, fields.into_bump_slice());
    }

    fn value_of(
        &mut self,
        layout: Layout,
        kind: Kind,
        object: &'b [u8],
        fields: &mut List<'b, Field<'b>>,
    ) -> Option<Value<'b>> {
        let mut cursor = Cursor::new("dnp3.objects", object);
        match layout {
            // A terminal's screen or keys: a password may be among them.
            Layout::String if kind == Kind::VirtualTerminal => {
                let octets = u64::try_from(object.len()).unwrap_or(u64::MAX);
                fields.push(Field { name: "octets", value: Value::Unsigned(octets) });
                None
            }
            Layout::String => Some(text_or_hex(object)),
            Layout::Bcd(_) => Some(self.decimal_or_hex(object)),
            Layout::Statistic(time) => {
                let flags = cursor.u8().ok()?;
                fields.push(Field { name: "quality", value: self.quality(kind, flags) });
                let association = u64::from(cursor.u16_le().ok()?);
                fields.push(Field { name: "association", value: Value::Unsigned(association) });
                let count = cursor.u32_le().ok()?;
                self.time_field(cursor, time, fields);
                Some(Value::Unsigned(u64::from(count)))
            }
            Layout::CommandState(time) => {
                let octet = cursor.u8().ok()?;
                fields.push(controls::status_field(self.arena(), octet & 0x7F));
                self.time_field(cursor, time, fields);
                Some(Value::Unsigned(u64::from(octet >> 7)))
            }
            Layout::CommandValue(num, time) => {
                let status = cursor.u8().ok()?;
                fields.push(controls::status_field(self.arena(), status & 0x7F));
                let value = read(num, 0, &mut cursor);
                self.time_field(cursor, time, fields);
                value
            }
            _ => Some(Value::Hex(object)),
        }
    }

    fn time_field(&mut self, cursor: Cursor<'_>, time: Time, fields: &mut List<'b, Field<'b>>) {
        if time == Time::Absolute
            && let Some(at) = time48(cursor)
        {
            self.tell_time(at, time, fields);
        }
    }

    fn decimal_or_hex(&mut self, object: &'b [u8]) -> Value<'b> {
        let value = decimal(object);
        self.anomalies.set(anomaly::INVALID_VALUE, value.is_none());
        value.map_or(Value::Hex(object), Value::Unsigned)
    }
}

/// Text where it is printable, else octets.
pub fn text_or_hex(octets: &[u8]) -> Value<'_> {
    let end = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last.saturating_add(1));
    let text = octets.get(..end).unwrap_or_default();
    let printable = std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(char::is_control));
    if printable && !text.is_empty() { Value::Text(text) } else { Value::Hex(octets) }
}

/// Packed decimal digits, the least significant first.
fn decimal(octets: &[u8]) -> Option<u64> {
    octets.iter().rev().try_fold(0_u64, |sum, &octet| {
        let (high, low) = (u64::from(octet >> 4), u64::from(octet & 15));
        (high <= 9 && low <= 9)
            .then(|| sum.saturating_mul(100).saturating_add(high.saturating_mul(10)).saturating_add(low))
    })
}
