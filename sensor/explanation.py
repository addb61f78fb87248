"""Why a finding is one: the selections of its rule, or the line of its policy, with the occurrence that they matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dissectors import Transaction
    from rules.explanation import Explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`occurrences` by capture and packet; `place` is the packet of the one that `rule` was held against. `policy` has the line's number
    and text. What doesn't apply is None."""

    occurrences: Mapping[tuple[int, int], Sequence[Transaction]]
    place: tuple[int, int] | None
    rule: Explained | None
    policy: tuple[int, str] | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rule = self.rule
        said = None if rule is None else {
            "condition": rule.condition, "counted": rule.counted or None, "selections": [one._asdict() for one in rule.selections],
        }  # fmt: skip
        import json

        told = [
            {"capture": capture, "packet": packet, "transactions": [json.loads(t.to_json()) for t in occurrences]}
            for (capture, packet), occurrences in self.occurrences.items()
        ]
        policy = None if self.policy is None else {"line": self.policy[0], "text": self.policy[1]}
        return {"rule": said, "policy": policy, "occurrences": told}


class Source(Protocol):
    """Where a finding and its run are kept: a store, or the JSON of a result."""

    def captures(self, run: int) -> list[dict[str, Any]]: ...
    def declared(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]: ...
    def in_force(self, run: int) -> str | None: ...
    def policy(self, sha256: str) -> tuple[str, bytes] | None:
        """File and bytes of a policy that was in force."""


def explanation(source: Source, finding: Mapping[str, Any], paths: Sequence[Path], rules: Sequence[Path] = ()) -> Explanation:
    """Of a finding, from the captures of its run. Raises UnreadableError."""
    from sensor.evidence.occurrences import occurrences

    found = occurrences(finding, paths)
    held = None
    place = None
    if finding.get("rule") is not None:
        for at, transactions in sorted(found.items()):
            held, place = next((one for t in transactions if (one := _rule(source, finding, t, rules)) is not None), None), at
            if held is not None:
                break
    return Explanation(occurrences=found, place=place, rule=held, policy=_policy(source, finding))


def _rule(source: Source, finding: Mapping[str, Any], t: Transaction, rules: Sequence[Path]) -> Explained | None:
    from dissectors import _native, protocols
    from rules.explanation import explained
    from sensor.evidence.kept import plan_of
    from sensor.inventory.trusted import declared_assets
    from sensor.plan import placeholders

    file = _file((finding.get("detail") or {}).get("rule"), rules)
    if file is None:
        return None
    with plan_of(source, source.in_force(finding["run"]), None, rules) as plan:
        values = placeholders(plan.policy, declared_assets(source.declared()))
    services = sorted({name for _, _, name in _native.services()})
    return explained(file, str(finding["rule"]), t, protocols(), values, services)


def _file(said: Mapping[str, Any] | None, rules: Sequence[Path]) -> Path | None:
    """Where the rule's file is: below the folders that are given, or in the catalog."""
    from rules.loader import catalog

    if said is None:
        return None
    for folder in (*rules, Path(str(catalog()))):
        for path in (folder / str(said["file"]), folder if folder.is_file() else folder / "-"):
            if path.is_file() and (path == folder or path.resolve().is_relative_to(folder.resolve())):
                return path
    return None


def _policy(source: Source, finding: Mapping[str, Any]) -> tuple[int, str] | None:
    """The line of the policy as it was when the finding was made."""
    said = finding.get("policy")
    if not said or not said.get("line"):
        return None
    kept = source.policy(said["sha256"])
    lines = kept[1].decode("utf-8", "replace").splitlines() if kept is not None else []
    return (said["line"], lines[said["line"] - 1].strip()) if 0 < said["line"] <= len(lines) else None
