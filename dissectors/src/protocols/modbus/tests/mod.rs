//! Tests of Modbus and of UMAS, which rides on it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod corpus;
mod functions;
mod hostile;
mod pairing;
mod recognition;
mod speed;
mod umas;
mod usual;

use super::tables::ANOMALIES;
use crate::address::{Moment, Side};
use crate::protocols::{Dissector, Ending, Fed, Hints, PROTOCOLS, Seen, Sink};
use crate::transaction::{Observation, Outcome, Transaction, Value, Values};

pub(super) const SECOND: u64 = 1_000_000_000;

/// A transaction, copied so that it can be looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub protocol: u8,
    pub client: Side,
    pub unit: u32,
    pub function: u32,
    pub name: Option<&'static str>,
    pub sub_function: Option<(u32, Option<&'static str>)>,
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
        let protocol = PROTOCOLS[usize::from(t.protocol)];
        let outcome = match t.outcome {
            Outcome::Rejected(code) => format!("rejected {} {}", code.code, code.name.unwrap_or("-")),
            other => Outcome::NAMES[other.index()].to_string(),
        };
        let point = |p: &crate::transaction::Point<'_>| {
            let kind = &protocol.point_kinds[usize::from(p.kind)];
            let block = if kind.block { format!("{}/", p.block) } else { String::new() };
            assert!(p.first <= p.last && p.last <= kind.max, "{p:?}");
            format!("{} {}:{block}{}-{} = {}", p.access.name(), kind.name, p.first, p.last, values(&p.values))
        };
        self.records.push(Record {
            protocol: t.protocol,
            client: t.client,
            unit: t.unit.unwrap(),
            function: t.function.code,
            name: t.function.name,
            sub_function: t.sub_function.map(|sub| (sub.code, sub.name)),
            access: t.access.name(),
            points: t.points.iter().map(point).collect(),
            outcome,
            anomalies: names(t.anomalies.0),
            request: t.request.map(|at| at.packet),
            response: t.response.map(|at| at.packet),
            detail: t.detail.iter().map(|f| format!("{}={}", f.name, text(&f.value))).collect::<Vec<_>>().join(" "),
        });
    }

    fn observation(&mut self, o: &Observation<'_>) {
        self.observations.push(format!(
            "{:?} {} {}={} ({})",
            o.side,
            o.unit.unwrap(),
            o.attribute,
            text(&o.value),
            o.field
        ));
    }

    fn anomaly(&mut self, _protocol: u8, bit: u8, _side: Side, at: Moment) {
        self.anomalies.push((ANOMALIES[usize::from(bit)].0, at.packet));
    }
}

fn names(bits: u64) -> Vec<&'static str> {
    assert_eq!(bits >> ANOMALIES.len(), 0, "a bit without a name");
    ANOMALIES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, row)| row.0).collect()
}

fn values(values: &Values<'_>) -> String {
    match values {
        Values::Unseen => "?".into(),
        Values::Bits { bytes, count } => {
            let bit = |i: u32| bytes[i as usize / 8] >> (i % 8) & 1;
            format!("{:?}", (0..*count).map(bit).collect::<Vec<_>>())
        }
        Values::Words(bytes) => {
            format!("{:?}", bytes.chunks(2).map(|w| u16::from_be_bytes([w[0], w[1]])).collect::<Vec<_>>())
        }
        Values::Numbers { bytes, of } => of.all(bytes).map(|value| text(&value)).collect(),
        Values::Typed(list) => list.iter().map(text).collect(),
    }
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Hex(bytes) => format!("x{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        Value::Unsigned(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Null => "null".into(),
        Value::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            format!(
                "{{{}}}",
                fields.iter().map(|f| format!("{}={}", f.name, text(&f.value))).collect::<Vec<_>>().join(" ")
            )
        }
        other => format!("{other:?}"),
    }
}

/// A flow under test: feeds bytes as the engine would. The client is side B, the server A.
pub(super) struct Flow {
    pub dissector: Box<dyn Dissector>,
    pub out: Collector,
    pub seen: Seen,
    pub packet: u64,
    pub buffers: [Vec<u8>; 2],
    pub malformed: Vec<&'static str>,
    pub datagram: bool,
    pub ended: bool,
}

pub(super) const CLIENT: Side = Side::B;
pub(super) const SERVER: Side = Side::A;

pub(super) fn tcp_hints() -> Hints {
    Hints { ports: [502, 51000], initiator: Some(CLIENT), datagram: false }
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
            ended: false,
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
        while !rest.is_empty() && !self.ended {
            match self.dissector.feed(side, rest, at, &self.seen, &mut self.out) {
                Fed::Used(used) => {
                    assert!(used > 0 && used <= rest.len());
                    rest = &rest[used..];
                }
                Fed::Malformed { used, anomaly, .. } => {
                    assert!(used > 0 && used <= rest.len());
                    self.malformed.push(ANOMALIES[usize::from(anomaly)].0);
                    rest = &rest[used..];
                }
                Fed::Incomplete(place) => {
                    assert!(place.needed > place.available, "{place}");
                    assert!(place.offset + place.needed <= 1032, "{place}");
                    break;
                }
                Fed::NotMine => self.ended = true,
                Fed::Failed => panic!("a native dissector does not fail"),
            }
        }
        self.buffers[side.index()] = if self.datagram { Vec::new() } else { rest.to_vec() };
        self
    }

    pub fn ask(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(CLIENT, bytes)
    }

    pub fn answer(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(SERVER, bytes)
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

/// An ADU with an MBAP header.
pub(super) fn adu(transaction_id: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut bytes = transaction_id.to_be_bytes().to_vec();
    bytes.extend([0, 0]);
    bytes.extend(u16::try_from(pdu.len() + 1).unwrap().to_be_bytes());
    bytes.push(unit);
    bytes.extend(pdu);
    bytes
}

/// An RTU frame.
pub(super) fn rtu(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut bytes = vec![unit];
    bytes.extend(pdu);
    bytes.extend(super::message::crc16(&bytes).to_le_bytes());
    bytes
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
