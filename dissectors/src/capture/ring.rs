//! What stands in a block of the kernel's ring: frames with their times, and the VLAN tags that the kernel took off, put back.

use std::mem::{offset_of, size_of};

use super::sink::{Shape, Sink, add, offset_of as span_of, wide};
use crate::packet::Span;

/// Bytes of a block of the ring. One is copied at a time, so this is also the piece that the engine works on.
pub(super) const BLOCK: usize = 256 * 1024;
/// After so long the kernel hands over a block that is not full.
pub(super) const RETIRE_MS: u32 = 8;

/// A frame's header in the ring.
const HEADER: usize = size_of::<libc::tpacket3_hdr>();
/// Where a block's header says where its first frame is, and how many there are.
const FIRST: usize = offset_of!(libc::tpacket_block_desc, hdr) + offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt);
const COUNT: usize = offset_of!(libc::tpacket_block_desc, hdr) + offset_of!(libc::tpacket_hdr_v1, num_pkts);
/// Where a frame's header says what its tag was.
const TAG: usize = offset_of!(libc::tpacket3_hdr, hv1) + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tci);
const TAG_TYPE: usize = offset_of!(libc::tpacket3_hdr, hv1) + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tpid);

/// The tag's type where the kernel does not say it.
const VLAN: u16 = 0x8100;
/// Bytes of the two MAC addresses, which stand before a tag.
const ADDRESSES: usize = 12;

/// What is the same for all frames of an interface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    /// Link type as pcap numbers it.
    pub(super) link: u16,
    /// Number of the interface, from 0.
    pub(super) interface: u16,
}

/// Gives all frames of a copied block to the sink; gives the bytes that they have together. A block that contradicts itself ends early.
pub(super) fn frames(bytes: &mut [u8], origin: Origin, sink: &mut Sink<'_>) -> u64 {
    let mut total = 0_u64;
    let mut at = wide(u32_at(bytes, FIRST));
    for _ in 0..u32_at(bytes, COUNT) {
        let Some(header) = bytes.get(at..).and_then(|rest| rest.first_chunk::<HEADER>()) else { break };
        let next = wide(u32_at(header, offset_of!(libc::tpacket3_hdr, tp_next_offset)));
        let seconds = u64::from(u32_at(header, offset_of!(libc::tpacket3_hdr, tp_sec)));
        let rest = u64::from(u32_at(header, offset_of!(libc::tpacket3_hdr, tp_nsec)));
        let time = seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        let mut length = wide(u32_at(header, offset_of!(libc::tpacket3_hdr, tp_snaplen)));
        let mut wire_len = u32_at(header, offset_of!(libc::tpacket3_hdr, tp_len));
        let mut start = add(at, usize::from(u16_at(header, offset_of!(libc::tpacket3_hdr, tp_mac))));
        if let Some(tag) = tag_of(header)
            && put_back(bytes, start, length, tag).is_some()
        {
            start = start.saturating_sub(4);
            length = add(length, 4);
            wire_len = wire_len.saturating_add(4);
        }
        length = length.min(bytes.len().saturating_sub(start));
        total = total.saturating_add(u64::try_from(length).unwrap_or_default());
        let span = Span { start: span_of(start), len: span_of(length) };
        let Origin { link, interface } = origin;
        sink.frame(bytes, time, span, Shape { wire_len: wire_len.max(span.len), link, interface });
        if next == 0 {
            break;
        }
        at = add(at, next);
    }
    total
}

/// The tag that the kernel took off: its type and what it holds.
#[inline]
fn tag_of(header: &[u8; HEADER]) -> Option<[u8; 4]> {
    let status = u32_at(header, offset_of!(libc::tpacket3_hdr, tp_status));
    if status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    let known = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
    let kind = if known { u16_at(header, TAG_TYPE) } else { VLAN };
    let held = u16::try_from(u32_at(header, TAG) & 0xFFFF).unwrap_or_default();
    let ([a, b], [c, d]) = (kind.to_be_bytes(), held.to_be_bytes());
    Some([a, b, c, d])
}

/// Moves the MAC addresses forward by four bytes, over the end of the ring's header, and puts the tag behind them.
fn put_back(bytes: &mut [u8], start: usize, length: usize, tag: [u8; 4]) -> Option<()> {
    let before = start.checked_sub(4)?;
    let room = bytes.get_mut(before..add(start, ADDRESSES)).filter(|_| length >= ADDRESSES)?;
    room.copy_within(4.., 0);
    *room.last_chunk_mut::<4>()? = tag;
    Some(())
}

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |number| u32::from_ne_bytes(*number))
}

#[inline]
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |number| u16::from_ne_bytes(*number))
}
