use super::*;
use crate::protocols::Ending;
use crate::protocols::s7comm::pairing::MAX_OPEN_REQUESTS;

const ITEM: &str = "120a1002000100010000008300";

fn read(reference: u16) -> Vec<u8> {
    job(reference, "0401120a1002000100018400 0000", "")
}

fn answer(reference: u16) -> Vec<u8> {
    done(reference, "0401", "ff04000805")
}

#[test]
fn requests_sent_ahead_meet_their_own_answers() {
    assert_eq!(ITEM.len(), 26);
    let mut flow = flow();
    flow.ask(&[read(1), read(2), read(3)].concat()).answer(&[answer(2), answer(3)].concat()).answer(&answer(1));
    let order: Vec<_> = flow.out.lines.iter().map(|line| line.rsplit('=').next().unwrap().to_owned()).collect();
    assert_eq!(order, ["2", "3", "1"]);
    assert!(flow.out.lines.iter().all(|line| line.contains("\"anomalies\":[]")));
}

#[test]
fn a_reference_that_is_used_again_has_been_given_up() {
    let mut flow = flow();
    flow.ask(&read(1)).ask(&read(1)).answer(&answer(1)).answer(&answer(1));
    assert!(flow.out.lines[0].contains("6>7") && flow.out.lines[1].contains("5>8"), "{:?}", flow.out.lines);
}

#[test]
fn an_answer_belongs_to_the_request_whose_items_it_holds() {
    let word = |reference| job(reference, "0401120a1004000100018400 0000", "");
    let mut flow = flow();
    flow.ask(&read(1)).ask(&word(1)).answer(&answer(1)).answer(&done(1, "0401", "ff0400100506"));
    assert!(flow.out.lines[0].contains("5>7") && flow.out.lines[1].contains("6>8"), "{:?}", flow.out.lines);
    // Where requests may have been lost, it is nobody else's.
    let mut flow = super::flow();
    flow.ask(&word(1)).gap(CLIENT).answer(&answer(1)).answer(&done(1, "0401", "ff0400100506"));
    assert!(flow.out.lines[0].contains("->6") && flow.out.lines[1].contains("5>7"), "{:?}", flow.out.lines);
    assert!(flow.out.lines.iter().all(|line| line.contains("\"anomalies\":[]")));
}

#[test]
fn what_is_not_answered_in_time_is_closed_and_its_answer_late() {
    let mut flow = flow();
    flow.ask(&read(1)).wait(10 * SECOND);
    flow.says(&["\"result\":\"unanswered\"", "5>-"]);
    flow.answer(&answer(1));
    assert_eq!((flow.out.lines.len(), &flow.out.anomalies[..]), (1, &["late_response"][..]));
    flow.answer(&answer(1));
    flow.says(&["unsolicited_response", "->7"]);
}

#[test]
fn an_answer_is_not_blamed_where_its_request_may_have_been_missed() {
    let mut flow = Flow::new(None);
    flow.answer(&answer(1));
    flow.says(&["\"anomalies\":[]"]);
    let mut flow = super::flow();
    flow.gap(CLIENT).answer(&answer(9));
    flow.says(&["\"anomalies\":[]"]);
    let mut flow = super::flow();
    flow.ask(&read(1)).gap(SERVER).wait(10 * SECOND);
    flow.says(&["\"result\":\"unknown\""]);
}

#[test]
fn an_answer_to_another_function_is_a_mismatch() {
    let mut flow = flow();
    flow.ask(&read(1)).answer(&done(1, "0501", "ff"));
    flow.says(&["read_var", "response_mismatch"]);
}

#[test]
fn the_oldest_gives_way_where_there_are_too_many() {
    let mut flow = flow();
    for reference in 1..=u16::try_from(MAX_OPEN_REQUESTS).unwrap() + 1 {
        flow.ask(&read(reference));
    }
    assert_eq!(flow.out.lines.len(), 1);
    flow.says(&["too_many_open_requests", "pdu_reference=1"]);
    flow.finish(Ending::CaptureEnd);
    assert_eq!(flow.out.lines.len(), MAX_OPEN_REQUESTS + 1);
    flow.says(&["\"result\":\"unknown\""]);
}

#[test]
fn a_closed_connection_answers_no_more() {
    let mut flow = flow();
    flow.ask(&read(1)).finish(Ending::Closed);
    flow.says(&["\"result\":\"unanswered\""]);
}
