use super::craft::*;
use crate::packet::fragment::{MAX_AGE, MAX_BYTES, MAX_DATAGRAMS};
use crate::packet::{Cause, Decoded, Decoder, Packet, checksum, marks};

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
}

/// IPv4 fragment of a UDP datagram.
fn piece(id: u16, whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    let more = if to < whole.len() { 0x2000 } else { 0 };
    ethernet(0x0800, &ipv4_with(17, id, more | (from / 8) as u16, &whole[from..to]))
}

fn piece6(id: u32, whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    let more = u16::from(to < whole.len());
    let header = joined(&[&[17, 0], &(from as u16 | more).to_be_bytes(), &id.to_be_bytes()]);
    ethernet(0x86DD, &ipv6(60, &joined(&[&[44, 0, 1, 4, 0, 0, 0, 0], &header, &whole[from..to]])))
}

fn feed(decoder: &mut Decoder, frames: &[Vec<u8>], time: u64) -> Vec<(Packet, Vec<u8>, Vec<u8>)> {
    let mut packets = Vec::new();
    for bytes in frames {
        if let (Decoded::Packet(packet), block) = decode_with(decoder, 1, bytes, time) {
            packets.push((packet, packet.payload.of(&block).to_vec(), block));
        }
    }
    packets
}

fn named(decoder: &Decoder, name: &str) -> u64 {
    decoder.undecoded().find(|(known, _)| known == name).map_or(0, |(_, count)| count)
}

fn anomaly(decoder: &Decoder, name: &str) -> u64 {
    decoder.anomalies().find(|(known, _)| *known == name).map_or(0, |(_, count)| count)
}

#[test]
fn in_any_order() {
    let whole = udp(1000, 2000, &data(2000));
    let cuts = [(0, 800), (800, 1600), (1600, whole.len())];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for six in [false, true] {
            let frames: Vec<_> = order
                .iter()
                .map(|index| {
                    let (from, to) = cuts[*index];
                    if six { piece6(9, &whole, from, to) } else { piece(9, &whole, from, to) }
                })
                .collect();
            let mut decoder = Decoder::default();
            let packets = feed(&mut decoder, &frames, 0);
            let [(packet, payload, block)] = &packets[..] else { panic!("one packet") };
            assert_eq!(*payload, data(2000));
            assert_eq!((packet.source_port, packet.marks), (1000, marks::REASSEMBLED));
            assert_ne!(checksum::ip_header_ok(packet, block), Some(false));
            assert_eq!(anomaly(&decoder, "fragments_joined"), 2);
        }
    }
}

#[test]
fn the_first_wins_and_a_conflict_is_marked() {
    let whole = udp(1000, 2000, &data(100));
    let mut other = whole.clone();
    other[48..64].fill(0xEE);
    let same = [piece(9, &whole, 0, 56), piece(9, &whole, 48, 80), piece(9, &whole, 80, 108)];
    let mut decoder = Decoder::default();
    let packets = feed(&mut decoder, &same, 0);
    assert_eq!((packets[0].1.clone(), packets[0].0.marks), (data(100), marks::REASSEMBLED));
    assert_eq!((anomaly(&decoder, "fragments_overlapping"), anomaly(&decoder, "fragments_conflicting")), (1, 0));
    let differs = [piece(9, &whole, 0, 64), piece(9, &other, 40, 80), piece(9, &whole, 80, 108)];
    let packets = feed(&mut Decoder::default(), &differs, 0);
    assert_eq!((packets[0].1.clone(), packets[0].0.marks), (data(100), marks::REASSEMBLED | marks::OVERLAP));
}

#[test]
fn a_copy_of_each_fragment_leaves_nothing_behind() {
    let whole = udp(1000, 2000, &data(100));
    let frames =
        [piece(9, &whole, 0, 56), piece(9, &whole, 0, 56), piece(9, &whole, 56, 108), piece(9, &whole, 56, 108)];
    let mut decoder = Decoder::default();
    assert_eq!(feed(&mut decoder, &frames, 0).len(), 1);
    assert_eq!((named(&decoder, "fragment_twin"), anomaly(&decoder, "fragments_waiting")), (1, 0));
    let mut other = whole.clone();
    other[60] ^= 1;
    let next = [piece(9, &other, 56, 108), piece(9, &other, 0, 56)];
    assert_eq!(feed(&mut decoder, &next, 0).len(), 1, "another datagram with the same identification is not lost");
}

#[test]
fn what_can_not_be_a_fragment() {
    let whole = udp(1000, 2000, &data(100));
    let mut decoder = Decoder::default();
    for bytes in [piece(9, &whole, 0, 55), piece(9, &whole, 8, 8)] {
        assert!(matches!(decode_with(&mut decoder, 1, &bytes, 0).0, Decoded::Undecoded(Cause::FragmentRange)));
    }
    let far = ethernet(0x0800, &ipv4_with(17, 9, 0x1FFF, &data(100)));
    assert!(matches!(decode_with(&mut decoder, 1, &far, 0).0, Decoded::Undecoded(Cause::FragmentRange)));
    feed(&mut decoder, &[piece(9, &whole, 56, 108)], 0);
    let past = piece(9, &[whole.clone(), data(100)].concat(), 104, 160);
    assert!(matches!(decode_with(&mut decoder, 1, &past, 0).0, Decoded::Undecoded(Cause::FragmentRange)));
}

#[test]
fn age_and_end_give_up_by_name() {
    let whole = udp(1000, 2000, &data(100));
    let mut decoder = Decoder::default();
    feed(&mut decoder, &[piece(9, &whole, 0, 56)], 0);
    assert!(feed(&mut decoder, &[piece(9, &whole, 56, 108)], MAX_AGE + 1).is_empty());
    assert_eq!(named(&decoder, "fragment_timeout"), 1);
    decoder.finish();
    assert_eq!(named(&decoder, "fragment_incomplete"), 1);
    assert_eq!(anomaly(&decoder, "fragments_waiting"), 0);
}

#[test]
fn a_flood_stays_within_the_ceilings() {
    let mut decoder = Decoder::default();
    let whole = data(1400);
    let mut sent = 0;
    for id in 0..5000_u16 {
        for (from, to) in [(0, 8), (16, 1392)] {
            sent += u64::from(matches!(decode_with(&mut decoder, 1, &piece(id, &whole, from, to), 0).0, Decoded::Held));
        }
        let (open, held) = decoder.fragments.held();
        assert!(open <= MAX_DATAGRAMS && held <= MAX_BYTES, "{open} {held}");
    }
    decoder.finish();
    let given_up: u64 = decoder.undecoded().map(|(_, count)| count).sum();
    assert_eq!((sent, given_up), (10_000, 10_000), "each frame is accounted for");
    assert!(named(&decoder, "fragment_table") > 0);
    let mut tiny = Decoder::default();
    for index in 0..1000_usize {
        decode_with(&mut tiny, 1, &ethernet(0x0800, &ipv4_with(17, 1, 0x2000 | (index * 2) as u16, &[0; 8])), 0);
    }
    tiny.finish();
    assert!(named(&tiny, "fragment_count") > 700);
    assert_eq!(tiny.undecoded().map(|(_, count)| count).sum::<u64>(), 1000);
}

#[test]
fn a_cut_fragment_goes_on_alone() {
    let whole = udp(1000, 2000, &data(1000));
    for (from, to, ports) in [(0, 800, 1000), (800, 1008, 0)] {
        let bytes = piece(9, &whole, from, to);
        let mut block = bytes[..60].to_vec();
        let decoded = Decoder::default().decode(&mut block, &frame(1, &bytes[..60], bytes.len(), 0));
        let Decoded::Packet(packet) = decoded else { panic!("{decoded:?}") };
        assert_eq!(packet.marks & (marks::CUT | marks::FRAGMENT), marks::CUT | marks::FRAGMENT);
        assert_eq!(packet.source_port, ports);
        assert_eq!(packet.payload_missing as usize, bytes.len() - 60);
    }
}
