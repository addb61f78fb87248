"""Dissectors in Python: who takes part, how messages are paired, and that whatever one does costs its flow and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dissectors import Engine, Transaction, protocols
from dissectors.plugin import Access, Dissected, Dissector, Message, Report, Request, Response, load, register
from tests.dissectors.crafted import Sent, tcp, udp

SECRET = b"hunter2"


class Letters:
    """A made-up protocol: `!` reference function (request), `?` reference code (response), `*` function (report), each 3 bytes."""

    name: ClassVar[str] = "letters"
    title: ClassVar[str] = "Letters"
    ports: ClassVar[Mapping[str, Sequence[int]]] = {"tcp": [161]}
    functions: ClassVar[Mapping[int, tuple[str, Access]]] = {1: ("look", "read"), 2: ("put", "write")}
    rejections: ClassVar[Mapping[int, str]] = {9: "no_way"}

    @staticmethod
    def probe(message: Message) -> int | None:
        return (50 if message.payload[:1] in (b"!", b"?", b"*") else 0) if message.payload else None

    def dissect(self, message: Message) -> Dissected | None:
        kind, rest = message.payload[:1], message.payload[1:3]
        if len(rest) < 2:
            return Dissected(used=0)
        if kind == b"!":
            return Dissected(used=3, says=[Request(reference=rest[0], function=rest[1], unit=7, detail={"who": "client"})])
        if kind == b"?":
            return Dissected(used=3, says=[Response(reference=rest[0], rejected=rest[1] or None, function=1, detail={"left": 1.5})])
        if kind == b"*":
            return Dissected(used=3, says=[Report(function=rest[0])])
        return Dissected(used=3, unreadable=True)


@pytest.fixture(autouse=True, scope="module")
def _letters() -> None:
    register(Letters)


def up(payload: bytes, time: float = 0.0) -> Sent:
    return Sent(payload=payload, up=True, time=time)


def down(payload: bytes, time: float = 0.0) -> Sent:
    return Sent(payload=payload, up=False, time=time)


def run(path: Path, *plugins: str) -> tuple[list[Transaction], dict[str, Any]]:
    engine = Engine(plugins=plugins)
    transactions = [t for batch in engine.replay(path) for t in batch.transactions]
    return transactions, engine.result()


def said(transactions: list[Transaction]) -> list[tuple[int, str]]:
    return [(t.function.code, t.outcome.result) for t in transactions if t.protocol == "letters"]


def test_a_request_meets_its_response(tmp_path: Path) -> None:
    path = tcp(tmp_path / "a.pcap", [up(b"!\x05\x02"), down(b"?\x05\x00", 0.25)])
    [t], result = run(path, "letters")
    assert (t.protocol, t.function.name, t.access, t.unit, t.outcome.result) == ("letters", "put", "write", "7", "accepted")
    assert (t.client.ip, t.server.ip, t.server.port, t.latency_ns) == ("10.0.0.1", "10.0.0.2", 161, 250_000_000)
    assert (t.request.packet, t.response.packet) == (4, 5)  # type: ignore[union-attr]
    assert t.detail == {"who": "client", "response": {"left": 1.5}}
    assert json.loads(t.to_json())["letters"] == t.detail
    assert result["errors"] == []


def test_only_who_was_asked_for_takes_part(tmp_path: Path) -> None:
    path = tcp(tmp_path / "a.pcap", [up(b"!\x05\x02"), down(b"?\x05\x00", 0.25)])
    assert [t.protocol for t in run(path, "letters")[0]] == ["letters"]
    assert [t.protocol for t in run(path)[0]] == ["tcp"]  # nobody claims the flow


def test_split_and_joined_segments_say_the_same(tmp_path: Path) -> None:
    messages = [b"!\x01\x01", b"!\x02\x02", b"!\x03\x07"]
    joined = said(
        run(tcp(tmp_path / "j.pcap", [up(b"".join(messages)), down(b"?\x02\x09?\x03\x00", 1), down(b"?\x01\x00", 2)]), "letters")[0]
    )
    pieces = [up(bytes([byte]), 0.01 * place) for place, byte in enumerate(b"".join(messages))]
    split = said(
        run(tcp(tmp_path / "s.pcap", [*pieces, down(b"?\x02", 1), down(b"\x09?\x03\x00?\x01", 1.1), down(b"\x00", 2)]), "letters")[0]
    )
    assert joined == [(2, "rejected"), (7, "accepted"), (1, "accepted")] == split


def test_codes_of_the_tables_and_unknown_ones(tmp_path: Path) -> None:
    path = tcp(tmp_path / "a.pcap", [up(b"!\x01\x02!\x02\x63"), down(b"?\x01\x09?\x02\x08", 1)])
    first, second = run(path, "letters")[0]
    assert (first.outcome.code, first.outcome.name, second.outcome.code, second.outcome.name) == (9, "no_way", 8, None)
    assert (second.function.code, second.function.name, second.access) == (0x63, None, "configure")


def test_unanswered_only_where_an_answer_would_have_been_seen(tmp_path: Path) -> None:
    late = [
        up(b"!\x01\x01"),
        up(b"!\x02\x01", 1),
        down(b"?\x02\x00", 2),
        up(b"!\x03\x01", 30),
        down(b"?\x03\x00", 31),
        down(b"?\x01\x00", 32),
    ]
    transactions, result = run(tcp(tmp_path / "late.pcap", late), "letters")
    assert said(transactions) == [(1, "accepted"), (1, "unanswered"), (1, "accepted")]
    assert result["protocols"]["letters"]["anomalies"] == {"late_response": 1}
    one_way = run(tcp(tmp_path / "w.pcap", [up(b"!\x01\x01"), up(b"!\x02\x01", 60)]), "letters")[0]
    assert said(one_way)[-1] == (1, "unknown")  # open at the end
    lost = run(tcp(tmp_path / "l.pcap", [*late[:2], down(b"?\x01\x00", 1.5), *late[2:5]], lose=frozenset({2})), "letters")[0]
    assert sorted(said(lost)) == [(1, "accepted"), (1, "accepted"), (1, "unknown")]


def test_a_repeated_datagram_is_one_request(tmp_path: Path) -> None:
    path = udp(tmp_path / "a.pcap", [up(b"!\x01\x01"), up(b"!\x01\x01", 1), down(b"?\x01\x00", 1.1), down(b"?\x01\x00", 1.2)])
    transactions, result = run(path, "letters")
    assert said(transactions) == [(1, "accepted")]
    assert result["protocols"]["letters"]["anomalies"] == {}


def test_reports_and_lone_responses(tmp_path: Path) -> None:
    report, lone = run(udp(tmp_path / "a.pcap", [down(b"*\x02\x00"), down(b"?\x01\x00", 1)]), "letters")[0]
    assert (report.client.ip, report.access, report.request) == ("10.0.0.1", "report", None)
    assert (lone.client.ip, lone.function.name, lone.request, lone.anomalies) == ("10.0.0.1", "look", None, ())


def test_an_unreadable_message_costs_itself(tmp_path: Path) -> None:
    path = tcp(tmp_path / "a.pcap", [up(b"!\x01\x01"), up(b"ABC", 0.1), up(b"!\x02\x01", 0.2), down(b"?\x01\x00?\x02\x00", 1)])
    transactions, result = run(path, "letters")
    assert said(transactions) == [(1, "accepted"), (1, "accepted")]
    assert result["protocols"]["letters"]["anomalies"] == {"unreadable": 1}
    assert result["ledger"]["undecoded_bytes"] == 3


def test_ceiling_of_open_requests(tmp_path: Path) -> None:
    many = [up(b"!" + bytes([n % 250, 1]), n / 1000) for n in range(200)]
    transactions, result = run(tcp(tmp_path / "a.pcap", [up(b"!\xff\x01"), down(b"?\xff\x00"), *many]), "letters")
    assert len(said(transactions)) == 201
    assert result["protocols"]["letters"]["anomalies"] == {"too_many_open_requests": 136}


def bad(name: str, dissect: Any, *, probe: Any = None) -> type[Dissector]:
    probe = probe or staticmethod(lambda _: 90)
    body = {"name": name, "title": name, "ports": {}, "functions": {1: ("look", "read")}, "probe": probe, "dissect": dissect}
    return type(name, (), body)


def raises(_self: object, message: Message) -> Dissected:
    raise ValueError(f"can't read {message.payload!r}")


def says(*what: Any, used: Any = 1) -> Any:
    return lambda _self, _message: Dissected(used=used, says=what)


WRONG = {
    "raises": raises,
    "a_text": lambda _self, _message: "text",
    "says_text": says("text"),
    "says_nothing_iterable": lambda _self, _message: Dissected(used=1, says=5),  # type: ignore[arg-type]
    "too_much_used": says(used=10_000),
    "negative_used": says(used=-1),
    "none_used_but_says": says(Request(reference=1, function=1), used=0),
    "text_function": says(Request(reference=1, function="x")),  # type: ignore[arg-type]
    "huge_function": says(Request(reference=1, function=2**32)),
    "text_reference": says(Request(reference="x", function=1)),  # type: ignore[arg-type]
    "odd_access": says(Request(reference=1, function=1, access="destroy")),  # type: ignore[arg-type]
    "object_in_detail": says(Request(reference=1, function=1, detail={"a": object()})),
    "number_as_name": says(Request(reference=1, function=1, detail={1: 2})),  # type: ignore[dict-item]
    "list_as_detail": says(Request(reference=1, function=1, detail=[1])),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_shuts_it_off_for_the_flow(tmp_path: Path, name: str) -> None:
    register(bad("bad-" + name, WRONG[name]))
    other = [Sent(payload=b"hello" + SECRET, up=True, time=n / 10, ports=(50_000 + n, 7_000)) for n in range(3)]
    transactions, result = run(udp(tmp_path / "a.pcap", [*other, *other]), "bad-" + name)
    assert transactions == []
    assert result["ceilings"] == {"dissector_exception": 3}
    [error] = result["errors"]
    assert error["kind"] == "dissector"
    assert error["message"].startswith(f"bad-{name}: failed 3 times, at first: ")
    assert "hunter2" not in json.dumps(result)
    if name == "raises":
        assert re.search(r"ValueError\n.*test_plugin\.py", error["message"])


@pytest.mark.parametrize("probe", [raises, lambda _message: "x", lambda _message: 101, lambda _message: -1])
def test_a_failing_probe_is_not_asked_again_and_others_are(tmp_path: Path, probe: Any, request: pytest.FixtureRequest) -> None:
    name = "probe-" + str(request.node.callspec.indices["probe"])
    asked = []

    def counting(message: Message) -> Any:
        asked.append(message)
        return probe(message)

    register(bad(name, says(), probe=staticmethod(counting)))
    path = udp(tmp_path / "a.pcap", [up(b"!\x01\x01"), down(b"?\x01\x00", 1), up(b"!\x02\x01", 2)])
    transactions, result = run(path, name, "letters")
    assert said(transactions) == [(1, "accepted"), (1, "unknown")]
    assert (len(asked), result["ceilings"]) == (1, {"dissector_exception": 1})


def test_not_mine_lets_the_flow_go(tmp_path: Path) -> None:
    register(bad("shy", lambda _self, _message: None))
    transactions, result = run(udp(tmp_path / "a.pcap", [up(b"abc"), up(b"def", 1)]), "shy")
    assert [t.protocol for t in transactions] == ["snmp"]
    assert (result["errors"], result["ledger"]["undecoded_bytes"]) == ([], 6)


def test_a_constructor_that_fails(tmp_path: Path) -> None:
    broken = bad("unmade", says())
    broken.__init__ = lambda _self: 1 / 0  # type: ignore[assignment,method-assign]
    register(broken)
    assert run(udp(tmp_path / "a.pcap", [up(b"abc")]), "unmade")[1]["ceilings"] == {"dissector_exception": 1}


def test_an_interrupt_is_not_swallowed(tmp_path: Path) -> None:
    def interrupted(_self: object, _message: Message) -> Dissected:
        raise KeyboardInterrupt

    register(bad("slow", interrupted))
    with pytest.raises(KeyboardInterrupt):
        run(udp(tmp_path / "a.pcap", [up(b"abc")]), "slow")


def test_values_of_detail(tmp_path: Path) -> None:
    detail = {
        "none": None, "yes": True, "big": 2**64 - 1, "small": -(2**63), "huge": 2**100, "float": 0.5, "text": 'a"\u20ac',
        "raw": b"\x00\xff",
        "list": [1, [2, {"deep": False}]], "tuple": (1,), "object": {"a": {"b": 1}},
    }  # fmt: skip
    register(bad("details", says(Report(function=1, detail=detail), used=3)))
    [t], result = run(udp(tmp_path / "a.pcap", [up(b"abc")]), "details")
    expected = {**detail, "huge": str(2**100), "raw": "00ff", "tuple": [1]}
    assert t.detail == expected
    assert json.loads(t.to_json())["details"] == expected
    assert result["ceilings"] == {}


def test_detail_is_bounded_and_what_is_dropped_counted(tmp_path: Path) -> None:
    nested: Any = 1
    for _ in range(100):
        nested = [nested]
    detail = {"long": "x" * 100_000, "many": list(range(10_000)), 'a"b': 1, "n" * 65: 1, "ungraspable": 2**5000}
    register(bad("greedy", says(Report(function=1, detail={"nested": nested}), Report(function=1, detail=detail), used=3)))
    transactions, result = run(udp(tmp_path / "a.pcap", [up(b"abc")]), "greedy")
    assert len(transactions) == 2
    assert all(len(t.to_json()) < 20_000 for t in transactions)
    assert result["ceilings"]["plugin_fields"] >= 3


def test_field_names_have_a_ceiling(tmp_path: Path) -> None:
    def dissect(_self: object, message: Message) -> Dissected:
        start = message.payload[0] * 100
        return Dissected(used=1, says=[Report(function=1, detail={f"f{n}": n for n in range(start, start + 100)})])

    register(bad("inventive", dissect))
    transactions, result = run(udp(tmp_path / "a.pcap", [up(bytes(range(20)))]), "inventive")
    assert len(transactions) == 20
    assert result["ceilings"]["plugin_field_names"] == 2_000 - 256


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "modbus"}, "engine's own"),
        ({"name": "letters"}, "another dissector"),
        ({"name": 'a"b'}, "lower-case"),
        ({"functions": {1: ("look", "destroy")}}, "one of session, report"),
        ({"functions": {1: ('a"', "read")}}, "lower-case"),
        ({"probe": 5}, "can't be called"),
    ],
)
def test_tables_are_checked(change: dict[str, Any], words: str) -> None:
    dissector = bad("unchecked", says())
    for name, value in change.items():
        setattr(dissector, name, value)
    with pytest.raises(ValueError, match=words):
        register(dissector)
    assert "unchecked" not in protocols()


def test_registry_and_lookup() -> None:
    register(Letters)  # the same again changes nothing
    entry = protocols()["letters"]
    assert [(f["code"], f["name"], f["access"]) for f in entry["functions"]] == [(1, "look", "read"), (2, "put", "write")]
    assert (entry["tcp_ports"], entry["rejections"]) == ([161], [(9, "no_way")])
    assert load(["letters"]) == [Letters]
    with pytest.raises(LookupError, match=r"no dissector named nothing is installed; there are: .*letters.*snmp"):
        Engine(plugins=["nothing"])


def test_batches_and_threads_change_nothing(tmp_path: Path) -> None:
    path = tcp(
        tmp_path / "a.pcap", [piece for n in range(40) for piece in (up(b"!" + bytes([n, 1]), n), down(b"?" + bytes([n, 0]), n + 0.5))]
    )
    lines = []
    for threads, packets in ((1, 1), (1, 1_000), (2, 7)):
        engine = Engine(plugins=["letters"], threads=threads, batch_packets=packets)
        lines.append([t.to_json() for batch in engine.replay(path) for t in batch.transactions])
    assert len(lines[0]) == 40
    assert lines[0] == lines[1] == lines[2]


def test_the_example_of_the_readme_works(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "dissectors" / "README.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    space: dict[str, Any] = {}
    exec(example, space)
    path = tcp(tmp_path / "a.pcap", [up(b"GET 7\n"), down(b"OK 7\n", 0.1)])
    [t] = run(path, space["Beacon"].name)[0]
    assert (t.function.name, t.outcome.result) == ("get", "accepted")
