"""What we and peers say about a capture, as far as it is the same for every protocol; each protocol's folder has the rest."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dissectors import Engine

Line = dict[str, Any]
Said = TypeVar("Said", bound=Hashable)
Row = Mapping[str, list[str]]
"""A frame: each field's values in order, as tshark writes them."""


def each(names: list[str]) -> pytest.MarkDecorator:
    """A test for each capture, called by the end of its name."""
    return pytest.mark.parametrize("name", names, ids=[name.rpartition("__")[2] if "__" in name else name for name in names])


@cache
def all_lines(path: Path) -> Sequence[Line]:
    """All our transactions of a capture, as they are written."""
    said = []
    for batch in Engine(follow=True, threads=1, digest=False).replay(path):
        said += [json.loads(t.to_json()) for t in batch.transactions]
    return said


def lines(path: Path, protocols: Collection[str]) -> Sequence[Line]:
    """Those of these protocols."""
    return [line for line in all_lines(path) if line["protocol"] in protocols]


@cache
def tshark_rows(path: Path, fields: tuple[str, ...], only: str, options: tuple[str, ...] = ()) -> Sequence[Row]:
    """What tshark says, a row a frame that the filter `only` takes. Nothing where tshark isn't installed."""
    tool = shutil.which("tshark")
    if tool is None:
        return []
    command = [tool, "-n", *options, "-r", str(path), "-Y", only, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"]
    command += [part for name in fields for part in ("-e", name)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [_row(fields, line.split("\t")) for line in said.splitlines()]


def tshark_stored(path: Path, fields: tuple[str, ...]) -> Sequence[Row]:
    """The same as published beside the capture, as far as it has these fields."""
    (table,) = expected(path).glob("tshark-*/pdus.tsv.gz")
    rows = csv.DictReader(io.StringIO(gzip.decompress(table.read_bytes()).decode()), delimiter="\t")
    return [_row(fields, [row.get(name) or "" for name in fields]) for row in rows]


def _row(names: Sequence[str], values: Sequence[str]) -> Row:
    return {name: [part for part in value.split(",") if part] for name, value in zip(names, values, strict=False)}


def number(text: str) -> int:
    """A number as tshark writes it."""
    return int(text in ("True", "1")) if text in ("True", "False") else int(text, 0)


def compared(ours: Counter[Said], theirs: Counter[Said]) -> Iterator[tuple[str, Said]]:
    """What only we say, then what only they say, as often as it is said."""
    for whose, more in (("ours", ours - theirs), ("theirs", theirs - ours)):
        for said in more.elements():
            yield whose, said


def expected(path: Path) -> Path:
    """Where peers' expectations about a capture are."""
    return path.with_name(path.name + ".expected")


def read(place: Path) -> str:
    """A published text, packed or not."""
    data = place.read_bytes()
    return (gzip.decompress(data) if place.suffix == ".gz" else data).decode("utf-8", "replace")


def zeek_log(path: Path, name: str) -> list[dict[str, str | None]] | None:
    """A published Zeek log (plain or gzipped) as rows; None where the capture has none. `-` is None."""
    found = [place for pattern in (f"*/{name}.log", f"*/{name}.log.gz") for place in expected(path).glob(pattern)]
    if not found:
        return None
    fields: list[str] = []
    rows = []
    for line in read(found[0]).splitlines():
        if line.startswith("#fields"):
            fields = line.split("\t")[1:]
        elif line and not line.startswith("#"):
            values = [None if value == "-" else value for value in line.split("\t")]
            rows.append(dict(zip(fields, values, strict=False)) if fields else {str(n): value for n, value in enumerate(values)})
    return rows
