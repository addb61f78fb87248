//! The short way of usual messages says what the general way says: a message with one more byte behind it takes the general one.

use super::*;

/// A PDU that is usual, nearly so, or something else.
fn question(dice: &mut Dice) -> Vec<u8> {
    let function = [1, 2, 3, 4, 5, 6, 15, 16, 3, 4, 23, 7][dice.roll(12)];
    let quantity = [0, 1, 2, 8, 9, 60, 125, 126, 2001][dice.roll(9)] as u16;
    let first = [0, 7, 100, 65_500][dice.roll(4)] as u16;
    let mut pdu = vec![function];
    pdu.extend(first.to_be_bytes());
    match function {
        5 => pdu.extend([[0xFF, 0], [0, 0], [0, 7]][dice.roll(3)]),
        15 | 16 => {
            let bytes = if function == 15 { quantity.div_ceil(8) } else { quantity * 2 } as usize % 200;
            let bytes = bytes + usize::from(dice.roll(8) == 0);
            pdu.extend(quantity.to_be_bytes());
            pdu.push(bytes as u8);
            pdu.extend((0..bytes).map(|n| n as u8));
        }
        _ => pdu.extend(quantity.to_be_bytes()),
    }
    bend(pdu, dice)
}

/// Now and then a byte too many or too few, or another one.
fn bend(mut pdu: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    match dice.roll(24) {
        0 => pdu.push(9),
        1 if pdu.len() > 1 => pdu.truncate(pdu.len() - 1),
        2 => {
            let place = dice.roll(pdu.len());
            pdu[place] = dice.roll(256) as u8;
        }
        _ => {}
    }
    pdu
}

fn reply(question: &[u8], dice: &mut Dice) -> Vec<u8> {
    let quantity = match question {
        [_, _, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 1,
    };
    let mut pdu = match question[0] {
        function @ (1 | 2) => vec![function; quantity.div_ceil(8).min(250) + 2],
        function @ (3 | 4) => vec![function; (quantity * 2).min(250) + 2],
        function if function < 128 && dice.roll(12) == 0 => vec![function | 0x80, 2],
        _ => question.get(..5).unwrap_or(question).to_vec(),
    };
    if matches!(question[0], 1..=4) {
        pdu[1] = (pdu.len() - 2) as u8;
    }
    bend(pdu, dice)
}

/// Both flows are fed the same, the second with a byte more.
fn feed(flows: &mut [Flow; 2], side: Side, message: &[u8]) {
    let longer = [message, &[0]].concat();
    for (flow, bytes) in flows.iter_mut().zip([message, &longer]) {
        flow.seen.clock += SECOND / 1000;
        flow.packet += 1;
        let at = Moment { time: flow.seen.clock, packet: flow.packet, capture: 1 };
        let fed = flow.dissector.feed(side, bytes, at, &flow.seen, &mut flow.out);
        assert_eq!(fed, Fed::Used(message.len()), "{message:02x?}");
    }
}

fn both_ways(dice: &mut Dice) -> usize {
    let mut flows = [Flow::tcp(), Flow::tcp()];
    let mut open = std::collections::VecDeque::new();
    for identifier in 0..60_u16 {
        let (identifier, unit) = (identifier / 2 * dice.roll(2) as u16, dice.roll(2) as u8);
        let asked = question(dice);
        feed(&mut flows, CLIENT, &adu(identifier, unit, &asked));
        open.push_back((identifier, unit, asked));
        if dice.roll(40) == 0 {
            flows.iter_mut().for_each(|flow| assert_eq!(flow.wait(11 * SECOND), None));
        }
        while !open.is_empty() && dice.roll(5) > 0 {
            let place = if dice.roll(8) == 0 { open.len() - 1 } else { 0 };
            let (identifier, unit, asked) = open.remove(place).unwrap();
            let unit = unit + u8::from(dice.roll(40) == 0);
            feed(&mut flows, SERVER, &adu(identifier, unit, &reply(&asked, dice)));
        }
    }
    let [short, general] = flows.map(|flow| flow.finish(Ending::Closed));
    assert_eq!(short.records, general.records);
    assert_eq!(short.anomalies, general.anomalies);
    short.records.iter().filter(|record| record.outcome == "accepted" && record.anomalies.is_empty()).count()
}

#[test]
fn the_short_way_says_what_the_general_way_says() {
    let mut dice = Dice(0x5EED);
    let usual: usize = (0..400).map(|_| both_ways(&mut dice)).sum();
    assert!(usual > 4_000, "only {usual} accepted records without an anomaly: too few are usual");
}
