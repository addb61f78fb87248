"""Expectations of a policy, written in YAML: what it has to say of transactions. A policy's tests, run by `fieldtap zones test`.

- {name: the historian reads, from: historian, to: plc-1, protocol: modbus, access: read, expect: allowed}
- {from: 10.10.0.5, to: plc-1, protocol: s7comm, access: mode, expect: violation no_conduit}
- {from: hmi, to: plc-1, protocol: modbus, access: write, points: "holding_register:100", values: 501, expect: violation value}
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from zones.decision import Decider
from zones.document import read
from zones.model import Policy, PolicyError, Problem
from zones.schema import (
    Access,
    Initiator,
    Name,
    Number,
    Part,
    SecurityMode,
    Severity,
    Text,
    Texts,
    Vlan,
    When,
    choice,
    listed,
    whole,
)
from zones.supposed import Question, Supposed, side_of, suppose
from zones.times import SECOND, zone_named
from zones.verdict import Coverage, Verdict
from zones.vocabulary import Vocabulary, suggestion, vocabulary

SAID = ("allowed", "violation", "insufficient")
NOON = 12 * 3600
"""A time of a policy without times, where the expectation gives none."""


def _expected(value: Any) -> str:
    words = value.split() if isinstance(value, str) else []
    if not 1 <= len(words) <= 2 or words[0] not in SAID or (words[0] == "allowed" and len(words) == 2):
        raise ValueError(f'expect "{value}" is not one of allowed, violation [reason], insufficient [reason]')
    return " ".join(words)


class ExpectationEntry(Part):
    """One expectation."""

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")
    protocol: Text
    expect: Annotated[str, BeforeValidator(_expected)]
    name: Text | None = None
    access: Access | None = None
    function: Text | None = None
    sub_function: Text | None = None
    unit: Text | None = None
    port: Annotated[int, BeforeValidator(whole("port", 0, 65535))] | None = None
    points: Texts | None = None
    values: Annotated[list[Number], BeforeValidator(listed)] | None = None
    at: When | None = None
    vlan: Vlan | None = None
    initiator: Initiator | None = None
    user: Text | None = None
    security_mode: SecurityMode | None = None
    outcome: Annotated[str, BeforeValidator(choice("outcome", ("accepted", "rejected", "unanswered", "unknown")))] = "accepted"
    conduit: Text | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """An expectation that was held against a policy: what was asked, what is `wrong` (None: nothing), and the decision's reasons."""

    file: str
    line: int
    name: str
    wrong: str | None
    reasons: list[str]


def check_expectations(policy: Policy, path: str, words: Vocabulary | None = None) -> list[Checked]:
    """Holds every expectation of a file against a policy. Raises PolicyError with all that is wrong with the file, OSError where it can't
    be read."""
    problems: list[Problem] = []
    document = read(FilePath(path).read_bytes(), lambda line, what: problems.append(Problem(path, line, what)))
    data = document.data if document is not None else None
    if document is not None and not isinstance(data, list):
        problems.append(Problem(path, 1, "expectations are a list (- {from: hmi, to: plc-1, protocol: modbus, expect: allowed})"))
    if document is None or not isinstance(data, list):
        raise PolicyError(problems)
    decider, known = Decider(policy), words or vocabulary()
    checked = []
    for index, raw in enumerate(data):
        line = document.line((index,))
        try:
            entry = ExpectationEntry.model_validate(raw)
            t = _supposed(policy, entry, known)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                problems.append(Problem(path, document.line((index, *detail["loc"])), _say(detail)))
            continue
        except ValueError as error:
            problems.append(Problem(path, line, str(error)))
            continue
        checked.append(_held(decider, entry, t, (path, line)))
    if problems:
        raise PolicyError(sorted(problems, key=lambda problem: problem.line))
    return checked


def _supposed(policy: Policy, entry: ExpectationEntry, words: Vocabulary) -> Supposed:
    zone = zone_named(policy.timezone)
    at = NOON if entry.at is None else int(entry.at.replace(tzinfo=zone).timestamp())
    if entry.at is None and policy.schedules:
        at = int(datetime.now(zone).timestamp())
    question = Question(
        protocol=entry.protocol, access=entry.access, function=entry.function, unit=entry.unit, port=entry.port,
        points=entry.points or (), values=[float(value) for value in entry.values or ()], at=at * SECOND,
        initiator=entry.initiator or "client", outcome=entry.outcome, sub_function=entry.sub_function, vlan=entry.vlan,
        user=entry.user, security_mode=entry.security_mode,
    )  # fmt: skip
    return suppose(side_of(policy, entry.source), side_of(policy, entry.target), question, words)


def _held(decider: Decider, entry: ExpectationEntry, t: Any, place: tuple[str, int]) -> Checked:
    verdict = decider.judged(t)[3].verdict
    said = said_of(verdict)
    wrong = None
    if said != entry.expect and said.split()[0] != entry.expect:
        wrong = f"expected {entry.expect}, it is {said}"
    for field in ("conduit", "severity"):
        wanted, found = getattr(entry, field), getattr(verdict, field, None)
        if wrong is None and wanted is not None and wanted != found:
            wrong = f"expected {field} {wanted}, it is {found or 'none'}"
    name = entry.name or f"{entry.source} → {entry.target}: {t.protocol} {t.access}"
    return Checked(*place, name, wrong, decider.explain_decision(t) if wrong else [])


def said_of(verdict: Verdict | None) -> str:
    """A verdict in two words: `allowed`, `violation <reason>`, `insufficient <reason>`."""
    if verdict is None:
        return "allowed"
    return f"{'insufficient' if isinstance(verdict, Coverage) else 'violation'} {verdict.reason}"


def _say(detail: Any) -> str:
    """An error of shape in words."""
    key = str(detail["loc"][-1]) if detail["loc"] else "the expectation"
    match detail["type"]:
        case "value_error":
            return str(detail["ctx"]["error"])
        case "missing":
            return f'the expectation lacks "{key}"'
        case "extra_forbidden":
            names = [field.alias or name for name, field in ExpectationEntry.model_fields.items()]
            return f'"{key}" is not a key of an expectation{suggestion(key, names)}'
        case "model_type":
            return "an expectation is a mapping"
        case _:
            return f"{key}: {detail['msg']}"
