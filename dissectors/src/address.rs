//! Who: network addresses and where in a capture something stands.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The address family of an [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Net {
    /// An Ethernet address, for traffic without IP.
    #[default]
    Mac = 0,
    /// IPv4.
    V4 = 4,
    /// IPv6.
    V6 = 6,
}

/// An address of any family: the bits right-aligned, the family beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address {
    /// The address as a number (32, 48 or 128 bits used).
    pub bits: u128,
    /// Which family it is of.
    pub net: Net,
}

/// An Ethernet address in the order of the wire.
pub type Mac = [u8; 6];

impl Address {
    /// An IPv4 address from the four bytes of the wire.
    #[inline]
    pub fn v4(bytes: [u8; 4]) -> Self {
        Address { bits: u128::from(u32::from_be_bytes(bytes)), net: Net::V4 }
    }

    /// An IPv6 address from the sixteen bytes of the wire.
    #[inline]
    pub fn v6(bytes: [u8; 16]) -> Self {
        Address { bits: u128::from_be_bytes(bytes), net: Net::V6 }
    }

    /// An Ethernet address as the address of traffic without IP.
    #[inline]
    pub fn mac(bytes: Mac) -> Self {
        let [a, b, c, d, e, f] = bytes;
        Address { bits: u128::from(u64::from_be_bytes([0, 0, a, b, c, d, e, f])), net: Net::Mac }
    }

    /// Multicast or broadcast: never the address of one device.
    pub fn is_group(self) -> bool {
        match self.net {
            Net::V4 => (self.bits >> 28) == 0xE || self.bits == 0xFFFF_FFFF,
            Net::V6 => (self.bits >> 120) == 0xFF,
            Net::Mac => (self.bits >> 40) & 1 == 1,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.net {
            Net::V4 => Ipv4Addr::from(u32::try_from(self.bits).unwrap_or(u32::MAX)).fmt(f),
            Net::V6 => Ipv6Addr::from(self.bits).fmt(f),
            Net::Mac => {
                let [.., a, b, c, d, e, g] = self.bits.to_be_bytes();
                write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
            }
        }
    }
}

/// One side of a flow. Sides are told apart by address and port alone ([`crate::stream::FlowKey`]), so that which is which
/// never depends on the packet that happened to come first; who opened the connection and who is client are said separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Side {
    /// The side with the lower (address, port).
    #[default]
    A = 0,
    /// The side with the higher.
    B = 1,
}

impl Side {
    /// The other side.
    #[inline]
    pub fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }

    /// 0 or 1, for arrays of two.
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A packet's place and time: what every statement refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Moment {
    /// Capture time, ns since 1970-01-01 UTC.
    pub time: u64,
    /// 1-based number of the frame in its capture.
    pub packet: u64,
    /// 1-based number of the capture in the result's `captures` (live: of the interface).
    pub capture: u16,
}
