"""The result of a replay as one document (DESIGN.md, section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sensor.result import Result

_COUNTED: Final = ("packets", "flows", "protocols", "ledger")


def fieldtap_version() -> str:
    """The engine's, which is the distribution's: asking importlib.metadata for it costs 20 ms."""
    from dissectors import __version__

    return __version__


def document(result: Result) -> dict[str, Any]:
    """Plain data for json: counts as the engine gives them, times as UTC text, assets and findings in a stable order.

    Beyond DESIGN.md: what is concluded of assets (sensor.inventory.known), `conversations` (the graph's edges), `incidents`
    (sensor.incidents), `policy` (file and digest), `rules` (how many are active, digest, those inactive and why), `baseline` (what was
    learned and what was judged by, where there was one).
    """
    from sensor.inventory.known import known_of

    engine = result.engine
    left_out = {"stored_operations": result.left_out} if result.left_out else {}
    return {
        "fieldtap": fieldtap_version(),
        "captures": list(engine.get("captures") or ()),
        **{name: engine.get(name) for name in _COUNTED},
        "assets": known_of(result).assets,
        "conversations": [conversation.to_dict() for conversation in result.inventory.conversations()],
        "findings": [finding.to_dict() for finding in result.findings],
        "incidents": [incident.to_dict() for incident in result.incidents()],
        "ceilings": dict(sorted({**engine["ceilings"], **left_out}.items())),
        "policy": result.plan.policy_summary,
        "rules": result.plan.rules_summary,
        **({} if result.course is None else {"baseline": result.course.summary}),
    }
