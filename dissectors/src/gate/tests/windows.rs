use super::*;
use crate::transaction::Value;

/// A gate whose operation of client 1 feeds this window with each occurrence.
fn windowed(mode: Mode, span: u64, threshold: usize, value: Option<&str>) -> Gate {
    let mut gate = Gate::new(Settings::default());
    let window = gate.window(mode, span, threshold);
    assert_eq!(window, 1);
    expect_window(&mut gate, 1, 3, value, 0);
    gate
}

fn expect_window(gate: &mut Gate, client: u32, function: u32, value: Option<&str>, time: u64) {
    offer(gate, &flow(client, 2), &read(function, time, 1));
    let delivered = taken(gate);
    let windows = vec![(1, value.map(str::to_owned))];
    gate.expect(delivered.operation, one(Clause { windows, ..Clause::default() })).unwrap();
}

fn crossings(gate: &mut Gate) -> Vec<Crossing> {
    let mut crossings = Vec::new();
    while let Some(fact) = gate.take() {
        match fact {
            Fact::Crossing(crossing) => crossings.push(crossing),
            other => panic!("{other:?}"),
        }
    }
    crossings
}

#[test]
fn a_count_crosses_once_and_again_after_it_fell_below() {
    let mut gate = windowed(Mode::EventCount, 10 * SECOND, 3, None);
    let key = flow(1, 2);
    offer(&mut gate, &key, &read(3, 4 * SECOND, 11));
    assert_eq!(crossings(&mut gate), [], "two are not three");
    offer(&mut gate, &key, &read(3, 10 * SECOND, 21));
    let crossing = Crossing { window: 1, count: 3, first: at(0, 1), last: at(10 * SECOND, 21) };
    assert_eq!(crossings(&mut gate), [crossing], "ten seconds lie within ten seconds");
    offer(&mut gate, &key, &read(3, 11 * SECOND, 31));
    assert_eq!(crossings(&mut gate), [], "still above");
    offer(&mut gate, &key, &read(3, 40 * SECOND, 41));
    offer(&mut gate, &key, &read(3, 41 * SECOND, 51));
    offer(&mut gate, &key, &read(3, 42 * SECOND, 61));
    assert_eq!(crossings(&mut gate).len(), 1, "it had fallen below");
    let view = &gate.window_tallies()[0];
    assert_eq!((view.window, view.count, view.first, view.last), (1, 7, Some(at(0, 1)), Some(at(42 * SECOND, 61))));
    assert_eq!(view.packets.iter().map(|m| m.packet).collect::<Vec<_>>(), [1, 11, 21, 31, 41, 61]);
}

#[test]
fn a_value_is_counted_once_while_it_is_within_the_span() {
    let mut gate = windowed(Mode::ValueCount, 10 * SECOND, 3, Some("a"));
    for n in 1..50 {
        offer(&mut gate, &flow(1, 2), &read(3, n * SECOND / 10, n));
    }
    expect_window(&mut gate, 5, 3, Some("b"), 6 * SECOND);
    expect_window(&mut gate, 6, 3, Some("a"), 7 * SECOND);
    assert_eq!(crossings(&mut gate), [], "a and b are two");
    expect_window(&mut gate, 7, 3, Some("c"), 8 * SECOND);
    let found = crossings(&mut gate);
    assert_eq!((found.len(), found[0].count, found[0].first.time), (1, 3, 6 * SECOND));
    offer(&mut gate, &flow(7, 2), &read(3, 15 * SECOND, 90));
    offer(&mut gate, &flow(7, 2), &read(3, 30 * SECOND, 91));
    assert_eq!(crossings(&mut gate), []);
    assert_eq!(gate.window_tallies()[0].count, 4, "b, a, c and then c once more; then it fell below");
}

#[test]
fn values_are_counted_as_the_whole_past_would_say() {
    let mut dice = 7_u64;
    let mut below = move |end: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % end
    };
    let l2 = [L2::default(); 2];
    for _ in 0..60 {
        let threshold = 2 + below(3);
        let mut windows = window::Windows::default();
        windows.add(Mode::ValueCount, 10 * SECOND, usize::try_from(threshold).unwrap());
        let (mut past, mut time, mut value, mut above) = (Vec::<(u128, u64)>::new(), 0, 0, false);
        for n in 0..300 {
            time += below(3 * SECOND);
            value = if below(3) == 0 { u128::from(below(5)) } else { value };
            let t = read(3, time, n);
            let fed = windows.feed(1, window::Brought::Value(value), &Occurrence::new(&t, &l2, None));
            past.retain(|(other, _)| *other != value);
            past.push((value, t.completed));
            let within: Vec<_> = past.iter().filter(|(_, at)| t.completed - at <= 10 * SECOND).collect();
            let reached = u64::try_from(within.len()).unwrap() >= threshold;
            let crossed = (reached && !above).then(|| (threshold, within[0].1 - 1_000_000));
            assert_eq!(fed.map(|crossing| (crossing.count, crossing.first.time)), crossed);
            above = reached;
        }
    }
}

#[test]
fn each_address_of_a_range_is_a_value() {
    let mut gate = windowed(Mode::ValueCount, 10 * SECOND, 100, None);
    let half = [point(0, 49, Values::Unseen)];
    let same = [point(20, 60, Values::Unseen)];
    let rest = [point(61, u64::MAX, Values::Unseen)];
    offer(&mut gate, &flow(1, 2), &Transaction { points: &half, ..read(3, 1, 3) });
    offer(&mut gate, &flow(1, 2), &Transaction { points: &same, ..read(3, 2, 5) });
    assert_eq!(crossings(&mut gate), [], "61 addresses");
    offer(&mut gate, &flow(1, 2), &Transaction { points: &rest, ..read(3, 3, 7) });
    let found = crossings(&mut gate);
    assert_eq!((found.len(), found[0].count), (1, 100));
    let named = Point { name: Some(b"Pump"), ..half[0] };
    let list = [Value::Unsigned(3)];
    let other = Point { name: Some(b"Valve"), values: Values::Typed(&list), ..half[0] };
    let mut gate = windowed(Mode::ValueCount, 10 * SECOND, 2, None);
    offer(&mut gate, &flow(1, 2), &Transaction { points: &[named, named], ..read(3, 1, 3) });
    assert_eq!(crossings(&mut gate), []);
    offer(&mut gate, &flow(1, 2), &Transaction { points: &[named, other], ..read(3, 2, 5) });
    assert_eq!(crossings(&mut gate).len(), 1);
}

#[test]
fn what_feeds_a_window_waits_for_what_stands_before_it() {
    let mut gate = windowed(Mode::EventCount, 10 * SECOND, 2, None);
    gate.settle();
    offer(&mut gate, &flow(9, 2), &read(3, SECOND, 3));
    offer(&mut gate, &flow(1, 2), &read(3, 2 * SECOND, 5));
    assert_eq!((gate.queue_len(), gate.stalled()), (2, 1));
    assert_eq!(taken(&mut gate).transaction.flow.a, 9);
    let windows = vec![(1, None)];
    gate.expect(2, one(Clause { windows, ..Clause::default() })).unwrap();
    let found = crossings(&mut gate);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].last.packet, 3, "the one that was delivered crossed, not the one behind it");
    assert_eq!(gate.stalled(), 0);
}

#[test]
fn the_window_beyond_the_ceiling_counts_nothing() {
    let mut windows = window::Windows::default();
    assert_eq!(windows.add(Mode::EventCount, 1, 0), Some(1), "a threshold of 0 is one of 1");
    assert!(windows.contains(0) && windows.contains(1) && !windows.contains(2));
    let t = read(3, 0, 1);
    let l2 = [L2::default(); 2];
    let occurrence = Occurrence::new(&t, &l2, None);
    assert_eq!(windows.feed(0, window::Brought::Points, &occurrence), None);
    assert!(windows.feed(1, window::Brought::Points, &occurrence).is_some());
}
