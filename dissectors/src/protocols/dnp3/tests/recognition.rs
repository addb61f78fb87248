//! What is DNP3 and what is not.

use super::*;
use crate::protocols::{Probe, Recognition};

fn probe(bytes: &[u8], from_start: bool, hints: Hints) -> Recognition {
    (super::super::PROTOCOL.recognise.unwrap())(&Probe { side: MASTER, bytes, from_start, hints })
}

fn elsewhere(datagram: bool) -> Hints {
    Hints { ports: [4444, 5555], initiator: None, datagram }
}

#[test]
fn a_frame_is_known_on_any_port() {
    let message = request(0, 1, "3c0206");
    for datagram in [false, true] {
        assert!(matches!(probe(&message, true, elsewhere(datagram)), Recognition::Mine { skip: 0, confidence: 95 }));
    }
    for cut in 1..10 {
        assert_eq!(probe(&message[..cut], true, elsewhere(false)), Recognition::More, "{cut}");
        assert_eq!(probe(&message[..cut], true, elsewhere(true)), Recognition::NotMine, "{cut}");
    }
    assert!(matches!(probe(&message[..12], true, elsewhere(false)), Recognition::Mine { .. }));
}

#[test]
fn midstream_the_next_frame_is_found() {
    let message = request(0, 1, "3c0206");
    let bytes = [&[0x64, 0x05, 0x64, 1, 2, 3][..], &message].concat();
    assert_eq!(probe(&bytes, false, elsewhere(false)), Recognition::Mine { skip: 6, confidence: 80 });
    assert_eq!(probe(&bytes, true, elsewhere(false)), Recognition::NotMine);
}

#[test]
fn a_wrong_header_is_dnp3_on_its_port_alone() {
    let mut message = request(0, 1, "3c0206");
    message[8] ^= 1;
    assert!(matches!(probe(&message, true, tcp_hints()), Recognition::Mine { confidence: 30, .. }));
    assert_eq!(probe(&message, true, elsewhere(false)), Recognition::NotMine);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n\r\n", true, tcp_hints()), Recognition::NotMine);
}
