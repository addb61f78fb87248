//! Where a dissection puts what it found: counted, written as a line, offered to the gate, with the flow's addresses added.

use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use crate::dissection::Malformed;
use crate::gate::{Context, FlowAnomaly, FlowCache, Gate};
use crate::output::{Identity, Lines, Prefix};
use crate::packet::{L2, macs, vlan};
use crate::protocols::{self, Sink};
use crate::stream::FlowKey;
use crate::summary::Summary;
use crate::transaction::{Observation, Transaction};

/// What a flow's transactions have in common.
#[derive(Clone, Copy)]
pub struct Scenery<'a> {
    /// The flow.
    pub key: &'a FlowKey,
    /// MACs and VLAN of each side's last packet.
    pub l2: &'a [L2; 2],
    /// Who opened the connection, if seen.
    pub initiator: Option<Side>,
}

/// Speaks for one flow.
pub struct Speaker<'a> {
    pub(crate) gate: &'a mut Gate,
    pub(crate) lines: &'a mut Option<Lines>,
    pub(crate) lines_error: &'a mut Option<std::io::Error>,
    pub(crate) summary: &'a mut Summary,
    pub(crate) scenery: Scenery<'a>,
    pub(crate) cache: &'a mut FlowCache,
    pub(crate) prefix: &'a mut Prefix,
    pub(crate) client: &'a mut Option<Side>,
}

impl Speaker<'_> {
    #[inline]
    fn write(&mut self, transaction: &Transaction<'_>) {
        let Some(lines) = self.lines else { return };
        let Scenery { key, l2, initiator } = self.scenery;
        let mut identity = Identity { key, macs: macs(l2), vlan: vlan(l2), initiator, prefix: self.prefix };
        if let Err(error) = lines.transaction(&mut identity, transaction) {
            *self.lines_error = Some(error);
            *self.lines = None;
        }
    }
}

impl Sink for Speaker<'_> {
    #[inline]
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        *self.client = Some(transaction.client);
        self.summary.count(transaction);
        self.write(transaction);
        let Scenery { key, l2, initiator } = self.scenery;
        self.gate.offer(Context { key, l2, initiator, cache: self.cache }, transaction);
    }

    #[inline]
    fn content(&mut self, bytes: &[u8]) {
        self.gate.content(bytes);
    }

    fn observation(&mut self, observation: &Observation<'_>) {
        let address = self.scenery.key.address(observation.side);
        self.gate.observe(address, observation.protocol, observation);
    }

    fn anomaly(&mut self, protocol: u8, bit: u8, side: Side, at: Moment) {
        self.flow_anomaly(protocol, bit, side, at, None);
    }
}

impl Malformed for Speaker<'_> {
    fn malformed(&mut self, protocol: u8, bit: u8, side: Side, at: Moment, place: Incomplete) {
        self.flow_anomaly(protocol, bit, side, at, Some(place));
    }
}

impl Speaker<'_> {
    #[cold]
    fn flow_anomaly(&mut self, protocol: u8, bit: u8, side: Side, at: Moment, place: Option<Incomplete>) {
        self.summary.count_anomaly(protocol, bit);
        let table = protocols::protocol(protocol).map_or::<&[_], _>(&[], |protocol| protocol.anomalies);
        let name = table.get(usize::from(bit)).map_or("unnamed", |(name, _)| *name);
        let key = self.scenery.key;
        self.gate.anomaly(&FlowAnomaly {
            name,
            protocol,
            source: key.address(side),
            destination: key.address(side.other()),
            layer: place.map(|place| place.layer),
            offset: place.map(|place| place.offset as u64),
            needed: place.map(|place| place.needed as u64),
            available: place.map(|place| place.available as u64),
            at,
        });
    }
}
