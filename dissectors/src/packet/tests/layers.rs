use super::craft::*;
use crate::address::{Address, Net};
use crate::packet::{Cause, Decoded, Decoder, Frame, Packet, Span, Transport, TunnelKind, checksum, marks, redundancy};

#[test]
fn every_kind_of_frame_leads_to_its_payload() {
    for (name, link, bytes) in zoo() {
        let (packet, payload) = packet(link, &bytes);
        assert_eq!(payload, b"hello modbus", "{name}");
        assert_eq!(packet.payload_missing, 0, "{name}");
        assert_eq!(packet.marks, 0, "{name}");
    }
}

#[test]
fn the_fields_of_the_common_case() {
    let (packet, _) = packet(1, &plain());
    assert_eq!((packet.source_address(), packet.destination_address()), (Address::v4(A), Address::v4(B)));
    assert_eq!((packet.source_port, packet.destination_port, packet.transport), (51514, 502, Transport::Tcp));
    assert_eq!((packet.seq, packet.ack, packet.window, packet.flags), (1000, 2000, 256, 0x18));
    assert_eq!((packet.ip_id, packet.ttl, packet.protocol), (0x1234, 64, 6));
    assert_eq!((packet.l2.source, packet.l2.destination), (MAC_A, MAC_B));
    assert_eq!(packet.network, Span { start: 14, len: 56 });
    assert_eq!(packet.hash, crate::stream::FlowKey::of(&packet).0.hash());
}

#[test]
fn the_straight_line_and_the_long_way_agree() {
    for (name, link, bytes) in zoo() {
        for shorter in 0..4 {
            let mut block = bytes.clone();
            let captured = bytes.len() - shorter;
            let frame = Frame { span: Span { start: 0, len: captured as u32 }, ..frame(link, &bytes, captured, 7) };
            let (mut fast, mut slow) = (Packet::default(), Packet::default());
            let one = Decoder::default().decode_into(&mut block, &frame, &mut fast);
            let two = Decoder::default().slow(&mut block, &frame, &mut slow);
            assert_eq!(one, two, "{name}");
            if one == Ok(true) {
                assert_eq!(format!("{fast:?}"), format!("{slow:?}"), "{name}");
            }
        }
    }
}

#[test]
fn both_directions_have_one_hash_and_one_tunnel() {
    let swap = |payload: &[u8]| {
        let mut ip = ipv4(4, payload);
        ip[12..20].rotate_left(4);
        ethernet(0x0800, &ip)
    };
    let there = ethernet(0x0800, &ipv4(4, &ipv4(17, &udp(1, 2, b"x"))));
    let mut inner = ipv4(17, &udp(2, 1, b"x"));
    inner[12..20].rotate_left(4);
    let mut decoder = Decoder::default();
    let (Decoded::Packet(one), _) = decode_with(&mut decoder, 1, &there, 0) else { panic!("decodes") };
    let (Decoded::Packet(two), _) = decode_with(&mut decoder, 1, &swap(&inner), 0) else { panic!("decodes") };
    assert_eq!((one.hash, one.tunnel), (two.hash, two.tunnel));
    assert_eq!(decoder.tunnel(1).map(|info| info.kind), Some(TunnelKind::Ipv4In));
    assert_eq!(decoder.tunnel(0), None);
}

#[test]
fn tunnels_are_known_by_kind_key_and_what_is_around_them() {
    let expected = [
        ("gre", TunnelKind::Gre, 0),
        ("gre with key", TunnelKind::Gre, 9),
        ("nvgre", TunnelKind::Nvgre, 0x1001),
        ("erspan1", TunnelKind::Erspan1, 0),
        ("erspan2", TunnelKind::Erspan2, 33),
        ("erspan3", TunnelKind::Erspan3, 34),
        ("vxlan", TunnelKind::Vxlan, 77),
        ("geneve", TunnelKind::Geneve, 78),
        ("ip in ip", TunnelKind::Ipv4In, 0),
        ("6in4", TunnelKind::Ipv6In, 0),
    ];
    let mut decoder = Decoder::default();
    for (name, kind, key) in expected {
        let (_, link, bytes) = zoo().into_iter().find(|(known, ..)| *known == name).expect("in the zoo");
        let (Decoded::Packet(packet), _) = decode_with(&mut decoder, link, &bytes, 0) else { panic!("{name}") };
        let info = decoder.tunnel(packet.tunnel).expect("a tunnel");
        assert_eq!((info.kind, info.key, info.outer), (kind, key, 0), "{name}");
        assert_eq!((info.a, info.b), (Address::v4(B), Address::v4(A)), "{name}");
    }
}

#[test]
fn tags_and_redundancy() {
    let find = |name: &str| {
        zoo().into_iter().find(|(known, ..)| *known == name).map(|(_, link, bytes)| packet(link, &bytes).0)
    };
    let vlan = find("vlan").expect("decodes").l2.vlan;
    assert_eq!((vlan.count, vlan.ids), (1, [101, 0]));
    let qinq = find("qinq").expect("decodes").l2.vlan;
    assert_eq!((qinq.count, qinq.ids), (2, [7, 8]));
    assert_eq!(find("hsr").expect("decodes").redundancy, redundancy::HSR | 0x1234);
    let ip = ipv4(17, &udp(1, 2, b"x"));
    let size = 0xA000 | (ip.len() + 6) as u16;
    let trailer = |size: u16| ethernet(0x0800, &joined(&[&ip, &[0, 9], &size.to_be_bytes(), &[0x88, 0xFB]]));
    assert_eq!(packet(1, &trailer(size)).0.redundancy, redundancy::PRP | 9);
    assert_eq!(packet(1, &trailer(size + 1)).0.redundancy, 0, "the size must fit");
    let inside = ethernet(0x0800, &ipv4(17, &udp(1, 2, &[0, 9, 0xA0, 36 - 2, 0x88, 0xFB])));
    assert_eq!(packet(1, &inside).0.redundancy, 0, "data is no trailer");
    let goose = joined(&[&[1, 2, 3, 4, 0, 9, 0xB0, 10, 0x88, 0xFB]]);
    let (packet, payload) = packet(1, &ethernet(0x88B8, &goose));
    assert_eq!((packet.redundancy, payload), (redundancy::PRP | 9, vec![1, 2, 3, 4]));
}

#[test]
fn padding_is_no_payload() {
    let mut padded = ethernet(0x0800, &ipv4(6, &tcp(b"")));
    padded.extend_from_slice(&[0xEE; 8]);
    assert_eq!(packet(1, &padded).1, b"");
    let llc = joined(&[&[0x42, 0x42, 3, 9, 9], &[0xEE; 20]]);
    let (stp, payload) = packet(1, &ethernet(5, &llc));
    assert_eq!((stp.transport, stp.protocol, payload.len()), (Transport::Ether, 0x4242, 5));
    assert_eq!((stp.net, stp.source_address()), (Net::Mac, Address::mac(MAC_A)));
}

#[test]
fn contradictions_have_names() {
    let with = |at: usize, value: &[u8]| {
        let mut bytes = plain();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    assert_eq!(cause(1, &with(14, &[0x55])), Cause::IpVersion);
    assert_eq!(cause(1, &with(14, &[0x44])), Cause::IpHeaderShort);
    assert_eq!(cause(1, &with(16, &[0, 19])), Cause::IpLength);
    assert_eq!(cause(1, &with(16, &[0xFF, 0xFF])), Cause::IpLength);
    assert_eq!(cause(1, &with(46, &[0x40])), Cause::TcpHeader);
    assert_eq!(cause(1, &with(46, &[0xF0])), Cause::TcpHeader);
    let udp = |length: u16| {
        let mut bytes = ethernet(0x0800, &ipv4(17, &udp(1, 2, b"abc")));
        bytes[38..40].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    assert_eq!((cause(1, &udp(7)), cause(1, &udp(12))), (Cause::UdpLength, Cause::UdpLength));
    assert_eq!(packet(1, &udp(10)).1, b"ab");
    assert_eq!(cause(1, &ethernet(100, &[0x42; 50])), Cause::LlcLength);
    assert_eq!(cause(147, &plain()).name(), "linktype_user0");
    assert_eq!(cause(999, &plain()).name(), "linktype_999");
    assert_eq!(cause(1, &ethernet(0x8100, &[0x81, 0].repeat(40))), Cause::LinkTags);
    assert_eq!(cause(1, &ethernet(0x8847, &[0; 80])), Cause::MplsLabels);
    let chain = [&[60, 0, 0, 0, 0, 0, 0, 0][..]; 9].concat();
    assert_eq!(cause(1, &ethernet(0x86DD, &ipv6(60, &chain))), Cause::Ipv6Extensions);
}

#[test]
fn causes_are_counted() {
    let mut decoder = Decoder::default();
    decode_with(&mut decoder, 147, &plain(), 0);
    decode_with(&mut decoder, 147, &plain(), 0);
    decode_with(&mut decoder, 1, &[0; 13], 0);
    let counts: Vec<_> = decoder.undecoded().map(|(name, count)| (name.into_owned(), count)).collect();
    assert_eq!(counts, [("link_short".to_owned(), 1), ("linktype_user0".to_owned(), 2)]);
}

#[test]
fn nesting_ends() {
    let mut ip = ipv4(17, &udp(1, 2, b"x"));
    for _ in 0..8 {
        ip = ipv4(4, &ip);
    }
    assert_eq!(packet(101, &ip).1, b"x");
    assert_eq!(cause(101, &ipv4(4, &ip)), Cause::TunnelDepth);
}

#[test]
fn what_only_looks_like_vxlan_stays_udp() {
    for data in [&b"\x00\0\0\0\0\0\x07\0abcdefghijklmn"[..], b"\x08\0\0\0\0\0\x07\0short", b"\x08"] {
        let (packet, payload) = packet(1, &ethernet(0x0800, &ipv4(17, &udp(1, 4789, data))));
        assert_eq!((packet.tunnel, packet.destination_port, payload), (0, 4789, data.to_vec()));
    }
}

#[test]
fn tunnels_beyond_the_ceiling_share_one_number() {
    let mut decoder = Decoder::default();
    for network in 0..5000_u32 {
        let [_, a, b, c] = network.to_be_bytes();
        let bytes = ethernet(0x0800, &ipv4(17, &udp(1, 4789, &joined(&[&[8, 0, 0, 0, a, b, c, 0], &plain()]))));
        let (Decoded::Packet(packet), _) = decode_with(&mut decoder, 1, &bytes, 0) else { panic!("decodes") };
        assert_eq!(packet.tunnel, (network + 1).min(4097));
    }
    assert_eq!(decoder.tunnel(4097).map(|info| info.kind), Some(TunnelKind::Overflow));
    assert_eq!(decoder.anomalies().collect::<Vec<_>>(), [("tunnels_full", 904)]);
}

#[test]
fn checksums() {
    let bytes = plain();
    let (packet, _) = packet(1, &bytes);
    assert_eq!(checksum::ip_header_ok(&packet, &bytes), Some(true));
    assert_eq!(checksum::transport_ok(&packet, &bytes), Some(true));
    for at in 14..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x10;
        let (one, two) = (checksum::ip_header_ok(&packet, &wrong), checksum::transport_ok(&packet, &wrong));
        assert!(one == Some(false) || two != Some(true), "byte {at}");
    }
    let cut = Packet { marks: marks::CUT, ..packet };
    assert_eq!(checksum::transport_ok(&cut, &bytes), None);
    let (none, block) = (ethernet(0x0800, &ipv4(17, &udp(1, 2, b"x"))), 0);
    let (udp, _) = super::craft::packet(1, &none);
    assert_eq!((checksum::transport_ok(&udp, &none), block), (None, 0), "no checksum");
}

#[test]
fn a_checksum_left_to_the_network_card_says_nothing() {
    let mut bytes = plain();
    let (packet, _) = packet(1, &bytes);
    let transport = 14 + 20;
    let length = u16::try_from(bytes.len() - transport).unwrap().to_be_bytes();
    let pseudo = !sum(&[&bytes[26..34], &[0, 6], &length]);
    bytes[transport + 16..transport + 18].copy_from_slice(&pseudo.to_be_bytes());
    assert_eq!(checksum::transport_ok(&packet, &bytes), None);
    bytes[transport + 16] ^= 1;
    assert_eq!(checksum::transport_ok(&packet, &bytes), Some(false));
}

#[test]
fn checksum_of_icmpv6_behind_extension_headers() {
    let mut message = vec![135, 0, 0, 0, 1, 2, 3];
    let check = sum(&[&v6(1), &v6(2), &[0, 0, 0, 7, 0, 0, 0, 58], &message]);
    message[2..4].copy_from_slice(&check.to_be_bytes());
    let bytes = ethernet(0x86DD, &ipv6(60, &joined(&[&[58, 0, 1, 4, 0, 0, 0, 0], &message])));
    let (packet, _) = packet(1, &bytes);
    assert_eq!((packet.transport, packet.source_port, packet.protocol), (Transport::Icmp, 135 << 8, 58));
    assert_eq!(checksum::transport_ok(&packet, &bytes), Some(true));
}
