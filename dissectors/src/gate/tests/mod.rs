//! The gate against transactions made by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

mod ceilings;
mod conditions;
mod habits;
mod kept;
mod recent;
mod same_result;
mod short;
mod windows;

use super::*;
use crate::address::{Moment, Net, Side};
use crate::packet::{L2, Transport, Vlan};
use crate::stream::FlowKey;
use crate::transaction::{Access, Anomalies, Code, Outcome, Point, Values};

pub(super) const SECOND: u64 = 1_000_000_000;

pub(super) fn flow(client: u32, server: u32) -> FlowKey {
    FlowKey {
        a: u128::from(client),
        b: u128::from(server),
        ports: [40000, 502],
        tunnel: 0,
        protocol: 0,
        group: 0,
        transport: Transport::Tcp,
        net: Net::V4,
    }
}

pub(super) fn at(time: u64, packet: u64) -> Moment {
    Moment { time, packet, capture: 1 }
}

/// An accepted read without points, complete a millisecond after its request.
pub(super) fn read(function: u32, time: u64, packet: u64) -> Transaction<'static> {
    Transaction {
        protocol: 0,
        client: Side::A,
        unit: Some(1),
        function: Code { code: function, name: Some("read_holding_registers") },
        sub_function: None,
        access: Access::Read,
        points: &[],
        outcome: Outcome::Accepted,
        anomalies: Anomalies(0),
        tag: 0,
        request: Some(at(time, packet)),
        response: Some(at(time + 1_000_000, packet + 1)),
        completed: time + 1_000_000,
        detail: &[],
    }
}

pub(super) fn point(first: u64, last: u64, values: Values<'_>) -> Point<'_> {
    Point { kind: 0, access: Access::Read, block: 0, first, last, name: None, values, fields: &[] }
}

/// Side A has the MAC 01:01:01:01:01:01, side B 02:02:02:02:02:02.
pub(super) fn l2(vlan: Vlan) -> [L2; 2] {
    [1, 2].map(|mac| L2 { source: [mac; 6], destination: [0; 6], vlan })
}

pub(super) fn offer(gate: &mut Gate, key: &FlowKey, transaction: &Transaction<'_>) {
    let cache = &mut FlowCache::default();
    gate.offer(Context { key, l2: &l2(Vlan::default()), initiator: None, cache }, transaction);
}

pub(super) fn one(clause: Clause) -> Vec<(u32, Vec<NewClause>)> {
    vec![(0, vec![NewClause::New(Box::new(clause))])]
}

/// The transaction at the front, which must be one.
pub(super) fn taken(gate: &mut Gate) -> Delivered {
    match gate.take() {
        Some(Fact::Transaction(delivered)) => delivered,
        other => panic!("a transaction was to come, not {other:?}"),
    }
}

#[test]
fn the_first_is_asked_for_and_the_rest_is_counted() {
    let mut gate = Gate::new(Settings::default());
    let key = flow(1, 2);
    for n in 0..10 {
        offer(&mut gate, &key, &read(3, n * SECOND, n * 2 + 1));
    }
    assert_eq!(gate.queue_len(), 10, "nobody has answered yet");
    let first = taken(&mut gate);
    assert!(first.first && first.lanes == u128::MAX && first.operation == 1);
    let ids = gate.expect(1, one(Clause::default())).unwrap();
    assert!(gate.take().is_none());
    for n in 10..20 {
        offer(&mut gate, &key, &read(3, n * SECOND, n * 2 + 1));
    }
    assert_eq!(gate.queue_len(), 0);
    let tallies = gate.changed_tallies();
    assert_eq!(tallies.len(), 1);
    let tally = &tallies[0];
    assert_eq!((tally.clause, tally.operation, tally.count), (ids[0][0], 1, 20));
    assert_eq!(tally.packets.iter().map(|m| m.packet).collect::<Vec<_>>(), [1, 3, 5, 7, 9, 39]);
    assert_eq!((tally.interval, tally.outcomes), (Some((SECOND, SECOND)), [20, 0, 0, 0]));
    assert_eq!(gate.operations()[0].count, 20);
    assert!(gate.changed_tallies().is_empty());
}

#[test]
fn a_lane_that_does_not_expect_it_says_so_and_the_others_count_it_once() {
    let mut gate = Gate::new(Settings::default());
    let key = flow(1, 2);
    offer(&mut gate, &key, &read(3, 0, 1));
    taken(&mut gate);
    let rejected = Clause { outcomes: Some(2), ..Clause::default() };
    let accepted = Clause { outcomes: Some(1), ..Clause::default() };
    let answer = vec![
        (0, vec![NewClause::New(Box::default())]),
        (7, vec![NewClause::New(Box::new(accepted))]),
        (9, vec![NewClause::New(Box::new(Clause { deliver: true, ..Clause::default() }))]),
    ];
    let ids = gate.expect(1, answer).unwrap();
    assert!(gate.take().is_none());
    offer(&mut gate, &key, &Transaction { outcome: Outcome::Rejected(Code { code: 2, name: None }), ..read(3, 5, 3) });
    let delivered = taken(&mut gate);
    assert_eq!((delivered.lanes, delivered.first), (0b110, false), "lane 7 does not know it, lane 9 wants all");
    let kept = |ids: &[u32]| ids.iter().map(|id| NewClause::Existing(*id)).collect::<Vec<_>>();
    let mut lane = kept(&ids[1]);
    lane.push(NewClause::New(Box::new(rejected)));
    let new = gate.expect(1, vec![(0, kept(&ids[0])), (7, lane), (9, kept(&ids[2]))]).unwrap();
    gate.settle();
    let counts: Vec<_> = gate.changed_tallies().iter().map(|t| (t.clause, t.count)).collect();
    assert_eq!(counts, [(ids[0][0], 2), (ids[1][0], 1), (ids[2][0], 2), (new[1][1], 1)]);
    assert_eq!(gate.operations()[0].rejections, [(2, 1)]);
}

#[test]
fn a_replaced_clause_is_reported_once_more_and_its_id_never_comes_back() {
    let mut gate = Gate::new(Settings::default());
    let key = flow(1, 2);
    offer(&mut gate, &key, &read(3, 0, 1));
    taken(&mut gate);
    let old = gate.expect(1, one(Clause::default())).unwrap()[0][0];
    gate.settle();
    assert_eq!(gate.changed_tallies().len(), 1);
    let new = gate.expect(1, one(Clause::default())).unwrap()[0][0];
    let last: Vec<_> = gate.changed_tallies().iter().map(|t| (t.clause, t.count, t.retired)).collect();
    assert_eq!(last, [(old, 1, true)]);
    assert_eq!(gate.changed_tallies(), []);
    assert_eq!(gate.expect(1, vec![(0, vec![NewClause::Existing(old)])]), Err(ExpectError::NoSuchClause(old)));
    let newest = gate.expect(1, one(Clause::default())).unwrap()[0][0];
    assert!(old < new && new < newest);
    assert_eq!(gate.counters().clauses, 2, "the retired one waits for its last report");
    gate.changed_tallies();
    assert_eq!(gate.counters().clauses, 1);
}

#[test]
fn an_answer_with_an_error_changes_nothing() {
    let mut gate = Gate::new(Settings::default());
    offer(&mut gate, &flow(1, 2), &read(3, 0, 1));
    taken(&mut gate);
    let id = gate.expect(1, one(Clause::default())).unwrap()[0][0];
    let window = Clause { windows: vec![(5, None)], ..Clause::default() };
    assert_eq!(gate.expect(1, one(window)), Err(ExpectError::NoSuchWindow(5)));
    assert_eq!(gate.expect(2, Vec::new()), Err(ExpectError::NoSuchOperation(2)));
    assert_eq!(gate.expect(0, Vec::new()), Err(ExpectError::NoSuchOperation(0)));
    let twice = vec![(0, vec![NewClause::Existing(id), NewClause::Existing(id)])];
    assert_eq!(gate.expect(1, twice), Err(ExpectError::NoSuchClause(id)));
    assert_eq!(gate.expect(1, vec![(3, vec![NewClause::Existing(id)])]), Err(ExpectError::NoSuchClause(id)));
    let many = (0..129).map(|lane| (lane, Vec::new())).collect();
    assert_eq!(gate.expect(1, many), Err(ExpectError::TooManyLanes(129)));
    gate.settle();
    assert_eq!(gate.changed_tallies()[0].count, 1);
}

#[test]
fn a_lane_without_clauses_expects_nothing_and_no_lanes_expect_everything() {
    let mut gate = Gate::new(Settings::default());
    offer(&mut gate, &flow(1, 2), &read(3, 0, 1));
    taken(&mut gate);
    gate.expect(1, vec![(0, Vec::new())]).unwrap();
    offer(&mut gate, &flow(1, 2), &read(3, 1, 3));
    let delivered = taken(&mut gate);
    assert_eq!((delivered.lanes, delivered.first), (1, false));
    gate.expect(1, Vec::new()).unwrap();
    offer(&mut gate, &flow(1, 2), &Transaction { anomalies: Anomalies(9), ..read(3, 2, 5) });
    assert!(gate.take().is_none());
    assert_eq!(gate.operations()[0].count, 3);
    assert_eq!(gate.transaction_anomalies().collect::<Vec<_>>(), [(0, 0, 1), (0, 3, 1)]);
}

#[test]
fn contents_are_kept_for_the_next_transaction_alone_and_only_where_they_are_asked_for() {
    for contents in [false, true] {
        let mut gate = Gate::new(Settings { follow: true, contents, ..Settings::default() });
        gate.content(b"part");
        offer(&mut gate, &flow(1, 2), &read(3, 0, 0));
        offer(&mut gate, &flow(1, 2), &read(3, 1, 1));
        let kept = taken(&mut gate).transaction.content.clone();
        assert_eq!(kept.as_deref(), contents.then_some(&b"part"[..]));
        assert!(taken(&mut gate).transaction.content.is_none());
    }
}

#[test]
fn the_content_of_an_expected_transaction_goes_with_no_other() {
    let mut gate = Gate::new(Settings { contents: true, ..Settings::default() });
    offer(&mut gate, &flow(1, 2), &read(3, 0, 0));
    let first = taken(&mut gate);
    gate.expect(first.operation, one(Clause::default())).unwrap();
    gate.content(b"part");
    offer(&mut gate, &flow(1, 2), &read(3, 0, 0));
    assert!(gate.take().is_none());
    offer(&mut gate, &flow(3, 4), &read(3, 0, 0));
    assert!(taken(&mut gate).transaction.content.is_none());
}

#[test]
fn following_delivers_everything_and_counts_it() {
    let mut gate = Gate::new(Settings { follow: true, ..Settings::default() });
    for n in 0..4 {
        offer(&mut gate, &flow(1, 2), &read(3, n, n));
    }
    for _ in 0..4 {
        let delivered = taken(&mut gate);
        assert_eq!((delivered.operation, delivered.lanes), (0, u128::MAX));
    }
    assert!(gate.take().is_none());
    assert_eq!(gate.operations()[0].count, 4);
}

#[test]
fn what_makes_an_operation() {
    let mut gate = Gate::new(Settings::default());
    let base = read(3, 0, 1);
    let sub = |group, code| Some(crate::transaction::SubFunction { group, code, name: None });
    let others = [
        Transaction { unit: None, ..base },
        Transaction { unit: Some(0), ..base },
        Transaction { protocol: 1, ..base },
        Transaction { function: Code { code: 4, name: None }, ..base },
        Transaction { access: Access::Write, ..base },
        Transaction { tag: 1, ..base },
        Transaction { sub_function: sub(None, 0), ..base },
        Transaction { sub_function: sub(Some(0), 0), ..base },
        Transaction { sub_function: sub(None, 1), ..base },
        Transaction { client: Side::B, ..base },
    ];
    let mut cache = FlowCache::default();
    for t in [&base, &base].into_iter().chain(&others).chain(&others) {
        let key = &flow(1, 2);
        let context = Context { key, l2: &[L2::default(); 2], initiator: None, cache: &mut cache };
        gate.offer(context, t);
    }
    let other_port = FlowKey { ports: [40001, 502], ..flow(1, 2) };
    offer(&mut gate, &other_port, &base);
    assert_eq!(gate.counters().operations, 11, "a client's port makes no operation");
    offer(&mut gate, &FlowKey { ports: [40001, 503], ..flow(1, 2) }, &base);
    assert_eq!(gate.counters().operations, 12);
    let view = gate.operation(1).unwrap();
    assert_eq!((view.client.unwrap().bits, view.server.unwrap().bits, view.port), (1, 2, Some(502)));
    assert_eq!(view.function.unwrap().name, Some("read_holding_registers"));
    assert_eq!(gate.operation(11).unwrap().port, Some(40000), "side B asks here");
    assert_eq!(gate.operation(13), None);
}
