"""Kibana's saved objects: data views, a search, and a dashboard in which every sensor and site can be chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sensor.shipping.config import Elastic
    from sensor.shipping.setup import Done

Saved = dict[str, Any]
_VIEWS: Final[Mapping[str, tuple[str, str]]] = {
    "fieldtap-logs": ("logs-fieldtap.*", "Fieldtap: findings, assets, transactions"),
    "fieldtap-sensors": ("metrics-fieldtap.sensor-*", "Fieldtap: sensors"),
    "fieldtap-assets": ("fieldtap-assets-*", "Fieldtap: assets now"),
}
_ALERTS: Final = "event.kind : alert"
_COLUMNS: Final = (
    "observer.name", "fieldtap.site.id", "fieldtap.finding.severity", "message", "client.ip", "server.ip", "network.protocol",
    "threat.technique.id",
)  # fmt: skip
_CORE: Final = "8.8.0"

_CHARTS: Final[Sequence[tuple[str, str, str, str, Sequence[str], tuple[int, int, int, int]]]] = (
    ("alerts", "New alerts and violations", "fieldtap-logs", _ALERTS, (), (0, 0, 12, 8)),
    ("by-sensor", "By sensor", "fieldtap-logs", _ALERTS, ("observer.name", "fieldtap.finding.severity"), (12, 0, 18, 8)),
    ("by-site", "By site", "fieldtap-logs", _ALERTS, ("fieldtap.site.id", "rule.category"), (30, 0, 18, 8)),
    ("over-time", "Over time", "fieldtap-logs", _ALERTS, ("@timestamp", "observer.name"), (0, 8, 24, 12)),
    ("by-technique", "ATT&CK techniques", "fieldtap-logs", _ALERTS, ("threat.technique.id",), (24, 8, 24, 12)),
    ("not-seen", "Not seen", "fieldtap-logs", "event.dataset : fieldtap.coverage", ("observer.name", "event.reason"), (0, 20, 24, 12)),
    ("roles", "Assets by role", "fieldtap-assets", "", ("fieldtap.asset.role", "observer.name"), (24, 20, 24, 12)),
)  # fmt: skip
"""Name, title, data view, query, fields (what it is counted by, and split by), place on the dashboard."""


def ndjson() -> str:
    """One saved object a line, for Kibana's import."""
    return "".join(json.dumps(one) + "\n" for one in saved_objects())


def saved_objects() -> list[Saved]:
    """All of them; those that others refer to come first."""
    views = [
        _saved("index-pattern", known, {"title": title, "name": name, "timeFieldName": "@timestamp"}, ())
        for known, (title, name) in _VIEWS.items()
    ]
    charts = [_chart(*chart[:5]) for chart in _CHARTS]
    return [*views, _search(), *charts, _dashboard()]


def _saved(kind: str, known: str, attributes: Saved, references: Sequence[tuple[str, str, str]], version: str = "8.0.0") -> Saved:
    refers = [{"type": of, "id": to, "name": name} for of, to, name in references]
    return {
        "type": kind, "id": known, "attributes": attributes, "references": refers, "coreMigrationVersion": _CORE,
        "typeMigrationVersion": version,
    }  # fmt: skip


def _search() -> Saved:
    source = {"query": _query(_ALERTS), "filter": [], "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index"}
    attributes = {
        "title": "Fieldtap: alerts and violations", "description": "The first revision of each.", "columns": list(_COLUMNS),
        "sort": [["@timestamp", "desc"]], "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
    }  # fmt: skip
    return _saved(
        "search", "fieldtap-alerts", attributes, (("index-pattern", "fieldtap-logs", "kibanaSavedObjectMeta.searchSourceJSON.index"),)
    )


def _query(text: str) -> Saved:
    return {"language": "kuery", "query": text}


def _chart(name: str, title: str, view: str, query: str, by: Sequence[str]) -> Saved:
    """A Lens chart: a number where nothing is counted by, else bars, stacked where there is a second field."""
    columns: Saved = {f"by{place}": _column(field, place) for place, field in enumerate(by)}
    columns["count"] = {
        "label": "Count", "dataType": "number", "isBucketed": False, "operationType": "count", "scale": "ratio",
        "sourceField": "___records___", "params": {"emptyAsNull": False},
    }  # fmt: skip
    layer = {"columnOrder": list(columns), "columns": columns, "incompleteColumns": {}}
    state = {
        "datasourceStates": {"formBased": {"layers": {"l1": layer}}}, "filters": [], "query": _query(query),
        "visualization": _shape(by), "adHocDataViews": {}, "internalReferences": [],
    }  # fmt: skip
    kind = "lnsXY" if by else "lnsMetric"
    attributes = {"title": f"Fieldtap: {title}", "visualizationType": kind, "state": state}
    return _saved("lens", f"fieldtap-{name}", attributes, (("index-pattern", view, "indexpattern-datasource-layer-l1"),), "8.9.0")


def _column(field: str, place: int) -> Saved:
    if field == "@timestamp":
        return {
            "label": field, "dataType": "date", "isBucketed": True, "operationType": "date_histogram", "scale": "interval",
            "sourceField": field, "params": {"interval": "auto", "includeEmptyRows": True},
        }  # fmt: skip
    return {
        "label": field, "dataType": "string", "isBucketed": True, "operationType": "terms", "scale": "ordinal", "sourceField": field,
        "params": {
            "size": 10 if place == 0 else 5, "orderBy": {"type": "column", "columnId": "count"}, "orderDirection": "desc",
            "otherBucket": True, "missingBucket": False, "parentFormat": {"id": "terms"},
        },
    }  # fmt: skip


def _shape(by: Sequence[str]) -> Saved:
    if not by:
        return {"layerId": "l1", "layerType": "data", "metricAccessor": "count"}
    bars = "bar_stacked" if by[0] == "@timestamp" else "bar_horizontal_stacked"
    layer = {"layerId": "l1", "layerType": "data", "seriesType": bars, "accessors": ["count"], "xAccessor": "by0"}
    if len(by) > 1:
        layer["splitAccessor"] = "by1"
    return {
        "preferredSeriesType": bars,
        "legend": {"isVisible": len(by) > 1, "position": "right"},
        "valueLabels": "hide",
        "layers": [layer],
    }


def _dashboard() -> Saved:
    panels, references = [], []
    for name, title, _, _, _, (x, y, w, h) in _CHARTS:
        panels.append(_panel("lens", name, title, (x, y, w, h)))
        references.append(("lens", f"fieldtap-{name}", f"{name}:panel_{name}"))
    panels.append(_panel("search", "alerts-list", "Alerts and violations", (0, 32, 48, 20)))
    references.append(("search", "fieldtap-alerts", "alerts-list:panel_alerts-list"))
    attributes = {
        "title": "Fieldtap", "description": "All sensors; filter by observer.name or fieldtap.site.id.",
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}), "panelsJSON": json.dumps(panels), "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps({"query": _query(""), "filter": []})},
    }  # fmt: skip
    return _saved("dashboard", "fieldtap", attributes, references, "8.9.0")


def _panel(kind: str, name: str, title: str, place: tuple[int, int, int, int]) -> Saved:
    grid = dict(zip("xywh", place, strict=True))
    return {
        "type": kind, "panelIndex": name, "gridData": {**grid, "i": name}, "title": title, "embeddableConfig": {"enhancements": {}},
        "panelRefName": f"panel_{name}",
    }  # fmt: skip


def install(elastic: Elastic) -> Done:
    """Imports them into the Kibana that the configuration names; what has the same id is replaced."""
    import urllib3

    from sensor.shipping.config import ConfigurationError, secret
    from sensor.shipping.setup import Done

    if elastic.kibana is None:
        raise ConfigurationError(
            "elasticsearch.kibana is not set: it names the Kibana that gets the dashboards (https://kibana.example:5601)"
        )
    key, user, password = secret("kibana_api_key") or secret("api_key"), secret("username"), secret("password")
    headers = {"kbn-xsrf": "fieldtap"}
    if key is not None:
        headers["Authorization"] = f"ApiKey {key}"
    elif user is not None and password is not None:
        headers |= urllib3.make_headers(basic_auth=f"{user}:{password}")
    given = {"ca_certs": str(elastic.ca_file)} if elastic.ca_file is not None else {}
    pool = urllib3.PoolManager(timeout=elastic.timeout, retries=False, **given)  # type: ignore[arg-type]
    url = f"{elastic.kibana.rstrip('/')}/api/saved_objects/_import?overwrite=true"
    try:
        answer = pool.request("POST", url, fields={"file": ("fieldtap.ndjson", ndjson(), "application/ndjson")}, headers=headers)
    except urllib3.exceptions.HTTPError as error:
        return Done("dashboards", elastic.kibana, "failed", str(error)[:300])
    if answer.status != 200:
        return Done("dashboards", elastic.kibana, "failed", f"{answer.status}: {answer.data[:300].decode('utf-8', 'replace')}")
    said = answer.json()
    if not said.get("success"):
        return Done("dashboards", elastic.kibana, "failed", json.dumps(said.get("errors"))[:300])
    return Done("dashboards", elastic.kibana, "made", f"{said.get('successCount')} objects")
