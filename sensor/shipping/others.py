"""Outputs beside Elasticsearch, as the configuration names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from sensor.shipping.client import maker_of
from sensor.shipping.config import Configuration, FileOutput, SyslogOutput

if TYPE_CHECKING:
    from sensor.shipping.files import Form
    from sensor.shipping.output import Output


def other_output(one: FileOutput | SyslogOutput, configuration: Configuration) -> Output:
    """The output of a section [[outputs]]."""
    if isinstance(one, SyslogOutput):
        from sensor.shipping.syslog import Syslog, Way

        way = Way(
            host=one.host,
            port=one.port,
            transport=one.transport,
            ca_file=one.ca_file,
            certificate=one.client_certificate,
            key=one.client_key,
        )
        return Syslog(one.name, cast("Sequence[str]", one.classes), maker_of(configuration), way, facility=one.facility)
    from sensor.shipping.files import Lines

    return Lines(
        one.name,
        cast("Sequence[str]", one.classes),
        one.path,
        form_of(one.kind, configuration),
        rotate_bytes=one.rotate_bytes,
        keep=one.keep,
    )


def form_of(kind: str, configuration: Configuration) -> Form:
    """How lines of a file look."""
    maker = maker_of(configuration)
    if kind == "jsonl":
        from sensor.shipping.jsonl import Documents

        return Documents(maker)
    if kind == "eve":
        from sensor.shipping.eve import Eve

        return Eve(maker)
    from sensor.shipping.rows import Rows

    return Rows(maker)
