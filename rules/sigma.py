"""Sigma's detections and conditions, parsed by pySigma, as our expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from rules.expression import And, Expr, Has, Not, Or, Same, Some, Test, conjunction, disjunction, fields_of, fold, negation, passes
from rules.fields import COUNTED_POINTS, WITHIN, Field, Stage
from rules.names import Names, near
from rules.source import Document, Place

if TYPE_CHECKING:
    from sigma.rule.detection import SigmaDetectionItem

Wrong = Callable[[Place, str], None]

MODIFIERS = frozenset(
    ["all", "cased", "cidr", "contains", "dotall", "endswith", "exists", "expand", "fieldref", "gt", "gte", "i", "ignorecase"],
) | frozenset(["lt", "lte", "m", "multiline", "neq", "re", "s", "startswith"])
"""Sigma's modifiers that make sense for transactions (the others are about Windows command lines and log texts)."""

_MAC = re.compile(r"(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}")

MAX_DETECTION_VALUES = 10_000
"""Values of one line of a detection."""


class Translator:
    """Translates one document's detections. What is wrong goes to `wrong`, with its place."""

    def __init__(self, document: Document, names: Names, wrong: Wrong) -> None:
        self.document = document
        self.names = names
        self.wrong = wrong

    def expression(self, detection: Mapping[str, Any]) -> Expr:
        """The whole `detection:` section; False where it can't be read (the problems say why)."""
        named = {key: self.search(value, ("detection", key)) for key, value in detection.items() if key != "condition"}
        if not named:
            self.wrong(("detection",), "a detection needs at least one search beside its condition")
        condition = detection.get("condition")
        stated = condition if isinstance(condition, list) else [condition]
        conditions = [text for text in stated if isinstance(text, str) and text]
        if not conditions or len(conditions) != len(stated):
            self.wrong(("detection", "condition"), "condition must be text that joins the searches with and, or, not")
            return False
        return disjunction(tuple(self.condition(text, named) for text in conditions))

    def condition(self, text: str, named: Mapping[str, Expr]) -> Expr:
        """A condition over named searches."""
        from sigma.conditions import SigmaCondition
        from sigma.exceptions import SigmaError

        place: Place = ("detection", "condition")
        try:
            parsed = SigmaCondition(text, _Detections(named)).parse(postprocess=False)  # type: ignore[arg-type]
        except (SigmaError, RecursionError) as error:
            at = re.search(r"char (\d+)", str(error))
            where = f" from character {int(at[1]) + 1} on" if at else f": {error}"
            self.wrong(place, f"condition cannot be read{where}")
            return False
        used: set[str] = set()
        made = self._condition(parsed, named, used)
        for name in named:
            if name not in used and not name.startswith("_"):
                self.wrong(("detection", name), f'search "{name}" is not used in the condition')
        return made

    def _condition(self, node: Any, named: Mapping[str, Expr], used: set[str]) -> Expr:
        from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionNOT, ConditionOR, ConditionSelector

        if isinstance(node, ConditionIdentifier):
            name = str(node.args[0])
            used.add(name)
            if name not in named:
                self.wrong(("detection", "condition"), f'condition uses "{name}", which is not a search of this rule{near(name, named)}')
            return named.get(name, False)
        if isinstance(node, ConditionSelector):
            chosen = [str(found.args[0]) for found in node.resolve_referenced_detections(_Detections(named))]  # type: ignore[arg-type]
            used.update(chosen)
            if not chosen:
                self.wrong(("detection", "condition"), f'no search is named like "{node.pattern}"')
            parts = tuple(named[name] for name in chosen)
            return conjunction(parts) if node.cond_class is ConditionAND else disjunction(parts)
        parts = tuple(self._condition(arg, named, used) for arg in node.args)
        if isinstance(node, ConditionNOT):
            return negation(parts[0])
        if isinstance(node, ConditionOR):
            return disjunction(parts)
        return conjunction(parts)

    def search(self, value: Any, place: Place) -> Expr:
        """One search: a map of fields that must all fit, or a list of maps of which one must."""
        if isinstance(value, Mapping) and value:
            return self.fields(value, place)
        if isinstance(value, list) and value and all(isinstance(item, Mapping) and item for item in value):
            return disjunction(tuple(self.fields(item, (*place, index)) for index, item in enumerate(value)))
        self.wrong(place, "a search is a map of fields, or a list of maps (words without a field find nothing in transactions)")
        return False

    def fields(self, mapping: Mapping[str, Any], place: Place) -> Expr:
        """A map: all its fields fit, and what it asks of points is asked of one point."""
        stated = mapping.get("protocol")
        protocols = [name for name in (stated if isinstance(stated, list) else [stated]) if isinstance(name, str)]
        plain: list[Expr] = []
        of_point: list[Expr] = []
        for key, value in mapping.items():
            expr = self.item(key, value, (*place, key), protocols)
            about = {name.partition(".")[0] for name in fields_of(expr)}
            (of_point if "points" in about else plain).append(expr)
        return conjunction((*plain, Some(tuple(of_point)))) if of_point else conjunction(tuple(plain))

    def item(self, key: str, value: Any, place: Place, protocols: list[str]) -> Expr:
        """One line of a map: `field|modifiers: values`."""
        from sigma.exceptions import SigmaError
        from sigma.rule.detection import SigmaDetectionItem

        name, *modifiers = key.split("|")
        field = self.known(name, place)
        unknown = [modifier for modifier in modifiers if modifier not in MODIFIERS]
        if unknown:
            self.wrong(place, f'modifier "{unknown[0]}" is not known here{near(unknown[0], MODIFIERS)}')
        if field is None or unknown:
            return False
        if isinstance(value, Mapping) or (isinstance(value, list) and (not value or any(isinstance(v, (list, dict)) for v in value))):
            self.wrong(place, "needs a value or a list of values")
            return False
        if isinstance(value, list) and len(value) > MAX_DETECTION_VALUES:
            self.wrong(place, f"has more than {MAX_DETECTION_VALUES} values")
            return False
        try:
            item = SigmaDetectionItem.from_mapping(key, value)
        except (SigmaError, TypeError, ValueError) as error:
            self.wrong(place, str(error))
            return False
        return self.translated(field, item, place, protocols)

    def known(self, name: str, place: Place) -> Field | None:
        """The field of a name, or a problem."""
        field = self.names.field(name)
        if field is None and name == COUNTED_POINTS:
            self.wrong(place, f"{COUNTED_POINTS} is only for value_count: compare points.first and points.last")
        elif field is None:
            self.wrong(
                place, f'field "{name}" does not exist{self.names.suggestion(name)}' if name else "words without a field find nothing"
            )
        return field

    def translated(self, field: Field, item: SigmaDetectionItem, place: Place, protocols: list[str]) -> Expr:
        """The expression of one parsed line."""
        from sigma.conditions import ConditionAND

        every = item.value_linking is ConditionAND
        whole: list[Expr] = []
        tests: list[Test] = []
        values: list[Any] = list(item.value) or [None]
        for value in values:
            made = self.test(field, value, place)
            if isinstance(made, Test):
                self.possible(field, made, place, protocols)
                tests.append(made)
            elif made is not None:
                whole.append(made)
        if tests:
            whole.append(Has(field.name, _merged(tests, every), every))
        joined = conjunction(tuple(whole)) if every else disjunction(tuple(whole))
        return negation(joined) if item.negated else joined

    def test(self, field: Field, value: Any, place: Place) -> Test | Expr | None:
        """What one Sigma value asks: a test of the field's value, or an expression of its own; None when it can't be asked."""
        from sigma import types as sigma

        match value:
            case None | sigma.SigmaNull():
                return Not(Has(field.name))
            case sigma.SigmaExists():
                return Has(field.name) if value.exists else Not(Has(field.name))
            case sigma.SigmaFieldReference():
                how = "startswith" if value.starts_with else "endswith" if value.ends_with else "is"
                return self.reference(field, value.field, how, place)
            case sigma.SigmaCIDRExpression():
                return self.typed(field, "ip", place, Test("cidr", str(value.network)))
            case sigma.SigmaCompareExpression():
                return self.typed(field, "number", place, Test(value.op.name.lower(), value.number.number))
            case sigma.SigmaRegularExpression():
                flags = "".join(sorted(sigma.SigmaRegularExpression.sigma_to_re_flag[flag] for flag in value.flags))
                return Test("regex", f"(?{flags}){value.regexp}" if flags else str(value.regexp))
            case sigma.SigmaBool():
                return self.plain(field, value.boolean, place)
            case sigma.SigmaNumber():
                return self.plain(field, value.number, place)
            case sigma.SigmaString():
                return self.text(field, value, place, cased=isinstance(value, sigma.SigmaCasedString))
        self.wrong(place, f"{type(value).__name__} cannot be asked of a transaction")
        return None

    def reference(self, field: Field, other: str, how: str, place: Place) -> Expr | None:
        """Two fields compared."""
        found = self.known(other, place)
        if found is None:
            return None
        if Stage.POINT in (found.stage, field.stage) and found.stage != field.stage:
            self.wrong(place, "a point can only be compared with a field of the same point")
            return None
        return Same(field.name, other, how)

    def typed(self, field: Field, wanted: str, place: Place, test: Test) -> Test | None:
        """A test that only one type of field can pass, or a problem."""
        if field.type in (wanted, "any"):
            return test
        self.wrong(place, f"{field.name} is {field.type}, this modifier needs {wanted}")
        return None

    def plain(self, field: Field, value: Any, place: Place) -> Test | None:
        """A number or truth value without modifier."""
        if field.type == "text":
            return Test("in", frozenset([str(value).casefold()]))
        if field.type in ("number", "any"):
            return Test("in", frozenset([value]))
        self.wrong(place, f"{field.name} is {field.type}: {value} is no possible value")
        return None

    def text(self, field: Field, value: Any, place: Place, *, cased: bool) -> Test | Expr | None:
        """Text, with wildcards or placeholders in it or without."""
        if field.name == WITHIN:
            return self.within(value.to_plain(), place)
        if value.contains_placeholder():
            parts = list(value.iter_parts())
            if len(parts) != 1 or not hasattr(parts[0], "name"):
                self.wrong(place, "a placeholder must be the whole value: %name%")
                return None
            return Test("placeholder", (str(parts[0].name), field.type))
        if value.contains_special() or "*" in value.s or "?" in value.s:
            if field.type == "number":
                self.wrong(place, f"{field.name} is number: text patterns do not fit it")
                return None
            return _wild(value, cased)
        return self.exact(field, value.to_plain(), place, cased=cased)

    def within(self, text: str, place: Place) -> Expr | None:
        """Points as they are written, in any protocol that writes them so: kind, block and addresses (or the name) of one point."""
        from dissectors import read_point

        found: dict[Expr, None] = {}
        for protocol in self.names.registry:
            try:
                kind, block, first, last, name = read_point(protocol, text)
            except ValueError:
                continue
            asked = [Has("points.kind", (Test("in", frozenset([kind])),))]
            if block is not None:
                asked.append(Has("points.block", (Test("in", frozenset([block])),)))
            if name is not None:
                asked.append(Has("points.name", (Test("is", name),)))
            else:
                asked += [Has("points.first", (Test("gte", first),)), Has("points.last", (Test("lte", last),))]
            found[And(tuple(asked))] = None
        if not found:
            self.wrong(place, f'"{text}" is no point of a protocol that is known')
            return None
        return disjunction(tuple(found))

    def exact(self, field: Field, text: str, place: Place, *, cased: bool) -> Test | None:
        """Text as it is, of the field's type."""
        try:
            return literal(field.type, text, cased=cased)
        except ValueError:
            self.wrong(place, f'{field.name} is {field.type}: "{text}" is no possible value')
            return None

    def possible(self, field: Field, test: Test, place: Place, protocols: list[str]) -> None:
        """Says which values the registry does not know."""
        allowed = self.names.allowed(field.name, protocols)
        if allowed is None:
            return
        of = f" of {' or '.join(protocols)}" if protocols and field.name != "protocol" else ""
        if test.op in ("in", "is"):
            asked = test.value if test.op == "in" else [test.value]
            known = allowed | {name.casefold() for name in allowed}
            for value in sorted(str(v) for v in asked if v not in known):
                self.wrong(place, f'"{value}" is not a possible {field.name}{of}{near(value, allowed)}')
        elif test.op in ("regex", "contains", "startswith", "endswith") and not any(passes(test, name) for name in allowed):
            self.wrong(place, f"no {field.name}{of} fits this")


def literal(kind: str, text: str, *, cased: bool = False) -> Test:
    """The test that a value of this type equals the text; networks are allowed for addresses. ValueError: it can't be one."""
    if kind == "number":
        return Test("in", frozenset([int(text, 0)]))
    if kind == "ip":
        if "/" in text:
            return Test("cidr", str(ip_network(text)))
        return Test("in", frozenset([str(ip_address(text))]))
    if kind == "mac" and not _MAC.fullmatch(text):
        raise ValueError(text)
    return Test("is", text) if cased else Test("in", frozenset([fold(text)]))


def resolved(expr: Expr, placeholders: Mapping[str, Any]) -> Expr:
    """The tree with placeholders replaced. KeyError: one that nobody declared; ValueError: an impossible value."""
    match expr:
        case Has(tests=tests) if any(test.op == "placeholder" for test in tests):
            made: list[Test] = []
            for test in tests:
                if test.op == "placeholder":
                    name, kind = test.value
                    made.extend(literal(kind, str(value)) for value in placeholders[name] if not _other_address(kind, str(value)))
                else:
                    made.append(test)
            if not made:
                return False  # declared, and nobody is: nothing can be one of them
            return Has(expr.field, _merged(made, expr.every), expr.every)
        case And(parts=parts):
            return conjunction(tuple(resolved(part, placeholders) for part in parts))
        case Or(parts=parts):
            return disjunction(tuple(resolved(part, placeholders) for part in parts))
        case Not(part=part):
            return negation(resolved(part, placeholders))
        case Some(items=items):
            return Some(tuple(resolved(item, placeholders) for item in items))
    return expr


def _other_address(kind: str, text: str) -> bool:
    """Whether it is an address of the other kind: a device has both, and a rule asks for one."""
    return (kind == "ip" and _MAC.fullmatch(text) is not None) or (kind == "mac" and _MAC.fullmatch(text) is None)


def placeholders_of(expr: Expr) -> frozenset[str]:
    """The names of the placeholders in it."""
    match expr:
        case Has(tests=tests):
            return frozenset(test.value[0] for test in tests if test.op == "placeholder")
        case And(parts=parts) | Or(parts=parts) | Some(items=parts):
            return frozenset().union(*(placeholders_of(part) for part in parts))
        case Not(part=part):
            return placeholders_of(part)
    return frozenset()


def _merged(tests: list[Test], every: bool) -> tuple[Test, ...]:
    """The same with all plain values in one set, where one of them is enough."""
    if every:
        return tuple(tests)
    plain = frozenset(value for test in tests if test.op == "in" for value in test.value)
    others = tuple(test for test in tests if test.op != "in")
    return (Test("in", plain), *others) if plain else others


def _wild(value: Any, cased: bool) -> Test:
    """A Sigma string with wildcards: plain text with `*` before or behind it, or a pattern over the whole text."""
    from sigma.types import SpecialChars

    many, parts = SpecialChars.WILDCARD_MULTI, list(value.iter_parts())
    if not cased:
        match parts:
            case [a, str(text), b] if a is b is many:
                return Test("contains", text.casefold())
            case [str(text), b] if b is many:
                return Test("startswith", text.casefold())
            case [a, str(text)] if a is many:
                return Test("endswith", text.casefold())
    wild = {many: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    return Test("regex", ("(?s)" if cased else "(?is)") + r"\A" + "".join(wild.get(part) or re.escape(str(part)) for part in parts) + r"\z")


class _Detections:
    """What pySigma's selectors ask of a rule: the names of its searches."""

    def __init__(self, named: Mapping[str, Expr]) -> None:
        self.detections = named
        self.policy = None
