//! `cargo test --profile quick --no-default-features --lib speed -- --ignored --nocapture`

use super::*;
use std::time::Instant;

struct Count(u64);

impl Sink for Count {
    fn transaction(&mut self, t: &Transaction<'_>) {
        self.0 += t.points.len() as u64;
    }
    fn observation(&mut self, _: &Observation<'_>) {}
    fn anomaly(&mut self, _: u8, _: u8, _: Side, _: Moment) {}
}

#[test]
#[ignore = "a measurement"]
fn a_message_costs_at_most_25_ns() {
    let pairs = [
        ("read 2 registers", adu(1, 1, &[3, 0, 0, 0, 2]), adu(1, 1, &[3, 4, 0, 1, 0, 2])),
        ("write 2 registers", adu(1, 1, &[16, 0, 0, 0, 2, 4, 0, 1, 0, 2]), adu(1, 1, &[16, 0, 0, 0, 2])),
        (
            "write 20 registers",
            adu(1, 1, &[&[16, 0, 0, 0, 20, 40][..], &[7; 40]].concat()),
            adu(1, 1, &[16, 0, 0, 0, 20]),
        ),
    ];
    for (name, request, response) in pairs {
        let mut dissector = (super::super::PROTOCOL.start)(&tcp_hints());
        let mut sink = Count(0);
        let mut seen = Seen { clock: SECOND, both_directions: true, lost: [false; 2] };
        let rounds = 3_000_000_u64;
        let begin = Instant::now();
        for packet in 0..rounds {
            seen.clock += 1000;
            let at = Moment { time: seen.clock, packet, capture: 1 };
            assert!(matches!(
                dissector.feed(CLIENT, std::hint::black_box(&request), at, &seen, &mut sink),
                Fed::Used(_)
            ));
            assert!(matches!(
                dissector.feed(SERVER, std::hint::black_box(&response), at, &seen, &mut sink),
                Fed::Used(_)
            ));
        }
        let cost = begin.elapsed().as_nanos() as f64 / rounds as f64 / 2.0;
        println!("{name}: {cost:.1} ns per message");
        assert_eq!(sink.0, rounds);
    }
}
