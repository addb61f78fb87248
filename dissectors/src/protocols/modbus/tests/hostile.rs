//! Cut, split, mutated and lost bytes.

use super::functions::SAMPLES;
use super::*;
use crate::protocols::Probe;

/// All samples as one conversation: client's and server's messages.
fn conversation() -> Vec<(Vec<u8>, Vec<u8>)> {
    let message = |i: usize, pdu: &str| adu(u16::try_from(i).unwrap(), 1, &hex(pdu));
    SAMPLES.iter().enumerate().map(|(i, s)| (message(i, s.request), message(i, s.response))).collect()
}

fn without_packets(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { request: None, response: None, ..record.clone() }).collect()
}

#[test]
fn every_message_cut_at_every_byte_is_incomplete() {
    for (request, response) in conversation() {
        for message in [&request, &response] {
            for cut in 1..message.len() {
                let mut flow = Flow::tcp();
                flow.answer(&message[..cut]);
                assert!(flow.records().is_empty() && flow.malformed.is_empty() && !flow.ended, "{message:02x?} {cut}");
                assert_eq!(flow.buffers[SERVER.index()].len(), cut);
                assert!(flow.finish(Ending::CaptureEnd).records.is_empty());
            }
        }
    }
}

#[test]
fn split_at_every_byte_gives_the_same() {
    let talk = conversation();
    let asked: Vec<u8> = talk.iter().flat_map(|pair| pair.0.clone()).collect();
    let answered: Vec<u8> = talk.iter().flat_map(|pair| pair.1.clone()).collect();
    let mut whole = Flow::tcp();
    whole.ask(&asked).answer(&answered);
    let expect = without_packets(whole.records());
    assert_eq!(expect.len(), talk.len());
    assert!(expect.iter().all(|record| record.anomalies.is_empty()));
    for cut in 1..asked.len().max(answered.len()) {
        let mut flow = Flow::tcp();
        let (a, b) = asked.split_at(cut.min(asked.len()));
        flow.ask(a).ask(b);
        let (a, b) = answered.split_at(cut.min(answered.len()));
        flow.answer(a).answer(b);
        assert_eq!(without_packets(flow.records()), expect, "cut at {cut}");
    }
    let mut flow = Flow::tcp();
    for byte in &asked {
        flow.ask(&[*byte]);
    }
    for byte in &answered {
        flow.answer(&[*byte]);
    }
    assert_eq!(without_packets(flow.records()), expect, "byte by byte");
}

#[test]
fn random_bytes_do_no_harm() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for round in 0..4000 {
        let mut flow = if round % 3 == 0 { Flow::udp() } else { Flow::tcp() };
        for _ in 0..dice.roll(6) + 1 {
            // Few values, so that headers and lengths do come out right at times.
            let alphabet = [0, 0, 0, 1, 2, 3, 6, 14, 20, 43, 90, 0xFE, 0xFF, 0x83];
            let len = dice.roll(80) + 1;
            let bytes: Vec<u8> = (0..len).map(|_| alphabet[dice.roll(alphabet.len())]).collect();
            for from_start in [true, false] {
                let probe = Probe { side: CLIENT, bytes: &bytes, from_start, hints: tcp_hints() };
                let _ = (super::super::PROTOCOL.recognise.unwrap())(&probe);
            }
            let side = if dice.roll(2) == 0 { CLIENT } else { SERVER };
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
fn mutated_messages_do_no_harm() {
    let talk = conversation();
    let mut dice = Dice(88_172_645_463_325_252);
    for round in 0..20_000 {
        let (mut request, mut response) = talk[round % talk.len()].clone();
        for message in [&mut request, &mut response] {
            for _ in 0..dice.roll(3) {
                let place = dice.roll(message.len());
                message[place] = u8::try_from(dice.roll(256)).unwrap();
            }
        }
        let mut flow = if round % 2 == 0 { Flow::udp() } else { Flow::tcp() };
        flow.ask(&request).answer(&response).ask(&talk[0].0).answer(&talk[0].1);
        let out = flow.finish(Ending::Closed);
        assert!(out.records.len() <= 4);
    }
}

/// Bytes are dropped in the middle of a stream: at most two whole messages beyond those hit may be missed, and no transaction
/// may be told that did not take place.
#[test]
fn after_a_gap_the_next_message_is_found_and_none_is_invented() {
    let mut dice = Dice(0x1234_5678_9ABC_DEF1);
    for round in 0..1500 {
        let count = 40;
        let (mut asked, mut answered, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        for id in 0..count {
            let quantity = u8::try_from(dice.roll(100) + 1).unwrap();
            let words: Vec<u8> = (0..usize::from(quantity) * 2).map(|_| u8::try_from(dice.roll(3)).unwrap()).collect();
            let first = 100 + id;
            starts.push((asked.len(), answered.len()));
            asked.extend(adu(id, 1, &[3, 0, u8::try_from(first).unwrap(), 0, quantity]));
            answered.extend(adu(id, 1, &[&[3, quantity * 2][..], &words].concat()));
        }
        let server = round % 2 == 0;
        let stream = if server { &answered } else { &asked };
        let from = dice.roll(stream.len() - 60) + 1;
        let to = (from + dice.roll(500) + 1).min(stream.len());
        let message = |offset: usize| starts.iter().rposition(|s| if server { s.1 } else { s.0 } <= offset).unwrap();
        let hit = message(to - 1) - message(from) + 1;
        let mut flow = Flow::tcp();
        let pieces = |flow: &mut Flow, side: Side, bytes: &[u8], size: usize| {
            for piece in bytes.chunks(size) {
                flow.send(side, piece);
            }
        };
        let size = dice.roll(400) + 1;
        if server {
            flow.ask(&asked);
            pieces(&mut flow, SERVER, &answered[..from], size);
            flow.gap(SERVER);
            pieces(&mut flow, SERVER, &answered[to..], size);
        } else {
            pieces(&mut flow, CLIENT, &asked[..from], size);
            flow.gap(CLIENT);
            pieces(&mut flow, CLIENT, &asked[to..], size);
            flow.answer(&answered);
        }
        let out = flow.finish(Ending::CaptureEnd);
        let paired = out.records.iter().filter(|r| r.request.is_some() && r.response.is_some()).count();
        assert!(
            paired + hit + 2 >= usize::from(count),
            "round {round}: {paired} of {count}, {hit} hit, pieces of {size}"
        );
        assert!(out.records.len() <= usize::from(count), "round {round}");
        for record in &out.records {
            assert!(record.anomalies.is_empty(), "round {round}: {record:?}");
            assert_eq!((record.function, record.unit, record.client), (3, 1, CLIENT), "round {round}");
        }
    }
}
