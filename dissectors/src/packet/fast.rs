//! The common case in one straight line: Ethernet, at most one VLAN tag, IPv4 without options or fragments, TCP or UDP, nothing
//! cut and nothing nested. Whatever is different goes the long way ([`super::link`]), which decodes these as well and the same.

use super::link::ethertype as types;
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
    header: u16,
    /// Bytes of header and payload, not less.
    total: u16,
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
    let whole = frame.span.of(bytes);
    if let [.., 0x88, 0xFB] = whole {
        return None; // perhaps a trailer of PRP
    }
    let (mac, vlan, link_len) = link(whole)?;
    let datagram = whole.get(link_len as usize..)?;
    let ip = datagram.first_chunk::<20>()?;
    let total = u16::from_be_bytes([ip[2], ip[3]]);
    let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3FFF;
    if ip[0] != 0x45 || fragment != 0 || usize::from(total) > datagram.len() || total < 28 {
        return None;
    }
    let room = total.wrapping_sub(20);
    let (transport, ports) = match ip[9] {
        numbers::TCP => (Transport::Tcp, tcp(datagram.first_chunk()?, room)?),
        numbers::UDP => (Transport::Udp, udp(datagram.first_chunk()?, room)?),
        _ => return None,
    };
    let network = frame.span.start.wrapping_add(link_len);
    let headers = u32::from(ports.header).wrapping_add(20);
    // Field by field: a whole packet assigned at once is built elsewhere and copied.
    packet.network = Span { start: network, len: u32::from(total) };
    let payload_len = u32::from(ports.total.wrapping_sub(ports.header));
    packet.payload = Span { start: network.wrapping_add(headers), len: payload_len };
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

/// The MAC addresses with the type behind them, the tag, and the length of it all; `None` where it is not IPv4 that follows.
#[inline(always)]
fn link(whole: &[u8]) -> Option<(&[u8; 14], Vlan, u32)> {
    let mac = whole.first_chunk::<14>()?;
    match u16::from_be_bytes([mac[12], mac[13]]) {
        types::IPV4 => Some((mac, Vlan::default(), 14)),
        types::VLAN => {
            let [.., a, b, c, d] = whole.first_chunk::<18>()?;
            let vlan = Vlan { count: 1, ids: [u16::from_be_bytes([*a, *b]) & 0x0FFF, 0] };
            (u16::from_be_bytes([*c, *d]) == types::IPV4).then_some((mac, vlan, 18))
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

/// From the headers of IP and TCP; `room` is what there is behind that of IP.
#[inline(always)]
fn tcp(headers: &[u8; 40], room: u16) -> Option<Ports> {
    let (_, tcp) = headers.split_last_chunk::<20>()?;
    let header = u16::from(tcp[12] >> 4).wrapping_mul(4);
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

/// From the headers of IP and UDP.
#[inline(always)]
fn udp(headers: &[u8; 28], room: u16) -> Option<Ports> {
    let (_, udp) = headers.split_last_chunk::<8>()?;
    let to = u16::from_be_bytes([udp[2], udp[3]]);
    let total = u16::from_be_bytes([udp[4], udp[5]]);
    if total < 8 || total > room || matches!(to, VXLAN_PORT | VXLAN_GPE_PORT | GENEVE_PORT) {
        return None;
    }
    let from = u16::from_be_bytes([udp[0], udp[1]]);
    Some(Ports { from, to, seq: 0, ack: 0, window: 0, flags: 0, header: 8, total })
}
