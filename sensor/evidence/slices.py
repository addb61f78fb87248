"""The packets that make a finding again, and the proof that they do: each slice is replayed against the policy and the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sensor.evidence.frames import Frame, UnreadableError, frames
from sensor.evidence.layers import Key, Layers, layers
from sensor.evidence.masks import Masked, Split, masked
from sensor.evidence.streams import splits

if TYPE_CHECKING:
    from sensor.findings import Finding
    from sensor.plan import Plan

OPENING: Final = 6
"""Frames from the beginning of an exchange that every slice has: a handshake, and what names the protocol."""
WINDOWS: Final = (8, 60, 400, None)
"""So many frames of the exchange before and after the first occurrence are tried one after the other; None are all that are held."""
MOST_FRAMES: Final = 20_000
"""Of one exchange."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Of all exchanges together."""
MOST_SLICES: Final = 1_000
"""Violations that get a slice, the gravest first; of the rest the pack says that they have none."""
LATEST: Final = (2**32 - 1) * 1_000_000_000
"""The last time that a pcap can say."""
_SECOND: Final = Decimal(1_000_000_000)


class Held(NamedTuple):
    """A frame with its place: `capture` is its number in the run."""

    capture: int
    frame: Frame
    layers: Layers


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What a pack has of a violation or an alert (its `kind`). `occurrences` were found again in it; None and `why` where it could not be
    made again. `facts` are the transactions in it, JSON lines. `same`: its finding has the same id. `places` are capture and packet of each
    frame, `frames` these with their bytes, `masked` and `hidden` count masked bytes, of all and of each."""

    finding: str
    occurrences: int | None
    why: str | None
    kind: str = "violation"
    same: bool = False
    capture: bytes = b""
    facts: bytes = b""
    places: Sequence[tuple[int, int]] = ()
    masked: int = 0
    frames: Sequence[tuple[Frame, bytes]] = ()
    hidden: Sequence[int] = ()


@dataclass(slots=True)
class _Gathered:
    """Frames by exchange."""

    flows: dict[Key, list[Held]] = field(default_factory=dict)
    bytes: int = 0
    full: bool = False
    split: dict[tuple[Key, ...], Mapping[tuple[int, int], Split]] = field(default_factory=dict)

    def across(self, keys: Sequence[Key], flow: Sequence[Held]) -> Mapping[tuple[int, int], Split]:
        """What lies across the frames of an exchange, by capture and packet. It is looked for in all that are held, not in a slice's alone:
        a slice may begin in the middle of a secret."""
        found = self.split.get(tuple(keys))
        if found is None:
            made = splits([(held.frame.data, held.layers) for held in flow])
            found = self.split[tuple(keys)] = {(flow[at].capture, flow[at].frame.number): split for at, split in made.items()}
        return found

    def add(self, key: Key, held: Held) -> None:
        flow = self.flows[key]
        if len(flow) >= MOST_FRAMES or self.bytes + len(held.frame.data) > MOST_BYTES:
            self.full = True
            return
        flow.append(held)
        self.bytes += len(held.frame.data)


def slices(findings: Sequence[Finding], captures: Sequence[Mapping[str, Any]], plan: Plan, *, raw: bool = False) -> Iterator[Slice]:
    """A slice for each violation. `captures` are the result's; `raw` leaves secrets in. Raises UnreadableError where a capture isn't what
    it was, or can't be read twice."""
    paths = [_unchanged(capture) for capture in captures]
    wanted = findings[:MOST_SLICES]
    firsts = {finding.packets[0] for finding in wanted if finding.packets}
    keys = _keys(paths, firsts)
    gathered = _gather(paths, {key for found in keys.values() for key in found})
    with TemporaryDirectory(prefix="fieldtap-") as folder:
        for finding in wanted:
            yield _cut(finding, keys, gathered, (plan, Path(folder), raw))
    for finding in findings[MOST_SLICES:]:
        yield Slice(finding=finding.id, occurrences=None, why=f"only the gravest {MOST_SLICES:,} violations get a slice")


def slice_of(finding: Finding, paths: Sequence[Path], plan: Plan, *, raw: bool = False) -> Slice:
    """The packets that make one finding again, of any kind: its own exchange first, then wider choices (sensor.evidence.scopes), until the
    finding with the same id comes of them; else the best that there is. `paths` are the captures of its run, by number.

    Raises UnreadableError.
    """
    if not finding.packets:
        return Slice(
            finding=finding.id, occurrences=None, why="it names no packets: it is about what was not seen, or about the run as a whole"
        )
    keys, gathered = exchanges(paths, set(finding.packets))
    best = Slice(finding=finding.id, occurrences=None, why="its packets could not be read again")
    parted = {} if raw else _parted([held for flow in gathered.flows.values() for held in flow])
    with TemporaryDirectory(prefix="fieldtap-") as folder:
        near = (around(keys, gathered, width) for width in WINDOWS)
        for chosen in chain(near, _wider(finding, paths)):
            if not chosen:
                continue
            made = _tried(finding, chosen, plan, Path(folder), None if raw else {**_parted(chosen), **parted})
            best = max(best, made, key=lambda one: (one.same, one.occurrences or 0))
            if best.same:
                break
    return best


def _parted(chosen: Sequence[Held]) -> dict[tuple[int, int], Split]:
    """What lies across frames of the same exchange, by capture and packet."""
    flows: dict[Sequence[Key], list[Held]] = {}
    for held in sorted(chosen, key=_by_time):
        flows.setdefault(tuple(held.layers.keys), []).append(held)
    return {
        (flow[at].capture, flow[at].frame.number): split
        for flow in flows.values()
        for at, split in splits([(held.frame.data, held.layers) for held in flow]).items()
    }


def _wider(finding: Finding, paths: Sequence[Path]) -> Iterator[list[Held]]:
    from sensor.evidence.scopes import scopes

    yield from scopes(finding, paths, MOST_FRAMES, MOST_BYTES)


def exchanges(paths: Sequence[Path], places: set[tuple[int, int]]) -> tuple[Mapping[tuple[int, int], Sequence[Key]], _Gathered]:
    """The exchanges of packets: by which keys each is known, and their frames."""
    keys = _keys(paths, places)
    return keys, _gather(paths, {key for found in keys.values() for key in found})


def around(keys: Mapping[tuple[int, int], Sequence[Key]], gathered: _Gathered, width: int | None) -> list[Held]:
    """What stands around each of the packets that decide, and the opening of their exchanges; of the link type of the first."""
    chosen: dict[tuple[int, int], Held] = {}
    for together in dict.fromkeys(tuple(found) for found in keys.values()):
        flow = sorted((held for key in together for held in gathered.flows[key]), key=_by_time)
        places = [at for at, held in enumerate(flow) if (held.capture, held.frame.number) in keys]
        if not places:
            continue
        wanted = set(range(len(flow) if width is None else min(OPENING, len(flow))))
        for place in places:
            wanted.update(range(max(0, place - (width or 0)), min(len(flow), place + (width or 0) + 1)))
        for at in sorted(wanted):
            chosen[flow[at].capture, flow[at].frame.number] = flow[at]
    link = next((held.frame.link for place, held in chosen.items() if place in keys), None)
    return sorted((held for held in chosen.values() if held.frame.link == link), key=_by_time)


def _by_time(held: Held) -> tuple[int, int, int]:
    return (held.frame.time, held.capture, held.frame.number)


def _unchanged(capture: Mapping[str, Any]) -> Path:
    path = Path(capture["path"])
    if str(path) == "-":
        raise UnreadableError("Evidence needs captures that can be read twice: give a file instead of standard input.")
    with path.open("rb") as file:
        now = hashlib.file_digest(file, "sha256").hexdigest()
    if now != capture["sha256"]:
        raise UnreadableError(f"{path} changed while it was read.")
    return path


def _keys(paths: Sequence[Path], firsts: set[tuple[int, int]]) -> dict[tuple[int, int], tuple[Key, ...]]:
    """The exchanges of the packets that are wanted."""
    found = {}
    for capture, path in enumerate(paths, start=1):
        last = max((packet for number, packet in firsts if number == capture), default=0)
        for frame in frames(path) if last else ():
            if (capture, frame.number) in firsts:
                found[capture, frame.number] = layers(frame.link, frame.data).keys
            if frame.number >= last:
                break
    return found


def _gather(paths: Sequence[Path], wanted: set[Key]) -> _Gathered:
    gathered = _Gathered({key: [] for key in wanted})
    for capture, path in enumerate(paths, start=1):
        for frame in frames(path) if wanted else ():
            found = layers(frame.link, frame.data)
            for key in found.keys:
                if key in wanted:
                    gathered.add(key, Held(capture, frame, found))
                    break
    for flow in gathered.flows.values():
        flow.sort(key=lambda held: (held.frame.time, held.capture, held.frame.number))
    return gathered


def _cut(
    finding: Finding, keys: Mapping[tuple[int, int], Sequence[Key]], gathered: _Gathered, with_: tuple[Plan, Path, bool]
) -> Slice:  # fmt: skip
    first = finding.packets[0] if finding.packets else None
    if first is None or first not in keys:
        return Slice(finding=finding.id, occurrences=None, why="its packets could not be read again")
    flow = sorted(
        (held for key in keys[first] for held in gathered.flows[key]),
        key=lambda held: (held.frame.time, held.capture, held.frame.number),
    )
    place = next((at for at, held in enumerate(flow) if (held.capture, held.frame.number) == first), None)
    if place is None:
        return Slice(finding=finding.id, occurrences=None, why="its exchange has more packets than are held")
    made, plan, folder, raw = None, *with_
    across = None if raw else gathered.across(keys[first], flow)
    for width in WINDOWS:
        made = _tried(finding, _window(flow, place, width), plan, folder, across)
        if made.occurrences is not None:
            break
    assert made is not None
    return made


def _window(flow: Sequence[Held], place: int, width: int | None) -> list[Held]:
    """The exchange's opening and what stands around a place, of the link type that stands there."""
    link = flow[place].frame.link
    near = range(len(flow)) if width is None else range(max(0, place - width), min(len(flow), place + width + 1))
    places = sorted({*range(min(OPENING, place)), *near})
    return [flow[at] for at in places if flow[at].frame.link == link]


def _tried(
    finding: Finding, chosen: Sequence[Held], plan: Plan, folder: Path, across: Mapping[tuple[int, int], Split] | None
) -> Slice:  # fmt: skip
    """A slice of these frames; without `across` its secrets stay."""

    def hidden(held: Held) -> Masked | None:
        return None if across is None else masked(held.frame.data, held.layers, across.get((held.capture, held.frame.number)))

    done = [(held, hidden(held)) for held in chosen]
    capture = written([(held.frame, made.data if made is not None else held.frame.data) for held, made in done])
    occurrences, facts, same = replayed(finding, capture, plan, folder)
    return Slice(
        finding=finding.id, occurrences=occurrences or None, capture=capture, facts=facts, same=same,
        frames=[(held.frame, made.data if made is not None else held.frame.data) for held, made in done],
        hidden=[0 if made is None else made.bytes for _, made in done],
        why=None if occurrences else "the packets of its exchange alone do not show it",
        places=[(held.capture, held.frame.number) for held, _ in done],
        masked=sum(made.bytes for _, made in done if made is not None),
    )  # fmt: skip


def written(chosen: Sequence[tuple[Frame, bytes]]) -> bytes:
    """A pcap with times in nanoseconds. Frames that were cut off say how long they were."""
    import dpkt

    out = BytesIO()
    link = chosen[0][0].link
    writer = dpkt.pcap.Writer(out, nano=True, linktype=link, snaplen=262_144)
    for frame, data in chosen:
        writer.writepkt(data, ts=Decimal(min(max(frame.time, 0), LATEST)) / _SECOND)
    content = bytearray(out.getvalue())
    at = 24
    for frame, data in chosen:  # dpkt writes the length that was kept for both
        order = "little" if content[:1] == b"\x4d" else "big"
        content[at + 12 : at + 16] = max(frame.wire, len(data)).to_bytes(4, order)  # type: ignore[arg-type]
        at += 16 + len(data)
    return bytes(content)


def replayed(finding: Finding, capture: bytes, plan: Plan, folder: Path) -> tuple[int, bytes, bool]:
    """How often a slice shows the finding when it is replayed alone, its transactions as JSON lines, and whether the id is the same."""
    from dissectors import Engine
    from sensor.pipeline import analyse

    path, lines = folder / "slice.pcap", folder / "slice.jsonl"
    path.write_bytes(capture)
    engine = Engine(follow=False, threads=1, transactions=str(lines), digest=False)
    engine.open([str(path)])
    result = analyse(engine, plan)
    same = (finding.statement.identity, finding.subject.identity)
    found = [one for one in result.findings if (one.statement.identity, one.subject.identity) == same]
    made = lines.read_bytes() if lines.exists() else b""
    return sum(one.count for one in found), made, any(one.id == finding.id for one in found)
