"""Elasticsearch as an output: bulk requests, and what their answers mean.

`create` with an id of ours makes sending twice harmless within one backing index only, so a batch whose answer was lost is looked up by its
ids over the whole stream first.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from sensor.documents.fields import STREAMS, Stream
from sensor.documents.make import Maker
from sensor.documents.mapping import REFRESH_SECONDS
from sensor.outbox import Item, now
from sensor.shipping.output import Attempt

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

MOST: Final = 1_000
MOST_BYTES: Final = 4 << 20
"""Of records; their documents are up to twice as large."""
LONGEST_ID: Final = 512
CLOCK_SECONDS: Final = 3_600
"""How often the cluster's clock is compared."""
_ANSWER: Final = "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason,items.*.failure_store"
_RETRIED: Final = frozenset({401, 403, 404, 408, 429})
_LOST: Final = frozenset({408, 500, 502, 503, 504})
"""Answers that may come from something in between, after the request was taken."""


class ElasticOutput:
    """A cluster. `compare_clocks`: state the difference in each document."""

    def __init__(
        self, client: Elasticsearch, maker: Maker, classes: Sequence[str], *, name: str = "elasticsearch", most: int = MOST,
        most_bytes: int = MOST_BYTES, compare_clocks: bool = True,
    ) -> None:  # fmt: skip
        self.name = name
        self.classes = classes
        self.most = most
        self.most_bytes = most_bytes
        self.maker = maker
        self._actions = {of: _action(stream, maker.namespace) for of, stream in STREAMS.items()}
        self._client = client.options(max_retries=0)
        self._compared: float | None = None if compare_clocks else float("inf")
        self._may_refresh = True
        self.seconds_waited = 0.0
        """In the client and the cluster, for the bench."""

    def resume(self, place: str | None) -> None:
        """The cluster knows what it has."""

    def place(self) -> str | None:
        """None: it is asked."""
        return None

    def close(self) -> None:
        """Closes connections."""
        self._client.close()

    def deliver(self, items: Sequence[Item], doubtful: bool) -> Attempt:
        """One bulk request, more where the cluster finds it too large."""
        from elasticsearch import ApiError, TransportError

        self._clock()
        sending = _Sending(self, items)
        try:
            if doubtful:
                sending.leave_out(self._present(items))
        except (ApiError, TransportError) as error:
            return Attempt(left=range(len(items)), trouble=_said(self.name, error), doubtful=True)
        sending.send(sending.places())
        return sending.attempt()

    def bulk(self, operations: Sequence[bytes]) -> list[dict[str, Any]]:
        """The answer's items. Raises what the client raises."""
        began = time.perf_counter()
        try:
            answer = self._client.bulk(operations=cast("Any", b"\n".join(operations) + b"\n"), filter_path=_ANSWER)
        finally:
            self.seconds_waited += time.perf_counter() - began
        return [next(iter(item.values())) for item in answer.body["items"]]

    def lines(self, item: Item, ingested: str) -> tuple[bytes, bytes]:
        """Action and document. Raises ValueError and what a record that is none raises."""
        import orjson

        known = self.document_id(item)
        made = self.maker.document(item.of, orjson.loads(item.document), known=known, created=item.at, ingested=ingested)
        return self._actions[item.of] % orjson.dumps(known), orjson.dumps(made)

    def document_id(self, item: Item) -> str:
        """The sensor's name and the item's id, within Elasticsearch's limit."""
        known = f"{self.maker.name}.{item.id}"
        if len(known.encode()) <= LONGEST_ID:
            return known
        from hashlib import blake2b

        return blake2b(known.encode(), digest_size=16).hexdigest()

    def _present(self, items: Sequence[Item]) -> set[int]:
        """Which of them the stream holds already, in any of its backing indices."""
        stream = STREAMS[items[0].of]
        if stream.type is None:
            return set()
        name = stream.name(self.maker.namespace)
        self._refresh(name)
        ids = [self.document_id(item) for item in items]
        answer = self._client.search(
            index=name, ignore_unavailable=True, query={"ids": {"values": ids}}, source=False, size=len(ids),
            filter_path="hits.hits._id,_shards.failed,timed_out", allow_partial_search_results=False,
        )  # fmt: skip
        found = {hit["_id"] for hit in (answer.body.get("hits") or {}).get("hits") or ()}
        return {place for place, known in enumerate(ids) if known in found}

    def _refresh(self, stream: str) -> None:
        """A search finds what was refreshed. A sensor with least rights can't ask for that and waits until it happens by itself."""
        from elasticsearch import AuthorizationException

        if self._may_refresh:
            try:
                self._client.indices.refresh(index=stream, ignore_unavailable=True)
                return
            except AuthorizationException:
                self._may_refresh = False
        time.sleep(REFRESH_SECONDS + 1)

    def _clock(self) -> None:
        """How far the cluster's clock is from ours, where we may ask."""
        from elasticsearch import ApiError, TransportError

        if self._compared is not None and time.monotonic() - self._compared < CLOCK_SECONDS:
            return
        try:
            self.maker.clock_offset_ms = clock_offset_ms(self._client)
        except (ApiError, TransportError):
            return  # sending says what is wrong
        self._compared = time.monotonic()


def _action(stream: Stream, namespace: str) -> bytes:
    """What stands before a document in a bulk request, with a place for the _id."""
    op = "index" if stream.type is None else "create"
    return b'{"%s":{"_index":"%s","_id":%%s}}' % (op.encode(), stream.name(namespace).encode())


def clock_offset_ms(client: Elasticsearch) -> int | None:
    """The cluster's clock minus ours; None where it doesn't say its time."""
    before = time.time()
    answer = client.nodes.stats(node_id="_local", metric="os", filter_path="nodes.*.timestamp")
    middle = (before + time.time()) / 2
    times = [node["timestamp"] for node in (answer.body.get("nodes") or {}).values()]
    return round(times[0] - middle * 1000) if times else None


class _Sending:
    """One attempt at a batch."""

    def __init__(self, output: ElasticOutput, items: Sequence[Item]) -> None:
        self._output = output
        self._lines: dict[int, tuple[bytes, bytes]] = {}
        self._refused: dict[int, str] = {}
        self._left: list[int] = []
        self._trouble: str | None = None
        self._doubtful = False
        ingested = now()
        for place, item in enumerate(items):
            try:
                self._lines[place] = output.lines(item, ingested)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self._refused[place] = f"no document can be made of it: {type(error).__name__}: {error}"

    def leave_out(self, places: Iterable[int]) -> None:
        """They have arrived."""
        for place in places:
            self._lines.pop(place, None)

    def places(self) -> list[int]:
        """What there is to send."""
        return list(self._lines)

    def attempt(self) -> Attempt:
        """What became of it."""
        return Attempt(left=sorted(self._left), refused=self._refused, trouble=self._trouble, doubtful=self._doubtful)

    def send(self, places: Sequence[int]) -> None:
        """In halves where the whole is refused (413, 400), until a single one is: that is the one."""
        from elasticsearch import ApiError, TransportError

        if not places:
            return
        try:
            answers = self._output.bulk([line for place in places for line in self._lines[place]])
        except ApiError as error:
            self._refusal(places, error)
        except TransportError as error:
            self._keep(places, _said(self._output.name, error), doubtful=True)
        else:
            if len(answers) != len(places):
                self._keep(places, f"{self._output.name}: an answer with {len(answers)} items to {len(places)}", doubtful=True)
                return
            for place, answer in zip(places, answers, strict=True):
                self._answer(place, answer)

    def _refusal(self, places: Sequence[int], error: Any) -> None:
        status = error.meta.status
        if status not in (400, 413):
            self._keep(places, _said(self._output.name, error), doubtful=status in _LOST)
        elif len(places) == 1:
            self._refused[places[0]] = f"{status}: {_reason(error)}"
        else:
            half = len(places) // 2
            self.send(places[:half])
            self.send(places[half:])

    def _answer(self, place: int, answer: dict[str, Any]) -> None:
        status = answer["status"]
        if status < 300:
            if answer.get("failure_store") == "used":
                self._refused[place] = "it went to the stream's failure store: the mapping does not fit"
        elif status == 409:
            pass  # it is there already
        elif status in _RETRIED or status >= 500:
            self._keep([place], f"{self._output.name}: {status}: {_of_item(answer)}", doubtful=status >= 500)
        else:
            self._refused[place] = f"{status}: {_of_item(answer)}"

    def _keep(self, places: Iterable[int], trouble: str, *, doubtful: bool) -> None:
        self._left.extend(places)
        self._trouble = self._trouble or trouble
        self._doubtful = self._doubtful or doubtful


def _of_item(answer: dict[str, Any]) -> str:
    error = answer.get("error") or {}
    cause = (error.get("caused_by") or {}).get("reason")
    return ": ".join(str(part) for part in (error.get("type"), error.get("reason"), cause) if part)[:500]


def _reason(error: Any) -> str:
    body = error.body
    said = (body.get("error") if isinstance(body, dict) else None) or error.message
    return str(said.get("reason") or said.get("type") if isinstance(said, dict) else said)[:500]


def _said(name: str, error: Any) -> str:
    return f"{name}: {said_of(error)}"


def said_of(error: Any) -> str:
    """What an error of the client says, without what was sent."""
    status = getattr(getattr(error, "meta", None), "status", None)
    if status in (401, 403):
        return f"{status}: the credentials are refused ({_reason(error)}); 'fieldtap elastic check' says more"
    return f"no answer: {type(error).__name__}: {str(error.message)[:300]}" if status is None else f"{status}: {_reason(error)}"
