//! The record of one flow: small, hot parts first, because with many flows cache misses set the pace.

use super::key::FlowKey;
use super::ledger::Ledger;
use super::tcp::Tcp;
use crate::address::{Moment, Side};
use crate::packet::{L2, Transport};

/// Number of a flow in the table; used again after the flow has ended (see [`Flow::generation`]).
pub type FlowId = u32;

/// One flow. `T` is what the engine keeps for it.
///
/// What every packet touches fills the first four cache lines but for one field that stands before `T` in the fifth.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Flow<T> {
    /// Addresses, ports, tunnel.
    pub key: FlowKey,
    /// The last packet; its time is the clock that it ran at.
    pub last: Moment,
    /// Tells this flow from an earlier one with the same id.
    pub generation: u32,
    /// MACs and VLAN of each side's last packet.
    pub l2: [L2; 2],
    /// What was seen and what was not.
    pub ledger: Ledger,
    /// TCP order (unused in other flows).
    pub tcp: Tcp,
    /// The clock at each side's last packet, ns; 0 before its first.
    pub heard: [u64; 2],
    /// The engine's.
    pub data: T,
    /// The first packet.
    pub first: Moment,
    /// Order of the flows' beginnings.
    pub number: u64,
    pub(super) tag: u32,
    /// An entry of the list of flows that hold data back.
    pub(super) queued: bool,
    /// In use.
    pub(super) alive: bool,
}

impl<T> Flow<T> {
    /// Who opened it, if that was seen.
    #[inline]
    pub fn initiator(&self) -> Option<Side> {
        self.tcp.initiator()
    }

    /// Packets of both sides were seen.
    #[inline]
    pub fn both_directions(&self) -> bool {
        self.ledger.counts(Side::A).packets > 0 && self.ledger.counts(Side::B).packets > 0
    }

    /// A TCP connection that nobody has answered.
    pub(super) fn half_open(&self) -> bool {
        let silent = |side| self.ledger.counts(side).payload == 0;
        self.tcp.initiator().is_some()
            && !(self.tcp.seen(Side::A) && self.tcp.seen(Side::B))
            && silent(Side::A)
            && silent(Side::B)
    }

    pub(super) fn is_tcp(&self) -> bool {
        self.key.transport == Transport::Tcp
    }
}

/// What a receiver of stream events may see and change of the flow meanwhile.
#[derive(Debug)]
pub struct Scene<'a, T> {
    /// Number in the table.
    pub id: FlowId,
    /// See [`Flow::generation`].
    pub generation: u32,
    /// Addresses, ports, tunnel.
    pub key: &'a FlowKey,
    /// What is known of the connection (who opened it, whether a side is known from its first byte).
    pub tcp: &'a Tcp,
    /// MACs and VLAN of each side's last packet.
    pub l2: &'a [L2; 2],
    /// What was seen and what was not, up to this event.
    pub ledger: &'a mut Ledger,
    /// The engine's.
    pub data: &'a mut T,
    /// The clock, ns.
    pub clock: u64,
}
