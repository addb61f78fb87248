//! Transport segments put together (IEEE 1815-2012, 8.2): first, final and sequence in one octet before each.

/// The longest fragment that is put together: as many segments as there are sequence numbers, so that a loss shows. 2,048 octets are
/// usual, more is for both sides to agree upon.
pub const MAX_FRAGMENT: usize = 64 * 249;

/// One direction of an association.
#[derive(Debug, Clone, Default)]
pub struct Reassembly {
    octets: Vec<u8>,
    sequence: u8,
    open: bool,
    too_long: bool,
}

/// What a segment completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// More segments follow.
    Waiting,
    /// All of them are there: [`Reassembly::octets`].
    Whole,
    /// The one before it again.
    Again,
    /// So many segments are missing (1 to 63); what was there is given up.
    Missing(u8),
    /// It does not begin a fragment, and none is open.
    Stray,
    /// More than is put together; told once.
    TooLong,
}

impl Reassembly {
    /// The fragment that is whole, or what there is of it.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// A fragment is unfinished.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Gives up what there is.
    pub fn clear(&mut self) {
        self.open = false;
        self.octets.clear();
    }

    /// Takes a segment that is not a whole fragment by itself.
    pub fn take(&mut self, header: u8, octets: &[u8]) -> Taken {
        let (last, first, sequence) = (header & 0x80 != 0, header & 0x40 != 0, header & 0x3F);
        if first {
            let unfinished = self.open;
            self.clear();
            (self.open, self.too_long, self.sequence) = (!last, false, sequence);
            self.octets.extend_from_slice(octets);
            return if unfinished { Taken::Missing(1) } else { Taken::Waiting };
        }
        if !self.open {
            return if self.too_long { Taken::Waiting } else { Taken::Stray };
        }
        let step = sequence.wrapping_sub(self.sequence) & 0x3F;
        if step == 0 && self.octets.ends_with(octets) {
            return Taken::Again;
        }
        if step != 1 {
            self.clear();
            return Taken::Missing(step.wrapping_sub(1) & 0x3F);
        }
        self.sequence = sequence;
        if self.octets.len().saturating_add(octets.len()) > MAX_FRAGMENT {
            self.clear();
            self.too_long = true;
            return Taken::TooLong;
        }
        self.octets.extend_from_slice(octets);
        self.open = !last;
        if last { Taken::Whole } else { Taken::Waiting }
    }
}
