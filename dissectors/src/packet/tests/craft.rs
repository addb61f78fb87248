//! Frames for tests, built from the inside out.

use crate::address::Moment;
use crate::packet::{Cause, Decoded, Decoder, Frame, Packet, Span};

pub const MAC_A: [u8; 6] = [0x00, 0x1b, 0x1b, 0x0a, 0x11, 0x22];
pub const MAC_B: [u8; 6] = [0x00, 0x80, 0xf4, 0x0b, 0x33, 0x44];
pub const A: [u8; 4] = [10, 20, 1, 20];
pub const B: [u8; 4] = [10, 20, 1, 7];

pub fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    joined(&[&MAC_B, &MAC_A, &kind.to_be_bytes(), payload])
}

pub fn sum(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

/// IPv4 from A to B with identification and flags/offset.
pub fn ipv4_with(protocol: u8, id: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut header = joined(&[
        &[0x45, 0],
        &total.to_be_bytes(),
        &id.to_be_bytes(),
        &fragment.to_be_bytes(),
        &[64, protocol, 0, 0],
        &A,
        &B,
    ]);
    let check = sum(&[&header]);
    header[10..12].copy_from_slice(&check.to_be_bytes());
    joined(&[&header, payload])
}

pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with(protocol, 0x1234, 0x4000, payload)
}

pub fn v6(last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    address[0] = 0x20;
    address[1] = 0x01;
    address[15] = last;
    address
}

pub fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    joined(&[&[0x60, 0, 0, 0], &(payload.len() as u16).to_be_bytes(), &[next, 64], &v6(1), &v6(2), payload])
}

/// TCP 51514 to 502 with a right checksum over IPv4.
pub fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut segment = joined(&[
        &51514_u16.to_be_bytes(),
        &502_u16.to_be_bytes(),
        &1000_u32.to_be_bytes(),
        &2000_u32.to_be_bytes(),
        &[0x60, 0x18, 0x01, 0x00, 0, 0, 0, 0],
        &[2, 4, 5, 0xb4],
        payload,
    ]);
    let check = sum(&[&A, &B, &[0, 6], &(segment.len() as u16).to_be_bytes(), &segment]);
    segment[16..18].copy_from_slice(&check.to_be_bytes());
    segment
}

/// UDP without checksum.
pub fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    joined(&[&from.to_be_bytes(), &to.to_be_bytes(), &((8 + payload.len()) as u16).to_be_bytes(), &[0, 0], payload])
}

/// The plain frame of most tests: Ethernet, IPv4, TCP, twelve bytes.
pub fn plain() -> Vec<u8> {
    ethernet(0x0800, &ipv4(6, &tcp(b"hello modbus")))
}

pub fn frame(link: u16, bytes: &[u8], wire_len: usize, time: u64) -> Frame {
    Frame {
        at: Moment { time, packet: 1, capture: 1 },
        span: Span { start: 0, len: bytes.len() as u32 },
        wire_len: wire_len as u32,
        link,
        interface: 0,
    }
}

/// Decodes one whole frame; gives the block's bytes beside it.
pub fn decode_with(decoder: &mut Decoder, link: u16, bytes: &[u8], time: u64) -> (Decoded, Vec<u8>) {
    let mut block = bytes.to_vec();
    let decoded = decoder.decode(&mut block, &frame(link, bytes, bytes.len(), time));
    (decoded, block)
}

/// The packet of a whole frame and its payload.
pub fn packet(link: u16, bytes: &[u8]) -> (Packet, Vec<u8>) {
    match decode_with(&mut Decoder::default(), link, bytes, 0) {
        (Decoded::Packet(packet), block) => (packet, packet.payload.of(&block).to_vec()),
        (other, _) => panic!("no packet: {other:?}"),
    }
}

pub fn cause(link: u16, bytes: &[u8]) -> Cause {
    match decode_with(&mut Decoder::default(), link, bytes, 0) {
        (Decoded::Undecoded(cause), _) => cause,
        (other, _) => panic!("decoded: {other:?}"),
    }
}

/// Every kind of frame that the layer tests know, with its link type.
pub fn zoo() -> Vec<(&'static str, u16, Vec<u8>)> {
    let inner = plain();
    let ip = ipv4(6, &tcp(b"hello modbus"));
    let six = ipv6(17, &udp(40000, 4840, b"hello modbus"));
    let gre = |flags: &[u8], kind: u16, rest: &[u8]| joined(&[&[flags[0], 0], &kind.to_be_bytes(), &flags[1..], rest]);
    let carried = |protocol: u8, payload: &[u8]| ethernet(0x0800, &ipv4(protocol, payload));
    vec![
        ("plain", 1, inner.clone()),
        ("vlan", 1, ethernet(0x8100, &joined(&[&[0x20, 101, 8, 0], &ip]))),
        ("qinq", 1, ethernet(0x88A8, &joined(&[&[0, 7, 0x81, 0, 0, 8, 0x91, 0, 0, 9, 8, 0], &ip]))),
        ("hsr", 1, ethernet(0x892F, &joined(&[&[0, 60, 0x12, 0x34, 8, 0], &ip]))),
        ("mpls", 1, ethernet(0x8847, &joined(&[&[0, 1, 0, 64, 0, 2, 1, 64], &ip]))),
        ("pseudowire", 1, ethernet(0x8847, &joined(&[&[0, 2, 1, 64, 0, 0, 0, 0], &inner]))),
        ("pppoe", 1, ethernet(0x8864, &joined(&[&[0x11, 0, 0, 5, 0, ip.len() as u8 + 2, 0, 0x21], &ip]))),
        ("snap", 1, ethernet(ip.len() as u16 + 8, &joined(&[&[0xAA, 0xAA, 3, 0, 0, 0, 8, 0], &ip]))),
        ("udp", 1, carried(17, &udp(47808, 47808, b"hello modbus"))),
        ("ipv6", 1, ethernet(0x86DD, &six)),
        (
            "extensions",
            1,
            ethernet(
                0x86DD,
                &ipv6(
                    0,
                    &joined(&[&[60, 0, 1, 4, 0, 0, 0, 0], &[17, 1], &[0; 14], &udp(40000, 4840, b"hello modbus")]),
                ),
            ),
        ),
        ("icmp", 1, carried(1, b"\x08\x00\0\0hello modbus")),
        ("ospf", 1, carried(89, b"hello modbus")),
        ("goose", 1, ethernet(0x88B8, b"hello modbus")),
        ("gre", 1, carried(47, &gre(&[0], 0x0800, &ip))),
        ("gre with key", 1, carried(47, &gre(&[0xB0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], 0x0800, &ip))),
        ("nvgre", 1, carried(47, &gre(&[0x20, 0, 0x10, 1, 7], 0x6558, &inner))),
        ("erspan1", 1, carried(47, &gre(&[0], 0x88BE, &inner))),
        (
            "erspan2",
            1,
            carried(47, &gre(&[0x10, 0, 0, 0, 1], 0x88BE, &joined(&[&[0x10, 1, 0, 33, 0, 0, 0, 0], &inner]))),
        ),
        (
            "erspan3",
            1,
            carried(
                47,
                &gre(
                    &[0x10, 0, 0, 0, 1],
                    0x22EB,
                    &joined(&[&[0x20, 1, 0, 34, 0, 0, 0, 0, 0, 0, 0, 1], &[0; 8], &inner]),
                ),
            ),
        ),
        ("vxlan", 1, carried(17, &udp(50000, 4789, &joined(&[&[8, 0, 0, 0, 0, 0, 77, 0], &inner])))),
        ("vxlan gpe", 1, carried(17, &udp(50000, 4790, &joined(&[&[12, 0, 0, 3, 0, 0, 77, 0], &inner])))),
        ("geneve", 1, carried(17, &udp(50000, 6081, &joined(&[&[1, 0, 0x65, 0x58, 0, 0, 78, 0, 1, 2, 3, 0], &inner])))),
        ("ip in ip", 1, carried(4, &ip)),
        ("6in4", 1, carried(41, &six)),
        ("loopback", 0, joined(&[&[2, 0, 0, 0], &ip])),
        ("loopback of macOS", 0, joined(&[&[30, 0, 0, 0], &six])),
        ("openbsd loopback", 108, joined(&[&[0, 0, 0, 2], &ip])),
        ("ppp", 9, joined(&[&[0x21], &ip])),
        ("ppp in hdlc", 50, joined(&[&[0xFF, 3, 0, 0x57], &six])),
        ("cisco hdlc", 104, joined(&[&[0x0F, 0, 8, 0], &ip])),
        ("raw", 101, ip.clone()),
        ("raw of BSD", 12, six.clone()),
        ("raw ipv4", 228, ip.clone()),
        ("raw ipv6", 229, six),
        ("cooked", 113, joined(&[&[0, 0, 0, 1, 0, 6], &MAC_A, &[0, 0, 8, 0], &ip])),
        ("cooked 2", 276, joined(&[&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6], &MAC_A, &[0, 0], &ip])),
        ("mpacket", 274, joined(&[&[0x55; 7], &[0xD5], &inner, &[1, 2, 3, 4]])),
    ]
}
