//! Flows and streams, driven with made-up packets.

mod flows;
mod model;
mod tcp;

use super::*;
use crate::address::{Moment, Net, Side};
use crate::packet::{Packet, Span, Transport, tcp_flags as tf};
use crate::protocols::Ending;

pub(super) const MS: u64 = 1_000_000;
pub(super) const S: u64 = 1_000_000_000;
pub(super) const T0: u64 = 1_700_000_000 * S;

/// What came out, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    Opened(Side),
    Data(Side, Vec<u8>),
    Gap(Side, u64),
    Reset(Side),
    Missed(Side),
    Closed,
    Ended(FlowId, Ending),
}

#[derive(Default)]
pub(super) struct Log(pub(super) Vec<Came>);

impl Receiver<u32> for Log {
    fn event(&mut self, event: Event<'_>, scene: &mut Scene<'_, u32>) {
        *scene.data += 1;
        self.0.push(match event {
            Event::Opened { initiator } => Came::Opened(initiator),
            Event::Data { side, bytes, .. } => Came::Data(side, bytes.to_vec()),
            Event::Gap { side, missing } => Came::Gap(side, missing),
            Event::Reset { side } => Came::Reset(side),
            Event::Missed { side } => Came::Missed(side),
            Event::Closed => Came::Closed,
        });
    }

    fn ended(&mut self, id: FlowId, _flow: &mut Flow<u32>, ending: Ending) {
        self.0.push(Came::Ended(id, ending));
    }
}

/// A table, a clock and packets between 10.0.0.1:1000 (A) and 10.0.0.2:502 (B) unless told otherwise.
pub(super) struct Rig {
    pub(super) flows: Flows<u32>,
    pub(super) log: Log,
    pub(super) now: u64,
    pub(super) number: u64,
    pub(super) client_port: u16,
    pub(super) checksum: Option<bool>,
    pub(super) missing: u32,
}

impl Rig {
    pub(super) fn new() -> Rig {
        Rig::with(Limits::default())
    }

    pub(super) fn with(limits: Limits) -> Rig {
        Rig {
            flows: Flows::new(limits),
            log: Log::default(),
            now: T0,
            number: 0,
            client_port: 1000,
            checksum: Some(true),
            missing: 0,
        }
    }

    pub(super) fn packet(&mut self, side: Side, transport: Transport) -> Packet {
        self.number += 1;
        let ends = [(0x0A00_0001, self.client_port), (0x0A00_0002, 502)];
        let (from, to) = (ends[side.index()], ends[side.other().index()]);
        let mut packet = Packet {
            at: Moment { time: self.now, packet: self.number, capture: 1 },
            source: from.0,
            destination: to.0,
            source_port: from.1,
            destination_port: to.1,
            net: Net::V4,
            transport,
            wire_len: 60,
            ..Packet::default()
        };
        packet.place();
        packet
    }

    pub(super) fn udp(&mut self) -> Found {
        let packet = self.packet(Side::A, Transport::Udp);
        self.flows.overdue(self.now, &mut self.log);
        self.flows.expire(self.now, &mut self.log);
        self.flows.find(&packet, self.now, &mut self.log)
    }

    pub(super) fn send(&mut self, side: Side, flags: u8, seq: u32, ack: u32, bytes: &[u8]) -> Found {
        let mut packet = self.packet(side, Transport::Tcp);
        (packet.flags, packet.seq, packet.ack) = (flags, seq, ack);
        packet.payload = Span { start: 0, len: bytes.len() as u32 };
        packet.payload_missing = self.missing;
        self.flows.overdue(self.now, &mut self.log);
        self.flows.expire(self.now, &mut self.log);
        let found = self.flows.find(&packet, self.now, &mut self.log);
        let right = self.checksum;
        self.flows.segment(found, &packet, bytes, || right, &mut self.log);
        found
    }

    /// Data from A at an offset from `base`, nothing acknowledged anew.
    pub(super) fn a(&mut self, seq: u32, bytes: &[u8]) -> Found {
        self.send(Side::A, tf::ACK | tf::PSH, seq, 5000, bytes)
    }

    pub(super) fn b(&mut self, seq: u32, ack: u32, bytes: &[u8]) -> Found {
        self.send(Side::B, tf::ACK | tf::PSH, seq, ack, bytes)
    }

    /// Three packets: A's first byte is 100, B's 5000.
    pub(super) fn handshake(&mut self) {
        self.send(Side::A, tf::SYN, 99, 0, b"");
        self.send(Side::B, tf::SYN | tf::ACK, 4999, 100, b"");
        self.send(Side::A, tf::ACK, 100, 5000, b"");
        assert_eq!(self.take(), [Came::Opened(Side::A)]);
    }

    pub(super) fn later(&mut self, ns: u64) {
        self.now += ns;
        self.flows.overdue(self.now, &mut self.log);
        self.flows.expire(self.now, &mut self.log);
    }

    pub(super) fn take(&mut self) -> Vec<Came> {
        std::mem::take(&mut self.log.0)
    }

    pub(super) fn finish(&mut self) {
        self.flows.finish_all(self.now, Ending::CaptureEnd, &mut self.log);
    }

    /// The rare counts of a side of the first flow.
    pub(super) fn rare(&self, side: Side) -> Rare {
        self.flows.get(0).ledger.rare(side)
    }
}

pub(super) fn data(side: Side, bytes: &[u8]) -> Came {
    Came::Data(side, bytes.to_vec())
}
