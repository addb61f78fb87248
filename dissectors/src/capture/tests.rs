//! Captures made by hand in every variant, whole, cut, damaged and merged.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::filter::{Instruction, Program, ProgramError};
use super::*;

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fieldtap-capture-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A frame as it is compared: time, packet, capture, bytes, wire length, link, interface.
type Seen = (u64, u64, u16, Vec<u8>, u32, u16, u16);

fn drain(reader: &mut Reader, limit: usize, blocks: usize) -> Vec<Seen> {
    let mut blocks: Vec<Block> = (0..blocks).map(|_| Block::default()).collect();
    let mut seen = Vec::new();
    for turn in 0.. {
        let count = blocks.len();
        let block = &mut blocks[turn % count];
        if !reader.fill(block, limit).unwrap() {
            assert!(block.frames.is_empty());
            break;
        }
        assert!(block.frames.len() <= limit);
        for frame in &block.frames {
            let bytes = frame.span.of(&block.bytes).to_vec();
            assert_eq!(bytes.len(), frame.span.len as usize, "a frame's bytes are in the block");
            let at = frame.at;
            seen.push((at.time, at.packet, at.capture, bytes, frame.wire_len, frame.link, frame.interface));
        }
        block.bytes.extend_from_slice(b"put together by decoding");
    }
    seen
}

fn read(paths: &[PathBuf]) -> (Vec<Seen>, Reader) {
    let mut reader = open(paths, &Options::default()).unwrap();
    (drain(&mut reader, usize::MAX, 1), reader)
}

fn times(seen: &[Seen]) -> Vec<u64> {
    seen.iter().map(|frame| frame.0).collect()
}

const S: u64 = 1_000_000_000;
const BASE: u32 = 1_700_000_000;
const BASE_NS: u64 = BASE as u64 * S;

#[derive(Clone, Copy)]
struct Maker {
    magic: u32,
    big: bool,
}

const MICRO: Maker = Maker { magic: 0xa1b2_c3d4, big: false };

impl Maker {
    fn u32(self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u16(self, number: u16) -> [u8; 2] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn header(self, link: u32) -> Vec<u8> {
        let mut bytes = self.u32(self.magic).to_vec();
        bytes.extend(self.u16(2));
        bytes.extend(self.u16(4));
        bytes.extend([0; 8]);
        bytes.extend(self.u32(65_535));
        bytes.extend(self.u32(link));
        bytes
    }

    fn record(self, seconds: u32, fraction: u32, data: &[u8], wire: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [seconds, fraction, data.len() as u32, wire] {
            bytes.extend(self.u32(number));
        }
        if self.magic == 0xa1b2_cd34 {
            bytes.extend([7, 0, 0, 0, 8, 0, 0, 0]);
        }
        bytes.extend(data);
        bytes
    }

    fn file(self, count: u32) -> Vec<u8> {
        let mut bytes = self.header(1);
        for number in 0..count {
            bytes.extend(self.record(BASE + number, 500, &payload(number), 1_500));
        }
        bytes
    }
}

/// Bytes that look like no record header of either format.
fn payload(number: u32) -> Vec<u8> {
    (0..20 + number % 41).map(|index| 0xc0 | (index + number) as u8 & 0x3f).collect()
}

struct Ng {
    big: bool,
    bytes: Vec<u8>,
}

impl Ng {
    fn new(big: bool) -> Self {
        let mut ng = Ng { big, bytes: Vec::new() };
        ng.section(&[]);
        ng
    }

    fn maker(&self) -> Maker {
        Maker { magic: 0, big: self.big }
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let maker = self.maker();
        let padding = body.len().wrapping_neg() & 3;
        let length = maker.u32((12 + body.len() + padding) as u32);
        self.bytes.extend(maker.u32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.extend(vec![0; padding]);
        self.bytes.extend(length);
    }

    fn options(&self, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend(self.maker().u16(*code));
            bytes.extend(self.maker().u16(value.len() as u16));
            bytes.extend(*value);
            bytes.extend(vec![0; value.len().wrapping_neg() & 3]);
        }
        if !options.is_empty() {
            bytes.extend([0; 4]);
        }
        bytes
    }

    fn section(&mut self, options: &[(u16, &[u8])]) {
        let mut body = self.maker().u32(0x1a2b_3c4d).to_vec();
        body.extend(self.maker().u16(1));
        body.extend([0; 2]);
        body.extend([0xff; 8]);
        body.extend(self.options(options));
        self.block(0x0a0d_0d0a, &body);
    }

    fn interface(&mut self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) {
        let mut body = self.maker().u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.maker().u32(snaplen));
        body.extend(self.options(options));
        self.block(1, &body);
    }

    fn packet(&mut self, interface: u32, units: u64, data: &[u8], options: &[(u16, &[u8])]) {
        let maker = self.maker();
        let mut body = Vec::new();
        for number in [interface, (units >> 32) as u32, units as u32, data.len() as u32, 1_500] {
            body.extend(maker.u32(number));
        }
        body.extend(data);
        body.extend(vec![0; data.len().wrapping_neg() & 3]);
        body.extend(self.options(options));
        self.block(6, &body);
    }

    fn file(count: u32) -> Vec<u8> {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[]);
        for number in 0..count {
            ng.packet(0, u64::from(BASE + number) * 1_000_000, &payload(number), &[]);
        }
        ng.bytes
    }
}

#[test]
fn every_pcap_variant_reads_the_same() {
    let folder = Folder::new();
    for (magic, fraction) in [(0xa1b2_c3d4, 250_000), (0xa1b2_3c4d, 250_000_000), (0xa1b2_cd34, 250_000)] {
        for big in [false, true] {
            let maker = Maker { magic, big };
            // Upper bits: a frame check sequence of two 16-bit words.
            let mut bytes = maker.header(0x2400_0001);
            bytes.extend(maker.record(BASE, fraction, b"first", 5));
            bytes.extend(maker.record(BASE + 1, 0, b"second", 600));
            let (seen, reader) = read(&[folder.file("a.pcap", &bytes)]);
            assert_eq!(
                seen,
                [
                    (BASE_NS + S / 4, 1, 1, b"first".to_vec(), 5, 1, 0),
                    (BASE_NS + S, 2, 1, b"second".to_vec(), 600, 1, 0)
                ],
                "{magic:x} {big}"
            );
            let info = &reader.captures()[0];
            assert_eq!((info.format, info.packets, info.bytes), ("pcap", 2, bytes.len() as u64));
            assert_eq!((info.first, info.last), (Some(BASE_NS + S / 4), Some(BASE_NS + S)));
            assert_eq!(info.anomalies, []);
            assert_eq!(reader.progress(), (bytes.len() as u64, bytes.len() as u64));
        }
    }
}

#[test]
fn pcapng_sections_interfaces_times_and_comments() {
    let folder = Folder::new();
    let mut ng = Ng::new(false);
    ng.interface(1, 0, &[(1, b"mirror"), (2, b"eth1"), (3, b"port 7"), (9, &[9])]);
    ng.interface(113, 0, &[(9, &[0x80 | 10]), (14, &5_i64.to_le_bytes())]);
    ng.packet(0, BASE_NS + 7, b"nanoseconds", &[(1, b"odd one"), (4, &3_u64.to_le_bytes())]);
    ng.packet(1, u64::from(BASE) << 10 | 512, b"binary", &[]);
    ng.block(0x1234_5678, b"nobody knows");
    let mut statistics = vec![0; 12];
    statistics.extend(ng.options(&[(5, &9_u64.to_le_bytes()), (7, &1_u64.to_le_bytes())]));
    ng.block(5, &statistics);
    ng.big = true;
    ng.section(&[(1, b"second section")]);
    ng.interface(101, 4, &[]);
    ng.packet(0, (BASE_NS + 9 * S) / 1_000, b"big", &[]);
    ng.block(3, &[&[0, 0, 0, 9][..], b"simp"].concat());
    let mut obsolete = vec![0, 0, 0, 2];
    for number in [((BASE_NS / 1_000) >> 32) as u32, (BASE_NS / 1_000) as u32, 3, 3] {
        obsolete.extend(number.to_be_bytes());
    }
    ng.block(2, &[&obsolete[..], b"old"].concat());
    ng.packet(4, 0, b"no such interface", &[]);
    ng.packet(0, 0, b"epoch", &[]);
    let (seen, reader) = read(&[folder.file("a.pcapng", &ng.bytes)]);
    let expected: Vec<Seen> = vec![
        (BASE_NS + 7, 1, 1, b"nanoseconds".to_vec(), 1_500, 1, 0),
        (BASE_NS + 5 * S + S / 2, 2, 1, b"binary".to_vec(), 1_500, 113, 1),
        (BASE_NS + 9 * S, 3, 1, b"big".to_vec(), 1_500, 101, 2),
        (BASE_NS + 9 * S, 4, 1, b"simp".to_vec(), 9, 101, 2),
        (BASE_NS, 5, 1, b"old".to_vec(), 3, 101, 2),
        (0, 7, 1, b"epoch".to_vec(), 1_500, 101, 2),
    ];
    assert_eq!(seen, expected);
    let info = &reader.captures()[0];
    assert_eq!((info.packets, info.interface_count, info.dropped), (7, 3, 3));
    assert_eq!((info.interfaces[0].name.as_str(), info.interfaces[0].description.as_str()), ("eth1", "port 7"));
    assert_eq!(info.interfaces[0].dropped, Some(10));
    assert_eq!(info.lost_by_host(), 10);
    let comments: Vec<_> = info.comments.iter().map(|comment| (comment.on, comment.text.as_str())).collect();
    let on = [
        (CommentOn::Interface(0), "mirror"),
        (CommentOn::Packet(1), "odd one"),
        (CommentOn::Section, "second section"),
    ];
    assert_eq!(comments, on);
    assert_eq!((info.anomaly(anomaly::NO_TIME), info.anomaly(anomaly::UNKNOWN_INTERFACE)), (1, 1));
}

#[test]
fn comments_are_counted_beyond_those_kept() {
    let folder = Folder::new();
    let mut ng = Ng::new(false);
    ng.interface(1, 0, &[]);
    let long = "ä".repeat(2_000);
    for number in 0..1_200 {
        ng.packet(0, number, b"x", &[(1, long.as_bytes())]);
    }
    let (_, reader) = read(&[folder.file("a.pcapng", &ng.bytes)]);
    let info = &reader.captures()[0];
    assert_eq!((info.comment_count, info.comments.len()), (1_200, MAX_COMMENTS));
    assert_eq!(info.comments[0].text.len(), MAX_TEXT);
}

#[test]
fn time_resolutions() {
    let folder = Folder::new();
    for (option, units, time) in [
        (0, 3, 3 * S),
        (3, 1_500, 1_500_000_000),
        (12, 5_000_000_000_000, 5 * S),
        (127, u64::MAX, 0),
        (0x80, 2, 2 * S),
        (0x80 | 32, 1 << 31, S / 2),
        (0xff, u64::MAX, 0),
        (6, u64::MAX, u64::MAX),
    ] {
        let mut ng = Ng::new(true);
        ng.interface(1, 0, &[(9, &[option])]);
        ng.packet(0, units, b"x", &[]);
        assert_eq!(times(&read(&[folder.file("a", &ng.bytes)]).0), [time], "if_tsresol {option:#x}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn compressed_captures_in_pieces() {
    let folder = Folder::new();
    for plain in [MICRO.file(30_000), Ng::file(20_000)] {
        let expected = read(&[folder.file("plain", &plain)]).0;
        let (first, second) = plain.split_at(plain.len() / 3);
        let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"skip"].concat();
        for (name, bytes, compression) in [
            ("a.gz", [gzip(first), gzip(second)].concat(), Compression::Gzip),
            ("a.zst", [skippable, zstandard(first), zstandard(second)].concat(), Compression::Zstd),
        ] {
            let (seen, reader) = read(&[folder.file(name, &bytes)]);
            assert_eq!(seen, expected, "{name}");
            let info = &reader.captures()[0];
            assert_eq!((info.compression, info.bytes, &info.anomalies[..]), (compression, bytes.len() as u64, &[][..]));
            let (cut, reader) = read(&[folder.file(name, &bytes[..bytes.len() / 2])]);
            assert!(!cut.is_empty() && cut[..] == expected[..cut.len()], "{name} cut");
            assert_eq!(reader.captures()[0].anomaly(anomaly::TRUNCATED), 1, "{name} cut");
        }
        let mut damaged = gzip(first);
        damaged.extend(b"something else behind it");
        let (seen, reader) = read(&[folder.file("a.gz", &damaged)]);
        assert!(seen[..] == expected[..seen.len()] && seen.len() > expected.len() / 4);
        assert_eq!(reader.captures()[0].anomaly(anomaly::CORRUPT), 1);
    }
}

/// Cuts a capture at every byte: what is complete before the cut is all there, and the cut is said with its offset.
fn cut_everywhere(bytes: &[u8], first_end: usize) {
    let folder = Folder::new();
    let whole = read(&[folder.file("whole", bytes)]).0;
    for cut in 0..bytes.len() {
        let path = folder.file("cut", &bytes[..cut]);
        let Ok(mut reader) = open(&[path], &Options::default()) else {
            assert!(cut < 12, "cut at {cut}");
            continue;
        };
        let seen = drain(&mut reader, usize::MAX, 1);
        assert!(seen[..] == whole[..seen.len()], "cut at {cut}");
        let info = &reader.captures()[0];
        let accounted = match info.anomalies.as_slice() {
            [] => cut,
            [anomaly] => {
                assert_eq!((anomaly.name, anomaly.count), (anomaly::TRUNCATED, 1), "cut at {cut}");
                anomaly.first_offset as usize
            }
            more => panic!("cut at {cut}: {more:?}"),
        };
        let lengths = whole.iter().scan(first_end, |end, frame| {
            *end += record_length(&frame.3, bytes);
            Some(*end)
        });
        assert_eq!(seen.len(), lengths.filter(|end| *end <= cut).count(), "cut at {cut}");
        assert!(accounted <= cut);
    }
}

fn record_length(data: &[u8], bytes: &[u8]) -> usize {
    if bytes[0] == 0x0a { 32 + data.len().next_multiple_of(4) } else { 16 + data.len() }
}

#[test]
fn pcap_cut_at_every_byte() {
    cut_everywhere(&MICRO.file(5), 24);
}

#[test]
fn pcapng_cut_at_every_byte() {
    cut_everywhere(&Ng::file(5), 28 + 20);
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect()
}

#[test]
fn garbage_between_records_is_skipped_and_counted() {
    let folder = Folder::new();
    let records: Vec<Vec<u8>> = (0..50).map(|number| MICRO.record(BASE + number, 0, &payload(number), 100)).collect();
    for garbage in
        [noise(1), noise(15), noise(1_000), vec![0; 4_096], vec![0xff; 700_000], b"GET / HTTP/1.1\r\n".repeat(9)]
    {
        let before: Vec<u8> = [MICRO.header(1), records[..20].concat()].concat();
        let bytes = [before.clone(), garbage.clone(), records[20..].concat()].concat();
        let (seen, reader) = read(&[folder.file("a.pcap", &bytes)]);
        assert_eq!(times(&seen), (0..50).map(|number| BASE_NS + number * S).collect::<Vec<_>>());
        let info = &reader.captures()[0];
        assert_eq!(info.anomalies.len(), 1, "{:?}", info.anomalies);
        assert_eq!((info.anomalies[0].name, info.anomalies[0].first_offset), (anomaly::RESYNC, before.len() as u64));
        assert_eq!(info.skipped_bytes, garbage.len() as u64);
    }
}

#[test]
fn garbage_between_blocks_is_skipped_and_counted() {
    let folder = Folder::new();
    let plain = Ng::file(50);
    let middle = 28 + 20 + (0..20).map(|number| 32 + payload(number).len().next_multiple_of(4)).sum::<usize>();
    for garbage in [noise(1), noise(15), noise(1_000), vec![0; 4_096], vec![0xff; 700_000]] {
        let bytes = [&plain[..middle], &garbage, &plain[middle..]].concat();
        let (seen, reader) = read(&[folder.file("a.pcapng", &bytes)]);
        assert_eq!(times(&seen), (0..50).map(|number| BASE_NS + number * S).collect::<Vec<_>>());
        let info = &reader.captures()[0];
        assert_eq!((info.anomalies[0].name, info.anomalies[0].first_offset), (anomaly::RESYNC, middle as u64));
        assert_eq!(info.skipped_bytes, garbage.len() as u64);
    }
}

#[test]
fn garbage_at_the_end_and_nothing_else() {
    let folder = Folder::new();
    for plain in [MICRO.file(9), Ng::file(9)] {
        let (seen, reader) = read(&[folder.file("a", &[plain.clone(), vec![0xff; 5_000]].concat())]);
        let info = &reader.captures()[0];
        assert_eq!((seen.len(), info.anomaly(anomaly::GARBAGE), info.skipped_bytes), (9, 1, 5_000));
    }
    let zeroes = [MICRO.header(1), vec![0; 100_000]].concat();
    let (seen, reader) = read(&[folder.file("a", &zeroes)]);
    assert_eq!((seen.len(), reader.captures()[0].anomaly(anomaly::GARBAGE)), (0, 1));
}

#[test]
fn a_clock_that_jumps_is_no_garbage() {
    let folder = Folder::new();
    let seconds = [100, 101, BASE, BASE + 1, 102, 103];
    let records = seconds.map(|seconds| MICRO.record(seconds, 0, b"x", 1));
    let (seen, reader) = read(&[folder.file("a", &[MICRO.header(1), records.concat()].concat())]);
    assert_eq!(times(&seen), seconds.map(|seconds| u64::from(seconds) * S));
    assert_eq!(reader.captures()[0].anomalies, []);
}

#[test]
fn any_bytes_end_without_panic() {
    let folder = Folder::new();
    for (header, keep) in [(MICRO.file(60), 24), (Ng::file(60), 28)] {
        for step in 1..60 {
            let mut bytes = header.clone();
            for index in (keep..bytes.len()).step_by(step * 3 + 1) {
                bytes[index] ^= noise(index % 50 + 1)[index % 50];
            }
            let (seen, reader) = read(&[folder.file("a", &bytes)]);
            assert!(reader.captures()[0].packets as usize >= seen.len());
        }
        let bytes = [&header[..keep], &noise(600_000)].concat();
        let (seen, _) = read(&[folder.file("a", &bytes)]);
        assert!(seen.len() < 3, "noise is no traffic");
    }
}

#[test]
fn frames_longer_than_a_chunk_and_blocks_too_long() {
    let folder = Folder::new();
    let long = vec![0xaa; MAX_FRAME];
    let bytes =
        [MICRO.file(1), MICRO.record(BASE, 0, &long, MAX_FRAME as u32), MICRO.record(BASE, 1, b"x", 1)].concat();
    let (seen, reader) = read(&[folder.file("a", &bytes)]);
    assert_eq!(seen.iter().map(|frame| frame.3.len()).collect::<Vec<_>>(), [20, MAX_FRAME, 1]);
    assert_eq!(reader.captures()[0].anomalies, []);
    let mut ng = Ng { big: false, bytes: Ng::file(1) };
    ng.packet(0, 5, &long, &[]);
    ng.block(10, &vec![1; 3_000_000]);
    ng.packet(0, 6, b"behind the secrets", &[]);
    let (seen, reader) = read(&[folder.file("a", &ng.bytes)]);
    assert_eq!(seen.iter().map(|frame| frame.3.len()).collect::<Vec<_>>(), [20, MAX_FRAME, 18]);
    assert_eq!(reader.captures()[0].anomalies, []);
}

#[test]
fn limits_and_blocks_do_not_matter() {
    let folder = Folder::new();
    for bytes in [MICRO.file(20_000), Ng::file(20_000)] {
        let path = folder.file("a", &bytes);
        let expected = read(std::slice::from_ref(&path)).0;
        assert_eq!(expected.len(), 20_000);
        for (limit, blocks) in [(1, 1), (7, 1), (1_000, 1), (usize::MAX, 2), (usize::MAX, 3)] {
            let mut reader = open(std::slice::from_ref(&path), &Options::default()).unwrap();
            assert!(drain(&mut reader, limit, blocks) == expected, "{limit} {blocks}");
            assert!(!reader.fill(&mut Block::default(), 1).unwrap(), "the end stays the end");
        }
    }
    let mut reader = open(&[folder.file("b", &MICRO.file(9))], &Options::default()).unwrap();
    reader.fill(&mut Block::default(), 1).unwrap();
    assert!(matches!(reader.fill(&mut Block::default(), 1), Err(CaptureError::WrongBlock)));
}

#[test]
fn from_to_and_filter_leave_out_and_count() {
    let folder = Folder::new();
    let path = folder.file("a", &MICRO.file(100));
    let half = BASE_NS + 500_000;
    let only_c5 = Program::new(&[
        Instruction { code: 0x30, jt: 0, jf: 0, k: 0 },
        Instruction { code: 0x15, jt: 0, jf: 1, k: 0xc5 },
        Instruction { code: 0x06, jt: 0, jf: 0, k: 65_535 },
        Instruction { code: 0x06, jt: 0, jf: 0, k: 0 },
    ])
    .unwrap();
    let options = Options {
        from: Some(half + 5 * S),
        to: Some(half + 70 * S),
        filter: Some(vec![(1, only_c5)]),
        ..Options::default()
    };
    let mut reader = open(std::slice::from_ref(&path), &options).unwrap();
    let seen = drain(&mut reader, usize::MAX, 1);
    assert_eq!(seen.iter().map(|frame| frame.1).collect::<Vec<_>>(), [6, 70], "from inclusive, to exclusive");
    let info = &reader.captures()[0];
    assert_eq!((info.packets, info.skipped_by_time, info.skipped_by_filter), (100, 35, 63));
    let mut twice = open(&[path.clone(), path], &options).unwrap();
    assert_eq!(drain(&mut twice, usize::MAX, 1).len(), 4);
    assert_eq!(twice.captures()[1].skipped_by_filter, 63);
}

fn stamped(times: &[u32], byte: u8) -> Vec<u8> {
    let records = times.iter().map(|time| MICRO.record(BASE + time, 0, &[byte], 1));
    [MICRO.header(1), records.collect::<Vec<_>>().concat()].concat()
}

#[test]
fn three_files_are_merged_by_time_and_each_keeps_its_order() {
    let folder = Folder::new();
    let paths = [
        folder.file("late.pcap", &stamped(&[3, 5, 9, 9], b'c')),
        folder.file("first.pcap", &stamped(&[1, 4, 2, 9], b'a')),
        folder.file("second.pcap", &stamped(&[2, 4, 8], b'b')),
        folder.file("none.pcap", &MICRO.header(1)),
    ];
    let expected = [
        (1, 1, 1),
        (2, 2, 1),
        (3, 3, 1),
        (4, 1, 2),
        (2, 1, 3),
        (4, 2, 2),
        (5, 3, 2),
        (8, 2, 3),
        (9, 1, 4),
        (9, 3, 3),
        (9, 3, 4),
    ];
    for limit in [1, 2, 3, usize::MAX] {
        let mut reader = open(&paths, &Options::default()).unwrap();
        let seen = drain(&mut reader, limit, 1);
        let order: Vec<_> = seen.iter().map(|f| ((f.0 - BASE_NS) / S, f.2, f.1)).collect();
        assert_eq!(order, expected);
        assert!(seen.iter().all(|frame| frame.3 == [b"abc"[usize::from(frame.2) - 1]]));
        let names: Vec<_> = reader.captures().iter().map(|info| info.path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["first.pcap", "second.pcap", "late.pcap", "none.pcap"]);
        let (done, total) = reader.progress();
        assert_eq!(done, total);
    }
}

#[test]
fn captures_that_begin_together_are_ordered_by_digest() {
    let folder = Folder::new();
    let (one, two) = (stamped(&[1, 2], b'x'), stamped(&[1, 2], b'y'));
    let merged = |names: [&str; 2]| {
        let paths = [folder.file(names[0], &one), folder.file(names[1], &two)];
        let bytes: Vec<_> = read(&paths).0.into_iter().map(|frame| frame.3).collect();
        bytes
    };
    assert_eq!(merged(["a", "b"]), merged(["z", "y"]), "names do not matter");
}

#[test]
fn a_folder_of_rotated_and_of_overlapping_files() {
    let folder = Folder::new();
    for number in 0..400_u32 {
        folder.file(&format!("{:04}.pcap", 400 - number), &stamped(&[number * 10, number * 10 + 1], 1));
    }
    let (seen, reader) = read(std::slice::from_ref(&folder.0));
    assert_eq!((seen.len(), reader.captures().len()), (800, 400));
    assert!(times(&seen).is_sorted());

    let overlapping = Folder::new();
    for number in 0..150_u32 {
        let times: Vec<u32> = (0..800).map(|step| number + step * 150).collect();
        let bytes = stamped(&times, 1);
        overlapping.file(&format!("{number:04}.pcap"), &if number % 2 == 0 { bytes } else { gzip(&bytes) });
    }
    let mut reader = open(std::slice::from_ref(&overlapping.0), &Options::default()).unwrap();
    let mut block = Block::default();
    let (mut count, mut most) = (0, 0);
    while reader.fill(&mut block, usize::MAX).unwrap() {
        for frame in &block.frames {
            assert_eq!(frame.at.time, BASE_NS + count * S);
            count += 1;
        }
        most = most.max(open_in(&overlapping.0));
    }
    assert_eq!(count, 150 * 800);
    assert!(most <= MAX_OPEN + 1, "{most} files open at once");
}

fn open_in(folder: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|target| target.starts_with(folder)).count()
}

#[test]
fn what_is_no_capture_is_said() {
    let folder = Folder::new();
    let message = |path: PathBuf| open(&[path], &Options::default()).err().unwrap().to_string();
    let shown = |name: &str, rest: &str| format!("{}: {rest}", folder.0.join(name).display());
    let expected = "not a capture: first bytes 68 65 6c 6c; pcap, pcapng, gzip or zstd of these expected";
    assert_eq!(message(folder.file("site.txt", b"hello")), shown("site.txt", expected));
    assert_eq!(message(folder.file("empty", b"")), shown("empty", "not a capture: the file is empty"));
    assert!(message(folder.file("a.zip", b"PK\x03\x04")).contains("(a zip archive)"));
    assert!(message(folder.file("a.gz", &gzip(b"hello"))).contains("gzip of first bytes 68 65 6c 6c"));
    assert!(message(folder.file("a.gz", &gzip(b""))).contains("not a capture: gzip of nothing that can be read"));
    assert!(message(folder.0.join("missing")).contains("No such file"));
    assert_eq!(message(folder.0.clone()), format!("{}: no capture in this folder", folder.0.display()));
    folder.file("b.pcap", &MICRO.file(3));
    let (seen, reader) = read(std::slice::from_ref(&folder.0));
    assert_eq!((seen.len(), reader.captures().len(), reader.skipped().len()), (3, 1, 4));
    assert!(reader.skipped()[3].reason.contains("68 65 6c 6c"));
}

#[test]
fn a_reader_may_work_in_another_thread() {
    fn sent<T: Send>() {}
    sent::<Reader>();
}

#[test]
fn digests_are_of_the_file_as_stored() {
    let folder = Folder::new();
    let bytes = gzip(&MICRO.file(3));
    let path = folder.file("a.gz", &bytes);
    let mut reader = open(std::slice::from_ref(&path), &Options { digest: true, ..Options::default() }).unwrap();
    drain(&mut reader, usize::MAX, 1);
    assert_eq!(reader.captures()[0].sha256, None);
    reader.finish_digests();
    let known = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
    assert_eq!(reader.captures()[0].sha256, Some(known.into()));
    assert_eq!(reader.captures()[0].sha256_hex().unwrap().len(), 64);
    let mut reader = open(std::slice::from_ref(&path), &Options { digest: true, ..Options::default() }).unwrap();
    folder.file("a.gz", &[bytes, vec![1]].concat());
    reader.finish_digests();
    assert_eq!(reader.captures()[0].anomaly(anomaly::CHANGED), 1);
}

#[test]
fn a_fifo_is_read_once_and_hashed_meanwhile() {
    let folder = Folder::new();
    let path = folder.0.join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    for several in [false, true] {
        let bytes = MICRO.file(5_000);
        let (writing, target) = (bytes.clone(), path.clone());
        let writer = std::thread::spawn(move || fs::write(target, writing).unwrap());
        let mut paths = vec![path.clone()];
        if several {
            paths.push(folder.file("b.pcap", &stamped(&[3, 10_000], 1)));
        }
        let options = Options { digest: true, from: Some(BASE_NS + 2 * S), ..Options::default() };
        let mut reader = open(&paths, &options).unwrap();
        let seen = drain(&mut reader, usize::MAX, 1);
        writer.join().unwrap();
        assert_eq!(seen.len(), if several { 5_000 } else { 4_998 });
        assert!(times(&seen).is_sorted());
        let info = reader.captures().iter().find(|info| info.path == path).unwrap();
        assert_eq!((info.packets, info.skipped_by_time), (5_000, 2));
        let known = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
        assert_eq!(info.sha256, Some(known.into()));
    }
}

/// `tcpdump -ddd -y EN10MB tcp port 502`.
const PORT_502: &str = "20\n40 0 0 12\n21 0 6 34525\n48 0 0 20\n21 0 15 6\n40 0 0 54\n21 12 0 502\n40 0 0 56\n21 10 11 502\n\
    21 0 10 2048\n48 0 0 23\n21 0 8 6\n40 0 0 20\n69 6 0 8191\n177 0 0 14\n72 0 0 14\n21 2 0 502\n72 0 0 16\n21 0 1 502\n\
    6 0 0 262144\n6 0 0 0\n";

fn tcp(port: u16, options: usize) -> Vec<u8> {
    let mut bytes = vec![0; 12];
    bytes.extend([8, 0, 0x45 + (options / 4) as u8, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(vec![1; options]);
    bytes.extend([0x90, 0x01]);
    bytes.extend(port.to_be_bytes());
    bytes.extend([0; 16]);
    bytes
}

#[test]
fn a_compiled_filter_decides_as_tcpdump() {
    let program: Program = PORT_502.parse().unwrap();
    for options in [0, 4, 40] {
        assert!(program.accepts(&tcp(502, options), 60));
        assert!(!program.accepts(&tcp(503, options), 60));
    }
    for cut in 0..38 {
        assert!(!program.accepts(&tcp(502, 0)[..cut], 60), "cut at {cut}");
    }
    assert!("2\n6 0 0 0\n".parse::<Program>().is_err());
    assert_eq!("1\n6 0 zero 0\n".parse::<Program>().unwrap_err(), ProgramError::Text(2));
}

fn step(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

fn value(instructions: &[Instruction]) -> u32 {
    Program::new(instructions).unwrap().run(&[0x45, 1, 2, 3, 4, 5, 6, 7], 60)
}

#[test]
fn every_filter_instruction() {
    let a = |body: &[(u16, u32)]| {
        let mut all: Vec<_> = body.iter().map(|(code, k)| step(*code, *k)).collect();
        all.push(step(0x16, 0));
        value(&all)
    };
    assert_eq!(a(&[(0x00, 7)]), 7, "ld #");
    assert_eq!((a(&[(0x20, 4)]), a(&[(0x28, 1)]), a(&[(0x30, 7)])), (0x0405_0607, 0x0102, 7), "ld, ldh, ldb");
    assert_eq!(a(&[(0x00, 9), (0x20, 5)]), 0, "a load outside refuses");
    assert_eq!(
        (a(&[(0x01, 2), (0x40, 2)]), a(&[(0x01, 2), (0x48, 1)]), a(&[(0x01, 2), (0x50, 0)])),
        (0x0405_0607, 0x0304, 2)
    );
    assert_eq!(a(&[(0x00, 9), (0x01, u32::MAX), (0x50, 2)]), 0, "an offset does not wrap");
    assert_eq!((a(&[(0x80, 0)]), a(&[(0x81, 0), (0x87, 0)])), (60, 60), "length on the wire");
    assert_eq!(a(&[(0xb1, 0), (0x87, 0)]), 20, "ldx 4*([0]&0xf)");
    assert_eq!(a(&[(0x00, 5), (0x02, 15), (0x00, 0), (0x60, 15)]), 5, "st, ld M[]");
    assert_eq!(a(&[(0x01, 6), (0x03, 3), (0x01, 0), (0x61, 3), (0x87, 0)]), 6, "stx, ldx M[]");
    for (code, constant) in [
        (0x04, 15),
        (0x14, 9),
        (0x24, 36),
        (0x34, 4),
        (0x44, 15),
        (0x54, 0),
        (0x64, 96),
        (0x74, 1),
        (0x94, 0),
        (0xa4, 15),
    ] {
        assert_eq!(a(&[(0x00, 12), (code, 3)]), constant, "{code:#x} with a constant");
        assert_eq!(a(&[(0x01, 3), (0x00, 12), (code | 8, 0)]), constant, "{code:#x} with X");
    }
    assert_eq!((a(&[(0x00, 1), (0x84, 0)]), a(&[(0x00, 1), (0x64, 32)])), (u32::MAX, 0), "neg, wide shift");
    assert_eq!((a(&[(0x00, 9), (0x3c, 0)]), a(&[(0x00, 9), (0x9c, 0)])), (0, 0), "division by zero refuses");
    assert_eq!(a(&[(0x00, 9), (0x07, 0), (0x00, 1), (0x87, 0)]), 9, "tax, txa");
    assert_eq!(value(&[step(0x01, 8), step(0x0e, 0)]), 8, "ret x");
    assert_eq!(value(&[step(0x05, 1), step(0x06, 1), step(0x06, 2)]), 2, "ja");
    for (code, yes) in [(0x15, 12), (0x25, 11), (0x35, 12), (0x45, 4)] {
        for (k, expected) in [(yes, 1), (if code == 0x45 { 3 } else { 13 }, 2)] {
            let branch = Instruction { code, jt: 0, jf: 1, k };
            assert_eq!(value(&[step(0x00, 12), branch, step(0x06, 1), step(0x06, 2)]), expected, "{code:#x} {k}");
            let by_x = Instruction { code: code | 8, k: 0, ..branch };
            assert_eq!(value(&[step(0x01, k), step(0x00, 12), by_x, step(0x06, 1), step(0x06, 2)]), expected);
        }
    }
}

#[test]
fn wrong_filter_programs_are_refused() {
    let error = |instructions: &[Instruction]| Program::new(instructions).unwrap_err();
    assert_eq!(error(&[]), ProgramError::Length(0));
    assert_eq!(error(&[step(0, 1)]), ProgramError::End);
    assert_eq!(error(&[step(0xffff, 1), step(6, 0)]), ProgramError::Code { position: 0, code: 0xffff });
    assert_eq!(error(&[step(0x05, 1), step(6, 0)]), ProgramError::Jump(0));
    assert_eq!(error(&[step(0x05, u32::MAX), step(6, 0)]), ProgramError::Jump(0));
    assert_eq!(error(&[Instruction { code: 0x15, jt: 0, jf: 1, k: 0 }, step(6, 0)]), ProgramError::Jump(0));
    assert_eq!(error(&[step(0x60, 16), step(6, 0)]), ProgramError::Memory(0));
    assert_eq!(error(&[step(0x34, 0), step(6, 0)]), ProgramError::Division(0));
    for code in 0..=u16::MAX {
        if let Ok(program) = Program::new(&[step(code, 1), step(6, 0)]) {
            program.run(&[], 0);
        }
    }
}
