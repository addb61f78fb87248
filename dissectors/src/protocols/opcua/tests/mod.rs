//! Tests of OPC UA: services, channels and sessions, hostile bytes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod channels;
mod craft;
mod hostile;
mod services;
mod speed;

use super::tables::ANOMALIES;
use crate::address::{Moment, Side};
use crate::protocols::{Dissector, Ending, Fed, Hints, PROTOCOLS, Seen, Sink, points};
use crate::transaction::{Observation, Outcome, Transaction, Value, Values};

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const CLIENT: Side = Side::B;
pub(super) const SERVER: Side = Side::A;

/// A transaction, copied so that it can be looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub client: Side,
    pub function: u32,
    pub name: &'static str,
    pub access: &'static str,
    pub points: Vec<String>,
    pub fields: Vec<String>,
    pub outcome: String,
    pub anomalies: Vec<&'static str>,
    pub tag: u32,
    pub request: Option<u64>,
    pub response: Option<u64>,
    pub detail: String,
}

impl Record {
    /// Has a field of this name and value.
    pub fn says(&self, field: &str) -> bool {
        self.detail.split('\n').any(|said| said == field)
    }
}

/// Collects all that a dissector says.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub records: Vec<Record>,
    pub observations: Vec<String>,
    pub anomalies: Vec<&'static str>,
}

impl Sink for Collector {
    fn transaction(&mut self, t: &Transaction<'_>) {
        let protocol = PROTOCOLS[usize::from(t.protocol)];
        assert!(t.request.is_some() || t.response.is_some());
        assert!(protocol.functions.iter().any(|row| row.code == t.function.code) || t.function.name.is_none());
        let outcome = match t.outcome {
            Outcome::Rejected(code) => format!("rejected {:#x} {}", code.code, code.name.unwrap_or("-")),
            other => Outcome::NAMES[other.index()].to_string(),
        };
        let point = |p: &crate::transaction::Point<'_>| {
            let kind = &protocol.point_kinds[usize::from(p.kind)];
            assert!(p.first <= p.last && p.last <= kind.max && p.access <= t.access, "{p:?}");
            let name = p.name.map(String::from_utf8_lossy);
            let written = points::text(kind, p.block, (p.first, p.last), name.as_deref());
            format!("{} {written} = {}", p.access.name(), values(&p.values))
        };
        let fields = |fields: &[crate::transaction::Field<'_>], between: &str| {
            fields.iter().map(|f| format!("{}={}", f.name, text(&f.value))).collect::<Vec<_>>().join(between)
        };
        self.records.push(Record {
            client: t.client,
            function: t.function.code,
            name: t.function.name.unwrap_or("-"),
            access: t.access.name(),
            points: t.points.iter().map(point).collect(),
            fields: t.points.iter().map(|point| fields(point.fields, " ")).collect(),
            outcome,
            anomalies: names(t.anomalies.0),
            tag: t.tag,
            request: t.request.map(|at| at.packet),
            response: t.response.map(|at| at.packet),
            detail: fields(t.detail, "\n"),
        });
    }

    fn observation(&mut self, o: &Observation<'_>) {
        self.observations.push(format!("{:?} {}={} ({})", o.side, o.attribute, text(&o.value), o.field));
    }

    fn anomaly(&mut self, _protocol: u8, bit: u8, _side: Side, _at: Moment) {
        self.anomalies.push(ANOMALIES[usize::from(bit)].0);
    }
}

pub(super) fn names(bits: u64) -> Vec<&'static str> {
    assert_eq!(bits >> ANOMALIES.len(), 0, "a bit without a name");
    ANOMALIES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, row)| row.0).collect()
}

fn values(values: &Values<'_>) -> String {
    match values {
        Values::Unseen => "?".into(),
        Values::Typed(list) => list.iter().map(text).collect::<Vec<_>>().join(","),
        other => format!("{other:?}"),
    }
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Hex(bytes) => format!("x{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        Value::Unsigned(n) => n.to_string(),
        Value::Signed(n) => format!("{n:+}"),
        Value::Float(n) => format!("{n:.2}"),
        Value::Bool(b) => b.to_string(),
        Value::Null => "null".into(),
        Value::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|f| format!("{}={}", f.name, text(&f.value))).collect();
            format!("{{{}}}", fields.join(" "))
        }
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
    pub ended: bool,
}

impl Flow {
    /// Nothing said yet.
    pub fn blank(initiator: Option<Side>) -> Flow {
        let hints = Hints { ports: [4840, 51_000], initiator, datagram: false };
        Flow {
            dissector: (super::PROTOCOL.start)(&hints),
            out: Collector::default(),
            seen: Seen { clock: 1_800_000_000 * SECOND, both_directions: true, lost: [false; 2] },
            packet: 0,
            buffers: [Vec::new(), Vec::new()],
            malformed: Vec::new(),
            ended: false,
        }
    }

    /// With HEL, ACK and a channel without security.
    pub fn open() -> Flow {
        let mut flow = Flow::blank(Some(CLIENT));
        craft::setup().iter().for_each(|(side, bytes)| _ = flow.send(*side, bytes));
        flow
    }

    /// With a session of the user `operator` besides.
    pub fn session() -> Flow {
        let mut flow = Flow::open();
        craft::session().iter().for_each(|(side, bytes)| _ = flow.send(*side, bytes));
        flow
    }

    /// One segment, a millisecond after the last.
    pub fn send(&mut self, side: Side, bytes: &[u8]) -> &mut Flow {
        self.seen.clock += SECOND / 1000;
        self.packet += 1;
        let mut buffer = std::mem::take(&mut self.buffers[side.index()]);
        buffer.extend_from_slice(bytes);
        let mut rest = &buffer[..];
        let at = Moment { time: self.seen.clock, packet: self.packet, capture: 1 };
        while !rest.is_empty() && !self.ended {
            match self.dissector.feed(side, rest, at, &self.seen, &mut self.out) {
                Fed::Used(used) => rest = &rest[used..],
                Fed::Malformed { used, anomaly, .. } => {
                    self.malformed.push(ANOMALIES[usize::from(anomaly)].0);
                    rest = &rest[used..];
                }
                Fed::Incomplete(place) => {
                    assert!(place.needed > place.available, "{place}");
                    assert!(rest.len() <= crate::dissection::MAX_HELD);
                    break;
                }
                Fed::NotMine => self.ended = true,
                Fed::Failed => panic!("a native dissector does not fail"),
            }
        }
        self.buffers[side.index()] = rest.to_vec();
        self
    }

    pub fn ask(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(CLIENT, bytes)
    }

    pub fn answer(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(SERVER, bytes)
    }

    /// A call and its answer, as messages of one chunk.
    pub fn call(&mut self, number: u32, request: &[u8], response: &[u8]) -> Record {
        self.ask(&craft::message(number, request)).answer(&craft::message(number, response));
        self.last()
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

    pub fn last(&self) -> Record {
        self.out.records.last().cloned().expect("a transaction")
    }
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
