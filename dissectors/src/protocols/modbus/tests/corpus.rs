//! Captures of others, run by hand: `FIELDTAP_SEGMENTS` names files (separated by `:`) with one segment or datagram a line,
//! `kind|flow|source|port|destination|port|time|frame|hex` with kind `T`, `U`, `S` (connection opened) or `G` (bytes lost).

use super::*;
use crate::protocols::{Probe, Recognition};
use std::collections::{BTreeMap, HashMap};

struct Run {
    flow: Option<Flow>,
    given_up: bool,
    hints: Hints,
    from_start: bool,
    waiting: [Vec<u8>; 2],
    sides: [bool; 2],
}

#[test]
#[ignore = "needs FIELDTAP_SEGMENTS"]
fn captures() {
    for path in std::env::var("FIELDTAP_SEGMENTS").unwrap().split(':') {
        let mut runs: HashMap<String, Run> = HashMap::new();
        let text = std::fs::read_to_string(path).unwrap();
        let mut clock = 0;
        for line in text.lines() {
            let v: Vec<&str> = line.split('|').collect();
            let (a, b) = ((v[2], v[3].parse::<u16>().unwrap()), (v[4], v[5].parse::<u16>().unwrap()));
            clock = clock.max(v[6].parse::<u64>().unwrap());
            let source_is_a = (a.0, a.1) <= (b.0, b.1);
            let side = if source_is_a { Side::A } else { Side::B };
            let ports = if source_is_a { [a.1, b.1] } else { [b.1, a.1] };
            let run = runs.entry(v[1].to_string()).or_insert_with(|| Run {
                flow: None,
                given_up: false,
                hints: Hints { ports, initiator: (v[0] == "S").then_some(side), datagram: v[0] == "U" },
                from_start: v[0] == "S",
                waiting: [vec![], vec![]],
                sides: [false; 2],
            });
            run.sides[side.index()] = true;
            run.step(side, v[0], &hex(v[8]), clock, v[7].parse().unwrap());
        }
        report(path, runs, clock);
    }
}

impl Run {
    fn step(&mut self, side: Side, kind: &str, bytes: &[u8], clock: u64, frame: u64) {
        if self.given_up || kind == "S" {
            return;
        }
        if kind == "G" {
            if let Some(flow) = &mut self.flow {
                flow.gap(side);
            }
            self.from_start &= self.flow.is_some();
            return;
        }
        let mut bytes = bytes.to_vec();
        if self.flow.is_none() {
            let waiting = &mut self.waiting[side.index()];
            waiting.extend_from_slice(&bytes);
            bytes = waiting.clone();
            let probe = Probe { side, bytes: &bytes, from_start: self.from_start, hints: self.hints };
            match (super::super::PROTOCOL.recognise.unwrap())(&probe) {
                Recognition::Mine { skip, .. } => {
                    bytes.drain(..skip);
                    self.flow = Some(Flow::new(self.hints));
                }
                Recognition::More => return,
                Recognition::NotMine | Recognition::Failed => {
                    self.given_up = true;
                    return;
                }
            }
        }
        let flow = self.flow.as_mut().unwrap();
        flow.seen.both_directions = self.sides == [true; 2];
        flow.seen.clock = flow.seen.clock.max(clock.saturating_sub(SECOND / 1000));
        flow.wait(0);
        flow.packet = frame - 1;
        flow.send(side, &bytes);
    }
}

fn report(path: &str, runs: HashMap<String, Run>, clock: u64) {
    let mut functions: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut mine, mut others, mut transactions) = (0, 0, 0);
    let show = std::env::var("FIELDTAP_SHOW").is_ok();
    for (name, run) in runs {
        let Some(mut flow) = run.flow else {
            others += 1;
            continue;
        };
        mine += 1;
        flow.seen.clock = clock;
        let (malformed, left) = (flow.malformed.clone(), flow.buffers.iter().map(Vec::len).sum::<usize>());
        let out = flow.finish(Ending::CaptureEnd);
        for kind in malformed {
            wrong.entry(format!("malformed {kind}")).or_default().0 += 1;
        }
        if left > 0 {
            *outcomes.entry("bytes left".into()).or_default() += left;
        }
        for (kind, frame) in out.anomalies {
            let entry = wrong.entry(format!("flow {kind}")).or_insert((0, frame));
            entry.0 += 1;
        }
        for record in &out.records {
            transactions += 1;
            let messages = usize::from(record.request.is_some()) + usize::from(record.response.is_some());
            let protocol = PROTOCOLS[usize::from(record.protocol)].name;
            *functions.entry(format!("{protocol} {:03}", record.function)).or_default() += messages;
            *outcomes.entry(record.outcome.clone()).or_default() += 1;
            for anomaly in &record.anomalies {
                let frame = record.request.or(record.response).unwrap();
                let entry = wrong.entry((*anomaly).to_string()).or_insert((0, frame));
                entry.0 += 1;
            }
            if show {
                println!("{name} {record:?}");
            }
        }
        for line in out.observations.iter().take(if show { 1000 } else { 4 }) {
            println!("  {line}");
        }
    }
    println!(
        "{path}: {mine} flows, {others} not mine, {transactions} transactions\n  {functions:?}\n  {outcomes:?}\n  {wrong:?}"
    );
}
