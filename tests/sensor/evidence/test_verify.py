"""A byte changed anywhere in a pack is found, and said where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.evidence.container import NoPackError, archived, read, write
from sensor.evidence.pack import MANIFEST, SIGNATURE, packed
from sensor.evidence.signing import KeyFileError, private_key, public_key, signature
from sensor.evidence.verify import Outcome, verified
from tests.sensor.cli.run import PCAPS
from tests.sensor.reports.made import judged

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    made = dict(packed(judged(PCAPS / "s7" / "plus-intrusion.pcap")).files)
    return {**made, SIGNATURE: signature(made[MANIFEST], KEY)}


@pytest.fixture(scope="module")
def folder(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pack") / "pack"
    write(files, place)
    return place


@pytest.fixture(scope="module")
def archive(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pack") / "pack.zip"
    write(files, place)
    return place


@pytest.fixture(params=["folder", "archive"])
def pack(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def test_a_sound_pack_holds(pack: Path, files: dict[str, bytes]) -> None:
    outcome = verified(pack, KEY.public_key())
    assert outcome.sound, outcome.wrong
    assert (outcome.signed, outcome.origin, outcome.files) == (True, True, len(files) - 3)
    assert outcome.reproduced == outcome.slices > 0


def test_without_a_key_it_proves_no_origin(pack: Path) -> None:
    outcome = verified(pack)
    assert outcome.sound
    assert (outcome.signed, outcome.origin) == (True, False)
    assert outcome.signer == KEY.public_key().public_bytes_raw().hex()


def test_another_key_does_not_fit(pack: Path) -> None:
    outcome = verified(pack, OTHER.public_key())
    assert [wrong.path for wrong in outcome.wrong] == [SIGNATURE]
    assert not outcome.origin


def test_an_unsigned_pack_holds_without_a_key_alone(files: dict[str, bytes], tmp_path: Path) -> None:
    write({path: content for path, content in files.items() if path != SIGNATURE}, tmp_path / "pack.zip")
    assert verified(tmp_path / "pack.zip").sound
    assert not verified(tmp_path / "pack.zip").signed
    assert [wrong.path for wrong in verified(tmp_path / "pack.zip", KEY.public_key()).wrong] == [SIGNATURE]


def judgement(path: Path) -> Outcome | NoPackError:
    try:
        return verified(path)
    except NoPackError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_byte_in_a_file_is_found_and_named(folder: Path, files: dict[str, bytes], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(files)), label="file")
    at = data.draw(st.integers(0, len(files[path]) - 1), label="byte")
    bits = data.draw(st.integers(1, 255), label="bits")
    place = folder / path
    content = bytearray(files[path])
    content[at] ^= bits
    try:
        place.write_bytes(bytes(content))
        outcome = judgement(folder)
    finally:
        place.write_bytes(files[path])
    if isinstance(outcome, NoPackError):
        assert path in str(outcome)
    else:
        assert not outcome.sound
        named = " ".join(f"{wrong.path} {wrong.what}" for wrong in outcome.wrong)
        assert path in named, named


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_byte_of_an_archive_is_found(archive: Path, data: st.DataObject) -> None:
    whole = archive.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1), label="byte")
    content = bytearray(whole)
    content[at] ^= data.draw(st.integers(1, 255), label="bits")
    other = archive.with_name("other.zip")
    other.write_bytes(bytes(content))
    outcome = judgement(other)
    assert isinstance(outcome, NoPackError) or not outcome.sound


def moved(files: dict[str, bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    gone = next(path for path in files if path.startswith("slices/"))
    yield gone, {path: content for path, content in files.items() if path != gone}
    yield "slices/more.pcap", {**files, "slices/more.pcap": b"x"}
    yield gone, {**files, gone: files[gone] + b"\0"}


@pytest.mark.parametrize("case", [0, 1, 2], ids=["missing", "added", "longer"])
def test_missing_added_and_longer_files_are_named(files: dict[str, bytes], tmp_path: Path, case: int) -> None:
    path, changed = list(moved(files))[case]
    write(changed, tmp_path / "pack")
    assert [wrong.path for wrong in verified(tmp_path / "pack").wrong] == [path]


def test_a_manifest_made_anew_needs_the_key(files: dict[str, bytes], tmp_path: Path) -> None:
    """Whoever can change everything can make a pack that is whole; only the signature says that it is another's."""
    forged = packed(judged(PCAPS / "plant" / "normal.pcapng"))
    signed = {**forged.files, SIGNATURE: signature(forged.files[MANIFEST], OTHER)}
    write(signed, tmp_path / "forged.zip")
    assert verified(tmp_path / "forged.zip").sound
    assert not verified(tmp_path / "forged.zip", KEY.public_key()).sound
    kept = {**forged.files, SIGNATURE: files[SIGNATURE]}
    write(kept, tmp_path / "kept.zip")
    assert [wrong.path for wrong in verified(tmp_path / "kept.zip").wrong] == [SIGNATURE]


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + bytes(40), b"\x1f\x8b", bytes(100)])
def test_what_is_no_pack_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(content)
    with pytest.raises(NoPackError):
        verified(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoPackError, match="no evidence pack"):
        verified(tmp_path / "empty")


@pytest.mark.parametrize("manifest", [b"[]", b"{}", b"7", b'{"fieldtap_evidence": 1, "files": [7], "slices": []}', b"[" * 100_000])
def test_a_hostile_manifest_is_no_manifest(tmp_path: Path, manifest: bytes) -> None:
    write({MANIFEST: manifest}, tmp_path / "pack")
    with pytest.raises(NoPackError):
        verified(tmp_path / "pack")


def test_an_archive_with_a_name_twice_or_a_link_in_a_folder_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "pack.zip"
    path.write_bytes(archived(files))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(MANIFEST, b"{}")
    with pytest.raises(NoPackError, match="twice"):
        read(path)
    write(files, tmp_path / "pack")
    (tmp_path / "pack" / "more").symlink_to("/etc/hostname")
    with pytest.raises(NoPackError, match="link"):
        read(tmp_path / "pack")


def test_keys_come_from_pem_files_and_wrong_ones_say_so(tmp_path: Path) -> None:
    plain, locked, public = (tmp_path / name for name in ("plain.pem", "locked.pem", "public.pem"))
    plain.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    locked.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open")))
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for key in (private_key(plain, None), private_key(locked, b"open")):
        assert key.private_bytes_raw() == KEY.private_bytes_raw()
    assert public_key(public).public_bytes_raw() == KEY.public_key().public_bytes_raw()
    for wrong in (lambda: private_key(locked, None), lambda: private_key(public, None), lambda: public_key(plain)):
        with pytest.raises(KeyFileError):
            wrong()


def test_signing_again_gives_the_same_bytes(files: dict[str, bytes]) -> None:
    assert signature(files[MANIFEST], KEY) == files[SIGNATURE]
