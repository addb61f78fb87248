//! Link layers and the tags between them and the network header: what every link type leads to is an ethertype.

use super::decoder::{Decoder, MAX_NESTING, Result, Step};
use super::region::Region;
use super::{Cause, Packet, SILENCE, Transport, marks, redundancy};
use crate::address::{Address, Mac};

/// Tags (VLAN, HSR) that may stand between the MAC addresses and the network header.
const MAX_TAGS: usize = 8;
/// MPLS labels that may be stacked.
const MAX_LABELS: usize = 16;

/// Ethertypes (IEEE registry) that lead further.
pub(super) mod ethertype {
    pub const IPV4: u16 = 0x0800;
    pub const VLAN: u16 = 0x8100;
    pub const TRANSPARENT_ETHERNET: u16 = 0x6558;
    pub const IPV6: u16 = 0x86DD;
    pub const PPP: u16 = 0x880B;
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_UPSTREAM: u16 = 0x8848;
    pub const PPPOE_SESSION: u16 = 0x8864;
    pub const SERVICE_VLAN: u16 = 0x88A8;
    pub const HSR: u16 = 0x892F;
    pub const OLD_QINQ: u16 = 0x9100;
}

use ethertype as types;

/// The cause when a region ends too early for a header: the capture cut it, or the frame is short.
#[inline]
pub(super) fn short(region: &Region<'_>, cause: Cause) -> Cause {
    if region.cut() { Cause::Cut } else { cause }
}

impl Decoder {
    /// Starts a frame at its link header.
    #[inline]
    pub(super) fn link(&mut self, link: u16, region: Region<'_>, packet: &mut Packet) -> Result {
        if link == 1 { self.ethernet(region, packet, 0) } else { self.other_link(link, region, packet) }
    }

    /// Link types other than Ethernet (numbers of the tcpdump group's registry; 12 and 14 are DLT_RAW as some systems write it).
    fn other_link(&mut self, link: u16, mut region: Region<'_>, packet: &mut Packet) -> Result {
        match link {
            0 | 108 => self.loopback(region, packet),
            9 | 50 => self.ppp(region, packet, 0),
            51 => self.pppoe(region, packet, 0),
            104 => self.cisco_hdlc(region, packet),
            12 | 14 | 101 | 228 | 229 => self.ip(region, packet, 0),
            113 => self.cooked_v1(region, packet),
            276 => self.cooked_v2(region, packet),
            274 => {
                mpacket(&mut region)?;
                self.ethernet(region, packet, 0)
            }
            SILENCE if packet.at.packet == 0 => Ok(Step::Held), // nothing to decode, and nothing that can't be
            unknown => Err(Cause::LinkType(unknown)),
        }
    }

    /// Ethernet II and IEEE 802.3, with the trailer of PRP where there is one.
    #[inline]
    pub(super) fn ethernet(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let header = match etherparse::Ethernet2HeaderSlice::from_slice(region.bytes) {
            Ok(header) => header,
            Err(_) => return Err(short(&region, Cause::LinkShort)),
        };
        let (source, destination): (Mac, Mac) = (header.source(), header.destination());
        let kind = header.ether_type().0;
        packet.l2.source = source;
        packet.l2.destination = destination;
        packet.l2.vlan = Default::default();
        region.skip(14).ok_or(Cause::LinkShort)?;
        self.ethertype(kind, region, packet, depth)
    }

    /// What an ethertype announces; tags are taken off on the way.
    #[inline]
    pub(super) fn ethertype(
        &mut self,
        mut kind: u16,
        mut region: Region<'_>,
        packet: &mut Packet,
        depth: u8,
    ) -> Result {
        for _ in 0..=MAX_TAGS {
            match kind {
                types::IPV4 | types::IPV6 => {
                    let step = self.ip_of(kind, region, packet, depth)?;
                    if let [.., 0x88, 0xFB] = region.bytes
                        && packet.network.end().saturating_add(6) <= region.span().end()
                    {
                        prp_trailer(&region, packet);
                    }
                    return Ok(step);
                }
                types::VLAN | types::SERVICE_VLAN | types::OLD_QINQ => {
                    let [a, b, c, d] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
                    keep_tag(packet, u16::from_be_bytes([a, b]) & 0x0FFF);
                    kind = u16::from_be_bytes([c, d]);
                }
                types::HSR => {
                    let [_, _, a, b, c, d] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
                    packet.redundancy = redundancy::HSR | u32::from(u16::from_be_bytes([a, b]));
                    kind = u16::from_be_bytes([c, d]);
                }
                other => return self.other_type(other, region, packet, depth),
            }
        }
        Err(Cause::LinkTags)
    }

    /// Ethertypes that lead further than the plain ones, 802.2, and those that carry something without IP.
    fn other_type(&mut self, kind: u16, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        match kind {
            types::MPLS | types::MPLS_UPSTREAM => self.mpls(kind, region, packet, depth),
            types::PPPOE_SESSION => self.pppoe(region, packet, depth),
            types::PPP => self.ppp(region, packet, depth),
            types::TRANSPARENT_ETHERNET => self.ethernet_within(region, packet, depth),
            length if length < 0x600 => self.llc(length, region, packet, depth),
            other => {
                if let [.., 0x88, 0xFB] = region.bytes
                    && prp_trailer(&region, packet)
                {
                    region.limit(region.len().saturating_sub(6)).map_err(|_| Cause::LinkShort)?;
                }
                Ok(without_ip(other, region, packet))
            }
        }
    }

    /// An Ethernet frame within a packet.
    pub(super) fn ethernet_within(&mut self, region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        if depth >= MAX_NESTING {
            return Err(Cause::TunnelDepth);
        }
        self.ethernet(region, packet, depth.saturating_add(1))
    }

    /// IEEE 802.2 LLC behind a length, with SNAP (RFC 1042; 802.1H's bridge-tunnel OUI 00-00-F8 likewise).
    fn llc(&mut self, length: u16, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        region.limit(usize::from(length)).map_err(|_| Cause::LlcLength)?;
        match region.peek::<8>() {
            Some([0xAA, 0xAA, 0x03, a, b, c, d, e]) => {
                region.skip(8).ok_or(Cause::LinkShort)?;
                let kind = u16::from_be_bytes([d, e]);
                let ethernet = matches!([a, b, c], [0, 0, 0] | [0, 0, 0xF8]) && kind >= 0x600;
                if !ethernet {
                    return Ok(without_ip(kind, region, packet));
                }
                if depth >= MAX_NESTING {
                    return Err(Cause::TunnelDepth);
                }
                self.ethertype(kind, region, packet, depth.saturating_add(1))
            }
            _ => {
                let [dsap, ssap] = region.peek().ok_or_else(|| short(&region, Cause::LinkShort))?;
                Ok(without_ip(u16::from_be_bytes([dsap, ssap]), region, packet))
            }
        }
    }

    /// MPLS label stack (RFC 3032), then IP by its version, or Ethernet behind a control word (RFC 4448).
    fn mpls(&mut self, kind: u16, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        for _ in 0..MAX_LABELS {
            let [_, _, third, _] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
            if third & 1 == 0 {
                continue;
            }
            return match region.bytes.first().map(|byte| byte >> 4) {
                Some(4) => self.ip_of(types::IPV4, region, packet, depth),
                Some(6) => self.ip_of(types::IPV6, region, packet, depth),
                Some(0) if region.len() > 18 => {
                    region.skip(4).ok_or(Cause::LinkShort)?;
                    self.ethernet_within(region, packet, depth)
                }
                _ => Ok(without_ip(kind, region, packet)),
            };
        }
        Err(Cause::MplsLabels)
    }

    /// PPPoE session (RFC 2516, section 4).
    fn pppoe(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let [version, code, _, _, a, b] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
        let length = usize::from(u16::from_be_bytes([a, b]));
        if version != 0x11 || code != 0 || region.limit(length).is_err() {
            return Err(Cause::PppoeHeader);
        }
        self.ppp(region, packet, depth)
    }

    /// PPP (RFC 1661), with or without HDLC address and control (RFC 1662), protocol field compressed or not.
    fn ppp(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        if region.peek() == Some([0xFF, 0x03]) {
            region.skip(2).ok_or(Cause::LinkShort)?;
        }
        let whole = region;
        let [first] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
        let protocol = if first & 1 == 1 {
            u16::from(first)
        } else {
            let [second] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
            u16::from_be_bytes([first, second])
        };
        match protocol {
            0x0021 => self.ip_of(types::IPV4, region, packet, depth),
            0x0057 => self.ip_of(types::IPV6, region, packet, depth),
            0x0281 | 0x0283 => self.mpls(types::MPLS, region, packet, depth),
            _ => Ok(without_ip(types::PPP, whole, packet)),
        }
    }

    /// Cisco HDLC: address, control, ethertype.
    fn cisco_hdlc(&mut self, mut region: Region<'_>, packet: &mut Packet) -> Result {
        let [_, _, a, b] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
        self.ethertype(u16::from_be_bytes([a, b]), region, packet, 0)
    }

    /// BSD loopback: the address family in the byte order of whoever captured (0), or of the network (108).
    fn loopback(&mut self, mut region: Region<'_>, packet: &mut Packet) -> Result {
        let family: [u8; 4] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
        match u32::from_be_bytes(family).min(u32::from_le_bytes(family)) {
            2 => self.ip_of(types::IPV4, region, packet, 0),
            10 | 24 | 28 | 30 => self.ip_of(types::IPV6, region, packet, 0), // Linux, OpenBSD and NetBSD, FreeBSD, macOS
            _ => Err(Cause::LoopbackFamily),
        }
    }

    /// Linux cooked capture: packet type, ARPHRD, address length, address, protocol.
    fn cooked_v1(&mut self, mut region: Region<'_>, packet: &mut Packet) -> Result {
        let header: [u8; 16] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
        let [_, _, h, w, l, k, a, b, c, d, e, f, _, _, p, q] = header;
        packet.l2.source = cooked_mac(u16::from_be_bytes([l, k]), [a, b, c, d, e, f]);
        self.cooked(u16::from_be_bytes([h, w]), u16::from_be_bytes([p, q]), region, packet)
    }

    /// Linux cooked capture v2: protocol, reserved, interface, ARPHRD, packet type, address length, address.
    fn cooked_v2(&mut self, mut region: Region<'_>, packet: &mut Packet) -> Result {
        let header: [u8; 20] = region.take().ok_or_else(|| short(&region, Cause::LinkShort))?;
        let [p, q, _, _, _, _, _, i, h, w, _, l, a, b, c, d, e, f, _, _] = header;
        packet.l2.source = cooked_mac(u16::from(l), [a, b, c, d, e, f]);
        if packet.interface == 0 {
            packet.interface = u16::from(i); // "any" captures know interfaces only here
        }
        self.cooked(u16::from_be_bytes([h, w]), u16::from_be_bytes([p, q]), region, packet)
    }

    /// The protocol of a cooked header is an ethertype, unless it is one of Linux's own (1: 802.3 without LLC, 4: 802.2).
    fn cooked(&mut self, hardware: u16, protocol: u16, region: Region<'_>, packet: &mut Packet) -> Result {
        match (hardware, protocol) {
            (778, _) => self.ethertype(types::IPV4, region, packet, 0), // ARPHRD_IPGRE captures start at the outer header
            (_, 4) => {
                let length = u16::try_from(region.wire_len().min(1500)).unwrap_or(1500);
                self.llc(length, region, packet, 0)
            }
            (_, protocol) if protocol < 0x600 => Ok(without_ip(protocol, region, packet)),
            (_, protocol) => self.ethertype(protocol, region, packet, 0),
        }
    }
}

/// The six bytes of a cooked header's address, where it is an Ethernet one.
fn cooked_mac(length: u16, address: Mac) -> Mac {
    if length == 6 { address } else { [0; 6] }
}

/// The preamble of an IEEE 802.3br mPacket: only those that start a frame can be decoded.
fn mpacket(region: &mut Region<'_>) -> std::result::Result<(), Cause> {
    let [.., delimiter] = region.take::<8>().ok_or_else(|| short(region, Cause::LinkShort))?;
    match delimiter {
        0xD5 | 0xE6 | 0x4C | 0x7F | 0xB3 => Ok(()), // SMD-E and SMD-S0 to S3
        _ => Err(Cause::MpacketFragment),
    }
}

/// Keeps the first two VLAN tags.
#[inline]
fn keep_tag(packet: &mut Packet, id: u16) {
    let vlan = &mut packet.l2.vlan;
    if let Some(place) = vlan.ids.get_mut(usize::from(vlan.count)) {
        *place = id;
        vlan.count = vlan.count.saturating_add(1);
    }
}

/// The redundancy control trailer of PRP (IEC 62439-3, 4.1.9): sequence, LAN (A or B) with the size from the ethertype's
/// payload to the frame's end, suffix 0x88FB. The size must fit, so that data that happens to end so is not taken for one.
#[cold]
fn prp_trailer(region: &Region<'_>, packet: &mut Packet) -> bool {
    let Some([a, b, c, d, _, _]) = region.bytes.last_chunk::<6>() else { return false };
    let size = usize::from(u16::from_be_bytes([*c, *d]) & 0x0FFF);
    let found = matches!(c >> 4, 0xA | 0xB) && size == region.len() && !region.cut();
    if found {
        packet.redundancy = redundancy::PRP | u32::from(u16::from_be_bytes([*a, *b]));
    }
    found
}

/// A packet without IP: its addresses are the MACs.
pub(super) fn without_ip(kind: u16, region: Region<'_>, packet: &mut Packet) -> Step {
    let (source, destination) = (Address::mac(packet.l2.source), Address::mac(packet.l2.destination));
    packet.source = source.bits;
    packet.destination = destination.bits;
    packet.net = source.net;
    packet.transport = Transport::Ether;
    packet.protocol = kind;
    packet.network = region.span();
    packet.payload = region.span();
    packet.payload_missing = region.missing;
    if region.cut() {
        packet.marks |= marks::CUT;
    }
    Step::Done
}
