"""Ed25519 (RFC 8032) over a pack's manifest. Keys are PEM files, as openssl makes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PURPOSE: Final = b"fieldtap evidence pack 1\n"
"""Stands before what is signed, so that a signature is for nothing else."""
HOW: Final = "openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out public.pem"


class KeyFileError(Exception):
    """A key can't be used. The text says why, and how to make one."""


def private_key(path: Path, passphrase: bytes | None) -> Ed25519PrivateKey:
    """The private key of a PEM file. Raises KeyFileError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), passphrase)
    except TypeError as error:
        raise KeyFileError(f"{path}: {error}; a passphrase is taken from FIELDTAP_KEY_PASSPHRASE") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is no private key in PEM. Make one: {HOW}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is no Ed25519 key. Make one: {HOW}")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a PEM file. Raises KeyFileError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is no public key in PEM. It is made from the private one: {HOW.partition(' && ')[2]}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path} is no Ed25519 key")
    return key


def signature(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """The content of manifest.sig. Ed25519 is deterministic: the same key and manifest give the same bytes."""
    return _document(key.public_key().public_bytes_raw(), key.sign(PURPOSE + manifest))


def _document(public: bytes, signed: bytes) -> bytes:
    document = {"algorithm": "Ed25519", "public_key": public.hex(), "signature": signed.hex()}
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def signer(manifest: bytes, document: bytes) -> Ed25519PublicKey | None:
    """Whose key signed the manifest, by manifest.sig; None where that is not a sound signature over it, byte for byte."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        said = json.loads(document)
        public, signed = bytes.fromhex(said["public_key"]), bytes.fromhex(said["signature"])
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(signed, PURPOSE + manifest)
    except (ValueError, KeyError, TypeError, RecursionError, InvalidSignature):
        return None
    return key if document == _document(public, signed) else None
