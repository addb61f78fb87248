//! TCP order: reordering, loss, repetition, overlaps, ends.

use super::*;
use Side::{A, B};

#[test]
fn in_order_bytes_come_straight_through() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(100, b"hello");
    rig.b(5000, 105, b"world");
    rig.send(A, tf::ACK | tf::PSH, 105, 5005, b"!");
    assert_eq!(rig.take(), [data(A, b"hello"), data(B, b"world"), data(A, b"!")]);
    assert_eq!(rig.rare(A), Rare::default());
    assert!(!rig.flows.get(0).ledger.midstream);
    assert!(rig.flows.get(0).tcp.from_start(A) && rig.flows.get(0).tcp.from_start(B));
    assert_eq!(rig.flows.get(0).data, 4);
}

#[test]
fn reordered_segments_are_put_in_order() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(106, b"gh");
    rig.a(103, b"def");
    rig.later(99 * MS);
    assert_eq!(rig.take(), []);
    rig.a(100, b"abc");
    assert_eq!(rig.take(), [data(A, b"abc"), data(A, b"def"), data(A, b"gh")]);
    assert_eq!(rig.rare(A).out_of_order_packets, 2);
    assert_eq!((rig.rare(A).gaps, rig.flows.held_bytes()), (0, 0));
}

#[test]
fn a_response_before_its_request_waits_for_it() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.b(5000, 103, b"answer");
    assert_eq!(rig.take(), []);
    rig.a(100, b"ask");
    assert_eq!(rig.take(), [data(A, b"ask"), data(B, b"answer")]);
}

#[test]
fn a_lost_request_is_a_gap_and_order_of_cause_is_kept() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.b(5000, 103, b"r1"); // its request was lost
    rig.send(A, tf::ACK, 103, 5002, b"q2");
    rig.b(5002, 105, b"r2");
    assert_eq!(rig.take(), []);
    rig.later(249 * MS);
    assert_eq!(rig.take(), []);
    rig.later(MS);
    assert_eq!(rig.take(), [Came::Gap(A, 3), data(B, b"r1"), data(A, b"q2"), data(B, b"r2")]);
    assert_eq!((rig.rare(A).gaps, rig.rare(A).gap_bytes), (1, 3));
}

#[test]
fn a_response_whose_request_never_comes_leaves_and_the_gap_follows_at_once() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.b(5000, 103, b"r1");
    rig.later(250 * MS);
    assert_eq!(rig.take(), [Came::Missed(A), data(B, b"r1")]);
    rig.send(A, tf::ACK, 103, 5002, b"q2");
    assert_eq!(rig.take(), [Came::Gap(A, 3), data(A, b"q2")]);
}

#[test]
fn unacknowledged_bytes_are_waited_for_until_their_retransmission() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(103, b"def");
    rig.later(2_900 * MS);
    assert_eq!(rig.take(), []);
    rig.a(100, b"abc");
    assert_eq!(rig.take(), [data(A, b"abc"), data(A, b"def")]);
    rig.a(110, b"x");
    rig.later(3 * S);
    assert_eq!(rig.take(), [Came::Gap(A, 4), data(A, b"x")]);
}

#[test]
fn one_direction_alone_works() {
    let mut rig = Rig::new();
    rig.send(A, tf::ACK, 100, 5000, b"abc");
    rig.send(A, tf::ACK, 103, 6000, b"def");
    rig.send(A, tf::ACK, 110, 7000, b"x");
    rig.later(S);
    assert_eq!(rig.take(), [data(A, b"abc"), data(A, b"def"), Came::Gap(A, 4), data(A, b"x")]);
    let ledger = &rig.flows.get(0).ledger;
    assert!(ledger.midstream && ledger.one_way());
    rig.finish();
    assert_eq!((rig.flows.totals().one_way, rig.flows.totals().midstream), (1, 1));
}

#[test]
fn the_end_of_the_flow_gives_what_is_held() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(103, b"def");
    rig.finish();
    assert_eq!(rig.take(), [Came::Gap(A, 3), data(A, b"def"), Came::Ended(0, Ending::CaptureEnd)]);
    assert_eq!((rig.flows.held_bytes(), rig.flows.len()), (0, 0));
}

#[test]
fn what_was_acknowledged_and_never_came_is_missing_at_the_end() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(100, b"q1");
    rig.later(S);
    rig.send(A, tf::ACK, 102, 5013, b"q2");
    rig.later(S);
    rig.take();
    rig.send(A, tf::ACK, 104, 5026, b"");
    rig.finish();
    assert_eq!(rig.take(), [Came::Gap(B, 26), Came::Ended(0, Ending::CaptureEnd)]);
}

#[test]
fn one_byte_acknowledged_beyond_is_an_end_that_was_not_seen() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.send(A, tf::ACK, 100, 5001, b"");
    rig.finish();
    assert_eq!(rig.take(), [Came::Ended(0, Ending::CaptureEnd)]);
}

#[test]
fn retransmissions_are_counted_and_dropped() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(100, b"abc");
    rig.a(100, b"abc");
    assert_eq!(rig.take(), [data(A, b"abc")]);
    let rare = rig.rare(A);
    assert_eq!((rare.retransmitted_packets, rare.retransmitted_bytes, rare.conflicts), (1, 3, 0));
}

#[test]
fn a_retransmission_with_other_bytes_is_a_conflict_unless_its_checksum_is_wrong() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(100, b"abc");
    rig.checksum = Some(false);
    rig.a(100, b"abX");
    assert_eq!((rig.rare(A).conflicts, rig.rare(A).bad_checksums), (0, 1));
    rig.checksum = Some(true);
    rig.a(100, b"abX");
    assert_eq!(rig.rare(A).conflicts, 1);
    assert_eq!(rig.take(), [data(A, b"abc")]);
}

#[test]
fn overlap_with_what_was_delivered_gives_only_the_new_part() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(100, b"abc");
    rig.a(101, b"bcde");
    assert_eq!(rig.take(), [data(A, b"abc"), data(A, b"de")]);
    assert_eq!((rig.rare(A).overlaps, rig.rare(A).retransmitted_bytes), (1, 2));
}

/// Two held stretches at 110–113 and 116–119, then a third of every place and length, then the beginning: the first copy stands.
#[test]
fn overlaps_of_all_shapes_keep_the_first_copy() {
    for start in 101_u32..125 {
        for len in 1_u32..25 {
            let mut rig = Rig::new();
            rig.handshake();
            rig.a(110, b"1111");
            rig.a(116, b"2222");
            rig.a(start, &vec![b'3'; len as usize]);
            rig.a(100, &[b'4'; 30]);
            let mut want = [b'4'; 30];
            for (at, byte) in (100..).zip(want.iter_mut()) {
                *byte = match at {
                    110..=113 => b'1',
                    116..=119 => b'2',
                    at if (start..start + len).contains(&at) => b'3',
                    _ => b'4',
                };
            }
            let mut got = Vec::new();
            for came in rig.take() {
                let Came::Data(A, bytes) = came else { panic!("{came:?}") };
                got.extend(bytes);
            }
            let longer = (start + len).saturating_sub(130) as usize;
            assert_eq!(got, [&want[..], &vec![b'3'; longer]].concat(), "{start} {len}");
            let touches = |from: u32, to: u32| start < to && start + len > from;
            let conflicts = u64::from(touches(110, 114) || touches(116, 120)) + 1;
            assert_eq!(rig.rare(A).conflicts, conflicts, "{start} {len}");
            assert_eq!(rig.flows.held_bytes(), 0);
        }
    }
}

#[test]
fn sequence_numbers_wrap() {
    let mut rig = Rig::new();
    rig.a(u32::MAX - 1, b"abcd");
    rig.a(4, b"gh");
    rig.a(2, b"ef");
    rig.a(u32::MAX - 1, b"abcd");
    assert_eq!(rig.take(), [data(A, b"abcd"), data(A, b"ef"), data(A, b"gh")]);
    assert_eq!((rig.rare(A).retransmitted_bytes, rig.rare(A).gaps), (4, 0));
}

#[test]
fn midstream_learns_from_the_other_sides_acknowledgement() {
    let mut rig = Rig::new();
    rig.b(5000, 103, b"r");
    rig.a(100, b"abc"); // acknowledged before it came: seen by its receiver earlier
    rig.send(A, tf::ACK, 103, 5001, b"def");
    assert_eq!(rig.take(), [data(B, b"r"), data(A, b"def")]);
    assert_eq!(rig.rare(A).early_bytes, 3);
    assert!(rig.flows.get(0).ledger.midstream);
}

#[test]
fn keep_alives_are_not_retransmissions() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(100, b"abc");
    rig.a(102, b"\0");
    rig.a(102, b"");
    rig.a(103, b"d");
    assert_eq!(rig.take(), [data(A, b"abc"), data(A, b"d")]);
    assert_eq!((rig.rare(A).keep_alives, rig.rare(A).retransmitted_packets), (1, 0));
    let mut rig = Rig::new();
    rig.send(A, tf::ACK, 99, 5000, b""); // midstream, begins with a keep-alive
    rig.a(100, b"abc");
    assert_eq!(rig.take(), [data(A, b"abc")]);
}

#[test]
fn fin_from_both_closes_and_the_flow_lingers() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.send(A, tf::ACK | tf::FIN, 100, 5000, b"bye");
    rig.send(B, tf::ACK | tf::FIN, 5000, 104, b"");
    assert_eq!(rig.take(), [data(A, b"bye"), Came::Closed]);
    rig.send(A, tf::ACK, 104, 5001, b"");
    rig.a(104, b"ghost");
    assert_eq!(rig.take(), []);
    assert_eq!((rig.rare(A).set_aside_packets, rig.rare(A).set_aside_bytes), (1, 5));
    rig.later(7 * S);
    assert_eq!(rig.take(), [Came::Ended(0, Ending::Closed)]);
}

#[test]
fn a_fin_that_comes_early_waits_for_the_bytes_before_it() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.send(B, tf::ACK | tf::FIN, 5000, 100, b"");
    rig.send(A, tf::ACK | tf::FIN, 103, 5001, b"");
    assert_eq!(rig.take(), []);
    rig.a(100, b"abc");
    assert_eq!(rig.take(), [data(A, b"abc"), Came::Closed]);
}

#[test]
fn a_reset_closes_only_where_it_makes_sense() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.send(A, tf::RST, 100 + (1 << 21), 0, b"");
    assert_eq!((rig.take(), rig.rare(A).ignored_resets), (vec![], 1));
    rig.checksum = Some(false);
    rig.send(A, tf::RST, 100, 0, b"");
    assert_eq!((rig.take(), rig.rare(A).bad_checksums), (vec![], 1));
    rig.checksum = Some(true);
    rig.a(102, b"held");
    rig.send(A, tf::RST, 106, 0, b"");
    assert_eq!(rig.take(), [Came::Gap(A, 2), data(A, b"held"), Came::Reset(A)]);
    rig.a(106, b"alive");
    assert_eq!(rig.take(), [data(A, b"alive")]);
    assert!(!rig.flows.get(0).tcp.closed(), "a stream that goes on was not reset");
}

#[test]
fn a_refused_connection_closes() {
    let mut rig = Rig::new();
    rig.send(A, tf::SYN, 99, 0, b"");
    rig.send(B, tf::RST | tf::ACK, 0, 100, b"");
    assert_eq!(rig.take(), [Came::Opened(A), Came::Reset(B)]);
}

#[test]
fn a_cut_payload_is_data_and_then_a_gap() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.missing = 7;
    rig.a(100, b"abc");
    rig.missing = 0;
    rig.a(110, b"next");
    assert_eq!(rig.take(), [data(A, b"abc"), Came::Gap(A, 7), data(A, b"next")]);
    assert_eq!((rig.rare(A).cut_bytes, rig.rare(A).gap_bytes), (7, 0));
    assert!(rig.flows.get(0).ledger.lost(A) && !rig.flows.get(0).ledger.lost(B));
    rig.missing = 2; // held, cut, and overlapped in the part that is missing
    rig.a(116, b"xy");
    rig.missing = 0;
    rig.a(114, b"uvxyz!?");
    assert_eq!(rig.take(), [data(A, b"uv"), data(A, b"xy"), Came::Gap(A, 2), data(A, b"?")]);
}

#[test]
fn far_outside_is_set_aside_until_the_stream_goes_on_there() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.a(100, b"abc");
    let far = 103 + (5 << 20);
    rig.a(far, b"evil");
    rig.a(103, b"def");
    assert_eq!(rig.take(), [data(A, b"abc"), data(A, b"def")]);
    assert_eq!((rig.rare(A).set_aside_packets, rig.rare(A).gaps), (1, 0));
    rig.a(far, b"1111");
    rig.a(far + 4, b"2222");
    rig.a(far + 8, b"3333");
    assert_eq!(rig.take(), [Came::Gap(A, u64::from(far + 8 - 106)), data(A, b"3333")]);
}

#[test]
fn wrong_checksums_are_set_aside_until_they_are_the_rule() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.checksum = Some(false);
    rig.a(103, b"bad");
    assert_eq!((rig.take(), rig.rare(A).bad_checksums), (vec![], 1));
    for i in 0..7 {
        rig.a(100 + i, b"x"); // in order: looked at to learn, not set aside
    }
    assert_eq!(rig.take().len(), 7);
    assert!(rig.flows.get(0).ledger.offload[0]);
    rig.a(108, b"y");
    rig.a(107, b"x");
    assert_eq!(rig.take(), [data(A, b"x"), data(A, b"y")]);
}

#[test]
fn ceilings_give_up_what_is_missing_and_are_counted() {
    for (limits, name) in [
        (Limits { buffered_bytes: 1000, ..Limits::default() }, "buffered_bytes"),
        (Limits { buffered_bytes_total: 1000, ..Limits::default() }, "buffered_bytes_total"),
        (Limits { waiting_flows: 0, ..Limits::default() }, "waiting_flows"),
        (Limits::default(), "held_segments"),
    ] {
        let mut rig = Rig::with(limits);
        rig.handshake();
        for i in 0..600 {
            rig.a(200 + 2 * i, b"z");
            assert!(rig.flows.held_bytes() <= 512 * 129);
        }
        let reached: Vec<_> = rig.flows.ceilings().filter(|(_, count)| *count > 0).collect();
        assert_eq!(reached.first().map(|(name, _)| *name), Some(name));
        rig.finish();
        assert_eq!(rig.rare_total().gap_bytes, 100 + 599);
        assert_eq!(rig.flows.held_bytes(), 0);
    }
}

impl Rig {
    fn rare_total(&self) -> Rare {
        self.flows.totals().rare
    }
}

#[test]
fn a_stream_that_goes_on_after_its_first_segment_was_a_reset_has_no_invented_gap() {
    let mut rig = Rig::new();
    rig.send(A, tf::RST | tf::ACK, 4_000, 5_000, b"");
    assert_eq!(rig.take(), [Came::Reset(A)]);
    rig.a(4_000, b"goes on");
    rig.later(10 * S);
    rig.finish();
    let gaps = rig.take().into_iter().filter(|came| matches!(came, Came::Gap(..))).count();
    assert_eq!((gaps, rig.rare(A).gap_bytes), (0, 0));
}
