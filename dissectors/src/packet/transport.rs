//! TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, RFC 4443), and what else IP carries.

use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

use super::decoder::{Decoder, Result, Step};
use super::ip::{extension, protocol as numbers};
use super::link::short;
use super::region::Region;
use super::{Cause, Packet, Transport, marks};

/// Ports of the tunnels over UDP (IANA registry).
pub(super) const VXLAN_PORT: u16 = 4789;
pub(super) const VXLAN_GPE_PORT: u16 = 4790;
pub(super) const GENEVE_PORT: u16 = 6081;

/// Bytes that every ICMP message begins with: type, code, checksum.
const ICMP_HEADER: usize = 4;

impl Decoder {
    /// What IP carries: `next` is the protocol number, the region ends where IP says.
    #[inline]
    pub(super) fn carried(&mut self, next: u8, region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        packet.protocol = u16::from(next);
        match next {
            numbers::TCP => tcp(region, packet),
            numbers::UDP => self.udp(region, packet, depth),
            _ => self.other_transport(next, region, packet, depth),
        }
    }

    fn other_transport(&mut self, next: u8, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        match next {
            numbers::ICMP | numbers::ICMPV6 => icmp(region, packet),
            numbers::IPV4 | numbers::IPV6 => self.ip_within(next, region, packet, depth),
            numbers::GRE => self.gre(region, packet, depth),
            numbers::AUTHENTICATION => match extension(next, &mut region)? {
                // One is enough: a second authentication header is passed on as what it is.
                Some(following) if following != numbers::AUTHENTICATION => {
                    self.carried(following, region, packet, depth)
                }
                _ => Ok(plain(next, region, packet)),
            },
            other => Ok(plain(other, region, packet)),
        }
    }

    #[inline]
    fn udp(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        packet.transport = Transport::Udp;
        let header = match UdpHeaderSlice::from_slice(region.bytes) {
            Ok(header) => header,
            Err(_) if region.cut() => return Ok(cut_header(region, 8, packet)),
            Err(_) => return Err(Cause::UdpLength),
        };
        packet.source_port = header.source_port();
        packet.destination_port = header.destination_port();
        let alone = packet.marks & marks::FRAGMENT != 0; // the length is that of the whole datagram
        match usize::from(header.length()) {
            0 if region.wire_len() > 0xFFFF => {} // jumbogram (RFC 2675, section 4)
            length if length < 8 => return Err(Cause::UdpLength),
            length if region.limit(length).is_err() && !alone => return Err(Cause::UdpLength),
            _ => {}
        }
        region.skip(8).ok_or(Cause::UdpLength)?;
        payload(region, packet);
        match packet.destination_port {
            VXLAN_PORT => self.vxlan(region, packet, depth),
            VXLAN_GPE_PORT => self.vxlan_gpe(region, packet, depth),
            GENEVE_PORT => self.geneve(region, packet, depth),
            _ => Ok(Step::Done),
        }
    }
}

#[inline]
fn tcp(mut region: Region<'_>, packet: &mut Packet) -> Result {
    packet.transport = Transport::Tcp;
    let header = match TcpHeaderSlice::from_slice(region.bytes) {
        Ok(header) => header,
        Err(_) if region.cut() => return cut_tcp(region, packet),
        Err(_) => return Err(Cause::TcpHeader),
    };
    packet.source_port = header.source_port();
    packet.destination_port = header.destination_port();
    packet.seq = header.sequence_number();
    packet.ack = header.acknowledgment_number();
    packet.window = header.window_size();
    packet.flags = region.bytes.get(13).copied().unwrap_or_default();
    region.skip(header.slice().len()).ok_or(Cause::TcpHeader)?;
    payload(region, packet);
    Ok(Step::Done)
}

/// A TCP header that the capture cut: what of its first twenty bytes is there is kept.
#[cold]
fn cut_tcp(mut region: Region<'_>, packet: &mut Packet) -> Result {
    let Some(fixed) = region.peek::<20>() else { return Ok(cut_header(region, 20, packet)) };
    let [a, b, c, d, s, t, u, v, k, l, m, n, offset, flags, w, x, ..] = fixed;
    let header_len = usize::from(offset >> 4).saturating_mul(4);
    if header_len < 20 || header_len > region.wire_len() {
        return Err(Cause::TcpHeader);
    }
    packet.source_port = u16::from_be_bytes([a, b]);
    packet.destination_port = u16::from_be_bytes([c, d]);
    packet.seq = u32::from_be_bytes([s, t, u, v]);
    packet.ack = u32::from_be_bytes([k, l, m, n]);
    packet.flags = flags;
    packet.window = u16::from_be_bytes([w, x]);
    let missing = region.wire_len().saturating_sub(header_len);
    region.skip(region.len()).ok_or(Cause::TcpHeader)?;
    region.missing = u32::try_from(missing).unwrap_or(u32::MAX);
    payload(region, packet);
    packet.marks |= marks::CUT;
    Ok(Step::Done)
}

/// A TCP or UDP header that the capture cut before its end: the ports where they are there, and no payload. Options can't be
/// told from payload then, so `payload_missing` counts from the fixed header's end.
#[cold]
fn cut_header(mut region: Region<'_>, fixed: usize, packet: &mut Packet) -> Step {
    match region.peek() {
        Some([a, b, c, d]) => {
            packet.source_port = u16::from_be_bytes([a, b]);
            packet.destination_port = u16::from_be_bytes([c, d]);
        }
        None => packet.marks |= marks::NO_PORTS,
    }
    let missing = region.wire_len().saturating_sub(fixed);
    let captured = region.len();
    region.skip(captured);
    region.missing = u32::try_from(missing).unwrap_or(u32::MAX);
    payload(region, packet);
    packet.marks |= marks::CUT;
    Step::Done
}

/// ICMP of either version: type and code stand in the source port, the payload begins behind the checksum.
fn icmp(mut region: Region<'_>, packet: &mut Packet) -> Result {
    packet.transport = Transport::Icmp;
    match region.peek::<ICMP_HEADER>() {
        Some([kind, code, _, _]) => {
            packet.source_port = u16::from_be_bytes([kind, code]);
            region.skip(ICMP_HEADER).ok_or(Cause::IcmpShort)?;
            payload(region, packet);
            Ok(Step::Done)
        }
        None if region.cut() => {
            packet.marks |= marks::NO_PORTS;
            payload(region, packet);
            Ok(Step::Done)
        }
        None => Err(short(&region, Cause::IcmpShort)),
    }
}

/// Another IP protocol: its number and what it carries.
pub(super) fn plain(next: u8, region: Region<'_>, packet: &mut Packet) -> Step {
    packet.transport = Transport::Ip;
    packet.protocol = u16::from(next);
    payload(region, packet);
    Step::Done
}

/// What is left is the payload.
#[inline]
fn payload(region: Region<'_>, packet: &mut Packet) {
    packet.payload = region.span();
    packet.payload_missing = region.missing;
    if region.cut() {
        packet.marks |= marks::CUT;
    }
}
