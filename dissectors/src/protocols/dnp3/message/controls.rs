//! Commands: control relay output blocks and analog outputs with their status (IEEE 1815-2012, A.8, A.20).

use bumpalo::Bump;
use bumpalo::collections::Vec as List;

use super::objects::{Block, Prefix, Walk, number};
use super::points::{self, Points};
use crate::cursor::Cursor;
use crate::protocols::dnp3::tables::objects::Layout;
use crate::protocols::dnp3::tables::{self, Kind, anomaly};
use crate::transaction::{Access, Field, Point, Value, Values};

/// A control relay output block.
#[derive(Debug, Clone, Copy)]
struct Crob {
    code: u8,
    count: u8,
    on_time: u32,
    off_time: u32,
}

impl Crob {
    fn read(cursor: &mut Cursor<'_>) -> Option<Crob> {
        let [code, count] = cursor.array().ok()?;
        Some(Crob { code, count, on_time: cursor.u32_le().ok()?, off_time: cursor.u32_le().ok()? })
    }

    fn operation(self) -> Option<&'static str> {
        match self.code & 0x0F {
            0 => Some("nul"),
            1 => Some("pulse_on"),
            2 => Some("pulse_off"),
            3 => Some("latch_on"),
            4 => Some("latch_off"),
            _ => None,
        }
    }

    fn trip_close(self) -> &'static str {
        match self.code >> 6 {
            0 => "nul",
            1 => "close",
            2 => "trip",
            _ => "reserved",
        }
    }

    /// What the output is set to: 1 for close or on, 0 for trip or off. Where both are said, it is trip or close that a pair of
    /// relays obeys (A.8.1).
    fn value(self) -> Option<u64> {
        match (self.code >> 6, self.code & 0x0F) {
            (1, _) | (0, 1 | 3) => Some(1),
            (2, _) | (0, 2 | 4) => Some(0),
            _ => None,
        }
    }
}

/// Statuses of a response's commands, in order.
#[derive(Debug)]
pub struct Statuses<'b>(List<'b, u8>);

impl<'b> Statuses<'b> {
    /// Of these objects.
    pub fn of(arena: &'b Bump, objects: &[u8]) -> Self {
        let mut found = List::new_in(arena);
        for block in Walk::new(objects, false).filter(is_command) {
            let chunks = block.data.chunks_exact(block.stride.max(1));
            found.extend(chunks.filter_map(|chunk| chunk.last()).map(|status| status & 0x7F));
        }
        Statuses(found)
    }

    /// Of one block.
    pub fn of_block(arena: &'b Bump, block: &Block<'_>) -> Self {
        let mut found = List::new_in(arena);
        let chunks = block.data.chunks_exact(block.stride.max(1));
        found.extend(chunks.filter_map(|chunk| chunk.last()).map(|status| status & 0x7F));
        Statuses(found)
    }

    /// The first that is not success.
    pub fn refusal(&self) -> Option<u8> {
        self.0.iter().copied().find(|&status| status != 0)
    }
}

fn is_command(block: &Block<'_>) -> bool {
    matches!(block.layout, Layout::Crob | Layout::AnalogCommand(_))
}

/// Whether a response repeats the commands of its request, statuses aside.
pub fn is_echo(request: &[u8], response: &[u8]) -> bool {
    let (mut asked, mut answered) = (Walk::new(request, false), Walk::new(response, false));
    loop {
        match (asked.next(), answered.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.code == b.code && a.range == b.range && a.qualifier == b.qualifier => {
                if a.data.len() != b.data.len() || !same_commands(&a, &b) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

fn same_commands(asked: &Block<'_>, answered: &Block<'_>) -> bool {
    if !is_command(asked) {
        return asked.data == answered.data;
    }
    let (asked, answered) = (asked.data.chunks(asked.stride.max(1)), answered.data.chunks(answered.stride.max(1)));
    let command = |chunk: &'_ [u8]| chunk.len().saturating_sub(1);
    asked.zip(answered).all(|(a, b)| a.get(..command(a)) == b.get(..command(b)))
}

/// A status with its name.
pub fn status_field<'b>(arena: &'b Bump, status: u8) -> Field<'b> {
    let name = match status {
        0 => Some("success"),
        _ => tables::rejection(u32::from(status)).name,
    };
    let fields = arena.alloc([
        Field { name: "code", value: Value::Unsigned(u64::from(status)) },
        Field { name: "name", value: name.map_or(Value::Null, |name| Value::Text(name.as_bytes())) },
    ]);
    Field { name: "status", value: Value::Object(fields) }
}

impl<'b> Points<'b> {
    /// Adds the commands of a block; `statuses` are those of the response, taken in order.
    pub fn commands(&mut self, block: &Block<'b>, access: Access, statuses: Option<(&Statuses<'b>, &mut usize)>) {
        let prefix = match block.prefix {
            Prefix::Index(octets) => octets,
            _ => 0,
        };
        let mut statuses = statuses;
        let mut next = block.first();
        for chunk in block.data.chunks_exact(block.stride.max(1)) {
            let mut cursor = Cursor::new("dnp3.objects", chunk);
            let Ok(read) = number(&mut cursor, prefix) else { return };
            let index = if prefix == 0 { next } else { read };
            next = next.wrapping_add(1);
            let status = statuses.as_mut().and_then(|(statuses, place)| {
                let status = statuses.0.get(**place).copied();
                **place = place.saturating_add(1);
                status
            });
            if self.list.len() >= points::MAX_POINTS {
                self.anomalies.set(anomaly::TOO_MANY_POINTS, true);
                return;
            }
            self.command(block, (access, index, status), cursor);
        }
    }

    fn command(&mut self, block: &Block<'b>, what: (Access, u32, Option<u8>), mut cursor: Cursor<'b>) {
        let (access, index, status) = what;
        let arena = self.arena();
        let mut fields = List::with_capacity_in(10, arena);
        fields.push(Field { name: "object", value: Value::Text(self.name_of(block.code)) });
        let (kind, value) = match block.layout {
            Layout::AnalogCommand(num) => (Kind::AnalogOutput, points::read(num, 0, &mut cursor)),
            _ => (Kind::BinaryOutput, self.crob(&mut cursor, &mut fields)),
        };
        if let Some(status) = status {
            self.anomalies
                .set(anomaly::INVALID_VALUE, status != 0 && tables::rejection(u32::from(status)).name.is_none());
            fields.push(status_field(arena, status));
        }
        let values = value.map_or(Values::Unseen, |value| Values::Typed(arena.alloc([value])));
        let address = u64::from(index);
        let (first, last, fields) = (address, address, fields.into_bump_slice());
        self.list.push(Point { kind: kind.index(), access, block: 0, first, last, name: None, values, fields });
    }

    fn crob(&mut self, cursor: &mut Cursor<'_>, fields: &mut List<'b, Field<'b>>) -> Option<Value<'b>> {
        let crob = Crob::read(cursor)?;
        let operation = crob.operation();
        self.anomalies.set(anomaly::INVALID_VALUE, operation.is_none() || crob.code >> 6 == 3);
        let text = |name: &'static str| Value::Text(name.as_bytes());
        fields.extend([
            Field { name: "control_code", value: Value::Unsigned(u64::from(crob.code)) },
            Field { name: "operation", value: operation.map_or(Value::Null, text) },
            Field { name: "trip_close", value: text(crob.trip_close()) },
            Field { name: "queue", value: Value::Bool(crob.code & 0x10 != 0) },
            Field { name: "clear", value: Value::Bool(crob.code & 0x20 != 0) },
            Field { name: "count", value: Value::Unsigned(u64::from(crob.count)) },
            Field { name: "on_time_ms", value: Value::Unsigned(u64::from(crob.on_time)) },
            Field { name: "off_time_ms", value: Value::Unsigned(u64::from(crob.off_time)) },
        ]);
        crob.value().map(Value::Unsigned)
    }
}
