//! Tests of S7comm-plus, over the whole way from TPKT on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bodies;
mod hostile;
mod pairing;

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
    pub protocol: &'static str,
    pub client: Side,
    pub function: u32,
    pub name: &'static str,
    pub sub_function: Option<&'static str>,
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
    pub anomalies: Vec<&'static str>,
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
            assert!(p.first <= p.last && p.last <= kind.max && p.access <= t.access, "{p:?}");
            let written = points::text(kind, p.block, (p.first, p.last), None);
            format!("{} {written} = {}", p.access.name(), values(&p.values))
        };
        assert!(protocol.functions.iter().any(|row| row.code == t.function.code) || t.function.name.is_none());
        self.records.push(Record {
            protocol: protocol.name,
            client: t.client,
            function: t.function.code,
            name: t.function.name.unwrap_or("-"),
            sub_function: t.sub_function.and_then(|sub| sub.name),
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
    pub malformed: Vec<u8>,
    pub ended: bool,
}

impl Flow {
    /// With the connection's set-up seen.
    pub fn new() -> Flow {
        let mut flow = Flow::midstream(Some(CLIENT));
        flow.ask(&hex("030000231ee00000000100c1020600c20f53494d415449432d524f4f542d4553c0010a"));
        flow.answer(&hex("030000231ed00001000200c1020600c20f53494d415449432d524f4f542d4553c0010a"));
        flow
    }

    pub fn midstream(initiator: Option<Side>) -> Flow {
        let hints = Hints { ports: [102, 51_000], initiator, datagram: false };
        Flow {
            dissector: (super::PROTOCOL.start)(&hints),
            out: Collector::default(),
            seen: Seen { clock: SECOND, both_directions: true, lost: [false; 2] },
            packet: 0,
            buffers: [Vec::new(), Vec::new()],
            malformed: Vec::new(),
            ended: false,
        }
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
                    self.malformed.push(anomaly);
                    rest = &rest[used..];
                }
                Fed::Incomplete(place) => {
                    assert!(place.needed > place.available, "{place}");
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

    /// The records of S7comm-plus so far, set-up of the connection excepted.
    pub fn records(&self) -> Vec<Record> {
        self.out.records.iter().filter(|record| record.name != "cotp_connect").cloned().collect()
    }

    pub fn last(&self) -> Record {
        self.records().pop().expect("a transaction")
    }
}

/// A message in frames of at most `size` bytes of data, each in a TPKT.
pub(super) fn frames(version: u8, message: &[u8], size: usize) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = message.chunks(size).collect();
    let last = parts.len() - 1;
    let frame = |(place, part): (usize, &&[u8])| {
        let digest: &[u8] = if version == 3 { &[0x20; 33] } else { &[] };
        let data = [digest, part].concat();
        let mut bytes = vec![0x72, version];
        bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(data);
        if place == last {
            bytes.extend([0x72, version, 0, 0]);
        }
        tpkt(&bytes)
    };
    parts.iter().enumerate().map(frame).collect()
}

pub(super) fn tpkt(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![3, 0];
    bytes.extend(u16::try_from(payload.len() + 7).unwrap().to_be_bytes());
    bytes.extend([2, 0xF0, 0x80]);
    bytes.extend(payload);
    bytes
}

/// A request's message: function, sequence number, transport flags, body.
pub(super) fn request(function: u16, sequence: u16, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x31, 0, 0];
    bytes.extend(function.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(sequence.to_be_bytes());
    bytes.extend([0, 0, 3, 0x84, flags]);
    bytes.extend(body);
    bytes
}

/// A response's message.
pub(super) fn response(function: u16, sequence: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x32, 0, 0];
    bytes.extend(function.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(sequence.to_be_bytes());
    bytes.push(0x34);
    bytes.extend(body);
    bytes
}

/// One frame of version 3 with a whole message.
pub(super) fn one(message: &[u8]) -> Vec<u8> {
    frames(3, message, 4096).concat()
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
