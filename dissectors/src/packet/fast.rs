//! The common case in one straight line: Ethernet, at most one VLAN tag, IPv4 without options or fragments, TCP or UDP, nothing
//! cut and nothing nested. Whatever is different goes the long way ([`super::link`]), which decodes these as well and the same.

use super::link::ethertype as types;
use super::region::Region;
use super::{Frame, Packet, Span, Transport, Vlan};
use crate::address::Net;
use crate::packet::ip::protocol as numbers;
use crate::packet::transport::{GENEVE_PORT, VXLAN_GPE_PORT, VXLAN_PORT};

/// Link type Ethernet.
const ETHERNET: u16 = 1;

/// What the transport header says.
struct Ports {
    from: u16,
    to: u16,
    seq: u32,
    ack: u32,
    window: u16,
    flags: u8,
    /// Bytes of the header.
    header: usize,
    /// Bytes of header and payload.
    total: usize,
}

impl Ports {
    #[inline(always)]
    fn write(&self, packet: &mut Packet) {
        packet.source_port = self.from;
        packet.destination_port = self.to;
        packet.seq = self.seq;
        packet.ack = self.ack;
        packet.window = self.window;
        packet.flags = self.flags;
    }
}

/// Decodes the frame into `packet` (every field is written), or says `None` where it is anything else than the common case.
#[inline(always)]
pub(super) fn decode(bytes: &[u8], frame: &Frame, packet: &mut Packet) -> Option<()> {
    if frame.link != ETHERNET || frame.wire_len > frame.span.len {
        return None;
    }
    let mut region = Region { bytes: frame.span.of(bytes), start: frame.span.start, missing: 0 };
    if let [.., 0x88, 0xFB] = region.bytes {
        return None; // perhaps a trailer of PRP
    }
    let (mac, vlan) = link(&mut region)?;
    let ip = region.bytes.first_chunk::<20>()?;
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3FFF;
    if ip[0] != 0x45 || fragment != 0 || total > region.len() || total < 28 {
        return None;
    }
    let network = region.start;
    region.skip(20)?;
    let room = total.saturating_sub(20);
    let (transport, ports) = match ip[9] {
        numbers::TCP => (Transport::Tcp, tcp(&region, room)?),
        numbers::UDP => (Transport::Udp, udp(&region, room)?),
        _ => return None,
    };
    let network_len = u32::try_from(total).ok()?;
    let header_len = u32::try_from(ports.header).ok()?;
    let payload_len = u32::try_from(ports.total.saturating_sub(ports.header)).ok()?;
    // Field by field: a whole packet assigned at once is built elsewhere and copied.
    packet.network = Span { start: network, len: network_len };
    packet.payload = Span { start: region.start.wrapping_add(header_len), len: payload_len };
    packet.source = u128::from(u32::from_be_bytes([ip[12], ip[13], ip[14], ip[15]]));
    packet.destination = u128::from(u32::from_be_bytes([ip[16], ip[17], ip[18], ip[19]]));
    packet.protocol = u16::from(ip[9]);
    packet.ip_id = u16::from_be_bytes([ip[4], ip[5]]);
    packet.ttl = ip[8];
    packet.net = Net::V4;
    packet.transport = transport;
    stamp(packet, frame, mac, vlan)?;
    ports.write(packet);
    packet.place();
    Some(())
}

/// The MAC addresses with the type behind them, and the tag; `None` where it is not IPv4 that follows.
#[inline(always)]
fn link<'a>(region: &mut Region<'a>) -> Option<(&'a [u8; 14], Vlan)> {
    let mac = region.bytes.first_chunk::<14>()?;
    region.skip(14)?;
    match u16::from_be_bytes([mac[12], mac[13]]) {
        types::IPV4 => Some((mac, Vlan::default())),
        types::VLAN => {
            let [a, b, c, d] = region.take::<4>()?;
            let vlan = Vlan { count: 1, ids: [u16::from_be_bytes([a, b]) & 0x0FFF, 0] };
            (u16::from_be_bytes([c, d]) == types::IPV4).then_some((mac, vlan))
        }
        _ => None,
    }
}

/// What the frame and its link header say, and what is zero in the common case.
#[inline(always)]
fn stamp(packet: &mut Packet, frame: &Frame, mac: &[u8; 14], vlan: Vlan) -> Option<()> {
    let (destination, rest) = mac.split_first_chunk::<6>()?;
    packet.l2.destination = *destination;
    packet.l2.source = *rest.first_chunk::<6>()?;
    packet.l2.vlan = vlan;
    packet.at = frame.at;
    packet.frame = frame.span;
    packet.wire_len = frame.span.len;
    packet.interface = frame.interface;
    packet.payload_missing = 0;
    packet.tunnel = 0;
    packet.redundancy = 0;
    packet.marks = 0;
    Some(())
}

#[inline(always)]
fn tcp(region: &Region<'_>, room: usize) -> Option<Ports> {
    let tcp = region.bytes.first_chunk::<20>()?;
    let header = usize::from(tcp[12] >> 4).saturating_mul(4);
    if header < 20 || header > room {
        return None;
    }
    Some(Ports {
        from: u16::from_be_bytes([tcp[0], tcp[1]]),
        to: u16::from_be_bytes([tcp[2], tcp[3]]),
        seq: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
        ack: u32::from_be_bytes([tcp[8], tcp[9], tcp[10], tcp[11]]),
        window: u16::from_be_bytes([tcp[14], tcp[15]]),
        flags: tcp[13],
        header,
        total: room,
    })
}

#[inline(always)]
fn udp(region: &Region<'_>, room: usize) -> Option<Ports> {
    let udp = region.bytes.first_chunk::<8>()?;
    let to = u16::from_be_bytes([udp[2], udp[3]]);
    let total = usize::from(u16::from_be_bytes([udp[4], udp[5]]));
    if total < 8 || total > room || matches!(to, VXLAN_PORT | VXLAN_GPE_PORT | GENEVE_PORT) {
        return None;
    }
    let from = u16::from_be_bytes([udp[0], udp[1]]);
    Some(Ports { from, to, seq: 0, ack: 0, window: 0, flags: 0, header: 8, total })
}
