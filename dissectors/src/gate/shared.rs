//! Conditions of clauses, kept once for all clauses that have the same: a policy has few, operations are many.

use std::hash::BuildHasher;
use std::mem;

use hashbrown::HashTable;

use super::clause::{Clause, Conditions};
use crate::stream;

#[derive(Debug)]
struct Entry {
    conditions: Conditions,
    hash: u64,
    users: u32,
}

/// All conditions in use, by number.
#[derive(Debug, Default)]
pub(super) struct Shared {
    entries: Vec<Entry>,
    free: Vec<u32>,
    index: HashTable<u32>,
}

fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Shared {
    #[inline]
    pub fn get(&self, number: u32) -> Option<&Conditions> {
        self.entries.get(at(number)).map(|entry| &entry.conditions)
    }

    /// The number of a clause's conditions, for one more user.
    pub fn share(&mut self, clause: Clause) -> u32 {
        let hash = stream::state().hash_one(&clause);
        let entries = &mut self.entries;
        let same = |n: &u32| entries.get(at(*n)).is_some_and(|known| known.conditions.clause == clause);
        if let Some(number) = self.index.find(hash, same).copied() {
            if let Some(known) = entries.get_mut(at(number)) {
                known.users = known.users.saturating_add(1);
            }
            return number;
        }
        let new = Entry { conditions: Conditions::new(clause), hash, users: 1 };
        let number = self.free.pop().unwrap_or_else(|| u32::try_from(entries.len()).unwrap_or(u32::MAX));
        match entries.get_mut(at(number)) {
            Some(free) => *free = new,
            None => entries.push(new),
        }
        self.index.insert_unique(hash, number, |n| entries.get(at(*n)).map_or(0, |known| known.hash));
        number
    }

    /// One user less; the last one frees the number.
    pub fn release(&mut self, number: u32) {
        let Some(entry) = self.entries.get_mut(at(number)) else { return };
        entry.users = entry.users.saturating_sub(1);
        if entry.users > 0 {
            return;
        }
        entry.conditions = Conditions::new(Clause::default());
        let hash = mem::take(&mut entry.hash);
        if let Ok(entry) = self.index.find_entry(hash, |n| *n == number) {
            entry.remove();
        }
        self.free.push(number);
    }
}
