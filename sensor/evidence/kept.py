"""Evidence slices of findings that the store keeps: by the policy that was in force, from the captures where they still are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sensor.evidence.annotated import annotated
from sensor.evidence.slices import slice_of
from sensor.findings import finding_of

if TYPE_CHECKING:
    from sensor.evidence.slices import Slice
    from sensor.explanation import Source
    from sensor.plan import Plan


@contextmanager
def plan_of(source: Source, in_force: str | None, zones: Path | None, rules: Sequence[Path]) -> Iterator[Plan]:
    """The plan to prove slices with: the policy that is given, or the one that was in force (its SHA-256), and the rules with what people
    declared."""
    from sensor.inventory.trusted import declared_assets
    from sensor.plan import load

    declared = declared_assets(source.declared())
    with TemporaryDirectory(prefix="fieldtap-") as folder:
        policy = zones if zones is not None else _kept_policy(source, in_force, Path(folder))
        yield load(policy, rules, declared=declared, cache=zones is not None or policy is None)


def _kept_policy(source: Source, in_force: str | None, folder: Path) -> Path | None:
    """The bytes of the run's policy, as a file of the same name."""
    kept = None if in_force is None else source.policy(in_force)
    if kept is None:
        return None
    path = folder / Path(kept[0]).name
    path.write_bytes(kept[1])
    return path


def cut(document: Mapping[str, Any], paths: Sequence[Path], plan: Plan, *, raw: bool = False) -> Slice:
    """The slice of a finding's document. Raises UnreadableError."""
    return slice_of(finding_of(document), paths, plan, raw=raw)


def file_of(document: Mapping[str, Any], made: Slice, paths: Sequence[Path]) -> bytes:
    """The slice as a pcapng whose comments say what it is."""
    deciding = {(packet["capture"], packet["packet"]) for packet in document["packets"]}
    comments = {}
    for place, (capture, number) in enumerate(made.places):
        said = [f"packet {number} of {paths[capture - 1].name}"]
        if (capture, number) in deciding:
            said.insert(0, f"decides finding {document['id']}: {document['title']}")
        hidden = made.hidden[place]
        if hidden:
            said.append(f"{hidden} bytes of a secret are masked")
        comments[place] = "; ".join(said)
    proof = "alone it makes the finding again, with the same id" if made.same else f"alone it shows {made.occurrences or 0} occurrences"
    about = f"Fieldtap: evidence of finding {document['id']} ({document['severity']}), {document['title']}. Replayed, {proof}."
    return annotated(made.frames, about, comments)
