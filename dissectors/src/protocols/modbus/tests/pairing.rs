//! Requests and responses find each other.

use super::*;
use crate::protocols::modbus::pairing::{MAX_OPEN_REQUESTS, TIMEOUT};

fn read(transaction_id: u16, unit: u8, first: u16) -> Vec<u8> {
    let [high, low] = first.to_be_bytes();
    adu(transaction_id, unit, &[3, high, low, 0, 1])
}

fn word(transaction_id: u16, unit: u8, value: u8) -> Vec<u8> {
    adu(transaction_id, unit, &[3, 2, 0, value])
}

/// Points of the records with the packets of request and response.
fn pairs(flow: &Flow) -> Vec<(Option<u64>, Option<u64>)> {
    flow.records().iter().map(|record| (record.request, record.response)).collect()
}

#[test]
fn pipelining_with_and_without_identifiers() {
    for identifiers in [[1, 2, 3], [0, 0, 0]] {
        let [a, b, c] = identifiers;
        let mut flow = Flow::tcp();
        flow.ask(&[read(a, 1, 0), read(b, 1, 10)].concat()).ask(&read(c, 1, 20));
        flow.answer(&word(a, 1, 7)).answer(&[word(b, 1, 8), word(c, 1, 9)].concat());
        let points: Vec<&str> = flow.records().iter().map(|record| record.points[0].as_str()).collect();
        let expect = [
            "read holding_register:0-0 = [7]",
            "read holding_register:10-10 = [8]",
            "read holding_register:20-20 = [9]",
        ];
        assert_eq!(points, expect, "{identifiers:?}");
        assert!(flow.records().iter().all(|record| record.anomalies.is_empty()));
    }
}

#[test]
fn answers_out_of_order_and_units_behind_a_gateway() {
    let mut flow = Flow::tcp();
    flow.ask(&read(0, 1, 1)).ask(&read(0, 2, 2)).ask(&read(0, 3, 3));
    flow.answer(&word(0, 3, 3)).answer(&word(0, 1, 1)).answer(&adu(0, 2, &[0x83, 11]));
    assert_eq!(pairs(&flow), [(Some(3), Some(4)), (Some(1), Some(5)), (Some(2), Some(6))]);
    assert_eq!(flow.last().outcome, "rejected 11 gateway_target_device_failed_to_respond");
}

#[test]
fn content_tells_apart_what_identifiers_do_not() {
    let mut flow = Flow::tcp();
    flow.ask(&adu(0, 1, &[3, 0, 0, 0, 2])).ask(&adu(0, 1, &[3, 0, 9, 0, 1])).answer(&word(0, 1, 5));
    assert_eq!(pairs(&flow), [(Some(2), Some(3))]);
}

#[test]
fn a_client_that_gave_up_does_not_shift_everything_after() {
    let mut flow = Flow::tcp();
    flow.ask(&read(0, 1, 0));
    flow.wait(SECOND);
    for _ in 0..3 {
        flow.ask(&read(0, 1, 0)).answer(&word(0, 1, 1));
        flow.wait(SECOND);
    }
    assert_eq!(pairs(&flow), [(Some(2), Some(3)), (Some(4), Some(5)), (Some(6), Some(7))]);
    flow.wait(TIMEOUT);
    assert_eq!((flow.last().request, flow.last().outcome.as_str()), (Some(1), "unanswered"));
}

#[test]
fn a_lost_response_does_not_shift_either() {
    let mut flow = Flow::tcp();
    flow.ask(&read(0, 1, 0)).gap(SERVER).ask(&read(0, 1, 0)).answer(&word(0, 1, 1));
    assert_eq!(pairs(&flow), [(Some(2), Some(3))]);
    flow.wait(TIMEOUT);
    assert_eq!(flow.last().outcome, "unknown", "the response may be what was lost");
}

#[test]
fn unanswered_only_when_nothing_can_have_been_missed() {
    let outcome = |prepare: fn(&mut Flow)| {
        let mut flow = Flow::tcp();
        flow.ask(&read(1, 1, 0));
        prepare(&mut flow);
        assert_eq!(flow.wait(TIMEOUT), None);
        flow.last().outcome.clone()
    };
    assert_eq!(outcome(|_| {}), "unanswered");
    assert_eq!(outcome(|flow| flow.seen.both_directions = false), "unknown");
    assert_eq!(outcome(|flow| flow.seen.lost[SERVER.index()] = true), "unknown");
    let mut flow = Flow::tcp();
    flow.ask(&read(1, 1, 0));
    let deadline = flow.seen.clock + TIMEOUT;
    assert_eq!(flow.wait(0), Some(deadline));
    assert!(flow.records().is_empty());
    for (ending, expect) in [
        (Ending::Closed, "unanswered"),
        (Ending::CaptureEnd, "unknown"),
        (Ending::ClockJump, "unknown"),
        (Ending::Timeout, "unknown"),
    ] {
        let mut flow = Flow::tcp();
        flow.ask(&read(1, 1, 0));
        assert_eq!(flow.finish(ending).records[0].outcome, expect, "{ending:?}");
    }
}

#[test]
fn broadcasts_and_listen_only_are_not_unanswered() {
    for pdu in [vec![6, 0, 1, 0, 1], vec![8, 0, 4, 0, 0]] {
        let mut flow = Flow::tcp();
        flow.ask(&adu(1, if pdu[0] == 8 { 5 } else { 0 }, &pdu));
        flow.wait(TIMEOUT);
        assert_eq!(flow.last().outcome, "unknown");
    }
    let mut flow = Flow::tcp();
    flow.ask(&adu(1, 0, &[6, 0, 1, 0, 1])).answer(&adu(1, 0, &[6, 0, 1, 0, 1]));
    assert_eq!(flow.last().outcome, "accepted", "over TCP unit 0 may be the device itself");
}

#[test]
fn a_late_response_is_no_transaction() {
    let mut flow = Flow::tcp();
    flow.ask(&read(1, 1, 0)).answer(&word(1, 1, 0)).ask(&read(2, 1, 0));
    flow.wait(TIMEOUT);
    flow.answer(&word(2, 1, 0));
    assert_eq!(flow.records().len(), 2);
    assert_eq!(flow.out.anomalies, [("late_response", 4)]);
    flow.answer(&word(2, 1, 0));
    assert_eq!(flow.last().anomalies, ["unsolicited_response"], "only once");
}

#[test]
fn late_even_when_the_engine_did_not_ask_for_deadlines() {
    let mut flow = Flow::tcp();
    flow.ask(&read(1, 1, 0));
    flow.seen.clock += TIMEOUT;
    flow.answer(&word(1, 1, 0));
    assert_eq!((flow.records().len(), flow.last().outcome.as_str()), (1, "unanswered"));
    assert_eq!(flow.out.anomalies, [("late_response", 2)]);
}

#[test]
fn unsolicited_only_when_no_request_can_have_been_missed() {
    let mut flow = Flow::tcp();
    flow.ask(&read(1, 1, 0)).answer(&word(1, 1, 0)).answer(&word(9, 1, 0));
    assert_eq!((flow.last().request, flow.last().anomalies.as_slice()), (None, &["unsolicited_response"][..]));

    let mut flow = Flow::tcp();
    flow.answer(&word(9, 1, 0));
    assert!(flow.last().anomalies.is_empty(), "no request was ever seen: one-way mirror");

    let mut flow = Flow::new(Hints { initiator: None, ..tcp_hints() });
    flow.ask(&read(1, 1, 0)).answer(&word(9, 1, 0));
    assert!(flow.last().anomalies.is_empty(), "the request may precede the capture");

    let mut flow = Flow::tcp();
    flow.ask(&read(1, 1, 0)).gap(CLIENT).answer(&word(9, 1, 0));
    assert!(flow.last().anomalies.is_empty(), "the request may be what was lost");
}

#[test]
fn a_response_of_another_function_or_unit_is_a_mismatch() {
    for answer in [adu(1, 1, &[4, 2, 0, 0]), word(1, 2, 0)] {
        let mut flow = Flow::tcp();
        flow.ask(&read(1, 1, 0)).answer(&answer);
        assert_eq!(pairs(&flow), [(Some(1), Some(2))]);
        assert_eq!(flow.last().anomalies, ["response_mismatch"]);
    }
}

#[test]
fn over_udp_the_same_again_is_a_retransmission() {
    let mut flow = Flow::udp();
    flow.ask(&read(1, 1, 0)).ask(&read(1, 1, 0)).answer(&word(1, 1, 5));
    assert_eq!(pairs(&flow), [(Some(1), Some(3))]);
    assert!(flow.last().detail.contains("framing=udp retransmissions=1"), "{}", flow.last().detail);
    let mut flow = Flow::udp();
    flow.ask(&[read(1, 1, 0), read(2, 1, 9)].concat()).answer(&[word(2, 1, 5), word(1, 1, 5)].concat());
    assert_eq!(flow.records().len(), 2, "a datagram may hold several");
}

#[test]
fn a_flood_is_bounded_and_said() {
    let mut flow = Flow::tcp();
    for id in 0..1000 {
        flow.ask(&read(id, 1, 0));
    }
    assert_eq!(flow.records().len(), 1000 - MAX_OPEN_REQUESTS);
    assert!(flow.records().iter().all(|record| record.anomalies == ["too_many_open_requests"]));
    flow.answer(&word(999, 1, 0));
    assert_eq!(flow.last().request, Some(1000));

    let mut flow = Flow::tcp();
    flow.seen.both_directions = false;
    for id in 0..1000 {
        flow.ask(&read(id, 1, 0));
    }
    assert!(flow.records().iter().all(|record| record.anomalies.is_empty()), "a one-way mirror is no flood");
}

#[test]
fn the_protocol_says_who_is_client() {
    // The server opened the connection and has the higher port; the form of the messages decides.
    let hints = Hints { ports: [4000, 5000], initiator: Some(SERVER), datagram: false };
    let mut flow = Flow::new(hints);
    flow.ask(&read(1, 1, 0)).answer(&word(1, 1, 0));
    assert_eq!((flow.last().client, flow.last().request), (CLIENT, Some(1)));

    // Echoes do not tell: the port does, and what is learnt later corrects it.
    let mut flow = Flow::new(hints);
    let echo = adu(1, 1, &[6, 0, 1, 0, 1]);
    flow.ask(&echo).answer(&read(2, 1, 0));
    assert_eq!(
        (flow.records().len(), flow.last().client),
        (1, SERVER),
        "the initiator was taken for client, and it asks"
    );
    let mut flow = Flow::new(Hints { initiator: Some(CLIENT), ..hints });
    flow.ask(&echo).answer(&read(2, 1, 0));
    assert_eq!(flow.records().len(), 1, "what had been taken for a request was a response");
    assert_eq!((flow.last().client, flow.last().request, flow.last().response), (SERVER, None, Some(1)));
}

#[test]
fn rtu_has_one_request_per_unit() {
    let mut flow = Flow::tcp();
    flow.ask(&rtu(1, &[3, 0, 0, 0, 1])).ask(&rtu(2, &[3, 0, 5, 0, 1]));
    flow.answer(&rtu(2, &[3, 2, 0, 2])).answer(&rtu(1, &[3, 2, 0, 1]));
    assert_eq!(pairs(&flow), [(Some(2), Some(3)), (Some(1), Some(4))]);
    assert_eq!(flow.last().detail, "framing=rtu");
}
