"""Rules by name, as commands ask for them: their files, their evidence, their queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rules.convert import ConversionError, Converted
    from rules.evidence import Tried


class NoRuleError(ValueError):
    """No rule has this name or id; the text says which are near."""


class RuleFile(NamedTuple):
    """A rule as it is written, and where."""

    path: Path
    data: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and id, in lower case."""
        return str(self.data.get("name") or self.path.stem).lower(), str(self.data.get("id")).lower()


def written(folders: Sequence[Path]) -> dict[str, RuleFile]:
    """All rules of the catalog and of folders, by name and by id; the later of two with the same stands."""
    from rules.loader import catalog, rule_files
    from rules.source import read

    known: dict[str, RuleFile] = {}
    for path, _ in rule_files([catalog(), *folders]):
        for document in read(path, []):
            if isinstance(document.data, Mapping) and "override" not in document.data:
                rule = RuleFile(path, document.data)
                known.update(dict.fromkeys(rule.names, rule))
    return known


def found(name: str, folders: Sequence[Path], known: Mapping[str, RuleFile] | None = None) -> RuleFile:
    """The rule of this name or id. Raises NoRuleError."""
    rules = written(folders) if known is None else known
    rule = rules.get(name.lower())
    if rule is None:
        near = get_close_matches(name.lower(), [one.names[0] for one in rules.values()], n=3)
        hint = f"Near to it: {', '.join(dict.fromkeys(near))}." if near else "'fieldtap rules list' names all."
        raise NoRuleError(f"There is no rule {name}. {hint}")
    return rule


def evidence(names: Sequence[str], folders: Sequence[Path], captures: Sequence[Path]) -> Iterator[Tried]:
    """The evidence of the rules named, else of those in the folders, else of the catalog. Raises NoRuleError, RuleErrors."""
    import dissectors
    from rules.evidence import tried
    from rules.loader import catalog, rule_files
    from sensor.plan import services

    known = written(folders)
    wanted = {found(name, folders, known).names for name in names}
    own = {path for path, _ in rule_files(folders)}
    if not names and folders:
        wanted = {rule.names for rule in known.values() if rule.path in own}
    project = Path(dissectors.__file__).parents[1] / "pcaps"
    places = [*captures, *([project] if (project / "MANIFEST.yml").is_file() else [])]
    everyone = not names and not folders
    yield from tried(
        [catalog(), *folders], dissectors.protocols(), services(),
        lambda rule: everyone or (rule.name.lower(), rule.id.lower()) in wanted, places,
    )  # fmt: skip


def conversions(names: Sequence[str], folders: Sequence[Path], zones: Path | None) -> Iterator[tuple[str, Converted | ConversionError]]:
    """The query of each rule named, or why there is none. Raises NoRuleError, RuleErrors, PolicyError."""
    from rules.convert import ConversionError, converted
    from rules.correlation import references
    from sensor.plan import compiled_rules, placeholders

    compiled_rules(folders, zones)  # whatever is wrong is said before anything is converted
    policy = None
    if zones is not None:
        from zones import compile_policy

        policy = compile_policy(str(zones))
    known = written(folders)
    given = placeholders(policy)
    for name in names:
        rule = found(name, folders, known)
        try:
            counted = [known[one.lower()].data for one in references(rule.data)] if "correlation" in rule.data else []
            yield rule.names[0], converted(rule.data, counted, given)
        except ConversionError as error:
            yield rule.names[0], error
