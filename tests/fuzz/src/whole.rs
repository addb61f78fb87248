//! Any capture through everything: capture, packet, stream, dissectors, lines, gate.

use std::sync::Arc;

use fieldtap_native::capture::{self, Options};
use fieldtap_native::engine::{Engine, Pause};
use fieldtap_native::front::{Feeder, Front, Progress};
use fieldtap_native::gate::{Clause, Fact, Gate, NewClause, Settings};
use fieldtap_native::output::Lines;
use fieldtap_native::stream::Limits;

/// The first byte says how it is run, the rest is the file.
pub fn run(data: &[u8]) {
    let Some((&how, rest)) = data.split_first() else { return };
    let path = crate::file(rest);
    let Ok(reader) = capture::open(&[path], &Options::default()) else { return };
    let follow = how & 1 == 0;
    let gate = Gate::new(Settings { follow, ..Settings::default() });
    let lines = (how & 2 == 0).then(|| Lines::new(Box::new(std::io::sink())));
    let limits = if how & 4 == 0 {
        Limits::default()
    } else {
        Limits { max_flows: 3, buffered_bytes: 2_000, ..Limits::default() }
    };
    let front = Front::new(reader, Arc::new(Progress::default()));
    let batch = if how & 8 == 0 { 65_536 } else { 3 };
    let mut engine = Engine::new(Feeder::new(front, 1), gate, lines, batch, limits);
    loop {
        let pause = engine.advance();
        while let Some(fact) = engine.gate().take() {
            if let Fact::Transaction(delivered) = fact
                && !follow
            {
                let _ = engine
                    .gate()
                    .expect(delivered.operation, vec![(0, vec![NewClause::New(Box::new(Clause::default()))])]);
            }
        }
        if matches!(pause, Ok(Pause::End)) {
            break;
        }
    }
    let transactions: u64 = engine.summary().protocols().map(|(_, counts)| counts.transactions).sum();
    let counted: u64 = engine.gate().operations().iter().map(|tally| tally.count).sum();
    assert_eq!(transactions, counted, "what dissectors told and what the gate counted");
}
