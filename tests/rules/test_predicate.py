"""A rule as a function says what the tree says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rules.expression import reduce
from rules.fields import Stage
from rules.predicate import predicate
from tests.rules.test_judge import ATOMS, some_condition, some_transaction
from tests.rules.write import compiled, rule
from tests.synthetic import transaction

MORE = [
    {"client.mac": "00:80:f4:0b:33:44"},
    {"function.name|contains|all": ["read", "coil"]},
    {"unit|cased": "A"},
    {"function.name|re": "^read"},
    {"latency_ns|gte": 1},
    {"initiator": "server"},
    {"vlan|exists": False},
    {"sub_function.name": None},
    {"opcua.user_type": "anonymous"},
    {"client.ip|fieldref": "server.ip"},
    {"client.ip|cidr": ["10.0.0.2/31", "192.168.0.0/16", "2001:db8::/32"]},
    {"modbus.transaction_id|gt": 5},
    {"flow|startswith": "1:"},
]


@pytest.mark.parametrize("seed", range(40))
def test_function_and_tree_agree(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    condition = some_condition(chance)
    for place in range(len(MORE)):
        if chance.random() < 0.3:
            condition = f"({condition}) {chance.choice(['and', 'or'])} {chance.choice(['', 'not '])}m{place}"
    searches = {f"s{n}": atom for n, atom in enumerate(ATOMS)} | {f"m{n}": atom for n, atom in enumerate(MORE)}
    used = {name: atom for name, atom in searches.items() if f"{name} " in f"{condition} ".replace(")", " )")}
    expr = compiled(tmp_path, rule({**used, "condition": condition})).rules[0].expr
    matches = predicate(expr)
    odd = [transaction({"client": {"mac": "00:80:f4:0b:33:44"}, "unit": None, "function": {"code": 99}, "server": {"ip": "10.0.0.1"}})]
    for t in [*odd, *(some_transaction(chance, n) for n in range(200))]:
        assert bool(matches(t)) == (reduce(expr, t, Stage.FREE) is True), condition  # type: ignore[arg-type]


def test_nothing_of_a_rule_gets_into_the_source(tmp_path: Path) -> None:
    detection = {"x": {"unit": ["__import__('os')", "a')"], "flow|contains": "'\"\\"}, "condition": "x"}
    matches = predicate(compiled(tmp_path, rule(detection)).rules[0].expr)
    assert not matches(transaction({"unit": "1"}))
