"""The zones of a list as a policy's text: a new policy, or one whose zones are replaced while everything else stays byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from zones.document import Document, read
from zones.loader import compile_bytes, judged
from zones.model import PolicyError, Problem
from zones.vocabulary import Vocabulary
from zones.zone_list import Listed, read_list

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_NUMBER: Final = re.compile(r"[0-9]{1,4}|3\.5")
_NETWORK: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?")
_WORDS: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
"""Texts that other readers of YAML take for something else."""
_WIDTH: Final = 140

HEAD: Final = """# The zones of {name}. What is not said is decided so: inside a zone everything is allowed, between zones nothing, unless a
# conduit allows it. Conduits are still to be written; `fieldtap zones init -` shows how.
fieldtap: 1
site: {site}
timezone: UTC
"""


def new_policy(path: str, words: Vocabulary | None = None) -> str:
    """A policy of the zones in the list at `path`. Raises PolicyError with all that is wrong with it, OSError where it can't be read."""
    listed, assets = _listed(path, {}, words)
    name = FilePath(path).name
    head = HEAD.format(name=name.encode("ascii", "backslashreplace").decode(), site=text_of(FilePath(path).stem))
    blocks = ["\n".join(_block("zones", _zones(listed.zones, "  "))), "\n".join(_block("assets", _assets(assets, "  ")))]
    return f"{head}\n" + "\n\n".join(block for block in blocks if block) + "\n"


def with_zones(policy: str, path: str, words: Vocabulary | None = None) -> str:
    """The text of a policy with its zones replaced by those of the list at `path`, and assets added that it names with addresses. Raises
    PolicyError with everything that is wrong with either, OSError where one can't be read."""
    data = FilePath(policy).read_bytes()
    compile_bytes(policy, data, words)  # what is to be changed has to be sound
    document = read(data, lambda *_: None)
    assert document is not None
    listed, assets = _listed(path, document.data.get("assets") or {}, words)
    lines = data.decode("utf-8-sig").splitlines(keepends=True)
    made = _replaced(policy, document, lines, [("zones", listed.zones), ("assets", assets)])
    text = "".join(line for line, _ in made)
    try:
        compile_bytes(policy, text.encode(), words)
    except PolicyError as error:
        raise PolicyError([_where(problem, made, path) for problem in error.problems]) from None
    return text


def _listed(path: str, assets: Mapping[str, Any], words: Vocabulary | None) -> tuple[Listed, dict[str, dict[str, list[str]]]]:
    """The list, and assets that are new in it. Raises PolicyError."""
    problems: list[Problem] = []

    def report(line: int, what: str) -> None:
        problems.append(Problem(path, line, what))

    listed = read_list(FilePath(path).read_bytes(), report)
    new = listed.new_assets(assets, report)
    if not listed.zones and not problems:
        report(1, "the list has no zones")
    if listed.zones:
        problems += [problem for problem in judged(path, listed.document(assets), words) if problem.level == "error"]
    if problems:
        raise PolicyError(sorted(problems, key=lambda problem: problem.line))
    return listed, new


def _where(problem: Problem, made: list[tuple[str, int]], path: str) -> Problem:
    """A problem of the text that was made, where its reader finds it: on the line that it had before, or in the list."""

    def before(line: int) -> int:
        return made[min(line, len(made)) - 1][1]

    def named(found: re.Match[str]) -> str:
        line = before(int(found[1]))
        return f"line {line}" if line else f"in {FilePath(path).name}"

    line, what = before(problem.line), re.sub(r"\bline ([0-9]+)", named, problem.what)
    return Problem(problem.file, line, what) if line else Problem(path, 1, what)


def _replaced(policy: str, document: Document, lines: list[str], blocks: list[tuple[str, Any]]) -> list[tuple[str, int]]:
    """The policy's lines with their numbers (0: made here)."""
    starts = sorted(document.line((key,)) for key in document.data)
    if len(set(starts)) < len(starts) or any(lines[start - 1][:1] in " {" for start in starts):
        what = "zones can only be replaced where each part (zones:, assets: …) begins a line of its own"
        raise PolicyError([Problem(policy, starts[0], what)])
    made = [(line, number) for number, line in enumerate(lines, 1)]
    for key, value in reversed(blocks):
        if key == "zones":
            begin, end = _stretch(document.line((key,)), starts, lines)
            made[begin:end] = [(f"{line}\n", 0) for line in _block(key, _zones(value, "  "))]
        elif value:
            made = _with_assets(document, made, starts, lines, value)
    return made


def _stretch(start: int, starts: list[int], lines: list[str]) -> tuple[int, int]:
    """Where a part begins and ends: comments and empty lines before the next one are that one's."""
    end = next((other for other in starts if other > start), len(lines) + 1) - 1
    while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return start - 1, end


def _with_assets(
    document: Document, made: list[tuple[str, int]], starts: list[int], lines: list[str], new: Mapping[str, Any]
) -> list[tuple[str, int]]:
    """Assets added at the end of the policy's; where it has none, or not a line for each, they are written anew."""
    held: dict[str, Any] = document.data.get("assets") or {}
    if not held:
        begin, end = _stretch(document.line(("zones",)), starts, lines)
        return [*made[:end], ("\n", 0), *((f"{line}\n", 0) for line in _block("assets", _assets(new, "  "))), *made[end:]]
    begin, end = _stretch(document.line(("assets",)), starts, lines)
    first = lines[document.line(("assets", next(iter(held)))) - 1]
    indent = first[: len(first) - len(first.lstrip())]
    if indent and not made[end - 1][0].endswith("\n"):
        made[end - 1] = f"{made[end - 1][0]}\n", made[end - 1][1]
    added = _assets(new, indent) if indent else _block("assets", _assets({**held, **new}, "  "))
    return [*made[: end if indent else begin], *((f"{line}\n", 0) for line in added), *made[end:]]


def _block(key: str, lines: Iterable[str]) -> Iterator[str]:
    made = list(lines)
    yield from [f"{key}:", *made] if made else []


def _zones(zones: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, said in zones.items():
        inner = said.get("zones")
        parts = [f"{key}: {_value(key, value)}" for key, value in said.items() if key != "zones"]
        line = f"{indent}{text_of(name)}: {{{', '.join(parts)}}}"
        if not inner and len(line) <= _WIDTH:
            yield line
            continue
        yield f"{indent}{text_of(name)}:"
        yield from (f"{indent}  {part}" for part in parts)
        if inner:
            yield f"{indent}  zones:"
            yield from _zones(inner, f"{indent}    ")


def _assets(assets: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, said in assets.items():
        yield f"{indent}{text_of(name)}: {{{', '.join(f'{key}: {_value(key, value)}' for key, value in said.items())}}}"


def _value(key: str, value: str | list[str]) -> str:
    if not isinstance(value, list):
        return text_of(value, number=key in ("level", "security_level"))
    items = [text_of(one, number=key == "vlans") for one in value]
    return items[0] if len(items) == 1 and key in ("ip", "mac", "role") else f"[{', '.join(items)}]"


def text_of(value: str, *, number: bool = False) -> str:
    """A text as YAML: bare where every reader takes it for the same text, else between quotation marks."""
    bare = _NUMBER.fullmatch(value) if number else _NETWORK.fullmatch(value) or (_PLAIN.fullmatch(value) and value.lower() not in _WORDS)
    return value if bare else f'"{"".join(map(_escaped, value))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
