"""Checks a pack, on any machine and without a network: every file against the manifest, the manifest against its signature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sensor.evidence.container import NoPackError, archived, read
from sensor.evidence.pack import DIGEST, MANIFEST, SIGNATURE, VERSION

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_OUTSIDE: Final = (MANIFEST, DIGEST, SIGNATURE)


class Wrong(NamedTuple):
    """A file of the pack (or the pack's own), and what is wrong with it."""

    path: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check found. `signed`: a sound signature stands in it; `origin`: it is by the key that was given. `files` were compared."""

    wrong: tuple[Wrong, ...]
    digest: str
    signed: bool
    origin: bool
    signer: str | None
    files: int
    slices: int
    reproduced: int

    @property
    def sound(self) -> bool:
        """Whether nothing was changed, and it comes from whom it should, where that was asked."""
        return not self.wrong


def verified(source: Path, key: Ed25519PublicKey | None = None) -> Outcome:
    """Checks the folder or archive at `source`. Raises NoPackError where it can't be read as a pack at all."""
    files = read(source)
    if MANIFEST not in files:
        raise NoPackError(f"{source} holds no {MANIFEST}: it is no evidence pack")
    manifest, wrong = files[MANIFEST], list[Wrong]()
    digest = hashlib.sha256(manifest).hexdigest()
    if files.get(DIGEST) != f"{digest}  {MANIFEST}\n".encode():
        wrong.append(Wrong(MANIFEST if DIGEST in files else DIGEST, _digest_wrong(files.get(DIGEST), digest)))
    said = _read(manifest)
    listed = {entry["path"]: entry for entry in said["files"]}
    wrong += _files(files, listed)
    if not source.is_dir():
        wrong += _archive(source, files, wrong)
    signer, unsigned = _signed(files, key)
    return Outcome(
        wrong=(*wrong, *unsigned), digest=digest, signed=signer is not None, origin=signer is not None and key is not None and not unsigned,
        signer=None if signer is None else signer.public_bytes_raw().hex(), files=len(listed), slices=len(said["slices"]),
        reproduced=sum(bool(one["reproduced"]) for one in said["slices"]),
    )  # fmt: skip


def _digest_wrong(kept: bytes | None, digest: str) -> str:
    if kept is None:
        return "is missing"
    whole = len(kept) == len(digest) + len(MANIFEST) + 3 and kept.endswith(f"  {MANIFEST}\n".encode())
    return f"was changed, or {DIGEST} was" if whole else f"can't be held against {DIGEST}, which was changed"


def _read(manifest: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(manifest)
        sound = said["fieldtap_evidence"] == VERSION and all(
            isinstance(entry["path"], str) and isinstance(entry["sha256"], str) and isinstance(entry["bytes"], int)
            for entry in said["files"]
        )
        if not sound or not all("reproduced" in one for one in said["slices"]):
            raise NoPackError(f"{MANIFEST} is not one of version {VERSION}, or was changed")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoPackError(f"{MANIFEST} was changed: it can't be read any more ({error})") from error
    return said


def _files(files: Mapping[str, bytes], listed: Mapping[str, Mapping[str, Any]]) -> Iterator[Wrong]:
    for path, entry in listed.items():
        content = files.get(path)
        if content is None:
            yield Wrong(path, "is missing")
        elif len(content) != entry["bytes"]:
            yield Wrong(path, f"was changed: it had {entry['bytes']:,} bytes, now {len(content):,}")
        elif hashlib.sha256(content).hexdigest() != entry["sha256"]:
            yield Wrong(path, "was changed")
    for path in files:
        if path not in listed and path not in _OUTSIDE:
            yield Wrong(path, "was added: the manifest doesn't know it")


def _archive(source: Path, files: Mapping[str, bytes], wrong: list[Wrong]) -> Iterator[Wrong]:
    """An archive is written in one way only; where its files are sound and its bytes are others, the archive itself was changed."""
    if wrong:
        return
    content = source.read_bytes()
    forms = [archived(files, private=private) for private in (False, True)]
    if content in forms:
        return
    nearest = max(_same(content, form) for form in forms)
    yield Wrong(source.name, f"was changed outside of its files, or packed anew: from byte {nearest:,} on it is not as it was written")


def _same(one: bytes, other: bytes) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _signed(files: Mapping[str, bytes], key: Ed25519PublicKey | None) -> tuple[Ed25519PublicKey | None, list[Wrong]]:
    from sensor.evidence.signing import signer

    document = files.get(SIGNATURE)
    if document is None:
        missing = [Wrong(SIGNATURE, "is missing: the pack is not signed")] if key is not None else []
        return None, missing
    by = signer(files[MANIFEST], document)
    if by is None:
        return None, [Wrong(SIGNATURE, f"doesn't fit: it, or {MANIFEST}, was changed")]
    if key is not None and by.public_bytes_raw() != key.public_bytes_raw():
        return by, [Wrong(SIGNATURE, "is by another key than the one given")]
    return by, []
