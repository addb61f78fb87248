"""Addresses between text and bytes, against the standard library's reading."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors import packed


@given(st.ip_addresses())
def test_an_ip_address_is_its_bytes_on_the_wire(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert packed(str(address)) == address.packed


@given(st.binary(min_size=6, max_size=6))
def test_a_mac_is_its_bytes(mac: bytes) -> None:
    assert packed(mac.hex(":")) == mac


def test_a_scope_is_left_out() -> None:
    assert packed("fe80::1%eth0") == ipaddress.ip_address("fe80::1").packed


@pytest.mark.parametrize(
    "text", ["", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "00:80:f4:0b:33", "00:80:f4:0b:33:4", "00-80-f4-0b-33-44", "x", "\ud800"]
)
def test_what_is_no_address_has_none(text: str) -> None:
    assert packed(text) is None
