//! Requests and responses, retries, fragments, confirmations, reports, time-outs.

use super::functions::line;
use super::*;

const POLL: &str = "3c0206 3c0306 3c0406";

#[test]
fn a_request_again_is_a_retry_and_another_number_a_second_request() {
    let mut flow = Flow::udp();
    flow.ask(&request(0, 1, POLL)).ask(&request(0, 1, POLL)).answer(&response(0, ""));
    assert_eq!((flow.records().len(), flow.last().request), (1, Some(1)));
    assert!(flow.last().detail.contains("retries=1"));
    flow.ask(&request(1, 1, POLL)).ask(&request(2, 1, POLL)).answer(&response(2, "")).answer(&response(1, ""));
    assert_eq!(flow.records().len(), 3);
    assert_eq!((flow.records()[1].request, flow.records()[2].request), (Some(5), Some(4)));
}

#[test]
fn what_is_not_answered_is_given_up_when_something_later_is() {
    let mut flow = Flow::tcp();
    flow.ask(&request(1, 1, POLL)).ask(&request(2, 1, "3c0106")).answer(&response(2, ""));
    let told: Vec<_> = flow.records().iter().map(|r| (r.request, r.outcome.as_str())).collect();
    assert_eq!(told, [(Some(2), "accepted"), (Some(1), "unanswered")]);
    // The number has come round: the answer belongs to the later request.
    let mut flow = Flow::tcp();
    flow.ask(&request(1, 1, POLL)).gap(OUTSTATION);
    flow.ask(&request(2, 1, POLL)).ask(&request(1, 1, "3c0106")).answer(&response(1, ""));
    let told: Vec<_> = flow.records().iter().map(|r| (r.request, r.outcome.as_str())).collect();
    assert_eq!(told, [(Some(1), "unknown"), (Some(3), "accepted"), (Some(2), "unanswered")]);
}

#[test]
fn a_master_may_send_ahead() {
    let crob = |index: u8| format!("0c01 17 01 {index:02x} 0301 64000000 00000000 00");
    let mut flow = Flow::tcp();
    for index in 0..3 {
        flow.ask(&request(7, 3, &crob(index))).ask(&request(8, 4, &crob(index)));
    }
    for index in 0..3 {
        flow.answer(&response(7, &crob(index))).answer(&response(8, &crob(index)));
    }
    let told: Vec<_> = flow.records().iter().map(|r| (r.request.unwrap(), r.anomalies.len())).collect();
    assert_eq!(told, [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)]);
}

#[test]
fn an_answer_again_is_no_second_transaction_but_another_answer_is() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, POLL)).answer(&response(0, "")).answer(&response(0, ""));
    assert_eq!((flow.records().len(), flow.out.anomalies.len()), (1, 0));
    flow.answer(&response(0, "0101 00 0000 01"));
    assert_eq!((flow.records().len(), flow.last().function), (2, 129));
    assert_eq!((flow.last().anomalies.as_slice(), flow.last().access), (&["response_without_request"][..], "report"));
}

#[test]
fn a_response_to_nobody_is_told_when_one_knows() {
    let mut flow = Flow::new(Hints { initiator: None, ..tcp_hints() });
    flow.answer(&response(7, "0101 00 0000 01"));
    assert_eq!(line(flow.last()), "response - report accepted: report binary_input:0 = [1] object=g1v1");
    assert_eq!((flow.last().anomalies.len(), flow.last().client, flow.last().request), (0, MASTER, None));
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, POLL)).gap(MASTER).answer(&response(7, ""));
    assert!(flow.last().anomalies.is_empty(), "the request may have been lost");
}

#[test]
fn fragments_make_one_response() {
    let mut flow = Flow::tcp();
    flow.ask(&request(5, 1, "3c0106"));
    flow.answer(&indicated(0xA5, 0x0200, "3301 07 01 e80300000000 0203 17 01 03 81 0500"));
    flow.ask(&frames(true, 1024, &hex("c500"))).answer(&indicated(0x26, 0x0400, "0203 17 01 04 81 0500"));
    flow.ask(&frames(true, 1024, &hex("c600"))).answer(&indicated(0x47, 0, "0101 00 0000 01"));
    assert_eq!(flow.records().len(), 1);
    let record = flow.last();
    assert_eq!((record.request, record.response), (Some(1), Some(6)));
    assert_eq!(record.points.len(), 4);
    assert_eq!(record.points[1], "read binary_input:3 = [1] object=g2v3 quality=[online] time_ms=1005");
    assert_eq!(record.points[2], "read binary_input:4 = [1] object=g2v3 quality=[online] relative_time_ms=5");
    assert_eq!(record.anomalies, ["time_without_cto"], "a common time ends with its fragment");
    assert!(record.detail.contains("iin=[class_1_events, class_2_events]") && record.detail.contains("fragments=3"));
    assert!(flow.out.anomalies.is_empty(), "{:?}", flow.out.anomalies);
}

#[test]
fn a_response_without_its_end_is_told() {
    let mut flow = Flow::tcp();
    flow.ask(&request(5, 1, "3c0106")).answer(&indicated(0x85, 0, "0101 00 0000 01"));
    flow.wait(31 * SECOND);
    assert_eq!((flow.last().outcome.as_str(), flow.last().response), ("unknown", Some(2)));
    assert_eq!(flow.last().anomalies, ["incomplete_response"]);
    assert_eq!(flow.last().points.len(), 2);
    let mut flow = Flow::tcp();
    flow.ask(&request(5, 1, "3c0106")).answer(&indicated(0x85, 0, "")).answer(&indicated(0x48, 0, "0101 00 0000 01"));
    flow.answer(&indicated(0x46, 0, ""));
    assert_eq!(flow.last().anomalies, ["fragment_sequence"]);
}

#[test]
fn long_responses_have_an_end() {
    let part = format!("0101 01 0000 ff3f {}", "aa".repeat(2048));
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0106"));
    for number in 0..100_u8 {
        let first = if number == 0 { 0x80 } else { 0 };
        flow.answer(&indicated(first | (number & 15), 0, &part));
    }
    flow.answer(&indicated(0x40 | (100 & 15), 0, ""));
    assert_eq!(flow.last().anomalies, ["too_long_reassembly", "too_many_points"]);
    assert!(flow.last().points.len() < 10);
}

#[test]
fn confirmations_are_nothing_of_their_own() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, POLL)).answer(&indicated(0xE0, 0, "")).ask(&frames(true, 1024, &hex("c000")));
    assert_eq!((flow.records().len(), flow.out.anomalies.len()), (1, 0));
    flow.ask(&frames(true, 1024, &hex("c300")));
    assert_eq!(flow.out.anomalies, [("unexpected_confirm", 4)]);
    flow.ask(&request(1, 1, POLL)).answer(&indicated(0xE1, 0, ""));
    flow.ask(&request(2, 1, POLL)).answer(&indicated(0xE2, 0, ""));
    assert_eq!(flow.out.anomalies[1], ("unconfirmed_response", 8));
}

#[test]
fn a_report_waits_for_its_confirmation() {
    let mut flow = Flow::tcp();
    let report = indicated(0xF7, 0x0000, "0202 17 01 03 81 e80300000000");
    flow.answer(&report).answer(&report);
    assert!(flow.records().is_empty());
    flow.ask(&frames(true, 1024, &hex("d700")));
    assert_eq!(
        line(flow.last()),
        "unsolicited_response - report accepted: report binary_input:3 = [1] object=g2v2 quality=[online] time_ms=1000"
    );
    assert_eq!((flow.last().client, flow.last().unit.as_str()), (MASTER, "3>1024"));
    assert!(flow.last().detail.contains("retries=1 confirmed=true"), "{}", flow.last().detail);
    flow.answer(&indicated(0xF8, 0, "")).wait(31 * SECOND);
    assert_eq!((flow.last().outcome.as_str(), flow.last().response), ("unanswered", Some(4)));
    flow.answer(&indicated(0xD9, 0, ""));
    assert_eq!(flow.last().outcome, "accepted");
    assert!(!flow.last().detail.contains("confirmed"));
}

#[test]
fn events_that_were_not_enabled_are_told() {
    let event = "0202 17 01 03 81 e80300000000";
    let mut flow = Flow::tcp();
    flow.answer(&indicated(0xD1, 0, event));
    assert!(flow.last().anomalies.is_empty(), "it may have been enabled before");
    flow.ask(&request(0, 21, POLL)).answer(&response(0, "")).answer(&indicated(0xD2, 0, event));
    assert_eq!(flow.last().anomalies, ["unsolicited_not_enabled"]);
    flow.ask(&request(1, 20, POLL)).answer(&response(1, "")).answer(&indicated(0xD3, 0, event));
    assert!(flow.last().anomalies.is_empty());
    flow.answer(&indicated(0xD4, 0x8000, ""));
    assert!(flow.last().anomalies.is_empty(), "after a restart an outstation says so");
    flow.answer(&indicated(0xD5, 0x8000, event));
    assert_eq!(flow.last().anomalies, ["unsolicited_not_enabled"]);
}

#[test]
fn what_is_not_answered_is_closed_after_30_seconds() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, POLL));
    assert!(flow.wait(29 * SECOND).is_some() && flow.records().is_empty());
    assert_eq!(flow.wait(2 * SECOND), None);
    assert_eq!(flow.last().outcome, "unanswered");
    flow.answer(&response(0, ""));
    assert_eq!((flow.records().len(), flow.out.anomalies.as_slice()), (1, &[("late_response", 2)][..]));
    for lose in [false, true] {
        let mut flow = Flow::tcp();
        flow.seen.both_directions = lose;
        flow.ask(&request(0, 1, POLL));
        if lose {
            flow.gap(OUTSTATION);
        }
        flow.wait(31 * SECOND);
        assert_eq!(flow.last().outcome, "unknown", "{lose}");
    }
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, POLL));
    assert_eq!(flow.finish(Ending::CaptureEnd).records[0].outcome, "unknown");
}

#[test]
fn outstations_behind_one_address_are_units() {
    let mut flow = Flow::tcp();
    for outstation in [10, 11] {
        flow.ask(&frames(true, outstation, &hex("c001 3c0206")));
    }
    for outstation in [11, 10] {
        flow.answer(&frames(false, outstation, &hex("c0810000")));
    }
    let told: Vec<_> = flow.records().iter().map(|record| (record.unit.as_str(), record.request)).collect();
    assert_eq!(told, [("3>11", Some(2)), ("3>10", Some(1))]);
}

#[test]
fn who_is_master_is_said_by_the_frames() {
    // The outstation has opened the connection.
    let mut flow = Flow::new(Hints { initiator: Some(OUTSTATION), ..tcp_hints() });
    flow.answer(&indicated(0xD0, 0x8000, "")).ask(&request(0, 1, POLL)).answer(&response(0, ""));
    assert!(flow.records().iter().all(|record| record.client == MASTER && record.unit == "3>1024"));
}

#[test]
fn messages_of_the_wrong_direction_are_told() {
    let mut flow = Flow::tcp();
    flow.answer(&frames(false, 1024, &hex("c001 3c0206"))).ask(&frames(true, 1024, &hex("c0810000")));
    let told: Vec<_> = flow.records().iter().map(|record| (record.function, record.anomalies.clone())).collect();
    assert_eq!(told, [(1, vec!["invalid_direction"]), (129, vec!["invalid_direction"])]);
    flow.ask(&frames(true, 1024, &hex("1101"))).answer(&response(1, ""));
    assert_eq!(flow.last().anomalies, ["fragment_bits"]);
    flow.ask(&frames(true, 1024, &hex("c0")));
    assert_eq!(flow.out.anomalies, [("invalid_length", 5)]);
}

#[test]
fn open_requests_have_a_ceiling() {
    let mut flow = Flow::tcp();
    for number in 0..40_u8 {
        flow.ask(&request(number & 15, 1, &format!("1e02 00 00{number:02x}")));
    }
    assert_eq!(flow.records().len(), 40 - super::super::pairing::MAX_OPEN_REQUESTS);
    assert!(flow.records().iter().all(|record| record.anomalies == ["too_many_open_requests"]));
    assert_eq!(flow.finish(Ending::Closed).records.len(), 40);
}
