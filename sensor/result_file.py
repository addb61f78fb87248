"""A result's JSON (`fieldtap replay --json`) as a place where findings are kept, beside the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class NoResultError(ValueError):
    """A file that is no result; the text says what is wrong with it."""


class ResultFile:
    """Reads one. Raises NoResultError, OSError."""

    def __init__(self, path: Path) -> None:
        try:
            self._said: Mapping[str, Any] = json.loads(path.read_bytes())
            sound = isinstance(self._said["findings"], list) and isinstance(self._said["captures"], list)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NoResultError(f"{path} is no result of 'fieldtap replay --json': {error}") from error
        if not sound:
            raise NoResultError(f"{path} is no result of 'fieldtap replay --json'")

    def finding(self, prefix: str) -> dict[str, Any] | None:
        """The only finding whose id begins so, or None. Raises LookupError where there are several."""
        found = [one for one in self._said["findings"] if str(one["id"]).startswith(prefix.lower())]
        if len(found) > 1:
            raise LookupError(f"more than one finding begins with {prefix}")
        return {**found[0], "run": 0} if found else None

    def captures(self, _: int = 0) -> list[dict[str, Any]]:
        """The captures by number."""
        return [{**capture, "number": number} for number, capture in enumerate(self._said["captures"], start=1)]

    def revisions(self, finding: str) -> list[dict[str, Any]]:
        """A result has the newest state alone."""
        return [one for one in self._said["findings"] if one["id"] == finding]

    def declared(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """A result doesn't say what was declared."""
        return {}

    def in_force(self, _: int = 0) -> str | None:
        """SHA-256 of its policy."""
        policy = self._said.get("policy")
        return None if policy is None else policy["sha256"]

    def policy(self, sha256: str) -> tuple[str, bytes] | None:
        """The policy where it still is what it was."""
        policy = self._said.get("policy") or {}
        try:
            text = Path(policy["file"]).read_bytes()
        except (KeyError, OSError):
            return None
        return (policy["file"], text) if hashlib.sha256(text).hexdigest() == sha256 else None
