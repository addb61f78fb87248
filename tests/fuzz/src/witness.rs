//! Any frames, datagrams and streams in front of those who read only what identifies.

use fieldtap_native::address::{Address, Moment, Net, Side};
use fieldtap_native::packet::{L2, Packet, Span, Transport};
use fieldtap_native::transaction::Value;
use fieldtap_native::witness::{FIRST_WITNESS, Note, Notebook, Piece, WITNESSES, Watch, Witnesses};

use crate::script::Script;

/// First bytes by which streams are recognised; what follows them is the script's.
const BEGINNINGS: [&[u8]; 11] = [
    b"",
    b"GET / HTTP/1.1\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"SSH-2.0-",
    b"\x05\x00\x0B\x03\x10\x00\x00\x00\xA0\x00\x40\x00\x01\x00\x00\x00NTLMSSP\x00\x03\x00\x00\x00",
    b"\x16\x03\x01\x01\x00\x01\x00\x00\xF0\x03\x03",
    b"\x16\x03\x03\x01\x00\x02\x00\x00\x40\x03\x03",
    b"\x00\x00\x00\x80\xFESMB\x40\x00",
    b"\x00\x00\x00\x80\xFFSMB\x73",
    b"\x03\x00\x00\x40\x3B\xE0\x00\x00\x00\x00\x00Cookie: mstshash=",
    b"\x6F\x00\x40\x00\x01\x00\x00\x00\x00\x00\x00\x00\x11\x11\x11\x11\x11\x11\x11\x11\x00\x00\x00\x00",
];

/// Checks what is said.
struct Checked;

impl Notebook for Checked {
    fn note(&mut self, note: &Note<'_>) {
        let witness = WITNESSES[usize::from(note.protocol - FIRST_WITNESS)];
        let listed = witness.says.iter().any(|says| says.attribute == note.attribute && says.field == note.field);
        assert!(listed, "{}: {} by {}", witness.name, note.attribute, note.field);
        assert!(!note.about.is_group() && note.about.bits != 0, "{}: nobody's {}", witness.name, note.attribute);
        if let Value::Text(text) | Value::Hex(text) = note.value {
            assert!((1..=512).contains(&text.len()), "{}: {} bytes of {}", witness.name, text.len(), note.attribute);
        }
    }
}

/// One piece after the other: a kind, its choice, its length, its bytes.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let (mut witnesses, mut watch, mut book) = (Witnesses::default(), Watch::default(), Checked);
    let (client, server) = (Address::v4([10, 0, 0, 1]), Address::v4([10, 0, 0, 2]));
    let mut begun = [false; 2];
    while script.more() {
        let (kind, choice, length) = (script.u8(), script.u8(), usize::from(script.u16() & 0x3FF));
        let bytes = script.bytes(length);
        let side = if kind & 4 == 0 { Side::A } else { Side::B };
        match kind & 3 {
            0 | 1 => {
                let beginning = if begun[side.index()] { b"" } else { BEGINNINGS[usize::from(choice) % BEGINNINGS.len()] };
                begun[side.index()] = true;
                let whole = [beginning, bytes].concat();
                let (source, destination) = if side == Side::A { (client, server) } else { (server, client) };
                let piece = Piece { side, source, destination, bytes: &whole };
                witnesses.stream(&mut watch, &piece, Moment::default(), &mut book).expect("no panic");
            }
            2 => witnesses.datagram(&packet(kind, choice, bytes), bytes, &mut book).expect("no panic"),
            _ => {
                let packet = packet(kind, choice, bytes);
                witnesses.frame(&packet, bytes, &mut book).expect("no panic");
                witnesses.icmp(&packet, bytes, &mut book).expect("no panic");
                witnesses.opening(&packet, bytes, &mut book).expect("no panic");
            }
        }
    }
    witnesses.close(&mut watch);
    assert!(witnesses.is_empty());
}

fn packet(kind: u8, choice: u8, bytes: &[u8]) -> Packet {
    let ears = WITNESSES.iter().filter_map(|witness| witness.datagrams.as_ref());
    let ports: Vec<u16> = ears.flat_map(|ear| ear.ports).copied().collect();
    let kinds: Vec<u16> = WITNESSES.iter().filter_map(|witness| Some(witness.frames.as_ref()?.kind)).collect();
    let port = ports[usize::from(choice) % ports.len()];
    let (source_port, destination_port) = if kind & 4 == 0 { (40_000, port) } else { (port, 40_000) };
    let whole = Span { start: 0, len: bytes.len() as u32 };
    let frame = kind & 3 == 3;
    Packet {
        network: whole,
        payload: whole,
        source: 0x0A00_0001,
        destination: 0x0A00_0002,
        source_port: if frame { u16::from(choice) << 8 } else { source_port },
        destination_port,
        protocol: if frame { kinds[usize::from(choice) % kinds.len()] } else { 0 },
        ttl: 255,
        net: if kind & 8 == 0 { Net::V4 } else { Net::V6 },
        transport: if frame { Transport::Ether } else { Transport::Udp },
        l2: L2 { source: [2, 0, 0, 0, 0, 1], destination: [2, 0, 0, 0, 0, 2], ..L2::default() },
        ..Packet::default()
    }
}
