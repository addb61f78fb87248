//! What tells two views of one frame apart, and the words for it.

use super::Packet;

/// What showed that a frame is a twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Twin {
    Ttl = 0,
    Vlan = 1,
    Mac = 2,
    Interface = 3,
    Capture = 4,
    IpId = 5,
    Prp = 6,
    Hsr = 7,
}

impl Twin {
    /// All, in the order of their counters.
    pub const ALL: [Twin; 8] =
        [Twin::Ttl, Twin::Vlan, Twin::Mac, Twin::Interface, Twin::Capture, Twin::IpId, Twin::Prp, Twin::Hsr];

    /// The name in `packets.duplicates` of the result.
    pub fn name(self) -> &'static str {
        match self {
            Twin::Ttl => "ttl",
            Twin::Vlan => "vlan",
            Twin::Mac => "mac",
            Twin::Interface => "interface",
            Twin::Capture => "capture",
            Twin::IpId => "ip_id",
            Twin::Prp => "prp",
            Twin::Hsr => "hsr",
        }
    }
}

/// What is to be done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on; [`marks::SUSPECTED_DUPLICATE`] may have been set.
    Keep,
    /// It was seen already.
    Twin(Twin),
}

/// How a frame came: where two equal frames differ in it, they are views of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Way {
    pub vlan: u32,
    pub macs: u32,
    pub interface: u16,
    pub capture: u16,
    pub ttl: u8,
}

impl Way {
    #[inline]
    pub fn of(packet: &Packet) -> Way {
        let l2 = &packet.l2;
        let [first, second] = l2.vlan.ids;
        let [a, b, c, d, e, f] = l2.source;
        let [g, h, i, j, k, l] = l2.destination;
        let low = u64::from(u32::from_ne_bytes([a, b, c, d])) << 32 | u64::from(u32::from_ne_bytes([g, h, i, j]));
        let high = u32::from(u16::from_ne_bytes([e, f])) << 16 | u32::from(u16::from_ne_bytes([k, l]));
        let mixed = spread(low ^ spread(u64::from(high)));
        Way {
            vlan: u32::from(l2.vlan.count) << 24 | u32::from(first & 0xFFF) << 12 | u32::from(second & 0xFFF),
            macs: (mixed >> 32) as u32,
            interface: packet.interface,
            capture: packet.at.capture,
            ttl: packet.ttl,
        }
    }

    /// What differs, the most telling first: a router changes TTL, MACs and often the VLAN.
    pub fn evidence(&self, other: &Way) -> Option<Twin> {
        let differences = [
            (self.ttl != other.ttl, Twin::Ttl),
            (self.vlan != other.vlan, Twin::Vlan),
            (self.macs != other.macs, Twin::Mac),
            (self.interface != other.interface, Twin::Interface),
            (self.capture != other.capture, Twin::Capture),
        ];
        differences.into_iter().find(|(differs, _)| *differs).map(|(_, twin)| twin)
    }
}

/// Spreads the bits of a number that nobody keeps secret.
#[inline]
pub(super) fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
