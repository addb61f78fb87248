//! The short way says what the general way says.

use super::*;
use crate::protocols::dnp3::message::application::Fragment;
use crate::protocols::dnp3::message::compose::{Exchange, Request, Response};
use crate::protocols::dnp3::message::usual;
use crate::protocols::dnp3::pairing::transfers::Transfers;

fn both(asked: &str, iin: u16, answered: &str) -> (Option<Record>, Record) {
    let request = [&[0xC5, 1][..], &hex(asked)].concat();
    let response = [&[0xC5, 129, (iin >> 8) as u8, iin as u8][..], &hex(answered)].concat();
    let at = |packet| Moment { time: SECOND, packet, capture: 1 };
    let fragment = Fragment::read(&response).unwrap();
    let exchange = Exchange {
        request: Some(Request { fragment: Fragment::read(&request).unwrap(), at: at(1) }),
        response: Some(Response { fragment, iin, more: (&[], &[]), at: at(2) }),
        ..Exchange::new(MASTER, 3 << 16 | 1024, SECOND)
    };
    let (mut short, mut long) = (Collector::default(), Collector::default());
    let told = usual::tell(&exchange, &mut short);
    assert_eq!(told, short.records.len() == 1);
    exchange.emit_any(&mut Transfers::default(), &mut long);
    (short.records.pop(), long.records.pop().unwrap())
}

const POLLS: [&str; 5] = ["3c0206", "3c0106", "3c0206 3c0306 3c0406", "3c0206 3c0306 3c0406 3c0106", "3c0106 3c0206"];

#[test]
fn usual_polls_are_told_the_same() {
    let answers = [
        "",
        "0102 00 0003 01 81 05 01",
        "2001 28 0100 0300 01 e8030000",
        "3301 07 01 e80300000000 0203 17 02 03 81 0500 04 01 0600",
        "1e05 01 0000 0100 01 0000c03f 01 0000c03f 1402 00 0000 01 3412",
        "2002 17 03 01 01 0100 02 01 0200 09 03 0300",
    ];
    for asked in POLLS {
        for iin in [0, 0x0200, 0x8E08] {
            for answered in answers {
                let (short, long) = both(asked, iin, answered);
                assert_eq!(short, Some(long), "{asked} / {answered}");
            }
        }
    }
}

#[test]
fn unusual_ones_are_left_to_the_general_way() {
    for (asked, iin, answered) in [
        ("3c0206 3c0406", 0, ""),
        ("3c0206 1e0206", 0, ""),
        ("3c0207 01", 0, ""),
        ("", 0, ""),
        ("3c0206", 0x0002, ""),
        ("3c0206", 0x4000, ""),
        ("3c0206", 0, "00fc 00 0000 01 01 41"),
        ("3c0206", 0, "0203 17 01 03 81 0500"),
        ("3c0206", 0, "0102 00 0003 01"),
        ("3c0206", 0, "3402 07 01 0a00"),
    ] {
        assert_eq!(both(asked, iin, answered).0, None, "{asked} / {answered}");
    }
}
