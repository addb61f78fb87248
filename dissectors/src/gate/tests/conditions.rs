use super::*;
use crate::transaction::Value;
use clause::{Conditions, Past};

fn fits(clause: Clause, t: &Transaction<'_>) -> bool {
    let l2 = l2(Vlan { count: 1, ids: [101, 0] });
    let occurrence = Occurrence::new(t, &l2, None);
    Conditions::new(clause).fit(&occurrence, Past::default())
}

fn with_points(lines: Vec<PointLine>) -> Clause {
    Clause { points: Some(lines), ..Clause::default() }
}

fn line(first: u64, last: u64) -> PointLine {
    PointLine { first, last, ..PointLine::default() }
}

#[test]
fn lines_are_united_address_by_address() {
    fn t<'a>(points: &'a [Point<'a>]) -> Transaction<'a> {
        Transaction { points, ..read(3, 0, 1) }
    }
    let two = || vec![line(100, 104), line(90, 101), line(105, 110)];
    assert!(fits(with_points(two()), &t(&[point(95, 110, Values::Unseen)])));
    assert!(!fits(with_points(two()), &t(&[point(95, 111, Values::Unseen)])));
    assert!(!fits(with_points(two()), &t(&[point(89, 90, Values::Unseen)])));
    assert!(!fits(with_points(vec![line(0, 4), line(6, 9)]), &t(&[point(0, 9, Values::Unseen)])), "5 is a hole");
    assert!(!fits(with_points(two()), &t(&[point(100, 100, Values::Unseen), point(1, 1, Values::Unseen)])));
    assert!(fits(with_points(vec![line(0, u64::MAX)]), &t(&[point(0, u64::MAX, Values::Unseen)])));
    assert!(fits(with_points(Vec::new()), &t(&[])), "no points: nothing is left uncovered");
    let write = PointLine { access: Some(Access::Write), ..line(0, 9) };
    let kind = PointLine { kind: Some(1), ..line(0, 9) };
    let block = PointLine { block: Some(1), ..line(0, 9) };
    for line in [write, kind, block] {
        assert!(!fits(with_points(vec![line.clone()]), &t(&[point(0, 0, Values::Unseen)])));
        let same = Point {
            access: line.access.unwrap_or(Access::Read),
            kind: line.kind.unwrap_or(0),
            ..point(0, 0, Values::Unseen)
        };
        let same = Point { block: line.block.unwrap_or(0), ..same };
        let points = [same];
        assert!(fits(with_points(vec![line]), &t(&points)));
    }
}

#[test]
fn each_address_is_judged_with_its_own_value() {
    let low = PointLine { maximum: Some(10.0), ..line(0, 9) };
    let high = PointLine { minimum: Some(100.0), ..line(5, 20) };
    let lines = || with_points(vec![low.clone(), high.clone()]);
    let words = |values: &[u16]| values.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
    let check = |first: u64, values: &[u16]| {
        let bytes = words(values);
        let points = [point(first, first + values.len() as u64 - 1, Values::Words(&bytes))];
        fits(lines(), &Transaction { points: &points, ..read(3, 0, 1) })
    };
    assert!(check(4, &[10, 100, 3, 200]), "4 low, 5 high, 6 low, 7 high");
    assert!(!check(4, &[100, 100]), "4 must be low");
    assert!(!check(5, &[50]));
    assert!(!check(8, &[0, 0, 0]), "10 must be high");
    assert!(check(8, &[0, 0, 100]));
}

#[test]
fn a_limited_line_needs_the_values_unless_it_is_lenient() {
    let limited = PointLine { maximum: Some(10.0), ..line(0, u64::MAX) };
    let lenient = PointLine { lenient: true, ..limited.clone() };
    let check = |line: &PointLine, first, last, values: Values<'_>| {
        let points = [point(first, last, values)];
        fits(with_points(vec![line.clone()]), &Transaction { points: &points, ..read(3, 0, 1) })
    };
    assert!(!check(&limited, 0, 3, Values::Unseen));
    assert!(check(&lenient, 0, u64::MAX, Values::Unseen), "and that takes one step");
    assert!(!check(&limited, 0, 2, Values::Words(&[0, 1, 0, 2])), "the third was not seen");
    assert!(check(&lenient, 0, u64::MAX, Values::Words(&[0, 1, 0, 2])));
    assert!(!check(&lenient, 0, 2, Values::Words(&[0, 1, 0, 12])));
    let bits = Values::Bits { bytes: &[0b101], count: 3 };
    let zero = PointLine { maximum: Some(0.0), ..limited.clone() };
    assert!(
        check(&limited, 0, 2, bits)
            && !check(&zero, 0, 2, bits)
            && check(&zero, 0, 0, Values::Bits { bytes: &[2], count: 1 })
    );
    assert!(check(&limited, 0, u64::MAX, Values::Typed(&[Value::Signed(-3)])), "one value for the whole range");
    assert!(!check(&lenient, 0, 0, Values::Typed(&[Value::Text(b"7")])), "a text has no limits");
    assert!(check(&lenient, 0, 1, Values::Typed(&[Value::Null, Value::Float(9.5)])));
    assert!(!check(&limited, 0, 1, Values::Typed(&[Value::Null, Value::Float(9.5)])));
    assert!(!check(&limited, 0, 0, Values::Typed(&[Value::Float(f64::NAN)])));
}

#[test]
fn names_are_compared_as_people_see_them() {
    let named = |name: &str| PointLine { name: Some(name.into()), ..PointLine::default() };
    let check = |line: PointLine, name: &[u8]| {
        let points = [Point { name: Some(name), ..point(0, 0, Values::Unseen) }];
        fits(with_points(vec![line]), &Transaction { points: &points, ..read(3, 0, 1) })
    };
    assert!(check(named("Pump"), b"Pump") && !check(named("Pump"), b"pump"));
    assert!(check(named("P\u{fffd}"), b"P\xff"), "not UTF-8: as it is written");
    assert!(check(PointLine::default(), b"Pump") && !check(line(0, 10), b"Pump"));
    assert!(!fits(
        with_points(vec![named("Pump")]),
        &Transaction { points: &[point(0, 0, Values::Unseen)], ..read(3, 0, 1) }
    ));
}

#[test]
fn outcomes_rejections_and_anomalies() {
    let rejected = |code| Transaction { outcome: Outcome::Rejected(Code { code, name: None }), ..read(3, 0, 1) };
    let codes = || Clause { rejections: Some(vec![2, 3]), ..Clause::default() };
    assert!(fits(codes(), &rejected(2)) && !fits(codes(), &rejected(4)) && fits(codes(), &read(3, 0, 1)));
    let refused = || Clause { outcomes: Some(0b1010), ..Clause::default() };
    assert!(fits(refused(), &rejected(1)) && !fits(refused(), &read(3, 0, 1)));
    assert!(fits(refused(), &Transaction { outcome: Outcome::Unknown, ..read(3, 0, 1) }));
    let odd = |bits| Transaction { anomalies: Anomalies(bits), ..read(3, 0, 1) };
    let sets = || Clause { anomalies: Some(vec![Anomalies(0), Anomalies(6)]), ..Clause::default() };
    assert!(fits(sets(), &odd(0)) && fits(sets(), &odd(6)) && !fits(sets(), &odd(2)));
    assert!(!fits(Clause::default(), &odd(1)) && fits(Clause { anomalies: None, ..Clause::default() }, &odd(1)));
}

#[test]
fn where_on_the_wire() {
    let vlan = Vlan { count: 1, ids: [101, 0] };
    let check = |line, client| {
        fits(
            Clause { l2: Some(vec![L2Line::default(), line][1..].to_vec()), ..Clause::default() },
            &Transaction { client, ..read(3, 0, 1) },
        )
    };
    let line = L2Line { client: Some([1; 6]), server: Some([2; 6]), vlan: Some(vlan) };
    assert!(check(line, Side::A) && !check(line, Side::B));
    assert!(check(L2Line { vlan: None, server: None, ..line }, Side::A));
    assert!(!check(L2Line { vlan: Some(Vlan::default()), ..line }, Side::A));
    assert!(check(L2Line::default(), Side::B));
}

#[test]
fn times() {
    let at_time = |clause: &Clause, time, past| {
        let t = read(3, time, 1);
        Conditions::new(clause.clone()).fit(&Occurrence::new(&t, &[L2::default(); 2], None), past)
    };
    let between = Clause { after: Some(10), until: Some(20), ..Clause::default() };
    assert_eq!([9, 10, 19, 20].map(|time| at_time(&between, time, Past::default())), [false, true, true, false]);
    let fresh = Clause { fresh: Some(5), ..Clause::default() };
    let past = |clause, operation| Past { clause, operation, outside: 0 };
    assert!(at_time(&fresh, 9, past(None, Some(0))) && at_time(&fresh, 9, past(Some(5), None)));
    assert!(!at_time(&fresh, 10, past(Some(5), Some(9))) && at_time(&fresh, 1, past(Some(5), None)));
    let interval = Clause { interval: Some((2, 4)), ..Clause::default() };
    assert_eq!([11, 12, 14, 15].map(|time| at_time(&interval, time, past(None, Some(10)))), [false, true, true, false]);
    assert!(at_time(&interval, 0, Past::default()));
}

#[test]
fn a_line_is_touched_by_any_part_of_any_point() {
    let check = |line: PointLine, points: &[Point<'_>]| {
        let clause = Clause { touches: Some(vec![line]), ..Clause::default() };
        fits(clause, &Transaction { points, ..read(3, 0, 1) })
    };
    let seen = |first, last| [point(first, last, Values::Unseen)];
    assert!(check(line(100, 104), &seen(104, 110)) && check(line(100, 104), &seen(0, 100)));
    assert!(!check(line(100, 104), &seen(105, 110)) && !check(line(100, 104), &seen(0, 99)));
    assert!(!check(line(0, u64::MAX), &[]), "no point touches nothing");
    assert!(check(line(5, 5), &[point(0, 1, Values::Unseen), point(4, 6, Values::Unseen)]), "one of several is enough");
    assert!(!check(PointLine { access: Some(Access::Write), ..line(0, 9) }, &seen(0, 9)));
    let limited = PointLine { maximum: Some(1.0), ..line(0, 9) };
    assert!(check(limited, &[point(0, 0, Values::Words(&[0, 9]))]), "values say nothing here");
    let named = [Point { name: Some(b"Pump"), ..point(0, 0, Values::Unseen) }];
    let name = |text: &str| PointLine { name: Some(text.into()), ..PointLine::default() };
    assert!(check(name("Pump"), &named) && !check(name("Tank"), &named) && !check(name("Pump"), &seen(0, 0)));
    assert!(check(PointLine::default(), &named) && !check(line(0, 9), &named));
}

#[test]
fn who_opened_the_connection_is_the_client_the_server_or_nobody_known() {
    let t = read(3, 0, 1);
    let openers = [Some(Side::A), Some(Side::B), None];
    for (wanted, bit) in (0..3).zip([1_u8, 2, 4]) {
        let conditions = Conditions::new(Clause { opened_by: Some(bit), ..Clause::default() });
        assert_eq!(conditions.accepts(0, Anomalies(0)), None, "no short way");
        for (place, initiator) in (0..).zip(openers) {
            let l2 = [L2::default(); 2];
            let occurrence = Occurrence::new(&t, &l2, initiator);
            assert_eq!(conditions.fit(&occurrence, Past::default()), place == wanted);
        }
    }
}
