//! Points with value, quality and time (IEEE 1815-2012, annex A). Points side by side that have the same quality and time are one
//! range, so that a poll of hundreds is few points in the record, and nothing is lost.

use bumpalo::Bump;
use bumpalo::collections::Vec as List;

use super::objects::{Block, Prefix, Range, number};
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
    pub(super) fn allow(&mut self, count: usize) -> bool {
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

    pub(super) fn tell_time(&mut self, at: u64, time: Time, fields: &mut List<'b, Field<'b>>) {
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
    pub(super) fn push(
        &mut self,
        kind: Kind,
        access: Access,
        range: (u32, u32),
        values: Values<'b>,
        fields: &'b [Field<'b>],
    ) {
        let (first, last) = (u64::from(range.0), u64::from(range.1));
        self.list.push(Point { kind: kind.index(), access, block: 0, first, last, name: None, values, fields });
    }

    /// Names of the set flags.
    #[inline]
    pub(super) fn quality(&self, kind: Kind, flags: u8) -> Value<'b> {
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
