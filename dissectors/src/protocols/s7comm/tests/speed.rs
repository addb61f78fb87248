use super::*;
use crate::address::Moment;
use crate::protocols::Sink;
use crate::transaction::{Observation, Transaction};
use std::time::Instant;

/// Counts, and looks at nothing.
struct Nobody(u64);

impl Sink for Nobody {
    fn transaction(&mut self, t: &Transaction<'_>) {
        self.0 += u64::try_from(t.points.len()).unwrap();
    }

    fn observation(&mut self, _: &Observation<'_>) {}

    fn anomaly(&mut self, _: u8, _: u8, _: crate::address::Side, _: Moment) {}
}

/// `cargo test --release -- --ignored s7comm::tests::speed --nocapture` prints nanoseconds for each message.
#[test]
#[ignore = "prints a time"]
fn reads_of_three_areas() {
    let item = |block: u8| format!("120a10020010 00{block:02x} 84000010");
    let request = job(1, &format!("0403{}{}{}", item(1), item(2), item(3)), "");
    let answer = done(1, "0403", &format!("ff040080{0}ff040080{0}ff040080{0}", "00".repeat(16)));
    let mut flow = flow();
    let mut sink = Nobody(0);
    let at = Moment { time: 2 * SECOND, packet: 9, capture: 1 };
    let start = Instant::now();
    const ROUNDS: u32 = 1_000_000;
    for _ in 0..ROUNDS {
        flow.dissector.feed(CLIENT, &request, at, &flow.seen, &mut sink);
        flow.dissector.feed(SERVER, &answer, at, &flow.seen, &mut sink);
    }
    println!("{} ns for each message", start.elapsed().as_nanos() / u128::from(ROUNDS) / 2);
    assert_eq!(sink.0, u64::from(ROUNDS) * 3);
}
