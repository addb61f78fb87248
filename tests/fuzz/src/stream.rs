//! Any segments in any order: what comes out is what was sent, in order, and everything that is missing was told as a gap.

use fieldtap_native::address::{Moment, Net, Side};
use fieldtap_native::packet::{Packet, Span, Transport};
use fieldtap_native::protocols::Ending;
use fieldtap_native::stream::{Event, Flow, FlowId, FlowKey, Flows, Limits, Receiver, Scene};

use crate::script::Script;

/// The byte at a sequence number: every four bytes from a multiple of four on tell where they are.
fn byte(seq: u32) -> u8 {
    (seq & !3).to_le_bytes()[(seq & 3) as usize] ^ 0x5A
}

/// What is known of one flow's two sides.
#[derive(Default)]
struct Told {
    next: [Option<u32>; 2],
    delivered: u64,
}

#[derive(Default)]
struct Judge {
    delivered: u64,
}

impl Receiver<Told> for Judge {
    fn event(&mut self, event: Event<'_>, scene: &mut Scene<'_, Told>) {
        match event {
            Event::Data { side, bytes, .. } => {
                self.delivered += bytes.len() as u64;
                scene.data.delivered += bytes.len() as u64;
                let next = &mut scene.data.next[side.index()];
                let from = (*next).or_else(|| place(bytes));
                let Some(from) = from else { return };
                for (at, got) in (0_u32..).zip(bytes) {
                    assert_eq!(*got, byte(from.wrapping_add(at)), "invented or out of order at {from}+{at}");
                }
                *next = Some(from.wrapping_add(bytes.len() as u32));
            }
            Event::Gap { side, missing } => {
                // 0: the stream goes on elsewhere.
                let next = &mut scene.data.next[side.index()];
                *next = next.filter(|_| missing > 0).map(|next| next.wrapping_add(missing as u32));
            }
            _ => {}
        }
    }

    fn ended(&mut self, _: FlowId, _: &mut Flow<Told>, _: Ending) {}
}

/// Where bytes stand, by what they tell of it; `None` where they are too few to tell.
fn place(bytes: &[u8]) -> Option<u32> {
    if bytes.len() < 8 {
        return None;
    }
    let fits = |from: u32| (0_u32..).zip(bytes).all(|(at, got)| *got == byte(from.wrapping_add(at)));
    let candidate = |skip: usize| {
        let word: [u8; 4] = bytes.get(skip..skip + 4)?.try_into().ok()?;
        let start = u32::from_le_bytes(word.map(|b| b ^ 0x5A));
        Some(start.wrapping_sub(skip as u32)).filter(|from| fits(*from))
    };
    let from = (0..4).find_map(candidate);
    assert!(from.is_some(), "bytes that nobody sent like this");
    from
}

/// Segments: flow and side, flags, pause, sequence and acknowledgement relative to what the side sent last, length, missing bytes.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let small = script.u8() & 1 == 1;
    let limits = if small {
        Limits { max_flows: 2, buffered_bytes: 600, buffered_bytes_total: 1000, waiting_flows: 2, ..Limits::default() }
    } else {
        Limits::default()
    };
    let mut flows: Flows<Told> = Flows::new(limits);
    let mut judge = Judge::default();
    let mut at = Moment { time: 1_700_000_000_000_000_000, packet: 0, capture: 1 };
    let (mut seqs, mut sent) = ([[1000_u32, 0xFFFF_FF00]; 4], 0_u64);
    let mut bytes = Vec::new();
    while script.more() {
        let (what, flags) = (script.u8(), script.u8());
        at.time += script.pause();
        at.packet += 1;
        let (flow, side) = (usize::from(what & 3), usize::from(what >> 2 & 1));
        let length = if what & 8 == 0 { u32::from(script.u8()) } else { u32::from(script.u16() & 0x0FFF) };
        let shift = if what & 16 == 0 { 0 } else { i32::from(script.u16().cast_signed()) };
        let missing = if what & 32 == 0 { 0 } else { u32::from(script.u8()) };
        let seq = if what & 64 == 0 { seqs[flow][side].wrapping_add_signed(shift) } else { script.u32() };
        let syn = u32::from(flags & 2 != 0);
        bytes.clear();
        bytes.extend((0..length).map(|n| byte(seq.wrapping_add(syn).wrapping_add(n))));
        let end = seq.wrapping_add(syn).wrapping_add(length);
        if shift >= 0 {
            seqs[flow][side] = end.wrapping_add(missing);
        }
        let ack = if what & 128 == 0 {
            seqs[flow][1 - side]
        } else {
            seqs[flow][1 - side].wrapping_sub(u32::from(script.u8()))
        };
        let ends = [(0x0A00_0001, 1000 + flow as u16), (0x0A00_0002, 502)];
        let mut packet = Packet {
            at,
            source: ends[side].0,
            destination: ends[1 - side].0,
            source_port: ends[side].1,
            destination_port: ends[1 - side].1,
            net: Net::V4,
            transport: Transport::Tcp,
            wire_len: 60,
            flags,
            seq,
            ack,
            payload: Span { start: 0, len: length },
            payload_missing: missing,
            ..Packet::default()
        };
        let (key, of) = FlowKey::of(&packet);
        (packet.hash, packet.side) = (key.hash(), of);
        sent += u64::from(length);
        flows.overdue(at.time, &mut judge);
        flows.expire(at.time, &mut judge);
        let found = flows.find(&packet, at.time, &mut judge);
        assert_eq!(found.side == Side::A, side == 0);
        flows.segment(found, &packet, &bytes, || Some(true), &mut judge);
        assert!(judge.delivered <= sent, "more came out than was sent");
        assert!(flows.held_bytes() <= limits.buffered_bytes_total);
        assert!(flows.len() <= limits.max_flows as usize);
    }
    flows.finish_all(at.time, Ending::CaptureEnd, &mut judge);
    assert!(judge.delivered <= sent);
    assert!(flows.is_empty());
    assert_eq!(flows.held_bytes(), 0);
}
