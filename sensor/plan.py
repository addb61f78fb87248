"""Policy and rules, compiled once and kept until one of them changes, so that a start loads neither pydantic, PyYAML nor pySigma.

The kept plan is a pickle, and a pickle runs code: it is only ever read from a folder and a file that belong to us and that nobody else
can write to, and only classes of our own packages are made from it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sensor.places import cache_folder

if TYPE_CHECKING:
    from rules.plan import Plan as RulePlan
    from sensor.pipeline import Judge, Watcher
    from zones import Policy
    from zones.model import Asset

_VERSION: Final = 1
_KEPT: Final = 16
"""Plans that stay in the folder; the oldest go first."""
_SUPERVISED: Final = 3.0
"""Purdue levels below this are control: process, controllers, supervision of a cell."""
_MOST: Final = 64 * 1024 * 1024
_OURS: Final = ("dissectors", "rules", "zones", "sensor")
_HARMLESS: Final = frozenset({
    ("builtins", "set"), ("builtins", "frozenset"), ("builtins", "slice"), ("builtins", "range"), ("builtins", "complex"),
    ("copyreg", "_reconstructor"), ("builtins", "object"), ("re", "_compile"), ("pathlib", "PosixPath"), ("collections", "OrderedDict"),
    ("ipaddress", "IPv4Address"), ("ipaddress", "IPv6Address"), ("ipaddress", "IPv4Network"), ("ipaddress", "IPv6Network"),
    ("datetime", "date"), ("datetime", "time"), ("datetime", "datetime"), ("datetime", "timedelta"), ("datetime", "timezone"),
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compiled policy and compiled rules; None where there is none. `digest` is that of all that they were made from."""

    policy: Policy | None
    rules: RulePlan | None
    digest: str

    def judges(self, engine: Any) -> tuple[Sequence[Judge], Watcher | None]:
        """Fresh judges for one run of an engine."""
        judges: list[Judge] = []
        watcher: Watcher | None = None
        if self.policy is not None:
            from zones.decision import Decider

            judges.append(Decider(self.policy, engine.window))
        if self.rules is not None and self.rules.rules:
            from rules.judge import Judge as Rules

            watcher = Rules(self.rules, engine.window)
        return judges, watcher

    @property
    def policy_summary(self) -> dict[str, Any] | None:
        """File, digest and site of the policy."""
        policy = self.policy
        return None if policy is None else {"file": policy.file, "sha256": policy.sha256, "site": policy.site}

    @property
    def rules_summary(self) -> dict[str, Any] | None:
        """How many rules are active, their digest, which are not active for want of a placeholder, and what a site changed."""
        if self.rules is None:
            return None
        inactive = [
            {"rule": rule.rule, "title": rule.title, "placeholder": rule.placeholder, "file": rule.file, "line": rule.line}
            for rule in self.rules.inactive
        ]
        changes = [change._asdict() for change in self.rules.changes]
        return {"active": len(self.rules.rules), "digest": self.rules.digest, "inactive": inactive, "changes": changes}


def load(
    zones: Path | None, rules: Sequence[Path] = (), *, catalog: bool = True, cache: bool = True, declared: Sequence[Asset] = ()
) -> Plan:  # fmt: skip
    """The plan of a policy file and folders (or files) of rules, from the cache where it is in there. `declared` assets stand beside those
    of the policy (sensor.inventory.trusted).

    Raises OSError where something can't be read, zones.PolicyError and rules.RuleErrors with every mistake in it.
    """
    folders = [*([_catalog()] if catalog else []), *(Path(path) for path in rules)]
    for folder in folders[int(catalog) :]:
        folder.stat()
    digest = _digest(zones, folders, declared)
    if cache:
        kept = _read(cache_folder(), f"plan-{digest}.pickle")
        if kept is not None:
            return kept
    plan = _compile(zones, folders, digest, declared)
    if cache:
        _write(cache_folder(), f"plan-{digest}.pickle", plan)
    return plan


def _catalog() -> Path:
    """The rules that come with Fieldtap."""
    spec = find_spec("rules")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package rules is not installed")
    return Path(spec.origin).parent / "catalog"


def _compile(zones: Path | None, folders: Sequence[Path], digest: str, declared: Sequence[Asset]) -> Plan:
    policy = rules = None
    if zones is not None:
        from zones import compile_policy

        policy = compile_policy(str(zones))
    if policy is not None and declared:
        from sensor.inventory.trusted import joined

        policy = joined(policy, declared)
    if folders:
        from dissectors import protocols
        from rules.loader import compile_rules

        rules = compile_rules(folders, protocols(), placeholders(policy, declared), services())
    return Plan(policy=policy, rules=rules, digest=digest)


def services() -> Sequence[str]:
    """The names of protocols that are known by their port alone."""
    from dissectors import _native

    return sorted({name for _, _, name in _native.services()})


def compiled_rules(folders: Sequence[Path], zones: Path | None) -> RulePlan:
    """The rules of the catalog and of these folders, made anew. Raises PolicyError, RuleErrors."""
    plan = load(zones, folders, cache=False).rules
    assert plan is not None
    return plan


def placeholders(policy: Policy | None, declared: Sequence[Asset] = ()) -> Mapping[str, tuple[str, ...]]:
    """What `%names%` in rules stand for: the addresses of declared assets by their role and tags, and the networks and assets of a
    policy's zones by the zone and its level.

    An asset with role or tag `engineering station` declares `%engineering_stations%`, a zone `cell-1` of level 1 `%zone_cell_1%`,
    `%level_1%` and, with all zones below level 3, `%lower_levels%`; all zones together are `%plant%`. Only what a policy or people declare
    counts, never what was inferred (DESIGN.md, 5).
    """
    found: dict[str, set[str]] = {}
    for asset in (*(policy.assets.values() if policy is not None else ()), *(declared if policy is None else ())):
        for word in (asset.role, *asset.tags):
            if word:
                found.setdefault(_plural(word), set()).update((*asset.ips, *asset.macs))
    for zone in policy.zones.values() if policy is not None else ():
        members = {network.text for network in zone.networks} | {mac for mac, _ in zone.macs}
        for asset in (policy.assets[name] for name in zone.assets if policy is not None and name in policy.assets):
            members |= {*asset.ips, *asset.macs}
        for name in (f"zone_{_worded(zone.name)}", "plant", *_of_level(zone.level)):
            found.setdefault(name, set()).update(members)
    return {name: tuple(sorted(addresses)) for name, addresses in sorted(found.items()) if addresses}


def _of_level(level: float | None) -> Iterator[str]:
    if level is not None:
        yield f"level_{level:g}".replace(".", "_")
        if level < _SUPERVISED:
            yield "lower_levels"


def _worded(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text.strip().lower())


def _plural(word: str) -> str:
    name = _worded(word)
    return name if name.endswith("s") else f"{name}s"


def _digest(zones: Path | None, folders: Sequence[Path], declared: Sequence[Asset]) -> str:
    """Of the inputs and of the code that compiles them."""
    total = hashlib.sha256(f"{_VERSION} {sys.version} {_KEPT}".encode())
    for package in _OURS:
        for name, size, time in _sources(package):
            total.update(f"\n{package} {name} {size} {time}".encode())
    if declared:
        total.update(f"\ndeclared {declared!r}".encode("utf-8", "surrogatepass"))
    if zones is not None:
        total.update(f"\npolicy {zones} ".encode("utf-8", "surrogateescape") + zones.read_bytes())
    for folder in folders:
        total.update(f"\nrules {folder}".encode("utf-8", "surrogateescape"))
        for file in _rule_files(folder):
            content = file.read_bytes()
            total.update(f"\n{file} {len(content)}\n".encode("utf-8", "surrogateescape") + content)
    return total.hexdigest()


def _sources(package: str) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of a package's own files: whatever changes them makes plans anew."""
    spec = find_spec(package)
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".so", ".pyd")):
                status = entry.stat()
                yield entry.name, status.st_size, status.st_mtime_ns


def _rule_files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path] if path.is_file() else []
    return sorted(file for file in path.rglob("*") if file.suffix in (".yml", ".yaml") and file.is_file())


class _Unpickler(pickle.Unpickler):
    """Makes classes of our own packages and a few harmless ones; nothing else, and no functions of ours."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _HARMLESS:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.partition(".")[0] in _OURS and "." not in name else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} does not belong in a plan")
        return found


def _read(folder: Path, name: str) -> Plan | None:
    """The kept plan; None where there is none that can be trusted."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if not _private(os.fstat(place), stat.S_ISDIR):
            return None
        with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place), "rb") as file:
            status = os.fstat(file.fileno())
            if not _private(status, stat.S_ISREG) or status.st_size > _MOST:
                return None
            plan = _Unpickler(BytesIO(file.read())).load()
    except Exception:  # whatever is wrong with a cache, it is made anew
        return None
    finally:
        os.close(place)
    return plan if isinstance(plan, Plan) else None


def _private(status: os.stat_result, kind: Any) -> bool:
    """Ours, of the right kind, and nobody else can write to it."""
    return bool(kind(status.st_mode)) and status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _write(folder: Path, name: str, plan: Plan) -> None:
    """Atomically and for us alone; a cache that can't be written, or isn't private, is done without."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if _private(os.fstat(place), stat.S_ISDIR):
                _put(place, name, pickle.dumps(plan, protocol=pickle.HIGHEST_PROTOCOL))
                _prune(place)
        finally:
            os.close(place)


def _put(place: int, name: str, content: bytes) -> None:
    new = f".{name}.{os.getpid()}"
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=place)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=place), "wb") as file:
        file.write(content)
    os.replace(new, name, src_dir_fd=place, dst_dir_fd=place)


def _prune(place: int) -> None:
    plans = [entry for entry in os.scandir(place) if entry.name.startswith("plan-")]
    for entry in sorted(plans, key=lambda entry: entry.stat().st_mtime_ns)[:-_KEPT]:
        os.unlink(entry.name, dir_fd=place)
