//! From the hash of a flow's key to its record: open addressing over words of (tag, id), half full at most.

use super::flow::FlowId;

/// The index. The tag is the upper half of the keyed hash; its low bits are the place.
#[derive(Debug)]
pub(super) struct Index {
    /// `tag << 32 | id + 1`; 0 is empty.
    words: Vec<u64>,
    used: usize,
}

const SMALLEST: usize = 1024;

/// The part of a flow's hash that the index keeps.
#[inline]
pub(super) fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Index {
    pub(super) fn new() -> Self {
        Index { words: vec![0; SMALLEST], used: 0 }
    }

    #[inline]
    fn mask(&self) -> usize {
        self.words.len() - 1
    }

    /// The word where the search for a tag begins: reading it early fetches its cache line.
    #[inline]
    pub(super) fn first(&self, tag: u32) -> u64 {
        self.words[tag as usize & self.mask()]
    }

    /// The id under this tag for which `is` says yes.
    #[inline]
    pub(super) fn find(&self, tag: u32, mut is: impl FnMut(FlowId) -> bool) -> Option<FlowId> {
        let mask = self.mask();
        let mut place = tag as usize & mask;
        loop {
            let word = self.words[place & mask];
            if word == 0 {
                return None;
            }
            let id = (word as u32).wrapping_sub(1);
            if (word >> 32) as u32 == tag && is(id) {
                return Some(id);
            }
            place += 1;
        }
    }

    /// Adds an id under a tag.
    pub(super) fn insert(&mut self, tag: u32, id: FlowId) {
        self.used += 1;
        if self.used * 2 > self.words.len() {
            let doubled = vec![0; self.words.len() * 2];
            for word in std::mem::replace(&mut self.words, doubled) {
                if word != 0 {
                    self.put(word);
                }
            }
        }
        self.put(u64::from(tag) << 32 | (u64::from(id) + 1));
    }

    fn put(&mut self, word: u64) {
        let mask = self.mask();
        let mut place = (word >> 32) as usize & mask;
        while self.words[place] != 0 {
            place = (place + 1) & mask;
        }
        self.words[place] = word;
    }

    /// Takes an id away; what was displaced behind it moves up, so that no dead entries are left.
    pub(super) fn remove(&mut self, tag: u32, id: FlowId) {
        let mask = self.mask();
        let word = u64::from(tag) << 32 | (u64::from(id) + 1);
        let mut hole = tag as usize & mask;
        while self.words[hole] != word {
            if self.words[hole] == 0 {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.used -= 1;
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let next = self.words[place];
            if next == 0 {
                break;
            }
            let home = (next >> 32) as usize & mask;
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(hole) & mask {
                self.words[hole] = next;
                hole = place;
            }
        }
        self.words[hole] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn behaves_like_a_map_with_colliding_tags() {
        let mut seed = 3_u64;
        let mut index = Index::new();
        let mut model: HashMap<u32, u32> = HashMap::new();
        for id in 0..20_000_u32 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let tag = (seed as u32) & 0xFF00_03FF;
            index.insert(tag, id);
            model.insert(id, tag);
            if id % 3 == 0 {
                let old = (seed >> 33) as u32 % (id + 1);
                if let Some(tag) = model.remove(&old) {
                    index.remove(tag, old);
                    index.remove(tag, old); // twice changes nothing
                }
            }
        }
        for id in 0..20_000 {
            let tag = model.get(&id).copied();
            assert_eq!(index.find(tag.unwrap_or(0), |found| found == id), tag.map(|_| id));
        }
        assert_eq!(index.used, model.len());
    }
}
