//! Which bytes are Modbus, and which are not.

use super::functions::SAMPLES;
use super::*;
use crate::protocols::{Probe, Recognition};

fn probe(bytes: &[u8], port: u16, from_start: bool) -> Recognition {
    let hints = Hints { ports: [port, 51000], initiator: None, datagram: false };
    (super::super::PROTOCOL.recognise.unwrap())(&Probe { side: CLIENT, bytes, from_start, hints })
}

fn confidence(recognition: Recognition) -> u8 {
    match recognition {
        Recognition::Mine { confidence, .. } => confidence,
        _ => 0,
    }
}

#[test]
fn every_public_message_is_recognised_on_any_port() {
    for sample in SAMPLES.iter().filter(|sample| !sample.request.starts_with("41") && !sample.request.starts_with("7e"))
    {
        for pdu in [sample.request, sample.response] {
            let bytes = adu(9, 1, &hex(pdu));
            let (other, usual) = (confidence(probe(&bytes, 4444, true)), confidence(probe(&bytes, 502, true)));
            assert!(other > 0 && usual > other, "{pdu}: {other}, {usual}");
            for cut in 0..bytes.len() {
                assert_eq!(probe(&bytes[..cut], 4444, true), Recognition::More, "{pdu} cut at {cut}");
            }
            assert!(confidence(probe(&rtu(1, &hex(pdu)), 4444, true)) > 0, "{pdu} as RTU");
        }
    }
}

#[test]
fn others_are_not_even_on_the_usual_port() {
    let others: &[(&str, &str)] = &[
        ("http", "474554202f20485454502f312e310d0a486f73743a20780d0a0d0a"),
        ("ssh", "5353482d322e302d4f70656e5353485f392e300d0a"),
        ("tls", "16030100c8010000c40303a1b2c3d4e5f60718293a4b5c6d7e8f"),
        ("s7comm", "0300001611e00000000100c0010ac1020100c2020102"),
        ("dnp3", "056405c001000004e92100000000"),
        ("mqtt", "101000044d5154540402003c000464656d6f"),
        ("opcua", "48454c4638000000000000000000010000000100000000000000000018000000"),
        ("iec104", "68040700000068040b000000"),
        ("enip", "6300000000000000000000000000000000000000000000000000"),
        ("smb", "00000054ff534d4272000000001843c80000000000000000"),
        ("zeros", "000000000000000000000000000000000000000000000000"),
    ];
    for (name, bytes) in others {
        for port in [502, 4444] {
            for from_start in [true, false] {
                assert_eq!(probe(&hex(bytes), port, from_start), Recognition::NotMine, "{name} on {port}");
            }
        }
    }
}

#[test]
fn on_the_usual_port_broken_modbus_is_modbus() {
    let mut wrong_protocol = adu(1, 1, &[3, 0, 0, 0, 1]);
    wrong_protocol[2] = 1;
    let mut wrong_length = adu(1, 1, &[3, 0, 0, 0, 1]);
    wrong_length[4] = 0x88;
    for bytes in [wrong_protocol, wrong_length, adu(1, 1, &[0, 0, 0]), adu(1, 1, &[3, 0, 0])] {
        assert!(confidence(probe(&bytes, 502, true)) > 0, "{bytes:02x?}");
        assert_eq!(probe(&bytes, 4444, true), Recognition::NotMine, "{bytes:02x?}");
    }
}

#[test]
fn midstream_the_first_whole_message_is_found() {
    let mut bytes = hex("1122334455");
    bytes.extend(adu(1, 1, &[3, 0, 0, 0, 1]));
    bytes.extend(adu(2, 1, &[3, 0, 0, 0, 1]));
    assert!(matches!(probe(&bytes, 4444, false), Recognition::Mine { skip: 5, .. }));
    assert_eq!(probe(&bytes, 4444, true), Recognition::NotMine);
}

#[test]
fn a_protocol_with_the_same_crc_is_let_go() {
    // ROC Plus: two requests that could be Modbus, and an answer that can't.
    let mut flow = Flow::new(Hints { ports: [4000, 32107], initiator: Some(CLIENT), datagram: false });
    flow.ask(&hex("0102030406003a2f")).answer(&hex("0102030406d70100020002010100000000000000000000000600010203040506"));
    assert!(flow.ended && flow.records().is_empty());
}

#[test]
fn the_registry_numbers_are_right() {
    assert_eq!(PROTOCOLS[usize::from(crate::protocols::modbus::tables::NUMBER)].name, "modbus");
    assert_eq!(PROTOCOLS[usize::from(crate::protocols::umas::tables::NUMBER)].name, "umas");
}
