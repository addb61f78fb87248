//! The lanes of an operation that some of its occurrences concern: what the walk over many lanes comes down to.

use super::{Clauses, Lane, Lanes};
use crate::transaction::{Anomalies, Transaction};

/// Kinds of occurrences that an operation remembers the loud lanes of; the others walk over all lanes.
const MAX_KINDS: usize = 4;

/// Of occurrences of one outcome with one set of anomalies: the lanes, by position, that don't expect them all or that something
/// comes of.
#[derive(Debug)]
pub(super) struct Loud {
    flaws: Anomalies,
    outcome: usize,
    lanes: Box<[u8]>,
}

impl Lanes {
    pub(super) fn new(lanes: Vec<Lane>) -> Self {
        Lanes { lanes, loud: Vec::new() }
    }

    /// All lanes, and the positions of those that have to be looked at for this transaction (`None`: each).
    #[inline]
    pub(super) fn loud(&mut self, clauses: &Clauses, transaction: &Transaction<'_>) -> (&[Lane], Option<&[u8]>) {
        let (outcome, flaws) = (transaction.outcome.index(), transaction.anomalies);
        let known = self.loud.iter().position(|loud| loud.outcome == outcome && loud.flaws == flaws);
        let place = known.or_else(|| self.listen(clauses, outcome, flaws));
        (&self.lanes, place.and_then(|place| self.loud.get(place)).map(|loud| &*loud.lanes))
    }

    #[cold]
    fn listen(&mut self, clauses: &Clauses, outcome: usize, flaws: Anomalies) -> Option<usize> {
        if self.loud.len() >= MAX_KINDS {
            return None;
        }
        let numbered = (0_u8..).zip(&self.lanes);
        let lanes =
            numbered.filter(|(_, lane)| !clauses.is_quiet(lane, outcome, flaws)).map(|(place, _)| place).collect();
        self.loud.push(Loud { flaws, outcome, lanes });
        self.loud.len().checked_sub(1)
    }
}
