"""Where Fieldtap keeps things: the XDG base directories (XDG Base Directory Specification 0.8)."""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = "fieldtap"


def _base(variable: str, default: str) -> Path:
    """The specification says: a relative path in the variable is invalid and is ignored."""
    named = Path(os.environ.get(variable, ""))
    return (named if named.is_absolute() else Path.home() / default) / _FOLDER


def cache_folder() -> Path:
    """What can be made again: compiled plans, vendor names."""
    return _base("XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    """What is kept: the store."""
    return _base("XDG_STATE_HOME", ".local/state")


def default_store() -> Path:
    """The store that is used where none is named."""
    return state_folder() / "fieldtap.sqlite"
