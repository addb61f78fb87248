use super::*;
use crate::protocols::Ending;

/// Messages of all kinds, whole.
fn samples() -> Vec<Vec<u8>> {
    vec![
        job(1, "0402 120a10020001000084000000 120e b2 ff 8a0e 0007 12345678 20000009", ""),
        done(1, "0402", "ff04000805 00 ff0400100102"),
        job(2, "0501 120a10040001000184000000", "000400101234"),
        done(2, "0501", "ff"),
        job(3, "1d00 0000 00000000 09 5f30413030303031 41", ""),
        done(3, "1d00 0100 00000007 07 30303030303830", ""),
        job(4, "1e00 0000 00000007", ""),
        message(3, 4, Some(0), &[0x1E, 0], &[0, 80, 0, 0xFB, 0x70, 0x70, 1, 1, 5, 10, 0, 1]),
        job(5, "28 000000000000fd 000a 0100 3041303030303150 05 5f494e5345", ""),
        userdata(6, 4, (4, 1), "ff09 0004 001c0000"),
        userdata(6, 8, (4, 1), "ff09 000c 0011 0000 001c 0001 00014142"),
        userdata(7, 4, (2, 1), "ff09 0010 0001 01 05 120a10 02 0002 0001 84 000010"),
        userdata(7, 8, (2, 1), "ff09 0008 0001 ff04 0010 0102"),
        userdata(0, 0, (2, 1), "ff09 0008 0001 ff04 0010 0102"),
        userdata(
            8,
            4,
            (1, 8),
            "ff09 0026 0014 000e 0000000100010006000100010001000100010200 0001 030100000000 0009 0004 4133851f",
        ),
        userdata(0, 0, (4, 5), "ff09 0016 9401060027203975 4001 120a1608000000af 0000fefe"),
        job(9, "0401 120c b0 02 02 0001 000a 01 0002 0000", ""),
        done(9, "0401", "ff09 0005 ff1234 0a 00"),
    ]
}

#[test]
fn a_message_cut_anywhere_is_waited_for_and_a_shorter_one_does_no_harm() {
    for sample in samples() {
        for cut in 0..sample.len() {
            let mut flow = flow();
            flow.send(if sample[8] & 2 == 0 { CLIENT } else { SERVER }, &sample[..cut]);
            assert_eq!((flow.out.lines.len(), flow.malformed.len()), (0, 0), "cut at {cut}");
            // The same content, cut, with a TPKT that is right.
            if let Some(payload) = sample.get(7..cut).filter(|payload| payload.len() > 1) {
                let mut flow = super::flow();
                flow.ask(&data(payload, true)).answer(&data(payload, true)).finish(Ending::CaptureEnd);
                assert!(flow.out.lines.len() + flow.malformed.len() >= 1, "{payload:02x?}");
            }
        }
    }
}

#[test]
fn mutated_messages_in_any_pieces_do_no_harm() {
    let samples = samples();
    let mut dice = Dice(0xBAD_5EED);
    for round in 0..3_000 {
        let mut flow = if round % 3 == 0 { Flow::new(None) } else { flow() };
        for _ in 0..dice.roll(24) {
            let mut bytes = samples[dice.roll(samples.len())].clone();
            for _ in 0..dice.roll(4) {
                // Below the TPKT's header mostly: there it is still whole.
                let place = if dice.roll(8) == 0 { dice.roll(bytes.len()) } else { 7 + dice.roll(bytes.len() - 7) };
                bytes[place] = dice.roll(256) as u8;
            }
            if dice.roll(8) == 0 {
                bytes.truncate(dice.roll(bytes.len()) + 1);
            }
            let side = if dice.roll(2) == 0 { CLIENT } else { SERVER };
            flow.send(side, &bytes);
            match dice.roll(20) {
                0 => drop(flow.gap(side)),
                1 => drop(flow.wait(SECOND * 4)),
                _ => {}
            }
        }
        flow.finish(Ending::Closed);
    }
}

#[test]
fn the_longest_message_takes_bounded_time() {
    // As many items as a count can say, each of the shortest kind, in a message as long as there can be.
    let items = "1204770102 03".repeat(255);
    let mut flow = flow();
    flow.ask(&job(1, &format!("04ff{items}"), "")).finish(Ending::CaptureEnd);
    assert_eq!(flow.last().matches("\"point\":").count(), 255);
    let range = "ff0001 0000";
    let block = format!("12ff b0 32 {}", range.repeat(50));
    let mut flow = super::flow();
    flow.ask(&job(1, &format!("04ff{}", block.repeat(200)), "")).finish(Ending::CaptureEnd);
    flow.says(&["invalid_item"]);
}
