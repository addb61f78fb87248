//! System status lists: what a controller says of itself.

use std::collections::VecDeque;

use bumpalo::Bump;

use super::compose::Fields;
use super::values::{date_and_time, two_digits};
use crate::address::{Moment, Side};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Sink;
use crate::protocols::s7comm::tables;
use crate::transaction::{Field, Observation, Value};

/// Lists of one flow that come in parts and are put together; the oldest gives way.
const MAX_LISTS: usize = 4;
/// Bytes of a list that are put together.
const MAX_BYTES: usize = 32 * 1024;
/// Records of a list that are told one by one.
const MAX_RECORDS: usize = 128;

/// Lists of which more parts are to come.
#[derive(Debug, Default)]
pub struct Lists(VecDeque<(u8, Vec<u8>)>);

impl Lists {
    /// Adds a part of the list with this number; gives the whole with the last.
    pub fn add<'a>(
        &mut self,
        sequence: u8,
        part: &'a [u8],
        first: bool,
        more: bool,
        arena: &'a Bump,
    ) -> Option<&'a [u8]> {
        let place = self.0.iter().position(|list| list.0 == sequence).filter(|_| !first);
        let before = place.and_then(|place| self.0.remove(place)).map(|(_, bytes)| bytes);
        if first && !more {
            return Some(part);
        }
        let mut bytes = if first { Vec::new() } else { before? };
        if bytes.len().saturating_add(part.len()) > MAX_BYTES {
            return None;
        }
        bytes.extend_from_slice(part);
        if !more {
            return Some(arena.alloc_slice_copy(&bytes));
        }
        if self.0.len() >= MAX_LISTS {
            self.0.pop_front();
        }
        self.0.push_back((sequence, bytes));
        None
    }

    /// Parts may be missing.
    pub fn lose(&mut self) {
        self.0.clear();
    }
}

/// Identifier and index of a list.
pub fn question(data: &[u8]) -> Option<(u16, u16)> {
    let mut cursor = Cursor::new("s7comm.szl", data);
    Some((cursor.u16_be().ok()?, cursor.u16_be().ok()?))
}

/// Adds identifier, index and name of a list.
pub fn describe_question(id: u16, index: u16, detail: &mut Fields<'_>) {
    detail.number("szl_id", id);
    detail.number("szl_index", index);
    if let Some(name) = name(id) {
        detail.text("szl_name", name.as_bytes());
    }
}

/// What the low byte of an identifier names: the list of which it is an extract.
fn name(id: u16) -> Option<&'static str> {
    let [_, list] = id.to_be_bytes();
    Some(match list {
        0x00 => "all_lists",
        0x11 => "module_identification",
        0x12 => "cpu_characteristics",
        0x13 => "user_memory_areas",
        0x14 => "system_areas",
        0x15 => "block_types",
        0x16 => "priority_classes",
        0x17 => "permitted_system_data_blocks",
        0x18 => "maximum_io",
        0x19 | 0x74 => "module_leds",
        0x1C => "component_identification",
        0x21 => "interrupt_assignments",
        0x22 => "interrupt_status",
        0x23 => "priority_class_status",
        0x24 => "modes",
        0x31 => "communication_parameters",
        0x32 => "communication_status",
        0x33 => "diagnostic_stations",
        0x37 => "ethernet_details",
        0x71 => "redundancy_group",
        0x81 => "start_information",
        0x82 => "start_events",
        0x90 => "dp_master_systems",
        0x91 | 0x92 | 0x94 | 0x95 | 0x96 => "module_status",
        0xA0 => "diagnostic_buffer",
        0xB1..=0xB4 => "module_diagnostics",
        0xC0 | 0xC1 => "known_how_protection",
        _ => return None,
    })
}

/// A list in an answer.
pub struct List<'a> {
    /// Identifier.
    pub id: u16,
    /// Index.
    pub index: u16,
    /// Bytes of one record.
    size: usize,
    /// The records.
    records: &'a [u8],
}

impl<'a> List<'a> {
    /// Reads the head of a list.
    pub fn read(data: &'a [u8]) -> Result<List<'a>, Incomplete> {
        let mut cursor = Cursor::new("s7comm.szl", data);
        let (id, index) = (cursor.u16_be()?, cursor.u16_be()?);
        let (size, count) = (usize::from(cursor.u16_be()?), usize::from(cursor.u16_be()?));
        let rest = cursor.rest();
        let records = rest.get(..size.saturating_mul(count)).unwrap_or(rest);
        Ok(List { id, index, size, records })
    }

    fn records(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.records.chunks_exact(self.size.max(1))
    }

    /// Adds what the records say; those of lists that are not read stay as they are.
    pub fn describe(&self, detail: &mut Fields<'a>, arena: &'a Bump) {
        let [_, list] = self.id.to_be_bytes();
        let read: fn(&List<'a>, &'a [u8], &'a Bump) -> Option<Vec<Field<'a>>> = match list {
            0x00 => |_, record, _| Some(vec![number("szl_id", u64::from(word(record, 0)?))]),
            0x11 => |_, record, arena| identification(record, arena),
            0x1C => |_, record, _| component(record),
            0x24 => |_, record, arena| mode(record, arena),
            0x31 if self.index == 1 => |_, record, _| communication(record),
            0x32 if self.index == 4 => |_, record, _| protection(record),
            0x19 | 0x74 => |_, record, _| led(record),
            0xA0 => |_, record, arena| event(record, arena),
            _ => |_, record, _| Some(vec![Field { name: "record", value: Value::Hex(record) }]),
        };
        let records: Vec<Value<'a>> = self
            .records()
            .take(MAX_RECORDS)
            .filter_map(|record| Some(Value::Object(arena.alloc_slice_copy(&read(self, record, arena)?))))
            .collect();
        detail.number("record_count", u64::try_from(self.records().count()).unwrap_or(u64::MAX));
        detail.add("records", Value::List(arena.alloc_slice_copy(&records)));
    }

    /// Tells what they say of who the controller is.
    pub fn observe(&self, who: &Who, arena: &'a Bump, sink: &mut dyn Sink) {
        let [_, list] = self.id.to_be_bytes();
        for record in self.records().take(MAX_RECORDS) {
            match list {
                0x11 => who.identification(record, arena, sink),
                0x1C => who.component(record, sink),
                0x32 if self.index == 4 => {
                    let level = word(record, 6).filter(|level| (1..=3).contains(level));
                    if let Some(level) = level {
                        let value = Value::Unsigned(u64::from(level));
                        who.tell("protection_level", value, "s7comm.szl.0232.protection_level", sink);
                    }
                }
                _ => {}
            }
        }
    }
}

fn number(name: &'static str, value: u64) -> Field<'static> {
    Field { name, value: Value::Unsigned(value) }
}

fn words(name: &'static str, value: Option<&'static str>) -> Field<'static> {
    Field { name, value: value.map_or(Value::Null, |value| Value::Text(value.as_bytes())) }
}

fn word(record: &[u8], place: usize) -> Option<u16> {
    let bytes = record.get(place..place.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

/// Text that ends with a zero or blanks; empty is none.
fn trimmed(bytes: &[u8]) -> Option<&[u8]> {
    let text = bytes.split(|byte| *byte == 0).next()?.trim_ascii();
    (!text.is_empty()).then_some(text)
}

/// Order number, and version of hardware or firmware (`V` and three numbers).
fn identification<'a>(record: &'a [u8], arena: &'a Bump) -> Option<Vec<Field<'a>>> {
    let mut fields = vec![number("index", u64::from(word(record, 0)?))];
    if let Some(text) = trimmed(record.get(2..22)?) {
        fields.push(Field { name: "order_number", value: Value::Text(text) });
    }
    fields.push(number("module_type", u64::from(word(record, 22)?)));
    match version(record) {
        Some(text) => fields.push(Field { name: "version", value: Value::Text(arena.alloc_str(&text).as_bytes()) }),
        None => fields.push(number("version", u64::from(word(record, 24)?))),
    }
    Some(fields)
}

/// `V3.2.7`: the letter and three numbers.
fn version(record: &[u8]) -> Option<String> {
    match record.get(24..28)? {
        [b'V', major, minor, patch] => Some(format!("V{major}.{minor}.{patch}")),
        _ => None,
    }
}

/// What the indexes of list 0x1C are, and the attributes that they give; those of the plant and its names are of the device.
const COMPONENTS: [(u16, &str, Option<&str>, &str); 10] = [
    (1, "automation_system_name", Some("system_name"), "s7comm.szl.001c.automation_system_name"),
    (2, "module_name", Some("name"), "s7comm.szl.001c.module_name"),
    (3, "plant_designation", Some("plant"), "s7comm.szl.001c.plant_designation"),
    (4, "copyright", None, ""),
    (5, "serial_number", Some("serial"), "s7comm.szl.001c.serial_number"),
    (7, "module_type", Some("product_name"), "s7comm.szl.001c.module_type"),
    (8, "memory_card_serial_number", Some("memory_card_serial"), "s7comm.szl.001c.memory_card_serial_number"),
    (9, "manufacturer", None, ""),
    (10, "oem_id", None, ""),
    (11, "location", Some("location"), "s7comm.szl.001c.location"),
];

fn component(record: &[u8]) -> Option<Vec<Field<'_>>> {
    let index = word(record, 0)?;
    let row = COMPONENTS.iter().find(|row| row.0 == index & 0xFF);
    let mut fields = vec![number("index", u64::from(index)), words("what", row.map(|row| row.1))];
    let rest = record.get(2..)?;
    match row.map(|row| row.0) {
        Some(9) => {
            fields.push(number("manufacturer_id", u64::from(word(rest, 0)?)));
            fields.push(number("profile_id", u64::from(word(rest, 2)?)));
            fields.push(number("profile_type", u64::from(word(rest, 4)?)));
        }
        Some(10 | 11) | None => fields.push(Field { name: "value", value: Value::Hex(rest) }),
        Some(_) => {
            let value = trimmed(rest).map_or(Value::Null, Value::Text);
            fields.push(Field { name: "value", value });
        }
    }
    Some(fields)
}

/// Names of operating modes in list 0x24 and what follows it.
fn mode_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x1 => "stop_update",
        0x2 => "stop_memory_reset",
        0x3 => "stop_self_initialization",
        0x4 => "stop",
        0x5 => "startup_cold",
        0x6 => "startup_warm",
        0x7 => "startup_hot",
        0x8 => "run",
        0x9 => "run_redundant",
        0xA => "hold",
        0xB => "link_up",
        0xC => "update",
        0xD => "defect",
        0xE => "self_test",
        0xF => "no_power",
        _ => return None,
    })
}

fn mode<'a>(record: &'a [u8], arena: &'a Bump) -> Option<Vec<Field<'a>>> {
    let [high, low, _, modes, ..] = record else { return None };
    let time = record.get(12..20).and_then(|time| date_and_time(time, arena)).unwrap_or(Value::Null);
    Some(vec![
        number("event_id", u64::from(u16::from_be_bytes([*high, *low]))),
        number("mode_code", u64::from(modes & 0xF)),
        words("mode", mode_name(modes & 0xF)),
        words("previous_mode", mode_name(modes >> 4)),
        Field { name: "time", value: time },
    ])
}

fn communication(record: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut cursor = Cursor::new("s7comm.szl", record);
    cursor.skip(2).ok()?;
    let (size, connections) = (cursor.u16_be().ok()?, cursor.u16_be().ok()?);
    Some(vec![
        number("pdu_size", u64::from(size)),
        number("connections", u64::from(connections)),
        number("mpi_rate", u64::from(cursor.u32_be().ok()?)),
        number("kbus_rate", u64::from(cursor.u32_be().ok()?)),
    ])
}

fn protection(record: &[u8]) -> Option<Vec<Field<'_>>> {
    let switch = match word(record, 8)? {
        1 => Some("run"),
        2 => Some("run_p"),
        3 => Some("stop"),
        4 => Some("memory_reset"),
        _ => None,
    };
    Some(vec![
        number("key_level", u64::from(word(record, 2)?)),
        number("assigned_level", u64::from(word(record, 4)?)),
        number("protection_level", u64::from(word(record, 6)?)),
        words("mode_switch", switch),
        number("startup_switch", u64::from(word(record, 10)?)),
    ])
}

fn led(record: &[u8]) -> Option<Vec<Field<'_>>> {
    let &[high, low, on, blinks] = record else { return None };
    Some(vec![
        number("led", u64::from(u16::from_be_bytes([high, low]))),
        number("on", u64::from(on)),
        number("blinks", u64::from(blinks)),
    ])
}

/// An entry of the diagnostic buffer.
pub fn event<'a>(record: &'a [u8], arena: &'a Bump) -> Option<Vec<Field<'a>>> {
    let [_, _, priority, block, ..] = record else { return None };
    let time = record.get(12..20).and_then(|time| date_and_time(time, arena)).unwrap_or(Value::Null);
    Some(vec![
        number("event_id", u64::from(word(record, 0)?)),
        number("priority", u64::from(*priority)),
        number("organization_block", u64::from(*block)),
        number("information", u64::from(word(record, 6)?)),
        Field { name: "details", value: Value::Hex(record.get(8..12)?) },
        Field { name: "time", value: time },
    ])
}

/// Whom a list describes.
pub struct Who {
    /// Which side of the flow.
    pub side: Side,
    /// Rack and slot.
    pub unit: Option<u32>,
    /// The packet that says so.
    pub at: Moment,
}

impl Who {
    fn tell(&self, attribute: &'static str, value: Value<'_>, field: &'static str, sink: &mut dyn Sink) {
        let Who { side, unit, at } = *self;
        sink.observation(&Observation { protocol: tables::NUMBER, side, unit, attribute, value, field, at });
    }

    fn identification(&self, record: &[u8], arena: &Bump, sink: &mut dyn Sink) {
        let text = record.get(2..22).and_then(trimmed);
        match (word(record, 0), text, version(record)) {
            (Some(1), Some(text), _) => self.tell("model", Value::Text(text), "s7comm.szl.0011.order_number", sink),
            (Some(6), ..) => {
                if let Some(hardware) = word(record, 24) {
                    let value = Value::Unsigned(u64::from(hardware));
                    self.tell("hardware", value, "s7comm.szl.0011.hardware_version", sink);
                }
            }
            (Some(7), _, Some(version)) => {
                let value = Value::Text(arena.alloc_str(&version).as_bytes());
                self.tell("firmware", value, "s7comm.szl.0011.firmware_version", sink);
            }
            _ => {}
        }
    }

    fn component(&self, record: &[u8], sink: &mut dyn Sink) {
        let Some(index) = word(record, 0) else { return };
        let row = COMPONENTS.iter().find(|row| row.0 == index & 0xFF);
        let text = record.get(2..).and_then(trimmed).filter(|text| text.iter().all(|byte| *byte >= 0x20));
        if let (Some((_, _, Some(attribute), field)), Some(text)) = (row, text) {
            self.tell(attribute, Value::Text(text), field, sink);
        }
    }
}

/// Whether eight bytes hold a time of decimal digits.
pub fn is_time(bytes: &[u8]) -> bool {
    bytes.len() == 8 && bytes.iter().all(|byte| two_digits(*byte).is_some())
}
