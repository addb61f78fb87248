//! Point ranges, merged: what an operation or clause was done to, in bounded memory.

use crate::transaction::{Access, Point};

/// Ranges kept of one kind, access and block; beyond it the two that lie closest become one.
pub const MAX_RANGES: usize = 32;
/// Ranges kept of all kinds together; beyond it what opens a new group is only counted.
pub const MAX_RANGES_IN_ALL: usize = 128;
/// Named points kept; beyond it they are only counted.
pub const MAX_NAMES: usize = 32;
/// Bytes of a name that are kept.
const MAX_NAME_BYTES: usize = 256;

/// A range of addresses of one kind, access and block, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub first: u64,
    pub last: u64,
    /// Kind, access and block in one number, in the order of these.
    group: u64,
}

#[inline]
#[allow(clippy::as_conversions)] // an enum's own number
fn group(kind: u8, access: Access, block: u32) -> u64 {
    u64::from(kind) << 40 | (access as u64) << 32 | u64::from(block)
}

impl Range {
    /// Holds nothing: its first address is greater than its last.
    pub const EMPTY: Range = Range { first: u64::MAX, last: 0, group: 0 };

    #[inline]
    pub fn new(kind: u8, access: Access, block: u32, first: u64, last: u64) -> Range {
        Range { first, last, group: group(kind, access, block) }
    }

    #[inline]
    pub fn of(point: &Point<'_>) -> Range {
        let (first, last) = (point.first.min(point.last), point.first.max(point.last));
        Range::new(point.kind, point.access, point.block, first, last)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first > self.last
    }

    /// Where it stands among others: one comparison of two words, without a branch for each part.
    #[inline]
    fn place(&self) -> u128 {
        u128::from(self.group) << 64 | u128::from(self.last)
    }

    #[inline]
    pub fn holds(&self, point: &Point<'_>) -> bool {
        self.first <= point.first
            && point.last <= self.last
            && self.group == group(point.kind, point.access, point.block)
            && point.name.is_none()
            && point.first <= point.last
    }

    /// Holds all addresses of another range of the same group, which is not empty.
    #[inline]
    pub fn covers(&self, other: &Range) -> bool {
        self.group == other.group && self.first <= other.first && other.last <= self.last && !other.is_empty()
    }

    /// Same group, and overlapping or side by side.
    fn touches(&self, other: &Range) -> bool {
        self.group == other.group
            && self.first <= other.last.saturating_add(1)
            && other.first <= self.last.saturating_add(1)
    }

    fn absorb(&mut self, other: &Range) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// Extends this range when the other touches it (or this one is empty).
    pub fn extend(&mut self, other: &Range) -> bool {
        if self.is_empty() {
            *self = *other;
            return true;
        }
        let touching = self.touches(other);
        if touching {
            self.absorb(other);
        }
        touching
    }
}

/// A point that has a name instead of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    kind: u8,
    access: Access,
    block: u32,
    name: Box<[u8]>,
}

/// Merged ranges in order of kind, access, block and address, and named points.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranges {
    ranges: Vec<Range>,
    names: Vec<Named>,
    /// Ranges were joined across addresses that were not seen.
    coarse: bool,
    /// Points that are in none of the lists, by occurrence.
    omitted: u64,
}

/// A point range of a tally as it is given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyPoint {
    /// Index into the protocol's `point_kinds`.
    pub kind: u8,
    /// What was done with it.
    pub access: Access,
    /// Block, 0 where the kind has none.
    pub block: u32,
    /// First address.
    pub first: u64,
    /// Last address.
    pub last: u64,
    /// Name as sent (at most 256 bytes of it), where it has one instead of an address.
    pub name: Option<Box<[u8]>>,
}

/// The points of a tally, and how true they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TallyPoints {
    /// In order of kind, access, block and address; then the named ones as they came.
    pub points: Vec<TallyPoint>,
    /// Ranges were joined across addresses that were not seen, because there were too many.
    pub coarse: bool,
    /// How many times a point was met that had no room in the list.
    pub omitted: u64,
}

impl Ranges {
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Adds a range; gives the kept range that holds it now, `None` where there was no room.
    pub fn add(&mut self, mut range: Range) -> Option<Range> {
        if let Some(holder) = self.holder(&range) {
            return Some(holder);
        }
        let before = Range { last: range.first, ..range }.place();
        let start = self.ranges.partition_point(|r| r.place() < before && !r.touches(&range));
        let joined = self.ranges.iter().skip(start).take_while(|r| r.touches(&range)).count();
        let end = start.saturating_add(joined);
        if joined == 0 && self.is_full(&range) {
            self.omitted = self.omitted.saturating_add(1);
            return None;
        }
        for other in self.ranges.drain(start..end) {
            range.absorb(&other);
        }
        self.ranges.insert(start, range);
        self.join_closest(&range);
        self.ranges.iter().find(|r| r.group == range.group && r.first <= range.first && range.last <= r.last).copied()
    }

    /// The range that holds this one whole. Kept ranges do not touch each other, so that adding it would change nothing.
    #[inline]
    fn holder(&self, range: &Range) -> Option<Range> {
        let place = range.place();
        let holder = self.ranges.get(self.ranges.partition_point(|r| r.place() < place))?;
        (holder.group == range.group && holder.first <= range.first).then_some(*holder)
    }

    fn is_full(&self, range: &Range) -> bool {
        self.ranges.len() >= MAX_RANGES_IN_ALL && !self.ranges.iter().any(|r| r.group == range.group)
    }

    /// Joins the two closest ranges of this one's group where the group (or the whole list) has grown too long.
    fn join_closest(&mut self, range: &Range) {
        let start = self.ranges.partition_point(|r| r.group < range.group);
        let group = self.ranges.iter().skip(start).take_while(|r| r.group == range.group).count();
        if group <= MAX_RANGES && (self.ranges.len() <= MAX_RANGES_IN_ALL || group < 2) {
            return;
        }
        let pairs =
            self.ranges.iter().zip(self.ranges.iter().skip(1)).enumerate().skip(start).take(group.saturating_sub(1));
        let closest = pairs.min_by_key(|(_, (low, high))| high.first.saturating_sub(low.last)).map(|(at, _)| at);
        let Some(at) = closest else { return };
        let high = self.ranges.remove(at.saturating_add(1));
        if let Some(low) = self.ranges.get_mut(at) {
            low.absorb(&high);
        }
        self.coarse = true;
    }

    /// Adds a named point.
    pub fn add_name(&mut self, point: &Point<'_>, name: &[u8]) {
        let name = name.get(..MAX_NAME_BYTES).unwrap_or(name);
        let same =
            |n: &Named| n.kind == point.kind && n.access == point.access && n.block == point.block && *n.name == *name;
        if self.names.iter().any(same) {
            return;
        }
        if self.names.len() >= MAX_NAMES {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        self.names.push(Named { kind: point.kind, access: point.access, block: point.block, name: name.into() });
    }

    /// What is kept, for giving out.
    pub fn view(&self) -> TallyPoints {
        let ranges = self.ranges.iter().map(Range::view);
        let names = self.names.iter().map(|n| TallyPoint {
            kind: n.kind,
            access: n.access,
            block: n.block,
            first: 0,
            last: 0,
            name: Some(n.name.clone()),
        });
        TallyPoints { points: ranges.chain(names).collect(), coarse: self.coarse, omitted: self.omitted }
    }
}

impl Range {
    pub fn view(&self) -> TallyPoint {
        let Range { first, last, group } = *self;
        let [_, _, kind, access, block @ ..] = group.to_be_bytes();
        let access = Access::ALL.get(usize::from(access)).copied().unwrap_or_default();
        TallyPoint { kind, access, block: u32::from_be_bytes(block), first, last, name: None }
    }
}
