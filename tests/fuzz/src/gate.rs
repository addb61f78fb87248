//! Any offers with any answers: every transaction is counted exactly once by its operation.

use fieldtap_native::address::{Moment, Net, Side};
use fieldtap_native::gate::{
    Clause, Context, Fact, FlowCache, Gate, KEPT_INTERVALS, L2Line, Limits, MAX_VALUED, Mode, NewClause, PointLine,
    Regular, Settings,
};
use fieldtap_native::packet::{L2, Transport};
use fieldtap_native::stream::FlowKey;
use fieldtap_native::transaction::{Access, Anomalies, Code, Outcome, Point, Transaction, Values};

use crate::script::Script;

fn points(script: &mut Script<'_>) -> Vec<PointLine> {
    let count = usize::from(script.u8() & 3);
    let line = |script: &mut Script<'_>| {
        let what = script.u8();
        let first = u64::from(script.u16());
        PointLine {
            access: (what & 1 != 0).then_some(Access::Read),
            kind: (what & 2 != 0).then_some(what >> 6),
            first,
            last: first + u64::from(script.u16()),
            minimum: (what & 4 != 0).then(|| f64::from(script.u8())),
            maximum: (what & 8 != 0).then(|| f64::from(script.u16())),
            lenient: what & 16 != 0,
            ..PointLine::default()
        }
    };
    (0..count).map(|_| line(script)).collect()
}

fn clause(script: &mut Script<'_>, windows: &[u32]) -> Clause {
    let (what, habit) = (script.u16(), script.u8());
    let bit = |n: u16| what >> n & 1 == 1;
    Clause {
        points: bit(0).then(|| points(script)),
        touches: bit(14).then(|| points(script)),
        opened_by: bit(15).then(|| script.u8()),
        outcomes: bit(1).then(|| script.u8()),
        rejections: bit(2).then(|| vec![u32::from(script.u8())]),
        anomalies: bit(3).then(|| vec![Anomalies(u64::from(script.u8()))]),
        l2: bit(4).then(|| vec![L2Line { client: Some([script.u8(); 6]), ..L2Line::default() }]),
        interval: bit(5).then(|| (script.pause(), script.pause())),
        regular: (habit & 1 == 1).then(|| Regular {
            least: script.pause(),
            greatest: script.pause(),
            row: u32::from(script.u8()),
        }),
        learn: habit & 2 == 2,
        fresh: bit(6).then(|| script.pause()),
        after: bit(7).then(|| script.pause()),
        until: bit(8).then(|| script.pause()),
        deliver: bit(9),
        tally: !bit(10),
        limits: bit(11),
        windows: windows
            .iter()
            .take(usize::from(bit(12)))
            .map(|number| (*number, bit(13).then(|| "v".to_owned())))
            .collect(),
    }
}

fn offer(gate: &mut Gate, script: &mut Script<'_>, time: u64, packet: u64) {
    let (who, what) = (script.u8(), script.u8());
    let key = FlowKey {
        a: u128::from(who & 7),
        b: 100,
        ports: [40_000, 502],
        tunnel: 0,
        protocol: 0,
        group: 0,
        transport: Transport::Tcp,
        net: Net::V4,
    };
    let words = script.bytes(usize::from(what & 6));
    let first = u64::from(script.u16());
    let access = Access::ALL[usize::from(what >> 5)];
    let values = if words.is_empty() { Values::Unseen } else { Values::Words(words) };
    let point = Point {
        kind: who >> 6,
        access,
        block: 0,
        first,
        last: first + (words.len() as u64 / 2).saturating_sub(1),
        name: None,
        values,
        fields: &[],
    };
    let code = |code| Code { code, name: None };
    let outcome = [Outcome::Accepted, Outcome::Rejected(code(u32::from(who))), Outcome::Unanswered, Outcome::Unknown]
        [usize::from(who >> 3 & 3)];
    let at = Moment { time, packet, capture: 1 };
    let points = [point];
    let transaction = Transaction {
        protocol: who >> 5 & 1,
        client: Side::A,
        unit: Some(u32::from(what & 1)),
        function: code(u32::from(what >> 3)),
        sub_function: None,
        access,
        points: if what & 1 == 0 { &points } else { &[] },
        outcome,
        anomalies: Anomalies(u64::from(what == 7)),
        tag: 0,
        request: Some(at),
        response: None,
        completed: time,
        detail: &[],
    };
    let cache = &mut FlowCache::default();
    if what == 9 {
        cache.lose(time);
    }
    let l2 = [who & 3, 2].map(|mac| L2 { source: [mac; 6], ..L2::default() });
    gate.offer(Context { key: &key, l2: &l2, initiator: None, cache }, &transaction);
}

/// Offers, answers, windows, and looks at what came, in any order.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let mut settings = Settings::default();
    if script.u8() & 1 == 1 {
        settings.limits =
            Limits { operations_per_client: 3, operations: 12, merged_per_client: 2, ..Limits::default() };
    }
    let mut gate = Gate::new(settings);
    let (mut time, mut offered, mut windows) = (1_700_000_000_000_000_000, 0_u64, Vec::new());
    while script.more() {
        let what = script.u8();
        time += script.pause();
        match what & 7 {
            0 => drop(gate.changed_tallies()),
            1 if windows.len() < 8 => {
                let mode = if what & 8 == 0 { Mode::EventCount } else { Mode::ValueCount };
                windows.push(gate.window(mode, script.pause(), usize::from(what >> 4)));
            }
            2 | 3 => {
                if let Some(Fact::Transaction(delivered)) = gate.take() {
                    let lanes = (0..u32::from(what >> 6)).map(|lane| {
                        let clauses =
                            (0..=script.u8() & 1).map(|_| NewClause::New(Box::new(clause(&mut script, &windows))));
                        (lane * 3, clauses.collect())
                    });
                    let lanes = lanes.collect();
                    let _ = gate.expect(delivered.operation, lanes);
                }
            }
            4 if what > 250 => gate.ask_again(),
            _ => {
                offered += 1;
                offer(&mut gate, &mut script, time, offered);
            }
        }
    }
    while gate.take().is_some() {}
    gate.settle();
    let counted: u64 = gate.operations().iter().map(|tally| tally.count).sum();
    assert_eq!(counted, offered, "every transaction is counted once");
    for habit in gate.habits() {
        assert!(habit.intervals.len() <= KEPT_INTERVALS && habit.values.len() <= MAX_VALUED);
    }
    for tally in gate.changed_tallies() {
        assert!(tally.count <= offered);
        assert_eq!(tally.outcomes.iter().sum::<u64>(), tally.count);
    }
}
