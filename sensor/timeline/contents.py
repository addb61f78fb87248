"""Programs and files on their way (S7 blocks, UMAS programs, DNP3 files), put together from their parts, with what is missing.

Their bytes are hashed as they pass. They are held only where they are to be extracted, within ceilings.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from dissectors import Transaction

MAX_OPEN: Final = 256
"""Transfers that are followed at a time; the oldest is taken as over."""
MAX_TRANSFERS: Final = 10_000
"""Transfers that a timeline tells; what comes beyond is counted."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of one program or file that are held for extraction."""
MOST_BYTES_IN_ALL: Final = 512 * 1024 * 1024

Direction = Literal["into", "out_of"]
_WHY: Final = "its beginning was not seen"
_S7_BEGINS: Final = {26: "into", 29: "out_of"}
_S7_PARTS: Final = {27: "into", 30: "out_of"}
_S7_ENDS: Final = {28: "into", 31: "out_of"}
_UMAS_BEGINS, _UMAS_PARTS, _UMAS_ENDS = (0x30, 0x33), (0x31, 0x34), (0x32, 0x35)


@dataclass(slots=True, kw_only=True)
class Transfer:
    """A program or file that passed. `direction` is seen from the device; `announced` is how many bytes were to come, where that was said;
    `told` is the SHA-256 that the engine made while it passed. `content` is None where it isn't held."""

    protocol: str
    client: str
    server: str
    unit: str | None
    direction: Direction
    name: str
    first: int
    packet: tuple[int, int]
    last: int = 0
    last_packet: tuple[int, int] = (0, 0)
    announced: int | None = None
    received: int = 0
    parts: int = 0
    began: bool = False
    ended: bool = False
    next: int | None = None
    gaps: list[str] = field(default_factory=list)
    told: str | None = None
    content: bytearray | None = None
    dropped: bool = False
    number: int = 0
    extracted: str | None = None
    _hash: Any = field(default_factory=hashlib.sha256)

    def take(self, bytes_: bytes, room: int) -> int:
        """Takes a part; gives how many bytes are held more."""
        self.parts += 1
        self.received += len(bytes_)
        self._hash.update(bytes_)
        if self.content is None or self.dropped:
            return 0
        if len(self.content) + len(bytes_) > MOST_BYTES or len(bytes_) > room:
            self.dropped = True
            return 0
        self.content += bytes_
        return len(bytes_)

    @property
    def sha256(self) -> str | None:
        """Of what passed; None where nothing did."""
        return self._hash.hexdigest() if self.received else None

    @property
    def missing(self) -> list[str]:
        """What is not there; empty where it is complete."""
        said = list(self.gaps)
        if not self.began:
            said.append(_WHY)
        if self.announced is not None and self.announced != self.received:
            said.append(f"{self.received:,} of {self.announced:,} bytes passed")
        if not self.ended:
            said.append("its end was not seen")
        if self.dropped:
            said.append("it is larger than what is held")
        if self.told is not None and self.told != self.sha256:
            said.append("its parts don't add up to what the engine hashed")
        return said

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the timeline."""
        from sensor.clock import utc

        missing = self.missing
        return {
            "protocol": self.protocol, "client": self.client, "server": self.server, "unit": self.unit, "direction": self.direction,
            "name": self.name, "first": utc(self.first), "last": utc(self.last), "bytes": self.received, "announced": self.announced,
            "parts": self.parts, "complete": not missing, "missing": missing, "sha256": self.sha256, "extracted": self.extracted,
            "packets": [{"capture": capture, "packet": packet} for capture, packet in (self.packet, self.last_packet)],
        }  # fmt: skip


Key = tuple[object, ...]


class Contents:
    """Follows transfers. `hold`: keep their bytes."""

    def __init__(self, *, hold: bool = False) -> None:
        self.left_out = 0
        self._hold = hold
        self._held = 0
        self._open: OrderedDict[Key, Transfer] = OrderedDict()
        self._done: list[Transfer] = []

    def take(self, t: Transaction) -> bool:
        """Takes what a transaction carries of a program or file; False where it has nothing to do with one."""
        taker = {"s7comm": self._s7, "umas": self._umas, "dnp3": self._dnp3}.get(t.protocol)
        return taker is not None and taker(t)

    def all(self) -> Iterator[Transfer]:
        """All transfers by first time; those that are open have no end."""
        yield from sorted((*self._done, *self._open.values()), key=lambda one: (one.first, one.packet))

    def _s7(self, t: Transaction) -> bool:
        code, said = t.function.code, t.detail
        way: Any = _S7_BEGINS.get(code) or _S7_PARTS.get(code) or _S7_ENDS.get(code)
        if way is None:
            return False
        block = f"{said.get('block_type', said.get('block_type_code', 'block'))}{said.get('block_number', '')}"
        key = (t.flow, "s7comm", way, said.get("upload_id") if way == "out_of" else block)
        if t.outcome.result == "rejected":
            return False
        if code in _S7_BEGINS:
            transfer = self._begun(key, t, way, block)
            transfer.announced = said.get("load_memory_length", said.get("block_length"))
        elif code in _S7_PARTS:
            transfer = self._part(key, t, way, block)
            content = said.get("content") or {}
            transfer.told = content.get("sha256", transfer.told)
        else:
            self._end(key, t)
        return True

    def _umas(self, t: Transaction) -> bool:
        code, said = t.function.code, t.detail
        way = {"into_plc": "into", "out_of_plc": "out_of"}.get(said.get("direction", ""))
        if way is None or t.outcome.result == "rejected":
            return False
        key, name = (t.flow, "umas", way, said.get("file")), f"program{said.get('file', '')}"
        if code in _UMAS_BEGINS:
            self._begun(key, t, way, name).next = None
        elif code in _UMAS_PARTS:
            self._in_order(self._part(key, t, way, name), said.get("block"))
        elif code in _UMAS_ENDS:
            blocks, transfer = said.get("blocks"), self._open.get(key)
            if transfer is not None and blocks is not None and blocks not in (transfer.parts, transfer.parts + 1):
                transfer.gaps.append(f"{transfer.parts} of {blocks} blocks passed")
            self._end(key, t)
        return True

    def _dnp3(self, t: Transaction) -> bool:
        said, code = t.detail.get("file"), t.function.code
        if not isinstance(said, Mapping) or said.get("handle") is None or t.outcome.result == "rejected":
            return False
        way: Any = {"to_outstation": "into", "from_outstation": "out_of"}.get(said.get("direction", ""))
        if way is None:
            return False
        key, name = (t.flow, t.unit, said["handle"]), str(said.get("name") or f"file {said['handle']}")
        if code == 25:
            transfer = self._begun(key, t, way, name)
            size = said.get("size")
            transfer.announced = size if size not in (None, 0, 0xFFFFFFFF) and way == "out_of" else None
            transfer.next = 0
        elif said.get("block") is not None and t.content is not None:
            transfer = self._open.get(key) or self._part(key, t, way, name, empty=True)
            if transfer.next is None or said["block"] + 1 != transfer.next:  # a block that is sent again counts once
                self._part(key, t, way, name)
                self._in_order(transfer, said["block"])
            transfer.ended |= said.get("last") is True
            transfer.told = said.get("sha256", transfer.told)
        elif code in (26, 30):
            self._end(key, t, ended=False)
        return True

    def _begun(self, key: Key, t: Transaction, way: Any, name: str) -> Transfer:
        """A transfer begins; one with the same key is over."""
        self._close(key)
        transfer = self._new(key, t, way, name)
        transfer.began = True
        return transfer

    def _new(self, key: Key, t: Transaction, way: Any, name: str) -> Transfer:
        moment = t.request or t.response
        packet = (0, 0) if moment is None else (moment.capture, moment.packet)
        transfer = self._open[key] = Transfer(
            protocol=t.protocol, client=_address(t.client), server=_address(t.server), unit=t.unit, direction=way, name=name, first=t.time,
            packet=packet, last=t.time, last_packet=packet, content=bytearray() if self._hold else None,
        )  # fmt: skip
        if len(self._open) > MAX_OPEN:
            self._close(next(iter(self._open)))
        return transfer

    def _part(self, key: Key, t: Transaction, way: Any, name: str, *, empty: bool = False) -> Transfer:
        transfer = self._open.get(key)
        if transfer is None or (transfer.ended and t.content):
            self._close(key)
            transfer = self._new(key, t, way, name)
        if not empty:
            self._held += transfer.take(t.content or b"", MOST_BYTES_IN_ALL - self._held)
        self._moved(transfer, t)
        return transfer

    def _in_order(self, transfer: Transfer, number: int | None) -> None:
        """Says which blocks are missing between the one before and this one."""
        if number is not None:
            if transfer.next is not None and number != transfer.next and len(transfer.gaps) < 10:
                transfer.gaps.append(f"block {number} came where {transfer.next} was due")
            transfer.next = number + 1

    def _end(self, key: Key, t: Transaction, *, ended: bool = True) -> None:
        transfer = self._open.get(key)
        if transfer is not None:
            self._moved(transfer, t)
            transfer.ended |= ended
            self._close(key)

    def _moved(self, transfer: Transfer, t: Transaction) -> None:
        moment = t.response or t.request
        transfer.last = max(transfer.last, t.completed)
        if moment is not None:
            transfer.last_packet = (moment.capture, moment.packet)

    def _close(self, key: Key) -> None:
        transfer = self._open.pop(key, None)
        if transfer is None:
            return
        if len(self._done) >= MAX_TRANSFERS:
            self.left_out += 1
            self._held -= len(transfer.content or b"")
            return
        transfer.number = len(self._done) + 1
        self._done.append(transfer)


def _address(side: Any) -> str:
    return str(side.ip or side.mac or "?")
