//! What was counted of protocols over the whole run: the `protocols` part of the result.

use std::collections::BTreeMap;

use crate::cursor::Incomplete;
use crate::dissection::Fault;
use crate::transaction::Transaction;
use crate::witness::Failed;

/// Function codes counted in an array; larger ones in a map.
const SMALL: usize = 256;

/// What was counted of one protocol.
#[derive(Debug, Clone)]
pub struct ProtocolCounts {
    /// Transactions.
    pub transactions: u64,
    small: [u64; SMALL],
    large: BTreeMap<u32, u64>,
    /// By anomaly bit, of transactions and of flows together.
    pub anomalies: [u64; 64],
}

impl Default for ProtocolCounts {
    fn default() -> Self {
        ProtocolCounts { transactions: 0, small: [0; SMALL], large: BTreeMap::new(), anomalies: [0; 64] }
    }
}

impl ProtocolCounts {
    /// Function codes that occurred, with how often.
    pub fn functions(&self) -> impl Iterator<Item = (u32, u64)> {
        let small = self.small.iter().zip(0..).filter(|(count, _)| **count > 0).map(|(count, code)| (code, *count));
        small.chain(self.large.iter().map(|(code, count)| (*code, *count)))
    }
}

/// Counts over the whole run.
#[derive(Debug, Default)]
pub struct Summary {
    protocols: Vec<Option<Box<ProtocolCounts>>>,
    faults: BTreeMap<&'static str, u64>,
    cut_short: BTreeMap<&'static str, u64>,
}

impl Summary {
    #[inline]
    fn of(&mut self, protocol: u8) -> &mut ProtocolCounts {
        let index = usize::from(protocol);
        if index >= self.protocols.len() {
            self.protocols.resize_with(index + 1, Option::default);
        }
        self.protocols[index].get_or_insert_default()
    }

    /// Counts a transaction.
    #[inline]
    pub fn count(&mut self, transaction: &Transaction<'_>) {
        let counts = self.of(transaction.protocol);
        counts.transactions = counts.transactions.saturating_add(1);
        match counts.small.get_mut(transaction.function.code as usize) {
            Some(count) => *count = count.saturating_add(1),
            None => *counts.large.entry(transaction.function.code).or_default() += 1,
        }
        let mut rest = transaction.anomalies.0;
        while rest != 0 {
            let bit = rest.trailing_zeros() as usize;
            counts.anomalies[bit] = counts.anomalies[bit].saturating_add(1);
            rest &= rest - 1;
        }
    }

    /// Counts an anomaly that belongs to no transaction.
    pub fn count_anomaly(&mut self, protocol: u8, bit: u8) {
        if let Some(count) = self.of(protocol).anomalies.get_mut(usize::from(bit)) {
            *count = count.saturating_add(1);
        }
    }

    /// A dissector was shut off for a flow.
    #[cold]
    pub fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault.name()).or_default() += 1;
    }

    /// What became of a message that a witness looked at: one that panicked costs it, and is counted.
    #[inline]
    pub fn heard(&mut self, heard: Result<(), Failed>) {
        if heard.is_err() {
            self.fault(Fault::Panic);
        }
    }

    /// A message of the engine's own layers was too short.
    #[cold]
    pub fn cut_short(&mut self, place: Incomplete) {
        *self.cut_short.entry(place.layer).or_default() += 1;
    }

    /// What was counted, by protocol number.
    pub fn protocols(&self) -> impl Iterator<Item = (u8, &ProtocolCounts)> {
        (0_u8..).zip(&self.protocols).filter_map(|(number, counts)| Some((number, counts.as_deref()?)))
    }

    /// Dissectors shut off, by reason.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.faults.iter().map(|(name, count)| (*name, *count))
    }

    /// Messages too short to be read, by layer.
    pub fn short_messages(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.cut_short.iter().map(|(name, count)| (*name, *count))
    }
}
