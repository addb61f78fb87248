"""Programs and files from captures, byte by byte what the engine hashed, and what is missing where something was lost."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

import dissectors
from dissectors import Engine
from sensor.timeline.contents import MAX_OPEN, Contents, Transfer
from sensor.timeline.extraction import extract, file_name
from tests.synthetic import transaction

PCAPS = Path(__file__).parents[3] / "pcaps"
pytestmark = pytest.mark.skipif(getattr(dissectors._native, "__file__", None) is None, reason="the native engine is not built")


def passed(capture: Path, *, hold: bool = True) -> list[Transfer]:
    """All programs and files of a capture, with everything delivered."""
    contents = Contents(hold=hold)
    for batch in Engine(contents=True).replay(capture):
        for t in batch.transactions:
            contents.take(t)
    return list(contents.all())


@pytest.mark.parametrize("capture", ["s7/blocks.pcap", "dnp3/files.pcap", "mixed/attack.pcapng", "s7/intrusion.pcap"])
def test_what_is_put_together_has_the_engines_digest(capture: str) -> None:
    found = passed(PCAPS / capture)
    told = [one for one in found if one.told is not None]
    assert told
    for one in told:
        assert hashlib.sha256(bytes(one.content or b"")).hexdigest() == one.told == one.sha256


def test_blocks_of_a_controller_go_both_ways() -> None:
    found = {(one.name, one.direction): one for one in passed(PCAPS / "s7" / "blocks.pcap") if not one.missing}
    assert (found["DB10", "out_of"].received, found["DB10", "out_of"].announced) == (456, 456)
    assert found["FC1", "into"].received == 464
    assert bytes(found["FC1", "into"].content or b"").startswith(b"pp")


def test_a_umas_program_is_put_together_from_its_blocks() -> None:
    into, out_of = (one for one in passed(PCAPS / "plant" / "umas.pcap") if one.protocol == "umas")
    assert (into.direction, into.parts, into.received, into.missing) == ("into", 5, 5 * 128, [])
    assert (out_of.direction, out_of.missing) == ("out_of", [])
    assert out_of.received == out_of.parts * 64


def test_files_of_an_outstation_have_their_names() -> None:
    found = {(one.name, one.direction): one for one in passed(PCAPS / "dnp3" / "files.pcap")}
    assert found["/cfg/settings.cfg", "out_of"].missing == []
    assert found["/cfg/settings.cfg", "out_of"].received == 844
    assert found["/app/logic.bin", "into"].parts > 1


def test_contents_cross_only_where_they_are_asked_for() -> None:
    for engine, expected in ((Engine(), 0), (Engine(contents=True), 1)):
        parts = [t.content for batch in engine.replay(PCAPS / "s7" / "blocks.pcap") for t in batch.transactions if t.content is not None]
        assert bool(parts) == bool(expected)


def test_what_the_gate_expects_brings_no_content() -> None:
    from dissectors import Clause

    engine = Engine(follow=False, contents=True)
    engine.open([PCAPS / "s7" / "blocks.pcap"])
    crossed = []
    while (batch := engine.advance()) is not None:
        for t in batch.transactions:
            crossed.append(t.content)
            engine.expect(t.operation, [(0, [Clause(anomalies=None, outcomes=None)])])
    assert 0 < sum(content is not None for content in crossed) <= 2, "the first part of each direction alone"


def test_a_lost_part_is_said(tmp_path: Path) -> None:
    """The frame of a block's middle part is taken out of the capture."""
    from scapy.utils import rdpcap, wrpcap

    packets = rdpcap(str(PCAPS / "s7" / "blocks.pcap"))
    wrpcap(str(tmp_path / "lost.pcap"), [packet for number, packet in enumerate(packets, start=1) if number not in (12, 13)])
    lost = next(one for one in passed(tmp_path / "lost.pcap") if one.name == "DB10" and one.direction == "out_of")
    assert any("256 of 456 bytes" in said for said in lost.missing), lost.missing
    assert "incomplete" in file_name(1, lost)


def test_a_capture_that_begins_in_the_middle_says_so(tmp_path: Path) -> None:
    from scapy.utils import rdpcap, wrpcap

    wrpcap(str(tmp_path / "late.pcap"), rdpcap(str(PCAPS / "s7" / "blocks.pcap"))[9:])
    first = passed(tmp_path / "late.pcap")[0]
    assert "its beginning was not seen" in first.missing


def test_extraction_is_for_its_owner_alone_under_safe_names(tmp_path: Path) -> None:
    found = passed(PCAPS / "dnp3" / "files.pcap")
    found[0].name = "../../etc/passwd\x00\x1b[31m"
    files = extract(found, tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 and file.parent == tmp_path / "out" for file in files)
    assert "passwd" in files[0].name
    assert all(character.isalnum() or character in "._-" for file in files for character in file.name)
    assert hashlib.sha256(files[1].read_bytes()).hexdigest() == found[1].sha256
    assert extract(found, tmp_path / "out") == files
    files[0].write_bytes(b"something else")
    with pytest.raises(FileExistsError, match="something else"):
        extract(found, tmp_path / "out")


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    found = passed(PCAPS / "dnp3" / "files.pcap")[:1]
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / file_name(1, found[0])).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        extract(found, tmp_path / "out")
    assert victim.read_bytes() == b"mine"


def test_many_open_transfers_are_bounded() -> None:
    contents = Contents(hold=True)
    for number in range(MAX_OPEN + 50):
        said = {"protocol": "s7comm", "access": "program", "function": {"code": 26, "name": "request_download"}}
        made = transaction({**said, "detail": {"block_type": "DB", "block_number": number}})
        contents.take(made)  # type: ignore[arg-type]
    assert len(contents._open) == MAX_OPEN
    assert len(list(contents.all())) == MAX_OPEN + 50


def test_nothing_is_held_beyond_the_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.timeline.contents.MOST_BYTES", 300)
    one = next(one for one in passed(PCAPS / "s7" / "blocks.pcap") if one.name == "DB10" and one.direction == "out_of")
    assert (one.received, one.sha256) == (456, one.told)
    assert len(one.content or b"") <= 300
    assert "it is larger than what is held" in one.missing
