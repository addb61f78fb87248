//! `cargo test --profile quick --no-default-features --lib opcua::tests::speed -- --ignored --nocapture`

use super::craft::*;
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
fn a_read_of_ten_values_costs_little() {
    let nodes = (0..10)
        .fold(request(631).f64(0.0).u32(2).i32(10), |wire, n| wire.node(2, 1000 + n).u32(13).null().qualified(0, ""));
    let values = (0..10).fold(response(634, 0).i32(10), |wire, n| wire.double(f64::from(n))).i32(0);
    let mut flow = Flow::session();
    let mut sink = Count(0);
    let rounds = 500_000_u32;
    let begin = Instant::now();
    let (asked, answered) = (message(4, &nodes.0), message(4, &values.0));
    for number in 4..rounds + 4 {
        flow.seen.clock += 1000;
        let at = Moment { time: flow.seen.clock, packet: u64::from(number), capture: 1 };
        flow.dissector.feed(CLIENT, std::hint::black_box(&asked), at, &flow.seen, &mut sink);
        flow.dissector.feed(SERVER, std::hint::black_box(&answered), at, &flow.seen, &mut sink);
    }
    let cost = begin.elapsed().as_nanos() as f64 / f64::from(rounds) / 2.0;
    println!("read of 10 values: {cost:.1} ns per message");
    assert_eq!(sink.0, u64::from(rounds) * 10);
}
