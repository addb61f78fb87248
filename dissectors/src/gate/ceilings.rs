//! How much the gate keeps, and what it says when that is not enough.

use std::collections::BTreeMap;

use crate::transaction::Access;

/// Greatest numbers of what the gate keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Operations of one client, before its reads, reports, sessions and identifications are merged.
    pub operations_per_client: usize,
    /// Operations in all, before everything is merged.
    pub operations: usize,
    /// Merged operations of one client that are kept apart by server.
    pub merged_per_client: usize,
    /// Identity values in all.
    pub observations: usize,
    /// Identity values of one address.
    pub observations_per_address: usize,
    /// Flow anomalies by source, destination, protocol and name.
    pub anomalies: usize,
    /// Flow anomalies of one source.
    pub anomalies_per_source: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            operations_per_client: 1 << 16,
            operations: 1 << 20,
            merged_per_client: 1 << 12,
            observations: 1 << 20,
            observations_per_address: 1 << 12,
            anomalies: 1 << 18,
            anomalies_per_source: 1 << 12,
        }
    }
}

/// Functions that are counted one by one in merged operations.
const MAX_MERGED_FUNCTIONS: usize = 4096;

/// How often each ceiling was met.
#[derive(Debug, Clone, Default)]
pub(super) struct Met {
    /// Occurrences merged at a client's ceiling, by access.
    pub client: [u64; 8],
    /// Occurrences merged at the whole table's ceiling, by access.
    pub table: [u64; 8],
    /// Occurrences in merged operations, by protocol and function.
    pub functions: BTreeMap<(u8, u32), u64>,
    /// Of functions beyond [`MAX_MERGED_FUNCTIONS`].
    pub other_functions: u64,
    pub windows: u64,
    pub observations: u64,
    pub anomalies: u64,
}

const CLIENT: [&str; 8] = [
    "operations_per_client.session",
    "operations_per_client.report",
    "operations_per_client.identify",
    "operations_per_client.read",
    "operations_per_client.configure",
    "operations_per_client.write",
    "operations_per_client.mode",
    "operations_per_client.program",
];
const TABLE: [&str; 8] = [
    "operations.session",
    "operations.report",
    "operations.identify",
    "operations.read",
    "operations.configure",
    "operations.write",
    "operations.mode",
    "operations.program",
];

/// One more of an access.
#[allow(clippy::as_conversions)] // an enum's own number
pub(super) fn count(counts: &mut [u64; 8], access: Access) {
    if let Some(count) = counts.get_mut(access as usize) {
        *count = count.saturating_add(1);
    }
}

impl Met {
    /// A merged operation no longer says what was done; this does.
    pub fn count_function(&mut self, protocol: u8, function: u32) {
        let room = self.functions.len() < MAX_MERGED_FUNCTIONS;
        let count = match self.functions.get_mut(&(protocol, function)) {
            Some(count) => count,
            None if room => self.functions.entry((protocol, function)).or_default(),
            None => &mut self.other_functions,
        };
        *count = count.saturating_add(1);
    }

    /// Name and count of each ceiling that was met, in a fixed order.
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        let one = [
            ("merged_functions", self.other_functions),
            ("windows", self.windows),
            ("observations", self.observations),
            ("anomalies", self.anomalies),
        ];
        let merged = CLIENT.into_iter().zip(self.client).chain(TABLE.into_iter().zip(self.table));
        merged.chain(one).filter(|(_, count)| *count > 0).collect()
    }
}
