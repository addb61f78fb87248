"""fieldtap.toml: who this sensor is and where its findings go. Secrets come from the environment or from files of their own, not from here.

[sensor]
name = "plant1-a"
site = "plant1"

[elasticsearch]
hosts = ["https://es.plant1.example:9200"]
ca_file = "ca.crt"

[[outputs]]
kind = "jsonl"
path = "findings.jsonl"
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FILE: Final = "fieldtap.toml"
VARIABLE: Final = "FIELDTAP_CONFIG"
SECRETS: Final[Mapping[str, str]] = {
    "api_key": "FIELDTAP_ELASTICSEARCH_API_KEY",
    "username": "FIELDTAP_ELASTICSEARCH_USERNAME",
    "password": "FIELDTAP_ELASTICSEARCH_PASSWORD",
    "kibana_api_key": "FIELDTAP_KIBANA_API_KEY",
}
"""Where secrets are. Each may instead be in a file that the variable with _FILE at its end names."""
FORBIDDEN: Final = ("api_key", "password", "username", "basic_auth", "bearer_auth", "token")
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_NAMESPACE: Final = r"^[a-z0-9_.]{1,100}$"
Class = Literal["alert", "violation", "coverage", "asset", "current", "sensor", "transaction"]
FINDINGS: Final[tuple[Class, ...]] = ("alert", "violation", "coverage")


class ConfigurationError(ValueError):
    """The configuration can't be used; one line for each mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sensor(_Strict):
    """Who it is. The name stands in every document's id: two sensors must not share one."""

    name: str = Field(default_factory=lambda: socket.gethostname().partition(".")[0] or "sensor", pattern=_NAME)
    site: str | None = Field(default=None, pattern=_NAME)


class Elastic(_Strict):
    """A cluster: hosts or a cloud id, and how to trust it."""

    hosts: list[str] = Field(default_factory=list)
    cloud_id: str | None = None
    namespace: str = Field(default="default", pattern=_NAMESPACE)
    transactions: Literal["none", "unexpected", "all"] = "none"
    ca_file: Path | None = None
    fingerprint: str | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    proxy: str | None = None
    compress: bool = False
    timeout: float = Field(default=30, gt=0, le=600)
    kibana: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Elastic:
        if bool(self.hosts) == (self.cloud_id is not None):
            raise ValueError("give either hosts or cloud_id")
        for url in (*self.hosts, *filter(None, (self.proxy, self.kibana))):
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{url!r} is no address: write https://host:9200")
            if "@" in url:
                raise ValueError("credentials don't belong into an address: use the environment")
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key go together")
        return self


class FileOutput(_Strict):
    """JSON lines, eve.json or CSV."""

    kind: Literal["jsonl", "eve", "csv"]
    path: Path
    classes: list[Class] = list(FINDINGS)
    rotate_bytes: int = Field(default=100 << 20, ge=1024)
    keep: int = Field(default=5, ge=0, le=1000)

    @property
    def name(self) -> str:
        """What tells outputs of one store apart."""
        return f"{self.kind}:{self.path}"


class SyslogOutput(_Strict):
    """CEF in syslog (RFC 5424)."""

    kind: Literal["syslog"]
    host: str
    port: int = Field(default=514, ge=1, le=65535)
    transport: Literal["tcp", "tls", "udp"] = "tcp"
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    facility: int = Field(default=16, ge=0, le=23)
    classes: list[Class] = list(FINDINGS)

    @property
    def name(self) -> str:
        """What tells outputs of one store apart."""
        return f"syslog:{self.transport}:{self.host}:{self.port}"


class Outbox(_Strict):
    """How much waits at most."""

    max_bytes: int = Field(default=1 << 30, ge=1 << 20)


class Configuration(_Strict):
    """All of it."""

    sensor: Sensor = Field(default_factory=Sensor)
    elasticsearch: Elastic | None = None
    outputs: list[Annotated[FileOutput | SyslogOutput, Field(discriminator="kind")]] = Field(default_factory=list)
    outbox: Outbox = Field(default_factory=Outbox)


def found(path: Path | None = None) -> Path | None:
    """The file: the one named, else FIELDTAP_CONFIG's, else here, else in the user's configuration folder; None where there is none."""
    named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        return named
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    user = (base if base.is_absolute() else Path.home() / ".config") / "fieldtap" / FILE
    return next((place for place in (Path(FILE), user) if place.is_file()), None)


def load(path: Path | None = None) -> Configuration:
    """Reads it; paths in it are relative to it. Without a file all is as by default. Raises ConfigurationError with every mistake."""
    place = found(path)
    if place is None:
        return Configuration()
    try:
        said = tomllib.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{place}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{place}: {error}") from error
    _no_secrets(place, said)
    try:
        return Configuration.model_validate(_placed(said, place.resolve().parent))
    except ValidationError as error:
        raise ConfigurationError("\n".join(_mistake(place, one) for one in error.errors(include_input=False, include_url=False))) from None


def _mistake(place: Path, error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"] if part not in ("jsonl", "eve", "csv", "syslog"))
    said = "there is no such setting" if error["type"] == "extra_forbidden" else error["msg"].removeprefix("Value error, ")
    return f"{place}: {where}: {said}"


def _no_secrets(place: Path, said: Mapping[str, Any]) -> None:
    section = said.get("elasticsearch")
    held = [name for name in FORBIDDEN if isinstance(section, dict) and name in section]
    if held:
        wanted = ", ".join(SECRETS.get(name, SECRETS["api_key"]) for name in held)
        raise ConfigurationError(
            f"{place}: elasticsearch.{held[0]}: secrets don't belong into this file: set {wanted} (or the same with _FILE, naming a file)"
        )


def _placed(value: Any, folder: Path) -> Any:
    """Paths relative to the file."""
    names = ("ca_file", "client_certificate", "client_key", "path")
    if isinstance(value, dict):
        return {
            name: str(folder / inner) if name in names and isinstance(inner, str) else _placed(inner, folder)
            for name, inner in value.items()
        }
    return [_placed(inner, folder) for inner in value] if isinstance(value, list) else value


def secret(name: str) -> str | None:
    """From the environment, or from the file that it names. Raises ConfigurationError."""
    variable = SECRETS[name]
    if os.environ.get(variable):
        return os.environ[variable]
    place = os.environ.get(f"{variable}_FILE")
    if not place:
        return None
    try:
        return Path(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{variable}_FILE: {place}: {getattr(error, 'strerror', None) or error}") from error
