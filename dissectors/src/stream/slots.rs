//! Which of a wheel's slots hold something: two levels of bits, so that empty stretches of time cost nothing.

/// Slots of a wheel.
pub(super) const SLOTS: usize = 4096;

/// The bits.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    words: [u64; 64],
    summary: u64,
}

impl Slots {
    /// All empty.
    pub(super) fn new() -> Self {
        Slots { words: [0; 64], summary: 0 }
    }

    /// The place in the wheel of an ever-growing slot number.
    #[inline]
    pub(super) fn place(slot: u64) -> usize {
        (slot % SLOTS as u64) as usize
    }

    /// Marks a place as holding something or not.
    #[inline]
    pub(super) fn set(&mut self, place: usize, holds: bool) {
        let (word, bit) = (place / 64 % 64, place % 64);
        if holds {
            self.words[word] |= 1 << bit;
            self.summary |= 1 << word;
        } else {
            self.words[word] &= !(1 << bit);
            if self.words[word] == 0 {
                self.summary &= !(1 << word);
            }
        }
    }

    /// How many slots after `place` the next one that holds something lies: 1 to 4096 (4096: `place` itself, a turn later).
    pub(super) fn next_after(&self, place: usize) -> Option<u64> {
        if self.summary == 0 {
            return None;
        }
        let from = (place + 1) % SLOTS;
        let (word, bit) = (from / 64, from % 64);
        let found = match self.words[word] & (u64::MAX << bit) {
            0 => self.next_word(word),
            rest => word * 64 + rest.trailing_zeros() as usize,
        };
        Some(((found + SLOTS - from) % SLOTS + 1) as u64)
    }

    /// The first place in the words after `word`, round the end.
    fn next_word(&self, word: usize) -> usize {
        let later = if word == 63 { 0 } else { self.summary & (u64::MAX << (word + 1)) };
        let next = if later == 0 { self.summary } else { later }.trailing_zeros() as usize % 64;
        next * 64 + self.words[next].trailing_zeros() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_like_a_plain_scan() {
        let mut seed = 7_u64;
        let mut slots = Slots::new();
        let mut plain = [false; SLOTS];
        assert_eq!(slots.next_after(5), None);
        for round in 0..3_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let place = (seed >> 20) as usize % SLOTS;
            let holds = round % 3 != 0;
            slots.set(place, holds);
            plain[place] = holds;
            let from = (seed >> 40) as usize % SLOTS;
            let want = (1..=SLOTS).find(|d| plain[(from + d) % SLOTS]).map(|d| d as u64);
            assert_eq!(slots.next_after(from), want);
        }
    }
}
