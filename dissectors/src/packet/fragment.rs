//! IP fragments put together (RFC 791, section 3.2; RFC 8200, section 4.5), within ceilings.
//!
//! Where fragments overlap the first one wins, byte by byte; different bytes are a conflict, and the datagram is marked. What is
//! given up is counted in frames, by cause.

use std::collections::{BTreeMap, VecDeque};

use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;

use super::{Cause, Packet, checksum};
use crate::address::Net;

/// Datagrams that may be open at a time; the oldest is given up.
pub const MAX_DATAGRAMS: usize = 1024;
/// Bytes that may wait in all; the oldest is given up.
pub const MAX_BYTES: usize = 4 << 20;
/// Fragments that one datagram may have (65,535 bytes at 576 bytes each are 119).
pub const MAX_FRAGMENTS: u32 = 256;
/// How long a datagram may be incomplete, ns of capture time (RFC 1122, 3.3.2 wants at least 60 s of a host; a sensor that
/// sees every frame needs less).
pub const MAX_AGE: u64 = 30_000_000_000;
/// How long after completion a copy of a fragment is told from a new datagram, ns, and for how many datagrams.
const TWIN_WINDOW: u64 = 50_000_000;
const MAX_COMPLETED: usize = 64;
/// The longest datagram.
const MAX_LENGTH: u32 = 65_535;

/// One fragment as the network header gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// From the network header to the fragment's data.
    pub header: &'a [u8],
    /// The data.
    pub data: &'a [u8],
    /// Where the data belongs in the datagram.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
    /// Identification.
    pub id: u32,
    /// Protocol number of what is fragmented.
    pub next: u8,
}

/// What became of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It waits for the others.
    Waits,
    /// It was the last one; [`Fragments::rebuilt`] has the datagram.
    Complete {
        /// Fragments overlapped with different bytes.
        conflict: bool,
    },
    /// It belongs to nothing.
    Refused(Cause),
}

/// What is counted of fragments that were put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anomaly {
    /// Frames that became part of another's packet.
    Joined = 0,
    /// Fragments that brought bytes again.
    Overlapping = 1,
    /// Datagrams in which they differed.
    Conflicting = 2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: u128,
    destination: u128,
    id: u32,
    tunnel: u32,
    /// IPv4 only: RFC 8200 leaves it out.
    protocol: u8,
    net: Net,
}

/// A part of a datagram, disjoint from the others: where it belongs and where it lies.
#[derive(Debug, Clone, Copy)]
struct Part {
    offset: u32,
    place: usize,
    len: u32,
}

impl Part {
    fn end(&self) -> u32 {
        self.offset.saturating_add(self.len)
    }
}

#[derive(Debug)]
struct Datagram {
    key: Key,
    born: u64,
    frames: u32,
    conflict: bool,
    completed: Option<u64>,
    /// Where it ends, once the last fragment is there.
    end: Option<u32>,
    header: Vec<u8>,
    /// The bytes in the order of arrival.
    bytes: Vec<u8>,
    /// Sorted by offset.
    parts: Vec<Part>,
}

/// What a piece is to the parts that are there.
struct Comparison {
    /// Ranges of the piece that are new, as offsets in the datagram.
    new: Vec<(u32, u32)>,
    overlaps: bool,
    conflicts: bool,
}

impl Datagram {
    fn held(&self) -> usize {
        self.bytes.len().saturating_add(self.header.len())
    }

    fn compare(&self, piece: &Piece<'_>) -> Comparison {
        let length = u32::try_from(piece.data.len()).unwrap_or(u32::MAX);
        let (mut at, end) = (piece.offset, piece.offset.saturating_add(length));
        let mut result = Comparison { new: Vec::new(), overlaps: false, conflicts: false };
        let first = self.parts.partition_point(|part| part.end() <= at);
        for part in self.parts.iter().skip(first).take_while(|part| part.offset < end) {
            if part.offset > at {
                result.new.push((at, part.offset));
            }
            let (from, to) = (part.offset.max(at), part.end().min(end));
            let old = slice(
                &self.bytes,
                part.place.saturating_add((from.saturating_sub(part.offset)) as usize),
                to.saturating_sub(from),
            );
            let new = slice(piece.data, from.saturating_sub(piece.offset) as usize, to.saturating_sub(from));
            result.overlaps = true;
            result.conflicts |= old != new;
            at = to;
        }
        if at < end {
            result.new.push((at, end));
        }
        result
    }

    /// Takes over the new ranges of a piece.
    fn keep(&mut self, piece: &Piece<'_>, new: &[(u32, u32)]) {
        for (from, to) in new {
            let len = to.saturating_sub(*from);
            let part = Part { offset: *from, place: self.bytes.len(), len };
            self.bytes.extend_from_slice(slice(piece.data, from.saturating_sub(piece.offset) as usize, len));
            let index = self.parts.partition_point(|other| other.offset < *from);
            self.parts.insert(index, part);
        }
        if piece.offset == 0 && self.header.is_empty() {
            self.header.extend_from_slice(piece.header);
        }
    }

    fn reach(&self) -> u32 {
        self.parts.last().map_or(0, Part::end)
    }

    fn is_complete(&self) -> bool {
        self.end.is_some_and(|end| end as usize == self.bytes.len())
    }
}

fn slice(bytes: &[u8], start: usize, len: u32) -> &[u8] {
    bytes.get(start..start.saturating_add(len as usize)).unwrap_or_default()
}

/// The datagrams that wait.
#[derive(Debug)]
pub(super) struct Fragments {
    open: HashMap<Key, u64, SeedableRandomState>,
    by_age: BTreeMap<u64, Datagram>,
    completed: VecDeque<u64>,
    serial: u64,
    held: usize,
    rebuilt: Vec<u8>,
    given_up: [(Cause, u64); 5],
    counts: [u64; 3],
}

impl Default for Fragments {
    fn default() -> Self {
        Fragments {
            open: HashMap::with_hasher(crate::stream::state().clone()),
            by_age: BTreeMap::new(),
            completed: VecDeque::new(),
            serial: 0,
            held: 0,
            rebuilt: Vec::new(),
            given_up: [
                (Cause::FragmentTimeout, 0),
                (Cause::FragmentTable, 0),
                (Cause::FragmentBytes, 0),
                (Cause::FragmentCount, 0),
                (Cause::FragmentIncomplete, 0),
            ],
            counts: [0; 3],
        }
    }
}

impl Fragments {
    /// Adds a fragment; `packet` has its addresses, tunnel and time.
    pub(super) fn add(&mut self, piece: &Piece<'_>, packet: &Packet) -> Answer {
        let now = packet.at.time;
        let Some(end) = end_of(piece) else { return Answer::Refused(Cause::FragmentRange) };
        self.expire(now);
        while self.held.saturating_add(piece.data.len()).saturating_add(piece.header.len()) > MAX_BYTES {
            if !self.give_up_oldest(Cause::FragmentBytes) {
                break;
            }
        }
        let key = Key {
            source: packet.source,
            destination: packet.destination,
            id: piece.id,
            tunnel: packet.tunnel,
            protocol: if packet.net == Net::V4 { piece.next } else { 0 },
            net: packet.net,
        };
        if self.is_twin(&key, piece, now) {
            return Answer::Refused(Cause::FragmentTwin);
        }
        let serial = self.find(key, now);
        self.add_to(serial, piece, end, now)
    }

    /// Whether a fragment is a copy of one whose datagram was completed just now. One that differs begins a new datagram.
    fn is_twin(&mut self, key: &Key, piece: &Piece<'_>, now: u64) -> bool {
        let Some(serial) = self.open.get(key).copied() else { return false };
        let Some(datagram) = self.by_age.get(&serial) else { return false };
        let Some(completed) = datagram.completed else { return false };
        let same = datagram.compare(piece);
        if key.id != 0 && now.abs_diff(completed) <= TWIN_WINDOW && same.new.is_empty() && !same.conflicts {
            return true;
        }
        self.remove(serial);
        false
    }

    /// The datagram of this key, opened where there is none.
    fn find(&mut self, key: Key, now: u64) -> u64 {
        if let Some(serial) = self.open.get(&key) {
            return *serial;
        }
        while self.by_age.len() >= MAX_DATAGRAMS {
            self.give_up_oldest(Cause::FragmentTable);
        }
        self.serial = self.serial.wrapping_add(1);
        let datagram = Datagram {
            key,
            born: now,
            frames: 0,
            conflict: false,
            completed: None,
            end: None,
            header: Vec::new(),
            bytes: Vec::new(),
            parts: Vec::new(),
        };
        self.by_age.insert(self.serial, datagram);
        self.open.insert(key, self.serial);
        self.serial
    }

    fn add_to(&mut self, serial: u64, piece: &Piece<'_>, end: u32, now: u64) -> Answer {
        let Some(datagram) = self.by_age.get_mut(&serial) else { return Answer::Refused(Cause::FragmentRange) };
        if datagram.frames >= MAX_FRAGMENTS {
            self.give_up(serial, Cause::FragmentCount);
            return Answer::Refused(Cause::FragmentCount);
        }
        let past = datagram.end.is_some_and(|known| if piece.more { end > known } else { end != known });
        if past || (!piece.more && datagram.reach() > end) {
            return Answer::Refused(Cause::FragmentRange);
        }
        let before = datagram.held();
        let compared = datagram.compare(piece);
        datagram.frames = datagram.frames.saturating_add(1);
        if !piece.more {
            datagram.end = Some(end);
        }
        datagram.keep(piece, &compared.new);
        let newly = compared.conflicts && !datagram.conflict;
        datagram.conflict |= compared.conflicts;
        let grown = datagram.held().saturating_sub(before);
        let complete = datagram.is_complete();
        self.held = self.held.saturating_add(grown);
        self.tally(Anomaly::Overlapping, u64::from(compared.overlaps));
        self.tally(Anomaly::Conflicting, u64::from(newly));
        if complete { self.complete(serial, piece, now) } else { Answer::Waits }
    }

    /// Writes the whole datagram and keeps it for a while, to know its copies.
    fn complete(&mut self, serial: u64, piece: &Piece<'_>, now: u64) -> Answer {
        let Some(datagram) = self.by_age.get_mut(&serial) else { return Answer::Refused(Cause::FragmentRange) };
        datagram.completed = Some(now);
        let (conflict, frames) = (datagram.conflict, datagram.frames);
        if !write(&mut self.rebuilt, datagram) {
            self.remove(serial);
            return Answer::Refused(Cause::FragmentRange);
        }
        self.tally(Anomaly::Joined, u64::from(frames.saturating_sub(1)));
        if piece.id == 0 {
            self.remove(serial);
        } else {
            self.completed.push_back(serial);
        }
        Answer::Complete { conflict }
    }

    /// The datagram that the last [`Answer::Complete`] is about, from its network header on.
    pub(super) fn rebuilt(&self) -> &[u8] {
        &self.rebuilt
    }

    fn expire(&mut self, now: u64) {
        while let Some(serial) = self.completed.front().copied() {
            let completed = self.by_age.get(&serial).and_then(|datagram| datagram.completed);
            let fresh = completed.is_some_and(|at| now.abs_diff(at) <= TWIN_WINDOW);
            if fresh && self.completed.len() <= MAX_COMPLETED {
                break;
            }
            self.completed.pop_front();
            self.remove(serial);
        }
        while let Some((serial, datagram)) = self.by_age.first_key_value() {
            if now.abs_diff(datagram.born) <= MAX_AGE {
                break;
            }
            self.give_up(*serial, Cause::FragmentTimeout);
        }
    }

    fn give_up_oldest(&mut self, cause: Cause) -> bool {
        let Some(serial) = self.by_age.first_key_value().map(|(serial, _)| *serial) else { return false };
        self.give_up(serial, cause);
        true
    }

    fn give_up(&mut self, serial: u64, cause: Cause) {
        let Some(datagram) = self.remove(serial) else { return };
        if datagram.completed.is_some() {
            return;
        }
        if let Some((_, count)) = self.given_up.iter_mut().find(|(known, _)| *known == cause) {
            *count = count.saturating_add(u64::from(datagram.frames));
        }
    }

    fn remove(&mut self, serial: u64) -> Option<Datagram> {
        let datagram = self.by_age.remove(&serial)?;
        self.open.remove(&datagram.key);
        self.held = self.held.saturating_sub(datagram.held());
        Some(datagram)
    }

    fn tally(&mut self, anomaly: Anomaly, more: u64) {
        if let Some(count) = self.counts.get_mut(anomaly as usize) {
            *count = count.saturating_add(more);
        }
    }

    /// Gives up all that wait.
    pub(super) fn finish(&mut self) {
        while self.give_up_oldest(Cause::FragmentIncomplete) {}
        self.completed.clear();
    }

    /// Frames that waited and were given up for this cause.
    pub(super) fn given_up(&self, cause: Cause) -> u64 {
        self.given_up.iter().find(|(known, _)| *known == cause).map_or(0, |(_, count)| *count)
    }

    pub(super) fn count(&self, anomaly: Anomaly) -> u64 {
        self.counts.get(anomaly as usize).copied().unwrap_or_default()
    }

    /// Fragments that wait now.
    pub(super) fn waiting(&self) -> u64 {
        let open = self.by_age.values().filter(|datagram| datagram.completed.is_none());
        open.map(|datagram| u64::from(datagram.frames)).sum()
    }

    /// Bytes held now, for tests of the ceiling.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.by_age.len(), self.held)
    }
}

/// Where a piece ends, `None` where it can't be one.
fn end_of(piece: &Piece<'_>) -> Option<u32> {
    let len = u32::try_from(piece.data.len()).ok()?;
    let end = piece.offset.checked_add(len)?;
    let whole = !piece.more || len & 7 == 0;
    (len > 0 && whole && end <= MAX_LENGTH).then_some(end)
}

/// Writes a complete datagram: the header of its first fragment with the length of the whole, then the data in order. In IPv6
/// the fragment header stays, as that of an atomic fragment.
fn write(rebuilt: &mut Vec<u8>, datagram: &Datagram) -> bool {
    rebuilt.clear();
    rebuilt.extend_from_slice(&datagram.header);
    let header_len = datagram.header.len();
    let fixed = if datagram.key.net == Net::V4 { 0 } else { 40 };
    let total = header_len.saturating_add(datagram.bytes.len()).saturating_sub(fixed);
    let Ok(total) = u16::try_from(total) else { return false };
    let done = if datagram.key.net == Net::V4 { patch_v4(rebuilt, total) } else { patch_v6(rebuilt, total) };
    for part in &datagram.parts {
        rebuilt.extend_from_slice(slice(&datagram.bytes, part.place, part.len));
    }
    done.is_some()
}

fn patch_v4(header: &mut [u8], total: u16) -> Option<()> {
    header.get_mut(2..4)?.copy_from_slice(&total.to_be_bytes());
    header.get_mut(6..8)?.fill(0);
    header.get_mut(10..12)?.fill(0);
    let sum = checksum::of(header);
    header.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

fn patch_v6(header: &mut [u8], payload: u16) -> Option<()> {
    header.get_mut(4..6)?.copy_from_slice(&payload.to_be_bytes());
    let at = header.len().checked_sub(6)?;
    header.get_mut(at..at.checked_add(2)?)?.fill(0);
    Some(())
}
