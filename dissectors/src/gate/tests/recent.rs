//! What a flow remembers changes nothing: the same offers with a memory that is always empty give the same tallies.

use super::*;

/// Offers of a client that scans, wanders and changes its mind, with and without the flow's memory.
fn run(seed: u64, remembers: bool) -> String {
    let mut gate = Gate::new(Settings::default());
    let mut cache = FlowCache::default();
    let mut dice = seed;
    let mut below = |end: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % end
    };
    let key = flow(1, 100);
    let mut said = String::new();
    for n in 0..3_000 {
        let first = below(8) * 10;
        let scan = point(first, first + [0, 5, 9, 20][usize::try_from(below(4)).unwrap()], Values::Unseen);
        let points = match below(30) {
            0 => vec![],
            1 => vec![scan, point(below(400), 500, Values::Unseen)],
            2 => vec![Point { block: 4, ..scan }],
            3 => vec![Point { first: u64::from(u32::MAX) + first, last: u64::MAX, ..scan }],
            _ => vec![scan],
        };
        let mut t = read(u32::try_from(below(3)).unwrap() + 1, n * SECOND, n);
        t.points = &points;
        let mut empty = FlowCache::default();
        let cache = if remembers { &mut cache } else { &mut empty };
        gate.offer(Context { key: &key, l2: &[L2::default(); 2], initiator: None, cache }, &t);
        while let Some(fact) = gate.take() {
            if let Fact::Transaction(delivered) = fact {
                gate.expect(delivered.operation, one(Clause::default())).unwrap();
            }
        }
        if n % 500 == 499 {
            said += &format!("{:?}", gate.changed_tallies());
            // New clauses, whose tallies are empty.
            gate.ask_again();
        }
    }
    said + &format!("{:?}", gate.operations())
}

#[test]
fn a_memory_changes_no_tally() {
    for seed in 0..20 {
        assert_eq!(run(seed, true), run(seed, false), "seed {seed}");
    }
}
