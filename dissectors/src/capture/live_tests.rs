//! Blocks of the ring that say anything, and records that are read again. Listening itself is tested on real interfaces: tests/live.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::info::CaptureInfo;
use super::record::{Recorder, Settings};
use super::ring::{Origin, frames};
use super::sink::{Limits, Sink};
use super::{Options, Selection, open};
use crate::packet::{Block, Frame, SILENCE, Span};

const HEADER: usize = size_of::<libc::tpacket3_hdr>();

/// A block as the kernel lays it out, of frames that say where the next one is.
fn block(held: &[(u64, &[u8], Option<u16>)]) -> Vec<u8> {
    let start = size_of::<libc::tpacket_block_desc>();
    let mut bytes = vec![0_u8; start];
    put(&mut bytes, 12, &u32::try_from(held.len()).unwrap().to_ne_bytes()); // num_pkts
    put(&mut bytes, 16, &u32::try_from(start).unwrap().to_ne_bytes()); // offset_to_first_pkt
    for (place, (time, frame, tag)) in held.iter().enumerate() {
        let at = bytes.len();
        let mac = HEADER + 34;
        let next = (mac + frame.len()).next_multiple_of(16);
        bytes.resize(at + next, 0);
        let last = place + 1 == held.len();
        put(&mut bytes, at, &u32::try_from(if last { 0 } else { next }).unwrap().to_ne_bytes());
        put(&mut bytes, at + 4, &u32::try_from(time / 1_000_000_000).unwrap().to_ne_bytes());
        put(&mut bytes, at + 8, &u32::try_from(time % 1_000_000_000).unwrap().to_ne_bytes());
        put(&mut bytes, at + 12, &u32::try_from(frame.len()).unwrap().to_ne_bytes());
        put(&mut bytes, at + 16, &u32::try_from(frame.len()).unwrap().to_ne_bytes());
        let status = 1 | tag.map_or(0, |_| libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID);
        put(&mut bytes, at + 20, &status.to_ne_bytes());
        put(&mut bytes, at + 24, &u16::try_from(mac).unwrap().to_ne_bytes());
        put(&mut bytes, at + 32, &u32::from(tag.unwrap_or_default()).to_ne_bytes());
        put(&mut bytes, at + 36, &0x88a8_u16.to_ne_bytes());
        put(&mut bytes, at + mac, frame);
    }
    bytes
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Time, length on the wire and bytes of each frame.
fn read(mut bytes: Vec<u8>) -> Vec<(u64, u32, Vec<u8>)> {
    let (mut found, mut info, all) = (Vec::new(), CaptureInfo::default(), Selection::default());
    let limits = Limits { frames: usize::MAX, chunk: 0, selection: &all, capture: 1 };
    let mut sink = Sink::new(&mut found, &limits, &mut info, 0);
    frames(&mut bytes, Origin { link: 1, interface: 0 }, &mut sink);
    sink.finish();
    found.iter().map(|frame| (frame.at.time, frame.wire_len, frame.span.of(&bytes).to_vec())).collect()
}

#[test]
fn a_tag_that_the_kernel_took_off_is_put_back_behind_the_addresses() {
    let frame: Vec<u8> = (0..60).collect();
    let tagged = [&frame[..12], &[0x88, 0xa8, 0x20, 0x65], &frame[12..]].concat();
    let found = read(block(&[(5_000_000_007, &frame, None), (6_000_000_000, &frame, Some(0x2065))]));
    assert_eq!(found, [(5_000_000_007, 60, frame), (6_000_000_000, 64, tagged)]);
}

#[test]
fn a_block_that_is_cut_or_lies_gives_what_is_there_and_no_more() {
    let frame: Vec<u8> = (0..100).collect();
    let whole = block(&[(1, &frame, Some(1)), (2, &frame, None), (3, &frame[..20], Some(2))]);
    for length in 0..whole.len() {
        assert!(read(whole[..length].to_vec()).len() <= 3);
    }
    for place in 8..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] = value;
            for (_, wire, kept) in read(bytes) {
                assert!(kept.len() <= whole.len() && u32::try_from(kept.len()).unwrap() <= wire);
            }
        }
    }
    let mut endless = whole.clone();
    put(&mut endless, 12, &u32::MAX.to_ne_bytes());
    assert_eq!(read(endless).len(), 3, "the last frame names no next one");
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("fieldtap-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    folder
}

fn settings(folder: PathBuf, file_bytes: u64, total_bytes: u64) -> Settings {
    let age = Duration::from_secs(3_600);
    Settings { folder, file_bytes, file_age: age, total_bytes, total_age: None }
}

/// A block of one frame of this interface, or of the word that none came.
fn one(number: u64, time: u64, bytes: &[u8], interface: u16) -> Block {
    let mut frame = Frame::silence(time, 1);
    if number > 0 {
        let span = Span { start: 0, len: u32::try_from(bytes.len()).unwrap() };
        frame = Frame { at: frame.at, span, wire_len: span.len + 7, link: 1, interface };
        frame.at.packet = number;
    }
    Block { bytes: bytes.to_vec(), frames: vec![frame], ..Block::default() }
}

#[test]
fn a_record_is_read_as_it_was_written_with_its_silence_and_its_losses() {
    let folder = folder("record");
    let mut recorder =
        Recorder::new(settings(folder.clone(), 1 << 30, 1 << 40), vec![("a".into(), 1), ("b".into(), 1)]);
    let counters = recorder.counters();
    recorder.take(&one(0, 1, &[], 0), &[0, 0]); // before the first frame there is no silence
    recorder.take(&one(1, 1_700_000_000_000_000_001, b"left frame.....", 0), &[2, 0]);
    recorder.take(&one(2, 1_700_000_000_000_000_002, b"right frame", 1), &[3, 0]);
    recorder.take(&one(0, 1_700_000_005_000_000_000, &[], 0), &[3, 0]);
    recorder.end(&[5, 1]);
    assert_eq!(counters.failure(), None);
    let mut reader = open(std::slice::from_ref(&folder), &Options::default()).unwrap();
    let (mut block, mut found) = (Block::default(), Vec::new());
    while reader.fill(&mut block, usize::MAX).unwrap() {
        found.extend(block.frames.iter().map(|frame| {
            (frame.at.packet, frame.at.time, frame.wire_len, frame.interface, frame.span.of(&block.bytes).to_vec())
        }));
    }
    let last = 1_700_000_005_000_000_000;
    assert_eq!(found[0], (1, 1_700_000_000_000_000_001, 22, 0, b"left frame.....".to_vec()));
    assert_eq!(found[1], (2, 1_700_000_000_000_000_002, 18, 1, b"right frame".to_vec()));
    assert_eq!(found[2], (0, last, 0, 0, Vec::new()));
    assert!(found[2..].iter().all(|(number, time, ..)| (*number, *time) == (0, last)));
    let info = &reader.captures()[0];
    assert_eq!((info.packets, info.last, info.lost_by_host()), (2, Some(1_700_000_000_000_000_002), 3 + 1));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_follow_one_another_and_the_oldest_go() {
    let folder = folder("rotation");
    fs::write(folder.join("fieldtap-notes.txt"), "not part of the record").unwrap();
    let mut recorder = Recorder::new(settings(folder.clone(), 60_000, 200_000), vec![("a".into(), 1)]);
    let counters = recorder.counters();
    let mut state = 1_u64;
    for number in 1..=800_u64 {
        let noise: Vec<u8> = (0..1_000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .collect();
        recorder.take(&one(number, 1_700_000_000_000_000_000 + number, &noise, 0), &[0]);
    }
    recorder.end(&[0]);
    let total = |name: &fs::DirEntry| name.metadata().unwrap().len();
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
    assert!(files.iter().map(total).sum::<u64>() < 330_000, "within a file or two of the limit");
    assert!(files.len() > 2 && folder.join("fieldtap-notes.txt").exists());
    assert_eq!(counters.lost.load(std::sync::atomic::Ordering::Relaxed), 0);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_record_that_can_not_be_written_is_counted_and_hurts_nobody() {
    let gone = std::env::temp_dir().join("fieldtap-no-such-folder").join("at-all");
    let mut recorder = Recorder::new(settings(gone, 1_000, 10_000), vec![("a".into(), 1)]);
    let counters = recorder.counters();
    for number in 1..=10 {
        recorder.take(&one(number, number, b"frame", 0), &[0]);
    }
    recorder.end(&[0]);
    assert_eq!(counters.lost.load(std::sync::atomic::Ordering::Relaxed), 10);
    assert!(counters.failure().unwrap().contains("fieldtap-no-such-folder"));
}

#[test]
fn a_capture_that_claims_the_link_type_of_silence_has_frames_all_the_same() {
    let path = std::env::temp_dir().join(format!("fieldtap-silence-{}.pcap", std::process::id()));
    let mut bytes = Vec::from(0xa1b2_c3d4_u32.to_le_bytes());
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0]);
    bytes.extend(u32::from(SILENCE).to_le_bytes());
    bytes.extend([9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 7, 7]);
    fs::write(&path, bytes).unwrap();
    let mut reader = open(std::slice::from_ref(&path), &Options::default()).unwrap();
    let mut block = Block::default();
    assert!(reader.fill(&mut block, usize::MAX).unwrap());
    let frame = block.frames[0];
    assert_eq!((frame.is_silence(), frame.at.packet, frame.link), (false, 1, SILENCE));
    fs::remove_file(path).unwrap();
}
