//! Pairing without Python: ceilings and bounds that need many messages.

use super::pairing::{MAX_OPEN_BYTES, MAX_OPEN_REQUESTS, Pairing, Spoken, TIMEOUT};
use super::said::{Detail, Own, OwnField, Request, Response, Said};
use crate::address::{Moment, Side};
use crate::protocols::{Ending, PROTOCOLS, Plugins, Seen, Sink};
use crate::transaction::{Observation, Transaction};

#[derive(Default)]
struct Told {
    outcomes: [usize; 4],
    anomalies: Vec<u8>,
}

impl Sink for Told {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.outcomes[transaction.outcome.index()] += 1;
    }
    fn observation(&mut self, _: &Observation<'_>) {}
    fn anomaly(&mut self, _: u8, bit: u8, _: Side, _: Moment) {
        self.anomalies.push(bit);
    }
}

fn seen(clock: u64) -> Seen {
    Seen { clock, both_directions: true, lost: [false; 2] }
}

fn request(reference: i64, weight: usize) -> Said {
    let fields = vec![OwnField { name: "raw", value: Own::Hex(vec![0; weight].into()) }];
    Said::Request(Request { reference, unit: None, function: 1, access: None, detail: Detail { fields, weight } })
}

fn response(reference: i64) -> Said {
    Said::Response(Response { reference, function: None, rejected: None, detail: Detail::default() })
}

fn speak(pairing: &mut Pairing, side: Side, clock: u64, bytes: &[u8], said: Said, told: &mut Told) {
    let (at, seen) = (Moment { time: clock, packet: 1, capture: 1 }, seen(clock));
    let spoken = Spoken { protocol: 200, side, bytes, datagram: true, whole: false, at, seen: &seen };
    pairing.take(vec![said], &spoken, told);
}

#[test]
fn every_request_leaves_exactly_once() {
    let (mut pairing, mut told) = (Pairing::default(), Told::default());
    let all = MAX_OPEN_REQUESTS * 3;
    for n in 0..all {
        let reference = i64::try_from(n).expect("small");
        speak(&mut pairing, Side::A, 1, &n.to_be_bytes(), request(reference, 1), &mut told);
    }
    assert_eq!(told.outcomes, [0, 0, 0, all - MAX_OPEN_REQUESTS]);
    for n in 0..all {
        let reference = i64::try_from(n).expect("small");
        speak(&mut pairing, Side::B, 2, &n.to_be_bytes(), response(reference), &mut told);
    }
    pairing.finish(200, Ending::CaptureEnd, &seen(3), &mut told);
    assert_eq!(told.outcomes, [MAX_OPEN_REQUESTS, 0, 0, all - MAX_OPEN_REQUESTS]);
}

#[test]
fn large_fields_have_a_ceiling_of_their_own() {
    let (mut pairing, mut told) = (Pairing::default(), Told::default());
    for n in 0..5_u8 {
        speak(&mut pairing, Side::A, 1, &[n], request(i64::from(n), MAX_OPEN_BYTES / 2), &mut told);
    }
    assert_eq!(told.outcomes, [0, 0, 0, 3]);
}

#[test]
fn both_sides_may_ask_with_the_same_reference() {
    let (mut pairing, mut told) = (Pairing::default(), Told::default());
    speak(&mut pairing, Side::A, 1, b"a", request(1, 0), &mut told);
    speak(&mut pairing, Side::B, 1, b"b", request(1, 0), &mut told);
    speak(&mut pairing, Side::A, 2, b"c", response(1), &mut told);
    assert_eq!(told.outcomes, [1, 0, 0, 0]);
    assert_eq!(pairing.expire(200, &seen(TIMEOUT), &mut told), Some(TIMEOUT + 1));
    assert_eq!(pairing.expire(200, &seen(TIMEOUT + 1), &mut told), None);
    assert_eq!(told.outcomes, [1, 0, 1, 0]);
    speak(&mut pairing, Side::B, TIMEOUT + 2, b"d", response(1), &mut told);
    assert_eq!(told.anomalies, [super::anomaly::LATE_RESPONSE]);
}

#[test]
fn only_added_protocols_are_in_a_set_of_plugins() {
    let first = u8::try_from(PROTOCOLS.len()).expect("few protocols");
    let mut plugins = Plugins::default();
    for number in [0, first - 1, first, first + 36, 255] {
        plugins.insert(number);
    }
    assert_eq!(plugins.numbers().collect::<Vec<_>>(), [first]);
    assert_eq!(plugins.without(plugins), Plugins::default());
}
