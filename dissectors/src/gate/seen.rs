//! What is delivered once: identity values, and anomalies that belong to no transaction.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::SeedableRandomState;
use hashbrown::{HashMap, HashSet, HashTable};

use super::ceilings::Limits;
use crate::address::{Address, Moment};
use crate::stream;
use crate::transaction::{Observation, Value};

/// An anomaly of a flow that belongs to no transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowAnomaly {
    /// Name, from the protocol's table or the layer's.
    pub name: &'static str,
    /// Index into the registry, or what the engine uses for a layer of its own.
    pub protocol: u8,
    /// Address of the side whose bytes it was.
    pub source: Address,
    /// The other side's.
    pub destination: Address,
    /// The layer that was reading, where reading failed.
    pub layer: Option<&'static str>,
    /// Offset from the layer's start.
    pub offset: Option<u64>,
    /// Bytes needed.
    pub needed: Option<u64>,
    /// Bytes that there were.
    pub available: Option<u64>,
    /// The packet.
    pub at: Moment,
}

/// How often a flow anomaly was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnomalyCount {
    /// Its first occurrence.
    pub first: FlowAnomaly,
    /// Where it was last.
    pub last: Moment,
    /// Occurrences.
    pub count: u64,
}

/// What became of an observation or anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Not met before: deliver it.
    New,
    /// Met before.
    Known,
    /// Not kept: a ceiling was reached.
    Full,
}

type Counts = HashMap<Address, usize, SeedableRandomState>;

/// Identity values that were delivered. Kept as 64 bits of a keyed hash: nobody outside can make two collide.
#[derive(Debug)]
pub(super) struct Seen {
    values: HashSet<u64, SeedableRandomState>,
    by_address: Counts,
}

impl Default for Seen {
    fn default() -> Self {
        let state = || stream::state().clone();
        Seen { values: HashSet::with_hasher(state()), by_address: Counts::with_hasher(state()) }
    }
}

impl Seen {
    pub fn note(&mut self, address: Address, observation: &Observation<'_>, limits: &Limits) -> News {
        let mut hasher = stream::state().build_hasher();
        (address, observation.unit, observation.attribute).hash(&mut hasher);
        hash_value(&observation.value, &mut hasher, 0);
        if observation.attribute == "mac" {
            observation.field.hash(&mut hasher); // any packet may have been routed: who vouches for it later is news
        }
        let hash = hasher.finish();
        if self.values.contains(&hash) {
            return News::Known;
        }
        let own = self.by_address.get(&address).copied().unwrap_or(0);
        if self.values.len() >= limits.observations || own >= limits.observations_per_address {
            return News::Full;
        }
        self.values.insert(hash);
        self.by_address.insert(address, own.saturating_add(1));
        News::New
    }
}

/// Values nest as deep as dissectors build them; below 16 levels everything is the same.
fn hash_value(value: &Value<'_>, hasher: &mut impl Hasher, depth: u8) {
    std::mem::discriminant(value).hash(hasher);
    let deeper = depth.saturating_add(1);
    match *value {
        Value::Null => {}
        Value::Bool(b) => b.hash(hasher),
        Value::Unsigned(n) => n.hash(hasher),
        Value::Signed(n) => n.hash(hasher),
        Value::Float(n) => n.to_bits().hash(hasher),
        Value::Text(bytes) | Value::Hex(bytes) => bytes.hash(hasher),
        Value::List(_) | Value::Object(_) if depth >= 16 => {}
        Value::List(list) => list.iter().for_each(|value| hash_value(value, hasher, deeper)),
        Value::Object(fields) => fields.iter().for_each(|field| {
            field.name.hash(hasher);
            hash_value(&field.value, hasher, deeper);
        }),
    }
}

/// Flow anomalies, counted by source, destination, protocol and name.
#[derive(Debug)]
pub(super) struct FlowAnomalies {
    counts: Vec<AnomalyCount>,
    index: HashTable<u32>,
    by_source: Counts,
}

impl Default for FlowAnomalies {
    fn default() -> Self {
        FlowAnomalies {
            counts: Vec::new(),
            index: HashTable::new(),
            by_source: Counts::with_hasher(stream::state().clone()),
        }
    }
}

fn hash_anomaly(anomaly: &FlowAnomaly) -> u64 {
    stream::state().hash_one((anomaly.source, anomaly.destination, anomaly.protocol, anomaly.name))
}

fn same(one: &FlowAnomaly, other: &FlowAnomaly) -> bool {
    one.source == other.source
        && one.destination == other.destination
        && one.protocol == other.protocol
        && one.name == other.name
}

impl FlowAnomalies {
    pub fn note(&mut self, anomaly: &FlowAnomaly, limits: &Limits) -> News {
        let hash = hash_anomaly(anomaly);
        let counts = &mut self.counts;
        let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let known = self.index.find(hash, |n| counts.get(place(*n)).is_some_and(|known| same(&known.first, anomaly)));
        if let Some(known) = known.and_then(|n| counts.get_mut(place(*n))) {
            known.count = known.count.saturating_add(1);
            known.last = anomaly.at;
            return News::Known;
        }
        let own = self.by_source.get(&anomaly.source).copied().unwrap_or(0);
        if counts.len() >= limits.anomalies || own >= limits.anomalies_per_source {
            return News::Full;
        }
        let number = u32::try_from(counts.len()).unwrap_or(u32::MAX);
        counts.push(AnomalyCount { first: *anomaly, last: anomaly.at, count: 1 });
        let rehash = |n: &u32| counts.get(place(*n)).map_or(0, |known| hash_anomaly(&known.first));
        self.index.insert_unique(hash, number, rehash);
        self.by_source.insert(anomaly.source, own.saturating_add(1));
        News::New
    }

    /// In the order of their first occurrence.
    pub fn counts(&self) -> &[AnomalyCount] {
        &self.counts
    }
}
