//! Clients with their servers, and what each client has used of its share.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::address::{Address, Net, Side};
use crate::stream::{self, FlowKey};
use crate::transaction::Transaction;

/// How much of an operation is merged because of a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Merged {
    /// Nothing.
    No,
    /// All functions, units and ports of this client, server, protocol and access.
    Server,
    /// And all servers.
    Client,
    /// And all clients.
    All,
}

/// What operations of the same client and server share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    pub client: u128,
    pub server: u128,
    pub port: u16,
    pub protocol: u8,
    pub net: Net,
    pub merged: Merged,
    /// Index of the client's account.
    account: u32,
}

impl Peer {
    pub fn of(flow: &FlowKey, t: &Transaction<'_>) -> Peer {
        let server: Side = t.client.other();
        Peer {
            client: flow.address(t.client).bits,
            server: flow.address(server).bits,
            port: flow.port(server),
            protocol: t.protocol,
            net: flow.net,
            merged: Merged::No,
            account: 0,
        }
    }

    fn hash(&self) -> u64 {
        #[allow(clippy::as_conversions)] // enums' own numbers
        let rest = u64::from(self.port)
            | u64::from(self.protocol) << 16
            | (self.net as u64) << 24
            | (self.merged as u64) << 32;
        stream::state().hash_one((self.client, self.server, rest))
    }

    fn same(&self, other: &Peer) -> bool {
        Peer { account: 0, ..*self } == Peer { account: 0, ..*other }
    }

    /// The same with less told apart.
    pub fn merge(self, merged: Merged) -> Peer {
        let (client, server) = match merged {
            Merged::No => return self,
            Merged::Server => (self.client, self.server),
            Merged::Client => (self.client, 0),
            Merged::All => (0, 0),
        };
        let net = if merged == Merged::All { Net::Mac } else { self.net };
        Peer { client, server, port: 0, net, merged, ..self }
    }
}

/// What a client has used of its share.
#[derive(Debug, Clone, Copy)]
struct Account {
    address: Address,
    operations: u32,
    merged: u32,
}

/// All peers, by number.
#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: Vec<Peer>,
    index: HashTable<u32>,
    accounts: Vec<Account>,
    account_index: HashTable<u32>,
}

fn slot(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn next(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Peers {
    pub fn get(&self, number: u32) -> Option<&Peer> {
        self.peers.get(slot(number))
    }

    /// Operations of a client: as they are, and merged.
    pub fn used(&self, client: Address) -> (usize, usize) {
        let account = self.find_account(client).and_then(|index| self.accounts.get(slot(index)));
        account.map_or((0, 0), |account| (slot(account.operations), slot(account.merged)))
    }

    /// One operation more for the peer's client.
    pub fn charge(&mut self, number: u32) {
        let Some(peer) = self.peers.get(slot(number)) else { return };
        let Some(account) = self.accounts.get_mut(slot(peer.account)) else { return };
        let used = if peer.merged == Merged::No { &mut account.operations } else { &mut account.merged };
        *used = used.saturating_add(1);
    }

    /// The number of a peer that is known.
    pub fn find(&self, peer: &Peer) -> Option<u32> {
        let same = |index: &u32| self.peers.get(slot(*index)).is_some_and(|known| known.same(peer));
        self.index.find(peer.hash(), same).copied()
    }

    /// The number of a peer, known or new.
    pub fn number(&mut self, mut peer: Peer) -> u32 {
        if let Some(index) = self.find(&peer) {
            return index;
        }
        peer.account = self.account(Address { bits: peer.client, net: peer.net });
        let index = next(self.peers.len());
        self.peers.push(peer);
        let peers = &self.peers;
        let rehash = |index: &u32| peers.get(slot(*index)).map_or(0, Peer::hash);
        self.index.insert_unique(peer.hash(), index, rehash);
        index
    }

    fn find_account(&self, address: Address) -> Option<u32> {
        let same = |index: &u32| self.accounts.get(slot(*index)).is_some_and(|known| known.address == address);
        self.account_index.find(hash_address(address), same).copied()
    }

    fn account(&mut self, address: Address) -> u32 {
        if let Some(index) = self.find_account(address) {
            return index;
        }
        let index = next(self.accounts.len());
        self.accounts.push(Account { address, operations: 0, merged: 0 });
        let accounts = &self.accounts;
        let rehash = |index: &u32| accounts.get(slot(*index)).map_or(0, |known| hash_address(known.address));
        self.account_index.insert_unique(hash_address(address), index, rehash);
        index
    }
}

fn hash_address(address: Address) -> u64 {
    #[allow(clippy::as_conversions)] // an enum's own number
    stream::state().hash_one((address.bits, address.net as u64))
}
