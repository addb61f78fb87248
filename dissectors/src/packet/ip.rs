//! IPv4 (RFC 791) and IPv6 (RFC 8200) with its extension headers; fragments go to [`super::fragment`].

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::datagram::Piece;
use super::decoder::{Decoder, MAX_NESTING, Result, Step};
use super::fragment::Answer;
use super::link::{ethertype, short};
use super::region::Region;
use super::{Cause, Packet, Transport, marks};
use crate::address::Address;

/// IPv6 extension headers (and authentication headers in IPv4) that may follow one another.
const MAX_EXTENSIONS: usize = 8;

/// IP protocol numbers (IANA registry) that lead further.
pub(super) mod protocol {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IPV4: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const IPV6: u8 = 41;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const GRE: u8 = 47;
    pub const AUTHENTICATION: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const NO_NEXT: u8 = 59;
    pub const DESTINATION: u8 = 60;
    pub const MOBILITY: u8 = 135;
    pub const HOST_IDENTITY: u8 = 139;
    pub const SHIM6: u8 = 140;
}

use protocol as numbers;

/// The fragment part of a header: where the piece belongs.
#[derive(Debug, Clone, Copy)]
struct Fragment {
    offset: u32,
    more: bool,
    id: u32,
}

impl Decoder {
    /// IP of either version, by the version in its first byte.
    pub(super) fn ip(&mut self, region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        match region.bytes.first().map(|byte| byte >> 4) {
            Some(4) => self.ipv4(region, packet, depth),
            Some(6) => self.ipv6(region, packet, depth),
            Some(_) => Err(Cause::IpVersion),
            None => Err(short(&region, Cause::IpHeaderShort)),
        }
    }

    /// IP of the version that an ethertype announced.
    #[inline]
    pub(super) fn ip_of(&mut self, kind: u16, region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        match (kind, region.bytes.first().map(|byte| byte >> 4)) {
            (ethertype::IPV4, Some(4)) => self.ipv4(region, packet, depth),
            (ethertype::IPV6, Some(6)) => self.ipv6(region, packet, depth),
            (_, Some(_)) => Err(Cause::IpVersion),
            (_, None) => Err(short(&region, Cause::IpHeaderShort)),
        }
    }

    #[inline]
    fn ipv4(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let header = match Ipv4HeaderSlice::from_slice(region.bytes) {
            Ok(header) => header,
            Err(_) => return Err(short(&region, Cause::IpHeaderShort)),
        };
        let header_len = header.slice().len();
        let total = match usize::from(header.total_len()) {
            0 => region.wire_len(), // segmentation offload on the capturing host leaves it empty
            total => total,
        };
        if total < header_len || region.limit(total).is_err() {
            return Err(Cause::IpLength);
        }
        packet.network = region.span();
        packet.source = Address::v4(header.source()).bits;
        packet.destination = Address::v4(header.destination()).bits;
        packet.net = crate::address::Net::V4;
        packet.ip_id = header.identification();
        packet.ttl = header.ttl();
        let next = header.protocol().0;
        let offset = header.fragments_offset().value();
        let more = header.more_fragments();
        let whole = region;
        region.skip(header_len).ok_or(Cause::IpHeaderShort)?;
        if more || offset > 0 {
            let fragment = Fragment { offset: u32::from(offset) << 3, more, id: u32::from(header.identification()) };
            return self.fragment(fragment, next, (whole, region), packet, depth);
        }
        self.carried(next, region, packet, depth)
    }

    #[inline]
    fn ipv6(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let header = match Ipv6HeaderSlice::from_slice(region.bytes) {
            Ok(header) => header,
            Err(_) => return Err(short(&region, Cause::IpHeaderShort)),
        };
        let next = header.next_header().0;
        let total = match usize::from(header.payload_length()) {
            0 if next != numbers::NO_NEXT => region.wire_len(), // jumbogram (RFC 2675), or segmentation offload
            payload => payload.saturating_add(40),
        };
        region.limit(total).map_err(|_| Cause::IpLength)?;
        packet.network = region.span();
        packet.source = Address::v6(header.source()).bits;
        packet.destination = Address::v6(header.destination()).bits;
        packet.net = crate::address::Net::V6;
        packet.ip_id = 0;
        packet.ttl = header.hop_limit();
        let whole = region;
        region.skip(40).ok_or(Cause::IpHeaderShort)?;
        match next {
            numbers::TCP | numbers::UDP | numbers::ICMPV6 => self.carried(next, region, packet, depth),
            _ => self.extensions(next, (whole, region), packet, depth),
        }
    }

    /// Takes off IPv6 extension headers (RFC 8200, section 4) up to the transport or a fragment header.
    fn extensions(
        &mut self,
        mut next: u8,
        (whole, mut region): (Region<'_>, Region<'_>),
        packet: &mut Packet,
        depth: u8,
    ) -> Result {
        for _ in 0..MAX_EXTENSIONS {
            if next == numbers::FRAGMENT {
                let [following, _, a, b, i, j, k, l] = region.take().ok_or_else(|| cut_or(&region))?;
                let bits = u16::from_be_bytes([a, b]);
                let id = u32::from_be_bytes([i, j, k, l]);
                let fragment = Fragment { offset: u32::from(bits & 0xFFF8), more: bits & 1 == 1, id };
                next = following;
                if fragment.more || fragment.offset > 0 {
                    return self.fragment(fragment, next, (whole, region), packet, depth);
                }
                continue; // an atomic fragment (RFC 6946) is a whole datagram
            }
            match extension(next, &mut region)? {
                Some(following) => next = following,
                None => return self.carried(next, region, packet, depth),
            }
        }
        Err(Cause::Ipv6Extensions)
    }

    /// One fragment of a datagram. What the capture cut can't be put together and is passed on alone.
    fn fragment(
        &mut self,
        fragment: Fragment,
        next: u8,
        (whole, data): (Region<'_>, Region<'_>),
        packet: &mut Packet,
        depth: u8,
    ) -> Result {
        if data.cut() {
            packet.marks |= marks::FRAGMENT;
            if fragment.offset == 0 {
                return self.carried(next, data, packet, depth);
            }
            return Ok(later_fragment(next, data, packet));
        }
        if depth >= MAX_NESTING {
            return Err(Cause::TunnelDepth);
        }
        let header_len = whole.len().saturating_sub(data.len());
        let piece = Piece {
            header: whole.bytes.get(..header_len).unwrap_or_default(),
            data: data.bytes,
            offset: fragment.offset,
            more: fragment.more,
            id: fragment.id,
            next,
        };
        match self.fragments.add(&piece, packet) {
            Answer::Waits => Ok(Step::Held),
            Answer::Complete { conflict } => {
                packet.marks |= if conflict { marks::OVERLAP } else { 0 };
                Ok(Step::Rebuilt)
            }
            Answer::Refused(cause) => Err(cause),
        }
    }
}

/// The cause when an extension header is not all there.
fn cut_or(region: &Region<'_>) -> Cause {
    short(region, Cause::Ipv6Extension)
}

/// Takes off one extension header; `None` where the number is not one.
///
/// # Errors
/// [`Cause::Ipv6Extension`] when it is longer than the packet.
pub(super) fn extension(next: u8, region: &mut Region<'_>) -> std::result::Result<Option<u8>, Cause> {
    let unit = match next {
        numbers::HOP_BY_HOP
        | numbers::ROUTING
        | numbers::DESTINATION
        | numbers::MOBILITY
        | numbers::HOST_IDENTITY
        | numbers::SHIM6 => 8_usize,
        numbers::AUTHENTICATION => 4,
        _ => return Ok(None),
    };
    let [following, length] = region.peek().ok_or_else(|| cut_or(region))?;
    // RFC 8200: in units of 8 beyond the first 8; RFC 4302 (AH): in units of 4 minus 2.
    let more = if unit == 8 { usize::from(length).saturating_add(1) } else { usize::from(length).saturating_add(2) };
    region.skip(more.saturating_mul(unit)).ok_or_else(|| cut_or(region))?;
    Ok(Some(following))
}

/// A later fragment alone: no transport header, no ports.
fn later_fragment(next: u8, data: Region<'_>, packet: &mut Packet) -> Step {
    packet.transport = match next {
        numbers::TCP => Transport::Tcp,
        numbers::UDP => Transport::Udp,
        numbers::ICMP | numbers::ICMPV6 => Transport::Icmp,
        _ => Transport::Ip,
    };
    packet.protocol = u16::from(next);
    packet.payload = data.span();
    packet.payload_missing = data.missing;
    packet.marks |= marks::CUT | marks::NO_PORTS;
    Step::Done
}
