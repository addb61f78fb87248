//! Tunnels: GRE (RFC 2784, 2890) with NVGRE (RFC 7637) and ERSPAN I to III, VXLAN (RFC 7348), Geneve (RFC 8926), IP in IP
//! (RFC 2003, RFC 2473, RFC 4213). Each gets a number that is the same for both of its directions.

use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;

use super::decoder::{Decoder, MAX_NESTING, Result, Step};
use super::ip::protocol as numbers;
use super::link::{ethertype as types, short};
use super::region::Region;
use super::transport::plain;
use super::{Cause, Packet};
use crate::address::Address;

/// Tunnels that are told apart. Further ones share one number ([`TunnelKind::Overflow`]) and are counted.
pub const MAX_TUNNELS: u32 = 4096;

/// The least GRE key that is an NVGRE subnet id (RFC 7637, section 3.2 reserves those below 0x1000) with a flow id behind it.
const NVGRE_LEAST_KEY: u32 = 0x1000 << 8;

/// GRE protocol types of ERSPAN II (and I) and III.
const ERSPAN_II: u16 = 0x88BE;
const ERSPAN_III: u16 = 0x22EB;

/// What kind of tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum TunnelKind {
    #[default]
    Gre,
    Nvgre,
    Erspan1,
    Erspan2,
    Erspan3,
    Vxlan,
    Geneve,
    Ipv4In,
    Ipv6In,
    /// All tunnels beyond [`MAX_TUNNELS`].
    Overflow,
}

impl TunnelKind {
    /// The word for it in outputs.
    pub fn name(self) -> &'static str {
        match self {
            TunnelKind::Gre => "gre",
            TunnelKind::Nvgre => "nvgre",
            TunnelKind::Erspan1 => "erspan1",
            TunnelKind::Erspan2 => "erspan2",
            TunnelKind::Erspan3 => "erspan3",
            TunnelKind::Vxlan => "vxlan",
            TunnelKind::Geneve => "geneve",
            TunnelKind::Ipv4In => "ipv4_in_ip",
            TunnelKind::Ipv6In => "ipv6_in_ip",
            TunnelKind::Overflow => "overflow",
        }
    }
}

/// A tunnel: what is the same in every packet of it, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TunnelInfo {
    /// Kind.
    pub kind: TunnelKind,
    /// The lower outer address.
    pub a: Address,
    /// The higher outer address.
    pub b: Address,
    /// GRE key, NVGRE or VXLAN or Geneve network identifier, ERSPAN session; 0 without one.
    pub key: u32,
    /// Number of the tunnel around it, 0 for none.
    pub outer: u32,
}

/// The tunnels met so far, numbered from 1 in the order of their first packet.
#[derive(Debug)]
pub(super) struct Tunnels {
    numbers: HashMap<TunnelInfo, u32, SeedableRandomState>,
    known: Vec<TunnelInfo>,
    refused: u64,
}

impl Default for Tunnels {
    fn default() -> Self {
        Tunnels { numbers: HashMap::with_hasher(crate::stream::state().clone()), known: Vec::new(), refused: 0 }
    }
}

impl Tunnels {
    /// The number of a tunnel; packets that had to share the last one are counted.
    fn number(&mut self, info: TunnelInfo) -> u32 {
        if let Some(number) = self.numbers.get(&info) {
            return *number;
        }
        let number = u32::try_from(self.known.len()).unwrap_or(MAX_TUNNELS).saturating_add(1);
        if number > MAX_TUNNELS {
            self.refused = self.refused.saturating_add(1);
            return MAX_TUNNELS.saturating_add(1);
        }
        self.known.push(info);
        self.numbers.insert(info, number);
        number
    }

    pub(super) fn get(&self, number: u32) -> Option<&TunnelInfo> {
        static OVERFLOW: TunnelInfo = TunnelInfo {
            kind: TunnelKind::Overflow,
            a: Address { bits: 0, net: crate::address::Net::Mac },
            b: Address { bits: 0, net: crate::address::Net::Mac },
            key: 0,
            outer: 0,
        };
        if number > MAX_TUNNELS && self.refused > 0 {
            return Some(&OVERFLOW);
        }
        self.known.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}

/// The flags and optional fields of a GRE header.
struct Gre {
    protocol: u16,
    key: u32,
    sequenced: bool,
}

impl Decoder {
    /// Enters a tunnel: from here on the packet belongs to it.
    fn enter(&mut self, kind: TunnelKind, key: u32, packet: &mut Packet, depth: u8) -> std::result::Result<u8, Cause> {
        if depth >= MAX_NESTING {
            return Err(Cause::TunnelDepth);
        }
        let (from, to) = (packet.source_address(), packet.destination_address());
        let (a, b) = if (from.bits, from.net) <= (to.bits, to.net) { (from, to) } else { (to, from) };
        packet.tunnel = self.tunnels.number(TunnelInfo { kind, a, b, key, outer: packet.tunnel });
        packet.source_port = 0;
        packet.destination_port = 0;
        Ok(depth.saturating_add(1))
    }

    /// IPv4 or IPv6 in IP.
    pub(super) fn ip_within(&mut self, next: u8, region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let four = next == numbers::IPV4;
        let kind = if four { TunnelKind::Ipv4In } else { TunnelKind::Ipv6In };
        let depth = self.enter(kind, 0, packet, depth)?;
        self.ip_of(if four { types::IPV4 } else { types::IPV6 }, region, packet, depth)
    }

    /// GRE. Other versions and source routes are passed on as IP protocol 47.
    pub(super) fn gre(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let whole = region;
        let Some(header) = gre_header(&mut region)? else { return Ok(plain(numbers::GRE, whole, packet)) };
        match header.protocol {
            ERSPAN_II | ERSPAN_III => self.erspan(&header, region, packet, depth),
            types::TRANSPARENT_ETHERNET if header.key >= NVGRE_LEAST_KEY => {
                let depth = self.enter(TunnelKind::Nvgre, header.key >> 8, packet, depth)?;
                self.ethernet(region, packet, depth)
            }
            types::TRANSPARENT_ETHERNET => {
                let depth = self.enter(TunnelKind::Gre, header.key, packet, depth)?;
                self.ethernet(region, packet, depth)
            }
            protocol if protocol < 0x600 => Ok(plain(numbers::GRE, whole, packet)), // keep-alives and the like
            protocol => {
                let depth = self.enter(TunnelKind::Gre, header.key, packet, depth)?;
                self.ethertype(protocol, region, packet, depth)
            }
        }
    }

    /// ERSPAN: type I has no header and no GRE sequence number, II has 8 bytes, III has 12 and may have 8 more.
    fn erspan(&mut self, gre: &Gre, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let (kind, session) = if gre.protocol == ERSPAN_II && !gre.sequenced {
            (TunnelKind::Erspan1, gre.key)
        } else {
            let [_, _, a, b] = region.peek().ok_or_else(|| short(&region, Cause::ErspanHeader))?;
            let session = u32::from(u16::from_be_bytes([a, b]) & 0x03FF);
            let second = gre.protocol == ERSPAN_II;
            let more = !second && region.bytes.get(11).is_some_and(|flags| flags & 1 == 1);
            let length = if second { 8 } else { 12 + if more { 8 } else { 0 } };
            region.skip(length).ok_or_else(|| short(&region, Cause::ErspanHeader))?;
            (if second { TunnelKind::Erspan2 } else { TunnelKind::Erspan3 }, session)
        };
        let depth = self.enter(kind, session, packet, depth)?;
        self.ethernet(region, packet, depth)
    }

    /// VXLAN. Only the port says that it is one: what does not decode stays the UDP packet it is.
    pub(super) fn vxlan(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let Some([flags, _, _, _, a, b, c, _]) = region.take() else { return Ok(Step::Done) };
        if flags & 0x08 == 0 {
            return Ok(Step::Done);
        }
        let network = u32::from_be_bytes([0, a, b, c]);
        self.over_udp(TunnelKind::Vxlan, network, (types::TRANSPARENT_ETHERNET, region), packet, depth)
    }

    /// VXLAN with a generic protocol extension (draft-ietf-nvo3-vxlan-gpe), likewise: the header says what it carries.
    pub(super) fn vxlan_gpe(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let Some([flags, _, _, next, a, b, c, _]) = region.take() else { return Ok(Step::Done) };
        let kind = match next {
            1 => types::IPV4,
            2 => types::IPV6,
            3 => types::TRANSPARENT_ETHERNET,
            _ => return Ok(Step::Done),
        };
        if flags & 0x0C != 0x0C {
            return Ok(Step::Done);
        }
        self.over_udp(TunnelKind::Vxlan, u32::from_be_bytes([0, a, b, c]), (kind, region), packet, depth)
    }

    /// Geneve, likewise.
    pub(super) fn geneve(&mut self, mut region: Region<'_>, packet: &mut Packet, depth: u8) -> Result {
        let Some([first, _, p, q, a, b, c, _]) = region.take() else { return Ok(Step::Done) };
        let options = usize::from(first & 0x3F).saturating_mul(4);
        if first >> 6 != 0 || region.skip(options).is_none() {
            return Ok(Step::Done);
        }
        let network = u32::from_be_bytes([0, a, b, c]);
        self.over_udp(TunnelKind::Geneve, network, (u16::from_be_bytes([p, q]), region), packet, depth)
    }

    fn over_udp(
        &mut self,
        kind: TunnelKind,
        network: u32,
        (ethertype, region): (u16, Region<'_>),
        packet: &mut Packet,
        depth: u8,
    ) -> Result {
        let outer = *packet;
        let depth = self.enter(kind, network, packet, depth)?;
        let step = match ethertype {
            types::TRANSPARENT_ETHERNET => self.ethernet(region, packet, depth),
            other => self.ethertype(other, region, packet, depth),
        };
        match step {
            Ok(step) => Ok(step),
            Err(_) => {
                *packet = outer;
                Ok(Step::Done)
            }
        }
    }
}

/// Reads a GRE header; `None` for a version or a routing field that this decoder does not follow.
fn gre_header(region: &mut Region<'_>) -> std::result::Result<Option<Gre>, Cause> {
    let [flags, version, a, b] = region.take().ok_or_else(|| short(region, Cause::GreHeader))?;
    if version & 7 != 0 || flags & 0x40 != 0 {
        return Ok(None);
    }
    let mut optional = |present: bool| -> std::result::Result<u32, Cause> {
        if !present {
            return Ok(0);
        }
        region.take().map(u32::from_be_bytes).ok_or_else(|| short(region, Cause::GreHeader))
    };
    optional(flags & 0x80 != 0)?; // checksum
    let key = optional(flags & 0x20 != 0)?;
    let sequenced = flags & 0x10 != 0;
    optional(sequenced)?;
    Ok(Some(Gre { protocol: u16::from_be_bytes([a, b]), key, sequenced }))
}
