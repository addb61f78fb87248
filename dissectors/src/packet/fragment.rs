//! IP fragments put together (RFC 791, section 3.2; RFC 8200, section 4.5), within ceilings.
//!
//! Where fragments overlap the first one wins, byte by byte; different bytes are a conflict, and the datagram is marked. What is
//! given up is counted in frames, by cause.

use std::collections::{BTreeMap, VecDeque};

use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;

use super::datagram::{Datagram, Key, Piece, end_of, write};
use super::{Cause, Packet};
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
        let datagram = Datagram::new(key, now);
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
