"""How well traffic was seen, from the engine's ledgers, and from which point on nothing is said to be absent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

LEAST_BOTH_WAYS: Final = 0.99
"""Of flows with payload: seen in both directions."""
MOST_LOST: Final = 0.001
"""Of payload: missing from TCP streams."""
MOST_UNDECODED: Final = 0.01
"""Of the payload of understood protocols: not read."""
MOST_ENCRYPTED: Final = 0.0
"""Of flows of understood protocols: encrypted, so that what they say is not seen."""
MOST_DROPPED: Final = 0.001
"""Of packets: lost by the capturing host."""
MOST_UNREADABLE: Final = 0.01
"""Of packets: not read."""


class Threshold(NamedTuple):
    """One of the thresholds, as a report prints it."""

    name: str
    about: str
    bound: str


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


THRESHOLDS: Final = (
    Threshold("both ways", "flows with payload that were seen in both directions", f"at least {_percent(LEAST_BOTH_WAYS)}"),
    Threshold("missing", "bytes missing from TCP streams, of all payload", f"at most {_percent(MOST_LOST)}"),
    Threshold("undecoded", "payload of understood protocols that could not be read", f"at most {_percent(MOST_UNDECODED)}"),
    Threshold("encrypted", "flows of understood protocols that are encrypted", f"at most {_percent(MOST_ENCRYPTED)}"),
    Threshold("capture drops", "packets that the capturing host lost, of all it saw", f"at most {_percent(MOST_DROPPED)}"),
    Threshold("unreadable packets", "packets that could not be taken apart", f"at most {_percent(MOST_UNREADABLE)}"),
    Threshold("undecided", "occurrences of which the deciding value, point or place was not seen", "none"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Sums of ledgers. `half` are flows with payload one way and nothing seen the other way, `one_way` all that were seen one way
    (unanswered attempts and broadcasts among them). `understood` are flows of protocols that are dissected; of the others only who, whom
    and which port is judged. `undecoded_bytes` and `understood_bytes` are of these alone."""

    conversations: int = 0
    flows: int = 0
    half: int = 0
    one_way: int = 0
    midstream: int = 0
    understood: int = 0
    encrypted: int = 0
    packets: int = 0
    payload_bytes: int = 0
    understood_bytes: int = 0
    undecoded_bytes: int = 0
    gaps: int = 0
    gap_bytes: int = 0
    duplicates: int = 0
    retransmitted: int = 0
    conflicts: int = 0

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(**{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)})

    @property
    def both_ways(self) -> float | None:
        """Share of flows; None without any."""
        return None if not self.flows else 1 - self.half / self.flows

    @property
    def lost(self) -> float | None:
        """Share of payload; None without any."""
        whole = self.gap_bytes + self.payload_bytes
        return self.gap_bytes / whole if whole else None

    @property
    def undecoded(self) -> float | None:
        """Share of the payload of understood protocols."""
        return self.undecoded_bytes / self.understood_bytes if self.understood_bytes else None

    @property
    def hidden(self) -> float | None:
        """Share of flows of understood protocols that are encrypted."""
        return self.encrypted / self.understood if self.understood else None

    def lacking(self) -> list[str]:
        """Why the absence of violations can't be stated; empty where it can. Nothing seen is not for this to say."""
        return list(_lacking(self))


def _lacking(seen: Coverage) -> Iterator[str]:
    if seen.both_ways is not None and seen.both_ways < LEAST_BOTH_WAYS:
        yield f"{share(seen.both_ways)} of flows were seen both ways (at least {_percent(LEAST_BOTH_WAYS)} are needed)"
    if seen.lost is not None and seen.lost > MOST_LOST:
        yield f"{share(seen.lost)} of payload is missing (at most {_percent(MOST_LOST)})"
    if seen.undecoded is not None and seen.undecoded > MOST_UNDECODED:
        yield f"{share(seen.undecoded)} of the payload of understood protocols could not be read (at most {_percent(MOST_UNDECODED)})"
    if seen.hidden is not None and seen.hidden > MOST_ENCRYPTED:
        yield f"{share(seen.hidden)} of the flows of understood protocols are encrypted (at most {_percent(MOST_ENCRYPTED)})"


def share(part: float | None) -> str:
    """`99.4 %`; never rounded to 0 or 100 where it isn't."""
    if part is None:
        return "–"
    if part in (0, 1):
        return f"{part * 100:.0f} %"
    return "< 0.1 %" if part < 0.001 else "> 99.9 %" if part > 0.999 else f"{part * 100:.1f} %"


def of_conversation(talk: Mapping[str, Any], understood: Collection[str]) -> Coverage:
    """From one of Engine.conversations. A dissected flow that was seen one way is half seen, whatever carries it."""
    sides = (talk["from_client"], talk["from_server"])
    known = talk["protocol"] in understood
    payload, undecoded = (sum(side[name] for side in sides) for name in ("payload_bytes", "undecoded_bytes"))
    flows = talk["flows"]
    return Coverage(
        conversations=1, flows=flows, half=max(talk["half_seen"], talk["one_way"]) if known else talk["half_seen"],
        one_way=talk["one_way"], midstream=talk["midstream"], understood=flows if known else 0,
        encrypted=talk["encrypted"] if known else 0, packets=sum(side["packets"] for side in sides), payload_bytes=payload,
        understood_bytes=payload if known else 0, undecoded_bytes=undecoded if known else 0,
        **{name: sum(side[name] for side in sides) for name in ("gaps", "gap_bytes", "duplicates", "retransmitted", "conflicts")},
    )  # fmt: skip
