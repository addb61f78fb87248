//! Conversations: what was seen between a client and a server, over all their flows, and what was not.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::address::{Address, Moment};
use crate::stream;

/// Conversations kept at most, unless told otherwise; what comes beyond is summed in one without addresses.
pub const MAX_CONVERSATIONS: usize = 1 << 20;

/// Who talks with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationKey {
    /// Who asks, or receives a report.
    pub client: Address,
    /// Who is asked.
    pub server: Address,
    /// The server's port, 0 without ports.
    pub port: u16,
    /// Index into the registry.
    pub protocol: u8,
}

/// What one direction of a flow (or of all flows of a conversation) was seen to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Direction {
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Bytes of payload.
    pub payload_bytes: u64,
    /// Segments seen again.
    pub retransmitted: u64,
    /// Segments before their turn.
    pub out_of_order: u64,
    /// Places where bytes are missing.
    pub gaps: u64,
    /// How many.
    pub gap_bytes: u64,
    /// Bytes that no dissector could read.
    pub undecoded_bytes: u64,
    /// Frames that a mirror showed twice.
    pub duplicates: u64,
    /// Overlaps or retransmissions with other bytes.
    pub conflicts: u64,
    /// The clock at its last packet, ns; 0 where there is none.
    pub last: u64,
}

/// The ledger of one flow, or the sums over a conversation's flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// Flows.
    pub flows: u64,
    /// First and last packet.
    pub first: Option<Moment>,
    /// Last packet.
    pub last: Option<Moment>,
    /// From the client.
    pub from_client: Direction,
    /// From the server.
    pub from_server: Direction,
    /// Flows that began before the capture.
    pub midstream: u64,
    /// Flows of which only one direction was seen.
    pub one_way: u64,
    /// TCP flows with payload one way and not even an acknowledgement the other way: a mirror that shows half of them.
    pub half_seen: u64,
    /// Flows that are encrypted.
    pub encrypted: u64,
}

impl Direction {
    /// The counters in the order of their fields.
    fn counters(&mut self) -> [&mut u64; 10] {
        [
            &mut self.packets,
            &mut self.bytes,
            &mut self.payload_bytes,
            &mut self.retransmitted,
            &mut self.out_of_order,
            &mut self.gaps,
            &mut self.gap_bytes,
            &mut self.undecoded_bytes,
            &mut self.duplicates,
            &mut self.conflicts,
        ]
    }

    fn add(&mut self, mut other: Direction) {
        for (sum, count) in self.counters().into_iter().zip(other.counters()) {
            *sum = sum.saturating_add(*count);
        }
        self.last = self.last.max(other.last);
    }
}

impl Account {
    /// Adds another account to this one.
    pub fn add(&mut self, other: &Account) {
        let earlier = |one: Moment, two: Moment| if two.time < one.time { two } else { one };
        let later = |one: Moment, two: Moment| if two.time > one.time { two } else { one };
        self.first = merge(self.first, other.first, earlier);
        self.last = merge(self.last, other.last, later);
        self.from_client.add(other.from_client);
        self.from_server.add(other.from_server);
        self.flows = self.flows.saturating_add(other.flows);
        self.midstream = self.midstream.saturating_add(other.midstream);
        self.one_way = self.one_way.saturating_add(other.one_way);
        self.half_seen = self.half_seen.saturating_add(other.half_seen);
        self.encrypted = self.encrypted.saturating_add(other.encrypted);
    }
}

fn merge(one: Option<Moment>, two: Option<Moment>, choose: impl Fn(Moment, Moment) -> Moment) -> Option<Moment> {
    match (one, two) {
        (Some(one), Some(two)) => Some(choose(one, two)),
        (one, two) => one.or(two),
    }
}

/// All conversations of a run.
#[derive(Debug)]
pub struct Conversations {
    accounts: Vec<(ConversationKey, Account)>,
    index: HashTable<u32>,
    ceiling: usize,
    others: Account,
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Conversations {
    /// An empty table of at most so many conversations ([`MAX_CONVERSATIONS`]).
    pub fn new(ceiling: usize) -> Self {
        Conversations { accounts: Vec::new(), index: HashTable::new(), ceiling, others: Account::default() }
    }

    /// Adds a flow's account (or what was added to it since the last time, with `flows` 0).
    pub fn add(&mut self, key: ConversationKey, account: &Account) {
        let hash = stream::state().hash_one(key);
        let accounts = &mut self.accounts;
        let same = |n: &u32| accounts.get(place(*n)).is_some_and(|(known, _)| *known == key);
        if let Some((_, sum)) = self.index.find(hash, same).and_then(|n| accounts.get_mut(place(*n))) {
            return sum.add(account);
        }
        if accounts.len() >= self.ceiling {
            return self.others.add(account);
        }
        let number = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
        accounts.push((key, *account));
        let rehash = |n: &u32| accounts.get(place(*n)).map_or(0, |(known, _)| stream::state().hash_one(known));
        self.index.insert_unique(hash, number, rehash);
    }

    /// In the order of their first flow's end.
    pub fn accounts(&self) -> &[(ConversationKey, Account)] {
        &self.accounts
    }

    /// What had no room of its own: `flows` of it says how often the ceiling was met.
    pub fn others(&self) -> &Account {
        &self.others
    }
}
