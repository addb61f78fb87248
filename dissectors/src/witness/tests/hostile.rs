//! Any bytes: no panic, no endless loop, nothing that the tables do not list, nothing held beyond the end.

use super::super::{FIRST_WITNESS, Frame, MAX_LISTENING_FOR_TESTS, Testimony, WITNESSES, Watch, Witnesses};
use super::{Book, CLIENT, SERVER, datagram, links, stream};
use crate::address::{Address, Moment, Side};
use crate::witness::Piece;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.next() as usize % most;
        (0..length).map(|_| if self.next() & 3 == 0 { 0 } else { self.next() as u8 }).collect()
    }
}

/// First bytes that each stream's witness recognises.
const BEGINNINGS: [&[u8]; 10] = [
    b"GET / HTTP/1.1\r\nHost: ",
    b"HTTP/1.1 200 OK\r\nWWW-Authenticate: NTLM ",
    b"SSH-2.0-",
    b"\x05\x00\x0B\x03\x10\x00\x00\x00\xA0\x00\x40\x00\x01\x00\x00\x00NTLMSSP\x00\x03\x00\x00\x00",
    b"\x16\x03\x01\x01\x00\x01\x00\x00\xF0\x03\x03",
    b"\x16\x03\x03\x01\x00\x02\x00\x00\x40\x03\x03",
    b"\x00\x00\x00\x80\xFESMB\x40\x00",
    b"\x00\x00\x00\x80\xFFSMB\x73",
    b"\x03\x00\x00\x40\x3B\xE0\x00\x00\x00\x00\x00Cookie: mstshash=",
    b"\x6F\x00\x40\x00\x01\x00\x00\x00\x00\x00\x00\x00\x11\x11\x11\x11\x11\x11\x11\x11\x00\x00\x00\x00",
];

#[test]
fn frames_and_datagrams_of_any_bytes() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..3_000 {
        let bytes = random.bytes(400);
        for (number, witness) in (FIRST_WITNESS..).zip(WITNESSES) {
            let mut book = Book::default();
            if let Some(ear) = &witness.frames {
                let frame = Frame { source: [2, 0, 0, 0, 0, 1], destination: [2, 0, 0, 0, 0, 2], bytes: &bytes };
                (ear.read)(&frame, &mut Testimony::new(&mut book, number, Moment::default()));
            }
            if let Some(ear) = &witness.datagrams {
                datagram(witness.name, [ear.ports[0], 40_000], &bytes);
                datagram(witness.name, [40_000, ear.ports[0]], &bytes);
            }
        }
    }
}

#[test]
fn changed_samples() {
    let mut random = Random(7);
    let samples = [
        ("enip", 44_818_u16, links::list_identity()),
        ("dhcp", 67, links::dhcp_sample()),
        ("dns", 53, links::dns_sample()),
    ];
    for (witness, port, sample) in samples {
        for _ in 0..2_000 {
            let mut changed = sample.clone();
            for _ in 0..=random.next() % 4 {
                let place = random.next() as usize % changed.len();
                changed[place] = random.next() as u8;
            }
            changed.truncate(random.next() as usize % (changed.len() + 1));
            datagram(witness, [port, 40_000], &changed);
        }
    }
}

#[test]
fn streams_of_any_bytes() {
    let mut random = Random(99);
    for round in 0..4_000 {
        let one = [BEGINNINGS[round % BEGINNINGS.len()], &random.bytes(600)].concat();
        let other = [BEGINNINGS[random.next() as usize % BEGINNINGS.len()], &random.bytes(600)].concat();
        let step = 1 + random.next() as usize % 300;
        stream(&[(Side::A, &one), (Side::B, &other), (Side::A, &random.bytes(200))], step);
    }
}

#[test]
fn endless_messages_end_at_the_budget() {
    let mut witnesses = Witnesses::default();
    for beginning in BEGINNINGS {
        let (mut watch, mut book) = (Watch::default(), Book::default());
        let piece =
            |bytes| Piece { side: Side::A, source: Address::v4(CLIENT), destination: Address::v4(SERVER), bytes };
        witnesses.stream(&mut watch, &piece(beginning), Moment::default(), &mut book).expect("no panic");
        let more = vec![b'a'; 1_400];
        let pieces = (0..1_000).take_while(|_| {
            witnesses.stream(&mut watch, &piece(&more), Moment::default(), &mut book).expect("no panic");
            !watch.is_done(Side::A)
        });
        assert!(pieces.count() < 200, "{beginning:?} goes on");
        witnesses.close(&mut watch);
    }
    assert!(witnesses.is_empty());
}

#[test]
fn a_flood_of_openings_fills_the_table_and_is_counted() {
    let mut witnesses = Witnesses::default();
    let mut book = Book::default();
    let piece = Piece { side: Side::A, source: Address::v4(CLIENT), destination: Address::v4(SERVER), bytes: b"GE" };
    let mut watches: Vec<Watch> = (0..MAX_LISTENING_FOR_TESTS + 5).map(|_| Watch::default()).collect();
    for watch in &mut watches {
        witnesses.stream(watch, &piece, Moment::default(), &mut book).expect("no panic");
    }
    assert_eq!(witnesses.ceilings().collect::<Vec<_>>(), [("witnesses", 5)]);
    watches.iter_mut().for_each(|watch| witnesses.close(watch));
    assert!(witnesses.is_empty());
}
