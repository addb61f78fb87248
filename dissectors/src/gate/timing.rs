//! What an offer costs, and what an operation weighs: run by hand with
//! `cargo test --profile quick --no-default-features --lib gate::timing -- --ignored --nocapture --test-threads 1`.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::cast_precision_loss, clippy::as_conversions)]

use std::hint::black_box;

use super::tests::{SECOND, flow, l2, one, point, read};
use super::*;
use crate::packet::Vlan;
use crate::stream::FlowKey;
use crate::transaction::{Transaction, Values};

/// Time that this thread has had a processor, ns: other work on the machine counts less than on the wall's clock.
fn busy() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn offer(gate: &mut Gate, key: &FlowKey, cache: &mut FlowCache, t: &Transaction<'_>) {
    gate.offer(Context { key, l2: &l2(Vlan::default()), initiator: None, cache }, t);
}

fn answer_all(gate: &mut Gate) {
    while let Some(fact) = gate.take() {
        if let Fact::Transaction(delivered) = fact {
            gate.expect(delivered.operation, one(Clause::default())).unwrap();
        }
    }
}

/// The flow and function of the nth offer.
fn choose(n: u32, flows: u32, functions: u32, random: bool) -> (usize, u32) {
    let choice = if random { n.wrapping_mul(2_654_435_761) ^ n >> 3 } else { n } >> 4;
    ((choice % flows) as usize, choice / flows % functions)
}

/// `flows` flows with `functions` operations each; offers in random or round-robin order; ns for each.
fn measure(flows: u32, functions: u32, random: bool) -> f64 {
    let mut gate = Gate::new(Settings::default());
    let keys: Vec<FlowKey> = (0..flows).map(|n| flow(1_000_000 + n, 7_000_000 + n % 97)).collect();
    let mut caches = vec![FlowCache::default(); keys.len()];
    let points = [point(100, 109, Values::Unseen)];
    let mut t = Transaction { points: &points, ..read(0, 0, 1) };
    let step = |t: &mut Transaction<'_>, n: u32, function: u32| {
        t.function.code = function;
        t.request = Some(super::tests::at(u64::from(n) * SECOND, u64::from(n)));
        t.completed = u64::from(n) * SECOND;
    };
    for (n, (key, cache)) in (0..).zip(keys.iter().zip(&mut caches)) {
        for function in 0..functions {
            step(&mut t, n, function);
            offer(&mut gate, key, cache, &t);
            if gate.queue_len() > 1000 {
                answer_all(&mut gate);
            }
        }
    }
    answer_all(&mut gate);
    let rounds = 4_000_000_u32;
    let start = busy();
    for n in 0..rounds {
        let (at, function) = choose(n, flows, functions, random);
        step(&mut t, n, function);
        black_box((keys[at].ports, &caches[at], &t));
    }
    let loop_alone = busy() - start;
    let start = busy();
    for n in 0..rounds {
        let (at, function) = choose(n, flows, functions, random);
        step(&mut t, n, function);
        offer(&mut gate, &keys[at], &mut caches[at], black_box(&t));
    }
    let cost = ((busy() - start) as f64 - loop_alone as f64) / f64::from(rounds);
    assert_eq!(gate.queue_len(), 0);
    assert_eq!(gate.counters().operations, u64::from(flows) * u64::from(functions));
    println!("{} operations, random {random}: {cost:.1} ns an offer", flows * functions);
    cost
}

#[test]
#[ignore = "timing"]
fn an_expected_offer_of_two_thousand_operations() {
    measure(200, 10, false);
    measure(200, 10, true);
    measure(2000, 1, false);
    measure(2000, 1, true);
}

#[test]
#[ignore = "timing"]
fn an_expected_offer_of_many_operations() {
    measure(198_000, 1, true);
}

#[test]
#[ignore = "memory of this process"]
fn many_operations_with_an_expectation_weigh_little() {
    let before = resident();
    let mut gate = Gate::new(Settings::default());
    let points = [point(100, 109, Values::Unseen)];
    let t = Transaction { points: &points, ..read(0, 0, 1) };
    for n in 0..198_000 {
        offer(&mut gate, &flow(1_000_000 + n, 7_000_000 + n % 9973), &mut FlowCache::default(), &t);
        answer_all(&mut gate);
    }
    let once = resident() - before;
    for n in 0..198_000 {
        offer(&mut gate, &flow(1_000_000 + n, 7_000_000 + n % 9973), &mut FlowCache::default(), &t);
    }
    println!("198,000 operations: {once} MiB, {} MiB when each came twice", resident() - before);
    assert!(once <= 100);
}
