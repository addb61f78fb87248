use super::craft::*;
use crate::packet::{Cause, Decoded, Decoder, Duplicates, Packet, checksum, marks};

/// xorshift64*: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

#[test]
fn a_frame_that_ends_anywhere() {
    for (name, link, bytes) in zoo() {
        let full = packet(link, &bytes).0;
        let end = (full.network.start + full.network.len) as usize;
        for cut in 0..end {
            let decoded = decode_with(&mut Decoder::default(), link, &bytes[..cut], 0).0;
            match decoded {
                Decoded::Undecoded(cause) => assert_ne!(cause, Cause::Cut, "{name} {cut}: the capture did not cut it"),
                // Tunnels over UDP fall back; without lengths the shorter frame is simply another one.
                Decoded::Packet(shorter) => assert!(shorter.payload != full.payload, "{name} {cut}"),
                Decoded::Held => panic!("{name} {cut}: no fragment"),
            }
        }
    }
}

#[test]
fn a_capture_that_cuts_anywhere_keeps_what_it_has() {
    for (name, link, bytes) in zoo() {
        let (full, _) = packet(link, &bytes);
        let end = (full.network.start + full.network.len) as usize;
        for cut in 0..end {
            let mut block = bytes[..cut].to_vec();
            match Decoder::default().decode(&mut block, &frame(link, &bytes[..cut], bytes.len(), 0)) {
                Decoded::Undecoded(cause) => assert_eq!(cause, Cause::Cut, "{name} {cut}"),
                Decoded::Packet(packet) => {
                    assert_eq!(packet.marks & marks::CUT, marks::CUT, "{name} {cut}");
                    assert!(packet.payload.of(&block).len() == packet.payload.len as usize);
                    if packet.tunnel == full.tunnel
                        && full.payload.start as usize <= cut
                        && packet.payload.start == full.payload.start
                    {
                        assert_eq!(
                            packet.payload.len + packet.payload_missing,
                            full.payload.len + if link == 1 || full.payload.len == 12 { 0 } else { 4 },
                            "{name} {cut}"
                        );
                    }
                }
                Decoded::Held => panic!("{name} {cut}"),
            }
        }
    }
}

/// Everything that is done with a packet is done, on whatever comes.
fn through(decoder: &mut Decoder, duplicates: &mut Duplicates, link: u16, bytes: &[u8], wire_len: usize, time: u64) {
    let mut block = bytes.to_vec();
    if let Decoded::Packet(mut packet) = decoder.decode(&mut block, &frame(link, bytes, wire_len, time)) {
        duplicates.check(&mut packet, &block);
        let _ = checksum::transport_ok(&packet, &block);
        let _ = checksum::ip_header_ok(&packet, &block);
        let inside = |span: crate::packet::Span| span.end() as usize <= block.len();
        assert!(inside(packet.network) && inside(packet.payload) && inside(packet.frame), "{packet:?}");
        assert!(packet.payload.end() <= packet.network.end(), "{packet:?}");
    }
}

#[test]
fn random_and_damaged_frames_never_panic() {
    const LINKS: [u16; 16] = [0, 1, 1, 1, 1, 9, 50, 51, 101, 104, 108, 113, 228, 274, 276, 65535];
    let (mut decoder, mut duplicates) = (Decoder::default(), Duplicates::default());
    let mut random = Random(0x5EED);
    let zoo = zoo();
    for round in 0..1_000_000_u64 {
        let dice = random.next();
        let (mut link, mut bytes) = if dice & 1 == 0 {
            let (_, link, bytes) = &zoo[(dice >> 8) as usize % zoo.len()];
            (*link, bytes.clone())
        } else {
            let len = (dice >> 16) as usize % 128;
            (LINKS[(dice >> 8) as usize % LINKS.len()], (0..len).map(|_| random.next() as u8).collect())
        };
        for _ in 0..(dice >> 40) % 4 {
            let dice = random.next();
            if let Some(byte) = bytes.get_mut((dice >> 8) as usize % 128) {
                *byte = dice as u8;
            }
        }
        if (dice >> 48) & 15 == 0 {
            link = LINKS[(dice >> 56) as usize % LINKS.len()];
        }
        let wire_len = bytes.len() + if (dice >> 52) & 7 == 0 { (dice >> 60) as usize * 9 } else { 0 };
        through(&mut decoder, &mut duplicates, link, &bytes, wire_len, round * 1000);
    }
    let mut packet = Packet::default();
    assert_eq!(decoder.decode_into(&mut plain(), &frame(1, &plain(), plain().len(), 0), &mut packet), Ok(true));
}
