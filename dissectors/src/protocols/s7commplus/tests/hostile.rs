//! Cut, split, mutated and lost bytes.

use super::bodies::{SAMPLES, messages};
use super::*;
use crate::protocols::{Probe, cotp};

/// All samples as one conversation: frames of client and server, many messages in parts.
fn conversation() -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |(place, sample)| {
        let (asked, answered) = messages(sample, u16::try_from(place).unwrap() + 1);
        let size = if place % 3 == 0 { 4096 } else { 16 };
        (frames(3, &asked, size).concat(), frames(3, &answered, size).concat())
    };
    SAMPLES.iter().enumerate().map(pair).collect()
}

fn without_packets(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { request: None, response: None, ..record.clone() }).collect()
}

#[test]
fn every_message_cut_at_every_byte_is_incomplete() {
    for (asked, _) in conversation() {
        for cut in 1..asked.len() {
            let mut flow = Flow::new();
            flow.ask(&asked[..cut]);
            assert!(flow.records().is_empty() && flow.malformed.is_empty() && !flow.ended, "{cut}");
            assert!(flow.finish(Ending::CaptureEnd).records.iter().all(|record| record.name == "cotp_connect"));
        }
    }
}

#[test]
fn every_body_cut_at_every_byte_is_told_as_far_as_it_goes() {
    for (place, sample) in SAMPLES.iter().enumerate() {
        let (asked, answered) = messages(sample, 3);
        for cut in 10..asked.len().max(answered.len()) {
            let mut flow = Flow::new();
            flow.ask(&one(&asked[..cut.min(asked.len())])).answer(&one(&answered[..cut.min(answered.len())]));
            let records = flow.finish(Ending::CaptureEnd).records;
            assert!(records.len() <= 3, "{place} cut at {cut}: {records:?}");
        }
    }
}

#[test]
fn split_at_every_byte_gives_the_same() {
    let talk = conversation();
    let asked: Vec<u8> = talk.iter().flat_map(|pair| pair.0.clone()).collect();
    let answered: Vec<u8> = talk.iter().flat_map(|pair| pair.1.clone()).collect();
    let mut whole = Flow::new();
    whole.ask(&asked).answer(&answered);
    let expect = without_packets(&whole.records());
    assert_eq!(expect.len(), talk.len());
    assert!(expect.iter().all(|record| record.anomalies.is_empty()));
    for cut in 1..asked.len().max(answered.len()) {
        let mut flow = Flow::new();
        let (a, b) = asked.split_at(cut.min(asked.len()));
        flow.ask(a).ask(b);
        let (a, b) = answered.split_at(cut.min(answered.len()));
        flow.answer(a).answer(b);
        assert_eq!(without_packets(&flow.records()), expect, "cut at {cut}");
    }
    let mut flow = Flow::new();
    asked.iter().for_each(|byte| _ = flow.ask(&[*byte]));
    answered.iter().for_each(|byte| _ = flow.answer(&[*byte]));
    assert_eq!(without_packets(&flow.records()), expect, "byte by byte");
}

#[test]
fn joining_a_connection_anywhere_invents_nothing() {
    let talk = conversation();
    let answered: Vec<u8> = talk.iter().flat_map(|pair| pair.1.clone()).collect();
    for cut in 0..answered.len() {
        let mut flow = Flow::midstream(None);
        let bytes = &answered[cut..];
        let hints = Hints { ports: [102, 51_000], initiator: None, datagram: false };
        let _ = cotp::recognise(&Probe { side: SERVER, bytes, from_start: false, hints });
        flow.answer(bytes);
        for record in flow.records() {
            assert!(SAMPLES.iter().any(|sample| u32::from(sample.function) == record.function), "{cut}: {record:?}");
            assert!(record.anomalies.is_empty(), "{cut}: {record:?}");
        }
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let alphabet =
        [0, 0, 0, 1, 2, 3, 4, 7, 0x10, 0x14, 0x17, 0x20, 0x31, 0x32, 0x33, 0x40, 0x72, 0xA1, 0xA2, 0xA3, 0xFF];
    let functions = [0x04BB, 0x04CA, 0x04D4, 0x04F2, 0x0524, 0x0542, 0x054C, 0x0556, 0x056B, 0x057C, 0x0586];
    for round in 0..6000 {
        let mut flow = if round % 3 == 0 { Flow::midstream(None) } else { Flow::new() };
        for _ in 0..dice.roll(6) + 1 {
            let len = dice.roll(120);
            let body: Vec<u8> = (0..len).map(|_| alphabet[dice.roll(alphabet.len())]).collect();
            let function = functions[dice.roll(functions.len())];
            let message = match dice.roll(4) {
                0 => request(function, u16::try_from(round % 7).unwrap(), 0x34, &body),
                1 => response(function, u16::try_from(round % 7).unwrap(), &body),
                2 => [&hex("33 70000001 0400 0000 0000 00 01 01")[..], &body].concat(),
                _ => body.iter().copied().chain([0]).collect(),
            };
            let side = if dice.roll(2) == 0 { CLIENT } else { SERVER };
            if dice.roll(9) == 0 {
                flow.gap(side);
            }
            let version = [1, 2, 3, 3][dice.roll(4)];
            flow.send(side, &frames(version, &message, dice.roll(60) + 1).concat());
            flow.wait(SECOND);
        }
        flow.finish(Ending::Closed);
    }
}

#[test]
fn mutated_messages_do_no_harm() {
    let talk = conversation();
    let mut dice = Dice(88_172_645_463_325_252);
    for round in 0..20_000 {
        let (mut asked, mut answered) = talk[round % talk.len()].clone();
        for _ in 0..dice.roll(4) + 1 {
            for bytes in [&mut asked, &mut answered] {
                let place = dice.roll(bytes.len());
                match dice.roll(3) {
                    0 => bytes[place] = u8::try_from(dice.roll(256)).unwrap(),
                    1 => bytes[place] ^= 1 << dice.roll(8),
                    _ => drop(bytes.drain(place..(place + dice.roll(4)).min(bytes.len()))),
                }
            }
        }
        let mut flow = Flow::new();
        flow.ask(&asked).answer(&answered);
        flow.finish(Ending::Closed);
    }
}

#[test]
fn structures_in_structures_and_huge_counts_end() {
    let nested: Vec<u8> = std::iter::repeat_n(hex("01 0017 00000708"), 3000).flatten().collect();
    let objects: Vec<u8> = std::iter::repeat_n(hex("a1 00000001 01 00 00"), 3000).flatten().collect();
    let bodies = [
        [hex("00000034"), hex("01"), nested].concat(),
        [hex("00000003 0004 00 00000000 01"), objects].concat(),
        hex("00000034 01 9077 1000 ffffffff7f"),
        hex("00000034 ffffffff7f 9077 0000 9077 0000"),
        hex("00000000 ffffffff7f ffffffff7f 00 01 ffffffff7f"),
    ];
    for body in bodies {
        for function in [0x04F2, 0x04CA, 0x054C, 0x0542] {
            let mut flow = Flow::new();
            for frame in frames(3, &request(function, 1, 0x34, &body), 8000) {
                flow.ask(&frame);
            }
            flow.finish(Ending::Closed);
        }
    }
}
