"""What stands around a rule's detection: title, id, level, tags, and our own section with the evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rules.attack import Attack, technique
from rules.names import near
from rules.plan import Alert, Evidence, Fires
from rules.source import Document, Place

Wrong = Callable[[Place, str], None]

SEVERITIES = {"informational": "info", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}
"""Sigma's level → a finding's severity."""

CONFIDENCE = {"A": 0.9, "B": 0.6}
"""Of an evidence class, where a rule says nothing: one message is the technique, or a message in its context."""

RULE_KEYS = frozenset(
    ["title", "id", "name", "status", "description", "references", "author", "date", "modified", "tags", "logsource"],
) | frozenset(["detection", "level", "falsepositives", "related", "license", "fieldtap", "correlation"])
FIELDTAP_KEYS = frozenset(["fires_on", "silent_on", "evidence_class", "confidence", "placeholders", "optional"])
LOGSOURCE = {"product": "fieldtap", "category": "transaction"}


def keys(mapping: Mapping[str, Any], known: frozenset[str], place: Place, wrong: Wrong) -> None:
    """Says which keys are not known."""
    for key in mapping:
        if key not in known:
            wrong((*place, key), f'"{key}" is not known here{near(key, known)}')


def texts(mapping: Mapping[str, Any], key: str, wrong: Wrong, place: Place = ()) -> tuple[str, ...]:
    """A list of texts under a key; none where it is absent."""
    value = mapping.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        wrong((*place, key), f"{key} must be a list of texts")
        return ()
    return tuple(value)


def check(document: Document, wrong: Wrong) -> None:
    """Everything that Sigma itself asks of a rule's header, by pySigma."""
    from sigma.exceptions import SigmaError
    from sigma.rule import SigmaRule

    data = document.data
    keys(data, RULE_KEYS, (), wrong)
    for key in ("title", "id"):
        if key not in data:
            wrong((), f"{key} is missing")
    header = {key: value for key, value in data.items() if key not in ("fieldtap", "correlation", "detection", "logsource")}
    header |= {"logsource": LOGSOURCE, "detection": {"any": {"protocol": "tcp"}, "condition": "any"}}
    errors: list[Exception] = []
    try:
        errors.extend(SigmaRule.from_dict(header, collect_errors=True).errors)
    except (SigmaError, TypeError, ValueError, AttributeError) as error:
        errors.append(error)
    for found in errors:
        key = re.sub("^Sigma|Error$", "", type(found).__name__).lower().replace("identifier", "id")
        if key != "level" and (key in data or key not in ("title", "id")):  # level: see alert
            wrong((key,), str(found))


def logsource(document: Document, wrong: Wrong) -> None:
    """Our log source, and no other."""
    found = document.data.get("logsource")
    if found != LOGSOURCE:
        wrong(("logsource",), "logsource must be {product: fieldtap, category: transaction}")


def attack(data: Mapping[str, Any], wrong: Wrong) -> tuple[Attack, ...]:
    """The techniques among the tags."""
    found: list[Attack] = []
    for index, tag in enumerate(texts(data, "tags", wrong)):
        try:
            one = technique(tag)
        except ValueError as error:
            wrong(("tags", index), str(error))
            continue
        if one is not None:
            found.append(one)
    return tuple(found)


def evidence(data: Mapping[str, Any], wrong: Wrong) -> Evidence:
    """The evidence both ways, which every rule that alerts must have."""
    ours = section(data, wrong)
    fires: list[Fires] = []
    place: Place = ("fieldtap", "fires_on")
    stated = ours.get("fires_on")
    if not isinstance(stated, list) or not stated:
        wrong(place, "evidence is missing: fires_on names the captures on which the rule fires, [{capture, count}]")
        stated = []
    for index, item in enumerate(stated):
        capture, count = (item.get("capture"), item.get("count")) if isinstance(item, Mapping) else (None, None)
        if not isinstance(capture, str) or type(count) is not int or count < 1 or len(item) != 2:
            wrong((*place, index), "needs {capture: a path, count: a number from 1}")
        else:
            fires.append(Fires(capture=capture, expected=count))
    silent = texts(ours, "silent_on", wrong, ("fieldtap",))
    if not silent:
        wrong(("fieldtap", "silent_on"), "evidence is missing: silent_on names the captures on which the rule stays silent")
    return Evidence(fires_on=tuple(fires), silent_on=silent, placeholders=_placeholders(ours, wrong))


def _placeholders(ours: Mapping[str, Any], wrong: Wrong) -> Mapping[str, tuple[str, ...]]:
    stated = ours.get("placeholders", {})
    if not isinstance(stated, Mapping):
        wrong(("fieldtap", "placeholders"), "must map names to lists of values, for the captures of the evidence")
        return {}
    return {name: texts(stated, name, wrong, ("fieldtap", "placeholders")) for name in stated}


def optional(data: Mapping[str, Any], wrong: Wrong) -> tuple[str, ...]:
    """Placeholders without which the rule is active too: where nobody declares one, nobody is meant by it."""
    return texts(section(data, lambda _place, _what: None), "optional", wrong, ("fieldtap",))


def section(data: Mapping[str, Any], wrong: Wrong) -> Mapping[str, Any]:
    """The `fieldtap:` section, empty where there is none."""
    ours = data.get("fieldtap", {})
    if not isinstance(ours, Mapping):
        wrong(("fieldtap",), "fieldtap must be a map")
        return {}
    keys(ours, FIELDTAP_KEYS, ("fieldtap",), wrong)
    return ours


def spelled(detection: Any) -> str:
    """A detection in one line: its condition, and what its searches ask."""
    if not isinstance(detection, Mapping):
        return ""
    searches = "; ".join(f"{name}: {_words(value)}" for name, value in detection.items() if name != "condition")
    return f"{_words(detection.get('condition'))} ({searches})"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(part)}" for key, part in value.items())
    return " or ".join(map(_words, value)) if isinstance(value, list) else "absent" if value is None else str(value)


def alert(document: Document, name: str, reason: str, file: str, wrong: Wrong) -> Alert:
    """What a match means."""
    data = document.data
    ours = section(data, lambda _place, _what: None)
    evidence_class = ours.get("evidence_class", "B")
    if not isinstance(evidence_class, str) or evidence_class not in CONFIDENCE:
        wrong(
            ("fieldtap", "evidence_class"), "evidence_class is A (one message is the technique) or B (in its context); C alone is no rule"
        )
        evidence_class = "B"
    confidence = ours.get("confidence", CONFIDENCE[evidence_class])
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float)) or not 0 < confidence <= 1:
        wrong(("fieldtap", "confidence"), "confidence is a number above 0, at most 1")
        confidence = CONFIDENCE[evidence_class]
    level = data.get("level")
    if not isinstance(level, str) or level not in SEVERITIES:
        wrong(("level",), f"level must be one of {', '.join(SEVERITIES)}")
    return Alert(
        rule=str(data.get("id")),
        name=name,
        title=str(data.get("title")),
        severity=SEVERITIES.get(str(level), "medium"),
        confidence=float(confidence),
        reason=reason,
        attack=attack(data, wrong),
        evidence_class=evidence_class,
        file=file,
        line=document.line(),
        references=texts(data, "references", wrong),
        falsepositives=texts(data, "falsepositives", wrong),
    )
