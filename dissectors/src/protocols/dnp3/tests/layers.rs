//! Link and transport layer.

use super::*;

#[test]
fn link_frames_are_sessions() {
    let mut flow = Flow::tcp();
    flow.ask(&frame(0xC0, 1024, 3, &[])).answer(&frame(0x00, 3, 1024, &[]));
    flow.ask(&frame(0xC9, 1024, 3, &[])).answer(&frame(0x0B, 3, 1024, &[]));
    flow.answer(&frame(0x49, 3, 1024, &[])).ask(&frame(0x8B, 1024, 3, &[]));
    flow.ask(&frame(0xF2, 1024, 3, &[])).answer(&frame(0x0F, 3, 1024, &[]));
    let told: Vec<String> = flow
        .records()
        .iter()
        .map(|r| format!("{} {} {} {} | {}", r.unit, r.name.unwrap(), r.access, r.outcome, r.detail))
        .collect();
    assert_eq!(
        told,
        [
            "3>1024 reset_link_states session accepted | link_function=ack",
            "3>1024 request_link_status session accepted | link_function=link_status",
            "3>1024 request_link_status session accepted | asked_by=outstation link_function=link_status",
            "3>1024 test_link_states session rejected 1039 link_not_supported | link_function=not_supported",
        ]
    );
    assert!(flow.records().iter().all(|r| r.client == MASTER && r.anomalies.is_empty()));
}

#[test]
fn a_link_request_without_answer_is_closed_after_30_seconds() {
    let mut flow = Flow::tcp();
    flow.ask(&frame(0xC9, 1024, 3, &[])).ask(&frame(0xC9, 1024, 3, &[]));
    assert!(flow.wait(29 * SECOND).is_some() && flow.records().is_empty());
    flow.wait(2 * SECOND);
    assert_eq!((flow.last().outcome.as_str(), flow.last().detail.as_str()), ("unanswered", "retries=1"));
}

#[test]
fn an_acknowledgement_of_user_data_is_nothing_of_its_own() {
    let mut flow = Flow::tcp();
    let asked = frame(0xF3, 1024, 3, &hex("c0c001 3c0206"));
    flow.ask(&asked).answer(&frame(0x00, 3, 1024, &[])).answer(&response(0, ""));
    assert_eq!(flow.records().len(), 1);
    assert_eq!(flow.last().sub, Some("event_poll"));
    assert!(flow.out.anomalies.is_empty());
}

#[test]
fn an_answer_of_the_link_layer_to_nobody_is_told_as_it_is() {
    let mut flow = Flow::tcp();
    flow.answer(&frame(0x0B, 3, 1024, &[]));
    assert_eq!((flow.last().function, flow.last().name), (283, Some("link_status")));
    flow.ask(&frame(0xC7, 1024, 3, &[])).answer(&frame(0x01, 3, 1024, &[]));
    assert_eq!((flow.last().function, flow.last().name), (263, None));
    assert_eq!(
        (flow.last().outcome.as_str(), &flow.last().anomalies[..]),
        ("rejected 1025 link_nack", &["invalid_link_function"][..])
    );
}

#[test]
fn wrong_sums_and_lengths_cost_their_frame_alone() {
    let good = request(1, 1, "3c0206");
    let answer = response(1, "");
    for (place, expect) in [(3, "header_crc"), (8, "header_crc"), (12, "data_crc"), (good.len() - 1, "data_crc")] {
        let mut bad = request(0, 1, "3c0206");
        bad[place] ^= 0x40;
        let mut flow = Flow::tcp();
        flow.ask(&bad).ask(&good).answer(&answer);
        assert_eq!(flow.malformed, [expect], "octet {place}");
        assert_eq!((flow.records().len(), flow.last().outcome.as_str()), (1, "accepted"), "octet {place}");
    }
    let mut short = vec![0x05, 0x64, 4, 0xC0, 0, 4, 3, 0];
    short.extend(crc::crc(&short).to_le_bytes());
    let mut flow = Flow::tcp();
    flow.ask(&short).ask(&good).answer(&answer);
    assert_eq!((flow.malformed.as_slice(), flow.records().len()), (&["invalid_length"][..], 1));
}

#[test]
fn segments_make_a_fragment_and_losses_are_counted() {
    let objects = format!("0102 00 00c7 {}", "81".repeat(200));
    let long = indicated(0xC0, 0, &format!("{objects} 1e04 00 0031 {}", "0700".repeat(50)));
    assert!(long.len() > 292);
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0106")).answer(&long);
    assert_eq!(
        flow.last().points[1],
        format!("read binary_input:0-199 = [{}] object=g1v2 quality=[online]", ["1"; 200].join(", "))
    );
    assert_eq!(flow.last().points.len(), 3);
    // The second segment alone, then the first alone.
    for side in [0, 1] {
        let mut flow = Flow::tcp();
        flow.ask(&request(0, 1, "3c0106"));
        let (first, second) = long.split_at(292);
        flow.answer(if side == 0 { second } else { first }).answer(&response(0, ""));
        assert_eq!(flow.out.anomalies, [("transport_sequence", [2, 3][side].min(3))][..1], "{side}");
    }
}

#[test]
fn a_segment_again_is_left_out_and_a_jump_is_a_loss() {
    let piece = |header: u8, octets: &[u8]| frame(0x44, 3, 1024, &[&[header], octets].concat());
    let whole = hex("c081 0000 0102 00 0003 81818181");
    let (a, rest) = whole.split_at(5);
    let (b, c) = rest.split_at(4);
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0106"));
    flow.answer(&piece(0x45, a)).answer(&piece(0x06, b)).answer(&piece(0x06, b)).answer(&piece(0x87, c));
    assert_eq!((flow.records().len(), flow.out.anomalies.len()), (1, 0));
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0106"));
    flow.answer(&piece(0x45, a)).answer(&piece(0x07, b)).answer(&piece(0x88, c));
    assert_eq!(flow.out.anomalies[0], ("transport_sequence", 3));
    assert!(flow.records().is_empty());
}

#[test]
fn reassembly_has_an_end() {
    let mut flow = Flow::tcp();
    for number in 0..200_u8 {
        let header = if number == 0 { 0x40 } else { number & 0x3F };
        flow.ask(&frame(0xC4, 1024, 3, &[&[header][..], &[7; 249]].concat()));
    }
    assert_eq!(flow.out.anomalies.iter().filter(|(name, _)| *name == "too_long_reassembly").count(), 1);
    flow.ask(&request(1, 1, "3c0206")).answer(&response(1, ""));
    assert_eq!(flow.records().len(), 1);
}

#[test]
fn stations_introduce_themselves_once() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0206")).answer(&response(0, "")).ask(&request(1, 1, "3c0206")).answer(&response(1, ""));
    assert_eq!(
        flow.out.observations,
        [
            "B None dnp3_role=master (dnp3.link.control)",
            "B None dnp3_address=3 (dnp3.link.source)",
            "A Some(197632) dnp3_role=outstation (dnp3.link.control)",
            "A Some(197632) dnp3_address=1024 (dnp3.link.source)",
        ]
    );
}

#[test]
fn who_has_its_data_confirmed_by_the_link_layer_is_told() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0206")).answer(&response(0, ""));
    for control in [0xF3, 0xD3] {
        flow.ask(&frame(control, 1024, 3, &hex("c0c101 3c0206"))).answer(&response(1, ""));
    }
    let told: Vec<_> = flow.out.observations.iter().filter(|line| line.contains("link_confirm")).collect();
    assert_eq!(told, ["B None dnp3_link_confirm=true (dnp3.link.control)"]);
}

#[test]
fn pairs_of_addresses_have_a_ceiling() {
    let mut flow = Flow::tcp();
    for outstation in 0..400 {
        flow.ask(&frames(true, outstation, &hex("c001 3c0206")));
    }
    assert_eq!(
        flow.out.anomalies.iter().filter(|(name, _)| *name == "too_many_units").count(),
        400 - super::super::MAX_UNITS
    );
    assert_eq!(flow.records().len(), 400 - super::super::MAX_UNITS);
    assert_eq!(flow.finish(Ending::Closed).records.len(), 400);
}
