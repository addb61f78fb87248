//! What is kept of one direction of a connection.

use std::hash::{BuildHasher, Hasher};

use crate::stream::key::state;
use crate::stream::waiting::ahead;

/// A fingerprint covers a segment up to twice this length whole, of a longer one so much at each end.
const FINGERPRINT: usize = 128;

/// Bits of [`Half::flags`].
pub(super) mod known {
    /// `next` is known (perhaps only from what the other side acknowledges).
    pub(in crate::stream::tcp) const NEXT: u8 = 1;
    /// A segment of this side was seen.
    pub(in crate::stream::tcp) const SEEN: u8 = 1 << 1;
    /// SYN, data or FIN of this side was seen: `next` is exact.
    pub(in crate::stream::tcp) const ANCHORED: u8 = 1 << 2;
    /// The SYN was seen; `start` is its sequence number.
    pub(in crate::stream::tcp) const SYN: u8 = 1 << 3;
    /// The stream has ended.
    pub(in crate::stream::tcp) const FIN: u8 = 1 << 4;
    /// `claimed` holds.
    pub(in crate::stream::tcp) const CLAIMED: u8 = 1 << 5;
    /// Acknowledged bytes of this side did not come in time: `waived` and `absent` hold.
    pub(in crate::stream::tcp) const WAIVED: u8 = 1 << 6;
    /// A wrong checksum was seen: look at every segment's until it is clear whether that is the rule.
    pub(in crate::stream::tcp) const JUDGING: u8 = 1 << 7;
}

/// One direction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Half {
    /// Sequence number of the next byte.
    pub(super) next: u32,
    /// Sequence number of the SYN, or of the first byte known.
    pub(super) start: u32,
    /// The other side acknowledges up to here, beyond `next`.
    pub(super) claimed: u32,
    /// Up to here bytes that did not come in time are not waited for.
    pub(super) waived: u32,
    /// The last segment delivered, for telling retransmissions that differ: where, how long, what.
    pub(super) last_seq: u32,
    pub(super) last_print: u32,
    pub(super) last_len: u16,
    pub(super) checked: u8,
    pub(super) wrong: u8,
    /// Times in a row that bytes of this side did not come in time.
    pub(super) absent: u8,
    pub(super) flags: u8,
}

impl Half {
    #[inline]
    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Moves on to `next`.
    #[inline]
    pub(super) fn move_to(&mut self, next: u32) {
        self.next = next;
        self.flags |= known::ANCHORED;
        if self.is(known::CLAIMED) && ahead(next, self.claimed) >= 0 {
            self.flags &= !(known::CLAIMED | known::WAIVED);
        }
    }

    #[inline]
    pub(super) fn remember(&mut self, seq: u32, bytes: &[u8]) {
        self.last_seq = seq;
        self.last_len = u16::try_from(bytes.len()).unwrap_or(0);
        self.last_print = fingerprint(bytes);
    }
}

/// 32 bits of a segment's bytes, keyed.
#[inline]
pub(super) fn fingerprint(bytes: &[u8]) -> u32 {
    let mut hasher = state().build_hasher();
    match (bytes.get(..FINGERPRINT), bytes.len().checked_sub(FINGERPRINT).and_then(|tail| bytes.get(tail..))) {
        (Some(head), Some(tail)) if bytes.len() > 2 * FINGERPRINT => {
            hasher.write(head);
            hasher.write(tail);
        }
        _ => hasher.write(bytes),
    }
    (hasher.finish() >> 32) as u32
}
