"""What tshark and our witnesses say of who is who, as sets: statement, whose, value."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from dissectors import Engine, Observation, witnesses

Row = Mapping[str, list[str]]
"""A frame: each field's values in order."""
Said = tuple[str, str, str]
"""Statement, whose address, value."""

MAX_TEXT: Final = 512
"""Bytes of a text that leave the engine."""


class Statement(NamedTuple):
    """One attribute as both say it. `theirs` gives whose and value, of one frame; `ours` are our fields."""

    name: str
    fields: tuple[str, ...]
    theirs: Callable[[Row], Iterator[tuple[str, str]]]
    ours: frozenset[str]


def _host_address(value: str) -> str:
    return "" if value == "0.0.0.0" else value


def _text(value: str) -> str:
    """As we write it: up to the first zero, without blanks around it, not too long."""
    clean = value.replace("\\n", "\n").replace("\\r", "\r").partition("\0")[0].strip(" \t\r\n\f")
    return clean.encode()[:MAX_TEXT].decode("utf-8", "replace").strip()


def _number(value: str) -> str:
    return str(int(value, 0))


def _source(row: Row) -> str:
    return (row["ip.src"] or row["ipv6.src"] or row["eth.src"] or [""])[-1]


def _destination(row: Row) -> str:
    return (row["ip.dst"] or row["ipv6.dst"] or row["eth.dst"] or [""])[-1]


def _ethernet(row: Row) -> str:
    return (row["eth.src"] or [""])[-1]


def _of(
    name: str, field: str, ours: str, whose: Callable[[Row], str] = _source, value: Callable[[str], str] = _text,
    only: Callable[[Row], bool] = lambda _: True,
    more: tuple[str, ...] = (),
) -> Statement:  # fmt: skip
    """Values of one field."""

    def theirs(row: Row) -> Iterator[tuple[str, str]]:
        if only(row):
            yield from ((whose(row), value(said)) for said in row[field] if said and value(said))

    return Statement(name, (field, *more), theirs, frozenset(ours.split()))


def _dcp_answer(row: Row) -> bool:
    """A response to Identify or Get, or Hello."""
    kinds = list(zip(map(_number, row["pn_dcp.service_id"]), map(_number, row["pn_dcp.service_type"]), strict=False))
    return any(kind in {("5", "1"), ("3", "1"), ("6", "0")} for kind in kinds)


_DCP: Final = ("pn_dcp.service_id", "pn_dcp.service_type")


def _client(row: Row) -> str:
    """Whose a DHCP request is."""
    own = row["dhcp.ip.client"]
    return own[0] if own and own[0] != "0.0.0.0" else (row["dhcp.hw.mac_addr"] or [""])[0]


def _is_request(row: Row) -> bool:
    return row["dhcp.type"][:1] == ["1"]


def _fingerprint(row: Row) -> Iterator[tuple[str, str]]:
    if row["dhcp.option.request_list_item"] and _is_request(row):
        yield _client(row), ",".join(row["dhcp.option.request_list_item"])


def _client_name(row: Row) -> Iterator[tuple[str, str]]:
    """Of a request, or of the acknowledgement that gives an address."""
    for name in row["dhcp.option.hostname"]:
        if _is_request(row):
            yield _client(row), _text(name)
        elif "5" in row["dhcp.option.dhcp"]:
            yield row["dhcp.ip.your"][0], _text(name)


def _version(row: Row) -> Iterator[tuple[str, str]]:
    """Tshark gives a field for each line."""
    if row["cdp.software_version"]:
        yield _ethernet(row), _text("\n".join(row["cdp.software_version"]))


def _addresses(row: Row, port: str) -> Iterator[tuple[str, str]]:
    """The addresses that answers have names for."""
    if row["dns.flags.response"][:1] in (["1"], ["True"]) and port in row["udp.srcport"]:
        for address in row["dns.a"] + row["dns.aaaa"]:
            yield address, ""


def _certificates(row: Row) -> Iterator[tuple[str, str]]:
    for der in row["tls.handshake.certificate"][:1]:
        yield _source(row), hashlib.sha256(bytes.fromhex(der.replace(":", ""))).hexdigest()


def _build(row: Row) -> Iterator[tuple[str, str]]:
    parts = ("ntlmssp.version.major", "ntlmssp.version.minor", "ntlmssp.version.build_number")
    for version in zip(*(map(_number, row[part]) for part in parts), strict=False):
        if version[0] != "0":
            yield _source(row), ".".join(version)


def _serial(value: str) -> str:
    return f"{int(value, 0):08x}" if int(value, 0) else ""


def _revisions(row: Row) -> Iterator[tuple[str, str]]:
    for major, minor in zip(row["cip.id.major_rev"], row["cip.id.minor_rev"], strict=False):
        yield _source(row), f"{_number(major)}.{_number(minor)}"


def _announced(row: Row) -> Iterator[tuple[str, str]]:
    """Announcements of hosts and of local masters; others name groups."""
    if row["browser.command"][:1] and int(row["browser.command"][0], 0) in (1, 15):
        for name in row["browser.server"]:
            yield _source(row), _text(name)


def _devices(row: Row) -> Iterator[tuple[str, str]]:
    """I-Am alone: its device's number. Forwarded ones are of whom they name."""
    if row["bacapp.unconfirmed_service"][:1] == ["0"] and row["bacapp.instance_number"]:
        whose = row["bvlc.fwd_ip"][0] if row["bvlc.fwd_ip"] else _source(row)
        if row["bacapp.instance_number"][0] != "4194303":
            yield whose, row["bacapp.instance_number"][0]


def _time_servers(row: Row) -> Iterator[tuple[str, str]]:
    modes, strata = map(_number, row["ntp.flags.mode"]), map(_number, row["ntp.stratum"])
    for mode, stratum in zip(modes, strata, strict=False):
        if mode in "45" and 0 < int(stratum) < 16 and "123" in row["udp.srcport"]:
            yield _source(row), stratum


def _target(row: Row) -> Iterator[tuple[str, str]]:
    """The address that an advertisement with a link-layer address is for."""
    if row["icmpv6.opt.linkaddr"]:
        yield from ((address, "") for address in row["icmpv6.nd.na.target_address"])


def _host(value: str) -> str:
    """Without the port; an address is no name."""
    name = value.partition(":")[0]
    return "" if name.replace(".", "").isdigit() or value.startswith("[") else _text(name)


STATEMENTS: Final = (
    _of("lldp name", "lldp.tlv.system.name", "lldp.system_name", _ethernet),
    _of("lldp description", "lldp.tlv.system.desc", "lldp.system_description", _ethernet),
    _of("lldp management", "lldp.mgn.addr.ip4", "lldp.management_address", _ethernet, _host_address),
    _of("lldp port", "lldp.port.desc", "lldp.port_description", _ethernet),
    _of("cdp name", "cdp.deviceid", "cdp.device_id", _ethernet),
    _of("cdp platform", "cdp.platform", "cdp.platform", _ethernet),
    Statement("cdp version", ("cdp.software_version",), _version, frozenset({"cdp.version"})),
    _of("cdp vlan", "cdp.native_vlan", "cdp.native_vlan", _ethernet, _number),
    _of(
        "dcp station", "pn_dcp.suboption_device_nameofstation", "profinet_dcp.identify.station_name", _ethernet, only=_dcp_answer, more=_DCP
    ),
    _of("dcp vendor", "pn_dcp.suboption_vendor_id", "profinet_dcp.identify.vendor_id", _ethernet, _number, _dcp_answer, _DCP),
    _of("dcp device", "pn_dcp.suboption_device_id", "profinet_dcp.identify.device_id", _ethernet, _number, _dcp_answer, _DCP),
    _of(
        "dcp type",
        "pn_dcp.suboption_device_devicevendorvalue",
        "profinet_dcp.identify.type_of_station",
        _ethernet,
        only=_dcp_answer,
        more=_DCP,
    ),
    _of(
        "dhcp class",
        "dhcp.option.vendor_class_id",
        "dhcp.option.vendor_class",
        _client,
        only=_is_request,
        more=("dhcp.type", "dhcp.ip.client", "dhcp.hw.mac_addr"),
    ),
    Statement(
        "dhcp name", ("dhcp.option.hostname", "dhcp.ip.your", "dhcp.option.dhcp"), _client_name, frozenset({"dhcp.option.host_name"})
    ),
    Statement("dhcp fingerprint", ("dhcp.option.request_list_item",), _fingerprint, frozenset({"dhcp.option.parameter_request_list"})),
    Statement(
        "dns addresses",
        ("dns.a", "dns.aaaa", "dns.flags.response", "udp.srcport"),
        lambda row: _addresses(row, "53"),
        frozenset({"dns.answer.a", "dns.answer.aaaa"}),
    ),
    Statement("mdns addresses", (), lambda row: _addresses(row, "5353"), frozenset({"mdns.answer.a", "mdns.answer.aaaa"})),
    Statement("llmnr addresses", (), lambda row: _addresses(row, "5355"), frozenset({"llmnr.answer.a", "llmnr.answer.aaaa"})),
    Statement("browser name", ("browser.server", "browser.command"), _announced, frozenset({"netbios.browser.name"})),
    Statement("ntp servers", ("ntp.flags.mode", "ntp.stratum"), _time_servers, frozenset({"ntp.stratum"})),
    _of("http agent", "http.user_agent", "http.user_agent", only=lambda row: bool(row["tcp.stream"]), more=("tcp.stream",)),
    _of("http server", "http.server", "http.server", only=lambda row: bool(row["tcp.stream"])),
    _of("http host", "http.host", "http.host", _destination, _host, lambda row: bool(row["tcp.stream"])),
    _of("tls name", "tls.handshake.extensions_server_name", "tls.server_name", _destination, only=lambda row: bool(row["tcp.stream"])),
    Statement("tls certificate", ("tls.handshake.certificate",), _certificates, frozenset({"tls.certificate.sha256"})),
    _of("ssh software", "ssh.protocol", "ssh.identification"),
    _of("rdp cookie", "rdp.rt_cookie", "rdp.cookie.mstshash", value=lambda said: _text(said.removeprefix("mstshash="))),
    _of("ntlm computer", "ntlmssp.challenge.target_info.nb_computer_name", "ntlmssp.target.netbios_computer"),
    _of("ntlm dns name", "ntlmssp.challenge.target_info.dns_computer_name", "ntlmssp.target.dns_computer"),
    _of("ntlm host", "ntlmssp.auth.hostname", "ntlmssp.workstation", value=lambda said: "" if said == "NULL" else _text(said)),
    Statement(
        "ntlm build",
        ("ntlmssp.version.major", "ntlmssp.version.minor", "ntlmssp.version.build_number"),
        _build,
        frozenset({"ntlmssp.version"}),
    ),
    _of("smb system", "smb.native_os", "smb.session_setup.native_os"),
    _of("smb manager", "smb.native_lanman", "smb.session_setup.native_lan_manager"),
    _of("enip vendor", "enip.lir.vendor", "enip.list_identity.vendor_id", value=_number),
    _of("enip product", "enip.lir.prodcode", "enip.list_identity.product_code", value=_number),
    _of("enip name", "enip.lir.name", "enip.list_identity.product_name"),
    _of("enip serial", "enip.lir.serial", "enip.list_identity.serial_number", value=_serial),
    _of("cip vendor", "cip.id.vendor_id", "cip.identity.vendor_id", value=_number),
    _of("cip product", "cip.id.product_code", "cip.identity.product_code", value=_number),
    _of("cip name", "cip.id.product_name", "cip.identity.product_name"),
    _of("cip serial", "cip.id.serial_number", "cip.identity.serial_number", value=_serial),
    Statement("cip revision", ("cip.id.major_rev", "cip.id.minor_rev"), _revisions, frozenset({"cip.identity.revision"})),
    Statement(
        "bacnet device",
        ("bacapp.unconfirmed_service", "bacapp.instance_number", "bvlc.fwd_ip"),
        _devices,
        frozenset({"bacnet.i_am.device"}),
    ),
    Statement(
        "ndp target",
        ("icmpv6.nd.na.target_address", "icmpv6.opt.linkaddr"),
        _target,
        frozenset({"ndp.neighbor_advertisement.target"}),
    ),
)

ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    one.name: frozenset(row["attribute"] for entry in witnesses().values() for row in entry["says"] if row["field"] in one.ours)
    for one in STATEMENTS
}
"""The attributes of a statement."""
FIELDS: Final = tuple(
    dict.fromkeys(
        ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "eth.src", "eth.dst", *(field for one in STATEMENTS for field in one.fields))
    )
)
ADDRESS_ONLY: Final = {"dns addresses", "mdns addresses", "llmnr addresses", "ndp target"}
"""Of these whose is compared alone: which name stands for which address is not told by tshark's fields."""
OF_MACS: Final = {"lldp", "cdp", "dcp"}
"""What we say of the management address as well is compared for the MAC alone."""
FILTER: Final = (
    "lldp || cdp || pn_dcp || dhcp || dns || mdns || llmnr || nbns || browser || ntp || http || tls.handshake || ssh || rdp || ntlmssp"
    " || smb.native_os || enip || cip || bacapp || icmpv6.nd.na.target_address"
)


@cache
def tshark(path: Path) -> list[Row]:
    """What tshark says, a row a frame. Nothing where tshark isn't installed."""
    tool = shutil.which("tshark")
    if tool is None:
        return []
    command = [tool, "-n", "-r", str(path), "-Y", FILTER, "-T", "json", *(part for field in FIELDS for part in ("-e", field))]
    said = subprocess.run(command, capture_output=True, check=False).stdout.decode("utf-8", "replace")
    rows = [frame["_source"]["layers"] for frame in json.loads(said or "[]")]
    return [{field: row.get(field, []) for field in FIELDS} for row in rows]


def theirs(path: Path) -> set[Said]:
    """Statements of tshark."""
    found = {(one.name, whose, said) for row in tshark(path) for one in STATEMENTS for whose, said in one.theirs(row)}
    return {said for said in found if _is_device(said[1])}


class Ours(NamedTuple):
    """What we say: statements, and the values of each address and attribute, whichever field said them first."""

    statements: set[Said]
    values: set[tuple[str, str, str]]

    def missing(self, theirs: set[Said]) -> set[Said]:
        """What they say and we don't: a value that another field has said before is not told again."""
        return {said for said in theirs - self.statements if not self._told(said)}

    def _told(self, said: Said) -> bool:
        name, whose, value = said
        return any((whose, attribute, value) in self.values for attribute in ATTRIBUTES[name])


@cache
def ours(path: Path) -> Ours:
    """The same of our witnesses."""
    names = {field: one.name for one in STATEMENTS for field in one.ours}
    statements, values = set(), set()
    for batch in Engine(follow=True, threads=1, digest=False).replay(path):
        for fact in batch:
            if not isinstance(fact, Observation) or fact.protocol not in witnesses():
                continue
            name = names.get(fact.field)
            value = "" if name in ADDRESS_ONLY else str(fact.value)
            values |= {(fact.address, fact.attribute, value), (fact.address, fact.attribute, "")}
            if name is None or (fact.attribute == "mac" and name not in ADDRESS_ONLY):
                continue
            if name.partition(" ")[0] not in OF_MACS or ":" in fact.address:
                statements.add((name, fact.address, value))
    return Ours(statements, values)


def _is_device(address: str) -> bool:
    first = address.partition(".")[0]
    group = address.startswith("ff") or (first.isdigit() and int(first) >= 224) or address in ("0.0.0.0", "255.255.255.255", "::")
    return not group


@cache
def said(path: Path) -> set[tuple[str, str, str]]:
    """Witness, attribute and field of all that is said of a capture."""
    known = witnesses()
    found = set()
    for batch in Engine(follow=True, threads=1, digest=False).replay(path):
        found |= {(fact.protocol, fact.attribute, fact.field) for fact in batch if isinstance(fact, Observation) and fact.protocol in known}
    return found
