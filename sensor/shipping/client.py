"""The Elasticsearch client, as the configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.shipping.config import Configuration, ConfigurationError, Elastic, secret

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from sensor.documents.make import Maker


def connect(elastic: Elastic) -> Elasticsearch:
    """A client; nothing is sent yet. Raises ConfigurationError."""
    from elasticsearch import Elasticsearch

    given: dict[str, Any] = {"request_timeout": elastic.timeout, "max_retries": 0, "http_compress": elastic.compress, **_credentials()}
    given |= {"cloud_id": elastic.cloud_id} if elastic.cloud_id is not None else {"hosts": elastic.hosts}
    given |= _trust(elastic)
    if elastic.proxy is not None:
        from sensor.shipping.proxy import node_class

        given["node_class"] = node_class(elastic.proxy)
    try:
        return Elasticsearch(**given)
    except (ValueError, TypeError, OSError) as error:
        raise ConfigurationError(f"elasticsearch: {error}") from error


def _credentials() -> dict[str, Any]:
    """An API key, else user and password."""
    key, user, password = secret("api_key"), secret("username"), secret("password")
    if key is not None:
        return {"api_key": key}
    if user is not None and password is not None:
        return {"basic_auth": (user, password)}
    if user is not None or password is not None:
        raise ConfigurationError("elasticsearch: a user needs a password, and a password a user")
    return {}


def _trust(elastic: Elastic) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, place in (("ca_certs", elastic.ca_file), ("client_cert", elastic.client_certificate), ("client_key", elastic.client_key)):
        if place is not None:
            if not place.is_file():
                raise ConfigurationError(f"elasticsearch: {place} is no file")
            given[name] = str(place)
    if elastic.fingerprint is not None:
        given["ssl_assert_fingerprint"] = elastic.fingerprint.replace(":", "").lower()
        given["verify_certs"] = elastic.ca_file is not None
        given["ssl_show_warn"] = False
    return given


def maker_of(configuration: Configuration) -> Maker:
    """Makes documents of this sensor."""
    import socket
    from importlib.metadata import version

    from sensor.documents.make import Maker

    elastic = configuration.elasticsearch
    return Maker(
        name=configuration.sensor.name, site=configuration.sensor.site, hostname=socket.gethostname(), version=version("fieldtap"),
        namespace="default" if elastic is None else elastic.namespace,
    )  # fmt: skip
