"""What an evidence pack holds. The same captures, policy and version of Fieldtap give the same bytes: no time of making stands in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sensor.evidence.masks import MASKED, NOT_MASKED
from sensor.evidence.slices import Slice, slice_of, slices
from sensor.findings import SEVERITIES

if TYPE_CHECKING:
    from sensor.findings import Finding
    from sensor.reports.model import Chapter, Report
    from sensor.result import Result

VERSION: Final = 1
MOST_ALERTS: Final = 200
"""Alerts that get a slice, the gravest first; of the rest the pack says that they have none."""
MANIFEST: Final = "manifest.json"
DIGEST: Final = "manifest.sha256"
SIGNATURE: Final = "manifest.sig"
_PACKAGES: Final = ("dissectors", "rules", "sensor", "zones")


class Packed(NamedTuple):
    """The files of a pack by path, the SHA-256 of its manifest (which is the pack's digest), and its slices."""

    files: Mapping[str, bytes]
    digest: str
    slices: Sequence[Slice]


def packed(result: Result, *, raw: bool = False) -> Packed:
    """Makes a pack of a run that was judged by a policy and whose captures have digests. Raises slices.UnreadableError."""
    from sensor.plan import load
    from sensor.reports.build import report_of

    policy = result.plan.policy
    if policy is None:
        raise ValueError("evidence needs a policy")
    place = f"policy/{Path(policy.file).name}"
    files = {place: Path(policy.file).read_bytes(), "README.txt": _README.encode()}
    if hashlib.sha256(files[place]).hexdigest() != policy.sha256:
        from sensor.evidence.frames import UnreadableError

        raise UnreadableError(f"{policy.file} changed while it was used.")
    report = _portable(report_of(result, ""), place)
    proof = load(Path(policy.file), (), catalog=False)
    made = [*slices(_found(result, "violation"), result.engine["captures"], proof, raw=raw), *_of_alerts(result, raw=raw)]
    for one in made:
        if one.capture:
            files[f"slices/{one.finding}.pcap"] = one.capture
            files[f"slices/{one.finding}.jsonl"] = one.facts
    files |= dict(_said(report))
    manifest = _json(_manifest(result, report, files, made, place, raw=raw))
    digest = hashlib.sha256(manifest).hexdigest()
    return Packed({MANIFEST: manifest, DIGEST: f"{digest}  {MANIFEST}\n".encode(), **dict(sorted(files.items()))}, digest, made)


def _found(result: Result, kind: str) -> list[Finding]:
    found = [finding for finding in result.findings if finding.statement.kind == kind]
    return sorted(found, key=lambda one: (-SEVERITIES.index(one.statement.severity), one.first, one.id))


def _of_alerts(result: Result, *, raw: bool) -> Iterator[Slice]:
    """A slice for each alert, by the policy and the rules of the run. Each is looked for by itself, so there are not as many."""
    paths = [Path(capture["path"]) for capture in result.engine["captures"]]
    for place, finding in enumerate(_found(result, "alert")):
        if place < MOST_ALERTS:
            yield replace(slice_of(finding, paths, result.plan, raw=raw), kind="alert")
        else:
            yield Slice(finding=finding.id, kind="alert", occurrences=None, why=f"only the gravest {MOST_ALERTS:,} alerts get a slice")


def _portable(report: Report, policy: str) -> Report:
    """With names as they are in the pack, instead of paths of the machine that made it."""
    return replace(report, chapters=[_moved(chapter, policy) for chapter in report.chapters])


def _moved(chapter: Chapter, policy: str) -> Chapter:
    names = {capture.path: Path(capture.path).name for capture in chapter.captures}

    def told(text: str) -> str:
        for path, name in names.items():
            text = text.replace(path, name)
        return text

    said = chapter.statement
    violations, insufficient = ([replace(one, file=policy) for one in found] for found in (chapter.violations, chapter.insufficient))
    return replace(
        chapter, file=policy, captures=[replace(one, path=names[one.path]) for one in chapter.captures], violations=violations,
        insufficient=insufficient, statement=replace(said, text=told(said.text), because=[told(what) for what in said.because]),
        matrix=[replace(pair, because=[told(what) for what in pair.because]) for pair in chapter.matrix],
        conduits=[replace(line, because=[told(what) for what in line.because]) for line in chapter.conduits],
    )  # fmt: skip


def _said(report: Report) -> Iterator[tuple[str, bytes]]:
    from sensor.reports.forms import made

    yield "report.json", made(report, "json")
    yield "report.html", made(report, "html")
    verdicts = [asdict(verdict) for chapter in report.chapters for verdict in (*chapter.violations, *chapter.insufficient)]
    yield "verdicts.json", _json(verdicts)
    yield "alerts.json", _json([asdict(alert) for chapter in report.chapters for alert in chapter.alert_list])


def _manifest(
    result: Result, report: Report, files: Mapping[str, bytes], made: Sequence[Slice], policy: str, *, raw: bool
) -> dict[str, Any]:  # fmt: skip
    kept = result.plan.policy
    captures = [
        {"number": one.number, "name": one.path, "sha256": one.sha256, "bytes": one.bytes, "packets": one.packets, "first": one.first,
         "last": one.last} for one in report.chapters[0].captures
    ]  # fmt: skip
    cut = [
        {"finding": one.finding, "kind": one.kind, "file": f"slices/{one.finding}.pcap" if one.capture else None,
         "reproduced": one.occurrences is not None, "occurrences": one.occurrences, "why_not": one.why,
         "frames": [list(place) for place in one.places], "masked_bytes": one.masked}
        for one in made
    ]  # fmt: skip
    listed = [
        {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for path, content in sorted(files.items())
    ]
    masking = {"raw": True} if raw else {"raw": False, "masked": MASKED, "not_masked": NOT_MASKED}
    return {
        "fieldtap_evidence": VERSION, "tool": {"fieldtap": report.fieldtap, "code_sha256": code_digest()},
        "policy": {"file": policy, "sha256": kept.sha256 if kept is not None else None},
        "rules": (result.plan.rules_summary or {}).get("digest"), "captures": captures, "masking": masking, "slices": cut, "files": listed,
    }  # fmt: skip


def code_digest() -> str:
    """SHA-256 over the files of Fieldtap's packages as they are installed, the engine included: which code said all this."""
    total = hashlib.sha256()
    for package in _PACKAGES:
        spec = find_spec(package)
        root = Path(next(iter(spec.submodule_search_locations or ()))) if spec is not None else Path()
        for path in sorted(root.rglob("*")):
            if path.suffix in (".py", ".so", ".pyd", ".yml", ".j2", ".css") and "src" not in path.relative_to(root).parts[:1]:
                total.update(f"{package}/{path.relative_to(root).as_posix()} ".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=True, sort_keys=True) + "\n").encode()


_README: Final = """This is an evidence pack of Fieldtap, a passive security sensor for industrial networks.

manifest.json    what is in the pack, with the SHA-256 of every file; the digests of the captures, of the tool and of the rules
manifest.sig     the signature over it (Ed25519), where the pack was signed; manifest.sha256 has its digest
policy/          the policy, byte by byte, by which the captures were judged
report.html      the report, for people; report.json the same for programs
verdicts.json    each violation, and what could not be decided, with the line of the policy and the packets
alerts.json      what rules found beside the policy, with the packets
slices/          for each violation and alert the packets that show it (.pcap), and what was read from them (.jsonl)

To check it, on any machine, without a network:
  fieldtap evidence verify PACK --key PUBLIC.pem

To see a violation or an alert again:
  fieldtap replay PACK/slices/FINDING.pcap --zones PACK/policy/NAME.yml --store none

Without the signer's public key the check proves that the pack is whole, and not who made it.
"""
