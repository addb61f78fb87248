use super::craft::*;
use crate::packet::duplicates::{MAX_FRAMES, WINDOW};
use crate::packet::{Decoded, Decoder, Duplicates, Packet, Twin, Verdict, marks};

const MS: u64 = 1_000_000;

struct Bench {
    duplicates: Duplicates,
    decoder: Decoder,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        Bench { duplicates: Duplicates::default(), decoder: Decoder::default(), now: 1_000 * MS }
    }

    /// The verdict on a frame one millisecond later, changed on the way by `change`.
    fn see(&mut self, bytes: &[u8], change: impl Fn(&mut Packet)) -> (Verdict, bool) {
        self.now += MS;
        let (decoded, block) = decode_with(&mut self.decoder, 1, bytes, self.now);
        let Decoded::Packet(mut packet) = decoded else { panic!("{decoded:?}") };
        change(&mut packet);
        let verdict = self.duplicates.check(&mut packet, &block);
        (verdict, packet.marks & marks::SUSPECTED_DUPLICATE != 0)
    }
}

const NEW: (Verdict, bool) = (Verdict::Keep, false);
const SUSPECTED: (Verdict, bool) = (Verdict::Keep, true);

fn twin(twin: Twin) -> (Verdict, bool) {
    (Verdict::Twin(twin), false)
}

fn with_id(id: u16, data: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4_with(17, id, 0, &udp(1000, 2000, data)))
}

#[test]
fn another_way_is_evidence() {
    let vlan = ethernet(0x8100, &joined(&[&[0, 5, 8, 0], &ipv4(6, &tcp(b"hello modbus"))]));
    let mut routed = plain();
    routed[22] -= 1;
    routed[24] = routed[24].wrapping_add(1);
    let mut mac = plain();
    mac[5] ^= 1;
    for (bytes, expected) in [(vlan, Twin::Vlan), (routed, Twin::Ttl), (mac, Twin::Mac)] {
        let mut bench = Bench::new();
        assert_eq!(bench.see(&plain(), |_| {}), NEW);
        assert_eq!(bench.see(&bytes, |_| {}), twin(expected));
    }
    let mut bench = Bench::new();
    assert_eq!(bench.see(&plain(), |_| {}), NEW);
    assert_eq!(bench.see(&plain(), |packet| packet.interface = 1), twin(Twin::Interface));
    assert_eq!(bench.see(&plain(), |packet| packet.at.capture = 2), twin(Twin::Capture));
    assert_eq!(bench.duplicates.counts().collect::<Vec<_>>(), [("interface", 1), ("capture", 1)]);
}

#[test]
fn the_same_way_again_is_real() {
    let mut bench = Bench::new();
    assert_eq!(bench.see(&plain(), |_| {}), NEW);
    assert_eq!(bench.see(&plain(), |_| {}), SUSPECTED);
    let arp = ethernet(0x0806, &[0, 1, 8, 0, 6, 4, 0, 1]);
    assert_eq!(bench.see(&arp, |_| {}), NEW);
    assert_eq!(bench.see(&arp, |_| {}), SUSPECTED);
    assert_eq!(bench.see(&arp, |packet| packet.interface = 1), twin(Twin::Interface));
    let tagged = ethernet(0x8100, &joined(&[&[0, 5, 8, 6], &[0, 1, 8, 0, 6, 4, 0, 1]]));
    assert_eq!(bench.see(&tagged, |_| {}), twin(Twin::Vlan));
    assert_eq!(bench.duplicates.suspected(), 2);
}

#[test]
fn a_retransmission_seen_twice_stays_two_frames() {
    let mut bench = Bench::new();
    let other = |packet: &mut Packet| packet.interface = 1;
    assert_eq!(bench.see(&plain(), |_| {}), NEW);
    assert_eq!(bench.see(&plain(), other), twin(Twin::Interface));
    assert_eq!(bench.see(&plain(), |_| {}), SUSPECTED, "the second original");
    assert_eq!(bench.see(&plain(), other), twin(Twin::Interface));
    assert_eq!(bench.see(&plain(), other), SUSPECTED, "a third, seen there alone");
}

#[test]
fn identification_counts_only_where_it_changes() {
    let mut bench = Bench::new();
    bench.see(&with_id(1, b"a"), |_| {});
    assert_eq!(bench.see(&with_id(2, b"b"), |_| {}), NEW);
    assert_eq!(bench.see(&with_id(2, b"b"), |_| {}), twin(Twin::IpId));
    let mut constant = Bench::new();
    constant.see(&with_id(7, b"a"), |_| {});
    constant.see(&with_id(7, b"b"), |_| {});
    assert_eq!(constant.see(&with_id(7, b"b"), |_| {}), SUSPECTED);
    let mut first = Bench::new();
    first.see(&with_id(7, b"a"), |_| {});
    assert_eq!(first.see(&with_id(7, b"a"), |_| {}), SUSPECTED, "one frame says nothing of its sender");
    let mut zero = Bench::new();
    zero.see(&with_id(1, b"a"), |_| {});
    zero.see(&with_id(0, b"b"), |_| {});
    assert_eq!(zero.see(&with_id(0, b"b"), |_| {}), SUSPECTED);
}

#[test]
fn redundancy_sequences() {
    let hsr =
        |sequence: u8, path: u8| ethernet(0x892F, &joined(&[&[path, 60, 0, sequence, 0x88, 0xB8], b"goose goose"]));
    let mut bench = Bench::new();
    assert_eq!(bench.see(&hsr(1, 0), |_| {}), NEW);
    assert_eq!(bench.see(&hsr(1, 0x10), |_| {}), twin(Twin::Hsr));
    assert_eq!(bench.see(&hsr(2, 0), |packet| packet.interface = 1), NEW, "another number is another frame");
    let mut bench = Bench::new();
    let prp =
        |sequence: u8, lan: u8| ethernet(0x88B8, &[b"goose goose", &[0, sequence, lan, 17, 0x88, 0xFB][..]].concat());
    assert_eq!(bench.see(&prp(1, 0xA0), |_| {}), NEW);
    assert_eq!(bench.see(&prp(1, 0xB0), |_| {}), twin(Twin::Prp));
    assert_eq!(bench.see(&prp(2, 0xA0), |_| {}), NEW);
}

#[test]
fn another_frame_is_no_twin() {
    let mut bench = Bench::new();
    assert_eq!(bench.see(&plain(), |_| {}), NEW);
    let mut back = plain();
    back[26..34].rotate_left(4);
    assert_eq!(bench.see(&back, |packet| packet.interface = 1), NEW, "the other direction");
    for at in (14..plain().len()).filter(|at| ![14, 16, 17, 20, 21, 22, 23, 24, 25, 46].contains(at)) {
        let mut other = plain();
        other[at] ^= 1;
        assert_eq!(bench.see(&other, |packet| packet.interface = 1), NEW, "byte {at}");
    }
    assert_eq!(bench.see(&plain(), |packet| packet.tunnel = 3), NEW, "another tunnel");
}

#[test]
fn the_window_is_fifty_milliseconds() {
    let mut bench = Bench::new();
    let other = |packet: &mut Packet| packet.interface = 1;
    bench.see(&plain(), |_| {});
    bench.now += WINDOW - MS;
    assert_eq!(bench.see(&plain(), other), twin(Twin::Interface));
    bench.now += WINDOW;
    assert_eq!(bench.see(&plain(), other), NEW);
    bench.now -= 10 * WINDOW;
    assert_eq!(bench.see(&plain(), |_| {}), NEW, "a clock that jumps back");
    assert_eq!(bench.see(&plain(), other), twin(Twin::Interface));
}

#[test]
fn a_full_window_forgets_the_oldest_and_says_so() {
    let mut bench = Bench::new();
    let frames = MAX_FRAMES as u32 + 10;
    let numbered = |number: u32| ethernet(0x0800, &ipv4(17, &udp(1, 2, &number.to_be_bytes())));
    for number in 0..frames {
        bench.now -= MS;
        assert_eq!(bench.see(&numbered(number), |_| {}), NEW);
    }
    assert_eq!(bench.duplicates.forgotten(), 10);
    let other = |packet: &mut Packet| packet.interface = 1;
    assert_eq!(bench.see(&numbered(frames - 1), other), twin(Twin::Interface));
    assert_eq!(bench.see(&numbered(20), other), twin(Twin::Interface));
    assert_eq!(bench.see(&numbered(3), other), NEW);
}

#[test]
fn many_equal_frames_cost_little_and_none_is_lost() {
    let mut bench = Bench::new();
    bench.see(&plain(), |_| {});
    for _ in 0..100_000 {
        bench.now -= MS;
        assert_eq!(bench.see(&plain(), |_| {}), SUSPECTED);
    }
}
