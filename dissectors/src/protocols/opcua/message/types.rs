//! The built-in types of the binary encoding (Part 6, 5.2.2).

pub use super::reader::Reader;
use crate::cursor::Incomplete;
use crate::protocols::opcua::tables::anomaly;
use crate::transaction::Value;

/// Why a body could not be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong {
    /// Where.
    pub place: Incomplete,
    /// The anomaly.
    pub bit: u8,
}

impl From<Incomplete> for Wrong {
    #[inline]
    fn from(place: Incomplete) -> Wrong {
        Wrong { place, bit: anomaly::MALFORMED_BODY }
    }
}

/// What a read gives.
pub type Read<T> = Result<T, Wrong>;

/// Who a node is within its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Identifier<'a> {
    Numeric(u32),
    String(&'a [u8]),
    Guid([u8; 16]),
    Opaque(&'a [u8]),
}

/// A node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId<'a> {
    /// Index of its namespace.
    pub namespace: u16,
    /// Who it is there.
    pub id: Identifier<'a>,
}

impl NodeId<'_> {
    /// `i=0` of the standard's namespace: no node at all.
    pub const NULL: NodeId<'static> = NodeId { namespace: 0, id: Identifier::Numeric(0) };

    /// The number of a node of the standard's namespace.
    #[inline]
    pub fn standard(&self) -> Option<u32> {
        match self.id {
            Identifier::Numeric(number) if self.namespace == 0 => Some(number),
            _ => None,
        }
    }
}

/// A node, perhaps of another server.
#[derive(Debug, Clone, Copy)]
pub struct ExpandedNodeId<'a> {
    /// The node.
    pub node: NodeId<'a>,
    /// Its namespace's URI, where that is told instead of the index.
    pub uri: Option<&'a [u8]>,
    /// Index of the server, 0 for this one.
    pub server: u32,
}

/// A name in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct QualifiedName<'a> {
    pub namespace: u16,
    pub name: &'a [u8],
}

/// A LocalizedText: locale and text.
pub type Localized<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// A structure with its type.
#[derive(Debug, Clone, Copy)]
pub struct Extension<'a> {
    /// Type of the encoding.
    pub type_id: NodeId<'a>,
    /// How it is encoded: 0 no body, 1 binary, 2 XML.
    pub encoding: u8,
    /// Its bytes.
    pub body: &'a [u8],
}

/// Ticks of 100 ns between 1601 and 1970.
const EPOCH: i64 = 116_444_736_000_000_000;

/// A DateTime as ns since 1970; null where it stands for no time.
#[inline]
pub fn time(ticks: i64) -> Value<'static> {
    if ticks <= 0 || ticks == i64::MAX {
        return Value::Null;
    }
    ticks.checked_sub(EPOCH).and_then(|ticks| ticks.checked_mul(100)).map_or(Value::Null, Value::Signed)
}
