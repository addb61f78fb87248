//! From a captured frame to one packet: link, tags, tunnels, IP, fragments, transport; frames that a mirror shows twice.

mod cause;
pub mod checksum;
mod datagram;
mod decoder;
pub mod duplicates;
mod fast;
mod fragment;
mod ip;
mod link;
mod region;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;
mod twin;

use std::hash::{Hash, Hasher};

use crate::address::{Address, Mac, Moment, Net, Side};
use crate::stream::FlowKey;

pub use cause::Cause;
pub use decoder::{Decoded, Decoder};
pub use duplicates::Duplicates;
pub use tunnel::{TunnelInfo, TunnelKind};
pub use twin::{Twin, Verdict};

/// Where bytes lie in a [`Block`]'s buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Span {
    /// The bytes, empty where the span does not fit.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        bytes.get(start..start + self.len as usize).unwrap_or_default()
    }

    /// Offset behind the last byte.
    #[inline]
    pub fn end(self) -> u32 {
        self.start.saturating_add(self.len)
    }
}

/// A frame as the capture gives it, before anything is decoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frame {
    /// Time and number.
    pub at: Moment,
    /// The captured bytes in [`Block::bytes`].
    pub span: Span,
    /// Length on the wire; more than `span.len` when the capture cut it.
    pub wire_len: u32,
    /// Link type as pcap numbers it (`LINKTYPE_…`).
    pub link: u16,
    /// Interface within the capture (pcapng interface id; 0 elsewhere).
    pub interface: u16,
}

/// Link type of what is no frame ([`Frame::silence`]).
pub const SILENCE: u16 = u16::MAX;

impl Frame {
    /// No frame, but the word of a live source that until this time none came. It has no bytes and no number.
    pub fn silence(time: u64, capture: u16) -> Self {
        Frame { at: Moment { time, packet: 0, capture }, link: SILENCE, ..Frame::default() }
    }

    /// Whether it is no frame but the word that none came. (A link type alone says nothing: captures may claim any.)
    #[inline]
    pub fn is_silence(&self) -> bool {
        self.at.packet == 0 && self.link == SILENCE
    }
}

/// A piece of a capture: raw bytes, the frames in them, and (behind the chunk, appended by decoding) datagrams put together
/// from fragments. Blocks are reused; nothing in them is allocated per packet.
#[derive(Debug, Default)]
pub struct Block {
    /// The chunk as read, then what was reassembled.
    pub bytes: Vec<u8>,
    /// The frames of this chunk in order.
    pub frames: Vec<Frame>,
    /// The packets decoded from them, twins left out.
    pub packets: Vec<Packet>,
}

/// The bit of a time that makes it one of silence. No packet of a century that matters has it.
pub const SILENT: u64 = 1 << 63;

/// What carries the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Transport {
    /// No IP: `Packet::protocol` is the ethertype (or 802.2 DSAP/SSAP pair below 0x600).
    #[default]
    Ether = 0,
    /// IP with another transport: `Packet::protocol` is the IP protocol number.
    Ip = 1,
    /// ICMP and ICMPv6.
    Icmp = 2,
    /// TCP.
    Tcp = 6,
    /// UDP.
    Udp = 17,
}

/// TCP flag bits as on the wire.
pub mod tcp_flags {
    #![allow(missing_docs)]
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
}

/// What else is to know of a packet: bits of [`Packet::marks`].
pub mod marks {
    /// The capture cut the frame short: `payload` is what there is, `payload_missing` says how much is not.
    pub const CUT: u16 = 1;
    /// Put together from fragments; `payload` lies behind the chunk.
    pub const REASSEMBLED: u16 = 1 << 1;
    /// Fragments overlapped with different bytes.
    pub const OVERLAP: u16 = 1 << 2;
    /// Same bytes as an earlier frame, but without the evidence of a twin (DESIGN 2.3).
    pub const SUSPECTED_DUPLICATE: u16 = 1 << 3;
    /// A first fragment or header too short to hold ports; ports are 0.
    pub const NO_PORTS: u16 = 1 << 4;
    /// A later IP fragment passed on alone because reassembly gave up: payload is not a transport payload.
    pub const FRAGMENT: u16 = 1 << 5;
    /// A twin of an earlier frame: it goes no further than its flow's ledger.
    pub const TWIN: u16 = 1 << 6;
}

/// Which redundancy protocol (IEC 62439-3) a [`Packet::redundancy`] comes from.
pub mod redundancy {
    /// Parallel redundancy protocol: a trailer.
    pub const PRP: u32 = 1 << 16;
    /// High-availability seamless redundancy: a tag.
    pub const HSR: u32 = 2 << 16;
}

/// At most two VLAN tags, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Vlan {
    /// Number of tags kept (0–2; deeper ones are skipped).
    pub count: u8,
    /// VLAN ids.
    pub ids: [u16; 2],
}

/// The MAC addresses and VLAN a packet came with.
#[derive(Debug, Clone, Copy, Eq, Default)]
pub struct L2 {
    /// Source MAC of the innermost link header (zero where the link has none).
    pub source: Mac,
    /// Destination MAC.
    pub destination: Mac,
    /// VLAN tags.
    pub vlan: Vlan,
}

impl L2 {
    /// All of it in as few numbers as can be.
    #[inline(always)]
    fn words(&self) -> (u64, u32, u32, u8) {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.source, self.destination);
        let Vlan { count, ids: [outer, inner] } = self.vlan;
        let tags = u32::from(outer) << 16 | u32::from(inner);
        (u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u32::from_ne_bytes([i, j, k, l]), tags, count)
    }
}

impl Hash for L2 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words().hash(state);
    }
}

/// Compared for every packet: four numbers instead of fifteen.
impl PartialEq for L2 {
    #[inline(always)]
    fn eq(&self, other: &L2) -> bool {
        let (ours, theirs) = (self.words(), other.words());
        let rest = (ours.1 ^ theirs.1) | (ours.2 ^ theirs.2) | u32::from(ours.3 ^ theirs.3);
        ours.0 == theirs.0 && rest == 0
    }
}

/// Each side's MAC: what it sends from, else what is sent to it. `l2` is of each side's last packet.
#[inline]
pub fn macs(l2: &[L2; 2]) -> [Mac; 2] {
    let [a, b] = l2;
    let of = |own: &L2, other: &L2| if own.source == [0; 6] { other.destination } else { own.source };
    [of(a, b), of(b, a)]
}

/// The tags of a flow: those of the side that has some (SPANs tag one way only).
#[inline]
pub fn vlan(l2: &[L2; 2]) -> Vlan {
    let [a, b] = l2;
    a.vlan.max(b.vlan)
}

/// One decoded packet. Small and `Copy`: everything else stays in the block's bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Packet {
    /// Time and number.
    pub at: Moment,
    /// The whole captured frame.
    pub frame: Span,
    /// The innermost network header and what follows it, to its stated end (without IP: what follows the ethertype).
    pub network: Span,
    /// What the transport carries.
    pub payload: Span,
    /// Bytes of the payload that were on the wire but not captured.
    pub payload_missing: u32,
    /// Frame length on the wire.
    pub wire_len: u32,
    /// Source address bits (family in `net`).
    pub source: u128,
    /// Destination address bits.
    pub destination: u128,
    /// Hash of the flow's key ([`crate::stream::FlowKey`]), the same for both directions ([`Packet::place`]).
    pub hash: u64,
    /// TCP sequence number.
    pub seq: u32,
    /// TCP acknowledgement number.
    pub ack: u32,
    /// Which tunnel it came through: 0 for none, else the decoder's number for (type, outer addresses, key).
    pub tunnel: u32,
    /// Sequence number of IEC 62439-3: 0 for none, else `redundancy::PRP` or `redundancy::HSR` with the number in the low 16 bits.
    pub redundancy: u32,
    /// Source port (ICMP: type·256 + code), 0 without ports.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Ethertype or IP protocol number, see [`Transport`].
    pub protocol: u16,
    /// IPv4 identification, 0 elsewhere.
    pub ip_id: u16,
    /// TCP window.
    pub window: u16,
    /// Bits of [`marks`].
    pub marks: u16,
    /// Interface within the capture.
    pub interface: u16,
    /// TCP flags.
    pub flags: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Address family.
    pub net: Net,
    /// What carries the payload.
    pub transport: Transport,
    /// The sender's side of the flow ([`Packet::place`]).
    pub side: Side,
    /// MACs and VLAN.
    pub l2: L2,
}

impl Packet {
    /// No packet, but the word that none came until then ([`Frame::silence`]): a time that only this can have, and the number 0.
    pub fn silence(at: Moment) -> Self {
        Packet { at: Moment { time: at.time | SILENT, ..at }, ..Packet::default() }
    }

    /// Says which flow it belongs to, and who sent it: the last step, when all else is known.
    #[inline(always)]
    pub fn place(&mut self) {
        let (key, side) = FlowKey::of(self);
        (self.hash, self.side) = (key.hash(), side);
    }

    /// The sender.
    #[inline]
    pub fn source_address(&self) -> Address {
        Address { bits: self.source, net: self.net }
    }

    /// The receiver.
    #[inline]
    pub fn destination_address(&self) -> Address {
        Address { bits: self.destination, net: self.net }
    }
}
