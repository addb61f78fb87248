"""Our decode beside tshark's: what is the same, what differs, of what it says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sensor.cli.comparison import compared
from sensor.clock import utc
from tests.synthetic import Moment, transaction

TIME = 1_700_000_000_000_000_000
IP = {"src": ["10.0.0.9"], "dst": ["10.0.0.2"]}


def facts(layers: dict[str, Any], *, response: bool = False, **said: Any) -> dict[str, tuple[str, str | None, bool]]:
    base = {"protocol": "modbus", "client": {"ip": "10.0.0.9"}, "server": {"ip": "10.0.0.2", "port": 502}, "unit": "1"}
    made = transaction({**base, "function": {"code": 3, "name": "read"}, **said})
    made = replace(made, request=Moment(capture=1, packet=1, time=TIME), response=Moment(capture=1, packet=2, time=TIME + 1))
    packet = {"time": utc(TIME + 1 if response else TIME), "values": {"ip": IP, **layers}}
    return {one.what: (one.ours, one.theirs, one.same) for one in compared(made, packet)}  # type: ignore[arg-type]


def test_numbers_are_compared_as_numbers() -> None:
    found = facts({"modbus": {"func_code": ["0x03"]}, "mbtcp": {"unit_id": ["1"]}})
    assert found["function"] == ("3", "3", True)
    assert found["unit"] == ("1", "1", True)
    assert found["from"] == ("10.0.0.9", "10.0.0.9", True)


def test_a_difference_is_told() -> None:
    assert facts({"modbus": {"func_code": ["4"]}})["function"] == ("3", "4", False)


def test_what_tshark_does_not_say_is_no_difference() -> None:
    found = facts({})
    assert found["function"] == ("3", None, False)
    assert found["protocol"] == ("modbus", None, False)


def test_a_response_comes_from_the_server() -> None:
    found = facts({"ip": {"src": ["10.0.0.2"], "dst": ["10.0.0.9"]}, "modbus": {"exception_code": ["2"]}}, response=True,
                  outcome={"result": "rejected", "code": 2})  # fmt: skip
    assert found["from"] == ("10.0.0.2", "10.0.0.2", True)
    assert found["exception"] == ("2", "2", True)


@pytest.mark.parametrize(
    ("protocol", "said", "layers", "what"),
    [
        ("dnp3", {"unit": "3>10", "function": {"code": 5}}, {"dnp3": {"src": ["3"], "dst": ["10"], "al_func": ["5"]}}, "source"),
        ("dnp3", {"unit": "3>10", "function": {"code": 265}}, {"dnp3": {"ctl_prifunc": ["9"]}}, "link function"),
        ("s7comm", {"function": {"code": 41}}, {"s7comm": {"param_func": ["0x29"]}}, "function"),
        ("umas", {"function": {"code": 49}}, {"modbus": {"func_code": ["90"]}}, "function"),
        ("opcua", {"function": {"code": 631}}, {"opcua": {"servicenodeid_numeric": ["631"]}}, "service"),
    ],
)  # fmt: skip
def test_each_protocol_has_its_facts(protocol: str, said: dict[str, Any], layers: dict[str, Any], what: str) -> None:
    assert facts(layers, protocol=protocol, **said)[what][2]
