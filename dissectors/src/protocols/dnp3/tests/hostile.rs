//! Cut, split, mutated and lost bytes.

use super::functions::SAMPLES;
use super::*;
use crate::protocols::Probe;

/// All samples as one conversation: the master's and the outstation's messages.
fn conversation() -> Vec<(Vec<u8>, Vec<u8>)> {
    let message = |i: usize, s: &super::functions::Sample| {
        let sequence = u8::try_from(i & 15).unwrap();
        (request(sequence, s.function, s.request), response(sequence, s.response))
    };
    let mut talk: Vec<_> = SAMPLES.iter().enumerate().map(|(i, sample)| message(i, sample)).collect();
    let long = format!("0102 00 00c7 {} 1e04 00 0031 {}", "81".repeat(200), "0700".repeat(50));
    talk.push((request(15, 1, "3c0106"), response(15, &long)));
    talk
}

fn without_packets(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { request: None, response: None, ..record.clone() }).collect()
}

#[test]
fn every_message_cut_at_every_byte_is_incomplete() {
    for (request, response) in conversation() {
        for (side, message) in [(MASTER, &request), (OUTSTATION, &response)] {
            for cut in 1..message.len() {
                let mut flow = Flow::tcp();
                flow.send(side, &message[..cut]);
                assert!(flow.records().is_empty() && flow.malformed.is_empty(), "{message:02x?} {cut}");
                let whole = if cut >= 292 { 292 } else { 0 };
                assert_eq!(flow.buffers[side.index()].len(), cut - whole);
                assert!(flow.finish(Ending::CaptureEnd).records.is_empty());
            }
        }
    }
}

#[test]
fn split_at_every_byte_gives_the_same() {
    let talk = conversation();
    let mut whole = Flow::tcp();
    for (asked, answered) in &talk {
        whole.ask(asked).answer(answered);
    }
    let expect = without_packets(whole.records());
    assert_eq!(expect.len(), talk.len());
    assert!(expect.iter().all(|record| record.anomalies.is_empty()), "{expect:?}");
    for cut in 1..talk.iter().map(|(a, b)| a.len().max(b.len())).max().unwrap() {
        let mut flow = Flow::tcp();
        for (asked, answered) in &talk {
            let (a, b) = asked.split_at(cut.min(asked.len()));
            flow.ask(a).ask(b);
            let (a, b) = answered.split_at(cut.min(answered.len()));
            flow.answer(a).answer(b);
        }
        assert_eq!(without_packets(flow.records()), expect, "cut at {cut}");
    }
    let mut flow = Flow::tcp();
    for (asked, answered) in &talk {
        for (side, message) in [(MASTER, asked), (OUTSTATION, answered)] {
            for byte in message {
                flow.send(side, &[*byte]);
            }
        }
    }
    assert_eq!(without_packets(flow.records()), expect, "byte by byte");
}

#[test]
fn fragments_cut_at_every_byte_are_read_as_far_as_they_go() {
    for (number, sample) in SAMPLES.iter().enumerate() {
        let sequence = u8::try_from(number & 15).unwrap();
        let (asked, answered) = (hex(sample.request), hex(sample.response));
        for cut in 0..=asked.len().max(answered.len()) {
            let (a, b) = (&asked[..cut.min(asked.len())], &answered[..cut.min(answered.len())]);
            let mut flow = Flow::tcp();
            flow.ask(&frames(true, 1024, &[&[0xC0 | sequence, sample.function][..], a].concat()));
            flow.answer(&frames(false, 1024, &[&[0xC0 | sequence, 129, 0, 0][..], b].concat()));
            assert_eq!(flow.records().len(), 1, "{} cut at {cut}", sample.told);
            assert_eq!((flow.last().request, flow.last().response), (Some(1), Some(2)));
        }
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for round in 0..4000 {
        let mut flow = if round % 3 == 0 { Flow::udp() } else { Flow::tcp() };
        for _ in 0..dice.roll(6) + 1 {
            // Frames with right sums around few values, so that headers and lengths come out right at times.
            let alphabet = [0, 0, 1, 2, 3, 6, 7, 0x17, 0x28, 0x5B, 12, 30, 60, 70, 120, 0xC0, 0x81, 0xFF];
            let len = dice.roll(120) + 1;
            let bytes: Vec<u8> = (0..len).map(|_| alphabet[dice.roll(alphabet.len())]).collect();
            let control = [0xC4, 0x44, 0xC3, 0x40, 0xC9, 0x0B, 0x00][dice.roll(7)];
            let bytes = if dice.roll(4) == 0 { bytes } else { frame(control, 1, 3, &bytes) };
            for from_start in [true, false] {
                let probe = Probe { side: MASTER, bytes: &bytes, from_start, hints: tcp_hints() };
                let _ = (super::super::PROTOCOL.recognise.unwrap())(&probe);
            }
            let side = if dice.roll(2) == 0 { MASTER } else { OUTSTATION };
            if dice.roll(9) == 0 {
                flow.gap(side);
            }
            flow.send(side, &bytes);
            flow.wait(SECOND);
        }
        flow.finish(Ending::Closed);
    }
}

#[test]
fn mutated_objects_do_no_harm() {
    let mut dice = Dice(88_172_645_463_325_252);
    for round in 0..20_000 {
        let sample = &SAMPLES[round % SAMPLES.len()];
        let mut asked = [&[0xC0, sample.function][..], &hex(sample.request)].concat();
        let mut answered = [&[0xC0, 129, 0, 0][..], &hex(sample.response)].concat();
        for message in [&mut asked, &mut answered] {
            for _ in 0..dice.roll(3) {
                let place = dice.roll(message.len());
                message[place] = u8::try_from(dice.roll(256)).unwrap();
            }
        }
        let mut flow = if round % 2 == 0 { Flow::udp() } else { Flow::tcp() };
        flow.ask(&frames(true, 1024, &asked)).answer(&frames(false, 1024, &answered));
        flow.ask(&request(1, 1, "3c0206")).answer(&response(1, ""));
        let out = flow.finish(Ending::Closed);
        assert!(!out.records.is_empty() && out.records.len() <= 3);
    }
}

/// Bytes are dropped in the middle of a stream: at most two whole messages beyond those hit may be missed, and no transaction
/// may be told that did not take place.
#[test]
fn after_a_gap_the_next_frame_is_found_and_none_is_invented() {
    let mut dice = Dice(0x1234_5678_9ABC_DEF1);
    for round in 0..600 {
        let mut flow = Flow::tcp();
        let count = 16_u8;
        // Values that look like the start of a frame.
        let pair = |n: u8| (request(n, 1, "3c0106"), response(n, &format!("1e02 00 0003 {}", "05 6405".repeat(4))));
        let side = if round % 2 == 0 { MASTER } else { OUTSTATION };
        let talk: Vec<_> = (0..count).map(pair).collect();
        let hurt = dice.roll(usize::from(count));
        for (number, (asked, answered)) in talk.iter().enumerate() {
            for (from, message) in [(MASTER, asked), (OUTSTATION, answered)] {
                if number == hurt && from == side {
                    let (start, end) = (dice.roll(message.len()), message.len());
                    let end = start + 1 + dice.roll(end - start);
                    flow.send(from, &message[..start]).gap(from).send(from, &message[end..]);
                } else {
                    flow.send(from, message);
                }
            }
        }
        let out = flow.finish(Ending::CaptureEnd);
        let paired = out.records.iter().filter(|r| r.request.is_some() && r.response.is_some()).count();
        assert!(paired + 1 >= usize::from(count), "round {round}: {paired}");
        for record in &out.records {
            assert!(record.anomalies.is_empty(), "round {round}: {record:?}");
            assert_eq!((record.unit.as_str(), record.client), ("3>1024", MASTER));
            assert!(record.function == 1 || record.function == 129, "round {round}");
        }
        assert!(out.anomalies.is_empty(), "round {round}: {:?}", out.anomalies);
    }
}
