"""From rule files to a plan: read strictly, parsed by pySigma, checked against the registry, all problems at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rules import correlation, header, overrides
from rules.expression import Expr, disjunction
from rules.names import Names, Registry, near
from rules.overrides import Override, Overrides
from rules.plan import Change, Inactive, Plan, Problem, Rule, RuleErrors
from rules.plan import Sequence as Chain
from rules.sigma import Translator, placeholders_of, resolved
from rules.source import Document, Place, read

PLAN_VERSION = 2
"""Raised when the same rules give another plan, so that cached ones are made again."""

Placeholders = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Draft:
    """A document on its way to a rule."""

    document: Document
    file: str
    layer: int = 0
    expr: Expr = False
    problems: list[Problem] = field(default_factory=list)

    @property
    def data(self) -> Any:
        """The document's value."""
        return self.document.data

    def reference(self, correlated: Draft) -> str:
        """What a correlation calls it: its name or its id."""
        return next((one for one in correlation.references(correlated.data) if one in self.references), self.name)

    @property
    def references(self) -> tuple[str, ...]:
        """What others call it by: its id and its name."""
        return tuple(value for value in (self.data.get("id"), self.name) if isinstance(value, str))

    @property
    def name(self) -> str:
        """How other rules and people call it: its `name`, else its file's."""
        return str(self.data.get("name") or Path(self.file).stem)

    def wrong(self, place: Place, what: str) -> None:
        """Notes what is wrong at a place."""
        self.problems.append(Problem(file=self.document.file, line=self.document.line(place), what=what))


def catalog() -> Path:
    """The folder of the rules that come with Fieldtap."""
    from importlib.resources import files

    return Path(str(files("rules"))) / "catalog"


def rule_files(paths: Iterable[Path | str]) -> Iterator[tuple[Path, str]]:
    """The rule files in folders (sorted, at any depth) or given by name, each with its name relative to the folder."""
    for path in map(Path, paths):
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                if found.suffix in (".yml", ".yaml") and found.is_file():
                    yield found, found.relative_to(path).as_posix()
        else:
            yield path, path.name


def digest(paths: Iterable[Path | str], registry: Registry, placeholders: Placeholders, services: Collection[str] = ()) -> str:
    """SHA-256 of all that a plan is made from: a plan kept under it need not be made again."""
    total = hashlib.sha256(f"fieldtap rules {PLAN_VERSION}\n".encode())
    given = [registry, {name: list(values) for name, values in placeholders.items()}, sorted(services)]
    total.update(json.dumps(given, sort_keys=True, default=list).encode())
    for path, name in rule_files(paths):
        content = path.read_bytes() if path.is_file() else b""
        total.update(f"\n{name}\n{len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


def compile_rules(
    paths: Iterable[Path | str], registry: Registry, placeholders: Placeholders | None = None, services: Collection[str] = ()
) -> Plan:
    """Makes the plan of these rule files and folders.

    Where a later path has a rule with the id of an earlier one, the later rule stands; overrides (rules.overrides) change rules of any
    path. The plan says so. `registry` is `dissectors.protocols()`, `placeholders` gives the values of `%names%` (addresses may be
    networks), `services` are names of protocols besides the registry's. Raises RuleErrors with every problem.
    """
    paths = list(paths)
    known = placeholders or {}
    drafts, given, problems = _drafts(paths, Names(registry, services))
    changes: list[Change] = []
    drafts, hidden = _latest(drafts, changes)
    rules, inactive = _rules(drafts, known, overrides.by_target(given, (ref.lower() for d in drafts for ref in d.references)), changes)
    problems.extend(problem for draft in (*drafts, *hidden) for problem in draft.problems)
    if problems:
        raise RuleErrors(tuple(sorted(set(problems), key=lambda problem: (problem.file, problem.line, problem.what))))
    return Plan(
        rules=tuple(rules),
        inactive=tuple(inactive),
        kinds=Names(registry).kinds(),
        digest=digest(paths, registry, known, services),
        changes=tuple(changes),
    )


def check(
    paths: Iterable[Path | str], registry: Registry, placeholders: Placeholders | None = None, services: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Everything that is wrong with these rules; nothing where all is well."""
    try:
        compile_rules(paths, registry, placeholders, services)
    except RuleErrors as error:
        return error.problems
    return ()


def _drafts(paths: list[Path | str], names: Names) -> tuple[list[Draft], list[Override], list[Problem]]:
    """The documents of all files, headers and detections checked, and what overrides others."""
    problems: list[Problem] = []
    drafts: list[Draft] = []
    given: list[Override] = []
    seen: set[Path] = set()
    for layer, top in enumerate(paths):
        for path, file in rule_files([top]):
            if path.resolve() in seen:  # a file that is named twice is read once
                continue
            seen.add(path.resolve())
            for document in read(path, problems):
                draft = Draft(document=document, file=file, layer=layer)
                if overrides.is_override(document.data):
                    given.append(overrides.read(document, len(given), names, _noted(document, problems)))
                elif isinstance(document.data, Mapping):
                    drafts.append(draft)
                else:
                    problems.append(Problem(file=document.file, line=document.line(), what="a rule is a map"))
    for draft in drafts:
        header.check(draft.document, draft.wrong)
        if "correlation" in draft.data:
            correlation.check(draft.document, names, draft.wrong)
        else:
            _detection(draft, names)
    _unique(drafts)
    return drafts, given, problems


def _noted(document: Document, problems: list[Problem]) -> overrides.Wrong:
    """Notes what is wrong at a place of a document."""
    return lambda place, what: problems.append(Problem(file=document.file, line=document.line(place), what=what))


def _latest(drafts: list[Draft], changes: list[Change]) -> tuple[list[Draft], list[Draft]]:
    """The rules that stand, and those that a later path has anew."""
    last = {str(draft.data.get("id")).lower(): draft for draft in drafts}
    hidden = [draft for draft in drafts if "id" in draft.data and last[str(draft.data["id"]).lower()].layer > draft.layer]
    for old in hidden:
        new = last[str(old.data["id"]).lower()]
        what = f"replaced: {old.file} stands no longer"
        changes.append(Change(str(old.data["id"]), str(new.data.get("title")), what, new.document.file, new.document.line()))
    gone = {id(draft) for draft in hidden}
    return [draft for draft in drafts if id(draft) not in gone], hidden


def _detection(draft: Draft, names: Names) -> None:
    header.logsource(draft.document, draft.wrong)
    detection = draft.data.get("detection")
    if not isinstance(detection, Mapping):
        draft.wrong(("detection",), "detection is missing, or no map")
    else:
        draft.expr = Translator(draft.document, names, draft.wrong).expression(detection)


def _unique(drafts: list[Draft]) -> None:
    """Says which rules have the same id or the same name."""
    for key in ("id", "name"):
        seen: dict[str, Draft] = {}
        for draft in drafts:
            value = draft.data.get(key)
            if not isinstance(value, str):
                continue
            first = seen.setdefault(value.lower(), draft)
            if first is not draft and first.layer < draft.layer and first.data.get("id") == draft.data.get("id"):
                seen[value.lower()] = draft  # a later path's rule stands for an earlier one's
            elif first is not draft:
                draft.wrong((key,), f"{key} {value} is already that of {first.document.file}:{first.document.line((key,))}")


def _rules(
    drafts: list[Draft], placeholders: Placeholders, given: Mapping[str, Overrides], changes: list[Change]
) -> tuple[list[Rule], list[Inactive]]:
    """The rules that alert, in the order of their files: those of one transaction and correlations; a base rule only if it asks to."""
    by_reference = {ref: draft for draft in drafts for ref in (draft.data.get("id"), draft.data.get("name")) if isinstance(ref, str)}
    bases = {draft: found for draft, found in ((d, _bases(d, by_reference)) for d in map(_Key, drafts)) if found is not None}
    silent = {base for key, found in bases.items() if not correlation.generates(key.draft.data) for base in map(_Key, found)}
    loud = {base for key, found in bases.items() if correlation.generates(key.draft.data) for base in map(_Key, found)}
    rules: list[Rule] = []
    inactive: list[Inactive] = []
    for key in map(_Key, drafts):
        if key in silent and key not in loud:
            continue
        own = overrides.joined(given, (ref.lower() for ref in key.draft.references))
        said: list[Change] = []
        made = [_rule(key.draft, some, placeholders, own, said) for some in _counted_apart(key.draft, bases.get(key))]
        if own.disabled is not None:
            changes.append(own.disabled.change(str(key.draft.data.get("id")), str(key.draft.data.get("title")), "disabled"))
            continue
        changes.extend(said)
        waiting = [one for one in made if isinstance(one, Inactive)]
        inactive.extend(waiting[:1])
        rules.extend(one for one in made if isinstance(one, Rule) and not waiting)
    return rules, inactive


@dataclass(frozen=True, slots=True)
class _Key:
    """A draft as a key: by identity."""

    draft: Draft

    def __hash__(self) -> int:
        return id(self.draft)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.draft is self.draft


def _bases(key: _Key, by_reference: Mapping[str, Draft]) -> list[Draft] | None:
    """The rules that a correlation counts; None for a rule that is no correlation."""
    draft = key.draft
    if "correlation" not in draft.data:
        return None
    found: list[Draft] = []
    for index, reference in enumerate(correlation.references(draft.data)):
        base = by_reference.get(reference)
        if base is None:
            draft.wrong(("correlation", "rules", index), f'no rule has the name or id "{reference}"')
        elif "correlation" in base.data:
            draft.wrong(("correlation", "rules", index), f'"{reference}" is a correlation itself: only rules on transactions are counted')
        else:
            found.append(base)
    return found


def _rule(draft: Draft, bases: list[Draft] | None, placeholders: Placeholders, own: Overrides, changes: list[Change]) -> Rule | Inactive:
    """One rule that alerts, with its placeholders replaced and what a site says of it."""
    count = None if bases is None else correlation.count(draft.data, bases[0].reference(draft) if len(bases) == 1 else None)
    expr, missing = _resolve(draft, [draft] if bases is None else bases, placeholders)
    chain = None if bases is None else _chain(draft, bases, placeholders)
    if chain is not None:
        reason = correlation.told(chain, correlation.groups(draft.data))
    else:
        reason = header.spelled(draft.data.get("detection")) if count is None else correlation.reason(count)
    if count is not None:
        correlation.countable(expr, draft.wrong)
    alert = header.alert(draft.document, draft.name, reason, draft.file, draft.wrong)
    evidence = header.evidence(draft.data, draft.wrong)
    if missing is not None:
        return Inactive(rule=alert.rule, title=alert.title, placeholder=missing, file=draft.file, line=alert.line)
    expr = own.expr(alert, expr, count, placeholders, changes)
    return Rule(
        id=alert.rule,
        name=draft.name,
        title=alert.title,
        description=str(draft.data.get("description") or ""),
        status=str(draft.data.get("status") or "test"),
        alert=own.alert(alert, changes),
        expr=expr,
        counted=count,
        evidence=evidence,
        sequence=chain,
    )


def _counted_apart(draft: Draft, bases: list[Draft] | None) -> list[list[Draft] | None]:
    """The rules of a correlation together, or each by itself where they are counted in groups of different fields (aliases)."""
    apart = bases and correlation.has_aliases(draft.data) and draft.data["correlation"].get("type") in correlation.COUNTS
    return [[base] for base in bases] if apart and bases else [bases]


def _chain(draft: Draft, bases: list[Draft], placeholders: Placeholders) -> Chain | None:
    """The steps of a sequence, each with its placeholders replaced; what is wrong with those is said where they are joined."""
    declared = dict.fromkeys(header.optional(draft.data, lambda _place, _what: None), ()) | dict(placeholders)
    steps = []
    for base in bases:
        try:
            steps.append((base.reference(draft), resolved(base.expr, declared)))
        except (KeyError, ValueError):
            steps.append((base.reference(draft), False))
    return correlation.sequence(draft.data, steps)


def _resolve(draft: Draft, bases: list[Draft], placeholders: Placeholders) -> tuple[Expr, str | None]:
    """The expressions joined, and the first placeholder that nobody declared and the rule can't do without."""
    optional = header.optional(draft.data, draft.wrong)
    used = frozenset().union(*(placeholders_of(base.expr) for base in bases))
    for index, name in enumerate(optional):
        if name not in used:
            draft.wrong(("fieldtap", "optional", index), f'no detection asks for "%{name}%"{near(name, used)}')
    declared = dict.fromkeys(optional, ()) | dict(placeholders)
    try:
        return disjunction(tuple(resolved(base.expr, declared) for base in bases)), None
    except KeyError as error:
        return False, str(error.args[0])
    except ValueError as error:
        draft.wrong(("detection",), f"a placeholder has an impossible value: {error}")
        return False, None
