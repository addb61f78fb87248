//! What is known of an expectation ahead changes nothing: the same offers, with and without a lane that has to be looked at every
//! time, and with all lanes looked at, are delivered and counted the same.

use super::*;

/// How much an operation knows ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All that it can.
    Short,
    /// A lane that feeds a window has to be looked at, and others may be.
    Loud,
    /// Nothing: it has met more kinds of occurrences than it remembers lanes of.
    Long,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn clause(&mut self) -> Clause {
        Clause {
            outcomes: (!self.one_in(4)).then(|| u8::try_from(self.below(16)).unwrap()),
            rejections: self.one_in(4).then(|| vec![2]),
            anomalies: if self.one_in(3) { None } else { Some(vec![Anomalies(0)]) },
            points: self.one_in(6).then(|| vec![PointLine { last: 50, ..PointLine::default() }]),
            fresh: self.one_in(6).then_some(3 * SECOND),
            after: self.one_in(8).then_some(40 * SECOND),
            deliver: self.one_in(8),
            tally: self.one_in(2),
            ..Clause::default()
        }
    }

    fn lanes(&mut self) -> Vec<(u32, Vec<NewClause>)> {
        let lanes = 1 + self.below(4);
        (0..u32::try_from(lanes).unwrap())
            .map(|lane| {
                let clauses = 1 + self.below(3);
                (lane, (0..clauses).map(|_| NewClause::New(Box::new(self.clause()))).collect())
            })
            .collect()
    }
}

fn run(seed: u64, way: Way) -> String {
    let mut gate = Gate::new(Settings::default());
    let mut dice = Dice(seed);
    let window = gate.window(Mode::EventCount, SECOND, usize::MAX);
    let mut lanes = dice.lanes();
    if way != Way::Short {
        let everything = Clause { anomalies: None, tally: false, windows: vec![(window, None)], ..Clause::default() };
        lanes.push((99, vec![NewClause::New(Box::new(everything))]));
    }
    let mut cache = FlowCache::default();
    let (key, mut said) = (flow(1, 2), String::new());
    for n in 0..120 {
        // The first ones after the answer, with anomalies that no clause names: of one kind, or of more than are remembered.
        let strange = (1..=8).contains(&n).then(|| Anomalies(if way == Way::Long { 2 << n } else { 2 }));
        let points = [point(dice.below(6) * 10, 60, Values::Unseen)];
        let rejection = Outcome::Rejected(Code { code: u32::try_from(dice.below(3)).unwrap(), name: None });
        let outcome = [Outcome::Accepted, Outcome::Accepted, rejection, Outcome::Unanswered, Outcome::Unknown];
        let t = Transaction {
            outcome: outcome[usize::try_from(dice.below(5)).unwrap()],
            anomalies: strange.unwrap_or(Anomalies(u64::from(dice.one_in(5)))),
            points: &points,
            ..read(3, n * SECOND, n)
        };
        gate.offer(Context { key: &key, l2: &[L2::default(); 2], initiator: None, cache: &mut cache }, &t);
        while let Some(fact) = gate.take() {
            let Fact::Transaction(delivered) = fact else { continue };
            if delivered.first {
                gate.expect(delivered.operation, lanes.clone()).unwrap();
            } else {
                said += &format!("{n} {:b}\n", delivered.lanes);
            }
        }
    }
    said + &format!("{:?} {:?}", gate.changed_tallies(), gate.operations())
}

#[test]
fn the_short_way_and_the_long_one_agree() {
    for seed in 0..400 {
        let short = run(seed, Way::Short);
        assert_eq!(short, run(seed, Way::Loud), "seed {seed}");
        assert_eq!(short, run(seed, Way::Long), "seed {seed}");
    }
}
