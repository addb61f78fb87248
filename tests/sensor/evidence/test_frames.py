"""Frames are numbered, timed and cut as the engine does it; damage ends them where it begins."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor.evidence.frames import UnreadableError, frames
from sensor.evidence.layers import layers
from sensor.evidence.masks import masked
from tests.robustness.frames import read
from tests.sensor.cli.run import PCAPS

CAPTURES = sorted(path for path in PCAPS.rglob("*") if path.suffix in (".pcap", ".pcapng"))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_frames_are_those_of_another_reader_and_of_the_engine(path: Path) -> None:
    from dissectors import Engine

    mine = list(frames(path))
    assert [(one.time, one.link, one.data, one.wire) for one in mine] == [(one.time, one.link, one.data, one.wire) for one in read(path)]
    engine = Engine(follow=True, digest=False)
    moments = {}
    for batch in engine.replay(path):
        for fact in batch:
            if fact.kind == "transaction" and fact.request is not None:
                moments[fact.request.packet] = fact.request.time
    assert moments
    numbered = {one.number: one.time for one in mine}
    assert {packet: numbered[packet] for packet in moments} == moments
    assert engine.result()["packets"]["read"] == len(mine)


def test_gzip_is_unpacked_and_other_files_are_refused(tmp_path: Path) -> None:
    packed, other = tmp_path / "a.gz", tmp_path / "b"
    packed.write_bytes(gzip.compress(CAPTURES[0].read_bytes()))
    assert list(frames(packed)) == list(frames(CAPTURES[0]))
    other.write_bytes(b"no capture at all")
    with pytest.raises(UnreadableError, match="no capture"):
        list(frames(other))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_captures_never_raise(tmp_path: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([one for one in CAPTURES if one.stat().st_size < 60_000]))
    content = bytearray(path.read_bytes()[: data.draw(st.integers(4, 20_000))])
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(4, len(content) - 1)) if len(content) > 4 else 3] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(bytes(content))
    try:
        for frame in frames(damaged):
            found = layers(frame.link, frame.data)
            assert found.keys
            assert len(masked(frame.data, found).data) == len(frame.data)
    except UnreadableError:
        assert content[:4] != path.read_bytes()[:4]


@pytest.mark.parametrize(
    "rest",
    [b"", b"\x0c\0\0\0\x4d\x3c\x2b\x1a", b"\x0c\0\0\0", b"\x1c\0\0\0\x4d\x3c\x2b\x1a" + bytes(20) + b"\1\0\0\0\x0e\0\0\0" + bytes(9)],
)
def test_sections_and_interfaces_that_are_too_short_end_it(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "short").write_bytes(b"\x0a\x0d\x0d\x0a" + rest)
    assert list(frames(tmp_path / "short")) == []


@given(link=st.sampled_from([0, 1, 101, 108, 113, 228, 229, 276, 999]), data=st.binary(max_size=120))
def test_any_bytes_have_layers_and_keep_their_length(link: int, data: bytes) -> None:
    found = layers(link, data)
    assert found.keys
    assert len(masked(data, found).data) == len(data)
