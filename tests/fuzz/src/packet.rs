//! Any frames of any link type.

use fieldtap_native::address::Moment;
use fieldtap_native::packet::{Block, Decoder, Duplicates, Frame, Packet, Span, checksum};

use crate::script::Script;

const LINKS: [u16; 16] = [1, 1, 1, 1, 0, 108, 9, 50, 51, 104, 12, 101, 113, 276, 274, 228];

/// Decodes one frame after the other: link, pause, length, what the capture cut, bytes.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let (mut decoder, mut duplicates) = (Decoder::default(), Duplicates::default());
    let mut at = Moment { time: 1_700_000_000_000_000_000, packet: 0, capture: 1 };
    let mut block = Block::default();
    while script.more() {
        let kind = script.u8();
        at.time += script.pause();
        at.packet += 1;
        let length = usize::from(script.u16() & 0x7FF);
        let bytes = script.bytes(length);
        block.bytes.clear();
        block.bytes.extend_from_slice(bytes);
        let len = bytes.len() as u32;
        let cut = if kind & 0x10 == 0 { 0 } else { u32::from(kind) };
        let link = LINKS[usize::from(kind & 15)];
        let frame =
            Frame { at, span: Span { start: 0, len }, wire_len: len + cut, link, interface: u16::from(kind >> 5) };
        let mut packet = Packet::default();
        if let Ok(true) = decoder.decode_into(&mut block.bytes, &frame, &mut packet) {
            duplicates.check(&mut packet, &block.bytes);
            let _ = checksum::transport_ok(&packet, &block.bytes);
            let _ = checksum::ip_header_ok(&packet, &block.bytes);
            for span in [packet.frame, packet.network, packet.payload] {
                assert!(span.end() as usize <= block.bytes.len(), "{packet:?}");
            }
        }
    }
    decoder.finish();
}
