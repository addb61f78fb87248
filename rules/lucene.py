"""Rules as Elasticsearch queries, through pySigma: for hunting in what is already stored.

The backend is our own on pySigma's TextQueryBackend: `pysigma-backend-elasticsearch` (2.1.1) asks for pySigma below 2, knows nothing of
fields whose type is `ip`, and its ES|QL is not on every server. What comes out is Lucene's query syntax, as `query_string` and Kibana's
Lucene bar take it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sigma.conditions import ConditionAND, ConditionItem, ConditionNOT, ConditionOR
from sigma.conversion.base import TextQueryBackend
from sigma.types import CompareOperators, SigmaString, SpecialChars

_RESERVED = re.compile(r'([+\-=&|><!(){}\[\]^"~*?:\\/\s])')
_ENDS = re.compile(r"\A(?P<begin>\^?)(?P<body>.*?)(?P<end>(?<!\\)\$)?\Z", re.DOTALL)


class LuceneBackend(TextQueryBackend):
    """Lucene's query syntax over keyword, number and ip fields."""

    name: ClassVar[str] = "Lucene"
    formats: ClassVar[dict[str, str]] = {"default": "Lucene's query syntax"}
    requires_pipeline: ClassVar[bool] = False

    precedence: ClassVar[tuple[type[ConditionItem], ...]] = (ConditionNOT, ConditionAND, ConditionOR)  # type: ignore[assignment]
    parenthesize: bool = True
    """Lucene has no strict precedence: `a AND b OR c` is read as `+a +b c`."""
    group_expression: ClassVar[str] = "({expr})"
    or_token: ClassVar[str] = "OR"
    and_token: ClassVar[str] = "AND"
    not_token: ClassVar[str] = "NOT"
    eq_token: ClassVar[str] = ":"
    bool_values: ClassVar[dict[bool, str | None]] = {True: "true", False: "false"}
    re_expression: ClassVar[str] = "{field}:/{regex}/"
    cidr_expression: ClassVar[str] = '{field}:"{value}"'
    compare_op_expression: ClassVar[str] = "{field}:{operator}{value}"
    compare_operators: ClassVar[dict[CompareOperators, str]] = {
        CompareOperators.LT: "<", CompareOperators.LTE: "<=", CompareOperators.GT: ">", CompareOperators.GTE: ">=",
    }  # fmt: skip
    field_null_expression: ClassVar[str] = "NOT _exists_:{field}"
    field_exists_expression: ClassVar[str] = "_exists_:{field}"
    field_not_exists_expression: ClassVar[str] = "NOT _exists_:{field}"
    convert_or_as_in: ClassVar[bool] = True
    convert_and_as_in: ClassVar[bool] = False
    in_expressions_allow_wildcards: ClassVar[bool] = True
    field_in_list_expression: ClassVar[str] = "{field}:({list})"
    or_in_operator: ClassVar[str] = "OR"
    list_separator: ClassVar[str] = " OR "

    def convert_value_str(self, s: SigmaString, state: Any, no_quote: bool = False, escape_char: str | None = None) -> str:  # noqa: ARG002
        """Text in quotation marks; with wildcards without them, and everything else that means something escaped."""
        if not s.contains_special():
            return '"' + str(s.to_plain()).replace("\\", "\\\\").replace('"', '\\"') + '"'
        wild = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
        return "".join(_RESERVED.sub(r"\\\1", part) if isinstance(part, str) else wild[part] for part in s.s)  # type: ignore[index]

    def convert_value_re(self, r: Any, state: Any) -> str:  # noqa: ARG002
        """Lucene's patterns cover the whole text: what does not begin or end there gets room."""
        found = _ENDS.match(str(r.regexp))
        assert found is not None
        body = found["body"].replace("/", "\\/")
        return ("" if found["begin"] else ".*") + f"({body})" + ("" if found["end"] else ".*")


def query(rule: Mapping[str, Any]) -> str:
    """The query of one rule (a dict of Sigma, fields and placeholders replaced). Raises sigma.exceptions.SigmaError for what can't be
    said."""
    from sigma.collection import SigmaCollection

    found = LuceneBackend().convert(SigmaCollection.from_dicts([dict(rule)]))
    return " OR ".join(f"({part})" for part in found) if len(found) > 1 else str(found[0])
