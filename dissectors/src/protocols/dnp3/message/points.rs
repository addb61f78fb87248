//! Points with value, quality and time (IEEE 1815-2012, annex A). Points side by side that have the same quality and time are one
//! range, so that a poll of hundreds is few points in the record, and nothing is lost.

use bumpalo::Bump;
use bumpalo::collections::Vec as List;

use super::objects::{Block, Prefix, Range, next_object, number, size};
use crate::cursor::Cursor;
use crate::protocols::dnp3::tables::objects::{self, Layout, Num, Time};
use crate::protocols::dnp3::tables::{Kind, LAST_INDEX, anomaly};
use crate::transaction::{Access, Anomalies, Field, Point, Value, Values};

/// Points that are told of one message.
pub const MAX_POINTS: usize = 32_768;

/// A common time of occurrence.
#[derive(Debug, Clone, Copy)]
struct CommonTime {
    time: u64,
    synchronized: bool,
}

/// Points of a record, as they are found.
#[derive(Debug)]
pub struct Points<'b> {
    arena: &'b Bump,
    /// The points so far.
    pub list: List<'b, Point<'b>>,
    /// What was wrong.
    pub anomalies: Anomalies,
    common: Option<CommonTime>,
    left: usize,
}

/// What a point has beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facet {
    index: u32,
    flags: Option<u8>,
    time: Option<u64>,
}

/// How the objects of a block are read: octets of prefix, flags or none, value, time.
#[derive(Debug, Clone, Copy)]
struct Shape {
    prefix: u8,
    flags: bool,
    num: Num,
    time: Time,
}

impl<'b> Points<'b> {
    /// None yet.
    #[inline]
    pub fn new(arena: &'b Bump) -> Self {
        let list = List::with_capacity_in(8, arena);
        Points { arena, list, anomalies: Anomalies::default(), common: None, left: MAX_POINTS }
    }

    /// Where lists of the record are put.
    #[inline]
    pub fn arena(&self) -> &'b Bump {
        self.arena
    }

    /// What an object is called.
    #[inline]
    pub fn name_of(&self, code: (u8, u8)) -> &'b [u8] {
        match objects::row(code.0, code.1) {
            Some(row) => row.name.as_bytes(),
            None => self.arena.alloc_str(&format!("g{}v{}", code.0, code.1)).as_bytes(),
        }
    }

    /// A common time belongs to the objects behind it in the same fragment.
    pub fn begin_fragment(&mut self) {
        self.common = None;
    }

    /// Takes so many points from what may be told.
    #[inline]
    fn allow(&mut self, count: usize) -> bool {
        let allowed = count <= self.left;
        self.anomalies.set(anomaly::TOO_MANY_POINTS, !allowed);
        self.left = self.left.saturating_sub(count);
        allowed
    }

    /// Adds the points of a block with their values.
    #[inline]
    pub fn add(&mut self, block: &Block<'b>, access: Access) {
        let prefix = match block.prefix {
            Prefix::Index(octets) => octets,
            _ => 0,
        };
        match block.layout {
            Layout::Fixed { flags, num, time } => self.fixed(block, Shape { prefix, flags, num, time }, access),
            Layout::Bits => self.bits(block, access),
            Layout::Pairs => self.pairs(block, access),
            Layout::CommonTime(synchronized) => {
                let time = Cursor::new("dnp3.objects", block.data.get(usize::from(prefix)..).unwrap_or_default());
                self.common = time48(time).map(|time| CommonTime { time, synchronized });
            }
            Layout::Nothing => self.named(block, access, &[]),
            Layout::Attribute => {}
            _ => self.others(block, access),
        }
    }

    /// Values of one length, one after the other.
    #[inline]
    fn fixed(&mut self, block: &Block<'b>, shape: Shape, access: Access) {
        let Some(kind) = objects::kind(block.code.0) else { return };
        let count = block.data.len().checked_div(block.stride).unwrap_or(0);
        if block.stride == 0 || count == 0 || !self.allow(count) {
            return;
        }
        let values = shape.values(self.arena, block);
        let chunks = block.data.chunks_exact(block.stride);
        if let Some(facet) = shape.common(block) {
            let last = block.first().saturating_add(u32::try_from(count).unwrap_or(u32::MAX)).saturating_sub(1);
            return self.run(block, kind, access, (facet, last, values), Time::None);
        }
        let mut first = block.first();
        let mut start = 0_usize;
        let mut run: Option<(Facet, u32)> = None;
        for (place, chunk) in chunks.enumerate() {
            let Some(facet) = shape.facet(chunk, first) else { break };
            first = first.wrapping_add(1);
            run = match run {
                Some((head, last)) if last.checked_add(1) == Some(facet.index) && head.same(&facet) => {
                    Some((head, facet.index))
                }
                Some((head, last)) => {
                    self.run(
                        block,
                        kind,
                        access,
                        (head, last, values.get(start..place).unwrap_or_default()),
                        shape.time,
                    );
                    start = place;
                    Some((facet, facet.index))
                }
                None => Some((facet, facet.index)),
            };
        }
        if let Some((head, last)) = run {
            self.run(block, kind, access, (head, last, values.get(start..).unwrap_or_default()), shape.time);
        }
    }

    /// One range of points.
    #[inline]
    fn run(&mut self, block: &Block<'b>, kind: Kind, access: Access, run: (Facet, u32, &'b [Value<'b>]), time: Time) {
        let (head, last, values) = run;
        let mut fields = List::with_capacity_in(4, self.arena);
        fields.push(Field { name: "object", value: Value::Text(self.name_of(block.code)) });
        if let Some(flags) = head.flags {
            fields.push(Field { name: "quality", value: self.quality(kind, flags) });
        }
        if let Some(at) = head.time {
            self.tell_time(at, time, &mut fields);
        }
        self.push(kind, access, (head.index, last), Values::Typed(values), fields.into_bump_slice());
    }

    fn tell_time(&mut self, at: u64, time: Time, fields: &mut List<'b, Field<'b>>) {
        match (time, self.common) {
            (Time::Relative, Some(common)) => {
                let at = common.time.saturating_add(at);
                fields.push(Field { name: "time_ms", value: Value::Unsigned(at) });
                if !common.synchronized {
                    fields.push(Field { name: "synchronized", value: Value::Bool(false) });
                }
            }
            (Time::Relative, None) => {
                self.anomalies.set(anomaly::TIME_WITHOUT_CTO, true);
                fields.push(Field { name: "relative_time_ms", value: Value::Unsigned(at) });
            }
            _ => fields.push(Field { name: "time_ms", value: Value::Unsigned(at) }),
        }
    }

    #[inline]
    fn push(&mut self, kind: Kind, access: Access, range: (u32, u32), values: Values<'b>, fields: &'b [Field<'b>]) {
        let (first, last) = (u64::from(range.0), u64::from(range.1));
        self.list.push(Point { kind: kind.index(), access, block: 0, first, last, name: None, values, fields });
    }

    /// Names of the set flags.
    #[inline]
    fn quality(&self, kind: Kind, flags: u8) -> Value<'b> {
        static ONLINE: [Value<'static>; 1] = [Value::Text(b"online")];
        if flags == 1 {
            return Value::List(&ONLINE);
        }
        let set = (0..8_u8).filter(|bit| flags >> bit & 1 == 1);
        let names = set.map(|bit| Value::Text(objects::flag(Some(kind), bit).as_bytes()));
        let mut list = List::with_capacity_in(8, self.arena);
        list.extend(names);
        Value::List(list.into_bump_slice())
    }

    /// The field that every point has.
    #[inline]
    fn only_object(&self, code: (u8, u8)) -> &'b [Field<'b>] {
        self.arena.alloc([Field { name: "object", value: Value::Text(self.name_of(code)) }])
    }

    fn bits(&mut self, block: &Block<'b>, access: Access) {
        let (Some(kind), Range::Span(first, last)) = (objects::kind(block.code.0), block.range) else { return };
        if self.allow(usize::try_from(block.count()).unwrap_or(usize::MAX)) {
            let values = Values::Bits { bytes: block.data, count: block.count() };
            self.push(kind, access, (first, last), values, self.only_object(block.code));
        }
    }

    fn pairs(&mut self, block: &Block<'b>, access: Access) {
        let (Some(kind), Range::Span(first, last)) = (objects::kind(block.code.0), block.range) else { return };
        if !self.allow(usize::try_from(block.count()).unwrap_or(usize::MAX)) {
            return;
        }
        let pair = |place: u32| {
            let octet = usize::try_from(place / 4).ok().and_then(|place| block.data.get(place)).copied();
            Value::Unsigned(u64::from(octet.unwrap_or(0) >> ((place & 3) << 1) & 3))
        };
        let mut values = List::new_in(self.arena);
        values.extend((0..block.count()).map(pair));
        self.push(kind, access, (first, last), Values::Typed(values.into_bump_slice()), self.only_object(block.code));
    }

    /// Points that a message names and gives no value.
    pub fn named(&mut self, block: &Block<'b>, access: Access, more: &[Field<'b>]) {
        let Some(kind) = objects::kind(block.code.0).filter(|&kind| kind != Kind::Class) else { return };
        let mut fields = List::new_in(self.arena);
        fields.push(Field { name: "object", value: Value::Text(self.name_of(block.code)) });
        fields.extend(more.iter().copied());
        let fields = fields.into_bump_slice();
        let range = match (block.range, block.prefix) {
            (Range::Span(first, last), _) => (first, last),
            (_, Prefix::Index(octets)) => return self.listed(block, (kind, access, octets), fields),
            (Range::Count(count), _) => (0, count.saturating_sub(1)),
            (Range::All, _) => (0, u32::try_from(LAST_INDEX).unwrap_or(u32::MAX)),
        };
        if self.allow(1) {
            self.push(kind, access, range, Values::Unseen, fields);
        }
    }

    /// Points whose indexes are listed.
    fn listed(&mut self, block: &Block<'b>, what: (Kind, Access, u8), fields: &'b [Field<'b>]) {
        let (kind, access, octets) = what;
        let mut cursor = Cursor::new("dnp3.objects", block.data);
        let mut run: Option<(u32, u32)> = None;
        while cursor.remaining() > 0 && self.allow(1) {
            let Ok(index) = number(&mut cursor, octets) else { break };
            run = match run {
                Some((first, last)) if last.checked_add(1) == Some(index) => Some((first, index)),
                Some(range) => {
                    self.push(kind, access, range, Values::Unseen, fields);
                    Some((index, index))
                }
                None => Some((index, index)),
            };
        }
        if let Some(range) = run {
            self.push(kind, access, range, Values::Unseen, fields);
        }
    }

    /// Strings, decimal digits, statistics, command events, raw octets: one point each.
    fn others(&mut self, block: &Block<'b>, access: Access) {
        let Some(kind) = objects::kind(block.code.0) else { return };
        let mut cursor = Cursor::new("dnp3.objects", block.data);
        let octets = size(block.layout, block.code.1).unwrap_or(0);
        let mut index = block.first();
        while cursor.remaining() > 0 && self.allow(1) {
            let before = cursor.remaining();
            let read = match block.prefix {
                Prefix::None => cursor.take(octets).map(|object| (index, object)),
                Prefix::Index(prefix) => {
                    number(&mut cursor, prefix).and_then(|index| Ok((index, cursor.take(octets)?)))
                }
                Prefix::Size(_) => next_object(&mut cursor, block).map(|(_, object)| (index, object)),
            };
            let Ok((place, object)) = read else { break };
            if cursor.remaining() == before {
                break;
            }
            index = index.wrapping_add(1);
            self.other(block, (kind, access, place), object);
        }
    }

    fn other(&mut self, block: &Block<'b>, what: (Kind, Access, u32), object: &'b [u8]) {
        let (kind, access, index) = what;
        let mut fields = List::new_in(self.arena);
        fields.push(Field { name: "object", value: Value::Text(self.name_of(block.code)) });
        let value = self.value_of(block.layout, kind, object, &mut fields);
        let values = value.map_or(Values::Unseen, |value| Values::Typed(self.arena.alloc([value])));
        self.push(kind, access, (index, index), values, fields.into_bump_slice());
    }

    fn value_of(
        &mut self,
        layout: Layout,
        kind: Kind,
        object: &'b [u8],
        fields: &mut List<'b, Field<'b>>,
    ) -> Option<Value<'b>> {
        let mut cursor = Cursor::new("dnp3.objects", object);
        match layout {
            // A terminal's screen or keys: a password may be among them.
            Layout::String if kind == Kind::VirtualTerminal => {
                let octets = u64::try_from(object.len()).unwrap_or(u64::MAX);
                fields.push(Field { name: "octets", value: Value::Unsigned(octets) });
                None
            }
            Layout::String => Some(text_or_hex(object)),
            Layout::Bcd(_) => {
                let value = decimal(object);
                self.anomalies.set(anomaly::INVALID_VALUE, value.is_none());
                Some(value.map_or(Value::Hex(object), Value::Unsigned))
            }
            Layout::Statistic(time) => {
                let flags = cursor.u8().ok()?;
                fields.push(Field { name: "quality", value: self.quality(kind, flags) });
                let association = u64::from(cursor.u16_le().ok()?);
                fields.push(Field { name: "association", value: Value::Unsigned(association) });
                let count = cursor.u32_le().ok()?;
                self.time_field(cursor, time, fields);
                Some(Value::Unsigned(u64::from(count)))
            }
            Layout::CommandState(time) => {
                let octet = cursor.u8().ok()?;
                fields.push(super::controls::status_field(self.arena, octet & 0x7F));
                self.time_field(cursor, time, fields);
                Some(Value::Unsigned(u64::from(octet >> 7)))
            }
            Layout::CommandValue(num, time) => {
                let status = cursor.u8().ok()?;
                fields.push(super::controls::status_field(self.arena, status & 0x7F));
                let value = read(num, 0, &mut cursor);
                self.time_field(cursor, time, fields);
                value
            }
            _ => Some(Value::Hex(object)),
        }
    }

    fn time_field(&mut self, cursor: Cursor<'_>, time: Time, fields: &mut List<'b, Field<'b>>) {
        if time == Time::Absolute
            && let Some(at) = time48(cursor)
        {
            self.tell_time(at, time, fields);
        }
    }
}

impl Facet {
    #[inline]
    fn same(&self, other: &Facet) -> bool {
        self.flags == other.flags && self.time == other.time
    }
}

impl Shape {
    /// The values of a block.
    #[inline]
    fn values<'b>(self, arena: &'b Bump, block: &Block<'b>) -> &'b [Value<'b>] {
        let (data, stride, flags) = (block.data, block.stride, usize::from(self.prefix));
        let at = flags.saturating_add(usize::from(self.flags));
        match self.num {
            Num::State => each(arena, data, (stride, flags), |[f]| Value::Unsigned(u64::from(f >> 7))),
            Num::DoubleState => each(arena, data, (stride, flags), |[f]| Value::Unsigned(u64::from(f >> 6))),
            Num::U8 => each(arena, data, (stride, at), |[n]| Value::Unsigned(u64::from(n))),
            Num::U16 => each(arena, data, (stride, at), |n| Value::Unsigned(u64::from(u16::from_le_bytes(n)))),
            Num::U32 => each(arena, data, (stride, at), |n| Value::Unsigned(u64::from(u32::from_le_bytes(n)))),
            Num::I16 => each(arena, data, (stride, at), |n| Value::Signed(i64::from(i16::from_le_bytes(n)))),
            Num::I32 => each(arena, data, (stride, at), |n| Value::Signed(i64::from(i32::from_le_bytes(n)))),
            Num::F32 => each(arena, data, (stride, at), |n| Value::Float(f64::from(f32::from_le_bytes(n)))),
            Num::F64 => each(arena, data, (stride, at), |n| Value::Float(f64::from_le_bytes(n))),
        }
    }

    /// Bits of the flags that are no value.
    #[inline]
    fn mask(self) -> u8 {
        match self.num {
            Num::State => 0x7F,
            Num::DoubleState => 0x3F,
            _ => 0xFF,
        }
    }

    /// What all points of a block without indexes and times have in common.
    #[inline]
    fn common(self, block: &Block<'_>) -> Option<Facet> {
        if self.prefix != 0 || self.time != Time::None {
            return None;
        }
        let (head, mask) = (*block.data.first()?, self.mask());
        let flags = block.data.chunks_exact(block.stride).filter_map(|chunk| chunk.first());
        let differing = flags.fold(0, |differing, flag| differing | ((flag ^ head) & mask));
        let same = !self.flags || differing == 0;
        same.then_some(Facet { index: block.first(), flags: self.flags.then_some(head & mask), time: None })
    }

    #[inline]
    fn facet(self, chunk: &[u8], index: u32) -> Option<Facet> {
        let mut cursor = Cursor::new("dnp3.objects", chunk);
        let index = if self.prefix == 0 { index } else { number(&mut cursor, self.prefix).ok()? };
        let flags = if self.flags { Some(cursor.u8().ok()? & self.mask()) } else { None };
        let time = match self.time {
            Time::None => None,
            Time::Absolute => time48(Cursor::new("dnp3.objects", chunk.get(chunk.len().checked_sub(6)?..)?)),
            Time::Relative => {
                let [t0, t1] = *chunk.last_chunk::<2>()?;
                Some(u64::from(u16::from_le_bytes([t0, t1])))
            }
        };
        Some(Facet { index, flags, time })
    }
}

/// A value of each object: `N` octets at a place (stride, offset).
#[inline]
fn each<'b, const N: usize>(
    arena: &'b Bump,
    data: &[u8],
    place: (usize, usize),
    value: impl Fn([u8; N]) -> Value<'b>,
) -> &'b [Value<'b>] {
    let (stride, offset) = place;
    let octets = |chunk: &[u8]| chunk.get(offset..).and_then(|rest| rest.first_chunk().copied());
    let values = data.chunks_exact(stride).map(|chunk| octets(chunk).map_or(Value::Null, &value));
    arena.alloc_slice_fill_iter(values)
}

/// A value; what the flags hold of it is taken from there.
#[inline]
pub fn read(num: Num, flags: u8, cursor: &mut Cursor<'_>) -> Option<Value<'static>> {
    Some(match num {
        Num::State => Value::Unsigned(u64::from(flags >> 7)),
        Num::DoubleState => Value::Unsigned(u64::from(flags >> 6)),
        Num::U8 => Value::Unsigned(u64::from(cursor.u8().ok()?)),
        Num::U16 => Value::Unsigned(u64::from(cursor.u16_le().ok()?)),
        Num::U32 => Value::Unsigned(u64::from(cursor.u32_le().ok()?)),
        Num::I16 => Value::Signed(i64::from(i16::from_le_bytes(cursor.array().ok()?))),
        Num::I32 => Value::Signed(i64::from(i32::from_le_bytes(cursor.array().ok()?))),
        Num::F32 => Value::Float(f64::from(f32::from_le_bytes(cursor.array().ok()?))),
        Num::F64 => Value::Float(f64::from_le_bytes(cursor.array().ok()?)),
    })
}

/// A 48-bit time.
#[inline]
pub fn time48(mut cursor: Cursor<'_>) -> Option<u64> {
    let [a, b, c, d, e, f] = cursor.array().ok()?;
    Some(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
}

/// Text where it is printable, else octets.
pub fn text_or_hex(octets: &[u8]) -> Value<'_> {
    let end = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last.saturating_add(1));
    let text = octets.get(..end).unwrap_or_default();
    let printable = std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(char::is_control));
    if printable && !text.is_empty() { Value::Text(text) } else { Value::Hex(octets) }
}

/// Packed decimal digits, the least significant first.
fn decimal(octets: &[u8]) -> Option<u64> {
    octets.iter().rev().try_fold(0_u64, |sum, &octet| {
        let (high, low) = (u64::from(octet >> 4), u64::from(octet & 15));
        (high <= 9 && low <= 9)
            .then(|| sum.saturating_mul(100).saturating_add(high.saturating_mul(10)).saturating_add(low))
    })
}
