//! Tests of DNP3.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod commands;
mod files;
mod functions;
mod hostile;
mod layers;
mod objects;
mod pairing;
mod recognition;
mod speed;
mod usual;

use super::message::crc;
use super::tables::{ANOMALIES, NUMBER, POINT_KINDS};
use crate::address::{Moment, Side};
use crate::protocols::{Dissector, Ending, Fed, Hints, PROTOCOLS, Seen, Sink};
use crate::transaction::{Observation, Outcome, Transaction, Value, Values};

pub(super) const SECOND: u64 = 1_000_000_000;

/// A transaction, copied so that it can be looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub client: Side,
    pub unit: String,
    pub function: u32,
    pub name: Option<&'static str>,
    pub sub: Option<&'static str>,
    pub access: &'static str,
    pub points: Vec<String>,
    pub outcome: String,
    pub anomalies: Vec<&'static str>,
    pub request: Option<u64>,
    pub response: Option<u64>,
    pub detail: String,
}

/// Collects all that a dissector says.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub records: Vec<Record>,
    pub observations: Vec<String>,
    pub anomalies: Vec<(&'static str, u64)>,
}

impl Sink for Collector {
    fn transaction(&mut self, t: &Transaction<'_>) {
        assert_eq!(t.protocol, NUMBER);
        let outcome = match t.outcome {
            Outcome::Rejected(code) => format!("rejected {} {}", code.code, code.name.unwrap_or("-")),
            other => Outcome::NAMES[other.index()].to_string(),
        };
        let point = |p: &crate::transaction::Point<'_>| {
            let kind = &POINT_KINDS[usize::from(p.kind)];
            let block = if kind.block { format!("{}/", p.block) } else { String::new() };
            assert!(p.first <= p.last && p.last <= kind.max && p.access <= t.access, "{p:?}");
            let range = if p.first == p.last { p.first.to_string() } else { format!("{}-{}", p.first, p.last) };
            let (values, fields) = (values(&p.values), fields(p.fields));
            format!("{} {}:{block}{range} = {values} {fields}", p.access.name(), kind.name).trim_end().to_string()
        };
        let mut unit = Vec::new();
        (PROTOCOLS[usize::from(NUMBER)].write_unit)(&mut unit, t.unit.unwrap());
        self.records.push(Record {
            client: t.client,
            unit: String::from_utf8(unit).unwrap(),
            function: t.function.code,
            name: t.function.name,
            sub: t.sub_function.and_then(|sub| sub.name),
            access: t.access.name(),
            points: t.points.iter().map(point).collect(),
            outcome,
            anomalies: names(t.anomalies.0),
            request: t.request.map(|at| at.packet),
            response: t.response.map(|at| at.packet),
            detail: fields(t.detail),
        });
    }

    fn observation(&mut self, o: &Observation<'_>) {
        self.observations.push(format!("{:?} {:?} {}={} ({})", o.side, o.unit, o.attribute, text(&o.value), o.field));
    }

    fn anomaly(&mut self, protocol: u8, bit: u8, _side: Side, at: Moment) {
        assert_eq!(protocol, NUMBER);
        self.anomalies.push((ANOMALIES[usize::from(bit)].0, at.packet));
    }
}

fn names(bits: u64) -> Vec<&'static str> {
    assert_eq!(bits >> ANOMALIES.len(), 0, "a bit without a name");
    ANOMALIES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, row)| row.0).collect()
}

fn fields(fields: &[crate::transaction::Field<'_>]) -> String {
    fields.iter().map(|f| format!("{}={}", f.name, text(&f.value))).collect::<Vec<_>>().join(" ")
}

fn values(values: &Values<'_>) -> String {
    match values {
        Values::Unseen => "?".into(),
        Values::Bits { bytes, count } => {
            let bit = |i: u32| bytes[i as usize / 8] >> (i % 8) & 1;
            format!("{:?}", (0..*count).map(bit).collect::<Vec<_>>())
        }
        Values::Words(_) | Values::Numbers { .. } => panic!("DNP3 has none"),
        Values::Typed(list) => format!("[{}]", list.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Hex(bytes) => format!("x{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        Value::Unsigned(n) => n.to_string(),
        Value::Signed(n) => format!("{n:+}"),
        Value::Float(n) => format!("{n:?}"),
        Value::Bool(b) => b.to_string(),
        Value::Null => "null".into(),
        Value::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::Object(list) => format!("{{{}}}", fields(list)),
    }
}

/// A flow under test: feeds bytes as the engine would. The master is side B, the outstation A.
pub(super) struct Flow {
    pub dissector: Box<dyn Dissector>,
    pub out: Collector,
    pub seen: Seen,
    pub packet: u64,
    pub buffers: [Vec<u8>; 2],
    pub malformed: Vec<&'static str>,
    pub datagram: bool,
}

pub(super) const MASTER: Side = Side::B;
pub(super) const OUTSTATION: Side = Side::A;

pub(super) fn tcp_hints() -> Hints {
    Hints { ports: [20_000, 51_000], initiator: Some(MASTER), datagram: false }
}

impl Flow {
    pub fn new(hints: Hints) -> Flow {
        Flow {
            dissector: (super::PROTOCOL.start)(&hints),
            out: Collector::default(),
            seen: Seen { clock: SECOND, both_directions: true, lost: [false; 2] },
            packet: 0,
            buffers: [Vec::new(), Vec::new()],
            malformed: Vec::new(),
            datagram: hints.datagram,
        }
    }

    pub fn tcp() -> Flow {
        Flow::new(tcp_hints())
    }

    pub fn udp() -> Flow {
        Flow::new(Hints { datagram: true, initiator: None, ..tcp_hints() })
    }

    /// One segment or datagram, a millisecond after the last.
    pub fn send(&mut self, side: Side, bytes: &[u8]) -> &mut Flow {
        self.seen.clock += SECOND / 1000;
        self.packet += 1;
        let mut buffer = std::mem::take(&mut self.buffers[side.index()]);
        buffer.extend_from_slice(bytes);
        let mut rest = &buffer[..];
        let at = Moment { time: self.seen.clock, packet: self.packet, capture: 1 };
        while !rest.is_empty() {
            match self.dissector.feed(side, rest, at, &self.seen, &mut self.out) {
                Fed::Used(used) => {
                    assert!(used > 0 && used <= rest.len());
                    rest = &rest[used..];
                }
                Fed::Malformed { used, anomaly, place } => {
                    assert!(used > 0 && used <= rest.len(), "{place}");
                    self.malformed.push(ANOMALIES[usize::from(anomaly)].0);
                    rest = &rest[used..];
                }
                Fed::Incomplete(place) => {
                    assert!(place.needed > place.available, "{place}");
                    assert!(place.offset + place.needed <= 292, "{place}");
                    break;
                }
                Fed::NotMine | Fed::Failed => panic!("a flow of DNP3 stays one"),
            }
        }
        self.buffers[side.index()] = if self.datagram { Vec::new() } else { rest.to_vec() };
        self
    }

    pub fn ask(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(MASTER, bytes)
    }

    pub fn answer(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(OUTSTATION, bytes)
    }

    pub fn wait(&mut self, time: u64) -> Option<u64> {
        self.seen.clock += time;
        self.dissector.expire(&self.seen, &mut self.out)
    }

    pub fn gap(&mut self, side: Side) -> &mut Flow {
        self.buffers[side.index()].clear();
        self.seen.lost[side.index()] = true;
        self.dissector.gap(side, 100);
        self
    }

    pub fn finish(mut self, ending: Ending) -> Collector {
        self.dissector.finish(ending, &self.seen, &mut self.out);
        self.out
    }

    /// The records so far.
    pub fn records(&self) -> &[Record] {
        &self.out.records
    }

    pub fn last(&self) -> &Record {
        self.out.records.last().expect("a transaction")
    }
}

/// A link frame.
pub(super) fn frame(control: u8, destination: u16, source: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x05, 0x64, u8::try_from(data.len() + 5).unwrap(), control];
    bytes.extend(destination.to_le_bytes());
    bytes.extend(source.to_le_bytes());
    bytes.extend(crc::crc(&bytes).to_le_bytes());
    for block in data.chunks(16) {
        bytes.extend(block);
        bytes.extend(crc::crc(block).to_le_bytes());
    }
    bytes
}

/// A fragment from master 3 to outstation 1024, or back, in as many frames as it takes.
pub(super) fn frames(from_master: bool, outstation: u16, fragment: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = fragment.chunks(249).collect();
    let last = segments.len() - 1;
    let mut bytes = Vec::new();
    for (number, segment) in segments.iter().enumerate() {
        let header = u8::from(number == last) << 7 | u8::from(number == 0) << 6 | (number as u8 & 0x3F);
        let data = [&[header], *segment].concat();
        let (control, to, from) = if from_master { (0xC4, outstation, 3) } else { (0x44, 3, outstation) };
        bytes.extend(frame(control, to, from, &data));
    }
    bytes
}

/// A request to outstation 1024.
pub(super) fn request(sequence: u8, function: u8, objects: &str) -> Vec<u8> {
    frames(true, 1024, &[&[0xC0 | sequence, function][..], &hex(objects)].concat())
}

/// A response of outstation 1024 without indications.
pub(super) fn response(sequence: u8, objects: &str) -> Vec<u8> {
    indicated(0xC0 | sequence, 0, objects)
}

/// A response with this application control and indications.
pub(super) fn indicated(control: u8, iin: u16, objects: &str) -> Vec<u8> {
    let function = if control & 0x10 == 0 { 129 } else { 130 };
    frames(false, 1024, &[&[control, function, (iin >> 8) as u8, iin as u8][..], &hex(objects)].concat())
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().filter(u8::is_ascii_hexdigit).map(|c| (c as char).to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A small, repeatable source of numbers for tests (xorshift).
pub(super) struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}
