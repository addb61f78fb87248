//! Random streams against the truth: nothing invented, nothing repeated, what is missing is counted exactly.

use super::*;
use Side::{A, B};

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

fn byte(side: Side, at: u32) -> u8 {
    (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ side as u8
}

#[derive(Clone)]
struct Sent {
    side: Side,
    seq: u32,
    ack: u32,
    bytes: Vec<u8>,
    missing: u32,
}

/// Both streams cut into segments that acknowledge each other.
fn conversation(random: &mut Random, starts: [u32; 2]) -> (Vec<Sent>, [u32; 2]) {
    let mut sent = Vec::new();
    let mut at = [0_u32; 2];
    for _ in 0..200 {
        let side = if random.below(2) == 0 { A } else { B };
        let len = random.below(40) as u32 + 2;
        let from = at[side.index()];
        let bytes = (from..from + len).map(|i| byte(side, i)).collect();
        let (seq, ack) = (
            starts[side.index()].wrapping_add(from),
            starts[side.other().index()].wrapping_add(at[side.other().index()]),
        );
        sent.push(Sent { side, seq, ack, bytes, missing: 0 });
        at[side.index()] += len;
    }
    (sent, at)
}

/// Reads the log as two streams and compares every byte with the truth; gives the gap bytes of each side.
fn judge(log: &[Came], ends: [u32; 2]) -> [u64; 2] {
    let (mut at, mut gaps) = ([0_u64; 2], [0_u64; 2]);
    for came in log {
        match came {
            Came::Data(side, bytes) => {
                for got in bytes {
                    assert_eq!(
                        *got,
                        byte(*side, at[side.index()] as u32),
                        "invented at {} of {side:?}",
                        at[side.index()]
                    );
                    at[side.index()] += 1;
                }
            }
            Came::Gap(side, missing) => {
                at[side.index()] += missing;
                gaps[side.index()] += missing;
            }
            _ => {}
        }
    }
    for side in 0..2 {
        assert!(at[side] <= u64::from(ends[side]));
    }
    gaps
}

#[test]
fn shuffled_repeated_and_lost_segments_give_the_truth() {
    for seed in 1..400_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let starts =
            [random.below(1 << 32) as u32, if seed % 3 == 0 { u32::MAX - 500 } else { random.below(1 << 32) as u32 }];
        let (sent, ends) = conversation(&mut random, starts);
        let (lossy, doubled, shuffled) = (seed % 2 == 0, seed % 5 < 2, seed % 7 < 5);
        let mut lost = [0_u64; 2];
        let mut order: Vec<(u64, Sent)> = Vec::new();
        let last = |side: Side| sent.iter().rposition(|s| s.side == side);
        let keep = [last(A), last(B)];
        for (i, one) in sent.iter().enumerate() {
            let place = i as u64 * 5;
            let jitter = |random: &mut Random| if shuffled { random.below(100) } else { 0 };
            if lossy && random.below(20) == 0 && !keep.contains(&Some(i)) {
                lost[one.side.index()] += one.bytes.len() as u64;
                continue;
            }
            let moved = place + jitter(&mut random);
            order.push((moved, one.clone()));
            if doubled && random.below(6) == 0 {
                order.push((place + jitter(&mut random), one.clone()));
            }
            if doubled && random.below(9) == 0 {
                // A retransmission with other borders.
                let from = random.below(one.bytes.len() as u64) as usize;
                let part =
                    Sent { seq: one.seq.wrapping_add(from as u32), bytes: one.bytes[from..].to_vec(), ..one.clone() };
                order.push((place + 20 + jitter(&mut random), part));
            }
        }
        order.sort_by_key(|(at, _)| *at);
        let mut rig = Rig::new();
        rig.send(A, tf::SYN, starts[0].wrapping_sub(1), 0, b"");
        rig.send(B, tf::SYN | tf::ACK, starts[1].wrapping_sub(1), starts[0], b"");
        let copies: u64 = order.len() as u64;
        for (at, one) in order {
            rig.now = T0 + at * MS;
            rig.missing = one.missing;
            rig.send(one.side, tf::ACK, one.seq, one.ack, &one.bytes);
        }
        rig.finish();
        let gaps = judge(&rig.take(), ends);
        let totals = *rig.flows.totals();
        assert_eq!(gaps, lost, "seed {seed}");
        assert_eq!(totals.rare.gap_bytes, lost[0] + lost[1], "seed {seed}");
        assert_eq!((totals.rare.conflicts, totals.rare.bad_checksums, totals.rare.set_aside_packets), (0, 0, 0));
        // The last byte alone sent again can't be told from a keep-alive.
        let again = totals.rare.retransmitted_bytes + totals.rare.keep_alives;
        let total = u64::from(ends[0]) + u64::from(ends[1]);
        assert_eq!(totals.counts.payload, total - lost[0] - lost[1] + again, "seed {seed}");
        assert_eq!(totals.counts.packets, copies + 2);
        assert_eq!(rig.flows.held_bytes(), 0);
    }
}

/// Whatever arrives, a response never comes before the request that it acknowledges, while nothing is lost.
#[test]
fn cause_comes_before_effect_in_any_order_of_arrival() {
    for seed in 1..100_u64 {
        let mut random = Random(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        let mut order = Vec::new();
        for i in 0..100_u32 {
            order.push((u64::from(i) * 10 + random.below(100), A, 100 + i, 5000 + i));
            order.push((u64::from(i) * 10 + 1 + random.below(100), B, 5000 + i, 101 + i));
        }
        order.sort_by_key(|(at, ..)| *at);
        let mut rig = Rig::new();
        rig.handshake();
        for (at, side, seq, ack) in order {
            rig.now = T0 + at * MS;
            rig.send(side, tf::ACK, seq, ack, b"x");
        }
        let sides: Vec<Side> = rig
            .take()
            .iter()
            .map(|came| if let Came::Data(side, _) = came { *side } else { panic!("{came:?}") })
            .collect();
        assert_eq!(sides, [A, B].repeat(100), "seed {seed}");
    }
}

/// Any segments at all: no panic, bounded memory, everything held leaves in the end.
#[test]
fn random_segments_keep_every_bound() {
    for seed in 1..40_u64 {
        let mut random = Random(seed.wrapping_mul(0xA076_1D64_78BD_642F));
        let limits = Limits {
            max_flows: 4,
            buffered_bytes: 4_000,
            buffered_bytes_total: 9_000,
            waiting_flows: 3,
            ..Limits::default()
        };
        let mut rig = Rig::with(limits);
        for _ in 0..5_000 {
            rig.now += random.below(100) * MS;
            rig.client_port = 1000 + random.below(6) as u16;
            rig.checksum = [Some(true), Some(false), None][random.below(8).min(2) as usize];
            rig.missing = random.below(10).saturating_sub(8) as u32;
            let near = |random: &mut Random| match random.below(10) {
                0 => random.below(1 << 32) as u32,
                1 => (1_u32 << 31).wrapping_add(random.below(3) as u32),
                _ => u32::MAX.wrapping_add(random.below(3_000) as u32),
            };
            let (seq, ack) = (near(&mut random), near(&mut random));
            let flags = if random.below(3) == 0 { random.below(32) as u8 } else { tf::ACK };
            let side = if random.below(2) == 0 { A } else { B };
            let bytes = vec![random.below(2) as u8; random.below(60) as usize];
            rig.send(side, flags, seq, ack, &bytes);
            assert!(rig.flows.len() <= 4 && rig.flows.held_bytes() <= 9_000 + 128);
        }
        rig.finish();
        assert_eq!((rig.flows.held_bytes(), rig.flows.len()), (0, 0));
    }
}
