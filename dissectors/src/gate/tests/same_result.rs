//! The result depends on the packets alone: a random stream with a scripted Python, taken after every offer, or after many.

use super::*;

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

struct Happening {
    client: u32,
    function: u32,
    time: u64,
    first: u64,
    value: u16,
    outcome: Outcome,
    anomalies: u64,
}

fn stream(seed: u64, length: u64) -> Vec<Happening> {
    let mut n = Numbers(seed);
    let mut time = 0;
    let happen = |_| {
        time += n.below(SECOND);
        Happening {
            client: u32::try_from(n.below(5)).unwrap(),
            function: u32::try_from(n.below(4)).unwrap(),
            time,
            first: n.below(6) * 10,
            value: u16::try_from(n.below(85)).unwrap(),
            outcome: if n.below(5) == 0 {
                Outcome::Rejected(Code { code: u32::try_from(n.below(3)).unwrap(), name: None })
            } else {
                Outcome::Accepted
            },
            anomalies: u64::from(n.below(20) == 0),
        }
    };
    (0..length).map(happen).collect()
}

type Held = Vec<(u32, Vec<(u32, Clause)>)>;

/// Answers as Python would: from its own operation's lanes and the transaction alone. Windows are one for each client.
#[derive(Default)]
struct Script {
    held: std::collections::BTreeMap<u32, Held>,
    windows: std::collections::BTreeMap<u128, (u32, u32)>,
    log: Vec<String>,
}

impl Script {
    fn drain(&mut self, gate: &mut Gate) {
        while let Some(fact) = gate.take() {
            match fact {
                Fact::Transaction(delivered) => self.answer(gate, &delivered),
                other => self.log.push(format!("{other:?}")),
            }
        }
    }

    fn windows(&mut self, gate: &mut Gate, client: u128) -> (u32, u32) {
        *self.windows.entry(client).or_insert_with(|| {
            (gate.window(Mode::EventCount, 4 * SECOND, 3), gate.window(Mode::ValueCount, 20 * SECOND, 4))
        })
    }

    fn answer(&mut self, gate: &mut Gate, delivered: &Delivered) {
        let Delivered { operation, lanes, first, transaction } = delivered;
        self.log.push(format!("{operation} {lanes:x} {first} {transaction:?}"));
        let (events, values) = self.windows(gate, transaction.flow.a);
        let mut held = self
            .held
            .remove(operation)
            .unwrap_or_else(|| vec![(0, Vec::new()), (3, Vec::new()), (4, Vec::new()), (9, Vec::new())]);
        let arena = Bump::new();
        let view = transaction.view(&arena);
        for (position, (_, clauses)) in held.iter_mut().enumerate() {
            if lanes >> position & 1 == 0 {
                continue;
            }
            let new = match position {
                0 => policy(&view),
                1 => Clause {
                    outcomes: Some(1 << view.outcome.index()),
                    anomalies: None,
                    windows: if view.outcome == Outcome::Accepted { vec![] } else { vec![(events, None)] },
                    ..Clause::default()
                },
                2 => Clause { anomalies: None, windows: vec![(values, None)], limits: true, ..Clause::default() },
                _ => Clause {
                    anomalies: None,
                    fresh: Some(30 * SECOND),
                    interval: Some((0, 40 * SECOND)),
                    deliver: view.function.code == 3 && view.outcome != Outcome::Accepted,
                    tally: view.function.code != 2,
                    ..Clause::default()
                },
            };
            if position == 3 {
                clauses.clear();
            }
            if !clauses.iter().any(|(_, clause)| *clause == new) {
                clauses.push((0, new));
            }
        }
        let answer = held.iter().map(|(number, clauses)| (*number, clauses.iter().map(entry).collect())).collect();
        let ids = gate.expect(*operation, answer).unwrap();
        for ((_, clauses), ids) in held.iter_mut().zip(ids) {
            for (clause, id) in clauses.iter_mut().zip(ids) {
                clause.0 = id;
            }
        }
        self.held.insert(*operation, held);
    }
}

fn policy(view: &Transaction<'_>) -> Clause {
    let line = |p: &Point<'_>| PointLine { first: p.first, last: p.last, maximum: Some(80.0), ..PointLine::default() };
    Clause {
        points: Some(view.points.iter().map(line).collect()),
        anomalies: Some(vec![view.anomalies]),
        until: Some(600 * SECOND),
        ..Clause::default()
    }
}

fn entry((id, clause): &(u32, Clause)) -> NewClause {
    if *id == 0 { NewClause::New(Box::new(clause.clone())) } else { NewClause::Existing(*id) }
}

fn run(happenings: &[Happening], batch: usize) -> (Vec<String>, String, Counters) {
    let mut gate = Gate::new(Settings::default());
    let mut script = Script::default();
    for (n, h) in happenings.iter().enumerate() {
        let bytes = h.value.to_be_bytes();
        let points = [point(h.first, h.first, Values::Words(&bytes))];
        let mut t = read(h.function, h.time, u64::try_from(n).unwrap() * 2 + 1);
        (t.points, t.outcome, t.anomalies) = (&points, h.outcome, Anomalies(h.anomalies));
        let key = flow(h.client, 100);
        if n % 17 == 0 {
            let value = crate::transaction::Value::Unsigned(u64::from(h.value / 10));
            let side = Side::A;
            let (unit, at) = (None, at(h.time, 1));
            gate.observe(
                key.address(side),
                0,
                &Observation { protocol: 0, side, unit, attribute: "name", value, field: "x", at },
            );
        }
        offer(&mut gate, &key, &t);
        if n % batch == batch - 1 {
            script.drain(&mut gate);
        }
    }
    script.drain(&mut gate);
    let tallies = format!("{:?}{:?}{:?}", gate.operations(), gate.changed_tallies(), gate.window_tallies());
    (script.log, tallies, gate.counters())
}

#[test]
fn any_batch_size_gives_the_same() {
    let (mut delivered, mut tallied, mut crossings) = (0, 0, 0);
    for seed in 0..12 {
        let happenings = stream(seed, 2000);
        let (log, tallies, counters) = run(&happenings, 1);
        for batch in [2, 7, 100, 1000, 5000] {
            let (other_log, other_tallies, other_counters) = run(&happenings, batch);
            let difference = log.iter().zip(&other_log).find(|(one, two)| one != two);
            assert_eq!(difference, None, "seed {seed}, batches of {batch}");
            assert_eq!(log.len(), other_log.len(), "seed {seed}, batches of {batch}");
            assert!(tallies == other_tallies, "seed {seed}, batches of {batch}:\n{tallies}\n{other_tallies}");
            assert_eq!(counters, other_counters);
        }
        delivered += counters.delivered;
        tallied += counters.transactions - counters.delivered;
        crossings += log.iter().filter(|line| line.starts_with("Crossing")).count();
    }
    assert!(
        delivered > 1000 && tallied > 5000 && crossings > 100,
        "{delivered} {tallied} {crossings}: too dull a test"
    );
}
