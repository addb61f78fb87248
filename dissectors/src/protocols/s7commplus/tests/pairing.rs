//! Requests and responses find each other.

use super::bodies::{SAMPLES, Sample, messages};
use super::*;
use crate::protocols::s7commplus::pairing::{MAX_OPEN_REQUESTS, TIMEOUT};

fn read() -> &'static Sample {
    SAMPLES.iter().find(|sample| sample.function == 0x054C).unwrap()
}

/// Packets of requests and responses.
fn pairs(flow: &Flow) -> Vec<(Option<u64>, Option<u64>)> {
    flow.records().iter().map(|record| (record.request, record.response)).collect()
}

#[test]
fn pipelined_and_out_of_order() {
    let mut flow = Flow::new();
    let talk: Vec<_> = (1..=3).map(|sequence| messages(read(), sequence)).collect();
    flow.ask(&[one(&talk[0].0), one(&talk[1].0)].concat()).ask(&one(&talk[2].0));
    flow.answer(&one(&talk[2].1)).answer(&[one(&talk[0].1), one(&talk[1].1)].concat());
    assert_eq!(pairs(&flow), [(Some(4), Some(5)), (Some(3), Some(6)), (Some(3), Some(6))]);
    assert!(flow.records().iter().all(|record| record.anomalies.is_empty()));
}

#[test]
fn unanswered_only_when_nothing_can_have_been_missed() {
    let outcome = |prepare: fn(&mut Flow)| {
        let mut flow = Flow::new();
        flow.ask(&one(&messages(read(), 1).0));
        prepare(&mut flow);
        assert_eq!(flow.wait(TIMEOUT), None);
        flow.last().outcome
    };
    assert_eq!(outcome(|_| {}), "unanswered");
    assert_eq!(outcome(|flow| flow.seen.both_directions = false), "unknown");
    assert_eq!(outcome(|flow| flow.seen.lost[SERVER.index()] = true), "unknown");
    assert_eq!(outcome(|flow| _ = flow.gap(SERVER)), "unknown");
    for (ending, expect) in
        [(Ending::Closed, "unanswered"), (Ending::CaptureEnd, "unknown"), (Ending::Timeout, "unknown")]
    {
        let mut flow = Flow::new();
        flow.ask(&one(&messages(read(), 1).0));
        assert_eq!(flow.finish(ending).records.pop().unwrap().outcome, expect);
    }
}

#[test]
fn who_wants_no_response_is_not_unanswered() {
    let mut flow = Flow::new();
    let body =
        hex("70400002 01 881d 0007 0009 000004e8 8969 0012 00000000 896a 0013 00 896b 0004 00 00 00 08 00000000");
    flow.ask(&one(&request(0x04F2, 5, 0x74, &body)));
    flow.wait(TIMEOUT);
    assert_eq!(
        (flow.last().outcome.as_str(), flow.last().sub_function),
        ("unknown", Some("subscription_credit_limit"))
    );
}

#[test]
fn late_unsolicited_and_mismatched() {
    let (asked, answered) = messages(read(), 1);
    let mut flow = Flow::new();
    flow.ask(&one(&asked));
    flow.wait(TIMEOUT);
    flow.answer(&one(&answered));
    assert_eq!((flow.records().len(), flow.out.anomalies.as_slice()), (1, &["late_response"][..]));
    flow.answer(&one(&answered));
    assert_eq!(flow.last().anomalies, ["unsolicited_response"]);

    let mut flow = Flow::new();
    flow.ask(&one(&asked)).answer(&one(&response(0x04F2, 1, &hex("00 12 00000000"))));
    assert_eq!(flow.last().anomalies, ["response_mismatch"]);

    let mut flow = Flow::midstream(None);
    flow.answer(&one(&answered));
    assert!(flow.last().anomalies.is_empty(), "its request may precede the capture");
}

#[test]
fn a_flood_is_bounded_and_said() {
    let mut flow = Flow::new();
    for sequence in 0..500 {
        flow.ask(&one(&messages(read(), sequence).0));
    }
    let records = flow.records();
    assert_eq!(records.len(), 500 - MAX_OPEN_REQUESTS);
    assert!(records.iter().all(|record| record.anomalies == ["too_many_open_requests"]));
}

#[test]
fn a_message_of_megabytes_is_read_from_its_beginning() {
    let sample = SAMPLES.iter().find(|sample| sample.function == 0x057C).unwrap();
    let (mut asked, answered) = messages(sample, 4);
    asked.truncate(asked.len() - 10);
    asked.extend(std::iter::repeat_n(0xAB, 1_000_000));
    let mut flow = Flow::new();
    for frame in frames(3, &asked, 900) {
        flow.ask(&frame);
    }
    flow.answer(&one(&answered));
    let record = flow.last();
    assert_eq!((record.access, record.anomalies.len()), ("program", 0), "{record:?}");
    assert_eq!(record.points.len(), 1);
    assert!(record.detail.contains("request_bytes_not_kept=93"), "{}", record.detail);
}

#[test]
fn lost_parts_cost_their_message_alone() {
    let (asked, answered) = messages(&SAMPLES[0], 1);
    let (later, answered_later) = messages(read(), 2);
    for place in 0..3 {
        let mut flow = Flow::new();
        flow.ask(&one(&asked));
        for (number, frame) in frames(3, &answered, 40).iter().enumerate() {
            if number == place {
                flow.gap(SERVER)
            } else {
                flow.answer(frame)
            };
        }
        flow.ask(&one(&later)).answer(&one(&answered_later));
        let record = flow.last();
        assert_eq!((record.name, record.outcome.as_str()), ("get_multi_variables", "accepted"), "{place}");
        assert!(flow.records().iter().all(|record| record.anomalies.is_empty()), "{:?}", flow.records());
        assert_eq!(flow.malformed.len(), 0, "{place}");
    }
}
