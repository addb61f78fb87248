//! Object headers (IEEE 1815-2012, 4.2.2.7): group, variation, qualifier, range, and the octets that belong to them.

use crate::cursor::{Cursor, Incomplete};
use crate::protocols::dnp3::tables::anomaly;
use crate::protocols::dnp3::tables::objects::{self, Layout, Num, Time};
use crate::transaction::Anomalies;

/// Object headers that are read of one message.
pub const MAX_OBJECTS: usize = 512;

/// What a header says of the points it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// All there are.
    All,
    /// From, to.
    Span(u32, u32),
    /// So many; each object says which, or they are simply the first.
    Count(u32),
}

/// What stands before each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Nothing.
    None,
    /// Its index in so many octets.
    Index(u8),
    /// Its size in so many octets.
    Size(u8),
}

impl Prefix {
    #[inline]
    fn octets(self) -> u8 {
        match self {
            Prefix::None => 0,
            Prefix::Index(octets) | Prefix::Size(octets) => octets,
        }
    }
}

/// An object header with its octets.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Group and variation.
    pub code: (u8, u8),
    /// As on the wire.
    pub qualifier: u8,
    /// Which points.
    pub range: Range,
    /// What stands before each object.
    pub prefix: Prefix,
    /// How the objects are laid out; [`Layout::Nothing`] where they carry no octets in this message.
    pub layout: Layout,
    /// Prefixes and objects.
    pub data: &'a [u8],
    /// Octets of one object, prefix included, where all have the same.
    pub stride: usize,
}

impl Block<'_> {
    /// Number of objects; 0 for all.
    #[inline]
    pub fn count(&self) -> u32 {
        match self.range {
            Range::All => 0,
            Range::Span(first, last) => last.saturating_sub(first).saturating_add(1),
            Range::Count(count) => count,
        }
    }

    /// Index of the first object.
    #[inline]
    pub fn first(&self) -> u32 {
        match self.range {
            Range::Span(first, _) => first,
            _ => 0,
        }
    }
}

/// Goes through the object headers of a message.
#[derive(Debug)]
pub struct Walk<'a> {
    cursor: Cursor<'a>,
    /// Objects carry no octets, as in a read.
    bare: bool,
    blocks: usize,
    /// What was wrong.
    pub anomalies: Anomalies,
    /// Octets that could not be read.
    pub unread: usize,
}

impl<'a> Walk<'a> {
    /// Over these octets; `bare` where the function's objects carry none.
    #[inline]
    pub fn new(bytes: &'a [u8], bare: bool) -> Self {
        Walk { cursor: Cursor::new("dnp3.objects", bytes), bare, blocks: 0, anomalies: Anomalies::default(), unread: 0 }
    }

    fn stop(&mut self, anomaly: u8) {
        self.anomalies.set(anomaly, true);
        self.unread = self.cursor.remaining();
        self.cursor = Cursor::new("dnp3.objects", &[]);
    }

    fn read(&mut self) -> Result<Option<Block<'a>>, Incomplete> {
        let [group, variation, qualifier] = self.cursor.array()?;
        let Some(prefix) = prefix(qualifier) else { return Ok(self.refuse()) };
        let Some(range) = range(&mut self.cursor, qualifier)? else { return Ok(self.refuse()) };
        if matches!(range, Range::Span(first, last) if first > last) {
            self.stop(anomaly::INVALID_RANGE);
            return Ok(None);
        }
        self.anomalies.set(anomaly::INVALID_RANGE, range == Range::Count(0));
        let Some(layout) = objects::layout(group, variation) else {
            // What cannot carry octets is known by name alone.
            let block = Block {
                code: (group, variation),
                qualifier,
                range,
                prefix,
                layout: Layout::Nothing,
                data: &[],
                stride: 0,
            };
            self.anomalies.set(anomaly::UNKNOWN_OBJECT, true);
            return match (self.bare, prefix) {
                (true, Prefix::None) => Ok(Some(block)),
                _ => self.unknown(block),
            };
        };
        let layout = if self.bare && !carries(layout, qualifier) { Layout::Nothing } else { layout };
        let block = Block { code: (group, variation), qualifier, range, prefix, layout, data: &[], stride: 0 };
        let Some(stride) = stride(&block) else { return Ok(self.refuse()) };
        self.octets(block, stride).map(Some)
    }

    /// The octets that belong to a header.
    #[inline]
    fn octets(&mut self, block: Block<'a>, stride: Stride) -> Result<Block<'a>, Incomplete> {
        let data = match stride {
            Stride::Fixed(octets) => {
                self.cursor.take(usize::try_from(block.count()).unwrap_or(usize::MAX).saturating_mul(octets))?
            }
            Stride::Packed(each) => {
                let bits = u64::from(block.count()).saturating_mul(u64::from(each));
                self.cursor.take(usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX))?
            }
            Stride::Each => self.each(&block)?,
        };
        let stride = if let Stride::Fixed(octets) = stride { octets } else { 0 };
        Ok(Block { data, stride, ..block })
    }

    /// Objects that say their own size.
    fn each(&mut self, block: &Block<'_>) -> Result<&'a [u8], Incomplete> {
        let (start, all) = (self.cursor.offset(), self.cursor.rest());
        for _ in 0..block.count() {
            let before = self.cursor.offset();
            match next_object(&mut self.cursor, block) {
                Ok(_) if self.cursor.offset() > before => {}
                Ok(_) => break,
                Err(place) => return Err(place),
            }
        }
        Ok(all.get(..self.cursor.offset().saturating_sub(start)).unwrap_or_default())
    }

    /// An object that the specification does not have: its octets are known where each says its size.
    fn unknown(&mut self, block: Block<'a>) -> Result<Option<Block<'a>>, Incomplete> {
        match (block.prefix, self.bare) {
            (Prefix::Size(_), _) => {
                let data = self.each(&Block { layout: Layout::Free, ..block })?;
                Ok(Some(Block { data, layout: Layout::Free, ..block }))
            }
            (Prefix::Index(octets), true) => {
                let count = usize::try_from(block.count()).unwrap_or(usize::MAX);
                let data = self.cursor.take(count.saturating_mul(usize::from(octets)))?;
                Ok(Some(Block { data, stride: usize::from(octets), ..block }))
            }
            _ => {
                self.stop(anomaly::UNKNOWN_OBJECT);
                Ok(Some(block))
            }
        }
    }

    fn refuse(&mut self) -> Option<Block<'a>> {
        self.stop(anomaly::INVALID_QUALIFIER);
        None
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Block<'a>;

    #[inline]
    fn next(&mut self) -> Option<Block<'a>> {
        if self.cursor.remaining() == 0 {
            return None;
        }
        if self.blocks >= MAX_OBJECTS {
            self.stop(anomaly::TOO_MANY_OBJECTS);
            return None;
        }
        self.blocks = self.blocks.saturating_add(1);
        let before = self.cursor;
        match self.read() {
            Ok(block) => block,
            Err(_) => {
                self.cursor = before;
                self.stop(anomaly::TRUNCATED_OBJECT);
                None
            }
        }
    }
}

/// The next object of a block whose objects say their own size: prefix (index or size) and octets.
pub fn next_object<'a>(cursor: &mut Cursor<'a>, block: &Block<'_>) -> Result<(u32, &'a [u8]), Incomplete> {
    let prefix = number(cursor, block.prefix.octets())?;
    let octets = match (block.prefix, block.layout) {
        (Prefix::Size(_), _) => cursor.take(usize::try_from(prefix).unwrap_or(usize::MAX))?,
        (_, Layout::Attribute) => framed(cursor, 1, 1)?,
        (_, Layout::Registration) => framed(cursor, 6, 2)?,
        _ => &[],
    };
    Ok((prefix, octets))
}

/// An object of a fixed beginning whose last part is a length of what follows.
fn framed<'a>(cursor: &mut Cursor<'a>, fixed: usize, length: u8) -> Result<&'a [u8], Incomplete> {
    let mut ahead = *cursor;
    ahead.skip(fixed)?;
    let count = number(&mut ahead, length)?;
    let head = fixed.saturating_add(usize::from(length));
    cursor.take(head.saturating_add(usize::try_from(count).unwrap_or(usize::MAX)))
}

/// A little-endian number of 0, 1, 2 or 4 octets.
#[inline]
pub fn number(cursor: &mut Cursor<'_>, octets: u8) -> Result<u32, Incomplete> {
    match octets {
        0 => Ok(0),
        1 => cursor.u8().map(u32::from),
        2 => cursor.u16_le().map(u32::from),
        _ => cursor.u32_le(),
    }
}

#[inline]
fn prefix(qualifier: u8) -> Option<Prefix> {
    Some(match qualifier >> 4 {
        0 => Prefix::None,
        1 => Prefix::Index(1),
        2 => Prefix::Index(2),
        3 => Prefix::Index(4),
        4 => Prefix::Size(1),
        5 => Prefix::Size(2),
        6 => Prefix::Size(4),
        _ => return None,
    })
}

/// The range; virtual addresses (3 to 5) are read like indexes.
#[inline]
fn range(cursor: &mut Cursor<'_>, qualifier: u8) -> Result<Option<Range>, Incomplete> {
    Ok(Some(match qualifier & 0x0F {
        0 | 3 => Range::Span(number(cursor, 1)?, number(cursor, 1)?),
        1 | 4 => Range::Span(number(cursor, 2)?, number(cursor, 2)?),
        2 | 5 => Range::Span(number(cursor, 4)?, number(cursor, 4)?),
        6 => Range::All,
        7 | 11 => Range::Count(number(cursor, 1)?),
        8 => Range::Count(number(cursor, 2)?),
        9 => Range::Count(number(cursor, 4)?),
        _ => return Ok(None),
    }))
}

/// Objects that carry octets even where a function only names objects: times of a freeze, files, authentication.
fn carries(layout: Layout, qualifier: u8) -> bool {
    matches!(layout, Layout::Clock(_) | Layout::CommonTime(_) | Layout::Authentication) || qualifier & 0x0F == 11
}

/// How far it is from one object to the next.
enum Stride {
    Fixed(usize),
    Packed(u8),
    Each,
}

/// `None` where the qualifier does not fit the object.
#[inline]
fn stride(block: &Block<'_>) -> Option<Stride> {
    let prefix = usize::from(block.prefix.octets());
    let size = match (block.layout, block.prefix) {
        (Layout::Bits, Prefix::None) => return Some(Stride::Packed(1)),
        (Layout::Pairs, Prefix::None) => return Some(Stride::Packed(2)),
        (Layout::Nothing, Prefix::None | Prefix::Index(_)) => 0,
        (_, Prefix::Size(_)) | (Layout::Attribute | Layout::Registration, _) => return Some(Stride::Each),
        (layout, _) => size(layout, block.code.1)?,
    };
    Some(Stride::Fixed(prefix.saturating_add(size)))
}

/// Octets of an object, where its group and variation say it.
#[inline]
pub fn size(layout: Layout, variation: u8) -> Option<usize> {
    Some(match layout {
        Layout::Nothing => 0,
        Layout::Fixed { flags, num, time } => {
            usize::from(flags).saturating_add(width(num)).saturating_add(octets(time))
        }
        Layout::Crob => 11,
        Layout::AnalogCommand(num) => width(num).saturating_add(1),
        Layout::CommandState(time) => octets(time).saturating_add(1),
        Layout::CommandValue(num, time) => width(num).saturating_add(octets(time)).saturating_add(1),
        Layout::Clock(more) => usize::from(more).saturating_add(6),
        Layout::CommonTime(_) => 6,
        Layout::Delay(_) => 2,
        Layout::Bytes(octets) | Layout::Bcd(octets) => usize::from(octets),
        Layout::String => usize::from(variation),
        Layout::Statistic(time) => octets(time).saturating_add(7),
        // Without a size these two are short and fixed (A.45.4, A.45.5).
        Layout::Authentication if variation == 3 => 6,
        Layout::Authentication if variation == 4 => 2,
        _ => return None,
    })
}

#[inline]
fn width(num: Num) -> usize {
    match num {
        Num::State | Num::DoubleState => 0,
        Num::U8 => 1,
        Num::U16 | Num::I16 => 2,
        Num::U32 | Num::I32 | Num::F32 => 4,
        Num::F64 => 8,
    }
}

#[inline]
fn octets(time: Time) -> usize {
    match time {
        Time::None => 0,
        Time::Absolute => 6,
        Time::Relative => 2,
    }
}
