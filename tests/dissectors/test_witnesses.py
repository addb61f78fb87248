"""What identifies a device in flows that no dissector claims, and what it leaves as it is."""

from __future__ import annotations

from pathlib import Path

from dissectors import Engine, Observation, Transaction, witnesses
from tests.dissectors.crafted import Sent, tcp, udp

HELLO = b"SSH-2.0-OpenSSH_7.4\r\n"
SYSTEM_NAME = bytes.fromhex("3029 0201 01 0406 736563726574 a21c 0201 01 0201 00 0201 00 3011 300f 0608 2b06010201010500 0403 737731")


def heard(path: Path, **options: object) -> tuple[list[Observation], list[Transaction]]:
    """Observations of witnesses, and transactions."""
    facts = [fact for batch in Engine(follow=True, threads=1, digest=False, **options).replay(path) for fact in batch]  # type: ignore[arg-type]
    seen = [fact for fact in facts if isinstance(fact, Observation) and fact.protocol in witnesses()]
    return seen, [fact for fact in facts if isinstance(fact, Transaction)]


def said(path: Path, **options: object) -> list[tuple[str, str, object, int]]:
    return [(one.address, one.attribute, one.value, one.moment.packet) for one in heard(path, **options)[0]]


def test_a_banner_is_told_and_the_flow_stays_what_it_was(tmp_path: Path) -> None:
    sent = [
        Sent(payload=HELLO, up=False, time=1, ports=(40_000, 22)),
        Sent(payload=b"SSH-2.0-PuTTY\r\n", up=True, time=2, ports=(40_000, 22)),
    ]
    path = tcp(tmp_path / "ssh.pcap", sent)
    seen, transactions = heard(path)
    assert [(one.address, one.protocol, one.attribute, one.value, one.field) for one in seen] == [
        ("10.0.0.2", "ssh", "ssh_banner", "SSH-2.0-OpenSSH_7.4", "ssh.identification"),
        ("10.0.0.1", "ssh", "ssh_banner", "SSH-2.0-PuTTY", "ssh.identification"),
    ]
    assert [one.moment.packet for one in seen] == [4, 5]
    assert [(one.protocol, one.function.name, one.access) for one in transactions] == [("ssh", "connect", "session")]
    engine = Engine(threads=1)
    for _ in engine.replay(path):
        pass
    assert engine.result()["ledger"]["undecoded_bytes"] == len(HELLO) + len(b"SSH-2.0-PuTTY\r\n"), "nothing of it is decoded"


def test_it_is_told_in_whatever_pieces_it_comes(tmp_path: Path) -> None:
    pieces = [Sent(payload=HELLO[place : place + 1], up=False, time=1 + place, ports=(40_000, 2_222)) for place in range(len(HELLO))]
    assert said(tcp(tmp_path / "bytes.pcap", pieces)) == [("10.0.0.2", "ssh_banner", "SSH-2.0-OpenSSH_7.4", 3 + len(HELLO))]


def test_what_follows_lost_bytes_is_not_joined(tmp_path: Path) -> None:
    pieces = [
        Sent(payload=part, up=False, time=1 + place, ports=(40_000, 22)) for place, part in enumerate((b"SSH-2.0-", b"secret", b"x\r\n"))
    ]
    assert said(tcp(tmp_path / "lost.pcap", pieces, lose=frozenset({1}))) == []


def test_an_agent_is_named_once_and_its_community_never(tmp_path: Path) -> None:
    path = udp(tmp_path / "snmp.pcap", [Sent(payload=SYSTEM_NAME, up=False, time=time) for time in (1, 2)])
    assert said(path) == [("10.0.0.2", "snmp_version", "2c", 1), ("10.0.0.2", "hostname", "sw1", 1)]
    assert "secret" not in repr(said(path))


def test_what_a_dissector_claims_is_its_own(tmp_path: Path) -> None:
    path = udp(tmp_path / "snmp.pcap", [Sent(payload=SYSTEM_NAME, up=False, time=1)])
    assert said(path, plugins=["snmp"]) == []


def test_every_batch_size_says_the_same(tmp_path: Path) -> None:
    sent = [Sent(payload=b"GET / HTTP/1.1\r\nHost: plc\r\nUser-Agent: a\r\n\r\n", up=True, time=1, ports=(40_000, 8_081))]
    path = tcp(tmp_path / "http.pcap", sent)
    assert said(path, batch_packets=1) == said(path) == [("10.0.0.2", "http_host", "plc", 4), ("10.0.0.1", "http_user_agent", "a", 4)]


def written(path: Path, *packets: object) -> Path:
    from scapy.utils import wrpcap

    wrpcap(str(path), list(packets))
    return path


def test_how_a_connection_is_opened_is_told_as_it_was(tmp_path: Path) -> None:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    options = [("MSS", 1460), ("NOP", None), ("WScale", 8), ("NOP", None), ("NOP", None), ("SAckOK", b"")]
    ends = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src="10.0.0.1", dst="10.0.0.2", ttl=128, flags="DF")
    back = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01") / IP(src="10.0.0.2", dst="10.0.0.1", ttl=64)
    path = written(
        tmp_path / "syn.pcap",
        ends / TCP(sport=40_000, dport=80, flags="S", window=8_192, options=options),
        back / TCP(sport=80, dport=40_000, flags="SA", window=4_096, ack=1, options=options[:1]),
        ends / TCP(sport=40_001, dport=80, flags="S", window=1_024),
    )
    assert said(path) == [
        ("10.0.0.1", "tcp_stack", "ttl=128,df=1,window=8192,options=mss:nop:ws:nop:nop:sok,mss=1460,scale=8", 1),
        ("10.0.0.2", "tcp_stack", "ttl=64,df=0,window=4096,options=mss,mss=1460", 2),
    ], "and nothing of one without options"


def test_neighbours_of_the_link_alone_are_believed(tmp_path: Path) -> None:
    from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_RA, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
    from scapy.layers.l2 import Ether

    def sent(source: str, hops: int) -> object:
        return Ether(src="02:00:00:00:00:01", dst="33:33:00:00:00:01") / IPv6(src=source, dst="ff02::1", hlim=hops)

    target, mac = ICMPv6ND_NA(tgt="fe80::7"), ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:07")
    path = written(
        tmp_path / "ndp.pcap",
        sent("fe80::1", 255) / target / mac,  # type: ignore[operator]
        sent("fe80::2", 64) / ICMPv6ND_NA(tgt="fe80::8") / mac,  # type: ignore[operator]
        sent("fe80::3", 255) / ICMPv6ND_RA(routerlifetime=1800) / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:09"),  # type: ignore[operator]
    )
    assert said(path) == [
        ("fe80::7", "mac", "02:00:00:00:00:07", 1),
        ("fe80::3", "router", True, 3),
        ("fe80::3", "mac", "02:00:00:00:00:09", 3),
    ]
