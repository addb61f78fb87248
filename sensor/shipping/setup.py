"""Sets a cluster up for Fieldtap, and says what it did; looks whether a cluster fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sensor.documents import mapping
from sensor.documents.fields import STREAMS

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

POLICY: Final = "fieldtap"
NEEDED: Final = ("auto_configure", "create_doc")
NEEDED_CURRENT: Final = ("auto_configure", "create_index", "index")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one thing: made, updated, unchanged, left out (with why), or failed (with why)."""

    what: str
    name: str
    how: str
    why: str = ""


def set_up(client: Elasticsearch, *, lifecycle: bool = False) -> Iterator[Done]:
    """Component templates, index templates, and the policy of index lifecycle management where it is asked for. What is as it should be is
    left alone. Raises what the client raises."""
    for what, bodies, get, put, many, one in _kinds(client):
        for name, body in bodies.items():
            yield _put(what, name, body, get, put, many, one)
    if lifecycle:
        yield _policy(client)


Kind = tuple[str, Mapping[str, Any], Callable[..., Any], Callable[..., Any], str, str]


def _kinds(client: Elasticsearch) -> Sequence[Kind]:
    """What it is called, bodies by name, how to ask for one and to put one, and where it stands in the answer."""
    cluster, indices = client.cluster, client.indices
    components, templates = mapping.component_templates(), mapping.index_templates()
    return (
        (
            "component template", components, cluster.get_component_template, cluster.put_component_template, "component_templates",
            "component_template",
        ),
        ("index template", templates, indices.get_index_template, indices.put_index_template, "index_templates", "index_template"),
    )  # fmt: skip


def _put(
    what: str, name: str, body: Mapping[str, Any], get: Callable[..., Any], put: Callable[..., Any], many: str, one: str
) -> Done:  # fmt: skip
    from elasticsearch import NotFoundError

    try:
        held = get(name=name).body[many][0][one].get("_meta") or {}
    except NotFoundError:
        held = None
    if held is not None and held.get("digest") == body["_meta"]["digest"]:
        return Done(what, name, "unchanged")
    put(name=name, **_arguments(body))
    return Done(what, name, "made" if held is None else "updated")


def _arguments(body: Mapping[str, Any]) -> dict[str, Any]:
    return {("meta" if name == "_meta" else name): value for name, value in body.items()}


def _policy(client: Elasticsearch) -> Done:
    """Some clusters have no index lifecycle management (serverless ones); retention then rests with the data streams' own lifecycle."""
    from elasticsearch import ApiError

    try:
        client.ilm.put_lifecycle(name=POLICY, policy=mapping.lifecycle_policy()["policy"])
    except ApiError as error:
        if error.meta.status in (401, 403):
            raise
        return Done("lifecycle policy", POLICY, "left out", "this cluster has no index lifecycle management; data streams keep their own")
    return Done("lifecycle policy", POLICY, "made")


def check(client: Elasticsearch, namespace: str) -> Iterator[Done]:
    """Whether the cluster answers, who we are to it, and whether templates, rights and mapping fit. Each check that fails is `failed`."""
    from elasticsearch import ApiError, TransportError

    try:
        health = client.cluster.health().body
    except (ApiError, TransportError) as error:
        yield Done("cluster", "", "failed", _why(error))
        if not isinstance(error, ApiError) or error.meta.status != 403:
            return
    else:
        yield Done("cluster", health["cluster_name"], "failed" if health["status"] == "red" else "fits", f"status {health['status']}")
    yield _clock(client)
    yield from _templates(client)
    yield from _rights(client, namespace)
    yield from _mappings(client, namespace)


def _clock(client: Elasticsearch) -> Done:
    from elasticsearch import ApiError, TransportError

    from sensor.shipping.elastic import clock_offset_ms

    try:
        offset = clock_offset_ms(client)
    except (ApiError, TransportError) as error:
        return Done("clock", "", "left out", _why(error))
    if offset is None:
        return Done("clock", "", "left out", "the cluster doesn't say its time")
    return Done(
        "clock", "", "fits" if abs(offset) < 60_000 else "failed", f"the cluster's clock minus this machine's: {offset / 1000:+.1f} s"
    )


def _templates(client: Elasticsearch) -> Iterator[Done]:
    from elasticsearch import ApiError

    for what, bodies, get, many, one in (
        (
            "component template",
            mapping.component_templates(),
            client.cluster.get_component_template,
            "component_templates",
            "component_template",
        ),
        ("index template", mapping.index_templates(), client.indices.get_index_template, "index_templates", "index_template"),
    ):
        for name, body in bodies.items():
            try:
                held = get(name=name).body[many][0][one].get("_meta") or {}
            except ApiError as error:
                if error.meta.status in (401, 403):
                    yield Done(what, "", "left out", "this user may not look at templates (a sensor need not)")
                    return
                yield Done(what, name, "failed", "it is missing: run 'fieldtap elastic setup'")
                continue
            same = held.get("digest") == body["_meta"]["digest"]
            yield Done(what, name, "fits" if same else "failed", "" if same else "it is another one: run 'fieldtap elastic setup'")


def _rights(client: Elasticsearch, namespace: str) -> Iterator[Done]:
    from elasticsearch import ApiError

    for stream in STREAMS.values():
        name, needed = stream.name(namespace), list(NEEDED if stream.type is not None else NEEDED_CURRENT)
        try:
            answer = client.security.has_privileges(index=[{"names": [name], "privileges": needed}]).body
        except ApiError as error:
            why = _why(error) if error.meta.status in (401, 403) else "security is switched off: everybody may do everything"
            yield Done("rights", "", "failed" if error.meta.status in (401, 403) else "left out", why)
            return
        missing = [right for right, held in answer["index"][name].items() if not held]
        yield Done("rights", name, "failed" if missing else "fits", f"missing: {', '.join(missing)}" if missing else "")


def _mappings(client: Elasticsearch, namespace: str) -> Iterator[Done]:
    """Streams that exist have the fields of the table with their types."""
    from elasticsearch import ApiError

    from sensor.documents.fields import fields_of

    for stream in STREAMS.values():
        name = stream.name(namespace)
        wanted = {field.name: field.type for field in fields_of(stream.record) if field.type != "object"}
        try:
            found = client.indices.get_mapping(index=name, ignore_unavailable=True).body
        except ApiError as error:
            if error.meta.status == 404:
                continue
            yield Done("mapping", "", "left out", "this user may not look at mappings (a sensor need not)")
            return
        if not found:
            continue
        newest = found[max(found)]["mappings"].get("properties", {})
        wrong = [field for field, kind in wanted.items() if _type(newest, field) != kind]
        why = f"{len(wrong)} fields are of another type or missing: {', '.join(wrong[:5])}; roll over after 'fieldtap elastic setup'"
        yield Done("mapping", name, "failed" if wrong else "fits", why if wrong else "")


def _type(properties: Mapping[str, Any], name: str) -> str | None:
    held: Mapping[str, Any] = {"properties": properties}
    for part in name.split("."):
        held = (held.get("properties") or {}).get(part) or {}
    kind = held.get("type")
    return None if kind is None else str(kind)


def _why(error: Any) -> str:
    from sensor.shipping.elastic import said_of

    return said_of(error)
