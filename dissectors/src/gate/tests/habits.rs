//! What operations are used to: learned, and held against.

use super::*;
use crate::gate::habit::Loss;

const HUNDRED_MS: u64 = SECOND / 10;

fn learning(limits: bool) -> Vec<(u32, Vec<NewClause>)> {
    one(Clause { anomalies: None, tally: false, learn: true, limits, ..Clause::default() })
}

fn regular(row: u32) -> Clause {
    let regular = Some(Regular { least: HUNDRED_MS - 1000, greatest: HUNDRED_MS + 1000, row });
    Clause { anomalies: None, tally: false, regular, ..Clause::default() }
}

fn at_times(gate: &mut Gate, times: &[u64]) {
    for (n, time) in (1..).zip(times) {
        offer(gate, &flow(1, 2), &read(3, *time, n * 2));
    }
}

#[test]
fn the_last_hundred_intervals_are_kept_the_oldest_first() {
    let mut gate = Gate::new(Settings::default());
    at_times(&mut gate, &[SECOND]);
    taken(&mut gate);
    gate.expect(1, learning(false)).unwrap();
    let times: Vec<u64> = (1..=150_u64).map(|n| SECOND + n * n).collect();
    at_times(&mut gate, &times);
    assert!(gate.take().is_none(), "all of it is expected");
    let habit = &gate.habits()[0];
    let expected: Vec<u64> = (1..=150_u64).map(|n| n * n - (n - 1) * (n - 1)).skip(50).collect();
    assert_eq!((habit.operation, &habit.intervals), (1, &expected));
    assert!(habit.values.is_empty());
}

#[test]
fn values_are_kept_for_each_address_and_what_is_no_number_is_said() {
    let mut gate = Gate::new(Settings::default());
    let words = [[0, 5, 1, 0], [0, 2, 0, 9]];
    let all: Vec<_> = words.iter().map(|bytes| point(100, 101, Values::Words(bytes))).collect();
    for (n, point) in (0..).zip(&all) {
        offer(&mut gate, &flow(1, 2), &Transaction { points: std::slice::from_ref(point), ..read(3, n * SECOND, n) });
    }
    taken(&mut gate);
    gate.expect(1, learning(true)).unwrap();
    assert!(gate.take().is_none());
    let values = &gate.habits()[0].values;
    let limits: Vec<_> = values.iter().map(|v| (v.first, v.last, v.limits, v.other)).collect();
    assert_eq!(limits, [(100, 100, Some((2.0, 5.0)), false), (101, 101, Some((9.0, 256.0)), false)]);
}

#[test]
fn values_beyond_the_ceiling_are_counted() {
    let mut gate = Gate::new(Settings::default());
    let bytes = [0; 2];
    for n in 0..400 {
        let points = [point(n, n, Values::Words(&bytes))];
        offer(&mut gate, &flow(1, 2), &Transaction { points: &points, ..read(3, n, n) });
        if n == 0 {
            taken(&mut gate);
            gate.expect(1, learning(true)).unwrap();
        }
    }
    assert!(gate.take().is_none());
    let habit = gate.habits().remove(0);
    assert_eq!((habit.values.len(), habit.omitted), (MAX_VALUED, 400 - 256));
}

#[test]
fn an_interval_that_changes_is_delivered_at_the_end_of_the_row_and_counted_from_then_on() {
    let mut gate = Gate::new(Settings::default());
    at_times(&mut gate, &[SECOND]);
    taken(&mut gate);
    let kept = gate.expect(1, one(regular(3))).unwrap()[0][0];
    let steps = [1, 1, 2, 2, 1, 2, 2];
    let mut time = SECOND;
    for step in steps {
        time += step * HUNDRED_MS;
        at_times(&mut gate, &[time]);
    }
    assert!(gate.take().is_none(), "two in a row, twice");
    time += 2 * HUNDRED_MS;
    at_times(&mut gate, &[time]);
    assert_eq!(taken(&mut gate).lanes, 1, "the third");
    let counts = Clause { anomalies: None, ..Clause::default() };
    let lane = vec![NewClause::Existing(kept), NewClause::New(Box::new(counts))];
    let ids = gate.expect(1, vec![(0, lane)]).unwrap();
    for step in [2, 1, 2, 2, 2] {
        time += step * HUNDRED_MS;
        at_times(&mut gate, &[time]);
    }
    assert!(gate.take().is_none());
    let counted: Vec<_> = gate.changed_tallies().iter().map(|t| (t.clause, t.count)).collect();
    assert_eq!(counted, [(ids[0][1], 3)], "the third and the fourth of the first row, the third of the second");
}

#[test]
fn an_interval_with_a_loss_in_it_says_nothing() {
    let mut gate = Gate::new(Settings::default());
    let mut cache = FlowCache::default();
    let mut time = SECOND;
    let mut ask = |gate: &mut Gate, lost: bool| {
        time += 3 * HUNDRED_MS;
        if lost {
            cache.lose(time - HUNDRED_MS);
        }
        let context = Context { key: &flow(1, 2), l2: &l2(Vlan::default()), initiator: None, cache: &mut cache };
        gate.offer(context, &read(3, time, time));
    };
    ask(&mut gate, false);
    taken(&mut gate);
    gate.expect(1, one(regular(2))).unwrap();
    for _ in 0..10 {
        ask(&mut gate, true);
    }
    assert!(gate.take().is_none(), "each of them may be two");
    ask(&mut gate, false);
    assert!(gate.take().is_none());
    ask(&mut gate, false);
    assert_eq!(taken(&mut gate).lanes, 1);
}

#[test]
fn a_request_that_was_not_seen_has_no_interval() {
    let mut gate = Gate::new(Settings::default());
    at_times(&mut gate, &[SECOND]);
    taken(&mut gate);
    gate.expect(1, one(regular(1))).unwrap();
    offer(&mut gate, &flow(1, 2), &Transaction { request: None, ..read(3, 3 * SECOND, 9) });
    assert!(gate.take().is_none());
}

#[test]
fn a_loss_is_known_to_be_after_what_came_before_it() {
    let day = 86_400 * SECOND;
    for time in [SECOND, 1_700_000_000 * SECOND, u64::MAX - 2 * day] {
        assert!(Loss::at(time).is_after(time) && Loss::at(time + day).is_after(time));
        assert!(!Loss::at(time).is_after(time + SECOND) && !Loss::default().is_after(time));
    }
}

#[test]
fn what_habits_held_is_given_back_when_their_clauses_go() {
    let mut gate = Gate::new(Settings::default());
    let bytes = [0; 8];
    for round in 0..3 {
        let points = [point(0, 3, Values::Words(&bytes))];
        offer(&mut gate, &flow(1, 2), &Transaction { points: &points, ..read(3, round, round) });
        taken(&mut gate);
        gate.expect(1, learning(true)).unwrap();
        assert_eq!(gate.habits()[0].values.len(), 4);
        assert_eq!(gate.clauses.valued(), 4);
        gate.ask_again();
        assert!(gate.habits().is_empty());
        gate.changed_tallies();
        assert_eq!(gate.clauses.valued(), 0);
    }
}
