//! What is kept from message to message: blocks that are being loaded, and cyclic jobs.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use super::message::header::{END, HEADER};

/// Blocks of one flow that are being loaded; the oldest gives way.
const MAX_TRANSFERS: usize = 8;

/// What is kept of one flow.
#[derive(Debug, Default)]
pub struct State {
    transfers: VecDeque<Transfer>,
    pub(super) cyclic: super::message::cyclic::Jobs,
    pub(super) lists: super::message::szl::Lists,
}

/// What tells transfers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// An upload by its number.
    Upload(u32),
    /// A download by type and number of its block.
    Download(u8, u32),
}

/// A block that is being loaded. Its bytes are hashed as they pass; only its beginning and end are kept.
#[derive(Debug)]
pub struct Transfer {
    key: Key,
    /// Type and number, where they were said.
    pub block: Option<(u8, u32)>,
    /// Bytes that were announced.
    pub announced: Option<u64>,
    /// Bytes that passed.
    pub passed: u64,
    /// The last part has passed.
    pub done: bool,
    hash: Sha256,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Transfer {
    fn new(key: Key, block: Option<(u8, u32)>, announced: Option<u64>) -> Self {
        let (head, tail) = (Vec::new(), Vec::new());
        Transfer { key, block, announced, passed: 0, done: false, hash: Sha256::new(), head, tail }
    }

    /// Takes a part of the block.
    pub fn take(&mut self, bytes: &[u8]) {
        if self.done {
            // Another block whose beginning was not seen.
            let Transfer { key, block, .. } = *self;
            *self = Transfer::new(key, block, None);
        }
        self.hash.update(bytes);
        self.passed = self.passed.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let missing = HEADER.saturating_sub(self.head.len());
        self.head.extend_from_slice(bytes.get(..missing).unwrap_or(bytes));
        if let Some(last) = bytes.len().checked_sub(END).and_then(|start| bytes.get(start..)) {
            self.tail.clear();
            self.tail.extend_from_slice(last);
        } else {
            self.tail.extend_from_slice(bytes);
            let surplus = self.tail.len().saturating_sub(END);
            self.tail.drain(..surplus);
        }
    }

    /// Every byte of the block was seen: as many as were announced.
    pub fn is_whole(&self) -> bool {
        self.announced == Some(self.passed)
    }

    /// SHA-256 of what passed.
    pub fn digest(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    /// Header and end of the block, where they were seen.
    pub fn ends(&self) -> (Option<&[u8]>, Option<&[u8]>) {
        let head = (self.head.len() == HEADER).then_some(&*self.head);
        let end = (self.tail.len() == END && self.is_whole()).then_some(&*self.tail);
        (head.filter(|head| head.starts_with(b"pp")), end)
    }
}

impl State {
    /// Begins a transfer; one with the same key is over.
    pub fn begin(&mut self, key: Key, block: Option<(u8, u32)>, announced: Option<u64>) {
        self.transfers.retain(|transfer| transfer.key != key);
        if self.transfers.len() >= MAX_TRANSFERS {
            self.transfers.pop_front();
        }
        self.transfers.push_back(Transfer::new(key, block, announced));
    }

    /// The transfer of this key.
    pub fn transfer(&mut self, key: Key) -> Option<&mut Transfer> {
        self.transfers.iter_mut().find(|transfer| transfer.key == key)
    }

    /// Ends a transfer.
    pub fn end(&mut self, key: Key) -> Option<Transfer> {
        let place = self.transfers.iter().position(|transfer| transfer.key == key)?;
        self.transfers.remove(place)
    }

    /// Bytes were lost: parts of lists may be among them, and changes of jobs. Blocks tell by their length.
    pub fn lose(&mut self) {
        self.lists.lose();
        self.cyclic.lose();
    }
}
