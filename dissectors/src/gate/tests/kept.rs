//! What is kept beside the counts: ranges, values, owned copies, what was seen, conversations.

use super::*;
use crate::transaction::{Field, SubFunction, Value};
use ranges::{Range, Ranges};
use tally::Tally;

fn noted(points: &[Point<'_>]) -> TallyView {
    let mut tally = Tally::default();
    let t = Transaction { points, ..read(3, 0, 1) };
    tally.note(&Occurrence::new(&t, &[L2::default(); 2], None), true, false);
    tally.view(1, 1, false)
}

fn spans(view: &TallyPoints) -> Vec<(u64, u64)> {
    view.points.iter().map(|p| (p.first, p.last)).collect()
}

#[test]
fn ranges_that_touch_become_one() {
    let p = |first, last| point(first, last, Values::Unseen);
    assert_eq!(spans(&noted(&[p(5, 9), p(10, 12), p(2, 4)]).points), [(2, 12)]);
    assert_eq!(spans(&noted(&[p(5, 9), p(20, 30), p(11, 12), p(10, 10)]).points), [(5, 12), (20, 30)]);
    assert_eq!(spans(&noted(&[p(5, 5), p(20, 30), p(0, 25)]).points), [(0, 30)]);
    assert_eq!(spans(&noted(&[p(0, u64::MAX), p(7, 7)]).points), [(0, u64::MAX)]);
    assert_eq!(spans(&noted(&[p(9, 5)]).points), [(5, 9)], "turned round on the wire");
    let write = Point { access: Access::Write, ..p(6, 7) };
    assert_eq!(spans(&noted(&[p(5, 9), write, p(10, 10)]).points), [(5, 10), (6, 7)]);
    let named = Point { name: Some(b"Pump"), ..p(0, 0) };
    let view = noted(&[named, p(3, 3), named]).points;
    assert_eq!((spans(&view), view.points[1].name.as_deref()), (vec![(3, 3), (0, 0)], Some(&b"Pump"[..])));
}

/// Every address that was added is in a range; the list is sorted, apart, and bounded.
#[test]
fn ranges_stay_true_and_few() {
    let mut seed = 7_u64;
    let mut ranges = Ranges::default();
    let mut added = Vec::new();
    for _ in 0..3000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (first, kind) = (seed >> 40 & 0xFFFF, (seed >> 33) as u8 & 3);
        let range = Range::of(&Point { kind, ..point(first, first + (seed >> 60), Values::Unseen) });
        if let Some(holder) = ranges.add(range) {
            assert!(holder.first <= range.first && range.last <= holder.last);
            added.push(range);
        }
        let view = ranges.view();
        for pair in view.points.windows(2) {
            let [low, high] = pair else { unreachable!() };
            assert!(low.kind < high.kind || (low.kind == high.kind && low.last + 1 < high.first), "{low:?} {high:?}");
        }
        for kind in 0..4 {
            assert!(view.points.iter().filter(|p| p.kind == kind).count() <= MAX_RANGES);
        }
    }
    let view = ranges.view();
    assert!(view.coarse && view.omitted == 0 && added.len() == 3000);
    let held =
        |r: &Range| view.points.iter().any(|p| p.kind == r.view().kind && p.first <= r.first && r.last <= p.last);
    assert!(added.iter().all(held));
}

#[test]
fn many_blocks_are_counted_where_they_have_no_room() {
    let mut ranges = Ranges::default();
    for block in 0..1000 {
        ranges.add(Range::of(&Point { block, ..point(1, 1, Values::Unseen) }));
        ranges.add(Range::of(&Point { block, ..point(9, 9, Values::Unseen) }));
    }
    let view = ranges.view();
    assert_eq!(view.points.len(), MAX_RANGES_IN_ALL);
    assert_eq!((view.coarse, view.omitted), (false, 2000 - 128));
}

#[test]
fn least_and_greatest_value_and_rejections() {
    let view = noted(&[point(0, 1, Values::Words(&[0, 5, 1, 0])), point(0, 0, Values::Typed(&[Value::Float(-1.5)]))]);
    assert_eq!(view.values, Some((-1.5, 256.0)));
    assert_eq!(noted(&[point(0, 0, Values::Typed(&[Value::Float(f64::NAN)]))]).values, None);
    let mut tally = Tally::default();
    for code in (0..200).rev() {
        let t = Transaction { outcome: Outcome::Rejected(Code { code, name: None }), ..read(3, u64::from(code), 1) };
        tally.note(&Occurrence::new(&t, &[L2::default(); 2], None), false, false);
    }
    let view = tally.view(0, 1, false);
    assert_eq!((view.rejections.len(), view.other_rejections, view.count), (64, 136, 200));
    assert!(view.rejections.is_sorted());
    assert_eq!(view.interval, Some((0, 0)), "a clock that runs backwards gives no time between");
    assert_eq!(view.first.unwrap().time, 199);
}

#[test]
fn packets_are_the_first_ones_and_the_last() {
    for (occurrences, packets) in [
        (1, vec![0]),
        (2, vec![0, 1]),
        (5, vec![0, 1, 2, 3, 4]),
        (6, vec![0, 1, 2, 3, 4, 5]),
        (99, vec![0, 1, 2, 3, 4, 98]),
    ] {
        let mut tally = Tally::default();
        for n in 0..occurrences {
            tally.note(&Occurrence::new(&read(3, n, n), &[L2::default(); 2], None), false, false);
        }
        let view = tally.view(0, 1, false);
        assert_eq!(view.packets.iter().map(|m| m.packet).collect::<Vec<_>>(), packets, "of {occurrences}");
        assert_eq!((view.first.unwrap().packet, view.count), (0, occurrences));
    }
}

#[test]
fn a_copy_gives_back_what_it_was_made_of() {
    let inner = [Value::Unsigned(1), Value::Hex(&[1, 2]), Value::List(&[Value::Null, Value::Bool(true)])];
    let fields = [Field { name: "a", value: Value::Text(b"x\xff") }, Field { name: "b", value: Value::List(&inner) }];
    let detail = [Field { name: "o", value: Value::Object(&fields) }, Field { name: "n", value: Value::Signed(-4) }];
    let points = [
        Point { name: Some(b"Pump"), fields: &fields, ..point(1, 2, Values::Typed(&inner)) },
        point(3, 4, Values::Words(&[1, 2, 3, 4])),
        Point { kind: 3, block: 9, access: Access::Program, ..point(5, 6, Values::Bits { bytes: &[5], count: 2 }) },
    ];
    let sub_function = Some(SubFunction { group: Some(4), code: 1, name: Some("read_szl") });
    let t = Transaction {
        points: &points,
        detail: &detail,
        sub_function,
        tag: 77,
        anomalies: Anomalies(5),
        ..read(3, 4, 5)
    };
    let owned = OwnedTransaction::new(&flow(1, 2), &l2(Vlan::default()), Some(Side::B), &t);
    let arena = Bump::new();
    assert_eq!(format!("{:?}", owned.view(&arena)), format!("{t:?}"));
    let mut deep = vec![Value::Unsigned(7)];
    for _ in 0..40 {
        deep = vec![Value::List(Vec::leak(deep))];
    }
    let observed = Observation {
        protocol: 0,
        side: Side::A,
        unit: None,
        attribute: "name",
        value: deep[0],
        field: "f",
        at: at(1, 1),
    };
    let copy = OwnedObservation::new(flow(1, 2).address(Side::A), 0, &observed);
    assert_eq!(format!("{:?}", copy.value(&arena)).matches("List").count(), 16, "what lies deeper is null");
}

#[test]
fn an_identity_is_news_once() {
    let mut gate = Gate::new(Settings {
        limits: Limits { observations_per_address: 3, observations: 4, ..Limits::default() },
        ..Settings::default()
    });
    let mut observe = |address: u32, unit, attribute, value| {
        let address = Address { bits: u128::from(address), net: Net::V4 };
        let o = Observation { protocol: 0, side: Side::A, unit, attribute, value, field: "f", at: at(1, 1) };
        gate.observe(address, 0, &o);
        gate.take().is_some()
    };
    assert!(observe(1, None, "name", Value::Text(b"a")) && !observe(1, None, "name", Value::Text(b"a")));
    assert!(observe(1, Some(0), "name", Value::Text(b"a")) && observe(1, None, "model", Value::Text(b"a")));
    assert!(!observe(1, None, "name", Value::Text(b"b")), "this address has no more room");
    assert!(observe(2, None, "name", Value::Text(b"a")));
    assert!(!observe(3, None, "name", Value::Text(b"a")), "nobody has");
    assert!(!observe(1, None, "name", Value::Text(b"a")), "known, not refused");
    assert_eq!(gate.ceilings(), [("observations", 2)]);
}

#[test]
fn a_flow_anomaly_is_delivered_once_and_counted() {
    let mut gate = Gate::new(Settings { limits: Limits { anomalies: 2, ..Limits::default() }, ..Settings::default() });
    let (source, destination) = (flow(1, 2).address(Side::A), flow(1, 2).address(Side::B));
    let anomaly = |name, source, destination, packet| FlowAnomaly {
        name,
        protocol: 0,
        source,
        destination,
        layer: None,
        offset: None,
        needed: None,
        available: None,
        at: at(packet, packet),
    };
    for packet in 1..5 {
        gate.anomaly(&anomaly("late_response", source, destination, packet));
    }
    gate.anomaly(&anomaly("late_response", destination, source, 9));
    gate.anomaly(&anomaly("other", destination, source, 9));
    assert_eq!(gate.queue_len(), 2);
    let counts: Vec<_> = gate.anomalies().iter().map(|a| (a.first.at.packet, a.last.packet, a.count)).collect();
    assert_eq!(counts, [(1, 4, 4), (9, 9, 1)]);
    assert_eq!(gate.ceilings(), [("anomalies", 1)]);
}

#[test]
fn conversations_sum_their_flows() {
    let mut table = Conversations::new(1);
    let key = |port| ConversationKey {
        client: flow(1, 2).address(Side::A),
        server: flow(1, 2).address(Side::B),
        port,
        protocol: 0,
    };
    let account = |time, packets| Account {
        flows: 1,
        first: Some(at(time, 1)),
        last: Some(at(time + 5, 2)),
        from_client: Direction { packets, conflicts: 1, ..Direction::default() },
        one_way: 1,
        ..Account::default()
    };
    table.add(key(502), &account(10, 3));
    table.add(key(502), &account(4, u64::MAX));
    table.add(key(503), &account(1, 1));
    let (_, sum) = &table.accounts()[0];
    assert_eq!((sum.flows, sum.first, sum.last), (2, Some(at(4, 1)), Some(at(15, 2))));
    assert_eq!((sum.from_client.packets, sum.from_client.conflicts, sum.one_way), (u64::MAX, 2, 2));
    assert_eq!((table.accounts().len(), table.others().flows), (1, 1));
}
