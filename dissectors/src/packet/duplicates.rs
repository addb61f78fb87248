//! Frames that a mirror shows twice (DESIGN.md, section 2.3).
//!
//! Two frames are the same when a keyed hash over all that no switch or router changes is the same: the network packet without
//! TTL and header checksum, and the tunnel it came through; without IP the MACs, the ethertype and what follows. The later one
//! is a twin only with evidence; else it is kept and marked. The window is a ring in order of arrival with chains through it,
//! so that what is remembered never depends on the key.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::SeedableRandomState;

use super::twin::{Twin, Verdict, Way, spread};
use super::{Packet, marks, redundancy};
use crate::address::Net;

/// How far apart twins may be, ns of capture time.
pub const WINDOW: u64 = 50_000_000;
/// Frames that the window may hold; beyond them the oldest is forgotten early, and counted.
pub const MAX_FRAMES: usize = 1 << 16;
/// Equal frames within the window that are looked at; with more, all further ones are kept and marked.
const MAX_EQUAL: usize = 32;
/// Frames that the window has room for at first.
const FIRST_FRAMES: usize = 1 << 7;
/// Senders whose IP identification is followed, a power of two. Two that share a place displace each other, which costs
/// evidence and never a frame.
const SENDERS: usize = 1 << 14;

/// A frame in the window.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    hash: u64,
    time: u64,
    /// The frame before it in its chain.
    before: u32,
    /// The frame that it is a twin of; itself where it is none.
    origin: u32,
    redundancy: u32,
    way: Way,
}

/// The last two distinct frames of a sender.
#[derive(Debug, Clone, Copy, Default)]
struct Sender {
    /// Tunnel and IPv4 address.
    key: u64,
    /// Part of the last frame's hash.
    hash: u32,
    last: u16,
    before: u16,
}

/// Equal frames found in the window.
struct Equals {
    /// Those that are no twins, newest first.
    originals: [u32; MAX_EQUAL],
    count: usize,
    /// How many came the same way as the frame in question.
    same_way: usize,
    evidence: Option<Twin>,
    sequence: bool,
    full: bool,
}

/// The window of frames seen last.
#[derive(Debug)]
pub struct Duplicates {
    state: SeedableRandomState,
    ring: Vec<Seen>,
    /// The newest frame of each chain, by hash.
    heads: Vec<u32>,
    /// Number of the next frame, and of the oldest in the window; both wrap.
    next: u32,
    oldest: u32,
    senders: Vec<Sender>,
    counts: [u64; 8],
    suspected: u64,
    forgotten: u64,
}

impl Default for Duplicates {
    fn default() -> Self {
        Duplicates {
            state: crate::stream::state().clone(),
            ring: vec![Seen::default(); FIRST_FRAMES],
            heads: vec![0; FIRST_FRAMES],
            next: 1,
            oldest: 1,
            senders: vec![Sender::default(); SENDERS],
            counts: [0; 8],
            suspected: 0,
            forgotten: 0,
        }
    }
}

impl Duplicates {
    /// Looks whether a frame was seen already, counts it, and marks it where that is only suspected. `bytes` is the block's buffer.
    #[inline]
    pub fn check(&mut self, packet: &mut Packet, bytes: &[u8]) -> Verdict {
        let hash = self.hash(packet, bytes);
        let way = Way::of(packet);
        self.expire(packet.at.time);
        let mask = self.ring.len().wrapping_sub(1);
        let head = self.heads.get(hash as usize & mask).copied().unwrap_or_default();
        if self.age(head) <= self.live()
            && let Some(equals) = self.equals(head, hash, &way, packet)
        {
            return self.judge(&equals, hash, way, packet);
        }
        self.remember_sender(hash, packet);
        self.push(hash, way, packet, None);
        Verdict::Keep
    }

    /// Keyed hash over what stays the same on every way.
    #[inline]
    fn hash(&self, packet: &Packet, bytes: &[u8]) -> u64 {
        let mut hasher = self.state.build_hasher();
        let network = packet.network.of(bytes);
        let kind = u64::from(packet.tunnel) << 32 | u64::from(packet.protocol) << 8 | packet.net as u64;
        match (packet.net, network) {
            (Net::V4, [a, b, c, d, e, f, g, h, _ttl, protocol, _, _, rest @ ..]) => {
                hasher.write_u64(u64::from_ne_bytes([*a, *b, *c, *d, *e, *f, *g, *h]));
                hasher.write_u64(kind ^ u64::from(*protocol) << 24);
                hasher.write(rest);
            }
            (Net::V6, [a, b, c, d, e, f, next, _hops, rest @ ..]) => {
                hasher.write_u64(u64::from_ne_bytes([*a, *b, *c, *d, *e, *f, *next, 0]));
                hasher.write_u64(kind);
                hasher.write(rest);
            }
            (_, rest) => {
                hasher.write_u128(packet.source << 64 | packet.destination);
                hasher.write_u64(kind);
                hasher.write(rest);
            }
        }
        hasher.finish()
    }

    /// How long ago a frame was, in frames; at least 1.
    #[inline]
    fn age(&self, number: u32) -> u32 {
        self.next.wrapping_sub(number)
    }

    /// Frames in the window.
    #[inline]
    fn live(&self) -> u32 {
        self.next.wrapping_sub(self.oldest)
    }

    #[inline]
    fn at(&self, number: u32) -> Option<&Seen> {
        self.ring.get(number as usize & self.ring.len().wrapping_sub(1))
    }

    /// Forgets what is too far from now, in either direction: clocks jump.
    #[inline]
    fn expire(&mut self, now: u64) {
        while self.oldest != self.next && self.at(self.oldest).is_some_and(|seen| now.abs_diff(seen.time) > WINDOW) {
            self.oldest = self.oldest.wrapping_add(1);
        }
    }

    /// Goes down a chain for equal frames; `None` where there is none.
    #[inline]
    fn equals(&self, head: u32, hash: u64, way: &Way, packet: &Packet) -> Option<Equals> {
        let live = self.live();
        let (mut number, mut age) = (head, 0);
        loop {
            // Ages only grow along a chain; a number of a frame long gone ends it.
            let next_age = self.age(number);
            if next_age <= age || next_age > live {
                return None;
            }
            let seen = self.at(number)?;
            if seen.hash == hash {
                return self.collect(number, hash, way, packet);
            }
            (number, age) = (seen.before, next_age);
        }
    }

    /// The equal frames from the first one found on.
    #[cold]
    fn collect(&self, first: u32, hash: u64, way: &Way, packet: &Packet) -> Option<Equals> {
        let mut equals =
            Equals { originals: [0; MAX_EQUAL], count: 0, same_way: 0, evidence: None, sequence: false, full: false };
        let live = self.live();
        let (mut number, mut age, mut found) = (first, 0, 0_usize);
        while self.age(number) > age && self.age(number) <= live {
            let Some(seen) = self.at(number) else { break };
            let near = packet.at.time.abs_diff(seen.time) <= WINDOW;
            if seen.hash == hash && near && !other_sequence(seen.redundancy, packet.redundancy) {
                if found >= MAX_EQUAL {
                    equals.full = true;
                    break;
                }
                found = found.saturating_add(1);
                equals.note(number, seen, way, packet.redundancy, self.age(seen.origin) <= live);
            }
            age = self.age(number);
            number = seen.before;
        }
        (found > 0).then_some(equals)
    }

    /// Decides on a frame whose equals are in the window.
    #[cold]
    fn judge(&mut self, equals: &Equals, hash: u64, way: Way, packet: &mut Packet) -> Verdict {
        let sequence =
            equals.sequence.then_some(if packet.redundancy & redundancy::HSR != 0 { Twin::Hsr } else { Twin::Prp });
        // Each original has one view per way: there is one left that this frame can be a view of.
        let view = if equals.count > equals.same_way { equals.evidence } else { None };
        let repeated = self.counts_identification(packet).then_some(Twin::IpId);
        let twin = if equals.full { sequence } else { sequence.or(view).or(repeated) };
        match twin {
            Some(twin) => {
                if let Some(count) = self.counts.get_mut(twin as usize) {
                    *count = count.saturating_add(1);
                }
                let oldest = equals.count.saturating_sub(1).saturating_sub(equals.same_way);
                let origin = equals.originals.get(oldest).copied().filter(|_| equals.count > 0);
                self.push(hash, way, packet, origin);
                Verdict::Twin(twin)
            }
            None => {
                self.suspected = self.suspected.saturating_add(1);
                packet.marks |= marks::SUSPECTED_DUPLICATE;
                self.push(hash, way, packet, None);
                Verdict::Keep
            }
        }
    }

    /// The place of a sender's record, and its key.
    #[inline]
    fn sender(packet: &Packet) -> (usize, u64) {
        let key = u64::from(packet.tunnel) << 32 | (packet.source as u64 & 0xFFFF_FFFF);
        ((spread(key) >> 50) as usize & SENDERS.wrapping_sub(1), key)
    }

    /// Notes a distinct frame of its sender.
    #[inline]
    fn remember_sender(&mut self, hash: u64, packet: &Packet) {
        if packet.net != Net::V4 {
            return;
        }
        let (place, key) = Self::sender(packet);
        let (hash, id) = (hash as u32, packet.ip_id);
        let Some(sender) = self.senders.get_mut(place) else { return };
        if sender.key != key {
            *sender = Sender { key, hash, last: id, before: id };
        } else if sender.hash != hash {
            *sender = Sender { key, hash, last: id, before: sender.last };
        }
    }

    /// Whether an equal IP identification says something: it is not zero, and the sender's last two distinct frames differed in it.
    fn counts_identification(&self, packet: &Packet) -> bool {
        let (place, key) = Self::sender(packet);
        let sender = self.senders.get(place).copied().unwrap_or_default();
        packet.net == Net::V4 && packet.ip_id != 0 && sender.key == key && sender.last != sender.before
    }

    /// Remembers a frame.
    #[inline]
    fn push(&mut self, hash: u64, way: Way, packet: &Packet, origin: Option<u32>) {
        if self.live() as usize >= self.ring.len() {
            self.make_room();
        }
        let mask = self.ring.len().wrapping_sub(1);
        let number = self.next;
        let Some(head) = self.heads.get_mut(hash as usize & mask) else { return };
        let before = std::mem::replace(head, number);
        if let Some(place) = self.ring.get_mut(number as usize & mask) {
            *place = Seen {
                hash,
                time: packet.at.time,
                before,
                origin: origin.unwrap_or(number),
                redundancy: packet.redundancy,
                way,
            };
        }
        self.next = number.wrapping_add(1);
    }

    /// Doubles the window up to its ceiling; there the oldest frame goes.
    #[cold]
    fn make_room(&mut self) {
        let size = self.ring.len();
        if size >= MAX_FRAMES {
            self.oldest = self.oldest.wrapping_add(1);
            self.forgotten = self.forgotten.saturating_add(1);
            return;
        }
        let old = std::mem::replace(&mut self.ring, vec![Seen::default(); size.saturating_mul(2)]);
        self.heads = vec![self.oldest.wrapping_sub(1); size.saturating_mul(2)];
        let mask = self.ring.len().wrapping_sub(1);
        let mut number = self.oldest;
        while number != self.next {
            let seen = old.get(number as usize & size.wrapping_sub(1)).copied().unwrap_or_default();
            if let Some(head) = self.heads.get_mut(seen.hash as usize & mask)
                && let Some(place) = self.ring.get_mut(number as usize & mask)
            {
                *place = Seen { before: std::mem::replace(head, number), ..seen };
            }
            number = number.wrapping_add(1);
        }
    }

    /// Dropped twins by the name of what showed it; only what was met.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Twin::ALL.into_iter().zip(self.counts).map(|(twin, count)| (twin.name(), count)).filter(|(_, count)| *count > 0)
    }

    /// Frames kept and marked as suspected.
    pub fn suspected(&self) -> u64 {
        self.suspected
    }

    /// Frames that left the window early because it was full ([`MAX_FRAMES`]).
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

impl Equals {
    /// Takes in one equal frame; `alive` says that the original it belongs to is still in the window.
    fn note(&mut self, number: u32, seen: &Seen, way: &Way, redundancy: u32, alive: bool) {
        if seen.origin == number {
            if let Some(place) = self.originals.get_mut(self.count) {
                *place = number;
            }
            self.count = self.count.saturating_add(1);
        }
        self.sequence |= redundancy != 0 && seen.redundancy == redundancy;
        match seen.way.evidence(way) {
            None if alive => self.same_way = self.same_way.saturating_add(1),
            Some(difference) if seen.origin == number => self.evidence = self.evidence.or(Some(difference)),
            _ => {}
        }
    }
}

/// Whether both frames have a sequence number of the same redundancy protocol, and not the same one: different frames.
fn other_sequence(one: u32, other: u32) -> bool {
    one != other && one != 0 && other != 0 && one >> 16 == other >> 16
}
