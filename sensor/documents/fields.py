"""The table of fields: fields.tsv, one line a field.

`type` is Elasticsearch's, with `[]` where a document has a list. `records` says which records have the field: finding, transaction, asset
(something about an asset is new), current (what is known of it now), sensor, or all. `from` says where its value comes from: a path in the
record (`client.ip`), `=name` a function of sensor.documents.derived, `~name` what holds of an asset, `$name` what the sender knows (who and
where it is, the time), `-` what the object around it brings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).with_name("fields.tsv")
RECORDS: Final = ("finding", "transaction", "asset", "current", "sensor")
SCHEMA_VERSION: Final = 1
"""Of the documents; it grows when a field changes its meaning or goes."""
ECS_VERSION: Final = "8.17.0"


@dataclass(frozen=True, slots=True)
class Field:
    """A line of the table."""

    name: str
    type: str
    many: bool
    records: frozenset[str]
    source: str
    meaning: str

    @property
    def own(self) -> bool:
        """Ours, not ECS's."""
        return self.name.startswith("fieldtap.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Where records of one kind go. `dataset`: of a data stream, or the name of an index (no `type`); `days`: how long it is kept."""

    record: str
    type: str | None
    dataset: str
    days: int | None

    def name(self, namespace: str) -> str:
        """Of the data stream or index."""
        return f"{self.dataset}-{namespace}" if self.type is None else f"{self.type}-{self.dataset}-{namespace}"

    @property
    def pattern(self) -> str:
        """All namespaces."""
        return self.name("*")


STREAMS: Final[Mapping[str, Stream]] = {
    "alert": Stream(record="finding", type="logs", dataset="fieldtap.alert", days=365),
    "violation": Stream(record="finding", type="logs", dataset="fieldtap.zone_violation", days=365),
    "coverage": Stream(record="finding", type="logs", dataset="fieldtap.coverage", days=90),
    "asset": Stream(record="asset", type="logs", dataset="fieldtap.asset", days=180),
    "current": Stream(record="current", type=None, dataset="fieldtap-assets", days=None),
    "sensor": Stream(record="sensor", type="metrics", dataset="fieldtap.sensor", days=90),
    "transaction": Stream(record="transaction", type="logs", dataset="fieldtap.transaction", days=30),
}
"""By class of the outbox, in the order in which they are sent."""

CLASSES: Final[Mapping[str, str]] = {"alert": "alert", "violation": "violation", "coverage": "coverage", "health": "coverage"}
"""Kind of a finding → class of the outbox."""


@cache
def fields() -> Sequence[Field]:
    """All fields, in the order of the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    return tuple(_field(*line.split("\t")) for line in lines)


def fields_of(record: str) -> Sequence[Field]:
    """Those that records of this kind have."""
    return [field for field in fields() if record in field.records]


def _field(name: str, kind: str, records: str, source: str, meaning: str) -> Field:
    having = frozenset(RECORDS if records == "all" else records.split())
    return Field(name, kind.removesuffix("[]"), kind.endswith("[]"), having, source, meaning)
