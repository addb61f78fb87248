//! The pcap file format: draft-ietf-opsawg-pcap, and the variants with nanoseconds and with longer record headers.

use super::reader::MAX_FRAME;
use super::sink::{Shape, Sink, Stop, Window, add, offset_of, wide};
use crate::packet::Span;

/// Length of the file header.
pub(super) const FILE_HEADER: usize = 24;

/// Length of a record header.
const RECORD: usize = 16;

/// Length of a record header in Kuznetzov's variant: interface index, protocol and packet type follow the four usual fields.
const LONG_RECORD: usize = 24;

/// Seconds between neighbouring records beyond which a record is doubted until the next one agrees.
const NEAR: u32 = 86_400;

/// Seconds from the last good record within which another is searched after garbage.
const SEARCH: u32 = 10 * 366 * 86_400;

/// Least snapshot length that is believed: many writers state less than they write.
const USUAL_SNAPLEN: u32 = 65_535;

/// A pcap file's parser, between two calls.
#[derive(Debug)]
pub(super) struct Pcap {
    big: bool,
    long: bool,
    /// Sub-second units in a second.
    units: u32,
    link: u16,
    /// Longest record that is not doubted.
    usual: u32,
    /// Seconds of the last good record.
    last: Option<u32>,
    /// Where the garbage began that is being skipped.
    lost: Option<u64>,
}

struct Record {
    seconds: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

enum Judgement {
    Good,
    Bad,
    Later,
}

/// Whether these are the first bytes of a pcap file.
pub(super) fn recognise(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(|magic| variant(*magic).is_some())
}

/// Byte order (big?), record headers (long?) and units per second by magic number.
fn variant(magic: [u8; 4]) -> Option<(bool, bool, u32)> {
    let known = |number| match number {
        0xa1b2_c3d4_u32 => Some((false, 1_000_000)),
        0xa1b2_3c4d => Some((false, 1_000_000_000)),
        0xa1b2_cd34 => Some((true, 1_000_000)),
        _ => None,
    };
    let little = known(u32::from_le_bytes(magic)).map(|(long, units)| (false, long, units));
    little.or_else(|| known(u32::from_be_bytes(magic)).map(|(long, units)| (true, long, units)))
}

impl Pcap {
    /// Reads the file header. `None` where the magic number is another.
    pub(super) fn new(header: &[u8; FILE_HEADER]) -> Option<Self> {
        let [m0, m1, m2, m3, _, _, _, _, _, _, _, _, _, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3] = *header;
        let (big, long, units) = variant([m0, m1, m2, m3])?;
        let number = |bytes| if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let snaplen = number([s0, s1, s2, s3]);
        let ceiling = u32::try_from(MAX_FRAME).unwrap_or(u32::MAX);
        let usual = if snaplen == 0 { ceiling } else { snaplen.max(USUAL_SNAPLEN).min(ceiling) };
        // The upper half of the field says how long a frame check sequence is, not what the link is.
        let link = u16::try_from(number([l0, l1, l2, l3]) & 0xffff).unwrap_or_default();
        Some(Pcap { big, long, units, link, usual, last: None, lost: None })
    }

    /// Link type as pcap numbers it.
    pub(super) fn link(&self) -> u16 {
        self.link
    }

    /// Takes records from the window until it is used up, the sink is full, or the capture ends.
    pub(super) fn scan(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> (usize, Stop) {
        match (self.big, self.long) {
            (false, false) => self.records::<false, RECORD>(window, sink),
            (true, false) => self.records::<true, RECORD>(window, sink),
            (false, true) => self.records::<false, LONG_RECORD>(window, sink),
            (true, true) => self.records::<true, LONG_RECORD>(window, sink),
        }
    }

    fn records<const BIG: bool, const HEAD: usize>(
        &mut self,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> (usize, Stop) {
        let mut at = window.at;
        loop {
            if self.lost.is_some() {
                match self.search::<BIG, HEAD>(window, at, sink) {
                    (found, None) => at = found,
                    (rest, Some(stop)) => return (rest, stop),
                }
            }
            at = match self.run::<BIG, HEAD>(window, at, sink) {
                (rest, Some(stop)) => return (rest, stop),
                (bad, None) => {
                    self.lost = Some(window.offset(bad));
                    add(bad, 1)
                }
            }
        }
    }

    /// The hot loop: records until one is bad (`None`) or there are no more for now.
    fn run<const BIG: bool, const HEAD: usize>(
        &mut self,
        window: &Window<'_>,
        mut at: usize,
        sink: &mut Sink<'_>,
    ) -> (usize, Option<Stop>) {
        let bytes = window.bytes;
        let scale = 1_000_000_000_u32.checked_div(self.units).unwrap_or(1);
        let mut last = self.last;
        let stop = loop {
            if sink.full() {
                break Some(Stop::Full);
            }
            let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<HEAD>()) else {
                break Some(window.short(at, sink));
            };
            let record = Record::read::<BIG, HEAD>(head);
            // Wrapping, because these two are what the next turn waits for; lengths that could wrap are bad, and doubted first.
            let start = at.wrapping_add(HEAD);
            let end = start.wrapping_add(wide(record.captured));
            if self.doubtful(&record, last) {
                match self.judge::<BIG, HEAD>(&record, last, window, end) {
                    Judgement::Good => {}
                    Judgement::Bad => break None,
                    Judgement::Later => break Some(Stop::More),
                }
            }
            if end > bytes.len() {
                break Some(window.short(at, sink));
            }
            last = Some(record.seconds);
            let time = nanoseconds(record.seconds, record.fraction, scale);
            let shape = Shape { wire_len: record.wire.max(record.captured), link: self.link, interface: 0 };
            sink.frame(bytes, time, Span { start: offset_of(start), len: record.captured }, shape);
            at = end;
        };
        self.last = last;
        (at, stop)
    }

    /// Anything unusual. Rare in good captures, certain in nearly all garbage.
    #[inline]
    fn doubtful(&self, record: &Record, last: Option<u32>) -> bool {
        // Minus one, so that nothing captured is doubtful as well: zeroes would be empty records without end.
        let length = record.captured.wrapping_sub(1) >= self.usual;
        let far = record.seconds.abs_diff(last.unwrap_or(record.seconds)) > NEAR;
        length | far | (record.captured > record.wire) | (record.fraction >= self.units)
    }

    /// Whether a doubtful record is one: the next stands where it should.
    fn judge<const BIG: bool, const HEAD: usize>(
        &self,
        record: &Record,
        last: Option<u32>,
        window: &Window<'_>,
        end: usize,
    ) -> Judgement {
        let near_last = last.is_none_or(|last| last.abs_diff(record.seconds) <= NEAR);
        let empty_hole = record.captured == 0 && (record.seconds == 0 || !near_last);
        if wide(record.captured) > MAX_FRAME || empty_hole {
            return Judgement::Bad;
        }
        let follows = |next: &Record| {
            let near = |seconds: u32| next.seconds.abs_diff(seconds) <= NEAR;
            wide(next.captured) <= MAX_FRAME && (near(record.seconds) || last.is_some_and(near))
        };
        next_one::<BIG, HEAD>(window, end, follows)
    }

    /// Searches the next record behind garbage: `None` as a stop when one is found.
    fn search<const BIG: bool, const HEAD: usize>(
        &mut self,
        window: &Window<'_>,
        mut at: usize,
        sink: &mut Sink<'_>,
    ) -> (usize, Option<Stop>) {
        while let Some(head) = window.bytes.get(at..).and_then(|rest| rest.first_chunk::<HEAD>()) {
            let record = Record::read::<BIG, HEAD>(head);
            if self.plausible(&record) {
                let end = add(add(at, HEAD), wide(record.captured));
                let follows = |next: &Record| {
                    wide(next.captured) <= MAX_FRAME
                        && next.fraction < self.units
                        && next.seconds.abs_diff(record.seconds) <= NEAR
                };
                match next_one::<BIG, HEAD>(window, end, follows) {
                    Judgement::Good => {
                        sink.found(self.lost.take(), window.offset(at));
                        return (at, None);
                    }
                    Judgement::Later => return (at, Some(Stop::More)),
                    Judgement::Bad => {}
                }
            }
            at = add(at, 1);
        }
        if !window.eof {
            return (at, Some(Stop::More));
        }
        sink.garbage(self.lost.take(), window.end());
        (window.bytes.len(), Some(Stop::End))
    }

    /// The strict look that garbage has to pass.
    fn plausible(&self, record: &Record) -> bool {
        let near = self.last.is_none_or(|last| last.abs_diff(record.seconds) <= SEARCH);
        record.captured.wrapping_sub(1) < self.usual
            && record.captured <= record.wire
            && wide(record.wire) <= MAX_FRAME
            && record.fraction < self.units
            && near
    }
}

/// Looks at the record header at `end`; the exact end of the capture (or a cut header) is as good as one.
fn next_one<const BIG: bool, const HEAD: usize>(
    window: &Window<'_>,
    end: usize,
    follows: impl Fn(&Record) -> bool,
) -> Judgement {
    match window.bytes.get(end..).map(|rest| rest.first_chunk::<HEAD>()) {
        Some(Some(head)) if follows(&Record::read::<BIG, HEAD>(head)) => Judgement::Good,
        Some(Some(_)) => Judgement::Bad,
        _ if !window.eof => Judgement::Later,
        Some(None) => Judgement::Good,
        None => Judgement::Bad,
    }
}

impl Record {
    #[inline]
    fn read<const BIG: bool, const HEAD: usize>(head: &[u8; HEAD]) -> Self {
        let Some(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]) = head.first_chunk::<RECORD>() else {
            return Record { seconds: 0, fraction: 0, captured: u32::MAX, wire: 0 };
        };
        let number = |bytes| if BIG { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        Record {
            seconds: number([a, b, c, d]),
            fraction: number([e, f, g, h]),
            captured: number([i, j, k, l]),
            wire: number([m, n, o, p]),
        }
    }
}

/// Can't overflow: 2³² seconds and 2³² · 1,000 ns are less than 2⁶⁴.
#[inline]
fn nanoseconds(seconds: u32, fraction: u32, scale: u32) -> u64 {
    u64::from(seconds).wrapping_mul(1_000_000_000).wrapping_add(u64::from(fraction).wrapping_mul(u64::from(scale)))
}
