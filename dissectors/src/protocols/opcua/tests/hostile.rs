//! Cut, split, mutated and lost bytes.

use super::craft::*;
use super::services::samples;
use super::*;
use crate::protocols::{Probe, Recognition};

/// All samples as one conversation: pairs of request and response, some in chunks.
fn conversation() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut sequence = [3_u32; 2];
    let mut number = 3;
    let mut cut = |side: usize, number: u32, body: &[u8]| {
        let size = if number.is_multiple_of(3) { 40 } else { 4096 };
        let count = body.chunks(size).count();
        let mut all = Vec::new();
        for (place, part) in body.chunks(size).enumerate() {
            sequence[side] += 1;
            all.extend(chunk(if place + 1 == count { b'F' } else { b'C' }, sequence[side], number, part));
        }
        all
    };
    let pair = |sample: super::services::Sample| {
        number += 1;
        (cut(0, number, &sample.request.0), cut(1, number, &sample.response.0))
    };
    samples().into_iter().map(pair).collect()
}

fn without_packets(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { request: None, response: None, ..record.clone() }).collect()
}

#[test]
fn every_message_cut_at_every_byte_is_incomplete() {
    let mut begin = Flow::session();
    let before = std::mem::take(&mut begin.out.records).len();
    for (asked, _) in conversation() {
        for cut in 1..asked.len() {
            let mut flow = Flow::session();
            flow.ask(&asked[..cut]);
            assert!(flow.out.records.len() == before && flow.malformed.is_empty() && !flow.ended, "{cut}");
            assert_eq!(flow.finish(Ending::CaptureEnd).records.len(), before);
        }
    }
}

#[test]
fn every_body_cut_at_every_byte_is_told_as_far_as_it_goes() {
    for sample in samples() {
        let (asked, answered) = (&sample.request.0, &sample.response.0);
        for cut in 0..asked.len().max(answered.len()) {
            let mut flow = Flow::session();
            let record = flow.call(4, &asked[..cut.min(asked.len())], answered);
            assert!(!record.anomalies.is_empty() || cut >= asked.len(), "{}: request cut at {cut}", sample.name);
            let record = flow.call(5, asked, &answered[..cut.min(answered.len())]);
            assert!(!record.anomalies.is_empty() || cut >= answered.len(), "{}: response cut at {cut}", sample.name);
        }
    }
}

#[test]
fn split_at_every_byte_gives_the_same() {
    let talk = conversation();
    let mut whole = Flow::session();
    talk.iter().for_each(|(asked, answered)| _ = whole.ask(asked).answer(answered));
    let expect = without_packets(&whole.out.records);
    assert_eq!(expect.len(), talk.len() + 4);
    for stride in [1, 2, 3, 7, 11, 13, 29, 64] {
        let mut flow = Flow::session();
        for (asked, answered) in &talk {
            asked.chunks(stride).for_each(|bytes| _ = flow.ask(bytes));
            answered.chunks(stride).for_each(|bytes| _ = flow.answer(bytes));
        }
        assert_eq!(without_packets(&flow.out.records), expect, "in pieces of {stride}");
    }
    for sample in samples() {
        let (asked, answered) = (in_chunks(&sample.request.0), in_chunks(&sample.response.0));
        let mut whole = Flow::session();
        whole.ask(&asked).answer(&answered);
        let expect = without_packets(&whole.out.records);
        for cut in 1..asked.len().max(answered.len()) {
            let mut flow = Flow::session();
            let (a, b) = asked.split_at(cut.min(asked.len()));
            flow.ask(a).ask(b);
            let (a, b) = answered.split_at(cut.min(answered.len()));
            flow.answer(a).answer(b);
            assert_eq!(without_packets(&flow.out.records), expect, "{} cut at {cut}", sample.name);
        }
    }
}

/// Request 4 in chunks of 40 bytes.
fn in_chunks(body: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = body.chunks(40).collect();
    let part = |place: usize| if place + 1 == parts.len() { b'F' } else { b'C' };
    parts.iter().enumerate().flat_map(|(place, bytes)| chunk(part(place), place as u32 + 4, 4, bytes)).collect()
}

#[test]
fn joining_a_connection_anywhere_invents_nothing() {
    let answered: Vec<u8> = conversation().into_iter().flat_map(|pair| pair.1).collect();
    let known: Vec<&str> = samples().iter().map(|sample| sample.name).collect();
    for cut in 0..answered.len() {
        let bytes = &answered[cut..];
        let hints = Hints { ports: [4840, 51_000], initiator: None, datagram: false };
        let skip =
            match (super::super::PROTOCOL.recognise.unwrap())(&Probe { side: SERVER, bytes, from_start: false, hints })
            {
                Recognition::Mine { skip, .. } => skip,
                _ => continue,
            };
        let mut flow = Flow::blank(None);
        flow.answer(&bytes[skip..]);
        for record in &flow.out.records {
            let fault = record.name == "service_fault";
            assert!(known.contains(&record.name) || fault, "{cut}: {record:?}");
            assert!(!record.anomalies.contains(&"unsolicited_response"), "{cut}: {record:?}");
        }
    }
}

#[test]
fn a_gap_anywhere_costs_two_messages_at_most() {
    let talk = conversation();
    let answered: Vec<u8> = talk.iter().flat_map(|pair| pair.1.clone()).collect();
    for cut in (0..answered.len() - 200).step_by(3) {
        let mut flow = Flow::session();
        talk.iter().for_each(|pair| _ = flow.ask(&pair.0));
        flow.answer(&answered[..cut]).gap(SERVER).answer(&answered[cut + 100..]);
        let responses = flow.out.records.iter().filter(|record| record.response.is_some()).count();
        assert!(responses + 7 >= talk.len(), "{cut}: {responses} of {}", talk.len());
        assert!(flow.out.records.iter().all(|record| !record.anomalies.contains(&"sequence_gap")), "{cut}");
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let alphabet = [0, 0, 0, 1, 2, 3, 4, 5, 0x0D, 0x16, 0x17, 0x18, 0x19, 0x40, 0x80, 0xC0, 0xFF];
    let services = super::super::tables::FUNCTIONS;
    for round in 0..2_000_u32 {
        let mut flow = if round.is_multiple_of(3) { Flow::blank(None) } else { Flow::session() };
        for _ in 0..dice.roll(6) + 1 {
            let body: Vec<u8> = (0..dice.roll(160)).map(|_| alphabet[dice.roll(alphabet.len())]).collect();
            let service = services[dice.roll(services.len())].code as u16;
            let whole = match dice.roll(4) {
                0 => request(service).raw(&body).0,
                1 => response(service + 3, 0).raw(&body).0,
                2 => response(397, 0x8000_0000).raw(&body).0,
                _ => body.clone(),
            };
            let side = if dice.roll(2) == 0 { CLIENT } else { SERVER };
            if dice.roll(9) == 0 {
                flow.gap(side);
            }
            let part = [b'F', b'F', b'F', b'C', b'A'][dice.roll(5)];
            let kind = [b"MSG", b"MSG", b"MSG", b"OPN", b"CLO", b"HEL"][dice.roll(6)];
            let framed = framed(kind, part, &wire().u32(9).u32(1).u32(round).u32(round % 5).raw(&whole).0);
            flow.send(side, if kind == b"HEL" { &body } else { &framed });
            flow.wait(SECOND);
        }
        flow.finish(Ending::Closed);
    }
}

#[test]
fn mutated_messages_do_no_harm() {
    let talk = conversation();
    let mut dice = Dice(88_172_645_463_325_252);
    for round in 0..6_000 {
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
        let mut flow = Flow::session();
        flow.ask(&asked).answer(&answered);
        flow.finish(Ending::Closed);
    }
}

#[test]
fn a_chunk_larger_than_may_be_held_is_read_to_its_end() {
    let mut flow = Flow::session();
    let large = |size: usize| {
        let write = request(673).i32(1).named(2, "x").u32(13).null().u8(1).u8(15).i32(size as i32);
        message(4, &write.raw(&vec![7; size]).0)
    };
    large(200_000).chunks(1460).for_each(|piece| _ = flow.ask(piece));
    flow.answer(&message(4, &response(676, 0).i32(1).u32(0).i32(0).0));
    let record = flow.last();
    assert_eq!((record.points.len(), &record.anomalies[..]), (1, &["chunk_too_large"][..]));
    let mut flow = Flow::session();
    large(2_000_000).chunks(1460).for_each(|piece| _ = flow.ask(piece));
    flow.answer(&message(4, &response(676, 0).i32(1).u32(0).i32(0).0));
    let record = flow.last();
    assert_eq!((record.name, &record.anomalies[..]), ("write", &["chunk_too_large", "message_cut"][..]));
    let (asked, answered) = (&samples()[0].request.0.clone(), &samples()[0].response.0.clone());
    assert_eq!(flow.call(5, asked, answered).points.len(), 3, "the next message is found");
}

#[test]
fn bombs_end() {
    let deep = |byte: u8| response(634, 0).i32(1).u8(1).raw(&[byte; 60_000]).0;
    let counts = response(634, 0).i32(1).u8(1).u8(0x81).i32(60_000).raw(&[1; 60_000]).i32(0).0;
    let variants = (0..15_000).fold(response(634, 0).i32(15_000), |wire, _| wire.u8(1).u8(0x98).i32(0)).i32(0).0;
    let nodes = (0..5_000)
        .fold(request(631).f64(0.0).u32(0).i32(5_000), |wire, _| wire.u8(0).u8(1).u32(13).null().u16(0).null());
    let diagnostics = [response(634, 0).i32(0).0, wire().i32(50_000).raw(&[0x7F; 50_000]).0].concat();
    for answer in [deep(0x18), deep(0x17), deep(0x19), counts, variants, diagnostics] {
        let mut flow = Flow::session();
        let record = flow.call(4, &nodes.0, &answer);
        assert!(record.points.len() <= 5_000);
        flow.finish(Ending::Closed);
    }
}

#[test]
fn an_unreadable_header_costs_that_message() {
    let (asked, answered) = (&samples()[0].request.0.clone(), &samples()[0].response.0.clone());
    let mut flow = Flow::session();
    flow.ask(b"XYZF\x30\0\0\0 what is this").ask(&message(4, asked)).answer(&message(4, answered));
    assert_eq!(flow.malformed, ["invalid_header"]);
    assert_eq!(flow.last().points.len(), 3);
    let mut flow = Flow::session();
    flow.ask(b"MSGF\x09\0\0\0X").ask(&message(4, asked)).answer(&message(4, answered));
    assert_eq!(flow.malformed, ["invalid_size"]);
    assert_eq!(flow.last().points.len(), 3);
}

#[test]
fn only_its_own_is_recognised() {
    let ask = |bytes: &[u8], from_start| {
        let hints = Hints { ports: [12_000, 51_000], initiator: None, datagram: false };
        (super::super::PROTOCOL.recognise.unwrap())(&Probe { side: CLIENT, bytes, from_start, hints })
    };
    for (_, bytes) in setup() {
        assert!(matches!(ask(&bytes, true), Recognition::Mine { skip: 0, confidence: 95 }));
        assert_eq!(ask(&bytes[..3], true), Recognition::More);
    }
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"MSGX\x40\0\0\0",
        b"HELO mail.example.org\r\n",
        b"\x03\0\0\x16\x11\xe0",
        b"MSGF\xff\xff\xff\xff",
    ] {
        assert_eq!(ask(bytes, true), Recognition::NotMine, "{bytes:?}");
    }
}
