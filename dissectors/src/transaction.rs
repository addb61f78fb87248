//! The one record that every protocol is turned into (DESIGN.md, section 3).
//!
//! A dissector builds a [`Transaction`] from borrowed bytes and hands it over; nothing is copied or formatted unless the gate
//! delivers it or a line of JSON is asked for.

use crate::address::{Moment, Side};

/// What kind of thing is done, the same for all protocols; ordered by gravity, a transaction's is the gravest of its points'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Access {
    #[default]
    Session = 0,
    Report = 1,
    Identify = 2,
    Read = 3,
    Configure = 4,
    Write = 5,
    Mode = 6,
    Program = 7,
}

impl Access {
    /// All, in order of gravity.
    pub const ALL: [Access; 8] = [
        Access::Session,
        Access::Report,
        Access::Identify,
        Access::Read,
        Access::Configure,
        Access::Write,
        Access::Mode,
        Access::Program,
    ];

    /// The word used everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Access::Session => "session",
            Access::Report => "report",
            Access::Identify => "identify",
            Access::Read => "read",
            Access::Configure => "configure",
            Access::Write => "write",
            Access::Mode => "mode",
            Access::Program => "program",
        }
    }
}

/// A raw code and its name; an unknown code keeps its number and has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Code {
    /// As on the wire.
    pub code: u32,
    /// From the protocol's tables.
    pub name: Option<&'static str>,
}

/// A sub-function; S7 userdata has a group beside the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SubFunction {
    /// Group, where the protocol has one.
    pub group: Option<u32>,
    /// As on the wire.
    pub code: u32,
    /// From the protocol's tables.
    pub name: Option<&'static str>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The response says it was done.
    Accepted,
    /// The response says no, with its code.
    Rejected(Code),
    /// No response in time, both directions seen, nothing lost.
    Unanswered,
    /// The response was not seen.
    Unknown,
}

impl Outcome {
    /// Index of the kind, for tallies: accepted, rejected, unanswered, unknown.
    #[inline]
    pub fn index(self) -> usize {
        match self {
            Outcome::Accepted => 0,
            Outcome::Rejected(_) => 1,
            Outcome::Unanswered => 2,
            Outcome::Unknown => 3,
        }
    }

    /// The names in the order of [`Outcome::index`].
    pub const NAMES: [&'static str; 4] = ["accepted", "rejected", "unanswered", "unknown"];
}

/// A set of anomalies, one bit each; bit `i` has the name `anomalies[i]` in its protocol's tables. Only ever added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Anomalies(pub u64);

impl Anomalies {
    /// Adds the anomaly with this bit number when `present`.
    #[inline]
    pub fn set(&mut self, bit: u8, present: bool) {
        self.0 |= u64::from(present) << (bit & 63);
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One value of a protocol's own field or of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    /// Text as sent; bytes that are not UTF-8 are written as U+FFFD.
    Text(&'a [u8]),
    /// Raw bytes, written as lower-case hex.
    Hex(&'a [u8]),
    List(&'a [Value<'a>]),
    Object(&'a [Field<'a>]),
}

/// A named value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// Name as in the output.
    pub name: &'static str,
    /// Its value.
    pub value: Value<'a>,
}

/// A number as it lies on the wire, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Number {
    Bool,
    U8,
    U16,
    I16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
}

impl Number {
    /// Bytes that one takes.
    #[inline]
    pub fn size(self) -> usize {
        match self {
            Number::Bool | Number::U8 => 1,
            Number::U16 | Number::I16 => 2,
            Number::U32 | Number::I32 | Number::F32 => 4,
            Number::U64 | Number::I64 | Number::F64 => 8,
        }
    }

    /// Reads one; bytes of another length are null.
    #[inline]
    pub fn read(self, bytes: &[u8]) -> Value<'static> {
        self.known(bytes).unwrap_or(Value::Null)
    }

    fn known(self, bytes: &[u8]) -> Option<Value<'static>> {
        Some(match self {
            Number::Bool => Value::Bool(*bytes.first()? & 1 == 1),
            Number::U8 => Value::Unsigned(u64::from(*bytes.first()?)),
            Number::U16 => Value::Unsigned(u64::from(u16::from_be_bytes(bytes.try_into().ok()?))),
            Number::I16 => Value::Signed(i64::from(i16::from_be_bytes(bytes.try_into().ok()?))),
            Number::U32 => Value::Unsigned(u64::from(u32::from_be_bytes(bytes.try_into().ok()?))),
            Number::I32 => Value::Signed(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
            Number::F32 => Value::Float(f64::from(f32::from_be_bytes(bytes.try_into().ok()?))),
            Number::U64 => Value::Unsigned(u64::from_be_bytes(bytes.try_into().ok()?)),
            Number::I64 => Value::Signed(i64::from_be_bytes(bytes.try_into().ok()?)),
            Number::F64 => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        })
    }

    /// All numbers of these bytes.
    #[inline]
    pub fn all(self, bytes: &[u8]) -> impl ExactSizeIterator<Item = Value<'static>> + '_ {
        bytes.chunks_exact(self.size()).map(move |chunk| self.read(chunk))
    }
}

/// The values of a point, read from the wire only when somebody asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values<'a> {
    /// Not seen.
    Unseen,
    /// `count` bits, least significant bit of the first byte first; each is 0 or 1.
    Bits {
        /// The bytes.
        bytes: &'a [u8],
        /// Number of bits.
        count: u32,
    },
    /// Big-endian 16-bit words.
    Words(&'a [u8]),
    /// Big-endian numbers of another size.
    Numbers {
        /// The bytes, whole numbers of them.
        bytes: &'a [u8],
        /// What each is.
        of: Number,
    },
    /// Anything else, already typed.
    Typed(&'a [Value<'a>]),
}

impl Values<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        match *self {
            Values::Unseen => 0,
            Values::Bits { bytes, count } => {
                usize::try_from(count).unwrap_or(usize::MAX).min(bytes.len().saturating_mul(8))
            }
            Values::Words(bytes) => bytes.len() / 2,
            Values::Numbers { bytes, of } => bytes.len() / of.size(),
            Values::Typed(list) => list.len(),
        }
    }
}

impl Point<'_> {
    /// Addresses that each value is for: numbers and typed values are spread evenly over the point's addresses, where they can be (a
    /// real takes 32 bits of S7's memory).
    pub fn width(&self) -> u64 {
        if !matches!(self.values, Values::Typed(_) | Values::Numbers { .. }) {
            return 1;
        }
        let addresses = u128::from(self.last.saturating_sub(self.first)).saturating_add(1);
        let values = u128::try_from(self.values.count()).unwrap_or(u128::MAX);
        let width = addresses.checked_div(values).filter(|width| width.saturating_mul(values) == addresses);
        width.map_or(1, |width| u64::try_from(width).unwrap_or(u64::MAX))
    }
}

/// What it is done to: a range of addresses of one kind, or a named thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point<'a> {
    /// Index into the protocol's `point_kinds`.
    pub kind: u8,
    /// What it is done with.
    pub access: Access,
    /// Block, data block number, namespace; 0 where the kind has none.
    pub block: u32,
    /// First address.
    pub first: u64,
    /// Last address.
    pub last: u64,
    /// Its name where it has one instead of an address (a symbolic identifier), as sent.
    pub name: Option<&'a [u8]>,
    /// Values, in address order.
    pub values: Values<'a>,
    /// The protocol's own fields of this point (DNP3 object, quality flags).
    pub fields: &'a [Field<'a>],
}

/// A request with its response, or a report that nobody asked for, over bytes that are still in the stream's buffers.
#[derive(Debug, Clone, Copy)]
pub struct Transaction<'a> {
    /// Index into the registry ([`crate::protocols::PROTOCOLS`]); not always the flow's own (UMAS rides on Modbus).
    pub protocol: u8,
    /// Who asks, or receives a report.
    pub client: Side,
    /// The device behind the address, in the protocol's own number (printed by its `unit` function).
    pub unit: Option<u32>,
    /// What is done.
    pub function: Code,
    /// More exactly.
    pub sub_function: Option<SubFunction>,
    /// What kind of thing that is.
    pub access: Access,
    /// To what.
    pub points: &'a [Point<'a>],
    /// How it ended.
    pub outcome: Outcome,
    /// What is wrong with it.
    pub anomalies: Anomalies,
    /// What else makes it another operation (OPC UA: a number for user and security mode); 0 for nothing.
    pub tag: u32,
    /// The packet that completed the request; `None` where it was not seen.
    pub request: Option<Moment>,
    /// The packet that completed the response.
    pub response: Option<Moment>,
    /// When it was complete (response, report, or deadline), on the capture clock, ns.
    pub completed: u64,
    /// The protocol's own fields, written as an object under its name.
    pub detail: &'a [Field<'a>],
}

/// Something that a device says of itself, or that is seen of it: an attribute with the packet that said so.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Index into the registry.
    pub protocol: u8,
    /// Which side of the flow is described.
    pub side: Side,
    /// The device behind the address, `None` for the address itself.
    pub unit: Option<u32>,
    /// Attribute (`vendor`, `product`, `model`, `firmware`, `name`, …; [`crate::protocols`] tables).
    pub attribute: &'static str,
    /// Its value.
    pub value: Value<'a>,
    /// The field that said so (`modbus.device_identification.vendor_name`).
    pub field: &'static str,
    /// The packet that said so.
    pub at: Moment,
}
