"""YAML, read strictly: nothing is guessed, nothing is said twice, and every value knows its line.

YAML 1.2's core schema: `yes`, `010`, `12:30` and dates are text. Tags, anchors, merge keys and doubled keys are errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules.plan import Problem

if TYPE_CHECKING:
    import yaml

MAX_FILE_BYTES = 1 << 20
"""A rule file larger than this is refused."""

MAX_DEPTH = 32
"""Values nested deeper than this are refused."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}

Place = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """One YAML document: its value, and the line of each value by its place (keys and indices from the top)."""

    file: str
    data: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place = ()) -> int:
        """The line of a place, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(path: Path, problems: list[Problem]) -> list[Document]:
    """The documents of a file; what is wrong goes to `problems`, and then the file gives none."""
    name = str(path)
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except OSError as error:
        problems.append(Problem(file=name, line=1, what=f"cannot be read: {error.strerror}"))
        return []
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.append(Problem(file=name, line=line, what="is not UTF-8"))
        return []
    if len(raw) > MAX_FILE_BYTES:
        problems.append(Problem(file=name, line=1, what=f"is larger than {MAX_FILE_BYTES} bytes"))
        return []
    return parse(name, text, problems)


def parse(name: str, text: str, problems: list[Problem]) -> list[Document]:
    """The documents of a text that stands in the file `name`."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    before = len(problems)
    try:
        nodes = list(yaml.compose_all(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.append(Problem(file=name, line=1 if mark is None else mark.line + 1, what=f"is no YAML: {error.problem}"))
        return []
    except (yaml.YAMLError, RecursionError) as error:
        problems.append(Problem(file=name, line=1, what=f"is no YAML: {error}"))
        return []
    documents = [_Reader(name, problems).document(node) for node in nodes if node is not None]
    return documents if len(problems) == before else []


class _Reader:
    """Turns one document's nodes into values."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.seen: set[int] = set()
        self.lines: dict[Place, int] = {}

    def document(self, node: yaml.Node) -> Document:
        """A document, with the lines of its values."""
        return Document(file=self.file, data=self.value(node, ()), lines=self.lines)

    def wrong(self, node: yaml.Node, what: str) -> None:
        """Notes a problem at a node."""
        self.problems.append(Problem(file=self.file, line=node.start_mark.line + 1, what=what))

    def value(self, node: yaml.Node, place: Place) -> Any:
        """A node's value; its place is kept with its line."""
        import yaml

        self.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in self.seen:
            self.wrong(node, "anchors and aliases are not allowed")
            return None
        self.seen.add(id(node))
        if len(place) > MAX_DEPTH:
            self.wrong(node, f"is nested deeper than {MAX_DEPTH}")
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        """A map, its keys checked."""
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self.wrong(key_node, "a key must be text")
                continue
            if key in made:
                self.wrong(key_node, f'"{key}" stands here twice')
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            made[key] = self.value(value_node, (*place, key))
        return made

    def scalar(self, node: yaml.Node) -> Any:
        """A single value, by YAML 1.2's core schema."""
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith((":binary", ":set", ":omap", ":pairs")):
            self.wrong(node, f"tag {node.tag} is not allowed")
            return None
        text = str(node.value)
        if getattr(node, "style", None):  # quoted or a block
            return text
        if text.lower() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
            return _WORDS[text.lower()]
        if _INT.fullmatch(text):
            return int(text, 16) if text.startswith("0x") else int(text)
        return float(text) if _FLOAT.fullmatch(text) else text
