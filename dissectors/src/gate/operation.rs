//! Who does what to whom: the gate's key, in few bytes, and the table of operations with its ceilings.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::HashTable;

use super::ceilings::{self, Limits, Met};
use super::expectation::Expectation;
use super::peer::{Merged, Peer, Peers};
use super::recent::{FlowCache, Recent};
use super::tally::Tally;
use crate::address::Address;
use crate::stream::{self, FlowKey};
use crate::transaction::{Access, Code, SubFunction, Transaction};

const ACCESS: u32 = 7;
const HAS_UNIT: u32 = 1 << 3;
const HAS_SUB: u32 = 1 << 4;
const HAS_GROUP: u32 = 1 << 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    peer: u32,
    function: u32,
    unit: u32,
    tag: u32,
    group: u32,
    code: u32,
    flags: u32,
}

impl Key {
    #[inline]
    #[allow(clippy::as_conversions)] // an enum's own number
    fn of(peer: u32, t: &Transaction<'_>) -> Key {
        let mut flags = t.access as u32;
        flags |= if t.unit.is_some() { HAS_UNIT } else { 0 };
        let (mut group, mut code) = (0, 0);
        if let Some(sub) = &t.sub_function {
            (group, code) = (sub.group.unwrap_or(0), sub.code);
            flags |= if sub.group.is_some() { HAS_SUB | HAS_GROUP } else { HAS_SUB };
        }
        Key { peer, function: t.function.code, unit: t.unit.unwrap_or(0), tag: t.tag, group, code, flags }
    }

    /// Of a merged operation: the access alone.
    #[allow(clippy::as_conversions)]
    fn merged(peer: u32, access: Access) -> Key {
        Key { peer, function: 0, unit: 0, tag: 0, group: 0, code: 0, flags: access as u32 }
    }

    #[inline]
    fn hash(&self) -> u64 {
        let two = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let parts = (two(self.peer, self.function), two(self.unit, self.tag), two(self.group, self.code), self.flags);
        stream::state().hash_one(parts)
    }
}

/// An operation: two cache lines that every occurrence reads and writes.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Operation {
    key: Key,
    /// Facts of it that wait in the queue or for Python's answer.
    pub waiting: u32,
    pub expectation: Expectation,
    pub tally: Tally,
}

impl Operation {
    /// Reads both of its cache lines.
    #[inline]
    pub fn warm(&self) {
        black_box((self.key.peer, self.tally.last.time));
    }
}

/// Who does what to whom, for giving out. What a merged operation no longer tells apart is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationView {
    /// Its number, from 1.
    pub number: u32,
    /// Who asks.
    pub client: Option<Address>,
    /// Who is asked.
    pub server: Option<Address>,
    /// The server's port (0 without ports).
    pub port: Option<u16>,
    /// Index into the registry.
    pub protocol: u8,
    /// The device behind the address.
    pub unit: Option<u32>,
    /// What is done; where more names than one were met for its code, the first.
    pub function: Option<Code>,
    /// More exactly.
    pub sub_function: Option<SubFunction>,
    /// What kind of thing that is.
    pub access: Access,
    /// What else makes it another operation.
    pub tag: u32,
    /// How much of it is merged.
    pub merged: Merged,
}

type Names = (Option<&'static str>, Option<&'static str>);

/// All operations, by number.
#[derive(Debug, Default)]
pub(super) struct Operations {
    records: Vec<Operation>,
    index: HashTable<u32>,
    peers: Peers,
    /// Index into `name_pairs` for each operation.
    names: Vec<u32>,
    name_pairs: Vec<Names>,
}

fn slot(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn next(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Operations {
    /// The record of a number (from 1).
    #[inline]
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Operation> {
        self.records.get_mut(slot(number.wrapping_sub(1)))
    }

    #[inline]
    pub fn get(&self, number: u32) -> Option<&Operation> {
        self.records.get(slot(number.wrapping_sub(1)))
    }

    /// Number and record of each, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Operation)> {
        (1..).zip(&self.records)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Operation> {
        self.records.iter_mut()
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// The number of the operation that this transaction is an occurrence of.
    #[inline]
    pub fn number(
        &mut self,
        flow: &FlowKey,
        cache: &mut FlowCache,
        t: &Transaction<'_>,
        limits: &Limits,
        met: &mut Met,
    ) -> u32 {
        let side = t.client.index();
        let known = cache.peers.get(side).copied().unwrap_or(0);
        if known != 0 && cache.protocols.get(side) == Some(&t.protocol) {
            let key = Key::of(known.wrapping_sub(1), t);
            let recent = cache.recent(t);
            if self.get(recent.number).is_some_and(|operation| operation.key == key) {
                return recent.number;
            }
            if let Some(number) = self.find(&key) {
                *recent = Recent::of(number);
                cache.turn();
                return number;
            }
        }
        self.number_of_stranger(flow, cache, t, limits, met)
    }

    #[inline]
    fn find(&self, key: &Key) -> Option<u32> {
        let same = |index: &u32| self.records.get(slot(*index)).is_some_and(|operation| operation.key == *key);
        self.index.find(key.hash(), same).map(|index| index.wrapping_add(1))
    }

    #[inline(never)]
    fn number_of_stranger(
        &mut self,
        flow: &FlowKey,
        cache: &mut FlowCache,
        t: &Transaction<'_>,
        limits: &Limits,
        met: &mut Met,
    ) -> u32 {
        let peer = Peer::of(flow, t);
        let known = self.peers.find(&peer);
        if let (Some(index), Some(peer), Some(protocol)) =
            (known, cache.peers.get_mut(t.client.index()), cache.protocols.get_mut(t.client.index()))
        {
            (*peer, *protocol) = (index.saturating_add(1), t.protocol);
        }
        let found = known.and_then(|index| self.find(&Key::of(index, t)));
        let number = found.unwrap_or_else(|| {
            let merged = self.admit(flow.address(t.client), t.access, limits, met);
            if merged != Merged::No {
                met.count_function(t.protocol, t.function.code);
            }
            self.find_or_add(peer, merged, t)
        });
        *cache.recent(t) = Recent::of(number);
        number
    }

    /// Whether a new operation has room as it is, or how it is merged.
    fn admit(&self, client: Address, access: Access, limits: &Limits, met: &mut Met) -> Merged {
        let (own, merged) = self.peers.used(client);
        let full = self.records.len() >= limits.operations;
        if full {
            ceilings::count(&mut met.table, access);
        } else if own >= limits.operations_per_client && is_light(access) {
            ceilings::count(&mut met.client, access);
        } else {
            return Merged::No;
        }
        // What is merged has a reserve of its own behind the ceiling: an eighth, the last half of it without servers.
        let reserve = limits.operations / 16;
        if self.records.len() < limits.operations.saturating_add(reserve) && merged < limits.merged_per_client {
            Merged::Server
        } else if self.records.len() < limits.operations.saturating_add(reserve.saturating_mul(2)) {
            Merged::Client
        } else {
            Merged::All
        }
    }

    fn find_or_add(&mut self, peer: Peer, merged: Merged, t: &Transaction<'_>) -> u32 {
        if merged == Merged::No {
            let peer = self.peers.number(peer);
            return self.add(Key::of(peer, t), t);
        }
        // A coarser one that is there already is taken before a new finer one is made at the ceiling's edge.
        for level in [Merged::Server, Merged::Client, Merged::All] {
            let known = self.peers.find(&peer.merge(level)).and_then(|index| self.find(&Key::merged(index, t.access)));
            if let Some(number) = known {
                return number;
            }
        }
        let peer = self.peers.number(peer.merge(merged));
        self.add(Key::merged(peer, t.access), t)
    }

    fn add(&mut self, key: Key, t: &Transaction<'_>) -> u32 {
        self.peers.charge(key.peer);
        let index = next(self.records.len());
        let names = self.name_pair((t.function.name, t.sub_function.and_then(|sub| sub.name)));
        self.names.push(names);
        self.records.push(Operation { key, waiting: 0, expectation: Expectation::Unasked, tally: Tally::default() });
        let records = &self.records;
        let rehash = |index: &u32| records.get(slot(*index)).map_or(0, |operation| operation.key.hash());
        self.index.insert_unique(key.hash(), index, rehash);
        index.saturating_add(1)
    }

    /// Names are constants of the tables: there are few.
    fn name_pair(&mut self, pair: Names) -> u32 {
        let known = self.name_pairs.iter().rposition(|known| *known == pair);
        next(known.unwrap_or_else(|| {
            self.name_pairs.push(pair);
            self.name_pairs.len().saturating_sub(1)
        }))
    }

    /// Who does what to whom.
    pub fn view(&self, number: u32) -> Option<OperationView> {
        let operation = self.get(number)?;
        let key = &operation.key;
        let peer = self.peers.get(key.peer)?;
        let names = self.names.get(slot(number.wrapping_sub(1))).and_then(|pair| self.name_pairs.get(slot(*pair)));
        let (function_name, sub_name) = names.copied().unwrap_or_default();
        let has = |flag: u32| key.flags & flag != 0;
        let whole = peer.merged == Merged::No;
        let sub = || SubFunction { group: has(HAS_GROUP).then_some(key.group), code: key.code, name: sub_name };
        Some(OperationView {
            number,
            client: (peer.merged < Merged::All).then_some(Address { bits: peer.client, net: peer.net }),
            server: (peer.merged < Merged::Client).then_some(Address { bits: peer.server, net: peer.net }),
            port: whole.then_some(peer.port),
            protocol: peer.protocol,
            unit: has(HAS_UNIT).then_some(key.unit),
            function: whole.then_some(Code { code: key.function, name: function_name }),
            sub_function: has(HAS_SUB).then(sub),
            access: Access::ALL.get(slot(key.flags & ACCESS)).copied().unwrap_or_default(),
            tag: key.tag,
            merged: peer.merged,
        })
    }
}

/// What a sweep makes many of, and what weighs little.
fn is_light(access: Access) -> bool {
    matches!(access, Access::Session | Access::Report | Access::Identify | Access::Read)
}

const _: () = assert!(size_of::<Operation>() == 128, "an operation is two cache lines");
