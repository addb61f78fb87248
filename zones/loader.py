"""From a policy file to a `Policy`: read strictly, everything that is wrong said at once."""

from __future__ import annotations

import hashlib
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from zones.document import Document, Path, read
from zones.model import Policy, PolicyError, Problem
from zones.vocabulary import Vocabulary, suggestion, vocabulary

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from zones.schema import Part, PolicyEntry

MAX_ROUNDS = 6
"""How often what is wrong is left out and the rest looked at again, so that errors of shape don't hide errors of meaning."""


class Report:
    """Collects problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def error(self, line: int, what: str) -> None:
        """An error: the policy can't be used."""
        self._add(Problem(self.file, line, what))

    def warning(self, line: int, what: str) -> None:
        """Probably not what is meant."""
        self._add(Problem(self.file, line, what, "warning"))

    def note(self, line: int, what: str) -> None:
        """How something was understood."""
        self._add(Problem(self.file, line, what, "note"))

    def _add(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    @property
    def errors(self) -> list[Problem]:
        """Only the errors, by line."""
        return [problem for problem in self.sorted if problem.level == "error"]

    @property
    def sorted(self) -> list[Problem]:
        """All, by line; where there are errors only those, for what else seems odd may be their doing."""
        wrong = any(problem.level == "error" for problem in self.problems)
        said = [problem for problem in self.problems if problem.level == "error" or not wrong]
        return sorted(said, key=lambda problem: problem.line)


def compile_policy(path: str, words: Vocabulary | None = None) -> Policy:
    """The policy in the file at `path`. Raises PolicyError with all errors; OSError where the file can't be read."""
    return compile_bytes(path, FilePath(path).read_bytes(), words)


def compile_bytes(path: str, data: bytes, words: Vocabulary | None = None) -> Policy:
    """The policy that a file at `path` with these bytes would be. Raises PolicyError with all errors."""
    report, policy = _load(path, data, words)
    if report.errors or policy is None:
        raise PolicyError(report.errors)
    return policy


def judged(path: str, document: Document, words: Vocabulary | None = None) -> list[Problem]:
    """Errors, warnings and notes on what a document says that wasn't read from a policy's file; `path` is where its lines are."""
    report = Report(path)
    document.remember()
    entry = _shape(document, report)
    if entry is not None:
        from zones.resolve import resolve

        resolve(entry, document, report, words or vocabulary(), "")
    return report.sorted


def check(path: str, words: Vocabulary | None = None) -> list[Problem]:
    """Errors, warnings and notes by line. A file that can't be read is an error on line 1."""
    try:
        report, _ = _load(path, FilePath(path).read_bytes(), words)
    except OSError as error:
        return [Problem(path, 1, f"can't be read: {error.strerror}")]
    return report.sorted


def _load(path: str, data: bytes, words: Vocabulary | None) -> tuple[Report, Policy | None]:
    report = Report(path)
    document = read(data, report.error)
    if document is None:
        return report, None
    if not isinstance(document.data, dict):
        report.error(1, "a policy is a mapping that begins with fieldtap: 1")
        return report, None
    document.remember()
    entry = _shape(document, report)
    if entry is None:
        return report, None
    from zones.resolve import resolve

    return report, resolve(entry, document, report, words or vocabulary(), hashlib.sha256(data).hexdigest())


def _shape(document: Document, report: Report) -> PolicyEntry | None:
    """Validates the shape; what is wrong is reported and left out, so that errors of shape don't hide errors of meaning."""
    from pydantic import ValidationError

    from zones.schema import PolicyEntry

    for turn in range(MAX_ROUNDS):
        try:
            return PolicyEntry.model_validate(document.data)
        except ValidationError as error:
            wrong = error.errors(include_url=False)
        places = [_path(document, detail["loc"]) for detail in wrong]
        for detail, path in zip(wrong, places, strict=True):
            if turn == 0:
                report.error(document.line(path), _say(detail, path))
        if not _leave_out(document, [p[:-1] if d["type"] == "missing" else p for d, p in zip(wrong, places, strict=True)]):
            return None
    return None


def _path(document: Document, loc: tuple[int | str, ...]) -> Path:
    """A place in the file from pydantic's, which also names keys themselves, and items of what was written as one."""
    path: list[str | int] = []
    node: Any = document.data
    for step in loc:
        if _has(node, step):
            node = node[step]
        elif isinstance(node, dict) and isinstance(step, int):
            continue  # one mapping where a list of them may stand
        else:
            if isinstance(node, dict) and step != "[key]":
                path.append(step)
            break
        path.append(step)
    return tuple(path)


def _has(node: object, step: str | int) -> bool:
    return step in node if isinstance(node, dict) else isinstance(node, list) and isinstance(step, int) and step < len(node)


def _leave_out(document: Document, places: list[Path]) -> bool:
    """Takes these parts out; false where nothing would be left."""
    wanted = set(places)
    if () in wanted:
        return False
    document.leave_out([path for path in wanted if not any(path[:length] in wanted for length in range(1, len(path)))])
    return True


def _say(detail: ErrorDetails, path: Path) -> str:
    """An error of shape in words."""
    kind, here = detail["type"], _named(path)
    if kind == "value_error":
        what = str(detail["ctx"]["error"])
        return f"{here} {what}" if what.startswith("must be") else what
    if kind == "missing":
        return f'{_named(path[:-1])} lacks "{path[-1]}"'
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"{here} must be a mapping"
    if kind == "list_type":
        return f"{here} must be a list"
    if kind == "too_short":
        return f"{here} is empty"
    return f"{here}: {detail['msg']}"


def _named(path: Path) -> str:
    """A part for people: `conduits[2] allow[1] values`."""
    said = ""
    for step in path:
        said += f"[{step + 1}]" if isinstance(step, int) else f" {step}"
    return said.strip() or "the policy"


def _unknown_key(path: Path) -> str:
    key = str(path[-1])
    place = "the policy" if len(path) == 1 else _named(path[:-1])
    fields = [field.alias or name for name, field in _model(path[:-1]).model_fields.items()]
    return f'"{key}" is not a key of {place}{suggestion(key, fields)}'


def _model(path: Path) -> type[Part]:
    """The model of the mapping at `path`."""
    from zones import schema

    if not path:
        return schema.PolicyEntry
    if path[-1] == "values":
        return schema.LimitsEntry
    if "rate" in path[-2:]:
        return schema.RateEntry
    if path[0] in ("conduits", "exceptions") and len(path) > 2:
        return schema.LineEntry
    if path[0] in _MODELS:
        return getattr(schema, _MODELS[path[0]])  # type: ignore[no-any-return]
    return schema.ZoneEntry


_MODELS = {"assets": "AssetEntry", "conduits": "ConduitEntry", "exceptions": "ExceptionEntry", "schedules": "WindowEntry"}
