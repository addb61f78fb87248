"""Rule files for tests, from their detections alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rules.loader import compile_rules
from rules.plan import Plan
from tests.rules.registry import REGISTRY

EVIDENCE = {"fires_on": [{"capture": "plant/attack.pcapng", "count": 1}], "silent_on": ["plant/normal.pcapng"]}


def rule(detection: Any = None, number: int = 1, **more: Any) -> dict[str, Any]:
    """A rule that has everything, with this detection."""
    made: dict[str, Any] = {"title": f"Rule {number}", "id": f"00000000-0000-4000-8000-{number:012}", "level": "high", "fieldtap": EVIDENCE}
    if detection is not None:
        made |= {"logsource": {"product": "fieldtap", "category": "transaction"}, "detection": detection}
    return made | more


def compiled(folder: Path, *rules: Any, placeholders: Any = None) -> Plan:
    """The plan of these rules, each in a file of its own."""
    for number, document in enumerate(rules):
        documents = document if isinstance(document, list) else [document]
        (folder / f"rule-{number}.yml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return compile_rules([folder], REGISTRY, placeholders)
