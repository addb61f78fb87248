//! Internet checksums (RFC 1071), verified where somebody asks: not on every packet.

use super::ip::{extension, protocol as numbers};
use super::region::Region;
use super::{Packet, Transport, marks};
use crate::address::Net;

/// The sum of 16-bit words so far, in ones' complement once folded.
#[derive(Debug, Clone, Copy, Default)]
struct Sum(u64);

impl Sum {
    /// Adds bytes that begin at an even offset; an odd last byte counts as the high half of a word.
    fn bytes(self, bytes: &[u8]) -> Sum {
        let (words, last) = bytes.as_chunks::<2>();
        let sum: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        let odd = last.first().map_or(0, |byte| u64::from(*byte) << 8);
        Sum(self.0.wrapping_add(sum).wrapping_add(odd))
    }

    fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xFFFF {
            sum = (sum & 0xFFFF).wrapping_add(sum >> 16);
        }
        u16::try_from(sum).unwrap_or(u16::MAX)
    }
}

/// The checksum to write over bytes in which its own field is zero.
pub(super) fn of(bytes: &[u8]) -> u16 {
    !Sum::default().bytes(bytes).folded()
}

/// Whether the IPv4 header's checksum is right. `None` where there is none to verify (no IPv4), or not all of the header.
pub fn ip_header_ok(packet: &Packet, bytes: &[u8]) -> Option<bool> {
    if packet.net != Net::V4 {
        return None;
    }
    let network = packet.network.of(bytes);
    let length = usize::from(network.first()? & 0x0F).checked_mul(4)?;
    Some(Sum::default().bytes(network.get(..length)?).folded() == 0xFFFF)
}

/// Whether the checksum of TCP, UDP or ICMP is right. `None` where it can't be said: the capture cut the packet, it is a lone
/// fragment, it carries no checksum (UDP over IPv4 with 0), the destination is not the final one (IPv6 routing header), or the
/// field holds the sum of the pseudo header alone: what a host writes that leaves the rest to its network card, and captures itself.
pub fn transport_ok(packet: &Packet, bytes: &[u8]) -> Option<bool> {
    if packet.marks & (marks::CUT | marks::FRAGMENT) != 0 {
        return None;
    }
    let carried = carried(packet, packet.network.of(bytes))?;
    let carried = match packet.transport {
        Transport::Tcp => carried,
        Transport::Udp => {
            let [_, _, _, _, a, b, c, d] = carried.first_chunk::<8>()?;
            if [*c, *d] == [0, 0] {
                return (packet.net == Net::V6).then_some(false); // RFC 8200, section 8.1: not optional
            }
            match usize::from(u16::from_be_bytes([*a, *b])) {
                0 => carried,
                length => carried.get(..length)?,
            }
        }
        Transport::Icmp => carried,
        Transport::Ip | Transport::Ether => return None,
    };
    let sum = if packet.protocol == u16::from(numbers::ICMP) { Sum::default() } else { pseudo(packet, carried.len())? };
    let right = sum.bytes(carried).folded() == 0xFFFF;
    (right || field(packet.transport, carried) != Some(sum.folded())).then_some(right)
}

/// What stands in the checksum field of TCP or UDP.
fn field(transport: Transport, carried: &[u8]) -> Option<u16> {
    let at = match transport {
        Transport::Tcp => 16,
        Transport::Udp => 6,
        Transport::Icmp | Transport::Ip | Transport::Ether => return None,
    };
    carried.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// The transport header and what follows it, to the end of the network packet.
fn carried<'a>(packet: &Packet, network: &'a [u8]) -> Option<&'a [u8]> {
    let mut region = Region { bytes: network, start: 0, missing: 0 };
    let mut next = if packet.net == Net::V4 {
        let protocol = *network.get(9)?;
        region.skip(usize::from(network.first()? & 0x0F).checked_mul(4)?)?;
        protocol
    } else {
        let protocol = *network.get(6)?;
        region.skip(40)?;
        protocol
    };
    while u16::from(next) != packet.protocol {
        if next == numbers::FRAGMENT {
            let [following, ..] = region.take::<8>()?;
            next = following;
            continue;
        }
        let routed = next == numbers::ROUTING && region.bytes.get(3).is_none_or(|left| *left > 0);
        if routed {
            return None;
        }
        next = extension(next, &mut region).ok()??;
    }
    Some(region.bytes)
}

/// The pseudo header (RFC 9293, 3.1; RFC 8200, 8.1).
fn pseudo(packet: &Packet, length: usize) -> Option<Sum> {
    let sum = Sum::default()
        .bytes(&packet.source.to_be_bytes())
        .bytes(&packet.destination.to_be_bytes())
        .bytes(&u32::try_from(length).ok()?.to_be_bytes())
        .bytes(&packet.protocol.to_be_bytes());
    Some(sum)
}
