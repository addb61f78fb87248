"""A rule as a search in Elasticsearch, over the documents of `rules.documents`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rules import correlation
from rules.documents import TIME, document_field, document_mac
from rules.fields import COUNTED_POINTS, WITHIN
from rules.plan import Count

Placeholders = Mapping[str, Sequence[str]]


_NOTHING: Mapping[str, Any] = {"_id": "none"}
"""A search that no document fits."""


class Converted(NamedTuple):
    """A rule's search: Lucene's query syntax, the body of a `_search`, and what the query says less exactly than the rule."""

    rule: str
    title: str
    lucene: str
    body: Mapping[str, Any]
    notes: tuple[str, ...]


class ConversionError(Exception):
    """A rule that no query can say; the text says why."""


def converted(rule: Mapping[str, Any], counted: Sequence[Mapping[str, Any]], placeholders: Placeholders) -> Converted:
    """The search of a rule: its document as it is written, and for a correlation the documents of the rules that it counts.

    `placeholders` gives the values of `%names%`. Raises ConversionError.
    """
    notes: list[str] = []
    given = dict.fromkeys(rule.get("fieldtap", {}).get("optional", ()), ()) | dict(placeholders)
    parts = [_query(one, given, notes) for one in (counted if "correlation" in rule else [rule])]
    text = parts[0] if len(parts) == 1 else " OR ".join(f"({part})" for part in parts)
    body: dict[str, Any] = {"query": {"query_string": {"query": text, "analyze_wildcard": False}}, "sort": [{TIME: "asc"}]}
    if "correlation" in rule:
        body = {"size": 0, "query": body["query"], **_counted(rule, notes)}
    return Converted(str(rule.get("name") or rule.get("id")), str(rule.get("title")), text, body, tuple(dict.fromkeys(notes)))


def _query(rule: Mapping[str, Any], placeholders: Placeholders, notes: list[str]) -> str:
    from sigma.exceptions import SigmaError

    from rules.lucene import query

    condition = rule["detection"]["condition"]
    detection = {
        name: _compared(name, value, condition, notes) or _search(value, placeholders, notes)
        for name, value in rule["detection"].items()
        if name != "condition"
    }
    plain = {"title": rule.get("title"), "logsource": rule.get("logsource"), "detection": {**detection, "condition": condition}}
    try:
        return query(plain)
    except (SigmaError, NotImplementedError) as error:
        raise ConversionError(f"{rule.get('name')}: no query can say this: {error}") from error


def _compared(name: str, value: Any, condition: Any, notes: list[str]) -> Mapping[str, Any] | None:
    """What stands for a search that compares two fields and is only excepted: no document fits it, so the query finds a little more."""
    compares = isinstance(value, Mapping) and len(value) == 1 and any("fieldref" in key.split("|") for key in value)
    if not compares or len(re.findall(rf"\bnot {name}\b", str(condition))) != len(re.findall(rf"\b{name}\b", str(condition))):
        return None
    ((key, other),) = value.items()
    notes.append(f"documents whose {key.partition('|')[0]} is their {other} are excepted by the rule, not by the query")
    return _NOTHING


def _search(value: Any, placeholders: Placeholders, notes: list[str]) -> Any:
    """A search with the fields of documents, placeholders replaced; where one stands for nobody, nothing fits it."""
    if isinstance(value, list):
        return [_search(item, placeholders, notes) for item in value]
    made: dict[str, Any] = {}
    if sum(key.startswith("points.") for key in value) > 1:
        notes.append("what the rule asks of one point, the query asks of all points together")
    for key, asked in value.items():
        name, *modifiers = key.split("|")
        if name == WITHIN:
            raise ConversionError(f"{WITHIN} is read by Fieldtap alone: name points.kind, points.first and points.last")
        if "fieldref" in modifiers:
            raise ConversionError(f"{key} compares two fields of a document, which no query of Lucene does")
        if "re" in modifiers:
            notes.append("Lucene knows fewer patterns than RE2: no \\d, \\w, \\b")
        if "expand" in modifiers:
            asked = _expanded(asked, placeholders)
            if not asked:
                return _NOTHING
            modifiers.remove("expand")
        if name.endswith(".mac"):
            asked = [document_mac(str(one)) for one in (asked if isinstance(asked, list) else [asked])]
        made["|".join([document_field(name), *modifiers])] = asked
    return made


def _expanded(asked: Any, placeholders: Placeholders) -> list[Any]:
    made: list[Any] = []
    for one in asked if isinstance(asked, list) else [asked]:
        name = str(one).strip("%")
        if str(one) != f"%{name}%":
            made.append(one)
        elif name not in placeholders:
            raise ConversionError(f"%{name}% is declared by nobody: a policy (--zones) says what it stands for")
        else:
            made.extend(placeholders[name])
    return made


def _counted(rule: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The aggregation of a correlation: by group, and by spans that stand beside each other."""
    count = correlation.count(rule)
    if count is None or not isinstance(count, Count):
        raise ConversionError(f"{rule.get('name')}: events in an order can't be asked for in one search")
    notes.append("windows of the rule slide, buckets of the search stand beside each other: look at neighbours too")
    value = count.value and {"distinct": {"cardinality": {"field": _counted_field(count.value)}}}
    least = count.threshold if count.value is None else 1
    span = f"{count.span_ns // 1_000_000_000}s"
    spans: dict[str, Any] = {"date_histogram": {"field": TIME, "fixed_interval": span, "min_doc_count": least}}
    notes.append(
        f"buckets with {count.threshold} documents or more"
        if not value
        else f"buckets whose distinct is {count.threshold} or more are meant"
    )
    if value:
        spans["aggs"] = value
    made: dict[str, Any] = {"spans": spans}
    for name in reversed(count.group_by):
        made = {name: {"terms": {"field": document_field(name), "size": 1_000, "min_doc_count": least}, "aggs": made}}
    return {"aggs": made}


def _counted_field(name: str) -> str:
    return document_field("points.point" if name == COUNTED_POINTS else name)
