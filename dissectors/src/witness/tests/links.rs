//! Frames and datagrams.

use super::{bytes, datagram, frame};

fn unit(kind: u8, content: &[u8]) -> Vec<u8> {
    [&(u16::from(kind) << 9 | content.len() as u16).to_be_bytes()[..], content].concat()
}

fn lldp() -> Vec<u8> {
    [
        unit(1, &[4, 2, 0, 0, 0, 0, 9]),
        unit(2, b"\x07port-001"),
        unit(3, &[0, 20]),
        unit(5, b"sw-1"),
        unit(6, b"Switch, FW: 2"),
        unit(7, &[0, 0x14, 0, 0x10]),
        unit(8, &[5, 1, 10, 0, 0, 9, 2, 0, 0, 0, 1, 0]),
        unit(127, b"\x00\x12\xBB\x08SN-7"),
        unit(0, &[]),
    ]
    .concat()
}

#[test]
fn lldp_speaks_of_the_mac_and_of_the_management_address() {
    let said = frame(0x88CC, &lldp());
    for line in [
        "lldp 02:00:00:00:00:01 chassis_id=02:00:00:00:00:09",
        "lldp 02:00:00:00:00:01 port_id=port-001",
        "lldp 02:00:00:00:00:01 management_address=10.0.0.9",
        "lldp 10.0.0.9 mac=02:00:00:00:00:01",
        "lldp 10.0.0.9 hostname=sw-1",
        "lldp 02:00:00:00:00:01 hostname=sw-1",
        "lldp 10.0.0.9 capabilities=router",
        "lldp 10.0.0.9 serial=SN-7",
    ] {
        assert!(said.contains(&line.to_owned()), "{line} in {said:#?}");
    }
    let cut = frame(0x88CC, &lldp()[..30]);
    assert!(cut.iter().any(|line| line.ends_with("port_id=port-001")), "what is there is told: {cut:?}");
}

#[test]
fn dcp_tells_of_the_sender_and_sets_the_receiver() {
    let answer = bytes(
        "FEFF 05 01 00000001 0000 003B \
         0202 0007 0000 706C632D31 00 0203 0006 0000 002A 010D 0204 0004 0000 0200 \
         0102 000E 0001 C0A80001 FFFFFF00 C0A80001 0201 0007 0000 53372D3132",
    );
    let said = frame(0x8892, &answer);
    for line in [
        "profinet_dcp 02:00:00:00:00:01 station_name=plc-1",
        "profinet_dcp 192.168.0.1 station_name=plc-1",
        "profinet_dcp 192.168.0.1 vendor_id=42",
        "profinet_dcp 192.168.0.1 device_id=269",
        "profinet_dcp 192.168.0.1 role=io_controller",
        "profinet_dcp 192.168.0.1 mac=02:00:00:00:00:01",
        "profinet_dcp 02:00:00:00:00:01 ip=192.168.0.1",
        "profinet_dcp 02:00:00:00:00:01 netmask=255.255.255.0",
        "profinet_dcp 02:00:00:00:00:01 product=S7-12",
    ] {
        assert!(said.contains(&line.to_owned()), "{line} in {said:#?}");
    }
    assert!(!said.iter().any(|line| line.contains("gateway")), "a gateway that is the device itself is none");
    let set = frame(0x8892, &bytes("FEFD 04 00 00000001 0000 000B 0202 0007 0001 6D616C6C79"));
    assert_eq!(set, ["profinet_dcp 02:00:00:00:00:02 station_name=mally"]);
    assert!(frame(0x8892, &bytes("8000 05 01 00000001 0000 000B 0202 0007 0001 6D616C6C79")).is_empty(), "cyclic data");
}

fn dhcp(operation: u8, own: u8, yours: u8, options: &str) -> Vec<u8> {
    let mut message = vec![operation, 1, 6, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    message.extend([own.min(1) * 10, 0, 0, own, yours.min(1) * 10, 0, 0, yours]);
    message.extend([0; 8]);
    message.extend([2, 0, 0, 0, 0, 7]);
    message.resize(236, 0);
    message.extend(bytes("63825363"));
    message.extend(bytes(options));
    message
}

pub fn dhcp_sample() -> Vec<u8> {
    dhcp(2, 0, 7, "350105 3604 0A000001 0C05 686D692D31 5108 04000003 61626300 0304 0A000001 0F05 706C616E74 FF")
}

pub fn dns_sample() -> Vec<u8> {
    bytes(
        "0001 8180 0001 0002 0000 0000 0561 6C706861 00 0001 0001 C00C 0001 0001 0000003C 0004 0A000009 C00C 0010 0001 00000001 0003 02613D",
    )
}

#[test]
fn dhcp_speaks_of_the_client_by_mac_until_it_has_an_address() {
    let asked =
        dhcp(1, 0, 0, "350103 0C05 686D692D31 3708 0103060F1F212B2C 3C08 4D53465420352E30 3D07 01020000000007 FF");
    assert_eq!(
        datagram("dhcp", [68, 67], &asked),
        [
            "dhcp 02:00:00:00:00:07 dhcp_client_id=01020000000007",
            "dhcp 02:00:00:00:00:07 dhcp_fingerprint=1,3,6,15,31,33,43,44",
            "dhcp 02:00:00:00:00:07 dhcp_vendor_class=MSFT 5.0",
            "dhcp 02:00:00:00:00:07 hostname=hmi-1",
        ]
    );
    let given = dhcp(2, 0, 7, "350105 3604 0A000001 0304 0A000001 0F05 706C616E74 FF");
    assert_eq!(
        datagram("dhcp", [67, 68], &given),
        [
            "dhcp 10.0.0.1 dhcp_server=true",
            "dhcp 10.0.0.1 router=true",
            "dhcp 10.0.0.7 dns_domain=plant",
            "dhcp 10.0.0.7 mac=02:00:00:00:00:07",
        ]
    );
}

#[test]
fn dns_names_the_answered_and_survives_pointers_to_themselves() {
    let answer = "0001 8180 0001 0001 0000 0000 0561 6C706861 00 0001 0001";
    let said = datagram("dns", [53, 40_000], &bytes(&format!("{answer} C00C 0001 0001 0000003C 0004 0A000009")));
    assert_eq!(said, ["dns 10.0.0.2 dns_server=true", "dns 10.0.0.9 dns_name=alpha"]);
    let reverse = bytes(
        "0001 8180 0000 0001 0000 0000 0139 0130 0130 0231 30 07696E2D61646472 0461727061 00 000C 0001 0000003C 0007 0561 6C706861 00",
    );
    assert_eq!(datagram("dns", [53, 40_000], &reverse)[1], "dns 10.0.0.9 dns_name=alpha");
    let looped = datagram("dns", [53, 40_000], &bytes(&format!("{answer} C016 0001 0001 0000003C 0004 0A000009")));
    assert_eq!(looped, ["dns 10.0.0.2 dns_server=true"], "a name without end is none");
    assert!(datagram("dns", [40_000, 53], &bytes(answer)).is_empty());
}

#[test]
fn mdns_names_hosts_and_what_they_offer() {
    let said = datagram(
        "mdns",
        [5353, 5353],
        &bytes(
            "0000 8400 0000 0002 0000 0000 0370 7231 056C6F63616C 00 0001 8001 00000078 0004 0A000009 \
             0370 7231 045F697070 045F746370 056C6F63616C 00 0010 8001 00001194 0009 0874793D4C61736572",
        ),
    );
    assert_eq!(said, ["mdns 10.0.0.2 model=Laser", "mdns 10.0.0.9 hostname=pr1"]);
}

#[test]
fn netbios_registers_names() {
    let encoded: String = "ENG-PC          "
        .bytes()
        .take(15)
        .chain([0])
        .map(|b| format!("{:02X}{:02X}", 0x41 + (b >> 4), 0x41 + (b & 15)))
        .collect();
    let asked =
        format!("0001 2910 0001 0000 0000 0001 20 {encoded} 00 0020 0001 C00C 0020 0001 000493E0 0006 0000 0A000009");
    assert_eq!(
        datagram("netbios", [137, 137], &bytes(&asked)),
        ["netbios 10.0.0.9 hostname=ENG-PC", "netbios 10.0.0.9 netbios_name=ENG-PC<00>"]
    );
}

#[test]
fn snmp_keeps_no_community() {
    let answer = bytes(
        "3039 020101 0406 736563726574 A22C 020101 020100 020100 3021 \
         300F 0608 2B06010201010500 0403 737731 300E 0608 2B06010201010200 0602 2B06",
    );
    let said = datagram("snmp", [161, 40_000], &answer);
    assert_eq!(
        said,
        ["snmp 10.0.0.2 hostname=sw1", "snmp 10.0.0.2 snmp_object_id=1.3.6", "snmp 10.0.0.2 snmp_version=2c"]
    );
    for length in 0..answer.len() {
        let cut = datagram("snmp", [161, 40_000], &answer[..length]);
        assert!(!cut.iter().any(|line| line.contains("secret")));
    }
}

#[test]
fn ntp_tells_server_and_reference() {
    let mut packet = bytes("2402 0600 00000000 00000000 0A000005");
    packet.resize(48, 0);
    assert_eq!(
        datagram("ntp", [123, 40_000], &packet),
        ["ntp 10.0.0.2 ntp_reference=10.0.0.5", "ntp 10.0.0.2 ntp_server=true", "ntp 10.0.0.2 ntp_stratum=2"]
    );
}

pub fn list_identity() -> Vec<u8> {
    bytes(
        "6300 2D00 00000000 00000000 0000000000000000 00000000 0100 0C00 2700 \
         0100 0002 AF12 0A000002 0000000000000000 0100 0E00 3700 140B 3060 EEFFC000 06 4C4F47495835 03",
    )
}

#[test]
fn enip_lists_its_identity() {
    assert_eq!(
        datagram("enip", [44_818, 40_000], &list_identity()),
        [
            "enip 10.0.0.2 device_type=14",
            "enip 10.0.0.2 firmware=20.11",
            "enip 10.0.0.2 product=LOGIX5",
            "enip 10.0.0.2 product_code=55",
            "enip 10.0.0.2 serial=00c0ffee",
            "enip 10.0.0.2 vendor_id=1",
        ]
    );
}

#[test]
fn bacnet_devices_behind_a_router_are_units() {
    let own = bytes("810B 0014 01 00 10 00 C4 02000007 22 05C4 91 00 21 18");
    assert_eq!(
        datagram("bacnet", [47_808, 47_808], &own),
        ["bacnet 10.0.0.2 device_instance=7", "bacnet 10.0.0.2 vendor_id=24"]
    );
    let routed = bytes("810B 0018 01 08 0005 01 09 10 00 C4 02000007 22 05C4 91 00 21 18");
    assert_eq!(
        datagram("bacnet", [47_808, 47_808], &routed),
        ["bacnet 10.0.0.2/7 device_instance=7", "bacnet 10.0.0.2/7 vendor_id=24"]
    );
    let read =
        bytes("810A 0000 01 00 30 01 0E 0C 02000007 1E 29 46 4E 75 05 00 424D5458 4F 29 4D 5E 91 02 91 20 5F 1F");
    assert_eq!(datagram("bacnet", [47_808, 47_808], &read), ["bacnet 10.0.0.2 model=BMTX"]);
}
