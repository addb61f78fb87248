//! What makes two packets belong to the same flow.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use crate::address::{Address, Net, Side};
use crate::packet::{Packet, Transport};

/// A flow: 5-tuple, tunnel and source group (DESIGN.md, section 2). The same for both directions: side A is the lower
/// (address, port). VLAN and interface are attributes, because TAPs split directions and SPANs tag one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Address bits of side A.
    pub a: u128,
    /// Address bits of side B.
    pub b: u128,
    /// Ports of side A and B.
    pub ports: [u16; 2],
    /// The decoder's number of the tunnel, 0 for none.
    pub tunnel: u32,
    /// Ethertype or IP protocol number where there is neither TCP nor UDP, else 0.
    pub protocol: u16,
    /// Source group (captures of one network share one; 0 by default).
    pub group: u16,
    /// What carries it.
    pub transport: Transport,
    /// Address family.
    pub net: Net,
}

impl FlowKey {
    /// The key of the flow that a packet belongs to, and the side that sent it.
    #[inline(always)]
    pub fn of(packet: &Packet) -> (FlowKey, Side) {
        let from = (packet.source, packet.source_port);
        let to = (packet.destination, packet.destination_port);
        let forward = from.0 < to.0 || (from.0 == to.0 && from.1 <= to.1);
        let (low, high, side) = if forward { (from, to, Side::A) } else { (to, from, Side::B) };
        let ported = matches!(packet.transport, Transport::Tcp | Transport::Udp);
        let key = FlowKey {
            a: low.0,
            b: high.0,
            ports: if ported { [low.1, high.1] } else { [0, 0] },
            tunnel: packet.tunnel,
            protocol: if ported { 0 } else { packet.protocol },
            group: 0,
            transport: packet.transport,
            net: packet.net,
        };
        (key, side)
    }

    /// Whether it is what [`FlowKey::of`] makes of a packet, without making it and without a branch for each field: it is asked for every
    /// packet, and nearly always true.
    #[inline(always)]
    pub(super) fn is_of(&self, packet: &Packet) -> bool {
        let ported = matches!(packet.transport, Transport::Tcp | Transport::Udp);
        let (from, to) = match packet.side {
            Side::A => ((self.a, self.ports[0]), (self.b, self.ports[1])),
            Side::B => ((self.b, self.ports[1]), (self.a, self.ports[0])),
        };
        let addresses = (from.0 ^ packet.source) | (to.0 ^ packet.destination);
        let rest = if ported {
            (from.1 ^ packet.source_port) | (to.1 ^ packet.destination_port) | self.protocol
        } else {
            self.protocol ^ packet.protocol
        };
        let kind = (self.transport as u8 ^ packet.transport as u8) | (self.net as u8 ^ packet.net as u8);
        addresses == 0 && (self.tunnel ^ packet.tunnel) | u32::from(rest | self.group) | u32::from(kind) == 0
    }

    /// Keyed hash of the flow: collisions can't be prepared by whoever sends the packets.
    #[inline(always)]
    pub fn hash(&self) -> u64 {
        let ports = u64::from(self.ports[0]) | u64::from(self.ports[1]) << 16 | u64::from(self.tunnel) << 32;
        let rest = u64::from(self.protocol)
            | u64::from(self.group) << 16
            | (self.transport as u64) << 32
            | (self.net as u64) << 40;
        let mut hasher = state().build_hasher();
        if self.net == Net::V4 {
            hasher.write_u128(self.a << 64 | self.b); // 32 bits each: a single step takes both
        } else {
            hasher.write_u128(self.a);
            hasher.write_u128(self.b);
        }
        hasher.write_u64(ports);
        hasher.write_u64(rest);
        hasher.finish()
    }

    /// The address of a side.
    #[inline]
    pub fn address(&self, side: Side) -> Address {
        let bits = match side {
            Side::A => self.a,
            Side::B => self.b,
        };
        Address { bits, net: self.net }
    }

    /// The port of a side.
    #[inline]
    pub fn port(&self, side: Side) -> u16 {
        match side {
            Side::A => self.ports[0],
            Side::B => self.ports[1],
        }
    }
}

/// The hash key of this process, drawn once from the operating system's randomness.
#[inline]
pub fn state() -> &'static SeedableRandomState {
    static STATE: OnceLock<SeedableRandomState> = OnceLock::new();
    STATE.get_or_init(|| {
        static SHARED: OnceLock<SharedSeed> = OnceLock::new();
        let random = || std::hash::RandomState::new().hash_one(0_u8); // keyed by the operating system
        SeedableRandomState::with_seed(random(), SHARED.get_or_init(|| SharedSeed::from_u64(random())))
    })
}
