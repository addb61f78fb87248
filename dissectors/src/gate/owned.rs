//! Facts that wait: a transaction or observation copied out of the stream's buffers in three allocations, and back into its
//! borrowed form to be judged or written.

use bumpalo::Bump;

use super::habit::Loss;
use crate::address::{Address, Mac, Moment, Side};
use crate::packet::{L2, Vlan, macs, vlan};
use crate::stream::FlowKey;
use crate::transaction::{
    Access, Anomalies, Code, Field, Number, Observation, Outcome, Point, SubFunction, Transaction, Value, Values,
};

/// Lists and objects within each other at most; what lies deeper becomes null.
const MAX_DEPTH: u8 = 16;

#[derive(Debug, Clone, Copy)]
struct Bytes {
    start: u32,
    len: u32,
}

#[derive(Debug, Clone, Copy)]
struct Nodes {
    start: u32,
    len: u32,
}

/// A value, and the name it has where it is a field.
#[derive(Debug, Clone, Copy)]
struct Node {
    name: &'static str,
    value: Kept,
}

#[derive(Debug, Clone, Copy)]
enum Kept {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Bytes),
    Hex(Bytes),
    List(Nodes),
    Object(Nodes),
}

#[derive(Debug, Clone, Copy)]
enum KeptValues {
    Unseen,
    Bits(Bytes, u32),
    Words(Bytes),
    Numbers(Bytes, Number),
    Typed(Nodes),
}

#[derive(Debug, Clone, Copy)]
struct KeptPoint {
    kind: u8,
    access: Access,
    block: u32,
    first: u64,
    last: u64,
    name: Option<Bytes>,
    values: KeptValues,
    fields: Nodes,
}

/// Bytes and values of one fact, flat.
#[derive(Debug, Default)]
struct Store {
    bytes: Vec<u8>,
    nodes: Vec<Node>,
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn span(start: u32, len: u32) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(len).ok()?)?)
}

impl Store {
    fn keep_bytes(&mut self, bytes: &[u8]) -> Bytes {
        let start = small(self.bytes.len());
        self.bytes.extend_from_slice(bytes);
        Bytes { start, len: small(bytes.len()) }
    }

    /// Children stand side by side: their places are taken first, then filled.
    fn keep_nodes<'a>(&mut self, items: impl ExactSizeIterator<Item = (&'static str, Value<'a>)>, depth: u8) -> Nodes {
        let (start, len) = (self.nodes.len(), items.len());
        let blank = Node { name: "", value: Kept::Null };
        self.nodes.resize(start.saturating_add(len), blank);
        for (place, (name, value)) in items.enumerate() {
            let value = self.keep(&value, depth);
            if let Some(node) = self.nodes.get_mut(start.saturating_add(place)) {
                *node = Node { name, value };
            }
        }
        Nodes { start: small(start), len: small(len) }
    }

    fn keep(&mut self, value: &Value<'_>, depth: u8) -> Kept {
        match *value {
            Value::Null => Kept::Null,
            Value::Bool(b) => Kept::Bool(b),
            Value::Unsigned(n) => Kept::Unsigned(n),
            Value::Signed(n) => Kept::Signed(n),
            Value::Float(n) => Kept::Float(n),
            Value::Text(bytes) => Kept::Text(self.keep_bytes(bytes)),
            Value::Hex(bytes) => Kept::Hex(self.keep_bytes(bytes)),
            Value::List(_) | Value::Object(_) if depth >= MAX_DEPTH => Kept::Null,
            Value::List(list) => Kept::List(self.keep_list(list, depth.saturating_add(1))),
            Value::Object(fields) => Kept::Object(self.keep_fields(fields, depth.saturating_add(1))),
        }
    }

    fn keep_list(&mut self, list: &[Value<'_>], depth: u8) -> Nodes {
        self.keep_nodes(list.iter().map(|value| ("", *value)), depth)
    }

    fn keep_fields(&mut self, fields: &[Field<'_>], depth: u8) -> Nodes {
        self.keep_nodes(fields.iter().map(|field| (field.name, field.value)), depth)
    }

    fn keep_point(&mut self, point: &Point<'_>) -> KeptPoint {
        let values = match point.values {
            Values::Unseen => KeptValues::Unseen,
            Values::Bits { bytes, count } => KeptValues::Bits(self.keep_bytes(bytes), count),
            Values::Words(bytes) => KeptValues::Words(self.keep_bytes(bytes)),
            Values::Numbers { bytes, of } => KeptValues::Numbers(self.keep_bytes(bytes), of),
            Values::Typed(list) => KeptValues::Typed(self.keep_list(list, 0)),
        };
        let Point { kind, access, block, first, last, .. } = *point;
        let name = point.name.map(|name| self.keep_bytes(name));
        KeptPoint { kind, access, block, first, last, name, values, fields: self.keep_fields(point.fields, 0) }
    }

    fn bytes(&self, bytes: Bytes) -> &[u8] {
        span(bytes.start, bytes.len).and_then(|span| self.bytes.get(span)).unwrap_or_default()
    }

    fn nodes(&self, nodes: Nodes) -> &[Node] {
        span(nodes.start, nodes.len).and_then(|span| self.nodes.get(span)).unwrap_or_default()
    }

    fn value<'a>(&'a self, value: &Kept, arena: &'a Bump) -> Value<'a> {
        match *value {
            Kept::Null => Value::Null,
            Kept::Bool(b) => Value::Bool(b),
            Kept::Unsigned(n) => Value::Unsigned(n),
            Kept::Signed(n) => Value::Signed(n),
            Kept::Float(n) => Value::Float(n),
            Kept::Text(bytes) => Value::Text(self.bytes(bytes)),
            Kept::Hex(bytes) => Value::Hex(self.bytes(bytes)),
            Kept::List(nodes) => Value::List(self.list(nodes, arena)),
            Kept::Object(nodes) => Value::Object(self.fields(nodes, arena)),
        }
    }

    fn list<'a>(&'a self, nodes: Nodes, arena: &'a Bump) -> &'a [Value<'a>] {
        arena.alloc_slice_fill_iter(self.nodes(nodes).iter().map(|node| self.value(&node.value, arena)))
    }

    fn fields<'a>(&'a self, nodes: Nodes, arena: &'a Bump) -> &'a [Field<'a>] {
        let fields = self.nodes(nodes).iter();
        arena.alloc_slice_fill_iter(fields.map(|n| Field { name: n.name, value: self.value(&n.value, arena) }))
    }

    fn point<'a>(&'a self, point: &KeptPoint, arena: &'a Bump) -> Point<'a> {
        let values = match point.values {
            KeptValues::Unseen => Values::Unseen,
            KeptValues::Bits(bytes, count) => Values::Bits { bytes: self.bytes(bytes), count },
            KeptValues::Words(bytes) => Values::Words(self.bytes(bytes)),
            KeptValues::Numbers(bytes, of) => Values::Numbers { bytes: self.bytes(bytes), of },
            KeptValues::Typed(nodes) => Values::Typed(self.list(nodes, arena)),
        };
        let KeptPoint { kind, access, block, first, last, .. } = *point;
        let name = point.name.map(|name| self.bytes(name));
        Point { kind, access, block, first, last, name, values, fields: self.fields(point.fields, arena) }
    }
}

/// A transaction with its flow, independent of the stream's buffers.
#[derive(Debug)]
pub struct OwnedTransaction {
    /// The flow: addresses, ports, community id.
    pub flow: FlowKey,
    /// MAC addresses of side A and B, zero where there is none.
    pub macs: [Mac; 2],
    /// VLAN tags.
    pub vlan: Vlan,
    /// Who opened the connection, where that was seen.
    pub initiator: Option<Side>,
    /// As in [`Transaction`].
    pub protocol: u8,
    /// As in [`Transaction`].
    pub client: Side,
    /// As in [`Transaction`].
    pub unit: Option<u32>,
    /// As in [`Transaction`].
    pub function: Code,
    /// As in [`Transaction`].
    pub sub_function: Option<SubFunction>,
    /// As in [`Transaction`].
    pub access: Access,
    /// As in [`Transaction`].
    pub outcome: Outcome,
    /// As in [`Transaction`].
    pub anomalies: Anomalies,
    /// As in [`Transaction`].
    pub tag: u32,
    /// As in [`Transaction`].
    pub request: Option<Moment>,
    /// As in [`Transaction`].
    pub response: Option<Moment>,
    /// As in [`Transaction`].
    pub completed: u64,
    /// The part of a program or file that it carries, in a run that asks for contents.
    pub content: Option<Box<[u8]>>,
    pub(super) loss: Loss,
    points: Vec<KeptPoint>,
    detail: Nodes,
    store: Store,
}

/// Bytes for names and values of points, and for some text of the protocol's own fields.
fn weight(transaction: &Transaction<'_>) -> usize {
    const DETAIL: usize = 16;
    let values = |point: &Point<'_>| match point.values {
        Values::Words(bytes) | Values::Bits { bytes, .. } | Values::Numbers { bytes, .. } => bytes.len(),
        Values::Unseen | Values::Typed(_) => 0,
    };
    let of = |point: &Point<'_>| values(point).saturating_add(point.name.map_or(0, <[u8]>::len));
    transaction.points.iter().fold(DETAIL, |sum, point| sum.saturating_add(of(point)))
}

impl OwnedTransaction {
    /// Copies a transaction; `l2` is of each side's last packet.
    pub fn new(flow: &FlowKey, l2: &[L2; 2], initiator: Option<Side>, transaction: &Transaction<'_>) -> Self {
        let mut store = Store { bytes: Vec::with_capacity(weight(transaction)), nodes: Vec::new() };
        let points = transaction.points.iter().map(|point| store.keep_point(point)).collect();
        let detail = store.keep_fields(transaction.detail, 0);
        let t = *transaction;
        OwnedTransaction {
            flow: *flow,
            macs: macs(l2),
            vlan: vlan(l2),
            initiator,
            protocol: t.protocol,
            client: t.client,
            unit: t.unit,
            function: t.function,
            sub_function: t.sub_function,
            access: t.access,
            outcome: t.outcome,
            anomalies: t.anomalies,
            tag: t.tag,
            request: t.request,
            response: t.response,
            completed: t.completed,
            content: None,
            loss: Loss::default(),
            points,
            detail,
            store,
        }
    }

    /// MACs and VLAN, as if each side had sent a packet.
    pub fn l2(&self) -> [L2; 2] {
        let [a, b] = self.macs;
        [(a, b), (b, a)].map(|(source, destination)| L2 { source, destination, vlan: self.vlan })
    }

    /// The borrowed form; its lists lie in `arena`.
    pub fn view<'a>(&'a self, arena: &'a Bump) -> Transaction<'a> {
        let points = arena.alloc_slice_fill_iter(self.points.iter().map(|point| self.store.point(point, arena)));
        Transaction {
            protocol: self.protocol,
            client: self.client,
            unit: self.unit,
            function: self.function,
            sub_function: self.sub_function,
            access: self.access,
            points,
            outcome: self.outcome,
            anomalies: self.anomalies,
            tag: self.tag,
            request: self.request,
            response: self.response,
            completed: self.completed,
            detail: self.store.fields(self.detail, arena),
        }
    }
}

/// An identity observation, independent of the stream's buffers.
#[derive(Debug)]
pub struct OwnedObservation {
    /// The address that is described.
    pub address: Address,
    /// Index into the registry.
    pub protocol: u8,
    /// The device behind the address.
    pub unit: Option<u32>,
    /// As in [`Observation`].
    pub attribute: &'static str,
    /// As in [`Observation`].
    pub field: &'static str,
    /// The packet that said so.
    pub at: Moment,
    value: Kept,
    store: Store,
}

impl OwnedObservation {
    /// Copies an observation.
    pub fn new(address: Address, protocol: u8, observation: &Observation<'_>) -> Self {
        let mut store = Store::default();
        let value = store.keep(&observation.value, 0);
        let Observation { unit, attribute, field, at, .. } = *observation;
        OwnedObservation { address, protocol, unit, attribute, field, at, value, store }
    }

    /// The value in its borrowed form; lists lie in `arena`.
    pub fn value<'a>(&'a self, arena: &'a Bump) -> Value<'a> {
        self.store.value(&self.value, arena)
    }
}
