//! `cargo test --profile quick --no-default-features --lib dnp3::tests::speed -- --ignored --nocapture`

use super::*;
use std::time::Instant;

struct Count(u64);

impl Sink for Count {
    fn transaction(&mut self, t: &Transaction<'_>) {
        self.0 += 1 + t.points.len() as u64;
    }
    fn observation(&mut self, _: &Observation<'_>) {}
    fn anomaly(&mut self, _: u8, _: u8, _: Side, _: Moment) {}
}

#[test]
#[ignore = "a measurement"]
fn what_a_message_costs() {
    let poll = "3c0206 3c0306 3c0406";
    let values: String = (0..14).map(|n| format!("01 {n:02x}000000")).collect();
    let states = "81".repeat(24);
    let integrity = format!("1e01 00 000d {values} 0102 00 0017 {states}");
    for (name, asked, answered) in [
        ("empty poll", poll, String::new()),
        ("poll with an event", poll, "2001 28 0100 0300 01 e8030000".to_string()),
        ("integrity poll of 38 points", "3c0106", integrity),
    ] {
        let mut dissector = (super::super::PROTOCOL.start)(&tcp_hints());
        let mut sink = Count(0);
        let mut seen = Seen { clock: SECOND, both_directions: true, lost: [false; 2] };
        let rounds = 1_000_000_u64;
        let pairs: Vec<_> = (0..16).map(|n| (request(n, 1, asked), response(n, &answered))).collect();
        let begin = Instant::now();
        for packet in 0..rounds {
            seen.clock += 1000;
            let at = Moment { time: seen.clock, packet, capture: 1 };
            let (asked, answered) = std::hint::black_box(&pairs[(packet & 15) as usize]);
            assert!(matches!(dissector.feed(MASTER, asked, at, &seen, &mut sink), Fed::Used(_)));
            assert!(matches!(dissector.feed(OUTSTATION, answered, at, &seen, &mut sink), Fed::Used(_)));
        }
        let cost = begin.elapsed().as_nanos() as f64 / rounds as f64 / 2.0;
        println!("{name}: {cost:.1} ns per message");
        assert!(sink.0 >= rounds);
    }
}
