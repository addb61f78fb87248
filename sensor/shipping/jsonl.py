"""Documents as JSON lines: the same that Elasticsearch gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.outbox import Item, now

if TYPE_CHECKING:
    from sensor.documents.make import Maker


class Documents:
    """A form of lines (sensor.shipping.files)."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    def head(self) -> bytes:
        """None."""
        return b""

    def line(self, item: Item) -> bytes:
        """A document, in which no line ends."""
        import orjson

        known = f"{self._maker.name}.{item.id}"
        record = orjson.loads(item.document)
        return orjson.dumps(self._maker.document(item.of, record, known=known, created=item.at, ingested=now())) + b"\n"
