//! Commands: select before operate, broadcast, a second master.

use super::*;

const CLOSE: &str = "0c01 28 0100 0300 41 01 64000000 00000000 00";
const TRIP: &str = "0c01 28 0100 0300 81 01 64000000 00000000 00";

fn operate(between: impl Fn(&mut Flow), sequence: u8, objects: &str) -> Record {
    let mut flow = Flow::tcp();
    flow.ask(&request(4, 3, CLOSE)).answer(&response(4, CLOSE));
    between(&mut flow);
    flow.ask(&request(sequence, 4, objects)).answer(&response(sequence, objects));
    flow.last().clone()
}

#[test]
fn an_operate_follows_its_select() {
    let record = operate(|_| {}, 5, CLOSE);
    assert!(record.anomalies.is_empty());
    assert!(record.detail.contains("select={capture=1 packet=1}"), "{}", record.detail);
    assert_eq!(record.outcome, "accepted");
}

#[test]
fn an_operate_that_differs_from_its_select_is_told() {
    assert_eq!(operate(|_| {}, 5, TRIP).anomalies, ["select_mismatch"]);
    assert_eq!(operate(|_| {}, 6, CLOSE).anomalies, ["select_mismatch"]);
    assert_eq!(operate(|flow| flow.seen.clock += 11 * SECOND, 5, CLOSE).anomalies, ["select_expired"]);
}

#[test]
fn an_operate_without_select_is_told_once_one_knows() {
    let mut flow = Flow::tcp();
    flow.ask(&request(5, 4, CLOSE)).answer(&response(5, CLOSE));
    assert_eq!(flow.last().anomalies, ["operate_without_select"]);
    // The select may have preceded the capture.
    let mut flow = Flow::new(Hints { initiator: None, ..tcp_hints() });
    flow.ask(&request(5, 4, CLOSE)).answer(&response(5, CLOSE));
    assert!(flow.last().anomalies.is_empty());
    // A select that was refused is none.
    let refused = "0c01 28 0100 0300 41 01 64000000 00000000 04";
    let mut flow = Flow::tcp();
    flow.ask(&request(4, 3, CLOSE))
        .answer(&response(4, refused))
        .ask(&request(5, 4, CLOSE))
        .answer(&response(5, CLOSE));
    assert_eq!(flow.records()[0].outcome, "rejected 4 not_supported");
    assert_eq!(flow.last().anomalies, ["operate_without_select"]);
    // One is used up by its operate; the same operate again is only repeated.
    let mut flow = Flow::tcp();
    flow.ask(&request(4, 3, CLOSE)).answer(&response(4, CLOSE));
    for _ in 0..2 {
        flow.ask(&request(5, 4, CLOSE)).answer(&response(5, CLOSE));
    }
    assert!(flow.last().anomalies.is_empty() && flow.last().detail.contains("repeated=true"), "{:?}", flow.last());
    flow.ask(&request(6, 4, CLOSE)).answer(&response(6, CLOSE));
    assert_eq!(flow.last().anomalies, ["operate_without_select"]);
}

#[test]
fn another_master_between_is_told() {
    let mut flow = Flow::tcp();
    flow.ask(&request(4, 3, CLOSE)).answer(&response(4, CLOSE));
    flow.ask(&frame(0xC4, 1024, 9, &[&hex("c0c005")[..], &hex(TRIP)].concat()));
    flow.answer(&frame(0x44, 9, 1024, &[&hex("c0c0810000")[..], &hex(TRIP)].concat()));
    assert_eq!((flow.last().unit.as_str(), &flow.last().anomalies[..]), ("9>1024", &["second_master"][..]));
    // To another outstation it may.
    flow.ask(&frame(0xC4, 1025, 9, &[&hex("c0c005")[..], &hex(TRIP)].concat()));
    flow.answer(&frame(0x44, 9, 1025, &[&hex("c0c0810000")[..], &hex(TRIP)].concat()));
    assert!(flow.last().anomalies.is_empty());
}

#[test]
fn control_by_broadcast_is_told() {
    for (address, name) in [(0xFFFD, "do_not_confirm"), (0xFFFE, "shall_confirm"), (0xFFFF, "optional_confirm")] {
        let mut flow = Flow::tcp();
        flow.ask(&frames(true, address, &[&hex("c005")[..], &hex(CLOSE)].concat()));
        assert_eq!((flow.last().outcome.as_str(), &flow.last().anomalies[..]), ("unknown", &["broadcast_control"][..]));
        assert!(flow.last().detail.contains(&format!("broadcast={name}")));
        assert_eq!(flow.last().unit, format!("3>{address}"));
        flow.ask(&frames(true, address, &hex("c102 3201 07 01 e80300000000")));
        assert!(flow.last().anomalies.is_empty(), "setting the clock by broadcast is usual");
    }
}

#[test]
fn the_self_address_is_answered_from_the_own_one() {
    let mut flow = Flow::tcp();
    flow.ask(&frames(true, 0xFFFC, &hex("c201 3c0106"))).answer(&response(2, "0101 00 0000 01"));
    assert_eq!((flow.records().len(), flow.last().unit.as_str(), flow.last().response), (1, "3>65532", Some(2)));
    assert!(flow.last().detail.contains("self_address=true"));
}

#[test]
fn statuses_belong_to_their_points() {
    let asked = "0c01 17 02 03 03 01 64000000 00000000 00 04 04 01 64000000 00000000 00 2901 17 01 07 05000000 00";
    let answered = "0c01 17 02 03 03 01 64000000 00000000 00 04 04 01 64000000 00000000 06 2901 17 01 07 05000000 09";
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 5, asked)).answer(&response(0, answered));
    let record = flow.last();
    assert_eq!(record.outcome, "rejected 6 hardware_error");
    let ends: Vec<&str> = record.points.iter().map(|p| p.split("status=").nth(1).unwrap()).collect();
    assert_eq!(ends, ["{code=0 name=success}", "{code=6 name=hardware_error}", "{code=9 name=not_authorized}"]);
    assert!(record.points[1].contains("binary_output:4 = [0] object=g12v1 control_code=4 operation=latch_off"));
    assert!(record.anomalies.is_empty());
}

#[test]
fn an_answer_that_is_no_echo_is_told() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 5, CLOSE)).answer(&response(0, TRIP));
    assert_eq!(flow.last().anomalies, ["response_mismatch"]);
    flow.ask(&request(1, 5, CLOSE)).answer(&response(1, ""));
    assert_eq!(flow.last().anomalies, ["response_mismatch"]);
    flow.ask(&request(2, 5, CLOSE)).answer(&indicated(0xC2, 0x0004, ""));
    assert!(flow.last().anomalies.is_empty(), "who refuses as a whole need not repeat it");
}

#[test]
fn codes_that_are_not_defined_are_told() {
    let strange = "0c01 28 0100 0300 c9 01 64000000 00000000 00";
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 5, strange)).answer(&response(0, strange));
    assert_eq!(flow.last().anomalies, ["invalid_value"]);
    assert!(flow.last().points[0].contains("= ? object=g12v1 control_code=201 operation=null trip_close=reserved"));
}
